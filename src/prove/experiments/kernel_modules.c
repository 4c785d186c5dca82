/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "prove/attack.h"

#define MODPROBE "/usr/sbin/modprobe"
#define MODPROBE_BEFORE "/sbin/modprobe" /* where /usr is not merged */
#define MODULES "/proc/modules"
#define MAX_MODULES 64
#define PROGRAM_MS 5000

/* Protocols that the kernel loads a module for as soon as any user asks for a socket, and by what
 * name. */
struct protocol {
	const char *module, *alias;
	int family, type, protocol;
};
static const struct protocol protocols[] = {
	{"sctp", "net-pf-2-proto-132", AF_INET, SOCK_SEQPACKET, 132},
	{"dccp", "net-pf-2-proto-33-type-6", AF_INET, SOCK_DCCP, 33},
	{"rds", "net-pf-21", AF_RDS, SOCK_SEQPACKET, 0},
	{"tipc", "net-pf-30", AF_TIPC, SOCK_SEQPACKET, 0},
	{"can", "net-pf-29", AF_CAN, SOCK_RAW, 1},
	{"ax25", "net-pf-3", AF_AX25, SOCK_SEQPACKET, 0},
	{"netrom", "net-pf-6", AF_NETROM, SOCK_SEQPACKET, 0},
	{"rose", "net-pf-11", AF_ROSE, SOCK_SEQPACKET, 0},
	{"x25", "net-pf-9", AF_X25, SOCK_SEQPACKET, 0},
	{"appletalk", "net-pf-5", AF_APPLETALK, SOCK_DGRAM, 0},
	{"atm", "net-pf-20", AF_ATMSVC, SOCK_DGRAM, 0},
	{"phonet", "net-pf-35", AF_PHONET, SOCK_DGRAM, 0},
	{"caif", "net-pf-37", AF_CAIF, SOCK_SEQPACKET, 0},
	{"nfc", "net-pf-39", AF_NFC, SOCK_SEQPACKET, 0},
	{"ieee802154_socket", "net-pf-36", AF_IEEE802154, SOCK_DGRAM, 0},
	{"llc2", "net-pf-26", AF_LLC, SOCK_DGRAM, 0},
	{"kcm", "net-pf-41", AF_KCM, SOCK_SEQPACKET, 0},
	{"smc", "net-pf-43", AF_SMC, SOCK_STREAM, 0},
	{"qrtr", "net-pf-42", AF_QIPCRTR, SOCK_DGRAM, 0},
	{"rxrpc", "net-pf-33", AF_RXRPC, SOCK_DGRAM, AF_INET},
};

enum fate {
	FATE_MISSING,
	FATE_LOADS,
	FATE_FORBIDDEN,
	FATE_FORBIDDEN_LATE, /* when others that it needs have been loaded, which would stay */
};

static bool is_loaded(struct trial *t, const char *module)
{
	struct str text, line, name;

	if (path_read(t->place.root_fd, MODULES, (size_t)1 << 20, t->arena, &text) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_word(&line, &name) && str_is(name, module))
			return true;
	return false;
}

/* What modprobe says that it would do. It does nothing. What is on a blacklist the kernel does not
 * load by itself; by name it still is. */
static enum fate fate_of(struct trial *t, const char *name, bool by_name, struct err *err)
{
	const char *const argv[] = {MODPROBE, "-n", by_name ? "-v" : "-vb", "--", name, NULL};
	struct exec_result result;
	struct str text, line = STR_ABSENT;
	bool needs = false;

	if (trial_run(t, argv, -1, PROGRAM_MS, &result, err) < 0)
		return FATE_MISSING;
	text = result.out;
	if (!text.n)
		return result.status == 0 ? FATE_FORBIDDEN : FATE_MISSING;
	while (str_line(&text, &line) && text.n)
		needs = true;
	/* The last line is about itself. A command of somebody's own may do anything. */
	if (!str_starts(line, "install ") || !(str_has(line, "/true") || str_has(line, "/false")))
		return FATE_LOADS;
	return needs ? FATE_FORBIDDEN_LATE : FATE_FORBIDDEN;
}

/* Out of the kernel again, where what should have been refused was not. */
static void unload(const char *module)
{
	(void)syscall(SYS_delete_module, module, O_NONBLOCK);
}

/* --- as any user ------------------------------------------------------------------------------ */

static int ask_for_socket(void *data)
{
	const struct protocol *p = data;
	_cleanup_close_ int fd = socket(p->family, p->type | SOCK_CLOEXEC, p->protocol);

	return fd < 0 ? -errno : 0;
}

static void try_socket(struct trial *t, const struct protocol *p)
{
	struct protocol copy = *p;
	struct err err;
	int r;

	if (actor_run(&ACTOR_STRANGER, ask_for_socket, &copy, &r, &err) < 0) {
		trial_not_run(t, "%s: %s", p->module, err.msg);
	} else if (r == 0 || is_loaded(t, p->module)) {
		trial_refuted(t,
					  "%s: the kernel loaded it when a user without privilege asked for a socket",
					  p->module);
		unload(p->module);
	} else {
		trial_proven(t, "%s: not loaded when a user without privilege asks for a socket (%s)",
					 p->module, strerror(-r));
	}
}

static void say_late(struct trial *t, const char *module)
{
	trial_proven(t,
				 "%s: modprobe would not load it (it says so; not done, for others that it needs "
				 "would be)",
				 module);
}

/* What loads is not tried: it would stay. */
static bool try_protocol(struct trial *t, const struct protocol *p)
{
	struct err err = {0};
	enum fate fate;

	if (is_loaded(t, p->module)) {
		trial_saw(t, "%s: loaded already", p->module);
		return false;
	}
	fate = fate_of(t, p->module, false, &err);
	if (fate != FATE_MISSING && fate_of(t, p->alias, false, &err) == FATE_LOADS)
		fate = FATE_LOADS;
	if (fate == FATE_LOADS)
		trial_refuted(
			t,
			"%s: a user without privilege gets it loaded by asking for a socket (modprobe "
			"says so; not done)",
			p->module);
	else if (fate == FATE_FORBIDDEN)
		try_socket(t, p);
	else if (fate == FATE_FORBIDDEN_LATE)
		say_late(t, p->module);
	return fate != FATE_MISSING;
}

/* --- as root ---------------------------------------------------------------------------------- */

static void try_modprobe(struct trial *t, const char *module)
{
	const char *const argv[] = {MODPROBE, "--", module, NULL};
	struct exec_result result;
	struct err err = {0};
	enum fate fate = fate_of(t, module, true, &err);

	if (fate == FATE_LOADS) {
		trial_refuted(
			t,
			"%s: modprobe.d forbids it, and modprobe would load it all the same (it says so; "
			"not done)",
			module);
	} else if (fate == FATE_FORBIDDEN_LATE) {
		say_late(t, module);
	} else if (fate == FATE_MISSING || trial_run(t, argv, -1, PROGRAM_MS, &result, &err) < 0) {
		trial_not_run(t, "%s: %s", module, err.errnum ? err.msg : "modprobe does not know it");
	} else if (is_loaded(t, module)) {
		trial_refuted(t, "%s: loaded by modprobe, though modprobe.d forbids it", module);
		unload(module);
	} else {
		trial_proven(t, "%s: not loaded by `modprobe %s` either, as root", module, module);
	}
}

static size_t try_forbidden(struct trial *t, const struct rows *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n && n < MAX_MODULES; i++) {
		const struct row *row = rows->p[i];

		if (trial_number(rows, row, "install_disabled", false) &&
			trial_number(rows, row, "available", false) &&
			!trial_number(rows, row, "builtin", false) &&
			!trial_number(rows, row, "loaded", false)) {
			try_modprobe(t, str_dup(t->arena, trial_text(rows, row, "name")));
			n++;
		}
	}
	return n;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "modules");
	struct path_stat st;
	size_t n;

	if (!rows)
		return;
	if (path_stat(t->place.root_fd, MODPROBE, true, &st) < 0 &&
		path_stat(t->place.root_fd, MODPROBE_BEFORE, true, &st) < 0) {
		trial_not_run(t, "there is no modprobe here");
		return;
	}
	n = try_forbidden(t, rows);
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		n += try_protocol(t, &protocols[i]);
	if (!n)
		trial_not_run(
			t, "modprobe.d forbids no module that this kernel has, nor has it one of a protocol "
			   "that anybody could have loaded");
}

static const struct experiment kernel_modules = {
	.name = "kernel.module-refused",
	.title = "Modules that are forbidden or that nobody needs are not loaded",
	.doc = "Modules that modprobe.d forbids are loaded by name, as root, and rare protocols by "
		   "asking for a socket, as any user; only such as modprobe says it would not load",
	.does = "runs modprobe for modules that it is told not to load, and opens sockets as a user "
			"that does not exist",
	.rows = NAMES("G24"),
	.rules =
		NAMES("modules.sctp", "modules.dccp", "modules.rds", "modules.tipc",
			  "modules.uncommon-protocols", "modules.cramfs", "modules.freevxfs", "modules.hfs",
			  "modules.hfsplus", "modules.jffs2", "modules.udf", "modules.usb-storage",
			  "modules.firewire", "modules.bluetooth", "modules.uncommon-filesystems"),
	.seconds = 20,
	.tables = NAMES("modules"),
	.run = run,
};
EXPERIMENT(kernel_modules);
