/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel module: is it loaded now? What keeps it from being loaded again is a file's business. */
#include <stdio.h>

#include "change/step.h"

static int capture_module(const struct place *place, const char *target, struct arena *a,
						  struct state *ret, struct err *err _unused_)
{
	_cleanup_buf_ struct buf path = BUF(256);
	struct path_stat st;

	buf_puts(&path, "/sys/module/");
	for (const char *c = target; *c; c++)
		buf_putc(&path, *c == '-' ? '_' : *c);
	state_set(ret, a, "loaded",
			  path_stat(place->root_fd, buf_get(&path).p, true, &st) == 0 ? STR("yes") : STR("no"));
	return 0;
}

static int put_module(const struct place *place, const char *target, const struct state *to,
					  const struct saved *saved _unused_, struct err *err)
{
	/* --ignore-install: the line that forbids it may still be there. */
	const char *const load[] = {"/usr/sbin/modprobe", "--ignore-install", target, NULL};
	const char *const unload[] = {"/usr/sbin/modprobe", "-r", target, NULL};

	return step_run(place, state_is(to, "loaded", "yes") ? load : unload, 20000, err);
}

static void undo_module(struct buf *out, const struct step *s)
{
	if (!state_is(&s->before, "loaded", "yes"))
		return;
	buf_puts(out, "[ -n \"$ROOT\" ] || modprobe --ignore-install ");
	step_shell_word(out, str_of(s->target));
	buf_putc(out, '\n');
}

static const struct step_type module_step = {
	.name = "module",
	.doc = "a kernel module is loaded or not",
	.order = 55,
	.live_only = true,
	.capture = capture_module,
	.put = put_module,
	.undo_sh = undo_module,
};
STEP_TYPE(module_step);
