/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit rule as auditctl takes it. The files and `auditctl -l` spell the same rule in different
 * ways (-w or -F path, -k or -F key, order of fields, lists of syscalls), so a rule has one form to be
 * compared by. Everything lives in the arena, or is borrowed from the line.
 */
#ifndef REVET_HOST_AUDIT_RULE_H
#define REVET_HOST_AUDIT_RULE_H

#include "host/passwd.h"

#define AUDIT_MAX_RULE 8192 /* bytes of a line, as auditctl's buffer */

struct audit_words {
	struct str *p;
	size_t n, cap;
};

struct audit_rule {
	struct str text, path, permissions, action, list, key;
	bool is_control, is_path_only; /* is_path_only: could as well be written with -w */
	struct audit_words syscalls, fields;
	struct str canonical; /* the same for all spellings */
};

/* A line of at most AUDIT_MAX_RULE bytes; users NULL: names of accounts stay names. */
void audit_rule_parse(struct arena *, const struct passwd_db *users, struct str line,
					  struct audit_rule *ret);

#endif
