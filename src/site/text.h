/* SPDX-License-Identifier: Apache-2.0 */
/* The site file that what is seen makes, with the evidence of each line above it. */
#ifndef REVET_SITE_TEXT_H
#define REVET_SITE_TEXT_H

#include "base/buf.h"
#include "site/seen.h"

/* What was left out, or is left to a person, is there as a comment. time: when it was seen. Whatever the
 * host's names hold, the text is printable ASCII, and what is a comment stays one. */
void site_text(const struct seen *, int64_t time, struct buf *out);
/* "world", "lan", "[lan, 10.0.0.7]" */
void site_text_to(struct buf *out, const struct seen_to *);
/* "{port: 443/tcp, to: world, what: https, tls: server}"; "dns" */
void site_text_service(struct buf *out, const struct seen_service *);
void site_text_reach(struct buf *out, const struct seen_reach *);

#endif
