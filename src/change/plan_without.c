/* SPDX-License-Identifier: Apache-2.0 */
/* Taking one rule of a plan back. */
#include "change/content.h"
#include "change/plan.h"

/* The file as the edits of the other rules alone would have made it. */
static int without_edits(const struct step *s, const char *rule, struct arena *a, struct state *ret,
						 struct err *err)
{
	struct str content = state_get(&s->before, "content");
	int r = content_edit(content.p ? content : STR(""), &s->edits, rule, a, &content, err);

	if (r < 0)
		return err_context(err, "%s", s->target);
	for (size_t i = 0; i < s->after.n; i++)
		state_set(ret, a, s->after.p[i].name, s->after.p[i].value);
	state_set(ret, a, "content", content);
	return 0;
}

static int add_inverse(struct plan *plan, const struct step *s, const char *rule, struct err *err)
{
	struct step *inverse;
	struct state after = {0};
	int r = 0;

	if (s->n_rules > 1 && !s->edits.n && !s->type->is_action)
		return 0; /* another rule wants the same of it */
	if (s->type->whole)
		return err_set(err, ENOTSUP, "%s %s can be taken back only with the whole change",
					   s->type->name, s->target);
	if (s->n_rules > 1 && s->edits.n)
		r = without_edits(s, rule, plan->arena, &after, err);
	inverse = vec_push(plan->arena, &plan->steps);
	*inverse = *s;
	inverse->before = s->after;
	inverse->after = s->n_rules > 1 ? after : s->before;
	inverse->rules = arena_new(plan->arena, const char *, 1);
	inverse->rules[0] = rule;
	inverse->n_rules = 1;
	inverse->edits = (struct edits){0};
	return r;
}

int plan_without(const struct plan *applied, const char *rule, const struct place *place,
				 int64_t now, struct plan *ret, struct err *err)
{
	int r = 0;

	*ret = (struct plan){
		.arena = applied->arena, .host = applied->host, .time = now, .root = applied->root};
	for (size_t i = 0; i < applied->rules.n; i++)
		if (strcmp(applied->rules.p[i].id, rule) == 0)
			*vec_push(ret->arena, &ret->rules) = applied->rules.p[i];
	if (!ret->rules.n)
		return err_set(err, ENOENT, "the change did nothing for %s", rule);
	/* In reverse, but what takes the files in again still comes last. */
	for (int actions = 0; actions < 2; actions++)
		for (size_t i = applied->steps.n; r == 0 && i-- > 0;)
			if (step_has_rule(&applied->steps.p[i], rule) &&
				applied->steps.p[i].type->is_action == (actions == 1))
				r = add_inverse(ret, &applied->steps.p[i], rule, err);
	if (r == 0)
		plan_trim(ret, place);
	return r;
}
