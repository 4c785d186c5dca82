/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site file, /etc/revet/site.yaml: what this server is for, as revet.yaml(5) describes it. Strict:
 * a key that is not known, a value of the wrong kind or a date that is none is an error with
 * file:line:column. What it says of rules (do they exist, have parameters the right type) is checked
 * by rule/site.h.
 */
#ifndef REVET_HOST_SITE_FILE_H
#define REVET_HOST_SITE_FILE_H

#include "base/vec.h"
#include "base/yaml.h"

#define SITE_FILE "/etc/revet/site.yaml"

struct site_waiver {
	struct str rule, object; /* absent object: all that the rule finds */
	struct str reason, owner;
	int64_t until; /* seconds since 1970: the end (UTC) of the last day on which it holds */
	bool forever;
	struct yaml_at at; /* where it stands */
};

struct site_file {
	struct yaml doc;
	struct str profile;        /* absent: the default one */
	struct yaml_at profile_at; /* where that stands */
	struct yaml_at parameters; /* {name: value}; doc NULL: none */
	VEC(struct site_waiver) waivers;
};

/* Everything lives in the arena; text and name are borrowed. -EINVAL. */
int site_file_parse(struct str text, const char *name, struct arena *, struct site_file *ret,
					struct err *);
/* For people: "waived by OWNER until DATE: REASON". */
struct buf;
void site_waiver_print(struct buf *, const struct site_waiver *);
bool site_waiver_has_expired(const struct site_waiver *, int64_t now);

#endif
