/* SPDX-License-Identifier: Apache-2.0 */
/* The members are those of goss, for whoever reads its JSON; `file`, `line` and `outcome` are new. */
#include <time.h>

#include "base/json.h"
#include "spec/result.h"

static void put_datum(struct jsonw *j, const struct datum *d)
{
	switch (d->kind) {
	case DATUM_BOOL:
		jsonw_bool(j, d->yes);
		break;
	case DATUM_INT:
		jsonw_int(j, d->number);
		break;
	case DATUM_FLOAT:
		jsonw_null(j); /* replaced below: the writer has no such numbers */
		j->out->n -= strlen("null");
		datum_json(j->out, d);
		break;
	case DATUM_TEXT:
		jsonw_str(j, d->text.p ? d->text : STR(""));
		break;
	case DATUM_LIST:
		jsonw_array(j);
		for (size_t i = 0; i < d->list.n; i++)
			put_datum(j, &d->list.p[i]);
		jsonw_end(j);
		break;
	case DATUM_MAP:
		jsonw_object(j);
		for (size_t i = 0; i < d->map->n; i++) {
			jsonw_keystr(j, d->map->p[i].key);
			put_datum(j, &d->map->p[i].value);
		}
		jsonw_end(j);
		break;
	default:
		jsonw_null(j);
	}
}

static void member(struct jsonw *j, const char *key, const struct datum *d)
{
	jsonw_key(j, key);
	put_datum(j, d);
}

static void put_match(struct jsonw *j, const struct match_result *m)
{
	jsonw_object(j);
	member(j, "actual", &m->actual);
	jsonw_member_strz(j, "message", m->match == MATCH_ERROR || !m->message ? "" : m->message);
	member(j, "expected", &m->expected);
	member(j, "missing-elements", &m->missing);
	member(j, "found-elements", &m->found);
	member(j, "extra-elements", &m->extra);
	member(j, "transform-chain", &m->chain);
	member(j, "untransformed-value", &m->raw);
	jsonw_end(j);
}

static void member_line(struct jsonw *j, const char *key, const struct result *r, bool one_line)
{
	_cleanup_buf_ struct buf text = BUF((size_t)16 << 20);

	result_print(&text, r, one_line);
	jsonw_member_str(j, key, buf_get(&text));
}

static void put_result(struct jsonw *j, const struct result *r)
{
	bool error = r->outcome == OUTCOME_FAIL && r->match.match == MATCH_ERROR;

	jsonw_object(j);
	jsonw_member_bool(j, "successful", r->outcome != OUTCOME_FAIL);
	jsonw_member_bool(j, "skipped", r->outcome == OUTCOME_SKIP);
	jsonw_member_strz(j, "resource-id", r->resource->id);
	jsonw_member_strz(j, "resource-type", r->resource->kind->title);
	jsonw_member_strz(j, "property", r->property);
	jsonw_member_str(j, "title", r->resource->title.p ? r->resource->title : STR(""));
	member(j, "meta", &r->resource->meta);
	jsonw_member_int(j, "result", r->outcome);
	jsonw_member_strz(j, "outcome", result_word(r));
	jsonw_member_strz(j, "err", error ? r->match.message : NULL);
	jsonw_key(j, "matcher-result");
	put_match(j, &r->match);
	jsonw_member_int(j, "duration", r->took_us * 1000);
	member_line(j, "summary-line", r, false);
	member_line(j, "summary-line-compact", r, true);
	jsonw_member_strz(j, "file", r->resource->from.path);
	jsonw_member_int(j, "line", r->resource->from.line);
	jsonw_end(j);
}

static void put_summary(struct jsonw *j, const struct results *all)
{
	_cleanup_buf_ struct buf line = BUF(1024);
	time_t begin = (time_t)all->begin;
	char when[40];
	struct tm tm;

	result_print_summary(&line, all);
	buf_printf(&line, ", Duration: %.3fs", result_seconds(all->took_us));
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&begin, &tm));
	jsonw_object(j);
	jsonw_member_int(j, "test-count", (int64_t)all->n);
	jsonw_member_int(j, "failed-count", (int64_t)all->failed);
	jsonw_member_int(j, "skipped-count", (int64_t)all->skipped);
	jsonw_member_int(j, "total-duration", all->took_us * 1000);
	jsonw_member_str(j, "summary-line", buf_get(&line));
	jsonw_member_strz(j, "start-time", when);
	jsonw_end(j);
}

static void write_json(const struct results *all, const struct format_options *o, struct buf *out)
{
	struct jsonw j;

	jsonw_begin(&j, out, o->verbose);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", "revet-test");
	jsonw_member_int(&j, "version", 1);
	jsonw_member_strz(&j, "revet", REVET_VERSION);
	jsonw_key(&j, "results");
	jsonw_array(&j);
	for (size_t i = 0; i < all->n; i++)
		put_result(&j, &all->p[i]);
	jsonw_end(&j);
	jsonw_key(&j, "summary");
	put_summary(&j, all);
	jsonw_end(&j);
	if (!o->verbose)
		buf_putc(out, '\n');
}

static const struct format json = {"json", "everything, as docs/test.md says", write_json};
FORMAT(json);
