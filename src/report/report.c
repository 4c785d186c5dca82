/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

size_t audit_count(const struct audit *a, enum verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->judgements[i].verdict == v && !a->judgements[i].waiver;
	return n;
}

size_t audit_count_waived(const struct audit *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->judgements[i].waiver != NULL;
	return n;
}

const char *judgement_outcome(const struct judgement *g)
{
	return g->waiver ? "waived" : verdict_name(g->verdict);
}

size_t audit_count_severity(const struct audit *a, enum verdict v, enum severity s)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->judgements[i].verdict == v && !a->judgements[i].waiver &&
			 a->judgements[i].rule->severity == s;
	return n;
}

void evidence_print(struct buf *out, const struct evidence *e)
{
	buf_puts(out, e->alternative ? "or " : "");
	buf_printable(out, str_of(e->object));
	buf_puts(out, ": found ");
	buf_printable(out, str_of(e->found));
	if (e->wanted) {
		buf_puts(out, ", want ");
		buf_printable(out, str_of(e->wanted));
	}
}

void evidence_cells(const struct evidence *e, struct arena *a, const char *ret[EVIDENCE_CELLS])
{
	bool alternative = e->alternative && e->wanted;

	ret[0] = e->object;
	ret[1] = e->found;
	ret[2] = alternative ? arena_printf(a, "or %s", e->wanted) : e->wanted;
	ret[2] = e->waiver ? "(waived)" : ret[2];
	ret[3] = e->source;
}

size_t audit_count_change(const struct audit *a, enum since change)
{
	size_t n = 0;

	for (size_t i = 0; a->since && i < a->n; i++)
		n += earlier_change(a->since, &a->judgements[i]) == change;
	return n;
}
