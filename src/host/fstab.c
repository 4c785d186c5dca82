/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fstab.h"

#include "host/mountinfo.h"

static struct str without_slash(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* SOURCE TARGET FSTYPE [OPTIONS [FREQ [PASSNO]]] */
bool fstab_entry_parse(struct arena *a, struct str line, struct fstab_entry *ret)
{
	struct fstab_entry e = {.options = STR("defaults")};

	if (!str_word(&line, &e.source) || e.source.p[0] == '#' || !str_word(&line, &e.target) ||
		!str_word(&line, &e.fstype))
		return false;
	(void)str_word(&line, &e.options);
	e.source = mountinfo_unescape(a, e.source);
	e.target = without_slash(mountinfo_unescape(a, e.target));
	e.options = mountinfo_unescape(a, e.options);
	if (e.target.p[0] != '/' || str_is(e.fstype, "swap") || str_is(e.fstype, "ignore"))
		return false;
	*ret = e;
	return true;
}

bool fstab_has_option(struct str options, const char *name)
{
	struct str one;

	while (str_cut(&options, ',', &one))
		if (str_is(one, name))
			return true;
	return false;
}
