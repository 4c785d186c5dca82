/* SPDX-License-Identifier: Apache-2.0 */
#include "change/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "change/content.h"
#include "change/fs.h"
#include "change/settle.h"
#include "host/acl.h"
#include "host/passwd.h"
#include "host/site_file.h"
#include "host/value.h"

#define MAX_LINKS 40

struct planner {
	struct plan *plan;
	struct host *host;
	struct place place;
	struct map steps;       /* "type target" -> number of the step + 1 */
	struct settled settled; /* which edit decided what */
	struct map *captured;   /* "type target" -> struct state: one look for all rules */
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

static int capture(struct planner *p, struct step *s, const char *key, struct err *err)
{
	struct state *seen = map_get(p->captured, str_of(key));
	int r = 0;

	if (!seen) {
		seen = arena_new(p->plan->arena, struct state, 1);
		r = s->type->capture(&p->place, s->target, p->plan->arena, seen, err);
		if (r == 0)
			map_put(p->captured, str_of(key), seen);
	}
	for (size_t i = 0; r == 0 && i < seen->n; i++)
		state_set(&s->before, p->plan->arena, seen->p[i].name, seen->p[i].value);
	return r;
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
	return s->type->is_file ? capture(p, s, key, err) : 0;
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

/* A step changes a field: the present value is in `before`, the new one goes to `after`. */
static void change_field(struct planner *p, struct step *s, const char *name, struct str value)
{
	struct str other = state_get(&s->after, name);

	if (other.p && strcmp(name, "mode") == 0)
		value = joined_modes(p, state_get(&s->before, name), other, value);
	state_set(&s->after, p->plan->arena, name, value);
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
		r = fs_check_changeable(&p->place, path, true, err);
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

/* What the file becomes is made of all its edits, when they are known. */
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
	}
	return 0;
}

static int make_contents(struct planner *p, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->plan->steps.n; i++) {
		struct step *s = &p->plan->steps.p[i];
		struct str content;

		if (!s->edits.n || state_is(&s->after, "type", "absent"))
			continue;
		content = state_is(&s->before, "type", "absent") ? STR("") : state_get(&s->before, "content");
		r = content_edit(content, &s->edits, NULL, p->plan->arena, &content, err);
		if (r < 0)
			return err_context(err, "%s", s->target);
		state_set(&s->after, p->plan->arena, "content", content);
	}
	return r;
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
		r = fs_check_changeable(&p->place, path, false, err);
	if (r == 0)
		r = find_step(p, "attributes", path, e->rule, &s, err);
	if (r == 0)
		r = attribute_value(p, e, &value, err);
	if (r == 0)
		change_field(p, s, str_dup(p->plan->arena, e->name), value);
	return r;
}

/* A field of whatever the step type is about. */
static int edit_thing(struct planner *p, const struct edit *e, struct err *err)
{
	const struct step_type *type = step_type_find(str_of(e->step));
	const char *path = e->target;
	struct step *s = NULL;
	int r = 0;

	if (type && type->is_file)
		r = resolve(p, &path, err);
	if (r == 0 && type && type->is_file)
		r = fs_check_changeable(&p->place, path, false, err);
	if (r == 0)
		r = find_step(p, e->step, path, e->rule, &s, err);
	if (r < 0)
		return r;
	if (!type->is_file)
		state_set(&s->before, p->plan->arena, str_dup(p->plan->arena, e->name), e->old);
	change_field(p, s, str_dup(p->plan->arena, e->name), e->value);
	return 0;
}

/* --- edits ------------------------------------------------------------------------------------- */

static int take_edit(struct planner *p, const struct edit *e, struct err *err)
{
	struct step *s = NULL;

	settled_add(&p->settled, e);
	switch (e->kind) {
	case EDIT_KEY:
	case EDIT_CONTENT:
	case EDIT_LINE:
		return edit_file(p, e, err);
	case EDIT_ATTRIBUTE:
		return edit_attributes(p, e, err);
	case EDIT_RELOAD:
		return find_step(p, "reload", e->target, e->rule, &s, err);
	default:
		return edit_thing(p, e, err);
	}
}

/* A file's list and its mode share bits: where both change, the list has both changes. */
static void join_list_and_mode(struct planner *p, struct step *list, struct step *attributes)
{
	_cleanup_buf_ struct buf text = BUF(64);
	unsigned before, after, mode = acl_mode(state_get(&list->after, "access"));
	struct state rest = {0};

	if (num_mode(state_get(&attributes->before, "mode"), &before) < 0 ||
		num_mode(state_get(&attributes->after, "mode"), &after) < 0 || (before ^ after) & 07000)
		return;
	acl_of_mode(((mode & ~(before & ~after)) | (after & ~before)) & 0777, &text);
	state_set(&list->after, p->plan->arena, "access", buf_get(&text));
	for (size_t i = 0; i < attributes->after.n; i++)
		if (strcmp(attributes->after.p[i].name, "mode") != 0)
			state_set(&rest, p->plan->arena, attributes->after.p[i].name, attributes->after.p[i].value);
	attributes->after = rest;
	for (size_t i = 0; i < attributes->n_rules; i++)
		add_rule(p, list, attributes->rules[i]);
}

static void join_lists_and_modes(struct planner *p)
{
	vec_each(&p->plan->steps, list) {
		uintptr_t other = (uintptr_t)map_get(
			&p->steps, str_of(arena_printf(p->plan->arena, "attributes %s", list->target)));

		if (other && strcmp(list->type->name, "acl") == 0 && state_get(&list->after, "access").p &&
			state_has(&p->plan->steps.p[other - 1].after, "mode"))
			join_list_and_mode(p, list, &p->plan->steps.p[other - 1]);
	}
}

/* --- what is left of it ------------------------------------------------------------------------- */

/* Has the rule a step that changes something? */
static bool has_change(const struct plan *plan, const char *rule)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (!plan->steps.p[i].type->is_action && step_has_rule(&plan->steps.p[i], rule))
			return true;
	return false;
}

static bool changes_nothing(const struct step *s, const struct place *place)
{
	const char *field;

	return (s->type->live_only && !place->live) ||
		   (!s->type->is_action && state_covers(&s->before, &s->after, &field));
}

/* An action is for what its rules change: without that, there is nothing to be taken in. */
static bool activates_nothing(const struct plan *plan, const struct step *s)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (has_change(plan, s->rules[i]))
			return false;
	return s->type->is_action;
}

/* Each step keeps in `before` just what it has in `after`. */
static void trim_before(struct plan *plan, struct step *s)
{
	struct state before = {0};

	for (size_t k = 0; k < s->after.n; k++)
		state_set(&before, plan->arena, s->after.p[k].name, state_get(&s->before, s->after.p[k].name));
	s->before = before;
}

void plan_trim(struct plan *plan, const struct place *place)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->steps.n; i++)
		if (!changes_nothing(&plan->steps.p[i], place)) {
			trim_before(plan, &plan->steps.p[i]);
			plan->steps.p[kept++] = plan->steps.p[i];
		}
	plan->steps.n = kept;
	kept = 0;
	for (size_t i = 0; i < plan->steps.n; i++)
		if (!activates_nothing(plan, &plan->steps.p[i]))
			plan->steps.p[kept++] = plan->steps.p[i];
	plan->steps.n = kept;
}

static void leave_alone(struct plan *plan, const char *rule, enum left left, const char *why)
{
	*vec_push(plan->arena, &plan->left) =
		(struct left_alone){rule, left, arena_strdup(plan->arena, why)};
}

/* A rule that fails, though all that its fix would bring about is so. */
static void trim_rules(struct plan *plan, const struct place *place)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->rules.n; i++)
		if (has_change(plan, plan->rules.p[i].id))
			plan->rules.p[kept++] = plan->rules.p[i];
		else
			leave_alone(plan, plan->rules.p[i].id, LEFT_NOT_POSSIBLE,
						place->live ? "what its fix brings about is so already; a restart or a reboot may be due"
									: "only on the running system");
	plan->rules.n = kept;
}

/* --- rules ------------------------------------------------------------------------------------- */

/* Is the wish about an object of which the site file waives the finding? */
static bool is_waived(const struct judgement *g, const struct wish *wish)
{
	_cleanup_buf_ struct buf label = BUF(8192);

	if (wish->row)
		row_label(&label, wish->table, wish->row);
	for (size_t i = 0; i < g->n; i++)
		if (g->p[i].waiver && (str_is(buf_get(&label), g->p[i].object) ||
							   (wish->key.p && str_is(wish->key, g->p[i].object))))
			return true;
	return false;
}

/* The edits that the tables make of what the rule wishes. */
static int collect_edits(struct planner *p, const struct plan_about *about, const struct judgement *g,
						 struct edits *ret, struct err *err)
{
	struct wishes wishes;
	int r;

	*ret = (struct edits){.arena = p->plan->arena, .rule = g->rule->id};
	r = rule_wishes(g->rule, about->snapshot, about->params, p->plan->arena, &wishes, err);
	for (size_t i = 0; r == 0 && i < wishes.n; i++)
		if (!is_waived(g, &wishes.p[i]))
			r = wishes.p[i].table->set(p->host, &wishes.p[i], ret, err);
	return r;
}

/* May all of them be made beside those that were? */
static int check_settled(const struct planner *p, const struct edits *edits, struct err *err)
{
	for (size_t i = 0; i < edits->n; i++) {
		const struct edit *e = &edits->p[i], *other = settled_against(&p->settled, e);
		_cleanup_buf_ struct buf what = BUF(1024), this = BUF(1024), that = BUF(1024);

		if (!other)
			continue;
		settled_thing(&what, other);
		settled_value(&that, other);
		settled_value(&this, e);
		return err_set(err, EEXIST, "%s wants %.*s to be %.*s, and %s %.*s", other->rule,
					   STR_ARG(buf_get(&what)), STR_ARG(buf_get(&that)), e->rule, STR_ARG(buf_get(&this)));
	}
	return 0;
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
	settled_begin(&p->settled, plan->arena);
}

/* Can the rule be fixed by itself? What cannot is left alone, and does not spoil the plan. */
static int try_alone(const struct planner *p, const struct edits *edits, struct err *err)
{
	struct plan alone = {.arena = p->plan->arena};
	struct planner scratch = *p;
	int r = 0;

	planner_begin(&scratch, &alone);
	for (size_t i = 0; r == 0 && i < edits->n; i++) {
		struct edits one = {.p = &edits->p[i], .n = 1};

		r = check_settled(&scratch, &one, err);
		if (r == 0)
			r = take_edits(&scratch, &one, err);
	}
	return r < 0 ? r : make_contents(&scratch, err);
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

/* What contradicts a rule that goes before, one more severe say, is left alone; but not where both
 * were asked for by name: then it is for the person to say which. */
static int plan_rule(struct planner *p, const struct plan_about *about, const struct judgement *g,
					 struct err *err)
{
	const struct rule *rule = g->rule;
	struct edits edits;
	struct err why = {0};
	const char *use = rule->not_while && !rule->by_hand.p
						  ? judge_holds(rule->not_while, about->snapshot, about->params, p->plan->arena)
						  : NULL;
	int r;

	if (use) {
		leave_alone(p->plan, rule->id, LEFT_NEEDED, arena_printf(p->plan->arena, "in use: %s", use));
		return 0;
	}
	r = collect_edits(p, about, g, &edits, &why);
	if (r == 0)
		r = try_alone(p, &edits, &why);
	if (r < 0) {
		leave_alone(p->plan, rule->id, LEFT_NOT_POSSIBLE, why.msg);
		return 0;
	}
	r = check_settled(p, &edits, &why);
	if (r < 0 && about->named)
		return err_set(err, EEXIST, "%s; plan for one of them", why.msg);
	if (r < 0) {
		leave_alone(p->plan, rule->id, LEFT_CONTRADICTS, why.msg);
		return 0;
	}
	add_plan_rule(p->plan, rule);
	return take_edits(p, &edits, err);
}

static const char *waiver_text(const struct site_waiver *w, struct arena *a)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);

	site_waiver_print(&text, w);
	return arena_copy(a, text.p, text.n);
}

static int plan_judgement(struct planner *p, const struct plan_about *about, const struct judgement *g,
						  struct err *err)
{
	struct arena *a = p->plan->arena;
	const struct rule *rule = g->rule;

	if (g->verdict == VERDICT_UNKNOWN)
		leave_alone(p->plan, rule->id, LEFT_UNKNOWN, g->reason);
	else if (g->excused && rule->fix != FIX_BY_HAND)
		leave_alone(p->plan, rule->id, LEFT_NEEDED, g->reason);
	else if (g->waiver)
		leave_alone(p->plan, rule->id, LEFT_WAIVED, waiver_text(g->waiver, a));
	else if (g->verdict == VERDICT_FAIL && rule->by_hand.p)
		leave_alone(p->plan, rule->id, LEFT_BY_HAND, str_dup(a, str_trim(rule->by_hand)));
	else if (g->verdict == VERDICT_FAIL)
		return plan_rule(p, about, g, err);
	return 0;
}

/* The most severe first: they have their way where two contradict each other. */
static int plan_all(struct planner *p, const struct plan_about *about, struct err *err)
{
	int r = 0;

	for (int severity = SEVERITY_CRITICAL; r == 0 && severity >= SEVERITY_LOW; severity--)
		for (size_t i = 0; r == 0 && i < about->n; i++)
			if ((int)about->judgements[i].rule->severity == severity)
				r = plan_judgement(p, about, &about->judgements[i], err);
	return r < 0 ? r : make_contents(p, err);
}

int plan_make(struct plan *plan, const struct plan_about *about, struct arena *a, struct err *err)
{
	struct host *host = about->host;
	struct planner p = {
		.host = host,
		.place = {host_root(host), about->root_fd, host_is_live(host)},
	};
	struct map captured;
	struct err ignored = {0};
	int r;

	*plan = (struct plan){
		.arena = a,
		.host = snapshot_os(about->snapshot, "hostname", NULL),
		.time = snapshot_facts(about->snapshot)->time,
		.root = arena_strdup(a, host_root(host)),
	};
	planner_begin(&p, plan);
	map_init(&captured, a);
	p.captured = &captured;
	p.has_users = passwd_read(host, a, &p.users, &ignored) == 0;
	r = plan_all(&p, about, err);
	if (r < 0)
		return r;
	join_lists_and_modes(&p);
	plan_trim(plan, &p.place);
	trim_rules(plan, &p.place);
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
