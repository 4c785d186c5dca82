/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_edit.h"

struct editing {
	enum edit_style style;
	struct str section, key, value;
	struct buf *out;
	size_t lines, last; /* lines that set the key, counted from 1; the last of them */
	size_t seen;
	bool in_section, has_section, done;
};

/* Takes the next line off *text with its newline; false at the end. */
static bool take_line(struct str *text, struct str *ret)
{
	const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;

	if (!text->n)
		return false;
	ret->p = text->p;
	ret->n = end ? (size_t)(end + 1 - text->p) : text->n;
	text->p += ret->n;
	text->n -= ret->n;
	return true;
}

static bool is_comment(enum edit_style style, struct str line)
{
	if (!line.n || line.p[0] == '#')
		return true;
	return (style == EDIT_INI && line.p[0] == ';') || (style == EDIT_APT && str_starts(line, "//"));
}

/* Does the line, without its newline, set the key? With EDIT_SPACE a key may be several words, and
 * case does not count; sshd_config and its like allow `Key=value`. */
static bool sets_key(enum edit_style style, struct str line, struct str key)
{
	struct str rest = str_trim(line), name = STR_ABSENT;

	if (is_comment(style, rest))
		return false;
	if (style == EDIT_EQUALS || style == EDIT_INI) {
		(void)str_cut(&rest, '=', &name);
		return str_eq(str_trim(name), key);
	}
	return rest.n > key.n && strncasecmp(rest.p, key.p, key.n) == 0 &&
		   strchr(style == EDIT_SPACE ? " \t=" : " \t", rest.p[key.n]);
}

/* "[Section]" -> its name; absent for any other line. */
static struct str section_of(enum edit_style style, struct str line)
{
	struct str s = str_trim(line);

	if (style != EDIT_INI || s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return STR_ABSENT;
	return (struct str){s.p + 1, s.n - 2};
}

static void put_setting(struct editing *e)
{
	static const char *const formats[] = {
		[EDIT_SPACE] = "%.*s %.*s\n",
		[EDIT_EQUALS] = "%.*s = %.*s\n",
		[EDIT_INI] = "%.*s=%.*s\n",
		[EDIT_APT] = "%.*s \"%.*s\";\n",
	};

	buf_printf(e->out, formats[e->style], STR_ARG(e->key), STR_ARG(e->value));
	e->done = true;
}

static void end_line(struct buf *out)
{
	if (out->n && out->p[out->n - 1] != '\n')
		buf_putc(out, '\n');
}

/* Behind the last line of the section that says something: blank lines in front of the next section
 * belong to that. */
static void put_at_end_of_section(struct editing *e)
{
	size_t blank;
	_cleanup_buf_ struct buf tail = BUF(e->out->max);

	end_line(e->out);
	blank = e->out->n;
	while (blank >= 2 && e->out->p[blank - 1] == '\n' && e->out->p[blank - 2] == '\n')
		blank--;
	buf_add(&tail, e->out->p + blank, e->out->n - blank);
	e->out->n = blank;
	put_setting(e);
	buf_str(e->out, buf_get(&tail));
}

static void edit_one(struct editing *e, struct str line)
{
	struct str section = section_of(e->style, line);

	if (section.p) {
		if (e->in_section && e->value.p && !e->done && !e->lines)
			put_at_end_of_section(e);
		e->in_section = str_eq(section, e->section);
		e->has_section = e->has_section || e->in_section;
	}
	if (section.p || !e->in_section || !sets_key(e->style, line, e->key)) {
		buf_str(e->out, line);
		return;
	}
	if (++e->seen == e->last && e->value.p) {
		put_setting(e);
	} else {
		buf_puts(e->out, "# ");
		buf_str(e->out, line);
	}
}

static void count(struct editing *e, struct str text)
{
	struct str line;
	bool inside = e->style != EDIT_INI || !e->section.p;

	while (take_line(&text, &line)) {
		struct str section = section_of(e->style, line);

		if (section.p)
			inside = str_eq(section, e->section);
		else if (inside && sets_key(e->style, line, e->key))
			e->last = ++e->lines;
	}
}

static int check_value(enum edit_style style, struct str key, struct str value, struct err *err)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || (style == EDIT_APT && value.p[i] == '"'))
			return err_set(err, EINVAL, "%.*s: the value cannot be written to a file",
						   STR_ARG(key));
	return value.p && !value.n ? err_set(err, EINVAL, "%.*s: the value is empty", STR_ARG(key)) : 0;
}

int conf_edit_key(struct str text, enum edit_style style, struct str section, struct str key,
				  struct str value, struct buf *out, struct err *err)
{
	struct editing e = {.style = style, .section = section, .key = key, .value = value, .out = out};
	struct str line;
	int r = check_value(style, key, value, err);

	if (r < 0)
		return r;
	count(&e, text);
	e.in_section = style != EDIT_INI || !section.p;
	e.has_section = e.in_section;
	while (take_line(&text, &line))
		edit_one(&e, line);
	if (value.p && !e.done && !e.lines) {
		end_line(out);
		if (!e.has_section)
			buf_printf(out, "%s[%.*s]\n", out->n ? "\n" : "", STR_ARG(section));
		put_setting(&e);
	}
	return out->full ? err_set(err, EFBIG, "the file would be too large") : 0;
}

int conf_edit_line(struct str text, unsigned number, struct str old, struct str value,
				   struct buf *out, struct err *err)
{
	struct str line;
	unsigned n = 0;
	bool found = false;

	while (take_line(&text, &line)) {
		struct str bare = line;

		bare.n -= bare.n && bare.p[bare.n - 1] == '\n';
		if (++n != number || !str_eq(bare, old)) {
			buf_str(out, line);
			continue;
		}
		found = true;
		if (value.p) {
			buf_str(out, value);
			buf_putc(out, '\n');
		}
	}
	if (!found)
		return err_set(err, ESTALE, "line %u is not what it was", number);
	return out->full ? err_set(err, EFBIG, "the file would be too large") : 0;
}
