/* SPDX-License-Identifier: Apache-2.0 */
/* For programs: docs/prove-json.md. */
#include "base/json.h"
#include "host/value.h"
#include "prove/prove.h"

static const char *kind_name(enum proof_kind kind)
{
	return kind == PROOF_SAW ? "saw" : kind == PROOF_SHADOW ? "shadow" : proof_verdict_name(kind);
}

static void write_names(struct jsonw *j, const char *key, const char *const *names)
{
	jsonw_key(j, key);
	jsonw_array(j);
	while (*names)
		jsonw_strz(j, *names++);
	jsonw_end(j);
}

void experiment_json(struct jsonw *j, const struct experiment *e)
{
	jsonw_member_strz(j, "experiment", e->name);
	jsonw_member_str(j, "family", experiment_family(e));
	jsonw_member_strz(j, "title", e->title);
	jsonw_member_strz(j, "tries", e->doc);
	jsonw_member_strz(j, "does", e->does);
	jsonw_member_int(j, "seconds_at_most", e->seconds);
	write_names(j, "mission", e->rows);
	write_names(j, "rules", e->rules);
}

static void write_proof(struct jsonw *j, const struct proof *p)
{
	jsonw_object(j);
	experiment_json(j, p->experiment);
	jsonw_member_strz(j, "verdict", proof_verdict_name(p->verdict));
	jsonw_member_str(j, "reason", p->reason);
	jsonw_member_strz(j, "on", proof_place(p));
	jsonw_key(j, "seconds");
	jsonw_seconds(j, p->took_us);
	jsonw_key(j, "evidence");
	jsonw_array(j);
	for (const struct proof_line *line = p->lines.p; line < p->lines.p + p->lines.n; line++) {
		jsonw_object(j);
		jsonw_member_strz(j, "kind", kind_name(line->kind));
		jsonw_member_str(j, "text", line->text);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_end(j);
}

static void write_json(const struct proofs *all, struct buf *out)
{
	struct value time = {.state = VALUE_SET, .number = all->time};
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", "revet-prove");
	jsonw_member_int(&j, "version", 1);
	jsonw_member_strz(&j, "revet", REVET_VERSION);
	jsonw_member_strz(&j, "host", all->host);
	jsonw_member_strz(&j, "site", all->site);
	jsonw_key(&j, "time");
	value_json(&j, TYPE_TIME, &time);
	jsonw_key(&j, "seconds");
	jsonw_seconds(&j, all->took_us);
	jsonw_member_int(&j, "proven", (int64_t)proofs_count(all, PROOF_PROVEN));
	jsonw_member_int(&j, "refuted", (int64_t)proofs_count(all, PROOF_REFUTED));
	jsonw_member_int(&j, "not_run", (int64_t)proofs_count(all, PROOF_NOT_RUN));
	jsonw_key(&j, "proofs");
	jsonw_array(&j);
	for (size_t i = 0; i < all->n; i++)
		write_proof(&j, &all->p[i]);
	jsonw_end(&j);
	jsonw_end(&j);
	buf_putc(out, '\n');
}

static const struct proof_format json_format = {"json", "for programs", write_json};
PROOF_FORMAT(json_format);
