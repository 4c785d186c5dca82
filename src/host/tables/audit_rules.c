/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit rules: those on disk, as augenrules would merge them, and those in the kernel, as `auditctl
 * -l` lists them.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/audit_rule.h"
#include "host/edit.h"
#include "host/table.h"

enum {
	TEXT,
	KIND,
	PATH,
	PERMISSIONS,
	ACTION,
	LIST,
	SYSCALLS,
	FIELDS,
	KEY,
	ON_DISK,
	LOADED,
};

static const struct column columns[] = {
	[TEXT] = {"text", TYPE_STRING, "The rule as it is written", COLUMN_KEY | COLUMN_LABEL},
	[KIND] = {"kind", TYPE_STRING, "watch, syscall or control", 0},
	[PATH] = {"path", TYPE_STRING, "File or directory that is watched", 0},
	[PERMISSIONS] = {"permissions", TYPE_STRING,
					 "Accesses that are watched, of r, w, x, a, in that order", 0},
	[ACTION] = {"action", TYPE_STRING, "always or never", 0},
	[LIST] = {"list", TYPE_STRING, "exit, task, user, exclude or filesystem", 0},
	[SYSCALLS] = {"syscalls", TYPE_LIST, "System calls; absent: all", 0},
	[FIELDS] =
		{"fields", TYPE_LIST,
		 "Conditions other than path, permissions and key: arch=b64, auid>=1000, auid!=unset", 0},
	[KEY] = {"key", TYPE_STRING, "Name under which its events are found", 0},
	[ON_DISK] = {"on_disk", TYPE_BOOL, "It is in the files and will be loaded at boot",
				 COLUMN_VALUE | COLUMN_SETTABLE},
	[LOADED] = {"loaded", TYPE_BOOL, "It is in force now; absent: cannot be told of this control",
				0},
	{0},
};

#define RULES_DIR "/etc/audit/rules.d"
#define OWN_FILE RULES_DIR "/50-revet.rules"
#define LAST_FILE RULES_DIR "/zz-revet.rules" /* -e 2 comes behind all others */
#define MAX_RULES 65536 /* of each source */

static const struct helper auditctl_l = {
	.argv = (const char *const[]){"/sbin/auditctl", "-l", NULL},
};
static const struct helper auditctl_s = {
	.argv = (const char *const[]){"/sbin/auditctl", "-s", NULL},
	.max = 64 << 10,
};

/* A rule of auditctl -l. */
struct loaded {
	struct audit_rule rule;
	unsigned number;
	bool on_disk;
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct passwd_db users;
	bool has_users;
	VEC(struct loaded *) loaded; /* in the kernel's order */
	struct map by_canonical;     /* the same */
	const char *loaded_unknown, *disk_unknown;
	struct str status; /* of auditctl -s */
};

/* --- rows ---------------------------------------------------------------------------------------
 */

static struct row *add_row(struct reader *r, const struct audit_rule *rule, struct from from)
{
	struct row *row = rows_add(r->rows, from);

	row_str(row, TEXT, rule->text);
	row_strz(row, KIND, rule->is_control ? "control" : rule->is_path_only ? "watch" : "syscall");
	if (rule->is_control)
		return row;
	row_str(row, PATH, rule->path);
	row_str(row, PERMISSIONS, rule->permissions);
	row_str(row, ACTION, rule->action);
	row_str(row, LIST, rule->list);
	row_str(row, KEY, rule->key);
	if (rule->syscalls.n)
		row_list(row, SYSCALLS, rule->syscalls.p, rule->syscalls.n);
	if (rule->fields.n)
		row_list(row, FIELDS, rule->fields.p, rule->fields.n);
	return row;
}

/* What auditctl -s calls that which the control sets; absent: not shown there. */
static struct str status_name(struct str option)
{
	static const struct {
		const char *option, *name;
	} names[] = {
		{"-e", "enabled"},
		{"-f", "failure"},
		{"-b", "backlog_limit"},
		{"-r", "rate_limit"},
		{"--backlog_wait_time", "backlog_wait_time"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(option, names[i].option))
			return str_of(names[i].name);
	return STR_ABSENT;
}

static void set_control_loaded(struct reader *r, struct row *row, struct str text)
{
	struct str status = r->status, option = STR(""), wanted = STR(""), line, name, value;

	str_word(&text, &option);
	if (!str_word(&text, &wanted) && option.n > 2 && option.p[1] != '-') {
		wanted = (struct str){option.p + 2, option.n - 2}; /* -e2 */
		option.n = 2;
	}
	if (!status_name(option).p)
		return;
	if (r->loaded_unknown) {
		row_unknown(row, LOADED, r->loaded_unknown);
		return;
	}
	while (str_line(&status, &line))
		if (str_word(&line, &name) && str_eq(name, status_name(option)) && str_word(&line, &value))
			row_bool(row, LOADED, str_eq(value, wanted));
}

static void add_disk_rule(struct reader *r, struct str line, struct from from)
{
	struct loaded *loaded;
	struct audit_rule rule;
	struct row *row;

	if (line.n > AUDIT_MAX_RULE) {
		rows_gap(r->rows, "%s:%u: longer than auditctl reads", from.path, from.line);
		return;
	}
	audit_rule_parse(r->rows->arena, r->has_users ? &r->users : NULL, line, &rule);
	row = add_row(r, &rule, from);
	row_bool(row, ON_DISK, true);
	loaded = map_get(&r->by_canonical, rule.canonical);
	if (loaded)
		loaded->on_disk = true;
	if (rule.is_control)
		set_control_loaded(r, row, rule.text);
	else if (r->loaded_unknown)
		row_unknown(row, LOADED, r->loaded_unknown);
	else
		row_bool(row, LOADED, loaded);
}

static void read_loaded(struct reader *r, struct str text)
{
	struct arena *a = r->rows->arena;
	struct str line;

	map_init(&r->by_canonical, a);
	for (unsigned n = 1; str_line(&text, &line); n++) {
		struct loaded *loaded;

		if (!line.n || str_starts(line, "No rules"))
			continue;
		if (r->loaded.n >= MAX_RULES) {
			rows_gap(r->rows, "auditctl -l: too many rules");
			return;
		}
		loaded = arena_new(a, struct loaded, 1);
		loaded->number = n;
		audit_rule_parse(a, r->has_users ? &r->users : NULL, line, &loaded->rule);
		map_put(&r->by_canonical, loaded->rule.canonical, loaded);
		*vec_push(a, &r->loaded) = loaded;
	}
}

static void set_not_on_disk(struct reader *r, struct row *row)
{
	if (r->disk_unknown)
		row_unknown(row, ON_DISK, r->disk_unknown);
	else
		row_bool(row, ON_DISK, false);
}

/* Rules that are in force only. When auditctl could not say, one row stands for them: it is not on
 * disk, and all else about it is unknown. */
static void add_loaded_only(struct reader *r)
{
	struct row *row;

	vec_each(&r->loaded, l) {
		if ((*l)->on_disk)
			continue;
		row = add_row(r, &(*l)->rule, FROM("auditctl -l", (*l)->number));
		row_bool(row, LOADED, true);
		set_not_on_disk(r, row);
	}
	if (!r->loaded_unknown)
		return;
	row = rows_add(r->rows, FROM("auditctl -l", 0));
	for (int i = 0; columns[i].name; i++)
		row_unknown(row, i, r->loaded_unknown);
	set_not_on_disk(r, row);
}

/* --- where they are ------------------------------------------------------------------------------
 */

static void disk_gap(struct reader *r, const struct err *err)
{
	if (!r->disk_unknown)
		r->disk_unknown = arena_strdup(r->rows->arena, err->msg);
	rows_gap(r->rows, "%s", err->msg);
}

static void read_file(struct reader *r, const char *path)
{
	struct str text, line;
	struct err err = {0};
	int result = host_read(r->host, path, r->rows->arena, &text, &err);

	if (result < 0 && result != -ENOENT)
		disk_gap(r, &err);
	for (unsigned n = 1; result == 0 && str_line(&text, &line); n++) {
		line = str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (r->rows->n >= MAX_RULES) {
			rows_gap(r->rows, "%s:%u: too many rules", path, n);
			return;
		}
		add_disk_rule(r, line, FROM(path, n));
	}
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(((const struct str *)a)->p, ((const struct str *)b)->p);
}

/* augenrules makes audit.rules from rules.d whenever auditd starts, so where there is anything in
 * rules.d, that is what counts. It takes the files in the order of `ls -v`. */
static void read_disk(struct reader *r)
{
	struct err err = {0};
	struct str *files;
	size_t n;

	if (host_list_files(r->host, RULES_DIR, ".rules", r->rows->arena, &files, &n, &err) < 0) {
		disk_gap(r, &err);
		return;
	}
	if (!n) {
		read_file(r, "/etc/audit/audit.rules");
		return;
	}
	qsort(files, n, sizeof(*files), by_version);
	for (size_t i = 0; i < n; i++)
		read_file(r, files[i].p);
}

static int run_auditctl(struct reader *r, const struct helper *helper, struct str *ret)
{
	struct err err = {0};
	int result = host_run(r->host, helper, r->rows->arena, ret, &err);

	if (result < 0 && !r->loaded_unknown)
		r->loaded_unknown =
			host_is_live(r->host) ? arena_strdup(r->rows->arena, err.msg) : "offline";
	return result;
}

static int read_audit_rules(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct str loaded = STR("");

	r.has_users = passwd_read(host, rows->arena, &r.users, err) == 0;
	run_auditctl(&r, &auditctl_l, &loaded);
	run_auditctl(&r, &auditctl_s, &r.status);
	read_loaded(&r, loaded);
	read_disk(&r);
	add_loaded_only(&r);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Where rules are not made of the files in rules.d, a first file there would take the place of all. */
static int check_directory(struct host *host, struct arena *a, struct err *err)
{
	struct str *files, text, line;
	struct path_stat st;
	size_t n = 0;
	int r = host_stat(host, RULES_DIR, true, &st, err);

	if (r == 0)
		r = host_list_files(host, RULES_DIR, ".rules", a, &files, &n, err);
	if (r < 0 || n)
		return r;
	r = host_read(host, "/etc/audit/audit.rules", a, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (line.n && line.p[0] != '#')
			return err_set(err, ENOTSUP,
						   "rules stand in /etc/audit/audit.rules itself: add it there");
	}
	return 0;
}

/* System calls are other ones elsewhere, and a rule that auditctl does not know ends the loading. */
static int check_machine(struct host *host, const struct audit_rule *rule, struct err *err)
{
	static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2",
										  "/lib/ld-musl-x86_64.so.1"};
	struct path_stat st;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(loaders); i++)
		if (!rule->syscalls.n || host_stat(host, loaders[i], true, &st, &ignored) == 0)
			return 0;
	return err_set(err, ENOTSUP,
				   "the system calls of this machine are not those of x86_64: write a "
				   "rule like %.*s",
				   STR_ARG(rule->text));
}

/* auditd runs, and the kernel takes rules in. */
static bool takes_rules(struct host *host, struct arena *a)
{
	struct str text, line, name, value;
	struct err ignored;
	bool on = false, heard = false;
	uint64_t n;

	if (host_run(host, &auditctl_s, a, &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_word(&line, &name) && str_word(&line, &value)) {
			on = on || (str_is(name, "enabled") && str_is(value, "1"));
			heard = heard || (str_is(name, "pid") && num_u64(value, 1, INT32_MAX, &n) == 0);
		}
	return on && heard;
}

/* In force now, too, where that can be had. */
static void load(struct host *host, const struct audit_rule *rule, struct edits *edits)
{
	const char *target = str_dup(edits->arena, rule->text);
	bool loaded = false;
	struct audit_rule other;
	struct str text, line;
	struct err ignored;

	if (!takes_rules(host, edits->arena) ||
		host_run(host, &auditctl_l, edits->arena, &text, &ignored) < 0)
		return;
	while (str_line(&text, &line)) {
		audit_rule_parse(edits->arena, NULL, line, &other);
		loaded = loaded || str_eq(other.canonical, rule->canonical);
	}
	edit_state(edits, "audit_rule", target, "loaded", loaded ? STR("yes") : STR("no"), STR("yes"));
}

static int set_audit_rules(struct host *host, const struct wish *wish, struct edits *edits,
						   struct err *err)
{
	bool is_wanted =
		wish->column == ON_DISK && wish->value.state == VALUE_SET && wish->value.number;
	struct audit_rule rule;
	int r;

	if (!is_wanted || !wish->key.n || wish->key.n > AUDIT_MAX_RULE)
		return err_set(err, ENOTSUP, "audit rules are taken out by hand");
	audit_rule_parse(edits->arena, NULL, wish->key, &rule);
	r = check_directory(host, edits->arena, err);
	if (r == 0)
		r = check_machine(host, &rule, err);
	if (r < 0)
		return r;
	edits->mode = "0640";
	edit_key(edits, rule.is_control ? LAST_FILE : OWN_FILE, EDIT_LINES, NULL, wish->key,
			 STR("yes"));
	edits->mode = NULL;
	if (host_is_live(host) && !rule.is_control)
		load(host, &rule, edits);
	return 0;
}

static const struct table audit_rules = {
	.name = "audit_rules",
	.doc = "Audit rules, those in /etc/audit/rules.d and those that are in force",
	.columns = columns,
	.read = read_audit_rules,
	.helpers = (const struct helper *const[]){&auditctl_l, &auditctl_s, NULL},
	.multi = true,
	.set = set_audit_rules,
	.can_add = true,
	.fix = "add the rule to a file in " RULES_DIR ", and load it where auditd runs",
	.cost = 5,
};
TABLE(audit_rules);
