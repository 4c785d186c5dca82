# SPDX-License-Identifier: Apache-2.0
"""Changes when the ground gives way: no room, read-only, killed, tampered with, raced. Each ends with
a clear error and an exit code of the table, with nothing half done and nothing lost."""

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import test_change
from hostlib import ENVIRONMENT, moved, wait_until
from oracle import REVET, OnHost
from test_change import look, tree, without_revet
from test_lockout import tree as configuration

SMALL = ("--rule", "net.icmp-redirects")
STATE = "/var/lib/revet"


class Hard(OnHost):
    """On one host; each test leaves it as it was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves its mark in the home
        cls.out("sh", "-c", "cd / && tar -cpf /var/base.tar etc home; "
                "sysctl -a -r 'accept_redirects|secure_redirects' >/root/sysctls")

    image = "debian-12"
    same_tree = test_change.Changes.same_tree

    def setUp(self):
        self.addCleanup(self.clean)

    def clean(self):
        self.host.exec(["sh", "-c", f"umount /etc/sysctl.d; umount {STATE}; rm -rf {STATE} /root/*.plan; "
                        "systemctl stop 'revet-revert-*.timer'; rm -f /etc/systemd/system/revet-revert* "
                        "/etc/systemd/system/*/revet-revert*; rm -rf /etc/systemd/system/ssh.service.d; "
                        "systemctl daemon-reload; systemctl reset-failed; systemctl restart ssh; "
                        "cd / && rm -rf etc/sysctl.d home && tar -xpf /var/base.tar; "
                        "sysctl -qp /root/sysctls"],
                       check=False)

    def run_revet(self, *argv):
        ran = self.host.exec(["revet", *argv], check=False, timeout=120)
        return ran.returncode, ran.stdout + ran.stderr

    def still_works(self):
        """And what it could not do before it can do now."""
        self.revet("apply", "--no-input", *SMALL)
        self.revet("revert")

    # --- no room ---

    def test_an_audit_is_not_spoilt_where_it_cannot_be_kept(self):
        for options in ("size=100k", "size=100k,ro"):
            self.out("mkdir", "-p", STATE)
            self.out("mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "none", STATE)
            code, said = self.run_revet("audit", "-f", "json=/root/a.json", "--fail-on", "none")
            self.assertEqual(code, 0, said)
            self.assertRegex(said, rf"\Arevet: {STATE}/last-audit.json:? cannot be written: [^\n]*\n\Z")
            self.assertIn('"format": "revet-audit"', self.out("cat", "/root/a.json"))
            self.assertEqual(self.out("ls", STATE), "")
            self.out("rm", "/root/a.json")
            self.out("umount", STATE)

    def test_no_room_for_the_journal(self):
        codes = set()
        for kib in (4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128):
            self.out("sh", "-c", f"mkdir -p -m 700 {STATE} && mount -t tmpfs -o mode=700,size={kib}k full {STATE}")
            before = tree(self.host.root)
            code, said = self.run_revet("apply", "--no-input", "--family", "cron", "--family", "net")
            self.assertIn(code, (0, 1, 4), said)
            if code:
                self.assertRegex(said, "No space|undone")
                self.same_tree(before)
            codes.add(code)
            self.run_revet("revert")
            self.same_tree(before)
            self.out("sh", "-c", f"umount {STATE}; rm -rf {STATE}; systemctl stop 'revet-revert-*.timer'")
        self.assertLessEqual({0, 1}, codes)
        self.still_works()

    def test_no_room_for_the_file(self):
        self.out("sh", "-c", "cp -a /etc/sysctl.d /root/; mount -t tmpfs -o size=8k full /etc/sysctl.d; "
                 "head -c 8k /dev/zero >/etc/sysctl.d/ballast || true")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", "--family", "cron", *SMALL)
        self.assertEqual(code, 4, said)
        self.assertIn("No space", said)
        self.same_tree(before)

    def test_no_room_to_undo(self):
        """Said, and undone once there is room: what was there before is kept until then."""
        self.out("sh", "-c", "mount -t tmpfs -o size=16k full /etc/sysctl.d; echo '# mine' >/etc/sysctl.d/99-zz-revet.conf")
        self.revet("apply", "--no-input", "--rule", "cron.files-private", *SMALL)
        applied = self.read("/etc/sysctl.d/99-zz-revet.conf")
        self.out("sh", "-c", "head -c 16k /dev/zero >/etc/sysctl.d/ballast || true")
        code, said = self.run_revet("revert")
        self.assertEqual(code, 1, said)
        self.assertIn("/etc/sysctl.d/99-zz-revet.conf: No space", said)
        self.assertEqual(self.read("/etc/sysctl.d/99-zz-revet.conf"), applied)
        self.assertIn("reverting", self.revet("history"))
        self.out("rm", "/etc/sysctl.d/ballast")
        self.revet("revert")
        self.assertEqual(self.read("/etc/sysctl.d/99-zz-revet.conf"), "# mine\n")
        self.assertIn("reverted", self.revet("history"))

    def test_what_cannot_be_undone_now_is_tried_again(self):
        """Whoever watches is told; the time is over at once, and a minute is a second."""
        self.out("sh", "-c", "mount -t tmpfs -o size=16k full /etc/sysctl.d; echo '# mine' >/etc/sysctl.d/99-zz-revet.conf")
        terminal = subprocess.Popen(
            self.host.argv(["script", "-qec", "revet apply --wait 10min --rule ssh.keys-only --rule net.icmp-redirects; "
                            "echo code $?", "/dev/null"]),
            env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertTrue(wait_until(lambda: "waiting" in self.revet("history"), 20))
        self.out("sh", "-c", "head -c 16k /dev/zero >/etc/sysctl.d/ballast || true; "
                 f"sed -i s/^PAUSE=.*/PAUSE=1/ {STATE}/changes/0001/revert.sh")
        self.time_is_over()
        said = terminal.communicate(timeout=20)[0]
        self.assertIn("could not be undone whole, which is tried again every minute", said)
        self.assertIn("code 1", said)
        self.assertIn("passwordauthentication yes", self.out("sshd", "-T"))
        self.assertIn("reverting", self.revet("history"))
        self.out("rm", "/etc/sysctl.d/ballast")
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 20))
        self.assertEqual(self.read("/etc/sysctl.d/99-zz-revet.conf"), "# mine\n")

    def test_a_plan_that_cannot_be_read_any_more(self):
        """By another version of revet, say."""
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.keys-only")
        self.out("sed", "-i", "s/{/{\"later\": 1, /", f"{STATE}/changes/0001/plan.json")
        self.assertIn("plan.json", self.revet("revert", code=1))
        self.time_is_over()
        self.assertTrue(wait_until(lambda: "passwordauthentication yes" in self.out("sshd", "-T"), 20))
        self.assertTrue(wait_until(lambda: "reverted" in self.read(f"{STATE}/changes/0001/journal"), 20))

    def test_the_journal_is_lost(self):
        """undo.sh takes all for done."""
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.keys-only", "--rule", "cron.files-private")
        self.out("rm", f"{STATE}/changes/0001/journal")
        self.time_is_over()
        self.assertTrue(wait_until(lambda: "passwordauthentication yes" in self.out("sshd", "-T"), 20))
        self.assertTrue(wait_until(lambda: "reverted" in self.host.exec(["revet", "history"], check=False).stdout, 20))
        self.revet("revert", "--unconfirmed", "1")
        self.assertEqual(moved(without_revet(before), without_revet(tree(self.host.root))), {})

    def time_is_over(self):
        """The timer fires."""
        self.out("sh", "-ec", "systemctl start $(systemctl list-units --plain --no-legend 'revet-revert-*.timer' | "
                 "sed 's/timer .*/service/')")

    # --- not to be written ---

    def test_the_journal_is_read_only_by_then(self):
        """The disk that it is on has failed, say: it is undone all the same, and written down later."""
        self.out("sh", "-c", f"mkdir -p {STATE} && mount -t tmpfs -o mode=700,size=1m none {STATE}")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.keys-only")
        self.out("mount", "-o", "remount,ro", STATE)
        self.assertIn("Read-only", self.revet("confirm", code=1))
        self.time_is_over()
        self.assertTrue(wait_until(lambda: "passwordauthentication yes" in self.out("sshd", "-T"), 20))
        self.assertFalse(os.path.exists(f"{self.host.root}/etc/ssh/sshd_config.d/00-revet.conf"))
        self.assertIn("waiting", self.revet("history"))
        self.assertTrue(wait_until(lambda: self.host.exec(["pgrep", "-x", "revet"], check=False).returncode, 20))
        self.out("mount", "-o", "remount,rw", STATE)
        self.assertIn("undone already", self.revet("confirm", code=1))
        self.assertTrue(os.path.exists(f"{self.host.root}/etc/systemd/system/revet-revert.service"))
        self.revet("revert")
        self.same_tree(before)

    def test_the_journal_is_away_by_then(self):
        """What it is on comes back later, and is waited for."""
        self.out("sh", "-c", f"mkdir -p {STATE}; mount -t tmpfs -o mode=700,size=1m none {STATE}; touch {STATE}/mark")
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.keys-only")
        self.out("sh", "-c", f"mount --bind {STATE} /mnt; umount {STATE}")
        self.time_is_over()
        unit = "revet-revert-0001.service"
        self.assertTrue(wait_until(lambda: "auto-restart" in self.out("systemctl", "show", "-P", "SubState", unit), 10))
        self.assertIn("passwordauthentication no", self.out("sshd", "-T"))
        self.out("sh", "-c", f"mount --bind /mnt {STATE}; umount /mnt; systemctl restart --no-block {unit}")
        self.assertTrue(wait_until(lambda: "passwordauthentication yes" in self.out("sshd", "-T"), 70))
        self.assertTrue(wait_until(lambda: "reverted" in self.revet("history"), 20))

    def test_read_only(self):
        self.out("mount", "-t", "tmpfs", "-o", "ro", "readonly", "/etc/sysctl.d")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", "--family", "cron", *SMALL)
        self.assertEqual(code, 4, said)
        self.assertIn("Read-only", said)
        self.same_tree(before)

    def test_read_only_state(self):
        self.out("sh", "-c", f"mkdir -p {STATE} && mount -t tmpfs -o ro,mode=700 readonly {STATE}")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", *SMALL)
        self.assertEqual(code, 1, said)
        self.assertIn("Read-only", said)
        self.same_tree(before)

    def test_immutable(self):
        self.out("sh", "-c", "mount -t tmpfs none /etc/sysctl.d; echo net.ipv4.conf.all.accept_redirects=1 "
                 ">/etc/sysctl.d/99-zz-revet.conf")
        if self.host.exec(["chattr", "+i", "/etc/sysctl.d/99-zz-revet.conf"], check=False).returncode:
            self.skipTest("this file system has no immutable files")
        self.out("chattr", "-i", "/etc/sysctl.d/99-zz-revet.conf")
        self.revet("plan", "-o", "/root/p.plan", "--family", "cron", *SMALL)
        self.out("chattr", "+i", "/etc/sysctl.d/99-zz-revet.conf")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", "/root/p.plan")
        self.out("chattr", "-i", "/etc/sysctl.d/99-zz-revet.conf")
        self.assertEqual(code, 4, said)
        self.same_tree(before)

    def test_denied(self):
        """What a security module does, which is to fail a call that root may make, by means that a container
        has: a filter of system calls, mounts that cannot be written, capabilities that are missing."""
        for means, told in (("SystemCallFilter=~rename renameat renameat2", "Permission denied"),
                            ("SystemCallFilter=~chown fchown fchownat lchown", "Permission denied"),
                            ("SystemCallFilter=~fsync fdatasync syncfs", "Permission denied"),
                            ("ReadOnlyPaths=/etc/ssh", "Read-only file system"),
                            ("ReadOnlyPaths=/etc/crontab", ""),
                            ("InaccessiblePaths=/usr/sbin/sshd", ""),
                            ("RestrictAddressFamilies=~AF_UNIX", "")):
            with self.subTest(means):
                before = configuration(self.host.root)
                ran = self.host.exec(["systemd-run", "-q", "--wait", "--pipe", "-p", "SystemCallErrorNumber=EACCES", "-p",
                                      means, "revet", "apply", "--no-input", "--wait", "10min", "--family", "cron",
                                      "--rule", "ssh.keys-only"], check=False, timeout=60)
                said = ran.stdout + ran.stderr
                self.assertIn(ran.returncode, (1, 4), said)
                self.assertIn(told, said)
                self.assertTrue(ran.stderr.startswith("revet: "), said)
                self.assertEqual(configuration(self.host.root), before, said)
                self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    # --- services and systemd ---

    def test_a_service_that_does_not_reload(self):
        self.write("/etc/systemd/system/ssh.service.d/x.conf",
                   "[Service]\nExecReload=\nExecReload=/bin/sh -c 'kill $MAINPID; exit 1'\nRestart=no\n")
        self.out("systemctl", "daemon-reload")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", "--family", "ssh")
        self.assertEqual(code, 4, said)
        self.same_tree(before)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_a_service_that_dies_later(self):
        self.write("/etc/systemd/system/ssh.service.d/x.conf",
                   "[Service]\nExecReload=\nExecReload=/bin/kill $MAINPID\nRestart=no\n")
        self.out("systemctl", "daemon-reload")
        before = tree(self.host.root)
        code, said = self.run_revet("apply", "--no-input", "--family", "ssh")
        self.assertEqual(code, 4, said)
        self.assertIn("sshd", said.splitlines()[-2])
        self.same_tree(before)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def reverts_in_time(self, before):
        end = time.monotonic() + 40
        while "reverted" not in self.revet("history") and time.monotonic() < end:
            time.sleep(0.5)
        self.assertIn("reverted", self.revet("history"))
        # What would have reverted it is put away after that.
        unit = f"{self.host.root}/etc/systemd/system/revet-revert.service"
        while os.path.exists(unit) and time.monotonic() < end:
            time.sleep(0.1)
        self.same_tree(before)
        # A service that has to be started again takes a moment.
        end = time.monotonic() + 15
        while self.host.ssh(["true"]).returncode and time.monotonic() < end:
            time.sleep(0.5)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    def test_without_systemd_run(self):
        self.out("mv", "/usr/bin/systemd-run", "/usr/bin/systemd-run.away")
        self.addCleanup(self.out, "mv", "/usr/bin/systemd-run.away", "/usr/bin/systemd-run")
        # And whatever a session leaves behind is killed, soon.
        self.write("/run/systemd/logind.conf.d/x.conf", "[Login]\nKillUserProcesses=yes\n")
        self.write("/run/systemd/system/session-.scope.d/x.conf", "[Scope]\nTimeoutStopSec=1s\n")
        self.addCleanup(self.out, "sh", "-c", "rm -r /run/systemd/logind.conf.d /run/systemd/system/session-.scope.d; "
                        "systemctl daemon-reload; systemctl restart systemd-logind")
        self.out("sh", "-c", "systemctl daemon-reload; systemctl restart systemd-logind")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10s", "--family", "ssh", via=self.host.ssh)
        self.reverts_in_time(before)
        # Who waits does not keep others from confirming.
        self.revet("apply", "--no-input", "--wait", "1min", "--family", "ssh")
        self.revet("confirm", via=self.host.ssh)
        self.revet("revert")
        self.same_tree(before)

    def test_without_systemd(self):
        self.write("/etc/systemd/system/ssh.service.d/x.conf",
                   "[Service]\nExecReload=\nExecReload=/bin/sleep 3\nExecReload=/bin/kill -HUP $MAINPID\n")
        self.out("systemctl", "daemon-reload")
        before = tree(self.host.root)
        hide = "mount -t tmpfs none /run/systemd && "
        self.out("unshare", "-m", "sh", "-c", hide + "revet apply --no-input --wait 10s --family ssh")
        self.assertIn("waiting", self.revet("history"))
        self.assertFalse([name for name in tree(self.host.root) if "revet-revert" in name])
        self.reverts_in_time(before)
        # When that was, a directory says: this time cannot be set. Applying had taken its time before.
        undone = os.stat(f"{self.host.root}/etc/ssh/sshd_config.d").st_ctime
        self.assertGreaterEqual(undone, int(self.out("sed", "-n", "s/^deadline //p", f"{STATE}/changes/0001/journal")))

    def test_without_revet_it_is_the_script_that_reverts(self):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10s", "--rule", "ssh.keys-only")
        self.out("mv", "/usr/local/bin/revet", "/root/revet.away")
        time.sleep(14)
        self.out("mv", "/root/revet.away", "/usr/local/bin/revet")
        self.assertIn("reverted", self.revet("history"))
        self.assertFalse(os.path.exists(f"{self.host.root}/etc/ssh/sshd_config.d/00-revet.conf"))
        self.assertIn("passwordauthentication yes", self.out("sshd", "-T"))
        del before

    # --- somebody else ---

    def test_what_happens_while_it_waits_does_not_keep_it(self):
        """Somebody adds to the file, and sshd dies."""
        self.write("/etc/systemd/system/ssh.service.d/x.conf", "[Service]\nRestart=no\n")
        self.out("systemctl", "daemon-reload")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--wait", "10s", "--family", "ssh")
        self.out("sh", "-c", "echo '# mine' >>/etc/ssh/sshd_config.d/00-revet.conf; systemctl kill -s KILL ssh")
        self.reverts_in_time(before)
        self.assertIn("passwordauthentication yes", self.out("sshd", "-T"))
        self.assertIn("# mine", self.out("sh", "-c", f"cat {STATE}/changes/0001/before/*.theirs"))

    def test_changes_upon_each_other(self):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "ssh.no-agent-forwarding", "--rule", "ssh.no-x11-forwarding")
        self.revet("revert", "--rule", "ssh.no-x11-forwarding")
        between = tree(self.host.root)
        # One that waits is what the next boot reverts, and stays that.
        self.revet("apply", "--no-input", "--wait", "10min", "--rule", "ssh.keys-only")
        for argv in (["2"], ["1"], ["--rule", "ssh.no-agent-forwarding"]):
            self.assertIn("change 0003", self.revet("revert", *argv, code=5))
        self.assertIn("changes/0003", self.read("/etc/systemd/system/revet-revert.service"))
        self.revet("revert")
        self.same_tree(between)
        # What has taken a part of it back goes along.
        self.assertIn("change 0002 is reverted", self.revet("revert", "1"))
        self.same_tree(before)

    # --- interrupted ---

    def test_the_terminal_is_lost(self):
        before = tree(self.host.root)
        ran = self.host.exec(["sh", "-c", "revet apply --no-input --wait 10s --family ssh & for i in 1 2 3 4 5 6; "
                              "do sleep 0.03; kill -HUP $!; kill -INT $!; kill -TERM $!; done; wait $!"], check=False)
        # Before it has begun it may end; once it has, it goes through.
        if "REVERTS" in ran.stdout:
            self.reverts_in_time(before)
        self.same_tree(before)
        # Nor does it end half way when nobody reads what it says; it cannot be stopped by isolating.
        self.out("sh", "-c", "revet apply --no-input --wait 10min --family ssh 2>&1 | true; sleep 0.2; "
                 "flock /var/lib/revet/changes/lock true; systemctl isolate multi-user.target")
        self.assertIn("waiting", self.revet("history"))
        self.out("sh", "-c", "systemctl is-active revet-revert-*.timer")
        self.revet("revert")
        self.same_tree(before)

    def slow_reload(self):
        self.write("/etc/systemd/system/ssh.service.d/x.conf",
                   "[Service]\nExecReload=\nExecReload=/bin/sleep 2\nExecReload=/bin/kill -HUP $MAINPID\n")
        self.out("systemctl", "daemon-reload")

    def on_a_terminal(self, command):
        """A command that has come as far as to tell services, on a terminal of its own."""
        started = subprocess.Popen(self.host.argv(["script", "-qec", f"exec {command}", "/dev/null"]), env=ENVIRONMENT,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(started.communicate)
        self.addCleanup(started.kill)
        self.assertTrue(wait_until(lambda: self.host.exec(["pgrep", "-f", "^/bin/sleep 2$"], check=False).returncode == 0, 20))
        return started

    def test_what_is_typed_meanwhile(self):
        """Ctrl-C, Ctrl-Z and Ctrl-backslash do not stop it, nor what it has started; once it only waits, it is left by them."""
        self.slow_reload()
        before = tree(self.host.root)
        terminal = self.on_a_terminal("revet apply --wait 10min --rule ssh.keys-only")
        terminal.stdin.write("\x03\x1a\x1c")
        terminal.stdin.flush()
        self.assertTrue(wait_until(lambda: "waiting" in self.revet("history"), 20))
        said = terminal.communicate("\x03", timeout=20)[0]
        self.assertIn("REVERTS BY ITSELF", said)
        # On a line of its own, after what the countdown has shown is wiped out.
        self.assertRegex(said, r"\^C\n *\nrevet: change 0001 reverts by itself in \d+ s unless confirmed from a new "
                         r"session: sudo revet confirm\n$")
        self.assertEqual(terminal.returncode, 130)
        self.assertIn("waiting", self.revet("history"))
        terminal = self.on_a_terminal("revet revert")
        said = terminal.communicate("\x03\x1a\x1c", timeout=20)[0]
        self.assertIn("is reverted: 2 steps undone and verified", said)
        self.same_tree(before)

    def test_signals_while_it_reverts(self):
        self.slow_reload()
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "ssh.no-x11-forwarding", "--rule", "cron.files-private")
        terminal = self.on_a_terminal("revet revert")
        self.out("sh", "-ec", "for s in HUP PIPE TERM; do pkill -$s -x revet; done")
        self.assertIn("is reverted", terminal.communicate(timeout=20)[0])
        self.same_tree(before)

    def test_stopped_while_it_applies(self):
        """Whoever holds the lock is made to go on, when the time is over."""
        self.slow_reload()
        before = tree(self.host.root)
        self.out("sh", "-ec", "setsid -f revet apply --no-input --wait 10min --rule ssh.keys-only >/tmp/said 2>&1; "
                 "until pgrep -f '^/bin/sleep 2$'; do sleep 0.05; done; p=$(pgrep -x revet); kill -STOP $p; sleep 0.2; "
                 "grep -q '(stopped)' /proc/$p/status; systemctl start revet-revert-0001-applying.service")
        self.assertTrue(wait_until(lambda: "REVERTS BY ITSELF" in self.read("/tmp/said"), 20))
        self.time_is_over()
        self.reverts_in_time(before)

    def test_killed_while_it_waits(self):
        before = tree(self.host.root)
        script = "revet apply --wait 10s --family ssh"
        terminal = subprocess.Popen(self.host.argv(["script", "-qec", script, "/dev/null"]), env=ENVIRONMENT,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while "waiting" not in self.revet("history") and time.monotonic() < end:
            time.sleep(0.2)
        self.out("pkill", "-KILL", "-x", "revet")
        terminal.communicate(timeout=20)
        self.reverts_in_time(before)

    def test_changes_of_the_clock(self):
        """What waits counts time that passes; in a container the clock is not to be set, so the
        plan's and the journal's times are moved instead."""
        before = tree(self.host.root)
        for moved in (-86400, 86400):
            self.out("rm", "-rf", STATE)
            self.revet("apply", "--no-input", "--wait", "10s", "--rule", "ssh.keys-only")
            self.out("sh", "-c", "cd /var/lib/revet/changes/0001 && d=$(sed -n 's/^deadline //p' journal) && "
                     f"sed -i \"s/^deadline .*/deadline $((d + {moved}))/\" journal")
            self.assertIn("waiting", self.revet("history"))
            self.reverts_in_time(before)

    def test_two_at_once(self):
        before = tree(self.host.root)
        codes = []

        def one():
            codes.append(self.run_revet("apply", "--no-input", "--wait", "10min", "--family", "ssh"))

        threads = [threading.Thread(target=one) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(code for code, _ in codes)[0], 0, codes)
        self.assertLessEqual({code for code, _ in codes}, {0, 1, 5}, codes)
        self.assertEqual([code for code, _ in codes].count(0), 1, codes)
        self.revet("revert")
        self.same_tree(before)

    # --- the state directory ---

    def test_the_state_directory_is_somebody_elses(self):
        for script in (f"install -d -o ops {STATE}", f"install -d -m 777 {STATE}",
                       f"install -d -m 700 {STATE}; install -d -m 770 -o ops {STATE}/changes",
                       f"install -d -m 777 /var/tmp/evil; ln -s /var/tmp/evil {STATE}", f"touch {STATE}",
                       f"install -d -m 700 {STATE} /var/tmp/evil; ln -s /var/tmp/evil {STATE}/changes",
                       f"install -d -m 700 {STATE}/changes; ln -s /etc/passwd {STATE}/changes/lock"):
            self.out("sh", "-c", f"rm -rf {STATE} /var/tmp/evil; {script}")
            before = tree(self.host.root)
            code, said = self.run_revet("apply", "--no-input", *SMALL)
            self.assertEqual(code, 1, script + said)
            self.assertIn(STATE, said)
            self.same_tree(before)
            self.assertEqual(self.out("sh", "-c", "ls -A /var/tmp/evil 2>/dev/null || true"), "")

    def test_a_damaged_change_is_not_reverted(self):
        for script, told in (("rm plan.json", "plan.json"), ("sed -i s/crontab/crontac/ plan.json", "hash"),
                             (": >plan.json", "plan.json"), ("rm -r before/*", "before/"),
                             ("chmod 666 before/[0-9]", "before/"), ("chown 7 before/[0-9]", "before/"),
                             ("rm journal", "journal"), ("rm -r before", "0001"), ("chown 7 .", "others can write"),
                             ("chmod g+w .", "others can write")):
            self.out("sh", "-c", f"rm -rf {STATE}")
            self.out("sh", "-c", "sysctl -qp /root/sysctls; chmod 640 /etc/crontab; echo '# mine' >/etc/sysctl.d/99-zz-revet.conf")
            self.revet("apply", "--no-input", "--rule", "cron.files-private", *SMALL)
            content = self.read("/etc/sysctl.d/99-zz-revet.conf")
            self.out("sh", "-c", f"cd {STATE}/changes/0001 && {script}")
            code, said = self.run_revet("revert", "1")
            self.assertIn(code, (1, 64), script + said)
            self.assertIn(told, said, script)
            now = self.read("/etc/sysctl.d/99-zz-revet.conf")
            self.assertIn(now, (content, "# mine\n"), script)
            self.out("sh", "-c", f"rm -rf {STATE}; rm /etc/sysctl.d/99-zz-revet.conf; chmod 644 /etc/crontab")

    # --- users who race ---

    def race(self, break_it, rule="accounts.home-modes"):
        """A plan is made for what a user owns, who then puts something else there."""
        self.out("revet", "plan", "-o", "/root/p.plan", "--family", "accounts", "--family", "fs")
        steps = json.loads(self.read("/root/p.plan"))["steps"]
        self.assertTrue([s for s in steps if s["target"].startswith("/home/ops/")], steps)
        self.out("sh", "-c", break_it)
        before = {name: look(f"{self.host.root}/{name}", name)
                  for name in ("etc/shadow", "etc/passwd", "root/secret", "root/secret/.netrc")}
        code, said = self.run_revet("apply", "/root/p.plan", "--no-input")
        after = {name: look(f"{self.host.root}/{name}", name) for name in before}
        self.run_revet("revert")
        self.assertEqual(before, after, said)
        self.assertIn(code, (1, 4), said)

    def test_a_user_puts_links_in_the_way(self):
        make = ("chmod 600 /etc/shadow; mkdir -p /root/secret; echo secret >/root/secret/.netrc; "
                "chmod 644 /root/secret/.netrc; rm -rf /home/ops/.netrc; echo mine >/home/ops/.netrc; "
                "chown ops:ops /home/ops/.netrc; chmod 666 /home/ops/.netrc")
        for swap in ("ln -sf /root/secret/.netrc /home/ops/.netrc", "ln -sf /etc/passwd /home/ops/.netrc",
                     "ln -f /etc/passwd /home/ops/.netrc", "rm /home/ops/.netrc; mkfifo -m 666 /home/ops/.netrc",
                     "mv /home/ops /home/was; ln -s /root/secret /home/ops"):
            self.out("sh", "-c", make)
            self.race(swap)
            self.out("sh", "-c", "rm -rf /home/* /root/secret /root/p.plan && cd / && tar -xpf /var/base.tar")


class Journal(unittest.TestCase):
    """A tree, whose change is cut short at every byte of its journal."""

    def test_cut_at_every_byte(self):
        with tempfile.TemporaryDirectory(prefix="revet-journal-") as top:
            root = os.path.join(top, "root")
            for name in ("etc/cron.d", "etc/sysctl.d", "var/lib/dpkg"):
                os.makedirs(os.path.join(root, name))
            for name, text in (("etc/passwd", "root:x:0:0::/root:/bin/bash\n"), ("etc/group", "root:x:0:\n"),
                               ("etc/crontab", "# none\n"),
                               ("var/lib/dpkg/status", "Package: cron\nStatus: install ok installed\n"
                                "Version: 1\nArchitecture: all\n\n")):
                with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                    file.write(text)
            run = lambda *argv: subprocess.run([REVET, *argv, "--root", root], capture_output=True, text=True)
            seen = lambda: {n: w for n, w in tree(root).items() if not n.startswith("var/lib")}
            before = seen()
            ran = run("apply", "--rule", "cron.files-private", *SMALL)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            applied = os.path.join(top, "applied")
            shutil.copytree(root, applied, symlinks=True)
            journal = os.path.join(root, "var/lib/revet/changes/0001/journal")
            with open(journal, "rb") as file:
                whole = file.read()
            for n in range(len(whole) + 1):
                shutil.rmtree(root)
                shutil.copytree(applied, root, symlinks=True)
                with open(journal, "wb") as file:
                    file.write(whole[:n])
                listed = run("history")
                self.assertEqual(listed.returncode, 0, listed.stderr)
                self.assertEqual("committed" in listed.stdout, n == len(whole), f"{n}: {listed.stdout}")
                done = run("revert")
                self.assertEqual(done.returncode, 0, f"{n}: {done.stderr}")
                self.assertIn("reverted", run("history").stdout, f"{n}")
                after = seen()
                for name in before.keys() | after.keys():
                    # Copying the tree has moved the times of directories.
                    a, b = before.get(name), after.get(name)
                    if a and b and stat.S_ISDIR(a[0]):
                        a, b = a[:5], b[:5]
                    self.assertEqual(a, b, f"cut at {n}: {name}")


if __name__ == "__main__":
    unittest.main()
