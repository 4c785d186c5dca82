/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_edit.h"

#include "host/nginx_config.h"

#define DROP_IN_DIRECTORY NGINX_DIRECTORY "conf.d/"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is what stands in conf.d read, and in the block of all servers? */
static bool reads_drop_ins(const struct nginx_config *config)
{
	for (const struct directive *http = config->root.first; http; http = http->next)
		for (const struct directive *d = str_is(http->name, "http") ? http->first : NULL; d;
			 d = d->next)
			if (str_is(d->name, "include") &&
				(str_is(directive_arg(d), DROP_IN_DIRECTORY "*.conf") ||
				 str_is(directive_arg(d), "conf.d/*.conf")))
				return true;
	return false;
}

/* Is the line the directive and nothing else, but for a comment? That is put into *ret. */
static bool stands_alone(struct str line, const char *name, struct str *ret)
{
	struct str rest = str_trim(line), words;

	if (!str_skip(&rest, name) || !rest.n || !is_blank(*rest.p) || !str_cut(&rest, ';', &words) ||
		!rest.p || str_has_char(words, '"') || str_has_char(words, '\'') ||
		str_has_char(words, '#'))
		return false;
	*ret = rest;
	rest = str_trim(rest);
	return !rest.n || *rest.p == '#';
}

static int set_in_place(struct host *host, struct edits *edits, const struct from *from,
						const char *name, const char *wanted, struct err *err)
{
	struct str text, line = STR_ABSENT, comment, target;
	struct err ignored;
	const char *path = from->path;
	int r = host_read(host, path, edits->arena, &text, err);

	if (r < 0)
		return r;
	for (unsigned n = 0; n < from->line && str_line(&text, &line); n++)
		;
	if (!stands_alone(line, name, &comment))
		return err_set(err, ENOTSUP, "%s:%u is changed by hand", path, from->line);
	if (host_readlink(host, path, edits->arena, &target, &ignored) == 0) {
		if (!str_starts(target, "/"))
			return err_set(err, ENOTSUP, "%s is a link: change line %u by hand", path, from->line);
		path = str_dup(edits->arena, target);
	}
	edit_line(edits, path, from->line, line,
			  str_of(arena_printf(edits->arena, "%.*s%s%.*s", (int)(str_trim(line).p - line.p),
								  line.p, wanted, STR_ARG(comment))));
	return 0;
}

int nginx_edit(struct host *host, struct edits *edits, const char *name, struct str value,
			   struct from from, struct err *err)
{
	const char *wanted = arena_printf(edits->arena, "%s %s;", name, str_dup(edits->arena, value));
	struct nginx_config config;
	int r;

	if (from.path) {
		r = set_in_place(host, edits, &from, name, wanted, err);
	} else {
		r = nginx_config_read(host, edits->arena, &config, err);
		if (r == 0 && !reads_drop_ins(&config))
			return err_set(err, ENOTSUP,
						   NGINX_MAIN_FILE " does not read " DROP_IN_DIRECTORY "*.conf: set %s "
										   "in its http block",
						   name);
		if (r == 0)
			edit_key(edits, NGINX_DROP_IN, EDIT_LINES, NULL, str_of(wanted), STR("1"));
	}
	if (r == 0)
		edit_reload(edits, "nginx.service");
	return r;
}
