/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "base/num.h"
#include "prove/attack.h"

#define SYMBOLS "/proc/kallsyms"

/* Those that may not see addresses see zeros. */
static int read_addresses(void *data)
{
	_cleanup_close_ int fd = open(SYMBOLS, O_RDONLY | O_CLOEXEC);
	char text[65536];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	struct str rest = {text, n < 0 ? 0 : (size_t)n}, line, word;
	uint64_t address;

	(void)data;
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	while (str_line(&rest, &line))
		/* Symbols of each processor have small numbers, which are no addresses. */
		if (str_word(&line, &word) && num_hex(word, UINT64_MAX, &address) == 0 &&
			address > UINT32_MAX)
			return 0;
	return -EPERM;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"see addresses of the kernel in " SYMBOLS, read_addresses});
}

static const struct experiment kernel_pointers = {
	.name = "kernel.pointers-hidden",
	.title = "The kernel's addresses are hidden",
	.doc = "A user without privilege looks for addresses of the kernel in " SYMBOLS,
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.pointers"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_pointers);
