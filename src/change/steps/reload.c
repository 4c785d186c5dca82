/* SPDX-License-Identifier: Apache-2.0 */
/* A service takes its configuration in again, once it was found good. */
#include <string.h>

#include "change/units.h"

/* auditd takes a signal, see auditd(8); where its unit knows no reload, a restart would be the other
 * way, which loses records and which some distributions refuse. */
static bool takes_signal(const char *target)
{
	return strcmp(target, "auditd.service") == 0;
}

/* The script of the service that "ssh.service" is the unit of. */
static struct str script_name(const char *target)
{
	struct str name = str_of(target);

	if (str_ends(name, ".service"))
		name.n -= strlen(".service");
	return name;
}

/* Where systemd does not run. Without a script there is nobody to tell. */
static int reload_by_script(const struct place *place, const char *target, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *script = arena_printf(&a, "/etc/init.d/%.*s", STR_ARG(script_name(target)));
	const char *const argv[] = {script, "reload", NULL};
	struct path_stat st;

	return path_stat(place->root_fd, script, true, &st) < 0 ? 0 : step_run(place, argv, 60000, err);
}

static int put_reload(const struct place *place, const char *target,
					  const struct state *to _unused_, const struct saved *saved _unused_,
					  struct err *err)
{
	const char *const argv[] = {"/usr/bin/systemctl", "try-reload-or-restart", target, NULL};
	const char *const signal[] = {"/usr/bin/systemctl", "kill", "-s", "HUP", target, NULL};
	struct path_stat st;
	bool active;
	int r;

	if (path_stat(place->root_fd, "/run/systemd/system", true, &st) < 0)
		return reload_by_script(place, target, err);
	if (!takes_signal(target))
		return step_run(place, argv, 60000, err);
	r = units_is_active(place, target, &active, err);
	return r == 0 && active ? step_run(place, signal, 20000, err) : r;
}

static void undo_reload(struct buf *out, const struct step *s)
{
	buf_printf(out, "if [ -n \"$ROOT\" ]; then :\nelif [ -d /run/systemd/system ]; then systemctl %s ",
			   takes_signal(s->target) ? "kill -s HUP" : "try-reload-or-restart");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, "\nelse service ");
	step_shell_word(out, script_name(s->target));
	buf_puts(out, " reload\nfi || true\n");
}

static const struct step_type reload_step = {
	.name = "reload",
	.doc = "a service takes its configuration in again",
	.order = 90,
	.live_only = true,
	.is_action = true,
	.put = put_reload,
	.undo_sh = undo_reload,
};
STEP_TYPE(reload_step);
