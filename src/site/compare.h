/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of a host now, compared with what its site file says. */
#ifndef REVET_SITE_COMPARE_H
#define REVET_SITE_COMPARE_H

#include "site/seen.h"

enum difference_kind {
	DIFFERENCE_LISTENER, /* something listens that no line serves */
	DIFFERENCE_IDLE,     /* a line serves what nothing listens on */
	DIFFERENCE_PEER,     /* somebody is connected that the line is not for */
	DIFFERENCE_ADMIN,    /* an account may administer that is not named */
	DIFFERENCE_NO_ADMIN, /* one is named that cannot */
	DIFFERENCE_SESSION,  /* the present session comes from where nobody is let in */
	DIFFERENCE_ORIGIN,   /* somebody logged in from there */
	DIFFERENCE_REACH,    /* it is connected to where it should not be */
};
const char *difference_name(enum difference_kind);

struct difference {
	enum difference_kind kind;
	const char *object; /* "5432/tcp", "bob", "198.51.100.7" */
	const char *detail; /* the evidence, or what the line says */
	unsigned line;      /* of the site file; 0: none is about it */
};

struct comparison {
	VEC(struct difference) all;
	VEC(const char *) unknown; /* what the file speaks of and could not be compared, and why */
	VEC(const char *) unsaid;  /* what the file does not speak of */
};

/* A line of the file that is commented out ("# - {port: 5432/tcp, ...") is one that somebody decided
 * against: what it is about is known, and no difference. text: of the file. */
void site_compare(const struct seen *, const struct site_file *, struct str text, struct arena *,
				  struct comparison *ret);

#endif
