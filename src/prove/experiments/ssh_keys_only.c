/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/ssh.h"

#define KINDS (ORIGINS(ORIGIN_OUTSIDER) | ORIGINS(ORIGIN_NEIGHBOUR) | ORIGINS(ORIGIN_ADMIN))

/* Ways that a secret which can be guessed may take. */
static bool takes_passwords(struct str methods)
{
	struct str name;

	while (str_cut(&methods, ',', &name))
		if (str_is(name, "password") || str_is(name, "keyboard-interactive"))
			return true;
	return false;
}

/* From here where from is NULL. */
static void try_user(struct trial *t, const struct ssh_try *how, const char *who)
{
	struct ssh_seen seen;
	struct err err;

	if (ssh_try(t, how, &seen, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else if (!seen.connected)
		trial_saw(t, "%s does not get to sshd at %s port %s: %s", who, how->to, how->port,
				  seen.why_not);
	else if (seen.logged_in)
		trial_refuted(t, "%s logs in as %s without any secret", who, how->user);
	else if (!seen.methods.p)
		trial_not_run(t, "sshd did not say how %s may log in: %s", how->user, seen.why_not);
	else if (takes_passwords(seen.methods))
		trial_refuted(t, "%s is offered to log in as %s with %.*s", who, how->user,
					  STR_ARG(seen.methods));
	else
		trial_proven(t, "%s is offered to log in as %s with %.*s alone", who, how->user,
					 STR_ARG(seen.methods));
}

static void try_users(struct trial *t, struct ssh_try how, const char *who)
{
	const char *const *admins;
	size_t n = ssh_admins(t, &admins);

	how.user = "root";
	try_user(t, &how, who);
	how.user = n ? admins[0] : "root";
	if (strcmp(how.user, "root") != 0)
		try_user(t, &how, who);
}

/* Of each kind one will do: what a Match block tells apart are networks, and those the site
 * names. */
static void look(struct trial *t, const struct outside *o)
{
	struct ssh_way ways[SSH_MAX_WAYS];
	size_t n = ssh_find_ways(t, o, KINDS, ways);
	bool done[ORIGIN_ADMIN + 1] = {false};

	for (size_t i = 0; i < n; i++) {
		const struct origin *from = ways[i].from;

		if (done[from->kind])
			continue;
		done[from->kind] = ways[i].is_open;
		if (ways[i].is_open)
			try_users(t, ssh_by(&ways[i], NULL), from->who);
		else
			trial_saw(t, "%s gets no connection to sshd at %s", from->who, ways[i].to->text);
	}
}

/* From this host always: sshd is there, whoever else the packet filter lets in. */
static void run(struct trial *t)
{
	struct outside o _cleanup_outside_ = {.host_ns = -1};
	const struct ssh_door *doors;
	struct err err;

	if (!ssh_doors(t, &doors))
		return;
	try_users(t, (struct ssh_try){-1, NULL, doors[0].address, doors[0].port, NULL, NULL},
			  "this host");
	if (outside_choose(t, &o, &err) < 0 || outside_wire(t, &o, NULL, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		look(t, &o);
}

static const struct experiment ssh_keys_only = {
	"ssh.keys-only",
	"Nobody is asked for a password over SSH",
	"Begins to log in as root and as an administrator, from this host and from the addresses of "
	"an outsider, a neighbour and an admin, and reads which methods the server offers.",
	"opens a connection to sshd for each and gives up at the login, which sshd logs; on a wire of "
	"its own into this host, to which packets to the addresses that it uses go for its time",
	NAMES("I4", "L4", "L5", "G29"),
	NAMES("ssh.keys-only"),
	25,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(ssh_keys_only);
