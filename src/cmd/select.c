/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"

int parse_fail_on(const char *word, int *ret)
{
	enum severity s = SEVERITY_HIGH;

	*ret = SEVERITY_CRITICAL + 1;
	if (word && strcmp(word, "none") == 0)
		return 0;
	if (word && severity_parse(str_of(word), &s) < 0)
		return fail(EXIT_USAGE, "--fail-on %s: expected low, medium, high, critical or none", word);
	*ret = (int)s;
	return 0;
}

int check_family(const struct catalogue *c, const char *name)
{
	struct nearest near = nearest_to(str_of(name));

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->p[i].family, name) == 0)
			return 0;
		nearest_try(&near, c->p[i].family);
	}
	return no_such("family", name, near.name, "revet rules");
}

static int check_names(const struct given *g, const struct selecting *s, const struct catalogue *c)
{
	enum severity ignored;

	for (size_t i = 0; i < g->n; i++) {
		const char *value = g->p[i].value;
		int code = 0;

		if (g->p[i].option == s->family)
			code = check_family(c, value);
		else if (g->p[i].option == s->rule && !catalogue_find(c, str_of(value)))
			code = no_such("rule", value, catalogue_nearest(c, str_of(value)), "revet rules");
		else if (g->p[i].option == s->severity && severity_parse(str_of(value), &ignored) < 0)
			code = fail(EXIT_USAGE, "--severity %s: expected low, medium, high or critical", value);
		if (code)
			return code;
	}
	return 0;
}

/* A rule that is named is judged whatever the profile leaves out. */
static bool is_named(const struct given *g, const struct selecting *s, const struct rule *r)
{
	bool any = false;

	for (size_t i = 0; i < g->n; i++) {
		bool family = g->p[i].option == s->family;

		if (!family && g->p[i].option != s->rule)
			continue;
		any = true;
		if (strcmp(g->p[i].value, family ? r->family : r->id) == 0 && !(family && r->left_out))
			return true;
	}
	return !any && !r->left_out;
}

int select_rules(const struct given *g, const struct selecting *s, const struct catalogue *c,
				 const struct rule **ret, size_t *ret_n)
{
	const char *severity = s->severity < 0 ? NULL : given_value(g, s->severity);
	enum severity least = SEVERITY_LOW;
	int code = check_names(g, s, c);

	*ret_n = 0;
	if (severity)
		(void)severity_parse(str_of(severity), &least);
	for (size_t i = 0; code == 0 && i < c->n && *ret_n < MAX_RULES; i++)
		if (c->p[i].severity >= least && is_named(g, s, &c->p[i]))
			ret[(*ret_n)++] = &c->p[i];
	return code;
}
