/* SPDX-License-Identifier: Apache-2.0 */
/* Those of systemd-nspawn that have settings: systemd.nspawn(5). */
#include "host/conf.h"
#include "host/container.h"
#include "host/unitfile.h"

static bool is_no(struct str value)
{
	return value.n && !unitfile_true(value) &&
		   (str_is_nocase(value, "no") || str_is_nocase(value, "false") ||
			str_is_nocase(value, "off") || str_is(value, "0"));
}

/* Bind=SOURCE[:TARGET[:OPTIONS]] */
static void add_bind(struct containers *all, struct container *c, struct str value, bool writable)
{
	struct str source, target;

	str_skip(&value, "+");
	str_skip(&value, "-");
	if (!str_cut(&value, ':', &source))
		return;
	if (!str_cut(&value, ':', &target) || !target.n)
		target = source;
	container_add_mount(all, c, source, target, writable);
}

/* Port=[tcp:]8080[:80], which is opened on all addresses but loopback. */
static void add_port(struct containers *all, struct container *c, struct str value)
{
	struct str port, protocol = STR("tcp");

	if (str_starts(value, "tcp:") || str_starts(value, "udp:"))
		str_cut(&value, ':', &protocol);
	if (!str_cut(&value, ':', &port) || !port.n)
		return;
	port = str_of(arena_printf(all->arena, "%.*s/%.*s", STR_ARG(port), STR_ARG(protocol)));
	container_list_add(all, c, CONTAINER_PUBLISHED, port);
	container_list_add(all, c, CONTAINER_PUBLIC_PORTS, port);
}

static void read_item(struct containers *all, struct container *c, const struct conf_item *item)
{
	struct str word, value = item->value;

	if (str_is(item->key, "PrivateUsers"))
		c->user_namespace = value.n && !is_no(value) && !str_is(value, "identity");
	else if (str_is(item->key, "Capability"))
		while (str_word(&value, &word))
			container_add_capability(all, c, word);
	else if (str_is(item->key, "Bind"))
		add_bind(all, c, value, true);
	else if (str_is(item->key, "BindReadOnly"))
		add_bind(all, c, value, false);
	else if (str_is(item->key, "Port"))
		add_port(all, c, value);
	else if (str_is(item->key, "Private") && is_no(value))
		container_list_add(all, c, CONTAINER_NAMESPACES, STR("net"));
	else if (str_is(item->key, "NoNewPrivileges"))
		c->no_new_privileges = unitfile_true(value);
	else if (str_is(item->key, "ReadOnly"))
		c->read_only = unitfile_true(value);
}

static void set_running(struct containers *all, struct container *c)
{
	struct path_stat st;
	struct err err = {0};
	int r;

	if (!host_is_live(all->host)) {
		c->why_running = "offline";
		return;
	}
	r = host_stat(all->host,
				  arena_printf(all->arena, "/run/systemd/machines/%.*s", STR_ARG(c->name)), true,
				  &st, &err);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		c->why_running = arena_strdup(all->arena, err.msg);
	c->running = c->active = r == 0;
}

static void read_one(struct containers *all, struct str file)
{
	struct container *c = container_add(all, "nspawn", str_dup(all->arena, file));
	struct conf conf = {0};
	struct str rest = file;
	struct err err = {0};

	if (!c)
		return;
	while (str_cut(&rest, '/', &c->name))
		continue;
	c->name.n -= strlen(".nspawn");
	c->user = STR("root");
	c->root = c->user_namespace = true; /* what systemd-nspawn@.service starts has one */
	c->seccomp = STR("default");
	c->restart = STR("no");
	if (conf_read(all->host, all->arena, c->file, CONF_INI, &conf, &err) < 0)
		c->why = arena_strdup(all->arena, err.msg);
	for (size_t i = 0; i < conf.n; i++)
		read_item(all, c, &conf.items[i]);
	c->privileged = !c->user_namespace;
	set_running(all, c);
}

void containers_nspawn(struct containers *all)
{
	static const char *const dirs[] = {"/etc/systemd/nspawn", "/run/systemd/nspawn", NULL};
	struct str *files;
	struct err err = {0};
	size_t n;

	if (host_list_conf(all->host, dirs, ".nspawn", all->arena, &files, &n, &err) < 0) {
		containers_gap(all, err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_one(all, files[i]);
}
