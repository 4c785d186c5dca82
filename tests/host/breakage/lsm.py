# SPDX-License-Identifier: Apache-2.0
"""How the rules of lsm come to fail. The security modules are files here, as the kernel's are."""

from staged import CMDLINE, HOLD, SYS, grub, held, word

SECURITY = "/run/staged/security"

GOOD = CMDLINE + HOLD + SYS + f"""
mkdir -p /sys/module/apparmor/parameters {SECURITY}/apparmor
echo Y >/sys/module/apparmor/parameters/enabled
echo lockdown,capability,yama,apparmor >{SECURITY}/lsm
echo 'none [integrity] confidentiality' >{SECURITY}/lockdown
printf '%s\\n' 'man_filter (enforce)' '/usr/sbin/named (enforce)' 'unshare (unconfined)' >{SECURITY}/apparmor/profiles
cat >/usr/lib/systemd/system/apparmor.service <<'EOF'
[Service]
ExecStart=/bin/true
[Install]
WantedBy=sysinit.target
EOF
systemctl enable apparmor.service
"""


def write(text, file, good):
    return f"printf '%s\\n' {text} >{file}", f"printf '%s\\n' {good} >{file}"


PROFILES = "'man_filter (enforce)' '/usr/sbin/named (enforce)' 'unshare (unconfined)'"
ENABLED = "/sys/module/apparmor/parameters/enabled"
# The host has both, which no machine has; one of them is enough.
NO_SELINUX = ("mv /sys/fs/selinux/enforce /sys/fs/selinux/gone",
              "mv /sys/fs/selinux/gone /sys/fs/selinux/enforce")


LEFT = {
    "lsm.apparmor-idle": "the unit here is another, which ends at once",
}

RULES = {
    "lsm.apparmor-complain": {
        "bad": [write("'man_filter (enforce)' '/usr/sbin/named (complain)'", f"{SECURITY}/apparmor/profiles", PROFILES)],
        "alone": True,
    },
    "lsm.apparmor-idle": {
        "bad": [write("'man_filter (complain)'", f"{SECURITY}/apparmor/profiles", PROFILES),
                write("''", f"{SECURITY}/apparmor/profiles", PROFILES),
                write("'unshare (unconfined)'", f"{SECURITY}/apparmor/profiles", PROFILES),
                "systemctl disable apparmor.service", "systemctl mask apparmor.service"],
        "undo": "systemctl unmask apparmor.service; systemctl enable apparmor.service",
        "alone": True,
    },
    "lsm.lockdown": {
        "bad": [write("'[none] integrity confidentiality'", f"{SECURITY}/lockdown",
                      "'none [integrity] confidentiality'"),
                (f"mv {SECURITY}/lockdown {SECURITY}/gone", f"mv {SECURITY}/gone {SECURITY}/lockdown")],
    },
    "lsm.none-active": {
        "bad": [(f"echo N >{ENABLED}\n{NO_SELINUX[0]}", f"echo Y >{ENABLED}\n{NO_SELINUX[1]}"),
                (f"mv /sys/module/apparmor /sys/module/gone\n{NO_SELINUX[0]}",
                 f"mv /sys/module/gone /sys/module/apparmor\n{NO_SELINUX[1]}"),
                grub("apparmor=0"), grub("security=none", "GRUB_CMDLINE_LINUX_DEFAULT")],
        "fine": [grub("security=apparmor")],
        "alone": True,
    },
    "lsm.pam-apparmor": {
        "good": "printf '\\nPackage: libpam-apparmor\\nStatus: install ok installed\\nVersion: 1\\n"
                "Architecture: amd64\\n\\n' >>/var/lib/dpkg/status",
        "bad": ["sed -i '/^Package: libpam-apparmor$/{n;s/install ok installed/deinstall ok config-files/}' "
                "/var/lib/dpkg/status", "sed -i 's/^Package: libpam-apparmor$/&-other/' /var/lib/dpkg/status"],
    },
    "lsm.selinux-permissive": {
        "good": "mkdir -p /sys/fs/selinux; echo 1 >/sys/fs/selinux/enforce\n"
                "put /etc/selinux/config 'SELINUX=enforcing'",
        "bad": [write("0", "/sys/fs/selinux/enforce", "1"), "put /etc/selinux/config 'SELINUX=permissive'",
                "put /etc/selinux/config 'SELINUX=disabled'", word("enforcing=0")],
        "fine": ["put /etc/selinux/config 'SELINUX=Enforcing'", word("enforcing=1")],
    },
    # The kernel here has no AppArmor, so no process has a profile.
    "lsm.unconfined-listeners": {
        "bad": [held("nginx", "tcp", "0.0.0.0", 80), held("named", "udp", "::", 53)],
        "fine": [held("nginx", "tcp", "127.0.0.1", 80)],
    },
}
