# SPDX-License-Identifier: Apache-2.0
"""What revet says of recorded hosts, to the byte, and what must hold for any recording."""

import concurrent.futures
import difflib
import errno
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import golden

MAX_BYTES = 5 << 20
UPDATE = "tests/golden/run --update, once each line of the difference is meant"
RECORD = "tests/golden/run --record HOST, as root"

# What the test hosts hold and no recording may: see tests/host/images.
SECRETS = {
    "a password hash": rb"\$(?:y|gy|7|6|5|1|2[abxy]|md5|sha1)\$[^:\s]",
    "a private key": rb"PRIVATE KEY",
    "the token of the demo app": rb"0123456789abcdef0123456789abcdef",
    "the administrator's password": rb"revet-ops|revet-root",
}

# Operations that are denied one at a time; files of which there are many and one shows it for all.
ASKED = ("read", "list", "run", "query")
# Passes for what the boot sets when what is in force now may not be read.
KNOWN = {"kernel.protected-links"}
SAME_KIND = r"keyrings/|trusted\.gpg\.d/|/usr/lib/systemd/system/"


def difference(want, got, name):
    lines = [text.decode(errors="backslashreplace").splitlines() for text in (want, got)]
    return "\n".join(difflib.unified_diff(*lines, f"{name} as expected", f"{name} now", lineterm=""))


def results(text):
    """A JSON report as {rule: all that is said of it}."""
    return {result["rule"]: result for result in json.loads(text)["results"]}


class Expected(unittest.TestCase):
    """Every output of every host is what its file says."""

    def test_outputs(self):
        for host in golden.hosts():
            with golden.unpacked(host) as cwd:
                for name, output in golden.outputs(host).items():
                    with self.subTest(host=host, output=name):
                        self.check(golden.HERE / host / f"expected.{name}", output(host, cwd))

    def check(self, path, got):
        name = f"{path.parent.name}/{path.name}"
        self.assertTrue(path.exists(), f"there is no {name}: {UPDATE}")
        want = path.read_bytes()
        if want != got:
            self.fail(f"{difference(want, got, name)}\n{UPDATE}")

    def test_no_file_is_left_over(self):
        want = {f"{host}/expected.{name}" for host in golden.hosts()
                for name in golden.outputs(host)}
        found = {str(path.relative_to(golden.HERE)) for path in golden.HERE.glob("*/*")
                 if path.parent.name != "__pycache__"}
        self.assertEqual(found, want)


class Recordings(unittest.TestCase):
    """What is in the recordings."""

    def test_no_secret(self):
        for host in golden.hosts():
            for what, pattern in SECRETS.items():
                found = re.search(pattern, golden.recording(host))
                self.assertIsNone(found, f"{host}: {what}: {found}")

    def test_small(self):
        size = sum(path.stat().st_size for path in golden.HERE.rglob("*") if path.is_file())
        self.assertLess(size, MAX_BYTES)

    def test_complete(self):
        """Every question of every rule and table was asked when the recording was made."""
        tables = golden.tables()
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                done = golden.revet("snapshot", "--root", host, cwd=cwd)
                self.assertEqual(tables, list(json.loads(done.stdout)["tables"]))
                missing = re.findall(rb'"[^"]*not in the recording[^"]*"', done.stdout)
                self.assertEqual(missing[:9], [], f"{len(missing)} in all: {RECORD}")


class Properties(unittest.TestCase):
    """What holds for any recording."""

    def test_twice_is_the_same(self):
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                for kind in golden.formats():
                    once, again = (golden.audit(host, kind, cwd) for _ in range(2))
                    self.assertEqual(once, again, difference(once, again, kind))

    def test_order_of_tables_does_not_matter(self):
        one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                many = golden.said(golden.revet("snapshot", "--root", host, cwd=cwd))
                single = golden.said(golden.revet("snapshot", "--root", host, cwd=cwd, prefix=one))
                self.assertEqual(many, single, difference(many, single, host))

    def test_only_text_depends_on_the_locale(self):
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                for kind in set(golden.formats()) - {"text"}:
                    self.assertEqual(golden.audit(host, kind, cwd),
                                     golden.audit(host, kind, cwd, LC_ALL="C"), kind)

    def test_a_site_file_is_made_of_each(self):
        """What revet init guesses of a host loads, and right after nothing has changed."""
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                made = golden.revet("init", "--root", host, cwd=cwd)
                self.assertEqual(made.returncode, 0, made.stderr)
                (cwd / "site.yaml").write_bytes(made.stdout)
                (cwd / "site.yaml").chmod(0o644)
                of = ("--root", host, "--site", "site.yaml")
                checked = golden.revet("init", "--check", *of, cwd=cwd)
                # Of a tree nobody can tell what is connected, and what that changed.
                self.assertIn((checked.returncode, checked.stdout), (
                    (0, b"nothing has changed\n"), (3, b"nothing that could be compared has changed\n")),
                    checked.stderr)
                audited = golden.revet("audit", *of, "--family", "ssh", cwd=cwd)
                self.assertIn(audited.returncode, (0, 2), audited.stderr)

    def test_snapshot_is_judged_the_same(self):
        for host in golden.hosts():
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                golden.revet("snapshot", "--root", host, "-o", "snapshot", cwd=cwd)
                asked = ("audit", "-f", "json", "--fail-on", "none")
                direct = results(golden.revet(*asked, "--root", host, cwd=cwd).stdout)
                later = results(golden.revet(*asked, "--snapshot", "snapshot", cwd=cwd).stdout)
                for rule, result in direct.items():
                    self.assertEqual(later[rule], result, rule)
                self.assertEqual(later.keys(), direct.keys())

    def test_snapshot_keeps_every_table(self):
        for host in golden.hosts():
            if host not in golden.SAMPLE:
                continue
            with golden.unpacked(host) as cwd, self.subTest(host=host):
                golden.revet("snapshot", "--root", host, "-o", "snapshot", cwd=cwd)
                for table in golden.tables():
                    asked = ("table", table, "-f", "json")
                    direct = golden.revet(*asked, "--root", host, cwd=cwd)
                    later = golden.revet(*asked, "--snapshot", "snapshot", cwd=cwd)
                    self.assertEqual(later.stdout, direct.stdout, table)
                    self.assertEqual(later.stderr, direct.stderr, table)

    def test_nothing_recorded_is_nothing_known(self):
        """A recording of no answers at all: no rule is decided, and no table looks empty."""
        for live in (1, 0):
            with self.subTest(live=live), golden.replaying(
                    b"revet-recording 1\nlive %d\nuid 0\ntime 1767225600" % live, []) as cwd:
                done = golden.revet("audit", "--root", ".", "-f", "json", cwd=cwd)
                for rule, result in results(done.stdout).items():
                    self.assertEqual(result["verdict"], "unknown", rule)
                for table in golden.tables():
                    done = golden.revet("table", table, "-f", "json", "--root", ".", cwd=cwd)
                    self.assertTrue(done.stderr or b'"unknown"' in done.stdout, table)

    def test_what_is_not_read_decides_nothing(self):
        """Each answer in turn becomes `permission denied`: what failed or was unknown does not pass
        for it, and what passed does not fail."""
        host = "flawed"
        head, found = golden.entries(golden.recording(host))
        before = self.verdicts(head, found)
        cases = [i for i, entry in enumerate(found) if entry[0].partition('/')[0] in ASKED and not entry[1]
                 and not re.search(SAME_KIND, entry[2])]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            after = pool.map(lambda i: self.verdicts(head, self.denied(found, i)), cases)
            for i, verdicts in zip(cases, after):
                with self.subTest(denied=found[i][0::2][:2]):
                    moved = {rule: (before[rule], now) for rule, now in verdicts.items()
                             if now != before[rule] and now != "unknown" and rule not in KNOWN
                             and {now, before[rule]} != {"pass", "not_applicable"}}
                    self.assertEqual(moved, {})

    def test_half_a_recording(self):
        """Cut anywhere it is refused; cut between two answers it decides nothing else."""
        text = golden.recording("rpm-tree")
        before = self.verdicts(*golden.entries(text))
        for length in range(100, len(text), 487):
            with self.subTest(length=length), golden.replaying(text[:length], None) as cwd:
                done = golden.revet("audit", "--root", ".", "-f", "json", cwd=cwd)
                if done.returncode == 1:
                    self.assertIn(b"recording: damaged", done.stderr)
                    continue
                for rule, result in results(done.stdout).items():
                    self.assertIn(result["verdict"], (before[rule], "unknown"), rule)

    @staticmethod
    def denied(found, i):
        op, _, subject, _ = found[i]
        return [*found[:i], (op, errno.EACCES, subject, b""), *found[i + 1:]]

    @staticmethod
    def verdicts(head, found):
        with golden.replaying(head, found) as cwd:
            done = golden.revet("audit", "--root", ".", "-f", "json", cwd=cwd)
        return {rule: result["verdict"] for rule, result in results(done.stdout).items()}


if __name__ == "__main__":
    unittest.main()
