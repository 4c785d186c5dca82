/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_server.h"

#include "base/vec.h"

static enum web_reach listen_reach(struct str address)
{
	return str_starts(address, "unix:") ? WEB_LOOPBACK : web_reach(address);
}

static void read_listen(struct nginx_server *server, const struct directive *d)
{
	bool tls = false;

	for (size_t i = 1; i < d->n_args; i++)
		tls |= str_is(d->args[i], "ssl") || str_is(d->args[i], "quic");
	server->reach = MAX(server->reach, listen_reach(directive_arg(d)));
	server->tls |= tls;
	server->plain |= !tls;
}

void nginx_server_read(struct arena *arena, const struct directive *block, const char *protocol,
					   const struct nginx_scope *outer, struct nginx_server *ret)
{
	struct web_list *names = &ret->names, *listen = &ret->listen;

	*ret = (struct nginx_server){.block = block, .protocol = protocol};
	nginx_scope_enter(arena, outer, block, &ret->in_force);
	for (const struct directive *d = block->first; d; d = d->next) {
		if (str_is(d->name, "server_name"))
			for (size_t i = 0; i < d->n_args; i++)
				*vec_push(arena, names) = d->args[i];
		if (!str_is(d->name, "listen") || !d->n_args)
			continue;
		*vec_push(arena, listen) = d->args[0];
		read_listen(ret, d);
	}
	if (!listen->n) {
		*vec_push(arena, listen) = STR("80");
		ret->plain = true;
		ret->reach = WEB_PUBLIC;
	}
	/* Until 1.25.1 this made all of a server's addresses TLS. */
	for (const struct directive *d = block->first; d; d = d->next)
		if (str_is(d->name, "ssl") && str_is(directive_arg(d), "on")) {
			ret->tls = true;
			ret->plain = false;
		}
	ret->name = arena_printf(arena, "%s:%s",
							 str_dup(arena, names->n && names->p[0].n ? names->p[0] : STR("_")),
							 str_dup(arena, listen->p[0]));
}
