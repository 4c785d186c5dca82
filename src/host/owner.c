/* SPDX-License-Identifier: Apache-2.0 */
#include "host/owner.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/map.h"
#include "base/vec.h"
#include "host/apk.h"
#include "host/dpkg_lists.h"
#include "host/fields.h"
#include "host/rpmdb.h"

#define DPKG_DIVERSIONS "/var/lib/dpkg/diversions"
#define PACMAN_LOCAL "/var/lib/pacman/local"

struct question {
	const struct str *paths;
	size_t n;
};

/* A path that is looked for. The package that diverts a path owns what is at the path; the others
 * own what is at the place it was diverted to (dpkg-divert(1)). */
struct wanted {
	struct str package;  /* absent until found */
	struct str by;       /* of a diverted path: the only package that counts */
	struct str not_by;   /* of a place diverted to: the package that does not count */
	struct wanted *same; /* the same file under its other spelling */
};

/* All that are looked for under one spelling. */
struct link {
	struct wanted *wanted;
	struct link *next;
};

#define MAX_PATH 4096

struct lookup {
	struct arena arena;
	int root_fd;
	struct host *host;
	struct map wanted;        /* spelling -> struct link */
	struct dpkg_marks *marks; /* of those spellings: most lines end there, not looked up */
};

static void lookup_done(struct lookup *l)
{
	arena_done(&l->arena);
}

static void want(struct lookup *l, struct str path, struct wanted *w)
{
	struct link *link;

	if (!path.n || path.n >= MAX_PATH)
		return;
	dpkg_marks_add(l->marks, path);
	link = arena_new(&l->arena, struct link, 1);
	link->wanted = w;
	link->next = map_put(&l->wanted, path, link);
}

static const struct link *wanted(const struct lookup *l, struct str path)
{
	return dpkg_marks_has(l->marks, path) ? map_get(&l->wanted, path) : NULL;
}

/* /bin, /sbin and /lib* are links into /usr on a merged system, and either spelling may be in the
 * package's list. */
static struct str other_spelling(struct arena *a, struct str path)
{
	static const char *const merged[] = {"/bin/",   "/sbin/",  "/lib/",
										 "/lib32/", "/lib64/", "/libx32/"};
	struct str below_usr = path;
	bool in_usr = str_skip(&below_usr, "/usr");

	for (size_t i = 0; i < ARRAY_LEN(merged); i++) {
		if (in_usr && str_starts(below_usr, merged[i]))
			return below_usr;
		if (!in_usr && str_starts(path, merged[i]))
			return str_of(arena_printf(a, "/usr%.*s", STR_ARG(path)));
	}
	return STR_ABSENT;
}

static void claim(const struct link *link, struct str package, struct arena *a)
{
	for (; link; link = link->next) {
		struct wanted *w = link->wanted;

		if (w->package.p || (w->by.p && !str_eq(w->by, package)) ||
			(w->not_by.p && str_eq(w->not_by, package)))
			continue;
		w->package = (struct str){str_dup(a, package), package.n};
	}
}

/* --- dpkg ------------------------------------------------------------------------------------ */

/* Records of three lines: what is diverted, where to, by which package. An administrator's own
 * diversion has ":" there, so that no package matches: what is at the path is nobody's. */
static int read_diversions(struct lookup *l)
{
	struct str text, from, to, by;
	int r = path_read(l->root_fd, DPKG_DIVERSIONS, HOST_MAX_FILE, &l->arena, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (str_line(&text, &from) && str_line(&text, &to) && str_line(&text, &by)) {
		const struct link *original = wanted(l, from), *moved = wanted(l, to);

		for (; original; original = original->next)
			original->wanted->by = by;
		for (; moved; moved = moved->next) {
			/* Its owners list it under the name that it was diverted from. */
			if (!moved->wanted->not_by.p)
				want(l, from, moved->wanted);
			moved->wanted->not_by = by;
		}
	}
	return 0;
}

static int read_list(struct lookup *l, int directory, const struct dpkg_list *list)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct str text, line;
	int r = dpkg_list_read(l->root_fd, directory, list, &scratch, &text);

	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		const struct link *link = wanted(l, line);

		if (link)
			claim(link, dpkg_list_package(list), &l->arena);
	}
	return 0;
}

static int ask_dpkg(struct lookup *l, struct err *err)
{
	const struct dpkg_lists *lists = dpkg_lists(l->host, &l->arena);
	_cleanup_close_ int directory = path_open(l->root_fd, DPKG_INFO, O_PATH | O_DIRECTORY);
	int r = lists->error ? lists->error : directory < 0 ? directory : read_diversions(l);

	if (r < 0)
		return r == -ENOENT ? r : err_errno(err, -r, DPKG_INFO);
	for (size_t i = 0; i < lists->n; i++) {
		if (!dpkg_list_may_have(lists, &lists->p[i], l->marks))
			continue;
		r = read_list(l, directory, &lists->p[i]);
		if (r < 0)
			return err_errno(err, -r, DPKG_INFO "/%s", lists->p[i].name);
	}
	return 0;
}

/* --- rpm ------------------------------------------------------------------------------------- */

struct claimed {
	struct lookup *lookup;
	struct str package;
};

static int claim_file(struct str path, void *data)
{
	struct claimed *c = data;

	claim(wanted(c->lookup, path), c->package, &c->lookup->arena);
	return 0;
}

static int claim_header(const struct rpm_header *h, void *data)
{
	return rpm_each_file(h, claim_file, &(struct claimed){data, rpm_string(h, RPM_NAME)});
}

static int ask_rpm(struct lookup *l, struct err *err)
{
	return rpmdb_each(l->root_fd, claim_header, l, err);
}

/* --- pacman ---------------------------------------------------------------------------------- */

/* "NAME-VERSION-RELEASE", the name of a package's directory. */
static struct str package_of_dir(struct str dir)
{
	for (int dashes = 0; dir.n && dashes < 2;)
		dashes += dir.p[--dir.n] == '-';
	return dir;
}

/* The section %FILES% of a package's list; paths have no leading slash. */
static int read_pacman_files(struct lookup *l, const char *dir)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct str text, line;
	bool files = false;
	int r = path_read(l->root_fd, arena_printf(&scratch, PACMAN_LOCAL "/%s/files", dir),
					  HOST_MAX_FILE, &scratch, &text);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	while (str_line(&text, &line)) {
		if (str_starts(line, "%")) {
			files = str_is(line, "%FILES%");
			continue;
		}
		if (!files || !line.n || line.n >= MAX_PATH - 1)
			continue;
		claim(wanted(l, str_of(arena_printf(&scratch, "/%.*s", STR_ARG(line)))),
			  package_of_dir(str_of(dir)), &l->arena);
	}
	return 0;
}

static int ask_pacman(struct lookup *l, struct err *err)
{
	struct path_entry *entries = NULL;
	size_t n = 0;
	bool more = false;
	int r = path_list(l->root_fd, PACMAN_LOCAL, HOST_MAX_DIR, &l->arena, &entries, &n, &more);

	if (r < 0 || more)
		return r == -ENOENT ? r : err_errno(err, more ? EFBIG : -r, PACMAN_LOCAL);
	for (size_t i = 0; i < n; i++) {
		r = read_pacman_files(l, entries[i].name);
		if (r < 0)
			return err_errno(err, -r, PACMAN_LOCAL "/%s/files", entries[i].name);
	}
	return 0;
}

/* --- apk ------------------------------------------------------------------------------------- */

static int claim_path(struct str path, bool is_dir, void *data)
{
	struct claimed *c = data;

	if (!is_dir)
		claim(wanted(c->lookup, path), c->package, &c->lookup->arena);
	return 0;
}

static int ask_apk(struct lookup *l, struct err *err)
{
	struct str text, package;
	const char *path;
	int r = apk_read(l->root_fd, &l->arena, &text, &path);

	if (r < 0)
		return r == -ENOENT ? r : err_errno(err, -r, "%s", path);
	while (apk_next(&text, &package))
		(void)apk_each_path(package, claim_path, &(struct claimed){l, apk_value(package, 'P')});
	return 0;
}

/* --- the question ---------------------------------------------------------------------------- */

static struct wanted *want_all(struct lookup *l, const struct question *q)
{
	struct wanted *all = arena_new(&l->arena, struct wanted, 2 * q->n);

	for (size_t i = 0; i < q->n; i++) {
		struct str other = other_spelling(&l->arena, q->paths[i]);

		all[2 * i].same = &all[2 * i + 1];
		want(l, q->paths[i], &all[2 * i]);
		if (other.p)
			want(l, other, &all[2 * i + 1]);
	}
	return all;
}

/* One line per path, in the order of the question: the owner, or nothing. */
static int write_answer(const struct wanted *all, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct wanted *w = &all[2 * i];

		fields_escaped(out, w->package.p ? w->package : w->same->package);
		buf_putc(out, '\n');
	}
	return 0;
}

static int ask(struct host *host, const void *data, struct buf *out, struct err *err)
{
	static int (*const managers[])(struct lookup *, struct err *) = {ask_dpkg, ask_rpm, ask_pacman,
																	 ask_apk};
	_cleanup_(lookup_done) struct lookup l = {.root_fd = host_root_fd(host), .host = host};
	const struct question *q = data;
	const struct wanted *all;
	bool found = false;

	l.marks = arena_new(&l.arena, struct dpkg_marks, 1);
	map_init(&l.wanted, &l.arena);
	all = want_all(&l, q);
	for (size_t i = 0; i < ARRAY_LEN(managers); i++) {
		int r = managers[i](&l, err);

		if (r < 0 && r != -ENOENT)
			return r;
		found = found || r == 0;
	}
	return found ? write_answer(all, q->n, out) : err_set(err, ENOENT, "no package database found");
}

/* Names the question by its content (FNV-1a): a recording is asked the same one again. */
static const char *question_name(const struct question *q, struct arena *a)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < q->n; i++) {
		for (size_t k = 0; k < q->paths[i].n; k++)
			hash = (hash ^ (unsigned char)q->paths[i].p[k]) * 0x100000001b3u;
		hash = (hash ^ 0) * 0x100000001b3u;
	}
	return arena_printf(a, "owner-%016llx", (unsigned long long)hash);
}

int owner_lookup(struct host *host, struct arena *a, const struct str *paths, size_t n,
				 struct str *ret, struct err *err)
{
	struct question question = {paths, n};
	struct query query = {
		.live_with = ask,
		.data = &question,
		.tree = true,
	};
	struct str text, line;
	int r;

	if (!n)
		return 0;
	query.name = question_name(&question, a);
	r = host_query(host, &query, a, &text, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		bool found = str_line(&text, &line) && line.n;

		ret[i] = found ? fields_plain(a, line) : STR_ABSENT;
	}
	return 0;
}
