/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as nginx has it: the versions that are on, and the keys that the workers may read.
 */
#ifndef REVET_HOST_NGINX_TLS_H
#define REVET_HOST_NGINX_TLS_H

#include "host/nginx_scope.h"
#include "host/web.h"

#define NGINX_BUILT_IN_CIPHERS "HIGH:!aNULL:!MD5"

struct nginx_tls {
	struct web *web;
	const char *built_in; /* private: the versions that are on by themselves; NULL: not known */
	bool asked;
};

/* The versions of the directive; NULL: those that are on when nothing is said. */
void nginx_tls_protocols(struct nginx_tls *, const struct directive *, struct web_list *ret);
/* Does ssl_conf_command say with one of these names what else is in force? */
bool nginx_tls_is_commanded(const struct nginx_group *commands, const char *const *names);
/* Appends those of the keys that the workers may read. */
void nginx_tls_keys(struct web *, const struct nginx_group *keys, struct web_list *ret);

#endif
