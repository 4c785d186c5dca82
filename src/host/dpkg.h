/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's control syntax (deb822), dpkg's database of packages, and the order of its versions.
 * Everything is a slice of the text that was given; arrays live in the arena that was passed.
 */
#ifndef REVET_HOST_DPKG_H
#define REVET_HOST_DPKG_H

#include "host/host.h"

/* A cursor over paragraphs of fields: start with {text, 1}. */
struct deb822 {
	struct str rest;
	unsigned line; /* of rest's first byte */
};
struct deb822_field {
	struct str name;  /* compare without case */
	struct str value; /* with its continuation lines as they are; absent: the line has no colon */
	unsigned line;
};

/* Goes to the next paragraph, over blank lines and comments. False at the end of the text. */
bool deb822_paragraph(struct deb822 *);
/* The next field of this paragraph. False at its end. */
bool deb822_field(struct deb822 *, struct deb822_field *ret);
/* The first line of a value, which is all there is for a simple field. */
struct str deb822_first_line(struct str value);

struct dpkg_package {
	struct str name, version, architecture, section, priority, source, maintainer;
	struct str want, state;     /* "hold" and "installed" in "Status: hold ok installed" */
	struct str essential, protected, size; /* "yes"; "yes"; in KiB */
	struct str pre_depends, depends, provides; /* as in the status file, comma-separated */
	const char *file;
	unsigned line;
};

struct dpkg_db {
	struct dpkg_package *p;
	size_t n, cap;
	const char *gap; /* why a package may be missing; NULL: complete */
};

/* Appends the packages of a status file; those that are not installed at all are left out. */
void dpkg_parse(struct arena *, struct str text, const char *file, struct dpkg_db *);
/* /var/lib/dpkg/status, and what an interrupted dpkg left in updates/. -ENOENT: no dpkg here. In the
 * arena, or the host's, which reads it once while it remembers: change nothing in it. */
int dpkg_read(struct host *, struct arena *, struct dpkg_db *ret, struct err *);
/* The package's entry that is truly there (state installed), or NULL. */
const struct dpkg_package *dpkg_installed(const struct dpkg_db *, const char *name);
/* The next installed package behind `after` (NULL: the first) whose dependencies would not hold
 * without this one, or NULL. Versions are not
 * looked at: dpkg itself refuses where they matter. */
const struct dpkg_package *dpkg_needed_by(const struct dpkg_db *, const struct dpkg_package *,
										  const struct dpkg_package *after);

/* Negative, 0 or positive, as dpkg --compare-versions (deb-version(7)). */
int dpkg_version_cmp(struct str a, struct str b);

#endif
