/* SPDX-License-Identifier: Apache-2.0 */
#include "host/syscall_sets.h"

/* From `systemd-analyze syscall-filter` of systemd 252. */
static const struct {
	const char *name, *sets;
} calls[] = {
	{"_sysctl", "known obsolete privileged"},
	{"acct", "known privileged"},
	{"adjtimex", "clock known privileged"},
	{"afs_syscall", "known obsolete"},
	{"bdflush", "known obsolete"},
	{"bpf", "known privileged"},
	{"break", "known obsolete"},
	{"capset", "known privileged system-service"},
	{"chown", "chown known privileged system-service"},
	{"chown32", "chown known privileged system-service"},
	{"chroot", "known mount privileged"},
	{"clock_adjtime", "clock known privileged"},
	{"clock_adjtime64", "clock known privileged"},
	{"clock_settime", "clock known privileged"},
	{"clock_settime64", "clock known privileged"},
	{"create_module", "known obsolete"},
	{"delete_module", "known module privileged"},
	{"fanotify_init", "known privileged"},
	{"fanotify_mark", "known privileged"},
	{"fchown", "chown known privileged system-service"},
	{"fchown32", "chown known privileged system-service"},
	{"fchownat", "chown known privileged system-service"},
	{"finit_module", "known module privileged"},
	{"fsconfig", "known mount"},
	{"fsmount", "known mount"},
	{"fsopen", "known mount"},
	{"fspick", "known mount"},
	{"ftime", "known obsolete"},
	{"get_kernel_syms", "known obsolete"},
	{"getpmsg", "known obsolete"},
	{"gtty", "known obsolete"},
	{"idle", "known obsolete"},
	{"init_module", "known module privileged"},
	{"ioperm", "known privileged raw-io"},
	{"iopl", "known privileged raw-io"},
	{"ioprio_set", "known resources system-service"},
	{"kexec_file_load", "known privileged reboot"},
	{"kexec_load", "known privileged reboot"},
	{"lchown", "chown known privileged system-service"},
	{"lchown32", "chown known privileged system-service"},
	{"lock", "known obsolete"},
	{"lookup_dcookie", "debug known"},
	{"mbind", "known resources system-service"},
	{"migrate_pages", "known resources system-service"},
	{"modify_ldt", "cpu-emulation known"},
	{"mount", "known mount"},
	{"mount_setattr", "known mount"},
	{"move_mount", "known mount"},
	{"move_pages", "known resources system-service"},
	{"mpx", "known obsolete"},
	{"nfsservctl", "privileged"},
	{"nice", "known resources system-service"},
	{"open_by_handle_at", "known privileged"},
	{"open_tree", "known mount"},
	{"pciconfig_iobase", "known privileged raw-io"},
	{"pciconfig_read", "known privileged raw-io"},
	{"pciconfig_write", "known privileged raw-io"},
	{"perf_event_open", "debug known"},
	{"pidfd_getfd", "debug known"},
	{"pivot_root", "known mount privileged"},
	{"prof", "known obsolete"},
	{"profil", "known obsolete"},
	{"ptrace", "debug known"},
	{"putpmsg", "known obsolete"},
	{"query_module", "known obsolete"},
	{"quotactl", "known privileged"},
	{"quotactl_fd", "known privileged"},
	{"reboot", "known privileged reboot"},
	{"rtas", "debug known"},
	{"s390_pci_mmio_read", "known privileged raw-io"},
	{"s390_pci_mmio_write", "known privileged raw-io"},
	{"s390_runtime_instr", "debug known"},
	{"sched_setaffinity", "known resources system-service"},
	{"sched_setattr", "known resources system-service"},
	{"sched_setparam", "known resources system-service"},
	{"sched_setscheduler", "known resources system-service"},
	{"security", "known obsolete"},
	{"set_mempolicy", "known resources system-service"},
	{"set_mempolicy_home_node", "known resources system-service"},
	{"setdomainname", "known privileged"},
	{"setfsuid", "known privileged system-service"},
	{"setfsuid32", "known privileged system-service"},
	{"setgroups", "known privileged setuid system-service"},
	{"setgroups32", "known privileged setuid system-service"},
	{"sethostname", "known privileged"},
	{"setpriority", "known resources system-service"},
	{"setresuid", "known privileged setuid system-service"},
	{"setresuid32", "known privileged setuid system-service"},
	{"setreuid", "known privileged setuid system-service"},
	{"setreuid32", "known privileged setuid system-service"},
	{"setrlimit", "known resources system-service"},
	{"settimeofday", "clock known privileged"},
	{"setuid", "known privileged setuid system-service"},
	{"setuid32", "known privileged setuid system-service"},
	{"sgetmask", "known obsolete"},
	{"ssetmask", "known obsolete"},
	{"stime", "known obsolete"},
	{"stty", "known obsolete"},
	{"subpage_prot", "cpu-emulation known"},
	{"swapoff", "known privileged swap"},
	{"swapon", "known privileged swap"},
	{"switch_endian", "cpu-emulation known"},
	{"sys_debug_setcontext", "debug known"},
	{"sysfs", "known obsolete"},
	{"tuxcall", "known obsolete"},
	{"ulimit", "known obsolete"},
	{"umount", "known mount"},
	{"umount2", "known mount"},
	{"uselib", "known obsolete"},
	{"ustat", "known obsolete"},
	{"vhangup", "known privileged"},
	{"vm86", "cpu-emulation known"},
	{"vm86old", "cpu-emulation known"},
	{"vserver", "known obsolete"},
};
_Static_assert(ARRAY_LEN(calls) <= SYSCALL_SETS_MAX, "the arrays of callers are too small");

size_t syscall_sets_count(void)
{
	return ARRAY_LEN(calls);
}

const char *syscall_sets_name(size_t i)
{
	return calls[i].name;
}

bool syscall_sets_has(size_t i, struct str set)
{
	struct str words = str_of(calls[i].sets), word;

	while (str_word(&words, &word))
		if (str_eq(word, set))
			return true;
	return false;
}
