/* SPDX-License-Identifier: Apache-2.0 */
/* What is served, reached and forwarded. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "host/site_private.h"

#define MAX_WHAT 64
#define MAX_INTERFACE 15 /* IFNAMSIZ - 1 */

/* --- ports ------------------------------------------------------------------------------- */

void site_ports_print(struct buf *out, struct site_ports ports)
{
	buf_printf(out, "%u", ports.low);
	if (ports.high != ports.low)
		buf_printf(out, "-%u", ports.high);
	buf_puts(out, ports.udp ? "/udp" : "/tcp");
}

static const char *ports_text(struct site_parse *p, struct site_ports ports)
{
	_cleanup_buf_ struct buf text = BUF(64);

	site_ports_print(&text, ports);
	return str_dup(p->arena, buf_get(&text));
}

static int parse_range(struct site_parse *p, struct yaml_at at, struct str text,
					   struct site_ports *ret)
{
	struct str rest = text, low = STR_ABSENT;
	uint64_t from = 0, to = 0;
	int r = str_cut(&rest, '-', &low) ? num_u64(low, 1, 65535, &from) : -EINVAL;

	to = from;
	if (r == 0 && rest.p)
		r = num_u64(rest, 1, 65535, &to);
	if (r < 0 || low.p[0] == '0' || (rest.p && rest.p[0] == '0'))
		return yaml_err(at, p->err,
						"'%.*s' is no port or range of ports: expected 1 to 65535, and the "
						"protocol, as 443/tcp or 60000-61000/udp",
						STR_ARG(text));
	if (to < from)
		return yaml_err(at, p->err, "the range is reversed: write %u-%u/%s", (unsigned)to,
						(unsigned)from, ret->udp ? "udp" : "tcp");
	ret->low = (uint16_t)from;
	ret->high = (uint16_t)to;
	return 0;
}

static int parse_protocol(struct site_parse *p, struct yaml_at at, struct str ports,
						  struct str protocol, struct site_ports *ret)
{
	if (!protocol.p)
		return yaml_err(at, p->err, "'%.*s' has no protocol: write %.*s/tcp or %.*s/udp",
						STR_ARG(ports), STR_ARG(ports), STR_ARG(ports));
	if (str_is(ports, "tcp") || str_is(ports, "udp"))
		return yaml_err(at, p->err, "'%.*s' is the wrong way round: write %.*s/%.*s",
						STR_ARG(yaml_text(at)), STR_ARG(protocol), STR_ARG(ports));
	if (!str_is(protocol, "tcp") && !str_is(protocol, "udp"))
		return yaml_err(at, p->err,
						"'%.*s' is no protocol that has ports here: write %.*s/tcp or "
						"%.*s/udp",
						STR_ARG(protocol), STR_ARG(ports), STR_ARG(ports));
	ret->udp = str_is(protocol, "udp");
	return 0;
}

static int parse_ports(struct site_parse *p, struct yaml_at map, struct site_ports *ret)
{
	struct yaml_at at;
	struct str rest, ports;

	if (!yaml_get(map, "port", &at))
		return yaml_err(map, p->err, "'port' is missing: as 443/tcp or 60000-61000/udp");
	if (yaml_kind(at) == YAML_LIST)
		return yaml_err(at, p->err,
						"expected one port or range, found a list: write a line for each");
	if (yaml_str(at, &rest, p->err) < 0)
		return -EINVAL;
	if (str_has_char(rest, ',') || str_has_char(rest, ' '))
		return yaml_err(at, p->err, "'%.*s': one port or range only; write a line for each",
						STR_ARG(rest));
	(void)str_cut(&rest, '/', &ports);
	if (parse_protocol(p, at, ports, rest, ret) < 0)
		return -EINVAL;
	return parse_range(p, at, ports, ret);
}

/* A line with its ports; `whole` where no other line may be about any of them. */
struct line {
	struct site_ports ports;
	struct yaml_at at;
	bool whole;
};

static int by_port(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ports.udp != y->ports.udp)
		return x->ports.udp ? 1 : -1;
	if (x->ports.low != y->ports.low)
		return x->ports.low < y->ports.low ? -1 : 1;
	return x->at.i < y->at.i ? -1 : 1;
}

static bool overlaps(const struct line *earlier, const struct line *line)
{
	return earlier && earlier->ports.udp == line->ports.udp &&
		   line->ports.low <= earlier->ports.high;
}

static const struct line *further(const struct line *a, const struct line *b)
{
	return overlaps(a, b) && a->ports.high >= b->ports.high ? a : b;
}

/* Two lines about one port, of which one seems to say all: named at the one that stands below. */
static int check_overlaps(struct site_parse *p, struct line *lines, size_t n, const char *rule)
{
	const struct line *any = NULL, *whole = NULL, *a, *b;

	if (n)
		qsort(lines, n, sizeof(*lines), by_port);
	for (size_t i = 0; i < n; i++) {
		b = &lines[i];
		a = overlaps(whole, b) ? whole : b->whole && overlaps(any, b) ? any : NULL;
		if (a && a->at.i > b->at.i) {
			b = a;
			a = &lines[i];
		}
		if (a)
			return yaml_err(b->at, p->err, "%s: line %u has %s already; %s",
							ports_text(p, b->ports), a->at.doc->nodes[a->at.i].line,
							ports_text(p, a->ports), rule);
		any = further(any, b);
		whole = b->whole ? further(whole, b) : whole;
	}
	return 0;
}

/* --- serves ------------------------------------------------------------------------------ */

/* It stands in comments of the ruleset and in messages. */
static int parse_what(struct site_parse *p, struct yaml_at at, struct str *ret)
{
	if (yaml_str(at, ret, p->err) < 0)
		return -EINVAL;
	if (!ret->n || ret->n > MAX_WHAT)
		return yaml_err(at, p->err, "expected a word or two, %d characters at most", MAX_WHAT);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->p[i] < ' ' || ret->p[i] > '~' || ret->p[i] == '"' || ret->p[i] == '\\')
			return yaml_err(at, p->err,
							"expected a word or two in ASCII, without quotes or backslashes");
	return 0;
}

static int parse_tls(struct site_parse *p, struct yaml_at at, struct site_service *s)
{
	static const char *const words[] = {"none", "server", "mutual", NULL};
	unsigned n;

	if (site_parse_word(
			p, at, words,
			"none, server (the server has a certificate) or mutual (its clients have, too)",
			&n) < 0)
		return -EINVAL;
	s->tls = (enum site_tls)(SITE_TLS_NONE + n);
	if (s->ports.udp && s->tls != SITE_TLS_NONE)
		return yaml_err(at, p->err,
						"TLS is spoken over tcp, and this port is udp: leave 'tls' out");
	return 0;
}

static int parse_service(struct site_parse *p, struct yaml_at at, struct site_service *s)
{
	static const char *const keys[] = {"port", "to", "what", "tls", NULL};
	struct yaml_at node;
	int r;

	s->at = at;
	if (yaml_kind(at) != YAML_MAP)
		return yaml_err(at, p->err, "expected {port: 443/tcp, to: world}, found %s",
						yaml_kind_name(at));
	r = yaml_check_keys(at, keys, p->err);
	if (r == 0)
		r = parse_ports(p, at, &s->ports);
	if (r == 0 && !yaml_get(at, "to", &node))
		r = yaml_err(at, p->err, "'to' is missing: world, or a list of networks");
	if (r == 0)
		r = site_parse_peers(p, node, SITE_ALLOW_WORLD, &s->to);
	if (r == 0 && yaml_get(at, "what", &node))
		r = parse_what(p, node, &s->what);
	if (r == 0 && yaml_get(at, "tls", &node))
		r = parse_tls(p, node, s);
	return r;
}

int site_parse_serves(struct site_parse *p, struct yaml_at list)
{
	struct yaml_iter it = yaml_iter(list);
	VEC(struct line) lines = {0};
	int r = site_check_list(p, list, SITE_MAX_LINES);

	p->site->has_serves = true;
	while (r == 0 && yaml_next(&it)) {
		struct site_service *s = vec_push(p->arena, &p->site->serves);

		*s = (struct site_service){0};
		r = parse_service(p, it.value, s);
		*vec_push(p->arena, &lines) = (struct line){s->ports, s->at, true};
	}
	return r == 0 ? check_overlaps(p, lines.p, lines.n, "a port has one line, with all its peers")
				  : r;
}

const struct site_service *site_serves(const struct site_file *site, bool udp, uint64_t port)
{
	vec_each(&site->serves,
			 s) if (s->ports.udp == udp && s->ports.low <= port && port <= s->ports.high) return s;
	return NULL;
}

/* --- reaches ----------------------------------------------------------------------------- */

static int parse_reach_word(struct site_parse *p, struct yaml_at at, struct site_reach *reach)
{
	static const char *const words[] = {"dns", "ntp", "apt", "icmp", NULL};
	unsigned n;

	if (site_parse_word(p, at, words, "dns, ntp, apt, icmp, or {port: 443/tcp, to: [...]}", &n) < 0)
		return -EINVAL;
	reach->kind = (enum site_reach_kind)(SITE_REACH_DNS + n);
	for (size_t i = 0; i + 1 < p->site->reaches.n; i++)
		if (p->site->reaches.p[i].kind == reach->kind)
			return yaml_err(at, p->err, "'%s' is in this list already", words[n]);
	return 0;
}

static int parse_reach(struct site_parse *p, struct yaml_at at, struct site_reach *reach)
{
	static const char *const keys[] = {"port", "to", NULL};
	struct yaml_at to;

	reach->at = at;
	if (yaml_kind(at) != YAML_MAP)
		return parse_reach_word(p, at, reach);
	reach->kind = SITE_REACH_PORTS;
	if (yaml_check_keys(at, keys, p->err) < 0 || parse_ports(p, at, &reach->ports) < 0)
		return -EINVAL;
	if (!yaml_get(at, "to", &to))
		return yaml_err(at, p->err, "'to' is missing: world, or a list of networks and hosts");
	return site_parse_peers(p, to, SITE_ALLOW_WORLD | SITE_ALLOW_HOSTS | SITE_ALLOW_MULTICAST,
							&reach->to);
}

int site_parse_reaches(struct site_parse *p, struct yaml_at list)
{
	struct yaml_iter it = yaml_iter(list);
	VEC(struct line) lines = {0};
	int r = site_check_list(p, list, SITE_MAX_LINES);

	p->site->has_reaches = true;
	while (r == 0 && yaml_next(&it)) {
		struct site_reach *reach = vec_push(p->arena, &p->site->reaches);

		*reach = (struct site_reach){0};
		r = parse_reach(p, it.value, reach);
		if (reach->kind == SITE_REACH_PORTS)
			*vec_push(p->arena, &lines) = (struct line){reach->ports, reach->at, reach->to.world};
	}
	return r == 0
			   ? check_overlaps(p, lines.p, lines.n, "what goes to world goes to the others, too")
			   : r;
}

/* --- forwards ---------------------------------------------------------------------------- */

static int parse_interface(struct site_parse *p, struct yaml_at at, struct str *ret)
{
	struct str s = *ret = yaml_text(at);
	bool fits = s.n && s.n <= MAX_INTERFACE;

	for (size_t i = 0; fits && i < s.n; i++)
		fits = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			   (s.p[i] >= '0' && s.p[i] <= '9') || (i && strchr("-_.@", s.p[i]));
	return fits ? 0
				: yaml_err(at, p->err,
						   "'%.*s' is neither an interface nor a network: expected wg0, a "
						   "name of 'networks', an address or world",
						   STR_ARG(s));
}

static int parse_end(struct site_parse *p, struct yaml_at map, const char *key,
					 struct site_end *ret)
{
	unsigned allowed = SITE_ALLOW_WORLD | (str_is(STR("to"), key) ? SITE_ALLOW_MULTICAST : 0);
	struct yaml_at at;
	struct str text;

	if (!yaml_get(map, key, &at))
		return yaml_err(map, p->err, "'%s' is missing: an interface, networks or world", key);
	if (yaml_kind(at) != YAML_SCALAR)
		return site_parse_peers(p, at, allowed, &ret->peers);
	if (yaml_str(at, &text, p->err) < 0)
		return -EINVAL;
	return site_is_peer(p, text) ? site_parse_peers(p, at, allowed, &ret->peers)
								 : parse_interface(p, at, &ret->interface);
}

static int parse_forward(struct site_parse *p, struct yaml_at at, struct site_forward *f)
{
	static const char *const keys[] = {"from", "to", "port", NULL};
	struct yaml_at port;
	int r;

	f->at = at;
	if (yaml_kind(at) != YAML_MAP)
		return yaml_err(at, p->err, "expected {from: wg0, to: eth1, port: 443/tcp}, found %s",
						yaml_kind_name(at));
	r = yaml_check_keys(at, keys, p->err);
	if (r == 0)
		r = parse_end(p, at, "from", &f->from);
	if (r == 0)
		r = parse_end(p, at, "to", &f->to);
	if (r == 0 && f->from.peers.world && f->to.peers.world)
		r = yaml_err(at, p->err,
					 "from world to world is every packet: name an interface or networks at "
					 "one end");
	f->has_ports = yaml_get(at, "port", &port);
	return r == 0 && f->has_ports ? parse_ports(p, at, &f->ports) : r;
}

int site_parse_forwards(struct site_parse *p, struct yaml_at list)
{
	struct yaml_iter it = yaml_iter(list);
	int r = site_check_list(p, list, SITE_MAX_LINES);

	while (r == 0 && yaml_next(&it)) {
		struct site_forward *f = vec_push(p->arena, &p->site->forwards);

		*f = (struct site_forward){0};
		r = parse_forward(p, it.value, f);
	}
	return r;
}
