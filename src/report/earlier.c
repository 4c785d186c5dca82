/* SPDX-License-Identifier: Apache-2.0 */
#include "report/earlier.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/num.h"

static int bad(const char *name, struct err *err)
{
	return err_set(err, EINVAL, "%s: not a report of: revet audit -f json", name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_rule(const void *a, const void *b)
{
	return strcmp(((const struct earlier_result *)a)->rule, ((const struct earlier_result *)b)->rule);
}

static void take_objects(struct earlier_result *r, json_t *evidence, struct arena *a)
{
	size_t n = 0;
	json_t *piece;

	r->objects = arena_new(a, const char *, json_array_size(evidence) + 1);
	json_array_foreach(evidence, n, piece) {
		const char *object = json_string_value(json_object_get(piece, "object"));

		if (object)
			r->objects[r->n++] = arena_strdup(a, object);
	}
	qsort(r->objects, r->n, sizeof(*r->objects), by_text);
	n = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!n || strcmp(r->objects[n - 1], r->objects[i]) != 0)
			r->objects[n++] = r->objects[i];
	r->n = n;
}

static int take_result(struct earlier *e, json_t *result, const char *name, struct arena *a,
					   struct err *err)
{
	const char *rule = json_string_value(json_object_get(result, "rule"));
	const char *title = json_string_value(json_object_get(result, "title"));
	const char *verdict = json_string_value(json_object_get(result, "verdict"));
	const char *severity = json_string_value(json_object_get(result, "severity"));
	struct earlier_result r = {.more = json_integer_value(
								   json_object_get(result, "evidence_left_out")) != 0};

	if (!rule || !title || !verdict || !severity || verdict_parse(str_of(verdict), &r.verdict) < 0 ||
		severity_parse(str_of(severity), &r.severity) < 0)
		return bad(name, err);
	r.waived = json_is_true(json_object_get(result, "waived"));
	r.rule = arena_strdup(a, rule);
	r.title = arena_strdup(a, title);
	take_objects(&r, json_object_get(result, "evidence"), a);
	*vec_push(a, &e->results) = r;
	return 0;
}

static int take_results(struct earlier *e, json_t *results, const char *name, struct arena *a,
						struct err *err)
{
	json_t *result;
	size_t i;
	int r = 0;

	json_array_foreach(results, i, result) {
		r = take_result(e, result, name, a, err);
		if (r < 0)
			return r;
	}
	if (e->results.n)
		qsort(e->results.p, e->results.n, sizeof(*e->results.p), by_rule);
	for (i = 0; i < e->results.n; i++)
		if (map_put(&e->by_rule, str_of(e->results.p[i].rule), &e->results.p[i]))
			return err_set(err, EINVAL, "%s: %s is there twice", name, e->results.p[i].rule);
	return 0;
}

static int take_report(struct earlier *e, json_t *root, const char *name, struct arena *a,
					   struct err *err)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	json_t *host = json_object_get(root, "host"), *results = json_object_get(root, "results");
	const char *time = json_string_value(json_object_get(host, "time"));
	const char *host_name = json_string_value(json_object_get(host, "name"));

	if (!format || strcmp(format, "revet-audit") != 0 || !time || !json_is_array(results) ||
		num_time(str_of(time), &e->time) < 0)
		return bad(name, err);
	e->host = host_name ? arena_strdup(a, host_name) : NULL;
	return take_results(e, results, name, a, err);
}

int earlier_parse(struct earlier *e, struct str text, const char *name, struct arena *a,
				  struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
	int r;

	if (!root)
		return err_set(err, EINVAL, "%s:%d:%d: %s", name, why.line, why.column, why.text);
	*e = (struct earlier){0};
	map_init(&e->by_rule, a);
	r = take_report(e, root, name, a, err);
	json_decref(root);
	return r;
}

static const struct earlier_result *earlier_find(const struct earlier *e, const char *rule)
{
	return map_get(&e->by_rule, str_of(rule));
}

enum verdict earlier_verdict(const struct earlier_result *r)
{
	return r && !r->waived ? r->verdict : VERDICT_NOT_APPLICABLE;
}

enum since verdict_change(enum verdict was, enum verdict is)
{
	if (is == VERDICT_FAIL)
		return was == VERDICT_FAIL ? SINCE_SAME : SINCE_NEW;
	if (was == VERDICT_FAIL && (is == VERDICT_PASS || is == VERDICT_NOT_APPLICABLE))
		return SINCE_FIXED;
	return SINCE_SAME;
}

enum since earlier_change(const struct earlier *e, const struct judgement *now)
{
	return verdict_change(earlier_verdict(earlier_find(e, now->rule->id)),
						  now->waiver ? VERDICT_NOT_APPLICABLE : now->verdict);
}
