/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for people. */
#include "change/plan.h"

static void print_rules(const struct step *s, struct buf *out)
{
	for (size_t i = 0; i < s->n_rules; i++)
		buf_printf(out, "%s%s", i ? ", " : "", s->rules[i]);
}

static enum risk step_risk(const struct plan *p, const struct step *s)
{
	enum risk worst = RISK_NONE;

	for (size_t i = 0; i < p->rules.n; i++)
		for (size_t k = 0; k < s->n_rules; k++)
			if (strcmp(p->rules.p[i].id, s->rules[k]) == 0)
				worst = MAX(worst, p->rules.p[i].risk);
	return worst;
}

static void print_step(const struct plan *p, const struct step *s, struct buf *out)
{
	enum risk risk = step_risk(p, s);

	buf_printf(out, "~ %s ", s->type->name);
	buf_printable(out, str_of(s->target));
	if (state_is(&s->before, "type", "absent"))
		buf_puts(out, " (new)");
	buf_puts(out, "   ");
	print_rules(s, out);
	if (risk != RISK_NONE)
		buf_printf(out, "   risk: %s", risk_name(risk));
	buf_putc(out, '\n');
	if (s->type->describe)
		s->type->describe(out, s);
	else
		step_describe_fields(out, s);
}

void plan_print(const struct plan *p, struct buf *out)
{
	size_t access = 0, unknown = 0;

	for (size_t i = 0; i < p->steps.n; i++)
		print_step(p, &p->steps.p[i], out);
	for (size_t i = 0; i < p->left.n; i++) {
		if (str_starts(str_of(p->left.p[i].why), "not known: ")) {
			unknown++;
			continue;
		}
		buf_printf(out, "! left alone: %s: ", p->left.p[i].rule);
		buf_printable(out, str_of(p->left.p[i].why));
		buf_putc(out, '\n');
	}
	if (unknown)
		buf_printf(out, "! %zu rules are not known to fail or pass; see: revet audit\n", unknown);
	for (size_t i = 0; i < p->rules.n; i++)
		access += p->rules.p[i].risk == RISK_ACCESS;
	if (!p->steps.n) {
		buf_puts(out, "There is nothing to change.\n");
		return;
	}
	buf_printf(out, "%zu step%s for %zu rule%s, all reversible", p->steps.n,
			   p->steps.n == 1 ? "" : "s", p->rules.n, p->rules.n == 1 ? "" : "s");
	if (access)
		buf_printf(out, "; %zu may cut access: the change needs confirming", access);
	buf_puts(out, ".\n");
}
