/* SPDX-License-Identifier: Apache-2.0 */
/* How exposed services are, as systemd measures it, and from where they can be reached. */
#include "host/table.h"

#include <stdlib.h>

#include "base/vec.h"
#include "host/address.h"
#include "host/exposure.h"
#include "host/listening.h"

enum { NAME, EXPOSURE, LEVEL, GAINS, REACH };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "The service, with its suffix", COLUMN_KEY | COLUMN_LABEL},
	[EXPOSURE] = {"exposure", TYPE_INT,
				  "In tenths, 0 to 100: 96 is what systemd-analyze security calls 9.6",
				  COLUMN_VALUE},
	[LEVEL] = {"level", TYPE_STRING, "PERFECT, SAFE, OK, MEDIUM, EXPOSED, UNSAFE or DANGEROUS", 0},
	[GAINS] = {"gains", TYPE_LIST,
			   "Settings that nearly every daemon can have and this one has not, with what each "
			   "takes off the exposure, the most first: \"NoNewPrivileges=yes -0.18\"",
			   0},
	[REACH] =
		{"reach", TYPE_STRING,
		 "From how far its processes can be reached: loopback, link-local, private or public; "
		 "absent: they listen to no network",
		 0},
	{0},
};

/* --- from where it can be reached --------------------------------------------------------------- */

struct reaches {
	struct listening sockets;
	const char *why; /* not known; NULL: it is */
};

static void read_reaches(struct host *host, struct arena *a, struct reaches *ret)
{
	struct err err = {0};

	*ret = (struct reaches){0};
	if (listening_read(host, a, &ret->sockets, &err) < 0)
		ret->why = host_is_live(host) ? arena_strdup(a, err.msg) : "offline";
}

static int distance(const char *scope)
{
	static const char *const scopes[] = {"loopback", "link-local", "private", "public"};

	for (size_t i = 0; scope && i < ARRAY_LEN(scopes); i++)
		if (strcmp(scope, scopes[i]) == 0)
			return (int)i;
	return -1;
}

static void set_reach(struct row *row, const struct reaches *r, struct str unit)
{
	const char *furthest = NULL;
	bool unseen = false;

	for (size_t i = 0; i < r->sockets.n; i++) {
		const struct socket *s = &r->sockets.p[i];
		const char *scope = address_scope(s->address);

		unseen = unseen || !s->proc;
		if (s->proc && str_eq(s->proc->unit, unit) && distance(scope) > distance(furthest))
			furthest = scope;
	}
	if (r->why)
		row_unknown(row, REACH, r->why);
	else if (unseen && r->sockets.unknown && distance(furthest) < distance("public"))
		row_unknown(row, REACH, r->sockets.unknown);
	else
		row_strz(row, REACH, furthest);
}

/* --- what would lower it ------------------------------------------------------------------------ */

#define WORTH 5 /* hundredths: less is not worth a line */

struct gain {
	const char *line;
	unsigned badness; /* weighed */
};

typedef VEC(struct gain) gains;

static void add_gain(struct arena *a, gains *all, const struct assessment *row)
{
	unsigned badness = (unsigned)(row->badness - row->left) * row->weight / row->range;

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].line, row->line) == 0) {
			all->p[i].badness += badness;
			return;
		}
	*vec_push(a, all) = (struct gain){row->line, badness};
}

static int by_gain(const void *a, const void *b)
{
	const struct gain *x = a, *y = b;

	if (x->badness != y->badness)
		return x->badness > y->badness ? -1 : 1;
	return strcmp(x->line, y->line);
}

/* For evidence: the lines of a drop-in. */
static void note_gain(struct rows *rows, struct row *row, const char *line)
{
	row->note = row->note ? arena_printf(rows->arena, "%s, %s", row->note, line)
						  : arena_printf(rows->arena, "it lacks %s", line);
}

static void set_gains(struct rows *rows, struct row *row, const struct exposure *e)
{
	gains all = {0};
	struct str *items;
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (e->p[i].line && e->p[i].badness > e->p[i].left)
			add_gain(rows->arena, &all, &e->p[i]);
	if (!all.n)
		return;
	qsort(all.p, all.n, sizeof(*all.p), by_gain);
	items = arena_new(rows->arena, struct str, all.n);
	for (size_t i = 0; i < all.n; i++) {
		unsigned hundredths = all.p[i].badness * 1000 / e->weight;

		if (hundredths < WORTH)
			continue;
		note_gain(rows, row, all.p[i].line);
		items[n++] = str_of(arena_printf(rows->arena, "%s -%u.%02u", all.p[i].line,
											 hundredths / 100, hundredths % 100));
	}
	if (n)
		row_list(row, GAINS, items, n);
}

/* --- rows --------------------------------------------------------------------------------------- */

static void add_service(struct rows *rows, const struct unit_file *u, const struct reaches *reaches)
{
	struct row *row = rows_add(rows, FROM(u->path, 0));
	struct exposure e;

	exposure_read(u, rows->arena, &e);
	row_str(row, NAME, u->name);
	set_reach(row, reaches, u->name);
	if (e.why) {
		row_unknown(row, EXPOSURE, e.why);
		row_unknown(row, LEVEL, e.why);
		row_unknown(row, GAINS, e.why);
		return;
	}
	row_int(row, EXPOSURE, e.tenths);
	row_strz(row, LEVEL, e.level);
	set_gains(rows, row, &e);
}

static int read_exposure(struct host *host, struct rows *rows, struct err *err)
{
	struct unit_files files;
	struct reaches reaches;

	unitfiles_read(host, rows->arena, NULL, &files);
	if (!files.n && !files.gap)
		return err_set(err, ENOENT, "there are no unit files, so services are not systemd's");
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	read_reaches(host, rows->arena, &reaches);
	for (size_t i = 0; i < files.n; i++)
		if (exposure_has(&files.p[i]))
			add_service(rows, &files.p[i], &reaches);
	return 0;
}

static const struct table unit_exposure = {
	.name = "unit_exposure",
	.doc =
		"How exposed services are by their unit files, as systemd-analyze security --offline=yes "
		"of systemd 252 says it, and from where they can be reached now",
	.columns = columns,
	.read = read_exposure,
	.early = procs_early,
	.cost = 10,
};
TABLE(unit_exposure);
