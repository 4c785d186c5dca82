/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/secret.h"

/* One file being read: where its items go and what they carry. */
struct reader {
	struct arena *arena;
	struct conf *conf;
	const char *file;
	struct str text, section;
	unsigned line; /* of the line that was read last */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void add(struct reader *r, unsigned line, struct str key, struct str value)
{
	struct conf *conf = r->conf;

	if (conf->n == conf->cap)
		conf->items = vec_grow(r->arena, conf->items, conf->n, &conf->cap, sizeof(*conf->items));
	conf->items[conf->n++] = (struct conf_item){r->section, key, value, r->file, line};
}

static bool next_line(struct reader *r, struct str *ret)
{
	if (!str_line(&r->text, ret))
		return false;
	r->line++;
	*ret = str_trim(*ret);
	return true;
}

/* What is before a '#' that starts the line or stands behind a blank. */
static struct str without_comment(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || is_blank(line.p[i - 1])))
			return str_trim((struct str){line.p, i});
	return line;
}

/* "key = value", and "key value", which the readers of such files (libpwquality, Linux-PAM) accept
 * as well. */
static void read_equals(struct reader *r)
{
	struct str line, key;

	while (next_line(r, &line)) {
		size_t n = 0;

		line = without_comment(line);
		while (n < line.n && !is_blank(line.p[n]) && line.p[n] != '=')
			n++;
		key = (struct str){line.p, n};
		line.p += n;
		line.n -= n;
		if (!key.n)
			continue;
		if (!line.n) {
			add(r, r->line, key, STR_ABSENT);
			continue;
		}
		line = str_trim(line);
		str_skip(&line, "=");
		add(r, r->line, key, str_trim(line));
	}
}

/* A '#' inside a value belongs to it: so shadow-utils reads login.defs. */
static void read_space(struct reader *r)
{
	struct str line, key;

	while (next_line(r, &line)) {
		if (!line.n || line.p[0] == '#' || !str_word(&line, &key))
			continue;
		line = str_trim(line);
		add(r, r->line, key, line.n ? line : STR_ABSENT);
	}
}

static bool is_ini_comment(struct str line)
{
	return line.n && (line.p[0] == '#' || line.p[0] == ';');
}

/* The rest of a line that ended in a backslash. Comments in between are passed over; the backslash
 * and the end of the line become one blank. */
static struct str continued(struct reader *r, struct str first)
{
	_cleanup_buf_ struct buf all = BUF(HOST_MAX_FILE);
	struct str line = first;

	while (str_ends(line, "\\")) {
		buf_add(&all, line.p, line.n - 1);
		buf_putc(&all, ' ');
		do {
			line = STR("");
		} while (next_line(r, &line) && is_ini_comment(line));
	}
	buf_str(&all, line);
	return str_trim((struct str){str_dup(r->arena, buf_get(&all)), all.n});
}

static void read_ini(struct reader *r)
{
	struct str line, key;

	while (next_line(r, &line)) {
		unsigned number = r->line;

		if (!line.n || is_ini_comment(line))
			continue;
		if (str_ends(line, "\\"))
			line = continued(r, line);
		if (str_starts(line, "[") && str_ends(line, "]")) {
			r->section = (struct str){line.p + 1, line.n - 2};
			continue;
		}
		if (!str_has_char(line, '=') || !str_cut(&line, '=', &key))
			continue; /* systemd warns and goes on */
		add(r, number, str_trim(key), str_trim(line));
	}
}

int conf_read(struct host *host, struct arena *arena, const char *path, enum conf_style style,
			  struct conf *ret, struct err *err)
{
	static void (*const readers[])(struct reader *) = {
		[CONF_EQUALS] = read_equals,
		[CONF_SPACE] = read_space,
		[CONF_INI] = read_ini,
	};
	struct reader r = {.arena = arena, .conf = ret};
	int result;

	/* Units may hold secrets, in Environment= and in command lines; so may /etc/environment and the
	 * files of /etc/default. */
	if (style == CONF_INI || style == CONF_EQUALS)
		result = host_read_scrubbed(host, path, secret_mask, arena, &r.text, err);
	else
		result = host_read(host, path, arena, &r.text, err);
	if (result < 0)
		return result;
	r.file = arena_strdup(arena, path);
	readers[style](&r);
	return 0;
}

/* 1 when the file is there, be it masked or unreadable, which is noted as a gap; 0 when not. */
static int read_optional(struct host *host, struct arena *arena, const char *path, struct conf *ret)
{
	struct err err = {0};
	int r = conf_read(host, arena, path, CONF_INI, ret, &err);

	if (r < 0 && host_is_masked(host, path, arena))
		return 1;
	if (r == -ENOENT)
		return 0;
	if (r < 0 && !ret->gap)
		ret->gap = arena_strdup(arena, err.msg);
	return 1;
}

int conf_read_systemd(struct host *host, struct arena *arena, const char *name, struct conf *ret,
					  struct err *err)
{
	static const char *const bases[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib"};
	const char *dropins[ARRAY_LEN(bases) + 1] = {NULL};
	struct str *files;
	size_t n;
	int found = 0, r;

	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		dropins[i] = arena_printf(arena, "%s/systemd/%s.d", bases[i], name);
		if (!found)
			found = read_optional(host, arena, arena_printf(arena, "%s/systemd/%s", bases[i], name),
								  ret);
	}
	r = host_list_conf(host, dropins, ".conf", arena, &files, &n, err);
	if (r < 0 && !ret->gap)
		ret->gap = arena_strdup(arena, err->msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_optional(host, arena, str_dup(arena, files[i]), ret);
	return 0;
}

const struct conf_item *conf_last(const struct conf *conf, const char *section, const char *key)
{
	for (size_t i = conf->n; i-- > 0;) {
		const struct conf_item *item = &conf->items[i];

		if (str_is(item->key, key) && (!section || str_is(item->section, section)))
			return item;
	}
	return NULL;
}
