/* SPDX-License-Identifier: Apache-2.0 */
/* resolv.conf(5): which name servers are asked, and how. */
#ifndef REVET_HOST_RESOLV_CONF_H
#define REVET_HOST_RESOLV_CONF_H

#include "base/str.h"
#include "base/vec.h"

#define RESOLV_CONF "/etc/resolv.conf"
/* Whom systemd-resolved asks, in the same syntax, where the other file names itself. */
#define RESOLV_UPSTREAM "/run/systemd/resolve/resolv.conf"

struct resolv {
	VEC(struct str) nameservers, search, options;
};

/* As the C library reads it: keywords at the very beginning of a line, the last of search and domain
 * counts, a comment begins in the first column only. Words are borrowed from the text. */
void resolv_parse(struct arena *, struct str text, struct resolv *);
/* Does it name systemd-resolved's own address? */
bool resolv_is_stub(const struct resolv *);
/* Does it name no other? The C library goes on to the next where one does not answer. */
bool resolv_is_stub_only(const struct resolv *);

#endif
