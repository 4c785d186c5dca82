/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sudoers_root.h"

static bool is_member(const struct passwd_db *db, const struct passwd_user *u, struct str group)
{
	const struct passwd_group *g = passwd_group_by_name(db, group);

	for (size_t i = 0; g && i < g->n_members; i++)
		if (str_eq(g->members[i], u->name))
			return true;
	return g && g->gid == u->gid;
}

/* 1: the member is about the user; 0: it is not; -1: that is not known. */
static int names_user(const struct passwd_db *db, struct str item, const struct passwd_user *u)
{
	if (str_skip(&item, "%"))
		return str_starts(item, "#") || str_starts(item, ":") ? -1 : is_member(db, u, item);
	if (str_starts(item, "+") || str_starts(item, "#"))
		return -1;
	return str_is(item, "ALL") || str_eq(item, u->name);
}

/* The last member that is about the user decides, an exception too. */
static int is_about(const struct passwd_db *db, struct sudoers_list list,
					const struct passwd_user *u)
{
	int about = 0;

	for (size_t i = 0; i < list.n; i++) {
		int hit = names_user(db, list.items[i].text, u);

		if (hit)
			about = hit < 0 ? -1 : !list.items[i].negated;
	}
	return about;
}

static bool has_one_of(struct sudoers_list list, const char *const *words)
{
	bool found = false;

	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; words[k]; k++)
			if (str_is(list.items[i].text, words[k]))
				found = !list.items[i].negated;
	return found;
}

static int gives_root(struct sudoers *s, struct arena *a, const struct passwd_db *db,
					  const struct sudoers_rule *rule, const struct passwd_user *u)
{
	static const char *const all[] = {"ALL", NULL}, *const root[] = {"ALL", "root", "#0", NULL};
	int about = is_about(db, sudoers_expand(s, a, SUDOERS_USERS, rule->users), u);

	if (!about || !rule->file->honoured ||
		!has_one_of(sudoers_expand(s, a, SUDOERS_COMMANDS, rule->commands), all))
		return 0;
	if (rule->runas && !has_one_of(sudoers_expand(s, a, SUDOERS_RUNAS, rule->runas->users), root))
		return 0;
	if (!has_one_of(sudoers_expand(s, a, SUDOERS_HOSTS, rule->hosts), all) ||
		rule->file->honoured < 0)
		return -1;
	return about;
}

int sudoers_root(struct sudoers *s, struct arena *a, const struct passwd_db *db,
				 const struct passwd_user *u, const struct sudoers_rule **ret_rule)
{
	int best = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		int gives = gives_root(s, a, db, &s->rules[i], u);

		if (gives > 0) {
			*ret_rule = &s->rules[i];
			return 1;
		}
		best = gives < 0 ? gives : best;
	}
	return best;
}
