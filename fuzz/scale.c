/* SPDX-License-Identifier: Apache-2.0 */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

/* Four times the size costs four times as much, and 16 times when it is quadratic. */
#define SMALL ((size_t)16 << 10)
#define FACTOR 4
#define WORST 9
/* What an input of the small size may cost without being looked at: a few milliseconds. */
#define CHEAP ((uint64_t)3 << 20)
/* For what never ends. */
#define SECONDS 60
#define MAX_TEXT ((size_t)4 << 20)

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* --- one body, n times ------------------------------------------------------------------- */

static void put_same(struct buf *out, struct str body, unsigned i _unused_)
{
	buf_str(out, body);
}

/* The first word of each line bears a number, so that lines are about different things. */
static void put_numbered(struct buf *out, struct str body, unsigned i)
{
	struct str line;

	while (str_line(&body, &line)) {
		size_t n = 0;

		while (n < line.n && !is_word(line.p[n]))
			n++;
		while (n < line.n && is_word(line.p[n]))
			n++;
		buf_add(out, line.p, n);
		buf_printf(out, "%u", i);
		buf_add(out, line.p + n, line.n - n);
		buf_putc(out, '\n');
	}
}

static void put_joined(struct buf *out, struct str body, const char *by)
{
	struct str line;

	while (str_line(&body, &line)) {
		buf_str(out, line);
		buf_puts(out, by);
	}
}

static void put_one_line(struct buf *out, struct str body, unsigned i _unused_)
{
	put_joined(out, body, " ");
}

static void put_continued(struct buf *out, struct str body, unsigned i _unused_)
{
	put_joined(out, body, " \\\n");
}

static void put_commas(struct buf *out, struct str body, unsigned i _unused_)
{
	put_joined(out, body, ",");
}

/* Twice the first byte of each line: what opens a quote, a block or a list, without its end. */
static void put_opened(struct buf *out, struct str body, unsigned i _unused_)
{
	struct str line;

	while (str_line(&body, &line)) {
		buf_add(out, line.p, MIN(line.n, (size_t)2));
		buf_str(out, line);
	}
}

typedef void put_copy(struct buf *out, struct str body, unsigned i);

static put_copy *const ways[] = {put_same,      put_numbered, put_one_line,
								 put_continued, put_commas,   put_opened};

/* --- a whole input ----------------------------------------------------------------------- */

static void put_body(struct buf *out, struct str body, put_copy *put, unsigned n)
{
	for (unsigned i = 0; body.n && i < n; i++)
		put(out, body, i);
	if (!str_ends(buf_get(out), "\n"))
		buf_putc(out, '\n');
}

#define ALL_SECTIONS 0

/* A case: what its files and answers hold is enlarged, of all or the one of that number; the
 * sections stay. */
static void put_case(struct buf *out, struct str text, put_copy *put, unsigned n, unsigned only)
{
	struct str line, body = {text.p, 0};
	unsigned section = 0;

	while (str_line(&text, &line)) {
		if (!str_starts(line, "== ")) {
			body.n += (size_t)((text.p ? text.p : line.p + line.n) - line.p);
			continue;
		}
		put_body(out, body, put, !only || only == section ? n : 1);
		section++;
		buf_str(out, line);
		buf_putc(out, '\n');
		body = (struct str){text.p ? text.p : "", 0};
	}
	put_body(out, body, put, !only || only == section ? n : 1);
}

static unsigned count_sections(struct str text)
{
	struct str line;
	unsigned n = 0;

	while (str_line(&text, &line))
		n += str_starts(line, "== ");
	return n;
}

/* The file's path with a number in front of what may be its suffix. */
static void put_numbered_head(struct buf *out, struct str line, unsigned i)
{
	struct str rest = line, path = STR("");
	const char *dot;
	size_t n;

	(void)str_word(&rest, &path);
	(void)str_word(&rest, &path);
	(void)str_word(&rest, &path);
	n = (size_t)(path.p + path.n - line.p);
	dot = memrchr(path.p, '.', path.n);
	if (dot && !memchr(dot, '/', (size_t)(path.p + path.n - dot)))
		n = (size_t)(dot - line.p);
	buf_add(out, line.p, n);
	buf_printf(out, "%u", i);
	buf_add(out, line.p + n, line.n - n);
	buf_putc(out, '\n');
}

static void put_section(struct buf *out, struct str head, struct str body, unsigned n)
{
	for (unsigned i = 0; str_starts(head, "== file ") && i < n; i++) {
		put_numbered_head(out, head, i);
		buf_str(out, body);
	}
	buf_str(out, head);
	buf_putc(out, '\n');
	buf_str(out, body);
}

/* A case: every file n times, under other names. */
static void put_files(struct buf *out, struct str text, unsigned n)
{
	struct str line, head = STR("#"), body = {text.p, 0};

	while (str_line(&text, &line)) {
		if (!str_starts(line, "== ")) {
			body.n += (size_t)((text.p ? text.p : line.p + line.n) - line.p);
			continue;
		}
		put_section(out, head, body, n);
		head = line;
		body = (struct str){text.p ? text.p : "", 0};
	}
	put_section(out, head, body, n);
}

/* --- measuring --------------------------------------------------------------------------- */

static void enlarge(const struct target *t, struct str text, size_t way, unsigned only, size_t size,
					struct buf *out)
{
	unsigned n = (unsigned)(size / MAX(text.n, (size_t)1)) + 1;

	if (way == ARRAY_LEN(ways))
		put_files(out, text, n);
	else if (t->is_case)
		put_case(out, text, ways[way], n, only);
	else
		put_body(out, text, ways[way], n);
}

static uint64_t cost(const struct target *t, struct str text, size_t way, unsigned only,
					 size_t size)
{
	_cleanup_buf_ struct buf large = BUF(MAX_TEXT);

	enlarge(t, text, way, only, size, &large);
	alarm(SECONDS);
	work = 0;
	t->run(t, buf_get(&large));
	alarm(0);
	return work;
}

static bool grows_too_fast(const struct target *t, const char *path, struct str text, size_t way,
						   unsigned only)
{
	uint64_t base = cost(t, text, way, only, 0), small = cost(t, text, way, only, SMALL), large;

	if (small - MIN(base, small) < CHEAP / 16)
		return false;
	large = cost(t, text, way, only, SMALL * FACTOR);
	if (large < CHEAP || large - base <= WORST * (small - base))
		return false;
	fprintf(stderr, "%s: way %zu, section %u: %llu for %zu bytes, %llu for %zu\n", path, way, only,
			(unsigned long long)(small - base), SMALL, (unsigned long long)(large - base),
			SMALL * FACTOR);
	return true;
}

/* Files that refer to each other may well cost their product (a line included from every line of
 * another), so that of a case one file has to do it alone. */
void scale_input(const struct target *t, const char *path, struct str text)
{
	size_t n = ARRAY_LEN(ways) + t->is_case;

	for (size_t way = 0; text.n && way < n; way++) {
		unsigned sections = t->is_case && way < ARRAY_LEN(ways) ? count_sections(text) : 0;
		bool bad = grows_too_fast(t, path, text, way, ALL_SECTIONS);

		for (unsigned i = 1; bad && i <= sections; i++)
			if (grows_too_fast(t, path, text, way, i))
				abort();
		check(!bad || sections);
	}
}
