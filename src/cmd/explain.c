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

#define WIDTH 96

/* Words behind a lead, broken into lines that begin below its end. */
static void print_wrapped(const char *lead, struct str text)
{
	size_t indent = strlen(lead), at = indent;
	struct str word;

	fputs(lead, stdout);
	while (str_word(&text, &word)) {
		if (at > indent && at + 1 + word.n > WIDTH) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		}
		printf("%s%.*s", at > indent ? " " : "", STR_ARG(word));
		at += word.n + (at > indent);
	}
	putchar('\n');
}

static void print_field(const char *name, struct str text)
{
	if (!text.p)
		return;
	printf("\n%s\n", name);
	print_wrapped("  ", text);
}

static void print_table(void *data, const struct sentence *s)
{
	const struct table **last = data;
	_cleanup_buf_ struct buf text = BUF(8192);

	buf_printf(&text, "%s: %s", s->table->name, s->table->doc);
	if (*last != s->table)
		print_wrapped("  ", buf_get(&text));
	*last = s->table;
}

/* "  PermitRootLogin no: set PermitRootLogin in /etc/ssh/sshd_config.d and reload sshd" */
static void print_fix(void *data, const struct sentence *s)
{
	const struct params *params = data;
	_cleanup_buf_ struct buf text = BUF(65536);
	struct str rest = str_of(s->table->fix), piece;

	if (!s->table->fix)
		return;
	if (s->kind == SENTENCE_KEY) {
		sentence_print(&text, s, params);
		buf_puts(&text, ": ");
	}
	/* Of rows, the braces name the column that tells which one. */
	while (str_cut(&rest, '{', &piece)) {
		buf_str(&text, piece);
		if (!rest.p || !str_cut(&rest, '}', &piece))
			break;
		buf_str(&text, s->key.p && str_is(piece, "key") ? s->key : piece);
	}
	print_wrapped("  ", buf_get(&text));
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

static void print_parameters(const struct catalogue *c, struct yaml_at parameters)
{
	struct yaml_iter it;

	if (!parameters.doc)
		return;
	printf("\nparameters, for: revet audit --set NAME=VALUE\n");
	it = yaml_iter(parameters);
	while (yaml_next(&it)) {
		const struct param *p = map_get(&c->language.params.by_name, yaml_text(it.key));
		_cleanup_buf_ struct buf text = BUF(65536);

		for (size_t i = 0; i < p->n; i++)
			buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(p->items[i]));
		printf("  %s =\n", p->name);
		print_wrapped("    ", buf_get(&text));
	}
}

static void print_clean(const char *s)
{
	_cleanup_buf_ struct buf text = BUF(65536);

	buf_printable(&text, str_of(s));
	if (text.n)
		fwrite(text.p, 1, text.n, stdout);
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

static void print_sentence(const struct explaining *e, const char *word, const struct sentence *s)
{
	_cleanup_buf_ struct buf text = BUF(65536);

	if (!s)
		return;
	sentence_print(&text, s, &e->catalogue.language.params);
	print_wrapped(word, buf_get(&text));
}

static void print_sentences(const struct explaining *e)
{
	printf("\njudges\n");
	print_sentence(e, "  when    ", e->rule->when);
	print_sentence(e, "  unless  ", e->rule->unless);
	print_sentence(e, "  want    ", e->rule->want);
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
	print_sentences(e);
	printf("\nreads\n");
	sentence_each(e->rule->want, print_table, &last);
	print_evidence(&now);
	printf("\nfix: %s, risk: %s\n", e->rule->fix == FIX_BY_HAND ? "by hand" : fix_name(e->rule->fix),
		   risk_name(e->rule->risk));
	print_sentence(e, "  makes   ", e->rule->remedy);
	print_sentence(e, "  not while ", e->rule->not_while);
	if (e->rule->fix != FIX_BY_HAND)
		sentence_each(e->rule->remedy ? e->rule->remedy : e->rule->want, print_fix,
					  (void *)&e->catalogue.language.params);
	print_field("by hand", e->rule->by_hand);
	print_field("what may break", e->rule->breaks);
	print_parameters(&e->catalogue, e->rule->parameters);
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
	const struct opening opening = {-1, -1, -1, w.source.root || w.source.snapshot_file};
	struct site site;
	int code;

	code = open_catalogue(&e.catalogue, &site, g, &opening);
	if (code == 0) {
		e.rule = catalogue_find(&e.catalogue, str_of(g->words[0]));
		if (!e.rule)
			code = no_such("rule", g->words[0],
						   catalogue_nearest(&e.catalogue, str_of(g->words[0])), "revet rules");
	}
	if (code == 0) {
		judge_wants(e.rule, &e.catalogue.language.params, snapshot);
		code = worker_run(&w);
	}
	catalogue_done(&e.catalogue);
	return code;
}

static const struct command explain_command = {
	"explain", "RULE", "why a rule is there, what it reads, what it finds, its fix", options, 1, 1,
	run_explain};
COMMAND(explain_command);
