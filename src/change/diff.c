/* SPDX-License-Identifier: Apache-2.0 */
#include "change/diff.h"

#include "base/vec.h"
#include "host/secret.h"

#define CONTEXT 3
#define MAX_COMPARED 2000 /* lines; the table of common lengths has their product */

struct lines {
	struct str *p;
	size_t n, cap;
};

/* One line of the result: ' ', '-' or '+'. */
struct mark {
	char sign;
	struct str text;
	size_t old, new; /* line numbers, from 0 */
};

struct marks {
	struct mark *p;
	size_t n, cap;
};

static struct lines split(struct arena *a, struct str text)
{
	struct lines lines = {0};
	struct str line;

	while (str_line(&text, &line))
		*vec_push(a, &lines) = line;
	return lines;
}

static void add(struct arena *a, struct marks *m, char sign, struct str text, size_t old, size_t new)
{
	*vec_push(a, m) = (struct mark){sign, text, old, new};
}

/* Longest common subsequence of the middle parts, by the classical table. */
static void compare(struct arena *a, const struct lines *x, const struct lines *y, size_t head,
					size_t nx, size_t ny, struct marks *m)
{
	size_t i = 0, j = 0, w = ny + 1;
	uint16_t *common = NULL;

	if (nx <= MAX_COMPARED && ny <= MAX_COMPARED) {
		common = arena_alloc(a, (nx + 1) * w * sizeof(*common));
		for (size_t u = nx; u-- > 0;)
			for (size_t v = ny; v-- > 0;)
				common[u * w + v] =
					str_eq(x->p[head + u], y->p[head + v])
						? (uint16_t)(common[(u + 1) * w + v + 1] + 1)
						: (uint16_t)MAX(common[(u + 1) * w + v], common[u * w + v + 1]);
	}
	while (i < nx || j < ny) {
		if (common && i < nx && j < ny && str_eq(x->p[head + i], y->p[head + j])) {
			add(a, m, ' ', x->p[head + i], head + i, head + j);
			i++;
			j++;
		} else if (i < nx && (!common || j == ny ||
							  common[(i + 1) * w + j] >= common[i * w + j + 1])) {
			add(a, m, '-', x->p[head + i], head + i, head + j);
			i++;
		} else {
			add(a, m, '+', y->p[head + j], head + i, head + j);
			j++;
		}
	}
}

static bool is_near_change(const struct marks *m, size_t i)
{
	size_t from = i > CONTEXT ? i - CONTEXT : 0;

	for (size_t k = from; k < m->n && k <= i + CONTEXT; k++)
		if (m->p[k].sign != ' ')
			return true;
	return false;
}

void diff_print(struct buf *out, struct str before, struct str after)
{
	_cleanup_arena_ struct arena a = {0};
	struct lines x = split(&a, before), y = split(&a, after);
	struct marks m = {0};
	size_t head = 0, tail = 0;
	bool gap = true;

	while (head < x.n && head < y.n && str_eq(x.p[head], y.p[head]))
		head++;
	while (tail < x.n - head && tail < y.n - head &&
		   str_eq(x.p[x.n - 1 - tail], y.p[y.n - 1 - tail]))
		tail++;
	for (size_t i = 0; i < head; i++)
		add(&a, &m, ' ', x.p[i], i, i);
	compare(&a, &x, &y, head, x.n - head - tail, y.n - head - tail, &m);
	for (size_t i = tail; i > 0; i--)
		add(&a, &m, ' ', x.p[x.n - i], x.n - i, y.n - i);
	for (size_t i = 0; i < m.n; i++) {
		if (!is_near_change(&m, i)) {
			gap = true;
			continue;
		}
		if (gap)
			buf_printf(out, "  @@ line %zu @@\n", m.p[i].new + 1);
		gap = false;
		buf_printf(out, "  %c", m.p[i].sign);
		/* What only stands near a change is nobody's business when it is a password. */
		buf_printable(out, m.p[i].sign == ' ' ? secret_masked(&a, m.p[i].text) : m.p[i].text);
		buf_putc(out, '\n');
	}
}
