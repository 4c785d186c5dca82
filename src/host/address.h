/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where an IP address can be reached.
 */
#ifndef REVET_HOST_ADDRESS_H
#define REVET_HOST_ADDRESS_H

#include "base/str.h"

/* "loopback", "link-local", "private" (RFC 1918, RFC 6598, RFC 4193) or "public"; the wildcards
 * 0.0.0.0 and :: are public. A trailing "/24" is passed over. NULL for what is no address. */
const char *address_scope(struct str);

#endif
