/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server is seen to be for: what listens and who comes, who administers it and from where, what it
 * connects to. Each thing has its evidence, and each is a guess. A pure function of a snapshot; text.h
 * makes a site file of it, compare.h compares it with one. Everything lives in the arena that was passed,
 * or in the snapshot.
 */
#ifndef REVET_SITE_SEEN_H
#define REVET_SITE_SEEN_H

#include "host/site_file.h"
#include "host/snapshot.h"

#define SEEN_DAYS 90           /* how old a login may be that counts */
#define SEEN_MANY ((size_t)16) /* more addresses than that nobody lists one by one */

/* A private network that an interface of this host is in. */
struct seen_network {
	const char *name; /* lan, lan2, vpn, containers */
	struct str interface;
	VEC(struct site_network) networks;
};

/* Whom something is for: everyone, or these networks' names and addresses. */
struct seen_to {
	bool world;
	VEC(struct str) words;
};

struct seen_service {
	struct site_ports ports;
	struct str what; /* absent: nobody knows */
	enum site_tls tls;
	struct seen_to to;
	VEC(struct str) peers; /* addresses of others that are connected */
	const char *evidence;
	const char *question; /* why it is left to a person; NULL: it is guessed */
	const char *doubt;    /* why it may be sshd, whose line is admins.from; NULL: it is not */
	bool left;            /* the person left it out */
};

struct seen_admin {
	struct str name;
	const char *evidence;
	bool left;
};

/* From where people log in. */
struct seen_origin {
	struct str word; /* a network's name, or the address */
	const char *evidence;
	VEC(struct str) addresses; /* all of them that the word stands for */
};

struct seen_reach {
	enum site_reach_kind kind;
	struct site_ports ports;
	struct seen_to to;
	VEC(struct str) peers;
	const char *evidence;
	bool left;
};

struct seen {
	const char *profile, *profile_evidence;
	VEC(struct seen_network) networks;
	VEC(struct seen_service) services; /* by port */
	VEC(struct seen_admin) admins;
	VEC(struct seen_origin) from;
	const char *from_question; /* why `from` is left to a person; NULL: it is guessed */
	VEC(struct seen_reach) reaches;
	const char *passes_on;     /* a VPN of which packets may pass through; NULL: none */
	VEC(const char *) notes;   /* what a person should know beside */
	VEC(const char *) unknown; /* what could not be seen, and why */
	bool listeners_known;
	/* What is not known of what listens, who is connected, who administers and who logged in, and why;
	 * NULL: all is. */
	const char *listeners_why, *peers_why, *admins_why, *logins_why;
	bool ssh;        /* a server of SSH listens */
	struct str peer; /* of the session, or absent */
};

/* The session in which this happens. */
struct seen_session {
	struct str peer; /* address that it comes from; absent: from none */
	uint32_t uid;    /* whose it is */
	bool by_ssh;     /* through sshd, be its address known or not */
};

/* Says which tables are looked at. */
void seen_want(struct snapshot *);
/* session NULL: this is about another host. */
void seen_make(const struct snapshot *, const struct seen_session *, struct arena *,
			   struct seen *ret);

#endif
