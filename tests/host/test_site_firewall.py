# SPDX-License-Identifier: Apache-2.0
"""The packet filter that the site file asks for, on booted hosts: what it admits is what nmap, from outside,
finds admitted, port by port; nobody is cut off by it for longer than the time to confirm."""

import os
import time
import unittest

from hostlib import wait_until
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
        self.apply("--wait", "10s")
        begun = time.monotonic()
        self.host.outside(["ip", "addr", "del", f"{self.net.peer}/24", "dev", "eth0"])
        self.host.outside(["ip", "addr", "add", f"{moved}/24", "dev", "eth0"])
        self.assertEqual(self.host.ssh(["id"]).returncode, 255)
        self.assertTrue(wait_until(lambda: self.host.ssh(["id"]).returncode == 0, 40))
        self.assertLess(time.monotonic() - begun, 45)
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 20))
        self.assertEqual(self.ruleset(), ruleset)

    def test_nothing_to_say(self):
        self.assertIn("n/a 1", self.verdict())
        self.assertIn("does not say who is served", self.revet("firewall", code=78))
        self.site("admins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}]\n")
        self.out("chmod", "666", "/etc/revet/site.yaml")
        self.assertIn("others can change it", self.revet("firewall", code=1))


if __name__ == "__main__":
    unittest.main()
