/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that cryptsetup 2.6 wrote (tests/luks), whole, cut off and with every bit turned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>

#include "base/path.h"
#include "host/luks_header.h"

static struct str load(struct arena *a, const char *name)
{
	_cleanup_close_ int fd = open(SOURCE_DIR "/tests/luks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct str bytes;

	assert_true(fd >= 0);
	assert_int_equal(path_read(fd, name, LUKS_MAX, a, &bytes), 0);
	return bytes;
}

static void version_1(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct luks_header h;
	struct err err;

	assert_int_equal(luks_header_read(&a, load(&a, "luks1"), &h, &err), 0);
	assert_int_equal(h.version, 1);
	assert_int_equal(h.ciphers.n, 1);
	assert_true(str_is(h.ciphers.p[0], "aes-cbc-plain"));
	assert_int_equal(h.slots.n, 1);
	assert_int_equal(h.slots.p[0].number, 0);
	assert_int_equal(h.slots.p[0].key_bits, 128);
	assert_true(str_is(h.slots.p[0].kdf, "pbkdf2"));
	assert_true(str_is(h.slots.p[0].hash, "sha1"));
	assert_int_equal(h.slots.p[0].iterations, 1000);
}

static void version_2(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	const struct luks_slot *slot;
	struct luks_header h;
	struct err err;

	assert_int_equal(luks_header_read(&a, load(&a, "luks2"), &h, &err), 0);
	assert_int_equal(h.version, 2);
	assert_int_equal(h.ciphers.n, 1);
	assert_true(str_is(h.ciphers.p[0], "aes-xts-plain64"));
	assert_int_equal(h.slots.n, 2);
	slot = &h.slots.p[0];
	assert_int_equal(slot->number, 0);
	assert_true(str_is(slot->kdf, "argon2id"));
	assert_null(slot->hash.p);
	assert_int_equal(slot->iterations, 4);
	assert_int_equal(slot->memory, 32 << 20);
	assert_int_equal(slot->tokens.n, 0);
	slot = &h.slots.p[1];
	assert_int_equal(slot->number, 5);
	assert_int_equal(slot->key_bits, 512);
	assert_true(str_is(slot->kdf, "pbkdf2"));
	assert_true(str_is(slot->hash, "sha256"));
	assert_int_equal(slot->iterations, 1000);
	assert_int_equal(slot->tokens.n, 1);
	assert_true(str_is(slot->tokens.p[0], "clevis"));
}

/* Reads a copy, so that a look past its end is seen by the sanitizers. */
static int read_copy(struct str bytes, size_t n)
{
	_cleanup_arena_ struct arena a = {0};
	char *copy = malloc(n ? n : 1);
	struct luks_header h;
	struct err err;
	int r;

	memcpy(copy, bytes.p, n);
	r = luks_header_read(&a, (struct str){copy, n}, &h, &err);
	free(copy);
	return r;
}

static void cut_off(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str one = load(&a, "luks1"), two = load(&a, "luks2");

	for (size_t n = 0; n < one.n; n += 7)
		assert_int_equal(read_copy(one, n), -ENOENT);
	for (size_t n = LUKS_FIRST; n < two.n; n += 97)
		assert_int_equal(read_copy(two, n), -EINVAL);
}

static void turned(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	const char *names[] = {"luks1", "luks2"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str bytes = load(&a, names[i]);
		char *p = (char *)(uintptr_t)bytes.p;
		size_t end = MIN(bytes.n, LUKS_FIRST + 1200);

		for (size_t bit = 0; bit < end * 8; bit += bit < 800 ? 1 : 5) {
			p[bit / 8] ^= (char)(1 << bit % 8);
			(void)read_copy(bytes, bytes.n);
			p[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
}

static void too_large(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str bytes = load(&a, "luks2");
	char *p = (char *)(uintptr_t)bytes.p;

	p[12] = 0x10; /* 256 MiB */
	assert_int_equal(read_copy(bytes, bytes.n), -EFBIG);
	p[12] = 0;
	p[7] = 3;
	assert_int_equal(read_copy(bytes, bytes.n), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1), cmocka_unit_test(version_2), cmocka_unit_test(cut_off),
		cmocka_unit_test(turned),    cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
