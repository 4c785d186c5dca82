# SPDX-License-Identifier: Apache-2.0
"""What the oracle tests share: a booted host with revet in it, and comparing with its tables.

An oracle is the program that the field asks about the same thing (ss, sshd -T, systemctl show), or,
where there is none, a reading of the file that is written apart from revet's.
"""

import io
import json
import os
import subprocess
import tarfile
import unittest

from hostlib import ENVIRONMENT, Host

REVET = os.path.join(os.path.dirname(__file__), "..", "..", "build", "revet")
SHOWN = 30
TIMEOUT = 60


def by(rows, *columns):
    """Rows by the values of some columns, which must tell them apart."""
    found = {}
    for row in rows:
        key = tuple(row.get(column) for column in columns)
        key = key[0] if len(key) == 1 else key
        assert key not in found, f"two rows are {key}"
        found[key] = row
    return found


def said(table, oracle):
    """Two values that differ; of lists only what is in one."""
    if isinstance(table, list) and isinstance(oracle, list) and sorted(table) != sorted(oracle):
        table, oracle = ([item for item in a if item not in b or a.count(item) != b.count(item)]
                         for a, b in ((table, oracle), (oracle, table)))
    return f"the table {table!r}, the oracle {oracle!r}"


def differences(got, want):
    """What two dictionaries of rows disagree on, a line each."""
    lines = []
    for key in sorted(got.keys() | want.keys(), key=str):
        if key not in want:
            lines.append(f"{key}: only in the table: {got[key]}")
        elif key not in got:
            lines.append(f"{key}: only the oracle has it: {want[key]}")
        elif got[key] != want[key] and isinstance(want[key], dict) and isinstance(got[key], dict):
            for column in got[key].keys() | want[key].keys():
                a, b = got[key].get(column), want[key].get(column)
                if a != b:
                    lines.append(f"{key}: {column}: {said(a, b)}")
        elif got[key] != want[key]:
            lines.append(f"{key}: {said(got[key], want[key])}")
    return lines


class OracleCase(unittest.TestCase):
    """Comparing; where revet runs is up to the classes below."""

    maxDiff = None

    def same(self, got, want, at_least=1):
        """Fails with each row and column that differs. An empty comparison shows nothing."""
        self.assertGreaterEqual(len(want), at_least, "the oracle has too little to compare")
        lines = differences(got, want)
        if lines:
            more = f"\n... and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
            self.fail(f"{len(lines)} differences\n" + "\n".join(lines[:SHOWN]) + more)


class OnHost(OracleCase):
    """A host of an image, started once for the class. prepare() changes it before the tests."""

    image = "iot-backend"
    kind = Host

    @classmethod
    def setUpClass(cls):
        cls.host = cls.kind.start(cls.image)
        try:
            cls.host.put_program(REVET, "/usr/local/bin/revet")
            cls.prepare()
        except BaseException:
            cls.host.stop(crash=True)
            raise

    @classmethod
    def tearDownClass(cls):
        cls.host.stop(crash=True)

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def out(cls, *argv, check=True, **kwargs):
        return cls.host.exec(argv, check=check, **{"timeout": TIMEOUT} | kwargs).stdout

    def revet(self, *argv, code=0, via=None, **kwargs):
        """Inside the host; via ssh: as the administrator, with sudo."""
        if via:
            ran = via([f"echo revet-ops | sudo -S revet {' '.join(argv)}"], **kwargs)
        else:
            ran = self.host.exec(["revet", *argv], check=False, **kwargs)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    @classmethod
    def sh(cls, script, *args, check=True):
        """A shell script of the test's own; its stdout."""
        return cls.host.exec(["sh", "-euc", script, "sh", *args], check=check,
                             timeout=TIMEOUT).stdout

    @classmethod
    def write(cls, path, text, mode="644"):
        cls.host.exec(["install", "-D", "-m", mode, "/dev/stdin", path], input=text)

    @classmethod
    def write_all(cls, files):
        """Many files at once, by their path without the slash in front."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, text in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        cls.host.exec(["tar", "-xf", "-", "-C", "/"], input=archive.getvalue(), text=False)

    @classmethod
    def read(cls, path):
        """A file of the host, its own mounts (/run) included."""
        return cls.out("cat", path)

    def setUp(self):
        self.texts = {}

    def line(self, path, number):
        """One line of a file, which is read once for the test."""
        if path not in self.texts:
            self.texts[path] = self.read(path).splitlines()
        return self.texts[path][number - 1]

    def stat(self, paths, *options):
        """What stat(1) says of each path that it can: type, mode, owner, group, uid, gid, size,
        time of change, number of links."""
        said = self.out("stat", *options, "-c", "%n|%F|%a|%U|%G|%u|%g|%s|%Y|%h", "--", *paths,
                        check=False)
        return {line.split("|")[0]: line.split("|")[1:] for line in said.splitlines()}

    def owning(self, paths):
        """The package of each program, which dpkg may know by its path before /usr was merged."""
        said = self.out("dpkg", "-S", *paths, *(p.removeprefix("/usr") for p in paths), check=False)
        owners = {path: name.partition(":")[0] for line in said.splitlines()
                  for name, path in [line.split(": ", 1)]}
        return {p: owners.get(p) or owners.get(p.removeprefix("/usr")) for p in paths}

    def table(self, name, *keys):
        return json.loads(self.out("revet", "table", name, *keys, "-f", "json"))

    def snapshot(self, name):
        """A table as the snapshot has it, which also says where each single value is from."""
        return json.loads(self.out("revet", "snapshot"))["tables"][name]["rows"]

    def audit(self, *argv, before=()):
        """An audit as its JSON; its exit code is what the results call for."""
        ran = self.host.exec([*before, "revet", "audit", "-f", "json", *argv], check=False,
                             timeout=TIMEOUT)
        return audited(self, ran)


class EachAlone(OnHost):
    """A host for each test."""

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        super().setUp()
        OnHost.setUpClass.__func__(type(self))
        self.addCleanup(OnHost.tearDownClass.__func__, type(self))


def audited(test, ran):
    audit = json.loads(ran.stdout) if ran.stdout else {"results": []}
    grave = [r["rule"] for r in audit["results"] if r["verdict"] == "fail" and not r["waived"]
             and r["severity"] in ("high", "critical")]
    test.assertEqual(ran.returncode, 2 if grave else 0, f"{grave}: {ran.stderr}")
    test.assertGreater(len(audit["results"]), 200)
    return audit


def source(row, column):
    """Where a value of a snapshot's row comes from: path and line number (0: the whole)."""
    path, _, line = (row.get("_sources", {}).get(column) or row["_source"]).rpartition(":")
    return (path, int(line)) if path and line.isdigit() else (f"{path}{line}", 0)


def tree_table(root, name, *keys):
    """A table of a tree, read from this machine."""
    argv = [REVET, "table", name, *keys, "--root", str(root), "-f", "json"]
    ran = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if ran.returncode:
        raise AssertionError(f"{argv}: exit {ran.returncode}: {ran.stderr}")
    return json.loads(ran.stdout)
