/* SPDX-License-Identifier: Apache-2.0 */
#include "scale.h"

uint64_t work;

/* Called at every branch of what gcc builds with -fsanitize-coverage=trace-pc. libFuzzer has its
 * own. */
#ifndef __clang__
void __sanitizer_cov_trace_pc(void);
__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
	work++;
}
#endif
