# SPDX-License-Identifier: Apache-2.0
"""How the rules of systemd come to fail. A service that listens is a unit that runs nc."""

GOOD = """
put /etc/systemd/system.conf.d/99-good.conf '[Manager]
CtrlAltDelBurstAction=none
DefaultLimitCORE=0'
put /etc/systemd/logind.conf.d/99-good.conf '[Login]
StopIdleSessionSec=15min
KillUserProcesses=yes'
cat >/usr/local/bin/answer <<'EOF'
#!/usr/bin/perl
use Socket;
my ($address, $port) = @ARGV;
socket(my $s, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
bind($s, pack_sockaddr_in($port, inet_aton($address))) or die "bind: $!";
listen($s, 5) or die "listen: $!";
sleep;
EOF
chmod 755 /usr/local/bin/answer
systemctl stop rpcbind.socket rpcbind.service 2>/dev/null || true
"""

# As a distribution could ship it: no more than what suits every daemon.
SANDBOX = """NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=full
ProtectHome=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes"""


def answers(address, lines="", name="answers.service", then=""):
    """A way: a service listens there, with these lines in its unit."""
    return (f"put /etc/systemd/system/{name} '[Service]\nExecStart=/usr/local/bin/answer {address} 7070\n"
            f"{lines}'\n{then}systemctl daemon-reload; systemctl start {name}\n"
            "until grep -q :1B9E /proc/net/tcp; do sleep 0.1; done",
            f"systemctl stop {name}")


def setting(file, section, line, place="/etc"):
    name = line.split("=")[0]
    return f"put {place}/systemd/{file}.conf.d/99-n-{name}.conf '[{section}]\n{line}'"


def manager(*lines):
    return [setting("system", "Manager", line) for line in lines]


def runs(lines, then=""):
    """A service of its own; nobody starts it."""
    return f"""install -D -m 755 /bin/true /srv/app/bin/run
    put /etc/systemd/system/runs.service '[Service]\n{lines}'
    {then}"""


RULES = {
    "systemd.not-reread": {"alone": True, "bad": [
        "put /etc/systemd/system/cron.service.d/$own.conf '[Service]\nUMask=077'",
        "sleep 1.1; echo >>/usr/lib/systemd/system/cron.service"],
        "fine": ["put /etc/systemd/system/cron.service.d/$own.conf '[Service]\nUMask=077'; systemctl daemon-reload"],
        "undo": "systemctl daemon-reload"},
    "systemd.root-runs-writable": {"alone": True, "bad": [
        runs("ExecStart=/srv/app/bin/run", "chown ops /srv/app/bin/run"),
        runs("ExecStart=/srv/app/bin/run", "chown ops /srv/app"),
        runs("ExecStart=/srv/app/bin/run", "chmod 777 /srv/app/bin"),
        runs("User=daemon\nExecStart=/bin/true\nExecStartPre=+/srv/app/bin/run", "chown daemon /srv/app/bin/run"),
        runs("ExecStart=/bin/sh /srv/app/bin/start.sh", "touch /srv/app/bin/start.sh; chown ops /srv/app/bin/start.sh"),
        runs("ExecStart=perl start.pl\nWorkingDirectory=/srv/app", "touch /srv/app/start.pl; chmod 666 /srv/app/start.pl"),
        runs("ExecStart=/bin/true\nEnvironmentFile=/srv/app/env", "touch /srv/app/env; chown ops /srv/app/env"),
        runs("ExecStart=/bin/true\nEnvironmentFile=-/home/ops/env"),
        runs("ExecStart=/usr/local/bin/app", "ln -s /home/ops/app /usr/local/bin/app; cp /bin/true /home/ops/app"),
        runs("ExecStart=/bin/true", "mv /etc/systemd/system/runs.service /home/ops; "
             "ln -s /home/ops/runs.service /etc/systemd/system/runs.service"),
        "put /usr/local/lib/systemd/system/x.timer '[Timer]\nOnBootSec=1'; chgrp ops /usr/local/lib/systemd/system; "
        "usermod -aG ops daemon; chmod 775 /usr/local/lib/systemd/system",
    ], "fine": [runs("ExecStart=/srv/app/bin/run"), runs("User=ops\nExecStart=/srv/app/bin/run", "chown -R ops /srv/app"),
                runs("ExecStart=/srv/app/bin/run -c /srv/app/conf", "touch /srv/app/conf; chown ops /srv/app/conf")],
        "undo": "gpasswd -d daemon ops || true"},
    "systemd.program-of-others": {"alone": True, "bad": [
        runs("User=daemon\nExecStart=/srv/app/bin/run", "chown ops /srv/app/bin/run"),
        runs("DynamicUser=yes\nExecStart=/srv/app/bin/run", "chown ops /srv/app/bin"),
        runs("User=daemon\nExecStart=/bin/true\nEnvironmentFile=/srv/app/env", "touch /srv/app/env; chmod 666 /srv/app/env"),
    ], "fine": [runs("User=ops\nExecStart=/srv/app/bin/run", "chown -R ops:ops /srv/app"),
                runs("User=daemon\nExecStart=/srv/app/bin/run")]},
    "systemd.rewrites-itself": {"alone": True, "bad": [
        runs("User=ops\nExecStart=/srv/app/bin/run", "chown ops /srv/app/bin/run"),
        runs("User=ops\nExecStart=/srv/app/bin/run\nProtectSystem=strict\nReadWritePaths=/srv", "chown ops /srv/app"),
    ], "fine": [runs("User=ops\nExecStart=/srv/app/bin/run\nProtectSystem=strict", "chown ops /srv/app/bin/run"),
                runs("User=daemon\nExecStart=/srv/app/bin/run")]},
    "systemd.core-limit": {
        "bad": [*manager("DefaultLimitCORE=infinity", "DefaultLimitCORE=0:infinity"),
                "rm -f /etc/systemd/system.conf.d/99-good.conf",
                setting("system", "Manager", "DefaultLimitCORE=1G", "/usr/lib")],
        "fine": manager("DefaultLimitCORE=0:0"),
    },
    "systemd.crash-shell": {
        "bad": [*manager("CrashShell=yes", "CrashShell=1", "CrashShell=TRUE"),
                "sed -i '/Manager/a CrashShell=on' /etc/systemd/system.conf"],
        "fine": manager("CrashShell=off", "CrashShell=yes\nCrashShell=no"),
    },
    "systemd.ctrl-alt-del-burst": {
        "bad": [*manager("CtrlAltDelBurstAction=reboot-force", "CtrlAltDelBurstAction=poweroff-immediate"),
                "rm -f /etc/systemd/system.conf.d/99-good.conf"],
    },
    "systemd.exposed-services": {
        "bad": [answers("0.0.0.0"), answers("10.9.9.9", "User=nobody",
                                            then="ip address add 10.9.9.9/32 dev lo\n"),
                answers("0.0.0.0", SANDBOX, then="put /etc/systemd/system/answers.service.d/x.conf "
                        "'[Service]\nProtectClock=no\nRestrictNamespaces=\nNoNewPrivileges=no\n"
                        "ProtectKernelModules=no\nPrivateDevices=no\nRestrictSUIDSGID=no\nPrivateTmp=no\n"
                        "ProtectSystem=no\nProtectHome=no\nProtectKernelLogs=no\nProtectControlGroups=no'\n")],
        "fine": [answers("127.0.0.1"), answers("0.0.0.0", SANDBOX), answers("0.0.0.0", "User=daemon\n" + SANDBOX)],
        "undo": "ip address del 10.9.9.9/32 dev lo 2>/dev/null || true",
        "alone": True,
    },
    "systemd.idle-sessions": {
        "bad": ["rm -f /etc/systemd/logind.conf.d/99-good.conf",
                *(setting("logind", "Login", f"StopIdleSessionSec={time}") for time in ("infinity", "1h", "0"))],
        "fine": [setting("logind", "Login", "StopIdleSessionSec=300")],
    },
    "systemd.kill-user-processes": {
        "bad": ["rm -f /etc/systemd/logind.conf.d/99-good.conf",
                *(setting("logind", "Login", f"KillUserProcesses={no}") for no in ("no", "0"))],
        "fine": [setting("logind", "Login", "KillUserProcesses=1")],
    },
}
