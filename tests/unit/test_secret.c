/* SPDX-License-Identifier: Apache-2.0 */
/* What is masked of command lines, mounts and URLs, and that it happens once and for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "host/secret.h"

typedef void masker(struct str, struct buf *);

static void assert_masks(masker *mask, struct str text, const char *want)
{
	_cleanup_buf_ struct buf out = BUF(1 << 16);

	mask(text, &out);
	if (!str_is(buf_get(&out), want))
		fail_msg("got '%.*s', want '%s'", STR_ARG(buf_get(&out)), want);
}

static void knows_names(void **state _unused_)
{
	static const char *const secret[] = {"password",      "PGPASSWORD", "--db-pass",
										 "pass2",         "API_KEY",    "x-api-key",
										 "client_secret", "MYSQL_PWD",  "AuthToken"};
	static const char *const plain[] = {
		"", "PWD", "path", "password-file", "compass_heading", "nosuid", "key", "secretdir"};

	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		if (!secret_is_name(str_of(secret[i])))
			fail_msg("%s is taken for no secret", secret[i]);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (secret_is_name(str_of(plain[i])))
			fail_msg("%s is taken for a secret", plain[i]);
}

static const struct {
	const char *text, *want;
} lines[] = {
	{"backup --password=hunter2 /srv", "backup --password=*** /srv"},
	{"backup --password hunter2 /srv", "backup --password *** /srv"},
	{"backup --password --verbose", "backup --password --verbose"},
	{"PGPASSWORD=x pg_dump db", "PGPASSWORD=*** pg_dump db"},
	{"PGPASSWORD='a b' pg_dump db", "PGPASSWORD='***' pg_dump db"},
	{"PASSWORD= /bin/true", "PASSWORD= /bin/true"},
	{"DB_PASSWORD = a b\nPATH=/bin", "DB_PASSWORD = *** ***\nPATH=/bin"},
	{"17 3 * * * root mysqldump -uroot -psecret db", "17 3 * * * root mysqldump -uroot -p*** db"},
	{"sshpass -p secret ssh -p 22 host", "sshpass -p *** ssh -p *** host"},
	{"ssh -p 22 host; nc -p 3", "ssh -p 22 host; nc -p 3"},
	{"/usr/bin/curl -u me:secret https://h/", "/usr/bin/curl -u me:*** https://h/"},
	{"curl -ume:secret -H 'Authorization: Bearer x y' h",
	 "curl -ume:*** -H 'Authorization: ***' h"},
	{"curl -d '{\"token\": \"x\", \"a\": 1}' h", "curl -d '{\"token\": ***' h"},
	{"sh -c 'TOKEN=x exec run'", "sh -c 'TOKEN=***'"},
	{"sh -c 'exec env TOKEN=x run'", "sh -c 'exec env TOKEN=*** run'"},
	{"TOKEN=\"a\nb\" run", "TOKEN=\"***\nb\" run"},
	{"action(type=\"ommysql\" pwd=\"x\")", "action(type=\"ommysql\" pwd=\"***\")"},
	{"{\"token\":\"x\",\"password\":\"y\",\"n\":1}",
	 "{\"token\":\"***\",\"password\":\"***\",\"n\":1}"},
	{"sh -c \"curl -u a:b http://c\"", "sh -c \"curl -u a:*** http://c\""},
	{"wget https://me:secret@h/x?y=1", "wget https://me:***@h/x?y=1"},
	{"git clone https://ghp_1@github.com/a", "git clone https://***@github.com/a"},
	{"ssh://git@host/a", "ssh://git@host/a"},
	{"DSN=\"postgres://u:p@h/d\" run", "DSN=\"postgres://u:***@h/d\" run"},
	{"docker run --env=TOKEN=x -e PASSWORD=y image",
	 "docker run --env=TOKEN=*** -e PASSWORD=*** image"},
	{"Environment=A=b\nEnvironment=TOKEN=x\nEnvironment=\"DB_PASS=a b\" \"C=d\"",
	 "Environment=A=b\nEnvironment=TOKEN=***\nEnvironment=\"DB_PASS=***\" \"C=d\""},
	{"environment=\"TOKEN=x\",no-pty", "environment=\"TOKEN=***\",no-pty"},
	{"f=\"x;TOKEN=y\"", "f=\"x;TOKEN=***\""},
	{"echo it's TOKEN=x", "echo it's TOKEN=***"},
	{"openssl enc -pass pass:x -in a", "openssl enc -pass *** -in a"},
	{"ssh -o PasswordAuthentication=no h", "ssh -o PasswordAuthentication=no h"},
	{"restic --password-file /etc/restic.key", "restic --password-file /etc/restic.key"},
	{"test -x /usr/sbin/anacron || run-parts /etc/cron.daily",
	 "test -x /usr/sbin/anacron || run-parts /etc/cron.daily"},
};

static void masks_command_lines(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_masks(secret_mask, str_of(lines[i].text), lines[i].want);
}

static void masks_arguments(void **state _unused_)
{
	assert_masks(secret_mask_args, STR("a\0--password=b c\0d"), "a --password=*** d");
	assert_masks(secret_mask_args, STR("a\0--password\0b c\0d"), "a --password *** d");
	assert_masks(secret_mask_args, STR("sh\0-c\0PGPASSWORD='x y' psql \"z\"\0"),
				 "sh -c PGPASSWORD='***' ");
	assert_masks(secret_mask_args, STR("mysql\0-pb c\0d"), "mysql -p*** d");
	assert_masks(secret_mask_args, STR("a\0\0it's\0amqp://u:p@h"), "a  it's amqp://u:***@h");
}

static void masks_mounts(void **state _unused_)
{
	assert_masks(secret_mask_mounts,
				 STR("//h/s /mnt cifs ro,username=u,password=p\\054q,pass2=r,nosuid 0 0\n# a\n"),
				 "//h/s /mnt cifs ro,username=u,password=***,pass2=***,nosuid 0 0\n# a\n");
	assert_masks(secret_mask_mounts, STR("curlftpfs#u:p@h /m fuse credentials=/etc/c"),
				 "curlftpfs#u:***@h /m fuse credentials=/etc/c");
	assert_masks(secret_mask_mounts, STR("h:/a@b /m nfs vers=4"), "h:/a@b /m nfs vers=4");
	assert_masks(secret_mask_mounts, STR("http://u:p@h/d /m davfs rw"),
				 "http://u:***@h/d /m davfs rw");
}

static void masks_once_and_for_all(void **state _unused_)
{
	static const char *const words[] = {
		"password", "=",  ":", " ", "'",       "\"", "\\",  "://",  "@", "a", "-p",  "mysql",
		"curl -u",  "\n", ";", ",", "--token", "{",  "***", "http", "/", "#", "\xff"};
	masker *const maskers[] = {secret_mask, secret_mask_mounts, secret_mask_urls};

	srandom(1);
	for (int i = 0; i < 60000; i++) {
		_cleanup_buf_ struct buf text = BUF(4096), once = BUF(65536), twice = BUF(65536);
		_cleanup_buf_ struct buf args = BUF(65536);

		for (long n = random() % 12; n >= 0; n--)
			buf_puts(&text, words[(size_t)random() % ARRAY_LEN(words)]);
		maskers[i % 3](buf_get(&text), &once);
		maskers[i % 3](buf_get(&once), &twice);
		secret_mask_args(buf_get(&text), &args);
		if (!str_eq(buf_get(&once), buf_get(&twice)))
			fail_msg("%s\nonce:  %s\ntwice: %s", text.p, once.p, twice.p);
	}
}

/* As long for one word again and again as for any: nothing is looked at over and over. */
static void is_linear(void **state _unused_)
{
	static const char *const units[] = {"'",   "\"'", "\\",        "' ", "\" '\\",
										"://", "a:",  "password ", "=",  "@"};
	clock_t begin = clock();

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		_cleanup_buf_ struct buf text = BUF(4 << 20), out = BUF(64 << 20);

		while (!text.full)
			buf_puts(&text, units[i]);
		secret_mask(buf_get(&text), &out);
		secret_mask_mounts(buf_get(&text), &out);
	}
	assert_true((clock() - begin) / CLOCKS_PER_SEC < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(masks_command_lines),
		cmocka_unit_test(masks_arguments),
		cmocka_unit_test(masks_mounts),
		cmocka_unit_test(masks_once_and_for_all),
		cmocka_unit_test(is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
