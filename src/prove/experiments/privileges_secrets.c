/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "host/secret.h"
#include "host/unitfile.h"
#include "prove/service_process.h"

#define MAX_FILE ((size_t)1 << 20)
#define MAX_SECRETS 1024
#define MAX_HOMES 64
#define MAX_DEPTH 4
#define MAX_ENTRIES 500 /* that are looked at below one directory */
#define MAX_PATH 512

/* A file that is none of a service's business: at all, or unless somebody gave it to that one. */
struct secret {
	const char *path;
	bool nobodys;
};

/* Where the service of a user keeps what it has. */
struct home {
	const char *path;
	uint32_t uid;
};

struct targets {
	VEC(struct secret) secrets;
	bool more; /* than are tried, which has been said */
	VEC(struct home) homes;
};

/* What one process could read, in memory that it shares. */
struct result {
	size_t tried, read;
	char first[MAX_PATH];
	char given[MAX_PATH]; /* one that it may read because somebody gave it to it */
	char rest[MAX_PATH];  /* a directory of which not all was looked at */
};

struct attempt {
	const struct targets *targets;
	const struct actor *actor;
	struct result *result;
	unsigned entries;
};

/* --- what there is to read -------------------------------------------------------------------- */

static void add_secret(struct trial *t, struct targets *all, struct str path, bool nobodys)
{
	if (!path.n || all->more)
		return;
	all->more = all->secrets.n == MAX_SECRETS;
	if (all->more) {
		trial_not_run(t, "there are more than %d files with secrets", MAX_SECRETS);
		return;
	}
	for (size_t i = 0; i < all->secrets.n; i++)
		if (str_is(path, all->secrets.p[i].path))
			return;
	*vec_push(t->arena, &all->secrets) = (struct secret){str_dup(t->arena, path), nobodys};
}

static void add_column(struct trial *t, struct targets *all, const char *table, const char *column)
{
	const struct rows *rows = trial_rows(t, table);

	for (size_t i = 0; rows && i < rows->n; i++)
		add_secret(t, all, trial_text(rows, rows->p[i], column), false);
}

/* The table has public keys, beside which the private ones are. */
static void add_host_keys(struct trial *t, struct targets *all)
{
	const struct rows *rows = trial_rows(t, "host_keys");

	for (size_t i = 0; rows && i < rows->n; i++) {
		struct str path = trial_text(rows, rows->p[i], "file");

		if (str_ends(path, ".pub"))
			path.n -= strlen(".pub");
		add_secret(t, all, path, true);
	}
}

/* A name that secrets have, with something behind it. */
static bool holds_secret(struct trial *t, const char *path)
{
	struct str text, line, name;

	if (path_read(t->place.root_fd, path, MAX_FILE, t->arena, &text) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_cut(&line, '=', &name) && line.n && secret_is_name(str_trim(name)))
			return true;
	return false;
}

/* "-/etc/default/app": it need not be there. */
static void add_environment(struct trial *t, struct targets *all, struct str path)
{
	(void)str_skip(&path, "-");
	if (str_starts(path, "/") && !str_has_char(path, '%') && !str_is_glob(path) &&
		holds_secret(t, str_dup(t->arena, path)))
		add_secret(t, all, path, false);
}

/* What systemd hands to services as their environment, as root: they need not read it themselves. */
static void add_environments(struct trial *t, struct targets *all)
{
	struct err err;
	_cleanup_host_ struct host *host = host_open("/", &err);
	struct unit_files units = {0};

	if (!host) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	unitfiles_read(host, t->arena, NULL, &units);
	if (units.gap)
		trial_not_run(t, "not all units are known: %s", units.gap);
	for (size_t i = 0; i < units.n; i++) {
		struct unit_values files =
			unitfile_values(&units.p[i], t->arena, "Service", "EnvironmentFile");

		for (size_t k = 0; k < files.n; k++)
			add_environment(t, all, files.items[k]->value);
	}
}

/* The homes of users that services run as, as far as they are for state and not for what is
 * shown. */
static void add_homes(struct trial *t, struct targets *all, const struct service_process *processes,
					  size_t n)
{
	const struct rows *users = trial_rows(t, "users");

	for (size_t i = 0; users && i < users->n; i++) {
		uint32_t uid = (uint32_t)trial_number(users, users->p[i], "uid", 0);
		struct str home = trial_text(users, users->p[i], "home");
		bool runs = false;

		for (size_t k = 0; k < n; k++)
			runs |= processes[k].uid == uid;
		if (runs && uid && all->homes.n < MAX_HOMES &&
			(str_starts(home, "/var/lib/") || str_starts(home, "/var/opt/") ||
			 str_starts(home, "/srv/")))
			*vec_push(t->arena, &all->homes) = (struct home){str_dup(t->arena, home), uid};
	}
}

static void find_targets(struct trial *t, struct targets *all,
						 const struct service_process *processes, size_t n)
{
	static const char *const shadows[] = {"/etc/shadow", "/etc/shadow-", "/etc/gshadow",
										  "/etc/gshadow-"};

	for (size_t i = 0; i < ARRAY_LEN(shadows); i++)
		add_secret(t, all, str_of(shadows[i]), true);
	add_host_keys(t, all);
	add_column(t, all, "private_keys", "path");
	add_column(t, all, "certificates", "key");
	add_column(t, all, "secrets", "file");
	add_environments(t, all);
	add_homes(t, all, processes, n);
}

/* --- reading, in the service's place ---------------------------------------------------------- */

/* Owner and group can see it because somebody meant them to; so can whoever an ACL names, when all
 * others cannot. A capability that opens every file is no such gift. */
static bool is_given(const struct actor *a, const struct stat *st)
{
	const uint64_t any = 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH;
	bool member = st->st_gid == a->gid;

	for (size_t i = 0; i < a->n_groups; i++)
		member |= st->st_gid == a->groups[i];
	if (st->st_uid == a->uid || (member && st->st_mode & S_IRGRP))
		return true;
	return !(st->st_mode & S_IROTH) && !(a->place->effective & any);
}

static bool can_read(int dir, const char *name, struct stat *ret)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char byte;

	return fd >= 0 && fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_size &&
		   read(fd, &byte, 1) == 1;
}

static void note(struct result *r, const char *path)
{
	if (!r->read++)
		snprintf(r->first, sizeof(r->first), "%s", path);
}

static void read_secret(struct attempt *a, const struct secret *s)
{
	struct stat st;

	a->result->tried++;
	if (!can_read(AT_FDCWD, s->path, &st))
		return;
	if (s->nobodys || !is_given(a->actor, &st))
		note(a->result, s->path);
	else
		snprintf(a->result->given, MAX_PATH, "%s", s->path);
}

static void look_below(struct attempt *a, const struct home *s, int parent, const char *name,
					   const char *path, unsigned depth);

static void look_at(struct attempt *a, const struct home *s, int dir, const char *name,
					const char *path, unsigned depth)
{
	char full[MAX_PATH];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		look_below(a, s, dir, name, full, depth + 1);
	/* What others put there is not its state: a program's own files, say. */
	if (S_ISREG(st.st_mode) && st.st_uid == s->uid && can_read(dir, name, &st) &&
		!is_given(a->actor, &st))
		note(a->result, full);
}

/* What is not looked at is not proven. */
static bool has_room(struct attempt *a, const char *path, unsigned depth)
{
	if (depth <= MAX_DEPTH && a->entries < MAX_ENTRIES)
		return true;
	snprintf(a->result->rest, MAX_PATH, "%s", path);
	return false;
}

/* The home itself may be a link to where its disk is. */
static void look_below(struct attempt *a, const struct home *s, int parent, const char *name,
					   const char *path, unsigned depth)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | (depth ? O_NOFOLLOW : 0);
	int fd = openat(parent, name, flags);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) && has_room(a, path, depth))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			a->entries++;
			look_at(a, s, dirfd(dir), entry->d_name, path, depth);
		}
	if (dir)
		closedir(dir);
	else
		close_fd(&fd);
}

static int read_all(void *data)
{
	struct attempt *a = data;

	for (size_t i = 0; i < a->targets->secrets.n; i++)
		read_secret(a, &a->targets->secrets.p[i]);
	for (size_t i = 0; i < a->targets->homes.n; i++) {
		const struct home *s = &a->targets->homes.p[i];

		a->entries = 0;
		if (s->uid != a->actor->uid) {
			a->result->tried++;
			look_below(a, s, AT_FDCWD, s->path, s->path, 0);
		}
	}
	return 0;
}

/* --- judging ---------------------------------------------------------------------------------- */

static void try_process(struct trial *t, const struct targets *targets,
						const struct service_process *p, struct result *result)
{
	_cleanup_place_ struct actor_place place = ACTOR_PLACE_NONE;
	struct actor actor;
	struct attempt a = {.targets = targets, .actor = &actor, .result = result};
	struct err err;
	int r;

	*result = (struct result){0};
	if (!service_actor(t, p, &actor, &place))
		return;
	if (actor_run(&actor, read_all, &a, &r, &err) < 0)
		trial_not_run(t, "%s (%s): its place cannot be taken: %s", p->unit, p->user, err.msg);
	else if (result->read)
		trial_refuted(t, "%s: %s can read %s%s", p->unit, p->user, result->first,
					  result->read > 1 ? " and others" : "");
	else if (result->rest[0])
		trial_not_run(t, "%s: %s can list %s, which has more than was looked at", p->unit, p->user,
					  result->rest);
	else
		trial_proven(t, "%s: %s can read none of %zu files and directories", p->unit, p->user,
					 result->tried);
	if (result->given[0])
		trial_saw(t, "%s: %s was given %s, which counts for nothing", p->unit, p->user,
				  result->given);
}

static void run(struct trial *t)
{
	struct service_process processes[MAX_SERVICE_PROCESSES];
	struct result *result = actor_shared(sizeof(*result));
	size_t n = service_processes(t, processes);
	struct targets targets = {0};

	if (!result) {
		trial_not_run(t, "no memory to share: %s", strerror(errno));
		return;
	}
	find_targets(t, &targets, processes, n);
	if (n)
		trial_saw(
			t,
			"filters of system calls and Landlock cannot be joined: what they forbid is not tried");
	for (size_t i = 0; i < n; i++)
		try_process(t, &targets, &processes[i], result);
}

static const struct experiment privileges_secrets = {
	.name = "privileges.secrets-unreadable",
	.title = "Services cannot read what is none of their business",
	.doc = "In the place of each service that has a user of its own, with its mounts, user, "
		   "groups and capabilities, /etc/shadow, private keys, files with passwords and other "
		   "services' state are opened",
	.does = "starts processes in the mounts and as the users of services, which open these files",
	.rows = NAMES("I13", "I17", "I20", "I14", "G6"),
	.rules =
		NAMES("fs.shadow-files", "fs.secret-files", "db.data-private", "secrets.in-environment",
			  "secrets.in-units", "secrets.in-history", "mqtt.key-file", "services.capabilities"),
	.seconds = 20,
	.tables = NAMES("processes", "users", "host_keys", "private_keys", "certificates", "secrets"),
	.run = run,
};
EXPERIMENT(privileges_secrets);
