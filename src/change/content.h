/* SPDX-License-Identifier: Apache-2.0 */
/* What a text file becomes by the edits that rules ask for. Pure. */
#ifndef REVET_CHANGE_CONTENT_H
#define REVET_CHANGE_CONTENT_H

#include "base/err.h"
#include "host/edit.h"

#define CONTENT_MAX ((size_t)4 << 20) /* of a file that is edited */

/* All edits but those of the rule `but` (NULL: all), made to the content. Lines are edited first, the
 * last one first, so that none moves before its turn. -ENOTSUP: `before` is absent, it is no text.
 * *ret lives in the arena. */
int content_edit(struct str before, const struct edits *, const char *but, struct arena *,
				 struct str *ret, struct err *);

#endif
