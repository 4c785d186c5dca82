/* SPDX-License-Identifier: Apache-2.0 */
/* Where apt gets packages from: sources.list(5), one-line and deb822. */
#include "host/table.h"

#include <ctype.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/apt_priority.h"
#include "host/conf.h"
#include "host/dpkg.h"
#include "host/secret.h"

enum {
	FILE_,
	TYPE,
	URI,
	SCHEME,
	SUITE,
	COMPONENTS,
	SIGNED_BY,
	TRUSTED,
	INSECURE,
	UNDATED,
	NATIVE,
	SECURITY,
	ENABLED,
	PRIORITY,
	OUTRANKED
};

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "Where it is configured", 0},
	[TYPE] = {"type", TYPE_STRING, "deb or deb-src", 0},
	[URI] = {"uri", TYPE_STRING, "Of the archive", COLUMN_KEY | COLUMN_LABEL},
	[SCHEME] = {"scheme", TYPE_STRING, "Of the URI: https, http, file, cdrom, mirror+https, ...",
				0},
	[SUITE] = {"suite", TYPE_STRING, "Suite, or a path that ends in a slash", COLUMN_LABEL},
	[COMPONENTS] = {"components", TYPE_LIST, "main, contrib, ...", 0},
	[SIGNED_BY] =
		{"signed_by", TYPE_STRING,
		 "Key files or fingerprints that it must be signed with, \"inline\" for a key in the "
		 "file itself; absent: any key that apt trusts will do",
		 0},
	[TRUSTED] = {"trusted", TYPE_BOOL, "Used without a valid signature (trusted=yes)", 0},
	[INSECURE] = {"insecure", TYPE_BOOL,
				  "Used without a signature, or with a weak one, when there is no better one "
				  "(allow-insecure=yes, allow-weak=yes, allow-downgrade-to-insecure=yes)",
				  0},
	[UNDATED] = {"undated", TYPE_BOOL,
				 "Its lists are taken however old they are (check-valid-until=no)", 0},
	[NATIVE] =
		{"native", TYPE_BOOL,
		 "Packages of the host's own architecture are taken from it: arch= and target= do not "
		 "leave them out; absent: of source packages",
		 0},
	[SECURITY] = {"security", TYPE_BOOL,
				  "Its suite is the one for security updates of the release that is installed", 0},
	[ENABLED] = {"enabled", TYPE_BOOL, "False: switched off with Enabled: no", 0},
	[PRIORITY] =
		{"priority", TYPE_INT,
		 "What /etc/apt/preferences and APT::Default-Release give all of its packages; absent: "
		 "nothing, so 500 unless the archive itself asks for less",
		 0},
	[OUTRANKED] =
		{"outranked", TYPE_BOOL,
		 "Of a security suite: do these priorities put what is installed, or the release itself, "
		 "before its fixes?",
		 0},
	{0},
};

/* What holds of the whole host. */
struct world {
	struct str codename;     /* of the release; absent: not known */
	struct str architecture; /* of its packages; absent: not known */
	bool is_default;         /* taken by sources that do not say which */
	bool lists;              /* lists of packages are, by those that do not say what */
};

/* What an option or field picks: instead of the usual, besides, and not. Absent: it is not there. */
struct choice {
	struct str set, add, remove;
};

/* What all rows of one line or paragraph share, and the lists that they are the product of. */
struct source {
	struct from from;
	const struct world *world;
	struct str types, uris, suites, components, signed_by;
	struct choice architectures, targets;
	bool trusted, insecure, undated, enabled;
};

typedef VEC(struct str) strings;

static strings words(struct arena *a, struct str text)
{
	strings list = {0};
	struct str line, word;

	while (str_line(&text, &line)) {
		if (str_starts(line, "#")) /* a comment among continuation lines */
			continue;
		while (str_word(&line, &word))
			*vec_push(a, &list) = word;
	}
	return list;
}

static struct str scheme_of(struct str uri)
{
	struct str scheme = STR_ABSENT;

	if (str_has_char(uri, ':'))
		(void)str_cut(&uri, ':', &scheme);
	return scheme;
}

/* The release's own suite, by its codename or by how far back it is. */
static bool is_release(struct str suite, struct str codename)
{
	return str_is_one_of(suite, NAMES("stable", "oldstable", "oldoldstable", "testing")) ||
		   (codename.n && str_eq(suite, codename));
}

/* bookworm-security; up to Debian 10 buster/updates. */
static bool is_security(struct str suite, struct str codename)
{
	static const char *const endings[] = {"-security", "/updates"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		struct str head = suite;

		if (!str_ends(suite, endings[i]))
			continue;
		head.n -= strlen(endings[i]);
		if (!codename.n || is_release(head, codename))
			return true;
	}
	return false;
}

/* Between blanks or commas. */
static bool lists(struct str list, struct str item)
{
	while (list.n) {
		size_t n = 0;

		while (n < list.n && list.p[n] != ',' && !isspace((unsigned char)list.p[n]))
			n++;
		if (str_eq((struct str){list.p, n}, item))
			return true;
		n = MIN(n + 1, list.n);
		list = (struct str){list.p + n, list.n - n};
	}
	return false;
}

static bool chooses(const struct choice *c, struct str item, bool is_default)
{
	bool is_set = c->set.p ? lists(c->set, item) : is_default;

	return (is_set || lists(c->add, item)) && !lists(c->remove, item);
}

/* Of a path apt takes the one list there is, whatever architectures it has. */
static void set_native(struct row *row, const struct source *s, struct str suite)
{
	const struct choice *c = &s->architectures;
	const struct world *w = s->world;

	if (!chooses(&s->targets, STR("Packages"), w->lists))
		row_bool(row, NATIVE, false);
	else if (str_ends(suite, "/") ||
			 (!w->architecture.n && w->is_default && !c->set.p && !c->remove.p))
		row_bool(row, NATIVE, true);
	else if (w->architecture.n)
		row_bool(row, NATIVE, chooses(c, w->architecture, w->is_default));
	else
		row_unknown(row, NATIVE, "the architecture of this host's packages is not known");
}

static void add_row(struct rows *rows, const struct source *s, struct str type, struct str uri,
					struct str suite, const strings *components)
{
	struct row *row = rows_add(rows, s->from);

	row_strz(row, FILE_, s->from.path);
	row_str(row, TYPE, type);
	row_str(row, URI, secret_masked_urls(rows->arena, uri));
	row_str(row, SCHEME, scheme_of(uri));
	row_str(row, SUITE, suite);
	if (components->n)
		row_list(row, COMPONENTS, components->p, components->n);
	row_str(row, SIGNED_BY, s->signed_by);
	row_bool(row, TRUSTED, s->trusted);
	row_bool(row, INSECURE, s->insecure);
	row_bool(row, UNDATED, s->undated);
	if (str_is(type, "deb"))
		set_native(row, s, suite);
	row_bool(row, SECURITY, is_security(suite, s->world->codename));
	row_bool(row, ENABLED, s->enabled);
}

/* A paragraph means every combination of its types, URIs and suites. */
static void add_source(struct rows *rows, const struct source *s)
{
	strings types = words(rows->arena, s->types), uris = words(rows->arena, s->uris);
	strings suites = words(rows->arena, s->suites);
	strings components = words(rows->arena, s->components);

	if (!types.n || !uris.n || !suites.n) {
		rows_gap(rows, "%s:%u: a source without type, URI or suite", s->from.path, s->from.line);
		return;
	}
	if (types.n > 64 || uris.n > 64 || suites.n > 64) {
		rows_gap(rows, "%s:%u: a source of too many combinations", s->from.path, s->from.line);
		return;
	}
	for (size_t t = 0; t < types.n; t++)
		for (size_t u = 0; u < uris.n; u++)
			for (size_t i = 0; i < suites.n; i++)
				add_row(rows, s, types.p[t], uris.p[u], suites.p[i], &components);
}

static bool is_insecure(struct str option)
{
	return str_is_nocase(option, "allow-insecure") || str_is_nocase(option, "allow-weak") ||
		   str_is_nocase(option, "allow-downgrade-to-insecure");
}

/* --- one-line style ------------------------------------------------------------------------ */

/* apt takes these names as they are written, those of fields without case. */
static void set_option(struct source *s, struct str option)
{
	const struct {
		const char *name;
		struct str *value;
	} texts[] = {
		{"signed-by", &s->signed_by},     {"arch", &s->architectures.set},
		{"arch+", &s->architectures.add}, {"arch-", &s->architectures.remove},
		{"target", &s->targets.set},      {"target+", &s->targets.add},
		{"target-", &s->targets.remove},
	};
	struct str name;

	if (!str_cut(&option, '=', &name) || !option.p)
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_is(name, texts[i].name))
			*texts[i].value = option;
	if (str_is_nocase(name, "trusted"))
		s->trusted = apt_bool(option, false);
	else if (str_is_nocase(name, "check-valid-until"))
		s->undated = !apt_bool(option, true);
	else if (is_insecure(name))
		s->insecure = s->insecure || apt_bool(option, false);
}

/* What is before a '#' outside brackets and quotes, where apt ends the line. */
static struct str without_comment(struct str line)
{
	const char *hash = line.n ? memchr(line.p, '#', line.n) : NULL;

	return hash ? (struct str){line.p, (size_t)(hash - line.p)} : line;
}

/* How long the word is that a line starts with: quotes and brackets hold blanks together, as in
 * cdrom:[Debian 12.5 - Release]/. -1: they do not end. */
static ssize_t word_length(struct str line)
{
	size_t i = 0;

	for (; i < line.n && !isspace((unsigned char)line.p[i]); i++) {
		char until = line.p[i] == '[' ? ']' : '"';
		const char *end;

		if (line.p[i] != '[' && line.p[i] != '"')
			continue;
		end = memchr(line.p + i + 1, until, line.n - i - 1);
		if (!end)
			return -1;
		i = (size_t)(end - line.p);
	}
	return (ssize_t)i;
}

/* The next word as apt takes it, without its quotes, %41 being an A. */
static bool take_word(struct arena *a, struct str *line, struct str *ret)
{
	struct str rest = str_trim(*line);
	ssize_t length = word_length(rest);
	size_t n = 0;
	char *p;

	if (length <= 0)
		return false;
	p = arena_alloc(a, (size_t)length + 1);
	for (size_t i = 0; i < (size_t)length; i++) {
		uint64_t byte;

		if (rest.p[i] == '%' && i + 2 < (size_t)length && isxdigit((unsigned char)rest.p[i + 1]) &&
			isxdigit((unsigned char)rest.p[i + 2]) &&
			num_hex((struct str){rest.p + i + 1, 2}, UINT8_MAX, &byte) == 0) {
			p[n++] = (char)byte;
			i += 2;
		} else if (rest.p[i] != '"') {
			p[n++] = rest.p[i];
		}
	}
	*ret = (struct str){p, n};
	*line = (struct str){rest.p + length, rest.n - (size_t)length};
	return true;
}

static bool is_type(struct str s)
{
	return str_is(s, "deb") || str_is(s, "deb-src");
}

/* deb [signed-by=FILE trusted=yes] URI SUITE COMPONENT... */
static bool parse_line(struct arena *a, struct str line, struct source *s, strings *components)
{
	struct str options, word;

	if (!take_word(a, &line, &s->types) || !is_type(s->types))
		return false;
	line = str_trim(line);
	if (str_skip(&line, "[")) {
		(void)str_cut(&line, ']', &options);
		while (take_word(a, &options, &word))
			set_option(s, word);
		if (str_trim(options).n || !line.p)
			return false;
	}
	if (!take_word(a, &line, &s->uris) || !take_word(a, &line, &s->suites))
		return false;
	while (take_word(a, &line, &word))
		*vec_push(a, components) = word;
	return !str_trim(line).n;
}

static void read_line(struct rows *rows, struct from from, const struct world *world,
					  struct str line)
{
	struct source s = {.from = from, .enabled = true, .world = world};
	strings components = {0};

	line = str_trim(without_comment(line));
	if (!line.n)
		return;
	if (parse_line(rows->arena, line, &s, &components))
		add_row(rows, &s, s.types, s.uris, s.suites, &components);
	else
		rows_gap(rows, "%s:%u: not a line that apt understands", from.path, from.line);
}

static void read_list(struct rows *rows, const char *path, const struct world *world,
					  struct str text)
{
	struct str line;

	for (unsigned number = 1; str_line(&text, &line); number++)
		read_line(rows, FROM(path, number), world, line);
}

/* --- deb822 ---------------------------------------------------------------------------------- */

static void set_field(struct source *s, struct str name, struct str value)
{
	static const struct {
		const char *name;
		size_t offset;
	} lists[] = {
		{"Types", offsetof(struct source, types)},
		{"URIs", offsetof(struct source, uris)},
		{"Suites", offsetof(struct source, suites)},
		{"Components", offsetof(struct source, components)},
		{"Architectures", offsetof(struct source, architectures.set)},
		{"Architectures-Add", offsetof(struct source, architectures.add)},
		{"Architectures-Remove", offsetof(struct source, architectures.remove)},
		{"Targets", offsetof(struct source, targets.set)},
		{"Targets-Add", offsetof(struct source, targets.add)},
		{"Targets-Remove", offsetof(struct source, targets.remove)},
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_is_nocase(name, lists[i].name))
			*(struct str *)(void *)((char *)s + lists[i].offset) = value;
	if (str_is_nocase(name, "Signed-By"))
		s->signed_by = str_has(value, "-----BEGIN") ? STR("inline") : deb822_first_line(value);
	else if (str_is_nocase(name, "Trusted"))
		s->trusted = apt_bool(deb822_first_line(value), false);
	else if (str_is_nocase(name, "Check-Valid-Until"))
		s->undated = !apt_bool(deb822_first_line(value), true);
	else if (is_insecure(name))
		s->insecure = s->insecure || apt_bool(deb822_first_line(value), false);
	else if (str_is_nocase(name, "Enabled"))
		s->enabled = apt_bool(deb822_first_line(value), false);
}

static void read_deb822(struct rows *rows, const char *path, const struct world *world,
						struct str text)
{
	struct deb822 d = {text, 1};
	struct deb822_field field;

	while (deb822_paragraph(&d)) {
		struct source s = {.enabled = true, .world = world};

		while (deb822_field(&d, &field)) {
			if (!s.from.path)
				s.from = FROM(path, field.line);
			if (field.value.p)
				set_field(&s, field.name, field.value);
			else
				rows_gap(rows, "%s:%u: not a field", path, field.line);
		}
		if (s.from.path)
			add_source(rows, &s);
	}
}

/* --- files ----------------------------------------------------------------------------------- */

static void read_file(struct host *host, struct rows *rows, const struct world *world,
					  const char *path)
{
	struct err err = {0};
	struct str text;
	int r = host_read(host, path, rows->arena, &text, &err);

	if (r == -ENOENT)
		return;
	if (r < 0)
		rows_gap(rows, "%s", err.msg);
	else if (str_ends(str_of(path), ".sources"))
		read_deb822(rows, path, world, text);
	else
		read_list(rows, path, world, text);
}

/* apt passes over names with other characters, such as those that editors leave. */
static bool is_part(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	if (*name == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.:", *name))
			return false;
	return true;
}

static struct str codename_of(struct host *host, struct arena *a)
{
	struct conf conf = {0};
	struct err ignored = {0};
	const struct conf_item *item;
	struct str name;

	(void)conf_read(host, a, "/etc/os-release", CONF_EQUALS, &conf, &ignored);
	item = conf_last(&conf, NULL, "VERSION_CODENAME");
	name = item ? item->value : STR_ABSENT;
	if (str_skip(&name, "\"") && str_ends(name, "\""))
		name.n--;
	return name;
}

/* apt's own package is of the architecture that apt takes for the host's. Where its configuration names
 * another one, that is the default. */
static struct world world_of(struct host *host, struct arena *a, const struct apt_conf *conf)
{
	const struct apt_item *item = apt_conf_last(conf, "APT::Architecture");
	struct world w = {.codename = codename_of(host, a)};
	const struct dpkg_package *apt;
	struct dpkg_db db = {0};
	struct err ignored = {0};

	if (dpkg_read(host, a, &db, &ignored) == 0 && (apt = dpkg_installed(&db, "apt")))
		w.architecture = apt->architecture;
	w.is_default = !item || str_eq(item->value, w.architecture);
	w.lists = apt_conf_bool(conf, "Acquire::IndexTargets::deb::Packages::DefaultEnabled", true);
	return w;
}

static struct apt_suite suite_of(const struct row *row, struct str codename)
{
	const struct value *cells = row->cells;
	const struct value *components = &cells[COMPONENTS];

	return (struct apt_suite){
		.uri = cells[URI].string,
		.suite = cells[SUITE].string,
		.component = components->state == VALUE_ABSENT ? STR("")
					 : components->list.n == 1         ? components->list.items[0]
													   : STR_ABSENT,
		.in_use = cells[ENABLED].number && str_is(cells[TYPE].string, "deb"),
		.security = cells[SECURITY].number,
		.release = is_release(cells[SUITE].string, codename),
	};
}

static void set_priorities(struct host *host, struct rows *rows, struct str codename)
{
	struct apt_suite *all = arena_new(rows->arena, struct apt_suite, rows->n);

	for (size_t i = 0; i < rows->n; i++)
		all[i] = suite_of(rows->p[i], codename);
	apt_prioritise(host, rows->arena, all, rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		if (all[i].unknown)
			row_unknown(rows->p[i], PRIORITY, all[i].unknown);
		else if (all[i].priority)
			row_int(rows->p[i], PRIORITY, all[i].priority);
		if (all[i].security && all[i].rank_unknown)
			row_unknown(rows->p[i], OUTRANKED, all[i].rank_unknown);
		else if (all[i].security)
			row_bool(rows->p[i], OUTRANKED, all[i].outranked);
	}
}

static int read_apt_sources(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const suffixes[] = {".list", ".sources"};

	struct world world;
	struct apt_conf conf;
	const char *elsewhere;

	apt_conf_read(host, rows->arena, &conf);
	world = world_of(host, rows->arena, &conf);
	elsewhere = conf.gap ? conf.gap : apt_conf_elsewhere(&conf, rows->arena);
	if (elsewhere)
		rows_gap(rows, "%s", elsewhere);
	read_file(host, rows, &world, "/etc/apt/sources.list");
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct str *files;
		size_t n;

		if (host_list_files(host, "/etc/apt/sources.list.d", suffixes[i], rows->arena, &files, &n,
							err) < 0) {
			rows_gap(rows, "%s", err->msg);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			if (is_part(files[k].p))
				read_file(host, rows, &world, files[k].p);
	}
	set_priorities(host, rows, world.codename);
	return 0;
}

static const struct table apt_sources = {
	.name = "apt_sources",
	.doc = "Package sources of apt, one for each type, URI and suite",
	.columns = columns,
	.read = read_apt_sources,
	.multi = true,
};
TABLE(apt_sources);
