# SPDX-License-Identifier: Apache-2.0
"""`revet plan` and what `revet explain` says of a fix, on a tree with rules of the user's own."""

import json
import os
import subprocess
import unittest

from clilib import CANNOT, CONFIG, DONE, FINDINGS, USAGE, Case, run, write_tree

RULE = """title: {title}
severity: {severity}
why: A test wants it.
want: {{login_defs.{key}: {value}}}
cases:
  - pass: {{login_defs: {{{key}: {value}}}}}
  - fail: {{login_defs: {{{key}: "1"}}}}
"""
BY_HAND = RULE + "by_hand: Ask a person.\n"


def rule(key, value, severity="low", text=RULE):
    return text.format(title=f"{key} is not {value}", key=key, value=json.dumps(value), severity=severity)


class Plan(Case):
    def setUp(self):
        super().setUp()
        write_tree(self.root, {"etc/login.defs": "PASS_WARN_AGE 7\nPASS_MIN_DAYS 0\n"})
        self.rules({"own/days": rule("PASS_WARN_AGE", "14"), "own/mindays": rule("PASS_MIN_DAYS", "2")})

    def rules(self, rules):
        write_tree(self.tmp / "rules", {f"{name}.yaml": text for name, text in rules.items()})

    def revet(self, command, *args):
        return run(command, *args, "--root", self.root, env={"REVET_RULES": str(self.tmp / "rules")})

    def plan(self, *args, code=DONE):
        made = self.revet("plan", *args)
        self.assert_exit(made, code)
        return made.stdout

    def test_what_it_says(self):
        told = self.plan("--family", "own")
        self.assertIn("~ file /etc/login.defs   own.days, own.mindays\n", told)
        self.assertIn("  -PASS_WARN_AGE 7\n  -PASS_MIN_DAYS 0\n  +PASS_WARN_AGE 14\n  +PASS_MIN_DAYS 2\n", told)
        self.assertTrue(told.endswith("1 step for 2 rules, all reversible.\n"
                                      "Nothing has been changed. Next: the same with -o FILE, then: "
                                      f"revet apply FILE --root {self.root}\n"),
                        told)
        self.assertEqual((self.root / "etc/login.defs").read_text(), "PASS_WARN_AGE 7\nPASS_MIN_DAYS 0\n")

    def test_an_audit_leads_to_a_plan_of_this_host_alone(self):
        write_tree(self.tmp / "rules", {"own/here.yaml": rule("PASS_WARN_AGE", "9998")})
        here = run("audit", "--rule", "own.here", env={"REVET_RULES": str(self.tmp / "rules")})
        self.assertTrue(here.stdout.endswith("\nNext: revet plan, revet explain own.here\n"), here.stdout)
        self.assertTrue(self.revet("audit", "--rule", "own.here").stdout.endswith("\nNext: revet explain own.here\n"))

    def test_nothing_reverts_a_tree_by_itself(self):
        write_tree(self.root, {"etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"})
        told = self.plan("--rule", "ssh.no-root-login")
        self.assertIn("1 of them may cut access: in a tree nothing reverts it by itself", told)

    def test_it_is_kept(self):
        path = self.tmp / "p.plan"
        told = self.plan("--family", "own", "-o", path)
        self.assertIn(f"Next: revet apply {path} --root", told)
        self.assertEqual(json.loads(path.read_text())["steps"][0]["target"], "/etc/login.defs")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_others_cannot_have_changed_it(self):
        path = self.tmp / "p.plan"
        self.plan("--family", "own", "-o", path)
        path.chmod(0o620)
        refused = self.revet("apply", path)
        self.assert_exit(refused, CONFIG)
        self.assertIn("others can change it", refused.stderr)
        path.chmod(0o640)
        self.assert_exit(self.revet("apply", "--no-input", path), DONE)
        self.assertIn("PASS_WARN_AGE 14", (self.root / "etc/login.defs").read_text())

    def test_the_exit_code(self):
        self.plan("--rule", "own.days", "--detailed-exitcode", code=FINDINGS)
        (self.root / "etc/login.defs").write_text("PASS_WARN_AGE 14\nPASS_MIN_DAYS 2\n")
        self.assertEqual(self.plan("--family", "own", "--detailed-exitcode"), "There is nothing to change.\n")

    def test_only_the_severe(self):
        self.rules({f"own/{name}": rule(key, "3", name) for name, key in
                    (("medium", "PASS_MAX_DAYS"), ("high", "LOGIN_RETRIES"), ("critical", "LOGIN_TIMEOUT"))})
        for severity, planned in (("low", {"days", "mindays", "medium", "high", "critical"}),
                                  ("medium", {"medium", "high", "critical"}), ("high", {"high", "critical"}),
                                  ("critical", {"critical"})):
            made = json.loads(self.plan("--family", "own", "--severity", severity, "-f", "json"))
            self.assertEqual({r["rule"] for r in made["rules"]}, {f"own.{name}" for name in planned})
        self.assert_refused(self.revet("plan", "--severity", "hgh"), USAGE, "hgh")

    def test_what_is_by_hand(self):
        self.rules({f"own/hand{n}": rule("PASS_MAX_DAYS", str(n), text=BY_HAND) for n in range(8)})
        told = self.plan("--family", "own")
        self.assertIn("! by hand: own.hand0, own.hand1,", told)
        self.assertIn(" and 2 more\n", told)
        self.assertIn("1 step for 2 of the 10 rules that fail", told)
        told = self.plan("--family", "own", "--left")
        self.assertIn("! by hand: own.hand7: Ask a person.\n", told)
        told = self.plan("--rule", "own.hand7")
        self.assertIn("Nothing can be changed for the 1 rule that fails.\n", told)

    def test_the_more_severe_has_its_way(self):
        self.rules({"own/other": rule("PASS_WARN_AGE", "21", "high")})
        told = self.plan("--family", "own")
        self.assertIn("+PASS_WARN_AGE 21\n", told)
        self.assertIn("! left alone: own.days: own.other wants PASS_WARN_AGE in /etc/login.defs to be 21, "
                      "and own.days 14\n", told)
        made = json.loads(self.plan("--family", "own", "-f", "json"))
        self.assertEqual([r["rule"] for r in made["rules"]], ["own.other", "own.mindays"])
        self.assertEqual([(r["rule"], r["left"]) for r in made["left_alone"]], [("own.days", "contradicts")])
        # Who asks for both has to choose.
        made = self.revet("plan", "--rule", "own.days", "--rule", "own.other")
        self.assert_refused(made, CANNOT, "own.other wants", "own.days 14", "plan for one of them")
        made = self.revet("apply", "--rule", "own.days", "--rule", "own.other")
        self.assertNotEqual(made.returncode, DONE)
        self.assertEqual((self.root / "etc/login.defs").read_text(), "PASS_WARN_AGE 7\nPASS_MIN_DAYS 0\n")

    @unittest.skipIf(os.geteuid(), "changes are for root to see")
    def test_what_was_done_is_listed_and_shown(self):
        self.assert_refused(self.revet("show", "1"), USAGE, "there is no change 0001", "revet history")
        for word in ("0", "x", "10000"):
            self.assert_refused(self.revet("show", word), USAGE, word)
        self.assert_exit(self.revet("apply", "--no-input", "--family", "own"), DONE)
        for status, step in (("committed", "applied"), ("reverted", "reverted")):
            history = self.revet("history").stdout
            self.assertRegex(history, rf"\A0001  \S+Z  {status} +1 step +own\.days, own\.mindays\n\Z")
            told = self.revet("show", "1").stdout
            self.assertTrue(told.startswith(f"change 0001: {status}\nkept in {self.root}/var/lib/revet/changes/0001\n"), told)
            self.assertIn("~ file /etc/login.defs   own.days, own.mindays\n", told)
            self.assertIn("  -PASS_WARN_AGE 7\n", told)
            self.assertIn("  +PASS_WARN_AGE 14\n", told)
            self.assertTrue(told.endswith(f"\n{step:<12} file /etc/login.defs\n"), told)
            if status == "committed":
                self.assertTrue((self.root / "var/lib/revet/changes/0001/undo.sh").exists())
                self.assert_exit(self.revet("revert", "1"), DONE)
        self.assertIn("PASS_WARN_AGE 7\n", (self.root / "etc/login.defs").read_text())

    @unittest.skipIf(os.geteuid(), "changes are for root to see")
    def test_the_script_takes_bits_of_directories_back(self):
        drop = self.root / "srv/drop"
        drop.mkdir(parents=True)
        for mode in (0o777, 0o2777):
            drop.chmod(mode)
            self.assert_exit(self.revet("apply", "--no-input", "--rule", "fs.sticky-directories"), DONE)
            self.assertEqual(drop.stat().st_mode & 0o7777, mode | 0o1000)
            script = sorted((self.root / "var/lib/revet/changes").glob("0*"))[-1] / "undo.sh"
            ran = subprocess.run(["sh", script, self.root], capture_output=True, text=True)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            self.assertEqual(drop.stat().st_mode & 0o7777, mode)

    @unittest.skipIf(os.geteuid(), "changes are for root to see")
    def test_what_somebody_has_changed_is_not_taken_back(self):
        defs = self.root / "etc/login.defs"
        self.assert_exit(self.revet("apply", "--no-input", "--rule", "own.days", "--rule", "own.mindays"), DONE)
        defs.write_text(defs.read_text() + "# mine\n")
        there = defs.read_text()
        made = self.revet("revert", "--no-input", "--rule", "own.days")
        self.assert_exit(made, CANNOT)
        self.assertIn("somebody has changed what change 0001 did", made.stderr)
        self.assertEqual(defs.read_text(), there)

    @unittest.skipIf(os.geteuid(), "changes are for root to see")
    def test_a_later_change_of_the_same_file_goes_first(self):
        before = (self.root / "etc/login.defs").read_text()
        for rule in ("own.days", "own.mindays"):
            self.assert_exit(self.revet("apply", "--no-input", "--rule", rule), DONE)
        there = (self.root / "etc/login.defs").read_text()
        self.assert_refused(self.revet("revert", "1"), CANNOT, "take that back first: revet revert 2")
        self.assertEqual((self.root / "etc/login.defs").read_text(), there)
        for number in ("2", "1"):
            self.assert_exit(self.revet("revert", number), DONE)
        self.assertEqual((self.root / "etc/login.defs").read_text(), before)

    @unittest.skipIf(os.geteuid(), "changes are for root to see")
    def test_a_rule_is_taken_back_once(self):
        """In a file that it shares with another rule, and in one of its own; and then all of the change."""
        write_tree(self.root, {"etc/crontab": "# none\n", "var/lib/dpkg/status": "Package: cron\nStatus: install ok "
                               "installed\nVersion: 1\nArchitecture: all\n\n"})
        crontab, defs = self.root / "etc/crontab", self.root / "etc/login.defs"
        crontab.chmod(0o644)
        before = defs.read_text()
        state = lambda: (crontab.stat().st_mode & 0o777, defs.read_text())
        rules = ("--rule", "own.days", "--rule", "own.mindays", "--rule", "cron.files-private")
        self.assert_exit(self.revet("apply", "--no-input", *rules), DONE)
        hardened = state()
        for number, rule in ((2, "cron.files-private"), (3, "own.days")):
            self.assert_exit(self.revet("revert", "--no-input", "--rule", rule), DONE)
            there = state()
            self.assert_refused(self.revet("revert", "--no-input", "--rule", rule), USAGE, "no change that is in force", rule)
            self.assertEqual(state(), there)
        self.assertEqual(state(), (0o644, "PASS_WARN_AGE 7\nPASS_MIN_DAYS 2\n"))
        # What took a part back goes first: undone later, it would bring back what is undone by then. Where
        # not all can go, nothing does: what was taken back is not in force again.
        defs.write_text(there[1] + "# mine\n")
        self.assert_refused(self.revet("revert", "1"), CANNOT, "somebody has changed it since", "nothing was undone")
        self.assertEqual(state(), (0o644, there[1] + "# mine\n"))
        defs.write_text(there[1])
        told = self.revet("revert", "1")
        self.assert_exit(told, DONE)
        self.assertEqual([line.split()[1] for line in told.stdout.splitlines()], ["0003", "0002", "0001"])
        self.assertEqual(state(), (0o644, before))
        self.assertNotIn("committed", self.revet("history").stdout)
        self.assertNotEqual(hardened, state())

    def test_a_recording_is_not_changed(self):
        made = self.revet("audit", "--record", self.tmp / "recorded", "--rule", "own.days")
        self.assertTrue((self.tmp / "recorded").exists(), made.stderr)
        made = run("plan", "--rule", "own.days", "--root", self.tmp / "recorded",
                   env={"REVET_RULES": str(self.tmp / "rules")})
        self.assert_refused(made, CANNOT, "a recording")

    def test_explain_shows_the_change(self):
        told = self.revet("explain", "own.days").stdout
        self.assertIn("on this host it would change\n~ file /etc/login.defs   own.days\n", told)
        self.assertIn("  -PASS_WARN_AGE 7\n  +PASS_WARN_AGE 14\n", told)
        self.assertIn("to take it back: revet revert --rule own.days\n", told)
        (self.root / "etc/login.defs").write_text("PASS_WARN_AGE 14\n")
        told = self.revet("explain", "own.days").stdout
        self.assertNotIn("on this host", told)
        self.assertIn("set PASS_WARN_AGE in /etc/login.defs", told)
        (self.root / "etc/login.defs").write_bytes(b"PASS_WARN_AGE 7\n\xff\n")
        told = self.revet("explain", "own.days").stdout
        self.assertIn("  nothing: /etc/login.defs: it is no text file", told)


if __name__ == "__main__":
    unittest.main()
