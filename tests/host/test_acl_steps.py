# SPDX-License-Identifier: Apache-2.0
"""Access control lists on booted hosts and in a tree: taken out, and given back to the byte, with
getfacl and setfacl of this machine as the oracle."""

import os
import subprocess
import unittest

from test_change import look, tree
from test_steps import Steps

RULE = "fs.acl"
# A file with more than one list, one that the mask keeps narrow, and a directory with a default list.
SET = ("u:1000:rw,g:27:r {}/etc/shadow", "u:1000:rwx,m::rwx {}/etc/pam.d", "d:u:1000:rwx,d:g:27:r {}/etc/pam.d",
       "u:4000000000:rw {}/etc/crontab", "g:1000:rwx {}/root", "u:1000:rw {}/etc/ssh/ssh_host_ed25519_key")
FILES = ("etc/shadow", "etc/pam.d", "etc/crontab", "root", "etc/ssh/ssh_host_ed25519_key")


def lists(root):
    return subprocess.run(["getfacl", "-n", "-p", *(f"{root}/{name}" for name in FILES)], check=True,
                          capture_output=True, text=True).stdout


def setfacl(root, *changes):
    for change in changes:
        subprocess.run(["setfacl", "-m", *change.format(root).split()], check=True)


class Lists(Steps):
    def check(self, undo):
        root = self.host.root
        plain = lists(root)
        setfacl(root, *SET)
        before, listed = tree(root), lists(root)
        self.assertNotEqual(listed, plain)
        told = self.revet("apply", "--no-input", "--rule", RULE)
        self.assertIn("1 fixed, 0 still fail", told)
        self.assertEqual(lists(root), plain)
        self.assertEqual({n: look(f"{root}/{n}", n)[1] for n in FILES},
                         {"etc/shadow": 0o640, "etc/pam.d": 0o755, "etc/crontab": 0o644, "root": 0o700,
                          "etc/ssh/ssh_host_ed25519_key": 0o600})
        undo()
        self.assertEqual(lists(root), listed)
        self.same(before)

    def test_taken_out_and_given_back(self):
        self.check(lambda: self.revet("revert"))

    def test_given_back_by_the_script(self):
        self.check(self.undo_script)

    def test_what_the_mask_hides_is_not_given(self):
        """The owning group had r-- behind the mask, whatever its own entry says."""
        path = f"{self.host.root}/etc/crontab"
        subprocess.run(["setfacl", "-m", "u:1000:rw,g::rw", path], check=True)
        subprocess.run(["setfacl", "-m", "u:1000:rw,m::rw", path], check=True)
        subprocess.run(["setfacl", "-n", "-m", "g::rwx,m::rw", path], check=True)
        self.revet("apply", "--no-input", "--rule", RULE)
        self.assertEqual(look(path, "")[1], 0o664)
        self.revet("revert")

    def test_with_the_mode_as_well(self):
        """Two rules about one directory: its list goes, and then the group's bit."""
        root = self.host.root
        os.chmod(f"{root}/etc/pam.d", 0o775)
        setfacl(root, "u:1000:rwx {}/etc/pam.d")
        os.chmod(f"{root}/etc/crontab", 0o666)
        setfacl(root, "u:1000:rw {}/etc/crontab")
        before = tree(root)
        told = self.revet("apply", "--no-input", *(w for r in (RULE, "fs.crontabs", "fs.system-directories")
                                                   for w in ("--rule", r)))
        self.assertIn("0 still fail", told)
        self.assertNotIn("+", self.out("sh", "-c", "ls -ld /etc/crontab /etc/pam.d | cut -c11"))
        self.revet("revert")
        self.same(before)

    def test_a_link_and_somebody_elses_change(self):
        root = self.host.root
        self.out("sh", "-c", "mv /etc/crontab /etc/crontab.real; ln -s crontab.real /etc/crontab")
        setfacl(root, "u:1000:rw {}/etc/crontab.real")
        before = tree(root)
        self.assertIn("/etc/crontab.real", self.revet("plan", "--rule", RULE))
        self.revet("apply", "--no-input", "--rule", RULE)
        setfacl(root, "u:1000:r {}/etc/crontab.real")
        self.assertIn("somebody has changed it since", self.revet("revert", code=1))
        self.revet("revert", "--force")
        self.same(before)

    def test_a_link_takes_its_place(self):
        root = self.host.root
        setfacl(root, "u:1000:rw {}/etc/crontab")
        self.revet("plan", "--rule", RULE, "-o", "/root/p.plan")
        self.out("sh", "-c", "mv /etc/crontab /etc/crontab.real; ln -s /etc/shadow /etc/crontab")
        told = self.revet("apply", "/root/p.plan", "--no-input", code=1)
        self.assertIn("/etc/crontab", told)
        self.assertEqual(look(f"{root}/etc/shadow", "")[1], 0o640)

    def test_without_lists(self):
        """On a file system that has none, a list cannot be given back; the file stays as it is."""
        self.sh("mkdir -p /etc/cron.d; chmod 755 /etc/cron.d")
        root = self.host.root
        setfacl(root, "u:1000:rwx {}/etc/cron.d")
        self.revet("apply", "--no-input", "--rule", RULE)
        self.sh("mount -t ramfs none /etc/cron.d; chmod 755 /etc/cron.d")
        self.assertIn("/etc/cron.d: its file system has no access control lists", self.revet("revert", code=1))
        self.sh("umount /etc/cron.d")
        self.revet("revert")
        self.assertIn("user:1000:rwx", subprocess.run(["getfacl", "-n", f"{root}/etc/cron.d"], check=True,
                                                      capture_output=True, text=True).stdout)


if __name__ == "__main__":
    unittest.main()
