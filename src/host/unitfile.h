/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's unit files without systemd: which there are, what is in force in each (drop-ins of the
 * unit, of its template, of its prefixes and of its type), and whether it is enabled, as
 * `systemctl list-unit-files` would say. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_UNITFILE_H
#define REVET_HOST_UNITFILE_H

#include "base/map.h"
#include "host/conf.h"

struct unit_file {
	struct str name;
	const char *path;    /* its fragment, link or init script; of an instance: its template's */
	const char *enabled; /* "enabled", "static", "masked", ...; NULL: not known, see unread */
	struct str alias_of; /* another unit's name, then conf is empty; absent */
	bool masked, sysv;   /* then conf is empty, too */
	const char *unread;  /* why its fragment or a drop-in could not be read; NULL: it was */
	const char *gap;     /* the same, also of a directory of drop-ins */
	struct conf conf;    /* the fragment's items, then the drop-ins', as they apply */
	const struct str *dropins;
	size_t n_dropins;
};

struct unit_files {
	const struct unit_file *p; /* sorted by name */
	size_t n;
	const char *gap; /* why something may be missing; NULL: complete */
	/* Private: the gap but for the contents of units, and the units by their names. */
	const char *unlisted;
	struct map by_name;
};

/* `only`: names of the units whose content and state are wanted, NULL-terminated; NULL for all. While the
 * host remembers, all of them are read once for whoever asks, and belong to the host. */
void unitfiles_read(struct host *, struct arena *, const char *const *only, struct unit_files *ret);
/* What is there of the name itself, be it an alias; NULL when nothing is. */
const struct unit_file *unitfiles_named(const struct unit_files *, struct str name);
/* The unit of the name, an alias resolved; NULL when there is none. */
const struct unit_file *unitfiles_find(const struct unit_files *, struct str name);
/* Is it there and does the boot start it: "enabled", "enabled-runtime" or generated from an init
 * script? */
bool unitfile_starts(const struct unit_file *);

/* The assignments of a list-like setting that are in force: those behind the last empty one. */
struct unit_values {
	const struct conf_item **items;
	size_t n;
	bool reset; /* there was an empty assignment */
};
struct unit_values unitfile_values(const struct unit_file *, struct arena *, const char *section,
								   const char *key);
/* The value of a scalar; absent when unset or reset by an empty assignment. */
struct str unitfile_value(const struct unit_file *, const char *section, const char *key,
						  const struct conf_item **ret_item);
/* Whom a service runs as: root when it does not say, a dynamic user is named after its unit. Specifiers
 * are not replaced. */
struct str unitfile_user(const struct unit_file *);
/* The command lines of a service without their secrets, with " ; " between; absent: there are none. */
struct str unitfile_exec_start(const struct unit_file *, struct arena *);
/* systemd's spellings of true and of false. */
bool unitfile_true(struct str);
bool unitfile_false(struct str);

#endif
