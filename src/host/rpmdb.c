/* SPDX-License-Identifier: Apache-2.0 */
#include "host/rpmdb.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/sqlite.h"

/* Types in a header's index. */
enum { INT32 = 4, INT64 = 5, STRING = 6, STRING_ARRAY = 8, I18N_STRING = 9 };

#define ENTRY_SIZE 16
#define MAX_ENTRIES 0xffffu     /* rpm's own limits are in the same order */
#define MAX_HEADER (256u << 20) /* rpm's HEADER_DATA_MAX */

int rpm_header_parse(struct str blob, struct rpm_header *ret)
{
	const unsigned char *p = (const unsigned char *)blob.p;
	uint32_t n, size;

	if (blob.n < 8)
		return -EINVAL;
	n = num_be32(p);
	size = num_be32(p + 4);
	if (n > MAX_ENTRIES || size > MAX_HEADER || blob.n - 8 < (size_t)n * ENTRY_SIZE + size)
		return -EINVAL;
	*ret = (struct rpm_header){
		.index = p + 8,
		.data = {blob.p + 8 + (size_t)n * ENTRY_SIZE, size},
		.n = n,
	};
	return 0;
}

/* A tag's data, from its offset to the end of the header; absent when there is no such tag. */
static struct str find(const struct rpm_header *h, enum rpm_tag tag, uint32_t *ret_type,
					   uint32_t *ret_count)
{
	for (uint32_t i = 0; i < h->n; i++) {
		const unsigned char *entry = h->index + (size_t)i * ENTRY_SIZE;
		uint32_t offset = num_be32(entry + 8);

		if (num_be32(entry) != (uint32_t)tag || offset >= h->data.n)
			continue;
		*ret_type = num_be32(entry + 4);
		*ret_count = num_be32(entry + 12);
		return (struct str){h->data.p + offset, h->data.n - offset};
	}
	return STR_ABSENT;
}

struct str rpm_string(const struct rpm_header *h, enum rpm_tag tag)
{
	uint32_t type, count;
	struct str data = find(h, tag, &type, &count), s;

	if (!data.p || (type != STRING && type != STRING_ARRAY && type != I18N_STRING) ||
		!memchr(data.p, '\0', data.n))
		return STR_ABSENT;
	str_cut(&data, '\0', &s);
	return s;
}

struct rpm_numbers rpm_numbers(const struct rpm_header *h, enum rpm_tag tag)
{
	uint32_t type = 0, count = 0;
	struct str data = find(h, tag, &type, &count);
	size_t width = type == INT64 ? 8 : 4;

	if (!data.p || (type != INT32 && type != INT64) || data.n / width < count)
		return (struct rpm_numbers){0};
	return (struct rpm_numbers){(const unsigned char *)data.p, count, width};
}

bool rpm_number(const struct rpm_numbers *numbers, uint32_t i, uint64_t *ret)
{
	const unsigned char *p = numbers->p;

	if (i >= numbers->n)
		return false;
	p += i * numbers->width;
	*ret = numbers->width == 4 ? num_be32(p) : (uint64_t)num_be32(p) << 32 | num_be32(p + 4);
	return true;
}

uint32_t rpm_strings(const struct rpm_header *h, enum rpm_tag tag, struct str *ret_rest)
{
	uint32_t type, count;
	struct str data = find(h, tag, &type, &count);

	if (!data.p || (type != STRING_ARRAY && type != I18N_STRING && type != STRING))
		return 0;
	*ret_rest = data;
	return type == STRING ? 1 : count;
}

int rpm_each_file(const struct rpm_header *h, int (*each)(struct str path, void *data), void *data)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct rpm_numbers dir_of = rpm_numbers(h, RPM_DIR_INDEXES);
	struct str names, dirs, name;
	uint32_t n = rpm_strings(h, RPM_BASE_NAMES, &names);
	uint32_t n_dirs = rpm_strings(h, RPM_DIR_NAMES, &dirs);
	VEC(struct str) dir = {0};
	char path[4096];
	int r = 0;

	for (uint32_t i = 0; i < n_dirs && str_cut(&dirs, '\0', &name); i++)
		*vec_push(&scratch, &dir) = name;
	for (uint32_t i = 0; r >= 0 && i < n && str_cut(&names, '\0', &name); i++) {
		uint64_t at;

		if (!rpm_number(&dir_of, i, &at) || at >= dir.n || dir.p[at].n + name.n >= sizeof(path))
			continue;
		memcpy(path, dir.p[at].p, dir.p[at].n);
		memcpy(path + dir.p[at].n, name.p, name.n);
		r = each((struct str){path, dir.p[at].n + name.n}, data);
	}
	return r < 0 ? r : 0;
}

/* --- the database -------------------------------------------------------------------------- */

/* SUSE and Fedora moved it; the old place is then a link. The newest format of a directory counts,
 * as for rpm itself. */
static const struct {
	const char *path, *format; /* format NULL: sqlite */
} places[] = {
	{"/var/lib/rpm/rpmdb.sqlite", NULL},      {"/usr/lib/sysimage/rpm/rpmdb.sqlite", NULL},
	{"/var/lib/rpm/Packages.db", "ndb"},      {"/usr/lib/sysimage/rpm/Packages.db", "ndb"},
	{"/var/lib/rpm/Packages", "Berkeley DB"},
};

static int find_place(int root_fd)
{
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (path_stat(root_fd, places[i].path, true, &st) == 0)
			return (int)i;
	return -1;
}

const char *rpmdb_path(int root_fd)
{
	int i = find_place(root_fd);

	return i < 0 ? NULL : places[i].path;
}

struct reading {
	int (*each)(const struct rpm_header *, void *);
	void *data;
	bool damaged;
};

static int read_header(const struct str *columns, void *data)
{
	struct reading *r = data;
	struct rpm_header header;

	r->damaged = !columns[0].p || rpm_header_parse(columns[0], &header) < 0;
	return r->damaged ? -EINVAL : r->each(&header, r->data);
}

int rpmdb_each(int root_fd, int (*each)(const struct rpm_header *, void *), void *data,
			   struct err *err)
{
	struct reading reading = {.each = each, .data = data};
	int place = find_place(root_fd), r;

	if (place < 0)
		return err_set(err, ENOENT, "no rpm database");
	if (places[place].format)
		return err_set(err, ENOTSUP, "%s: in the format %s, where only sqlite can be read",
					   places[place].path, places[place].format);
	r = sqlite_each(root_fd, places[place].path, "SELECT blob FROM Packages ORDER BY hnum", 1,
					read_header, &reading, err);
	if (reading.damaged)
		return err_set(err, EINVAL, "%s: an entry is no package header", places[place].path);
	return r;
}
