/* SPDX-License-Identifier: Apache-2.0 */
/* Which units systemd refuses to start once another is masked, by their files alone. */
#ifndef REVET_HOST_UNIT_NEEDS_H
#define REVET_HOST_UNIT_NEEDS_H

#include "host/unitfile.h"

/* The first unit that cannot start without this one (Requires=, Requisite=, BindsTo=) and is started by
 * the boot, or by a timer, socket or path that the boot starts. NULL: there is none. Those that only
 * differ in their suffix belong to the same service, and do not count. *ret_gap: why there may be one
 * that was not seen, or NULL. */
const struct unit_file *unit_needed_by(struct host *, struct arena *, struct str unit,
									   const char **ret_gap);

#endif
