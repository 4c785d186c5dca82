/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of nginx: its names, where it listens, and what is in force in it. Everything lives in the
 * arena that was passed.
 */
#ifndef REVET_HOST_NGINX_SERVER_H
#define REVET_HOST_NGINX_SERVER_H

#include "host/nginx_scope.h"
#include "host/web.h"

struct nginx_server {
	const struct directive *block;
	const char *protocol; /* http, stream or mail */
	const char *name;     /* the first one, with the first address that it listens on */
	struct web_list names, listen;
	enum web_reach reach;
	struct nginx_scope in_force;
	bool tls, plain; /* takes requests with TLS on some address, and without */
};

void nginx_server_read(struct arena *, const struct directive *block, const char *protocol,
					   const struct nginx_scope *outer, struct nginx_server *ret);

#endif
