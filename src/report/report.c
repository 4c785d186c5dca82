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

size_t audit_count_change(const struct audit *a, enum since change)
{
	size_t n = 0;

	for (size_t i = 0; a->since && i < a->n; i++)
		n += earlier_change(a->since, &a->judgements[i]) == change;
	return n;
}
