/* SPDX-License-Identifier: Apache-2.0 */
#include "host/crypt_id.h"

#define MAX_MARKS 4
#define MAX_NAME 64 /* a longer name is more likely the rest of a broken line */

/* crypt(5) of libxcrypt. "$des$" is what a scrubber writes for a method without a prefix. */
static const struct method {
	const char *prefix, *algorithm;
} methods[] = {
	{"$1$", "md5"},      {"$2a$", "bcrypt"},        {"$2b$", "bcrypt"}, {"$2x$", "bcrypt"},
	{"$2y$", "bcrypt"},  {"$5$", "sha256"},         {"$6$", "sha512"},  {"$7$", "scrypt"},
	{"$y$", "yescrypt"}, {"$gy$", "gost-yescrypt"}, {"$des$", "des"},
};

/* Traditional DES is 13 characters, bigcrypt more of the same, BSDi has an underscore in front. */
static bool is_des(struct str s)
{
	str_skip(&s, "_");
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '.' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
			return false;
	}
	return s.n >= 13;
}

/* NULL: no hash of any kind. */
static const struct method *find_method(struct str s)
{
	static const struct method des = {"$des$", "des"}, unknown = {"$unknown$", "unknown"};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_starts(s, methods[i].prefix))
			return &methods[i];
	return is_des(s) ? &des : str_starts(s, "$") ? &unknown : NULL;
}

static size_t count_marks(struct str field)
{
	size_t n = 0;

	while (n < field.n && (field.p[n] == '!' || field.p[n] == '*'))
		n++;
	return n;
}

/* "x" and "##name" stand in /etc/passwd for "look into shadow". */
static bool is_elsewhere(struct str field)
{
	return str_is(field, "x") || str_starts(field, "##");
}

/* What is neither mark nor hash can never match a password, which is what "*" says. */
static void scrub_field(struct str field, struct buf *out)
{
	size_t marks = count_marks(field);
	struct str rest = {field.p + marks, field.n - marks};
	const struct method *method = find_method(rest);

	buf_add(out, field.p, MIN(marks, (size_t)MAX_MARKS));
	if (method)
		buf_puts(out, method->prefix);
	else if (is_elsewhere(rest))
		buf_puts(out, rest.p[0] == 'x' ? "x" : "##");
	else if (rest.n && !marks)
		buf_putc(out, '*');
}

static void scrub_name(struct str name, struct buf *out)
{
	if (name.n > MAX_NAME || str_starts(name, "$"))
		buf_putc(out, '?');
	else
		buf_str(out, name);
}

static bool next_line(struct str *text, struct str *ret)
{
	if (!str_line(text, ret))
		return false;
	while (str_ends(*ret, "\r"))
		ret->n--;
	return true;
}

/* Name and password, with which the lines of all these files begin. */
static bool scrub_begin(struct str *line, struct buf *out)
{
	struct str name, field;

	if (!str_has_char(*line, ':') || !str_cut(line, ':', &name))
		return false;
	scrub_name(name, out);
	buf_putc(out, ':');
	if (str_cut(line, ':', &field))
		scrub_field(field, out);
	return true;
}

void crypt_scrub_passwd(struct str text, struct buf *out)
{
	struct str line;

	for (; next_line(&text, &line); buf_putc(out, '\n')) {
		if (!scrub_begin(&line, out))
			continue;
		if (line.p) {
			buf_putc(out, ':');
			buf_str(out, line);
		}
	}
}

static bool is_number(struct str s)
{
	str_skip(&s, "-");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n <= 20;
}

void crypt_scrub_shadow(struct str text, struct buf *out)
{
	struct str line, field;

	for (; next_line(&text, &line); buf_putc(out, '\n')) {
		if (!scrub_begin(&line, out))
			continue;
		for (int i = 0; i < 7 && str_cut(&line, ':', &field); i++) {
			buf_putc(out, ':');
			buf_str(out, is_number(field) ? field : STR("?"));
		}
	}
}

struct crypt_field crypt_parse(struct str field)
{
	size_t marks = count_marks(field);
	struct str rest = {field.p + marks, field.n - marks};
	const struct method *method = find_method(rest);

	return (struct crypt_field){
		.algorithm = method ? method->algorithm : "none",
		.has_password = method != NULL,
		.locked = marks || (rest.n && !method),
		.empty = field.n == 0,
		.elsewhere = !marks && is_elsewhere(rest),
	};
}
