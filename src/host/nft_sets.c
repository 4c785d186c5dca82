/* SPDX-License-Identifier: Apache-2.0 */
/* See linux/netfilter/nf_tables.h. */
#include "host/nft_sets.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/netlink.h"

#define MAX_SETS 256
#define MAX_ELEMENTS 1024 /* of one set */
#define MAX_DIGESTED 65536 /* of one that is only compared */
#define KEY_MAX 16

/* Types of keys as nft numbers them, in its include/datatype.h. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PROTOCOL = 12, TYPE_PORT = 13, TYPE_IFNAME = 41 };

struct element {
	unsigned char key[KEY_MAX];
	bool end; /* the first that is not in the interval */
};

struct set {
	struct str table, name;
	unsigned family, type, flags;
	size_t key_length;
	struct element *p;
	size_t n, cap;
	bool more;        /* there are others, or some that are not understood */
	size_t n_all;     /* with those */
	uint64_t digest;  /* of all, in whatever order they come */
	bool lost;        /* there are too many even for that */
};

struct sets {
	struct arena *arena;
	struct set *p;
	size_t n, cap;
	struct set *filling;
};

/* --- asking ----------------------------------------------------------------------------------- */

static uint32_t big(struct str value)
{
	return ntohl(netlink_u32(value));
}

static struct str kept(struct arena *a, struct str name)
{
	return name.n ? str_of(arena_copy(a, name.p, strnlen(name.p, name.n))) : STR("");
}

static bool take_set(void *arg, unsigned type _unused_, struct str body)
{
	const size_t skip = sizeof(struct nfgenmsg);
	struct sets *sets = arg;
	uint32_t flags = big(netlink_attribute(body, skip, NFTA_SET_FLAGS));
	struct set *set;

	if (body.n < skip || flags & NFT_SET_ANONYMOUS)
		return true;
	if (sets->n == MAX_SETS)
		return false;
	set = vec_push(sets->arena, sets);
	*set = (struct set){
		.family = ((const struct nfgenmsg *)(const void *)body.p)->nfgen_family,
		.table = kept(sets->arena, netlink_attribute(body, skip, NFTA_SET_TABLE)),
		.name = kept(sets->arena, netlink_attribute(body, skip, NFTA_SET_NAME)),
		.type = big(netlink_attribute(body, skip, NFTA_SET_KEY_TYPE)),
		.key_length = big(netlink_attribute(body, skip, NFTA_SET_KEY_LEN)),
		.flags = flags,
	};
	return true;
}

/* Packets add elements to it, or they go after a while. */
static bool varies(const struct set *set)
{
	return set->flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL);
}

/* What an element is, without how often it was met, and without comments. */
static void digest_element(struct set *set, struct str attributes)
{
	static const unsigned what[] = {NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_DATA,
									NFTA_SET_ELEM_FLAGS, NFTA_SET_ELEM_OBJREF};
	unsigned char hash[SHA256_DIGEST_LENGTH], parts[ARRAY_LEN(what)][SHA256_DIGEST_LENGTH] = {0};
	uint64_t first;

	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		struct str value = netlink_attribute(attributes, 0, what[i]);

		if (value.p)
			SHA256((const unsigned char *)value.p, value.n, parts[i]);
	}
	SHA256(parts[0], sizeof(parts), hash);
	memcpy(&first, hash, sizeof(first));
	set->digest += first;
	set->n_all++;
	set->lost = set->n_all > MAX_DIGESTED;
}

static bool is_enough(const struct set *set)
{
	return set->more && (varies(set) || set->lost);
}

static void take_element(struct sets *sets, struct str attributes)
{
	struct set *set = sets->filling;
	uint32_t flags = big(netlink_attribute(attributes, 0, NFTA_SET_ELEM_FLAGS));
	struct str key =
		netlink_attribute(netlink_attribute(attributes, 0, NFTA_SET_ELEM_KEY), 0, NFTA_DATA_VALUE);
	struct element *e;

	if (!varies(set))
		digest_element(set, attributes);
	if (set->more || flags & NFT_SET_ELEM_CATCHALL ||
		netlink_attribute(attributes, 0, NFTA_SET_ELEM_KEY_END).p || key.n != set->key_length ||
		key.n > KEY_MAX || set->n == MAX_ELEMENTS) {
		set->more = true;
		return;
	}
	if (set->n == set->cap)
		set->p = vec_grow(sets->arena, set->p, set->n, &set->cap, sizeof(*set->p));
	e = &set->p[set->n++];
	*e = (struct element){.end = flags & NFT_SET_ELEM_INTERVAL_END};
	memcpy(e->key, key.p, key.n);
}

static bool take_elements(void *arg, unsigned type _unused_, struct str body)
{
	struct sets *sets = arg;
	struct str list = netlink_attribute(body, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);

	while (list.n >= sizeof(struct nlattr) && !is_enough(sets->filling)) {
		const struct nlattr *attr = (const void *)list.p;
		size_t whole = NLMSG_ALIGN((size_t)attr->nla_len);

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > list.n)
			break;
		take_element(sets, (struct str){list.p + sizeof(*attr), attr->nla_len - sizeof(*attr)});
		whole = MIN(whole, list.n);
		list.p += whole;
		list.n -= whole;
	}
	return !is_enough(sets->filling);
}

static size_t put_text(char *at, unsigned type, struct str text)
{
	const struct nlattr head = {(uint16_t)(sizeof(head) + text.n + 1), (uint16_t)type};

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), text.p, text.n);
	return NLMSG_ALIGN((size_t)head.nla_len);
}

static bool is_understood(const struct set *set)
{
	bool interval = set->flags & NFT_SET_INTERVAL;

	switch (set->type) {
	case TYPE_IPV4:
		return set->key_length == 4;
	case TYPE_IPV6:
		return set->key_length == 16;
	case TYPE_PORT:
		return set->key_length == 2;
	case TYPE_PROTOCOL:
		return set->key_length == 1 && !interval;
	case TYPE_IFNAME:
		return set->key_length == 16 && !interval;
	default:
		return false;
	}
}

static void ask_elements(struct sets *sets, struct set *set)
{
	struct {
		struct nfgenmsg head;
		char attributes[600];
	} request = {.head = {.nfgen_family = (uint8_t)set->family}};
	size_t n = sizeof(request.head);

	set->more = !is_understood(set) || set->flags & NFT_SET_MAP;
	set->lost = set->table.n > 255 || set->name.n > 255;
	if (set->lost || is_enough(set)) {
		set->more = true;
		return;
	}
	n += put_text((char *)&request + n, NFTA_SET_ELEM_LIST_TABLE, set->table);
	n += put_text((char *)&request + n, NFTA_SET_ELEM_LIST_SET, set->name);
	sets->filling = set;
	if (netlink_dump(NETLINK_NETFILTER, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, &request, n,
					 take_elements, sets) < 0)
		set->more = set->lost = true;
}

/* --- as text ---------------------------------------------------------------------------------- */

/* Where one interval ends the next may begin: the end comes first. */
static int by_key(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	int order = memcmp(x->key, y->key, KEY_MAX);

	return order ? order : y->end - x->end;
}

static void put_key(struct buf *out, const struct set *set, const unsigned char *key)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (set->type == TYPE_PORT)
		buf_printf(out, "%u", key[0] << 8 | key[1]);
	else if (set->type == TYPE_PROTOCOL && (key[0] == IPPROTO_TCP || key[0] == IPPROTO_UDP))
		buf_puts(out, key[0] == IPPROTO_TCP ? "tcp" : "udp");
	else if (set->type == TYPE_PROTOCOL)
		buf_printf(out, "%u", key[0]);
	else if (set->type == TYPE_IFNAME)
		fields_escaped(out, (struct str){(const char *)key, strnlen((const char *)key, 16)});
	else if (inet_ntop(set->type == TYPE_IPV4 ? AF_INET : AF_INET6, key, text, sizeof(text)))
		buf_puts(out, text);
}

static void one_less(unsigned char *key, size_t n)
{
	while (n-- > 0 && key[n]-- == 0)
		;
}

static void put_set(struct buf *out, struct set *set)
{
	static const char *const families[] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",       [NFPROTO_IPV6] = "ip6",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_ARP] = "arp"};
	bool interval = set->flags & NFT_SET_INTERVAL;
	unsigned char last[KEY_MAX];

	if (set->family >= ARRAY_LEN(families) || !families[set->family] ||
		(set->lost && !varies(set)))
		return;
	if (set->n)
		qsort(set->p, set->n, sizeof(*set->p), by_key);
	buf_printf(out, "family=%s", families[set->family]);
	fields_put(out, "table", set->table);
	fields_put(out, "name", set->name);
	if (varies(set))
		buf_puts(out, " varies=1");
	if (set->more)
		buf_printf(out, " digest=%zu-%016" PRIx64, set->n_all, set->digest);
	for (size_t i = 0; !set->more && i < set->n; i++) {
		if (set->p[i].end)
			continue;
		buf_puts(out, " element=");
		put_key(out, set, set->p[i].key);
		memset(last, 0xff, sizeof(last));
		if (interval && i + 1 < set->n) {
			memcpy(last, set->p[i + 1].key, sizeof(last));
			one_less(last, set->key_length);
		}
		if (interval) {
			buf_putc(out, '-');
			put_key(out, set, last);
		}
	}
	buf_putc(out, '\n');
}

int nft_sets_ask(struct host *host _unused_, struct buf *out, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const struct nfgenmsg request = {.nfgen_family = NFPROTO_UNSPEC};
	struct sets sets = {.arena = &a};
	int r = netlink_dump(NETLINK_NETFILTER, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET, &request,
						 sizeof(request), take_set, &sets);

	if (r < 0)
		return err_errno(err, -r, "the sets of nftables");
	for (size_t i = 0; i < sets.n; i++) {
		ask_elements(&sets, &sets.p[i]);
		put_set(out, &sets.p[i]);
	}
	return 0;
}

const struct query nft_sets_query = {.name = "nft_sets", .live = nft_sets_ask};

void nft_sets_early(struct host *host)
{
	host_query_fork(host, &nft_sets_query);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Numbers of ports as numbers; of protocols as nft names them in rules. */
static json_t *value_of(struct arena *a, struct str text)
{
	uint64_t number;

	return num_u64(text, 0, 65535, &number) == 0 ? json_integer((json_int_t)number)
												 : json_string(str_dup(a, text));
}

static json_t *element_of(struct arena *a, struct str text)
{
	struct str last = text, first = STR_ABSENT;
	json_t *range, *ends;

	if (!str_has_char(text, '-') || text.p[0] < '0' || text.p[0] > ':')
		return value_of(a, fields_plain(a, text));
	(void)str_cut(&last, '-', &first);
	range = json_object();
	ends = json_array();
	json_array_append_new(ends, value_of(a, first));
	json_array_append_new(ends, value_of(a, last));
	json_object_set_new(range, "range", ends);
	return range;
}

json_t *nft_sets_read(struct host *host, struct arena *a)
{
	json_t *all = json_object();
	struct str text, line, name, value;
	struct err ignored = {0};

	if (host_query(host, &nft_sets_query, a, &text, &ignored) < 0)
		return all;
	while (str_line(&text, &line)) {
		struct str key[3] = {STR(""), STR(""), STR("")};
		json_t *elements;

		if (str_has(line, " digest="))
			continue;
		elements = json_array();
		while (fields_next(&line, &name, &value)) {
			if (str_is(name, "element"))
				json_array_append_new(elements, element_of(a, value));
			else if (str_is(name, "family"))
				key[0] = value;
			else if (!str_is(name, "varies"))
				key[str_is(name, "table") ? 1 : 2] = fields_plain(a, value);
		}
		json_object_set_new(
			all,
			arena_printf(a, "%.*s %.*s %.*s", STR_ARG(key[0]), STR_ARG(key[1]), STR_ARG(key[2])),
			elements);
	}
	return all;
}
