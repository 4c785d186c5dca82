/* SPDX-License-Identifier: Apache-2.0 */
#include "base/regex.h"

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

/* What a match needs besides the expression, once for each thread. */
struct matcher {
	pcre2_match_context *context;
	pcre2_match_data *data;
};

static bool matcher_init(struct matcher *m)
{
	if (m->data)
		return true;
	m->context = pcre2_match_context_create(NULL);
	m->data = m->context ? pcre2_match_data_create(1, NULL) : NULL;
	if (!m->data) {
		pcre2_match_context_free(take_ptr(m->context));
		return false;
	}
	pcre2_set_match_limit(m->context, MAX_STEPS);
	pcre2_set_depth_limit(m->context, MAX_STEPS);
	pcre2_set_heap_limit(m->context, 4096); /* KiB */
	return true;
}

int regex_match(const struct regex *re, struct str subject)
{
	static _Thread_local struct matcher matcher;
	int r;

	if (subject.n > MAX_SUBJECT)
		return -E2BIG;
	if (!matcher_init(&matcher))
		return -ENOMEM;
	r = pcre2_match(re->code, (PCRE2_SPTR)(subject.p ? subject.p : ""), subject.n, 0, 0, matcher.data,
					matcher.context);
	if (r >= 0)
		return 1;
	return r == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}
