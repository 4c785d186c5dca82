/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sudoers_lex.h"

#include "base/buf.h"

bool lex_bad(struct sudoers_lexer *p, const char *problem)
{
	p->problem = problem;
	return false;
}

/* --- characters ---------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static void skip_n(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void skip_blanks(struct str *s)
{
	while (s->n && is_blank(s->p[0]))
		skip_n(s, 1);
}

char lex_peek(struct sudoers_lexer *p)
{
	skip_blanks(&p->in);
	if (p->in.n)
		return p->in.p[0];
	return '\0';
}

bool lex_take(struct sudoers_lexer *p, char c)
{
	if (!p->in.n || lex_peek(p) != c)
		return false;
	skip_n(&p->in, 1);
	return true;
}

/* Any number of `!`; an even one is none. */
bool lex_negation(struct sudoers_lexer *p)
{
	bool negated = false;

	while (lex_take(p, '!'))
		negated = !negated;
	return negated;
}

/* --- logical lines ------------------------------------------------------------------------- */

/* `#` and a number is a user id, not a comment. */
static bool is_comment(struct str at)
{
	str_skip(&at, "#");
	str_skip(&at, "-");
	return !at.n || !is_digit(at.p[0]);
}

static bool is_all_blank(struct str s)
{
	skip_blanks(&s);
	return !s.n;
}

/* How much of a physical line counts: up to its comment, or up to the backslash that continues it.
 * *quoted says whether a string is open, before and behind. */
static size_t line_extent(struct str line, bool *quoted, bool *ret_continued)
{
	*ret_continued = false;
	for (size_t i = 0; i < line.n; i++) {
		struct str rest = {line.p + i, line.n - i};

		if (rest.p[0] == '\\') {
			*ret_continued = is_all_blank((struct str){rest.p + 1, rest.n - 1});
			if (*ret_continued)
				return i;
			i++;
		} else if (rest.p[0] == '"') {
			*quoted = !*quoted;
		} else if (rest.p[0] == '#' && !*quoted && is_comment(rest)) {
			return i;
		}
	}
	return line.n;
}

/* sudo cuts a line at a NUL byte. A continuation is a blank, but nothing within a string. */
bool lex_next_line(struct sudoers_lexer *p)
{
	_cleanup_buf_ struct buf joined = BUF(HOST_MAX_FILE);
	bool quoted = false, continued;
	struct str line;

	p->line = p->next;
	do {
		if (!str_line(&p->text, &line)) {
			if (!joined.n)
				return false;
			line = STR("");
		}
		p->next++;
		str_cut(&(struct str){line.p, line.n}, '\0', &line);
		if (joined.n)
			skip_blanks(&line);
		line.n = line_extent(line, &quoted, &continued);
		if (continued || joined.n)
			buf_str(&joined, line);
		if (continued && !quoted)
			buf_putc(&joined, ' ');
	} while (continued);
	p->whole = joined.n ? (struct str){str_dup(p->arena, buf_get(&joined)), joined.n} : line;
	p->in = p->whole = str_trim(p->whole);
	return true;
}

/* --- words --------------------------------------------------------------------------------- */

static struct str without_escapes(struct sudoers_lexer *p, struct str s, const char *which)
{
	char *copy;
	size_t n = 0;

	if (!str_has_char(s, '\\'))
		return s;
	copy = arena_alloc(p->arena, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && (!which || strchr(which, s.p[i + 1])))
			i++;
		copy[n++] = s.p[i];
	}
	return (struct str){copy, n};
}

/* In double quotes, not empty. */
static bool lex_string(struct sudoers_lexer *p, struct str *ret)
{
	size_t n = 1;

	while (n < p->in.n && p->in.p[n] != '"')
		n += p->in.p[n] == '\\' && n + 1 < p->in.n && p->in.p[n + 1] == '"' ? 2 : 1;
	if (n >= p->in.n)
		return lex_bad(p, "a string without its closing quote");
	*ret = without_escapes(p, (struct str){p->in.p + 1, n - 1}, "\"");
	skip_n(&p->in, n + 1);
	return ret->n || lex_bad(p, "an empty string");
}

/* Bytes up to one of `end` that no backslash precedes. */
static size_t span(struct str s, const char *end)
{
	size_t n = 0;

	while (n < s.n && s.p[n] && !strchr(end, s.p[n]))
		n += s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
	return n;
}

#define WORD_END "#>!=:,() \t\r\n\""

/* An IPv6 address is the one word that has colons in it. */
static size_t ipv6_span(struct str s)
{
	size_t n = 0, colons = 0;

	for (; n < s.n && s.p[n] && strchr("0123456789abcdefABCDEF:./", s.p[n]); n++)
		colons += s.p[n] == ':';
	return colons >= 2 ? n : 0;
}

/* A user, group or host: a string, or a word; `%`, `%:`, `#` and `%#` in front belong to it. */
bool lex_word(struct sudoers_lexer *p, struct str *ret)
{
	struct str at;
	size_t n = 0;

	if (lex_peek(p) == '"')
		return lex_string(p, ret);
	at = p->in;
	if (str_skip(&at, "%"))
		str_skip(&at, ":");
	str_skip(&at, "#");
	n = (size_t)(at.p - p->in.p);
	n += n ? span(at, WORD_END) : MAX(ipv6_span(at), span(at, WORD_END));
	if (n == (size_t)(at.p - p->in.p))
		return lex_bad(p, "a name is missing");
	*ret = without_escapes(p, (struct str){p->in.p, n}, NULL);
	skip_n(&p->in, n);
	return true;
}

/* --- commands ------------------------------------------------------------------------------ */

static bool has_wildcard(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '*')
			return true;
	}
	return false;
}

/* One blank between arguments, as sudo matches them, and no backslash before sudoers' own marks. */
static struct str tidy(struct sudoers_lexer *p, struct str raw)
{
	_cleanup_buf_ struct buf out = BUF(HOST_MAX_FILE);
	struct str rest = raw;

	while (rest.n) {
		size_t n = span(rest, " \t");

		buf_add(&out, rest.p, n);
		skip_n(&rest, n);
		skip_blanks(&rest);
		if (rest.n)
			buf_putc(&out, ' ');
	}
	if (out.n != raw.n)
		raw = (struct str){str_dup(p->arena, buf_get(&out)), out.n};
	return without_escapes(p, raw, ":\\,= \t#");
}

/* `^...$`, of a path or of its arguments; 0 when it does not end. */
static size_t regex_span(struct str s)
{
	size_t n = 1;

	while (n < s.n && s.p[n] != '$')
		n += s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
	return n < s.n ? n + 1 : 0;
}

/* A path or a regular expression and its arguments, up to an unescaped `,`, `:` or `#`. */
static size_t command_span(struct str s)
{
	size_t n = s.p[0] == '^' ? regex_span(s) : span(s, ",:=# \t");
	struct str rest = {s.p + n, s.n - n};

	if (n == 0 || s.p[n - 1] == '/')
		return n;
	skip_blanks(&rest);
	n = (size_t)(rest.p - s.p);
	if (rest.n && rest.p[0] == '^') {
		size_t args = regex_span(rest);

		return args ? n + args : 0;
	}
	return n + span(rest, ",:#");
}

static size_t name_span(struct str s)
{
	size_t n = 0;

	while (n < s.n && (is_upper(s.p[n]) || (n && (is_digit(s.p[n]) || s.p[n] == '_'))))
		n++;
	return n;
}

/* "sha256:HASH", several of them with commas in between; they stay in front of the command. */
static bool skip_digests(struct sudoers_lexer *p)
{
	static const char *const methods[] = {"sha224", "sha256", "sha384", "sha512"};

	for (;;) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(methods) && !found; i++) {
			struct str at = p->in;

			skip_blanks(&at);
			found = str_skip(&at, methods[i]);
			skip_blanks(&at);
			found = found && str_skip(&at, ":");
			if (found)
				p->in = at;
		}
		if (!found)
			return true;
		skip_blanks(&p->in);
		skip_n(&p->in, span(p->in, ", \t"));
		if (lex_take(p, ',') && !str_starts(str_trim(p->in), "sha"))
			return lex_bad(p, "a digest without a command");
	}
}

bool lex_command(struct sudoers_lexer *p, struct sudoers_member *ret)
{
	struct str digests, raw;
	size_t n;

	ret->negated = lex_negation(p); /* an even number of them may stand before digests */
	skip_blanks(&p->in);
	digests = p->in;
	if (!skip_digests(p))
		return false;
	digests.n -= p->in.n;
	if (digests.n && ret->negated)
		return lex_bad(p, "a digest that is negated");
	ret->negated = lex_negation(p) != ret->negated;
	skip_blanks(&p->in);
	n = name_span(p->in); /* ALL or an alias */
	if (!n && (str_starts(p->in, "/") || str_starts(p->in, "^") || str_starts(p->in, "sudoedit") ||
			   str_starts(p->in, "list")))
		n = command_span(p->in);
	if (!n)
		return lex_bad(p, "a command is missing");
	raw = str_trim((struct str){p->in.p, n});
	skip_n(&p->in, n);
	ret->wildcard = has_wildcard(raw);
	ret->text = tidy(p, raw);
	if (digests.n)
		ret->text = str_of(arena_printf(p->arena, "%s %s", str_dup(p->arena, str_trim(digests)),
										str_dup(p->arena, ret->text)));
	return true;
}

bool lex_name(struct sudoers_lexer *p, struct str *ret)
{
	skip_blanks(&p->in);
	*ret = (struct str){p->in.p, name_span(p->in)};
	skip_n(&p->in, ret->n);
	return ret->n || lex_bad(p, "a name in capital letters is missing");
}

bool lex_key(struct sudoers_lexer *p, struct str *ret)
{
	size_t n = 0;

	skip_blanks(&p->in);
	while (n < p->in.n && ((p->in.p[n] >= 'a' && p->in.p[n] <= 'z') || p->in.p[n] == '_'))
		n++;
	*ret = (struct str){p->in.p, n};
	skip_n(&p->in, n);
	return n || lex_bad(p, "the name of a setting is missing");
}

bool lex_value(struct sudoers_lexer *p, const char *end, struct str *ret)
{
	size_t n;

	if (lex_peek(p) == '"')
		return lex_string(p, ret);
	n = span(p->in, end);
	*ret = without_escapes(p, (struct str){p->in.p, n}, NULL);
	skip_n(&p->in, n);
	return n || lex_bad(p, "a value is missing");
}
