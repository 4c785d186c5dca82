/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places outside of this host that connections to it come from: a network namespace with addresses of
 * an outsider, an admin, a neighbour and of each network that the site file serves, and a wire into the
 * host, or into a copy of its packet filter. The host's end of the wire has routes to those addresses
 * alone, and is gone with the namespace.
 *
 * An address is nobody's: none that this host knows a way to otherwise, has, or talks to; the session
 * from which revet was started goes on.
 */
#ifndef REVET_PROVE_OUTSIDE_H
#define REVET_PROVE_OUTSIDE_H

#include <sys/socket.h>

#include "base/vec.h"
#include "prove/experiment.h"

/* Those for whom the site does nothing in particular come first. */
enum origin_kind {
	ORIGIN_OUTSIDER,
	ORIGIN_NEIGHBOUR,
	ORIGIN_ADMIN,
	ORIGIN_SERVED,
	ORIGIN_REACHED, /* of a network that the site reaches: connections go there */
};

struct ruleset;
struct reached;

struct origin {
	enum origin_kind kind;
	int family;
	struct sockaddr_storage address;
	const char *text;      /* the address */
	const char *who;       /* for people: "an outsider, 203.0.113.77" */
	const char *interface; /* of this host, that somebody there would come in by */
	const char *why_not;   /* nothing can be sent from there, and why; NULL: it can */
	int ns;                /* the network namespace that has the address; borrowed */
	bool done;             /* everything has been tried from there */
	VEC(struct reached) reached; /* of ORIGIN_REACHED: where it is gone to, reached.h */
};

/* An address of this host that is tried. */
struct target {
	int family;
	struct sockaddr_storage address;
	const char *text;
	const char *interface; /* that has it */
	bool is_main;          /* the first of its family: every port of it is tried */
	bool is_made;          /* the host has none of this family: it is on the wire alone */
};

/* A wire, with the namespace at its other end. */
struct wire {
	int ns;
	const char *interface; /* the end of the host, or of its copy */
};

struct outside {
	int host_ns; /* where the targets are: -1: the host itself, else that of a copy */
	VEC(struct origin) origins;
	VEC(struct target) targets;
	VEC(struct wire) wires; /* one into the host; of a copy, one for each interface */
	/* Addresses of this host, and networks of the site, that are too many. */
	size_t left_out, networks_left_out;
	const struct ruleset *rules; /* in force, once outside_read_rules() has read them */
	struct str talk[4];          /* private: of whom this host talks to */
};

/* Chooses origins and targets. Nothing is made yet. */
int outside_choose(struct trial *, struct outside *ret, struct err *);
/* One more, from which nothing can be sent yet; "WHO (ADDRESS)" is its name. */
struct origin *outside_add(struct trial *, struct outside *, enum origin_kind,
						   const struct sockaddr_storage *, const char *who);
/* Once for all that follows. */
int outside_read_rules(struct trial *, struct outside *, struct err *);
/* Looks at the rules in force. Why what a wire of our own meets is not what others meet on their way in,
 * or, with `floods`, why thousands of packets must not be sent there; NULL: nothing is in the way. */
const char *outside_doubt(struct trial *, struct outside *, bool floods);
/* Makes a namespace and a wire from it to an interface of that name. Origins and targets are placed on
 * it where `interface` is theirs, all of them where it is NULL: it is new to the host then. */
int outside_wire(struct trial *, struct outside *, const char *interface, struct err *);
/* A private network in the host's place: a namespace with its interfaces and addresses, and a wire from
 * each to the origins that come in by it; all of them can be had there. */
int outside_copy(struct trial *, struct outside *, struct err *);
/* In a copy: packets to the address leave by the interface by which they leave the host. */
int outside_lead(const struct outside *, const struct site_network *address);
void outside_close(struct outside *);
#define _cleanup_outside_ _cleanup_(outside_close)

/* Can something be sent from there? */
bool outside_has(const struct origin *);
const struct target *outside_target(const struct outside *, int family);
/* Does the kernel take what comes from there by its wire to that address, if no packet filter keeps it back? */
bool outside_takes(const struct outside *, const struct origin *, const struct target *);
/* A connection from there that comes about while something else is done, or a UDP socket that is
 * connected. A descriptor, or -errno. */
int outside_begin(const struct origin *, const struct target *, uint16_t port, int type);
/* Waits for connections that were begun, 1.5 s for all together: the wires are in memory and known to
 * work, and should a SYN be lost even so, the kernel sends another after one (TCP_TIMEOUT_INIT of
 * include/net/tcp.h). Where one has not come about, there is -errno in its place: -ETIMEDOUT: nothing came
 * back; -ECONNREFUSED. */
void outside_await(int fds[], size_t n);
/* With the port in network order, for bind() and the like. */
struct sockaddr_storage outside_address(const struct sockaddr_storage *, uint16_t port);
socklen_t outside_length(const struct sockaddr_storage *);
const void *outside_bytes(const struct sockaddr_storage *); /* of the address, in network order */
size_t outside_size(int family);                            /* how many */
bool outside_is_in(const struct sockaddr_storage *, const struct site_network *);
bool outside_is_same(const struct sockaddr_storage *, const struct sockaddr_storage *);
struct site_network outside_network(const struct sockaddr_storage *); /* of that address alone */
struct sockaddr_storage outside_of_network(const struct site_network *);
/* Of this host, by which it would send there: "" where it has none. */
const char *outside_interface_to(const struct outside *, const struct sockaddr_storage *);
/* A bridge or a wire of containers or virtual machines, by which nobody comes in from outside. */
bool outside_is_inner(const char *interface);
/* Is the address within the networks? World is everybody. */
bool outside_is_among(const struct site_peers *, const struct sockaddr_storage *);

#endif
