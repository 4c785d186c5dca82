/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in a host's files, reading ends, within bounds, and ends no other table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/exec.h"
#include "host/secret.h"
#include "host/snapshot.h"
#include "host/unitfile.h"

/* Sanitizers need several times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAX_RSS_KB (4 << 20)
#else
#define MAX_RSS_KB (256 << 10)
#endif

/* What tables read, in every place that a distribution has for it. */
static const char *const paths[] = {
	"etc/anacrontab",
	"etc/apt/apt.conf",
	"etc/apt/sources.list",
	"etc/audit/audit.rules",
	"etc/audit/auditd.conf",
	"etc/bash.bashrc",
	"etc/chrony/chrony.conf",
	"etc/cron.d/a",
	"etc/crontab",
	"etc/default/grub",
	"etc/fstab",
	"etc/group",
	"etc/login.defs",
	"etc/modprobe.d/a.conf",
	"etc/pam.d/common-auth",
	"etc/profile",
	"etc/resolv.conf",
	"etc/rsyslog.conf",
	"etc/security/faillock.conf",
	"etc/security/limits.conf",
	"etc/security/pwquality.conf",
	"etc/shadow",
	"etc/ssh/sshd_config",
	"etc/sudoers",
	"etc/sysctl.d/a.conf",
	"etc/systemd/journald.conf",
	"etc/systemd/system/a.service",
	"etc/systemd/system/a.timer",
	"root/.ssh/authorized_keys",
	"root/.bashrc",
	"usr/lib/os-release",
	"usr/share/distro-info/debian.csv",
	"var/lib/dpkg/status",
	"var/lib/apt/lists/a_Packages",
	"var/spool/cron/crontabs/root",
	"var/lib/pacman/local/a-1/desc",
	"boot/config-6.1.0",
};

static int lstat_at(int root, const char *path, struct stat *st)
{
	return fstatat(root, path, st, AT_SYMLINK_NOFOLLOW);
}

static void make_parents(int root, const char *path)
{
	char dir[256];
	struct stat st;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		assert_true(mkdirat(root, dir, 0755) == 0 || lstat_at(root, dir, &st) == 0);
	}
}

/* A file of HOST_MAX_FILE bytes at most, the line again and again. */
static void write_file(int root, const char *path, const char *line, size_t size)
{
	_cleanup_close_ int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	_cleanup_buf_ struct buf text = BUF(HOST_MAX_FILE);
	size_t n = strlen(line);

	while (text.n + n <= size)
		buf_add(&text, line, n);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
}

static char *make_tree(const char *line)
{
	char *dir = strdup("/tmp/revet-snapshot-XXXXXX");
	_cleanup_close_ int root = -1;

	assert_non_null(mkdtemp(dir));
	root = open(dir, O_PATH | O_DIRECTORY);
	write_file(root, "hostile", line, HOST_MAX_FILE);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		make_parents(root, paths[i]);
		assert_int_equal(linkat(root, "hostile", root, paths[i], 0), 0);
	}
	write_file(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n", 30);
	write_file(root, "etc/systemd/coredump.conf", "[Coredump]\nStorage=none\n", 30);
	return dir;
}

static void remove_tree(char *dir)
{
	const char *const argv[] = {"/bin/rm", "-rf", "--", dir, NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result;
	struct exec rm = exec_start(argv, NULL, NULL);
	struct err err;

	assert_int_equal(exec_finish(&rm, 4096, 60000, &a, &result, &err), 0);
	free(dir);
}

static void read_all(struct snapshot *s, struct host *host)
{
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		snapshot_want_all(s, all[i]);
	snapshot_read(s, host, NULL, NULL);
}

/* SHOW=1: what became of each table. */
static void show(const struct table *table, const struct rows *rows)
{
	if (getenv("SHOW"))
		print_message("%-20s %6zu rows %8lld us  %s\n", table->name, rows->n,
					  (long long)rows->took_us,
					  rows->error ? rows->why
					  : rows->gap ? rows->gap
								  : "");
}

/* Some tables were too large, and one whose own files are small has its row. */
static bool is_as_expected(const struct snapshot *s)
{
	const struct table *const *all;
	size_t n = table_all(&all), too_large = 0;
	const struct rows *coredump = snapshot_rows(s, table_find(STR("coredump")));

	for (size_t i = 0; i < n; i++) {
		const struct rows *rows = snapshot_rows(s, all[i]);

		show(all[i], rows);
		too_large += rows->error == -EFBIG;
	}
	return too_large && !coredump->error && !coredump->gap && coredump->n == 1;
}

static bool read_tree(const char *dir)
{
	struct err err = {0};
	struct host *host = host_open(dir, &err);
	struct snapshot *s = snapshot_new();
	struct rusage usage;
	bool ok;

	assert_non_null(host);
	read_all(s, host);
	ok = is_as_expected(s);
	getrusage(RUSAGE_SELF, &usage);
	print_message("%ld KiB\n", usage.ru_maxrss);
	snapshot_free(s);
	host_free(host);
	return ok && usage.ru_maxrss < MAX_RSS_KB;
}

/* In a process of its own, as the audit reads: what a table held that gave up is freed by its end. */
static void reads(const char *line)
{
	char *dir = make_tree(line);
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(read_tree(dir) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	remove_tree(dir);
	assert_int_equal(status, 0);
}

static void survives_short_lines(void **state _unused_)
{
	reads("a\n");
}

static void survives_assignments(void **state _unused_)
{
	reads("a=b\n");
}

static void survives_words(void **state _unused_)
{
	reads("a b c d e f g h\n");
}

static void survives_sections(void **state _unused_)
{
	reads("[a]\n");
}

static void survives_colons(void **state _unused_)
{
	reads("a:b:1:1::\n");
}

/* A setting that is one 16 MB line of words, or of items of a list. */
static void survives_one_line(void **state _unused_)
{
	reads("a,b ");
}

/* Files that users write fill a table at most up to a gap: what was read before stays in sight. */
static void users_hide_nothing(void **state _unused_)
{
	static const char *const own[] = {"var/spool/cron/crontabs/u", "var/spool/cron/crontabs/v",
									  "home/u/.ssh/authorized_keys"};
	static const char *const tables[] = {"cron", "authorized_keys"};
	char *dir = make_tree("# nothing\n");
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY);
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	struct err err = {0};
	struct host *host = host_open(dir, &err);

	write_file(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nu:x:1:1::/home/u:/bin/sh\n", 60);
	write_file(root, "etc/crontab", "@daily root /bin/true\n", 30);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		make_parents(root, own[i]);
		write_file(root, own[i], i == 1 ? "@daily /bin/true\n" : "@a b\n",
				   i == 1 ? HOST_MAX_FILE : 200000);
	}
	assert_non_null(host);
	read_all(s, host);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct rows *rows = snapshot_rows(s, table_find(str_of(tables[i])));

		assert_int_equal(rows->error, 0);
		assert_true(rows->n >= 1);
		assert_true(rows->gap || i);
	}
	host_free(host);
	remove_tree(dir);
}

/* What two tables read is the same in both, and a change is seen by the next snapshot. */
static void reads_scrubbed_files_once(void **state _unused_)
{
	char *dir = make_tree("x");
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY);
	_cleanup_arena_ struct arena a = {0};
	struct str first, second, large;
	struct err err = {0};
	_cleanup_host_ struct host *host = host_open(dir, &err);

	assert_non_null(host);
	host_remember(host);
	write_file(root, "small", "--password=one\n", 15);
	write_file(root, "large", "--user=one\n", 100000);
	assert_int_equal(host_read_scrubbed(host, "/small", secret_mask, &a, &first, &err), 0);
	assert_int_equal(host_read_scrubbed(host, "/large", secret_mask, &a, &large, &err), 0);
	write_file(root, "small", "--user=two\n", 11);
	write_file(root, "large", "--user=two\n", 11);
	assert_int_equal(host_read_scrubbed(host, "/small", secret_mask, &a, &second, &err), 0);
	assert_true(str_is(first, "--password=" SECRET_MASK "\n") && str_eq(first, second));
	assert_int_equal(host_read_scrubbed(host, "/large", secret_mask, &a, &second, &err), 0);
	assert_true(large.n > 90000 && str_is(second, "--user=two\n"));
	assert_int_equal(host_read_scrubbed(host, "/small", secret_mask_urls, &a, &second, &err), 0);
	assert_true(str_is(second, "--user=two\n"));
	host_remember(host);
	assert_int_equal(host_read_scrubbed(host, "/small", secret_mask, &a, &second, &err), 0);
	assert_true(str_is(second, "--user=two\n"));
	remove_tree(dir);
}

static const void *count(struct host *host _unused_, struct arena *a)
{
	static int times;
	int *ret = arena_new(a, int, 1);

	*ret = ++times;
	return ret;
}

/* What tables share is made once in each round, by whoever begins, and by nobody where nothing is to be
 * remembered. */
static void shares_what_is_made(void **state _unused_)
{
	static const struct shared counted = {"count", count};
	_cleanup_host_ struct host *host = NULL;
	const int *first, *second;
	struct err err = {0};

	host = host_open("/", &err);
	assert_non_null(host);
	assert_null(host_shared(host, &counted, true));
	host_remember(host);
	assert_null(host_shared(host, &counted, false));
	first = host_shared(host, &counted, true);
	assert_non_null(first);
	assert_ptr_equal(host_shared(host, &counted, false), first);
	host_remember(host);
	second = host_shared(host, &counted, true);
	assert_true(second && *first == 1 && *second == 2);
}

/* A drop-in directory that cannot be read is a gap of those units only that it is for. */
static void shares_units(void **state _unused_)
{
	static const char *const other[] = {"b.service", NULL}, *const both[] = {"a.service",
																			 "b.service", NULL};
	char *dir = make_tree("x");
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY);
	_cleanup_host_ struct host *host = NULL;
	_cleanup_arena_ struct arena a = {0};
	struct unit_files files;
	struct err err = {0};

	write_file(root, "etc/systemd/system/b.service", "[Service]\n", 10);
	assert_int_equal(unlinkat(root, "etc/systemd/system/a.service", 0), 0);
	assert_int_equal(symlinkat("a.service", root, "etc/systemd/system/a.service"), 0);
	host = host_open(dir, &err);
	for (int shared = 0; shared < 2; shared++) {
		if (shared) {
			host_remember(host);
			unitfiles_read(host, &a, NULL, &files);
			assert_non_null(files.gap);
		}
		unitfiles_read(host, &a, other, &files);
		assert_null(files.gap);
		assert_non_null(unitfiles_find(&files, STR("b.service")));
		unitfiles_read(host, &a, both, &files);
		assert_true(files.gap && strstr(files.gap, "a.service"));
	}
	remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_short_lines), cmocka_unit_test(survives_assignments),
		cmocka_unit_test(survives_words),       cmocka_unit_test(survives_sections),
		cmocka_unit_test(survives_colons),      cmocka_unit_test(survives_one_line),
		cmocka_unit_test(users_hide_nothing),   cmocka_unit_test(reads_scrubbed_files_once),
		cmocka_unit_test(shares_what_is_made),  cmocka_unit_test(shares_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
