# SPDX-License-Identifier: Apache-2.0
"""How the rules of logging come to fail. README.md says how to read this."""

GOOD = """
cat >/etc/rsyslog.d/10-remote.conf <<'EOF'
action(type="omfwd" target="10.99.0.9" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")
EOF
systemctl restart rsyslog || true
"""

REMOTE = "/etc/rsyslog.d/10-remote.conf"
JOURNALD = "/etc/systemd/journald.conf.d"


def journald(*lines, name="50"):
    text = "\n".join(("[Journal]",) + lines)
    return f"add {JOURNALD}/{name}-$own.conf '{text}'"


def rsyslog(*lines, name="20"):
    text = "\n".join(lines).replace("'", "'\\''")
    return f"add /etc/rsyslog.d/{name}-$own.conf '{text}'"


J = "/run/log/journal/other/system@1.journal"
UPLOAD = """put /usr/lib/stand-in/systemd-journal-upload '#!/bin/sh\nexec sleep infinity'
chmod 755 /usr/lib/stand-in/systemd-journal-upload
put /etc/systemd/system/systemd-journal-upload.service '[Service]\nExecStart=/usr/lib/stand-in/systemd-journal-upload'
systemctl daemon-reload; systemctl start systemd-journal-upload
put /etc/systemd/journal-upload.conf"""
UPLOAD_ENDS = "systemctl stop systemd-journal-upload"
RESTART = "systemctl unmask rsyslog; systemctl enable rsyslog; systemctl restart rsyslog"

RULES = {
    "logging.auth-kept": {"alone": True, "bad": [
        "sed -i '/auth.log/d' /etc/rsyslog.conf; rm " + REMOTE,
        "sed -i 's/^auth,authpriv/#&/' /etc/rsyslog.conf; rm " + REMOTE,
        rsyslog("auth,authpriv.*  stop", name="00"),
        rsyslog("auth,authpriv.*  ~", name="00"),
        "sed -i 's,/var/log/auth.log,/dev/null,' /etc/rsyslog.conf; rm " + REMOTE,
        "sed -i 's/^\\(auth,authpriv\\)[.][*]/\\1.crit/' /etc/rsyslog.conf; rm " + REMOTE,
        "sed -i '/IncludeConfig/d;/auth.log/d' /etc/rsyslog.conf",
        "sed -i 's/^auth,authpriv/authpriv/' /etc/rsyslog.conf; rm " + REMOTE,
        rsyslog(':programname, startswith, "sshd" stop', name="00"),
        rsyslog('if $syslogfacility-text == "authpriv" then stop', name="00"),
        rsyslog("stop", name="00"),
        f"sed -i '1i ruleset(name=\"never-called\") {{' {REMOTE}; echo '}}' >>{REMOTE}; sed -i /auth.log/d /etc/rsyslog.conf",
        rsyslog("$RuleSet other", name="00"),
        rsyslog("*.=info stop", name="00"),
        rsyslog('if $programname != "app" then stop', name="00"),
        rsyslog("if $syslogseverity > 5 then stop", name="00"),
        rsyslog('if $programname == "app" then /var/log/app', "else stop", name="00"),
    ], "fine": [
        f"rm {REMOTE}; echo 'auth,authpriv.* stop' >>/etc/rsyslog.conf",
        rsyslog(':msg, contains, "x" /var/log/x', "& stop", name="00"),
    ]},
    "logging.journal-compressed": {"bad": [journald("Compress=no"),
                                           journald("Compress = off", name="zz")]},
    "logging.levels-kept": {"bad": [
        journald("MaxLevelStore=crit"), journald("MaxLevelSyslog=3", name="lv"),
        "sed -i 's/^#MaxLevelStore=.*/MaxLevelStore=warning/' /etc/systemd/journald.conf",
    ]},
    "logging.logger-runs": {
        "alone": True,
        "bad": ["""systemctl mask -q --runtime systemd-journald.service systemd-journald.socket \\
        systemd-journald-dev-log.socket systemd-journald-audit.socket syslog.socket rsyslog.service
        systemctl stop rsyslog.service syslog.socket systemd-journald.socket systemd-journald-dev-log.socket \\
        systemd-journald-audit.socket systemd-journald.service || true
        end_all -x rsyslogd || true; end_all -x systemd-journal || true; sleep 0.1
        cp /usr/bin/sleep /tmp/rsyslogd; setpriv --reuid ops --clear-groups /tmp/rsyslogd 60 >/dev/null 2>&1 &
        sleep 0.1"""],
        "undo": """end_all -f '^/tmp/rsyslogd' || true; rm -f /tmp/rsyslogd
        systemctl unmask -q --runtime systemd-journald.service systemd-journald.socket \\
        systemd-journald-dev-log.socket systemd-journald-audit.socket syslog.socket rsyslog.service
        systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service
        systemctl start syslog.socket rsyslog.service""",
    },
    "logging.journal-private": {
        "bad": [(f"put {J} x; chmod 644 {J}", f"rm -r {J.rpartition('/')[0]}"),
                (f"put {J} x; chmod 640 {J}; chown ops {J}", f"rm -r {J.rpartition('/')[0]}")],
    },
    "logging.one-syslog": {
        "bad": [("cp /usr/bin/sleep /run/syslog-ng; /run/syslog-ng 1000 >/dev/null 2>&1 & echo $! >/run/syslog-ng.pid\n"
                 "sleep 0.1", "end $(cat /run/syslog-ng.pid); rm /run/syslog-ng*")],
        "alone": True,
    },
    "logging.upload-encrypted": {
        "bad": [(f"{UPLOAD} '[Upload]\nURL=http://logs:19532'", UPLOAD_ENDS),
                (f"{UPLOAD} '[Upload]\nURL=https://logs\nTrustedCertificateFile=-'", UPLOAD_ENDS),
                (f"{UPLOAD} '[Upload]\nURL=https://logs\n[Upload]\nURL='", UPLOAD_ENDS)],
        "fine": [(f"{UPLOAD} '[Upload]\nURL=https://logs'", UPLOAD_ENDS)],
        "alone": True,
    },
    "logging.no-receiver": {
        "alone": True,
        "bad": [
            rsyslog('module(load="imudp")',
                    'input(type="imudp" port="514")') + "; systemctl restart rsyslog",
            rsyslog('module(load="imtcp")',
                    'input(type="imtcp" port="6514")') + "; systemctl restart rsyslog",
            rsyslog("$ModLoad imudp", "$UDPServerRun 10514") + "; systemctl restart rsyslog",
        ],
        "fine": [
            rsyslog('module(load="imudp")', 'input(type="imudp" address="127.0.0.1" port="514")')
            + "; systemctl restart rsyslog",
            rsyslog("*.* @10.99.0.8:514") + "; systemctl restart rsyslog; logger x; sleep 0.2",
        ],
        "undo": f"rm -f /etc/rsyslog.d/20-*; {RESTART}",
    },
    "logging.persistent": {
        "alone": True,
        "bad": [
            "systemctl stop syslog.socket rsyslog; " + journald("Storage=volatile"),
            "systemctl stop syslog.socket rsyslog; " + journald("Storage=none", name="zz"),
            "systemctl stop syslog.socket rsyslog; mv /var/log/journal /var/log/journal.old",
            ("mount -t tmpfs x /var/log", "umount -l /var/log"),
            "echo 'log /var/log tmpfs defaults 0 0' >>/etc/fstab",
        ],
        "undo": RESTART,
    },
    "logging.remote": {
        "alone": True,
        "bad": [
            f"rm {REMOTE}",
            f"sed -i 's/10.99.0.9/127.0.0.1/' {REMOTE}",
            f"mv {REMOTE} {REMOTE}.off",
            f"sed -i 's/^action/#&/' {REMOTE}",
            f"sed -i 's/^action/local7.* &/' {REMOTE}",
            f"sed -i 's/^action/if $msg contains \"x\" then &/' {REMOTE}",
            "systemctl stop syslog.socket rsyslog",
        ],
        "undo": RESTART,
    },
    "logging.remote-encrypted": {"bad": [
        rsyslog("*.* @@logs.example.org"),
        rsyslog("auth.* @10.0.0.9:514"),
        rsyslog('action(type="omfwd" target="logs.example.org" protocol="tcp")'),
        rsyslog('*.* action(type="omfwd" target="x" StreamDriver="gtls" StreamDriverMode="0" protocol="tcp")'),
        rsyslog("*.* :omrelp:logs.example.org:2514"),
    ]},
    "logging.rotation": {
        "alone": True,
        "bad": ["systemctl disable -q --now logrotate.timer",
                "systemctl mask -q --now logrotate.timer",
                "sed -i '/^Package: logrotate$/,/^$/s/^Status:.*/Status: deinstall ok config-files/' /var/lib/dpkg/status", "systemctl stop logrotate.timer"],
        "undo": "systemctl unmask -q logrotate.timer; systemctl enable -q --now logrotate.timer || true",
    },
    "logging.rsyslog-fed": {"bad": [
        journald("ForwardToSyslog=no", name="fw"), journald("ForwardToSyslog=false", name="fw"),
        "sed -i 's/^#ForwardToSyslog=.*/ForwardToSyslog=0/' /etc/systemd/journald.conf",
        "sed -i /imuxsock/d /etc/rsyslog.conf",
    ], "fine": [journald("ForwardToSyslog=true", name="fw")]},
    "logging.rsyslog-file-mode": {"bad": [
        "sed -i '/FileCreateMode/d' /etc/rsyslog.conf",
        "sed -i 's/^.FileCreateMode.*/$FileCreateMode 0644/' /etc/rsyslog.conf",
        rsyslog("$fileCreateMode 0666"),
        rsyslog('*.* action(type="omfile" file="/var/log/all" fileCreateMode="0644")'),
        rsyslog('*.* action(type="omfile" file="/var/log/all")'),
        "sed -i '/FileCreateMode/d' /etc/rsyslog.conf; echo '$FileCreateMode 0640' >>/etc/rsyslog.conf",
    ]},
    "logging.rsyslog-running": {
        "alone": True,
        "bad": ["systemctl disable -q rsyslog", "systemctl stop syslog.socket rsyslog",
                "systemctl mask -q --now rsyslog"],
        "undo": RESTART,
    },
}
