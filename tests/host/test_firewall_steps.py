# SPDX-License-Identifier: Apache-2.0
"""The packet filter on booted hosts: what a rule loads holds on the wire and after a reboot, keeps nobody
out, leaves other tools' filters alone, and is taken back to the byte and to the rule."""

import hashlib
import json
import os
import re
import unittest

from test_breakage import LOOK_LIKE_A_MACHINE
from test_change import look, tree
from test_steps import Steps

RULE = "firewall.loopback-spoofed"
TABLE = "inet revet_loopback"

CONFIGURATION = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	set friends { type ipv4_addr; elements = { 192.0.2.7 } ; }
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established accept
		icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept
		tcp dport { 22, 8000 } counter accept comment "he said } and # "
	}
}
"""

# As somebody on the same network does it: a first packet to 127.0.0.1, in a frame for the host.
KNOCK = r"""
import socket, struct, sys, time
mac, source, port = bytes.fromhex(sys.argv[1].replace(":", "")), sys.argv[2], int(sys.argv[3])
own = 20000 + time.monotonic_ns() // 1000000 % 20000
def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
ends = socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
syn = lambda check: struct.pack("!HHIIBBHHH", own, port, 1, 0, 5 << 4, 2, 1024, check, 0)
tcp = syn(checksum(ends + struct.pack("!BBH", 0, 6, 20) + syn(0)))
head = lambda check: struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, check) + ends
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind(("eth0", 0))
s.settimeout(0.5)
s.send(mac + s.getsockname()[4] + b"\x08\x00" + head(checksum(head(0))) + tcp)
end = time.monotonic() + 0.7
while time.monotonic() < end:
    try:
        frame = s.recv(2000)
    except TimeoutError:
        break
    if frame[26:30] == b"\x7f\0\0\1" and frame[36:38] == struct.pack("!H", own) and frame[47] & 0x12 == 0x12:
        sys.exit(print("answered"))
print("silence")
"""


def table(body, name=TABLE):
    return f"table {name} {{\n{body}\n}}"


def chain(*rules, policy="drop"):
    lines = "\n".join(f"\t\t{rule}" for rule in rules)
    return f"\tchain input {{\n\t\ttype filter hook input priority 10; policy {policy};\n{lines}\n\t}}"


class Firewall(Steps):
    def setUp(self):
        super().setUp()
        self.host.net()
        self.write("/etc/nftables.conf", CONFIGURATION, "755")
        self.out("nft", "-f", "/etc/nftables.conf")
        self.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves its mark in the home
        self.machine()

    def machine(self):
        self.sh(LOOK_LIKE_A_MACHINE)

    def ruleset(self):
        return self.out("nft", "-s", "list", "ruleset")

    def listed(self):
        return self.out("nft", "-s", "list", "table", *TABLE.split())

    def plan(self, text, name="/root/p.plan"):
        """The plan of the rule with another text for its table."""
        self.revet("plan", "--rule", RULE, "-o", name)
        plan = json.loads(self.read(name))
        for step in plan["steps"]:
            if step["type"] == "nft":
                step["after"]["ruleset"] = text
        text = json.dumps(plan, ensure_ascii=False, indent=2) + "\n"
        digits = hashlib.sha256(text.replace(plan["sha256"], "", 1).encode()).hexdigest()
        self.write(name, text.replace(plan["sha256"], digits, 1), "600")
        return name

    def apply(self, text, code=0, via=None):
        return self.revet("apply", self.plan(text), "--no-input", code=code, via=via or self.host.ssh)

    def etc(self):
        """The files that the rule is about."""
        names = ["etc/nftables.conf", "etc/nftables.d", "etc"]
        names += [f"etc/nftables.d/{name}" for name in os.listdir(f"{self.host.root}/etc")
                  if name == "nftables.d" for name in os.listdir(f"{self.host.root}/etc/nftables.d")]
        return {name: look(f"{self.host.root}/{name}", name) for name in names
                if os.path.lexists(f"{self.host.root}/{name}")}

    # --- the rule ---

    def knock(self):
        mac = self.read("/sys/class/net/eth0/address").strip()
        return self.host.outside(["python3", "-c", KNOCK, mac, self.host.net().peer, "8000"]).stdout.strip()

    def serve(self):
        """A service on loopback, and what lets neighbours reach it."""
        self.sh("echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet\n"
                "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalAddr => \"127.0.0.1:8000\", "
                "ReuseAddr => 1) or die; close STDOUT; close STDERR; sleep 1000' >/dev/null 2>&1 &\nsleep 0.3")

    def test_neighbours_do_not_reach_loopback(self):
        before, ruleset = tree(self.host.root), self.ruleset()
        self.serve()
        self.assertEqual(self.knock(), "answered")
        told = self.revet("apply", "--no-input", "--rule", RULE, via=self.host.ssh)
        self.assertIn(f"{self.host.net().peer} reaches port 22 through the new rules", told)
        self.assertIn("1 fixed, 0 still fail", told)
        self.assertEqual(self.knock(), "silence")
        self.assertNotIn("ip daddr 127.0.0.0/8 counter packets 0 ", self.out("nft", "list", "ruleset"))
        self.out("systemctl", "reload", "nftables")
        self.assertEqual(self.knock(), "silence")
        self.host.outside(["ip", "link", "del", "eth0"])
        self.host.reboot()
        self.machine()
        self.serve()
        self.assertEqual(self.knock(), "silence")
        self.assertIn("pass 1", self.revet("audit", "--rule", RULE))
        self.revet("revert", via=self.host.ssh)
        self.assertEqual(self.ruleset(), ruleset)
        self.assertEqual(self.knock(), "answered")
        self.same(before)

    def test_the_script(self):
        before, ruleset = tree(self.host.root), self.ruleset()
        self.out("nft", "-f", "-", input=table(chain("counter", policy="accept")))
        self.out("mkdir", "-p", "/etc/nftables.d")
        self.write("/etc/nftables.d/revet_loopback.nft", "# mine\n")
        mine, theirs = tree(self.host.root), self.ruleset()
        self.revet("apply", "--no-input", "--rule", RULE, via=self.host.ssh)
        self.assertNotEqual(self.ruleset(), theirs)
        self.undo_script()
        self.assertEqual(self.ruleset(), theirs)
        self.same(mine, times=("etc/nftables.d", "etc"))
        self.out("nft", "delete", "table", *TABLE.split())
        self.out("rm", "-r", "/etc/nftables.d", "/var/lib/revet")
        self.revet("apply", "--no-input", "--rule", RULE)
        self.undo_script()
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before, times=("etc",))

    def test_what_is_left_alone(self):
        before, ruleset = tree(self.host.root), self.ruleset()
        for prepare, undo, why in (
                ("mkdir -p /etc/ufw; echo ENABLED=yes >/etc/ufw/ufw.conf", "rm /etc/ufw/ufw.conf", "ufw manages"),
                ("cp /bin/sleep /usr/sbin/firewalld; /usr/sbin/firewalld 100 >/dev/null 2>&1 & sleep 0.2",
                 "pkill -x firewalld; rm /usr/sbin/firewalld", "firewalld manages"),
                ("nft add table ip x; nft add chain ip x DOCKER; systemctl -q disable nftables.service",
                 "nft delete table ip x; systemctl -q enable nftables.service", "docker manages"),
                ("systemctl -q disable nftables.service", "systemctl -q enable nftables.service",
                 "has rules that are not loaded at boot today"),
                ("systemctl -q mask nftables.service", "systemctl -q unmask nftables.service; systemctl -q enable nftables.service",
                 "is masked"),
                ("mv /etc/nftables.conf /etc/n", "mv /etc/n /etc/nftables.conf", "nothing loads rules at boot"),
                ("mv /usr/sbin/nft /usr/sbin/n", "mv /usr/sbin/n /usr/sbin/nft", "")):
            with self.subTest(prepare):
                self.sh(prepare)
                told = self.revet("apply", "--no-input", "--rule", RULE)
                self.assertRegex(told, "Nothing can be changed|There is nothing to change")
                self.assertIn(why, told)
                self.sh(undo)
                self.assertEqual(self.ruleset(), ruleset)
        self.same(before, times=("etc", "etc/ufw", "usr/sbin", "etc/systemd/system/sysinit.target.wants"),
                  names=("etc/systemd/system/sysinit.target.wants/nftables.service",))

    def test_the_service_is_enabled(self):
        """With Debian's own configuration, which loads no rule."""
        self.write("/etc/nftables.conf", re.sub(r"(?m)^\t\t(?!type).*\n|^\tset.*\n", "", CONFIGURATION)
                   .replace(" policy drop;", ""), "755")
        self.out("systemctl", "-q", "disable", "nftables.service")
        before, ruleset = tree(self.host.root), self.ruleset()
        self.revet("apply", "--no-input", "--rule", RULE)
        self.assertEqual(self.out("systemctl", "is-enabled", "nftables.service").strip(), "enabled")
        self.assertIn(ruleset, self.ruleset())
        self.revet("revert")
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before)

    def test_somebody_elses_mistake(self):
        self.write("/etc/nftables.conf", CONFIGURATION.replace("policy drop;", "polcy drop;"), "755")
        before, ruleset = tree(self.host.root), self.ruleset()
        told = self.revet("apply", "--no-input", "--rule", RULE, code=1)
        self.assertIn("/etc/nftables.conf", told)
        self.assertIn("nothing was changed", told)
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before)

    def test_killed_at_each_call_of_nft(self):
        self.out("mv", "/usr/sbin/nft", "/usr/sbin/nft.real")
        self.write("/usr/sbin/nft", "#!/bin/sh\nn=$(cat /run/calls); echo $((n - 1)) >/run/calls\n"
                   "[ $n != ${AFTER:-0} ] || /usr/sbin/nft.real \"$@\"\n[ $n != 0 ] || { kill -9 $PPID; exit; }\n"
                   "exec /usr/sbin/nft.real \"$@\"\n", "755")
        before, all_before, killed = self.etc(), tree(self.host.root), 0
        for n in range(100):
            # revet's readers are started by a child; only calls of the process that applies count
            self.out("sh", "-c", "echo 1000 >/run/calls; revet plan --rule " + RULE + " -o /run/p.plan")
            self.sh(f"echo {n} >/run/calls")
            ran = self.host.exec(["revet", "apply", "/run/p.plan", "--no-input"], check=False)
            self.sh("echo 1000 >/run/calls")
            self.host.exec(["revet", "revert", "--unconfirmed"], check=False)
            if ran.returncode in (0, 1) and "is done" in ran.stdout:
                self.revet("revert")
            self.assertNotIn("revet_loopback", self.ruleset(), f"killed at call {n}")
            self.assertEqual(self.etc(), before)
            killed += ran.returncode not in (0, 1)
            if ran.returncode == 0:
                break
        self.assertGreater(killed, 6)
        self.same(all_before)

    # --- any table: what a site needs ---

    def test_a_table_that_cuts_the_session(self):
        net, before, ruleset = self.host.net(), tree(self.host.root), self.ruleset()
        known, own = "ct state established accept", "iif lo accept"
        for rules in ([], [known], [own, known, "tcp dport 2222 accept"],
                      [f"ip saddr != {net.peer} accept"], ["tcp sport 22 accept", "iifname eth1 accept"]):
            with self.subTest(rules):
                told = self.apply(table(chain(*rules)), code=1)
                self.assertIn(f"would not admit {net.peer} to port 22", told)
                self.assertIn("nothing was changed", told)
        self.assertIn("nft does not take the table",
                      self.apply(table(chain("tcp dport ssssh accept")), code=1))
        self.assertEqual(self.ruleset(), ruleset)
        for rules in ([own, known, f"ip saddr {net.peer}/24 tcp dport ssh accept"],
                      [own, known, "iifname eth0 ip daddr @here tcp dport { 22, 443 } ct state new accept"]):
            with self.subTest(rules):
                text = table(f"\tset here {{ type ipv4_addr; elements = {{ {net.host} }}; }}\n" + chain(*rules))
                self.assertIn("(tried)", self.apply(text))
                self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
                self.revet("revert", via=self.host.ssh)
        # What leaves counts as well.
        shut = table("\tchain out {\n\t\ttype filter hook output priority 0; policy drop;\n\t}")
        self.assertIn("would not admit", self.apply(shut, code=1))
        # From a console: sshd's port, from anywhere.
        self.assertIn("would not admit 192.0.2.1 to port 22",
                      self.apply(table(chain(f"ip saddr {net.peer} accept")), code=1,
                                 via=lambda argv: self.host.exec(["sh", "-c", argv[0]], check=False)))
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before, names=("root/p.plan",), times=("root",))

    def test_a_session_over_ipv6(self):
        net = self.host.net()

        def six(command):
            return self.host.outside(["ssh", "-F", "none", "-i", self.host.image.key, "-oBatchMode=yes",
                                      "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
                                      f"ops@{net.host6}", "--", *command])
        self.assertIn(f"would not admit {net.peer6}",
                      self.apply(table(chain(f"ip6 saddr {net.peer6} tcp dport 22 accept")), code=1, via=six))
        self.assertIn(f"{net.peer6} reaches port 22", self.apply(
            table(chain("iif lo accept", f"ip6 saddr {net.peer6} tcp dport 22 accept", "ct state established accept",
                        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept")), via=six))
        self.assertEqual(six(["id", "-un"]).stdout, "ops\n")

    def test_a_large_table(self):
        """As a site file makes it, with whatever stands in its comments; then replaced, and back again."""
        hostile = ["} ; flush ruleset", "# \\\\ $x @y", "elements = { 1 }", "table inet filter {", "'; reboot; '", "\u00e4\u4e2d"]
        sets = "\n".join(f'\tset s{i} {{\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\tcomment "{hostile[i % 6]}"\n'
                         f"\t\telements = {{ " + ", ".join(f"10.{i}.{k}.0/25" for k in range(60)) + " }\n\t}" for i in range(40))
        seen = ("\tset seen {\n\t\ttype ipv4_addr\n\t\tsize 65535\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t\t"
                "elements = { 192.0.2.1 timeout 1h }\n\t}\n\tmap ports { type inet_service : verdict; elements = { 22 : accept } ; }")
        rules = ["iif lo accept", "ct state vmap { established : accept, invalid : drop }", "tcp dport vmap @ports",
                 "ip saddr @seen drop", "limit rate 3/second burst 5 packets log prefix \"} # \" accept"]
        rules += [f'ip saddr @s{i} tcp dport {{ 80, {1000 + i} }} counter accept comment "{hostile[i % 6]}"' for i in range(40)]
        before, ruleset = tree(self.host.root), self.ruleset()
        self.apply(table(f'\tcomment "{hostile[0]}"\n{sets}\n{seen}\n{chain(*rules)}'))
        self.assertEqual(self.listed().count("10.7.59.0/25"), 1)
        first = self.ruleset()
        self.out("nft", "add", "element", *TABLE.split(), "seen", "{ 192.0.2.99 timeout 10m }")
        self.out("nft", "delete", "element", *TABLE.split(), "seen", "{ 192.0.2.1 }")
        # Something else in its place, and back: what has come and gone meanwhile is nobody's change.
        again = json.loads(self.read("/root/p.plan"))
        self.assertGreater(len(json.dumps(again)), 45000)
        self.revet("revert", via=self.host.ssh)
        self.assertEqual(self.ruleset(), ruleset)
        self.same(before, names=("root/p.plan",), times=("root",))
        self.out("nft", "-f", "-", input=first[first.index(f"table {TABLE}"):])
        self.write("/etc/nftables.d/revet_loopback.nft", "# some of it\n")
        self.revet("apply", "--no-input", "--rule", RULE, via=self.host.ssh)
        self.assertNotIn("10.7.59.0/25", self.listed())
        self.revet("revert", via=self.host.ssh)
        self.assertEqual(re.sub(r"(?s)elements = \{[^}]*timeout[^}]*\}", "", first), re.sub(r"\t\t\n", "\t\t\n", self.ruleset()))

    def test_sets_that_are_too_large_to_read(self):
        """Whether they let everybody in is not known; that they keep somebody out does not matter."""
        def deny():
            row = json.loads(self.out("revet", "snapshot"))["tables"]["firewall"]["rows"][0]
            return row["default_deny_input"]
        many = ", ".join(f"10.{i // 256}.{i % 256}.0/25" for i in range(3000))
        self.out("nft", "-f", "-", input="table inet filter {\n\tset feed { type ipv4_addr; flags interval; elements = { "
                 + many + " }; }\n}\n")
        self.out("nft", "insert rule inet filter input ip saddr @feed drop")
        self.assertIs(deny(), True)
        self.out("nft", "add rule inet filter input ip saddr @feed accept")
        self.assertIn("named set", str(deny()))
        self.out("nft", "-f", "-", input="delete element inet filter feed { " + ", ".join(many.split(", ")[500:]) + " }\n")
        self.assertIs(deny(), True)

    def test_somebody_changes_the_table(self):
        self.revet("apply", "--no-input", "--rule", RULE)
        self.out("nft", "add", "rule", *TABLE.split(), "prerouting", "ip saddr 192.0.2.0/24 drop")
        self.assertIn("somebody has changed it since", self.revet("revert", code=1))
        self.assertIn("192.0.2.0/24", self.listed())
        self.revet("revert", "--force")
        self.assertNotIn("revet_loopback", self.ruleset())

    def test_a_text_that_is_more_than_a_table(self):
        ruleset = self.ruleset()
        fine = table(chain("accept"))
        for text in (fine + "\nflush ruleset", table(chain("accept"), "inet filter")):
            with self.subTest(text):
                told = self.apply(text, code=1)
                self.assertIn("the text is not that of the table", told)
                self.assertEqual(self.ruleset(), ruleset)


if __name__ == "__main__":
    unittest.main()
