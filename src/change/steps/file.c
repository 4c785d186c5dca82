/* SPDX-License-Identifier: Apache-2.0 */
/* A text file: its content, with mode and owner, or that it is not there. */
#include "change/diff.h"
#include "change/fs.h"

static int capture_file(const struct place *place, const char *target, struct arena *a,
						struct state *ret, struct err *err)
{
	return fs_capture(place, target, true, a, ret, err);
}

/* A step that was begun and refused has left the file as it was: writing it again would only take it
 * apart from other names, or fail for the same reason. */
static bool is_already(const struct place *place, const char *target, const struct state *to)
{
	_cleanup_arena_ struct arena a = {0};
	struct state now = {0};
	const char *field;
	struct err ignored;

	return capture_file(place, target, &a, &now, &ignored) == 0 && state_covers(&now, to, &field);
}

static int put_file(const struct place *place, const char *target, const struct state *to,
					const struct saved *saved, struct err *err)
{
	fs_remove_temp(place, target);
	if (saved && is_already(place, target, to))
		return 0;
	return state_is(to, "type", "absent")
			   ? fs_remove(place, target, err)
			   : fs_write(place, target, state_get(to, "content"), to, saved, err);
}

static void restore_times(const struct place *place, const struct step *s,
						  const struct saved *saved)
{
	fs_restore_parent_times(place, s->target, saved);
}

static int save_file(const struct place *place, const struct step *s, const struct saved *saved,
					 struct err *err)
{
	return fs_save(place, s->target, true, saved, err);
}

static void describe_file(struct buf *out, const struct step *s)
{
	struct str before = state_get(&s->before, "content"), after = state_get(&s->after, "content");

	diff_print(out, before.p ? before : STR(""), after.p ? after : STR(""));
}

static void undo_file(struct buf *out, const struct step *s)
{
	if (state_is(&s->before, "type", "absent")) {
		buf_puts(out, "rm -f \"$ROOT\"");
		step_shell_word(out, str_of(s->target));
	} else {
		buf_puts(out, "copy \"$SAVED\" \"$ROOT\"");
		step_shell_word(out, str_of(s->target));
		buf_puts(out, ".revet-undo && mv -f \"$ROOT\"");
		step_shell_word(out, str_of(s->target));
		buf_puts(out, ".revet-undo \"$ROOT\"");
		step_shell_word(out, str_of(s->target));
	}
	buf_putc(out, '\n');
}

static const struct step_type file_step = {
	.name = "file",
	.doc = "a text file, written beside and renamed into place",
	.order = 20,
	.is_file = true,
	.capture = capture_file,
	.put = put_file,
	.save = save_file,
	.restore_times = restore_times,
	.describe = describe_file,
	.undo_sh = undo_file,
};
STEP_TYPE(file_step);
