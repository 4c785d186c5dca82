# SPDX-License-Identifier: Apache-2.0
"""What the engine promises of things that a change touches only in passing, on a booted host."""

import unittest

from oracle import OnHost


class Interfaces(OnHost):
    """Parameters that are written to every interface along with the one of them all."""

    image = "debian-12"
    rules = ("--rule", "net.no-forwarding", "--rule", "net.icmp-redirects", "--rule", "net.redirects-sent")

    def setUp(self):
        self.out("sh", "-c", "rm -rf /var/lib/revet /etc/sysctl.d/99-zz-revet.conf; "
                 "for i in b0 b1 b2; do ip link del $i 2>/dev/null; ip link add name $i type bridge; done; "
                 "cd /proc/sys/net; for v in 4 6; do "
                 "echo 1 >ipv$v/conf/all/forwarding; echo 0 >ipv$v/conf/b0/forwarding; "
                 "echo 0 >ipv$v/conf/b1/accept_redirects; done; echo 0 >ipv4/conf/all/accept_redirects; "
                 "echo 0 >ipv4/conf/default/forwarding; echo 0 >ipv4/conf/b0/send_redirects")

    def values(self, gone="-"):
        return {line for line in self.out("sh", "-c", "grep -s '' /proc/sys/net/ipv*/conf/*/* || true").splitlines()
                if "/mtu" not in line and f"/{gone}/" not in line and "stable_secret" not in line}

    def apply(self):
        before = self.values()
        self.revet("apply", "--no-input", "--wait", "10min", *self.rules)
        after = self.values()
        self.assertIn("/proc/sys/net/ipv4/conf/b2/forwarding:0", after)
        self.assertIn("/proc/sys/net/ipv6/conf/b2/forwarding:0", after)
        # What the kernel makes of a host that does not forward any more is not what was decided.
        self.assertIn("/proc/sys/net/ipv4/conf/all/accept_redirects:0", after)
        return before

    def test_each_comes_back(self):
        before = self.apply()
        self.revet("revert")
        self.assertEqual(self.values() ^ before, set())

    def test_each_comes_back_by_the_script(self):
        before = self.apply()
        self.out("sh", "/var/lib/revet/changes/0001/undo.sh")
        self.assertEqual(self.values() ^ before, set())
        self.out("sh", "-c", "systemctl stop 'revet-revert-*.timer'")

    def test_interfaces_come_and_go(self):
        before = self.apply()
        self.out("sh", "-c", "ip link del b0; ip link add name b3 type bridge")
        self.revet("revert")
        self.assertEqual(self.values("b3"), {v for v in before if "/b0/" not in v})
        self.out("ip", "link", "del", "b3")


if __name__ == "__main__":
    unittest.main()
