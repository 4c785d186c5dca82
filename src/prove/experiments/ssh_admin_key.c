/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/ssh.h"

/* Any of the user's keys will do. */
static bool is_key_taken(struct trial *t, struct ssh_try how)
{
	const char *const *keys;
	struct ssh_seen seen = {0};
	struct err err;
	size_t n = ssh_public_keys(t, how.user, how.from, &keys, &err);

	if (!n)
		trial_saw(t, "no key of %s is known that sshd would take from %s: %s", how.user, how.from,
				  err.msg);
	for (size_t i = 0; i < n && !seen.takes_key; i++) {
		how.key = keys[i];
		if (ssh_try(t, &how, &seen, &err) < 0)
			trial_saw(t, "%s", err.msg);
		else if (!seen.takes_key)
			trial_saw(t, "key %zu of %s is not taken: %s", i + 1, how.user,
					  seen.methods.p ? str_dup(t->arena, seen.methods) : seen.why_not);
	}
	return seen.takes_key;
}

static void try_admin(struct trial *t, const struct ssh_way *way, const char *user)
{
	const char *who = way->from->who, *to = way->to->text;

	if (!way->is_open)
		trial_refuted(t, "%s gets no connection to sshd at %s", who, to);
	else if (is_key_taken(t, ssh_by(way, user)))
		trial_proven(t, "%s is asked to sign with a key of %s at %s port %s", who, user, to,
					 way->port);
	else
		trial_refuted(t, "%s cannot log in with a key as %s at %s port %s", who, user, to,
					  way->port);
}

static void look(struct trial *t, const struct outside *o, bool is_copy)
{
	const char *const *admins;
	size_t n = ssh_admins(t, &admins), n_ways;
	struct ssh_way ways[SSH_MAX_WAYS];
	struct exec server = EXEC_NONE;
	struct err err;

	if (is_copy && ssh_serve(t, o->host_ns, NO_NAMES, &server, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	n_ways = ssh_find_ways(t, o, ORIGINS_ALL, ways);
	for (size_t i = 0; i < n_ways; i++)
		for (size_t k = 0; k < n && k < 2; k++)
			try_admin(t, &ways[i], admins[k]);
	exec_done(&server);
}

/* From their networks; where the site names none, they come from anywhere. */
static void run(struct trial *t)
{
	const struct ssh_door *doors;
	const char *const *admins;
	bool named = t->site->file.admins.from.networks.n > 0;

	if (!ssh_doors(t, &doors))
		return;
	if (!ssh_admins(t, &admins))
		trial_not_run(
			t, "it is not known who administers this host: name them in the site file (admins)");
	else
		replica_try(t, ORIGINS(named ? ORIGIN_ADMIN : ORIGIN_OUTSIDER), false, look);
}

static const struct experiment ssh_admin_key = {
	"ssh.admin-key",
	"Administrators get in with their keys",
	"Begins to log in as each administrator with a key of theirs, from an address of the admins' "
	"networks, up to the signature, which only they can make.",
	"opens connections to sshd and gives up before the signature, which sshd logs; on a wire of "
	"its own into this host, to which packets to the addresses that it uses go for its time",
	NAMES("I4", "I6", "L4"),
	NAMES("ssh.allowed-users"),
	25,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(ssh_admin_key);
