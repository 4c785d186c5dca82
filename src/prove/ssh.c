/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/ssh.h"

#include <sys/socket.h>

#include "base/vec.h"

/* systemd may hold the socket for it. */
static bool is_sshd(const struct rows *rows, const struct row *row)
{
	struct str unit = trial_text(rows, row, "unit");

	return str_is(trial_text(rows, row, "protocol"), "tcp") &&
		   (str_is(trial_text(rows, row, "process"), "sshd") || str_is(unit, "ssh.socket") ||
			str_is(unit, "sshd.socket"));
}

static struct ssh_door door_of(struct trial *t, const struct rows *rows, const struct row *row)
{
	struct str address = trial_text(rows, row, "address");
	bool six = str_is(trial_text(rows, row, "family"), "ipv6");
	bool of_all = str_is(address, "0.0.0.0") || str_is(address, "::");

	return (struct ssh_door){
		.address = !of_all ? str_dup(t->arena, address)
				   : six   ? "::1"
						   : "127.0.0.1",
		.port = arena_printf(t->arena, "%lld", (long long)trial_number(rows, row, "port", 0)),
		.of_all = of_all,
		.family = six ? AF_INET6 : AF_INET,
		.number = (uint16_t)trial_number(rows, row, "port", 0),
	};
}

size_t ssh_find_doors(struct trial *t, const struct ssh_door **ret)
{
	const struct table *table = table_find(STR("listeners"));
	const struct rows *rows = snapshot_rows(t->snapshot, table);
	VEC(struct ssh_door) doors = {0};

	for (size_t i = 0; rows && i < rows->n; i++)
		if (is_sshd(rows, rows->p[i]))
			*vec_push(t->arena, &doors) = door_of(t, rows, rows->p[i]);
	*ret = doors.p;
	return doors.n;
}

size_t ssh_doors(struct trial *t, const struct ssh_door **ret)
{
	const struct rows *rows = trial_rows(t, "listeners");
	size_t n = ssh_find_doors(t, ret);

	if (rows && !n)
		trial_not_run(t, "no sshd listens here");
	return rows ? n : 0;
}
