/* SPDX-License-Identifier: Apache-2.0 */
/* The site file that what is seen makes, with the evidence of each line above it. */
#ifndef REVET_SITE_TEXT_H
#define REVET_SITE_TEXT_H

#include "base/buf.h"
#include "site/seen.h"

/* What was left out, or is left to a person, is there as a comment. time: when it was seen. Whatever the
 * host's names hold, the text is printable ASCII, and what is a comment stays one. */
void site_text(const struct seen *, int64_t time, struct buf *out);
/* The same, once the strict loader has taken it. A list of addresses that does not have the present session
 * in it would lock out whoever is asking: it is left to a person then. */
int site_text_loads(struct seen *, int64_t time, struct arena *, struct buf *out,
					struct site_file *ret, struct err *);
/* "world", "lan", "[lan, 10.0.0.7]" */
void site_text_to(struct buf *out, const struct seen_to *);
/* "{port: 443/tcp, to: world, what: https, tls: server}"; "dns" */
void site_text_service(struct buf *out, const struct seen_service *);
void site_text_reach(struct buf *out, const struct seen_reach *);

#endif
