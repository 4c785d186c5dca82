/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/num.h"
#include "prove/actor.h"
#include "prove/marker.h"

#define LOG "/dev/log"
#define SS "/usr/bin/ss"
#define SS_MS 3000
#define TAG "revet-prove"
#define PRIORITY (1 * 8 + 5) /* user.notice: RFC 5424, section 6.2.1 */
#define MESSAGES 4
#define MESSAGE 900 /* a receiver that takes less than 1 KiB is none: RFC 3164 */
#define MOST_NOISE (MESSAGES * MESSAGE / 10)
#define WAIT_MS 4000

struct volume {
	uint64_t bytes; /* that receivers have acknowledged since they were connected to */
	size_t connections;
	uint64_t wanted;
};

static bool read_acknowledged(struct str line, uint64_t *ret)
{
	struct str word;

	while (str_word(&line, &word))
		if (str_skip(&word, "bytes_acked:"))
			return num_u64(word, 0, UINT64_MAX, ret) == 0;
	*ret = 0; /* nothing yet */
	return true;
}

/* Of all connections that rsyslog has: with TLS nobody else can tell what is in them. */
static int look(struct trial *t, struct volume *ret, struct err *err)
{
	static const char *const argv[] = {SS,   "-H", "-O",    "-t",          "-i",
									   "-n", "-p", "state", "established", NULL};
	struct exec_result result;
	struct str line;
	int r = trial_run(t, argv, -1, SS_MS, &result, err);

	ret->bytes = ret->connections = 0;
	if (r < 0 || result.status)
		return r < 0 ? r : err_set(err, EIO, SS " fails: %.*s", STR_ARG(str_trim(result.err)));
	while (str_line(&result.out, &line)) {
		uint64_t bytes;

		if (!str_has(line, "\"rsyslogd\"") || !read_acknowledged(line, &bytes))
			continue;
		ret->bytes += bytes;
		ret->connections++;
	}
	return 0;
}

static int write_messages(void *data)
{
	const char *marker = data;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = LOG};
	char text[MESSAGE + 1];
	int n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	for (int i = 0; i < MESSAGES; i++) {
		n = snprintf(text, sizeof(text), "<%d>" TAG ": %s %d ", PRIORITY, marker, i);
		memset(text + n, '.', (size_t)(MESSAGE - n));
		if (send(fd, text, MESSAGE, 0) < 0)
			return -errno;
	}
	return 0;
}

static bool has_arrived(struct trial *t, void *data)
{
	struct volume *v = data;
	struct err ignored;

	return look(t, v, &ignored) == 0 && v->bytes >= v->wanted;
}

/* What else is sent in the same time must be too little to be taken for the messages. */
static bool is_quiet(struct trial *t, struct volume *v)
{
	struct err err;
	uint64_t before;

	if (look(t, v, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return false;
	}
	if (!v->connections) {
		trial_refuted(t, "rsyslog is told to send to a receiver, and has no connection to any");
		return false;
	}
	before = v->bytes;
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	if (look(t, v, &err) == 0 && v->bytes >= before && v->bytes - before <= MOST_NOISE)
		return true;
	trial_not_run(t, "too much is sent to the receiver to tell messages from it");
	return false;
}

static void try_receivers(struct trial *t)
{
	int patience = WAIT_MS, r = 0;
	char marker[MARKER_SIZE];
	struct volume v = {0};
	uint64_t before;
	struct err err;

	if (!is_quiet(t, &v))
		return;
	before = v.bytes;
	v.wanted = before + (uint64_t)MESSAGES * MESSAGE;
	if (marker_make(marker) < 0 ||
		actor_run(&ACTOR_STRANGER, write_messages, marker, &r, &err) < 0 || r < 0) {
		trial_not_run(t, LOG " takes no message: %s", strerror(r < 0 ? -r : EIO));
		return;
	}
	trial_saw(t, "what is to be found at the receiver: %s", marker);
	if (marker_wait(t, has_arrived, &v, &patience))
		trial_proven(t, "%d bytes were logged, and %llu acknowledged by the receiver",
					 MESSAGES * MESSAGE, (unsigned long long)(v.bytes - before));
	else
		trial_refuted(t, "%d bytes were logged, and %llu acknowledged by the receiver within %d s",
					  MESSAGES * MESSAGE,
					  (unsigned long long)(v.bytes > before ? v.bytes - before : 0),
					  WAIT_MS / 1000);
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "rsyslog");
	size_t told = 0, untold = 0;

	for (size_t i = 0; rows && i < rows->n; i++) {
		if (!str_is(trial_text(rows, rows->p[i], "action"), "remote"))
			continue;
		if (str_is(trial_text(rows, rows->p[i], "protocol"), "udp"))
			untold++;
		else
			told++;
	}
	if (untold)
		trial_not_run(
			t, "a receiver gets its messages over UDP, which tells nobody whether they arrive");
	if (rows && !told && !untold)
		trial_not_run(t, "rsyslog is told to send to no receiver");
	if (told)
		try_receivers(t);
}

static const struct experiment logging_receiver = {
	.name = "logging.receiver",
	.title = "What is logged arrives at the receiver",
	.doc = "A user without privilege logs a few messages, and the receivers that rsyslog sends "
		   "to have to acknowledge as many bytes, encrypted or not",
	.does = "writes four lines to the log, which stay there: they begin with " TAG,
	.rows = NAMES("I18", "G25"),
	.rules = NAMES("logging.remote", "logging.remote-encrypted"),
	.seconds = 20,
	.tables = NAMES("rsyslog"),
	.run = run,
	.company = COMPANY_NONE, /* they log */
};
EXPERIMENT(logging_receiver);
