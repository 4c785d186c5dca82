/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies about in the root of a server of nginx, is for nobody outside, and would be given to
 * whoever asks for it.
 */
#ifndef REVET_HOST_NGINX_EXPOSED_H
#define REVET_HOST_NGINX_EXPOSED_H

#include "host/nginx_answer.h"

/* False: the server gives no files from a root of its own. */
bool nginx_exposed(struct web *, struct nginx_passes *, const struct nginx_server *,
				   struct web_list *ret);

#endif
