# SPDX-License-Identifier: Apache-2.0
"""`revet test`: the files of tests/gossfiles, each of which says what must come of it, and the command."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import unittest
import xml.etree.ElementTree as xml

import clilib
import servers
from clilib import CONFIG, DONE, FINDINGS, PERMISSION, REVET, TOP, USAGE, Case, run

GOSSFILES = TOP / "tests/gossfiles"


def fill(directory):
    """What the files look at."""
    plain = b"server web\n  listen 443;\n}\n"
    (directory / "plain").write_bytes(plain)
    (directory / "plain").chmod(0o640)
    for kind in ("md5", "sha256", "sha512"):
        (directory / f"plain.{kind}").write_text(hashlib.new(kind, plain).hexdigest() + "\n")
    (directory / "data.json").write_text('{"name": "web", "ports": [80, 443]}\n')
    (directory / "directory").mkdir()
    (directory / "directory").chmod(0o1777)
    (directory / "link").symlink_to("plain")
    (directory / "dangling").symlink_to("/nowhere")
    os.mkfifo(directory / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(directory / "socket"))


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@unittest.skipUnless(os.geteuid() == 0, "as root, whose files these are")
class Gossfiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(cls.enterClassContext(clilib.tempfile.TemporaryDirectory()))
        fill(cls.tmp)
        tcp6 = cls.enterClassContext(socket.create_server(("::1", 0), family=socket.AF_INET6))
        web, tls, (dns, _) = servers.web(), servers.web_with_tls(cls.tmp), servers.names()
        cls.vars = json.dumps({
            "dir": str(cls.tmp), "http": web.server_port, "https": tls.server_port,
            "dns": dns.server_address[1], "tcp6": tcp6.getsockname()[1], "closed": closed_port(),
            "process": pathlib.Path("/proc/self/comm").read_text().strip(),
            "arch": subprocess.run(["dpkg", "--print-architecture"], capture_output=True,
                                   text=True).stdout.strip()})
        # A checkout may be writable by a group, or somebody else's.
        cls.files = cls.tmp / "gossfiles"
        shutil.copytree(GOSSFILES, cls.files)
        for path in [cls.files, *cls.files.rglob("*")]:
            os.chown(path, 0, 0)
            path.chmod(0o755 if path.is_dir() else 0o644)

    @classmethod
    def enterClassContext(cls, context):
        value = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return value

    def test_each_file(self):
        files = sorted(self.files.rglob("*.yaml"))
        self.assertGreater(len(files), 150)
        for path in files:
            with self.subTest(str(path.relative_to(self.files))):
                self.check(path)
        self.assertFalse((self.tmp / "must-not-be").exists())

    def check(self, path):
        head = re.findall(r"^# (exit|args|says) (.*)$", path.read_text(), re.M)
        args = [word for key, words in head if key == "args" for word in shlex.split(words)]
        if "--vars-inline" in args:  # one value for all: those of the file over ours
            args = ["--vars", self.write_vars(), "--vars-inline",
                    " ".join(args[args.index("--vars-inline") + 1:])]
        else:
            args += ["--vars-inline", self.vars]
        result = run("test", "-f", "tap", *args, path, cwd=self.tmp,
                     env={"REVET_TEST": "from outside", "no_proxy": ""})
        told = re.sub(r"\\([\\#])", r"\1", result.stdout) + result.stderr
        self.assertEqual(result.returncode, int(dict(head)["exit"]), told)
        for key, words in head:
            if key == "says":
                self.assertIn(words, told)
        self.check_counts(result)

    def write_vars(self):
        path = self.tmp / "vars.json"
        path.write_text(self.vars)
        path.chmod(0o644)
        return path

    def check_counts(self, result):
        """Fails exactly when something does, and each test is there once."""
        if result.returncode not in (DONE, FINDINGS):
            self.assertEqual(result.stdout, "")
            return
        plan, *lines = result.stdout.splitlines()
        self.assertEqual(plan, f"1..{len(lines)}")
        self.assertEqual([int(re.match(r"(?:not )?ok (\d+) - ", line)[1]) for line in lines],
                         list(range(1, len(lines) + 1)))
        self.assertEqual(any(line.startswith("not ok") for line in lines),
                         result.returncode == FINDINGS)

    def test_a_file_in_json(self):
        path = self.tmp / "goss.json"
        path.write_text(json.dumps({"file": {"/etc/passwd": {"exists": True, "mode": "0644"}},
                                    "matching": {"a": {"content": "\u00e9\"\\/", "matches": "\u00e9\"\\/"}}},
                                   indent="\t"))
        path.chmod(0o644)
        self.assertEqual(run("test", path).returncode, DONE)

    def test_nothing_is_left_running(self):
        path = self.tmp / "slow.yaml"
        path.write_text("command:\n  'sleep 4711 | cat': {exit-status: 0, timeout: 100}\n"
                        "  'sleep 4712 & sleep 4713': {exit-status: 0, timeout: 100}\n")
        path.chmod(0o644)
        self.assertEqual(run("test", path).returncode, FINDINGS)
        self.wait_for(lambda: not self.running(b"sleep\x00471"))  # killed is not gone at once

    def test_killed_in_the_middle(self):
        path = self.tmp / "long.yaml"
        path.write_text("command:\n  'exec sleep 4720': {exit-status: 0, timeout: 60000}\n")
        path.chmod(0o644)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen([REVET, "test", path], stdout=subprocess.PIPE) as process:
                self.wait_for(lambda: self.running(b"sleep\x004720"))
                process.send_signal(sig)
                code = process.wait(timeout=10)
            self.assertEqual(code, -9 if sig == signal.SIGKILL else 128 + sig)
            self.wait_for(lambda: not self.running(b"sleep\x004720"))

    def wait_for(self, condition):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    @staticmethod
    def running(command):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if entry.read_bytes().startswith(command):
                    found.append(entry)
        return found


MIXED = """
matching:
  good: {content: 1, matches: 1}
  bad:
    title: The answer | <b>
    meta: {severity: 5}
    content: "x#y | <z>"
    matches: other
  unclear: {content: word, matches: {gt: 1}}
  left: {content: 1, matches: 2, skip: true}
"""


class Command(Case):
    def write(self, text, name="goss.yaml", mode=0o644):
        path = self.tmp / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def mixed(self, *args):
        result = run("test", *args, self.write(MIXED))
        self.assert_exit(result, FINDINGS)
        return result.stdout

    def test_text(self):
        text = re.sub(r"\d\.\d{3}s", "TIME", self.mixed())
        self.assertEqual(text, f""".FFS

Failures/Skipped:

{self.tmp}/goss.yaml:4
Title: The answer | <b>
Meta:
    severity: 5
Matching: bad: matches:
Expected
    "x#y | <z>"
to equal
    "other"

{self.tmp}/goss.yaml:9
Matching: unclear: matches:
Error
    expected a number
found
    "word"
the transform chain was
    [{{"to-numeric":{{}}}}]

{self.tmp}/goss.yaml:10
Matching: left: matches: skipped

Total Duration: TIME
Count: 4, Failed: 2, Skipped: 1
""")

    def test_documentation(self):
        text = self.mixed("-f", "documentation")
        self.assertIn("Matching: good: matches: matches expectation: 1\n", text)
        self.assertIn("Matching: left: matches: skipped\n", text)

    def test_rspecish_is_text(self):
        plain, other = self.mixed(), self.mixed("-f", "rspecish")
        self.assertEqual(re.sub(r"\d\.\d{3}s", "", plain), re.sub(r"\d\.\d{3}s", "", other))

    def test_tap(self):
        self.assertEqual(self.mixed("-f", "tap").splitlines()[:3], [
            "1..4", "ok 1 - Matching: good: matches: matches expectation: 1",
            'not ok 2 - Matching: bad: matches: Expected "x\\#y | <z>" to equal "other"'])

    def test_junit(self):
        suite = xml.fromstring(self.mixed("-f", "junit"))
        self.assertEqual([suite.get(name) for name in ("tests", "failures", "errors", "skipped")],
                         ["4", "1", "1", "1"])
        bad = suite[1]
        self.assertEqual(bad.get("name"), "Matching bad matches")
        self.assertIn('Expected\n    "x#y | <z>"\nto equal\n    "other"', bad.find("failure").text)
        self.assertEqual(bad.get("line"), "4")
        self.assertIsNotNone(suite[2].find("error"))
        self.assertIsNotNone(suite[3].find("skipped"))

    def test_nagios(self):
        first, *rest = self.mixed("-f", "nagios").splitlines()
        self.assertRegex(first, r"^REVET CRITICAL - Count: 4, Failed: 2, Skipped: 1, Duration: "
                                r"[\d.]+s\|total=4 failed=2 skipped=1 duration=[\d.]+s$")
        self.assertEqual(rest[0], 'Fail 1 - Matching: bad: matches: Expected "x#y / <z>" to equal "other"')
        good = run("test", "-f", "nagios", self.write("matching: {a: {content: 1, matches: 1}}"))
        self.assertTrue(good.stdout.startswith("REVET OK - Count: 1, Failed: 0"), good.stdout)

    def test_prometheus(self):
        text = self.mixed("-f", "prometheus")
        self.assertIn('revet_test_results{type="matching",outcome="fail"} 2\n', text)
        self.assertIn('revet_test_results{type="matching",outcome="pass"} 1\n', text)
        self.assertRegex(text, r"\nrevet_test_run_duration_seconds \d+\.\d+\n")
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)

    def test_json(self):
        report = json.loads(self.mixed("-f", "json"))
        self.assertEqual([r["result"] for r in report["results"]], [0, 1, 1, 2])
        bad = report["results"][1]
        self.assertEqual(bad["matcher-result"]["actual"], "x#y | <z>")
        self.assertEqual(bad["matcher-result"]["expected"], "other")
        self.assertEqual(bad["matcher-result"]["message"], "to equal")
        self.assertEqual((bad["title"], bad["meta"], bad["line"]), ("The answer | <b>", {"severity": 5}, 4))
        self.assertEqual(report["results"][2]["err"], "expected a number")
        self.assertEqual({key: report["summary"][key] for key in ("test-count", "failed-count",
                                                                  "skipped-count")},
                         {"test-count": 4, "failed-count": 2, "skipped-count": 1})

    def test_json_is_what_the_schema_says(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("no jsonschema")
        schema = json.loads((TOP / "docs/schema/test-1.json").read_text())
        for args in (), ("-v",):
            jsonschema.validate(json.loads(self.mixed("-f", "json", *args)), schema)

    def test_silent(self):
        self.assertEqual(self.mixed("-f", "silent"), "")

    def test_several_reports(self):
        out = self.tmp / "out.xml"
        result = run("test", "-f", "tap", "-f", f"junit={out}", self.write(MIXED))
        self.assert_exit(result, FINDINGS)
        self.assertTrue(result.stdout.startswith("1..4\n"))
        self.assertEqual(xml.parse(out).getroot().get("tests"), "4")

    def test_no_format(self):
        self.assert_refused(run("test", "-f", "yaml", self.write(MIXED)), USAGE, "there is no format 'yaml'",
                            "junit")

    def test_color(self):
        self.assertIn("\033[31m", self.mixed("--color", "always"))
        self.assertNotIn("\033", self.mixed())

    def test_standard_input(self):
        result = subprocess.run([REVET, "test", "-"], input="matching: {a: {content: 1, matches: 2}}",
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, FINDINGS)
        self.assertIn("standard input:1\n", result.stdout)

    def test_several_files(self):
        one = self.write("matching: {a: {content: 1, matches: 1}}", "one.yaml")
        two = self.write("matching: {a: {content: 1, matches: 2}}", "two.yaml")
        self.assertIn("Count: 2, Failed: 1", run("test", one, two).stdout)

    def test_missing_file(self):
        self.assert_refused(run("test", self.tmp / "nonesuch.yaml"), CONFIG, "nonesuch.yaml: No such file")

    def test_a_file_that_others_can_change(self):
        for mode in 0o664, 0o646, 0o777:
            self.assert_refused(run("test", self.write(MIXED, mode=mode)), PERMISSION,
                                "others can change it")

    def test_an_included_file_that_others_can_change(self):
        self.write("command: {'true': {exit-status: 0}}", "part.yaml", 0o666)
        self.assert_refused(run("test", self.write("gossfile: {part.yaml: {}}")), PERMISSION,
                            "part.yaml: others can change it")

    def test_variables_that_others_can_change(self):
        path = self.write("a: 1", "vars.yaml", 0o666)
        self.assert_refused(run("test", "--vars", path, self.write(MIXED)), PERMISSION,
                            "others can change it")

    @unittest.skipUnless(os.geteuid() == 0, "root gives files away")
    def test_a_file_of_somebody_else(self):
        path = self.write(MIXED)
        os.chown(path, 65534, 65534)
        self.assert_refused(run("test", path), PERMISSION, "others can change it")

    def test_variables(self):
        first = self.write("a: 1\nb: 1\n", "one.yaml")
        second = self.write('{"b": 2, "c": 2}', "two.json")
        goss = self.write("matching:\n  a: {content: {{.Vars.a}}{{.Vars.b}}{{.Vars.c}}, matches: 123}\n")
        result = run("test", "--vars", first, "--vars", second, "--vars-inline", "c: 3", goss)
        self.assert_exit(result, DONE)

    def test_variables_from_the_shell(self):
        goss = self.write("matching:\n  a: {content: {{.Vars.a}}, matches: 5}\n")
        result = subprocess.run(["bash", "-c", f"{REVET} test --vars <(sleep 0.2; echo a: 5) {goss}"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, DONE, result.stderr)

    def test_wrong_variables(self):
        path = self.write("a: [1\n", "vars.yaml")
        self.assert_refused(run("test", "--vars", path, self.write(MIXED)), CONFIG, "vars.yaml:")
        self.assert_refused(run("test", "--vars-inline", "[1]", self.write(MIXED)), CONFIG, "--vars-inline:1:1")

    def test_wrong_options(self):
        goss = self.write(MIXED)
        for args, word in ((("--sleep", "soon"), "--sleep soon"), (("-r", "-5s"), "--retry-timeout -5s"),
                           (("--max-concurrent", "0"), "--max-concurrent 0"),
                           (("--package", "exe"), "--package exe")):
            self.assert_refused(run("test", *args, goss), USAGE, word)
        self.assert_refused(run("test"), USAGE, "usage: revet test")

    def test_tries_again_until_it_passes(self):
        mark = self.tmp / "mark"
        goss = self.write(f"command:\n  'echo x >>{mark}; test $(wc -l <{mark}) = 3': {{exit-status: 0}}\n")
        result = run("test", "-r", "20s", "-s", "50ms", goss)
        self.assert_exit(result, DONE)
        self.assertEqual(mark.read_text(), "x\n" * 3)
        self.assertEqual(result.stdout.count("Total Duration"), 1)

    def test_tries_again_for_so_long(self):
        begin = time.monotonic()
        result = run("test", "-r", "500ms", "-s", "0.2s", self.write(MIXED))
        self.assert_exit(result, FINDINGS)
        self.assertTrue(0.35 < time.monotonic() - begin < 3)
        self.assertIn("Count: 4, Failed: 2", result.stdout)

    def test_interrupted_between_two_tries(self):
        said = self.tmp / "said"
        goss = self.write(f"command:\n  'echo x >>{said}; false': {{exit-status: 0}}\n")
        for sig in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([REVET, "test", "-r", "100s", "-s", "50s", goss],
                                  stdout=subprocess.DEVNULL) as process:
                Gossfiles.wait_for(self, said.exists)
                time.sleep(0.3)
                process.send_signal(sig)
                self.assertEqual(process.wait(timeout=10), 128 + sig)
            said.unlink()

    def test_asks_side_by_side(self):
        goss = self.write("command:\n" + "".join(
            f"  'sleep 0.5; echo {n}': {{exit-status: 0, stdout: ['{n}']}}\n" for n in range(20)))
        begin = time.monotonic()
        self.assert_exit(run("test", goss), DONE)
        self.assertLess(time.monotonic() - begin, 3)
        begin = time.monotonic()
        self.assert_exit(run("test", "--max-concurrent", "10", goss), DONE)
        self.assertGreater(time.monotonic() - begin, 0.9)

    def test_a_thousand_tests(self):
        goss = self.write("matching:\n" + "".join(
            f"  m{n}: {{content: {n}, matches: {{and: [{{ge: {n}}}, '{n}']}}}}\n" for n in range(1000)))
        result = run("test", goss)
        self.assert_exit(result, DONE)
        self.assertIn("Count: 1000, Failed: 0", result.stdout)

    def test_what_is_deployed_is_signed(self):
        """The examples of docs/test.md: git says whether a commit is signed by a key that it was told of."""
        git = ["git", "-C", str(self.tmp), "-c", "user.name=ci", "-c", "user.email=ci@example.org", "-c", "gpg.format=ssh"]

        def do(*argv):
            subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)

        for key in ("ci", "other"):
            do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(self.tmp / key))
        do(*git, "init", "-q")
        (self.tmp / "signers").write_text(f"ci@example.org {(self.tmp / 'ci.pub').read_text()}")
        do(*git, "config", "gpg.ssh.allowedSignersFile", str(self.tmp / "signers"))
        goss = self.write(json.dumps({"command": {f"git -C {self.tmp} verify-commit HEAD": {"exit-status": 0}}}))
        for sign, code in ((["--no-gpg-sign"], FINDINGS), ([f"-S{self.tmp / 'other'}"], FINDINGS),
                           ([f"-S{self.tmp / 'ci'}"], DONE)):
            do(*git, "commit", "-q", "--allow-empty", "-m", "x", *sign)
            self.assert_exit(run("test", goss), code)

    def test_what_is_deployed_is_what_was_built(self):
        (self.tmp / "server").write_bytes(b"built\n")
        built = hashlib.sha256(b"built\n").hexdigest()
        goss = self.write(json.dumps({"file": {str(self.tmp / "server"): {"exists": True, "sha256": built}}}))
        self.assert_exit(run("test", goss), DONE)
        (self.tmp / "server").write_bytes(b"changed\n")
        self.assert_exit(run("test", goss), FINDINGS)


if __name__ == "__main__":
    unittest.main()
