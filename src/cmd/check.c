/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit as a plug-in of Nagios, Icinga and their kin: one line with performance data, and the exit
 * codes of the Monitoring Plugins Development Guidelines. What cannot be known is not OK.
 */
#include "cmd/cmd.h"

enum { WARNING, CRITICAL, FAMILY, RULE, ROOT, PROFILE, SITE, SET };

static const struct option_doc options[] = {
	[WARNING] = {"warning", 'w', "SEVERITY", "findings of this severity or above are a warning (medium)"},
	[CRITICAL] = {"critical", 'c', "SEVERITY", "and of this one critical (high); of either: or none"},
	[FAMILY] = {"family", 0, "NAME", "only the rules of this family; may be given several times"},
	[RULE] = {"rule", 0, "ID", "only this rule; may be given several times"},
	[ROOT] = {"root", 0, "DIR", "check the tree, or the recording, in DIR"},
	[PROFILE] = {"profile", 0, "NAME", "the rules of this profile (of the site file, or server)"},
	[SITE] = {"site", 0, "FILE", "what this server is for (/etc/revet/site.yaml)"},
	[SET] = {"set", 0, "PARAMETER=VALUE", "override a rule's parameter for this run"},
	{0},
};

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

/* What the worker adds to its level, so that it is not taken for an exit code of revet. */
#define JUDGED 32

#define NAMED 5 /* rules in the line; monitoring shows some hundred characters */
#define NONE ((int)SEVERITY_CRITICAL + 1)

struct checking {
	const struct rule **rules;
	size_t n;
	const struct params *params;
	struct site *site;
	int warning, critical; /* severities, or NONE */
};

/* Past stdio: its failure would make of the exit code another one, which monitoring takes for a level. */
static enum level say(struct str line, enum level level)
{
	const struct output to_stdout = {.fd = -1};

	return output_write(&to_stdout, line) ? LEVEL_UNKNOWN : level;
}

/* Monitoring looks at stdout alone, where a bar begins the performance data. What the process that reads
 * the host has said is on stderr only. */
static int say_unknown(void)
{
	_cleanup_buf_ struct buf line = BUF(4096);
	const char *why = last_failure();

	buf_printf(&line, "REVET UNKNOWN - the check could not be made%s", *why ? ": " : "");
	for (; *why; why++)
		buf_putc(&line, *why == '|' ? '/' : *why);
	buf_putc(&line, '\n');
	return (int)say(buf_get(&line), LEVEL_UNKNOWN);
}

static enum level level_of(const struct checking *c, const struct audit *a)
{
	bool failing[NONE + 1] = {false};
	/* Where a profile leaves every rule of a family out, nothing was looked at. */
	enum level level = !a->n || audit_count(a, VERDICT_UNKNOWN) ? LEVEL_UNKNOWN : LEVEL_OK;

	for (int s = SEVERITY_LOW; s <= SEVERITY_CRITICAL; s++)
		failing[s] = audit_count_severity(a, VERDICT_FAIL, (enum severity)s) > 0;
	for (int s = c->warning; s < NONE; s++)
		level = failing[s] ? LEVEL_WARNING : level;
	for (int s = c->critical; s < NONE; s++)
		level = failing[s] ? LEVEL_CRITICAL : level;
	return level;
}

/* The worst findings by their ids. */
static void put_findings(struct buf *out, const struct audit *a, int least)
{
	size_t named = 0, n = 0;

	for (int s = SEVERITY_CRITICAL; s >= least; s--)
		for (size_t i = 0; i < a->n; i++) {
			if (!judgement_counts(&a->judgements[i]) ||
				(int)a->judgements[i].rule->severity != s)
				continue;
			if (n++ < NAMED)
				buf_printf(out, "%s%s", named++ ? ", " : ": ", a->judgements[i].rule->id);
		}
	if (n > named)
		buf_printf(out, " and %zu more", n - named);
}

static void put_line(struct buf *out, const struct checking *c, const struct audit *a,
					 enum level level)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	buf_printf(out, "REVET %s - %zu of %zu rules failed", words[level], audit_count(a, VERDICT_FAIL),
			   a->n);
	if (audit_count(a, VERDICT_UNKNOWN))
		buf_printf(out, ", %zu not known", audit_count(a, VERDICT_UNKNOWN));
	put_findings(out, a, MIN(c->warning, c->critical));
	buf_puts(out, " |");
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		buf_printf(out, " %s=%zu;;;0", severity_name((enum severity)s),
				   audit_count_severity(a, VERDICT_FAIL, (enum severity)s));
	buf_printf(out, " unknown=%zu;;;0;%zu rules=%zu;;;0\n", audit_count(a, VERDICT_UNKNOWN), a->n, a->n);
}

static int judge_and_say(struct worker *w, void *data)
{
	struct checking *c = data;
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_buf_ struct buf line = BUF(65536);
	struct judgement *judgements = arena_new(&arena, struct judgement, c->n + 1);
	struct audit audit = {.snapshot = w->snapshot, .judgements = judgements, .n = c->n};
	enum level level;

	for (size_t i = 0; i < c->n; i++) {
		judge(c->rules[i], w->snapshot, c->params, &arena, &judgements[i]);
		site_waive(c->site, snapshot_facts(w->snapshot)->time, &judgements[i]);
	}
	level = level_of(c, &audit);
	put_line(&line, c, &audit, level);
	return JUDGED + (int)say(buf_get(&line), level);
}

static int parse_threshold(const char *option, const char *word, enum severity otherwise, int *ret)
{
	enum severity s = otherwise;

	*ret = NONE;
	if (word && strcmp(word, "none") == 0)
		return 0;
	if (word && severity_parse(str_of(word), &s) < 0)
		return fail(LEVEL_UNKNOWN, "--%s %s: expected low, medium, high, critical or none", option,
					word);
	*ret = (int)s;
	return 0;
}

static int prepare(const struct given *g, const struct catalogue *c, struct checking *check)
{
	int code = parse_threshold("warning", given_value(g, WARNING), SEVERITY_MEDIUM, &check->warning);

	if (code == 0)
		code = parse_threshold("critical", given_value(g, CRITICAL), SEVERITY_HIGH, &check->critical);
	return code ? code
				: select_rules(g, &(struct selecting){FAMILY, RULE, -1}, c, check->rules, &check->n);
}

static int run_check(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	_cleanup_arena_ struct arena arena = {0};
	struct catalogue catalogue;
	struct site site;
	struct checking check = {.site = &site, .rules = arena_new(&arena, const struct rule *, MAX_RULES),
							 .params = &catalogue.language.params};
	struct worker w = {.source = {.root = given_value(g, ROOT), .site = &site},
					   .snapshot = snapshot,
					   .use = judge_and_say,
					   .data = &check,
					   .quiet = true};
	const struct opening opening = {SET, PROFILE, SITE, given_value(g, ROOT) != NULL};
	int code = open_catalogue(&catalogue, &site, g, &opening);

	if (code == 0)
		code = prepare(g, &catalogue, &check);
	for (size_t i = 0; code == 0 && i < check.n; i++)
		judge_wants(check.rules[i], check.params, snapshot);
	if (code == 0)
		code = worker_run(&w);
	catalogue_done(&catalogue);
	return code < JUDGED || code > JUDGED + LEVEL_UNKNOWN ? say_unknown() : code - JUDGED;
}

static const struct command check_command = {
	"check", "", "audit as a monitoring plug-in (Nagios, Icinga): one line, exit 0 to 3",
	options, 0, 0, run_check};
COMMAND(check_command);
