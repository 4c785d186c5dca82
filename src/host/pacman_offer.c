/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacman's lists, /var/lib/pacman/sync/REPOSITORY.db: a compressed tar(5) with a file NAME-VERSION/desc for
 * each package, as in its database. The first repository of pacman.conf that has the package wins.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "host/conf.h"
#include "host/package_offers.h"
#include "host/pacman.h"
#include "host/tar.h"

#define SYNC "/var/lib/pacman/sync"
#define MAX_DESC ((size_t)256 << 10)

/* The suffix that tells unpack_open() what the file's first bytes say. */
static const struct {
	const char *magic, *name;
	size_t n;
} formats[] = {
	{"\x1f\x8b", "db.gz", 2},
	{"\x28\xb5\x2f\xfd", "db.zst", 4},
	{"\xfd"
	 "7zXZ",
	 "db.xz", 5},
};

struct search {
	struct tar from;
	const char *name;
	char *desc; /* MAX_DESC bytes */
};

static int open_list(int root_fd, const char *path, struct unpack **ret, struct err *err)
{
	char head[8] = "";
	const char *name = "db";
	int fd = path_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_errno(err, -fd, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, head, sizeof(head), 0) < 0) {
		close(fd);
		return err_set(err, EINVAL, "%s: not a regular file", path);
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (memcmp(head, formats[i].magic, formats[i].n) == 0)
			name = formats[i].name;
	return unpack_open(fd, name, ret, err);
}

/* "NAME-VERSION-RELEASE/desc" */
static bool may_be(struct str path, const char *name)
{
	return str_skip(&path, name) && str_starts(path, "-") && str_ends(path, "/desc");
}

/* The next file: 1 when it is the package's, with its desc read; 0 at the end. */
static int next(struct search *s, bool *found, struct str *ret)
{
	struct tar_entry entry;
	int r = tar_next(&s->from, &entry);

	*found = r > 0 && may_be(str_of(entry.name), s->name) && entry.type != '5' &&
			 entry.size <= MAX_DESC;
	if (!*found)
		return r;
	*ret = (struct str){s->desc, (size_t)entry.size};
	return entry.size ? tar_read(&s->from, s->desc, (size_t)entry.size) : 1;
}

static int search_list(struct search *s, struct buf *out)
{
	bool found = false;
	struct str desc;
	int r;

	while ((r = next(s, &found, &desc)) > 0)
		if (found && str_is(pacman_value(desc, "%NAME%"), s->name)) {
			buf_str(out, pacman_value(desc, "%VERSION%"));
			return 1;
		}
	return r;
}

static int search_repository(int root_fd, const char *path, const char *name, struct buf *out,
							 struct err *err)
{
	_cleanup_(unpack_freep) struct unpack *u = NULL;
	struct search s = {.name = name};
	int r = open_list(root_fd, path, &u, err);

	if (r < 0)
		return r;
	s.from.from = u;
	s.desc = mem_calloc(1, MAX_DESC);
	r = search_list(&s, out);
	free(s.desc);
	return r < 0 ? err_errno(err, -r, "%s", path) : r;
}

struct asked {
	const char *name;
	const char *const *paths;
	size_t n;
};

static int ask(struct host *host, const void *data, struct buf *out, struct err *err)
{
	const struct asked *asked = data;
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->n; i++)
		r = search_repository(host_root_fd(host), asked->paths[i], asked->name, out, err);
	return MIN(r, 0);
}

int pacman_offer(struct host *host, const char *name, struct arena *a, struct str *ret_version,
				 struct err *err)
{
	struct asked *asked = arena_new(a, struct asked, 1);
	struct query query = {.name = arena_printf(a, "pacman-offer %s", name),
						  .live_with = ask,
						  .data = asked,
						  .tree = true};
	struct conf conf = {0};
	const char **paths;
	int r = conf_read(host, a, "/etc/pacman.conf", CONF_INI, &conf, err);

	if (r < 0)
		return r;
	*asked = (struct asked){.name = name};
	asked->paths = paths = arena_new(a, const char *, conf.n + 1);
	for (size_t i = 0; i < conf.n; i++)
		if (conf.items[i].section.p && !str_is(conf.items[i].section, "options") &&
			(!i || !conf.items[i - 1].section.p ||
			 !str_eq(conf.items[i].section, conf.items[i - 1].section)))
			paths[asked->n++] = arena_printf(a, SYNC "/%.*s.db", STR_ARG(conf.items[i].section));
	r = host_query(host, &query, a, ret_version, err);
	if (r == -ENOENT || (r == 0 && !ret_version->n))
		return err_set(err, ENOENT, "%s: no list of pacman's offers it; see: pacman -Sy", name);
	return r;
}
