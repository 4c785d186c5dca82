/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules and the catalogue that holds them: the embedded ones and a user's, through one strict
 * loader. Immutable after loading. See revet-rules(7) for the format.
 */
#ifndef REVET_RULE_RULE_H
#define REVET_RULE_RULE_H

#include "rule/sentence.h"

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
enum risk { RISK_NONE, RISK_RESTART, RISK_REBOOT, RISK_ACCESS }; /* the worst last */
enum fix { FIX_AUTOMATIC, FIX_GUARDED, FIX_REBOOT, FIX_BY_HAND };

const char *severity_name(enum severity);
int severity_parse(struct str, enum severity *ret);
const char *risk_name(enum risk);
const char *fix_name(enum fix);

struct rule {
	const char *id, *family, *file;
	struct str title, why, breaks, by_hand; /* the last two may be absent */
	enum severity severity;
	struct yaml_at severity_at; /* where a profile says so; doc NULL: it is the rule's own */
	enum risk risk;
	enum fix fix;
	bool left_out; /* of the profile that was chosen */
	const struct sentence *when, *unless; /* may be NULL */
	const struct sentence *want;
	const struct sentence
		*remedy; /* `fix`: what makes `want` hold; NULL: it is derived from `want` */
	const struct sentence *not_while;              /* while it holds the fix is left alone; NULL */
	struct yaml_at refs, cases, needs, parameters; /* doc NULL when there are none */
};

struct catalogue {
	struct arena arena;
	struct language language;
	struct rule *p; /* sorted by id */
	size_t n, cap;
	struct map files;    /* id -> name of the file that defines it */
	const char *profile; /* that was applied, or NULL */
};

/* The embedded rules, then those of the directory (NULL: none; one that is not there is none).
 * *ret is released with catalogue_done(), also after a failure. */
int catalogue_load(struct catalogue *ret, const char *user_dir, struct err *);
void catalogue_done(struct catalogue *);
const struct rule *catalogue_find(const struct catalogue *, struct str id);
const char *catalogue_nearest(const struct catalogue *, struct str id); /* or NULL */
/* One rule from a document; id is "family.name". For the loader and its tests. */
int catalogue_add(struct catalogue *, const struct yaml *, const char *id, struct err *);
/* --set NAME=VALUE; a list parameter takes commas. */
int catalogue_set(struct catalogue *, const char *assignment, struct err *);

/* {name: value or list, ...}, of a profile or a site file. */
int catalogue_set_all(struct catalogue *, struct yaml_at, struct err *err);

/* What the site has of its own below dir, rules and profiles; `name` is for messages. -EPERM: others than
 * root and who runs this can change it. */
int own_path_check(int dir, const char *path, const char *name, struct err *);
int own_file_parse(int dir, const char *path, const char *name, struct arena *, struct yaml **ret,
				   struct err *);

/* The embedded documents, rules, profiles and maps: made by tools/embed.c. */
struct embedded {
	const char *path; /* below catalogue/: "ssh/no-root-login.yaml"; or "profiles/", "maps/" */
	uint32_t first_node, n_nodes;
};
extern const struct embedded embedded_rules[];
extern const size_t embedded_count;
bool embedded_is_rule(const struct embedded *);
extern const struct yaml_node embedded_nodes[];
extern const char embedded_pool[];

#endif
