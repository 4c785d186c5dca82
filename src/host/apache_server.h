/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apache as a main server and virtual hosts, and what is in force in each. Everything lives in the
 * arena that was passed.
 */
#ifndef REVET_HOST_APACHE_SERVER_H
#define REVET_HOST_APACHE_SERVER_H

#include "host/apache_config.h"
#include "host/web.h"

struct apache {
	struct web web;
	struct arena *arena;
	struct apache_config config;
	struct directive main; /* what is said for all, without the virtual hosts */
	struct map main_last;  /* of it, by name in lower case: the directive that holds */
	struct {
		const struct directive **p;
		size_t n, cap;
	} hosts;
};

/* As apache_config_read(). */
int apache_read(struct host *, struct arena *, struct apache *ret, struct err *);

/* Is it the directive or block of that name? */
bool apache_is(const struct directive *, const char *name);
/* The last one of the block itself, not of the sections in it; NULL: there is none. */
const struct directive *apache_last(const struct directive *block, const char *name);
/* What the server says, else what is said for all. */
const struct directive *apache_in_force(const struct apache *, const struct directive *server,
										const char *name);

/* Appends the addresses of the server, which is the main one or a virtual host. The main server has
 * what no virtual host is for; a virtual host answers no more than is listened on. */
enum web_reach apache_listen(const struct apache *, const struct directive *server,
							 struct web_list *ret);

#endif
