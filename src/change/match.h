/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of addresses and users, as OpenSSH matches them (match.c and addr.c there). */
#ifndef REVET_CHANGE_MATCH_H
#define REVET_CHANGE_MATCH_H

#include "base/str.h"

/* "10.0.0.0/8", an address, or a pattern of its text. Names of hosts match nothing: what they stand
 * for is somebody else's to say. */
bool match_address(const char *address, struct str pattern);
/* A list with commas; one with '!' in front excludes. */
bool match_address_list(const char *address, struct str list);

#endif
