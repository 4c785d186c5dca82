/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_exposed.h"

#include "base/vec.h"

static void enter_all(struct arena *arena, const struct nginx_server *server,
					  const struct directive *block, struct nginx_scope *scope)
{
	if (block == server->block)
		return;
	enter_all(arena, server, block->parent, scope);
	nginx_scope_enter(arena, scope, block, scope);
}

/* 1: who asks for the path gets the file; 0: not; or negative errno. */
static int is_served(struct web *web, struct nginx_passes *passes,
					 const struct nginx_server *server, struct str path, struct err *err)
{
	const struct directive *location, *root = nginx_scope_last(&server->in_force, NGINX_ROOT);
	struct nginx_scope scope = server->in_force;
	struct web_list ignored = {0};
	enum nginx_answer answer;
	int result;

	if (!web_may_look(web))
		return err_set(err, E2BIG, WEB_TOO_MANY);
	result = nginx_locate(web->arena, server->block, path, &location, err);
	if (result < 0)
		return result;
	if (!location)
		return !nginx_scope_restricts(&scope);
	if (nginx_answers_all(location, &answer) ||
		nginx_passes_find(passes, server->protocol, location, &ignored))
		return 0;
	for (const struct directive *d = location->first; d; d = d->next)
		if (str_is(d->name, "internal") || str_is(d->name, "alias"))
			return 0;
	enter_all(web->arena, server, location, &scope);
	return !nginx_scope_restricts(&scope) && nginx_scope_last(&scope, NGINX_ROOT) == root;
}

static bool may_refuse(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next)
		if ((d->is_block && str_is(d->name, "if")) || str_is(d->name, "rewrite"))
			return true;
	return false;
}

static void find_served(struct web *web, struct nginx_passes *passes,
						const struct nginx_server *server, struct str root, struct web_list *ret)
{
	const struct web_list *there = web_private(web, root);
	struct err err = {0};

	ret->why = there->why;
	for (size_t i = 0; i < there->n; i++) {
		int served = is_served(web, passes, server, there->p[i], &err);

		if (served < 0)
			ret->why = arena_strdup(web->arena, err.msg);
		if (served > 0)
			*vec_push(web->arena, ret) = there->p[i];
	}
}

bool nginx_exposed(struct web *web, struct nginx_passes *passes, const struct nginx_server *server,
				   struct web_list *ret)
{
	const struct directive *root = nginx_scope_last(&server->in_force, NGINX_ROOT);
	enum nginx_answer answer;

	if (!root || nginx_answers_all(server->block, &answer))
		return false;
	if (!str_starts(directive_arg(root), "/") || str_has_char(directive_arg(root), '$')) {
		ret->why = "the root is a variable";
		return true;
	}
	find_served(web, passes, server, directive_arg(root), ret);
	if (ret->n && may_refuse(server->block))
		*ret = (struct web_list){.why = "private files lie in the root, and what conditions and "
										"rewrites do with requests for them is not known"};
	return true;
}
