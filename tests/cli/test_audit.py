# SPDX-License-Identifier: Apache-2.0
"""revet audit: exit codes, files that are written, privilege, rules of a user's own."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

from clilib import (CANNOT, CONFIG, DONE, FINDINGS, PERMISSION, REVET, SANITIZERS, UNKNOWN, USAGE,
                    Case, run, write_tree)

RULE = """title: A test
severity: low
why: It is one.
want: {sshd.PermitRootLogin: no}
cases:
  - {pass: {sshd: {PermitRootLogin: no}}}
  - {fail: {sshd: {PermitRootLogin: yes}}}
"""


class FailOn(Case):
    def test_each_severity_against_a_finding_that_is_high(self):
        for word, code in (("low", FINDINGS), ("medium", FINDINGS), ("high", FINDINGS),
                           ("critical", DONE), ("none", DONE)):
            with self.subTest(fail_on=word):
                self.assert_exit(self.audit("--fail-on", word), code)
        self.assert_exit(self.audit(), FINDINGS)

    def test_a_finding_below(self):
        self.assert_exit(self.audit(rule="ssh.max-auth-tries"), DONE)
        self.assert_exit(self.audit("--fail-on", "low", rule="ssh.max-auth-tries"), FINDINGS)

    def test_no_finding(self):
        (self.root / "etc/ssh/sshd_config").write_text("PermitRootLogin no\n")
        self.assert_exit(self.audit("--fail-on", "low"), DONE)

    def test_what_is_not_known_is_no_finding_and_no_pass(self):
        (self.root / "etc/ssh/sshd_config").write_text("")
        result = self.audit("--fail-on", "low", "-f", "json")
        self.assert_exit(result, DONE)
        self.assertEqual(json.loads(result.stdout)["results"][0]["verdict"], "unknown")

    def test_the_code_does_not_depend_on_the_format(self):
        for form in ("text", "json"):
            self.assert_exit(self.audit("-f", form), FINDINGS)

    def test_a_rule_given_twice_is_judged_once(self):
        result = self.audit("--rule", "ssh.no-root-login", "-f", "json")
        self.assertEqual(len(json.loads(result.stdout)["results"]), 1)

    def test_family_and_rule_add_up(self):
        result = self.audit("--family", "sudo", "-f", "json")
        rules = [one["rule"] for one in json.loads(result.stdout)["results"]]
        self.assertIn("ssh.no-root-login", rules)
        self.assertTrue(any(rule.startswith("sudo.") for rule in rules))
        self.assertEqual(rules, sorted(rules))


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.out = self.tmp / "out"
        self.out.mkdir()

    def test_several_at_once(self):
        one, two = self.out / "one.json", self.out / "two.txt"
        result = self.audit("-f", "text", "-f", f"json={one}", "-f", f"text={two}")
        self.assert_exit(result, FINDINGS)
        self.assertEqual(result.stderr, "")
        self.assertEqual(json.loads(one.read_text())["format"], "revet-audit")
        self.assertIn("ssh.no-root-login", two.read_text())
        self.assertIn("ssh.no-root-login", result.stdout)
        self.assertEqual(self.left_in(self.out), ["one.json", "two.txt"])

    def test_only_files_leaves_stdout_empty(self):
        self.assertEqual(self.audit("-f", f"json={self.out}/a").stdout, "")

    def test_a_name_may_hold_an_equals_sign_and_be_relative(self):
        self.audit("-f", "json=a=b", cwd=self.out)
        self.assertEqual(self.left_in(self.out), ["a=b"])

    def test_the_file_is_for_its_owner_and_group(self):
        old = os.umask(0)
        try:
            self.audit("-f", f"json={self.out}/a")
        finally:
            os.umask(old)
        self.assertEqual((self.out / "a").stat().st_mode & 0o007, 0)

    def test_an_older_file_is_replaced_as_a_whole(self):
        file = self.out / "a"
        file.write_text("x" * 1000000)
        with open(file, encoding="utf-8") as held:
            self.audit("-f", f"json={file}")
            json.loads(file.read_text())
            self.assertEqual(len(held.read()), 1000000)

    def test_it_is_kept_when_the_audit_cannot_be_done(self):
        file = self.out / "a"
        file.write_text("before")
        (self.tmp / "bad").write_text("{")
        self.assert_exit(run("audit", "--snapshot", self.tmp / "bad", "-f", f"json={file}"), CONFIG)
        self.assert_exit(run("audit", "--root", "/nonexistent", "-f", f"json={file}"), CANNOT)
        self.assertEqual(file.read_text(), "before")
        taken_for_a_tree = run("audit", "--root", self.tmp / "bad")
        self.assert_exit(taken_for_a_tree, CANNOT)
        self.assertIn("Not a directory; of a snapshot: revet audit --snapshot FILE", taken_for_a_tree.stderr)

    def test_a_directory_that_is_not_there_or_not_to_be_written(self):
        (self.tmp / "file").write_text("")
        for path in (self.tmp / "no/x.json", self.tmp / "file/x.json", "/sys/x.json"):
            with self.subTest(path=path):
                first = self.out / "first"
                result = self.audit("-f", f"text={first}", "-f", f"json={path}")
                self.assert_refused(result, CANNOT, str(path))
                self.assertFalse(first.exists())

    def test_nothing_is_left_when_the_audit_cannot_be_done(self):
        self.audit("-f", f"text={self.out}/a", "-f", f"json={self.tmp}/no/x.json")
        run("audit", "--root", "/nonexistent", "-f", f"text={self.out}/a")
        run("audit", "--snapshot", "/nonexistent", "-f", f"text={self.out}/a")
        self.assertEqual(self.left_in(self.out), [])

    def test_nothing_is_left_when_it_is_interrupted(self):
        os.mkfifo(self.tmp / "pipe")
        with subprocess.Popen([REVET, "audit", "--snapshot", self.tmp / "pipe", "-f", f"json={self.out}/a"],
                              stderr=subprocess.PIPE) as process:
            with open(self.tmp / "pipe", "wb") as pipe:  # opens once revet has opened it
                pipe.write(b"{")
                pipe.flush()
                children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
                while not children.read_text():
                    time.sleep(0.01)
                process.send_signal(signal.SIGINT)
                process.wait(30)
            process.stderr.read()
        self.assertIn(process.returncode, (130, -signal.SIGINT))
        self.assertEqual(self.left_in(self.out), [])

    def test_a_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        file = self.out / "a"
        file.write_text("before")
        result = subprocess.run(
            [REVET, "audit", "--root", self.root, "--family", "ssh", "-f", f"json={file}"],
            preexec_fn=limit, capture_output=True, text=True, timeout=60)
        self.assert_refused(result, CANNOT, str(file))
        self.assertEqual(file.read_text(), "before")
        self.assertEqual(self.left_in(self.out), ["a"])

    def test_a_directory_in_the_place_of_the_file(self):
        (self.out / "dir").mkdir()
        self.assert_refused(self.audit("-f", f"json={self.out}/dir"), CANNOT, "dir")

    def test_an_empty_name(self):
        result = self.audit("-f", "json=", cwd=self.out)
        self.assertIn(result.returncode, (CANNOT, USAGE))
        self.assertNotEqual(result.stderr, "")

    def test_only_a_file_is_replaced(self):
        os.mkfifo(self.out / "pipe")
        self.assert_refused(self.audit("-f", f"json={self.out}/pipe"), CANNOT, "pipe")
        self.assertTrue((self.out / "pipe").is_fifo())

    def test_a_recording_audits_as_the_tree_does(self):
        kept = self.tmp / "kept"
        first = self.audit("--record", kept, "-f", "json")
        self.assert_exit(first, FINDINGS)
        self.assertEqual(self.left_in(kept), ["recording"])
        again = run("audit", "--root", kept, "--rule", "ssh.no-root-login", "-f", "json")
        self.assertEqual(json.loads(first.stdout)["results"], json.loads(again.stdout)["results"])

    def test_a_recording_that_cannot_be_kept(self):
        self.assert_refused(self.audit("--record", self.tmp / "no/such"), CANNOT, "no/such")


class Since(Case):
    def test_what_is_no_report(self):
        (self.tmp / "bad").write_text("{}")
        self.assert_refused(self.audit("--since", "/nonexistent"), CANNOT, "/nonexistent")
        self.assert_refused(self.audit("--since", self.tmp / "bad"), CONFIG, "bad")
        self.assert_refused(self.audit("--since", "/etc/passwd"), CONFIG, "/etc/passwd")

    def test_an_older_report(self):
        before = self.tmp / "before.json"
        self.audit("-f", f"json={before}")
        self.assertIn("since", self.audit("--since", before).stdout.lower())
        self.assertNotIn("since", self.audit().stdout.lower())


class Stdout(Case):
    COMMANDS = (["version"], ["rules"], ["rules", "-f", "json"], ["table"], ["audit", "--help"])

    def commands(self):
        root = ["--root", self.root]
        return [*self.COMMANDS, ["audit", *root, "--fail-on", "none", "--family", "ssh"],
                ["snapshot", *root], ["table", "users", *root], ["table", "users", "-f", "json", *root],
                ["explain", "ssh.no-root-login", *root]]

    def test_full(self):
        for command in self.commands():
            with self.subTest(command=command), open("/dev/full", "w", encoding="utf-8") as full:
                self.assert_exit(run(*command, stdout=full), CANNOT)

    def test_full_is_told(self):
        for command in self.commands():
            with self.subTest(command=command), open("/dev/full", "w", encoding="utf-8") as full:
                self.assertRegex(run(*command, stdout=full).stderr, r"\Arevet: standard output[^\n]+\n\Z")

    def test_a_check_that_cannot_be_told_is_unknown(self):
        for broken in ("--rule=ssh.no-root-login", "--rule=nonesuch"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = run("check", "--root", self.root, broken, stdout=full)
            self.assert_exit(result, UNKNOWN)
            self.assertEqual(result.stderr.count("standard output cannot be written"), 1)

    def test_full_for_help(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assert_exit(run("help", stdout=full), CANNOT)

    def test_nobody_reads(self):
        for command in self.commands():
            with self.subTest(command=command):
                read, write = os.pipe()
                os.close(read)
                try:
                    result = run(*command, stdout=write)
                finally:
                    os.close(write)
                self.assertIn(result.returncode, (CANNOT, -signal.SIGPIPE, 128 + signal.SIGPIPE))
                self.assertEqual(result.stderr, "")

    def test_closed(self):
        for command in self.commands():
            with self.subTest(command=command):
                result = subprocess.run([REVET, *command], preexec_fn=lambda: os.close(1),
                                        stderr=subprocess.PIPE, text=True, timeout=60)
                self.assert_exit(result, CANNOT)

    def test_closed_and_a_file(self):
        for closed in (1, 2):
            file = self.tmp / "report.json"
            subprocess.run([REVET, "audit", "--root", self.root, "--family", "ssh", "-f", "text", "-f",
                            f"json={file}"], preexec_fn=lambda: os.close(closed),
                           stdout=subprocess.DEVNULL if closed == 2 else None, timeout=60)
            if file.exists():
                json.loads(file.read_text())

    def test_messages_stay_off_stdout(self):
        result = run("table", "shadow", "--root", self.root, "-f", "json")
        self.assert_exit(result, DONE)
        self.assertEqual(json.loads(result.stdout), [])
        self.assertIn("incomplete", result.stderr)


class Privilege(Case):
    """As a user who is not root; root tests it as nobody, with a copy that nobody may start."""

    def setUp(self):
        super().setUp()
        self.program = self.tmp / "revet"
        shutil.copy(REVET, self.program)
        self.tmp.chmod(0o755)
        write_tree(self.root, {"etc/shadow": "root:*:19000:0:99999:7:::\n"})
        (self.root / "etc/shadow").chmod(0)

    def run_as_user(self, *args):
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        return subprocess.run([self.program, *args], capture_output=True, text=True, timeout=60,
                              cwd="/", env={"LC_ALL": "C.UTF-8", **SANITIZERS}, **user)

    def test_a_table_that_may_not_be_read(self):
        result = self.run_as_user("table", "shadow", "--root", self.root)
        self.assert_refused(result, PERMISSION, "shadow", "Permission denied")

    def test_the_audit_goes_on_and_nothing_passes_for_it(self):
        result = self.run_as_user("audit", "--root", self.root, "--family", "accounts", "-f", "json")
        self.assertIn(result.returncode, (DONE, FINDINGS))
        report = json.loads(result.stdout)
        unread = [one for one in report["results"] if "shadow" in (one["reason"] or "")]
        self.assertTrue(unread)
        self.assertEqual({one["verdict"] for one in unread}, {"unknown"})

    @unittest.skipUnless(os.getuid() == 0 and pathlib.Path("/proc/sys/net/core/bpf_jit_harden").exists(),
                         "takes root, and a network namespace that has it")
    def test_what_the_kernel_tells_root_alone(self):
        """It is read before rights are given up, whether one asks for it or for all."""
        key, want = "net.core.bpf_jit_harden", pathlib.Path("/proc/sys/net/core/bpf_jit_harden").read_text()
        for names in ([key], []):
            rows = json.loads(run("table", "sysctl", *names, "-f", "json").stdout)
            self.assertEqual([row["value"] for row in rows if row["key"] == key], [want.strip()])
        rows = json.loads(self.run_as_user("table", "sysctl", key, "-f", "json").stdout)
        self.assertIn("unknown", rows[0]["value"])

    def test_this_host(self):
        result = self.run_as_user("audit", "--family", "ssh", "-f", "json")
        self.assertIn(result.returncode, (DONE, FINDINGS), result.stderr)
        self.assertFalse(json.loads(result.stdout)["host"]["as_root"])


class Links(Case):
    """Whoever may write where a pattern looks can put links there that lead nowhere."""

    def verdict(self):
        return json.loads(self.audit("-f", "json", rule="fs.secret-files").stdout)["results"][0]["verdict"]

    def test_they_hide_nothing_else(self):
        write_tree(self.root, {"srv/app/.env": "", "srv/other/.env": ""})
        (self.root / "srv/app/.env").chmod(0o600)
        for name, target in (("loop", "loop"), ("long", "a" * 300), ("magic", "/proc/self/root")):
            (self.root / "srv" / name).symlink_to(target)
            (self.root / "srv/app" / name).symlink_to(target)
        (self.root / "srv/other/.env").chmod(0o600)
        self.assertEqual(self.verdict(), "pass")
        (self.root / "srv/other/.env").chmod(0o644)
        self.assertEqual(self.verdict(), "fail")
        (self.root / "srv/other/.env").unlink()
        (self.root / "srv/other/.env").symlink_to(".env")
        self.assertEqual(self.verdict(), "pass")


class Limits(Case):
    """What cannot be opened for want of descriptors is told, and passes nothing."""

    def limited(self, n, *args):
        return subprocess.run([REVET, *args], capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))

    def verdicts(self, result):
        return {one["rule"]: one["verdict"] for one in json.loads(result.stdout or '{"results": []}')["results"]}

    def test_a_tree(self):
        command = ["audit", "--root", self.root, "-f", "json"]
        usual = self.verdicts(run(*command))
        for n in range(4, 16):
            with self.subTest(descriptors=n):
                result = self.limited(n, *command)
                self.assertIn(result.returncode, (DONE, CANNOT, FINDINGS))
                for rule, verdict in self.verdicts(result).items():
                    self.assertIn(verdict, (usual[rule], "unknown"), rule)

    def passes_without(self):
        """What passes, or is not asked for, without a limit."""
        return {rule for rule, verdict in self.verdicts(run("audit", "-f", "json")).items()
                if verdict in ("pass", "not_applicable")}

    def test_this_host(self):
        usual = self.passes_without()
        for n in range(4, 41):
            with self.subTest(descriptors=n):
                result = self.limited(n, "audit", "-f", "json")
                self.assertIn(result.returncode, (DONE, CANNOT, FINDINGS))
                passed = {rule for rule, verdict in self.verdicts(result).items() if verdict == "pass"}
                if passed - usual:  # processes come and go
                    usual |= self.passes_without()
                self.assertEqual(passed - usual, set())

    def test_processes(self):
        result = self.limited(5, "table", "processes", "-f", "json")
        self.assertNotEqual((result.returncode, result.stdout, result.stderr), (DONE, "[]\n", ""))


class UserRules(Case):
    def rules(self, *args, **files):
        """Runs a command with rules: a keyword's underscores stand for the path's slash."""
        directory = self.tmp / "rules.d"
        write_tree(directory, {name.replace("_", "/") + ".yaml": text for name, text in files.items()})
        return run(*args, env={"REVET_RULES": str(directory)})

    def test_a_good_one_is_listed_judged_and_explained(self):
        ids = [one["id"] for one in json.loads(self.rules("rules", "-f", "json", site_own=RULE).stdout)]
        self.assertIn("site.own", ids)
        self.assert_exit(self.rules("audit", "--root", self.root, "--rule", "site.own", "--fail-on", "low"),
                         FINDINGS)
        told = self.rules("explain", "site.own", "--root", self.root)
        self.assertIn("rules.d/site/own.yaml", told.stdout)

    def test_a_broken_one_stops_every_command_that_uses_rules(self):
        broken = RULE.replace("severity", "sevrity")
        for command in (["audit", "--root", self.root], ["rules"], ["snapshot", "--root", self.root],
                        ["explain", "ssh.no-root-login", "--root", self.root],
                        ["table", "users", "--root", self.root]):
            with self.subTest(command=command):
                result = self.rules(*command, site_own=broken)
                self.assert_refused(result, CONFIG, "rules.d/site/own.yaml:2:1: ", "'sevrity'", "'severity'")

    def test_where_and_why(self):
        for name, text, at, why in (
                ("no YAML", "title: [\n", r"\d+:\d+", ""),
                ("empty", "", r"\d+:\d+", "empty"),
                ("two documents", RULE + "---\n" + RULE, r"8:1", "one document"),
                ("key twice", RULE + "title: again\n", r"8:1", "duplicate key 'title'"),
                ("missing", RULE.replace("why: It is one.\n", ""), r"1:1", "'why' is missing"),
                ("severity", RULE.replace("low", "dire"), r"2:11", "'dire' is not a severity"),
                ("table", RULE.replace("want: {sshd", "want: {sshdd"), r"4:8", "no table 'sshdd'"),
                ("key", RULE.replace("want: {sshd.PermitRootLogin", "want: {sshd.PermitRoot"), r"4:8",
                 "sshd has no key 'PermitRoot'"),
                ("form", RULE.replace("Login: no}\n", "Login: {mni: 3}}\n", 1), r"4:31", "'mni'"),
                ("no parameter", RULE.replace("Login: no}\n", "Login: $nosuch}\n", 1), r"4:30", "'nosuch'"),
                ("no cases", RULE.split("cases:")[0], r"1:1", "'cases' is missing"),
                ("no failing case", RULE.rsplit("  - {fail", 1)[0], r"1:1", "case in which it fails"),
                ("alias", RULE.replace("It is one.", "&a x"), r"3:6", "anchors"),
                ("tag", RULE.replace("It is one.", "!!str x"), r"3:6", "tags"),
                ("tab", RULE.replace("  - {pass", "\t- {pass"), r"\d+:\d+", "")):
            with self.subTest(name):
                result = self.rules("rules", site_own=text)
                self.assert_refused(result, CONFIG, why)
                self.assertRegex(result.stderr, r"rules\.d/site/own\.yaml:" + at + ": ")

    def test_an_id_of_the_catalogue(self):
        result = self.rules("rules", **{"ssh_no-root-login": RULE})
        self.assert_refused(result, CONFIG, "already defined in catalogue/ssh/no-root-login.yaml")

    def test_hostile_ones(self):
        deep = "want: " + "{all: [" * 5000 + "]}" * 5000 + "\n"
        for name, text in (("deep", deep), ("large", "#" * (2 << 20)), ("binary", "\x00\x01\ufffd"),
                           ("many", "a: 1\n" + "".join(f"k{i}: 1\n" for i in range(60000)))):
            with self.subTest(name):
                self.assert_refused(self.rules("rules", site_own=text), CONFIG, "site/own.yaml")

    def test_those_that_others_can_change_are_refused(self):
        """What they want is done with root's rights."""
        self.assert_exit(self.rules("rules", site_own=RULE), DONE)
        for name in ("site/own.yaml", "site", "."):
            path = self.tmp / "rules.d" / name
            mode = path.stat().st_mode & 0o777
            for wrong in (0o020, 0o002):
                with self.subTest(name, wrong=wrong):
                    path.chmod(mode | wrong)
                    self.assert_refused(self.rules("rules"), CONFIG, "others can change it", "rules.d")
            path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(self.tmp / "rules.d/site/own.yaml", 65534, 65534)
            self.assert_refused(self.rules("rules"), CONFIG, "own.yaml: others can change it")

    def test_a_fifo_does_not_hang(self):
        (self.tmp / "rules.d/site").mkdir(parents=True)
        os.mkfifo(self.tmp / "rules.d/site/pipe.yaml")
        result = self.rules("rules")
        self.assert_refused(result, CONFIG, "pipe.yaml")

    def test_the_folder_need_not_be_there_but_must_be_one(self):
        self.assert_exit(run("rules", env={"REVET_RULES": str(self.tmp / "none")}), DONE)
        (self.tmp / "file").write_text("")
        self.assert_refused(run("rules", env={"REVET_RULES": str(self.tmp / "file")}), CONFIG, "file")

    def test_a_misplaced_file(self):
        for name in ("own.yaml", "site/own.yml", "site/deep/own.yaml", "site/notes.txt"):
            with self.subTest(name):
                write_tree(self.tmp / "rules.d", {name: RULE})
                self.assert_refused(self.rules("rules"), CONFIG, name.split("/deep")[0])
                (self.tmp / "rules.d" / name).unlink()
                if "deep" in name:
                    (self.tmp / "rules.d" / name).parent.rmdir()

    def test_what_is_left_over_is_no_rule(self):
        write_tree(self.tmp / "rules.d", {name: "no rule" for name in (
            "README", ".git/config", "site/README", "site/.own.yaml.swp", "site/own.yaml~",
            "site/own.yaml.dpkg-old")})
        self.assert_exit(self.rules("rules"), DONE)


class Snapshots(Case):
    def judge(self, data):
        file = self.tmp / "snapshot.json"
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return run("audit", "--snapshot", file)

    def made(self, **changes):
        head = {"format": "revet-snapshot", "version": 1, "time": "2026-01-01T00:00:00Z", "live": False,
                "root": True, "tables": {}}
        return json.dumps({**head, **changes})

    def test_one_that_was_written(self):
        file = self.tmp / "snapshot.json"
        self.assert_exit(run("snapshot", "--root", self.root, "-o", file), DONE)
        live = json.loads(run("audit", "--root", self.root, "--family", "ssh", "-f", "json").stdout)
        later = json.loads(run("audit", "--snapshot", file, "--family", "ssh", "-f", "json").stdout)
        self.assertEqual(live["results"], later["results"])
        self.assertEqual(live["host"]["name"], later["host"]["name"])
        self.assertEqual(run("snapshot", "--root", self.root).stdout.count('"format"'), 1)

    def test_one_that_is_cut_off_anywhere(self):
        whole = run("snapshot", "--root", self.root).stdout.encode()
        for part in range(0, 40):
            with self.subTest(part=part):
                self.assert_refused(self.judge(whole[:len(whole) * part // 40]), CONFIG, "snapshot.json")

    def test_what_is_none(self):
        for name, data in (("empty", ""), ("text", "root:x:0:0::/root:/bin/sh\n"), ("list", "[]"),
                           ("number", "3"), ("binary", bytes(range(256)) * 100), ("object", "{}"),
                           ("deep", "[" * 100000), ("other", '{"format": "revet-audit"}'),
                           ("twice", '{"format": "a", "format": "b"}'),
                           ("invalid UTF-8", b'{"format": "\xff\xfe"}')):
            with self.subTest(name):
                self.assert_refused(self.judge(data), CONFIG, "snapshot.json")

    def test_what_is_almost_one(self):
        for name, changes, why in (
                ("version", {"version": 2}, "version"),
                ("time", {"time": "yesterday"}, "when"),
                ("tables", {"tables": []}, "snapshot.json"),
                ("no such table", {"tables": {"nosuch": {"rows": []}}}, "'nosuch'"),
                ("no rows", {"tables": {"users": {}}}, "users"),
                ("rows", {"tables": {"users": {"rows": 3}}}, "users"),
                ("row", {"tables": {"users": {"rows": [3]}}}, "users"),
                ("column", {"tables": {"users": {"rows": [{"nosuch": 1}]}}}, "'nosuch'"),
                ("type", {"tables": {"users": {"rows": [{"uid": "zero"}]}}}, "uid"),
                ("mode", {"tables": {"files": {"rows": [{"mode": "0999"}]}}}, "mode"),
                ("list", {"tables": {"users": {"rows": [{"groups": [1]}]}}}, "groups")):
            with self.subTest(name):
                self.assert_refused(self.judge(self.made(**changes)), CONFIG, why)

    def test_an_empty_one_passes_nothing(self):
        file = self.tmp / "snapshot.json"
        file.write_text(self.made())
        report = json.loads(run("audit", "--snapshot", file, "-f", "json").stdout)
        self.assertEqual({one["verdict"] for one in report["results"]}, {"unknown"})

    def test_a_file_that_is_none(self):
        self.assert_refused(run("audit", "--snapshot", "/nonexistent"), CANNOT, "/nonexistent")
        self.assertIn(run("audit", "--snapshot", self.root).returncode, (CANNOT, CONFIG))

    def test_a_huge_one_is_refused_in_bounded_memory(self):
        file = self.tmp / "huge"
        with open(file, "wb") as huge:
            huge.truncate(1 << 40)
        result = run("audit", "--snapshot", file)
        self.assertIn(result.returncode, (CANNOT, CONFIG))
        self.assertIn("larger than", result.stderr)

    def test_it_may_come_through_a_pipe(self):
        text = run("snapshot", "--root", self.root).stdout
        result = subprocess.run([REVET, "audit", "--snapshot", "/dev/stdin", "--rule", "ssh.no-root-login"],
                                input=text, capture_output=True, text=True, timeout=60)
        self.assert_exit(result, FINDINGS)

    def test_table_reads_one(self):
        file = self.tmp / "snapshot.json"
        run("snapshot", "--root", self.root, "-o", file)
        direct = run("table", "users", "--root", self.root, "-f", "json").stdout
        self.assertEqual(run("table", "users", "--snapshot", file, "-f", "json").stdout, direct)
        self.assertEqual([user["name"] for user in json.loads(direct)], ["root", "ops"])


if __name__ == "__main__":
    unittest.main()
