# SPDX-License-Identifier: Apache-2.0
"""The manual pages and completions say what the program does, and their examples work."""
import json
import os
import re
import subprocess
import unittest

from clilib import BUILD, CONFIG, DONE, REVET, TOP, Case, commands, options, run, write_tree

MAN = BUILD / "man"
PAGES = ("revet.1", "revet.yaml.5", "revet-rules.7", "revet-tables.7")


def page(name):
    return (MAN / name).read_text()


def plain(name):
    """The page as a reader sees it, without bold and underline."""
    result = subprocess.run(["mandoc", "-Tutf8", "-O", "width=400", MAN / name], check=True,
                            capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return re.sub(".\b", "", result.stdout)


def quoted(text):
    """The string literals in C source."""
    return re.findall(r'"([^"]*)"', text)


class Coverage(Case):
    def test_its_rules_are_there(self):
        text = (TOP / "docs/coverage.md").read_text()
        rules = {rule["id"] for rule in json.loads(run("rules", "--profile", "strict", "-f", "json").stdout)}
        rows = re.findall(r"(?m)^\| (?!control )[^|]+ \| (.*) \|$", text)
        decided = [re.findall(r"`([a-z]+\.[a-z0-9-]+)`", row) for row in rows]
        self.assertEqual({name for names in decided for name in names} - rules, set())
        self.assertEqual([row for row, names in zip(rows, decided) if not names and len(row) < 20], [],
                         "neither a rule nor a reason why there is none")
        for row in rows:
            for name in re.findall(r"\b([a-z]+\.[a-z0-9]+(?:-[a-z0-9]+)+)\b", row):
                self.assertIn(name, rules, "a reason names a rule that is not")
        self.assertIn(f"Of {len(rows)} controls {sum(map(bool, decided))} are decided by rules.", text)


class Controls(Case):
    def test_each_number_is_explained(self):
        text = (TOP / "docs/controls.md").read_text()
        rows = [[cell.strip() for cell in row] for row in
                re.findall(r"(?m)^\| ([A-Z]\d[^|]*) \|([^|]+)\|([^|]+)\|([^|]*)\|$", text)]
        rules = {rule["id"]: rule["refs"].get("mission", []) for rule in json.loads(run("rules", "-f", "json").stdout)}
        tried = json.loads(run("prove", "--plan", "-f", "json").stdout)["experiments"]
        proven = {experiment["experiment"]: experiment["mission"] for experiment in tried}
        numbers = {number for row in rows for number in row[0].split(", ")}
        used = {number for named in (rules, proven) for numbers_of in named.values() for number in numbers_of}
        self.assertEqual(used - numbers, set())
        for row, _, decided, experiments in rows:
            named = re.findall(r"`([a-z]+\.[a-z0-9-]+)`", decided)
            self.assertTrue(named or (len(decided) > 20 and not used & set(row.split(", "))), row)
            for name, of in [*((n, rules) for n in named), *((n, proven) for n in re.findall("`([^`]+)`", experiments))]:
                self.assertTrue(set(of[name]) & set(row.split(", ")), (row, name))


class Pages(Case):
    def test_they_are_well_formed(self):
        for name in PAGES:
            with self.subTest(page=name):
                result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MAN / name],
                                        capture_output=True, text=True)
                self.assertEqual(result.stdout, "")
                self.assertNotRegex(page(name), r"(?m)^@")

    def test_they_are_what_the_program_prints_now(self):
        for name in PAGES:
            made = self.tmp / name
            subprocess.run([TOP / "tools/manpage", REVET, TOP / "man" / (name + ".in"), made], check=True)
            self.assertEqual(made.read_text(), page(name))

    def test_every_command_and_option(self):
        text = plain("revet.1").split("\nCOMMANDS\n")[1]
        for command in commands():
            self.assertRegex(text, rf"(?m)^   revet {command}\b")
            section = re.split(rf"(?m)^   revet {command}\b", text, maxsplit=1)[1]
            section = re.split(r"\n   revet |\n[A-Z]", section, maxsplit=1)[0]
            for letter, name, value, words in options(command):
                with self.subTest(command=command, option=name):
                    spec = (f"-{letter}, " if letter else "") + f"--{name}" + (f" {value}" if value else "")
                    self.assertIn(spec, section)
                    self.assertIn(words, section)

    def test_every_exit_status(self):
        codes = set(map(int, re.findall(r"EXIT_\w+ = (\d+)", (TOP / "src/cmd/cmd.h").read_text())))
        used = "".join(path.read_text() for path in (TOP / "src/cmd").glob("*.c"))
        if not re.search(r"[^=]= EXIT_UNKNOWN|return EXIT_UNKNOWN|\? EXIT_UNKNOWN", used):
            codes.discard(3)  # reserved
        section = page("revet.1").split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        self.assertEqual(set(map(int, re.findall(r"(?m)^\.It (\d+)$", section))), codes | {130})

    def test_every_variable_of_the_environment(self):
        code = "".join(path.read_text() for path in (TOP / "src").rglob("*.c"))
        for name in set(re.findall(r'getenv\("(\w+)"\)', code)):
            self.assertRegex(page("revet.1"), rf"(?m)^\.It Ev {name}$")

    def test_every_table(self):
        listed = [line.split()[0] for line in run("table").stdout.splitlines()]
        section = page("revet-tables.7").split(".Sh TABLES")[1]
        self.assertEqual(re.findall(r"(?m)^\.Ss (.*)$", section), listed)

    def test_the_columns_of_a_snapshot(self):
        tables = json.loads(run("snapshot", "--root", self.root).stdout)["tables"]
        parts = re.split(r"(?m)^\.Ss (.*)$", page("revet-tables.7").split(".Sh TABLES")[1])
        documented = dict(zip(parts[1::2], parts[2::2]))
        for name, table in tables.items():
            columns = {key for row in table.get("rows", []) for key in row if not key.startswith("_")}
            for column in columns:
                self.assertIn(f".It Sy \\&{column} ", documented[name])


class Documents(Case):
    def test_what_they_name_is_there(self):
        for document in [*(TOP / "docs").glob("*.md"), TOP / "CONTRIBUTING.md", TOP / "README.md"]:
            text = document.read_text()
            for link in re.findall(r"\]\(([^)#:]+)\)", text):
                self.assertTrue((document.parent / link).exists(), (document.name, link))
            for path in re.findall(r"`((?:src|tests|tools|docs|man|build|catalogue|cmd|report|rule|host|base)/"
                                   r"[\w./-]+)`", text):
                path = re.sub(r"\b[A-Z]{3,}\b", "*", path)  # FAMILY stands for any
                found = any(any(top.glob(path)) for top in (TOP, TOP / "src"))
                self.assertTrue(found, (document.name, path))


class RuleLanguage(Case):
    """What the loader knows is in revet-rules(7)."""

    def setUp(self):
        super().setUp()
        self.text = page("revet-rules.7")

    def section(self, title):
        return self.text.split(f".Sh {title}\n")[1].split("\n.Sh ")[0]

    def assert_items(self, section, words):
        items = " ".join(re.findall(r"(?m)^\.It Cm (.*)$", section))
        for word in words:
            with self.subTest(word=word):
                self.assertRegex(items, rf"(^|[ ,]){word}\b")

    def source(self, file, pattern):
        found = re.search(pattern, (TOP / "src" / file).read_text(), re.DOTALL)
        self.assertIsNotNone(found, (file, pattern))
        return quoted(found[1])

    def test_keys(self):
        keys = self.source("rule/rule.c", r"parse_rule\(.*?keys\[\] = \{(.*?)\}")
        items = re.findall(r"(?m)^\.It Cm (.*)$", self.section("KEYS OF A RULE"))
        self.assertEqual(sorted(" , ".join(items).split(" , ")), sorted(keys))

    def test_proofs(self):
        for proof in self.source("rule/rule.c", r"proofs\[\] = \{(.*?)\}"):
            self.assertRegex(self.section("KEYS OF A RULE"), rf"\.Cm .*\b{proof}\b")

    def test_sentences(self):
        words = [entry for entry in self.source("rule/sentence.c", r"\} shorthands\[\] = \{\n(.*?)\n\};")
                 if " " not in entry]
        self.assertIn("package", words)
        quantities = self.source("rule/sentence.c", r"quantity_of\(.*?words\[\] = \{(.*?)\}")
        section = self.section("SENTENCES")
        self.assert_items(section, [*words, "any", "not", "workload", "for"])
        self.assertIn(", Cm all", section)
        for quantity in quantities:
            self.assertIn(f".It Cm want : {quantity}\n", section)

    def test_expectations(self):
        forms = self.source("rule/expect.c", r"\} forms\[\] = \{\n(.*?)\n\};")
        items = re.findall(r"(?:\.It|,) Cm (\w+)", self.section("EXPECTATIONS"))
        self.assertEqual(sorted(items), sorted([*forms, "absent", "present"]))

    def test_types(self):
        types = self.source("host/table.c", r"type_name\(.*?names\[\] = \{(.*?)\}")
        for name in types:
            self.assertIn(f"\n.It Sy {name}\n", page("revet-tables.7"))

    def test_verdicts_severities_risks(self):
        for file, pattern in (("rule/judge.c", r"verdicts\[\] = \{(.*?)\}"),
                              ("rule/rule.c", r"severities\[\] = \{(.*?)\}"),
                              ("rule/rule.c", r"risks\[\] = \{(.*?)\}"),
                              ("rule/rule.c", r"fixes\[\] = \{(.*?)\}")):
            for word in self.source(file, pattern):
                self.assertRegex(self.text, rf"(?m)^\.Cm .*\b{word}\b")


SKELETON = {"title": "title: An example\n", "severity": "severity: low\n", "why": "why: It is one.\n",
            "cases": "cases: [{pass: {}}, {fail: {}}]\n"}


class Examples(Case):
    """Those of revet-rules(7): whole rules, and parts that a skeleton makes whole."""

    def examples(self):
        found = re.findall(r'(?m)^\.\\" (example: (\S+)|part)\n\.Bd [^\n]*\n(.*?)^\.Ed$',
                           page("revet-rules.7"), re.DOTALL)
        blocks = page("revet-rules.7").count("\n.Bd ")
        self.assertEqual(len(found), blocks, "an example without its mark")
        self.assertGreater(blocks, 5)
        for kind, path, text in found:
            if kind == "part":
                text = "".join(line for key, line in SKELETON.items()
                               if not re.search(rf"(?m)^{key}:", text)) + text
            yield path or "site/part.yaml", text

    def load(self, path, text):
        directory = self.tmp / "rules.d"
        write_tree(directory, {path: text})
        result = run("rules", "-f", "json", env={"REVET_RULES": str(directory)})
        (directory / path).unlink()
        return result

    def test_each_loads(self):
        for path, text in self.examples():
            with self.subTest(text=text):
                result = self.load(path, text)
                self.assert_exit(result, DONE)
                self.assertIn(path.replace("/", ".").removesuffix(".yaml"),
                              [rule["id"] for rule in json.loads(result.stdout)])

    def test_each_would_be_refused_with_a_mistake_in_it(self):
        for path, text in self.examples():
            self.assert_exit(self.load(path, text.replace("title:", "titel:")), CONFIG)

    @unittest.skipUnless((BUILD / "test_catalogue").exists(), "built without cmocka")
    def test_the_cases_of_each_hold(self):
        for path, text in self.examples():
            if SKELETON["cases"] in text:
                continue
            for right in (True, False):
                wrong = text.replace("fail:", "pass:")
                directory = self.tmp / ("right" if right else "wrong")
                write_tree(directory, {path: text if right else wrong + "  - fail: {}\n"})
                result = subprocess.run([BUILD / "test_catalogue"], capture_output=True, text=True,
                                        env={"REVET_RULES": str(directory)}, cwd=TOP)
                self.assertEqual(result.returncode == 0, right, result.stderr)

    def test_commands(self):
        """The command lines of revet(1) are of commands and options that exist."""
        lines = re.findall(r"(?m)^\.Dl (revet .*)$", page("revet.1"))
        self.assertGreater(len(lines), 5)
        for line in lines:
            words = re.split("[>|]", line)[0].replace("'", "").split()
            self.assertIn(words[1], commands())
            known = {"--" + name for _, name, _, _ in options(words[1])}
            known |= {"-" + letter for letter, _, _, _ in options(words[1]) if letter}
            for word in words[2:]:
                if word.startswith("-"):
                    self.assertIn(word.split("=")[0], known, line)


class Completions(Case):
    def setUp(self):
        super().setUp()
        self.env = {"PATH": f"{BUILD}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.tmp),
                    "REVET_RULES": "/nonexistent"}

    def shell(self, *command):
        return subprocess.run(command, capture_output=True, text=True, env=self.env, timeout=60)

    def bash(self, *words):
        script = (f'source {MAN}/revet; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _revet; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        result = self.shell("bash", "--norc", "-c", script, "bash", *words)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def fish(self, *words):
        result = self.shell("fish", "--no-config", "-c",
                            f"source {MAN}/revet.fish; complete -C '{' '.join(words)}'")
        self.assertEqual(result.stderr, "")
        return [line.split("\t")[0] for line in result.stdout.splitlines()]

    def test_the_shells_can_read_them(self):
        for shell, name in (("bash", "revet"), ("zsh", "_revet"), ("fish", "revet.fish")):
            with self.subTest(shell=shell):
                result = self.shell(shell, "-n", MAN / name)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual(run("completion", shell).stdout, (MAN / name).read_text())

    def test_every_command_and_option(self):
        for complete in (self.bash, self.fish):
            with self.subTest(complete.__name__):
                self.assertLessEqual(set(commands()), set(complete("revet", "")))
                for command in commands():
                    offered = set(complete("revet", command, "--"))
                    self.assertLessEqual({"--" + name for _, name, _, _ in options(command)}, offered)
        zsh = (MAN / "_revet").read_text()
        for command in commands():
            part = zsh.split(f"\t{command})\n")[1].split(";;")[0]
            for letter, name, _, _ in options(command):
                self.assertIn(f"'*'--{name}", part)
                if letter:
                    self.assertIn(f"'*'-{letter}", part)

    def test_values(self):
        for complete in (self.bash, self.fish):
            with self.subTest(complete.__name__):
                self.assertEqual(complete("revet", "audit", "--rule", "ssh.no-root-lo"), ["ssh.no-root-login"])
                self.assertEqual(complete("revet", "audit", "--fail-on", "cr"), ["critical"])
                self.assertEqual(complete("revet", "explain", "ssh.no-root-lo"), ["ssh.no-root-login"])
                self.assertEqual(complete("revet", "table", "shad"), ["shadow"])
                self.assertIn("ssh", complete("revet", "rules", "--family", "s"))
                self.assertEqual(complete("revet", "audit", "--profile", "iot"), ["iot-backend"])
                self.assertEqual(complete("revet", "rules", "--map", "cis"), ["cis-debian12"])
                self.assertEqual(complete("revet", "prove", "firewall.t"), ["firewall.tcp"])
                self.assertEqual(complete("revet", "apply", str(TOP / "README.m")), [str(TOP / "README.md")])
                self.assertLessEqual({"text", "json"}, set(complete("revet", "audit", "-f", "")))
        self.assertEqual(self.bash("revet", "audit", "--fail-on", "=", "cr"), ["critical"])
        self.assertEqual(self.bash("revet", "audit", "--root", str(self.tmp)[:-3]), [str(self.tmp)])

    def test_an_unknown_shell(self):
        for words in (["ksh"], [], ["bash", "zsh"]):
            self.assertEqual(run("completion", *words).returncode, 64)



class SiteExamples(Case):
    """Those of revet.yaml(5) and docs/site.md: whole files."""

    def examples(self):
        text = page("revet.yaml.5")
        found = re.findall(r'(?ms)^\.\\" example: (\S+)\n\.Bd [^\n]*\n(.*?)^\.Ed$', text)
        self.assertEqual(len(found), text.count("\n.Bd -literal"), "an example without its mark")
        yield from found
        blocks = re.findall(r"(?s)```yaml\n(.*?)```", (TOP / "docs/site.md").read_text())
        self.assertEqual(len(blocks), 1)
        yield "site.yaml", blocks[0]

    def check(self, path, text):
        write_tree(self.tmp, {path: text})
        (self.tmp / path).chmod(0o644)
        return run("config", "--check", "--site", self.tmp / path)

    def test_each_site_file_is_taken(self):
        sites = [text for path, text in self.examples() if path == "site.yaml"]
        self.assertGreaterEqual(len(sites), 3)
        for text in sites:
            self.assert_exit(self.check("site.yaml", text), DONE)
            self.assert_exit(self.check("site.yaml", text.replace("admins:", "admin:")), CONFIG)

    def test_every_key(self):
        """What the parser takes is in the manual page, in the schema, and in an example."""
        schema = json.loads((TOP / "docs/schema/site.json").read_text())["properties"]
        inner = {"admins": schema["admins"]["properties"], "serves": schema["serves"]["items"]["properties"],
                 "reaches": schema["reaches"]["items"]["oneOf"][1]["properties"],
                 "forwards": schema["forwards"]["items"]["properties"],
                 "waivers": schema["waivers"]["items"]["properties"]}
        code = "".join((TOP / "src/host" / name).read_text() for name in ("site_file.c", "site_traffic.c"))
        taken = [quoted(keys) for keys in re.findall(r"keys\[\] = \{(.*?)\}", code, re.DOTALL)]
        self.assertEqual(sorted(map(sorted, taken)), sorted(map(sorted, [schema, *inner.values()])))
        text = page("revet.yaml.5").split(".Sh PROFILES")[0]
        examples = "".join(text for _, text in self.examples())
        for key in {key for keys in taken for key in keys}:
            self.assertRegex(text, rf"(?m)^\.It Cm (\w+ , )*{key}( ,.*)?$")
            if key != "parameters":
                self.assertRegex(examples, rf"\b{key}:")


if __name__ == "__main__":
    unittest.main()
