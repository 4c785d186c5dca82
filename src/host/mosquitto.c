/* SPDX-License-Identifier: Apache-2.0 */
#include "host/mosquitto.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/settings.h"

#define CONFIG "/etc/mosquitto/mosquitto.conf"
#define MAX_DEPTH 10 /* as the broker has it */
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)

struct reader {
	struct host *host;
	struct arena *arena;
	struct mosquitto *m;
	/* The broker keeps the listener of a file, and the bridge, only within that file. */
	struct mosquitto_listener *listener;
	struct mosquitto_bridge *bridge;
	unsigned files;
	size_t bytes;
};

static void note_gap(struct reader *r, const char *why)
{
	if (!r->m->gap)
		r->m->gap = arena_strdup(r->arena, why);
}

/* "true", "false", 1 and 0; of anything else the broker says that it is an error. */
static bool truth(struct reader *r, struct str value, struct from from)
{
	struct str word = STR("");

	(void)str_word(&value, &word);
	if (str_is(word, "true") || str_is(word, "1"))
		return true;
	if (!str_is(word, "false") && !str_is(word, "0"))
		note_gap(r, arena_printf(r->arena, "%s:%u: neither true nor false", from.path, from.line));
	return false;
}

static int64_t number(struct str value, int64_t otherwise)
{
	int64_t n = otherwise;
	struct str word = STR("");

	(void)str_word(&value, &word);
	(void)num_i64(word, INT32_MIN, INT32_MAX, &n);
	return n;
}

static struct mosquitto_security *security(struct reader *r)
{
	return r->m->per_listener ? &r->listener->own : &r->m->common;
}

/* --- directives ------------------------------------------------------------------------------------ */

/* "listener PORT [ADDRESS]"; with port 0 the path of a socket follows. */
static void add_listener(struct reader *r, struct str value, struct from from)
{
	struct mosquitto_listener *l = arena_new(r->arena, struct mosquitto_listener, 1);
	struct str port = STR("");

	(void)str_word(&value, &port);
	value = str_trim(value);
	*l = (struct mosquitto_listener){.from = from, .max_connections = -1};
	l->port = (unsigned)MAX(number(port, 0), (int64_t)0);
	if (value.n && !l->port)
		l->socket = value;
	else if (value.n)
		l->address = value;
	if (r->m->n_listeners == r->m->cap_listeners)
		r->m->listeners = vec_grow(r->arena, r->m->listeners, r->m->n_listeners,
								   &r->m->cap_listeners, sizeof(struct mosquitto_listener *));
	r->m->listeners[r->m->n_listeners++] = l;
	r->m->local_only = false;
	r->listener = l;
}

static void add_bridge(struct reader *r, struct str value, struct from from)
{
	struct mosquitto_bridge *b = arena_new(r->arena, struct mosquitto_bridge, 1);

	*b = (struct mosquitto_bridge){.from = from, .name = value};
	if (r->m->n_bridges == r->m->cap_bridges)
		r->m->bridges = vec_grow(r->arena, r->m->bridges, r->m->n_bridges, &r->m->cap_bridges,
								 sizeof(struct mosquitto_bridge *));
	r->m->bridges[r->m->n_bridges++] = b;
	r->bridge = b;
}

static void add_addresses(struct reader *r, struct str value)
{
	struct mosquitto_bridge *b = r->bridge;
	struct str word;

	while (b && str_word(&value, &word) && word.p[0] != '#') {
		if (b->n == b->cap)
			b->addresses = vec_grow(r->arena, b->addresses, b->n, &b->cap, sizeof(*b->addresses));
		b->addresses[b->n++] = word;
	}
}

static bool take_text(const struct str key, const char *name, struct str value, struct str *ret)
{
	if (!str_is(key, name))
		return false;
	*ret = value;
	return true;
}

static bool take_listener(struct reader *r, struct str key, struct str value, struct from from)
{
	struct mosquitto_listener *l = r->listener;

	if (str_is(key, "listener"))
		add_listener(r, value, from);
	else if (str_is(key, "port") || str_is(key, "bind_address")) {
		r->m->local_only = false;
		r->m->unnamed.from = from;
		if (str_is(key, "port"))
			r->m->unnamed.port = (unsigned)MAX(number(value, 0), (int64_t)0);
		else
			r->m->unnamed.address = value;
	} else if (str_is(key, "require_certificate"))
		l->require_certificate = truth(r, value, from);
	else if (str_is(key, "cafile") || str_is(key, "capath"))
		l->ca = true;
	else if (str_is(key, "max_connections"))
		l->max_connections = number(value, -1);
	else
		return take_text(key, "certfile", value, &l->certfile) ||
			   take_text(key, "keyfile", value, &l->keyfile) ||
			   take_text(key, "crlfile", value, &l->crlfile) ||
			   take_text(key, "tls_version", value, &l->tls_version) ||
			   take_text(key, "psk_hint", value, &l->psk_hint) ||
			   take_text(key, "bind_interface", value, &l->interface) ||
			   take_text(key, "protocol", value, &l->protocol);
	return true;
}

static bool take_security(struct reader *r, struct str key, struct str value, struct from from)
{
	struct mosquitto_security *s = security(r);

	if (str_is(key, "allow_anonymous")) {
		s->anonymous_set = true;
		s->anonymous = truth(r, value, from);
		return true;
	}
	return take_text(key, "password_file", value, &s->password_file) ||
		   take_text(key, "acl_file", value, &s->acl_file) ||
		   take_text(key, "psk_file", value, &s->psk_file) ||
		   take_text(key, "plugin", value, &s->plugin) ||
		   take_text(key, "global_plugin", value, &r->m->common.plugin) ||
		   take_text(key, "auth_plugin", value, &s->plugin);
}

static void take_bridge(struct reader *r, struct str key, struct str value, struct from from)
{
	struct mosquitto_bridge *b = r->bridge;

	if (str_is(key, "connection"))
		add_bridge(r, value, from);
	else if (!b)
		return;
	else if (str_is(key, "address") || str_is(key, "addresses"))
		add_addresses(r, value);
	else if (str_is(key, "bridge_cafile") || str_is(key, "bridge_capath"))
		b->ca = true;
	else if (str_is(key, "bridge_tls_use_os_certs"))
		b->ca = b->ca || truth(r, value, from);
	else if (str_is(key, "bridge_insecure"))
		b->insecure = truth(r, value, from);
	else if (str_is(key, "bridge_psk"))
		b->psk = true;
}

static void read_dir(struct reader *, const char *path, unsigned depth);

static void take_line(struct reader *r, struct str line, struct from from, unsigned depth)
{
	struct mosquitto *m = r->m;
	struct str key = STR(""), value = line;

	if (!str_word(&value, &key) || key.p[0] == '#')
		return;
	value = str_trim(value);
	if (str_is(key, "include_dir"))
		read_dir(r, str_dup(r->arena, value), depth);
	else if (str_is(key, "per_listener_settings"))
		m->per_listener = truth(r, value, from);
	else if (str_is(key, "user"))
		m->user = value;
	else if (str_is(key, "persistence"))
		m->persistence = truth(r, value, from);
	else if (str_is(key, "message_size_limit") || str_is(key, "max_packet_size"))
		m->packet_limit = number(value, 0);
	else if (!take_listener(r, key, value, from) && !take_security(r, key, value, from))
		take_bridge(r, key, value, from);
}

/* --- files -------------------------------------------------------------------------------------------- */

static void read_file(struct reader *r, const char *path, unsigned depth)
{
	struct mosquitto_listener *outer = r->listener;
	struct mosquitto_bridge *outer_bridge = r->bridge;
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;

	if (depth > MAX_DEPTH || r->files++ >= MAX_FILES || r->bytes > MAX_BYTES) {
		note_gap(r, arena_printf(r->arena, "%s: too many includes", path));
		return;
	}
	if (settings_read(r->host, r->arena, path, &text, &err) < 0) {
		note_gap(r, err.msg);
		return;
	}
	r->bytes += text.n;
	r->listener = &r->m->unnamed;
	r->bridge = NULL;
	while (str_line(&text, &line))
		take_line(r, line, FROM(path, ++number), depth);
	r->listener = outer;
	r->bridge = outer_bridge;
}

/* In the broker's order letters of either case stand beside each other, the upper one first. */
static int by_letter(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct str *)a)->p;
	const unsigned char *y = (const unsigned char *)((const struct str *)b)->p;

	while (*x && *x == *y)
		x++, y++;
	return toupper(*x) == toupper(*y) ? *x - *y : toupper(*x) - toupper(*y);
}

static void read_dir(struct reader *r, const char *path, unsigned depth)
{
	struct path_stat st;
	struct str *files;
	struct err err = {0};
	size_t n;

	if (host_stat(r->host, path, true, &st, &err) < 0 ||
		host_list_all_files(r->host, path, ".conf", r->arena, &files, &n, &err) < 0) {
		note_gap(r, err.msg);
		return;
	}
	if (n)
		qsort(files, n, sizeof(*files), by_letter);
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(r->arena, files[i]), depth + 1);
}

/* --- the listeners that come of it ----------------------------------------------------------------- */

/* Settings in front of any `listener` are of one on port 1883, where they make one. */
static bool has_unnamed(const struct mosquitto *m)
{
	const struct mosquitto_listener *l = &m->unnamed;

	return l->port || l->address.p || l->interface.p || l->certfile.p || l->keyfile.p || l->ca ||
		   l->crlfile.p || l->psk_hint.p || l->require_certificate || l->max_connections != -1 ||
		   l->own.password_file.p || l->own.psk_file.p || l->own.plugin.p;
}

static void finish(struct reader *r)
{
	struct mosquitto *m = r->m;
	/* Version 2 without any is for everybody, whatever allow_anonymous says: on loopback alone, or, with
	 * settings of one, everywhere. */
	bool free_for_all = m->local_only;

	if (has_unnamed(m)) {
		struct from from = m->unnamed.from.path ? m->unnamed.from : FROM(CONFIG, 0);
		struct mosquitto_listener *l;

		add_listener(r, STR("1883"), from);
		l = m->listeners[m->n_listeners - 1];
		*l = m->unnamed;
		l->from = from;
		l->port = l->port ? l->port : 1883;
	} else if (m->local_only) {
		m->implied = true;
		add_listener(r, STR("1883 127.0.0.1"), FROM(CONFIG, 0));
	}
	m->local_only = free_for_all;
	for (size_t i = 0; i < m->n_listeners; i++)
		m->listeners[i]->security = m->per_listener ? &m->listeners[i]->own : &m->common;
}

void mosquitto_read(struct host *host, struct arena *arena, struct mosquitto *ret)
{
	static const char *const program[] = {"mosquitto", NULL}, *const control[] = {"mosquitto_ctrl",
																				  NULL};
	struct reader r = {.host = host, .arena = arena, .m = ret};
	struct path_stat st;
	struct err err = {0};

	*ret = (struct mosquitto){.local_only = true, .unnamed.max_connections = -1};
	if (!settings_has_program(host, program) || host_stat(host, CONFIG, true, &st, &err) == -ENOENT)
		return;
	ret->version_known = settings_has_program(host, control); /* which came with 2.0 */
	ret->user = STR("mosquitto");
	read_file(&r, CONFIG, 0);
	finish(&r);
}

const struct started mosquitto_started = {
	.programs = STARTED("mosquitto"),
	.units = STARTED("mosquitto.service"),
	.needed =
		STARTED("-c /etc/mosquitto/mosquitto.conf", "--config-file /etc/mosquitto/mosquitto.conf"),
	.usual = STARTED("-v", "--verbose", "-d", "--daemon"),
};
