/* SPDX-License-Identifier: Apache-2.0 */
/* Whom sshd lets in, beside whom the site file has administer this server, and from where. */
#include "base/buf.h"
#include "base/vec.h"
#include "host/edit.h"
#include "host/passwd.h"
#include "host/site_file.h"
#include "host/sshd_config.h"
#include "host/table.h"

#define OWN_FILE "/etc/ssh/sshd_config.d/00-revet.conf"
#define MAX_PATTERNS 256 /* older releases of sshd take no more */

enum { WANTED, OTHERS };

static const struct column columns[] = {
	[WANTED] = {"wanted", TYPE_LIST, "What `admins` comes to as sshd's AllowUsers", 0},
	[OTHERS] = {"others", TYPE_LIST,
				"Who else is let in: what AllowUsers or AllowGroups have beside these, or \"every "
				"account\"; absent: nobody",
				COLUMN_SETTABLE},
	{0},
};

typedef VEC(struct str) strings;

/* ops@203.0.113.0/24, or ops where it is from anywhere. */
static void make_patterns(const struct site_file *site, struct arena *a, strings *ret)
{
	const struct site_peers *from = &site->admins.from;

	vec_each(&site->admins.users, user)
	{
		if (!from->networks.n)
			*vec_push(a, ret) = *user;
		vec_each(&from->networks, net) * vec_push(a, ret) =
			str_of(arena_printf(a, "%.*s@%.*s", STR_ARG(*user), STR_ARG(net->text)));
	}
}

/* --- whom a pattern lets in -------------------------------------------------------------- */

static bool is_admin(const struct site_file *site, struct str name)
{
	vec_each(&site->admins.users, user) if (str_eq(*user, name)) return true;
	return false;
}

/* Nobody but an administrator, from nowhere else; what is a pattern of names may match others. */
static bool is_within(const struct site_file *site, struct str pattern)
{
	struct site_network net;
	struct str user = STR_ABSENT;

	(void)str_cut(&pattern, '@', &user);
	if (!is_admin(site, user))
		return false;
	if (!site->admins.from.networks.n)
		return true;
	if (!pattern.p || !site_network_parse(pattern, &net))
		return false;
	vec_each(&site->admins.from.networks, outer) if (site_network_holds(outer, &net)) return true;
	return false;
}

/* Are all that the group holds administrators? One that is not there holds nobody. */
static bool is_group_within(const struct site_file *site, const struct passwd_db *db,
							struct str name)
{
	const struct passwd_group *g = passwd_group_by_name(db, name);

	if (site->admins.from.networks.n || str_is_glob(name))
		return false;
	for (size_t i = 0; g && i < g->n_members; i++)
		if (!is_admin(site, g->members[i]))
			return false;
	for (size_t i = 0; g && i < db->n_users; i++)
		if (db->users[i].gid == g->gid && !is_admin(site, db->users[i].name))
			return false;
	return true;
}

/* One of the two options: what it has beside the administrators, and whether it holds for all. */
struct list {
	strings others;
	bool limits;
	const struct sshd_directive *first; /* of the lines that others come from */
};

static void read_list(const struct sshd_config *c, const struct site_file *site, struct arena *a,
					  const struct passwd_db *groups, struct list *ret)
{
	const char *keyword = groups ? "AllowGroups" : "AllowUsers";

	*ret = (struct list){0};
	for (size_t i = 0; i < c->n; i++) {
		const struct sshd_directive *d = &c->directives[i];

		if (!d->line->keyword || strcmp(d->line->keyword->name, keyword) != 0)
			continue;
		ret->limits = ret->limits || (d->always && d->line->n_args);
		for (size_t k = 0; k < d->line->n_args; k++) {
			struct str item = d->line->args[k];

			if (groups ? is_group_within(site, groups, item) : is_within(site, item))
				continue;
			*vec_push(a, &ret->others) =
				groups ? str_of(arena_printf(a, "group %.*s", STR_ARG(item))) : item;
			ret->first = ret->first ? ret->first : d;
		}
	}
}

/* Both lists have to let somebody in, so one that is tight is enough. */
static void set_others(struct row *row, const struct list *users, const struct list *groups,
					   struct arena *a)
{
	const struct list *l = users->limits ? users : groups;
	struct str *every = arena_new(a, struct str, 1);

	*every = STR("every account");
	if ((users->limits && !users->others.n) || (groups->limits && !groups->others.n))
		return;
	if (!l->limits) {
		row_list(row, OTHERS, every, 1);
		return;
	}
	row_list(row, OTHERS, l->others.p, l->others.n);
	if (l->first)
		row_from(row, OTHERS, FROM(l->first->file, l->first->number));
}

static int read_site_ssh(struct host *host, struct rows *rows, struct err *err)
{
	struct arena *a = rows->arena;
	const struct site_file *site;
	struct sshd_config config = {0};
	struct list users, groups;
	struct passwd_db db;
	strings wanted = {0};
	struct row *row;
	int r = site_file_read(host, a, &site, err);

	if (r < 0 || !site || !site->admins.users.n)
		return r;
	r = sshd_config_read(host, a, &config, err);
	if (r == 0)
		r = passwd_read(host, a, &db, err);
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	row = rows_add(rows, FROM(SITE_FILE, site->admins.at.doc->nodes[site->admins.at.i].line));
	make_patterns(site, a, &wanted);
	row_list(row, WANTED, wanted.p, wanted.n);
	read_list(&config, site, a, NULL, &users);
	read_list(&config, site, a, &db, &groups);
	set_others(row, &users, &groups, a);
	if (config.gap || config.refused)
		row_unknown(row, OTHERS, config.gap ? config.gap : config.refused);
	return 0;
}

/* --- changing ---------------------------------------------------------------------------- */

/* sshd adds lines of this option up, so all but our own have to go. */
static int comment_out(struct edits *edits, const struct sshd_config *c, struct err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct sshd_directive *d = &c->directives[i];
		struct str text = d->line->text, line;

		if (!d->line->keyword || strcmp(d->line->keyword->name, "AllowUsers") != 0 ||
			strcmp(d->file, OWN_FILE) == 0)
			continue;
		if (d->block)
			return err_set(err, ENOTSUP, "%s:%u sets AllowUsers in a Match block: edit it there",
						   d->file, d->number);
		if (!str_line(&text, &line))
			continue;
		edit_line(edits, d->file, d->number, line,
				  str_of(arena_printf(edits->arena, "#%.*s", STR_ARG(line))));
	}
	return 0;
}

static int set_site_ssh(struct host *host, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const struct table *sshd = table_find(STR("sshd"));
	const struct value *wanted = wish->row ? &wish->row->cells[WANTED] : NULL;
	struct wish allow = {.table = sshd, .key = STR("AllowUsers")}, list = {.table = wish->table};
	struct sshd_config config = {0};
	int r;

	if (wish->column != OTHERS || !wanted || wanted->state != VALUE_SET)
		return err_set(err, ENOTSUP, "what the site file says is decided by hand");
	if (wanted->list.n > MAX_PATTERNS)
		return err_set(err, ENOTSUP,
					   "`admins` comes to %zu patterns, which is too long for AllowUsers: "
					   "let the packet filter tell the addresses",
					   wanted->list.n);
	r = sshd_config_read(host, edits->arena, &config, err);
	if (r == 0)
		r = comment_out(edits, &config, err);
	list.column = WANTED;
	list.value = *wanted;
	allow.column = table_column(sshd, STR("value"));
	allow.value = (struct value){.state = VALUE_SET, .string = edit_text(edits, &list, " ")};
	return r == 0 ? sshd->set(host, &allow, edits, err) : r;
}

static const struct table site_ssh = {
	.name = "site_ssh",
	.doc =
		"Whom sshd lets in beside the `admins` of the site file: one row, where it names some and "
		"there is an sshd, from the lines of /etc/ssh/sshd_config",
	.columns = columns,
	.read = read_site_ssh,
	.started = &sshd_started,
	.set = set_site_ssh,
	.fix = "set AllowUsers in " OWN_FILE ", take other lines of it out, and reload sshd",
};
TABLE(site_ssh);
