/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/num.h"
#include "cmd/cmd.h"
#include "host/value.h"

enum { ROOT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "of the tree in DIR"},
	{0},
};

static void put_deadline(const struct change *c, struct buf *out)
{
	struct value time = {.state = VALUE_SET, .number = c->deadline};

	if (c->status != CHANGE_WAITING)
		return;
	buf_puts(out, "reverts by itself at ");
	value_print(out, TYPE_TIME, &time);
	buf_puts(out, " unless confirmed from a new session: revet confirm\n");
}

static int show(const struct changes *cs, const char *root, unsigned number, struct arena *a)
{
	static const char *const words[] = {
		[MARK_NONE] = "not begun", [MARK_PREPARED] = "begun", [MARK_APPLIED] = "applied",
		[MARK_UNDOING] = "being undone", [MARK_REVERTED] = "reverted"};
	_cleanup_buf_ struct buf out = BUF((size_t)64 << 20);
	struct change c;
	struct err err;
	int code = 0;

	if (change_open(cs, number, a, &c, &err) < 0) {
		code = fail(EXIT_USAGE, "%s", err.msg);
	} else {
		buf_printf(&out, "change %04u: %s\nkept in ", number, change_status_name(c.status));
		buf_printable(&out, str_of(root));
		buf_printf(&out, "%s\n", c.path);
		put_deadline(&c, &out);
		buf_putc(&out, '\n');
		plan_print_steps(&c.plan, &out);
		buf_putc(&out, '\n');
		for (size_t i = 0; i < c.plan.steps.n; i++)
			if (!c.plan.steps.p[i].type->is_action) {
				buf_printf(&out, "%-12s %s ", words[c.marks[i]], c.plan.steps.p[i].type->name);
				buf_printable(&out, str_of(c.plan.steps.p[i].target));
				buf_putc(&out, '\n');
			}
		code = put_stdout(&out);
	}
	change_close(&c);
	return code;
}

static int run_show(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	const char *root = given_value(g, ROOT);
	struct changes cs;
	struct err err;
	uint64_t number;
	int code;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, "the changes are for root to see; try: sudo revet show");
	if (num_u64(str_of(g->words[0]), 1, 9999, &number) < 0)
		return fail(EXIT_USAGE, "'%s' is not the number of a change; see: revet history", g->words[0]);
	if (changes_open(&cs, root ? root : "/", false, &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	else
		code = show(&cs, root ? root : "", (unsigned)number, &arena);
	changes_close(&cs);
	return code;
}

static const struct command show_command = {
	"show", "N", "a change: its steps with their diffs, and how far each got", options, 1, 1,
	run_show};
COMMAND(show_command);
