/* SPDX-License-Identifier: Apache-2.0 */
#include "host/authselect.h"

#include "base/vec.h"

/* Those of its files that a stack may be in. */
static const char *const files[] = {"system-auth", "password-auth", "postlogin", "smartcard-auth",
									"fingerprint-auth"};

/* "/etc/authselect/NAME", or the same relative to /etc/pam.d. */
static bool is_its_link(struct str target, const char *name)
{
	return (str_skip(&target, "/etc/authselect/") || str_skip(&target, "../authselect/")) &&
		   str_is(target, name);
}

/* A file of the name that is none of its links is somebody's own. */
static const char *find_edited(struct host *host, struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *path = arena_printf(a, "/etc/pam.d/%s", files[i]);
		struct str target = STR_ABSENT;
		struct err err = {0};
		int r = host_readlink(host, path, a, &target, &err);

		/* -EINVAL: it is no link. */
		if (r < 0 && r != -EINVAL && r != -ENOENT)
			return arena_strdup(a, err.msg);
		if (r < 0 || !is_its_link(target, files[i]))
			return arena_printf(a, "%s is not authselect's link", path);
	}
	return NULL;
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
			!(s.p[i] >= '0' && s.p[i] <= '9') && !strchr("-_./", s.p[i]))
			return false;
	return s.n && s.p[0] != '-' && s.p[0] != '/' && !str_has(s, "..");
}

int authselect_read(struct host *host, struct arena *a, struct authselect *ret, struct err *err)
{
	VEC(struct str) features = {0};
	struct str text, line;
	int r = host_read(host, AUTHSELECT_CONF, a, &text, err);

	*ret = (struct authselect){0};
	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (!line.n)
			continue;
		if (!is_word(line))
			return err_set(err, EBADMSG, AUTHSELECT_CONF ": '%.*s' is no name", STR_ARG(line));
		if (!ret->profile.p)
			ret->profile = line;
		else
			*vec_push(a, &features) = line;
	}
	if (!ret->profile.p)
		return err_set(err, EBADMSG, AUTHSELECT_CONF ": it names no profile");
	ret->features = features.p;
	ret->n = features.n;
	ret->edited = find_edited(host, a);
	return 0;
}

bool authselect_has(const struct authselect *s, const char *feature)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_is(s->features[i], feature))
			return true;
	return false;
}

/* `{include if "with-faillock"}` and its like, in the template of a stack; vendors' come before those of
 * authselect itself. */
int authselect_offers(struct host *host, struct arena *a, const struct authselect *s,
					  const char *feature, struct err *err)
{
	static const char *const vendors[] = {"/usr/share/authselect/vendor",
										  "/usr/share/authselect/default"};
	const char *const quoted = arena_printf(a, "\"%s\"", feature);
	bool custom = str_starts(s->profile, "custom/");
	struct str text = STR_ABSENT;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < (custom ? 1 : ARRAY_LEN(vendors)); i++)
		r = host_read(host,
					  arena_printf(a, "%s/%.*s/system-auth",
								   custom ? "/etc/authselect" : vendors[i], STR_ARG(s->profile)),
					  a, &text, err);
	return r < 0 ? r : str_has(text, quoted);
}
