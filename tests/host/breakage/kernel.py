# SPDX-License-Identifier: Apache-2.0
"""How the rules of kernel come to fail."""

from staged import BARE_METAL, CMDLINE, SYS, SYSCTL, grub, now, sysctl, word

VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities"

GOOD = SYSCTL + CMDLINE + SYS + BARE_METAL + f"""
sed 's/^vendor_id.*/vendor_id : AuthenticAMD/' /proc/cpuinfo >/run/staged/amd
sed 's/^vendor_id.*/vendor_id : GenuineIntel/' /proc/cpuinfo >/run/staged/intel
cat /run/staged/amd >/run/staged/cpuinfo
echo '[none] integrity confidentiality' >/run/staged/security/lockdown
echo lockdown,capability,yama >/run/staged/security/lsm
mkdir /run/staged/vulnerabilities
cd /run/staged/vulnerabilities
echo 'Mitigation: PTI' >meltdown
echo 'Mitigation: Retpolines; IBPB: conditional; STIBP: disabled; RSB filling; BHI: Retpoline' >spectre_v2
echo 'Mitigation: Clear CPU buffers; SMT disabled' >mds
echo 'Not affected' >l1tf
mount --bind /run/staged/vulnerabilities {VULNERABILITIES}

for option in STACKPROTECTOR STACKPROTECTOR_STRONG STRICT_KERNEL_RWX STRICT_MODULE_RWX RANDOMIZE_BASE \\
        VMAP_STACK HARDENED_USERCOPY FORTIFY_SOURCE STRICT_DEVMEM SLAB_FREELIST_HARDENED \\
        SLAB_FREELIST_RANDOM SECCOMP SECCOMP_FILTER BUG DEBUG_WX SCHED_STACK_END_CHECK SECURITY \\
        SECURITY_YAMA SYN_COOKIES BUG_ON_DATA_CORRUPTION GCC_PLUGIN_STACKLEAK RANDSTRUCT_FULL \\
        INIT_STACK_ALL_ZERO GCC_PLUGIN_LATENT_ENTROPY DEBUG_NOTIFIERS DEBUG_SG DEBUG_LIST PANIC_ON_OOPS \\
        DEBUG_FS DEBUG_FS_ALLOW_NONE INIT_ON_FREE_DEFAULT_ON SHUFFLE_PAGE_ALLOCATOR LEGACY_VSYSCALL_NONE \\
        RANDOMIZE_KSTACK_OFFSET RANDOMIZE_KSTACK_OFFSET_DEFAULT MODULE_SIG_FORCE; do
    echo "CONFIG_$option=y"
done >/run/staged/config
echo CONFIG_PANIC_TIMEOUT=-1 >>/run/staged/config
echo '# CONFIG_SLAB_MERGE_DEFAULT is not set' >>/run/staged/config
gzip -c /run/staged/config >/run/staged/config.gz
mount --bind /run/staged/config.gz /proc/config.gz

# No package is installed here by a package manager that has a network.
cat >>/var/lib/dpkg/status <<'EOF'

Package: amd64-microcode
Status: install ok installed
Architecture: amd64
Version: 3.20230808.1
Maintainer: x
Description: x
EOF
"""


def vulnerable(name, status):
    file = f"/run/staged/vulnerabilities/{name}.{len(status)}"
    return f"echo '{status}' >{file}", f"rm {file}"


def config(option, text):
    return (f"sed -i 's/^CONFIG_{option}=y$/{text}/' /run/staged/config\n"
            "gzip -c /run/staged/config >/run/staged/new; cat /run/staged/new >/run/staged/config.gz",
            f"sed -i 's/^{text}$/CONFIG_{option}=y/' /run/staged/config\n"
            "gzip -c /run/staged/config >/run/staged/new; cat /run/staged/new >/run/staged/config.gz")


def added(text):
    """A way: an option that the last line for it decides."""
    pack = "gzip -c /run/staged/config >/run/staged/new; cat /run/staged/new >/run/staged/config.gz"
    option = text.split("=", maxsplit=1)[0]
    drop = f"sed -i '/CONFIG_{option}[ =]/d' /run/staged/config\n"
    back = "echo '# CONFIG_SLAB_MERGE_DEFAULT is not set' >>/run/staged/config\n"
    return (drop + f"echo 'CONFIG_{text}' >>/run/staged/config\n" + pack,
            drop + (back if option == "SLAB_MERGE_DEFAULT" else "") + pack)


def not_set(option):
    return config(option, f"# CONFIG_{option} is not set")


def both(*entries):
    """One entry of several."""
    return {"good": "\n".join(e["good"] for e in entries),
            "bad": [way for e in entries for way in e["bad"]],
            "fine": [way for e in entries for way in e["fine"]]}


CORE = "kernel.core_pattern"

LEFT = "the values are files that do not behave as the kernel's: see test_vm"

RULES = {
    "kernel.aslr": sysctl("kernel.randomize_va_space", 2, 1, 0),
    "kernel.bpf-jit": sysctl("net.core.bpf_jit_harden", 2, 0, lost=True),
    "kernel.built-without-protection": {
        "bad": [not_set("STACKPROTECTOR_STRONG"), not_set("RANDOMIZE_BASE"),
                config("HARDENED_USERCOPY", ""), not_set("STRICT_DEVMEM")],
        "alone": True,
    },
    "kernel.built-without-seccomp": {
        "bad": [not_set("SECCOMP_FILTER"), config("SECCOMP", "")],
        "alone": True,
    },
    "kernel.core-dumps-kept": {
        "bad": [now(CORE, "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t", "core")],
        "fine": [("put /etc/systemd/coredump.conf '[Coredump]\nStorage=none'\n"
                  "echo '|/usr/lib/systemd/systemd-coredump %P' >/proc/sys/kernel/core_pattern",
                  "echo core >/proc/sys/kernel/core_pattern")],
        "alone": True,
    },
    "kernel.core-pattern": sysctl(
        CORE, "core", "|/tmp/x %p", "|/bin/sh -c /root/x", "|/usr/bin/python3 /var/lib/x.py",
        "|/usr/lib/../../tmp/x", "|/home/ops/dump.sh %p",
        fine=[now(CORE, "|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h", "core"),
              now(CORE, "/var/crash/core.%p", "core")]),
    "kernel.cpu-vulnerabilities": {
        "bad": [vulnerable("mds", "Vulnerable: Clear CPU buffers attempted, no microcode"),
                vulnerable("spectre_v2", "Mitigation: Retpolines; STIBP: disabled; BHI: Vulnerable"),
                vulnerable("itlb_multihit", "KVM: Vulnerable"),
                vulnerable("mmio_stale_data", "Unknown: No mitigations")],
        "fine": [vulnerable("srbds", "Unknown: Dependent on hypervisor status")],
    },
    "kernel.dmesg": sysctl("kernel.dmesg_restrict", 1, 0),
    "kernel.io-uring": sysctl("kernel.io_uring_disabled", 2, 0, lost=True),
    "kernel.kexec": sysctl("kernel.kexec_load_disabled", 1, 0, lost=True),
    "kernel.line-disciplines": sysctl("dev.tty.ldisc_autoload", 0, 1),
    "kernel.memory-not-cleared": {
        "good": "printf '%s init_on_alloc=1\\n' \"$(cat /proc/cmdline)\" >/run/staged/cmdline",
        "bad": [word("init_on_alloc=0"), word("init_on_alloc=off"),
                ("sed 's/ init_on_alloc=1//' /proc/cmdline >/run/staged/new; "
                 "cat /run/staged/new >/run/staged/cmdline",
                 "printf '%s init_on_alloc=1\\n' \"$(cat /proc/cmdline)\" >/run/staged/cmdline")],
        "alone": True,
    },
    "kernel.microcode": {
        "bad": ["sed -i '/^Package: amd64-microcode/,$ s/^Status: .*/Status: deinstall ok config-files/' "
                "/var/lib/dpkg/status",
                "sed -i 's/^Package: amd64-microcode/Package: linux-firmware/' /var/lib/dpkg/status",
                ("cat /run/staged/intel >/run/staged/cpuinfo", "cat /run/staged/amd >/run/staged/cpuinfo")],
    },
    "kernel.mitigations-off": {
        "bad": [word("mitigations=off"), word("nospectre_v2"), word("mds=off"),
                word("mitigations=auto mitigations=off"),
                grub("nopti"), grub("gather_data_sampling=off", "GRUB_CMDLINE_LINUX_DEFAULT")],
        "fine": [word("mitigations=auto,nosmt")],
        "alone": True,
    },
    "kernel.null-page": sysctl("vm.mmap_min_addr", 65536, 0, 4096),
    "kernel.oops-limit": {
        "good": "echo 10000 >/proc/sys/kernel/oops_limit",
        "bad": [("cd /proc/sys/kernel; echo 0 >panic_on_oops; echo 0 >oops_limit",
                 "cd /proc/sys/kernel; echo 1 >panic_on_oops; echo 10000 >oops_limit"),
                "put /etc/sysctl.d/zz-oops.conf 'kernel.panic_on_oops = 0\nkernel.oops_limit = 0'"],
        "fine": [now("kernel.oops_limit", 0, 10000)],
        "alone": True,
    },
    "kernel.panic-hangs": {
        "good": "cd /proc/sys/kernel; echo 1 >panic_on_oops; echo 10 >panic",
        "bad": [now("kernel.panic", 0, 10), "put /etc/sysctl.d/zz-panic.conf 'kernel.panic = 0'",
                ("cd /proc/sys/kernel; echo 0 >panic; echo 0 >panic_on_oops\n"
                 "put /etc/sysctl.d/zz-panic.conf 'kernel.panic_on_oops = 1'",
                 "cd /proc/sys/kernel; echo 10 >panic; echo 1 >panic_on_oops")],
        "fine": [now("kernel.panic", -1, 10)],
    },
    "kernel.perf": sysctl("kernel.perf_event_paranoid", 3, 1, -1),
    "kernel.pointers": sysctl("kernel.kptr_restrict", 2, 0, lost=True, fine=[now("kernel.kptr_restrict", 1, 2)]),
    "kernel.protected-files": both(sysctl("fs.protected_fifos", 2, 0, fine=[now("fs.protected_fifos", 1, 2)]),
                                   sysctl("fs.protected_regular", 2, 0)),
    "kernel.protected-links": both(sysctl("fs.protected_symlinks", 1, 0),
                                   sysctl("fs.protected_hardlinks", 1, 0)),
    "kernel.ptrace": sysctl("kernel.yama.ptrace_scope", 1, 0, bad=[
        ("mv /proc/sys/kernel/yama /proc/sys/kernel/none", "mv /proc/sys/kernel/none /proc/sys/kernel/yama")]),
    "kernel.setuid-dumps": sysctl("fs.suid_dumpable", 0, 1, 2),
    "kernel.smt-leaks": {
        "bad": [vulnerable("mds", "Mitigation: Clear CPU buffers; SMT vulnerable"),
                vulnerable("l1tf", "Mitigation: PTE Inversion; VMX: conditional cache flushes, SMT vulnerable")],
        "fine": [vulnerable("taa", "Mitigation: Clear CPU buffers; SMT Host state unknown")],
    },
    "kernel.sysrq": sysctl("kernel.sysrq", 0, 1, 502, fine=[now("kernel.sysrq", 438, 0)],
                           bad=[word("sysrq_always_enabled")], alone=True),
    "kernel.terminal-injection": sysctl("dev.tty.legacy_tiocsti", 0, 1),
    "kernel.unprivileged-bpf": sysctl("kernel.unprivileged_bpf_disabled", 2, 0),
    "kernel.user-namespaces": sysctl("user.max_user_namespaces", 0, 10000),
    "kernel.userfaultfd": sysctl("vm.unprivileged_userfaultfd", 0, 1),
    "kernel.weakened-at-boot": {
        "bad": [word("nokaslr"), word("vsyscall=emulate"), word("iomem=relaxed"), word("clearcpuid=smap"),
                word("randomize_kstack_offset=off"), grub("nosmep"), grub("amd_iommu=off")],
        "fine": [word("intel_iommu=on"), word("init_on_free=1")],
        "alone": True,
    },
    "kernel.32-bit": "the architecture is the kernel's own and cannot be set",
    "kernel.built-with-extras": {
        "bad": [added("KEXEC=y"), added("BINFMT_MISC=m")],
        "alone": True,
    },
    "kernel.built-without-checks": {
        "bad": [not_set("DEBUG_WX"), config("SECURITY_YAMA", ""), not_set("BUG_ON_DATA_CORRUPTION"),
                added("COMPAT_BRK=y"), added("DEFAULT_MMAP_MIN_ADDR=4096")],
        "alone": True,
    },
    "kernel.built-without-extras": {
        "bad": [not_set("RANDSTRUCT_FULL"), config("DEBUG_SG", ""), not_set("INIT_STACK_ALL_ZERO"),
                added('MODULE_SIG_HASH="sha256"')],
        "alone": True,
    },
    "kernel.debugfs": {
        "bad": [not_set("DEBUG_FS_ALLOW_NONE"), word("debugfs=on")],
        "alone": True,
    },
    "kernel.devices-write-anywhere": {
        "good": "mkdir -p /run/staged/iommu/dmar0; mount --bind /run/staged/iommu /sys/class/iommu",
        "bad": [("rmdir /run/staged/iommu/dmar0", "mkdir /run/staged/iommu/dmar0"),
                word("iommu=pt"), word("intel_iommu=on,sm_on,off"), word("iommu.passthrough=1")],
        "fine": [word("intel_iommu=on")],
        "alone": True,
    },
    "kernel.freed-memory-kept": {
        "bad": [not_set("INIT_ON_FREE_DEFAULT_ON"), word("init_on_free=0")],
        "alone": True,
    },
    "kernel.mmap-entropy": both(sysctl("vm.mmap_rnd_bits", 32, 28),
                                sysctl("vm.mmap_rnd_compat_bits", 16, 8)),
    "kernel.modules-locked": sysctl("kernel.modules_disabled", 1, 0),
    "kernel.page-shuffle": {
        "good": "printf '%s page_alloc.shuffle=1\\n' \"$(cat /proc/cmdline)\" >/run/staged/cmdline",
        "bad": [word("page_alloc.shuffle=0"), word("page_alloc.shuffle")],
        "alone": True,
    },
    "kernel.perf-load": sysctl("kernel.perf_cpu_time_max_percent", 1, 0, 100,
                               fine=[now("kernel.perf_cpu_time_max_percent", 25, 1)]),
    "kernel.pid-max": sysctl("kernel.pid_max", 4194304, 32768),
    "kernel.slab-merging": {
        "bad": [added("SLAB_MERGE_DEFAULT=y")],
        "alone": True,
    },
    "kernel.stack-offset": {
        "bad": [not_set("RANDOMIZE_KSTACK_OFFSET_DEFAULT"), word("randomize_kstack_offset=off")],
        "alone": True,
    },
    "kernel.unsigned-modules": {
        "bad": [("echo 0 >/proc/sys/kernel/modules_disabled\n" + not_set("MODULE_SIG_FORCE")[0],
                 "echo 1 >/proc/sys/kernel/modules_disabled\n" + not_set("MODULE_SIG_FORCE")[1])],
        "fine": [now("kernel.modules_disabled", 0, 1)],
        "alone": True,
    },
    "kernel.vsyscall-page": {
        "bad": [not_set("LEGACY_VSYSCALL_NONE"), word("vsyscall=xonly")],
        "fine": [word("vsyscall=none")],
        "alone": True,
    },
    "kernel.benchmark-values": {
        # Debian's own file says 1.
        "good": "put /etc/sysctl.d/99-zy.conf 'kernel.panic_on_oops = 1\nfs.protected_fifos = 2'",
        "bad": [now("kernel.sysrq", 438, 0), now("fs.protected_fifos", 1, 2), now("kernel.kptr_restrict", 1, 2),
                now("kernel.perf_cpu_time_max_percent", 25, 1), now("kernel.panic_on_oops", 0, 1),
                now("fs.suid_dumpable", 2, 0), now("net.core.bpf_jit_harden", 1, 2),
                "put /etc/sysctl.d/zz-own.conf 'fs.protected_regular = 1'"],
        "alone": True,
    },
}
