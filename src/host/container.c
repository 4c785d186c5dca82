/* SPDX-License-Identifier: Apache-2.0 */
#include "host/container.h"

struct container *container_add(struct containers *c, const char *engine, const char *file)
{
	struct container *new;

	if (c->all.n >= CONTAINERS_MAX) {
		containers_gap(c, "over 4096 containers");
		return NULL;
	}
	new = vec_push(c->arena, &c->all);
	*new = (struct container){.engine = engine, .file = file, .memory = -1, .pids = -1};
	return new;
}

void container_list_add(struct containers *c, struct container *container, enum container_list list,
						struct str item)
{
	*vec_push(c->arena, &container->lists[list]) = item.p ? item : STR("");
}

void container_add_capability(struct containers *c, struct container *container, struct str name)
{
	char *upper = str_dup(c->arena, name);

	for (char *p = upper; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	name = str_of(upper);
	str_skip(&name, "CAP_");
	container_list_add(c, container, CONTAINER_CAPABILITIES, name);
}

void container_add_mount(struct containers *c, struct container *container, struct str source,
						 struct str target, bool writable)
{
	container_list_add(c, container, CONTAINER_MOUNTS,
					   str_of(arena_printf(c->arena, "%s:%s:%s", str_dup(c->arena, source),
										   str_dup(c->arena, target), writable ? "rw" : "ro")));
}

void containers_gap(struct containers *c, const char *why)
{
	if (!c->gap)
		c->gap = arena_strdup(c->arena, why);
}
