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

static int save_attributes(const struct place *place, const struct step *s,
						   const struct saved *saved, struct err *err)
{
	return fs_save(place, s->target, false, saved, err);
}

static void undo_attributes(struct buf *out, const struct step *s)
{
	/* A link may have taken its place since. */
	buf_puts(out, "[ -L \"$ROOT\"");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, " ] || cp -rT --attributes-only --preserve=all \"$SAVED\" \"$ROOT\"");
	step_shell_word(out, str_of(s->target));
	buf_putc(out, '\n');
}

static const struct step_type attributes_step = {
	.name = "attributes",
	.doc = "mode, owner and group of a file or directory",
	.order = 30,
	.is_file = true,
	.capture = capture_attributes,
	.put = put_attributes,
	.save = save_attributes,
	.undo_sh = undo_attributes,
};
STEP_TYPE(attributes_step);
