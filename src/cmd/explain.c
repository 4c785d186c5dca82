/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "prove/prove.h"

enum { ROOT, SNAPSHOT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "with the evidence of the tree, or the recording, in DIR"},
	[SNAPSHOT] = {"snapshot", 0, "FILE", "with the evidence of a snapshot made earlier"},
	{0},
};

struct explaining {
	struct catalogue catalogue;
	const struct rule *rule;
	int root_fd; /* for the plan's looks at files */
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
	/* Of rows, the braces name the column that tells which one: PATH. */
	while (str_cut(&rest, '{', &piece)) {
		buf_str(&text, piece);
		if (!rest.p || !str_cut(&rest, '}', &piece))
			break;
		if (s->key.p && str_is(piece, "key"))
			buf_str(&text, s->key);
		else
			for (size_t i = 0; i < piece.n; i++)
				buf_putc(&text, (char)toupper((unsigned char)piece.p[i]));
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
		_cleanup_buf_ struct buf line = BUF(65536);

		evidence_print(&line, &g->p[i]);
		printf("  %.*s", (int)line.n, line.p);
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

/* --- the fix --------------------------------------------------------------------------------------- */

static void print_needs(struct yaml_at needs)
{
	static const struct {
		const char *name, *what;
	} proofs[] = {
		{"admin-can-log-in", "an administrator can still log in and raise privilege"},
		{"session-stays-allowed", "the address that you work from stays allowed"},
		{"pam-authenticates", "PAM still lets an administrator in"},
	};
	struct yaml_iter it;

	if (!needs.doc)
		return;
	it = yaml_iter(needs);
	while (yaml_next(&it))
		for (size_t i = 0; i < ARRAY_LEN(proofs); i++)
			if (str_is(yaml_text(it.value), proofs[i].name))
				printf("  proven first: %s\n", proofs[i].what);
}

static void print_undoing(const struct rule *rule)
{
	puts("  undone: what was there is kept in " CHANGE_STATE_DIR "/changes first");
	printf("  to take it back: revet revert --rule %s\n", rule->id);
	if (rule->risk == RISK_ACCESS)
		puts("  and it reverts by itself, unless somebody confirms it who has logged in anew");
}

/* What would be done on this host, or why nothing is. */
static void print_plan(const struct plan *plan)
{
	_cleanup_buf_ struct buf text = BUF((size_t)64 << 20);

	plan_print_steps(plan, &text);
	for (size_t i = 0; i < plan->left.n; i++)
		if (plan->left.p[i].left != LEFT_UNKNOWN) {
			buf_puts(&text, "  nothing: ");
			buf_printable(&text, str_of(plan->left.p[i].why));
			buf_putc(&text, '\n');
		}
	if (text.n) {
		puts("\non this host it would change");
		fwrite(text.p, 1, text.n, stdout);
	}
}

static void explain_plan(const struct explaining *e, struct worker *w, const struct judgement *now,
						 struct arena *a)
{
	const struct plan_about about = {
		.host = w->source.host,
		.snapshot = w->snapshot,
		.judgements = now,
		.n = 1,
		.params = &e->catalogue.language.params,
		.root_fd = e->root_fd,
	};
	struct plan plan;
	struct err err;

	/* Of a snapshot or a recording there is nothing to be changed. */
	if (!w->source.host || host_is_recording(w->source.host) || e->root_fd < 0)
		return;
	if (plan_make(&plan, &about, a, &err) < 0)
		printf("\nthe change cannot be planned: %s\n", err.msg);
	else
		print_plan(&plan);
}

static void explain_fix(const struct explaining *e, struct worker *w, const struct judgement *now,
						struct arena *a)
{
	const struct rule *rule = e->rule;

	printf("\nfix: %s, risk: %s\n", rule->fix == FIX_BY_HAND ? "by hand" : fix_name(rule->fix),
		   risk_name(rule->risk));
	print_sentence(e, "  makes   ", rule->remedy);
	print_sentence(e, "  not while ", rule->not_while);
	if (rule->fix != FIX_BY_HAND) {
		sentence_each(rule->remedy ? rule->remedy : rule->want, print_fix,
					  (void *)&e->catalogue.language.params);
		print_needs(rule->needs);
		print_undoing(rule);
		explain_plan(e, w, now, a);
	}
	print_field("by hand", rule->by_hand);
	print_field("what may break", rule->breaks);
}

static void print_experiments(const struct rule *rule)
{
	const struct experiment *const *all;
	size_t n = experiments_all(&all);
	const char *head = "\ntried by\n";
	_cleanup_buf_ struct buf text = BUF(8192);

	for (size_t i = 0; i < n; i++) {
		if (!experiment_has_rule(all[i], rule->id))
			continue;
		buf_clear(&text);
		buf_printf(&text, "revet prove %s: %s", all[i]->name, all[i]->doc);
		fputs(head, stdout);
		head = "";
		print_wrapped("  ", buf_get(&text));
	}
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
	explain_fix(e, w, &now, &arena);
	print_experiments(e->rule);
	print_parameters(&e->catalogue, e->rule->parameters);
	print_refs(e->rule->refs);
	printf("\nfrom %s\n", e->rule->file);
	return EXIT_DONE;
}

static int run_explain(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct explaining e = {.root_fd = -1};
	struct worker w = {
		.source = {.root = given_value(g, ROOT), .snapshot_file = given_value(g, SNAPSHOT)},
		.snapshot = snapshot,
		.use = explain,
		.data = &e,
	};
	const struct opening opening = {-1, -1, -1, w.source.root || w.source.snapshot_file};
	struct site site;
	int code;

	w.source.site = &site;
	code = open_catalogue(&e.catalogue, &site, g, &opening);
	if (code == 0) {
		e.rule = catalogue_find(&e.catalogue, str_of(g->words[0]));
		if (!e.rule)
			code = no_such("rule", g->words[0],
						   catalogue_nearest(&e.catalogue, str_of(g->words[0])), "revet rules");
	}
	if (code == 0) {
		judge_wants(e.rule, &e.catalogue.language.params, snapshot);
		snapshot_want(snapshot, table_find(STR("os")));
		e.root_fd = open(w.source.root ? w.source.root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		code = worker_run(&w);
	}
	close_fd(&e.root_fd);
	catalogue_done(&e.catalogue);
	return code;
}

static const struct command explain_command = {
	"explain", "RULE", "why a rule is there, what it reads, what it finds, its fix", options, 1, 1,
	run_explain};
COMMAND(explain_command);
