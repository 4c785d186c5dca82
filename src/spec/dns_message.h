/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a name server, and what it answers (RFC 1035). The answer is anybody's: every length and
 * every pointer is checked, and names are followed for as far as a name can be long. */
#ifndef REVET_SPEC_DNS_MESSAGE_H
#define REVET_SPEC_DNS_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"

#define DNS_MAX_QUESTION 300

/* "A", "MX", ...: its number; 0: not one that is known here. */
unsigned dns_type(struct str name);
/* The question, into to[DNS_MAX_QUESTION]: its length; -EINVAL: not a name. Of PTR the name is an address. */
int dns_question(struct str name, unsigned type, uint16_t id, unsigned char *to);

struct dns_answer {
	unsigned code; /* 0: done; 3: there is no such name */
	bool cut;      /* it did not fit: ask again over TCP */
	struct str *p; /* the records of the type, as text; in the arena */
	size_t n;
};
/* -EBADMSG: not an answer to the question with this number. */
int dns_answer_parse(struct str message, unsigned type, uint16_t id, struct arena *,
					 struct dns_answer *ret, struct err *);

#endif
