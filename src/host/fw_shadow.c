/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing each rule with all before it would take 50 million comparisons for 10,000 rules. A box that holds
 * another one looks at no property that the other does not look at; and where it asks for one value or one
 * block of them (10.0.0.0/8), the other begins with the same bits. So the boxes that hide are sorted by which
 * properties they look at and how many bits of each they ask for, and for each such kind the one to look for
 * has a known key. What are no blocks, such as sets and ranges of ports, is compared within one key.
 */
#include "host/fw_shadow.h"

#define MAX_KINDS 256 /* of boxes, in one chain */
#define ANY_BITS 255  /* no block */
#define KEY_MAX 160   /* bytes: more than all properties take together */

struct hider {
	const struct fw_clause *clause;
	size_t rule;
};

struct bucket {
	VEC(struct hider) list;
};

struct kind {
	unsigned looks; /* a bit for each property */
	unsigned char bits[FW_FIELDS];
	struct map buckets; /* to struct bucket */
};

struct finder {
	struct arena *arena;
	VEC(struct kind) kinds;
	size_t *left;
	bool over;
};

static bool decides(const struct fw_clause *c)
{
	return c->sure == FW_ALL && c->does != FW_DOES_NOTHING && c->does != FW_JUMPS;
}

static void kind_of(const struct fw_box *box, struct kind *ret)
{
	for (int f = 0; f < FW_FIELDS; f++) {
		unsigned bits = box->on[f] ? nft_ranges_prefix(box->on[f]) : 0;

		ret->looks |= box->on[f] ? 1u << f : 0;
		ret->bits[f] = (unsigned char)(bits > 128 ? ANY_BITS : bits);
	}
}

/* The first bits of a property, which all its values must have. */
static bool put_key(const struct nft_ranges *r, unsigned bits, unsigned char *key, size_t *n)
{
	const unsigned char *low = r->list.p[0].low, *high = r->list.p[r->list.n - 1].high;

	for (size_t i = 0; i < r->width; i++) {
		unsigned here = bits > 8 * i ? MIN(bits - 8 * (unsigned)i, 8u) : 0;
		unsigned char mask = (unsigned char)(0xff00 >> here);

		if ((low[i] ^ high[i]) & mask)
			return false;
		key[(*n)++] = low[i] & mask;
	}
	return true;
}

/* The key under which a box of the kind would stand that holds this one; false: none does. */
static bool key_of(const struct kind *kind, const struct fw_box *box, unsigned char *key, size_t *n)
{
	*n = 0;
	for (int f = 0; f < FW_FIELDS; f++) {
		if (!(kind->looks & 1u << f))
			continue;
		if (!box->on[f] || !box->on[f]->list.n ||
			(kind->bits[f] != ANY_BITS && !put_key(box->on[f], kind->bits[f], key, n)))
			return false;
	}
	return true;
}

static void add_hider(struct finder *t, const struct fw_clause *c, size_t rule)
{
	struct kind wanted = {0}, *kind = NULL;
	unsigned char key[KEY_MAX];
	struct bucket *bucket;
	size_t n;

	kind_of(&c->box, &wanted);
	vec_each(&t->kinds, k) if (k->looks == wanted.looks &&
							   memcmp(k->bits, wanted.bits, sizeof(k->bits)) == 0) kind = k;
	if (!kind && t->kinds.n == MAX_KINDS) {
		t->over = true;
		return;
	}
	if (!kind) {
		kind = vec_push(t->arena, &t->kinds);
		*kind = wanted;
		map_init(&kind->buckets, t->arena);
	}
	if (!key_of(kind, &c->box, key, &n))
		return;
	bucket = map_get(&kind->buckets, (struct str){(const char *)key, n});
	if (!bucket) {
		bucket = arena_new(t->arena, struct bucket, 1);
		map_put(&kind->buckets, (struct str){arena_copy(t->arena, key, n), n}, bucket);
	}
	*vec_push(t->arena, &bucket->list) = (struct hider){c, rule};
}

static void spend(struct finder *t)
{
	t->over = t->over || !*t->left;
	*t->left -= !t->over;
}

/* The first of all that hide it. */
static struct hider find_hider(struct finder *t, const struct fw_clause *c)
{
	struct hider found = {0};

	vec_each(&t->kinds, kind)
	{
		unsigned char key[KEY_MAX];
		const struct bucket *bucket;
		size_t n;

		spend(t);
		if (t->over || !key_of(kind, &c->box, key, &n))
			continue;
		bucket = map_get(&kind->buckets, (struct str){(const char *)key, n});
		for (size_t i = 0; bucket && !t->over && i < bucket->list.n; i++) {
			struct hider *h = &bucket->list.p[i];

			spend(t);
			if (found.clause && h->rule >= found.rule)
				break;
			if (fw_box_holds(&h->clause->box, &c->box)) {
				found = *h;
				break;
			}
		}
	}
	return found;
}

/* Does anything in the table change packets? Then what comes back from a jump may be another one. */
static bool alters(const struct fw_ruleset *set, const struct fw_chain *chain)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct fw_chain *c = set->p[i];

		if (!str_eq(c->family, chain->family) || !str_eq(c->table, chain->table))
			continue;
		for (size_t k = 0; k < c->n; k++)
			vec_each(&c->rules[k].clauses, clause) if (clause->alters) return true;
	}
	return false;
}

/* All that a rule does has to be hidden. */
static struct fw_shadow shadow_of(struct finder *t, const struct fw_rule *rule)
{
	struct fw_shadow shadow = {0};

	vec_each(&rule->clauses, c)
	{
		struct hider h;

		if (c->does == FW_DOES_NOTHING)
			continue;
		h = find_hider(t, c);
		if (!h.clause)
			return (struct fw_shadow){0};
		if (!shadow.by)
			shadow = (struct fw_shadow){h.clause, h.rule,
										c->sure == FW_ALL && fw_box_holds(&c->box, &h.clause->box)};
		else
			shadow.same = false;
	}
	return shadow;
}

int fw_shadows(const struct fw_ruleset *set, const struct fw_chain *chain, struct arena *a,
			   size_t *left, const struct fw_shadow **ret, struct err *err)
{
	struct fw_shadow *shadows = arena_new(a, struct fw_shadow, chain->n + 1);
	_cleanup_arena_ struct arena scratch = {0};
	struct finder t = {.arena = &scratch, .left = left};
	bool altered = alters(set, chain);

	for (size_t i = 0; i < chain->n && !t.over; i++) {
		const struct fw_rule *rule = &chain->rules[i];

		shadows[i] = shadow_of(&t, rule);
		vec_each(&rule->clauses, c)
		{
			if (c->alters || (altered && c->does == FW_JUMPS))
				t.kinds.n = 0;
			if (decides(c))
				add_hider(&t, c, i);
		}
	}
	*ret = shadows;
	return t.over
			   ? err_set(err, E2BIG, "the chain %.*s %.*s %.*s has too many rules to compare them",
						 STR_ARG(chain->family), STR_ARG(chain->table), STR_ARG(chain->name))
			   : 0;
}
