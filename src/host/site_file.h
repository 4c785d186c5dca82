/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site file, /etc/revet/site.yaml: what this server is for, as revet.yaml(5) describes it. Strict:
 * a key that is not known, a value of the wrong kind or a date that is none is an error with
 * file:line:column. What it says of rules (do they exist, have parameters the right type) is checked
 * by rule/site.h.
 */
#ifndef REVET_HOST_SITE_FILE_H
#define REVET_HOST_SITE_FILE_H

#include "base/vec.h"
#include "base/yaml.h"

struct buf;
struct host;

#define SITE_FILE "/etc/revet/site.yaml"

struct site_waiver {
	struct str rule, object; /* absent object: all that the rule finds */
	struct str reason, owner;
	int64_t until; /* seconds since 1970: the end (UTC) of the last day on which it holds */
	bool forever;
	struct yaml_at at; /* where it stands */
};

/* A network, or one address with the length of the whole. */
struct site_network {
	int family; /* AF_INET or AF_INET6 */
	/* In network order, 4 or 16 bytes of it; no bit is set past the prefix. */
	unsigned char address[16];
	unsigned prefix;
	struct str text; /* as it is written */
	struct yaml_at at;
};

/* Whom something is for, or where it may go. Names of `networks` are resolved into theirs; where one
 * name is all there is, its list is shared: the same p as in the entry of `networks`. No network stands
 * in one list twice as such, but one may lie within another. */
struct site_peers {
	bool world; /* anyone; the lists are empty then */
	VEC(struct site_network) networks;
	VEC(struct str) names; /* names of hosts, to be resolved; in `reaches` only */
	struct yaml_at at;     /* doc NULL: not said */
};

struct site_ports {
	uint16_t low, high; /* 1 to 65535 */
	bool udp;
};

enum site_tls { SITE_TLS_UNSAID, SITE_TLS_NONE, SITE_TLS_SERVER, SITE_TLS_MUTUAL };

/* An entry of `networks`: {office: [203.0.113.0/24]}. */
struct site_named {
	struct str name;
	struct site_peers peers; /* never world, never without a network */
	struct yaml_at at;
};

/* A key that a new account of an administrator is to have: `keys: {ops: ['ssh-ed25519 ...']}`. */
struct site_key {
	struct str user, line; /* line: as in authorized_keys */
	struct yaml_at at;
};

/* An entry of `serves`: {port: 443/tcp, to: world, what: https, tls: mutual}. */
struct site_service {
	struct site_ports ports;
	struct site_peers to;
	struct str what; /* absent: not said */
	enum site_tls tls;
	struct yaml_at at;
};

/* An entry of `reaches`: a word for what every server needs, or {port: 443/tcp, to: [...]}. */
enum site_reach_kind {
	SITE_REACH_PORTS,
	SITE_REACH_DNS,
	SITE_REACH_NTP,
	SITE_REACH_APT,
	SITE_REACH_ICMP
};
struct site_reach {
	enum site_reach_kind kind;
	struct site_ports ports; /* of SITE_REACH_PORTS */
	struct site_peers to;    /* not said: wherever the host is configured to go for it */
	struct yaml_at at;
};

/* An entry of `forwards`: {from: wg0, to: eth1, port: 443/tcp}, each end an interface, networks or world. */
struct site_end {
	struct str interface; /* absent: any */
	struct site_peers peers;
};
struct site_forward {
	struct site_end from, to;
	bool has_ports;
	struct site_ports ports;
	struct yaml_at at;
};

/* `egress`: what becomes of connections that `reaches` does not mention. */
enum site_egress { SITE_EGRESS_OPEN, SITE_EGRESS_OBSERVE, SITE_EGRESS_DENY };

struct site_file {
	struct yaml doc;
	struct str profile;        /* absent: the default one */
	struct yaml_at profile_at; /* where that stands */
	struct yaml_at parameters; /* {name: value}; doc NULL: none */
	VEC(struct site_waiver) waivers;
	VEC(struct site_named) networks;
	struct {
		VEC(struct str) users;
		VEC(struct site_key) keys; /* each of one of the users */
		struct site_peers from; /* not said: from anywhere */
		struct yaml_at at;      /* doc NULL: not said */
	} admins;
	bool has_serves; /* the key is there, be its list empty */
	VEC(struct site_service) serves;
	bool has_reaches;
	VEC(struct site_reach) reaches;
	VEC(struct site_forward) forwards;
	enum site_egress egress;  /* not said: observe where there is `reaches`, else open */
	struct yaml_at egress_at; /* doc NULL: not said */
};

/* Everything lives in the arena; text and name are borrowed. -EINVAL. */
int site_file_parse(struct str text, const char *name, struct arena *, struct site_file *ret,
					struct err *);
/* That of the host; *ret NULL: it has none. */
int site_file_read(struct host *, struct arena *, const struct site_file **ret, struct err *);
/* Family, address and prefix of "192.0.2.0/24" or an address alone; bits past the prefix are refused. */
bool site_network_parse(struct str, struct site_network *ret);
bool site_network_holds(const struct site_network *outer, const struct site_network *inner);
/* The entry of `serves` that is about the port; NULL: none is. */
const struct site_service *site_serves(const struct site_file *, bool udp, uint64_t port);
/* "443/tcp", "60000-61000/udp". */
void site_ports_print(struct buf *, struct site_ports);
/* For people: "waived by OWNER until DATE: REASON". */
void site_waiver_print(struct buf *, const struct site_waiver *);
bool site_waiver_has_expired(const struct site_waiver *, int64_t now);

#endif
