/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of what is mounted, and which swap, is on encrypted disks: every path down from the device,
 * through LVM and RAID, has to pass through dm-crypt. The names of the device mapper say so.
 */
#include "base/map.h"
#include "host/mountinfo.h"
#include "host/table.h"

#define MAX_DEPTH 8
#define MAX_DEVICES 4096

enum { TARGET, DEVICE, FSTYPE, SWAP, ENCRYPTED, SCHEME };

static const struct column columns[] = {
	[TARGET] = {"target", TYPE_STRING, "Where it is mounted; swap", COLUMN_LABEL},
	[DEVICE] = {"device", TYPE_STRING, "Device, or file, as the kernel names it", COLUMN_LABEL},
	[FSTYPE] = {"fstype", TYPE_STRING, "Type of the file system; swap", 0},
	[SWAP] = {"swap", TYPE_BOOL, "Memory is written there", 0},
	[ENCRYPTED] = {"encrypted", TYPE_BOOL, "All that is written there passes through dm-crypt", 0},
	[SCHEME] = {"scheme", TYPE_STRING, "LUKS1, LUKS2, PLAIN or another of dm-crypt's; absent: none",
				0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	size_t n_devices; /* looked at so far */
};

/* What was found on the way down. */
struct layers {
	bool encrypted;
	struct str scheme;
	const char *why; /* it is not known, and why */
};

static struct str last_part(struct str path)
{
	struct str part = path;

	while (str_cut(&path, '/', &part))
		continue;
	return part;
}

/* CRYPT-LUKS2-<uuid>-name, LVM-<uuid>, mpath-...; absent: no device mapper's. */
static struct str mapper_uuid(struct reader *r, const char *dir, struct layers *l)
{
	struct err err = {0};
	struct str uuid;
	int e = host_read(r->host, arena_printf(r->rows->arena, "%s/dm/uuid", dir), r->rows->arena,
					  &uuid, &err);

	if (e == 0)
		return str_trim(uuid);
	if (e != -ENOENT && e != -ENOTDIR)
		l->why = arena_strdup(r->rows->arena, err.msg);
	return STR_ABSENT;
}

static void go_down(struct reader *r, const char *dir, unsigned depth, struct layers *ret);

/* All devices below have to be encrypted. Without any it is a disk itself. */
static void look_below(struct reader *r, const char *dir, unsigned depth, struct layers *ret)
{
	struct host_dir slaves;
	struct err err = {0};
	int e = host_list(r->host, arena_printf(r->rows->arena, "%s/slaves", dir), r->rows->arena,
					  &slaves, &err);

	if (e < 0 && e != -ENOENT && e != -ENOTDIR)
		ret->why = arena_strdup(r->rows->arena, err.msg);
	if (e < 0 || !slaves.n)
		return;
	ret->encrypted = true;
	for (size_t i = 0; i < slaves.n; i++) {
		struct layers below = {0};

		go_down(r, arena_printf(r->rows->arena, "/sys/class/block/%s", slaves.entries[i].name),
				depth + 1, &below);
		ret->encrypted = ret->encrypted && below.encrypted;
		if (below.scheme.p)
			ret->scheme = below.scheme;
		if (below.why)
			ret->why = below.why;
	}
}

static void go_down(struct reader *r, const char *dir, unsigned depth, struct layers *ret)
{
	struct str uuid = mapper_uuid(r, dir, ret);

	if (++r->n_devices > MAX_DEVICES || depth > MAX_DEPTH) {
		ret->why = "too many devices lie on each other";
	} else if (str_skip(&uuid, "CRYPT-")) {
		ret->encrypted = str_cut(&uuid, '-', &ret->scheme);
	} else {
		look_below(r, dir, depth, ret);
	}
}

/* /dev/mapper/x and /dev/vg/x are links to dm-0. */
static void examine(struct reader *r, struct str source, struct layers *ret)
{
	struct arena *a = r->rows->arena;
	struct path_stat st;
	struct err err = {0};
	struct str link;
	const char *dir;
	int e = host_readlink(r->host, str_dup(a, source), a, &link, &err);

	dir = arena_printf(a, "/sys/class/block/%.*s", STR_ARG(last_part(e == 0 ? link : source)));
	e = host_stat(r->host, dir, true, &st, &err);
	if (e < 0) {
		ret->why = e == -ENOENT ? "the kernel does not show the device" : arena_strdup(a, err.msg);
		return;
	}
	go_down(r, dir, 0, ret);
}

static struct row *add_row(struct reader *r, struct from from, struct str target, struct str device,
						   struct str fstype)
{
	struct row *row = rows_add(r->rows, from);

	row_str(row, TARGET, target);
	row_str(row, DEVICE, device);
	row_str(row, FSTYPE, fstype);
	row_bool(row, SWAP, str_is(fstype, "swap"));
	return row;
}

static void set_layers(struct row *row, const struct layers *l)
{
	row_bool(row, ENCRYPTED, l->encrypted);
	row_str(row, SCHEME, l->scheme);
	if (l->why) {
		row_unknown(row, ENCRYPTED, l->why);
		row_unknown(row, SCHEME, l->why);
	}
}

static void add_mount(struct reader *r, const struct mount *m)
{
	struct layers layers = {0};

	if (str_is(m->fstype, "zfs") || str_is(m->fstype, "bcachefs"))
		layers.why = "the file system may encrypt by itself";
	else if (!str_starts(m->source, "/dev/") || str_is(m->fstype, "squashfs") ||
			 str_starts(m->source, "/dev/loop") || str_is(m->fstype, "devtmpfs") ||
			 str_is(m->fstype, "iso9660"))
		return;
	else
		examine(r, m->source, &layers);
	set_layers(add_row(r, FROM(MOUNTINFO_PATH, m->line), m->target, m->source, m->fstype), &layers);
}

/* A swap file is on the file system that is mounted closest above it. */
static struct str device_of(const struct mounts *mounts, struct str file)
{
	struct str best = STR_ABSENT;
	size_t longest = 0;

	for (size_t i = 0; i < mounts->n; i++) {
		struct str target = mounts->p[i].target;
		size_t n = str_is(target, "/") ? 0 : target.n;

		if (n >= longest && n < file.n && memcmp(target.p, file.p, n) == 0 && file.p[n] == '/') {
			longest = n;
			best = mounts->p[i].source;
		}
	}
	return best;
}

static void add_swap(struct reader *r, const struct mounts *mounts, struct str line,
					 unsigned number)
{
	struct layers layers = {0};
	struct str file, type;

	if (!str_word(&line, &file) || !str_word(&line, &type) || str_starts(file, "/dev/zram"))
		return;
	file = mountinfo_unescape(r->rows->arena, file);
	if (str_is(type, "file")) {
		struct str device = device_of(mounts, file);

		if (str_starts(device, "/dev/"))
			examine(r, device, &layers);
		else
			layers.why = "its file system is on no device";
	} else {
		examine(r, file, &layers);
	}
	set_layers(add_row(r, FROM("/proc/swaps", number), STR("swap"), file, STR("swap")), &layers);
}

static void read_swaps(struct reader *r, const struct mounts *mounts)
{
	struct str text, line;
	struct err err = {0};
	int e = host_read(r->host, "/proc/swaps", r->rows->arena, &text, &err);

	if (e < 0 && e != -ENOENT) /* ENOENT: a kernel without swap */
		rows_gap(r->rows, "%s", err.msg);
	for (unsigned n = 1; e == 0 && str_line(&text, &line); n++)
		if (n > 1)
			add_swap(r, mounts, line, n);
}

static int read_disks(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct mounts mounts;
	struct map seen; /* of bind mounts and subvolumes the first is enough */
	int e = mountinfo_read(host, rows->arena, &mounts, err);

	if (e < 0)
		return e;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < mounts.n; i++)
		if (!map_put(&seen, mounts.p[i].source, &mounts.p[i]))
			add_mount(&r, &mounts.p[i]);
	read_swaps(&r, &mounts);
	return 0;
}

static const struct table disks = {
	.name = "disks",
	.doc = "File systems on disks, and swap, and whether dm-crypt is below them",
	.columns = columns,
	.read = read_disks,
};
TABLE(disks);
