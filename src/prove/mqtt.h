/* SPDX-License-Identifier: Apache-2.0 */
/* The first words of a client of MQTT (OASIS, version 3.1.1): it says that it is nobody, and sees
 * what comes of that. Nothing is subscribed or published. */
#ifndef REVET_PROVE_MQTT_H
#define REVET_PROVE_MQTT_H

#include <sys/socket.h>

#include "prove/experiment.h"
#include "prove/tls.h"

enum mqtt_answer {
	MQTT_SILENT,      /* no connection, or nothing that is MQTT */
	MQTT_ACCEPTED,    /* the client is in */
	MQTT_REFUSED,     /* not without a name, or not at all */
	MQTT_CERTIFICATE, /* TLS ended for want of a certificate, or of a better one */
};

struct mqtt_broker {
	struct sockaddr_storage address;
	socklen_t length;
	const char *name; /* "port 8883" */
	bool mutual;      /* clients have to show certificates: the site or the configuration says so */
	bool tls;
};

/* *ret_why: in words. `err` and -errno where it could not be tried: no libssl, no connection. */
int mqtt_ask(struct trial *, const struct mqtt_broker *, const struct tls_identity *,
			 enum mqtt_answer *ret, const char **ret_why, struct err *);

/* Where brokers listen, from the tables `listeners` and `mosquitto` and the site file; in the
 * arena. */
size_t mqtt_brokers(struct trial *, const struct mqtt_broker **ret);

#endif
