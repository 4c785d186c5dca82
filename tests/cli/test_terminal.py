# SPDX-License-Identifier: Apache-2.0
"""What depends on a terminal, which is colour alone, and what must never reach one."""
import json
import os
import pty
import select
import subprocess
import unittest

from clilib import DONE, FINDINGS, REVET, SANITIZERS, Case, run, write_tree

ESCAPE = b"\x1b"


def on_a_terminal(*args, **env):
    """The exit code, and the bytes that a terminal gets."""
    leader, follower = pty.openpty()
    with subprocess.Popen([REVET, *args], stdin=follower, stdout=follower, stderr=follower,
                          env={"LC_ALL": "C.UTF-8", "REVET_RULES": "/nonexistent",
                               **SANITIZERS, **env}) as process:
        os.close(follower)
        shown = bytearray()
        while select.select([leader], [], [], 30)[0]:
            try:
                data = os.read(leader, 65536)
            except OSError:  # EIO: the last writer has gone
                break
            shown += data
        os.close(leader)
    return process.returncode, bytes(shown)


class Color(Case):
    def setUp(self):
        super().setUp()
        self.command = ["audit", "--root", self.root, "--rule", "ssh.no-root-login"]

    def test_on_a_terminal(self):
        code, shown = on_a_terminal(*self.command, TERM="xterm")
        self.assertEqual(code, FINDINGS)
        self.assertIn(ESCAPE + b"[", shown)

    def test_not_where_it_is_not_wanted(self):
        for env in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}):
            with self.subTest(env=env):
                self.assertNotIn(ESCAPE, on_a_terminal(*self.command, **env)[1])
        self.assertNotIn(ESCAPE, on_a_terminal(*self.command, "--color", "never", TERM="xterm")[1])

    def test_an_empty_no_color_says_nothing(self):
        self.assertIn(ESCAPE, on_a_terminal(*self.command, TERM="xterm", NO_COLOR="")[1])

    def test_always(self):
        for env in ({"TERM": "dumb"}, {"NO_COLOR": "1"}, {}):
            with self.subTest(env=env):
                self.assertIn("\x1b[", run(*self.command, "--color", "always", env=env).stdout)

    def test_never_into_a_file_or_a_pipe(self):
        env = {"TERM": "xterm"}
        self.assertNotIn("\x1b", run(*self.command, env=env).stdout)
        self.assertNotIn("\x1b", run(*self.command, "--color", "auto", env=env).stdout)
        self.assertNotIn("\x1b", run(*self.command, "-f", "json", "--color", "always", env=env).stdout)

    def test_it_carries_no_meaning_alone(self):
        plain = run(*self.command, "--color", "never").stdout.splitlines()[1:]
        painted = run(*self.command, "--color", "always").stdout
        for code in ("\x1b[1;31m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[32m", "\x1b[1m", "\x1b[2m",
                     "\x1b[0m", "\x1b[m"):
            painted = painted.replace(code, "")
        self.assertEqual(painted.splitlines()[1:], plain)

    def test_the_code_is_the_same_without_a_terminal(self):
        self.assertEqual(run(*self.command).returncode, on_a_terminal(*self.command, TERM="xterm")[0])


class Locale(Case):
    def test_ascii_where_it_is_not_utf8(self):
        for locale in ("C", "POSIX"):
            result = run("audit", "-v", "--root", self.root, "--fail-on", "none", env={"LC_ALL": locale})
            self.assert_exit(result, DONE)
            self.assertTrue((result.stdout + result.stderr).isascii())

    def test_the_json_report_is_the_same_everywhere(self):
        command = ["audit", "--root", self.root, "--family", "ssh", "--fail-on", "none", "-f", "json"]
        reports = [json.loads(run(*command, env={"LC_ALL": locale, "TZ": zone}).stdout)
                   for locale, zone in (("C", "Asia/Tokyo"), ("C.UTF-8", "UTC"))]
        self.assertEqual(reports[0]["results"], reports[1]["results"])
        self.assertEqual(reports[0]["host"]["time"][:13], reports[1]["host"]["time"][:13])


class Hostile(Case):
    """Names and values of the host never get to give a terminal orders."""

    EVIL = "\x1b]0;owned\x07\x1b[2J\u009b31m\r\b\x7f"

    def setUp(self):
        super().setUp()
        write_tree(self.root, {
            "etc/hostname": f"web{self.EVIL}\n",
            "etc/os-release": f'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian{self.EVIL}"\n',
            "etc/passwd": f"root:x:0:0:{self.EVIL}:/root:/bin/sh\nb{self.EVIL}:x:0:0::/:/bin/sh\n",
            "etc/ssh/sshd_config": f"Banner /etc/{self.EVIL}\nPermitRootLogin yes{self.EVIL}\n",
        })

    def assert_clean(self, text):
        for char in text:
            self.assertFalse((ord(char) < 0x20 and char not in "\n\t") or 0x7f <= ord(char) < 0xa0,
                             (repr(char), text[:300]))

    def test_audit(self):
        result = run("audit", "-v", "--fail-on", "none", "--root", self.root)
        self.assertIn("owned", result.stdout)
        self.assert_clean(result.stdout + result.stderr)

    def test_table_and_explain(self):
        for command in (["table", "users"], ["table", "sshd"], ["table", "os"],
                        ["explain", "ssh.no-root-login"], ["explain", "accounts.only-root-uid-0"]):
            with self.subTest(command=command):
                result = run(*command, "--root", self.root)
                self.assert_clean(result.stdout + result.stderr)

    def test_json(self):
        for command in (["audit", "-f", "json", "--fail-on", "none"], ["table", "users", "-f", "json"],
                        ["snapshot"]):
            with self.subTest(command=command):
                result = run(*command, "--root", self.root)
                self.assert_exit(result, DONE)
                self.assertNotRegex(result.stdout, r"[\x00-\x09\x0b-\x1f\x7f]")

    def test_messages(self):
        for command in (["audit", "--rule", self.EVIL], ["audit", "--root", "/none" + self.EVIL],
                        ["table", self.EVIL], ["explain", self.EVIL], [self.EVIL]):
            with self.subTest(command=command):
                self.assert_clean(run(*command).stderr)


if __name__ == "__main__":
    unittest.main()
