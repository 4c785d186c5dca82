/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel parameter as it is now; what the boot sets is a file's business.
 *
 * Writing one of all network interfaces may write others along: forwarding and disable_ipv6 of each
 * interface, `default` for those that follow it, and more with every kernel. So of net.*.conf.all and
 * net.*.conf.default the same parameter of every interface is saved, and undoing writes each back.
 * An interface that is gone by then is left out, a new one keeps what it has.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "change/fs.h"

#define FORWARDING "/proc/sys/net/ipv4/ip_forward"
#define REDIRECTS "/proc/sys/net/ipv4/conf/all/accept_redirects"
#define MAX_INTERFACES 65536
#define MAX_SAVED ((size_t)8 << 20)

static bool is_forwarding(const char *path)
{
	return strcmp(path, FORWARDING) == 0 ||
		   strcmp(path, "/proc/sys/net/ipv4/conf/all/forwarding") == 0;
}

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

static int write_value(const struct place *place, const char *path, struct str value)
{
	_cleanup_close_ int fd = path_open(place->root_fd, path, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, value.p, value.n) == (ssize_t)value.n ? 0 : -errno;
}

static int write_if_other(const struct place *place, const char *path, struct str value)
{
	_cleanup_arena_ struct arena a = {0};
	struct str now;
	int r = path_read(place->root_fd, path, 4096, &a, &now);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return str_eq(str_trim(now), value) ? 0 : write_value(place, path, value);
}

/* --- what is written along ----------------------------------------------------------------------- */

/* ".../conf/all/NAME", or another way to write that: splits it before the interface and after. */
static bool of_interfaces(const char *path, char dir[256], const char **ret_name)
{
	const char *conf;

	if (strcmp(path, FORWARDING) == 0)
		path = "/proc/sys/net/ipv4/conf/all/forwarding";
	conf = strstr(path, "/conf/all/");
	if (!conf)
		conf = strstr(path, "/conf/default/");
	if (!conf)
		return false;
	snprintf(dir, 256, "%.*s/conf", (int)(conf - path), path);
	*ret_name = strrchr(path, '/') + 1;
	return true;
}

static void save_one(const struct place *place, const char *path, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text;

	if (path_read(place->root_fd, path, 4096, &a, &text) == 0)
		buf_printf(out, "%s %.*s\n", path, STR_ARG(str_trim(text)));
}

static int save_sysctl(const struct place *place, const struct step *s, const struct saved *saved,
					   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(MAX_SAVED);
	struct path_entry *interfaces;
	char path[256], dir[256];
	const char *name;
	bool more = false;
	size_t n = 0;
	int r = path_of(s->target, path);

	if (r < 0 || !of_interfaces(path, dir, &name))
		return 0;
	r = path_list(place->root_fd, dir, MAX_INTERFACES, &a, &interfaces, &n, &more);
	if (r == 0 && more)
		r = -EFBIG;
	/* What holds of all is the state of the step, or of that of the other name it has. */
	for (size_t i = 0; r == 0 && i < n; i++)
		if (strcmp(interfaces[i].name, "all") != 0)
			save_one(place, arena_printf(&a, "%s/%s/%s", dir, interfaces[i].name, name), &out);
	if (r == 0 && is_forwarding(path))
		save_one(place, REDIRECTS, &out);
	if (r == 0 && out.full)
		r = -EFBIG;
	return r < 0 ? err_errno(err, -r, "%s", dir) : fs_save_text(saved, "", buf_get(&out), err);
}

/* Each back to what was saved of it. */
static int restore_others(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, line, path;
	int r = path_read(saved->dir_fd, saved->name, MAX_SAVED, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	while (str_line(&text, &line)) {
		str_cut(&line, ' ', &path);
		if (!str_starts(path, "/proc/sys/net/") || !line.p)
			return err_set(err, EBADMSG, "before/%s is not what was saved", saved->name);
		r = write_if_other(place, str_dup(&a, path), line);
		if (r < 0)
			return err_errno(err, -r, "%.*s", STR_ARG(path));
	}
	return 0;
}

/* --- changing ------------------------------------------------------------------------------------ */

/* With forwarding of IPv4 the kernel sets whether redirects are accepted, for a router or a host; what
 * was decided of those is not to be undone by it. */
static int write_alone(const struct place *place, const char *path, struct str value)
{
	_cleanup_arena_ struct arena a = {0};
	struct str redirects = STR_ABSENT;
	int r;

	if (is_forwarding(path))
		(void)path_read(place->root_fd, REDIRECTS, 4096, &a, &redirects);
	r = write_value(place, path, value);
	if (r == 0 && redirects.p)
		r = write_if_other(place, REDIRECTS, str_trim(redirects));
	return r;
}

static int put_sysctl(const struct place *place, const char *target, const struct state *to,
					  const struct saved *saved, struct err *err)
{
	char path[256], dir[256];
	const char *name;
	int r = path_of(target, path);

	if (r == 0)
		r = write_alone(place, path, state_get(to, "value"));
	if (r < 0)
		return err_errno(err, -r, "%s", target);
	return saved && of_interfaces(path, dir, &name) ? restore_others(place, saved, err) : 0;
}

static void undo_sysctl(struct buf *out, const struct step *s)
{
	char path[256], dir[256];
	const char *name;

	if (path_of(s->target, path) < 0)
		return;
	buf_puts(out, "[ -n \"$ROOT\" ] || printf '%s\\n' ");
	step_shell_word(out, state_get(&s->before, "value"));
	buf_puts(out, " >");
	step_shell_word(out, str_of(path));
	buf_putc(out, '\n');
	if (of_interfaces(path, dir, &name))
		buf_puts(out, "[ -n \"$ROOT\" ] || while read -r path value; do\n"
					  "\t[ ! -e \"$path\" ] || printf '%s\\n' \"$value\" >\"$path\"\n"
					  "done <\"$SAVED\"\n");
}

static const struct step_type sysctl_step = {
	.name = "sysctl",
	.doc = "a kernel parameter as it is now",
	.order = 50,
	.live_only = true,
	.may_vanish = true,
	.capture = capture_sysctl,
	.put = put_sysctl,
	.save = save_sysctl,
	.undo_sh = undo_sysctl,
};
STEP_TYPE(sysctl_step);
