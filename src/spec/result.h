/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats share: a result, and all of them, as text for people. */
#ifndef REVET_SPEC_RESULT_H
#define REVET_SPEC_RESULT_H

#include "spec/spec.h"

/* "File: /etc/passwd: mode" with what became of it. */
void result_print(struct buf *, const struct result *, bool one_line);
void result_print_summary(struct buf *,
						  const struct results *); /* "Count: 3, Failed: 1, Skipped: 0" */
double result_seconds(int64_t us);
const char *result_word(const struct result *); /* "pass", "fail" or "skip" */
/* What begins and ends a colour, or nothing. */
const char *color(const struct format_options *, enum outcome);
const char *no_color(const struct format_options *);
/* What failed or was skipped, with where it stands. */
void results_print_bad(struct buf *, const struct results *, const struct format_options *);
void results_print_end(struct buf *, const struct results *, const struct format_options *);

#endif
