/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/read_only.h"

#define UNATTENDED "/usr/bin/unattended-upgrade"
#define APT_GET "/usr/bin/apt-get"
#define PROGRAM_MS 25000

/* Where both programs keep locks, caches and logs. */
static const char *const written[] = {"/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg", "/var/log",
									  "/run",         "/tmp",           "/var/tmp",      NULL};

static const struct row *apt_row(const struct rows *rows)
{
	for (size_t i = 0; rows && i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "manager"), "apt"))
			return rows->p[i];
	return NULL;
}

/* "1 upgraded, 0 newly installed, ..." */
static struct str summary(struct str text)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_has(line, " upgraded, "))
			return line;
	return STR("it does not say what it would do");
}

/* The last line that says anything. */
static struct str last_line(struct str text)
{
	struct str line, last = STR("it printed nothing");

	while (str_line(&text, &line))
		if (str_trim(line).n)
			last = str_trim(line);
	return last;
}

static void see(struct trial *t, struct str text, const char *beginning)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_starts(line, beginning))
			trial_saw(t, "%.*s", STR_ARG(line));
}

static void judge_unattended(struct trial *t, const struct exec_result *result, int64_t pending)
{
	bool none = str_has(result->out, "No packages found that can be upgraded unattended");
	struct str said = last_line(result->err.n ? result->err : result->out);

	see(t, result->out, "Packages that will be upgraded:");
	see(t, result->out, "Allowed origins are:");
	if (result->status)
		trial_refuted(t, "unattended-upgrade --dry-run fails: %.*s", STR_ARG(said));
	else if (none && pending > 0)
		trial_refuted(
			t, "%lld security updates are pending, of which unattended-upgrade would install none",
			(long long)pending);
	else
		trial_proven(t, "unattended-upgrade --dry-run: %s",
					 none ? "nothing is pending that it would install"
						  : "it would install what is pending");
}

static void judge_apt(struct trial *t, const struct exec_result *result)
{
	if (result->status)
		trial_refuted(t, "apt-get --simulate upgrade fails: %.*s",
					  STR_ARG(last_line(result->err.n ? result->err : result->out)));
	else
		trial_proven(t, "apt-get --simulate upgrade: %.*s", STR_ARG(summary(result->out)));
}

static void run(struct trial *t)
{
	static const char *const unattended[] = {UNATTENDED, "--dry-run", "--verbose", NULL};
	static const char *const simulate[] = {APT_GET, "-q", "-y", "--simulate", "upgrade", NULL};
	const struct rows *rows = trial_rows(t, "updates");
	const struct row *row = apt_row(rows);
	bool automatic = access(UNATTENDED, X_OK) == 0;
	struct exec_result apt, result;
	struct err err;

	if (!row) {
		if (rows)
			trial_not_run(t, "it is known for apt alone how to try an upgrade");
		return;
	}
	if (trial_number(rows, row, "lists_updated", 0) == 0) {
		trial_not_run(t, "apt has no lists of packages, so that there is nothing to upgrade to");
		return;
	}
	if (read_only_enter(t, written, &err) < 0 ||
		trial_run(t, simulate, -1, PROGRAM_MS, &apt, &err) < 0 ||
		(automatic && trial_run(t, unattended, -1, PROGRAM_MS, &result, &err) < 0)) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	judge_apt(t, &apt);
	if (automatic)
		judge_unattended(t, &result, trial_number(rows, row, "security_pending", 0));
}

static const struct experiment updates_dry_run = {
	.name = "updates.dry-run",
	.title = "The upgrade of packages works",
	.doc = "apt simulates an upgrade, and unattended-upgrades, where it is installed, the one "
		   "that it would do by itself",
	.does = "runs both with all file systems read-only to them; packages that are pending may be "
			"downloaded and thrown away",
	.rows = NAMES("I15", "L1", "L2"),
	.rules = NAMES("updates.automatic", "updates.security-pending", "updates.half-installed",
				   "updates.security-source"),
	.seconds = 30,
	.tables = NAMES("updates"),
	.run = run,
};
EXPERIMENT(updates_dry_run);
