/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/service_process.h"

#define CRONTAB "/usr/bin/crontab"
#define ALLOW "/etc/cron.allow"
#define CRONTAB_MS 5000
#define MAX_TEXT 256

/* In memory that the child shares. */
struct listing {
	int status;
	char said[MAX_TEXT];
};

/* Nothing is changed by it. */
static int list_jobs(void *data)
{
	static const char *const argv[] = {CRONTAB, "-l", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct exec_result result;
	struct listing *l = data;
	struct err err;
	int r = exec_finish(&e, (size_t)1 << 20, CRONTAB_MS, &a, &result, &err);
	struct str said, line = STR_ABSENT;

	if (r < 0)
		return r;
	said = result.err;
	(void)str_line(&said, &line);
	l->status = result.status;
	memcpy(l->said, line.p ? line.p : "", MIN(line.n, sizeof(l->said) - 1));
	return 0;
}

static void try_user(struct trial *t, const struct service_process *p)
{
	const struct actor user = {.uid = p->uid, .gid = p->uid};
	struct listing *l = actor_shared(sizeof(*l));
	struct err err;
	int r = -ENOMEM;

	if (l && actor_run(&user, list_jobs, l, &r, &err) < 0)
		trial_not_run(t, "%s: %s", p->user, err.msg);
	else if (r < 0)
		trial_not_run(t, "%s: crontab cannot be run: %s", p->user, strerror(-r));
	else if (l->status && strstr(l->said, "not allowed"))
		trial_proven(t, "%s: crontab refuses it: %s", p->user, l->said);
	else
		trial_refuted(t, "%s: crontab serves it, though " ALLOW " is there (%s)", p->user,
					  l->said[0] ? l->said : "it has jobs");
}

/* Those whom the file names are meant to. */
static bool is_allowed(struct trial *t, const char *user)
{
	struct str text, line;

	if (path_read(t->place.root_fd, ALLOW, (size_t)1 << 20, t->arena, &text) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_is(str_trim(line), user))
			return true;
	return false;
}

static void run(struct trial *t)
{
	struct service_process processes[MAX_SERVICE_PROCESSES];
	size_t n;

	if (access(ALLOW, F_OK) < 0 || access(CRONTAB, X_OK) < 0) {
		trial_not_run(t,
					  "there is no " ALLOW ", or no crontab: everybody may have jobs, or nobody");
		return;
	}
	n = service_processes(t, processes);
	for (size_t i = 0; i < n; i++) {
		bool known = is_allowed(t, processes[i].user);

		for (size_t k = 0; k < i; k++)
			known |= processes[k].uid == processes[i].uid;
		if (!known)
			try_user(t, &processes[i]);
	}
}

static const struct experiment cron_refused = {
	.name = "cron.refused",
	.title = "Services cannot have scheduled jobs",
	.doc = "The user of each service that " ALLOW " does not name asks crontab for its jobs",
	.does = "runs crontab -l as these users, which cron logs",
	.rows = NAMES("I6", "I12"),
	.rules = NAMES("cron.allow"),
	.seconds = 20,
	.tables = NAMES("processes"),
	.run = run,
};
EXPERIMENT(cron_refused);
