/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_server.h"

#include "base/vec.h"

bool apache_is(const struct directive *d, const char *name)
{
	return str_is_nocase(d->name, name);
}

/* Leaves in force what was said before by its name: it is about the suites of TLS 1.3, or about nothing that
 * the versions and suites depend on. */
static bool is_aside(const struct directive *d)
{
	static const char *const commands[] = {"Protocol",     "MinProtocol",  "MaxProtocol",
										   "CipherString", "Ciphersuites", NULL};

	if (apache_is(d, "SSLCipherSuite"))
		return d->n_args == 2 && str_is_nocase(d->args[0], "TLSv1.3");
	return apache_is(d, "SSLOpenSSLConfCmd") && !str_is_one_of_nocase(directive_arg(d), commands);
}

const struct directive *apache_last(const struct directive *block, const char *name)
{
	const struct directive *found = NULL;

	for (const struct directive *d = block->first; d; d = d->next)
		if (!d->is_block && apache_is(d, name) && d->n_args && !is_aside(d))
			found = d;
	return found;
}

const struct directive *apache_in_force(const struct apache *a, const struct directive *server,
										const char *name)
{
	const struct directive *own = apache_last(server, name);

	return own ? own : map_get(&a->main_last, str_lower(a->arena, str_of(name)));
}

/* Thousands of virtual hosts each look at what is said for all, so these are kept apart. */
static void part(struct apache *a)
{
	map_init(&a->main_last, a->arena);
	for (const struct directive *d = a->config.root.first; d; d = d->next) {
		struct directive *copy;

		if (d->is_block && apache_is(d, "VirtualHost")) {
			*vec_push(a->arena, &a->hosts) = d;
			continue;
		}
		copy = arena_new(a->arena, struct directive, 1);
		*copy = *d;
		copy->next = NULL;
		directive_append(&a->main, copy);
		if (!d->is_block && d->n_args && !is_aside(d))
			map_put(&a->main_last, str_lower(a->arena, d->name), copy);
	}
}

int apache_read(struct host *host, struct arena *arena, struct apache *ret, struct err *err)
{
	int r;

	*ret = (struct apache){.arena = arena};
	web_init(&ret->web, host, arena);
	r = apache_config_read(host, arena, &ret->config, err);
	if (r == 0)
		part(ret);
	return r;
}

/* --- where it listens ------------------------------------------------------------------------ */

static struct str port_of(struct str address)
{
	const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
	struct str port =
		colon ? (struct str){colon + 1, (size_t)(address.p + address.n - colon) - 1} : STR("");

	return str_is(port, "*") || str_has_char(port, ']') ? STR("") : port;
}

/* "8080", "10.0.0.1:80", "[::1]:80": of the whole server; a virtual host answers no more than it says,
 * and no more than is listened on. */
static enum web_reach listens(const struct apache *a, struct str port)
{
	enum web_reach widest = WEB_LOOPBACK;

	for (const struct directive *d = a->main.first; d; d = d->next) {
		struct str address = directive_arg(d);
		const char *colon;

		if (!apache_is(d, "Listen") || !address.n)
			continue;
		colon = memrchr(address.p, ':', address.n);
		if (port.n &&
			!str_eq(port, colon
							  ? (struct str){colon + 1, (size_t)(address.p + address.n - colon) - 1}
							  : address))
			continue;
		widest = MAX(widest, colon ? web_reach(address) : WEB_PUBLIC);
	}
	return widest;
}

/* What is listened on and no virtual host is for: there the main server answers. */
static struct web_list left_over(const struct apache *a)
{
	struct web_list left = {0};
	struct map ports;

	map_init(&ports, a->arena);
	for (size_t k = 0; k < a->hosts.n; k++)
		for (size_t i = 0; i < a->hosts.p[k]->n_args; i++)
			map_put(&ports, port_of(a->hosts.p[k]->args[i]), (void *)a);
	for (const struct directive *d = a->main.first; d && !map_get(&ports, STR("")); d = d->next) {
		struct str address = directive_arg(d);

		if (apache_is(d, "Listen") && address.n &&
			!map_get(&ports, memchr(address.p, ':', address.n) ? port_of(address) : address))
			*vec_push(a->arena, &left) = address;
	}
	return left;
}

enum web_reach apache_listen(const struct apache *a, const struct directive *server,
							 struct web_list *ret)
{
	enum web_reach reach = WEB_LOOPBACK;

	if (server == &a->main)
		*ret = left_over(a);
	for (size_t i = 0; server == &a->main && i < ret->n; i++)
		reach =
			MAX(reach, memchr(ret->p[i].p, ':', ret->p[i].n) ? web_reach(ret->p[i]) : WEB_PUBLIC);
	for (size_t i = 0; server != &a->main && i < server->n_args; i++) {
		*vec_push(a->arena, ret) = server->args[i];
		reach = MAX(reach, MIN(web_reach(server->args[i]), listens(a, port_of(server->args[i]))));
	}
	return reach;
}
