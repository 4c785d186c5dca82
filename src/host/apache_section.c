/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_section.h"

#include "base/vec.h"

bool apache_is_section(const struct directive *d)
{
	return d->is_block && (apache_is(d, "Directory") || apache_is(d, "DirectoryMatch") ||
						   apache_is(d, "Location") || apache_is(d, "LocationMatch") ||
						   apache_is(d, "Files") || apache_is(d, "FilesMatch"));
}

struct str apache_without_slash(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* Several Require lines let in whom any of them does; within <RequireAll> a condition limits it. */
enum apache_access apache_access_of(const struct directive *block)
{
	enum apache_access access = APACHE_UNSAID;

	for (const struct directive *d = block->first; d; d = d->next) {
		enum apache_access one = APACHE_UNSAID;

		if (d->is_block && (apache_is(d, "RequireAny") || apache_is(d, "RequireAll")))
			one = apache_access_of(d);
		else if (apache_is(d, "Require") && d->n_args > 1 && str_is_nocase(d->args[0], "all"))
			one = str_is_nocase(d->args[1], "granted") ? APACHE_ALL : APACHE_NONE;
		else if (apache_is(d, "Require") && d->n_args)
			one = APACHE_SOME;
		if (one == APACHE_UNSAID)
			continue;
		if (access == APACHE_UNSAID)
			access = one;
		else
			access = apache_is(block, "RequireAll") ? MAX(access, one) : MIN(access, one);
	}
	return access;
}

/* --- what is inherited ----------------------------------------------------------------------- */

/* Those about one directory, in their order. */
#define MAX_SAME 64
struct sections {
	const struct directive **p;
	size_t n, cap;
};

void apache_directories_find(struct arena *arena, const struct directive *server, struct map *ret)
{
	map_init(ret, arena);
	for (const struct directive *d = server->first; d; d = d->next) {
		struct sections *list;
		struct str path;

		if (!d->is_block || !apache_is(d, "Directory") || d->n_args != 1)
			continue;
		path = apache_without_slash(d->args[0]);
		list = map_get(ret, path);
		if (!list) {
			list = arena_new(arena, struct sections, 1);
			map_put(ret, path, list);
		}
		if (list->n < MAX_SAME)
			*vec_push(arena, list) = d;
	}
}

const char *const apache_options[APACHE_OPTIONS] = {
	"execcgi",    "followsymlinks",      "includes", "includesnoexec", "indexes",
	"multiviews", "symlinksifownermatch"};

/* Words with a sign add to or take from what is in force, others replace it. */
static void apply_options(const struct directive *section, unsigned *options)
{
	const struct directive *d = apache_last(section, "Options");

	for (size_t i = 0; d && i < d->n_args; i++) {
		struct str word = d->args[i];
		bool minus = str_skip(&word, "-"), plus = str_skip(&word, "+");

		if (!minus && !plus && i == 0)
			*options = 0;
		for (size_t k = 0; k < APACHE_OPTIONS; k++) {
			bool meant =
				str_is_nocase(word, apache_options[k]) || (str_is_nocase(word, "all") && k != 5);

			if (meant && minus)
				*options &= ~(1U << k);
			else if (meant)
				*options |= 1U << k;
		}
	}
}

void apache_inherit(struct apache_inherited *in, const struct directive *section)
{
	const struct directive *override = apache_last(section, "AllowOverride"),
						   *list = apache_last(section, "AllowOverrideList"),
						   *options = apache_last(section, "Options");
	enum apache_access access = apache_access_of(section);

	apply_options(section, &in->options);
	in->override = override ? override : in->override;
	in->override_list = list ? list : in->override_list;
	in->says_options = options ? options : in->says_options;
	in->access = access != APACHE_UNSAID ? access : in->access;
}

static void inherit_from(const struct map *directories, struct str path,
						 const struct directive *until, struct apache_inherited *in)
{
	const struct sections *list = map_get(directories, path);

	for (size_t i = 0; list && i < list->n && list->p[i] != until; i++)
		apache_inherit(in, list->p[i]);
}

void apache_inherit_above(const struct map *all, const struct map *own, struct str path,
						  const struct directive *until, struct apache_inherited *in)
{
	path = apache_without_slash(path);
	for (size_t i = 0; i <= path.n; i++) {
		struct str above = {path.p, i ? i : MIN((size_t)1, path.n)};

		if ((i && i < path.n && path.p[i] != '/') || (path.n <= 1 && i))
			continue;
		inherit_from(all, above, until, in);
		if (own != all)
			inherit_from(own, above, until, in);
	}
}
