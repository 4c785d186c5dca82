/* SPDX-License-Identifier: Apache-2.0 */
/* What the experiments about SSH share: where the server listens. */
#ifndef REVET_PROVE_SSH_H
#define REVET_PROVE_SSH_H

#include "prove/experiment.h"

struct ssh_door {
	const char *address,
		*port;   /* to connect to from this host: the loopback one for all addresses */
	bool of_all; /* it listens on all addresses of the family */
	int family;
	uint16_t number; /* of the port */
};

/* Of the table listeners, which the experiment names. */
size_t ssh_find_doors(struct trial *, const struct ssh_door **ret);
/* The same. Where there is none, or it cannot be known, that has been said. */
size_t ssh_doors(struct trial *, const struct ssh_door **ret);

#endif
