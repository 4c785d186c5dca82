/* SPDX-License-Identifier: Apache-2.0 */
/* Whose requests a Squid proxy takes: the http_access lines of squid.conf, of which the first that
 * fits decides. */
#include "host/table.h"

#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/logical.h"

#define MAX_FILES 64
#define MAX_DEPTH 16 /* as Squid */

enum { ORDER, ACTION, ACLS, EVERYONE };

static const struct column columns[] = {
	[ORDER] = {"order", TYPE_INT, "Its place, from 1", COLUMN_LABEL},
	[ACTION] = {"action", TYPE_STRING, "allow or deny", COLUMN_LABEL},
	[ACLS] = {"acls", TYPE_LIST, "What has to fit, all of it; a '!' takes what does not fit",
			  COLUMN_LABEL},
	[EVERYONE] = {"everyone", TYPE_BOOL,
				  "It holds for clients of any address, or of more than any one network has, and no line "
				  "before it denies all",
				  0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct map types; /* of an acl's name: its type; "all" for one of every address, "wide" */
	bool closed;      /* a line denied all */
	unsigned files, depth, conditions;
};

/* Squid's own names. */
static const char *const predefined[][2] = {
	{"CONNECT", "method"},   {"manager", "url_regex"}, {"to_localhost", "dst"},
	{"to_linklocal", "dst"}, {"localhost", "src"},
};

static void read_file(struct reader *, const char *path);

/* The first eight bits of an IPv4 address. */
static bool first_octet(struct str address, uint64_t *ret)
{
	struct str octet;

	return str_has_char(address, '.') && str_cut(&address, '.', &octet) &&
		   num_u64(octet, 0, 255, ret) == 0;
}

/* More addresses than the largest private network has, 10.0.0.0/8 or fc00::/7: a few such are everybody.
 * They are written with a prefix or a mask, or from the first to the last. */
static bool is_wide(struct str word)
{
	bool v6 = str_has_char(word, ':');
	uint64_t bits, first, last;
	struct str from;

	str_cut(&word, '/', &from);
	if (word.n && num_u64(word, 0, 128, &bits) == 0 && bits < (v6 ? 7 : 8))
		return true;
	if (first_octet(word, &bits) && bits < 255)
		return true;
	word = from;
	return str_has_char(word, '-') && str_cut(&word, '-', &from) && first_octet(from, &first) &&
		   first_octet(word, &last) && last > first + 1;
}

/* Of several lines for one name either may fit, so one for every address makes it that. */
static void read_acl(struct reader *r, struct str line)
{
	static const char *const all[] = {"all", "0.0.0.0/0", "0/0", "::/0", "0.0.0.0/0.0.0.0"};
	struct str name, type, word;
	const char *is;

	if (!str_word(&line, &name) || !str_word(&line, &type))
		return;
	is = map_get(&r->types, name);
	if (is && strcmp(is, "all") == 0)
		return;
	if (!is || strcmp(is, "wide") != 0)
		map_put(&r->types, name, str_dup(r->rows->arena, type));
	if (!str_is(type, "src"))
		return;
	while (str_word(&line, &word) && word.p[0] != '#') {
		if (str_starts(word, "\""))
			rows_gap(r->rows, "the addresses of acl %.*s are in a file that is not read",
					 STR_ARG(name));
		if (is_wide(word))
			map_put(&r->types, name, (void *)"wide");
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			if (str_is(word, all[i]))
				map_put(&r->types, name, (void *)"all");
	}
}

/* What may keep a client out by who or where it is. Ports, methods, times and destinations say
 * nothing about that. */
static bool limits_clients(struct reader *r, struct str acl)
{
	static const char *const not_clients[] = {
		"all",          "wide",      "port",          "method",   "proto",   "time",     "dst",
		"dstdomain",    "dstdom_regex", "url_regex", "urlpath_regex", "url_port", "browser", "localport"};
	bool negated = str_skip(&acl, "!");
	const char *type = map_get(&r->types, acl);

	if (str_is(acl, "all"))
		return negated;
	if (!type)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(not_clients); i++)
		if (strcmp(type, not_clients[i]) == 0)
			return false;
	return !negated;
}

static void read_access(struct reader *r, struct from from, struct str line)
{
	struct row *row;
	VEC(struct str) acls = {0};
	struct str action, acl;
	bool limited = false, only_all = true;

	if (!str_word(&line, &action))
		return;
	while (str_word(&line, &acl) && acl.p[0] != '#') {
		const char *type = map_get(&r->types, acl);

		*vec_push(r->rows->arena, &acls) = acl;
		limited |= limits_clients(r, acl);
		only_all &= str_is(acl, "all") || (type && strcmp(type, "all") == 0);
	}
	row = rows_add(r->rows, from);
	row_int(row, ORDER, (int64_t)r->rows->n);
	row_str(row, ACTION, action);
	row_list(row, ACLS, acls.p, acls.n);
	row_bool(row, EVERYONE, !limited && !r->closed);
	if (str_is(action, "deny") && only_all && !r->conditions)
		r->closed = true;
}

static void read_include(struct reader *r, struct str line)
{
	struct str pattern, *files;
	struct err err = {0};
	size_t n = 0;

	while (str_word(&line, &pattern) && pattern.p[0] != '#') {
		if (host_glob(r->host, r->rows->arena, pattern, &files, &n, &err) < 0) {
			rows_gap(r->rows, "%s", err.msg);
			return;
		}
		for (size_t i = 0; i < n; i++)
			read_file(r, str_dup(r->rows->arena, files[i]));
	}
}

static void read_line(struct reader *r, struct from from, struct str line)
{
	struct str word;

	if (!str_word(&line, &word) || word.p[0] == '#')
		return;
	if (str_is(word, "acl"))
		read_acl(r, line);
	else if (str_is(word, "http_access"))
		read_access(r, from, line);
	else if (str_is(word, "include"))
		read_include(r, line);
	else if (str_is(word, "if"))
		r->conditions++, rows_gap(r->rows, "%s:%u: which lines below if hold is not known",
								  from.path, from.line);
	else if (str_is(word, "endif") && r->conditions)
		r->conditions--;
}

static void read_file(struct reader *r, const char *path)
{
	struct str text, line;
	struct err err = {0};
	struct logical lines;

	if (r->depth == MAX_DEPTH || r->files++ == MAX_FILES) {
		rows_gap(r->rows, "%s: too many includes", path);
		return;
	}
	if (r->files > MAX_FILES || host_read(r->host, path, r->rows->arena, &text, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	r->depth++;
	lines = LOGICAL(r->rows->arena, text);
	while (logical_line(&lines, &line))
		read_line(r, FROM(path, lines.line), line);
	r->depth--;
}

static int read_squid_access(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const paths[] = {"/etc/squid/squid.conf", "/etc/squid.conf", NULL};
	struct reader r = {.host = host, .rows = rows};
	const char *path;
	int e;

	map_init(&r.types, rows->arena);
	for (size_t i = 0; i < ARRAY_LEN(predefined); i++)
		map_put(&r.types, str_of(predefined[i][0]), (void *)predefined[i][1]);
	e = host_first(host, paths, &path, err);
	if (e == 0)
		read_file(&r, path);
	return e == -ENOENT ? 0 : e;
}

static const struct table squid_access = {
	.name = "squid_access",
	.doc = "Whose requests a Squid proxy takes: the http_access lines of squid.conf, in order",
	.columns = columns,
	.read = read_squid_access,
	.loaded = LOADED_BY(.units = STARTED("squid.service")),
	.started =
		&(const struct started){
			.programs = STARTED("squid", "squid3"),
			.checks = STARTED("-k", "-v", "-z"),
			.units = STARTED("squid.service"),
			.usual = STARTED("-f /etc/squid/squid.conf", "-f /etc/squid.conf", "--foreground", "-s",
							 "-N", "-Y", "-C", "-D", "-sYC", "-sY", "-NYC", "-YC"),
		},
};
TABLE(squid_access);
