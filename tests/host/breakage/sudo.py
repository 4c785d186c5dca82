# SPDX-License-Identifier: Apache-2.0
"""How the rules of sudo come to fail. README.md says how to read this."""

# With a mode that sudo takes and visudo complains about, as people leave it.
GOOD = """
add /etc/sudoers.d/00-good 'Defaults logfile=/var/log/sudo.log'
useradd -m -s /bin/bash dev
"""


def rule(*lines):
    """A file of its own in sudoers.d, which sudo itself accepts."""
    text = "\n".join(lines).replace("'", "'\\''")
    return f"""file=/etc/sudoers.d/60-$own
    put $file '{text}'
    chmod 440 $file; visudo -cqf $file"""


LEFT = {
    "sudo.installed": "there is no repository: see test_packages",
}

RULES = {
    "sudo.doas-no-password": {"bad": ["put /etc/doas.conf 'permit nopass :sudo'",
                                      "put /etc/doas.conf 'permit keepenv nopass setenv { A=b } dev as root'",
                                      "put /etc/doas.conf 'permit \\\n nopass dev'",
                                      "put /etc/doas.conf 'permit nopass keepenv dev as 0 cmd /bin/bash'"],
                              "fine": ["put /etc/doas.conf 'permit persist :sudo'",
                                       "put /etc/doas.conf 'permit nopass dev as www-data'",
                                       "put /etc/doas.conf 'permit nopass dev cmd /usr/bin/id'"]},
    "sudo.polkit-no-password": {"says": "manual", "bad": [
        "put /etc/polkit-1/rules.d/10.rules 'polkit.addRule(function() { return polkit.Result.YES; });'",
        "put /etc/polkit-1/localauthority/50-local.d/x.pkla '[x]\nAction=*\nResultAny=yes'"],
        "fine": ["put /etc/polkit-1/rules.d/10.rules '// polkit.Result.YES'"]},
    "sudo.authenticates": {"alone": True, "bad": [
        rule("Defaults exempt_group = dev"),
        rule("Defaults !authenticate"),
        rule("Defaults:dev !authenticate"),
        rule("Defaults:%sudo,dev env_reset, !authenticate"),
        rule("Defaults>www-data \\", "\t!authenticate"),
        rule("Defaults@ALL !authenticate"),
        rule("Cmnd_Alias SAFE = /usr/bin/id", "Defaults!SAFE !authenticate"),
        rule("Defaults !!!authenticate"),
        "echo 'Defaults !authenticate' >>/etc/sudoers",
        "sed -i 's/^@includedir.*/#includedir \\/etc\\/sudo.more/' /etc/sudoers\n"
        "mkdir /etc/sudo.more; echo 'Defaults !authenticate' >/etc/sudo.more/x; chmod 440 /etc/sudo.more/x",
        "echo '@include /etc/sudoers.%h' >>/etc/sudoers\n"
        "put /etc/sudoers.$(hostname -s) 'Defaults !authenticate'; chmod 440 /etc/sudoers.*",
    ], "fine": [
        "put /etc/sudoers.d/x.off 'Defaults !authenticate'",
        "put /etc/sudoers.d/x~ 'Defaults !authenticate'",
        "put /etc/sudoers.d/comment '# Defaults !authenticate'",
    ]},
    "sudo.environment": {"bad": [
        rule("Defaults !env_reset"),
        rule("Defaults:dev setenv"),
        rule("Defaults !secure_path"),
        "sed -i /secure_path/d /etc/sudoers",
        rule('Defaults env_keep += "LANG LD_PRELOAD"'),
        rule('Defaults:dev env_keep+=PATH'),
        rule('Defaults env_keep += "LD_*"'),
        rule('Defaults env_keep = "*"'),
        rule('Defaults env_keep += "GIT_SSH_COMMAND"'),
        rule('Defaults secure_path = ".:/usr/bin"'),
        rule('Defaults secure_path = "/usr/bin:/home/dev/bin"'),
        rule('Defaults:dev secure_path = "/tmp:/usr/bin"'),
        rule('Defaults:dev secure_path = "/usr/bin:/bin"') + "\n"
        "sed -i '/^Defaults.*secure_path/d' /etc/sudoers",
        rule("dev ALL = (root) SETENV: /usr/bin/id"),
    ], "fine": [
        rule('Defaults env_keep += "http_proxy https_proxy SSH_AUTH_SOCK EDITOR_THEME"'),
    ]},
    "sudo.installed": {"bad": [
        "SUDO_FORCE_REMOVE=yes dpkg --remove sudo",
    ], "alone": True},
    "sudo.logfile": {"bad": [
        "rm /etc/sudoers.d/00-good",
        rule("Defaults !logfile"),
        rule("Defaults logfile=/dev/null"),
        rule("Defaults:dev !logfile"),
        "sed -i 's/Defaults/Defaults:dev/' /etc/sudoers.d/00-good",
    ]},
    "sudo.logs-everything": {"bad": [
        rule("Defaults !syslog"),
        rule("Defaults!/usr/bin/tar !log_allowed"),
        rule("Defaults:dev !log_denied"),
    ]},
    "sudo.any-nopasswd": {"alone": True, "bad": [
        rule("dev ALL=(root) NOPASSWD: /usr/bin/systemctl restart app"),
        rule("%dev ALL=(www-data) NOPASSWD: /usr/bin/id"),
        rule("dev ALL=(root) PASSWD: /usr/bin/id, NOPASSWD: /usr/bin/ls"),
    ], "fine": [rule("dev ALL=(root) NOPASSWD: PASSWD: /usr/bin/id"), rule("root ALL=(ALL) NOPASSWD: ALL")]},
    "sudo.no-free-root": {"bad": [
        rule("dev ALL=(ALL) NOPASSWD:ALL"),
        rule("%dev ALL=(ALL:ALL)NOPASSWD: ALL"),
        rule("dev ALL = NOPASSWD: ALL"),
        rule("User_Alias ROBOTS = dev", "Cmnd_Alias X = ALL", "ROBOTS ALL = NOPASSWD: X"),
        rule("Runas_Alias OP = root", "dev ALL = (OP) NOPASSWD: \\", "  /usr/bin/id, ALL"),
        rule("#1001 ALL=(#0) NOPASSWD: ALL"),
        rule("dev ALL=(root) NOPASSWD: /usr/bin/id, PASSWD: /usr/bin/ls",
             "dev ALL=(ALL) NOPASSWD: SETENV: ALL"),
        rule("dev ALL = (%root) NOPASSWD: ALL"),
        rule("dev ALL = (ALL, !postgres) NOPASSWD: ALL"),
        rule("dev ALL = (root) NOPASSWD: /bin/bash"),
        rule("dev ALL = (root) NOPASSWD: /usr/bin/"),
        rule("dev ALL = NOPASSWD: /usr/bin/*"),
        rule("dev ALL = NOPASSWD: /bin/su -"),
        rule("dev ALL = NOPASSWD: sudoedit"),
        rule("dev ALL = NOPASSWD: ALL, !/usr/bin/passwd root"),
        "echo 'dev ALL=(ALL:ALL) NOPASSWD:ALL' >>/etc/sudoers",
        "sed -i 's/^%sudo.*/%sudo ALL=(ALL:ALL) NOPASSWD:ALL/' /etc/sudoers",
    ], "fine": [
        rule("dev ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx.service"),
        rule("dev ALL=(postgres) NOPASSWD: ALL"),
    ]},
    "sudo.no-negation": {"bad": [
        rule("dev ALL = ALL, !/bin/bash"),
        rule("Cmnd_Alias SHELLS = /bin/bash, /bin/sh", "dev ALL = (root) ALL, ! SHELLS"),
        rule("Cmnd_Alias OK = /usr/bin/*, !/usr/bin/passwd", "dev ALL = OK"),
    ]},
    "sudo.no-shell-escape": {"bad": [
        rule("dev ALL = /usr/bin/vim"),
        rule("dev ALL = (root) /usr/bin/less /var/log/syslog"),
        rule("Cmnd_Alias EDIT = /usr/bin/vi /etc/hosts", "dev ALL = EDIT"),
        rule("dev ALL = /usr/bin/env"),
        rule("dev ALL = /usr/bin/python3.11"),
        rule("dev ALL = /bin/bash"),
        rule("dev ALL = /usr/bin/bash -c *"),
        rule("dev ALL = sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /usr/bin/find"),
        rule("dev ALL = /usr/bin/su"),
        rule("dev ALL = /usr/bin/docker"),
        rule("dev ALL = /usr/bin/apt-get"),
        rule("dev ALL = /usr/bin/systemctl"),
        rule("dev ALL = /usr/sbin/visudo"),
        rule("dev ALL = /usr/bin/crontab -e"),
        rule("dev ALL = /usr/bin/tcpdump"),
        rule("dev ALL = /usr/bin/tee"),
        rule("dev ALL = /usr/bin/"),
        rule("dev ALL = /usr/sbin/chroot"),
        rule("dev ALL = /usr/bin/nsenter"),
    ], "fine": [
        rule("dev ALL = NOEXEC: /usr/bin/less /var/log/syslog"),
        rule("dev ALL = sudoedit /etc/hosts"),
        rule("dev ALL = /usr/bin/systemctl restart nginx.service"),
        rule("dev ALL = (dev) /usr/bin/vim"),
    ]},
    "sudo.no-wildcards": {"bad": [
        rule("dev ALL = /usr/bin/cat /var/log/*"),
        rule("Cmnd_Alias LOGS = /usr/bin/tail /var/log/?*.log", "dev ALL = LOGS"),
        rule("dev ALL = /opt/*/bin/run"),
        rule("dev ALL = /usr/bin/cat ^/var/log/.*$"),
    ], "fine": [rule("dev ALL = /usr/bin/cat ^/var/log/[a-z]+$"),
                rule("dev ALL = /usr/bin/systemctl restart app-[0-9]")]},
    "sudo.open-arguments": {"alone": True, "bad": [
        rule("dev ALL = /usr/bin/systemctl"),
        rule("dev ALL = /usr/bin/cat /etc/motd, /usr/bin/id"),
        rule("Cmnd_Alias TOOLS = /usr/bin/tail, /usr/bin/id \"\"", "dev ALL = (www-data) TOOLS"),
    ], "fine": [rule("dev ALL = /usr/bin/systemctl restart app"), rule("dev ALL = /usr/bin/id \"\""),
                rule("root ALL = /usr/bin/id")]},
    "sudo.not-everyone": {"bad": [
        rule("ALL ALL=(ALL) ALL"),
        rule("ALL,!guest ALL=(root) ALL"),
        rule("User_Alias STAFF = ALL", "STAFF ALL = ALL"),
        rule("%users ALL = ALL"),
    ]},
    "sudo.own-password": {"bad": [rule("Defaults rootpw"), rule("Defaults:%sudo targetpw"),
                                  rule("Defaults@ALL env_reset,runaspw")]},
    "sudo.timeout": {"bad": [
        rule("Defaults timestamp_timeout=-1"),
        rule("Defaults:dev timestamp_timeout = 60"),
        rule("Defaults timestamp_type=global"),
        rule("Defaults !tty_tickets"),
        rule("Defaults:%sudo timestamp_timeout=15.5"),
    ], "fine": [rule("Defaults timestamp_timeout=0"), rule("Defaults timestamp_timeout=2.5"),
                rule("Defaults !timestamp_timeout")]},
    "sudo.use-pty": {"bad": [
        rule("Defaults !use_pty"),
        rule("Defaults:dev !use_pty"),
        "sed -i '/use_pty/d' /etc/sudoers",
        "sed -i 's/^Defaults.*use_pty/Defaults:dev use_pty/' /etc/sudoers",
    ]},
    "sudo.noexec": {"good": "add /etc/sudoers.d/01-noexec 'Defaults noexec'", "bad": [
        "sed -i /noexec/d /etc/sudoers.d/01-noexec", "sed -i 's/noexec/!&/' /etc/sudoers.d/01-noexec",
    ]},
    "sudo.other-admins": {"says": "manual", "alone": True, "bad": [
        rule("dev ALL = (ALL) ALL"), rule("%users ALL = (root) NOPASSWD: ALL", "dev ALL = (root) ALL"),
        rule("User_Alias OPS = dev", "OPS ALL = ALL"),
    ], "fine": [rule("dev ALL = (www-data) ALL"), rule("dev ALL = (root) /usr/bin/id")]},
    "sudo.own-group": {"alone": True, "good": "chgrp sudo /usr/bin/sudo; chmod 4710 /usr/bin/sudo", "bad": [
        "chmod 4711 /usr/bin/sudo", "chown root:root /usr/bin/sudo; chmod 4755 /usr/bin/sudo",
    ]},
    "sudo.password-shown": {"bad": [
        rule("Defaults pwfeedback"), rule("Defaults:dev visiblepw"), rule("Defaults passwd_tries = 100"),
    ], "fine": [rule("Defaults !pwfeedback, passwd_tries = 2")]},
    "sudo.requiretty": {"good": "add /etc/sudoers.d/01-tty 'Defaults requiretty'", "bad": [
        "sed -i /requiretty/d /etc/sudoers.d/01-tty", rule("Defaults:dev !requiretty"),
    ]},
    "sudo.umask": {"good": "add /etc/sudoers.d/01-umask 'Defaults umask = 0077'", "bad": [
        rule("Defaults umask = 0022"), "sed -i /umask/d /etc/sudoers.d/01-umask",
        rule("Defaults:dev umask = 0002"),
    ]},
}
