# SPDX-License-Identifier: Apache-2.0
"""Each type of step on a booted host: done through a real rule, undone by revet and by its script."""

import os
import shutil
import subprocess
import time
import unittest

from hostlib import Host, moved, wait_until
from oracle import REVET, EachAlone
from test_change import BOOT_UNITS, tree

# dpkg's copies of its last state, and what its triggers and apt compute again.
DPKG_OWN = ("var/lib/dpkg/status-old", "var/lib/dpkg/triggers/Lock", "var/lib/dpkg/triggers/Unincorp",
            "var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend", "etc/ld.so.cache",
            "var/cache/ldconfig", "var/cache/debconf", "var/cache/apt")
# Directories in which dpkg makes and renames files, so that their times move.
DPKG_TIMES = ("var/lib/dpkg", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/lib/dpkg/info",
              "var/lib/dpkg/alternatives")

DEB = r"""
set -eu
d=/root/deb/$1; mkdir -p $d/DEBIAN; cd $d
printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Test <t@example.org>\n' "$1" "$2" >DEBIAN/control
printf 'Section: %s\nPriority: optional\nDescription: a test\n of several lines\n .\n with a blank one\n' "$3" >>DEBIAN/control
[ -z "${4:-}" ] || echo "Depends: $4" >>DEBIAN/control
mkdir -p usr/share/doc/$1; echo "about $1" >usr/share/doc/$1/README
"""


class Steps(EachAlone):

    image = "debian-12"

    def undo_script(self):
        """Only what the change's script does; then its timer and boot unit are of no use any more."""
        self.out("sh", "/var/lib/revet/changes/0001/undo.sh")

    def without(self, seen, names=(), times=()):
        for name in list(seen):
            if any(name == n or name.startswith(n + "/") for n in names):
                del seen[name]
            elif name in times:
                seen[name] = seen[name][:5]
        return seen

    def same(self, before, names=(), times=()):
        before, after = (self.without(dict(seen), names, times) for seen in (before, tree(self.host.root)))
        self.assertEqual(moved(before, after), {})


class Packages(Steps):
    def deb(self, name, more="", version="1.0-1", section="misc", depends=""):
        self.out("sh", "-c", f"{DEB}\n{more}\ndpkg-deb --root-owner-group -b . /root/{name}.deb\n"
                 f"touch -d '2024-05-06 07:08:09.5' /root/{name}.deb",
                 "sh", name, version, section, depends)
        return f"/root/{name}.deb"

    def install(self, *debs):
        self.out("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "-i", *debs)
        self.out("rm", "-rf", "/root/deb", *debs)

    def rich_package(self):
        """Of all that a package may have, under the name of one that a rule wants gone."""
        long = "/".join(["a-directory-with-a-name-of-forty-bytes..."] * 4)
        self.install(self.deb("popularity-contest", f"""
mkdir -p etc lib/systemd/system usr/bin usr/share/{long}
echo 'ask=yes' >etc/popularity-contest.conf; echo /etc/popularity-contest.conf >DEBIAN/conffiles
echo 'other=1' >etc/popcon-other.conf; echo /etc/popcon-other.conf >>DEBIAN/conffiles
printf '#!/bin/sh\\nexec sleep 1000\\n' >usr/bin/popcon; chmod 4755 usr/bin/popcon
ln usr/bin/popcon usr/bin/popcon-hard; ln -s popcon usr/bin/popcon-soft
: >usr/share/{long}/empty; head -c 70000 /dev/urandom >usr/share/{long}/binary
printf '[Service]\\nExecStart=/usr/bin/popcon\\n[Install]\\nWantedBy=multi-user.target\\n' >lib/systemd/system/popcon.service
cat >DEBIAN/postinst <<'EOF'
#!/bin/sh
set -e
update-alternatives --install /usr/bin/census census /usr/bin/popcon 10
update-alternatives --install /usr/bin/census census /usr/bin/popcon-soft 5
systemctl enable popcon.service
systemctl start popcon.service
EOF
cat >DEBIAN/prerm <<'EOF'
#!/bin/sh
set -e
systemctl stop popcon.service
systemctl disable popcon.service
update-alternatives --remove census /usr/bin/popcon
update-alternatives --remove census /usr/bin/popcon-soft
EOF
cat >DEBIAN/postrm <<'EOF'
#!/bin/sh
[ "$1" != purge ] || rm -rf /var/lib/popcon
EOF
chmod 755 DEBIAN/p*"""))
        self.out("sh", "-c", "mkdir -p /var/lib/popcon; echo data >/var/lib/popcon/data; "
                 "echo mine >>/etc/popularity-contest.conf; rm /etc/popcon-other.conf; "
                 "chmod 600 /usr/share/doc/popularity-contest/README; "
                 "update-alternatives --set census /usr/bin/popcon-soft; "
                 "apt-mark auto popularity-contest; "
                 "dpkg --purge --force-all nothing-of-that-name 2>/dev/null; true")

    def status(self):
        return sorted(self.read("/var/lib/dpkg/status").split("\n\n"))

    def unit(self, *words):
        return self.host.exec(["systemctl", *words, "popcon.service"], check=False).stdout.strip()

    def check_gone_and_back(self, undo, **kwargs):
        self.rich_package()
        before, status = tree(self.host.root), self.status()
        marked = self.read("/var/lib/apt/extended_states")
        plan = self.revet("plan", "--rule", "packages.reporters")
        self.assertIn("popularity-contest: 1.0-1 -> (none)", plan)
        self.assertEqual(tree(self.host.root), before)
        self.revet("apply", "--no-input", "--rule", "packages.reporters")
        self.assertIn("deinstall ok config-files", self.out("dpkg-query", "-W", "-f", "${Status}", "popularity-contest"))
        self.assertIn("mine", self.read("/etc/popularity-contest.conf"))
        self.assertEqual(self.read("/var/lib/popcon/data"), "data\n")
        self.assertFalse(os.path.lexists(f"{self.host.root}/usr/bin/popcon"))
        self.assertNotEqual(self.unit("is-active"), "active")
        undo()
        self.assertEqual(self.status(), status)
        self.assertEqual(self.unit("is-active"), "active")
        self.assertEqual(self.unit("is-enabled"), "enabled")
        self.assertEqual(self.read("/var/lib/apt/extended_states"), marked)
        self.assertEqual(os.readlink(f"{self.host.root}/etc/alternatives/census"), "/usr/bin/popcon-soft")
        self.same(before, DPKG_OWN + ("var/lib/dpkg/status",), DPKG_TIMES)
        self.assertEqual(self.out("dpkg", "--audit"), "")

    def test_gone_and_back(self):
        self.check_gone_and_back(lambda: self.revet("revert"))

    def test_gone_and_back_by_the_script(self):
        self.check_gone_and_back(self.undo_script)

    def test_what_another_needs_stays(self):
        self.install(self.deb("telnet"), self.deb("plc-tool", depends="telnet | nc-of-no-host"))
        before = tree(self.host.root)
        self.assertIn("plc-tool needs the package telnet", self.revet("plan", "--rule", "packages.telnet-client"))
        self.revet("apply", "--no-input", "--rule", "packages.telnet-client")
        self.same(before)

    def test_a_transitional_package_goes_along(self):
        self.install(self.deb("inetutils-telnet"), self.deb("telnet", section="oldlibs", depends="inetutils-telnet"))
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "packages.telnet-client")
        self.assertEqual(self.host.exec(["dpkg-query", "-W", "telnet", "inetutils-telnet"], check=False).stdout, "")
        self.revet("revert")
        self.same(before, DPKG_OWN + ("var/lib/dpkg/status",), DPKG_TIMES)

    def locked(self, seconds):
        """Somebody else's apt runs."""
        self.write("/root/lock.pl", "use Fcntl; open F, '+<', '/var/lib/dpkg/lock-frontend' or die; "
                   "my $lock = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0); "
                   f"fcntl F, F_SETLK, $lock or die; sleep {seconds};")
        self.out("sh", "-c", "perl /root/lock.pl >/dev/null 2>&1 & sleep 0.5; kill -0 $!; rm /root/lock.pl")

    def test_while_dpkg_is_locked(self):
        self.install(self.deb("telnet"))
        before = tree(self.host.root)
        self.locked(6)
        told = self.revet("apply", "--no-input", "--rule", "packages.telnet-client", code=4)
        self.assertIn("lock", told)
        self.same(before, DPKG_OWN, DPKG_TIMES + ("root",))
        time.sleep(6)
        self.revet("apply", "--no-input", "--rule", "packages.telnet-client")
        self.locked(4)
        self.revet("revert")  # which waits
        self.same(before, DPKG_OWN + ("var/lib/dpkg/status",), DPKG_TIMES + ("root",))

    def test_without_space_for_the_copy(self):
        self.install(self.deb("telnet", "mkdir -p usr/share/big; head -c 3000000 /dev/zero >usr/share/big/file"))
        before = tree(self.host.root)
        self.out("sh", "-c", "mkdir -p /var/lib/revet; mount -t tmpfs -o size=1m,mode=700 none /var/lib/revet")
        told = self.revet("apply", "--no-input", "--rule", "packages.telnet-client", code=4)
        self.assertIn("No space left", told)
        self.same(before, DPKG_OWN + ("var/lib/revet",), DPKG_TIMES)

    def test_an_interrupted_removal(self):
        """dpkg is killed half way, and so are we."""
        self.install(self.deb("telnet", "printf '#!/bin/sh\\n[ $1 != remove ] || kill -9 $PPID\\n' >DEBIAN/prerm; chmod 755 DEBIAN/prerm"))
        before, status = tree(self.host.root), self.status()
        self.revet("apply", "--no-input", "--rule", "packages.telnet-client", code=4)
        self.assertEqual(self.status(), status)
        self.same(before, DPKG_OWN + ("var/lib/dpkg/status",), DPKG_TIMES)


RULE = """title: Programs can be started from {target}
severity: low
why: It is for data.
for: mounts
where: {{target: {target}}}
want:
  options: {{any: [absent, {{has: [{options}]}}]}}
  fstab_options: {{any: [absent, {{has: [{options}]}}]}}
risk: none
cases:
  - {{pass: {{mounts: [{{target: {target}, mounted: true, options: [{options}]}}]}}}}
  - {{fail: {{mounts: [{{target: {target}, mounted: true, options: [rw]}}]}}}}
"""


class Mounts(Steps):
    """The catalogue's rules do not judge containers; these are the same, for other places."""

    def rule(self, name, target, *options):
        self.write(f"/etc/revet/rules.d/mounts/{name}.yaml", RULE.format(target=target, options=", ".join(options)))
        return ["--rule", f"mounts.{name}"]

    def options(self, target):
        return set(self.out("findmnt", "-n", "-o", "VFS-OPTIONS", target).strip().split(","))

    def data(self):
        self.write("/etc/fstab", "# mine\nnone   /srv/data\ttmpfs  size=1m,defaults  0 0 # kept\n")
        self.out("sh", "-c", "mkdir -p /srv/data; mount -t tmpfs -o size=1m,noatime none /srv/data; systemctl daemon-reload")
        return self.rule("exec", "/srv/data", "noexec") + self.rule("suid", "/srv/data", "nosuid", "nodev")

    def check(self, undo):
        rules = self.data()
        before, options = tree(self.host.root), self.options("/srv/data")
        # What is at work there does not hinder it.
        self.out("sh", "-c", "cp /bin/sleep /srv/data/; cd /srv/data; ./sleep 100 >/dev/null 2>&1 &")
        self.revet("apply", "--no-input", *rules)
        self.assertEqual(self.options("/srv/data") - options, {"nosuid", "nodev", "noexec"})
        self.assertLessEqual(options, self.options("/srv/data"))
        self.assertEqual(self.read("/etc/fstab"), "# mine\nnone   /srv/data\ttmpfs  "
                         "size=1m,defaults,noexec,nosuid,nodev  0 0 # kept\n")
        self.assertEqual(self.host.exec(["/srv/data/sleep", "0"], check=False).returncode, 126)
        undo()
        self.assertEqual(self.options("/srv/data"), options)
        self.same(before, times=("etc",))

    def test_now_and_from_the_next_boot(self):
        self.check(lambda: self.revet("revert"))

    def test_by_the_script(self):
        self.check(self.undo_script)

    def test_what_systemd_mounts(self):
        """/tmp by a unit, /dev/shm by itself; after a boot they are still so."""
        rules = self.rule("tmp", "/tmp", "noexec") + self.rule("shm", "/dev/shm", "noexec")
        self.out("sh", "-c", "cp /usr/share/systemd/tmp.mount /etc/systemd/system/ && systemctl daemon-reload")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", *rules)
        self.assertIn("noexec", self.options("/tmp") & self.options("/dev/shm"))
        self.assertIn("tmpfs /dev/shm tmpfs defaults,nosuid,nodev,noexec 0 0", self.read("/etc/fstab"))
        self.assertIn("mode=1777,strictatime,nosuid,nodev", self.read("/etc/systemd/system/tmp.mount.d/99-revet.conf"))
        self.out("systemctl", "daemon-reload")
        self.assertIn("noexec", self.out("systemctl", "show", "-p", "Options", "tmp.mount"))
        self.revet("revert")
        self.assertNotIn("noexec", self.options("/tmp") | self.options("/dev/shm"))
        self.same(before)

    def test_a_unit_that_systemd_refuses(self):
        """By somebody else's mistake, which is found before anything is changed."""
        rules = self.rule("tmp", "/tmp", "noexec")
        self.sh("cp /usr/share/systemd/tmp.mount /etc/systemd/system/ && systemctl daemon-reload")
        self.write("/etc/systemd/system/tmp.mount.d/10-other.conf", "[Mount]\nWhere=/elsewhere\n")
        before = tree(self.host.root)
        self.assertRegex(self.revet("plan", *rules), "cannot be applied: /usr/bin/systemd-analyze: exit 1: .*Where=")
        said = self.revet("apply", "--no-input", *rules, code=1)
        self.assertIn("nothing was changed", said)
        self.assertIn("tmp.mount: Where=", said)
        self.same(before)
        self.out("rm", "/etc/systemd/system/tmp.mount.d/10-other.conf")
        self.revet("apply", "--no-input", *rules)
        self.assertIn("noexec", self.options("/tmp"))
        self.revet("revert")

    def test_what_nobody_wrote_down(self):
        self.out("sh", "-c", "mkdir -p /srv/data; mount -t tmpfs none /srv/data")
        rules = self.rule("exec", "/srv/data", "noexec")
        self.assertIn("neither in /etc/fstab nor", self.revet("plan", *rules))

    def test_somebody_elses_line(self):
        """A mount point that is not there: findmnt complains before and after, and that is no reason."""
        rules = self.data()
        self.write("/etc/fstab", self.read("/etc/fstab") + "none /srv/nowhere tmpfs nofail 0 0\n")
        before = tree(self.host.root)
        self.assertIn("findmnt --verify", self.revet("plan", *rules))
        self.revet("apply", "--no-input", *rules)
        self.assertIn("noexec", self.options("/srv/data"))
        self.revet("revert")
        self.same(before, times=("etc",))

    def test_on_a_read_only_file_system(self):
        rules = self.data()
        before, options = tree(self.host.root), self.options("/srv/data")
        self.out("sh", "-c", "mount --bind /etc /etc; mount -o remount,bind,ro /etc")
        told = self.revet("apply", "--no-input", *rules, code=1)
        self.assertIn("Read-only file system", told)
        self.out("umount", "/etc")
        self.assertEqual(self.options("/srv/data"), options)
        self.same(before)


SHELL = """title: An account has the wrong shell
severity: low
why: It is a service.
for: users
where: {name: svc}
want: {shell: /usr/sbin/nologin}
risk: none
cases:
  - {pass: {users: [{name: svc, shell: /usr/sbin/nologin}]}}
  - {fail: {users: [{name: svc, shell: /bin/sh}]}}
"""
INACTIVE = """title: An account stays open
severity: low
why: It is a test.
for: shadow
where: {user: ops}
want: {inactive_days: {min: 0, max: 45}}
risk: access
cases:
  - {pass: {shadow: [{user: ops, inactive_days: 45}]}}
  - {fail: {shadow: [{user: ops}]}}
"""
ACCOUNTS = ("--rule", "accounts.password-ageing", "--rule", "accounts.inactive",
            "--rule", "accounts.no-empty-passwords", "--rule", "accounts.svc-shell")


class Accounts(Steps):
    def make_accounts(self):
        self.write("/etc/revet/rules.d/accounts/svc-shell.yaml", SHELL)
        self.write("/etc/revet/rules.d/accounts/inactive.yaml", INACTIVE)
        self.out("sh", "-c", "useradd -r -s /bin/sh svc; useradd -m guest; passwd -d guest; useradd -m dev; "
                 "echo dev:secret-of-dev | chpasswd; chage -M -1 -W 3 -E 2030-01-01 dev; chage -M 300 ops; "
                 "rm -f /etc/shadow- /etc/passwd-; setfattr -n user.mark -v 1 /etc/shadow || true")
        return tree(self.host.root), self.read("/etc/shadow"), self.read("/etc/passwd")

    @staticmethod
    def changed(before, after):
        """Names of the lines that differ."""
        return {b.split(":")[0] for b, a in zip(before.splitlines(), after.splitlines(), strict=True) if a != b}

    def check(self, undo):
        before, shadow, passwd = self.make_accounts()
        told = self.revet("apply", "--no-input", "--wait", "10min", *ACCOUNTS)
        after = self.read("/etc/shadow")
        self.assertEqual(self.changed(shadow, after), {"root", "ops", "guest", "dev"})
        self.assertEqual(self.changed(passwd, self.read("/etc/passwd")), {"svc"})
        self.assertEqual(self.out("getent", "passwd", "svc").strip().rpartition(":")[2], "/usr/sbin/nologin")
        dev = self.out("getent", "shadow", "dev").strip().split(":")
        self.assertEqual(dev[3:], ["0", "365", "7", "", "21915", ""])
        self.assertEqual(self.out("getent", "shadow", "ops").strip().split(":")[3:], ["0", "300", "7", "45", "", ""])
        self.assertTrue(self.out("getent", "shadow", "guest").startswith("guest:!:"))
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
        # No hash is anywhere but where it was.
        hashes = [line.split(":")[1] for line in shadow.splitlines() if line.split(":")[1].startswith("$")]
        self.assertGreater(len(hashes), 2)
        kept = self.out("sh", "-c", "cd /var/lib/revet && find . -type f -exec cat {} +") + told
        for secret in hashes:
            self.assertNotIn(secret, kept)
        undo()
        self.assertEqual(self.read("/etc/shadow"), shadow)
        self.assertEqual(self.read("/etc/passwd"), passwd)
        self.same(before, BOOT_UNITS, () if undo != self.undo_script else ("etc",))

    def test_ageing_locks_and_shells(self):
        self.check(lambda: self.revet("revert"))

    def test_by_the_script(self):
        self.check(self.undo_script)

    def test_an_old_password_is_not_sprung_on_anyone(self):
        self.write("/etc/revet/rules.d/accounts/inactive.yaml", INACTIVE)
        for days, rule in (("99999", "accounts.password-ageing"), ("300", "accounts.inactive")):
            self.out("chage", "-d", "2020-01-01", "-M", days, "ops")
            before = tree(self.host.root)
            plan = self.revet("plan", "--rule", rule)
            self.assertIn("the password of ops is", plan)
            self.assertIn("have it changed first", plan)
            self.revet("apply", "--no-input", "--rule", rule)
            self.same(before)

    def test_others_are_waited_for_and_kept(self):
        self.make_accounts()
        self.revet("plan", "-o", "/root/p.plan", *ACCOUNTS)
        self.out("sh", "-c", "echo ops:another-one | chpasswd")
        self.revet("apply", "/root/p.plan", "--no-input", "--wait", "10min")
        self.out("sh", "-c", "echo dev:another-one | chpasswd; useradd later")
        shadow = self.read("/etc/shadow")
        self.revet("revert")
        self.assertEqual(self.changed(shadow, self.read("/etc/shadow")), {"root", "ops", "guest", "dev"})
        self.out("sh", "-c", "id later; getent shadow dev | grep -q ':0::3::21915:'")


RAW = ("--rule", "accounts.raw-access-groups")


class Groups(Steps):
    """Members of a group, in both of its files."""

    def make_groups(self):
        self.out("sh", "-c", "for u in dev one two; do useradd -m $u; done; for u in one dev two; do gpasswd -a $u disk; "
                 "done; gpasswd -a root disk; usermod -aG shadow one; "
                 # Programs that were there before gshadow write /etc/group alone, and the other way round.
                 "sed -i 's/^\\(disk:.*\\),dev/\\1/' /etc/gshadow; sed -i 's/^disk:x:6:/&, two ,/' /etc/group; "
                 "rm -f /etc/*-; setfattr -n user.mark -v 1 /etc/gshadow || true; touch -d 2020-01-01 /etc/group")
        return tree(self.host.root), self.read("/etc/group"), self.read("/etc/gshadow")

    def members(self, group, file="group"):
        return self.out("sh", "-c", f"grep ^{group}: /etc/{file}").strip().split(":")[3]

    def check(self, undo, times=()):
        before, group, gshadow = self.make_groups()
        self.assertIn("disk", self.out("id", "-Gn", "dev"))
        self.revet("audit", *RAW, code=2)
        self.revet("apply", "--no-input", *RAW)
        self.assertEqual((self.members("disk"), self.members("disk", "gshadow")), (",root", "root"))
        self.assertEqual((self.members("shadow"), self.members("shadow", "gshadow")), ("", ""))
        for was, file in ((group, "/etc/group"), (gshadow, "/etc/gshadow")):
            self.assertEqual(Accounts.changed(was, self.read(file)), {"disk", "shadow"})
        for user in ("dev", "one", "two"):
            self.assertEqual(set(self.out("id", "-Gn", user).split()) & {"disk", "shadow"}, set())
        self.revet("audit", *RAW)
        undo()
        self.assertEqual((self.read("/etc/group"), self.read("/etc/gshadow")), (group, gshadow))
        self.same(before, times=times)

    def test_members_leave_and_come_back(self):
        self.check(lambda: self.revet("revert"))

    def test_by_the_script(self):
        self.check(self.undo_script, ("etc",))

    def test_what_others_did_meanwhile_is_kept(self):
        self.make_groups()
        self.revet("plan", "-o", "/root/p.plan", *RAW)
        self.out("gpasswd", "-d", "one", "disk")
        self.assertIn("/etc/group one is not what it was", self.revet("apply", "/root/p.plan", "--no-input", code=1))
        self.assertIn("dev", self.members("disk"))
        self.revet("apply", "--no-input", *RAW)
        self.out("gpasswd", "-a", "ops", "disk")
        self.revet("revert")
        self.assertEqual(sorted(self.members("disk").strip(",").split(",")), ["dev", "ops", "root", "two"])

    def test_what_is_not_understood_is_left_alone(self):
        self.out("sh", "-c", "useradd dev; usermod -aG disk dev; cp /etc/group /root/group; rm -f /etc/*-")
        for line, why in (("usermod -g disk dev", "disk is the primary group of dev"),
                          ("usermod -g disk dev; gpasswd -d dev disk", "disk is the primary group of dev"),
                          ("echo 'raw:x:6:' >>/etc/group", "raw has the number of disk as well"),
                          ("echo 'disk:x:77:' >>/etc/group", "another line of disk"),
                          ("echo ' disk:x:77:' >>/etc/group", "another line of disk"),
                          ("sed -i 's/^disk:.*/&:more/' /etc/group", "has 5 fields, not 4"),
                          ("sed -i 's/^disk:.*/&:more/' /etc/gshadow", "has 5 fields, not 4"),
                          ("echo +::: >>/etc/group", "NIS has a part")):
            with self.subTest(line):
                self.out("sh", "-c", f"cp /etc/gshadow /root/gshadow; {line}; rm -f /etc/*-")
                before = self.read("/etc/group")
                told = self.revet("plan", *RAW)
                after = self.read("/etc/group")
                self.out("sh", "-c", "cat /root/group >/etc/group; cat /root/gshadow >/etc/gshadow; usermod -g 100 dev")
                self.assertIn(why, " ".join(told.split()))
                self.assertEqual(after, before)
        self.revet("plan", "-o", "/root/p.plan", *RAW)
        for line in ("echo +::: >>/etc/group", "sed -i 's/^disk:.*/&:more/' /etc/gshadow", "echo disk:x:77: >>/etc/group"):
            with self.subTest("since the plan", line=line):
                self.out("sh", "-c", f"cp /etc/gshadow /root/gshadow; {line}")
                before = self.read("/etc/group")
                self.revet("apply", "/root/p.plan", "--no-input", code=1)
                self.assertEqual(self.read("/etc/group"), before)
                self.out("sh", "-c", "cat /root/group >/etc/group; cat /root/gshadow >/etc/gshadow")

    def test_a_list_that_a_mode_goes_with(self):
        """The file's mode is changed and given back by another step."""
        self.out("sh", "-c", "useradd dev; usermod -aG disk dev; chmod 666 /etc/group; rm -f /etc/*-")
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "fs.account-files", *RAW)
        self.assertEqual(self.out("stat", "-c", "%a", "/etc/group").strip(), "644")
        self.assertEqual(self.members("disk"), "")
        self.revet("revert")
        self.same(before)


CMDLINE = """title: A parameter is missing
severity: low
why: It is a test.
want: {cmdline.init_on_alloc: {one_of: [1]}}
risk: reboot
cases:
  - {pass: {cmdline: {init_on_alloc: 1}}}
  - {fail: {cmdline: {quiet: ""}}}
"""


class Settings(Steps):
    """Files of revet's own beside those of the distribution, and an action for what takes them in."""

    def check(self, rules, undo=None, names=(), times=()):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", *rules)
        yield before
        (undo or (lambda: self.revet("revert")))()
        self.same(before, names, times)

    def test_shells_that_nobody_uses(self):
        for _ in self.check(["--rule", "accounts.shell-timeout"]):
            shown = self.out("bash", "-lc", "echo $TMOUT; readonly -p")
            self.assertEqual(shown.split()[0], "900")
            self.assertIn('-r TMOUT="900"', shown)
            self.revet("audit", "--rule", "accounts.shell-timeout")

    def test_updates(self):
        self.out("systemctl", "unmask", "apt-daily.timer", "apt-daily-upgrade.timer")
        self.out("systemctl", "enable", "apt-daily.timer", "apt-daily-upgrade.timer")
        self.write("/etc/apt/apt.conf.d/50unattended-upgrades",
                   'Unattended-Upgrade::Origins-Pattern { "origin=Debian,label=Debian-Security"; };\n')
        # The lists offer the program, and there is no way out to it.
        before = tree(self.host.root)
        told = self.revet("apply", "--no-input", "--rule", "updates.automatic", code=4)
        self.assertIn("apt-get -d install", told)
        self.same(before)
        self.out("rm", "-rf", "/var/lib/revet")
        Packages.install(self, Packages.deb(self, "unattended-upgrades"))
        for _ in self.check(["--rule", "updates.automatic"]):
            self.assertEqual(self.out("apt-config", "dump", "--format", "%f=%v%n", "APT::Periodic").split(),
                             ["APT::Periodic=", "APT::Periodic::Update-Package-Lists=1",
                              "APT::Periodic::Unattended-Upgrade=1"])

    def test_the_kernels_parameters(self):
        """With something in the place of GRUB's program, which wants disks."""
        self.write("/etc/revet/rules.d/kernel/parameter.yaml", CMDLINE)
        self.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="mine=1"\n')
        self.write("/boot/grub/grub.cfg", "linux mine=1\n")
        self.write("/usr/sbin/update-grub", "#!/bin/sh\n. /etc/default/grub\n"
                   "for f in /etc/default/grub.d/*.cfg; do [ ! -e $f ] || . $f; done\n"
                   "echo linux $GRUB_CMDLINE_LINUX >/boot/grub/grub.cfg\n", "755")
        for undo in (None, self.undo_script):
            for _ in self.check(["--rule", "kernel.parameter"], undo, times=("boot/grub/grub.cfg", "etc/default")):
                self.assertEqual(self.read("/boot/grub/grub.cfg"), "linux mine=1 init_on_alloc=1\n")
            self.out("rm", "-rf", "/var/lib/revet")


TIMER = """title: A timer does not run
severity: low
why: It is a test.
for: timers
where: {name: tick.timer}
want: {active_state: active, enabled: enabled}
risk: none
cases:
  - {pass: {timers: [{name: tick.timer, active_state: active, enabled: enabled}]}}
  - {fail: {timers: [{name: tick.timer, active_state: inactive, enabled: disabled}]}}
"""
CLOCK = """title: The clock is not kept right
severity: low
why: It is a test.
want: {time_sync.active: true}
risk: none
cases:
  - {pass: {time_sync: {service: chrony, active: true}}}
  - {fail: {time_sync: {service: chrony, active: false}}}
"""


class Services(Steps):
    def is_active(self, unit):
        state = self.host.exec(["systemctl", "is-active", unit], check=False).stdout.strip()
        self.assertIn(state, ("active", "inactive"))
        return state == "active"

    def check(self, rule, unit):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", rule)
        self.assertTrue(self.is_active(unit))
        self.assertEqual(self.out("systemctl", "is-enabled", unit).strip(), "enabled")
        self.revet("revert")
        self.assertFalse(self.is_active(unit))
        self.same(before)

    def test_a_timer(self):
        self.write("/etc/revet/rules.d/services/tick.yaml", TIMER)
        self.write("/usr/lib/systemd/system/tick.service", "[Service]\nExecStart=/bin/true\n")
        self.write("/usr/lib/systemd/system/tick.timer", "[Timer]\nOnBootSec=10h\n[Install]\nWantedBy=timers.target new.target\n")
        self.out("systemctl", "daemon-reload")
        before = tree(self.host.root)
        self.check("services.tick", "tick.timer")
        self.out("rm", "-rf", "/var/lib/revet")
        self.revet("apply", "--no-input", "--rule", "services.tick")
        self.undo_script()
        self.assertTrue(wait_until(lambda: not self.is_active("tick.timer"), 10))
        self.same(before, times=("etc/systemd/system/timers.target.wants",))

    def test_the_clock(self):
        """With something in the place of chrony, which a container would not start."""
        self.write("/etc/revet/rules.d/time/clock.yaml", CLOCK)
        self.out("cp", "/bin/sleep", "/usr/sbin/chronyd")
        self.write("/usr/lib/systemd/system/chrony.service",
                   "[Service]\nExecStart=/usr/sbin/chronyd 1000\n[Install]\nWantedBy=multi-user.target\n")
        self.out("systemctl", "daemon-reload")
        self.check("time.clock", "chrony.service")

    def test_systemd_does_not_answer(self):
        """Whether a unit runs is then not known, which is not the same as that it does not."""
        self.write("/etc/revet/rules.d/services/tick.yaml", TIMER)
        self.write("/usr/lib/systemd/system/tick.service", "[Service]\nExecStart=/bin/true\n")
        self.write("/usr/lib/systemd/system/tick.timer", "[Timer]\nOnBootSec=10h\n[Install]\nWantedBy=timers.target\n")
        self.sh("systemctl daemon-reload; revet plan --rule services.tick -o /root/p.plan >/dev/null")
        before = tree(self.host.root)
        self.sh("mv /run/systemd/private /run/systemd/p; mv /run/dbus/system_bus_socket /run/dbus/s")
        said = self.revet("apply", "/root/p.plan", "--no-input", code=1)
        self.sh("mv /run/systemd/p /run/systemd/private; mv /run/dbus/s /run/dbus/system_bus_socket")
        self.assertIn("tick.timer: /usr/bin/systemctl: exit 1: Failed to connect to bus", said)
        self.same(before)
        self.revet("apply", "/root/p.plan", "--no-input")
        self.assertEqual(self.out("systemctl", "is-active", "tick.timer"), "active\n")


class Audit(Steps):
    image = "iot-backend"

    def test_auditd(self):
        before = tree(self.host.root)
        self.revet("apply", "--no-input", "--rule", "audit.log-space")
        told = self.read("/etc/audit/auditd.conf")
        self.assertIn("disk_full_action = ", told)
        self.revet("revert")
        self.same(before)


class Trees(unittest.TestCase):
    """The same in a tree, in which programs run by chroot."""

    def test_packages_and_accounts(self):
        with Host.start("minimal") as host:
            top = os.path.join(host.root, "root/deb")
            inside = lambda *argv: subprocess.run(["chroot", host.root, *argv], check=True, capture_output=True)
            inside("sh", "-c", f"{DEB}\nmkdir -p etc; echo a >etc/telnet.conf; echo /etc/telnet.conf >DEBIAN/conffiles\n"
                   "dpkg-deb --root-owner-group -b . /root/telnet.deb; dpkg -i /root/telnet.deb; echo b >>/etc/telnet.conf",
                   "sh", "telnet", "1.0", "net")
            shutil.rmtree(top)
            os.makedirs(os.path.join(host.root, "var/lib/revet"), exist_ok=True)
            inside("sh", "-c", "useradd -m dev; passwd -d dev")
            for undo in ("revet", "script"):
                with self.subTest(undo):
                    self.there_and_back(host, undo)

    def there_and_back(self, host, undo):
        run = lambda *argv: subprocess.run(argv, capture_output=True, text=True)
        before = tree(host.root)
        ran = run(REVET, "apply", "--root", host.root, "--rule", "packages.telnet-client",
                  "--rule", "accounts.no-empty-passwords")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertFalse(os.path.exists(os.path.join(host.root, "usr/share/doc/telnet/README")))
        with open(os.path.join(host.root, "etc/shadow"), encoding="utf-8") as file:
            self.assertIn("dev:!:", file.read())
        if undo == "revet":
            ran = run(REVET, "revert", "--root", host.root)
        else:
            ran = run("sh", os.path.join(host.root, "var/lib/revet/changes/0001/undo.sh"), host.root)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertNotIn("rror", ran.stderr)
        shutil.rmtree(os.path.join(host.root, "var/lib/revet/changes"))
        seen = [Steps.without(self, dict(s), DPKG_OWN + ("var/lib/dpkg/status",), DPKG_TIMES + ("etc",))
                for s in (before, tree(host.root))]
        self.assertEqual({n: (seen[0].get(n), seen[1].get(n)) for n in seen[0].keys() | seen[1].keys()
                          if seen[0].get(n) != seen[1].get(n)}, {})


if __name__ == "__main__":
    unittest.main()
