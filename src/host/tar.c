/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tar.h"

#define BLOCK 512
#define MAX_UNPACKED ((uint64_t)1 << 30)

/* Exactly n bytes; 0: the end comes first. */
static int read_whole(struct tar *t, char *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = unpack_read(t->from, p + have, n - have);

		if (got <= 0)
			return (int)got;
		have += (size_t)got;
	}
	t->total += n;
	return t->total > MAX_UNPACKED ? -EFBIG : 1;
}

/* A number of tar's: octal digits up to a blank or a NUL. */
static bool octal(const char *p, size_t n, uint64_t *ret)
{
	size_t i = 0;

	for (*ret = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		*ret = *ret * 8 + (uint64_t)(p[i] - '0');
	return i > 0;
}

int tar_next(struct tar *t, struct tar_entry *ret)
{
	char head[8192];
	int r = 1;

	for (; r > 0 && t->left; t->left -= MIN(t->left, (uint64_t)sizeof(head)))
		r = read_whole(t, head, (size_t)MIN(t->left, (uint64_t)sizeof(head)));
	if (r > 0)
		r = read_whole(t, head, BLOCK);
	if (r <= 0 || !head[0])
		return MIN(r, 0);
	*ret = (struct tar_entry){.type = head[156]};
	memcpy(ret->name, head, strnlen(head, sizeof(ret->name) - 1));
	if (!octal(head + 124, 12, &ret->size) || ret->size > MAX_UNPACKED)
		return -EBADMSG;
	t->left = (ret->size + BLOCK - 1) / BLOCK * BLOCK;
	return 1;
}

int tar_read(struct tar *t, char *p, size_t n)
{
	int r = n <= t->left ? read_whole(t, p, n) : -EBADMSG;

	t->left -= r > 0 ? n : 0;
	return r ? r : -EBADMSG;
}
