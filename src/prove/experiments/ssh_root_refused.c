/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/ssh.h"

struct attempt {
	const struct origin *from;
	struct ssh_try how;
	const char *outcome; /* how root was refused */
};

/* Where somebody is let in with that key, it is no fault of the experiment that root is not. */
static bool is_let_in(struct trial *t, const struct attempt *p, size_t n, const char *user)
{
	struct ssh_seen seen;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		struct ssh_try how = p[i].how;

		how.user = user;
		if (ssh_try(t, &how, &seen, &err) < 0 || !seen.logged_in)
			continue;
		trial_saw(t, "%s is let in as %s with the same key", p[i].from->who, user);
		return true;
	}
	return false;
}

/* An admin, or root himself once he is allowed. */
static bool is_anybody_let_in(struct trial *t, const struct outside *o, const struct attempt *p,
							  size_t n, const char *option, struct exec *server)
{
	const char *const *admins;
	size_t n_admins = ssh_admins(t, &admins);
	struct err err;

	for (size_t i = 0; i < n_admins; i++)
		if (strcmp(admins[i], "root") != 0 && is_let_in(t, p, n, admins[i]))
			return true;
	exec_done(server);
	if (ssh_serve(t, o->host_ns, NAMES(option, "AuthorizedKeysCommand=none", "PermitRootLogin=yes"),
				  server, &err) < 0)
		return false;
	trial_saw(t, "root is allowed for once (PermitRootLogin=yes)");
	return is_let_in(t, p, n, "root");
}

/* False: there is nothing more to be shown. */
static bool try_root(struct trial *t, struct attempt *p)
{
	struct ssh_seen seen;
	struct err err;

	if (ssh_try(t, &p->how, &seen, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else if (!seen.connected)
		trial_not_run(t, "%s does not get to the sshd that was started for this: %s", p->from->who,
					  seen.why_not);
	else if (seen.logged_in)
		trial_refuted(t, "%s logs in as root with a key that sshd takes", p->from->who);
	else
		p->outcome = seen.takes_key ? "its signature" : "the key";
	return p->outcome != NULL;
}

static void try_all(struct trial *t, const struct outside *o, const char *key, const char *option,
					struct exec *server)
{
	struct attempt refused[8] = {0};
	size_t n = 0;

	for (size_t i = 0; i < o->origins.n && n < ARRAY_LEN(refused); i++) {
		const struct origin *from = &o->origins.p[i];
		const struct target *to = outside_target(o, from->family);
		const char *port = to && outside_has(from) ? ssh_port_at(t, to) : NULL;

		if (!port || from->kind == ORIGIN_SERVED)
			continue;
		refused[n] = (struct attempt){.from = from,
									  .how = {from->ns, from->text, to->text, port, "root", key}};
		n += try_root(t, &refused[n]);
	}
	if (!n)
		return;
	if (!is_anybody_let_in(t, o, refused, n, option, server)) {
		trial_not_run(
			t, "nobody at all can log in there, so that it shows nothing that root is refused");
		return;
	}
	for (size_t i = 0; i < n; i++)
		trial_proven(t, "%s is refused as root: sshd does not take %s", refused[i].from->who,
					 refused[i].outcome);
}

static void try_there(struct trial *t, const struct outside *o)
{
	const char *key = NULL, *option = NULL;
	struct exec server = EXEC_NONE;
	struct err err;

	if (ssh_make_key(t, &key, &option, &err) < 0 ||
		ssh_serve(t, o->host_ns, NAMES(option, "AuthorizedKeysCommand=none"), &server, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		try_all(t, o, key, option, &server);
	exec_done(&server);
}

static void run(struct trial *t)
{
	ssh_in_copy(t,
				"a login needs a key of root's: it is tried on an sshd of the same configuration in a "
				"private network, which takes one that was made for it",
				try_there);
}

static const struct experiment ssh_root_refused = {
	"ssh.root-refused",
	"Root is refused over SSH, even with a key",
	"Starts a second sshd with this host's configuration in a private network, has it take a key "
	"that was made for this, and logs in as root from the addresses of an outsider, a neighbour "
	"and an admin.",
	"nothing: the second sshd, its logs and counters are private, and end with the experiment",
	NAMES("I5", "L5"),
	NAMES("ssh.no-root-login"),
	25,
	NAMES("listeners"),
	run,
};
EXPERIMENT(ssh_root_refused);
