/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nsswitch.h"

#define NSSWITCH "/etc/nsswitch.conf"

static bool is_local_source(struct str word)
{
	return str_is_one_of(word,
						 NAMES("files", "compat", "db", "systemd", "mymachines", "altfiles")) ||
		   word.p[0] == '[' || word.p[word.n - 1] == ']'; /* [NOTFOUND=return] */
}

/* The sources of the database when the line is about it. The colon may stand apart, or not at all. */
static bool take_sources(struct str line, const char *database, struct str *ret)
{
	(void)str_cut(&line, '#', ret);
	*ret = str_trim(*ret);
	if (!str_skip(ret, database) || (ret->n && !strchr(": \t", ret->p[0])))
		return false;
	(void)str_skip(ret, ":");
	return true;
}

bool nsswitch_asks(struct host *host, struct arena *a, const char *database, const char *source)
{
	struct str text, line, words, word;
	struct err ignored;

	if (host_read(host, NSSWITCH, a, &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line))
		if (take_sources(line, database, &words))
			while (str_word(&words, &word))
				if (str_is(word, source))
					return true;
	return false;
}

const char *nsswitch_elsewhere(struct host *host, struct arena *a, const char *database,
							   const char *what)
{
	struct str text = STR(""), line, words, word;
	struct err err = {0};
	int r = host_read(host, NSSWITCH, a, &text, &err);

	if (r < 0 && r != -ENOENT)
		return arena_strdup(a, err.msg);
	while (str_line(&text, &line)) {
		if (!take_sources(line, database, &words))
			continue;
		while (str_word(&words, &word))
			if (!str_is(word, ":") && !is_local_source(word))
				return arena_printf(a, "%s: %.*s %s", NSSWITCH, STR_ARG(word), what);
	}
	return NULL;
}
