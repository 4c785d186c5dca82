/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/result.h"

static void write_silent(const struct results *all _unused_,
						 const struct format_options *o _unused_, struct buf *out _unused_)
{
}

static const struct format silent = {"silent", "nothing: the exit status says it", write_silent};
FORMAT(silent);
