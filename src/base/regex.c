/* SPDX-License-Identifier: Apache-2.0 */
#include "base/regex.h"

#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MAX_SUBJECT (64u << 10)
#define MAX_STEPS 200000u /* backtracking points; about 5 ms at worst */

struct regex {
	pcre2_code *code;
};

static void *take(PCRE2_SIZE n, void *arena)
{
	return arena_alloc(arena, n);
}

static void leave(void *p _unused_, void *arena _unused_)
{
}

int regex_compile(struct arena *a, struct str pattern, struct regex **ret, struct err *err)
{
	struct regex *re = arena_new(a, struct regex, 1);
	pcre2_general_context *memory = pcre2_general_context_create(take, leave, a);
	pcre2_compile_context *context = pcre2_compile_context_create(memory);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE offset;
	int code;

	re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_NEVER_BACKSLASH_C, &code,
							 &offset, context);
	*ret = re;
	if (re->code)
		return 0;
	pcre2_get_error_message(code, why, sizeof(why));
	return err_set(err, EINVAL, "regular expression, at byte %zu: %s", (size_t)offset,
				   (const char *)why);
}

/* What a match needs besides the expression, once for each thread, until it ends. */
struct matcher {
	pcre2_match_context *context;
	pcre2_match_data *data;
};

static pthread_key_t matchers;

static void matcher_free(void *p)
{
	struct matcher *m = p;

	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	free(m);
}

static void make_key(void)
{
	if (pthread_key_create(&matchers, matcher_free) != 0)
		abort();
}

static struct matcher *matcher_get(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct matcher *m;

	pthread_once(&once, make_key);
	m = pthread_getspecific(matchers);
	if (m)
		return m;
	m = mem_calloc(1, sizeof(*m));
	m->context = pcre2_match_context_create(NULL);
	m->data = m->context ? pcre2_match_data_create(1, NULL) : NULL;
	if (!m->data || pthread_setspecific(matchers, m) != 0) {
		matcher_free(m);
		return NULL;
	}
	pcre2_set_match_limit(m->context, MAX_STEPS);
	pcre2_set_depth_limit(m->context, MAX_STEPS);
	pcre2_set_heap_limit(m->context, 4096); /* KiB */
	return m;
}

int regex_match(const struct regex *re, struct str subject)
{
	struct matcher *m;
	int r;

	if (subject.n > MAX_SUBJECT)
		return -E2BIG;
	m = matcher_get();
	if (!m)
		return -ENOMEM;
	r = pcre2_match(re->code, (PCRE2_SPTR)(subject.p ? subject.p : ""), subject.n, 0, 0, m->data,
					m->context);
	if (r >= 0)
		return 1;
	return r == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}
