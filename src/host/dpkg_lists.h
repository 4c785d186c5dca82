/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of files that dpkg keeps of each package, and which of them are worth reading to find a few
 * paths: of every line a number is kept that is the same for the same path, so that several tables look
 * for theirs without reading all lists again.
 */
#ifndef REVET_HOST_DPKG_LISTS_H
#define REVET_HOST_DPKG_LISTS_H

#include "host/host.h"

#define DPKG_INFO "/var/lib/dpkg/info"

struct dpkg_list {
	const char *name; /* "NAME.list" or "NAME:ARCHITECTURE.list" */
	bool is_link;
	bool unknown;      /* what is in it was not noted: it may have anything */
	size_t begin, end; /* its lines, in `lines` */
};

struct dpkg_lists {
	int error; /* of the directory; 0: none */
	const struct dpkg_list *p;
	size_t n;
	const uint32_t *lines;
};

/* Paths that somebody looks for. What has no mark is none of them; what has one mostly is. */
struct dpkg_marks {
	uint64_t bits[1 << 14];
};
void dpkg_marks_add(struct dpkg_marks *, struct str path);
bool dpkg_marks_has(const struct dpkg_marks *, struct str path);

/* Made once while the host remembers, else in the arena. */
const struct dpkg_lists *dpkg_lists(struct host *, struct arena *);
bool dpkg_list_may_have(const struct dpkg_lists *, const struct dpkg_list *,
						const struct dpkg_marks *);
/* `directory` is that of the lists, which is quicker than from the root. Returns a negative errno. */
int dpkg_list_read(int root_fd, int directory, const struct dpkg_list *, struct arena *,
				   struct str *ret);
struct str dpkg_list_package(const struct dpkg_list *);

#endif
