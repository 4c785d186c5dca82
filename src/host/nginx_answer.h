/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nginx answers to requests: turns them away, sends the client elsewhere, or gives files or what
 * an application says. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_NGINX_ANSWER_H
#define REVET_HOST_NGINX_ANSWER_H

#include "host/nginx_passes.h"
#include "host/nginx_server.h"

/* The weightier behind. */
enum nginx_answer { NGINX_REFUSED, NGINX_REDIRECT, NGINX_FILES, NGINX_APPLICATION };

/* Does the block send or turn away every request itself? Only what holds without a condition counts. */
bool nginx_answers_all(const struct directive *block, enum nginx_answer *ret);
/* Appends where the block itself, or a condition in it, sends clients to. */
void nginx_redirects(struct arena *, const struct directive *block, struct web_list *ret);
/* The weightiest that a request without TLS gets. */
enum nginx_answer nginx_plain_answer(struct nginx_passes *, const struct nginx_server *);

#endif
