/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask net-snmp's agent without a user of version 3: the communities of snmpd.conf, which are
 * passwords in clear text.
 */
#include "host/table.h"

#include "base/buf.h"
#include "host/glob.h"
#include "host/secret.h"

#define MAIN "/etc/snmp/snmpd.conf"
#define MAX_FILES 64
#define MAX_DEPTH 8

enum { COMMUNITY, WELL_KNOWN, SOURCE, WRITABLE, VIEW, DIRECTIVE };

static const struct column columns[] = {
	[COMMUNITY] = {"community", TYPE_STRING, "*** unless everybody knows it", COLUMN_LABEL},
	[WELL_KNOWN] = {"well_known", TYPE_BOOL, "It is one of those that everybody tries", 0},
	[SOURCE] = {"source", TYPE_STRING, "Who may use it; absent: any address", COLUMN_LABEL},
	[WRITABLE] = {"writable", TYPE_BOOL, "It may change values", 0},
	[VIEW] = {"view", TYPE_STRING, "The view or part of the tree that it sees; absent: all", 0},
	[DIRECTIVE] = {"directive", TYPE_STRING, "rocommunity, rwcommunity, com2sec, ...",
				   COLUMN_LABEL},
	{0},
};

/* Which word behind the directive is the community. */
static const struct directive {
	const char *name;
	unsigned at;
	bool writable, mapped; /* mapped: `access` lines say what it may do */
} directives[] = {
	{"rocommunity", 0, false, false},   {"rocommunity6", 0, false, false},
	{"rwcommunity", 0, true, false},    {"rwcommunity6", 0, true, false},
	{"authcommunity", 1, false, false}, {"com2sec", 2, false, true},
	{"com2sec6", 2, false, true},
};

static const char *const well_known[] = {"public", "private", "community", "snmp", "manager", NULL};

/* The next word; quotes of either kind hold blanks together. */
static bool next_word(struct str *line, struct str *ret)
{
	size_t n = 0;
	char quote;

	*line = str_trim(*line);
	if (!line->n || line->p[0] == '#')
		return false;
	quote = line->p[0];
	if (quote != '"' && quote != '\'')
		return str_word(line, ret);
	line->p++, line->n--;
	while (n < line->n && line->p[n] != quote)
		n++;
	*ret = (struct str){line->p, n};
	n += n < line->n;
	line->p += n, line->n -= n;
	return true;
}

static const struct directive *find(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(directives); i++)
		if (str_is_nocase(word, directives[i].name))
			return &directives[i];
	return NULL;
}

static bool is_include(struct str word)
{
	return str_is_nocase(word, "includeDir") || str_is_nocase(word, "includeFile");
}

static void keep_words(struct buf *out, struct str line, const struct directive *d)
{
	struct str word;

	for (unsigned i = 0; next_word(&line, &word); i++) {
		/* A context in front of com2sec's own words. */
		if (d && d->mapped && i == 0 && str_is(word, "-Cn") && next_word(&line, &word)) {
			i = (unsigned)-1;
			continue;
		}
		buf_puts(out, " \"");
		if (d && i == d->at && !str_is_one_of(word, well_known))
			buf_puts(out, SECRET_MASK);
		else
			buf_str(out, word);
		buf_putc(out, '"');
	}
}

/* Nothing but what is asked for is kept: the file has passwords of version 3 as well. */
static void scrub(struct str text, struct buf *out)
{
	struct str line, word;

	while (str_line(&text, &line)) {
		const struct directive *d;

		if (next_word(&line, &word) && ((d = find(word)) || is_include(word))) {
			buf_str(out, word);
			keep_words(out, line, d);
		}
		buf_putc(out, '\n');
	}
}

struct reader {
	struct host *host;
	struct rows *rows;
	unsigned files, depth;
};

static void read_file(struct reader *, const char *path);

/* Behind the community: SOURCE, then an OID or -V VIEW. com2sec has the source before it. */
static void read_community(struct reader *r, struct from from, const struct directive *d,
						   struct str line)
{
	struct row *row = rows_add(r->rows, from);
	struct str words[3] = {{0}}, view = STR_ABSENT, source = STR_ABSENT;

	for (unsigned i = 0; i <= d->at && next_word(&line, &words[i]); i++)
		;
	if (d->mapped)
		source = words[1];
	else if (next_word(&line, &source) && next_word(&line, &view) && str_is(view, "-V"))
		next_word(&line, &view);
	row_strz(row, DIRECTIVE, d->name);
	row_str(row, COMMUNITY, words[d->at]);
	row_bool(row, WELL_KNOWN, str_is_one_of(words[d->at], well_known));
	row_str(row, SOURCE, str_is(source, "default") ? STR_ABSENT : source);
	row_str(row, VIEW, view);
	if (d->mapped)
		row_unknown(row, WRITABLE, "what access lines give to its group is not followed");
	else
		row_bool(row, WRITABLE, d->writable || (d->at == 1 && str_has(words[0], "write")));
}

static void read_include(struct reader *r, struct str word, struct str line)
{
	struct arena *a = r->rows->arena;
	struct str path, *files;
	struct err err = {0};
	size_t n = 0;

	if (!next_word(&line, &path))
		return;
	if (str_is_nocase(word, "includeFile")) {
		read_file(r, str_starts(path, "/") ? str_dup(a, path)
										   : arena_printf(a, "/etc/snmp/%.*s", STR_ARG(path)));
		return;
	}
	if (host_list_files(r->host, str_dup(a, path), ".conf", a, &files, &n, &err) < 0)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(a, files[i]));
}

static void read_file(struct reader *r, const char *path)
{
	struct str text, line, word;
	struct err err = {0};
	unsigned number = 0;
	int e;

	if (r->depth == MAX_DEPTH || r->files == MAX_FILES) {
		rows_gap(r->rows, "%s: too many includes", path);
		return;
	}
	r->files++;
	e = host_read_scrubbed(r->host, path, scrub, r->rows->arena, &text, &err);
	if (e < 0 && e != -ENOENT)
		rows_gap(r->rows, "%s", err.msg);
	if (e < 0)
		return;
	r->depth++;
	while (str_line(&text, &line)) {
		const struct directive *d;

		number++;
		if (!next_word(&line, &word))
			continue;
		d = find(word);
		if (d)
			read_community(r, FROM(path, number), d, line);
		else
			read_include(r, word, line);
	}
	r->depth--;
}

static int read_snmp_communities(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};

	read_file(&r, MAIN);
	read_file(&r, "/etc/snmp/snmpd.local.conf");
	return 0;
}

static const struct table snmp_communities = {
	.name = "snmp_communities",
	.doc = "Passwords of SNMP versions 1 and 2c in /etc/snmp/snmpd.conf and what it includes",
	.columns = columns,
	.read = read_snmp_communities,
	.loaded = LOADED_BY(.units = STARTED("snmpd.service")),
	.started =
		&(const struct started){
			.programs = STARTED("snmpd"),
			.units = STARTED("snmpd.service"),
			.usual = STARTED("-c /etc/snmp/snmpd.conf", "-f", "-a", "-A", "-L[SsOo]*", "-Lf *",
							 "-u *", "-g *", "-p *", "-I -*", "udp:*", "udp6:*", "tcp:*", "tcp6:*"),
			.variables = STARTED("SNMPCONFPATH"),
		},
};
TABLE(snmp_communities);
