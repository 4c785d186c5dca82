/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/num.h"
#include "prove/service_process.h"

#define ID "/usr/bin/id"
#define PROBE \
	"id" /* in the scratch: one that is many programs knows by its name which it is to be */

/* Opened before the place is taken, which need not have the program. */
static int program_fd = -1;

static int prepare(void *data)
{
	char path[64];

	(void)data;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", program_fd);
	return actor_copy_program(path, PROBE, 04755);
}

/* Whom the program is run as: what it prints. */
static int read_id(int fd)
{
	char text[32] = "";
	ssize_t n = read(fd, text, sizeof(text) - 1);
	uint64_t id;

	if (n <= 0 || num_u64(str_trim((struct str){text, (size_t)n}), 0, UINT32_MAX, &id) < 0)
		return -ENOEXEC;
	return id == 0 ? 0 : -EPERM;
}

/* 0: what it started has become root. -EPERM: it has not. */
static int start_setuid(void *data)
{
	int out[2], r;
	pid_t pid;

	(void)data;
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (dup2(out[1], STDOUT_FILENO) >= 0)
			execl(PROBE, PROBE, "-u", (char *)NULL);
		_exit(127);
	}
	close_fd(&out[1]);
	r = pid < 0 ? -errno : read_id(out[0]);
	close_fd(&out[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return r;
}

static void try_process(struct trial *t, const struct service_process *p)
{
	_cleanup_place_ struct actor_place place = ACTOR_PLACE_NONE;
	struct actor actor;
	struct err err;
	int r;

	if (!service_actor(t, p, &actor, &place))
		return;
	actor.prepare = prepare;
	if (actor_run(&actor, start_setuid, NULL, &r, &err) < 0)
		trial_not_run(t, "%s (%s): its place cannot be taken: %s", p->unit, p->user, err.msg);
	else if (r == 0)
		trial_refuted(t, "%s: %s becomes root by a SUID program", p->unit, p->user);
	else if (r == -EPERM)
		trial_proven(t, "%s: %s starts a SUID program and stays %s", p->unit, p->user, p->user);
	else
		trial_not_run(t, "%s (%s): the SUID program did not say who it is", p->unit, p->user);
}

/* Without anything that keeps it back a SUID program has to work, or its failure shows nothing. */
static bool works_for_others(struct trial *t)
{
	struct actor_place here = ACTOR_PLACE_NONE;
	struct actor stranger = ACTOR_STRANGER;
	struct err err;
	int r = -ECHILD;

	here.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	here.bounding = UINT64_MAX;
	stranger.place = &here;
	stranger.prepare = prepare;
	if (actor_run(&stranger, start_setuid, NULL, &r, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else if (r < 0)
		trial_not_run(t, "no SUID program makes root of anybody here, so that it shows nothing");
	actor_place_done(&here);
	return r == 0;
}

static void run(struct trial *t)
{
	struct service_process processes[MAX_SERVICE_PROCESSES];
	size_t n = service_processes(t, processes);

	program_fd = open(ID, O_RDONLY | O_CLOEXEC);
	if (program_fd < 0) {
		trial_not_run(t, ID ": %s", strerror(errno));
		return;
	}
	if (!n || !works_for_others(t))
		return;
	trial_saw(
		t, "filters of system calls and Landlock cannot be joined: what they forbid is not tried");
	for (size_t i = 0; i < n; i++)
		try_process(t, &processes[i]);
}

static const struct experiment privileges_no_gain = {
	.name = "privileges.no-gain",
	.title = "Services cannot become root by a SUID program",
	.doc = "In the place of each service that has a user of its own, with its mounts, user, "
		   "groups and capabilities, a program is started that is SUID root",
	.does = "starts processes in the mounts and as the users of services, with a copy of `id` that "
			"is SUID and that nobody else sees",
	.rows = NAMES("I14", "G14", "I12"),
	.rules = NAMES("services.own-units-sandboxed", "systemd.exposed-services"),
	.seconds = 20,
	.tables = NAMES("processes"),
	.run = run,
};
EXPERIMENT(privileges_no_gain);
