/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request over HTTP, by libcurl, which is loaded for it. Not for a process that has confined itself, and
 * nothing that is answered is looked at here but the line with the status. Any thread may ask once
 * http_client_open() has been called.
 */
#ifndef REVET_HOST_HTTP_CLIENT_H
#define REVET_HOST_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct http_request {
	const char *url;                            /* http or https */
	const char *method;                         /* NULL: GET */
	struct str body;                            /* absent: none */
	const char *const *headers;                 /* "Name: value", NULL-terminated; or NULL */
	const char *username, *password;            /* for basic authentication; or NULL */
	const char *ca_file, *cert_file, *key_file; /* PEM; or NULL */
	const char *proxy;                          /* NULL: as the environment says */
	bool insecure;                              /* do not check the certificate */
	bool stay;                                  /* do not follow redirects; else at most ten */
	int timeout_ms;
	size_t max; /* bytes of an answer */
};

struct http_answer {
	int status;
	struct buf headers; /* of the last answer: lines, without the one with the status */
	struct buf body;
};

/* -ENOTSUP: libcurl is not installed. Call it before there are threads. */
int http_client_open(struct err *);
/* An answer of any status is 0. *ret is released with http_answer_done(), also after a failure. */
int http_ask(const struct http_request *, struct http_answer *ret, struct err *);
void http_answer_done(struct http_answer *);

#endif
