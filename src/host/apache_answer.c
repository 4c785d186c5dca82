/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_answer.h"

#include "base/vec.h"
#include "host/secret.h"

static bool is_https(struct str url)
{
	return str_starts(url, "https://");
}

bool apache_is_all(struct str pattern)
{
	return str_is(pattern, "/") || str_is(pattern, "^") || str_is(pattern, "^/") ||
		   str_is(pattern, ".*") || str_is(pattern, "^/?(.*)") || str_is(pattern, "^/?(.*)$") ||
		   str_is(pattern, "^(.*)$") || str_is(pattern, "^/(.*)$") || str_is(pattern, "(.*)") ||
		   str_is(pattern, "^.*$") || str_is(pattern, "^/(.*)") || str_is(pattern, "^(.*)");
}

/* A RewriteCond in front may well except some: then only the usual ones, on TLS and the host's name,
 * are taken for none. */
bool apache_redirects_all(const struct apache *a, const struct directive *server)
{
	const struct directive *engine = apache_in_force(a, server, "RewriteEngine");
	bool excepted = false;

	for (const struct directive *d = server->first; d; d = d->next) {
		if ((apache_is(d, "Redirect") || apache_is(d, "RedirectMatch") ||
			 apache_is(d, "RedirectPermanent")) &&
			d->n_args > 1 && is_https(d->args[d->n_args - 1]) &&
			apache_is_all(d->args[d->n_args - 2]))
			return true;
		if (apache_is(d, "RewriteCond") && d->n_args > 1)
			excepted |= !str_has(d->args[0], "HTTPS") && !str_has(d->args[0], "SERVER_PORT") &&
						!str_has(d->args[0], "SERVER_NAME") && !str_has(d->args[0], "HTTP_HOST") &&
						!str_has(d->args[1], "acme-challenge") && !str_has(d->args[0], "SCHEME");
		if (!apache_is(d, "RewriteRule"))
			continue;
		if (engine && str_is_nocase(directive_arg(engine), "on") && d->n_args > 1 && !excepted &&
			apache_is_all(d->args[0]) && is_https(d->args[1]))
			return true;
		excepted = false;
	}
	return false;
}

void apache_passes(struct arena *arena, const struct directive *block, struct web_list *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct str to = STR_ABSENT;

		if (d->is_block && !apache_is(d, "VirtualHost"))
			apache_passes(arena, d, ret);
		else if ((apache_is(d, "ProxyPass") || apache_is(d, "ProxyPassMatch")) && d->n_args)
			to = d->n_args > 1 && (str_starts(d->args[0], "/") || str_starts(d->args[0], "^"))
					 ? d->args[1]
					 : d->args[0];
		else if (apache_is(d, "BalancerMember"))
			to = directive_arg(d);
		else if (apache_is(d, "SetHandler") && str_starts(directive_arg(d), "proxy:"))
			to = (struct str){d->args[0].p + 6, d->args[0].n - 6};
		else if (apache_is(d, "RewriteRule") && d->n_args > 2 && str_has(d->args[2], "P"))
			to = d->args[1];
		else if (apache_is(d, "WSGIScriptAlias") || apache_is(d, "ScriptAlias") ||
				 apache_is(d, "PassengerAppRoot"))
			to = STR("code");
		if (to.n && !str_is(to, "!") && !str_starts(to, "balancer:") && ret->n < 4096)
			*vec_push(arena, ret) = secret_masked_urls(arena, to);
	}
}

enum apache_access apache_root_access(const struct directive *server)
{
	enum apache_access access = APACHE_UNSAID;

	for (const struct directive *d = server->first; d; d = d->next)
		if (d->is_block && apache_is(d, "Location") && str_is(directive_arg(d), "/") &&
			apache_access_of(d) != APACHE_UNSAID)
			access = apache_access_of(d);
	return access;
}

const char *apache_plain_answer(const struct apache *a, const struct directive *server,
								const struct web_list *passes)
{
	if (apache_redirects_all(a, server))
		return "redirect";
	if (apache_root_access(server) == APACHE_NONE)
		return "refused";
	/* Without a root of its own it has what Apache was built with, which no distribution ships. */
	return passes->n                                    ? "application"
		   : apache_in_force(a, server, "DocumentRoot") ? "files"
														: "refused";
}
