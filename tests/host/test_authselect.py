# SPDX-License-Identifier: Apache-2.0
"""PAM's stacks where authselect keeps them: features of its profile are switched on by the tool itself, and
off again to the byte."""

import os
import unittest

import test_steps
from test_change import tree

FAILLOCK = ("--rule", "pam.faillock")
HISTORY = ("--rule", "pam.password-history")
NULLOK = ("--rule", "pam.no-nullok")


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
            self.same(before, ["etc/systemd/system/revet-revert.service",
                               "etc/systemd/system/multi-user.target.wants/revet-revert.service"],
                      () if undo != self.undo_script else ("etc/security",))
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
        self.same(before, ["etc/systemd/system/revet-revert.service",
                           "etc/systemd/system/multi-user.target.wants/revet-revert.service"])


if __name__ == "__main__":
    unittest.main()
