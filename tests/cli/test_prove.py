# SPDX-License-Identifier: Apache-2.0
"""revet prove, as far as it says what it would do; what it does is tested on hosts."""
import json
import os
import unittest

import jsonschema

from clilib import DONE, REVET, TOP, USAGE, Case, run

PERMISSION = 77
NOBODY = 65534


class Prove(Case):
    def plan(self, *words):
        result = run("prove", "--plan", "-f", "json", *words)
        self.assert_exit(result, DONE)
        plan = json.loads(result.stdout)
        jsonschema.validate(plan, json.loads((TOP / "docs/schema/prove-plan-1.json").read_text()))
        return [experiment["experiment"] for experiment in plan["experiments"]]

    def test_schemas(self):
        for name in ("prove", "prove-plan"):
            jsonschema.Draft7Validator.check_schema(json.loads((TOP / f"docs/schema/{name}-1.json").read_text()))

    def test_the_plan_says_what_each_does(self):
        text = run("prove", "--plan").stdout
        for name in self.plan():
            with self.subTest(experiment=name):
                part = text[text.index("\n" + name) if not text.startswith(name) else 0:]
                for word in ("tries  ", "does   ", "takes  at most ", "proves "):
                    self.assertIn(word, part)
        self.assertIn("Nothing has been tried", text)

    def test_controls(self):
        everything = self.plan()
        self.assertEqual(everything, sorted(set(everything)))
        self.assertEqual(self.plan("firewall.tcp"), ["firewall.tcp"])
        self.assertEqual(self.plan("ssh"), [name for name in everything if name.startswith("ssh.")])
        self.assertIn("ssh.root-refused", self.plan("ssh.no-root-login"))  # a rule
        self.assertIn("firewall.egress", self.plan("I8"))  # a row of the coverage table
        self.assertEqual(self.plan("firewall.tcp", "ssh.root-refused", "firewall.tcp"),
                         ["firewall.tcp", "ssh.root-refused"])

    def test_names_that_are_none(self):
        self.assert_refused(run("prove", "--plan", "firewal.tcp"), USAGE, "'firewal.tcp'", "mean firewall.tcp")
        self.assert_refused(run("prove", "--plan", "ssh.no-root-logn"), USAGE, "mean ssh.no-root-login")
        self.assert_refused(run("prove", "--plan", "xyzzyxyzzy"), USAGE, "revet prove --plan")
        self.assert_refused(run("prove", "--plan", "banners.permissions"), USAGE, "no experiment", "banners.permissions")
        self.assert_refused(run("prove", "-f", "sarif", "--plan"), USAGE, "text, json, junit")
        self.assert_refused(run("prove", "-f", "junit", "--plan"), USAGE, "text and json")

    def test_a_tree_is_refused(self):
        self.assert_refused(run("prove", "--root", self.root), USAGE, "--root", "revet audit")

    def test_explain_names_the_experiment(self):
        self.assertIn("revet prove ssh.root-refused: ", run("explain", "ssh.no-root-login", "--root", self.root).stdout)

    @unittest.skipUnless(os.geteuid() == 0, "becomes another user")
    def test_it_takes_root(self):
        # The program may stand where others cannot reach it: opened before, run by its descriptor.
        program = os.open(REVET, os.O_RDONLY)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(write, 2)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.execve(program, ["revet", "prove"], {"REVET_RULES": "/nonexistent", "REVET_SITE": "/nonexistent"})
        os.close(write)
        with os.fdopen(read) as pipe:
            said = pipe.read()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), PERMISSION, said)
        self.assertIn("revet prove --plan", said)


if __name__ == "__main__":
    unittest.main()
