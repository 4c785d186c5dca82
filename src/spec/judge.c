/* SPDX-License-Identifier: Apache-2.0 */
/* Every property of every resource, and every sentence, from what was read and answered. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/passwd.h"
#include "spec/spec.h"

#define MAX_THREADS 64

static const struct attribute no_attributes[] = {{0}};
/* What a sentence of `tests` belongs to. It is no key of a file, and so not registered. */
const struct kind test_kind = {"tests", "Test", no_attributes};

void suite_wants(const struct suite *s, struct snapshot *snapshot)
{
	for (size_t i = 0; i < s->resources.n; i++) {
		const struct resource *r = s->resources.p[i];

		if (r->skip)
			continue;
		if (r->rule)
			judge_wants(r->rule, &s->catalogue->language.params, snapshot);
		else if (r->kind->want)
			r->kind->want(r, snapshot);
	}
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- sentences ------------------------------------------------------------------------------- */

static struct datum text_of(const char *s)
{
	return s ? DATUM_STR(str_of(s)) : DATUM_NOTHING;
}

/* What decided it, and what it should be: one each, or lists. */
static void show_evidence(const struct judgement *g, struct arena *a, struct match_result *m)
{
	struct datum *found = arena_new(a, struct datum, g->n + 1),
				 *wanted = arena_new(a, struct datum, g->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < g->n && i < 20; i++) {
		const struct evidence *e = &g->p[i];

		found[n] =
			text_of(arena_printf(a, "%s: %s%s%s%s", e->object, e->found, e->source ? " (" : "",
								 e->source ? e->source : "", e->source ? ")" : ""));
		wanted[n++] = text_of(e->wanted);
	}
	m->actual = n == 1 ? found[0] : datum_list(found, n);
	m->expected = n == 1 ? wanted[0] : datum_list(wanted, n);
}

static const char *want_of(const struct suite_judging *j, const struct rule *rule, struct arena *a)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	sentence_print(&text, rule->want, &j->suite->catalogue->language.params);
	return arena_copy(a, buf_get(&text).p, text.n);
}

/* A test that is about nothing on this host has not been passed: who writes it says that there is
 * something. */
static void judge_test(const struct suite_judging *j, struct finding *f, struct result *ret)
{
	const struct resource *r = f->resource;
	struct judgement g;

	ret->property = "want";
	judge(r->rule, j->snapshot, &j->suite->catalogue->language.params, f->arena, &g);
	ret->match = (struct match_result){.match = MATCH_NO, .message = "to be"};
	show_evidence(&g, f->arena, &ret->match);
	switch (g.verdict) {
	case VERDICT_PASS:
		ret->outcome = OUTCOME_PASS;
		ret->match.match = MATCH_YES;
		if (!g.n) /* nothing of what must not be is no evidence */
			ret->match.expected = text_of(want_of(j, r->rule, f->arena));
		break;
	case VERDICT_FAIL:
		ret->outcome = OUTCOME_FAIL;
		break;
	case VERDICT_NOT_APPLICABLE:
		ret->outcome = OUTCOME_FAIL;
		ret->match.actual = text_of("there is none of this kind");
		ret->match.expected = text_of("at least one, for the test to be about");
		if (r->rule->when &&
			judge_sentence(r->rule->when, j->snapshot, &j->suite->catalogue->language.params,
						   f->arena) == FALSE_)
			ret->outcome = OUTCOME_SKIP;
		break;
	default:
		ret->outcome = OUTCOME_FAIL;
		ret->match.match = MATCH_ERROR;
		ret->match.message = g.reason ? g.reason : "it cannot be known";
		ret->match.actual = DATUM_NOTHING;
	}
}

/* --- resources ------------------------------------------------------------------------------- */

/* Of a text in which patterns are looked for it is enough to say how long it is: a file may hold what is
 * nobody's business. */
static void shorten(struct finding *f, const struct property *p, struct match_result *m)
{
	struct str rest = m->actual.kind == DATUM_TEXT ? m->actual.text : STR_ABSENT, line;
	size_t lines = 0;

	if (attribute_of(f->resource, p->attribute)->kind != EXPECTED_TEXT || !rest.p)
		return;
	m->raw = DATUM_NOTHING;
	if (m->actual.text.n <= 200 && strcmp(f->resource->kind->name, "file") != 0)
		return;
	while (str_line(&rest, &line))
		lines++;
	m->actual = text_of(arena_printf(f->arena, "%zu lines of text", lines));
}

static void judge_property(struct finding *f, const struct property *p, struct result *ret)
{
	struct datum value = DATUM_NOTHING;
	struct err err = {0};

	ret->property = attribute_of(f->resource, p->attribute)->name;
	if (f->resource->kind->find(f, p->attribute, &value, &err) < 0) {
		ret->outcome = OUTCOME_FAIL;
		ret->match = (struct match_result){.match = MATCH_ERROR,
										   .message = arena_strdup(f->arena, err.msg),
										   .expected = *matcher_expected(p->matcher)};
		return;
	}
	matcher_test(p->matcher, &value, f->arena, &ret->match);
	ret->outcome = ret->match.match == MATCH_YES ? OUTCOME_PASS : OUTCOME_FAIL;
	if (ret->match.match == MATCH_YES) {
		ret->match = (struct match_result){.match = MATCH_YES,
										   .message = "matches expectation",
										   .actual = value,
										   .expected = *matcher_expected(p->matcher)};
	}
	shorten(f, p, &ret->match);
}

/* After a first property that is false, or cannot be known, the others have nothing to be about. */
static bool closes(const struct resource *r, const struct result *first)
{
	if (!r->kind->gated || r->properties[0].attribute != 0)
		return false;
	return first->match.match == MATCH_ERROR ||
		   (first->match.actual.kind == DATUM_BOOL && !first->match.actual.yes);
}

static size_t count_results(const struct resource *r)
{
	return r->rule ? 1 : r->n_properties;
}

static void judge_resource(const struct suite_judging *j, const struct resource *r, struct arena *a,
						   struct result *to)
{
	struct finding f = {j->host, j->users, j->snapshot, j->suite, r, a, NULL};
	bool skip = r->skip;

	for (size_t i = 0; i < count_results(r); i++) {
		int64_t begin = now_us();

		to[i] = (struct result){.resource = r, .outcome = OUTCOME_SKIP};
		to[i].property = r->rule ? "want" : attribute_of(r, r->properties[i].attribute)->name;
		if (!skip && r->rule)
			judge_test(j, &f, &to[i]);
		else if (!skip)
			judge_property(&f, &r->properties[i], &to[i]);
		if (i == 0 && !skip && !r->rule)
			skip = closes(r, &to[0]);
		to[i].took_us = now_us() - begin;
	}
}

/* --- all of them ----------------------------------------------------------------------------- */

struct crew {
	struct suite_judging *j;
	const size_t *first; /* result of each resource */
	atomic_size_t next;
};

struct member_of_crew {
	struct crew *crew;
	struct arena *arena;
};

static void *work(void *data)
{
	struct member_of_crew *m = data;
	struct suite_judging *j = m->crew->j;

	for (;;) {
		size_t i = atomic_fetch_add(&m->crew->next, 1);

		if (i >= j->suite->resources.n)
			return NULL;
		if (!j->suite->resources.p[i]->rule)
			judge_resource(j, j->suite->resources.p[i], m->arena, &j->results.p[m->crew->first[i]]);
	}
}

/* Sentences share the parameters, which are not made for several threads. */
static void judge_sentences(struct suite_judging *j, const size_t *first)
{
	for (size_t i = 0; i < j->suite->resources.n; i++)
		if (j->suite->resources.p[i]->rule)
			judge_resource(j, j->suite->resources.p[i], &j->arenas[0], &j->results.p[first[i]]);
}

static void sum_up(struct results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		r->failed += r->p[i].outcome == OUTCOME_FAIL;
		r->skipped += r->p[i].outcome == OUTCOME_SKIP;
	}
}

void suite_judge(struct suite_judging *j)
{
	struct suite *s = j->suite;
	size_t *first = arena_new(&s->arena, size_t, s->resources.n + 1);
	struct crew crew = {.j = j, .first = first};
	struct member_of_crew members[MAX_THREADS];
	pthread_t ids[MAX_THREADS];
	struct passwd_db *users;
	struct err ignored;
	unsigned n = 0;

	for (size_t i = 0; i < s->resources.n; i++) {
		first[i] = j->results.n;
		j->results.n += count_results(s->resources.p[i]);
	}
	j->results.p = arena_new(&s->arena, struct result, j->results.n + 1);
	j->threads = MIN(MAX(j->threads, 1u), (unsigned)MAX_THREADS);
	j->arenas = mem_calloc(j->threads, sizeof(*j->arenas));
	users = arena_new(&j->arenas[0], struct passwd_db, 1);
	j->users = passwd_read(j->host, &j->arenas[0], users, &ignored) == 0 ? users : NULL;
	for (unsigned i = 0; i < j->threads; i++)
		members[i] = (struct member_of_crew){&crew, &j->arenas[i]};
	while (n + 1 < j->threads && pthread_create(&ids[n], NULL, work, &members[n + 1]) == 0)
		n++;
	work(&members[0]);
	for (unsigned i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	judge_sentences(j, first);
	sum_up(&j->results);
}

void suite_judging_done(struct suite_judging *j)
{
	for (unsigned i = 0; j->arenas && i < j->threads; i++)
		arena_done(&j->arenas[i]);
	free(take_ptr(j->arenas));
}
