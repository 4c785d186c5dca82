/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/ssh.h"

#define KINDS (ORIGINS(ORIGIN_OUTSIDER) | ORIGINS(ORIGIN_NEIGHBOUR) | ORIGINS(ORIGIN_ADMIN))

/* Which key of whom is taken from there, of those that sshd takes at the admins' address; NULL:
 * none. */
static const char *taken_key(struct trial *t, const char *admins_address, struct ssh_try how)
{
	const char *const *admins, *const *keys;
	size_t n = ssh_admins(t, &admins);
	struct ssh_seen seen = {0};
	struct err err;

	for (size_t i = 0; i < n && i < 2; i++) {
		size_t n_keys = ssh_public_keys(t, admins[i], admins_address, &keys, &err);

		how.user = admins[i];
		for (size_t k = 0; k < n_keys; k++) {
			how.key = keys[k];
			if (ssh_try(t, &how, &seen, &err) == 0 && seen.takes_key)
				return how.user;
		}
	}
	return NULL;
}

/* Who is refused after somebody who should be let in was not shows nothing. */
static bool is_admin_let_in(struct trial *t, const struct ssh_way *ways, size_t n,
							const char **ret_address)
{
	for (size_t i = 0; i < n; i++) {
		const struct origin *from = ways[i].from;
		const char *user;

		if (from->kind != ORIGIN_ADMIN || !ways[i].is_open)
			continue;
		*ret_address = from->text;
		user = taken_key(t, from->text, ssh_by(&ways[i], NULL));
		if (!user)
			continue;
		trial_saw(t, "%s gets as far as the signature as %s", from->who, user);
		return true;
	}
	return false;
}

static void try_outsider(struct trial *t, const struct ssh_way *way, const char *admins, bool works)
{
	const struct origin *from = way->from;
	const char *user;

	if (!way->is_open) {
		trial_proven(t, "%s gets no connection to sshd at %s", from->who, way->to->text);
		return;
	}
	user = taken_key(t, admins, ssh_by(way, NULL));
	if (user)
		trial_refuted(
			t, "%s may log in as %s, though the site lets admins in from their networks alone",
			from->who, user);
	else if (works)
		trial_proven(t, "%s gets to sshd, which takes no key of an administrator from there",
					 from->who);
	else
		trial_not_run(
			t, "%s gets to sshd, and it is not known whether it is the address that it refuses",
			from->who);
}

static void look(struct trial *t, const struct outside *o, bool is_copy)
{
	struct ssh_way ways[SSH_MAX_WAYS];
	struct exec server = EXEC_NONE;
	const char *admins = "";
	struct err err;
	bool works;
	size_t n;

	if (is_copy && ssh_serve(t, o->host_ns, NO_NAMES, &server, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	n = ssh_find_ways(t, o, KINDS, ways);
	works = is_admin_let_in(t, ways, n, &admins);
	for (size_t i = 0; i < n; i++)
		if (ways[i].from->kind <= ORIGIN_NEIGHBOUR)
			try_outsider(t, &ways[i], admins, works);
	exec_done(&server);
}

static void run(struct trial *t)
{
	const struct ssh_door *doors;

	if (!t->site->file.admins.from.networks.n)
		trial_not_run(t, "no site file says where administrators come from (admins: {from: ...})");
	else if (ssh_doors(t, &doors))
		replica_try(t, KINDS, false, look);
}

static const struct experiment ssh_outside_refused = {
	"ssh.outside-refused",
	"Nobody logs in over SSH from outside of the admins' networks",
	"Opens a connection to sshd from the addresses of an outsider and of a neighbour, and where "
	"that works begins to log in as each administrator with a key of theirs.",
	"opens connections to sshd and gives up before the signature, which sshd logs; on a wire of "
	"its own into this host, to which packets to the addresses that it uses go for its time",
	NAMES("I6", "G29"),
	NAMES("ssh.allowed-users"),
	25,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(ssh_outside_refused);
