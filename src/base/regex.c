/* SPDX-License-Identifier: Apache-2.0 */
#include "base/regex.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/vec.h"

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

/* --- what a match begins with ------------------------------------------------------------------ */

static bool is_any_of(struct str s, const char *chars)
{
	return s.n && s.p[0] && strchr(chars, s.p[0]);
}

/* The characters that stand for themselves, of which the last must not be one that may be missing. */
static struct str take_literal(struct arena *a, struct str *rest)
{
	char *p = arena_alloc(a, rest->n + 1);
	size_t n = 0;

	while (rest->n) {
		bool escaped = rest->p[0] == '\\';

		if (escaped ? rest->n < 2 || isalnum((unsigned char)rest->p[1])
					: !rest->p[0] || is_any_of(*rest, "^$.[]|()?*+{}"))
			break;
		p[n++] = rest->p[escaped];
		rest->p += 1 + escaped;
		rest->n -= (size_t)1 + escaped;
		if (is_any_of(*rest, "?*{")) {
			n--;
			break;
		}
	}
	return (struct str){p, n};
}

/* Where this alternative ends: at a "|", at the ")" around it, or with the text. */
static size_t alternative(struct str s)
{
	unsigned depth = 0;
	bool in_class = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (in_class)
			in_class = c != ']';
		else if (c == '[')
			in_class = true;
		else if (!depth && (c == '|' || c == ')'))
			return i;
		else if (c == '(' || c == ')')
			depth += c == '(' ? 1u : -1u;
	}
	return s.n;
}

/* "^a\.(b|c)": "a.b" and "a.c". False where the group may be missing, or is none that only groups. */
static bool add_group(struct arena *a, struct str head, struct str group, struct str **ret,
					  size_t *ret_n)
{
	VEC(struct str) found = {0};
	size_t end;

	if (!str_skip(&group, "(") || is_any_of(group, "?*"))
		return false;
	do {
		struct str tail, rest = group;

		end = alternative(group);
		if (end == group.n)
			return false;
		rest.n = end;
		tail = take_literal(a, &rest);
		*vec_push(a, &found) = str_of(arena_printf(a, "%.*s%.*s", STR_ARG(head), STR_ARG(tail)));
		group.p += end + 1;
		group.n -= end + 1;
	} while (group.p[-1] == '|');
	*ret = found.p;
	*ret_n = found.n;
	return !is_any_of(group, "?*{");
}

bool regex_beginnings(struct arena *a, struct str pattern, struct str **ret, size_t *ret_n)
{
	static const char *const odd[] = {"\\Q", "[]", "[^]", "[:", "[.", "[=", "(*", "(?#"};
	struct str rest = pattern, head;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (str_has(pattern, odd[i]))
			return false;
	if (!str_skip(&rest, "^") || alternative(rest) < rest.n)
		return false;
	head = take_literal(a, &rest);
	if (!head.n)
		return false;
	if (!add_group(a, head, rest, ret, ret_n)) {
		*ret = arena_new(a, struct str, 1);
		(*ret)[0] = head;
		*ret_n = 1;
	}
	return true;
}
