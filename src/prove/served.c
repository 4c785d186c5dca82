/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/served.h"

#include <sys/random.h>

#include "base/num.h"
#include "prove/ssh.h"

#define SHOWN 12 /* ranges of ports in a line */
#define RANDOM_PORTS 64

static void mark(bool ports[PORTS], struct site_ports p)
{
	for (unsigned port = p.low; port <= p.high; port++)
		ports[port] = true;
}

static bool serves_port(const struct site_file *f, uint16_t port)
{
	for (size_t i = 0; i < f->serves.n; i++)
		if (!f->serves.p[i].ports.udp && f->serves.p[i].ports.low <= port &&
			port <= f->serves.p[i].ports.high)
			return true;
	return false;
}

/* The networks of the admins may use sshd. Where none are named it is open, unless its port is served
 * to somebody. */
static bool has_ssh(const struct site_file *f, const struct origin *from, uint16_t port)
{
	const struct site_peers *admins = &f->admins.from;

	if (admins->world || admins->networks.n)
		return outside_is_among(admins, &from->address);
	return !serves_port(f, port);
}

void served_to(struct trial *t, const struct origin *from, bool udp, bool ret[PORTS])
{
	const struct site_file *f = &t->site->file;
	const struct ssh_door *doors = NULL;
	size_t n = udp ? 0 : ssh_find_doors(t, &doors);

	memset(ret, 0, PORTS * sizeof(*ret));
	for (size_t i = 0; i < f->serves.n; i++)
		if (f->serves.p[i].ports.udp == udp && outside_is_among(&f->serves.p[i].to, &from->address))
			mark(ret, f->serves.p[i].ports);
	for (size_t i = 0; i < n; i++)
		if (has_ssh(f, from, doors[i].number))
			ret[doors[i].number] = true;
}

static bool is_at(const struct rows *rows, const struct row *row, const struct target *target)
{
	struct str address = trial_text(rows, row, "address");

	/* A socket of all addresses of IPv6 is mostly one of IPv4 as well. */
	return str_is(address, target->text) || str_is(address, "::") ||
		   (target->family == AF_INET && str_is(address, "0.0.0.0"));
}

bool served_listeners(struct trial *t, const struct target *target, bool udp,
					  const char *ret[PORTS])
{
	const struct rows *rows = trial_rows(t, "listeners");

	memset(ret, 0, PORTS * sizeof(*ret));
	for (size_t i = 0; rows && i < rows->n; i++) {
		const struct row *row = rows->p[i];
		struct str process = trial_text(rows, row, "process");
		int64_t port = trial_number(rows, row, "port", 0);

		if (port > 0 && port < PORTS && is_at(rows, row, target) &&
			str_is(trial_text(rows, row, "protocol"), udp ? "udp" : "tcp"))
			ret[port] = process.n ? str_dup(t->arena, process) : "the kernel";
	}
	return rows != NULL;
}

void served_doubtful(const struct outside *o, bool ret[PORTS])
{
	uint16_t ports[RANDOM_PORTS] = {0};

	memcpy(ret, o->rules->named, PORTS * sizeof(*ret));
	(void)!getrandom(ports, sizeof(ports), 0);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		ret[ports[i]] = true;
}

const char *served_list(struct trial *t, const bool ports[PORTS])
{
	_cleanup_buf_ struct buf text = BUF(4096);
	size_t n = 0, shown = 0, more = 0;

	for (unsigned port = 1, last; port < PORTS; port = last + 1) {
		for (last = port; ports[port] && last + 1 < PORTS && ports[last + 1];)
			last++;
		if (!ports[port])
			continue;
		n++;
		if (shown == SHOWN) {
			more += last - port + 1;
			continue;
		}
		buf_printf(&text, last == port ? "%s%u" : "%s%u-%u", shown++ ? ", " : "", port, last);
	}
	if (more)
		buf_printf(&text, " and %zu more", more);
	return n ? arena_strdup(t->arena, buf_get(&text).p) : "none";
}
