/* SPDX-License-Identifier: Apache-2.0 */
/* What web servers answer, to a GET without cookies or a body. Only what is named is asked, by a process of
 * its own for each, before this one confines itself. */
#include <time.h>

#include "base/buf.h"
#include "base/num.h"
#include "host/http_client.h"
#include "host/table.h"

enum { URL, STATUS, CONTENT_TYPE, LOCATION, BODY, TOOK_MS };

#define MAX_BODY ((size_t)1 << 20)
#define TIMEOUT_MS 10000

static const struct column columns[] = {
	[URL] = {"url", TYPE_STRING, "As the rule names it: http or https",
			 COLUMN_KEY | COLUMN_ASKED | COLUMN_LABEL},
	[STATUS] = {"status", TYPE_INT,
				"Of the answer: 200, 404, ...; of a redirect that of the page that it leads to", 0},
	[CONTENT_TYPE] = {"content_type", TYPE_STRING, "Content-Type; absent: it does not say", 0},
	[LOCATION] = {"location", TYPE_STRING, "Location; absent: it does not say", 0},
	[BODY] = {"body", TYPE_STRING, "The first 64 KiB of what it sends", 0},
	[TOOK_MS] = {"took_ms", TYPE_INT, "Milliseconds until all of it was there", 0},
	{0},
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* "STATUS MILLISECONDS LENGTH", the headers, of that length, and the body. */
static int ask_one(struct host *host _unused_, const void *data, struct buf *out, struct err *err)
{
	const struct http_request q = {.url = data, .timeout_ms = TIMEOUT_MS, .max = MAX_BODY};
	struct http_answer answer;
	int64_t begin = now_ms();
	int r = http_client_open(err);

	if (r < 0)
		return r;
	r = http_ask(&q, &answer, err);
	if (r == 0) {
		buf_printf(out, "%d %lld %zu\n", answer.status, (long long)(now_ms() - begin),
				   answer.headers.n);
		buf_str(out, buf_get(&answer.headers));
		buf_str(out, buf_get(&answer.body));
	}
	http_answer_done(&answer);
	return r;
}

static struct query query_of(struct arena *a, struct str url)
{
	return (struct query){
		.name = arena_printf(a, "http %.*s", STR_ARG(url)),
		.live_with = ask_one,
		.data = str_dup(a, url),
		.max = 2 * MAX_BODY,
	};
}

static void ask(struct host *host, const struct demand *demand)
{
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < demand->n; i++) {
		struct query q = query_of(&a, demand->keys[i]);

		host_query_fork(host, &q);
	}
}

static struct str header(struct str headers, const char *name)
{
	struct str line, rest, field;

	while (str_line(&headers, &line)) {
		rest = line;
		if (str_cut(&rest, ':', &field) && rest.p && str_is_nocase(field, name))
			return str_trim(rest);
	}
	return STR_ABSENT;
}

static bool take_number(struct str *s, char until, uint64_t *ret)
{
	struct str word;

	return str_has_char(*s, until) && str_cut(s, until, &word) &&
		   num_u64(word, 0, INT32_MAX, ret) == 0;
}

static void set_unknown(struct row *row, const char *why)
{
	for (int column = STATUS; column <= TOOK_MS; column++)
		row_unknown(row, column, why);
}

static void set_row(struct row *row, struct str answer)
{
	uint64_t status, ms, length;

	if (!take_number(&answer, ' ', &status) || !take_number(&answer, ' ', &ms) ||
		!take_number(&answer, '\n', &length) || length > answer.n) {
		set_unknown(row, "the answer is not as it should be");
		return;
	}
	row_int(row, STATUS, (int64_t)status);
	row_int(row, TOOK_MS, (int64_t)ms);
	row_str(row, CONTENT_TYPE, header((struct str){answer.p, length}, "content-type"));
	row_str(row, LOCATION, header((struct str){answer.p, length}, "location"));
	row_str(row, BODY, (struct str){answer.p + length, MIN(answer.n - length, (size_t)64 << 10)});
}

static int read_http(struct host *host, struct rows *rows, struct err *err _unused_)
{
	for (size_t i = 0; i < rows->demand->n; i++) {
		struct query q = query_of(rows->arena, rows->demand->keys[i]);
		struct row *row = rows_add(rows, FROM(q.name, 0));
		struct str answer;
		struct err why;

		row_str(row, URL, rows->demand->keys[i]);
		if (host_query(host, &q, rows->arena, &answer, &why) == 0)
			set_row(row, answer);
		else
			set_unknown(row, arena_strdup(rows->arena, why.msg));
	}
	return 0;
}

static const struct table http = {
	.name = "http",
	.doc = "Answers of web servers to a GET, by libcurl, at most 10 s for each; only what is named "
		   "is asked",
	.columns = columns,
	.read = read_http,
	.ask = ask,
	.cost = 100,
};
TABLE(http);
