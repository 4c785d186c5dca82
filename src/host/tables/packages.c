/* SPDX-License-Identifier: Apache-2.0 */
/* The installed packages, from the package managers' own databases. A host may have several. */
#include "host/pacman.h"
#include "host/table.h"

#include "base/num.h"
#include "host/apk.h"
#include "host/dpkg.h"
#include "host/edit.h"
#include "host/fields.h"
#include "host/package_edit.h"
#include "host/package_users.h"
#include "host/rpmdb.h"

#define MAX_TRANSITIONS 3 /* transitional packages on top of each other */

enum {
	NAME, VERSION, ARCHITECTURE, STATE, SECTION, PRIORITY, SOURCE, MAINTAINER, ESSENTIAL, HOLD,
	INSTALLED_SIZE, MANAGER,
};

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name, without architecture", COLUMN_KEY | COLUMN_LABEL},
	[VERSION] = {"version", TYPE_STRING, "[epoch:]version[-release]", 0},
	[ARCHITECTURE] = {"architecture", TYPE_STRING, "As the manager names it: amd64, x86_64, all",
					  0},
	[STATE] = {"state", TYPE_STRING,
			   "installed, or dpkg's config-files (removed, configuration left), half-installed, "
			   "unpacked, half-configured, triggers-awaited, triggers-pending",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[SECTION] = {"section", TYPE_STRING, "Section or group; absent when it has none", 0},
	[PRIORITY] = {"priority", TYPE_STRING, "dpkg: required, important, standard, optional", 0},
	[SOURCE] = {"source", TYPE_STRING, "Source package that it was built from", 0},
	[MAINTAINER] = {"maintainer", TYPE_STRING, "Maintainer, packager or vendor", 0},
	[ESSENTIAL] = {"essential", TYPE_BOOL, "dpkg refuses to remove it", 0},
	[HOLD] = {"hold", TYPE_BOOL, "dpkg: kept at this version; absent with other managers", 0},
	[INSTALLED_SIZE] = {"installed_size", TYPE_SIZE, "As the package declares it", 0},
	[MANAGER] = {"manager", TYPE_STRING, "dpkg, rpm, pacman or apk", 0},
	{0},
};

static void set_size(struct row *row, struct str number, unsigned unit)
{
	uint64_t size;

	if (num_u64(number, 0, (uint64_t)INT64_MAX / unit, &size) == 0)
		row_int(row, INSTALLED_SIZE, (int64_t)(size * unit));
}

/* --- dpkg ------------------------------------------------------------------------------------ */

/* "Source: glibc (2.36-9)"; without the field the source has the package's own name. */
static struct str source_of(const struct dpkg_package *p)
{
	struct str rest = p->source, name = p->name;

	(void)str_word(&rest, &name);
	return name;
}

static void add_dpkg(struct rows *rows, const struct dpkg_package *p)
{
	struct row *row = rows_add(rows, FROM(p->file, p->line));

	row_str(row, NAME, p->name);
	row_str(row, VERSION, p->version);
	row_str(row, ARCHITECTURE, p->architecture);
	row_str(row, STATE, p->state);
	row_str(row, SECTION, p->section);
	row_str(row, PRIORITY, p->priority);
	row_str(row, SOURCE, source_of(p));
	row_str(row, MAINTAINER, p->maintainer);
	row_bool(row, ESSENTIAL, str_is(p->essential, "yes"));
	row_bool(row, HOLD, str_is(p->want, "hold"));
	set_size(row, p->size, 1024);
	row_strz(row, MANAGER, "dpkg");
}

static int read_dpkg(struct host *host, struct rows *rows, const char *path _unused_,
					 struct err *err)
{
	struct dpkg_db db;
	int r = dpkg_read(host, rows->arena, &db, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < db.n; i++)
		add_dpkg(rows, &db.p[i]);
	if (db.gap)
		rows_gap(rows, "%s", db.gap);
	return 0;
}

/* --- what queries answer: a line of name=value fields per package ---------------------------- */

static const struct {
	const char *name;
	int column;
} fields[] = {
	{"name", NAME},       {"version", VERSION}, {"architecture", ARCHITECTURE},
	{"section", SECTION}, {"source", SOURCE},   {"maintainer", MAINTAINER},
};

/* True for the field that a package cannot be without. */
static bool set_field(struct rows *rows, struct row *row, struct str name, struct str value)
{
	if (str_is(name, "size"))
		set_size(row, value, 1);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_is(name, fields[i].name))
			row_str(row, fields[i].column, fields_plain(rows->arena, value));
	return str_is(name, "name") && value.n;
}

static int read_query(struct host *host, struct rows *rows, const struct query *query,
					  const char *path, const char *manager, struct err *err)
{
	struct str text, line, name, value;
	int r = host_query(host, query, rows->arena, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		struct row *row = rows_add(rows, FROM(path, 0));
		bool named = false;

		while (fields_next(&line, &name, &value))
			named |= set_field(rows, row, name, value);
		if (!named)
			rows_gap(rows, "%s: a package without a name", path);
		row_strz(row, STATE, "installed");
		row_strz(row, MANAGER, manager);
	}
	return 0;
}

/* --- rpm ------------------------------------------------------------------------------------- */

/* "openssh-8.7p1-38.el9.src.rpm": what is before the last two dashes. */
static struct str rpm_source(struct str file)
{
	struct str name = file;

	for (int dashes = 0; name.n && dashes < 2;)
		dashes += name.p[--name.n] == '-';
	return name.n ? name : STR_ABSENT;
}

static void put_rpm_version(const struct rpm_header *h, struct buf *out)
{
	struct rpm_numbers epochs = rpm_numbers(h, RPM_EPOCH);
	uint64_t epoch;

	buf_puts(out, " version=");
	if (rpm_number(&epochs, 0, &epoch))
		buf_printf(out, "%llu:", (unsigned long long)epoch);
	fields_escaped(out, rpm_string(h, RPM_VERSION));
	buf_putc(out, '-');
	fields_escaped(out, rpm_string(h, RPM_RELEASE));
}

static void put_rpm_size(const struct rpm_header *h, struct buf *out)
{
	struct rpm_numbers sizes = rpm_numbers(h, RPM_LONG_SIZE);
	uint64_t size;

	if (!sizes.n)
		sizes = rpm_numbers(h, RPM_SIZE);
	if (rpm_number(&sizes, 0, &size))
		buf_printf(out, " size=%llu", (unsigned long long)size);
}

static int put_rpm(const struct rpm_header *h, void *data)
{
	struct buf *out = data;
	struct str packager = rpm_string(h, RPM_PACKAGER);

	if (!rpm_string(h, RPM_NAME).n)
		return -EINVAL;
	fields_put(out, "name", rpm_string(h, RPM_NAME));
	put_rpm_version(h, out);
	fields_put(out, "architecture", rpm_string(h, RPM_ARCH));
	fields_put(out, "section", rpm_string(h, RPM_GROUP));
	fields_put(out, "source", rpm_source(rpm_string(h, RPM_SOURCE_RPM)));
	fields_put(out, "maintainer", packager.p ? packager : rpm_string(h, RPM_VENDOR));
	put_rpm_size(h, out);
	return buf_putc(out, '\n');
}

static int ask_rpm(struct host *host, struct buf *out, struct err *err)
{
	return rpmdb_each(host_root_fd(host), put_rpm, out, err);
}

static const struct query rpm_query = {.name = "rpm-packages", .live = ask_rpm, .tree = true};

static int read_rpm(struct host *host, struct rows *rows, const char *path, struct err *err)
{
	return read_query(host, rows, &rpm_query, path, "rpm", err);
}

/* --- pacman ---------------------------------------------------------------------------------- */

/* Sections of a desc file: a name between percent signs, then its lines. */
static const char *const pacman_sections[][2] = {
	{"%NAME%", "name"},   {"%VERSION%", "version"},     {"%ARCH%", "architecture"},
	{"%BASE%", "source"}, {"%PACKAGER%", "maintainer"}, {"%SIZE%", "size"},
};

static const char *pacman_field(struct str section)
{
	for (size_t i = 0; i < ARRAY_LEN(pacman_sections); i++)
		if (str_is(section, pacman_sections[i][0]))
			return pacman_sections[i][1];
	return NULL;
}

static int put_pacman(const char *dir _unused_, struct str text, void *data)
{
	struct buf *out = data;
	const char *field = NULL;
	struct str line;

	while (str_line(&text, &line)) {
		if (str_starts(line, "%")) {
			field = pacman_field(line);
		} else if (field && line.n) {
			fields_put(out, field, line);
			field = NULL;
		}
	}
	buf_putc(out, '\n');
	return 0;
}

static int ask_pacman(struct host *host, struct buf *out, struct err *err)
{
	return pacman_each(host_root_fd(host), put_pacman, out, err);
}

static const struct query pacman_query = {
	.name = "pacman-packages", .live = ask_pacman, .tree = true};

static int read_pacman(struct host *host, struct rows *rows, const char *path, struct err *err)
{
	return read_query(host, rows, &pacman_query, path, "pacman", err);
}

/* --- apk ------------------------------------------------------------------------------------- */

static void add_apk(struct row *row, struct str package)
{
	static const int column_of[128] = {
		['P'] = NAME + 1,   ['V'] = VERSION + 1,    ['A'] = ARCHITECTURE + 1,
		['o'] = SOURCE + 1, ['m'] = MAINTAINER + 1,
	};
	struct str value;
	char field;

	row_strz(row, STATE, "installed");
	row_strz(row, MANAGER, "apk");
	while (apk_field(&package, &field, &value)) {
		int column = column_of[field & 127];

		if (field == 'I')
			set_size(row, value, 1);
		else if (column)
			row_str(row, column - 1, value);
	}
}

static int read_apk(struct host *host, struct rows *rows, const char *path, struct err *err)
{
	struct str text, package;
	const char *counted;
	unsigned line = 1;
	int r = host_read(host, path, rows->arena, &text, err);

	if (r < 0)
		return r;
	for (counted = text.p; apk_next(&text, &package);) {
		for (; counted < package.p; counted++)
			line += *counted == '\n';
		add_apk(rows_add(rows, FROM(path, line)), package);
	}
	return 0;
}

/* --- all of them ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *paths[6]; /* any of these means that the manager keeps packages here */
	int (*read)(struct host *, struct rows *, const char *path, struct err *);
} managers[] = {
	{"dpkg", {"/var/lib/dpkg/status"}, read_dpkg},
	{"rpm",
	 {"/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages.db",
	  "/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages"},
	 read_rpm},
	{"pacman", {PACMAN_LOCAL}, read_pacman},
	{"apk", {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}, read_apk},
};

/* The first that is there, or whose directory may not be looked into; NULL when none is. */
static const char *find_path(struct host *host, const char *const *paths)
{
	struct path_stat st;
	struct err err = {0};

	for (; *paths; paths++)
		if (host_stat(host, *paths, true, &st, &err) != -ENOENT)
			return *paths;
	return NULL;
}

static int read_packages(struct host *host, struct rows *rows, struct err *err)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(managers); i++) {
		const char *path = find_path(host, managers[i].paths);

		if (!path)
			continue;
		found = true;
		if (managers[i].read(host, rows, path, err) < 0)
			rows_gap(rows, "%s: %s", managers[i].name, err->msg);
	}
	return found ? 0 : err_set(err, ENOENT, "no package database found");
}

/* --- removing -------------------------------------------------------------------------------- */

/* The package goes, and what only exists to lead over to it; what else needs it keeps it. */
static int remove_dpkg(const struct dpkg_db *db, const struct dpkg_package *p, int depth,
					   struct edits *edits, struct err *err)
{
	const char *name = str_dup(edits->arena, p->name);
	const struct dpkg_package *user = NULL;

	if (str_is(p->want, "hold"))
		return err_set(err, ENOTSUP, "somebody keeps the package %s on hold", name);
	if (str_is(p->essential, "yes") || str_is(p->protected, "yes") || str_is(p->priority, "required"))
		return err_set(err, ENOTSUP, "the system needs the package %s", name);
	for (size_t i = 0; i < db->n; i++)
		if (&db->p[i] != p && str_eq(db->p[i].name, p->name))
			return err_set(err, ENOTSUP, "the package %s is there for several architectures", name);
	while ((user = dpkg_needed_by(db, p, user))) {
		int r;

		if (!str_ends(user->section, "oldlibs") || depth == MAX_TRANSITIONS)
			return err_set(err, ENOTSUP, "%.*s needs the package %s", STR_ARG(user->name), name);
		r = remove_dpkg(db, user, depth + 1, edits, err);
		if (r < 0)
			return r;
	}
	edit_state(edits, "package", "dpkg", name, p->version, STR_ABSENT);
	return 0;
}

static int remove_by_dpkg(struct host *host, const char *name, struct edits *edits, struct err *err)
{
	const struct dpkg_package *p;
	struct dpkg_db db = {0};
	int r = dpkg_read(host, edits->arena, &db, err);

	if (r == 0 && db.gap)
		r = err_set(err, ENOTSUP, "%s", db.gap);
	if (r < 0)
		return r;
	p = dpkg_installed(&db, name);
	if (!p)
		return err_set(err, ENOTSUP, "the package %s is neither installed nor removed; see: dpkg --audit",
					   name);
	return remove_dpkg(&db, p, 0, edits, err);
}

/* Managers whose packages can be removed, with what does it: another system's tool is not let at a
 * tree. */
static const struct {
	const char *name, *program;
} removers[] = {{"rpm", "/usr/bin/rpm"}, {"pacman", "/usr/bin/pacman"}, {"apk", APK}};

static int remove_by_other(struct host *host, const char *manager, const char *name, struct str version,
						   struct edits *edits, struct err *err)
{
	const char *program = NULL;
	struct str user = STR_ABSENT;
	struct path_stat st;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(removers); i++)
		if (strcmp(removers[i].name, manager) == 0)
			program = removers[i].program;
	if (!program)
		return err_set(err, ENOTSUP, "the package %s is removed by hand: %s is not asked for that", name,
					   manager);
	if (host_stat(host, program, true, &st, err) < 0)
		return err_set(err, ENOTSUP, "the package %s is removed by hand: there is no %s here", name,
					   program);
	if (strcmp(manager, "apk") == 0)
		return package_remove_apk(host, name, edits, err);
	if (package_is_protected(host, manager, name, edits->arena))
		return err_set(err, ENOTSUP, "%s is told to keep the package %s", manager, name);
	r = package_user(host, manager, name, edits->arena, &user, err);
	if (r == -EEXIST)
		return -(err->errnum = ENOTSUP);
	if (r < 0)
		return r;
	if (user.p)
		return err_set(err, ENOTSUP, "%.*s needs the package %s", STR_ARG(user), name);
	edit_state(edits, "package", manager, name, version, STR_ABSENT);
	return 0;
}

static int set_packages(struct host *host, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const struct row *row = wish->row;
	const char *name, *manager;

	if (wish->column == STATE && wish->n_names && str_is(wish->value.string, "installed"))
		return package_install(host, wish->names, wish->n_names, edits, err);
	if (!row || wish->column >= 0)
		return err_set(err, ENOTSUP, "packages are upgraded and repaired by hand");
	name = str_dup(edits->arena, row->cells[NAME].string);
	manager = row->cells[MANAGER].state == VALUE_SET ? str_dup(edits->arena, row->cells[MANAGER].string)
													 : "nobody";
	if (strcmp(manager, "dpkg") == 0)
		return remove_by_dpkg(host, name, edits, err);
	return remove_by_other(host, manager, name, row->cells[VERSION].string, edits, err);
}

static const struct table packages = {
	.name = "packages",
	.doc = "Packages in the databases of dpkg, rpm, pacman and apk",
	.columns = columns,
	.read = read_packages,
	.multi = true,
	.can_add = true,
	.set = set_packages,
	.fix = "install or remove {name}, and keep its configuration",
	.cost = 2,
};
TABLE(packages);
