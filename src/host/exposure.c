/* SPDX-License-Identifier: Apache-2.0 */
#include "host/exposure.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "host/specifier.h"
#include "host/unitfilter.h"
#include "host/unitprop.h"

struct service {
	const struct unit_file *file;
	struct arena *arena;
	struct str name; /* for specifiers */
	struct unitprop_value settings[UNITPROP_MAX];
	struct call_filter calls;
	bool families[N_FAMILIES];
	const char *why; /* of the last BADNESS_UNKNOWN */
};

/* --- settings --------------------------------------------------------------------------------- */

static const struct unitprop_value *setting(const struct service *s, const char *name)
{
	return &s->settings[unitprop_find(str_of(name))];
}

static int unknown(struct service *s, const char *why)
{
	s->why = why;
	return BADNESS_UNKNOWN;
}

static bool is_word(const struct unitprop_value *v, const char *word)
{
	return v->n == 1 && str_is(v->items[0], word);
}

/* The last assignment of a path or a name, with its specifiers replaced; empty: none. */
static bool text_of(const struct service *s, const char *key, struct str *ret)
{
	struct str value = unitfile_value(s->file, "Service", key, NULL);

	*ret = STR("");
	return !value.n || specifier_expand(s->arena, s->name, value, ret);
}

static struct unit_values values_of(const struct service *s, const char *key)
{
	return unitfile_values(s->file, s->arena, "Service", key);
}

static const char not_replaced[] = "it has a specifier in it, which systemd replaces";

/* Whom systemd has it run as; a dynamic user is named after its unit. */
static bool user_of(const struct service *s, struct str *ret)
{
	bool known = text_of(s, "User", ret);

	if (known && !ret->n && is_word(setting(s, "DynamicUser"), "yes"))
		*ret = specifier_prefix(s->name);
	return known;
}

static bool is_root(struct str user)
{
	return !user.n || str_is(user, "root") || str_is(user, "0");
}

/* --- assessments: each says how bad it is ----------------------------------------------------- */

struct assessor {
	const char *field;
	unsigned weight, range;
	int (*assess)(struct service *, const struct assessor *);
	const char *of; /* what assess() wants to know: a setting, names of capabilities, ... */
	const char *line;
	int left;
	bool late; /* does not count for what runs early in the boot (DefaultDependencies=no) */
};

static int assess_flag(struct service *s, const struct assessor *a)
{
	const struct unitprop_value *v = setting(s, a->field);

	return v->why ? unknown(s, v->why) : !is_word(v, "yes");
}

static int assess_user(struct service *s, const struct assessor *a _unused_)
{
	struct str user;

	if (setting(s, "DynamicUser")->why)
		return unknown(s, setting(s, "DynamicUser")->why);
	if (!user_of(s, &user))
		return unknown(s, not_replaced);
	return str_is(user, "nobody") ? 9 : is_root(user) ? 10 : 0;
}

/* What is of no account for root. */
static int of_user(struct service *s, int badness)
{
	int user = assess_user(s, NULL);

	return user == BADNESS_UNKNOWN ? user : user == 10 ? BADNESS_NOT_APPLICABLE : badness;
}

static int assess_groups(struct service *s, const struct assessor *a _unused_)
{
	return of_user(s, values_of(s, "SupplementaryGroups").n > 0);
}

static int assess_ipc(struct service *s, const struct assessor *a)
{
	int badness = assess_flag(s, a);

	return badness < 0 ? badness : of_user(s, badness);
}

/* Words and how bad each is, "no=10 yes=0", of the setting that is named like the field. */
static int assess_word(struct service *s, const struct assessor *a)
{
	const struct unitprop_value *v = setting(s, a->field);
	struct str words = str_of(a->of), word, name;
	uint64_t badness;

	if (v->why)
		return unknown(s, v->why);
	while (str_word(&words, &word))
		if (str_cut(&word, '=', &name) && str_eq(name, v->items[0]) &&
			num_u64(word, 0, a->range, &badness) == 0)
			return (int)badness;
	return unknown(s, "a value that this revet does not know");
}

/* Is one of the capabilities left? */
static int assess_caps(struct service *s, const struct assessor *a)
{
	const struct unitprop_value *v = setting(s, "CapabilityBoundingSet");
	struct str words = str_of(a->of), word;

	while (str_word(&words, &word))
		for (size_t i = 0; i < v->n; i++)
			if (str_eq(v->items[i], word))
				return 1;
	return 0;
}

static int assess_ambient(struct service *s, const struct assessor *a _unused_)
{
	return setting(s, "AmbientCapabilities")->n > 0;
}

static int assess_namespace(struct service *s, const struct assessor *a)
{
	const struct unitprop_value *v = setting(s, "RestrictNamespaces");
	struct str words, word;

	if (v->why)
		return unknown(s, v->why);
	for (words = v->items[0]; str_word(&words, &word);)
		if (str_is(word, "no") || str_is(word, a->of))
			return 1;
	return 0;
}

static int assess_family(struct service *s, const struct assessor *a)
{
	static const char *const classes[] = {"inet", "unix", "netlink", "packet", "other"};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strcmp(classes[i], a->of) == 0)
			return s->families[i];
	return 1;
}

static int assess_calls(struct service *s, const struct assessor *a)
{
	if (!unitfilter_lets(&s->calls, a->of))
		return 0;
	return s->calls.allows ? 9 : 10;
}

static int assess_architectures(struct service *s, const struct assessor *a _unused_)
{
	static const char known[] =
		"native x86 x86-64 x32 arm arm64 loongarch64 mips mips64 mips64-n32 mips-le mips64-le "
		"mips64-le-n32 parisc parisc64 ppc ppc64 ppc64-le riscv64 s390 s390x";
	struct unit_values values = values_of(s, "SystemCallArchitectures");
	bool others = false, native = false;

	for (size_t i = 0; i < values.n; i++) {
		struct str value = values.items[i]->value, word, words, name;

		while (unitfilter_word(&value, &word))
			for (words = str_of(known); str_word(&words, &name);) {
				native = native || (str_eq(word, name) && str_is(word, "native"));
				others = others || (str_eq(word, name) && !str_is(word, "native"));
			}
	}
	return others ? 8 : native ? 0 : 10;
}

static int assess_umask(struct service *s, const struct assessor *a _unused_)
{
	static const struct {
		unsigned bit;
		int badness;
	} bits[] = {{0002, 10}, {0004, 5}, {0020, 2}, {0040, 1}};
	unsigned mask;

	if (num_mode(setting(s, "UMask")->items[0], &mask) < 0)
		return unknown(s, "not an octal mode");
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		if (!(mask & bits[i].bit))
			return bits[i].badness;
	return 0;
}

/* Only slashes, and dots for the same directory. */
static bool is_root_path(struct str path)
{
	struct str part;

	while (str_cut(&path, '/', &part))
		if (part.n && !str_is(part, "."))
			return false;
	return true;
}

static int assess_root(struct service *s, const struct assessor *a _unused_)
{
	struct str directory, image;
	bool known = text_of(s, "RootDirectory", &directory) && text_of(s, "RootImage", &image);

	if (!known)
		return unknown(s, not_replaced);
	return is_root_path(directory) && is_root_path(image);
}

/* "yes", "no", or the controllers that it gets; an empty one is "yes". */
static int assess_delegate(struct service *s, const struct assessor *a _unused_)
{
	const struct conf_item *item = conf_last(&s->file->conf, "Service", "Delegate");

	return item && !unitfile_false(item->value);
}

/* --- addresses ---------------------------------------------------------------------------------- */

struct prefix {
	bool v6;
	unsigned char address[16];
	uint64_t n;
};

static bool parse_prefix(struct str word, struct prefix *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct str address;

	*ret = (struct prefix){.v6 = str_has_char(word, ':')};
	ret->n = ret->v6 ? 128 : 32;
	if (!str_cut(&word, '/', &address) || address.n >= sizeof(text) ||
		(word.p && num_u64(word, 0, ret->n, &ret->n) < 0))
		return false;
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	if (inet_pton(ret->v6 ? AF_INET6 : AF_INET, text, ret->address) != 1)
		return false;
	for (uint64_t bit = ret->n; bit < 128; bit++)
		ret->address[bit / 8] &= (unsigned char)~(0x80u >> bit % 8);
	return true;
}

static bool is_localhost(const struct prefix *p)
{
	static const unsigned char one[16] = {[15] = 1};

	return p->v6 ? memcmp(p->address, one, sizeof(one)) == 0 : p->address[0] == 127;
}

struct prefixes {
	bool everything[2]; /* of IPv4, of IPv6 */
	bool localhost, other;
};

static void add_prefix(struct prefixes *all, struct str word)
{
	struct prefix p;
	bool any = str_is(word, "any");

	if (any || str_is(word, "link-local") || str_is(word, "multicast")) {
		all->everything[0] = all->everything[0] || any;
		all->everything[1] = all->everything[1] || any;
		all->other = true;
	} else if (str_is(word, "localhost")) {
		all->localhost = true;
	} else if (parse_prefix(word, &p)) {
		all->everything[p.v6] = all->everything[p.v6] || !p.n;
		all->localhost = all->localhost || is_localhost(&p);
		all->other = all->other || !is_localhost(&p);
	}
}

static struct prefixes prefixes_of(const struct service *s, const char *key)
{
	struct unit_values values = values_of(s, key);
	struct prefixes all = {0};

	for (size_t i = 0; i < values.n; i++) {
		struct str value = values.items[i]->value, word;

		while (str_word(&value, &word))
			add_prefix(&all, word);
	}
	return all;
}

static int assess_addresses(struct service *s, const struct assessor *a _unused_)
{
	struct prefixes deny = prefixes_of(s, "IPAddressDeny"), allow;

	if (values_of(s, "IPIngressFilterPath").n || values_of(s, "IPEgressFilterPath").n)
		return 0;
	if (!deny.everything[0] || !deny.everything[1])
		return 10;
	allow = prefixes_of(s, "IPAddressAllow");
	return allow.other ? 5 : allow.localhost ? 2 : 0;
}

/* --- devices ------------------------------------------------------------------------------------ */

/* systemd passes over what is no device and what are no rights. */
static bool allows_device(const struct service *s, struct str value)
{
	struct str word, rights;
	bool known = unitfilter_word(&value, &word);

	rights = str_trim(value);
	for (size_t i = 0; i < rights.n; i++)
		known = known && str_has_char(STR("rwm"), rights.p[i]);
	if (!known || !specifier_expand(s->arena, s->name, word, &word))
		return known;
	return str_starts(word, "char-") || str_starts(word, "block-") || str_is(word, "/dev") ||
		   str_starts(word, "/dev/") || str_starts(word, "/run/systemd/inaccessible/");
}

static bool has_devices(const struct service *s)
{
	/* What needs devices of its own, which systemd then adds. */
	static const char *const implied[] = {"RootImage", "MountImages", "LoadCredentialEncrypted",
										  "SetCredentialEncrypted"};
	struct unit_values values = values_of(s, "DeviceAllow");

	for (size_t i = 0; i < values.n; i++)
		if (allows_device(s, values.items[i]->value))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(implied); i++)
		if (values_of(s, implied[i]).n)
			return true;
	return is_word(setting(s, "ProtectClock"), "yes");
}

static int assess_devices(struct service *s, const struct assessor *a _unused_)
{
	const struct unitprop_value *policy = setting(s, "DevicePolicy");

	if (policy->why)
		return unknown(s, policy->why);
	if (is_word(policy, "auto"))
		return 10;
	return has_devices(s) ? 5 : 0;
}

/* --- the table ---------------------------------------------------------------------------------- */

#define FLAG(name, weight) {#name, weight, 1, assess_flag, NULL, #name "=yes", 0, false}
#define FLAG_OF_THOUGHT(name, weight) {#name, weight, 1, assess_flag, NULL, NULL, 0, false}
#define WORD(name, weight, range, words, line, left, late)                                         \
	{#name, weight, range, assess_word, words, line, left, late}
#define CAPS(name, weight, words)                                                                  \
	{"CapabilityBoundingSet_" name, weight, 1, assess_caps, words, NULL, 0, false}
#define NAMESPACE(name, weight)                                                                    \
	{"RestrictNamespaces_" #name, weight, 1, assess_namespace, #name, "RestrictNamespaces=yes", 0, \
	 false}
#define FAMILY(name, weight, class)                                                                \
	{"RestrictAddressFamilies_" name, weight, 1, assess_family, class, NULL, 0, false}
#define CALLS(name, weight, set)                                                                   \
	{"SystemCallFilter_" #name, weight, 10, assess_calls, set, NULL, 0, false}
#define OWN(name, weight, range, assess, line) {name, weight, range, assess, NULL, line, 0, false}

/* Fields, weights and ranges are those that systemd 252 prints with SYSTEMD_ANALYZE_DEBUG=1. */
static const struct assessor assessors[] = {
	OWN("UserOrDynamicUser", 2000, 10, assess_user, NULL),
	OWN("SupplementaryGroups", 200, 1, assess_groups, NULL),
	FLAG(PrivateDevices, 1000),
	FLAG_OF_THOUGHT(PrivateMounts, 1000),
	FLAG_OF_THOUGHT(PrivateNetwork, 2500),
	{"PrivateTmp", 1000, 1, assess_flag, NULL, "PrivateTmp=yes", 0, true},
	FLAG_OF_THOUGHT(PrivateUsers, 1000),
	FLAG(ProtectControlGroups, 1000),
	FLAG(ProtectKernelModules, 1000),
	FLAG(ProtectKernelTunables, 1000),
	FLAG(ProtectKernelLogs, 1000),
	FLAG(ProtectClock, 1000),
	WORD(ProtectHome, 1000, 10, "no=10 read-only=5 tmpfs=1 yes=0", "ProtectHome=yes", 0, true),
	FLAG(ProtectHostname, 50),
	WORD(ProtectSystem, 1000, 10, "no=10 yes=5 full=3 strict=0", "ProtectSystem=full", 3, true),
	{"RootDirectoryOrRootImage", 200, 1, assess_root, NULL, NULL, 0, true},
	FLAG(LockPersonality, 100),
	FLAG_OF_THOUGHT(MemoryDenyWriteExecute, 100),
	FLAG(NoNewPrivileges, 1000),
	CAPS("CAP_SYS_ADMIN", 1500, "cap_sys_admin"),
	CAPS("CAP_SET_UID_GID_PCAP", 1500, "cap_setuid cap_setgid cap_setpcap"),
	CAPS("CAP_SYS_PTRACE", 1500, "cap_sys_ptrace"),
	CAPS("CAP_SYS_TIME", 1000, "cap_sys_time"),
	CAPS("CAP_NET_ADMIN", 1000, "cap_net_admin"),
	CAPS("CAP_SYS_RAWIO", 1000, "cap_sys_rawio"),
	CAPS("CAP_SYS_MODULE", 1000, "cap_sys_module"),
	CAPS("CAP_AUDIT", 500, "cap_audit_control cap_audit_read cap_audit_write"),
	CAPS("CAP_SYSLOG", 500, "cap_syslog"),
	CAPS("CAP_SYS_NICE_RESOURCE", 500, "cap_sys_nice cap_sys_resource"),
	CAPS("CAP_MKNOD", 500, "cap_mknod"),
	CAPS("CAP_CHOWN_FSETID_SETFCAP", 1000, "cap_chown cap_fsetid cap_setfcap"),
	CAPS("CAP_DAC_FOWNER_IPC_OWNER", 1000,
		 "cap_dac_override cap_dac_read_search cap_fowner cap_ipc_owner"),
	CAPS("CAP_KILL", 500, "cap_kill"),
	CAPS("CAP_NET_BIND_SERVICE_BROADCAST_RAW)", 500,
		 "cap_net_bind_service cap_net_broadcast cap_net_raw"),
	CAPS("CAP_SYS_BOOT", 100, "cap_sys_boot"),
	CAPS("CAP_MAC", 100, "cap_mac_admin cap_mac_override"),
	CAPS("CAP_LINUX_IMMUTABLE", 75, "cap_linux_immutable"),
	CAPS("CAP_IPC_LOCK", 50, "cap_ipc_lock"),
	CAPS("CAP_SYS_CHROOT", 50, "cap_sys_chroot"),
	CAPS("CAP_BLOCK_SUSPEND", 25, "cap_block_suspend"),
	CAPS("CAP_WAKE_ALARM", 25, "cap_wake_alarm"),
	CAPS("CAP_LEASE", 25, "cap_lease"),
	CAPS("CAP_SYS_TTY_CONFIG", 25, "cap_sys_tty_config"),
	CAPS("CAP_SYS_PACCT", 25, "cap_sys_pacct"),
	CAPS("CAP_BPF", 25, "cap_bpf"),
	OWN("UMask", 100, 10, assess_umask, NULL),
	WORD(KeyringMode, 1000, 1, "private=0 inherit=1 shared=1", "KeyringMode=private", 0, false),
	WORD(ProtectProc, 1000, 3, "default=3 noaccess=1 invisible=0 ptraceable=0",
		 "ProtectProc=invisible", 0,
		 false),
	WORD(ProcSubset, 10, 1, "all=1 pid=0", NULL, 0, false),
	WORD(NotifyAccess, 1000, 1, "all=1 none=0 main=0 exec=0", NULL, 0, false),
	{"RemoveIPC", 100, 1, assess_ipc, NULL, NULL, 0, false},
	OWN("Delegate", 100, 1, assess_delegate, NULL),
	FLAG(RestrictRealtime, 500),
	FLAG(RestrictSUIDSGID, 1000),
	NAMESPACE(user, 1500),
	NAMESPACE(mnt, 500),
	NAMESPACE(ipc, 500),
	NAMESPACE(pid, 500),
	NAMESPACE(cgroup, 500),
	NAMESPACE(net, 500),
	NAMESPACE(uts, 100),
	FAMILY("AF_INET_INET6", 1500, "inet"),
	FAMILY("AF_UNIX", 25, "unix"),
	FAMILY("AF_NETLINK", 200, "netlink"),
	FAMILY("AF_PACKET", 1000, "packet"),
	FAMILY("OTHER", 1250, "other"),
	OWN("SystemCallArchitectures", 1000, 10, assess_architectures,
		"SystemCallArchitectures=native"),
	CALLS(swap, 1000, "swap"),
	CALLS(obsolete, 250, "obsolete"),
	CALLS(clock, 1000, "clock"),
	CALLS(cpu_emulation, 250, "cpu-emulation"),
	CALLS(debug, 1000, "debug"),
	CALLS(mount, 1000, "mount"),
	CALLS(module, 1000, "module"),
	CALLS(raw_io, 1000, "raw-io"),
	CALLS(reboot, 1000, "reboot"),
	CALLS(privileged, 700, "privileged"),
	CALLS(resources, 700, "resources"),
	OWN("IPAddressDeny", 1000, 10, assess_addresses, NULL),
	OWN("DeviceAllow", 1000, 10, assess_devices, NULL),
	OWN("AmbientCapabilities", 500, 1, assess_ambient, NULL),
};

static const struct {
	unsigned tenths;
	const char *name;
} levels[] = {
	{100, "DANGEROUS"}, {90, "UNSAFE"}, {75, "EXPOSED"}, {50, "MEDIUM"},
	{10, "OK"},         {1, "SAFE"},    {0, "PERFECT"},
};

static unsigned rounded_up(unsigned a, unsigned b)
{
	return (a + b - 1) / b;
}

/* Without its default dependencies a service may run before what some settings need is there; -1: it is
 * not known whether it has them. */
static int is_early(const struct unit_file *u)
{
	const struct conf_item *last = NULL;

	for (size_t i = 0; i < u->conf.n; i++)
		if (str_is(u->conf.items[i].section, "Unit") && u->conf.items[i].value.n &&
			str_is(u->conf.items[i].key, "DefaultDependencies"))
			last = &u->conf.items[i];
	if (!last || unitfile_true(last->value))
		return false;
	return unitfile_false(last->value) ? true : -1;
}

static struct assessment assess(struct service *s, const struct assessor *a, int early)
{
	struct assessment row = {
		.field = a->field, .line = a->line, .left = a->left, .weight = a->weight, .range = a->range,
	};

	if (s->file->unread)
		row.badness = unknown(s, s->file->unread);
	else if (a->late && early < 0)
		row.badness = unknown(s, "DefaultDependencies= is neither true nor false");
	else if (a->late && early)
		row.badness = BADNESS_NOT_APPLICABLE;
	else
		row.badness = a->assess(s, a);
	row.why = row.badness == BADNESS_UNKNOWN ? s->why : NULL;
	return row;
}

/* The sums and roundings of systemd. */
static void add_up(struct exposure *e)
{
	unsigned badness = 0;
	size_t level = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct assessment *row = &e->p[i];

		if (row->badness < 0)
			continue;
		badness += rounded_up((unsigned)row->badness * row->weight, row->range);
		e->weight += row->weight;
	}
	for (size_t i = 0; e->weight && i < e->n; i++)
		if (e->p[i].badness > 0)
			e->p[i].tenths = rounded_up(
				rounded_up((unsigned)e->p[i].badness * e->p[i].weight * 100, e->p[i].range),
				e->weight);
	e->tenths = e->weight ? rounded_up(badness * 100, e->weight) : 0;
	while (e->tenths < levels[level].tenths)
		level++;
	e->level = levels[level].name;
}

static struct str name_of(const struct unit_file *u, struct arena *a)
{
	struct str name = u->name, prefix = specifier_prefix(name);

	if (!str_has(name, "@."))
		return name;
	return str_of(arena_printf(a, "%.*s@i.service", STR_ARG(prefix)));
}

bool exposure_has(const struct unit_file *u)
{
	return str_ends(u->name, ".service") && !u->alias_of.p && !u->masked && !u->sysv;
}

void exposure_read(const struct unit_file *u, struct arena *a, struct exposure *ret)
{
	struct service s = {.file = u, .arena = a, .name = name_of(u, a)};
	int early = is_early(u);

	unitprop_read(u, a, s.settings);
	unitfilter_calls(u, a, &s.calls);
	unitfilter_families(u, a, s.families);
	*ret = (struct exposure){.p = arena_new(a, struct assessment, ARRAY_LEN(assessors))};
	for (size_t i = 0; i < ARRAY_LEN(assessors); i++) {
		struct assessment row = assess(&s, &assessors[i], early);

		if (row.why && !ret->why)
			ret->why = arena_printf(a, "%s: %s", row.field, row.why);
		ret->p[ret->n++] = row;
	}
	add_up(ret);
}
