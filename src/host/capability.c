/* SPDX-License-Identifier: Apache-2.0 */
#include "host/capability.h"

#include "host/fields.h"

/* linux/capability.h, in the order of their numbers. */
static const char *const cap_names[] = {
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid",
	"cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable",
	"cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock",
	"cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace",
	"cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
	"cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write",
	"cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog",
	"cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf",
	"cap_checkpoint_restore",
};

enum { EFFECTIVE = 1, PERMITTED = 2, INHERITABLE = 4 };

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* struct vfs_cap_data and vfs_ns_cap_data: a revision, then pairs of 32-bit halves. */
bool capability_parse(struct str hex, struct file_caps *ret)
{
	static const size_t sizes[] = {0, 12, 20, 24};
	unsigned char p[24] = {0};
	unsigned revision;

	if (hex.n > 2 * sizeof(p) || hex.n % 2)
		return false;
	for (size_t i = 0; i < hex.n; i += 2) {
		int high = fields_hex_digit(hex.p[i]), low = fields_hex_digit(hex.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		p[i / 2] = (unsigned char)(high << 4 | low);
	}
	revision = p[3];
	if (revision < 1 || revision > 3 || hex.n != 2 * sizes[revision])
		return false;
	*ret = (struct file_caps){
		.effective = p[0] & 1,
		.permitted = le32(p + 4),
		.inheritable = le32(p + 8),
	};
	if (revision > 1) {
		ret->permitted |= (uint64_t)le32(p + 12) << 32;
		ret->inheritable |= (uint64_t)le32(p + 16) << 32;
	}
	ret->rootid = revision == 3 ? le32(p + 20) : 0;
	return true;
}

static unsigned flags_of(const struct file_caps *c, size_t cap)
{
	unsigned flags = 0;

	if (c->permitted >> cap & 1)
		flags |= PERMITTED;
	if (c->inheritable >> cap & 1)
		flags |= INHERITABLE;
	return flags && c->effective ? flags | EFFECTIVE : flags;
}

static void put_op(struct buf *out, char op, unsigned flags)
{
	if (!flags)
		return;
	buf_putc(out, op);
	if (flags & EFFECTIVE)
		buf_putc(out, 'e');
	if (flags & INHERITABLE)
		buf_putc(out, 'i');
	if (flags & PERMITTED)
		buf_putc(out, 'p');
}

/* The capabilities in this state, from a number on to another, with commas between. */
static size_t put_names(struct buf *out, const struct file_caps *c, unsigned flags, size_t from,
						size_t to)
{
	size_t n = 0;

	for (size_t cap = from; cap < to; cap++) {
		if (flags_of(c, cap) != flags)
			continue;
		if (n++)
			buf_putc(out, ',');
		if (cap < ARRAY_LEN(cap_names))
			buf_puts(out, cap_names[cap]);
		else
			buf_printf(out, "%zu", cap);
	}
	return n;
}

/* The state that most capabilities with a name are in, of several the lesser. */
static unsigned usual_flags(const struct file_caps *c)
{
	size_t count[8] = {0};
	unsigned most = 0;

	for (size_t cap = 0; cap < ARRAY_LEN(cap_names); cap++)
		count[flags_of(c, cap)]++;
	for (unsigned flags = 1; flags < ARRAY_LEN(count); flags++)
		if (count[flags] > count[most])
			most = flags;
	return most;
}

/* As cap_to_text(3) of libcap 2.66 does it: first the usual state, then what differs from it, the
 * fullest first, then what has a number but no name. */
void capability_print(struct buf *out, const struct file_caps *c)
{
	unsigned usual = usual_flags(c);
	bool bare = true;

	for (unsigned flags = 8; flags-- > 0;) {
		_cleanup_buf_ struct buf names = BUF(4096);

		if (flags == usual || !put_names(&names, c, flags, 0, ARRAY_LEN(cap_names)))
			continue;
		if (bare && usual)
			put_op(out, '=', usual);
		if (!bare || usual)
			buf_putc(out, ' ');
		buf_str(out, buf_get(&names));
		put_op(out, bare && !usual ? '=' : '+', flags & ~usual);
		put_op(out, '-', usual & ~flags);
		bare = false;
	}
	if (bare && usual)
		put_op(out, '=', usual);
	else if (bare)
		buf_putc(out, '=');
	for (unsigned flags = 8; flags-- > 1;) {
		_cleanup_buf_ struct buf names = BUF(4096);

		if (!put_names(&names, c, flags, ARRAY_LEN(cap_names), 64))
			continue;
		buf_putc(out, ' ');
		buf_str(out, buf_get(&names));
		put_op(out, '+', flags);
	}
	if (c->rootid)
		buf_printf(out, " [rootid=%u]", c->rootid);
}

struct str capability_set(struct arena *a, uint64_t set)
{
	const struct file_caps c = {.permitted = set};
	_cleanup_buf_ struct buf names = BUF(4096);

	if (set && !(~set & (((uint64_t)1 << ARRAY_LEN(cap_names)) - 1)))
		return STR("all");
	if (set >> ARRAY_LEN(cap_names))
		return str_of(arena_printf(a, "%#llx", (unsigned long long)set));
	if (!set)
		return STR("");
	put_names(&names, &c, PERMITTED, 0, ARRAY_LEN(cap_names));
	return (struct str){arena_copy(a, names.p, names.n), names.n};
}
