/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a file such as passwd(5): an entry of several fields with colons between, under the
 * name in the first. Everything else of the file stays as it is, to the byte. The texts may hold
 * hashes of passwords: they go nowhere but into the file that they come from.
 */
#ifndef REVET_CHANGE_RECORD_H
#define REVET_CHANGE_RECORD_H

#include "change/step.h"

#define RECORD_MAX_FIELDS 9

struct record_file {
	const char *path, *suffix; /* suffix: of the copy of its attributes */
	size_t fields;
};

struct record {
	struct str text, line; /* the file, and the slice of it that is the entry */
	struct str fields[RECORD_MAX_FIELDS];
	bool found;
};

/* The first line of the name. That there is none, or no file, is no error; one that has not as many
 * fields as it should have is -EBADMSG. Slices live in the arena. */
int record_find(const struct place *, const struct record_file *, const char *name, struct arena *,
				struct record *ret, struct err *);
/* Writes the file with another line in place of the record's. saved: when undoing, that of the step. */
int record_replace(const struct place *, const struct record_file *, const struct record *,
				   struct str line, const struct saved *, struct err *);
/* Adds a line for a name that has none, behind the others; in front of the lines with which NIS begins. */
int record_add(const struct place *, const struct record_file *, const struct record *,
			   struct str line, struct err *);
/* Writes the file without the record's line. saved: when undoing, that of the step. */
int record_remove(const struct place *, const struct record_file *, const struct record *,
				  const struct saved *, struct err *);
/* Keeps what goes with the file beside the step's own, and gives its directory's times back. */
int record_save(const struct place *, const struct record_file *, const struct saved *,
				struct err *);
void record_restore_times(const struct place *, const struct record_file *, const struct saved *);
/* Fields as they were, to the byte: put by save(), kept as the step's own, "NAME VALUE" a line, and read
 * when undoing. */
void record_put_raw(struct buf *, const char *name, struct str value);
int record_save_raw(const struct saved *, const struct buf *, const char *target, struct err *);
int record_read_raw(const struct saved *, struct arena *, struct state *ret, struct err *);
/* Waits for passwd(1) and its like, which wait for each other; a tree has nobody else. */
int record_lock(const struct place *, struct err *);
void record_unlock(const struct place *);
/* Shell that does to the record of the name what the awk does; `value`: the kept one of that name is
 * in ENVIRON["VALUE"]; NULL: none is needed. */
void record_undo_sh(struct buf *, const struct record_file *, const char *name, const char *value,
					const char *awk);

#endif
