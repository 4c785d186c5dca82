/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a table answers to a wish: edits. Plain data about what should be different on the host,
 * collected while a plan is made; nothing is changed here, and no edit says how. Edits of one file
 * that come from different tables and rules are joined into one step by the planner. Of two that
 * want different values of one thing the less severe rule is left alone, with a reason that names
 * both; where both rules were asked for by name, that is an error.
 *
 * Strings that are passed are copied.
 */
#ifndef REVET_HOST_EDIT_H
#define REVET_HOST_EDIT_H

#include "host/table.h"

/* What a rule wants of a row. */
struct wish {
	const struct table *table;
	const struct row *row; /* NULL: the key has no row yet */
	struct str key;        /* of key/value tables; else absent */
	int column;            /* what is to be different; -1: the row should not be there */
	struct value value;    /* what it should be; absent: not set */
	/* Of a row that should be there: all names that would do, the best first, of which `key` is one. */
	const struct str *names;
	size_t n_names;
};

/* How a file writes a setting, for edit_key(). */
enum edit_style {
	EDIT_SPACE,     /* Key value */
	EDIT_EQUALS,    /* key = value */
	EDIT_INI,       /* Key=value below [Section] */
	EDIT_APT,       /* Key "value"; */
	EDIT_GRUB,      /* a parameter of the kernel, in a shell file that GRUB's defaults include */
	EDIT_GRUB_WORD, /* the same, as one word of a line of GRUB's defaults: it can only be taken out */
	EDIT_DEFAULTS, /* Defaults key, Defaults !key or Defaults key="value", for sudo */
	EDIT_LINES,    /* the key is a line of its own, and any value says that it should be there */
	EDIT_FSTAB, /* the section is where it is mounted, key and value an option that it should have */
};

enum edit_kind { EDIT_KEY, EDIT_CONTENT, EDIT_ATTRIBUTE, EDIT_LINE, EDIT_STATE, EDIT_RELOAD };

struct edit {
	enum edit_kind kind;
	const char *rule;    /* the id of who asked */
	const char *mode;    /* of the file when it is new */
	const char *target;  /* a path; of EDIT_STATE and EDIT_RELOAD what the step type expects */
	const char *step;    /* EDIT_STATE: the type of step */
	enum edit_style style;
	struct str section;  /* EDIT_KEY: absent outside any */
	struct str name;     /* EDIT_KEY: the key; EDIT_ATTRIBUTE: mode, owner or group; EDIT_STATE: field */
	struct str value;    /* absent: is to be taken out */
	struct str old;      /* EDIT_LINE: the line as it must be now; EDIT_STATE: the present value */
	unsigned line;       /* EDIT_LINE: from 1 */
};

struct edits {
	struct arena *arena;
	const char *rule; /* for those that are added from now on */
	const char *mode; /* of files that are made for them, in octal; NULL: 0644 */
	struct edit *p;
	size_t n, cap;
};

/* The wished value as a configuration file has it: items of a list with the separator between,
 * durations in seconds without a unit. */
struct str edit_text(struct edits *, const struct wish *, const char *separator);

/* Sets the key in the file, in its place where it stands already, else at the end (of its section);
 * a file that is not there is made. Absent value: lines that set it become comments. */
void edit_key(struct edits *, const char *path, enum edit_style, const char *section, struct str key,
			  struct str value);
/* The whole file; absent: it should not be there. */
void edit_content(struct edits *, const char *path, struct str content);
/* "mode" ("0640"), "owner" or "group" (names or numbers) of what the path leads to. */
void edit_attribute(struct edits *, const char *path, const char *name, struct str value);
/* Nobody but the owner may write: the mode without the bits of group and others, which also limits
 * what an ACL gives. -ENOTSUP: it is not these. */
int edit_closed(struct edits *, const char *path, const struct value *mode, struct err *);
/* One line in place of another. */
void edit_line(struct edits *, const char *path, unsigned line, struct str old, struct str value);
/* A field of something that is no file, what it is and what it should be: see the step types. */
void edit_state(struct edits *, const char *step, const char *target, const char *field,
				struct str present, struct str value);
/* The service should take its configuration in again, when all files are written. */
void edit_reload(struct edits *, const char *service);

#endif
