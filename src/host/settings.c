/* SPDX-License-Identifier: Apache-2.0 */
#include "host/settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/address.h"
#include "host/secret.h"

/* Is it the name of something that is nobody's business? */
static bool is_secret(struct str key)
{
	/* These say how, and not what. */
	if (str_is_one_of_nocase(key, NAMES("password_encryption", "old_passwords", "authorization")))
		return false;
	return secret_is_name(key) || str_is_one_of_nocase(key, NAMES("requirepass", "masterauth",
																  "auth-pass", "primary_conninfo"));
}

void settings_init(struct settings *s, struct arena *arena)
{
	*s = (struct settings){.arena = arena};
	map_init(&s->by_key, arena);
}

void settings_put(struct settings *s, struct str key, struct str value, struct from from)
{
	struct setting *setting = map_get(&s->by_key, key);
	const char *dot = key.n ? memrchr(key.p, '.', key.n) : NULL;
	struct str name = dot ? (struct str){dot + 1, (size_t)(key.p + key.n - dot - 1)} : key;

	/* The file was read without its secrets, but for those in unusual places. */
	if (value.n && is_secret(name))
		value = STR(SECRET_MASK);
	if (!setting) {
		setting = arena_new(s->arena, struct setting, 1);
		*vec_push(s->arena, s) = setting;
		map_put(&s->by_key, key, setting);
	}
	*setting = (struct setting){key, value, from};
}

void settings_gap(struct settings *s, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (s->gap)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	s->gap = arena_strdup(s->arena, text);
}

const struct setting *settings_find(const struct settings *s, const char *key)
{
	return map_get(&s->by_key, str_of(key));
}

struct str settings_get(const struct settings *s, const char *key)
{
	const struct setting *setting = settings_find(s, key);

	return setting ? setting->value : STR_ABSENT;
}

void settings_defaults(struct settings *s, const char *const (*pairs)[2])
{
	for (; (*pairs)[0]; pairs++)
		if (!settings_find(s, (*pairs)[0]))
			settings_put(s, str_of((*pairs)[0]), str_of((*pairs)[1]), (struct from){0});
}

void settings_rows(struct rows *rows, const struct settings *s, const char *instance,
				   const char *file, bool network)
{
	if (s->gap)
		rows_gap(rows, "%s", s->gap);
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *setting = s->p[i];
		bool is_default = !setting->from.path;
		struct row *row;

		if (s->gap && is_default)
			continue;
		row = rows_add(rows, is_default ? FROM(file, 0) : setting->from);

		row_strz(row, SETTINGS_INSTANCE, instance);
		row_str(row, SETTINGS_KEY, setting->key);
		row_str(row, SETTINGS_VALUE, setting->value);
		row_bool(row, SETTINGS_NETWORK, network);
		if (is_default)
			row->note = "the default";
		if (s->gap) {
			row_unknown(row, SETTINGS_VALUE, s->gap);
			row_unknown(row, SETTINGS_NETWORK, s->gap);
		}
	}
}

bool settings_is_network(struct str address)
{
	const char *scope = address_scope(address);

	if (scope)
		return strcmp(scope, "loopback") != 0;
	return address.n && address.p[0] != '/' && !str_is_nocase(address, "localhost") &&
		   !str_is_nocase(address, "ip6-localhost");
}

/* --- secrets ------------------------------------------------------------------------------------ */

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '=' || c == ':';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Of an account of Redis its passwords (">text") and their hashes ("#hex"). */
static void put_account(struct buf *out, struct str line)
{
	while (line.n) {
		size_t n = 0;

		while (n < line.n && !is_blank(line.p[n]))
			n++;
		if (n > 1 && strchr("><#!", line.p[0]))
			buf_printf(out, "%c" SECRET_MASK, line.p[0]);
		else
			buf_add(out, line.p, n);
		while (n < line.n && is_blank(line.p[n]))
			buf_putc(out, line.p[n++]);
		line = (struct str){line.p + n, line.n - n};
	}
}

/* "key value", "key = value", "key: value", the key in quotes or not, or a comment. What stands for
 * the value is in quotes, so that no syntax makes something else of it. */
static void put_line(struct buf *out, struct str line)
{
	size_t start = 0, end, value;
	struct str key, rest;

	while (start < line.n && strchr("# \t-\"'", line.p[start]))
		start++;
	for (end = start; end < line.n && !is_separator(line.p[end]) && !is_quote(line.p[end]);)
		end++;
	key = (struct str){line.p + start, end - start};
	value = end + (end < line.n && is_quote(line.p[end]));
	while (value < line.n && is_separator(line.p[value]))
		value++;
	rest = str_trim((struct str){line.p + value, line.n - value});
	if (str_is(key, "user")) {
		put_account(out, line);
	} else if (rest.n && !str_is(rest, "\"\"") && !str_is(rest, "''") && is_secret(key)) {
		buf_add(out, line.p, value);
		buf_puts(out, "'" SECRET_MASK "'");
	} else {
		secret_mask_urls(line, out);
	}
}

static void scrub(struct str text, struct buf *out)
{
	struct str line;

	while (text.n) {
		size_t before = text.n;

		(void)str_line(&text, &line);
		put_line(out, line);
		if (before > line.n)
			buf_add(out, line.p + line.n, before - line.n - text.n);
	}
}

int settings_read(struct host *host, struct arena *arena, const char *path, struct str *ret,
				  struct err *err)
{
	return host_read_scrubbed(host, path, scrub, arena, ret, err);
}

bool settings_has_program(struct host *host, const char *const *names)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/sbin",
									   "/usr/local/bin"};

	for (; *names; names++)
		for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
			char path[128];
			struct path_stat st;
			struct err err = {0};
			int r;

			snprintf(path, sizeof(path), "%s/%s", dirs[i], *names);
			r = host_stat(host, path, true, &st, &err);
			if (r != -ENOENT && r != -ENOTDIR)
				return true;
		}
	return false;
}
