/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/read_only.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Linux 5.12; see mount_setattr(2). The C library has it from 2.36 on. */
struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};
#define READ_ONLY 0x1
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static int set_attributes(const char *path, unsigned flags, struct attributes a)
{
	return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &a, sizeof(a)) < 0 ? -errno : 0;
}

/* What is written to the directory goes to one below `top`. */
static int cover(const char *top, unsigned number, const char *directory)
{
	char options[512], upper[128], work[128];

	snprintf(upper, sizeof(upper), "%s/upper-%u", top, number);
	snprintf(work, sizeof(work), "%s/work-%u", top, number);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", directory, upper,
			 work);
	if (mkdir(upper, 0755) < 0 || mkdir(work, 0755) < 0 ||
		mount("revet", directory, "overlay", MS_NODEV, options) < 0)
		return -errno;
	return 0;
}

int read_only_enter(const struct trial *t, const char *const *directories, struct err *err)
{
	int r = set_attributes("/", AT_RECURSIVE, (struct attributes){.set = READ_ONLY});

	/* Larger than the scratch is: apt's cache has a hundred MiB. */
	if (r < 0 || mount("revet", t->scratch, "tmpfs", MS_NODEV, "mode=0711,size=512m") < 0)
		return err_errno(err, r < 0 ? -r : errno,
						 "the file systems cannot be made read-only for it");
	for (unsigned i = 0; directories[i]; i++) {
		r = access(directories[i], F_OK) == 0 ? cover(t->scratch, i, directories[i]) : 0;
		if (r < 0)
			return err_errno(err, -r, "%s cannot be covered", directories[i]);
	}
	return 0;
}
