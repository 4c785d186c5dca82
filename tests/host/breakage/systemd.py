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


RULES = {
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
