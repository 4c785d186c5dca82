/* SPDX-License-Identifier: Apache-2.0 */
/* Settings in files: what an edit changes, and that it changes nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/conf_edit.h"

static const struct {
	const char *what;
	enum edit_style style;
	const char *section, *key, *value, *before, *after; /* value NULL: is to be taken out */
} cases[] = {
	{"a new file", EDIT_SPACE, NULL, "Port", "22", "", "Port 22\n"},
	{"its own place", EDIT_SPACE, NULL, "Port", "22", "a b\nPort 2222\nc d\n",
	 "a b\nPort 22\nc d\n"},
	{"the case of keys does not count", EDIT_SPACE, NULL, "Port", "22", "PORT\t1\n", "Port 22\n"},
	{"key=value", EDIT_SPACE, NULL, "Port", "22", "Port=1\n", "Port 22\n"},
	{"a longer key is another", EDIT_SPACE, NULL, "Port", "22", "Ports 1\n", "Ports 1\nPort 22\n"},
	{"a key of two words", EDIT_SPACE, NULL, "install x", "/bin/false",
	 "install y /z\ninstall x /z\n", "install y /z\ninstall x /bin/false\n"},
	{"comments stay", EDIT_SPACE, NULL, "Port", "22", "#Port 1\n", "#Port 1\nPort 22\n"},
	{"the last one counts, the others become comments", EDIT_SPACE, NULL, "UMASK", "027",
	 "UMASK 1\nx y\nUMASK 2\n", "# UMASK 1\nx y\nUMASK 027\n"},
	{"indentation", EDIT_SPACE, NULL, "Port", "22", "\t Port 1\n", "\t Port 22\n"},
	{"no newline at the end", EDIT_SPACE, NULL, "Port", "22", "a b", "a b\nPort 22\n"},
	{"no newline at the end, in its place", EDIT_SPACE, NULL, "Port", "22", "Port 1", "Port 22"},
	{"lines of another system", EDIT_SPACE, NULL, "Port", "22", "a b\r\nPort 1\r\n",
	 "a b\r\nPort 22\r\n"},
	{"a new line among those", EDIT_SPACE, NULL, "Port", "22", "a b\r\n", "a b\r\nPort 22\r\n"},
	{"taken out", EDIT_SPACE, NULL, "Port", NULL, "Port 1\na b\nport 2\n",
	 "# Port 1\na b\n# port 2\n"},
	{"taken out of where it is not", EDIT_SPACE, NULL, "Port", NULL, "a b", "a b"},
	{"equals", EDIT_EQUALS, NULL, "a.b", "1", "x=2\na.b=0\n", "x=2\na.b = 1\n"},
	{"equals: the case counts", EDIT_EQUALS, NULL, "a.b", "1", "A.B = 0\n", "A.B = 0\na.b = 1\n"},
	{"equals: a value that has its own", EDIT_EQUALS, NULL, "a", "b=c", "a = d=e\n", "a = b=c\n"},
	{"a new section", EDIT_INI, "Journal", "Storage", "persistent", "[Other]\nStorage=x\n",
	 "[Other]\nStorage=x\n\n[Journal]\nStorage=persistent\n"},
	{"the right section", EDIT_INI, "B", "k", "2", "[A]\nk=1\n[B]\nk=1\n[C]\nk=1\n",
	 "[A]\nk=1\n[B]\nk=2\n[C]\nk=1\n"},
	{"the end of its section", EDIT_INI, "A", "k", "2", "[A]\nx=1\n\n[B]\nk=1\n",
	 "[A]\nx=1\nk=2\n\n[B]\nk=1\n"},
	{"the last section", EDIT_INI, "B", "k", "2", "[A]\n[B]\nx=1", "[A]\n[B]\nx=1\nk=2\n"},
	{"a section in two parts", EDIT_INI, "A", "k", "2", "[A]\nk=1\n[B]\n[A]\nk=3\n",
	 "[A]\n# k=1\n[B]\n[A]\nk=2\n"},
	{"INI comments", EDIT_INI, "A", "k", "2", "[A]\n;k=1\n#k=1\n", "[A]\n;k=1\n#k=1\nk=2\n"},
	{"without a section", EDIT_INI, NULL, "TMOUT", "900", "# mine\nTMOUT=1\n",
	 "# mine\nTMOUT=900\n"},
	{"apt", EDIT_APT, NULL, "APT::Get::X", "1", "apt::get::x \"0\";\n//APT::Get::X \"2\";\n",
	 "APT::Get::X \"1\";\n//APT::Get::X \"2\";\n"},
	{"a parameter of the kernel", EDIT_GRUB, NULL, "a", "1",
	 "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX ab=1\"\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "
	 "a=0\"\n",
	 "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX ab=1\"\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "
	 "a=1\"\n"},
	{"one of them taken out", EDIT_GRUB_WORD, NULL, "nosmap", NULL,
	 "#GRUB_CMDLINE_LINUX=\"nosmap\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet "
	 "nosmap\"\nGRUB_CMDLINE_LINUX='nosmap xnosmap a=nosmap'\n",
	 "#GRUB_CMDLINE_LINUX=\"nosmap\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX='"
	 "xnosmap a=nosmap'\n"},
	{"the last one taken out", EDIT_GRUB_WORD, NULL, "a=off", NULL,
	 "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX a=off "
	 "a=off\"\nX=\"a=off\"\nGRUB_CMDLINE_LINUX=\"a=off\"\n",
	 "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX\"\nX=\"a=off\"\nGRUB_CMDLINE_LINUX=\"\"\n"},
	{"sudo: on", EDIT_DEFAULTS, NULL, "use_pty", "true", "Defaults !use_pty\n",
	 "Defaults use_pty\n"},
	{"sudo: off", EDIT_DEFAULTS, NULL, "setenv", "false", "# x\nDefaults:dev setenv\n",
	 "# x\nDefaults:dev setenv\nDefaults !setenv\n"},
	{"sudo: a value", EDIT_DEFAULTS, NULL, "logfile", "/var/log/sudo.log",
	 "Defaults logfile2=/x\nDefaults\tlogfile = /x\nDefaults logfile,use_pty\n",
	 "Defaults logfile2=/x\nDefaults logfile=\"/var/log/sudo.log\"\nDefaults logfile,use_pty\n"},
	{"a line", EDIT_LINES, NULL, "-w /a -p wa", "yes", "-w /a -p w\n", "-w /a -p w\n-w /a -p wa\n"},
	{"a line that is there", EDIT_LINES, NULL, "-w /a -p wa", "yes", " -w /a -p wa\n-e 1",
	 " -w /a -p wa\n-e 1"},
	{"a line taken out", EDIT_LINES, NULL, "-w /a -p wa", NULL, "-w /a -p wa\n-e 1",
	 "# -w /a -p wa\n-e 1"},
	{"fstab", EDIT_FSTAB, "/tmp", "noexec", "noexec",
	 "# /tmp\nnone  /tmp\ttmpfs  size=1m,exec  0 0 # kept\nx /tmp/y ext4 defaults 0 0\n",
	 "# /tmp\nnone  /tmp\ttmpfs  size=1m,noexec  0 0 # kept\nx /tmp/y ext4 defaults 0 0\n"},
	{"fstab: is there", EDIT_FSTAB, "/tmp", "noexec", "noexec", "x /tmp y defaults,noexec\n",
	 "x /tmp y defaults,noexec\n"},
	{"fstab: what comes later counts", EDIT_FSTAB, "/tmp", "noexec", "noexec",
	 "x /tmp y noexec,defaults 0 0\n", "x /tmp y defaults,noexec 0 0\n"},
	{"fstab: no options yet", EDIT_FSTAB, "/tmp", "nodev", "nodev", "x /tmp/ y\n",
	 "x /tmp/ y nodev\n"},
	{"fstab: a blank in the name", EDIT_FSTAB, "/a b", "nodev", "nodev", "x /a\\040b y rw 0 0",
	 "x /a\\040b y rw,nodev 0 0"},
	{"fstab: two on one place", EDIT_FSTAB, "/t", "nodev", "nodev", "x /t y rw\nz /t y rw\n",
	 "x /t y rw,nodev\nz /t y rw,nodev\n"},
	{"fstab: a new one", EDIT_FSTAB, "/dev/shm", "nodev", "nodev", "x / y rw",
	 "x / y rw\ntmpfs /dev/shm tmpfs defaults,nodev 0 0\n"},
};

static int edit(size_t i, const char *before, struct buf *out, struct err *err)
{
	return conf_edit_key(str_of(before), cases[i].style, str_of(cases[i].section), str_of(cases[i].key),
						 str_of(cases[i].value), out, err);
}

static const char *text_of(const struct buf *b)
{
	return b->n ? b->p : "";
}

static void edits(void **state _unused_)
{
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf once = BUF(65536), twice = BUF(65536);

		if (edit(i, cases[i].before, &once, &err) < 0)
			fail_msg("%s: %s", cases[i].what, err.msg);
		if (strcmp(text_of(&once), cases[i].after) != 0)
			fail_msg("%s:\n%s--- should be\n%s", cases[i].what, text_of(&once), cases[i].after);
		/* Edited again it is the same; what was taken out stays so. */
		assert_int_equal(edit(i, text_of(&once), &twice, &err), 0);
		assert_string_equal(text_of(&twice), text_of(&once));
	}
}

/* Of any file, an edit leaves all lines that are not about the key, in their order. */
static void other_lines_stay(void **state _unused_)
{
	static const char *const parts[] = {"key 1\n", "other 2\n", "\n", "# key 3\n", "  key\t4\n", "[S]\n",
										"other", "key=5\n", "\r\n", "\xff\xfe\n", "keys 6\n"};
	unsigned seed = 1;

	for (int round = 0; round < 3000; round++) {
		_cleanup_buf_ struct buf before = BUF(65536), after = BUF(65536);
		struct str a, b, line, same;
		struct err err;
		int set = 0;

		for (int n = (int)(seed >> 16) % 9; n > 0; n--) {
			seed = seed * 1103515245u + 12345u;
			buf_puts(&before, parts[(seed >> 16) % ARRAY_LEN(parts)]);
		}
		seed = seed * 1103515245u + 12345u;
		assert_int_equal(conf_edit_key(before.n ? buf_get(&before) : STR(""), EDIT_SPACE, STR_ABSENT,
									   STR("key"), STR("new"), &after, &err), 0);
		a = before.n ? buf_get(&before) : STR("");
		b = buf_get(&after);
		while (str_line(&b, &line)) {
			bool is_new = str_is(str_trim(line), "key new");

			set += is_new;
			if (!str_line(&a, &same)) {
				assert_true(is_new);
				continue;
			}
			if (is_new || str_eq(line, same))
				continue;
			assert_true(str_skip(&line, "# "));
			assert_true(str_eq(line, same));
		}
		assert_int_equal(set, 1);
		assert_false(str_line(&a, &same));
	}
}

static void what_cannot_be_written(void **state _unused_)
{
	static const struct {
		enum edit_style style;
		const char *value;
	} bad[] = {{EDIT_SPACE, "a\nb"}, {EDIT_EQUALS, ""}, {EDIT_INI, "a\rb"}, {EDIT_APT, "a\"; b"},
			   {EDIT_GRUB, "$(x)"}, {EDIT_GRUB, "a b"}, {EDIT_FSTAB, "a,b"}, {EDIT_FSTAB, "a b"}};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_buf_ struct buf out = BUF(65536);
		struct err err = {0};

		assert_int_equal(conf_edit_key(STR("x y\n"), bad[i].style, STR_ABSENT, STR("k"), str_of(bad[i].value),
									   &out, &err), -EINVAL);
		assert_int_equal(out.n, 0);
	}
}

static void one_line(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF(64), gone = BUF(64), full = BUF(4);
	struct err err = {0};

	assert_int_equal(conf_edit_line(STR("a\nb\nc"), 2, STR("b"), STR("B"), &out, &err), 0);
	assert_string_equal(out.p, "a\nB\nc");
	assert_int_equal(conf_edit_line(STR("a\nb\nc"), 3, STR("c"), STR_ABSENT, &gone, &err), 0);
	assert_string_equal(gone.p, "a\nb\n");
	buf_clear(&out);
	assert_int_equal(conf_edit_line(STR("a\nb\n"), 2, STR("c"), STR("B"), &out, &err), -ESTALE);
	assert_int_equal(conf_edit_line(STR("a\nb\n"), 3, STR("c"), STR("B"), &out, &err), -ESTALE);
	assert_int_equal(conf_edit_line(STR("a\nb\n"), 2, STR("b"), STR("BBBB"), &full, &err), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits),
		cmocka_unit_test(other_lines_stay),
		cmocka_unit_test(what_cannot_be_written),
		cmocka_unit_test(one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
