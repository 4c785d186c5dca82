/* SPDX-License-Identifier: Apache-2.0 */
/* Who may run what as whom by doas: /etc/doas.conf, of which the last line that fits decides. */
#include "host/table.h"

#include "base/vec.h"
#include "host/logical.h"

#define MAIN "/etc/doas.conf"

enum { ORDER, ACTION, IDENTITY, TARGET, COMMAND, NOPASS, PERSIST, KEEPENV };

static const struct column columns[] = {
	[ORDER] = {"order", TYPE_INT, "Its place, from 1", COLUMN_LABEL},
	[ACTION] = {"action", TYPE_STRING, "permit or deny", COLUMN_LABEL},
	[IDENTITY] = {"identity", TYPE_STRING, "A user, or :group", COLUMN_LABEL},
	[TARGET] = {"target", TYPE_STRING, "Whom as; absent: anyone", COLUMN_LABEL},
	[COMMAND] = {"command", TYPE_STRING, "With its arguments where they are limited; absent: any",
				 COLUMN_LABEL},
	[NOPASS] = {"nopass", TYPE_BOOL, "No password is asked for", 0},
	[PERSIST] = {"persist", TYPE_BOOL, "Nor for some time after it was given", 0},
	[KEEPENV] = {"keepenv", TYPE_BOOL, "The environment is kept", 0},
	{0},
};

struct words {
	struct arena *arena;
	struct str line;
	bool plain; /* the last word had neither quotes nor backslashes, so it may be a keyword */
};

/* Braces are words of their own; double quotes and backslashes as doas.conf(5) has them. */
static bool next_word(struct words *w, struct str *ret)
{
	struct str *s = &w->line;
	bool quoted = false;
	size_t i = 0, n = 0;
	char *out;

	*s = str_trim(*s);
	if (!s->n || s->p[0] == '#')
		return false;
	out = arena_alloc(w->arena, s->n + 1);
	w->plain = true;
	for (; i < s->n; i++) {
		char c = s->p[i];

		if (c == '"') {
			quoted = !quoted;
			w->plain = false;
		} else if (c == '\\' && i + 1 < s->n) {
			out[n++] = s->p[++i];
			w->plain = false;
		} else if (!quoted && (c == ' ' || c == '\t' || c == '#')) {
			break;
		} else if (!quoted && (c == '{' || c == '}')) {
			if (n == 0)
				out[n++] = c, i++;
			break;
		} else {
			out[n++] = c;
		}
	}
	*ret = (struct str){out, n};
	*s = (struct str){s->p + i, s->n - i};
	return true;
}

static bool is_keyword(const struct words *w, struct str word, const char *keyword)
{
	return w->plain && str_is(word, keyword);
}

/* Options, up to the identity, which is returned. */
static struct str read_options(struct words *w, struct row *row)
{
	static const struct {
		const char *name;
		int column;
	} options[] = {{"nopass", NOPASS}, {"persist", PERSIST}, {"keepenv", KEEPENV}, {"nolog", -1}};
	struct str word;

	while (next_word(w, &word)) {
		size_t i = 0;

		while (i < ARRAY_LEN(options) && !is_keyword(w, word, options[i].name))
			i++;
		if (is_keyword(w, word, "setenv"))
			while (next_word(w, &word) && !is_keyword(w, word, "}"))
				;
		else if (i == ARRAY_LEN(options))
			return word;
		else if (options[i].column >= 0)
			row_bool(row, options[i].column, true);
	}
	return STR_ABSENT;
}

static struct str rest(struct words *w)
{
	VEC(char) text = {0};
	struct str word;
	bool args = false;

	for (bool first = true; next_word(w, &word); first = false) {
		if (!args && !first && is_keyword(w, word, "args")) {
			args = true;
			continue;
		}
		if (!first)
			*vec_push(w->arena, &text) = ' ';
		for (size_t i = 0; i < word.n; i++)
			*vec_push(w->arena, &text) = word.p[i];
	}
	return (struct str){text.p, text.n};
}

static void read_line(struct rows *rows, struct from from, struct str line)
{
	struct words w = {.arena = rows->arena, .line = line};
	struct str action, word;
	struct row *row;

	if (!next_word(&w, &action))
		return;
	row = rows_add(rows, from);
	row_int(row, ORDER, (int64_t)rows->n);
	row_str(row, ACTION, action);
	row_bool(row, NOPASS, false);
	row_bool(row, PERSIST, false);
	row_bool(row, KEEPENV, false);
	row_str(row, IDENTITY, read_options(&w, row));
	while (next_word(&w, &word)) {
		if (is_keyword(&w, word, "as") && next_word(&w, &word))
			row_str(row, TARGET, word);
		else if (is_keyword(&w, word, "cmd"))
			row_str(row, COMMAND, rest(&w));
	}
}

static int read_doas(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line;
	struct logical lines;
	int r = host_read(host, MAIN, rows->arena, &text, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	lines = LOGICAL(rows->arena, text);
	while (logical_line(&lines, &line))
		read_line(rows, FROM(MAIN, lines.line), line);
	return 0;
}

static const struct table doas = {
	.name = "doas",
	.doc = "Who may run what as whom by doas: the lines of /etc/doas.conf, in order",
	.columns = columns,
	.read = read_doas,
};
TABLE(doas);
