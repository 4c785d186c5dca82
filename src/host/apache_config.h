/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of Apache httpd as it reads it: includes and <IfModule>, <IfDefine>, <IfFile> and
 * <IfVersion> are resolved, variables of Define and of Debian's envvars put in. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_APACHE_CONFIG_H
#define REVET_HOST_APACHE_CONFIG_H

#include "base/map.h"
#include "host/directive.h"
#include "host/host.h"

struct apache_config {
	struct directive root;
	const char *directory;   /* that of the main file, with a slash behind */
	const struct str *files; /* each once */
	size_t n_files;
	struct map modules; /* "ssl_module" and "mod_ssl.c" of what is loaded */
};

/* -ENOENT: neither /etc/apache2/apache2.conf nor /etc/httpd/conf/httpd.conf is there. Any other error
 * means that nothing is known. */
int apache_config_read(struct host *, struct arena *, struct apache_config *ret, struct err *);

#endif
