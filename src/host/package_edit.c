/* SPDX-License-Identifier: Apache-2.0 */
#include "host/package_edit.h"

#include "host/apt_lists.h"
#include "host/dpkg.h"

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

int package_install(struct host *host, const struct str *names, size_t n, struct edits *edits,
					struct err *err)
{
	struct dpkg_db db = {0};
	struct path_stat st;
	struct str version;
	struct err first = {0};
	int r = dpkg_read(host, edits->arena, &db, err);

	if (r == -ENOENT || (r == 0 && host_stat(host, APT, true, &st, err) < 0))
		return err_set(err, ENOTSUP, "%.*s is installed by hand: there is no apt here",
					   STR_ARG(names[0]));
	if (r == 0)
		r = check_dpkg(&db, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		const char *name = str_dup(edits->arena, names[i]);

		r = apt_offer(host, name, edits->arena, &version, i ? err : &first);
		if (r == 0) {
			edit_state(edits, "package", "dpkg", name, STR_ABSENT, version);
			return 0;
		}
	}
	*err = first;
	return r == -ENOENT ? -(err->errnum = ENOTSUP) : r;
}
