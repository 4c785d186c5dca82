/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/lookup.h"

enum { VALUE, NAME };

static const struct attribute attributes[] = {
	[VALUE] = {"value", EXPECTED, .required = true},
	[NAME] = {"name", SETTING_TEXT},
	{0},
};

/* As sysctl(8) does: with the first of '.' and '/' in the name as what is between its parts, the other one
 * is a part of them. */
static const char *path_of(struct arena *a, struct str name)
{
	char *path = arena_printf(a, "/proc/sys/%.*s", STR_ARG(name)), *p = path + strlen("/proc/sys/");
	bool dots = name.n && strcspn(p, ".") < strcspn(p, "/");

	for (; dots && *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return path;
}

static int find(struct finding *f, int attribute _unused_, struct datum *ret, struct err *err)
{
	struct str text;
	int r = host_read(f->host, path_of(f->arena, f->resource->name), f->arena, &text, err);

	if (r == -ENOENT)
		return err_set(err, ENOENT, "this kernel has no parameter %.*s",
					   STR_ARG(f->resource->name));
	*ret = DATUM_STR(str_trim(text));
	return r;
}

static const struct kind kernel_param = {"kernel-param", "KernelParam", attributes,
										 .subject = "name", .find = find};
KIND(kernel_param);
