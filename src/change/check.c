/* SPDX-License-Identifier: Apache-2.0 */
#include "change/check.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "base/num.h"
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

/* From where the session comes. Where that is not known, an address here and one that is nobody's (RFC
 * 5737) both have to do: what lets in from some addresses only may not mean that person's. */
static bool works(struct login *l, const struct passwd_user *u, const char **evidence)
{
	static const char *const anywhere[] = {LOOPBACK, "192.0.2.1"};

	l->peer = l->session.peer;
	if (l->peer[0])
		return login_works(l, u, evidence);
	for (size_t i = 0; i < ARRAY_LEN(anywhere); i++) {
		l->peer = anywhere[i];
		if (!login_works(l, u, evidence))
			return false;
	}
	return true;
}

/* Of root alone, or of the people. *why keeps the first reason against one. */
static bool find_among(struct login *l, bool root, const char **evidence, const char **why)
{
	for (size_t i = 0; i < l->users.n_users; i++) {
		const struct passwd_user *u = &l->users.users[i];

		if (!is_candidate(l, u) || root != (u->uid == 0))
			continue;
		if (works(l, u, evidence))
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

/* Does it hold by where a connection comes from, or arrives? */
static bool is_about_a_place(struct arena *a, const struct sshd_directive *d)
{
	static const char *const criteria[] = {"address ", "host ", "rdomain "};
	const char *match = d->match.p ? str_dup(a, d->match) : "";

	for (size_t i = 0; i < ARRAY_LEN(criteria); i++)
		if (strcasestr(match, criteria[i]))
			return true;
	return false;
}

/* Where it is not known where a session comes from, no address that could be asked about stands for
 * all of them. */
static int check_no_places(struct login *l, struct err *err)
{
	struct sshd_config config = {0};
	int r = sshd_config_read(l->host, l->arena, &config, err);

	for (size_t i = 0; r == 0 && i < config.n; i++) {
		const struct sshd_directive *d = &config.directives[i];

		if (is_about_a_place(l->arena, d) && may_shut_out(d))
			return err_set(
				err, EPERM,
				"%s:%u holds for some addresses only, and from a console it is not known "
				"which counts: apply it from an SSH session",
				d->file, d->number);
	}
	return r == -ENOENT ? 0 : r;
}

static int find_admin(struct login *l, const char **evidence, struct err *err)
{
	const char *why = NULL;

	if (find_among(l, false, evidence, &why) || find_among(l, true, evidence, &why))
		return 0;
	return err_set(
		err, EPERM,
		"no administrator%s could log in from %s afterwards, which takes an account with "
		"%s that sshd accepts, and sudo%s",
		l->by_key ? " but root" : "", l->session.peer[0] ? l->session.peer : "anywhere",
		l->by_key ? "a key" : "a key or password", why ? why : "");
}

int check_admin(const struct place *place, const struct plan *plan, struct arena *a,
				const char **evidence, struct err *err)
{
	struct login l = {.place = place, .arena = a, .by_key = plan_needs(plan, "admin-can-log-in")};
	int r;

	*evidence = "there is no sshd here to log in by";
	if (!is_there(place, SSHD))
		return 0;
	l.host = host_open(place->root, err);
	if (!l.host)
		return -err->errnum;
	r = passwd_read(l.host, a, &l.users, err);
	if (r == 0)
		r = session_of_self(&l.session, err);
	if (r == 0 && !l.session.peer[0])
		r = check_no_places(&l, err);
	if (r == 0)
		r = find_admin(&l, evidence, err);
	host_free(l.host);
	return r;
}

/* --- sshd answers ---------------------------------------------------------------------------------- */

static bool banner_from(const char *address, const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
								   .ai_socktype = SOCK_STREAM};
	_cleanup_close_ int fd = -1;
	struct addrinfo *to = NULL;
	struct pollfd p = {.events = POLLIN | POLLOUT};
	char banner[4] = "";
	bool answers = false;

	if (getaddrinfo(address, port, &hints, &to) != 0)
		return false;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS)) {
		p.fd = fd;
		p.events = POLLIN;
		answers =
			poll(&p, 1, 3000) == 1 && read(fd, banner, 4) == 4 && memcmp(banner, "SSH-", 4) == 0;
	}
	freeaddrinfo(to);
	return answers;
}

/* "0.0.0.0:22" or "[::]:22", as sshd -T has it; the address of all is asked on the loopback one. */
static bool answers_on(struct arena *a, struct str listen)
{
	const char *colon = memrchr(listen.p, ':', listen.n);
	struct str address, port;

	if (!colon)
		return false;
	address = (struct str){listen.p, (size_t)(colon - listen.p)};
	port = (struct str){colon + 1, listen.n - address.n - 1};
	if (str_skip(&address, "[") && address.n)
		address.n--;
	return banner_from(str_is(address, "0.0.0.0") ? "127.0.0.1"
					   : str_is(address, "::")    ? "::1"
												  : str_dup(a, address),
					   str_dup(a, port));
}

/* Where this session came in, else anywhere that the configuration says. */
static int probe(struct login *l, int tries, struct err *err)
{
	struct str text, line, word = STR_ABSENT;
	int r = login_ask_sshd(l, "root", &text, err);

	for (; r == 0 && tries-- > 0; nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL)) {
		struct str rest = text;

		if (l->session.local[0] && banner_from(l->session.local, l->session.port))
			return 0;
		while (!l->session.local[0] && str_line(&rest, &line))
			if (str_word(&line, &word) && str_is(word, "listenaddress") &&
				answers_on(l->arena, str_trim(line)))
				return 0;
	}
	if (r < 0)
		return r;
	return l->session.local[0]
			   ? err_set(err, ECONNREFUSED,
						 "sshd does not answer on %s port %s any more, where this "
						 "session came in",
						 l->session.local, l->session.port)
			   : err_set(err, ECONNREFUSED, "sshd does not answer where its configuration says");
}

int check_sshd_answers(const struct place *place, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct login l = {.place = place, .arena = &a, .peer = LOOPBACK};

	if (session_of_self(&l.session, err) < 0)
		return -err->errnum;
	/* Told to take its configuration in, it goes on answering with the old one for a moment. */
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	return probe(&l, 20, err);
}

/* A line of /proc/net/tcp or tcp6 as sshd -T would write it; NULL when nothing listens there. The
 * address is in words of the machine's own order. */
static const char *listener_of(struct arena *a, struct str line)
{
	struct str number = STR_ABSENT, local = STR_ABSENT, word = STR_ABSENT, address = STR_ABSENT;
	char text[INET6_ADDRSTRLEN];
	uint64_t port, part;
	uint32_t words[4];

	if (!str_word(&line, &number) || !str_word(&line, &local) || !str_word(&line, &word) ||
		!str_word(&line, &word) || !str_is(word, "0A") || !str_cut(&local, ':', &address) ||
		(address.n != 8 && address.n != 32) || num_hex(local, 65535, &port) < 0)
		return NULL;
	for (size_t i = 0; i < address.n / 8; i++) {
		if (num_hex((struct str){address.p + 8 * i, 8}, UINT32_MAX, &part) < 0)
			return NULL;
		words[i] = (uint32_t)part;
	}
	if (!inet_ntop(address.n == 8 ? AF_INET : AF_INET6, words, text, sizeof(text)))
		return NULL;
	return arena_printf(a, address.n == 8 ? "%s:%u" : "[%s]:%u", text, (unsigned)port);
}

static bool is_configured(struct str text, const char *listener)
{
	struct str line, word = STR_ABSENT;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, "listenaddress") &&
			str_is(str_trim(line), listener))
			return true;
	return false;
}

static bool is_configured_port(struct str text, const char *listener)
{
	const char *port = strrchr(listener, ':');
	struct str line, word = STR_ABSENT;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, "listenaddress") &&
			str_ends(str_trim(line), port))
			return true;
	return false;
}

/* Does the configuration say where this session came in? */
static bool is_session_configured(struct login *l, struct str text)
{
	const char *local = l->session.local, *port = l->session.port;
	bool six = strchr(local, ':') != NULL;

	return !*local ||
		   is_configured(text, arena_printf(l->arena, six ? "[%s]:%s" : "%s:%s", local, port)) ||
		   is_configured(text, arena_printf(l->arena, six ? "[::]:%s" : "0.0.0.0:%s", port));
}

/* Is what listens what is configured? Where a configured address is not to be had, or a family of
 * them, sshd does without. */
static bool listens_as_configured(struct login *l, struct str text)
{
	static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	struct str content, line;
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (path_read(l->place->root_fd, arena_printf(l->arena, "/proc/self/%s", tables[i] + 6),
					  (size_t)64 << 20, l->arena, &content) < 0)
			continue;
		while (str_line(&content, &line)) {
			const char *listener = listener_of(l->arena, line);

			if (!listener || !is_configured_port(text, listener))
				continue;
			if (!is_configured(text, listener))
				return false;
			any = true;
		}
	}
	return any && is_session_configured(l, text);
}

static bool is_running(struct login *l, struct str text)
{
	struct str file = login_setting(text, "pidfile"), content;
	uint64_t pid;

	return file.n && file.p[0] == '/' &&
		   path_read(l->place->root_fd, str_dup(l->arena, file), 64, l->arena, &content) == 0 &&
		   num_u64(str_trim(content), 2, INT32_MAX, &pid) == 0 && kill((pid_t)pid, 0) == 0;
}

int check_sshd_before(const struct place *place, bool *ret_answers, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct login l = {.place = place, .arena = &a, .peer = LOOPBACK};
	struct str text;

	*ret_answers = false;
	if (!is_there(place, SSHD))
		return 0;
	if (session_of_self(&l.session, err) < 0 || login_ask_sshd(&l, "root", &text, err) < 0)
		return -err->errnum;
	*ret_answers = probe(&l, 1, err) == 0;
	/* Where it was told to listen elsewhere since, that would come into force with the change. */
	if (!is_running(&l, text) || listens_as_configured(&l, text))
		return 0;
	return err_set(err, ESTALE,
				   "sshd runs, but does not listen where its configuration says: restart it "
				   "first, from a session that stays open");
}

void check_sshd_revive(const struct place *place, const struct plan *plan)
{
	struct err ignored;

	if (check_sshd_answers(place, &ignored) == 0)
		return;
	for (size_t i = 0; i < plan->steps.n; i++) {
		const char *const argv[] = {"/usr/bin/systemctl", "restart", plan->steps.p[i].target, NULL};

		if (plan->steps.p[i].type->is_action && str_starts(str_of(plan->steps.p[i].target), "ssh"))
			(void)step_run(place, argv, 60000, &ignored);
	}
}
