/* SPDX-License-Identifier: Apache-2.0 */
/* What goss calls the text for people. */
#include "spec/result.h"

static void write_rspecish(const struct results *all, const struct format_options *o,
						   struct buf *out)
{
	for (const struct format *const *f = LEAF_BEGIN(formats); f < LEAF_END(formats); f++)
		if (strcmp((*f)->name, "text") == 0)
			(*f)->write(all, o, out);
}

static const struct format rspecish = {"rspecish", "the same as text", write_rspecish};
FORMAT(rspecish);
