/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shortage.h"

static _Thread_local struct err kept;

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EIO;
}

int shortage_note(int result, const char *what)
{
	if (result < 0 && !kept.errnum && is_shortage(-result))
		err_errno(&kept, -result, "%s", what);
	return result;
}

void shortage_keep(const struct err *err)
{
	if (!kept.errnum)
		kept = *err;
}

int shortage_take(struct err *err)
{
	int error = kept.errnum;

	if (error)
		*err = kept;
	kept.errnum = 0;
	return -error;
}
