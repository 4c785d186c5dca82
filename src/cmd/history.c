/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "host/value.h"

enum { ROOT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "of the tree in DIR"},
	{0},
};

static void list_change(const struct change *c, struct buf *out)
{
	struct value time = {.state = VALUE_SET, .number = c->plan.time};

	buf_printf(out, "%04u  ", c->number);
	value_print(out, TYPE_TIME, &time);
	buf_printf(out, "  %-10s %3zu %-5s  ", change_status_name(c->status), c->plan.steps.n,
			   c->plan.steps.n == 1 ? "step" : "steps");
	for (size_t i = 0; i < c->plan.rules.n; i++) {
		if (i == 4) {
			buf_printf(out, " and %zu more", c->plan.rules.n - i);
			break;
		}
		buf_printf(out, "%s%s", i ? ", " : "", c->plan.rules.p[i].id);
	}
	buf_putc(out, '\n');
}

static int list_changes(const struct changes *cs, struct arena *a)
{
	_cleanup_buf_ struct buf out = BUF((size_t)16 << 20);
	unsigned *numbers;
	struct err err;
	size_t n;

	if (changes_list(cs, a, &numbers, &n, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		struct change c;

		if (change_open(cs, numbers[i], a, &c, &err) == 0)
			list_change(&c, &out);
		else
			fail(0, "%s", err.msg);
		change_close(&c);
	}
	return put_stdout(&out);
}

static int run_history(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	const char *root = given_value(g, ROOT);
	struct changes cs;
	struct err err;
	int code;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, "the changes are for root to see; try: sudo revet history");
	if (changes_open(&cs, root ? root : "/", false, &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	else
		code = list_changes(&cs, &arena);
	changes_close(&cs);
	return code;
}

static const struct command history_command = {
	"history", "", "the changes that were applied, and what became of them", options, 0, 0,
	run_history};
COMMAND(history_command);
