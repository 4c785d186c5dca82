/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssh_config as ssh(1) of OpenSSH reads it: which lines say what, for every host or for some. Lines
 * are split as those of sshd_config. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_SSH_CONFIG_H
#define REVET_HOST_SSH_CONFIG_H

#include "host/sshd_config.h"

#define SSH_MAX_DEPTH 16                 /* as ssh's READCONF_MAX_DEPTH */
#define SSH_MAX_TOTAL ((size_t)64 << 10) /* bytes of all files of one configuration */
#define SSH_MAX_FILES 64

struct ssh_option {
	const char *keyword; /* as ssh_config(5) spells it, a former name resolved */
	struct str value;    /* its arguments with blanks between, in the arena */
	const char *file;
	unsigned number;
	struct str criteria; /* of the Host and Match lines that it stands below; absent: every host */
};

struct ssh_config {
	struct ssh_option *options;
	size_t n, cap;
	const char *gap; /* why some may be missing; NULL: complete */
};

/* The keyword by any spelling of its case; NULL: ssh has no such, or it says nothing about a
 * connection (Host, Match, Include). */
const char *ssh_config_keyword(struct str name);
/* Adds what a file and those that it includes say. A relative name is in `dir`, and "~" is `home`
 * (NULL: may not stand there). -ENOENT when the file is not there. */
int ssh_config_read(struct host *, struct arena *, const char *path, const char *dir,
					const char *home, struct ssh_config *, struct err *);

#endif
