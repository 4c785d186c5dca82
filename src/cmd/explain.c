/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"

enum { ROOT, SNAPSHOT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "with the evidence of the tree, or the recording, in DIR"},
	[SNAPSHOT] = {"snapshot", 0, "FILE", "with the evidence of a snapshot made earlier"},
	{0},
};

struct explaining {
	struct catalogue catalogue;
	const struct rule *rule;
};

static void print_field(const char *name, struct str text)
{
	if (text.p)
		printf("\n%s\n  %.*s\n", name, STR_ARG(str_trim(text)));
}

static void print_table(void *data, const struct sentence *s)
{
	const struct table **last = data;

	if (*last != s->table)
		printf("  %s: %s\n", s->table->name, s->table->doc);
	*last = s->table;
}

static void print_fix(void *data, const struct sentence *s)
{
	(void)data;
	if (s->table->fix)
		printf("  %s\n", s->table->fix);
}

static void print_refs(struct yaml_at refs)
{
	struct yaml_iter it, item;

	if (!refs.doc)
		return;
	printf("\nreferences\n");
	it = yaml_iter(refs);
	while (yaml_next(&it)) {
		printf("  %.*s:", STR_ARG(yaml_text(it.key)));
		item = yaml_iter(it.value);
		if (yaml_kind(it.value) == YAML_SCALAR)
			printf(" %.*s", STR_ARG(yaml_text(it.value)));
		while (yaml_kind(it.value) == YAML_LIST && yaml_next(&item))
			printf(" %.*s", STR_ARG(yaml_text(item.value)));
		putchar('\n');
	}
}

/* From the host, so nothing that a terminal would obey. */
static void print_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			printf("\\x%02x", (unsigned char)*s);
		else
			putchar(*s);
}

static void print_evidence(const struct judgement *g)
{
	printf("\nnow: %s", verdict_name(g->verdict));
	if (g->reason)
		printf(": ");
	print_clean(g->reason);
	putchar('\n');
	for (size_t i = 0; i < g->n; i++) {
		printf("  ");
		print_clean(g->p[i].object);
		printf(": found ");
		print_clean(g->p[i].found);
		printf(", want ");
		print_clean(g->p[i].wanted);
		if (g->p[i].source)
			printf("\n    from ");
		print_clean(g->p[i].source);
		putchar('\n');
	}
	if (g->more)
		printf("  and %zu more\n", g->more);
}

static int explain(struct worker *w, void *data)
{
	const struct explaining *e = data;
	_cleanup_arena_ struct arena arena = {0};
	const struct table *last = NULL;
	struct judgement now;

	judge(e->rule, w->snapshot, &e->catalogue.language.params, &arena, &now);
	printf("%s   %s\n%.*s\n", e->rule->id, severity_name(e->rule->severity),
		   STR_ARG(e->rule->title));
	print_field("why", e->rule->why);
	printf("\nreads\n");
	sentence_each(e->rule->want, print_table, &last);
	print_evidence(&now);
	printf("\nfix: %s, risk: %s\n", e->rule->fix == FIX_BY_HAND ? "by hand" : fix_name(e->rule->fix),
		   risk_name(e->rule->risk));
	if (e->rule->fix != FIX_BY_HAND)
		sentence_each(e->rule->want, print_fix, NULL);
	print_field("by hand", e->rule->by_hand);
	print_field("what may break", e->rule->breaks);
	print_refs(e->rule->refs);
	printf("\nfrom %s\n", e->rule->file);
	return EXIT_DONE;
}

static int run_explain(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct explaining e = {0};
	struct worker w = {
		.source = {.root = given_value(g, ROOT), .snapshot_file = given_value(g, SNAPSHOT)},
		.snapshot = snapshot,
		.use = explain,
		.data = &e,
	};
	const char *near;
	int code;

	if (g->n_words != 1)
		return fail(EXIT_USAGE, "explain takes one rule; see: revet rules");
	code = open_catalogue(&e.catalogue, g, -1);
	if (code == 0) {
		e.rule = catalogue_find(&e.catalogue, str_of(g->words[0]));
		near = catalogue_nearest(&e.catalogue, str_of(g->words[0]));
		if (!e.rule)
			code = fail(EXIT_USAGE, "there is no rule '%s'%s%s; see: revet rules", g->words[0],
						near ? "; did you mean " : "", near ? near : "");
	}
	if (code == 0) {
		judge_wants(e.rule, &e.catalogue.language.params, snapshot);
		code = worker_run(&w);
	}
	catalogue_done(&e.catalogue);
	return code;
}

static const struct command explain_command = {
	"explain", "RULE", "why a rule is there, what it reads, what it finds, its fix", options,
	run_explain};
COMMAND(explain_command);
