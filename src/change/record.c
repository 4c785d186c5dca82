/* SPDX-License-Identifier: Apache-2.0 */
#include "change/record.h"

#include <shadow.h>
#include <stdio.h>

#include "change/fs.h"

#define MAX_FILE ((size_t)16 << 20)

static bool split(struct str line, size_t n, struct str ret[RECORD_MAX_FIELDS])
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

/* As getpwnam() and getgrnam() look for it. */
int record_find(const struct place *place, const struct record_file *file, const char *name,
				struct arena *a, struct record *ret, struct err *err)
{
	struct str rest, line, first = STR_ABSENT;
	int r = path_read(place->root_fd, file->path, MAX_FILE, a, &ret->text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_errno(err, -r, "%s", file->path);
	for (rest = ret->text; str_line(&rest, &line);) {
		struct str copy = line;

		if (!str_cut(&copy, ':', &first) || !str_is(first, name))
			continue;
		if (!split(line, file->fields, ret->fields))
			return err_set(err, EBADMSG, "%s: the line of %s has not %zu fields", file->path, name,
						   file->fields);
		ret->line = line;
		ret->found = true;
		return 0;
	}
	return 0;
}

static struct saved saved_for(const struct saved *saved, const struct record_file *file)
{
	struct saved s = {.dir_fd = saved->dir_fd};

	snprintf(s.name, sizeof(s.name), "%.14s%s", saved->name, file->suffix);
	return s;
}

/* The file with `line` in place of a slice of it. */
static int splice(const struct place *place, const struct record_file *file, struct str all,
				  struct str slice, struct str line, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(2 * MAX_FILE);
	struct saved copy = saved ? saved_for(saved, file) : (struct saved){0};
	struct state attributes = {0};
	size_t begin = (size_t)(slice.p - all.p), end = begin + slice.n;
	int r;

	fs_remove_temp(place, file->path);
	buf_add(&text, all.p, begin);
	buf_str(&text, line);
	buf_add(&text, all.p + end, all.n - end);
	r = text.full ? err_set(err, EFBIG, "%s", file->path)
				  : fs_capture(place, file->path, false, &a, &attributes, err);
	if (r == 0)
		r = fs_write(place, file->path, buf_get(&text), &attributes, saved ? &copy : NULL, err);
	if (text.p)
		explicit_bzero(text.p, text.n);
	return r;
}

int record_replace(const struct place *place, const struct record_file *file,
				   const struct record *record, struct str line, const struct saved *saved,
				   struct err *err)
{
	return splice(place, file, record->text, record->line, line, saved, err);
}

/* Where the lines end that are entries: those of NIS, "+::::::", have to stay the last. */
static size_t end_of_entries(struct str text)
{
	struct str rest = text, line;

	while (rest.n) {
		const char *begin = rest.p;

		(void)str_line(&rest, &line);
		if (str_starts(line, "+") || str_starts(line, "-"))
			return (size_t)(begin - text.p);
	}
	return text.n;
}

/* A file that ends without a newline ends without one afterwards, so that removing leaves what was. */
int record_add(const struct place *place, const struct record_file *file,
			   const struct record *record, struct str line, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	struct str at = {record->text.p + end_of_entries(record->text), 0};
	bool behind = at.p > record->text.p && at.p[-1] != '\n';
	int r;

	buf_puts(&text, behind ? "\n" : "");
	buf_str(&text, line);
	buf_puts(&text, behind ? "" : "\n");
	r = text.full ? err_set(err, EFBIG, "%s: a line", file->path)
				  : splice(place, file, record->text, at, buf_get(&text), NULL, err);
	if (text.p)
		explicit_bzero(text.p, text.n);
	return r;
}

int record_remove(const struct place *place, const struct record_file *file,
				  const struct record *record, const struct saved *saved, struct err *err)
{
	struct str slice = record->line, all = record->text;
	const char *end = memchr(slice.p, '\n', (size_t)(all.p + all.n - slice.p));

	if (end)
		slice.n = (size_t)(end + 1 - slice.p);
	else if (slice.p > all.p)
		slice = (struct str){slice.p - 1, slice.n + 1};
	return splice(place, file, all, slice, STR(""), saved, err);
}

int record_save(const struct place *place, const struct record_file *file,
				const struct saved *saved, struct err *err)
{
	struct saved copy = saved_for(saved, file);

	return fs_save(place, file->path, false, &copy, err);
}

void record_restore_times(const struct place *place, const struct record_file *file,
						  const struct saved *saved)
{
	struct saved copy = saved_for(saved, file);

	fs_restore_parent_times(place, file->path, &copy);
}

void record_put_raw(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s ", name);
	buf_str(out, value);
	buf_putc(out, '\n');
}

int record_save_raw(const struct saved *saved, const struct buf *raw, const char *target,
					struct err *err)
{
	if (raw->full)
		return err_set(err, EFBIG, "what was of %s", target);
	return fs_save_text(saved, "", raw->n ? buf_get(raw) : STR(""), err);
}

int record_read_raw(const struct saved *saved, struct arena *a, struct state *ret, struct err *err)
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

int record_lock(const struct place *place, struct err *err)
{
	if (place->live && lckpwdf() < 0)
		return err_errno(err, errno, "/etc/.pwd.lock: somebody else is changing accounts");
	return 0;
}

void record_unlock(const struct place *place)
{
	if (place->live)
		(void)ulckpwdf();
}

void record_undo_sh(struct buf *out, const struct record_file *file, const char *name,
					const char *value, const char *awk)
{
	buf_puts(out, "NAME=");
	step_shell_word(out, str_of(name));
	if (value)
		buf_printf(out, " VALUE=\"$(sed -n 's/^%s //p' \"$SAVED\")\"", value);
	buf_printf(out,
			   " awk 'BEGIN { FS = OFS = \":\" } $1 == ENVIRON[\"NAME\"] && !n++ { %s } { print }'",
			   awk);
	buf_printf(out,
			   " \"$ROOT%s\" >\"$ROOT%s.revet\" &&\n"
			   "make_like \"$SAVED%s\" \"$ROOT%s.revet\" &&\n"
			   "mv -f \"$ROOT%s.revet\" \"$ROOT%s\" || failed \"%s\"\n",
			   file->path, file->path, file->suffix, file->path, file->path, file->path, file->path);
}
