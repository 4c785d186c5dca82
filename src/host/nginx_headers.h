/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that nginx adds to answers.
 */
#ifndef REVET_HOST_NGINX_HEADERS_H
#define REVET_HOST_NGINX_HEADERS_H

#include "host/nginx_scope.h"
#include "host/web.h"

/* Appends them as "name: value", the name in lower case. */
void nginx_headers(struct arena *, const struct nginx_scope *, struct web_list *ret);

#endif
