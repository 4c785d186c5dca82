/* SPDX-License-Identifier: Apache-2.0 */
#include "change/sshd_probe.h"

#include <signal.h>
#include <time.h>

#include "base/exec.h"
#include "base/num.h"
#include "change/login.h"
#include "change/sockets.h"
#include "change/ssh_hello.h"

#define SSHD "/usr/sbin/sshd"
#define SSH "/usr/bin/ssh"
#define LOOPBACK "127.0.0.1"
#define RELOAD_MS \
	300 /* told to take its configuration in, it goes on with the old one for a moment */
#define PATIENCE_MS 5000
#define EVERY_MS 400
#define SHUT_OUT_MS 900 /* while it turns this machine away, which costs nothing more */
#define CLIENT_MS 15000 /* a handshake takes seconds on a small or busy machine */

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* By a clock that nobody sets. */
static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool has_item(struct str list, struct str item)
{
	struct str one;

	while (str_cut(&list, ',', &one))
		if (str_eq(one, item))
			return true;
	return false;
}

/* --- algorithms ------------------------------------------------------------------------------------ */

/* What a client of OpenSSH 7.4 to 10 offers by itself (myproposal.h there), and a server has. */
static const char client_kex[] =
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
	"ecdh-sha2-nistp521,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
	"mlkem768x25519-sha256,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
	"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256";
static const char client_keys[] =
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
	"rsa-sha2-256,ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com";
static const char client_ciphers[] = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,"
									 "aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr";
static const char client_macs[] =
	"umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
	"hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,"
	"umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";

static bool have_common(struct str list, const char *known)
{
	struct str item;

	while (str_cut(&list, ',', &item))
		if (has_item(str_of(known), item))
			return true;
	return false;
}

/* Ciphers that protect integrity by themselves need no MAC. */
static bool is_common(const struct ssh_hello *h)
{
	static const char whole[] =
		"chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com";

	return have_common(h->kex, client_kex) && have_common(h->host_keys, client_keys) &&
		   have_common(h->ciphers, client_ciphers) &&
		   (have_common(h->ciphers, whole) || have_common(h->macs, client_macs));
}

static bool is_within(struct str list, struct str whole)
{
	struct str item;

	while (str_cut(&list, ',', &item))
		/* Marks of what the protocol has besides (RFC 8308, strict key exchange) stand among these. */
		if (!has_item(whole, item) && !str_starts(item, "ext-info-") &&
			!str_starts(item, "kex-strict-"))
			return false;
	return true;
}

static bool is_same(struct str offered, struct str configured)
{
	return is_within(offered, configured) && is_within(configured, offered);
}

/* Of host keys it offers those that it has. */
static bool is_as_configured(const struct ssh_hello *h, struct str text)
{
	return is_same(h->kex, login_setting(text, "kexalgorithms")) &&
		   is_same(h->ciphers, login_setting(text, "ciphers")) &&
		   is_same(h->macs, login_setting(text, "macs")) &&
		   is_within(h->host_keys, login_setting(text, "hostkeyalgorithms"));
}

/* --- one look -------------------------------------------------------------------------------------- */

struct looking {
	struct login login;
	const char *user;           /* whom it is asked about */
	const char *address, *port; /* where it answered */
	struct str methods;         /* absent: not known */
	bool closed;                /* the connection in which it was asked for them */
};

/* "0.0.0.0:22" or "[::]:22", as sshd -T has it; the address of all is asked on the loopback one. */
static bool parse_listen(struct arena *a, struct str listen, const char **address,
						 const char **port)
{
	const char *colon = memrchr(listen.p, ':', listen.n);
	struct str host;

	if (!colon)
		return false;
	host = (struct str){listen.p, (size_t)(colon - listen.p)};
	*port = str_dup(a, (struct str){colon + 1, listen.n - host.n - 1});
	if (str_skip(&host, "[") && host.n)
		host.n--;
	*address = str_is(host, "0.0.0.0") ? LOOPBACK : str_is(host, "::") ? "::1" : str_dup(a, host);
	return true;
}

/* -ENOMSG is an answer as well. */
static int hello_at(struct looking *k, const char *address, const char *port, struct ssh_hello *ret)
{
	int r = ssh_hello(address, port, k->login.arena, ret);

	if (r == 0 || r == -ENOMSG) {
		k->address = address;
		k->port = port;
	}
	return r;
}

/* Where this session came in, else anywhere that the configuration says: of several, from one address
 * of this machine it may be turned away, and from another not. */
static int hello(struct looking *k, struct str text, struct ssh_hello *ret)
{
	const char *address, *port;
	struct str line, word;
	int r = -ECONNREFUSED;
	bool shut_out = false;

	if (k->login.session.local[0])
		return hello_at(k, k->login.session.local, k->login.session.port, ret);
	while (r < 0 && r != -ENOMSG && str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, "listenaddress") &&
			parse_listen(k->login.arena, str_trim(line), &address, &port)) {
			r = hello_at(k, address, port, ret);
			shut_out = shut_out || r == -ECONNABORTED;
		}
	return r < 0 && r != -ENOMSG && shut_out ? -ECONNABORTED : r;
}

/* By a client that does not log in. What the server says comes with what the client says, in a line of
 * its own: "USER@ADDRESS: Permission denied (publickey,password)." */
static struct str ask_methods(struct looking *k)
{
	const char *const argv[] = {SSH,
								"-F",
								"none",
								"-E",
								"/dev/stdout",
								"-p",
								k->port,
								"-l",
								k->user,
								"-oBatchMode=yes",
								"-oPreferredAuthentications=none",
								"-oStrictHostKeyChecking=no",
								"-oUserKnownHostsFile=/dev/null",
								"-oGlobalKnownHostsFile=/dev/null",
								"-oIdentityFile=none",
								"-oIdentityAgent=none",
								"-oConnectTimeout=10",
								"-oLogLevel=INFO",
								k->address,
								"true",
								NULL};
	static const char before[] = "Permission denied (";
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct str methods = STR_ABSENT;
	const char *found;
	struct err ignored;

	k->closed = false;
	if (exec_finish(&e, 65536, CLIENT_MS, k->login.arena, &result, &ignored) < 0)
		return STR_ABSENT;
	k->closed =
		str_has(result.out, "Connection closed by ") || str_has(result.out, "Connection reset by ");
	found = memmem(result.out.p, result.out.n, before, sizeof(before) - 1);
	if (found) {
		found += sizeof(before) - 1;
		result.out = (struct str){found, result.out.n - (size_t)(found - result.out.p)};
		(void)str_cut(&result.out, ')', &methods);
	}
	return methods;
}

/* As the configuration has it for those who come from here; where several are needed, it says less. */
static bool are_methods_configured(struct looking *k)
{
	struct login l = k->login;
	struct err ignored;
	struct str text;

	k->methods = ask_methods(k);
	l.peer = k->address;
	if (!k->methods.p || login_ask_sshd(&l, k->user, &text, &ignored) < 0 ||
		!str_is(login_setting(text, "authenticationmethods"), "any"))
		return false;
	return has_item(k->methods, STR("publickey")) ==
			   str_is(login_setting(text, "pubkeyauthentication"), "yes") &&
		   has_item(k->methods, STR("password")) ==
			   str_is(login_setting(text, "passwordauthentication"), "yes");
}

static bool is_configured(struct str text, const char *listener, bool port_alone)
{
	const char *wanted = port_alone ? strrchr(listener, ':') : listener;
	struct str line, word = STR_ABSENT;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_is(word, "listenaddress") &&
			(port_alone ? str_ends(str_trim(line), wanted) : str_is(str_trim(line), wanted)))
			return true;
	return false;
}

/* Where somebody listens, of what is configured. */
static void find_listens(const struct looking *k, struct str text, struct sshd_seen *ret)
{
	struct sockets sockets = {0};

	sockets_read_tcp(k->login.place, k->login.arena, &sockets);
	ret->listens = arena_new(k->login.arena, const char *, sockets.n + 1);
	ret->n_listens = 0;
	for (size_t i = 0; i < sockets.n; i++)
		if (is_configured(text, sockets.p[i].name, false))
			ret->listens[ret->n_listens++] = sockets.p[i].name;
}

/* How long it may turn an address away that it has counted too much of. 0: it counts nothing. */
static int64_t longest_penalty_ms(struct str text, unsigned wait)
{
	struct str words = login_setting(text, "persourcepenalties"), word;
	uint64_t seconds = 0;

	while (str_word(&words, &word))
		if (str_skip(&word, "max:"))
			(void)num_u64(word, 0, UINT32_MAX, &seconds);
	return (int64_t)MIN(seconds, (uint64_t)wait) * 1000;
}

/* What an earlier look has seen to be right is not asked once more: each connection counts. */
static void look(struct looking *k, struct str text, struct sshd_seen *seen)
{
	struct ssh_hello h = {0};
	int r = 0;

	seen->shut_out = false;
	if (!seen->algorithms) {
		r = hello(k, text, &h);
		seen->shut_out = r == -ECONNABORTED;
		seen->answers = r == 0 || r == -ENOMSG;
		seen->common = r == 0 && is_common(&h);
		seen->algorithms = r == 0 && is_as_configured(&h, text);
	}
	if (seen->common && !seen->methods) {
		seen->methods = are_methods_configured(k);
		seen->shut_out = k->closed;
	}
	find_listens(k, text, seen);
}

/* The account of this session, else root. */
static const char *user_of(const struct place *place, struct arena *a, uint32_t uid)
{
	const char *user = "root";
	struct passwd_db users = {0};
	struct err ignored;
	struct host *host = host_open(place->root, &ignored);

	if (host && passwd_read(host, a, &users, &ignored) == 0)
		for (size_t i = users.n_users; i-- > 0;)
			if (users.users[i].uid == uid)
				user = str_dup(a, users.users[i].name);
	host_free(host);
	return user;
}

static int begin(struct looking *k, const struct place *place, struct arena *a,
				 struct str *ret_text, struct err *err)
{
	int r;

	*k = (struct looking){.login = {.place = place, .arena = a, .peer = LOOPBACK}};
	r = session_of_self(&k->login.session, err);
	k->user = user_of(place, a, k->login.session.uid);
	return r < 0 ? r : login_ask_sshd(&k->login, "root", ret_text, err);
}

/* --- before ---------------------------------------------------------------------------------------- */

/* Does the configuration say where this session came in? */
static bool is_session_configured(const struct login *l, struct str text)
{
	const char *local = l->session.local, *port = l->session.port;
	bool six = strchr(local, ':') != NULL;
	const char *one = arena_printf(l->arena, six ? "[%s]:%s" : "%s:%s", local, port);
	const char *any = arena_printf(l->arena, six ? "[::]:%s" : "0.0.0.0:%s", port);

	return !*local || is_configured(text, one, false) || is_configured(text, any, false);
}

/* Is what listens what is configured? Where a configured address is not to be had, or a family of
 * them, sshd does without. */
static bool listens_as_configured(const struct login *l, struct str text)
{
	struct sockets sockets = {0};
	bool any = false;

	sockets_read_tcp(l->place, l->arena, &sockets);
	for (size_t i = 0; i < sockets.n; i++) {
		if (!is_configured(text, sockets.p[i].name, true))
			continue;
		if (!is_configured(text, sockets.p[i].name, false))
			return false;
		any = true;
	}
	return any && is_session_configured(l, text);
}

static bool is_running(const struct login *l, struct str text)
{
	struct str file = login_setting(text, "pidfile"), content;
	uint64_t pid;

	return file.n && file.p[0] == '/' &&
		   path_read(l->place->root_fd, str_dup(l->arena, file), 64, l->arena, &content) == 0 &&
		   num_u64(str_trim(content), 2, INT32_MAX, &pid) == 0 && kill((pid_t)pid, 0) == 0;
}

int sshd_probe_before(const struct place *place, unsigned wait, struct arena *a,
					  struct sshd_seen *ret, struct err *err)
{
	int64_t begun = now_ms();
	struct looking k;
	struct path_stat st;
	struct str text;

	*ret = (struct sshd_seen){0};
	if (path_stat(place->root_fd, SSHD, true, &st) < 0)
		return 0;
	if (begin(&k, place, a, &text, err) < 0)
		return -err->errnum;
	look(&k, text, ret);
	while (ret->shut_out && now_ms() - begun < longest_penalty_ms(text, wait)) {
		sleep_ms(SHUT_OUT_MS);
		look(&k, text, ret);
	}
	/* Where it was told to listen elsewhere since, that would come into force with the change. */
	if (!is_running(&k.login, text) || listens_as_configured(&k.login, text))
		return 0;
	if (!is_session_configured(&k.login, text))
		return err_set(err, ESTALE,
					   "this session came in on %s port %s, where the configuration of sshd does not "
					   "say that it listens: come in by the sshd that has it, or restart it first, "
					   "from a session that stays open",
					   k.login.session.local, k.login.session.port);
	return err_set(err, ESTALE,
				   "sshd runs, but does not listen where its configuration says: restart it "
				   "first, from a session that stays open");
}

/* --- after ----------------------------------------------------------------------------------------- */

/* Which address does it not listen on any more, though it is still told to? NULL: none. */
static const char *lost_address(const struct sshd_seen *now, const struct sshd_seen *before,
								struct str text)
{
	for (size_t i = 0; i < before->n_listens; i++) {
		bool there = !is_configured(text, before->listens[i], false);

		for (size_t k = 0; k < now->n_listens && !there; k++)
			there = strcmp(now->listens[k], before->listens[i]) == 0;
		if (!there)
			return before->listens[i];
	}
	return NULL;
}

static bool is_all_it_was(const struct sshd_seen *now, const struct sshd_seen *before)
{
	return now->answers && now->common >= before->common && now->algorithms >= before->algorithms &&
		   now->methods >= before->methods;
}

static int say(const struct looking *k, const struct sshd_seen *now, const struct sshd_seen *before,
			   const char *lost, struct err *err)
{
	const struct session *s = &k->login.session;

	if (now->shut_out)
		return err_set(
			err, EAGAIN,
			"sshd turns away what comes from this machine, for a while (PerSourcePenalties, "
			"MaxStartups): what it offers is not known");
	if (!now->answers && s->local[0])
		return err_set(err, ECONNREFUSED,
					   "sshd does not answer on %s port %s any more, where this session came in",
					   s->local, s->port);
	if (!now->answers)
		return err_set(err, ECONNREFUSED, "sshd does not answer where its configuration says");
	if (lost)
		return err_set(err, ECONNREFUSED,
					   "sshd does not listen on %s any more, as it is configured", lost);
	if (now->common < before->common)
		return err_set(err, EPROTO, "sshd answers, but offers no algorithms that clients have");
	if (now->algorithms < before->algorithms)
		return err_set(err, EPROTO,
					   "sshd answers, but offers other algorithms than its configuration says");
	return err_set(err, EPROTO,
				   "sshd answers, but not as its configuration says: to log in, %s is offered %.*s",
				   k->user, STR_ARG(k->methods.p ? k->methods : STR("nothing")));
}

int sshd_probe_after(const struct place *place, unsigned wait, const struct sshd_seen *before,
					 struct arena *a, const char **evidence, struct err *err)
{
	int64_t end = now_ms() + PATIENCE_MS, last = end;
	struct sshd_seen now = {0};
	const char *lost;
	struct looking k;
	struct str text;
	int r = begin(&k, place, a, &text, err);

	if (r < 0)
		return r;
	last += longest_penalty_ms(text, wait);
	sleep_ms(RELOAD_MS);
	while (look(&k, text, &now), lost = lost_address(&now, before, text),
		   lost || !is_all_it_was(&now, before)) {
		if (now.shut_out)
			end = MIN(now_ms() + PATIENCE_MS, last);
		if (now_ms() >= end)
			return say(&k, &now, before, lost, err);
		sleep_ms(now.shut_out ? SHUT_OUT_MS : EVERY_MS);
		/* Whoever answered may have been the one before, which has gone since. */
		if (now.common && !k.methods.p && !k.closed)
			now = (struct sshd_seen){0};
	}
	*evidence = arena_printf(a, "sshd answers on %s port %s%s%.*s", k.address, k.port,
							 k.methods.p ? " and offers to log in with " : "", STR_ARG(k.methods));
	return 0;
}
