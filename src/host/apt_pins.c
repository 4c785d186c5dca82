/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apt_pins.h"

#include <ctype.h>

#include "base/num.h"
#include "base/regex.h"
#include "base/vec.h"
#include "host/dpkg.h"

#define MAIN "/etc/apt/preferences"
#define PARTS "/etc/apt/preferences.d"
#define MAX_PINS 4096

struct reader {
	struct arena *arena;
	struct apt_pins *pins;
	const char *file;
};

static const char *const kinds[] = {
	[PIN_VERSION] = "version", [PIN_RELEASE] = "release", [PIN_ORIGIN] = "origin"};

const char *pin_kind_name(enum pin_kind kind)
{
	return kinds[kind];
}

bool apt_pin_is_general(const struct apt_pin *pin)
{
	return str_is(pin->packages, "*");
}

static void gap(struct reader *r, const char *why)
{
	if (!r->pins->gap)
		r->pins->gap = why;
}

/* --- files ----------------------------------------------------------------------------------- */

static bool kind_of(struct str word, enum pin_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_is_nocase(word, kinds[i])) {
			*ret = (enum pin_kind)i;
			return true;
		}
	return false;
}

/* What apt warns about and passes over is passed over here, too. */
static void keep(struct reader *r, struct apt_pin pin, struct str how, struct str priority)
{
	struct str word;

	if (!str_word(&how, &word) || !kind_of(word, &pin.kind))
		return;
	pin.what = str_trim(how);
	if (pin.kind == PIN_VERSION && apt_pin_is_general(&pin))
		return;
	if (num_i64(priority, INT16_MIN, INT16_MAX, &pin.priority) < 0 || !pin.priority)
		gap(r, arena_printf(r->arena, "%s:%u: a pin without a priority, at which apt stops",
							r->file, pin.line));
	else if (r->pins->n >= MAX_PINS)
		gap(r, arena_printf(r->arena, "%s: too many pins", r->file));
	else
		*vec_push(r->arena, r->pins) = pin;
}

static void read_stanza(struct reader *r, struct deb822 *d)
{
	struct str how = STR_ABSENT, priority = STR_ABSENT;
	struct apt_pin pin = {.file = r->file};
	struct deb822_field field;

	while (deb822_field(d, &field)) {
		if (!pin.line)
			pin.line = field.line;
		if (!field.value.p)
			gap(r, arena_printf(r->arena, "%s:%u: not a field", r->file, field.line));
		else if (str_is_nocase(field.name, "Package"))
			pin.packages = str_squeeze(r->arena, field.value);
		else if (str_is_nocase(field.name, "Pin"))
			how = deb822_first_line(field.value);
		else if (str_is_nocase(field.name, "Pin-Priority"))
			priority = deb822_first_line(field.value);
	}
	if (pin.line && !pin.packages.n)
		gap(r, arena_printf(r->arena, "%s:%u: a pin without a package, at which apt stops", r->file,
							pin.line));
	else if (pin.line)
		keep(r, pin, how, priority);
}

static void read_file(struct reader *r, struct host *host, const char *path)
{
	struct deb822 d = {.line = 1};
	struct err err = {0};
	int result = host_read(host, path, r->arena, &d.rest, &err);

	r->file = path;
	if (result == -ENOENT)
		return;
	if (result < 0)
		gap(r, arena_printf(r->arena, "%s", err.msg));
	while (result == 0 && deb822_paragraph(&d))
		read_stanza(r, &d);
}

/* Of preferences.d apt reads names without an ending and those that end in .pref, if they have no
 * other characters than these. */
static bool is_part(const char *path)
{
	const char *name = strrchr(path, '/') + 1, *dot = strrchr(name, '.');

	if (*name == '.' || (dot && strcmp(dot, ".pref") != 0))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.:", *name))
			return false;
	return true;
}

void apt_pins_read(struct host *host, struct arena *arena, struct apt_pins *ret)
{
	struct reader r = {arena, ret, MAIN};
	struct err err = {0};
	struct str *files;
	size_t n;

	*ret = (struct apt_pins){0};
	read_file(&r, host, MAIN);
	if (host_list_files(host, PARTS, "", arena, &files, &n, &err) < 0) {
		gap(&r, arena_printf(arena, "%s", err.msg));
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (is_part(files[i].p))
			read_file(&r, host, files[i].p);
}

/* --- what they match --------------------------------------------------------------------------- */

/* A shell's pattern, or a regular expression between slashes; neither heeds case. */
static enum pin_match compare(struct str pattern, struct str value, struct arena *a)
{
	struct err ignored = {0};
	struct regex *re;
	int r;

	if (!value.p)
		return PIN_NOT_KNOWN;
	if (pattern.n < 2 || pattern.p[0] != '/' || !str_ends(pattern, "/"))
		return str_glob(str_dup(a, str_lower(a, pattern)), str_lower(a, value)) ? PIN_YES : PIN_NO;
	pattern = str_of(arena_printf(a, "(?i)%.*s", (int)pattern.n - 2, pattern.p + 1));
	if (regex_compile(a, pattern, &re, &ignored) < 0)
		return PIN_NOT_KNOWN;
	r = regex_match(re, value);
	return r < 0 ? PIN_NOT_KNOWN : r ? PIN_YES : PIN_NO;
}

static struct str asked(const struct apt_archive *of, char letter)
{
	switch (letter) {
	case 'a':
		return of->archive;
	case 'n':
		return of->codename;
	case 'o':
		return of->origin;
	case 'l':
		return of->label;
	case 'v':
		return of->version;
	case 'c':
		return of->component;
	default:
		return STR_ABSENT;
	}
}

/* The same of what a Release file may leave out; then nothing matches it, not even a star. */
static enum pin_match compare_field(struct str pattern, struct str value, struct arena *a)
{
	return value.p && !value.n ? PIN_NO : compare(pattern, value, a);
}

/* One word: a version when it begins with a digit, else the name of a suite or its codename. */
static enum pin_match match_word(struct str word, const struct apt_archive *of, struct arena *a)
{
	enum pin_match archive, codename;

	if (isdigit((unsigned char)word.p[0]))
		return compare_field(word, of->version, a);
	archive = compare_field(word, of->archive, a);
	codename = compare_field(word, of->codename, a);
	return archive == PIN_YES || codename == PIN_YES ? PIN_YES
		   : archive == PIN_NO && codename == PIN_NO ? PIN_NO
													 : PIN_NOT_KNOWN;
}

/* o=Debian,a=stable: all of them. */
static enum pin_match match_release(struct str what, const struct apt_archive *of, struct arena *a)
{
	enum pin_match all = PIN_NO;
	struct str part;

	if (str_is(what, "*"))
		return PIN_YES;
	if (what.n && !str_has_char(what, '='))
		return match_word(what, of, a);
	while (str_cut(&what, ',', &part)) {
		enum pin_match one;

		part = str_trim(part);
		if (part.n < 3 || part.p[1] != '=')
			continue;
		one = compare_field((struct str){part.p + 2, part.n - 2},
							asked(of, (char)tolower((unsigned char)part.p[0])), a);
		if (one == PIN_NO)
			return PIN_NO;
		all = all == PIN_NOT_KNOWN ? all : one;
	}
	return all;
}

enum pin_match apt_pin_matches(const struct apt_pin *pin, const struct apt_archive *of,
							   struct arena *a)
{
	struct str what = pin->what;

	if (pin->kind == PIN_RELEASE)
		return match_release(what, of, a);
	if (pin->kind != PIN_ORIGIN)
		return PIN_NO;
	if (what.n >= 2 && what.p[0] == '"' && str_ends(what, "\""))
		what = (struct str){what.p + 1, what.n - 2};
	return compare(what, of->site, a);
}
