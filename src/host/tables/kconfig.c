/* SPDX-License-Identifier: Apache-2.0 */
/* The options that the kernel was built with. */
#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the option, with CONFIG_", COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "y, m, n, or the text that it is set to", COLUMN_VALUE},
	{0},
};

static int inflate_all(z_stream *z, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, 1 << 16);
		int r;

		if (!room)
			return -EFBIG;
		z->next_out = (Bytef *)room;
		z->avail_out = 1 << 16;
		r = inflate(z, Z_NO_FLUSH);
		buf_commit(out, (1 << 16) - z->avail_out);
		if (r == Z_STREAM_END)
			return 0;
		if (r != Z_OK || (z->avail_in == 0 && z->avail_out != 0))
			return -EBADMSG;
	}
}

static int gunzip(struct arena *a, struct str packed, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(HOST_MAX_FILE);
	z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
	int r;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	r = inflate_all(&z, &out);
	inflateEnd(&z);
	if (r == 0)
		*ret = (struct str){arena_copy(a, out.p, out.n), out.n};
	return r;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(((const struct path_entry *)a)->name, ((const struct path_entry *)b)->name);
}

/* Of what is listed the latest version whose name begins with the prefix; NULL: there is none. */
static const char *newest(struct arena *a, const struct host_dir *dir, const char *prefix)
{
	VEC(struct path_entry) found = {0};

	for (size_t i = 0; i < dir->n; i++) {
		struct str name = str_of(dir->entries[i].name);

		if (str_starts(name, prefix) && !str_starts(name, ".") && !str_ends(name, ".old") &&
			!str_ends(name, ".bak") && !str_ends(name, "~"))
			*vec_push(a, &found) = dir->entries[i];
	}
	if (!found.n)
		return NULL;
	qsort(found.p, found.n, sizeof(*found.p), by_version);
	return found.p[found.n - 1].name;
}

/* For a tree, where no kernel runs: the newest in /boot, or of the modules, where Fedora keeps it
 * as well. */
static int newest_config(struct host *host, struct arena *a, const char **ret, struct err *err)
{
	struct host_dir dir = {0};
	const char *name;
	int r = host_list(host, "/boot", a, &dir, err);

	if (r < 0 && r != -ENOENT)
		return r;
	name = newest(a, &dir, "config-");
	if (name) {
		*ret = arena_printf(a, "/boot/%s", name);
		return 0;
	}
	r = host_list(host, "/lib/modules", a, &dir, err);
	name = r == 0 ? newest(a, &dir, "") : NULL;
	if (!name)
		return err_set(err, ENOENT, "/boot and /lib/modules: hold no config of a kernel");
	*ret = arena_printf(a, "/lib/modules/%s/config", name);
	return 0;
}

static int installed_config(struct host *host, struct arena *a, const char **ret, struct err *err)
{
	struct path_stat st;
	struct err ignored = {0};
	struct str release;
	int r;

	if (!host_is_live(host))
		return newest_config(host, a, ret, err);
	r = host_read(host, "/proc/sys/kernel/osrelease", a, &release, err);
	if (r < 0)
		return r;
	release = str_trim(release);
	if (str_has_char(release, '/'))
		return err_set(err, EINVAL, "/proc/sys/kernel/osrelease: not a release");
	*ret = arena_printf(a, "/lib/modules/%s/config", str_dup(a, release));
	if (host_stat(host, *ret, true, &st, &ignored) < 0)
		*ret = arena_printf(a, "/boot/config-%s", str_dup(a, release));
	return 0;
}

static int read_text(struct host *host, struct arena *a, const char **ret_path, struct str *ret,
					 struct err *err)
{
	struct str packed;
	int r = -ENOENT;

	*ret_path = "/proc/config.gz";
	if (host_is_live(host))
		r = host_read(host, *ret_path, a, &packed, err);
	if (r == 0)
		r = gunzip(a, packed, ret);
	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return err_errno(err, -r, "%s", *ret_path);
	r = installed_config(host, a, ret_path, err);
	return r < 0 ? r : host_read(host, *ret_path, a, ret, err);
}

static void read_line(struct rows *rows, struct str line, struct from from)
{
	struct str key, value;
	struct row *row;

	if (str_skip(&line, "# ") && str_ends(line, " is not set")) {
		key = (struct str){line.p, line.n - strlen(" is not set")};
		value = STR("n");
	} else if (!str_cut(&line, '=', &key) || !line.p) {
		return;
	} else {
		value = str_unquoted(line, "\"");
	}
	if (!str_starts(key, "CONFIG_") || !demand_has(rows->demand, key))
		return;
	row = rows_add(rows, from);
	row_str(row, KEY, key);
	row_str(row, VALUE, value);
}

static int read_kconfig(struct host *host, struct rows *rows, struct err *err)
{
	const char *path;
	struct str text, line;
	int r = read_text(host, rows->arena, &path, &text, err);

	if (r < 0)
		return r;
	for (unsigned n = 1; str_line(&text, &line); n++)
		read_line(rows, line, FROM(path, n));
	return 0;
}

static const struct table kconfig = {
	.name = "kconfig",
	.doc = "Build options of the kernel, from /proc/config.gz or /boot/config-RELEASE",
	.columns = columns,
	.read = read_kconfig,
	.cost = 8,
};
TABLE(kconfig);
