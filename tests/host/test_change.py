# SPDX-License-Identifier: Apache-2.0
"""Changes on booted hosts: applied, confirmed from outside, and taken back to the byte."""

import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from hostlib import moved, wait_until
from oracle import REVET, EachAlone

# A path of which a shell, systemd's units and its specifiers would each make something else.
ODD = "/opt/it's $(reboot) \"$HOME\" %n; x"
# What a running system writes by itself, and revet's own state.
MOVING = ("proc", "sys", "dev", "run", "tmp", "var/log", "var/lib/revet", "var/lib/systemd", "var/tmp",
          "root/.ssh", "var/lib/postgresql", "var/lib/mosquitto", "var/spool/exim4", "var/lib/exim4", "var/backups",
          "var/lib/logrotate")
# Directories whose times revet's own things have touched: its state, the unit that reverts at boot.
ARMED = ("etc/systemd/system", "etc/systemd/system/sysinit.target.wants", "var/lib")
# What reverts at boot.
BOOT_UNITS = [f"etc/systemd/system/{where}revet-revert{late}.service" for where in ("", "sysinit.target.wants/")
              for late in ("", "-late")]


def attributes(path):
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
            if not name.startswith("trusted.overlay")}


def look(path, name):
    """All of a file that undoing has to bring back."""
    st = os.lstat(path)
    seen = [stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, attributes(path)]
    if stat.S_ISLNK(st.st_mode):
        return seen + [os.readlink(path)]
    if name not in ARMED:
        seen.append(st.st_mtime_ns)
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            seen.append(hashlib.sha256(file.read()).hexdigest())
    return seen


def tree(root):
    seen = {}
    for top, dirs, files in os.walk(root):
        inside = os.path.relpath(top, root)
        dirs[:] = [d for d in dirs if os.path.normpath(os.path.join(inside, d)) not in MOVING]
        for entry in dirs + files:
            name = os.path.normpath(os.path.join(inside, entry))
            if name not in MOVING:
                seen[name] = look(os.path.join(top, entry), name)
    return seen


def without_revet(seen):
    """What undo.sh brings back: a shell gives a directory no times, and the units of the boot stay until revet
    runs, which is gone."""
    return {name: what[:5] if stat.S_ISDIR(what[0]) else what for name, what in seen.items()
            if name not in ("usr/local/bin", "usr/local/bin/revet") and "revet-revert" not in name}


class Changes(EachAlone):
    """What one leaves must not help the next."""

    image = "debian-12"

    def same_tree(self, before):
        after = tree(self.host.root)
        self.assertEqual(moved(before, after), {})

    def odd(self):
        """The program, at a path that means something else wherever it is not quoted."""
        self.out("mkdir", "-p", ODD)
        self.out("cp", "/usr/local/bin/revet", ODD)
        return f"{ODD}/revet"

    def apply_from(self, program, *argv):
        ran = self.host.exec([program, "apply", "--no-input", *argv], check=False)
        self.assertIn("REVERTS BY ITSELF", ran.stdout, ran.stderr)

    def armed(self):
        return list(pathlib.Path(self.host.root, "etc/systemd/system").rglob("revet-revert*"))

    def sysctls(self):
        return self.out("sh", "-c", "sysctl -a 2>/dev/null | grep -E '^net\\.ipv[46]\\.(conf|tcp|icmp)' | "
                        "grep -v mtu_discovery")

    def test_stock_to_hardened_and_back(self):
        self.host.net()
        self.revet("history", via=self.host.ssh)  # sudo leaves a mark at its first use
        before, sysctls = tree(self.host.root), self.sysctls()
        plan = json.loads(self.revet("plan", "-f", "json"))
        rules = {rule["rule"] for rule in plan["rules"]}
        self.assertLessEqual({"ssh.no-root-login", "ssh.keys-only", "net.icmp-redirects",
                              "cron.files-private"}, rules)
        self.assertEqual(tree(self.host.root), before, "planning changed something")
        told = self.revet("apply", "--no-input")
        self.assertIn("REVERTS BY ITSELF", told)
        # The administrator comes in, by key; root and passwords do not.
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
        self.assertEqual(self.host.ssh(["true"], user="root").returncode, 255)
        offered = self.host.outside(["ssh", "-F", "none", "-oBatchMode=yes", "-oStrictHostKeyChecking=no",
                                     "-oUserKnownHostsFile=/dev/null", "-oPreferredAuthentications=none",
                                     f"ops@{self.host.net().host}", "true"]).stderr
        self.assertIn("Permission denied (publickey).", offered)
        self.revet("confirm", via=self.host.ssh)
        verdicts = {r["rule"]: r["verdict"] for r in self.audit()["results"]}
        self.assertEqual([rule for rule in sorted(rules) if verdicts[rule] != "pass"], [])
        again = json.loads(self.revet("plan", "-f", "json"))
        self.assertEqual(again["steps"], [])
        self.host.reboot()
        verdicts = {r["rule"]: r["verdict"] for r in self.audit()["results"]}
        self.assertEqual([rule for rule in sorted(rules) if verdicts[rule] != "pass"], [])
        self.revet("revert")
        self.same_tree(before)
        # An interface that was made while the default was another has taken it over for good.
        self.host.reboot()
        self.assertEqual(set(self.sysctls().splitlines()) ^ set(sysctls.splitlines()), set())
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
        self.assertIn("reverted", self.revet("history"))
        self.revet("revert", code=0)

    def test_silence_reverts(self):
        program = self.odd()
        before = tree(self.host.root)
        self.apply_from(program, "--wait", "10s", "--family", "ssh")
        self.host.exec(["systemctl", "daemon-reload"])  # which reads the unit that waits once more
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 120))
        # What it is armed with goes once all is undone.
        self.assertTrue(wait_until(lambda: not self.armed(), 60))
        self.same_tree(before)
        self.revet("confirm", code=1)

    def test_silence_reverts_when_revet_is_gone(self):
        """Or is what an update that was cut short has left."""
        program = self.odd()
        self.apply_from(program, "--wait", "10s", "--rule", "cron.files-private", "--rule", "ssh.no-root-login")
        self.out("truncate", "-s", "0", program)
        self.host.exec(["systemctl", "daemon-reload"])
        config = pathlib.Path(self.host.root, "etc/ssh/sshd_config.d/00-revet.conf")
        self.assertTrue(config.exists())
        self.assertTrue(wait_until(lambda: not config.exists(), 30))
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 10))

    def test_what_is_confirmed_stays_when_revet_is_gone(self):
        self.apply_from(self.odd(), "--rule", "ssh.no-root-login")
        script = "/var/lib/revet/changes/0001/revert.sh"
        self.assertEqual(self.out("stat", "-c", "%a %u %g", script), "700 0 0\n")
        self.revet("confirm", via=self.host.ssh)
        self.out("rm", "-r", ODD)
        self.out("sh", script)
        self.assertIn("permitrootlogin no", self.out("sshd", "-T"))
        self.assertIn("committed", self.revet("history"))

    def test_the_time_begins_when_all_is_applied(self):
        """A service takes long to take it in, and the timer of the beginning is over before."""
        self.write("/etc/systemd/system/ssh.service.d/x.conf",
                   "[Service]\nExecReload=\nExecReload=/bin/sleep 3\nExecReload=/bin/kill -HUP $MAINPID\n")
        self.out("systemctl", "daemon-reload")
        told = self.out("sh", "-c", "revet apply --no-input --wait 10min --rule ssh.no-root-login & "
                        "until systemctl start revet-revert-0001-applying.service 2>/dev/null; do sleep 0.05; done; wait")
        self.assertIn("REVERTS BY ITSELF", told)
        self.assertIn("waiting", self.revet("history"))
        self.assertNotIn("applying", self.out("systemctl", "list-units", "--all", "--plain", "revet-revert-*"))
        timer = json.loads(self.out("systemctl", "list-timers", "--output=json", "revet-revert-0001.timer"))[0]
        deadline = self.out("sed", "-n", "s/^deadline //p", "/var/lib/revet/changes/0001/journal")
        self.assertAlmostEqual(timer["next"] / 1e6, int(deadline), delta=1.5)

    def test_only_a_new_session_confirms(self):
        sudo = "echo revet-ops | sudo -S revet"
        ran = self.host.ssh([f"{sudo} apply --no-input --wait 60s --rule ssh.no-root-login && {sudo} confirm"])
        self.assertEqual(ran.returncode, 64, ran.stdout + ran.stderr)
        self.assertIn("log in anew", ran.stderr)
        self.revet("confirm", via=self.host.ssh)
        self.assertIn("committed", self.revet("history"))

    def test_where_its_units_are_linked_stays_as_it_was(self):
        """Without the directory, with an empty one, and with the mask of somebody who hides all he makes."""
        wants = pathlib.Path(self.host.root, "etc/systemd/system/sysinit.target.wants")
        self.out("sh", "-c", "rm -rf /etc/systemd/system/sysinit.target.wants")
        for there in (False, True):
            with self.subTest(there=there):
                self.out("sh", "-c", "umask 077; revet apply --no-input --wait 10min --rule ssh.no-root-login")
                self.assertEqual({stat.S_IMODE(path.stat().st_mode) for path in self.armed() if not path.is_symlink()},
                                 {0o644})
                self.assertEqual(stat.S_IMODE(wants.stat().st_mode), 0o755)
                self.revet("confirm", "--same-session")
                self.assertEqual(wants.exists(), there)
                self.revet("revert")
                self.assertEqual(wants.exists(), there)
            self.out("mkdir", "-m", "755", "-p", "/etc/systemd/system/sysinit.target.wants")

    def test_the_power_fails_while_it_waits(self):
        program = self.odd()
        before = tree(self.host.root)
        self.apply_from(program, "--wait", "10min", "--family", "ssh")
        self.assertNotEqual(tree(self.host.root), before)
        self.revet("apply", "--family", "net", code=5)
        self.host.reboot(crash=True)
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 60))
        self.same_tree(before)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_what_it_needs_is_mounted_late(self):
        """After what waits for basic.target; and the system boots into a target of its own."""
        self.write("/etc/systemd/system/far.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1\n")
        self.write("/etc/systemd/system/own.target", "[Unit]\nRequires=basic.target\nAfter=basic.target\n"
                   "Wants=dbus.service ssh.service systemd-user-sessions.service var-lib-revet.mount\nAllowIsolate=yes\n")
        self.out("sh", "-ec", "mkdir -p /srv/state /var/lib/revet; systemctl -q set-default own.target; echo '/srv/state "
                 "/var/lib/revet none bind,nofail,_netdev,x-systemd.requires=far.service 0 0' >>/etc/fstab; "
                 "systemctl daemon-reload; systemctl start var-lib-revet.mount")
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.no-root-login")
        self.assertIn("permitrootlogin no", self.out("sshd", "-T"))
        self.assertEqual(len(self.armed()), 4)
        self.assertNotIn("cycle", self.out("sh", "-c", "systemd-analyze verify --man=no own.target 2>&1"))
        self.host.reboot(crash=True)
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 60))
        self.assertTrue(wait_until(lambda: not self.armed(), 60))
        self.assertNotIn("permitrootlogin no", self.out("sshd", "-T"))
        self.assertNotIn("cycle", self.out("journalctl", "-b", "-o", "cat"))
        self.assertEqual(self.out("systemctl", "is-active", "multi-user.target", check=False), "inactive\n")

    def test_undo_without_revet(self):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10min")
        self.out("rm", "/usr/local/bin/revet")
        self.out("sh", "/var/lib/revet/changes/0001/undo.sh")
        self.out("systemctl", "stop", "revet-revert-0001.timer")
        self.assertEqual(moved(without_revet(before), without_revet(tree(self.host.root))), {})

    def test_killed_at_any_time(self):
        before = tree(self.host.root)
        self.out("sh", "-c", "revet plan -o /root/p.plan >/dev/null")
        before = tree(self.host.root)
        self.out("mkdir", "-p", "-m", "700", "/var/lib/revet/changes")
        for milliseconds in (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 600, 1200):
            # From when there is something to undo: the looks before it take their time.
            self.host.exec(["sh", "-c", "cd /var/lib/revet/changes || exit; had=$(ls | grep -c '^0'); "
                            "revet apply /root/p.plan --no-input --wait 10min & pid=$!; "
                            "until [ $(ls | grep -c '^0') -gt $had ]; do sleep 0.002; done; "
                            f"sleep {milliseconds / 1000}; kill -9 $pid; wait"], check=False)
            self.revet("revert", "--unconfirmed")
            self.same_tree(before)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_without_a_key_nobody_is_locked_out(self):
        self.out("rm", "/home/ops/.ssh/authorized_keys")
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", "--rule", "ssh.keys-only", code=4)
        self.assertIn("no administrator", told)
        self.same_tree(before)
        self.assertIn("passwordauthentication yes", self.out("sshd", "-T"))

    def test_somebody_elses_mistake_is_found_first(self):
        self.write("/etc/ssh/sshd_config.d/10-other.conf", "Bogus yes\n")
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", "--rule", "net.icmp-redirects", code=0)
        self.revet("revert")
        told = self.revet("apply", "--no-input", "--family", "ssh", code=1)
        self.assertIn("nothing was changed", told)
        self.assertIn("10-other.conf: line 1", told)
        self.same_tree(before)

    def test_a_plan_is_for_the_host_as_it_was(self):
        self.revet("plan", "-o", "/root/p.plan", "--family", "cron")
        self.out("chmod", "700", "/etc/cron.d")
        before = tree(self.host.root)
        self.assertIn("has moved", self.revet("apply", "/root/p.plan", code=1))
        self.same_tree(before)
        self.out("sed", "-i", "s/0700/0777/", "/root/p.plan")
        self.assertIn("its hash is another", self.revet("apply", "/root/p.plan", code=78))

    def test_what_others_changed_is_not_overwritten(self):
        self.revet("apply", "--no-input", "--rule", "net.icmp-redirects")
        self.out("sh", "-c", "echo '# mine' >>/etc/sysctl.d/99-zz-revet.conf")
        self.assertIn("somebody has changed it", self.revet("revert", code=1))
        self.assertIn("# mine", self.read("/etc/sysctl.d/99-zz-revet.conf"))
        self.revet("revert", "--force")
        self.assertEqual(self.host.exec(["test", "-e", "/etc/sysctl.d/99-zz-revet.conf"],
                                        check=False).returncode, 1)

    def test_one_rule_is_taken_back(self):
        self.revet("apply", "--no-input", "--rule", "ssh.no-agent-forwarding", "--rule", "ssh.no-x11-forwarding",
                   "--rule", "cron.files-private")
        self.revet("revert", "--rule", "ssh.no-x11-forwarding")
        dropin = self.read("/etc/ssh/sshd_config.d/00-revet.conf")
        self.assertIn("AllowAgentForwarding no", dropin)
        self.assertNotIn("X11Forwarding", dropin)
        self.revet("revert", "--rule", "cron.files-private")
        self.assertEqual(self.out("stat", "-c", "%a", "/etc/crontab"), "644\n")
        self.assertIn("X11Forwarding yes", "\n".join(
            line.replace("x11forwarding", "X11Forwarding") for line in self.out("sshd", "-T").splitlines()))
        self.revet("revert", "--rule", "net.icmp-redirects", code=64)
        self.assertEqual(self.revet("history").count("committed"), 3)

    def test_one_at_a_time(self):
        results = []

        def one():
            results.append(self.host.exec(["revet", "apply", "--no-input", "--rule", "net.icmp-redirects"],
                                          check=False).returncode)

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn(0, results)
        self.assertLessEqual(set(results), {0, 1, 5})
        self.revet("revert")


class Trees(unittest.TestCase):
    def test_a_tree_is_changed_and_undone(self):
        with tempfile.TemporaryDirectory() as top:
            root = os.path.join(top, "root")
            for name in ("etc/cron.d", "etc/cron.daily", "etc/ssh", "var/lib/dpkg"):
                os.makedirs(os.path.join(root, name))
            for name, text in (("etc/passwd", "root:x:0:0::/root:/bin/bash\n"), ("etc/group", "root:x:0:\n"),
                               ("etc/crontab", "# none\n"),
                               ("var/lib/dpkg/status", "Package: cron\nStatus: install ok installed\n"
                                "Version: 1\nArchitecture: all\n\n")):
                with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                    file.write(text)
            before = tree(root)
            run = lambda *argv: subprocess.run([REVET, *argv, "--root", root], capture_output=True, text=True)
            ran = run("apply", "--rule", "cron.files-private", "--rule", "net.icmp-redirects")
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(root, "etc/crontab")).st_mode), 0o600)
            ran = run("revert")
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            after = tree(root)
            shutil.rmtree(os.path.join(root, "var/lib/revet"))
            for seen in (before, after):
                seen.pop("var/lib", None)
            self.assertEqual(after, before)


if __name__ == "__main__":
    unittest.main()
