/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_config.h"

#include "base/map.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/included.h"

#define MAX_INCLUDES 16 /* within each other */
#define MAX_NESTED 64   /* blocks within each other */
#define MAX_ARGS 4096   /* of one directive: server_name lists get long */
#define MAX_DIRECTIVES 250000

struct paths {
	struct str *p;
	size_t n;
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct err *err;
	struct map globs;
	struct included included;
	size_t directives;
	unsigned nested;
};

struct cursor {
	struct reader *reader;
	const char *file;
	struct str in;
	unsigned line;
};

enum token { TOKEN_WORD, TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_EOF, TOKEN_BAD };

static int refuse(struct cursor *c, const char *why)
{
	return err_set(c->reader->err, EBADMSG, "%s:%u: %s", c->file, c->line, why);
}

/* --- words ----------------------------------------------------------------------------------- */

static void step(struct cursor *c)
{
	c->line += *c->in.p == '\n';
	c->in.p++;
	c->in.n--;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct cursor *c)
{
	while (c->in.n && (is_blank(*c->in.p) || *c->in.p == '#')) {
		if (*c->in.p == '#')
			while (c->in.n && *c->in.p != '\n')
				step(c);
		else
			step(c);
	}
}

/* A backslash in front of quotes and itself, and of what C calls a tab and line ends; others stay. */
static struct str unescape(struct arena *a, struct str s)
{
	char *p;
	size_t n = 0;

	if (!str_has_char(s, '\\'))
		return s;
	p = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		const char *known = i + 1 < s.n && s.p[i] == '\\' && s.p[i + 1]
								? strchr("\"'\\t\tr\rn\n", s.p[i + 1])
								: NULL;

		p[n++] = s.p[i];
		if (!known)
			continue;
		p[n - 1] = s.p[++i];
		if (strchr("trn", s.p[i]))
			p[n - 1] = known[1];
	}
	return (struct str){p, n};
}

static bool quoted(struct cursor *c, struct str *ret)
{
	char quote = *c->in.p;
	const char *start;

	step(c);
	start = c->in.p;
	while (c->in.n && *c->in.p != quote) {
		if (*c->in.p == '\\' && c->in.n > 1)
			step(c);
		step(c);
	}
	if (!c->in.n)
		return false;
	*ret = unescape(c->reader->arena, (struct str){start, (size_t)(c->in.p - start)});
	step(c);
	/* nginx wants blanks here, or what ends the directive, or the bracket of an `if`. */
	return c->in.n && (is_blank(*c->in.p) || strchr(";{)", *c->in.p));
}

static struct str bare(struct cursor *c)
{
	const char *start = c->in.p;
	bool variable = false;

	while (c->in.n && !is_blank(*c->in.p) && *c->in.p != ';' && (*c->in.p != '{' || variable)) {
		if (*c->in.p == '\\' && c->in.n > 1)
			step(c);
		variable = *c->in.p == '$';
		step(c);
	}
	return unescape(c->reader->arena, (struct str){start, (size_t)(c->in.p - start)});
}

static enum token next_token(struct cursor *c, struct str *ret)
{
	skip_blanks(c);
	if (!c->in.n)
		return TOKEN_EOF;
	switch (*c->in.p) {
	case ';':
		step(c);
		return TOKEN_END;
	case '{':
		step(c);
		return TOKEN_OPEN;
	case '}':
		step(c);
		return TOKEN_CLOSE;
	case '"':
	case '\'':
		return quoted(c, ret) ? TOKEN_WORD : TOKEN_BAD;
	default:
		*ret = bare(c);
		return TOKEN_WORD;
	}
}

/* --- blocks that hold no directives ---------------------------------------------------------- */

static bool is_data(struct str name)
{
	return str_is_one_of(name, NAMES("types", "map", "geo", "split_clients", "charset_map"));
}

static int skip_data(struct cursor *c)
{
	struct str ignored;
	enum token t;

	for (unsigned depth = 1; depth;) {
		t = next_token(c, &ignored);
		if (t == TOKEN_EOF || t == TOKEN_BAD)
			return refuse(c, "a block has no end");
		depth += t == TOKEN_OPEN;
		depth -= t == TOKEN_CLOSE;
	}
	return 0;
}

static void skip_lua_string(struct cursor *c)
{
	char quote = *c->in.p;

	step(c);
	while (c->in.n && *c->in.p != quote && *c->in.p != '\n') {
		if (*c->in.p == '\\' && c->in.n > 1)
			step(c);
		step(c);
	}
}

static int skip_lua(struct cursor *c)
{
	for (unsigned depth = 1; depth; step(c)) {
		if (c->in.n > 1 && c->in.p[0] == '-' && c->in.p[1] == '-')
			while (c->in.n && *c->in.p != '\n')
				step(c);
		else if (c->in.n && (*c->in.p == '"' || *c->in.p == '\''))
			skip_lua_string(c);
		if (!c->in.n)
			return refuse(c, "a block of Lua has no end");
		depth += *c->in.p == '{';
		depth -= *c->in.p == '}';
	}
	return 0;
}

/* --- directives ------------------------------------------------------------------------------ */

static int read_file(struct reader *, const char *path, struct directive *parent, unsigned depth);

static int glob_of(struct reader *r, struct str pattern, struct paths **ret)
{
	struct paths *found = map_get(&r->globs, pattern);
	int result;

	if (!found) {
		found = arena_new(r->arena, struct paths, 1);
		result = host_glob(r->host, r->arena, pattern, &found->p, &found->n, r->err);
		if (result < 0)
			return result;
		map_put(&r->globs, pattern, found);
	}
	*ret = found;
	return 0;
}

/* A name without wildcards has to exist; a pattern may match nothing. */
static int include(struct cursor *c, const struct directive *d, unsigned depth)
{
	struct reader *r = c->reader;
	struct str name = directive_arg(d);
	struct paths *found;
	const char *path;
	int result;

	if (d->n_args != 1 || !name.n || d->is_block || str_has_char(name, '\0'))
		return refuse(c, "include takes one file");
	path = *name.p == '/' ? str_dup(r->arena, name)
						  : arena_printf(r->arena, NGINX_DIRECTORY "%s", str_dup(r->arena, name));
	if (depth >= MAX_INCLUDES)
		return refuse(c, "too many includes within each other");
	if (!str_is_glob(name))
		return read_file(r, path, d->parent, depth + 1);
	result = glob_of(r, str_of(path), &found);
	for (size_t i = 0; result == 0 && i < found->n; i++)
		result = read_file(r, found->p[i].p, d->parent, depth + 1);
	return result;
}

static int read_words(struct cursor *c, struct directive *d, enum token *ret_end)
{
	VEC(struct str) words = {0};
	struct str word = d->name;
	enum token t;

	while ((t = next_token(c, &word)) == TOKEN_WORD) {
		if (words.n >= MAX_ARGS)
			return refuse(c, "too many words");
		*vec_push(c->reader->arena, &words) = word;
	}
	if (t != TOKEN_END && t != TOKEN_OPEN)
		return refuse(c, "a directive has no end");
	d->args = words.p;
	d->n_args = words.n;
	d->is_block = t == TOKEN_OPEN;
	*ret_end = t;
	return 0;
}

/* What stands behind the first word of a directive. *at becomes the block that it opens. */
static int read_directive(struct cursor *c, struct directive *d, struct directive **at,
						  unsigned depth)
{
	enum token end = TOKEN_BAD;
	int r = read_words(c, d, &end);

	if (r < 0)
		return r;
	directive_append(d->parent, d);
	if (str_is(d->name, "include"))
		return include(c, d, depth);
	if (end != TOKEN_OPEN)
		return 0;
	if (str_ends(d->name, "_by_lua_block"))
		return skip_lua(c);
	if (is_data(d->name))
		return skip_data(c);
	if (++c->reader->nested > MAX_NESTED)
		return refuse(c, "too many blocks within each other");
	*at = d;
	return 0;
}

static int close_block(struct cursor *c, struct directive *outer, struct directive **at)
{
	if (*at == outer)
		return refuse(c, "a } closes nothing");
	c->reader->nested--;
	*at = (*at)->parent;
	return 0;
}

static int read_file(struct reader *reader, const char *path, struct directive *parent,
					 unsigned depth)
{
	struct cursor c = {.reader = reader, .file = path, .line = 1};
	struct directive *at = parent;
	struct str word;
	enum token t;
	int r = included_read(&reader->included, reader->host, path, reader->arena, &c.in, reader->err);

	/* A byte order mark is passed over, as nginx does since 1.1.3. */
	str_skip(&c.in, "\xef\xbb\xbf");
	while (r == 0 && (t = next_token(&c, &word)) != TOKEN_EOF) {
		struct directive *d;

		if (t == TOKEN_CLOSE) {
			r = close_block(&c, parent, &at);
			continue;
		}
		if (t != TOKEN_WORD)
			return refuse(&c, "a directive is expected");
		if (++reader->directives > MAX_DIRECTIVES)
			return err_set(reader->err, E2BIG, "%s: nginx has too many directives", path);
		d = arena_new(reader->arena, struct directive, 1);
		*d = (struct directive){.name = word, .file = path, .line = c.line, .parent = at};
		r = read_directive(&c, d, &at, depth);
	}
	return r == 0 && at != parent ? refuse(&c, "a block has no end") : r;
}

int nginx_config_read(struct host *host, struct arena *arena, struct nginx_config *ret,
					  struct err *err)
{
	struct reader r = {.host = host, .arena = arena, .err = err};
	int result;

	included_init(&r.included, "nginx", arena);
	map_init(&r.globs, arena);
	*ret = (struct nginx_config){0};
	result = read_file(&r, NGINX_MAIN_FILE, &ret->root, 0);
	ret->files = r.included.paths.p;
	ret->n_files = r.included.paths.n;
	/* An included file that is missing must not look as if there were no nginx. */
	return result == -ENOENT && r.included.paths.n ? -EBADMSG : result;
}
