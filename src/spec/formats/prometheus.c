/* SPDX-License-Identifier: Apache-2.0 */
/* For a textfile collector: how many tests of each kind have passed, failed or were skipped. */
#include "spec/result.h"

static size_t count(const struct results *all, const struct kind *kind, enum outcome outcome,
					int64_t *ret_us)
{
	size_t n = 0;

	*ret_us = 0;
	for (size_t i = 0; i < all->n; i++)
		if (all->p[i].resource->kind == kind && all->p[i].outcome == outcome) {
			*ret_us += all->p[i].took_us;
			n++;
		}
	return n;
}

static void put_kind(const struct results *all, const struct kind *kind, bool seconds,
					 struct buf *out)
{
	static const char *const words[] = {"pass", "fail", "skip"};

	for (int o = OUTCOME_PASS; o <= OUTCOME_SKIP; o++) {
		int64_t us;
		size_t n = count(all, kind, (enum outcome)o, &us);

		if (!n)
			continue;
		if (seconds)
			buf_printf(out, "revet_test_duration_seconds{type=\"%s\",outcome=\"%s\"} %.6f\n",
					   kind->name, words[o], result_seconds(us));
		else
			buf_printf(out, "revet_test_results{type=\"%s\",outcome=\"%s\"} %zu\n", kind->name,
					   words[o], n);
	}
}

static void put_kinds(const struct results *all, bool seconds, struct buf *out)
{
	for (const struct kind *const *k = LEAF_BEGIN(kinds); k < LEAF_END(kinds); k++)
		put_kind(all, *k, seconds, out);
	put_kind(all, &test_kind, seconds, out);
}

static void write_prometheus(const struct results *all, const struct format_options *o _unused_,
							 struct buf *out)
{
	buf_puts(out, "# HELP revet_test_results Results of tests, by kind and outcome.\n"
				  "# TYPE revet_test_results gauge\n");
	put_kinds(all, false, out);
	buf_puts(out, "# HELP revet_test_duration_seconds What judging them took, in all.\n"
				  "# TYPE revet_test_duration_seconds gauge\n");
	put_kinds(all, true, out);
	buf_printf(out,
			   "# HELP revet_test_run_duration_seconds From the beginning of the run to its end.\n"
			   "# TYPE revet_test_run_duration_seconds gauge\n"
			   "revet_test_run_duration_seconds %.6f\n"
			   "# HELP revet_test_run_timestamp_seconds When the run began.\n"
			   "# TYPE revet_test_run_timestamp_seconds gauge\n"
			   "revet_test_run_timestamp_seconds %lld\n",
			   result_seconds(all->took_us), (long long)all->begin);
}

static const struct format prometheus = {"prometheus", "metrics for a textfile collector",
										 write_prometheus};
FORMAT(prometheus);
