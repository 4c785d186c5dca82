/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sshd lets accounts log in with: the files that AuthorizedKeysFile of sshd_config
 * names, for every account of /etc/passwd, because a key works whatever the shell. Users choose
 * what is in these files, so only lines that are keys leave host_read_scrubbed(), and a link that a
 * user made is followed only to a file of the same user.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "host/passwd.h"
#include "host/secret.h"
#include "host/ssh_key.h"
#include "host/sshd_config.h"
#include "host/table.h"

#define MAX_ROWS 50000 /* after which accounts that share files are no longer spelled out */
/* A user may fill these files, but not the audit's memory: past a limit there is a gap. */
#define MAX_FILE_SIZE (1 << 20)
#define MAX_TOTAL ((size_t)2 << 20)
#define MAX_OPTIONS 256 /* of one key; the rest is one more item */

enum {
	USER,
	FILE_COLUMN,
	TYPE,
	BITS,
	OPTIONS,
	COMMENT,
	FINGERPRINT,
	RESTRICTED,
	FILE_MODE,
	FILE_OWNER,
};

static const struct column columns[] = {
	[USER] = {"user", TYPE_STRING, "Account that the key lets in", COLUMN_LABEL},
	[FILE_COLUMN] = {"file", TYPE_STRING, "File that the key stands in", 0},
	[TYPE] = {"type", TYPE_STRING, "ssh-ed25519, ssh-rsa, ...", COLUMN_LABEL},
	[BITS] = {"bits", TYPE_INT, "Length of the key as ssh-keygen -l prints it", 0},
	[OPTIONS] = {"options", TYPE_LIST, "Options in front of the key: from=\"...\", no-pty", 0},
	[COMMENT] = {"comment", TYPE_STRING, "What stands behind the key", COLUMN_LABEL},
	[FINGERPRINT] = {"fingerprint", TYPE_STRING, "SHA256:... as ssh-keygen -l prints it", 0},
	[RESTRICTED] = {"restricted", TYPE_BOOL, "Is there a from=, a command= or restrict?", 0},
	[FILE_MODE] = {"file_mode", TYPE_MODE, "Permission bits of the file", 0},
	[FILE_OWNER] = {"file_owner", TYPE_STRING, "Owner of the file: name, or number without one", 0},
	{0},
};

struct entry {
	struct ssh_key_line key;
	unsigned line;
};

/* A file, read once however many accounts it is for. */
struct key_file {
	VEC(struct entry) keys;
	unsigned n_bad, first_bad; /* lines that are no key and no comment */
	struct path_stat st;
};

struct job {
	struct host *host;
	struct rows *rows;
	struct passwd_db db;
	struct map files; /* path -> struct key_file */
	size_t total;     /* bytes of all of them */
	VEC(struct str) patterns;
};

/* --- which files --------------------------------------------------------------------------- */

/* The first line outside Match blocks counts, and any inside one may. */
static void add_directive(struct job *job, const struct sshd_directive *d, bool *global_seen)
{
	const char *name = d->line->keyword ? d->line->keyword->name : "";
	const struct str *args = d->line->args;

	if (!d->line->n_args || d->line->bad || str_is_nocase(args[0], "none"))
		return;
	if (strcmp(name, "AuthorizedKeysCommand") == 0)
		rows_gap(job->rows, "%s:%u: the keys that %.*s gives out are not known", d->file, d->number,
				 STR_ARG(args[0]));
	if (strcmp(name, "AuthorizedKeysFile") != 0 || (d->always && *global_seen))
		return;
	*global_seen = *global_seen || d->always;
	for (size_t i = 0; i < d->line->n_args; i++)
		*vec_push(job->rows->arena, &job->patterns) = args[i];
}

static bool is_global_none(const struct sshd_directive *d)
{
	return d->always && d->line->keyword &&
		   strcmp(d->line->keyword->name, "AuthorizedKeysFile") == 0 && d->line->n_args &&
		   str_is_nocase(d->line->args[0], "none");
}

static void read_patterns(struct job *job)
{
	struct arena *arena = job->rows->arena;
	struct sshd_config config = {0};
	bool global_seen = false;
	struct err err = {0};
	int r = sshd_config_read(job->host, arena, &config, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(job->rows, "%s", err.msg);
	if (r == 0 && config.gap)
		rows_gap(job->rows, "%s", config.gap);
	for (size_t i = 0; r == 0 && i < config.n; i++) {
		if (!global_seen && is_global_none(&config.directives[i]))
			global_seen = true;
		else
			add_directive(job, &config.directives[i], &global_seen);
	}
	if (!global_seen) {
		*vec_push(arena, &job->patterns) = STR(".ssh/authorized_keys");
		*vec_push(arena, &job->patterns) = STR(".ssh/authorized_keys2");
	}
}

static bool expand_token(struct buf *out, char token, const struct passwd_user *user)
{
	switch (token) {
	case '%':
		return buf_putc(out, '%') == 0;
	case 'h':
		return buf_str(out, user->home) == 0;
	case 'u':
		return buf_str(out, user->name) == 0;
	case 'U':
		return buf_printf(out, "%u", user->uid) == 0;
	default:
		return false;
	}
}

/* %h, %u, %U and %% replaced, relative to the home. NULL when sshd would refuse it, too. */
static const char *expand(struct job *job, struct str pattern, const struct passwd_user *user)
{
	_cleanup_buf_ struct buf out = BUF(4096);

	if (!str_starts(pattern, "/") && !str_starts(pattern, "%h")) {
		buf_str(&out, user->home);
		buf_putc(&out, '/');
	}
	for (size_t i = 0; i < pattern.n; i++) {
		if (pattern.p[i] != '%')
			buf_putc(&out, pattern.p[i]);
		else if (++i == pattern.n || !expand_token(&out, pattern.p[i], user))
			return NULL;
	}
	if (out.full || !out.n || out.p[0] != '/' || memchr(out.p, '\0', out.n))
		return NULL;
	return arena_copy(job->rows->arena, out.p, out.n);
}

/* --- what is in them ----------------------------------------------------------------------- */

static bool is_blank_or_comment(struct str line)
{
	line = str_trim(line);
	return !line.n || line.p[0] == '#';
}

/* command= and environment= may hold secrets. Each option by itself, so that they stay a list. */
static void put_options(struct str options, struct buf *out)
{
	struct str option;

	while (ssh_key_option(&options, &option)) {
		secret_mask(option, out);
		if (options.p > option.p + option.n)
			buf_putc(out, ',');
	}
}

static void scrub(struct str text, struct buf *out)
{
	_cleanup_arena_ struct arena arena = {0};
	struct str line;

	for (; str_line(&text, &line); buf_putc(out, '\n')) {
		struct ssh_key_line parsed;

		if (is_blank_or_comment(line))
			continue;
		if (!ssh_key_line_parse(&arena, line, &parsed)) {
			buf_putc(out, '?');
			continue;
		}
		if (parsed.options.n) {
			const char *end = parsed.options.p + parsed.options.n;

			put_options(parsed.options, out);
			line = (struct str){end, (size_t)(line.p + line.n - end)};
		}
		buf_str(out, line);
	}
}

static void parse_file(struct arena *arena, struct str text, struct key_file *file)
{
	struct str line;

	for (unsigned number = 1; str_line(&text, &line); number++) {
		struct entry entry = {.line = number};

		if (is_blank_or_comment(line))
			continue;
		if (ssh_key_line_parse(arena, line, &entry.key))
			*vec_push(arena, &file->keys) = entry;
		else if (file->n_bad++ == 0)
			file->first_bad = number;
	}
}

/* Nothing there, or nothing that sshd would read either. Not so ELOOP: it also stands for a link into
 * /proc/PID/root or the like, which is not followed here and which sshd follows. */
static bool is_nothing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EINVAL || r == -EISDIR || r == -ENAMETOOLONG;
}

static bool may_follow(struct job *job, const char *path, const struct passwd_user *user)
{
	struct path_stat link, target;
	struct err err = {0};
	int r = host_stat(job->host, path, false, &link, &err);

	if (r == 0 && !S_ISLNK(link.mode))
		return true;
	if (r == 0)
		r = host_stat(job->host, path, true, &target, &err);
	if (r == 0 && (link.uid == 0 || target.uid == user->uid))
		return true;
	if (r == 0)
		rows_gap(job->rows, "%s: a link of %.*s to a file of someone else is not followed", path,
				 STR_ARG(user->name));
	else if (!is_nothing(r))
		rows_gap(job->rows, "%s", err.msg);
	return false;
}

static int read_file(struct job *job, const char *path, struct key_file *file, struct err *err)
{
	struct str text;
	int r = host_stat(job->host, path, true, &file->st, err);

	if (r < 0)
		return r;
	if (file->st.size > MAX_FILE_SIZE || job->total > MAX_TOTAL)
		return err_set(err, EFBIG, "%s: too large, or too many keys in all", path);
	r = host_read_scrubbed(job->host, path, scrub, job->rows->arena, &text, err);
	if (r < 0)
		return r;
	job->total += text.n;
	parse_file(job->rows->arena, text, file);
	return 0;
}

static const struct key_file *get_file(struct job *job, const char *path,
									   const struct passwd_user *user)
{
	struct arena *arena = job->rows->arena;
	struct key_file *file = map_get(&job->files, str_of(path));
	struct err err = {0};
	int r;

	if (file)
		return file;
	if (!may_follow(job, path, user))
		return NULL;
	file = arena_new(arena, struct key_file, 1);
	map_put(&job->files, str_of(path), file);
	r = read_file(job, path, file, &err);
	if (r < 0 && !is_nothing(r))
		rows_gap(job->rows, "%s", err.msg);
	return file;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void set_options(struct rows *rows, struct row *row, struct str options)
{
	static const char *const restricting[] = {"from", "command", "restrict"};
	VEC(struct str) list = {0};
	const char *end = options.p + options.n;
	struct str option, name, rest;
	bool restricted = false;

	while (ssh_key_option(&options, &option)) {
		if (list.n == MAX_OPTIONS) {
			option.n = (size_t)(end - option.p);
			options = STR_ABSENT;
		}
		*vec_push(rows->arena, &list) = option;
		rest = option;
		str_cut(&rest, '=', &name);
		for (size_t i = 0; i < ARRAY_LEN(restricting); i++)
			restricted = restricted || str_is_nocase(name, restricting[i]);
	}
	row_list(row, OPTIONS, list.p, list.n);
	row_bool(row, RESTRICTED, restricted);
}

static struct row *add_row(struct job *job, const struct passwd_user *user, const char *path,
						   const struct key_file *file, unsigned line)
{
	struct row *row = rows_add(job->rows, FROM(path, line));

	row_str(row, USER, user->name);
	row_strz(row, FILE_COLUMN, path);
	row_int(row, FILE_MODE, file->st.mode & 07777);
	row_str(row, FILE_OWNER, passwd_user_name(&job->db, file->st.uid, job->rows->arena));
	return row;
}

/* One row for all the lines of a file that are no key, so that they are not passed over: they may
 * be of a type that is newer than this program. */
static void add_bad(struct job *job, const struct passwd_user *user, const char *path,
					const struct key_file *file)
{
	static const int unknown[] = {TYPE, BITS, FINGERPRINT, RESTRICTED};
	struct row *row = add_row(job, user, path, file, file->first_bad);
	const char *why = file->n_bad == 1
						  ? "not a line that holds a known kind of key"
						  : arena_printf(job->rows->arena,
										 "not a line that holds a known kind of key, and %u more",
										 file->n_bad - 1);

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		row_unknown(row, unknown[i], why);
}

static void add_file(struct job *job, const struct passwd_user *user, const char *path)
{
	const struct key_file *file = get_file(job, path, user);

	if (!file)
		return;
	for (size_t i = 0; i < file->keys.n; i++) {
		const struct ssh_key_line *key = &file->keys.p[i].key;
		struct row *row = add_row(job, user, path, file, file->keys.p[i].line);

		row_strz(row, TYPE, key->key.type);
		row_int(row, BITS, key->key.bits);
		row_strz(row, FINGERPRINT, key->key.fingerprint);
		row_str(row, COMMENT, key->comment);
		set_options(job->rows, row, key->options);
	}
	if (file->n_bad)
		add_bad(job, user, path, file);
}

static int read_authorized_keys(struct host *host, struct rows *rows, struct err *err)
{
	struct job job = {.host = host, .rows = rows};
	int r = passwd_read(host, rows->arena, &job.db, err);

	if (r < 0)
		return r;
	map_init(&job.files, rows->arena);
	read_patterns(&job);
	for (size_t i = 0; i < job.db.n_users; i++) {
		const struct passwd_user *user = &job.db.users[i];

		if (rows->n > MAX_ROWS) {
			rows_gap(rows, "over %d keys, the accounts from %.*s on are left out", MAX_ROWS,
					 STR_ARG(user->name));
			break;
		}
		if (passwd_by_name(&job.db, user->name) != user)
			continue; /* sshd sees the first entry of a name only */
		for (size_t k = 0; k < job.patterns.n; k++) {
			const char *path = expand(&job, job.patterns.p[k], user);

			if (path)
				add_file(&job, user, path);
		}
	}
	if (job.db.bad_lines)
		rows_gap(rows, "%u lines of /etc/passwd or /etc/group are no entries of theirs",
				 job.db.bad_lines);
	return 0;
}

static const struct table authorized_keys = {
	.name = "authorized_keys",
	.doc = "Keys that sshd accepts for each account, from the files of AuthorizedKeysFile",
	.columns = columns,
	.read = read_authorized_keys,
};
TABLE(authorized_keys);
