/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links in /etc/systemd/system that say what of a unit is started at boot, by what other name it
 * is known and whether it is masked: kept one by one, so that undoing brings back exactly those.
 */
#ifndef REVET_CHANGE_UNIT_LINKS_H
#define REVET_CHANGE_UNIT_LINKS_H

#include "change/step.h"

#define UNIT_LINKS_DIR "/etc/systemd/system"

struct unit_link {
	const char *path;
	struct str target;
};

struct unit_links {
	struct unit_link *p;
	size_t n, cap;
};

/* Links of the unit's name, or to a file of that name. */
struct unit_links unit_links_find(const struct place *, const char *unit, struct arena *);
int unit_link_remove(const struct place *, const char *path, struct err *); /* may be gone already */
int unit_link_make(const struct place *, const char *path, const char *target, struct err *);
int unit_links_remove(const struct place *, const char *unit, struct err *);
/* To and from a file of the change: "link PATH TARGET" a line, and "times SECONDS NANOSECONDS PATH" of
 * all directories of links. Restoring leaves those links and no others; their directories, and the
 * times of these, come last. */
int unit_links_save(const struct place *, const char *unit, const struct saved *, struct err *);
int unit_links_restore(const struct place *, const char *unit, const struct saved *, struct err *);
void unit_links_restore_dirs(const struct place *, const struct saved *);

#endif
