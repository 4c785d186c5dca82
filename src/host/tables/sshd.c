/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effective configuration of sshd: what `sshd -T` says, with the line that set it from our own
 * reading of the files, and the options of Match blocks, which `sshd -T` does not show.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "host/conf.h"
#include "host/sshd_config.h"
#include "host/edit.h"
#include "host/nsswitch.h"
#include "host/passwd.h"
#include "host/table.h"

enum { KEY, VALUE, MATCH };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Option, spelled as in sshd_config(5)", COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value as `sshd -T` prints it: times in seconds, lists joined by commas, "
			   "yes and no in lower case",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[MATCH] = {"match", TYPE_STRING,
			   "Criteria of the Match block that sets it; absent: holds for all connections",
			   COLUMN_LABEL},
	{0},
};

#define SSHD "/usr/sbin/sshd"

/* It needs to read the host keys, so it works for root only, and it insists on /run/sshd. */
static const struct helper sshd_t = {
	.argv = (const char *const[]){SSHD, "-T", NULL},
	.max = 1 << 20,
	.needs = SSHD,
};

/* With a Match LocalPort or LocalAddress, sshd -T insists on a connection to try; to this one, from
 * nobody, the blocks that ask for more than a port and an address do not apply either. */
static const struct helper sshd_t_local = {
	.argv = (const char *const[]){SSHD, "-T", "-C", "lport=1,laddr=192.0.2.1", NULL},
	.max = 1 << 20,
	.needs = SSHD,
	.rare = true,
};

struct given {
	struct str value;
	const struct sshd_directive *by; /* NULL: said by sshd -T */
	bool relative;
};

/* One option in one scope: its lines, and the row that was made for it. */
struct option {
	const struct sshd_keyword *keyword;
	VEC(struct given) given;
	struct row *row;
};

struct reader {
	struct rows *rows;
	struct sshd_config config;
	struct option *global; /* what holds for all connections; by index of the keyword */
	struct option *all;    /* what `Match all` sets: wins over global */
	struct option *block;  /* what the present Match block sets */
	bool *in_block;        /* which options a Match block may set; NULL: none counts */
	struct passwd_db users;
	bool has_users;
};

static struct option *new_options(struct rows *rows)
{
	const struct sshd_keyword *keywords;

	return arena_new(rows->arena, struct option, sshd_keywords(&keywords));
}

static bool is_option(const struct sshd_keyword *k)
{
	return k && k->kind != SSHD_INCLUDE && k->kind != SSHD_MATCH && !(k->flags & SSHD_IGNORED);
}

/* The first line wins, but for the options that add up; of a list sshd -T may print a line for each
 * member. */
static void give(struct arena *a, struct option *o, const struct sshd_line *line,
				 const struct sshd_directive *by)
{
	struct given given = {.by = by};

	if (!line->n_args || (o->given.n && !(line->keyword->flags & (SSHD_ADDS | SSHD_VARIES)) &&
						  (by || line->keyword->kind != SSHD_LIST)))
		return;
	o->keyword = line->keyword;
	given.relative = !sshd_line_value(a, line, &given.value);
	*vec_push(a, &o->given) = given;
}

static struct str join(struct arena *a, const struct option *o)
{
	_cleanup_buf_ struct buf out = BUF(SSHD_MAX_TOTAL);

	if (o->given.n == 1)
		return o->given.p[0].value;
	for (size_t i = 0; i < o->given.n; i++) {
		if (i)
			buf_putc(&out, ',');
		buf_str(&out, o->given.p[i].value);
	}
	return (struct str){str_dup(a, buf_get(&out)), out.n};
}

/* Lines that contradict each other, of an option where versions differ about which one wins. */
static bool is_contradictory(const struct option *o)
{
	for (size_t i = 1; o->keyword->flags & SSHD_VARIES && i < o->given.n; i++)
		if (!str_eq(o->given.p[i].value, o->given.p[0].value))
			return true;
	return false;
}

static void set_value(struct rows *rows, struct row *row, const struct option *o)
{
	if (o->given.p[0].relative)
		row_unknown(row, VALUE, "relative to the list that this sshd has built in");
	else if (is_contradictory(o))
		row_unknown(row, VALUE, "set more than once; which line wins depends on sshd's version");
	else if (o->keyword->flags & SSHD_VARIES)
		row_str(row, VALUE, o->given.p[0].value);
	else
		row_str(row, VALUE, join(rows->arena, o));
}

static struct row *new_row(struct rows *rows, struct str key, struct from from, struct str match)
{
	struct row *row = rows_add(rows, from);

	row_str(row, KEY, key);
	row_str(row, MATCH, match);
	return row;
}

/* --- Match blocks ------------------------------------------------------------------------------
 */

static void end_option(struct rows *rows, struct option *o)
{
	if (o->row)
		set_value(rows, o->row, o);
	*o = (struct option){0};
}

static void add_to_block(struct reader *r, const struct sshd_directive *d)
{
	const struct sshd_keyword *k = d->line->keyword;
	struct option *o = &r->block[sshd_keyword_index(k)];

	if (o->row && (o->given.p[0].by->block != d->block || (k->flags & SSHD_EACH)))
		end_option(r->rows, o);
	if (!o->row)
		o->row = new_row(r->rows, str_of(k->name), FROM(d->file, d->number), d->match);
	give(r->rows->arena, o, d->line, d);
}

/* Every account of uid 0 is root to sshd. Who else there is where others than the files are asked is not
 * known. */
static void read_users(struct host *host, struct reader *r)
{
	struct arena *a = r->rows->arena;
	struct err ignored;

	r->has_users = !nsswitch_elsewhere(host, a, "passwd", "accounts") &&
				   passwd_read(host, a, &r->users, &ignored) == 0 &&
				   passwd_by_uid(&r->users, 0);
}

/* In a block that no login as root is ever in, an option that is about root alone says nothing. */
static bool is_idle(const struct reader *r, const struct sshd_directive *d)
{
	if (!(d->line->keyword->flags & SSHD_OF_ROOT) || !r->has_users)
		return false;
	for (size_t i = 0; i < r->users.n_users; i++)
		if (r->users.users[i].uid == 0 &&
			sshd_match_may(r->rows->arena, d->within, r->users.users[i].name))
			return false;
	return true;
}

/* What `Match all` has set already, no block behind it changes. */
static void add_match_rows(struct reader *r)
{
	const struct sshd_keyword *keywords;
	size_t n = sshd_keywords(&keywords);
	bool *is_set = arena_new(r->rows->arena, bool, n);

	r->block = new_options(r->rows);
	for (size_t i = 0; i < r->config.n; i++) {
		const struct sshd_directive *d = &r->config.directives[i];
		const struct sshd_keyword *k = d->line->keyword;

		if (!is_option(k) || !d->line->n_args)
			continue;
		if (d->always)
			is_set[sshd_keyword_index(k)] |= d->block && !(k->flags & (SSHD_ADDS | SSHD_VARIES));
		else if (!is_set[sshd_keyword_index(k)] && !is_idle(r, d))
			add_to_block(r, d);
	}
	for (size_t i = 0; i < n; i++)
		end_option(r->rows, &r->block[i]);
}

/* --- what holds for all connections --------------------------------------------------------------
 */

static void collect(struct reader *r)
{
	r->global = new_options(r->rows);
	r->all = new_options(r->rows);
	for (size_t i = 0; i < r->config.n; i++) {
		const struct sshd_directive *d = &r->config.directives[i];
		struct option *scope = d->block ? r->all : r->global;

		if (d->always && is_option(d->line->keyword))
			give(r->rows->arena, &scope[sshd_keyword_index(d->line->keyword)], d->line, d);
	}
}

/* The lines that decide about the option; one without any when no file sets it. */
static const struct option *deciding(const struct reader *r, const struct sshd_keyword *k)
{
	size_t i = sshd_keyword_index(k);

	return r->all[i].given.n ? &r->all[i] : &r->global[i];
}

/* The line that gave the option this value; when it is put together from several, the first. */
static const struct sshd_directive *origin(const struct reader *r, const struct sshd_keyword *k,
										   struct str value)
{
	const struct option *set = deciding(r, k);

	for (size_t i = 0; i < set->given.n; i++)
		if (str_eq(set->given.p[i].value, value))
			return set->given.p[i].by;
	return set->given.n ? set->given.p[0].by : NULL;
}

static struct row *add_effective_row(struct reader *r, struct str key,
									 const struct sshd_directive *by)
{
	struct from from = by ? FROM(by->file, by->number) : FROM("sshd -T", 0);
	struct row *row = new_row(r->rows, key, from, STR_ABSENT);

	row->note = by ? "effective, as sshd -T sees it" : "default of this sshd";
	return row;
}

/* One line of `sshd -T`. Options that add up have several. */
static void read_effective_line(struct reader *r, struct option *options, struct str text)
{
	struct arena *a = r->rows->arena;
	const struct sshd_keyword *k;
	struct sshd_line line;
	struct option *o;
	struct str value;

	sshd_line_parse(a, text, &line);
	k = line.keyword;
	if (!line.name.n || (k && !is_option(k)) ||
		(k && r->in_block && r->in_block[sshd_keyword_index(k)]))
		return;
	sshd_line_value(a, &line, &value);
	if (!k) {
		row_str(add_effective_row(r, line.name, NULL), VALUE, line.rest);
		return;
	}
	o = &options[sshd_keyword_index(k)];
	if (!o->row || (k->flags & SSHD_EACH))
		o->row = add_effective_row(r, str_of(k->name), origin(r, k, value));
	/* Release 8.4 has two options for what is one today, and either lets in. */
	if (str_is_nocase(line.name, "ChallengeResponseAuthentication") && o->given.n &&
		str_is(o->given.p[0].value, "yes"))
		return;
	give(a, o, &line, NULL);
	row_str(o->row, VALUE, value);
}

static void add_set_row(struct reader *r, const struct option *o, size_t nth, const char *note)
{
	struct option one = *o;
	const struct sshd_directive *by = o->given.p[nth].by;
	struct row *row =
		new_row(r->rows, str_of(o->keyword->name), FROM(by->file, by->number), STR_ABSENT);

	if (o->keyword->flags & SSHD_EACH) {
		one.given.p = &o->given.p[nth];
		one.given.n = 1;
	}
	row->note = note;
	set_value(r->rows, row, &one);
}

/* What a later sshd -T may show is there already. */
static void add_unshown_row(struct reader *r, const struct option *shown,
							const struct sshd_keyword *k)
{
	const struct option *o = deciding(r, k);

	if (k->flags & SSHD_UNSHOWN && !shown->row && o->given.n)
		add_set_row(r, o, 0, "as the files say; sshd -T does not show it");
}

static void add_effective_rows(struct reader *r, struct str said)
{
	const struct sshd_keyword *keywords;
	size_t n = sshd_keywords(&keywords);
	struct option *options = new_options(r->rows);
	struct str line;

	while (str_line(&said, &line))
		read_effective_line(r, options, line);
	for (size_t i = 0; i < n; i++)
		if (options[i].given.n > 1 && !(keywords[i].flags & SSHD_EACH))
			row_str(options[i].row, VALUE, join(r->rows->arena, &options[i]));
	for (size_t i = 0; i < n; i++)
		add_unshown_row(r, &options[i], &keywords[i]);
}

/* The connection that sshd -T was given may be one that a block applies to, so what any block sets is
 * not to be learnt from it. */
static void find_in_block(struct reader *r)
{
	const struct sshd_keyword *keywords;

	r->in_block = arena_new(r->rows->arena, bool, sshd_keywords(&keywords));
	for (size_t i = 0; i < r->config.n; i++) {
		const struct sshd_directive *d = &r->config.directives[i];

		if (!d->always && is_option(d->line->keyword))
			r->in_block[sshd_keyword_index(d->line->keyword)] = true;
	}
}

/* Without sshd -T: what the files set is known, what they do not set is up to the build. */
static void add_parsed_rows(struct reader *r, const char *why)
{
	const struct sshd_keyword *keywords;
	size_t n = sshd_keywords(&keywords);
	const char *unknown = arena_printf(
		r->rows->arena, "no file sets it and the default depends on sshd's build (%s)", why);

	for (size_t i = 0; i < n; i++) {
		const struct sshd_keyword *k = &keywords[i];
		const struct option *o = deciding(r, k);
		size_t lines = k->flags & SSHD_EACH ? o->given.n : MIN(o->given.n, (size_t)1);

		if (r->in_block && !r->in_block[i])
			continue;
		if (!is_option(k) || k->means || !demand_has(r->rows->demand, str_of(k->name)))
			continue;
		for (size_t nth = 0; nth < lines; nth++)
			add_set_row(r, o, nth, "as the files say; sshd -T was not to be had");
		if (!lines && !(k->flags & SSHD_NO_DEFAULT))
			row_unknown(
				new_row(r->rows, str_of(k->name), FROM("/etc/ssh/sshd_config", 0), STR_ABSENT),
				VALUE, unknown);
	}
}

/* --- the command line ---------------------------------------------------------------------- */

/* An option of sshd's command line wins over the files, and sshd -T is run without it: what it is
 * about is not known. */
static void set_unknown(struct reader *r, struct str name, const char *path, unsigned line)
{
	struct arena *a = r->rows->arena;
	const struct sshd_keyword *k = sshd_keyword(name);
	const char *why = arena_printf(a, "%s:%u: an option there wins over the files", path, line);
	bool found = false;

	if (!is_option(k)) {
		rows_gap(r->rows, "%s", why);
		return;
	}
	for (size_t i = 0; i < r->rows->n; i++) {
		struct row *row = r->rows->p[i];

		if (!str_is(row->cells[KEY].string, k->name))
			continue;
		row_unknown(row, VALUE, why);
		found = true;
	}
	if (!found)
		row_unknown(new_row(r->rows, str_of(k->name), FROM(path, line), STR_ABSENT), VALUE, why);
}

/* A word without the quotes that the file of a unit or a shell has around it. */
static bool next_word(struct str *line, struct str *ret)
{
	if (!str_word(line, ret))
		return false;
	while (str_skip(ret, "\"") || str_skip(ret, "'"))
		;
	while (str_ends(*ret, "\"") || str_ends(*ret, "'"))
		ret->n--;
	return true;
}

static bool names_usual(struct str words)
{
	struct str word;

	return next_word(&words, &word) && str_is(word, "/etc/ssh/sshd_config");
}

static void read_command_line(struct reader *r, struct str words, const char *path, unsigned line)
{
	struct str word, name;

	while (next_word(&words, &word)) {
		if (str_is(word, "-f") && names_usual(words))
			(void)next_word(&words, &word);
		else if (str_starts(word, "-f"))
			rows_gap(r->rows, "%s:%u: another configuration file is named there", path, line);
		else if (str_starts(word, "-p"))
			set_unknown(r, STR("Port"), path, line);
		else if (str_is(word, "-4") || str_is(word, "-6"))
			set_unknown(r, STR("AddressFamily"), path, line);
		else if (str_skip(&word, "-o") && (word.n || next_word(&words, &word))) {
			size_t n = 0;

			while (n < word.n && word.p[n] != '=')
				n++;
			name = (struct str){word.p, n};
			set_unknown(r, name, path, line);
		}
	}
}

static const struct started started = {
	.programs = STARTED("sshd"),
	.checks = STARTED("-t", "-T", "-G", "-V"),
	.units = STARTED("ssh.service", "sshd.service"),
	.usual = STARTED("-D", "-e", "-De", "-i", "-u0", "-f /etc/ssh/sshd_config", "-E *", "-4", "-6",
					 "-p *", "-p[0-9]*", "-o *", "-o*"),
};

/* Options in the unit itself, and of a running sshd. */
static void check_commands(struct host *host, struct reader *r)
{
	struct started_commands commands;
	struct err err = {0};

	if (started_commands(host, r->rows->arena, &started, &commands, &err) < 0)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; i < commands.n; i++)
		read_command_line(r, commands.p[i].words, commands.p[i].file, commands.p[i].line);
}

/* Files that units and init scripts take options of sshd from. */
static void check_command_lines(struct host *host, struct reader *r)
{
	static const struct {
		const char *path, *variable;
	} files[] = {
		{"/etc/default/ssh", "SSHD_OPTS"},
		{"/etc/sysconfig/sshd", "OPTIONS"},
		{"/etc/sysconfig/ssh", "SSHD_OPTS"},
		{"/etc/conf.d/sshd", "SSHD_OPTS"},
		{"/etc/conf.d/sshd", "command_args"},
		/* Of release 8 of the RHEL family; later ones include it as a part of sshd_config. */
		{"/etc/crypto-policies/back-ends/opensshserver.config", "CRYPTO_POLICY"},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct conf_item *item;
		struct conf conf = {0};
		struct err err = {0};
		int result = conf_read(host, r->rows->arena, files[i].path, CONF_EQUALS, &conf, &err);

		if (result < 0 && result != -ENOENT && result != -ENOTDIR)
			rows_gap(r->rows, "%s, which may hold options of sshd", err.msg);
		item = conf_last(&conf, NULL, files[i].variable);
		if (item)
			read_command_line(r, item->value, files[i].path, item->line);
	}
}

/* --- reading ------------------------------------------------------------------------------- */

static int read_files(struct host *host, struct reader *r, bool *ret_there, struct err *err)
{
	int result = sshd_config_read(host, r->rows->arena, &r->config, err);

	*ret_there = result == 0;
	if (result < 0 && result != -ENOENT && result != -ENOTDIR)
		return result;
	if (r->config.gap)
		rows_gap(r->rows, "%s", r->config.gap);
	return 0;
}

/* -ENOENT: it is not there, or in a place that this table does not know; an empty table would say
 * that every option is at nothing. */
static int find_sshd(struct host *host, struct err *err)
{
	static const char *const paths[] = {SSHD, "/usr/bin/sshd", "/sbin/sshd"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int r = host_stat(host, paths[i], true, &st, err);

		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return err_set(err, ENOENT, "there is no %s, so what sshd would do is not known", SSHD);
}

/* Does sshd refuse the configuration, rather than find no key that it may read or no directory? It
 * reads the configuration first. */
static bool is_refusal(const char *why)
{
	static const char *const others[] = {"hostkeys available", "host key", "rivilege separation"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_has(str_of(why), others[i]))
			return false;
	return true;
}

/* sshd -T failed, or cannot be asked. What it refuses it does not start with, and a running one has
 * other settings. */
static void add_rows_without(struct reader *r, struct host *host, int result, const char *why,
							 bool has_files)
{
	const char *reason = host_is_live(host) ? arena_strdup(r->rows->arena, why) : "offline";
	struct err err = {0};
	struct str said;

	if (has_files) {
		result = host_run(host, &sshd_t_local, r->rows->arena, &said, &err);
		if (result == 0 && !r->config.gap) {
			find_in_block(r);
			add_effective_rows(r, said);
		}
	}
	if (result == -EIO && is_refusal(err.msg))
		rows_gap(r->rows, "%s", err.msg);
	else if (result < 0 && r->config.refused)
		rows_gap(r->rows, "%s", r->config.refused);
	add_parsed_rows(r, reason);
}

static int read_sshd(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.rows = rows};
	struct str said;
	bool has_files = false;
	int result = find_sshd(host, err);

	if (result == 0)
		result = read_files(host, &r, &has_files, err);
	if (result < 0)
		return result;
	collect(&r);
	result = host_run(host, &sshd_t, rows->arena, &said, err);
	if (result == 0) {
		add_effective_rows(&r, said);
		if (!has_files)
			rows_gap(rows, "sshd has a configuration, but not in /etc/ssh or /usr/etc/ssh; its "
						   "Match blocks are not known");
	} else {
		add_rows_without(&r, host, result, err->msg, has_files);
	}
	read_users(host, &r);
	add_match_rows(&r);
	check_command_lines(host, &r);
	check_commands(host, &r);
	return 0;
}

static bool is_sshd_key(struct str key)
{
	const struct sshd_keyword *k = sshd_keyword(key);

	return is_option(k) && str_is(key, k->name);
}

#define OWN_FILE "/etc/ssh/sshd_config.d/00-revet.conf"

/* Does sshd read OWN_FILE, and before anything else that could set an option? */
static int check_include(struct host *host, struct arena *a, struct err *err)
{
	struct sshd_file file;
	struct str text;
	int r = host_read(host, "/etc/ssh/sshd_config", a, &text, err);

	if (r < 0)
		return r;
	sshd_file_parse(a, "/etc/ssh/sshd_config", text, &file);
	for (size_t i = 0; i < file.n; i++) {
		const struct sshd_line *line = &file.lines[i];

		if (!line->name.p)
			continue;
		if (line->keyword && line->keyword->kind == SSHD_INCLUDE && line->n_args &&
			str_is(line->args[0], "/etc/ssh/sshd_config.d/*.conf"))
			return 0;
		break;
	}
	return err_set(err, ENOTSUP, "/etc/ssh/sshd_config does not begin with "
				   "`Include /etc/ssh/sshd_config.d/*.conf`: put that in front of everything else");
}

static const char *service_name(struct host *host)
{
	static const char *const paths[] = {"/lib/systemd/system/ssh.service",
										"/usr/lib/systemd/system/ssh.service"};
	struct path_stat st;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (host_stat(host, paths[i], true, &st, &ignored) == 0)
			return "ssh.service";
	return "sshd.service";
}

/* The option by the name that the sshd of this host has for it: release 8.4 knows no
 * PubkeyAcceptedAlgorithms, and says PubkeyAcceptedKeyTypes. */
static const char *name_here(struct host *host, struct arena *a, const struct sshd_keyword *keyword)
{
	struct str said, line, word = STR_ABSENT;
	const struct sshd_keyword *all;
	size_t n = sshd_keywords(&all);
	struct err ignored;

	if (!host_is_live(host) || host_run(host, &sshd_t, a, &said, &ignored) < 0)
		return keyword->name;
	while (str_line(&said, &line))
		if (str_word(&line, &word) && sshd_keyword(word) == keyword)
			for (size_t i = 0; i < n; i++)
				if (str_is_nocase(word, all[i].name))
					return all[i].name;
	return keyword->name;
}

/* Before all others, or where it stands if sshd may let a later line win. */
static const char *file_for(const struct wish *wish, const struct sshd_keyword *keyword)
{
	const struct from *from = wish->row ? &wish->row->from : NULL;

	return keyword->flags & SSHD_VARIES && from && from->line ? from->path : OWN_FILE;
}

static int set_sshd(struct host *host, const struct wish *wish, struct edits *edits, struct err *err)
{
	const struct sshd_keyword *keyword = sshd_keyword(wish->key);
	bool adds = keyword && keyword->flags & SSHD_ADDS;
	struct str value = edit_text(edits, wish, adds ? " " : ",");
	int r = check_include(host, edits->arena, err);

	if (r < 0)
		return r;
	if (wish->row && wish->row->cells[MATCH].state == VALUE_SET)
		return err_set(err, ENOTSUP, "%s:%u sets it in a Match block: edit it there",
					   wish->row->from.path, wish->row->from.line);
	/* What other lines say is added to one of these, whichever comes first. */
	if (!value.p || !keyword || keyword->flags & SSHD_EACH || (adds && wish->row))
		return err_set(err, ENOTSUP, "%.*s cannot be overridden by an earlier line: edit it where it "
					   "is set", STR_ARG(wish->key));
	edits->mode = "0600";
	edit_key(edits, file_for(wish, keyword), EDIT_SPACE, NULL,
			 str_of(name_here(host, edits->arena, keyword)), value);
	edit_reload(edits, service_name(host));
	return 0;
}

static const struct table sshd = {
	.name = "sshd",
	.doc = "Options of the SSH server in effect, as `sshd -T` and the Match blocks of "
		   "/etc/ssh/sshd_config give them",
	.columns = columns,
	.read = read_sshd,
	.started = &started,
	.helpers = (const struct helper *const[]){&sshd_t, &sshd_t_local, NULL},
	.is_key = is_sshd_key,
	.multi = true,
	.set = set_sshd,
	.fix = "set {key} in /etc/ssh/sshd_config.d and reload sshd",
	.cost = 15,
};
TABLE(sshd);
