/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With what disks are encrypted, and how their passphrases are protected: the headers of the devices
 * below those that dm-crypt has opened. A header that is kept elsewhere is not known.
 */
#include <fcntl.h>

#include "base/num.h"
#include "host/fields.h"
#include "host/luks_header.h"
#include "host/table.h"

#define BLOCK "/sys/class/block"
#define MAX_DISKS 64 /* that are looked at */

enum { DEVICE, NAME, VERSION, CIPHER, SLOT, KEY_BITS, KDF, HASH, ITERATIONS, MEMORY, TOKENS };

static const struct column columns[] = {
	[DEVICE] = {"device", TYPE_STRING, "Disk or partition that has the header", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "What the device mapper calls it, opened", 0},
	[VERSION] = {"version", TYPE_INT, "1 or 2", 0},
	[CIPHER] = {"cipher", TYPE_LIST,
				"aes-xts-plain64; several while it is encrypted anew, none for what is in clear",
				0},
	[SLOT] = {"slot", TYPE_INT, "Number of the key slot; absent: it has none", COLUMN_LABEL},
	[KEY_BITS] = {"key_bits", TYPE_INT, "Length of the key; XTS has two of half of it", 0},
	[KDF] = {"kdf", TYPE_STRING, "What makes a key of the slot's passphrase: pbkdf2, argon2id", 0},
	[HASH] = {"hash", TYPE_STRING, "With which hash, of pbkdf2", 0},
	[ITERATIONS] = {"iterations", TYPE_INT, "How often", 0},
	[MEMORY] = {"memory", TYPE_SIZE, "How much memory that takes, of argon2", 0},
	[TOKENS] = {"tokens", TYPE_LIST,
				"What holds the passphrase, which then is random: systemd-tpm2, clevis", 0},
	{0},
};

/* --- what a header says -------------------------------------------------------------------------- */

static int read_device(struct host *host, const char *path, struct arena *a, struct str *ret)
{
	_cleanup_close_ int fd = path_open(host_root_fd(host), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char *p = arena_alloc(a, LUKS_MAX);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	n = pread(fd, p, LUKS_FIRST, 0);
	if (n == (ssize_t)LUKS_FIRST) {
		size_t size = luks_header_size((struct str){p, LUKS_FIRST});

		if (size > LUKS_FIRST && size <= LUKS_MAX)
			n = pread(fd, p, size, 0);
	}
	*ret = (struct str){p, n < 0 ? 0 : (size_t)n};
	return n < 0 ? -errno : 0;
}

static void put_slot(struct buf *out, const struct luks_slot *s)
{
	buf_printf(out, "slot=%u key_bits=%u iterations=%lld memory=%lld", s->number, s->key_bits,
			   (long long)s->iterations, (long long)s->memory);
	fields_put(out, "kdf", s->kdf);
	fields_put(out, "hash", s->hash);
	vec_each(&s->tokens, token) fields_put(out, "token", *token);
	buf_putc(out, '\n');
}

static int header_live(struct host *host, const void *path, struct buf *out, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct luks_header header;
	struct str bytes;
	int r = read_device(host, path, &a, &bytes);

	if (r < 0)
		return err_errno(err, -r, "%s", (const char *)path);
	r = luks_header_read(&a, bytes, &header, err);
	if (r < 0)
		return r;
	buf_printf(out, "version=%u", header.version);
	vec_each(&header.ciphers, cipher) fields_put(out, "cipher", *cipher);
	buf_putc(out, '\n');
	vec_each(&header.slots, slot) put_slot(out, slot);
	return 0;
}

/* --- rows ---------------------------------------------------------------------------------------- */

struct disk {
	struct str device, name;
	int64_t version;
	VEC(struct str) ciphers;
};

static struct row *add_row(struct rows *rows, const struct disk *d)
{
	struct row *row = rows_add(rows, FROM(str_dup(rows->arena, d->device), 0));

	row_str(row, DEVICE, d->device);
	row_str(row, NAME, d->name);
	row_int(row, VERSION, d->version);
	row_list(row, CIPHER, d->ciphers.p, d->ciphers.n);
	return row;
}

static void set_number(struct row *row, int column, struct str text)
{
	int64_t n = 0;

	if (num_i64(text, 0, INT64_MAX, &n) == 0 && (n || column == SLOT))
		row_int(row, column, n);
}

static void add_slot(struct rows *rows, const struct disk *d, struct str line)
{
	static const struct {
		const char *name;
		int column;
	} numbers[] = {
		{"slot", SLOT}, {"key_bits", KEY_BITS}, {"iterations", ITERATIONS}, {"memory", MEMORY}};
	struct row *row = add_row(rows, d);
	VEC(struct str) tokens = {0};
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		struct str plain = fields_plain(rows->arena, value);

		for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
			if (str_is(name, numbers[i].name))
				set_number(row, numbers[i].column, value);
		if (str_is(name, "kdf"))
			row_str(row, KDF, plain);
		else if (str_is(name, "hash"))
			row_str(row, HASH, plain);
		else if (str_is(name, "token"))
			*vec_push(rows->arena, &tokens) = plain;
	}
	row_list(row, TOKENS, tokens.p, tokens.n);
}

static void read_head(struct rows *rows, struct disk *d, struct str line)
{
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "version"))
			(void)num_i64(value, 1, 2, &d->version);
		else if (str_is(name, "cipher"))
			*vec_push(rows->arena, &d->ciphers) = fields_plain(rows->arena, value);
	}
}

static void read_header(struct host *host, struct rows *rows, struct disk *d)
{
	const char *path = str_dup(rows->arena, d->device);
	struct query query = {
		.name = arena_printf(rows->arena, "luks %s", path), .live_with = header_live, .data = path};
	struct str text, line;
	struct err err = {0};
	size_t before = rows->n;

	if (host_query(host, &query, rows->arena, &text, &err) < 0) {
		rows_gap(rows, "%s: %s", path, err.msg);
		return;
	}
	if (str_line(&text, &line))
		read_head(rows, d, line);
	while (str_line(&text, &line))
		add_slot(rows, d, line);
	if (rows->n == before)
		add_row(rows, d);
}

static bool is_luks(struct host *host, struct rows *rows, const char *device)
{
	struct err err = {0};
	struct str uuid;
	int r = host_read(host, arena_printf(rows->arena, BLOCK "/%s/dm/uuid", device), rows->arena,
					  &uuid, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(rows, "%s", err.msg);
	return r == 0 && str_starts(uuid, "CRYPT-LUKS");
}

static struct str mapper_name(struct host *host, struct rows *rows, const char *device)
{
	struct err err = {0};
	struct str name;

	return host_read(host, arena_printf(rows->arena, BLOCK "/%s/dm/name", device), rows->arena,
					 &name, &err) == 0
			   ? str_trim(name)
			   : STR_ABSENT;
}

/* sysfs writes a '/' of a name as '!': cciss!c0d0p1. */
static struct str device_path(struct arena *a, const char *name)
{
	char *path = arena_printf(a, "/dev/%s", name);

	for (char *p = path; *p; p++)
		if (*p == '!')
			*p = '/';
	return str_of(path);
}

static void read_below(struct host *host, struct rows *rows, const char *device)
{
	struct disk disk = {.name = mapper_name(host, rows, device)};
	struct err err = {0};
	struct host_dir slaves;

	if (host_list(host, arena_printf(rows->arena, BLOCK "/%s/slaves", device), rows->arena, &slaves,
				  &err) < 0)
		rows_gap(rows, "%s", err.msg);
	else if (!slaves.n)
		rows_gap(rows, "%s: what it lies on is not known", device);
	else
		for (size_t i = 0; i < slaves.n && i < MAX_DISKS; i++) {
			disk.device = device_path(rows->arena, slaves.entries[i].name);
			disk.ciphers.n = 0;
			read_header(host, rows, &disk);
		}
}

static int read_luks(struct host *host, struct rows *rows, struct err *err)
{
	struct host_dir dir;
	unsigned n = 0;
	int r = host_list(host, BLOCK, rows->arena, &dir, err);

	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		if (!is_luks(host, rows, dir.entries[i].name))
			continue;
		if (n++ == MAX_DISKS) {
			rows_gap(rows, "only the first %d encrypted disks are looked at", MAX_DISKS);
			break;
		}
		read_below(host, rows, dir.entries[i].name);
	}
	return r == -ENOENT ? 0 : r; /* no disks */
}

static const struct table luks = {
	.name = "luks",
	.doc = "Key slots of the disks that are encrypted with LUKS and open, from their headers",
	.columns = columns,
	.read = read_luks,
};
TABLE(luks);
