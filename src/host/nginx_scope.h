/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force in a block of nginx's configuration, with what it inherits, and which location
 * answers a request. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_NGINX_SCOPE_H
#define REVET_HOST_NGINX_SCOPE_H

#include "host/nginx_config.h"

/* A block that sets one of these sets it anew, whatever the outer ones say of it. */
enum nginx_setting {
	NGINX_SERVER_TOKENS,
	NGINX_SSL_PROTOCOLS,
	NGINX_SSL_CIPHERS,
	NGINX_SSL_COMMANDS, /* what OpenSSL is told, after all else */
	NGINX_SSL_VERIFY_CLIENT,
	NGINX_SSL_KEYS,
	NGINX_AUTOINDEX,
	NGINX_MAX_BODY,
	NGINX_BODY_TIMEOUT,
	NGINX_HEADER_TIMEOUT,
	NGINX_ROOT,
	NGINX_MODSECURITY,
	NGINX_AUTH,
	NGINX_SATISFY,
	NGINX_ACCESS, /* allow and deny are one list */
	NGINX_ACCESS_LOG,
	NGINX_ERROR_LOG,
	NGINX_HEADERS,
	NGINX_HEADERS_MERGED, /* add_header_inherit */
	NGINX_MORE_HEADERS,   /* those of headers-more, which add up */
	NGINX_SETTINGS,
};

bool nginx_is_location(const struct directive *);
/* A block whose directives hold for some requests only. */
bool nginx_is_conditional(const struct directive *);

struct nginx_group {
	const struct directive **p;
	size_t n;
};

struct nginx_scope {
	struct nginx_group set[NGINX_SETTINGS];
};

/* ret may be `outer`. */
void nginx_scope_enter(struct arena *, const struct nginx_scope *outer,
					   const struct directive *block, struct nginx_scope *ret);
/* The one that holds; NULL: nothing sets it. */
const struct directive *nginx_scope_last(const struct nginx_scope *, enum nginx_setting);
/* Is not everybody let in: denied at the end of the list, or by a password or a certificate? */
bool nginx_scope_restricts(const struct nginx_scope *);

/* The location of the server that answers for the path, in *ret; NULL: none does, it is the server's
 * own. An error: a regular expression cannot be used. */
int nginx_locate(struct arena *, const struct directive *server, struct str path,
				 const struct directive **ret, struct err *);

#endif
