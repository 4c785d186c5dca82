/* SPDX-License-Identifier: Apache-2.0 */
#include "host/dpkg.h"

#include "base/vec.h"

#define STATUS "/var/lib/dpkg/status"
#define UPDATES "/var/lib/dpkg/updates"

static struct str take_line(struct deb822 *d)
{
	struct str line = {d->rest.p, 0};

	if (str_line(&d->rest, &line))
		d->line++;
	return line;
}

static bool is_blank(struct str line)
{
	return !str_trim(line).n;
}

bool deb822_paragraph(struct deb822 *d)
{
	struct deb822 ahead = *d;

	while (ahead.rest.n) {
		struct str line = take_line(&ahead);

		if (!is_blank(line) && line.p[0] != '#')
			return true;
		*d = ahead;
	}
	return false;
}

/* What follows a field's first line and still belongs to it: indented lines, and the comments that
 * apt allows between them. */
static bool continues(struct str rest)
{
	struct str line;

	if (!rest.n)
		return false;
	if (rest.p[0] == '#')
		return true;
	return (rest.p[0] == ' ' || rest.p[0] == '\t') && str_line(&rest, &line) && !is_blank(line);
}

bool deb822_field(struct deb822 *d, struct deb822_field *ret)
{
	struct str line, name, value;
	unsigned at;

	do {
		at = d->line;
		line = take_line(d);
	} while (line.n && line.p[0] == '#');
	if (!line.n || is_blank(line))
		return false;
	value = line;
	str_cut(&value, ':', &name);
	if (value.p) {
		const char *end = line.p + line.n;

		while (continues(d->rest)) {
			line = take_line(d);
			end = line.p + line.n;
		}
		value = str_trim((struct str){value.p, (size_t)(end - value.p)});
	}
	*ret = (struct deb822_field){str_trim(name), value, at};
	return true;
}

struct str deb822_first_line(struct str value)
{
	struct str line = {value.p, 0};

	(void)str_line(&value, &line);
	return str_trim(line);
}

#define FIELD(literal, member)                                              \
	{                                                                       \
		literal, sizeof(literal) - 1, offsetof(struct dpkg_package, member) \
	}

/* Which member a field of the status file goes to. Status is kept in `state` until it is split. */
static const struct {
	const char *name;
	size_t n, offset;
} fields[] = {
	FIELD("Package", name),        FIELD("Status", state),
	FIELD("Version", version),     FIELD("Architecture", architecture),
	FIELD("Section", section),     FIELD("Priority", priority),
	FIELD("Source", source),       FIELD("Maintainer", maintainer),
	FIELD("Essential", essential), FIELD("Installed-Size", size),
	FIELD("Protected", protected), FIELD("Pre-Depends", pre_depends),
	FIELD("Depends", depends),     FIELD("Provides", provides),
};

static void keep_field(struct dpkg_package *package, const struct deb822_field *field)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (field->name.n == fields[i].n && str_is_nocase(field->name, fields[i].name)) {
			struct str *to = (struct str *)(void *)((char *)package + fields[i].offset);

			*to = deb822_first_line(field->value);
			return;
		}
	}
}

/* "want flag state"; false when there are not three words. */
static bool split_status(struct dpkg_package *package)
{
	struct str rest = package->state, flag;

	return str_word(&rest, &package->want) && str_word(&rest, &flag) &&
		   str_word(&rest, &package->state);
}

static struct dpkg_package parse_paragraph(struct deb822 *d, const char *file)
{
	struct dpkg_package package = {.file = file, .line = d->line};
	struct deb822_field field;

	while (deb822_field(d, &field))
		if (field.value.p)
			keep_field(&package, &field);
	return package;
}

void dpkg_parse(struct arena *a, struct str text, const char *file, struct dpkg_db *db)
{
	struct deb822 d = {text, 1};

	while (deb822_paragraph(&d)) {
		struct dpkg_package package = parse_paragraph(&d, file);

		if (!package.name.n || !split_status(&package)) {
			if (!db->gap)
				db->gap = arena_printf(a, "%s:%u: a package without a name or status", file,
									   package.line);
			continue;
		}
		if (!str_is(package.state, "not-installed"))
			*vec_push(a, db) = package;
	}
}

/* The journal of a dpkg that did not finish: each file holds a paragraph that replaces the one in
 * status. */
static void apply_updates(struct dpkg_db *db, const struct dpkg_db *updates, struct arena *a)
{
	if (!db->gap)
		db->gap = updates->gap;
	for (size_t i = 0; i < updates->n; i++) {
		const struct dpkg_package *update = &updates->p[i];
		size_t at = 0;

		while (at < db->n && (!str_eq(db->p[at].name, update->name) ||
							  !str_eq(db->p[at].architecture, update->architecture)))
			at++;
		*(at < db->n ? &db->p[at] : vec_push(a, db)) = *update;
	}
}

static int read_updates(struct host *host, struct arena *a, struct dpkg_db *db, struct err *err)
{
	struct dpkg_db updates = {0};
	struct host_dir dir;
	int r = host_list(host, UPDATES, a, &dir, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < dir.n; i++) {
		struct str name = str_of(dir.entries[i].name), text;
		char *path;

		/* dpkg takes the files whose names are digits. */
		if (strspn(name.p, "0123456789") != name.n)
			continue;
		path = arena_printf(a, UPDATES "/%s", name.p);
		r = host_read(host, path, a, &text, err);
		if (r < 0)
			return r;
		dpkg_parse(a, text, path, &updates);
	}
	apply_updates(db, &updates, a);
	return 0;
}

struct answer {
	struct dpkg_db db;
	struct err err;
	int r;
};

static const void *read_status(struct host *host, struct arena *a)
{
	struct answer *ret = arena_new(a, struct answer, 1);
	struct str text;
	struct err why;

	ret->r = host_read(host, STATUS, a, &text, &ret->err);
	if (ret->r < 0)
		return ret;
	dpkg_parse(a, text, STATUS, &ret->db);
	if (read_updates(host, a, &ret->db, &why) < 0 && !ret->db.gap)
		ret->db.gap = arena_strdup(a, why.msg);
	return ret;
}

int dpkg_read(struct host *host, struct arena *a, struct dpkg_db *ret, struct err *err)
{
	static const struct shared status = {"dpkg-status", read_status};
	const struct answer *answer = host_shared(host, &status, true);

	if (!answer)
		answer = read_status(host, a);
	if (answer->r < 0)
		*err = answer->err;
	else
		*ret = answer->db;
	return answer->r;
}

const struct dpkg_package *dpkg_installed(const struct dpkg_db *db, const char *name)
{
	for (size_t i = 0; i < db->n; i++)
		if (str_is(db->p[i].name, name) && str_is(db->p[i].state, "installed"))
			return &db->p[i];
	return NULL;
}

/* --- dependencies ---------------------------------------------------------------------------- */

/* "debconf:any (>= 0.5) [amd64]" -> "debconf" */
static struct str bare_name(struct str relation)
{
	struct str name = STR_ABSENT;

	relation = str_trim(relation);
	(void)str_word(&relation, &name);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == ':' || name.p[i] == '(')
			name.n = i;
	return name;
}

/* Is it, or provides it, what the name asks for? */
static bool answers_to(const struct dpkg_package *p, struct str name)
{
	struct str provides = p->provides, one;

	if (str_eq(p->name, name))
		return true;
	while (str_cut(&provides, ',', &one))
		if (str_eq(bare_name(one), name))
			return true;
	return false;
}

static bool others_answer(const struct dpkg_db *db, const struct dpkg_package *but, struct str name)
{
	for (size_t i = 0; i < db->n; i++)
		if (&db->p[i] != but && str_is(db->p[i].state, "installed") && answers_to(&db->p[i], name))
			return true;
	return false;
}

/* Does one of the clauses ("a, b | c") need the package? Where another alternative is there too, not. */
static bool clauses_need(const struct dpkg_db *db, struct str clauses, const struct dpkg_package *p)
{
	struct str clause, one;

	while (str_cut(&clauses, ',', &clause)) {
		struct str all = clause;
		bool mentioned = false, others = false;

		while (str_cut(&clause, '|', &one))
			mentioned = mentioned || answers_to(p, bare_name(one));
		while (mentioned && !others && str_cut(&all, '|', &one))
			others = others_answer(db, p, bare_name(one));
		if (mentioned && !others)
			return true;
	}
	return false;
}

const struct dpkg_package *dpkg_needed_by(const struct dpkg_db *db, const struct dpkg_package *p,
										  const struct dpkg_package *after)
{
	for (size_t i = after ? (size_t)(after - db->p) + 1 : 0; i < db->n; i++) {
		const struct dpkg_package *other = &db->p[i];

		if (other != p && str_is(other->state, "installed") &&
			(clauses_need(db, other->pre_depends, p) || clauses_need(db, other->depends, p)))
			return other;
	}
	return NULL;
}

/* --- versions -------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* deb-version(7): letters sort before everything else, '~' before even the end. */
static int weight(struct str s)
{
	unsigned char c;

	if (!s.n || is_digit(s.p[0]))
		return 0;
	c = (unsigned char)s.p[0];
	if (c == '~')
		return -1;
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ? c : c + 256;
}

static void drop(struct str *s)
{
	s->p++;
	s->n--;
}

/* Both numbers at the front, of any length; leading zeros do not count. */
static int compare_numbers(struct str *a, struct str *b)
{
	int first = 0;

	while (a->n && a->p[0] == '0')
		drop(a);
	while (b->n && b->p[0] == '0')
		drop(b);
	while (a->n && is_digit(a->p[0]) && b->n && is_digit(b->p[0])) {
		if (!first)
			first = a->p[0] - b->p[0];
		drop(a);
		drop(b);
	}
	if (a->n && is_digit(a->p[0]))
		return 1;
	return b->n && is_digit(b->p[0]) ? -1 : first;
}

static int compare_part(struct str a, struct str b)
{
	while (a.n || b.n) {
		int c;

		while ((a.n && !is_digit(a.p[0])) || (b.n && !is_digit(b.p[0]))) {
			int wa = weight(a), wb = weight(b);

			if (wa != wb)
				return wa - wb;
			if (a.n)
				drop(&a);
			if (b.n)
				drop(&b);
		}
		c = compare_numbers(&a, &b);
		if (c)
			return c;
	}
	return 0;
}

/* [epoch:]upstream[-revision]; no revision is the same as revision 0. */
static void split_version(struct str s, struct str *epoch, struct str *upstream,
						  struct str *revision)
{
	struct str rest = s;
	const char *dash;

	*epoch = STR("0");
	*revision = STR("0");
	if (str_has_char(s, ':')) {
		str_cut(&rest, ':', epoch);
		s = rest;
	}
	dash = s.n ? memrchr(s.p, '-', s.n) : NULL;
	*upstream = s;
	if (dash) {
		upstream->n = (size_t)(dash - s.p);
		*revision = (struct str){dash + 1, s.n - upstream->n - 1};
	}
}

int dpkg_version_cmp(struct str a, struct str b)
{
	struct str epoch[2], upstream[2], revision[2];
	int c;

	split_version(a, &epoch[0], &upstream[0], &revision[0]);
	split_version(b, &epoch[1], &upstream[1], &revision[1]);
	c = compare_part(epoch[0], epoch[1]);
	if (!c)
		c = compare_part(upstream[0], upstream[1]);
	return c ? c : compare_part(revision[0], revision[1]);
}
