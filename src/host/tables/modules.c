/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel modules: loaded, on disk, built in, and whether modprobe would load them, as kmod decides:
 * the first `install` line whose pattern fits, in the order of modprobe.d(5). Aliases and soft
 * dependencies are not followed: a rule names the module itself.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/edit.h"
#include "host/table.h"

enum { NAME, LOADED, AVAILABLE, BUILTIN, BLACKLISTED, INSTALL_DISABLED, USABLE, USED_BY };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the module; '-' and '_' are the same",
			  COLUMN_KEY | COLUMN_LABEL | COLUMN_ASKED},
	[LOADED] = {"loaded", TYPE_BOOL, "It is in the kernel now", 0},
	[AVAILABLE] = {"available", TYPE_BOOL, "It is on disk for this kernel", 0},
	[BUILTIN] = {"builtin", TYPE_BOOL, "It is part of the kernel's image", 0},
	[BLACKLISTED] = {"blacklisted", TYPE_BOOL,
					 "It is not loaded for hardware that asks for it; by name it still is", 0},
	[INSTALL_DISABLED] = {"install_disabled", TYPE_BOOL,
						  "modprobe runs true or false in its place, or module_blacklist= of the "
						  "kernel refuses it",
						  0},
	[USABLE] = {"usable", TYPE_BOOL, "Loaded, built in, or modprobe would load it",
				COLUMN_SETTABLE},
	[USED_BY] = {"used_by", TYPE_INT, "Uses that it has now; absent: not loaded", 0},
	{0},
};

#define MAX_LINE (64 << 10) /* of modprobe.d, with its continuations */
#define MAX_PATTERNS 256    /* `install` lines for names with wildcards */
#define MAX_COMMANDS 65536  /* lines of modprobe.d that say something */

/* What is known of a module's name, whoever said it. */
struct module {
	struct str name; /* with underscores */
	bool loaded, available, builtin, blacklisted, listed;
	int64_t uses; /* -1: not known */
	struct from loaded_from, available_from, blacklisted_from;
};

/* An `install` line. */
struct install {
	const char *pattern;
	size_t number; /* the first that fits wins */
	bool disables;
	struct from from;
};

struct modules {
	struct host *host;
	struct rows *rows;
	struct map by_name;
	VEC(struct module *) all;
	struct map installs; /* by name, those without wildcards */
	VEC(struct install *) patterns;
	size_t n_installs, n_commands;
	struct map refused; /* module_blacklist= */
	const char *loaded_unknown, *available_unknown, *builtin_unknown, *config_unknown;
};

static struct str underscores(struct arena *a, struct str name)
{
	char *p;

	if (!str_has_char(name, '-'))
		return name;
	p = str_dup(a, name);
	for (size_t i = 0; i < name.n; i++)
		if (p[i] == '-')
			p[i] = '_';
	return (struct str){p, name.n};
}

static struct module *module_named(struct modules *m, struct str name)
{
	struct module *found;

	name = underscores(m->rows->arena, name);
	found = map_get(&m->by_name, name);
	if (found)
		return found;
	found = arena_new(m->rows->arena, struct module, 1);
	*found = (struct module){.name = name, .uses = -1};
	map_put(&m->by_name, name, found);
	*vec_push(m->rows->arena, &m->all) = found;
	return found;
}

static const char *keep(struct modules *m, const struct err *err)
{
	return arena_strdup(m->rows->arena, err->msg);
}

/* --- the kernel --------------------------------------------------------------------------------
 */

/* Lines "name size uses users state address". */
static void read_loaded(struct modules *m)
{
	struct str text, line, name, word;
	struct err err = {0};
	int r;

	if (!host_is_live(m->host)) {
		m->loaded_unknown = "offline";
		return;
	}
	r = host_read(m->host, "/proc/modules", m->rows->arena, &text, &err);
	if (r < 0 && r != -ENOENT) /* ENOENT: a kernel without modules */
		m->loaded_unknown = keep(m, &err);
	if (r < 0)
		return;
	for (unsigned n = 1; str_line(&text, &line); n++) {
		struct module *module;
		uint64_t uses;

		if (!str_word(&line, &name))
			continue;
		module = module_named(m, name);
		module->loaded = module->listed = true;
		module->loaded_from = FROM("/proc/modules", n);
		if (str_word(&line, &word) && str_word(&line, &word) &&
			num_u64(word, 0, INT32_MAX, &uses) == 0)
			module->uses = (int64_t)uses;
	}
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(((const struct path_entry *)a)->name, ((const struct path_entry *)b)->name);
}

/* Where the modules of the running kernel lie; in a tree, those of the newest. NULL with r = 0 when
 * there are none. */
static int module_directory(struct modules *m, const char **ret, struct err *err)
{
	struct arena *a = m->rows->arena;
	struct host_dir dir = {0};
	struct str release;
	int r;

	*ret = NULL;
	if (host_is_live(m->host)) {
		r = host_read(m->host, "/proc/sys/kernel/osrelease", a, &release, err);
		if (r == 0 && !str_has_char(release, '/'))
			*ret = arena_printf(a, "/lib/modules/%s", str_dup(a, str_trim(release)));
		return r;
	}
	r = host_list(m->host, "/lib/modules", a, &dir, err);
	if (r == -ENOENT)
		return 0;
	if (dir.n) {
		qsort(dir.entries, dir.n, sizeof(*dir.entries), by_version);
		*ret = arena_printf(a, "/lib/modules/%s", dir.entries[dir.n - 1].name);
	}
	return r;
}

/* The name in "kernel/fs/cramfs/cramfs.ko.xz"; absent when it is none. */
static struct str module_of_path(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n), *end;

	if (slash)
		path = (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)};
	end = path.n ? memmem(path.p, path.n, ".ko", 3) : NULL;
	return end ? (struct str){path.p, (size_t)(end - path.p)} : STR_ABSENT;
}

static const char *read_index(struct modules *m, const char *path, bool builtin)
{
	struct str text, line, file;
	struct err err = {0};
	int r = host_read(m->host, path, m->rows->arena, &text, &err);

	if (r < 0)
		return keep(m, &err);
	for (unsigned n = 1; str_line(&text, &line); n++) {
		struct module *module;
		struct str name;

		str_cut(&line, ':', &file);
		name = module_of_path(file);
		if (!name.n)
			continue;
		module = module_named(m, name);
		*(builtin ? &module->builtin : &module->available) = true;
		module->available_from = FROM(path, n);
	}
	return NULL;
}

/* Marks what the first or last word of each line names, unless it is a loaded module. */
static void read_registered(struct modules *m, const char *path, bool last)
{
	struct arena *a = m->rows->arena;
	struct str text = STR(""), line, name, word;
	struct err err = {0};

	if (host_read(m->host, path, a, &text, &err) < 0)
		return;
	for (unsigned n = 1; str_line(&text, &line); n++) {
		struct module *module;
		char *lower;

		for (name = STR(""); str_word(&line, &word) && (last || !name.n);)
			name = word;
		lower = str_dup(a, name);
		for (size_t i = 0; i < name.n; i++)
			if (lower[i] >= 'A' && lower[i] <= 'Z')
				lower[i] = (char)(lower[i] | 0x20);
		module = name.n ? module_named(m, str_of(lower)) : NULL;
		if (!module || module->loaded || module->builtin)
			continue;
		module->builtin = true;
		module->available_from = FROM(path, n);
	}
}

/* Without the kernel's own index, what it has registered shows what is built in: parameters in
 * /sys/module, file systems, protocols. */
static void read_built_in_signs(struct modules *m)
{
	struct host_dir dir = {0};
	struct err err = {0};

	if (!host_is_live(m->host))
		return;
	if (host_list(m->host, "/sys/module", m->rows->arena, &dir, &err) < 0)
		m->builtin_unknown = keep(m, &err);
	for (size_t i = 0; i < dir.n; i++) {
		struct module *module = module_named(m, str_of(dir.entries[i].name));

		module->builtin = !module->loaded;
		module->available_from = FROM("/sys/module", 0);
	}
	read_registered(m, "/proc/filesystems", true);
	read_registered(m, "/proc/net/protocols", false);
}

static void read_indexes(struct modules *m)
{
	struct path_stat st;
	struct err err = {0};
	const char *dir;
	int r = module_directory(m, &dir, &err);

	if (r == 0 && dir)
		r = host_stat(m->host, dir, true, &st, &err);
	/* A tree without a kernel, a container image for one, runs on one that has its own modules. */
	if ((r == -ENOENT || (r == 0 && !dir)) && !host_is_live(m->host))
		r = err_set(&err, EOPNOTSUPP, "offline: no kernel is in the tree");
	if (r < 0 && r != -ENOENT)
		m->available_unknown = m->builtin_unknown = keep(m, &err);
	if (r < 0 || !dir) {
		read_built_in_signs(m);
		return;
	}
	m->available_unknown =
		read_index(m, arena_printf(m->rows->arena, "%s/modules.dep", dir), false);
	m->builtin_unknown =
		read_index(m, arena_printf(m->rows->arena, "%s/modules.builtin", dir), true);
}

/* --- modprobe.d --------------------------------------------------------------------------------
 */

/* Commands that do nothing but end. modprobe gives them to a shell. */
static bool does_nothing(struct str command)
{
	struct str word, more;

	if (!str_word(&command, &word) || (str_word(&command, &more) && more.p[0] != '#'))
		return false;
	return str_is_one_of(word, NAMES("/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true",
									 "false", "true", "/sbin/nologin", ":", "/usr/sbin/nologin"));
}

static void blacklist(struct modules *m, struct str name, struct from from)
{
	struct module *module = module_named(m, name);

	if (!module->blacklisted)
		module->blacklisted_from = from;
	module->blacklisted = module->listed = true;
}

static void add_install(struct modules *m, struct str name, struct str command, struct from from)
{
	struct arena *a = m->rows->arena;
	struct install *install = arena_new(a, struct install, 1);

	name = underscores(a, name);
	*install = (struct install){str_dup(a, name), m->n_installs++, does_nothing(command), from};
	if (!str_is_glob(name)) {
		module_named(m, name)->listed = true;
		if (!map_get(&m->installs, name))
			map_put(&m->installs, name, install);
	} else if (m->patterns.n < MAX_PATTERNS) {
		*vec_push(a, &m->patterns) = install;
	} else if (!m->config_unknown) {
		m->config_unknown = "modprobe.d has too many install lines with wildcards";
	}
}

static void read_command(struct modules *m, struct str line, struct from from)
{
	struct str command, name;

	if (!str_word(&line, &command) || !str_word(&line, &name))
		return;
	if (m->n_commands++ >= MAX_COMMANDS)
		m->config_unknown = "modprobe.d has too many lines";
	else if (str_is(command, "blacklist") && !str_starts(line, "\r"))
		blacklist(m, name, from);
	else if (str_is(command, "install"))
		add_install(m, name, line, from);
}

/* What ends a line elsewhere too, the byte 13, is one like any to modprobe. */
static bool next_line(struct str *text, struct str *ret)
{
	return text->n && str_cut(text, '\n', ret);
}

/* The next line with its continuations; *n counts the lines that were taken. */
static bool whole_line(struct arena *a, struct str *text, struct str *ret, unsigned *n)
{
	_cleanup_buf_ struct buf all = BUF(MAX_LINE);
	struct str line;

	*n = 0;
	if (!next_line(text, &line))
		return false;
	*n = 1;
	*ret = line;
	while (str_ends(line, "\\")) {
		buf_add(&all, line.p, line.n - 1);
		line = STR("");
		*n += next_line(text, &line);
	}
	if (*n > 1) {
		buf_str(&all, line);
		*ret = (struct str){str_dup(a, buf_get(&all)), all.n};
	}
	return true;
}

static void read_modprobe_file(struct modules *m, const char *path)
{
	struct str text, line;
	struct err err = {0};
	unsigned taken;
	int r = host_read(m->host, path, m->rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT && !m->config_unknown)
		m->config_unknown = keep(m, &err);
	for (unsigned n = 1; r == 0 && whole_line(m->rows->arena, &text, &line, &taken); n += taken)
		if (line.n && line.p[0] != '#')
			read_command(m, line, FROM(path, n));
}

static int by_base_name(const void *a, const void *b)
{
	const char *x = ((const struct str *)a)->p, *y = ((const struct str *)b)->p;

	return strcmp(strrchr(x, '/'), strrchr(y, '/'));
}

static void read_modprobe_d(struct modules *m)
{
	static const char *const dirs[] = {"/etc/modprobe.d",           "/run/modprobe.d",
									   "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
									   "/lib/modprobe.d",           NULL};
	static const char *const suffixes[] = {".conf", ".alias"};
	struct arena *a = m->rows->arena;
	VEC(struct str) files = {0};
	struct err err = {0};

	for (size_t s = 0; s < ARRAY_LEN(suffixes); s++) {
		struct str *found;
		size_t n;

		if (host_list_conf(m->host, dirs, suffixes[s], a, &found, &n, &err) < 0) {
			m->config_unknown = keep(m, &err);
			return;
		}
		for (size_t i = 0; i < n; i++)
			*vec_push(a, &files) = found[i];
	}
	if (files.n)
		qsort(files.p, files.n, sizeof(*files.p), by_base_name);
	vec_each(&files, file)
		read_modprobe_file(m, file->p);
}

/* modprobe.blacklist=a,b is for modprobe, module_blacklist=a,b is obeyed by the kernel itself. */
static void read_command_line(struct modules *m)
{
	struct str text, word, name;
	struct err err = {0};

	if (!host_is_live(m->host))
		return;
	if (host_read(m->host, "/proc/cmdline", m->rows->arena, &text, &err) < 0)
		return;
	while (str_word(&text, &word)) {
		bool refuses = str_skip(&word, "module_blacklist=");

		if (!refuses && !str_skip(&word, "modprobe.blacklist="))
			continue;
		while (str_cut(&word, ',', &name)) {
			if (!name.n)
				continue;
			blacklist(m, name, FROM("/proc/cmdline", 0));
			if (refuses)
				map_put(&m->refused, underscores(m->rows->arena, name), m);
		}
	}
}

/* --- rows --------------------------------------------------------------------------------------
 */

static const struct install *install_of(const struct modules *m, struct str name)
{
	const struct install *found = map_get(&m->installs, name);

	for (size_t i = 0; i < m->patterns.n; i++) {
		const struct install *p = m->patterns.p[i];

		if (found && found->number < p->number)
			break;
		if (str_glob(p->pattern, name))
			return p;
	}
	return found;
}

static void set_bool(struct row *row, int column, bool value, const char *unknown, struct from from)
{
	if (unknown && !value) {
		row_unknown(row, column, unknown);
		return;
	}
	row_bool(row, column, value);
	if (value && from.path)
		row_from(row, column, from);
}

/* Loaded or built in settles it; else it takes a file on disk and no command in its place. */
static void set_usable(struct modules *m, struct row *row, const struct module *module,
					   bool disabled, bool disabled_known)
{
	const char *unknown = module->available && !disabled_known ? m->config_unknown
						  : module->available                  ? NULL
															   : m->available_unknown;

	if (module->loaded || module->builtin)
		row_bool(row, USABLE, true);
	else if (m->loaded_unknown && host_is_live(m->host))
		row_unknown(row, USABLE, m->loaded_unknown);
	else if (m->builtin_unknown)
		row_unknown(row, USABLE, m->builtin_unknown);
	else if (disabled)
		row_bool(row, USABLE, false);
	else if (unknown)
		row_unknown(row, USABLE, unknown);
	else
		row_bool(row, USABLE, module->available);
}

/* What decides most about it. */
static struct from source_of(const struct module *module, const struct install *install)
{
	if (install)
		return install->from;
	if (module->blacklisted)
		return module->blacklisted_from;
	if (module->loaded)
		return module->loaded_from;
	return module->available || module->builtin ? module->available_from : FROM("/lib/modules", 0);
}

static void add_row(struct modules *m, struct str name, const struct module *module)
{
	const struct install *install = install_of(m, module->name);
	bool refused = map_get(&m->refused, module->name);
	bool disabled = refused || (install && install->disables && !m->config_unknown);
	struct row *row = rows_add(m->rows, source_of(module, install));

	row_str(row, NAME, name);
	set_bool(row, LOADED, module->loaded, m->loaded_unknown, module->loaded_from);
	set_bool(row, AVAILABLE, module->available, m->available_unknown, module->available_from);
	set_bool(row, BUILTIN, module->builtin, m->builtin_unknown, module->available_from);
	set_bool(row, BLACKLISTED, module->blacklisted, m->config_unknown, module->blacklisted_from);
	set_bool(row, INSTALL_DISABLED, disabled, m->config_unknown,
			 install ? install->from : FROM(NULL, 0));
	set_usable(m, row, module, disabled, disabled || !m->config_unknown);
	if (module->uses >= 0)
		row_int(row, USED_BY, module->uses);
}

static void add_asked(struct modules *m, struct str name)
{
	struct str plain = underscores(m->rows->arena, name);
	const struct module *module = map_get(&m->by_name, plain);

	add_row(m, name, module ? module : &(struct module){.name = plain, .uses = -1});
}

static int read_modules(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct modules m = {.host = host, .rows = rows};

	map_init(&m.by_name, rows->arena);
	map_init(&m.refused, rows->arena);
	map_init(&m.installs, rows->arena);
	read_loaded(&m);
	read_indexes(&m);
	read_modprobe_d(&m);
	read_command_line(&m);
	for (size_t i = 0; i < rows->demand->n; i++)
		add_asked(&m, rows->demand->keys[i]);
	if (!rows->demand->all)
		return 0;
	vec_each(&m.all, module)
		if ((*module)->listed &&
			!demand_has(&(struct demand){.keys = rows->demand->keys, .n = rows->demand->n},
						(*module)->name))
			add_row(&m, (*module)->name, *module);
	if (m.loaded_unknown)
		rows_gap(rows, "%s", m.loaded_unknown);
	if (m.config_unknown)
		rows_gap(rows, "%s", m.config_unknown);
	return 0;
}

#define OWN_FILE "/etc/modprobe.d/revet.conf"

/* Not to be loaded any more, by hardware or by name; and out of the kernel now. */
static bool is_true(const struct value *v)
{
	return v->state == VALUE_SET && v->number;
}

static int set_modules(struct host *host, const struct wish *wish, struct edits *edits,
					   struct err *err)
{
	const struct row *row = wish->row;
	struct str name = row->cells[NAME].string;
	const char *module = str_dup(edits->arena, name);

	if (wish->column != USABLE || wish->value.number)
		return err_set(err, ENOTSUP, "modules are not loaded");
	if (is_true(&row->cells[BUILTIN]))
		return err_set(err, ENOTSUP, "%s is built into the kernel", module);
	edit_key(edits, OWN_FILE, EDIT_SPACE, NULL,
			 str_of(arena_printf(edits->arena, "install %s", module)), STR("/bin/false"));
	/* What is in use cannot be unloaded, SCTP for one never: then it is gone with the next boot. */
	if (host_is_live(host) && is_true(&row->cells[LOADED]) && !is_true(&row->cells[USED_BY]))
		edit_state(edits, "module", module, "loaded", STR("yes"), STR("no"));
	return 0;
}

static const struct table modules = {
	.name = "modules",
	.doc = "Kernel modules that rules name, are loaded, or that modprobe.d speaks of",
	.columns = columns,
	.read = read_modules,
	.set = set_modules,
	.fix = "write `install {name} /bin/false` to /etc/modprobe.d and unload it, unless it is in use",
	.cost = 5,
};
TABLE(modules);
