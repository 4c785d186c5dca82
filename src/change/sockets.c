/* SPDX-License-Identifier: Apache-2.0 */
#include "change/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/netlink.h"

#define MAX_TABLE ((size_t)64 << 20)
#define MAX_ENTRIES ((size_t)65536) /* processes, and descriptors of one */
#define UNIX_LISTEN 10              /* include/net/tcp_states.h */

/* --- what the kernel lists ------------------------------------------------------------------------- */

/* The address is in words of 32 bits, each in the machine's own order. */
static bool parse_address(struct str hex, struct bound_socket *ret)
{
	uint64_t word;

	if (hex.n != 8 && hex.n != 32)
		return false;
	ret->family = hex.n == 8 ? AF_INET : AF_INET6;
	for (size_t i = 0; i < hex.n / 8; i++) {
		uint32_t part;

		if (num_hex((struct str){hex.p + 8 * i, 8}, UINT32_MAX, &word) < 0)
			return false;
		part = (uint32_t)word;
		memcpy(ret->address + 4 * i, &part, 4);
	}
	return true;
}

/* "SL LOCAL REMOTE STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE ...", see proc(5). */
static void take_line(struct arena *a, enum socket_kind kind, struct str line, struct sockets *ret)
{
	const char *wanted = kind == SOCKET_TCP ? "0A" : "07";
	struct bound_socket s = {.kind = kind};
	struct str words[10], address;
	char text[INET6_ADDRSTRLEN];
	uint64_t port;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_word(&line, &words[i]))
			return;
	if (!str_is(words[3], wanted) || !str_cut(&words[1], ':', &address) ||
		!parse_address(address, &s) || num_hex(words[1], 65535, &port) < 0 || !port ||
		num_u64(words[9], 0, UINT64_MAX, &s.inode) < 0 ||
		!inet_ntop(s.family, s.address, text, sizeof(text)))
		return;
	s.port = (uint16_t)port;
	s.name = arena_printf(a, s.family == AF_INET ? "%s:%u" : "[%s]:%u", text, s.port);
	*vec_push(a, ret) = s;
}

static void read_table(const struct place *place, const char *path, enum socket_kind kind,
					   struct arena *a, struct sockets *ret)
{
	struct str text, line;

	if (path_read(place->root_fd, path, MAX_TABLE, a, &text) < 0)
		return;
	while (str_line(&text, &line))
		take_line(a, kind, line, ret);
}

void sockets_read_tcp(const struct place *place, struct arena *a, struct sockets *ret)
{
	read_table(place, "/proc/self/net/tcp", SOCKET_TCP, a, ret);
	read_table(place, "/proc/self/net/tcp6", SOCKET_TCP, a, ret);
}

struct taking {
	struct arena *arena;
	struct sockets *sockets;
};

static bool take_unix(void *arg, unsigned type, struct str body)
{
	struct taking *t = arg;
	struct unix_diag_msg msg;
	struct str name;

	if (type != SOCK_DIAG_BY_FAMILY || body.n < sizeof(msg))
		return true;
	memcpy(&msg, body.p, sizeof(msg));
	name = netlink_attribute(body, sizeof(msg), UNIX_DIAG_NAME);
	if (!name.n || name.p[0] != '/' ||
		(msg.udiag_type != SOCK_DGRAM && msg.udiag_state != UNIX_LISTEN))
		return true;
	if (name.p[name.n - 1] == '\0')
		name.n--;
	*vec_push(t->arena, t->sockets) = (struct bound_socket){.kind = SOCKET_UNIX,
															.name = str_dup(t->arena, name),
															.family = AF_UNIX,
															.inode = msg.udiag_ino};
	return true;
}

/* Not from /proc/net/unix, where a line end in a path makes a line of its own. */
static void read_unix(struct arena *a, struct sockets *ret)
{
	const struct unix_diag_req request = {
		.sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX, .udiag_show = UDIAG_SHOW_NAME};
	struct taking taking = {a, ret};

	(void)netlink_dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), take_unix,
					   &taking);
}

/* --- who holds them -------------------------------------------------------------------------------- */

static bool is_unit(struct str name)
{
	return str_ends(name, ".service") || str_ends(name, ".scope") || str_ends(name, ".socket");
}

/* The unit is the first component that is no slice; a leading '_' is systemd's escape. */
static void find_unit(const struct place *place, struct arena *a, struct bound_socket *s)
{
	struct str text, line, path = STR_ABSENT, component, controllers;

	if (path_read(place->root_fd, arena_printf(a, "/proc/%d/cgroup", s->pid), 65536, a, &text) < 0)
		return;
	while (str_line(&text, &line))
		if (str_cut(&line, ':', &component) && str_cut(&line, ':', &controllers) && line.n > 1 &&
			(!controllers.n || str_is(controllers, "name=systemd")))
			path = line;
	s->of_user = path.p && str_starts(path, "/user.slice/");
	while (str_cut(&path, '/', &component)) {
		(void)str_skip(&component, "_");
		if (component.n && !str_ends(component, ".slice")) {
			s->unit = is_unit(component) ? str_dup(a, component) : NULL;
			break;
		}
	}
}

static void describe_holder(const struct place *place, struct arena *a, struct bound_socket *s)
{
	const char *path = arena_printf(a, "/proc/%d/comm", s->pid);
	struct str text;

	if (path_read(place->root_fd, path, 64, a, &text) == 0)
		s->process = str_dup(a, str_trim(text));
	find_unit(place, a, s);
}

static int by_inode(const void *a, const void *b)
{
	const struct bound_socket *x = *(const struct bound_socket *const *)a;
	const struct bound_socket *y = *(const struct bound_socket *const *)b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

struct holding {
	struct bound_socket **by_inode;
	size_t n;
};

static void take_holder(const struct holding *h, uint64_t inode, int pid)
{
	struct bound_socket key = {.inode = inode}, *pointer = &key;
	struct bound_socket **found =
		bsearch(&pointer, h->by_inode, h->n, sizeof(*h->by_inode), by_inode);

	/* Of several the first, which is likely to be their parent; systemd only passes sockets on. */
	if (found && ((*found)->pid <= 1 || (pid != 1 && pid < (*found)->pid)))
		(*found)->pid = pid;
}

static void look_at_process(const struct place *place, const struct holding *h, int pid)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = arena_printf(&a, "/proc/%d/fd", pid);
	_cleanup_close_ int dir = path_open(place->root_fd, path, O_RDONLY | O_DIRECTORY);
	struct path_entry *entries;
	size_t n;
	bool more;

	if (dir < 0 || path_list(place->root_fd, path, MAX_ENTRIES, &a, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		char target[64];
		ssize_t length = readlinkat(dir, entries[i].name, target, sizeof(target));
		struct str number = {target, length > 0 ? (size_t)length : 0};
		uint64_t inode;

		if (str_skip(&number, "socket:[") && str_ends(number, "]") &&
			num_u64((struct str){number.p, number.n - 1}, 1, UINT64_MAX, &inode) == 0)
			take_holder(h, inode, pid);
	}
}

static void find_holders(const struct place *place, struct arena *a, struct sockets *sockets)
{
	struct holding h = {arena_new(a, struct bound_socket *, sockets->n + 1), sockets->n};
	struct path_entry *entries;
	size_t n;
	bool more;
	uint64_t pid;

	for (size_t i = 0; i < sockets->n; i++)
		h.by_inode[i] = &sockets->p[i];
	qsort(h.by_inode, h.n, sizeof(*h.by_inode), by_inode);
	if (path_list(place->root_fd, "/proc", MAX_ENTRIES * 64, a, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (num_u64(str_of(entries[i].name), 1, INT32_MAX, &pid) == 0)
			look_at_process(place, &h, (int)pid);
	for (size_t i = 0; i < sockets->n; i++)
		if (sockets->p[i].pid)
			describe_holder(place, a, &sockets->p[i]);
}

void sockets_read(const struct place *place, struct arena *a, struct sockets *ret)
{
	sockets_read_tcp(place, a, ret);
	read_table(place, "/proc/self/net/udp", SOCKET_UDP, a, ret);
	read_table(place, "/proc/self/net/udp6", SOCKET_UDP, a, ret);
	read_unix(a, ret);
	find_holders(place, a, ret);
}

const struct bound_socket *sockets_find(const struct sockets *sockets, enum socket_kind kind,
										const char *name)
{
	for (size_t i = 0; i < sockets->n; i++)
		if (sockets->p[i].kind == kind && strcmp(sockets->p[i].name, name) == 0)
			return &sockets->p[i];
	return NULL;
}
