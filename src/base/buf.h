/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a mandatory maximum. What does not fit is dropped whole, the buffer
 * is marked `full`, and every later addition fails too, so one check at the end suffices.
 * Always NUL-terminated once something was added. Owned by whoever holds it; buf_done() releases.
 */
#ifndef REVET_BASE_BUF_H
#define REVET_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool full;
};

#define BUF(maximum) ((struct buf){.max = (maximum)})

/* All return 0, or -ENOBUFS when the buffer is, or becomes, full. */
int buf_add(struct buf *, const void *p, size_t n);
int buf_str(struct buf *, struct str);
int buf_puts(struct buf *, const char *);
int buf_putc(struct buf *, char);
int buf_printf(struct buf *, const char *fmt, ...) _printf_(2, 3);
/* What a terminal may be shown of text from anywhere: printable UTF-8 as it is, line ends and tabs as
 * blanks, anything else (control characters of either set, broken UTF-8) as \\xNN. */
int buf_printable(struct buf *, struct str);
/* As text, or the value of an attribute, of XML 1.0 or HTML: their special characters escaped, what
 * XML has no way to write (most control characters, broken UTF-8) as U+FFFD. */
int buf_xml(struct buf *, struct str);
/* Room for n more bytes at the end, to be claimed with buf_commit(); NULL when full. */
char *buf_reserve(struct buf *, size_t n);
void buf_commit(struct buf *, size_t n);
struct str buf_get(const struct buf *); /* borrowed until the buffer changes */
void buf_clear(struct buf *);           /* keeps the memory */
void buf_done(struct buf *);

#define _cleanup_buf_ _cleanup_(buf_done)

#endif
