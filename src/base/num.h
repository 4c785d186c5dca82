/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers from text. Each takes the whole string (no sign unless said, no white space, no rest),
 * checks the range, and leaves *ret alone when it fails. Returns 0, -EINVAL or -ERANGE.
 */
#ifndef REVET_BASE_NUM_H
#define REVET_BASE_NUM_H

#include "base/str.h"

int num_u64(struct str, uint64_t min, uint64_t max, uint64_t *ret);
int num_i64(struct str, int64_t min, int64_t max, int64_t *ret); /* a leading '-' is allowed */
int num_hex(struct str, uint64_t max, uint64_t *ret);            /* with or without 0x */
int num_mode(struct str, unsigned *ret);                         /* octal, 0 to 07777 */
int num_port(struct str, unsigned *ret);                         /* 0 to 65535 */
/* Bytes: digits and K, M, G, T, P (powers of 1024), or KiB and the like, or B. */
int num_size(struct str, int64_t *ret);
/* Seconds: systemd.time(7) spans without fractions, "5min 20s", "1h30m", "2 days"; a bare number
 * is seconds; "infinity" is INT64_MAX. */
int num_duration(struct str, int64_t *ret);
/* Microseconds from seconds, with a fraction of at most six digits or without: "1500", "1500.25". */
int num_usec(struct str, int64_t *ret);
/* Seconds since 1970 in UTC from "2027-03-01", "2027-03-01T12:00:00Z". */
int num_time(struct str, int64_t *ret);

/* Four bytes, the highest first, as protocols of the network have them. */
static inline uint32_t num_be32(const void *bytes)
{
	const unsigned char *p = bytes;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
