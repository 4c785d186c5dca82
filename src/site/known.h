/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listener is likely to be, by the name of its process and by its port, and whether such a
 * thing is made to be reached by everyone.
 */
#ifndef REVET_SITE_KNOWN_H
#define REVET_SITE_KNOWN_H

#include "base/str.h"

enum known_use {
	KNOWN_UNSAID, /* nothing is known of it */
	KNOWN_WORLD,  /* made for everyone: web, mail, MQTT, VPN */
	KNOWN_INSIDE, /* databases, management, what belongs into a network of one's own */
	KNOWN_NEVER,  /* no server at all: a client's socket */
};

struct known {
	const char *what; /* NULL: not known */
	enum known_use use;
	uint16_t low, high; /* all ports that it takes in turn; 0: the one that it has */
	bool named;         /* it is known by its process */
	bool runtime;       /* the process is a runtime or a proxy, whose name says nothing */
};

/* process absent: none is known. */
struct known known_listener(struct str process, unsigned port, bool udp);

#endif
