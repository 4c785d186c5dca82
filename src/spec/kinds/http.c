/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/http_client.h"
#include "spec/lookup.h"

enum {
	STATUS,
	HEADERS,
	BODY,
	URL,
	METHOD,
	ALLOW_INSECURE,
	NO_FOLLOW,
	TIMEOUT,
	REQUEST_HEADERS,
	REQUEST_BODY,
	USERNAME,
	PASSWORD,
	CA_FILE,
	CERT_FILE,
	KEY_FILE,
	PROXY
};

static const struct attribute attributes[] = {
	[STATUS] = {"status", EXPECTED, .required = true},
	[HEADERS] = {"headers", EXPECTED_TEXT},
	[BODY] = {"body", EXPECTED_TEXT},
	[URL] = {"url", SETTING_TEXT},
	[METHOD] = {"method", SETTING_TEXT},
	[ALLOW_INSECURE] = {"allow-insecure", SETTING_FLAG},
	[NO_FOLLOW] = {"no-follow-redirects", SETTING_FLAG},
	[TIMEOUT] = {"timeout", SETTING_NUMBER},
	[REQUEST_HEADERS] = {"request-headers", SETTING_TEXTS},
	[REQUEST_BODY] = {"request-body", SETTING_TEXT},
	[USERNAME] = {"username", SETTING_TEXT},
	[PASSWORD] = {"password", SETTING_TEXT},
	[CA_FILE] = {"ca-file", SETTING_TEXT},
	[CERT_FILE] = {"cert-file", SETTING_TEXT},
	[KEY_FILE] = {"key-file", SETTING_TEXT},
	[PROXY] = {"proxy", SETTING_TEXT},
	{0},
};

static const char *text_of(struct arena *a, const struct resource *r, const char *name)
{
	struct str s = setting_text(r, name);

	return s.n ? str_dup(a, s) : NULL;
}

static const char *const *headers_of(struct arena *a, const struct resource *r)
{
	const struct datum *d = setting(r, "request-headers");
	const char **list;

	if (d->kind != DATUM_LIST)
		return NULL;
	list = arena_alloc(a, (d->list.n + 1) * sizeof(*list));
	for (size_t i = 0; i < d->list.n; i++)
		list[i] = str_dup(a, d->list.p[i].text);
	return list;
}

static void ask(const struct resource *r, struct buf *answer)
{
	_cleanup_arena_ struct arena a = {0};
	const struct http_request q = {
		.url = str_dup(&a, r->name),
		.method = text_of(&a, r, "method"),
		.body = setting_text(r, "request-body"),
		.headers = headers_of(&a, r),
		.username = text_of(&a, r, "username"),
		.password = text_of(&a, r, "password"),
		.ca_file = text_of(&a, r, "ca-file"),
		.cert_file = text_of(&a, r, "cert-file"),
		.key_file = text_of(&a, r, "key-file"),
		.proxy = text_of(&a, r, "proxy"),
		.insecure = setting_flag(r, "allow-insecure"),
		.stay = setting_flag(r, "no-follow-redirects"),
		.timeout_ms = (int)setting_number(r, "timeout", 5000),
		.max = MAX_ANSWER,
	};
	struct http_answer got;
	struct err err;

	if (http_ask(&q, &got, &err) < 0)
		answer_error(answer, &err);
	else
		answer_parts(answer, got.status, buf_get(&got.headers), buf_get(&got.body));
	http_answer_done(&got);
}

/* content-type becomes Content-Type: HTTP/2 has them small, and tests are written for the other form. */
static void canonical(char *line)
{
	bool first = true;

	for (char *p = line; *p && *p != ':'; p++) {
		*p = (char)(first ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
		first = *p == '-';
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct str sorted_headers(struct arena *a, struct str text)
{
	_cleanup_buf_ struct buf out = BUF((size_t)1 << 20);
	VEC(char *) lines = {0};
	struct str line;

	while (str_line(&text, &line)) {
		char *copy = str_dup(a, line);

		canonical(copy);
		*vec_push(a, &lines) = copy;
	}
	if (lines.n)
		qsort(lines.p, lines.n, sizeof(*lines.p), by_text);
	for (size_t i = 0; i < lines.n; i++)
		buf_printf(&out, "%s%s", i ? "\n" : "", lines.p[i]);
	return (struct str){arena_copy(a, buf_get(&out).p, out.n), out.n};
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	struct answer_parts answer;
	int r = find_parts(f, &answer, err);

	if (r < 0)
		return r;
	*ret = DATUM_NUMBER(answer.status);
	if (attribute == HEADERS)
		*ret = DATUM_STR(sorted_headers(f->arena, answer.first));
	else if (attribute == BODY)
		*ret = DATUM_STR(answer.second);
	return 0;
}

static const struct kind http = {"http",        "HTTP",     attributes,  .subject = "url",
								 .gated = true, .ask = ask, .find = find};
KIND(http);
