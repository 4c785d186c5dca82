/* SPDX-License-Identifier: Apache-2.0 */
/* What finding a delta and taking it back share: how a thing is told to be the same, and the files. */
#ifndef REVET_CHANGE_DELTA_PRIVATE_H
#define REVET_CHANGE_DELTA_PRIVATE_H

#include "base/vec.h"
#include "change/delta.h"

#define DELTA_MAX_TEXT ((size_t)256 << 20)
#define DELTA_MAX_LINES ((size_t)16 << 20) /* of a file of lines */

/* What a thing is like, as a text without blanks that ends in its time: two that are the same mean that
 * nothing has touched it. "gone" when nothing is there. */
const char *delta_like(struct arena *, const struct stat *);
static inline const char *delta_time(const char *like)
{
	return strrchr(like, ':') + 1;
}
static inline bool delta_is_dir(const char *like)
{
	return like[0] == 'd';
}
/* Of a file without content, a lock say, the time alone says nothing, and it has to stay that file. */
bool delta_is_empty(const char *like);

/* A file that is known by several names, and one of them. */
struct linked {
	dev_t dev;
	ino_t ino;
	const char *name;
};
const char *delta_other_name(const struct linked *, size_t n, const struct stat *);
static inline bool delta_has_names(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink > 1;
}

/* Files of the change: the name of `saved` and the suffix. */
bool delta_has_file(const struct saved *, struct arena *, const char *suffix);
int delta_read(const struct saved *, struct arena *, const char *suffix, struct str *ret, struct err *);
int delta_write(const struct saved *, const char *suffix, const struct buf *, struct err *);
int delta_open_kept(const struct saved *, struct arena *, struct err *);
/* The next word of a line. */
const char *delta_word(struct str *line, struct arena *);

#endif
