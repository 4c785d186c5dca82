/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel parameter as it is now; what the boot sets is a file's business. */
#include <fcntl.h>
#include <stdio.h>

#include "change/step.h"

/* "net.ipv4.ip_forward" -> "/proc/sys/net/ipv4/ip_forward", as sysctl(8): whichever of '.' and '/'
 * comes first separates, and the other is a letter. */
static int path_of(const char *key, char ret[256])
{
	bool dots = strcspn(key, "/") > strcspn(key, ".");
	size_t n = strlen(key);

	if (n > 200 || strstr(key, ".."))
		return -EINVAL;
	snprintf(ret, 256, "/proc/sys/%s", key);
	for (char *c = ret + 10; *c && dots; c++)
		*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
	return 0;
}

static int capture_sysctl(const struct place *place, const char *target, struct arena *a,
						  struct state *ret, struct err *err)
{
	char path[256];
	struct str text;
	int r = path_of(target, path);

	if (r == 0)
		r = path_read(place->root_fd, path, 4096, a, &text);
	if (r < 0)
		return err_errno(err, -r, "%s", target);
	state_set(ret, a, "value", str_trim(text));
	return 0;
}

static int put_sysctl(const struct place *place, const char *target, const struct state *to,
					  const struct saved *saved _unused_, struct err *err)
{
	struct str value = state_get(to, "value");
	_cleanup_close_ int fd = -1;
	char path[256];
	int r = path_of(target, path);

	if (r == 0)
		r = fd = path_open(place->root_fd, path, O_WRONLY);
	if (r >= 0)
		r = write(fd, value.p, value.n) == (ssize_t)value.n ? 0 : -errno;
	return r < 0 ? err_errno(err, -r, "%s", target) : 0;
}

static void undo_sysctl(struct buf *out, const struct step *s)
{
	char path[256];

	if (path_of(s->target, path) < 0)
		return;
	buf_puts(out, "[ -n \"$ROOT\" ] || printf '%s\\n' ");
	step_shell_word(out, state_get(&s->before, "value"));
	buf_puts(out, " >");
	step_shell_word(out, str_of(path));
	buf_putc(out, '\n');
}

static const struct step_type sysctl_step = {
	.name = "sysctl",
	.doc = "a kernel parameter as it is now",
	.order = 50,
	.live_only = true,
	.capture = capture_sysctl,
	.put = put_sysctl,
	.undo_sh = undo_sysctl,
};
STEP_TYPE(sysctl_step);
