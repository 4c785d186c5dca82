/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may run what as whom: the user specifications of sudoers. A line is a row; one that names
 * several hosts, or gives its commands different tags or target users, is a row for each of them.
 */
#include "base/vec.h"
#include "host/sudoers_parse.h"
#include "host/table.h"

enum {
	TEXT,
	USERS,
	HOSTS,
	RUNAS,
	TAGS,
	COMMANDS,
	NOPASSWD,
	ALL_COMMANDS,
	WILDCARD,
	NEGATED,
	ACTIVE,
};

static const struct column columns[] = {
	[TEXT] = {"text", TYPE_STRING, "The line, its continuations joined", COLUMN_LABEL},
	[USERS] = {"users", TYPE_LIST,
			   "Users, %groups, #uids, +netgroups it is for, aliases resolved, ! before exceptions",
			   0},
	[HOSTS] = {"hosts", TYPE_LIST, "Hosts on which it holds, aliases resolved", 0},
	[RUNAS] =
		{"runas", TYPE_LIST,
		 "Users that the commands may run as, groups with a colon in front; empty: only oneself",
		 0},
	[TAGS] = {"tags", TYPE_LIST, "NOPASSWD, SETENV, NOEXEC and the like that hold for the commands",
			  0},
	[COMMANDS] = {"commands", TYPE_LIST,
				  "Commands with arguments and digests, aliases resolved, ! before exceptions", 0},
	[NOPASSWD] = {"nopasswd", TYPE_BOOL, "Is no password asked for?", 0},
	[ALL_COMMANDS] = {"all_commands", TYPE_BOOL, "Is ALL among the commands?", 0},
	[WILDCARD] = {"wildcard", TYPE_BOOL, "Has a command a * in it, which matches any arguments?",
				  0},
	[NEGATED] = {"negated", TYPE_BOOL, "Is a command excluded with !, which is easy to get around?",
				 0},
	[ACTIVE] = {"active", TYPE_BOOL,
				"Does sudo honour the file: owned by root and writable by nobody else?", 0},
	{0},
};

static struct str member_text(struct arena *arena, const struct sudoers_member *m, const char *mark)
{
	if (!m->negated && !*mark)
		return m->text;
	return str_of(
		arena_printf(arena, "%s%s%s", mark, m->negated ? "!" : "", str_dup(arena, m->text)));
}

typedef VEC(struct str) strings;

static void append(struct arena *arena, strings *out, struct sudoers_list list, const char *mark)
{
	for (size_t i = 0; i < list.n; i++)
		*vec_push(arena, out) = member_text(arena, &list.items[i], mark);
}

static void set_list(struct rows *rows, struct row *row, int column, struct sudoers_list list)
{
	strings out = {0};

	append(rows->arena, &out, list, "");
	row_list(row, column, out.p, out.n);
}

/* The target of rules that name none: the last global runas_default, else root. */
static struct str default_runas(const struct sudoers *s)
{
	for (size_t i = s->n_defaults; i-- > 0;) {
		const struct sudoers_default *d = &s->defaults[i];

		if (d->op == '=' && !d->scope.n && str_is(d->key, "runas_default"))
			return d->value;
	}
	return STR("root");
}

static void set_runas(struct rows *rows, struct row *row, struct sudoers *s,
					  const struct sudoers_runas *runas)
{
	struct arena *arena = rows->arena;
	strings out = {0};

	if (!runas) {
		*vec_push(arena, &out) = default_runas(s);
	} else {
		append(arena, &out, sudoers_expand(s, arena, SUDOERS_RUNAS, runas->users), "");
		append(arena, &out, sudoers_expand(s, arena, SUDOERS_RUNAS, runas->groups), ":");
	}
	row_list(row, RUNAS, out.p, out.n);
}

static void set_tags(struct rows *rows, struct row *row, const struct sudoers_tags *tags)
{
	strings out = {0};

	for (size_t i = 0; i < SUDOERS_TAGS; i++)
		if (tags->set[i])
			*vec_push(rows->arena, &out) = str_of(sudoers_tag_names[i][tags->set[i] - 1]);
	row_list(row, TAGS, out.p, out.n);
	row_bool(row, NOPASSWD, tags->set[SUDOERS_PASSWD] == 2);
}

/* "ALL", also behind digests. */
static bool is_all(struct str command)
{
	return str_is(command, "ALL") || (str_starts(command, "sha") && str_ends(command, " ALL"));
}

static void set_commands(struct rows *rows, struct row *row, struct sudoers_list commands)
{
	bool all = false, wildcard = false, negated = false;

	for (size_t i = 0; i < commands.n; i++) {
		const struct sudoers_member *m = &commands.items[i];

		all = all || (!m->negated && is_all(m->text));
		wildcard = wildcard || m->wildcard;
		negated = negated || m->negated;
	}
	set_list(rows, row, COMMANDS, commands);
	row_bool(row, ALL_COMMANDS, all);
	row_bool(row, WILDCARD, wildcard);
	row_bool(row, NEGATED, negated);
}

static void add_rule(struct rows *rows, struct sudoers *s, const struct sudoers_rule *rule)
{
	struct arena *arena = rows->arena;
	struct row *row = rows_add(rows, FROM(rule->file->path, rule->line));

	row_str(row, TEXT, rule->text);
	set_list(rows, row, USERS, sudoers_expand(s, arena, SUDOERS_USERS, rule->users));
	set_list(rows, row, HOSTS, sudoers_expand(s, arena, SUDOERS_HOSTS, rule->hosts));
	set_runas(rows, row, s, rule->runas);
	set_tags(rows, row, &rule->tags);
	set_commands(rows, row, sudoers_expand(s, arena, SUDOERS_COMMANDS, rule->commands));
	if (rule->file->honoured < 0)
		row_unknown(row, ACTIVE, "owner and mode of the file are not known");
	else
		row_bool(row, ACTIVE, rule->file->honoured);
}

static int read_sudoers(struct host *host, struct rows *rows, struct err *err)
{
	struct sudoers s;
	int r = sudoers_read(host, rows->arena, &s, err);

	for (size_t i = 0; r == 0 && i < s.n_rules; i++)
		add_rule(rows, &s, &s.rules[i]);
	if (r == 0 && s.gap)
		rows_gap(rows, "%s", s.gap);
	return r;
}

static const struct table sudoers = {
	.name = "sudoers",
	.doc = "Who may run what as whom: /etc/sudoers and its includes, aliases resolved",
	.columns = columns,
	.read = read_sudoers,
};
TABLE(sudoers);
