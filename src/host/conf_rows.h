/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of one of systemd's configurations: a row for each key, with what its last line says.
 */
#ifndef REVET_HOST_CONF_ROWS_H
#define REVET_HOST_CONF_ROWS_H

#include "host/edit.h"

enum { CONF_KEY, CONF_VALUE };

#define CONF_COLUMNS(page, flags)                                                                  \
	[CONF_KEY] = {"key", TYPE_STRING, "Name of the setting, as in " page,                         \
				  COLUMN_KEY | COLUMN_LABEL},                                                      \
	[CONF_VALUE] = {"value", TYPE_STRING, "Its value as text; the last line of a key wins",        \
					COLUMN_VALUE | (flags)}

/* The section of NAME ("journald.conf") and its drop-ins, see conf_read_systemd(). */
int conf_rows(struct host *, struct rows *, const char *name, const char *section, struct err *);
/* Sets the key in a drop-in of revet's own, or in one that comes behind it where that sets the key. */
void conf_rows_set(const struct wish *, struct edits *, const char *name, const char *section,
				   const char *separator);

#endif
