/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain configuration files: lines of key and value, with where each came from. Items stay in the
 * order in which they apply; which of several wins is the caller's business (conf_last() for the
 * usual case). Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_CONF_H
#define REVET_HOST_CONF_H

#include "host/host.h"

struct conf_item {
	struct str section, key, value; /* section: absent outside any; value: absent when only a key */
	const char *file;
	unsigned line;
};

struct conf {
	struct conf_item *items;
	size_t n, cap;
	const char *gap; /* why something may be missing; NULL: complete */
};

enum conf_style {
	CONF_EQUALS, /* key = value, # comments */
	CONF_SPACE,  /* key value, # comments */
	CONF_INI,    /* [Section], key=value, # and ; comments, a backslash continues the line */
};

/* Appends the file's items. A file that is not there is -ENOENT; the caller decides. */
int conf_read(struct host *, struct arena *, const char *path, enum conf_style, struct conf *,
			  struct err *);
/* A configuration of systemd's: name "journald.conf" reads the first of {/etc,/run,/usr/local/lib,
 * /usr/lib}/systemd/NAME, then NAME.d/ drop-ins of all of them, sorted by name, /etc before /run
 * before /usr for the same name. Files that are not there are no error; one that cannot be read
 * sets gap. */
int conf_read_systemd(struct host *, struct arena *, const char *name, struct conf *, struct err *);
/* The last item of the key (section NULL: of any); NULL when there is none. */
const struct conf_item *conf_last(const struct conf *, const char *section, const char *key);

#endif
