/* SPDX-License-Identifier: Apache-2.0 */
/* Mode, owner and group of a file or directory; its content is not looked at. */
#include "change/fs.h"

static int capture_attributes(const struct place *place, const char *target, struct arena *a,
							  struct state *ret, struct err *err)
{
	return fs_capture(place, target, false, a, ret, err);
}

static int put_attributes(const struct place *place, const char *target, const struct state *to,
						  const struct saved *saved, struct err *err)
{
	return fs_set_attributes(place, target, to, saved, err);
}

static const struct step_type attributes_step = {
	.name = "attributes",
	.doc = "mode, owner and group of a file or directory",
	.order = 30,
	.is_file = true,
	.capture = capture_attributes,
	.put = put_attributes,
	.save = fs_save_attributes,
	.undo_sh = fs_undo_attributes_sh,
};
STEP_TYPE(attributes_step);
