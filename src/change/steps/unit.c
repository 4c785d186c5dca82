/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A systemd unit: whether it is started at boot (the links in /etc/systemd/system) and whether it
 * runs. The links that were there are kept one by one, so that undoing brings back exactly those.
 */
#include <stdio.h>
#include <stdlib.h>

#include "change/unit_links.h"
#include "change/units.h"
#include "host/unitfile.h"

#define SYSTEMCTL "/usr/bin/systemctl"

/* --- looking ----------------------------------------------------------------------------------- */

static int capture_enabled(const struct place *place, const char *target, struct arena *a,
						   struct state *ret, struct err *err)
{
	const char *only[] = {target, NULL};
	struct host *host = host_open(place->root, err);
	const struct unit_file *unit;
	struct unit_files files;

	if (!host)
		return -err->errnum;
	unitfiles_read(host, a, only, &files);
	/* Of an alias its own state, not what it stands for: a mask takes its place. */
	unit = unitfiles_named(&files, str_of(target));
	if (!unit && files.gap)
		err_set(err, EIO, "%s: %s", target, files.gap);
	state_set(ret, a, "enabled", str_of(unit ? unit->enabled : NULL));
	host_free(host);
	return !unit && files.gap ? -EIO : 0;
}

static int capture_unit(const struct place *place, const char *target, struct arena *a,
						struct state *ret, struct err *err)
{
	int r = capture_enabled(place, target, a, ret, err);
	bool active = false;

	if (r == 0 && place->live)
		r = units_is_active(place, target, &active, err);
	if (r == 0 && place->live)
		state_set(ret, a, "active", active ? STR("yes") : STR("no"));
	return r;
}

/* --- changing ---------------------------------------------------------------------------------- */

static int mask(const struct place *place, const char *unit, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = arena_printf(&a, UNIT_LINKS_DIR "/%s", unit);
	struct path_stat st;
	int r;

	if (path_stat(place->root_fd, path, false, &st) == 0) {
		if (!S_ISLNK(st.mode))
			return err_set(err, EEXIST, "%s is a file: a mask would take its place", path);
		r = unit_link_remove(place, path, err);
		if (r < 0)
			return r;
	}
	return unit_link_make(place, path, "/dev/null", err);
}

static int put_enabled(const struct place *place, const char *unit, struct str wanted,
					   struct err *err)
{
	const char *const argv[] = {SYSTEMCTL, "--no-reload", "enable", unit, NULL};

	if (str_is(wanted, "masked"))
		return mask(place, unit, err);
	if (str_is(wanted, "disabled"))
		return unit_links_remove(place, unit, err);
	if (str_is(wanted, "enabled")) {
		int r = unit_links_remove(place, unit, err);

		return r < 0 ? r : step_run(place, argv, 30000, err);
	}
	return err_set(err, ENOTSUP, "%s: units are not put into that state", unit);
}

static int put_active(const struct place *place, const char *unit, struct str wanted,
					  struct err *err)
{
	const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
	const char *const argv[] = {SYSTEMCTL, str_is(wanted, "yes") ? "start" : "stop", unit, NULL};
	const char *const later[] = {SYSTEMCTL, "--no-block", "start", unit, NULL};
	int r = step_run(place, reload, 60000, err);

	if (r < 0 || !wanted.p)
		return r;
	if (str_is(wanted, "yes") && step_is_booting(place))
		return step_run(place, later, 20000, err);
	return step_run(place, argv, 120000, err);
}

static int put_unit(const struct place *place, const char *target, const struct state *to,
					const struct saved *saved, struct err *err)
{
	struct str enabled = state_get(to, "enabled"), active = state_get(to, "active");
	bool stop = place->live && str_is(active.p ? active : STR(""), "no");
	int r = 0;

	/* A masked unit cannot be started, and one that is to stop must still be known. */
	if (stop)
		r = put_active(place, target, active, err);
	if (r == 0)
		r = saved ? unit_links_restore(place, target, saved, err)
				  : put_enabled(place, target, enabled.p ? enabled : STR(""), err);
	if (r == 0 && place->live)
		r = put_active(place, target, stop ? STR_ABSENT : active, err);
	return r;
}

static int save_unit(const struct place *place, const struct step *s, const struct saved *saved,
					 struct err *err)
{
	return unit_links_save(place, s->target, saved, err);
}

static void restore_times(const struct place *place, const struct step *s _unused_,
						  const struct saved *saved)
{
	unit_links_restore_dirs(place, saved);
}

/* Of the host that runs, not of one on rescue media. Not waited for: the boot may be what undoes it. */
static void systemctl_sh(struct buf *out, const char *verb, const char *unit)
{
	buf_printf(out, "[ -n \"$ROOT\" ] || systemctl --no-block %s ", verb);
	step_shell_word(out, str_of(unit));
	buf_puts(out, "\n");
}

static void undo_unit(struct buf *out, const struct step *s)
{
	/* One that is to stop must still be known. */
	if (state_is(&s->before, "active", "no") && state_is(&s->after, "active", "yes"))
		systemctl_sh(out, "stop", s->target);
	buf_puts(out, "unlink_unit ");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, "\nwhile read -r what link target; do\n"
				  "\t[ \"$what\" != link ] || ln -s \"$target\" \"$ROOT$link\"\n"
				  "done <\"$SAVED\"\n"
				  "for dir in \"$ROOT\"" UNIT_LINKS_DIR "/*.wants \"$ROOT\"" UNIT_LINKS_DIR "/*.requires; do\n"
				  "\tgrep -q \" ${dir#\"$ROOT\"}\\$\" \"$SAVED\" || rmdir \"$dir\" 2>/dev/null || true\n"
				  "done\n"
				  "[ -n \"$ROOT\" ] || systemctl daemon-reload\n");
	if (state_is(&s->before, "active", "yes"))
		systemctl_sh(out, "start", s->target);
}

static const struct step_type unit_step = {
	.name = "unit",
	.doc = "a systemd unit: is it started at boot, and does it run",
	.order = 60,
	.capture = capture_unit,
	.put = put_unit,
	.save = save_unit,
	.restore_times = restore_times,
	.undo_sh = undo_unit,
};
STEP_TYPE(unit_step);
