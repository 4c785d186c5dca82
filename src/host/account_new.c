/* SPDX-License-Identifier: Apache-2.0 */
#include "host/account_new.h"

#include "base/buf.h"
#include "base/num.h"
#include "host/conf.h"
#include "host/crypt_id.h"
#include "host/login_defs.h"
#include "host/passwd.h"
#include "host/sshd_config.h"
#include "host/sudoers_parse.h"

#define USERADD "/etc/default/useradd"
#define MAX_NAME 32
#define MAX_KEYS ((size_t)64 << 10)

/* --- the defaults ------------------------------------------------------------------------------ */

static uint32_t number_of(const struct conf *conf, const char *key, uint32_t otherwise)
{
	uint64_t n;

	return num_u64(login_defs_get(conf, key), 0, UINT32_MAX - 1, &n) == 0 ? (uint32_t)n : otherwise;
}

static const char *path_of(const struct conf *conf, const char *key, const char *otherwise,
						   struct arena *a)
{
	const struct conf_item *item = conf_last(conf, NULL, key);

	return item && str_starts(item->value, "/") ? str_dup(a, item->value) : otherwise;
}

static bool is_there(struct host *host, const char *path)
{
	struct path_stat st;
	struct err ignored;

	return host_stat(host, path, true, &st, &ignored) == 0;
}

/* Without HOME_MODE useradd takes UMASK, which lets everybody look in; adduser does not. */
int account_defaults_read(struct host *host, struct arena *a, struct account_defaults *ret,
						  struct err *err)
{
	struct conf defs = {0}, useradd = {0};
	int r = login_defs_read(host, a, &defs, err);

	if (r == 0)
		r = conf_read(host, a, USERADD, CONF_EQUALS, &useradd, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = (struct account_defaults){
		.homes = path_of(&useradd, "HOME", "/home", a),
		.skel = path_of(&useradd, "SKEL", "/etc/skel", a),
		.shell =
			is_there(host, "/bin/bash") ? "/bin/bash" : path_of(&useradd, "SHELL", "/bin/sh", a),
		.home_mode = 0700,
		.uid_min = number_of(&defs, "UID_MIN", 1000),
		.uid_max = number_of(&defs, "UID_MAX", 60000),
		.own_group = !str_is_nocase(login_defs_get(&defs, "USERGROUPS_ENAB"), "no"),
	};
	(void)num_mode(login_defs_get(&defs, "HOME_MODE"), &ret->home_mode);
	ret->home_mode &= 0777;
	return 0;
}

bool account_is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && c != '_' && !(i && ((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return name.n && name.n <= MAX_NAME;
}

/* --- its number -------------------------------------------------------------------------------- */

/* Is it to be that of another account, which is made along with this one? */
static bool is_taken(const struct edits *edits, uint64_t number)
{
	for (size_t i = 0; i < edits->n; i++) {
		const struct edit *e = &edits->p[i];
		uint64_t other;

		if (e->kind == EDIT_STATE && strcmp(e->step, "user") == 0 && str_is(e->name, "uid") &&
			num_u64(e->value, 0, UINT32_MAX, &other) == 0 && other == number)
			return true;
	}
	return false;
}

/* As useradd: one more than the highest of a person, and its group has the same. */
static int find_number(const struct passwd_db *db, const struct account_defaults *d,
					   const struct edits *edits, const char **ret, struct err *err)
{
	uint64_t next = d->uid_min;

	for (size_t i = 0; i < db->n_users; i++)
		if (db->users[i].uid <= d->uid_max && db->users[i].uid >= next)
			next = (uint64_t)db->users[i].uid + 1;
	while (next <= d->uid_max && (passwd_by_gid(db, (uint32_t)next) || is_taken(edits, next)))
		next++;
	*ret = arena_printf(edits->arena, "%llu", (unsigned long long)next);
	return next <= d->uid_max
			   ? 0
			   : err_set(err, ENOTSUP,
						 "all numbers up to UID_MAX, %u, of login.defs are given: make "
						 "the account by hand",
						 d->uid_max);
}

/* --- its group --------------------------------------------------------------------------------- */

static bool lists(struct sudoers_list list, const char *const *words)
{
	bool found = false;

	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; words[k]; k++)
			if (str_is(list.items[i].text, words[k])) {
				if (list.items[i].negated)
					return false;
				found = true;
			}
	return found;
}

static bool lets_administer(struct sudoers *s, struct arena *a, const struct sudoers_rule *rule,
							const char *group)
{
	const char *const members[] = {arena_printf(a, "%%%s", group), NULL};
	static const char *const all[] = {"ALL", NULL}, *const root[] = {"root", "ALL", "#0", NULL};

	return rule->file->honoured == 1 &&
		   lists(sudoers_expand(s, a, SUDOERS_USERS, rule->users), members) &&
		   lists(sudoers_expand(s, a, SUDOERS_HOSTS, rule->hosts), all) &&
		   lists(sudoers_expand(s, a, SUDOERS_COMMANDS, rule->commands), all) &&
		   (!rule->runas || lists(sudoers_expand(s, a, SUDOERS_RUNAS, rule->runas->users), root));
}

/* What Debian calls sudo and others call wheel, where sudo gives it everything: Arch leaves that to a
 * line which somebody has to uncomment. */
static int find_admin_group(struct host *host, const struct passwd_db *db, struct arena *a,
							const char **ret, struct err *err)
{
	static const char *const names[] = {"sudo", "wheel"};
	struct sudoers s;
	int r = sudoers_read(host, a, &s, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		for (size_t k = 0; passwd_group_by_name(db, str_of(names[i])) && k < s.n_rules; k++)
			if (lets_administer(&s, a, &s.rules[k], names[i])) {
				*ret = names[i];
				return 0;
			}
	return r < 0 ? r
				 : err_set(err, ENOTSUP,
						   "sudo lets no group named sudo or wheel run everything, so "
						   "that no account could be made an administrator by it");
}

/* --- what is in the way ------------------------------------------------------------------------ */

static bool is_keys_file(const struct sshd_directive *d)
{
	return d->line->keyword && strcmp(d->line->keyword->name, "AuthorizedKeysFile") == 0;
}

/* Does sshd look for keys where they are put? */
static int check_keys_file(struct host *host, struct arena *a, struct err *err)
{
	struct sshd_config config = {0};
	int r = sshd_config_read(host, a, &config, err);

	for (size_t i = 0; r == 0 && i < config.n; i++) {
		const struct sshd_directive *d = &config.directives[i];
		bool usual = false;

		for (size_t k = 0; is_keys_file(d) && k < d->line->n_args; k++)
			usual = usual || str_is(d->line->args[k], ".ssh/authorized_keys") ||
					str_is(d->line->args[k], "%h/.ssh/authorized_keys");
		if (is_keys_file(d) && !usual)
			return err_set(err, ENOTSUP,
						   "%s:%u: sshd looks for keys elsewhere, so the account and its key are "
						   "made by hand",
						   d->file, d->number);
		if (is_keys_file(d) && d->always)
			return 0;
	}
	return r == -ENOENT ? 0 : r;
}

static int check_files(struct host *host, struct arena *a, const char *home, struct err *err)
{
	const char *dir = arena_copy(a, home, (size_t)(strrchr(home, '/') - home));

	if (!is_there(host, "/etc/shadow"))
		return err_set(err, ENOTSUP, "there is no /etc/shadow: make the account by hand");
	if (!is_there(host, dir))
		return err_set(err, ENOTSUP,
					   "there is no %s for a home directory: make the account by hand", dir);
	return is_there(host, home) ? err_set(err, ENOTSUP,
										  "%s is there already, and whose it is has to be decided: "
										  "make the account by hand",
										  home)
								: 0;
}

/* --- the edits --------------------------------------------------------------------------------- */

static int join_group(struct host *host, const char *group, struct str user, struct edits *edits,
					  struct err *err)
{
	static const char *const files[] = {"/etc/group", "/etc/gshadow"};
	struct arena *a = edits->arena;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		struct str text, line, name = STR_ABSENT;

		r = host_read_scrubbed(host, files[i], crypt_scrub_passwd, a, &text, err);
		if (r == -ENOENT && i) /* no gshadow */
			return 0;
		if (r == 0)
			r = passwd_check_group_lines(files[i], text, str_of(group), err);
		while (r == 0 && str_line(&text, &line))
			if (str_cut(&line, ':', &name) && str_is(name, group)) {
				edit_state(edits, "group", group,
						   arena_printf(a, "%s %.*s", files[i], STR_ARG(user)), STR_ABSENT,
						   STR("member"));
				break;
			}
	}
	return r;
}

static int check_new(const struct passwd_db *db, struct str name, size_t n_keys,
					 const struct account_defaults *d, struct err *err)
{
	if (!n_keys)
		return err_set(err, ENOTSUP,
					   "no key is known for %.*s: put one into %s, admins: {keys: "
					   "{%.*s: ['ssh-ed25519 ...']}}, or make the account by hand",
					   STR_ARG(name), "/etc/revet/site.yaml", STR_ARG(name));
	if (!account_is_name(name))
		return err_set(err, ENOTSUP, "%.*s is no name that useradd would take", STR_ARG(name));
	if (db->bad_lines)
		return err_set(err, ENOTSUP,
					   "%u lines of /etc/passwd or /etc/group are no entries of theirs",
					   db->bad_lines);
	if (!d->own_group)
		return err_set(err, ENOTSUP,
					   "login.defs has USERGROUPS_ENAB no, so the group of %.*s is to be "
					   "decided: make the account by hand",
					   STR_ARG(name));
	return passwd_group_by_name(db, name)
			   ? err_set(err, ENOTSUP, "there is a group %.*s already: make the account by hand",
						 STR_ARG(name))
			   : 0;
}

static struct str join_keys(struct arena *a, const struct str *keys, size_t n)
{
	_cleanup_buf_ struct buf text = BUF(MAX_KEYS);

	for (size_t i = 0; i < n; i++) {
		buf_str(&text, str_trim(keys[i]));
		buf_putc(&text, '\n');
	}
	return text.full ? STR_ABSENT : (struct str){arena_copy(a, text.p, text.n), text.n};
}

static void edit_user(struct edits *edits, const char *user, const char *field, const char *value)
{
	edit_state(edits, "user", user, field, STR_ABSENT, str_of(value));
}

int account_create(struct host *host, struct str name, const struct str *keys, size_t n_keys,
				   struct edits *edits, struct err *err)
{
	struct arena *a = edits->arena;
	const char *user = str_dup(a, name), *home = NULL, *group = NULL, *id = NULL;
	struct account_defaults d = {0};
	struct passwd_db db;
	int r = passwd_read(host, a, &db, err);

	if (r == 0)
		r = account_defaults_read(host, a, &d, err);
	if (r == 0)
		r = check_new(&db, name, n_keys, &d, err);
	if (r == 0)
		r = find_number(&db, &d, edits, &id, err);
	if (r == 0)
		r = find_admin_group(host, &db, a, &group, err);
	if (r == 0)
		r = check_keys_file(host, a, err);
	if (r == 0)
		r = check_files(host, a, home = arena_printf(a, "%s/%s", d.homes, user), err);
	if (r < 0)
		return r;
	edit_user(edits, user, "uid", id);
	edit_user(edits, user, "gid", id);
	edit_user(edits, user, "group", id);
	edit_user(edits, user, "home", home);
	edit_user(edits, user, "shell", d.shell);
	edit_state(edits, "user", user, "authorized_keys", STR_ABSENT, join_keys(a, keys, n_keys));
	return join_group(host, group, name, edits, err);
}
