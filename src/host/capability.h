/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities of files and processes as text: see capabilities(7).
 */
#ifndef REVET_HOST_CAPABILITY_H
#define REVET_HOST_CAPABILITY_H

#include "base/buf.h"

struct file_caps {
	uint64_t permitted, inheritable;
	bool effective;
	uint32_t rootid; /* of the user namespace that they count in; 0: everywhere */
};

/* The extended attribute security.capability, in hexadecimal. False for what the kernel would not
 * understand either. */
bool capability_parse(struct str hex, struct file_caps *ret);
/* As getcap(8) prints them: "cap_net_raw=ep". */
void capability_print(struct buf *out, const struct file_caps *);
/* A process's set: names with commas between, "" for none, "all" when none is missing; in
 * hexadecimal when the kernel knows more than we do. */
struct str capability_set(struct arena *, uint64_t set);

#endif
