# SPDX-License-Identifier: Apache-2.0
"""unit_files: programs and environments against systemctl show, and who can change them against what the
kernel lets each user do."""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost

# Places that are somebody's in one way each, with a program in them; and what may look like one.
PLACES = """
useradd -m other; useradd -r -G deploy app
groupadd web; usermod -aG web other
place() { install -d "${1%/*}"; install -m 755 /bin/true "$1"; }
place /srv/a/own/run; chown deploy /srv/a/own/run
place /srv/a/dir/run; chown deploy /srv/a/dir
place /srv/a/deep/er/run; chown deploy /srv/a/deep
place /srv/a/group/run; chgrp web /srv/a/group/run; chmod 775 /srv/a/group/run
place /srv/a/groupdir/run; chgrp web /srv/a/groupdir; chmod 775 /srv/a/groupdir
place /srv/a/root/run; chmod 775 /srv/a/root/run
place /srv/a/open/run; chmod 777 /srv/a/open
place /srv/a/sticky/run; chmod 1777 /srv/a/sticky
place /srv/a/stickyown/run; chmod 1777 /srv/a/stickyown; chown deploy /srv/a/stickyown/run
place /srv/a/acl/run; setfacl -m u:deploy:rwx /srv/a/acl/run
place /srv/a/aclread/run; setfacl -m u:deploy:r-x -d -m u:deploy:rwx /srv/a/aclread
place /srv/a/aclgroup/run; setfacl -m g:web:rwx /srv/a/aclgroup
place /srv/a/masked/run; setfacl -m u:deploy:rwx,m::r-x /srv/a/masked/run
place /srv/a/plain/run
ln -s dir/run /srv/a/link; ln -s ../a/./plain/../own/run /srv/a/up
ln -s /srv/a/plain/run /srv/a/sticky/link; chown -h deploy /srv/a/sticky/link
ln -s /srv/a/plain/run /srv/a/plain/link; chown -h deploy /srv/a/plain/link
ln -s /srv/a/open/none /srv/a/nowhere; ln -s none /srv/a/plain/nowhere
ln -s /srv/a/open /srv/a/opendir
"""
PATHS = ["own/run", "dir/run", "deep/er/run", "group/run", "groupdir/run", "root/run", "open/run", "sticky/run",
         "stickyown/run", "acl/run", "aclread/run", "aclgroup/run", "masked/run", "plain/run", "link", "up",
         "sticky/link", "plain/link", "nowhere", "plain/nowhere", "opendir/run", "sticky/none"]
USERS = ["deploy", "other", "app", "nobody"]
UNITS = {
    "names.service": "[Service]\nUser=app\nExecStartPre=+/srv/a/own/run\nExecStart=env A=b sleep 9\n"
                     "ExecStart=\"/srv/a/plain/run\" x\nType=oneshot\nEnvironmentFile=-/srv/a/%N.env\n",
    "argv0.service": "[Service]\nExecStart=@/usr/bin/env other /srv/a/dir/run ; /usr/bin/true\nType=oneshot\n"
                     "EnvironmentFile=-/srv/a/own/*\n",
    "i@.service": "[Service]\nUser=%i\nExecStart=/srv/a/%p/%i\n",
}

# As each user: is there anything on the way that the kernel lets them rename, write or chmod?
TRY = r"""
import json, os, pwd, stat, sys
def may(action, *args):
    try:
        action(*args)
        return True
    except OSError:
        return False
def rename(path):
    os.rename(path, path + ".moved")
    os.rename(path + ".moved", path)
def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    os.unlink(path)
def can(path):
    at, rest = "", path.split("/")
    while rest:
        name = rest.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            at = os.path.dirname(at)
            continue
        entry = f"{at}/{name}"
        if not os.path.lexists(entry):
            return may(create, entry)
        if may(rename, entry):
            return True
        if os.path.islink(entry):
            target = os.readlink(entry)
            rest = target.split("/") + rest
            at = "" if target.startswith("/") else at
            continue
        if may(os.chmod, entry, stat.S_IMODE(os.stat(entry).st_mode)):
            return True
        if os.path.isfile(entry) and may(lambda: os.close(os.open(entry, os.O_WRONLY))):
            return True
        at = entry
    return False
user = pwd.getpwnam(sys.argv[1])
os.initgroups(user.pw_name, user.pw_gid)
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
print(json.dumps([can(path) for path in sys.argv[2:]]))
"""


class UnitFiles(OnHost):
    image = "iot-backend"

    @classmethod
    def prepare(cls):
        cls.host.exec(["bash", "-euc", PLACES], timeout=60)
        lines = "".join(f"ExecStart=/srv/a/{path}\n" for path in PATHS)
        for name, text in (UNITS | {"planted.service": f"[Service]\nType=oneshot\n{lines}"}).items():
            cls.write(f"/etc/systemd/system/{name}", text)
        cls.sh("systemctl daemon-reload")

    def test_who_can_change_it(self):
        can = {user: dict(zip(PATHS, json.loads(self.out("python3", "-c", TRY, user,
                                                        *(f"/srv/a/{path}" for path in PATHS)))))
               for user in USERS}
        rows = {row["path"].removeprefix("/srv/a/"): row for row in self.table("unit_files")
                if row["unit"] == "planted.service" and row["kind"] == "program"}
        want = {path: {user for user in USERS if can[user][path]} for path in PATHS}
        self.assertGreater(sum(map(bool, want.values())), 10)
        members = {"group:web": {"other"}, "everyone": set(USERS)}
        got = {path: set().union(*(members.get(name, {name}) for name in rows[path].get("changed_by") or []))
               for path in PATHS}
        self.same(got, want, at_least=len(PATHS))
        for path in PATHS:
            self.assertEqual(rows[path]["others"], bool(want[path]), path)

    def test_programs(self):
        """Of every service that systemd has loaded, and whom they run as."""
        rows = {(row["unit"], row["path"]): row["user"] for row in self.table("unit_files")
                if row["kind"] in ("program", "environment")}
        self.out("systemctl", "start", "i@deploy.service", check=False)
        units = [line.split()[0] for line in
                 self.out("systemctl", "list-unit-files", "--no-legend", "*.service").splitlines()
                 if "@" not in line.split()[0]]
        keys = [f"Exec{key}Ex" for key in ("StartPre", "Start", "StartPost", "Reload", "Stop", "StopPost")]
        compared = 0
        said = self.out("systemctl", "show", *units, "-p", ",".join(("Id", "User", "LoadState", *keys)))
        for shown in said.split("\n\n"):
            unit = re.search("^Id=(.*)", shown, re.M)[1]
            if "LoadState=loaded" not in shown:
                continue
            user = re.search(r"^User=(.*)", shown, re.M)
            for path, flags in re.findall(r"path=(/[^ ]+) ;.*?; flags=(.*?) ;", shown):
                compared += 1
                self.assertIn((unit, path), rows)
                root = {"privileged", "no-setuid", "ambient"} & set(flags.split())
                self.assertEqual(rows[unit, path], "root" if root else user and user[1] or "root", unit)
        self.assertGreater(compared, 80)
        self.assertEqual(rows["names.service", "/srv/a/own/run"], "root")
        self.assertEqual(rows["names.service", "/srv/a/names.env"], "app")
        self.assertIn(("argv0.service", "/srv/a/dir/run"), rows)
        self.assertIn(("argv0.service", "/srv/a/own/run"), rows)


if __name__ == "__main__":
    unittest.main()
