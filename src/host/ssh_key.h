/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of OpenSSH, as lines of authorized_keys: options, type, base64, comment. What is
 * returned is borrowed from the line or lives in the arena.
 */
#ifndef REVET_HOST_SSH_KEY_H
#define REVET_HOST_SSH_KEY_H

#include "base/str.h"

struct ssh_key {
	const char *type;        /* as in the key itself: ssh-ed25519 */
	unsigned bits;           /* as ssh-keygen -l prints them: of the modulus, or by type */
	const char *fingerprint; /* as ssh-keygen -l prints it; of a certificate: its key's */
	bool certificate;
};

struct ssh_key_line {
	struct str options; /* as written; absent when there are none */
	struct str comment; /* the rest of the line */
	struct ssh_key key;
};

/* False for a line that holds no key, which sshd passes over, or one of an unknown type. */
bool ssh_key_line_parse(struct arena *, struct str line, struct ssh_key_line *ret);
/* The next option of a list, without the comma: `from="10.0.0.0/8,fd00::/8"`. */
bool ssh_key_option(struct str *options, struct str *ret);

/* Takes a string off, as SSH writes one (RFC 4251, 5): a length of 32 bits, and that many bytes. */
bool ssh_take_string(struct str *, struct str *ret);

#endif
