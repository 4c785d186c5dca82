/* SPDX-License-Identifier: Apache-2.0 */
/* Containers, whatever engine made them, and what each may have of the host. */
#include "base/buf.h"
#include "host/container.h"

enum {
	NAME,
	ENGINE,
	IMAGE,
	RUNNING,
	ACTIVE,
	USER,
	ROOT_USER,
	USER_NAMESPACE,
	PRIVILEGED,
	CAPABILITIES,
	HOST_NAMESPACES,
	MOUNTS,
	HOST_WRITABLE,
	HOST_READABLE,
	ENGINE_SOCKET,
	PUBLISHED,
	PUBLIC_PORTS,
	SECCOMP,
	APPARMOR,
	NO_NEW_PRIVILEGES,
	READ_ONLY,
	MEMORY_LIMIT,
	PIDS_LIMIT,
	RESTART,
	DEVICES,
};

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Its name", COLUMN_LABEL},
	[ENGINE] = {"engine", TYPE_STRING, "docker, podman, lxc or nspawn", COLUMN_LABEL},
	[IMAGE] = {"image", TYPE_STRING, "Image that it was made of, as it was named", 0},
	[RUNNING] = {"running", TYPE_BOOL, "It runs now; of Docker, as the daemon last wrote", 0},
	[ACTIVE] = {"active", TYPE_BOOL,
				"It runs now, or the next start of the engine starts it (not known of Podman's)",
				0},
	[USER] = {"user", TYPE_STRING, "Who its program is inside: a name, or UID, or UID:GID", 0},
	[ROOT_USER] = {"root_user", TYPE_BOOL, "That is root", 0},
	[USER_NAMESPACE] = {"user_namespace", TYPE_BOOL, "Root inside is another user outside", 0},
	[PRIVILEGED] = {"privileged", TYPE_BOOL,
					"Nothing is kept from it; of LXC and nspawn: root inside is root outside", 0},
	[CAPABILITIES] = {"capabilities", TYPE_LIST,
					  "What it was given beyond what all have: SYS_ADMIN, ALL", 0},
	[HOST_NAMESPACES] = {"host_namespaces", TYPE_LIST,
						 "Namespaces that it shares with the host: pid, net, ipc, uts", 0},
	[MOUNTS] = {"mounts", TYPE_LIST, "Paths of the host that it sees: SOURCE:TARGET:rw or ro", 0},
	[HOST_WRITABLE] =
		{"host_writable", TYPE_LIST,
		 "Those that make root of who writes there: /, /etc, /usr, /root, /var/lib/docker", 0},
	[HOST_READABLE] = {"host_readable", TYPE_LIST,
					   "The same that it can only read, where secrets lie", 0},
	[ENGINE_SOCKET] = {"engine_socket", TYPE_BOOL,
					   "It sees the socket of a container engine, or the directory that it lies in",
					   0},
	[PUBLISHED] = {"published", TYPE_LIST,
				   "Ports of the host that lead to it: 0.0.0.0:8080->80/tcp", 0},
	[PUBLIC_PORTS] = {"public_ports", TYPE_LIST,
					  "Those of them that are on more than loopback: 8080/tcp", 0},
	[SECCOMP] = {"seccomp", TYPE_STRING, "default, own or unconfined", 0},
	[APPARMOR] = {"apparmor", TYPE_STRING, "Profile of AppArmor, or unconfined; absent: not said",
				  0},
	[NO_NEW_PRIVILEGES] = {"no_new_privileges", TYPE_BOOL, "Setuid programs inside give nothing",
						   0},
	[READ_ONLY] = {"read_only", TYPE_BOOL, "Its root file system cannot be written", 0},
	[MEMORY_LIMIT] = {"memory_limit", TYPE_SIZE, "Most memory that it may have; absent: no limit",
					  0},
	[PIDS_LIMIT] = {"pids_limit", TYPE_INT, "Most processes that it may have; absent: no limit", 0},
	[RESTART] = {"restart", TYPE_STRING, "no, always, unless-stopped or on-failure", 0},
	[DEVICES] = {"devices", TYPE_LIST, "Devices of the host that it was given", 0},
	{0},
};

static const int of_list[CONTAINER_LISTS] = {
	[CONTAINER_CAPABILITIES] = CAPABILITIES,
	[CONTAINER_NAMESPACES] = HOST_NAMESPACES,
	[CONTAINER_MOUNTS] = MOUNTS,
	[CONTAINER_PUBLISHED] = PUBLISHED,
	[CONTAINER_PUBLIC_PORTS] = PUBLIC_PORTS,
	[CONTAINER_DEVICES] = DEVICES,
};

/* --- what of the host is dangerous to see -------------------------------------------------------- */

/* Whoever writes here, or reads the first of them, is root. */
static const char *const powerful[] = {
	"/",
	"/etc",
	"/root",
	"/boot",
	"/usr",
	"/usr/bin",
	"/usr/sbin",
	"/usr/lib",
	"/usr/local",
	"/usr/local/bin",
	"/usr/local/sbin",
	"/bin",
	"/sbin",
	"/lib",
	"/lib64",
	"/var",
	"/var/lib",
	"/var/lib/docker",
	"/var/lib/containers",
	"/var/lib/kubelet",
	"/var/spool",
	"/var/spool/cron",
	"/etc/cron.d",
	"/etc/ssh",
	"/etc/systemd",
	"/etc/systemd/system",
	"/etc/passwd",
	"/etc/shadow",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/pam.d",
	"/root/.ssh",
	"/root/.ssh/authorized_keys",
	"/home",
	"/dev",
	"/dev/mem",
	"/proc",
	"/proc/sys",
	"/sys",
	"/sys/fs/cgroup",
	"/sys/kernel",
	"/etc/ld.so.preload",
	"/proc/sysrq-trigger",
	"/proc/sys/kernel",
	"/proc/sys/kernel/core_pattern",
	"/etc/crontab",
	NULL,
};

/* Where secrets of the host lie, for those who may only read. */
static const char *const secret[] = {
	"/",
	"/etc",
	"/root",
	"/var/lib/docker",
	"/etc/shadow",
	"/etc/ssh",
	"/root/.ssh",
	"/var/lib",
	"/var",
	"/home",
	"/dev/mem",
	"/var/lib/containers",
	"/var/lib/kubelet",
	NULL,
};

static const char *const sockets[] = {
	"/run/docker.sock",    "/run/containerd/containerd.sock", "/run/podman/podman.sock",
	"/run/crio/crio.sock", "/var/lib/lxd/unix.socket",        "/var/lib/incus/unix.socket",
};

/* "/var/run/docker.sock/" and "//run/docker.sock" name what "/run/docker.sock" does. */
static struct str plain_path(struct arena *a, struct str path)
{
	struct str part, var = STR("/var");
	_cleanup_buf_ struct buf out = BUF(8192);

	while (str_cut(&path, '/', &part))
		if (part.n && !str_is(part, ".")) {
			buf_putc(&out, '/');
			buf_str(&out, part);
		}
	path = buf_get(&out);
	if (str_is(path, "/var/run") || str_starts(path, "/var/run/"))
		path = (struct str){path.p + var.n, path.n - var.n};
	return path.n ? (struct str){str_dup(a, path), path.n} : STR("/");
}

/* The socket itself, or a directory above it. */
static bool shows_socket(struct str path)
{
	size_t n = str_is(path, "/") ? 0 : path.n;

	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		struct str socket = str_of(sockets[i]);

		if (socket.n >= n && memcmp(socket.p, path.p, n) == 0 &&
			(socket.n == n || socket.p[n] == '/'))
			return true;
	}
	return false;
}

/* A link or ".." may lead anywhere. */
static bool is_plain(struct str path)
{
	return str_starts(path, "/") && !str_has(path, "/../") && !str_ends(path, "/..");
}

static void judge_mounts(struct rows *rows, struct row *row, const struct container *c)
{
	VEC(struct str) writable = {0}, readable = {0};
	bool socket = false;

	for (size_t i = 0; i < c->lists[CONTAINER_MOUNTS].n; i++) {
		struct str rest = c->lists[CONTAINER_MOUNTS].p[i], source;
		bool can_write = str_ends(rest, ":rw");

		str_cut(&rest, ':', &source);
		if (!is_plain(source))
			rows_gap(rows, "%s: a mount whose source is not a plain path", c->file);
		source = plain_path(rows->arena, source);
		socket = socket || shows_socket(source);
		if (can_write && str_is_one_of(source, powerful))
			*vec_push(rows->arena, &writable) = source;
		else if (!can_write && str_is_one_of(source, secret))
			*vec_push(rows->arena, &readable) = source;
	}
	row_list(row, HOST_WRITABLE, writable.p, writable.n);
	row_list(row, HOST_READABLE, readable.p, readable.n);
	row_bool(row, ENGINE_SOCKET, socket);
}

/* --- rows -------------------------------------------------------------------------------------------- */

static void set_known(struct rows *rows, struct row *row, const struct container *c)
{
	row_str(row, USER, c->user);
	row_bool(row, ROOT_USER, c->root);
	row_bool(row, USER_NAMESPACE, c->user_namespace);
	row_bool(row, PRIVILEGED, c->privileged);
	for (size_t i = 0; i < CONTAINER_LISTS; i++)
		row_list(row, of_list[i], c->lists[i].p, c->lists[i].n);
	judge_mounts(rows, row, c);
	row_str(row, SECCOMP, c->seccomp);
	row_str(row, APPARMOR, c->apparmor);
	row_bool(row, NO_NEW_PRIVILEGES, c->no_new_privileges);
	row_bool(row, READ_ONLY, c->read_only);
	if (c->memory >= 0)
		row_int(row, MEMORY_LIMIT, c->memory);
	if (c->pids >= 0)
		row_int(row, PIDS_LIMIT, c->pids);
	row_str(row, RESTART, c->restart);
	if (c->why_ports) {
		row_unknown(row, PUBLISHED, c->why_ports);
		row_unknown(row, PUBLIC_PORTS, c->why_ports);
	}
}

static void add_row(struct rows *rows, const struct container *c)
{
	struct row *row = rows_add(rows, FROM(c->file, 0));

	row_str(row, NAME, c->name);
	row_strz(row, ENGINE, c->engine);
	row_str(row, IMAGE, c->image);
	row_bool(row, RUNNING, c->running);
	row_bool(row, ACTIVE, c->active);
	if (c->why_running)
		row_unknown(row, RUNNING, c->why_running);
	if (c->why_active || (c->why_running && !c->active))
		row_unknown(row, ACTIVE, c->why_active ? c->why_active : c->why_running);
	if (!c->why) {
		set_known(rows, row, c);
		return;
	}
	for (int column = USER; column <= DEVICES; column++)
		row_unknown(row, column, c->why);
}

static int read_containers(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct containers all = {.host = host, .arena = rows->arena};

	containers_docker(&all);
	containers_podman(&all);
	containers_lxc(&all);
	containers_nspawn(&all);
	for (size_t i = 0; i < all.all.n; i++)
		add_row(rows, &all.all.p[i]);
	if (all.gap)
		rows_gap(rows, "%s", all.gap);
	return 0;
}

static const struct table containers = {
	.name = "containers",
	.doc =
		"Containers of Docker, of root's Podman, LXC and systemd-nspawn, from the files in which "
		"the engines keep them; no engine is asked",
	.columns = columns,
	.read = read_containers,
	.early = started_early,
};
TABLE(containers);
