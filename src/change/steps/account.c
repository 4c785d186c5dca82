/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account: its shell in /etc/passwd, and in /etc/shadow how its password ages and whether it is
 * locked. Only those fields of its line change. Password hashes are never part of a state, and never
 * copied: locking puts a "!" in front, unlocking takes that one away.
 */
#include <stdio.h>

#include "base/num.h"
#include "change/record.h"
#include "host/crypt_id.h"

enum file { IN_PASSWD, IN_SHADOW };

static const struct record_file files[] = {
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
		r = record_find(place, &files[f], target, a, &records[f], err);
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
	_cleanup_buf_ struct buf line = BUF(1u << 20);
	struct record record = {0};
	int r = record_find(place, &files[file], name, &a, &record, err);

	if (r == 0 && !record.found)
		r = err_set(err, ENOENT, "%s has no account %s", files[file].path, name);
	if (r == 0)
		r = put_line(&record, file, to, raw, &line, err);
	if (r == 0 && line.full)
		r = err_set(err, EFBIG, "%s: the line of %s", files[file].path, name);
	if (r == 0)
		r = record_replace(place, &files[file], &record, buf_get(&line), saved, err);
	if (line.p)
		explicit_bzero(line.p, line.n);
	return r;
}

static int put_account(const struct place *place, const char *target, const struct state *to,
					   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state raw = {0};
	int r = saved ? record_read_raw(saved, &a, &raw, err) : 0;

	if (r == 0)
		r = record_lock(place, err);
	if (r < 0)
		return r;
	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++)
		if (is_about(to, (enum file)f))
			r = put_file(place, (enum file)f, target, to, &raw, saved, err);
	record_unlock(place);
	return r;
}

static int save_account(const struct place *place, const struct step *s, const struct saved *saved,
						struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf raw = BUF(65536);
	struct record records[ARRAY_LEN(files)] = {0};
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++) {
		if (!is_about(&s->after, (enum file)f))
			continue;
		r = record_find(place, &files[f], s->target, &a, &records[f], err);
		if (r == 0)
			r = record_save(place, &files[f], saved, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (i != LOCKED && state_has(&s->after, fields[i].name) && records[fields[i].file].found)
			record_put_raw(&raw, fields[i].name, records[fields[i].file].fields[fields[i].at]);
	return r == 0 ? record_save_raw(saved, &raw, s->target, err) : r;
}

static void restore_times(const struct place *place, const struct step *s, const struct saved *saved)
{
	for (size_t f = ARRAY_LEN(files); f-- > 0;)
		if (is_about(&s->after, (enum file)f))
			record_restore_times(place, &files[f], saved);
}

/* --- the script -------------------------------------------------------------------------------- */

static void undo_field(struct buf *out, const struct step *s, size_t i)
{
	bool was_locked = state_is(&s->before, fields[i].name, "yes");
	char set[40];

	snprintf(set, sizeof(set), "$%zu = ENVIRON[\"VALUE\"]", fields[i].at + 1);
	record_undo_sh(out, &files[fields[i].file], s->target, i == LOCKED ? NULL : fields[i].name,
				   i != LOCKED  ? set
				   : was_locked ? "$2 = \"!\" $2"
								: "sub(/^!/, \"\", $2)");
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
