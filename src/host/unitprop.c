/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unitprop.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/capability.h"
#include "host/unitfilter.h"

/* What the values of a setting are, and so how several assignments add up. */
enum kind {
	FLAG,       /* yes or no */
	TEXT,       /* one of `words`; where "yes" and "no" are among them, in all their spellings */
	WORDS,      /* assignments append, an empty one resets */
	FILTER,     /* the same, as a restriction; '~' at the front forbids */
	MASK,       /* octal */
	CAPS,       /* a set of capabilities */
	NAMESPACES, /* a set of kinds of namespaces that may be created */
	ADDRESSES,  /* "any" and the like become prefixes */
};

enum {
	NO_NEW_PRIVILEGES, PROTECT_SYSTEM, PROTECT_HOME, PRIVATE_TMP, PRIVATE_DEVICES, PRIVATE_NETWORK,
	PRIVATE_USERS, PROTECT_KERNEL_TUNABLES, PROTECT_KERNEL_MODULES, PROTECT_KERNEL_LOGS,
	PROTECT_CONTROL_GROUPS, PROTECT_CLOCK, PROTECT_HOSTNAME, PROTECT_PROC, PROC_SUBSET,
	RESTRICT_NAMESPACES, RESTRICT_REALTIME, RESTRICT_SUID_SGID, RESTRICT_ADDRESS_FAMILIES,
	MEMORY_DENY_WRITE_EXECUTE, LOCK_PERSONALITY, SYSTEM_CALL_FILTER, SYSTEM_CALL_ARCHITECTURES,
	CAPABILITY_BOUNDING_SET, AMBIENT_CAPABILITIES, DYNAMIC_USER, REMOVE_IPC, UMASK, IP_ADDRESS_DENY,
	DEVICE_POLICY, KEYRING_MODE, SUPPLEMENTARY_GROUPS, READ_WRITE_PATHS,
	/* Only of unit files. */
	PRIVATE_MOUNTS, NOTIFY_ACCESS, N_SETTINGS,
};
_Static_assert(N_SETTINGS <= UNITPROP_MAX, "ret[] of unitprop_read() is too small");

static const struct setting {
	const char *name;
	enum kind kind;
	const char *initial; /* of a system service, NULL: not set */
	const char *words;
} settings[] = {
	[NO_NEW_PRIVILEGES] = {"NoNewPrivileges", FLAG, "no"},
	[PROTECT_SYSTEM] = {"ProtectSystem", TEXT, "no", "yes no full strict"},
	[PROTECT_HOME] = {"ProtectHome", TEXT, "no", "yes no read-only tmpfs"},
	[PRIVATE_TMP] = {"PrivateTmp", FLAG, "no"},
	[PRIVATE_DEVICES] = {"PrivateDevices", FLAG, "no"},
	[PRIVATE_NETWORK] = {"PrivateNetwork", FLAG, "no"},
	[PRIVATE_USERS] = {"PrivateUsers", FLAG, "no"},
	[PROTECT_KERNEL_TUNABLES] = {"ProtectKernelTunables", FLAG, "no"},
	[PROTECT_KERNEL_MODULES] = {"ProtectKernelModules", FLAG, "no"},
	[PROTECT_KERNEL_LOGS] = {"ProtectKernelLogs", FLAG, "no"},
	[PROTECT_CONTROL_GROUPS] = {"ProtectControlGroups", FLAG, "no"},
	[PROTECT_CLOCK] = {"ProtectClock", FLAG, "no"},
	[PROTECT_HOSTNAME] = {"ProtectHostname", FLAG, "no"},
	[PROTECT_PROC] = {"ProtectProc", TEXT, "default", "default noaccess invisible ptraceable"},
	[PROC_SUBSET] = {"ProcSubset", TEXT, "all", "all pid"},
	[RESTRICT_NAMESPACES] = {"RestrictNamespaces", NAMESPACES, "no"},
	[RESTRICT_REALTIME] = {"RestrictRealtime", FLAG, "no"},
	[RESTRICT_SUID_SGID] = {"RestrictSUIDSGID", FLAG, "no"},
	[RESTRICT_ADDRESS_FAMILIES] = {"RestrictAddressFamilies", FILTER, NULL},
	[MEMORY_DENY_WRITE_EXECUTE] = {"MemoryDenyWriteExecute", FLAG, "no"},
	[LOCK_PERSONALITY] = {"LockPersonality", FLAG, "no"},
	[SYSTEM_CALL_FILTER] = {"SystemCallFilter", FILTER, NULL},
	[SYSTEM_CALL_ARCHITECTURES] = {"SystemCallArchitectures", FILTER, NULL},
	[CAPABILITY_BOUNDING_SET] = {"CapabilityBoundingSet", CAPS, NULL},
	[AMBIENT_CAPABILITIES] = {"AmbientCapabilities", CAPS, NULL},
	[DYNAMIC_USER] = {"DynamicUser", FLAG, "no"},
	[REMOVE_IPC] = {"RemoveIPC", FLAG, "no"},
	[UMASK] = {"UMask", MASK, "0022"},
	[IP_ADDRESS_DENY] = {"IPAddressDeny", ADDRESSES, NULL},
	[DEVICE_POLICY] = {"DevicePolicy", TEXT, "auto", "auto closed strict"},
	[KEYRING_MODE] = {"KeyringMode", TEXT, "private", "inherit private shared"},
	[SUPPLEMENTARY_GROUPS] = {"SupplementaryGroups", WORDS, NULL},
	[READ_WRITE_PATHS] = {"ReadWritePaths", WORDS, NULL},
	[PRIVATE_MOUNTS] = {"PrivateMounts", FLAG, "no"},
	[NOTIFY_ACCESS] = {"NotifyAccess", TEXT, "none", "none main exec all"},
};

size_t unitprop_count(void)
{
	return ARRAY_LEN(settings);
}

const char *unitprop_name(size_t i)
{
	return settings[i].name;
}

bool unitprop_is_set(size_t i)
{
	return settings[i].kind == CAPS || settings[i].kind == WORDS;
}

bool unitprop_is_mask(size_t i)
{
	return settings[i].kind == CAPS || settings[i].kind == NAMESPACES;
}

int unitprop_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (str_is(name, settings[i].name))
			return (int)i;
	return -1;
}

static struct unitprop_value one(struct arena *a, struct str item, const struct conf_item *from)
{
	struct str *items = arena_new(a, struct str, 1);

	*items = item;
	return (struct unitprop_value){items, 1, from, NULL};
}

/* systemd passes over a value that it does not know, and which it knows depends on its version. */
static struct unitprop_value not_known(struct arena *a, const struct conf_item *from)
{
	const char *why = arena_printf(a, "a value that this revet does not know: %.*s",
								   (int)MIN(from->value.n, (size_t)100), from->value.p);

	return (struct unitprop_value){.from = from, .why = why};
}

/* --- sets of bits ---------------------------------------------------------------------------- */

#define N_CAPS 41
#define ANYTHING UINT64_MAX /* nothing was assigned, or the last assignment took back what was */

/* linux/sched.h, in the order in which systemd prints them. */
static const struct {
	const char *name;
	uint64_t flag;
} namespaces[] = {
	{"cgroup", 0x02000000}, {"ipc", 0x08000000},  {"net", 0x40000000}, {"mnt", 0x00020000},
	{"pid", 0x20000000},    {"user", 0x10000000}, {"uts", 0x04000000},
};
#define ALL_NAMESPACES 0x7e020000u

static struct str cap_name(struct arena *a, unsigned bit)
{
	return capability_set(a, (uint64_t)1 << bit);
}

static uint64_t cap_bit(struct arena *a, struct str name)
{
	uint64_t number;

	if (num_u64(name, 0, N_CAPS - 1, &number) == 0)
		return (uint64_t)1 << number;
	for (unsigned i = 0; i < N_CAPS; i++) {
		struct str known = cap_name(a, i);

		if (known.n == name.n && str_is_nocase(name, known.p))
			return (uint64_t)1 << i;
	}
	return 0;
}

static uint64_t namespace_bit(struct arena *a _unused_, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (str_is(name, namespaces[i].name))
			return namespaces[i].flag;
	return 0;
}

static struct unitprop_value caps_value(struct arena *a, uint64_t mask)
{
	VEC(struct str) items = {0};

	for (unsigned i = 0; i < N_CAPS; i++)
		if (mask >> i & 1)
			*vec_push(a, &items) = cap_name(a, i);
	return (struct unitprop_value){.items = items.p, .n = items.n};
}

/* "no": any may be created; "yes": none. */
static struct unitprop_value namespaces_value(struct arena *a, uint64_t mask)
{
	const char *text = "";

	mask &= ALL_NAMESPACES;
	if (!mask || mask == ALL_NAMESPACES)
		return one(a, mask ? STR("no") : STR("yes"), NULL);
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (mask & namespaces[i].flag)
			text = arena_printf(a, "%s%s%s", text, *text ? " " : "", namespaces[i].name);
	return one(a, str_of(text), NULL);
}

static uint64_t bits_of(struct arena *a, struct str words,
						uint64_t (*bit)(struct arena *, struct str))
{
	uint64_t sum = 0;
	struct str word;

	while (unitfilter_word(&words, &word))
		sum |= bit(a, word);
	return sum;
}

/* systemd's config_parse_capability_set(): the first assignment replaces, later ones add, '~' takes
 * away; an empty one is the empty set. */
static uint64_t add_caps(struct arena *a, uint64_t set, uint64_t initial, struct str value)
{
	bool invert = str_skip(&value, "~");
	uint64_t sum = bits_of(a, value, cap_bit);

	if (!sum || set == initial)
		return invert ? ~sum : sum;
	return invert ? set & ~sum : set | sum;
}

static uint64_t add_namespaces(struct arena *a, uint64_t set, struct str value)
{
	bool invert;
	uint64_t sum;

	if (!value.n)
		return ANYTHING;
	if (unitfile_false(value))
		return ALL_NAMESPACES;
	if (unitfile_true(value))
		return 0;
	invert = str_skip(&value, "~");
	sum = bits_of(a, value, namespace_bit);
	if (set == ANYTHING)
		return invert ? ALL_NAMESPACES & ~sum : sum;
	return invert ? set & ~sum : set | sum;
}

static bool has_word(const char *words, struct str s)
{
	struct str all = str_of(words), word;

	while (str_word(&all, &word))
		if (str_eq(word, s))
			return true;
	return false;
}

static bool are_namespaces(struct arena *a, struct str value)
{
	struct str word;

	if (!value.n || unitfile_false(value) || unitfile_true(value))
		return true;
	(void)str_skip(&value, "~");
	while (str_word(&value, &word))
		if (!namespace_bit(a, word))
			return false;
	return true;
}

static struct unitprop_value read_mask(const struct unit_file *u, struct arena *a, size_t setting)
{
	bool caps = settings[setting].kind == CAPS;
	uint64_t initial = setting == AMBIENT_CAPABILITIES ? 0 : ANYTHING, set = initial;
	const struct conf_item *from = NULL;
	struct unitprop_value value;

	for (size_t i = 0; i < u->conf.n; i++) {
		const struct conf_item *item = &u->conf.items[i];

		if (!str_is(item->section, "Service") || !str_is(item->key, settings[setting].name))
			continue;
		if (!caps && !are_namespaces(a, item->value))
			return not_known(a, item);
		set = caps ? add_caps(a, set, initial, item->value)
				   : add_namespaces(a, set, item->value);
		from = item;
	}
	value = caps ? caps_value(a, set) : namespaces_value(a, set);
	value.from = from;
	return value;
}

/* --- the other kinds -------------------------------------------------------------------------- */

/* systemd's spellings of sets of addresses (systemd.resource-control(5)). */
static const char *const address_words[][3] = {
	{"any", "0.0.0.0/0", "::/0"},
	{"localhost", "127.0.0.0/8", "::1/128"},
	{"link-local", "169.254.0.0/16", "fe80::/64"},
	{"multicast", "224.0.0.0/4", "ff00::/8"},
};

typedef VEC(struct str) strings;

static void add_address(struct arena *a, strings *items, struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(address_words); i++) {
		if (!str_is(word, address_words[i][0]))
			continue;
		*vec_push(a, items) = str_of(address_words[i][1]);
		*vec_push(a, items) = str_of(address_words[i][2]);
		return;
	}
	*vec_push(a, items) = word;
}

static void add_words(struct arena *a, strings *items, enum kind kind, struct str value)
{
	bool forbid = kind == FILTER && str_skip(&value, "~");
	struct str word;

	while (unitfilter_word(&value, &word)) {
		if (kind == ADDRESSES)
			add_address(a, items, word);
		else
			*vec_push(a, items) = forbid ? str_of(arena_printf(a, "~%.*s", STR_ARG(word))) : word;
	}
}

static struct unitprop_value read_words(const struct unit_file *u, struct arena *a, size_t setting)
{
	struct unit_values values = unitfile_values(u, a, "Service", settings[setting].name);
	strings items = {0};

	for (size_t i = 0; i < values.n; i++) {
		if (str_has_char(values.items[i]->value, '%'))
			return (struct unitprop_value){
				.from = values.items[i],
				.why = "it has a specifier in it, which systemd replaces",
			};
		add_words(a, &items, settings[setting].kind, values.items[i]->value);
	}
	return (struct unitprop_value){items.p, items.n, values.n ? values.items[values.n - 1] : NULL,
								   NULL};
}

/* What systemd makes of one assignment; why: it may be one that it passes over. */
static struct unitprop_value scalar_of(const struct setting *s, struct arena *a,
									   const struct conf_item *item)
{
	struct str value = item->value;

	if (s->kind == MASK)
		return one(a, value, item);
	if (unitfile_false(value))
		value = STR("no");
	else if (unitfile_true(value))
		value = STR("yes");
	if (!has_word(s->kind == FLAG ? "yes no" : s->words, value))
		return not_known(a, item);
	return one(a, value, item);
}

/* An empty assignment is an error that systemd passes over: what was there before holds. */
static struct unitprop_value read_scalar(const struct unit_file *u, struct arena *a, size_t setting)
{
	const struct setting *s = &settings[setting];
	const struct conf_item *last = NULL;

	for (size_t i = 0; i < u->conf.n; i++) {
		const struct conf_item *item = &u->conf.items[i];

		if (item->value.n && str_is(item->section, "Service") && str_is(item->key, s->name))
			last = item;
	}
	return last ? scalar_of(s, a, last) : one(a, str_of(s->initial), NULL);
}

/* --- what settings imply (systemd's unit_patch_contexts()) ----------------------------------- */

static bool is_yes(const struct unitprop_value *v)
{
	return v->n == 1 && str_is(v->items[0], "yes");
}

static bool is_no(const struct unitprop_value *v)
{
	return v->n == 1 && str_is(v->items[0], "no");
}

static void imply(struct unitprop_value *v, const struct conf_item *from, struct arena *a,
				  const char *text)
{
	*v = one(a, str_of(text), from);
}

static void imply_dynamic_user(struct unitprop_value *v, struct arena *a)
{
	static const int flags[] = {PRIVATE_TMP, REMOVE_IPC, NO_NEW_PRIVILEGES, RESTRICT_SUID_SGID};
	const struct conf_item *from = v[DYNAMIC_USER].from;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		imply(&v[flags[i]], from, a, "yes");
	imply(&v[PROTECT_SYSTEM], from, a, "strict");
	if (is_no(&v[PROTECT_HOME]))
		imply(&v[PROTECT_HOME], from, a, "read-only");
}

static void take_caps(struct unitprop_value *set, struct arena *a, const char *names)
{
	struct str words, word;
	VEC(struct str) left = {0};

	for (size_t i = 0; i < set->n; i++) {
		bool taken = false;

		for (words = str_of(names); str_word(&words, &word);)
			taken = taken || str_eq(word, set->items[i]);
		if (!taken)
			*vec_push(a, &left) = set->items[i];
	}
	set->items = left.p;
	set->n = left.n;
}

static void imply_all(struct unitprop_value *v, struct arena *a)
{
	static const struct {
		int setting;
		const char *caps;
	} taken[] = {
		{PRIVATE_DEVICES, "cap_mknod cap_sys_rawio"},
		{PROTECT_KERNEL_MODULES, "cap_sys_module"},
		{PROTECT_KERNEL_LOGS, "cap_syslog"},
		{PROTECT_CLOCK, "cap_sys_time cap_wake_alarm"},
	};

	if (is_yes(&v[DYNAMIC_USER]))
		imply_dynamic_user(v, a);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (is_yes(&v[taken[i].setting]))
			take_caps(&v[CAPABILITY_BOUNDING_SET], a, taken[i].caps);
	if (is_yes(&v[PRIVATE_DEVICES]) && !v[DEVICE_POLICY].why &&
		str_is(v[DEVICE_POLICY].items[0], "auto"))
		imply(&v[DEVICE_POLICY], v[PRIVATE_DEVICES].from, a, "closed");
}

void unitprop_read(const struct unit_file *u, struct arena *a, struct unitprop_value *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		switch (settings[i].kind) {
		case CAPS:
		case NAMESPACES:
			ret[i] = read_mask(u, a, i);
			break;
		case WORDS:
		case FILTER:
		case ADDRESSES:
			ret[i] = read_words(u, a, i);
			break;
		default:
			ret[i] = read_scalar(u, a, i);
		}
	}
	imply_all(ret, a);
}

struct unitprop_value unitprop_live(size_t i, const struct str *items, size_t n, struct arena *a)
{
	uint64_t mask;

	if (!unitprop_is_mask(i) || n != 1 || num_hex(items[0], UINT64_MAX, &mask) < 0)
		return (struct unitprop_value){.items = items, .n = n};
	return settings[i].kind == CAPS ? caps_value(a, mask) : namespaces_value(a, mask);
}
