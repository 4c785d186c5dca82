/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration of nginx, mosquitto and PostgreSQL says of TLS on the ports where they listen
 * beyond loopback. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_SITE_TLS_H
#define REVET_HOST_SITE_TLS_H

#include "host/pg_hba.h"
#include "host/site_file.h"

struct tls_port {
	const char *program; /* as its processes are named */
	unsigned low, high;
	enum site_tls tls; /* what it offers, of several ways in by the weakest */
	const char *why; /* it may also be mutual, and why that is not known; of a gap: why it is one */
	const struct pg_hba *hba; /* of PostgreSQL with TLS, what decides whether it is mutual; NULL: none */
	struct from from;
	struct str place;       /* private, as is what follows */
	enum site_tls with_tls; /* once another server has TLS at the place */
};

struct tls_ports {
	VEC(struct tls_port) ports;
	VEC(struct tls_port) gaps; /* programs that may listen anywhere, and why that is not known */
};

/* Does each line that admits one of these clients from elsewhere demand a certificate of them? NULL, or the
 * line that does not. */
const struct pg_hba_line *tls_without_certificate(const struct pg_hba *, const struct site_peers *);

void tls_ports_read(struct host *, struct arena *, struct tls_ports *ret);

#endif
