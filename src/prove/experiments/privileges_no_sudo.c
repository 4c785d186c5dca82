/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/service_process.h"

#define SUDO "/usr/bin/sudo"
#define SUDO_MS 5000

/* "(ALL : ALL) NOPASSWD: ALL", as sudo -l prints it: whatever it likes. */
static bool is_free(struct str line)
{
	return str_has(line, "NOPASSWD:") && (str_ends(line, " ALL") || str_has(line, " ALL, "));
}

static void judge_list(struct trial *t, const char *user, struct str list)
{
	struct str line, grant = STR_ABSENT;
	bool granted = false;

	while (str_line(&list, &line)) {
		line = str_trim(line);
		if (str_has(line, "may run the following commands"))
			granted = true;
		else if (granted && is_free(line))
			grant = line;
		else if (granted && line.n)
			trial_saw(t, "%s may run %.*s", user, STR_ARG(line));
	}
	if (grant.p)
		trial_refuted(t, "%s may run anything without a password: %.*s", user, STR_ARG(grant));
	else
		trial_proven(t, "%s may not run whatever it likes", user);
}

static void try_user(struct trial *t, const char *user)
{
	const char *const argv[] = {SUDO, "-n", "-l", "-U", user, NULL};
	struct exec_result result;
	struct err err;

	if (trial_run(t, argv, -1, SUDO_MS, &result, &err) < 0)
		trial_not_run(t, "%s: %s", user, err.msg);
	else if (str_has(result.out, "is not allowed to run sudo"))
		trial_proven(t, "%s: sudo lets it run nothing", user);
	else if (str_has(result.err, "unknown user"))
		trial_proven(t, "%s: sudo does not know it", user);
	else if (result.status)
		trial_not_run(t, "%s: sudo -l fails: %.*s", user, STR_ARG(str_trim(result.err)));
	else
		judge_list(t, user, result.out);
}

static void run(struct trial *t)
{
	struct service_process processes[MAX_SERVICE_PROCESSES];
	size_t n;

	if (access(SUDO, X_OK) < 0) {
		trial_not_run(t, "there is no sudo here");
		return;
	}
	n = service_processes(t, processes);
	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t k = 0; k < i; k++)
			known |= processes[k].uid == processes[i].uid;
		if (!known)
			try_user(t, processes[i].user);
	}
}

static const struct experiment privileges_no_sudo = {
	.name = "privileges.no-sudo",
	.title = "Services cannot become root by sudo",
	.doc = "sudo is asked what the user of each service may run",
	.does = "runs sudo -l for these users, as root",
	.rows = NAMES("I12", "I20", "G1"),
	.rules = NAMES("accounts.service-admins", "sudo.no-free-root", "sudo.not-everyone"),
	.seconds = 20,
	.tables = NAMES("processes"),
	.run = run,
};
EXPERIMENT(privileges_no_sudo);
