/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/marker.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define MAX_END ((off_t)1 << 20)

int marker_make(char ret[MARKER_SIZE])
{
	uint64_t number[2];

	if (getrandom(number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	snprintf(ret, MARKER_SIZE, "revet-prove-%016llx%016llx", (unsigned long long)number[0],
			 (unsigned long long)number[1]);
	return 0;
}

int marker_end(struct trial *t, const char *path, struct buf *ret)
{
	_cleanup_close_ int fd = path_open(t->place.root_fd, path, O_RDONLY | O_NONBLOCK);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (fd < 0)
		return fd;
	*ret = BUF((size_t)MAX_END * 2);
	if (size < 0 || lseek(fd, size > MAX_END ? size - MAX_END : 0, SEEK_SET) < 0)
		return -errno;
	return fd_read_all(fd, ret);
}

bool marker_is_in(struct trial *t, const char *path, const char *text)
{
	_cleanup_buf_ struct buf end = {0};

	return marker_end(t, path, &end) == 0 && str_has(buf_get(&end), text);
}

bool marker_wait(struct trial *t, bool (*found)(struct trial *, void *data), void *data,
				 int *patience)
{
	int pause = 20;

	for (int waited = 0; !found(t, data); pause = MIN(2 * pause, 500)) {
		if (waited >= *patience || trial_ms_left(t) < 2 * pause) {
			*patience = 0;
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = pause * 1000000L}, NULL);
		waited += pause;
	}
	return true;
}
