/* SPDX-License-Identifier: Apache-2.0 */
#include "host/included.h"

void included_init(struct included *in, const char *of, struct arena *a)
{
	*in = (struct included){.of = of};
	map_init(&in->texts, a);
}

int included_read(struct included *in, struct host *host, const char *path, struct arena *a,
				  struct str *ret, struct err *err)
{
	struct str *text = map_get(&in->texts, str_of(path));
	int r;

	if (!text) {
		text = arena_new(a, struct str, 1);
		r = host_read(host, path, a, text, err);
		if (r < 0)
			return r;
		map_put(&in->texts, str_of(path), text);
		*vec_push(a, &in->paths) = str_of(path);
	}
	in->bytes += text->n;
	if (in->bytes > INCLUDED_MAX)
		return err_set(err, E2BIG, "%s: %s's configuration is too large", path, in->of);
	*ret = *text;
	return 0;
}
