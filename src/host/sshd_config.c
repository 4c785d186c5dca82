/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sshd_config.h"

#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/glob.h"

/* Sorted without regard to case. Those of servconf.c in OpenSSH 10, and of the GSSAPI and Kerberos
 * patches that Debian and Red Hat carry. */
static const struct sshd_keyword keywords[] = {
	{"AcceptEnv", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AddressFamily", SSHD_WORD, 0, NULL},
	{"AFSTokenPassing", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"AllowAgentForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowGroups", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AllowStreamLocalForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowTcpForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowUsers", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AuthenticationMethods", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysCommandUser", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysFile", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysFile2", SSHD_TEXT, SSHD_IGNORED | SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsCommandUser", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsFile", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"Banner", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"CASignatureAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"ChallengeResponseAuthentication", SSHD_WORD, SSHD_IN_MATCH, "KbdInteractiveAuthentication"},
	{"ChannelTimeout", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"CheckMail", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"ChrootDirectory", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"Ciphers", SSHD_ALGORITHMS, 0, NULL},
	{"ClientAliveCountMax", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"ClientAliveInterval", SSHD_TIME, SSHD_IN_MATCH, NULL},
	{"Compression", SSHD_WORD, 0, NULL},
	{"DebianBanner", SSHD_WORD, SSHD_UNSHOWN, NULL},
	{"DenyGroups", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"DenyUsers", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"DisableForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"DSAAuthentication", SSHD_WORD, 0, "PubkeyAuthentication"},
	{"ExposeAuthInfo", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"FingerprintHash", SSHD_UPPER, 0, NULL},
	{"ForceCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"GatewayPorts", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPIAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPICleanupCredentials", SSHD_WORD, 0, NULL},
	{"GSSAPICleanupCreds", SSHD_WORD, 0, "GSSAPICleanupCredentials"},
	{"GSSAPIEnablek5users", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPIKexAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"GSSAPIKeyExchange", SSHD_WORD, 0, NULL},
	{"GSSAPIStoreCredentialsOnRekey", SSHD_WORD, 0, NULL},
	{"GSSAPIStrictAcceptorCheck", SSHD_WORD, 0, NULL},
	{"GSSAPIUseSessionCredCache", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"GSSUseSessionCCache", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"HostbasedAcceptedAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"HostbasedAcceptedKeyTypes", SSHD_ALGORITHMS, SSHD_IN_MATCH, "HostbasedAcceptedAlgorithms"},
	{"HostbasedAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"HostbasedUsesNameFromPacketOnly", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"HostCertificate", SSHD_LIST, SSHD_ADDS | SSHD_NO_DEFAULT, NULL},
	{"HostDSAKey", SSHD_LIST, SSHD_ADDS, "HostKey"},
	{"HostKey", SSHD_LIST, SSHD_ADDS, NULL},
	{"HostKeyAgent", SSHD_TEXT, 0, NULL},
	{"HostKeyAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"IgnoreRhosts", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"IgnoreUserKnownHosts", SSHD_WORD, 0, NULL},
	{"Include", SSHD_INCLUDE, SSHD_IN_MATCH, NULL},
	{"IPQoS", SSHD_QOS, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"KbdInteractiveAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KeepAlive", SSHD_WORD, 0, "TCPKeepAlive"},
	{"KerberosAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KerberosGetAFSToken", SSHD_WORD, 0, NULL},
	{"KerberosOrLocalPasswd", SSHD_WORD, 0, NULL},
	{"KerberosTgtPassing", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"KerberosTicketCleanup", SSHD_WORD, 0, NULL},
	{"KerberosUniqueCCache", SSHD_WORD, 0, NULL},
	{"KerberosUseKuserok", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KexAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"KeyRegenerationInterval", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"ListenAddress", SSHD_LIST, SSHD_ADDS, NULL},
	{"LoginGraceTime", SSHD_TIME, 0, NULL},
	{"LogLevel", SSHD_UPPER, SSHD_IN_MATCH, NULL},
	{"LogVerbose", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"MACs", SSHD_ALGORITHMS, 0, NULL},
	{"Match", SSHD_MATCH, SSHD_IN_MATCH, NULL},
	{"MaxAuthTries", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"MaxSessions", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"MaxStartups", SSHD_STARTUPS, SSHD_VARIES, NULL},
	{"ModuliFile", SSHD_TEXT, 0, NULL},
	{"PAMAuthenticationViaKbdInt", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PAMServiceName", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"PasswordAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitBlacklistedKeys", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PermitEmptyPasswords", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitListen", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"PermitOpen", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"PermitRootLogin", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitTTY", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitTunnel", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitUserEnvironment", SSHD_TEXT, 0, NULL},
	{"PermitUserRC", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PerSourceMaxStartups", SSHD_WORD, SSHD_VARIES, NULL},
	{"PerSourceNetBlockSize", SSHD_TEXT, SSHD_VARIES, NULL},
	{"PerSourcePenalties", SSHD_TEXT, 0, NULL},
	{"PerSourcePenaltyExemptList", SSHD_LIST, 0, NULL},
	{"PidFile", SSHD_TEXT, 0, NULL},
	{"Port", SSHD_LIST, SSHD_ADDS, NULL},
	{"PrintLastLog", SSHD_WORD, 0, NULL},
	{"PrintMotd", SSHD_WORD, 0, NULL},
	{"Protocol", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PubkeyAcceptedAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"PubkeyAcceptedKeyTypes", SSHD_ALGORITHMS, SSHD_IN_MATCH, "PubkeyAcceptedAlgorithms"},
	{"PubkeyAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PubkeyAuthOptions", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"RDomain", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"RefuseConnection", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"RekeyLimit", SSHD_REKEY, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"RequiredRSASize", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"ReverseMappingCheck", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RevokedKeys", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"RhostsAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RhostsRSAAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RSAAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RSAMinSize", SSHD_NUMBER, SSHD_IN_MATCH, "RequiredRSASize"},
	{"SecurityKeyProvider", SSHD_TEXT, 0, NULL},
	{"ServerKeyBits", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"SetEnv", SSHD_LIST, SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"ShowPatchLevel", SSHD_WORD, 0, NULL},
	{"SkeyAuthentication", SSHD_WORD, SSHD_IN_MATCH, "KbdInteractiveAuthentication"},
	{"SshdAuthPath", SSHD_TEXT, 0, NULL},
	{"SshdSessionPath", SSHD_TEXT, 0, NULL},
	{"StreamLocalBindMask", SSHD_TEXT, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"StreamLocalBindUnlink", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"StrictModes", SSHD_WORD, 0, NULL},
	{"Subsystem", SSHD_TEXT, SSHD_ADDS | SSHD_EACH | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"SyslogFacility", SSHD_UPPER, 0, NULL},
	{"TCPKeepAlive", SSHD_WORD, 0, NULL},
	{"TrustedUserCAKeys", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"UnusedConnectionTimeout", SSHD_TIME, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"UseDNS", SSHD_WORD, 0, NULL},
	{"UseLogin", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"UsePAM", SSHD_WORD, 0, NULL},
	{"UsePrivilegeSeparation", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"VerifyReverseMapping", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"VersionAddendum", SSHD_RAW, 0, NULL},
	{"X11DisplayOffset", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"X11Forwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"X11MaxDisplays", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"X11UseLocalhost", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"XAuthLocation", SSHD_TEXT, 0, NULL},
};

static int compare_name(const void *key, const void *keyword)
{
	struct str name = *(const struct str *)key;
	const char *known = ((const struct sshd_keyword *)keyword)->name;
	int c = strncasecmp(name.p, known, name.n);

	return c ? c : known[name.n] ? -1 : 0;
}

const struct sshd_keyword *sshd_keyword(struct str name)
{
	const struct sshd_keyword *found = NULL;

	if (name.n && !memchr(name.p, '\0', name.n))
		found = bsearch(&name, keywords, ARRAY_LEN(keywords), sizeof(*keywords), compare_name);
	return found && found->means ? sshd_keyword(str_of(found->means)) : found;
}

size_t sshd_keyword_index(const struct sshd_keyword *keyword)
{
	return (size_t)(keyword - keywords);
}

size_t sshd_keywords(const struct sshd_keyword **ret_first)
{
	*ret_first = keywords;
	return ARRAY_LEN(keywords);
}

/* --- lines --------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct str *s)
{
	while (s->n && is_blank(s->p[0]))
		s->p++, s->n--;
}

static struct str strip(struct str s)
{
	skip_blanks(&s);
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\f'))
		s.n--;
	return s;
}

static void advance(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* What stands in the quotes that open at s->p[before] belongs to the keyword, and the second quote
 * ends it, so `"Port" 22` and `Po"rt" 22` are both Port. */
static bool take_quoted(struct arena *a, struct str *s, size_t before, struct str *ret)
{
	const char *inside = s->p + before + 1;
	const char *end = memchr(inside, '"', s->n - before - 1);

	if (!end)
		return false;
	*ret = (struct str){inside, (size_t)(end - inside)};
	if (before)
		*ret = str_of(arena_printf(a, "%.*s%.*s", (int)before, s->p, (int)ret->n, ret->p));
	advance(s, (size_t)(end + 1 - s->p));
	skip_blanks(s);
	return true;
}

/* The keyword: up to a blank, a quote or an equals sign, of which one is passed over. */
static bool take_keyword(struct arena *a, struct str *s, struct str *ret)
{
	size_t n = 0;
	bool equals;

	while (n < s->n && !is_blank(s->p[n]) && s->p[n] != '"' && s->p[n] != '=')
		n++;
	*ret = (struct str){s->p, n};
	if (n < s->n && s->p[n] == '"')
		return take_quoted(a, s, n, ret);
	equals = n < s->n && s->p[n] == '=';
	advance(s, MIN(n + 1, s->n));
	skip_blanks(s);
	if (!equals && str_skip(s, "="))
		skip_blanks(s);
	return true;
}

struct splitter {
	struct str text;
	size_t i;
	char *out; /* room for the rest's arguments; what is taken out never grows */
	size_t n;
};

/* Copies one argument, without its quotes and escapes. False when a quote stays open. */
static bool take_argument(struct splitter *s, struct str *ret)
{
	char quote = '\0';
	size_t start = s->n;

	for (; s->i < s->text.n; s->i++) {
		char c = s->text.p[s->i], next = s->i + 1 < s->text.n ? s->text.p[s->i + 1] : '\0';

		if (c == '\\' && (next == '\'' || next == '"' || next == '\\' || (!quote && next == ' '))) {
			s->out[s->n++] = next;
			s->i++;
		} else if (!quote && (c == ' ' || c == '\t')) {
			break;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote && c == quote) {
			quote = '\0';
		} else {
			s->out[s->n++] = c;
		}
	}
	*ret = (struct str){s->out + start, s->n - start};
	return !quote;
}

/* As sshd's argv_split(): a '#' that begins an argument begins a comment. */
static const char *split_arguments(struct arena *a, struct str rest, struct sshd_line *line)
{
	struct splitter s = {.text = rest, .out = arena_alloc(a, rest.n + 1)};
	VEC(struct str) args = {0};
	const char *bad = NULL;
	bool empty_list;

	while (!bad) {
		struct str argument;

		while (s.i < rest.n && (rest.p[s.i] == ' ' || rest.p[s.i] == '\t'))
			s.i++;
		if (s.i == rest.n || rest.p[s.i] == '#')
			break;
		if (!take_argument(&s, &argument))
			bad = "a quote is not closed";
		else
			*vec_push(a, &args) = argument;
	}
	line->args = args.p;
	line->n_args = args.n;
	/* With nothing but a comment, a list that may be empty is left as it was. */
	empty_list = rest.n && line->keyword && line->keyword->kind == SSHD_LIST &&
				 line->keyword->flags & SSHD_NO_DEFAULT;
	if (!bad && !args.n && !empty_list)
		bad = "the keyword has no argument";
	return bad;
}

void sshd_line_parse(struct arena *a, struct str text, struct sshd_line *ret)
{
	struct str s = strip(text);
	struct sshd_line line = {.text = text};

	*ret = line;
	if (!s.n || s.p[0] == '#')
		return;
	/* sshd drops an empty word in front, so `= Port 22` sets Port. */
	if (!take_keyword(a, &s, &line.name) || (!line.name.n && !take_keyword(a, &s, &line.name))) {
		line.name = s;
		line.bad = "a quote is not closed";
	} else if (str_has_char(text, '\0')) {
		line.bad = "it holds a NUL byte";
	} else if (str_starts(line.name, "#")) {
		return;
	} else {
		line.keyword = sshd_keyword(line.name);
		line.rest = s;
		line.bad = split_arguments(a, s, &line);
	}
	*ret = line;
}

void sshd_file_parse(struct arena *a, const char *path, struct str text, struct sshd_file *ret)
{
	VEC(struct sshd_line) lines = {0};

	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		struct str line = {text.p, end ? (size_t)(end + 1 - text.p) : text.n};

		sshd_line_parse(a, line, vec_push(a, &lines));
		advance(&text, line.n);
	}
	*ret = (struct sshd_file){path, lines.p, lines.n};
}

int sshd_file_dump(const struct sshd_file *file, struct buf *out)
{
	for (size_t i = 0; i < file->n; i++)
		buf_str(out, file->lines[i].text);
	return out->full ? -ENOBUFS : 0;
}

/* --- values -------------------------------------------------------------------------------- */

/* "8080" of PermitListen is a port on any address. */
static struct str member(struct arena *a, const struct sshd_line *line, size_t i)
{
	struct str s = line->args[i];
	uint64_t port;

	if (line->keyword && strcmp(line->keyword->name, "PermitListen") == 0 &&
		num_u64(s, 0, 65535, &port) == 0)
		return str_of(arena_printf(a, "*:%u", (unsigned)port));
	return s;
}

static struct str join(struct arena *a, const struct sshd_line *line, char separator)
{
	size_t n = 0, at = 0;
	char *p;

	if (line->n_args == 1)
		return member(a, line, 0);
	for (size_t i = 0; i < line->n_args; i++)
		n += line->args[i].n + sizeof("*:");
	p = arena_alloc(a, n + 1);
	for (size_t i = 0; i < line->n_args; i++) {
		struct str s = member(a, line, i);

		if (i)
			p[at++] = separator;
		memcpy(p + at, s.p, s.n);
		at += s.n;
	}
	return (struct str){p, at};
}

static struct str in_case(struct arena *a, struct str s, bool upper)
{
	char *p = str_dup(a, s);

	for (size_t i = 0; i < s.n; i++) {
		if (upper && p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
		else if (!upper && p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] - 'A' + 'a');
	}
	return (struct str){p, s.n};
}

/* Words with a newer name, or one that means the same. */
static const struct {
	const char *keyword, *word, *same;
} synonyms[] = {
	{"PermitRootLogin", "without-password", "prohibit-password"},
	{"Compression", "delayed", "yes"},
	{"AllowTcpForwarding", "all", "yes"},
	{"AllowStreamLocalForwarding", "all", "yes"},
	{"LogLevel", "QUIET", "SILENT"},
	{"LogLevel", "DEBUG1", "DEBUG"},
};

static struct str word(struct arena *a, const struct sshd_line *line, bool upper)
{
	struct str s = in_case(a, line->args[0], upper);

	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (str_is(s, synonyms[i].word) && strcmp(line->keyword->name, synonyms[i].keyword) == 0)
			return str_of(synonyms[i].same);
	return s;
}

/* sshd's convtime(): numbers with units s, m, h, d, w of either case, added up. */
bool sshd_seconds(struct str s, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	int64_t total = 0;

	if (!s.n)
		return false;
	while (s.n) {
		size_t digits = 0, u = 0;
		uint64_t number;

		while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
			digits++;
		if (num_u64((struct str){s.p, digits}, 0, INT32_MAX, &number) < 0)
			return false;
		advance(&s, digits);
		while (s.n && u < ARRAY_LEN(units) && (s.p[0] | 0x20) != units[u].unit)
			u++;
		if (u == ARRAY_LEN(units))
			return false;
		if (s.n)
			advance(&s, 1);
		total += (int64_t)number * units[u].seconds;
		if (total > INT32_MAX)
			return false;
	}
	*ret = total;
	return true;
}

static struct str seconds(struct arena *a, struct str s)
{
	int64_t n;

	if (str_is_nocase(s, "none"))
		return STR("none");
	return sshd_seconds(s, &n) ? str_of(arena_printf(a, "%lld", (long long)n)) : s;
}

static struct str number(struct arena *a, struct str s)
{
	int64_t n;

	return num_i64(s, INT32_MIN, INT32_MAX, &n) < 0 ? s
													: str_of(arena_printf(a, "%lld", (long long)n));
}

static struct str rekey_limit(struct arena *a, const struct sshd_line *line)
{
	struct str size = line->args[0], span = line->n_args > 1 ? line->args[1] : STR("none");
	int64_t bytes = 0;

	if (!str_is_nocase(size, "default") && !str_is_nocase(size, "none") &&
		num_size(in_case(a, size, true), &bytes) < 0)
		return join(a, line, ' ');
	span = str_is_nocase(span, "none") ? STR("0") : seconds(a, span);
	return str_of(arena_printf(a, "%lld %.*s", (long long)bytes, (int)span.n, span.p));
}

static struct str max_startups(struct arena *a, struct str s)
{
	uint64_t n;

	return num_u64(s, 0, INT32_MAX, &n) < 0
			   ? s
			   : str_of(arena_printf(a, "%u:30:%u", (unsigned)n, (unsigned)n));
}

static bool is_relative(struct str list)
{
	return list.n && (list.p[0] == '+' || list.p[0] == '-' || list.p[0] == '^');
}

bool sshd_line_value(struct arena *a, const struct sshd_line *line, struct str *ret)
{
	struct str first = line->n_args ? line->args[0] : STR("");
	enum sshd_kind kind = line->keyword ? line->keyword->kind : SSHD_TEXT;

	*ret = first;
	if (!line->n_args)
		return true;
	switch (kind) {
	case SSHD_WORD:
	case SSHD_UPPER:
		*ret = word(a, line, kind == SSHD_UPPER);
		break;
	case SSHD_NUMBER:
		*ret = number(a, first);
		break;
	case SSHD_TIME:
		*ret = seconds(a, first);
		break;
	case SSHD_LIST:
		*ret = join(a, line, ',');
		break;
	case SSHD_RAW:
		*ret = line->rest;
		break;
	case SSHD_STARTUPS:
		*ret = max_startups(a, first);
		break;
	case SSHD_QOS: /* one word stands for interactive and bulk traffic */
		*ret = str_of(
			arena_printf(a, "%.*s %.*s", STR_ARG(first), STR_ARG(line->args[line->n_args > 1])));
		break;
	case SSHD_REKEY:
		*ret = rekey_limit(a, line);
		break;
	case SSHD_ALGORITHMS:
		return !is_relative(first);
	case SSHD_TEXT:
	case SSHD_INCLUDE:
	case SSHD_MATCH:
		*ret = join(a, line, ' ');
		break;
	}
	return true;
}

/* --- the whole configuration ---------------------------------------------------------------- */

struct context {
	struct str match;
	unsigned block;
	bool always;
};

struct walk {
	struct host *host;
	struct arena *arena;
	struct sshd_config *config;
	size_t bytes, files;
	unsigned blocks;
	struct err *err;
};

static void gap(struct walk *w, const char *why)
{
	if (!w->config->gap)
		w->config->gap = why;
}

static void add_directive(struct walk *w, const char *file, size_t number,
						  const struct sshd_line *line, const struct context *in)
{
	struct sshd_config *c = w->config;
	const char *problem;

	if (c->n == c->cap)
		c->directives = vec_grow(w->arena, c->directives, c->n, &c->cap, sizeof(*c->directives));
	c->directives[c->n++] = (struct sshd_directive){
		.line = line,
		.file = file,
		.number = (unsigned)number,
		.block = in->block,
		.match = in->match,
		.always = in->always,
	};
	problem = sshd_line_problem(line);
	if (!problem && in->block && line->keyword && !(line->keyword->flags & SSHD_IN_MATCH))
		problem = "the keyword does not stand in a Match block";
	if (problem && !c->refused)
		c->refused =
			arena_printf(w->arena, "%s:%zu: sshd would not start: %s", file, number, problem);
	if (line->bad)
		gap(w, c->refused);
}

/* The block that a Match line opens; it ends with the file, at the latest. What it applies to is
 * what it says within what the file was included in. */
static struct context enter(struct walk *w, const struct sshd_line *line,
							const struct context *outer)
{
	bool all = line->n_args == 1 && str_is_nocase(line->args[0], "all");
	struct context in = {.block = ++w->blocks, .always = outer->always && all};

	if (outer->always)
		in.match = all ? STR("all") : join(w->arena, line, ' ');
	else if (all)
		in.match = outer->match;
	else
		in.match = str_of(arena_printf(w->arena, "%s %s", str_dup(w->arena, outer->match),
									   str_dup(w->arena, join(w->arena, line, ' '))));
	return in;
}

static int read_file(struct walk *w, const char *path, const struct context *outer, unsigned depth);

static void include(struct walk *w, struct str pattern, const struct context *in, unsigned depth)
{
	struct str *paths;
	size_t n;

	if (!str_starts(pattern, "/"))
		pattern = str_of(arena_printf(w->arena, "/etc/ssh/%s", str_dup(w->arena, pattern)));
	if (host_glob(w->host, w->arena, pattern, &paths, &n, w->err) < 0) {
		gap(w, arena_strdup(w->arena, w->err->msg));
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (read_file(w, paths[i].p, in, depth + 1) < 0)
			gap(w, arena_strdup(w->arena, w->err->msg));
}

static int read_file(struct walk *w, const char *path, const struct context *outer, unsigned depth)
{
	struct context in = *outer;
	struct sshd_file file;
	struct str text;
	int r;

	if (depth > SSHD_MAX_DEPTH || ++w->files > SSHD_MAX_FILES)
		return err_set(w->err, E2BIG, "%s: too many includes within one another", path);
	r = host_read(w->host, path, w->arena, &text, w->err);
	if (r < 0)
		return r;
	w->bytes += text.n;
	if (w->bytes > SSHD_MAX_TOTAL)
		return err_set(w->err, EFBIG, "%s: with what it includes over %zu bytes", path,
					   SSHD_MAX_TOTAL);
	sshd_file_parse(w->arena, path, text, &file);
	for (size_t i = 0; i < file.n; i++) {
		const struct sshd_line *line = &file.lines[i];
		int kind = line->keyword ? line->keyword->kind : SSHD_TEXT;

		if (!line->name.p)
			continue;
		add_directive(w, path, i + 1, line, &in);
		if (kind == SSHD_MATCH)
			in = enter(w, line, outer);
		for (size_t k = 0; kind == SSHD_INCLUDE && k < line->n_args; k++)
			include(w, line->args[k], &in, depth);
	}
	return 0;
}

int sshd_config_read(struct host *host, struct arena *arena, struct sshd_config *ret,
					 struct err *err)
{
	struct walk w = {.host = host, .arena = arena, .config = ret, .err = err};
	const struct context everywhere = {.always = true};
	int r;

	*ret = (struct sshd_config){0};
	r = read_file(&w, "/etc/ssh/sshd_config", &everywhere, 0);
	return r == -ENOENT ? read_file(&w, "/usr/etc/ssh/sshd_config", &everywhere, 0) : r;
}

const struct started sshd_started = {
	.programs = STARTED("sshd"),
	.checks = STARTED("-t", "-T", "-G", "-V"),
	.units = STARTED("ssh.service", "sshd.service"),
	.usual = STARTED("-D", "-e", "-De", "-i", "-u0", "-f /etc/ssh/sshd_config", "-E *", "-4", "-6",
					 "-p *", "-p[0-9]*"),
};
