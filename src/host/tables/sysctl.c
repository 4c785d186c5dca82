/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters: what they are now, and what the next boot will make them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "host/fields.h"
#include "host/edit.h"
#include "host/glob.h"
#include "host/sysctl_files.h"

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

/* Rows, and what they are made from. */
struct making {
	struct rows *rows;
	struct sysctl_files files;
	struct map asked; /* names that have their row */
	bool keeps;       /* what the kernel starts with is somebody else's setting */
};

/* --- what the kernel says ---------------------------------------------------------------------- */

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
		path = path.n ? sysctl_path(a, path) : STR_ABSENT;
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

/* --- what the kernel starts with ----------------------------------------------------------------- */

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
static void set_default(struct making *m, struct row *row, struct str path)
{
	if (m->keeps || m->files.unknown || row->cells[VALUE].state != VALUE_SET ||
		row->cells[PERSISTED].state != VALUE_ABSENT)
		return;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (!str_is(path, defaults[i].path) || str_is(row->cells[VALUE].string, defaults[i].value))
			continue;
		row_strz(row, PERSISTED, defaults[i].value);
		row_from(row, PERSISTED, FROM("what the kernel starts with", 0));
	}
}

/* --- rows ---------------------------------------------------------------------------------------- */

static struct row *add_row(struct making *m, struct str name, struct str path)
{
	struct arena *a = m->rows->arena;
	const char *file = arena_printf(a, "/proc/sys/%s", path.p);
	struct row *row = rows_add(m->rows, FROM(file, 0));
	const struct sysctl_setting *set = sysctl_persisted(&m->files, path);

	row_str(row, KEY, name);
	if (m->files.unknown) {
		row_unknown(row, PERSISTED, m->files.unknown);
	} else if (set) {
		row_str(row, PERSISTED, set->value);
		row_from(row, PERSISTED, set->from);
	}
	return row;
}

static void add_asked(struct host *host, struct making *m, struct str name)
{
	struct arena *a = m->rows->arena;
	struct str path = sysctl_path(a, name), text;
	struct err err = {0};
	struct row *row;
	int r;

	if (!path.p || map_put(&m->asked, name, m)) /* a pattern may have found it already */
		return;
	row = add_row(m, name, path);
	r = host_read(host, row->from.path, a, &text, &err);
	if (r == 0) {
		row_str(row, VALUE, str_squeeze(a, text));
		set_default(m, row, path);
	} else if (!host_is_live(host)) {
		row_unknown(row, VALUE, "offline");
	} else if (guarded_value(host, a, path, &text)) {
		row_str(row, VALUE, text);
		set_default(m, row, path);
	} else if (r != -ENOENT && r != -ENOTDIR) {
		row_unknown(row, VALUE, arena_strdup(a, err.msg));
	}
}

/* A pattern is asked for: a row for each parameter of the kernel that it fits, and for each that
 * files set. Without a kernel to ask there may be others, for which the pattern itself stands. */
static void add_matching(struct host *host, struct making *m, struct str name)
{
	struct arena *a = m->rows->arena;
	struct str wanted = sysctl_path(a, name);
	struct sysctl_pattern pattern;
	struct str *found = NULL;
	struct err err = {0};
	struct map seen;
	size_t n = 0;
	int r;

	if (!wanted.p)
		return;
	map_init(&seen, a);
	pattern = sysctl_pattern(a, wanted);
	r = host_glob(host, a, str_of(arena_printf(a, "/proc/sys/%s", wanted.p)), &found, &n,
				  &err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str path = str_of(found[i].p + strlen("/proc/sys/"));

		map_put(&seen, path, m);
		add_asked(host, m, sysctl_name(a, path));
	}
	vec_each(&m->files.all, setting)
	{
		struct str path = (*setting)->path;

		if (!(*setting)->gone && (*setting)->value.p && !str_is_glob(path) &&
			sysctl_fits(&pattern, path) && !map_get(&seen, path))
			add_asked(host, m, sysctl_name(a, path));
	}
	if (r < 0)
		row_unknown(add_row(m, name, wanted), VALUE,
					host_is_live(host) ? arena_strdup(a, err.msg) : "offline");
}

static void add_asked_or_matching(struct host *host, struct making *m, struct str name)
{
	if (str_is_glob(name))
		add_matching(host, m, name);
	else
		add_asked(host, m, name);
}

static void add_present(struct host *host, struct making *m, struct str line, struct map *seen)
{
	struct arena *a = m->rows->arena;
	struct str path, word, name, value;
	struct row *row;

	if (!str_word(&line, &word))
		return;
	path = str_of(str_dup(a, fields_plain(a, word)));
	row = add_row(m, sysctl_name(a, path), path);
	map_put(seen, path, row);
	if (!fields_next(&line, &name, &value))
		return;
	value = fields_plain(a, value);
	if (str_is(name, "value") || guarded_value(host, a, path, &value)) {
		row_str(row, VALUE, value);
		set_default(m, row, path);
	} else { /* EACCES, or one that can only be written */
		row_unknown(row, VALUE, "it cannot be read");
	}
}

/* What a file sets, and the kernel was not asked for (some) or does not have. */
static void add_set(struct host *host, struct making *m, struct str path, bool some)
{
	struct str name = sysctl_name(m->rows->arena, path);

	if (!some)
		add_row(m, name, path);
	else if (str_ends(path, "_secret"))
		row_unknown(add_row(m, name, path), VALUE, "it cannot be read");
	else
		add_asked(host, m, name);
}

static void add_all(struct host *host, struct making *m)
{
	struct str text = STR(""), line;
	struct err err = {0};
	struct map seen;
	bool some = false;
	int r = ask_parameters(host, m->rows->demand, m->rows->arena, &text, &some, &err);
	const char *why = host_is_live(host) ? arena_strdup(m->rows->arena, err.msg) : "offline";

	map_init(&seen, m->rows->arena);
	while (str_line(&text, &line))
		add_present(host, m, line, &seen);
	vec_each(&m->files.all, setting)
	{
		struct str path = (*setting)->path;

		if ((*setting)->gone || !(*setting)->value.p || str_is_glob(path) || map_get(&seen, path))
			continue;
		if (r < 0)
			row_unknown(add_row(m, sysctl_name(m->rows->arena, path), path), VALUE, why);
		else
			add_set(host, m, path, some);
	}
	for (size_t i = 0; i < m->rows->demand->n; i++) {
		struct str name = m->rows->demand->keys[i];

		if (!str_is_glob(name) && !map_get(&seen, sysctl_path(m->rows->arena, name)))
			add_asked(host, m, name);
	}
	if (r < 0)
		rows_gap(m->rows, "%s", why);
}

static int read_sysctl(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct making m = {.rows = rows, .keeps = in_container(host, rows->arena)};

	map_init(&m.asked, rows->arena);
	sysctl_files_read(host, rows->arena, &m.files);
	if (rows->demand->all)
		add_all(host, &m);
	else
		for (size_t i = 0; i < rows->demand->n; i++)
			add_asked_or_matching(host, &m, rows->demand->keys[i]);
	return 0;
}

/* The last of the files that systemd-sysctl(8) reads, by its name. */
#define OWN_FILE "/etc/sysctl.d/99-zz-revet.conf"

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

/* Both, now and at boot: a parameter that is right by chance today is not right. */
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
