/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two audits: findings that are new or mended, other verdicts, other objects. */
#include <fcntl.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "host/value.h"

#define MAX_REPORT ((size_t)256 << 20)

enum { FORMAT, FAIL_ON };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[FAIL_ON] = {"fail-on", 0, "SEVERITY", "exit 2 for new findings of this severity or above (high), or none"},
	{0},
};

/* CHANGED: of another verdict, but neither a new finding nor a mended one. OBJECTS: it fails as before,
 * but not for the same objects. */
enum kind { KIND_NEW, KIND_FIXED, KIND_CHANGED, KIND_OBJECTS, KIND_SAME };
static const char *const words[] = {"new", "fixed", "changed", "objects"};

struct difference {
	enum kind kind;
	const struct earlier_result *was, *is; /* NULL: that audit does not have the rule */
};

struct diff {
	struct earlier from, to;
	VEC(struct difference) all;
};

static const struct earlier_result *rule_of(const struct difference *d)
{
	return d->is ? d->is : d->was;
}

/* --- comparing --------------------------------------------------------------------------------- */

/* The objects of one that the other does not have. Where a report has not all, nobody can tell. */
static const char **missing(const struct earlier_result *of, const struct earlier_result *in,
							struct arena *a, size_t *ret_n)
{
	const char **ret = arena_new(a, const char *, of->n + 1);
	size_t k = 0;

	*ret_n = 0;
	for (size_t i = 0; !in->more && i < of->n; i++) {
		while (k < in->n && strcmp(in->objects[k], of->objects[i]) < 0)
			k++;
		if (k == in->n || strcmp(in->objects[k], of->objects[i]) != 0)
			ret[(*ret_n)++] = of->objects[i];
	}
	return ret;
}

static enum kind kind_of(const struct difference *d, struct arena *a)
{
	enum verdict was = earlier_verdict(d->was), is = earlier_verdict(d->is);
	enum since since = verdict_change(was, is);
	size_t come, gone;

	/* A rule that nobody has judged again may fail as it did. */
	if (!d->is)
		return was == VERDICT_FAIL ? KIND_CHANGED : KIND_SAME;
	if (since != SINCE_SAME)
		return since == SINCE_NEW ? KIND_NEW : KIND_FIXED;
	if (!d->was)
		return KIND_SAME;
	if (was != is)
		return KIND_CHANGED;
	if (is != VERDICT_FAIL)
		return KIND_SAME;
	(void)missing(d->is, d->was, a, &come);
	(void)missing(d->was, d->is, a, &gone);
	return come || gone ? KIND_OBJECTS : KIND_SAME;
}

/* Both are in the order of rule ids. */
static void compare(struct diff *diff, struct arena *a)
{
	size_t i = 0, k = 0;

	while (i < diff->from.results.n || k < diff->to.results.n) {
		struct difference d = {.was = i < diff->from.results.n ? &diff->from.results.p[i] : NULL,
							   .is = k < diff->to.results.n ? &diff->to.results.p[k] : NULL};
		int order = !d.was ? 1 : !d.is ? -1 : strcmp(d.was->rule, d.is->rule);

		if (order < 0)
			d.is = NULL;
		else if (order > 0)
			d.was = NULL;
		i += d.was != NULL;
		k += d.is != NULL;
		d.kind = kind_of(&d, a);
		if (d.kind != KIND_SAME)
			*vec_push(a, &diff->all) = d;
	}
}

static size_t count(const struct diff *diff, enum kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < diff->all.n; i++)
		n += diff->all.p[i].kind == kind;
	return n;
}

/* --- telling ----------------------------------------------------------------------------------- */

static void put_audit(struct buf *out, const struct earlier *e)
{
	struct value time = {.state = VALUE_SET, .number = e->time};

	buf_printable(out, str_of(e->host ? e->host : "(no name)"));
	buf_putc(out, ' ');
	value_print(out, TYPE_TIME, &time);
}

static const char *verdict_of(const struct earlier_result *r)
{
	return !r ? "not judged" : r->waived ? "waived" : verdict_name(r->verdict);
}

static void put_objects(struct buf *out, char sign, const char *const *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "         %c ", sign);
		buf_printable(out, str_of(objects[i]));
		buf_putc(out, '\n');
	}
}

static void put_difference(struct buf *out, const struct difference *d, struct arena *a)
{
	const struct earlier_result *rule = rule_of(d);
	size_t n;

	buf_printf(out, "%-9s%-9s", words[d->kind], severity_name(rule->severity));
	buf_printable(out, str_of(rule->rule));
	buf_puts(out, "  ");
	buf_printable(out, str_of(rule->title));
	if (d->kind == KIND_OBJECTS) {
		const char **come = missing(d->is, d->was, a, &n);

		buf_putc(out, '\n');
		put_objects(out, '+', come, n);
		come = missing(d->was, d->is, a, &n);
		put_objects(out, '-', come, n);
	} else {
		buf_printf(out, "   %s -> %s\n", verdict_of(d->was), verdict_of(d->is));
	}
}

static void put_text(struct buf *out, const struct diff *diff, struct arena *a)
{
	put_audit(out, &diff->from);
	buf_puts(out, " -> ");
	put_audit(out, &diff->to);
	buf_putc(out, '\n');
	for (enum kind kind = KIND_NEW; kind < KIND_SAME; kind++)
		for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
			for (size_t i = 0; i < diff->all.n; i++)
				if (diff->all.p[i].kind == kind && (int)rule_of(&diff->all.p[i])->severity == s)
					put_difference(out, &diff->all.p[i], a);
	buf_printf(out, "%zu new, %zu fixed, %zu changed otherwise, %zu with other objects\n",
			   count(diff, KIND_NEW), count(diff, KIND_FIXED), count(diff, KIND_CHANGED),
			   count(diff, KIND_OBJECTS));
}

static void json_audit(struct jsonw *j, const char *key, const struct earlier *e)
{
	struct value time = {.state = VALUE_SET, .number = e->time};

	jsonw_key(j, key);
	jsonw_object(j);
	jsonw_member_strz(j, "host", e->host);
	jsonw_key(j, "time");
	value_json(j, TYPE_TIME, &time);
	jsonw_end(j);
}

static void json_objects(struct jsonw *j, const char *key, const char *const *objects, size_t n)
{
	jsonw_key(j, key);
	jsonw_array(j);
	for (size_t i = 0; i < n; i++)
		jsonw_strz(j, objects[i]);
	jsonw_end(j);
}

static void json_difference(struct jsonw *j, const struct difference *d, struct arena *a)
{
	static const struct earlier_result none;
	const struct earlier_result *was = d->was ? d->was : &none, *is = d->is ? d->is : &none;
	const char **objects;
	size_t n;

	jsonw_object(j);
	jsonw_member_strz(j, "change", words[d->kind]);
	jsonw_member_strz(j, "rule", rule_of(d)->rule);
	jsonw_member_strz(j, "title", rule_of(d)->title);
	jsonw_member_strz(j, "severity", severity_name(rule_of(d)->severity));
	jsonw_member_strz(j, "was", d->was ? verdict_of(d->was) : NULL);
	jsonw_member_strz(j, "is", d->is ? verdict_of(d->is) : NULL);
	if (d->kind == KIND_OBJECTS) {
		objects = missing(is, was, a, &n);
		json_objects(j, "added", objects, n);
		objects = missing(was, is, a, &n);
		json_objects(j, "gone", objects, n);
	}
	jsonw_end(j);
}

static void put_json(struct buf *out, const struct diff *diff, struct arena *a)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", "revet-diff");
	jsonw_member_int(&j, "version", 1);
	json_audit(&j, "from", &diff->from);
	json_audit(&j, "to", &diff->to);
	jsonw_key(&j, "differences");
	jsonw_array(&j);
	for (size_t i = 0; i < diff->all.n; i++)
		json_difference(&j, &diff->all.p[i], a);
	jsonw_end(&j);
	jsonw_end(&j);
}

/* --- the command ------------------------------------------------------------------------------- */

static int open_report(const char *path, int *ret)
{
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? fail(EXIT_CANNOT, "%s: %s", path, strerror(errno)) : 0;
}

static int read_report(int fd, const char *path, struct arena *a, struct earlier *ret)
{
	_cleanup_buf_ struct buf text = BUF(MAX_REPORT);
	struct err err;
	int code = read_file(fd, path, &text);

	if (code == 0 && earlier_parse(ret, buf_get(&text), path, a, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	return code;
}

static int exit_for(const struct diff *diff, int fail_on)
{
	for (size_t i = 0; i < diff->all.n; i++)
		if (diff->all.p[i].kind == KIND_NEW && (int)rule_of(&diff->all.p[i])->severity >= fail_on)
			return EXIT_FINDINGS;
	return EXIT_DONE;
}

/* The reports may come from anywhere: this process gives up its power before it parses them. */
static int run_diff(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_buf_ struct buf text = BUF(MAX_REPORT);
	_cleanup_close_ int from = -1, to = -1;
	struct confinement confinement;
	struct diff diff = {0};
	struct err err;
	bool json;
	int fail_on, code = parse_format(given_value(g, FORMAT), &json);

	if (code == 0)
		code = parse_fail_on(given_value(g, FAIL_ON), &fail_on);
	if (code == 0)
		code = open_report(g->words[0], &from);
	if (code == 0)
		code = open_report(g->words[1], &to);
	if (code == 0 && confine_reader(&confinement, &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	if (code == 0)
		code = read_report(from, g->words[0], &arena, &diff.from);
	if (code == 0)
		code = read_report(to, g->words[1], &arena, &diff.to);
	if (code)
		return code;
	compare(&diff, &arena);
	(json ? put_json : put_text)(&text, &diff, &arena);
	code = put_stdout(&text);
	return code ? code : exit_for(&diff, fail_on);
}

static const struct command diff_command = {
	"diff", "FROM TO", "what changed between two audits, reports of -f json", options, 2, 2,
	run_diff};
COMMAND(diff_command);
