/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes passwords, tokens and the like out of text that tables show and recordings keep, and puts
 * SECRET_MASK in their place. What is a secret is told by what stands in front of it: a name
 * (--password=, DB_TOKEN=, "Authorization: "), an option of a program that is known to take one
 * (mysql -p, curl -u), or the place in a URL (user:SECRET@). It is a guess that rather masks too
 * much, so nothing that is judged may hang on what it masks.
 *
 * Pure functions over bytes that any user may have chosen: linear time, no allocation but *out,
 * to which they append. Lines stay lines. Masking a second time changes nothing.
 */
#ifndef REVET_HOST_SECRET_H
#define REVET_HOST_SECRET_H

#include "base/buf.h"

#define SECRET_MASK "***"

/* Is it the name of something secret? password, --db-pass, API_KEY, pass2; not password-file. */
bool secret_is_name(struct str name);

/* Command lines and assignments as a shell reads them, any number of lines. */
void secret_mask(struct str text, struct buf *out);
/* The arguments of a process, a NUL between them, come out with a blank between them. */
void secret_mask_args(struct str args, struct buf *out);
/* Words of options with commas between them: fstab, mountinfo, and their lists alone. */
void secret_mask_mounts(struct str text, struct buf *out);
/* Only the passwords of URLs, in any text. */
void secret_mask_urls(struct str text, struct buf *out);

/* secret_mask() and secret_mask_urls(), into the arena. */
struct str secret_masked(struct arena *, struct str text);
struct str secret_masked_urls(struct arena *, struct str text);

#endif
