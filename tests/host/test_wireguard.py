# SPDX-License-Identifier: Apache-2.0
"""A site whose administrators come by WireGuard, on a machine whose kernel has it: the packet filter that the
site file asks for, as its peers find it, and as `revet prove` says. With REVET_VM=1: it takes minutes."""

import json
import os
import re
import unittest

from oracle import OnHost
from vm import Machine

RULE = "firewall.as-site"
SITE = """networks: {vpn: [10.8.0.0/24, 'fd00:8::/64']}
admins: {users: [ops], from: vpn}
serves:
  - {port: 51820/udp, to: world, what: wireguard}
  - {port: 8883/tcp, to: vpn, what: mqtt}
forwards: [{from: wg0, to: lan0, port: 443/tcp}]
"""
# An outsider (203.0.113.0/24) who has a tunnel as well, and a network behind the machine.
NETWORK = """
for n in peer behind; do ip netns add $n; ip -n $n link set lo up; done
ip link add up0 type veth peer name eth0 netns peer
ip link add lan0 type veth peer name eth0 netns behind
ip addr add 203.0.113.1/24 dev up0; ip link set up0 up
ip -n peer addr add 203.0.113.2/24 dev eth0; ip -n peer link set eth0 up
ip addr add 172.20.0.1/24 dev lan0; ip link set lan0 up
ip -n behind addr add 172.20.0.2/24 dev eth0; ip -n behind link set eth0 up
ip -n behind route add default via 172.20.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
umask 077; cd /root; for n in here there; do wg genkey >$n; wg pubkey <$n >$n.pub; done
ip link add wg0 type wireguard; ip -n peer link add wg0 type wireguard
wg set wg0 private-key here listen-port 51820 peer "$(cat there.pub)" allowed-ips 10.8.0.2/32,fd00:8::2/128
ip netns exec peer wg set wg0 private-key there peer "$(cat here.pub)" endpoint 203.0.113.1:51820 \\
    allowed-ips 10.8.0.0/24,fd00:8::/64,172.20.0.0/24
ip addr add 10.8.0.1/24 dev wg0; ip addr add fd00:8::1/64 dev wg0 nodad; ip link set wg0 up
ip -n peer addr add 10.8.0.2/24 dev wg0; ip -n peer addr add fd00:8::2/64 dev wg0 nodad
ip -n peer link set wg0 up; ip -n peer route add 172.20.0.0/24 dev wg0
install -D -m 600 /dev/stdin /etc/wireguard/wg0.conf <<END
[Interface]
PrivateKey = $(cat here)
ListenPort = 51820
END
"""
LISTEN = """use Socket;
for my $port (@ARGV) {
  socket(my $s, PF_INET6, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($s, pack_sockaddr_in6($port, Socket::IN6ADDR_ANY)) or die "$port: $!"; listen($s, 9); push @keep, $s;
}
sleep 100000;
"""
# "PORT WORD" for each ADDRESS PORT: open, refused or silent, all at once.
KNOCK = """use IO::Socket::IP; use IO::Select; use Errno;
for (my @a = @ARGV; @a;) {
  my ($to, $port) = splice @a, 0, 2;
  my $s = IO::Socket::IP->new(PeerHost => $to, PeerPort => $port, Type => SOCK_STREAM, Blocking => 0) or die;
  push @all, [$to, $port, $s];
}
for (1 .. 20) { for (@all) { $$_[2]->connect for grep { !$$_[3] } $_; $$_[3] ||= $$_[2]->connected; }
  select undef, undef, undef, 0.25; }
print "$$_[0] $$_[1] ", ($$_[3] ? "open" : "shut"), "\\n" for @all;
"""


@unittest.skipUnless(os.environ.get("REVET_VM"), "set REVET_VM=1: it takes minutes")
class WireGuard(OnHost):
    image = "debian-12-vm"
    kind = Machine

    @classmethod
    def prepare(cls):
        cls.host.put_program("/usr/bin/wg", "/usr/local/bin/wg")
        cls.host.put(cls.host.image.key, "/root/key", "600")
        cls.sh(NETWORK)
        cls.write("/root/listen.pl", LISTEN)
        cls.write("/root/knock.pl", KNOCK)
        cls.write("/etc/revet/site.yaml", SITE)
        cls.sh("systemd-run -q -u here perl /root/listen.pl 8883 5432\n"
               "systemd-run -q -u behind ip netns exec behind perl /root/listen.pl 443 80\n"
               "until ss -Hltn | grep -q :5432; do sleep 0.1; done")

    def knock(self, *what, space="peer"):
        """What of these addresses and ports can be connected to from the namespace."""
        words = [str(word) for pair in what for word in pair]
        said = self.out("ip", "netns", "exec", space, "perl", "/root/knock.pl", *words)
        found = [line.split() for line in said.splitlines()]
        self.assertEqual(len(found), len(what))
        return {(to, int(port)) for to, port, word in found if word == "open"}

    def admin(self, command, code=0):
        """Logs in through the tunnel."""
        options = [f"-o{option}" for option in ("BatchMode=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR",
                                                "UserKnownHostsFile=/dev/null", "ConnectTimeout=60")]
        ran = self.host.exec(["ip", "netns", "exec", "peer", "ssh", "-F", "none", "-i", "/root/key", *options,
                              "ops@10.8.0.1", "--", f"echo revet-ops | sudo -S -p '' {command}"], check=False)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout

    def test_who_comes_by_the_tunnel(self):
        everything = [(to, port) for to in ("10.8.0.1", "fd00:8::1", "203.0.113.1") for port in (22, 8883, 5432)]
        passed_on = [("172.20.0.2", 443), ("172.20.0.2", 80)]
        self.assertEqual(self.knock(*everything, *passed_on), {*everything, *passed_on})

        # What would cut the tunnel that the session comes by is refused, what keeps it is applied.
        self.write("/etc/revet/site.yaml", SITE.replace("  - {port: 51820/udp, to: world, what: wireguard}\n", ""))
        self.assertIn("its peers would be cut off", self.admin(f"revet apply --no-input --rule {RULE}"))
        self.write("/etc/revet/site.yaml", SITE)
        told = self.admin(f"revet apply --no-input --wait 30m --rule {RULE}")
        self.assertIn("10.8.0.2 reaches port 22 through the new rules", told)
        self.admin("revet confirm")
        self.assertIn("pass 1", self.out("revet", "audit", "--rule", RULE, "--fail-on", "none"))

        inside = {(to, port) for to in ("10.8.0.1", "fd00:8::1") for port in (22, 8883)}
        # Whoever is in the tunnel may use any address of the machine, but by the tunnel alone.
        self.assertEqual(self.knock(*everything, *passed_on), inside | {("172.20.0.2", 443)})
        self.assertEqual(self.knock(("10.8.0.2", 22), ("172.20.0.1", 22), space="behind"), set())
        # The tunnel itself is for everybody: a new peer's first message is answered.
        self.sh("ip -n peer link set wg0 down; ip -n peer link set wg0 up; ip -n peer route add 172.20.0.0/24 dev wg0")
        self.assertEqual(self.knock(("10.8.0.1", 8883)), {("10.8.0.1", 8883)})

        proofs = self.prove("firewall.tcp", "firewall.udp", "firewall.new-listener", "ssh.outside-refused")
        wrong = {name: proof["evidence"] for name, proof in proofs.items() if proof["verdict"] != "proven"}
        self.assertFalse(wrong, json.dumps(wrong, indent=1))
        text = json.dumps(proofs["firewall.tcp"]["evidence"])
        self.assertRegex(text, r"an admin of 10.8.0.0/24 \(\S+\) reaches what the site serves to them on \S+, and "
                               r'nothing else: 22, 8883"')
        self.assertRegex(text, r"an outsider \(\d+\.\S+ reaches what the site serves to them on \S+, and "
                               r'nothing else: none"')
        self.assertRegex(json.dumps(proofs["firewall.udp"]["evidence"]), r"an outsider \(\d+\.\S+ reaches .*51820")

        # And what is open by mistake, by the tunnel and beside it, is found.
        self.out("nft", "insert", "rule", "inet", "revet", "input", "ip", "saddr", "10.8.0.0/24", "tcp", "dport", "5432",
                 "accept")
        self.assertIn(("10.8.0.1", 5432), self.knock(*everything))
        evidence = self.prove("firewall.tcp")["firewall.tcp"]["evidence"]
        refuted = [line["text"] for line in evidence if line["kind"] == "refuted"]
        self.assertTrue(refuted and all(re.match(r"an admin of 10.8.0.0/24 .* reaches 5432/tcp", line)
                                        for line in refuted), refuted)

    def prove(self, *words):
        said = self.out("revet", "prove", "-f", "json", *words, check=False)
        return {proof["experiment"]: proof for proof in json.loads(said)["proofs"]}


if __name__ == "__main__":
    unittest.main()
