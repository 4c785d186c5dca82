/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's: config.v2.json and hostconfig.json of each, below its data root. */
#include <dirent.h>

#include "base/num.h"
#include "host/container.h"
#include "host/docker_conf.h"
#include "host/json_file.h"

struct docker {
	struct containers *all;
	bool remapped; /* root in them is not root here */
};

static struct str text(const struct docker *d, const json_t *object, const char *key)
{
	return json_file_str(object, key, d->all->arena);
}

static void set_user(const struct docker *d, struct container *c, const json_t *config,
					 const json_t *host_config)
{
	struct str user = text(d, config, "User"), name = user;

	c->user = user.n ? user : STR("root");
	if (user.n)
		str_cut(&user, ':', &name);
	c->root = !name.n || str_is(name, "0") || str_is(name, "root");
	c->user_namespace = d->remapped && !str_is(text(d, host_config, "UsernsMode"), "host");
}

static void set_namespaces(const struct docker *d, struct container *c, const json_t *host_config)
{
	static const struct {
		const char *key, *name;
	} modes[] = {
		{"PidMode", "pid"}, {"NetworkMode", "net"}, {"IpcMode", "ipc"}, {"UTSMode", "uts"}};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_is(text(d, host_config, modes[i].key), "host"))
			container_list_add(d->all, c, CONTAINER_NAMESPACES, str_of(modes[i].name));
}

/* "seccomp=unconfined", "apparmor:unconfined", "no-new-privileges:true", and JSON of a profile. */
static void set_security(const struct docker *d, struct container *c, const json_t *state,
						 const json_t *host_config)
{
	const json_t *item;
	size_t i;

	c->seccomp = STR("default");
	c->no_new_privileges = json_is_true(json_object_get(state, "NoNewPrivileges"));
	c->apparmor = text(d, state, "AppArmorProfile");
	json_array_foreach(json_object_get(host_config, "SecurityOpt"), i, item)
	{
		struct str option = str_of(json_string_value(item));

		if (str_is(option, "seccomp=unconfined") || str_is(option, "seccomp:unconfined"))
			c->seccomp = STR("unconfined");
		else if (str_starts(option, "seccomp"))
			c->seccomp = STR("own");
		if (str_is(option, "apparmor=unconfined") || str_is(option, "apparmor:unconfined"))
			c->apparmor = STR("unconfined");
	}
	if (c->privileged)
		c->seccomp = c->apparmor = STR("unconfined");
	if (!c->apparmor.n)
		c->apparmor = STR_ABSENT;
}

static void set_mounts(const struct docker *d, struct container *c, const json_t *state,
					   const json_t *host_config)
{
	const char *target;
	const json_t *item;
	json_t *mount;
	size_t i;

	json_object_foreach(json_object_get(state, "MountPoints"), target, mount)
	{
		if (str_is(text(d, mount, "Type"), "bind") || !json_object_get(mount, "Type"))
			container_add_mount(d->all, c, text(d, mount, "Source"),
								str_of(arena_strdup(d->all->arena, target)),
								json_is_true(json_object_get(mount, "RW")));
	}
	json_array_foreach(json_object_get(host_config, "Devices"), i, item)
	{
		container_list_add(d->all, c, CONTAINER_DEVICES, text(d, item, "PathOnHost"));
	}
	json_array_foreach(json_object_get(host_config, "CapAdd"), i, item)
	{
		if (json_is_string(item))
			container_add_capability(d->all, c, str_of(json_string_value(item)));
	}
}

static bool is_loopback(struct str address)
{
	return str_starts(address, "127.") || str_is(address, "::1") || str_is(address, "localhost");
}

/* Once, though it is bound for IPv4 and IPv6. */
static void add_public(const struct docker *d, struct container *c, const char *port)
{
	for (size_t i = 0; i < c->lists[CONTAINER_PUBLIC_PORTS].n; i++)
		if (str_is(c->lists[CONTAINER_PUBLIC_PORTS].p[i], port))
			return;
	container_list_add(d->all, c, CONTAINER_PUBLIC_PORTS, str_of(port));
}

/* "80/tcp": [{"HostIp": "", "HostPort": "8080"}]; a port that was left to Docker is in the state alone. */
static void set_ports(const struct docker *d, struct container *c, json_t *ports)
{
	struct arena *a = d->all->arena;
	const char *inside;
	json_t *bindings;

	json_object_foreach(ports, inside, bindings)
	{
		const char *protocol = strchr(inside, '/');
		const json_t *item;
		size_t i;

		json_array_foreach(bindings, i, item)
		{
			struct str address = text(d, item, "HostIp"), port = text(d, item, "HostPort");

			container_list_add(d->all, c, CONTAINER_PUBLISHED,
							   str_of(arena_printf(a, "%s:%s->%s", str_dup(a, address),
												   str_dup(a, port), inside)));
			if (!is_loopback(address) && port.n)
				add_public(d, c,
						   arena_printf(a, "%s%s", str_dup(a, port), protocol ? protocol : "/tcp"));
		}
	}
}

static void set_limits(struct container *c, const json_t *host_config)
{
	const json_t *memory = json_object_get(host_config, "Memory");
	const json_t *pids = json_object_get(host_config, "PidsLimit");

	if (json_integer_value(memory) > 0)
		c->memory = json_integer_value(memory);
	if (json_integer_value(pids) > 0)
		c->pids = json_integer_value(pids);
}

static void set_state(const struct docker *d, struct container *c, const json_t *state)
{
	const json_t *now = json_object_get(state, "State");
	struct str name = text(d, state, "Name");

	str_skip(&name, "/");
	c->name = name;
	c->image = text(d, json_object_get(state, "Config"), "Image");
	if (json_is_boolean(json_object_get(now, "Running")))
		c->running = json_is_true(json_object_get(now, "Running"));
	else
		c->why_running = "its state does not say";
}

/* A stopped one that was to restart always runs again when the daemon starts; one of unless-stopped,
 * when nobody stopped it. */
static void set_restart(const struct docker *d, struct container *c, const json_t *state,
						const json_t *host_config)
{
	struct str policy = text(d, json_object_get(host_config, "RestartPolicy"), "Name");

	c->restart = policy.n ? policy : STR("no");
	c->active = c->running || str_is(policy, "always") ||
				(str_is(policy, "unless-stopped") &&
				 !json_is_true(json_object_get(state, "HasBeenManuallyStopped")));
}

static void read_host_config(const struct docker *d, struct container *c, const char *dir,
							 const json_t *state)
{
	struct arena *a = d->all->arena;
	_cleanup_json_ json_t *host_config = NULL;
	struct err err = {0};

	if (json_file_read(d->all->host, arena_printf(a, "%s/hostconfig.json", dir), a, &host_config,
					   &err) < 0) {
		c->why = arena_strdup(a, err.msg);
		c->why_active = c->running ? NULL : c->why;
		c->active = c->running;
		return;
	}
	c->privileged = json_is_true(json_object_get(host_config, "Privileged"));
	c->read_only = json_is_true(json_object_get(host_config, "ReadonlyRootfs"));
	set_restart(d, c, state, host_config);
	set_user(d, c, json_object_get(state, "Config"), host_config);
	set_namespaces(d, c, host_config);
	set_security(d, c, state, host_config);
	set_mounts(d, c, state, host_config);
	set_limits(c, host_config);
	set_ports(d, c,
			  c->running ? json_object_get(json_object_get(state, "NetworkSettings"), "Ports")
						 : json_object_get(host_config, "PortBindings"));
}

static void read_one(const struct docker *d, const char *dir)
{
	struct arena *a = d->all->arena;
	const char *file = arena_printf(a, "%s/config.v2.json", dir);
	_cleanup_json_ json_t *state = NULL;
	struct container *c;
	struct err err = {0};
	int r = json_file_read(d->all->host, file, a, &state, &err);

	if (r == -ENOENT) /* what is left when one was being made or removed */
		return;
	if (r < 0) {
		containers_gap(d->all, err.msg);
		return;
	}
	c = container_add(d->all, "docker", file);
	if (!c)
		return;
	set_state(d, c, state);
	read_host_config(d, c, dir, state);
}

static void read_all(const struct docker *d, const char *root)
{
	struct arena *a = d->all->arena;
	const char *dir = arena_printf(a, "%s/containers", root);
	struct host_dir list;
	struct err err = {0};
	int r = host_list(d->all->host, dir, a, &list, &err);

	if (r == -ENOENT || r == -ENOTDIR)
		return;
	if (r < 0 || list.more) {
		containers_gap(d->all, r < 0 ? err.msg : "too many directories of containers");
		return;
	}
	for (size_t i = 0; i < list.n && d->all->all.n < CONTAINERS_MAX; i++)
		read_one(d, arena_printf(a, "%s/%s", dir, list.entries[i].name));
	if (d->all->all.n >= CONTAINERS_MAX)
		containers_gap(d->all, "over 4096 containers");
}

/* With userns-remap everything lies one level deeper, in a directory named after the ids: 100000.100000. */
static bool is_remapped_root(const char *name)
{
	struct str rest = str_of(name), uid;
	uint64_t number;

	return str_cut(&rest, '.', &uid) && rest.p && num_u64(uid, 0, UINT32_MAX, &number) == 0 &&
		   num_u64(rest, 0, UINT32_MAX, &number) == 0;
}

void containers_docker(struct containers *all)
{
	struct docker d = {.all = all};
	struct docker_conf conf;
	const struct docker_setting *setting;
	const char *root = "/var/lib/docker";
	struct host_dir list;
	struct err err = {0};
	int r;

	docker_conf_read(all->host, all->arena, &conf);
	setting = docker_conf_get(&conf, "data-root");
	if (setting)
		root = str_dup(all->arena, setting->value);
	if (conf.gap)
		containers_gap(all, conf.gap);
	read_all(&d, root);
	r = host_list(all->host, root, all->arena, &list, &err);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		containers_gap(all, err.msg);
	d.remapped = true;
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (is_remapped_root(list.entries[i].name))
			read_all(&d, arena_printf(all->arena, "%s/%s", root, list.entries[i].name));
}
