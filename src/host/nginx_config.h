/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx.conf as nginx reads it: a tree of directives with what they include in its place. What is not
 * a list of directives (types, map, geo, blocks of Lua) is passed over. Everything lives in the arena
 * that was passed.
 */
#ifndef REVET_HOST_NGINX_CONFIG_H
#define REVET_HOST_NGINX_CONFIG_H

#include "host/directive.h"
#include "host/host.h"

#define NGINX_DIRECTORY "/etc/nginx/"
#define NGINX_MAIN_FILE NGINX_DIRECTORY "nginx.conf"

struct nginx_config {
	struct directive root;   /* the main context */
	const struct str *files; /* each once, in the order in which nginx opens them */
	size_t n_files;
};

/* -ENOENT: there is no /etc/nginx/nginx.conf. Any other error means that nothing is known: nginx would
 * not start with what it finds, or something cannot be read. */
int nginx_config_read(struct host *, struct arena *, struct nginx_config *ret, struct err *);

#endif
