# SPDX-License-Identifier: Apache-2.0
"""On a booted host: a change with steps of every type that a container has is killed at its N-th system
call, command included, while it is applied, confirmed, reverted, and while the timer reverts it. Some
N of each by default; all of them, for an hour, with REVET_CRASH=all. Only unloading modules is not
here: the kernel is this machine's."""

import collections
import os
import stat
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "host"))
import hostlib
import test_steps
from oracle import OnHost
from test_crash import some
from test_change import look

CALLS = ("write", "fsync", "fdatasync", "renameat", "unlinkat", "mkdirat", "symlinkat", "fchown", "fchmod", "utimensat",
         "mount", "clone", "wait4", "poll")
TYPES = {"account", "attributes", "directory", "file", "grub", "mount", "package", "reload", "sysctl", "unit"}
RULES = ("services.tick", "mounts.exec", "accounts.svc-shell", "kernel.parameter", "packages.telnet-client",
         "net.icmp-redirects", "cron.files-private", "ssh.max-auth-tries", "ssh.no-root-login", "accounts.new-homes")
OWN = ("etc/systemd/system/revet-revert.service", "etc/systemd/system/sysinit.target.wants/revet-revert.service",
       "etc/systemd/system/revet-revert-late.service", "etc/systemd/system/sysinit.target.wants/revet-revert-late.service")
LOOK = r"""
sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.conf\.(all|default)\..*redirects'
findmnt -no VFS-OPTIONS /srv/data
systemctl is-enabled tick.timer; systemctl is-active tick.timer ssh
dpkg-query -W -f '${Package} ${Status} ${Version}\n' telnet; cat /usr/share/doc/telnet/README
sshd -T | grep -E 'permitrootlogin|maxauthtries'
true
"""


class CrashOnHost(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        for file in {"/usr/bin/strace", *hostlib.needed_libraries("/usr/bin/strace")}:
            if cls.host.exec(["test", "-e", file], check=False).returncode:
                cls.host.put(os.path.realpath(file), file)
        cls.write("/etc/revet/rules.d/services/tick.yaml", test_steps.TIMER)
        cls.write("/usr/lib/systemd/system/tick.service", "[Service]\nExecStart=/bin/true\n")
        cls.write("/usr/lib/systemd/system/tick.timer", "[Timer]\nOnBootSec=10h\n[Install]\nWantedBy=timers.target new.target\n")
        cls.write("/etc/revet/rules.d/mounts/exec.yaml", test_steps.RULE.format(target="/srv/data", options="noexec"))
        cls.write("/etc/fstab", "none /srv/data tmpfs size=1m 0 0\n")
        cls.write("/etc/revet/rules.d/accounts/svc-shell.yaml", test_steps.SHELL)
        cls.write("/etc/revet/rules.d/kernel/parameter.yaml", test_steps.CMDLINE)
        cls.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="mine=1"\n')
        cls.write("/boot/grub/grub.cfg", "linux mine=1\n")
        cls.write("/usr/sbin/update-grub", "#!/bin/sh\nset -e\n. /etc/default/grub\n"
                  "for f in /etc/default/grub.d/*.cfg; do [ ! -e $f ] || . $f; done\n"
                  "echo linux $GRUB_CMDLINE_LINUX >/boot/grub/grub.cfg\n", "755")
        cls.out("sh", "-c", f"{test_steps.DEB}\ndpkg-deb --root-owner-group -b . /root/telnet.deb; dpkg -i /root/telnet.deb; "
                "mkdir -p /srv/data; systemctl daemon-reload; mount /srv/data; useradd -r -s /bin/sh svc; "
                "rm -rf /etc/*- /root/deb", "sh", "telnet", "1.0-1", "net", "")
        cls.sh("revet plan -o /root/p.plan " + " ".join(f"--rule {rule}" for rule in RULES))
        found = cls.sh("grep -o '\"type\": \"[a-z]*\",' /root/p.plan | sort -u").replace('"', "").replace(",", "").split()
        assert TYPES <= set(found), found
        cls.before = cls.seen()

    @classmethod
    def seen(cls):
        """Times of directories in which dpkg, systemd and the unit of the boot write are left out."""
        seen = {"": cls.sh(LOOK, check=False)}
        for part in ("etc", "boot", "home"):
            for top, dirs, files in os.walk(os.path.join(cls.host.root, part)):
                for entry in dirs + files:
                    name = os.path.relpath(os.path.join(top, entry), cls.host.root)
                    what = look(os.path.join(top, entry), name)
                    if name not in OWN and name != "etc/ld.so.cache":
                        moving = stat.S_ISDIR(os.lstat(os.path.join(top, entry)).st_mode) or name == "boot/grub/grub.cfg"
                        seen[name] = what[:5] + what[6:] if moving else what
        return seen

    def setUp(self):
        """What a test that failed has left must not fail the next."""
        for _ in range(2):
            self.revet("revert", check=False)
        self.clear()

    def revet(self, *argv, check=True):
        ran = self.host.exec(["revet", *argv], check=False)
        if check:
            self.assertEqual(ran.returncode, 0, f"{argv}: {ran.stdout}{ran.stderr}")
        return ran

    def status(self):
        told = self.revet("history").stdout.split()
        return told[2] if told else None

    def apply(self):
        self.revet("apply", "/root/p.plan", "--no-input", "--wait", "1h")
        self.assertEqual(self.status(), "waiting")

    def confirm(self):
        self.revet("confirm", "--same-session")

    def clear(self):
        self.sh("systemctl stop 'revet-revert-*.timer'; systemctl reset-failed; rm -rf /var/lib/revet", check=False)

    def undone(self, why):
        if self.status() not in (None, "committed", "reverted"):
            self.revet("revert", "--unconfirmed")
        if self.status() == "committed":
            self.revet("revert")
        now = self.seen()
        self.assertEqual({name: (self.before.get(name), now.get(name)) for name in now.keys() | self.before.keys()
                          if now.get(name) != self.before.get(name)}, {}, why)
        self.clear()

    def traced(self, options, *argv):
        return self.host.exec(["strace", "-qq", *options, "/usr/local/bin/revet", *argv], check=False, timeout=120)

    def counts(self, *argv):
        ran = self.traced(["-o", "/root/calls", "-e", "trace=" + ",".join(CALLS)], *argv)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return collections.Counter(line.split("(")[0] for line in self.read("/root/calls").splitlines() if "(" in line)

    def points(self, counts, most):
        """(call, number) evenly over all there are, so that each kind has its share."""
        every = [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]
        self.assertGreater(len(every), 0)
        return [every[i - 1] for i in some(len(every), most)]

    def killed(self, call, number, *argv):
        """Whether it was; a count of polls is not the same each time."""
        ran = self.traced(["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"], *argv)
        self.assertIn(ran.returncode, (0, 137, -9), ran.stdout + ran.stderr)
        return ran.returncode != 0

    def kill_each(self, begin, most, *argv):
        """`begin` brings about what the command starts from; then it is killed, and all is undone."""
        begin()
        counts = self.counts(*argv)
        self.undone("not at all")
        for call, number in self.points(counts, most):
            begin()
            self.killed(call, number, *argv)
            self.undone(f"{argv[0]} killed at {call} number {number}")

    def test_while_applying(self):
        self.kill_each(lambda: None, 16, "apply", "/root/p.plan", "--no-input", "--wait", "1h")

    def committed(self):
        self.apply()
        self.confirm()

    def test_while_reverting(self):
        self.kill_each(self.committed, 8, "revert")

    def test_while_the_timer_reverts(self):
        self.kill_each(self.apply, 4, "revert", "--unconfirmed", "1")

    def test_while_confirming(self):
        self.apply()
        counts = self.counts("confirm", "--same-session")
        self.undone("not at all")
        for call, number in self.points(counts, 4):
            self.apply()
            self.killed(call, number, "confirm", "--same-session")
            # Waiting still, so that it reverts by itself, or done; and it can be confirmed again.
            self.assertIn(self.status(), ("waiting", "committed"))
            if self.status() == "waiting":
                self.confirm()
            self.undone(f"confirm killed at {call} number {number}")


if __name__ == "__main__":
    unittest.main()
