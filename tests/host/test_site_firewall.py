# SPDX-License-Identifier: Apache-2.0
"""The packet filter that the site file asks for, on booted hosts: what it admits is what nmap, from outside,
finds admitted, port by port; nobody is cut off by it for longer than the time to confirm."""

import ipaddress
import os
import random
import re
import subprocess
import time
import unittest
import xml.etree.ElementTree as xml

from hostlib import wait_until
from oracle import OnHost
from test_breakage import LOOK_LIKE_A_MACHINE
from test_change import tree
from test_steps import Steps

RULE = "firewall.as-site"
SITE = """\
networks: {office: [203.0.113.0/24, 198.51.100.7], vpn: [10.8.0.0/24, 'fd00:8::/64']}
admins: {users: [ops], from: [%s]}
serves:
  - {port: 443/tcp, to: world, what: https, tls: server}
  - {port: 60000-61000/udp, to: office, what: mosh}
  - {port: 8883/tcp, to: vpn, what: mqtt}
reaches: [dns, ntp, apt, {port: 443/tcp, to: [198.51.100.7, api.example.org]}]
egress: observe
"""


class Site(Steps):
    def setUp(self):
        super().setUp()
        self.net = self.host.net()
        self.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves its mark in the home
        self.sh(LOOK_LIKE_A_MACHINE)

    def site(self, text):
        self.write("/etc/revet/site.yaml", text)

    def ruleset(self):
        return self.out("nft", "-s", "list", "ruleset")

    def apply(self, *argv, code=0, via=None):
        return self.revet("apply", "--no-input", "--rule", RULE, *argv, code=code, via=via or self.host.ssh)

    def verdict(self):
        return self.revet("audit", "--rule", RULE, "--fail-on", "none")

    def can_log_in(self):
        return self.host.ssh(["id", "-un"], timeout=15).stdout == "ops\n"


class Applying(Site):
    def test_loaded_confirmed_and_there_after_a_boot(self):
        self.site(SITE % f"{self.net.peer}, {self.net.peer6}")
        before, ruleset = tree(self.host.root), self.ruleset()
        self.assertIn("FAIL 1", self.verdict())
        self.assertIn('tcp dport 443 accept comment "site.yaml:4: https to world"', self.revet("plan", "--rule", RULE))
        told = self.apply()
        self.assertIn(f"{self.net.peer} reaches port 22 through the new rules", told)
        self.assertIn("REVERTS BY ITSELF", told)
        self.revet("confirm", via=self.host.ssh)
        self.assertIn("pass 1", self.verdict())
        self.assertIn("There is nothing to change", self.revet("plan", "--rule", RULE))
        self.assertEqual(self.revet("firewall").strip(), self.listed())
        self.host.outside(["ip", "link", "del", "eth0"])
        self.host.reboot()
        self.sh(LOOK_LIKE_A_MACHINE)
        self.assertIn("pass 1", self.verdict())
        self.assertTrue(self.can_log_in())
        # What somebody lets in besides is noticed, and so is that the boot would not load it.
        self.out("nft", "insert", "rule", "inet", "revet", "input", "tcp", "dport", "23", "accept")
        self.assertIn("FAIL 1", self.verdict())
        self.out("systemctl", "reload", "nftables")
        self.assertIn("pass 1", self.verdict())
        self.out("systemctl", "-q", "disable", "nftables")
        self.assertIn("FAIL 1", self.verdict())
        self.out("systemctl", "-q", "enable", "nftables")
        self.revet("revert", via=self.host.ssh)
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before, times=("etc/systemd/system/sysinit.target.wants",))

    def listed(self):
        """As nft lists it, but for where it breaks the lines of elements."""
        text = self.out("nft", "-s", "list", "table", "inet", "revet").strip()
        return "\n".join(text.splitlines()).replace(",\n\t\t\t     ", ", ")

    def test_a_change_of_the_site(self):
        """Only what is different is in the plan; what sets have taken up meanwhile is not."""
        self.site("admins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}]\n")
        self.apply()
        self.revet("confirm", via=self.host.ssh)
        self.assertIn(self.net.peer, self.out("nft", "list", "set", "inet", "revet", "ssh_v4"))
        self.assertIn("pass 1", self.verdict())
        first = self.ruleset().replace(self.net.peer, "")
        self.site("# with a comment\nadmins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}]\n")
        self.assertIn("pass 1", self.verdict())  # the comments of rules may name a line that has moved
        self.site("admins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}, {port: 80/tcp, to: world}]\n")
        plan = self.revet("plan", "--rule", RULE)
        self.assertIn("+  tcp dport 80 accept", plan)
        self.assertNotIn("+  tcp dport 443 accept", plan)
        self.apply()
        self.revet("confirm", via=self.host.ssh)
        self.assertIn("tcp dport 80 accept", self.ruleset())
        self.revet("revert", via=self.host.ssh)
        self.assertNotIn("tcp dport 80 accept", self.ruleset())
        self.assertEqual(first.count("accept"), self.ruleset().count("accept"))

    def test_a_site_that_cuts_the_session(self):
        before, ruleset = tree(self.host.root), self.ruleset()
        self.site(SITE % "192.0.2.0/24, 'fd00:99::/64'")
        told = self.apply(code=1)
        self.assertIn(f"would not admit {self.net.peer} to port 22, where this session comes from; "
                      "who may is said by site.yaml:2: admins", told)
        self.assertIn("nothing was changed", told)
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before, names=("etc/revet",), times=("etc",))

    def test_one_that_cuts_it_in_spite_of_that(self):
        """The administrator's address changes while it waits: nobody can confirm, so it goes."""
        self.site(SITE % self.net.peer)
        ruleset, moved = self.ruleset(), self.net.peer.rsplit(".", 1)[0] + ".9"
        self.apply("--wait", "15s")  # from then on: names that nobody resolves take a third of that before
        begun = time.monotonic()
        self.host.outside(["ip", "addr", "del", f"{self.net.peer}/24", "dev", "eth0"])
        self.host.outside(["ip", "addr", "add", f"{moved}/24", "dev", "eth0"])
        # Given up before it reverts: a connection that is tried for longer comes about then.
        knock = ["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{self.net.host}/22"]
        self.assertNotEqual(self.host.outside(knock).returncode, 0)
        self.assertTrue(wait_until(lambda: self.host.ssh(["id"]).returncode == 0, 40))
        self.assertLess(time.monotonic() - begun, 45)
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 20))
        self.assertEqual(self.ruleset(), ruleset)

    def test_hosts_by_name(self):
        """Known when it is loaded, asked for again by a timer; and the session goes on, though the first packet
        of it that is tracked is the host's."""
        self.site("admins: {users: [ops]}\nserves: []\negress: deny\n"
                  "reaches: [dns, {port: 443/tcp, to: [api.example.org, none.example.org]}]\n")
        # The unit that asks for them again would find no program.
        self.sh("mv /usr/local/bin/revet /root/revet")
        self.assertIn(f"not possible here: {RULE}: the site file reaches hosts by name, and revet-names.service",
                      self.out("/root/revet", "plan", "--rule", RULE))
        self.sh("mv /root/revet /usr/local/bin/revet")
        self.sh("sed -i /nameserver/d /etc/resolv.conf")
        before = tree(self.host.root)
        self.sh("printf '192.0.2.7 api.example.org\\n2001:db8::7 api.example.org\\n' >>/etc/hosts")
        begun = time.monotonic()
        self.apply()
        self.assertLess(time.monotonic() - begun, 60)
        self.revet("confirm", via=self.host.ssh)

        def addresses(name):
            return re.findall("elements = {(.*)}", self.out("nft", "list", "set", "inet", "revet", name))
        self.assertEqual(addresses("name4.api.example.org"), [" 192.0.2.7 "])
        self.assertEqual(addresses("name6.api.example.org"), [" 2001:db8::7 "])
        self.assertEqual(addresses("name4.none.example.org"), [])
        self.sh("sed -i s/192.0.2.7/192.0.2.8/ /etc/hosts")
        self.assertIn("none.example.org does not resolve", self.revet("firewall", "--refresh"))
        self.assertEqual(addresses("name4.api.example.org"), [" 192.0.2.7, 192.0.2.8 "])
        self.sh("sed -i /example.org/d /etc/hosts")
        self.out("systemctl", "start", "revet-names.service")
        self.assertEqual(addresses("name4.api.example.org"), [" 192.0.2.7, 192.0.2.8 "])
        # What has not been said for a day goes, once the name resolves again.
        self.sh("sed -i 's/\\(192.0.2.7\\) .*/\\1 1000/' /var/lib/revet/names; echo 192.0.2.8 api.example.org >>/etc/hosts")
        self.revet("firewall", "--refresh")
        self.assertEqual(addresses("name4.api.example.org"), [" 192.0.2.8 "])
        self.assertIn("pass 1", self.verdict())
        self.host.outside(["ip", "link", "del", "eth0"])
        self.host.reboot()
        self.sh(LOOK_LIKE_A_MACHINE)
        self.assertIn("pass 1", self.verdict())
        self.assertEqual(self.out("systemctl", "is-active", "revet-names.timer").strip(), "active")
        self.assertTrue(wait_until(lambda: addresses("name4.api.example.org") == [" 192.0.2.8 "], 30))
        self.revet("revert", via=self.host.ssh)
        self.assertEqual(self.host.exec(["systemctl", "is-active", "revet-names.timer"], check=False).stdout.strip(),
                         "inactive")
        self.same(before, names=("etc/hosts",), times=("etc",))

    def test_nothing_to_say(self):
        self.assertIn("n/a 1", self.verdict())
        self.assertIn("does not say who is served", self.revet("firewall", code=78))
        self.site("admins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}]\n")
        self.out("chmod", "666", "/etc/revet/site.yaml")
        self.assertIn("others can change it", self.revet("firewall", code=78))


# --- generated sites, against nmap -----------------------------------------------------------

NETWORKS = ["203.0.113.0/24", "198.51.100.0/25", "198.51.100.77", "10.8.0.0/16", "10.8.4.0/30", "192.0.2.128/26",
            "192.0.2.200", "172.16.0.0/12", "172.16.5.0/24", "100.64.0.0/10", "2001:db8:a::/48", "2001:db8:a:7::/64",
            "2001:db8:b::5", "2001:db8:c::/126", "fd00:8::/64", "fd00:9:1::/48"]
PORTS = [1, 21, 23, 25, 53, 67, 68, 80, 111, 123, 443, 445, 546, 547, 853, 1883, 3306, 5353, 5432, 6379, 8080, 8883,
         32768, 65535]
SITES, SEED = int(os.environ.get("REVET_SITES", "4")), int(os.environ.get("REVET_SEED", "5"))


def within(address, networks):
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(n) for n in networks)


class Made:
    """A site, as its text and as what the test itself makes of it."""

    def __init__(self, number):
        r = self.r = random.Random(f"{SEED} {number}")
        self.named = {f"net-{i}": r.sample(NETWORKS, r.randint(1, 5)) for i in range(r.randint(0, 3))}
        self.admins = r.choice([None, self.peers(), self.peers(), "from anywhere"])
        self.serves, taken = [], []
        for _ in range(r.choice([0, 1, 3, 8, 14, 30])):
            low = r.choice(PORTS + [r.randint(1, 65535) for _ in range(len(PORTS))])
            ports = (low, min(65535, low + r.choice([0, 0, 0, 1, 9, 200])), r.choice(["tcp", "tcp", "udp"]))
            if not any(ports[2] == p[2] and ports[0] <= p[1] and p[0] <= ports[1] for p in taken):
                taken.append(ports)
                self.serves.append((ports, "world" if r.random() < .3 else self.peers()))
        if len(self.serves) > 10 and r.random() < .7:  # as many for the same peers as become one rule
            self.serves = [(ports, "world" if ports[2] == "udp" else self.serves[0][1]) for ports, _ in self.serves]
        self.egress = r.choice(["open", "observe", "deny"])
        self.compact = r.random() < .5

    def peers(self):
        """What is written, which may name networks, with what it means."""
        names = self.r.sample(sorted(self.named), self.r.randint(0, len(self.named)))
        plain = self.r.sample(NETWORKS, self.r.randint(0 if names else 1, 4))
        return names + plain, plain + [n for name in names for n in self.named[name]]

    @staticmethod
    def written(peers):
        return peers if isinstance(peers, str) else "[" + ", ".join(f"'{p}'" for p in peers[0]) + "]"

    def text(self):
        lines = [f"networks: {{{', '.join(f'{n}: {self.written((v, v))}' for n, v in self.named.items())}}}"]
        if self.admins:
            of = "" if isinstance(self.admins, str) else f", from: {self.written(self.admins)}"
            lines.append(f"admins: {{users: [ops]{of}}}")
        serves = []
        for (low, high, protocol), to in self.serves:
            ports = f"{low}-{high}" if low != high else f"{low}"
            serves.append(f"{{port: {ports}/{protocol}, to: {self.written(to)}}}")
        if self.compact or not serves:
            lines.append(f"serves: [{', '.join(serves)}]")
        else:
            lines += ["serves:", *(f"  - {line}" for line in serves)]
        return "\n".join(lines + [f"egress: {self.egress}", "reaches: [dns]" if self.egress != "open" else ""]) + "\n"

    def admits(self, address, port, protocol):
        about = [to for (low, high, p), to in self.serves if p == protocol and low <= port <= high]
        if any(to == "world" or within(address, to[1]) for to in about):
            return True
        if protocol != "tcp" or port != 22:
            return False
        if isinstance(self.admins, tuple):
            return within(address, self.admins[1])
        return self.admins == "from anywhere" or not about

    def addresses(self):
        """Of each family: first and last of a network that it names, the next beyond, and nobody's."""
        wanted = [n for _, to in self.serves if to != "world" for n in to[1]]
        wanted += self.admins[1] if isinstance(self.admins, tuple) else []
        found = {4: ["192.0.2.1"], 6: ["2001:db8:ffff::1"]}
        for net in self.r.sample(sorted(set(wanted)), min(3, len(set(wanted)))):
            net = ipaddress.ip_network(net)
            found[net.version].append(str(self.r.choice([net[0], net[-1], net[self.r.randrange(net.num_addresses)], net[-1] + 1])))
        return found

    def ports(self):
        some = {22, 53, 80, 443, 5432, 65535, *self.r.sample(range(1, 65536), 10)}
        for (low, high, _), _ in self.serves:
            some |= {low - 1, low, high, high + 1, (low + high) // 2}
        return sorted(port for port in some if 1 <= port <= 65535)


class Prober(OnHost):
    """A host whose answers say whether a packet was admitted, and whoever asks it from outside."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.net = cls.host.net()
        # Closed ports answer, and as fast as they are asked.
        cls.sh(LOOK_LIKE_A_MACHINE + """
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
echo 100000 >/proc/sys/net/ipv4/icmp_msgs_per_sec || true
echo 100000 >/proc/sys/net/ipv4/icmp_msgs_burst || true
""")

    def load(self, site):
        self.write("/etc/revet/site.yaml", site)
        self.sh("{ echo 'table inet revet'; echo 'delete table inet revet'; revet firewall; } | nft -f -")

    def nmap(self, address, *argv):
        """Admitted ports: what answers, be it that nobody listens."""
        six = ":" in address
        self.host.outside(["ip", "addr", "replace", f"{address}/{128 if six else 32}", "dev", "eth0",
                           *(["nodad"] if six else [])])
        return subprocess.Popen(
            ["ip", "netns", "exec", self.net.namespace, "nmap", *(["-6"] if six else []), "-n", "-Pn", "-S", address,
             "-e", "eth0", "-T5", "--max-retries", "2", "-oX", "-", *argv, self.net.host6 if six else self.net.host],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    @staticmethod
    def answered(run):
        """Of each protocol, what the run found; many of one state stand together."""
        found, root = {"tcp": set(), "udp": set()}, xml.fromstring(run.communicate()[0])
        for port in root.iter("port"):
            if port.find("state").get("state") in ("open", "closed"):
                found[port.get("protocol")].add(int(port.get("portid")))
        for reasons in (r for e in root.iter("extraports") if e.get("state") == "closed" for r in e):
            for part in reasons.get("ports").split(","):
                first, _, last = part.partition("-")
                found[reasons.get("proto")] |= set(range(int(first), int(last or first) + 1))
        return found


class Generated(Prober):
    def compare(self, made):
        ports = made.ports()
        listed = ",".join(str(port) for port in ports)
        self.load(made.text())
        runs = {address: self.nmap(address, "-sS", "-sU", "-p", f"T:{listed},U:{listed}")
                for addresses in made.addresses().values() for address in addresses}
        for address, run in runs.items():
            found = self.answered(run)
            for protocol in ("tcp", "udp"):
                want = {port for port in ports if made.admits(address, port, protocol)}
                self.assertEqual(found[protocol], want, f"{protocol} from {address}, seed {SEED}\n{made.text()}")
        return len(runs) * 2 * len(ports)

    def test_nmap_finds_what_the_site_serves(self):
        tried = 0
        for number in range(SITES):
            with self.subTest(number):
                tried += self.compare(Made(number))
        print(f"{SITES} sites: {tried} ports were tried", end=" ")
        self.assertGreater(tried, 50 * SITES)

    def test_every_port(self):
        self.load("admins: {users: [ops], from: [192.0.2.1]}\n"
                  "serves: [{port: 443/tcp, to: world}, {port: 8000-8999/tcp, to: [203.0.113.0/24]}]\n")
        run = self.nmap("203.0.113.255", "-sS", "-p-", "--min-rate", "15000")
        self.assertEqual(self.answered(run)["tcp"], {443, *range(8000, 9000)})


# --- with others ---------------------------------------------------------------------------------

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2, (sys.argv[3], 0)).close()"


class Beside(OnHost):
    """The filter is applied on a host on which others have theirs."""

    revet, apply, site = Site.revet, Site.apply, Site.site
    serves = "[]"
    admins = "admins: {users: [ops]}\n"

    @classmethod
    def setUpClass(cls):
        if cls is Beside:
            raise unittest.SkipTest("for the classes below")
        super().setUpClass()

    @classmethod
    def prepare(cls):
        cls.net = cls.host.net()
        for address in ("203.0.113.5", "192.0.2.5"):
            cls.host.outside(["ip", "addr", "add", f"{address}/32", "dev", "eth0"])
        cls.sh(LOOK_LIKE_A_MACHINE)

    def reaches(self, port, source, target=None):
        return self.host.outside(["python3", "-c", CONNECT, target or self.net.host, port, source]).returncode == 0


class Docker(Beside):
    """What a container publishes is reached by those whom the site serves; it gets out."""

    image = engine = "docker"

    def goes_out(self):
        return self.host.exec([self.engine, "exec", "web", "/bin/busybox", "ping", "-c", "1", "-W", "3", self.net.peer],
                              check=False).returncode == 0

    def test_published_ports(self):
        self.assertTrue(wait_until(lambda: self.reaches(8080, "192.0.2.5"), 20))
        self.site(self.admins + "serves: [{port: 8080/tcp, to: [203.0.113.0/24]}]\n")
        self.apply(via=self.host.ssh)
        self.revet("confirm", via=self.host.ssh)
        for _ in range(2):
            self.assertTrue(self.reaches(8080, "203.0.113.5"))
            self.assertFalse(self.reaches(8080, "192.0.2.5"))
            self.assertTrue(self.goes_out())
            self.assertTrue(self.reaches(22, "192.0.2.5"))
            # The engine makes its rules anew.
            self.sh("systemctl restart web.service" + (" docker.service" if self.engine == "docker" else ""))
            self.assertTrue(wait_until(lambda: self.reaches(8080, "203.0.113.5"), 30))
        self.site(self.admins + "serves: []\n")
        self.apply(via=self.host.ssh)
        self.assertFalse(self.reaches(8080, "203.0.113.5"))
        self.assertTrue(self.goes_out())
        self.site(self.admins + "serves: []\nreaches: [dns]\negress: deny\n")
        self.revet("confirm", via=self.host.ssh)
        self.apply(via=self.host.ssh)
        self.assertFalse(self.goes_out())
        self.revet("confirm", via=self.host.ssh)


@unittest.skipUnless(SITES > 20, "REVET_SITES is not above 20")
class Podman(Docker):
    image = engine = "podman"

    def test_published_ports(self):
        # Once booted, its service ends when nobody asks it anything.
        active = ["systemctl", "is-active", "--quiet", "podman.service"]
        self.assertTrue(wait_until(lambda: self.host.exec(active, check=False).returncode, 40))
        super().test_published_ports()


class Managed(Beside):
    """Two filters that contradict each other would be worse than either."""

    image = "firewalled"

    def test_refused_while_another_manages_it(self):
        self.site(self.admins + "serves: []\n")
        for begin, end, why in (("ufw --force enable", "ufw --force disable", "ufw manages the packet filter, and two filters"),
                                # One that is stopped while it begins leaves its rules in force.
                                ("systemctl start firewalld; until firewall-cmd -q --state; do sleep 0.1; done", "systemctl stop firewalld",
                                 "systemctl disable --now firewalld, and apply"),
                                ("systemctl start firewalld; until firewall-cmd -q --state; do sleep 0.1; done; "
                                 "systemctl kill -s KILL firewalld; while pgrep -x firewalld; do sleep 0.1; done",
                                 "nft delete table inet firewalld; systemctl reset-failed firewalld",
                                 "firewalld is not running, and its table still filters: nft delete table inet firewalld")):
            with self.subTest(begin):
                self.sh(begin)
                self.assertIn(why, self.revet("apply", "--no-input", "--rule", RULE))
                self.assertNotIn("inet revet", self.out("nft", "-s", "list", "ruleset"))
                self.sh(end)
        self.assertIn("1 fixed", self.apply(via=self.host.ssh))
        self.assertTrue(self.reaches(22, "192.0.2.5"))
        self.revet("confirm", via=self.host.ssh)


class Tunnels(Beside):
    """Without WireGuard in the kernel: its configuration, and an interface with a name like its own."""

    image = "debian-12"

    def test_a_listener_that_is_not_served(self):
        self.write("/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = x\nListenPort = 51820\n", "600")
        self.site(self.admins + "serves: [{port: 51820/tcp, to: world}]\n")
        told = self.revet("apply", "--no-input", "--rule", RULE)
        self.assertIn("/etc/wireguard/wg0.conf has WireGuard listen on 51820/udp, which the site does not serve", told)
        self.site(self.admins + "serves: [{port: 51820/udp, to: world}]\n")
        self.assertIn("51820/udp to world", self.revet("plan", "--rule", RULE))

    def test_what_is_passed_on(self):
        self.sh("rm -rf /etc/wireguard; ip netns add behind\n"
                "ip link add wg0 type veth peer name eth0 netns behind\n"
                "ip addr add 10.8.0.1/24 dev wg0; ip link set wg0 up\n"
                "ip -n behind addr add 10.8.0.2/24 dev eth0; ip -n behind link set eth0 up\n"
                "ip -n behind route add default via 10.8.0.1; echo 1 >/proc/sys/net/ipv4/ip_forward\n"
                "for p in 443 80; do ip netns exec behind perl -MIO::Socket::INET -e "
                "'$s = IO::Socket::INET->new(Listen => 5, LocalPort => shift, ReuseAddr => 1); close STDOUT; "
                "close STDERR; sleep 1000' $p >/dev/null 2>&1 & done; sleep 0.3")
        self.host.outside(["ip", "route", "add", "10.8.0.0/24", "via", self.net.host])
        self.assertTrue(self.reaches(80, "192.0.2.5", "10.8.0.2"))
        self.site(self.admins + "serves: []\nforwards: [{from: eth0, to: wg0, port: 443/tcp}]\n")
        self.sh("{ echo 'table inet revet'; echo 'delete table inet revet'; revet firewall; } | nft -f -")
        self.assertTrue(self.reaches(443, "192.0.2.5", "10.8.0.2"))
        self.assertFalse(self.reaches(80, "192.0.2.5", "10.8.0.2"))


if __name__ == "__main__":
    unittest.main()
