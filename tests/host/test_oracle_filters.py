# SPDX-License-Identifier: Apache-2.0
"""firewall_rules, firewall_ports: against the kernel, with packet filters that revet did not write.

Whom they let in to which port is whom nmap finds let in, from outside; a rule that is never reached counts no
packet. And what ufw, firewalld and Docker generate has no rule that is hidden. What nft loads of a file is, to
the table firewall, what it has loaded.
"""

import ipaddress
import json
import os
import random
import re
import unittest

from hostlib import wait_until
from test_breakage import LOOK_LIKE_A_MACHINE
from test_site_firewall import Prober

RULESETS, SEED = int(os.environ.get("REVET_FILTERS", "1")), int(os.environ.get("REVET_SEED", "12"))
NETWORKS = {4: ["203.0.113.0/24", "203.0.113.64/26", "198.51.100.0/25", "198.51.100.7", "10.8.0.0/16", "100.64.0.0/10"],
            6: ["2001:db8:a::/48", "2001:db8:a:7::/64", "2001:db8:b::5", "fd00:8::/64"]}
SOURCES = ["203.0.113.70", "198.51.100.7", "192.0.2.1", "2001:db8:a:7::1", "2001:db8:ffff::1"]
PORTS = [21, 22, 23, 25, 53, 80, 443, 1883, 5432, 6379, 8080, 8081, 8883, 9000]
# A reset, or that nobody listens, would say that the packet got in.
REFUSE = ["drop", "drop", "reject with {} type admin-prohibited"]
ICMP = {"inet": "icmpx", "ip": "icmp", "ip6": "icmpv6"}


class Made:
    """A ruleset as text, of several base chains with what they jump to."""

    def __init__(self, number):
        r = self.r = random.Random(f"{SEED} {number}")
        self.text = "flush ruleset\n"
        for table in range(r.randint(1, 2)):
            self.table(table, r.choice(["inet", "inet", "ip", "ip6"]))
        self.r = random.Random(f"translated {SEED} {number}")
        self.translated()

    def translated(self):
        """Ports that are passed on to others of this host."""
        r, self.family, self.sets = self.r, "inet", {"none": (4, [])}
        rules = []
        for _ in range(r.choice([0, 1, 3])):
            v, port = r.choice([4, 6]), r.choice(PORTS)
            source = f"{'ip' if v == 4 else 'ip6'} saddr {r.choice(NETWORKS[v])}"
            rules.append(" ".join([*([source] if r.random() < .4 else []), r.choice(["tcp", "udp"]), "dport",
                                   r.choice([f"{port}", f"{{ {port}, {r.choice(PORTS)} }}", f"{port}-{port + 10}"]),
                                   r.choice(["redirect to :{}", "counter redirect to :{}"]).format(r.choice(PORTS))]))
        if rules:
            self.text += ("table inet n {\nchain p {\ntype nat hook prerouting priority dstnat; policy accept;\n" +
                          "\n".join(rules) + "\n}\n}\n")

    def table(self, number, family):
        r, self.family = self.r, family
        self.sets = {}
        for i in range(2):
            v = {"ip": 4, "ip6": 6}.get(family) or r.choice([4, 6])
            self.sets[f"s{i}"] = (v, self.some(v))
        self.text += f"table {family} t{number} {{\n"
        for name, (v, networks) in self.sets.items():
            self.text += (f"set {name} {{ type ipv{v}_addr; flags interval; auto-merge; "
                          f"elements = {{ {', '.join(networks)} }}; }}\n")
        for i in (2, 1):
            body = "\n".join(self.rule(["c2"] if i == 1 else []) for _ in range(r.randint(1, 4)))
            self.text += f"chain c{i} {{\n{body}\n}}\n"
        for i in range(r.randint(1, 2)):
            hook = r.choice(["input", "input", "prerouting"])
            policy = r.choice(["drop", "drop", "accept"]) if hook == "input" else "accept"
            rules = [self.rule(["c1", "c2"]) for _ in range(r.randint(3, 12))]
            # Who is next to the host has to be found.
            rules.insert(0, "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept" if family != "ip" else "continue")
            if r.random() < .4:
                rules.append(self.refuse())
            rules = "\n".join(rules)
            self.text += f"chain b{i} {{\ntype filter hook {hook} priority {10 * i}; policy {policy};\n{rules}\n}}\n"
        self.text += "}\n"

    def refuse(self):
        return self.r.choice(REFUSE).format(ICMP[self.family])

    def some(self, v):
        return self.r.sample(NETWORKS[v], self.r.randint(1, 2))

    def source(self):
        r = self.r
        if r.random() < .3:
            name = r.choice(sorted(self.sets))
            return f"{'ip' if self.sets[name][0] == 4 else 'ip6'} saddr {r.choice(['', '!= '])}@{name}"
        v = {"ip": 4, "ip6": 6}.get(self.family) or r.choice([4, 4, 6])
        one = r.choice(NETWORKS[v])
        return f"{'ip' if v == 4 else 'ip6'} saddr {r.choice([one, one, '!= ' + one])}"

    def ports(self):
        r, kind = self.r, self.r.choice(["tcp", "tcp", "udp"])
        low = r.choice(PORTS)
        return r.choice([f"{kind} dport {low}", f"{kind} dport {{ {low}, {r.choice(PORTS)} }}",
                         f"{kind} dport {low}-{low + r.choice([1, 10, 1000])}", f"{kind} dport != {low}",
                         f"{kind} dport > {low}", f"meta l4proto {{ tcp, udp }} th dport {low}",
                         f"meta l4proto {kind} ct original proto-dst {r.choice(['', '!= '])}{low}",
                         f"meta l4proto {kind} ct original proto-dst {low}-{low + 10}"])

    def rule(self, chains):
        r = self.r
        parts = [part for part, chance in (
            (self.source(), .4), (self.ports(), .7),
            (r.choice(["ct state new", "ct state established,related", "ct state invalid", "ct state != established",
                       "iifname eth0", "iifname lo", "iifname \"e*\"", "iifname != lo", "meta pkttype host",
                       "fib daddr type local", "meta l4proto udp", "ct status dnat",
                       "ip daddr 224.0.0.251" if self.family != "ip6" else "meta nfproto ipv6",
                       "tcp flags & (fin | syn | rst | ack) == syn", "tcp flags ack", "limit rate 100000/second burst 10000 packets"]), .3))
                 if r.random() < chance]
        if r.random() < .1 and "limit" not in " ".join(parts):
            return " ".join(parts + ["tcp dport vmap { 22 : accept, 23 : drop, 80-90 : return }"])
        does = r.choice(["accept"] * 3 + [self.refuse()] * 3 + ["return"] +
                        [f"{how} {chain}" for chain in chains for how in ("jump", "goto")])
        if "limit" in " ".join(parts) and does != "accept":
            does = "accept"  # a rate opens, and does not shut
        return " ".join([*(parts or [self.ports()]), "counter", does])


def addresses(text):
    if "-" in text:
        return tuple(ipaddress.ip_address(end) for end in text.split("-"))
    network = ipaddress.ip_network(text)
    return network[0], network[-1]


class Said:
    """What the table says."""

    def __init__(self, rows):
        self.rows = [(row["family"], row["protocol"], self.parsed(row["ports"]), row.get("admitted")) for row in rows]

    @staticmethod
    def parsed(text):
        return [tuple(map(int, part.partition("-")[::2])) if "-" in part else (int(part),) * 2 for part in text.split(", ")]

    def admits(self, source, protocol, port):
        """None: it says that it does not know."""
        source = ipaddress.ip_address(source)
        for family, kind, ports, admitted in self.rows:
            if family[-1] != str(source.version) or kind != protocol or not any(a <= port <= b for a, b in ports):
                continue
            if not isinstance(admitted, list):
                return None
            return admitted == ["world"] or any(low <= source <= high for low, high in map(addresses, admitted))
        return False


class Compared(Prober):
    sources = SOURCES

    def setUp(self):
        super().setUp()
        self.tried = self.unknown = self.admitted = self.hidden = self.reached = 0

    def probe(self, ports, what, protocols=("tcp", "udp")):
        """What the table says of each port, and of each source, against what nmap finds."""
        said, listed = Said(self.table("firewall_ports")), ",".join(map(str, ports))
        scans = ["-sS", "-p", f"T:{listed}"] if protocols == ("tcp",) else ["-sS", "-sU", "-p", f"T:{listed},U:{listed}"]
        runs = {s: self.nmap(s, "--max-rtt-timeout", "150ms", *scans) for s in self.sources}
        for source, run in runs.items():
            found = self.answered(run)
            for protocol, port in ((protocol, port) for protocol in protocols for port in ports):
                admits = said.admits(source, protocol, port)
                self.tried += 1
                self.unknown += admits is None
                self.admitted += bool(admits)
                if admits is not None:
                    self.assertEqual(admits, port in found[protocol], f"{port}/{protocol} from {source}, {what}")

    def tell(self, what):
        print(f"{what}: {self.tried} ports were tried, {self.admitted} admitted, {self.unknown} unknown, "
              f"{self.reached} rules reached, {self.hidden} hidden", end=" ")


class Generated(Compared):
    """Rulesets of nftables."""

    def load(self, made):
        """Without the rules whose conditions contradict each other, which nft refuses."""
        for _ in range(9):
            ran = self.host.exec(["nft", "-f", "-"], input=made.text, check=False)
            wrong = {int(number) for number in re.findall(r"^/dev/stdin:(\d+):", ran.stderr, re.M)}
            if not wrong:
                break
            made.text = "".join(line for i, line in enumerate(made.text.splitlines(True), 1) if i not in wrong)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def check_hidden(self, rules, what):
        """What no packet reaches has counted none."""
        counted, number = {}, {}
        for item in json.loads(self.out("nft", "-j", "list", "ruleset"))["nftables"]:
            if "rule" in item:
                chain = item["rule"]["family"], item["rule"]["table"], item["rule"]["chain"]
                number[chain] = number.get(chain, 0) + 1
                counted[*chain, number[chain]] = sum(part["counter"]["packets"] for part in item["rule"]["expr"]
                                                     if "counter" in part)
        for row in rules:
            packets = counted[row["family"], row["table"], row["chain"], row["number"]]
            self.reached += packets > 0
            if row.get("hidden_by"):
                self.hidden += 1
                self.assertEqual(packets, 0, f"{row}, {what}")

    def check_saved(self, made, what):
        """What nft loads is what it has loaded, and is not any more when one rule, whichever, is not there."""
        self.write("/etc/nftables.conf", made.text)
        self.assertEqual(self.saved(), (True, None), what)
        rules = [item["rule"] for item in json.loads(self.out("nft", "-j", "list", "ruleset"))["nftables"] if "rule" in item]
        gone = made.r.choice(rules)
        self.out("nft", "delete", "rule", gone["family"], gone["table"], gone["chain"], "handle", str(gone["handle"]))
        as_saved, unsaved = self.saved()
        self.assertEqual((as_saved, len(unsaved)), (False, 1), f"{gone}, {what}")
        self.assertIn(f"{gone['family']} {gone['table']} {gone['chain']} is saved and is not in force", unsaved[0])

    def saved(self):
        row = self.table("firewall")[0]
        return row.get("as_saved"), row.get("unsaved")

    def test_nmap_finds_what_the_tables_say(self):
        ports = sorted({p + d for p in PORTS for d in (-1, 0, 1)} | {8091, 65535})
        for number in range(RULESETS):
            with self.subTest(number):
                made = Made(number)
                self.load(made)
                what = f"seed {SEED}\n{made.text}"
                rules = self.table("firewall_rules")
                self.probe(ports, what)
                self.check_hidden(rules, what)
                self.check_saved(made, what)
        self.tell(f"{RULESETS} rulesets")
        self.assertGreater(self.admitted, 20 * RULESETS)
        self.assertLess(self.unknown, self.tried / 3)
        self.assertGreater(self.reached, 0)
        if SEED == 12 or RULESETS > 4:
            self.assertGreater(self.hidden, 0)


QUIET = ("firewall.rule-hidden", "firewall.rules-contradict", "firewall.rule-in-vain", "firewall.both-kinds")


class FrontEnds(Compared):
    """What others generate is understood, and has no rule that anybody need look at."""

    image = "firewalled"
    sources = SOURCES[1:4]
    ports = [22, 23, 80, 443, 5432, 8081]

    def check(self, what):
        self.probe(self.ports, what, ("tcp",))
        argv = [word for rule in QUIET for word in ("--rule", rule)]
        audit = json.loads(self.out("revet", "audit", "-f", "json", "--fail-on", "none", *argv))
        self.assertEqual({r["rule"]: r["verdict"] for r in audit["results"]}, dict.fromkeys(QUIET, "pass"), what)
        self.assertGreater(self.admitted, 0)

    def test_firewalld_and_ufw(self):
        self.sh("""systemctl start dbus firewalld
firewall-cmd -q --zone=public --change-interface=eth0
firewall-cmd -q --zone=internal --add-source=198.51.100.0/24
firewall-cmd -q --zone=internal --add-port=5432/tcp
firewall-cmd -q --zone=public --add-forward-port=port=8081:proto=tcp:toport=80""")
        self.check("firewalld")
        self.assertEqual(self.unknown, 0)
        self.sh("systemctl stop firewalld\nufw allow proto tcp from 198.51.100.0/24 to any port 22,5432\n"
                "ufw limit 443/tcp; ufw --force enable")
        self.unknown = 0
        self.check("ufw")
        self.assertEqual(self.unknown, 0)
        # A mistake is found: ufw appends.
        self.sh("ufw deny proto tcp from 198.51.100.7 to any port 22")
        self.assertIn("FAIL 1", self.out("revet", "audit", "--rule", QUIET[0], "--fail-on", "none"))


class Docker(Compared):
    """What a container publishes is open to whom the rules let through to it, past those of the host itself."""

    image = "docker"
    user = "DOCKER-USER"  # where the engine has people put rules of their own

    check, sources, ports = FrontEnds.check, SOURCES[:3], [22, 23, 80, 8080]

    def test_published(self):
        # The container starts after the boot.
        self.assertTrue(wait_until(lambda: "--dport 8080" in self.out("iptables", "-t", "nat", "-S")
                                   and f"-N {self.user}" in self.out("iptables", "-S"), 60))
        self.sh(f"iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -P INPUT DROP\n"
                f"iptables -I {self.user} -s 203.0.113.0/24 -j DROP")
        self.check("a published port")
        self.assertEqual(self.unknown, 0)
        self.sh(f"iptables -D {self.user} 1; iptables -A FORWARD -p tcp --dport 80 -j ACCEPT")
        self.write("/etc/revet/site.yaml", "serves: [{port: 22/tcp, to: world}]\n")
        beyond = [row for row in self.table("firewall_ports") if row.get("beyond") and row["family"] == "ipv4"]
        self.assertEqual([(row["protocol"], row["ports"], row["beyond"]) for row in beyond], [("tcp", "8080", ["world"])])
        # The site's own filter: by the port that was asked for.
        self.load("admins: {users: [ops]}\nserves: [{port: 80/tcp, to: world}, {port: 8080/tcp, to: [203.0.113.0/24]}]\n")
        self.check("the site's filter")
        self.assertEqual(self.unknown, 0)


class Podman(Docker):
    image = "podman"
    user = "CNI-ADMIN"


if __name__ == "__main__":
    unittest.main()
