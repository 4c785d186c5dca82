/* SPDX-License-Identifier: Apache-2.0 */
/* Asks, line by line of the site file, whether what was guessed is so. On a terminal only. */
#ifndef REVET_CMD_INTERVIEW_H
#define REVET_CMD_INTERVIEW_H

#include "site/seen.h"

/* Whether a file that says what `seen` says now would load; else why not. */
typedef bool interview_check(void *data, struct seen *, struct err *);

struct interview {
	struct seen *seen;
	struct arena *arena;
	const char *const *profiles; /* names that there are, NULL-terminated */
	const char *path;            /* of the file that would be written */
	interview_check *check;
	void *data;
};

/* What is answered is put into `seen`. False: the answers ended, or nothing is to be written. */
bool interview(struct interview *);

#endif
