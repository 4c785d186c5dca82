/* SPDX-License-Identifier: Apache-2.0 */
#include "change/process.h"

#include <stdio.h>

#include "base/num.h"
#include "base/path.h"

enum { STATE = 3, PARENT = 4, STARTED = 22 }; /* the fields, as proc(5) counts them */

/* The name stands in the last parentheses, whatever is in it. */
int process_read(int root_fd, int pid, struct arena *a, struct process *ret)
{
	const char *path = arena_printf(a, "/proc/%d/stat", pid), *open, *close;
	struct str text, word;
	uint64_t parent = 0;
	int r = path_read(root_fd, path, 65536, a, &text);

	if (r < 0)
		return r;
	open = memchr(text.p, '(', text.n);
	close = memrchr(text.p, ')', text.n);
	if (!open || !close || close < open)
		return -EINVAL;
	*ret = (struct process){.pid = pid};
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
	text = (struct str){close + 1, text.n - (size_t)(close + 1 - text.p)};
	for (int field = STATE; field <= STARTED && str_word(&text, &word); field++)
		if (field == STATE)
			ret->ended = str_is(word, "Z") || str_is(word, "X");
		else if (field == PARENT)
			(void)num_u64(word, 0, INT32_MAX, &parent);
		else if (field == STARTED)
			(void)num_u64(word, 0, UINT64_MAX, &ret->ticks);
	ret->parent = (int)parent;
	return 0;
}
