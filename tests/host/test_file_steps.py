# SPDX-License-Identifier: Apache-2.0
"""Access control lists, modes found by the walk, mounts and a mail server on booted hosts: fixed, and
given back to the byte. For lists, getfacl and setfacl of this machine are the oracle."""

import os
import subprocess
import time
import unittest

from test_breakage import LOOK_LIKE_A_MACHINE
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


class Modes(Steps):
    def mode(self, path):
        return self.out("stat", "-c", "%a %U", path).strip()

    def test_directories_and_files_that_all_may_write(self):
        self.sh("mkdir -m 777 /srv/share; mkdir -m 2777 /srv/team; chown ops /srv/team; echo x >/etc/app.conf; chmod 666 /etc/app.conf\n"
                "install -m 777 /bin/true /usr/local/bin/tool; ln -s /etc/app.conf /srv/share/link; touch -d 2020-01-02 /srv/share /etc/app.conf")
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", "--rule", "fs.sticky-directories", "--rule", "fs.world-writable-files")
        self.assertIn("2 fixed, 0 still fail", told)
        self.assertEqual([self.mode(p) for p in ("/srv/share", "/srv/team", "/etc/app.conf", "/usr/local/bin/tool")],
                         ["1777 root", "3777 ops", "664 root", "775 root"])
        self.revet("revert")
        self.same(before)

    def test_a_file_that_may_be_data(self):
        self.sh("mkdir /srv/data; echo x >/srv/data/shared; chmod 666 /srv/data/shared")
        before = tree(self.host.root)
        self.assertIn("/srv/data/shared: which accounts have to write it is not known",
                      self.revet("plan", "--rule", "fs.world-writable-files"))
        self.revet("apply", "--no-input", "--rule", "fs.world-writable-files")
        self.same(before)

    def test_a_link_takes_the_directory(self):
        """Where the account that owns the directory above puts one, between plan and change."""
        self.sh("install -d -o ops /srv/ops; install -d -o ops -m 777 /srv/ops/share")
        self.revet("plan", "--rule", "fs.sticky-directories", "-o", "/root/p.plan")
        self.sh("mv /srv/ops/share /srv/ops/was; ln -s /usr/local /srv/ops/share; chmod 777 /usr/local")
        self.assertIn("symbolic links", self.revet("apply", "/root/p.plan", "--no-input", code=4))
        self.assertEqual(self.mode("/usr/local"), "777 root")

    def test_tmp_without_programs(self):
        """apt, which runs scripts of packages from /tmp, is told of another place."""
        self.sh("cp /usr/share/systemd/tmp.mount /etc/systemd/system/; systemctl daemon-reload; "
                "mkdir -p /etc/apt/apt.conf.d; echo >/etc/apt/apt.conf.d/70debconf")
        self.sh(LOOK_LIKE_A_MACHINE)
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", "--rule", "mounts.tmp-noexec")
        self.assertIn("1 fixed, 0 still fail", told)
        self.assertIn('"/var/cache/apt"', self.out("apt-config", "dump", "APT::ExtractTemplates::TempDir"))
        self.assertEqual(self.host.exec(["sh", "-c", "cp /bin/true /tmp/x; /tmp/x"], check=False).returncode, 126)
        self.revet("revert")
        self.assertEqual(self.host.exec(["/tmp/x"], check=False).returncode, 0)
        self.same(before)


class Mail(Steps):
    image = "iot-backend"

    def listening(self):
        return sorted(line.split()[3] for line in self.out("ss", "-Hltn", "sport", "=", ":25").splitlines())

    def test_exim(self):
        loopback = self.listening()
        self.sh("sed -i \"s/^dc_local_interfaces=.*/dc_local_interfaces=''/\" /etc/exim4/update-exim4.conf.conf; systemctl restart exim4; sleep 0.5")
        public = self.listening()
        self.assertNotEqual(public, loopback)
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "services.mail-loopback")
        time.sleep(1)
        self.assertEqual(self.listening(), loopback)
        self.assertIn("pass 1", self.revet("audit", "--rule", "services.mail-loopback"))
        self.revet("revert")
        time.sleep(1)
        self.assertEqual(self.listening(), public)
        self.same(before, names=("var/lib/exim4",))


if __name__ == "__main__":
    unittest.main()
