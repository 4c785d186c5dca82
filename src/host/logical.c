/* SPDX-License-Identifier: Apache-2.0 */
#include "host/logical.h"

#include <ctype.h>

#include "base/buf.h"
#include "host/host.h"

bool logical_line(struct logical *l, struct str *ret)
{
	_cleanup_buf_ struct buf all = BUF(HOST_MAX_FILE);
	struct str line;

	if (!str_line(&l->text, &line))
		return false;
	l->line = l->next++;
	*ret = line;
	if (!str_ends(line, "\\"))
		return true;
	while (str_ends(line, "\\")) {
		buf_add(&all, line.p, line.n - 1);
		if (!str_line(&l->text, &line))
			line = STR("");
		else
			l->next++;
	}
	buf_str(&all, line);
	*ret = (struct str){str_dup(l->arena, buf_get(&all)), all.n};
	return true;
}

static bool is_nothing(struct str line)
{
	struct str text = str_trim(line);

	return !text.n || text.p[0] == '#';
}

/* Goes to the next line that is something; false at the end. */
static bool next_folded(struct logical *l, struct str *ret)
{
	while (str_line(&l->text, ret)) {
		l->next++;
		if (!is_nothing(*ret))
			return true;
	}
	return false;
}

bool folded_line(struct logical *l, struct str *ret)
{
	_cleanup_buf_ struct buf all = BUF(HOST_MAX_FILE);
	struct logical ahead;
	struct str line;

	if (!next_folded(l, ret))
		return false;
	l->line = l->next - 1;
	*ret = str_trim(*ret);
	for (ahead = *l; next_folded(&ahead, &line) && isspace((unsigned char)line.p[0]);) {
		if (!all.n)
			buf_str(&all, *ret);
		buf_putc(&all, ' ');
		buf_str(&all, str_trim(line));
		l->text = ahead.text;
		l->next = ahead.next;
	}
	if (all.n)
		*ret = (struct str){str_dup(l->arena, buf_get(&all)), all.n};
	return true;
}
