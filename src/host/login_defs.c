/* SPDX-License-Identifier: Apache-2.0 */
#include "host/login_defs.h"

/* As def_load() of shadow-utils: quotes in front are passed over, the next one ends the value. */
struct str login_defs_unquote(struct str value)
{
	struct str s = value;

	while (s.n && (s.p[0] == '"' || s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	str_cut(&(struct str){s.p, s.n}, '"', &s);
	return s;
}

static int read_dropins(struct host *host, struct arena *arena, const char *dir, struct conf *conf,
						struct err *err)
{
	struct str *files;
	size_t n;
	int r = host_list_files(host, dir, ".defs", arena, &files, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read(host, arena, str_dup(arena, files[i]), CONF_SPACE, conf, err);
	return r;
}

int login_defs_read(struct host *host, struct arena *arena, struct conf *conf, struct err *err)
{
	struct path_stat st;
	int vendor = host_stat(host, "/usr/etc/login.defs", true, &st, err);
	int r = conf_read(host, arena, "/etc/login.defs", CONF_SPACE, conf, err);

	if (vendor == -ENOENT)
		return r == -ENOENT ? 0 : r;
	if (r == -ENOENT)
		r = conf_read(host, arena, "/usr/etc/login.defs", CONF_SPACE, conf, err);
	if (r == 0)
		r = read_dropins(host, arena, "/usr/etc/login.defs.d", conf, err);
	if (r == 0)
		r = read_dropins(host, arena, "/etc/login.defs.d", conf, err);
	return r;
}

struct str login_defs_get(const struct conf *conf, const char *key)
{
	const struct conf_item *item = NULL;

	for (size_t i = 0; i < conf->n; i++)
		if (conf->items[i].value.p && str_is(conf->items[i].key, key))
			item = &conf->items[i];
	return item ? login_defs_unquote(item->value) : STR_ABSENT;
}
