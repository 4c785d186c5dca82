/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections of Apache's configuration about directories, files or addresses: who is let in, and which
 * options a directory inherits from those above it.
 */
#ifndef REVET_HOST_APACHE_SECTION_H
#define REVET_HOST_APACHE_SECTION_H

#include "host/apache_server.h"

bool apache_is_section(const struct directive *);
struct str apache_without_slash(struct str path);

enum apache_access { APACHE_UNSAID, APACHE_ALL, APACHE_SOME, APACHE_NONE };
/* Whom the section's Require lines let in. */
enum apache_access apache_access_of(const struct directive *section);

/* The <Directory> sections of a server by their path, without patterns. */
void apache_directories_find(struct arena *, const struct directive *server, struct map *ret);

#define APACHE_OPTIONS 7
extern const char *const apache_options[APACHE_OPTIONS]; /* in lower case */
#define APACHE_FOLLOW_SYMLINKS (1U << 1)                 /* in force when nobody says anything */

struct apache_inherited {
	unsigned options; /* a bit for each of the names */
	const struct directive *override, *override_list, *says_options;
	enum apache_access access;
};
/* What the section says itself comes on top. */
void apache_inherit(struct apache_inherited *, const struct directive *section);
/* What is said of the directories above the path, from the top, and of the path itself up to the
 * section `until` (NULL: all of it): of each what the main server says, then what the virtual host
 * does. */
void apache_inherit_above(const struct map *all, const struct map *own, struct str path,
						  const struct directive *until, struct apache_inherited *);

#endif
