/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/site.h"

#include <fcntl.h>

#include "base/buf.h"
#include "base/path.h"

static int read_text(int fd, const char *path, struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	int r;

	if (!fd_is_trusted(fd))
		return err_set(err, EPERM,
					   "%s: others can change it, and so what is reported: chown root and chmod go-w it",
					   path);
	r = fd_read_all(fd, &text);
	*ret = (struct str){arena_copy(a, buf_get(&text).p, text.n), text.n};
	return r < 0 ? err_errno(err, r == -ENOBUFS ? EFBIG : -r, "%s", path) : 0;
}

int site_read(struct site *site, const char *path, bool required, struct arena *a, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	*site = (struct site){0};
	if (fd < 0)
		return errno == ENOENT && !required ? 0 : err_errno(err, errno, "%s", path);
	r = read_text(fd, path, a, &site->text, err);
	if (r == 0)
		r = site_file_parse(site->text, path, a, &site->file, err);
	if (r < 0)
		return r;
	site->path = path;
	site->used = arena_new(a, bool, site->file.waivers.n + 1);
	return 0;
}

int site_apply(const struct site *site, struct catalogue *c, struct err *err)
{
	int r = 0;

	if (!site->path)
		return 0;
	if (site->file.parameters.doc)
		r = catalogue_set_all(c, site->file.parameters, err);
	for (size_t i = 0; r == 0 && i < site->file.waivers.n; i++) {
		const struct site_waiver *w = &site->file.waivers.p[i];
		const char *near = catalogue_nearest(c, w->rule);

		if (!catalogue_find(c, w->rule))
			r = yaml_err(w->at, err, "there is no rule '%.*s' to waive%s%s", STR_ARG(w->rule),
						 near ? "; did you mean " : "", near ? near : "");
	}
	return r;
}

static bool is_about(const struct site_waiver *w, const char *object)
{
	return !w->object.p || str_is(w->object, object);
}

static void apply_waiver(struct site *site, size_t i, struct judgement *g)
{
	const struct site_waiver *w = &site->file.waivers.p[i];

	for (size_t k = 0; k < g->n; k++)
		if (!g->p[k].waiver && is_about(w, g->p[k].object)) {
			g->p[k].waiver = w;
			site->used[i] = true;
		}
	/* A rule may fail with nothing to show, and of what is not shown nobody knows the objects. */
	if (!w->object.p && (!g->n || g->more)) {
		g->waiver = w;
		site->used[i] = true;
	}
}

void site_waive(struct site *site, int64_t now, struct judgement *g)
{
	bool all = g->n && !g->more;

	if (g->verdict != VERDICT_FAIL || !site->path)
		return;
	for (size_t i = 0; i < site->file.waivers.n; i++)
		if (str_is(site->file.waivers.p[i].rule, g->rule->id) &&
			!site_waiver_has_expired(&site->file.waivers.p[i], now))
			apply_waiver(site, i, g);
	for (size_t i = 0; i < g->n; i++)
		all = all && g->p[i].waiver;
	if (all)
		g->waiver = g->p[0].waiver;
}

const char *site_waiver_source(const struct site *site, size_t i, struct arena *a)
{
	struct yaml_at at = site->file.waivers.p[i].at;

	return arena_printf(a, "%s:%u", site->path, at.doc->nodes[at.i].line);
}
