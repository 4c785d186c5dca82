/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted, from /proc/self/mountinfo, joined with what /etc/fstab wants. */
#include "base/map.h"
#include "base/vec.h"
#include "host/mountinfo.h"
#include "host/secret.h"
#include "host/table.h"

#define FSTAB "/etc/fstab"

enum { TARGET, SOURCE, FSTYPE, OPTIONS, MOUNTED, IN_FSTAB, FSTAB_OPTIONS, SEPARATE };

static const struct column columns[] = {
	[TARGET] = {"target", TYPE_STRING, "Where it is mounted", COLUMN_KEY | COLUMN_LABEL},
	[SOURCE] = {"source", TYPE_STRING, "Device, share, or what else is mounted", 0},
	[FSTYPE] = {"fstype", TYPE_STRING, "Type of the file system", 0},
	[OPTIONS] = {"options", TYPE_LIST,
				 "Options now in force, of the mount and of its file system; of the last one when "
				 "several are mounted on top of each other; absent: not mounted",
				 COLUMN_SETTABLE},
	[MOUNTED] = {"mounted", TYPE_BOOL, "It is mounted now", 0},
	[IN_FSTAB] = {"in_fstab", TYPE_BOOL, "/etc/fstab has it", 0},
	[FSTAB_OPTIONS] = {"fstab_options", TYPE_LIST,
					   "Options in /etc/fstab, of nosuid and suid the last; absent: not there", 0},
	[SEPARATE] = {"separate", TYPE_BOOL, "Always true: a row is a file system of its own", 0},
	{0},
};

struct state {
	struct rows *rows;
	struct map by_target; /* to struct row */
	bool offline;
	const char *no_fstab; /* why /etc/fstab is not known */
};

/* Of "nosuid,suid" mount(8) takes the last; the other is left out, which is done from the end. */
static size_t last_ones(struct str *items, size_t n)
{
	static const char *const words[] = {"suid", "dev", "exec"};
	bool decided[ARRAY_LEN(words)] = {0};
	size_t kept = n;

	while (n-- > 0) {
		struct str word = items[n];
		size_t i = 0;

		str_skip(&word, "no");
		while (i < ARRAY_LEN(words) && !str_is(word, words[i]))
			i++;
		if (i < ARRAY_LEN(words) && decided[i])
			continue;
		if (i < ARRAY_LEN(words))
			decided[i] = true;
		items[--kept] = items[n];
	}
	return kept;
}

static void set_options(struct rows *rows, struct row *row, int column, struct str text)
{
	VEC(struct str) items = {0};
	struct str item;
	size_t first;

	while (str_cut(&text, ',', &item))
		if (item.n)
			*vec_push(rows->arena, &items) = item;
	first = items.n ? last_ones(items.p, items.n) : 0;
	row_list(row, column, items.p + first, items.n - first);
}

static struct row *new_row(struct state *s, struct str target, struct from from)
{
	struct row *row = rows_add(s->rows, from);

	row_str(row, TARGET, target);
	row_bool(row, IN_FSTAB, false);
	row_bool(row, MOUNTED, false);
	row_bool(row, SEPARATE, true);
	if (s->no_fstab) {
		row_unknown(row, IN_FSTAB, s->no_fstab);
		row_unknown(row, FSTAB_OPTIONS, s->no_fstab);
	}
	if (s->offline) {
		row_unknown(row, MOUNTED, "offline");
		row_unknown(row, OPTIONS, "offline");
	}
	return row;
}

/* The row of a target, new or not. */
static struct row *row_of(struct state *s, struct str target, struct from from)
{
	struct row *row = map_get(&s->by_target, target);

	if (!row) {
		row = new_row(s, target, from);
		map_put(&s->by_target, target, row);
	}
	return row;
}

/* In the order of mounting, so that of several on one target the last, which is seen, remains. */
static void add_mounted(struct state *s, const struct mount *m)
{
	struct row *row = row_of(s, m->target, FROM(MOUNTINFO_PATH, m->line));

	row->from = FROM(MOUNTINFO_PATH, m->line);
	row_str(row, SOURCE, m->source);
	row_str(row, FSTYPE, m->fstype);
	row_bool(row, MOUNTED, true);
	set_options(s->rows, row, OPTIONS, m->options);
}

static struct str without_slash(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* SOURCE TARGET FSTYPE [OPTIONS [FREQ [PASSNO]]], see fstab(5). */
static void add_wanted(struct state *s, struct str line, unsigned number)
{
	struct str source, target, fstype, options = STR("defaults");
	const struct from from = FROM(FSTAB, number);
	struct row *row;

	if (!str_word(&line, &source) || source.p[0] == '#' || !str_word(&line, &target) ||
		!str_word(&line, &fstype))
		return;
	(void)str_word(&line, &options);
	target = without_slash(mountinfo_unescape(s->rows->arena, target));
	if (target.p[0] != '/' || str_is(fstype, "swap") || str_is(fstype, "ignore"))
		return;
	row = row_of(s, target, from);
	if (row->cells[IN_FSTAB].state == VALUE_SET && row->cells[IN_FSTAB].number)
		row = new_row(s, target, from); /* a second line for it, which is mounted on top */
	row_bool(row, IN_FSTAB, true);
	row_from(row, IN_FSTAB, from);
	set_options(s->rows, row, FSTAB_OPTIONS, mountinfo_unescape(s->rows->arena, options));
	row_from(row, FSTAB_OPTIONS, from);
	if (row->cells[SOURCE].state != VALUE_ABSENT)
		return;
	row_str(row, SOURCE, mountinfo_unescape(s->rows->arena, source));
	row_str(row, FSTYPE, fstype);
}

/* An /etc/fstab that is not there wants nothing. */
static struct str read_fstab(struct host *host, struct state *s)
{
	struct err err = {0};
	struct str text = STR("");
	int r = host_read_scrubbed(host, FSTAB, secret_mask_mounts, s->rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT) {
		s->no_fstab = arena_strdup(s->rows->arena, err.msg);
		rows_gap(s->rows, "%s", err.msg);
	}
	return text;
}

static int read_mounts(struct host *host, struct rows *rows, struct err *err)
{
	struct state s = {.rows = rows};
	struct mounts mounts = {0};
	struct str text, line;
	unsigned number = 0;
	int r = mountinfo_read(host, rows->arena, &mounts, err);

	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	s.offline = r == -EOPNOTSUPP;
	map_init(&s.by_target, rows->arena);
	text = read_fstab(host, &s);
	for (size_t i = 0; i < mounts.n; i++)
		add_mounted(&s, &mounts.p[i]);
	while (str_line(&text, &line))
		add_wanted(&s, line, ++number);
	return 0;
}

static const struct table mounts = {
	.name = "mounts",
	.doc = "File systems that are mounted (/proc/self/mountinfo) or that /etc/fstab wants; swap is "
		   "left out",
	.columns = columns,
	.read = read_mounts,
	.fix = "set {options} on {target} in /etc/fstab and remount",
};
TABLE(mounts);
