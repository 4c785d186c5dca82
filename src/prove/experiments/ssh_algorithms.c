/* SPDX-License-Identifier: Apache-2.0 */
#include "change/ssh_hello.h"
#include "prove/ssh.h"

/* Marks of what the protocol has besides (RFC 8308, strict key exchange) stand among key
 * exchanges. */
static bool is_mark(struct str name)
{
	return str_starts(name, "ext-info-") || str_starts(name, "kex-strict-");
}

static bool is_allowed(const struct param *allowed, struct str name)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (str_eq(allowed->items[i], name))
			return true;
	return false;
}

static void try_list(struct trial *t, const char *what, struct str offered, const char *parameter)
{
	const struct param *allowed = trial_param(t, parameter);
	_cleanup_buf_ struct buf weak = BUF(4096);
	struct str rest = offered, name;

	while (str_cut(&rest, ',', &name))
		if (name.n && !is_mark(name) && !is_allowed(allowed, name))
			buf_printf(&weak, "%s%.*s", weak.n ? ", " : "", STR_ARG(name));
	trial_saw(t, "%s offered: %.*s", what, STR_ARG(offered));
	if (weak.n)
		trial_refuted(t, "%s that %s does not allow: %s", what, parameter, weak.p);
	else if (!offered.n)
		trial_not_run(t, "no %s were offered", what);
	else
		trial_proven(t, "all %s are among %s", what, parameter);
}

/* Keys that sign with SHA-1, and DSA. */
static void try_host_keys(struct trial *t, struct str offered)
{
	static const char weak[] =
		" ssh-rsa ssh-dss ssh-rsa-cert-v01@openssh.com ssh-dss-cert-v01@openssh.com ";
	struct str rest = offered, name;
	bool any = false;

	trial_saw(t, "host keys offered: %.*s", STR_ARG(offered));
	while (str_cut(&rest, ',', &name)) {
		const char *word = arena_printf(t->arena, " %.*s ", STR_ARG(name));

		if (!name.n || !str_has(STR(weak), word))
			continue;
		trial_refuted(t, "the host key algorithm %.*s signs with SHA-1 or DSA", STR_ARG(name));
		any = true;
	}
	if (!any && offered.n)
		trial_proven(t, "no host key signs with SHA-1 or DSA");
}

static void try_door(struct trial *t, const struct ssh_door *door)
{
	struct ssh_hello hello = {0};
	int r = ssh_hello(door->address, door->port, t->arena, &hello);

	if (r < 0) {
		trial_not_run(t, "%s port %s: %s", door->address, door->port,
					  r == -ENOMSG ? "what it offers could not be understood" : strerror(-r));
		return;
	}
	trial_saw(t, "connected to %s port %s", door->address, door->port);
	try_list(t, "key exchanges", hello.kex, "ssh.kex");
	try_list(t, "ciphers", hello.ciphers, "ssh.ciphers");
	try_list(t, "message codes", hello.macs, "ssh.macs");
	try_host_keys(t, hello.host_keys);
}

/* The algorithms are the same at every door. */
static void run(struct trial *t)
{
	const struct ssh_door *doors;

	if (ssh_doors(t, &doors))
		try_door(t, &doors[0]);
}

static const struct experiment ssh_algorithms = {
	"ssh.algorithms",
	"Only strong algorithms are offered over SSH",
	"Opens a connection and reads which key exchanges, ciphers, message codes and host keys the "
	"server offers on the wire.",
	"opens one connection to sshd and closes it before anybody logs in; sshd may log that",
	NAMES("G15"),
	NAMES("ssh.kex", "ssh.ciphers", "ssh.macs", "ssh.no-sha1-signatures"),
	10,
	NAMES("listeners"),
	run,
};
EXPERIMENT(ssh_algorithms);
