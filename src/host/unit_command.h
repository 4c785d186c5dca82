/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's unit file has systemd run: the words of ExecStart= as systemd splits them, with
 * specifiers and variables replaced (systemd.service(5), "Command lines"); of a script that a shell is
 * given with -c, its commands. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_UNIT_COMMAND_H
#define REVET_HOST_UNIT_COMMAND_H

#include "base/vec.h"
#include "host/envfile.h"
#include "host/unitfile.h"

struct unit_command {
	const struct conf_item *item; /* where it stands */
	VEC(struct str) words;        /* the program first */
	const char *why;              /* why there may be other words; NULL: these are all */
};

struct unit_commands {
	VEC(struct unit_command) all;
};

void unit_commands_read(struct host *, struct arena *, const struct unit_file *,
						struct unit_commands *ret);

/* What the unit sets itself, without the files that it names. */
void unit_environment(struct arena *, const struct unit_file *, struct env *);
/* The files that it reads more from, patterns resolved. -EINVAL where one is not known. */
struct unit_paths {
	VEC(struct str) all;
};
int unit_environment_files(struct host *, struct arena *, const struct unit_file *,
						   struct unit_paths *ret, struct err *);

#endif
