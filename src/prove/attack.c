/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/attack.h"

#include <string.h>

void attack_judge(struct trial *t, const char *what, int r)
{
	if (r >= 0)
		trial_refuted(t, "a user without privilege may %s", what);
	else if (r == -EPERM || r == -EACCES)
		trial_proven(t, "a user without privilege may not %s: %s", what, strerror(-r));
	else if (r == -ENOSYS)
		trial_proven(t, "nobody may %s: the kernel has no such call", what);
	else
		trial_not_run(t, "could not try to %s: %s", what, strerror(-r));
}

static bool root_may(const struct attack *a)
{
	struct err ignored;
	int r;

	return actor_run(&ACTOR_ROOT, a->act, a->data, &r, &ignored) == 0 && r >= 0;
}

void attack_try(struct trial *t, const struct attack *a)
{
	struct err err;
	int r;

	if (actor_run(&ACTOR_STRANGER, a->act, a->data, &r, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else if ((r == -EPERM || r == -EACCES) && a->root_may && !root_may(a))
		trial_not_run(t, "nor may root %s here, so that it shows nothing", a->what);
	else
		attack_judge(t, a->what, r);
}
