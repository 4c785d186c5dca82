/* SPDX-License-Identifier: Apache-2.0 */
/* Where mail to an account goes: /etc/aliases, as Postfix, Exim and Sendmail read it (aliases(5)). */
#include "host/table.h"

#include "base/vec.h"
#include "host/logical.h"
#include "host/secret.h"

#define ALIASES "/etc/aliases"

enum { NAME, TARGETS };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "To whom mail is written, in lower case",
			  COLUMN_KEY | COLUMN_LABEL},
	[TARGETS] = {"targets", TYPE_LIST,
				 "Who gets it: accounts and addresses, |command, /file and :include:/file", 0},
	{0},
};

/* The next one between commas; those in double quotes are in no piece. */
static bool next_target(struct str *s, struct str *ret)
{
	bool quoted = false;
	size_t n = 0;

	if (!s->p)
		return false;
	while (n < s->n && (quoted || s->p[n] != ',')) {
		quoted ^= s->p[n] == '"';
		n++;
	}
	*ret = str_trim((struct str){s->p, n});
	*s = n < s->n ? (struct str){s->p + n + 1, s->n - n - 1} : STR_ABSENT;
	return true;
}

static void add_row(struct rows *rows, unsigned number, struct str name, struct str rest)
{
	struct row *row = rows_add(rows, FROM(ALIASES, number));
	VEC(struct str) targets = {0};
	struct str target;

	while (next_target(&rest, &target))
		if (target.n)
			*vec_push(rows->arena, &targets) = secret_masked(rows->arena, str_unquoted(target, "\""));
	row_str(row, NAME, str_lower(rows->arena, str_unquoted(str_trim(name), "\"")));
	row_list(row, TARGETS, targets.p, targets.n);
}

static int read_mail_aliases(struct host *host, struct rows *rows, struct err *err)
{
	struct logical lines = LOGICAL(rows->arena, STR(""));
	struct str line, name;
	int r = host_read(host, ALIASES, rows->arena, &lines.text, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while (folded_line(&lines, &line)) {
		if (str_has_char(line, ':') && str_cut(&line, ':', &name) && str_trim(name).n)
			add_row(rows, lines.line, name, line);
		else
			rows_gap(rows, ALIASES ":%u: not an alias", lines.line);
	}
	return 0;
}

static const struct table mail_aliases = {
	.name = "mail_aliases",
	.doc = "To whom mail for an account goes, from /etc/aliases",
	.columns = columns,
	.read = read_mail_aliases,
	.multi = true,
};
TABLE(mail_aliases);
