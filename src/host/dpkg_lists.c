/* SPDX-License-Identifier: Apache-2.0 */
#include "host/dpkg_lists.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/vec.h"

#define MAX_LINES \
	((size_t)4 << 20) /* Debian's largest have 100,000 each, a server some 200,000 in all */
#define BITS (8 * sizeof(struct dpkg_marks))

/* By the end of a path, which tells it from its neighbours. Who makes paths that share a number only
 * has more lists read. */
static uint32_t number_of(struct str path)
{
	uint64_t last = 0, before = 0;

	if (path.n < sizeof(last)) {
		memcpy(&last, path.p, path.n);
	} else {
		memcpy(&last, path.p + path.n - sizeof(last), sizeof(last));
		memcpy(&before, path.p + (path.n - sizeof(before)) / 2, sizeof(before));
	}
	last = (last ^ path.n) * 0x9e3779b97f4a7c15u;
	return (uint32_t)((last ^ before) * 0xd6e8feb86659fd93u >> 32);
}

static bool has_number(const struct dpkg_marks *m, uint32_t number)
{
	size_t bit = number % BITS;

	return m->bits[bit / 64] >> bit % 64 & 1;
}

void dpkg_marks_add(struct dpkg_marks *m, struct str path)
{
	size_t bit = number_of(path) % BITS;

	m->bits[bit / 64] |= (uint64_t)1 << bit % 64;
}

bool dpkg_marks_has(const struct dpkg_marks *m, struct str path)
{
	return has_number(m, number_of(path));
}

struct str dpkg_list_package(const struct dpkg_list *list)
{
	struct str file = str_of(list->name), name;

	file.n -= sizeof(".list") - 1;
	str_cut(&file, ':', &name);
	return name;
}

/* A link leads on from the root. */
int dpkg_list_read(int root_fd, int directory, const struct dpkg_list *list, struct arena *a,
				   struct str *ret)
{
	if (!list->is_link)
		return path_read(directory, list->name, HOST_MAX_FILE, a, ret);
	return path_read(root_fd, arena_printf(a, DPKG_INFO "/%s", list->name), HOST_MAX_FILE, a, ret);
}

bool dpkg_list_may_have(const struct dpkg_lists *lists, const struct dpkg_list *list,
						const struct dpkg_marks *marks)
{
	bool found = list->unknown;

	for (size_t i = list->begin; i < list->end && !found; i++)
		found = has_number(marks, lists->lines[i]);
	return found;
}

typedef VEC(uint32_t) numbers;

/* One that cannot be read is left to who looks for something in it, who then says so. */
static void note_lines(int root_fd, int directory, struct dpkg_list *list, struct arena *a,
					   numbers *lines)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct str text = STR(""), line;

	list->begin = lines->n;
	list->unknown = dpkg_list_read(root_fd, directory, list, &scratch, &text) < 0;
	while (!list->unknown && str_line(&text, &line)) {
		list->unknown = lines->n == MAX_LINES;
		if (!list->unknown)
			*vec_push(a, lines) = number_of(line);
	}
	list->end = lines->n;
}

static const void *make(struct host *host, struct arena *a)
{
	int root_fd = host_root_fd(host);
	_cleanup_close_ int directory = path_open(root_fd, DPKG_INFO, O_PATH | O_DIRECTORY);
	struct dpkg_lists *ret = arena_new(a, struct dpkg_lists, 1);
	struct path_entry *entries = NULL;
	VEC(struct dpkg_list) lists = {0};
	numbers lines = {0};
	size_t n = 0;
	bool more = false;

	ret->error =
		directory < 0 ? directory : path_list(directory, ".", HOST_MAX_DIR, a, &entries, &n, &more);
	if (ret->error == 0 && more)
		ret->error = -EFBIG;
	for (size_t i = 0; ret->error == 0 && i < n; i++) {
		struct dpkg_list *list;

		if (!str_ends(str_of(entries[i].name), ".list"))
			continue;
		list = vec_push(a, &lists);
		*list = (struct dpkg_list){.name = entries[i].name, .is_link = entries[i].type != DT_REG};
		note_lines(root_fd, directory, list, a, &lines);
	}
	ret->p = lists.p;
	ret->n = lists.n;
	ret->lines = lines.p;
	return ret;
}

const struct dpkg_lists *dpkg_lists(struct host *host, struct arena *a)
{
	static const struct shared shared = {.name = "dpkg-lists", .make = make};
	const struct dpkg_lists *lists = host_shared(host, &shared, true);

	return lists ? lists : make(host, a);
}
