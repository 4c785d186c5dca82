/* SPDX-License-Identifier: Apache-2.0 */
#include "host/mountinfo.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/secret.h"

struct str mountinfo_unescape(struct arena *a, struct str s)
{
	char *p;
	size_t n = 0;

	if (!str_has_char(s, '\\'))
		return s;
	p = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		unsigned byte;

		if (s.p[i] == '\\' && s.n - i > 3 &&
			num_mode((struct str){s.p + i + 1, 3}, &byte) == 0 && byte <= 0xff) {
			p[n++] = (char)byte;
			i += 3;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){p, n};
}

/* The options of the mount (nosuid, relatime) and those of its file system, as data=ordered; ro and
 * rw stand in both, and the mount's own decides. */
static struct str join_options(struct arena *a, struct str mount, struct str super)
{
	struct buf all = BUF(mount.n + super.n + 2);
	struct str option, ret;

	buf_str(&all, mount);
	while (str_cut(&super, ',', &option)) {
		if (!option.n || str_is(option, "rw") || str_is(option, "ro"))
			continue;
		buf_putc(&all, ',');
		buf_str(&all, option);
	}
	ret = (struct str){arena_copy(a, all.p, all.n), all.n};
	buf_done(&all);
	return ret;
}

/* ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [TAG...] - FSTYPE SOURCE SUPER_OPTIONS */
static bool parse_mount(struct arena *a, struct str line, struct mount *ret)
{
	struct str id, parent, options, tag = STR_ABSENT, super = STR("");

	if (!str_word(&line, &id) || !str_word(&line, &parent) || !str_word(&line, &ret->device) ||
		!str_word(&line, &ret->root) || !str_word(&line, &ret->target) ||
		!str_word(&line, &options) || num_u64(id, 0, UINT64_MAX, &ret->id) < 0)
		return false;
	while (str_word(&line, &tag) && !str_is(tag, "-"))
		;
	if (!str_is(tag, "-") || !str_word(&line, &ret->fstype))
		return false;
	/* A source may be empty, and then there are two blanks in a row. */
	str_skip(&line, " ");
	if (!str_cut(&line, ' ', &ret->source))
		ret->source = STR("");
	str_word(&line, &super);
	ret->root = mountinfo_unescape(a, ret->root);
	ret->target = mountinfo_unescape(a, ret->target);
	ret->source = mountinfo_unescape(a, ret->source);
	ret->options = join_options(a, options, super);
	return true;
}

int mountinfo_read(struct host *host, struct arena *a, struct mounts *ret, struct err *err)
{
	VEC(struct mount) all = {0};
	struct str text, line;
	unsigned number = 0;
	int r;

	r = host_read_scrubbed(host, MOUNTINFO_PATH, secret_mask_mounts, a, &text, err);
	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		struct mount mount = {.line = ++number};

		if (!parse_mount(a, line, &mount))
			return err_set(err, EBADMSG, "%s:%u: not a mount: %.*s", MOUNTINFO_PATH, number,
						   STR_ARG(line));
		*vec_push(a, &all) = mount;
	}
	*ret = (struct mounts){all.p, all.n};
	return 0;
}
