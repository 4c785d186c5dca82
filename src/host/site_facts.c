/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_facts.h"

#include <ctype.h>

#include "base/num.h"
#include "host/glob.h"
#include "host/listening.h"
#include "host/resolv_conf.h"
#include "host/sshd_config.h"
#include "host/unitfile.h"

#define INTERFACES "/sys/class/net"

static bool is_there(struct host *host, const char *path)
{
	struct path_stat st;
	struct err ignored = {0};

	return host_stat(host, path, true, &st, &ignored) == 0;
}

/* --- sshd --------------------------------------------------------------------------------------- */

static void add_port(struct arena *a, struct site_facts *f, struct str text)
{
	uint64_t port;

	if (num_u64(text, 1, 65535, &port) < 0)
		return;
	for (size_t i = 0; i < f->ssh_ports.n; i++)
		if (f->ssh_ports.p[i] == port)
			return;
	*vec_push(a, &f->ssh_ports) = (uint16_t)port;
}

/* What stands behind "host:" or "[host]:"; absent: an address alone. */
static struct str port_of(struct str address)
{
	const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
	size_t n = colon ? (size_t)(colon - address.p) : 0;

	if (!colon || (address.p[0] != '[' && memchr(address.p, ':', n)) ||
		(address.p[0] == '[' && colon[-1] != ']'))
		return STR_ABSENT;
	return (struct str){colon + 1, address.n - n - 1};
}

static int read_sshd_config(struct host *host, struct arena *a, struct site_facts *f,
							struct err *err)
{
	struct sshd_config config = {0};
	bool bare = false, addresses = false, ports = false;
	int r = sshd_config_read(host, a, &config, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && config.gap)
		return err_set(err, EIO, "sshd's ports are not known: %s", config.gap);
	for (size_t i = 0; i < config.n; i++) {
		const struct sshd_line *line = config.directives[i].line;
		bool port = line->keyword && strcmp(line->keyword->name, "Port") == 0;

		if (!line->n_args || !line->keyword ||
			(!port && strcmp(line->keyword->name, "ListenAddress") != 0))
			continue;
		add_port(a, f, port ? line->args[0] : port_of(line->args[0]));
		ports = ports || port;
		addresses = addresses || !port;
		bare = bare || (!port && !port_of(line->args[0]).p);
	}
	if (!ports && (!addresses || bare))
		add_port(a, f, STR("22"));
	return 0;
}

/* Where systemd listens for it. */
static void read_ssh_sockets(struct host *host, struct arena *a, struct site_facts *f)
{
	const char *const names[] = {"ssh.socket", "sshd.socket", NULL};
	struct unit_files files;

	unitfiles_read(host, a, names, &files);
	for (size_t i = 0; names[i]; i++) {
		const struct unit_file *unit = unitfiles_find(&files, str_of(names[i]));
		struct unit_values values;

		if (!unitfile_starts(unit))
			continue;
		values = unitfile_values(unit, a, "Socket", "ListenStream");
		for (size_t k = 0; k < values.n; k++) {
			struct str value = values.items[k]->value, port = port_of(value);

			add_port(a, f, port.p ? port : value);
		}
	}
}

/* The one that waits for connections, rather than those that have one: they forward ports. */
static bool is_sshd(const struct proc *p)
{
	return p && (str_is(p->name, "dropbear") ||
				 (str_is(p->name, "sshd") &&
				  (!str_starts(p->cmdline, "sshd: ") || str_has(p->cmdline, "[listener]"))));
}

static int read_ssh_ports(struct host *host, struct arena *a, struct site_facts *f, struct err *err)
{
	struct listening sockets;
	int r = 0;

	if (is_there(host, "/usr/sbin/sshd")) {
		r = read_sshd_config(host, a, f, err);
		read_ssh_sockets(host, a, f);
	}
	if (r == 0)
		r = listening_read(host, a, &sockets, err);
	for (size_t i = 0; r == 0 && i < sockets.n; i++)
		if (str_is(sockets.p[i].protocol, "tcp") && is_sshd(sockets.p[i].proc))
			add_port(a, f, str_of(arena_printf(a, "%u", (unsigned)sockets.p[i].port)));
	return r;
}

/* --- interfaces --------------------------------------------------------------------------------- */

/* Whose networks lie within this host, under the names that they give them. */
static const struct engine {
	const char *programs[3];
	const char *bridges[3];
	bool served; /* by its own dnsmasq or the like, on this host */
} engines[] = {
	{{"/usr/bin/dockerd", "/usr/sbin/dockerd"}, {"docker0", "br-*"}, false},
	{{"/usr/bin/nerdctl", "/usr/local/bin/nerdctl"}, {"nerdctl*", "br-*"}, false},
	{{"/usr/bin/podman"}, {"podman*", "cni-podman*"}, true},
	{{"/usr/sbin/libvirtd", "/usr/sbin/virtnetworkd"}, {"virbr*"}, true},
	{{"/usr/bin/lxc-start"}, {"lxcbr*"}, true},
	{{"/usr/bin/incusd", "/usr/libexec/incus/incusd"}, {"incusbr*"}, true},
	{{"/snap/bin/lxd", "/usr/bin/lxd"}, {"lxdbr*"}, true},
};

static void add_bridge(struct arena *a, struct site_facts *f, struct str name, bool served)
{
	for (size_t i = 0; i < f->bridges.n; i++)
		if (str_eq(f->bridges.p[i], name))
			return;
	*vec_push(a, &f->bridges) = name;
	if (served)
		*vec_push(a, &f->served) = name;
}

/* Docker names a bridge after its network's number; "br-lan" is somebody else's. */
static bool is_dockers(struct str name)
{
	size_t digits = 0;

	if (!str_skip(&name, "br-"))
		return true;
	while (digits < name.n && isxdigit((unsigned char)name.p[digits]))
		digits++;
	return name.n == 12 && digits == 12;
}

static bool all_are_dockers(const struct host_dir *dir)
{
	for (size_t i = 0; i < dir->n; i++)
		if (!is_dockers(str_of(dir->entries[i].name)))
			return false;
	return true;
}

static void read_bridges(struct host *host, struct arena *a, const struct host_dir *dir,
						 struct site_facts *f)
{
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		const struct engine *e = &engines[i];

		if (!is_there(host, e->programs[0]) && !(e->programs[1] && is_there(host, e->programs[1])))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(e->bridges) && e->bridges[k]; k++)
			if (strcmp(e->bridges[k], "br-*") != 0 || all_are_dockers(dir))
				add_bridge(a, f, str_of(e->bridges[k]), e->served);
			else
				for (size_t n = 0; n < dir->n; n++)
					if (str_starts(str_of(dir->entries[n].name), "br-") &&
						is_dockers(str_of(dir->entries[n].name)))
						add_bridge(a, f, str_of(dir->entries[n].name), e->served);
	}
}

static bool is_bridge(const struct site_facts *f, struct arena *a, struct str name)
{
	for (size_t i = 0; i < f->bridges.n; i++)
		if (str_glob(str_dup(a, f->bridges.p[i]), name))
			return true;
	return false;
}

static bool has(struct host *host, struct arena *a, const char *interface, const char *what)
{
	return is_there(host, arena_printf(a, INTERFACES "/%s/%s", interface, what));
}

static bool is_tunnel(struct host *host, struct arena *a, const char *interface)
{
	struct str text;
	struct err ignored = {0};

	return has(host, a, interface, "tun_flags") ||
		   (host_read(host, arena_printf(a, INTERFACES "/%s/uevent", interface), a, &text,
					  &ignored) == 0 &&
			str_has(text, "DEVTYPE=wireguard"));
}

/* A port of a bridge or bond leads where that does. A tunnel may take all that goes out, but the packets
 * that carry it (wg-quick with AllowedIPs 0.0.0.0/0). */
static bool has_single_path(struct host *host, struct arena *a, const struct host_dir *dir,
							const struct site_facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < dir->n; i++) {
		const char *name = dir->entries[i].name;

		if (is_tunnel(host, a, name))
			return false;
		n += strcmp(name, "lo") != 0 && !is_bridge(f, a, str_of(name)) &&
			 !has(host, a, name, "master");
	}
	return n == 1;
}

static bool uses_dhcp(struct host *host, struct arena *a)
{
	struct procs procs;
	struct err ignored = {0};

	if (procs_read(host, a, &procs, &ignored) < 0)
		return true;
	for (size_t i = 0; i < procs.n; i++)
		if (str_is_one_of(procs.p[i].name, NAMES("dhclient", "dhcpcd", "udhcpc", "systemd-network",
												 "NetworkManager", "connmand", "wickedd")))
			return true;
	return procs.gap;
}

/* --- where it goes ------------------------------------------------------------------------------ */

static bool is_own(struct str address)
{
	return str_starts(address, "127.") || str_is(address, "::1");
}

/* A resolver on the host itself that is not systemd's stub asks whom it likes. */
static void read_resolvers(struct host *host, struct arena *a, struct site_goals *goals)
{
	struct resolv resolv = {0};
	struct err ignored = {0};
	struct str text, address;

	if (host_read(host, RESOLV_CONF, a, &text, &ignored) == 0)
		resolv_parse(a, text, &resolv);
	if (resolv_is_stub(&resolv) && host_read(host, RESOLV_UPSTREAM, a, &text, &ignored) == 0) {
		resolv.nameservers.n = 0;
		resolv_parse(a, text, &resolv);
	}
	for (size_t i = 0; i < resolv.nameservers.n; i++) {
		struct str rest = resolv.nameservers.p[i];

		(void)str_cut(&rest, '%', &address);
		if (is_own(address))
			goals->anywhere = true;
		else
			*vec_push(a, &goals->hosts) = address;
	}
	goals->anywhere = goals->anywhere || !resolv.nameservers.n;
}

static void add_host(struct arena *a, struct site_goals *goals, struct str host)
{
	host = str_lower(a, host);
	for (size_t i = 0; i < goals->hosts.n; i++)
		if (str_eq(goals->hosts.p[i], host))
			return;
	*vec_push(a, &goals->hosts) = host;
}

/* "https://[user@]host[:port]/..." without what is in front of "://". */
static struct str host_of(struct str url)
{
	struct str host = STR_ABSENT, rest;

	(void)str_cut(&url, '/', &host);
	for (rest = host; str_has_char(rest, '@');)
		(void)str_cut(&rest, '@', &(struct str){0});
	host = rest;
	if (str_skip(&rest, "["))
		(void)str_cut(&rest, ']', &host);
	else
		(void)str_cut(&rest, ':', &host);
	return host;
}

/* The hosts of all URLs outside comments: also of sources that are switched off. */
static void read_urls(struct arena *a, struct site_goals *goals, struct str text)
{
	struct str line, word, code;

	while (str_line(&text, &line)) {
		if (!str_cut(&line, '#', &code))
			continue;
		while (str_word(&code, &word)) {
			const char *at = memmem(word.p, word.n, "://", 3);
			struct str url =
				at ? (struct str){at + 3, word.n - (size_t)(at + 3 - word.p)} : STR_ABSENT;
			struct str scheme = {word.p, at ? (size_t)(at - word.p) : 0};

			if (url.n && (str_ends(scheme, "http") || str_ends(scheme, "https")))
				add_host(a, goals, host_of(url));
		}
	}
}

static void read_mirrors(struct host *host, struct arena *a, struct site_goals *goals)
{
	static const char *const patterns[] = {
		"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list",
		"/etc/apt/sources.list.d/*.sources", "/etc/apt/mirrors/*", "/etc/yum.repos.d/*.repo"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct str *files, text;
		size_t n = 0;
		struct err ignored = {0};

		(void)host_glob(host, a, str_of(patterns[i]), &files, &n, &ignored);
		for (size_t k = 0; k < n; k++)
			if (host_read(host, files[k].p, a, &text, &ignored) == 0)
				read_urls(a, goals, text);
	}
}

/* --- all ---------------------------------------------------------------------------------------- */

int site_facts_read(struct host *host, struct arena *a, struct site_facts *ret, struct err *err)
{
	struct host_dir dir = {0};
	int r;

	*ret = (struct site_facts){0};
	r = host_list(host, INTERFACES, a, &dir, err);
	if (r == 0)
		r = read_ssh_ports(host, a, ret, err);
	if (r < 0)
		return r;
	read_bridges(host, a, &dir, ret);
	ret->single_path = has_single_path(host, a, &dir, ret);
	ret->dhcp = uses_dhcp(host, a);
	read_resolvers(host, a, &ret->resolvers);
	ret->clocks.anywhere = true; /* pools of changing members are what nearly everybody asks */
	read_mirrors(host, a, &ret->mirrors);
	return 0;
}

/* --- what would be cut -------------------------------------------------------------------------- */

/* Of the configuration of a WireGuard interface, no key. */
static void listen_ports(struct str text, struct buf *out)
{
	struct str line, key;

	while (str_line(&text, &line)) {
		(void)str_cut(&line, '=', &key);
		if (str_is_nocase(str_trim(key), "ListenPort") && line.p)
			buf_printf(out, "ListenPort=%.*s\n", STR_ARG(str_trim(line)));
	}
}

static bool is_served(const struct site_file *site, uint64_t port, bool udp)
{
	for (size_t i = 0; i < site->serves.n; i++) {
		struct site_ports p = site->serves.p[i].ports;

		if (p.udp == udp && p.low <= port && port <= p.high)
			return true;
	}
	return false;
}

static const char *cut_wireguard(struct host *host, struct arena *a, const struct site_file *site,
								 const char *path)
{
	struct str text, line;
	struct err ignored = {0};
	uint64_t port;

	if (host_read_scrubbed(host, path, listen_ports, a, &text, &ignored) < 0)
		return NULL;
	while (str_line(&text, &line))
		if (str_skip(&line, "ListenPort=") && num_u64(line, 1, 65535, &port) == 0 &&
			!is_served(site, port, true))
			return arena_printf(
				a,
				"%s has WireGuard listen on %u/udp, which the site does not serve: its "
				"peers would be cut off; add {port: %u/udp, to: world} to serves",
				path, (unsigned)port, (unsigned)port);
	return NULL;
}

static const char *cut_openvpn(struct host *host, struct arena *a, const struct site_file *site)
{
	struct listening sockets;
	struct err ignored = {0};

	if (listening_read(host, a, &sockets, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < sockets.n; i++) {
		const struct socket *s = &sockets.p[i];
		bool udp = str_is(s->protocol, "udp");

		if (s->proc && str_is(s->proc->name, "openvpn") && !is_own(s->address) &&
			!is_served(site, s->port, udp))
			return arena_printf(
				a,
				"openvpn listens on %u/%s, which the site does not serve: its clients "
				"would be cut off; add {port: %u/%s, to: world} to serves",
				(unsigned)s->port, udp ? "udp" : "tcp", (unsigned)s->port, udp ? "udp" : "tcp");
	}
	return NULL;
}

const char *site_facts_cut(struct host *host, struct arena *a, const struct site_file *site)
{
	static const char *const patterns[] = {"/etc/wireguard/*.conf",
										   "/etc/systemd/network/*.netdev"};
	const char *cut = NULL;

	for (size_t i = 0; !cut && i < ARRAY_LEN(patterns); i++) {
		struct str *files;
		size_t n = 0;
		struct err ignored = {0};

		(void)host_glob(host, a, str_of(patterns[i]), &files, &n, &ignored);
		for (size_t k = 0; !cut && k < n; k++)
			cut = cut_wireguard(host, a, site, files[k].p);
	}
	return cut ? cut : cut_openvpn(host, a, site);
}
