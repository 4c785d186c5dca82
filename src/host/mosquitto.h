/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the MQTT broker mosquitto, mosquitto.conf and its include_dir, as its next start
 * would read it. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_MOSQUITTO_H
#define REVET_HOST_MOSQUITTO_H

#include "host/table.h"

/* Who may come in: of all listeners, or of each with per_listener_settings. */
struct mosquitto_security {
	bool anonymous_set, anonymous;
	struct str password_file, acl_file, psk_file, plugin; /* absent: not set */
};

struct mosquitto_listener {
	struct from from;
	unsigned port;
	struct str address, socket, interface, protocol; /* absent: not set */
	struct str certfile, keyfile, crlfile, tls_version, psk_hint;
	bool ca, require_certificate;
	int64_t max_connections; /* -1: no limit */
	const struct mosquitto_security *security;
	struct mosquitto_security own;
};

struct mosquitto_bridge {
	struct from from;
	struct str name;
	struct str *addresses;
	size_t n, cap;
	bool ca, insecure, psk;
};

struct mosquitto {
	struct mosquitto_listener **listeners;
	size_t n_listeners, cap_listeners;
	struct mosquitto_bridge **bridges;
	size_t n_bridges, cap_bridges;
	struct mosquitto_listener unnamed; /* what stands in front of any `listener` */
	struct mosquitto_security common;
	bool local_only, implied, per_listener; /* implied: the one listener is nowhere configured */
	bool persistence, version_known;        /* known: it is 2.0 or later */
	int64_t packet_limit;                   /* bytes; 0: none */
	struct str user;
	const char *gap; /* why something may be missing or otherwise; NULL: complete */
};

/* Without the program nothing is there. */
void mosquitto_read(struct host *, struct arena *, struct mosquitto *ret);

/* How it is started. */
extern const struct started mosquitto_started;

#endif
