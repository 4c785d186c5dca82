/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's NFS server gives to whom: /etc/exports and /etc/exports.d. */
#include "host/table.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/logical.h"

enum { PATH, CLIENT, EVERYONE, OPTIONS, WRITABLE, ROOT_SQUASH, SECURE, KERBEROS };

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The directory", COLUMN_KEY | COLUMN_LABEL},
	[CLIENT] = {"client", TYPE_STRING,
				"Host, network, @netgroup or gss/krb5; * where the line names nobody",
				COLUMN_LABEL},
	[EVERYONE] = {"everyone", TYPE_BOOL, "The client is any host", 0},
	[OPTIONS] = {"options", TYPE_LIST, "As written for this client, those of the line first", 0},
	[WRITABLE] = {"writable", TYPE_BOOL, "rw", 0},
	[ROOT_SQUASH] = {"root_squash", TYPE_BOOL, "The client's root is nobody here", 0},
	[SECURE] = {"secure", TYPE_BOOL, "Requests must come from a port below 1024", 0},
	[KERBEROS] = {"kerberos", TYPE_BOOL,
				  "Each user has to prove who it is: sec= has no sys or none", 0},
	{0},
};

#define MAIN "/etc/exports"

struct options {
	VEC(struct str) list;
};

/* One export as exports(5) has it: of options that contradict each other the last one holds. Behind
 * sec= they are for these flavours alone, and here what one of them may do counts. */
struct export
{
	bool writable, root_squash, secure, kerberos;
	bool flavoured; /* there was a sec= */
};

/* Up to a blank; double quotes hold blanks together, \ooo is a byte in octal. */
static bool next_word(struct arena *a, struct str *line, struct str *ret)
{
	char *out;
	size_t i = 0, n = 0;
	bool quoted = false;

	*line = str_trim(*line);
	if (!line->n)
		return false;
	out = arena_alloc(a, line->n + 1);
	for (; i < line->n; i++) {
		struct str left = {line->p + i + 1, MIN(line->n - i - 1, (size_t)3)};
		unsigned byte;

		if (line->p[i] == '"') {
			quoted = !quoted;
		} else if (!quoted && (line->p[i] == ' ' || line->p[i] == '\t')) {
			break;
		} else if (line->p[i] == '\\' && left.n == 3 && num_mode(left, &byte) == 0) {
			out[n++] = (char)byte;
			i += 3;
		} else {
			out[n++] = line->p[i];
		}
	}
	*ret = (struct str){out, n};
	*line = (struct str){line->p + i, line->n - i};
	return true;
}

static void add_options(struct arena *a, struct options *o, struct str text)
{
	struct str word;

	while (str_cut(&text, ',', &word))
		if (word.n)
			*vec_push(a, &o->list) = word;
}

/* Of sec=krb5:krb5i each is a way in. */
static bool is_kerberos(struct str flavours)
{
	struct str one;

	while (str_cut(&flavours, ':', &one))
		if (!str_starts(one, "krb5"))
			return false;
	return true;
}

static struct export effective(const struct options *o, struct str client)
{
	struct export e = {
		.root_squash = true, .secure = true, .kerberos = str_starts(client, "gss/krb5")};

	for (size_t i = 0; i < o->list.n; i++) {
		struct str option = o->list.p[i];

		if (str_is(option, "rw"))
			e.writable = true;
		else if (str_is(option, "ro"))
			e.writable &= e.flavoured;
		else if (str_is(option, "no_root_squash"))
			e.root_squash = false;
		else if (str_is(option, "root_squash") || str_is(option, "all_squash"))
			e.root_squash |= !e.flavoured;
		else if (str_is(option, "insecure") || str_is(option, "secure"))
			e.secure = str_is(option, "secure");
		else if (str_skip(&option, "sec="))
			e.kerberos = is_kerberos(option) && (!e.flavoured || e.kerberos), e.flavoured = true;
	}
	return e;
}

static bool is_everyone(struct str client)
{
	return str_is_one_of(client, NAMES("*", "0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0", "gss/krb5",
									   "gss/krb5i", "gss/krb5p"));
}

static void add_row(struct rows *rows, struct from from, struct str path, struct str client,
					const struct options *o)
{
	struct row *row = rows_add(rows, from);
	struct export e = effective(o, client);

	row_str(row, PATH, path);
	row_str(row, CLIENT, client);
	row_bool(row, EVERYONE, is_everyone(client));
	row_list(row, OPTIONS, o->list.p, o->list.n);
	row_bool(row, WRITABLE, e.writable);
	row_bool(row, ROOT_SQUASH, e.root_squash);
	row_bool(row, SECURE, e.secure);
	row_bool(row, KERBEROS, e.kerberos);
}

/* "client(options)": a blank before the parenthesis makes it an export to everyone of its own. */
static void add_client(struct rows *rows, struct from from, struct str path, struct str word,
					   const struct options *line)
{
	struct options o = {0};
	struct str client = word, options = STR_ABSENT;

	for (size_t i = 0; i < line->list.n; i++)
		*vec_push(rows->arena, &o.list) = line->list.p[i];
	if (str_has_char(word, '(')) {
		options = word;
		str_cut(&options, '(', &client);
		if (str_ends(options, ")"))
			options.n--;
		add_options(rows->arena, &o, options);
	}
	add_row(rows, from, path, client.n ? client : STR("*"), &o);
}

static void read_line(struct rows *rows, struct from from, struct str line)
{
	struct options defaults = {0};
	struct str path, word;
	bool any = false;

	if (!next_word(rows->arena, &line, &path))
		return;
	while (next_word(rows->arena, &line, &word)) {
		if (str_skip(&word, "-")) {
			defaults = (struct options){0};
			add_options(rows->arena, &defaults, word);
			continue;
		}
		add_client(rows, from, path, word, &defaults);
		any = true;
	}
	if (!any)
		add_row(rows, from, path, STR("*"), &defaults);
}

/* A '#' begins a comment wherever it stands, but for quotes. */
static struct str without_comment(struct str line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		if (line.p[i] == '#' && !quoted)
			return (struct str){line.p, i};
	}
	return line;
}

static void read_file(struct host *host, struct rows *rows, const char *path)
{
	struct str text, line;
	struct err err = {0};
	struct logical lines;
	int r = host_read(host, path, rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(rows, "%s", err.msg);
	if (r < 0)
		return;
	lines = LOGICAL(rows->arena, text);
	while (logical_line(&lines, &line))
		read_line(rows, FROM(path, lines.line), without_comment(line));
}

static int read_exports(struct host *host, struct rows *rows, struct err *err)
{
	struct str *files;
	size_t n;

	read_file(host, rows, MAIN);
	if (host_list_files(host, "/etc/exports.d", ".exports", rows->arena, &files, &n, err) < 0) {
		rows_gap(rows, "%s", err->msg);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		read_file(host, rows, str_dup(rows->arena, files[i]));
	return 0;
}

static const struct table exports = {
	.name = "exports",
	.doc = "Directories that the NFS server exports, a row for each client: /etc/exports and "
		   "/etc/exports.d",
	.columns = columns,
	.read = read_exports,
};
TABLE(exports);
