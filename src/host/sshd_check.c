/* SPDX-License-Identifier: Apache-2.0 */
/* What sshd refuses of a line that it can read, as far as that is the same in every build. */
#include <arpa/inet.h>

#include "base/num.h"
#include "host/sshd_config.h"

/* Words that a keyword takes; those of no row take yes and no. */
static const struct {
	const char *keyword;
	const char *const *words;
} fixed_words[] = {
	{"AddressFamily", (const char *const[]){"any", "inet", "inet6", NULL}},
	{"AllowStreamLocalForwarding",
	 (const char *const[]){"yes", "no", "all", "local", "remote", NULL}},
	{"AllowTcpForwarding", (const char *const[]){"yes", "no", "all", "local", "remote", NULL}},
	{"Compression", (const char *const[]){"yes", "no", "delayed", NULL}},
	{"FingerprintHash", (const char *const[]){"md5", "sha256", NULL}},
	{"GatewayPorts", (const char *const[]){"yes", "no", "clientspecified", NULL}},
	{"IgnoreRhosts", (const char *const[]){"yes", "no", "shosts-only", NULL}},
	{"LogLevel", (const char *const[]){"silent", "quiet", "fatal", "error", "info", "verbose",
									   "debug", "debug1", "debug2", "debug3", NULL}},
	{"PermitRootLogin", (const char *const[]){"yes", "no", "prohibit-password", "without-password",
											  "forced-commands-only", NULL}},
	{"SyslogFacility",
	 (const char *const[]){"daemon", "user", "auth", "authpriv", "local0", "local1", "local2",
						   "local3", "local4", "local5", "local6", "local7", NULL}},
};

static bool is_word_of(const struct sshd_line *line)
{
	uint64_t n;

	if (strcmp(line->keyword->name, "PerSourceMaxStartups") == 0)
		return str_is_nocase(line->args[0], "none") ||
			   num_u64(line->args[0], 0, INT32_MAX, &n) == 0;
	/* The one keyword of which sshd minds the case. */
	if (strcmp(line->keyword->name, "PermitTunnel") == 0)
		return str_is_one_of(line->args[0], NAMES("yes", "no", "point-to-point", "ethernet"));
	for (size_t i = 0; i < ARRAY_LEN(fixed_words); i++)
		if (strcmp(line->keyword->name, fixed_words[i].keyword) == 0)
			return str_is_one_of_nocase(line->args[0], fixed_words[i].words);
	return str_is_one_of_nocase(line->args[0], NAMES("yes", "no"));
}

/* --- Match ------------------------------------------------------------------------------------ */

/* "192.0.2.0/24" without bits behind the mask; what is no address is a pattern. */
static bool is_bad_network(struct str item)
{
	struct str address = STR_ABSENT;
	unsigned char bytes[16] = {0};
	char text[64];
	uint64_t bits;
	size_t n;

	str_skip(&item, "!");
	if (!str_has_char(item, '/') || !str_cut(&item, '/', &address) || address.n >= sizeof(text))
		return false;
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	n = inet_pton(AF_INET, text, bytes) == 1 ? 4 : inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
	if (!n || num_u64(item, 0, n * 8, &bits) < 0)
		return true;
	for (size_t i = (size_t)bits; i < n * 8; i++)
		if (bytes[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

static const char *match_problem(struct str name, struct str value)
{
	static const char *const names[] = {"user",         "group",     "host",    "address",
										"localaddress", "localport", "rdomain", "version",
										"invalid-user", NULL};
	bool is_address = str_is_nocase(name, "address") || str_is_nocase(name, "localaddress");
	struct str item = STR_ABSENT;
	uint64_t port;

	if (!str_is_one_of_nocase(name, names))
		return "a criterion of Match that sshd does not know";
	if (str_is_nocase(name, "localport") && num_u64(value, 1, 65535, &port) < 0)
		return "LocalPort of Match is no port";
	while (is_address && str_cut(&value, ',', &item))
		if (is_bad_network(item))
			return "an address of Match is no address, or has bits behind its mask";
	return NULL;
}

/* "User ops Host *.example", from release 10 also "User=ops"; Invalid-User stands alone. */
static const char *match_line_problem(const struct sshd_line *line)
{
	const char *problem = NULL;

	for (size_t i = 0; i < line->n_args && !problem; i++) {
		struct str value = line->args[i], name = STR_ABSENT;

		if (str_is_nocase(value, "all")) {
			problem = line->n_args > 1 ? "`all` of Match stands beside other criteria" : NULL;
		} else if (str_is_nocase(value, "invalid-user")) {
			continue;
		} else if (str_has_char(value, '=') && str_cut(&value, '=', &name)) {
			problem = match_problem(name, value);
		} else {
			name = value;
			problem = i + 1 < line->n_args ? match_problem(name, line->args[i + 1])
										   : "a criterion of Match has no value";
			i++;
		}
	}
	return problem;
}

/* --- arguments -------------------------------------------------------------------------------- */

static bool takes_one(const struct sshd_line *line)
{
	switch ((enum sshd_kind)line->keyword->kind) {
	case SSHD_WORD:
	case SSHD_UPPER:
	case SSHD_TIME:
	case SSHD_NUMBER:
	case SSHD_STARTUPS:
	case SSHD_ALGORITHMS:
		return true;
	default:
		return false;
	}
}

static bool is_number(const struct sshd_line *line)
{
	struct str s = line->args[0];
	uint64_t n;

	str_skip(&s, "-");
	return num_u64(s, 0, INT32_MAX, &n) == 0;
}

static bool is_time(const struct sshd_line *line)
{
	int64_t seconds;

	if (strcmp(line->keyword->name, "UnusedConnectionTimeout") == 0 &&
		str_is(line->args[0], "none"))
		return true;
	return sshd_seconds(line->args[0], &seconds);
}

/* "10" or "10:30:100": start, percent, full. */
static bool is_startups(struct str s)
{
	uint64_t n[3] = {1, 1, 1};
	struct str part = STR_ABSENT;
	size_t k = 0;

	while (k < 3 && str_cut(&s, ':', &part))
		if (num_u64(part, 0, INT32_MAX, &n[k++]) < 0)
			return false;
	return !s.p && (k == 1 || (k == 3 && n[0] <= n[2] && n[1] >= 1 && n[1] <= 100 && n[0] >= 1));
}

/* As strtol() has it with base 8, which leaves alone what stands behind the digits: up to 0777. */
static bool is_mask(struct str s)
{
	unsigned value = 0;
	size_t i = 0;

	str_skip(&s, "+");
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '7' && value <= 0777; i++)
		value = value * 8 + (unsigned)(s.p[i] - '0');
	return i && value <= 0777;
}

/* Ports and the place of an address are checked by their own rules of the keyword. */
static const char *text_problem(const struct sshd_line *line)
{
	struct str first = line->args[0];
	const char *name = line->keyword->name;
	uint64_t n;

	if (strcmp(name, "Port") == 0 && (line->n_args > 1 || num_u64(first, 1, 65535, &n) < 0))
		return "no port";
	for (size_t i = 0; i < line->n_args && strcmp(name, "AcceptEnv") == 0; i++)
		if (str_has_char(line->args[i], '='))
			return "no name of a variable";
	if (strcmp(name, "PermitOpen") == 0 && !str_is_nocase(first, "any") &&
		!str_is_nocase(first, "none") && !str_has_char(first, ':'))
		return "not HOST:PORT";
	if (strcmp(name, "StreamLocalBindMask") == 0 && !is_mask(first))
		return "no mask";
	if (strcmp(name, "Subsystem") == 0 && line->n_args < 2)
		return "a subsystem without a command";
	if (strcmp(name, "AuthenticationMethods") == 0 && line->n_args > 1)
		for (size_t i = 0; i < line->n_args; i++)
			if (str_is_nocase(line->args[i], "any"))
				return "`any` stands beside other methods";
	return NULL;
}

const char *sshd_line_problem(const struct sshd_line *line)
{
	if (line->bad)
		return line->bad;
	if (!line->keyword)
		return line->name.p && !str_starts(line->name, "#") ? "a keyword that is not known" : NULL;
	if (line->keyword->flags & SSHD_IGNORED || !line->n_args)
		return NULL;
	if (takes_one(line) && line->n_args > 1)
		return "something is left at the end of the line";
	switch ((enum sshd_kind)line->keyword->kind) {
	case SSHD_WORD:
	case SSHD_UPPER:
		return is_word_of(line) ? NULL : "a word that the keyword does not take";
	case SSHD_TIME:
		return is_time(line) ? NULL : "no time";
	case SSHD_NUMBER:
		return is_number(line) ? NULL : "no number";
	case SSHD_STARTUPS:
		return is_startups(line->args[0]) ? NULL : "not START:PERCENT:FULL";
	case SSHD_MATCH:
		return match_line_problem(line);
	default:
		return text_problem(line);
	}
}
