# SPDX-License-Identifier: Apache-2.0
"""listeners, processes, interfaces, resolver, firewall, firewall_chains: against ss, ps, ip, nft.

No image has iptables, ufw, firewalld, resolvectl or a D-Bus of a resolver: what the tables make of
their files is in tests/tables. resolver is compared with resolv.conf(5) alone.
"""

import ipaddress
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostlib import wait_until
from oracle import OnHost, by

# Sockets of many kinds, and some that nobody outside can talk to and that must not be listed.
PLANTED = """
import os, socket, time
T, U = socket.SOCK_STREAM, socket.SOCK_DGRAM
keep = []
def open_(family, kind, address, v6only=None, reuse=False):
    s = socket.socket(family, kind)
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(address)
    if kind == T:
        s.listen(5)
    keep.append(s)
    return s
open_(socket.AF_INET6, T, ("::", 7001), v6only=0)
open_(socket.AF_INET6, U, ("::", 7001), v6only=0)
open_(socket.AF_INET6, T, ("::", 7002), v6only=1)
open_(socket.AF_INET, T, ("127.0.0.2", 7003))
open_(socket.AF_INET, T, (os.environ["ADDRESS"], 7004))
open_(socket.AF_INET6, T, (os.environ["ADDRESS6"], 7005))
open_(socket.AF_INET6, T, ("::ffff:127.0.0.1", 7006), v6only=0)
open_(socket.AF_INET, T, ("0.0.0.0", 7007), reuse=True)
open_(socket.AF_INET, T, ("0.0.0.0", 7007), reuse=True)
open_(socket.AF_INET6, U, ("fe80::7", 7008, 0, socket.if_nametoindex("eth0")))
open_(socket.AF_INET, U, ("127.0.0.1", 7009)).connect(("127.0.0.1", 7010))
bound = socket.socket(socket.AF_INET, T)
bound.bind(("0.0.0.0", 7011))
client = socket.create_connection(("127.0.0.1", 22))
if os.fork() == 0:
    os.setuid(65534)
else:
    ready = socket.socket(socket.AF_UNIX, U)
    ready.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    ready.close()
time.sleep(1000)
"""

def scope_of(address):
    """From where a local address can be reached, by the registries as Python knows them."""
    address = ipaddress.ip_address(address)
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified:
        return "public"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return "private" if address.is_private else "public"


class Sockets(OnHost):
    @classmethod
    def prepare(cls):
        net = cls.host.net()
        cls.out("ip", "addr", "add", "fe80::7/64", "dev", "eth0", "nodad")
        cls.write("/opt/planted.py", PLANTED)
        cls.write("/etc/systemd/system/waiting.socket",
                  "[Socket]\nListenStream=127.0.0.1:7020\nListenDatagram=7020\n")
        cls.write("/etc/systemd/system/waiting.service", "[Service]\nExecStart=/bin/cat\n")
        cls.sh("systemctl daemon-reload; systemctl start waiting.socket")
        cls.out("systemd-run", "-q", "--unit=planted", "-p", "Type=notify", "-E",
                f"ADDRESS={net.host}", "-E", f"ADDRESS6={net.host6}", "python3", "/opt/planted.py",
                timeout=30)

    def test_listeners(self):
        owner = {}
        for line in self.out("ps", "-eo", "pid=,ppid=,euser:32=,comm=,unit:64=").splitlines():
            pid, parent, user, comm, unit = line.split()
            owner[int(pid)] = (int(parent), user, comm, None if unit == "-" else unit)
        want, programs = [], {}
        for line in self.out("ss", "-H", "-tulpn").splitlines():
            protocol, _, _, _, local, _, users = line.split(None, 6)
            address, port = local.rsplit(":", 1)
            family = "ipv6" if ":" in address or address == "*" else "ipv4"
            address = "::" if address == "*" else address.partition("%")[0].strip("[]")
            pids = {int(pid) for pid in re.findall(r"pid=(\d+)", users)} - {1} or {1}
            pid = next(pid for pid in sorted(pids) if owner[pid][0] not in pids)
            programs[pid] = None
            want.append((protocol, family, address, int(port), scope_of(address),
                         owner[pid][2], pid, owner[pid][1], owner[pid][3]))
        for pid in programs:
            programs[pid] = self.out("readlink", f"/proc/{pid}/exe").strip()
        owning = self.owning(list(programs.values()))
        want = [(*row, programs[row[6]], owning[programs[row[6]]]) for row in want]
        columns = ("protocol", "family", "address", "port", "scope", "process", "pid",
                   "user", "unit", "exe", "package")
        got = [tuple(row.get(column) for column in columns) for row in self.table("listeners")]
        # Sockets that share all of this (SO_REUSEPORT) are one row.
        self.same(dict.fromkeys(got, "a row"), dict.fromkeys(want, "a row"))
        ports = {row[3] for row in got}
        self.assertTrue({*range(7001, 7009), 7020} <= ports)
        self.assertFalse({7009, 7011} & ports)

    def test_processes(self):
        before = self.ps()
        got = by(self.table("processes"), "pid")
        after = self.ps()
        want = {pid: row for pid, row in before.items() if after.get(pid) == row}
        self.assertEqual({row["name"] for pid, row in got.items() if pid not in before | after},
                         {"revet"}, "processes that ps does not know of")
        columns = ("ppid", "name", "user", "uid", "unit", "label")
        self.same({pid: {c: row.get(c) for c in columns} for pid,
                   row in got.items() if pid in want},
                  want, at_least=15)
        said = self.sh("""for pid; do
            readlink /proc/$pid/exe; capsh --decode=$(sed -n 's/^CapEff:\\t//p' /proc/$pid/status)
            sed -n '/^Uid\\|^NoNewPrivs\\|^Seccomp:/p' /proc/$pid/status; echo; done""",
                       *map(str, want))
        blocks = said.strip().split("\n\n")
        self.assertEqual(len(blocks), len(want))
        for pid, block in zip(want, blocks):
            with self.subTest(pid=pid, name=want[pid]["name"]):
                self.check_process(got[pid], *block.split("\n"))

    def ps(self):
        said = self.out("ps", "-eo", "pid=,ppid=,comm:20=,euser:32=,euid=,unit:64=,label:64=")
        rows = {}
        for line in said.splitlines():
            pid, ppid, name, user, uid, unit, label = line.split()
            rows[int(pid)] = {"ppid": int(ppid), "name": name, "user": user, "uid": int(uid),
                              "unit": None if unit == "-" else unit,
                              "label": None if label == "-" else label}
        return rows

    def check_process(self, row, exe, capabilities, *status):
        status = dict(line.split(":\t", 1) for line in status)
        capabilities = capabilities.partition("=")[2]
        self.assertEqual(row["exe"], exe.removesuffix(" (deleted)"))
        self.assertEqual(row["exe_deleted"], exe.endswith(" (deleted)"))
        self.assertEqual(row["no_new_privs"], status["NoNewPrivs"] == "1")
        self.assertEqual(row["seccomp"], ("disabled", "strict", "filter")[int(status["Seccomp"])])
        self.assertEqual(sorted(row["capabilities"].split(",")), sorted(capabilities.split(",")))
        self.assertEqual(row["root"], status["Uid"].split()[1] == "0")
        self.assertIs(row["kernel_thread"], False)

    def test_interfaces(self):
        self.sh("""
            ip link add br0 type bridge; ip link set br0 up; ip addr add 8.8.4.4/32 dev br0
            ip link add dum0 type dummy || ip link add dum0 type veth peer name dum1
            ip link set dum0 up; ip link set dum0 master br0
            ip link add link eth0 name vlan7 type vlan id 7 || true
            ip link add mv0 link eth0 type macvlan || true
            ip tuntap add tap0 mode tap || true
            ip link add wg0 type wireguard || true
            ip link set eth0 promisc on; ip addr add 2001:4860::1/64 dev eth0 nodad""")
        want = {}
        for link in json.loads(self.out("ip", "-j", "-d", "addr")):
            addresses = [f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"]]
            ports = link.get("linkinfo", {}).get("info_slave_kind") == "bridge"
            kind = link.get("linkinfo", {}).get("info_kind")
            want[link["ifname"]] = {
                "addresses": sorted(addresses), "up": "UP" in link["flags"],
                "promiscuous": link["promiscuity"] > (1 if ports else 0),
                "kind": kind or {"loopback": "loopback", "ether": "ethernet"}[link["link_type"]],
                "public": any(ipaddress.ip_interface(a).is_global for a in addresses),
                "wireless": False}
        got = by(self.table("interfaces"), "name")
        self.same({name: {c: sorted(row[c]) if c == "addresses" else row[c] for c in want["lo"]}
                   for name, row in got.items()}, want, at_least=4)
        self.assertTrue(want["eth0"]["promiscuous"] and want["eth0"]["public"])

    def test_resolver(self):
        self.write("/etc/resolv.conf", """# nameserver 192.0.2.9
nameserver 192.0.2.1
  nameserver 192.0.2.8
nameserver 2001:db8::1 trailing
nameserver fe80::1%eth0
domain first.example
search a.example b.example
; search never.example
options edns0 ndots:2
options timeout:1
""")
        row, = self.table("resolver")
        self.assertEqual(row["nameservers"], ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
        self.assertEqual(row["search"], ["a.example", "b.example"])
        self.assertEqual(row["options"], ["edns0", "ndots:2", "timeout:1"])
        self.assertEqual(row["managed_by"], "file")


# Rulesets, by what they are to show.
RULESETS = {
    "nothing": "",
    "accepting policy": """table inet f { chain i { type filter hook input priority 0;
        tcp dport 22 accept; } }""",
    "dropping policy": """table inet f { chain i { type filter hook input priority 0; policy drop;
        ct state established,related accept; iif lo accept; tcp dport 22 accept; }
        chain fw { type filter hook forward priority 0; policy drop; }
        chain o { type filter hook output priority 0; } }""",
    "dropping at the end": """table inet f { chain i { type filter hook input priority -5;
        ct state established accept; iifname "lo" accept; tcp dport 22 accept; counter drop; } }""",
    "rejecting in a chain of its own": """table inet f { chain rest { reject; }
        chain i { type filter hook input priority 0;
        ct state established accept; iif lo accept; tcp dport { 22, 80 } accept; jump rest; } }""",
    "version 4 only": """table ip f { chain i { type filter hook input priority 0; policy drop;
        ct state established accept; iif lo accept; } }""",
    "version 6 only": """table ip6 f { chain i { type filter hook input priority 0; policy drop;
        ct state established accept; iif lo accept; } }""",
    "accepted first, dropped later": """table inet a { chain i { type filter hook input priority -10;
        accept; } } table inet b { chain i { type filter hook input priority 10; policy drop;
        iif lo accept; ct state established accept; } }""",
    "loopback forgotten": """table inet f { chain i { type filter hook input priority 0; policy drop;
        tcp dport 22 accept; } }""",
    "all accepted in front": """table inet f { chain i { type filter hook input priority 0; policy drop;
        meta l4proto tcp accept; } }""",
    "one interface dropped": """table inet f { chain i { type filter hook input priority 0;
        iifname "eth9" drop; tcp dport 7001 counter; } chain n { } }
        table ip n { chain p { type nat hook prerouting priority dstnat; } }""",
}
# Where the table may say that it does not know, or take a closed host for an open one, but not the
# reverse. What is in a named set is not read: it is taken for a few addresses or ports.
BEGIN = "table inet f { chain i { type filter hook input priority 0; policy drop; "
TRICKY = {
    "accepted by a map": BEGIN + "tcp dport vmap { 22 : drop, 1024-65535 : accept }; } }",
    "a map with all": BEGIN + "meta l4proto vmap { tcp : accept, udp : drop }; } }",
    "a jump that accepts": "table inet f { chain a { accept; } chain i { type filter hook input "
                           "priority 0; policy drop; jump a; } }",
    "a goto that accepts": "table inet f { chain a { tcp dport 1-65535 accept; } chain i { type filter "
                           "hook input priority 0; policy drop; goto a; } }",
    "returned from a chain": "table inet f { chain a { return; drop; } chain i { type filter hook input "
                             "priority 0; jump a; } }",
    "all new ones accepted": BEGIN + "ct state new accept; } }",
    "new, established and related": BEGIN + "ct state { new, established, related } accept; } }",
    "not invalid": BEGIN + "ct state != invalid accept; } }",
    "all but one port": BEGIN + "tcp dport != 23 accept; } }",
    "the interface": BEGIN + 'iifname "eth0" accept; } }',
    "any interface but lo": BEGIN + 'iifname != "lo" accept; } }',
    "an interface by pattern": BEGIN + 'iifname "e*" accept; } }',
    "all of the internet": BEGIN + "ip saddr 0.0.0.0/0 accept; ip6 saddr ::/0 accept; } }",
    "two halves of it": BEGIN + "ip saddr { 0.0.0.0/1, 128.0.0.0/1 } accept; } }",
    "all but one address": BEGIN + "ip saddr != 203.0.113.9 accept; ip6 nexthdr tcp accept; } }",
    "a limit": BEGIN + "limit rate 1000/second accept; } }",
    "over a limit dropped": "table inet f { chain i { type filter hook input priority 0; "
                            "limit rate over 1/hour burst 1 packets drop; } }",
    "syn accepted": BEGIN + "tcp flags syn / fin,syn,rst,ack accept; ct state established accept; } }",
    "no syn accepted": BEGIN + "tcp flags != syn accept; } }",
    "high ports": BEGIN + "tcp dport 1024-65535 accept; } }",
    "only drops invalid": "table inet f { chain i { type filter hook input priority 0; "
                          "ct state invalid drop; } }",
    "drops what is established": "table inet f { chain i { type filter hook input priority 0; "
                                 "ct state established ip protocol icmp drop; } }",
    "drops one protocol": "table inet f { chain i { type filter hook input priority 0; "
                          "meta l4proto udp drop; } }",
    "drops by length": "table inet f { chain i { type filter hook input priority 0; "
                       "meta length > 2000 drop; } }",
    "drops a mark": "table inet f { chain i { type filter hook input priority 0; "
                    "meta mark 7 drop; } }",
    "drop in another hook": "table inet f { chain i { type filter hook forward priority 0; policy drop; "
                            "} }",
    "rejects one port": "table inet f { chain i { type filter hook input priority 0; "
                        "tcp dport 23 reject; } }",
    "never reached": "table inet f { chain i { type filter hook input priority 0; accept; drop; } }",
    "a route chain": "table ip f { chain o { type route hook output priority 0; policy drop; "
                     "accept; } }",
    "time of day": BEGIN + 'meta hour "00:00"-"23:59" accept; } }',
    "sixth of them": BEGIN + "numgen inc mod 1 0 accept; } }",
    "fib": BEGIN + "fib daddr type local accept; } }",
}
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 7100), 0.5)
    print("open")
except OSError:
    print("closed")
"""
SERVE = """
import os, socket, time
s = socket.create_server(("::", 7100), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
"""


class Firewall(OnHost):
    """Rulesets: chains against nft -j, and what is said of new connections against real ones."""

    @classmethod
    def prepare(cls):
        cls.net = cls.host.net()
        cls.write("/opt/serve.py", SERVE)
        cls.out("systemd-run", "-q", "--unit=serve", "-p", "Type=notify", "python3",
                "/opt/serve.py",
                timeout=30)
        # A new address of IPv6 answers only once nobody else was found to have it.
        for address in (cls.net.host, cls.net.host6):
            if not wait_until(lambda: cls.connects(address), 10):
                raise AssertionError(f"{address} cannot be reached at all")

    def chains(self):
        found, counted = {}, {}
        for item in json.loads(self.out("nft", "-j", "list", "ruleset"))["nftables"]:
            if "chain" in item:
                c = item["chain"]
                found[c["family"], c["table"], c["name"]] = {
                    "type": c.get("type"), "hook": c.get("hook"), "priority": c.get("prio"),
                    "policy": c.get("policy"), "rules": 0}
            elif "rule" in item:
                r = item["rule"]
                found[r["family"], r["table"], r["chain"]]["rules"] += 1
        return found

    @classmethod
    def connects(cls, address, outside=True):
        run = cls.host.outside if outside else cls.host.exec
        return run(["python3", "-c", CONNECT, address]).stdout.strip() == "open"

    def test_rulesets(self):
        for name, ruleset in RULESETS.items():
            with self.subTest(name):
                # nft wants a line to end where a block does.
                ruleset = re.sub(r"\} (?=\}|chain|table)", "}\n", ruleset)
                self.host.exec(["nft", "-f", "-"], input="flush ruleset\n" + ruleset)
                want = self.chains()
                columns = ("type", "hook", "priority", "policy", "rules")
                got = by(self.table("firewall_chains"), "family", "table", "name")
                self.same({key: {c: row.get(c) for c in columns} for key, row in got.items()}, want,
                          at_least=0)
                self.check_verdict(want)

    def check_verdict(self, chains):
        row, = self.table("firewall")

        def policy(hook, *families):
            found = {c["policy"] for (family, _, _), c in chains.items()
                     if c["hook"] == hook and c["type"] == "filter" and family in families}
            return "drop" if "drop" in found else "accept" if found else None

        self.assertEqual(row.get("input_policy"), policy("input", "ip", "inet"))
        self.assertEqual(row.get("input_policy_ipv6"), policy("input", "ip6", "inet"))
        self.assertEqual(row.get("forward_policy"), policy("forward", "ip", "inet"))
        self.assertEqual(row.get("forward_policy_ipv6"), policy("forward", "ip6", "inet"))
        self.assertEqual(row.get("output_policy"), policy("output", "ip", "inet"))
        self.assertEqual(row["backend"], "nftables" if chains else "none")
        self.assertEqual(row["rules"], sum(c["rules"] for c in chains.values()))
        self.assertEqual(row["active"],
                         any(c["hook"] == "input" and (c["rules"] or c["policy"] == "drop")
                                            for c in chains.values()))
        self.assertEqual(row["default_deny_input"], not self.connects(self.net.host))
        self.assertEqual(row["default_deny_input_ipv6"], not self.connects(self.net.host6))
        self.assertEqual(row["loopback_accepted"], self.connects("127.0.0.1", outside=False))

    def test_what_is_hard_to_judge(self):
        refused = 0
        for name, ruleset in TRICKY.items():
            with self.subTest(name):
                ruleset = re.sub(r"\} (?=\}|chain|table)", "}\n", ruleset)
                loaded = self.host.exec(["nft", "-f", "-"], input="flush ruleset\n" + ruleset,
                                        check=False)
                if loaded.returncode:
                    refused += 1  # this kernel has no such expression
                    continue
                row, = self.table("firewall")
                for column, address in (("default_deny_input", self.net.host),
                                        ("default_deny_input_ipv6", self.net.host6)):
                    if row[column] is True:
                        self.assertFalse(self.connects(address), column)
        self.assertLess(refused, 6)

    def test_persisted(self):
        self.write("/etc/nftables.conf",
                   "table inet f {\nchain i {\ntype filter hook input priority 0;\n"
                                         "policy drop;\ntcp dport 22 accept\n}\n}\n")
        for command, want in (("disable", False), ("enable", True)):
            self.out("systemctl", command, "nftables.service")
            enabled = self.out("systemctl", "is-enabled", "nftables.service", check=False).strip()
            self.assertEqual(enabled, command + "d")
            self.assertIs(self.table("firewall")[0]["persisted"], want)


if __name__ == "__main__":
    unittest.main()
