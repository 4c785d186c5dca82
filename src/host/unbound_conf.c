/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unbound_conf.h"

#include "host/glob.h"
#include "host/settings.h"

#define MAX_DEPTH 16
#define MAX_FILES 64
#define MAX_OPTIONS 100000

/* What takes another number of values than one. */
static const struct arity {
	const char *key;
	unsigned values;
} arities[] = {
	{"server", 0},
	{"remote-control", 0},
	{"stub-zone", 0},
	{"forward-zone", 0},
	{"auth-zone", 0},
	{"rpz", 0},
	{"view", 0},
	{"python", 0},
	{"dynlib", 0},
	{"dnstap", 0},
	{"dnscrypt", 0},
	{"cachedb", 0},
	{"ipset", 0},
	{"access-control", 2},
	{"access-control-tag", 2},
	{"access-control-tag-action", 3},
	{"access-control-tag-data", 3},
	{"access-control-view", 2},
	{"interface-action", 2},
	{"interface-tag", 2},
	{"interface-tag-action", 3},
	{"interface-tag-data", 3},
	{"interface-view", 2},
	{"local-zone", 2},
	{"local-zone-tag", 2},
	{"local-zone-override", 3},
	{"ratelimit-for-domain", 2},
	{"ratelimit-below-domain", 2},
	{"response-ip", 2},
	{"response-ip-tag", 2},
	{"response-ip-data", 2},
	{"tcp-connection-limit", 2},
	{"edns-client-string", 2},
	{"edns-client-tag", 2},
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct unbound_conf *conf;
	struct str clause;
	struct str directory; /* what relative names are relative to; absent: not known */
	unsigned depth, files;
};

/* One file as it is taken apart. */
struct lexer {
	struct reader *r;
	const char *file;
	struct str in;
	unsigned line;
};

static void read_file(struct reader *, const char *path);

static void gap(struct reader *r, const char *why)
{
	if (!r->conf->gap)
		r->conf->gap = arena_strdup(r->arena, why);
}

/* Nothing of a file behind such a place is taken: Unbound does not start with it either. */
static bool stray(struct lexer *l, const char *what)
{
	gap(l->r, arena_printf(l->r->arena, "%s:%u: %s", l->file, l->line, what));
	l->in.n = 0;
	return false;
}

static void skip(struct lexer *l, size_t n)
{
	l->in.p += n, l->in.n -= n;
}

/* Blanks, line ends, and comments, which begin where a word could. */
static void skip_blank(struct lexer *l)
{
	while (l->in.n && strchr(" \t\r\n#", l->in.p[0]) && l->in.p[0]) {
		if (l->in.p[0] == '#') {
			const char *end = memchr(l->in.p, '\n', l->in.n);

			skip(l, end ? (size_t)(end - l->in.p) : l->in.n);
		} else {
			l->line += l->in.p[0] == '\n';
			skip(l, 1);
		}
	}
}

/* Up to one of the bytes; a backslash takes what follows, if it is on the line, and both stay. */
static size_t length_until(struct str s, const char *ends)
{
	size_t n = 0;

	while (n < s.n && (!s.p[n] || !strchr(ends, s.p[n]))) {
		if (s.p[n] == '\\') {
			if (n + 1 == s.n || s.p[n + 1] == '\n')
				break;
			n++;
		}
		n++;
	}
	return n;
}

static bool next_quoted(struct lexer *l, struct str *ret)
{
	const char ends[] = {l->in.p[0], '\r', '\n', '\0'};
	size_t n;

	skip(l, 1);
	n = length_until(l->in, ends);
	if (n == l->in.n || l->in.p[n] != ends[0])
		return stray(l, "a quoted text does not end");
	*ret = (struct str){l->in.p, n};
	skip(l, n + 1);
	return true;
}

static bool next_value(struct lexer *l, struct str *ret)
{
	size_t n;

	skip_blank(l);
	if (!l->in.n)
		return stray(l, "a value is missing");
	if (l->in.p[0] == '"' || l->in.p[0] == '\'')
		return next_quoted(l, ret);
	n = length_until(l->in, " \t\r\n\"'");
	*ret = (struct str){l->in.p, n};
	if (!n || str_is(*ret, "include:") || str_is(*ret, "include-toplevel:"))
		return stray(l, "stands where a value should");
	skip(l, n);
	return true;
}

/* "key:"; false at the end of the file, and where there is something else. */
static bool next_key(struct lexer *l, struct str *ret)
{
	size_t n;

	skip_blank(l);
	if (!l->in.n)
		return false;
	n = length_until(l->in, ": \t\r\n\"'");
	if (!n || n == l->in.n || l->in.p[n] != ':')
		return stray(l, "this is no option");
	*ret = (struct str){l->in.p, n};
	skip(l, n + 1);
	return true;
}

static void include(struct lexer *l, struct str name)
{
	struct reader *r = l->r;
	struct str *files = NULL;
	struct err err = {0};
	size_t n = 0;

	if (str_has_char(name, '{') || str_has_char(name, '~')) {
		(void)stray(l, "which files are included is not known");
		return;
	}
	if (!str_starts(name, "/")) {
		if (!r->directory.p) {
			(void)stray(l, "what the name is relative to is not known");
			return;
		}
		name = str_of(arena_printf(r->arena, "%.*s/%.*s", STR_ARG(r->directory), STR_ARG(name)));
	}
	if (!str_is_glob(name))
		read_file(r, str_dup(r->arena, name));
	else if (host_glob(r->host, r->arena, name, &files, &n, &err) < 0)
		gap(r, err.msg);
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(r->arena, files[i]));
}

static unsigned values_of(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(arities); i++)
		if (str_is(key, arities[i].key))
			return arities[i].values;
	return 1;
}

static void read_option(struct lexer *l, struct str key)
{
	struct reader *r = l->r;
	struct unbound_option option = {.key = key,
									.clause = r->clause,
									.file = l->file,
									.line = l->line,
									.n_values = values_of(key)};

	if (!option.n_values) {
		r->clause = key;
		return;
	}
	for (unsigned i = 0; i < option.n_values; i++)
		if (!next_value(l, &option.values[i]))
			return;
	if (r->conf->options.n == MAX_OPTIONS) {
		(void)stray(l, "too many options");
		return;
	}
	if (str_is(key, "directory"))
		r->directory = option.values[0];
	*vec_push(r->arena, &r->conf->options) = option;
}

static void read_text(struct lexer *l)
{
	struct reader *r = l->r;
	struct str key = STR_ABSENT, name;

	while (next_key(l, &key)) {
		bool top = str_is(key, "include-toplevel");

		if (!top && !str_is(key, "include")) {
			read_option(l, key);
			continue;
		}
		if (!next_value(l, &name))
			return;
		if (top)
			r->clause = STR_ABSENT;
		include(l, name);
		if (top)
			r->clause = STR_ABSENT;
	}
}

static void read_file(struct reader *r, const char *path)
{
	struct lexer l = {.r = r, .file = path, .line = 1};
	struct err err = {0};

	if (r->depth == MAX_DEPTH || r->files == MAX_FILES) {
		gap(r, arena_printf(r->arena, "%s: too many includes", path));
		return;
	}
	if (settings_read(r->host, r->arena, path, &l.in, &err) < 0) {
		gap(r, err.msg);
		return;
	}
	r->files++;
	r->depth++;
	read_text(&l);
	r->depth--;
}

int unbound_conf_read(struct host *host, struct arena *arena, struct unbound_conf *ret,
					  struct err *err)
{
	static const char *const paths[] = {UNBOUND_CONF, NULL};
	struct reader r = {.host = host, .arena = arena, .conf = ret};
	const char *path;
	int e = host_first(host, paths, &path, err);

	*ret = (struct unbound_conf){0};
	if (e == 0)
		read_file(&r, path);
	return e;
}

const struct started unbound_started = {
	.programs = STARTED("unbound"),
	.units = STARTED("unbound.service"),
	.usual = STARTED("-d", "-dd", "-p", "-v", "-c /etc/unbound/unbound.conf"),
};
