/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a service that say what it may do: their names, how the assignments of a unit
 * file add up to a value, and what the others imply. Values are text as `systemctl show` prints it,
 * with one difference: filters keep the groups (@system-service) that a unit file names.
 */
#ifndef REVET_HOST_UNITPROP_H
#define REVET_HOST_UNITPROP_H

#include "host/unitfile.h"

#define UNITPROP_MAX 40

/* n == 0: not set, which for a list is no restriction; or, see unitprop_is_set(), an empty set. */
struct unitprop_value {
	const struct str *items;
	size_t n;
	const struct conf_item *from; /* the assignment that counted last; NULL: the default */
	const char *why;              /* the value is not known, and why; NULL: it is */
};

size_t unitprop_count(void);
const char *unitprop_name(size_t i);
/* Lists that always have a value, which may be empty: capabilities, groups, paths. */
bool unitprop_is_set(size_t i);
/* Of these the systemd query always has a value. */
bool unitprop_is_mask(size_t i);
/* The index of a name, or -1. */
int unitprop_find(struct str name);

/* All settings of a service's unit file, in ret[UNITPROP_MAX]. */
void unitprop_read(const struct unit_file *, struct arena *, struct unitprop_value *ret);
/* One value of the systemd query, with masks turned into names. */
struct unitprop_value unitprop_live(size_t i, const struct str *items, size_t n, struct arena *);

#endif
