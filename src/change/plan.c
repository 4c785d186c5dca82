/* SPDX-License-Identifier: Apache-2.0 */
#include "change/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "host/conf_edit.h"
#include "host/passwd.h"

#define MAX_CONTENT ((size_t)4 << 20) /* of a file that is edited */
#define MAX_LINKS 40

struct planner {
	struct plan *plan;
	struct host *host;
	struct place place;
	struct map steps;   /* "type target" -> number of the step + 1 */
	struct map settled; /* "path section key" -> the edit that decided it */
	struct passwd_db users;
	bool has_users;
};

/* --- steps ------------------------------------------------------------------------------------ */

static int by_order(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->type->order != y->type->order)
		return x->type->order < y->type->order ? -1 : 1;
	return strcmp(x->target, y->target);
}

static void add_rule(struct planner *p, struct step *s, const char *rule)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (strcmp(s->rules[i], rule) == 0)
			return;
	if (s->n_rules == s->cap_rules)
		s->rules = vec_grow(p->plan->arena, s->rules, s->n_rules, &s->cap_rules, sizeof(*s->rules));
	s->rules[s->n_rules++] = rule;
}

/* The step for the thing, made with its present state when it is the first. */
static int find_step(struct planner *p, const char *type, const char *target, const char *rule,
					 struct step **ret, struct err *err)
{
	struct arena *a = p->plan->arena;
	const char *key = arena_printf(a, "%s %s", type, target);
	uintptr_t known = (uintptr_t)map_get(&p->steps, str_of(key));
	struct step *s;

	if (known) {
		*ret = &p->plan->steps.p[known - 1];
		add_rule(p, *ret, rule);
		return 0;
	}
	s = vec_push(a, &p->plan->steps);
	map_put(&p->steps, str_of(key), (void *)(uintptr_t)p->plan->steps.n);
	*s = (struct step){.type = step_type_find(str_of(type)), .target = target};
	add_rule(p, s, rule);
	*ret = s;
	if (!s->type)
		return err_set(err, ENOTSUP, "there is no step type %s", type);
	/* Of what is no file, the table that asked for it says what it is now. */
	return strcmp(type, "file") == 0 || strcmp(type, "directory") == 0 ||
				   strcmp(type, "attributes") == 0
			   ? s->type->capture(&p->place, target, a, &s->before, err)
			   : 0;
}

/* Two rules that take bits of one mode away, or add some, each from what it is now: both have their way. */
static struct str joined_modes(const struct planner *p, struct str before, struct str one,
							   struct str other)
{
	unsigned now, a, b;

	if (num_mode(before, &now) < 0 || num_mode(one, &a) < 0 || num_mode(other, &b) < 0)
		return other;
	return str_of(arena_printf(p->plan->arena, "%04o", (now & a & b) | (a & ~now) | (b & ~now)));
}

/* A step changes a field: the present value goes to `before`, the new one to `after`. */
static int change_field(struct planner *p, struct step *s, const char *name, struct str value,
						const char *rule, struct err *err)
{
	const char *key = arena_printf(p->plan->arena, "%s %s %s", s->type->name, s->target, name);
	const struct edit *other = map_get(&p->settled, str_of(key));
	struct str before = state_get(&s->after, name);
	struct edit *edit;

	if (other && strcmp(name, "mode") == 0)
		value = joined_modes(p, state_get(&s->before, name), before, value);
	else if (other && !str_eq(before, value))
		return err_set(err, EEXIST, "%s wants %s of %s to be %.*s, and %s %.*s", other->rule, name,
					   s->target, STR_ARG(before), rule, STR_ARG(value));
	edit = arena_new(p->plan->arena, struct edit, 1);
	edit->rule = rule;
	map_put(&p->settled, str_of(key), edit);
	state_set(&s->after, p->plan->arena, name, value);
	return 0;
}

/* --- files ------------------------------------------------------------------------------------- */

/* The path that a path leads to, links resolved: a step never replaces a link by a file. */
static int resolve(struct planner *p, const char **path, struct err *err)
{
	struct arena *a = p->plan->arena;
	struct str target;

	for (int i = 0; i < MAX_LINKS; i++) {
		const char *slash = strrchr(*path, '/');

		if (host_readlink(p->host, *path, a, &target, err) < 0)
			return 0;
		if (target.n && target.p[0] == '/')
			*path = str_dup(a, target);
		else
			*path = arena_printf(a, "%.*s/%.*s", (int)(slash - *path), *path, STR_ARG(target));
	}
	return err_set(err, ELOOP, "%s: too many links", *path);
}

/* Directories above that are not there come first, each a step of its own. */
static int need_parent(struct planner *p, const char *path, const char *rule, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *dir = arena_copy(p->plan->arena, path, (size_t)(slash - path));
	struct step *s;
	int r;

	if (!*dir)
		return 0;
	r = find_step(p, "directory", dir, rule, &s, err);
	if (r < 0 || !state_is(&s->before, "type", "absent"))
		return r;
	if (state_has(&s->after, "type"))
		return 0;
	state_set(&s->after, p->plan->arena, "type", STR("directory"));
	state_set(&s->after, p->plan->arena, "mode", STR("0755"));
	state_set(&s->after, p->plan->arena, "owner", STR("0"));
	state_set(&s->after, p->plan->arena, "group", STR("0"));
	return need_parent(p, dir, rule, err);
}

/* The step of the file, with the content as it will be after the edits so far. */
static int file_step(struct planner *p, const struct edit *e, struct step **ret, struct err *err)
{
	struct arena *a = p->plan->arena;
	const char *path = e->target;
	struct step *s;
	int r = resolve(p, &path, err);

	if (r == 0)
		r = find_step(p, "file", path, e->rule, &s, err);
	if (r < 0)
		return r;
	*ret = s;
	if (s->after.n)
		return 0;
	if (state_is(&s->before, "type", "absent")) {
		r = need_parent(p, path, e->rule, err);
		s = &p->plan->steps
				 .p[(uintptr_t)map_get(&p->steps, str_of(arena_printf(a, "file %s", path))) - 1];
		*ret = s;
		state_set(&s->after, a, "type", STR("regular"));
		state_set(&s->after, a, "content", STR(""));
		state_set(&s->after, a, "mode", str_of(e->mode));
		state_set(&s->after, a, "owner", STR("0"));
		state_set(&s->after, a, "group", STR("0"));
		return r;
	}
	for (size_t i = 0; i < s->before.n; i++)
		state_set(&s->after, a, s->before.p[i].name, s->before.p[i].value);
	return 0;
}

static int settle_key(struct planner *p, const struct edit *e, struct err *err)
{
	struct arena *a = p->plan->arena;
	const char *key =
		arena_printf(a, "%s [%.*s] %.*s", e->target, STR_ARG(e->section), STR_ARG(e->name));
	const struct edit *other = map_put(&p->settled, str_of(key), (void *)(uintptr_t)e);

	if (!other ||
		(!other->value.p == !e->value.p && (!e->value.p || str_eq(other->value, e->value))))
		return 0;
	return err_set(err, EEXIST, "%s wants %.*s in %s to be %.*s, and %s %.*s", other->rule,
				   STR_ARG(e->name), e->target, STR_ARG(other->value), e->rule, STR_ARG(e->value));
}

/* The content with one edit made. */
static int edited(struct str content, const struct edit *e, struct buf *out, struct err *err)
{
	if (e->kind == EDIT_CONTENT)
		return buf_str(out, e->value) < 0 ? err_set(err, EFBIG, "the file would be too large") : 0;
	if (e->kind == EDIT_KEY)
		return conf_edit_key(content, e->style, e->section, e->name, e->value, out, err);
	return conf_edit_line(content, e->line, e->old, e->value, out, err);
}

static int edit_content_of(struct state *s, const struct edit *e, struct arena *a, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(MAX_CONTENT);
	struct str content = state_get(s, "content");
	int r;

	if (!content.p)
		return err_set(err, ENOTSUP, "it is no text file");
	r = edited(content, e, &text, err);
	if (r == 0)
		state_set(s, a, "content", text.n ? buf_get(&text) : STR(""));
	return r;
}

static int edit_file(struct planner *p, const struct edit *e, struct err *err)
{
	struct step *s;
	int r = file_step(p, e, &s, err);

	if (r < 0)
		return r;
	*vec_push(p->plan->arena, &s->edits) = *e;
	if (e->kind == EDIT_CONTENT && !e->value.p) {
		s->after = (struct state){0};
		state_set(&s->after, p->plan->arena, "type", STR("absent"));
		return 0;
	}
	r = edit_content_of(&s->after, e, p->plan->arena, err);
	return r < 0 ? err_context(err, "%s", s->target) : 0;
}

static int attribute_value(struct planner *p, const struct edit *e, struct str *ret,
						   struct err *err)
{
	const char *number = NULL;

	if (str_is(e->name, "owner")) {
		const struct passwd_user *u = passwd_by_name(&p->users, e->value);

		number = u ? arena_printf(p->plan->arena, "%u", u->uid) : NULL;
	} else if (str_is(e->name, "group")) {
		const struct passwd_group *g = passwd_group_by_name(&p->users, e->value);

		number = g ? arena_printf(p->plan->arena, "%u", g->gid) : NULL;
	} else {
		number = str_dup(p->plan->arena, e->value);
	}
	if (!number)
		return err_set(err, ENOTSUP, "%s: there is no %.*s %.*s", e->target, STR_ARG(e->name),
					   STR_ARG(e->value));
	*ret = str_of(number);
	return 0;
}

static int edit_attributes(struct planner *p, const struct edit *e, struct err *err)
{
	const char *path = e->target;
	struct step *s = NULL;
	struct str value = STR_ABSENT;
	int r = resolve(p, &path, err);

	if (r == 0)
		r = find_step(p, "attributes", path, e->rule, &s, err);
	if (r == 0)
		r = attribute_value(p, e, &value, err);
	return r < 0 ? r : change_field(p, s, str_dup(p->plan->arena, e->name), value, e->rule, err);
}

/* --- edits ------------------------------------------------------------------------------------- */

static int take_edit(struct planner *p, const struct edit *e, struct err *err)
{
	struct step *s = NULL;
	int r;

	switch (e->kind) {
	case EDIT_KEY:
		r = settle_key(p, e, err);
		return r < 0 ? r : edit_file(p, e, err);
	case EDIT_CONTENT:
	case EDIT_LINE:
		return edit_file(p, e, err);
	case EDIT_ATTRIBUTE:
		return edit_attributes(p, e, err);
	case EDIT_RELOAD:
		return find_step(p, "reload", e->target, e->rule, &s, err);
	default:
		r = find_step(p, e->step, e->target, e->rule, &s, err);
		if (r < 0)
			return r;
		state_set(&s->before, p->plan->arena, str_dup(p->plan->arena, e->name), e->old);
		return change_field(p, s, str_dup(p->plan->arena, e->name), e->value, e->rule, err);
	}
}

/* Steps that change nothing go, and each keeps in `before` just what it has in `after`. */
static void trim_steps(struct plan *plan, const struct place *place)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->steps.n; i++) {
		struct step *s = &plan->steps.p[i];
		struct state before = {0};
		const char *field;

		if (s->type->live_only && !place->live)
			continue;
		if (!s->type->is_action && state_covers(&s->before, &s->after, &field))
			continue;
		for (size_t k = 0; k < s->after.n; k++)
			state_set(&before, plan->arena, s->after.p[k].name,
					  state_get(&s->before, s->after.p[k].name));
		s->before = before;
		plan->steps.p[kept++] = *s;
	}
	plan->steps.n = kept;
}

/* --- rules ------------------------------------------------------------------------------------- */

static void leave_alone(struct plan *plan, const char *rule, const char *why)
{
	*vec_push(plan->arena, &plan->left) = (struct left_alone){rule, arena_strdup(plan->arena, why)};
}

/* The edits that the tables make of what the rule wishes. */
static int collect_edits(struct planner *p, const struct rule *rule,
						 const struct snapshot *snapshot, const struct params *params,
						 struct edits *ret, struct err *err)
{
	struct wishes wishes;
	int r;

	*ret = (struct edits){.arena = p->plan->arena, .rule = rule->id};
	if (rule->by_hand.p)
		return err_set(err, ENOTSUP, "by hand: %.*s", STR_ARG(str_trim(rule->by_hand)));
	r = rule_wishes(rule, snapshot, params, p->plan->arena, &wishes, err);
	for (size_t i = 0; r == 0 && i < wishes.n; i++)
		r = wishes.p[i].table->set(p->host, &wishes.p[i], ret, err);
	return r;
}

static int take_edits(struct planner *p, const struct edits *edits, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->n; i++)
		r = take_edit(p, &edits->p[i], err);
	return r;
}

static void planner_begin(struct planner *p, struct plan *plan)
{
	p->plan = plan;
	map_init(&p->steps, plan->arena);
	map_init(&p->settled, plan->arena);
}

/* Can the rule be fixed by itself? What cannot is left alone, and does not spoil the plan. */
static int try_alone(const struct planner *p, const struct edits *edits, struct err *err)
{
	struct plan alone = {.arena = p->plan->arena};
	struct planner scratch = *p;

	planner_begin(&scratch, &alone);
	return take_edits(&scratch, edits, err);
}

static void add_plan_rule(struct plan *plan, const struct rule *rule)
{
	struct plan_rule *r = vec_push(plan->arena, &plan->rules);
	struct yaml_iter it;

	*r = (struct plan_rule){
		.id = rule->id, .title = str_dup(plan->arena, rule->title), .risk = rule->risk};
	if (!rule->needs.doc)
		return;
	r->needs = arena_new(plan->arena, const char *, yaml_len(rule->needs) + 1);
	it = yaml_iter(rule->needs);
	while (yaml_next(&it))
		r->needs[r->n_needs++] = str_dup(plan->arena, yaml_text(it.value));
}

static int plan_rule(struct planner *p, const struct rule *rule, const struct snapshot *snapshot,
					 const struct params *params, struct err *err)
{
	struct edits edits;
	struct err why = {0};
	const char *use = rule->not_while && !rule->by_hand.p
						  ? judge_holds(rule->not_while, snapshot, params, p->plan->arena)
						  : NULL;
	int r;

	if (use) {
		leave_alone(p->plan, rule->id, arena_printf(p->plan->arena, "in use: %s", use));
		return 0;
	}
	r = collect_edits(p, rule, snapshot, params, &edits, &why);
	if (r == 0)
		r = try_alone(p, &edits, &why);
	if (r < 0) {
		leave_alone(p->plan, rule->id, why.msg);
		return 0;
	}
	add_plan_rule(p->plan, rule);
	return take_edits(p, &edits, err);
}

int plan_make(struct plan *plan, struct host *host, struct snapshot *snapshot,
			  const struct judgement *judgements, size_t n, const struct params *params,
			  int root_fd, struct arena *a, struct err *err)
{
	struct planner p = {
		.host = host,
		.place = {host_root(host), root_fd, host_is_live(host)},
	};
	struct err ignored = {0};
	int r = 0;

	*plan = (struct plan){
		.arena = a,
		.host = snapshot_os(snapshot, "hostname", NULL),
		.time = snapshot_facts(snapshot)->time,
		.root = arena_strdup(a, host_root(host)),
	};
	planner_begin(&p, plan);
	p.has_users = passwd_read(host, a, &p.users, &ignored) == 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (judgements[i].verdict == VERDICT_FAIL)
			r = plan_rule(&p, judgements[i].rule, snapshot, params, err);
		else if (judgements[i].verdict == VERDICT_UNKNOWN)
			leave_alone(plan, judgements[i].rule->id,
						arena_printf(a, "not known: %s", judgements[i].reason));
		else if (judgements[i].excused && judgements[i].rule->fix != FIX_BY_HAND)
			leave_alone(plan, judgements[i].rule->id, judgements[i].reason);
	if (r < 0)
		return r;
	trim_steps(plan, &p.place);
	if (plan->steps.n)
		qsort(plan->steps.p, plan->steps.n, sizeof(*plan->steps.p), by_order);
	return 0;
}

bool plan_may_cut_access(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rules.n; i++)
		if (plan->rules.p[i].risk == RISK_ACCESS)
			return true;
	return false;
}

bool plan_needs(const struct plan *plan, const char *proof)
{
	for (size_t i = 0; i < plan->rules.n; i++)
		for (size_t k = 0; k < plan->rules.p[i].n_needs; k++)
			if (strcmp(plan->rules.p[i].needs[k], proof) == 0)
				return true;
	return false;
}

/* --- taking one rule back ------------------------------------------------------------------------ */

static bool has_rule(const struct step *s, const char *rule)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (strcmp(s->rules[i], rule) == 0)
			return true;
	return false;
}

/* The file as the edits of the other rules alone would have made it. */
static int without_edits(const struct step *s, const char *rule, struct arena *a, struct state *ret,
						 struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->after.n; i++)
		state_set(ret, a, s->after.p[i].name, s->after.p[i].value);
	state_set(ret, a, "content",
			  state_get(&s->before, "content").p ? state_get(&s->before, "content") : STR(""));
	for (size_t i = 0; r == 0 && i < s->edits.n; i++)
		if (strcmp(s->edits.p[i].rule, rule) != 0)
			r = edit_content_of(ret, &s->edits.p[i], a, err);
	return r < 0 ? err_context(err, "%s", s->target) : 0;
}

static int add_inverse(struct plan *plan, const struct step *s, const char *rule, struct err *err)
{
	struct step *inverse;
	struct state after = {0};
	int r = 0;

	if (s->n_rules > 1 && !s->edits.n && !s->type->is_action)
		return 0; /* another rule wants the same of it */
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
			if (has_rule(&applied->steps.p[i], rule) &&
				applied->steps.p[i].type->is_action == (actions == 1))
				r = add_inverse(ret, &applied->steps.p[i], rule, err);
	if (r == 0)
		trim_steps(ret, place);
	return r;
}
