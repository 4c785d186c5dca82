/* SPDX-License-Identifier: Apache-2.0 */
#include "host/named_conf.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/secret.h"

#define MAX_DEPTH 16
#define MAX_FILES 64
#define MAX_STATEMENTS 100000
#define MAX_WORK 200000 /* items of all lists, once acls are put in */

struct reader {
	struct host *host;
	struct arena *arena;
	struct named_conf *conf;
	struct named_statement **end; /* where the next statement goes */
	unsigned depth, files, statements;
};

/* One file as it is taken apart. */
struct lexer {
	struct reader *r;
	const char *file;
	struct str in;
	unsigned line;
};

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SEMICOLON };

static void gap(struct reader *r, const char *why)
{
	if (!r->conf->gap)
		r->conf->gap = arena_strdup(r->arena, why);
}

static void skip(struct str *s, size_t n)
{
	n = MIN(n, s->n);
	s->p += n, s->n -= n;
}

static void skip_line(struct lexer *l)
{
	while (l->in.n && l->in.p[0] != '\n')
		skip(&l->in, 1);
}

/* Blanks, and the comments of C, C++ and the shell. */
static void skip_blank(struct lexer *l)
{
	while (l->in.n) {
		if (isspace((unsigned char)l->in.p[0])) {
			l->line += l->in.p[0] == '\n';
			skip(&l->in, 1);
		} else if (l->in.p[0] == '#' || str_starts(l->in, "//")) {
			skip_line(l);
		} else if (str_skip(&l->in, "/*")) {
			while (l->in.n && !str_starts(l->in, "*/")) {
				l->line += l->in.p[0] == '\n';
				skip(&l->in, 1);
			}
			skip(&l->in, 2);
		} else {
			return;
		}
	}
}

static enum token next_quoted(struct lexer *l, struct str *ret)
{
	size_t n = 0;

	skip(&l->in, 1);
	while (n < l->in.n && l->in.p[n] != '"') {
		l->line += l->in.p[n] == '\n';
		n += l->in.p[n] == '\\' && n + 1 < l->in.n ? 2 : 1;
	}
	n = MIN(n, l->in.n);
	*ret = (struct str){l->in.p, n};
	skip(&l->in, n + 1);
	return TOKEN_WORD;
}

static enum token next_token(struct lexer *l, struct str *ret)
{
	size_t n = 0;

	skip_blank(l);
	if (!l->in.n)
		return TOKEN_END;
	switch (l->in.p[0]) {
	case '{':
		skip(&l->in, 1);
		return TOKEN_OPEN;
	case '}':
		skip(&l->in, 1);
		return TOKEN_CLOSE;
	case ';':
		skip(&l->in, 1);
		return TOKEN_SEMICOLON;
	case '"':
		return next_quoted(l, ret);
	}
	while (n < l->in.n && !isspace((unsigned char)l->in.p[n]) && !strchr("{};\"", l->in.p[n]))
		n++;
	n = MAX(n, (size_t)1); /* a NUL, which strchr() finds */
	*ret = (struct str){l->in.p, n};
	skip(&l->in, n);
	return TOKEN_WORD;
}

/* The text but for what stands behind the word `secret`. */
static void scrub(struct str text, struct buf *out)
{
	struct lexer l = {.in = text};
	struct str word;
	const char *from = text.p;
	bool secret = false;
	enum token t;

	while ((t = next_token(&l, &word)) != TOKEN_END) {
		if (t == TOKEN_WORD && secret) {
			buf_add(out, from, (size_t)(word.p - from));
			buf_puts(out, SECRET_MASK);
			from = word.p + word.n;
		}
		secret = t == TOKEN_WORD && str_is_nocase(word, "secret");
	}
	buf_add(out, from, (size_t)(text.p + text.n - from));
}

static int read_file(struct reader *, const char *path, struct err *);
static enum token read_statements(struct lexer *);

static void read_include(struct reader *r, const struct named_statement *s)
{
	struct str *files, pattern;
	struct err err = {0};
	size_t n = 0;

	if (s->n_words < 2)
		return;
	pattern = s->words[1];
	if (!str_starts(pattern, "/"))
		pattern = str_of(arena_printf(r->arena, "/etc/bind/%.*s", STR_ARG(pattern)));
	if (host_glob(r->host, r->arena, pattern, &files, &n, &err) < 0)
		gap(r, err.msg);
	else if (!n)
		gap(r, arena_printf(r->arena, "%s:%u: there is no such file", s->file, s->line));
	for (size_t i = 0; i < n; i++)
		if (read_file(r, str_dup(r->arena, files[i]), &err) < 0)
			gap(r, err.msg);
}

/* What stands between braces, as a list of its own. */
static enum token read_block(struct lexer *l, struct named_statement *s)
{
	struct reader *r = l->r;
	struct named_statement **end = r->end;
	enum token t;

	if (r->depth == MAX_DEPTH) {
		gap(r,
			arena_printf(r->arena, "%s:%u: too many blocks within one another", l->file, l->line));
		return TOKEN_END;
	}
	r->depth++;
	r->end = &s->block;
	t = read_statements(l);
	r->end = end;
	r->depth--;
	return t;
}

/* TOKEN_SEMICOLON: a whole one was added. */
static enum token read_statement(struct lexer *l)
{
	struct reader *r = l->r;
	struct named_statement *s = arena_new(r->arena, struct named_statement, 1);
	VEC(struct str) words = {0};
	struct str word;
	enum token t;

	*s = (struct named_statement){.file = l->file};
	while ((t = next_token(l, &word)) != TOKEN_SEMICOLON) {
		s->line = s->line ? s->line : l->line;
		if (t == TOKEN_WORD)
			*vec_push(r->arena, &words) = word;
		else if (t == TOKEN_OPEN && read_block(l, s) == TOKEN_CLOSE)
			continue;
		else
			break;
	}
	s->words = words.p;
	s->n_words = words.n;
	if (t != TOKEN_SEMICOLON && (words.n || s->block || t == TOKEN_OPEN))
		gap(r, arena_printf(r->arena, "%s:%u: a statement does not end", l->file, l->line));
	if (t != TOKEN_SEMICOLON)
		return t == TOKEN_OPEN ? TOKEN_END : t;
	if (words.n && str_is_nocase(words.p[0], "include")) {
		read_include(r, s);
	} else if (words.n || s->block) {
		*r->end = s;
		r->end = &s->next;
	}
	return t;
}

static enum token read_statements(struct lexer *l)
{
	enum token t;

	do {
		if (l->r->statements++ == MAX_STATEMENTS) {
			gap(l->r, arena_printf(l->r->arena, "%s:%u: too many statements", l->file, l->line));
			return TOKEN_END;
		}
		t = read_statement(l);
	} while (t == TOKEN_SEMICOLON);
	return t;
}

static int read_file(struct reader *r, const char *path, struct err *err)
{
	struct lexer l = {.r = r, .file = arena_strdup(r->arena, path), .line = 1};
	int e;

	if (r->depth == MAX_DEPTH || r->files == MAX_FILES)
		return err_set(err, E2BIG, "%s: too many includes", path);
	e = host_read_scrubbed(r->host, path, scrub, r->arena, &l.in, err);
	if (e < 0)
		return e;
	r->files++;
	r->depth++;
	if (read_statements(&l) == TOKEN_CLOSE)
		gap(r, arena_printf(r->arena, "%s:%u: a block ends that did not begin", path, l.line));
	r->depth--;
	return 0;
}

int named_conf_read(struct host *host, struct arena *arena, struct named_conf *ret, struct err *err)
{
	static const char *const paths[] = {"/etc/bind/named.conf", "/etc/named.conf"};
	struct reader r = {.host = host, .arena = arena, .conf = ret, .end = &ret->first};
	int e = -ENOENT;

	for (size_t i = 0; e == -ENOENT && i < ARRAY_LEN(paths); i++)
		e = read_file(&r, paths[i], err);
	map_init(&ret->acls, arena);
	for (struct named_statement *s = ret->first; s; s = s->next)
		if (s->n_words >= 2 && str_is_nocase(s->words[0], "acl"))
			map_put(&ret->acls, s->words[1], s);
	return e;
}

const struct named_statement *named_find(const struct named_statement *list, const char *word)
{
	const struct named_statement *found = NULL;

	for (; list; list = list->next)
		if (list->n_words && str_is_nocase(list->words[0], word))
			found = list;
	return found;
}

struct addresses {
	struct named_conf *conf;
	struct arena *arena;
	VEC(struct str) list;
};

static struct str address(struct arena *a, const struct named_statement *s)
{
	if (s->block)
		return STR("!{...}");
	if (s->n_words == 2 && str_is(s->words[0], "!"))
		return str_of(arena_printf(a, "!%.*s", STR_ARG(s->words[1])));
	if (s->n_words > 1)
		return str_of(arena_printf(a, "%.*s %.*s", STR_ARG(s->words[0]), STR_ARG(s->words[1])));
	return s->words[0];
}

static void add_addresses(struct addresses *a, const struct named_statement *list, unsigned depth)
{
	for (; list; list = list->next) {
		const struct named_statement *acl = NULL;

		if (depth > MAX_DEPTH || a->conf->work++ >= MAX_WORK) {
			a->conf->work = MAX_WORK;
			return;
		}
		if (list->n_words == 1)
			acl = map_get(&a->conf->acls, list->words[0]);
		if (acl || !list->n_words)
			add_addresses(a, acl ? acl->block : list->block, depth + 1);
		else
			*vec_push(a->arena, &a->list) = address(a->arena, list);
	}
}

int named_addresses(struct named_conf *conf, struct arena *arena, const struct named_statement *s,
					struct str **ret, size_t *ret_n)
{
	struct addresses a = {.conf = conf, .arena = arena};

	add_addresses(&a, s->block, 0);
	*ret = a.list.p;
	*ret_n = a.list.n;
	return conf->work >= MAX_WORK ? -E2BIG : 0;
}

const struct started named_started = {
	.programs = STARTED("named"),
	.checks = STARTED("-v", "-V"),
	.units = STARTED("named.service", "bind9.service"),
	.usual = STARTED("-c /etc/bind/named.conf", "-c /etc/named.conf", "-f", "-g", "-4", "-6",
					 "-u *", "-n *", "-U *", "-S *", "-d *", "-E *", "-L *"),
};
