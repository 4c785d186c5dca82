/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sshd_config.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/glob.h"

/* --- lines --------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct str *s)
{
	while (s->n && is_blank(s->p[0]))
		s->p++, s->n--;
}

static struct str strip(struct str s)
{
	skip_blanks(&s);
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\f'))
		s.n--;
	return s;
}

static void advance(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* What stands in the quotes that open at s->p[before] belongs to the keyword, and the second quote
 * ends it, so `"Port" 22` and `Po"rt" 22` are both Port. */
static bool take_quoted(struct arena *a, struct str *s, size_t before, struct str *ret)
{
	const char *inside = s->p + before + 1;
	const char *end = memchr(inside, '"', s->n - before - 1);

	if (!end)
		return false;
	*ret = (struct str){inside, (size_t)(end - inside)};
	if (before)
		*ret = str_of(arena_printf(a, "%.*s%.*s", (int)before, s->p, (int)ret->n, ret->p));
	advance(s, (size_t)(end + 1 - s->p));
	skip_blanks(s);
	return true;
}

/* The keyword: up to a blank, a quote or an equals sign, of which one is passed over. */
static bool take_keyword(struct arena *a, struct str *s, struct str *ret)
{
	size_t n = 0;
	bool equals;

	while (n < s->n && !is_blank(s->p[n]) && s->p[n] != '"' && s->p[n] != '=')
		n++;
	*ret = (struct str){s->p, n};
	if (n < s->n && s->p[n] == '"')
		return take_quoted(a, s, n, ret);
	equals = n < s->n && s->p[n] == '=';
	advance(s, MIN(n + 1, s->n));
	skip_blanks(s);
	if (!equals && str_skip(s, "="))
		skip_blanks(s);
	return true;
}

struct splitter {
	struct str text;
	size_t i;
	char *out; /* room for the rest's arguments; what is taken out never grows */
	size_t n;
};

/* Copies one argument, without its quotes and escapes. False when a quote stays open. */
static bool take_argument(struct splitter *s, struct str *ret)
{
	char quote = '\0';
	size_t start = s->n;

	for (; s->i < s->text.n; s->i++) {
		char c = s->text.p[s->i], next = s->i + 1 < s->text.n ? s->text.p[s->i + 1] : '\0';

		if (c == '\\' && (next == '\'' || next == '"' || next == '\\' || (!quote && next == ' '))) {
			s->out[s->n++] = next;
			s->i++;
		} else if (!quote && (c == ' ' || c == '\t')) {
			break;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote && c == quote) {
			quote = '\0';
		} else {
			s->out[s->n++] = c;
		}
	}
	*ret = (struct str){s->out + start, s->n - start};
	return !quote;
}

/* As sshd's argv_split(): a '#' that begins an argument begins a comment. */
static const char *split_arguments(struct arena *a, struct str rest, struct sshd_line *line)
{
	struct splitter s = {.text = rest, .out = arena_alloc(a, rest.n + 1)};
	VEC(struct str) args = {0};
	const char *bad = NULL;
	bool empty_list;

	while (!bad) {
		struct str argument;

		while (s.i < rest.n && (rest.p[s.i] == ' ' || rest.p[s.i] == '\t'))
			s.i++;
		if (s.i == rest.n || rest.p[s.i] == '#')
			break;
		if (!take_argument(&s, &argument))
			bad = "a quote is not closed";
		else
			*vec_push(a, &args) = argument;
	}
	line->args = args.p;
	line->n_args = args.n;
	/* With nothing but a comment, a list that may be empty is left as it was. */
	empty_list = rest.n && line->keyword && line->keyword->kind == SSHD_LIST &&
				 line->keyword->flags & SSHD_NO_DEFAULT;
	if (!bad && !args.n && !empty_list)
		bad = "the keyword has no argument";
	return bad;
}

void sshd_line_parse(struct arena *a, struct str text, struct sshd_line *ret)
{
	struct str s = strip(text);
	struct sshd_line line = {.text = text};

	*ret = line;
	if (!s.n || s.p[0] == '#')
		return;
	/* sshd drops an empty word in front, so `= Port 22` sets Port. */
	if (!take_keyword(a, &s, &line.name) || (!line.name.n && !take_keyword(a, &s, &line.name))) {
		line.name = s;
		line.bad = "a quote is not closed";
	} else if (str_has_char(text, '\0')) {
		line.bad = "it holds a NUL byte";
	} else if (str_starts(line.name, "#")) {
		return;
	} else {
		line.keyword = sshd_keyword(line.name);
		line.rest = s;
		line.bad = split_arguments(a, s, &line);
	}
	*ret = line;
}

void sshd_file_parse(struct arena *a, const char *path, struct str text, struct sshd_file *ret)
{
	VEC(struct sshd_line) lines = {0};

	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		struct str line = {text.p, end ? (size_t)(end + 1 - text.p) : text.n};

		sshd_line_parse(a, line, vec_push(a, &lines));
		advance(&text, line.n);
	}
	*ret = (struct sshd_file){path, lines.p, lines.n};
}

int sshd_file_dump(const struct sshd_file *file, struct buf *out)
{
	for (size_t i = 0; i < file->n; i++)
		buf_str(out, file->lines[i].text);
	return out->full ? -ENOBUFS : 0;
}

/* --- the whole configuration ---------------------------------------------------------------- */

struct context {
	struct str match;
	const struct sshd_match *within;
	unsigned block;
	bool always;
};

struct walk {
	struct host *host;
	struct arena *arena;
	struct sshd_config *config;
	size_t bytes, files;
	unsigned blocks;
	struct err *err;
};

static void gap(struct walk *w, const char *why)
{
	if (!w->config->gap)
		w->config->gap = why;
}

static void add_directive(struct walk *w, const char *file, size_t number,
						  const struct sshd_line *line, const struct context *in)
{
	struct sshd_config *c = w->config;
	const char *problem;

	if (c->n == c->cap)
		c->directives = vec_grow(w->arena, c->directives, c->n, &c->cap, sizeof(*c->directives));
	c->directives[c->n++] = (struct sshd_directive){
		.line = line,
		.file = file,
		.number = (unsigned)number,
		.block = in->block,
		.match = in->match,
		.within = in->within,
		.always = in->always,
	};
	problem = sshd_line_problem(line);
	if (!problem && in->block && line->keyword && !(line->keyword->flags & SSHD_IN_MATCH))
		problem = "the keyword does not stand in a Match block";
	if (problem && !c->refused)
		c->refused =
			arena_printf(w->arena, "%s:%zu: sshd would not start: %s", file, number, problem);
	if (line->bad)
		gap(w, c->refused);
}

/* The block that a Match line opens; it ends with the file, at the latest. What it applies to is
 * what it says within what the file was included in. */
static struct context enter(struct walk *w, const struct sshd_line *line,
							const struct context *outer)
{
	bool all = line->n_args == 1 && str_is_nocase(line->args[0], "all");
	struct context in = {
		.block = ++w->blocks, .always = outer->always && all, .within = outer->within};
	struct str criteria;

	if (!all) {
		struct sshd_match *match = arena_new(w->arena, struct sshd_match, 1);

		*match = (struct sshd_match){line, outer->within};
		in.within = match;
	}
	(void)sshd_line_value(w->arena, line, &criteria);
	if (outer->always)
		in.match = all ? STR("all") : criteria;
	else if (all)
		in.match = outer->match;
	else
		in.match = str_of(arena_printf(w->arena, "%s %s", str_dup(w->arena, outer->match),
									   str_dup(w->arena, criteria)));
	return in;
}

static int read_file(struct walk *w, const char *path, const struct context *outer, unsigned depth);

static void include(struct walk *w, struct str pattern, const struct context *in, unsigned depth)
{
	struct str *paths;
	size_t n;

	if (!str_starts(pattern, "/"))
		pattern = str_of(arena_printf(w->arena, "/etc/ssh/%s", str_dup(w->arena, pattern)));
	if (host_glob(w->host, w->arena, pattern, &paths, &n, w->err) < 0) {
		gap(w, arena_strdup(w->arena, w->err->msg));
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (read_file(w, paths[i].p, in, depth + 1) < 0)
			gap(w, arena_strdup(w->arena, w->err->msg));
}

static int read_file(struct walk *w, const char *path, const struct context *outer, unsigned depth)
{
	struct context in = *outer;
	struct sshd_file file;
	struct str text;
	int r;

	if (depth > SSHD_MAX_DEPTH || ++w->files > SSHD_MAX_FILES)
		return err_set(w->err, E2BIG, "%s: too many includes within one another", path);
	r = host_read(w->host, path, w->arena, &text, w->err);
	if (r < 0)
		return r;
	w->bytes += text.n;
	if (w->bytes > SSHD_MAX_TOTAL)
		return err_set(w->err, EFBIG, "%s: with what it includes over %zu bytes", path,
					   SSHD_MAX_TOTAL);
	sshd_file_parse(w->arena, path, text, &file);
	for (size_t i = 0; i < file.n; i++) {
		const struct sshd_line *line = &file.lines[i];
		int kind = line->keyword ? line->keyword->kind : SSHD_TEXT;

		if (!line->name.p)
			continue;
		add_directive(w, path, i + 1, line, &in);
		if (kind == SSHD_MATCH)
			in = enter(w, line, outer);
		for (size_t k = 0; kind == SSHD_INCLUDE && k < line->n_args; k++)
			include(w, line->args[k], &in, depth);
	}
	return 0;
}

int sshd_config_read(struct host *host, struct arena *arena, struct sshd_config *ret,
					 struct err *err)
{
	struct walk w = {.host = host, .arena = arena, .config = ret, .err = err};
	const struct context everywhere = {.always = true};
	int r;

	*ret = (struct sshd_config){0};
	r = read_file(&w, "/etc/ssh/sshd_config", &everywhere, 0);
	return r == -ENOENT ? read_file(&w, "/usr/etc/ssh/sshd_config", &everywhere, 0) : r;
}

const struct started sshd_started = {
	.programs = STARTED("sshd"),
	.checks = STARTED("-t", "-T", "-G", "-V"),
	.units = STARTED("ssh.service", "sshd.service"),
	.usual = STARTED("-D", "-e", "-De", "-i", "-u0", "-f /etc/ssh/sshd_config", "-E *", "-4", "-6",
					 "-p *", "-p[0-9]*"),
};
