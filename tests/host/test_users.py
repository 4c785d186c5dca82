# SPDX-License-Identifier: Apache-2.0
"""An administrator whom the site file names is given an account: logs in with its key, and is gone
again without a trace, but for what is the person's."""

import os
import subprocess
import tempfile
import time
import unittest

import test_steps
from hostlib import Host
from oracle import REVET
from test_change import tree

SITE = """admins:
  users: [{users}]
  keys:
    {user}: ['{key}']
"""
RULE = ("--rule", "site.admins-have-accounts")
# Where its keys and what it makes are: a home, and what a login leaves elsewhere.
LOGIN = ("var/lib/systemd",)
# As what a test started it is told by how long it sleeps.
ROOTS = ("setpriv --reuid=1001 --regid=1001 --clear-groups sleep {}", "unshare -pf setpriv --reuid=1001 "
         "--regid=1001 --clear-groups sleep {}", "chroot --userspec=1001:1001 /srv/other /usr/bin/sleep {}")
OTHER = """
mkdir /srv/other; cp --parents /usr/bin/sleep $(ldd /usr/bin/sleep | grep -o '/[^ ]*') /srv/other"""
SKEL = """
echo 'alias ll=ls' >/etc/skel/.aliases; chmod 600 /etc/skel/.aliases
mkdir -p /etc/skel/.config/deep; echo x >/etc/skel/.config/deep/x; ln -s .aliases /etc/skel/.short
mkfifo /etc/skel/pipe; sed -i '/^HOME_MODE/d' /etc/login.defs; echo 'HOME_MODE 0750' >>/etc/login.defs"""


class Users(test_steps.Steps):
    def setUp(self):
        super().setUp()
        self.host.net()
        self.keys = tempfile.mkdtemp()
        self.addCleanup(subprocess.run, ["rm", "-rf", self.keys])
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.keys}/key"], check=True)
        with open(f"{self.keys}/key.pub", encoding="utf-8") as file:
            self.key = file.read().strip()
        self.write("/etc/revet/site.yaml", SITE.format(users="ops, newcomer", user="newcomer", key=self.key))

    def login(self, command, check=True):
        return self.host.outside(["ssh", "-i", f"{self.keys}/key", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                                  "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                                  f"newcomer@{self.host.net().host}", command], check=check)

    def files(self):
        return {name: self.read(f"/etc/{name}") for name in ("passwd", "shadow", "group", "gshadow")}

    def apply(self):
        return self.revet("apply", "--no-input", *RULE)

    def test_made_used_and_gone(self):
        self.out("sh", "-c", SKEL)
        before, files = tree(self.host.root), self.files()
        plan = self.revet("plan", *RULE)
        for words in ("uid: (none) -> 1001", "home: (none) -> /home/newcomer", self.key,
                      "/etc/group newcomer: (none) -> member", "passwd newcomer"):
            self.assertIn(words, plan)
        self.assertEqual(tree(self.host.root), before)
        for undo in (lambda: self.revet("revert"), self.undo_script):
            self.assertIn("1 fixed, 0 still fail", self.apply())
            self.assertEqual(self.out("getent", "passwd", "newcomer"),
                             "newcomer:x:1001:1001::/home/newcomer:/bin/bash\n")
            self.assertRegex(self.out("getent", "shadow", "newcomer"), r"^newcomer:\*:\d+::::::\n$")
            self.assertEqual(self.out("id", "-Gn", "newcomer").split(), ["newcomer", "sudo"])
            self.assertEqual(self.out("sh", "-c", "pwck -qr; grpck -qr; passwd -S newcomer").split()[:2],
                             ["newcomer", "L"])
            self.assertEqual(
                self.out("sh", "-c", "cd /home/newcomer; find . -printf '%P %y %m %u:%g\\n' | sort | grep -v bash"),
                " d 750 newcomer:newcomer\n"
                ".aliases f 600 newcomer:newcomer\n"
                ".config d 755 newcomer:newcomer\n"
                ".config/deep d 755 newcomer:newcomer\n"
                ".config/deep/x f 644 newcomer:newcomer\n"
                ".profile f 644 newcomer:newcomer\n"
                ".short l 777 newcomer:newcomer\n"
                ".ssh d 700 newcomer:newcomer\n"
                ".ssh/authorized_keys f 600 newcomer:newcomer\n")
            self.assertEqual(self.login("id -un; echo data").stdout, "newcomer\ndata\n")
            self.assertIn("There is nothing to change", self.revet("plan", *RULE))
            self.assertIn("only with the whole change", self.revet("revert", *RULE, code=64))
            undo()
            self.assertNotEqual(self.login("true", check=False).returncode, 0)
            self.assertEqual(self.files(), files)
            self.same(before, LOGIN, () if undo != self.undo_script else ("etc",))
            self.out("rm", "-rf", "/var/lib/revet")

    def test_what_is_the_persons_stays(self):
        files = self.files()
        self.apply()
        self.out("sh", "-c", "echo newcomer:of-the-newcomer | chpasswd")
        self.assertEqual(self.login("echo of-the-newcomer | sudo -S id -un").stdout, "root\n")
        self.login("echo mine >work; echo more >>.bashrc; mkdir .vim; touch .vim/x")
        told = self.revet("revert", code=1)
        self.assertIn("/home/newcomer/.bashrc: somebody has changed it since", told)
        self.assertEqual(self.files(), files)
        left = self.out("sh", "-c", "cd /home/newcomer; find . -type f | sort").split()
        self.assertEqual(left, ["./.bashrc", "./.sudo_as_admin_successful", "./.vim/x", "./work"])
        self.revet("revert", "--force", "1")
        self.assertEqual(self.out("sh", "-c", "cd /home/newcomer; find . -type f | sort").split(), left[1:])

    def test_a_key_that_was_added_and_files_of_its_own(self):
        self.apply()
        self.login("touch work; cp -p .ssh/authorized_keys keys; echo '# another' >>.ssh/authorized_keys")
        self.assertIn("authorized_keys is not what it was", self.revet("revert", code=1))
        self.login("cp -p keys .ssh/authorized_keys; rm keys")
        self.assertIn("/home/newcomer: somebody has put files there since", self.revet("revert", code=1))
        self.assertEqual(self.out("ls", "-A", "/home/newcomer"), "work\n")

    def start(self, command, seconds):
        self.out("sh", "-c", f"setsid -f {command.format(seconds)} </dev/null >/dev/null 2>&1")

    def sleeping(self, *which):
        """Which of those that sleep so long are there."""
        there = self.out("ps", "-eo", "args").splitlines()
        return [seconds for seconds in which if any(line.endswith(f"sleep {seconds}") for line in there)]

    def test_what_runs_as_it_ends(self):
        self.out("sh", "-c", OTHER)
        self.start(ROOTS[0], 1001)
        self.apply()
        self.out("sh", "-c", "echo newcomer:of-the-newcomer | chpasswd")
        self.login("""sudo() { echo of-the-newcomer | command sudo -S "$@"; }
            exec >/dev/null 2>&1; setsid -f sleep 2001; setsid -f sh -c 'trap "" TERM; sleep 2002; sleep 2003'
            cp /usr/bin/sleep '/tmp/x) Z sleep'; setsid -f '/tmp/x) Z sleep' 2007; sudo setsid -f sleep 1002; rm .sudo_as_admin_successful""")
        # Of a login, in a namespace of its own; in the slice of the account; of its number.
        self.start("sh -c 'echo 1001 >/proc/self/loginuid; exec " + ROOTS[1] + "'", 2004)
        self.out("systemd-run", "--quiet", "--slice=user-1001.slice", *ROOTS[1].format(2005).split())
        self.start(ROOTS[0], 2006)
        for seconds, command in zip((1003, 1004), ROOTS[1:]):
            self.start(command, seconds)
        # One that has ended, of which nobody has asked how.
        self.start("sh -c 'echo 1001 >/proc/self/loginuid; " + ROOTS[0].format(0) + " & exec sleep {}'", 1005)
        others, its = (1001, 1002, 1003, 1004, 1005), (2001, 2002, 2004, 2005, 2006, 2007)
        self.assertEqual(self.sleeping(*others, *its), [*others, *its])
        self.revet("revert")
        self.assertEqual(self.sleeping(*others, *its, 2003), [*others])

        self.apply()
        self.out("userdel", "-rf", "newcomer")
        self.out("useradd", "-u", "1001", "other")
        self.start(ROOTS[0], 1006)
        self.revet("revert")
        self.assertEqual(self.sleeping(1001, 1006), [1001, 1006])

    def test_taken_back_by_itself(self):
        files = self.files()
        self.apply()
        self.out("sh", "-c", "echo newcomer:of-the-newcomer | chpasswd")
        told = self.login("setsid -f sleep 2001 >/dev/null 2>&1; "
                          "echo of-the-newcomer | sudo -S revet revert 2>&1; echo code $?").stdout
        self.assertRegex(told, "what runs as 1001 goes on, (.|\n)*code 1\n$")
        self.assertEqual(self.sleeping(2001), [2001])
        self.assertEqual(self.files(), files)
        self.assertNotEqual(self.login("true", check=False).returncode, 0)
        self.out("rm", "/home/newcomer/.sudo_as_admin_successful")
        script = ["sh", "/var/lib/revet/changes/0001/undo.sh"]
        self.revet("revert")
        self.assertEqual(self.sleeping(2001), [])
        self.assertEqual(self.host.exec(script).stderr, "")
        self.start(ROOTS[0], 1001)
        self.assertEqual(self.host.exec(script).stderr, "what runs as 1001 is not ended\n")

    def test_what_is_left_to_people(self):
        def told(words, command, back="true"):
            self.out("sh", "-c", command)
            before = tree(self.host.root)
            self.assertIn(words, self.revet("plan", "--left", *RULE))
            self.apply()
            self.same(before)
            self.out("sh", "-c", back)

        told("/home/newcomer is there already", "mkdir /home/newcomer", "rmdir /home/newcomer")
        told("there is a group newcomer already", "groupadd newcomer", "groupdel newcomer")
        told("sudo lets no group", "sed -i 's/^%sudo/#&/' /etc/sudoers", "sed -i 's/^#%sudo/%sudo/' /etc/sudoers")
        told("sshd looks for keys elsewhere", "echo 'AuthorizedKeysFile /etc/keys/%u' >/etc/ssh/sshd_config.d/k.conf",
             "rm /etc/ssh/sshd_config.d/k.conf")
        told("has USERGROUPS_ENAB no", "sed -i 's/^USERGROUPS_ENAB.*/USERGROUPS_ENAB no/' /etc/login.defs",
             "sed -i 's/^USERGROUPS_ENAB.*/USERGROUPS_ENAB yes/' /etc/login.defs")
        told("sss may know the account", "sed -i 's/^passwd:.*/passwd: files sss/' /etc/nsswitch.conf",
             "sed -i 's/^passwd:.*/passwd: files/' /etc/nsswitch.conf")
        self.write("/etc/revet/site.yaml", "admins: {users: [newcomer]}\n")
        told("no key is known for newcomer", "true")

    def test_a_number_that_is_given_meanwhile(self):
        self.revet("plan", *RULE, "-o", "/root/plan")
        self.out("useradd", "other")
        before = tree(self.host.root)
        self.assertIn("is somebody else's by now", self.revet("apply", "--no-input", "/root/plan", code=4))
        self.same(before)

        self.out("userdel", "-r", "other")
        self.write("/etc/revet/site.yaml", "admins: {users: [one, two], keys: {one: ['%s'], two: ['%s']}}\n"
                   % (self.key, self.key))
        before = tree(self.host.root)
        self.apply()
        self.assertEqual(self.out("id", "-u", "one", ).strip() + self.out("id", "-u", "two").strip(), "10011002")
        self.assertEqual(self.out("id", "-Gn", "two").split(), ["two", "sudo"])
        self.revet("revert")
        self.same(before)


if __name__ == "__main__":
    unittest.main()
