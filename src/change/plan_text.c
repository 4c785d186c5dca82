/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for people. */
#include "base/map.h"
#include "change/plan.h"
#include "host/nft_table.h"

#define WIDTH 100
#define SHORT_LIST 6 /* names that are shown where there are more */

/* --- steps ------------------------------------------------------------------------------------- */

static bool has_risk(const struct plan *p, const struct step *s, enum risk risk)
{
	for (size_t i = 0; i < p->rules.n; i++)
		if (p->rules.p[i].risk == risk && step_has_rule(s, p->rules.p[i].id))
			return true;
	return false;
}

/* Each of its rules' risks, the worst first. */
static void print_risk(const struct plan *p, const struct step *s, struct buf *out)
{
	static const char *const words[] = {
		[RISK_RESTART] = "a service restarts", [RISK_REBOOT] = "takes a reboot",
		[RISK_ACCESS] = "ACCESS may be cut"};
	const char *lead = "   risk: ";

	for (enum risk risk = RISK_ACCESS; risk > RISK_NONE; risk--)
		if (has_risk(p, s, risk)) {
			buf_printf(out, "%s%s", lead, words[risk]);
			lead = ", ";
		}
}

/* Names with commas between them, on lines that begin at the indent. */
static void print_names(const char *const *names, size_t n, size_t at, size_t indent, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t width = strlen(names[i]) + 2;

		if (i && at + width > WIDTH) {
			buf_printf(out, ",\n%*s", (int)indent, "");
			at = indent;
		} else if (i) {
			buf_puts(out, ", ");
		}
		buf_puts(out, names[i]);
		at += width;
	}
}

/* On the line of the step where there is room, else below it. */
static void print_rules(const struct step *s, size_t at, struct buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		width += strlen(s->rules[i]) + 2;
	if (at + width + 3 <= WIDTH) {
		buf_puts(out, "   ");
		print_names(s->rules, s->n_rules, 0, 0, out);
	}
}

static void print_rules_below(const struct step *s, size_t at, struct buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		width += strlen(s->rules[i]) + 2;
	if (at + width + 3 <= WIDTH)
		return;
	buf_puts(out, "    for ");
	print_names(s->rules, s->n_rules, 8, 8, out);
	buf_putc(out, '\n');
}

static size_t changed_fields(const struct step *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->after.n; i++) {
		struct str before = state_get(&s->before, s->after.p[i].name), after = s->after.p[i].value;

		n += !before.p != !after.p || (before.p && !str_eq(before, after));
	}
	return n;
}

/* "- package telnet, telnetd": what is removed; + what is new, ~ both. */
static void print_fields(const struct step *s, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	const char **names = arena_new(&a, const char *, s->after.n + 1);
	size_t begin = out->n, n = 0, removed = 0;

	for (; n < s->after.n; n++) {
		names[n] = s->after.p[n].name;
		removed += !s->after.p[n].value.p;
	}
	buf_printf(out, "%c %s ", removed == n ? '-' : removed ? '~' : '+', s->type->name);
	print_names(names, n, out->n - begin, 4, out);
}

/* "mode 0644 -> 0600", of a step that changes just this. */
static void print_one_field(const struct step *s, struct buf *out)
{
	_cleanup_buf_ struct buf fields = BUF(8192);
	struct str line = STR(""), name;

	step_describe_fields(&fields, s);
	line = str_trim(buf_get(&fields));
	str_cut(&line, ':', &name);
	if (!str_is(name, "value"))
		buf_printf(out, " %.*s", STR_ARG(name));
	buf_str(out, line);
}

static void print_kind(const struct step *s, struct buf *out)
{
	if (state_is(&s->before, "type", "absent") && state_get(&s->after, "mode").p)
		buf_printf(out, " (new, %.*s)", STR_ARG(state_get(&s->after, "mode")));
	else if (state_is(&s->after, "type", "absent"))
		buf_puts(out, " (removed)");
}

/* The file in front of a step that loads a table of nftables, where both differ in the same: one diff says
 * it. A table that somebody has changed since it was loaded does not say what its file does. */
static const struct step *file_of_table(const struct plan *p, const struct step *s)
{
	struct str before = state_get(&s->before, "ruleset"), after = state_get(&s->after, "ruleset");

	for (const struct step *f = p->steps.p; after.p && f < s; f++) {
		struct str old = state_get(&f->before, "content"), new = state_get(&f->after, "content");

		if (new.p && nft_table_file_is(new, s->target, after) && !old.p == !before.p &&
			(!old.p || nft_table_file_is(old, s->target, before)))
			return f;
	}
	return NULL;
}

static void print_text(const struct plan *p, const struct step *s, struct buf *out)
{
	const struct step *file = file_of_table(p, s);

	if (!file) {
		s->type->describe(out, s);
		return;
	}
	buf_puts(out, "    as in ");
	buf_printable(out, str_of(file->target));
	buf_putc(out, '\n');
}

static void print_step(const struct plan *p, const struct step *s, struct buf *out)
{
	bool is_text = s->type->describe != NULL, one_line = !is_text && changed_fields(s) == 1;
	bool is_new = state_has(&s->before, "type") || state_has(&s->after, "type");
	size_t begin = out->n, at;

	if (s->type->is_about_fields) {
		print_fields(s, out);
	} else {
		buf_printf(out, "~ %s ", s->type->name);
		buf_printable(out, str_of(s->target));
	}
	print_kind(s, out);
	if (one_line && !is_new)
		print_one_field(s, out);
	if (s->type->live_only && !s->type->is_action)
		buf_puts(out, " (now)");
	at = out->n - begin;
	if (!s->type->is_action)
		print_rules(s, at, out);
	print_risk(p, s, out);
	buf_putc(out, '\n');
	if (!s->type->is_action)
		print_rules_below(s, at, out);
	if (is_text)
		print_text(p, s, out);
	else if (!one_line && !is_new)
		step_describe_fields(out, s);
}

void plan_print_steps(const struct plan *p, struct buf *out)
{
	for (size_t i = 0; i < p->steps.n; i++)
		print_step(p, &p->steps.p[i], out);
}

/* --- what is left alone -------------------------------------------------------------------------- */

static size_t count_left(const struct plan *p, enum left left)
{
	size_t n = 0;

	for (size_t i = 0; i < p->left.n; i++)
		n += p->left.p[i].left == left;
	return n;
}

/* The rules that are left for the same reason as the one at `first`, or for any reason of its kind. */
static size_t same_reason(const struct plan *p, size_t first, bool any, const char **ret)
{
	const struct left_alone *like = &p->left.p[first];
	size_t n = 0;

	for (size_t i = 0; i < p->left.n; i++) {
		const struct left_alone *l = &p->left.p[i];

		if (l->left != like->left || (!any && strcmp(l->why, like->why) != 0))
			continue;
		if (i < first)
			return 0; /* it was among those of an earlier one */
		ret[n++] = l->rule;
	}
	return n;
}

/* "! left alone, because Docker runs containers: net.no-forwarding, ... and 3 more" */
static void print_group(const struct plan *p, size_t first, bool any, const char *lead, bool whole,
						struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	const char **names = arena_new(&a, const char *, p->left.n + 1);
	size_t n = same_reason(p, first, any, names), shown = whole ? n : MIN(n, (size_t)SHORT_LIST), begin;

	if (!n)
		return;
	begin = out->n;
	buf_printf(out, "! %s", lead);
	if (!any)
		buf_printable(out, str_of(p->left.p[first].why));
	if (out->n - begin > WIDTH / 2) {
		buf_puts(out, ":\n    ");
		begin = out->n - 4;
	} else {
		buf_puts(out, ": ");
	}
	print_names(names, shown, out->n - begin, 4, out);
	if (shown < n)
		buf_printf(out, " and %zu more", n - shown);
	buf_putc(out, '\n');
}

static void print_each(const struct plan *p, enum left left, const char *lead, struct buf *out)
{
	for (size_t i = 0; i < p->left.n; i++)
		if (p->left.p[i].left == left) {
			buf_printf(out, "! %s: %s: ", lead, p->left.p[i].rule);
			buf_printable(out, str_of(p->left.p[i].why));
			buf_putc(out, '\n');
		}
}

static void print_kind_in_short(const struct plan *p, enum left left, const char *lead, struct buf *out)
{
	for (size_t i = 0; i < p->left.n; i++)
		if (p->left.p[i].left == left) {
			print_group(p, i, true, lead, false, out);
			return;
		}
}

static void print_groups(const struct plan *p, enum left left, const char *lead, bool whole, struct buf *out)
{
	for (size_t i = 0; i < p->left.n; i++)
		if (p->left.p[i].left == left)
			print_group(p, i, false, lead, whole, out);
}

void plan_print_left(const struct plan *p, bool whole, struct buf *out)
{
	print_groups(p, LEFT_NEEDED, "left alone, because ", whole, out);
	print_each(p, LEFT_WAIVED, "left alone", out);
	print_each(p, LEFT_CONTRADICTS, "left alone", out);
	print_each(p, LEFT_NOT_POSSIBLE, "not possible here", out);
	if (whole) {
		print_each(p, LEFT_BY_HAND, "by hand", out);
		print_groups(p, LEFT_UNKNOWN, "not known to fail or pass: ", true, out);
		return;
	}
	print_kind_in_short(p, LEFT_BY_HAND, "by hand", out);
	print_kind_in_short(p, LEFT_UNKNOWN, "not known to fail or pass", out);
}

/* --- all of it ----------------------------------------------------------------------------------- */

static size_t count_risk(const struct plan *p, enum risk risk)
{
	size_t n = 0;

	for (size_t i = 0; i < p->rules.n; i++)
		n += p->rules.p[i].risk == risk;
	return n;
}

void plan_print_sum(const struct plan *p, struct buf *out)
{
	size_t left = count_left(p, LEFT_BY_HAND) + count_left(p, LEFT_NOT_POSSIBLE) +
				  count_left(p, LEFT_CONTRADICTS);
	size_t access = count_risk(p, RISK_ACCESS), restart = count_risk(p, RISK_RESTART),
		   reboot = count_risk(p, RISK_REBOOT);

	if (!p->steps.n) {
		if (left)
			buf_printf(out, "Nothing can be changed for the %zu rule%s that fail%s.\n", left,
					   left == 1 ? "" : "s", left == 1 ? "s" : "");
		else
			buf_printf(out, "There is nothing to change%s.\n",
					   count_left(p, LEFT_UNKNOWN) ? " as far as is known" : "");
		return;
	}
	buf_printf(out, "%zu step%s for %zu ", p->steps.n, p->steps.n == 1 ? "" : "s", p->rules.n);
	if (left)
		buf_printf(out, "of the %zu rules that fail, all reversible", p->rules.n + left);
	else
		buf_printf(out, "rule%s, all reversible", p->rules.n == 1 ? "" : "s");
	if (restart)
		buf_printf(out, "; %zu restart%s a service", restart, restart == 1 ? "s" : "");
	if (reboot)
		buf_printf(out, "; %zu hold%s only after a reboot", reboot, reboot == 1 ? "s" : "");
	buf_puts(out, ".\n");
	if (access)
		buf_printf(out, "%zu of them may cut access: %s.\n", access,
				   strcmp(p->root, "/") == 0
					   ? "all of it reverts by itself unless it is confirmed"
					   : "in a tree nothing reverts it by itself, and nothing has to be confirmed");
}

void plan_print(const struct plan *p, struct buf *out)
{
	plan_print_steps(p, out);
	plan_print_left(p, false, out);
	plan_print_sum(p, out);
}
