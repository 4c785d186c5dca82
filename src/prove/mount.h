/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems an experiment tries, of the table `mounts`. */
#ifndef REVET_PROVE_MOUNT_H
#define REVET_PROVE_MOUNT_H

#include "prove/experiment.h"

/* Is it mounted with the option, or does fstab have it so? */
bool mount_has(const struct rows *, const struct row *, const char *option);
/* Is it mounted, and holds files of people and services? */
bool mount_holds_files(const struct rows *, const struct row *);

#endif
