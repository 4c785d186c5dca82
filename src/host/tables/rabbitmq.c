/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of RabbitMQ, in its format of "key = value" lines. What is set in Erlang's own terms, or
 * tells it to read other files, makes all of them unknown.
 */
#include "host/settings.h"

#define DIR "/etc/rabbitmq"
#define MAIN DIR "/rabbitmq.conf"

static const struct column columns[] = {
	SETTINGS_COLUMNS("Its configuration file", 0),
	{0},
};

/* Any value, up to a '#' wherever it stands. */
static void read_line(struct settings *s, struct from from, struct str line)
{
	struct str plain = STR(""), key = STR("");

	(void)str_cut(&line, '#', &plain);
	plain = str_trim(plain);
	if (!plain.n)
		return;
	if (!str_has_char(plain, '=')) {
		settings_gap(s, "%s:%u: what this is is not known", from.path, from.line);
		return;
	}
	(void)str_cut(&plain, '=', &key);
	settings_put(s, str_trim(key), str_trim(plain), from);
}

static void read_file(struct host *host, struct settings *s, const char *path)
{
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;
	int r = settings_read(host, s->arena, path, &text, &err);

	if (r < 0 && r != -ENOENT)
		settings_gap(s, "%s", err.msg);
	while (r == 0 && str_line(&text, &line))
		read_line(s, FROM(path, ++number), line);
}

static void read_dropins(struct host *host, struct settings *s)
{
	struct str *files;
	struct err err = {0};
	size_t n;
	int r = host_list_files(host, DIR "/conf.d", ".conf", s->arena, &files, &n, &err);

	if (r < 0)
		settings_gap(s, "%s", err.msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_file(host, s, str_dup(s->arena, files[i]));
}

/* Erlang's terms are not read. */
static void check_terms(struct host *host, struct settings *s)
{
	static const char *const files[] = {DIR "/advanced.config", DIR "/rabbitmq.config"};
	struct path_stat st;
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int r = host_stat(host, files[i], true, &st, &err);

		if (r == 0)
			settings_gap(s, "%s is not looked at", files[i]);
		else if (r != -ENOENT)
			settings_gap(s, "%s", err.msg);
	}
}

/* Shell files that may name other configurations, addresses and arguments. */
static void check_environment(struct host *host, struct settings *s)
{
	static const char *const files[] = {DIR "/rabbitmq-env.conf", "/etc/default/rabbitmq-server"};
	static const char *const names[] = {"CONFIG", "ARGS", "NODE_IP_ADDRESS", "NODE_PORT",
										"CONF_ENV"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct str text, line;
		struct err err = {0};
		unsigned number = 0;
		int r = settings_read(host, s->arena, files[i], &text, &err);

		if (r < 0 && r != -ENOENT)
			settings_gap(s, "%s", err.msg);
		while (r == 0 && str_line(&text, &line)) {
			number++;
			line = str_trim(line);
			for (size_t k = 0; !str_starts(line, "#") && k < ARRAY_LEN(names); k++)
				if (str_has(line, names[k]))
					settings_gap(s, "%s:%u sets more than the usual files", files[i], number);
		}
	}
}

static bool has_prefix(const struct settings *s, const char *prefix)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_starts(s->p[i]->key, prefix))
			return true;
	return false;
}

/* Of "5672", "127.0.0.1:5672", "::1:5672", "none". */
static bool is_network(const struct settings *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		struct str value = s->p[i]->value;
		const char *colon = value.n ? memrchr(value.p, ':', value.n) : NULL;

		if (!str_starts(s->p[i]->key, "listeners."))
			continue;
		any = any || str_starts(s->p[i]->key, "listeners.tcp");
		if (str_is(value, "none"))
			continue;
		if (!colon || settings_is_network((struct str){value.p, (size_t)(colon - value.p)}))
			return true;
	}
	return !any;
}

static int read_rabbitmq(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const program[] = {"rabbitmq-server", NULL};
	static const char *const guest[][2] = {{"loopback_users.guest", "true"}, {NULL, NULL}};
	struct settings s;

	if (!settings_has_program(host, program))
		return 0;
	settings_init(&s, rows->arena);
	read_file(host, &s, MAIN);
	read_dropins(host, &s);
	check_terms(host, &s);
	check_environment(host, &s);
	/* A list of one's own takes the place of guest. */
	if (!has_prefix(&s, "loopback_users"))
		settings_defaults(&s, guest);
	settings_rows(rows, &s, MAIN, MAIN, is_network(&s));
	return 0;
}

static const struct table rabbitmq = {
	.name = "rabbitmq",
	.doc =
		"Settings of RabbitMQ, from " MAIN " and " DIR "/conf.d, as its next start would take them",
	.columns = columns,
	.read = read_rabbitmq,
	.loaded = LOADED_BY(.units = STARTED("rabbitmq-server.service"), .at_start = true),
	.started =
		&(const struct started){
			.programs = STARTED("rabbitmq-server"),
			.units = STARTED("rabbitmq-server.service"),
			.variables = STARTED("RABBITMQ_CONFIG_FILE*", "RABBITMQ_ADVANCED_CONFIG_FILE",
								 "RABBITMQ_CONF_ENV_FILE", "RABBITMQ_NODE_IP_ADDRESS",
								 "RABBITMQ_SERVER_*ARGS"),
		},
};
TABLE(rabbitmq);
