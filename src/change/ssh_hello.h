/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SSH server says before anybody logs in: its version, and the algorithms that it offers
 * (RFC 4253, sections 4.2 and 7.1). One connection, which is closed then. Whatever answers there is
 * not trusted: sizes and time are bounded.
 */
#ifndef REVET_CHANGE_SSH_HELLO_H
#define REVET_CHANGE_SSH_HELLO_H

#include "base/str.h"

/* Lists with commas, in the order of the server. */
struct ssh_hello {
	struct str kex, host_keys, ciphers, macs;
};

/* 0: it speaks SSH, and ret is what it offers. -ENOMSG: it speaks SSH, but what follows could not be
 * understood. -ECONNABORTED: it turns this address away with a word, as sshd does for a while
 * (PerSourcePenalties, MaxStartups). Another -errno: it does not answer. Address and port are numbers. */
int ssh_hello(const char *address, const char *port, struct arena *, struct ssh_hello *ret);
/* The list of a message SSH_MSG_KEXINIT, from behind its number and cookie: for the fuzzer as well. */
bool ssh_hello_parse(struct str lists, struct ssh_hello *ret);

#endif
