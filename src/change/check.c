/* SPDX-License-Identifier: Apache-2.0 */
#include "change/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "base/exec.h"
#include "base/num.h"
#include "change/session.h"
#include "host/passwd.h"

#define SSHD "/usr/sbin/sshd"

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

	return path_stat(place->root_fd, path, true, &st) == 0;
}

int check_configurations(const struct place *place, const struct plan *plan, struct err *err)
{
	static const struct {
		const char *prefix;
		const char *argv[5];
	} checks[] = {
		{"/etc/ssh/", {SSHD, "-t"}},
		{"/etc/sudoers", {"/usr/sbin/visudo", "-c", "-q"}},
		{"/etc/fstab", {"/usr/bin/findmnt", "--verify", "--tab-file", "/etc/fstab"}},
		{"/etc/nftables", {"/usr/sbin/nft", "-c", "-f", "/etc/nftables.conf"}},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(checks); i++)
		if (touches(plan, checks[i].prefix) && is_there(place, checks[i].argv[0]))
			r = step_run(place, checks[i].argv, 20000, err);
	return r;
}

bool check_is_about_sshd(const struct plan *p)
{
	return touches(p, "/etc/ssh/");
}

bool check_is_about_login(const struct plan *p)
{
	return plan_needs(p, "admin-can-log-in") ||
		   (check_is_about_sshd(p) && plan_risk(p) == RISK_ACCESS);
}

/* --- an administrator can log in ------------------------------------------------------------------- */

struct admin_check {
	const struct place *place;
	struct arena *arena;
	struct host *host;
	struct passwd_db users;
	const char *peer; /* the address of the session, or a loopback one */
};

/* `sshd -T -C` for the user, from the address: the whole effective configuration. */
static int ask_sshd(struct admin_check *k, const char *user, struct str *ret, struct err *err)
{
	const char *spec = arena_printf(k->arena, "user=%s,host=%s,addr=%s", user, k->peer, k->peer);
	const char *const argv[] = {SSHD, "-T", "-C", spec, NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	int r = exec_finish(&e, (size_t)1 << 20, 10000, k->arena, &result, err);

	if (r < 0)
		return err_context(err, "%s", SSHD);
	if (result.status)
		return err_set(err, EIO, "%s -T: %.*s", SSHD, STR_ARG(str_trim(result.err)));
	*ret = result.out;
	return 0;
}

static struct str setting(struct str text, const char *key)
{
	struct str line, word = STR_ABSENT;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, key))
			return str_trim(line);
	return STR_ABSENT;
}

static bool in_group(const struct admin_check *k, const struct passwd_user *u, struct str group)
{
	const struct passwd_group *g = passwd_group_by_name(&k->users, group);

	if (!g)
		return false;
	if (g->gid == u->gid)
		return true;
	for (size_t i = 0; i < g->n_members; i++)
		if (str_eq(g->members[i], u->name))
			return true;
	return false;
}

static bool is_listed(const struct admin_check *k, const struct passwd_user *u, struct str text,
					  const char *key, bool groups, bool *ret_any)
{
	struct str line, word;
	bool found = false;

	*ret_any = false;
	while (str_line(&text, &line)) {
		if (!str_word(&line, &word) || !str_is(word, key))
			continue;
		while (str_word(&line, &word)) {
			struct str user = word, name = STR_ABSENT;
			const char *pattern;

			(void)str_cut(&user, '@', &name);
			pattern = str_dup(k->arena, groups ? word : name);
			*ret_any = true;
			/* A host behind '@' would have to be matched too: then it is not counted on. */
			if (groups ? in_group(k, u, word) : (!user.p && str_glob(pattern, u->name)))
				found = true;
		}
	}
	return found;
}

static bool is_admitted(const struct admin_check *k, const struct passwd_user *u, struct str text)
{
	bool any;

	if (is_listed(k, u, text, "denyusers", false, &any) ||
		is_listed(k, u, text, "denygroups", true, &any))
		return false;
	if (!is_listed(k, u, text, "allowusers", false, &any) && any)
		return false;
	return is_listed(k, u, text, "allowgroups", true, &any) || !any;
}

/* %h and %u of AuthorizedKeysFile; a relative path is below the home. */
static const char *key_path(const struct admin_check *k, const struct passwd_user *u,
							struct str pattern)
{
	_cleanup_buf_ struct buf path = BUF(4096);

	if (pattern.n && pattern.p[0] != '/' && !str_starts(pattern, "%h"))
		buf_printf(&path, "%.*s/", STR_ARG(u->home));
	for (size_t i = 0; i < pattern.n; i++)
		if (pattern.p[i] == '%' && i + 1 < pattern.n && pattern.p[i + 1] == 'h')
			buf_str(&path, u->home), i++;
		else if (pattern.p[i] == '%' && i + 1 < pattern.n && pattern.p[i + 1] == 'u')
			buf_str(&path, u->name), i++;
		else
			buf_putc(&path, pattern.p[i]);
	return path.n ? arena_copy(k->arena, path.p, path.n) : "";
}

/* As StrictModes has it: nobody but the owner or root may write to it or to a directory above. */
static bool is_safe_path(const struct admin_check *k, const struct passwd_user *u, const char *path)
{
	char *dir = arena_strdup(k->arena, path);

	for (;;) {
		struct path_stat st;
		char *slash;

		if (path_stat(k->place->root_fd, *dir ? dir : "/", true, &st) < 0 || st.mode & 022 ||
			(st.uid != u->uid && st.uid != 0))
			return false;
		slash = strrchr(dir, '/');
		if (!*dir || !slash || str_is(u->home, dir))
			return true;
		*slash = '\0';
	}
}

static bool has_key(const struct admin_check *k, const struct passwd_user *u, struct str text,
					const char **ret_path)
{
	struct str files = setting(text, "authorizedkeysfile"), word, content, line;

	while (str_word(&files, &word)) {
		const char *path = key_path(k, u, word);

		if (path_read(k->place->root_fd, path, 1u << 20, k->arena, &content) < 0 ||
			!is_safe_path(k, u, path))
			continue;
		while (str_line(&content, &line)) {
			line = str_trim(line);
			if (str_starts(line, "ssh-") || str_starts(line, "ecdsa-") || str_starts(line, "sk-")) {
				*ret_path = path;
				return true;
			}
		}
	}
	return false;
}

static bool may_sudo(const struct admin_check *k, const struct passwd_user *u)
{
	const char *user = str_dup(k->arena, u->name);
	const char *const argv[] = {"/usr/bin/sudo", "-n", "-l", "-U", user, NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct err ignored;

	return exec_finish(&e, (size_t)1 << 20, 10000, k->arena, &result, &ignored) == 0 &&
		   result.status == 0 && str_has(result.out, "may run the following") &&
		   str_has(result.out, "ALL");
}

static bool admin_works(struct admin_check *k, const struct passwd_user *u, const char **evidence)
{
	const char *path = NULL;
	struct str text;
	struct err ignored;

	if (u->uid == 0 || !passwd_can_login(u) || passwd_is_system(&k->users, u->uid) || !may_sudo(k, u) ||
		ask_sshd(k, str_dup(k->arena, u->name), &text, &ignored) < 0 ||
		!str_is(setting(text, "pubkeyauthentication"), "yes") || !is_admitted(k, u, text) ||
		!has_key(k, u, text, &path))
		return false;
	*evidence = arena_printf(k->arena, "%.*s may log in from %s with a key of %s, and has sudo",
							 STR_ARG(u->name), k->peer, path);
	return true;
}

int check_admin(const struct place *place, struct arena *a, const char **evidence, struct err *err)
{
	struct admin_check k = {.place = place, .arena = a};
	struct session session;
	int r;

	k.host = host_open(place->root, err);
	if (!k.host)
		return -err->errnum;
	r = passwd_read(k.host, a, &k.users, err);
	if (r == 0)
		r = session_of_self(&session, err);
	k.peer = r == 0 && session.peer[0] ? session.peer : "127.0.0.1";
	if (r == 0) {
		r = err_set(err, EPERM,
					"no administrator but root could log in from %s afterwards: it takes an account in "
					"sudo, with a key in its authorized_keys that only it can write to", k.peer);
		for (size_t i = 0; r < 0 && i < k.users.n_users; i++)
			if (admin_works(&k, &k.users.users[i], evidence))
				r = 0;
	}
	host_free(k.host);
	return r;
}

/* --- sshd answers ---------------------------------------------------------------------------------- */

static bool banner_from(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
							 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char banner[4] = "";

	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && poll(&p, 1, 3000) == 1 &&
		   read(fd, banner, 4) == 4 && memcmp(banner, "SSH-", 4) == 0;
}

/* Where sshd listens on some address only, this machine's own address may not do; then the port is
 * not probed from here. */
int check_sshd_answers(const struct place *place, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct admin_check k = {.place = place, .arena = &a, .peer = "127.0.0.1"};
	struct str text, address;
	unsigned port = 22;
	int r = ask_sshd(&k, "root", &text, err);

	if (r < 0)
		return r;
	(void)num_port(setting(text, "port"), &port);
	address = setting(text, "listenaddress");
	for (int tries = 0; tries < 20; tries++) {
		if (banner_from(port))
			return 0;
		nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
	}
	if (address.p && !str_starts(address, "0.0.0.0") && !str_starts(address, "[::]") &&
		!str_starts(address, "127."))
		return 0;
	return err_set(err, ECONNREFUSED, "sshd does not answer on port %u", port);
}
