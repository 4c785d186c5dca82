/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a tar(5) as a stream, for indexes of packages: names of at most 100 bytes. */
#ifndef REVET_HOST_TAR_H
#define REVET_HOST_TAR_H

#include "host/unpack.h"

/* Begins with its `from`, which is borrowed, and zeroes. */
struct tar {
	struct unpack *from;
	uint64_t total; /* bytes that were read of it; past 1 GiB is an error */
	uint64_t left;  /* of what the last entry holds, with what fills up its last block */
};

struct tar_entry {
	char name[101];
	char type; /* '0' or NUL: a regular file; '5': a directory */
	uint64_t size;
};

/* 1: the next entry; 0: the end; -errno. What was not read of the last one is passed over. */
int tar_next(struct tar *, struct tar_entry *ret);
/* Exactly n bytes of what the entry holds: 1; -errno. */
int tar_read(struct tar *, char *p, size_t n);

#endif
