/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apt's configuration (apt.conf(5)): nested blocks, lists, #clear. Items are in the order in which
 * they apply, with full names: "APT::Periodic::Unattended-Upgrade"; the items of a list end in
 * "::". Names are compared without case. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_APT_CONF_H
#define REVET_HOST_APT_CONF_H

#include "host/edit.h"

struct apt_item {
	struct str name, value;
	const char *file;
	unsigned line;
	bool cleared; /* a later #clear took it back */
};

struct apt_conf {
	struct apt_item *p;
	size_t n, cap;
	const char *gap; /* why something may be missing; NULL: complete */
};

/* /etc/apt/apt.conf.d/ in apt's order, then /etc/apt/apt.conf. */
void apt_conf_read(struct host *, struct arena *, struct apt_conf *ret);
/* One text, appended; for tests and fuzzing. */
void apt_conf_parse(struct arena *, struct str text, const char *file, struct apt_conf *);
/* The value of a scalar, absent when nothing sets it. */
const struct apt_item *apt_conf_last(const struct apt_conf *, const char *name);
/* apt's reading of truth values; `otherwise` for what is neither. */
bool apt_bool(struct str, bool otherwise);
bool apt_conf_bool(const struct apt_conf *, const char *name, bool otherwise);

/* Why apt looks for sources, keys or more configuration elsewhere than in /etc/apt; NULL: it does not,
 * as far as is known. */
const char *apt_conf_elsewhere(const struct apt_conf *, struct arena *);

/* Sets it in revet's own file of apt.conf.d. -ENOTSUP: a file that comes later sets it, too. */
int apt_conf_set(const struct apt_conf *, struct str name, struct str value, struct edits *,
				 struct err *);

#endif
