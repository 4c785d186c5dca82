/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs targets over their corpora, each in a process of its own, and counts how many came through:
 * replay [--counts FILE] [--scale] [TARGET...]. Built with sanitizers (`./dev test` does), so that
 * a leak or an overflow is a failure, too. The working directory is the top of the sources.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/path.h"
#include "fuzz.h"
#include "scale.h"

/* Of one input. They take milliseconds; this is for what never ends. */
#define SECONDS 60
#define MAX_INPUT ((size_t)4 << 20)
#define MAX_FILES 10000

/* What the child is at, for the parent to say when it dies. */
static char *current;
#define CURRENT_SIZE 4096

static void run_file(const struct target *t, const char *path, bool scale)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct str text;

	snprintf(current, CURRENT_SIZE, "%s", path);
	check(path_read(cwd, path, MAX_INPUT, &a, &text) == 0);
	if (scale) {
		scale_input(t, path, text);
		return;
	}
	alarm(SECONDS);
	t->run(t, text);
	alarm(0);
}

static size_t run_folder(const struct target *t, const char *folder, bool scale)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct path_entry *entries;
	size_t n = 0;
	bool more;

	if (path_list(cwd, folder, MAX_FILES, &a, &entries, &n, &more) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		run_file(t, arena_printf(&a, "%s/%s", folder, entries[i].name), scale);
	return n;
}

static void child(const struct target *t, bool scale)
{
	_cleanup_arena_ struct arena a = {0};
	size_t n = run_folder(t, arena_printf(&a, "fuzz/corpus/%s", t->name), scale);

	if (t->seeds)
		n += run_folder(t, t->seeds, scale);
	snprintf(current, CURRENT_SIZE, "end");
	check(n > 0); /* a target without any input tests nothing */
}

static bool run_target(const struct target *t, bool scale)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	check(pid >= 0);
	if (pid == 0) {
		child(t, scale);
		exit(0);
	}
	check(waitpid(pid, &status, 0) == pid);
	if (status)
		fprintf(stderr, "replay: %s: failed at %s (status %#x)\n", t->name, current,
				(unsigned)status);
	return status == 0;
}

static void write_counts(const char *path, unsigned passed, unsigned failed)
{
	FILE *out = fopen(path, "w");

	check(out && fprintf(out, "%u %u\n", passed, failed) > 0 && fclose(out) == 0);
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	const char *counts = NULL;
	const struct target *all;
	size_t n = target_all(&all);
	bool scale = false;
	int first = 1;

	current = mmap(NULL, CURRENT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(current != MAP_FAILED);
	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--scale") == 0)
			scale = true;
		else if (strcmp(argv[first], "--counts") == 0 && first + 1 < argc)
			counts = argv[++first];
		else
			return 64;
	}
	for (int i = first; i < argc; i++)
		check(target_find(argv[i]) != NULL);
	for (size_t i = 0; i < n; i++) {
		bool chosen = first == argc;

		for (int k = first; k < argc; k++)
			chosen = chosen || strcmp(argv[k], all[i].name) == 0;
		if (chosen)
			*(run_target(&all[i], scale) ? &passed : &failed) += 1;
	}
	printf("replay: %u targets passed, %u failed\n", passed, failed);
	if (counts)
		write_counts(counts, passed, failed);
	return failed || !passed;
}
