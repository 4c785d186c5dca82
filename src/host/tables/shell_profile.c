/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the login scripts of the shells set: umask and the idle timeout TMOUT, and the umask of
 * root's own scripts, which come after those. The scripts are not run but looked through: a command
 * inside a condition counts as if it were always executed, so a key has a row for every place that
 * sets it. Where nothing sets TMOUT but conditions and functions, it may as well not be set.
 */
#include "base/num.h"
#include "host/edit.h"
#include "host/passwd.h"
#include "host/secret.h"
#include "host/shell_words.h"
#include "host/table.h"

#define OWN_FILE "/etc/profile.d/99-revet.sh" /* behind the others */

enum { KEY, VALUE, FILE_COLUMN };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "umask, root_umask, TMOUT or TMOUT_readonly", COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "umask in three octal digits, the seconds, or true; as written where it is computed",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[FILE_COLUMN] = {"file", TYPE_STRING, "The script", 0},
	{0},
};

struct script {
	struct rows *rows;
	const char *path;
	bool root; /* it is one of root's own */
	struct shell_words words;
	unsigned nested; /* conditions and loops around the command */
	bool perhaps;    /* it is not always executed */
	struct firm *firm;
};

/* What has been seen to be set whatever happens. */
struct firm {
	bool timeout, readonly;
};

/* --- commands ------------------------------------------------------------------------------ */

static void add(struct script *s, const char *key, struct str value)
{
	struct row *row = rows_add(s->rows, FROM(s->path, s->words.line));

	row_strz(row, KEY, key);
	row_str(row, VALUE, value);
	row_strz(row, FILE_COLUMN, s->path);
}

/* "u=rwx,g=rx,o=" as what it masks; other symbolic forms depend on the umask so far. */
static bool symbolic_umask(struct str s, unsigned *ret)
{
	static const char who[] = "ogu", what[] = "xwr";
	struct str clause;
	unsigned allowed = 0, seen = 0;

	while (str_cut(&s, ',', &clause)) {
		struct str left, bits = clause;
		unsigned perm = 0, mask = 0;

		if (!str_has_char(clause, '=') || !str_cut(&bits, '=', &left))
			return false;
		for (size_t i = 0; i < bits.n; i++) {
			const char *p = bits.p[i] ? strchr(what, bits.p[i]) : NULL;

			if (!p)
				return false;
			perm |= 1u << (p - what);
		}
		for (size_t i = 0; i < left.n; i++) {
			const char *p = left.p[i] ? strchr(who, left.p[i]) : NULL;

			if (!p && left.p[i] != 'a')
				return false;
			mask |= p ? 7u << 3 * (p - who) : 0777;
		}
		if (!left.n)
			mask = 0777;
		allowed = (allowed & ~mask) | (perm * 0111 & mask);
		seen |= mask;
	}
	*ret = ~allowed & 0777;
	return seen == 0777;
}

static struct str umask_text(struct arena *arena, struct str word)
{
	unsigned mask;

	if (num_mode(word, &mask) == 0 || symbolic_umask(word, &mask))
		return str_of(arena_printf(arena, "%03o", mask));
	return word;
}

/* Keywords and builtins behind which the next word is a command again. */
static bool is_prefix(struct str word)
{
	return str_is_one_of(word, NAMES("if", "then", "else", "elif", "do", "while", "until", "!",
									 "builtin", "command", "time"));
}

static bool is_declaration(struct str word)
{
	return str_is_one_of(word, NAMES("export", "readonly", "declare", "typeset", "local"));
}

/* "TMOUT=900", and the plain "TMOUT" of `readonly TMOUT`. */
static void look_at_assignment(struct script *s, struct str word, bool readonly)
{
	if (!str_skip(&word, "TMOUT") || (word.n && word.p[0] != '='))
		return;
	if (s->root)
		return;
	if (str_skip(&word, "=")) {
		add(s, "TMOUT", word);
		s->firm->timeout |= !s->perhaps;
	}
	if (readonly) {
		add(s, "TMOUT_readonly", STR("true"));
		s->firm->readonly |= !s->perhaps;
	}
}

static void note_nesting(struct script *s, struct str word)
{
	if (str_is_one_of(word, NAMES("if", "case", "for", "while", "until", "select")))
		s->nested++;
	else if (str_is_one_of(word, NAMES("fi", "esac", "done")) && s->nested)
		s->nested--;
}

enum state { COMMAND, DECLARATION, READONLY, UMASK, ARGUMENTS };

/* The state behind a word that stands where a command is expected. */
static enum state command_word(struct script *s, struct str word)
{
	if (is_prefix(word))
		return COMMAND;
	if (is_declaration(word))
		return str_is(word, "readonly") ? READONLY : DECLARATION;
	if (str_is(word, "umask"))
		return UMASK;
	if (!str_has_char(word, '=') || str_starts(word, "["))
		return ARGUMENTS;
	look_at_assignment(s, word, false);
	return COMMAND; /* a command may follow assignments */
}

static void look_through(struct script *s)
{
	enum state state = COMMAND;
	struct str word;

	while (shell_word(&s->words, &word)) {
		if (s->words.command_ended) {
			state = COMMAND;
			s->perhaps = s->nested || s->words.braces || s->words.chained;
		}
		if (state == COMMAND) {
			note_nesting(s, word);
			s->perhaps |= s->nested > 0;
			state = command_word(s, word);
		} else if (state == UMASK && !str_starts(word, "-")) {
			add(s, s->root ? "root_umask" : "umask", umask_text(s->rows->arena, word));
			state = ARGUMENTS;
		} else if (state == DECLARATION && str_starts(word, "-")) {
			state = str_has_char(word, 'r') ? READONLY : state;
		} else if (state == DECLARATION || state == READONLY) {
			look_at_assignment(s, word, state == READONLY);
		}
	}
}

/* --- files --------------------------------------------------------------------------------- */

static void read_script(struct host *host, struct rows *rows, const char *path, struct firm *firm)
{
	struct script s = {
		.rows = rows, .path = path, .root = !firm, .firm = firm, .words = SHELL_WORDS(rows->arena)};
	struct err err = {0};
	int r = host_read_scrubbed(host, path, secret_mask, rows->arena, &s.words.in, &err);

	if (r == 0) {
		look_through(&s);
	} else if (r != -ENOENT && s.root) {
		add(&s, "root_umask", STR_ABSENT);
		row_unknown(rows->p[rows->n - 1], VALUE, arena_strdup(rows->arena, err.msg));
	} else if (r != -ENOENT) {
		rows_gap(rows, "%s", err.msg);
	}
}

static void read_own_scripts(struct host *host, struct rows *rows)
{
	static const char *const scripts[] = {".profile", ".bash_profile", ".bash_login", ".bashrc"};
	struct str home = STR("/root");
	const struct passwd_user *root;
	struct passwd_db db;
	struct err err = {0};

	if (passwd_read(host, rows->arena, &db, &err) == 0) {
		root = passwd_by_uid(&db, 0);
		home = root && str_starts(root->home, "/") ? root->home : home;
	}
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		read_script(host, rows, arena_printf(rows->arena, "%.*s/%s", STR_ARG(home), scripts[i]),
					NULL);
}

/* A row of which nobody knows, where those of the key are all uncertain. */
static void add_uncertain(struct rows *rows, const char *key)
{
	for (size_t i = 0, n = rows->n; i < n; i++) {
		struct row *row = rows->p[i], *uncertain;

		if (!str_is(row->cells[KEY].string, key))
			continue;
		uncertain = rows_add(rows, row->from);
		row_strz(uncertain, KEY, key);
		row_unknown(uncertain, VALUE,
					arena_printf(rows->arena, "%s:%u: set in a condition or a function alone",
								 row->from.path, row->from.line));
		row_str(uncertain, FILE_COLUMN, row->cells[FILE_COLUMN].string);
		return;
	}
}

static int read_shell_profile(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const scripts[] = {"/etc/profile", "/etc/bash.bashrc", "/etc/bashrc"};
	struct firm firm = {0};
	struct str *files;
	size_t n;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		read_script(host, rows, scripts[i], &firm);
	r = host_list_files(host, "/etc/profile.d", ".sh", rows->arena, &files, &n, err);
	if (r < 0)
		rows_gap(rows, "%s", err->msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_script(host, rows, str_dup(rows->arena, files[i]), &firm);
	read_script(host, rows, "/etc/profile.d/sh.local", &firm); /* RHEL's, behind the others */
	if (!firm.timeout)
		add_uncertain(rows, "TMOUT");
	if (!firm.readonly)
		add_uncertain(rows, "TMOUT_readonly");
	read_own_scripts(host, rows);
	return 0;
}

/* Every place that sets a key is judged, so one that is wrong elsewhere cannot be overridden here. */
static int set_shell_profile(struct host *host _unused_, const struct wish *wish, struct edits *edits,
							 struct err *err)
{
	struct str value = edit_text(edits, wish, "");

	if (wish->row && !str_is(wish->row->cells[FILE_COLUMN].string, OWN_FILE))
		return err_set(err, ENOTSUP, "%.*s is set in %.*s: edit it there", STR_ARG(wish->key),
					   STR_ARG(wish->row->cells[FILE_COLUMN].string));
	if (!value.p)
		return err_set(err, ENOTSUP, "%.*s is taken out by hand", STR_ARG(wish->key));
	if (str_is(wish->key, "TMOUT"))
		edit_key(edits, OWN_FILE, EDIT_INI, NULL, wish->key, value);
	else if (str_is(wish->key, "TMOUT_readonly") && str_is(value, "true"))
		edit_key(edits, OWN_FILE, EDIT_SPACE, NULL, STR("readonly"), STR("TMOUT"));
	else if (str_is(wish->key, "umask"))
		edit_key(edits, OWN_FILE, EDIT_SPACE, NULL, wish->key, value);
	else
		return err_set(err, ENOTSUP, "%.*s is set by hand", STR_ARG(wish->key));
	return 0;
}

static const struct table shell_profile = {
	.name = "shell_profile",
	.doc = "umask and TMOUT in the login scripts: /etc/profile, profile.d, the bashrc files, and "
		   "the umask in those of root",
	.columns = columns,
	.read = read_shell_profile,
	.multi = true,
	.set = set_shell_profile,
	.fix = "a file of its own in /etc/profile.d",
};
TABLE(shell_profile);
