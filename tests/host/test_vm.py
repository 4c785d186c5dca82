# SPDX-License-Identifier: Apache-2.0
"""Changes on a machine with a kernel and a disk of its own: what no container can show, and what is
left of a change when the power fails at any instant of it.

    REVET_VM_CUTS=20    how many times it fails while a change is applied or reverted
    REVET_VM_SEED=N     the same instants again; a failure prints it
"""

import contextlib
import json
import os
import random
import tempfile
import time
import unittest
from pathlib import Path

import test_change
from hostimage import CACHE
from oracle import REVET, OnHost
from test_change import tree
from vm import Machine

# What a kernel that nobody hardened may have; each of them is a finding.
SYSCTLS = {
    "kernel.randomize_va_space": 1, "kernel.dmesg_restrict": 0, "kernel.perf_event_paranoid": 1,
    "kernel.kptr_restrict": 0, "kernel.sysrq": 1, "kernel.panic": 0, "kernel.panic_on_oops": 1,
    "kernel.yama.ptrace_scope": 0, "fs.protected_fifos": 0, "fs.protected_regular": 0,
    "fs.protected_hardlinks": 0, "fs.protected_symlinks": 0, "fs.suid_dumpable": 1,
    "vm.mmap_min_addr": 4096, "vm.unprivileged_userfaultfd": 1, "dev.tty.ldisc_autoload": 1,
    "kernel.unprivileged_bpf_disabled": 0, "kernel.unprivileged_userns_clone": 1,
    "net.ipv4.tcp_syncookies": 0,
}
MODULES = ("sctp", "tipc", "udf")
# What only a boot brings about: a parameter of the kernel, a switch that is never turned back, and a
# module that cannot be unloaded.
AT_BOOT = {"kernel.parameter", "kernel.kexec", "modules.sctp"}

STAGE = """
set -eu
# Another file system for /var/tmp, and memory for /tmp, neither with an option that forbids anything.
truncate -s 32M /srv/var-tmp; mke2fs -q -F -t ext4 /srv/var-tmp
echo '/srv/var-tmp /var/tmp ext4 loop,defaults 0 0' >>/etc/fstab
echo 'tmpfs /tmp tmpfs defaults 0 0' >>/etc/fstab
# Who can write to the menu chooses the kernel.
chmod 666 /boot/grub/grub.cfg
"""

# Debian's kernel comes with what the catalogue wants of the command line.
PARAMETER = """title: A parameter is missing
severity: low
why: It is a test.
want: {cmdline.init_on_free: {one_of: [1]}}
risk: reboot
cases:
  - {pass: {cmdline: {init_on_free: 1}}}
  - {fail: {cmdline: {quiet: ""}}}
"""


class OnMachine(OnHost):
    """A machine for each test. frozen: what it goes on from, if not from its first boot."""

    image = "debian-12-vm"
    kind = Machine
    revet = test_change.Changes.revet

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        OnHost.setUpClass.__func__(type(self))
        self.addCleanup(OnHost.tearDownClass.__func__, type(self))

    def tree(self):
        with self.host.disk() as root:
            return tree(root)

    def same_tree(self, before):
        after = self.tree()
        wrong = {name: (before.get(name), after.get(name))
                 for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        self.assertEqual(wrong, {})

    def sysctls(self, names=SYSCTLS):
        out = self.out("sysctl", *names)
        return {key: value for key, _, value in (line.partition(" = ") for line in out.splitlines())}

    def verdicts(self, rules):
        return {r["rule"]: r["verdict"] for r in self.audit()["results"] if r["rule"] in rules}

    def loaded(self):
        return {line.split()[0] for line in self.out("lsmod").splitlines()} & set(MODULES)


class Everything(OnMachine):
    def stage(self):
        self.out("sh", "-c", STAGE)
        self.write("/etc/sysctl.d/99-yy-bad.conf", "".join(f"{k} = {v}\n" for k, v in SYSCTLS.items()))
        self.write("/etc/revet/rules.d/kernel/parameter.yaml", PARAMETER)
        self.host.reboot()
        self.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves a mark at its first use

    def holds(self, rules, left=frozenset()):
        """All that was planned, to the rules and to the kernel itself."""
        verdicts = self.verdicts(rules)
        self.assertEqual({rule: said for rule, said in verdicts.items() if said != "pass"}, {})
        now = self.sysctls()
        self.assertEqual([key for key, bad in SYSCTLS.items()
                          if now[key] == str(bad) and key != "kernel.panic_on_oops"], [])
        self.assertEqual(self.loaded(), left)
        for module in set(MODULES) - left:
            self.assertNotEqual(self.host.exec(["modprobe", module], check=False).returncode, 0, module)
        for mount in ("/tmp", "/var/tmp", "/dev/shm"):
            self.assertIn("nosuid", self.out("findmnt", "-no", "OPTIONS", mount))
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_hardened_rebooted_and_back(self):
        self.stage()
        self.assertEqual(self.sysctls(), {k: str(v) for k, v in SYSCTLS.items()})
        self.out("modprobe", "-a", *MODULES)
        before = self.tree()
        plan = json.loads(self.revet("plan", "-f", "json"))
        rules = {rule["rule"] for rule in plan["rules"]}
        print(sorted(rules))
        self.revet("apply", "--no-input", "--wait", "10min")
        self.revet("confirm", via=self.host.ssh)
        self.holds(rules - AT_BOOT, {"sctp"})
        self.host.reboot()
        self.assertIn(" init_on_free=1", self.read("/proc/cmdline"))
        self.holds(rules)
        self.assertEqual(json.loads(self.revet("plan", "-f", "json"))["steps"], [])
        self.revet("revert")
        self.assertEqual(self.loaded(), set(MODULES))
        self.same_tree(before)
        self.host.reboot()
        self.assertEqual(self.sysctls(), {k: str(v) for k, v in SYSCTLS.items()})
        self.assertNotIn("init_on_free", self.read("/proc/cmdline"))
        self.assertEqual(self.verdicts(rules).keys() - {"x"}, rules)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")


if __name__ == "__main__":
    unittest.main()
