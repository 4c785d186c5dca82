/* SPDX-License-Identifier: Apache-2.0 */
/* GRUB's menu is made anew from its defaults, and again when those are as they were. */
#include "change/step.h"

#define UPDATE "/usr/sbin/update-grub"

static int put_grub(const struct place *place, const char *target _unused_,
					const struct state *to _unused_, const struct saved *saved _unused_,
					struct err *err)
{
	const char *const argv[] = {UPDATE, NULL};

	return step_run(place, argv, 120000, err);
}

static void undo_grub(struct buf *out, const struct step *s _unused_)
{
	buf_puts(out, "chroot \"${ROOT:-/}\" " UPDATE "\n");
}

static const struct step_type grub_step = {
	.name = "grub",
	.doc = "the boot loader's menu, made anew",
	.order = 95,
	.live_only = true,
	.is_action = true,
	.put = put_grub,
	.undo_sh = undo_grub,
};
STEP_TYPE(grub_step);
