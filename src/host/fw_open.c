/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fw_open.h"

#include <netinet/in.h>

#define MAX_TRIED ((size_t)10000000)
#define MAX_HELD ((size_t)64 << 20) /* bytes, for one port */
#define RANGE_COST 4                /* of a range of addresses, in rules that are tried */
#define MAX_DEPTH 16                /* the kernel's own limit on jumps */
#define CONNTRACK -200 /* priority in prerouting from which on a packet belongs to a connection */

#define DSTNAT -100   /* where what a packet is for is translated */
#define MAX_PASSED 64 /* rules that translate, for one port */

/* Packets from some are for somebody else from here on. */
struct passed {
	struct nft_ranges sources;
	const struct fw_to *to;
};

/* One base chain, with all that it jumps to. */
struct walk {
	struct fw_open *open;
	struct arena *arena; /* of this walk */
	bool v6, udp, untracked;
	uint16_t port;
	unsigned char uplink[FW_IFNAME];   /* empty: it is not known */
	const struct fw_to *to;            /* what it has been translated to; NULL: it has not */
	bool passed_on;                    /* to another host, */
	unsigned char downlink[FW_IFNAME]; /* behind this interface; empty: it is not known */
	enum fw_certainty jump;            /* of the jump that led here */
	const struct fw_chain *base;
	const struct fw_chain *chain; /* the present one */
	size_t rule;
	struct nft_ranges in, perhaps;     /* decided */
	struct nft_ranges may_in, may_out; /* some rule that is not understood may have decided so */
	struct nft_ranges changed;         /* perhaps other packets from here on */
	VEC(struct passed) passed;
	struct nft_ranges gone;             /* these are for others for sure */
	const struct fw_chain *doubt_chain; /* the first that left something unknown */
	size_t doubt_rule;
};

/* --- sets of addresses ----------------------------------------------------------------------- */

/* Arrays are shared between sets, so that a set that grows gets one of its own. */
static void add(struct walk *w, struct nft_ranges *to, const struct nft_ranges *more)
{
	struct nft_ranges both = {.width = to->width};

	if (!more->list.n)
		return;
	nft_ranges_add_all(w->arena, &both, to);
	nft_ranges_add_all(w->arena, &both, more);
	nft_ranges_join(&both);
	*to = both;
}

static void take_away(struct walk *w, struct nft_ranges *from, const struct nft_ranges *less)
{
	if (from->list.n && less->list.n)
		*from = nft_ranges_without(w->arena, from, less);
}

static void add_common(struct walk *w, struct nft_ranges *to, const struct nft_ranges *a,
					   const struct nft_ranges *b)
{
	struct nft_ranges both = nft_ranges_common(w->arena, a, b);

	add(w, to, &both);
}

static void spend(struct walk *w, size_t cost)
{
	w->open->left -= w->arena->used > MAX_HELD ? w->open->left : MIN(w->open->left, cost);
}

static void doubt(struct walk *w)
{
	if (!w->doubt_chain) {
		w->doubt_chain = w->chain;
		w->doubt_rule = w->rule;
	}
}

/* --- is a rule about the packet? ------------------------------------------------------------- */

static bool has(const struct nft_ranges *r, const unsigned char *value)
{
	vec_each(&r->list, range) if (memcmp(range->low, value, r->width) <= 0 &&
								  memcmp(value, range->high, r->width) <= 0) return true;
	return false;
}

static bool has_byte(const struct nft_ranges *r, unsigned char value)
{
	return has(r, &value);
}

/* Without a default route it is not known by which interface it comes in, but not by lo. */
static bool meets_interface(const struct walk *w, const struct nft_ranges *r,
							enum fw_certainty *sure)
{
	struct nft_ranges lo = {.width = FW_IFNAME}, all = nft_ranges_whole(w->arena, FW_IFNAME);

	if (w->uplink[0])
		return has(r, w->uplink);
	(void)fw_add_interface(w->arena, &lo, STR("lo"));
	if (nft_ranges_hold(&lo, r))
		return false;
	all = nft_ranges_without(w->arena, &all, &lo);
	*sure = nft_ranges_hold(r, &all) ? *sure : FW_OPEN;
	return true;
}

/* Whoever sends it decides which address of this host it is for. */
static bool meets_destination(const struct walk *w, const struct nft_ranges *r,
							  enum fw_certainty *sure)
{
	const struct nft_ranges *own = &w->open->place.own[w->v6];
	bool known = own->list.n;
	const struct nft_ranges *all = known ? own : &w->open->place.world[w->v6];
	struct nft_ranges some = nft_ranges_common(w->arena, all, r);

	if (w->to && w->to->address.list.n)
		return nft_ranges_hold(r, &w->to->address);
	if (!nft_ranges_equal(&some, all))
		*sure = MAX(*sure, known ? FW_CHANCE : FW_OPEN);
	return some.list.n;
}

/* A connection begins with SYN; whether PSH, URG or those of ECN are set besides the sender decides. */
static bool meets_flags(const struct nft_ranges *r, enum fw_certainty *sure)
{
	static const unsigned char begins[] = {0x02, 0x0a, 0x22, 0x42, 0x82, 0xc2};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		n += has_byte(r, begins[i]);
	if (n < ARRAY_LEN(begins))
		*sure = MAX(*sure, FW_CHANCE);
	return n;
}

static bool meets_field(const struct walk *w, enum fw_field f, const struct nft_ranges *r,
						enum fw_certainty *sure)
{
	unsigned number = w->to && w->to->port ? w->to->port : w->port;
	const unsigned char port[2] = {(unsigned char)(number >> 8), (unsigned char)number};
	const unsigned char before[2] = {(unsigned char)(w->port >> 8), (unsigned char)w->port};

	switch (f) {
	case FW_FAMILY:
		return has_byte(r, w->v6 ? 6 : 4);
	case FW_PROTOCOL:
		return has_byte(r, w->udp ? IPPROTO_UDP : IPPROTO_TCP);
	case FW_TCP_FLAGS:
		return !w->udp && meets_flags(r, sure);
	case FW_DPORT:
		return has(r, port);
	case FW_SPORT:
		*sure = nft_ranges_are_all(r) ? *sure : MAX(*sure, FW_CHANCE);
		return true;
	case FW_CT_STATE:
		*sure = w->untracked ? FW_OPEN : *sure;
		return w->untracked || has_byte(r, FW_NEW);
	case FW_CT_DPORT:
		*sure = w->untracked ? FW_OPEN : *sure;
		return w->untracked || has(r, before);
	case FW_CT_DNAT:
		return has_byte(r, w->to != NULL);
	case FW_TO_HOST:
		return has_byte(r, 1);
	case FW_LOCAL:
		return has_byte(r, !w->passed_on);
	case FW_IIF:
		return meets_interface(w, r, sure);
	case FW_OIF:
		*sure = w->downlink[0] ? *sure : FW_OPEN;
		return !w->downlink[0] || has(r, w->downlink);
	case FW_DADDR4:
	case FW_DADDR6:
		return meets_destination(w, r, sure);
	default:
		return true;
	}
}

/* *ret: of which sources; NULL: of all. */
static bool meets(const struct walk *w, const struct fw_clause *c, enum fw_certainty *sure,
				  const struct nft_ranges **ret)
{
	*sure = c->sure;
	*ret = c->box.on[w->v6 ? FW_SADDR6 : FW_SADDR4];
	if (c->box.on[w->v6 ? FW_SADDR4 : FW_SADDR6])
		return false;
	for (int f = 0; f < FW_FIELDS; f++)
		if (c->box.on[f] && !meets_field(w, (enum fw_field)f, c->box.on[f], sure))
			return false;
	return true;
}

/* --- walking --------------------------------------------------------------------------------- */

static struct nft_ranges walk_chain(struct walk *w, const struct fw_chain *chain,
									struct nft_ranges live, unsigned depth);

static void decide(struct walk *w, enum fw_does does, const struct nft_ranges *hit)
{
	if (does == FW_REFUSES) {
		add_common(w, &w->perhaps, hit, &w->may_in);
		return;
	}
	add_common(w, &w->perhaps, hit, &w->may_out);
	add(w, &w->in, hit);
	take_away(w, &w->in, &w->may_out);
}

/* Accept or drop, of which it is not sure that it is about all of these. A chance opens: somebody gets it;
 * it does not close. */
static void decide_some(struct walk *w, enum fw_does does, enum fw_certainty sure,
						const struct nft_ranges *hit, struct nft_ranges *live)
{
	if (does == FW_ADMITS && sure == FW_CHANCE) {
		decide(w, does, hit);
		take_away(w, live, hit);
	} else if (does == FW_ADMITS) {
		add(w, &w->may_in, hit);
		doubt(w);
	} else if (sure == FW_OPEN) {
		add(w, &w->may_out, hit);
		doubt(w);
	}
}

/* What a chain would do with these, apart from what has been decided so far. */
struct outcome {
	struct nft_ranges in, perhaps, rest;
};

static struct outcome look_into(struct walk *w, const struct fw_chain *target,
								const struct nft_ranges *hit, unsigned depth)
{
	struct nft_ranges in = w->in, perhaps = w->perhaps;
	struct outcome there;

	w->in = (struct nft_ranges){.width = hit->width};
	w->perhaps = w->in;
	there.rest = walk_chain(w, target, *hit, depth + 1);
	there.in = w->in;
	there.perhaps = w->perhaps;
	w->in = in;
	w->perhaps = perhaps;
	return there;
}

/* A jump that only some of these packets take, or that is not known to be taken. */
static void jump_perhaps(struct walk *w, const struct fw_chain *target, enum fw_certainty sure,
						 const struct nft_ranges *hit, struct nft_ranges *live, unsigned depth)
{
	enum fw_certainty before = w->jump;
	struct nft_ranges out = *hit;
	struct outcome there;

	w->jump = MAX(before, sure);
	there = look_into(w, target, hit, depth);
	w->jump = before;
	take_away(w, &out, &there.rest);
	take_away(w, &out, &there.in);
	take_away(w, &out, &there.perhaps);
	add(w, &w->perhaps, &there.perhaps);
	take_away(w, live, &there.perhaps);
	if (sure == FW_CHANCE) {
		add(w, &w->in, &there.in);
		take_away(w, live, &there.in);
		return;
	}
	if (there.in.list.n || there.perhaps.list.n || (sure == FW_OPEN && out.list.n))
		doubt(w);
	add(w, &w->may_in, &there.in);
	if (sure == FW_OPEN)
		add(w, &w->may_out, &out);
}

static void give_up(struct walk *w, const struct nft_ranges *hit, struct nft_ranges *live)
{
	doubt(w);
	add(w, &w->perhaps, hit);
	take_away(w, live, hit);
}

static void go(struct walk *w, const struct fw_clause *c, enum fw_certainty sure,
			   const struct nft_ranges *hit, struct nft_ranges *live, struct nft_ranges *returned,
			   unsigned depth)
{
	const struct fw_chain *target =
		fw_find_chain(w->open->set, w->chain->family, w->chain->table, c->target);

	if (!target || depth + 1 >= MAX_DEPTH || (sure != FW_ALL && c->does == FW_GOES)) {
		give_up(w, hit, live);
	} else if (sure != FW_ALL) {
		jump_perhaps(w, target, sure, hit, live, depth);
	} else {
		struct nft_ranges rest = walk_chain(w, target, *hit, depth + 1);

		take_away(w, live, hit);
		add(w, c->does == FW_GOES ? returned : live, &rest);
	}
}

/* Is it known what becomes of a packet that the rule translates, in the chain where that happens? */
static bool can_follow(const struct walk *w, const struct fw_clause *c, enum fw_certainty sure)
{
	return c->to.known && !c->alters && !w->to && MAX(sure, w->jump) <= FW_CHANCE &&
		   str_is(w->base->type, "nat") && str_is(w->base->hook, "prerouting") &&
		   (!c->to.address.list.n || c->to.address.width == (w->v6 ? 16 : 4)) &&
		   w->passed.n < MAX_PASSED;
}

/* Of a chance the rest goes on as before. Whichever chain comes first translates. */
static void pass_on(struct walk *w, const struct fw_clause *c, enum fw_certainty sure,
					const struct nft_ranges *hit, struct nft_ranges *live)
{
	struct nft_ranges sources = {.width = hit->width};

	add_common(w, &w->changed, hit, &w->gone);
	add(w, &sources, hit);
	*vec_push(w->arena, &w->passed) = (struct passed){sources, &c->to};
	if (MAX(sure, w->jump) != FW_ALL)
		return;
	decide(w, FW_ADMITS, hit);
	take_away(w, live, hit);
	add(w, &w->gone, hit);
}

static void apply(struct walk *w, const struct fw_clause *c, enum fw_certainty sure,
				  const struct nft_ranges *hit, struct nft_ranges *live,
				  struct nft_ranges *returned, unsigned depth)
{
	if (c->does == FW_TRANSLATES && can_follow(w, c, sure)) {
		pass_on(w, c, sure, hit, live);
		return;
	}
	if (c->alters || c->does == FW_TRANSLATES) {
		add(w, &w->changed, hit);
		doubt(w);
	}
	switch (c->does) {
	case FW_DOES_NOTHING:
		return;
	case FW_ADMITS:
	case FW_REFUSES:
		decide_some(w, c->does, sure, hit, live);
		return;
	case FW_RETURNS:
		if (sure != FW_ALL) {
			give_up(w, hit, live);
			return;
		}
		add(w, returned, hit);
		take_away(w, live, hit);
		return;
	case FW_TRANSLATES:
		give_up(w, hit, live);
		return;
	default:
		go(w, c, sure, hit, live, returned, depth);
	}
}

/* Rules in a row that do the same to some addresses each, as lists of banned ones are, are taken together:
 * one by one they would take the square of their number. */
struct pending {
	enum fw_does does;
	struct nft_ranges sources;
};

static void settle(struct walk *w, struct pending *p, struct nft_ranges *live)
{
	struct nft_ranges hit;

	if (!p->sources.list.n)
		return;
	spend(w, RANGE_COST * (p->sources.list.n + live->list.n));
	nft_ranges_join(&p->sources);
	hit = nft_ranges_common(w->arena, live, &p->sources);
	decide(w, p->does, &hit);
	take_away(w, live, &hit);
	p->sources.list.n = 0;
}

static void try_clause(struct walk *w, const struct fw_clause *c, struct pending *p,
					   struct nft_ranges *live, struct nft_ranges *returned, unsigned depth)
{
	const struct nft_ranges *sources;
	enum fw_certainty sure;
	struct nft_ranges hit;

	spend(w, 1);
	if (!meets(w, c, &sure, &sources))
		return;
	sources = sources ? sources : &w->open->place.world[w->v6];
	if (sure == FW_ALL && !c->alters && (c->does == FW_ADMITS || c->does == FW_REFUSES)) {
		if (p->does != c->does)
			settle(w, p, live);
		p->does = c->does;
		nft_ranges_add_all(w->arena, &p->sources, sources);
		if (sources == &w->open->place.world[w->v6])
			settle(w, p, live);
		return;
	}
	settle(w, p, live);
	spend(w, RANGE_COST * (sources->list.n + live->list.n));
	hit = nft_ranges_common(w->arena, live, sources);
	if (hit.list.n)
		apply(w, c, sure, &hit, live, returned, depth);
}

/* Those that come back from it. */
static struct nft_ranges walk_chain(struct walk *w, const struct fw_chain *chain,
									struct nft_ranges live, unsigned depth)
{
	struct nft_ranges returned = {.width = live.width};
	struct pending pending = {.sources.width = live.width};
	const struct fw_chain *from = w->chain;
	size_t from_rule = w->rule;

	for (size_t i = 0; i < chain->n && live.list.n && w->open->left; i++)
		vec_each(&chain->rules[i].clauses, c)
		{
			w->chain = chain;
			w->rule = i;
			try_clause(w, c, &pending, &live, &returned, depth);
		}
	settle(w, &pending, &live);
	add(w, &returned, &live);
	w->chain = from;
	w->rule = from_rule;
	return returned;
}

/* --- base chains ----------------------------------------------------------------------------- */

static bool has_device(const struct fw_chain *chain, const struct walk *w)
{
	struct str uplink = {(const char *)w->uplink, strnlen((const char *)w->uplink, FW_IFNAME)};

	for (const struct str *d = chain->devices; d && d->p; d++)
		if (str_eq(*d, uplink))
			return true;
	return !chain->devices && uplink.n;
}

static bool is_of_family(const struct fw_chain *chain, const struct walk *w)
{
	return str_is(chain->family, "inet") || str_is(chain->family, w->v6 ? "ip6" : "ip");
}

/* What a packet passes before it is known for whom it is, */
static bool is_early(const struct fw_chain *chain, const struct walk *w)
{
	if (str_is(chain->hook, "ingress"))
		return (str_is(chain->family, "netdev") || str_is(chain->family, "inet")) &&
			   has_device(chain, w);
	return is_of_family(chain, w) && str_is(chain->hook, "prerouting") &&
		   (str_is(chain->type, "nat") || chain->priority <= DSTNAT);
}

/* and what after. */
static bool is_late(const struct fw_chain *chain, const struct walk *w)
{
	return is_of_family(chain, w) && !is_early(chain, w) &&
		   (str_is(chain->hook, "prerouting") ||
			str_is(chain->hook, w->passed_on ? "forward" : "input"));
}

static bool is_untracked(const struct fw_chain *chain)
{
	return str_is(chain->hook, "ingress") ||
		   (str_is(chain->hook, "prerouting") && chain->priority <= CONNTRACK);
}

static void walk_base(struct walk *w, const struct fw_chain *chain)
{
	struct nft_ranges rest, none = {.width = w->v6 ? 16 : 4};

	w->in = w->perhaps = w->may_in = w->may_out = none;
	w->base = chain;
	w->untracked = is_untracked(chain);
	rest = walk_chain(w, chain, w->open->place.world[w->v6], 0);
	w->chain = chain;
	decide(w, str_is(chain->policy, "drop") ? FW_REFUSES : FW_ADMITS, &rest);
}

/* Of those that are let pass, or may be. */
struct judged {
	struct nft_ranges in, live;
};

/* Every base chain has to let a packet pass, so that one that does not is enough; but for a packet that
 * another one may have changed. */
static void pass_chains(struct walk *w,
						bool (*is_passed)(const struct fw_chain *, const struct walk *),
						struct judged *j)
{
	const struct fw_ruleset *set = w->open->set;

	for (size_t i = 0; i < set->n; i++) {
		struct nft_ranges out = w->open->place.world[w->v6];

		if (!is_passed(set->p[i], w))
			continue;
		walk_base(w, set->p[i]);
		j->in = nft_ranges_common(w->arena, &j->in, &w->in);
		take_away(w, &out, &w->in);
		take_away(w, &out, &w->perhaps);
		take_away(w, &j->live, &out);
	}
}

static void take_judged(struct walk *w, struct judged *j, const struct nft_ranges *sources,
						struct fw_sources *ret)
{
	add_common(w, &j->live, &w->changed, sources);
	take_away(w, &j->in, &w->changed);
	add(w, &ret->in, &j->in);
	add(w, &ret->perhaps, &j->live);
}

/* To where it has been translated. */
static void follow(struct walk *w, const struct passed *p, const struct judged *early,
				   struct fw_sources *ret)
{
	struct judged there = {nft_ranges_common(w->arena, &early->in, &p->sources),
						   nft_ranges_common(w->arena, &early->live, &p->sources)};

	w->to = p->to;
	w->passed_on =
		p->to->address.list.n && !nft_ranges_hold(&w->open->place.own[w->v6], &p->to->address);
	if (w->passed_on)
		fw_place_link(&w->open->place, &p->to->address, w->downlink);
	pass_chains(w, is_late, &there);
	take_judged(w, &there, &p->sources, ret);
	w->to = NULL;
	w->passed_on = false;
	memset(w->downlink, 0, sizeof(w->downlink));
}

static void walk_all(struct walk *w, struct fw_sources *ret)
{
	struct nft_ranges world = w->open->place.world[w->v6];
	struct judged early = {world, world}, own;

	w->changed = w->gone = (struct nft_ranges){.width = world.width};
	w->passed.n = 0;
	pass_chains(w, is_early, &early);
	own = early;
	take_away(w, &own.in, &w->gone);
	take_away(w, &own.live, &w->gone);
	pass_chains(w, is_late, &own);
	take_judged(w, &own, &world, ret);
	for (size_t i = 0; i < w->passed.n && w->open->left; i++)
		follow(w, &w->passed.p[i], &early, ret);
}

/* --- of one port ----------------------------------------------------------------------------- */

static void set_uplink(struct walk *w, struct str name)
{
	memset(w->uplink, 0, sizeof(w->uplink));
	memcpy(w->uplink, name.p, MIN(name.n, sizeof(w->uplink) - 1));
}

static const char *doubt_text(const struct walk *w, struct arena *a)
{
	const struct fw_chain *c = w->doubt_chain;
	_cleanup_buf_ struct buf what = BUF(16384);

	if (!c)
		return "rules are not understood";
	if (w->doubt_rule < c->n && c->rules[w->doubt_rule].clauses.n)
		fw_clause_print(&what, &c->rules[w->doubt_rule].clauses.p[0]);
	return arena_printf(a,
						"what rule %zu of the chain %.*s %.*s %.*s does to them is not known: %.*s",
						w->doubt_rule + 1, STR_ARG(c->family), STR_ARG(c->table), STR_ARG(c->name),
						STR_ARG(buf_get(&what)));
}

static struct nft_ranges kept(struct arena *a, const struct nft_ranges *r)
{
	struct nft_ranges copy = {.width = r->width};

	nft_ranges_add_all(a, &copy, r);
	return copy;
}

int fw_open_port(struct fw_open *open, bool v6, bool udp, uint16_t port, struct arena *a,
				 struct fw_sources *ret, struct err *err)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct walk w = {.open = open, .arena = &scratch, .v6 = v6, .udp = udp, .port = port};
	struct fw_sources found = {.in.width = v6 ? 16 : 4, .perhaps.width = v6 ? 16 : 4};

	for (size_t i = 0; i < MAX(open->set->uplinks.n, (size_t)1); i++) {
		if (open->set->uplinks.n)
			set_uplink(&w, open->set->uplinks.p[i]);
		walk_all(&w, &found);
	}
	if (!open->left)
		return err_set(err, E2BIG, "there are too many rules to try each with every port");
	take_away(&w, &found.perhaps, &found.in);
	*ret = (struct fw_sources){kept(a, &found.in), kept(a, &found.perhaps), NULL};
	if (ret->perhaps.list.n)
		ret->why = doubt_text(&w, a);
	return 0;
}

/* --- what rules tell apart ------------------------------------------------------------------ */

void fw_open_init(struct fw_open *open, struct host *host, const struct fw_ruleset *set,
				  struct arena *a)
{
	*open = (struct fw_open){.set = set, .left = MAX_TRIED};
	fw_place_read(host, a, &open->place);
}

static void cut(const struct nft_ranges *ports, bool *cuts)
{
	if (!ports)
		return;
	vec_each(&ports->list, range)
	{
		cuts[range->low[0] << 8 | range->low[1]] = true;
		cuts[(range->high[0] << 8 | range->high[1]) + 1] = true;
	}
}

void fw_open_cuts(const struct fw_ruleset *set, bool udp, bool *cuts)
{
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->p[i]->n; k++)
			vec_each(&set->p[i]->rules[k].clauses, c)
			{
				const struct nft_ranges *protocol = c->box.on[FW_PROTOCOL];

				if (protocol && !has_byte(protocol, udp ? IPPROTO_UDP : IPPROTO_TCP))
					continue;
				cut(c->box.on[FW_DPORT], cuts);
				cut(c->box.on[FW_CT_DPORT], cuts);
			}
}
