/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces and addresses of this network namespace, from rtnetlink(7). */
#ifndef REVET_HOST_RTNETLINK_H
#define REVET_HOST_RTNETLINK_H

#include "base/map.h"
#include "host/host.h"

/* Answers lines "link= name= type= flags= promiscuity= kind= port=" and "address=ADDRESS/LENGTH link=". */
extern const struct query interfaces_query;

/* The addresses of this machine, as keys of a map; in the arena. */
int own_addresses_read(struct host *, struct arena *, struct map *ret, struct err *);

#endif
