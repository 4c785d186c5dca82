/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apt_lists.h"

#include "base/map.h"
#include "base/vec.h"
#include "host/dpkg.h"
#include "host/fields.h"
#include "host/unpack.h"

#define STATUS "/var/lib/dpkg/status"
#define LIKELY_BITS 65536

/* What the Release file of an archive says of it. */
struct release {
	const char *stem; /* what the names of its lists begin with */
	struct str archive;
	bool security;
	bool reluctant; /* NotAutomatic: priority 1, or 100 with ButAutomaticUpgrades */
	bool upgrades;
};

struct offer {
	struct str version;
	struct str archives; /* that have it, with commas between */
	const struct release *last;
};

struct installed {
	const struct dpkg_package *package;
	struct installed *same_name; /* of another architecture */
	struct offer best;           /* newest above the installed version, from an ordinary archive */
	struct offer reluctant;      /* the same from one with priority 100 */
	bool offered;                /* an ordinary archive has the installed version */
	bool security;               /* a newer version is in a security archive */
};

struct reader {
	struct arena arena;
	int root_fd;
	struct dpkg_db db;
	struct map by_name; /* -> struct installed */
	uint64_t likely[LIKELY_BITS / 64]; /* by mix(): no bit, not in by_name */
	VEC(struct installed *) all;
	VEC(struct release) releases;
	const struct release *release; /* of the list that is being read */
	bool security;                 /* a list of a security archive was read */
	struct buf *out;
};

static void reader_done(struct reader *r)
{
	arena_done(&r->arena);
}

static void put_gap(struct reader *r, const char *why)
{
	buf_puts(r->out, "gap=");
	fields_escaped(r->out, str_of(why));
	buf_putc(r->out, '\n');
}

/* Of sixty packages in the lists one is installed, so most are told apart by less than a lookup in a
 * map that nobody can make collide. */
static size_t mix(struct str name)
{
	uint64_t head = 0;

	memcpy(&head, name.p, MIN(name.n, sizeof(head)));
	if (name.n > sizeof(head))
		head ^= (uint64_t)(unsigned char)name.p[name.n - 1] << 32;
	return (size_t)(((head ^ name.n) * 0x9e3779b97f4a7c15u) >> 48) % LIKELY_BITS;
}

static struct installed *find_installed(const struct reader *r, struct str name)
{
	size_t bit = mix(name);

	if (!(r->likely[bit / 64] >> bit % 64 & 1))
		return NULL;
	return map_get(&r->by_name, name);
}

/* --- what is installed ----------------------------------------------------------------------- */

static void want(struct reader *r, const struct dpkg_package *p)
{
	struct installed *in = arena_new(&r->arena, struct installed, 1);

	in->package = p;
	in->same_name = map_put(&r->by_name, p->name, in);
	r->likely[mix(p->name) / 64] |= (uint64_t)1 << mix(p->name) % 64;
	*vec_push(&r->arena, &r->all) = in;
}

static int read_status(struct reader *r, struct err *err)
{
	struct str text;
	int result = path_read(r->root_fd, STATUS, HOST_MAX_FILE, &r->arena, &text);

	if (result < 0)
		return err_errno(err, -result, STATUS);
	dpkg_parse(&r->arena, text, STATUS, &r->db);
	if (r->db.gap)
		put_gap(r, r->db.gap);
	map_init(&r->by_name, &r->arena);
	return 0;
}

static void want_installed(struct reader *r)
{
	for (size_t i = 0; i < r->db.n; i++)
		if (!str_is(r->db.p[i].state, "config-files") && r->db.p[i].version.n)
			want(r, &r->db.p[i]);
}

/* --- archives -------------------------------------------------------------------------------- */

static bool is_yes(struct str value)
{
	return str_is_nocase(deb822_first_line(value), "yes");
}

static void set_release_field(struct release *rel, const struct deb822_field *field)
{
	struct str value = field->value;

	if (str_is_nocase(field->name, "Label"))
		rel->security |= str_is(value, "Debian-Security");
	else if (str_is_nocase(field->name, "NotAutomatic"))
		rel->reluctant = is_yes(value);
	else if (str_is_nocase(field->name, "ButAutomaticUpgrades"))
		rel->upgrades = is_yes(value);
	else if (str_is_nocase(field->name, "Suite") ||
			 (str_is_nocase(field->name, "Codename") && !rel->archive.n))
		rel->archive = deb822_first_line(value);
	else
		return;
	/* Ubuntu's and others' are only to be told by their names. */
	rel->security |= str_ends(rel->archive, "-security");
}

static void read_release(struct reader *r, struct str name, struct str stem)
{
	char *path = arena_printf(&r->arena, APT_LISTS "/%.*s", STR_ARG(name));
	struct release *rel = vec_push(&r->arena, &r->releases);
	struct deb822_field field;
	struct deb822 d = {.line = 1};
	struct str line;
	int result = path_read(r->root_fd, path, HOST_MAX_FILE, &r->arena, &d.rest);

	*rel = (struct release){.stem = str_dup(&r->arena, stem), .archive = STR("")};
	if (result < 0) {
		put_gap(r, arena_printf(&r->arena, "%s: %s", path, strerror(-result)));
		return;
	}
	/* The headers of a signed message end at a blank line. */
	if (str_starts(d.rest, "-----BEGIN"))
		while (str_line(&d.rest, &line) && line.n)
			continue;
	(void)deb822_paragraph(&d);
	while (deb822_field(&d, &field))
		if (field.value.p)
			set_release_field(rel, &field);
}

static const struct release *release_of(const struct reader *r, struct str list)
{
	static const struct release unknown = {.stem = "", .archive = {"", 0}};
	const struct release *best = &unknown;

	for (size_t i = 0; i < r->releases.n; i++) {
		const struct release *rel = &r->releases.p[i];

		if (strlen(rel->stem) > strlen(best->stem) && str_starts(list, rel->stem))
			best = rel;
	}
	return best;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void add_archive(struct reader *r, struct offer *offer)
{
	struct str archive = r->release->archive;

	if (offer->last == r->release || !archive.n)
		return;
	offer->last = r->release;
	offer->archives = offer->archives.n
						  ? str_of(arena_printf(&r->arena, "%.*s,%.*s", STR_ARG(offer->archives),
												STR_ARG(archive)))
						  : archive;
}

static void take_offer(struct reader *r, struct offer *best, struct str version)
{
	int newer = best->version.p ? dpkg_version_cmp(version, best->version) : 1;

	if (newer > 0)
		*best = (struct offer){.version = {str_dup(&r->arena, version), version.n}};
	if (newer >= 0)
		add_archive(r, best);
}

static void compare(struct reader *r, struct installed *in, struct str version)
{
	int newer = dpkg_version_cmp(version, in->package->version);
	bool reluctant = r->release->reluctant;

	if (newer == 0)
		in->offered |= !reluctant;
	if (newer <= 0 || (reluctant && !r->release->upgrades))
		return;
	take_offer(r, reluctant ? &in->reluctant : &in->best, version);
	in->security |= r->release->security;
}

static bool same_architecture(struct str a, struct str b)
{
	return str_eq(a, b) || str_is(a, "all") || str_is(b, "all");
}

static void read_details(struct reader *r, struct installed *in, struct str paragraph)
{
	struct str version = STR_ABSENT, architecture = STR_ABSENT;
	struct deb822 d = {paragraph, 1};
	struct deb822_field field;

	while ((!version.p || !architecture.p) && deb822_field(&d, &field)) {
		if (str_is_nocase(field.name, "Version"))
			version = field.value;
		else if (str_is_nocase(field.name, "Architecture"))
			architecture = field.value;
	}
	for (; in && version.n; in = in->same_name)
		if (same_architecture(in->package->architecture, architecture))
			compare(r, in, version);
}

static void read_paragraph(struct reader *r, struct str paragraph)
{
	struct str rest = paragraph, name;
	struct installed *in;

	/* Every archive's tool writes the name first. */
	if (!str_skip(&rest, "Package:") || !str_line(&rest, &name))
		return;
	in = find_installed(r, str_trim(name));
	if (in)
		read_details(r, in, paragraph);
}

typedef unsigned char bytes __attribute__((vector_size(16)));

/* How many bytes at the beginning hold no two newlines in a row for sure: a multiple of 16. */
static size_t skip_lines(struct str s)
{
	const bytes newline = (bytes){0} + (unsigned char)'\n';
	size_t at = 0;

	for (; at + sizeof(bytes) < s.n; at += sizeof(bytes)) {
		bytes here, next;
		uint64_t both[2];

		memcpy(&here, s.p + at, sizeof(here));
		memcpy(&next, s.p + at + 1, sizeof(next));
		here = (bytes)(here == newline) & (bytes)(next == newline);
		memcpy(both, &here, sizeof(both));
		if (both[0] | both[1])
			break;
	}
	return at;
}

/* The newline before a blank line; NULL when there is none. Twice as fast as a memchr(3) for each
 * line, and this is where the time goes. */
static const char *find_end(struct str s)
{
	for (size_t at = skip_lines(s); at + 1 < s.n; at++)
		if (s.p[at] == '\n' && s.p[at + 1] == '\n')
			return s.p + at;
	return NULL;
}

/* Handles the whole paragraphs in the text; returns the bytes that they took. The largest in Debian are
 * below 100 KiB, which a piece holds. */
static size_t read_paragraphs(void *data, struct str text, bool last)
{
	struct reader *r = data;
	struct str rest = text;

	while (rest.n) {
		const char *end;

		if (rest.p[0] == '\n') {
			rest.p++;
			rest.n--;
			continue;
		}
		end = find_end(rest);
		if (!end && !last)
			break;
		if (!end)
			end = rest.p + rest.n;
		read_paragraph(r, (struct str){rest.p, (size_t)(end - rest.p)});
		rest.n -= (size_t)(end - rest.p);
		rest.p = end;
	}
	return text.n - rest.n;
}

static void read_list(struct reader *r, struct str name)
{
	_cleanup_(unpack_freep) struct unpack *u = NULL;
	char *path = arena_printf(&r->arena, APT_LISTS "/%.*s", STR_ARG(name));
	struct err err = {0};
	int result = unpack_open_path(r->root_fd, path, &u, &err);

	r->release = release_of(r, name);
	if (result == 0) {
		result = unpack_each(u, read_paragraphs, r);
		if (result < 0)
			err_errno(&err, -result, "%s", path);
	}
	if (result < 0)
		put_gap(r, err.msg);
	r->security |= r->release->security;
}

static bool is_list(struct str name)
{
	static const char *const suffixes[] = {".lz4", ".zst", ".xz", ".gz", ".bz2"};

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			name.n -= strlen(suffixes[i]);
	return str_ends(name, "_Packages");
}

static int read_lists(struct reader *r, struct err *err)
{
	struct path_entry *entries = NULL;
	size_t n = 0, lists = 0;
	bool more = false;
	int result = path_list(r->root_fd, APT_LISTS, HOST_MAX_DIR, &r->arena, &entries, &n, &more);

	if (result < 0 && result != -ENOENT)
		return err_errno(err, -result, APT_LISTS);
	if (more)
		put_gap(r, APT_LISTS ": too many files");
	for (size_t i = 0; i < n; i++) {
		struct str name = str_of(entries[i].name), stem = name;

		stem.n -= str_ends(name, "_InRelease") ? 9 : str_ends(name, "_Release") ? 7 : 0;
		if (stem.n < name.n)
			read_release(r, name, stem);
	}
	for (size_t i = 0; i < n; i++) {
		if (is_list(str_of(entries[i].name))) {
			read_list(r, str_of(entries[i].name));
			lists++;
		}
	}
	if (!lists)
		put_gap(r, APT_LISTS " holds no package lists; run: apt update");
	if (!r->security)
		buf_puts(r->out, APT_NO_SECURITY "\n");
	return 0;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void put_upgrade(struct reader *r, const struct installed *in)
{
	const struct offer *offer = &in->best;

	if (!offer->version.p && !in->offered)
		offer = &in->reluctant;
	if (!offer->version.p)
		return;
	buf_puts(r->out, "name=");
	fields_escaped(r->out, in->package->name);
	fields_put(r->out, "architecture", in->package->architecture);
	fields_put(r->out, "installed", in->package->version);
	fields_put(r->out, "candidate", offer->version);
	fields_put(r->out, "archive", offer->archives);
	if (in->security)
		buf_puts(r->out, " security");
	buf_putc(r->out, '\n');
}

static int ask_apt(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_(reader_done) struct reader r = {.root_fd = host_root_fd(host), .out = out};
	int result = read_status(&r, err);

	if (result < 0)
		return result;
	want_installed(&r);
	result = read_lists(&r, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < r.all.n; i++)
		put_upgrade(&r, r.all.p[i]);
	return 0;
}

const struct query apt_upgrades_query = {.name = "apt-upgrades", .live = ask_apt, .tree = true};

/* --- one that is not there --------------------------------------------------------------------- */

/* As if it were installed in a version older than any, for dpkg's own architecture. */
static int ask_offer(struct host *host, const void *data, struct buf *out, struct err *err)
{
	_cleanup_(reader_done) struct reader r = {.root_fd = host_root_fd(host), .out = out};
	struct dpkg_package wanted = {.name = str_of(data), .version = STR(""), .architecture = STR("all")};
	const struct dpkg_package *dpkg;
	int result = read_status(&r, err);

	if (result < 0)
		return result;
	dpkg = dpkg_installed(&r.db, "dpkg");
	if (dpkg)
		wanted.architecture = dpkg->architecture;
	want(&r, &wanted);
	result = read_lists(&r, err);
	if (result == 0)
		put_upgrade(&r, r.all.p[0]);
	return result;
}

int apt_offer(struct host *host, const char *name, struct arena *a, struct str *ret_version,
			  struct err *err)
{
	const char *question = arena_printf(a, "apt-offer %s", name), *gap = NULL;
	struct query query = {.name = question, .live_with = ask_offer, .data = name, .tree = true};
	struct str text, line, field, value;
	int r = host_query(host, &query, a, &text, err);

	if (r < 0)
		return r;
	*ret_version = STR_ABSENT;
	while (str_line(&text, &line)) {
		if (str_skip(&line, "gap="))
			gap = gap ? gap : str_dup(a, fields_plain(a, line));
		else
			while (fields_next(&line, &field, &value))
				if (str_is(field, "candidate"))
					*ret_version = fields_plain(a, value);
	}
	if (ret_version->p)
		return 0;
	return gap ? err_set(err, ENOENT, "%s: not offered: %s", name, gap)
			   : err_set(err, ENOENT, "%s: no package source offers it", name);
}
