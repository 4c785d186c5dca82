/* SPDX-License-Identifier: Apache-2.0 */
#include "change/deb.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/vec.h"
#include "host/dpkg.h"

#define BLOCK 512
#define MAX_STATUS ((size_t)64 << 20)
#define MAX_INFO ((size_t)16 << 20)

/* An archive that is being written: members of ar(5), of which two are tar archives. */
struct packing {
	const struct place *place;
	const char *name;
	struct arena *arena;
	int fd;
	off_t at, member; /* where the next byte goes; where the header of the open member is */
	struct str paragraph;
	struct err *err;
};

/* --- dpkg's files ------------------------------------------------------------------------------ */

struct str deb_paragraph(struct str status, const char *name)
{
	struct deb822 d = {status, 1};

	while (deb822_paragraph(&d)) {
		const char *start = d.rest.p;
		struct deb822_field field;
		bool found = false;

		while (deb822_field(&d, &field))
			found = found || (str_is_nocase(field.name, "Package") && field.value.p &&
							  str_is(deb822_first_line(field.value), name));
		if (found) {
			struct str p = {start, (size_t)(d.rest.p - start)};

			/* The cursor stands behind the blank line that ends it. */
			while (p.n >= 2 && p.p[p.n - 1] == '\n' && p.p[p.n - 2] == '\n')
				p.n--;
			return p;
		}
	}
	return STR_ABSENT;
}

static struct str field_of(struct str paragraph, const char *name)
{
	struct deb822 d = {paragraph, 1};
	struct deb822_field field;

	while (deb822_field(&d, &field))
		if (str_is_nocase(field.name, name) && field.value.p)
			return deb822_first_line(field.value);
	return STR_ABSENT;
}

const char *deb_info(const struct place *place, struct arena *a, const char *name,
					 struct str paragraph, const char *extension)
{
	struct str arch = field_of(paragraph, "Architecture");
	const char *path = arena_printf(a, DPKG_INFO "/%s.%s", name, extension);
	struct path_stat st;

	if (path_stat(place->root_fd, path, false, &st) == 0)
		return path;
	path = arena_printf(a, DPKG_INFO "/%s:%.*s.%s", name, STR_ARG(arch), extension);
	return path_stat(place->root_fd, path, false, &st) == 0 ? path : NULL;
}

/* --- ar ---------------------------------------------------------------------------------------- */

static int put(struct packing *p, const void *data, size_t n)
{
	const char *from = data;

	while (n) {
		ssize_t done = pwrite(p->fd, from, n, p->at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_errno(p->err, errno, "%s cannot be packed", p->name);
		from += done;
		p->at += done;
		n -= (size_t)done;
	}
	return 0;
}

static int ar_header(struct packing *p, const char *name, off_t size)
{
	char header[80];

	snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8s%-10lld`\n", name, 0, 0, 0, "100644",
			 (long long)size);
	return put(p, header, 60);
}

static int begin_member(struct packing *p, const char *name)
{
	p->member = p->at;
	return ar_header(p, name, 0);
}

/* The size is known now: the header is written again, and an odd member padded. */
static int end_member(struct packing *p, const char *name)
{
	off_t end = p->at, size = end - p->member - 60;
	int r;

	p->at = p->member;
	r = ar_header(p, name, size);
	p->at = end;
	return r == 0 && size % 2 ? put(p, "\n", 1) : r;
}

/* --- tar --------------------------------------------------------------------------------------- */

static int pad(struct packing *p, size_t size)
{
	static const char zeros[BLOCK];

	return size % BLOCK ? put(p, zeros, BLOCK - size % BLOCK) : 0;
}

static void octal(char *field, size_t width, uint64_t n)
{
	for (size_t i = width - 1; i-- > 0; n >>= 3)
		field[i] = (char)('0' + (n & 7));
}

/* A header as GNU tar writes it: see tar(5). */
static int tar_header(struct packing *p, char type, const char *name, const char *link,
					  const struct path_stat *st)
{
	char h[BLOCK + 1] = "";
	unsigned sum = 0;

	if (st->uid > 07777777 || st->gid > 07777777 || st->size > 077777777777)
		return err_set(p->err, ENOTSUP, "%s: its size or owner does not fit into a package", name);
	memcpy(h, name, MIN(strlen(name), (size_t)100));
	octal(h + 100, 8, st->mode & 07777);
	octal(h + 108, 8, st->uid);
	octal(h + 116, 8, st->gid);
	octal(h + 124, 12, type == '0' || type == 'L' || type == 'K' ? (uint64_t)st->size : 0);
	octal(h + 136, 12, (uint64_t)MAX(st->mtime, 0));
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 157, link, MIN(strlen(link), (size_t)100));
	memcpy(h + 257, "ustar  ", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	return put(p, h, BLOCK);
}

/* Names over 100 bytes go in front, as a member of their own. */
static int tar_long(struct packing *p, char type, const char *text)
{
	const struct path_stat st = {.size = (int64_t)strlen(text) + 1};
	int r = 0;

	if (st.size <= 100)
		return 0;
	r = tar_header(p, type, "././@LongLink", "", &st);
	if (r == 0)
		r = put(p, text, (size_t)st.size);
	return r == 0 ? pad(p, (size_t)st.size) : r;
}

static int tar_entry(struct packing *p, char type, const char *name, const char *link,
					 const struct path_stat *st)
{
	int r = tar_long(p, 'K', link);

	if (r == 0)
		r = tar_long(p, 'L', name);
	return r == 0 ? tar_header(p, type, name, link, st) : r;
}

static int tar_end(struct packing *p)
{
	static const char zeros[2 * BLOCK];

	return put(p, zeros, sizeof(zeros));
}

static int tar_text(struct packing *p, const char *name, unsigned mode, struct str text)
{
	const struct path_stat st = {.mode = mode, .size = (int64_t)text.n};
	int r = tar_entry(p, '0', name, "", &st);

	if (r == 0)
		r = put(p, text.p, text.n);
	return r == 0 ? pad(p, text.n) : r;
}

/* --- control.tar ------------------------------------------------------------------------------- */

/* What the package said of itself: its status without what dpkg added. */
static void put_control(struct packing *p, struct buf *out)
{
	static const char *const added[] = {"Status", "Conffiles", "Config-Version", "Triggers-Awaited",
										"Triggers-Pending"};
	struct deb822 d = {p->paragraph, 1};
	struct deb822_field field;

	while (deb822_field(&d, &field)) {
		bool skip = !field.value.p;

		for (size_t i = 0; i < ARRAY_LEN(added); i++)
			skip = skip || str_is_nocase(field.name, added[i]);
		if (skip)
			continue;
		buf_str(out, field.name);
		buf_puts(out, ": ");
		buf_str(out, field.value);
		buf_putc(out, '\n');
	}
}

static int pack_control(struct packing *p)
{
	static const char *const parts[] = {"conffiles", "md5sums",  "shlibs", "symbols", "triggers",
										"templates", "preinst",  "prerm",  "postrm",  "postinst",
										"config"};
	_cleanup_buf_ struct buf control = BUF(MAX_INFO);
	int r = begin_member(p, "control.tar");

	put_control(p, &control);
	if (r == 0)
		r = control.full ? err_set(p->err, EFBIG, "%s: its status is too large", p->name)
						 : tar_text(p, "./control", 0644, buf_get(&control));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
		const char *path = deb_info(p->place, p->arena, p->name, p->paragraph, parts[i]);
		struct str text;

		if (!path)
			continue;
		r = path_read(p->place->root_fd, path, MAX_INFO, p->arena, &text);
		if (r < 0)
			return err_errno(p->err, -r, "%s", path);
		r = tar_text(p, arena_printf(p->arena, "./%s", parts[i]), i >= 6 ? 0755 : 0644, text);
	}
	if (r == 0)
		r = tar_end(p);
	return r == 0 ? end_member(p, "control.tar") : r;
}

/* --- data.tar ---------------------------------------------------------------------------------- */

/* A hard link of a file that is packed already. */
struct packed {
	uint64_t dev, ino;
	const char *name;
};

struct data {
	struct str list; /* the package's paths, a line each */
	VEC(struct packed) linked;
};

static int pack_content(struct packing *p, const char *path, const struct path_stat *st)
{
	_cleanup_close_ int fd = path_open(p->place->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	int64_t left = st->size;
	char chunk[65536];
	int r = fd < 0 ? fd : 0;

	while (r == 0 && left > 0) {
		ssize_t n = read(fd, chunk, (size_t)MIN(left, (int64_t)sizeof(chunk)));

		if (n < 0 && errno == EINTR)
			continue;
		/* A file that shrinks while it is packed is not the package's any more. */
		r = n < 0 ? -errno : n == 0 ? -EIO : 0;
		if (r == 0 && put(p, chunk, (size_t)n) < 0)
			return -p->err->errnum;
		left -= n;
	}
	return r < 0 ? err_errno(p->err, -r, "%s", path) : pad(p, (size_t)st->size);
}

static int pack_file(struct packing *p, struct data *d, const char *path, const char *name,
					 const struct path_stat *st)
{
	int r;

	for (size_t i = 0; st->nlink > 1 && i < d->linked.n; i++)
		if (d->linked.p[i].dev == st->dev && d->linked.p[i].ino == st->ino)
			return tar_entry(p, '1', name, d->linked.p[i].name, st);
	if (st->nlink > 1)
		*vec_push(p->arena, &d->linked) = (struct packed){st->dev, st->ino, name};
	r = tar_entry(p, '0', name, "", st);
	return r == 0 ? pack_content(p, path, st) : r;
}

/* Has the list something below the path? Then what is a link on the disk (/lib) is a directory to the
 * package. */
static bool has_below(struct str list, const char *path)
{
	size_t n = strlen(path);
	struct str line;

	while (str_line(&list, &line))
		if (line.n > n && line.p[n] == '/' && memcmp(line.p, path, n) == 0)
			return true;
	return false;
}

/* What an administrator, or a filter of dpkg's configuration, has taken away is left out. */
static int pack_path(struct packing *p, struct data *d, const char *path)
{
	const char *name = arena_printf(p->arena, ".%s", strcmp(path, "/.") == 0 ? "/" : path);
	struct str target;
	struct path_stat st;
	int r = path_stat(p->place->root_fd, path, false, &st);

	if (r == 0 && S_ISLNK(st.mode) && has_below(d->list, path))
		r = path_stat(p->place->root_fd, path, true, &st);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_errno(p->err, -r, "%s", path);
	if (S_ISDIR(st.mode))
		return tar_entry(p, '5', name[2] ? arena_printf(p->arena, "%s/", name) : name, "", &st);
	if (S_ISREG(st.mode))
		return pack_file(p, d, path, name, &st);
	if (!S_ISLNK(st.mode))
		return err_set(p->err, ENOTSUP, "%s is neither a file nor a directory", path);
	r = path_readlink(p->place->root_fd, path, p->arena, &target);
	return r < 0 ? err_errno(p->err, -r, "%s", path)
				 : tar_entry(p, '2', name, str_dup(p->arena, target), &st);
}

/* Three lines each: the path, where it went, and who did it. */
static int refuse_diverted(struct packing *p, struct str list)
{
	struct str text, path, to, by;
	int r = path_read(p->place->root_fd, "/var/lib/dpkg/diversions", MAX_INFO, p->arena, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_errno(p->err, -r, "/var/lib/dpkg/diversions");
	while (str_line(&text, &path) && str_line(&text, &to) && str_line(&text, &by))
		if (!str_is(by, p->name) && str_has_line(list, path))
			return err_set(p->err, ENOTSUP, "%.*s of %s is diverted to %.*s", STR_ARG(path), p->name,
						   STR_ARG(to));
	return 0;
}

static int pack_data(struct packing *p)
{
	const char *path = deb_info(p->place, p->arena, p->name, p->paragraph, "list");
	struct data d = {0};
	struct str text, line;
	int r = path ? path_read(p->place->root_fd, path, MAX_INFO, p->arena, &d.list) : -ENOENT;

	if (r < 0)
		return err_errno(p->err, -r, "the list of the files of %s", p->name);
	r = refuse_diverted(p, d.list);
	if (r == 0)
		r = begin_member(p, "data.tar");
	for (text = d.list; r == 0 && str_line(&text, &line);)
		if (line.n && line.p[0] == '/')
			r = pack_path(p, &d, str_dup(p->arena, line));
	if (r == 0)
		r = tar_end(p);
	return r == 0 ? end_member(p, "data.tar") : r;
}

int deb_pack(const struct place *place, const char *name, int fd, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct packing p = {.place = place, .name = name, .arena = &a, .fd = fd, .err = err};
	struct str status;
	int r = path_read(place->root_fd, DPKG_STATUS, MAX_STATUS, &a, &status);

	if (r < 0)
		return err_errno(err, -r, DPKG_STATUS);
	p.paragraph = deb_paragraph(status, name);
	if (!p.paragraph.p)
		return err_set(err, ENOENT, "dpkg does not know %s", name);
	r = put(&p, "!<arch>\n", 8);
	if (r == 0)
		r = begin_member(&p, "debian-binary");
	if (r == 0)
		r = put(&p, "2.0\n", 4);
	if (r == 0)
		r = end_member(&p, "debian-binary");
	if (r == 0)
		r = pack_control(&p);
	return r == 0 ? pack_data(&p) : r;
}
