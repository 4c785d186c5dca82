/* SPDX-License-Identifier: Apache-2.0 */
#include "change/units.h"

#include "base/exec.h"
#include "base/num.h"
#include "base/vec.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define MAX_OUTPUT ((size_t)16 << 20)
#define TIMEOUT_MS 30000

static const struct {
	const char *name;
	size_t offset;
} properties[] = {
	{"Id", offsetof(struct active_unit, name)},
	{"Names", offsetof(struct active_unit, names)},
	{"ActiveState", offsetof(struct active_unit, active)},
	{"SubState", offsetof(struct active_unit, sub)},
	{"Result", offsetof(struct active_unit, result)},
	{"Type", offsetof(struct active_unit, type)},
	{"InvocationID", offsetof(struct active_unit, invocation)},
	{"Job", offsetof(struct active_unit, job)},
	{"TriggeredBy", offsetof(struct active_unit, triggered_by)},
	{"WantedBy", offsetof(struct active_unit, wanted_by)},
	{"FragmentPath", offsetof(struct active_unit, fragment)},
	{"SourcePath", offsetof(struct active_unit, source)},
};

static void take_property(struct active_unit *u, struct str line)
{
	struct str name;

	if (!str_cut(&line, '=', &name) || !line.p)
		return;
	if (str_is(name, "Transient"))
		u->transient = str_is(line, "yes");
	if (str_is(name, "NRestarts"))
		(void)num_u64(line, 0, UINT32_MAX, &u->restarts);
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (str_is(name, properties[i].name))
			*(struct str *)((char *)u + properties[i].offset) = line;
}

/* "NAME=VALUE" a line, an empty line between units. */
static void take_units(struct str text, struct arena *a, struct active_units *ret)
{
	struct active_unit u = {0};
	struct str line;
	bool more;

	do {
		more = str_line(&text, &line);
		if (more && line.n) {
			take_property(&u, line);
		} else {
			if (u.name.n)
				*vec_push(a, ret) = u;
			u = (struct active_unit){0};
		}
	} while (more);
}

static bool is_running(const struct place *place)
{
	struct path_stat st;

	return path_stat(place->root_fd, "/run/systemd/system", true, &st) == 0;
}

/* What `systemctl show` says. */
static int show(const char *const argv[], struct arena *a, struct str *ret, struct err *err)
{
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	int r = exec_finish(&e, MAX_OUTPUT, TIMEOUT_MS, a, &result, err);

	if (r < 0)
		return err_context(err, SYSTEMCTL);
	if (result.status)
		return err_set(err, EIO, SYSTEMCTL ": exit %d: %.*s", result.status,
					   (int)MIN(result.err.n, (size_t)200), result.err.p ? result.err.p : "");
	*ret = result.out;
	return 0;
}

int units_ask(const struct place *place, struct arena *a, struct active_units *ret, struct err *err)
{
	static const char wanted[] = "--property=Id,Names,ActiveState,SubState,Result,Type,"
								 "InvocationID,Job,TriggeredBy,WantedBy,"
								 "FragmentPath,SourcePath,Transient,NRestarts";
	const char *const argv[] = {SYSTEMCTL,  "show",    wanted,   "*.service",
								"*.socket", "*.timer", "*.path", NULL};
	struct str text;
	int r;

	*ret = (struct active_units){0};
	if (!is_running(place))
		return 0;
	r = show(argv, a, &text, err);
	if (r == 0)
		take_units(text, a, ret);
	return r;
}

int units_is_active(const struct place *place, const char *unit, bool *ret, struct err *err)
{
	const char *const argv[] = {SYSTEMCTL, "show", "--property=ActiveState,Job", "--", unit, NULL};
	_cleanup_arena_ struct arena a = {0};
	struct str text = STR(""), line;
	bool known = false;
	int r;

	*ret = false;
	if (!is_running(place) || strstr(unit, "@."))
		return 0;
	r = show(argv, &a, &text, err);
	while (r == 0 && str_line(&text, &line)) {
		known = known || str_starts(line, "ActiveState=");
		if (str_is(line, "ActiveState=active") || str_is(line, "ActiveState=reloading") ||
			(str_skip(&line, "Job=") && str_trim(line).n && step_is_booting(place)))
			*ret = true;
	}
	if (r == 0 && !known)
		r = err_set(err, EIO, SYSTEMCTL " does not say whether it runs");
	return r < 0 ? err_context(err, "%s", unit) : 0;
}

const struct active_unit *units_find(const struct active_units *units, struct str name)
{
	for (size_t i = 0; i < units->n; i++)
		if (str_eq(units->p[i].name, name))
			return &units->p[i];
	return NULL;
}

bool units_has(struct str list, const struct active_unit *u)
{
	struct str word, name;

	while (str_word(&list, &word))
		for (struct str names = u->names; str_word(&names, &name);)
			if (str_eq(word, name))
				return true;
	return false;
}

bool unit_is_up(const struct active_unit *u)
{
	return str_is(u->active, "active") || str_is(u->active, "reloading");
}

bool unit_comes_and_goes(const struct active_unit *u)
{
	bool on_demand = str_is(u->type, "dbus") || u->triggered_by.n;

	/* Of a session, for once, at certain times; or on demand only, until it is idle. */
	return str_starts(u->name, "user@") || str_starts(u->name, "user-runtime-dir@") ||
		   u->transient || str_has(u->triggered_by, ".timer") || (on_demand && !u->wanted_by.n);
}
