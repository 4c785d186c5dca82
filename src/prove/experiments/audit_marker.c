/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/num.h"
#include "prove/actor.h"
#include "prove/marker.h"

#define LOGIN "/proc/self/loginuid"
#define PROGRAM "/usr/bin/true"
#define LOG_FILE "/var/log/audit/audit.log" /* auditd.conf(5) */
#define WAIT_MS 3000

/* A program that somebody has started after they had logged in. */
struct command {
	const char *log;
	uint32_t person; /* who logged in */
	uint32_t uid;    /* as whom it runs */
	char marker[MARKER_SIZE];
};

static int start(void *data)
{
	struct command *c = data;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execl(PROGRAM, PROGRAM, c->marker, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOEXEC;
}

/* "msg=audit(1700000000.123:456):", which all records of one event have. */
static bool event_of(struct str line, struct str *ret)
{
	while (str_word(&line, ret))
		if (str_starts(*ret, "msg=audit("))
			return true;
	return false;
}

static bool says_who(struct str line, const struct command *c)
{
	struct str word;
	bool person = false, user = false;
	uint64_t id;

	while (str_word(&line, &word)) {
		person |=
			str_skip(&word, "auid=") && num_u64(word, 0, UINT32_MAX, &id) == 0 && id == c->person;
		user |= str_skip(&word, "euid=") && num_u64(word, 0, UINT32_MAX, &id) == 0 && id == c->uid;
	}
	return person && user;
}

/* The arguments are in one record, who it was in another of the same event. */
static bool is_recorded(struct trial *t, void *data)
{
	const struct command *c = data;
	_cleanup_buf_ struct buf end = {0};
	struct str text, line, event = STR_ABSENT, other;

	if (marker_end(t, c->log, &end) < 0)
		return false;
	text = buf_get(&end);
	while (str_line(&text, &line))
		if (str_starts(line, "type=EXECVE ") && str_has(line, c->marker) && event_of(line, &other))
			event = other;
	text = buf_get(&end);
	while (event.p && str_line(&text, &line))
		if (str_starts(line, "type=SYSCALL ") && event_of(line, &other) && str_eq(other, event) &&
			says_who(line, c))
			return true;
	return false;
}

static int read_login(uint64_t *ret, struct err *err)
{
	_cleanup_close_ int fd = open(LOGIN, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_errno(err, errno, LOGIN);
	return num_u64(str_trim((struct str){text, (size_t)n}), 0, UINT32_MAX, ret) < 0
			   ? err_set(err, EINVAL, LOGIN ": not understood")
			   : 0;
}

static int set_login(uint64_t id, struct err *err)
{
	_cleanup_close_ int fd = open(LOGIN, O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)id);

	return fd < 0 || write(fd, text, (size_t)n) < 0 ? err_errno(err, errno, LOGIN) : 0;
}

/* Who had logged in is set once for each session; one that was not opened by a login has nobody
 * yet. */
static int log_in(struct trial *t, uint32_t *ret, struct err *err)
{
	const struct rows *users = trial_rows(t, "users");
	uint64_t id = 0;
	int r = read_login(&id, err);
	bool nobody = id == UINT32_MAX;

	for (size_t i = 0; r == 0 && id == UINT32_MAX && users && i < users->n; i++)
		if (trial_number(users, users->p[i], "login_shell", false) &&
			trial_number(users, users->p[i], "uid", 0) >= 1000)
			id = (uint64_t)trial_number(users, users->p[i], "uid", 0);
	if (r == 0 && (id == UINT32_MAX || !id))
		r = err_set(err, ENOENT, "there is nobody but root here who could have logged in");
	if (r == 0 && nobody)
		r = set_login(id, err);
	*ret = (uint32_t)id;
	return r;
}

static bool run_as(struct trial *t, const struct actor *actor, struct command *c)
{
	struct err err;
	int r = marker_make(c->marker);

	c->uid = actor->uid;
	if (r == 0 && actor_run(actor, start, c, &r, &err) == 0 && r == 0)
		return true;
	trial_not_run(t, "a command cannot be run as uid %u: %s", actor->uid,
				  r < 0 ? strerror(-r) : err.msg);
	return false;
}

static void try_both(struct trial *t, struct command *c)
{
	const struct actor person = {.uid = c->person, .gid = c->person};
	int patience = WAIT_MS;

	if (!run_as(t, &ACTOR_ROOT, c))
		return;
	if (marker_wait(t, is_recorded, c, &patience))
		trial_proven(t, "what uid %u runs as root is in %s, under the uid that logged in",
					 c->person, c->log);
	else
		trial_refuted(t, "what uid %u runs as root is not in %s within %d s (%s)", c->person,
					  c->log, WAIT_MS / 1000, c->marker);
	patience = WAIT_MS / 3;
	if (!run_as(t, &person, c))
		return;
	trial_saw(t, "what uid %u runs as itself is%s in %s", c->person,
			  marker_wait(t, is_recorded, c, &patience) ? "" : " not", c->log);
}

static bool auditd_runs(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "processes");

	for (size_t i = 0; rows && i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "name"), "auditd"))
			return true;
	if (rows)
		trial_not_run(t, "auditd does not run");
	return false;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "auditd");
	struct command c = {.log = LOG_FILE};
	struct err err;

	if (!auditd_runs(t) || !rows)
		return;
	for (size_t i = 0; i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "key"), "log_file"))
			c.log = str_dup(t->arena, trial_text(rows, rows->p[i], "value"));
	if (log_in(t, &c.person, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		try_both(t, &c);
}

static const struct experiment audit_marker = {
	.name = "audit.marker",
	.title = "What people run as root is recorded under their own name",
	.doc = "A program is started as root by somebody who has logged in as another user, with a "
		   "word in its arguments that has to be in auditd's log, under that user",
	.does = "runs `true` twice as somebody who has logged in; auditd's log keeps it",
	.rows = NAMES("G2"),
	.rules = NAMES("audit.commands", "audit.running", "audit.rules-loaded"),
	.seconds = 20,
	.tables = NAMES("processes", "users", "auditd"),
	.run = run,
};
EXPERIMENT(audit_marker);
