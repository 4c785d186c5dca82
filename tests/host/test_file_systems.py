# SPDX-License-Identifier: Apache-2.0
"""Files that are not like others, on file systems that are not like others: a tree whose etc is a
mount of its own, in a mount namespace. A change there is refused with the reason, or done and undone
to the byte."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from oracle import REVET
from test_change import look



FILES = {
    "etc/login.defs": r"UMASK 022\n",
    "etc/passwd": r"root:x:0:0::/root:/bin/sh\n",
    "etc/group": r"root:x:0:\n",
    "etc/ssh/sshd_config": r"Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n",
    "var/lib/dpkg/status": r"Package: openssh-server\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
}
MADE = "root/etc/ssh/sshd_config.d", "root/etc/ssh/sshd_config.d/00-revet.conf"


def supported(kind):
    with open("/proc/filesystems", encoding="ascii") as file:
        return kind in file.read().split()


class FileSystem:
    """Each class mounts a file system of its own below."""

    prepare = None

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="revet-fs-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.top)
        # Whoever holds the namespace is this process, which ends with its input.
        self.holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", "echo; read x"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.holder.communicate)
        self.holder.stdout.readline()
        self.sh(f"mkdir -p root/etc root/var/lib/dpkg root/usr/sbin; : >root/usr/sbin/sshd; {self.prepare}")
        for name, text in FILES.items():
            self.sh(f"mkdir -p $(dirname root/{name}); printf '{text}' >root/{name}")
        self.sh("touch -d '2020-02-02 02:02:02.123456789' root/etc/login.defs root/etc")

    def sh(self, script, check=True):
        ran = subprocess.run(["nsenter", "-m", "-t", str(self.holder.pid), "sh", "-ec", f"cd {self.top}; {script}"],
                             capture_output=True, text=True, timeout=60)
        if check:
            self.assertEqual(ran.returncode, 0, script + ran.stdout + ran.stderr)
        return ran

    def revet(self, *argv, code=0):
        ran = self.sh(f"REVET_RULES=/nonexistent {REVET} {' '.join(argv)} --root {self.top}/root", check=False)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def seen(self):
        """All that undoing has to bring back, as the namespace sees it."""
        return self.sh("cd root/etc; find . -printf '%p %y %m %U %G %n %T@ %s %l\\n' | sort; "
                       "getfattr -dR -m - -h . 2>/dev/null; cat login.defs; lsattr -d login.defs 2>/dev/null").stdout

    def comes_back(self):
        before = self.seen()
        self.revet("apply", "--rule", "accounts.new-homes")
        self.assertIn("HOME_MODE 0750", self.sh("cat root/etc/login.defs").stdout)
        meta = self.sh("stat -c '%a %u %g' root/etc/login.defs; getfattr -d -m - root/etc/login.defs").stdout
        self.revet("revert")
        self.assertEqual(self.seen(), before)
        return meta

    def refused(self, *words):
        """Known when it is planned; and what comes about later is found when it is done."""
        before = self.seen()
        told = self.revet("plan", "--rule", "accounts.new-homes")
        for word in words:
            self.assertIn(word, told)
        self.assertIn("Nothing can be changed", told)
        self.assertEqual(self.seen(), before)

    def stopped(self, script, *words):
        """The plan is older than what stands in its way."""
        self.revet("plan", "--rule", "accounts.new-homes", "-o", f"{self.top}/p.plan")
        self.sh(script)
        before = self.seen()
        told = self.revet("apply", f"{self.top}/p.plan", code=4)
        for word in words:
            self.assertIn(word, told)
        self.assertEqual(self.seen(), before)

    def test_plain(self):
        self.sh("chmod 640 root/etc/login.defs; chown 12:34 root/etc/login.defs")
        self.assertIn("640 12 34", self.comes_back())

    def test_with_attributes(self):
        self.sh("setfattr -n user.mark -v kept root/etc/login.defs || true; "
                "setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= root/etc/login.defs || true; "
                "setfacl -m u:12:r,u:34:rw root/etc/login.defs || true")
        had = self.sh("getfattr -d -m - root/etc/login.defs").stdout
        self.assertIn("user.mark", had)
        self.assertIn(had, self.comes_back())

    def test_under_an_odd_umask(self):
        self.sh(f"umask 0777; REVET_RULES=/nonexistent {REVET} apply --rule ssh.no-root-login --root root")
        made = self.sh(f"stat -c '%a %u %g' {MADE[1]}").stdout
        self.assertEqual(made, "600 0 0\n")
        self.revet("revert")

    def test_below_a_directory_that_hands_its_group_on(self):
        self.sh("chgrp 34 root/etc/ssh; chmod 3775 root/etc/ssh")
        before = self.seen()
        self.revet("apply", "--rule", "ssh.no-root-login")
        self.assertEqual(self.sh(f"stat -c '%a %u %g' {' '.join(MADE)}").stdout,
                         "755 0 0\n600 0 0\n")
        self.revet("revert")
        self.assertEqual(self.seen(), before)


class Special:
    """What the file itself has against it, on one file system that knows it all."""

    def test_another_name(self):
        self.sh("ln root/etc/login.defs root/etc/other.defs; touch -d 2020-02-02 root/etc")
        self.refused("another name")

    def test_another_name_meanwhile(self):
        self.stopped("ln root/etc/login.defs root/etc/other.defs; touch -d 2020-02-02 root/etc", "another name")
        # It was given one after the change: undoing does not stop at that.
        self.sh("rm root/etc/other.defs")
        self.revet("apply", "--rule", "accounts.new-homes")
        self.sh("ln root/etc/login.defs root/etc/other.defs")
        self.revet("revert")
        self.assertEqual(self.sh("cat root/etc/login.defs").stdout, "UMASK 022\n")

    def test_something_is_mounted_there(self):
        mount = "cp -p root/etc/login.defs bound; mount --bind bound root/etc/login.defs"
        self.stopped(mount, "something is mounted there")
        self.refused("something is mounted there")

    def test_read_only(self):
        self.stopped(f"mount --bind root/etc root/etc; mount -o remount,bind,ro root/etc", "Read-only file system")

    def test_a_very_large_file(self):
        self.sh("head -c 5M /dev/zero | tr '\\0' '#' >>root/etc/login.defs; truncate -s 1T root/etc/sparse || true")
        told = self.revet("plan", "--rule", "accounts.new-homes")
        self.assertIn("File too large", told)

    def test_immutable(self):
        if self.sh("chattr +i root/etc/login.defs", check=False).returncode:
            self.skipTest("this file system has no such thing")
        try:
            self.refused("it is immutable")
        finally:
            self.sh("chattr -i root/etc/login.defs")
        for flag, path, words in (("i", "root/etc/login.defs", "it is immutable"),
                                  ("a", "root/etc/login.defs", "only be added to"),
                                  ("i", "root/etc", "its directory is immutable"),
                                  ("a", "root/etc", "takes only new files")):
            try:
                self.stopped(f"chattr +{flag} {path}", words)
            finally:
                self.sh(f"chattr -{flag} {path}")


LOOP = ("mkdir disk; mount -t tmpfs none disk; truncate -s {size} disk/image; {make} disk/image >/dev/null; "
        "mount -o loop disk/image root/etc")


@unittest.skipIf(os.geteuid() != 0, "takes root")
class Tmpfs(FileSystem, unittest.TestCase):
    prepare = "mount -t tmpfs none root/etc"


@unittest.skipIf(os.geteuid() != 0 or not supported("ext4"), "takes root and ext4")
class Ext4(Special, FileSystem, unittest.TestCase):
    prepare = LOOP.format(size="16M", make="mkfs.ext4 -q")


@unittest.skipIf(os.geteuid() != 0, "takes root")
class Overlay(FileSystem, unittest.TestCase):
    """What is changed is below, in a layer that is not to be written."""

    prepare = ("mount -t tmpfs none root/var; mkdir -p root/var/up root/var/work root/var/low/ssh; "
               "printf 'UMASK 022\\n' >root/var/low/login.defs; "
               "mount -t overlay -o lowerdir=root/var/low,upperdir=root/var/up,workdir=root/var/work none root/etc")


if __name__ == "__main__":
    unittest.main()
