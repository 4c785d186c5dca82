/* SPDX-License-Identifier: Apache-2.0 */
/* What names stand for, as this host sees it: asked by programs, which may take long and are ended then. */
#ifndef REVET_PROVE_RESOLVE_H
#define REVET_PROVE_RESOLVE_H

#include <sys/socket.h>

#include "prove/experiment.h"

#define RESOLVE_MAX 8

struct lookup {
	const char *name;                       /* or an address */
	struct sockaddr_storage p[RESOLVE_MAX]; /* without a port */
	size_t n;                               /* 0: it has none that could be learnt */
	struct exec asking;                     /* private */
};

/* All at once, some seconds together; each has its name. */
void resolve_names(struct trial *, struct lookup *, size_t n);

#endif
