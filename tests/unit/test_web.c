/* SPDX-License-Identifier: Apache-2.0 */
/* Of a configuration with more servers than the table has room for no rule says that all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/exec.h"
#include "rule/judge.h"

#define MAX_TEXT ((size_t)16 << 20)

static void write_file(const char *dir, const char *path, struct str text)
{
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	char parent[128];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		assert_true(mkdirat(root, parent, 0755) == 0 || errno == EEXIST);
	}
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
}

static void remove_tree(const char *dir)
{
	const char *const argv[] = {"/bin/rm", "-rf", "--", dir, NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result;
	struct exec rm = exec_start(argv, NULL, NULL);
	struct err err;

	assert_int_equal(exec_finish(&rm, 4096, 60000, &a, &result, &err), 0);
}

/* Only in the last of the servers is anything wrong: the rule holds for all that there is room for. */
static void is_not_known(const char *dir, const char *table, const char *id)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	_cleanup_arena_ struct arena a = {0};
	struct catalogue c;
	struct err err = {0};
	_cleanup_host_ struct host *host = host_open(dir, &err);
	const struct rule *rule;
	const struct rows *rows;
	struct judgement g;

	assert_non_null(host);
	assert_int_equal(catalogue_load(&c, NULL, &err), 0);
	rule = catalogue_find(&c, str_of(id));
	assert_non_null(rule);
	judge_wants(rule, &c.language.params, s);
	snapshot_read(s, host, NULL, NULL);
	rows = snapshot_rows(s, table_find(str_of(table)));
	print_message("%s: %zu rows in %lld ms, %s\n", table, rows->n, (long long)rows->took_us / 1000,
				  rows->error ? rows->why
				  : rows->gap ? rows->gap
							  : "all");
	judge(rule, s, &c.language.params, &a, &g);
	assert_int_equal(g.verdict, VERDICT_UNKNOWN);
	assert_string_equal(g.reason, rows->error ? rows->why : rows->gap);
	catalogue_done(&c);
}

/* The same server again and again, and another one behind. */
static void too_many(const char *program, const char *path, const char *head, const char *server,
					 size_t n, const char *last, const char *table, const char *id)
{
	char dir[] = "/tmp/revet-web-XXXXXX";
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

	assert_non_null(mkdtemp(dir));
	buf_puts(&text, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(&text, server);
	buf_puts(&text, last);
	write_file(dir, program, STR("x"));
	write_file(dir, path, buf_get(&text));
	is_not_known(dir, table, id);
	remove_tree(dir);
}

static void of_nginx(void **state _unused_)
{
	too_many("usr/sbin/nginx", "etc/nginx/nginx.conf", "http {\n",
			 "server {\n\tlisten 443;\n\tserver_name a.example;\n\troot /srv/a;\n"
			 "\tlocation / {\n\t\tproxy_pass http://127.0.0.1:3000;\n\t}\n"
			 "\tlocation /api {\n\t\tproxy_pass http://127.0.0.1:3001;\n\t}\n}\n",
			 10000, "server {\n\tautoindex on;\n}\n}\n", "nginx", "web.directory-listing");
}

static void of_apache(void **state _unused_)
{
	too_many("usr/sbin/apache2", "etc/apache2/apache2.conf", "Listen 80\nTraceEnable off\n",
			 "<VirtualHost *:80>\nServerName a.example\nDocumentRoot /srv/a\n"
			 "<Directory /srv/a>\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n"
			 "</VirtualHost>\n",
			 20000, "<VirtualHost *:80>\nTraceEnable on\n</VirtualHost>\n", "apache", "web.trace");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_nginx),
		cmocka_unit_test(of_apache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
