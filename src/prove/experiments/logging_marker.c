/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "prove/actor.h"
#include "prove/marker.h"

#define LOG "/dev/log"
#define JOURNAL "/run/systemd/journal"
#define JOURNALCTL "/usr/bin/journalctl"
#define TAG "revet-prove"
#define WAIT_MS 3000
#define MAX_FILES 64

/* A message of any program, and one about logging in, which is often kept apart. */
static const struct kind {
	const char *name;
	unsigned priority; /* RFC 5424, section 6.2.1 */
} kinds[] = {{"user.notice", 1 * 8 + 5}, {"authpriv.notice", 10 * 8 + 5}};

struct message {
	const struct kind *kind;
	char marker[MARKER_SIZE];
	const char *file; /* in which it was found */
};

/* As syslog(3) does it, but that it fails where that would be silent. */
static int write_message(void *data)
{
	const struct message *m = data;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = LOG};
	char text[128];
	int n = snprintf(text, sizeof(text), "<%u>" TAG ": %s", m->kind->priority, m->marker);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		send(fd, text, (size_t)n, 0) < 0)
		return -errno;
	return 0;
}

/* --- the journal ------------------------------------------------------------------------------ */

static bool is_in_journal(struct trial *t, void *data)
{
	const struct message *m = data;
	const char *uid = arena_printf(t->arena, "_UID=%u", (unsigned)ACTOR_STRANGER_UID);
	const char *message = arena_printf(t->arena, "MESSAGE=%s", m->marker);
	const char *const argv[] = {JOURNALCTL, "-q", "--no-pager", "-o", "cat", uid, message, NULL};
	struct exec_result result;
	struct err ignored;

	return trial_run(t, argv, -1, WAIT_MS, &result, &ignored) == 0 &&
		   str_has(result.out, m->marker);
}

static void look_in_journal(struct trial *t, struct message *m, int *patience)
{
	if (marker_wait(t, is_in_journal, m, patience))
		trial_proven(t, "%s: found in the journal, under the user that wrote it", m->kind->name);
	else
		trial_refuted(t, "%s: not found in the journal within %d s (%s)", m->kind->name,
					  WAIT_MS / 1000, m->marker);
}

/* --- rsyslog ---------------------------------------------------------------------------------- */

struct files {
	struct message *message;
	const char *paths[MAX_FILES];
	size_t n;
};

static bool is_in_a_file(struct trial *t, void *data)
{
	struct files *files = data;

	for (size_t i = 0; i < files->n; i++)
		if (marker_is_in(t, files->paths[i], files->message->marker)) {
			files->message->file = files->paths[i];
			return true;
		}
	return false;
}

/* A name that is made from the message cannot be opened without it. */
static void find_files(struct trial *t, const struct rows *rows, struct files *files)
{
	for (size_t i = 0; i < rows->n && files->n < MAX_FILES; i++) {
		struct str target = trial_text(rows, rows->p[i], "target");

		if (str_is(trial_text(rows, rows->p[i], "action"), "file") && str_starts(target, "/") &&
			!str_starts(target, "/dev/"))
			files->paths[files->n++] = str_dup(t->arena, target);
	}
}

static void look_in_files(struct trial *t, struct message *m, struct files *files, int *patience)
{
	files->message = m;
	if (marker_wait(t, is_in_a_file, files, patience))
		trial_proven(t, "%s: rsyslog has written it to %s", m->kind->name, m->file);
	else
		trial_refuted(t, "%s: in none of rsyslog's %zu files within %d s (%s)", m->kind->name,
					  files->n, WAIT_MS / 1000, m->marker);
}

static bool rsyslog_runs(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "processes");

	for (size_t i = 0; rows && i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "name"), "rsyslogd"))
			return true;
	return false;
}

static void look_at_rsyslog(struct trial *t, struct message *messages, int *patience)
{
	const struct rows *rows = rsyslog_runs(t) ? trial_rows(t, "rsyslog") : NULL;
	struct files files = {0};

	if (!rows)
		return;
	find_files(t, rows, &files);
	for (size_t i = 0; files.n && i < ARRAY_LEN(kinds); i++)
		look_in_files(t, &messages[i], &files, patience);
}

static void run(struct trial *t)
{
	struct message messages[ARRAY_LEN(kinds)];
	bool journal = access(JOURNAL "/socket", F_OK) == 0;
	struct err err;
	int patience = WAIT_MS, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		messages[i] = (struct message){.kind = &kinds[i]};
		if (marker_make(messages[i].marker) < 0 ||
			actor_run(&ACTOR_STRANGER, write_message, &messages[i], &r, &err) < 0 || r < 0) {
			trial_refuted(t, "%s: " LOG " takes no message of a user's: %s", kinds[i].name,
						  r < 0 ? strerror(-r) : "it could not be tried");
			return;
		}
	}
	for (size_t i = 0; journal && i < ARRAY_LEN(kinds); i++)
		look_in_journal(t, &messages[i], &patience);
	look_at_rsyslog(t, messages, &patience);
}

static const struct experiment logging_marker = {
	.name = "logging.marker",
	.title = "What any user logs is kept",
	.doc = "A user without privilege logs two messages, which have to be in the journal, under "
		   "that user, and in a file of rsyslog's where that runs",
	.does = "writes two lines to the log, which stay there: they begin with " TAG,
	.rows = NAMES("I18"),
	.rules = NAMES("logging.logger-runs", "logging.rsyslog-running", "logging.rsyslog-fed",
				   "logging.auth-kept", "logging.levels-kept"),
	.seconds = 15,
	.tables = NAMES("processes", "rsyslog"),
	.run = run,
};
EXPERIMENT(logging_marker);
