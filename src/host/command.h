/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a command line of cron's or systemd's starts, as far as it says so: a shell's syntax is
 * not followed, every absolute path in it counts. */
#ifndef REVET_HOST_COMMAND_H
#define REVET_HOST_COMMAND_H

#include "base/str.h"

#define COMMAND_MAX_PATHS 32 /* that are worth looking at in one command */

/* The next word that is an absolute path, and not where output goes; of "cd / && x" the slash is none.
 * Absent at the end. Borrowed from the command, of which it takes off what it has passed. */
struct str command_next_path(struct str *command);
/* A script by its name, which an interpreter runs whatever its mode. */
bool command_is_script(struct str path);

#endif
