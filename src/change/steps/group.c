/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a group, as its lines in /etc/group and /etc/gshadow name them. A field of the state
 * is one account in one of the files, "/etc/group NAME", so that what different rules want of one group
 * is joined, and a kill between the files is seen. Nothing else of the lines changes.
 */
#include "change/record.h"
#include "host/passwd.h"

#define MEMBERS 3 /* counted from 0: group(5), gshadow(5) */
#define MEMBER STR("member")
#define MAX_MEMBERS ((size_t)1 << 20) /* bytes of a line */

static const struct record_file files[] = {{"/etc/group", ".group", 4},
										   {"/etc/gshadow", ".gshadow", 4}};

static int find_group(const struct place *place, const struct record_file *file, const char *name,
					  struct arena *a, struct record *ret, struct err *err)
{
	int r = record_find(place, file, name, a, ret, err);

	return r < 0 ? r : passwd_check_group_lines(file->path, ret->text, str_of(name), err);
}

/* --- looking ----------------------------------------------------------------------------------- */

static int capture_group(const struct place *place, const char *target, struct arena *a,
						 struct state *ret, struct err *err)
{
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++) {
		struct record record = {0};
		struct str rest, name;

		r = find_group(place, &files[f], target, a, &record, err);
		rest = record.found ? record.fields[MEMBERS] : STR_ABSENT;
		while (r == 0 && str_cut(&rest, ',', &name))
			if (str_trim(name).n)
				state_set(ret, a,
						  arena_printf(a, "%s %.*s", files[f].path, STR_ARG(str_trim(name))),
						  MEMBER);
	}
	return r;
}

/* --- changing ---------------------------------------------------------------------------------- */

/* The account that the field is about, absent when it is one of another file. */
static struct str account_of(const struct field *field, const struct record_file *file)
{
	struct str name = str_of(field->name);

	return str_skip(&name, file->path) && str_skip(&name, " ") ? name : STR_ABSENT;
}

static bool is_about(const struct state *s, const struct record_file *file)
{
	for (size_t i = 0; i < s->n; i++)
		if (account_of(&s->p[i], file).p)
			return true;
	return false;
}

static int check_account(const struct field *field, struct str name, struct err *err)
{
	bool is_name = name.n && (!field->value.p || str_eq(field->value, MEMBER));

	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == ':' || name.p[i] == ',')
			is_name = false;
	return is_name ? 0 : err_set(err, EINVAL, "'%s' cannot be written", field->name);
}

/* The list without the accounts that the state is about. */
static void put_others(struct buf *out, struct str list, const struct record_file *file,
					   const struct state *to)
{
	struct str name;

	for (bool first = true; str_cut(&list, ',', &name);) {
		bool about = false;

		for (size_t i = 0; i < to->n; i++) {
			struct str account = account_of(&to->p[i], file);

			about = about || (account.p && str_eq(account, str_trim(name)));
		}
		if (about)
			continue;
		buf_printf(out, "%s", first ? "" : ",");
		buf_str(out, name);
		first = false;
	}
}

/* As it was, to the byte, unless somebody else has changed it since: then who is missing goes behind. */
static int put_members(struct buf *out, const struct record *record, const struct record_file *file,
					   const struct state *to, struct str raw, struct err *err)
{
	_cleanup_buf_ struct buf now = BUF(MAX_MEMBERS), before = BUF(MAX_MEMBERS);

	put_others(&now, record->fields[MEMBERS], file, to);
	put_others(&before, raw, file, to);
	if (raw.p && str_eq(buf_get(&now), buf_get(&before))) {
		buf_str(out, raw);
		return 0;
	}
	for (size_t i = 0; i < to->n; i++) {
		struct str account = account_of(&to->p[i], file);

		if (!account.p)
			continue;
		if (check_account(&to->p[i], account, err) < 0)
			return -err->errnum;
		if (!to->p[i].value.p)
			continue;
		buf_puts(&now, now.n ? "," : "");
		buf_str(&now, account);
	}
	buf_str(out, buf_get(&now));
	return now.full ? err_set(err, EFBIG, "%s", file->path) : 0;
}

static int put_file(const struct place *place, const struct record_file *file, const char *group,
					const struct state *to, struct str raw, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf line = BUF(2 * MAX_MEMBERS);
	struct record record = {0};
	int r = find_group(place, file, group, &a, &record, err);

	if (r == 0 && !record.found)
		r = err_set(err, ENOENT, "%s has no group %s", file->path, group);
	for (size_t i = 0; r == 0 && i < MEMBERS; i++) {
		buf_str(&line, record.fields[i]);
		buf_putc(&line, ':');
	}
	if (r == 0)
		r = put_members(&line, &record, file, to, raw, err);
	if (r == 0 && line.full)
		r = err_set(err, EFBIG, "%s: the line of %s", file->path, group);
	if (r == 0)
		r = record_replace(place, file, &record, buf_get(&line), saved, err);
	if (line.p)
		explicit_bzero(line.p, line.n);
	return r;
}

static int put_group(const struct place *place, const char *target, const struct state *to,
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
		if (is_about(to, &files[f]))
			r = put_file(place, &files[f], target, to, state_get(&raw, files[f].suffix + 1), saved,
						 err);
	record_unlock(place);
	return r;
}

static int save_group(const struct place *place, const struct step *s, const struct saved *saved,
					  struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf raw = BUF(65536);
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_LEN(files); f++) {
		struct record record = {0};

		if (!is_about(&s->after, &files[f]))
			continue;
		r = find_group(place, &files[f], s->target, &a, &record, err);
		if (r == 0)
			r = record_save(place, &files[f], saved, err);
		if (r == 0 && record.found)
			record_put_raw(&raw, files[f].suffix + 1, record.fields[MEMBERS]);
	}
	return r == 0 ? record_save_raw(saved, &raw, s->target, err) : r;
}

static void restore_times(const struct place *place, const struct step *s,
						  const struct saved *saved)
{
	for (size_t f = ARRAY_LEN(files); f-- > 0;)
		if (is_about(&s->after, &files[f]))
			record_restore_times(place, &files[f], saved);
}

static void undo_group(struct buf *out, const struct step *s)
{
	buf_puts(out, "umask 077\n");
	for (size_t f = 0; f < ARRAY_LEN(files); f++)
		if (is_about(&s->after, &files[f]))
			record_undo_sh(out, &files[f], s->target, files[f].suffix + 1,
						   "$4 = ENVIRON[\"VALUE\"]");
}

static const struct step_type group_step = {
	.name = "group",
	.doc = "the members of a group",
	.order = 25, /* before modes and lists: undone after them, on the file as it was saved */
	.capture = capture_group,
	.put = put_group,
	.save = save_group,
	.restore_times = restore_times,
	.undo_sh = undo_group,
};
STEP_TYPE(group_step);
