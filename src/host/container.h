/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers of this host, as their engines keep them on disk; one file for each engine,
 * container_ENGINE.c. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_CONTAINER_H
#define REVET_HOST_CONTAINER_H

#include "base/vec.h"
#include "host/table.h"

/* What a container may have of the host: lists of text. */
enum container_list {
	CONTAINER_CAPABILITIES,
	CONTAINER_NAMESPACES,
	CONTAINER_MOUNTS,
	CONTAINER_PUBLISHED,
	CONTAINER_PUBLIC_PORTS,
	CONTAINER_DEVICES,
	CONTAINER_LISTS,
};

/* Of what is not known one field says why; NULL: it is known. */
struct container {
	const char *engine, *file;
	struct str name, image, user, restart, seccomp, apparmor;
	bool running, active, root, user_namespace, privileged, no_new_privileges, read_only;
	int64_t memory, pids; /* limits; negative: none */
	VEC(struct str) lists[CONTAINER_LISTS];
	const char *why_running, *why_active, *why_ports;
	const char *why; /* all but engine, file, name, image, running */
};

struct containers {
	struct host *host;
	struct arena *arena;
	VEC(struct container) all;
	const char *gap;
};

#define CONTAINERS_MAX 4096

/* A new one, without limits of its own; NULL, with a gap, when there are too many. */
struct container *container_add(struct containers *, const char *engine, const char *file);
void container_list_add(struct containers *, struct container *, enum container_list, struct str);
/* "CAP_SYS_ADMIN" or "sys_admin", as it should be had beyond what the engine gives to all. */
void container_add_capability(struct containers *, struct container *, struct str name);
/* A directory, file or device of the host that the container sees. */
void container_add_mount(struct containers *, struct container *, struct str source,
						 struct str target, bool writable);
void containers_gap(struct containers *, const char *why);

void containers_docker(struct containers *);
void containers_podman(struct containers *);
void containers_lxc(struct containers *);
void containers_nspawn(struct containers *);

#endif
