/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit rules: those on disk, as augenrules would merge them, and those in the kernel, as `auditctl
 * -l` lists them. The two spell the same rule in different ways (-w or -F path, -k or -F key, order
 * of fields, lists of syscalls), so both are brought into one form to be compared.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/passwd.h"
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
	[TEXT] = {"text", TYPE_STRING, "The rule as it is written", COLUMN_LABEL},
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
	[ON_DISK] = {"on_disk", TYPE_BOOL, "It is in the files and will be loaded at boot", 0},
	[LOADED] = {"loaded", TYPE_BOOL, "It is in force now; absent: cannot be told of this control",
				0},
	{0},
};

#define MAX_RULE 8192   /* bytes of a line, as auditctl's buffer */
#define MAX_RULES 65536 /* of each source */

static const struct helper auditctl_l = {
	.argv = (const char *const[]){"/sbin/auditctl", "-l", NULL},
};
static const struct helper auditctl_s = {
	.argv = (const char *const[]){"/sbin/auditctl", "-s", NULL},
	.max = 64 << 10,
};

typedef VEC(struct str) strings;

struct rule {
	struct str text, path, permissions, action, list, key;
	bool is_control, is_path_only; /* is_path_only: could as well be written with -w */
	strings syscalls, fields;
	struct str canonical;
};

/* A rule of auditctl -l. */
struct loaded {
	struct rule rule;
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

/* --- one rule --------------------------------------------------------------------------------- */

static bool is_among(struct str name, const char *const *names)
{
	for (; *names; names++)
		if (str_is(name, *names))
			return true;
	return false;
}

static const char *const user_fields[] = {"uid", "euid", "suid", "fsuid", "auid", "obj_uid", NULL};
static const char *const group_fields[] = {"gid", "egid", "sgid", "fsgid", "obj_gid", NULL};
static const char *const argument_fields[] = {"a0", "a1", "a2", "a3", NULL};

/* The kernel knows numbers, the files may have names. */
static struct str plain_id(struct reader *r, struct str value, bool is_group)
{
	const struct passwd_user *user;

	if (str_is(value, "-1") || str_is(value, "4294967295"))
		return STR("unset");
	if (!value.n || (value.p[0] >= '0' && value.p[0] <= '9') || !r->has_users)
		return value;
	for (size_t i = 0; is_group && i < r->users.n_groups; i++)
		if (str_eq(r->users.groups[i].name, value))
			return str_of(arena_printf(r->rows->arena, "%u", r->users.groups[i].gid));
	user = is_group ? NULL : passwd_by_name(&r->users, value);
	return user ? str_of(arena_printf(r->rows->arena, "%u", user->uid)) : value;
}

/* auditctl -l prints arguments of system calls in hexadecimal. */
static struct str plain_number(struct arena *a, struct str value)
{
	uint64_t n;
	bool hex = str_starts(value, "0x") || str_starts(value, "0X");

	if ((hex ? num_hex(value, UINT32_MAX, &n) : num_u64(value, 0, UINT32_MAX, &n)) < 0 ||
		(!hex && value.n > 1 && value.p[0] == '0')) /* octal: left as it is */
		return value;
	return str_of(arena_printf(a, "0x%X", (unsigned)n));
}

/* "-EACCES", which older versions of auditctl print as -13. */
static struct str plain_exit(struct str value)
{
	static const struct {
		const char *number, *name;
	} errors[] = {
		{"-1", "-EPERM"},   {"-2", "-ENOENT"},  {"-4", "-EINTR"},   {"-9", "-EBADF"},
		{"-11", "-EAGAIN"}, {"-12", "-ENOMEM"}, {"-13", "-EACCES"}, {"-16", "-EBUSY"},
		{"-17", "-EEXIST"}, {"-22", "-EINVAL"}, {"-28", "-ENOSPC"}, {"-30", "-EROFS"},
	};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (str_is(value, errors[i].number))
			return str_of(errors[i].name);
	return value;
}

/* Values that auditctl accepts in several spellings. */
static struct str plain_value(struct reader *r, struct str name, struct str value)
{
	static const struct {
		const char *field, *value, *same;
	} spellings[] = {
		{"arch", "x86_64", "b64"}, {"arch", "aarch64", "b64"}, {"arch", "ppc64le", "b64"},
		{"arch", "s390x", "b64"},  {"arch", "i386", "b32"},    {"arch", "i486", "b32"},
		{"arch", "i586", "b32"},   {"arch", "i686", "b32"},    {"success", "yes", "1"},
		{"success", "true", "1"},  {"success", "no", "0"},     {"success", "false", "0"},
	};

	if (is_among(name, user_fields) || is_among(name, group_fields))
		return plain_id(r, value, is_among(name, group_fields));
	if (is_among(name, argument_fields))
		return plain_number(r->rows->arena, value);
	if (str_is(name, "exit"))
		return plain_exit(value);
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
		if (str_is(name, spellings[i].field) && str_is(value, spellings[i].value))
			return str_of(spellings[i].same);
	return value;
}

static struct str plain_path(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

static struct str plain_permissions(struct arena *a, struct str given)
{
	char *p = arena_alloc(a, 5);
	size_t n = 0;

	for (const char *c = "rwxa"; *c; c++)
		if (str_has_char(given, *c))
			p[n++] = *c;
	return (struct str){p, n};
}

static void set_key(struct arena *a, struct rule *rule, struct str key)
{
	rule->key = !rule->key.p
					? key
					: str_of(arena_printf(a, "%s,%s", str_dup(a, rule->key), str_dup(a, key)));
}

static void add_field(struct reader *r, struct rule *rule, struct str field)
{
	struct arena *a = r->rows->arena;
	struct str name = field, op, value;
	size_t n = 0;

	while (n < field.n && !memchr("=!<>&", field.p[n], 5))
		n++;
	name.n = n;
	op = (struct str){field.p + n, 0};
	while (n + op.n < field.n && memchr("=!<>&", op.p[op.n], 5))
		op.n++;
	value = (struct str){op.p + op.n, field.n - n - op.n};
	if (str_is(name, "path") || str_is(name, "dir")) {
		rule->path = plain_path(value);
	} else if (str_is(name, "perm")) {
		rule->permissions = plain_permissions(a, value);
	} else if (str_is(name, "key")) {
		set_key(a, rule, value);
	} else {
		if (str_is(name, "loginuid"))
			name = STR("auid");
		value = plain_value(r, name, value);
		*vec_push(a, &rule->fields) =
			str_of(arena_printf(a, "%s%s%s", str_dup(a, name), str_dup(a, op), str_dup(a, value)));
	}
}

static void set_list(struct rule *rule, struct str value)
{
	struct str first, second;

	str_cut(&value, ',', &first);
	second = value.p ? value : STR("");
	if (str_is(first, "always") || str_is(first, "never") || str_is(first, "possible")) {
		rule->action = first;
		rule->list = second;
	} else {
		rule->action = second;
		rule->list = first;
	}
}

static void add_syscalls(struct arena *a, struct rule *rule, struct str names)
{
	struct str name;

	while (str_cut(&names, ',', &name))
		if (name.n && !str_is(name, "all"))
			*vec_push(a, &rule->syscalls) = name;
}

static void set_watch(struct rule *rule, struct str path)
{
	rule->path = plain_path(path);
	rule->action = STR("always");
	rule->list = STR("exit");
}

/* -X value; false for an option that is none of a rule's. */
static bool read_option(struct reader *r, struct rule *rule, struct str option, struct str value)
{
	struct arena *a = r->rows->arena;

	if (option.n != 2 || option.p[0] != '-')
		return false;
	switch (option.p[1]) {
	case 'a':
	case 'A':
		set_list(rule, value);
		return true;
	case 'w':
		set_watch(rule, value);
		return true;
	case 'p':
		rule->permissions = plain_permissions(a, value);
		return true;
	case 'k':
		set_key(a, rule, value);
		return true;
	case 'S':
		add_syscalls(a, rule, value);
		return true;
	case 'F':
		add_field(r, rule, value);
		return true;
	case 'C':
		*vec_push(a, &rule->fields) = value;
		return true;
	default:
		return false;
	}
}

/* A word, without the quotes that it may be in. */
static bool take_word(struct str *s, struct str *ret)
{
	const char *end;

	*s = str_trim(*s);
	if (!s->n || (s->p[0] != '"' && s->p[0] != '\''))
		return str_word(s, ret);
	end = memchr(s->p + 1, s->p[0], s->n - 1);
	if (!end)
		return str_word(s, ret);
	*ret = (struct str){s->p + 1, (size_t)(end - s->p) - 1};
	s->n -= ret->n + 2;
	s->p = end + 1;
	return true;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void put_sorted(struct arena *a, struct buf *out, const strings *items)
{
	struct str *sorted = arena_new(a, struct str, items->n + 1);

	if (items->n) {
		memcpy(sorted, items->p, items->n * sizeof(*sorted));
		qsort(sorted, items->n, sizeof(*sorted), by_text);
	}
	for (size_t i = 0; i < items->n; i++) {
		if (i && str_eq(sorted[i], sorted[i - 1]))
			continue;
		buf_putc(out, ' ');
		buf_str(out, sorted[i]);
	}
}

static void make_canonical(struct arena *a, struct rule *rule)
{
	_cleanup_buf_ struct buf out = BUF(4 * MAX_RULE);
	/* The kernel ignores the action of the exclude list and calls it always. */
	struct str action = str_is(rule->list, "exclude") ? STR("always") : rule->action;

	if (rule->is_control) {
		buf_str(&out, rule->text);
	} else {
		buf_printf(&out, "%.*s,%.*s path=%.*s perm=%.*s key=%.*s fields", STR_ARG(action),
				   STR_ARG(rule->list), STR_ARG(rule->path), STR_ARG(rule->permissions),
				   STR_ARG(rule->key));
		put_sorted(a, &out, &rule->fields);
		buf_puts(&out, " syscalls");
		put_sorted(a, &out, &rule->syscalls);
	}
	rule->canonical = (struct str){str_dup(a, buf_get(&out)), out.n};
}

/* Runs of blanks become one. */
static struct str squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	struct str word;
	size_t n = 0;

	while (str_word(&s, &word)) {
		if (n)
			p[n++] = ' ';
		memcpy(p + n, word.p, word.n);
		n += word.n;
	}
	return (struct str){p, n};
}

static void parse_rule(struct reader *r, struct str line, struct rule *rule)
{
	struct arena *a = r->rows->arena;
	struct str option, value;
	bool is_rule = true;

	*rule = (struct rule){.text = squeeze(a, line)};
	while (is_rule && take_word(&line, &option)) {
		if (!take_word(&line, &value))
			value = STR_ABSENT;
		is_rule = value.p && read_option(r, rule, option, value);
	}
	rule->is_control = !is_rule || !rule->list.p;
	if (rule->path.p && !rule->permissions.p)
		rule->permissions = STR("rwxa"); /* auditctl's default */
	rule->is_path_only = rule->path.p && !rule->syscalls.n && !rule->fields.n &&
						 str_is(rule->action, "always") && str_is(rule->list, "exit");
	make_canonical(a, rule);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static struct row *add_row(struct reader *r, const struct rule *rule, struct from from)
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
	struct rule rule;
	struct row *row;

	if (line.n > MAX_RULE) {
		rows_gap(r->rows, "%s:%u: longer than auditctl reads", from.path, from.line);
		return;
	}
	parse_rule(r, line, &rule);
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
		parse_rule(r, line, &loaded->rule);
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

	if (host_list_files(r->host, "/etc/audit/rules.d", ".rules", r->rows->arena, &files, &n, &err) <
		0) {
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

static const struct table audit_rules = {
	.name = "audit_rules",
	.doc = "Audit rules, those in /etc/audit/rules.d and those that are in force",
	.columns = columns,
	.read = read_audit_rules,
	.helpers = (const struct helper *const[]){&auditctl_l, &auditctl_s, NULL},
	.cost = 5,
};
TABLE(audit_rules);
