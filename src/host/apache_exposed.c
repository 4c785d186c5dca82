/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_exposed.h"

#include "base/vec.h"
#include "host/apache_answer.h"
#include "host/apache_request.h"

struct look {
	struct apache_request request;
	enum apache_access access;
};

static unsigned rank_of(const struct directive *d)
{
	if (apache_is(d, "Directory") && !(d->n_args > 1))
		return 0;
	if (apache_is(d, "Directory") || apache_is(d, "DirectoryMatch"))
		return 1;
	return apache_is(d, "Files") || apache_is(d, "FilesMatch") ? 2 : 3;
}

/* Sections apply by kind, those about directories the shortest first; within a kind those of the main
 * server come first. The last that says anything decides. */
static void look_at(struct look *l, const struct directive *block, unsigned rank, size_t *longest)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		enum apache_access access;

		if (!apache_is_section(d) || rank_of(d) != rank)
			continue;
		access = apache_access_of(d);
		for (const struct directive *inner = d->first; inner && access == APACHE_UNSAID;
			 inner = inner->next)
			if (apache_is_section(inner) && apache_section_fits(&l->request, d) &&
				apache_section_fits(&l->request, inner))
				access = apache_access_of(inner);
		if (access == APACHE_UNSAID || !apache_section_fits(&l->request, d))
			continue;
		if (rank == 0 && directive_arg(d).n < *longest)
			continue;
		if (rank == 0)
			*longest = directive_arg(d).n;
		l->access = access;
	}
}

static bool answers_otherwise(struct look *l, const struct directive *block)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		if (apache_is(d, "RedirectMatch") && d->n_args > 1 &&
			apache_regex_fits(&l->request, d->args[d->n_args > 2], l->request.path))
			return true;
		if (apache_is(d, "RedirectMatch") && d->n_args == 2 && str_starts(d->args[0], "4") &&
			apache_regex_fits(&l->request, d->args[1], l->request.path))
			return true;
		if (apache_is(d, "ProxyPass") && str_is(directive_arg(d), "/"))
			return true;
		if (apache_is(d, "RewriteRule"))
			l->request.unknown =
				"private files lie in the root, and what rewriting does with requests for "
				"them is not known";
	}
	return false;
}

static bool is_served(const struct apache *a, const struct directive *server, struct str path,
					  const char *root, const char **unknown)
{
	struct look l = {
		.request = {.arena = a->arena,
					.path = path,
					.file = arena_printf(a->arena, "%s%s", root, str_dup(a->arena, path))},
		.access = APACHE_ALL};
	bool otherwise = answers_otherwise(&l, server);

	if (server != &a->main)
		otherwise |= answers_otherwise(&l, &a->main);
	for (unsigned rank = 0; rank < 4; rank++) {
		size_t longest = 0;

		look_at(&l, &a->main, rank, &longest);
		if (server != &a->main)
			look_at(&l, server, rank, &longest);
	}
	if (l.access == APACHE_ALL && !otherwise && l.request.unknown)
		*unknown = l.request.unknown;
	return l.access == APACHE_ALL && !otherwise;
}

bool apache_exposed(struct apache *a, const struct directive *server, struct web_list *ret)
{
	const struct directive *d = apache_in_force(a, server, "DocumentRoot");
	struct str root = d ? apache_without_slash(directive_arg(d)) : STR_ABSENT;
	const struct web_list *there;
	const char *unknown = NULL;

	if (!root.n || apache_redirects_all(a, server))
		return false;
	if (*root.p != '/' || str_has(root, "${")) {
		ret->why = "the root is not known";
		return true;
	}
	there = web_private(&a->web, root);
	unknown = there->why;
	for (size_t i = 0; i < there->n; i++) {
		if (!web_may_look(&a->web))
			unknown = WEB_TOO_MANY;
		else if (is_served(a, server, there->p[i], str_dup(a->arena, root), &unknown))
			*vec_push(a->arena, ret) = there->p[i];
	}
	if (unknown)
		*ret = (struct web_list){.why = unknown};
	return true;
}
