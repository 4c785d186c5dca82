/* SPDX-License-Identifier: Apache-2.0 */
#include "host/logical.h"

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
