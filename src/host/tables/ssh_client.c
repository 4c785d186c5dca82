/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the SSH client: of /etc/ssh/ssh_config, which hold for everybody, and of the users' own
 * files, which come before those. The first value that fits a host holds.
 */
#include "base/map.h"
#include "host/edit.h"
#include "host/passwd.h"
#include "host/ssh_config.h"
#include "host/table.h"

#define SYSTEM "/etc/ssh/ssh_config"
#define OWN_FILE "/etc/ssh/ssh_config.d/00-revet.conf"

enum { KEY, VALUE, USER, HOSTS };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the option, as in ssh_config(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its arguments, with blanks between; yes, no and other fixed words "
			   "in lower case",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[USER] = {"user", TYPE_STRING, "Whose own configuration says so; absent: that of all",
			  COLUMN_LABEL},
	[HOSTS] = {"hosts", TYPE_STRING, "For which connections, as Host or Match say; absent: for all",
			   COLUMN_LABEL},
	{0},
};

static struct str fixed_word(struct str value)
{
	static const char *const words[][2] = {
		{"yes", "yes"}, {"true", "yes"}, {"no", "no"},           {"false", "no"},
		{"off", "no"},  {"ask", "ask"},  {"confirm", "confirm"}, {"accept-new", "accept-new"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_is_nocase(value, words[i][0]))
			return str_of(words[i][1]);
	return value;
}

/* A line behind one that holds for every host says nothing any more. */
static void add_rows(struct rows *rows, const struct ssh_config *config, struct str user)
{
	struct map decided;

	map_init(&decided, rows->arena);
	for (size_t i = 0; i < config->n; i++) {
		const struct ssh_option *o = &config->options[i];
		struct row *row;

		if (map_get(&decided, str_of(o->keyword)))
			continue;
		row = rows_add(rows, FROM(o->file, o->number));
		row_strz(row, KEY, o->keyword);
		row_str(row, VALUE, fixed_word(o->value));
		row_str(row, USER, user);
		row_str(row, HOSTS, o->criteria);
		if (!o->criteria.p)
			map_put(&decided, str_of(o->keyword), rows);
	}
	if (config->gap)
		rows_gap(rows, "%s", config->gap);
}

static void read_user(struct host *host, struct rows *rows, const struct passwd_user *user)
{
	struct arena *a = rows->arena;
	const char *home = str_dup(a, user->home);
	const char *dir = arena_printf(a, "%s/.ssh", home), *path = arena_printf(a, "%s/config", dir);
	struct ssh_config config = {0};
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(host, dir, false, &st, &err);

	if (r == 0 && !S_ISLNK(st.mode))
		r = host_stat(host, path, false, &st, &err);
	if (r == 0 && S_ISLNK(st.mode))
		r = err_set(&err, ELOOP, "%s: a symbolic link, which is not followed", path);
	if (r == 0)
		r = ssh_config_read(host, a, path, dir, home, &config, &err);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(rows, "%s", err.msg);
	if (r == 0)
		add_rows(rows, &config, user->name);
}

static int read_ssh_client(struct host *host, struct rows *rows, struct err *err)
{
	struct ssh_config config = {0};
	struct passwd_db db;
	struct map seen;
	int r = ssh_config_read(host, rows->arena, SYSTEM, "/etc/ssh", NULL, &config, err);

	if (r == -ENOENT)
		r = ssh_config_read(host, rows->arena, "/usr/etc/ssh/ssh_config", "/etc/ssh", NULL, &config,
							err);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	add_rows(rows, &config, STR_ABSENT);
	r = passwd_read(host, rows->arena, &db, err);
	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < db.n_users; i++)
		if (passwd_can_login(&db.users[i]) && str_starts(db.users[i].home, "/") &&
			!map_put(&seen, db.users[i].home, rows))
			read_user(host, rows, &db.users[i]);
	return r == -ENOENT ? 0 : r;
}

static bool is_ssh_key(struct str key)
{
	const char *keyword = ssh_config_keyword(key);

	return keyword && str_is(key, keyword);
}

/* Does ssh read OWN_FILE, and before anything else that could set an option? */
static int check_include(struct host *host, struct arena *a, struct err *err)
{
	struct sshd_file file;
	struct str text;
	int r = host_read(host, SYSTEM, a, &text, err);

	if (r < 0)
		return r;
	sshd_file_parse(a, SYSTEM, text, &file);
	for (size_t i = 0; i < file.n; i++) {
		if (!file.lines[i].name.p)
			continue;
		if (str_is_nocase(file.lines[i].name, "Include") && file.lines[i].n_args &&
			str_is(file.lines[i].args[0], "/etc/ssh/ssh_config.d/*.conf"))
			return 0;
		break;
	}
	return err_set(err, ENOTSUP,
				   "%s does not begin with `Include /etc/ssh/ssh_config.d/*.conf`: put "
				   "that in front of everything else",
				   SYSTEM);
}

static int set_ssh_client(struct host *host, const struct wish *wish, struct edits *edits,
						  struct err *err)
{
	struct str value = edit_text(edits, wish, ",");
	int r = check_include(host, edits->arena, err);

	if (r < 0)
		return r;
	if (wish->row &&
		(wish->row->cells[USER].state == VALUE_SET || wish->row->cells[HOSTS].state == VALUE_SET))
		return err_set(err, ENOTSUP, "%s:%u says so for some only: edit it there",
					   wish->row->from.path, wish->row->from.line);
	if (!value.p)
		return err_set(err, ENOTSUP,
					   "%.*s cannot be taken back by an earlier line: edit it where it "
					   "is set",
					   STR_ARG(wish->key));
	edit_key(edits, OWN_FILE, EDIT_SPACE, NULL, wish->key, value);
	return 0;
}

static const struct table ssh_client = {
	.name = "ssh_client",
	.doc =
		"Options of the SSH client that /etc/ssh/ssh_config and the users' own files set; absent: "
		"the default holds",
	.columns = columns,
	.read = read_ssh_client,
	.is_key = is_ssh_key,
	.multi = true,
	.set = set_ssh_client,
	.fix = "set {key} in /etc/ssh/ssh_config.d",
};
TABLE(ssh_client);
