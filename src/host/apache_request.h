/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request for a file below the root of a server of Apache, and which sections are about it.
 */
#ifndef REVET_HOST_APACHE_REQUEST_H
#define REVET_HOST_APACHE_REQUEST_H

#include "host/apache_section.h"

struct apache_request {
	struct arena *arena;
	struct str path;     /* that is asked for */
	const char *file;    /* in the file system */
	const char *unknown; /* why it cannot be told what is about it; NULL: it can */
};

/* Also of `<Directory ~ "expression">`. One that cannot be used fits nothing, and makes it unknown. */
bool apache_section_fits(struct apache_request *, const struct directive *section);
bool apache_regex_fits(struct apache_request *, struct str pattern, struct str subject);
/* Is the path the prefix or below it? */
bool apache_is_below(struct str path, struct str prefix);

#endif
