/* SPDX-License-Identifier: Apache-2.0 */
/* Paths are resolved below a root, whatever goes on meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/path.h"

#define OPENS 200000

struct churn {
	int dir;
	atomic_bool over;
};

static void *rename_on(void *data)
{
	struct churn *c = data;

	while (!c->over) {
		(void)renameat(c->dir, "here", c->dir, "there");
		(void)renameat(c->dir, "there", c->dir, "here");
	}
	return NULL;
}

/* As of apt beside an audit: the kernel gives up on a ".." whenever anything is renamed. */
static void opens_while_others_rename(void **state _unused_)
{
	char top[] = "/tmp/revet-path-XXXXXX";
	struct churn churn = {0};
	pthread_t threads[3];

	assert_non_null(mkdtemp(top));
	churn.dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(churn.dir, "enabled", 0755), 0);
	assert_int_equal(mkdirat(churn.dir, "here", 0755), 0);
	assert_int_equal(symlinkat("../enabled/../enabled/../enabled", churn.dir, "enabled/link"), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, rename_on, &churn), 0);
	for (size_t i = 0; i < OPENS; i++) {
		_cleanup_close_ int fd = path_open(churn.dir, "/enabled/link/../enabled/link", O_PATH);

		if (fd < 0)
			fail_msg("after %zu: %s", i, strerror(-fd));
	}
	churn.over = true;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(unlinkat(churn.dir, "enabled/link", 0), 0);
	assert_int_equal(unlinkat(churn.dir, "enabled", AT_REMOVEDIR), 0);
	(void)unlinkat(churn.dir, "here", AT_REMOVEDIR);
	(void)unlinkat(churn.dir, "there", AT_REMOVEDIR);
	close(churn.dir);
	rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(opens_while_others_rename)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
