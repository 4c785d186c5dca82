/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet filter that the site file asks for, beside the one that is in force and the one that the
 * boot loads. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_SITE_FIREWALL_H
#define REVET_HOST_SITE_FIREWALL_H

#include "host/edit.h"
#include "host/site_file.h"

#define SITE_UNITS "/etc/systemd/system/"
#define SITE_NAMES_TIMER "revet-names.timer" /* has the addresses of names asked for again */

struct site_firewall {
	bool wanted;         /* the site file says whom what is served to */
	const char *unknown; /* why the rest is not known; NULL: it is */
	struct site_file file;
	struct str text;    /* the table as it should be */
	struct str present; /* as it is; absent: there is none */
	bool in_force, at_boot;
};

/* procs_early() is to be called before; netfilter_site is the program that it runs. */
void site_firewall_read(struct host *, struct arena *, struct site_firewall *ret);
/* Has it loaded, now and at boot. -ENOTSUP: that would cut somebody off, err says whom. */
int site_firewall_edit(struct host *, struct edits *, struct err *);

#endif
