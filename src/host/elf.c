/* SPDX-License-Identifier: Apache-2.0 */
#include "host/elf.h"

#include <elf.h>

#include "base/mem.h"

/* Newer than some <elf.h>. */
#define AARCH64_FEATURES 0xc0000000u
#define X86_FEATURES 0xc0000002u
#define NOTE_PROPERTIES 5
#define NOTE_GO_BUILD_ID 4

struct image {
	int fd;
	struct arena *arena;
	struct err *err;
	bool wide, big; /* 64 bits; most significant byte first */
	unsigned type, machine;
	struct str headers; /* of the program */
	struct str dynamic;
};

struct segment {
	uint32_t type, flags;
	uint64_t offset, address, size; /* size: in the file */
};

/* --- bytes ----------------------------------------------------------------------------------- */

static int broken(struct image *im, const char *what)
{
	return err_set(im->err, ENOEXEC, "not an executable that can be read: %s", what);
}

/* All of it or an error. */
static int get(struct image *im, uint64_t offset, size_t n, char *to)
{
	while (n) {
		ssize_t got = offset > INT64_MAX ? 0 : pread(im->fd, to, n, (off_t)offset);

		if (got < 0)
			return err_errno(im->err, errno, "the executable");
		if (got == 0)
			return broken(im, "it ends too early");
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* A part whose size the file itself says. */
static int get_part(struct image *im, uint64_t offset, uint64_t n, uint64_t max, struct str *ret)
{
	char *p;
	int r;

	if (n > max)
		return err_set(im->err, E2BIG, "the executable has more than an audit looks at");
	p = arena_alloc(im->arena, (size_t)n + 1);
	r = get(im, offset, (size_t)n, p);
	if (r == 0)
		*ret = (struct str){p, (size_t)n};
	return r;
}

static uint64_t number(const struct image *im, struct str s, size_t at, size_t n)
{
	uint64_t value = 0;

	if (at > s.n || n > s.n - at)
		return 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)s.p[at + (im->big ? i : n - 1 - i)];
	return value;
}

/* A field of a structure that both classes have in places and of sizes of their own. */
static uint64_t field(const struct image *im, struct str s, size_t at32, size_t at64)
{
	return im->wide ? number(im, s, at64, 8) : number(im, s, at32, 4);
}

/* --- headers --------------------------------------------------------------------------------- */

static int read_header(struct image *im)
{
	char bytes[sizeof(Elf64_Ehdr)];
	struct str s = {bytes, sizeof(bytes)};
	size_t size;
	int r = get(im, 0, sizeof(Elf32_Ehdr), bytes);

	if (r < 0)
		return r;
	if (memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return broken(im, "it is no ELF file");
	im->wide = bytes[EI_CLASS] == ELFCLASS64;
	im->big = bytes[EI_DATA] == ELFDATA2MSB;
	if (im->wide)
		r = get(im, 0, sizeof(bytes), bytes);
	if (r < 0)
		return r;
	im->type = (unsigned)number(im, s, 16, 2);
	im->machine = (unsigned)number(im, s, 18, 2);
	size = im->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if ((im->type != ET_EXEC && im->type != ET_DYN) || number(im, s, im->wide ? 54 : 42, 2) != size)
		return broken(im, "its header");
	return get_part(im, field(im, s, 28, 32), number(im, s, im->wide ? 56 : 44, 2) * size,
					ELF_MAX_HEADERS, &im->headers);
}

static bool next_segment(const struct image *im, struct str *rest, struct segment *ret)
{
	size_t size = im->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	struct str s = *rest;

	if (s.n < size)
		return false;
	*rest = (struct str){s.p + size, s.n - size};
	*ret = (struct segment){
		.type = (uint32_t)number(im, s, 0, 4),
		.flags = (uint32_t)number(im, s, im->wide ? 4 : 24, 4),
		.offset = field(im, s, 4, 8),
		.address = field(im, s, 8, 16),
		.size = field(im, s, 16, 32),
	};
	return true;
}

/* Where in the file stands what is loaded to an address; false: nothing does. */
static bool offset_of(const struct image *im, uint64_t address, uint64_t *ret)
{
	struct str rest = im->headers;
	struct segment s;

	while (next_segment(im, &rest, &s))
		if (s.type == PT_LOAD && address >= s.address && address - s.address < s.size) {
			*ret = s.offset + (address - s.address);
			return true;
		}
	return false;
}

/* --- notes ----------------------------------------------------------------------------------- */

static size_t padded(uint64_t n, size_t to, size_t max)
{
	return n > max ? max : MIN(((size_t)n + to - 1) / to * to, max);
}

/* A list of properties: type, size, and so many bytes, padded. */
static void see_properties(const struct image *im, struct str s, struct elf *ret)
{
	while (s.n >= 8) {
		uint64_t type = number(im, s, 0, 4), size = number(im, s, 4, 4), bits = number(im, s, 8, 4);
		size_t n = padded(size, im->wide ? 8 : 4, s.n - 8);

		if (size == 4 && type == X86_FEATURES &&
			(im->machine == EM_386 || im->machine == EM_X86_64))
			ret->control_flow |= (bits & 1 ? ELF_IBT : 0) | (bits & 2 ? ELF_SHSTK : 0);
		if (size == 4 && type == AARCH64_FEATURES && im->machine == EM_AARCH64)
			ret->control_flow |= (bits & 1 ? ELF_BTI : 0) | (bits & 2 ? ELF_PAC : 0);
		s = (struct str){s.p + 8 + n, s.n - 8 - n};
	}
}

static void see_notes(const struct image *im, struct str s, struct elf *ret)
{
	while (s.n >= 12) {
		uint64_t type = number(im, s, 8, 4);
		size_t name_n = padded(number(im, s, 0, 4), 4, s.n - 12), n;
		struct str name = {s.p + 12, name_n}, rest = {s.p + 12 + name_n, s.n - 12 - name_n};

		n = padded(number(im, s, 4, 4), 4, rest.n);
		if (type == NOTE_GO_BUILD_ID && name_n == 4 && memcmp(name.p, "Go\0", 4) == 0)
			ret->go = true;
		if (type == NOTE_PROPERTIES && name_n == 4 && memcmp(name.p, "GNU", 4) == 0)
			see_properties(im, (struct str){rest.p, n}, ret);
		s = (struct str){rest.p + n, rest.n - n};
	}
}

/* --- segments -------------------------------------------------------------------------------- */

static int see_segment(struct image *im, const struct segment *s, struct elf *ret)
{
	struct str notes;
	int r = 0;

	switch (s->type) {
	case PT_INTERP:
		ret->linked = true;
		break;
	case PT_GNU_STACK: /* of several the kernel and the loader take the last */
		ret->executable_stack = s->flags & PF_X;
		break;
	case PT_GNU_RELRO:
		ret->relro = ELF_RELRO_PARTIAL;
		break;
	case PT_DYNAMIC:
		r = get_part(im, s->offset, s->size, ELF_MAX_DYNAMIC, &im->dynamic);
		break;
	case PT_NOTE:
	case PT_GNU_PROPERTY: /* the same notes again, for the loader */
		r = get_part(im, s->offset, s->size, ELF_MAX_NOTES, &notes);
		if (r == 0)
			see_notes(im, notes, ret);
		break;
	default:
		break;
	}
	return r;
}

/* Of what does not decline it the C library makes the stacks of threads executable, whatever the kernel
 * does with the first one. */
static int see_segments(struct image *im, struct elf *ret)
{
	struct str rest = im->headers;
	struct segment s;
	size_t left = 64; /* parts of the file that are looked at */
	int r = 0;

	ret->executable_stack = true;
	ret->relro = ELF_RELRO_NONE;
	ret->pie = im->type == ET_DYN;
	while (r == 0 && next_segment(im, &rest, &s)) {
		if ((s.type == PT_NOTE || s.type == PT_DYNAMIC || s.type == PT_GNU_PROPERTY) && left-- == 0)
			return err_set(im->err, E2BIG, "the executable has more than an audit looks at");
		r = see_segment(im, &s, ret);
	}
	return r;
}

/* --- the dynamic section --------------------------------------------------------------------- */

struct dynamic {
	bool now;                /* all is looked up at the start */
	bool lazy;               /* there is something to look up later */
	uint64_t names, names_n; /* address and size of the table of strings */
	uint64_t rpath, runpath; /* in it */
	bool has_rpath, has_runpath;
};

static void see_entry(uint64_t tag, uint64_t value, struct dynamic *d)
{
	switch (tag) {
	case DT_BIND_NOW:
		d->now = true;
		break;
	case DT_FLAGS:
		d->now = d->now || value & DF_BIND_NOW;
		break;
	case DT_FLAGS_1:
		d->now = d->now || value & DF_1_NOW;
		break;
	case DT_JMPREL:
		d->lazy = true;
		break;
	case DT_STRTAB:
		d->names = value;
		break;
	case DT_STRSZ:
		d->names_n = value;
		break;
	case DT_RPATH:
		d->rpath = value;
		d->has_rpath = true;
		break;
	case DT_RUNPATH:
		d->runpath = value;
		d->has_runpath = true;
		break;
	default:
		break;
	}
}

static struct dynamic read_dynamic(const struct image *im)
{
	size_t size = im->wide ? 16 : 8;
	struct dynamic d = {0};

	for (struct str s = im->dynamic; s.n >= size; s = (struct str){s.p + size, s.n - size}) {
		uint64_t tag = field(im, s, 0, 0);

		if (tag == DT_NULL)
			break;
		see_entry(tag, field(im, s, 4, 8), &d);
	}
	return d;
}

/* The loader of glibc looks at DT_RPATH only where there is no DT_RUNPATH. */
static int read_library_path(struct image *im, const struct dynamic *d, uint64_t names,
							 struct elf *ret)
{
	uint64_t at = d->has_runpath ? d->runpath : d->rpath;
	struct str s;
	size_t n;
	int r;

	if (!d->has_runpath && !d->has_rpath)
		return 0;
	if (at >= d->names_n)
		return broken(im, "its library path");
	r = get_part(im, names + at, MIN(d->names_n - at, (uint64_t)ELF_MAX_LIBRARY_PATH),
				 ELF_MAX_LIBRARY_PATH, &s);
	if (r < 0)
		return r;
	n = strnlen(s.p, s.n);
	if (n == s.n)
		return broken(im, "its library path");
	ret->library_path = (struct str){s.p, n};
	return 0;
}

/* --- names ----------------------------------------------------------------------------------- */

/* The linker keeps a name that is the end of another within that one. */
static void see_name(struct str name, struct elf *ret)
{
	if (str_ends(name, "__stack_chk_fail") || str_ends(name, "__stack_chk_fail_local"))
		ret->canary = true;
	else if (str_starts(name, "__") && str_ends(name, "_chk"))
		ret->fortified = true;
}

#define LONGEST 128 /* the names that are looked for are shorter */

/* Piece by piece: the names of a large C++ program are as large. */
static int see_names(struct image *im, uint64_t offset, uint64_t n, struct elf *ret)
{
	static const size_t piece = 65536;
	char *text = arena_alloc(im->arena, LONGEST + piece), *end;
	size_t kept = 0;

	if (n > ELF_MAX_NAMES) {
		ret->no_names = "it has more names than an audit looks at";
		return 0;
	}
	while (n) {
		size_t more = (size_t)MIN(n, (uint64_t)piece), begin = 0;
		int r = get(im, offset, more, text + kept);

		if (r < 0)
			return r;
		for (size_t i = 0; i < kept + more; i++) {
			if (text[i])
				continue;
			see_name((struct str){text + begin, i - begin}, ret);
			begin = i + 1;
		}
		end = text + kept + more;
		kept = MIN(kept + more - begin, (size_t)LONGEST);
		memmove(text, end - kept, kept);
		offset += more;
		n -= more;
	}
	return 0;
}

/* --------------------------------------------------------------------------------------------- */

static int see_dynamic(struct image *im, struct elf *ret)
{
	struct dynamic d = read_dynamic(im);
	uint64_t names = 0;
	int r;

	/* On MIPS what is looked up later has no table of its own. */
	if (ret->relro == ELF_RELRO_PARTIAL && (d.now || (!d.lazy && im->machine != EM_MIPS)))
		ret->relro = ELF_RELRO_FULL;
	if (!d.names_n || !offset_of(im, d.names, &names))
		return broken(im, "its dynamic section");
	r = read_library_path(im, &d, names, ret);
	if (r < 0 || !ret->linked)
		return r;
	return see_names(im, names, d.names_n, ret);
}

int elf_read(int fd, struct arena *a, struct elf *ret, struct err *err)
{
	struct image im = {.fd = fd, .arena = a, .err = err};
	struct elf elf = {0};
	int r = read_header(&im);

	if (r == 0)
		r = see_segments(&im, &elf);
	if (r < 0)
		return r;
	if (im.dynamic.n)
		r = see_dynamic(&im, &elf);
	else if (elf.linked)
		r = broken(&im, "its dynamic section");
	else
		elf.relro = ELF_RELRO_STATIC;
	if (!elf.linked)
		elf.no_names =
			"it is linked statically: what the C library in it calls does not show what it "
			"does";
	if (r == 0)
		*ret = elf;
	return r;
}
