/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "prove/replica.h"
#include "prove/ssh.h"

#define SHADOW "/etc/shadow"
#define MAX_SHADOW ((size_t)4 << 20)
#define EXPIRES 7    /* fields before the day on which it expires, shadow(5) */
#define LONG_AGO "1" /* the second day of 1970; 0 is understood in different ways */

/* A copy in its place, which this process and its children see. */
struct shadow {
	const char *path; /* of the copy: in the scratch, where it can be written */
	struct str text;  /* as it was */
};

static int write_copy(const struct shadow *s, struct str text)
{
	_cleanup_close_ int fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd_write_all(fd, text);
}

static int cover_shadow(struct trial *t, struct shadow *s, struct err *err)
{
	struct stat st;
	int r = path_read(t->place.root_fd, SHADOW, MAX_SHADOW, t->arena, &s->text);

	s->path = arena_printf(t->arena, "%s/shadow", t->scratch);
	if (r == 0)
		r = write_copy(s, s->text);
	if (r == 0 &&
		(stat(SHADOW, &st) < 0 || chown(s->path, st.st_uid, st.st_gid) < 0 ||
		 chmod(s->path, st.st_mode & 0777) < 0 || mount(s->path, SHADOW, NULL, MS_BIND, NULL) < 0))
		r = -errno;
	return r < 0 ? err_errno(err, -r, "a copy in the place of " SHADOW) : 0;
}

/* The line of the user with another day; absent: it has no such field. */
static struct str expired(struct arena *a, struct str line)
{
	struct str rest = line, field;

	for (int i = 0; i < EXPIRES; i++)
		if (!str_cut(&rest, ':', &field) || !rest.p)
			return STR_ABSENT;
	line.n = (size_t)(rest.p - line.p);
	if (!str_cut(&rest, ':', &field) || !rest.p)
		return STR_ABSENT;
	return str_of(arena_printf(a, "%.*s" LONG_AGO ":%.*s", STR_ARG(line), STR_ARG(rest)));
}

static bool expire(struct trial *t, const struct shadow *s, const char *user)
{
	_cleanup_buf_ struct buf text = BUF(2 * MAX_SHADOW);
	const char *begin = arena_printf(t->arena, "%s:", user);
	struct str rest = s->text, line, changed = STR_ABSENT;

	while (str_line(&rest, &line)) {
		if (str_starts(line, begin))
			changed = line = expired(t->arena, line);
		buf_str(&text, line);
		buf_putc(&text, '\n');
	}
	return changed.p && !text.full && write_copy(s, buf_get(&text)) == 0;
}

static bool logs_in(struct trial *t, const struct ssh_way *way, const char *user, const char *key,
					struct ssh_seen *seen)
{
	struct ssh_try how = ssh_by(way, user);
	struct err err;

	how.key = key;
	return ssh_try(t, &how, seen, &err) == 0 && seen->logged_in;
}

/* From somewhere from where the user gets in before. */
static void try_user(struct trial *t, const struct outside *o, const struct shadow *s,
					 const char *user, const char *key)
{
	struct ssh_way ways[SSH_MAX_WAYS];
	size_t n = ssh_find_ways(t, o, ORIGINS_ALL, ways), i = 0;
	struct ssh_seen seen = {0};

	while (i < n && !(ways[i].is_open && logs_in(t, &ways[i], user, key, &seen)))
		i++;
	if (i == n) {
		trial_not_run(t, "%s cannot log in there at all, so that it shows nothing", user);
		return;
	}
	trial_saw(t, "%s logs in as %s", ways[i].from->who, user);
	if (!expire(t, s, user))
		trial_not_run(t, "%s is not in " SHADOW ", or what is there is not understood", user);
	else if (logs_in(t, &ways[i], user, key, &seen))
		trial_refuted(t, "%s logs in as %s, whose account has expired", ways[i].from->who, user);
	else if (!seen.connected)
		trial_not_run(t, "the sshd that was started for this has gone: %s", seen.why_not);
	else
		trial_proven(t, "%s is refused as %s once the account has expired: %s", ways[i].from->who,
					 user, seen.why_not);
}

static const char *choose_user(struct trial *t)
{
	const char *const *admins;
	size_t n = ssh_admins(t, &admins);

	for (size_t i = 0; i < n; i++)
		if (strcmp(admins[i], "root") != 0)
			return admins[i];
	return "root";
}

static void try_there(struct trial *t, const struct outside *o)
{
	const char *key = NULL, *option = NULL, *user = choose_user(t);
	struct exec server = EXEC_NONE;
	struct shadow shadow = {0};
	struct err err;

	/* Root may be the only one there is: that it is let in at all is another experiment's to judge. */
	if (cover_shadow(t, &shadow, &err) < 0 || ssh_make_key(t, &key, &option, &err) < 0 ||
		ssh_serve(t, o->host_ns,
				  NAMES(option, "AuthorizedKeysCommand=none",
						strcmp(user, "root") == 0 ? "PermitRootLogin=yes" : NULL),
				  &server, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		try_user(t, o, &shadow, user, key);
	exec_done(&server);
}

static void run(struct trial *t)
{
	ssh_in_copy(t,
				"it is tried on an sshd of the same configuration in a private network, which "
				"sees a copy of " SHADOW,
				try_there);
}

static const struct experiment ssh_expired = {
	"ssh.expired-refused",
	"An account that has expired is refused over SSH, even with a key",
	"Starts a second sshd with this host's configuration in a private network, which sees a copy "
	"of "
	"/etc/shadow and takes a key that was made for this; logs in as an administrator, and again "
	"when the account has expired in the copy.",
	"nothing: the second sshd, its logs and counters and the copy of /etc/shadow are private, and "
	"end with the experiment",
	NAMES("I6", "L3"),
	NAMES("ssh.use-pam"),
	25,
	NAMES("listeners"),
	run,
};
EXPERIMENT(ssh_expired);
