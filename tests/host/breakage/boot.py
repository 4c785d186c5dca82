# SPDX-License-Identifier: Apache-2.0
"""How the rules of boot come to fail. There is no boot loader here, but there are its files."""

from staged import CMDLINE, SYS, grub, word

GOOD = CMDLINE + SYS + r"""
mkdir -p /boot/grub
cat >/boot/grub/grub.cfg <<'EOF'
set superusers="root"
password_pbkdf2 root grub.pbkdf2.sha512.10000.AA.BB
menuentry 'Debian GNU/Linux' --unrestricted {
	linux /vmlinuz root=/dev/vda1 ro quiet
}
EOF
chmod 600 /boot/grub/grub.cfg
systemctl mask ctrl-alt-del.target
cat >/usr/lib/systemd/system/debug-shell.service <<'EOF'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=sysinit.target
EOF
systemctl daemon-reload
"""

SECURE_BOOT = "/run/staged/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
MENU = "/boot/grub/grub.cfg"
WORDS = "quiet iommu=force pti=on spectre_v2=on spec_store_bypass_disable=seccomp l1tf=full,force mds=full,nosmt"


def drop_in(unit, text):
    return f"put /etc/systemd/system/{unit}.d/x.conf '{text}'; systemctl daemon-reload"


RULES = {
    "boot.ctrl-alt-del": {
        "bad": ["systemctl unmask ctrl-alt-del.target", "systemctl unmask ctrl-alt-del.target\n"
                "ln -sf /usr/lib/systemd/system/reboot.target /etc/systemd/system/ctrl-alt-del.target"],
    },
    "boot.benchmark-arguments": {
        "good": f"put /run/staged/cmdline '{WORDS}'",
        "bad": [(f"put /run/staged/cmdline '{WORDS.replace(word, other)}'", f"put /run/staged/cmdline '{WORDS}'")
                for word, other in (("pti=on", "pti=auto"), ("mds=full,nosmt", "mds=full"), ("iommu=force ", ""))],
        "alone": True,
    },
    "boot.grub-config-private": {
        "bad": [f"sed -i /^password/d {MENU}; chmod 444 {MENU}", f"chmod 640 {MENU}"],
        "alone": True,
    },
    "boot.grub-config-readable": {
        "bad": [f"chmod 644 {MENU}", f"chmod 640 {MENU}",
                "put /boot/grub2/user.cfg 'GRUB2_PASSWORD=grub.pbkdf2.x'; chmod 644 /boot/grub2/user.cfg"],
        "fine": [f"chmod 400 {MENU}"],
    },
    "boot.grub-config-writable": {
        "bad": [f"chown ops {MENU}", f"chmod 660 {MENU}", f"chmod 602 {MENU}",
                "put /boot/grub2/grub.cfg ''; chmod 666 /boot/grub2/grub.cfg"],
        "alone": True,
    },
    "boot.grub-password": {
        "bad": [f"sed -i '/^password/d' {MENU}", f"sed -i 's/^password/#&/' {MENU}",
                f"sed -i '/superusers/d' {MENU}", f"sed -i 's/superusers=\"root\"/superusers=\"other\"/' {MENU}"],
        "fine": [f"sed -i 's/^password_pbkdf2 root .*/password root x/' {MENU}"],
        "alone": True,
    },
    "boot.rescue-login": {
        "bad": [drop_in("rescue.service", "[Service]\nExecStart=\nExecStart=/bin/bash"),
                drop_in("emergency.service", "[Service]\nExecStart=\nExecStart=-/bin/sh"),
                drop_in("rescue.service", "[Service]\nExecStart=-/bin/bash"),
                drop_in("rescue.service", "[Service]\nEnvironment=A=B SYSTEMD_SULOGIN_FORCE=1"),
                drop_in("rescue.service", "[Service]\nEnvironmentFile=/etc/default/rescue") +
                "; echo SYSTEMD_SULOGIN_FORCE=yes >/etc/default/rescue",
                drop_in("emergency.service", "[Service]\nExecStart=\nExecStart=-/sbin/sulogin -e"),
                "put /etc/systemd/system.conf.d/x.conf '[Manager]\nDefaultEnvironment=SYSTEMD_SULOGIN_FORCE=1'"],
        "fine": [drop_in("rescue.service", "[Service]\nEnvironment=A=B")],
        "undo": "rm -rf /etc/systemd/system/rescue.service.d /etc/systemd/system/emergency.service.d "
                "/etc/default/rescue /etc/systemd/system.conf.d/x.conf\n"
                "systemctl daemon-reload",
    },
    "boot.root-shell": {
        "bad": [word("systemd.debug_shell"), word("systemd.debug-shell=1"), word("init=/bin/bash"),
                word("rdinit=/bin/sh"), word("rd.break=pre-mount"), word("break"), word("init=/bin/busybox"),
                word("systemd.setenv=SYSTEMD_SULOGIN_FORCE=1"),
                "systemctl enable debug-shell.service",
                ("systemctl start debug-shell.service", "systemctl stop debug-shell.service"),
                ("systemctl enable --runtime debug-shell.service",
                 "systemctl disable --runtime debug-shell.service"),
                (drop_in("getty@tty1.service", "[Service]\nExecStart=\nExecStart=-/sbin/agetty -a root tty1"),
                 "rm -r /etc/systemd/system/getty@tty1.service.d; systemctl daemon-reload"),
                grub("systemd.debug-shell"), grub("init=/bin/sh", "GRUB_CMDLINE_LINUX_DEFAULT")],
        "fine": [word("systemd.debug_shell=0"), word("init=/lib/systemd/systemd"), grub("rd.shell=0")],
        "alone": True,
    },
    "boot.efi-files": {
        "good": "mkdir -p /boot/efi/EFI/debian; put /boot/efi/EFI/debian/grub.cfg 'search'",
        "bad": ["chmod 777 /boot/efi/EFI/debian/grub.cfg", "chmod 775 /boot/efi", "chown ops /boot/efi/EFI/debian"],
    },
    "boot.secure-boot": {
        "good": f"""mkdir -p /run/staged/firmware/efi/efivars; printf '\\6\\0\\0\\0\\1' >{SECURE_BOOT}
mkdir -p /sys/firmware; mount --bind /run/staged/firmware /sys/firmware""",
        "bad": [(f"printf '\\6\\0\\0\\0\\0' >{SECURE_BOOT}", f"printf '\\6\\0\\0\\0\\1' >{SECURE_BOOT}"),
                (f"mv {SECURE_BOOT} {SECURE_BOOT}.x", f"mv {SECURE_BOOT}.x {SECURE_BOOT}")],
        "fine": [("mv /run/staged/firmware/efi /run/staged/firmware/none",
                  "mv /run/staged/firmware/none /run/staged/firmware/efi")],
    },
}
