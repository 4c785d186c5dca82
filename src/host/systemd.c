/* SPDX-License-Identifier: Apache-2.0 */
#include "host/systemd.h"

#include <time.h>

#include "base/buf.h"
#include "host/fields.h"
#include "host/library.h"
#include "host/secret.h"

#define TIMEOUT_USEC (10ull * 1000000)
/* dbus-daemon refuses more than about a thousand calls in flight; past a hundred nothing is
 * gained. */
#define MAX_IN_FLIGHT 128
#define MAX_COMMAND (128 << 10) /* bytes of the arguments of one */

/* The part of sd-bus.h that is needed. libsystemd's interface is stable, and so neither its headers
 * nor the library have to be there when this is built. */
typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;
typedef struct {
	const char *name, *message;
	int need_free;
} sd_bus_error;
typedef int handler(sd_bus_message *, void *data, sd_bus_error *);

#define FUNCTIONS(F)                                                                               \
	F(int, sd_bus_new, (sd_bus **))                                                                \
	F(int, sd_bus_set_address, (sd_bus *, const char *))                                           \
	F(int, sd_bus_start, (sd_bus *))                                                               \
	F(int, sd_bus_open_system, (sd_bus **))                                                        \
	F(void, sd_bus_close, (sd_bus *))                                                              \
	F(sd_bus *, sd_bus_unref, (sd_bus *))                                                          \
	F(int, sd_bus_set_method_call_timeout, (sd_bus *, uint64_t))                                   \
	F(int, sd_bus_call_method,                                                                     \
	  (sd_bus *, const char *service, const char *path, const char *interface, const char *method, \
	   sd_bus_error *, sd_bus_message **, const char *types, ...))                                 \
	F(int, sd_bus_call_method_async,                                                               \
	  (sd_bus *, sd_bus_slot **, const char *service, const char *path, const char *interface,     \
	   const char *method, handler *, void *data, const char *types, ...))                         \
	F(int, sd_bus_process, (sd_bus *, sd_bus_message **))                                          \
	F(int, sd_bus_wait, (sd_bus *, uint64_t))                                                      \
	F(void, sd_bus_error_free, (sd_bus_error *))                                                   \
	F(sd_bus_message *, sd_bus_message_unref, (sd_bus_message *))                                  \
	F(const sd_bus_error *, sd_bus_message_get_error, (sd_bus_message *))                          \
	F(int, sd_bus_message_read, (sd_bus_message *, const char *types, ...))                        \
	F(int, sd_bus_message_read_basic, (sd_bus_message *, char type, void *))                       \
	F(int, sd_bus_message_read_array, (sd_bus_message *, char type, const void **, size_t *))      \
	F(int, sd_bus_message_peek_type, (sd_bus_message *, char *type, const char **contents))        \
	F(int, sd_bus_message_enter_container, (sd_bus_message *, char type, const char *contents))    \
	F(int, sd_bus_message_exit_container, (sd_bus_message *))                                      \
	F(int, sd_bus_message_skip, (sd_bus_message *, const char *types))

struct library {
#define MEMBER(type, name, arguments) type(*name) arguments;
	FUNCTIONS(MEMBER)
#undef MEMBER
	void *handle;
};

struct collector {
	struct library lib;
	sd_bus *bus;
	sd_bus_message *units;
	struct arena arena; /* of the pending ones */
	struct buf *out;
	unsigned in_flight;
	int64_t clock_offset; /* microseconds from the monotonic to the real clock */
};

/* A unit of ListUnits whose properties are on their way. Its strings are borrowed from there. */
struct pending {
	struct collector *c;
	const char *name, *description, *load, *active, *sub;
};

static void collector_done(struct collector *c)
{
	if (c->units)
		c->lib.sd_bus_message_unref(c->units);
	if (c->bus) {
		c->lib.sd_bus_close(c->bus);
		c->lib.sd_bus_unref(c->bus);
	}
	library_close(c->lib.handle);
	arena_done(&c->arena);
}

static int load_library(struct library *lib, struct err *err)
{
	struct library_symbol symbols[] = {
#define SYMBOL(type, name, arguments) {#name, &lib->name},
		FUNCTIONS(SYMBOL)
#undef SYMBOL
	};

	return library_open("libsystemd.so.0", symbols, ARRAY_LEN(symbols), &lib->handle, err);
}

/* --- properties: how each is read off the bus and written as text ---------------------------- */

static int put_bool(struct collector *c, sd_bus_message *m, const char *name)
{
	int value = 0, r = c->lib.sd_bus_message_read_basic(m, 'b', &value);

	if (r >= 0)
		fields_put(c->out, name, value ? STR("yes") : STR("no"));
	return r;
}

static int put_string(struct collector *c, sd_bus_message *m, const char *name)
{
	const char *value = NULL;
	int r = c->lib.sd_bus_message_read_basic(m, 's', &value);

	if (r >= 0 && *value)
		fields_put(c->out, name, str_of(value));
	return r;
}

static int put_strings(struct collector *c, sd_bus_message *m, const char *name)
{
	const char *value;
	int r = c->lib.sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && (r = c->lib.sd_bus_message_read_basic(m, 's', &value)) > 0)
		fields_put(c->out, name, str_of(value));
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

static void put_number(struct collector *c, const char *name, uint64_t number)
{
	buf_printf(c->out, " %s=%llu", name, (unsigned long long)number);
}

static int put_pid(struct collector *c, sd_bus_message *m, const char *name)
{
	uint32_t value = 0;
	int r = c->lib.sd_bus_message_read_basic(m, 'u', &value);

	if (value)
		put_number(c, name, value);
	return r;
}

static int put_mode(struct collector *c, sd_bus_message *m, const char *name)
{
	uint32_t value = 0;
	int r = c->lib.sd_bus_message_read_basic(m, 'u', &value);

	if (r >= 0)
		buf_printf(c->out, " %s=%04o", name, value & 07777);
	return r;
}

/* A set of bits, as it is. */
static int put_mask(struct collector *c, sd_bus_message *m, const char *name)
{
	uint64_t value = 0;
	int r = c->lib.sd_bus_message_read_basic(m, 't', &value);

	if (r >= 0)
		buf_printf(c->out, " %s=0x%llx", name, (unsigned long long)value);
	return r;
}

/* As num_usec() takes it. */
static void put_time(struct collector *c, const char *name, uint64_t usec)
{
	if (usec && usec != UINT64_MAX)
		buf_printf(c->out, " %s=%llu.%06llu", name, (unsigned long long)(usec / 1000000),
				   (unsigned long long)(usec % 1000000));
}

static int put_realtime(struct collector *c, sd_bus_message *m, const char *name)
{
	uint64_t value = 0;
	int r = c->lib.sd_bus_message_read_basic(m, 't', &value);

	put_time(c, name, value);
	return r;
}

static int put_monotonic(struct collector *c, sd_bus_message *m, const char *name)
{
	uint64_t value = 0;
	int r = c->lib.sd_bus_message_read_basic(m, 't', &value);

	if (value && value != UINT64_MAX)
		put_time(c, name, value + (uint64_t)c->clock_offset);
	return r;
}

/* "bas": whether the list allows, and its items. A list that forbids nothing is no restriction; one
 * that allows nothing is "none". */
static int put_filter(struct collector *c, sd_bus_message *m, const char *name)
{
	const char *value;
	int allows = 0, n = 0, r = c->lib.sd_bus_message_enter_container(m, 'r', "bas");

	if (r >= 0)
		r = c->lib.sd_bus_message_read_basic(m, 'b', &allows);
	if (r >= 0)
		r = c->lib.sd_bus_message_enter_container(m, 'a', "s");
	for (; r >= 0 && (r = c->lib.sd_bus_message_read_basic(m, 's', &value)) > 0; n++) {
		buf_printf(c->out, " %s=%s", name, allows ? "" : "~");
		fields_escaped(c->out, str_of(value));
	}
	if (r >= 0 && allows && !n)
		fields_put(c->out, name, STR("none"));
	if (r >= 0)
		r = c->lib.sd_bus_message_exit_container(m);
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

static void put_address(struct collector *c, const char *name, int family, const uint8_t *p,
						size_t n, uint32_t prefix)
{
	if (family == 2 && n == 4) {
		buf_printf(c->out, " %s=%u.%u.%u.%u/%u", name, p[0], p[1], p[2], p[3], prefix);
		return;
	}
	if (n != 16)
		return;
	buf_printf(c->out, " %s=", name);
	if (!prefix) {
		buf_puts(c->out, "::/0");
		return;
	}
	for (size_t i = 0; i < 16; i += 2)
		buf_printf(c->out, "%s%x", i ? ":" : "", p[i] << 8 | p[i + 1]);
	buf_printf(c->out, "/%u", prefix);
}

/* "a(iayu)": family, address, length of the prefix. */
static int put_addresses(struct collector *c, sd_bus_message *m, const char *name)
{
	int r = c->lib.sd_bus_message_enter_container(m, 'a', "(iayu)");

	while (r >= 0 && (r = c->lib.sd_bus_message_enter_container(m, 'r', "iayu")) > 0) {
		const void *address = NULL;
		size_t n = 0;
		int family = 0;
		uint32_t prefix = 0;

		r = c->lib.sd_bus_message_read_basic(m, 'i', &family);
		if (r >= 0)
			r = c->lib.sd_bus_message_read_array(m, 'y', &address, &n);
		if (r >= 0)
			r = c->lib.sd_bus_message_read_basic(m, 'u', &prefix);
		if (r >= 0)
			put_address(c, name, family, address, n, prefix);
		if (r >= 0)
			r = c->lib.sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

/* The program and its arguments, with blanks between them and without the secrets. The first of the
 * arguments is the name that the program is told of itself. */
static int put_arguments(struct collector *c, sd_bus_message *m, const char *program)
{
	_cleanup_buf_ struct buf all = BUF(MAX_COMMAND), clean = BUF((size_t)4 * MAX_COMMAND);
	const char *argument;
	int n = 0, r = c->lib.sd_bus_message_enter_container(m, 'a', "s");

	buf_puts(&all, program);
	for (; r >= 0 && (r = c->lib.sd_bus_message_read_basic(m, 's', &argument)) > 0; n++) {
		if (!n)
			continue;
		buf_putc(&all, '\0');
		buf_puts(&all, argument);
	}
	secret_mask_args(buf_get(&all), &clean);
	fields_escaped(c->out, buf_get(&clean));
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

/* "a(sasbttttuii)": program, arguments, and the times and results of its last run. */
static int put_commands(struct collector *c, sd_bus_message *m, const char *name)
{
	int r = c->lib.sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");

	while (r >= 0 && (r = c->lib.sd_bus_message_enter_container(m, 'r', "sasbttttuii")) > 0) {
		const char *program;

		buf_printf(c->out, " %s=", name);
		r = c->lib.sd_bus_message_read_basic(m, 's', &program);
		if (r >= 0)
			r = put_arguments(c, m, program);
		if (r >= 0)
			r = c->lib.sd_bus_message_skip(m, "bttttuii");
		if (r >= 0)
			r = c->lib.sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

/* "a(ss)": kind and address, written as `systemctl show` does: "0.0.0.0:22 (Stream)". */
static int put_listens(struct collector *c, sd_bus_message *m, const char *name)
{
	const char *kind, *address;
	int r = c->lib.sd_bus_message_enter_container(m, 'a', "(ss)");

	while (r >= 0 && (r = c->lib.sd_bus_message_read(m, "(ss)", &kind, &address)) > 0) {
		buf_printf(c->out, " %s=", name);
		fields_escaped(c->out, str_of(address));
		fields_escaped(c->out, STR(" ("));
		fields_escaped(c->out, str_of(kind));
		buf_putc(c->out, ')');
	}
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

static const struct property {
	const char *name, *field, *type; /* on the bus, in the answer; its signature */
	int (*put)(struct collector *, sd_bus_message *, const char *field);
} properties[] = {
	{"FragmentPath", "fragment", "s", put_string},
	{"UnitFileState", "enabled", "s", put_string},
	{"DropInPaths", "dropin", "as", put_strings},
	{"User", "user", "s", put_string},
	{"MainPID", "main_pid", "u", put_pid},
	{"ExecStart", "exec", "a(sasbttttuii)", put_commands},
	{"Listen", "listens", "a(ss)", put_listens},
	{"Result", "result", "s", put_string},
	{"ReloadResult", "reload", "s", put_string},
	{"StateChangeTimestampMonotonic", "changed", "t", put_monotonic},
	{"NeedDaemonReload", "outdated", "b", put_bool},
	{"ExecMainStartTimestamp", "started", "t", put_realtime},
	{"ExecMainExitTimestamp", "ended", "t", put_realtime},
	{"Unit", "triggers", "s", put_string},
	{"LastTriggerUSec", "last", "t", put_realtime},
	{"NextElapseUSecRealtime", "next", "t", put_realtime},
	{"NextElapseUSecMonotonic", "next", "t", put_monotonic},
	{"NoNewPrivileges", "NoNewPrivileges", "b", put_bool},
	{"ProtectSystem", "ProtectSystem", "s", put_string},
	{"ProtectHome", "ProtectHome", "s", put_string},
	{"PrivateTmp", "PrivateTmp", "b", put_bool},
	{"PrivateDevices", "PrivateDevices", "b", put_bool},
	{"PrivateNetwork", "PrivateNetwork", "b", put_bool},
	{"PrivateUsers", "PrivateUsers", "b", put_bool},
	{"ProtectKernelTunables", "ProtectKernelTunables", "b", put_bool},
	{"ProtectKernelModules", "ProtectKernelModules", "b", put_bool},
	{"ProtectKernelLogs", "ProtectKernelLogs", "b", put_bool},
	{"ProtectControlGroups", "ProtectControlGroups", "b", put_bool},
	{"ProtectClock", "ProtectClock", "b", put_bool},
	{"ProtectHostname", "ProtectHostname", "b", put_bool},
	{"ProtectProc", "ProtectProc", "s", put_string},
	{"ProcSubset", "ProcSubset", "s", put_string},
	{"RestrictNamespaces", "RestrictNamespaces", "t", put_mask},
	{"RestrictRealtime", "RestrictRealtime", "b", put_bool},
	{"RestrictSUIDSGID", "RestrictSUIDSGID", "b", put_bool},
	{"RestrictAddressFamilies", "RestrictAddressFamilies", "(bas)", put_filter},
	{"MemoryDenyWriteExecute", "MemoryDenyWriteExecute", "b", put_bool},
	{"LockPersonality", "LockPersonality", "b", put_bool},
	{"SystemCallFilter", "SystemCallFilter", "(bas)", put_filter},
	{"SystemCallArchitectures", "SystemCallArchitectures", "as", put_strings},
	{"CapabilityBoundingSet", "CapabilityBoundingSet", "t", put_mask},
	{"AmbientCapabilities", "AmbientCapabilities", "t", put_mask},
	{"DynamicUser", "DynamicUser", "b", put_bool},
	{"RemoveIPC", "RemoveIPC", "b", put_bool},
	{"UMask", "UMask", "u", put_mode},
	{"IPAddressDeny", "IPAddressDeny", "a(iayu)", put_addresses},
	{"DevicePolicy", "DevicePolicy", "s", put_string},
	{"KeyringMode", "KeyringMode", "s", put_string},
	{"SupplementaryGroups", "SupplementaryGroups", "as", put_strings},
	{"ReadWritePaths", "ReadWritePaths", "as", put_strings},
};

/* A unit has some 300 properties: the first letter decides nearly all of the comparisons. */
static const struct property *find_property(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (name[0] == properties[i].name[0] && strcmp(name, properties[i].name) == 0)
			return &properties[i];
	return NULL;
}

/* One "{sv}" whose container was entered. A type that another release of systemd changed is passed
 * over, and the cell stays absent. */
static int put_property(struct collector *c, sd_bus_message *m)
{
	const struct property *p;
	const char *name, *type;
	int r = c->lib.sd_bus_message_read_basic(m, 's', &name);

	if (r < 0)
		return r;
	p = find_property(name);
	if (!p)
		return c->lib.sd_bus_message_skip(m, "v");
	r = c->lib.sd_bus_message_peek_type(m, NULL, &type);
	if (r < 0)
		return r;
	if (strcmp(type, p->type) != 0)
		return c->lib.sd_bus_message_skip(m, "v");
	r = c->lib.sd_bus_message_enter_container(m, 'v', type);
	if (r >= 0)
		r = p->put(c, m, p->field);
	return r < 0 ? r : c->lib.sd_bus_message_exit_container(m);
}

static int put_properties(struct collector *c, sd_bus_message *m)
{
	int r = c->lib.sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = c->lib.sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = put_property(c, m);
		if (r >= 0)
			r = c->lib.sd_bus_message_exit_container(m);
	}
	return r;
}

/* --- units ------------------------------------------------------------------------------------ */

static void put_unit(const struct pending *p)
{
	_cleanup_buf_ struct buf clean = BUF((size_t)4 * MAX_COMMAND);
	struct buf *out = p->c->out;

	buf_puts(out, "name=");
	fields_escaped(out, str_of(p->name));
	fields_put(out, "load", str_of(p->load));
	fields_put(out, "active", str_of(p->active));
	fields_put(out, "sub", str_of(p->sub));
	secret_mask(str_of(p->description), &clean); /* systemd-run makes it of the command line */
	fields_put(out, "description", buf_get(&clean));
}

static int got_properties(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct pending *p = data;
	const sd_bus_error *failed = p->c->lib.sd_bus_message_get_error(m);

	put_unit(p);
	if (failed)
		fields_put(p->c->out, "failed", str_of(failed->message ? failed->message : failed->name));
	else if (put_properties(p->c, m) < 0)
		fields_put(p->c->out, "failed", STR("an answer that cannot be understood"));
	buf_putc(p->c->out, '\n');
	p->c->in_flight--;
	return 0;
}

/* Handles answers until at most `left` are still to come. */
static int pump(struct collector *c, unsigned left, struct err *err)
{
	while (c->in_flight > left) {
		int r = c->lib.sd_bus_process(c->bus, NULL);

		if (r == 0)
			r = c->lib.sd_bus_wait(c->bus, TIMEOUT_USEC);
		if (r < 0)
			return err_errno(err, -r, "systemd");
		if (r == 0)
			return err_errno(err, ETIMEDOUT, "systemd does not answer");
	}
	return 0;
}

static bool has_properties(struct str name)
{
	return str_ends(name, ".service") || str_ends(name, ".socket") || str_ends(name, ".timer");
}

static int request(struct collector *c, const struct pending *unit, const char *path,
				   struct err *err)
{
	struct pending *p;
	int r = pump(c, MAX_IN_FLIGHT, err);

	if (r < 0)
		return r;
	p = arena_new(&c->arena, struct pending, 1);
	*p = *unit;
	/* The empty interface means the properties of all of them. */
	r = c->lib.sd_bus_call_method_async(c->bus, NULL, "org.freedesktop.systemd1", path,
										"org.freedesktop.DBus.Properties", "GetAll", got_properties,
										p, "s", "");
	if (r < 0)
		return err_errno(err, -r, "systemd: asking for %s", unit->name);
	c->in_flight++;
	return 0;
}

static int call(struct collector *c, const char *method, sd_bus_message **ret, struct err *err)
{
	sd_bus_error error = {0};
	int r =
		c->lib.sd_bus_call_method(c->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
								  "org.freedesktop.systemd1.Manager", method, &error, ret, "");

	if (r < 0)
		err_set(err, -r, "systemd: %s: %s", method, error.message ? error.message : strerror(-r));
	c->lib.sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

static int list_unit(struct collector *c, const struct pending *unit, const char *path,
					 struct err *err)
{
	if (has_properties(str_of(unit->name)))
		return request(c, unit, path, err);
	put_unit(unit);
	return buf_putc(c->out, '\n');
}

static int list_units(struct collector *c, struct err *err)
{
	struct pending u = {.c = c};
	const char *following, *path, *job_type, *job_path;
	uint32_t job;
	int r = call(c, "ListUnits", &c->units, err), failed = 0;

	if (r < 0)
		return r;
	r = c->lib.sd_bus_message_enter_container(c->units, 'a', "(ssssssouso)");
	while (r >= 0 && !failed &&
		   (r = c->lib.sd_bus_message_read(c->units, "(ssssssouso)", &u.name, &u.description,
										   &u.load, &u.active, &u.sub, &following, &path, &job,
										   &job_type, &job_path)) > 0)
		failed = list_unit(c, &u, path, err);
	if (failed)
		return failed;
	return r < 0 ? err_errno(err, -r, "systemd: ListUnits") : pump(c, 0, err);
}

/* --- the connection -------------------------------------------------------------------------- */

/* Root talks to systemd itself, which needs neither dbus-daemon nor its limits. */
static int connect_private(struct collector *c)
{
	int r = c->lib.sd_bus_new(&c->bus);

	if (r >= 0)
		r = c->lib.sd_bus_set_address(c->bus, "unix:path=/run/systemd/private");
	return r < 0 ? r : c->lib.sd_bus_start(c->bus);
}

static int connect_bus(struct collector *c, struct err *err)
{
	int r = geteuid() == 0 ? connect_private(c) : -EPERM;

	if (r < 0) {
		if (c->bus)
			c->lib.sd_bus_unref(c->bus);
		c->bus = NULL;
		r = c->lib.sd_bus_open_system(&c->bus);
	}
	if (r < 0)
		return err_errno(err, -r, "cannot connect to systemd");
	c->lib.sd_bus_set_method_call_timeout(c->bus, TIMEOUT_USEC);
	return 0;
}

static int64_t clock_offset(void)
{
	struct timespec real, monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return (real.tv_sec - monotonic.tv_sec) * 1000000 + (real.tv_nsec - monotonic.tv_nsec) / 1000;
}

static int ask_systemd(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_(collector_done) struct collector c = {.out = out, .clock_offset = clock_offset()};
	struct path_stat st;
	int r;

	/* sd_booted(3). */
	if (path_stat(host_root_fd(host), "/run/systemd/system", false, &st) < 0)
		return err_set(err, ENOENT, "systemd is not running");
	r = load_library(&c.lib, err);
	if (r == 0)
		r = connect_bus(&c, err);
	return r < 0 ? r : list_units(&c, err);
}

const struct query systemd_query = {.name = "systemd", .live = ask_systemd};

void systemd_early(struct host *host)
{
	host_query_fork(host, &systemd_query);
}
