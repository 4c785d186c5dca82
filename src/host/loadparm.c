/* SPDX-License-Identifier: Apache-2.0 */
#include "host/loadparm.h"

#include <ctype.h>

#include "base/vec.h"
#include "host/logical.h"
#include "host/secret.h"

#define MAX_DEPTH 8
#define MAX_FILES 64

struct reader {
	struct host *host;
	struct arena *arena;
	struct conf *conf;
	struct str section;
	unsigned depth, files;
};

static int read_file(struct reader *, const char *path, struct err *);

static void gap(struct reader *r, const char *why)
{
	if (!r->conf->gap)
		r->conf->gap = arena_strdup(r->arena, why);
}

static struct str plain_name(struct arena *a, struct str name)
{
	char *out = arena_alloc(a, name.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++)
		if (!isspace((unsigned char)name.p[i]))
			out[n++] = (char)tolower((unsigned char)name.p[i]);
	out[n] = 0;
	return (struct str){out, n};
}

/* %m and the like stand for who connects: each client has a configuration of its own. */
static void read_include(struct reader *r, struct str path, const char *file, unsigned line)
{
	struct err err = {0};
	int e = 0;

	if (str_has_char(path, '%') || !str_starts(path, "/"))
		gap(r, arena_printf(r->arena, "%s:%u: what include = %.*s reads is not known", file, line,
							STR_ARG(path)));
	else if (r->depth == MAX_DEPTH || r->files == MAX_FILES)
		gap(r, arena_printf(r->arena, "%s:%u: too many includes", file, line));
	else
		e = read_file(r, str_dup(r->arena, path), &err);
	if (e < 0 && e != -ENOENT)
		gap(r, err.msg);
}

static void read_parameter(struct reader *r, struct str line, const char *file, unsigned number)
{
	static const char *const elsewhere[] = {"configfile", "copy", "registryshares"};
	struct conf *conf = r->conf;
	struct str key;

	/* rsync's &include and &merge read directories and files. */
	if (str_starts(line, "&"))
		gap(r, arena_printf(r->arena, "%s:%u: %.*s is not followed", file, number, STR_ARG(line)));
	if (!str_has_char(line, '=') || !str_cut(&line, '=', &key))
		return;
	key = plain_name(r->arena, key);
	line = str_trim(line);
	if (str_is(key, "include")) {
		read_include(r, line, file, number);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (str_is(key, elsewhere[i]) && !str_is_nocase(line, "no"))
			gap(r, arena_printf(r->arena, "%s:%u: %s is not followed", file, number, elsewhere[i]));
	if (conf->n == conf->cap)
		conf->items = vec_grow(r->arena, conf->items, conf->n, &conf->cap, sizeof(*conf->items));
	conf->items[conf->n++] = (struct conf_item){r->section, key, line, file, number};
}

static int read_file(struct reader *r, const char *path, struct err *err)
{
	struct str text, line;
	struct logical lines;
	int e = host_read_scrubbed(r->host, path, secret_mask, r->arena, &text, err);

	if (e < 0)
		return e;
	r->depth++;
	r->files++;
	lines = LOGICAL(r->arena, text);
	while (logical_line(&lines, &line)) {
		line = str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (str_skip(&line, "[") && str_cut(&line, ']', &r->section))
			r->section = str_trim(r->section);
		else
			read_parameter(r, line, arena_strdup(r->arena, path), lines.line);
	}
	r->depth--;
	return 0;
}

static struct str name_of(struct arena *a, struct str section, struct str key)
{
	if (loadparm_is_global(section))
		section = STR("");
	return str_of(arena_printf(a, "%s\n%s", plain_name(a, section).p, str_dup(a, key)));
}

int loadparm_read(struct host *host, struct arena *arena, const char *path, struct loadparm *ret,
				  struct err *err)
{
	struct reader r = {.host = host, .arena = arena, .conf = &ret->conf};
	int e = read_file(&r, path, err);

	map_init(&ret->last, arena);
	for (size_t i = 0; i < ret->conf.n; i++) {
		struct conf_item *item = &ret->conf.items[i];

		map_put(&ret->last, name_of(arena, item->section, item->key), item);
	}
	return e;
}

bool loadparm_is_global(struct str section)
{
	return !section.p || str_is_nocase(section, "global") || str_is_nocase(section, "globals");
}

struct str loadparm_value(const struct loadparm *conf, struct str section, const char *key,
						  const char *otherwise)
{
	struct arena *a = conf->last.arena;
	const struct conf_item *item = map_get(&conf->last, name_of(a, section, str_of(key)));

	if (!item)
		item = map_get(&conf->last, name_of(a, STR_ABSENT, str_of(key)));
	return item ? item->value : str_of(otherwise);
}

bool loadparm_true(struct str value)
{
	return str_is_nocase(value, "yes") || str_is_nocase(value, "true") ||
		   str_is_nocase(value, "on") || str_is(value, "1");
}

void loadparm_list(struct rows *rows, struct row *row, int column, struct str text)
{
	VEC(struct str) list = {0};
	struct str piece, word;

	while (str_cut(&text, ',', &piece))
		while (str_word(&piece, &word))
			*vec_push(rows->arena, &list) = word;
	if (list.n)
		row_list(row, column, list.p, list.n);
}

int loadparm_rows(struct host *host, struct rows *rows, const char *path,
				  void (*add)(struct rows *, const struct loadparm *, const struct conf_item *),
				  int first, int last, struct err *err)
{
	struct loadparm conf = {0};
	struct map seen;
	int r = loadparm_read(host, rows->arena, path, &conf, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.conf.n; i++) {
		const struct conf_item *item = &conf.conf.items[i];

		if (loadparm_is_global(item->section) || map_get(&seen, item->section))
			continue;
		map_put(&seen, item->section, (void *)item);
		add(rows, &conf, item);
	}
	for (int column = first; conf.conf.gap && column <= last; column++)
		rows_unsure(rows, column, conf.conf.gap);
	return 0;
}

const struct started samba_started = {
	.programs = STARTED("smbd", "samba"),
	.checks = STARTED("-b", "-V", "--version", "--build-options"),
	.units = STARTED("smbd.service", "smb.service", "samba-ad-dc.service", "samba.service"),
	.usual = STARTED("-F", "-D", "-S", "-i", "--foreground", "--daemon", "--no-process-group",
					 "--debug-stdout", "-s /etc/samba/smb.conf", "--configfile=/etc/samba/smb.conf",
					 "-d *", "-l *"),
};
