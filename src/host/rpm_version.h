/* SPDX-License-Identifier: Apache-2.0 */
/* The order of rpm's versions: rpmvercmp() of rpmio/rpmvercmp.c. */
#ifndef REVET_HOST_RPM_VERSION_H
#define REVET_HOST_RPM_VERSION_H

#include "base/str.h"

/* Below, at or above 0, of a version or a release. */
int rpm_version_cmp(struct str a, struct str b);

#endif
