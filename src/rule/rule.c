/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/rule.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/vec.h"

static const char *const severities[] = {"low", "medium", "high", "critical"};
static const char *const risks[] = {
	[RISK_NONE] = "none", [RISK_RESTART] = "restart", [RISK_REBOOT] = "reboot", [RISK_ACCESS] = "access"};
static const char *const fixes[] = {"automatic", "guarded", "reboot", "by_hand"};

const char *severity_name(enum severity s)
{
	return severities[s];
}

const char *risk_name(enum risk r)
{
	return risks[r];
}

const char *fix_name(enum fix f)
{
	return fixes[f];
}

static int word_index(struct str word, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(word, words[i]))
			return (int)i;
	return -EINVAL;
}

int severity_parse(struct str s, enum severity *ret)
{
	int i = word_index(s, severities, ARRAY_LEN(severities));

	if (i < 0)
		return i;
	*ret = (enum severity)i;
	return 0;
}

/* --- parameters ------------------------------------------------------------------------------ */

static int add_parameter(struct catalogue *c, const struct rule *rule, struct yaml_at key,
						 struct yaml_at value, struct err *err)
{
	struct param *p = arena_new(&c->arena, struct param, 1);
	const struct param *other = map_get(&c->language.params.by_name, yaml_text(key));
	struct yaml_iter it = yaml_iter(value);

	p->name = str_dup(&c->arena, yaml_text(key));
	p->declared_in = rule->id;
	p->at = value;
	p->is_default = true;
	p->is_list = yaml_kind(value) == YAML_LIST;
	p->items = arena_new(&c->arena, struct str, yaml_len(value) + 1);
	if (!p->is_list)
		p->items[p->n++] = yaml_text(value);
	while (p->is_list && yaml_next(&it))
		p->items[p->n++] = yaml_text(it.value);
	for (size_t i = 0; other && i < MAX(p->n, other->n); i++)
		if (p->n != other->n || !str_eq(p->items[i], other->items[i]))
			return yaml_err(key, err, "%s declares %s with another default", other->declared_in,
							p->name);
	map_put(&c->language.params.by_name, str_of(p->name), p);
	return 0;
}

struct param_check {
	const struct params *params;
	struct err *err;
	int status;
};

static void check_conditions(struct param_check *check, const struct condition *c, size_t n)
{
	for (size_t i = 0; check->status == 0 && i < n; i++)
		check->status = expect_check_params(c[i].expect, check->params, check->err);
}

static void check_sentence_params(void *data, const struct sentence *s)
{
	struct param_check *check = data;

	if (check->status == 0 && s->expect)
		check->status = expect_check_params(s->expect, check->params, check->err);
	check_conditions(check, s->where, s->n_where);
	check_conditions(check, s->want, s->n_want);
}

static int check_params(struct catalogue *c, struct err *err)
{
	struct param_check check = {&c->language.params, err, 0};

	for (size_t i = 0; i < c->n; i++) {
		sentence_each(c->p[i].when, check_sentence_params, &check);
		sentence_each(c->p[i].unless, check_sentence_params, &check);
		sentence_each(c->p[i].want, check_sentence_params, &check);
		sentence_each(c->p[i].remedy, check_sentence_params, &check);
		sentence_each(c->p[i].not_while, check_sentence_params, &check);
	}
	return check.status;
}

int catalogue_set(struct catalogue *c, const char *assignment, struct err *err)
{
	struct str value = str_of(assignment), name = STR_ABSENT, item;
	struct param *p;
	VEC(struct str) items = {0};

	(void)str_cut(&value, '=', &name);
	p = map_get(&c->language.params.by_name, name);
	if (!value.p)
		return err_set(err, EINVAL, "--set %s: expected PARAMETER=VALUE", assignment);
	if (!p)
		return err_set(err, EINVAL, "there is no parameter '%.*s'; see: revet rules -f json",
					   STR_ARG(name));
	if (!p->is_list)
		*vec_push(&c->arena, &items) = value;
	while (p->is_list && str_cut(&value, ',', &item))
		*vec_push(&c->arena, &items) = str_trim(item);
	p->items = items.p;
	p->n = items.n;
	p->regex = NULL;
	p->at = (struct yaml_at){0};
	p->is_default = false;
	if (check_params(c, err) < 0)
		return err_context(err, "--set %s", assignment);
	return 0;
}

static int set_from(struct catalogue *c, struct yaml_at key, struct yaml_at value, struct err *err)
{
	struct param *p = map_get(&c->language.params.by_name, yaml_text(key));
	struct yaml_iter it = yaml_iter(value);

	if (!p)
		return yaml_err(key, err, "there is no parameter '%.*s'; see: revet rules -f json",
						STR_ARG(yaml_text(key)));
	if (yaml_kind(value) != (p->is_list ? YAML_LIST : YAML_SCALAR))
		return yaml_err(value, err, "expected %s, found %s", p->is_list ? "a list" : "a scalar",
						yaml_kind_name(value));
	p->items = arena_new(&c->arena, struct str, yaml_len(value) + 1);
	p->n = 0;
	p->regex = NULL;
	p->at = value;
	p->is_default = false;
	if (!p->is_list)
		return yaml_str(value, &p->items[p->n++], err);
	while (yaml_next(&it))
		if (yaml_str(it.value, &p->items[p->n++], err) < 0)
			return -EINVAL;
	return 0;
}

int catalogue_set_all(struct catalogue *c, struct yaml_at map, struct err *err)
{
	struct yaml_iter it = yaml_iter(map);
	int r = 0;

	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, err, "expected {parameter: value, ...}, found %s", yaml_kind_name(map));
	while (r == 0 && yaml_next(&it)) {
		r = set_from(c, it.key, it.value, err);
		if (r == 0 && check_params(c, err) < 0)
			r = yaml_err(it.value, err, "%s", arena_strdup(&c->arena, err->msg));
	}
	return r;
}

/* --- one rule -------------------------------------------------------------------------------- */

static int text_field(struct yaml_at at, const char *key, bool required, struct str *ret,
					  struct err *err)
{
	struct yaml_at node;

	if (!yaml_get(at, key, &node))
		return required ? yaml_err(at, err, "'%s' is missing", key) : 0;
	return yaml_str(node, ret, err);
}

static int word_field(struct yaml_at at, const char *key, const char *const words[], size_t n,
					  int otherwise, int *ret, struct err *err)
{
	struct yaml_at node;

	if (!yaml_get(at, key, &node)) {
		*ret = otherwise;
		return otherwise < 0 ? yaml_err(at, err, "'%s' is missing", key) : 0;
	}
	*ret = word_index(yaml_text(node), words, n);
	return *ret < 0 ? yaml_err(node, err, "'%.*s' is not a %s", STR_ARG(yaml_text(node)), key) : 0;
}

/* Does `where` say something of a column with the flag? */
static bool has_column(const struct sentence *s, enum column_flag flag)
{
	for (size_t i = 0; i < s->n_where; i++)
		if (s->table->columns[s->where[i].column].flags & flag)
			return true;
	return false;
}

/* Can the fix be derived from the sentence? Where every column it judges can be set, for rows that
 * must not be, where the table says how they go, and for one that should be, where it has a name. */
static bool is_settable(const struct sentence *s)
{
	bool settable = s->kind != SENTENCE_NOT && s->kind != SENTENCE_ANY;

	for (size_t i = 0; i < s->n_subs && settable; i++)
		settable = is_settable(s->subs[i]);
	for (size_t i = 0; s->kind == SENTENCE_ANY && i < s->n_subs; i++)
		settable = settable || is_settable(s->subs[i]);
	if (s->kind == SENTENCE_ANY)
		return settable;
	if (!s->table)
		return settable;
	if (!s->table->set || s->quantity == REVIEW_ROWS)
		return false;
	if (s->kind == SENTENCE_ROWS && s->quantity == SOME_ROW)
		return has_column(s, COLUMN_KEY) && has_column(s, COLUMN_SETTABLE);
	if (s->kind == SENTENCE_ROWS && s->quantity == NO_ROW)
		return true;
	for (size_t i = 0; i < s->n_want; i++)
		settable = settable && (s->table->columns[s->want[i].column].flags & COLUMN_SETTABLE);
	if (s->kind == SENTENCE_KEY) {
		bool any = false;

		for (int i = 0; s->table->columns[i].name; i++)
			any = any || (s->table->columns[i].flags & (COLUMN_VALUE | COLUMN_SETTABLE)) ==
							 (COLUMN_VALUE | COLUMN_SETTABLE);
		settable = s->key.p ? any : (s->table->columns[s->column].flags & COLUMN_SETTABLE) != 0;
	}
	return settable;
}

static enum fix fix_of(const struct rule *r)
{
	if (r->by_hand.p || !(r->remedy || is_settable(r->want)))
		return FIX_BY_HAND;
	return r->risk == RISK_ACCESS   ? FIX_GUARDED
		   : r->risk == RISK_REBOOT ? FIX_REBOOT
									: FIX_AUTOMATIC;
}

static int check_cases(const struct rule *r, struct yaml_at rule, struct err *err)
{
	struct yaml_iter it = yaml_iter(r->cases);
	bool pass = false, fail = false, manual = false, left = false;
	struct yaml_at ignored;

	while (yaml_next(&it)) {
		pass = pass || yaml_get(it.value, "pass", &ignored);
		fail = fail || yaml_get(it.value, "fail", &ignored);
		manual = manual || yaml_get(it.value, "manual", &ignored);
		left = left || yaml_get(it.value, "left_alone", &ignored);
	}
	if (!fail && !manual)
		return yaml_err(rule, err, "a rule needs a case in which it fails");
	if (left != (r->not_while != NULL))
		return yaml_err(rule, err,
						"a rule with 'not_while', and no other, needs a case left_alone");
	return pass || manual ? 0 : yaml_err(rule, err, "a rule needs a case in which it passes");
}

static int parse_sentences(struct catalogue *c, struct yaml_at at, struct rule *r, struct err *err)
{
	struct yaml_at node;
	int status = 0;

	if (yaml_get(at, "when", &node))
		status = sentence_parse(&c->language, node, false, &r->when, err);
	if (status == 0 && yaml_get(at, "unless", &node))
		status = sentence_parse(&c->language, node, true, &r->unless, err);
	if (status < 0)
		return status;
	if (yaml_get(at, "fix", &node))
		status = sentence_parse(&c->language, node, false, &r->remedy, err);
	if (status == 0 && yaml_get(at, "not_while", &node))
		status = sentence_parse(&c->language, node, true, &r->not_while, err);
	if (status < 0)
		return status;
	if (yaml_get(at, "for", &node))
		return sentence_parse_rows(&c->language, at, &r->want, err);
	if (!yaml_get(at, "want", &node))
		return yaml_err(at, err, "'want' is missing");
	return sentence_parse(&c->language, node, false, &r->want, err);
}

/* {standard: item} or {standard: [item, ...]} */
static int parse_refs(struct yaml_at at, struct rule *r, struct err *err)
{
	struct yaml_iter it, item;
	struct str text;
	int status = 0;

	if (!yaml_get(at, "refs", &r->refs))
		return 0;
	if (yaml_kind(r->refs) != YAML_MAP)
		return yaml_err(r->refs, err, "expected {standard: item, ...}, found %s",
						yaml_kind_name(r->refs));
	it = yaml_iter(r->refs);
	while (status == 0 && yaml_next(&it)) {
		item = yaml_iter(it.value);
		if (yaml_kind(it.value) == YAML_LIST)
			while (status == 0 && yaml_next(&item))
				status = yaml_str(item.value, &text, err);
		else
			status = yaml_str(it.value, &text, err);
	}
	return status;
}

/* The proofs that must hold before the fix is applied. */
static int parse_needs(struct yaml_at at, struct rule *r, struct err *err)
{
	static const char *const proofs[] = {"admin-can-log-in", "session-stays-allowed",
										 "pam-authenticates"};
	struct yaml_iter it;

	if (!yaml_get(at, "needs", &r->needs))
		return 0;
	if (yaml_kind(r->needs) != YAML_LIST)
		return yaml_err(r->needs, err, "expected a list of proofs");
	it = yaml_iter(r->needs);
	while (yaml_next(&it))
		if (word_index(yaml_text(it.value), proofs, ARRAY_LEN(proofs)) < 0)
			return yaml_err(it.value, err, "there is no proof '%.*s'", STR_ARG(yaml_text(it.value)));
	return 0;
}

static int parse_rule(struct catalogue *c, struct yaml_at at, struct rule *r, struct err *err)
{
	static const char *const keys[] = {"title", "severity",   "why",     "when", "unless",
									   "for",   "where",      "want",    "risk", "breaks",
									   "needs", "refs",       "by_hand", "fix",  "not_while",
									   "cases", "parameters", NULL};
	int word = 0, status = yaml_check_keys(at, keys, err);

	if (status == 0)
		status = text_field(at, "title", true, &r->title, err);
	if (status == 0)
		status = text_field(at, "why", true, &r->why, err);
	if (status == 0)
		status = text_field(at, "breaks", false, &r->breaks, err);
	if (status == 0)
		status = text_field(at, "by_hand", false, &r->by_hand, err);
	if (status == 0)
		status = word_field(at, "severity", severities, ARRAY_LEN(severities), -1, &word, err);
	r->severity = (enum severity)word;
	if (status == 0)
		status = word_field(at, "risk", risks, ARRAY_LEN(risks), RISK_NONE, &word, err);
	r->risk = (enum risk)word;
	if (status == 0 && yaml_get(at, "parameters", &r->parameters)) {
		struct yaml_iter it = yaml_iter(r->parameters);

		while (status == 0 && yaml_next(&it))
			status = add_parameter(c, r, it.key, it.value, err);
	}
	if (status == 0)
		status = parse_sentences(c, at, r, err);
	if (status < 0)
		return status;
	status = parse_refs(at, r, err);
	if (status == 0)
		status = parse_needs(at, r, err);
	if (status < 0)
		return status;
	if (!yaml_get(at, "cases", &r->cases))
		return yaml_err(at, err, "'cases' is missing: a rule needs one that passes and one that fails");
	if (r->by_hand.p && r->remedy)
		return yaml_err(at, err, "a rule has 'fix' or 'by_hand', not both");
	r->fix = fix_of(r);
	return check_cases(r, at, err);
}

int catalogue_add(struct catalogue *c, const struct yaml *doc, const char *id, struct err *err)
{
	struct rule *r = vec_push(&c->arena, c), rule = {0};
	const char *dot = strchr(id, '.'), *other;
	int status;

	rule.id = arena_strdup(&c->arena, id);
	rule.family = arena_copy(&c->arena, id, (size_t)(dot - id));
	rule.file = doc->name;
	other = map_put(&c->files, str_of(rule.id), (char *)doc->name);
	if (other)
		return err_set(err, EEXIST, "%s:1:1: %s is already defined in %s", doc->name, id, other);
	status = parse_rule(c, YAML_ROOT(doc), &rule, err);
	*r = rule;
	return status;
}

/* --- the catalogue --------------------------------------------------------------------------- */

/* "ssh/no-root-login.yaml" -> "ssh.no-root-login"; NULL when it is no such path. */
static const char *id_of(struct arena *a, const char *path)
{
	const char *slash = strchr(path, '/');
	struct str rest = str_of(path);
	char *id;

	if (!slash || !str_ends(rest, ".yaml") || strchr(slash + 1, '/'))
		return NULL;
	id = arena_copy(a, path, rest.n - 5);
	id[slash - path] = '.';
	return id;
}

bool embedded_is_rule(const struct embedded *e)
{
	struct str path = str_of(e->path);

	return str_has_char(path, '/') && !str_starts(path, "profiles/") && !str_starts(path, "maps/");
}

static int load_embedded(struct catalogue *c, bool workloads, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < embedded_count; i++) {
		const struct embedded *e = &embedded_rules[i];
		bool is_workloads = strcmp(e->path, "workloads.yaml") == 0;
		const char *id = id_of(&c->arena, e->path);
		struct yaml *doc;

		if (is_workloads != workloads || (!is_workloads && (!id || !embedded_is_rule(e))))
			continue;
		doc = arena_new(&c->arena, struct yaml, 1);
		*doc = (struct yaml){arena_printf(&c->arena, "catalogue/%s", e->path),
							 embedded_nodes + e->first_node, embedded_pool, e->n_nodes, 0};
		r = is_workloads ? language_load_workloads(&c->language, doc, err)
						 : catalogue_add(c, doc, id, err);
	}
	return r;
}

int own_path_check(int dir, const char *path, const char *name, struct err *err)
{
	_cleanup_close_ int fd = path_open(dir, path, O_PATH);

	if (fd < 0)
		return err_errno(err, -fd, "%s", name);
	if (fd_is_trusted(fd))
		return 0;
	return err_set(err, EPERM,
				   "%s: others can change it, and so what is judged and done here: chown root and "
				   "chmod go-w it",
				   name);
}

int own_file_parse(int dir, const char *path, const char *name, struct arena *a, struct yaml **ret,
				   struct err *err)
{
	struct str text;
	int r = own_path_check(dir, path, name, err);

	if (r < 0)
		return r;
	r = path_read(dir, path, 1 << 20, a, &text);
	if (r < 0)
		return err_errno(err, -r, "%s", name);
	*ret = arena_new(a, struct yaml, 1);
	return yaml_parse(text, name, a, *ret, err);
}

static int load_user_file(struct catalogue *c, int dir, const char *root, const char *path,
						  struct err *err)
{
	const char *name = arena_printf(&c->arena, "%s/%s", root, path), *id = id_of(&c->arena, path);
	struct yaml *doc;
	int r;

	if (!id)
		return err_set(err, EINVAL, "%s: a rule is a file FAMILY/NAME.yaml of that directory", name);
	r = own_file_parse(dir, path, name, &c->arena, &doc, err);
	return r < 0 ? r : catalogue_add(c, doc, id, err);
}

/* Hidden files, editors' copies and what package managers leave behind are no rules. */
static bool is_leftover(struct str name)
{
	return str_starts(name, ".") || str_ends(name, "~") || str_ends(name, ".dpkg-old") ||
		   str_ends(name, ".dpkg-dist") || str_ends(name, ".rpmnew") || str_ends(name, ".rpmsave");
}

/* `family` is "." for the directory of user rules itself. */
static int load_user_family(struct catalogue *c, int dir, const char *root, const char *family,
							struct err *err)
{
	bool top = strcmp(family, ".") == 0, more;
	struct path_entry *entries;
	size_t n;
	int r = path_list(dir, family, 10000, &c->arena, &entries, &n, &more);

	if (r < 0 || more)
		return err_errno(err, r < 0 ? -r : EFBIG, "%s/%s", root, family);
	r = own_path_check(dir, family, top ? root : arena_printf(&c->arena, "%s/%s", root, family), err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *name = entries[i].name;
		struct path_stat st;

		if (is_leftover(str_of(name)) || strcmp(name, "README") == 0)
			continue;
		if (!top)
			name = arena_printf(&c->arena, "%s/%s", family, name);
		r = path_stat(dir, name, true, &st);
		if (r < 0)
			return err_errno(err, -r, "%s/%s", root, name);
		r = top && S_ISDIR(st.mode) ? load_user_family(c, dir, root, name, err)
									: load_user_file(c, dir, root, name, err);
	}
	return r;
}

static int load_user_dir(struct catalogue *c, const char *root, struct err *err)
{
	_cleanup_close_ int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s", root);
	return load_user_family(c, dir, root, ".", err);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct rule *)a)->id, ((const struct rule *)b)->id);
}

/* Those that are built in are sorted already but for a few, and a rule is large. */
static void sort_rules(struct catalogue *c)
{
	bool sorted = true;

	for (size_t i = 1; i < c->n && sorted; i++)
		sorted = by_id(&c->p[i - 1], &c->p[i]) < 0;
	if (!sorted)
		qsort(c->p, c->n, sizeof(*c->p), by_id);
}

int catalogue_load(struct catalogue *c, const char *user_dir, struct err *err)
{
	int r;

	*c = (struct catalogue){0};
	c->language.arena = &c->arena;
	c->language.params.arena = &c->arena;
	map_init(&c->files, &c->arena);
	map_init(&c->language.workloads, &c->arena);
	map_init(&c->language.params.by_name, &c->arena);
	r = load_embedded(c, true, err);
	if (r == 0)
		r = load_embedded(c, false, err);
	if (r == 0 && user_dir)
		r = load_user_dir(c, user_dir, err);
	if (r < 0)
		return r;
	sort_rules(c);
	return check_params(c, err);
}

void catalogue_done(struct catalogue *c)
{
	arena_done(&c->arena);
}

const struct rule *catalogue_find(const struct catalogue *c, struct str id)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_is(id, c->p[i].id))
			return &c->p[i];
	return NULL;
}

const char *catalogue_nearest(const struct catalogue *c, struct str id)
{
	struct nearest near = nearest_to(id);

	for (size_t i = 0; i < c->n; i++)
		nearest_try(&near, c->p[i].id);
	return near.name;
}
