/* SPDX-License-Identifier: Apache-2.0 */
/* Executables of both classes and byte orders (fuzz/corpus/elf), whole, cut off and with bits turned.
 * With arguments: what these files say, a line each, for tests on hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>

#include "base/path.h"
#include "host/elf.h"

static const struct {
	const char *name, *library_path;
	struct elf elf;
	bool names;
} files[] = {
	{"big32", "/old", {.linked = true, .executable_stack = true, .relro = ELF_RELRO_NONE}, true},
	{"big64",
	 "$ORIGIN/../lib:lib",
	 {.pie = true, .linked = true, .relro = ELF_RELRO_FULL, .canary = true, .fortified = true},
	 true},
	{"little32",
	 NULL,
	 {.pie = true,
	  .linked = true,
	  .relro = ELF_RELRO_PARTIAL,
	  .canary = true,
	  .control_flow = ELF_IBT | ELF_SHSTK},
	 true},
	{"go", NULL, {.go = true, .relro = ELF_RELRO_STATIC, .control_flow = ELF_BTI | ELF_PAC}, false},
	{"no-stack",
	 NULL,
	 {.pie = true, .linked = true, .executable_stack = true, .relro = ELF_RELRO_FULL},
	 true},
	{"gcc",
	 "/opt/x",
	 {.pie = true,
	  .linked = true,
	  .relro = ELF_RELRO_PARTIAL,
	  .canary = true,
	  .control_flow = ELF_IBT | ELF_SHSTK},
	 true},
	{"static", NULL, {.relro = ELF_RELRO_STATIC}, false},
};

static struct str load(struct arena *a, const char *name)
{
	_cleanup_close_ int fd =
		open(SOURCE_DIR "/fuzz/corpus/elf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct str bytes;

	assert_true(fd >= 0);
	assert_int_equal(path_read(fd, name, 65536, a, &bytes), 0);
	return bytes;
}

static int read_bytes(struct arena *a, struct str bytes, struct elf *ret)
{
	_cleanup_close_ int fd = memfd_create("elf", MFD_CLOEXEC);
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes), 0);
	return elf_read(fd, a, ret, &err);
}

static void whole(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct elf *want = &files[i].elf;
		struct elf e;

		print_message("%s\n", files[i].name);
		assert_int_equal(read_bytes(&a, load(&a, files[i].name), &e), 0);
		assert_int_equal(e.pie, want->pie);
		assert_int_equal(e.linked, want->linked);
		assert_int_equal(e.go, want->go);
		assert_int_equal(e.executable_stack, want->executable_stack);
		assert_int_equal(e.relro, want->relro);
		assert_int_equal(e.canary, want->canary);
		assert_int_equal(e.fortified, want->fortified);
		assert_int_equal(e.control_flow, want->control_flow);
		assert_int_equal(!e.no_names, files[i].names);
		assert_int_equal(!!e.library_path.p, !!files[i].library_path);
		if (files[i].library_path)
			assert_true(str_is(e.library_path, files[i].library_path));
	}
}

/* Whatever is missing of the headers or of what they lead to, it is an error and no facts. */
static void cut_off(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	const char *names[] = {"big32", "big64", "little32", "no-stack"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str s = load(&a, names[i]);
		struct elf e;

		for (size_t n = 0; n + 8 < s.n; n += 5)
			assert_int_equal(read_bytes(&a, (struct str){s.p, n}, &e), -ENOEXEC);
	}
}

static void turned(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct str s = load(&a, files[i].name);
		char *p = (char *)(uintptr_t)s.p;

		for (size_t bit = 0; bit < MIN(s.n, (size_t)700) * 8; bit++) {
			_cleanup_arena_ struct arena scratch = {0};
			struct elf e;
			int r;

			p[bit / 8] ^= (char)(1 << bit % 8);
			r = read_bytes(&scratch, s, &e);
			assert_true(r == 0 || r == -ENOEXEC || r == -E2BIG);
			p[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
}

static void not_one(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str s = load(&a, "gcc");
	char *p = (char *)(uintptr_t)s.p;
	struct elf e;

	assert_int_equal(read_bytes(&a, STR("#!/bin/sh\n"), &e), -ENOEXEC);
	p[16] = 4; /* a core */
	assert_int_equal(read_bytes(&a, s, &e), -ENOEXEC);
}

static int say(const char *path)
{
	static const char *const relro[] = {"static", "none", "partial", "full"};
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf e;
	struct err err;

	if (elf_read(fd, &a, &e, &err) < 0)
		return printf("%s\t%s\n", path, err.msg);
	return printf("%s\t%d\t%s\t%d\t%s\t%s\t%d\t%u\t%.*s\n", path, e.pie, relro[e.relro],
				  e.executable_stack,
				  e.no_names ? "?"
				  : e.canary ? "1"
							 : "0",
				  e.no_names    ? "?"
				  : e.fortified ? "1"
								: "0",
				  e.go, e.control_flow, STR_ARG(e.library_path));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(turned),
		cmocka_unit_test(not_one),
	};

	for (int i = 1; i < argc; i++)
		say(argv[i]);
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
