# SPDX-License-Identifier: Apache-2.0
"""walk, files, homes, dotfiles, banners, authorized_keys, cron: against find, getcap, stat,
ssh-keygen and crontab."""

import datetime
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostlib import Host
from oracle import TIMEOUT, OnHost, OracleCase, by, source, tree_table

PLANT = r"""
    mkdir -p /srv/deep/er /srv/own; cd /srv
    cp /bin/true suid; chmod 4755 suid; cp /bin/true sgid; chmod 2711 sgid
    cp /bin/true both; chown backup:adm both; chmod 6755 both
    chmod 2775 deep; chmod 1777 deep/er; touch open; chmod 0646 open
    cp /bin/true 'name with spaces'; chmod 4700 'name with spaces'
    mkfifo fifo; chmod 0666 fifo; ln -s /nowhere link; ln -s suid suidlink
    touch nobody nogroup; chown 5151 nobody; chgrp 6161 nogroup; ln -s x lost; chown -h 5151 lost
    cp /bin/true caps; setcap cap_net_admin,cap_sys_ptrace=ei caps
    cp /bin/true caps2; setcap all=p caps2; cp /bin/true caps3; setcap cap_chown+i caps3
    cp /bin/true /tmp/suid; chmod 4755 /tmp/suid; mkdir -m 777 /tmp/open; mkdir -m 1777 /run/spool
    mkdir -p /var/lib/docker/overlay2/x; cp -p suid /var/lib/docker/overlay2/x/
    storage=/home/ops/.local/share/containers/storage/overlay
    mkdir -p $storage/x; cd $storage/x; chown -R ops:ops /home/ops/.local
    cp -p /srv/suid /srv/sgid /srv/caps .; mkdir -m 777 open; chown ops:ops open
    for owner in ops:ops 100999:100999; do
        cp /srv/suid $owner; chown $owner $owner; chmod 6755 $owner
    done
    mkdir -p /home/ops/.zfs/snapshot; cp -p /srv/suid /home/ops/.zfs/snapshot
"""


class Walk(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh(PLANT)

    def places(self):
        """The local file systems; on each find stays with -xdev."""
        found = []
        for line in self.out("findmnt", "-rn", "-o", "TARGET,FSTYPE").splitlines():
            target, kind = line.split()
            if kind in ("overlay", "tmpfs", "ext4") and not re.match(r"/(proc|sys)(/|$)", target):
                found.append(target)
        return [t for t in dict.fromkeys(found) if t != "/dev"]

    def test_walk(self):
        fields = ("path", "type", "mode", "owner", "group", "uid", "gid")
        kinds = {"f": "regular", "d": "directory", "l": "symlink", "s": "socket", "p": "fifo",
                 "b": "block", "c": "char"}
        conditions = ["(", "-type", "f", "-perm", "/6000", ")", "-o",
                      "(", "-perm", "-0002", "(", "-type", "f", "-o", "-type", "d", "-o", "-type",
                      "b",
                      ")", ")", "-o", "-nouser", "-o", "-nogroup"]
        want, caps = {}, {}
        for place in self.places():
            said = self.out("find", place, "-xdev", "-path", "/var/lib/docker/overlay2", "-prune", "-o",
                            "(", "-path", "/home/ops/.local/share/*", "-not", "-perm", "/6000", "-o",
                            "-name", "*:*", ")", "-o", "(", *conditions, ")", "-printf",
                            r"%p\0%y\0%m\0%u\0%g\0%U\0%G\0", check=False).split("\0")
            for i in range(0, len(said) - 1, 7):
                row = dict(zip(fields, said[i:i + 7]))
                mode = int(row["mode"], 8)
                path = row.pop("path")
                want[path] = row | {
                    "type": kinds[row["type"]], "mode": f"{mode:04o}",
                    "uid": int(row["uid"]), "gid": int(row["gid"])}
        for place in self.places():
            for line in self.out("getcap", "-r", place, check=False).splitlines():
                path, _, text = line.rpartition(" ")
                caps[path] = text
        got = by(self.table("walk"), "path")
        for path in caps.keys() - want.keys():
            self.assertIn(path, got)
        self.same({path: {c: row[c] for c in fields[1:]} for path, row in got.items()
                   if path in want or path not in caps}, want, 40)
        self.same({path: row["capabilities"] for path, row in got.items() if row["capabilities"]},
                  caps, 4)
        programs = [p for p, r in got.items() if r["setuid"] or r["setgid"] or r["capabilities"]]
        owning = self.owning(programs)
        for path, row in got.items():
            with self.subTest(path):
                self.check_flags(row)
                if path in owning:
                    self.assertEqual(row["package"], owning[path])

    def check_flags(self, row):
        mode, regular = int(row["mode"], 8), row["type"] == "regular"
        self.assertEqual(row["setuid"], regular and mode & 0o4000 != 0)
        self.assertEqual(row["setgid"], regular and mode & 0o2000 != 0)
        self.assertEqual(row["sticky"], mode & 0o1000 != 0)
        self.assertEqual(row["world_writable"], mode & 2 != 0 and
                         row["type"] in ("regular", "directory", "block"))
        self.assertEqual(row["unowned"], row["owner"] == str(row["uid"]))
        self.assertEqual(row["ungrouped"], row["group"] == str(row["gid"]))

    def test_files(self):
        self.sh("cd /srv; ln -sf /etc/passwd good; ln -sf /nowhere dangling; ln -sf loop loop")
        asked = ["/srv/good", "/srv/dangling", "/srv/loop", "/srv/fifo", "/srv/nobody", "/dev/null",
                 "/srv/none", "/etc/ssh/ssh_host_*_key", "/srv/own"]
        rows = []
        for row in self.table("files", *asked):
            if isinstance(row["type"], dict):
                self.assertIn("/srv/loop", json.dumps(row))  # a pattern that leads through it
            else:
                rows.append(row)
        paths = [row["path"] for row in rows]
        self.assertEqual(set(asked) - {row["name"] for row in rows}, set())
        keys = self.sh("ls /etc/ssh/ssh_host_*_key").split()
        self.assertEqual(set(keys) - set(paths), set())
        facts, links = self.stat(paths, "-L"), self.sh(
            'find "$@" -maxdepth 0 -type l -printf "%p\\t%l\\n" 2>/dev/null || true', *paths)
        links = dict(line.split("\t") for line in links.splitlines())
        for row in rows:
            with self.subTest(row["path"]):
                self.check_file(row, facts.get(row["path"]), links.get(row["path"]))

    def test_access_control_lists(self):
        self.sh("""cd /srv; touch listed; mkdir -p listed.d; chmod 640 listed
            setfacl -m u:deploy:rw,g:adm:r,u:4444:x listed; setfacl -m u:ops:rwx,d:g:adm:rx listed.d
            ln -sf listed tolisted""")
        for row in self.table("files", "/srv/listed", "/srv/listed.d", "/srv/tolisted", "/srv/open"):
            if row["path"].startswith(("/srv/listed", "/srv/tolisted", "/srv/open")):
                said = self.out("getfacl", "-cpE", row["path"]).split()
                want = {entry for entry in said if entry.split(":")[-2]}
                self.assertEqual(set(row["acl"] or []), want, row["path"])

    def check_file(self, row, said, link):
        kinds = {"regular file": "regular", "regular empty file": "regular",
                 "character special file": "char", "block special file": "block"}
        self.assertEqual(row["target"], link)
        if said is None:
            self.assertEqual(row["type"], "symlink" if link else "absent")
            return
        kind, mode, owner, group, uid, gid, size, mtime, nlink = said
        self.assertEqual(row["type"], kinds.get(kind, kind))
        self.assertEqual(int(row["mode"], 8), int(mode, 8))
        self.assertEqual(row["owner"], owner if owner != "UNKNOWN" else uid)
        self.assertEqual(row["group"], group if group != "UNKNOWN" else gid)
        self.assertEqual((row["uid"], row["gid"], row["size"], row["nlink"]),
                         (int(uid), int(gid), int(size), int(nlink)))
        if row["path"].startswith("/var/log/journal/"):  # is written to meanwhile
            return
        stamp = datetime.datetime.fromtimestamp(int(mtime), datetime.timezone.utc)
        self.assertEqual(row["mtime"], stamp.strftime("%Y-%m-%dT%H:%M:%SZ"))
        age = datetime.datetime.now(datetime.timezone.utc) - stamp
        self.assertIn(row.get("age_days"), (age.days, max(age - datetime.timedelta(minutes=5), age * 0).days))

    def test_banners(self):
        self.write("/etc/motd", "Welcome to Debian\n\\m \\s\n", "666")
        self.sh("rm -f /etc/issue.net; chown backup /etc/issue")
        rows = by(self.table("banners"), "path")
        for path in ("/etc/issue", "/etc/issue.net", "/etc/motd"):
            row, there = rows[path], self.exists(path)
            self.assertEqual(row["present"], there, path)
            if there:
                mode, owner = self.out("stat", "-c", "%a %U", path).split()
                self.assertEqual((int(row["mode"], 8), row["owner"]), (int(mode, 8), owner))
                self.assertEqual(row["text"], self.read(path))
        self.assertEqual({"\\m", "\\s", "Debian"} - set(rows["/etc/motd"]["discloses"]), set())

    def exists(self, path):
        return self.host.exec(["test", "-e", path], check=False).returncode == 0


class TreeWalk(OracleCase):
    def test_trees(self):
        """From outside, of a tree: the same files, by the names of the tree's own accounts."""
        for name in ("rpm-tree", "arch-tree", "minimal"):
            with Host.start(name) as tree:
                root = str(tree.root)
                for path, mode in (("usr/bin/set", 0o6711), ("srv/open", 0o666),
                                   ("srv/dir", 0o777)):
                    file = tree.root / path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.mkdir() if path.endswith("dir") else file.write_text("")
                    os.chown(file, 12, 4321)
                    os.chmod(file, mode)
                said = subprocess.run(
                    ["find", root, "-xdev", "(", "-type", "f", "-perm", "/6000", "-o", "-perm",
                     "-0002",
                     "(", "-type", "f", "-o", "-type", "d", ")", "-o", "-uid", "12", ")",
                     "-printf", r"/%P\0%m\0%U\0%G\0"], capture_output=True, text=True, check=True,
                    timeout=TIMEOUT).stdout.split("\0")
                want = {said[i]: {"mode": f"{int(said[i + 1], 8):04o}", "uid": int(said[i + 2]),
                                  "gid": int(said[i + 3])} for i in range(0, len(said) - 1, 4)}
                rows = by(tree_table(root, "walk"), "path")
                got = {path: {c: row[c] for c in ("mode", "uid", "gid")} for path,
                       row in rows.items()}
                with self.subTest(name):
                    self.same(got, want, 3)
                    names = {line.split(":")[2]: line.split(":")[0]
                             for line in (tree.root / "etc/passwd").read_text().splitlines()}
                    for path, row in rows.items():
                        self.assertEqual(row["owner"], names.get(str(row["uid"]), str(row["uid"])),
                                         path)
                        self.assertEqual(row["unowned"], str(row["uid"]) not in names, path)


class Homes(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh("""
            cd /home/ops; touch .netrc .rhosts; chmod 666 .rhosts; chown root .netrc
            chmod 640 .netrc
            mkdir -m 777 .cache; ln -s /etc/shadow .link; ln -s /dev/null .bash_history
            mkfifo .fifo
            cd /home/deploy; rm -f .bash_history; touch .pgpass; chmod 600 .pgpass
            chown deploy .pgpass
            ssh-keygen -q -t rsa -b 2048 -N '' -f /home/deploy/.ssh/id_rsa -C 'old key'
            ssh-keygen -q -t ecdsa -b 384 -N '' -f /root/k -C 'with "quotes"'
            ssh-keygen -q -t rsa -b 1024 -N '' -f /root/weak -C weak
            ssh-keygen -q -t ed25519 -N '' -f /root/ed -C two words
            { echo '# a comment'; echo; cat /root/k.pub
              printf 'restrict,command="/bin/echo \\\\"a b\\\\"" '; cat /root/weak.pub
              printf '  from="10.0.0.0/8,!10.1.1.1",environment="A=b c" '; cat /root/ed.pub
              cat /home/deploy/.ssh/id_rsa.pub; } >/home/ops/.ssh/authorized_keys
            chmod 640 /home/ops/.ssh/authorized_keys
            usermod -d /nonexistent locked; ln -s /home/aged /home/aged.link
            usermod -d /home/aged.link aged; chgrp adm /home/expired; chmod 2770 /home/expired
            mkdir -p /root/.ssh; cp /root/ed.pub /root/.ssh/authorized_keys
            rm /root/k /root/weak /root/ed
            """.replace("two words", "'two words'"))

    def accounts(self):
        lines = self.out("getent", "passwd").splitlines()
        return {line.split(":")[0]: line.split(":") for line in lines}

    def test_homes(self):
        accounts, rows = self.accounts(), by(self.table("homes"), "user")
        kinds = {"directory": "directory", "symbolic link": "symlink"}
        people = {name for name, a in accounts.items()
                  if int(a[2]) == 0 or 1000 <= int(a[2]) < 65534
                  and not a[6].endswith(("nologin", "false"))}
        self.assertEqual(people - rows.keys(), set())
        facts = self.stat([row["path"] for row in rows.values()])
        for name, row in rows.items():
            with self.subTest(name):
                self.assertEqual((row["path"], row["uid"]),
                                 (accounts[name][5], int(accounts[name][2])))
                said = facts.get(row["path"])
                self.assertEqual(row["exists"], said is not None)
                if said is None:
                    continue
                kind, mode, owner, group, uid = said[:5]
                self.assertEqual(row["type"], kinds.get(kind, "other"))
                if row["type"] == "symlink":
                    continue
                mode = int(mode, 8)
                self.assertEqual((int(row["mode"], 8), row["owner"], row["group"]),
                                 (mode, owner, group))
                self.assertEqual(row["owner_matches"], uid == accounts[name][2])
                self.assertEqual(row["group_writable"], mode & 0o20 != 0)
                self.assertEqual(row["world_accessible"], mode & 7 != 0)

    def test_dotfiles(self):
        rows = by([row for row in self.table("dotfiles")], "user", "path")
        homes = by(self.table("homes"), "user")
        accounts = self.accounts()
        shown, directories = set(), set()
        for user, home in homes.items():
            if not home["exists"] or accounts[user][6].endswith(("nologin", "false", "sync")):
                continue
            # Not every directory is a row; a home that is shared is read once.
            for line in self.out("find", f"{home['path']}/", "-mindepth", "1", "-maxdepth", "1",
                                 "-name", ".*", "-printf", "%y %p\n").splitlines():
                kind, path = line.split(" ", 1)
                if path not in {p for _, p in shown | directories}:
                    (directories if kind == "d" else shown).add((user, path))
        self.assertEqual(shown - rows.keys(), set(), "files without a row")
        direct = {key for key, row in rows.items() if "/" not in row["name"]}
        self.assertEqual(direct - shown - directories, set())
        self.assertIn(("deploy", "/home/deploy/.ssh/id_rsa"), rows)
        facts = self.stat([path for _, path in rows])
        for (user, path), row in rows.items():
            kind, mode, owner, _, uid = facts[path][:5]
            mode = int(mode, 8)
            with self.subTest(path):
                want = {"regular file": "regular", "regular empty file": "regular",
                        "directory": "directory", "symbolic link": "symlink"}.get(kind, "other")
                self.assertEqual((row["type"], row["owner"]), (want, owner))
                self.assertEqual(row["owner_matches"], uid == accounts[user][2])
                if want != "symlink":
                    self.assertEqual(int(row["mode"], 8), mode)
                    self.assertEqual(
                        (row["group_writable"], row["world_writable"], row["world_readable"]),
                        (mode & 0o20 != 0, mode & 2 != 0, mode & 4 != 0))

    def test_authorized_keys(self):
        kinds = {"RSA": "ssh-rsa", "ED25519": "ssh-ed25519"}
        want, got = [], []
        for name, account in self.accounts().items():
            for file in (".ssh/authorized_keys", ".ssh/authorized_keys2"):
                path = f"{account[5]}/{file}"
                said = self.host.exec(["ssh-keygen", "-lf", path], check=False)
                for line in said.stdout.splitlines() if said.returncode == 0 else ():
                    bits, fingerprint, comment = line.split(" ", 2)
                    comment, _, kind = comment.rpartition(" ")
                    kind = kind.strip("()")
                    kind = kinds.get(kind, f"ecdsa-sha2-nistp{bits}")
                    comment = "" if comment == "no comment" else comment
                    want.append((name, path, kind, int(bits), fingerprint, comment))
        for row in self.table("authorized_keys"):
            got.append((row["user"], row["file"], row["type"], row["bits"], row["fingerprint"],
                        row["comment"] or ""))
            path, line = source(row, "file")
            text = self.line(path, line)
            self.assertIn(row["type"], text)
            options = text.partition(row["type"])[0].strip()
            self.assertEqual(",".join(row["options"]), options)
            self.assertEqual(row["restricted"],
                             re.search(r"from=|command=|restrict", options) is not None)
            _, mode, owner = self.stat([path])[path][:3]
            self.assertEqual((int(row["file_mode"], 8), row["file_owner"]), (int(mode, 8), owner))
        self.assertEqual(sorted(got), sorted(want))
        self.assertGreaterEqual(len(want), 6)


class Cron(OnHost):
    CRONTAB = """# comment
MAILTO=root
PATH = /usr/bin
 */15  0-6 * * 1,3   /usr/local/bin/a  "b c" 100\\% # not a comment
@daily /usr/local/bin/daily
0 0 1 jan * cd /tmp && ./x
"""

    @classmethod
    def prepare(cls):
        cls.host.exec(["crontab", "-u", "ops", "-"], input=cls.CRONTAB)
        cls.write("/etc/cron.d/oracle", "SHELL=/bin/sh\n\n# no\n*/5 * * * *\tbackup\t/bin/true  x\n"
                                        "@reboot root /srv/start --now\n")
        cls.write("/etc/cron.d/not.read", "* * * * * root /bin/false\n")
        cls.write("/etc/cron.daily/not.read", "#!/bin/sh\n", "755")
        cls.write("/etc/cron.hourly/runs", "#!/bin/sh\n", "755")
        cls.write("/etc/cron.weekly/not-executable", "#!/bin/sh\n", "644")

    def jobs(self, text, with_user):
        """Independent of revet's reader: (schedule, user, command) of each job."""
        for line in text.splitlines():
            line = line.strip()
            if not line or line.startswith("#") or re.match(r"\w+\s*=", line):
                continue
            fields = 1 if line.startswith("@") else 5
            found = re.match(r"((?:\S+\s+){%d})" % fields, line)
            schedule, rest = " ".join(found[1].split()), line[found.end():]
            user = None
            if with_user:
                user, rest = rest.split(None, 1)
            yield schedule, user, rest

    def test_tables(self):
        want = []
        for schedule, user, command in self.jobs(self.read("/etc/crontab"), True):
            want.append(("/etc/crontab", "crontab", user, schedule, command))
        for name in self.sh("ls /etc/cron.d").split():
            if re.fullmatch(r"[A-Za-z0-9_-]+", name):
                for schedule, user, command in self.jobs(self.read(f"/etc/cron.d/{name}"), True):
                    want.append((f"/etc/cron.d/{name}", "cron.d", user, schedule, command))
        for user in self.sh("ls /var/spool/cron/crontabs").split():
            listed = self.out("crontab", "-l", "-u", user)
            for schedule, _, command in self.jobs(listed, False):
                want.append((f"/var/spool/cron/crontabs/{user}", "user", user, schedule, command))
        for kind in ("hourly", "daily", "weekly", "monthly"):
            for path in self.out("run-parts", "--test", f"/etc/cron.{kind}").splitlines():
                want.append((path, kind, "root", kind, path))
        rows = self.table("cron")
        got = [(r["file"], r["kind"], r["user"], r["schedule"], r["command"]) for r in rows]
        self.same(dict.fromkeys(got, "a row"), dict.fromkeys(want, "a row"), 12)
        self.assertEqual(len(got), len(want))
        for row in rows:
            self.check_program(row)

    def check_program(self, row):
        if not row["program"]:
            return
        self.assertIn(row["program"].rpartition("/")[2], row["command"])
        said = self.host.exec(["stat", "-Lc", "%U %a %F", row["program"]], check=False)
        if said.returncode or not said.stdout.strip().endswith("file"):
            self.assertIsNone(row["program_owner"])
            return
        owner, mode = said.stdout.split()[:2]
        self.assertEqual((row["program_owner"], int(row["program_mode"], 8)), (owner, int(mode, 8)))
        self.assertEqual(row["program_writable"], int(mode, 8) & 0o22 != 0 or
                         (row["user"] == "root" and owner != "root"))


if __name__ == "__main__":
    unittest.main()
