/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from byte strings to pointers, in an arena. Keys are borrowed and must live as long
 * as the map. The hash is keyed with bytes that are random in each process (SipHash-1-3), so that names
 * a host's user chose cannot make it slow. No removal; no iteration (the order would be random: keep a
 * vec beside it).
 */
#ifndef REVET_BASE_MAP_H
#define REVET_BASE_MAP_H

#include "base/str.h"

struct map_slot {
	struct str key;
	uint64_t hash;
	void *value;
};

struct map {
	struct arena *arena;
	struct map_slot *slots;
	size_t n, cap;
};

void map_init(struct map *, struct arena *);
void *map_get(const struct map *, struct str key); /* NULL when absent */
/* Sets the value (not NULL); returns the previous one, or NULL. */
void *map_put(struct map *, struct str key, void *value);

#endif
