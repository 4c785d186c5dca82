/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies about in the root of a server of Apache, is for nobody outside, and would be given to
 * whoever asks for it.
 */
#ifndef REVET_HOST_APACHE_EXPOSED_H
#define REVET_HOST_APACHE_EXPOSED_H

#include "host/apache_server.h"

/* False: the server gives no files from a root of its own. */
bool apache_exposed(struct apache *, const struct directive *server, struct web_list *ret);

#endif
