/* SPDX-License-Identifier: Apache-2.0 */
#include "change/session.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "change/process.h"
#include "host/address.h"

#define MAX_DEPTH 64

/* --- which it is --------------------------------------------------------------------------------- */

int64_t session_now(void)
{
	int64_t hz = sysconf(_SC_CLK_TCK);
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * hz + ts.tv_nsec * hz / 1000000000;
}

/* An address, a port: nothing else may get from an environment into the journal. */
static void keep(char *ret, size_t size, struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isalnum((unsigned char)word.p[i]) && !strchr(".:%-_", word.p[i]))
			return;
	if (word.n && word.n < size)
		snprintf(ret, size, "%.*s", STR_ARG(word));
}

/* sudo takes the variable out of the environment, the shell above it still has it. */
static void find_peer(int root_fd, int pid, struct arena *a, struct session *s)
{
	struct str text, entry, word;

	if (s->peer[0] ||
		path_read(root_fd, arena_printf(a, "/proc/%d/environ", pid), 1u << 20, a, &text) < 0)
		return;
	while (str_cut(&text, '\0', &entry))
		if (str_skip(&entry, "SSH_CONNECTION=") && str_cut(&entry, ' ', &word)) {
			keep(s->peer, sizeof(s->peer), word);
			(void)str_word(&entry, &word); /* the client's port */
			if (str_word(&entry, &word))
				keep(s->local, sizeof(s->local), word);
			if (str_word(&entry, &word))
				keep(s->port, sizeof(s->port), word);
		}
}

/* What changes its user hides whose it was from /proc; the processes below it do not. */
static void find_owner(int root_fd, int pid, struct arena *a, struct session *s)
{
	struct path_stat st;

	if (path_stat(root_fd, arena_printf(a, "/proc/%d", pid), true, &st) == 0 && st.uid != 0)
		s->uid = st.uid;
}

static bool is_ssh_server(const char *name)
{
	return str_starts(str_of(name), "sshd") || strcmp(name, "dropbear") == 0;
}

/* The number that the kernel gives a login, which all that is ever started from it keeps, also what
 * has left its process tree; empty: it was not told of a login. */
static struct str login_number(int root_fd, struct arena *a)
{
	struct str text;

	if (path_read(root_fd, "/proc/self/sessionid", 64, a, &text) < 0 ||
		str_is(str_trim(text), "4294967295"))
		return STR("");
	return str_trim(text);
}

/* Up to the process below the first one, or below the server of SSH that listens. */
int session_of_self(struct session *ret, struct err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_arena_ struct arena a = {0};
	struct process p, parent;
	struct str number;
	const char *peer;
	int r = process_read(root, getpid(), &a, &p);

	*ret = (struct session){0};
	for (int i = 0; r == 0 && i < MAX_DEPTH && p.parent > 1; i++) {
		find_peer(root, p.pid, &a, ret);
		find_owner(root, p.pid, &a, ret);
		r = process_read(root, p.parent, &a, &parent);
		if (r < 0 || (is_ssh_server(parent.name) && parent.parent <= 1))
			break;
		p = parent;
	}
	if (r < 0)
		return err_errno(err, -r, "/proc/self: cannot tell which session this is");
	find_peer(root, p.pid, &a, ret);
	find_owner(root, p.pid, &a, ret);
	ret->pid = p.pid;
	ret->started = (int64_t)p.ticks;
	ret->by_ssh = is_ssh_server(p.name);
	number = login_number(root, &a);
	/* An environment that was emptied makes no console of it. */
	peer = !ret->peer[0] && ret->by_ssh ? "unknown" : ret->peer;
	snprintf(ret->id, sizeof(ret->id), "%d-%llu/%.*s/%s/%s", p.pid, (unsigned long long)p.ticks,
			 STR_ARG(number), peer, ret->local);
	return 0;
}

/* --- what it proves ---------------------------------------------------------------------------- */

struct origin { /* the parts of an id */
	struct str process, number, peer, local;
};

static struct origin origin_of(struct str id)
{
	struct origin o = {STR(""), STR(""), STR(""), STR("")};

	(void)(str_cut(&id, '/', &o.process) && str_cut(&id, '/', &o.number) &&
		   str_cut(&id, '/', &o.peer) && str_cut(&id, '/', &o.local));
	return o;
}

/* From this machine to itself: that it works says nothing of the way here. */
static bool is_from_here(const struct origin *o)
{
	const char *scope = address_scope(o->peer);

	return o->peer.n && (str_eq(o->peer, o->local) || (scope && strcmp(scope, "loopback") == 0));
}

bool session_is_from_here(const struct session *s)
{
	struct origin o = origin_of(str_of(s->id));

	return is_from_here(&o);
}

const char *session_proves_nothing(const struct session *s, struct str applied_by, int64_t applied)
{
	struct origin was = origin_of(applied_by), is = origin_of(str_of(s->id));

	if (s->started < applied || str_eq(was.process, is.process) ||
		(is.number.n && str_eq(was.number, is.number)))
		return "this session was open before the change";
	if (was.peer.n && !s->by_ssh)
		return "the change was applied over SSH, and this is not a session that sshd opened "
			   "(tmux and screen hide that)";
	if (was.peer.n && !is_from_here(&was) && is_from_here(&is))
		return "this session comes from the server itself";
	return NULL;
}
