/* SPDX-License-Identifier: Apache-2.0 */
/* A home may be there now and not when its user comes in: one that is decrypted or mounted at login, by
 * a password, keeps its key from sshd until then. And what lies in the place of one that is not mounted
 * yet is not what sshd will see. */
#include <fcntl.h>
#include <sys/stat.h>

#include "change/login.h"
#include "host/fstab.h"
#include "host/mountinfo.h"

/* The directory itself, or something below it? */
static bool covers(struct str dir, struct str path)
{
	if (str_is(dir, "/"))
		return true;
	return path.n >= dir.n && memcmp(path.p, dir.p, dir.n) == 0 &&
		   (path.n == dir.n || path.p[dir.n] == '/');
}

/* The one that the file is seen on: of those above it the last that was made. */
static const struct mount *mount_of(const struct mounts *mounts, struct str file)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < mounts->n; i++)
		if (covers(mounts->p[i].target, file))
			found = &mounts->p[i];
	return found;
}

static bool is_of_automounter(const struct mounts *mounts, struct str file)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (str_is(mounts->p[i].fstype, "autofs") && covers(mounts->p[i].target, file))
			return true;
	return false;
}

static bool is_mounted_at(const struct mounts *mounts, struct str target)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (str_eq(mounts->p[i].target, target))
			return true;
	return false;
}

/* Does the boot mount it? *ret_missing: what it should have mounted above the file, and is not. */
static bool is_in_fstab(struct login *l, const struct mounts *mounts, struct str target,
						struct str file, struct str *ret_missing)
{
	struct fstab_entry entry;
	struct str text, line;
	bool found = false;

	*ret_missing = STR_ABSENT;
	if (path_read(l->place->root_fd, FSTAB_PATH, 1u << 20, l->arena, &text) < 0)
		return false;
	while (str_line(&text, &line)) {
		bool by_itself;

		if (!fstab_entry_parse(l->arena, line, &entry) || !covers(entry.target, file))
			continue;
		by_itself = !fstab_has_option(entry.options, "noauto") ||
					fstab_has_option(entry.options, "x-systemd.automount");
		found = found || (by_itself && str_eq(entry.target, target));
		if (!is_mounted_at(mounts, entry.target))
			*ret_missing = entry.target;
	}
	return found;
}

/* Of each directory a key of its own, which is there while somebody has given it (fscrypt). */
static bool is_encrypted(const char *file)
{
	struct statx st;

	return statx(AT_FDCWD, file, 0, STATX_BASIC_STATS, &st) == 0 &&
		   (st.stx_attributes & STATX_ATTR_ENCRYPTED);
}

static bool is_of_a_person(const struct mount *m, struct str home)
{
	static const char *const kept[] = {"zfs", "nfs", "nfs4", "cifs", "ceph"};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (str_is(m->fstype, kept[i]))
			return false;
	return str_is(m->fstype, "ecryptfs") || str_starts(m->fstype, "fuse") ||
		   (covers(home, m->target) && !str_is(m->target, "/"));
}

bool login_home_stays(struct login *l, const struct passwd_user *u, const char *file)
{
	struct str target = str_of(file), missing;
	struct mounts mounts = {0};
	const struct mount *m;
	struct err err;
	bool by_boot;

	if (mountinfo_read(l->host, l->arena, &mounts, &err) < 0) {
		l->why = arena_strdup(l->arena, err.msg);
		return false;
	}
	m = mount_of(&mounts, target);
	by_boot = is_in_fstab(l, &mounts, m ? m->target : STR("/"), target, &missing);
	if (missing.p)
		l->why = arena_printf(l->arena,
							  "%.*s, which /etc/fstab has, is not mounted: what %s will be is not "
							  "known",
							  STR_ARG(missing), file);
	else if (is_encrypted(file) ||
			 (m && is_of_a_person(m, u->home) && !by_boot && !is_of_automounter(&mounts, target)))
		l->why = arena_printf(l->arena,
							  "%s may be there only while it is logged in: the boot neither mounts "
							  "nor decrypts what it is on",
							  file);
	else
		return true;
	return false;
}
