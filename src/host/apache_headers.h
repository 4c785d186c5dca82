/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that Apache sets on every answer of a server: those of the server itself and of the
 * sections that are about all of it. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_APACHE_HEADERS_H
#define REVET_HOST_APACHE_HEADERS_H

#include "host/apache_section.h"

struct apache_directives {
	const struct directive **p;
	size_t n, cap;
};

/* What the main server or a virtual host says. */
struct apache_headers_said {
	struct apache_directives headers;  /* outside of sections */
	struct apache_directives sections; /* that hold some */
	struct apache_directives
		patterns;              /* <Directory> sections with wildcards that let .htaccess do */
	struct web_list elsewhere; /* what lies outside of the root and is served as well */
	bool passed_on;            /* some requests are answered by another server; */
	bool all_passed_on;        /* or all */
	const char *why;           /* there is too much of it to tell; NULL: there is not */
};

struct apache_headers {
	struct apache *apache; /* private, as is all of it */
	const struct map *directories;
	struct apache_headers_said all;
	struct map overrides; /* by path: what is known of the file */
};

/* directories: those of the main server. */
void apache_headers_init(struct apache_headers *, struct apache *, const struct map *directories);
/* Appends them as "name: value", the name in lower case. Nothing but why it is not known, when a
 * .htaccess in the root may set others. own: the directories of the server. */
void apache_headers(struct apache_headers *, const struct directive *server, const struct map *own,
					struct web_list *ret);

#endif
