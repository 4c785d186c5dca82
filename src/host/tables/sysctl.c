/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters: what they are now, and what the next boot will make them. The latter follows
 * systemd-sysctl to the letter: see sysctl.d(5).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/conf.h"
#include "host/fields.h"
#include "host/edit.h"
#include "host/glob.h"
#include "host/table.h"

enum { KEY, VALUE, PERSISTED };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the parameter, with dots", COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Now; absent: this kernel has no such parameter",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[PERSISTED] = {"persisted", TYPE_STRING,
				   "After the next boot: what a file sets, or what the kernel starts with where it is "
				   "something else now and no file sets it; absent: neither is known",
				   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

#define MAX_DEPTH 16        /* levels below /proc/sys */
#define MAX_VALUE (1 << 16) /* bytes of one parameter */
#define MAX_PARTS 16        /* components of a name */
#define MAX_OPTIONS 65536   /* assignments in all files */

/* systemd's sysctl_normalize(): in "a.b/c.d" the first separator is a dot, so dots and slashes
 * change places; in "a/b.c/d" nothing does. The result is a path below /proc/sys, or absent when it
 * would lead out of it. */
static struct str to_path(struct arena *a, struct str name)
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

static struct str to_name(struct arena *a, struct str path)
{
	char *p = str_dup(a, path);

	for (size_t i = 0; i < path.n; i++)
		p[i] = p[i] == '/' ? '.' : p[i] == '.' ? '/' : p[i];
	return (struct str){p, path.n};
}

/* --- what the files say ------------------------------------------------------------------------
 */

struct option {
	struct str path, value; /* value absent: only keeps patterns off ("-key") */
	struct from from;
	bool gone;          /* a later line took its place */
	const char **parts; /* of a pattern; NULL: it is none */
	size_t n_parts;
};

struct options {
	struct rows *rows;
	struct map by_path;
	struct map asked;                   /* names that have their row */
	VEC(struct option *) all, patterns; /* in the order in which they are applied */
	const char *unknown;                /* why what a boot sets cannot be known */
	bool keeps;                         /* what the kernel starts with is somebody else's setting */
};

static void split_pattern(struct arena *a, struct option *o)
{
	struct str rest = o->path, part;

	o->parts = arena_new(a, const char *, MAX_PARTS);
	while (str_cut(&rest, '/', &part) && o->n_parts < MAX_PARTS)
		o->parts[o->n_parts++] = str_dup(a, part);
}

static void set_option(struct options *o, struct str path, struct str value, struct from from)
{
	struct arena *a = o->rows->arena;
	struct option *old = map_get(&o->by_path, path), *new;

	/* The same value again leaves the first line in its place, which matters among patterns. */
	if (old && !!old->value.p == !!value.p && str_eq(old->value, value))
		return;
	if (o->all.n >= MAX_OPTIONS) {
		o->unknown = "sysctl.d holds too many assignments";
		return;
	}
	if (old)
		old->gone = true;
	new = arena_new(a, struct option, 1);
	*new = (struct option){.path = path, .value = value, .from = from};
	map_put(&o->by_path, path, new);
	*vec_push(a, &o->all) = new;
	if (str_is_glob(path)) {
		split_pattern(a, new);
		*vec_push(a, &o->patterns) = new;
	}
}

static void read_assignment(struct options *o, struct str line, struct from from)
{
	struct arena *a = o->rows->arena;
	bool assigns = str_has_char(line, '=');
	bool minus = str_skip(&line, "-");
	struct str name, path;

	if (!assigns && !minus)
		return; /* systemd-sysctl warns and goes on */
	str_cut(&line, '=', &name);
	path = to_path(a, str_trim(name));
	if (path.p)
		set_option(o, path, assigns ? str_squeeze(a, line) : STR_ABSENT, from);
}

static void read_file(struct host *host, struct options *o, const char *path)
{
	struct err err = {0};
	struct str text, line;
	int r = host_read(host, path, o->rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT && !o->unknown)
		o->unknown = arena_strdup(o->rows->arena, err.msg);
	for (unsigned n = 1; r == 0 && str_line(&text, &line); n++) {
		line = str_trim(line);
		if (line.n && line.p[0] != '#' && line.p[0] != ';')
			read_assignment(o, line, FROM(path, n));
	}
}

static struct str unquoted(struct str s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return (struct str){s.p + 1, s.n - 2};
	return s;
}

static struct str shell_variable(struct host *host, struct options *o, const char *path,
								 const char *name)
{
	const struct conf_item *item;
	struct conf conf = {0};
	struct err err = {0};
	int r = conf_read(host, o->rows->arena, path, CONF_EQUALS, &conf, &err);

	if (r < 0 && r != -ENOENT && !o->unknown)
		o->unknown = arena_strdup(o->rows->arena, err.msg);
	item = conf_last(&conf, NULL, name);
	return item ? unquoted(item->value) : STR("");
}

/* ufw runs `sysctl -p` on a file of its own once it starts. */
static void read_ufw(struct host *host, struct options *o)
{
	struct str file;

	if (!str_is_nocase(shell_variable(host, o, "/etc/ufw/ufw.conf", "ENABLED"), "yes"))
		return;
	file = shell_variable(host, o, "/etc/default/ufw", "IPT_SYSCTL");
	if (file.n)
		read_file(host, o, str_dup(o->rows->arena, file));
}

/* sysctl.NAME=VALUE is set by the kernel itself, before any file is read. */
static void read_command_line(struct host *host, struct options *o)
{
	struct from from = FROM("/proc/cmdline", 0);
	struct str text, word, name, path;
	struct err ignored = {0};

	if (!host_is_live(host) ||
		host_read(host, from.path, o->rows->arena, &text, &ignored) < 0)
		return;
	while (str_word(&text, &word)) {
		if (!str_skip(&word, "sysctl.") || !str_cut(&word, '=', &name) || !word.p)
			continue;
		path = to_path(o->rows->arena, name);
		if (path.p && !str_is_glob(path))
			set_option(o, path, str_squeeze(o->rows->arena, word), from);
	}
}

static bool has_systemd_sysctl(struct host *host)
{
	struct path_stat st;
	struct err err;

	return host_stat(host, "/usr/lib/systemd/systemd-sysctl", true, &st, &err) == 0 ||
		   host_stat(host, "/lib/systemd/systemd-sysctl", true, &st, &err) == 0;
}

static void read_files(struct host *host, struct options *o)
{
	static const char *const dirs[] = {"/etc/sysctl.d",           "/run/sysctl.d",
									   "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
									   "/lib/sysctl.d",           NULL};
	struct err err = {0};
	struct str *files;
	size_t n;

	map_init(&o->asked, o->rows->arena);
	if (host_list_conf(host, dirs, ".conf", o->rows->arena, &files, &n, &err) < 0) {
		o->unknown = arena_strdup(o->rows->arena, err.msg);
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

static bool pattern_matches(const struct option *o, const struct str *parts, size_t n)
{
	if (o->n_parts != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_glob(o->parts[i], parts[i]))
			return false;
	return true;
}

/* What sets the parameter: a line that names it, else the last pattern that fits; NULL: nothing. */
static const struct option *persisted(const struct options *o, struct str path)
{
	const struct option *exact = map_get(&o->by_path, path);
	struct str parts[MAX_PARTS], rest = path;
	size_t n = 0;

	if (exact)
		return exact->value.p ? exact : NULL;
	while (n < MAX_PARTS && str_cut(&rest, '/', &parts[n]))
		n++;
	for (size_t i = o->patterns.n; !rest.p && i-- > 0;) {
		const struct option *p = o->patterns.p[i];

		if (!p->gone && p->value.p && pattern_matches(p, parts, n))
			return p;
	}
	return NULL;
}

/* --- what the kernel says ----------------------------------------------------------------------
 */

static void write_parameter(int directory, const char *name, struct str path, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text = STR("");
	/* net.ipv6.conf.*.stable_secret is one: what addresses are made from. */
	int r = str_ends(path, "_secret") ? -EACCES : path_read(directory, name, MAX_VALUE, &a, &text);

	fields_escaped(out, path);
	if (r < 0)
		buf_printf(out, " error=%d", -r);
	else
		fields_put(out, "value", str_squeeze(&a, text));
	buf_putc(out, '\n');
}

/* `path` is the directory's below /proc/sys, with a slash behind it. Each is opened in the one above: to
 * find a thousand files from the root takes twice as long. */
static int walk(int above, const char *name, const char *path, unsigned depth, struct buf *out)
{
	_cleanup_close_ int directory = path_open(above, name, O_PATH | O_DIRECTORY);
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries;
	bool more;
	size_t n;
	int r = directory < 0 ? directory
						  : path_list(directory, ".", HOST_MAX_DIR, &a, &entries, &n, &more);

	if (r < 0)
		return r == -ENOENT && depth ? 0 : r;
	if (more || depth > MAX_DEPTH)
		return -EFBIG;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *entry = entries[i].name, *below = arena_printf(&a, "%s%s", path, entry);

		/* An automount point: looking into it would mount something. */
		if (str_is(str_of(below), "fs/binfmt_misc"))
			continue;
		if (entries[i].type == DT_DIR)
			r = walk(directory, entry, arena_printf(&a, "%s/", below), depth + 1, out);
		else
			write_parameter(directory, entry, str_of(below), out);
	}
	return r;
}

static int all_parameters(struct host *host, struct buf *out, struct err *err)
{
	int r = walk(host_root_fd(host), "/proc/sys", "", 0, out);

	return r < 0 ? err_errno(err, -r, "/proc/sys") : 0;
}

/* Those below directories, which are given with blanks between. */
static int some_parameters(struct host *host, const void *data, struct buf *out, struct err *err)
{
	_cleanup_close_ int sys = path_open(host_root_fd(host), "/proc/sys", O_PATH | O_DIRECTORY);
	_cleanup_arena_ struct arena a = {0};
	struct str rest = str_of(data), directory;
	int r = sys < 0 ? sys : 0;

	while (r == 0 && str_word(&rest, &directory))
		r = walk(sys, str_dup(&a, directory), arena_printf(&a, "%.*s/", STR_ARG(directory)), 1,
				 out);
	return r < 0 ? err_errno(err, -r, "/proc/sys") : 0;
}

static const struct query sysctl_query = {.name = "sysctl", .live = all_parameters};

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The directories that hold all that is looked at, sorted, none of them below another; absent: it may be
 * anywhere. */
static struct str directories_of(const struct demand *demand, struct arena *a)
{
	_cleanup_buf_ struct buf all = BUF(4096);
	struct str *paths = arena_new(a, struct str, demand->n_beginnings + 1), last = STR_ABSENT;

	for (size_t i = 0; i < demand->n_beginnings; i++) {
		struct str path = demand->beginnings[i];

		while (path.n && path.p[path.n - 1] != '.')
			path.n--;
		path = path.n ? to_path(a, path) : STR_ABSENT;
		/* A slash in a name is a dot in a path. */
		if (!path.p || str_has_char(demand->beginnings[i], '/') || str_has_char(path, ' '))
			return STR_ABSENT;
		paths[i] = str_of(arena_printf(a, "%.*s/", STR_ARG(path)));
	}
	if (demand->n_beginnings)
		qsort(paths, demand->n_beginnings, sizeof(*paths), by_text);
	for (size_t i = 0; i < demand->n_beginnings; i++) {
		if (last.p && str_starts(paths[i], last.p))
			continue;
		last = paths[i];
		buf_printf(&all, "%s%.*s", all.n ? " " : "", (int)last.n - 1, last.p);
	}
	return all.n && !all.full ? str_of(arena_strdup(a, buf_get(&all).p)) : STR_ABSENT;
}

/* A recording is asked by other rules later, and one that was made before has all there is. */
static int ask_parameters(struct host *host, const struct demand *demand, struct arena *a,
						  struct str *ret, bool *ret_some, struct err *err)
{
	struct str directories =
		host_is_recorded(host) || host_is_recording(host) ? STR_ABSENT : directories_of(demand, a);
	struct query some = {.live_with = some_parameters, .data = directories.p};

	*ret_some = directories.p;
	if (!directories.p)
		return host_query(host, &sysctl_query, a, ret, err);
	some.name = arena_printf(a, "sysctl %s", directories.p);
	return host_query(host, &some, a, ret, err);
}

/* The kernel lets nobody read these without CAP_SYS_ADMIN, which whoever parses has given up: they are
 * read before that. */
static int guarded_parameters(struct host *host, struct buf *out, struct err *err _unused_)
{
	static const char prefix[] = "/proc/sys/";
	static const char *const files[] = {"/proc/sys/net/core/bpf_jit_harden",
										"/proc/sys/net/core/bpf_jit_kallsyms",
										"/proc/sys/net/core/bpf_jit_limit"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		write_parameter(host_root_fd(host), files[i], str_of(files[i] + sizeof(prefix) - 1), out);
	return 0;
}

static const struct query guarded_query = {.name = "sysctl_guarded", .live = guarded_parameters};

static void read_guarded(struct host *host)
{
	_cleanup_arena_ struct arena a = {0};
	struct str ignored_text;
	struct err ignored;

	if (host_is_live(host))
		(void)host_query(host, &guarded_query, &a, &ignored_text, &ignored);
}

/* One that could not be read when all were, but before. */
static bool guarded_value(struct host *host, struct arena *a, struct str path, struct str *ret)
{
	struct str text = STR(""), line, word, name, value;
	struct err ignored;

	if (!host_is_live(host) || host_query(host, &guarded_query, a, &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_eq(fields_plain(a, word), path) &&
			fields_next(&line, &name, &value) && str_is(name, "value")) {
			*ret = fields_plain(a, value);
			return true;
		}
	return false;
}

/* --- what the kernel starts with ---------------------------------------------------------------
 */

/* Values that are the same in every kernel, whatever it was built with: net/ipv4/devinet.c,
 * net/ipv6/addrconf.c, net/ipv4/tcp_ipv4.c, net/core/filter.c, lib/vsprintf.c, fs/namei.c,
 * kernel/kexec_core.c, io_uring/io_uring.c. */
static const struct {
	const char *path, *value;
} defaults[] = {
	{"net/ipv4/conf/all/accept_redirects", "1"},
	{"net/ipv4/conf/default/accept_redirects", "1"},
	{"net/ipv4/conf/all/send_redirects", "1"},
	{"net/ipv4/conf/default/send_redirects", "1"},
	{"net/ipv4/conf/all/rp_filter", "0"},
	{"net/ipv4/conf/default/rp_filter", "0"},
	{"net/ipv4/conf/all/log_martians", "0"},
	{"net/ipv4/conf/default/log_martians", "0"},
	{"net/ipv6/conf/all/accept_redirects", "1"},
	{"net/ipv6/conf/default/accept_redirects", "1"},
	{"net/ipv6/conf/all/accept_ra", "1"},
	{"net/ipv6/conf/default/accept_ra", "1"},
	{"net/ipv4/tcp_rfc1337", "0"},
	{"net/core/bpf_jit_harden", "0"},
	{"kernel/kptr_restrict", "0"},
	{"kernel/kexec_load_disabled", "0"},
	{"kernel/io_uring_disabled", "0"},
	{"fs/protected_fifos", "0"},
	{"fs/protected_regular", "0"},
};

/* The network of a container starts with what the host has. */
static bool in_container(struct host *host, struct arena *a)
{
	static const char *const managers[] = {"/run/systemd/container", "/run/host/container-manager"};
	static const char *const marks[] = {"/.dockerenv", "/run/.containerenv"};
	struct path_stat st;
	struct err ignored;
	struct str name;

	for (size_t i = 0; i < ARRAY_LEN(managers); i++)
		if (host_read(host, managers[i], a, &name, &ignored) == 0 && str_trim(name).n)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (host_stat(host, marks[i], true, &st, &ignored) == 0)
			return true;
	return false;
}

/* What was set by hand is gone with the next boot. */
static void set_default(struct options *o, struct row *row, struct str path)
{
	if (o->keeps || o->unknown || row->cells[VALUE].state != VALUE_SET ||
		row->cells[PERSISTED].state != VALUE_ABSENT)
		return;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (!str_is(path, defaults[i].path) || str_is(row->cells[VALUE].string, defaults[i].value))
			continue;
		row_strz(row, PERSISTED, defaults[i].value);
		row_from(row, PERSISTED, FROM("what the kernel starts with", 0));
	}
}

/* --- rows --------------------------------------------------------------------------------------
 */

static struct row *add_row(struct options *o, struct str name, struct str path)
{
	struct arena *a = o->rows->arena;
	const char *file = arena_printf(a, "/proc/sys/%s", path.p);
	struct row *row = rows_add(o->rows, FROM(file, 0));
	const struct option *set = persisted(o, path);

	row_str(row, KEY, name);
	if (o->unknown) {
		row_unknown(row, PERSISTED, o->unknown);
	} else if (set) {
		row_str(row, PERSISTED, set->value);
		row_from(row, PERSISTED, set->from);
	}
	return row;
}

static void add_asked(struct host *host, struct options *o, struct str name)
{
	struct arena *a = o->rows->arena;
	struct str path = to_path(a, name), text;
	struct err err = {0};
	struct row *row;
	int r;

	if (!path.p || map_put(&o->asked, name, o)) /* a pattern may have found it already */
		return;
	row = add_row(o, name, path);
	r = host_read(host, row->from.path, a, &text, &err);
	if (r == 0) {
		row_str(row, VALUE, str_squeeze(a, text));
		set_default(o, row, path);
	} else if (!host_is_live(host)) {
		row_unknown(row, VALUE, "offline");
	} else if (guarded_value(host, a, path, &text)) {
		row_str(row, VALUE, text);
		set_default(o, row, path);
	} else if (r != -ENOENT && r != -ENOTDIR) {
		row_unknown(row, VALUE, arena_strdup(a, err.msg));
	}
}

/* A pattern is asked for: a row for each parameter of the kernel that it fits, and for each that
 * files set. Without a kernel to ask there may be others, for which the pattern itself stands. */
static void add_matching(struct host *host, struct options *o, struct str name)
{
	struct arena *a = o->rows->arena;
	struct option wanted = {.path = to_path(a, name)};
	struct str *found = NULL;
	struct err err = {0};
	struct map seen;
	size_t n = 0;
	int r;

	if (!wanted.path.p)
		return;
	map_init(&seen, a);
	split_pattern(a, &wanted);
	r = host_glob(host, a, str_of(arena_printf(a, "/proc/sys/%s", wanted.path.p)), &found, &n,
				  &err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str path = str_of(found[i].p + strlen("/proc/sys/"));

		map_put(&seen, path, o);
		add_asked(host, o, to_name(a, path));
	}
	vec_each(&o->all, option)
	{
		struct str parts[MAX_PARTS], rest = (*option)->path;
		size_t k = 0;

		while (k < MAX_PARTS && str_cut(&rest, '/', &parts[k]))
			k++;
		if (!(*option)->gone && (*option)->value.p && !str_is_glob((*option)->path) && !rest.p &&
			pattern_matches(&wanted, parts, k) && !map_get(&seen, (*option)->path))
			add_asked(host, o, to_name(a, (*option)->path));
	}
	if (r < 0)
		row_unknown(add_row(o, name, wanted.path), VALUE,
					host_is_live(host) ? arena_strdup(a, err.msg) : "offline");
}

static void add_asked_or_matching(struct host *host, struct options *o, struct str name)
{
	if (str_is_glob(name))
		add_matching(host, o, name);
	else
		add_asked(host, o, name);
}

static void add_present(struct host *host, struct options *o, struct str line, struct map *seen)
{
	struct arena *a = o->rows->arena;
	struct str path, word, name, value;
	struct row *row;

	if (!str_word(&line, &word))
		return;
	path = str_of(str_dup(a, fields_plain(a, word)));
	row = add_row(o, to_name(a, path), path);
	map_put(seen, path, row);
	if (!fields_next(&line, &name, &value))
		return;
	value = fields_plain(a, value);
	if (str_is(name, "value") || guarded_value(host, a, path, &value)) {
		row_str(row, VALUE, value);
		set_default(o, row, path);
	} else { /* EACCES, or one that can only be written */
		row_unknown(row, VALUE, "it cannot be read");
	}
}

/* What a file sets, and the kernel was not asked for (some) or does not have. */
static void add_set(struct host *host, struct options *o, struct str path, bool some)
{
	struct str name = to_name(o->rows->arena, path);

	if (!some)
		add_row(o, name, path);
	else if (str_ends(path, "_secret"))
		row_unknown(add_row(o, name, path), VALUE, "it cannot be read");
	else
		add_asked(host, o, name);
}

static void add_all(struct host *host, struct options *o)
{
	struct str text = STR(""), line;
	struct err err = {0};
	struct map seen;
	bool some = false;
	int r = ask_parameters(host, o->rows->demand, o->rows->arena, &text, &some, &err);
	const char *why = host_is_live(host) ? arena_strdup(o->rows->arena, err.msg) : "offline";

	map_init(&seen, o->rows->arena);
	while (str_line(&text, &line))
		add_present(host, o, line, &seen);
	vec_each(&o->all, option) {
		struct str path = (*option)->path;

		if ((*option)->gone || !(*option)->value.p || str_is_glob(path) || map_get(&seen, path))
			continue;
		if (r < 0)
			row_unknown(add_row(o, to_name(o->rows->arena, path), path), VALUE, why);
		else
			add_set(host, o, path, some);
	}
	for (size_t i = 0; i < o->rows->demand->n; i++) {
		struct str name = o->rows->demand->keys[i];

		if (!str_is_glob(name) && !map_get(&seen, to_path(o->rows->arena, name)))
			add_asked(host, o, name);
	}
	if (r < 0)
		rows_gap(o->rows, "%s", why);
}

static int read_sysctl(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct options o = {.rows = rows, .keeps = in_container(host, rows->arena)};

	map_init(&o.by_path, rows->arena);
	read_command_line(host, &o);
	read_files(host, &o);
	if (rows->demand->all)
		add_all(host, &o);
	else
		for (size_t i = 0; i < rows->demand->n; i++)
			add_asked_or_matching(host, &o, rows->demand->keys[i]);
	return 0;
}

/* The last of the files that systemd-sysctl(8) reads, by its name. */
#define OWN_FILE "/etc/sysctl.d/99-zz-revet.conf"

/* Both, now and at boot: a parameter that is right by chance today is not right. */
/* Those that a running kernel never takes back: set at the next boot, they are gone with the one
 * after a revert. See Documentation/admin-guide/sysctl/kernel.rst and LSM/Yama.rst. */
static bool is_one_way(struct str key, struct str value)
{
	static const char *const keys[][2] = {
		{"kernel.kexec_load_disabled", "1"}, {"kernel.modules_disabled", "1"},
		{"kernel.unprivileged_bpf_disabled", "1"}, {"kernel.yama.ptrace_scope", "3"}};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_is(key, keys[i][0]) && str_is(value, keys[i][1]))
			return true;
	return false;
}

static int set_sysctl(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	const struct value *now = wish->row ? &wish->row->cells[VALUE] : NULL;
	struct str value = edit_text(edits, wish, " ");

	if (!value.p)
		return err_set(err, ENOTSUP, "a parameter cannot be unset");
	/* The kernel drops all addresses with it, and no write brings those back that were set by hand. */
	if (str_ends(wish->key, ".disable_ipv6") && str_is(value, "1") && host_is_live(host))
		return err_set(err, ENOTSUP, "IPv6 is turned off by hand: the addresses would not come back");
	edit_key(edits, OWN_FILE, EDIT_EQUALS, NULL, wish->key, value);
	if (host_is_live(host) && now && now->state == VALUE_SET && !str_eq(now->string, value) &&
		!is_one_way(wish->key, value))
		edit_state(edits, "sysctl", str_dup(edits->arena, wish->key), "value", now->string, value);
	return 0;
}

static const struct table sysctl = {
	.name = "sysctl",
	.doc = "Kernel parameters: now, from /proc/sys, and after a boot, from sysctl.d",
	.columns = columns,
	.early = read_guarded,
	.read = read_sysctl,
	.set = set_sysctl,
	.fix = "set {key} in /etc/sysctl.d and, where that can be taken back, now",
	.cost = 2,
};
TABLE(sysctl);
