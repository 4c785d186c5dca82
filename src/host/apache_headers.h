/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that a server of Apache sets.
 */
#ifndef REVET_HOST_APACHE_HEADERS_H
#define REVET_HOST_APACHE_HEADERS_H

#include "host/apache_server.h"

/* Appends them as "name: value", the name in lower case. */
void apache_headers(struct apache *, const struct directive *server, struct web_list *ret);

#endif
