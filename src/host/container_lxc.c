/* SPDX-License-Identifier: Apache-2.0 */
/* LXC's, below /var/lib/lxc, of root's: lxc.container.conf(5). LXD and Incus have a database of theirs. */
#include "host/conf.h"
#include "host/container.h"
#include "host/glob.h"

#define LXC "/var/lib/lxc"
#define MAX_FILES 64 /* that one container includes */

struct lxc {
	struct containers *all;
	struct container *c;
	unsigned n_files;
	bool dropped; /* something of the container's own was emptied */
};

static void unknown(struct lxc *l, const char *why)
{
	if (!l->c->why)
		l->c->why = arena_strdup(l->all->arena, why);
}

static void add_mount(struct lxc *l, struct str entry)
{
	struct str source, target, type, options = STR("");
	bool writable = true;
	struct str option;

	if (!str_word(&entry, &source) || !str_word(&entry, &target) || !str_word(&entry, &type))
		return;
	str_word(&entry, &options);
	while (str_cut(&options, ',', &option))
		if (str_is(option, "ro"))
			writable = false;
	if (str_starts(source, "/"))
		container_add_mount(l->all, l->c, source, target, writable);
}

static void add_kept(struct lxc *l, struct str words)
{
	static const char *const names[] = {"pid", "net", "ipc", "uts"};
	struct str word;

	while (str_word(&words, &word))
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_is(word, names[i]))
				container_list_add(l->all, l->c, CONTAINER_NAMESPACES, str_of(names[i]));
}

static void read_file(struct lxc *l, const char *path);

/* Of a directory LXC includes what ends in .conf. */
static void include(struct lxc *l, const char *path)
{
	struct path_stat st;
	struct str *files;
	struct err err = {0};
	size_t n;

	if (host_stat(l->all->host, path, true, &st, &err) < 0) {
		unknown(l, err.msg);
		return;
	}
	if (!S_ISDIR(st.mode)) {
		read_file(l, path);
		return;
	}
	if (host_list_all_files(l->all->host, path, ".conf", l->all->arena, &files, &n, &err) < 0)
		unknown(l, err.msg);
	else
		for (size_t i = 0; i < n; i++)
			read_file(l, str_dup(l->all->arena, files[i]));
}

static void read_item(struct lxc *l, const struct conf_item *item)
{
	struct str value = item->value;
	bool aa = str_is(item->key, "lxc.apparmor.profile") || str_is(item->key, "lxc.aa_profile");

	if (str_is(item->key, "lxc.include"))
		include(l, str_dup(l->all->arena, value));
	else if (str_is(item->key, "lxc.idmap") || str_is(item->key, "lxc.id_map"))
		l->c->user_namespace = value.n;
	else if (str_is(item->key, "lxc.mount.entry"))
		add_mount(l, value);
	else if (str_is(item->key, "lxc.namespace.keep"))
		add_kept(l, value);
	else if (aa)
		l->c->apparmor = value;
	else if (str_is(item->key, "lxc.net.0.type") && str_is(value, "none"))
		add_kept(l, STR("net"));
	else if (str_is(item->key, "lxc.seccomp.profile") || str_is(item->key, "lxc.seccomp"))
		l->c->seccomp = value.n ? STR("own") : STR("unconfined");
	else if (str_is(item->key, "lxc.no_new_privs"))
		l->c->no_new_privileges = str_is(value, "1");
	else if (str_is(item->key, "lxc.start.auto"))
		l->c->active = str_is(value, "1");
}

static void read_file(struct lxc *l, const char *path)
{
	struct conf conf = {0};
	struct err err = {0};

	if (++l->n_files > MAX_FILES) {
		unknown(l, "it includes too many files");
		return;
	}
	if (conf_read(l->all->host, l->all->arena, path, CONF_EQUALS, &conf, &err) < 0) {
		unknown(l, err.msg);
		return;
	}
	for (size_t i = 0; i < conf.n; i++)
		read_item(l, &conf.items[i]);
}

/* One that runs takes commands at an abstract socket. */
static void set_running(struct lxc *l, struct str directory)
{
	struct str text, line;
	struct err err = {0};
	const char *socket = arena_printf(l->all->arena, "@%.*s/command", STR_ARG(directory));

	if (!host_is_live(l->all->host)) {
		l->c->why_running = "offline";
		return;
	}
	if (host_read(l->all->host, "/proc/net/unix", l->all->arena, &text, &err) < 0) {
		l->c->why_running = arena_strdup(l->all->arena, err.msg);
		return;
	}
	while (str_line(&text, &line))
		if (str_ends(line, socket))
			l->c->running = l->c->active = true;
}

static void read_one(struct containers *all, struct str file)
{
	struct lxc l = {.all = all};
	struct str directory = {file.p, file.n - strlen("/config")};

	l.c = container_add(all, "lxc", str_dup(all->arena, file));
	if (!l.c)
		return;
	l.c->name = (struct str){directory.p + strlen(LXC "/"), directory.n - strlen(LXC "/")};
	l.c->restart = STR("no");
	l.c->user = STR("root");
	l.c->root = true;
	l.c->why_ports = "LXC publishes none; a bridge or the packet filter may";
	read_file(&l, l.c->file);
	l.c->privileged = !l.c->user_namespace;
	if (!l.c->seccomp.p)
		l.c->seccomp = STR("unconfined");
	set_running(&l, directory);
}

void containers_lxc(struct containers *all)
{
	struct str *paths;
	struct err err = {0};
	size_t n;
	int r = host_glob(all->host, all->arena, STR(LXC "/*/config"), &paths, &n, &err);

	if (r < 0)
		containers_gap(all, err.msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_one(all, paths[i]);
}
