/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_writer.h"

#include <sys/socket.h>

#include "host/nft_text.h"

#define MAX_COMMENT 120 /* nft takes 128 bytes */

const char *const site_ip[2] = {"ip", "ip6"};
const char *const site_types[2] = {"ipv4_addr", "ipv6_addr"};

/* --- where it stands ---------------------------------------------------------------------------- */

unsigned site_line(struct yaml_at at)
{
	return at.doc ? at.doc->nodes[at.i].line : 0;
}

static const char *file_of(struct yaml_at at)
{
	const char *name = at.doc && at.doc->name ? at.doc->name : "site.yaml";
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

const char *writer_comment(struct writer *w, struct yaml_at at, const char *text)
{
	char *comment = arena_printf(w->arena, "%s:%u: %s", file_of(at), site_line(at), text);
	size_t n = MIN(strlen(comment), (size_t)MAX_COMMENT);

	for (size_t i = 0; i < n; i++)
		if (comment[i] < ' ' || comment[i] > '~' || comment[i] == '"' || comment[i] == '\\')
			comment[i] = '?';
	comment[n] = '\0';
	return comment;
}

/* --- sets --------------------------------------------------------------------------------------- */

/* Two lines of the site may stand on one line of its file; their sets must not become one. */
static const char *unique(struct writer *w, const char *name)
{
	const char *text = name;

	for (unsigned i = 2; map_get(&w->names, str_of(text)); i++)
		text = arena_printf(w->arena, "%s_%u", name, i);
	map_put(&w->names, str_of(text), w);
	return text;
}

/* The set of these elements, made when there is none yet. Single values are looked up at once, ranges
 * step by step. */
static const char *set_of(struct writer *w, const char *type, struct str elements, const char *name,
						  const char *comment)
{
	bool ranges = str_has_char(elements, '-') || str_has_char(elements, '/');
	size_t n = strlen(type), length = n + 1 + elements.n;
	char *key = arena_raw(w->arena, length);
	const char *known;

	memcpy(key, type, n + 1);
	memcpy(key + n + 1, elements.p, elements.n);
	known = map_get(&w->by_content, (struct str){key, length});
	if (known)
		return known;
	name = unique(w, name);
	known = arena_printf(w->arena, "@%s", name);
	map_put(&w->by_content, (struct str){key, length}, (void *)(uintptr_t)known);
	buf_printf(&w->sets, "\tset %s {\n\t\ttype %s\n%s\t\tcomment \"%s\"\n", name, type,
			   ranges ? "\t\tflags interval\n" : "", comment);
	buf_puts(&w->sets, "\t\telements = { ");
	buf_str(&w->sets, elements);
	buf_puts(&w->sets, " }\n\t}\n\n");
	return known;
}

const char *writer_set(struct writer *w, struct nft_ranges *r, const char *type, const char *name,
					   const char *comment)
{
	_cleanup_buf_ struct buf text = BUF(NFT_TEXT_MAX);

	nft_ranges_join(r);
	if (!r->list.n)
		return NULL;
	if (nft_ranges_are_all(r))
		return "";
	nft_ranges_print(&text, r);
	if (text.full) {
		w->sets.full = true;
		return "";
	}
	if (r->list.n == 1)
		return arena_copy(w->arena, text.p, text.n);
	return set_of(w, type, buf_get(&text), name, comment);
}

/* The name that the site gives to just these, if it does. */
static const struct site_named *named(const struct writer *w, const struct site_peers *peers)
{
	for (size_t i = 0; i < w->site->networks.n; i++)
		if (w->site->networks.p[i].peers.networks.p == peers->networks.p)
			return &w->site->networks.p[i];
	return NULL;
}

struct whom writer_peers(struct writer *w, const struct site_peers *peers, const char *name,
						 const char *comment)
{
	const struct str key = {(const char *)&peers->networks, sizeof(void *) + sizeof(size_t)};
	struct whom *known = peers->networks.n ? map_get(&w->by_list, key) : NULL;
	struct nft_ranges ranges[2] = {{.width = 4}, {.width = 16}};
	const struct site_named *net = peers->networks.n && !known ? named(w, peers) : NULL;

	if (known)
		return *known;
	if (net) {
		name = arena_printf(w->arena, "net_%.*s", STR_ARG(net->name));
		comment = writer_comment(w, net->at, str_dup(w->arena, net->name));
	}
	known = arena_new(w->arena, struct whom, 1);
	known->world = peers->world;
	for (size_t i = 0; i < peers->networks.n; i++) {
		const struct site_network *one = &peers->networks.p[i];

		nft_ranges_add_network(w->arena, &ranges[one->family == AF_INET6], one->address,
							   one->prefix);
	}
	for (int v = 0; v < 2; v++)
		known->match[v] = writer_set(w, &ranges[v], site_types[v],
									 arena_printf(w->arena, "%s_v%d", name, v ? 6 : 4), comment);
	if (peers->networks.n)
		map_put(&w->by_list, (struct str){arena_copy(w->arena, key.p, key.n), key.n}, known);
	return *known;
}

/* --- rules -------------------------------------------------------------------------------------- */

void writer_rule(struct writer *w, const char *text, const char *comment)
{
	buf_printf(&w->rules, "\t\t%s", text);
	if (comment)
		buf_printf(&w->rules, " comment \"%s\"", comment);
	buf_putc(&w->rules, '\n');
}

const char *writer_side(struct writer *w, const struct whom *who, int v, const char *side)
{
	if (!who->match[v])
		return NULL;
	if (!*who->match[v])
		return v ? "meta nfproto ipv6 " : "meta nfproto ipv4 ";
	return arena_printf(w->arena, "%s %s %s ", site_ip[v], side, who->match[v]);
}

void writer_rule_for(struct writer *w, const struct whom *who, const char *side, const char *text,
					 const char *comment)
{
	if (who->world)
		writer_rule(w, text, comment);
	for (int v = 0; v < 2 && !who->world; v++) {
		const char *condition = writer_side(w, who, v, side);

		if (condition)
			writer_rule(w, arena_printf(w->arena, "%s%s", condition, text), comment);
	}
}

const char *writer_ports(struct writer *w, struct site_ports p)
{
	return p.low == p.high ? arena_printf(w->arena, "%u", p.low)
						   : arena_printf(w->arena, "%u-%u", p.low, p.high);
}

const char *site_protocol(struct site_ports p)
{
	return p.udp ? "udp" : "tcp";
}

void writer_begin_chain(struct writer *w, const char *name, const char *hook, const char *priority,
						const char *policy)
{
	buf_printf(&w->rules, "\tchain %s {\n", name);
	if (hook)
		buf_printf(&w->rules, "\t\ttype filter hook %s priority %s; policy %s;\n", hook, priority,
				   policy);
}

void writer_end_chain(struct writer *w)
{
	buf_puts(&w->rules, "\t}\n\n");
}
