/* SPDX-License-Identifier: Apache-2.0 */
/* What the experiments about SSH share: where the server listens, and trying to log in. */
#ifndef REVET_PROVE_SSH_H
#define REVET_PROVE_SSH_H

#include "prove/outside.h"

struct ssh_door {
	const char *address,
		*port;   /* to connect to from this host: the loopback one for all addresses */
	bool of_all; /* it listens on all addresses of the family */
	int family;
	uint16_t number; /* of the port */
};

/* Of the table listeners, which the experiment names. */
size_t ssh_find_doors(struct trial *, const struct ssh_door **ret);
/* The same. Where there is none, or it cannot be known, that has been said. */
size_t ssh_doors(struct trial *, const struct ssh_door **ret);
/* The port on which somebody outside finds it at the target; NULL: none. */
const char *ssh_port_at(struct trial *, const struct target *);

/* One login that is tried by the distribution's client, which runs nothing there. */
struct ssh_try {
	int ns;           /* network namespace of the client; -1: this host's own */
	const char *from; /* its address; NULL: any */
	const char *to, *port;
	const char *user;
	const char *key; /* file with a key, or with the public half alone; NULL: none */
};
struct ssh_seen {
	bool connected; /* a server of SSH answered */
	bool takes_key; /* it would take a signature by the key */
	bool logged_in;
	struct str methods;  /* that it offers, "publickey,password"; absent: it did not say */
	const char *why_not; /* what the client last said, where it did not connect */
};
/* -errno with err when there is no client. */
int ssh_try(struct trial *, const struct ssh_try *, struct ssh_seen *ret, struct err *);

/* Who administers this host: the users of the site file, else whose session this is. */
size_t ssh_admins(struct trial *, const char *const **ret);
/* Public keys that sshd takes from the user at that address, each in a file of its own below scratch. */
size_t ssh_public_keys(struct trial *, const char *user, const char *peer, const char *const **ret,
					   struct err *);

/* An sshd of this host's configuration in a network namespace, for experiments that must not reach the
 * real one. What it writes and whom it talks to stays in this process's mounts. `options` come before
 * what the configuration says; up to a NULL. exec_done() ends it. -errno: it does not come up. */
int ssh_serve(struct trial *, int ns, const char *const *options, struct exec *ret, struct err *);
/* A key pair for this alone, and the option by which such a server takes it from everybody. */
int ssh_make_key(struct trial *, const char **ret_key, const char **ret_option, struct err *);
/* Has it tried where packets get to as they do here, in a private network; `how` says so. Where no sshd
 * listens, or there can be no such network, that has been said. */
void ssh_in_copy(struct trial *, const char *how,
				 void (*attempt)(struct trial *, const struct outside *));
/* A way to sshd. */
struct ssh_way {
	const struct origin *from;
	const struct target *to;
	const char *port; /* of sshd there; NULL: nobody listens for it */
	bool is_open;     /* a connection comes about */
};
/* From each origin of the kinds from which something can be sent. */
#define SSH_MAX_WAYS 64
size_t ssh_find_ways(struct trial *, const struct outside *, unsigned kinds,
					 struct ssh_way ret[SSH_MAX_WAYS]);
/* The login that is tried by it. */
struct ssh_try ssh_by(const struct ssh_way *, const char *user);

#endif
