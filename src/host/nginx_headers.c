/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_headers.h"

#include "base/vec.h"

static void add_header(struct arena *arena, struct web_list *to, struct str name, struct str value)
{
	if (value.n)
		*vec_push(arena, to) = str_of(arena_printf(
			arena, "%s: %s", str_dup(arena, str_lower(arena, name)), str_dup(arena, value)));
}

/* more_set_headers takes "Name: value" words, with options between that say for which answers. */
static void add_more_headers(struct arena *arena, struct web_list *to, const struct directive *d)
{
	for (size_t i = 0; i < d->n_args; i++) {
		struct str value = d->args[i], name;

		if (str_starts(value, "-"))
			i++;
		else if (str_cut(&value, ':', &name) && value.p)
			add_header(arena, to, str_trim(name), str_trim(value));
	}
}

void nginx_headers(struct arena *arena, const struct nginx_scope *s, struct web_list *ret)
{
	const struct nginx_group *added = &s->set[NGINX_HEADERS], *more = &s->set[NGINX_MORE_HEADERS];

	for (size_t i = 0; i < added->n; i++)
		if (added->p[i]->n_args > 1)
			add_header(arena, ret, added->p[i]->args[0], added->p[i]->args[1]);
	for (size_t i = 0; i < more->n; i++)
		add_more_headers(arena, ret, more->p[i]);
}
