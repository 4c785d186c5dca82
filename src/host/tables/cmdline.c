/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that the running kernel was started with. */
#include "host/grub_edit.h"
#include "host/table.h"

enum { KEY, VALUE, WORD };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the parameter; with '_' for '-', as the kernel takes it",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value; empty for a bare flag",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[WORD] = {"word", TYPE_STRING, "As it is written, where that is with a '-'; else absent", 0},
	{0},
};

/* A word as the kernel's next_arg() takes it: blanks in double quotes do not end it. */
static bool take_word(struct str *s, struct str *ret)
{
	bool quoted = false;
	size_t n = 0;

	*s = str_trim(*s);
	for (; n < s->n; n++) {
		char c = s->p[n];

		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || (c >= '\t' && c <= '\r')))
			break;
	}
	*ret = (struct str){s->p, n};
	s->p += n;
	s->n -= n;
	return n > 0;
}

static struct str unquoted(struct str s)
{
	if (!str_skip(&s, "\""))
		return s;
	if (str_ends(s, "\""))
		s.n--;
	return s;
}

/* parameq() of the kernel's params.c, with which it looks most of them up, tells '-' and '_' not apart. */
static struct str as_looked_up(struct arena *a, struct str key)
{
	char *copy = str_dup(a, key);

	for (size_t i = 0; i < key.n; i++)
		if (copy[i] == '-')
			copy[i] = '_';
	return (struct str){copy, key.n};
}

static void add_row(struct rows *rows, struct str word)
{
	struct row *row = rows_add(rows, FROM("/proc/cmdline", 0));
	bool whole = str_starts(word, "\""); /* "key=a b" instead of key="a b" */
	struct str value = whole ? unquoted(word) : word, key;

	str_cut(&value, '=', &key);
	row_str(row, KEY, as_looked_up(rows->arena, key));
	if (str_has_char(key, '-'))
		row_str(row, WORD, key);
	row_str(row, VALUE, !value.p ? STR("") : whole ? value : unquoted(value));
}

static int read_cmdline(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, word;
	int r = host_read(host, "/proc/cmdline", rows->arena, &text, err);

	if (r < 0)
		return r;
	/* What follows "--" is for init. */
	while (take_word(&text, &word) && !str_is(word, "--"))
		add_row(rows, word);
	return 0;
}

static int set_cmdline(struct host *host, const struct wish *wish, struct edits *edits,
					   struct err *err)
{
	const struct row *row = wish->row;
	struct str value = wish->column < 0 ? STR_ABSENT : edit_text(edits, wish, ""), now, key;

	if (!row && value.p)
		return grub_add(host, edits, wish->key, value, err);
	if (!row || wish->column >= 0)
		return err_set(err, ENOTSUP,
					   "%.*s is on the kernel's command line: edit it where it comes from",
					   STR_ARG(wish->key));
	now = row->cells[VALUE].string;
	key = row->cells[row->cells[WORD].state == VALUE_SET ? WORD : KEY].string;
	return grub_take_out(host, edits,
						 str_of(arena_printf(edits->arena, "%.*s%s%.*s", STR_ARG(key),
											 now.n ? "=" : "", STR_ARG(now))),
						 err);
}

static const struct table cmdline = {
	.name = "cmdline",
	.doc = "Parameters of the running kernel's command line, from /proc/cmdline",
	.columns = columns,
	.read = read_cmdline,
	.multi = true,
	.set = set_cmdline,
	.fix = "add {key} to GRUB_CMDLINE_LINUX in /etc/default/grub.d, or take it out of the "
		   "defaults of GRUB; takes effect with the next boot",
};
TABLE(cmdline);
