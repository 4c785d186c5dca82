/* SPDX-License-Identifier: Apache-2.0 */
/* What the site file says of the rules: their parameters, and which findings are waived. */
#ifndef REVET_RULE_SITE_H
#define REVET_RULE_SITE_H

#include "host/site_file.h"
#include "rule/judge.h"

struct site {
	const char *path;      /* of the file; NULL: there is none, and nothing is waived */
	struct str text;       /* what stands in it, comments too */
	struct site_file file;
	bool *used;            /* of each waiver: did it waive anything? */
};

/* Reads the file. When it is not there: 0 with path NULL, or -ENOENT where it is `required`. A file
 * that others than its owner may change, or that neither root nor this user owns, is refused. */
int site_read(struct site *, const char *path, bool required, struct arena *, struct err *);
/* Sets the parameters of the catalogue, and checks that the rules that are waived exist. */
int site_apply(const struct site *, struct catalogue *, struct err *);
/* Marks what is waived of a judgement that failed: pieces of evidence, and where that is all of it, the
 * judgement. What has run out waives nothing. */
void site_waive(struct site *, int64_t now, struct judgement *);
/* "FILE:LINE" of a waiver, in the arena. */
const char *site_waiver_source(const struct site *, size_t i, struct arena *);

#endif
