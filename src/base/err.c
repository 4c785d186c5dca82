/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	err->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -errnum;
}

static void append_reason(struct err *err, int errnum)
{
	size_t n = strlen(err->msg);
	const char *why = strerrordesc_np(errnum);

	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", why ? why : "unknown error");
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	err->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	append_reason(err, errnum);
	return -errnum;
}

int err_context(struct err *err, const char *fmt, ...)
{
	char context[sizeof(err->msg)], joined[2 * sizeof(err->msg) + 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	snprintf(joined, sizeof(joined), "%s: %s", context, err->msg);
	memcpy(err->msg, joined, sizeof(err->msg) - 1);
	err->msg[sizeof(err->msg) - 1] = '\0';
	return -err->errnum;
}
