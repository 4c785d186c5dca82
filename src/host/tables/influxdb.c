/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of InfluxDB: influxdb.conf of version 1, config.toml of version 2, and what the
 * environment of the service says instead. */
#include "base/buf.h"
#include "host/conf.h"
#include "host/settings.h"

static const struct column columns[] = {
	SETTINGS_COLUMNS("Its configuration file", 0),
	{0},
};

static const struct version {
	const char *path, *environment, *prefix,
		*address; /* address: the key of where clients connect */
	const char *const (*defaults)[2];
} versions[] = {
	{"/etc/influxdb/influxdb.conf", "/etc/default/influxdb", "INFLUXDB_", "http.bind-address",
	 (const char *const[][2]){{"http.enabled", "true"},
							  {"http.auth-enabled", "false"},
							  {"http.bind-address", ":8086"},
							  {"http.https-enabled", "false"},
							  {"http.pprof-auth-enabled", "false"},
							  {"bind-address", "127.0.0.1:8088"},
							  {NULL, NULL}}},
	{"/etc/influxdb/config.toml", "/etc/default/influxdb2", "INFLUXD_", "http-bind-address",
	 (const char *const[][2]){{"http-bind-address", ":8086"},
							  {"tls-cert", ""},
							  {"tls-key", ""},
							  {"pprof-disabled", "false"},
							  {NULL, NULL}}},
};

/* "text", 'text', or a number or truth value, with a comment behind it. */
static struct str plain_value(struct str s)
{
	struct str value = s;

	if (s.n && (s.p[0] == '"' || s.p[0] == '\'')) {
		char quote = s.p[0];

		s.p++, s.n--;
		(void)str_cut(&s, quote, &value);
		return value;
	}
	(void)str_cut(&s, '#', &value);
	return str_trim(value);
}

static struct str key_of(struct arena *a, struct str section, struct str key)
{
	if (!section.n)
		return key;
	return str_of(arena_printf(a, "%.*s.%.*s", STR_ARG(section), STR_ARG(key)));
}

static void read_text(struct settings *s, struct str text, const char *path)
{
	struct str line, section = STR(""), key;
	unsigned number = 0;

	while (str_line(&text, &line)) {
		number++;
		line = str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (str_skip(&line, "[")) {
			/* Of "[[graphite]]" there may be several, which are none of ours. */
			(void)str_cut(&line, ']', &section);
			section = str_trim(section);
		} else if (str_has_char(line, '=') && str_cut(&line, '=', &key)) {
			settings_put(s, key_of(s->arena, section, plain_value(str_trim(key))),
						 plain_value(str_trim(line)), FROM(path, number));
		}
	}
}

/* Is the variable the setting's? INFLUXDB_HTTP_AUTH_ENABLED is http.auth-enabled. */
static bool is_variable_of(struct str variable, const char *key)
{
	size_t n = strlen(key);

	if (variable.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = key[i] == '.' || key[i] == '-' ? '_' : key[i];

		if (variable.p[i] != (c >= 'a' && c <= 'z' ? c - 32 : c))
			return false;
	}
	return true;
}

static void read_environment(struct host *host, struct settings *s, const struct version *v)
{
	struct conf conf = {0};
	struct err err = {0};
	int r = conf_read(host, s->arena, v->environment, CONF_EQUALS, &conf, &err);

	if (r < 0 && r != -ENOENT)
		settings_gap(s, "%s", err.msg);
	for (size_t i = 0; i < conf.n; i++) {
		const struct conf_item *item = &conf.items[i];
		struct str variable = item->key;

		if (!str_skip(&variable, v->prefix))
			continue;
		for (size_t k = 0; v->defaults[k][0]; k++)
			if (is_variable_of(variable, v->defaults[k][0]))
				settings_put(s, str_of(v->defaults[k][0]), plain_value(item->value),
							 FROM(item->file, item->line));
	}
}

/* ":8086" is every address. */
static bool is_network(struct str address)
{
	const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;

	if (colon)
		address.n = (size_t)(colon - address.p);
	if (str_starts(address, "[") && str_ends(address, "]"))
		address = (struct str){address.p + 1, address.n - 2};
	return !address.n || settings_is_network(address);
}

static int read_influxdb(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const program[] = {"influxd", NULL};

	for (size_t i = 0; settings_has_program(host, program) && i < ARRAY_LEN(versions); i++) {
		const struct version *v = &versions[i];
		struct settings s;
		struct str text;
		int r = settings_read(host, rows->arena, v->path, &text, err);

		if (r == -ENOENT)
			continue;
		settings_init(&s, rows->arena);
		if (r < 0)
			settings_gap(&s, "%s", err->msg);
		else
			read_text(&s, text, v->path);
		read_environment(host, &s, v);
		settings_defaults(&s, v->defaults);
		settings_rows(rows, &s, v->path, v->path, is_network(settings_get(&s, v->address)));
	}
	return 0;
}

static const struct table influxdb = {
	.name = "influxdb",
	.doc =
		"Settings of InfluxDB, from /etc/influxdb and the environment of its service, as the next "
		"start would take them",
	.columns = columns,
	.read = read_influxdb,
	.loaded = LOADED_BY(.units = STARTED("influxdb.service", "influxd.service"), .at_start = true),
	.started =
		&(const struct started){
			.programs = STARTED("influxd", "influxd-systemd-start.sh"),
			.units = STARTED("influxdb.service", "influxd.service"),
			.usual = STARTED("run", "-config /etc/influxdb/influxdb.conf", "-pidfile *"),
			.variables = STARTED("INFLUXD_*", "INFLUXDB_*"),
			.followed = STARTED("/etc/default/influxdb", "/etc/default/influxdb2"),
		},
	.multi = true,
};
TABLE(influxdb);
