/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next boot will make of the kernel's parameters: the kernel's command line, the files of sysctl.d
 * and what ufw sets, to the letter as systemd-sysctl does it: see sysctl.d(5).
 */
#ifndef REVET_HOST_SYSCTL_FILES_H
#define REVET_HOST_SYSCTL_FILES_H

#include "base/map.h"
#include "base/vec.h"
#include "host/table.h"

/* systemd's sysctl_normalize(): in "a.b/c.d" the first separator is a dot, so dots and slashes
 * change places; in "a/b.c/d" nothing does. The result is a path below /proc/sys, or absent when it
 * would lead out of it. */
struct str sysctl_path(struct arena *, struct str name);
struct str sysctl_name(struct arena *, struct str path);

struct sysctl_pattern {
	const char **parts; /* between slashes */
	size_t n;           /* 0: it is none */
};
struct sysctl_pattern sysctl_pattern(struct arena *, struct str path);
bool sysctl_fits(const struct sysctl_pattern *, struct str path);

struct sysctl_setting {
	struct str path, value; /* value absent: only keeps patterns off ("-key") */
	struct from from;
	bool gone; /* a later line took its place */
	struct sysctl_pattern pattern;
};

struct sysctl_files {
	struct arena *arena;
	struct map by_path;
	VEC(struct sysctl_setting *) all, patterns; /* in the order in which they are applied */
	const char *unknown;                        /* why what a boot sets cannot be known */
};

void sysctl_files_read(struct host *, struct arena *, struct sysctl_files *ret);
/* What sets the parameter: a line that names it, else the last pattern that fits; NULL: nothing. */
const struct sysctl_setting *sysctl_persisted(const struct sysctl_files *, struct str path);

#endif
