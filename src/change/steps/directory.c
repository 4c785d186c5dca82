/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that is made for a file; undone only while it is empty. */
#include <fcntl.h>

#include "change/fs.h"

static int capture_directory(const struct place *place, const char *target, struct arena *a,
							 struct state *ret, struct err *err)
{
	return fs_capture(place, target, false, a, ret, err);
}

static int put_directory(const struct place *place, const char *target, const struct state *to,
						 const struct saved *saved _unused_, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, target, &name);
	int r;

	if (dir < 0)
		return err_errno(err, -dir, "%s", target);
	if (state_is(to, "type", "absent"))
		r = unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
	else
		r = mkdirat(dir, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	if (r < 0)
		return err_errno(err, -r, "%s", target);
	return state_is(to, "type", "absent") ? 0 : fs_set_attributes(place, target, to, NULL, err);
}

static void restore_times(const struct place *place, const struct step *s, const struct saved *saved)
{
	fs_restore_parent_times(place, s->target, saved);
}

static int save_directory(const struct place *place, const struct step *s,
						  const struct saved *saved, struct err *err)
{
	return fs_save(place, s->target, false, saved, err);
}

static void undo_directory(struct buf *out, const struct step *s)
{
	buf_puts(out, "rmdir \"$ROOT\"");
	step_shell_word(out, str_of(s->target));
	buf_putc(out, '\n');
}

static const struct step_type directory_step = {
	.name = "directory",
	.doc = "a directory that is made for a file",
	.order = 10,
	.is_file = true,
	.capture = capture_directory,
	.put = put_directory,
	.save = save_directory,
	.restore_times = restore_times,
	.undo_sh = undo_directory,
};
STEP_TYPE(directory_step);
