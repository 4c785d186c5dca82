/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted, from /proc/self/mountinfo, joined with what /etc/fstab wants. */
#include "base/map.h"
#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/edit.h"
#include "host/fstab.h"
#include "host/mountinfo.h"
#include "host/secret.h"
#include "host/table.h"
#include "host/unitfile.h"
#include "host/value.h"

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
					   "Options in /etc/fstab, of nosuid and suid the last; absent: not there",
					   COLUMN_SETTABLE},
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

static void add_wanted(struct state *s, struct str line, unsigned number)
{
	const struct from from = FROM(FSTAB_PATH, number);
	struct fstab_entry entry;
	struct row *row;

	if (!fstab_entry_parse(s->rows->arena, line, &entry))
		return;
	row = row_of(s, entry.target, from);
	if (row->cells[IN_FSTAB].state == VALUE_SET && row->cells[IN_FSTAB].number)
		row = new_row(s, entry.target, from); /* a second line for it, which is mounted on top */
	row_bool(row, IN_FSTAB, true);
	row_from(row, IN_FSTAB, from);
	set_options(s->rows, row, FSTAB_OPTIONS, entry.options);
	row_from(row, FSTAB_OPTIONS, from);
	if (row->cells[SOURCE].state != VALUE_ABSENT)
		return;
	row_str(row, SOURCE, entry.source);
	row_str(row, FSTYPE, entry.fstype);
}

/* An /etc/fstab that is not there wants nothing. */
static struct str read_fstab(struct host *host, struct state *s)
{
	struct err err = {0};
	struct str text = STR("");
	int r = host_read_scrubbed(host, FSTAB_PATH, secret_mask_mounts, s->rows->arena, &text, &err);

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

/* --- changing -------------------------------------------------------------------------------- */

/* Names of mount units: "/var/tmp" -> "var-tmp.mount"; other characters than these stand in none of
 * the places that rules are about. NULL. */
static const char *unit_of(struct arena *a, struct str target)
{
	char *name = arena_alloc(a, target.n + sizeof(".mount"));
	size_t n = 0;

	for (size_t i = 1; i < target.n; i++) {
		if (!str_has_char(STR("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./"),
						  target.p[i]))
			return NULL;
		name[n++] = target.p[i] == '/' ? '-' : target.p[i];
	}
	memcpy(name + n, ".mount", sizeof(".mount"));
	return name;
}

/* Options that are set without asking a person. */
static const char *const known[] = {"nosuid", "nodev", "noexec", "nosymfollow"};

/* From the next boot on, for what /etc/fstab has not: by a drop-in of the unit that mounts it. */
static int persist(struct host *host, const struct wish *wish, struct str missing, struct edits *edits,
				   struct err *err)
{
	struct str target = wish->row->cells[TARGET].string, fstype = wish->row->cells[FSTYPE].string;
	const char *unit = unit_of(edits->arena, target), *only[] = {unit, NULL}, *path;
	const struct unit_file *file = NULL;
	struct unit_files files = {0};
	struct str options, one;

	if (unit) {
		unitfiles_read(host, edits->arena, only, &files);
		file = unitfiles_find(&files, str_of(unit));
	}
	if (file && !file->unread && !file->masked) {
		path = arena_printf(edits->arena, "/etc/systemd/system/%s.d/99-revet.conf", unit);
		options = unitfile_value(file, "Mount", "Options", NULL);
		edit_key(edits, path, EDIT_INI, "Mount", STR("Options"),
				 str_of(arena_printf(edits->arena, "%.*s%s%.*s", STR_ARG(options), options.n ? "," : "",
									 STR_ARG(missing))));
		return 0;
	}
	if (!str_starts(target, "/dev/") || !str_is(fstype, "tmpfs"))
		return err_set(err, ENOTSUP, "%.*s is neither in /etc/fstab nor mounted by a unit",
					   STR_ARG(target));
	/* systemd mounts these itself, and afterwards what /etc/fstab says takes the place of its options,
	 * those that it leaves out included. */
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (value_has_item(&wish->row->cells[OPTIONS], str_of(known[i])))
			edit_key(edits, FSTAB_PATH, EDIT_FSTAB, str_dup(edits->arena, target), str_of(known[i]),
					 str_of(known[i]));
	while (str_cut(&missing, ',', &one))
		edit_key(edits, FSTAB_PATH, EDIT_FSTAB, str_dup(edits->arena, target), one, one);
	return 0;
}

/* debconf has apt run scripts of packages from /tmp, before it installs them. */
static int move_templates(struct host *host, struct edits *edits, struct err *err)
{
	const struct str key = STR("APT::ExtractTemplates::TempDir");
	struct apt_conf conf;
	struct path_stat st;
	struct err ignored;

	if (host_stat(host, "/etc/apt/apt.conf.d/70debconf", true, &st, &ignored) < 0)
		return 0;
	apt_conf_read(host, edits->arena, &conf);
	return apt_conf_last(&conf, key.p) ? 0 : apt_conf_set(&conf, key, STR("/var/cache/apt"), edits, err);
}

static int set_mounts(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	_cleanup_buf_ struct buf missing = BUF(4096);
	const struct row *row = wish->row;
	const char *target;

	if (!row || wish->column < 0 || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "what is mounted where is decided by hand");
	target = str_dup(edits->arena, row->cells[TARGET].string);
	for (size_t i = 0; i < wish->value.list.n; i++) {
		struct str option = wish->value.list.items[i];
		bool is_known = false;

		if (value_has_item(&row->cells[wish->column], option))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			is_known = is_known || str_is(option, known[k]);
		if (!is_known)
			return err_set(err, ENOTSUP, "the option %.*s is set by hand", STR_ARG(option));
		buf_printf(&missing, "%s%.*s", missing.n ? "," : "", STR_ARG(option));
		if (wish->column == FSTAB_OPTIONS)
			edit_key(edits, FSTAB_PATH, EDIT_FSTAB, target, option, option);
		else
			edit_state(edits, "mount", target, str_dup(edits->arena, option), STR("no"), STR("yes"));
	}
	if (strcmp(target, "/tmp") == 0 && str_has(buf_get(&missing), "noexec") &&
		move_templates(host, edits, err) < 0)
		return -err->errnum;
	if (wish->column == OPTIONS && missing.n && row->cells[FSTAB_OPTIONS].state == VALUE_ABSENT)
		return persist(host, wish, buf_get(&missing), edits, err);
	return 0;
}

static const struct table mounts = {
	.name = "mounts",
	.doc = "File systems that are mounted (/proc/self/mountinfo) or that /etc/fstab wants; swap is "
		   "left out",
	.columns = columns,
	.read = read_mounts,
	.set = set_mounts,
	.fix = "set {options} on {target} in /etc/fstab and remount",
};
TABLE(mounts);
