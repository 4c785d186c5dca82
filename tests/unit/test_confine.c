/* SPDX-License-Identifier: Apache-2.0 */
/* From inside the reader's confinement every way to change the host fails, and reading works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/confine.h"
#include "base/path.h"

/* Each returns true when the attempt was refused. `dir` is a writable directory of the test's. */
static bool refuses_create(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/new", dir);
	return open(path, O_WRONLY | O_CREAT, 0600) < 0;
}

static bool refuses_write(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/file", dir);
	return open(path, O_WRONLY) < 0 && truncate(path, 0) < 0;
}

static bool refuses_openat2_write(const char *dir)
{
	int root = open(dir, O_PATH | O_DIRECTORY);

	return path_open(root, "file", O_RDWR) < 0;
}

/* Where O_RDONLY is enough for a file to be emptied. */
static bool refuses_openat2_truncate(const char *dir)
{
	int root = open(dir, O_PATH | O_DIRECTORY);

	return path_open(root, "file", O_RDONLY | O_TRUNC) < 0;
}

static bool refuses_truncate(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/file", dir);
	return open(path, O_RDONLY | O_TRUNC) < 0 && truncate(path, 0) < 0;
}

static bool refuses_remove(const char *dir)
{
	char path[256], other[256];

	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	return unlink(path) < 0 && rename(path, other) < 0 && chmod(path, 0777) < 0 &&
		   mkdir(other, 0700) < 0;
}

static bool refuses_exec(const char *dir _unused_)
{
	char *const argv[] = {(char *)"/bin/true", NULL};

	return execv("/bin/true", argv) < 0 && fork() < 0;
}

static bool refuses_network(const char *dir _unused_)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && socket(AF_INET6, SOCK_DGRAM, 0) < 0 &&
		   socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static bool refuses_kill(const char *dir _unused_)
{
	return kill(getppid(), 0) < 0;
}

static bool allows_read(const char *dir)
{
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY);
	struct str text;

	return path_read(root, "file", 100, &arena, &text) == 0 && str_is(text, "kept");
}

static void make_file(const char *dir)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/file", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("kept", f);
	fclose(f);
}

static bool is_kept(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 4;
}

static bool confine(bool walker)
{
	struct confinement c;
	struct err err;

	if (walker)
		return confine_walker(&err) == 0;
	return confine_reader(&c, &err) == 0 && c.no_new_privs && c.capabilities && c.seccomp;
}

static void attempt(bool (*try)(const char *dir), bool walker)
{
	char dir[] = "/tmp/revet-confine.XXXXXX", path[256];
	int status;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	make_file(dir);
	pid = fork();
	if (pid == 0) {
		if (!confine(walker))
			_exit(2);
		_exit(try(dir) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(path, sizeof(path), "%s/file", dir);
	assert_true(is_kept(path));
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else was made */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define ATTEMPT(name)                                                                              \
	static void test_##name(void **state _unused_)                                                 \
	{                                                                                              \
		attempt(name, false);                                                                      \
		attempt(name, true);                                                                       \
	}
ATTEMPT(refuses_create)
ATTEMPT(refuses_write)
ATTEMPT(refuses_openat2_write)
ATTEMPT(refuses_openat2_truncate)
ATTEMPT(refuses_truncate)
ATTEMPT(refuses_remove)
ATTEMPT(refuses_exec)
ATTEMPT(refuses_network)
ATTEMPT(refuses_kill)
ATTEMPT(allows_read)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_create),
		cmocka_unit_test(test_refuses_write),
		cmocka_unit_test(test_refuses_openat2_write),
		cmocka_unit_test(test_refuses_openat2_truncate),
		cmocka_unit_test(test_refuses_truncate),
		cmocka_unit_test(test_refuses_remove),
		cmocka_unit_test(test_refuses_exec),
		cmocka_unit_test(test_refuses_network),
		cmocka_unit_test(test_refuses_kill),
		cmocka_unit_test(test_allows_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
