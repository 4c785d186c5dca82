/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as Apache has it: the versions that are on, and the keys that the workers may read.
 */
#ifndef REVET_HOST_APACHE_TLS_H
#define REVET_HOST_APACHE_TLS_H

#include "host/apache_server.h"

/* Appends the versions that SSLProtocol leaves on; NULL: nothing is said. */
void apache_tls_protocols(struct arena *, const struct directive *, struct web_list *ret);
/* Appends those of the server's keys that the workers may read. */
void apache_tls_keys(struct web *, const struct directive *server, struct web_list *ret);

#endif
