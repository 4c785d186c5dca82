/* SPDX-License-Identifier: Apache-2.0 */
#include "change/check.h"

#include "change/login.h"
#include "host/sshd_config.h"

#define SSHD "/usr/sbin/sshd"
#define LOOPBACK "127.0.0.1"

static bool touches(const struct plan *p, const char *prefix)
{
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.p[i].target[0] == '/' && str_starts(str_of(p->steps.p[i].target), prefix))
			return true;
	return false;
}

static bool is_there(const struct place *place, const char *path)
{
	struct path_stat st;

	/* Where /bin and /sbin are directories of their own. */
	return path_stat(place->root_fd, path, true, &st) == 0 ||
		   (str_starts(str_of(path), "/usr/") && path_stat(place->root_fd, path + 4, true, &st) == 0);
}

#define FINDMNT "/usr/bin/findmnt"

/* It names a line of fstab by its mount point, and says below what is wrong with it. */
static int check_fstab(const struct place *place, struct arena *a, struct str *known, struct err *err)
{
	const char *const argv[] = {FINDMNT, "--verify", "--tab-file", "/etc/fstab", NULL};
	struct exec_result said = {0};
	struct str text, line, target = STR("");
	int r = step_ask(place, argv, 20000, a, &said, err);

	if (r < 0 || !known->p) {
		*known = said.status ? said.out : STR("");
		return r;
	}
	text = said.status ? said.out : STR("");
	while (str_line(&text, &line)) {
		if (str_starts(line, "/"))
			target = line;
		if (!str_has_line(*known, line))
			return err_set(err, EIO, FINDMNT " --verify: %.*s: %.*s", STR_ARG(target),
						   STR_ARG(str_trim(line)));
	}
	return 0;
}

#define ANALYZE "/usr/bin/systemd-analyze"
#define UNITS "/etc/systemd/system/"

/* "tmp.mount" of the drop-in that a step writes; NULL: it writes none. systemd would mount nothing by a
 * unit that it refuses, whoever wrote what is wrong with it. */
static const char *mount_unit_of(const struct step *step, struct arena *a)
{
	struct str path = str_of(step->target), name;

	if (!str_skip(&path, UNITS) || !str_cut(&path, '/', &name) || !str_ends(name, ".mount.d"))
		return NULL;
	return str_dup(a, (struct str){name.p, name.n - strlen(".d")});
}

static int check_units(const struct place *place, const struct plan *plan, struct arena *a,
					   struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->steps.n; i++) {
		const char *unit = mount_unit_of(&plan->steps.p[i], a);
		const char *const argv[] = {ANALYZE, "verify", "--man=no", unit, NULL};

		if (unit && is_there(place, ANALYZE))
			r = step_run(place, argv, 20000, err);
	}
	return r;
}

int check_configurations(const struct place *place, const struct plan *plan, struct arena *a,
						 struct str *known, struct err *err)
{
	static const struct {
		const char *prefix;
		const char *argv[5];
	} checks[] = {
		{"/etc/ssh/", {SSHD, "-t"}},
		/* Of a file that it is given, visudo tries the syntax only: it refuses modes that sudo takes. */
		{"/etc/sudoers", {"/usr/sbin/visudo", "-c", "-f", "/etc/sudoers"}},
		{"/etc/nftables", {"/usr/sbin/nft", "-c", "-f", "/etc/nftables.conf"}},
		{"/etc/nginx/", {"/usr/sbin/nginx", "-t", "-q"}},
		{"/etc/apache2/", {"/usr/sbin/apache2ctl", "configtest"}},
		{"/etc/httpd/", {"/usr/sbin/httpd", "-t"}},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(checks); i++)
		if (touches(plan, checks[i].prefix) && is_there(place, checks[i].argv[0]))
			r = step_run(place, checks[i].argv, 20000, err);
	if (r < 0 && strstr(err->msg, "privilege separation directory"))
		err_context(err,
					"a socket starts sshd, and nobody has come in since the boot: mkdir -m 755 "
					"/run/sshd");
	if (r == 0 && touches(plan, "/etc/fstab") && is_there(place, FINDMNT))
		r = check_fstab(place, a, known, err);
	return r < 0 ? r : check_units(place, plan, a, err);
}

bool check_is_about_sshd(const struct plan *p)
{
	return touches(p, "/etc/ssh/");
}

bool check_is_about_login(const struct plan *p)
{
	return plan_needs(p, "admin-can-log-in") || check_is_about_sshd(p) ||
		   plan_may_cut_access(p);
}

/* --- an administrator can log in ------------------------------------------------------------------- */

/* The account that this session belongs to has to get in again: who else may is not here to confirm.
 * Root counts only where no rule wants others. Where there is no session, any administrator does. */
static bool is_candidate(const struct login *l, const struct passwd_user *u)
{
	if (l->session.uid)
		return u->uid == l->session.uid;
	return u->uid == 0 ? !l->by_key : !passwd_is_system(&l->users, u->uid);
}

/* Of root alone, or of the people. *why keeps the first reason against one. */
static bool find_among(struct login *l, bool root, const char **evidence, const char **why)
{
	for (size_t i = 0; i < l->users.n_users; i++) {
		const struct passwd_user *u = &l->users.users[i];

		if (!is_candidate(l, u) || root != (u->uid == 0))
			continue;
		if (login_works_from_session(l, u, evidence))
			return true;
		if (!*why)
			*why = arena_printf(l->arena, "; of %.*s: %s", STR_ARG(u->name), l->why);
	}
	return false;
}

/* Can the directive keep somebody with a key out, or away from a shell? Passwords that some addresses may
 * not use they could not use before either. */
static bool may_shut_out(const struct sshd_directive *d)
{
	static const char *const keywords[] = {"PubkeyAuthentication",
										   "PubkeyAcceptedAlgorithms",
										   "AuthorizedKeysFile",
										   "AuthorizedKeysCommand",
										   "AuthenticationMethods",
										   "AllowUsers",
										   "AllowGroups",
										   "DenyUsers",
										   "DenyGroups",
										   "RevokedKeys",
										   "ForceCommand",
										   "ChrootDirectory",
										   "PermitTTY",
										   "MaxSessions"};
	const struct sshd_line *line = d->line;

	if (!line->keyword || (line->n_args == 1 && str_is_nocase(line->args[0], "yes")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (strcmp(line->keyword->name, keywords[i]) == 0)
			return true;
	return false;
}

/* Does it hold by where a connection comes from, or arrives? By name: by what DNS says of that. */
static bool is_about_a_place(struct arena *a, const struct sshd_directive *d, bool by_name)
{
	static const char *const criteria[] = {"host ", "address ", "rdomain "};
	const char *match = d->match.p ? str_dup(a, d->match) : "";

	for (size_t i = 0; i < (by_name ? 1 : ARRAY_LEN(criteria)); i++)
		if (strcasestr(match, criteria[i]))
			return true;
	return false;
}

static bool uses_dns(struct login *l)
{
	struct str text;
	struct err ignored;

	return login_ask_sshd(l, "root", &text, &ignored) < 0 ||
		   str_is(login_setting(text, "usedns"), "yes");
}

/* Where it is not known where a session comes from, no address that could be asked about stands for
 * all of them; and of one that is known, sshd may ask for the name. */
static int check_no_places(struct login *l, struct err *err)
{
	bool by_name = l->session.peer[0];
	struct sshd_config config = {0};
	int r;

	l->peer = by_name ? l->session.peer : LOOPBACK;
	if (by_name && !uses_dns(l))
		return 0;
	r = sshd_config_read(l->host, l->arena, &config, err);
	for (size_t i = 0; r == 0 && i < config.n; i++) {
		const struct sshd_directive *d = &config.directives[i];

		if (is_about_a_place(l->arena, d, by_name) && may_shut_out(d))
			return err_set(err, EPERM, "%s:%u holds for some %s only, and %s", d->file, d->number,
						   by_name ? "names" : "addresses",
						   by_name ? "which this session's address has is for DNS to say: "
									 "match addresses instead"
								   : "from a console it is not known which counts: apply it "
									 "from an SSH session");
	}
	return r == -ENOENT ? 0 : r;
}

static int find_admin(struct login *l, const char **evidence, struct err *err)
{
	const char *why = NULL;

	if (l->session.uid && !passwd_by_uid(&l->users, l->session.uid))
		return err_set(
			err, EPERM,
			"the account of this session, uid %u, is not in /etc/passwd: whether one of a "
			"directory (LDAP, sssd) could log in afterwards is not known; apply it as root from a "
			"console, where there is an administrator who is",
			l->session.uid);
	if (find_among(l, false, evidence, &why) || find_among(l, true, evidence, &why))
		return 0;
	return err_set(
		err, EPERM,
		"no administrator%s could log in from %s afterwards, which takes an account with "
		"%s that sshd accepts, and sudo or doas%s",
		l->by_key ? " but root" : "", l->session.peer[0] ? l->session.peer : "anywhere",
		l->by_key ? "a key" : "a key or password", why ? why : "");
}

static int check_logins(struct login *l, const char **evidence, struct err *err)
{
	int r = check_no_places(l, err);

	return r < 0 ? r : find_admin(l, evidence, err);
}

int check_admin(const struct place *place, const struct plan *plan, struct arena *a,
				const char **evidence, struct err *err)
{
	struct login l;
	int r;

	*evidence = "there is no sshd here to log in by";
	if (!is_there(place, SSHD))
		return 0;
	if (login_open(&l, place, a, err) < 0)
		return -err->errnum;
	l.by_key = plan_needs(plan, "admin-can-log-in");
	r = check_logins(&l, evidence, err);
	/* Who jumps here through this machine has to come in there first, from where is not known. */
	if (r == 0 && session_is_from_here(&l.session)) {
		l.session.peer[0] = l.session.local[0] = '\0';
		r = check_logins(&l, evidence, err);
		if (r < 0)
			err_context(err,
						"this session comes from the server itself, which takes a login before it");
	}
	login_close(&l);
	return r;
}
