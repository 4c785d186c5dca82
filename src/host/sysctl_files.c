/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sysctl_files.h"

#include "host/conf.h"
#include "host/glob.h"

#define MAX_PARTS 16      /* components of a name */
#define MAX_OPTIONS 65536 /* assignments in all files */

/* systemd's sysctl_normalize(): in "a.b/c.d" the first separator is a dot, so dots and slashes
 * change places; in "a/b.c/d" nothing does. The result is a path below /proc/sys, or absent when it
 * would lead out of it. */
struct str sysctl_path(struct arena *a, struct str name)
{
	char *p = arena_alloc(a, name.n + 2);
	struct str rest, part;
	size_t n = 0;
	bool swap = false;

	for (size_t i = 0; i < name.n && !swap && name.p[i] != '/'; i++)
		swap = name.p[i] == '.';
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		p[i] = !swap ? c : c == '.' ? '/' : c == '/' ? '.' : c;
	}
	/* Written over itself, without what path_simplify() drops. */
	rest = (struct str){p, name.n};
	while (str_cut(&rest, '/', &part)) {
		if (str_is(part, "..") || str_has_char(part, '\0'))
			return STR_ABSENT;
		if (!part.n || str_is(part, "."))
			continue;
		if (n)
			p[n++] = '/';
		memmove(p + n, part.p, part.n);
		n += part.n;
	}
	p[n] = '\0';
	return n ? (struct str){p, n} : STR_ABSENT;
}

struct str sysctl_name(struct arena *a, struct str path)
{
	char *p = str_dup(a, path);

	for (size_t i = 0; i < path.n; i++)
		p[i] = p[i] == '/' ? '.' : p[i] == '.' ? '/' : p[i];
	return (struct str){p, path.n};
}

struct sysctl_pattern sysctl_pattern(struct arena *a, struct str path)
{
	struct sysctl_pattern ret = {.parts = arena_new(a, const char *, MAX_PARTS)};
	struct str part;

	while (str_cut(&path, '/', &part) && ret.n < MAX_PARTS)
		ret.parts[ret.n++] = str_dup(a, part);
	return ret;
}

static void set_option(struct sysctl_files *o, struct str path, struct str value, struct from from)
{
	struct arena *a = o->arena;
	struct sysctl_setting *old = map_get(&o->by_path, path), *new;

	/* The same value again leaves the first line in its place, which matters among patterns. */
	if (old && !!old->value.p == !!value.p && str_eq(old->value, value))
		return;
	if (o->all.n >= MAX_OPTIONS) {
		o->unknown = "sysctl.d holds too many assignments";
		return;
	}
	if (old)
		old->gone = true;
	new = arena_new(a, struct sysctl_setting, 1);
	*new = (struct sysctl_setting){.path = path, .value = value, .from = from};
	map_put(&o->by_path, path, new);
	*vec_push(a, &o->all) = new;
	if (str_is_glob(path)) {
		new->pattern = sysctl_pattern(a, path);
		*vec_push(a, &o->patterns) = new;
	}
}

static void read_assignment(struct sysctl_files *o, struct str line, struct from from)
{
	struct arena *a = o->arena;
	bool assigns = str_has_char(line, '=');
	bool minus = str_skip(&line, "-");
	struct str name, path;

	if (!assigns && !minus)
		return; /* systemd-sysctl warns and goes on */
	str_cut(&line, '=', &name);
	path = sysctl_path(a, str_trim(name));
	if (path.p)
		set_option(o, path, assigns ? str_squeeze(a, line) : STR_ABSENT, from);
}

static void read_file(struct host *host, struct sysctl_files *o, const char *path)
{
	struct err err = {0};
	struct str text, line;
	int r = host_read(host, path, o->arena, &text, &err);

	if (r < 0 && r != -ENOENT && !o->unknown)
		o->unknown = arena_strdup(o->arena, err.msg);
	for (unsigned n = 1; r == 0 && str_line(&text, &line); n++) {
		line = str_trim(line);
		if (line.n && line.p[0] != '#' && line.p[0] != ';')
			read_assignment(o, line, FROM(path, n));
	}
}

static struct str shell_variable(struct host *host, struct sysctl_files *o, const char *path,
								 const char *name)
{
	const struct conf_item *item;
	struct conf conf = {0};
	struct err err = {0};
	int r = conf_read(host, o->arena, path, CONF_EQUALS, &conf, &err);

	if (r < 0 && r != -ENOENT && !o->unknown)
		o->unknown = arena_strdup(o->arena, err.msg);
	item = conf_last(&conf, NULL, name);
	return item ? str_unquoted(item->value, "\"'") : STR("");
}

/* ufw runs `sysctl -p` on a file of its own once it starts. */
static void read_ufw(struct host *host, struct sysctl_files *o)
{
	struct str file;

	if (!str_is_nocase(shell_variable(host, o, "/etc/ufw/ufw.conf", "ENABLED"), "yes"))
		return;
	file = shell_variable(host, o, "/etc/default/ufw", "IPT_SYSCTL");
	if (file.n)
		read_file(host, o, str_dup(o->arena, file));
}

/* sysctl.NAME=VALUE is set by the kernel itself, before any file is read. */
static void read_command_line(struct host *host, struct sysctl_files *o)
{
	struct from from = FROM("/proc/cmdline", 0);
	struct str text, word, name, path;
	struct err ignored = {0};

	if (!host_is_live(host) || host_read(host, from.path, o->arena, &text, &ignored) < 0)
		return;
	while (str_word(&text, &word)) {
		if (!str_skip(&word, "sysctl.") || !str_cut(&word, '=', &name) || !word.p)
			continue;
		path = sysctl_path(o->arena, name);
		if (path.p && !str_is_glob(path))
			set_option(o, path, str_squeeze(o->arena, word), from);
	}
}

static bool has_systemd_sysctl(struct host *host)
{
	struct path_stat st;
	struct err err;

	return host_stat(host, "/usr/lib/systemd/systemd-sysctl", true, &st, &err) == 0 ||
		   host_stat(host, "/lib/systemd/systemd-sysctl", true, &st, &err) == 0;
}

void sysctl_files_read(struct host *host, struct arena *a, struct sysctl_files *o)
{
	static const char *const dirs[] = {"/etc/sysctl.d",           "/run/sysctl.d",
									   "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
									   "/lib/sysctl.d",           NULL};
	struct err err = {0};
	struct str *files;
	size_t n;

	*o = (struct sysctl_files){.arena = a};
	map_init(&o->by_path, a);
	read_command_line(host, o);
	if (host_list_conf(host, dirs, ".conf", o->arena, &files, &n, &err) < 0) {
		o->unknown = arena_strdup(o->arena, err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(host, o, files[i].p);
	/* Without systemd it is procps's `sysctl --system`, which takes this file last. With systemd
	 * the file counts only where a link in sysctl.d leads to it, as Debian ships one. */
	if (!has_systemd_sysctl(host))
		read_file(host, o, "/etc/sysctl.conf");
	read_ufw(host, o);
}

/* 0: it has more than any pattern. */
static size_t split(struct str path, struct str parts[static MAX_PARTS])
{
	size_t n = 0;

	while (n < MAX_PARTS && str_cut(&path, '/', &parts[n]))
		n++;
	return path.p ? 0 : n;
}

static bool fits(const struct sysctl_pattern *p, const struct str *parts, size_t n)
{
	if (p->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_glob(p->parts[i], parts[i]))
			return false;
	return n > 0;
}

bool sysctl_fits(const struct sysctl_pattern *p, struct str path)
{
	struct str parts[MAX_PARTS];

	return fits(p, parts, split(path, parts));
}

const struct sysctl_setting *sysctl_persisted(const struct sysctl_files *o, struct str path)
{
	const struct sysctl_setting *exact = map_get(&o->by_path, path);
	struct str parts[MAX_PARTS];
	size_t n;

	if (exact)
		return exact->value.p ? exact : NULL;
	n = split(path, parts);
	for (size_t i = o->patterns.n; i-- > 0;) {
		const struct sysctl_setting *p = o->patterns.p[i];

		if (!p->gone && p->value.p && fits(&p->pattern, parts, n))
			return p;
	}
	return NULL;
}
