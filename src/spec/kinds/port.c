/* SPDX-License-Identifier: Apache-2.0 */
/* tcp:22, tcp6:22, udp:53, udp6:53: what is bound to the port, of one family of addresses. */
#include "base/num.h"
#include "spec/lookup.h"

enum { LISTENING, IP, PORT };

static const struct attribute attributes[] = {
	[LISTENING] = {"listening", EXPECTED, .required = true},
	[IP] = {"ip", EXPECTED},
	[PORT] = {"port", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r _unused_, struct snapshot *s)
{
	want_table(s, "listeners");
}

static int parse(struct str name, bool *ret_tcp, bool *ret_v6, unsigned *ret_port, struct err *err)
{
	struct str port = name, protocol;

	if (!str_has_char(name, ':'))
		protocol = STR("tcp");
	else
		(void)str_cut(&port, ':', &protocol);
	*ret_v6 = str_is(protocol, "tcp6") || str_is(protocol, "udp6");
	*ret_tcp = str_starts(protocol, "tcp");
	if ((!*ret_v6 && !str_is(protocol, "tcp") && !str_is(protocol, "udp")) ||
		num_port(port, ret_port) < 0)
		return err_set(err, EINVAL,
					   "'%.*s' is no port: expected tcp:22, tcp6:22, udp:53 or udp6:53",
					   STR_ARG(name));
	return 0;
}

static int find_addresses(struct finding *f, struct datum *ret, struct err *err)
{
	VEC(struct str) addresses = {0};
	const struct rows *rows;
	struct datum number;
	unsigned port;
	bool tcp, v6;
	int r = parse(f->resource->name, &tcp, &v6, &port, err);

	if (r == 0)
		r = find_rows(f, "listeners", &rows, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows->n; i++)
		if (find_cell(f, rows, rows->p[i], "port", &number, err) == 0 && number.number == port &&
			str_is(cell_text(rows, rows->p[i], "protocol"), tcp ? "tcp" : "udp") &&
			str_is(cell_text(rows, rows->p[i], "family"), v6 ? "ipv6" : "ipv4"))
			*vec_push(f->arena, &addresses) = cell_text(rows, rows->p[i], "address");
	if (!addresses.n && rows->gap)
		return err_set(err, ENODATA, "%s", rows->gap);
	*ret = datum_texts(f->arena, addresses.p, addresses.n);
	return 0;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	struct datum addresses;
	int r = find_addresses(f, &addresses, err);

	if (r < 0)
		return r;
	*ret = attribute == LISTENING ? DATUM_YES(addresses.list.n > 0) : addresses;
	return 0;
}

static const struct kind port_kind = {"port",        "Port",       attributes,  .subject = "port",
									  .gated = true, .want = want, .find = find};
KIND(port_kind);
