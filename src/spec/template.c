/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "spec/template_private.h"

#define MAX_TEXT ((size_t)1 << 20)
#define MAX_STEPS ((size_t)1000000)
#define MAX_DEPTH 100

struct variable {
	struct str name;
	struct datum value;
};

enum jump { NO_JUMP, JUMP_BREAK, JUMP_CONTINUE };

struct run {
	struct arena *arena;
	const char *name;
	const struct template_world *world;
	const struct template_tree *tree;
	struct buf out;
	VEC(uint32_t) lines;
	bool in_line;
	VEC(struct variable) variables;
	struct datum dot;
	uint32_t line; /* that is at work, for messages */
	size_t steps;
	unsigned depth;
	enum jump jump;
	struct err *err;
};

static int bad(struct run *r, const char *fmt, ...) _printf_(2, 3);
static int bad(struct run *r, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(r->err, EINVAL, "%s:%u: template: %s", r->name, r->line, message);
}

static int step(struct run *r)
{
	if (!r->steps)
		return bad(r, "it does not come to an end");
	r->steps--;
	return 0;
}

/* --- what comes out -------------------------------------------------------------------------- */

/* Text of the template goes on by a line with each line; that of a value stays where the value is. */
static int put(struct run *r, struct str s, uint32_t line, bool is_text)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!r->in_line)
			*vec_push(r->arena, &r->lines) = line;
		r->in_line = s.p[i] != '\n';
		line += is_text && !r->in_line;
	}
	return buf_str(&r->out, s) < 0 ? bad(r, "what comes out is larger than 1 MiB") : 0;
}

/* --- values ---------------------------------------------------------------------------------- */

bool template_truth(const struct datum *d)
{
	switch (d->kind) {
	case DATUM_BOOL:
		return d->yes;
	case DATUM_INT:
		return d->number != 0;
	case DATUM_FLOAT:
		return d->real != 0;
	case DATUM_TEXT:
		return d->text.n > 0;
	case DATUM_LIST:
		return d->list.n > 0;
	case DATUM_MAP:
		return d->map->n > 0;
	default:
		return false;
	}
}

static int get_field(struct run *r, struct datum *d, struct str name)
{
	const struct datum *value = datum_get(d, name);

	if (value)
		*d = *value;
	else if (d->kind == DATUM_MAP)
		return bad(r, "there is no '%.*s' here", STR_ARG(name));
	else
		return bad(r, "'%.*s' is asked of %s", STR_ARG(name), datum_kind_name(d->kind));
	return 0;
}

static struct variable *find_variable(struct run *r, struct str name)
{
	for (size_t i = r->variables.n; i-- > 0;)
		if (str_eq(r->variables.p[i].name, name))
			return &r->variables.p[i];
	return NULL;
}

static int run_pipeline(struct run *r, const struct pipeline *pipe, struct datum *ret);
static int run_function(struct run *r, const struct template_function *f,
						const struct command_call *c, const struct datum *last, struct datum *ret);

static int get_operand(struct run *r, const struct operand *o, struct datum *ret)
{
	const struct variable *v;
	int status = 0;

	switch (o->kind) {
	case OPERAND_DOT:
		*ret = r->dot;
		break;
	case OPERAND_LITERAL:
		*ret = o->literal;
		break;
	case OPERAND_PIPELINE:
		status = run_pipeline(r, o->pipeline, ret);
		break;
	case OPERAND_FUNCTION:
		status = run_function(r, o->function, NULL, NULL, ret);
		break;
	case OPERAND_VARIABLE:
		v = find_variable(r, o->name);
		if (!v)
			return bad(r, "there is no variable $%.*s", STR_ARG(o->name));
		*ret = v->value;
		break;
	}
	for (size_t i = 0; status == 0 && i < o->fields.n; i++)
		status = get_field(r, ret, o->fields.p[i]);
	return status;
}

/* `and` and `or` look no further than they have to. */
static int run_short(struct run *r, const struct command_call *c, bool stops_at,
					 const struct datum *last, struct datum *ret)
{
	for (size_t i = 1; i < c->operands.n; i++) {
		if (get_operand(r, &c->operands.p[i], ret) < 0)
			return -EINVAL;
		if (template_truth(ret) == stops_at)
			return 0;
	}
	if (last)
		*ret = *last;
	return 0;
}

static int run_function(struct run *r, const struct template_function *f,
						const struct command_call *c, const struct datum *last, struct datum *ret)
{
	size_t n = c ? c->operands.n - 1 : 0;
	struct call call = {r->arena, r->world, f, NULL, n + (last != NULL), &r->steps, r->err};
	bool is_or = strcmp(f->name, "or") == 0;

	if (step(r) < 0)
		return -EINVAL;
	if (call.n < f->min || (f->max && call.n > f->max))
		return bad(r, "%s takes %s%u argument%s, and gets %zu", f->name,
				   f->max == f->min ? "" : "at least ", f->min, f->min == 1 ? "" : "s", call.n);
	*ret = DATUM_NOTHING;
	if (c && (is_or || strcmp(f->name, "and") == 0))
		return run_short(r, c, is_or, last, ret);
	call.args = arena_new(r->arena, struct datum, call.n + 1);
	for (size_t i = 0; i < n; i++)
		if (get_operand(r, &c->operands.p[i + 1], &call.args[i]) < 0)
			return -EINVAL;
	if (last)
		call.args[n] = *last;
	if (f->run(&call, ret) < 0)
		return bad(r, "%s", arena_strdup(r->arena, r->err->msg));
	return 0;
}

static int run_call(struct run *r, const struct command_call *c, const struct datum *last,
					struct datum *ret)
{
	const struct operand *first = &c->operands.p[0];
	int status;

	if (first->kind != OPERAND_FUNCTION) {
		if (c->operands.n > 1 || last)
			return bad(r, "what is no function takes no arguments");
		return get_operand(r, first, ret);
	}
	status = run_function(r, first->function, c, last, ret);
	for (size_t i = 0; status == 0 && i < first->fields.n; i++)
		status = get_field(r, ret, first->fields.p[i]);
	return status;
}

static int run_pipeline(struct run *r, const struct pipeline *pipe, struct datum *ret)
{
	struct datum last = DATUM_NOTHING;

	r->line = pipe->line;
	if (step(r) < 0 || ++r->depth > MAX_DEPTH)
		return bad(r, "it goes too deep");
	for (size_t i = 0; i < pipe->commands.n; i++) {
		if (run_call(r, &pipe->commands.p[i], i ? &last : NULL, ret) < 0)
			return -EINVAL;
		last = *ret;
	}
	r->depth--;
	return 0;
}

static int set_variable(struct run *r, const struct pipeline *pipe, size_t i, struct datum value)
{
	struct variable *v;

	if (!pipe->assigns) {
		*vec_push(r->arena, &r->variables) = (struct variable){pipe->variables.p[i], value};
		return 0;
	}
	v = find_variable(r, pipe->variables.p[i]);
	if (!v)
		return bad(r, "there is no variable $%.*s", STR_ARG(pipe->variables.p[i]));
	v->value = value;
	return 0;
}

/* --- parts ----------------------------------------------------------------------------------- */

static int run_list(struct run *r, const struct part *list);

static int run_value(struct run *r, const struct part *part)
{
	struct datum value;
	int status = run_pipeline(r, part->pipeline, &value);

	if (status < 0)
		return status;
	if (part->pipeline->variables.n)
		return set_variable(r, part->pipeline, 0, value);
	if (value.kind == DATUM_NULL)
		return put(r, STR("<no value>"), part->line, false);
	return put(r, datum_text(r->arena, &value), part->line, false);
}

static int run_condition(struct run *r, const struct part *part)
{
	size_t outer = r->variables.n;
	struct datum value, dot = r->dot;
	int status = run_pipeline(r, part->pipeline, &value);
	bool truth;

	if (status == 0 && part->pipeline->variables.n)
		status = set_variable(r, part->pipeline, 0, value);
	if (status < 0)
		return status;
	truth = template_truth(&value);
	if (part->kind == PART_WITH && truth)
		r->dot = value;
	status = run_list(r, truth ? part->inner : part->otherwise);
	r->dot = dot;
	r->variables.n = outer;
	return status;
}

/* One turn; 1 ends the loop. */
static int run_turn(struct run *r, const struct part *part, struct datum key, struct datum value)
{
	const struct pipeline *pipe = part->pipeline;
	size_t outer = r->variables.n;
	int status = step(r);

	if (status == 0 && pipe->variables.n == 2)
		status = set_variable(r, pipe, 0, key);
	if (status == 0 && pipe->variables.n)
		status = set_variable(r, pipe, pipe->variables.n - 1, value);
	r->dot = value;
	if (status == 0)
		status = run_list(r, part->inner);
	r->variables.n = outer;
	if (status == 0 && r->jump == JUMP_BREAK)
		status = 1;
	r->jump = NO_JUMP;
	return status;
}

static int run_turns(struct run *r, const struct part *part, const struct datum *over)
{
	int status = 0;

	if (over->kind == DATUM_LIST) {
		for (size_t i = 0; status == 0 && i < over->list.n; i++)
			status = run_turn(r, part, DATUM_NUMBER((int64_t)i), over->list.p[i]);
	} else if (over->kind == DATUM_INT) {
		for (int64_t i = 0; status == 0 && i < over->number; i++)
			status = run_turn(r, part, DATUM_NUMBER(i), DATUM_NUMBER(i));
	} else {
		size_t n = over->map->n;
		const struct member *m = datum_sorted(over, r->arena);

		for (size_t i = 0; status == 0 && i < n; i++)
			status = run_turn(r, part, DATUM_STR(m[i].key), m[i].value);
	}
	return MIN(status, 0);
}

static int run_range(struct run *r, const struct part *part)
{
	struct datum over, dot = r->dot;
	int status = run_pipeline(r, part->pipeline, &over);

	if (status < 0)
		return status;
	if (over.kind == DATUM_BOOL || over.kind == DATUM_FLOAT || over.kind == DATUM_TEXT)
		return bad(r, "range over %s", datum_kind_name(over.kind));
	status = template_truth(&over) ? run_turns(r, part, &over) : run_list(r, part->otherwise);
	r->dot = dot;
	return status;
}

static const struct part *find_definition(const struct run *r, struct str name, bool *ret_found)
{
	for (size_t i = r->tree->definitions.n; i-- > 0;)
		if (str_eq(r->tree->definitions.p[i].name, name)) {
			*ret_found = true;
			return r->tree->definitions.p[i].parts;
		}
	*ret_found = false;
	return NULL;
}

static int run_template(struct run *r, const struct part *part)
{
	struct datum dot = r->dot, value = DATUM_NOTHING;
	struct variable *outer = r->variables.p;
	size_t n = r->variables.n, cap = r->variables.cap;
	const struct part *list;
	bool found;
	int status = 0;

	r->line = part->line;
	list = find_definition(r, part->text, &found);
	if (!found)
		return bad(r, "there is no template '%.*s'", STR_ARG(part->text));
	if (part->pipeline)
		status = run_pipeline(r, part->pipeline, &value);
	if (status < 0)
		return status;
	if (++r->depth > MAX_DEPTH)
		return bad(r, "it goes too deep");
	r->variables.p = NULL; /* it sees none of those outside */
	r->variables.n = r->variables.cap = 0;
	*vec_push(r->arena, &r->variables) = (struct variable){STR(""), value};
	r->dot = value;
	status = run_list(r, list);
	r->depth--;
	r->variables.p = outer;
	r->variables.n = n;
	r->variables.cap = cap;
	r->dot = dot;
	return status;
}

static int run_part(struct run *r, const struct part *part)
{
	r->line = part->line;
	switch (part->kind) {
	case PART_TEXT:
		return put(r, part->text, part->line, true);
	case PART_VALUE:
		return run_value(r, part);
	case PART_IF:
	case PART_WITH:
		return run_condition(r, part);
	case PART_RANGE:
		return run_range(r, part);
	case PART_TEMPLATE:
		return run_template(r, part);
	case PART_BREAK:
		r->jump = JUMP_BREAK;
		return 0;
	default:
		r->jump = JUMP_CONTINUE;
		return 0;
	}
}

static int run_list(struct run *r, const struct part *list)
{
	int status = 0;

	for (; status == 0 && list && r->jump == NO_JUMP; list = list->next) {
		status = step(r);
		if (status == 0)
			status = run_part(r, list);
	}
	return status;
}

int template_render(struct str source, const char *name, const struct template_world *world,
					struct arena *a, struct template_text *ret, struct err *err)
{
	struct template_tree tree;
	struct run r = {.arena = a,
					.name = name,
					.world = world,
					.tree = &tree,
					.out = BUF(MAX_TEXT),
					.steps = MAX_STEPS,
					.err = err};
	int status = 0;

	if (source.n > MAX_TEXT)
		return err_set(err, EFBIG, "%s: larger than 1 MiB", name);
	status = template_parse(source, name, a, &tree, err);
	if (status < 0)
		return status;
	r.dot = datum_map(a);
	datum_put(a, &r.dot, STR("Vars"), world->vars);
	datum_put(a, &r.dot, STR("Env"), world->env);
	*vec_push(a, &r.variables) = (struct variable){STR(""), r.dot};
	status = run_list(&r, tree.parts);
	ret->text = (struct str){arena_copy(a, buf_get(&r.out).p, r.out.n), r.out.n};
	ret->lines = r.lines.p;
	ret->n_lines = r.lines.n;
	buf_done(&r.out);
	return status;
}
