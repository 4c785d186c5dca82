/* SPDX-License-Identifier: Apache-2.0 */
#include "report/earlier.h"

#include <jansson.h>

#include "base/num.h"

static int bad(const char *name, struct err *err)
{
	return err_set(err, EINVAL, "%s: not a report of: revet audit -f json", name);
}

/* A verdict in the map is its number and one, so that none is NULL. */
static int take_result(struct earlier *e, json_t *result, const char *name, struct err *err)
{
	const char *rule = json_string_value(json_object_get(result, "rule"));
	const char *word = json_string_value(json_object_get(result, "verdict"));
	enum verdict verdict;

	if (!rule || !word || verdict_parse(str_of(word), &verdict) < 0)
		return bad(name, err);
	map_put(&e->verdicts, str_of(arena_strdup(e->verdicts.arena, rule)),
			(void *)((uintptr_t)verdict + 1));
	return 0;
}

static int take_report(struct earlier *e, json_t *root, const char *name, struct err *err)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	const char *time = json_string_value(json_object_get(json_object_get(root, "host"), "time"));
	json_t *results = json_object_get(root, "results"), *result;
	size_t i;
	int r = 0;

	if (!format || strcmp(format, "revet-audit") != 0 || !time || !json_is_array(results) ||
		num_time(str_of(time), &e->time) < 0)
		return bad(name, err);
	json_array_foreach(results, i, result) {
		r = take_result(e, result, name, err);
		if (r < 0)
			return r;
	}
	return 0;
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
	map_init(&e->verdicts, a);
	r = take_report(e, root, name, err);
	json_decref(root);
	return r;
}

enum since earlier_change(const struct earlier *e, const struct judgement *now)
{
	bool failed = map_get(&e->verdicts, str_of(now->rule->id)) ==
				  (void *)((uintptr_t)VERDICT_FAIL + 1);

	if (now->verdict == VERDICT_FAIL)
		return failed ? SINCE_SAME : SINCE_NEW;
	if (failed && (now->verdict == VERDICT_PASS || now->verdict == VERDICT_NOT_APPLICABLE))
		return SINCE_FIXED;
	return SINCE_SAME;
}
