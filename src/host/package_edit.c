/* SPDX-License-Identifier: Apache-2.0 */
#include "host/package_edit.h"

#include "host/apk.h"
#include "host/apt_lists.h"
#include "host/dpkg.h"
#include "host/package_offers.h"

#define APT "/usr/bin/apt-get"

/* An interrupted dpkg is somebody's to look at; apt would mend it on the way. */
static int check_dpkg(const struct dpkg_db *db, struct err *err)
{
	static const char *const sound[] = {"installed", "config-files"};

	if (db->gap)
		return err_set(err, ENOTSUP, "%s", db->gap);
	for (size_t i = 0; i < db->n; i++) {
		bool is_sound = false;

		for (size_t k = 0; k < ARRAY_LEN(sound); k++)
			is_sound = is_sound || str_is(db->p[i].state, sound[k]);
		if (!is_sound)
			return err_set(err, ENOTSUP, "%.*s is %.*s, so nothing is installed; see: dpkg --audit",
						   STR_ARG(db->p[i].name), STR_ARG(db->p[i].state));
	}
	return 0;
}

typedef int offer(struct host *, const char *name, struct arena *, struct str *ret_version,
				  struct err *);

/* Managers that install, with what is theirs alone and what does it. Where dpkg's database is, the
 * others are tools for other systems' packages. */
static const struct source {
	const char *manager, *own, *program;
	offer *offer;
} apt = {"dpkg", NULL, APT, apt_offer},
  others[] = {
	  {"pacman", "/var/lib/pacman/local", "/usr/bin/pacman", pacman_offer},
	  {"apk", APK_WORLD, APK, apk_offer},
	  {"rpm", "/etc/yum.repos.d", "/usr/bin/dnf", dnf_offer},
};

static int find_source(struct host *host, struct arena *a, const struct source **ret,
					   struct err *err)
{
	struct dpkg_db db = {0};
	struct path_stat st;
	int r = dpkg_read(host, a, &db, err);

	*ret = &apt;
	if (r == 0)
		r = check_dpkg(&db, err);
	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(others); i++) {
		*ret = &others[i];
		r = host_stat(host, others[i].own, true, &st, err);
	}
	if (r == -ENOENT)
		return err_set(err, ENOTSUP, "neither apt, dnf, pacman nor apk is here");
	if (r == 0 && host_stat(host, (*ret)->program, true, &st, err) < 0)
		r = err_set(err, ENOTSUP, "there is no %s here", (*ret)->program);
	return r;
}

int package_install(struct host *host, const struct str *names, size_t n, struct edits *edits,
					struct err *err)
{
	const struct source *source;
	struct str version;
	struct err first = {0};
	int r = find_source(host, edits->arena, &source, err);

	if (r < 0)
		return err_context(err, "%.*s is installed by hand", STR_ARG(names[0]));
	for (size_t i = 0; i < n; i++) {
		const char *name = str_dup(edits->arena, names[i]);

		r = source->offer(host, name, edits->arena, &version, i ? err : &first);
		if (r == 0) {
			edit_state(edits, "package", source->manager, name, STR_ABSENT, version);
			return 0;
		}
	}
	*err = first;
	return r == -ENOENT ? -(err->errnum = ENOTSUP) : r;
}
