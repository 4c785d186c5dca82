/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets that a rule of the packet filter is about, as a box: of each property that it looks at, the
 * values that will do. What a rule asks for besides, and a box cannot say, is in its certainty.
 * Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_FW_BOX_H
#define REVET_HOST_FW_BOX_H

#include "base/str.h"
#include "host/nft_ranges.h"

/* Properties, in the order in which they are printed. Of CT_STATE the values are those of enum fw_state;
 * CT_DNAT, TO_HOST and LOCAL are 0 or 1: the connection has been translated to another destination, the
 * frame was for this host, its address is one of this host's. CT_DPORT is the port before that translation.
 * Interfaces are names, filled up with zeros. */
enum fw_field {
	FW_FAMILY,
	FW_IIF,
	FW_OIF,
	FW_CT_STATE,
	FW_CT_DNAT,
	FW_CT_DPORT,
	FW_TO_HOST,
	FW_LOCAL,
	FW_SADDR4,
	FW_SADDR6,
	FW_DADDR4,
	FW_DADDR6,
	FW_PROTOCOL,
	FW_TCP_FLAGS,
	FW_SPORT,
	FW_DPORT,
	FW_FIELDS,
};
enum fw_state { FW_INVALID, FW_ESTABLISHED, FW_RELATED, FW_NEW, FW_UNTRACKED, FW_STATES };
#define FW_IFNAME 16

struct fw_box {
	/* NULL: any value, and also packets that have no such property. Joined. */
	const struct nft_ranges *on[FW_FIELDS];
	bool empty; /* no packet is in it */
};

/* Of the packets in the box, which ones meet the rule? */
enum fw_certainty {
	FW_ALL,
	FW_CHANCE, /* some: whoever sends them, or the time, decides (a rate, a source port) */
	FW_FEW,    /* those from addresses in a set that changes or is not known, or that are spoofed */
	FW_OPEN,   /* not known */
};

/* One thing that a rule does; a rule with a map of verdicts does several. */
enum fw_does {
	FW_DOES_NOTHING,
	FW_ADMITS,
	FW_REFUSES,
	FW_JUMPS,
	FW_GOES,
	FW_RETURNS,
	FW_TRANSLATES
};
/* Where a packet goes instead. */
struct fw_to {
	bool known;
	struct nft_ranges address; /* one; none: this host itself */
	uint16_t port;             /* 0: as before */
};
struct fw_clause {
	struct fw_box box;
	enum fw_certainty sure;
	enum fw_does does;
	struct str target; /* of a jump */
	struct fw_to to;   /* of a translation of what packets are for */
	bool alters;       /* it changes something in the packet that later rules look at */
};

size_t fw_field_width(enum fw_field);
/* Only packets with one of these values, joined, are left in the box. */
void fw_box_narrow(struct arena *, struct fw_box *, enum fw_field, const struct nft_ranges *);
void fw_box_narrow_to(struct arena *, struct fw_box *, enum fw_field, unsigned char value);
bool fw_box_holds(const struct fw_box *outer, const struct fw_box *inner);
/* Names, one byte to a value: of protocols, and of states. -1: it is not known. */
int fw_protocol_number(struct str name);
int fw_state_number(struct str name);
/* A name, of which "eth*" or "eth+" stand for all that begin so. */
bool fw_add_interface(struct arena *, struct nft_ranges *, struct str name);
/* "192.0.2.0/24" or an address alone; family: AF_INET or AF_INET6. */
bool fw_add_network(struct arena *, struct nft_ranges *, int family, struct str text);
/* An address of that family, or none, and a port, or none. False: it is no such one alone. */
bool fw_to_parse(struct arena *, int family, struct str address, struct str port, struct fw_to *ret);
/* For people: "tcp dport 22 from 10.0.0.0/8 refused". */
void fw_clause_print(struct buf *, const struct fw_clause *);

#endif
