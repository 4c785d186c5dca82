/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader GRUB: its menu, who may change an entry, and what kernels are started with. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/grub_edit.h"
#include "host/passwd.h"
#include "host/secret.h"
#include "host/table.h"

enum { INSTALLED, CONFIG, MODE, OWNER, PASSWORD, SUPERUSERS, CMDLINE_DEFAULT, CMDLINE };

static const struct column columns[] = {
	[INSTALLED] = {"installed", TYPE_BOOL, "There is a menu of GRUB's", 0},
	[CONFIG] = {"config", TYPE_STRING, "Path of the menu", COLUMN_LABEL},
	[MODE] = {"mode", TYPE_MODE, "Permissions of the menu", 0},
	[OWNER] = {"owner", TYPE_STRING, "Owner of the menu", 0},
	[PASSWORD] = {"password", TYPE_BOOL, "Changing an entry takes a superuser's password", 0},
	[SUPERUSERS] = {"superusers", TYPE_LIST, "Names in `set superusers=`", 0},
	[CMDLINE_DEFAULT] = {"cmdline_default", TYPE_STRING,
						 "GRUB_CMDLINE_LINUX_DEFAULT: parameters of a normal boot",
						 COLUMN_SETTABLE},
	[CMDLINE] = {"cmdline", TYPE_STRING, "GRUB_CMDLINE_LINUX: parameters of every boot",
				 COLUMN_SETTABLE},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct row *row;
	const char *config;
	bool user_password; /* user.cfg of Red Hat and SUSE sets GRUB2_PASSWORD */
	const char *user_unknown;
};

/* --- the menu -----------------------------------------------------------------------------------
 */

/* Keeps `password_pbkdf2 USER` but not the hash, and a password's variable. */
static void scrub_line(struct str line, struct buf *out)
{
	struct str rest = line, command, user, hash;

	if (!str_word(&rest, &command) ||
		(!str_is(command, "password") && !str_is(command, "password_pbkdf2") &&
		 !str_has(line, "grub.pbkdf2"))) {
		buf_str(out, line);
		return;
	}
	if (!str_starts(command, "password")) {
		buf_puts(out, str_starts(command, "GRUB2_PASSWORD=") ? "GRUB2_PASSWORD=hidden" : "hidden");
		return;
	}
	buf_str(out, command);
	if (!str_word(&rest, &user))
		return;
	buf_putc(out, ' ');
	buf_str(out, user);
	if (str_word(&rest, &hash)) {
		buf_putc(out, ' ');
		if (str_has(hash, "GRUB2_PASSWORD"))
			buf_puts(out, "${GRUB2_PASSWORD}");
		else
			buf_puts(out, "hidden");
	}
}

static void scrub(struct str text, struct buf *out)
{
	struct str line;

	while (str_line(&text, &line)) {
		scrub_line(line, out);
		buf_putc(out, '\n');
	}
}

struct menu {
	VEC(struct str) superusers, with_password;
	unsigned superusers_line, password_line;
};

static bool is_separator(char c)
{
	return c == ' ' || c == ',' || c == ';' || c == '|' || c == '&';
}

static void set_superusers(struct arena *a, struct menu *menu, struct str names)
{
	menu->superusers.n = 0;
	while (names.n) {
		size_t n = 0;

		while (n < names.n && !is_separator(names.p[n]))
			n++;
		if (n)
			*vec_push(a, &menu->superusers) = (struct str){names.p, n};
		names.p += MIN(n + 1, names.n);
		names.n -= MIN(n + 1, names.n);
	}
}

static void read_menu_line(struct reader *r, struct menu *menu, struct str line, unsigned number)
{
	struct arena *a = r->rows->arena;
	struct str command, user, hash;

	if (!str_word(&line, &command))
		return;
	line = str_trim(line);
	if (str_is(command, "set") && str_skip(&line, "superusers=")) {
		set_superusers(a, menu, str_unquoted(line, "\"'"));
		menu->superusers_line = number;
	} else if (str_is(command, "password") || str_is(command, "password_pbkdf2")) {
		if (!str_word(&line, &user) || !str_word(&line, &hash))
			return;
		if (str_has(hash, "GRUB2_PASSWORD") && !r->user_password)
			return;
		*vec_push(a, &menu->with_password) = str_unquoted(user, "\"'");
		menu->password_line = number;
	}
}

static bool has_password(const struct menu *menu)
{
	for (size_t i = 0; i < MIN(menu->superusers.n, (size_t)64); i++)
		for (size_t k = 0; k < menu->with_password.n; k++)
			if (str_eq(menu->superusers.p[i], menu->with_password.p[k]))
				return true;
	return false;
}

static void read_menu(struct reader *r)
{
	struct str text, line;
	struct menu menu = {0};
	struct err err = {0};

	if (host_read_scrubbed(r->host, r->config, scrub, r->rows->arena, &text, &err) < 0) {
		row_unknown(r->row, PASSWORD, arena_strdup(r->rows->arena, err.msg));
		row_unknown(r->row, SUPERUSERS, arena_strdup(r->rows->arena, err.msg));
		return;
	}
	for (unsigned n = 1; str_line(&text, &line); n++)
		read_menu_line(r, &menu, line, n);
	if (r->user_unknown && !has_password(&menu))
		row_unknown(r->row, PASSWORD, r->user_unknown);
	else
		row_bool(r->row, PASSWORD, has_password(&menu));
	row_from(r->row, PASSWORD, FROM(r->config, menu.password_line));
	if (menu.superusers.n) {
		row_list(r->row, SUPERUSERS, menu.superusers.p, menu.superusers.n);
		row_from(r->row, SUPERUSERS, FROM(r->config, menu.superusers_line));
	}
}

/* grub2-setpassword keeps the hash in user.cfg beside the menu, which refers to it. */
static void read_user_config(struct reader *r)
{
	const char *slash = strrchr(r->config, '/');
	const char *path =
		arena_printf(r->rows->arena, "%.*s/user.cfg", (int)(slash - r->config), r->config);
	struct str text, line;
	struct err err = {0};
	int result = host_read_scrubbed(r->host, path, scrub, r->rows->arena, &text, &err);

	if (result < 0 && result != -ENOENT)
		r->user_unknown = arena_strdup(r->rows->arena, err.msg);
	while (result == 0 && str_line(&text, &line))
		if (str_skip(&line, "GRUB2_PASSWORD=") && line.n)
			r->user_password = true;
}

static void read_permissions(struct reader *r, const struct path_stat *st)
{
	struct passwd_db db;
	struct err err = {0};

	row_int(r->row, MODE, st->mode & 07777);
	if (passwd_read(r->host, r->rows->arena, &db, &err) == 0)
		row_str(r->row, OWNER, passwd_user_name(&db, st->uid, r->rows->arena));
	else
		row_unknown(r->row, OWNER, arena_strdup(r->rows->arena, err.msg));
}

/* --- /etc/default/grub --------------------------------------------------------------------------
 */

/* The two variables, as the shell that sources the files in order would leave them. */
struct variable {
	const char *name;
	int column;
	struct str value;
	struct from from;
	const char *unknown;
};

static struct variable *variable_named(struct variable *v, struct str name)
{
	for (; v->name; v++)
		if (str_is(name, v->name))
			return v;
	return NULL;
}

/* $NAME or ${NAME} at the start of *s: takes it off. */
static bool take_reference(struct str *s, struct str *ret)
{
	struct str rest = *s;
	bool braces;
	size_t n = 0;

	if (!str_skip(&rest, "$"))
		return false;
	braces = str_skip(&rest, "{");
	while (n < rest.n &&
		   (rest.p[n] == '_' || (rest.p[n] >= 'A' && rest.p[n] <= 'Z') ||
			(rest.p[n] >= 'a' && rest.p[n] <= 'z') || (rest.p[n] >= '0' && rest.p[n] <= '9')))
		n++;
	*ret = (struct str){rest.p, n};
	rest.p += n;
	rest.n -= n;
	if (!n || (braces && !str_skip(&rest, "}")))
		return false;
	*s = rest;
	return true;
}

/* The value of an assignment; NULL, or why it is not known. Takes quotes, backslashes and
 * references to the variables themselves; anything that would run a command is not followed. */
static const char *expand(struct arena *a, struct variable *all, struct str s, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(64 << 10);
	char quote = '\0';

	while (s.n && (quote || (s.p[0] != ' ' && s.p[0] != '\t' && s.p[0] != ';' && s.p[0] != '#'))) {
		struct str name;
		char c = s.p[0];

		if (quote != '\'' && (c == '$' || c == '`')) {
			struct variable *v;

			if (!take_reference(&s, &name))
				return "the shell would run a command for it";
			v = variable_named(all, name);
			if (!v || v->unknown)
				return "it refers to a variable that is not known";
			buf_str(&out, v->value);
			continue;
		}
		s.p++, s.n--;
		if (quote != '\'' && c == '\\' && s.n) {
			buf_putc(&out, s.p[0]);
			s.p++, s.n--;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote && c == quote) {
			quote = '\0';
		} else {
			buf_putc(&out, c);
		}
	}
	if (quote)
		return "its quote goes on in the next line";
	*ret = (struct str){str_dup(a, buf_get(&out)), out.n};
	return out.full ? "it is too long" : NULL;
}

static void assign(struct arena *a, struct variable *all, struct str line, struct from from)
{
	struct str name, value = STR("");
	struct variable *v;
	bool append;

	line = str_trim(line);
	if (str_skip(&line, "export "))
		line = str_trim(line);
	if (!str_has_char(line, '=') || !str_cut(&line, '=', &name))
		return;
	append = str_ends(name, "+");
	name.n -= append;
	v = variable_named(all, name);
	if (!v)
		return;
	v->from = from;
	v->unknown = expand(a, all, line, &value);
	v->value =
		append ? str_of(arena_printf(a, "%s%s", str_dup(a, v->value), str_dup(a, value))) : value;
}

static void read_defaults_file(struct reader *r, struct variable *all, const char *path)
{
	struct arena *a = r->rows->arena;
	struct str text, line;
	struct err err = {0};
	int result = host_read_scrubbed(r->host, path, secret_mask, a, &text, &err);

	for (struct variable *v = all; result < 0 && result != -ENOENT && v->name; v++)
		v->unknown = arena_strdup(a, err.msg);
	for (unsigned n = 1; result == 0 && str_line(&text, &line); n++)
		assign(a, all, line, FROM(path, n));
}

static void read_defaults(struct reader *r)
{
	struct variable all[] = {
		{.name = "GRUB_CMDLINE_LINUX_DEFAULT", .column = CMDLINE_DEFAULT, .value = STR("")},
		{.name = "GRUB_CMDLINE_LINUX", .column = CMDLINE, .value = STR("")},
		{0},
	};
	struct err err = {0};
	struct str *files;
	size_t n;

	read_defaults_file(r, all, "/etc/default/grub");
	if (host_list_files(r->host, "/etc/default/grub.d", ".cfg", r->rows->arena, &files, &n, &err) <
		0)
		for (struct variable *v = all; v->name; v++)
			v->unknown = arena_strdup(r->rows->arena, err.msg);
	else
		for (size_t i = 0; i < n; i++)
			read_defaults_file(r, all, files[i].p);
	for (struct variable *v = all; v->name; v++) {
		if (v->unknown)
			row_unknown(r->row, v->column, v->unknown);
		else if (v->from.path)
			row_str(r->row, v->column, v->value);
		if (v->from.path)
			row_from(r->row, v->column, v->from);
	}
}

/* The RHEL family before release 9 has its menu on the EFI partition. What Debian has there only
 * leads to the one in /boot/grub. */
static int find_menu(struct reader *r, struct path_stat *ret, struct err *err)
{
	static const char *const menus[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};
	struct str *found;
	size_t n = 0;
	int result = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(menus) && result == -ENOENT; i++) {
		r->config = menus[i];
		result = host_stat(r->host, r->config, true, ret, err);
	}
	if (result != -ENOENT)
		return result;
	result = host_glob(r->host, r->rows->arena, STR("/boot/efi/EFI/*/grub.cfg"), &found, &n, err);
	if (result < 0)
		return result;
	if (!n)
		return -ENOENT;
	r->config = found[0].p;
	return host_stat(r->host, r->config, true, ret, err);
}

static int read_grub(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct path_stat st = {0};
	int result = find_menu(&r, &st, err);

	if (result < 0 && result != -ENOENT)
		return result;
	r.row = rows_add(rows, FROM(result == 0 ? r.config : "/boot/grub", 0));
	row_bool(r.row, INSTALLED, result == 0);
	if (result == 0) {
		row_strz(r.row, CONFIG, r.config);
		read_permissions(&r, &st);
		read_user_config(&r);
		read_menu(&r);
	}
	read_defaults(&r);
	return 0;
}

/* --- changing ----------------------------------------------------------------------------------- */

static bool has_word(struct str text, struct str word)
{
	struct str one;

	while (str_word(&text, &one))
		if (str_eq(one, word))
			return true;
	return false;
}

/* Parameters are taken out; what is wished for besides is a parameter of the running kernel. */
static int set_grub(struct host *host, const struct wish *wish, struct edits *edits,
					struct err *err)
{
	bool is_ours = wish->row && (wish->column == CMDLINE || wish->column == CMDLINE_DEFAULT);
	struct str now, word;
	int r = 0;

	if (!is_ours || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "GRUB's menu and password are seen to by hand");
	now = wish->row->cells[wish->column].string;
	while (r == 0 && str_word(&now, &word))
		if (!has_word(wish->value.string, word))
			r = grub_take_out(host, edits, word, err);
	return r;
}

static const struct table grub = {
	.name = "grub",
	.doc = "The boot loader: its menu's permissions and password, and the kernel's parameters",
	.columns = columns,
	.read = read_grub,
	.set = set_grub,
	.fix = "edit /etc/default/grub and run update-grub",
};
TABLE(grub);
