/* SPDX-License-Identifier: Apache-2.0 */
#include "host/openssl_conf.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/secret.h"

const char openssl_conf_variable[] = "(a variable)";

struct reader {
	struct host *host;
	struct arena *arena;
	struct conf *conf;
	struct str section;
	const char
		*include_dir; /* of .pragma includedir; NULL: relative names are to the process's own */
	size_t bytes;     /* of what was included */
	unsigned files;
};

static void gap(struct reader *r, const char *why)
{
	if (!r->conf->gap)
		r->conf->gap = why;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* --- lines ----------------------------------------------------------------------------------- */

/* A line, and those that it goes on in: it ends in a backslash that no other escapes. */
static bool next_line(struct reader *r, struct str *text, unsigned *number, struct str *ret)
{
	_cleanup_buf_ struct buf all = BUF(HOST_MAX_FILE);
	struct str line;
	bool any = false, more = true;

	while (more && str_line(text, &line)) {
		size_t slashes = 0;

		any = true;
		++*number;
		while (slashes < line.n && line.p[line.n - 1 - slashes] == '\\')
			slashes++;
		more = slashes % 2 == 1;
		buf_add(&all, line.p, line.n - more);
	}
	*ret = (struct str){arena_copy(r->arena, all.p ? all.p : "", all.n), all.n};
	return any;
}

/* Up to a '#' that no quote and no backslash protects. */
static struct str without_comment(struct str line)
{
	char quote = '\0';

	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];

		if (c == '\\')
			i++;
		else if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'' || c == '`')
			quote = c;
		else if (c == '#')
			return (struct str){line.p, i};
	}
	return line;
}

/* The value without quotes and escapes. A variable anywhere makes it one that is not known. */
static struct str plain_value(struct reader *r, struct str s)
{
	char *out = arena_alloc(r->arena, s.n + 1), quote = '\0';
	size_t n = 0;

	s = str_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '$')
			return str_of(openssl_conf_variable);
		if (c == '\\' && i + 1 < s.n)
			out[n++] = s.p[++i];
		else if (quote ? c == quote : (c == '"' || c == '\'' || c == '`'))
			quote = quote ? '\0' : c;
		else
			out[n++] = c;
	}
	return (struct str){out, n};
}

static void add(struct reader *r, const char *file, unsigned line, struct str key, struct str value)
{
	struct conf *conf = r->conf;
	struct str section = r->section, named;

	/* "section::name = value" */
	for (size_t i = 0; i + 1 < key.n; i++)
		if (key.p[i] == ':' && key.p[i + 1] == ':') {
			named = (struct str){key.p, i};
			key = (struct str){key.p + i + 2, key.n - i - 2};
			section = named;
			break;
		}
	if (conf->n == conf->cap)
		conf->items = vec_grow(r->arena, conf->items, conf->n, &conf->cap, sizeof(*conf->items));
	conf->items[conf->n++] =
		(struct conf_item){section, str_trim(key), plain_value(r, value), file, line};
}

/* --- files ----------------------------------------------------------------------------------- */

static int read_file(struct reader *r, const char *path, unsigned depth, struct err *err);

static void include_one(struct reader *r, const char *path, unsigned depth)
{
	struct err err = {0};
	int e = read_file(r, path, depth + 1, &err);

	/* OpenSSL passes over an include that is not there. */
	if (e < 0 && e != -ENOENT)
		gap(r, arena_strdup(r->arena, err.msg));
}

static bool is_part(struct arena *a, struct str path)
{
	struct str name = str_lower(a, path);

	return str_ends(name, ".cnf") || str_ends(name, ".conf");
}

static void include(struct reader *r, struct str name, unsigned depth)
{
	struct str value = plain_value(r, name);
	const char *path = str_dup(r->arena, value);
	struct path_stat st;
	struct str *files;
	struct err err = {0};
	size_t n = 0;
	int e;

	if (value.p == openssl_conf_variable || (*path != '/' && !r->include_dir)) {
		gap(r, arena_printf(r->arena, ".include %s: depends on the process", path));
		return;
	}
	if (*path != '/')
		path = arena_printf(r->arena, "%s/%s", r->include_dir, path);
	e = host_stat(r->host, path, true, &st, &err);
	if (e == 0 && !S_ISDIR(st.mode)) {
		include_one(r, path, depth);
		return;
	}
	if (e < 0 && e != -ENOENT)
		gap(r, arena_strdup(r->arena, err.msg));
	if (e == 0 && host_list_files(r->host, path, "", r->arena, &files, &n, &err) < 0)
		gap(r, arena_strdup(r->arena, err.msg));
	for (size_t i = 0; i < n; i++)
		if (is_part(r->arena, files[i]))
			include_one(r, files[i].p, depth);
}

static void pragma(struct reader *r, struct str s)
{
	s = str_trim(s);
	str_skip(&s, "=");
	s = str_trim(s);
	if (str_skip(&s, "includedir:"))
		r->include_dir = str_dup(r->arena, s);
	else if (str_skip(&s, "dollarid:"))
		gap(r, "`.pragma dollarid` in openssl.cnf is not followed");
}

/* ".include = x", ".include x": a blank or a sign has to part them, else it is a key like any. */
static bool take_directive(struct str *line, const char *word)
{
	struct str rest = *line;

	if (!str_skip(&rest, word) || !rest.n || (!is_space(rest.p[0]) && rest.p[0] != '='))
		return false;
	rest = str_trim(rest);
	str_skip(&rest, "=");
	*line = str_trim(rest);
	return true;
}

static void read_line(struct reader *r, const char *file, unsigned number, struct str line,
					  unsigned depth)
{
	struct str key;

	line = str_trim(without_comment(line));
	if (!line.n)
		return;
	if (str_skip(&line, "[")) {
		if (str_cut(&line, ']', &key))
			r->section = str_trim(key);
	} else if (take_directive(&line, ".include")) {
		include(r, line, depth);
	} else if (take_directive(&line, ".pragma")) {
		pragma(r, line);
	} else if (str_cut(&line, '=', &key) && line.p) {
		add(r, file, number, str_trim(key), line);
	} else {
		gap(r,
			arena_printf(r->arena, "%s:%u: OpenSSL refuses the file: no equal sign", file, number));
	}
}

/* A section lasts past the end of an included file, and begins anew in none. */
static int read_file(struct reader *r, const char *path, unsigned depth, struct err *err)
{
	const char *file = arena_strdup(r->arena, path);
	struct str text, line;
	unsigned number = 0, first = 1;
	int e;

	if (depth > OPENSSL_MAX_DEPTH || r->bytes > OPENSSL_MAX_TOTAL || ++r->files > OPENSSL_MAX_FILES)
		return err_set(err, E2BIG, "%s: too many includes, or too large ones", path);
	e = host_read_scrubbed(r->host, path, secret_mask, r->arena, &text, err);
	if (e < 0)
		return e;
	r->bytes += depth ? text.n : 0;
	while (next_line(r, &text, &number, &line)) {
		read_line(r, file, first, line, depth);
		first = number + 1;
	}
	return 0;
}

int openssl_conf_read(struct host *host, struct arena *arena, const char *path, struct conf *ret,
					  struct err *err)
{
	struct reader r = {.host = host, .arena = arena, .conf = ret, .section = STR("default")};

	return read_file(&r, path, 0, err);
}
