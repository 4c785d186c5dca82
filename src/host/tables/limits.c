/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pam_limits allows: /etc/security/limits.conf, then limits.d/ sorted by name. Every line is a
 * row; which one counts for a user depends on the user and the groups.
 */
#include "base/map.h"
#include "host/edit.h"
#include "host/table.h"

#define OWN_FILE "/etc/security/limits.d/99-zz-revet.conf"
#define EVERYONE "everyone" /* a key that is no pattern */

enum { DOMAIN, TYPE, ITEM, VALUE, LIMIT, REPLACED };

static const struct column columns[] = {
	[DOMAIN] = {"domain", TYPE_STRING, "User, @group, %group, uid or gid range, or *",
				COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "soft, hard or - for both", 0},
	[ITEM] = {"item", TYPE_STRING, "core, nproc, maxlogins, ...; absent: the domain has no limits",
			  COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "The limit as written; -1, unlimited and infinity are none",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[LIMIT] =
		{"limit", TYPE_STRING,
		 "Domain, type and item: everyone hard core, for the domain *; absent without an item",
		 COLUMN_KEY},
	[REPLACED] = {"replaced", TYPE_BOOL,
				  "A later line for the same domain counts instead; absent: none does", 0},
	{0},
};

/* Four words, or "domain -", which lifts all limits; PAM passes over anything else. */
static void add_line(struct rows *rows, struct str line, const char *file, unsigned number)
{
	struct str word[4];
	struct row *row;
	int n = 0;

	if (!str_cut(&(struct str){line.p, line.n}, '#', &line))
		return;
	while (n < 4 && str_word(&line, &word[n]))
		n++;
	if (n != 4 && !(n == 2 && str_starts(word[1], "-")))
		return;
	row = rows_add(rows, FROM(file, number));
	row_str(row, DOMAIN, word[0]);
	/* pam_limits compares type, item and value in lower case. */
	row_str(row, TYPE, str_lower(rows->arena, word[1]));
	if (n == 4) {
		row_str(row, ITEM, str_lower(rows->arena, word[2]));
		row_str(row, VALUE, str_lower(rows->arena, word[3]));
		row_strz(row, LIMIT,
				 arena_printf(rows->arena, "%.*s %.*s %.*s",
							  STR_ARG(str_is(word[0], "*") ? STR(EVERYONE) : word[0]),
							  STR_ARG(row->cells[TYPE].string), STR_ARG(row->cells[ITEM].string)));
	}
}

/* False when the file is not there. */
static bool read_file(struct host *host, struct rows *rows, const char *file)
{
	struct err err = {0};
	struct str text, line;
	unsigned number = 0;
	int r = host_read(host, file, rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(rows, "%s", err.msg);
	while (r == 0 && str_line(&text, &line))
		add_line(rows, line, file, ++number);
	return r != -ENOENT;
}

/* Of lines for one domain and item the last counts, for soft and for hard each. */
static void find_replaced(struct rows *rows)
{
	static const char *const types[] = {"soft", "hard"};
	struct map later;

	map_init(&later, rows->arena);
	for (size_t i = rows->n; i-- > 0;) {
		struct row *row = rows->p[i];
		bool counts = false;

		if (row->cells[ITEM].state != VALUE_SET)
			continue;
		for (size_t t = 0; t < ARRAY_LEN(types); t++)
			if (str_is(row->cells[TYPE].string, types[t]) || str_is(row->cells[TYPE].string, "-"))
				counts |= !map_put(&later,
								   str_of(arena_printf(rows->arena, "%.*s %s %.*s",
													   STR_ARG(row->cells[DOMAIN].string), types[t],
													   STR_ARG(row->cells[ITEM].string))),
								   row);
		if (!counts)
			row_bool(row, REPLACED, true);
	}
}

/* On SUSE the vendor's files are in /usr/etc, behind the administrator's. */
static int read_limits(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const dirs[] = {"/etc/security/limits.d", "/usr/etc/security/limits.d",
									   NULL};
	struct str *files;
	size_t n;
	int r;

	if (!read_file(host, rows, "/etc/security/limits.conf"))
		read_file(host, rows, "/usr/etc/security/limits.conf");
	r = host_list_conf(host, dirs, ".conf", rows->arena, &files, &n, err);
	if (r < 0)
		rows_gap(rows, "%s", err->msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_file(host, rows, str_dup(rows->arena, files[i]));
	find_replaced(rows);
	return 0;
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' || (unsigned char)s.p[i] <= ' ')
			return false;
	return s.n > 0;
}

/* In a file that is read behind the others. Of lines for the same domain the last counts, but one for a
 * user or a group counts before one for all, wherever it stands. */
static int set_limits(struct host *host _unused_, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	struct str rest = wish->key, word[4] = {STR_ABSENT, STR_ABSENT, STR_ABSENT, STR_ABSENT};
	struct str value = wish->column < 0 ? STR_ABSENT : edit_text(edits, wish, "");
	int n = 0;

	if (wish->row && strcmp(wish->row->from.path, OWN_FILE) != 0)
		return err_set(err, ENOTSUP, "%s:%u sets it otherwise: change it there",
					   wish->row->from.path, wish->row->from.line);
	while (n < 4 && str_word(&rest, &word[n]))
		n++;
	if (n != 3 || !is_word(word[0]) || !is_word(word[2]) || !value.p || !is_word(value))
		return err_set(err, ENOTSUP, "which limits there are is decided by hand");
	if (str_is(word[0], EVERYONE))
		word[0] = STR("*");
	edit_key(edits, OWN_FILE, EDIT_SPACE, NULL,
			 str_of(arena_printf(edits->arena, "%.*s %.*s %.*s", STR_ARG(word[0]), STR_ARG(word[1]),
								 STR_ARG(word[2]))),
			 value);
	return 0;
}

static const struct table limits = {
	.name = "limits",
	.doc = "Resource limits of login sessions: /etc/security/limits.conf and limits.d",
	.columns = columns,
	.read = read_limits,
	.multi = true,
	.set = set_limits,
	.fix = "set {limit} in " OWN_FILE,
};
TABLE(limits);
