/* SPDX-License-Identifier: Apache-2.0 */
/* Other brokers that mosquitto connects to. */
#include "host/mosquitto.h"
#include "host/settings.h"
#include "host/table.h"

enum { NAME, ADDRESSES, NETWORK, TLS, INSECURE };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Its name, as in `connection`", COLUMN_LABEL},
	[ADDRESSES] = {"addresses", TYPE_LIST, "The brokers, host:port", COLUMN_LABEL},
	[NETWORK] = {"network", TYPE_BOOL, "One of them is on another host", 0},
	[TLS] = {"tls", TYPE_BOOL, "The connection is encrypted, by certificates or a shared key", 0},
	[INSECURE] = {"insecure", TYPE_BOOL, "The name in the broker's certificate is not checked", 0},
	{0},
};

/* Behind the last colon is the port. */
static struct str without_port(struct str s)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;

	return colon ? (struct str){s.p, (size_t)(colon - s.p)} : s;
}

static void add_row(struct rows *rows, const struct mosquitto_bridge *b)
{
	struct row *row = rows_add(rows, b->from);
	bool network = false;

	for (size_t i = 0; i < b->n; i++)
		network = network || settings_is_network(without_port(b->addresses[i]));
	row_str(row, NAME, b->name);
	row_list(row, ADDRESSES, b->addresses, b->n);
	row_bool(row, NETWORK, network);
	row_bool(row, TLS, b->ca || b->psk);
	row_bool(row, INSECURE, b->insecure);
}

static int read_bridges(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct mosquitto m;

	mosquitto_read(host, rows->arena, &m);
	if (m.gap)
		rows_gap(rows, "%s", m.gap);
	for (size_t i = 0; !m.gap && i < m.n_bridges; i++)
		add_row(rows, m.bridges[i]);
	return 0;
}

static const struct table mosquitto_bridges = {
	.name = "mosquitto_bridges",
	.doc = "Other brokers that mosquitto connects to: `connection` in mosquitto.conf and its "
		   "include_dir",
	.columns = columns,
	.read = read_bridges,
	.started = &mosquitto_started,
};
TABLE(mosquitto_bridges);
