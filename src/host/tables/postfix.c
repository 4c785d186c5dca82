/* SPDX-License-Identifier: Apache-2.0 */
/* Postfix's settings: /etc/postfix/main.cf, as `postconf -n` and `postconf -nx` print them, and what
 * services that take mail say instead in master.cf, as `postconf -P` does. */
#include "host/table.h"

#include <ctype.h>

#include "base/map.h"
#include "base/vec.h"
#include "host/logical.h"
#include "host/secret.h"

#define MAIN "/etc/postfix/main.cf"
#define MASTER "/etc/postfix/master.cf"
#define MAX_DEPTH 16    /* of $names within $names */
#define MAX_VALUE 65536 /* bytes of one that is written out */
#define MAX_WORK (4 << 20)

enum { KEY, VALUE, WRITTEN, SERVICE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in postconf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value with $names put in that main.cf sets; the last line of a key wins; not "
			   "known when it hangs on a default",
			   COLUMN_VALUE},
	[WRITTEN] = {"written", TYPE_STRING, "Its value as it is written", 0},
	[SERVICE] =
		{"service", TYPE_STRING,
		 "The service of master.cf that takes mail from other hosts and has it by an option; "
		 "absent: it stands in main.cf, or, without a value, does not",
		 COLUMN_LABEL},
	{0},
};

struct item {
	struct str key, value;
	unsigned line;
	struct str service; /* of master.cf */
};

struct reader {
	struct arena *arena;
	VEC(struct item) items;
	struct map last; /* to struct item, of which the array stays as it is once it is made */
	struct map told; /* names that only services set, which have a row */
	size_t work;     /* bytes that were written out */
};

static void take_setting(struct reader *r, struct str line, unsigned number)
{
	struct str key;

	if (str_has_char(line, '=') && str_cut(&line, '=', &key) && str_trim(key).n)
		*vec_push(r->arena, &r->items) =
			(struct item){str_trim(key), str_trim(line), number, STR_ABSENT};
}

static void read_text(struct reader *r, struct str text,
					  void (*take)(struct reader *, struct str line, unsigned number))
{
	struct logical lines = LOGICAL(r->arena, text);
	struct str line;

	while (folded_line(&lines, &line))
		take(r, line, lines.line);
}

/* --- master.cf ----------------------------------------------------------------------------------- */

/* "smtp", "10.0.0.1:submission", "[::1]:25": does it take mail from other hosts? */
static bool is_open(struct str service, struct str type)
{
	static const char *const own[] = {"127.*:*", "localhost:*", "[[]::1]:*", "::1:*"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_glob(own[i], service))
			return false;
	return str_is(type, "inet") || str_is(type, "pass");
}

/* The next argument; one in braces has blanks in it. */
static bool next_argument(struct str *rest, struct str *ret)
{
	*rest = str_trim(*rest);
	if (!str_skip(rest, "{"))
		return str_word(rest, ret);
	(void)str_cut(rest, '}', ret);
	*ret = str_trim(*ret);
	return true;
}

/* "service type private unprivileged chroot wakeup processes command -o key=value ..." */
static void take_service(struct reader *r, struct str line, unsigned number)
{
	struct str words[8], argument, key;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_word(&line, &words[i]))
			return;
	if (!is_open(words[0], words[1]) || !str_ends(words[7], "smtpd"))
		return;
	while (next_argument(&line, &argument)) {
		if (!str_skip(&argument, "-o") || (!argument.n && !next_argument(&line, &argument)))
			continue;
		if (str_starts(argument, "{"))
			argument = (struct str){argument.p + 1, argument.n - 1};
		if (str_has_char(argument, '=') && str_cut(&argument, '=', &key))
			*vec_push(r->arena, &r->items) =
				(struct item){str_trim(key), str_trim(argument), number, words[0]};
	}
}

/* --- values -------------------------------------------------------------------------------------- */

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
	struct row *row = rows_add(rows, FROM(item->service.p ? MASTER : MAIN, item->line));
	const char *why = expand(r, item->value, 0, &out);

	row_str(row, KEY, item->key);
	row_str(row, SERVICE, item->service);
	row_str(row, WRITTEN, item->value);
	if (why || out.full)
		row_unknown(row, VALUE, why ? why : "it is too long");
	else
		row_str(row, VALUE, (struct str){str_dup(r->arena, buf_get(&out)), out.n});
}

/* What only a service sets, the others do not: that is a row, too. */
static void add_service_row(struct reader *r, struct rows *rows, const struct item *item)
{
	if (!map_get(&r->last, item->key) && !map_get(&r->told, item->key)) {
		row_str(rows_add(rows, FROM(MAIN, 0)), KEY, item->key);
		map_put(&r->told, item->key, r);
	}
	add_row(r, rows, item);
}

static int read_one(struct host *host, struct reader *r, const char *path,
					void (*take)(struct reader *, struct str line, unsigned number),
					struct err *err)
{
	struct str text;
	int e = host_read_scrubbed(host, path, secret_mask_urls, r->arena, &text, err);

	if (e == 0)
		read_text(r, text, take);
	return e;
}

static int read_postfix(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.arena = rows->arena};
	size_t n;
	int e = read_one(host, &r, MAIN, take_setting, err);

	if (e < 0)
		return e == -ENOENT ? 0 : e;
	map_init(&r.last, rows->arena);
	map_init(&r.told, rows->arena);
	n = r.items.n;
	e = read_one(host, &r, MASTER, take_service, err);
	if (e < 0 && e != -ENOENT)
		return e;
	for (size_t i = 0; i < n; i++)
		map_put(&r.last, r.items.p[i].key, &r.items.p[i]);
	for (size_t i = 0; i < n; i++)
		if (map_get(&r.last, r.items.p[i].key) == &r.items.p[i])
			add_row(&r, rows, &r.items.p[i]);
	for (size_t i = n; i < r.items.n; i++)
		add_service_row(&r, rows, &r.items.p[i]);
	return 0;
}

static const struct table postfix = {
	.name = "postfix",
	.doc = "Settings of Postfix, from /etc/postfix/main.cf, and what services that take mail say "
		   "instead in master.cf; absent: the default holds",
	.columns = columns,
	.read = read_postfix,
	.loaded = LOADED_BY(.units = STARTED("postfix.service", "postfix@*.service"),
						.workers = STARTED("qmgr *", "*/qmgr *")),
	.multi = true,
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
