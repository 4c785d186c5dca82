/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an encrypted disk: LUKS1 (LUKS On-Disk Format Specification 1.2.3) and LUKS2 (LUKS2
 * On-Disk Format Specification 1.1). What would help to open the disk (salts, keys, secrets of tokens)
 * is not looked at. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_LUKS_HEADER_H
#define REVET_HOST_LUKS_HEADER_H

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#define LUKS_FIRST ((size_t)4096)    /* bytes from which the size of the header is told */
#define LUKS_MAX ((size_t)256 << 10) /* bytes of a header that is looked at */

/* One of the keys that open the disk, and how it is made of a passphrase. */
struct luks_slot {
	unsigned number;
	unsigned key_bits;
	struct str kdf, hash;       /* pbkdf2, argon2i, argon2id; hash: of pbkdf2 alone */
	int64_t iterations, memory; /* memory in bytes, of argon2 alone; 0: not known */
	VEC(struct str) tokens;     /* types of what holds its passphrase: systemd-tpm2, clevis */
};

struct luks_header {
	unsigned version;        /* 1 or 2 */
	VEC(struct str) ciphers; /* as dm-crypt writes them: aes-xts-plain64 */
	VEC(struct luks_slot) slots;
};

/* How many bytes the header has, by its first ones; 0: this is none. */
size_t luks_header_size(struct str first);
/* -ENOENT: this is none. -EINVAL, -EFBIG: it cannot be read. */
int luks_header_read(struct arena *, struct str bytes, struct luks_header *ret, struct err *);

#endif
