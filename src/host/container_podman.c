/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root's containers of Podman and of what else keeps them in containers/storage: the list of each
 * storage driver, and for each the specification that its runtime was started with. Published ports
 * and restart policies are in Podman's database alone, and not known here.
 */
#include "base/num.h"
#include "host/conf.h"
#include "host/container.h"
#include "host/glob.h"
#include "host/json_file.h"

#define STORAGE_CONF "/etc/containers/storage.conf"

static const char never_started[] = "it was never started";

struct podman {
	struct containers *all;
	struct str driver; /* overlay-containers, with the storage's path before it */
};

/* What Podman gives to every container; the last three until version 4. */
static bool is_given(struct str capability)
{

	str_skip(&capability, "CAP_");
	return str_is_one_of(capability,
						 NAMES("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL",
							   "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
							   "SYS_CHROOT", "NET_RAW", "AUDIT_WRITE", "MKNOD"));
}

static const json_t *member(const json_t *object, const char *a, const char *b)
{
	return json_object_get(json_object_get(object, a), b);
}

static void set_process(struct podman *p, struct container *c, const json_t *spec)
{
	const json_t *process = json_object_get(spec, "process"), *item;
	json_int_t uid = json_integer_value(member(process, "user", "uid"));
	size_t i;

	c->user = str_of(arena_printf(p->all->arena, "%lld", (long long)uid));
	c->root = uid == 0;
	c->no_new_privileges = json_is_true(json_object_get(process, "noNewPrivileges"));
	c->apparmor = json_file_str(process, "apparmorProfile", p->all->arena);
	c->privileged = str_is(json_file_str(json_object_get(spec, "annotations"),
										 "io.podman.annotations.privileged", p->all->arena),
						   "TRUE");
	json_array_foreach(member(process, "capabilities", "bounding"), i, item)
	{
		struct str name = str_of(json_string_value(item));

		if (!c->privileged && name.n && !is_given(name))
			container_add_capability(p->all, c, name);
	}
}

/* A namespace that the specification does not have made is the host's. */
static void set_namespaces(struct podman *p, struct container *c, const json_t *spec)
{
	static const char *const types[][2] = {
		{"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}, {"user", NULL}};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const json_t *item;
		bool own = false;
		size_t k;

		json_array_foreach(member(spec, "linux", "namespaces"), k, item)
		{
			if (str_is(json_file_str(item, "type", p->all->arena), types[i][0]))
				own = true;
		}
		if (!types[i][1])
			c->user_namespace = own;
		else if (!own)
			container_list_add(p->all, c, CONTAINER_NAMESPACES, str_of(types[i][1]));
	}
}

/* Podman's own files for the container (hosts, resolv.conf, shm) lie in its directories; with --ipc=host
 * it adds the host's /dev/shm. */
static bool is_engines_own(struct str source)
{
	return str_is(source, "/dev/shm") ||
		   (str_has(source, "-containers/") && str_has(source, "/userdata"));
}

static void set_mounts(struct podman *p, struct container *c, const json_t *spec)
{
	struct arena *a = p->all->arena;
	const json_t *item, *option;
	size_t i, k;

	json_array_foreach(json_object_get(spec, "mounts"), i, item)
	{
		struct str source = json_file_str(item, "source", a);
		bool writable = true;

		if (!str_starts(source, "/") || is_engines_own(source))
			continue;
		json_array_foreach(json_object_get(item, "options"), k, option)
		{
			if (json_is_string(option) && str_is(str_of(json_string_value(option)), "ro"))
				writable = false;
		}
		container_add_mount(p->all, c, source, json_file_str(item, "destination", a), writable);
	}
	json_array_foreach(member(spec, "linux", "devices"), i, item)
	{
		container_list_add(p->all, c, CONTAINER_DEVICES, json_file_str(item, "path", a));
	}
}

static void set_limits(struct container *c, const json_t *spec)
{
	const json_t *resources = member(spec, "linux", "resources");
	const json_t *memory = member(resources, "memory", "limit");
	const json_t *pids = member(resources, "pids", "limit");

	if (json_integer_value(memory) > 0)
		c->memory = json_integer_value(memory);
	if (json_integer_value(pids) > 0)
		c->pids = json_integer_value(pids);
	c->seccomp =
		str_of(json_is_object(member(spec, "linux", "seccomp")) ? "default" : "unconfined");
	c->read_only = json_is_true(member(spec, "root", "readonly"));
	if (!c->apparmor.n)
		c->apparmor = c->privileged ? STR("unconfined") : STR_ABSENT;
	c->why_ports = "Podman keeps them in its database";
}

static void read_spec(struct podman *p, struct container *c, struct str id)
{
	struct arena *a = p->all->arena;
	_cleanup_json_ json_t *spec = NULL;
	struct err err = {0};
	const char *path =
		arena_printf(a, "%.*s/%.*s/userdata/config.json", STR_ARG(p->driver), STR_ARG(id));
	int r = json_file_read(p->all->host, path, a, &spec, &err);

	if (r < 0) {
		c->why = r == -ENOENT ? never_started : arena_strdup(a, err.msg);
		return;
	}
	c->file = path;
	set_process(p, c, spec);
	set_namespaces(p, c, spec);
	set_mounts(p, c, spec);
	set_limits(c, spec);
}

/* While it runs there is a file with the number of its process. */
static void set_running(struct podman *p, struct container *c, struct str id)
{
	struct arena *a = p->all->arena;
	struct str driver = p->driver, part, text;
	struct path_stat st;
	struct err err = {0};
	uint64_t pid;
	int r;

	if (c->why == never_started)
		return;
	if (!host_is_live(p->all->host)) {
		c->why_running = "offline";
		return;
	}
	while (str_cut(&driver, '/', &part))
		continue;
	r = host_read(p->all->host,
				  arena_printf(a, "/run/containers/storage/%.*s/%.*s/userdata/pidfile",
							   STR_ARG(part), STR_ARG(id)),
				  a, &text, &err);
	if (r < 0 && r != -ENOENT)
		c->why_running = arena_strdup(a, err.msg);
	else if (r == 0 && num_u64(str_trim(text), 1, INT32_MAX, &pid) == 0)
		c->running = host_stat(p->all->host, arena_printf(a, "/proc/%u", (unsigned)pid), true, &st,
							   &err) != -ENOENT;
	c->active = c->running;
}

static bool is_id(struct str id)
{
	return id.n && id.n <= 128 && !str_has_char(id, '/') && id.p[0] != '.';
}

/* metadata is JSON in a string: {"image-name": "docker.io/library/nginx:1", ...} */
static struct str image_of(struct podman *p, const json_t *entry)
{
	struct str metadata = json_file_str(entry, "metadata", p->all->arena);
	_cleanup_json_ json_t *json = metadata.p ? json_loadb(metadata.p, metadata.n, 0, NULL) : NULL;

	return json_file_str(json, "image-name", p->all->arena);
}

static void read_entry(struct podman *p, const char *file, const json_t *entry)
{
	struct arena *a = p->all->arena;
	const json_t *name = json_array_get(json_object_get(entry, "names"), 0);
	struct str id = json_file_str(entry, "id", a);
	struct container *c;

	if (!is_id(id)) {
		containers_gap(p->all, "a container of Podman's has no id that could be one");
		return;
	}
	c = container_add(p->all, "podman", file);
	if (!c)
		return;
	c->name = json_is_string(name) ? str_of(arena_strdup(a, json_string_value(name))) : id;
	c->image = image_of(p, entry);
	read_spec(p, c, id);
	set_running(p, c, id);
}

static void read_list(struct containers *all, struct str path)
{
	struct podman p = {.all = all, .driver = path};
	_cleanup_json_ json_t *list = NULL;
	const json_t *entry;
	struct err err = {0};
	size_t i;

	if (json_file_read(all->host, str_dup(all->arena, path), all->arena, &list, &err) < 0) {
		containers_gap(all, err.msg);
		return;
	}
	while (p.driver.n && p.driver.p[p.driver.n - 1] != '/')
		p.driver.n--;
	p.driver.n -= p.driver.n > 0;
	json_array_foreach(list, i, entry)
	{
		read_entry(&p, str_dup(all->arena, path), entry);
	}
}

static struct str storage_root(struct containers *all)
{
	struct conf conf = {0};
	const struct conf_item *item;
	struct err err = {0};
	struct str value;
	int r = conf_read(all->host, all->arena, STORAGE_CONF, CONF_INI, &conf, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		containers_gap(all, err.msg);
	item = conf_last(&conf, "storage", "graphroot");
	value = item ? item->value : STR("");
	if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"')
		return STR("/var/lib/containers/storage");
	return (struct str){value.p + 1, value.n - 2};
}

void containers_podman(struct containers *all)
{
	struct str root = storage_root(all), *paths;
	struct err err = {0};
	size_t n;
	int r;

	if (str_is_glob(root)) {
		containers_gap(all, STORAGE_CONF ": a path of a kind that is not looked at");
		return;
	}
	r = host_glob(
		all->host, all->arena,
		str_of(arena_printf(all->arena, "%.*s/*-containers/*containers.json", STR_ARG(root))),
		&paths, &n, &err);
	if (r < 0)
		containers_gap(all, err.msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_list(all, paths[i]);
}
