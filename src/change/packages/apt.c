/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apt, for what dpkg is to install. It is asked first what it would do: install the packages and what
 * they depend on, and nothing else, or nothing is done. It fetches everything before anything is
 * changed. What is put back when it is undone is the tree (change/delta.h), after dpkg has purged what
 * is new; so also what the scripts of packages have left behind, whoever wrote them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/fs.h"
#include "change/packages.h"
#include "host/dpkg.h"

#define SYSTEMCTL "/usr/bin/systemctl"
/* A run of apt that was orphaned by a kill is at work for as long as that. */
#define LOCK_PATIENCE 300
#define DPKG_INFO "/var/lib/dpkg/info"

/* What packages and the programs that they call write to. Data, logs and caches of services stay
 * theirs: databases live there, in which nothing may be taken away. */
static const struct delta_part parts[] = {
	{"/etc", DELTA_CONTENT, false},
	{"/etc/passwd", DELTA_LINES, false},
	{"/etc/passwd-", DELTA_LINES, false},
	{"/etc/shadow", DELTA_LINES, false},
	{"/etc/shadow-", DELTA_LINES, false},
	{"/etc/group", DELTA_LINES, false},
	{"/etc/group-", DELTA_LINES, false},
	{"/etc/gshadow", DELTA_LINES, false},
	{"/etc/gshadow-", DELTA_LINES, false},
	{"/etc/subuid", DELTA_LINES, false},
	{"/etc/subuid-", DELTA_LINES, false},
	{"/etc/subgid", DELTA_LINES, false},
	{"/etc/subgid-", DELTA_LINES, false},
	{"/etc/shells", DELTA_LINES, false},
	/* Others write these all the time. */
	{"/etc/mtab", DELTA_SKIP, false},
	{"/etc/resolv.conf", DELTA_SKIP, false},
	{"/etc/adjtime", DELTA_SKIP, false},
	{"/etc/letsencrypt", DELTA_SKIP, false},
	{"/usr", DELTA_NAMES, false},
	{"/usr/local", DELTA_SKIP, false},
	{"/usr/local/lib", DELTA_TOP, true},
	{"/usr/src", DELTA_SKIP, false},
	{"/bin", DELTA_NAMES, false},
	{"/sbin", DELTA_NAMES, false},
	{"/lib", DELTA_NAMES, false},
	{"/lib32", DELTA_NAMES, false},
	{"/lib64", DELTA_NAMES, false},
	{"/boot", DELTA_NAMES, false},
	{"/var/lib", DELTA_TOP, true},
	{"/var/cache", DELTA_TOP, true},
	{"/var/log", DELTA_TOP, true},
	{"/var/spool", DELTA_TOP, true},
	{"/var/lib/revet", DELTA_SKIP, false},
	{"/var/lib/dpkg", DELTA_CONTENT, true},
	{"/var/lib/dpkg/info", DELTA_NAMES, true},
	{"/var/lib/dpkg/lock", DELTA_NAMES, true},
	{"/var/lib/dpkg/lock-frontend", DELTA_NAMES, true},
	{"/var/lib/apt", DELTA_CONTENT, true},
	{"/var/lib/apt/lists", DELTA_SKIP, true},
	{"/var/lib/pam", DELTA_CONTENT, true},
	{"/var/lib/python", DELTA_CONTENT, true},
	{"/var/lib/systemd", DELTA_TOP, true},
	{"/var/lib/systemd/deb-systemd-helper-enabled", DELTA_CONTENT, true},
	{"/var/lib/systemd/deb-systemd-helper-masked", DELTA_CONTENT, true},
	{"/var/lib/systemd/deb-systemd-user-helper-enabled", DELTA_CONTENT, true},
	{"/var/lib/systemd/deb-systemd-user-helper-masked", DELTA_CONTENT, true},
	{"/var/lib/ucf", DELTA_CONTENT, true},
	{"/var/cache/apt", DELTA_NAMES, true},
	{"/var/cache/debconf", DELTA_CONTENT, true},
	{"/var/cache/ldconfig", DELTA_CONTENT, true},
};

/* --- running apt ------------------------------------------------------------------------------- */

struct argv {
	const char **p;
	size_t n, cap;
};

/* The line that says why: after warnings, and after what debconf has to say. What is lacking stands
 * elsewhere: "NAME : Depends: OTHER but it is not installable". */
static struct str reason(const struct exec_result *result)
{
	struct str rest = result->out, line, first = STR_ABSENT;

	while (str_line(&rest, &line))
		if (str_has(line, "Depends: ") && str_has(line, " but "))
			return str_trim(line);
	rest = result->err;
	while (str_line(&rest, &line)) {
		if (str_starts(line, "E: "))
			return (struct str){line.p + 3, line.n - 3};
		if (!first.p && line.n)
			first = line;
	}
	rest = result->out;
	if (!first.p)
		(void)str_line(&rest, &first);
	return first;
}

/* Nothing is recommended, nothing asks, nobody else's service is restarted. */
static struct argv apt_argv(const struct place *place, const struct saved *saved, struct arena *a,
							struct err *err)
{
	static const char *const common[] = {"apt-get",
										 "-q",
										 "-y",
										 "--no-install-recommends",
										 "-oAPT::Sandbox::User=root",
										 "-oDPkg::Lock::Timeout=0",
										 "-oAcquire::Retries=1",
										 "-oDpkg::Options::=--force-confold",
										 "-oDpkg::Options::=--force-confdef",
										 "-oAPT::Get::AllowUnauthenticated=0"};
	/* Where no resolver answers, each file of each package is waited for: a second try is apt's. */
	static const char *const environment[] = {"/usr/bin/env", "DEBIAN_FRONTEND=noninteractive",
											  "APT_LISTCHANGES_FRONTEND=none",
											  "NEEDRESTART_SUSPEND=1", "RES_OPTIONS=timeout:2 attempts:1"};
	struct argv argv = {0};
	const char *debs, *conf;

	if (packages_path(place, saved, ".debs", a, &debs, err) < 0 ||
		packages_path(place, saved, ".conf", a, &conf, err) < 0)
		return argv;
	for (size_t i = 0; i < ARRAY_LEN(environment); i++)
		*vec_push(a, &argv) = environment[i];
	*vec_push(a, &argv) = arena_printf(a, "APT_CONFIG=%s", conf);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		*vec_push(a, &argv) = common[i];
	*vec_push(a, &argv) = arena_printf(a, "-oDir::Cache::archives=%s/", debs);
	return argv;
}

static int run_apt(const struct place *place, const struct saved *saved, const char *option,
				   const struct names *what, struct arena *a, struct str *ret, struct err *err)
{
	struct argv argv = apt_argv(place, saved, a, err);
	struct exec_result result = {0};
	struct str why;
	int r;

	if (!argv.n)
		return -err->errnum;
	/* A simulation says what would go, the others must not begin. */
	if (strcmp(option, "-s") != 0)
		*vec_push(a, &argv) = "--no-remove";
	*vec_push(a, &argv) = option;
	*vec_push(a, &argv) = "install";
	for (size_t i = 0; i < what->n; i++)
		*vec_push(a, &argv) = what->p[i];
	*vec_push(a, &argv) = NULL;
	r = step_ask(place, argv.p, PACKAGES_TIMEOUT, a, &result, err);
	if (r < 0)
		return err_context(err, "apt-get");
	*ret = result.out;
	why = reason(&result);
	return result.status ? err_set(err, EIO, "apt-get %s install: exit %d: %.*s", option,
								   result.status, (int)MIN(why.n, (size_t)300), why.p ? why.p : "")
						 : 0;
}

/* --- before ------------------------------------------------------------------------------------ */

static int read_db(const struct place *place, struct arena *a, struct dpkg_db *ret, struct err *err)
{
	struct host *host = host_open(place->root, err);
	int r = host ? dpkg_read(host, a, ret, err) : -err->errnum;

	host_free(host);
	return r == 0 && ret->gap ? err_set(err, EIO, "%s", ret->gap) : r;
}

static const char *state_of(const struct dpkg_db *db, const char *name, struct arena *a)
{
	for (size_t i = 0; i < db->n; i++)
		if (str_is(db->p[i].name, name))
			return str_dup(a, db->p[i].state);
	return "absent";
}

/* "Inst NAME (VERSION ARCHIVE [ARCHITECTURE])"; with "[OLD]" before the parenthesis it is an upgrade. */
static int take_install(struct str line, struct str *ret_name, struct str *ret_version,
						struct err *err)
{
	struct str word = STR("");

	*ret_name = *ret_version = STR("");
	(void)str_word(&line, ret_name);
	(void)str_word(&line, &word);
	if (word.n < 2 || word.p[0] != '(')
		return err_set(err, ENOTSUP, "it would upgrade %.*s; see: apt-get -s install",
					   STR_ARG(*ret_name));
	if (str_has_char(*ret_name, ':'))
		return err_set(err, ENOTSUP, "it would install %.*s, of another architecture",
					   STR_ARG(*ret_name));
	*ret_version = (struct str){word.p + 1, word.n - 1};
	return 0;
}

/* What apt says that it would do, as the file `.new`: "NAME VERSION STATE" of each package that would
 * come, with what dpkg knows of it now. */
static int take_simulation(struct str text, const struct dpkg_db *db, const struct step *step,
						   struct arena *a, struct buf *out, struct err *err)
{
	struct names wanted = packages_installed_by(step, a);
	struct str line, name, version;
	size_t found = 0;
	int r = 0;

	while (r == 0 && str_line(&text, &line)) {
		if (str_skip(&line, "Remv ") && str_word(&line, &name))
			return err_set(err, ENOTSUP, "it would remove %.*s", STR_ARG(name));
		if (!str_skip(&line, "Inst "))
			continue;
		r = take_install(line, &name, &version, err);
		if (r < 0)
			return r;
		for (size_t i = 0; r == 0 && i < wanted.n; i++) {
			struct str planned = state_get(&step->after, wanted.p[i]);

			if (!str_is(name, wanted.p[i]))
				continue;
			found++;
			if (!str_eq(version, planned))
				r = err_set(err, ESTALE, "apt would install %.*s %.*s, and the plan says %.*s",
							STR_ARG(name), STR_ARG(version), STR_ARG(planned));
		}
		buf_printf(out, "%.*s %.*s %s\n", STR_ARG(name), STR_ARG(version),
				   state_of(db, str_dup(a, name), a));
	}
	if (r == 0 && found < wanted.n)
		r = err_set(err, ESTALE, "apt would not install all of it");
	return r;
}

struct new_package {
	const char *name;
	bool had_configuration; /* dpkg knew it as removed, its configuration was there */
};

struct new_packages {
	struct new_package *p;
	size_t n, cap;
};

static int read_new(const struct saved *saved, struct arena *a, struct new_packages *ret,
					struct err *err)
{
	const char *file = arena_printf(a, "%s.new", saved->name);
	struct str text, line, name = STR_ABSENT, word;
	int r = path_read(saved->dir_fd, file, 1u << 20, a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", file);
	while (str_line(&text, &line)) {
		(void)str_cut(&line, ' ', &name);
		(void)str_cut(&line, ' ', &word);
		*vec_push(a, ret) = (struct new_package){str_dup(a, name), str_is(line, "config-files")};
	}
	return 0;
}

/* Of a package whose configuration was there, dpkg has files, too. */
static struct delta_watch watch(const struct new_packages *new, struct arena *a)
{
	static const char *const extensions[] = {"list", "postrm"};
	struct names kept = {0};

	for (size_t i = 0; i < new->n; i++)
		for (size_t k = 0; new->p[i].had_configuration &&k < ARRAY_LEN(extensions); k++)
			*vec_push(a, &kept) =
				arena_printf(a, DPKG_INFO "/%s.%s", new->p[i].name, extensions[k]);
	return (struct delta_watch){parts, ARRAY_LEN(parts), kept.p, kept.n};
}

/* Where apt puts what it fetches, and the options that also the programs which it calls heed: no cache
 * is written. */
static int make_archives(const struct saved *saved, struct arena *a, struct err *err)
{
	const char *dirs[] = {arena_printf(a, "%s.debs", saved->name),
						  arena_printf(a, "%s.debs/partial", saved->name)};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(saved->dir_fd, dirs[i], 0700) < 0 && errno != EEXIST)
			return err_errno(err, errno, "before/%s", dirs[i]);
	return fs_save_text(saved, ".conf",
						STR("Dir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n"), err);
}

int apt_save(const struct place *place, const struct step *step, const struct saved *saved,
			 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf new = BUF(1u << 20);
	struct names wanted = packages_installed_by(step, &a);
	struct dpkg_db db = {0};
	struct str text = STR_ABSENT;
	int r = make_archives(saved, &a, err);

	if (r == 0)
		r = read_db(place, &a, &db, err);
	if (r == 0)
		r = run_apt(place, saved, "-s", &wanted, &a, &text, err);
	if (r == 0)
		r = take_simulation(text, &db, step, &a, &new, err);
	if (r == 0)
		r = run_apt(place, saved, "-d", &wanted, &a, &text, err);
	if (r == 0)
		r = fs_save_text(saved, ".new", buf_get(&new), err);
	return r;
}

/* --- installing -------------------------------------------------------------------------------- */

static void remove_archives(const struct saved *saved, struct arena *a)
{
	static const char *const dirs[] = {"/partial", ""};
	struct path_entry *entries = NULL;
	bool more;

	for (size_t d = 0; d < ARRAY_LEN(dirs); d++) {
		const char *dir = arena_printf(a, "%s.debs%s", saved->name, dirs[d]);
		size_t n = 0;

		if (path_list(saved->dir_fd, dir, 65536, a, &entries, &n, &more) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			(void)unlinkat(saved->dir_fd, arena_printf(a, "%s/%s", dir, entries[i].name), 0);
		(void)unlinkat(saved->dir_fd, dir, AT_REMOVEDIR);
	}
}

int apt_install(const struct place *place, const struct step *step, const struct saved *saved,
				struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names wanted = packages_installed_by(step, &a), exactly = {0};
	struct new_packages new = {0};
	struct delta_watch all;
	struct dpkg_db db = {0};
	struct str text;
	int r = read_new(saved, &a, &new, err);

	if (r < 0)
		return r;
	all = watch(&new, &a);
	r = delta_begin(place, &all, saved, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < wanted.n; i++)
		*vec_push(&a, &exactly) =
			arena_printf(&a, "%s=%.*s", wanted.p[i], STR_ARG(state_get(&step->after, wanted.p[i])));
	r = run_apt(place, saved, "--no-download", &exactly, &a, &text, err);
	if (r == 0)
		r = read_db(place, &a, &db, err);
	for (size_t i = 0; r == 0 && i < new.n; i++)
		if (!dpkg_installed(&db, new.p[i].name))
			r = err_set(err, EIO, "%s is %s after it was installed", new.p[i].name,
						state_of(&db, new.p[i].name, &a));
	if (r == 0)
		r = delta_end(place, saved, err);
	if (r == 0)
		remove_archives(saved, &a);
	return r;
}

/* --- undoing ----------------------------------------------------------------------------------- */

static int run_dpkg(const struct place *place, const char *option, const struct new_packages *new,
					bool all, struct arena *a, struct err *err)
{
	struct argv argv = {0};
	size_t n;

	*vec_push(a, &argv) = "/usr/bin/env";
	*vec_push(a, &argv) = "DEBIAN_FRONTEND=noninteractive";
	*vec_push(a, &argv) = "dpkg";
	*vec_push(a, &argv) = "--force-remove-reinstreq";
	*vec_push(a, &argv) = option;
	n = argv.n;
	for (size_t i = 0; i < new->n; i++)
		if (all || !new->p[i].had_configuration)
			*vec_push(a, &argv) = new->p[i].name;
	if (argv.n == n)
		return 0;
	*vec_push(a, &argv) = NULL;
	return step_run(place, argv.p, PACKAGES_TIMEOUT, err);
}

/* Scripts that fail keep their package from going. What else they would have done the tree's own past
 * does. */
static void drop_scripts(const struct place *place, const struct new_packages *new, struct arena *a)
{
	static const char *const scripts[] = {"prerm", "postrm"};

	for (size_t i = 0; i < new->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(scripts); k++) {
			const char *name;
			_cleanup_close_ int dir = fs_open_parent(
				place, arena_printf(a, DPKG_INFO "/%s.%s", new->p[i].name, scripts[k]), &name);

			if (dir >= 0)
				(void)unlinkat(dir, name, 0);
		}
}

/* What is left of it goes; what was there as configuration alone is that again, with what its
 * service has kept. */
static int purge_new(const struct place *place, const struct new_packages *new, struct arena *a,
					 struct err *err)
{
	struct dpkg_db db = {0};
	struct new_packages there = {0};
	int r = read_db(place, a, &db, err);

	for (size_t i = 0; r == 0 && i < new->n; i++) {
		const char *state = state_of(&db, new->p[i].name, a);

		if (strcmp(state, "absent") != 0 &&
			!(new->p[i].had_configuration &&strcmp(state, "config-files") == 0))
			*vec_push(a, &there) = new->p[i];
	}
	if (r < 0 || !there.n)
		return r;
	r = run_dpkg(place, "--remove", &there, true, a, err);
	if (r == 0)
		r = run_dpkg(place, "--purge", &there, false, a, err);
	return r;
}

/* Whoever was killed may have left an apt at work behind: it is done when its lock is free. */
static int wait_for_dpkg(const struct place *place, struct err *err)
{
	int fds[2] = {-1, -1}, r = dpkg_lock(place, LOCK_PATIENCE, fds, err);

	close_fd(&fds[1]);
	close_fd(&fds[0]);
	return r;
}

/* Where it is watched what purging changes. */
static struct saved saved_purge(const struct saved *saved)
{
	struct saved purge = {.dir_fd = saved->dir_fd};

	snprintf(purge.name, sizeof(purge.name), "%.16s.purge", saved->name);
	return purge;
}

static int undo_tree(const struct place *place, const struct saved *saved, struct err *err)
{
	struct saved purge = saved_purge(saved);
	const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
	int fds[2] = {-1, -1}, r = dpkg_lock(place, LOCK_PATIENCE, fds, err);
	struct err ignored;

	if (r == 0)
		r = delta_undo_other(place, &purge, saved, err);
	if (r == 0)
		r = delta_undo(place, saved, err);
	close_fd(&fds[1]);
	close_fd(&fds[0]);
	if (place->live && (r == 0 || r == -ESTALE))
		(void)step_run(place, reload, 60000, &ignored);
	return r;
}

int apt_undo(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct new_packages new = {0};
	struct saved purge = saved_purge(saved);
	struct delta_watch all;
	int r = read_new(saved, &a, &new, err);

	if (r == 0 && !delta_was_begun(saved))
		return 0;
	if (r == 0)
		r = wait_for_dpkg(place, err);
	if (r == 0)
		r = delta_foreign(place, saved, err);
	if (r < 0)
		return r;
	all = watch(&new, &a);
	r = delta_begin_once(place, &all, &purge, err);
	if (r == 0)
		r = packages_stop_new(place, saved, err);
	if (r < 0)
		return r;
	r = purge_new(place, &new, &a, err);
	/* Somebody needs them by now: all stays, until that goes. */
	if (r < 0 && str_has(str_of(err->msg), "dependency problems")) {
		(void)unlinkat(saved->dir_fd, arena_printf(&a, "%s.foreign", saved->name), 0);
		(void)unlinkat(saved->dir_fd, arena_printf(&a, "%s.seen", purge.name), 0);
		return r;
	}
	if (r < 0) {
		drop_scripts(place, &new, &a);
		r = purge_new(place, &new, &a, err);
	}
	remove_archives(saved, &a);
	return r == 0 ? undo_tree(place, saved, err) : r;
}

void apt_undo_sh(struct buf *out)
{
	buf_puts(out, "if [ -e \"$SAVED.delta\" ] || [ -e \"$SAVED.seen\" ]; then\n");
	packages_stop_new_sh(out);
	buf_puts(out,
			 "set --\n"
			 "while read -r name version was; do set -- \"$@\" \"$name\"; done <\"$SAVED.new\"\n"
			 "chroot \"$TOP\" env DEBIAN_FRONTEND=noninteractive dpkg --force-remove-reinstreq "
			 "--remove \"$@\"\n"
			 "set --\n"
			 "while read -r name version was; do "
			 "[ \"$was\" = config-files ] || set -- \"$@\" \"$name\"; done <\"$SAVED.new\"\n"
			 "[ $# -eq 0 ] || chroot \"$TOP\" env DEBIAN_FRONTEND=noninteractive dpkg "
			 "--force-remove-reinstreq --purge \"$@\"\n");
	delta_undo_sh(out);
	buf_puts(out, "[ -n \"$ROOT\" ] || systemctl daemon-reload\nfi\n");
}
