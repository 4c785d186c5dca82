# SPDX-License-Identifier: Apache-2.0
"""How commands and options are given, and what is said of a wrong one."""
import json
import re
import unittest

from clilib import CANNOT, CONFIG, DONE, FINDINGS, USAGE, Case, commands, known_bug, options, run


class Commands(Case):
    def test_nothing_given_shows_the_commands_as_an_error(self):
        result = run()
        self.assert_exit(result, USAGE)
        self.assertEqual(result.stdout, "")
        self.assertIn("usage: revet COMMAND", result.stderr)

    def test_help_goes_to_stdout(self):
        texts = set()
        for word in ("help", "--help", "-h"):
            result = run(word)
            self.assert_exit(result, DONE)
            self.assertEqual(result.stderr, "")
            texts.add(result.stdout)
        self.assertEqual(len(texts), 1)
        self.assertIn("usage: revet COMMAND", texts.pop())

    def test_every_command_has_help(self):
        self.assertIn("audit", commands())
        for command in commands():
            for option in ("--help", "-h"):
                with self.subTest(command=command, option=option):
                    result = run(command, option)
                    self.assert_exit(result, DONE)
                    self.assertTrue(result.stdout.startswith(f"usage: revet {command}"))
                    self.assertEqual(result.stderr, "")

    def test_help_wins_over_other_options(self):
        self.assertIn("usage: revet audit", run("audit", "--root", "/nonexistent", "--help").stdout)

    def test_help_lists_every_option_once(self):
        for command in commands():
            names = [name for _, name, _, _ in options(command)]
            self.assertEqual(len(names), len(set(names)), command)
            listed = [line for line in run(command, "--help").stdout.splitlines()
                      if re.match(r" +-", line)]
            self.assertEqual(len(listed), len(names), command)

    def test_the_usage_has_options_where_there_are_some(self):
        for command in commands():
            usage = run(command, "--help").stdout.partition("\n")[0]
            self.assertEqual("[OPTION...]" in usage, bool(options(command)), usage)
            self.assertEqual(usage, usage.rstrip())

    def test_version(self):
        result = run("version")
        self.assert_exit(result, DONE)
        self.assertRegex(result.stdout, r"\Arevet \d+\.\d+\.\d+ \(\d+ rules\)\n\Z")
        self.assertEqual(run("--version").stdout, result.stdout)

    def test_a_wrong_command_suggests_the_nearest(self):
        self.assert_refused(run("adit"), USAGE, "'adit'", "audit;")
        self.assert_refused(run("snapshots"), USAGE, "snapshot;")

    def test_a_command_like_no_other_names_the_list(self):
        for word in ("xyzzy", "", "--bogus", "-V", "a" * 300):
            with self.subTest(word=word[:20]):
                self.assert_refused(run(word), USAGE, "there is no command", "revet help")


class Options(Case):
    def test_an_unknown_option(self):
        for command in commands():
            with self.subTest(command=command):
                self.assert_refused(run(command, "--bogus"), USAGE, "--bogus", f"revet {command} --help")
                self.assert_refused(run(command, "-Z"), USAGE, "Z", f"revet {command} --help")

    def test_a_missing_value(self):
        for command in commands():
            for letter, name, value, _ in options(command):
                if value:
                    with self.subTest(command=command, option=name):
                        self.assert_refused(run(command, "--" + name), USAGE, name)
                        self.assert_refused(run(command, "--" + name, ""), USAGE, f"--{name} needs a value")
                        if letter:
                            self.assert_refused(run(command, "-" + letter), USAGE, letter)

    def test_a_flag_takes_no_value(self):
        self.assert_refused(run("audit", "--no-input=yes"), USAGE, "no-input")

    def test_a_value_may_stand_beside_or_behind(self):
        for given in (["--fail-on", "critical"], ["--fail-on=critical"]):
            self.assert_exit(self.audit(*given), DONE)
        for given in (["-f", "json"], ["-fjson"], ["--format=json"], ["--format", "json"]):
            self.assertTrue(self.audit(*given).stdout.startswith("{"), given)

    def test_abbreviations(self):
        self.assert_exit(self.audit("--fail", "critical"), DONE)
        self.assert_refused(self.audit("--r", "x"), USAGE, "--r", "revet audit --help")

    def test_options_and_words_in_any_order(self):
        before = run("explain", "--root", self.root, "ssh.no-root-login")
        behind = run("explain", "ssh.no-root-login", "--root", self.root)
        self.assert_exit(before, DONE)
        self.assertEqual(before.stdout, behind.stdout)

    def test_two_dashes_end_the_options(self):
        result = run("explain", "--root", self.root, "--", "ssh.no-root-login")
        self.assert_exit(result, DONE)
        self.assert_refused(run("explain", "--root", self.root, "--", "--help"), USAGE, "'--help'")
        self.assert_refused(run("audit", "--", "word"), USAGE, "'word'")

    def test_the_last_of_a_single_option_counts(self):
        self.assert_exit(self.audit("--fail-on", "low", "--fail-on", "none"), DONE)
        self.assert_exit(self.audit("--fail-on", "none", "--fail-on", "low"), FINDINGS)

    def test_too_many_options(self):
        given = [word for _ in range(70) for word in ("--rule", "ssh.no-root-login")]
        self.assert_refused(run("audit", *given), USAGE, "more than")

    def test_too_many_outputs(self):
        given = [word for _ in range(20) for word in ("-f", "json")]
        self.assert_refused(self.audit(*given), USAGE, "more than")

    def test_no_word_where_none_is_taken(self):
        for command in ("audit", "rules", "snapshot", "version"):
            with self.subTest(command=command):
                self.assert_refused(run(command, "word"), USAGE, "word")

    def test_no_input_changes_nothing(self):
        self.assertEqual(self.audit("-f", "json", "--no-input").returncode, FINDINGS)


class Names(Case):
    """Rules, families, tables, columns, formats, severities, parameters."""

    def test_an_unknown_rule_suggests_the_nearest(self):
        for result in (self.audit(rule="ssh.no-root-logn"), run("explain", "ssh.no-root-logn")):
            self.assert_refused(result, USAGE, "'ssh.no-root-logn'", "ssh.no-root-login;")
        self.assert_refused(self.audit(rule="xyzzy"), USAGE, "'xyzzy'", "revet rules")
        for word in ("", "x", "ssh"):
            self.assert_refused(run("explain", word), USAGE, f"there is no rule '{word}'; see: revet rules\n")

    def test_an_unknown_family(self):
        self.assert_refused(run("audit", "--family", "sshh"), USAGE, "'sshh'", "revet rules")

    def test_an_unknown_family_of_rules(self):
        self.assert_refused(run("rules", "--family", "sshh"), USAGE, "sshh")

    def test_an_unknown_table(self):
        self.assert_refused(run("table", "usrs"), USAGE, "'usrs'", "revet table")

    def test_an_unknown_table_suggests_the_nearest(self):
        self.assert_refused(run("table", "userss"), USAGE, "users;")

    def test_rows_of_a_table_by_key(self):
        def shown(*keys):
            ran = run("table", *keys, "--root", self.root, "-f", "json")
            self.assert_exit(ran, DONE)
            return json.loads(ran.stdout)

        self.assertEqual([row["name"] for row in shown("users", "ops")], ["ops"])
        self.assertEqual([row["name"] for row in shown("users", "o*", "root")], ["root", "ops"])
        self.assertEqual(shown("users", "nobody"), [])
        self.assertEqual([row["key"] for row in shown("login_defs", "UMASK")], [])
        self.assertEqual([row["path"] for row in shown("files", "/etc/passwd")], ["/etc/passwd"])

    def test_an_unknown_column(self):
        self.assert_refused(run("table", "users", "--where", "uidd=0", "--root", self.root), USAGE,
                            "users", "'uidd'")

    def test_where_needs_a_value(self):
        self.assert_refused(run("table", "users", "--where", "uid", "--root", self.root), USAGE, "uid")

    def test_an_unknown_format(self):
        for result in (self.audit("-f", "jsn"), self.audit("-f", "jsn=x"), self.audit("-f", "=x"),
                       run("rules", "-f", "xml"), run("table", "users", "-f", "xml")):
            self.assert_refused(result, USAGE, "format", "text", "json")

    def test_an_unknown_severity(self):
        self.assert_refused(self.audit("--fail-on", "hgh"), USAGE, "hgh", "medium")

    def test_an_unknown_severity_of_rules(self):
        self.assert_refused(run("rules", "--severity", "hgh"), USAGE, "hgh")

    def test_an_unknown_color(self):
        self.assert_refused(self.audit("--color", "sometimes"), USAGE, "sometimes")

    def test_explain_names_the_column_that_tells_which_row(self):
        told = run("explain", "cron.files-private", "--root", self.root).stdout
        self.assertIn("  set mode, owner and group of PATH, and ", told)
        self.assertIn(": set PermitRootLogin in ", run("explain", "ssh.no-root-login", "--root", self.root).stdout)

    def test_firewall_reads_the_site_file_that_is_named(self):
        file = self.tmp / "site.yaml"
        file.write_text("profile: server\n")
        file.chmod(0o600)
        for ran in (run("firewall", "--site", file), run("firewall", env={"REVET_SITE": str(file)})):
            self.assert_refused(ran, CONFIG, f"{file} is not there, or does not say who is served", "revet init")
        file.write_text("serve: []\n")
        self.assert_refused(run("firewall", "--site", file), CONFIG, f"{file}:1:1: ")

    def test_explain_lists_what_tries_a_rule_once(self):
        told = run("explain", "ssh.allowed-users", "--root", self.root).stdout
        self.assertEqual(told.count("\ntried by\n"), 1)
        self.assertEqual(told.count("  revet prove "), 2)

    def test_explain_takes_one_rule(self):
        self.assert_refused(run("explain"), USAGE, "revet explain [OPTION...] RULE")
        self.assert_refused(run("explain", "a", "b"), USAGE, "revet explain [OPTION...] RULE")

    def test_a_snapshot_is_no_tree(self):
        self.assert_refused(run("audit", "--snapshot", "x", "--root", "y"), USAGE, "--snapshot")
        self.assert_refused(run("audit", "--snapshot", "x", "--record", "y"), USAGE, "--snapshot")


class Parameters(Case):
    def verdict(self, *args, rule):
        result = self.audit("-f", "json", *args, rule=rule)
        self.assertIn(result.returncode, (DONE, FINDINGS), result.stderr)
        return json.loads(result.stdout)["results"][0]["verdict"]

    def test_a_number(self):
        self.assertEqual(self.verdict(rule="ssh.max-auth-tries"), "fail")
        self.assertEqual(self.verdict("--set", "ssh.max-auth-tries=5", rule="ssh.max-auth-tries"), "pass")
        self.assertEqual(self.verdict("--set", "ssh.max-auth-tries=5", "--set", "ssh.max-auth-tries=3",
                                      rule="ssh.max-auth-tries"), "fail")

    def test_a_list(self):
        config = self.root / "etc/ssh/sshd_config"
        config.write_text("Ciphers aes256-ctr,aes128-ctr\n")
        for value, verdict in (("aes256-ctr", "fail"), ("aes256-ctr,aes128-ctr", "pass"),
                               ("aes128-ctr, aes256-ctr", "pass")):
            with self.subTest(value=value):
                self.assertEqual(self.verdict("--set", "ssh.ciphers=" + value, rule="ssh.ciphers"), verdict)

    def test_wrong_ones(self):
        self.assert_refused(self.audit("--set", "nosuch=1"), USAGE, "'nosuch'")
        self.assert_refused(self.audit("--set", "ssh.max-auth-tries"), USAGE, "PARAMETER=VALUE")
        self.assert_refused(self.audit("--set", "=1"), USAGE, "parameter")

    def test_a_value_of_the_wrong_type(self):
        self.assert_refused(self.audit("--set", "ssh.max-auth-tries=many"), USAGE, "many")


class Sources(Case):
    def test_a_root_that_is_none(self):
        for command in (["audit"], ["snapshot"], ["table", "users"], ["explain", "ssh.no-root-login"]):
            for root, why in (("/nonexistent", "No such file"), ("/etc/passwd", "Not a directory")):
                with self.subTest(command=command, root=root):
                    self.assert_refused(run(*command, "--root", root), CANNOT, root, why)

    def test_an_empty_root_is_read_and_nothing_passes_by_it(self):
        (self.tmp / "empty").mkdir()
        result = run("audit", "--root", self.tmp / "empty", "-f", "json")
        self.assertIn(result.returncode, (DONE, FINDINGS))

    def test_a_broken_recording(self):
        (self.tmp / "recorded").mkdir()
        for text in ("revet-recording 99\n", "revet-recording 1\nlive 1\n\nread 0 10 /etc/passwd\nroot"):
            (self.tmp / "recorded/recording").write_text(text)
            with self.subTest(text=text):
                result = run("audit", "--root", self.tmp / "recorded")
                self.assertIn(result.returncode, (CANNOT, CONFIG))
                self.assertEqual(result.stdout, "")
                self.assertIn("recording", result.stderr)

    def test_an_empty_recording(self):
        (self.tmp / "cut").mkdir()
        (self.tmp / "cut" / "recording").write_text("")
        self.assertIn(run("audit", "--root", self.tmp / "cut").returncode, (CANNOT, CONFIG))

    def test_a_system_is_no_recording(self):
        """Whoever owns the tree may have put the file there."""
        (self.root / "recording").write_text("revet-recording 1\nlive 0\nuid 0\ntime 0\n\n")
        self.assertIn("offline", run("audit", "--root", self.root).stdout)
        self.assertIn("web-01", run("audit", "--root", self.root).stdout)


if __name__ == "__main__":
    unittest.main()
