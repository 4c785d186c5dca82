/* SPDX-License-Identifier: Apache-2.0 */
/* Postfix's settings: /etc/postfix/main.cf, as `postconf -n` and `postconf -nx` print them. */
#include "host/table.h"

#include <ctype.h>

#include "base/map.h"
#include "base/vec.h"
#include "host/logical.h"
#include "host/secret.h"

#define MAIN "/etc/postfix/main.cf"
#define MAX_DEPTH 16    /* of $names within $names */
#define MAX_VALUE 65536 /* bytes of one that is written out */
#define MAX_WORK (4 << 20)

enum { KEY, VALUE, WRITTEN };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in postconf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value with $names put in that main.cf sets; the last line of a key wins; not "
			   "known when it hangs on a default",
			   COLUMN_VALUE},
	[WRITTEN] = {"written", TYPE_STRING, "Its value as it is written", 0},
	{0},
};

struct item {
	struct str key, value;
	unsigned line;
};

struct reader {
	struct arena *arena;
	VEC(struct item) items;
	struct map last; /* to struct item, of which the array stays as it is once it is made */
	size_t work;     /* bytes that were written out */
};

static void read_text(struct reader *r, struct str text)
{
	struct logical lines = LOGICAL(r->arena, text);
	struct str value, key;

	while (folded_line(&lines, &value))
		if (str_has_char(value, '=') && str_cut(&value, '=', &key) && str_trim(key).n)
			*vec_push(r->arena, &r->items) =
				(struct item){str_trim(key), str_trim(value), lines.line};
}

/* The name behind a '$': letters, digits and _, bare or within () or {}. False: something else, such
 * as ${name?text}. */
static bool next_name(struct str *s, struct str *ret)
{
	char close = 0;
	size_t n = 0;

	if (s->n && (s->p[0] == '{' || s->p[0] == '(')) {
		close = s->p[0] == '{' ? '}' : ')';
		s->p++, s->n--;
	}
	while (n < s->n && (isalnum((unsigned char)s->p[n]) || s->p[n] == '_'))
		n++;
	*ret = (struct str){s->p, n};
	s->p += n, s->n -= n;
	if (!close)
		return n > 0;
	if (!s->n || s->p[0] != close)
		return false;
	s->p++, s->n--;
	return n > 0;
}

/* NULL: written out; else why the value is not known. */
static const char *expand(struct reader *r, struct str value, unsigned depth, struct buf *out)
{
	struct str text;

	while (str_cut(&value, '$', &text)) {
		const struct item *item;
		const char *why = NULL;
		struct str name;

		buf_str(out, text);
		if (!value.p)
			break;
		if (str_skip(&value, "$")) {
			buf_putc(out, '$');
			continue;
		}
		if (!next_name(&value, &name))
			return "it holds a ${condition}";
		item = map_get(&r->last, name);
		if (!item)
			return arena_printf(r->arena, "main.cf does not set $%.*s", STR_ARG(name));
		if (depth == MAX_DEPTH || out->full || (r->work += item->value.n + 1) > MAX_WORK)
			return "it holds too many $names within one another";
		why = expand(r, item->value, depth + 1, out);
		if (why)
			return why;
	}
	return NULL;
}

static void add_row(struct reader *r, struct rows *rows, const struct item *item)
{
	_cleanup_buf_ struct buf out = BUF(MAX_VALUE);
	struct row *row = rows_add(rows, FROM(MAIN, item->line));
	const char *why = expand(r, item->value, 0, &out);

	row_str(row, KEY, item->key);
	row_str(row, WRITTEN, item->value);
	if (why || out.full)
		row_unknown(row, VALUE, why ? why : "it is too long");
	else
		row_str(row, VALUE, (struct str){str_dup(r->arena, buf_get(&out)), out.n});
}

static int read_postfix(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.arena = rows->arena};
	struct str text;
	int e = host_read_scrubbed(host, MAIN, secret_mask_urls, rows->arena, &text, err);

	if (e < 0)
		return e == -ENOENT ? 0 : e;
	map_init(&r.last, rows->arena);
	read_text(&r, text);
	for (size_t i = 0; i < r.items.n; i++)
		map_put(&r.last, r.items.p[i].key, &r.items.p[i]);
	for (size_t i = 0; i < r.items.n; i++)
		if (map_get(&r.last, r.items.p[i].key) == &r.items.p[i])
			add_row(&r, rows, &r.items.p[i]);
	return 0;
}

static const struct table postfix = {
	.name = "postfix",
	.doc = "Settings of Postfix, from /etc/postfix/main.cf; absent: the default holds",
	.columns = columns,
	.read = read_postfix,
	.started =
		&(const struct started){
			.programs = STARTED("/usr/lib/postfix/*master", "/usr/libexec/postfix/master",
								"postmulti", "postfix"),
			.units = STARTED("postfix.service", "postfix@*.service"),
			.usual = STARTED("-i - -p start", "start", "start-fg", "-w", "-d", "-c /etc/postfix"),
			.variables = STARTED("MAIL_CONFIG"),
		},
};
TABLE(postfix);
