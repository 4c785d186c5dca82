/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pg_hba.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/secret.h"

#define MAX_DEPTH 10
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_LINES 10000
/* How many lines, and names in a line, are compared to tell whether one is ever reached. */
#define MAX_EARLIER 128
#define MAX_NAMES 8

/* A word of the file; one in quotes has no special meaning. */
struct token {
	struct str text;
	bool quoted, open; /* open: its quotes do not end */
};
typedef VEC(struct token) tokens;
typedef VEC(tokens) fields;

struct entry {
	struct str type;
	tokens databases, users;
	struct str address; /* absent: one that is not compared, or local */
	bool any, local;
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct pg_hba *hba;
	const struct pg_cluster *cluster;
	unsigned files, lines;
	size_t bytes;
	VEC(struct entry) earlier;
};

_printf_(2, 3) static void gap(struct reader *r, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	if (r->hba->gap)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->hba->gap = arena_strdup(r->arena, text);
}

/* Passwords for LDAP and RADIUS stand among the options, to the end of the line at the worst. */
static void scrub(struct str text, struct buf *out)
{
	static const char *const names[] = {"ldapbindpasswd=", "radiussecrets="};
	struct str line;

	while (str_line(&text, &line)) {
		const char *at = NULL;

		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			const char *found = line.n ? memmem(line.p, line.n, names[i], strlen(names[i])) : NULL;

			if (found && (!at || found < at))
				at = found;
		}
		if (at) {
			line.n = (size_t)(at - line.p);
			while (line.n && line.p[line.n - 1] == '"')
				line.n--;
			buf_str(out, line);
			buf_puts(out, "secret=" SECRET_MASK);
		} else {
			buf_str(out, line);
		}
		buf_putc(out, '\n');
	}
}

/* False when it is not there or cannot be read, which is noted. */
static bool read_text(struct reader *r, const char *path, bool optional, unsigned depth,
					  struct str *ret)
{
	struct err err = {0};
	int e;

	if (depth > MAX_DEPTH || r->files++ >= MAX_FILES || r->bytes > MAX_BYTES) {
		gap(r, "%s: too many includes", path);
		return false;
	}
	e = host_read_scrubbed(r->host, path, scrub, r->arena, ret, &err);
	if (e < 0 && (e != -ENOENT || !optional))
		gap(r, "%s", err.msg);
	r->bytes += e < 0 ? 0 : ret->n;
	return e == 0;
}

/* --- words ----------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word, up to a blank, a comma or a comment outside quotes; in them "" is a quote. False when
 * there is none. */
static bool take_token(struct arena *a, struct str *line, struct token *ret)
{
	bool in_quotes = false, was_quote = false;
	size_t i = 0, n = 0, end = 0;
	char *p;

	while (line->n && is_blank(line->p[0]))
		line->p++, line->n--;
	if (!line->n || line->p[0] == '#')
		return false;
	*ret = (struct token){.quoted = line->p[0] == '"'};
	while (end < line->n &&
		   (in_quotes || !(is_blank(line->p[end]) || line->p[end] == ',' || line->p[end] == '#')))
		in_quotes ^= line->p[end++] == '"';
	ret->open = in_quotes;
	p = arena_alloc(a, end + 1);
	for (in_quotes = false; i < end; i++) {
		if (line->p[i] != '"' || (!in_quotes && was_quote))
			p[n++] = line->p[i];
		was_quote = in_quotes && line->p[i] == '"';
		in_quotes ^= line->p[i] == '"';
	}
	ret->text = (struct str){p, n};
	line->p += end;
	line->n -= end;
	return true;
}

static void include_names(struct reader *, const char *file, struct token name, tokens *ret,
						  unsigned depth);

/* One field: words with commas between. */
static bool take_field(struct reader *r, const char *file, struct str *line, tokens *ret,
					   unsigned depth)
{
	struct token token;

	while (take_token(r->arena, line, &token)) {
		if (token.open)
			gap(r, "%s: a quote does not end on its line", file);
		if (!token.quoted && token.text.n > 1 && token.text.p[0] == '@')
			include_names(r, file, token, ret, depth);
		else
			*vec_push(r->arena, ret) = token;
		while (line->n && is_blank(line->p[0]))
			line->p++, line->n--;
		if (!line->n || line->p[0] != ',')
			break;
		line->p++, line->n--;
	}
	return ret->n > 0;
}

/* "@file": names, on any number of lines, commas or blanks between them. */
static void include_names(struct reader *r, const char *file, struct token name, tokens *ret,
						  unsigned depth)
{
	struct str text, line, path = {name.text.p + 1, name.text.n - 1};
	const char *full = postgres_path(r->arena, file, path);

	if (!read_text(r, full, false, depth + 1, &text))
		return;
	while (str_line(&text, &line))
		while (take_field(r, full, &line, ret, depth + 1) && line.n)
			if (line.p[0] == '#')
				break;
}

/* --- what a line is about --------------------------------------------------------------------------- */

static bool is_word(const struct token *t, const char *word)
{
	return !t->quoted && str_is(t->text, word);
}

static bool has_word(tokens *list, const char *word)
{
	vec_each(list, t) if (is_word(t, word)) return true;
	return false;
}

/* The length of a netmask, -1 when it is none. */
static int mask_length(struct str mask)
{
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];
	int n, length = 0;

	if (!mask.n || mask.n >= sizeof(text))
		return -1;
	memcpy(text, mask.p, mask.n);
	text[mask.n] = '\0';
	n = inet_pton(AF_INET, text, bytes) == 1 ? 4 : inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
	while (length < n * 8 && bytes[length / 8] & (0x80 >> length % 8))
		length++;
	return n ? length : -1;
}

static int prefix_of(struct str address, struct str mask)
{
	struct str plain, rest = address;
	uint64_t length;

	if (mask.p)
		return mask_length(mask);
	if (!str_cut(&rest, '/', &plain) || !rest.p || num_u64(rest, 0, 128, &length) < 0)
		return -1;
	return (int)length;
}

/* A few bits of a prefix leave so many addresses that it is everybody. */
static const char *scope_of(struct str address, struct str mask)
{
	int prefix = prefix_of(address, mask);
	bool is_v6 = str_has_char(address, ':');

	if (str_is(address, "samehost"))
		return "loopback";
	if (str_is(address, "all"))
		return "all";
	if (prefix >= 0 && prefix < (is_v6 ? 4 : 7))
		return "all";
	/* "127.0.0.1/0" is not about loopback. */
	if (prefix >= (is_v6 ? 128 : 8) && !settings_is_network(address))
		return "loopback";
	return prefix < 0 && str_is(address, "localhost") ? "loopback" : "network";
}

static bool is_special(const struct token *t)
{
	return !t->quoted && t->text.n && strchr("+/", t->text.p[0]);
}

static bool may_be_superuser(tokens *users)
{
	vec_each(users,
			 t) if (is_word(t, "all") || str_is(t->text, "postgres") || is_special(t)) return true;
	return false;
}

/* Is the earlier line about every connection that could come by this type of line? */
static bool covers_type(struct str earlier, struct str later)
{
	return str_eq(earlier, later) || (str_is(earlier, "host") && !str_is(later, "local"));
}

static bool covers_names(tokens *earlier, tokens *later, bool is_database)
{
	bool all = has_word(earlier, "all");

	if (earlier->n > MAX_NAMES || later->n > MAX_NAMES)
		return all && !is_database;
	vec_each(later, l)
	{
		bool found = all && !(is_database && is_word(l, "replication"));

		for (size_t i = 0; !found && i < earlier->n; i++)
			found = str_eq(earlier->p[i].text, l->text) && earlier->p[i].quoted == l->quoted;
		if (!found)
			return false;
	}
	return true;
}

static bool is_decided(struct reader *r, struct entry *e)
{
	vec_each(&r->earlier,
			 o) if (covers_type(o->type, e->type) &&
					(e->local || o->any || (e->address.p && str_eq(o->address, e->address))) &&
					covers_names(&o->databases, &e->databases, true) &&
					covers_names(&o->users, &e->users, false)) return true;
	return false;
}

/* --- lines -------------------------------------------------------------------------------------------- */

static void set_names(struct reader *r, tokens *list, const struct str **ret, size_t *ret_n)
{
	struct str *items = arena_new(r->arena, struct str, list->n + 1);

	for (size_t i = 0; i < list->n; i++)
		items[i] = list->p[i].text;
	*ret = items;
	*ret_n = list->n;
}

static void set_options(struct reader *r, struct pg_hba_line *line, fields *f, size_t first)
{
	tokens options = {0};

	for (size_t i = first; i < f->n; i++)
		vec_each(&f->p[i], t) * vec_push(r->arena, &options) = *t;
	set_names(r, &options, &line->options, &line->n_options);
}

static struct str only(tokens *t)
{
	return t->n == 1 ? t->p[0].text : STR_ABSENT;
}

static void add_line(struct reader *r, fields *f, struct from from)
{
	struct entry e = {.type = only(&f->p[0]), .databases = f->p[1], .users = f->p[2]};
	struct pg_hba_line line = {.type = e.type, .from = from};
	size_t i = 3;

	e.local = str_is(e.type, "local");
	if (!e.local && i < f->n)
		line.address = only(&f->p[i++]);
	if (line.address.p && i + 1 < f->n && mask_length(only(&f->p[i])) >= 0)
		line.mask = only(&f->p[i++]);
	if (i >= f->n || (!e.local && !line.address.n)) {
		gap(r, "%s:%u: the server cannot read this line", from.path, from.line);
		return;
	}
	set_names(r, &e.databases, &line.databases, &line.n_databases);
	set_names(r, &e.users, &line.users, &line.n_users);
	line.method = only(&f->p[i]);
	set_options(r, &line, f, i + 1);
	line.scope = e.local ? "socket" : scope_of(line.address, line.mask);
	line.superuser = may_be_superuser(&e.users);
	e.address = line.mask.p ? STR_ABSENT : line.address;
	e.any = str_is(line.address, "all");
	line.shadowed = is_decided(r, &e);
	*vec_push(r->arena, &r->hba->lines) = line;
	if (r->earlier.n < MAX_EARLIER && (e.local || e.address.p))
		*vec_push(r->arena, &r->earlier) = e;
}

/* --- files -------------------------------------------------------------------------------------------- */

static void read_file(struct reader *, const char *path, bool optional, unsigned depth);

static void read_dir(struct reader *r, const char *path, unsigned depth)
{
	struct str *files;
	struct path_stat st;
	struct err err = {0};
	size_t n;

	if (host_stat(r->host, path, true, &st, &err) < 0 ||
		host_list_files(r->host, path, ".conf", r->arena, &files, &n, &err) < 0) {
		gap(r, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(r->arena, files[i]), false, depth + 1);
}

static bool is_include(struct reader *r, fields *f, struct from from, unsigned depth)
{
	const struct token *first = &f->p[0].p[0];
	const char *path;

	if (f->n != 2 || f->p[0].n != 1 || f->p[1].n != 1 ||
		(r->cluster->version && r->cluster->version < 16))
		return false;
	path = postgres_path(r->arena, from.path, f->p[1].p[0].text);
	if (is_word(first, "include") || is_word(first, "include_if_exists"))
		read_file(r, path, first->text.n > 7, depth + 1);
	else if (is_word(first, "include_dir"))
		read_dir(r, path, depth);
	else
		return false;
	return true;
}

static bool is_type(struct str s)
{
	return str_is_one_of(
		s, NAMES("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"));
}

static void read_line(struct reader *r, struct str line, struct from from, unsigned depth)
{
	fields f = {0};
	tokens field = {0};

	while (take_field(r, from.path, &line, &field, 0)) {
		*vec_push(r->arena, &f) = field;
		field = (tokens){0};
	}
	if (!f.n || is_include(r, &f, from, depth))
		return;
	if (r->lines++ >= MAX_LINES)
		gap(r, "%s:%u: more than %d lines", from.path, from.line, MAX_LINES);
	else if (f.n < 4 || !is_type(only(&f.p[0])))
		gap(r, "%s:%u: the server cannot read this line", from.path, from.line);
	else
		add_line(r, &f, from);
}

/* A line that ends in a backslash goes on in the next one. */
static struct str joined(struct arena *a, struct str line, struct str *text, unsigned *number)
{
	_cleanup_buf_ struct buf all = BUF(HOST_MAX_FILE);

	while (str_ends(line, "\\")) {
		buf_add(&all, line.p, line.n - 1);
		line = STR("");
		if (str_line(text, &line))
			++*number;
	}
	buf_str(&all, line);
	return (struct str){str_dup(a, buf_get(&all)), all.n};
}

static void read_file(struct reader *r, const char *path, bool optional, unsigned depth)
{
	struct str text, line;
	unsigned number = 0;

	if (!read_text(r, path, optional, depth, &text))
		return;
	while (str_line(&text, &line)) {
		unsigned first = ++number;

		if (str_ends(line, "\\"))
			line = joined(r->arena, line, &text, &number);
		read_line(r, line, FROM(path, first), depth);
	}
}

void pg_hba_read(struct host *host, struct arena *arena, const struct pg_cluster *c,
				 struct pg_hba *ret)
{
	struct reader r = {.host = host, .arena = arena, .hba = ret, .cluster = c};
	struct str path = settings_get(&c->settings, "hba_file");

	*ret = (struct pg_hba){.gap = c->settings.gap};
	if (path.n)
		read_file(
			&r,
			postgres_path(arena, c->data ? arena_printf(arena, "%s/x", c->data) : c->config, path),
			false, 0);
	else if (c->data)
		read_file(&r, arena_printf(arena, "%s/pg_hba.conf", c->data), false, 0);
	else
		gap(&r, "%s: its data directory is not known", c->config);
}
