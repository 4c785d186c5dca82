/* SPDX-License-Identifier: Apache-2.0 */
#include "host/audit_rule.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"

struct parser {
	struct arena *arena;
	const struct passwd_db *users; /* NULL: not known */
};

static const char *const user_fields[] = {"uid", "euid", "suid", "fsuid", "auid", "obj_uid", NULL};
static const char *const group_fields[] = {"gid", "egid", "sgid", "fsgid", "obj_gid", NULL};
static const char *const argument_fields[] = {"a0", "a1", "a2", "a3", NULL};

/* The kernel knows numbers, the files may have names. */
static struct str plain_id(struct parser *p, struct str value, bool is_group)
{
	const struct passwd_user *user;

	if (str_is(value, "-1") || str_is(value, "4294967295"))
		return STR("unset");
	if (!value.n || (value.p[0] >= '0' && value.p[0] <= '9') || !p->users)
		return value;
	for (size_t i = 0; is_group && i < p->users->n_groups; i++)
		if (str_eq(p->users->groups[i].name, value))
			return str_of(arena_printf(p->arena, "%u", p->users->groups[i].gid));
	user = is_group ? NULL : passwd_by_name(p->users, value);
	return user ? str_of(arena_printf(p->arena, "%u", user->uid)) : value;
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
static struct str plain_value(struct parser *p, struct str name, struct str value)
{
	static const struct {
		const char *field, *value, *same;
	} spellings[] = {
		{"arch", "x86_64", "b64"}, {"arch", "aarch64", "b64"}, {"arch", "ppc64le", "b64"},
		{"arch", "s390x", "b64"},  {"arch", "i386", "b32"},    {"arch", "i486", "b32"},
		{"arch", "i586", "b32"},   {"arch", "i686", "b32"},    {"success", "yes", "1"},
		{"success", "true", "1"},  {"success", "no", "0"},     {"success", "false", "0"},
	};

	if (str_is_one_of(name, user_fields) || str_is_one_of(name, group_fields))
		return plain_id(p, value, str_is_one_of(name, group_fields));
	if (str_is_one_of(name, argument_fields))
		return plain_number(p->arena, value);
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

static void set_key(struct arena *a, struct audit_rule *rule, struct str key)
{
	rule->key = !rule->key.p
					? key
					: str_of(arena_printf(a, "%s,%s", str_dup(a, rule->key), str_dup(a, key)));
}

static void add_field(struct parser *p, struct audit_rule *rule, struct str field)
{
	struct arena *a = p->arena;
	struct str name = field, op, value;
	size_t n = 0;

	while (n < field.n && !str_has_char(STR("=!<>&"), field.p[n]))
		n++;
	name.n = n;
	op = (struct str){field.p + n, 0};
	while (n + op.n < field.n && str_has_char(STR("=!<>&"), op.p[op.n]))
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
		value = plain_value(p, name, value);
		*vec_push(a, &rule->fields) =
			str_of(arena_printf(a, "%s%s%s", str_dup(a, name), str_dup(a, op), str_dup(a, value)));
	}
}

static void set_list(struct audit_rule *rule, struct str value)
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

static void add_syscalls(struct arena *a, struct audit_rule *rule, struct str names)
{
	struct str name;

	while (str_cut(&names, ',', &name))
		if (name.n && !str_is(name, "all"))
			*vec_push(a, &rule->syscalls) = name;
}

static void set_watch(struct audit_rule *rule, struct str path)
{
	rule->path = plain_path(path);
	rule->action = STR("always");
	rule->list = STR("exit");
}

/* -X value; false for an option that is none of a rule's. */
static bool read_option(struct parser *p, struct audit_rule *rule, struct str option,
						struct str value)
{
	struct arena *a = p->arena;

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
		add_field(p, rule, value);
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

static void put_sorted(struct arena *a, struct buf *out, const struct audit_words *items)
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

static void make_canonical(struct arena *a, struct audit_rule *rule)
{
	_cleanup_buf_ struct buf out = BUF((size_t)4 * AUDIT_MAX_RULE);
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

void audit_rule_parse(struct arena *a, const struct passwd_db *users, struct str line,
					  struct audit_rule *rule)
{
	struct parser parser = {a, users}, *p = &parser;
	struct str option, value;
	bool is_rule = true;

	*rule = (struct audit_rule){.text = str_squeeze(a, line)};
	while (is_rule && take_word(&line, &option)) {
		if (!take_word(&line, &value))
			value = STR_ABSENT;
		is_rule = value.p && read_option(p, rule, option, value);
	}
	rule->is_control = !is_rule || !rule->list.p;
	if (rule->path.p && !rule->permissions.p)
		rule->permissions = STR("rwxa"); /* auditctl's default */
	rule->is_path_only = rule->path.p && !rule->syscalls.n && !rule->fields.n &&
						 str_is(rule->action, "always") && str_is(rule->list, "exit");
	make_canonical(a, rule);
}
