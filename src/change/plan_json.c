/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as JSON. The hash is over the text of everything but itself, so that a plan that was edited
 * or cut short is refused. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/num.h"
#include "change/plan.h"
#include "host/value.h"

#define FORMAT "revet-plan"
#define HASH_KEY "\"sha256\": \""

/* --- writing --------------------------------------------------------------------------------- */

static void write_state(struct jsonw *j, const char *key, const struct state *s)
{
	jsonw_key(j, key);
	jsonw_object(j);
	for (size_t i = 0; i < s->n; i++)
		jsonw_member_str(j, s->p[i].name, s->p[i].value);
	jsonw_end(j);
}

static void write_names(struct jsonw *j, const char *key, const char *const *names, size_t n)
{
	jsonw_key(j, key);
	jsonw_array(j);
	for (size_t i = 0; i < n; i++)
		jsonw_strz(j, names[i]);
	jsonw_end(j);
}

/* The kinds and styles that a file's edits may be of. */
static const char *const kinds[] = {
	[EDIT_KEY] = "key", [EDIT_CONTENT] = "content", [EDIT_LINE] = "line"};
static const char *const styles[] = {
	[EDIT_SPACE] = "space",       [EDIT_EQUALS] = "equals", [EDIT_INI] = "ini",
	[EDIT_APT] = "apt",           [EDIT_GRUB] = "grub",     [EDIT_GRUB_WORD] = "grub-word",
	[EDIT_DEFAULTS] = "defaults", [EDIT_LINES] = "lines",   [EDIT_FSTAB] = "fstab"};

static const char *const lefts[] = {
	[LEFT_NEEDED] = "needed", [LEFT_WAIVED] = "waived", [LEFT_CONTRADICTS] = "contradicts", [LEFT_NOT_POSSIBLE] = "not possible",
	[LEFT_BY_HAND] = "by hand", [LEFT_UNKNOWN] = "unknown"};

const char *left_name(enum left l)
{
	return lefts[l];
}

static void write_edits(struct jsonw *j, const struct edits *edits)
{
	if (!edits->n)
		return;
	jsonw_key(j, "edits");
	jsonw_array(j);
	for (size_t i = 0; i < edits->n; i++) {
		const struct edit *e = &edits->p[i];

		jsonw_object(j);
		jsonw_member_strz(j, "rule", e->rule);
		jsonw_member_strz(j, "kind", kinds[e->kind]);
		jsonw_member_strz(j, "style", styles[e->style]);
		jsonw_member_str(j, "section", e->section);
		jsonw_member_str(j, "name", e->name);
		jsonw_member_str(j, "value", e->value);
		jsonw_member_str(j, "old", e->old);
		jsonw_member_int(j, "line", e->line);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void write_step(struct jsonw *j, const struct step *s)
{
	jsonw_object(j);
	jsonw_member_strz(j, "type", s->type->name);
	jsonw_member_strz(j, "target", s->target);
	write_names(j, "rules", s->rules, s->n_rules);
	write_state(j, "before", &s->before);
	write_state(j, "after", &s->after);
	write_edits(j, &s->edits);
	jsonw_end(j);
}

static void write_lists(struct jsonw *j, const struct plan *p)
{
	jsonw_key(j, "rules");
	jsonw_array(j);
	for (size_t i = 0; i < p->rules.n; i++) {
		jsonw_object(j);
		jsonw_member_strz(j, "rule", p->rules.p[i].id);
		jsonw_member_strz(j, "title", p->rules.p[i].title);
		jsonw_member_strz(j, "risk", risk_name(p->rules.p[i].risk));
		write_names(j, "needs", p->rules.p[i].needs, p->rules.p[i].n_needs);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_key(j, "steps");
	jsonw_array(j);
	for (size_t i = 0; i < p->steps.n; i++)
		write_step(j, &p->steps.p[i]);
	jsonw_end(j);
	jsonw_key(j, "left_alone");
	jsonw_array(j);
	for (size_t i = 0; i < p->left.n; i++) {
		jsonw_object(j);
		jsonw_member_strz(j, "rule", p->left.p[i].rule);
		jsonw_member_strz(j, "left", left_name(p->left.p[i].left));
		jsonw_member_strz(j, "why", p->left.p[i].why);
		jsonw_end(j);
	}
	jsonw_end(j);
}

/* The SHA-256 of the text without the 64 digits at `hole`, in hexadecimal. */
static int hash(struct str text, size_t hole, char ret[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
			  EVP_DigestUpdate(ctx, text.p, hole) &&
			  EVP_DigestUpdate(ctx, text.p + hole + 64, text.n - hole - 64) &&
			  EVP_DigestFinal_ex(ctx, digest, &n);

	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; ok && i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return ok ? 0 : -EIO;
}

/* Where the digits of the hash stand; 0 when there is no place for them. */
static size_t find_hole(struct str text)
{
	const char *at = memmem(text.p, text.n, HASH_KEY, sizeof(HASH_KEY) - 1);
	size_t hole = at ? (size_t)(at - text.p) + sizeof(HASH_KEY) - 1 : 0;

	return hole && hole + 64 < text.n ? hole : 0;
}

int plan_seal(char *text, size_t n)
{
	size_t hole = find_hole((struct str){text, n});
	char digits[65];

	if (!hole || hash((struct str){text, n}, hole, digits) < 0)
		return -EINVAL;
	memcpy(text + hole, digits, 64);
	return 0;
}

int plan_write(const struct plan *p, struct buf *out)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct value time = {.state = VALUE_SET, .number = p->time};
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", FORMAT);
	jsonw_member_int(&j, "version", 1);
	jsonw_member_strz(&j, "sha256", zeros);
	jsonw_member_str(&j, "host", p->host);
	jsonw_member_strz(&j, "root", p->root);
	jsonw_key(&j, "time");
	value_json(&j, TYPE_TIME, &time);
	if (p->takes_back)
		jsonw_member_int(&j, "takes_back", p->takes_back);
	write_lists(&j, p);
	jsonw_end(&j);
	buf_putc(out, '\n');
	return out->full || plan_seal(out->p, out->n) < 0 ? -ENOBUFS : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
	struct plan *plan;
	const char *name;
	struct err *err;
};

static int bad(const struct reading *r, const char *what)
{
	return err_set(r->err, EINVAL, "%s: is no plan of revet's: %s", r->name, what);
}

static struct str text_of(const struct reading *r, json_t *v)
{
	return json_is_string(v) ? (struct str){arena_copy(r->plan->arena, json_string_value(v),
													   json_string_length(v)),
											json_string_length(v)}
							 : STR_ABSENT;
}

static const char *string_of(const struct reading *r, json_t *object, const char *key)
{
	return text_of(r, json_object_get(object, key)).p;
}

static int read_state(const struct reading *r, json_t *object, struct state *ret)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return bad(r, "a step without its states");
	json_object_foreach(object, key, value) {
		if (!json_is_string(value) && !json_is_null(value))
			return bad(r, "a state that is no text");
		state_set(ret, r->plan->arena, key, text_of(r, value));
	}
	return 0;
}

static int read_names(const struct reading *r, json_t *list, const char ***ret, size_t *ret_n)
{
	json_t *item;
	size_t i;

	*ret = arena_new(r->plan->arena, const char *, json_array_size(list) + 1);
	*ret_n = 0;
	json_array_foreach(list, i, item) {
		(*ret)[*ret_n] = text_of(r, item).p;
		if (!(*ret)[(*ret_n)++])
			return bad(r, "a list of names with something else in it");
	}
	return 0;
}

static int word_of(const struct reading *r, json_t *object, const char *key,
				   const char *const words[], size_t n)
{
	const char *word = string_of(r, object, key);

	for (size_t i = 0; word && i < n; i++)
		if (words[i] && strcmp(word, words[i]) == 0)
			return (int)i;
	return -EINVAL;
}

static int read_edit(const struct reading *r, struct step *s, json_t *object)
{
	int kind = word_of(r, object, "kind", kinds, ARRAY_LEN(kinds));
	int style = word_of(r, object, "style", styles, ARRAY_LEN(styles));
	struct edit *e = vec_push(r->plan->arena, &s->edits);

	if (kind < 0 || style < 0)
		return bad(r, "an edit of an unknown kind");
	*e = (struct edit){
		.kind = (enum edit_kind)kind,
		.style = (enum edit_style)style,
		.target = s->target,
		.rule = string_of(r, object, "rule"),
		.section = text_of(r, json_object_get(object, "section")),
		.name = text_of(r, json_object_get(object, "name")),
		.value = text_of(r, json_object_get(object, "value")),
		.old = text_of(r, json_object_get(object, "old")),
		.line = (unsigned)json_integer_value(json_object_get(object, "line")),
	};
	if (!e->rule || (e->kind == EDIT_KEY && !e->name.p) || (e->kind == EDIT_LINE && !e->old.p))
		return bad(r, "an edit without its rule, its key or its line");
	return 0;
}

static int read_step(const struct reading *r, json_t *object)
{
	struct step *s = vec_push(r->plan->arena, &r->plan->steps);
	const char *type = string_of(r, object, "type");
	json_t *edit;
	size_t i;
	int e;

	s->target = string_of(r, object, "target");
	s->type = type ? step_type_find(str_of(type)) : NULL;
	if (!s->type || !s->target)
		return bad(r, "a step of an unknown type");
	e = read_names(r, json_object_get(object, "rules"), &s->rules, &s->n_rules);
	if (e == 0)
		e = read_state(r, json_object_get(object, "before"), &s->before);
	if (e == 0)
		e = read_state(r, json_object_get(object, "after"), &s->after);
	json_array_foreach(json_object_get(object, "edits"), i, edit) {
		if (e == 0)
			e = read_edit(r, s, edit);
	}
	return e;
}

static int read_rule(const struct reading *r, json_t *object)
{
	struct plan_rule *rule = vec_push(r->plan->arena, &r->plan->rules);
	const char *risk = string_of(r, object, "risk");

	rule->id = string_of(r, object, "rule");
	rule->title = string_of(r, object, "title");
	for (enum risk i = RISK_NONE; risk && i <= RISK_ACCESS; i++)
		if (strcmp(risk, risk_name(i)) == 0) {
			rule->risk = i;
			if (!rule->id || !rule->title)
				return bad(r, "a rule without a name");
			return read_names(r, json_object_get(object, "needs"), &rule->needs, &rule->n_needs);
		}
	return bad(r, "a rule without its risk");
}

static int read_left(const struct reading *r, json_t *object)
{
	struct left_alone *left = vec_push(r->plan->arena, &r->plan->left);

	int word = word_of(r, object, "left", lefts, ARRAY_LEN(lefts));

	*left = (struct left_alone){
		string_of(r, object, "rule"), (enum left)word, string_of(r, object, "why")};
	return left->rule && left->why && word >= 0 ? 0 : bad(r, "something left alone without a reason");
}

static int read_list(const struct reading *r, json_t *root, const char *key,
					 int (*read)(const struct reading *, json_t *))
{
	json_t *list = json_object_get(root, key), *item;
	size_t i;
	int e = 0;

	if (!json_is_array(list))
		return bad(r, "a list is missing");
	json_array_foreach(list, i, item) {
		e = read(r, item);
		if (e < 0)
			return e;
	}
	return e;
}

static int read_plan(const struct reading *r, json_t *root)
{
	const char *format = string_of(r, root, "format"), *time = string_of(r, root, "time");
	int e;

	if (!format || strcmp(format, FORMAT) != 0 ||
		json_integer_value(json_object_get(root, "version")) != 1)
		return bad(r, "another format or version");
	r->plan->root = string_of(r, root, "root");
	r->plan->host = text_of(r, json_object_get(root, "host"));
	r->plan->takes_back = (unsigned)json_integer_value(json_object_get(root, "takes_back"));
	if (!r->plan->root || !time || num_time(str_of(time), &r->plan->time) < 0)
		return bad(r, "it does not say what it is for");
	e = read_list(r, root, "rules", read_rule);
	if (e == 0)
		e = read_list(r, root, "steps", read_step);
	return e < 0 ? e : read_list(r, root, "left_alone", read_left);
}

int plan_parse(struct plan *plan, struct str text, const char *name, struct arena *a,
			   struct err *err)
{
	struct reading r = {plan, name, err};
	size_t hole = find_hole(text);
	char digits[65];
	json_error_t why;
	json_t *root;
	int e;

	*plan = (struct plan){.arena = a};
	if (!hole || hash(text, hole, digits) < 0)
		return bad(&r, "there is no hash");
	if (memcmp(text.p + hole, digits, 64) != 0)
		return bad(&r, "its hash is another, so it was changed or cut short; make it anew: revet plan");
	root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!root)
		return err_set(err, EINVAL, "%s:%d:%d: %s", name, why.line, why.column, why.text);
	e = read_plan(&r, root);
	json_decref(root);
	return e;
}
