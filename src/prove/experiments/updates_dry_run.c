/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/read_only.h"

#define UNATTENDED "/usr/bin/unattended-upgrade"
#define APT_GET "/usr/bin/apt-get"
#define DNF "/usr/bin/dnf"
#define PROGRAM_MS 25000

/* Where the programs keep locks, caches and logs. */
static const char *const written[] = {"/var/lib/apt",
									  "/var/cache/apt",
									  "/var/lib/dpkg",
									  "/var/lib/dnf",
									  "/var/cache/dnf",
									  "/var/cache/libdnf5",
									  "/var/lib/rpm",
									  "/usr/lib/sysimage/rpm",
									  "/usr/lib/sysimage/libdnf5",
									  "/var/log",
									  "/run",
									  "/tmp",
									  "/var/tmp",
									  NULL};

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

/* It failed, and does so when it is run by itself, where it may write. */
static void judge_failure(struct trial *t, const char *what, const struct exec_result *result)
{
	struct str said = last_line(result->err.n ? result->err : result->out);

	if (str_has(result->err, "Read-only file system"))
		trial_not_run(t, "%s writes where it may not write for this: %.*s", what, STR_ARG(said));
	else
		trial_refuted(t, "%s fails: %.*s", what, STR_ARG(said));
}

static void judge_unattended(struct trial *t, const struct exec_result *result, int64_t pending)
{
	bool none = str_has(result->out, "No packages found that can be upgraded unattended");

	see(t, result->out, "Packages that will be upgraded:");
	see(t, result->out, "Allowed origins are:");
	if (result->status)
		judge_failure(t, "unattended-upgrade --dry-run", result);
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
		judge_failure(t, "apt-get --simulate upgrade", result);
	else
		trial_proven(t, "apt-get --simulate upgrade: %.*s", STR_ARG(summary(result->out)));
}

static void try_apt(struct trial *t, const struct rows *rows, const struct row *row)
{
	static const char *const unattended[] = {UNATTENDED, "--dry-run", "--verbose", NULL};
	static const char *const simulate[] = {APT_GET, "-q", "-y", "--simulate", "upgrade", NULL};
	bool automatic = access(UNATTENDED, X_OK) == 0;
	struct exec_result apt, result;
	struct err err;

	if (trial_number(rows, row, "lists_updated", 0) == 0) {
		trial_not_run(t, "apt has no lists of packages, so that there is nothing to upgrade to");
		return;
	}
	if (trial_run(t, simulate, -1, PROGRAM_MS, &apt, &err) < 0 ||
		(automatic && trial_run(t, unattended, -1, PROGRAM_MS, &result, &err) < 0)) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	judge_apt(t, &apt);
	if (automatic)
		judge_unattended(t, &result, trial_number(rows, row, "security_pending", 0));
}

/* "Upgrade  2 Packages", as dnf 4 has it; dnf 5 says how many it would upgrade. */
static bool is_of_summary(struct str line)
{
	return str_starts(line, "Upgrade ") || str_starts(line, "Install ") ||
		   str_starts(line, " Upgrading:") || str_starts(line, " Installing:");
}

/* With nobody to agree dnf says no to itself, and its exit status is that of a failure. */
static void judge_dnf(struct trial *t, const struct exec_result *result)
{
	struct str rest = result->out, line;
	bool would =
		str_has(result->out, "Operation aborted") || str_has(result->err, "Operation aborted");

	if (str_has(result->err, "Cache-only enabled but no cache") ||
		str_has(result->err, "Ignoring repositories")) {
		trial_not_run(
			t, "dnf has no lists of all its repositories, so that it is not known what there is "
			   "to upgrade to: dnf makecache");
		return;
	}
	while (str_line(&rest, &line))
		if (is_of_summary(line))
			trial_saw(t, "%.*s", STR_ARG(str_trim(line)));
	if (would)
		trial_proven(t, "dnf upgrade --assumeno: it would upgrade what is pending");
	else if (result->status == 0 && str_has(result->out, "Nothing to do"))
		trial_proven(t, "dnf upgrade --assumeno: nothing is pending that it would upgrade");
	else
		judge_failure(t, "dnf upgrade --assumeno", result);
}

static void try_dnf(struct trial *t, const struct rows *rows _unused_,
					const struct row *row _unused_)
{
	/* With what it has of its repositories, as apt. */
	static const char *const upgrade[] = {DNF, "--cacheonly", "--assumeno", "upgrade", NULL};
	struct exec_result result;
	struct err err;

	if (trial_run(t, upgrade, -1, PROGRAM_MS, &result, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		judge_dnf(t, &result);
}

static const struct manager {
	const char *name;
	void (*run)(struct trial *, const struct rows *, const struct row *);
} managers[] = {{"apt", try_apt}, {"dnf", try_dnf}};

static const struct manager *manager_of(const struct rows *rows, const struct row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(managers); i++)
		if (str_is(trial_text(rows, row, "manager"), managers[i].name))
			return &managers[i];
	return NULL;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "updates");
	bool entered = false;
	struct err err;

	for (size_t i = 0; rows && i < rows->n; i++) {
		const struct row *row = rows->p[i];
		const struct manager *m = manager_of(rows, row);

		if (!m) {
			trial_not_run(t, "it is not known of %.*s how to try an upgrade",
						  STR_ARG(trial_text(rows, row, "manager")));
		} else if (i && trial_number(rows, row, "lists_updated", 0) == 0) {
			/* The first is the distribution's own. */
			trial_saw(t, "%s has no lists of packages, and is not asked", m->name);
		} else if (!entered && read_only_enter(t, written, &err) < 0) {
			trial_not_run(t, "%s", err.msg);
			return;
		} else {
			entered = true;
			m->run(t, rows, row);
		}
	}
	if (rows && !rows->n)
		trial_not_run(t, "no manager of packages is known here");
}

static const struct experiment updates_dry_run = {
	.name = "updates.dry-run",
	.title = "The upgrade of packages works",
	.doc = "apt or dnf tries an upgrade without doing it, and unattended-upgrades, where it is "
		   "installed, the one that it would do by itself",
	.does = "runs them with all file systems read-only to them; packages that are pending may be "
			"downloaded and thrown away",
	.rows = NAMES("I15", "L1", "L2"),
	.rules = NAMES("updates.automatic", "updates.security-pending", "updates.half-installed",
				   "updates.security-source"),
	.seconds = 30,
	.tables = NAMES("updates"),
	.run = run,
};
EXPERIMENT(updates_dry_run);
