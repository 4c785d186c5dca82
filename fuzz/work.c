/* SPDX-License-Identifier: Apache-2.0 */
#include "scale.h"

#include <stdatomic.h>

_Atomic uint64_t work;

/* Called at every branch of what gcc builds with -fsanitize-coverage=trace-pc. libFuzzer has its
 * own. Not added to in one go, which every branch of every thread would pay for: where several threads
 * count, some of it is lost. */
#ifndef __clang__
void __sanitizer_cov_trace_pc(void);
__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
	atomic_store_explicit(&work, atomic_load_explicit(&work, memory_order_relaxed) + 1,
						  memory_order_relaxed);
}
#endif
