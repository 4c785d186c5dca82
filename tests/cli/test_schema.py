# SPDX-License-Identifier: Apache-2.0
"""JSON output against its schemas in docs/schema: of a tree, of this host, and of a recording."""
import copy
import json
import re
import unittest

import jsonschema
import yaml

from clilib import DONE, FINDINGS, TOP, Case, run, write_tree

RULE = """title: A test
severity: critical
why: It is one.
want: {os.family: {one_of: $site.families}}
parameters: {site.families: [plan9], site.one: "1"}
refs: {company: [A-1, 2], other: x}
by_hand: Do it.
cases: [{pass: {os: {family: plan9}}}, {fail: {os: {family: debian}}}]
"""


def strict(schema):
    """The schema without the room it leaves for later versions: what it does not name is wrong."""
    schema = copy.deepcopy(schema)

    def close(node):
        if isinstance(node, list):
            for item in node:
                close(item)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key not in ("if", "then", "allOf"):
                    close(value)
            if node.get("type") == "object":
                node.setdefault("additionalProperties", False)
    close(schema)
    return schema


def schema(name):
    return json.loads((TOP / "docs/schema" / (name + "-1.json")).read_text())


class Schemas(Case):
    def validate(self, name, text):
        data = json.loads(text)
        jsonschema.validate(data, strict(schema(name)))
        return data

    def output(self, *args, **more):
        result = run(*args, **more)
        self.assertIn(result.returncode, (DONE, FINDINGS), result.stderr)
        return result.stdout

    def test_they_are_schemas(self):
        for name in ("audit", "config", "init-check", "rules", "snapshot"):
            jsonschema.Draft7Validator.check_schema(schema(name))

    def test_the_examples_in_the_documents(self):
        for document, name in (("report-json", "audit"), ("config-json", "config"), ("rules-json", "rules"),
                               ("snapshot", "snapshot"), ("prove-json", "prove")):
            with self.subTest(document=document):
                text = (TOP / "docs" / (document + ".md")).read_text()
                blocks = re.findall(r"(?s)```json\n(.*?)```", text)
                self.assertEqual(len(blocks), 1)
                self.validate(name, blocks[0])

    def test_they_refuse(self):
        """Each member that a schema requires is missed, and one that nobody documented is seen."""
        report = json.loads(self.output("audit", "--root", self.root, "--rule", "ssh.no-root-login",
                                        "-f", "json"))
        for member in report:
            broken = {key: value for key, value in report.items() if key != member}
            with self.subTest(member=member), self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(broken, schema("audit"))
        for broken in ({**report, "more": 1}, {**report, "host": {**report["host"], "more": 1}},
                       {**report, "results": [{**report["results"][0], "more": 1}]}):
            jsonschema.validate(broken, schema("audit"))
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(broken, strict(schema("audit")))

    def check_report(self, report):
        results = report["results"]
        ids = [one["rule"] for one in results]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(report["summary"]["rules"], len(results))
        for verdict in ("pass", "fail", "not_applicable", "unknown", "manual"):
            self.assertEqual(report["summary"][verdict], sum(one["verdict"] == verdict for one in results))
        for severity, count in report["summary"]["failed_by_severity"].items():
            self.assertEqual(count, sum(one["verdict"] == "fail" and one["severity"] == severity
                                        for one in results))

    def test_rules(self):
        write_tree(self.tmp / "rules.d", {"site/own.yaml": RULE})
        env = {"REVET_RULES": str(self.tmp / "rules.d")}
        rules = {rule["id"]: rule
                 for rule in self.validate("rules", self.output("rules", "-f", "json", env=env))}
        self.assertEqual(rules["site.own"]["refs"], {"company": ["A-1", "2"], "other": ["x"]})
        self.assertEqual(rules["site.own"]["parameters"], {"site.families": ["plan9"], "site.one": "1"})
        self.assertEqual(rules["site.own"]["fix"], "by_hand")
        self.assertGreater(len(rules), 100)
        audited = json.loads(self.output("audit", "--root", self.root, "-f", "json", "--profile",
                                         "strict", env=env))
        self.assertEqual([one["rule"] for one in audited["results"]], sorted(rules))

    def test_the_audit_of_a_tree(self):
        report = self.validate("audit", self.output("audit", "--root", self.root, "-f", "json"))
        self.check_report(report)
        self.assertEqual(report["host"]["name"], "web-01")
        self.assertFalse(report["host"]["live"])
        found = {one["rule"]: one for one in report["results"]}["ssh.no-root-login"]
        self.assertEqual((found["verdict"], found["severity"], found["waived"]), ("fail", "high", False))
        evidence = found["evidence"][0]
        self.assertEqual((evidence["object"], evidence["found"], evidence["wanted"]),
                         ("PermitRootLogin", "yes", "no"))
        self.assertTrue(evidence["source"].startswith("/etc/ssh/sshd_config:2"))

    def test_an_earlier_audit(self):
        before = self.tmp / "before.json"
        self.output("audit", "--root", self.root, "--family", "ssh", "-f", f"json={before}")
        (self.root / "etc/ssh/sshd_config").write_text("PermitRootLogin no\nPermitEmptyPasswords yes\n")
        report = self.validate("audit", self.output("audit", "--root", self.root, "--family", "ssh",
                                                    "--since", before, "-f", "json"))
        self.assertIn("ssh.no-root-login", report["since"]["fixed"])
        self.assertIn("ssh.no-empty-passwords", report["since"]["new"])

    def test_evidence_that_is_left_out(self):
        lines = "".join(f"u{i}:x:{i}:{i}::/home/u{i}:/bin/sh\nu{i}:x:{i}:{i}::/home/u{i}:/bin/sh\n"
                        for i in range(1000, 1500))
        write_tree(self.root, {"etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" + lines})
        report = self.validate("audit", self.output("audit", "--root", self.root, "--family", "accounts",
                                                    "-f", "json"))
        self.assertTrue(any(one["evidence_left_out"] for one in report["results"]))
        self.assertLessEqual(max(len(one["evidence"]) for one in report["results"]), 200)

    def test_the_same_twice(self):
        first, second = (json.loads(self.output("audit", "--root", self.root, "-f", "json"))
                         for _ in range(2))
        self.assertEqual(first["results"], second["results"])

    def test_this_host_and_its_recording(self):
        kept = self.tmp / "kept"
        # Only an audit as it comes is kept as this host's last, and this one should not be.
        live = self.validate("audit", self.output("audit", "--set", "ssh.max-auth-tries=4", "--record", kept,
                                                  "-f", "json"))
        self.check_report(live)
        self.assertTrue(live["host"]["live"])
        recorded = self.validate("audit", self.output("audit", "--root", kept, "-f", "json"))
        self.assertEqual([(one["rule"], one["verdict"]) for one in live["results"]],
                         [(one["rule"], one["verdict"]) for one in recorded["results"]])
        self.validate("snapshot", self.output("snapshot", "--root", kept))

    def test_the_snapshot_of_a_tree(self):
        made = self.validate("snapshot", self.output("snapshot", "--root", self.root))
        users = made["tables"]["users"]["rows"]
        self.assertEqual([user["name"] for user in users], ["root", "ops"])
        self.assertEqual(users[0]["_source"], "/etc/passwd:1")
        self.assertIn("gap", made["tables"]["shadow"])



class SiteFiles(Case):
    """The schema for editors takes what the program takes, and refuses most of what it refuses."""

    # What a schema cannot say, or says of the text rather than of what it means.
    ONLY_THE_PROGRAM = {
        "a key twice", "two documents", "an alias", "a tab", "an open bracket", "port 65536", "a range past the last port",
        "a range the wrong way round", "world misspelt", "a service twice", "a service within a range",
        "an unknown network", "an unknown network, nothing like any", "bits past the prefix", "bits past the prefix, IPv6",
        "a prefix of 129", "no address", "a port behind an address", "loopback", "IPv6's loopback",
        "the unspecified address", "multicast", "broadcast", "an IPv4 address in IPv6",
        "an address twice, written differently", "a network twice", "a network that contains itself",
        "networks that contain each other", "a reach to world and to others", "names without a resolver", "a word twice",
        "a waiver until no date", "keys of nobody who administers", "a forward from no interface",
    }

    def setUp(self):
        super().setUp()
        self.schema = json.loads((TOP / "docs/schema/site.json").read_text())
        jsonschema.Draft7Validator.check_schema(self.schema)

    def takes(self, text):
        """Scalars are text, as they are for the program."""
        return jsonschema.Draft7Validator(self.schema).is_valid(yaml.load(text, Loader=yaml.BaseLoader))

    def good(self):
        page = (TOP / "man/revet.yaml.5.in").read_text()
        yield from re.findall(r'(?ms)^\.\\" example: site.yaml\n\.Bd [^\n]*\n(.*?)^\.Ed$', page)
        yield from re.findall(r"(?s)```yaml\n(.*?)```", (TOP / "docs/site.md").read_text())
        yield from ("{}\n", "serves: []\nreaches: []\nforwards: []\n", "admins: {users: [ops]}\negress: open\n",
                    "forwards: [{from: [10.0.0.0/8, '::ffff/128'], to: world}]\n".replace("::ffff", "fd00::1"))

    def test_both_take_what_is_right(self):
        for text in self.good():
            path = self.tmp / "site.yaml"
            path.write_text(text)
            path.chmod(0o600)
            self.assert_exit(run("config", "--check", "--site", path), DONE)
            self.assertTrue(self.takes(text), text)

    def test_both_refuse_what_is_wrong(self):
        bad = re.findall(r"(?ms)^== (?!error)([^\n]+)\n(.*?)^== error\n", (TOP / "tests/site/bad").read_text())
        self.assertLessEqual(self.ONLY_THE_PROGRAM, {title for title, _ in bad})
        for title, text in bad:
            if title in self.ONLY_THE_PROGRAM:
                continue
            with self.subTest(site=title):
                self.assertFalse(self.takes(text))

    def test_the_output_of_config(self):
        path = self.tmp / "site.yaml"
        path.write_text(next(self.good()))
        path.chmod(0o600)
        for args in ((), ("--site", path), ("--profile", "strict", "--set", "ssh.max-auth-tries=3")):
            jsonschema.validate(json.loads(run("config", "-f", "json", *args).stdout), strict(schema("config")))


if __name__ == "__main__":
    unittest.main()
