# SPDX-License-Identifier: Apache-2.0
"""How the rules of audit come to fail. README.md says how to read this.

The kernel's own part (auditctl) is not to be had in these hosts, so rules that need it are unknown
where they would pass.
"""

from staged import CMDLINE, word

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
-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr -F auid>=1000 -k perm_mod
-a always,exit -F arch=b64 -S mount -F auid>=1000 -k mounts
-a always,exit -F arch=b64 -S rename,renameat,renameat2,unlink,unlinkat -F auid>=1000 -k delete
-a always,exit -F arch=b64 -S creat,open,openat,truncate,ftruncate -F exit=-EACCES -F auid>=1000 -k access
-a always,exit -F arch=b64 -S creat,open,openat,truncate,ftruncate -F exit=-EPERM -F auid>=1000 -k access
-w /etc/security/opasswd -p wa -k identity
-w /etc/nsswitch.conf -p wa -k identity
-w /etc/pam.conf -p wa -k identity
-w /etc/pam.d -p wa -k identity
-a always,exit -F arch=b64 -S sethostname,setdomainname -k network
-w /etc/issue -p wa -k network
-w /etc/issue.net -p wa -k network
-w /etc/hosts -p wa -k network
-w /etc/networks -p wa -k network
-w /etc/network -p wa -k network
-w /etc/apparmor -p wa -k mac
-w /etc/apparmor.d/ -p wa -k mac
-w /etc/crontab -p wa -k started
-w /etc/cron.d -p wa -k started
-w /var/spool/cron -p wa -k started
-w /etc/systemd/system -p wa -k started
-w /etc/ld.so.preload -p wa -k started
-w /etc/docker -p wa -k docker
-w /usr/bin/docker -p x -k docker
-a always,exit -F path=/usr/bin/chcon -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F path=/usr/bin/setfacl -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F path=/usr/bin/chacl -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F path=/usr/sbin/usermod -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F path=/usr/bin/kmod -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F path=/usr/bin/sudo -F perm=x -F auid>=1000 -F auid!=unset -k admin
-a always,exit -F arch=b64 -S ptrace -F a0=0x10 -k inject
-a always,exit -F arch=b64 -S ptrace -F a0=0x4206 -k inject
-a always,exit -F arch=b64 -S process_vm_writev -k inject
-w /etc/localtime -p wa -k clock
-w /var/run/utmp -p wa -k logins
-w /run/faillock -p wa -k logins
-e 2
EOF
rm -f /etc/sudoers.d/*; put /etc/sudoers.d/log 'Defaults logfile=/var/log/sudo.log'
mkdir -p /var/log/audit; touch /var/log/audit/audit.log
chown -R root:adm /var/log/audit; chmod 750 /var/log/audit; chmod 640 /var/log/audit/* /etc/audit/rules.d/*
sed -i -E 's/^(space_left_action|disk_error_action) .*/\\1 = SYSLOG/; s/^(admin_space_left_action|disk_full_action) .*/\\1 = HALT/' /etc/audit/auditd.conf
rm /etc/systemd/system/auditd.service; put /usr/lib/stand-in/auditd '#!/bin/sh\ntrap : HUP\nwhile :; do sleep infinity; done'; chmod 755 /usr/lib/stand-in/auditd
put /etc/systemd/system/auditd.service '[Service]\nExecStart=/usr/lib/stand-in/auditd\n[Install]\nWantedBy=multi-user.target'
systemctl daemon-reload; systemctl enable -q --now auditd
"""


def without(pattern):
    return f"sed -i '/{pattern}/d' {RULES_FILE}"


def change(old, new):
    return f"sed -E 's~{old}~{new}~' {RULES_FILE} >/run/new; ! cmp -s /run/new {RULES_FILE}; cat /run/new >{RULES_FILE}"


def rule(text):
    return f"echo '{text}' >>/etc/audit/rules.d/60-$own.rules"


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


SESSION = "-a always,exit -F arch=b64 -S execve,execveat -F auid>=1000 -F auid!=unset -k session"


def package(name):
    return f"""cat >>/var/lib/dpkg/status <<'EOF'

Package: {name}
Status: install ok installed
Architecture: amd64
Version: 1
Maintainer: x
Description: x
EOF"""


LEFT = {
    "audit.running": "a container has no auditd",
}

RULES = {
    "audit.commands": {"bad": [without("-k root32$"), change("b32( -S execve)", "b64\\1"),
                               *syscall("rootcmd", "execve")["bad"]]},
    "audit.deletions": syscall("delete", "unlinkat"),
    "audit.denied-access": {"bad": [
        without("EACCES"), without("EPERM"), change("exit=-EPERM", "exit=-ENOENT"),
        change("open,openat", "open"), change("truncate,ftruncate", "truncate"),
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
    "audit.logins": {"bad": [without("lastlog"), change("(wtmp -p) wa", "\\1 r"), without("btmp"),
                             without("utmp"), without("faillock")]},
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
    "audit.time": {"bad": [*syscall("time", "settimeofday")["bad"], without("localtime"),
                           change("adjtimex,settimeofday", "settimeofday")]},
    "audit.admin-tools": {"alone": True, "bad": [
        without("bin.chcon"), without("bin.setfacl"), without("bin.kmod"),
        change("(bin.usermod -F perm)=x", "\\1=w"), change("(bin.sudo -F perm=x)", "\\1 -F uid=1234"),
    ], "fine": [without("bin.chacl") + "\n" + rule("-a always,exit -F arch=b64 -S execve -F auid>=1000")]},
    "audit.authentication": {"bad": [
        without("nsswitch"), change("(pam.d -p) wa", "\\1 r"), without("opasswd"),
    ], "fine": [without("nsswitch") + "\n" + rule("-w /etc -p wa")]},
    "audit.containers": {"good": package("docker.io"), "bad": [
        without("etc.docker"), change("(bin.docker -p) x", "\\1 w"),
    ]},
    "audit.daemon-writes": {"alone": True, "bad": [
        auditd("write_logs", "no"), auditd("log_format", "RAW"), auditd("local_events", "no"),
        f"echo 'overflow_action = ignore' >>{AUDITD}", f"mv {AUDITD} {AUDITD}.off",
    ]},
    "audit.early": {"good": CMDLINE + "put /run/staged/cmdline 'quiet audit=1'", "bad": [
        ("put /run/staged/cmdline quiet", "put /run/staged/cmdline 'quiet audit=1'"), word("audit=0"),
    ]},
    "audit.injection": {"bad": [
        without("a0=0x4206"), without("a0=0x10"), without("process_vm_writev"),
        change("-S ptrace -F a0=0x10", "-S ptrace -F a0=0x11"),
    ], "fine": [without("a0=0x") + "\n" + rule("-a always,exit -F arch=b64 -S ptrace -F auid>=1000")]},
    "audit.log-errors": {"alone": True, "bad": [
        auditd("disk_error_action", "SUSPEND"), f"sed -i /^disk_error_action/d {AUDITD}",
    ]},
    "audit.mandatory-access": {"good": package("apparmor"), "bad": [
        without("apparmor -p"), change("(apparmor.d. -p) wa", "\\1 x"),
    ]},
    "audit.network": {"bad": [
        without("sethostname"), without("etc.hosts "), change("(issue.net -p) wa", "\\1 r"),
        change("sethostname,setdomainname", "sethostname"), without("etc.network "),
    ]},
    "audit.rules-private": {"good": f"chmod 750 /etc/audit /etc/audit/rules.d; chmod 640 {RULES_FILE} {AUDITD}", "bad": [
        f"chmod 644 {RULES_FILE}", "chmod 755 /etc/audit/rules.d", f"chmod 604 {AUDITD}", "chmod 751 /etc/audit",
    ]},
    "audit.sessions": {"alone": True, "before": ("fail",), "bad": [
        rule(SESSION), rule(SESSION.replace("b64", "b32")),
        rule(SESSION + " -F euid=0") + "\n" + rule(SESSION.replace("b64", "b32")),
        rule(SESSION + " -F exe=/usr/bin/x") + "\n" + rule(SESSION.replace("b64", "b32")),
        rule(SESSION.replace("always", "never")) + "\n" + rule(SESSION.replace("b64", "b32")),
    ]},
    "audit.started-programs": {"bad": [
        without("etc.cron.d "), without("systemd.system"), change("(ld.so.preload -p) wa", "\\1 r"),
    ]},
    "audit.stops-when-full": {"alone": True, "bad": [
        auditd("disk_full_action", "SYSLOG"), auditd("admin_space_left_action", "SUSPEND"),
    ]},
}
