/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sshd_config.h"

#include "base/num.h"

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
		s = (struct str){s.p + digits, s.n - digits};
		while (s.n && u < ARRAY_LEN(units) && (s.p[0] | 0x20) != units[u].unit)
			u++;
		if (u == ARRAY_LEN(units))
			return false;
		if (s.n)
			s = (struct str){s.p + 1, s.n - 1};
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
