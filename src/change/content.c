/* SPDX-License-Identifier: Apache-2.0 */
#include "change/content.h"

#include "base/buf.h"
#include "host/conf_edit.h"

/* The content with one edit made. */
static int edit_one(struct str *content, const struct edit *e, struct arena *a, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF(CONTENT_MAX);
	int r = 0;

	if (e->kind == EDIT_KEY)
		r = conf_edit_key(*content, e->style, e->section, e->name, e->value, &out, err);
	else if (e->kind == EDIT_LINE)
		r = conf_edit_line(*content, e->line, e->old, e->value, &out, err);
	else if (buf_str(&out, e->value.p ? e->value : STR("")) < 0)
		r = err_set(err, EFBIG, "the file would be too large");
	if (r == 0)
		*content = out.n ? (struct str){arena_copy(a, out.p, out.n), out.n} : STR("");
	return r;
}

static bool is_of(const struct edit *e, const char *but)
{
	return !but || strcmp(e->rule, but) != 0;
}

/* The last line that is to be edited above line `below`; of rules that want the same of it, one. */
static const struct edit *last_line(const struct edits *edits, const char *but, unsigned below)
{
	const struct edit *last = NULL;

	for (size_t i = 0; i < edits->n; i++) {
		const struct edit *e = &edits->p[i];

		if (e->kind == EDIT_LINE && is_of(e, but) && e->line < below &&
			(!last || e->line > last->line))
			last = e;
	}
	return last;
}

int content_edit(struct str before, const struct edits *edits, const char *but, struct arena *a,
				 struct str *ret, struct err *err)
{
	const struct edit *e;
	unsigned below = UINT32_MAX;
	int r = 0;

	if (!before.p)
		return err_set(err, ENOTSUP, "it is no text file, or larger than %zu MiB",
					   CONTENT_MAX >> 20);
	while (r == 0 && (e = last_line(edits, but, below))) {
		r = edit_one(&before, e, a, err);
		below = e->line;
	}
	for (size_t i = 0; r == 0 && i < edits->n; i++)
		if (edits->p[i].kind != EDIT_LINE && is_of(&edits->p[i], but))
			r = edit_one(&before, &edits->p[i], a, err);
	*ret = before;
	return r;
}
