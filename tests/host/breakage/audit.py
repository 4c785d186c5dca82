# SPDX-License-Identifier: Apache-2.0
"""How the rules of audit come to fail. README.md says how to read this.

The kernel's own part (auditctl) is not to be had in these hosts, so rules that need it are unknown
where they would pass.
"""

HOST = "iot-backend"

RULES_FILE = "/etc/audit/rules.d/50-good.rules"

GOOD = f"""
rm /etc/audit/rules.d/*
cat >{RULES_FILE} <<'EOF'
-b 8192
-w /etc/passwd -p wa -k identity
-w /etc/shadow -p wa -k identity
-a always,exit -F path=/etc/group -F perm=wa -k identity
-w /etc/gshadow -p wa -k identity
-w /etc/sudoers -p wa -k privilege
-w /etc/sudoers.d/ -p aw -k privilege
-w /var/log/sudo.log -p wa -k sudolog
-w /var/log/lastlog -p wa -k logins
-w /var/log/wtmp -p wa -k logins
-w /var/log/btmp -p wa -k logins
-a always,exit -F arch=b64 -S execve,execveat -F euid=0 -F auid>=1000 -F auid!=unset -k rootcmd
-a always,exit -F arch=b32 -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k root32
-a always,exit -F arch=b64 -S init_module -S finit_module -S delete_module -k modules
-a exit,always -F arch=b64 -S adjtimex,settimeofday -k time
-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -k time
-a always,exit -F arch=b64 -S chmod,fchmodat,chown,fchownat,setxattr -F auid>=1000 -k perm_mod
-a always,exit -F arch=b64 -S mount -F auid>=1000 -k mounts
-a always,exit -F arch=b64 -S unlinkat,renameat2 -F auid>=1000 -k delete
-a always,exit -F arch=b64 -S openat -F exit=-EACCES -F auid>=1000 -k access
-a always,exit -F arch=b64 -S openat -F exit=-EPERM -F auid>=1000 -k access
-e 2
EOF
rm -f /etc/sudoers.d/*; put /etc/sudoers.d/log 'Defaults logfile=/var/log/sudo.log'
mkdir -p /var/log/audit; touch /var/log/audit/audit.log
chown -R root:adm /var/log/audit; chmod 750 /var/log/audit; chmod 640 /var/log/audit/* /etc/audit/rules.d/*
sed -i -E 's/^(space_left_action|admin_space_left_action|disk_full_action) .*/\\1 = SYSLOG/' /etc/audit/auditd.conf
rm /etc/systemd/system/auditd.service; put /etc/systemd/system/auditd.service '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target'
systemctl daemon-reload; systemctl enable -q --now auditd
"""


def without(pattern):
    return f"sed -i '/{pattern}/d' {RULES_FILE}"


def change(old, new):
    return f"sed -E 's~{old}~{new}~' {RULES_FILE} >/run/new; ! cmp -s /run/new {RULES_FILE}; cat /run/new >{RULES_FILE}"


def rule(text):
    return f"echo '{text}' >/etc/audit/rules.d/60-$RANDOM.rules"


def syscall(key, call):
    """The ways in which a rule about a system call does not record it."""
    return {"bad": [
        without(f"-k {key}$"),
        change(f"^(-.*[ ,]{call}[ ,].*-k {key})$", "# \\1"),
        change(f"arch=b64(.*-k {key})$", "arch=b32\\1"),
        change(f"^-a (always,exit|exit,always)(.*-k {key})$", "-a never,exit\\2"),
        change(f"(-k {key})$", "-F exe=/usr/bin/x \\1"),
        change(f"(-k {key})$", "-F auid=1234 \\1"),
    ]}


AUDITD = "/etc/audit/auditd.conf"


def auditd(key, value):
    return f"sed -i -E 's/^{key} *=.*/{key} = {value}/' {AUDITD}"


RULES = {
    "audit.commands": {"bad": [without("-k root32$"), change("b32( -S execve)", "b64\\1"),
                               *syscall("rootcmd", "execve")["bad"]]},
    "audit.deletions": syscall("delete", "unlinkat"),
    "audit.denied-access": {"bad": [
        without("EACCES"), without("EPERM"), change("exit=-EPERM", "exit=-ENOENT"),
        change("-S openat", "-S open"),
    ]},
    "audit.identity": {"alone": True, "bad": [
        without("etc.passwd"), without("etc.group"), change("(gshadow -p) wa", "\\1 r"),
        change("/etc/sudoers.d/", "/etc/sudoers.off/"), change("^-w (/etc/shadow )", "-W \\1"),
        f"mv {RULES_FILE} {RULES_FILE}.off",
    ]},
    "audit.immutable": {"alone": True, "before": ("unknown",), "bad": [
        without("^-e 2"), change("^-e 2", "-e 1"), "rm /etc/audit/rules.d/*",
    ]},
    "audit.log-private": {"bad": [
        "chmod 644 /var/log/audit/audit.log", "chmod 751 /var/log/audit",
        "chown www-data /etc/audit/auditd.conf",
        f"chmod 664 {RULES_FILE}", "chmod 757 /etc/audit/rules.d", "chmod 775 /sbin/auditctl",
        "touch /var/log/audit/audit.log.1; chmod 604 /var/log/audit/audit.log.1",
        "chgrp users /var/log/audit/audit.log",
        "chgrp users /etc/audit/rules.d",
    ]},
    "audit.log-space": {"bad": [
        auditd("max_log_file", "1"), auditd("max_log_file_action", "IGNORE"),
        auditd("space_left_action", "ignore"),
        auditd("disk_full_action", "SUSPEND"), f"sed -i /^admin_space_left_action/d {AUDITD}",
        f"mv {AUDITD} {AUDITD}.off",
    ]},
    "audit.logins": {"bad": [without("lastlog"), change("(wtmp -p) wa", "\\1 r"), without("btmp")]},
    "audit.lost": "what the kernel's audit queue lost cannot be had nor made in a container",
    "audit.modules": syscall("modules", "init_module"),
    "audit.mounts": syscall("mounts", "mount"),
    "audit.not-suppressed": {"before": ("unknown",), "bad": [
        rule("-a task,never"), rule("-a never,task"), rule("-e 0"),
        rule("-a never,exit -F arch=b64"),
        rule("-a never,exclude -F msgtype=SYSCALL"), rule("-a always,exclude -F msgtype=EXECVE"),
        rule("-a exclude,never -F auid>=1000"),
    ],
    "fine": [rule("-a never,exclude -F msgtype=CWD"),
             rule("-a never,exit -F path=/usr/bin/x -F perm=x")]},
    "audit.permissions": syscall("perm_mod", "chmod"),
    "audit.rules-loaded": "the rules in force are the kernel's, which a container may not ask",
    "audit.running": {
        "alone": True,
        "before": ("unknown",),
        "bad": ["systemctl disable -q auditd", "systemctl stop auditd",
                "systemctl mask -q --runtime --now auditd",
                "sed -i '/^Package: auditd$/,/^$/s/^Status:.*/Status: deinstall ok config-files/' /var/lib/dpkg/status"],
        "undo": "systemctl unmask -q --runtime auditd; systemctl enable -q --now auditd",
    },
    "audit.sudo-log": {"bad": [
        without("sudo.log"), change("sudo.log -p wa", "sudo.log -p x"),
        "put /etc/sudoers.d/log 'Defaults logfile=/srv/log/sudo'",
    ], "fine": ["put /etc/sudoers.d/log 'Defaults logfile=/srv/log/sudo'; " + rule("-w /srv/log/sudo -p wa")]},
    "audit.time": syscall("time", "settimeofday"),
}
