/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package managers, for the step that installs and removes packages. Each is one file of
 * change/packages/ that exports one descriptor with PACKAGE_MANAGER(); the step finds it by its name,
 * which is the step's target. The fields of the states are packages with their versions; all of a
 * change that one manager does is one step, so that it finds the order.
 */
#ifndef REVET_CHANGE_PACKAGES_H
#define REVET_CHANGE_PACKAGES_H

#include "change/step.h"

struct package_manager {
	const char *name;
	/* What is installed. */
	int (*capture)(const struct place *, struct arena *, struct state *ret, struct err *);
	/* Asks the manager whether it would do this and nothing else, and fetches what it needs. Changes
	 * nothing. */
	int (*save)(const struct place *, const struct step *, const struct saved *, struct err *);
	/* Keeps, durably, what bringing it back takes, and does it. */
	int (*perform)(const struct place *, const struct step *, const struct saved *, struct err *);
	/* Idempotent, also when perform() was killed. */
	int (*undo)(const struct place *, const struct state *before, const struct saved *,
				struct err *);
	void (*undo_sh)(struct buf *, const struct step *);
};

LEAF_SET(package_managers, struct package_manager);
#define PACKAGE_MANAGER(symbol) LEAF(package_managers, struct package_manager, symbol)

#define PACKAGES_TIMEOUT (10 * 60 * 1000) /* ms for a run of a manager */

struct names {
	const char **p;
	size_t n, cap;
};
bool names_have(const struct names *, const char *name);
/* The fields that step->after has and step->before has not, or the other way round. */
struct names packages_installed_by(const struct step *, struct arena *);
struct names packages_removed_by(const struct step *, struct arena *);

/* Runs the command with all of them behind it. *ret: what it prints; ret may be NULL. */
int packages_run(const struct place *, const char *const *command, const struct names *,
				 struct arena *, struct str *ret, struct err *);

/* The path, as programs in the place see it, of a file of the change: `saved` and the suffix. */
int packages_path(const struct place *, const struct saved *, const char *suffix, struct arena *,
				  const char **ret, struct err *);
/* The systemd unit that a package's file defines, or NULL. */
const char *packages_unit(const char *path);
/* Does the unit run? "active UNIT yes" or "no", a line. */
int packages_note_unit(const struct place *, const char *unit, struct buf *out, struct err *);

/* Stops the units that a delta says are new: not all packages stop what they have started. */
int packages_stop_new(const struct place *, const struct saved *, struct err *);
void packages_stop_new_sh(struct buf *);

/* --- what is fetched before it is installed: in a directory of the change, `.fetched` --- */

int packages_fetch_begin(const struct saved *, struct err *);
/* The files in it with this suffix, sorted, as programs in the place see them. */
int packages_fetched(const struct place *, const struct saved *, const char *suffix, struct arena *,
					 struct names *ret, struct err *);
void packages_fetch_end(const struct saved *);

/* Is what would be installed, "NAME VERSION" a line, what the step says, and nothing that is there in
 * another version? */
int packages_check_new(struct str lines, const struct step *, const struct state *installed,
					   struct arena *, struct err *);

/* --- of managers that keep nothing of what they remove: it is kept whole, with their database --- */

/* removed, coming: the files of what is removed and installed; database: directories. Also which units of
 * what is removed run. */
int packages_keep(const struct place *, const struct names *removed, const struct names *coming,
				  const struct names *database, const struct saved *, struct err *);
/* Puts it all back. -ESTALE, and nothing is done, where what tells of changes in the database is not as it
 * was left and not saved->force; what else there is in its directory only goes with that. */
int packages_bring_back(const struct place *, const char *directory, const char *telling,
						const struct saved *, struct err *);
void packages_bring_back_sh(struct buf *);

/* --- apt, which installs for dpkg --- */

/* Would apt install these and what they depend on, and nothing else? Fetches it all. */
int apt_save(const struct place *, const struct step *, const struct saved *, struct err *);
int apt_install(const struct place *, const struct step *, const struct saved *, struct err *);
/* Takes what was installed away again, and all that it has changed. */
int apt_undo(const struct place *, const struct saved *, struct err *);
void apt_undo_sh(struct buf *);

/* --- dnf, which finds and fetches what rpm installs --- */

int dnf_save(const struct place *, const struct step *, const struct state *installed,
			 const struct saved *, struct err *);
/* Files of packages that were fetched, for programs in the place. */
int dnf_fetched(const struct place *, const struct saved *, struct arena *, struct names *ret,
				struct err *);

/* dpkg's own locks, in its order; held until both fds are closed. Waits so many seconds for another. */
int dpkg_lock(const struct place *, int seconds, int fds[2], struct err *);

#endif
