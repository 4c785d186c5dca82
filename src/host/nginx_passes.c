/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_passes.h"

#include "base/vec.h"
#include "host/nginx_scope.h"
#include "host/secret.h"

void nginx_passes_init(struct nginx_passes *p, struct arena *arena)
{
	p->arena = arena;
	map_init(&p->upstreams, arena);
	map_init(&p->targets, arena);
}

void nginx_passes_upstreams(struct nginx_passes *p, const struct directive *block)
{
	for (struct directive *d = block->first; d; d = d->next)
		if (d->is_block && str_is(d->name, "upstream") && d->n_args)
			map_put(&p->upstreams, d->args[0], d);
}

static const char *scheme_of(struct str directive)
{
	static const char *const passes[][2] = {
		{"proxy_pass", "http"}, {"fastcgi_pass", "fastcgi"}, {"uwsgi_pass", "uwsgi"},
		{"scgi_pass", "scgi"},  {"grpc_pass", "grpc"},       {"memcached_pass", "memcached"},
	};

	for (size_t i = 0; i < ARRAY_LEN(passes); i++)
		if (str_is(directive, passes[i][0]))
			return passes[i][1];
	return NULL;
}

/* "http://unix:/run/x:/path" names a socket, anything else a host up to the next slash. */
static struct str host_part(struct str url)
{
	struct str host;

	if (str_starts(url, "unix:")) {
		struct str rest = {url.p + 5, url.n - 5}, socket;

		str_cut(&rest, ':', &socket);
		return (struct str){url.p, socket.n + 5};
	}
	return str_cut(&url, '/', &host) ? host : STR("");
}

/* An upstream's servers, or the address itself. Kept for each scheme and address, for thousands of
 * locations may go to one upstream of thousands. */
static struct web_list *target(struct nginx_passes *p, const char *scheme, struct str address)
{
	const struct directive *upstream = map_get(&p->upstreams, address);
	struct str id = secret_masked_urls(
		p->arena, str_of(arena_printf(p->arena, "%s://%s", scheme, str_dup(p->arena, address))));
	struct web_list *list = map_get(&p->targets, id);

	if (list)
		return list;
	list = arena_new(p->arena, struct web_list, 1);
	map_put(&p->targets, id, list);
	if (str_has_char(address, '$'))
		list->why = "where it passes requests on to is a variable";
	for (const struct directive *d = upstream ? upstream->first : NULL; d; d = d->next)
		if (str_is(d->name, "server"))
			*vec_push(p->arena, list) = str_of(
				arena_printf(p->arena, "%s://%s", scheme, str_dup(p->arena, directive_arg(d))));
	if (!upstream)
		*vec_push(p->arena, list) = id;
	return list;
}

static struct web_list *target_of(struct nginx_passes *p, const struct directive *d,
								  const char *protocol)
{
	const char *scheme = scheme_of(d->name);
	struct str url = directive_arg(d);
	const char *separator;

	if (!scheme || !url.p)
		return NULL;
	if (strcmp(protocol, "http") != 0)
		return target(p, "tcp", url);
	separator = memmem(url.p, url.n, "://", 3);
	if (separator && !memchr(url.p, '$', (size_t)(separator - url.p))) {
		scheme = str_dup(p->arena,
						 str_lower(p->arena, (struct str){url.p, (size_t)(separator - url.p)}));
		url.n -= (size_t)(separator + 3 - url.p);
		url.p = separator + 3;
	}
	return target(p, scheme, host_part(url));
}

static bool runs_code(struct str name)
{
	return str_starts(name, "content_by_lua") || str_is(name, "js_content") ||
		   str_is(name, "perl") || str_is(name, "passenger_enabled");
}

bool nginx_passes_find(struct nginx_passes *p, const char *protocol, const struct directive *block,
					   struct web_list *ret)
{
	bool any = false;

	for (const struct directive *d = block->first; d; d = d->next) {
		struct web_list *to = d->is_block ? NULL : target_of(p, d, protocol);

		if (nginx_is_conditional(d))
			any |= nginx_passes_find(p, protocol, d, ret);
		any |= to || runs_code(d->name);
		if (!to)
			continue;
		if (to->why)
			ret->why = to->why;
		if (!ret->n) /* what is kept for all is shared, and never changed */
			*ret = (struct web_list){to->p, to->n, to->n, ret->why};
		else
			for (size_t i = 0; i < to->n; i++)
				*vec_push(p->arena, ret) = to->p[i];
	}
	return any;
}
