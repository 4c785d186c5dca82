/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of services that run as users of their own: whose place an attacker has who has
 * taken one over. */
#ifndef REVET_PROVE_SERVICE_PROCESS_H
#define REVET_PROVE_SERVICE_PROCESS_H

#include "prove/actor.h"
#include "prove/experiment.h"

#define MAX_SERVICE_PROCESSES 64

struct service_process {
	int pid;
	const char *unit, *user;
	uint32_t uid;
};

/* One for each user of each service but root, from the table `processes`, which the experiment has
 * to name. Where there is none, or that is not known, that is said by trial_not_run(). */
size_t service_processes(struct trial *, struct service_process ret[MAX_SERVICE_PROCESSES]);
/* The actor in its place. False: it has gone, which is no case. */
bool service_actor(struct trial *, const struct service_process *, struct actor *,
				   struct actor_place *);

#endif
