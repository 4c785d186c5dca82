# SPDX-License-Identifier: Apache-2.0
"""PAM's stacks where authselect keeps them: features of its profile are switched on by the tool itself, and
off again to the byte."""

import os
import shutil
import sys
import unittest

import hostlib
import test_steps
from test_change import BOOT_UNITS, tree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from test_crash import some

FAILLOCK = ("--rule", "pam.faillock")
HISTORY = ("--rule", "pam.password-history")
NULLOK = ("--rule", "pam.no-nullok")
# In the place of the tool: where it changes something, it is killed at a system call of the test's choice,
# and with it, where that is to be, whoever started it.
KILLS = """#!/bin/sh
case $1 in enable-feature | disable-feature) ;; *) exec /usr/bin/authselect.real "$@" ;; esac
strace -qq -f -o /run/calls -e trace=$(cat /run/trace) $(cat /run/inject) /usr/bin/authselect.real "$@"
code=$?
[ ! -e /run/both ] || [ $code -lt 128 ] || kill -KILL $PPID
exit $code
"""
CALLS = "write,rename,renameat,renameat2,unlink,unlinkat,symlink,symlinkat,chmod,fchmod,chown,fchown,mkdir,fsync"


class Authselect(test_steps.Steps):
    image = "authselect"

    def features(self):
        return self.out("authselect", "current", "--raw").split()

    def apply(self, *rules):
        return self.revet("apply", "--no-input", "--wait", "10min", *rules)

    def admits(self, password):
        """Of ops, by the stack of su, run by another user."""
        return self.host.exec(["setpriv", "--reuid=nobody", "--clear-groups", "sh", "-c",
                               f"echo {password} | su ops -c 'id -un'"], check=False).stdout == "ops\n"

    def test_there_and_back(self):
        before = tree(self.host.root)
        plan = self.revet("plan", *FAILLOCK, *HISTORY, *NULLOK)
        for words in ("with-faillock: no -> yes", "with-pwhistory: no -> yes", "without-nullok: no -> yes"):
            self.assertIn(words, plan)
        self.assertEqual(tree(self.host.root), before)
        for undo in (lambda: self.revet("revert"), self.undo_script):
            self.assertIn("0 still fail", self.apply(*FAILLOCK, *HISTORY, *NULLOK))
            self.assertEqual(sorted(self.features()), ["local", "with-faillock", "with-pwhistory", "without-nullok"])
            self.out("authselect", "check")
            self.assertTrue(self.admits("revet-ops"))
            undo()
            self.assertEqual(self.features(), ["local"])
            self.out("authselect", "check")
            self.same(before, BOOT_UNITS, () if undo != self.undo_script else ("etc/security",))
            self.out("rm", "-rf", "/var/lib/revet")

    def test_guessing_locks(self):
        self.apply(*FAILLOCK)
        for _ in range(6):
            self.assertFalse(self.admits("wrong"))
        self.assertFalse(self.admits("revet-ops"))
        self.revet("revert")
        self.out("faillock", "--user", "ops", "--reset")
        self.assertTrue(self.admits("revet-ops"))

    def test_a_later_change_of_somebody_elses_stays(self):
        self.apply(*FAILLOCK)
        self.out("authselect", "enable-feature", "with-mkhomedir")
        self.revet("revert")
        self.assertEqual(self.features(), ["local", "with-mkhomedir"])
        self.out("authselect", "check")

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_killed_while_the_tool_runs(self):
        """Alone, and revet with it: what is left is what was before."""
        for file in {"/usr/bin/strace", *hostlib.needed_libraries("/usr/bin/strace")}:
            if self.host.exec(["test", "-e", file], check=False).returncode:
                self.host.put(os.path.realpath(file), file)
        self.out("mv", "/usr/bin/authselect", "/usr/bin/authselect.real")
        self.write("/usr/bin/authselect", KILLS, "755")
        self.write("/run/trace", CALLS)
        self.write("/run/inject", "")
        before = tree(self.host.root)
        self.apply(*FAILLOCK)
        calls = [line.split()[1].split("(")[0] for line in self.read("/run/calls").splitlines() if "(" in line]
        self.revet("revert")
        self.same(before, BOOT_UNITS)
        self.assertGreater(len(calls), 20, calls)
        for i in some(len(calls), 6):
            both = i % 2 == 0
            call, number = calls[i - 1], calls[:i].count(calls[i - 1])
            self.write("/run/inject", f"-e inject={call}:signal=KILL:when={number}")
            self.out("touch" if both else "true", "/run/both")
            ran = self.host.exec(["revet", "apply", "--no-input", "--wait", "10min", *FAILLOCK], check=False)
            why = f"{call} number {number}: {ran.stdout}{ran.stderr}"
            self.assertIn(ran.returncode, (137, -9) if both else (4,), why)
            if both:
                self.revet("revert", "--unconfirmed")
            self.out("rm", "-f", "/run/both")
            self.assertEqual(self.features(), ["local"], why)
            self.same(before, BOOT_UNITS)
            self.out("sh", "-c", "systemctl stop 'revet-revert-*.timer'; rm -rf /var/lib/revet")
        self.assertTrue(self.admits("revet-ops"))

    def test_what_is_left_alone(self):
        def told(words, command, back):
            self.out("sh", "-c", command)
            before = tree(self.host.root)
            self.assertIn(words, self.revet("plan", "--left", *FAILLOCK))
            self.apply(*FAILLOCK)
            self.same(before)
            self.out("sh", "-c", back)

        told("system-auth is not authselect's link", "cd /etc/pam.d; rm system-auth; cp ../authselect/system-auth .",
             "ln -sf /etc/authselect/system-auth /etc/pam.d/system-auth")
        told("no feature with-faillock", "cp -r /usr/share/authselect/default/local /etc/authselect/custom; "
             "cd /etc/authselect/custom; mkdir ours; mv *-auth postlogin nsswitch.conf README REQUIREMENTS dconf* ours; "
             "sed -i /faillock/d ours/*; authselect select custom/ours --force --nobackup",
             "authselect select local --force --nobackup")
        told("even_deny_root", "echo even_deny_root >>/etc/security/faillock.conf",
             "sed -i '$d' /etc/security/faillock.conf")

    def test_a_stack_that_was_edited(self):
        """Only the tool can tell; all is as it was."""
        self.out("sh", "-c", "echo 'auth optional pam_permit.so' >>/etc/authselect/system-auth")
        before = tree(self.host.root)
        self.assertIn("system-auth is not as authselect makes it", self.revet("apply", "--no-input", *FAILLOCK, code=4))
        self.same(before, BOOT_UNITS)


if __name__ == "__main__":
    unittest.main()
