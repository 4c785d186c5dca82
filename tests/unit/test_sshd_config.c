/* SPDX-License-Identifier: Apache-2.0 */
/* sshd_config: nothing is lost between parsing and dumping, and lines read as sshd reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "host/sshd_config.h"

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("got '%.*s', want '%s'", STR_ARG(got), want);
}

static void assert_lossless(struct str text)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(1 << 20);
	struct sshd_file file;

	sshd_file_parse(&a, "sshd_config", text, &file);
	assert_int_equal(sshd_file_dump(&file, &out), 0);
	assert_int_equal(out.n, text.n);
	if (text.n)
		assert_memory_equal(out.p, text.p, text.n);
}

static void dumps_what_it_parsed(void **state _unused_)
{
	static const char bytes[] = "\n\n\r\t =\"'\\#\0aP\xff";
	char text[64];

	assert_lossless(STR(""));
	assert_lossless(STR("Port 22"));
	assert_lossless(STR("# c\n\n\tPort\t22 # d\r\nMatch all\n\n"));
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % sizeof(text);

		for (size_t k = 0; k < n; k++)
			text[k] = bytes[(size_t)random() % (sizeof(bytes) - 1)];
		assert_lossless((struct str){text, n});
	}
}

static void finds_every_keyword(void **state _unused_)
{
	const struct sshd_keyword *k;
	size_t n = sshd_keywords(&k);

	for (size_t i = 0; i < n; i++) {
		const struct sshd_keyword *found = sshd_keyword(str_of(k[i].name));

		assert_non_null(found);
		assert_string_equal(found->name, k[i].means ? k[i].means : k[i].name);
		assert_int_equal(sshd_keyword_index(&k[i]), i);
	}
	assert_null(sshd_keyword(STR("Por")));
	assert_null(sshd_keyword(STR("Ports")));
	assert_null(sshd_keyword(STR("")));
}

static const struct {
	const char *line, *keyword, *value;
	bool bad;
} lines[] = {
	{"port 22\n", "Port", "22", false},
	{"  PORT=22", "Port", "22", false},
	{"Port = 22", "Port", "22", false},
	{"\"Port\" 22", "Port", "22", false},
	{"Po\"rt\" 22", "Port", "22", false},
	{"= Port 22", "Port", "22", false},
	{"Port 22 # ssh", "Port", "22", false},
	{"Port 22#ssh", "Port", "22#ssh", false},
	{"Port", "Port", "", true},
	{"Port # 22", "Port", NULL, true},
	{"AllowUsers # a", "AllowUsers", NULL, false},
	{"PermitRootLogin # no", "PermitRootLogin", NULL, true},
	{"Banner \"/etc/a b\"", "Banner", "/etc/a b", false},
	{"Banner /etc/a\\ b", "Banner", "/etc/a b", false},
	{"Banner \"/etc", "Banner", NULL, true},
	{"AllowUsers a 'b c' d", "AllowUsers", "a,b c,d", false},
	{"ForceCommand echo \"a  b\" # c", "ForceCommand", "echo \"a  b\" # c", false},
	{"LoginGraceTime 1h30m", "LoginGraceTime", "5400", false},
	{"LoginGraceTime 1x", "LoginGraceTime", "1x", false},
	{"ClientAliveInterval 2W", "ClientAliveInterval", "1209600", false},
	{"PermitRootLogin Without-Password", "PermitRootLogin", "prohibit-password", false},
	{"ChallengeResponseAuthentication No", "KbdInteractiveAuthentication", "no", false},
	{"LogLevel verbose", "LogLevel", "VERBOSE", false},
	{"MaxStartups 10", "MaxStartups", "10:30:10", false},
	{"RekeyLimit 1G 1h", "RekeyLimit", "1073741824 3600", false},
	{"Ciphers aes256-ctr,aes128-ctr", "Ciphers", "aes256-ctr,aes128-ctr", false},
};

static void reads_lines(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct sshd_line line;
		struct str value;

		sshd_line_parse(&a, str_of(lines[i].line), &line);
		assert_non_null(line.keyword);
		assert_string_equal(line.keyword->name, lines[i].keyword);
		assert_int_equal(line.bad != NULL, lines[i].bad);
		assert_true(sshd_line_value(&a, &line, &value));
		if (lines[i].value)
			assert_str(value, lines[i].value);
	}
}

static void leaves_relative_lists_open(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct sshd_line line;
	struct str value;

	sshd_line_parse(&a, STR("Ciphers -*-cbc"), &line);
	assert_false(sshd_line_value(&a, &line, &value));
	sshd_line_parse(&a, STR("# Ciphers"), &line);
	assert_null(line.name.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps_what_it_parsed),
		cmocka_unit_test(finds_every_keyword),
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(leaves_relative_lists_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
