/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/num.h"
#include "change/arm.h"
#include "change/session.h"
#include "cmd/cmd.h"

enum { SAME_SESSION };

static const struct option_doc options[] = {
	[SAME_SESSION] = {"same-session", 0, NULL,
					  "from the session that applied it: proves nothing, and may lock you out"},
	{0},
};

/* A session of its own, opened after the change and in the same way: somebody can still come in. */
static int check_session(const struct change *c, bool same_is_fine)
{
	struct session self;
	const char *why;
	struct err err;

	if (same_is_fine)
		return 0;
	if (session_of_self(&self, &err) < 0)
		return fail(EXIT_CANNOT, "cannot tell which session this is; see: revet confirm --same-session");
	why = session_proves_nothing(&self, c->session, c->applied);
	if (!why)
		return 0;
	return fail(EXIT_USAGE,
				"%s, so it proves nothing: log in anew and confirm there "
				"(or --same-session, at your own risk)",
				why);
}

static int confirm(struct changes *cs, struct arena *a, bool same)
{
	struct change c;
	unsigned number;
	struct err err;
	int code;

	if (changes_pending(cs, a, &number, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (!number)
		return fail(EXIT_CANNOT, "no change waits to be confirmed; see: revet history");
	if (change_open(cs, number, a, &c, &err) < 0) {
		code = fail(EXIT_CANNOT, "%s", err.msg);
	} else if (c.status != CHANGE_WAITING) {
		code = fail(EXIT_CANNOT, "change %04u is %s; it cannot be confirmed; see: revet revert", number,
					change_status_name(c.status));
	} else if (change_is_undone(cs, &c)) {
		code = fail(EXIT_CANNOT,
					"change %04u was undone already; have that written down: revet revert %u",
					number, number);
	} else {
		code = check_session(&c, same);
		if (code == 0 && change_commit(&c, &err) < 0)
			code = fail(EXIT_CANNOT, "%s", err.msg);
		if (code == 0) {
			disarm(cs, number);
			printf("change %04u is confirmed; to take it back: revet revert %u\n", number, number);
		}
	}
	change_close(&c);
	return code;
}

static int run_confirm(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	struct changes cs;
	struct err err;
	int r, code;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, "confirming takes root; try: sudo revet confirm");
	r = changes_open(&cs, "/", true, &err);
	if (r < 0)
		code = fail(r == -EBUSY ? EXIT_PENDING : EXIT_CANNOT, "%s", err.msg);
	else
		code = confirm(&cs, &arena, given_value(g, SAME_SESSION) != NULL);
	changes_close(&cs);
	return code;
}

static const struct command confirm_command = {
	"confirm", "", "keep the change that waits; from a new session", options, 0, 0,
	run_confirm};
COMMAND(confirm_command);
