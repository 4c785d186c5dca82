/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of a recorded host: a header, then one entry for each question that was asked.
 *
 *     revet-recording 1
 *     live 1
 *     uid 0
 *     time 1767225600
 *
 *     read 0 31 /etc/hostname
 *     <31 bytes>
 *     read 13 0 /etc/shadow
 *
 * An entry is OPERATION ERRNO LENGTH SUBJECT, then LENGTH bytes, then a newline. Control bytes,
 * blanks and '%' in the subject are %XX. The data of a failed run or query is its error message.
 */
#ifndef REVET_HOST_RECORDING_H
#define REVET_HOST_RECORDING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

struct answer {
	int error; /* positive errno, 0: fine */
	struct str data;
};

struct recording {
	struct map answers; /* "OPERATION SUBJECT" -> struct answer */
	struct arena arena;
	bool live, root;
	int64_t time;
};

#define RECORDING_MAX ((size_t)256 << 20)

/* *ret is released with recording_done(), also after a failure. The text is borrowed. */
int recording_parse(struct str text, struct recording *ret, struct err *);
void recording_done(struct recording *);
const struct answer *recording_get(const struct recording *, const char *op, const char *subject);

void recording_write_header(struct buf *, bool live, bool root, int64_t time);
void recording_write(struct buf *, const char *op, const char *subject, int error, struct str data);

#endif
