#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The images are what README.md says; without that no test on them means anything."""

import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True

from hostimage import HostError, Image, run
from hostlib import Host, instances


def listeners(host):
    """What listens: {"tcp 0.0.0.0:22", ...}."""
    rows = (line.split() for line in host.exec(["ss", "-Htuln"]).stdout.splitlines())
    return {f"{row[0]} {row[4]}" for row in rows}


class Images(unittest.TestCase):
    def check_server(self, name, release):
        with Host.start(name) as host:
            self.assertIn(f"VERSION_ID=\"{release}\"", host.exec(["cat", "/etc/os-release"]).stdout)
            self.assertIn("tcp 0.0.0.0:22", listeners(host))
            self.assertEqual(host.ssh(["id", "-un"]).stdout, "ops\n")
            self.assertEqual(host.ssh(["id", "-un"], user="root").returncode, 255)
            self.assertIn("permitrootlogin yes", host.exec(["sshd", "-T"]).stdout)

    def test_debian_11(self):
        self.check_server("debian-11", 11)

    def test_debian_12(self):
        self.check_server("debian-12", 12)

    def test_debian_13(self):
        self.check_server("debian-13", 13)

    def test_iot_backend(self):
        with Host.start("iot-backend") as host:
            self.assertLessEqual({f"tcp 0.0.0.0:{port}" for port in (22, 80, 111, 1883, 5432, 8080)}
                                 | {"udp 0.0.0.0:111", "tcp 127.0.0.1:25"}, listeners(host))
            net = host.net()
            both, only4 = (22, 80, 111, 5432), (1883, 8080)
            for address, ports in ((net.host, both + only4), (net.host6, both)):
                for port in ports:
                    probe = f"exec 3<>/dev/tcp/{address}/{port}"
                    self.assertEqual(host.outside(["bash", "-c", probe]).returncode, 0, probe)
            self.assertIn("policy accept", host.exec(["nft", "list", "ruleset"]).stdout)
            self.assertEqual(host.exec(["sysctl", "-n", "net.ipv4.tcp_syncookies"]).stdout, "1\n")
            self.assertIn("cap_net_raw", host.exec(["getcap", "/usr/local/bin/netprobe"]).stdout)
            self.assertIn("NOPASSWD: ALL", host.exec(["sudo", "-lU", "backup"]).stdout)
            host.exec(["visudo", "-c"])

    def test_trees(self):
        root = Image("minimal")
        root.build()
        self.assertFalse((root.tree / "usr/lib/systemd/systemd").exists())
        with Host.start("rpm-tree") as host:
            rpm = ["rpm", "--root", host.root, "--dbpath", "/var/lib/rpm", "-q", "kernel-core"]
            self.assertEqual(len(run(rpm).splitlines()), 2)
        with Host.start("arch-tree") as host:
            pacman = ["pacman", "--root", host.root, "--dbpath", host.root / "var/lib/pacman"]
            self.assertEqual(run([*pacman, "-Qqd"]), "openssl\n")


class Hosts(unittest.TestCase):
    @staticmethod
    def mark(namespace):
        """What the network namespace is marked with; nothing when it is gone."""
        return subprocess.run(["ip", "-n", namespace, "link", "show", "lo"], capture_output=True,
                              text=True).stdout

    def test_a_reboot_keeps_the_disk_and_the_wire(self):
        with Host.start("debian-12") as host:
            net = host.net()
            boot = host.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout
            for crash in (False, True):
                host.exec(["touch", f"/root/{crash}"])
                host.reboot(crash)
                host.exec(["test", "-e", f"/root/{crash}"])
                self.assertEqual(host.net(), net)
                self.assertEqual(host.ssh(["true"]).returncode, 0)
            self.assertNotEqual(host.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout, boot)

    def test_a_command_has_the_capabilities_of_the_host(self):
        with Host.start("debian-12") as host:
            grep = host.exec(["grep", "-h", "CapBnd", "/proc/1/status", "/proc/self/status"])
            self.assertEqual(len(set(grep.stdout.splitlines())), 1)
            self.assertEqual(host.exec(["sysctl", "kernel.sysrq=0"], check=False).returncode, 1)

    def test_hosts_side_by_side_leave_nothing(self):
        def one(number):
            with Host.start("debian-12") as host:
                host.exec(["sh", "-c", f"echo {number} >/root/number"])
                namespace = host.net().namespace
                # Its name may be another host's right after this one is gone; the mark is not.
                run(["ip", "-n", namespace, "link", "set", "lo", "alias", host.id])
                self.assertIn(host.id, self.mark(namespace))
                return host.id, namespace, host.exec(["cat", "/root/number"]).stdout

        with ThreadPoolExecutor(4) as pool:
            ids, namespaces, numbers = zip(*pool.map(one, range(8)))
        self.assertEqual([int(number) for number in numbers], list(range(8)))
        self.assertFalse(set(ids) & set(instances()))
        for ident, namespace in zip(ids, namespaces):
            self.assertNotIn(ident, self.mark(namespace))

    def test_a_unit_that_fails_is_an_error_that_names_it(self):
        with Host.start("debian-12") as host:
            host.exec(["tee", "/etc/systemd/system/broken.service"],
                      input="[Service]\nType=oneshot\nExecStart=false\n")
            host.exec(["systemctl", "add-wants", "multi-user.target", "broken.service"])
            with self.assertRaisesRegex(HostError, "broken.service"):
                host.reboot()


if __name__ == "__main__":
    unittest.main()
