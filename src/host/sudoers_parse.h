/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sudoers as sudo reads it: /etc/sudoers and what it includes, aliases kept apart until everything
 * is read, because they may be defined after their use. Everything lives in the arena that was
 * passed, or is borrowed from the text.
 */
#ifndef REVET_HOST_SUDOERS_PARSE_H
#define REVET_HOST_SUDOERS_PARSE_H

#include "base/map.h"
#include "host/host.h"

struct sudoers_member {
	struct str text; /* without quotes and escapes; a command with its digests and arguments */
	bool negated;
	bool wildcard; /* of a command: an unescaped `*` is in it */
};

struct sudoers_list {
	struct sudoers_member *items;
	size_t n;
};

/* Pairs of tags of which one undoes the other. */
enum sudoers_tag {
	SUDOERS_PASSWD,
	SUDOERS_EXEC,
	SUDOERS_SETENV,
	SUDOERS_INPUT,
	SUDOERS_OUTPUT,
	SUDOERS_MAIL,
	SUDOERS_FOLLOW,
	SUDOERS_INTERCEPT,
	SUDOERS_TAGS,
};
struct sudoers_tags {
	uint8_t set[SUDOERS_TAGS]; /* 0: neither, else 1 + index of sudoers_tag_names[] */
};
extern const char *const sudoers_tag_names[SUDOERS_TAGS][2]; /* {"PASSWD", "NOPASSWD"} */

struct sudoers_runas {
	struct sudoers_list users, groups;
	bool myself; /* `()`: the invoking user only */
};

/* A file, and whether sudo honours it: 1, 0 when its owner or mode is wrong, -1 not known. */
struct sudoers_file {
	const char *path;
	int honoured;
};

/* Neighbouring commands of one line that share host, runas and tags. */
struct sudoers_rule {
	struct str text; /* the whole line, continuations joined */
	struct sudoers_list users, hosts, commands;
	const struct sudoers_runas *runas; /* NULL: the default, root */
	struct sudoers_tags tags;
	const struct sudoers_file *file;
	unsigned line;
};

/* One setting of a Defaults line. */
struct sudoers_default {
	struct str scope; /* empty: all; "@hosts", ":users", "!commands", ">runas users" */
	struct str key, value;
	char op; /* '=' value, '+' and '-' add to and remove from a list, 't' plain, 'f' with `!` */
	const struct sudoers_file *file;
	unsigned line;
};

enum sudoers_alias {
	SUDOERS_USERS,
	SUDOERS_HOSTS,
	SUDOERS_RUNAS,
	SUDOERS_COMMANDS,
	SUDOERS_ALIASES
};

struct sudoers {
	struct sudoers_rule *rules;
	size_t n_rules, cap_rules;
	struct sudoers_default *defaults;
	size_t n_defaults, cap_defaults;
	const char *gap; /* why something may be missing; NULL: complete */
	/* private */
	struct map aliases[SUDOERS_ALIASES];
	size_t expanded;
	unsigned depth;
};

/* No sudoers at all is no error and no rule. */
int sudoers_read(struct host *, struct arena *, struct sudoers *ret, struct err *);
/* The list with its aliases replaced by what they stand for, negation carried inside. */
struct sudoers_list sudoers_expand(struct sudoers *, struct arena *, enum sudoers_alias,
								   struct sudoers_list);

#endif
