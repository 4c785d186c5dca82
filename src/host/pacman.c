/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pacman.h"

#define MAX_FILE ((size_t)16 << 20)
#define MAX_PACKAGES 65536

bool pacman_line(struct str *text, struct str *section, struct str *ret)
{
	while (str_line(text, ret)) {
		if (str_starts(*ret, "%") && str_ends(*ret, "%"))
			*section = *ret;
		else if (section->p && ret->n)
			return true;
	}
	return false;
}

struct str pacman_value(struct str text, const char *section)
{
	struct str in = STR_ABSENT, line;

	while (pacman_line(&text, &in, &line))
		if (str_is(in, section))
			return line;
	return STR_ABSENT;
}

int pacman_each(int root_fd, int (*each)(const char *dir, struct str desc, void *data), void *data,
				struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries = NULL;
	size_t n = 0;
	bool more = false;
	int r = path_list(root_fd, PACMAN_LOCAL, MAX_PACKAGES, &a, &entries, &n, &more);

	if (r < 0 || more)
		return err_errno(err, more ? EFBIG : -r, PACMAN_LOCAL);
	for (size_t i = 0; i < n; i++) {
		_cleanup_arena_ struct arena scratch = {0};
		const char *path = arena_printf(&scratch, PACMAN_LOCAL "/%s/desc", entries[i].name);
		struct str text;

		r = path_read(root_fd, path, MAX_FILE, &scratch, &text);
		if (r == -ENOTDIR) /* ALPM_DB_VERSION */
			continue;
		if (r < 0)
			return err_errno(err, -r, "%s", path);
		r = each(entries[i].name, text, data);
		if (r < 0)
			return err_errno(err, -r, "%s", path);
	}
	return 0;
}
