# SPDX-License-Identifier: Apache-2.0
"""What goss is made of, against `revet test`: go_said.json has what Go 1.19's regexp and text/template,
sprig 3.2, blang/semver 4.0 and gjson 1.14, as Debian 12 has them, made of expressions, versions, paths and
templates. null: it was refused."""
import json
import unittest

from clilib import CONFIG, TOP, Case, run

SAID = json.loads((TOP / "tests/cli/go_said.json").read_text())


def quoted(value):
    return json.dumps(value, ensure_ascii=False)


class Said(Case):
    def write(self, text):
        path = self.tmp / "goss.yaml"
        path.write_text(text)
        path.chmod(0o644)
        return path

    def results(self, contents):
        """Of [(content, matches)], by number: the result."""
        lines = [f"  m{n}: {{content: {quoted(content)}, matches: {quoted(matches)}}}\n"
                 for n, (content, matches) in enumerate(contents)]
        done = run("test", "-f", "json", self.write("matching:\n" + "".join(lines)))
        self.assertIn(done.returncode, (0, 2), done.stderr)
        results = json.loads(done.stdout)["results"]
        self.assertEqual(len(results), len(contents))
        return results

    def test_expressions(self):
        known = [(a, b, said) for a, b, said in SAID["regexp"] if said is not None]
        self.assertGreater(len(known), 300)
        for (a, b, said), got in zip(known, self.results([(b, {"match-regexp": a}) for a, b, _ in known])):
            with self.subTest(expression=a, subject=b):
                self.assertEqual(got["successful"], said)

    def test_expressions_that_are_refused(self):
        for a in [a for a, _, said in SAID["regexp"] if said is None][:20]:
            with self.subTest(expression=a):
                text = f"matching: {{m: {{content: x, matches: {{match-regexp: {quoted(a)}}}}}}}\n"
                self.assert_refused(run("test", self.write(text)), CONFIG, "regular expression")

    def test_versions(self):
        for (a, b, said), got in zip(SAID["semver"], self.results(
                [(b, {"semver-constraint": a}) for a, b, _ in SAID["semver"]])):
            with self.subTest(range=a, version=b):
                self.assertEqual(None if got["err"] else got["successful"], said)

    def test_paths(self):
        document, paths = SAID["gjson"]["document"], SAID["gjson"]["paths"]
        for (path, exists, value), got in zip(paths, self.results(
                [(document, {"gjson": {path: {"equal": value}}}) for path, _, value in paths])):
            with self.subTest(path):
                if exists:
                    self.assertTrue(got["successful"], got["summary-line"])
                else:
                    self.assertEqual(got["err"], f"there is nothing at {path}")

    def test_templates(self):
        """As the content of a test, whose JSON then holds it."""
        variables = self.tmp / "vars.json"
        variables.write_text(json.dumps(SAID["template"]["vars"]))
        variables.chmod(0o644)
        for source, said in SAID["template"]["cases"]:
            if said is not None and "\n" in said:
                continue  # more than one line of YAML
            text = f"matching:\n  m:\n    content: |-\n      @{source}@\n    matches: '-'\n"
            done = run("test", "-f", "json", "--vars", variables, self.write(text),
                       env={"OS": "centos", "X": "y"})
            with self.subTest(source):
                if said is None:
                    self.assertEqual(done.returncode, CONFIG)
                    self.assertRegex(done.stderr, r"goss\.yaml:\d+: template: ")
                else:
                    self.assertEqual(done.returncode, 2, done.stderr)
                    actual = json.loads(done.stdout)["results"][0]["matcher-result"]["actual"]
                    self.assertEqual(actual, f"@{said}@")


if __name__ == "__main__":
    unittest.main()
