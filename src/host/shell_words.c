/* SPDX-License-Identifier: Apache-2.0 */
#include "host/shell_words.h"

#include "base/buf.h"
#include "host/host.h"

static char at(const struct shell_words *s, size_t i)
{
	if (i < s->in.n)
		return s->in.p[i];
	return '\0';
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static void advance(struct shell_words *s, size_t n)
{
	s->line += at(s, 0) == '\n';
	s->in = (struct str){s->in.p + n, s->in.n - n};
}

/* Passes over blanks, comments and what separates commands. */
static void skip_between(struct shell_words *s)
{
	while (s->in.n) {
		char c = at(s, 0);

		if (c == '\\' && at(s, 1) == '\n') {
			advance(s, 1);
		} else if (c == '#') {
			while (s->in.n && at(s, 0) != '\n')
				advance(s, 1);
			continue;
		} else if (is_one_of(c, "\n;&|(){}")) {
			s->command_ended = true;
			s->chained = s->chained || ((c == '&' || c == '|') && at(s, 1) == c);
			s->braces += c == '{';
			s->braces -= c == '}' && s->braces;
		} else if (c && c != ' ' && c != '\t' && c != '\r') {
			return;
		}
		advance(s, 1);
	}
}

/* Does the byte end an unquoted word? The braces of "${" belong to it. */
static bool ends_word(char c, const struct buf *word, bool braced)
{
	if (c == '{' && str_ends(buf_get(word), "$"))
		return false;
	return is_one_of(c, " \t\r\n;&|(){}") && !(c == '}' && braced);
}

/* bash skips over NUL bytes. */
bool shell_word(struct shell_words *s, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(HOST_MAX_FILE);
	char quote = '\0';
	bool braced = false; /* a "${" was seen, which '}' belongs to */

	s->command_ended = !s->begun;
	s->chained = false;
	s->begun = true;
	skip_between(s);
	if (!s->in.n)
		return false;
	for (; s->in.n; advance(s, 1)) {
		char c = at(s, 0);

		if (quote && c == quote) {
			quote = '\0';
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && s->in.n > 1) {
			advance(s, 1);
			if (at(s, 0) != '\n')
				buf_putc(&out, at(s, 0));
		} else if (!quote && ends_word(c, &out, braced)) {
			break;
		} else if (c) {
			braced = braced || c == '{';
			buf_putc(&out, c);
		}
	}
	*ret = (struct str){out.n ? str_dup(s->arena, buf_get(&out)) : "", out.n};
	return true;
}
