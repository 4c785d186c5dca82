/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/service_process.h"

static bool is_known(const struct service_process *p, size_t n, struct str unit, uint32_t uid)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(unit, p[i].unit) && p[i].uid == uid)
			return true;
	return false;
}

/* Those of people's sessions are not services. */
static bool is_service(struct str unit)
{
	return str_ends(unit, ".service") && !str_starts(unit, "user@");
}

size_t service_processes(struct trial *t, struct service_process ret[MAX_SERVICE_PROCESSES])
{
	const struct rows *rows = trial_rows(t, "processes");
	size_t n = 0;

	for (size_t i = 0; rows && i < rows->n && n < MAX_SERVICE_PROCESSES; i++) {
		const struct row *row = rows->p[i];
		struct str unit = trial_text(rows, row, "unit");
		uint32_t uid = (uint32_t)trial_number(rows, row, "uid", 0);

		if (uid && is_service(unit) && !is_known(ret, n, unit, uid))
			ret[n++] = (struct service_process){
				.pid = (int)trial_number(rows, row, "pid", 0),
				.unit = str_dup(t->arena, unit),
				.user = str_dup(t->arena, trial_text(rows, row, "user")),
				.uid = uid,
			};
	}
	if (rows && !n)
		trial_not_run(t, "no service runs as a user of its own");
	return n;
}

bool service_actor(struct trial *t, const struct service_process *p, struct actor *actor,
				   struct actor_place *place)
{
	struct err err;
	int r = actor_of(p->pid, actor, place, &err);

	if (r == 0 && actor->uid == p->uid)
		return true;
	if (r < 0 && r != -ESRCH)
		trial_not_run(t, "%s (%s): its place cannot be taken: %s", p->unit, p->user, err.msg);
	else
		trial_saw(t, "%s (%s): ended meanwhile", p->unit, p->user);
	return false;
}
