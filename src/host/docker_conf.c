/* SPDX-License-Identifier: Apache-2.0 */
#include "host/docker_conf.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "host/envfile.h"
#include "host/json_file.h"
#include "host/secret.h"
#include "host/started.h"
#include "host/unitfile.h"

#define DAEMON_JSON "/etc/docker/daemon.json"
#define MAX_SETTINGS 4096
#define MAX_ARGUMENTS 1024
#define MAX_VALUE 4096

struct reader {
	struct host *host;
	struct arena *arena;
	struct docker_conf *conf;
	const char *config_file;
	VEC(struct str) arguments;
	struct from from; /* of the arguments */
};

static void gap(struct reader *r, const char *why)
{
	if (!r->conf->gap)
		r->conf->gap = arena_strdup(r->arena, why);
}

/* An option that is given several times adds to its list. */
static void put(struct reader *r, struct str key, struct str value, struct from from)
{
	struct docker_setting *s;

	if (secret_is_name(key))
		value = STR(SECRET_MASK);
	vec_each(&r->conf->all, old)
	{
		if (!str_eq(old->key, key))
			continue;
		if (old->value.n + value.n < MAX_VALUE)
			old->value = str_of(arena_printf(r->arena, "%s %s", str_dup(r->arena, old->value),
											 str_dup(r->arena, value)));
		else
			gap(r, "an option of Docker's is given too often");
		return;
	}
	if (r->conf->all.n >= MAX_SETTINGS) {
		gap(r, "over 4096 settings of Docker's");
		return;
	}
	s = vec_push(r->arena, &r->conf->all);
	*s = (struct docker_setting){key, value, from};
}

/* --- daemon.json ------------------------------------------------------------------------------- */

static void put_json_text(const json_t *json, struct buf *out)
{
	char *dumped;

	if (json_is_string(json)) {
		buf_add(out, json_string_value(json), json_string_length(json));
		return;
	}
	dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	buf_puts(out, dumped ? dumped : "");
	free(dumped);
}

static struct str json_text(struct reader *r, const json_t *json)
{
	_cleanup_buf_ struct buf out = BUF(JSON_FILE_MAX * 6);
	const json_t *item;
	size_t i;

	if (!json_is_array(json))
		put_json_text(json, &out);
	json_array_foreach(json, i, item)
	{
		if (i)
			buf_putc(&out, ' ');
		put_json_text(item, &out);
	}
	return (struct str){str_dup(r->arena, buf_get(&out)), out.n};
}

/* One level of objects has names of its own; what is in these stays JSON. */
static void put_members(struct reader *r, const char *path, json_t *object)
{
	const char *key, *inner;
	json_t *value, *item;

	json_object_foreach(object, key, value)
	{
		struct from from = FROM(path, 0);

		if (!json_is_object(value))
			put(r, str_of(arena_strdup(r->arena, key)), json_text(r, value), from);
		json_object_foreach(value, inner, item)
		{
			put(r, str_of(arena_printf(r->arena, "%s.%s", key, inner)), json_text(r, item), from);
		}
	}
}

static void read_json(struct reader *r)
{
	const char *path = r->config_file ? r->config_file : DAEMON_JSON;
	_cleanup_json_ json_t *json = NULL;
	struct err err = {0};
	int e = json_file_read(r->host, path, r->arena, &json, &err);

	if (e == -ENOENT || e == -ENOTDIR)
		return;
	if (e < 0)
		gap(r, err.msg);
	else if (!json_is_object(json))
		gap(r, arena_printf(r->arena, "%s: not an object", path));
	else
		put_members(r, path, json);
}

/* --- options ----------------------------------------------------------------------------------- */

/* Options whose name in daemon.json is another. */
static const struct {
	const char *option, *key;
	bool pairs; /* the value is NAME=VALUE, of an object there */
} renamed[] = {
	{"-H", "hosts", false},
	{"-D", "debug", false},
	{"-G", "group", false},
	{"-g", "data-root", false},
	{"-b", "bridge", false},
	{"-s", "storage-driver", false},
	{"-l", "log-level", false},
	{"-p", "pidfile", false},
	{"--host", "hosts", false},
	{"--graph", "data-root", false},
	{"--insecure-registry", "insecure-registries", false},
	{"--registry-mirror", "registry-mirrors", false},
	{"--label", "labels", false},
	{"--authorization-plugin", "authorization-plugins", false},
	{"--storage-opt", "storage-opts", false},
	{"--exec-opt", "exec-opts", false},
	{"--log-opt", "log-opts", true},
	{"--default-ulimit", "default-ulimits", true},
};

/* Options that stand alone: no value follows them. */
static bool is_switch(struct str key)
{
	return str_is_one_of(key, NAMES("debug", "experimental", "help", "icc", "init", "ip-forward",
									"ip-masq", "iptables", "ip6tables", "ipv6", "live-restore",
									"no-new-privileges", "raw-logs", "rootless", "tls", "version",
									"selinux-enabled", "tlsverify", "userland-proxy", "validate",
									"disable-legacy-registry", "allow-direct-routing"));
}

static struct str key_of(struct str option, bool *ret_pairs)
{
	*ret_pairs = false;
	for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
		if (str_is(option, renamed[i].option)) {
			*ret_pairs = renamed[i].pairs;
			return str_of(renamed[i].key);
		}
	return str_skip(&option, "--") && option.n ? option : STR_ABSENT;
}

static void put_option(struct reader *r, struct str key, struct str value, bool pairs)
{
	struct str name;

	if (str_is(key, "config-file")) {
		r->config_file = str_dup(r->arena, value);
		return;
	}
	if (pairs && str_has_char(value, '=')) {
		str_cut(&value, '=', &name);
		key = str_of(
			arena_printf(r->arena, "%s.%s", str_dup(r->arena, key), str_dup(r->arena, name)));
	}
	put(r, key, secret_masked_urls(r->arena, value), r->from);
}

static void read_options(struct reader *r)
{
	for (size_t i = 0; i < r->arguments.n; i++) {
		struct str value = r->arguments.p[i], option, key;
		bool pairs;

		if (!str_starts(value, "--") && str_starts(value, "-") && value.n > 2) {
			option = (struct str){value.p, 2}; /* -Htcp://... */
			value = (struct str){value.p + 2, value.n - 2};
			str_skip(&value, "=");
		} else {
			str_cut(&value, '=', &option);
		}
		key = key_of(option, &pairs);
		if (!key.p) {
			gap(r, "Docker's daemon is started with what is no option");
			continue;
		}
		if (!value.p)
			value = is_switch(key)           ? STR("true")
					: i + 1 < r->arguments.n ? r->arguments.p[++i]
											 : STR("");
		put_option(r, key, value, pairs);
	}
}

/* --- where the options stand --------------------------------------------------------------------- */

static void add_argument(struct reader *r, struct str word)
{
	if (r->arguments.n >= MAX_ARGUMENTS)
		gap(r, "Docker's daemon is started with too many options");
	else if (str_has_char(word, '$'))
		gap(r, "the options of Docker's daemon are computed");
	else
		*vec_push(r->arena, &r->arguments) = word;
}

static void add_words(struct reader *r, struct str text)
{
	struct str word;

	while (str_word(&text, &word))
		add_argument(r, word);
}

static const struct started started = {
	.programs = STARTED("dockerd"),
	.checks = STARTED("--version", "-v", "--validate", "--help"),
	.units = STARTED("docker.service"),
	.titles = STARTED("*"),
};

/* Without systemd they stand in a file of the init script. */
static void read_defaults(struct reader *r)
{
	static const char *const files[] = {"/etc/default/docker", "/etc/conf.d/docker"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct env env = {0};
		struct err err = {0};
		int e = envfile_read(r->host, r->arena, files[i], &env, &err);
		const struct env_item *options = env_find(&env, STR("DOCKER_OPTS"));

		if (e < 0 && e != -ENOENT && e != -ENOTDIR)
			gap(r, err.msg);
		if (!options)
			options = env_find(&env, STR("export DOCKER_OPTS"));
		if (!options)
			continue;
		r->from = FROM(files[i], options->line);
		add_words(r, options->value);
		return;
	}
}

static void read_commands(struct reader *r)
{
	struct started_commands commands;
	struct err err = {0};

	if (started_commands(r->host, r->arena, &started, &commands, &err) < 0)
		gap(r, err.msg);
	if (!commands.n) {
		read_defaults(r);
		return;
	}
	r->from = FROM(commands.p[0].file, commands.p[0].line);
	add_words(r, commands.p[0].words);
	if (commands.n > 1)
		gap(r,
			arena_printf(r->arena, "%s starts a second one of Docker's daemons", commands.p[1].of));
}

/* -H fd:// takes the sockets of docker.socket, which may be of the network. */
static void read_socket(struct reader *r, const struct unit_file *socket)
{
	const struct docker_setting *hosts = docker_conf_get(r->conf, "hosts");
	struct unit_values streams;

	if (!socket || !hosts || !str_has(hosts->value, "fd://"))
		return;
	if (socket->unread)
		gap(r, socket->unread);
	streams = unitfile_values(socket, r->arena, "Socket", "ListenStream");
	for (size_t i = 0; i < streams.n; i++) {
		const struct conf_item *item = streams.items[i];

		if (!str_starts(item->value, "/") && !str_starts(item->value, "%"))
			put(r, STR("hosts"), str_of(arena_printf(r->arena, "tcp://%.*s", STR_ARG(item->value))),
				FROM(item->file, item->line));
	}
}

void docker_conf_read(struct host *host, struct arena *a, struct docker_conf *ret)
{
	static const char *const names[] = {"docker.socket", "snap.docker.dockerd.service", NULL};
	struct reader r = {.host = host, .arena = a, .conf = ret};
	struct unit_files files;

	*ret = (struct docker_conf){0};
	unitfiles_read(host, a, names, &files);
	if (files.gap)
		gap(&r, files.gap);
	if (unitfiles_find(&files, str_of(names[1])))
		gap(&r, "the configuration of the snap of Docker is not looked at");
	read_commands(&r);
	read_options(&r);
	read_socket(&r, unitfiles_find(&files, STR("docker.socket")));
	read_json(&r);
}

const struct docker_setting *docker_conf_get(const struct docker_conf *conf, const char *key)
{
	for (size_t i = 0; i < conf->all.n; i++)
		if (str_is(conf->all.p[i].key, key))
			return &conf->all.p[i];
	return NULL;
}
