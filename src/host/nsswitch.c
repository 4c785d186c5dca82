/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nsswitch.h"

static bool is_local_source(struct str word)
{
	static const char *const local[] = {"files",   "compat",     "db",
										"systemd", "mymachines", "altfiles"};

	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		if (str_is(word, local[i]))
			return true;
	return word.p[0] == '[' || word.p[word.n - 1] == ']'; /* [NOTFOUND=return] */
}

const char *nsswitch_elsewhere(struct host *host, struct arena *a, const char *database,
							   const char *what)
{
	static const char path[] = "/etc/nsswitch.conf";
	struct str text = STR(""), line, words, word;
	struct err err = {0};
	int r = host_read(host, path, a, &text, &err);

	if (r < 0 && r != -ENOENT)
		return arena_strdup(a, err.msg);
	while (str_line(&text, &line)) {
		(void)str_cut(&line, '#', &words);
		words = str_trim(words);
		/* The colon may stand apart, or not at all. */
		if (!str_skip(&words, database) || (words.n && !strchr(": \t", words.p[0])))
			continue;
		(void)str_skip(&words, ":");
		while (str_word(&words, &word))
			if (!str_is(word, ":") && !is_local_source(word))
				return arena_printf(a, "%s: %.*s %s", path, STR_ARG(word), what);
	}
	return NULL;
}
