/* SPDX-License-Identifier: Apache-2.0 */
#include "host/recording.h"

#include "base/num.h"

static struct str unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint64_t byte;

		if (s.p[i] == '%' && s.n - i > 2 &&
			num_hex((struct str){s.p + i + 1, 2}, 255, &byte) == 0) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return (struct str){out, n};
}

static void escape(struct buf *out, const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '%' || *s == 0x7f)
			buf_printf(out, "%%%02x", (unsigned char)*s);
		else
			buf_putc(out, *s);
}

static struct str key_of(struct arena *a, struct str op, struct str subject)
{
	char *key = arena_alloc(a, op.n + 1 + subject.n + 1);

	memcpy(key, op.p, op.n);
	key[op.n] = ' ';
	if (subject.n)
		memcpy(key + op.n + 1, subject.p, subject.n);
	return (struct str){key, op.n + 1 + subject.n};
}

static int parse_header(struct str *text, struct recording *r, struct err *err)
{
	struct str line;
	uint64_t value;

	if (!str_line(text, &line) || !str_is(line, "revet-recording 1"))
		return err_set(err, EINVAL, "not a recording of revet's (version 1)");
	while (str_line(text, &line) && line.n) {
		struct str name = STR_ABSENT;

		(void)str_cut(&line, ' ', &name);
		if (num_u64(line, 0, INT64_MAX, &value) < 0)
			return err_set(err, EINVAL, "recording: bad header line '%.*s'", STR_ARG(name));
		if (str_is(name, "live"))
			r->live = value;
		else if (str_is(name, "uid"))
			r->root = value == 0;
		else if (str_is(name, "time"))
			r->time = (int64_t)value;
	}
	return 0;
}

static int parse_entry(struct str *text, struct str line, struct recording *r, struct err *err)
{
	struct answer *answer = arena_new(&r->arena, struct answer, 1);
	struct str op, error, length;
	uint64_t e, n;

	if (!str_cut(&line, ' ', &op) || !str_cut(&line, ' ', &error) ||
		!str_cut(&line, ' ', &length) || !line.p || num_u64(error, 0, 4095, &e) < 0 ||
		num_u64(length, 0, RECORDING_MAX, &n) < 0 || n + 1 > text->n || text->p[n] != '\n')
		return err_set(err, EINVAL, "recording: damaged near '%.*s'", STR_ARG(line));
	*answer = (struct answer){(int)e, {text->p, n}};
	text->p += n + 1;
	text->n -= n + 1;
	map_put(&r->answers, key_of(&r->arena, op, unescape(&r->arena, line)), answer);
	return 0;
}

int recording_parse(struct str text, struct recording *ret, struct err *err)
{
	struct str line;
	int r;

	*ret = (struct recording){0};
	map_init(&ret->answers, &ret->arena);
	r = parse_header(&text, ret, err);
	while (r == 0 && str_line(&text, &line))
		r = parse_entry(&text, line, ret, err);
	return r;
}

void recording_done(struct recording *r)
{
	arena_done(&r->arena);
}

const struct answer *recording_get(const struct recording *r, const char *op, const char *subject)
{
	_cleanup_arena_ struct arena scratch = {0};

	return map_get(&r->answers, key_of(&scratch, str_of(op), str_of(subject)));
}

void recording_write_header(struct buf *out, bool live, bool root, int64_t time)
{
	buf_printf(out, "revet-recording 1\nlive %d\nuid %d\ntime %lld\n\n", live, root ? 0 : 1,
			   (long long)time);
}

void recording_write(struct buf *out, const char *op, const char *subject, int error,
					 struct str data)
{
	buf_printf(out, "%s %d %zu ", op, error, data.n);
	escape(out, subject);
	buf_putc(out, '\n');
	buf_str(out, data);
	buf_putc(out, '\n');
}
