/* SPDX-License-Identifier: Apache-2.0 */
/* A text file: its content, with mode and owner, or that it is not there. */
#include <fcntl.h>

#include "change/diff.h"
#include "change/fs.h"

static int capture_file(const struct place *place, const char *target, struct arena *a,
						struct state *ret, struct err *err)
{
	return fs_capture(place, target, true, a, ret, err);
}

static int remove_file(const struct place *place, const char *target, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, target, &name);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_errno(err, -dir, "%s", target);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "%s", target);
	return fsync(dir) < 0 ? err_errno(err, errno, "%s", target) : 0;
}

static int put_file(const struct place *place, const char *target, const struct state *to,
					const struct saved *saved, struct err *err)
{
	int r;

	fs_remove_temp(place, target);
	r = state_is(to, "type", "absent")
			? remove_file(place, target, err)
			: fs_write(place, target, state_get(to, "content"), to, saved, err);

	if (r == 0 && saved)
		fs_restore_parent_times(place, target, saved);
	return r;
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
		buf_puts(out, "cp --preserve=all \"$SAVED\" \"$ROOT\"");
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
	.capture = capture_file,
	.put = put_file,
	.save = save_file,
	.describe = describe_file,
	.undo_sh = undo_file,
};
STEP_TYPE(file_step);
