# SPDX-License-Identifier: Apache-2.0
"""How the rules of services come to fail. A daemon is a unit of its name that sleeps."""

import base64
import functools
import gzip
import itertools
import os
import subprocess
import tempfile

from staged import CMDLINE, HOLD, held, package

GOOD = CMDLINE + HOLD + """
install -m 755 /usr/bin/sleep /usr/local/bin/daemon
cat >/usr/local/bin/unit <<'EOF'
#!/bin/sh
# unit NAME: a service at /usr/lib that does nothing, or a socket or path unit of one.
case $1 in
*.socket) body='[Socket]
ListenStream=/run/'$1 ;;
*.path) body='[Path]
PathExists=/nothing/'$1 ;;
*) body='[Service]
ExecStart=/usr/local/bin/daemon infinity' ;;
esac
printf '%s\\n' "$body" '[Install]' 'WantedBy=multi-user.target' >/usr/lib/systemd/system/$1
[ "${1%.service}" != "$1" ] || [ -e /usr/lib/systemd/system/${1%.*}.service ] ||
    printf '%s\\n' '[Service]' 'ExecStart=/usr/local/bin/daemon infinity' >/usr/lib/systemd/system/${1%.*}.service
systemctl daemon-reload
EOF
chmod 755 /usr/local/bin/unit
"""


def gone(*units):
    """What the runner does not put back by itself."""
    return f"systemctl stop {' '.join(units)} 2>/dev/null || true"


def daemon(*units, thorough=False):
    """An entry: started by hand, or there after the next boot; masked or disabled it is in order."""
    service = units[0]
    ways = [(f"unit {service}; systemctl start {service}", gone(service))]
    ways += [(f"unit {u}; systemctl enable -q {u}", gone(u)) for u in units]
    fine = [(f"unit {service}; systemctl mask -q {service}", gone(service))]
    if thorough:
        ways += [(f"unit {u}; systemctl start {u}", gone(u)) for u in units[1:]]
        ways += [(f"unit {service}; systemctl enable -q --runtime {service}", gone(service) + "\n"
                  f"rm -f /run/systemd/system/multi-user.target.wants/{service}"),
                 (f"unit {service}; systemctl start {service}; systemctl mask -q {service}", gone(service)),
                 (f"unit {service}; mv /usr/lib/systemd/system/{service} /opt/\n"
                  f"systemctl link -q /opt/{service}", gone(service))]
        fine += [(f"unit {service}", gone(service)),
                 (f"unit {service}; systemctl enable -q --now {service}; systemctl disable -q --now {service}",
                  gone(service))]
    return {"bad": ways, "fine": fine}


def own(lines, place="/etc/systemd/system", name="own.service"):
    """A way: a unit of one's own runs like that."""
    return (f"put {place}/{name} '[Service]\nExecStart=/usr/local/bin/daemon infinity\n{lines}'\n"
            f"systemctl daemon-reload; systemctl start {name}",
            f"systemctl stop {name}")


def together(one, other):
    """An entry: two units that should not run on one host."""
    return {"bad": [(f"unit {one}; unit {other}; systemctl enable -q {one}; systemctl start {other}", gone(one, other))],
            "fine": [(f"unit {one}; systemctl enable -q {one}", gone(one))], "alone": True}


def snmp(text, address="0.0.0.0"):
    """A way: the agent has such lines, and listens."""
    start, stop = held("snmpd", "udp", address, 161)
    return start + f"\nput /etc/snmp/snmpd.conf '{text}'", stop


def squid(text):
    return package("squid") + f"put /etc/squid/squid.conf '{text}'"


SANDBOX = "NoNewPrivileges=yes\nProtectSystem=strict\nPrivateTmp=yes"

def capable(capabilities):
    """A way: a process of ops has them."""
    return (f"install -m 755 /usr/bin/sleep /usr/local/bin/capable; setcap {capabilities}=ep /usr/local/bin/capable\n"
            "runuser -u ops -- /usr/local/bin/capable 1000 >/dev/null 2>&1 &\n"
            "until pgrep -x capable >/dev/null; do sleep 0.02; done",
            "end_all -x capable")


@functools.cache
def compiled(*flags):
    """A program that only waits, as text for the shell."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "x")
        subprocess.run(["gcc", "-O2", "-s", "-fPIE", "-pie", "-Wl,-z,relro,-z,now,-z,noseparate-code",
                        "-xc", "-", *flags, "-o", path],
                       input=b"#include <unistd.h>\nint main(void) { for (;;) pause(); }\n", check=True)
        with open(path, "rb") as file:
            return base64.b64encode(gzip.compress(file.read())).decode()


PORTS = itertools.count(7200)


def built(*flags, user="root", listens=False, more="true"):
    """A way: a program of one's own that was built with these flags runs."""
    port = next(PORTS)
    name = f"built-{port}"
    start = f"systemd-run -q --unit={name} --uid={user} "
    if listens:
        start += f"--socket-property=ListenStream=0.0.0.0:{port} "
    start += f"/usr/local/lib/{name}"
    if listens:
        start += f"\nperl -MIO::Socket::INET -e 'IO::Socket::INET->new(\"127.0.0.1:{port}\") or die'"
    return (f"echo {compiled(*flags)} | base64 -d | gunzip >/usr/local/lib/{name}\n"
            f"chmod 755 /usr/local/lib/{name}; {more}\n{start}\n"
            f"until systemctl is-active -q {name}.service; do sleep 0.05; done",
            gone(f"{name}.socket", f"{name}.service"))


LEFT = {
    "services.mail-loopback": "what listens here is no mail server, and has no configuration",
}

def rabbitmq(text, name="rabbitmq.conf"):
    return f"put /etc/rabbitmq/{name} '{text}'"


RULES = {
    "services.not-reloaded": {"alone": True, "bad": [
        "sleep 1.1; put /etc/ssh/sshd_config.d/$own.conf '# nothing'",
        "put /root/x '[Journal]'; touch -d 2020-01-01 /root/x; mkdir -p /etc/systemd/journald.conf.d\n"
        "cp -p /root/x /etc/systemd/journald.conf.d/$own.conf"],
        "fine": ["put /etc/ssh/sshd_config.d/$own.bak '# nothing'",
                 "put /etc/ssh/sshd_config.d/$own.conf '# nothing'; systemctl reload ssh"]},
    "services.rabbitmq-guest": {
        "good": package("rabbitmq-server") + held("beam.smp", "tcp", "0.0.0.0", 5671)[0] + """
install -m 755 /usr/bin/sleep /usr/sbin/rabbitmq-server
put /etc/rabbitmq/rabbitmq.conf 'loopback_users.guest = true'
""",
        "bad": [rabbitmq("loopback_users = none"), rabbitmq("loopback_users.guest=false#x"), rabbitmq("loopback_users.app = true"),
                rabbitmq("loopback_users.guest = false", "conf.d/50.conf")],
        "fine": [rabbitmq("# loopback_users = none"), rabbitmq("loopback_users = none", "conf.d/50.conf.old"),
                 rabbitmq("loopback_users.app = true", "conf.d/50.conf")]},

    "services.build-server-alone": together("jenkins.service", "postgresql.service"),
    "services.backup-server-alone": together("rest-server.service", "nginx.service"),
    "services.directory-server-alone": together("slapd.service", "mosquitto.service"),
    "services.autofs": daemon("autofs.service"),
    "services.avahi": daemon("avahi-daemon.service", "avahi-daemon.socket", thorough=True),
    "services.bluetooth": daemon("bluetooth.service", "bluetooth-mesh.service"),
    "services.capabilities": {
        "alone": True,
        "bad": [capable(c) for c in ("cap_dac_read_search", "cap_net_raw,cap_setuid", "cap_chown,cap_fowner")],
        "fine": [capable("cap_net_bind_service"), capable("cap_net_raw,cap_kill")],
    },
    "services.cups": daemon("cups.service", "cups.socket", "cups.path", "cups-browsed.service"),
    "services.deleted-programs": {
        "bad": [("install -m 755 /usr/bin/sleep /usr/local/bin/old; /usr/local/bin/old 1000 >/dev/null 2>&1 &\n"
                 "echo $! >/run/old; sleep 0.1; rm /usr/local/bin/old", "end $(cat /run/old)"),
                ("install -m 755 /usr/bin/sleep /usr/local/bin/old; /usr/local/bin/old 1000 >/dev/null 2>&1 &\n"
                 "echo $! >/run/old; sleep 0.1; install -m 755 /usr/bin/sleep /usr/local/bin/new\n"
                 "mv /usr/local/bin/new /usr/local/bin/old", "end $(cat /run/old)")],
    },
    "services.desktop-daemons": daemon("ModemManager.service", "upower.service"),
    "services.dhcp-server": {
        "bad": [*daemon("isc-dhcp-server.service", "kea-dhcp4-server.service")["bad"],
                held("dnsmasq", "udp", "0.0.0.0", 67), held("dnsmasq", "udp", "::", 547)],
        "fine": [held("dnsmasq", "udp", "127.0.0.1", 67), held("dhclient", "udp", "0.0.0.0", 68)],
    },
    "services.dns-server": {
        "says": "manual",
        "bad": [held("named", "udp", "0.0.0.0", 53), held("unbound", "tcp", "::", 53)],
        "fine": [held("unbound", "udp", "127.0.0.1", 53)],
    },
    "services.failed-units": {
        "bad": [("systemd-run --unit=broken -q /bin/false; sleep 0.2; systemctl is-failed -q broken.service",
                 "systemctl reset-failed broken.service")],
        "alone": True,
    },
    "services.mail-loopback": {
        "bad": [held("master", "tcp", "0.0.0.0", 25), held("exim4", "tcp", "::", 587)],
        "fine": [held("master", "tcp", "127.0.0.1", 25), held("exim4", "tcp", "::1", 465)],
    },
    "services.own-units-not-root": {
        "bad": [own(SANDBOX), own(SANDBOX + "\nUser=root"), own(SANDBOX + "\nUser=0"),
                own(SANDBOX, "/usr/local/lib/systemd/system"),
                own(SANDBOX + "\nUser=ops\nExecStart=\nExecStart=-+/usr/local/bin/daemon infinity"),
                (own(SANDBOX + "\nUser=ops")[0] + "\nput /etc/systemd/system/own.service.d/x.conf '[Service]\nUser='\n"
                 "systemctl daemon-reload; systemctl restart own.service", own("")[1])],
        "fine": [own(SANDBOX + "\nUser=ops"), own(SANDBOX + "\nDynamicUser=yes")],
        "alone": True,
    },
    "services.own-units-sandboxed": {
        "bad": [own("User=ops"), own("User=ops\nNoNewPrivileges=yes\nProtectSystem=yes"),
                own("User=ops\nNoNewPrivileges=yes\nPrivateTmp=yes\nProtectSystem=no"),
                (own("User=ops\n" + SANDBOX)[0] + "\nput /etc/systemd/system/own.service.d/x.conf "
                 "'[Service]\nPrivateTmp=no'\nsystemctl daemon-reload; systemctl restart own.service", own("")[1])],
        "fine": [own("User=ops\n" + SANDBOX)],
        "alone": True,
    },
    "services.program-in-tmp": {
        "bad": [(f"install -D -m 755 /usr/bin/sleep {place}/x; {place}/x 1000 >/dev/null 2>&1 &\n"
                 f"echo $! >/run/x.pid; sleep 0.1{after}", f"end $(cat /run/x.pid); rm -f {place}/x")
                for place, after in (("/tmp", ""), ("/var/tmp/.a", ""), ("/dev/shm", "; rm /dev/shm/x"),
                                     ("/run/user/1000", ""))],
    },
    "services.protection-failed": {
        "bad": [("systemctl stop rsyslog.service 2>/dev/null\n"
                 "put /etc/systemd/system/fail2ban.service '[Service]\nExecStart=/bin/false'\n"
                 "systemctl daemon-reload; systemctl start fail2ban.service; sleep 0.2\n"
                 "systemctl start rsyslog.service",
                 "rm /etc/systemd/system/fail2ban.service; systemctl daemon-reload\n"
                 "systemctl reset-failed fail2ban.service"),
                ("put /etc/systemd/system/auditd.service '[Service]\nType=simple'; systemctl daemon-reload\n"
                 "systemctl start auditd.service 2>/dev/null || true",
                 "rm /etc/systemd/system/auditd.service; systemctl daemon-reload")],
        "alone": True,
    },
    "services.proxy-open": {
        "bad": [squid("http_access allow all"), squid("acl x src 0.0.0.0/0\nhttp_access allow CONNECT x"),
                squid("acl x src 0.0.0.0/1 128.0.0.0/1\nhttp_access allow x"),
                squid("acl p port 80\ninclude /etc/squid/y.conf\nhttp_access deny all")
                + "; put /etc/squid/y.conf 'http_access allow p'"],
        "fine": [squid("http_access allow localhost\nhttp_access deny all\nhttp_access allow all")],
    },
    "services.snmp-community": {"bad": [snmp("rocommunity public default"), snmp("com2sec ro default private")],
                                "fine": [snmp("rocommunity public", "127.0.0.1"), snmp("rouser me priv")],
                                "alone": True},
    "services.snmp-in-clear": {"bad": [snmp("rocommunity s3cret 10.0.0.0/8"), snmp("rwcommunity6 s3cret")],
                               "fine": [snmp("rocommunity s3cret 127.0.0.1")], "alone": True},
    "services.snmp-writable": {"bad": ["put /etc/snmp/snmpd.conf 'rwcommunity s3cret'",
                                       "put /etc/snmp/snmpd.conf 'authcommunity read,write s3cret'",
                                       "put /etc/snmp/snmpd.conf 'includeFile own.conf'\n"
                                       "put /etc/snmp/own.conf 'rwcommunity6 s3cret'"],
                               "fine": ["put /etc/snmp/snmpd.conf 'rocommunity s3cret'"], "alone": True},
    "services.roles": {
        "says": "manual",
        "bad": [(f"unit {name}; systemctl start {name}", gone(name))
                for name in ("postgresql.service", "docker.service")],
    },
    "services.no-pie": {
        "bad": [built("-no-pie"), built("-no-pie", user="ops", listens=True)],
        "fine": [built(), built("-no-pie", user="ops")],
    },
    "services.executable-stack": {
        "bad": [built("-Wl,-z,execstack"), built("-Wl,-z,execstack", user="ops", listens=True)],
        "fine": [built(), built("-Wl,-z,execstack", user="ops")],
    },
    "services.lazy-binding": {
        "bad": [built("-Wl,-z,lazy"), built("-Wl,-z,norelro"), built("-Wl,-z,lazy", user="ops", listens=True)],
        "fine": [built(), built("-Wl,-z,lazy", user="ops")],
        "alone": True,  # copies of sleep are bound lazily as well
    },
    "services.library-path": {
        "bad": [built("-Wl,-rpath,/home/ops/lib"), built("-Wl,-rpath,/tmp/lib", user="ops", listens=True),
                built("-Wl,-rpath,lib"), built("-Wl,-rpath,/usr/local/share/x/lib", more="install -d -m 777 /usr/local/share/x"),
                built("-Wl,-rpath,$ORIGIN/x,--disable-new-dtags", more="install -d -o ops /usr/local/lib/x")],
        "fine": [built("-Wl,-rpath,/usr/lib/x:$ORIGIN/x"), built("-Wl,-rpath,/home/ops/lib", user="ops", listens=True)],
    },
    "services.rpcbind": daemon("rpcbind.service", "rpcbind.socket"),
}
