/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_edit.h"

#include "host/mountinfo.h"

/* So that each parameter has a line, which adds to what there is. */
#define GRUB_LINE "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "

struct editing {
	enum edit_style style;
	struct str section, key, value;
	struct str newline; /* of lines that are added: as the first line has it */
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

/* "Defaults !key" and the like; with a scope, or with several settings, it is another line. */
static bool sets_default(struct str line, struct str key)
{
	if (!str_skip(&line, "Defaults") || !line.n || !strchr(" \t", line.p[0]))
		return false;
	line = str_trim(line);
	(void)str_skip(&line, "!");
	return line.n >= key.n && memcmp(line.p, key.p, key.n) == 0 &&
		   (line.n == key.n || strchr(" \t=", line.p[key.n])) && !str_has_char(line, ',');
}

/* Does the line, without its newline, set the key? With EDIT_SPACE a key may be several words, and
 * case does not count; sshd_config and its like allow `Key=value`. */
static bool sets_key(enum edit_style style, struct str line, struct str key)
{
	struct str rest = str_trim(line), name = STR_ABSENT;

	if (is_comment(style, rest))
		return false;
	if (style == EDIT_DEFAULTS)
		return sets_default(rest, key);
	if (style == EDIT_LINES)
		return str_eq(rest, key);
	if (style == EDIT_GRUB)
		return str_skip(&rest, GRUB_LINE) && rest.n > key.n && memcmp(rest.p, key.p, key.n) == 0 &&
			   (rest.p[key.n] == '=' || rest.p[key.n] == '"');
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

/* What a line ends with: "\n", "\r\n", or nothing at the end of a file. */
static struct str ending_of(struct str line)
{
	size_t n = 0;

	if (line.n && line.p[line.n - 1] == '\n')
		n = line.n > 1 && line.p[line.n - 2] == '\r' ? 2 : 1;
	return (struct str){line.p + line.n - n, n};
}

static void put_default(struct editing *e)
{
	bool off = str_is(e->value, "false");

	buf_printf(e->out, "Defaults %s%.*s", off ? "!" : "", STR_ARG(e->key));
	if (!off && !str_is(e->value, "true"))
		buf_printf(e->out, "=\"%.*s\"", STR_ARG(e->value));
}

/* In the place of the line (absent: a new one), with its indentation and its end. */
static void put_setting(struct editing *e, struct str line)
{
	static const char *const formats[] = {
		[EDIT_SPACE] = "%.*s %.*s",
		[EDIT_EQUALS] = "%.*s = %.*s",
		[EDIT_INI] = "%.*s=%.*s",
		[EDIT_APT] = "%.*s \"%.*s\";",
		[EDIT_GRUB] = GRUB_LINE "%.*s=%.*s\"",
	};
	size_t indent = 0;

	while (indent < line.n && (line.p[indent] == ' ' || line.p[indent] == '\t'))
		indent++;
	buf_add(e->out, line.p, indent);
	if (e->style == EDIT_LINES)
		buf_str(e->out, e->key);
	else if (e->style == EDIT_DEFAULTS)
		put_default(e);
	else
		buf_printf(e->out, formats[e->style], STR_ARG(e->key), STR_ARG(e->value));
	buf_str(e->out, line.p ? ending_of(line) : e->newline);
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
	put_setting(e, STR_ABSENT);
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
		put_setting(e, line);
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
		if ((unsigned char)value.p[i] < 0x20 || (style == EDIT_APT && value.p[i] == '"') ||
			(style == EDIT_DEFAULTS && strchr("\"\\", value.p[i])) ||
			(style == EDIT_GRUB && strchr(" \"$`\\", value.p[i])) ||
			(style == EDIT_FSTAB && strchr(" ,#", value.p[i])))
			return err_set(err, EINVAL, "%.*s: the value cannot be written to a file",
						   STR_ARG(key));
	return value.p && !value.n ? err_set(err, EINVAL, "%.*s: the value is empty", STR_ARG(key)) : 0;
}

/* --- fstab ------------------------------------------------------------------------------------- */

static bool is_opposite(struct str option, struct str wanted)
{
	/* "exec" of "noexec" */
	return str_starts(wanted, "no") && str_eq(option, (struct str){wanted.p + 2, wanted.n - 2});
}

/* The options with the wanted one: behind what it contradicts, "defaults" among them. */
static void put_options(struct buf *out, struct str options, struct str wanted)
{
	struct str rest = options, one;
	bool holds = false, any = false;

	while (str_cut(&rest, ',', &one))
		holds = str_eq(one, wanted) ||
				(holds && !is_opposite(one, wanted) && !str_is(one, "defaults"));
	if (holds) {
		buf_str(out, options);
		return;
	}
	while (str_cut(&options, ',', &one)) {
		if (!one.n || str_eq(one, wanted) || is_opposite(one, wanted))
			continue;
		buf_printf(out, "%s%.*s", any ? "," : "", STR_ARG(one));
		any = true;
	}
	buf_printf(out, "%s%.*s", any ? "," : "", STR_ARG(wanted));
}

/* Is the line an entry of the mount point? *ret_options: the slice of it that has its options; where
 * it has none, an empty one behind the type. */
static bool is_entry(struct str line, struct str target, struct arena *a, struct str *ret_options)
{
	struct str rest = line, source, where, type;

	if (!str_word(&rest, &source) || source.p[0] == '#' || !str_word(&rest, &where) ||
		!str_word(&rest, &type))
		return false;
	where = mountinfo_unescape(a, where);
	while (where.n > 1 && where.p[where.n - 1] == '/')
		where.n--;
	if (!str_eq(where, target) || str_is(type, "swap"))
		return false;
	if (!str_word(&rest, ret_options))
		*ret_options = (struct str){type.p + type.n, 0};
	return true;
}

static int edit_fstab(struct str text, struct str target, struct str option, struct buf *out,
					  struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str line, options;
	bool found = false;

	while (take_line(&text, &line)) {
		if (!is_entry(line, target, &a, &options)) {
			buf_str(out, line);
			continue;
		}
		found = true;
		buf_add(out, line.p, (size_t)(options.p - line.p));
		if (!options.n)
			buf_putc(out, ' ');
		put_options(out, options, option);
		buf_add(out, options.p + options.n, (size_t)(line.p + line.n - options.p) - options.n);
	}
	if (!found) {
		end_line(out);
		buf_printf(out, "tmpfs %.*s tmpfs defaults,%.*s 0 0\n", STR_ARG(target), STR_ARG(option));
	}
	return out->full ? err_set(err, EFBIG, "the file would be too large") : 0;
}

/* --- the kernel's parameters ------------------------------------------------------------------- */

static bool is_blank_or_quote(char c)
{
	return strchr(" \t\"'", c) != NULL;
}

/* The line of the defaults of GRUB without the word, and without the blank that told it apart. */
static void put_without_word(struct buf *out, struct str line, struct str word)
{
	for (size_t i = 0; i < line.n; i++) {
		size_t end = i + word.n;
		bool here = i && end < line.n && is_blank_or_quote(line.p[i - 1]) &&
					is_blank_or_quote(line.p[end]) && memcmp(line.p + i, word.p, word.n) == 0;

		if (!here) {
			buf_putc(out, line.p[i]);
			continue;
		}
		if (line.p[i - 1] == ' ' && line.p[end] != ' ')
			out->n--;
		i = line.p[end] == ' ' ? end : end - 1;
	}
}

static int edit_grub_word(struct str text, struct str word, struct buf *out, struct err *err)
{
	struct str line;

	while (take_line(&text, &line))
		if (str_starts(str_trim(line), "GRUB_CMDLINE_LINUX"))
			put_without_word(out, line, word);
		else
			buf_str(out, line);
	return out->full ? err_set(err, EFBIG, "the file would be too large") : 0;
}

int conf_edit_key(struct str text, enum edit_style style, struct str section, struct str key,
				  struct str value, struct buf *out, struct err *err)
{
	struct editing e = {.style = style, .section = section, .key = key, .value = value, .out = out};
	struct str line, first;
	int r = check_value(style, key, value, err);

	if (r < 0)
		return r;
	if (style == EDIT_FSTAB)
		return edit_fstab(text, section, value, out, err);
	if (style == EDIT_GRUB_WORD)
		return value.p ? err_set(err, EINVAL, "%.*s can only be taken out", STR_ARG(key))
					   : edit_grub_word(text, key, out, err);
	line = text;
	e.newline = take_line(&line, &first) && ending_of(first).n ? ending_of(first) : STR("\n");
	count(&e, text);
	e.in_section = style != EDIT_INI || !section.p;
	e.has_section = e.in_section;
	while (take_line(&text, &line))
		edit_one(&e, line);
	if (value.p && !e.done && !e.lines) {
		end_line(out);
		if (!e.has_section)
			buf_printf(out, "%s[%.*s]\n", out->n ? "\n" : "", STR_ARG(section));
		put_setting(&e, STR_ABSENT);
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
