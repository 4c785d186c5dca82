/* SPDX-License-Identifier: Apache-2.0 */
/* dnf and yum: the sections of dnf.conf and of the repositories, as far as they say what is trusted. */
#include "host/conf.h"
#include "host/edit.h"
#include "host/table.h"

enum {
	SECTION,
	FILE_,
	ENABLED,
	GPGCHECK,
	REPO_GPGCHECK,
	LOCALPKG_GPGCHECK,
	SSLVERIFY,
	PLAIN_HTTP,
	GPGKEY
};

static const struct column columns[] = {
	[SECTION] = {"section", TYPE_STRING, "main, or the repository", COLUMN_LABEL},
	[FILE_] = {"file", TYPE_STRING, "Where it is", COLUMN_LABEL},
	[ENABLED] = {"enabled", TYPE_BOOL, "Is the repository used?", 0},
	[GPGCHECK] =
		{"gpgcheck", TYPE_BOOL,
		 "Are signatures of packages verified? What a repository does not say, main says; and "
		 "what that does not say, is no",
		 COLUMN_SETTABLE},
	[REPO_GPGCHECK] = {"repo_gpgcheck", TYPE_BOOL, "Is the signature of its lists verified?", 0},
	[LOCALPKG_GPGCHECK] = {"localpkg_gpgcheck", TYPE_BOOL,
						   "Of main: are signatures of packages in local files verified?",
						   COLUMN_SETTABLE},
	[SSLVERIFY] = {"sslverify", TYPE_BOOL, "Are certificates of mirrors verified?",
				   COLUMN_SETTABLE},
	[PLAIN_HTTP] = {"plain_http", TYPE_BOOL,
					"Does it name a mirror, or a list of mirrors, that is reached without TLS?", 0},
	[GPGKEY] = {"gpgkey", TYPE_STRING, "Where its keys are", 0},
	{0},
};

static const char *const mains[] = {"/etc/dnf/dnf.conf", "/etc/yum.conf"};

static const struct {
	int column;
	const char *key;
	bool when_unset;
} switches[] = {
	{GPGCHECK, "gpgcheck", false},
	{REPO_GPGCHECK, "repo_gpgcheck", false},
	{LOCALPKG_GPGCHECK, "localpkg_gpgcheck", false},
	{SSLVERIFY, "sslverify", true},
};

/* libdnf's spellings; -1: none of them, such as one with a variable. */
static int truth(struct str value)
{
	static const char *const words[][2] = {
		{"1", "0"},
		{"yes", "no"},
		{"true", "false"},
		{"on", "off"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int no = 0; no < 2; no++)
			if (str_is_nocase(value, words[i][no]))
				return !no;
	return -1;
}

static void set_switch(struct row *row, int column, const struct conf_item *item, bool when_unset)
{
	int value = item ? truth(item->value) : when_unset;

	if (value < 0)
		row_unknown(row, column, "a value that is neither yes nor no");
	else
		row_bool(row, column, value);
	if (item)
		row_from(row, column, FROM(item->file, item->line));
}

static bool is_plain(const struct conf *conf, const char *section)
{
	static const char *const keys[] = {"baseurl", "mirrorlist", "metalink"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf_item *item = conf_last(conf, section, keys[i]);

		if (item && str_has(item->value, "http://"))
			return true;
	}
	return false;
}

static void add_section(struct rows *rows, const struct conf *conf, const struct conf *mains_conf,
						const struct conf_item *first)
{
	const char *section = str_dup(rows->arena, first->section);
	const struct conf_item *item = conf_last(conf, section, "enabled");
	bool is_main = str_is(first->section, "main");
	struct row *row = rows_add(rows, FROM(first->file, first->line));

	row_str(row, SECTION, first->section);
	row_strz(row, FILE_, first->file);
	if (!is_main) {
		set_switch(row, ENABLED, item, true);
		row_bool(row, PLAIN_HTTP, is_plain(conf, section));
	}
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (!is_main && switches[i].column == LOCALPKG_GPGCHECK)
			continue;
		item = conf_last(conf, section, switches[i].key);
		if (!item)
			item = conf_last(mains_conf, "main", switches[i].key);
		set_switch(row, switches[i].column, item, switches[i].when_unset);
	}
	item = conf_last(conf, section, "gpgkey");
	if (item)
		row_str(row, GPGKEY, item->value);
}

static void add_sections(struct rows *rows, const struct conf *conf, const struct conf *mains_conf)
{
	for (size_t i = 0; i < conf->n; i++)
		if (conf->items[i].section.p &&
			(i == 0 || !str_eq(conf->items[i].section, conf->items[i - 1].section)))
			add_section(rows, conf, mains_conf, &conf->items[i]);
}

static int read_dnf(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const dirs[] = {"/etc/yum.repos.d", "/etc/distro.repos.d"};
	struct conf main_conf = {0};
	const char *path = NULL;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(mains); i++) {
		path = mains[i];
		r = conf_read(host, rows->arena, path, CONF_INI, &main_conf, err);
	}
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* What it does not say has a value all the same. */
	if (main_conf.n)
		add_sections(rows, &main_conf, &main_conf);
	else
		add_section(rows, &main_conf, &main_conf,
					&(struct conf_item){.section = STR("main"), .file = path});
	for (size_t d = 0; d < ARRAY_LEN(dirs); d++) {
		struct str *files;
		size_t n = 0;

		if (host_list_files(host, dirs[d], ".repo", rows->arena, &files, &n, err) < 0)
			rows_gap(rows, "%s", err->msg);
		for (size_t i = 0; i < n; i++) {
			struct conf conf = {0};

			if (conf_read(host, rows->arena, files[i].p, CONF_INI, &conf, err) < 0)
				rows_gap(rows, "%s", err->msg);
			add_sections(rows, &conf, &main_conf);
		}
	}
	return 0;
}

static int set_dnf(struct host *host _unused_, const struct wish *wish, struct edits *edits,
				   struct err *err)
{
	const struct value *v = wish->row ? wish->row->cells : NULL;

	if (!v || wish->column < 0 || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "repositories are not made or deleted");
	edit_key(edits, str_dup(edits->arena, v[FILE_].string), EDIT_INI,
			 str_dup(edits->arena, v[SECTION].string),
			 str_of(wish->table->columns[wish->column].name),
			 wish->value.number ? STR("1") : STR("0"));
	return 0;
}

static const struct table dnf = {
	.name = "dnf",
	.doc = "What dnf.conf (or yum.conf) and the repositories say of signatures and TLS",
	.columns = columns,
	.read = read_dnf,
	.set = set_dnf,
	.fix = "set it in {file}",
};
TABLE(dnf);
