/* SPDX-License-Identifier: Apache-2.0 */
#include "change/login.h"

#include <limits.h>
#include <stdlib.h>

#include "base/exec.h"
#include "change/match.h"

#define SSHD "/usr/sbin/sshd"
#define SUDO "/usr/bin/sudo"
#define DOAS "/usr/bin/doas"
#define DOAS_CONF "/etc/doas.conf"
#define OUTPUT_MAX ((size_t)1 << 20)

int login_open(struct login *l, const struct place *place, struct arena *a, struct err *err)
{
	int r;

	*l = (struct login){.place = place, .arena = a};
	l->host = host_open(place->root, err);
	if (!l->host)
		return -err->errnum;
	r = passwd_read(l->host, a, &l->users, err);
	if (r == 0)
		r = session_of_self(&l->session, err);
	if (r < 0)
		login_close(l);
	return r;
}

void login_close(struct login *l)
{
	host_free(l->host);
	l->host = NULL;
}

/* --- sshd -------------------------------------------------------------------------------------- */

int login_ask_sshd(const struct login *l, const char *user, struct str *ret, struct err *err)
{
	const char *peer = l->peer, *local = l->session.local, *port = l->session.port;
	const char *by = *local && *port ? arena_printf(l->arena, ",laddr=%s,lport=%s", local, port) : "";
	const char *spec = arena_printf(l->arena, "user=%s,host=%s,addr=%s%s", user, peer, peer, by);
	const char *const argv[] = {SSHD, "-T", "-C", spec, NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	int r = exec_finish(&e, OUTPUT_MAX, 10000, l->arena, &result, err);

	if (r < 0)
		return err_context(err, "%s", SSHD);
	if (result.status)
		return err_set(err, EIO, "%s -T: %.*s", SSHD, STR_ARG(str_trim(result.err)));
	*ret = result.out;
	return 0;
}

struct str login_setting(struct str text, const char *key)
{
	struct str line, word = STR_ABSENT;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, key))
			return str_trim(line);
	return STR_ABSENT;
}

static bool is_yes(struct str text, const char *key)
{
	return str_is(login_setting(text, key), "yes");
}

/* --- the lists of users and groups ------------------------------------------------------------- */

/* USER or USER@HOST. Where it is not known whether the host is meant, `doubt` is the answer. */
static bool matches_user(const struct login *l, const struct passwd_user *u, struct str pattern,
						 bool doubt)
{
	struct str host = pattern, name = STR_ABSENT;

	(void)str_cut(&host, '@', &name);
	if (!str_glob(str_dup(l->arena, name), u->name))
		return false;
	return !host.p || doubt || (l->session.peer[0] && match_address_list(l->session.peer, host));
}

static bool is_member(const struct passwd_group *g, const struct passwd_user *u)
{
	for (size_t i = 0; i < g->n_members; i++)
		if (str_eq(g->members[i], u->name))
			return true;
	return g->gid == u->gid;
}

static bool matches_group(const struct login *l, const struct passwd_user *u, struct str pattern,
						  bool doubt _unused_)
{
	const char *glob = str_dup(l->arena, pattern);

	for (size_t i = 0; i < l->users.n_groups; i++)
		if (str_glob(glob, l->users.groups[i].name) && is_member(&l->users.groups[i], u))
			return true;
	return false;
}

enum listed { NO_LIST, LISTED, NOT_LISTED };

static enum listed is_listed(const struct login *l, const struct passwd_user *u, struct str text,
							 const char *key, bool doubt,
							 bool (*matches)(const struct login *, const struct passwd_user *,
											 struct str, bool))
{
	enum listed listed = NO_LIST;
	struct str line, word;

	while (str_line(&text, &line)) {
		if (!str_word(&line, &word) || !str_is(word, key))
			continue;
		listed = NOT_LISTED;
		/* One pattern a line, as sshd -T writes them: it may hold a blank. */
		if (matches(l, u, str_trim(line), doubt))
			return LISTED;
	}
	return listed;
}

static bool is_admitted(struct login *l, const struct passwd_user *u, struct str text)
{
	l->why = "AllowUsers, DenyUsers, AllowGroups or DenyGroups keep it out";
	return is_listed(l, u, text, "denyusers", true, matches_user) != LISTED &&
		   is_listed(l, u, text, "denygroups", true, matches_group) != LISTED &&
		   is_listed(l, u, text, "allowusers", false, matches_user) != NOT_LISTED &&
		   is_listed(l, u, text, "allowgroups", false, matches_group) != NOT_LISTED;
}

/* --- ways in ----------------------------------------------------------------------------------- */

/* Does the method alone let in? `any`, or a list of alternatives. */
static bool is_enough(struct str text, const char *method)
{
	struct str methods = login_setting(text, "authenticationmethods"), word;

	if (!methods.p)
		return true;
	while (str_word(&methods, &word))
		if (str_is(word, "any") || str_is(word, method))
			return true;
	return false;
}

static bool root_may(const struct passwd_user *u, struct str text, bool by_key)
{
	struct str root = login_setting(text, "permitrootlogin");

	return u->uid != 0 || str_is(root, "yes") ||
		   (by_key && (str_is(root, "without-password") || str_is(root, "prohibit-password")));
}

static bool password_works(struct login *l, const struct passwd_user *u, struct str text)
{
	bool pam = is_yes(text, "usepam");
	bool plain = is_yes(text, "passwordauthentication") && is_enough(text, "password");
	bool asked = pam && is_yes(text, "kbdinteractiveauthentication") &&
				 is_enough(text, "keyboard-interactive");

	return !l->by_key && (plain || asked) && root_may(u, text, false) &&
		   (!pam || login_pam_takes_password(l, "sshd", str_dup(l->arena, u->name)));
}

static bool has_way_in(struct login *l, const struct passwd_user *u, struct str text, bool password,
					   const char **ret_how)
{
	const char *path = NULL;

	if (is_yes(text, "pubkeyauthentication") && is_enough(text, "publickey") &&
		root_may(u, text, true) && login_has_key(l, u, text, &path)) {
		*ret_how = arena_printf(l->arena, "a key of %s", path);
		return true;
	}
	*ret_how = "a password";
	return password && password_works(l, u, text);
}

/* Asked as the user: a directory on the way or a mount option (noexec) may be what keeps him out. */
static bool has_shell(struct login *l, const struct passwd_user *u)
{
	const char *shell = u->shell.n ? str_dup(l->arena, u->shell) : "/bin/sh";
	const char *const argv[] = {"/usr/bin/test", "-f", shell, "-a", "-x", shell, NULL};
	struct str ignored;

	l->why = arena_printf(l->arena, "it cannot work in its shell, %s", shell);
	return passwd_can_login(u) && login_run_as(l, u, argv, &ignored);
}

/* Something else than his shell is what he gets. */
static bool is_confined(struct login *l, struct str text)
{
	static const char *const keys[] = {"forcecommand", "chrootdirectory"};

	l->why = "ForceCommand, ChrootDirectory or MaxSessions keep it from a shell";
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str value = login_setting(text, keys[i]);

		if (value.n && !str_is(value, "none"))
			return true;
	}
	return str_is(login_setting(text, "maxsessions"), "0");
}

/* pam_nologin, and sshd where there is no PAM. */
static bool is_closed(struct login *l, const struct passwd_user *u)
{
	struct path_stat st;

	l->why = "/etc/nologin or /run/nologin lets nobody in";
	return u->uid != 0 && (path_stat(l->place->root_fd, "/etc/nologin", true, &st) == 0 ||
						   path_stat(l->place->root_fd, "/run/nologin", true, &st) == 0);
}

/* --- becoming root ----------------------------------------------------------------------------- */

static bool is_set_uid_root(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_ISUID) && (st.st_mode & 0001);
}

static bool ask_sudo(struct login *l, const char *user, const char *command, struct str *ret)
{
	const char *const argv[] = {SUDO, "-n", "-l", "-U", user, command, NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct err err;

	/* It asks for the host's own name, which may be one that no name server answers for. */
	if (exec_finish(&e, OUTPUT_MAX, 10000, l->arena, &result, &err) < 0) {
		l->why = arena_printf(l->arena, "%s %s", SUDO, err.msg);
		return false;
	}
	*ret = result.out;
	return result.status == 0;
}

/* Does the last line of the list, which is the one that counts, give all without a password? */
static bool is_free(struct str list)
{
	struct str line, last = STR_ABSENT;

	while (str_line(&list, &line))
		if (str_starts(str_trim(line), "("))
			last = str_trim(line);
	return last.p && str_ends(last, "NOPASSWD: ALL");
}

/* A shell, and whatever is needed for sudo to ask for the password. */
static bool may_sudo(struct login *l, const char *user, bool password)
{
	static const char *const refused[] = {"targetpw", "rootpw", "runaspw", "passwd_tries=0"};
	struct str list = STR_ABSENT, ignored;

	l->why = "sudo does not let it become root";
	if (!is_set_uid_root(SUDO) || !ask_sudo(l, user, "/bin/sh", &ignored) ||
		!ask_sudo(l, user, NULL, &list))
		return false;
	if (!login_pam_admits(l, "sudo", user))
		return false;
	if (is_free(list))
		return true;
	l->why = "sudo wants a password, and it has none that works";
	/* Whose password it is that sudo wants then is not looked into; with no try it takes none. */
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (!password || str_has(list, refused[i]))
			return false;
	return login_pam_takes_password(l, "sudo", user);
}

/* Asked as the user, which takes a file that he can read. doas itself wants it to be root's alone. */
static bool may_doas(struct login *l, const struct passwd_user *u, bool password)
{
	const char *const argv[] = {DOAS, "-C", DOAS_CONF, "/bin/sh", NULL};
	const char *user = str_dup(l->arena, u->name);
	struct str said = STR_ABSENT;
	struct stat conf;

	if (stat(DOAS_CONF, &conf) < 0 || conf.st_uid != 0 || (conf.st_mode & 022) ||
		!is_set_uid_root(DOAS) || !login_run_as(l, u, argv, &said) ||
		!login_pam_admits(l, "doas", user))
		return false;
	if (str_is(str_trim(said), "permit nopass"))
		return true;
	return str_is(str_trim(said), "permit") && password &&
		   login_pam_takes_password(l, "doas", user);
}

/* By sudo, and else by doas. What is told of is sudo's reason. */
static bool may_become_root(struct login *l, const struct passwd_user *u, bool password,
							const char **ret_by)
{
	const char *why;

	*ret_by = "sudo";
	if (may_sudo(l, str_dup(l->arena, u->name), password))
		return true;
	why = l->why;
	*ret_by = "doas";
	if (may_doas(l, u, password))
		return true;
	l->why = why;
	return false;
}

/* --- all of it --------------------------------------------------------------------------------- */

static bool works(struct login *l, const struct passwd_user *u, const char **evidence)
{
	const char *user = str_dup(l->arena, u->name), *how = NULL, *by = NULL;
	struct str text = STR_ABSENT;
	struct err err;
	bool password;

	if (login_ask_sshd(l, user, &text, &err) < 0) {
		l->why = arena_strdup(l->arena, err.msg);
		return false;
	}
	if (!has_shell(l, u) || is_confined(l, text) || is_closed(l, u) || !is_admitted(l, u, text) ||
		!login_is_account_open(l, u, is_yes(text, "usepam"), &password))
		return false;
	l->why = "sshd offers it no way in";
	if (!has_way_in(l, u, text, password, &how) ||
		(is_yes(text, "usepam") && !login_pam_admits(l, "sshd", user)) ||
		(u->uid != 0 && !may_become_root(l, u, password, &by)))
		return false;
	*evidence = arena_printf(l->arena, "%s may log in from %s with %s%s%s", user,
							 l->session.peer[0] ? l->peer : "anywhere", how, by ? ", and has " : "",
							 by ? by : "");
	return true;
}

bool login_works_from_session(struct login *l, const struct passwd_user *u, const char **evidence)
{
	static const char *const anywhere[] = {"127.0.0.1", "192.0.2.1"};

	l->peer = l->session.peer;
	if (l->peer[0])
		return works(l, u, evidence);
	for (size_t i = 0; i < ARRAY_LEN(anywhere); i++) {
		l->peer = anywhere[i];
		if (!works(l, u, evidence))
			return false;
	}
	return true;
}
