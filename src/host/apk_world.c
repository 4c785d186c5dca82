/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apk takes away with a package: it keeps what /etc/apk/world asks for, with all that this depends on and
 * what is installed for that (install_if), and nothing else. So a removal begins with world's line, fails to
 * happen where somebody needs the package, and takes along what was only there for it. apk is asked whether
 * it sees that in the same way before it does anything (change/packages/apk.c).
 */
#include "base/map.h"
#include "base/vec.h"
#include "host/apk.h"
#include "host/package_edit.h"

#define MAX_ROUNDS 64 /* of packages that are installed for one another */

struct package {
	struct str name, version, depends, provides, for_what;
	bool is_kept, was_kept;
};

struct provided {
	VEC(struct package *) by;
	bool is_asked_for, is_kept,
		is_gone; /* somebody asks; by one that is kept; by the one to be removed */
};

struct world {
	struct arena *arena;
	struct str lines; /* of /etc/apk/world, as one list */
	VEC(struct package) all;
	VEC(struct provided *) provided;
	struct map by_name; /* what is provided -> struct provided */
	VEC(struct package *) todo;
};

/* --- reading ----------------------------------------------------------------------------------- */

static void provide(struct world *w, struct str what, struct package *p)
{
	struct provided *there = map_get(&w->by_name, what);

	if (!there) {
		there = arena_new(w->arena, struct provided, 1);
		map_put(&w->by_name, what, there);
		*vec_push(w->arena, &w->provided) = there;
	}
	*vec_push(w->arena, &there->by) = p;
}

static void read_package(struct world *w, struct str text)
{
	struct package *p = vec_push(w->arena, &w->all);
	struct str value;
	char field;

	while (apk_field(&text, &field, &value)) {
		struct str *to = field == 'P'   ? &p->name
						 : field == 'V' ? &p->version
						 : field == 'D' ? &p->depends
						 : field == 'p' ? &p->provides
						 : field == 'i' ? &p->for_what
										: NULL;

		if (to)
			*to = value;
	}
}

static void read_world(struct world *w, struct str installed)
{
	struct str package, list, what;

	map_init(&w->by_name, w->arena);
	while (apk_next(&installed, &package))
		read_package(w, package);
	vec_each(&w->all, p)
	{
		provide(w, p->name, p);
		for (list = p->provides; apk_dependency(&list, &what, NULL, NULL);)
			provide(w, what, p);
	}
}

/* --- what is kept ------------------------------------------------------------------------------ */

static struct provided *find(const struct world *w, struct str what)
{
	return map_get(&w->by_name, what);
}

static void keep(struct world *w, struct package *p)
{
	struct str list = p->provides, what;

	if (p->is_kept)
		return;
	p->is_kept = find(w, p->name)->is_kept = true;
	while (apk_dependency(&list, &what, NULL, NULL))
		find(w, what)->is_kept = true;
	*vec_push(w->arena, &w->todo) = p;
}

/* All that provide what is asked for: which of them apk would choose it knows itself. */
static void ask_for(struct world *w, struct str list, const struct package *gone)
{
	struct provided *there;
	struct str what;

	while (apk_dependency(&list, &what, NULL, NULL)) {
		there = find(w, what);
		if (!there || there->is_asked_for)
			continue;
		there->is_asked_for = true;
		vec_each(&there->by, p) if (*p != gone) keep(w, *p);
	}
}

static void follow(struct world *w, const struct package *gone)
{
	while (w->todo.n)
		ask_for(w, w->todo.p[--w->todo.n]->depends, gone);
}

/* Is all there for which it is installed? */
static bool is_brought_along(const struct world *w, const struct package *p)
{
	struct str list = p->for_what, what;
	bool some = false, not ;

	while (apk_dependency(&list, &what, NULL, &not )) {
		const struct provided *there = find(w, what);

		if ((there && there->is_kept) == not )
			return false;
		some = true;
	}
	return some;
}

/* Marks what is kept once `gone` is, which may be NULL. */
static int find_kept(struct world *w, const struct package *gone, struct err *err)
{
	bool more = true;

	vec_each(&w->all, p) p->is_kept = false;
	vec_each(&w->provided, there)(*there)->is_asked_for = (*there)->is_kept = false;
	ask_for(w, w->lines, gone);
	for (unsigned rounds = 0; more; rounds++) {
		if (rounds == MAX_ROUNDS)
			return err_set(err, ENOTSUP, "what is installed for what goes in too many rounds");
		follow(w, gone);
		more = false;
		vec_each(&w->all, p) if (p != gone && !p->is_kept && is_brought_along(w, p))
		{
			keep(w, p);
			more = true;
		}
	}
	return 0;
}

/* --- removing ---------------------------------------------------------------------------------- */

static bool is_of_gone(const struct world *w, struct str what)
{
	const struct provided *there = find(w, what);

	return there && there->is_gone;
}

static void mark_gone(struct world *w, const struct package *gone)
{
	struct str list = gone->provides, what;

	find(w, gone->name)->is_gone = true;
	while (apk_dependency(&list, &what, NULL, NULL))
		find(w, what)->is_gone = true;
}

/* A line that names a version, or a package's checksum, is somebody's to take out. */
static int check_lines(const struct world *w, const struct package *p, struct err *err)
{
	struct str list = w->lines, what, more;
	bool not ;

	while (apk_dependency(&list, &what, &more, &not )) {
		if (not || !is_of_gone(w, what))
			continue;
		if (!str_eq(what, p->name))
			return err_set(err, ENOTSUP,
						   APK_WORLD " asks for %.*s, which the package %.*s provides",
						   STR_ARG(what), STR_ARG(p->name));
		if (more.n && more.p[0] != '@')
			return err_set(err, ENOTSUP, APK_WORLD " keeps the package %.*s at %.*s",
						   STR_ARG(p->name), STR_ARG(more));
	}
	return 0;
}

static int check_users(const struct world *w, const struct package *gone, struct err *err)
{
	struct str list, what;

	if (is_brought_along(w, gone))
		return err_set(err, ENOTSUP, "apk installs the package %.*s for what else is there",
					   STR_ARG(gone->name));
	vec_each(&w->all, p)
	{
		if (p == gone || !p->is_kept)
			continue;
		for (list = p->depends; apk_dependency(&list, &what, NULL, NULL);)
			if (is_of_gone(w, what))
				return err_set(err, ENOTSUP, "%.*s needs the package %.*s", STR_ARG(p->name),
							   STR_ARG(gone->name));
	}
	return 0;
}

/* As apk wants names to be; others it would take for options or patterns. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			  (c && strchr(i ? "._+-" : "._", c))))
			return false;
	}
	return s.n;
}

static int remove_one(struct edits *edits, const struct package *p, struct err *err)
{
	if (!is_name(p->name))
		return err_set(err, ENOTSUP, "'%.*s' is no name of a package", STR_ARG(p->name));
	edit_state(edits, "package", "apk", str_dup(edits->arena, p->name), p->version, STR_ABSENT);
	return 0;
}

int package_remove_apk_of(struct str installed, struct str lines, const char *name,
						  struct edits *edits, struct err *err)
{
	struct world w = {.arena = edits->arena, .lines = lines};
	const struct package *gone = NULL;
	int r;

	read_world(&w, installed);
	vec_each(&w.all, p) if (str_is(p->name, name))
	{
		if (gone)
			return err_set(err, ENOTSUP, "the package %s is there twice", name);
		gone = p;
	}
	if (!gone)
		return err_set(err, ENOTSUP, "the package %s is not there any more", name);
	mark_gone(&w, gone);
	r = find_kept(&w, NULL, err);
	vec_each(&w.all, p) p->was_kept = p->is_kept;
	if (r == 0)
		r = find_kept(&w, gone, err);
	if (r == 0)
		r = check_lines(&w, gone, err);
	if (r == 0)
		r = check_users(&w, gone, err);
	if (r == 0)
		r = remove_one(edits, gone, err);
	vec_each(&w.all, p) if (r == 0 && p != gone && p->was_kept && !p->is_kept) r =
		remove_one(edits, p, err);
	return r;
}

int package_remove_apk(struct host *host, const char *name, struct edits *edits, struct err *err)
{
	struct str installed = STR(""), lines = STR("");
	const char *path;
	int r = host_first(host, apk_databases, &path, err);

	if (r == 0)
		r = host_read(host, path, edits->arena, &installed, err);
	if (r == 0)
		r = host_read(host, APK_WORLD, edits->arena, &lines, err);
	if (r < 0)
		return err_context(err, "the package %s is removed by hand", name);
	return package_remove_apk_of(installed, lines, name, edits, err);
}
