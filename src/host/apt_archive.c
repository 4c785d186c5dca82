/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apt_archive.h"

#include "base/buf.h"
#include "host/apt_lists.h"
#include "host/dpkg.h"

#define MAX_NAME 1024

/* Behind the scheme and whoever logs in: "deb.debian.org/debian". */
static struct str without_scheme(struct str uri)
{
	struct str scheme, user, rest = uri, host;

	if (!str_cut(&rest, ':', &scheme) || !rest.p)
		return uri;
	if (!str_skip(&rest, "//"))
		return rest;
	host = rest;
	(void)str_cut(&host, '/', &user);
	if (str_cut(&user, '@', &host) && user.p)
		rest = (struct str){user.p, (size_t)(rest.p + rest.n - user.p)};
	return rest;
}

struct str apt_site(struct str uri)
{
	struct str rest = without_scheme(uri), place, site;

	if (!rest.n || rest.p[0] == '/')
		return STR("");
	(void)str_cut(&rest, '/', &place);
	if (!place.n || place.p[0] == '[')
		return place;
	(void)str_cut(&place, ':', &site);
	return site;
}

/* As apt names the files of its lists: quoted, with underscores for slashes. */
static void put_name(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '/')
			buf_putc(out, '_');
		else if (c <= ' ' || c >= 0x7f || strchr("\\|{}[]<>\"^~_=!@#$%&*", c))
			buf_printf(out, "%%%02x", c);
		else
			buf_putc(out, (char)c);
	}
}

/* Up to the last slash, behind which comes InRelease. */
static char *list_name(struct str uri, struct str suite, struct arena *a)
{
	_cleanup_buf_ struct buf out = BUF(MAX_NAME);
	struct str place = without_scheme(uri);

	buf_puts(&out, APT_LISTS "/");
	put_name(&out, place);
	if (!str_ends(place, "/"))
		buf_putc(&out, '_');
	if (!str_ends(suite, "/"))
		buf_puts(&out, "dists_");
	if (!str_is(suite, "/"))
		put_name(&out, suite);
	if (!str_ends(suite, "/"))
		buf_putc(&out, '_');
	return str_dup(a, buf_get(&out));
}

static void set_field(struct apt_archive *of, const struct deb822_field *field)
{
	const struct {
		const char *name;
		struct str *to;
	} known[] = {
		{"Suite", &of->archive}, {"Codename", &of->codename}, {"Origin", &of->origin},
		{"Label", &of->label},   {"Version", &of->version},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_is_nocase(field->name, known[i].name))
			*known[i].to = deb822_first_line(field->value);
}

int apt_archive_read(struct host *host, struct str uri, struct str suite, struct arena *a,
					 struct apt_archive *of, struct err *err)
{
	static const char *const files[] = {"InRelease", "Release"};
	const char *name = list_name(uri, suite, a);
	struct deb822 d = {.line = 1};
	struct deb822_field field;
	struct str line;
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(files) && r == -ENOENT; i++)
		r = host_read(host, arena_printf(a, "%s%s", name, files[i]), a, &d.rest, err);
	if (r < 0)
		return r;
	/* The headers of a signed message end at a blank line. */
	if (str_starts(d.rest, "-----BEGIN"))
		while (str_line(&d.rest, &line) && line.n)
			continue;
	of->archive = of->codename = of->origin = of->label = of->version = STR("");
	(void)deb822_paragraph(&d);
	while (deb822_field(&d, &field))
		if (field.value.p)
			set_field(of, &field);
	return 0;
}
