/* SPDX-License-Identifier: Apache-2.0 */
/* A value that stands in the file itself: for what a template has put there. */
#include "spec/lookup.h"

enum { MATCHES, CONTENT };

static const struct attribute attributes[] = {
	[MATCHES] = {"matches", EXPECTED, .required = true},
	[CONTENT] = {"content", SETTING_ANY},
	{0},
};

static int find(struct finding *f, int attribute _unused_, struct datum *ret,
				struct err *err _unused_)
{
	*ret = *setting(f->resource, "content");
	return 0;
}

static const struct kind matching = {"matching", "Matching", attributes, .find = find};
KIND(matching);
