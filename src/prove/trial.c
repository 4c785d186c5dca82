/* SPDX-License-Identifier: Apache-2.0 */
/* What an experiment says, written by its process and read by the one that waits for it. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "change/netns.h"
#include "host/fields.h"
#include "prove/prove.h"

#define MAX_LINES 400
#define MAX_TEXT 2000

/* A line is the letter of its kind and its text, in one escaped word. */
static const char letters[PROOF_KINDS + 1] = "spnrw";

static void say(struct trial *t, enum proof_kind kind, const char *fmt, va_list ap)
{
	_cleanup_buf_ struct buf line = BUF((size_t)16 << 10);
	char text[MAX_TEXT];

	/* What was seen may be left out, a verdict may not. */
	if (kind == PROOF_SAW && t->said++ >= MAX_LINES)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	buf_putc(&line, letters[kind]);
	buf_putc(&line, ' ');
	fields_escaped(&line, str_of(text));
	buf_putc(&line, '\n');
	if (fd_write_all(t->report_fd, buf_get(&line)) < 0)
		_exit(1);
}

#define SAY(function, kind)                              \
	void function(struct trial *t, const char *fmt, ...) \
	{                                                    \
		va_list ap;                                      \
                                                         \
		va_start(ap, fmt);                               \
		say(t, kind, fmt, ap);                           \
		va_end(ap);                                      \
	}

SAY(trial_saw, PROOF_SAW)
SAY(trial_proven, PROOF_PROVEN)
SAY(trial_refuted, PROOF_REFUTED)
SAY(trial_not_run, PROOF_NOT_RUN)
SAY(trial_on_shadow, PROOF_SHADOW)

void proof_parse(struct str text, struct arena *a, struct proof *ret)
{
	struct str line, word;

	while (str_line(&text, &line)) {
		const char *letter = line.n ? memchr(letters, line.p[0], PROOF_KINDS) : NULL;
		struct proof_line *l;

		if (!letter || line.n < 2)
			continue;
		word = (struct str){line.p + 2, line.n - 2};
		l = vec_push(a, &ret->lines);
		*l = (struct proof_line){(enum proof_kind)(letter - letters), fields_plain(a, word)};
		if (l->kind == PROOF_SHADOW) {
			ret->live = ret->verdict > PROOF_SAW;
			ret->shadow = l->text;
		} else if (l->kind > ret->verdict) {
			ret->verdict = l->kind;
			ret->reason = l->text;
		}
	}
}

/* --- what an experiment has to work with ------------------------------------------------------------ */

int trial_ms_left(const struct trial *t)
{
	struct timespec ts;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	left = t->deadline_ms - ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
	return (int)MIN(MAX(left, 0), INT32_MAX);
}

const struct rows *trial_rows(struct trial *t, const char *name)
{
	const struct table *table = table_find(str_of(name));
	const struct rows *rows = table ? snapshot_rows(t->snapshot, table) : NULL;
	const char *why = !rows ? "it was not read" : rows->error ? rows->why : rows->gap;

	if (!why)
		return rows;
	trial_not_run(t, "the table %s is not known: %s", name, why);
	return NULL;
}

static const struct value *cell(const struct rows *rows, const struct row *row, const char *column)
{
	int i = table_column(rows->table, str_of(column));

	return i >= 0 && row->cells[i].state == VALUE_SET ? &row->cells[i] : NULL;
}

struct str trial_text(const struct rows *rows, const struct row *row, const char *column)
{
	const struct value *v = cell(rows, row, column);

	return v ? v->string : STR_ABSENT;
}

int64_t trial_number(const struct rows *rows, const struct row *row, const char *column,
					 int64_t otherwise)
{
	const struct value *v = cell(rows, row, column);

	return v ? v->number : otherwise;
}

const struct param *trial_param(const struct trial *t, const char *name)
{
	return map_get(&t->params->by_name, str_of(name));
}

int trial_run(struct trial *t, const char *const argv[], int ns, int timeout_ms,
			  struct exec_result *ret, struct err *err)
{
	struct exec e = exec_start(argv, netns_enter, &ns);
	int left = trial_ms_left(t);

	return exec_finish(&e, (size_t)4 << 20, MIN(timeout_ms, left), t->arena, ret, err);
}
