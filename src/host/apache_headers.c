/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_headers.h"

#include "base/vec.h"

static void drop_header(struct web_list *headers, const char *name)
{
	size_t kept = 0;

	for (size_t k = 0; k < headers->n; k++) {
		struct str rest = headers->p[k];

		if (!str_skip(&rest, name) || !str_starts(rest, ": "))
			headers->p[kept++] = headers->p[k];
	}
	headers->n = kept;
}

static void add_headers(struct arena *arena, const struct directive *block, struct web_list *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		size_t i = 0;
		struct str action, name;

		if (!apache_is(d, "Header") || d->n_args < 2)
			continue;
		if (str_is_nocase(d->args[0], "always") || str_is_nocase(d->args[0], "onsuccess"))
			i++;
		if (i + 1 >= d->n_args)
			continue;
		action = d->args[i];
		name = str_lower(arena, d->args[i + 1]);
		if (str_ends(name, ":"))
			name.n--;
		if (str_is_nocase(action, "unset")) {
			drop_header(ret, str_dup(arena, name));
			continue;
		}
		if (i + 2 < d->n_args && ret->n < 256 &&
			(str_is_nocase(action, "set") || str_is_nocase(action, "add") ||
			 str_is_nocase(action, "append") || str_is_nocase(action, "merge") ||
			 str_is_nocase(action, "setifempty")))
			*vec_push(arena, ret) = str_of(
				arena_printf(arena, "%.*s: %s", STR_ARG(name), str_dup(arena, d->args[i + 2])));
	}
}

void apache_headers(struct apache *a, const struct directive *server, struct web_list *ret)
{
	add_headers(a->arena, &a->main, ret);
	if (server != &a->main)
		add_headers(a->arena, server, ret);
}
