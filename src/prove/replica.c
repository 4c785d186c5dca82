/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/vec.h"
#include "change/netns.h"
#include "prove/ruleset.h"

#define MAX_SOCKETS 800 /* descriptors; a process may have 1024 */

bool replica_open(struct trial *t, struct outside *o)
{
	struct ruleset rules;
	struct err err;
	int r = ruleset_read(t, &rules, &err);

	if (r == 0)
		r = outside_copy(t, o, &err);
	if (r == 0)
		r = ruleset_load(t, &rules, o->host_ns, &err);
	if (r == 0)
		return true;
	trial_not_run(t, "the packet filter cannot be copied: %s", err.msg);
	outside_close(o);
	return false;
}

/* --- sockets ------------------------------------------------------------------------------------------ */

static bool has_four(const struct rows *rows, int64_t port, struct str protocol)
{
	for (size_t i = 0; i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "address"), "0.0.0.0") &&
			str_eq(trial_text(rows, rows->p[i], "protocol"), protocol) &&
			trial_number(rows, rows->p[i], "port", 0) == port)
			return true;
	return false;
}

/* As the row says; -1: it cannot be had there. */
static int open_like(const struct outside *o, const struct rows *rows, const struct row *row,
					 struct arena *a, int family, bool udp)
{
	_cleanup_close_ int fd = netns_socket(o->host_ns, family, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	int64_t port = trial_number(rows, row, "port", 0);
	const char *text = str_dup(a, trial_text(rows, row, "address"));
	struct sockaddr_storage s = {.ss_family = (sa_family_t)family};
	int six_only = has_four(rows, port, trial_text(rows, row, "protocol"));
	void *bytes = family == AF_INET ? (void *)&((struct sockaddr_in *)&s)->sin_addr
									: &((struct sockaddr_in6 *)&s)->sin6_addr;

	if (fd < 0 || inet_pton(family, text, bytes) != 1)
		return -1;
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
	s = outside_address(&s, (uint16_t)port);
	if (bind(fd, (struct sockaddr *)&s, outside_length(&s)) < 0 || (!udp && listen(fd, 16) < 0))
		return -1;
	return take_fd(&fd);
}

size_t replica_listen(struct trial *t, const struct outside *o, const struct copied_socket **ret)
{
	const struct rows *rows = trial_rows(t, "listeners");
	VEC(struct copied_socket) all = {0};

	for (size_t i = 0; rows && i < rows->n && all.n < MAX_SOCKETS; i++) {
		const struct row *row = rows->p[i];
		bool udp = str_is(trial_text(rows, row, "protocol"), "udp");
		int family = str_is(trial_text(rows, row, "family"), "ipv6") ? AF_INET6 : AF_INET;
		int fd = str_is(trial_text(rows, row, "scope"), "loopback")
					 ? -1
					 : open_like(o, rows, row, t->arena, family, udp);

		if (fd >= 0)
			*vec_push(t->arena, &all) = (struct copied_socket){
				fd, family, (uint16_t)trial_number(rows, row, "port", 0), udp};
	}
	*ret = all.p;
	return all.n;
}

/* --- both ways ---------------------------------------------------------------------------------------- */

static void try_live(struct trial *t, struct outside *o,
					 void (*look)(struct trial *, const struct outside *, bool))
{
	struct err err;

	if (outside_wire(t, o, NULL, &err) == 0) {
		look(t, o, false);
		for (size_t i = 0; i < o->origins.n; i++)
			o->origins.p[i].done |= outside_has(&o->origins.p[i]);
	} else {
		trial_not_run(t, "%s", err.msg);
	}
	outside_close(o);
}

/* Why anybody is left, who may be had in a copy; NULL: nobody is. */
static const char *find_left(struct trial *t, const struct outside *o)
{
	for (size_t i = 0; i < o->origins.n; i++)
		if (!o->origins.p[i].done && o->origins.p[i].why_not)
			return arena_printf(t->arena, "%s: %s", o->origins.p[i].who, o->origins.p[i].why_not);
	return NULL;
}

void replica_try(struct trial *t, unsigned kinds, bool floods,
				 void (*look)(struct trial *, const struct outside *, bool is_copy))
{
	struct outside o _cleanup_outside_;
	const char *why;
	struct err err;

	if (outside_choose(t, &o, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < o.origins.n; i++)
		o.origins.p[i].done = !(ORIGINS(o.origins.p[i].kind) & kinds);
	why = outside_doubt(t, &o, floods);
	if (!why) {
		try_live(t, &o, look);
		why = find_left(t, &o);
	}
	if (!why)
		return;
	trial_on_shadow(t, "%s", why);
	if (replica_open(t, &o))
		look(t, &o, true);
}
