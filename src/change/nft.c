/* SPDX-License-Identifier: Apache-2.0 */
#include "change/nft.h"

#include <sys/mman.h>

#include "base/exec.h"
#include "base/path.h"
#include "change/netns.h"
#include "host/nft_text.h"

#define NFT "/usr/sbin/nft"
#define TIMEOUT_MS 30000

static int check_table(const char *table, struct str text, struct err *err)
{
	if (!nft_text_is_name(str_of(table)))
		return err_set(err, EINVAL, "%s is no name of a table", table);
	if (text.n > NFT_TEXT_MAX)
		return err_set(err, EFBIG, "table %s: its text is over %zu bytes", table, NFT_TEXT_MAX);
	if (text.p && !nft_text_is_table(text, str_of(table)))
		return err_set(err, EINVAL, "the text is not that of the table %s alone", table);
	return 0;
}

/* Its input as a file without a name: it is read at nft's own pace. */
static int make_input(struct str text)
{
	_cleanup_close_ int fd = memfd_create("nft", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, text);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : take_fd(&fd);
}

static int run(int ns, const char *const argv[], struct str input, struct arena *a,
			   struct exec_result *ret, struct err *err)
{
	_cleanup_close_ int fd = make_input(input);
	struct exec e;
	int r;

	if (fd < 0)
		return err_errno(err, -fd, "no room for what nft reads");
	e = exec_start_input(argv, fd, netns_enter, &ns);
	r = exec_finish(&e, 4 * NFT_TEXT_MAX, TIMEOUT_MS, a, ret, err);
	return r < 0 ? err_context(err, NFT) : 0;
}

static int refused(const char *table, struct str why, struct err *err)
{
	struct str line = STR("");

	(void)str_line(&why, &line);
	(void)str_skip(&line, "/dev/stdin:");
	return err_set(err, EIO, "nft does not take the table %s: %.*s", table,
				   (int)MIN(line.n, (size_t)300), line.p);
}

/* The table is made first, so that it can be deleted whether or not it was there. */
int nft_load(int ns, const char *table, struct str text, struct err *err)
{
	static const char *const argv[] = {NFT, "-f", "-", NULL};
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf input = BUF(2 * NFT_TEXT_MAX);
	struct exec_result result = {0};
	int r = check_table(table, text, err);

	if (r < 0)
		return r;
	buf_printf(&input, "table %s\ndelete table %s\n", table, table);
	buf_str(&input, text);
	if (buf_putc(&input, '\n') < 0)
		return err_set(err, EFBIG, "table %s: its text is too long", table);
	r = run(ns, argv, buf_get(&input), &a, &result, err);
	return r < 0 ? r : result.status ? refused(table, result.err, err) : 0;
}

int nft_feed(struct str commands, struct err *err)
{
	static const char *const argv[] = {NFT, "-f", "-", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result = {0};
	struct str line = STR("");
	int r = run(-1, argv, commands, &a, &result, err);

	if (r < 0 || !result.status)
		return r;
	(void)str_line(&result.err, &line);
	return err_set(err, EIO, NFT ": %.*s", STR_ARG(line));
}

int nft_list(int ns, const char *table, struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(4 * NFT_TEXT_MAX);
	const char *family = table, *name = strchr(table, ' ');
	const char *argv[] = {NFT, "-s", "list", "table", NULL, NULL, NULL};
	struct exec_result result = {0};
	int r = check_table(table, STR_ABSENT, err);

	*ret = STR_ABSENT;
	if (r < 0)
		return r;
	argv[4] = arena_copy(a, family, (size_t)(name - family));
	argv[5] = name + 1;
	r = run(ns, argv, STR(""), a, &result, err);
	if (r < 0)
		return r;
	if (result.status)
		return str_has(result.err, "No such file or directory") ? 0
																: refused(table, result.err, err);
	if (nft_text_without_elements(str_trim(result.out), &text) < 0)
		return err_set(err, EFBIG, "table %s: its text is too long", table);
	*ret = (struct str){arena_copy(a, text.p, text.n), text.n};
	return 0;
}

int nft_word(const char *table, struct str text, struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_close_ int ns = netns_new(err);
	int r = ns;

	*ret = STR_ABSENT;
	if (!text.p)
		return 0;
	if (r >= 0)
		r = nft_load(ns, table, text, err);
	return r < 0 ? r : nft_list(ns, table, a, ret, err);
}
