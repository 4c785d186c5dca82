/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of a table: a host described as in tests/tables, from which the table is read, judged
 * by every rule that speaks of it, and reported.
 */
#include <stdio.h>

#include "../tests/scene.h"
#include "scale.h"
#include "host/value.h"
#include "report/report.h"
#include "rule/profile.h"
#include "rule/judge.h"

#define MAX_TEXT ((size_t)64 << 20)

static const struct catalogue *embedded_catalogue(void)
{
	static struct catalogue catalogue;
	struct err err = {0};

	if (!catalogue.n)
		check(catalogue_load(&catalogue, NULL, &err) == 0);
	return &catalogue;
}

/* Printable UTF-8 and ends of lines (CSV has both bytes): nothing that a terminal obeys. */
static void check_clean(struct str s)
{
	while (s.n) {
		size_t n = str_utf8(s);
		unsigned char c = (unsigned char)s.p[0];

		check(n && (c >= ' ' || c == '\n' || c == '\r') && c != 0x7f);
		check(c != 0xc2 || (unsigned char)s.p[1] >= 0xa0);
		s.p += n;
		s.n -= n;
	}
}

static void check_reports(const struct audit *audit)
{
	for (const struct report *const *r = LEAF_BEGIN(reports); r < LEAF_END(reports); r++) {
		_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

		(*r)->write(audit, &text);
		check(!text.full);
		check_clean(buf_get(&text));
	}
}

/* What could not be read never passes: a rule about tables of which none could be read. */
static void check_verdict(const struct judgement *g, bool nothing_read)
{
	check(g->rule != NULL);
	check(!nothing_read || g->verdict != VERDICT_PASS);
	check(g->verdict != VERDICT_UNKNOWN || g->reason);
	check(g->n <= JUDGE_MAX_EVIDENCE);
}

struct seen {
	const struct snapshot *snapshot;
	bool any, read; /* a table of the sentence is in the snapshot; and it has no error */
};

static void see(void *data, const struct sentence *s)
{
	struct seen *seen = data;
	const struct rows *rows = snapshot_rows(seen->snapshot, s->table);

	seen->any = seen->any || rows;
	seen->read = seen->read || (rows && !rows->error);
}

static void check_judging(struct snapshot *s)
{
	const struct catalogue *c = embedded_catalogue();
	_cleanup_arena_ struct arena arena = {0};
	struct judgement *judgements = arena_new(&arena, struct judgement, c->n);
	static const struct site no_site;
	struct audit audit = {.snapshot = s,
						  .judgements = judgements,
						  .profile = PROFILE_DEFAULT,
						  .site = &no_site,
						  .utf8 = true,
						  .verbose = true};

	for (size_t i = 0; i < c->n; i++) {
		struct seen seen = {s, false, false};

		sentence_each(c->p[i].when, see, &seen);
		sentence_each(c->p[i].unless, see, &seen);
		sentence_each(c->p[i].want, see, &seen);
		sentence_each(c->p[i].remedy, see, &seen);
		sentence_each(c->p[i].not_while, see, &seen);
		if (!seen.any)
			continue;
		judge(&c->p[i], s, &c->language.params, &arena, &judgements[audit.n]);
		check_verdict(&judgements[audit.n++], !seen.read);
	}
	check_reports(&audit);
}

/* Every cell has a text for people, and every row a name. */
static void check_rows(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

		for (size_t k = 0; k < rows->n_columns; k++) {
			const struct value *v = &rows->p[i]->cells[k];

			check(v->state != VALUE_UNKNOWN || v->why);
			value_print(&text, rows->table->columns[k].type, v);
		}
		row_label(&text, rows->table, rows->p[i]);
		check(rows->p[i]->from.path != NULL);
		check(!text.full);
	}
	check(!rows->error || rows->why);
}

void check_snapshot(struct snapshot *s)
{
	_cleanup_snapshot_ struct snapshot *again = snapshot_new();
	_cleanup_buf_ struct buf first = BUF(MAX_TEXT), second = BUF(MAX_TEXT);
	struct err err = {0};

	check(snapshot_write(s, &first) == 0);
	check_clean(buf_get(&first));
	check(snapshot_parse(again, buf_get(&first), "first", &err) == 0);
	check(snapshot_write(again, &second) == 0);
	check(str_eq(buf_get(&first), buf_get(&second)));
	check_judging(s);
}

void run_table(const struct target *target, struct str input)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	_cleanup_buf_ struct buf recording = BUF(SCENE_MAX);
	_cleanup_scene_ struct scene scene;
	_cleanup_host_ struct host *host = NULL;
	struct err err = {0};

	scene_init(&scene);
	if (scene_parse(&scene, input, &err) < 0 || scene_recording(&scene, &recording, &err) < 0)
		return;
	host = host_open_recording(buf_get(&recording), ENOENT, &err);
	check(host != NULL);
	work = 0;
	scene_read(&scene, host, target->data, snapshot);
	check_rows(snapshot_rows(snapshot, target->data));
	if (check_thoroughly)
		check_snapshot(snapshot);
}
