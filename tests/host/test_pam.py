# SPDX-License-Identifier: Apache-2.0
"""Changes of PAM's stacks on booted hosts, judged by real logins, and undone to the byte."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import test_change
from hostlib import ENVIRONMENT, Host, process, wait_until
from oracle import REVET
from test_change import tree
from test_steps import Steps

RIGHT, WRONG = "revet-ops", "not-that"
RULES = ("--rule", "pam.faillock", "--rule", "pam.password-history", "--rule", "pam.no-nullok")


class Pam(Steps):
    def password(self, password, user="ops"):
        """Does sshd take it?"""
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as ask:
            ask.write(f"#!/bin/sh\necho {password}\n")
            ask.flush()
            os.chmod(ask.name, 0o700)
            copy = shutil.copy(ask.name, ask.name + ".copy")  # one that nobody has open for writing
            self.addCleanup(os.unlink, copy)
            ran = self.host.outside(
                ["ssh", "-F", "none", "-oPubkeyAuthentication=no", "-oNumberOfPasswordPrompts=1",
                 "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
                 f"{user}@{self.host.net().host}", "true"],
                env=ENVIRONMENT | {"SSH_ASKPASS": copy, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"})
        self.assertIn(ran.returncode, (0, 255), ran.stderr)
        return ran.returncode == 0

    def key(self):
        return self.host.ssh(["true"]).returncode == 0

    def sudo(self, *passwords):
        given = "".join(f"{p}\n" for p in passwords)
        return self.host.exec(["setpriv", "--reuid=ops", "--regid=ops", "--init-groups", "sudo", "-S", "-k", "true"],
                              input=given, check=False).returncode == 0

    def change_password(self, old, new):
        return self.host.exec(["setpriv", "--reuid=ops", "--regid=ops", "--init-groups", "passwd"],
                              input=f"{old}\n{new}\n{new}\n", check=False)

    def apply(self, *argv):
        told = self.revet("apply", "--no-input", "--wait", "10min", *argv)
        self.assertIn(" 0 still fail", told)
        self.revet("confirm", via=self.host.ssh)

    def take_back(self, rule):
        self.revet("revert", "--rule", rule)
        self.revet("confirm", via=self.host.ssh)

    def begin(self):
        self.revet("history", via=self.host.ssh)  # sudo leaves a mark at its first use
        return tree(self.host.root)


class Debian12(Pam):
    def test_a_count_that_nobody_looks_at_locks_nobody(self):
        for first, admits in ("", True), ("auth requisite pam_faillock.so preauth\n", False):
            self.host.exec(["tee", "/etc/pam.d/common-auth"], input=(
                f"{first}auth [success=2 default=ignore] pam_unix.so nodelay\n"
                "auth [default=die] pam_faillock.so authfail nodelay\nauth requisite pam_deny.so\nauth required pam_permit.so\n"))
            self.assertFalse(self.sudo(WRONG, WRONG, WRONG))
            self.assertEqual(self.sudo(RIGHT), admits)
            said = self.revet("audit", "--rule", "pam.faillock", "--fail-on", "none", "-f", "json")
            self.assertEqual(json.loads(said)["results"][0]["verdict"], "fail" if admits else "pass")
            self.host.exec(["faillock", "--user", "ops", "--reset"])

    def test_guessing_locks_and_keys_do_not_mind(self):
        before = self.begin()
        self.apply("--rule", "pam.faillock")
        self.assertTrue(self.password(RIGHT))
        self.assertTrue(self.sudo(RIGHT))
        for _ in range(3):
            self.assertFalse(self.password(WRONG))
            self.assertFalse(self.password(WRONG, user="root"))
        self.assertFalse(self.password(RIGHT), "the account is not locked")
        self.assertFalse(self.sudo(RIGHT))
        self.assertTrue(self.password("revet-root", user="root"), "root is locked out")
        self.assertTrue(self.key(), "a key is locked out")
        # Whoever came in with a key has shown who it is: the failures are forgotten.
        self.assertTrue(self.sudo(RIGHT))
        self.assertTrue(self.password(RIGHT))
        self.host.reboot()
        self.assertTrue(self.password(RIGHT))
        self.assertFalse(self.password(WRONG))
        self.revet("revert")
        self.same_tree(before)
        self.assertTrue(self.password(RIGHT))
        self.assertFalse(self.password(WRONG))

    same_tree = test_change.Changes.same_tree

    def test_old_passwords_are_refused(self):
        before = self.begin()
        self.apply("--rule", "pam.password-history")
        self.assertEqual(self.change_password(RIGHT, "Another-one-17").returncode, 0)
        refused = self.change_password("Another-one-17", RIGHT)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("already used", refused.stdout + refused.stderr)
        self.assertTrue(self.sudo("Another-one-17"))
        # Root sets another, as after a loss.
        self.out("sh", "-c", "printf 'Third-one-18\\nThird-one-18\\n' | passwd ops")
        self.assertTrue(self.sudo("Third-one-18"))
        self.revet("revert")
        self.same(before, names=("etc/shadow", "etc/shadow-", "etc/security/opasswd", "etc/security/opasswd.old",
                                 "etc/.pwd.lock"), times=("etc", "etc/security"))
        self.assertEqual(self.change_password("Third-one-18", RIGHT).returncode, 0)

    def test_nullok_and_a_group_for_su(self):
        self.out("useradd", "-m", "guest")
        self.out("usermod", "-p", "", "guest")
        self.out("sh", "-c", "printf '%s\\n' PermitEmptyPasswords\\ yes >/etc/ssh/sshd_config.d/1.conf; systemctl reload ssh")
        su = lambda user: self.host.exec(["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups",
                                          "su", "root", "-c", "id -u"], input="revet-root\n", check=False).stdout
        before = self.begin()
        empty = lambda: self.host.exec(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "su", "guest",
                                        "-c", "true"], input="\n", check=False).returncode == 0
        self.assertTrue(empty())
        self.assertEqual(su("guest"), "0\n")
        self.apply("--rule", "pam.no-nullok", "--rule", "pam.su-group")
        self.assertEqual(su("guest"), "")
        self.assertEqual(su("ops"), "0\n")
        self.assertEqual(self.out("su", "ops", "-c", "id -un"), "ops\n")
        self.take_back("pam.su-group")
        self.assertEqual(su("guest"), "0\n")
        self.assertFalse(empty())
        self.assertTrue(self.sudo(RIGHT))
        # The tool keeps what was taken out.
        self.out("env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update", "--package")
        self.assertNotIn("nullok", self.read("/etc/pam.d/common-auth"))
        self.revet("revert", "1")
        self.assertTrue(empty())
        self.same(before, names=("var/cache/debconf",), times=("var/lib/pam", "etc/pam.d", "etc/pam.d/su",
                                                                  "var/cache"))

    def test_one_rule_is_taken_back(self):
        self.apply(*RULES)
        self.take_back("pam.faillock")
        stack = self.read("/etc/pam.d/common-auth") + self.read("/etc/pam.d/common-password")
        self.assertNotIn("faillock", stack)
        self.assertNotIn("nullok", stack)
        self.assertIn("pam_pwhistory", stack)
        self.assertFalse(os.path.exists(f"{self.host.root}/usr/share/pam-configs/revet-faillock"))
        self.assertTrue(self.password(RIGHT))
        self.assertFalse(self.password(WRONG))

    def test_an_earlier_change_is_taken_back(self):
        before = self.begin()
        self.apply("--rule", "pam.faillock")
        self.apply("--rule", "pam.password-history")
        self.revet("revert", "1")
        self.assertNotIn("faillock", self.read("/etc/pam.d/common-auth"))
        self.assertIn("pam_pwhistory", self.read("/etc/pam.d/common-password"))
        self.assertTrue(self.sudo(RIGHT))
        self.revet("revert", "2")
        self.assertNotIn("pam_pwhistory", self.read("/etc/pam.d/common-password"))
        same = lambda name: self.assertEqual(tree(self.host.root)[name][-1], before[name][-1])
        for name in ("etc/pam.d/common-auth", "etc/pam.d/common-account", "etc/pam.d/common-password"):
            same(name)

    def test_what_somebody_else_did_stays(self):
        self.apply(*RULES)
        self.out("sed", "-i", "s/obscure/obscure minlen=9/", "/etc/pam.d/common-password")
        self.assertIn("somebody has changed it", self.revet("revert", code=1))
        self.assertIn("minlen=9", self.read("/etc/pam.d/common-password"))
        self.out("sed", "-i", "s/ minlen=9//", "/etc/pam.d/common-password")
        self.out("env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update", "--package", "--enable", "mkhomedir")
        self.assertIn("somebody has changed it", self.revet("revert", code=1))
        self.assertIn("pam_mkhomedir", self.read("/etc/pam.d/common-session"))

    def test_a_limit_for_everyone(self):
        """By a rule of the test's own: the catalogue's is not for containers."""
        self.write("/etc/revet/rules.d/own/core.yaml",
                   "title: A test\nseverity: low\nwhy: A test.\nwant: {limits.everyone hard core: '0'}\n"
                   "risk: none\ncases:\n- pass: {limits: [{limit: everyone hard core, value: '0'}]}\n"
                   "- fail: {limits: []}\n")
        limit = lambda: self.host.ssh(["ulimit", "-Hc"]).stdout
        self.assertEqual(limit(), "unlimited\n")
        self.revet("apply", "--rule", "own.core")
        self.assertEqual(limit(), "0\n")
        self.revet("revert")
        self.assertEqual(limit(), "unlimited\n")
        self.write("/etc/security/limits.conf", "* hard core 100\n")
        self.assertIn("limits.conf:1 sets it otherwise", self.left_alone("--rule", "own.core"))

    def left_alone(self, *argv):
        told = self.revet("plan", *argv)
        self.assertNotIn("\n~ ", f"\n{told}")
        return told

    def test_a_stack_that_was_edited_is_left_alone(self):
        common = self.read("/etc/pam.d/common-auth")
        for edited in (common.replace("auth\trequisite", "auth\trequired\tpam_env.so\nauth\trequisite", 1),
                       common + "auth required pam_env.so\n",
                       common.replace("# here are the per-package", "# were the per-package")):
            self.write("/etc/pam.d/common-auth", edited)
            self.assertIn("somebody edited /etc/pam.d/common-auth by hand", self.left_alone(*RULES))
        self.write("/etc/pam.d/common-auth", common)
        self.assertIn("3 rules", self.revet("plan", *RULES))

    def test_a_module_that_is_missing_is_not_named(self):
        self.out("sh", "-c", "mv /usr/lib/*/security/pam_faillock.so /root/; "
                 "sed -i 's/^# even_deny_root/even_deny_root/' /etc/security/faillock.conf")
        self.assertIn("PAM has no module pam_faillock.so", self.left_alone("--rule", "pam.faillock"))
        self.out("sh", "-c", "mv /root/pam_faillock.so /usr/lib/x86_64-linux-gnu/security/")
        self.assertIn("root would be locked out as well", self.left_alone("--rule", "pam.faillock"))
        self.assertIn("libpam-pwquality", self.left_alone("--rule", "pam.password-quality"))
        self.out("rm", "/usr/sbin/pam-auth-update")
        self.assertIn("edited by hand", self.left_alone(*RULES))

    def test_a_tool_that_does_half_is_undone(self):
        before = self.begin()
        self.out("mkdir", "/var/lib/pam/account.new")
        told = self.revet("apply", "--no-input", "--rule", "pam.faillock", code=4)
        self.assertIn("everything is as it was", told)
        self.out("rmdir", "/var/lib/pam/account.new")
        self.same(before, times=("var/lib/pam",))
        self.assertTrue(self.password(RIGHT))

    def test_a_stack_that_refuses_everybody_is_undone(self):
        """Another profile's line in front has the last word once there is one more to jump over."""
        self.write("/usr/share/pam-configs/bad", "Name: Bad\nDefault: no\nPriority: 2000\nAuth-Type: Primary\n"
                   "Auth:\n\t[default=ignore]\tpam_deny.so\n")
        self.out("env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update", "--package", "--enable", "bad")
        self.assertTrue(self.sudo(RIGHT))
        before = self.begin()
        self.write("/usr/share/pam-configs/bad", "Name: Bad\nDefault: no\nPriority: 2000\nAuth-Type: Primary\n"
                   "Auth:\n\trequisite\tpam_deny.so\n")
        told = self.revet("apply", "--no-input", "--rule", "pam.faillock", code=4)
        self.assertIn("PAM would refuse the right password", told)
        self.same(before, names=("usr/share/pam-configs/bad",), times=("usr/share/pam-configs",))
        self.assertTrue(self.sudo(RIGHT))


class Debian13(Pam):
    image = "debian-13"
    same_tree = test_change.Changes.same_tree

    def test_locked_reset_and_back(self):
        before = self.begin()
        self.apply(*RULES)
        self.assertTrue(self.password(RIGHT))
        self.assertFalse(self.sudo(WRONG, WRONG, WRONG))
        self.assertFalse(self.sudo(RIGHT))
        self.out("faillock", "--user", "ops", "--reset")
        self.assertTrue(self.sudo(RIGHT))
        self.assertTrue(self.key())
        self.revet("revert")
        self.same_tree(before)


class Debian11(Debian13):
    """Changed as a tree while it runs: libpam of this machine does not get on with its modules."""

    image = "debian-11"

    def begin(self):
        self.sudo(RIGHT)  # which leaves a mark at its first use
        return tree(self.host.root)

    def revet(self, *argv, code=0):
        ran = subprocess.run([REVET, *argv, "--root", str(self.host.root)], capture_output=True, text=True,
                             timeout=60)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def apply(self, *argv):
        self.assertIn(" 0 still fail", self.revet("apply", *argv))


class Trees(unittest.TestCase):
    """Of an image that is not booted."""

    def setUp(self):
        self.host = Host.start("minimal")
        self.addCleanup(self.host.stop, crash=True)
        self.root = str(self.host.root)
        self.before = self.seen()

    def seen(self):
        return {name: what for name, what in tree(self.root).items() if name != "var/lib"}

    def argv(self, *argv):
        return [REVET, *argv, "--root", self.root]

    def revet(self, *argv, code=0):
        ran = subprocess.run(self.argv(*argv), capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def test_applied_and_undone(self):
        self.revet("apply", *RULES)
        with open(f"{self.root}/etc/pam.d/common-auth", encoding="utf-8") as file:
            self.assertIn("pam_faillock.so authfail", file.read())
        self.assertIn("nothing to change", self.revet("plan", *RULES))
        self.revet("revert")
        self.assertEqual(self.seen(), self.before)
        self.revet("apply", *RULES)
        subprocess.run(["sh", f"{self.root}/var/lib/revet/changes/0002/undo.sh", self.root], check=True)
        after = self.seen()
        for name in ("usr/share/pam-configs", "var/lib/pam", "etc/pam.d", "etc/security"):
            after[name], self.before[name] = after[name][:5], self.before[name][:5]
        self.assertEqual(after, self.before)

    def stopped_at(self, number):
        """The tool's process, stopped at its N-th rename; None when it came to its end before."""
        inject = ["strace", "-f", "-o", "/dev/null", "-e", "trace=rename",
                  "-e", f"inject=rename:signal=STOP:when={number}"]
        run = subprocess.Popen([*inject, *self.argv("apply", "--rule", "pam.faillock")], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        below = lambda pid: [c for child in children(pid) for c in (child, *below(child))]
        state = lambda pid: (process(pid) or {"state": "?"})["state"]
        wait_until(lambda: run.poll() is not None or any(state(pid) == "T" for pid in below(run.pid)), 30)
        if run.poll() is not None:
            return False
        for pid in below(run.pid):
            os.kill(pid, signal.SIGKILL)
        return True

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_killed_between_the_tools_writes(self):
        kills = 0
        for number in (2, 7):  # of two for each of the five stacks: within one, and between two
            kills += self.stopped_at(number)
            self.revet("revert", "--unconfirmed")
            self.assertEqual(self.seen(), self.before, f"rename {number}")
        self.assertEqual(kills, 2)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    unittest.main()
