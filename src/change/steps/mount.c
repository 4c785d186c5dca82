/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mount forbids now: nosuid, nodev, noexec and nosymfollow of the mount itself, each "yes" or
 * "no". Its file system, other places where that is mounted and other options are left alone. What
 * holds from the next boot on is the business of a file.
 */
#include <sys/mount.h>

#include "change/step.h"
#include "host/fstab.h"
#include "host/mountinfo.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static const struct {
	const char *name, *undo;
	unsigned long flag;
} flags[] = {
	{"nosuid", "suid", MS_NOSUID},
	{"nodev", "dev", MS_NODEV},
	{"noexec", "exec", MS_NOEXEC},
	{"nosymfollow", "symfollow", MS_NOSYMFOLLOW},
	{"ro", NULL, MS_RDONLY}, /* kept, not set */
};

/* The options of what is mounted there, of the last one when there are several; absent: nothing is. */
static int read_options(const struct place *place, const char *target, struct arena *a, struct str *ret,
						struct err *err)
{
	struct host *host = host_open(place->root, err);
	struct mounts mounts = {0};
	int r;

	*ret = STR_ABSENT;
	if (!host)
		return -err->errnum;
	r = mountinfo_read(host, a, &mounts, err);
	for (size_t i = 0; r == 0 && i < mounts.n; i++)
		if (str_is(mounts.p[i].target, target))
			*ret = mounts.p[i].options;
	host_free(host);
	return r;
}

static int capture_mount(const struct place *place, const char *target, struct arena *a,
						 struct state *ret, struct err *err)
{
	struct str options;
	int r = read_options(place, target, a, &options, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(flags); i++)
		if (flags[i].undo)
			state_set(ret, a, flags[i].name,
					  !options.p                             ? STR_ABSENT
					  : fstab_has_option(options, flags[i].name) ? STR("yes")
														   : STR("no"));
	return r;
}

/* All flags of a mount are set at once; those that say when access times are written stay when none
 * of them is named, see mount(2). */
static int put_mount(const struct place *place, const char *target, const struct state *to,
					 const struct saved *saved _unused_, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	unsigned long wanted = MS_REMOUNT | MS_BIND;
	struct str options;
	int r = read_options(place, target, &a, &options, err);

	if (r < 0)
		return r;
	if (!options.p)
		return err_set(err, ENOENT, "%s: nothing is mounted there any more", target);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct str value = state_get(to, flags[i].name);

		if (value.p ? str_is(value, "yes") : fstab_has_option(options, flags[i].name))
			wanted |= flags[i].flag;
	}
	return mount(NULL, target, NULL, wanted, NULL) < 0
			   ? err_errno(err, errno, "%s cannot be mounted with other options", target)
			   : 0;
}

static void undo_mount(struct buf *out, const struct step *s)
{
	buf_puts(out, "[ -n \"$ROOT\" ] || mount -o remount");
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].undo && state_get(&s->before, flags[i].name).p)
			buf_printf(out, ",%s",
					   state_is(&s->before, flags[i].name, "yes") ? flags[i].name : flags[i].undo);
	buf_putc(out, ' ');
	step_shell_word(out, str_of(s->target));
	buf_putc(out, '\n');
}

static const struct step_type mount_step = {
	.name = "mount",
	.doc = "what a mounted file system forbids now",
	.order = 58,
	.live_only = true,
	.may_vanish = true,
	.capture = capture_mount,
	.put = put_mount,
	.undo_sh = undo_mount,
};
STEP_TYPE(mount_step);
