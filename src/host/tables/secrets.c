/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where passwords and tokens stand in clear text in files that are no place for them: units, the
 * environment of all, crontabs, shell history. Only where and under which name; nothing of a value is
 * kept. What a secret is, is guessed from the name in front of it, or from the form of some tokens.
 */
#include <ctype.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/passwd.h"
#include "host/secret.h"
#include "host/table.h"

#define MAX_FILES 1000
#define MAX_SIZE ((int64_t)2 << 20) /* bytes of one file */
#define MAX_NAMES 10                /* that are told of one file */

enum { FILE_, PLACE, USER, MODE, LINE, COUNT, NAMES };

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[PLACE] = {"place", TYPE_STRING, "unit, environment, crontab, history or startup (of a shell)",
			   0},
	[USER] = {"user", TYPE_STRING, "Whose home it is in; absent: in none", 0},
	[MODE] = {"mode", TYPE_MODE, "Its permission bits", 0},
	[LINE] = {"line", TYPE_INT, "The first line with something that looks like a secret", 0},
	[COUNT] = {"count", TYPE_INT, "How many lines look like that", 0},
	[NAMES] = {"names", TYPE_LIST, "What stands in front of it: DB_PASSWORD, -p, some of them", 0},
	{0},
};

/* --- finding them ---------------------------------------------------------------------------- */

/* Tokens that are known by how they begin, and how long they are at least. */
static const struct {
	const char *prefix;
	size_t n;
} tokens[] = {
	{"AKIA", 20},  {"ghp_", 36},  {"gho_", 36},     {"github_pat_", 50}, {"glpat-", 24},
	{"xoxb-", 30}, {"xoxp-", 30}, {"sk_live_", 30}, {"AIza", 39},        {"npm_", 38},
};

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* The kind of token that stands in the line; NULL: none that is known. */
static const char *find_token(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		struct str rest = {line.p + i, line.n - i};
		size_t n = 0;

		if (i && is_token_char(line.p[i - 1]))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(tokens); k++) {
			if (!str_starts(rest, tokens[k].prefix))
				continue;
			while (n < rest.n && n <= tokens[k].n && is_token_char(rest.p[n]))
				n++;
			if (n >= tokens[k].n)
				return tokens[k].prefix;
		}
	}
	return NULL;
}

/* A reference, a path or a placeholder is none: $DB_PASSWORD, %d/key, <password>, /run/secrets/x. */
static bool is_reference(struct str value)
{
	while (value.n && strchr("\"'", value.p[0]))
		value = (struct str){value.p + 1, value.n - 1};
	return !value.n || strchr("$%<`{/(", value.p[0]) != NULL;
}

/* The name in front of a value that begins at line.p[at]: up to an equal sign, a colon or a quote, or,
 * with a blank between, an option. Empty: none. */
static struct str name_before(struct str line, size_t at)
{
	size_t end = at, from;
	bool blank = false;

	while (end && strchr("\"'=: \t", line.p[end - 1]))
		blank |= isspace((unsigned char)line.p[--end]) != 0;
	if (end == at && end && line.p[end - 1] == '@')
		return STR("");
	for (from = end; from && !strchr("\"' \t=;", line.p[from - 1]) && end - from < 64;)
		from--;
	if (blank && end < at && !memchr(line.p + end, '=', at - end) &&
		!memchr(line.p + end, ':', at - end) && line.p[from] != '-')
		return STR("");
	return (struct str){line.p + from, end - from};
}

/* The name that the first secret of a line has; empty: there is none. */
static struct str secret_of(struct str line, struct buf *masked)
{
	const char *token = find_token(line);
	size_t at = 0;

	if (token)
		return str_of(token);
	buf_clear(masked);
	secret_mask(line, masked);
	while (at < line.n && at < masked->n && line.p[at] == masked->p[at])
		at++;
	if (at == masked->n && at == line.n) { /* nothing was masked, or all had been */
		const char *mask = memmem(line.p, line.n, SECRET_MASK, sizeof(SECRET_MASK) - 1);

		if (!mask)
			return STR("");
		at = (size_t)(mask - line.p);
	} else if (is_reference((struct str){line.p + at, line.n - at})) {
		return STR("");
	}
	return name_before(line, at);
}

/* Lines stay lines: of one that holds a secret its name, of the others nothing. */
static void keep_names(struct str text, struct buf *out)
{
	_cleanup_buf_ struct buf masked = BUF((size_t)4 << 20);
	struct str line;

	while (str_line(&text, &line)) {
		struct str name, plain = str_trim(line);

		if (!str_starts(plain, "#") && !str_starts(plain, ";") && line.n <= 65536) {
			name = secret_of(plain, &masked);
			if (name.n)
				buf_printf(out, "%.*s=%s", STR_ARG(name), SECRET_MASK);
		}
		buf_putc(out, '\n');
	}
}

/* --- files ----------------------------------------------------------------------------------- */

struct reader {
	struct host *host;
	struct rows *rows;
	struct arena scratch;
	size_t files;
};

static void add_row(struct reader *r, const char *path, const char *place, struct str user,
					const struct path_stat *st, struct str text)
{
	struct arena *a = r->rows->arena;
	VEC(struct str) names = {0};
	struct str line, name;
	unsigned number = 0, first = 0;
	struct row *row;
	int64_t count = 0;

	while (str_line(&text, &line)) {
		number++;
		if (!line.n || !str_cut(&line, '=', &name))
			continue;
		first = first ? first : number;
		count++;
		if (names.n < MAX_NAMES)
			*vec_push(a, &names) = (struct str){str_dup(a, name), name.n};
	}
	if (!count)
		return;
	row = rows_add(r->rows, FROM(arena_strdup(a, path), first));
	row_strz(row, FILE_, row->from.path);
	row_strz(row, PLACE, place);
	row_str(row, USER, user);
	row_int(row, MODE, st->mode & 07777);
	row_int(row, LINE, first);
	row_int(row, COUNT, count);
	row_list(row, NAMES, names.p, names.n);
}

/* follow: whoever may write there is root. */
static void read_file(struct reader *r, const char *path, const char *place, struct str user,
					  bool follow)
{
	struct path_stat st;
	struct err err = {0};
	struct str text;
	int e = host_stat(r->host, path, follow, &st, &err);

	if (e == -ENOENT || e == -ENOTDIR || (e == 0 && !S_ISREG(st.mode)))
		return;
	if (e == 0 && (st.size > MAX_SIZE || r->files >= MAX_FILES))
		e = err_set(&err, EFBIG, "%s: not looked into, as it is too large or one of too many",
					path);
	if (e == 0)
		e = host_read_scrubbed(r->host, path, keep_names, &r->scratch, &text, &err);
	if (e < 0)
		rows_gap(r->rows, "%s", err.msg);
	else
		add_row(r, path, place, user, &st, text);
	r->files++;
	arena_done(&r->scratch);
}

static void read_system(struct reader *r)
{
	static const struct {
		const char *pattern, *place;
	} places[] = {
		{"/etc/systemd/system/*.service", "unit"},
		{"/etc/systemd/system/*.d/*.conf", "unit"},
		{"/usr/local/lib/systemd/system/*.service", "unit"},
		{"/etc/environment", "environment"},
		{"/etc/environment.d/*.conf", "environment"},
		{"/etc/security/pam_env.conf", "environment"},
		{"/etc/profile", "environment"},
		{"/etc/profile.d/*.sh", "environment"},
		{"/etc/default/*", "environment"},
		{"/etc/sysconfig/*", "environment"},
		{"/etc/crontab", "crontab"},
		{"/etc/cron.d/*", "crontab"},
		{"/var/spool/cron/crontabs/*", "crontab"},
		{"/var/spool/cron/*", "crontab"},
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err err = {0};
		struct str *paths;
		size_t n = 0;

		if (host_glob_loose(r->host, r->rows->arena, str_of(places[i].pattern), &paths, &n, &err) <
			0)
			rows_gap(r->rows, "%s", err.msg);
		for (size_t k = 0; k < n; k++)
			read_file(r, paths[k].p, places[i].place, STR_ABSENT, true);
	}
}

static void read_home(struct reader *r, const struct passwd_user *user)
{
	static const struct {
		const char *name, *place;
	} files[] = {
		{".bash_history", "history"},  {".zsh_history", "history"}, {".ash_history", "history"},
		{".sh_history", "history"},    {".history", "history"},     {".psql_history", "history"},
		{".mysql_history", "history"}, {".bashrc", "startup"},      {".profile", "startup"},
		{".bash_profile", "startup"},  {".zshrc", "startup"},       {".zshenv", "startup"},
		{".bash_aliases", "startup"},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		read_file(r,
				  arena_printf(r->rows->arena, "%s/%s", str_dup(r->rows->arena, user->home),
							   files[i].name),
				  files[i].place, user->name, false);
}

static int read_secrets(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct passwd_db db;
	struct map seen;
	int e = passwd_read(host, rows->arena, &db, err);

	if (e < 0 && e != -ENOENT)
		return e;
	read_system(&r);
	map_init(&seen, rows->arena);
	for (size_t i = 0; e == 0 && i < db.n_users; i++)
		if (passwd_can_login(&db.users[i]) && str_starts(db.users[i].home, "/") &&
			!map_put(&seen, db.users[i].home, rows))
			read_home(&r, &db.users[i]);
	return 0;
}

static const struct table secrets = {
	.name = "secrets",
	.doc = "Files with what looks like passwords or tokens in clear text: units, environments, "
		   "crontabs, shell history; one row for each, without the secrets",
	.columns = columns,
	.read = read_secrets,
	.cost = 5,
};
TABLE(secrets);
