/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http_client.h"

#include "host/library.h"

/* Of curl/curl.h, whose numbers are part of the library's ABI: they never change. */
enum {
	CURLOPT_WRITEDATA = 10001,
	CURLOPT_URL = 10002,
	CURLOPT_PROXY = 10004,
	CURLOPT_ERRORBUFFER = 10010,
	CURLOPT_WRITEFUNCTION = 20011,
	CURLOPT_POSTFIELDS = 10015,
	CURLOPT_USERAGENT = 10018,
	CURLOPT_HTTPHEADER = 10023,
	CURLOPT_SSLCERT = 10025,
	CURLOPT_HEADERDATA = 10029,
	CURLOPT_CUSTOMREQUEST = 10036,
	CURLOPT_NOBODY = 44,
	CURLOPT_FOLLOWLOCATION = 52,
	CURLOPT_SSL_VERIFYPEER = 64,
	CURLOPT_CAINFO = 10065,
	CURLOPT_MAXREDIRS = 68,
	CURLOPT_HEADERFUNCTION = 20079,
	CURLOPT_SSL_VERIFYHOST = 81,
	CURLOPT_SSLKEY = 10087,
	CURLOPT_NOSIGNAL = 99,
	CURLOPT_POSTFIELDSIZE_LARGE = 30120,
	CURLOPT_TIMEOUT_MS = 155,
	CURLOPT_USERNAME = 10173,
	CURLOPT_PASSWORD = 10174,
	CURLOPT_PROTOCOLS = 181,
	CURLOPT_REDIR_PROTOCOLS = 182,
	CURLINFO_RESPONSE_CODE = 0x200002,
	CURLPROTO_HTTP_AND_HTTPS = 3,
	CURLE_OPERATION_TIMEDOUT = 28,
	CURL_GLOBAL_ALL = 3,
	CURL_ERROR_SIZE = 256,
};

static struct {
	void *library;
	int (*global_init)(long);
	void *(*easy_init)(void);
	int (*easy_setopt)(void *, int, ...);
	int (*easy_perform)(void *);
	int (*easy_getinfo)(void *, int, ...);
	void (*easy_cleanup)(void *);
	const char *(*easy_strerror)(int);
	void *(*slist_append)(void *, const char *);
	void (*slist_free_all)(void *);
} curl;

int http_client_open(struct err *err)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"};
	struct library_symbol symbols[] = {
		{"curl_global_init", &curl.global_init},       {"curl_easy_init", &curl.easy_init},
		{"curl_easy_setopt", &curl.easy_setopt},       {"curl_easy_perform", &curl.easy_perform},
		{"curl_easy_getinfo", &curl.easy_getinfo},     {"curl_easy_cleanup", &curl.easy_cleanup},
		{"curl_easy_strerror", &curl.easy_strerror},   {"curl_slist_append", &curl.slist_append},
		{"curl_slist_free_all", &curl.slist_free_all},
	};
	int r = curl.library ? 0 : -ENOTSUP;

	for (size_t i = 0; r < 0 && i < ARRAY_LEN(names); i++) {
		r = library_open(names[i], symbols, ARRAY_LEN(symbols), &curl.library, err);
		if (r < 0) {
			library_close(curl.library);
			curl.library = NULL;
		} else if (curl.global_init(CURL_GLOBAL_ALL) != 0) {
			r = err_set(err, ENOTSUP, "libcurl cannot be used");
		}
	}
	return r;
}

static size_t take_body(char *p, size_t size, size_t n, void *data)
{
	struct http_answer *a = data;

	return buf_add(&a->body, p, size * n) < 0 ? 0 : size * n;
}

/* Of several answers, on the way through redirects, the last one's count. */
static size_t take_header(char *p, size_t size, size_t n, void *data)
{
	struct http_answer *a = data;
	struct str line = {p, size * n};

	if (str_starts(line, "HTTP/")) {
		buf_clear(&a->headers);
		buf_clear(&a->body);
		return size * n;
	}
	line = str_trim(line);
	if (line.n)
		buf_str(&a->headers, line);
	if (line.n)
		buf_putc(&a->headers, '\n');
	return a->headers.full ? 0 : size * n;
}

static bool has_header(const struct http_request *q, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; q->headers && q->headers[i]; i++)
		if (strncasecmp(q->headers[i], name, n) == 0)
			return true;
	return false;
}

static void *make_headers(const struct http_request *q)
{
	void *list = NULL;

	for (size_t i = 0; q->headers && q->headers[i]; i++)
		list = curl.slist_append(list, q->headers[i]);
	if (!q->body.p)
		return list;
	/* libcurl would say that a body is a form, and ask first whether it may send it. */
	if (!has_header(q, "Content-Type:"))
		list = curl.slist_append(list, "Content-Type:");
	return curl.slist_append(list, "Expect:");
}

static void set_text(void *handle, int option, const char *text)
{
	if (text && *text)
		curl.easy_setopt(handle, option, text);
}

static void set_up(void *handle, const struct http_request *q, struct http_answer *a, void *headers,
				   char *error)
{
	curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
	curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(handle, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP_AND_HTTPS);
	curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTP_AND_HTTPS);
	curl.easy_setopt(handle, CURLOPT_URL, q->url);
	curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
	curl.easy_setopt(handle, CURLOPT_USERAGENT, "revet/" REVET_VERSION);
	curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, q->stay ? 0L : 1L);
	curl.easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
	curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, q->insecure ? 0L : 1L);
	curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, q->insecure ? 0L : 2L);
	curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
	curl.easy_setopt(handle, CURLOPT_WRITEDATA, a);
	curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	curl.easy_setopt(handle, CURLOPT_HEADERDATA, a);
	if (headers)
		curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	set_text(handle, CURLOPT_CAINFO, q->ca_file);
	set_text(handle, CURLOPT_SSLCERT, q->cert_file);
	set_text(handle, CURLOPT_SSLKEY, q->key_file);
	set_text(handle, CURLOPT_PROXY, q->proxy);
	set_text(handle, CURLOPT_USERNAME, q->username);
	set_text(handle, CURLOPT_PASSWORD, q->password);
	if (q->body.p) {
		curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (int64_t)q->body.n);
		curl.easy_setopt(handle, CURLOPT_POSTFIELDS, q->body.p);
	}
	set_text(handle, CURLOPT_CUSTOMREQUEST, q->method ? q->method : q->body.p ? "GET" : NULL);
	if (q->method && strcmp(q->method, "HEAD") == 0)
		curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
}

int http_ask(const struct http_request *q, struct http_answer *ret, struct err *err)
{
	void *handle = curl.library ? curl.easy_init() : NULL, *headers;
	char error[CURL_ERROR_SIZE] = "";
	long status = 0;
	int code;

	*ret = (struct http_answer){.headers = BUF((size_t)256 << 10), .body = BUF(q->max)};
	if (!handle)
		return err_set(err, ENOTSUP, "libcurl is not there: install it (libcurl4)");
	headers = make_headers(q);
	set_up(handle, q, ret, headers, error);
	code = curl.easy_perform(handle);
	curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	curl.slist_free_all(headers);
	curl.easy_cleanup(handle);
	if (ret->body.full || ret->headers.full)
		return err_set(err, EFBIG, "%s: the answer is larger than %zu bytes", q->url, q->max);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s: no answer in %d ms", q->url, q->timeout_ms);
	return code ? err_set(err, EIO, "%s: %s", q->url, *error ? error : curl.easy_strerror(code))
				: 0;
}

void http_answer_done(struct http_answer *a)
{
	buf_done(&a->headers);
	buf_done(&a->body);
}
