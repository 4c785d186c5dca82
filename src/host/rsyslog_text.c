/* SPDX-License-Identifier: Apache-2.0 */
#include "host/rsyslog_text.h"

#include "base/buf.h"

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void rsyslog_skip_line(struct rsyslog_text *s)
{
	while (!rsyslog_at_end(s) && rsyslog_peek(s, 0) != '\n')
		rsyslog_step(s);
}

static void skip_comment(struct rsyslog_text *s)
{
	while (!rsyslog_at_end(s) && !(rsyslog_peek(s, 0) == '*' && rsyslog_peek(s, 1) == '/'))
		rsyslog_step(s);
	s->i = MIN(s->i + 2, s->text.n);
}

void rsyslog_skip_white(struct rsyslog_text *s)
{
	for (;;) {
		while (!rsyslog_at_end(s) && is_white(rsyslog_peek(s, 0)))
			rsyslog_step(s);
		if (rsyslog_peek(s, 0) == '#')
			rsyslog_skip_line(s);
		else if (rsyslog_peek(s, 0) == '/' && rsyslog_peek(s, 1) == '*')
			skip_comment(s);
		else
			return;
	}
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		   c == '.' || c == '-';
}

struct str rsyslog_name(struct rsyslog_text *s)
{
	size_t start = s->i;

	while (!rsyslog_at_end(s) && is_name(rsyslog_peek(s, 0)))
		s->i++;
	return (struct str){s->text.p + start, s->i - start};
}

static void skip_quoted(struct rsyslog_text *s)
{
	char quote = rsyslog_peek(s, 0);

	rsyslog_step(s);
	while (!rsyslog_at_end(s) && rsyslog_peek(s, 0) != quote) {
		if (rsyslog_peek(s, 0) == '\\')
			rsyslog_step(s);
		if (!rsyslog_at_end(s))
			rsyslog_step(s);
	}
	if (!rsyslog_at_end(s))
		rsyslog_step(s);
}

struct str rsyslog_line(struct rsyslog_text *s)
{
	size_t start = s->i;

	while (!rsyslog_at_end(s) && !(rsyslog_peek(s, 0) == '\n' && s->text.p[s->i - 1] != '\\'))
		rsyslog_step(s);
	return str_trim((struct str){s->text.p + start, s->i - start});
}

struct str rsyslog_squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	struct str word;
	bool joined = true;
	size_t n = 0;

	while (str_word(&s, &word)) {
		if (!joined)
			p[n++] = ' ';
		joined = str_ends(word, "\\") && s.n && s.p[0] == '\n';
		memcpy(p + n, word.p, word.n - joined);
		n += word.n - joined;
	}
	return (struct str){p, n};
}

struct str rsyslog_since(const struct rsyslog_text *s, size_t start)
{
	return (struct str){s->text.p + start, s->i - start};
}

/* --- parameters --------------------------------------------------------------------------------- */

static struct str take_value(struct rsyslog_text *s)
{
	size_t start = s->i;

	if (rsyslog_peek(s, 0) == '"' || rsyslog_peek(s, 0) == '\'') {
		skip_quoted(s);
		return s->i - start < 2 ? STR("") : (struct str){s->text.p + start + 1, s->i - start - 2};
	}
	if (rsyslog_peek(s, 0) == '[') {
		while (!rsyslog_at_end(s) && rsyslog_peek(s, 0) != ']')
			if (rsyslog_peek(s, 0) == '"')
				skip_quoted(s);
			else
				rsyslog_step(s);
		if (!rsyslog_at_end(s))
			rsyslog_step(s);
		return rsyslog_since(s, start);
	}
	while (!rsyslog_at_end(s) && !is_white(rsyslog_peek(s, 0)) && rsyslog_peek(s, 0) != ')')
		rsyslog_step(s);
	return rsyslog_since(s, start);
}

bool rsyslog_params(struct arena *a, struct rsyslog_text *s, struct rsyslog_params *ret)
{
	for (;;) {
		struct rsyslog_param param;

		rsyslog_skip_white(s);
		if (rsyslog_at_end(s))
			return false;
		if (rsyslog_peek(s, 0) == ')') {
			s->i++;
			return true;
		}
		param.name = rsyslog_name(s);
		rsyslog_skip_white(s);
		if (!param.name.n || rsyslog_peek(s, 0) != '=') {
			if (!rsyslog_at_end(s))
				rsyslog_step(s);
			continue;
		}
		s->i++;
		rsyslog_skip_white(s);
		param.value = take_value(s);
		*vec_push(a, ret) = param;
	}
}

struct str rsyslog_param(const struct rsyslog_params *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_is_nocase(all->p[i].name, name))
			return all->p[i].value;
	return STR_ABSENT;
}

/* --- filters ------------------------------------------------------------------------------------ */

struct str rsyslog_condition(struct rsyslog_text *s)
{
	size_t start = s->i, end;

	while (!rsyslog_at_end(s)) {
		char c = rsyslog_peek(s, 0);

		if (c == '"' || c == '\'') {
			skip_quoted(s);
		} else if (is_name(c)) {
			end = s->i;
			if (str_is_nocase(rsyslog_name(s), "then"))
				return str_trim((struct str){s->text.p + start, end - start});
		} else {
			rsyslog_step(s);
		}
	}
	return rsyslog_since(s, start);
}

struct str rsyslog_property_filter(struct rsyslog_text *s)
{
	size_t start = s->i;

	while (!rsyslog_at_end(s) && rsyslog_peek(s, 0) != '"' && rsyslog_peek(s, 0) != '\n')
		rsyslog_step(s);
	if (rsyslog_peek(s, 0) == '"')
		skip_quoted(s);
	return rsyslog_since(s, start);
}

struct str rsyslog_selector(struct arena *a, struct rsyslog_text *s)
{
	_cleanup_buf_ struct buf out = BUF(64 << 10);
	size_t start = s->i;

	while (!rsyslog_at_end(s) && !is_white(rsyslog_peek(s, 0))) {
		if (rsyslog_peek(s, 0) == '\\' && rsyslog_peek(s, 1) == '\n') {
			buf_str(&out, rsyslog_since(s, start));
			for (s->i++; !rsyslog_at_end(s) && is_white(rsyslog_peek(s, 0));)
				rsyslog_step(s);
			start = s->i;
		} else {
			rsyslog_step(s);
		}
	}
	if (!out.n)
		return rsyslog_since(s, start);
	buf_str(&out, rsyslog_since(s, start));
	return (struct str){str_dup(a, buf_get(&out)), out.n};
}
