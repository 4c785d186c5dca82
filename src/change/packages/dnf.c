/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnf, for what rpm is to install: it finds what that takes, fetches it and checks its signatures, and is
 * stopped there. rpm then installs these files, which removes and upgrades nothing (rpm.c). Its lists are
 * used as they are. Where a repository is a directory here, dnf_offer() has said no: dnf would move the
 * packages out of it.
 */
#include <stdlib.h>

#include "base/vec.h"
#include "change/packages.h"
#include "host/rpmdb.h"

#define RPM "/usr/bin/rpm"

int dnf_fetched(const struct place *place, const struct saved *saved, struct arena *a,
				struct names *ret, struct err *err)
{
	return packages_fetched(place, saved, ".rpm", a, ret, err);
}

/* --- keys -------------------------------------------------------------------------------------- */

struct keys {
	struct arena *arena;
	struct names names; /* "gpg-pubkey-VERSION-RELEASE" */
};

static int note_key(const struct rpm_header *h, void *data)
{
	struct keys *keys = data;

	if (str_is(rpm_string(h, RPM_NAME), "gpg-pubkey"))
		*vec_push(keys->arena, &keys->names) =
			arena_printf(keys->arena, "gpg-pubkey-%.*s-%.*s", STR_ARG(rpm_string(h, RPM_VERSION)),
						 STR_ARG(rpm_string(h, RPM_RELEASE)));
	return 0;
}

/* Where dnf has taken a repository's key on trust, so that it need not ask: that is for a person to do. */
static int refuse_new_keys(const struct place *place, const struct keys *before, struct arena *a,
						   struct err *err)
{
	struct keys now = {.arena = a};
	int r = rpmdb_each(place->root_fd, note_key, &now, err);

	for (size_t i = 0; r == 0 && i < now.names.n; i++) {
		const char *const argv[] = {RPM, "-e", "--allmatches", now.names.p[i], NULL};

		if (names_have(&before->names, now.names.p[i]))
			continue;
		r = step_run(place, argv, PACKAGES_TIMEOUT, err);
		if (r == 0)
			r = err_set(err, ENOTSUP,
						"rpm does not know the key of the repository yet, %s: import it "
						"first",
						now.names.p[i]);
	}
	return r;
}

/* --- fetching ---------------------------------------------------------------------------------- */

static int fetch(const struct place *place, const struct step *step, const struct saved *saved,
				 struct arena *a, struct err *err)
{
	static const char *const common[] = {"/usr/bin/dnf",
										 "-q",
										 "-y",
										 "--setopt=install_weak_deps=False",
										 "--setopt=metadata_expire=-1",
										 "--setopt=keepcache=False",
										 "install",
										 "--downloadonly"};
	struct names wanted = packages_installed_by(step, a), argv = {0};
	struct keys keys = {.arena = a};
	const char *dir;
	int r = packages_path(place, saved, ".fetched", a, &dir, err);

	if (r == 0)
		r = rpmdb_each(place->root_fd, note_key, &keys, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		*vec_push(a, &argv) = common[i];
	*vec_push(a, &argv) = arena_printf(a, "--destdir=%s", dir);
	for (size_t i = 0; i < wanted.n; i++)
		*vec_push(a, &argv) =
			arena_printf(a, "%s-%.*s", wanted.p[i], STR_ARG(state_get(&step->after, wanted.p[i])));
	*vec_push(a, &argv) = NULL;
	r = step_run(place, argv.p, PACKAGES_TIMEOUT, err);
	return r == 0 ? refuse_new_keys(place, &keys, a, err) : r;
}

/* What dnf would remove for it; rpm would leave that beside it. */
static int refuse_obsoleting(const struct place *place, const struct names *files,
							 const struct state *installed, struct arena *a, struct err *err)
{
	static const char *const obsoletes[] = {RPM, "-qp", "--qf", "[%{OBSOLETENAME}\n]", NULL};
	struct str lines = STR(""), line;
	int r = packages_run(place, obsoletes, files, a, &lines, err);

	while (r == 0 && str_line(&lines, &line))
		if (state_has(installed, str_dup(a, line)))
			r = err_set(err, ENOTSUP, "it would replace %.*s", STR_ARG(line));
	return r;
}

int dnf_save(const struct place *place, const struct step *step, const struct state *installed,
			 const struct saved *saved, struct err *err)
{
	static const char *const name[] = {RPM, "-qp", "--qf",
									   "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n", NULL};
	static const char *const test[] = {RPM, "-i", "--test", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct names files = {0};
	struct str lines = STR("");
	int r = packages_fetch_begin(saved, err);

	if (r == 0)
		r = fetch(place, step, saved, &a, err);
	if (r == 0)
		r = dnf_fetched(place, saved, &a, &files, err);
	if (r == 0 && files.n)
		r = packages_run(place, name, &files, &a, &lines, err);
	if (r == 0)
		r = packages_check_new(lines, step, installed, &a, err);
	if (r == 0)
		r = refuse_obsoleting(place, &files, installed, &a, err);
	return r == 0 ? packages_run(place, test, &files, &a, NULL, err) : r;
}
