/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running systemd says of the units that it has loaded, as one kernel query that several
 * tables share. Each is a line (host/fields.h), a name that repeats being a list:
 *
 *     name=ssh.service load=loaded active=active sub=running description=... fragment=...
 *         enabled=... dropin=... user=... main_pid=... exec=... result=... reload=... changed=... outdated=no
 *         started=... ended=...
 *         listens=... NoNewPrivileges=no ...
 *
 * Services, sockets and timers have all that the tables show of them; other units only what
 * systemctl lists. Booleans are yes and no, times seconds since 1970, sets hexadecimal masks, a
 * list that forbids has '~' before each item. `failed=` is there when systemd would not tell more.
 * ListUnitFiles is not called: it keeps systemd busy for half a second, and what it says can be
 * read from the unit files (host/unitfile.h) in a few milliseconds.
 */
#ifndef REVET_HOST_SYSTEMD_H
#define REVET_HOST_SYSTEMD_H

#include "host/host.h"

/* -ENOENT: systemd is not running. -ENOTSUP: no libsystemd here. */
extern const struct query systemd_query;
/* Asks it from a process of its own. For struct table.early: once confined, there is no way to the bus. */
void systemd_early(struct host *);

#endif
