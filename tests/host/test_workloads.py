# SPDX-License-Identifier: Apache-2.0
"""Hosts that do what hardening breaks. All that a plan proposes is applied there and confirmed; the work
is done before, while it waits, afterwards, after a reboot, and after it was taken back."""

import json
import subprocess
import textwrap
import unittest
from pathlib import Path

from hostlib import Host, wait_until
from oracle import OnHost
from test_stock import HTTP
from test_vm import LONG
from vm import Machine


class Workload(OnHost):
    needed = ()  # rules that are left alone for the work's sake
    late = frozenset()  # rules that fail only of what another one has changed; some wait for the boot, too

    @classmethod
    def setUpClass(cls):
        if cls is Workload:
            raise unittest.SkipTest("for the classes below")
        super().setUpClass()

    def works(self):
        raise NotImplementedError

    def test_it_goes_on(self):
        self.revet("history", via=self.host.ssh)  # sudo leaves a mark at its first use
        self.works()
        plan = json.loads(self.revet("plan", "-f", "json").partition("\nrevet:")[0])
        # That nothing breaks says something only where much is changed.
        self.assertGreater(len(plan["rules"]), 20)
        self.assertLessEqual(set(self.needed), {left["rule"] for left in plan["left_alone"] if left["left"] == "needed"})
        said = self.revet("apply", "--no-input")
        if not self.late:
            self.assertIn(" 0 still fail", said)
        self.works()
        self.revet("confirm", via=self.host.ssh)
        self.host.reboot()
        self.works()
        again = json.loads(self.revet("plan", "-f", "json").partition("\nrevet:")[0])
        self.assertLessEqual({rule["rule"] for rule in again["rules"]}, self.late)
        self.revet("revert")
        self.works()


GET = r"exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET / HTTP/1.0\r\n\r\n' >&3; exec cat <&3"


class Docker(Workload):
    """A published port leads through the forward chain and NAT into a container, which gets out as well."""

    image = engine = "docker"

    def page(self):
        return self.host.outside(["python3", "-c", HTTP, f"http://{self.host.net().host}:8080/"]).stdout

    def works(self):
        wait_until(self.page, 20)
        self.assertEqual(self.page(), "from a container\n")
        self.assertIn("\n\nfrom a container\n", self.out("bash", "-c", GET))
        self.out(self.engine, "exec", "web",
                 "/bin/busybox", "ping", "-c", "1", "-W", "5", self.host.net().peer)


class Podman(Docker):
    image = engine = "podman"


class Rootless(OnHost):
    image = "rootless"

    @classmethod
    def prepare(cls):
        # A network of its own takes a device that a machine which is a container itself may lack.
        if not Path("/dev/net/tun").exists():
            cls.sh("sed -i 's/-p 8080:80/--network host/; s/httpd -f/httpd -p 8080 -f/' /home/dev/.config/systemd/user/web.service\n"
                   "export XDG_RUNTIME_DIR=/run/user/$(id -u dev)\nrunuser -u dev -- systemctl --user daemon-reload\n"
                   "runuser -u dev -- systemctl --user restart --no-block web")

    def test_seen_without_its_package(self):
        """A program from elsewhere does the same: while its containers run, what they need is left alone."""
        systemctl = "runuser -u dev -- env XDG_RUNTIME_DIR=/run/user/$(id -u dev) systemctl --user"

        def runs():
            return "conmon" in self.out("ps", "-e", "-o", "comm")

        def is_answered():
            self.sh(f"{systemctl} -q is-failed web && {systemctl} restart --no-block web || true")
            return runs() and Docker.page(self)

        if not wait_until(is_answered, 90):
            self.skipTest("SKIPPED: no rootless container here: " + self.out("journalctl", "-b", "-n", "40", "_UID=1000"))
        self.sh("sed -i '/^Package: podman$/,/^$/d' /var/lib/dpkg/status; sysctl -qw net.ipv4.ip_forward=1")

        def said():
            return next(r for r in self.audit()["results"] if r["rule"] == "net.no-forwarding")
        self.assertEqual(said()["verdict"], "not_applicable")
        self.assertIn("Podman runs containers", said()["reason"])
        self.sh("systemctl stop user@$(id -u dev); pkill -x conmon || true")
        self.assertTrue(wait_until(lambda: not runs(), 60))
        self.assertEqual(said()["verdict"], "fail")


@LONG
class RootlessPodman(Workload):
    """An account's own container, in its user namespace and behind its own network stack."""

    image = "rootless"

    def works(self):
        wait_until(lambda: Docker.page(self), 20)
        self.assertEqual(Docker.page(self), "from a container\n")
        inside = f"podman exec web /bin/busybox sh -c 'id -u; sleep 1 | busybox nc {self.host.net().host} 22'"
        said = self.out("runuser", "-u", "dev", "--", "env", "HOME=/home/dev", "sh", "-c",
                        f"cd; XDG_RUNTIME_DIR=/run/user/$(id -u) {inside}")
        self.assertRegex(said, "^0\nSSH-2")


ADVERTISE = """
import contextlib, socket, struct, time
prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:99::")
advert = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
advert += struct.pack("!BBBBIII16s", 3, 4, 64, 0xc0, 86400, 14400, 0, prefix)
while True:
    # While the host boots there is no wire.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        s.sendto(advert, ("ff02::1", 0))
    time.sleep(0.5)
"""


class Slaac(Workload):
    """Its IPv6 address and its gateway are what a router advertises."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.router = subprocess.Popen(["ip", "netns", "exec", cls.host.net().namespace, "python3", "-c", ADVERTISE])
        cls.addClassCleanup(cls.router.wait)
        cls.addClassCleanup(cls.router.kill)

    @classmethod
    def addresses(cls):
        links = json.loads(cls.out("ip", "-j", "-6", "addr", "show", "dev", "eth0", "scope", "global", "dynamic"))
        return [a["local"] for link in links for a in link.get("addr_info", [])
                if a.get("local", "").startswith("2001:db8:99:") and not a.get("tentative")]

    def works(self):
        subprocess.run(["ip", "-n", self.host.net().namespace, "addr", "replace", "2001:db8:99::1/64",
                        "dev", "eth0", "nodad"], check=True)
        self.out("ip", "-6", "addr", "flush", "dev", "eth0", "scope", "global")
        self.out("ip", "-6", "route", "flush", "default")
        self.assertTrue(wait_until(self.addresses, 10))
        connect = "import socket, sys; print(socket.create_connection((sys.argv[1], 22), 5).recv(4).decode())"
        said = self.host.outside(["python3", "-c", connect, self.addresses()[0]])
        self.assertEqual(said.stdout, "SSH-\n", said.stderr)
        self.assertIn("proto ra", self.out("ip", "-6", "route", "show", "default"))


class PostgresCluster(Workload):
    """A primary and a standby, which follows it."""

    image = "stock-services"

    @classmethod
    def psql(cls, port, query):
        return cls.out("runuser", "-u", "postgres", "--", "psql", "-p", str(port), "-Atc", query)

    @classmethod
    def prepare(cls):
        cls.psql(5432, "create role follower replication login password 'follows'")
        cls.out("sh", "-ec", """
            version=$(ls /etc/postgresql)
            pg_createcluster --port 5433 $version standby >/dev/null
            rm -rf /var/lib/postgresql/$version/standby
            runuser -u postgres -- pg_basebackup -R -C -S standby \
                -d 'host=127.0.0.1 port=5432 user=follower password=follows' \
                -D /var/lib/postgresql/$version/standby
            systemctl enable --now postgresql@$version-standby
        """)
        cls.psql(5432, "create table seen (n serial)")

    def works(self):
        n = self.psql(5432, "insert into seen default values returning n").split()[0]
        self.assertTrue(wait_until(lambda: self.psql(5433, "select max(n) from seen") == n + "\n", 10))


class BuildServer(Workload):
    """People compile, run what they compiled from wherever it lies, trace it, push to it, have jobs."""

    image = "build-server"

    BUILD = textwrap.dedent("""
        set -e
        for d in "$HOME" /tmp /var/tmp; do
            cd "$(mktemp -d -p "$d")"
            printf '#include <stdio.h>\\nint main(void) { return puts("built") < 0; }\\n' >a.c
            printf 'a: a.c\\n\\tcc -o a a.c\\n' >Makefile
            make -s
            [ "$(./a)" = built ]
            strace -qq -o trace ./a >/dev/null
            grep -q '^write(1, "built' trace
        done
        umask 022
        mkdir -p p/debian/source
        cd p
        printf 'made (1) unstable; urgency=low\\n\\n  * One.\\n\\n -- B <b@example.org>  Fri, 27 Nov 2026 00:00:00 +0000\\n' \\
            >debian/changelog
        printf 'Source: made\\nMaintainer: B <b@example.org>\\nBuild-Depends: debhelper-compat (= 13)\\n\\nPackage: made\\nArchitecture: all\\nDescription: p\\n p\\n' \\
            >debian/control
        printf '#!/usr/bin/make -f\\n%%:\\n\\tdh $@\\n' >debian/rules
        chmod 755 debian/rules
        echo '3.0 (native)' >debian/source/format
        dpkg-buildpackage -us -uc -b >../log 2>&1 || { cat ../log; exit 1; }
        [ -s ../made_1_all.deb ]
        git init -q .
        git -c user.name=b -c user.email=b@example.org commit -q --allow-empty -m one
        git push -q -f /srv/git/project.git HEAD:refs/heads/main
        echo '0 3 * * * true' | crontab -
        crontab -l | grep -q true
    """)

    def works(self):
        ran = self.host.exec(["su", "-", "builder", "-c", self.BUILD], check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


NEIGHBOUR = """
cd $1
mount --rbind /dev dev
mount -t proc proc proc
for d in run srv; do mount -t tmpfs -o mode=755 tmpfs $d; done
mkdir -p run/ganesha run/wireguard var/lib/nfs/ganesha
printf '%s' "$2" >run/wg0.conf
chmod 600 run/wg0.conf
chroot . wireguard-go wg0
chroot . wg setconf wg0 /run/wg0.conf
ip addr add 10.77.0.1/24 dev wg0
ip link set wg0 up
exec chroot . ganesha.nfsd -F -L /run/ganesha/log
"""


@LONG
class OnMachine(Workload):
    """A kernel of its own, which this machine's has not the parts for; its neighbour is a tree's programs in
    the namespace at the other end of the wire."""

    image = "client-vm"
    kind = Machine
    late = {"audit.sudo-log"}

    @classmethod
    def setUpClass(cls):
        if cls is OnMachine:
            raise unittest.SkipTest("for the classes below")
        cls.tree = Host.start("neighbour")
        cls.addClassCleanup(cls.tree.stop, crash=True)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.neighbour.kill()
        cls.neighbour.wait()
        super().tearDownClass()

    @classmethod
    def key(cls, private=None):
        command = ["pubkey"] if private else ["genkey"]
        return subprocess.run(["chroot", cls.tree.root, "wg", *command], input=private, text=True, check=True,
                              capture_output=True).stdout.strip()

    @classmethod
    def prepare(cls):
        ours, theirs = cls.key(), cls.key()
        conf = ("[Interface]\nListenPort = 51820\nPrivateKey = {}\n\n[Peer]\nPublicKey = {}\n"
                "AllowedIPs = 10.77.0.0/24\n")
        cls.neighbour = subprocess.Popen(
            ["ip", "netns", "exec", cls.host.net().namespace, "unshare", "-m", "sh", "-ec", NEIGHBOUR, "sh",
             cls.tree.root, conf.format(theirs, cls.key(ours))])
        cls.set_up(conf.format(ours, cls.key(theirs)))

    @classmethod
    def write(cls, path, text, mode="644"):
        cls.host.exec(["install", "-D", "-m", mode, "/dev/stdin", path], input=text)


class WireGuard(OnMachine):
    @classmethod
    def set_up(cls, conf):
        conf = conf.replace("[Peer]", "Address = 10.77.0.2/24\n\n[Peer]\nEndpoint = 10.99.0.1:51820")
        cls.write("/etc/wireguard/wg0.conf", conf, "600")
        cls.out("systemctl", "enable", "--now", "wg-quick@wg0")

    def works(self):
        """A login through the tunnel, which has to come back through it."""
        knock = "import socket; print(socket.create_connection(('10.77.0.2', 22), 60).recv(4).decode())"
        self.out("ping", "-c", "1", "-W", "60", "10.77.0.1")
        self.assertEqual(self.host.outside(["python3", "-c", knock]).stdout, "SSH-\n")


class NfsClient(OnMachine):
    @classmethod
    def set_up(cls, conf):
        cls.out("sh", "-c", "echo '10.99.0.1:/srv /mnt nfs4 _netdev 0 0' >>/etc/fstab && mount /mnt")

    def works(self):
        self.out("sh", "-c", "date +%s%N >/mnt/file")
        served = Path(f"/proc/{self.neighbour.pid}/root/srv/file")
        self.assertEqual(served.read_text(), self.out("cat", "/mnt/file"))
        self.assertIn("10.99.0.1:/srv", self.out("findmnt", "-no", "SOURCE", "/mnt"))


if __name__ == "__main__":
    unittest.main()
