/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What openssl.cnf sets for every program that uses libssl and libcrypto: the section that
 * system_default leads to, and which providers are active.
 */
#include "base/map.h"
#include "host/openssl_conf.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "A command of SSL_CONF_cmd(3) (MinProtocol, CipherString, Options), with DTLS. in "
			 "front for "
			 "a version of DTLS; or provider.NAME, which is then activated",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value; yes for a provider. The last line of a key holds",
			   COLUMN_VALUE},
	{0},
};

static const char *const commands[] = {
	"MinProtocol",
	"MaxProtocol",
	"Protocol",
	"CipherString",
	"Ciphersuites",
	"Options",
	"Curves",
	"Groups",
	"SignatureAlgorithms",
	"ClientSignatureAlgorithms",
	"VerifyMode",
	"DHParameters",
	"RecordPadding",
};

struct reader {
	struct rows *rows;
	const struct conf *conf;
	struct map seen; /* rows by key */
};

static bool is_variable(struct str value)
{
	return value.p == openssl_conf_variable;
}

static void put(struct reader *r, const char *key, struct str value, const struct conf_item *item)
{
	struct str name = str_of(arena_strdup(r->rows->arena, key));
	struct row *row = rows_setting(r->rows, &r->seen, name, FROM(item->file, item->line));

	row_str(row, KEY, name);
	if (is_variable(value))
		row_unknown(row, VALUE, "a value with a variable in it");
	else
		row_str(row, VALUE, value);
}

/* The section that the key of another leads to; false: none does, or one that is not known. */
static bool follow(struct reader *r, const char *section, const char *key, char **ret)
{
	const struct conf_item *item = conf_last(r->conf, section, key);

	if (item && is_variable(item->value)) {
		rows_gap(r->rows, "%s:%u: a variable leads on", item->file, item->line);
		return false;
	}
	if (item)
		*ret = str_dup(r->rows->arena, item->value);
	return item != NULL;
}

/* "MinProtocol", with anything in front that a dot ends. */
static const char *command_of(struct str key)
{
	const char *dot = memchr(key.p, '.', key.n);

	if (dot)
		key = (struct str){dot + 1, key.n - (size_t)(dot + 1 - key.p)};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_is_nocase(key, commands[i]))
			return commands[i];
	return NULL;
}

static void read_defaults(struct reader *r, const char *section)
{
	for (size_t i = 0; i < r->conf->n; i++) {
		const struct conf_item *item = &r->conf->items[i];
		const char *command = command_of(item->key);

		if (!command || !str_is(item->section, section))
			continue;
		if (str_ends(str_of(command), "Protocol") && str_starts(item->value, "DTLS"))
			command = arena_printf(r->rows->arena, "DTLS.%s", command);
		put(r, command, item->value, item);
	}
}

/* The value does not count in OpenSSL 3.0, only that the line is there; later "no" means no. */
static void set_activated(struct reader *r, const char *key, const struct conf_item *activate)
{
	static const char *const no[] = {"0", "no", "off", "false"};

	put(r, key, is_variable(activate->value) ? activate->value : STR("yes"), activate);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (str_is_nocase(activate->value, no[i]))
			row_unknown(map_get(&r->seen, str_of(key)), VALUE,
						"OpenSSL 3.0 takes this, too, for a yes");
}

/* The line `activate` of each section, by the section's name. */
static void find_activated(const struct conf *conf, struct map *ret)
{
	for (size_t i = 0; i < conf->n; i++)
		if (str_is(conf->items[i].key, "activate"))
			map_put(ret, conf->items[i].section, &conf->items[i]);
}

/* legacy = legacy_sect, and in that section `activate`. */
static void read_providers(struct reader *r, const char *section)
{
	struct map activated;

	map_init(&activated, r->rows->arena);
	find_activated(r->conf, &activated);
	for (size_t i = 0; i < r->conf->n; i++) {
		const struct conf_item *item = &r->conf->items[i], *activate;
		const char *key;

		if (!str_is(item->section, section))
			continue;
		key = arena_printf(r->rows->arena, "provider.%.*s", STR_ARG(item->key));
		if (is_variable(item->value)) {
			put(r, key, item->value, item);
			continue;
		}
		activate = map_get(&activated, item->value);
		if (activate)
			set_activated(r, key, activate);
	}
}

static int read_openssl(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const paths[] = {"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"};
	struct conf conf = {0};
	struct reader r = {.rows = rows, .conf = &conf};
	char *init, *section;
	int e = -ENOENT;

	for (size_t i = 0; e == -ENOENT && i < ARRAY_LEN(paths); i++)
		e = openssl_conf_read(host, rows->arena, paths[i], &conf, err);
	if (e == -ENOENT || e == -ENOTDIR)
		return 0;
	if (e < 0)
		return e;
	map_init(&r.seen, rows->arena);
	if (follow(&r, "default", "openssl_conf", &init)) {
		if (follow(&r, init, "ssl_conf", &section) &&
			follow(&r, section, "system_default", &section))
			read_defaults(&r, section);
		if (follow(&r, init, "providers", &section))
			read_providers(&r, section);
	}
	if (conf.gap) {
		rows_gap(rows, "%s", conf.gap);
		rows_unsure(rows, VALUE, conf.gap);
	}
	return 0;
}

static const struct table openssl = {
	.name = "openssl",
	.doc = "What openssl.cnf sets for all programs that use OpenSSL; absent: what was decided "
		   "when it was built",
	.columns = columns,
	.read = read_openssl,
};
TABLE(openssl);
