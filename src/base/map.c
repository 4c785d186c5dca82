/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <pthread.h>
#include <sys/random.h>

#include "base/vec.h"

void *vec_grow(struct arena *a, void *p, size_t n, size_t *cap, size_t size)
{
	void *grown;

	*cap = *cap ? *cap * 2 : 8;
	grown = arena_alloc(a, *cap * size);
	if (n)
		memcpy(grown, p, n * size);
	return grown;
}

static uint64_t seed[2]; /* set once, before the first map is there */

static uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static uint64_t siphash(struct str s)
{
	uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
					 seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
	uint64_t word = 0;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	if (s.n > i)
		memcpy(&word, s.p + i, s.n - i);
	word |= (uint64_t)s.n << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void make_seed(void)
{
	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed[0] = (uint64_t)(uintptr_t)&seed; /* early boot: the address is better than nothing */
}

void map_init(struct map *m, struct arena *arena)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_seed);
	*m = (struct map){.arena = arena};
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->cap - 1, i = hash & mask;

	while (m->slots[i].value && (m->slots[i].hash != hash || !str_eq(m->slots[i].key, key)))
		i = (i + 1) & mask;
	return &m->slots[i];
}

void *map_get(const struct map *m, struct str key)
{
	return m->n ? find(m, key, siphash(key))->value : NULL;
}

static void grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t n = m->cap;

	m->cap = m->cap ? m->cap * 2 : 16;
	m->slots = arena_new(m->arena, struct map_slot, m->cap);
	for (size_t i = 0; i < n; i++)
		if (old[i].value)
			*find(m, old[i].key, old[i].hash) = old[i];
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = siphash(key);
	struct map_slot *slot;
	void *previous;

	if (m->n * 2 >= m->cap)
		grow(m);
	slot = find(m, key, hash);
	previous = slot->value;
	m->n += !previous;
	*slot = (struct map_slot){key, hash, value};
	return previous;
}
