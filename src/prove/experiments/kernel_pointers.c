/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "base/buf.h"
#include "base/num.h"
#include "prove/attack.h"

#define SYMBOLS "/proc/kallsyms"

/* Symbols of each processor, which come first, have small numbers that are no addresses. */
static bool has_address(struct str text)
{
	struct str line, word;
	uint64_t address;

	while (str_line(&text, &line))
		if (str_word(&line, &word) && num_hex(word, UINT64_MAX, &address) == 0 &&
			address > UINT32_MAX)
			return true;
	return false;
}

/* Whoever may not see addresses sees zeros. */
static int read_addresses(void *data)
{
	_cleanup_close_ int fd = open(SYMBOLS, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = BUF((size_t)1 << 20);
	ssize_t n = 1;
	char *room;

	(void)data;
	/* Each reading gives a page. */
	while (fd >= 0 && n > 0 && (room = buf_reserve(&text, 4096))) {
		n = read(fd, room, 4096);
		if (n > 0)
			buf_commit(&text, (size_t)n);
	}
	if (fd < 0 || n < 0)
		return -errno;
	return has_address(buf_get(&text)) ? 0 : text.n ? -EPERM : -ENODATA;
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
