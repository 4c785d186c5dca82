/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the packet filter of a site depends on beside the site file, read from the host: where sshd
 * listens, which interfaces there are, whom the host asks for names and packages.
 */
#ifndef REVET_HOST_SITE_FACTS_H
#define REVET_HOST_SITE_FACTS_H

#include "host/host.h"
#include "host/site_ruleset.h"

/* Of a live host; procs_early() is to be called before. What cannot be read, and would leave out
 * somebody who has to be let in, is an error. */
int site_facts_read(struct host *, struct arena *, struct site_facts *ret, struct err *);
/* Why rules that admit only what the site serves would cut off a network that this host is an end of;
 * NULL: they would not. In the arena. */
const char *site_facts_cut(struct host *, struct arena *, const struct site_file *);

#endif
