/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The password of each account: method and state, never the hash, and its ageing. PAM looks into
 * /etc/shadow only for accounts whose field in /etc/passwd is "x", so a password that stands in
 * /etc/passwd itself is reported from there.
 */
#include "base/num.h"
#include "base/vec.h"
#include "host/crypt_id.h"
#include "host/edit.h"
#include "host/passwd.h"
#include "host/table.h"

#define DAY 86400
#define MAX_DAYS 100000000 /* 270,000 years: past that it is no date */

enum {
	USER,
	UID,
	SYSTEM,
	LOGIN_SHELL,
	IN_PASSWD,
	ALGORITHM,
	HAS_PASSWORD,
	LOCKED,
	EMPTY,
	UNSHADOWED,
	LAST_CHANGE,
	LAST_CHANGE_IN_FUTURE,
	AGE_DAYS,
	MIN_DAYS,
	MAX_DAYS_COLUMN,
	WARN_DAYS,
	INACTIVE_DAYS,
	EXPIRES,
	EXPIRED,
};

static const struct column columns[] = {
	[USER] = {"user", TYPE_STRING, "Name of the account", COLUMN_KEY | COLUMN_LABEL},
	[UID] = {"uid", TYPE_INT, "Its uid; absent when it is not in /etc/passwd", 0},
	[SYSTEM] = {"system", TYPE_BOOL, "Is the uid below UID_MIN, or nobody's?", 0},
	[LOGIN_SHELL] = {"login_shell", TYPE_BOOL, "Has it a shell that a person can work in?", 0},
	[IN_PASSWD] = {"in_passwd", TYPE_BOOL, "Does /etc/passwd have the account?", 0},
	[ALGORITHM] =
		{"algorithm", TYPE_STRING,
		 "none, des, md5, bcrypt, sha256, sha512, yescrypt, scrypt, gost-yescrypt or unknown", 0},
	[HAS_PASSWORD] = {"has_password", TYPE_BOOL, "Is there a hash, be it locked?", 0},
	[LOCKED] = {"locked", TYPE_BOOL, "Can no password match: marked with ! or *, or no hash?",
				COLUMN_SETTABLE},
	[EMPTY] = {"empty", TYPE_BOOL, "Is no password needed?", COLUMN_SETTABLE},
	[UNSHADOWED] = {"unshadowed", TYPE_BOOL,
					"Is the hash in /etc/passwd, which everybody can read?", 0},
	[LAST_CHANGE] = {"last_change", TYPE_TIME, "Day of the last change; absent: ageing is off", 0},
	[LAST_CHANGE_IN_FUTURE] = {"last_change_in_future", TYPE_BOOL,
							   "Is that day still to come, so that the password never ages?", 0},
	[AGE_DAYS] = {"age_days", TYPE_INT, "Days since the last change", 0},
	[MIN_DAYS] = {"min_days", TYPE_INT, "Days until it may be changed again; absent: none",
				COLUMN_SETTABLE},
	[MAX_DAYS_COLUMN] = {"max_days", TYPE_INT, "Days until it must be changed; absent: never",
				COLUMN_SETTABLE},
	[WARN_DAYS] = {"warn_days", TYPE_INT, "Days of warning before that; absent: none",
				COLUMN_SETTABLE},
	[INACTIVE_DAYS] = {"inactive_days", TYPE_INT,
					   "Days from then until the account is locked; absent: never", COLUMN_SETTABLE},
	[EXPIRES] = {"expires", TYPE_TIME, "Day on which the account ends; absent: never", 0},
	[EXPIRED] = {"expired", TYPE_BOOL, "Has it ended?", 0},
	{0},
};

/* The password of an account in /etc/passwd, parallel to passwd_db.users. */
struct passwords {
	struct crypt_field *fields;
	bool *in_shadow; /* a line of /etc/shadow was seen */
};

static int read_passwords(struct host *host, struct arena *arena, const struct passwd_db *db,
						  struct passwords *ret, struct err *err)
{
	struct str text, line, name = STR_ABSENT, field = STR_ABSENT;
	unsigned number = 0;
	size_t i = 0;
	int r = host_read_scrubbed(host, "/etc/passwd", crypt_scrub_passwd, arena, &text, err);

	if (r != 0)
		return r;
	ret->fields = arena_new(arena, struct crypt_field, db->n_users);
	ret->in_shadow = arena_new(arena, bool, db->n_users);
	while (i < db->n_users && str_line(&text, &line)) {
		if (++number != db->users[i].line)
			continue;
		if (str_cut(&line, ':', &name) && str_cut(&line, ':', &field))
			ret->fields[i] = crypt_parse(field);
		i++;
	}
	return 0;
}

static void set_account(struct row *row, const struct passwd_db *db, const struct passwd_user *user,
						struct str name)
{
	row_str(row, USER, name);
	row_bool(row, IN_PASSWD, user != NULL);
	row_bool(row, LOGIN_SHELL, user && passwd_can_login(user));
	if (!user)
		return;
	row_int(row, UID, user->uid);
	row_bool(row, SYSTEM, passwd_is_system(db, user->uid));
}

static void set_password(struct row *row, const struct crypt_field *field)
{
	row_strz(row, ALGORITHM, field->algorithm);
	row_bool(row, HAS_PASSWORD, field->has_password);
	row_bool(row, LOCKED, field->locked);
	row_bool(row, EMPTY, field->empty);
	row_bool(row, UNSHADOWED, false);
}

#define NOT_DAYS "not a number of days"

/* 1; 0 when the field is empty or negative, which both mean "not set"; else -EINVAL, and the column
 * is unknown. */
static int get_days(struct row *row, int column, struct str field, int64_t *ret)
{
	if (field.n == 0)
		return 0;
	if (num_i64(field, INT32_MIN, MAX_DAYS, ret) < 0) {
		row_unknown(row, column, NOT_DAYS);
		return -EINVAL;
	}
	return *ret >= 0;
}

static void set_last_change(struct row *row, struct str field, int64_t today)
{
	int64_t day;
	int r = get_days(row, LAST_CHANGE, field, &day);

	row_bool(row, LAST_CHANGE_IN_FUTURE, false);
	if (r < 0) {
		row_unknown(row, LAST_CHANGE_IN_FUTURE, NOT_DAYS);
		row_unknown(row, AGE_DAYS, NOT_DAYS);
	}
	if (r <= 0)
		return;
	row_int(row, LAST_CHANGE, day * DAY);
	row_int(row, AGE_DAYS, today - day);
	row_bool(row, LAST_CHANGE_IN_FUTURE, day > today);
}

/* pam_unix: the account has ended on the day itself. */
static void set_expiry(struct row *row, struct str field, int64_t today)
{
	int64_t day;
	int r = get_days(row, EXPIRES, field, &day);

	row_bool(row, EXPIRED, false);
	if (r < 0)
		row_unknown(row, EXPIRED, NOT_DAYS);
	if (r <= 0)
		return;
	row_int(row, EXPIRES, day * DAY);
	row_bool(row, EXPIRED, today >= day);
}

/* The fields behind the password. */
static void set_ageing(struct row *row, struct str rest, int64_t today)
{
	static const int days[] = {MIN_DAYS, MAX_DAYS_COLUMN, WARN_DAYS, INACTIVE_DAYS};
	struct str field = STR_ABSENT;

	str_cut(&rest, ':', &field);
	set_last_change(row, field, today);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		int64_t n;

		field = STR_ABSENT;
		str_cut(&rest, ':', &field);
		if (get_days(row, days[i], field, &n) > 0)
			row_int(row, days[i], n);
	}
	field = STR_ABSENT;
	str_cut(&rest, ':', &field);
	set_expiry(row, field, today);
}

static void add_shadow_line(struct rows *rows, const struct passwd_db *db,
							struct passwords *passwords, struct str line, unsigned number,
							int64_t today)
{
	static const int password_columns[] = {ALGORITHM, HAS_PASSWORD, LOCKED, EMPTY, UNSHADOWED};
	struct str name = STR_ABSENT, field = STR_ABSENT;
	const struct passwd_user *user;
	struct crypt_field password;
	struct row *row;

	if (!line.n)
		return;
	str_cut(&line, ':', &name);
	str_cut(&line, ':', &field);
	password = crypt_parse(field);
	user = passwd_by_name(db, name);
	row = rows_add(rows, FROM("/etc/shadow", number));
	set_account(row, db, user, name);
	set_password(row, &password);
	set_ageing(row, line, today);
	if (!user)
		return;
	passwords->in_shadow[user - db->users] = true;
	if (passwords->fields[user - db->users].elsewhere)
		return;
	set_password(row, &passwords->fields[user - db->users]);
	row_bool(row, UNSHADOWED, passwords->fields[user - db->users].has_password);
	for (size_t i = 0; i < ARRAY_LEN(password_columns); i++)
		row_from(row, password_columns[i], FROM("/etc/passwd", user->line));
}

/* Accounts whose password is in /etc/passwd and that have no line in /etc/shadow. Returns how many
 * are said to have one there and do not. */
static size_t add_unshadowed(struct rows *rows, const struct passwd_db *db,
							 const struct passwords *passwords)
{
	size_t missing = 0;

	for (size_t i = 0; i < db->n_users; i++) {
		struct row *row;

		if (passwords->in_shadow[i])
			continue;
		if (passwords->fields[i].elsewhere) {
			missing++;
			continue;
		}
		row = rows_add(rows, FROM("/etc/passwd", db->users[i].line));
		set_account(row, db, &db->users[i], db->users[i].name);
		set_password(row, &passwords->fields[i]);
		row_bool(row, UNSHADOWED, passwords->fields[i].has_password);
		row_bool(row, LAST_CHANGE_IN_FUTURE, false);
		row_bool(row, EXPIRED, false);
	}
	return missing;
}

static int read_shadow(struct host *host, struct rows *rows, struct err *err)
{
	int64_t today = host_now(host) / DAY;
	struct str text = STR_ABSENT, line;
	struct passwords passwords = {0};
	struct passwd_db db = {0};
	unsigned number = 0;
	size_t missing;
	int r = passwd_read(host, rows->arena, &db, err), r_shadow;

	if (r == 0)
		r = read_passwords(host, rows->arena, &db, &passwords, err);
	if (r != 0)
		return r;
	r_shadow = host_read_scrubbed(host, "/etc/shadow", crypt_scrub_shadow, rows->arena, &text, err);
	if (r_shadow < 0 && r_shadow != -ENOENT)
		return r_shadow;
	while (str_line(&text, &line))
		add_shadow_line(rows, &db, &passwords, line, ++number, today);
	missing = add_unshadowed(rows, &db, &passwords);
	if (r_shadow == -ENOENT && missing)
		rows_gap(rows, "/etc/shadow does not exist, though /etc/passwd refers to it");
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

static int64_t number_or(const struct value *v, int64_t otherwise)
{
	return v->state == VALUE_SET ? v->number : otherwise;
}

/* A limit that the password is past already would have it changed, or the account locked, at the very
 * next login, with a key too: people have to be told first. */
static int refuse_surprise(const struct wish *wish, const char *user, struct err *err)
{
	const struct value *cells = wish->row->cells;
	int64_t max = wish->column == MAX_DAYS_COLUMN ? wish->value.number
												  : number_or(&cells[MAX_DAYS_COLUMN], INT64_MAX);

	if (cells[AGE_DAYS].state == VALUE_UNKNOWN || cells[MAX_DAYS_COLUMN].state == VALUE_UNKNOWN)
		return err_set(err, ENOTSUP, "how old the password of %s is cannot be known", user);
	if ((wish->column == MAX_DAYS_COLUMN || wish->column == INACTIVE_DAYS) &&
		number_or(&cells[AGE_DAYS], 0) >= max)
		return err_set(err, ENOTSUP,
					   "the password of %s is %lld days old: it would have to be changed at the next "
					   "login, or lock the account; have it changed first", user,
					   (long long)cells[AGE_DAYS].number);
	if (wish->column == MIN_DAYS && wish->value.number > number_or(&cells[MAX_DAYS_COLUMN], INT64_MAX))
		return err_set(err, ENOTSUP, "%s could never change the password: it has to be changed after "
					   "%lld days", user, (long long)cells[MAX_DAYS_COLUMN].number);
	return 0;
}

/* Services that let accounts without a shell in with a password: which of them use that is not known. */
static int refuse_shell_less(struct host *host, const struct wish *wish, struct err *err)
{
	static const char *const services[] = {
		"/etc/pam.d/dovecot",   "/etc/pam.d/imap",      "/etc/pam.d/pop3",    "/etc/pam.d/pop",
		"/etc/pam.d/smtp",      "/etc/pam.d/vsftpd",    "/etc/pam.d/proftpd", "/etc/pam.d/ftp",
		"/etc/pam.d/pure-ftpd", "/etc/pam.d/saslauthd", "/etc/pam.d/samba"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (host_stat(host, services[i], true, &st, err) == 0)
			return err_set(err, ENOTSUP,
						   "%s lets accounts without a shell log in, and %.*s may be one of them: "
						   "lock it by hand when it is not",
						   services[i], STR_ARG(wish->row->cells[USER].string));
	return 0;
}

static int set_shadow(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	const struct row *row = wish->row;
	struct str present;
	const char *user;
	int r;

	if (!row || wish->column < 0 || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "passwords are set, and accounts removed, by hand");
	user = str_dup(edits->arena, row->cells[USER].string);
	if (!row->from.path || strcmp(row->from.path, "/etc/shadow") != 0)
		return err_set(err, ENOTSUP, "%s has no line in /etc/shadow", user);
	/* What stands in /etc/passwd itself is what counts, and is moved by pwconv first. */
	if (row->cells[LOCKED].from && strcmp(row->cells[LOCKED].from, "/etc/passwd") == 0)
		return err_set(err, ENOTSUP, "the password of %s is in /etc/passwd: see pwconv", user);
	if (wish->column == LOCKED || wish->column == EMPTY) {
		/* An account that needs no password is locked: which one it should have is not ours. */
		if (!wish->value.number == (wish->column == LOCKED))
			return err_set(err, ENOTSUP, "accounts are unlocked by hand");
		r = wish->column == LOCKED ? refuse_shell_less(host, wish, err) : 0;
		if (r < 0)
			return r;
		edit_state(edits, "account", user, "locked", STR("no"), STR("yes"));
		return 0;
	}
	r = refuse_surprise(wish, user, err);
	if (r < 0)
		return r;
	present = row->cells[wish->column].state == VALUE_SET
				  ? str_of(arena_printf(edits->arena, "%lld",
										(long long)row->cells[wish->column].number))
				  : STR_ABSENT;
	edit_state(edits, "account", user, columns[wish->column].name, present,
			   edit_text(edits, wish, ""));
	return 0;
}

static const struct table shadow = {
	.name = "shadow",
	.doc = "How each account's password is stored and ages: /etc/shadow, joined with /etc/passwd",
	.columns = columns,
	.read = read_shadow,
	.set = set_shadow,
	.fix = "lock {user}, or set how its password ages, in /etc/shadow",
};
TABLE(shadow);
