/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, and the networks that they are in. */
#ifndef REVET_SITE_NETS_H
#define REVET_SITE_NETS_H

#include "host/site_file.h"

/* "10.0.0.5/24" is 10.0.0.0/24; without a length it is the one address. text is in the arena. False for
 * what is no address. */
bool nets_parse(struct str, struct arena *, struct site_network *ret);
/* Does the first hold all of the second? */
bool nets_has(const struct site_network *, const struct site_network *);
bool nets_has_address(const struct site_network *, struct str address);
/* May the address come in? In what was not said everyone may. */
bool nets_admit(const struct site_peers *, struct str address);
/* Is it one that somebody else may come from, as the site file takes it: no broadcast, no multicast, no
 * loopback, nothing that needs the name of a wire beside it? */
bool nets_is_peer(struct str address);
/* Does it stand for one host alone? */
bool nets_is_host(const struct site_network *);

#endif
