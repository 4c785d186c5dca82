/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "base/map.h"
#include "base/vec.h"

#define MAX_DEPTH 32
#define MAX_NODES 100000
#define MAX_BYTES (1u << 20)

struct anchor {
	struct str name;
	uint32_t node;
};

struct parser {
	yaml_parser_t lib;
	bool aliases; /* anchors are allowed, and what they name is copied */
	VEC(struct anchor) anchors;
	struct arena *arena;
	const char *name;
	VEC(struct yaml_node) nodes;
	char *pool;
	uint32_t n_pool;
	struct err *err;
};

static int fail(struct parser *p, yaml_mark_t at, const char *what)
{
	return err_set(p->err, EINVAL, "%s:%zu:%zu: %s", p->name, at.line + 1, at.column + 1, what);
}

static int next_event(struct parser *p, yaml_event_t *ret)
{
	if (yaml_parser_parse(&p->lib, ret))
		return 0;
	return fail(p, p->lib.problem_mark, p->lib.problem ? p->lib.problem : "not YAML");
}

static int add_node(struct parser *p, const yaml_event_t *event, enum yaml_kind kind,
					uint32_t *ret)
{
	size_t column = event->start_mark.column + 1;

	if (p->nodes.n >= MAX_NODES)
		return fail(p, event->start_mark, "too many nodes");
	*ret = (uint32_t)p->nodes.n;
	*vec_push(p->arena, &p->nodes) = (struct yaml_node){
		.kind = (uint8_t)kind,
		.line = (uint32_t)event->start_mark.line + 1,
		.column = (uint16_t)MIN(column, (size_t)UINT16_MAX),
	};
	return 0;
}

static int add_scalar(struct parser *p, const yaml_event_t *event, uint32_t *ret)
{
	size_t n = event->data.scalar.length;
	struct yaml_node *node;
	int r;

	if (event->data.scalar.anchor && !p->aliases)
		return fail(p, event->start_mark, "anchors are not allowed here");
	if (event->data.scalar.tag)
		return fail(p, event->start_mark, "tags are not allowed here");
	r = add_node(p, event, YAML_SCALAR, ret);
	if (r < 0)
		return r;
	node = &p->nodes.p[*ret];
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = p->n_pool;
	node->text_len = (uint32_t)n;
	/* A scalar is never longer than its source, escapes but "\L" and "\P" and "\N" and "\_"
	 * included, for which the pool has room threefold. */
	memcpy(p->pool + p->n_pool, event->data.scalar.value, n);
	p->n_pool += (uint32_t)n;
	return 0;
}

static int add_children(struct parser *p, uint32_t parent, bool is_map, unsigned depth);

/* --- anchors --------------------------------------------------------------------------------- */

static void set_anchor(struct parser *p, const unsigned char *name, uint32_t node)
{
	const char *copy = name ? arena_strdup(p->arena, (const char *)name) : NULL;

	if (copy)
		*vec_push(p->arena, &p->anchors) = (struct anchor){str_of(copy), node};
}

/* A node with all below it, behind the others. The text is shared. */
static int copy_node(struct parser *p, yaml_mark_t at, uint32_t from, unsigned depth, uint32_t *ret)
{
	struct yaml_node copy = p->nodes.p[from];
	uint32_t last = 0, child;
	int r = 0;

	copy.next = copy.child = 0;
	if (p->nodes.n >= MAX_NODES)
		return fail(p, at, "too many nodes");
	if (depth > MAX_DEPTH)
		return fail(p, at, "nested too deep");
	*ret = (uint32_t)p->nodes.n;
	*vec_push(p->arena, &p->nodes) = copy;
	for (uint32_t i = p->nodes.p[from].child; r == 0 && i; i = p->nodes.p[i].next) {
		r = copy_node(p, at, i, depth + 1, &child);
		if (r < 0)
			break;
		if (last)
			p->nodes.p[last].next = child;
		else
			p->nodes.p[*ret].child = child;
		last = child;
	}
	return r;
}

/* One that is not finished is none yet: nothing holds itself. */
static int add_alias(struct parser *p, const yaml_event_t *event, unsigned depth, uint32_t *ret)
{
	struct str name = str_of((const char *)event->data.alias.anchor);

	if (!p->aliases)
		return fail(p, event->start_mark, "aliases are not allowed here");
	for (size_t i = p->anchors.n; i-- > 0;)
		if (str_eq(p->anchors.p[i].name, name))
			return copy_node(p, event->start_mark, p->anchors.p[i].node, depth, ret);
	return fail(p, event->start_mark, "there is no such anchor before this");
}

static int add_value(struct parser *p, const yaml_event_t *event, unsigned depth, uint32_t *ret)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;
	const unsigned char *anchor =
		is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	int r;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		r = add_scalar(p, event, ret);
		if (r == 0)
			set_anchor(p, event->data.scalar.anchor, *ret);
		return r;
	case YAML_ALIAS_EVENT:
		return add_alias(p, event, depth, ret);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if ((anchor && !p->aliases) ||
			(is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag))
			return fail(p, event->start_mark, "anchors and tags are not allowed here");
		if (depth >= MAX_DEPTH)
			return fail(p, event->start_mark, "nested too deep");
		r = add_node(p, event, is_map ? YAML_MAP : YAML_LIST, ret);
		if (r == 0)
			r = add_children(p, *ret, is_map, depth + 1);
		if (r == 0)
			set_anchor(p, anchor, *ret);
		return r;
	default:
		return fail(p, event->start_mark, "unexpected");
	}
}

static struct str node_text(const struct parser *p, uint32_t i)
{
	return (struct str){p->pool + p->nodes.p[i].text, p->nodes.p[i].text_len};
}

static int check_key(struct parser *p, const yaml_event_t *event, uint32_t key, struct map *seen)
{
	char message[160];

	if (p->nodes.p[key].kind != YAML_SCALAR)
		return fail(p, event->start_mark, "a mapping's key must be a scalar");
	if (!map_put(seen, node_text(p, key), p))
		return 0;
	snprintf(message, sizeof(message), "duplicate key '%.*s'",
			 (int)MIN(p->nodes.p[key].text_len, 100u), node_text(p, key).p);
	return fail(p, event->start_mark, message);
}

static void link_node(struct parser *p, uint32_t parent, uint32_t *last, uint32_t node)
{
	if (*last)
		p->nodes.p[*last].next = node;
	else
		p->nodes.p[parent].child = node;
	*last = node;
}

static bool is_merge(const struct parser *p, uint32_t key)
{
	return p->aliases && !p->nodes.p[key].quoted && str_is(node_text(p, key), "<<");
}

/* `<<: *defaults`: what the mapping has itself stays. */
static int merge(struct parser *p, yaml_mark_t at, uint32_t parent, uint32_t *last, uint32_t from,
				 struct map *seen)
{
	if (p->nodes.p[from].kind != YAML_MAP)
		return fail(p, at, "what is merged must be a mapping, or a list of them");
	for (uint32_t key = p->nodes.p[from].child, next; key; key = next) {
		uint32_t value = p->nodes.p[key].next;

		next = p->nodes.p[value].next;
		p->nodes.p[value].next = 0;
		if (map_put(seen, node_text(p, key), p))
			continue;
		link_node(p, parent, last, key);
		link_node(p, parent, last, value);
	}
	return 0;
}

static int merge_all(struct parser *p, yaml_mark_t at, uint32_t parent, uint32_t *last,
					 uint32_t from, struct map *seen)
{
	int r = 0;

	if (p->nodes.p[from].kind != YAML_LIST)
		return merge(p, at, parent, last, from, seen);
	for (uint32_t i = p->nodes.p[from].child; r == 0 && i; i = p->nodes.p[i].next)
		r = merge(p, at, parent, last, i, seen);
	return r;
}

static int add_children(struct parser *p, uint32_t parent, bool is_map, unsigned depth)
{
	uint32_t last = 0, child = 0, merged = 0;
	bool merges = false;
	struct map seen;

	map_init(&seen, p->arena);
	for (bool is_key = is_map;; is_key = is_map && !is_key) {
		yaml_event_t event;
		yaml_mark_t at;
		bool end;
		int r = next_event(p, &event);

		if (r < 0)
			return r;
		at = event.start_mark;
		end = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
		if (!end)
			r = add_value(p, &event, depth, &child);
		if (!end && r == 0 && is_key)
			r = check_key(p, &event, child, &seen);
		yaml_event_delete(&event);
		if (r < 0)
			return r;
		if (end)
			return merged ? merge_all(p, at, parent, &last, merged, &seen) : 0;
		if (is_key)
			merges = is_merge(p, child);
		if (is_map && merges)
			merged = is_key ? merged : child;
		else
			link_node(p, parent, &last, child);
	}
}

/* Passes an event of the given type, or fails with `otherwise`. */
static int expect(struct parser *p, yaml_event_type_t type, const char *otherwise)
{
	yaml_event_t event;
	yaml_mark_t at;
	bool fits;
	int r = next_event(p, &event);

	if (r < 0)
		return r;
	fits = event.type == type;
	at = event.start_mark;
	yaml_event_delete(&event);
	return fits ? 0 : fail(p, at, otherwise);
}

static int parse_document(struct parser *p)
{
	yaml_event_t event;
	uint32_t root;
	int r = expect(p, YAML_STREAM_START_EVENT, "not a YAML stream");

	if (r == 0)
		r = expect(p, YAML_DOCUMENT_START_EVENT, "the file is empty");
	if (r == 0)
		r = next_event(p, &event);
	if (r < 0)
		return r;
	r = add_value(p, &event, 0, &root);
	yaml_event_delete(&event);
	if (r == 0)
		r = expect(p, YAML_DOCUMENT_END_EVENT, "expected the end of the document");
	if (r == 0)
		r = expect(p, YAML_STREAM_END_EVENT, "only one document is allowed in a file");
	return r;
}

static int parse(struct str text, const char *name, bool aliases, struct arena *arena,
				 struct yaml *ret, struct err *err)
{
	struct parser p = {.aliases = aliases, .arena = arena, .name = name, .err = err};
	int r;

	if (text.n > MAX_BYTES)
		return err_set(err, EFBIG, "%s: larger than 1 MiB", name);
	if (!yaml_parser_initialize(&p.lib))
		return err_set(err, ENOMEM, "%s: out of memory", name);
	yaml_parser_set_input_string(&p.lib, (const unsigned char *)text.p, text.n);
	yaml_parser_set_encoding(&p.lib, YAML_UTF8_ENCODING);
	p.pool = arena_alloc(arena, 3 * text.n + 16);
	r = parse_document(&p);
	yaml_parser_delete(&p.lib);
	if (r < 0)
		return r;
	*ret = (struct yaml){name, p.nodes.p, p.pool, (uint32_t)p.nodes.n, p.n_pool};
	return 0;
}

int yaml_parse(struct str text, const char *name, struct arena *arena, struct yaml *ret,
			   struct err *err)
{
	return parse(text, name, false, arena, ret, err);
}

int yaml_parse_aliases(struct str text, const char *name, struct arena *arena, struct yaml *ret,
					   struct err *err)
{
	return parse(text, name, true, arena, ret, err);
}

static const struct yaml_node *node(struct yaml_at at)
{
	return &at.doc->nodes[at.i];
}

enum yaml_kind yaml_kind(struct yaml_at at)
{
	return (enum yaml_kind)node(at)->kind;
}

const char *yaml_kind_name(struct yaml_at at)
{
	static const char *const names[] = {"a scalar", "a list", "a mapping"};

	return names[node(at)->kind];
}

struct str yaml_text(struct yaml_at at)
{
	const struct yaml_node *n = node(at);

	return n->kind == YAML_SCALAR ? (struct str){at.doc->pool + n->text, n->text_len} : STR_ABSENT;
}

bool yaml_is_null(struct yaml_at at)
{
	struct str text = yaml_text(at);

	return text.p && !node(at)->quoted && (!text.n || str_is(text, "~") || str_is(text, "null"));
}

struct yaml_iter yaml_iter(struct yaml_at of)
{
	return (struct yaml_iter){.of = of, .next = node(of)->child};
}

bool yaml_next(struct yaml_iter *it)
{
	if (!it->next)
		return false;
	it->value = it->key = (struct yaml_at){it->of.doc, it->next};
	if (yaml_kind(it->of) == YAML_MAP)
		it->value.i = node(it->key)->next;
	it->next = node(it->value)->next;
	return true;
}

bool yaml_get(struct yaml_at at, const char *key, struct yaml_at *ret)
{
	const struct yaml_node *nodes = at.doc->nodes;
	const struct str wanted = str_of(key);
	uint32_t value;

	if (yaml_kind(at) != YAML_MAP)
		return false;
	for (uint32_t i = nodes[at.i].child; i; i = nodes[value].next) {
		value = nodes[i].next;
		if (nodes[i].kind != YAML_SCALAR || nodes[i].text_len != wanted.n ||
			memcmp(at.doc->pool + nodes[i].text, wanted.p, wanted.n) != 0)
			continue;
		*ret = (struct yaml_at){at.doc, value};
		return true;
	}
	return false;
}

uint32_t yaml_len(struct yaml_at at)
{
	struct yaml_iter it = yaml_iter(at);
	uint32_t n = 0;

	while (yaml_next(&it))
		n++;
	return n;
}

int yaml_err(struct yaml_at at, struct err *err, const char *fmt, ...)
{
	char message[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(err, EINVAL, "%s:%u:%u: %s", at.doc->name, node(at)->line, node(at)->column,
				   message);
}

static bool is_known(struct str key, const char *const known[])
{
	for (; *known; known++)
		if (str_is(key, *known))
			return true;
	return false;
}

const char *yaml_nearest(struct str key, const char *const known[])
{
	struct nearest near = nearest_to(key);

	for (; *known; known++)
		nearest_try(&near, *known);
	return near.name;
}

int yaml_check_keys(struct yaml_at at, const char *const known[], struct err *err)
{
	struct yaml_iter it = yaml_iter(at);
	const char *guess;

	if (yaml_kind(at) != YAML_MAP)
		return yaml_err(at, err, "expected a mapping, found %s", yaml_kind_name(at));
	while (yaml_next(&it)) {
		struct str key = yaml_text(it.key);

		if (is_known(key, known))
			continue;
		guess = yaml_nearest(key, known);
		return yaml_err(it.key, err, "unknown key '%.*s'%s%s%s", STR_ARG(key),
						guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
	}
	return 0;
}

int yaml_str(struct yaml_at at, struct str *ret, struct err *err)
{
	if (yaml_kind(at) != YAML_SCALAR || yaml_is_null(at))
		return yaml_err(at, err, "expected text, found %s",
						yaml_is_null(at) ? "nothing" : yaml_kind_name(at));
	*ret = yaml_text(at);
	return 0;
}

int yaml_bool(struct yaml_at at, bool *ret, struct err *err)
{
	struct str text = yaml_text(at);

	if (str_is(text, "true") || str_is(text, "yes"))
		*ret = true;
	else if (str_is(text, "false") || str_is(text, "no"))
		*ret = false;
	else
		return yaml_err(at, err, "expected true or false");
	return 0;
}
