/* SPDX-License-Identifier: Apache-2.0 */
#include "host/docker_conf.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "host/json_file.h"
#include "host/secret.h"
#include "host/shell_words.h"
#include "host/unitfile.h"

#define DAEMON_JSON "/etc/docker/daemon.json"
#define MAX_SETTINGS 4096
#define MAX_ARGUMENTS 1024
#define MAX_VALUE 4096
#define MAX_VARIABLES 16

struct reader {
	struct host *host;
	struct arena *arena;
	struct docker_conf *conf;
	const struct unit_file *unit;
	const char *config_file;
	VEC(struct str) arguments;
	struct from from; /* of the arguments */
	unsigned n_variables;
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
	static const char *const names[] = {
		"debug",
		"experimental",
		"help",
		"icc",
		"init",
		"ip-forward",
		"ip-masq",
		"iptables",
		"ip6tables",
		"ipv6",
		"live-restore",
		"no-new-privileges",
		"raw-logs",
		"rootless",
		"tls",
		"version",
		"selinux-enabled",
		"tlsverify",
		"userland-proxy",
		"validate",
		"disable-legacy-registry",
		"allow-direct-routing",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(key, names[i]))
			return true;
	return false;
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

/* The value of a variable in a file of NAME=VALUE lines, its quotes taken off. */
static bool find_in_file(struct reader *r, const char *path, struct str name, struct str *ret)
{
	struct str text, line, key;
	struct err err = {0};
	int e = host_read_scrubbed(r->host, path, secret_mask, r->arena, &text, &err);
	bool found = false;

	if (e < 0 && e != -ENOENT && e != -ENOTDIR)
		gap(r, err.msg);
	while (e == 0 && str_line(&text, &line)) {
		line = str_trim(line);
		str_skip(&line, "export ");
		if (!line.n || line.p[0] == '#' || !str_has_char(line, '='))
			continue;
		str_cut(&line, '=', &key);
		if (!str_eq(str_trim(key), name))
			continue;
		if (str_ends(line, "\\") || str_has_char(line, '$') || str_has_char(line, '`'))
			gap(r, "the options of Docker's daemon are computed");
		if (line.n > 1 && (line.p[0] == '"' || line.p[0] == '\'') &&
			line.p[line.n - 1] == line.p[0])
			line = (struct str){line.p + 1, line.n - 2};
		*ret = line;
		found = true;
	}
	return found;
}

/* As systemd has it: what a file says counts more than what the unit says. */
static struct str variable(struct reader *r, struct str name)
{
	struct unit_values files = unitfile_values(r->unit, r->arena, "Service", "EnvironmentFile");
	struct unit_values own = unitfile_values(r->unit, r->arena, "Service", "Environment");
	struct str ret = STR_ABSENT, key;

	if (++r->n_variables > MAX_VARIABLES) {
		gap(r, "Docker's daemon is started with too many variables");
		return ret;
	}
	for (size_t i = 0; i < own.n; i++) {
		struct shell_words words = SHELL_WORDS(r->arena);
		struct str word;

		words.in = own.items[i]->value;
		while (shell_word(&words, &word))
			if (str_has_char(word, '=') && str_cut(&word, '=', &key) && str_eq(key, name))
				ret = word;
	}
	for (size_t i = 0; i < files.n; i++) {
		struct str path = files.items[i]->value;

		str_skip(&path, "-");
		if (str_is_glob(path) || str_has_char(path, '%'))
			gap(r, "the options of Docker's daemon stand in files that a pattern names");
		else
			find_in_file(r, str_dup(r->arena, path), name, &ret);
	}
	return ret;
}

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
	struct shell_words words = SHELL_WORDS(r->arena);
	struct str word;

	words.in = text;
	while (shell_word(&words, &word))
		add_argument(r, word);
}

/* $NAME is split at blanks, ${NAME} is one argument. */
static void add_expanded(struct reader *r, struct str word)
{
	struct str name = word;

	if (!str_skip(&name, "$")) {
		add_argument(r, word);
	} else if (str_skip(&name, "{") && str_ends(name, "}")) {
		name.n--;
		add_argument(r, variable(r, name));
	} else {
		add_words(r, variable(r, name));
	}
}

static void read_command(struct reader *r, const struct conf_item *item)
{
	struct shell_words words = SHELL_WORDS(r->arena);
	struct str word;

	r->from = FROM(item->file, item->line);
	words.in = item->value;
	while (words.in.n && strchr("@-:+!", words.in.p[0]))
		words.in = (struct str){words.in.p + 1, words.in.n - 1};
	if (!shell_word(&words, &word))
		return;
	if (!str_ends(word, "/dockerd") && !str_is(word, "dockerd")) {
		gap(r, arena_printf(r->arena, "Docker is started by %.*s, which may add options",
							STR_ARG(word)));
		return;
	}
	while (shell_word(&words, &word))
		add_expanded(r, word);
}

/* Of an init script's defaults. */
static void read_defaults(struct reader *r)
{
	static const char *const files[] = {"/etc/default/docker", "/etc/conf.d/docker"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct str options;

		if (!find_in_file(r, files[i], STR("DOCKER_OPTS"), &options))
			continue;
		r->from = FROM(files[i], 0);
		add_words(r, options);
		return;
	}
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

static void read_unit(struct reader *r)
{
	struct unit_values commands = unitfile_values(r->unit, r->arena, "Service", "ExecStart");

	if (r->unit->unread)
		gap(r, r->unit->unread);
	if (commands.n)
		read_command(r, commands.items[commands.n - 1]);
}

void docker_conf_read(struct host *host, struct arena *a, struct docker_conf *ret)
{
	static const char *const names[] = {"docker.service", "docker.socket",
										"snap.docker.dockerd.service", NULL};
	struct reader r = {.host = host, .arena = a, .conf = ret};
	struct unit_files files;

	*ret = (struct docker_conf){0};
	unitfiles_read(host, a, names, &files);
	r.unit = unitfiles_find(&files, STR("docker.service"));
	if (files.gap)
		gap(&r, files.gap);
	if (unitfiles_find(&files, str_of(names[2])))
		gap(&r, "the configuration of the snap of Docker is not looked at");
	if (r.unit && !r.unit->sysv)
		read_unit(&r);
	else
		read_defaults(&r);
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
