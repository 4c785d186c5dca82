/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where nginx passes requests on to. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_NGINX_PASSES_H
#define REVET_HOST_NGINX_PASSES_H

#include "host/web.h"

struct nginx_passes {
	struct arena *arena;
	struct map upstreams; /* by name: the block */
	struct map targets;   /* by scheme and address: struct web_list */
};

void nginx_passes_init(struct nginx_passes *, struct arena *);
/* Takes in the upstreams of an `http`, `stream` or `mail` block. */
void nginx_passes_upstreams(struct nginx_passes *, const struct directive *block);
/* What the block passes on by itself or under conditions, not in its locations: appended as
 * "http://10.0.0.5:80" or "fastcgi://unix:/run/php.sock", upstreams resolved. True, and nothing
 * appended, also for code that nginx runs itself. */
bool nginx_passes_find(struct nginx_passes *, const char *protocol, const struct directive *block,
					   struct web_list *ret);

#endif
