/* SPDX-License-Identifier: Apache-2.0 */
/* Whose questions Unbound answers: of the networks that hold an address the smallest decides. */
#include <arpa/inet.h>

#include "base/map.h"
#include "base/num.h"
#include "host/table.h"
#include "host/unbound_conf.h"

enum { NETBLOCK, ACTION, EVERYONE };

static const struct column columns[] = {
	[NETBLOCK] = {"netblock", TYPE_STRING, "Network of the clients, or interface that they come by",
				  COLUMN_LABEL},
	[ACTION] = {"action", TYPE_STRING,
				"allow, allow_snoop, deny, refuse, ...; the last that is said of a network counts",
				COLUMN_LABEL},
	[EVERYONE] = {"everyone", TYPE_BOOL,
				  "They are answered, and are more than any network holds that belongs to somebody",
				  0},
	{0},
};

struct reading {
	struct rows *rows;
	struct map seen; /* rows, by network */
};

struct netblock {
	unsigned char address[16];
	int family;
	unsigned prefix;
};

/* "10.0.0.0/8", or an address alone. */
static bool parse_netblock(struct str s, struct netblock *ret)
{
	char text[INET6_ADDRSTRLEN];
	uint64_t prefix;
	struct str address, rest = s;

	if (!str_cut(&rest, '/', &address) || address.n >= sizeof(text))
		return false;
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	*ret = (struct netblock){.family = str_has_char(address, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(ret->family, text, ret->address) != 1)
		return false;
	prefix = ret->family == AF_INET ? 32 : 128;
	if (rest.p && num_u64(rest, 0, prefix, &prefix) < 0)
		return false;
	ret->prefix = (unsigned)prefix;
	for (unsigned i = 0; i < sizeof(ret->address); i++)
		if (i >= prefix / 8)
			ret->address[i] =
				(unsigned char)(ret->address[i] & (i == prefix / 8 ? 0xff00u >> prefix % 8 : 0));
	return true;
}

static struct str netblock_text(struct arena *a, const struct netblock *n)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(n->family, n->address, text, sizeof(text));
	return str_of(arena_printf(a, "%s/%u", text, n->prefix));
}

/* No owner has more of IPv4 than 2^24 addresses in one piece, or as much of IPv6 as a registry gives
 * away; but all private and link-local ones are within a /7. */
static bool is_everyone(const struct netblock *n)
{
	if (n->family == AF_INET)
		return n->prefix < 8;
	return n->prefix < 12 && !(n->prefix >= 7 && n->address[0] >= 0xfc);
}

static void add_access(struct reading *r, const struct unbound_option *o, struct str action)
{
	struct arena *a = r->rows->arena;
	struct netblock n;
	bool known = parse_netblock(o->values[0], &n);
	struct str name = known ? netblock_text(a, &n) : o->values[0];
	struct row *row = rows_setting(r->rows, &r->seen, name, FROM(o->file, o->line));

	row_str(row, NETBLOCK, name);
	row_str(row, ACTION, action);
	if (!str_starts(action, "allow"))
		row_bool(row, EVERYONE, false);
	else if (known)
		row_bool(row, EVERYONE, is_everyone(&n));
	else
		row_unknown(row, EVERYONE, "whom this lets in is not known");
}

/* A network that only has a view or tags is let in by that. */
static void add_implied(struct reading *r, const struct unbound_option *o)
{
	struct netblock n;
	struct str name = o->values[0];

	if (!str_starts(o->key, "access-control-") && !str_starts(o->key, "interface-"))
		return;
	if (o->n_values < 2 || str_is(o->key, "interface-action"))
		return;
	if (parse_netblock(name, &n))
		name = netblock_text(r->rows->arena, &n);
	if (!map_get(&r->seen, name))
		add_access(r, o, STR("allow"));
}

static int read_unbound_access(struct host *host, struct rows *rows, struct err *err)
{
	struct reading r = {.rows = rows};
	struct unbound_conf conf;
	int code = unbound_conf_read(host, rows->arena, &conf, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	map_init(&r.seen, rows->arena);
	vec_each(&conf.options,
			 o) if (str_is(o->key, "access-control") || str_is(o->key, "interface-action"))
		add_access(&r, o, o->values[1]);
	vec_each(&conf.options, o) add_implied(&r, o);
	if (conf.gap) {
		rows_unsure(rows, ACTION, conf.gap);
		rows_unsure(rows, EVERYONE, conf.gap);
	}
	return 0;
}

static const struct table unbound_access = {
	.name = "unbound_access",
	.doc =
		"Whose questions Unbound answers: the access-control lines of unbound.conf; without any, "
		"those of this host alone",
	.columns = columns,
	.read = read_unbound_access,
	.started = &unbound_started,
};
TABLE(unbound_access);
