/* SPDX-License-Identifier: Apache-2.0 */
/* A tree in which anything happens comes back as it was, but for what somebody else has done to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/err.h"
#include "change/delta.h"
#include "change/lines.h"
#include "change/undo_script.h"
#include "host/pacman.h"

static char top[] = "/tmp/revet-delta-XXXXXX";
static struct place place;
static struct saved saved;

static const struct delta_part parts[] = {
	{"/etc", DELTA_CONTENT, false},   {"/etc/passwd", DELTA_LINES, false},
	{"/etc/skip", DELTA_SKIP, false}, {"/usr", DELTA_NAMES, false},
	{"/var", DELTA_TOP, true},
};
static const char *const kept[] = {"/usr/bin/a", "/usr/bin/b"};
static const struct delta_watch watch = {parts, ARRAY_LEN(parts), kept, ARRAY_LEN(kept)};

static void sh(const char *script)
{
	const char *const argv[] = {"/bin/sh", "-euc", script, "sh", top, NULL};
	struct place here = {.live = true};
	struct err err;

	if (step_run(&here, argv, 10000, &err) < 0)
		fail_msg("%s: %s", script, err.msg);
}

/* All of the tree, but inodes and the times of access. */
static const char *listing(struct arena *a)
{
	static const char script[] =
		"cd \"$1/root\"; find . -not -path './etc/skip*' -printf '%p %y %m %U %G %T@ %l\\n' | sort; "
		"find . -type f -not -path './etc/skip/*' | sort | xargs sha256sum";
	const char *const argv[] = {"/bin/sh", "-euc", script, "sh", top, NULL};
	struct place here = {.live = true};
	struct exec_result result = {0};
	struct err err;

	assert_int_equal(step_ask(&here, argv, 10000, a, &result, &err), 0);
	return str_dup(a, result.out);
}

static int set_up(void **state _unused_)
{
	if (!mkdtemp(top))
		return -1;
	sh("mkdir -p $1/root/etc/dir $1/root/etc/skip $1/root/usr/bin $1/root/var/lib $1/before; cd "
	   "$1/root; "
	   "echo 1 >etc/changed; echo 1 >etc/dir/gone; ln -s x etc/link; echo 1 >'etc/with a blank'; : "
	   ">etc/lock; "
	   "printf 'root:0\\nops:1\\n' >etc/passwd; echo 1 >usr/bin/a; ln usr/bin/a usr/bin/b; "
	   "find . -exec touch -h -d @1700000000.123456789 {} +");
	place.root_fd = open(top, O_RDONLY | O_DIRECTORY);
	saved = (struct saved){.dir_fd = openat(place.root_fd, "before", O_RDONLY | O_DIRECTORY),
						   .name = "1"};
	close(place.root_fd);
	place.root_fd = open("/", O_RDONLY | O_DIRECTORY);
	return 0;
}

static int tear_down(void **state _unused_)
{
	sh("rm -rf \"$1\"");
	return 0;
}

static void open_root(struct arena *a)
{
	close(place.root_fd);
	place.root = arena_printf(a, "%s/root", top);
	place.root_fd = open(place.root, O_RDONLY | O_DIRECTORY);
	assert_true(place.root_fd >= 0);
}

#define MESS                                                                                    \
	"cd $1/root; echo 2 >etc/changed; rm -r etc/dir; ln -sf y etc/link; echo 2 >etc/new; "      \
	"chmod 600 'etc/with a blank'; touch etc/lock; mkdir -p usr/lib/new/deep; echo 2 "          \
	">usr/lib/new/file; "                                                                       \
	"rm usr/bin/a usr/bin/b; echo new:2 >>etc/passwd; mkdir var/new; echo 2 >var/data; echo 2 " \
	">etc/skip/mine; "

static void begin(struct arena *a)
{
	struct err err = {0};

	open_root(a);
	sh("rm -rf $1/before/*");
	assert_int_equal(delta_begin(&place, &watch, &saved, &err), 0);
}

static void undo(int expected)
{
	struct err err = {0};

	assert_int_equal(delta_foreign(&place, &saved, &err), 0);
	assert_int_equal(delta_undo(&place, &saved, &err), expected);
}

static void all_comes_back(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	const char *before;

	begin(&a);
	before = listing(&a);
	for (int killed = 0; killed < 2; killed++) {
		begin(&a);
		sh(MESS);
		/* Of a program that was killed the delta is found by whoever undoes it. */
		if (!killed)
			assert_int_equal(delta_end(&place, &saved, &err), 0);
		undo(0);
		sh("cd $1/root; rm var/data; test $(stat -c %h usr/bin/a) = 2; touch -d "
		   "@1700000000.123456789 var");
		assert_string_equal(listing(&a), before);
		undo(0);
		assert_string_equal(listing(&a), before);
	}
}

/* undo.sh has no -e either. */
static void undo_by_script(const char *check)
{
	_cleanup_buf_ struct buf script = BUF(65536);

	buf_puts(&script, "set +e; ROOT=$1/root SAVED=$1/before/1\n");
	buf_puts(&script, undo_script_functions);
	delta_undo_sh(&script);
	buf_puts(&script, check);
	sh(buf_get(&script).p);
}

static void the_script_does_the_same(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	const char *before;

	begin(&a);
	before = listing(&a);
	sh(MESS);
	assert_int_equal(delta_end(&place, &saved, &err), 0);
	sh("cd $1/root; rm etc/new; mkdir etc/new");
	undo_by_script("[ -n \"$FAILED\" ]");
	sh("rmdir $1/root/etc/new");
	undo_by_script("[ -z \"$FAILED\" ]");
	sh("cd $1/root; rm var/data; touch -d @1700000000.123456789 var");
	assert_string_equal(listing(&a), before);
}

static void what_others_have_changed_stays(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};

	begin(&a);
	sh(MESS);
	assert_int_equal(delta_end(&place, &saved, &err), 0);
	sh("cd $1/root; echo mine >etc/changed; echo mine >usr/lib/new/mine; echo mine:3 >>etc/passwd");
	undo(-ESTALE);
	sh("cd $1/root; test \"$(cat etc/changed)\" = mine; test \"$(ls usr/lib/new)\" = mine; "
	   "test \"$(cat etc/passwd)\" = \"$(printf 'root:0\\nops:1\\nmine:3')\"; test -e "
	   "etc/dir/gone");
	saved.force = true;
	undo(0);
	saved.force = false;
	sh("cd $1/root; test \"$(cat etc/changed)\" = 1; rm -r usr/lib var/data");
}

static void lines_are_taken_out(void **state _unused_)
{
	static const struct {
		const char *before, *after, *now, *undone;
	} cases[] = {
		{"a:1\n", "a:1\nb:2\n", "a:1\nb:2\nc:3\n", "a:1\nc:3\n"},
		{"a:1\n", "a:1,x\n", "a:1,x\nc:3\n", "a:1\nc:3\n"},
		{"a:1\n", "a:1,x\n", "a:1,x,mine\n", "a:1,x,mine\n"},
		{"", "b:2\n", "", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf record = BUF(4096), out = BUF(4096);

		lines_record(&record, "/etc/x", str_of(cases[i].before), str_of(cases[i].after));
		assert_true(lines_undo(buf_get(&record), "/etc/x", str_of(cases[i].now), &out));
		assert_string_equal(out.n ? buf_get(&out).p : "", cases[i].undone);
		assert_false(lines_undo(buf_get(&record), "/etc/other", str_of(cases[i].now), &out));
	}
}

static void sections_of_pacman(void **state _unused_)
{
	struct str text = STR("stray\n%NAME%\nfoo\n\n%DEPENDS%\na>=1\nb\n\n%X%\n"),
			   section = STR_ABSENT, line;

	assert_true(str_is(pacman_value(text, "%NAME%"), "foo"));
	assert_false(pacman_value(text, "%X%").p);
	assert_true(pacman_line(&text, &section, &line) && str_is(line, "foo"));
	assert_true(pacman_line(&text, &section, &line) && str_is(section, "%DEPENDS%") &&
				str_is(line, "a>=1"));
	assert_true(pacman_line(&text, &section, &line) && str_is(line, "b"));
	assert_false(pacman_line(&text, &section, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_comes_back),
		cmocka_unit_test(the_script_does_the_same),
		cmocka_unit_test(what_others_have_changed_stays),
		cmocka_unit_test(lines_are_taken_out),
		cmocka_unit_test(sections_of_pacman),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
