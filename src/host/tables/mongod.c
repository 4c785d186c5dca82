/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of MongoDB's server, /etc/mongod.conf. */
#include "base/buf.h"
#include "base/yaml.h"
#include "host/settings.h"

#define MAX_NAME 1024

static const struct column columns[] = {
	SETTINGS_COLUMNS("Its configuration file", 0),
	{0},
};

static const char *const defaults[][2] = {
	{"net.bindIp", "localhost"},
	{"net.bindIpAll", "false"},
	{"net.port", "27017"},
	{"net.tls.mode", "disabled"},
	{"security.authorization", "disabled"},
	{"security.javascriptEnabled", "true"},
	{NULL, NULL},
};

static void add_value(struct settings *s, struct str key, struct yaml_at at, const char *path);

/* Names with dots between: security.authorization. */
static void add_map(struct settings *s, struct str prefix, struct yaml_at map, const char *path)
{
	struct yaml_iter it = yaml_iter(map);

	while (yaml_next(&it)) {
		_cleanup_buf_ struct buf key = BUF(MAX_NAME);

		if (prefix.n) {
			buf_str(&key, prefix);
			buf_putc(&key, '.');
		}
		if (buf_str(&key, yaml_text(it.key)) < 0)
			settings_gap(s, "%s: a name is too long", path);
		else
			add_value(s, (struct str){str_dup(s->arena, buf_get(&key)), key.n}, it.value, path);
	}
}

static void add_value(struct settings *s, struct str key, struct yaml_at at, const char *path)
{
	if (str_ends(key, "__exec") || str_ends(key, "__rest"))
		settings_gap(s, "%s: %.*s says what only its start can tell", path, STR_ARG(key));
	else if (yaml_kind(at) == YAML_MAP)
		add_map(s, key, at, path);
	else if (yaml_kind(at) == YAML_SCALAR && !yaml_is_null(at))
		settings_put(s, key, yaml_text(at), FROM(path, at.doc->nodes[at.i].line));
}

static bool is_network(const struct settings *s)
{
	struct str addresses = settings_get(s, "net.bindIp"), address;
	bool all = str_is_nocase(settings_get(s, "net.bindIpAll"), "true");

	while (!all && str_cut(&addresses, ',', &address))
		all = str_is(str_trim(address), "*") || settings_is_network(str_trim(address));
	return all;
}

/* What one setting does to another: a key file or certificates between members switch it on, while the
 * members change over to it nobody is asked, and `ssl` was the name of `tls` before 4.2. */
static void infer(struct settings *s)
{
	const struct setting *key_file = settings_find(s, "security.keyFile");
	const struct setting *old = settings_find(s, "net.ssl.mode");
	const struct setting *transition = settings_find(s, "security.transitionToAuth");

	if (!key_file && str_has(settings_get(s, "security.clusterAuthMode"), "x509"))
		key_file = settings_find(s, "security.clusterAuthMode");
	if (key_file && !settings_find(s, "security.authorization"))
		settings_put(s, STR("security.authorization"), STR("enabled"), key_file->from);
	if (transition && str_is_nocase(transition->value, "true"))
		settings_put(s, STR("security.authorization"), STR("disabled"), transition->from);
	if (old && !settings_find(s, "net.tls.mode"))
		settings_put(s, STR("net.tls.mode"),
					 str_is_nocase(old->value, "requireSSL")  ? STR("requireTLS")
					 : str_is_nocase(old->value, "preferSSL") ? STR("preferTLS")
					 : str_is_nocase(old->value, "allowSSL")  ? STR("allowTLS")
															  : old->value,
					 old->from);
}

static int read_mongod(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const program[] = {"mongod", NULL};
	static const char *const paths[] = {"/etc/mongod.conf", "/etc/mongodb.conf"};

	for (size_t i = 0; settings_has_program(host, program) && i < ARRAY_LEN(paths); i++) {
		struct settings s;
		struct str text;
		struct yaml doc;
		int r = settings_read(host, rows->arena, paths[i], &text, err);

		if (r == -ENOENT)
			continue;
		settings_init(&s, rows->arena);
		if (r < 0 || yaml_parse(text, paths[i], rows->arena, &doc, err) < 0)
			settings_gap(&s, "%s", err->msg);
		else if (yaml_kind(YAML_ROOT(&doc)) != YAML_MAP && !yaml_is_null(YAML_ROOT(&doc)))
			settings_gap(&s, "%s: is of the form before MongoDB 2.6", paths[i]);
		else
			add_map(&s, STR(""), YAML_ROOT(&doc), paths[i]);
		infer(&s);
		settings_defaults(&s, defaults);
		settings_rows(rows, &s, paths[i], paths[i], is_network(&s));
	}
	return 0;
}

static const struct table mongod = {
	.name = "mongod",
	.doc = "Settings of MongoDB's server, from /etc/mongod.conf, as the next start would take them",
	.columns = columns,
	.read = read_mongod,
	.loaded = LOADED_BY(.units = STARTED("mongod.service", "mongodb.service"), .at_start = true),
	.started =
		&(const struct started){
			.programs = STARTED("mongod"),
			.units = STARTED("mongod.service", "mongodb.service"),
			.needed = STARTED("--config /etc/mongod.conf", "-f /etc/mongod.conf",
							  "--config=/etc/mongod.conf", "--config /etc/mongodb.conf",
							  "-f /etc/mongodb.conf"),
			.usual = STARTED("--fork", "--quiet", "--unixSocketPrefix=*"),
		},
	.multi = true,
};
TABLE(mongod);
