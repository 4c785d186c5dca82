# SPDX-License-Identifier: Apache-2.0
"""Proofs on a booted host: they hold where the controls do, refute where one is broken by hand, and
leave nothing behind, at whatever instant they are killed."""

import json
import pathlib
import random
import re
import time
import unittest

import jsonschema

from hostlib import wait_until
from oracle import OnHost

SCHEMA = pathlib.Path(__file__).parents[2] / "docs/schema/prove-1.json"
ADMINS = "10.99.77.0/24"
SITE = f"""admins: {{users: [ops], from: [{ADMINS}]}}
serves:
  - {{port: 443/tcp, to: world}}
  - {{port: 5432/tcp, to: [10.50.0.0/16, 198.18.5.5]}}
  - {{port: 514/udp, to: [10.50.0.0/16]}}
"""
RULES = """flush ruleset
table inet site {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif lo accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    BOUNDip saddr %s tcp dport 22 accept
    BOUNDtcp dport 443 accept
    BOUNDip saddr { 10.50.0.0/16, 198.18.5.5 } tcp dport 5432 accept
    BOUNDip saddr 10.50.0.0/16 udp dport 514 accept
  }
}
""" % ADMINS
SSHD = """PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
"""
# Sockets that wait, of TCP and UDP, for the arguments: PROTOCOL PORT.
LISTEN = """use Socket;
for (my @a = @ARGV; @a;) {
  my ($p, $port) = splice @a, 0, 2; my $type = $p eq "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  socket(my $s, PF_INET6, $type, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($s, pack_sockaddr_in6($port, Socket::IN6ADDR_ANY)) or die "$port: $!";
  listen($s, 9) if $p eq "tcp"; push @keep, $s;
}
sleep 100000;
"""


class Proofs(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.host.net()
        assert wait_until(lambda: "fe80:" in cls.host.exec(["ip", "-6", "address", "show", "eth0"]).stdout and
                          "tentative" not in cls.host.exec(["ip", "-6", "address"]).stdout, 5)
        cls.write("/etc/revet/site.yaml", SITE)
        cls.write("/etc/ssh/sshd_config.d/00-test.conf", SSHD)
        cls.write("/root/listen.pl", LISTEN)
        cls.host.exec(["systemctl", "restart", "ssh"])
        cls.rules()
        cls.listen("site", "tcp", "443", "tcp", "5432", "udp", "514")

    @classmethod
    def rules(cls, more="", bound=""):
        cls.host.exec(["nft", "-f", "-"], input=RULES.replace("BOUND", bound) + more)

    @classmethod
    def listen(cls, name, *what):
        cls.host.exec(["systemd-run", "-q", "-u", f"listen-{name}", "perl", "/root/listen.pl", *what])
        ports = [f":{port}" for port in what[1::2]]
        assert wait_until(lambda: all(port in cls.host.exec(["ss", "-tuln"]).stdout for port in ports), 5)

    def sshd(self, text):
        self.write("/etc/ssh/sshd_config.d/00-test.conf", text)
        self.host.exec(["sh", "-c", "systemctl reset-failed ssh; systemctl restart ssh"])  # however often
        self.assertTrue(wait_until(lambda: ":22 " in self.out("ss", "-Hltn"), 20))

    def tearDown(self):
        self.host.exec(["systemctl", "stop", "listen-more"], check=False)
        self.rules()
        self.sshd(SSHD)

    def prove(self, *words, site="/etc/revet/site.yaml"):
        """What came of them by name, and the exit status."""
        done = self.host.exec(["env", f"REVET_SITE={site}", "revet", "prove", "-f", "json", *words], check=False)
        report = json.loads(done.stdout)
        jsonschema.validate(report, json.loads(SCHEMA.read_text()))
        return {proof["experiment"]: proof for proof in report["proofs"]}, done.returncode

    def verdict(self, name, verdict, text="", on=None):
        proofs, code = self.prove(name)
        proof = proofs[name]
        self.assertEqual(proof["verdict"], verdict, json.dumps(proof["evidence"], indent=1))
        self.assertEqual(code, {"proven": 0, "refuted": 2, "not_run": 3}[verdict])
        said = "\n".join(line["text"] for line in proof["evidence"] if line["kind"] in (verdict, "shadow"))
        self.assertRegex(said, text or ".")
        if on:
            self.assertEqual(proof["on"], on)
        return proof

    def left(self):
        """All that an experiment might leave behind."""
        commands = (["ip", "-o", "link"], ["ip", "-o", "address"], ["ip", "route", "show", "table", "all"],
                    ["ip", "-6", "route", "show", "table", "all"], ["nft", "list", "ruleset"],
                    ["ip", "neighbour", "show", "nud", "permanent"], ["cat", "/proc/1/mountinfo"],
                    ["sh", "-c", "ls -A /mnt /tmp /run /run/netns /root /etc /var/lib 2>&1"],
                    ["sh", "-c", "ps -eo comm,args --no-headers | grep -E 'revet|sshd|/ssh|nft|iptables' | "
                                 "grep -v grep | sort"])
        said = "\n".join(self.host.exec(command, check=False).stdout for command in commands)
        return re.sub(r"(valid_lft|preferred_lft|expires|qlen) \S+", "", said)

    def test_all_hold(self):
        before = self.left()
        begin = time.monotonic()
        proofs, code = self.prove("firewall.tcp", "firewall.udp", "firewall.new-listener", "ssh")
        took = time.monotonic() - begin
        wrong = {name: proof["evidence"] for name, proof in proofs.items() if proof["verdict"] != "proven"}
        self.assertFalse(wrong, json.dumps(wrong, indent=1))
        self.assertEqual(code, 0)
        self.assertLess(took, sum(proof["seconds"] for proof in proofs.values()), "one waited for the other")
        self.assertEqual(proofs["firewall.tcp"]["on"], "both")  # 198.18.5.5 is a single address
        text = json.dumps(proofs["firewall.tcp"]["evidence"])
        self.assertEqual(len(re.findall(r"65535 ports tried in \d+\.\d+ s", text)), 4)
        for address, ports in ((r"10\.50\.\d+\.\d+", "443, 5432"), (r"198\.18\.5\.5", "443, 5432"),
                               (r"10\.99\.77\.\d+", "22, 443"), ("outsider", "443"), ("2001:db8:", "443")):
            with self.subTest(address=address):
                self.assertRegex(text, address + r"\S*( \(\S+\))? reaches what the site serves to them on \S+, and "
                                 f'nothing else: {ports}"')
        self.assertEqual(self.left(), before)

    def test_a_port_that_is_not_served(self):
        self.listen("more", "tcp", "8080", "udp", "8125")
        self.rules("add rule inet site input tcp dport 8080 accept\n"
                   "add rule inet site input udp dport 8125 accept\n")
        self.verdict("firewall.tcp", "refuted", r"outsider .* reaches 8080/tcp \(perl\)")
        self.verdict("firewall.udp", "refuted", r"outsider .* reaches 8125/udp \(perl\)")
        self.rules("add rule inet site input ip6 nexthdr tcp tcp dport 8080 accept\n")
        proof = self.verdict("firewall.tcp", "refuted", r"outsider \(2001:db8:.* reaches 8080/tcp")
        self.assertNotRegex(json.dumps(proof), r"outsider \(\d+\.\S+ reaches 8080")

    def test_what_is_served_is_kept_out(self):
        self.rules("insert rule inet site input ip saddr 10.50.0.0/16 tcp dport 5432 drop\n")
        self.verdict("firewall.tcp", "refuted", r"client of 10.50.0.0/16 .* does not reach 5432/tcp")
        self.rules("insert rule inet site input ip saddr 198.18.5.5 tcp dport 5432 drop\n")
        self.verdict("firewall.tcp", "refuted", r"client of 198.18.5.5 .* does not reach 5432/tcp", "both")
        self.rules("insert rule inet site input udp dport 514 drop\n")
        self.verdict("firewall.udp", "refuted", r"does not reach 514/udp")

    def test_nothing_is_denied(self):
        self.verdict("firewall.new-listener", "proven", on="live")
        self.rules("chain inet site input { policy accept; }\n")
        self.verdict("firewall.new-listener", "refuted", "reaches new listeners on")
        self.rules("add rule inet site input meta nfproto ipv6 udp dport 1024-65535 accept\n")
        proof = self.verdict("firewall.new-listener", "refuted", r"2001:db8:.* over UDP that nothing allows")
        self.assertNotIn("over TCP that nothing", json.dumps(proof))

    def test_rules_of_an_interface(self):
        """What a wire of our own would not meet is tried on a copy."""
        self.rules(bound='iifname "eth0" ')
        self.verdict("firewall.tcp", "proven", "tell the interface eth0 from others", "shadow")
        self.verdict("ssh.admin-key", "proven", on="shadow")
        self.rules('add rule inet site input iifname "eth*" tcp dport 22 accept\n')
        self.verdict("firewall.tcp", "refuted", "reaches 22/tcp", "shadow")
        self.rules('add rule inet site input iifname "wlan0" tcp dport 22 accept\n')
        self.verdict("firewall.new-listener", "proven", on="live")

    def test_a_rule_that_logs_everything(self):
        self.rules("add rule inet site input log prefix \"dropped\"\n")
        self.verdict("firewall.tcp", "proven", "logs every packet", "shadow")

    def test_egress(self):
        self.verdict("firewall.egress", "not_run", "egress: deny")
        self.write("/etc/revet/site.yaml", SITE + "egress: deny\nreaches:\n"
                   "  - {port: 8086/tcp, to: [10.60.0.0/24, 198.18.7.7]}\n")
        self.addCleanup(self.write, "/etc/revet/site.yaml", SITE)
        self.verdict("firewall.egress", "refuted", "this host reaches 443/tcp of an outsider")
        chain = ("table inet site { chain output { type filter hook output priority 0; policy drop; "
                 "oif lo accept; ct state established,related accept; icmpv6 type nd-neighbor-solicit accept; "
                 "ip daddr { ADDRESSES } tcp dport 8086 accept; }; }\n")
        self.rules(chain.replace("ADDRESSES", "10.60.0.0/24, 198.18.7.7"))
        proof = self.verdict("firewall.egress", "proven", on="both")
        text = json.dumps(proof["evidence"])
        for expected in (r"reaches 8086/tcp of a server of 10.60.0.0/24", r"not reach 6667/tcp of a server of 10.60",
                         r"reaches 8086/tcp of a server of 198.18.7.7", r"not reach 4444/udp of an outsider \(2001:"):
            self.assertRegex(text, expected)
        self.rules(chain.replace("ADDRESSES", "10.60.0.0/24"))
        self.verdict("firewall.egress", "refuted", "does not reach 8086/tcp of a server of 198.18.7.7")

    def test_egress_by_name(self):
        self.addCleanup(self.sh, "cp /root/hosts /etc/hosts; cp /root/resolv.conf /etc/resolv.conf; "
                                 "cp /root/sources /etc/apt/sources.list")
        self.sh("cp /etc/hosts /root/hosts; cp /etc/resolv.conf /root; cp /etc/apt/sources.list /root/sources; "
                "echo nameserver 192.0.2.53 >/etc/resolv.conf; "
                "echo 'deb http://mirror.example.org/debian bookworm main' >/etc/apt/sources.list; "
                "printf '192.0.2.7 api.example.org\\n192.0.2.80 mirror.example.org\\n' >>/etc/hosts")
        self.write("/etc/revet/site.yaml", "admins: {users: [ops]}\nserves: []\negress: deny\n"
                   "reaches: [dns, apt, {port: 8443/tcp, to: [api.example.org]}]\n")
        self.addCleanup(self.write, "/etc/revet/site.yaml", SITE)
        self.sh("{ echo 'flush ruleset'; revet firewall; } | nft -f -; revet firewall --refresh")
        proof = self.verdict("firewall.egress", "proven", on="both")
        text = json.dumps(proof["evidence"])
        for expected in (r"reaches 53/udp of a resolver \(192.0.2.53\)", r"reaches 53/tcp of a resolver",
                         r"reaches 80/tcp of a mirror of packages, mirror.example.org \(192.0.2.80\)",
                         r"reaches 8443/tcp of the host api.example.org \(192.0.2.7\)",
                         r"not reach 443/tcp of the host api.example.org", r"not reach 25/tcp of a mirror of packages",
                         r"not reach 443/tcp of an outsider \(\d", r"not reach 53/udp of an outsider \(2001:"):
            self.assertRegex(text, expected)
        self.sh("nft add rule inet revet reaches udp dport 53 accept")
        self.verdict("firewall.egress", "refuted", r"this host reaches 53/udp of an outsider")
        # It has another address now, of which the packet filter has not heard.
        self.sh("sed -i s/192.0.2.7/192.0.2.77/ /etc/hosts")
        self.verdict("firewall.egress", "refuted", r"does not reach 8443/tcp of the host api.example.org \(192.0.2.77\)")
        self.sh("sed -i /api.example/d /etc/hosts; nft flush chain inet revet reaches; "
                "nft add rule inet revet reaches ip daddr 192.0.2.80 tcp dport 80 accept")
        proof = self.verdict("firewall.egress", "refuted", r"does not reach 53/udp of a resolver \(192.0.2.53\)")
        self.assertIn("the host api.example.org is not tried: it does not resolve", json.dumps(proof))

    def test_further_addresses(self):
        """Of one that rules tell from others every port is tried, of others what could differ."""
        self.sh("ip addr add 10.99.200.5/32 dev eth0; ip addr add 10.99.200.6/32 dev eth0")
        self.addCleanup(self.sh, "ip addr del 10.99.200.5/32 dev eth0; ip addr del 10.99.200.6/32 dev eth0")
        self.listen("more", "tcp", "8080", "udp", "8125", "tcp", "9099")
        proof = self.verdict("firewall.tcp", "proven")
        for address in ("200.5", "200.6"):
            self.assertRegex(json.dumps(proof), fr"outsider \S+ to 10.99.{address} over TCP: [1-9]\d\d? ports tried")
        self.rules("add rule inet site input ip daddr 10.99.200.5 tcp dport 8080 accept\n"
                   "add rule inet site input ip daddr 10.99.200.5 udp dport 8125 accept\n")
        proof = self.verdict("firewall.tcp", "refuted", r"outsider .* reaches 8080/tcp \(perl\) of 10.99.200.5")
        self.assertNotRegex(json.dumps(proof), r"reaches 8080/tcp \(perl\) of (?!10.99.200.5)")
        self.assertRegex(json.dumps(proof), r"outsider \S+ to 10.99.200.5 over TCP: 65535 ports tried")
        self.assertRegex(json.dumps(proof), r"outsider \S+ to 10.99.200.6 over TCP: [1-9]\d\d? ports tried")
        self.verdict("firewall.udp", "refuted", r"outsider .* reaches 8125/udp \(perl\) of 10.99.200.5")
        # What is served is not owed to everybody at every address, but where alone somebody listens.
        self.rules("insert rule inet site input ip daddr 10.99.200.5 drop\n")
        self.verdict("firewall.tcp", "proven")
        self.write("/root/alone.pl", "use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 5, "
                   "LocalAddr => '10.99.200.5:9443') or die; sleep 1000;")
        self.sh("systemd-run -q -u listen-alone perl /root/alone.pl; until ss -Hltn | grep -q :9443; do sleep 0.05; done")
        self.addCleanup(self.sh, "systemctl stop listen-alone")
        self.write("/etc/revet/site.yaml", SITE + "  - {port: 9443/tcp, to: world}\n")
        self.addCleanup(self.write, "/etc/revet/site.yaml", SITE)
        self.verdict("firewall.tcp", "refuted", r"outsider .* does not reach 9443/tcp \(perl\) of 10.99.200.5")

    def test_what_is_passed_on(self):
        """To a container, or another host: by the rules in force, and by a copy of them."""
        self.sh("ip netns add behind; ip link add lan0 type veth peer name eth0 netns behind; "
                "ip addr add 172.30.0.1/24 dev lan0; ip link set lan0 up; ip -n behind link set eth0 up; "
                "ip -n behind addr add 172.30.0.2/24 dev eth0; ip -n behind route add default via 172.30.0.1; "
                "sysctl -qw net.ipv4.ip_forward=1; "
                "systemd-run -q -u listen-behind ip netns exec behind perl /root/listen.pl tcp 80 udp 5353; "
                "until ip netns exec behind ss -Huln | grep -q :5353; do sleep 0.05; done")
        self.addCleanup(self.sh, "systemctl stop listen-behind; ip netns del behind; sysctl -qw net.ipv4.ip_forward=0")
        passed = ("table ip nat { chain pre { type nat hook prerouting priority -100; "
                  "tcp dport 8080 dnat to 172.30.0.2:80; udp dport 8053 dnat to 172.30.0.2:5353; }; }\n")
        self.rules(passed)
        self.verdict("firewall.tcp", "refuted", r"outsider \(\d.* reaches 8080/tcp")
        self.verdict("firewall.udp", "refuted", r"outsider \(\d.* reaches 8053/udp \(passed on to somebody else\)")
        # By a copy, to those whom the site serves and to others; and what is kept back on the way.
        self.write("/etc/revet/site.yaml", SITE + "  - {port: 8080/tcp, to: world}\n")
        self.addCleanup(self.write, "/etc/revet/site.yaml", SITE)
        bound = 'iifname "eth0" '
        self.rules(passed.replace("tcp dport", bound + "tcp dport").replace("udp dport", bound + "udp dport"), bound)
        self.assertIn("nothing else: 443, 8080", json.dumps(self.verdict("firewall.tcp", "proven", on="shadow")))
        self.verdict("firewall.udp", "refuted", r"outsider \(\d.* reaches 8053/udp \(passed on to somebody else\) of 10\S+, "
                     "which the site does not", "shadow")
        self.rules(passed + "table inet shut { chain on { type filter hook forward priority 0; policy drop; }; }\n", bound)
        self.verdict("firewall.udp", "proven", on="shadow")

    def test_ssh(self):
        outside = "add rule inet site input tcp dport 22 accept\n"
        self.rules(outside)
        self.verdict("ssh.outside-refused", "refuted", "outsider .* may log in as ops")
        self.sshd(SSHD + f"AllowUsers ops@{ADMINS}\n")
        self.verdict("ssh.outside-refused", "proven", "takes no key of an administrator")
        self.verdict("ssh.root-refused", "proven", "does not take the key")
        self.verdict("ssh.expired-refused", "proven", "refused as ops once the account has expired", "shadow")
        self.sshd(SSHD + "UsePAM no\n")
        self.verdict("ssh.expired-refused", "proven", "refused as ops once the account has expired")
        self.sh("sed -i.kept 's/^@include common-account/account required pam_permit.so/' /etc/pam.d/sshd")
        self.addCleanup(self.sh, "mv /etc/pam.d/sshd.kept /etc/pam.d/sshd")
        self.sshd(SSHD)
        self.verdict("ssh.expired-refused", "refuted", "logs in as ops, whose account has expired")
        self.sshd(SSHD + "AllowUsers nobody\n")
        self.verdict("ssh.expired-refused", "not_run", "ops cannot log in there at all")
        self.verdict("ssh.admin-key", "refuted", "cannot log in with a key as ops")
        self.sshd(SSHD.replace("RootLogin no", "RootLogin prohibit-password"))
        self.verdict("ssh.root-refused", "refuted", "logs in as root with a key", "shadow")
        self.sshd(SSHD + f"Match Address {ADMINS}\nPermitRootLogin yes\nPasswordAuthentication yes\n")
        proof = self.verdict("ssh.root-refused", "refuted", "an admin of .* logs in as root")
        self.assertNotRegex(json.dumps(proof), "outsider [^ ]+ logs in as root")
        self.verdict("ssh.keys-only", "refuted", "an admin of .* publickey,password")
        self.sshd(SSHD.replace("Kbd", "#Kbd"))
        self.sshd(SSHD.replace("MACs ", "MACs hmac-sha1,"))
        self.verdict("ssh.algorithms", "refuted", "ssh.macs does not allow: hmac-sha1")

    def test_without_a_site_file(self):
        proofs, code = self.prove("ssh.outside-refused", "firewall.egress", site="/root/none")
        self.assertEqual({proof["verdict"] for proof in proofs.values()}, {"not_run"})
        self.assertEqual(code, 3)

    def test_killed(self):
        before = self.left()
        seed = random.randrange(1 << 30)
        instants = random.Random(seed)
        for _ in range(12):
            after = instants.uniform(0, 1.5) ** 2
            self.host.exec(["sh", "-c", f"revet prove firewall ssh >/dev/null & sleep {after:.3f}; kill -9 $!; wait"],
                           check=False)
        self.assertTrue(wait_until(lambda: self.left() == before, 10), f"seed {seed}: left behind: {self.left()}")

    def test_interrupted(self):
        before = self.left()
        done = self.host.exec(["sh", "-c", "revet prove -f json=/root/proofs firewall & sleep 1; kill -TERM $!; "
                                           "wait $!; echo $?; ls /root"], check=False)
        self.assertEqual(done.stdout.splitlines()[0], "143", done.stdout + done.stderr)
        self.assertNotIn("proofs", done.stdout)
        self.assertTrue(wait_until(lambda: self.left() == before, 10), self.left())


if __name__ == "__main__":
    unittest.main()
