/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apk.h"

#include <stdio.h>

#define MAX_PATH 4096

const char *const apk_databases[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed", NULL};

const char *apk_directory(int root_fd, struct arena *a)
{
	struct path_stat st;
	const char *slash;

	for (size_t i = 0; apk_databases[i]; i++) {
		/* What a link leads to is the other one. */
		if (i == 0 && path_stat(root_fd, "/lib", false, &st) == 0 && S_ISLNK(st.mode) &&
			path_stat(root_fd, apk_databases[1], true, &st) == 0)
			continue;
		slash = strrchr(apk_databases[i], '/');
		if (path_stat(root_fd, apk_databases[i], true, &st) == 0)
			return arena_copy(a, apk_databases[i], (size_t)(slash - apk_databases[i]));
	}
	return NULL;
}

int apk_read(int root_fd, struct arena *a, struct str *ret, const char **ret_path)
{
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && apk_databases[i]; i++) {
		*ret_path = apk_databases[i];
		r = path_read(root_fd, *ret_path, HOST_MAX_FILE, a, ret);
	}
	return r;
}

bool apk_next(struct str *text, struct str *ret)
{
	struct str line;

	*ret = STR_ABSENT;
	while (str_line(text, &line)) {
		if (line.n && !ret->p)
			*ret = line;
		else if (line.n)
			ret->n = (size_t)(line.p + line.n - ret->p);
		else if (ret->p)
			return true;
	}
	return ret->p;
}

bool apk_field(struct str *package, char *ret_name, struct str *ret)
{
	while (str_line(package, ret)) {
		if (ret->n < 2 || ret->p[1] != ':')
			continue;
		*ret_name = ret->p[0];
		*ret = (struct str){ret->p + 2, ret->n - 2};
		return true;
	}
	return false;
}

struct str apk_value(struct str package, char name)
{
	struct str value;
	char field;

	while (apk_field(&package, &field, &value))
		if (field == name)
			return value;
	return STR_ABSENT;
}

int apk_each_path(struct str package, int (*each)(struct str path, bool is_dir, void *data),
				  void *data)
{
	struct str dir = STR(""), value;
	char field, path[MAX_PATH];
	int r = 0;

	while (r >= 0 && apk_field(&package, &field, &value)) {
		bool is_dir = field == 'F';
		size_t n;

		if ((!is_dir && field != 'R') || (!is_dir && dir.n + value.n + 3 > sizeof(path)) ||
			value.n + 2 > sizeof(path))
			continue;
		if (is_dir)
			dir = value;
		n = is_dir ? (size_t)snprintf(path, sizeof(path), "/%.*s", STR_ARG(dir))
				   : (size_t)snprintf(path, sizeof(path), "/%.*s%s%.*s", STR_ARG(dir),
									  dir.n ? "/" : "", STR_ARG(value));
		/* The root has no name. */
		if (n > 1)
			r = each((struct str){path, n}, is_dir, data);
	}
	return MIN(r, 0);
}

bool apk_dependency(struct str *list, struct str *ret, struct str *ret_more, bool *ret_not)
{
	bool not ;

	do {
		if (!str_word(list, ret))
			return false;
		not = str_skip(ret, "!");
	} while (not &&!ret_not);
	if (ret_not)
		*ret_not = not ;
	for (size_t i = 0; i < ret->n; i++)
		if (strchr("<>=~@", ret->p[i])) {
			if (ret_more)
				*ret_more = (struct str){ret->p + i, ret->n - i};
			ret->n = i;
			return true;
		}
	if (ret_more)
		*ret_more = STR_ABSENT;
	return true;
}
