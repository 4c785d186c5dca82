/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_answer.h"

#include "base/vec.h"
#include "host/secret.h"

static bool is_flag(const struct directive *d, const char *a, const char *b)
{
	struct str last = d->n_args ? d->args[d->n_args - 1] : STR("");

	return str_is(last, a) || str_is(last, b);
}

/* The URL that `return` or `rewrite` sends the client to; absent: it sends nobody anywhere. */
static struct str sent_to(const struct directive *d)
{
	if (str_is(d->name, "return")) {
		if (d->n_args == 1 && str_has(d->args[0], "://"))
			return d->args[0];
		return d->n_args > 1 && str_starts(d->args[0], "3") ? d->args[1] : STR_ABSENT;
	}
	if (str_is(d->name, "rewrite") && d->n_args > 1 &&
		(is_flag(d, "redirect", "permanent") || str_starts(d->args[1], "http") ||
		 str_starts(d->args[1], "$scheme")))
		return d->args[1];
	return STR_ABSENT;
}

void nginx_redirects(struct arena *arena, const struct directive *block, struct web_list *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct str to = d->is_block ? STR_ABSENT : sent_to(d);

		if (nginx_is_conditional(d))
			nginx_redirects(arena, d, ret);
		if (to.p)
			*vec_push(arena, ret) = secret_masked_urls(arena, to);
	}
}

static bool is_everything(struct str pattern)
{
	return str_is_one_of(pattern,
						 NAMES("^", ".*", "(.*)", "^.*", "^.*$", "^(.*)", "^(.*)$", "^/(.*)$"));
}

/* Behind `break`, or a rewrite that ends with it or with `last`, what follows is not done; under a
 * condition too, for some. */
static bool may_end(const struct directive *d)
{
	if (!d->is_block)
		return str_is(d->name, "break") ||
			   (str_is(d->name, "rewrite") && is_flag(d, "last", "break"));
	if (nginx_is_conditional(d))
		for (const struct directive *inner = d->first; inner; inner = inner->next)
			if (may_end(inner))
				return true;
	return false;
}

bool nginx_answers_all(const struct directive *block, enum nginx_answer *ret)
{
	for (const struct directive *d = block->first; d && !may_end(d); d = d->next) {
		struct str to = d->is_block ? STR_ABSENT : sent_to(d);

		*ret = NGINX_REFUSED;
		if (str_is(d->name, "ssl_reject_handshake") && str_is(directive_arg(d), "on"))
			return true;
		if (to.p && str_starts(to, "https://"))
			*ret = NGINX_REDIRECT;
		if (str_is(d->name, "return")) {
			if (str_starts(directive_arg(d), "2"))
				*ret = NGINX_FILES;
			return true;
		}
		if (*ret == NGINX_REDIRECT && is_everything(directive_arg(d)))
			return true;
	}
	return false;
}

/* Only for the proof of a certificate authority, or for requests that nginx makes itself? */
static bool is_for_nobody(const struct directive *location)
{
	for (size_t i = 0; i < location->n_args; i++)
		if (str_has(location->args[i], "/.well-known/acme-challenge"))
			return true;
	for (const struct directive *d = location->first; d; d = d->next)
		if (str_is(d->name, "internal"))
			return true;
	return false;
}

/* With the locations that are nested in it, for which it does not speak. */
static enum nginx_answer answer_of(struct nginx_passes *passes, const struct nginx_server *server,
								   const struct directive *location,
								   const struct nginx_scope *outer)
{
	struct nginx_scope scope;
	struct web_list ignored = {0};
	enum nginx_answer answer;

	nginx_scope_enter(passes->arena, outer, location, &scope);
	if (!nginx_answers_all(location, &answer)) {
		answer = nginx_passes_find(passes, server->protocol, location, &ignored) ? NGINX_APPLICATION
																				 : NGINX_FILES;
		if (is_for_nobody(location) || nginx_scope_restricts(&scope))
			answer = NGINX_REFUSED;
	}
	for (const struct directive *d = location->first; d; d = d->next)
		if (nginx_is_location(d))
			answer = MAX(answer, answer_of(passes, server, d, &scope));
	return answer;
}

/* A condition that is only met without TLS, and sends the client to https. */
static bool sends_plain_away(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next) {
		enum nginx_answer answer;

		if (d->is_block && str_is(d->name, "if") && d->n_args &&
			(str_has(d->args[0], "$scheme") || str_has(d->args[0], "$https") ||
			 str_has(d->args[0], "$server_port")) &&
			nginx_answers_all(d, &answer) && answer == NGINX_REDIRECT)
			return true;
	}
	return false;
}

/* certbot writes `if ($host = NAME) { return 301 https://...; } return 404;`. */
static bool sends_some_away(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next) {
		enum nginx_answer answer;

		if (d->is_block && str_is(d->name, "if") && nginx_answers_all(d, &answer) &&
			answer == NGINX_REDIRECT)
			return true;
	}
	return false;
}

enum nginx_answer nginx_plain_answer(struct nginx_passes *passes, const struct nginx_server *server)
{
	enum nginx_answer answer = NGINX_REFUSED, all;
	bool has_root = false;

	if (sends_plain_away(server->block))
		return NGINX_REDIRECT;
	if (nginx_answers_all(server->block, &all))
		return all == NGINX_REFUSED && sends_some_away(server->block) ? NGINX_REDIRECT : all;
	for (const struct directive *d = server->block->first; d; d = d->next) {
		if (!nginx_is_location(d))
			continue;
		has_root |=
			d->n_args && (str_is(d->args[0], "/") ||
						  (d->n_args > 1 && str_is(d->args[1], "/") && !str_is(d->args[0], "=")));
		answer = MAX(answer, answer_of(passes, server, d, &server->in_force));
	}
	/* What no location is for comes from the server's own root. */
	if (!has_root && !nginx_scope_restricts(&server->in_force))
		answer = MAX(answer, NGINX_FILES);
	return answer;
}
