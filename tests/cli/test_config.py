# SPDX-License-Identifier: Apache-2.0
"""`revet config`: what is in force and where it comes from; `--check`; and that tables see the site file that is named."""
import json
import re
import subprocess
import unittest

from clilib import CONFIG, DONE, TOP, USAGE, Case, run, write_tree

SITE = """profile: iot-backend
parameters: {ssh.max-auth-tries: 3}
networks: {office: [203.0.113.0/24]}
admins: {users: [ops], from: office}
serves:
  - {port: 443/tcp, to: world, what: https, tls: server}
reaches: [dns, {port: 443/tcp, to: [api.example.org, office]}]
forwards: [{from: wg0, to: office, port: 443/tcp}]
waivers: [{rule: fs.acl, object: /srv, reason: a test, owner: ops, until: never}]
"""


class Config(Case):
    def site(self, text, name="site.yaml"):
        path = self.tmp / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def settings(self, *args, env=None):
        ran = run("config", "-f", "json", *args, env=env)
        self.assert_exit(ran, DONE)
        return {one["name"]: (one["value"], one["from"], one["source"]) for one in json.loads(ran.stdout)}

    def test_without_a_site_file(self):
        got = self.settings(env={"REVET_SITE": str(self.tmp / "none.yaml")})
        self.assertEqual(got["site"], (None, "environment", "REVET_SITE"))
        self.assertEqual(got["profile"], ("server", "default", None))
        self.assertEqual(got["egress"], ("open", "default", None))
        self.assertEqual(got["parameters.ssh.max-auth-tries"], ("4", "default", None))
        self.assertEqual(got["directories.profiles"], ("/etc/revet/profiles", "default", None))

    def test_each_value_and_its_place(self):
        path = self.site(SITE)
        got = self.settings("--site", path)
        at = f"{path}:%s".__mod__
        self.assertEqual(got["site"], (str(path), "option", "--site"))
        self.assertEqual(got["profile"], ("iot-backend", "site", at("1:10")))
        self.assertEqual(got["parameters.ssh.max-auth-tries"], ("3", "site", at("2:34")))
        self.assertEqual(got["networks.office"], (["203.0.113.0/24"], "site", at("3:20")))
        self.assertEqual(got["admins.users"], (["ops"], "site", at("4:9")))
        self.assertEqual(got["admins.from"], (["203.0.113.0/24"], "site", at("4:30")))
        self.assertEqual(got["serves.443/tcp"], ("to world; https; tls: server", "site", at("6:5")))
        self.assertEqual(got["reaches.443/tcp"], ("to 203.0.113.0/24, api.example.org", "site", at("7:16")))
        self.assertEqual(got["reaches.dns"][1:], ("site", at("7:11")))
        self.assertEqual(got["forwards.1"], ("from wg0 to 203.0.113.0/24; 443/tcp", "site", at("8:12")))
        self.assertEqual(got["egress"], ("observe", "default", None))
        self.assertEqual(got["waivers.fs.acl /srv"], ("waived by ops for good: a test", "site", at("9:11")))
        severity = got["severity.listeners.database"]
        self.assertEqual(severity[:2], ("critical", "profile"))
        self.assertRegex(severity[2], r"^profiles/iot-backend\.yaml:\d+:\d+$")

    def test_the_last_word(self):
        path = self.site(SITE)
        env = {"REVET_SITE": str(path), "REVET_RULES": str(self.tmp / "rules.d")}
        got = self.settings("--set", "ssh.max-auth-tries=2", "--profile", "strict", env=env)
        self.assertEqual(got["site"], (str(path), "environment", "REVET_SITE"))
        self.assertEqual(got["directories.rules"], (env["REVET_RULES"], "environment", "REVET_RULES"))
        self.assertEqual(got["profile"], ("strict", "option", "--profile"))
        self.assertEqual(got["parameters.ssh.max-auth-tries"], ("2", "option", "--set"))

    def test_lists(self):
        got = self.settings("--set", "listeners.database-ports=1,2", "--site", self.site("# nothing\n"))
        self.assertEqual(got["parameters.listeners.database-ports"], (["1", "2"], "option", "--set"))

    def test_text(self):
        path = self.site(SITE)
        ran = run("config", "--site", path)
        self.assert_exit(ran, DONE)
        for line in (f"profile: iot-backend  ({path}:1:10)", f"networks.office: 203.0.113.0/24  ({path}:3:20)",
                     "egress: observe  (default)"):
            self.assertIn(line + "\n", ran.stdout)

    def test_check(self):
        ran = run("config", "--check", "--site", self.site(SITE))
        self.assert_exit(ran, DONE)
        self.assertEqual((ran.stdout, ran.stderr), ("", ""))
        for text, words in (("serves: [{port: 443, to: world}]\n", "1:17: '443' has no protocol"),
                            ("profile: sever\n", "did you mean server"),
                            ("parameters: {ssh.none: 1}\n", "1:14: there is no parameter"),
                            ("waivers: [{rule: a.b, reason: x, owner: y, until: never}]\n", "1:11: there is no rule")):
            self.assert_refused(run("config", "--check", "--site", self.site(text)), CONFIG, words)
        self.assert_refused(run("config", "--check", "--profile", "sever"), USAGE, "server")
        self.assert_refused(run("config", "--check", "--site", self.tmp / "none.yaml"), CONFIG, "none.yaml")
        loose = self.site(SITE, "loose.yaml")
        loose.chmod(0o666)
        self.assert_refused(run("config", "--check", "--site", loose), CONFIG, "others can change it")

    def test_the_file_that_is_named_is_the_one_that_tables_see(self):
        write_tree(self.root, {"etc/revet/site.yaml": "admins: {users: [nobody-here]}\n"})

        def verdict(*args):
            ran = self.audit(*args, "-f", "json", "--fail-on", "none", rule="site.admins-have-accounts")
            self.assert_exit(ran, DONE)
            return json.loads(ran.stdout)["results"][0]["verdict"]
        self.assertEqual(verdict(), "fail")
        self.assertEqual(verdict("--site", self.site("admins: {users: [root]}\n")), "pass")
        self.assertEqual(verdict("--site", self.site("# nothing\n")), "not_applicable")


class BadSites(Case):
    def test_the_program_says_what_the_parser_does(self):
        """A few of tests/site/bad, of which a unit test tries each."""
        text = (TOP / "tests/site/bad").read_text()
        cases = re.findall(r"(?ms)^== (?!error)([^\n]+)\n(.*?)^== error\n(.*?)\n", text)
        self.assertGreaterEqual(len(cases), 60)
        for title, site, message in cases[::20]:
            path = self.tmp / "site.yaml"
            path.write_text(site)
            path.chmod(0o600)
            ran = run("config", "--check", "--site", path)
            self.assert_exit(ran, CONFIG)
            self.assertEqual(ran.stderr, f"revet: {self.tmp}/{message}\n", title)


if __name__ == "__main__":
    unittest.main()
