/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_request.h"

#include "base/regex.h"

#define MAX_PATTERN 2048

bool apache_regex_fits(struct apache_request *q, struct str pattern, struct str subject)
{
	struct regex *regex;
	struct err err = {0};
	int fits = pattern.n > MAX_PATTERN ? -E2BIG : regex_compile(q->arena, pattern, &regex, &err);

	if (fits == 0)
		fits = regex_match(regex, subject);
	if (fits < 0)
		q->unknown = "a regular expression cannot be used";
	return fits > 0;
}

static struct str base_name(const char *file)
{
	return str_of(strrchr(file, '/') + 1);
}

static struct str directory_of(const char *file)
{
	return (struct str){file, (size_t)(strrchr(file, '/') - file)};
}

bool apache_is_below(struct str path, struct str prefix)
{
	prefix = apache_without_slash(prefix);
	return (prefix.n == 1 && *prefix.p == '/') ||
		   (path.n >= prefix.n && prefix.n && memcmp(path.p, prefix.p, prefix.n) == 0 &&
			(path.n == prefix.n || path.p[prefix.n] == '/'));
}

bool apache_section_fits(struct apache_request *q, const struct directive *d)
{
	bool tilde = d->n_args > 1 && str_is(d->args[0], "~");
	struct str what = d->n_args ? d->args[d->n_args - 1] : STR("");

	if (apache_is(d, "FilesMatch") || (apache_is(d, "Files") && tilde))
		return apache_regex_fits(q, what, base_name(q->file));
	if (apache_is(d, "DirectoryMatch") || (apache_is(d, "Directory") && tilde))
		return apache_regex_fits(q, what, directory_of(q->file));
	if (apache_is(d, "LocationMatch") || (apache_is(d, "Location") && tilde))
		return apache_regex_fits(q, what, q->path);
	if (apache_is(d, "Files"))
		return str_glob(str_dup(q->arena, what), base_name(q->file));
	if (apache_is(d, "Location"))
		return apache_is_below(q->path, what);
	return str_is_glob(what) ? str_glob(str_dup(q->arena, what), directory_of(q->file))
							 : apache_is_below(directory_of(q->file), what);
}
