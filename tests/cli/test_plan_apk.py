# SPDX-License-Identifier: Apache-2.0
"""What `revet plan` says of packages of apk's, from its database, /etc/apk/world and its lists alone: apk itself
is not run before a change is applied (tests/host/test_apk.py)."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import unittest

from clilib import DONE, Case, run, write_tree

GONE = """title: {name} is installed
severity: low
why: A test wants it.
want: {{for: packages, where: {{name: {name}}}, want: none}}
cases:
  - pass: {{packages: []}}
  - fail: {{packages: [{{name: {name}, state: installed}}]}}
"""
THERE = """title: There is no {name}
severity: low
why: A test wants it.
want: {{for: packages, where: {{name: {name}, state: installed}}, want: some}}
cases:
  - pass: {{packages: [{{name: {name}, state: installed}}]}}
  - fail: {{packages: []}}
"""
INSTALLED = """
telnet 1.0 D:so:libtelnet.so.1 musl
telnet-libs 2.0 p:so:libtelnet.so.1=1 D:telnet-data>=1
telnet-data 3.0
telnet-doc 1.0 i:docs telnet=1.0
docs 1
musl 1.2 p:so:libc.musl-x86_64.so.1=1
kept 5 p:cmd:kept=5
asked 5 p:cmd:asked=5
rsh 1.0 p:cmd:rsh=1.0
plc 1.0 D:cmd:rsh
held 1.0
loop-a 1 D:loop-b
loop-b 1 D:loop-a
.deps 2026 D:wanted !rival
wanted 1
"""
WORLD = "telnet docs musl\nkept@edge\ncmd:asked\nplc\nheld=1.0\n!rival\n.deps=2026\nloop-a\nrsh\n"


def record(line):
    name, version, *fields = line.split(" ", 2)
    told, field = [f"C:Q1{name}", f"P:{name}", f"V:{version}", "A:x86_64"], None
    for word in " ".join(fields).split():
        if word[1:2] == ":":
            told.append(word)
        else:
            told[-1] += f" {word}"
    return "\n".join([*told, "F:usr/bin", f"R:{name}", ""]) + "\n"


def database(lines):
    return "".join(record(line) for line in lines.split("\n") if line)


def index(lines):
    """A signature and the list, each a compressed tar, of which the first has no end."""
    packed = b""
    for name, text in (".SIGN.RSA.key", "x"), ("APKINDEX", database(lines)):
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
            end = tar.offset
        packed += gzip.compress(plain.getvalue()[:end] if name != "APKINDEX" else plain.getvalue())
    return packed


class Apk(Case):
    directory = "lib/apk/db"

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.root / "var")
        write_tree(self.root, {f"{self.directory}/installed": database(INSTALLED), "etc/apk/world": WORLD,
                               "etc/apk/arch": "x86_64\n", "etc/apk/repositories": "", "sbin/apk": ""})

    def plan(self, name, text=GONE):
        write_tree(self.tmp / "rules", {"own/it.yaml": text.format(name=name)})
        made = run("plan", "--rule", "own.it", "--left", "--root", self.root,
                   env={"REVET_RULES": str(self.tmp / "rules")})
        self.assert_exit(made, DONE)
        return made.stdout

    def left(self, name, why, text=GONE):
        self.assertIn(why, self.plan(name, text))

    def test_what_goes_along(self):
        told = self.plan("telnet")
        for name, version in ("telnet", "1.0"), ("telnet-libs", "2.0"), ("telnet-data", "3.0"), ("telnet-doc", "1.0"):
            self.assertIn(f"  {name}: {version} -> (none)\n", told)
        for name in "musl", "docs", "kept":
            self.assertNotIn(f" {name}: ", told)
        self.assertIn("  loop-a: 1 -> (none)\n  loop-b: 1 -> (none)\n", self.plan("loop-a"))
        self.assertIn("  kept: 5 -> (none)\n", self.plan("kept"))

    def test_what_stays(self):
        self.left("rsh", "plc needs the package rsh")
        self.left("telnet-data", "telnet-libs needs the package telnet-data")
        self.left("telnet-libs", "telnet needs the package telnet-libs")
        self.left("telnet-doc", "apk installs the package telnet-doc for what else is there")
        self.left("wanted", ".deps needs the package wanted")
        self.left("held", "/etc/apk/world keeps the package held at =1.0")
        self.left("asked", "/etc/apk/world asks for cmd:asked, which the package asked provides")

    def test_without_what_it_takes(self):
        (self.root / "sbin/apk").unlink()
        self.left("telnet", "the package telnet is removed by hand: there is no /sbin/apk here")
        (self.root / "sbin/apk").touch()
        (self.root / "etc/apk/world").unlink()
        self.left("telnet", "the package telnet is removed by hand: ")

    def test_what_lists_offer(self):
        """Of three repositories: on this disk, in the cache as apk 2 names it, and as apk 3 does."""
        write_tree(self.root, {"etc/apk/repositories": "# one\n/srv/repo\n@edge http://edge.example\n"
                               "https://two.example/main/\n", "etc/apk/repositories.d/more.list":
                               "https://three.example/v3\n", "etc/apk/repositories.d/none.conf": "/srv/other\n"})
        lists = {"srv/repo/x86_64/APKINDEX.tar.gz": "here 1.0", "srv/other/x86_64/APKINDEX.tar.gz": "nowhere 1",
                 "var/cache/apk/APKINDEX." + hashlib.sha1(b"https://two.example/main/").hexdigest()[:8] + ".tar.gz":
                 "other 1\ntwo 2.0-r1 D:musl\nhere 1.0",
                 "var/cache/apk/APKINDEX." + hashlib.sha256(b"https://three.example/v3/x86_64/APKINDEX.tar.gz")
                 .hexdigest()[:8] + ".tar.gz": "three 3.0_git20260101\nother 2\nrival 1"}
        for name, lines in lists.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(index(lines))
        for name, version in ("here", "1.0"), ("two", "2.0-r1"), ("three", "3.0_git20260101"):
            told = self.plan(name, THERE)
            self.assertIn(f"  {name}: (none) -> {version}\n", told)
            self.assertIn("nothing is upgraded or removed for it", told)
        self.left("nowhere", "nowhere: no list of apk's offers it; see: apk update", THERE)
        self.left("other", "other is offered as 1 and as 2", THERE)
        self.left("rival", "/etc/apk/world forbids the package rival", THERE)
        (self.root / "srv/repo/x86_64/APKINDEX.tar.gz").write_bytes(b"\x1f\x8b\x08 broken")
        self.left("here", "/srv/repo/x86_64/APKINDEX.tar.gz: ", THERE)


class Merged(Apk):
    """Without a link from /lib: no /lib/apk/db is there."""

    directory = "usr/lib/apk/db"

    def test_the_table(self):
        rows = json.loads(run("table", "packages", "--root", self.root, "-f", "json").stdout)
        self.assertIn("telnet", json.dumps(rows))


if __name__ == "__main__":
    unittest.main()
