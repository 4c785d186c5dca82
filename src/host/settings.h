/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a service that may have several instances on a host: what its files say, what holds
 * where they say nothing, and rows of both. One setting has one value, the last that was put.
 * Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_SETTINGS_H
#define REVET_HOST_SETTINGS_H

#include "base/map.h"
#include "host/table.h"

struct setting {
	struct str key, value; /* value: absent when it is not set and has no default that is known */
	struct from from;      /* path NULL: it is the default */
};

struct settings {
	struct arena *arena;
	struct setting **p; /* in the order in which they came first */
	size_t n, cap;
	struct map by_key;
	const char *gap; /* why any of them may have another value; NULL: all was read */
};

void settings_init(struct settings *, struct arena *);
void settings_put(struct settings *, struct str key, struct str value, struct from);
/* The first reason is kept. */
void settings_gap(struct settings *, const char *fmt, ...) _printf_(2, 3);
const struct setting *settings_find(const struct settings *, const char *key); /* NULL: not set */
struct str settings_get(const struct settings *, const char *key);             /* absent: not set */
/* What holds where nothing was put: pairs of key and value (NULL: set to nothing), up to a NULL key. */
void settings_defaults(struct settings *, const char *const (*pairs)[2]);

/* The columns of a table of such settings, which settings_rows() fills. */
enum { SETTINGS_INSTANCE, SETTINGS_KEY, SETTINGS_VALUE, SETTINGS_NETWORK };
#define SETTINGS_COLUMNS(instance_doc, settable)                                             \
	[SETTINGS_INSTANCE] = {"instance", TYPE_STRING, instance_doc, COLUMN_LABEL},             \
	[SETTINGS_KEY] = {"key", TYPE_STRING, "Name of the setting", COLUMN_KEY | COLUMN_LABEL}, \
	[SETTINGS_VALUE] =                                                                       \
		{"value", TYPE_STRING,                                                               \
		 "What its next start would take; of well-known settings the default where "         \
		 "no file says it",                                                                  \
		 COLUMN_VALUE | (settable)},                                                         \
	[SETTINGS_NETWORK] = {"network", TYPE_BOOL,                                              \
						  "By its settings the instance can be reached from other hosts", 0}

/* A row for each. Where there is a gap what was read is unknown, and what was not may be there. */
void settings_rows(struct rows *, const struct settings *, const char *instance, const char *file,
				   bool network);

/* Can the address be reached from other hosts? A name but localhost's may be; a path of a socket can
 * not. */
bool settings_is_network(struct str address);

/* A configuration file without the secrets in it. */
int settings_read(struct host *, struct arena *, const char *path, struct str *ret, struct err *);

/* Is one of the programs in a directory of programs? One that cannot be told counts as there. */
bool settings_has_program(struct host *, const char *const *names);

#endif
