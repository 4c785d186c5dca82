# SPDX-License-Identifier: Apache-2.0
"""Changes on a machine with a kernel and a disk of its own: what no container can show, and what is
left of a change when the power fails at any instant of it.

    REVET_VM=1          the long ones too, some twenty minutes of emulation: all of a plan through two
                        boots, and the power cuts
    REVET_VM_CUTS=20    how many times it fails while a change is applied or reverted
    REVET_VM_SEED=N     the same instants again; a failure prints it
"""

import json
import os
import random
import tempfile
import time
import unittest
from pathlib import Path

import hostlib
import test_steps
from hostimage import CACHE
from oracle import REVET, EachAlone, OnHost
from test_change import tree
from vm import Machine

# What a kernel that nobody hardened may have; each of them is a finding to the profile server.
SYSCTLS = {
    "kernel.randomize_va_space": 1, "kernel.dmesg_restrict": 0, "kernel.perf_event_paranoid": 1,
    "kernel.kptr_restrict": 0, "kernel.sysrq": 1, "kernel.panic": 0, "kernel.panic_on_oops": 1,
    "kernel.yama.ptrace_scope": 0, "fs.protected_fifos": 0, "fs.protected_regular": 0,
    "fs.protected_hardlinks": 0, "fs.protected_symlinks": 0, "fs.suid_dumpable": 1,
    "vm.mmap_min_addr": 4096, "dev.tty.ldisc_autoload": 1,
    "kernel.unprivileged_bpf_disabled": 0, "kernel.unprivileged_userns_clone": 1,
    "net.ipv4.tcp_syncookies": 0,
}
BAD = {key: str(value) for key, value in SYSCTLS.items()}
FINE = {"kernel.panic_on_oops"}  # is right as it is
MODULES = ("sctp", "tipc")
# What only a boot brings about: a parameter of the kernel, a switch that is never turned back, and a
# module that cannot be unloaded.
AT_BOOT = {"kernel.parameter", "kernel.kexec", "modules.sctp", "audit.immutable", "kernel.mitigations-off"}

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


# What its own program writes anew when a change is undone: the same, but of another time.
REMADE = ("boot/grub", "var/lib/dpkg/status")
# What a boot and a shutdown write (augenrules makes one file of those in rules.d), and a file that is a disk.
MOVING = ("etc/adjtime", "etc/audit/audit.rules", "etc/audit/audit.rules.prev", "srv/var-tmp")

IDLE = """[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""
NO_IDLE = """title: A service runs that nobody needs
severity: low
why: It is a test.
for: units
where: {name: idle.service}
want: {active_state: inactive, enabled: masked}
risk: none
cases:
  - {pass: {units: [{name: idle.service, active_state: inactive, enabled: masked}]}}
  - {fail: {units: [{name: idle.service, active_state: active, enabled: enabled}]}}
"""


class OnMachine(EachAlone):
    """A machine for each test."""

    image = "debian-12-vm"
    kind = Machine

    @staticmethod
    def tree_of(vm):
        """All files of the disk, but those that each boot or shutdown writes."""
        with vm.disk() as root:
            return {name: seen for name, seen in tree(root).items() if name not in MOVING}

    def tree(self):
        return self.tree_of(self.host)

    def same_tree(self, before, after=None):
        after = after or self.tree()
        wrong = hostlib.moved(before, after)
        for name, (was, now) in list(wrong.items()):
            remade = name.startswith(REMADE) or name == "etc/audit"  # the directory of what moves
            if remade and was and now and was[:5] + was[6:] == now[:5] + now[6:]:
                del wrong[name]
        self.assertEqual(wrong, {})

    def sysctls(self, names=SYSCTLS):
        out = self.out("sysctl", *names)
        return {key: value for key, _, value in (line.partition(" = ") for line in out.splitlines())}

    def verdicts(self, rules):
        return {r["rule"]: r["verdict"] for r in self.audit()["results"] if r["rule"] in rules}

    def loaded(self):
        return {line.split()[0] for line in self.out("lsmod").splitlines()} & set(MODULES)


LONG = unittest.skipUnless(os.environ.get("REVET_VM"), "SKIPPED: twenty minutes of emulation, with REVET_VM=1")


@LONG
class Everything(OnMachine):
    def stage(self):
        self.out("sh", "-c", STAGE)
        self.write("/etc/sysctl.d/99-yy-bad.conf", "".join(f"{k} = {v}\n" for k, v in SYSCTLS.items()))
        self.write("/etc/revet/rules.d/kernel/parameter.yaml", PARAMETER)
        self.host.reboot()
        self.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves a mark at its first use
        self.assertEqual(self.sysctls(), BAD)
        self.out("modprobe", "-a", *MODULES)

    def holds(self, rules, left=frozenset()):
        """All that was planned, to the rules and to the kernel itself. left: modules that are in use."""
        verdicts = self.verdicts(rules)
        self.assertEqual(verdicts.keys(), rules)
        self.assertEqual({rule: said for rule, said in verdicts.items() if said != "pass"}, {})
        now = self.sysctls()
        self.assertEqual([key for key, bad in BAD.items() if now[key] == bad and key not in FINE], [])
        self.assertEqual(self.loaded(), left)
        for module in set(MODULES) - left:
            self.assertNotEqual(self.host.exec(["modprobe", module], check=False).returncode, 0, module)
        for mount in ("/tmp", "/var/tmp", "/dev/shm"):
            self.assertLessEqual({"nosuid", "nodev"}, set(self.out("findmnt", "-no", "OPTIONS", mount).split(",")))
        self.assertEqual(self.out("systemctl", "is-active", "auditd").strip(), "active")
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_hardened_rebooted_and_back(self):
        self.stage()
        before, auditd = self.tree(), self.out("systemctl", "show", "-P", "MainPID", "auditd")
        self.revet("plan", "-o", "/run/p.plan")
        plan = json.loads(self.read("/run/p.plan"))
        rules = {rule["rule"] for rule in plan["rules"]}
        self.assertLessEqual(AT_BOOT | {"kernel.aslr", "mounts.shm-noexec", "audit.log-space", "boot.ctrl-alt-del",
                                        "boot.grub-config-writable", "ssh.no-root-login"}, rules)
        # With a rule for the next boot among them, access is still to be confirmed.
        self.assertIn("REVERTS BY ITSELF", self.revet("apply", "/run/p.plan", "--no-input", "--wait", "30min"))
        self.revet("confirm", via=self.host.ssh)
        self.holds(rules - AT_BOOT, {"sctp"})
        # auditd was told, not started anew, and took it in.
        self.assertEqual(self.out("systemctl", "show", "-P", "MainPID", "auditd"), auditd)
        self.assertIn("op=reconfigure state=changed", self.out("grep", "DAEMON_CONFIG", "/var/log/audit/audit.log"))
        self.host.reboot()
        self.assertIn(" init_on_free=1", self.read("/proc/cmdline"))
        self.holds(rules)
        # Nothing is left but to watch the log that sudo has only now, and what was answered too late before.
        late = {left["rule"] for left in plan["left_alone"] if left["left"] == "unknown"}
        again = json.loads(self.revet("plan", "-f", "json").partition("\nrevet:")[0])["rules"]
        self.assertLessEqual({rule["rule"] for rule in again}, late | {"audit.sudo-log"})
        self.revet("revert")
        self.assertEqual(self.loaded(), set(MODULES) - {"sctp"})
        self.same_tree(before)
        self.host.reboot()
        self.assertEqual(self.sysctls(), BAD)
        self.assertNotIn("init_on_free", self.read("/proc/cmdline"))
        self.assertEqual(self.out("auditctl", "-l"), "No rules\n")
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")


TELNETD = r"""
set -eu
mkdir -p /root/deb/DEBIAN /root/deb/usr/lib/systemd/system; cd /root/deb
printf 'Package: telnetd\nVersion: 1.0\nArchitecture: all\nMaintainer: Test <t@example.org>\n' >DEBIAN/control
printf 'Section: net\nPriority: optional\nDescription: a test\n of it\n' >>DEBIAN/control
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
	>usr/lib/systemd/system/telnetd.service
cat >DEBIAN/postinst <<'END'
#!/bin/sh
set -e
if deb-systemd-helper --quiet was-enabled telnetd.service; then
	deb-systemd-helper enable telnetd.service >/dev/null
else
	deb-systemd-helper update-state telnetd.service >/dev/null
fi
systemctl daemon-reload
deb-systemd-invoke start telnetd.service
END
printf '#!/bin/sh\n[ "$1" != remove ] || deb-systemd-invoke stop telnetd.service\n' >DEBIAN/prerm
chmod 755 DEBIAN/postinst DEBIAN/prerm
dpkg-deb --root-owner-group -b . /root/telnetd.deb
dpkg -i /root/telnetd.deb
"""
DPKG = (test_steps.DPKG_OWN, test_steps.DPKG_TIMES)

# All that root may, but for one directory.
PROFILE = """abi <abi/3.0>,
profile revet /usr/local/bin/revet {
  capability,
  network,
  mount,
  ptrace,
  signal,
  unix,
  dbus,
  file,
  deny /etc/ssh/sshd_config.d/** wl,
}
"""


class AppArmor(OnMachine):
    def test_a_profile_in_the_way(self):
        load, unload = ("apparmor_parser", "-r", "/etc/apparmor.d/revet"), ("apparmor_parser", "-R", "/etc/apparmor.d/revet")
        rules = ["--rule", "ssh.max-auth-tries", "--rule", "cron.files-private"]
        self.write("/etc/apparmor.d/revet", PROFILE)
        before = self.tree()
        # In the way of doing: all of it is undone, and said where it was.
        self.out(*load)
        said = self.revet("apply", "--no-input", *rules, code=4)
        self.assertIn("/etc/ssh/sshd_config.d/00-revet.conf", said)
        self.assertIn("Permission denied", said)
        self.assertIn("reverted", self.revet("history"))
        self.same_tree(before)
        # In the way of undoing: said, and undone when it is out of it.
        self.out(*unload)
        self.revet("apply", "--no-input", *rules)
        self.out(*load)
        said = self.revet("revert", code=1)
        self.assertIn("/etc/ssh/sshd_config.d/00-revet.conf", said)
        self.assertIn("maxauthtries 4", self.out("sshd", "-T"))
        self.out(*unload)
        self.revet("revert")
        self.same_tree(before)


@LONG
class Cuts(OnMachine):
    """What is there after the power has failed, from a machine that has been got ready once."""

    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.TemporaryDirectory(prefix="vm-cuts-", dir=CACHE)
        cls.addClassCleanup(cls.top.cleanup)
        cls.seed = int(os.environ.get("REVET_VM_SEED", time.time()))
        cls.random = random.Random(cls.seed)
        cls.ready, cls.committed = Path(cls.top.name) / "ready", Path(cls.top.name) / "committed"
        OnHost.setUpClass.__func__(cls)
        with cls.host as vm:
            vm.ssh(["echo revet-ops | sudo -S true"])
            cls.write("/usr/lib/systemd/system/idle.service", IDLE)
            cls.write("/etc/revet/rules.d/services/idle.yaml", NO_IDLE)
            cls.out("systemctl", "enable", "--now", "idle.service")
            cls.out("sh", "-c", "revet plan -o /root/p.plan >/dev/null")
            cls.before = cls.tree_of(vm)
            cls.plan = json.loads(cls.read("/root/p.plan"))
            cls.freeze(vm, cls.ready)
        with cls.thaw(cls.ready) as vm:
            began = time.monotonic()
            vm.exec(["revet", "apply", "/root/p.plan", "--no-input", "--wait", "1h"])
            cls.applying = time.monotonic() - began
            cls.waiting = Path(cls.top.name) / "waiting"
            cls.freeze(vm, cls.waiting)
        with cls.thaw(cls.waiting) as vm:
            vm.ssh(["echo revet-ops | sudo -S revet confirm"])
            cls.after = cls.tree_of(vm)
            cls.freeze(vm, cls.committed)

    @staticmethod
    def freeze(vm, directory):
        directory.mkdir()
        vm.freeze(directory)

    @classmethod
    def thaw(cls, directory):
        cls.host = Machine.thaw(directory)
        return cls.host

    def setUp(self):
        pass

    def whole(self):
        """The status of the change, None when it was not begun; the host is as that says, and reachable."""
        said = self.revet("history")
        status = said.split()[2] if said.startswith("0001") else None
        self.assertIn(status, (None, "reverted", "committed"), said)
        self.same_tree(self.after if status == "committed" else self.before)
        self.assertEqual(self.out("auditctl", "-l") == "No rules\n", status != "committed")
        self.assertEqual(self.out("systemctl", "is-active", "idle.service", check=False).strip(),
                         "inactive" if status == "committed" else "active")
        self.assertEqual(self.host.exec(["test", "-e", "/etc/systemd/system/revet-revert.service"],
                                        check=False).returncode, 1)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
        return status

    def test_nobody_confirms_before_the_next_boot(self):
        for crash in (False, True):
            with self.subTest(crash=crash), self.thaw(self.waiting) as vm:
                self.assertNotEqual(self.tree(), self.before)
                vm.reboot(crash)
                self.assertEqual(self.whole(), "reverted")

    def test_a_package_comes_back_after_the_boot(self):
        """Its scripts start a service, and wait for it: before the boot is over they would for ever."""
        with self.thaw(self.ready) as vm:
            self.out("sh", "-c", TELNETD)
            before = test_steps.Steps.without(self, self.tree_of(vm), *DPKG)
            self.revet("apply", "--no-input", "--wait", "1h", "--rule", "packages.telnet-server",
                       "--rule", "ssh.no-root-login")
            self.assertEqual(vm.exec(["systemctl", "is-active", "telnetd"], check=False).stdout, "inactive\n")
            vm.reboot(crash=True)
            hostlib.wait_until(lambda: "reverted" in self.revet("history"), 120)
            self.assertEqual(self.revet("history").split()[2], "reverted")
            self.assertEqual(self.out("systemctl", "is-active", "telnetd"), "active\n")
            self.same_tree(before, test_steps.Steps.without(self, self.tree_of(vm), *DPKG))

    def cut(self, frozen, command, seconds):
        counts = {}
        for _ in range(int(os.environ.get("REVET_VM_CUTS", 2))):
            instant = self.random.uniform(0, seconds)
            with self.subTest(instant=instant, seed=self.seed), self.thaw(frozen) as vm:
                vm.begin(command)
                time.sleep(instant)
                vm.power_cut()
                vm.boot()
                status = self.whole()
                if status == "committed":
                    self.revet("revert")
                    self.same_tree(self.before)
                counts[status] = counts.get(status, 0) + 1
        print(f"seed {self.seed}, {command[1]}: {counts}", flush=True)

    def test_the_power_fails_while_it_applies(self):
        self.cut(self.ready, ["revet", "apply", "/root/p.plan", "--no-input", "--wait", "1h"], self.applying)

    def test_the_power_fails_while_it_reverts(self):
        self.cut(self.committed, ["revet", "revert"], self.applying / 2)


if __name__ == "__main__":
    unittest.main()
