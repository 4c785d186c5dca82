/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account: its shell in /etc/passwd, and in /etc/shadow how its password ages and whether it is
 * locked. Only those fields of its line change. Password hashes are never part of a state, and never
 * copied: locking puts a "!" in front, unlocking takes that one away.
 */
#include <shadow.h>
#include <stdio.h>

#include "base/num.h"
#include "change/fs.h"
#include "host/crypt_id.h"

#define MAX_FILE ((size_t)16 << 20)
#define MAX_FIELDS 9

enum file { IN_PASSWD, IN_SHADOW };

static const struct {
	const char *path, *suffix; /* suffix: of the copy of its attributes */
	size_t fields;
} files[] = {
	[IN_PASSWD] = {"/etc/passwd", ".passwd", 7},
	[IN_SHADOW] = {"/etc/shadow", ".shadow", 9},
};

/* Which field of which file holds it, counted from 0: passwd(5), shadow(5). */
static const struct {
	const char *name;
	enum file file;
	size_t at;
} fields[] = {
	{"shell", IN_PASSWD, 6},     {"locked", IN_SHADOW, 1},    {"last_change", IN_SHADOW, 2},
	{"min_days", IN_SHADOW, 3},  {"max_days", IN_SHADOW, 4},  {"warn_days", IN_SHADOW, 5},
	{"inactive_days", IN_SHADOW, 6}, {"expires", IN_SHADOW, 7},
};

#define LOCKED 1

struct record {
	struct str text, line; /* the file, and the slice of it that is the account's line */
	struct str fields[MAX_FIELDS];
	bool found;
};

static bool split(struct str line, size_t n, struct str ret[MAX_FIELDS])
{
	size_t i = 0;
	struct str field;

	while (str_cut(&line, ':', &field)) {
		if (i == n)
			return false;
		ret[i++] = field;
	}
	return i == n;
}

/* The first line of the name, as getpwnam() would. */
static int find_record(const struct place *place, enum file file, const char *name, struct arena *a,
					   struct record *ret, struct err *err)
{
	struct str rest, line, first = STR_ABSENT;
	int r = path_read(place->root_fd, files[file].path, MAX_FILE, a, &ret->text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_errno(err, -r, "%s", files[file].path);
	for (rest = ret->text; str_line(&rest, &line);) {
		struct str copy = line;

		if (!str_cut(&copy, ':', &first) || !str_is(first, name))
			continue;
		if (!split(line, files[file].fields, ret->fields))
			return err_set(err, EBADMSG, "%s: the line of %s has not %zu fields", files[file].path, name,
						   files[file].fields);
		ret->line = line;
		ret->found = true;
		return 0;
	}
	return 0;
}

/* --- looking ----------------------------------------------------------------------------------- */

/* A negative number of days is none, as an empty field. */
static struct str value_of(size_t i, struct str field)
{
	int64_t days;

	if (i == LOCKED)
		return crypt_parse(field).locked ? STR("yes") : STR("no");
	if (fields[i].file == IN_PASSWD)
		return field;
	return !field.n || (num_i64(field, INT64_MIN, INT64_MAX, &days) == 0 && days < 0) ? STR_ABSENT : field;
}

static int capture_account(const struct place *place, const char *target, struct arena *a,
						   struct state *ret, struct err *err)
{
	struct record records[ARRAY_LEN(files)] = {0};
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++)
		r = find_record(place, (enum file)f, target, a, &records[f], err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fields); i++) {
		const struct record *record = &records[fields[i].file];

		state_set(ret, a, fields[i].name,
				  record->found ? value_of(i, record->fields[fields[i].at]) : STR_ABSENT);
	}
	return r;
}

/* --- changing ---------------------------------------------------------------------------------- */

static int check_value(size_t i, struct str value, struct err *err)
{
	uint64_t days;

	for (size_t k = 0; k < value.n; k++)
		if (value.p[k] == ':' || (unsigned char)value.p[k] < 0x20)
			return err_set(err, EINVAL, "%s: the value cannot be written to %s", fields[i].name,
						   files[fields[i].file].path);
	if (fields[i].file == IN_SHADOW && i != LOCKED && value.n &&
		num_u64(value, 0, INT32_MAX, &days) < 0)
		return err_set(err, EINVAL, "%s: '%.*s' is no number of days", fields[i].name, STR_ARG(value));
	return 0;
}

/* The line with the wanted fields; raw: what the field was, to the byte, when undoing. */
static int put_line(const struct record *record, enum file file, const struct state *to,
					const struct state *raw, struct buf *out, struct err *err)
{
	for (size_t at = 0; at < files[file].fields; at++) {
		struct str field = record->fields[at];

		buf_puts(out, at ? ":" : "");
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			struct str value = state_get(to, fields[i].name);

			if (fields[i].file != file || fields[i].at != at || !state_has(to, fields[i].name))
				continue;
			if (check_value(i, value, err) < 0)
				return -err->errnum;
			if (i != LOCKED)
				field = state_has(raw, fields[i].name) ? state_get(raw, fields[i].name) : value;
			else if (str_is(value, "yes") && !crypt_parse(field).locked)
				buf_putc(out, '!');
			else if (str_is(value, "no"))
				(void)str_skip(&field, "!");
		}
		buf_str(out, field);
	}
	return 0;
}

static struct saved saved_for(const struct saved *saved, enum file file)
{
	struct saved s = {.dir_fd = saved->dir_fd};

	snprintf(s.name, sizeof(s.name), "%.14s%s", saved->name, files[file].suffix);
	return s;
}

static bool is_about(const struct state *s, enum file file)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].file == file && state_has(s, fields[i].name))
			return true;
	return false;
}

static int put_file(const struct place *place, enum file file, const char *name,
					const struct state *to, const struct state *raw, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(2 * MAX_FILE);
	struct saved copy = saved ? saved_for(saved, file) : (struct saved){0};
	struct state attributes = {0};
	struct record record = {0};
	int r;

	fs_remove_temp(place, files[file].path);
	r = find_record(place, file, name, &a, &record, err);
	if (r == 0 && !record.found)
		r = err_set(err, ENOENT, "%s has no account %s", files[file].path, name);
	if (r < 0)
		return r;
	buf_add(&text, record.text.p, (size_t)(record.line.p - record.text.p));
	r = put_line(&record, file, to, raw, &text, err);
	buf_add(&text, record.line.p + record.line.n,
			(size_t)(record.text.p + record.text.n - record.line.p) - record.line.n);
	if (r == 0 && text.full)
		r = err_set(err, EFBIG, "%s", files[file].path);
	if (r == 0)
		r = fs_capture(place, files[file].path, false, &a, &attributes, err);
	if (r == 0)
		r = fs_write(place, files[file].path, buf_get(&text), &attributes, saved ? &copy : NULL, err);
	if (text.p)
		explicit_bzero(text.p, text.n);
	return r;
}

/* "NAME VALUE" a line: the fields as they were, to the byte. */
static int read_raw(const struct saved *saved, struct arena *a, struct state *ret, struct err *err)
{
	struct str text, line, name = STR_ABSENT;
	int r = path_read(saved->dir_fd, saved->name, 65536, a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	while (str_line(&text, &line))
		if (str_cut(&line, ' ', &name))
			state_set(ret, a, str_dup(a, name), line.p ? line : STR(""));
	return 0;
}

static int put_account(const struct place *place, const char *target, const struct state *to,
					   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state raw = {0};
	int r = saved ? read_raw(saved, &a, &raw, err) : 0;

	if (r < 0)
		return r;
	/* The lock of passwd(1) and its like, which wait for each other; a tree has nobody else. */
	if (place->live && lckpwdf() < 0)
		return err_errno(err, errno, "/etc/.pwd.lock: somebody else is changing accounts");
	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++)
		if (is_about(to, (enum file)f))
			r = put_file(place, (enum file)f, target, to, &raw, saved, err);
	if (place->live)
		(void)ulckpwdf();
	return r;
}

static int save_account(const struct place *place, const struct step *s, const struct saved *saved,
						struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(65536);
	struct record records[ARRAY_LEN(files)] = {0};
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++) {
		struct saved copy = saved_for(saved, (enum file)f);

		if (!is_about(&s->after, (enum file)f))
			continue;
		r = find_record(place, (enum file)f, s->target, &a, &records[f], err);
		if (r == 0)
			r = fs_save(place, files[f].path, false, &copy, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (i != LOCKED && state_has(&s->after, fields[i].name) && records[fields[i].file].found)
			buf_printf(&text, "%s %.*s\n", fields[i].name,
					   STR_ARG(records[fields[i].file].fields[fields[i].at]));
	return r == 0 ? fs_save_text(saved, "", text.n ? buf_get(&text) : STR(""), err) : r;
}

static void restore_times(const struct place *place, const struct step *s, const struct saved *saved)
{
	for (size_t f = ARRAY_LEN(files); f-- > 0;) {
		struct saved copy = saved_for(saved, (enum file)f);

		if (is_about(&s->after, (enum file)f))
			fs_restore_parent_times(place, files[f].path, &copy);
	}
}

/* --- the script -------------------------------------------------------------------------------- */

static void undo_field(struct buf *out, const struct step *s, size_t i)
{
	const char *path = files[fields[i].file].path, *suffix = files[fields[i].file].suffix;
	struct str value = state_get(&s->before, fields[i].name);

	if (i == LOCKED) {
		buf_printf(out, "NAME=");
		step_shell_word(out, str_of(s->target));
		buf_printf(out, " awk 'BEGIN { FS = OFS = \":\" } $1 == ENVIRON[\"NAME\"] && !n++ { %s } { print }'",
				   str_is(value, "yes") ? "$2 = \"!\" $2" : "sub(/^!/, \"\", $2)");
	} else {
		buf_printf(out, "NAME=");
		step_shell_word(out, str_of(s->target));
		buf_printf(out, " VALUE=\"$(sed -n 's/^%s //p' \"$SAVED\")\"", fields[i].name);
		buf_printf(out, " awk 'BEGIN { FS = OFS = \":\" } $1 == ENVIRON[\"NAME\"] && !n++ "
						"{ $%zu = ENVIRON[\"VALUE\"] } { print }'", fields[i].at + 1);
	}
	buf_printf(out, " \"$ROOT%s\" >\"$ROOT%s.revet\" &&\n"
					"cp --attributes-only --preserve=all \"$SAVED%s\" \"$ROOT%s.revet\" &&\n"
					"mv -f \"$ROOT%s.revet\" \"$ROOT%s\"\n", path, path, suffix, path, path, path);
}

static void undo_account(struct buf *out, const struct step *s)
{
	buf_puts(out, "umask 077\n");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (state_has(&s->after, fields[i].name))
			undo_field(out, s, i);
}

static const struct step_type account_step = {
	.name = "account",
	.doc = "an account's shell, how its password ages, and whether it is locked",
	.order = 40,
	.capture = capture_account,
	.put = put_account,
	.save = save_account,
	.restore_times = restore_times,
	.undo_sh = undo_account,
};
STEP_TYPE(account_step);
