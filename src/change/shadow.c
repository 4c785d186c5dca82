/* SPDX-License-Identifier: Apache-2.0 */
#include "change/shadow.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "change/login.h"
#include "change/netns.h"
#include "change/nft.h"
#include "host/site_ruleset.h"

#define SSHD "/usr/sbin/sshd"
#define NOBODY "192.0.2.1" /* RFC 5737 */
#define WAIT_MS 1500 /* a first packet that was lost on the way is sent again after a second */

/* A connection: from whom, to where, and by which interface. */
struct session_path {
	const char *peer, *local, *port;
	char interface[IFNAMSIZ];
	struct sockaddr_storage from, to;
};

/* --- which one ------------------------------------------------------------------------------------ */

static bool is_up(const struct ifaddrs *i)
{
	return i->ifa_addr && i->ifa_flags & IFF_UP;
}

static const char *address_of(const struct ifaddrs *i, char text[NI_MAXHOST])
{
	socklen_t n = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
													: sizeof(struct sockaddr_in6);

	if ((i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6) ||
		getnameinfo(i->ifa_addr, n, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
		return "";
	return text;
}

/* Labels such as eth0:1 are names of addresses. */
static void take_interface(struct session_path *s, const struct ifaddrs *i)
{
	snprintf(s->interface, sizeof(s->interface), "%.*s", (int)strcspn(i->ifa_name, ":"),
			 i->ifa_name);
}

/* The interface that has the session's address; from a console, the first that leads anywhere. */
static int find_interface(struct session_path *s, struct arena *a, struct err *err)
{
	struct ifaddrs *all = NULL;
	char text[NI_MAXHOST];

	if (getifaddrs(&all) < 0)
		return err_errno(err, errno, "the interfaces cannot be listed");
	for (const struct ifaddrs *i = all; i && !s->interface[0]; i = i->ifa_next) {
		const char *address = is_up(i) ? address_of(i, text) : "";

		if (s->local && strcmp(address, s->local) == 0)
			take_interface(s, i);
		if (!s->local && *address && i->ifa_addr->sa_family == AF_INET &&
			!(i->ifa_flags & IFF_LOOPBACK)) {
			take_interface(s, i);
			s->local = arena_strdup(a, address);
		}
	}
	freeifaddrs(all);
	if (s->interface[0] || !s->local)
		return 0;
	return err_set(
		err, EADDRNOTAVAIL,
		"no interface has the address %s that this session came in by, so that it cannot be "
		"tried whether new rules admit it",
		s->local);
}

static int parse_address(const char *address, const char *port, struct sockaddr_storage *ret,
						 struct err *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
								   .ai_socktype = SOCK_STREAM};
	struct addrinfo *to = NULL;
	/* The zone of a link-local address is that of the host's interface. */
	char bare[NI_MAXHOST];

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(address, "%"), address);
	if (getaddrinfo(bare, port, &hints, &to) != 0)
		return err_set(err, EINVAL, "%s port %s is no address to try", address, port);
	memcpy(ret, to->ai_addr, to->ai_addrlen);
	freeaddrinfo(to);
	return 0;
}

/* Where the session comes from; *ret_none says why there is nothing to try. */
static int find_session(const struct place *place, struct arena *a, struct session_path *s,
						const char **ret_none, struct err *err)
{
	struct login *l = arena_new(a, struct login, 1);
	struct path_stat st;
	struct str text;
	int r;

	l->place = place;
	l->arena = a;
	l->peer = NOBODY;
	*s = (struct session_path){.peer = NOBODY};
	if (path_stat(place->root_fd, SSHD, true, &st) < 0) {
		*ret_none = "there is no sshd here that new rules could keep anybody from";
		return 0;
	}
	r = session_of_self(&l->session, err);
	if (r == 0 && l->session.peer[0] && l->session.local[0] && l->session.port[0]) {
		s->peer = l->session.peer;
		s->local = l->session.local;
		s->port = l->session.port;
	} else if (r == 0) {
		r = login_ask_sshd(l, "root", &text, err);
		s->port = r == 0 ? str_dup(a, login_setting(text, "port")) : NULL;
	}
	if (r == 0)
		r = find_interface(s, a, err);
	if (r == 0 && !s->local)
		*ret_none = "no interface leads anywhere, so that new rules keep nobody from sshd";
	if (r < 0 || !s->local)
		return r;
	r = parse_address(s->peer, s->port, &s->from, err);
	return r < 0 ? r : parse_address(s->local, s->port, &s->to, err);
}

/* --- trying --------------------------------------------------------------------------------------- */

struct shadow {
	int here, there; /* namespaces of the host and of the peer; the same for a session over lo */
	int listener;
};

static socklen_t size_of(const struct sockaddr_storage *s)
{
	return s->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void shadow_done(struct shadow *s)
{
	close_fd(&s->listener);
	if (s->there != s->here)
		close_fd(&s->there);
	close_fd(&s->here);
}

static int wire_up(struct shadow *w, const struct session_path *s)
{
	int r;

	if (strcmp(s->interface, "lo") == 0) {
		w->there = w->here;
		return netns_set_up(w->here, "lo", &s->to, NULL);
	}
	r = netns_wire(w->here, s->interface, w->there, "peer");
	if (r == 0)
		r = netns_set_up(w->here, s->interface, &s->to, &s->from);
	return r < 0 ? r : netns_set_up(w->there, "peer", &s->from, &s->to);
}

static void set_zone(struct sockaddr_storage *s, int fd, const char *interface)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)s;
	struct ifreq name = {0};

	if (s->ss_family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr))
		return;
	snprintf(name.ifr_name, sizeof(name.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFINDEX, &name) == 0)
		six->sin6_scope_id = (uint32_t)name.ifr_ifindex;
}

static int listen_here(struct shadow *w, const struct session_path *s)
{
	struct sockaddr_storage to = s->to;

	w->listener = netns_socket(w->here, to.ss_family, SOCK_STREAM, 0);
	if (w->listener < 0)
		return w->listener;
	set_zone(&to, w->listener, s->interface);
	return bind(w->listener, (struct sockaddr *)&to, size_of(&to)) < 0 || listen(w->listener, 4) < 0
			   ? -errno
			   : 0;
}

/* One connection as the peer opens it: its first packet, the answer, and the third. */
static int connect_there(const struct shadow *w, const struct session_path *s)
{
	_cleanup_close_ int fd =
		netns_socket(w->there, s->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage from = s->from, to = s->to;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	const char *interface = w->there == w->here ? s->interface : "peer";
	int failed = 0;

	if (fd < 0)
		return fd;
	set_zone(&from, fd, interface);
	set_zone(&to, fd, interface);
	memset(from.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&from)->sin_port
									 : (void *)&((struct sockaddr_in6 *)&from)->sin6_port,
		   0, sizeof(in_port_t));
	if (bind(fd, (struct sockaddr *)&from, size_of(&from)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, size_of(&to)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&p, 1, WAIT_MS) != 1)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof(failed)}) < 0
			   ? -errno
			   : -failed;
}

/* The connection, where only the table is loaded; absent: no table is. Each time in new namespaces, so
 * that nothing is remembered of the neighbour. *ret_connected: 0 or the reason. */
static int try_with(const struct session_path *s, const char *table, struct str text,
					int *ret_connected, struct err *err)
{
	struct shadow w = {.here = netns_new(err), .there = -1, .listener = -1};
	int r = w.here;

	if (r >= 0 && strcmp(s->interface, "lo") != 0)
		r = w.there = netns_new(err);
	if (r >= 0 && text.p)
		r = nft_load(w.here, table, text, err);
	if (r >= 0) {
		r = wire_up(&w, s);
		if (r == 0)
			r = listen_here(&w, s);
		if (r < 0)
			err_errno(err, -r, "%s", s->interface);
	}
	if (r == 0)
		*ret_connected = connect_there(&w, s);
	shadow_done(&w);
	return r < 0 ? r : 0;
}

/* Without a table the connection has to come about, or trying would show nothing. */
static int try_control(const struct session_path *s, struct err *err)
{
	int connected = 0, r = try_with(s, NULL, STR_ABSENT, &connected, err);

	if (r == 0 && connected < 0)
		r = err_errno(err, -connected, "%s", s->interface);
	return r < 0 ? err_context(
					   err,
					   "a connection from %s to %s port %s cannot be tried in private, so it is "
					   "not known whether new rules admit it",
					   s->peer, s->local, s->port)
				 : 0;
}

static int try_table(const struct session_path *s, const struct step *step, struct err *err)
{
	struct str text = state_get(&step->after, "ruleset"), who = site_ruleset_admins(text);
	int connected = 0;
	int r = try_with(s, step->target, text, &connected, err);

	if (r < 0 || connected == 0)
		return r;
	return err_set(err, EPERM,
				   "the table %s would not admit %s to port %s, where this session comes from%s%.*s",
				   step->target, s->peer, s->port, who.p ? "; who may is said by " : "", STR_ARG(who));
}

/* Is it a table that is loaded, rather than one that goes? */
static bool is_table(const struct step *s)
{
	return strcmp(s->type->name, "nft") == 0 && state_get(&s->after, "ruleset").p;
}

int shadow_check(const struct place *place, const struct plan *plan, struct arena *a,
				 const char **evidence, struct err *err)
{
	struct session_path session = {0};
	const char *none = NULL;
	int r = 0;

	*evidence = NULL;
	for (size_t i = 0; r == 0 && i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.p[i];
		struct str ignored;

		if (!is_table(s))
			continue;
		r = nft_word(s->target, state_get(&s->after, "ruleset"), a, &ignored, err);
		if (r == 0 && !session.peer) {
			r = find_session(place, a, &session, &none, err);
			if (r == 0 && !none)
				r = try_control(&session, err);
		}
		if (r == 0 && !none)
			r = try_table(&session, s, err);
		*evidence = none ? none
						 : arena_printf(a, "%s reaches port %s through the new rules (tried)",
										session.peer, session.port);
	}
	return r;
}
