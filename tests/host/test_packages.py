# SPDX-License-Identifier: Apache-2.0
"""Packages that a rule wants: installed by apt from a repository on the host, of real packages and of
some that misbehave, and taken away again to the byte."""

import functools
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from hostlib import Host, moved
from oracle import REVET
import test_steps
from test_change import tree

RULE = """title: There is no {name}
severity: low
why: It is a test.
want:
  for: packages
  where: {{name: {{one_of: [nothing-of-that-name, {name}]}}, state: installed}}
  want: some
risk: none
cases:
  - {{pass: {{packages: [{{name: {name}, state: installed}}]}}}}
  - {{fail: {{packages: []}}}}
"""

# Of what the script does not bring back: ucf's copies of its own state, which purging makes.
BY_SCRIPT = ("var/lib/ucf",)
# Directories and files in which the script or dpkg work last, so that their times move.
BY_SCRIPT_TIMES = ("var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend")


class Repository(test_steps.Steps):
    """What is to be had is in /srv/repo, and nothing else can be reached."""

    image = "debian-12-repo"
    deb = test_steps.Packages.deb
    locked = test_steps.Packages.locked

    def offer(self, name, more="", **kwargs):
        """A package made on the spot, and a rule that wants it: its id."""
        self.deb(name, more, **kwargs)
        self.out("sh", "-c", f"mv /root/{name}.deb /srv/repo/{name}_{kwargs.get('version', '1.0-1')}_all.deb; "
                 "rm -rf /root/deb")
        return self.want(name)

    def want(self, name):
        self.write(f"/etc/revet/rules.d/wanted/{name}.yaml", RULE.format(name=name))
        return ["--rule", f"wanted.{name}"]

    def update(self):
        self.out("sh", "-ec", "cd /srv/repo; rm -f Release; apt-ftparchive packages . >Packages; "
                 "apt-ftparchive -o APT::FTPArchive::Release::Suite=stable "
                 "-o APT::FTPArchive::Release::Label=Debian release . >/root/Release; "
                 "mv /root/Release Release; apt-get -qq update")

    def state(self, name):
        return self.host.exec(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], check=False).stdout


class Install(Repository):
    def timers(self):
        self.out("systemctl", "unmask", "apt-daily.timer", "apt-daily-upgrade.timer")
        self.out("systemctl", "enable", "apt-daily.timer", "apt-daily-upgrade.timer")

    def units(self):
        return self.out("sh", "-c", "systemctl list-unit-files --no-legend; systemctl list-units --no-legend "
                        "--plain --type=service,socket,timer | awk '{print $1, $3}' | "
                        "grep -v -e session -e user@ -e user-runtime -e systemd-hostnamed -e systemd-timedated")

    def test_updates_and_back(self):
        """unattended-upgrades with Python and all: twenty packages with users, units, caches, ucf."""
        self.timers()
        before, units = tree(self.host.root), self.units()
        plan = self.revet("plan", "--rule", "updates.automatic")
        self.assertRegex(plan, r"unattended-upgrades: \(none\) -> \S+\n  and what that depends on")
        self.assertEqual(tree(self.host.root), before)
        told = self.revet("apply", "--no-input", "--rule", "updates.automatic")
        self.assertIn("1 fixed, 0 still fail", told)
        self.assertEqual(self.state("unattended-upgrades"), "installed")
        self.assertEqual(self.out("systemctl", "is-active", "unattended-upgrades.service").strip(), "active")
        self.assertIn("Auto-Installed: 1", self.read("/var/lib/apt/extended_states"))
        self.revet("revert")
        self.same(before)
        self.assertEqual(self.units(), units)

    def test_a_module_of_pam_and_a_service(self):
        """libpam-pwquality changes PAM's stack; chrony brings a user, a service and AppArmor profiles."""
        rules = self.want("libpam-pwquality") + self.want("chrony")
        before, units = tree(self.host.root), self.units()
        for undo, times in (lambda: self.revet("revert"), ()), (self.undo_script, BY_SCRIPT_TIMES):
            self.revet("apply", "--no-input", *rules)
            self.assertIn("pam_pwquality.so", self.read("/etc/pam.d/common-password"))
            self.assertIn("_chrony:", self.read("/etc/passwd"))
            undo()
            self.same(before, BY_SCRIPT if times else (), times)
            self.assertEqual(self.units(), units)
            self.out("rm", "-rf", "/var/lib/revet")

    def test_what_others_have_done_since_stays(self):
        self.revet("apply", "--no-input", *self.want("chrony"))
        self.out("useradd", "-M", "mine")
        self.write("/etc/mine.conf", "mine")
        self.write("/etc/chrony/chrony.conf", "# mine\n")
        told = self.revet("revert", code=1)
        self.assertIn("/etc/chrony/chrony.conf: somebody has changed it since", told)
        self.assertNotEqual(self.state("chrony"), "installed")
        for file in ("passwd", "shadow", "group", "gshadow"):
            self.assertIn("mine:", self.read(f"/etc/{file}"))
            self.assertNotIn("chrony", self.read(f"/etc/{file}"))
        self.assertEqual(self.read("/etc/mine.conf"), "mine")
        self.assertEqual(self.read("/etc/chrony/chrony.conf"), "# mine\n")
        self.assertEqual(os.listdir(f"{self.host.root}/etc/chrony"), ["chrony.conf"])
        self.revet("revert", "--force", "1")
        self.assertFalse(os.path.exists(f"{self.host.root}/etc/chrony"))
        self.assertEqual(self.read("/etc/mine.conf"), "mine")


SCRIPT = "printf '#!/bin/sh\\nset -e\\n%s\\n' \"{what}\" >DEBIAN/{name}; chmod 755 DEBIAN/{name}"
MESS = """useradd -r messy; mkdir -p /var/lib/messy /usr/share/messy.d; echo data >/var/lib/messy/data
echo cache >/usr/share/messy.d/cache; echo more >>/etc/hosts; chmod 640 /etc/fstab; rm -f /etc/motd
ln -sf messy /etc/messy-link; sed -i s/x/x/ /etc/group"""


class Misbehaving(Repository):
    """Packages whose scripts do what they like, and fail."""

    def script(self, name, what):
        return SCRIPT.format(name=name, what=what.replace("\n", "; ")) + "\n"

    def refused(self, rules, *why):
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", *rules, code=4)
        for words in why:
            self.assertIn(words, told)
        self.same(before)

    def test_a_script_that_leaves_a_mess_behind(self):
        rules = self.offer("messy", self.script("postinst", MESS))
        self.update()
        before = tree(self.host.root)
        for undo in (lambda: self.revet("revert"), self.undo_script):
            self.revet("apply", "--no-input", *rules)
            self.assertIn("more", self.read("/etc/hosts"))
            undo()
            # Data stays, for nobody knows whose it is.
            self.assertEqual(self.read("/var/lib/messy/data"), "data\n")
            self.out("sh", "-c", "rm -r /var/lib/messy /var/lib/revet")
            self.same(before, times=("var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock"))

    def test_scripts_that_fail(self):
        rules = self.offer("failing", self.script("postinst", MESS + "\nexit 1") + self.script("prerm", "false")
                           + self.script("postrm", "false"))
        unpacked = self.offer("unpacking", self.script("preinst", MESS + "\nexit 1"))
        self.update()
        before = tree(self.host.root)
        for wanted in (rules, unpacked):
            told = self.revet("apply", "--no-input", *wanted, code=4)
            self.assertIn("returned an error code (1)", told)
            self.assertEqual(self.out("dpkg", "--audit"), "")
            self.out("sh", "-c", "rm -r /var/lib/messy /var/lib/revet")
            self.same(before)

    install = test_steps.Packages.install

    def test_what_is_refused_before_anything_is_changed(self):
        self.install(self.deb("old", version="1.0"), self.deb("rival"))
        self.offer("old", version="2.0")
        upgrades = self.offer("upgrading", depends="old (>= 2.0)")
        removes = self.offer("removing", "echo Conflicts: rival >>DEBIAN/control")
        lacks = self.offer("lacking", depends="nothing-of-that-name")
        vanishes = self.offer("vanishing")
        large = self.offer("large", "mkdir -p usr/share/large; head -c 9000000 /dev/urandom >usr/share/large/file")
        moves = self.offer("moving")
        waits = self.offer("waiting")
        self.update()
        self.revet("plan", *moves, "-o", "/root/plan")
        self.out("sh", "-c", "rm /srv/repo/moving_*")
        self.offer("moving", version="3.0")
        self.update()
        self.out("sh", "-c", "rm /srv/repo/vanishing_*")
        self.refused(upgrades, "it would upgrade old")
        self.refused(removes, "it would remove rival")
        self.refused(lacks, "lacking : Depends: nothing-of-that-name but it is not installable")
        self.refused(vanishes, "apt-get -d install", "vanishing")
        self.refused(["/root/plan"], "the plan says 1.0-1")
        self.out("sh", "-c", "mount -t tmpfs -o size=6m,mode=700 none /var/lib/revet")
        self.refused(large, "apt-get -d install", "space")
        self.out("umount", "/var/lib/revet")
        self.locked(20)
        self.refused(waits, "lock")

    def test_beside_a_package_that_is_half_installed(self):
        self.out("sh", "-c", "sed -i '/^Package: less$/,/^$/s/^Status: .*/Status: install ok half-configured/' "
                 "/var/lib/dpkg/status")
        self.assertIn("less is half-configured, so nothing is installed", self.revet("plan", *self.want("chrony")))

    def test_configuration_that_was_left_here(self):
        """Of a package that was removed and not purged: it is that again, with its data."""
        rules = self.offer("staying", "mkdir -p etc; echo theirs >etc/staying.conf; "
                           "echo /etc/staying.conf >DEBIAN/conffiles; "
                           + self.script("postrm", "[ $1 != purge ] || rm -r /var/lib/staying"))
        self.update()
        self.out("sh", "-c", "dpkg -i /srv/repo/staying_*; mkdir /var/lib/staying; "
                 "echo mine >/etc/staying.conf; dpkg --remove staying")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", *rules)
        self.assertEqual(self.read("/etc/staying.conf"), "mine\n")
        self.revet("revert")
        self.assertEqual(self.state("staying"), "config-files")
        self.same(before)

    def test_killed_while_it_installs(self):
        rules = self.offer("slow", self.script("postinst", MESS + "\ntouch /run/slow\nsleep 4"))
        self.update()
        before = tree(self.host.root)
        for whole in (True, False):
            self.out("sh", "-c", f"revet apply --no-input {' '.join(rules)} >/dev/null 2>&1 & revet=$!; "
                     "for i in $(seq 200); do [ -e /run/slow ] && break; sleep 0.1; done; kill -9 $revet; "
                     + ("" if whole else "kill -9 $(pidof apt-get dpkg); ") + "rm /run/slow")
            if whole:
                self.out("sleep", "6")
            # The apt that was left behind is at work still, or was killed half way.
            self.revet("revert", "--unconfirmed")
            self.assertEqual(self.out("dpkg", "--audit"), "")
            self.assertNotEqual(self.state("slow"), "installed")
            self.out("sh", "-c", "sleep 4; rm -r /var/lib/messy /var/lib/revet")
            self.same(before)

    def test_a_script_that_hangs(self):
        """When its time is over apt's group is killed; dpkg has a session of its own, and its lock."""
        rules = self.offer("hanging", self.script("postinst", MESS + "\ntouch /run/hangs\nsleep 1000"))
        self.update()
        before = tree(self.host.root)
        began = time.monotonic()
        told = self.out("sh", "-c", f"revet apply --no-input {' '.join(rules)} 2>&1 & "
                        "until [ -e /run/hangs ]; do sleep 0.1; done; pkill -KILL -g $(pidof apt-get); wait $!; echo code $?")
        self.assertIn("everything is as it was\ncode 4\n", told)
        self.assertLess(time.monotonic() - began, 50)  # the lock would have been waited for
        self.assertEqual(self.out("dpkg", "--audit"), "")
        self.assertNotEqual(self.state("hanging"), "installed")
        self.assertEqual(self.host.exec(["pgrep", "-f", "hanging.postinst"], check=False).stdout, "")
        self.out("sh", "-c", "rm -r /var/lib/messy /var/lib/revet /run/hangs")
        self.same(before)

    def test_what_somebody_needs_by_now(self):
        rules = self.offer("base-of-others")
        self.update()
        self.revet("apply", "--no-input", *rules)
        self.install(self.deb("user", depends="base-of-others"))
        self.assertIn("dependency problems", self.revet("revert", code=1))
        self.assertEqual(self.state("base-of-others"), "installed")
        self.out("dpkg", "--purge", "user")
        self.revet("revert")
        self.assertNotEqual(self.state("base-of-others"), "installed")


class OtherManagers(unittest.TestCase):
    """rpm and pacman, in a tree that has both; dpkg, whose it is, has nothing to do there."""

    image = "other-managers"

    def revet(self, *argv, code=0):
        ran = subprocess.run([REVET, *argv, "--root", self.host.root], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def inside(self, *argv, check=True):
        return subprocess.run(["chroot", self.host.root, *argv], check=check, capture_output=True, text=True).stdout

    def setUp(self):
        self.host = Host.start(self.image)
        self.addCleanup(self.host.stop, crash=True)
        os.makedirs(f"{self.host.root}/var/lib/revet", exist_ok=True)

    def path(self, name):
        return os.path.join(self.host.root, name)

    def same(self, before):
        after = tree(self.host.root)
        self.assertEqual(moved(before, after), {})

    def apply(self):
        self.revet("apply", "--rule", "packages.telnet-client")
        self.assertEqual(self.inside("rpm", "-q", "telnet", check=False).strip(), "package telnet is not installed")
        self.assertNotIn("inetutils-telnet", self.inside("pacman", "-Q"))
        for name in ("usr/bin/telnet", "usr/bin/itelnet", "etc/telnet.d",
                     "etc/systemd/system/multi-user.target.wants/telnet.service"):
            self.assertFalse(os.path.lexists(self.path(name)), name)
        self.assertTrue(os.path.exists(self.path("etc/telnet-was-here")))

    def test_gone_and_back(self):
        verified = self.inside("rpm", "-V", "telnet", check=False)
        before = tree(self.host.root)
        plan = self.revet("plan", "--rule", "packages.telnet-client")
        self.assertIn("- package telnet   packages.telnet-client\n  telnet: 4:1.2-3.el9 -> (none)\n", plan)
        self.assertIn("- package inetutils-telnet   packages.telnet-client\n  inetutils-telnet: 1.2-3 -> (none)\n", plan)
        self.same(before)
        revert = lambda: self.revet("revert")
        for undo in (revert,
                     lambda: subprocess.run(["sh", self.path("var/lib/revet/changes/0001/undo.sh"), self.host.root],
                                            check=True, capture_output=True)):
            self.apply()
            undo()
            self.same(before)
            if undo is revert:
                self.assertTrue(os.path.samefile(self.path("usr/bin/telnet"), self.path("usr/bin/telnet-hard")))
            self.assertEqual(self.inside("rpm", "-V", "telnet", check=False), verified)
            self.assertIn("0 missing", self.inside("pacman", "-Qk", "inetutils-telnet"))
            shutil.rmtree(self.path("var/lib/revet"))
            os.makedirs(self.path("var/lib/revet"))
            before = tree(self.host.root)

    def test_what_another_needs_stays(self):
        plan = self.revet("plan", "--rule", "packages.rsh")
        self.assertIn("plc-tool needs the package rsh", plan)
        os.truncate(self.path("var/lib/rpm/rpmdb.sqlite"), 0)
        self.inside("rm", "-rf", "/var/lib/rpm")
        self.assertIn("legacy needs the package rsh-redone-client", self.revet("plan", "--rule", "packages.rsh"))

    def test_without_its_own_program_a_tree_is_left_alone(self):
        os.rename(self.path("usr/bin/rpm"), self.path("usr/bin/rpm.away"))
        before = tree(self.host.root)
        self.assertIn("the package telnet is removed by hand: there is no /usr/bin/rpm here",
                      self.revet("plan", "--rule", "packages.telnet-client"))
        self.same(before)

    def test_what_is_protected_stays(self):
        os.makedirs(self.path("etc/dnf/protected.d"))
        with open(self.path("etc/dnf/protected.d/ours.conf"), "w", encoding="utf-8") as file:
            file.write("tel*\n")
        self.assertIn("rpm is told to keep the package telnet", self.revet("plan", "--rule", "packages.telnet-client"))

    def test_a_database_that_others_have_changed(self):
        self.apply()
        self.inside("rpm", "-e", "plc-tool")
        told = self.revet("revert", code=1)
        self.assertIn("rpmdb.sqlite: somebody has installed or removed packages since", told)
        self.assertFalse(os.path.lexists(self.path("usr/bin/telnet")))
        # pacman's is undone all the same.
        self.assertIn("inetutils-telnet", self.inside("pacman", "-Q"))
        self.revet("revert", "--force", "1")
        self.assertIn("telnet-1.2", self.inside("rpm", "-q", "telnet"))
        self.assertTrue(os.path.lexists(self.path("usr/bin/telnet")))

    def test_a_manager_that_fails_half_way(self):
        """In whose place stands something that removes a file and fails; rpm's part is undone as well."""
        os.rename(self.path("usr/bin/pacman"), self.path("usr/bin/pacman.real"))
        with open(self.path("usr/bin/pacman"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\ncase $* in *-Rp*) exit 0 ;; esac\nrm -f /usr/bin/itelnet\nexit 1\n")
        os.chmod(self.path("usr/bin/pacman"), 0o755)
        before = tree(self.host.root)
        self.assertIn("everything is as it was", self.revet("apply", "--rule", "packages.telnet-client", code=4))
        self.same(before)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


class OtherInstallers(OtherManagers):
    """dnf and pacman install from repositories in the tree, once dpkg does not stand in front of them."""

    image = "other-installers"
    test_gone_and_back = test_what_another_needs_stays = test_without_its_own_program_a_tree_is_left_alone = None
    test_what_is_protected_stays = test_a_database_that_others_have_changed = None
    test_a_manager_that_fails_half_way = None

    # What asking leaves behind, before anything is kept: locks, logs, what sqlite has beside a database.
    ASKED = ("var/log/", "var/cache/dnf", "var/lib/dnf", "var/lib/rpm/rpmdb.sqlite-", "var/lib/rpm/.rpm.lock",
             "root/.cache", "tmp")
    ASKED_TIMES = ("var/lib/rpm", "var/log", "var/lib")

    def setUp(self):
        super().setUp()
        self.rules = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.rules)
        os.mkdir(f"{self.rules}/wanted")
        os.environ["REVET_RULES"] = self.rules
        self.addCleanup(os.environ.pop, "REVET_RULES")

    def only(self, manager):
        """Nobody else's database is there."""
        for name, path in (("dpkg", "var/lib/dpkg"), ("pacman", "var/lib/pacman")):
            if name != manager:
                shutil.rmtree(self.path(path))
        self.inside("pacman" if manager == "pacman" else "rpm", "--version")

    def want(self, name):
        with open(f"{self.rules}/wanted/{name}.yaml", "w", encoding="utf-8") as file:
            file.write(RULE.format(name=name))
        return ["--rule", f"wanted.{name}"]

    def seen(self):
        seen = tree(self.host.root)
        return {n: s[:5] if n in self.ASKED_TIMES else s for n, s in seen.items() if not n.startswith(self.ASKED)}

    def same(self, before):
        after = self.seen()
        self.assertEqual(moved(before, after), {})

    def serve(self):
        """The repository of rpm's packages, where dnf finds it: in a directory it would be emptied."""
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=self.path("srv/rpm")))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        with open(self.path("etc/yum.repos.d/local.repo"), "w", encoding="utf-8") as file:
            file.write(f"[local]\nname=local\nbaseurl=http://127.0.0.1:{server.server_port}\n")
        self.inside("dnf", "-q", "makecache")

    def there_and_back(self, query, files, plan):
        rules = self.want("logrotate")
        self.assertIn(plan, self.revet("plan", *rules))
        before = self.seen()
        script = ["sh", self.path("var/lib/revet/changes/0001/undo.sh"), self.host.root]
        for undo in (lambda: self.revet("revert"), lambda: subprocess.run(script, check=True, capture_output=True)):
            self.revet("apply", *rules)
            self.assertIn("3.", self.inside(*query, "logrotate"))
            self.assertIn("2.0", self.inside(*query, "rotation-library"))
            for name in files:
                self.assertTrue(os.path.lexists(self.path(name)), name)
            self.assertFalse(os.path.lexists(self.path("var/lib/revet/changes/0001/before/0.fetched")))
            undo()
            self.same(before)
            self.assertNotIn("3.", self.inside(*query, "logrotate", check=False))
            shutil.rmtree(self.path("var/lib/revet/changes"))

    def refused(self, name, why):
        rules, before = self.want(name), self.seen()
        told = self.revet("apply", *rules, code=4)
        self.assertIn(why, told)
        self.same(before)

    def test_dnf(self):
        self.only("rpm")
        self.assertIn("local.repo:3: dnf would move packages", self.revet("plan", "--left", *self.want("several")))
        self.serve()
        self.there_and_back(["rpm", "-q"], ["usr/sbin/logrotate", "opt/rotation/library", "etc/logrotate-was-here",
                                           "var/lib/logrotate/status"], "logrotate: (none) -> 3.18-3.el9\n")
        self.assertIn("several: (none) -> 1.10-3.el9\n", self.revet("plan", *self.want("several")))
        self.assertIn("no list of dnf's offers it", self.revet("plan", "--left", *self.want("nothing-like-it")))
        self.refused("upgrading", "it would upgrade or replace rsh")
        self.refused("conflicting", "plc-tool")
        self.refused("obsoleting", "it would replace plc-tool")
        self.refused("lacking", "nothing-of-that-name")
        self.refused("failing", "everything is as it was")

    def test_pacman(self):
        self.only("pacman")
        self.there_and_back(["pacman", "-Q"], ["usr/bin/ilogrotate", "opt/irotation/library", "etc/ilogrotate-was-here",
                                              "var/lib/ilogrotate/status"], "logrotate: (none) -> 3.21-1\n")
        self.assertIn("no list of pacman's offers it", self.revet("plan", "--left", *self.want("nothing-like-it")))
        self.refused("upgrading", "it would upgrade or replace legacy")
        self.refused("conflicting", "legacy")
        self.refused("replacing", "legacy")
        self.refused("lacking", "nothing-of-that-name")
        self.refused("failing", "conflicting files")

    def test_what_has_gone_from_the_repository(self):
        self.only("pacman")
        os.remove(self.path("srv/pacman/rotation-library-2.0-1-any.pkg.tar.zst"))
        self.refused("logrotate", "rotation-library")

    def test_killed_while_it_installs(self):
        self.only("rpm")
        self.serve()
        rules, before = self.want("logrotate"), self.seen()
        os.rename(self.path("usr/bin/rpm"), self.path("usr/bin/rpm.real"))
        with open(self.path("usr/bin/rpm"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n/usr/bin/rpm.real \"$@\" || exit\ncase $* in *-qlp*|*--test*) ;; "
                       "*' -i '*|'-i '*) kill -9 $PPID ;; esac\n")
        os.chmod(self.path("usr/bin/rpm"), 0o755)
        before = self.seen()
        self.revet("apply", *rules, code=-9)
        self.assertTrue(os.path.lexists(self.path("usr/sbin/logrotate")))
        self.revet("revert", "--unconfirmed")
        self.same(before)


if __name__ == "__main__":
    unittest.main()
