/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect to PostgreSQL, and how they prove who they are: the lines of pg_hba.conf in the
 * order in which the server tries them.
 */
#include <arpa/inet.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/postgres.h"
#include "host/secret.h"

#define MAX_DEPTH 10
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_LINES 10000
/* How many lines, and names in a line, are compared to tell whether one is ever reached. */
#define MAX_EARLIER 128
#define MAX_NAMES 8

enum {
	CLUSTER,
	TYPE,
	DATABASES,
	USERS,
	ADDRESS,
	MASK,
	METHOD,
	OPTIONS,
	SCOPE,
	ENCRYPTED,
	SUPERUSER,
	SHADOWED
};

static const struct column columns[] = {
	[CLUSTER] = {"cluster", TYPE_STRING, "The cluster, as in the table postgres", COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "local, host, hostssl, hostnossl, hostgssenc or hostnogssenc",
			  COLUMN_LABEL},
	[DATABASES] = {"databases", TYPE_LIST, "Databases that it is about, @files resolved",
				   COLUMN_LABEL},
	[USERS] = {"users", TYPE_LIST, "Users that it is about, @files resolved", COLUMN_LABEL},
	[ADDRESS] = {"address", TYPE_STRING, "Clients that it is about; absent: local", COLUMN_LABEL},
	[MASK] = {"mask", TYPE_STRING, "Netmask, where it has a column of its own", 0},
	[METHOD] = {"method", TYPE_STRING,
				"How they prove who they are: trust, reject, scram-sha-256, ...", COLUMN_LABEL},
	[OPTIONS] = {"options", TYPE_LIST, "Options of the method, name=value", 0},
	[SCOPE] = {"scope", TYPE_STRING,
			   "Where the clients are: socket, loopback, network, or all for any address", 0},
	[ENCRYPTED] = {"encrypted", TYPE_BOOL,
				   "It is about connections with TLS or GSSAPI encryption alone", 0},
	[SUPERUSER] = {"superuser", TYPE_BOOL,
				   "It admits postgres, or all, or a pattern or role that may include a superuser",
				   0},
	[SHADOWED] = {"shadowed", TYPE_BOOL, "An earlier line decides all that it is about", 0},
	{0},
};

/* A word of the file; one in quotes has no special meaning. */
struct token {
	struct str text;
	bool quoted, open; /* open: its quotes do not end */
};
typedef VEC(struct token) tokens;
typedef VEC(tokens) fields;

struct entry {
	const struct row *row;
	struct str type;
	tokens databases, users;
	struct str address; /* absent: one that is not compared, or local */
	bool any, local;
};

struct reader {
	struct host *host;
	struct rows *rows;
	const struct pg_cluster *cluster;
	unsigned files, lines;
	size_t bytes;
	VEC(struct entry) earlier;
};

static struct arena *arena_of(struct reader *r)
{
	return r->rows->arena;
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
		rows_gap(r->rows, "%s: too many includes", path);
		return false;
	}
	e = host_read_scrubbed(r->host, path, scrub, arena_of(r), ret, &err);
	if (e < 0 && (e != -ENOENT || !optional))
		rows_gap(r->rows, "%s", err.msg);
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

	while (take_token(arena_of(r), line, &token)) {
		if (token.open)
			rows_gap(r->rows, "%s: a quote does not end on its line", file);
		if (!token.quoted && token.text.n > 1 && token.text.p[0] == '@')
			include_names(r, file, token, ret, depth);
		else
			*vec_push(arena_of(r), ret) = token;
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
	const char *full = postgres_path(arena_of(r), file, path);

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

	if (mask.n >= sizeof(text))
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

/* --- rows --------------------------------------------------------------------------------------------- */

static void set_tokens(struct reader *r, struct row *row, int column, tokens *list)
{
	struct str *items = arena_new(arena_of(r), struct str, list->n + 1);

	for (size_t i = 0; i < list->n; i++)
		items[i] = list->p[i].text;
	row_list(row, column, items, list->n);
}

static void set_options(struct reader *r, struct row *row, fields *f, size_t first)
{
	tokens options = {0};

	for (size_t i = first; i < f->n; i++)
		vec_each(&f->p[i], t) * vec_push(arena_of(r), &options) = *t;
	set_tokens(r, row, OPTIONS, &options);
}

static struct str only(tokens *t)
{
	return t->n == 1 ? t->p[0].text : STR_ABSENT;
}

static void add_row(struct reader *r, fields *f, struct from from)
{
	struct entry e = {.type = only(&f->p[0]), .databases = f->p[1], .users = f->p[2]};
	struct str address = STR_ABSENT, mask = STR_ABSENT;
	struct row *row;
	size_t i = 3;

	e.local = str_is(e.type, "local");
	if (!e.local && i < f->n)
		address = only(&f->p[i++]);
	if (address.p && i + 1 < f->n && mask_length(only(&f->p[i])) >= 0)
		mask = only(&f->p[i++]);
	if (i >= f->n || (!e.local && !address.n)) {
		rows_gap(r->rows, "%s:%u: the server cannot read this line", from.path, from.line);
		return;
	}
	row = rows_add(r->rows, from);
	row_strz(row, CLUSTER, r->cluster->name);
	row_str(row, TYPE, e.type);
	set_tokens(r, row, DATABASES, &e.databases);
	set_tokens(r, row, USERS, &e.users);
	row_str(row, ADDRESS, address);
	row_str(row, MASK, mask);
	row_str(row, METHOD, only(&f->p[i]));
	set_options(r, row, f, i + 1);
	row_strz(row, SCOPE, e.local ? "socket" : scope_of(address, mask));
	row_bool(row, ENCRYPTED, str_is(e.type, "hostssl") || str_is(e.type, "hostgssenc"));
	row_bool(row, SUPERUSER, may_be_superuser(&e.users));
	e.address = mask.p ? STR_ABSENT : address;
	e.any = str_is(address, "all");
	row_bool(row, SHADOWED, is_decided(r, &e));
	if (r->earlier.n < MAX_EARLIER && (e.local || e.address.p))
		*vec_push(arena_of(r), &r->earlier) = e;
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
		host_list_files(r->host, path, ".conf", arena_of(r), &files, &n, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(arena_of(r), files[i]), false, depth + 1);
}

static bool is_include(struct reader *r, fields *f, struct from from, unsigned depth)
{
	const struct token *first = &f->p[0].p[0];
	const char *path;

	if (f->n != 2 || f->p[0].n != 1 || f->p[1].n != 1 ||
		(r->cluster->version && r->cluster->version < 16))
		return false;
	path = postgres_path(arena_of(r), from.path, f->p[1].p[0].text);
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
	static const char *const types[] = {"local",     "host",       "hostssl",
										"hostnossl", "hostgssenc", "hostnogssenc"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(s, types[i]))
			return true;
	return false;
}

static void read_line(struct reader *r, struct str line, struct from from, unsigned depth)
{
	fields f = {0};
	tokens field = {0};

	while (take_field(r, from.path, &line, &field, 0)) {
		*vec_push(arena_of(r), &f) = field;
		field = (tokens){0};
	}
	if (!f.n || is_include(r, &f, from, depth))
		return;
	if (r->lines++ >= MAX_LINES)
		rows_gap(r->rows, "%s:%u: more than %d lines", from.path, from.line, MAX_LINES);
	else if (f.n < 4 || !is_type(only(&f.p[0])))
		rows_gap(r->rows, "%s:%u: the server cannot read this line", from.path, from.line);
	else
		add_row(r, &f, from);
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
			line = joined(arena_of(r), line, &text, &number);
		read_line(r, line, FROM(path, first), depth);
	}
}

static void read_cluster(struct host *host, struct rows *rows, const struct pg_cluster *c)
{
	struct reader r = {.host = host, .rows = rows, .cluster = c};
	struct str path = settings_get(&c->settings, "hba_file");

	if (c->settings.gap)
		rows_gap(rows, "%s", c->settings.gap);
	if (path.n)
		read_file(&r,
				  postgres_path(rows->arena,
								c->data ? arena_printf(rows->arena, "%s/x", c->data) : c->config,
								path),
				  false, 0);
	else if (c->data)
		read_file(&r, arena_printf(rows->arena, "%s/pg_hba.conf", c->data), false, 0);
	else
		rows_gap(rows, "%s: its data directory is not known", c->config);
}

static int read_pg_hba(struct host *host, struct rows *rows, struct err *err)
{
	struct pg_clusters all;
	int r = postgres_read(host, rows->arena, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		read_cluster(host, rows, &all.p[i]);
	return r;
}

static const struct table pg_hba = {
	.name = "pg_hba",
	.doc =
		"Who may connect to PostgreSQL and how: the lines of pg_hba.conf and what it includes, in "
		"their order, as the next start or reload would take them",
	.columns = columns,
	.read = read_pg_hba,
};
TABLE(pg_hba);
