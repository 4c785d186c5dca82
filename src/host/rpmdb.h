/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm's database. sqlite (rpm 4.16 and later: RHEL 9, Fedora, SUSE) through libsqlite3, which is
 * loaded when there is such a file; the headers in it are taken apart here. The older formats are
 * named in the error. Only for the `live` of a query with `tree`: the file is too large to record.
 */
#ifndef REVET_HOST_RPMDB_H
#define REVET_HOST_RPMDB_H

#include "host/host.h"

/* Tags of rpm's rpmtag.h. */
enum rpm_tag {
	RPM_NAME = 1000,
	RPM_VERSION = 1001,
	RPM_RELEASE = 1002,
	RPM_EPOCH = 1003,
	RPM_SIZE = 1009,
	RPM_VENDOR = 1011,
	RPM_PACKAGER = 1015,
	RPM_GROUP = 1016,
	RPM_ARCH = 1022,
	RPM_SOURCE_RPM = 1044,
	RPM_PROVIDE_NAME = 1047,
	RPM_REQUIRE_NAME = 1049,
	RPM_DIR_INDEXES = 1116,
	RPM_BASE_NAMES = 1117,
	RPM_DIR_NAMES = 1118,
	RPM_LONG_SIZE = 5009,
};

/* A package's header: n index entries of 16 bytes, then `data`. Borrowed. */
struct rpm_header {
	const unsigned char *index;
	struct str data;
	uint32_t n;
};

/* -EINVAL for a blob that is no header. */
int rpm_header_parse(struct str blob, struct rpm_header *ret);
/* The (first) string of a tag; absent when there is none. */
struct str rpm_string(const struct rpm_header *, enum rpm_tag);
/* The numbers of a tag, and the i-th of them; false when there are not as many. */
struct rpm_numbers {
	const unsigned char *p;
	uint32_t n;
	size_t width; /* 4 or 8 */
};
struct rpm_numbers rpm_numbers(const struct rpm_header *, enum rpm_tag);
bool rpm_number(const struct rpm_numbers *, uint32_t i, uint64_t *ret);
/* The strings of a tag: *ret_rest holds them, each with a NUL behind it. Returns how many. */
uint32_t rpm_strings(const struct rpm_header *, enum rpm_tag, struct str *ret_rest);
/* Calls back with the path of each of its files; a negative return ends it. */
int rpm_each_file(const struct rpm_header *, int (*each)(struct str path, void *data), void *data);

/* Where a database of whichever format is, or NULL. */
const char *rpmdb_path(int root_fd);
/* Calls `each` for every package; a negative return ends it. -ENOENT: there is no database;
 * -ENOTSUP: in a format that is not read, or no libsqlite3 here. */
int rpmdb_each(int root_fd, int (*each)(const struct rpm_header *, void *data), void *data,
			   struct err *);

#endif
