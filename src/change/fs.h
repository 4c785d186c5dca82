/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the place that is changed, for the steps that are about files: atomic writes, and copies
 * that keep everything a file has (owner, mode, times, extended attributes with ACLs among them).
 * A last component that is a link is never followed and never replaced.
 */
#ifndef REVET_CHANGE_FS_H
#define REVET_CHANGE_FS_H

#include "change/step.h"

/* The directory that the path's last component is in, open, and the component. -errno. Links on the
 * way are followed as long as only root can have made them; -ELOOP: somebody else may have. */
int fs_open_parent(const struct place *, const char *path, const char **ret_name);

/* The file or directory itself, open for reading, for a change of what goes with it: no link, and in a
 * directory that others than root may write only what belongs to its owner. -errno. */
int fs_open_itself(const struct place *, const char *path);

/* "type" (regular, directory, symlink, other, absent), "mode", "owner", "group" (numbers), and with
 * `content` that of a regular file which is text (UTF-8, no NUL, at most 4 MiB). */
int fs_capture(const struct place *, const char *path, bool content, struct arena *,
			   struct state *ret, struct err *);
/* Writes a new file and renames it into place, durably. Extended attributes and, with saved, times
 * are those of the saved copy, else of the file that is replaced. */
int fs_write(const struct place *, const char *path, struct str content, const struct state *,
			 const struct saved *, struct err *);
/* -ENOTSUP, with the reason: it is known beforehand that its attributes, or with `replace` the file,
 * cannot be changed, or that this would take it apart from its other names. */
int fs_check_changeable(const struct place *, const char *path, bool replace, struct err *);
/* Durably; that it is not there is no error. */
int fs_remove(const struct place *, const char *path, struct err *);
/* What a write that was killed has left beside the file. */
void fs_remove_temp(const struct place *, const char *path);
/* Mode, owner and group, as far as they are in the state; with saved also times and attributes. */
int fs_set_attributes(const struct place *, const char *path, const struct state *,
					  const struct saved *, struct err *);
/* Puts an empty copy of the file into the change's directory, with all attributes; with `content` a
 * whole one. Nothing where nothing is. Also keeps the times of its directory. */
int fs_save(const struct place *, const char *path, bool content, const struct saved *,
			struct err *);
/* save() and undo_sh() of the types of steps that leave the content alone. */
int fs_save_attributes(const struct place *, const struct step *, const struct saved *, struct err *);
void fs_undo_attributes_sh(struct buf *, const struct step *);
/* Keeps a text in the change's directory: its name is that of `saved` and the suffix. */
int fs_save_text(const struct saved *, const char *suffix, struct str text, struct err *);
/* Copies a file, a link or a directory without what is in it, with all attributes, from below the place
 * to `name` in the directory, and back, over whatever is there. Not synced. -errno; -EMEDIUMTYPE: it is
 * none of these. */
int fs_copy_out(const struct place *, const char *path, int dir_fd, const char *name);
int fs_copy_in(const struct place *, const char *path, int dir_fd, const char *name);
/* Gives the directory of the path the times back that it had when the path was saved. */
void fs_restore_parent_times(const struct place *, const char *path, const struct saved *);

#endif
