/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/path.h"
#include "base/vec.h"
#include "change/netns.h"
#include "prove/reached.h"
#include "prove/ruleset.h"

#define MAX_SOCKETS 800 /* descriptors; a process may have 1024 */
#define LOOK_MS 2500    /* what one look may take, with all patience */

/* Packets are passed on where the host passes them on, and leave for whom they would leave for there. */
static int pass_on(struct trial *t, const struct outside *o, struct err *err)
{
	static const char *const switches[] = {"/proc/sys/net/ipv4/ip_forward",
										   "/proc/sys/net/ipv6/conf/all/forwarding"};
	struct str text;

	for (size_t i = 0; o->rules->passes_to.n && i < ARRAY_LEN(switches); i++) {
		int r = path_read(t->place.root_fd, switches[i], 16, t->arena, &text);

		if (r == 0)
			r = netns_write(o->host_ns, switches[i], text);
		if (r < 0 && r != -ENOENT)
			return err_errno(err, -r, "%s", switches[i]);
	}
	for (size_t i = 0; i < o->rules->passes_to.n; i++) {
		const struct site_network *to = &o->rules->passes_to.p[i];
		int r = outside_lead(o, to);

		if (r < 0 && r != -EEXIST)
			return err_errno(err, -r, "no way to %.*s", STR_ARG(to->text));
	}
	return 0;
}

/* Of the origins and targets that outside_choose() has chosen; outside_close() takes it down. False where
 * it cannot be, which has been said by trial_not_run(). */
static bool replica_open(struct trial *t, struct outside *o)
{
	struct err err;
	int r = outside_read_rules(t, o, &err);

	if (r == 0)
		r = outside_copy(t, o, &err);
	if (r == 0)
		r = pass_on(t, o, &err);
	if (r == 0)
		r = ruleset_load(t, o->rules, o->host_ns, &err);
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
	if (o.networks_left_out && kinds & ~(ORIGINS(ORIGIN_OUTSIDER) | ORIGINS(ORIGIN_NEIGHBOUR)))
		trial_not_run(t, "%zu networks of the site are too many, and were left out",
					  o.networks_left_out);
	if (kinds & ORIGINS(ORIGIN_REACHED))
		reached_add(t, &o);
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

/* --- each address ------------------------------------------------------------------------------------- */

/* Is the time over? That is said once, for all that would have come. */
static bool is_late(struct trial *t, const struct origin *from, const struct target *to)
{
	if (trial_ms_left(t) >= LOOK_MS)
		return false;
	trial_not_run(t, "%s at %s, and what was to come after it: there is no time left for it",
				  from->who, to->text);
	return true;
}

void replica_each(struct trial *t, const struct outside *o, bool is_copy,
				  void (*look)(void *data, const struct origin *, const struct target *),
				  void *data)
{
	const struct copied_socket *sockets;

	if (is_copy)
		(void)replica_listen(t, o, &sockets);
	if (is_copy && o->rules->passes_nowhere_known)
		trial_not_run(t, "rules pass ports on, and do not say to which addresses");
	if (o->left_out)
		trial_not_run(t, "%zu addresses of this host are too many, and were left out", o->left_out);
	for (int further = 0; further < 2; further++)
		for (size_t n = 0; n < o->origins.n * o->targets.n; n++) {
			const struct origin *from = &o->origins.p[n / o->targets.n];
			const struct target *to = &o->targets.p[n % o->targets.n];

			if (to->family != from->family || to->is_main == (bool)further || !outside_has(from))
				continue;
			if (is_late(t, from, to))
				return;
			if (!further || outside_takes(o, from, to))
				look(data, from, to);
			else
				trial_not_run(t, "%s at %s: the kernel does not take what comes from there",
							  from->who, to->text);
		}
}
