# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: the program, and a small tree for it to read."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REVET_BUILD", TOP / "build"))  # another one, with sanitizers say
REVET = BUILD / "revet"
SANITIZERS = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}

DONE, CANNOT, FINDINGS, UNKNOWN, USAGE, PERMISSION, CONFIG = 0, 1, 2, 3, 64, 77, 78

TREE = {
    "etc/hostname": "web-01\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n",
    "etc/group": "root:x:0:\nops:x:1000:\n",
    "etc/ssh/sshd_config": "Port 22\nPermitRootLogin yes\nMaxAuthTries 5\nPasswordAuthentication no\n",
    "usr/sbin/sshd": "",
    "var/lib/dpkg/status":
        "Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.2\n\n",
}


def run(*args, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=None, timeout=60):
    """Runs revet with an environment of its own: no terminal, no user rules but those named."""
    full = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "REVET_RULES": "/nonexistent",
            "REVET_SITE": "/nonexistent"}
    full.update({**SANITIZERS, **(env or {})})
    return subprocess.run([str(REVET), *map(str, args)], env=full, stdin=stdin, stdout=stdout,
                          stderr=subprocess.PIPE, cwd=cwd, timeout=timeout, text=True, errors="replace")


def known_bug(why):
    """The test says what is right, and the program does not do it yet. Fixed: take the mark off."""
    return unittest.expectedFailure


def write_tree(root, files):
    for name, text in files.items():
        path = pathlib.Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Case(unittest.TestCase):
    """A test with a directory of its own, `tmp`, and the tree in `root`."""

    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="revet-cli-")
        self.addCleanup(temp.cleanup)
        self.tmp = pathlib.Path(temp.name)
        self.root = self.tmp / "root"
        write_tree(self.root, TREE)

    def audit(self, *args, rule="ssh.no-root-login", **more):
        """Judges one rule, which fails on the tree with severity high."""
        return run("audit", "--root", self.root, "--rule", rule, *args, **more)

    def assert_exit(self, result, code):
        self.assertEqual(result.returncode, code, (result.args, result.stderr))

    def assert_refused(self, result, code, *words):
        """The code, nothing on stdout, and one message that holds the words."""
        self.assert_exit(result, code)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Arevet: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, result.stderr)

    def left_in(self, directory):
        return sorted(entry.name for entry in pathlib.Path(directory).iterdir())


def commands():
    """The names that `revet help` lists."""
    lines = run("help").stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


OPTION = re.compile(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+))? +(.*)")


def options(command):
    """(letter or None, name, placeholder or None, text) of what `revet COMMAND --help` lists."""
    lines = run(command, "--help").stdout.splitlines()
    return [match.groups() for match in map(OPTION.fullmatch, lines) if match]
