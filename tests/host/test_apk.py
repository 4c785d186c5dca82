# SPDX-License-Identifier: Apache-2.0
"""Packages of apk's, removed and installed by apk itself, and brought back to the byte. Debian has no apk, so these
tests take one from REVET_APK, make a tree in the manner of Alpine with it, and are left out without."""

import base64
import contextlib
import fcntl
import functools
import gzip
import hashlib
import http.server
import io
import itertools
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest

from hostlib import moved, needed_libraries
from oracle import REVET
from test_change import tree
from test_packages import Quiet

APK = os.environ.get("REVET_APK")
GONE = """title: {name} is installed
severity: low
why: It is a test.
want: {{for: packages, where: {{name: {name}}}, want: none}}
risk: none
cases:
  - {{pass: {{packages: []}}}}
  - {{fail: {{packages: [{{name: {name}, state: installed}}]}}}}
"""
THERE = """title: There is no {name}
severity: low
why: It is a test.
want: {{for: packages, where: {{name: {name}, state: installed}}, want: some}}
risk: none
cases:
  - {{pass: {{packages: [{{name: {name}, state: installed}}]}}}}
  - {{fail: {{packages: []}}}}
"""
# In one line, as somebody has written it; apk writes a line for each, sorted.
WORLD = "telnet  busybox plc-tool pinned=1.0 tagged@edge !rival odd\nheld docs\n"
LOG = "var/log/apk.log"
KEY = "test@revet-1.rsa"


def pack(files, end=True):
    """A compressed tar of NAME: bytes, (mode, bytes), "-> TARGET", "= OTHER NAME" or, with a slash, a mode."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.mtime, entry.uname, entry.gname = 1700000000, "root", "root"
            mode, content = what if isinstance(what, tuple) else (0o644, what)
            if name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, what
            elif isinstance(content, str):
                entry.type = tarfile.SYMTYPE if content.startswith("-> ") else tarfile.LNKTYPE
                entry.linkname, entry.mode = content.split(" ")[1], 0o777
            else:
                entry.size, entry.mode = len(content), mode
                entry.pax_headers = {"APK-TOOLS.checksum.SHA1": hashlib.sha1(content).hexdigest()}
            if name.startswith((".", "APKINDEX", "DESCRIPTION")):
                entry.pax_headers = {}
            tar.addfile(entry, io.BytesIO(content if entry.isreg() else b""))
        size = tar.offset
    return gzip.compress(plain.getvalue() if end else plain.getvalue()[:size], mtime=0)


def with_parents(files):
    all_files = {}
    for name, what in files.items():
        parts = name.rstrip("/").split("/")[:-1]
        for i in range(len(parts)):
            all_files.setdefault("/".join(parts[:i + 1]) + "/", 0o755)
        all_files[name] = what
    return all_files


class Repository:
    """Packages in the format of apk 2, which both read, with an index; both are signed."""

    def __init__(self, directory):
        self.directory = directory
        self.records = {}
        os.makedirs(f"{directory}/x86_64", exist_ok=True)

    def make_key(self, public):
        self.key = f"{self.directory}.key"
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout", "-out", public], check=True, capture_output=True)

    def signed(self, data):
        made = subprocess.run(["openssl", "dgst", "-sha1", "-sign", self.key], input=data, check=True,
                              capture_output=True)
        return pack({f".SIGN.RSA.{KEY}.pub": made.stdout}, end=False) + data

    def add(self, name, version, files=None, scripts=None, **fields):
        """fields: depend, provides, install_if, triggers, with blanks between."""
        data = pack(with_parents(files or {f"usr/share/{name}/file": name.encode()}))
        told = {"pkgname": name, "pkgver": version, "pkgdesc": "test", "url": "-", "builddate": "1700000000",
                "size": "4096", "arch": "x86_64", "origin": name, "license": "MIT"}
        info = [f"{key} = {value}" for key, value in told.items()]
        for key, value in fields.items():
            info += [f"{key} = {value}"] if key == "triggers" else [f"{key} = {word}" for word in value.split()]
        info.append(f"datahash = {hashlib.sha256(data).hexdigest()}")
        control = pack({".PKGINFO": ("\n".join(info) + "\n").encode(),
                        **{f".{kind}": (0o755, f"#!/bin/sh\n{script}\n".encode())
                           for kind, script in (scripts or {}).items()}}, end=False)
        whole = self.signed(control) + data
        with open(f"{self.directory}/x86_64/{name}-{version}.apk", "wb") as file:
            file.write(whole)
        record = {"C": "Q1" + base64.b64encode(hashlib.sha1(control).digest()).decode(), "P": name, "V": version,
                  "A": "x86_64", "S": len(whole), "I": 4096, "T": "test", "U": "-", "L": "MIT", "o": name,
                  "t": 1700000000, "D": fields.get("depend"), "p": fields.get("provides"),
                  "i": fields.get("install_if")}
        self.records[name, version] = "".join(f"{k}:{v}\n" for k, v in record.items() if v) + "\n"
        index = {"DESCRIPTION": b"test", "APKINDEX": "".join(self.records.values()).encode()}
        with open(f"{self.directory}/x86_64/APKINDEX.tar.gz", "wb") as file:
            file.write(self.signed(pack(index)))


TELNET = {
    "etc/telnet.conf": b"theirs\n", "etc/telnet.d/": 0o750, "etc/telnet.d/other.conf": b"theirs\n",
    "usr/bin/telnet-multi": (0o4755, bytes(200000)), "usr/bin/telnet-hard": "= usr/bin/telnet-multi",
    "usr/bin/telnet-soft": "-> telnet-multi", "var/lib/telnet/state": b"state\n", "opt/telnet/data": b"data\n",
    "lib/telnet/module": b"module\n", "sbin/telnetd": (0o755, b"#!/bin/sh\n"),
}
# Links that no list has, as busybox's own packages make and remove them.
TELNET_SCRIPTS = {
    "post-install": "ln -s /usr/bin/telnet-multi /usr/bin/telnet-7",
    "pre-deinstall": "rm -f /usr/bin/telnet-7; echo going >>/etc/telnet-was-here",
    "post-deinstall": "touch /etc /run/began; [ ! -e /run/slow ] || sleep 3",
}
LOGROTATE = {
    "etc/logrotate.conf": b"theirs\n", "usr/sbin/logrotate": (0o755, b"#!/bin/sh\n"),
    "var/lib/logrotate/status": b"state\n",
}
LOGROTATE_SCRIPTS = {
    "pre-install": "echo rotator:x:990: >>/etc/group",
    "post-install": "echo here >>/etc/logrotate-was-here; chmod 640 /etc/mine.conf; touch /run/began; "
                    "[ ! -e /run/slow ] || sleep 3",
}


@unittest.skipUnless(APK, "REVET_APK names no apk, and Debian has none")
class Apk(unittest.TestCase):
    """One tree for all, of which each test has a copy."""

    merged = False

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="revet-apk-")
        cls.addClassCleanup(shutil.rmtree, cls.made)
        root = cls.stock = f"{cls.made}/stock"
        for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc/apk/keys", "var/lib/revet", "var/cache/apk",
                     "var/log", "run", "tmp", "proc", "dev", "root"):
            os.makedirs(f"{root}/{name}")
        for name in "bin", "sbin", "lib", "lib64":
            if cls.merged:
                os.symlink(f"usr/{name}", f"{root}/{name}")
            else:
                os.mkdir(f"{root}/{name}")
        for program, to in ((APK, "sbin/apk"), (shutil.which("busybox"), "bin/busybox"),
                            (shutil.which("wget"), "usr/sbin/wget")):
            shutil.copy(program, f"{root}/{to}")
            for library in needed_libraries(program):
                os.makedirs(os.path.dirname(root + library), exist_ok=True)
                shutil.copy(os.path.realpath(library), root + library)
        os.mknod(f"{root}/dev/null", 0o20666, os.makedev(1, 3))
        for name, text in {"etc/apk/arch": "x86_64\n", "etc/apk/repositories": "/srv/repo\n@edge /srv/edge\n",
                           "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n",
                           "etc/mine.conf": "mine\n", "etc/apk/world": "\n"}.items():
            with open(f"{root}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        repo, edge = Repository(f"{root}/srv/repo"), Repository(f"{root}/srv/edge")
        repo.make_key(f"{root}/etc/apk/keys/{KEY}.pub")
        edge.key = repo.key
        cls.fill(repo, edge)
        cls.inside(root, "/bin/busybox", "--install", "-s")
        cls.inside(root, "apk", "add", "--initdb", *WORLD.replace("held", "held=1.0").split())
        cls.inside(root, "apk", "add")  # makes the lock
        with open(f"{root}/etc/apk/world", "w", encoding="utf-8") as file:
            file.write(WORLD)
        with open(f"{root}/etc/telnet.conf", "a", encoding="utf-8") as file:
            file.write("mine\n")

    @staticmethod
    def fill(repo, edge):
        repo.add("busybox", "1.0", triggers="/bin /usr/bin", scripts={
            "trigger": "for dir; do echo $dir; done >>/var/log/triggered"})
        repo.add("telnet", "1.0", TELNET, TELNET_SCRIPTS, depend="so:libtelnet.so.1 busybox")
        repo.add("telnet-libs", "2.0", {"usr/lib/libtelnet.so.1": bytes(1000)}, provides="so:libtelnet.so.1=1")
        repo.add("telnet-doc", "1.0", install_if="docs telnet=1.0")
        repo.add("docs", "1")
        repo.add("rsh", "1.0", provides="cmd:rsh=1.0")
        repo.add("plc-tool", "1.0", depend="cmd:rsh")
        repo.add("pinned", "1.0")
        repo.add("pinned", "2.0")
        repo.add("held", "1.0")
        repo.add("held", "2.0")
        repo.add("odd", "1.0_git2026-r1")
        edge.add("tagged", "1.0")
        repo.add("logrotate", "3.21-r0", LOGROTATE, LOGROTATE_SCRIPTS, depend="rotation-library>=2")
        repo.add("rotation-library", "2.0", {"opt/rotation/library": b"", "srv/rotation/deep/file": b""})
        repo.add("upgrading", "1", depend="held>=2")
        repo.add("conflicting", "1", depend="!odd")
        repo.add("lacking", "1", depend="nothing-of-that-name")
        repo.add("failing", "1", scripts={"post-install": "echo more >>/etc/hosts; exit 1"})
        repo.add("overwriting", "1", {"usr/share/odd/file": b"other"})
        repo.add("rival", "1")
        repo.add("vanished", "1")
        os.remove(f"{repo.directory}/x86_64/vanished-1.apk")

    @staticmethod
    def inside(root, *argv, check=True):
        ran = subprocess.run(["chroot", root, *argv], capture_output=True, text=True,
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if check and ran.returncode:
            raise AssertionError(f"{argv}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def setUp(self):
        self.root = f"{self.made}/{self.id().rpartition('.')[2]}"
        subprocess.run(["cp", "-a", self.stock, self.root], check=True)
        self.addCleanup(shutil.rmtree, self.root)
        self.rules = f"{self.made}/rules"
        os.makedirs(f"{self.rules}/own", exist_ok=True)
        self.addCleanup(shutil.rmtree, self.rules)

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def rule(self, name, text):
        with open(f"{self.rules}/own/{name}.yaml", "w", encoding="utf-8") as file:
            file.write(text.format(name=name))
        return ["--rule", f"own.{name}"]

    def gone(self, name):
        return self.rule(name, GONE)

    def there(self, name):
        return self.rule(name, THERE)

    def revet(self, *argv, code=0):
        ran = subprocess.run([REVET, *argv, "--root", self.root], capture_output=True, text=True, timeout=120,
                             env={**os.environ, "REVET_RULES": self.rules})
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def installed(self):
        return self.inside(self.root, "apk", "info", "-v").split()

    def seen(self):
        """But for what tells that apk was run."""
        seen = tree(self.root)
        return {n: s[:5] if n in ("var/log", "run", "lib/apk") else s for n, s in seen.items()
                if n not in (LOG, "var/log/triggered", "run/began") and not n.startswith(("run/apk", "var/lib/revet"))}

    def same(self, before, in_seconds=False):
        after = self.seen()
        if in_seconds:
            before, after = ({name: [*what[:5], what[5] // 10**9, *what[6:]] if what[0] != stat.S_IFLNK else what
                              for name, what in seen.items() if len(what) > 5} for seen in (before, after))
        self.assertEqual(moved(before, after), {})

    def ways_back(self):
        """revet itself, and the script: with the tools of this machine, and in the tree with busybox's alone."""
        script = "/var/lib/revet/changes/0001/undo.sh"
        return {"revert": lambda: self.revet("revert"),
                "script": lambda: subprocess.run(["sh", self.root + script, self.root], check=True,
                                                 capture_output=True),
                "busybox": lambda: self.inside(self.root, "sh", script, "/")}

    def there_and_back(self, rules, check):
        before, packages = self.seen(), self.installed()
        for name, undo in self.ways_back().items():
            with self.subTest(name):
                self.revet("apply", *rules)
                check()
                undo()
                self.same(before, name == "busybox")
                self.assertEqual(self.installed(), packages)
                before = self.seen()
                self.assertEqual(self.inside(self.root, "apk", "audit", "--packages"), self.audited)
                shutil.rmtree(self.path("var/lib/revet/changes"))

    def test_gone_and_back(self):
        rules, before = self.gone("telnet"), self.seen()
        self.audited = self.inside(self.root, "apk", "audit", "--packages")
        plan = self.revet("plan", *rules)
        self.assertIn("  telnet: 1.0 -> (none)\n", plan)
        self.assertIn("  telnet-libs: 2.0 -> (none)\n", plan)
        self.assertIn("  telnet-doc: 1.0 -> (none)\n", plan)
        self.same(before)

        def check():
            for name in ("usr/bin/telnet-7", "usr/bin/telnet-multi", "usr/bin/telnet-soft", "etc/telnet.d",
                         "opt/telnet", "usr/lib/libtelnet.so.1", "usr/share/telnet-doc", "lib/telnet", "sbin/telnetd"):
                self.assertFalse(os.path.lexists(self.path(name)), name)
            self.assertEqual(self.read("etc/telnet.conf"), "theirs\nmine\n")
            self.assertEqual(self.read("etc/telnet-was-here"), "going\n")
            self.assertEqual(sorted(self.read("etc/apk/world").split()),
                             sorted(word for word in WORLD.split() if word != "telnet"))
            self.assertNotIn("telnet", " ".join(self.installed()))
        self.there_and_back(rules, check)

    def test_installed_and_back(self):
        rules = self.there("logrotate")
        self.audited = self.inside(self.root, "apk", "audit", "--packages")
        plan = self.revet("plan", *rules)
        self.assertIn("  logrotate: (none) -> 3.21-r0\n", plan)
        self.assertIn("nothing is upgraded or removed for it", plan)

        def check():
            for name in ("usr/sbin/logrotate", "opt/rotation/library", "srv/rotation/deep/file",
                         "etc/logrotate-was-here", "var/lib/logrotate/status"):
                self.assertTrue(os.path.exists(self.path(name)), name)
            self.assertIn("rotator", self.read("etc/group"))
            self.assertEqual(sorted(self.read("etc/apk/world").split()), sorted([*WORLD.split(), "logrotate"]))
            self.assertIn("rotation-library-2.0", self.installed())
            self.assertIn("held-1.0", self.installed())
            self.assertFalse(os.path.lexists(self.path("var/lib/revet/changes/0001/before/0.fetched")))
        self.there_and_back(rules, check)

    def test_both_at_once(self):
        rules, before = self.gone("telnet") + self.there("logrotate"), self.seen()
        self.revet("apply", *rules)
        self.assertNotIn("telnet-1.0", self.installed())
        self.assertIn("logrotate-3.21-r0", self.installed())
        self.revet("revert")
        self.same(before)

    def test_a_configuration_that_is_there(self):
        """apk lays the package's own beside it."""
        with open(self.path("etc/logrotate.conf"), "w", encoding="utf-8") as file:
            file.write("mine\n")
        before = self.seen()
        self.revet("apply", *self.there("logrotate"))
        self.assertEqual(self.read("etc/logrotate.conf"), "mine\n")
        self.assertEqual(self.read("etc/logrotate.conf.apk-new"), "theirs\n")
        self.revet("revert")
        self.same(before)

    def test_what_is_left_alone(self):
        os.rename(self.path("sbin/apk"), self.path("sbin/apk.away"))
        before = self.seen()
        self.assertIn("there is no /sbin/apk here", self.revet("plan", "--left", *self.gone("telnet")))
        self.same(before)
        os.rename(self.path("sbin/apk.away"), self.path("sbin/apk"))
        for rules, why in (
                (self.gone("rsh"), "plc-tool needs the package rsh"),
                (self.gone("telnet-libs"), "telnet needs the package telnet-libs"),
                (self.gone("pinned"), "/etc/apk/world keeps the package pinned at =1.0"),
                (self.there("rival"), "/etc/apk/world forbids the package rival"),
                (self.there("nowhere"), "no list of apk's offers it")):
            self.assertIn(why, self.revet("plan", "--left", *rules))

    def refused(self, rules, *why):
        before = self.seen()
        told = self.revet("apply", *rules, code=4)
        for words in why:
            self.assertIn(words, told)
        self.same(before)

    def test_what_apk_would_do_besides(self):
        self.refused(self.there("upgrading"), "it would do more: Upgrading held (1.0 -> 2.0)")
        self.refused(self.there("conflicting"), "odd")
        self.refused(self.there("lacking"), "nothing-of-that-name (no such package)")
        self.refused(self.there("vanished"), "vanished")

    def test_what_goes_wrong_half_way(self):
        self.refused(self.there("failing"), "everything is as it was")
        self.refused(self.there("overwriting"), "overwrite usr/share/odd/file")

    def test_somebody_has_asked_for_it_since(self):
        """Between plan and apply: apk would keep it, and say that all is well."""
        rules = self.gone("odd")
        self.revet("plan", *rules, "-o", f"{self.root}.plan")
        self.inside(self.root, "apk", "add", "--virtual", ".mine", "odd")
        self.refused([f"{self.root}.plan"], "it would keep odd", ".mine")

    def test_a_database_that_others_have_changed(self):
        self.revet("apply", *self.gone("telnet"))
        self.inside(self.root, "apk", "add", "pinned=2.0")
        told = self.revet("revert", code=1)
        self.assertIn("/lib/apk/db/installed: somebody has installed or removed packages since", told)
        self.assertNotIn("telnet-1.0", self.installed())
        self.revet("revert", "--force", "1")
        self.assertIn("telnet-1.0", self.installed())
        self.assertEqual(self.read("etc/apk/world"), WORLD)

    def test_a_lock_that_is_held(self):
        rules = self.gone("telnet")
        with open(self.path("lib/apk/db/lock"), "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(rules, "/lib/apk/db/lock: another apk is at work")
            before = self.seen()
            threading.Timer(3, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
            self.revet("apply", *rules)
        self.revet("revert")
        self.same(before)

    @contextlib.contextmanager
    def served(self):
        """The repository over the network, as long as it lasts."""
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=self.path("srv/repo")))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open(self.path("etc/apk/repositories"), "w", encoding="utf-8") as file:
            file.write(f"http://127.0.0.1:{server.server_port}\n@edge /srv/edge\n")
        try:
            self.inside(self.root, "apk", "update")
            yield
        finally:
            server.shutdown()
            server.server_close()

    def test_over_the_network(self):
        rules = self.there("logrotate")
        with self.served():
            before = self.seen()
            self.revet("apply", *rules)
            self.assertIn("logrotate-3.21-r0", self.installed())
            self.revet("revert")
            self.same(before)
        # The lists are there still.
        self.refused(rules, "logrotate-3.21-r0: ")
        before = self.seen()
        self.revet("apply", *self.gone("telnet"))
        self.revet("revert")
        self.same(before)

    def kill(self, rules, whom):
        """Once a script of the package runs."""
        with open(self.path("run/slow"), "w", encoding="utf-8"):
            pass
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path("run/began"))
        applied = subprocess.Popen([REVET, "apply", *rules, "--root", self.root], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env={**os.environ, "REVET_RULES": self.rules})
        for _ in range(200):
            if os.path.exists(self.path("run/began")):
                break
            time.sleep(0.05)
        listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
        apk = [pid for pid, parent, comm in map(str.split, listed.splitlines())
               if comm == "apk" and int(parent) == applied.pid]
        self.assertEqual(len(apk), 1, listed)
        if "revet" in whom:
            applied.kill()
        if "apk" in whom:
            os.kill(int(apk[0]), 9)
        os.remove(self.path("run/slow"))
        told, _ = applied.communicate(timeout=60)
        return applied.returncode, told

    def test_killed_at_work(self):
        before = self.seen()
        for rules, whom in itertools.product((self.there("logrotate"), self.gone("telnet")),
                                             (("revet", "apk"), ("revet",), ("apk",))):
            with self.subTest(rules=rules, whom=whom):
                code, told = self.kill(rules, whom)
                if "revet" in whom:
                    # apk, where it was left behind, is at work still.
                    self.revet("revert", "--unconfirmed")
                else:
                    self.assertEqual(code, 4, told)
                self.same(before)
                shutil.rmtree(self.path("var/lib/revet/changes"))




class Merged(Apk):
    """/bin, /lib and their like are links into /usr, and packages' lists may say either."""

    merged = True


for _name in unittest.defaultTestLoader.getTestCaseNames(Apk):
    if _name not in ("test_gone_and_back", "test_both_at_once"):
        setattr(Merged, _name, None)


if __name__ == "__main__":
    unittest.main()
