/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the criteria of a Match block leave out, as match_pattern_list() of OpenSSH takes them. */
#include "host/sshd_config.h"

/* `*` and `?` are all that sshd knows; what is special to str_glob() beside them is not compared. */
static bool is_plain(struct str pattern)
{
	return !str_has_char(pattern, '[') && !str_has_char(pattern, '\\');
}

/* One that excludes counts wherever it stands in the list, and a list of such alone fits nobody. */
static bool may_list(struct arena *a, struct str list, struct str user)
{
	struct str pattern;
	bool fits = false;

	while (str_cut(&list, ',', &pattern)) {
		bool excludes = str_skip(&pattern, "!");

		if (!is_plain(pattern))
			fits |= !excludes;
		else if (!str_glob(str_dup(a, pattern), user))
			continue;
		else if (excludes)
			return false;
		else
			fits = true;
	}
	return fits;
}

static bool may_line(struct arena *a, const struct sshd_line *line, struct str user)
{
	static const char *const criteria[] = {"Address",   "Group",   "Host", "LocalAddress",
										   "LocalPort", "RDomain", "User"};

	for (size_t i = 0; i + 1 < line->n_args; i += 2) {
		struct str name = line->args[i];
		size_t k = 0;

		while (k < ARRAY_LEN(criteria) && !str_is_nocase(name, criteria[k]))
			k++;
		/* How many arguments one has that is not known is not known either. */
		if (k == ARRAY_LEN(criteria))
			return true;
		if (str_is_nocase(name, "User") && !may_list(a, line->args[i + 1], user))
			return false;
	}
	return true;
}

bool sshd_match_may(struct arena *a, const struct sshd_match *match, struct str user)
{
	for (; match; match = match->outer)
		if (!may_line(a, match->line, user))
			return false;
	return true;
}
