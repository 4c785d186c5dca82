/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of a packet filter, made up: which of them hide which others, against comparing each with each; who
 * gets in, against sending one packet after the other through them. Where a rule is not sure, its packets go
 * either way: nobody may get in of whom it is said that nobody does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "host/fw_open.h"
#include "host/fw_shadow.h"

#define MADE 3000
#define LARGE 10000

static uint64_t seed;

/* xorshift64*; the same numbers each time. */
static unsigned below(unsigned n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 2685821657736338717u >> 33) % n);
}

/* --- making them up ------------------------------------------------------------------------------ */

static void add_range(struct arena *a, struct nft_ranges *r, unsigned low, unsigned high)
{
	struct nft_range *range = vec_push(a, &r->list);

	for (size_t i = 0; i < r->width && i < 4; i++) {
		range->low[r->width - 1 - i] = (unsigned char)(low >> 8 * i);
		range->high[r->width - 1 - i] = (unsigned char)(high >> 8 * i);
	}
}

/* Of 64 values, so that they meet: one, a block, a range, or several. */
static struct nft_ranges some(struct arena *a, enum fw_field f, unsigned base)
{
	struct nft_ranges r = {.width = fw_field_width(f)};
	unsigned low = below(64), bits = below(7);

	if (below(3) == 0)
		add_range(a, &r, base + low, base + low);
	else if (below(2) == 0)
		add_range(a, &r, base + (low >> bits << bits),
				  base + ((low >> bits << bits) | ((1u << bits) - 1)));
	else
		for (unsigned n = 1 + below(3); n > 0; n--, low = below(64))
			add_range(a, &r, base + low, base + low + below(64 - low));
	nft_ranges_join(&r);
	return r;
}

static void narrow(struct arena *a, struct fw_box *box, enum fw_field f, unsigned base)
{
	struct nft_ranges r = some(a, f, base);

	fw_box_narrow(a, box, f, &r);
}

static struct fw_clause made(struct arena *a, bool sure)
{
	static const char *const targets[] = {"one", "two"};
	struct fw_clause c = {.does = (enum fw_does)(1 + below(5))};
	unsigned target = below(2);

	fw_box_narrow_to(a, &c.box, FW_FAMILY, 4);
	if (below(2))
		narrow(a, &c.box, FW_SADDR4, 0x0a000000);
	if (below(2))
		narrow(a, &c.box, FW_DPORT, 1);
	if (below(4) == 0)
		fw_box_narrow_to(a, &c.box, FW_PROTOCOL, below(4) ? 6 : 17);
	if (below(6) == 0)
		fw_box_narrow_to(a, &c.box, FW_CT_STATE, below(3) ? FW_NEW : FW_ESTABLISHED);
	if (!sure && below(4) == 0)
		c.sure = (enum fw_certainty)below(4);
	if (c.does == FW_JUMPS || c.does == FW_GOES)
		c.target = str_of(targets[target]);
	return c;
}

static struct fw_chain *add_chain(struct arena *a, struct fw_ruleset *set, const char *name,
								  bool jumps, unsigned n, bool sure)
{
	struct fw_chain *chain = arena_new(a, struct fw_chain, 1);

	*chain = (struct fw_chain){.family = STR("ip"), .table = STR("t"), .name = str_of(name)};
	chain->rules = arena_new(a, struct fw_rule, n);
	for (chain->n = 0; chain->n < n; chain->n++) {
		struct fw_clause c = made(a, sure);

		/* The second jumps nowhere, the first to the second: the kernel takes no circles. */
		if (c.target.p && !jumps)
			c.does = FW_RETURNS;
		if (c.target.p && strcmp(name, "one") == 0)
			c.target = STR("two");
		*vec_push(a, &chain->rules[chain->n].clauses) = c;
	}
	map_put(&set->by_name, str_of(arena_printf(a, "ip t %s", name)), chain);
	*vec_push(a, set) = chain;
	return chain;
}

static void make_set(struct arena *a, struct fw_ruleset *set, bool sure)
{
	map_init(&set->by_name, a);
	add_chain(a, set, "two", false, below(5), sure);
	add_chain(a, set, "one", true, below(6), sure);
	for (unsigned i = 0; i < 2; i++) {
		struct fw_chain *base = add_chain(a, set, i ? "b" : "a", true, below(10), sure);

		base->hook = STR("input");
		base->policy = below(3) ? STR("drop") : STR("accept");
	}
}

/* --- hidden -------------------------------------------------------------------------------------- */

static long naive(const struct fw_chain *chain, size_t rule)
{
	const struct fw_clause *c = &chain->rules[rule].clauses.p[0];

	for (size_t i = 0; i < rule; i++) {
		const struct fw_clause *other = &chain->rules[i].clauses.p[0];

		if (other->sure == FW_ALL && other->does != FW_JUMPS && fw_box_holds(&other->box, &c->box))
			return (long)i;
	}
	return -1;
}

static void hidden(void **state _unused_)
{
	size_t found = 0;

	seed = 1;
	for (unsigned i = 0; i < MADE; i++) {
		_cleanup_arena_ struct arena a = {0};
		struct fw_ruleset set = {0};
		const struct fw_shadow *shadows;
		size_t left = 100000;
		struct err err = {0};
		struct fw_chain *chain;

		map_init(&set.by_name, &a);
		chain = add_chain(&a, &set, "a", true, below(30), false);
		assert_int_equal(fw_shadows(&set, chain, &a, &left, &shadows, &err), 0);
		for (size_t k = 0; k < chain->n; k++) {
			long want = naive(chain, k);

			assert_int_equal(shadows[k].by ? (long)shadows[k].rule : -1, want);
			found += want >= 0;
		}
	}
	assert_true(found > MADE);
}

/* Of another packet from there on, nothing is said that holds of the one before. */
static void hidden_unless_altered(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct fw_ruleset set = {0};
	struct fw_chain *chain = NULL;

	for (int alters = 0; alters < 2; alters++) {
		const struct fw_shadow *shadows;
		size_t left = 1000;
		struct err err = {0};

		map_init(&set.by_name, &a);
		chain = add_chain(&a, &set, "a", true, 3, true);
		for (size_t k = 0; k < 3; k++) {
			chain->rules[k].clauses.p[0] =
				(struct fw_clause){.does = k == 0 ? FW_ADMITS : FW_REFUSES};
			fw_box_narrow_to(&a, &chain->rules[k].clauses.p[0].box, FW_PROTOCOL, 17);
		}
		chain->rules[1].clauses.p[0] = (struct fw_clause){.alters = alters};
		assert_int_equal(fw_shadows(&set, chain, &a, &left, &shadows, &err), 0);
		assert_int_equal(shadows[2].by != NULL, !alters);
	}
}

/* Ten thousand different rules take no more than some comparisons each; where they take too many, that is
 * said. */
static void hidden_among_many(void **state _unused_)
{
	for (int blocks = 0; blocks < 2; blocks++) {
		_cleanup_arena_ struct arena a = {0};
		struct fw_ruleset set = {0};
		const struct fw_shadow *shadows;
		size_t left = 4000000;
		struct err err = {0};
		struct fw_chain *chain;
		int r;

		seed = 2;
		map_init(&set.by_name, &a);
		chain = add_chain(&a, &set, "a", false, LARGE, true);
		for (unsigned k = 0; k < LARGE; k++) {
			struct fw_clause *c = &chain->rules[k].clauses.p[0];
			struct nft_ranges r4 = {.width = 4};

			*c = (struct fw_clause){.does = FW_REFUSES};
			add_range(&a, &r4, 0x0a000001 + 16 * k, 0x0a000001 + 16 * k + (blocks ? 0 : 2));
			fw_box_narrow(&a, &c->box, FW_SADDR4, &r4);
		}
		r = fw_shadows(&set, chain, &a, &left, &shadows, &err);
		assert_int_equal(r, blocks ? 0 : -E2BIG);
		if (blocks)
			assert_true(left > 4000000 - 4 * LARGE);
	}
}

/* --- who gets in --------------------------------------------------------------------------------- */

struct packet {
	unsigned char source[4];
	uint16_t port;
};

static bool has(const struct nft_ranges *r, const unsigned char *value)
{
	vec_each(&r->list, range) if (memcmp(range->low, value, r->width) <= 0 &&
								  memcmp(value, range->high, r->width) <= 0) return true;
	return false;
}

static bool is_about(const struct fw_clause *c, const struct packet *p)
{
	const unsigned char port[2] = {(unsigned char)(p->port >> 8), (unsigned char)p->port};
	const unsigned char *const values[FW_FIELDS] = {
		[FW_FAMILY] = (const unsigned char *)"\4",
		[FW_PROTOCOL] = (const unsigned char *)"\6",
		[FW_CT_STATE] = (const unsigned char *)"\3",
		[FW_SADDR4] = p->source,
		[FW_DPORT] = port,
	};

	for (int f = 0; f < FW_FIELDS; f++)
		if (c->box.on[f] && !has(c->box.on[f], values[f]))
			return false;
	return true;
}

enum fate { GOES_ON, GOT_IN, REFUSED };

static enum fate fate_of(const struct fw_ruleset *set, const struct fw_chain *chain,
						 const struct packet *p)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct fw_clause *c = &chain->rules[i].clauses.p[0];
		enum fate fate;

		if (!is_about(c, p) || (c->sure != FW_ALL && below(2)))
			continue;
		if (c->does == FW_ADMITS || c->does == FW_REFUSES)
			return c->does == FW_ADMITS ? GOT_IN : REFUSED;
		if (c->does == FW_RETURNS)
			return GOES_ON;
		fate = fate_of(set, fw_find_chain(set, STR("ip"), STR("t"), c->target), p);
		if (fate != GOES_ON || c->does == FW_GOES)
			return fate;
	}
	return GOES_ON;
}

static bool gets_in(const struct fw_ruleset *set, const struct packet *p)
{
	for (size_t i = 0; i < set->n; i++) {
		enum fate fate = set->p[i]->hook.p ? fate_of(set, set->p[i], p) : GOT_IN;

		if (fate == REFUSED || (fate == GOES_ON && str_is(set->p[i]->policy, "drop")))
			return false;
	}
	return true;
}

static void check_port(struct arena *a, const struct fw_ruleset *set, uint16_t port, bool sure,
					   size_t *in)
{
	struct fw_open open = {.set = set, .left = 100000};
	struct fw_sources sources;
	struct err err = {0};

	open.place.world[0] = nft_ranges_whole(a, 4);
	open.place.world[1] = nft_ranges_whole(a, 16);
	assert_int_equal(fw_open_port(&open, false, false, port, a, &sources, &err), 0);
	for (unsigned i = 0; i < 66; i++) {
		struct packet p = {.source = {10, 0, 0, (unsigned char)i}, .port = port};
		bool said = has(&sources.in, p.source), perhaps = has(&sources.perhaps, p.source),
			 got = false;

		for (int tries = sure ? 1 : 8; tries > 0; tries--)
			got = gets_in(set, &p) || got;
		assert_false(said && perhaps);
		if (sure)
			assert_false(perhaps);
		if (sure ? got != said : got && !said && !perhaps)
			fail_msg("port %u from 10.0.0.%u: %s", port, i, said ? "let in" : "refused");
		*in += said;
	}
}

static void open_to(void **state _unused_)
{
	for (int sure = 0; sure < 2; sure++) {
		size_t in = 0;

		seed = 3;
		for (unsigned i = 0; i < MADE / 2; i++) {
			_cleanup_arena_ struct arena a = {0};
			struct fw_ruleset set = {0};

			make_set(&a, &set, sure);
			check_port(&a, &set, (uint16_t)(1 + below(64)), sure, &in);
		}
		assert_true(in > MADE);
	}
}

/* A list of ten thousand addresses, one rule each, is walked once; rules that take turns are too many. */
static void open_to_many(void **state _unused_)
{
	for (int turns = 0; turns < 2; turns++) {
		_cleanup_arena_ struct arena a = {0};
		struct fw_ruleset set = {0};
		struct fw_open open = {.set = &set, .left = 10000000};
		struct fw_sources sources;
		struct err err = {0};
		struct fw_chain *chain;
		int r;

		seed = 4;
		open.place.world[0] = nft_ranges_whole(&a, 4);
		map_init(&set.by_name, &a);
		chain = add_chain(&a, &set, "a", false, LARGE, true);
		chain->hook = STR("input");
		chain->policy = STR("accept");
		for (unsigned k = 0; k < LARGE; k++) {
			struct fw_clause *c = &chain->rules[k].clauses.p[0];
			struct nft_ranges r4 = {.width = 4};

			*c = (struct fw_clause){.does = turns && k % 2 ? FW_ADMITS : FW_REFUSES};
			add_range(&a, &r4, 0x0a000000 + 2 * k, 0x0a000000 + 2 * k);
			fw_box_narrow(&a, &c->box, FW_SADDR4, &r4);
		}
		r = fw_open_port(&open, false, false, 22, &a, &sources, &err);
		assert_int_equal(r, turns ? -E2BIG : 0);
		if (!turns)
			assert_int_equal(sources.in.list.n, LARGE + 1);
	}
}

/* Chains that jump in circles, as no kernel has them but a recording may, are not understood. */
static void open_in_circles(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct fw_ruleset set = {0};
	struct fw_open open = {.set = &set, .left = 10000000};
	struct fw_sources sources;
	struct err err = {0};
	struct fw_chain *chain;

	seed = 5;
	open.place.world[0] = nft_ranges_whole(&a, 4);
	map_init(&set.by_name, &a);
	chain = add_chain(&a, &set, "a", true, 20, true);
	chain->hook = STR("input");
	for (unsigned k = 0; k < 20; k++) {
		struct fw_clause *c = &chain->rules[k].clauses.p[0];

		*c = (struct fw_clause){.does = FW_JUMPS, .sure = FW_OPEN, .target = STR("a")};
		fw_box_narrow_to(&a, &c->box, FW_FAMILY, 4);
	}
	assert_int_equal(fw_open_port(&open, false, false, 22, &a, &sources, &err), 0);
	assert_int_equal(sources.in.list.n, 0);
	assert_true(nft_ranges_are_all(&sources.perhaps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden),
		cmocka_unit_test(hidden_unless_altered),
		cmocka_unit_test(hidden_among_many),
		cmocka_unit_test(open_to),
		cmocka_unit_test(open_to_many),
		cmocka_unit_test(open_in_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
