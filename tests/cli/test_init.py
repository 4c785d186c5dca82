# SPDX-License-Identifier: Apache-2.0
"""The site file that is guessed: where it goes, what is asked on a terminal, and what has changed since."""
import json
import os
import pty
import random
import re
import select
import subprocess
import unittest

import jsonschema

from clilib import CANNOT, CONFIG, DONE, FINDINGS, REVET, SANITIZERS, TOP, UNKNOWN, USAGE, Case, run, write_tree
from test_schema import schema, strict

BACKEND = TOP / "fuzz/corpus/init/backend.json"
DATABASES = {"postgresql", "mysql", "redis", "memcached", "mongodb", "docker-api", "etcd"}


def snapshot(**tables):
    return json.dumps({"format": "revet-snapshot", "version": 1, "time": "2026-01-01T00:00:00Z", "live": True,
                       "root": True, "tables": {name: {"rows": rows} for name, rows in tables.items()}})


def listener(port, process, address="0.0.0.0", protocol="tcp", scope="public", **more):
    return {"protocol": protocol, "address": address, "port": port, "scope": scope, "process": process, **more}


class Terminal:
    """revet on a terminal; answers are typed when it asks."""

    def __init__(self, *args, **env):
        self.leader, follower = pty.openpty()
        self.shown = ""
        # A terminal repeats what is typed, in its own time.
        self.process = subprocess.Popen(
            [REVET, *map(str, args)], stdin=follower, stdout=subprocess.PIPE, stderr=follower, text=True,
            env={"LC_ALL": "C.UTF-8", "REVET_SITE": "/nonexistent", "REVET_RULES": "/nonexistent", **SANITIZERS, **env})
        os.close(follower)

    def read_until(self, pattern):
        start = len(self.shown)
        while not re.search(pattern, self.shown[start:]):
            if not select.select([self.leader], [], [], 30)[0]:
                raise AssertionError(f"no {pattern!r} in {self.shown[start:]!r}")
            try:
                data = os.read(self.leader, 65536)
            except OSError:  # EIO: the last writer has gone
                break
            self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return self.shown[start:]

    def answer(self, *lines):
        """What was shown up to each question, before its answer."""
        said = []
        for line in lines:
            said.append(self.read_until(r"\n  (Enter|[^\n]*): $|: \Z"))
            os.write(self.leader, line.encode() + (b"" if line == "\x04" else b"\n"))
        return said

    def end(self):
        self.read_until(r"(?!)")
        out = self.process.communicate(timeout=30)[0]
        os.close(self.leader)
        return self.process.returncode, out


class Init(Case):
    def setUp(self):
        super().setUp()
        self.file = self.tmp / "site.yaml"
        self.snapshot = self.tmp / "snapshot.json"

    def init(self, *args, **env):
        return run("init", *args, env=env)

    def guess(self, text, *args):
        self.snapshot.write_text(text)
        return self.init("--snapshot", self.snapshot, *args)

    def check(self, *args, file=None):
        return self.init("--check", "--snapshot", self.snapshot, "--site", file or self.file, *args)


class Writing(Init):
    def test_without_a_terminal_it_prints(self):
        for more in ([], ["--no-input"]):
            ran = self.init(*more, REVET_SITE=str(self.file))
            self.assert_exit(ran, DONE)
            self.assertIn("profile: ", ran.stdout)
            self.assertIn("nothing was written: with --yes it is", ran.stderr)
            self.assertEqual(self.left_in(self.tmp), ["root"])

    def test_yes_writes(self):
        ran = self.init("--yes", REVET_SITE=str(self.file))
        self.assert_exit(ran, DONE)
        self.assertEqual(ran.stdout, self.file.read_text())
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o644)
        self.assertIn(f"wrote {self.file}", ran.stderr)
        self.assert_exit(run("audit", "--root", self.root, "--rule", "ssh.no-root-login", "--site", self.file), FINDINGS)

    def test_it_never_overwrites(self):
        self.file.write_text("# mine\n")
        for args in (["--yes"], [], ["--no-input"], ["-o", self.file], ["-o", self.file, "--yes"]):
            self.assert_refused(self.init(*args, REVET_SITE=str(self.file)), CANNOT, "is there already",
                                "revet init --check")
        (self.tmp / "link").symlink_to("nowhere")
        self.assert_refused(self.init("-o", self.tmp / "link"), CANNOT, "is there already")
        self.assertEqual(self.file.read_text(), "# mine\n")
        self.assertEqual(self.left_in(self.tmp), ["link", "root", "site.yaml"])

    def test_another_hosts_is_not_this_ones(self):
        for source in (["--root", self.root], ["--snapshot", BACKEND]):
            ran = self.init(*source, "--yes", REVET_SITE=str(self.file))
            self.assert_exit(ran, DONE)
            self.assertFalse(self.file.exists())
            self.assert_exit(self.init(*source, "-o", self.tmp / "other.yaml"), DONE)
            self.assertEqual((self.tmp / "other.yaml").read_text(), ran.stdout)
            (self.tmp / "other.yaml").unlink()

    def test_a_directory_that_is_not_there(self):
        self.assert_refused(self.init("-o", self.tmp / "no/site.yaml"), CANNOT, "No such file")

    def test_the_session_is_not_locked_out(self):
        """Whatever this machine remembers of logins: the list has the session in it, or is a comment."""
        ran = self.init(SSH_CONNECTION="203.0.113.77 1000 203.0.113.1 22")
        self.assert_exit(ran, DONE)
        if re.search(r"^  from:", ran.stdout, re.M):
            self.assertRegex(ran.stdout, r"(?m)^    - 203\.0\.113\.77$")

    def test_usage(self):
        for args, *words in ((["--site", "x"], "--check"), (["-f", "json"], "--check"),
                             (["--check", "--yes"], "writes nothing"), (["--check", "-o", "x"], "writes nothing"),
                             (["--check", "--root", self.root], "--site"), (["--check", "-f", "xml"], "json")):
            self.assert_refused(self.init(*args), USAGE, *words)
        self.assert_refused(self.init("--check"), CONFIG, "revet init")


class Recorded(Init):
    def test_of_the_logs_only_what_succeeded(self):
        """People type their password for a name."""
        write_tree(self.root, {"var/log/auth.log": (
            "2026-01-01T00:00:00+00:00 web sshd[1]: Invalid user hunter2 from 192.0.2.1 port 1\n"
            "2026-01-01T00:00:00+00:00 web sshd[1]: Accepted publickey for ops from 192.0.2.7 port 1 ssh2\n")})
        self.assert_exit(run("audit", "--root", self.root, "--rule", "ssh.no-root-login", "--record",
                             self.tmp / "recording"), FINDINGS)
        text = (self.tmp / "recording/recording").read_bytes()
        self.assertIn(b"Accepted publickey for ops", text)
        self.assertNotIn(b"hunter2", text)


class Asking(Init):
    """The answers to a small host: profile, ops, from, 443, 5432, 8080, dns, and whether to write."""

    def setUp(self):
        super().setUp()
        self.snapshot.write_text(snapshot(
            interfaces=[{"name": "eth1", "addresses": ["10.0.0.5/24"], "up": True, "kind": "ethernet"}],
            doas=[], users=[{"name": "ops", "uid": 1000, "login_shell": True, "groups": ["sudo"]}],
            authorized_keys=[{"user": "ops"}],
            sudoers=[{"users": ["%sudo"], "runas": ["ALL"], "all_commands": True, "active": True}],
            logins=[{"user": "ops", "address": "203.0.113.7", "logins": 1, "last": "2025-12-31T00:00:00Z",
                     "forgeable": False}],
            listeners=[listener(22, "sshd", user="root"), listener(443, "nginx"), listener(5432, "postgres"),
                       listener(8080, "a\x1b[2Jb")],
            peers=[], containers=[], resolver=[{"nameservers": ["10.0.0.2"]}]))

    def talk(self, *answers):
        terminal = Terminal("init", "--snapshot", self.snapshot, "-o", self.file)
        said = terminal.answer(*answers)
        return said, terminal

    def lines(self):
        return [line.strip() for line in self.file.read_text().splitlines()]

    def test_enter_takes_all(self):
        said, terminal = self.talk(*[""] * 8)
        self.assertEqual(terminal.end(), (DONE, ""))
        for text, part in zip(said, ("profile: web", "admins: ops", "203.0.113.7: ops 1 time", "{port: 443/tcp, to: world",
                                     "{port: 5432/tcp, to: lan", "{port: 8080/tcp", "reaches: dns", "write ")):
            self.assertIn(part, text)
        # What the host says never gives the terminal orders.
        self.assertNotIn("\x1b", terminal.shown)
        plain = run("init", "--snapshot", self.snapshot).stdout
        self.assertEqual(self.file.read_text(), plain)

    def test_other_answers(self):
        _, terminal = self.talk("database", "", "203.0.113.0/24 lan", "-", "10.0.0.9, 10.0.0.10", "[lan]", "n", "")
        self.assertEqual(terminal.end()[0], DONE)
        lines = self.lines()
        for line in ("profile: database", "- 203.0.113.0/24", "- lan", "# - {port: 443/tcp, to: world, what: https}",
                     "- {port: 5432/tcp, to: [10.0.0.9, 10.0.0.10], what: postgresql}",
                     "- {port: 8080/tcp, to: lan, what: a2Jb}", "reaches: []", "# - dns"):
            self.assertIn(line, lines)
        # Whoever was seen to log in is in what was answered, and what was left out is no news.
        self.assert_exit(self.check(), DONE)

    def test_what_is_wrong_is_asked_again(self):
        said, terminal = self.talk("sever", "server", "maybe", "y", "here", "10.0.0.5/8", "-", "nowhere", "", "world", "lan world",
                                   "a {b", "lan", "", "y")
        self.assertEqual(terminal.end()[0], DONE)
        for i, part in ((1, "there are: "), (3, "that is neither; Ctrl-C"), (5, "there is no network 'here'"),
                        (6, "has bits past its prefix"),
                        (8, "there is no network 'nowhere'"), (11, "'world' is everyone"),
                        (12, "neither world, nor")):
            self.assertIn(part, said[i])
        lines = self.lines()
        for line in ("profile: server", "- ops", "# from:", "# It was left out.", "- {port: 443/tcp, to: world, what: https}",
                     "- {port: 5432/tcp, to: world, what: postgresql}", "- {port: 8080/tcp, to: lan, what: a2Jb}"):
            self.assertIn(line, lines)

    def test_nobody_administers(self):
        _, terminal = self.talk("", "n", *[""] * 5)
        self.assertEqual(terminal.end()[0], DONE)
        self.assertNotIn("\nadmins:", self.file.read_text())
        self.assert_exit(self.check(), DONE)

    def test_nothing_is_written_unless_it_is_wanted(self):
        for answers in (["\x04"], ["", "", "\x04"], [*[""] * 7, "n"]):
            _, terminal = self.talk(*answers)
            code, out = terminal.end()
            self.assertEqual((code, out), (CANNOT, ""))
            self.assertIn("nothing was written", terminal.shown)
            self.assertEqual(self.left_in(self.tmp), ["root", "snapshot.json"])

    def test_one_that_came_meanwhile_stays(self):
        _, terminal = self.talk(*[""] * 7)
        self.file.write_text("# of somebody else\n")
        terminal.answer("")
        self.assertEqual(terminal.end()[0], CANNOT)
        self.assertEqual(self.file.read_text(), "# of somebody else\n")
        self.assertEqual(self.left_in(self.tmp), ["root", "site.yaml", "snapshot.json"])

    def test_an_interrupt(self):
        _, terminal = self.talk("")
        terminal.read_until(": $")
        terminal.process.send_signal(2)
        self.assertEqual(terminal.end()[0], 130)
        self.assertEqual(self.left_in(self.tmp), ["root", "snapshot.json"])

    def test_yes_and_no_input_ask_nothing(self):
        for option in ("--yes", "--no-input"):
            terminal = Terminal("init", "--snapshot", self.snapshot, option)
            code, out = terminal.end()
            self.assertEqual((code, out), (DONE, run("init", "--snapshot", self.snapshot).stdout))


class Checking(Init):
    def setUp(self):
        super().setUp()
        self.snapshot.write_bytes(BACKEND.read_bytes())
        self.file.write_text(self.init("--snapshot", BACKEND).stdout)

    def differences(self, code=FINDINGS):
        ran = self.check("-f", "json")
        self.assert_exit(ran, code)
        jsonschema.validate(json.loads(ran.stdout), strict(schema("init-check")))
        return [(d["kind"], d["object"], d["line"]) for d in json.loads(ran.stdout)["differences"]]

    def edit(self, old, new):
        text = self.file.read_text()
        self.assertIn(old, text)
        self.file.write_text(text.replace(old, new))

    def line(self, text):
        return self.file.read_text().splitlines().index(text) + 1

    def test_nothing(self):
        ran = self.check()
        self.assert_exit(ran, DONE)
        self.assertEqual(ran.stdout, "nothing has changed\n")
        self.assertEqual(self.differences(DONE), [])

    def test_each_kind(self):
        for old, new, want, about in (
                ("  - {port: 6379/tcp, to: lan, what: redis}\n", "", ("listener", "6379/tcp"), None),
                ("  - {port: 9000", "  - {port: 1000", ("listener", "9000/tcp"), None),
                ("egress:", "  - icmp\negress:", None, None),
                ("serves:\n", "serves:\n  - {port: 7/udp, to: lan}\n", ("idle", "7/udp"), "  - {port: 7/udp, to: lan}"),
                ("  - {port: 6379/tcp, to: lan,", "  - {port: 6379/tcp, to: vpn,", ("peer", "10.0.0.9"),
                 "  - {port: 6379/tcp, to: vpn, what: redis}"),
                ("    - ops\n", "    - other\n", ("admin", "ops"), None),
                ("    - ops\n", "    - ops\n    - other\n", ("no-admin", "other"), None),
                ("    - 203.0.113.7\n", "", ("origin", "203.0.113.7"), None),
                ("to: 192.0.2.1}", "to: 192.0.2.0/31}", None, None),
                ("to: 192.0.2.1}", "to: [192.0.2.2, api.example.org]}", None, None),
                ("to: 192.0.2.1}", "to: 192.0.2.2}", ("reach", "443/tcp of 192.0.2.1"), None)):
            with self.subTest(new):
                self.setUp()
                self.edit(old, new)
                if want is None:
                    self.assertEqual(self.differences(DONE), [])
                    continue
                found = self.differences()
                self.assertIn(want, [item[:2] for item in found])
                lines = [item[2] for item in found if item[:2] == want]
                if want[0] in ("no-admin", "origin"):
                    self.assertIsNotNone(lines[0])
                else:
                    self.assertEqual(lines, [about and self.line(about)])

    def test_what_is_commented_out_was_decided(self):
        for old, new in (("  - {port: 6379", "  # - {port: 6379"), ("    - 'null'", "    #- 'null'"),
                         ("  - {port: 443/tcp, to: 192.0.2.1}", "  # - {port: 443/tcp, to: 192.0.2.1}")):
            with self.subTest(new):
                self.setUp()
                self.edit(old, new)
                self.assertEqual(self.differences(DONE), [])

    def test_what_the_file_does_not_say(self):
        self.file.write_text("profile: server\n")
        ran = self.check()
        self.assert_exit(ran, DONE)
        for part in ("serves", "admins", "reaches"):
            self.assertIn(f"says nothing of {part}", ran.stderr)

    def test_what_cannot_be_seen_is_not_unchanged(self):
        whole = json.loads(BACKEND.read_text())["tables"]
        for table, what in (("listeners", "what listens"), ("containers", "containers"), ("peers", "who is connected"),
                            ("users", "accounts"), ("sudoers", "who may use sudo"), ("doas", "who may use doas"), ("authorized_keys", "keys"),
                            ("logins", "logins")):
            with self.subTest(table):
                part = {**whole, table: {**whole[table], "gap": "there is more"}}
                self.snapshot.write_text(json.dumps({**json.loads(BACKEND.read_text()), "tables": part}))
                ran = self.check()
                self.assert_exit(ran, UNKNOWN)
                self.assertEqual(ran.stdout, "nothing that could be compared has changed\n")
                self.assertIn(f"not seen: {what}: there is more", ran.stderr)
                self.assertEqual(json.loads(self.check("-f", "json").stdout)["unknown"], [f"{what}: there is more"])

    def test_a_file_that_does_not_load(self):
        self.edit("to: world", "to: wrold")
        self.assert_refused(self.check(), CONFIG, "site.yaml:", "world")


class Generated(Init):
    """Hosts that are made up: what is written loads, and right after nothing has changed."""

    COUNT = int(os.environ.get("REVET_GENERATED", "60"))
    SEED = int(os.environ.get("REVET_SEED", "1"))
    NASTY = ["nginx", "postgres", "x\n- y", "a: b", "# c", "' \" \\", "\u2028serves: []", "\u0085", "\ufeff", "{[", "-", "~",
             "null", "\x00", "\x1b[2J", "é" * 20, "", " ", "%", "0x1", "!!str", "&a *b", "world", "sshd", "docker-proxy"]
    ADDRESSES = ["0.0.0.0", "::", "10.0.0.5", "10.1.0.1", "192.168.3.4", "198.51.100.7", "2001:db8::7", "fd00::5", "fe80::1",
                 "127.0.0.1", "::1", "224.0.0.1", "255.255.255.255", "nonsense", "", "1.2.3.4/5", "::ffff:10.0.0.9"]
    PORTS = [0, 1, 22, 53, 80, 443, 1883, 3306, 5432, 6379, 8080, 8883, 40000, 60000, 60001, 61000, 65535, 65536, -1]

    def host(self, rnd):
        word, address, port = (lambda items: lambda: rnd.choice(items))(self.NASTY), lambda: rnd.choice(self.ADDRESSES), \
            lambda: rnd.choice(self.PORTS)
        some = lambda make, most=12: [make() for _ in range(rnd.randrange(most))]
        proto = lambda: rnd.choice(["tcp", "udp", "sctp"])
        return snapshot(
            interfaces=some(lambda: {"name": word(), "addresses": [f"{address()}/{rnd.choice([8, 16, 24, 32, 64, 129])}"],
                                     "up": True, "kind": rnd.choice(["ethernet", "wireguard", "bridge", word()])}, 6),
            listeners=some(lambda: listener(port(), word(), address(), proto(), rnd.choice(["public", "private", "loopback"]),
                                            unit=word(), user=word())),
            peers=some(lambda: {"protocol": proto(), "direction": rnd.choice(["in", "out"]), "port": port(),
                                "address": address(), "process": word(), "connections": 1}, 40),
            logins=some(lambda: {"user": word(), "address": address(), "logins": rnd.randrange(9),
                                 "last": "2025-12-31T00:00:00Z", "forgeable": rnd.random() < .2, "_source": word()}),
            users=some(lambda: {"name": word(), "uid": rnd.randrange(3), "login_shell": True, "groups": [word()]}),
            authorized_keys=some(lambda: {"user": word(), "_source": word() + ":1"}),
            sudoers=some(lambda: {"users": [rnd.choice(["ALL", "!ALL", "%" + word(), word()])], "runas": ["ALL"],
                                  "all_commands": True, "active": True, "_source": word()}, 4),
            doas=some(lambda: {"action": rnd.choice(["permit", "deny"]), "identity": rnd.choice([":", ""]) + word()}, 4),
            containers=some(lambda: {"name": word(), "engine": "docker", "image": word(), "active": True,
                                     "published": [f"{address()}:{port()}->{port()}/{proto()}", word()]}, 4),
            resolver=some(lambda: {"nameservers": [word(), address()]}, 2),
            apt_sources=some(lambda: {"uri": word(), "scheme": "https", "enabled": True}, 2),
            nginx=some(lambda: {"context": "server", "listen": [word(), str(port())], "tls": True}, 3))

    def test_all(self):
        for number in range(self.COUNT):
            text = self.host(random.Random(f"{self.SEED}/{number}"))
            with self.subTest(number):
                ran = self.guess(text)
                self.assert_exit(ran, DONE)
                self.assertTrue(ran.stdout.isascii() and ran.stdout.replace("\n", "").isprintable())
                self.file.write_text(ran.stdout)
                ran = self.check()
                self.assertEqual((ran.returncode, ran.stdout), (DONE, "nothing has changed\n"), ran.stderr)
                for line in self.file.read_text().splitlines():
                    what = re.match(r"  - \{port: .* to: world, what: ([\w-]+)", line)
                    self.assertNotIn(what and what[1], DATABASES)


if __name__ == "__main__":
    unittest.main()
