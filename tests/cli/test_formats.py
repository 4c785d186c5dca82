# SPDX-License-Identifier: Apache-2.0
"""The report formats, each read by a real consumer or held to its public schema: of a tree with names
that were chosen to break them."""
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

import jsonschema

from clilib import FINDINGS, TOP, TREE, USAGE, Case, run, write_tree

SCHEMAS = pathlib.Path(os.environ.get("REVET_SCHEMAS", TOP.parent / "shared" / "schemas"))
HOSTILE = "x<script>alert(1)<script>&\"'`|=cmd\x01\x1b[2J \u202e\ufffe"
FORMATS = ("text", "json", "ndjson", "sarif", "junit", "html", "markdown", "csv", "prometheus",
           "prometheus-rules")


def public_schema(name):
    path = SCHEMAS / name
    if not path.exists():
        raise unittest.SkipTest(f"SKIPPED: the public schema {path} is not there")
    return path


class Written(Case):
    """One audit, in all formats."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(prefix="revet-formats-")
        cls.addClassCleanup(cls.temp.cleanup)
        cls.root = pathlib.Path(cls.temp.name, "root")
        write_tree(cls.root, TREE)
        for name in (HOSTILE, "=1+1", "-x", "@y"):
            write_tree(cls.root, {f"etc/cron.d/{name.replace('/', '')}": "* * * * * root /bin/x\n"})
        write_tree(cls.root, {
            "etc/hostname": "h<b>|&\n",
            "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
                          "toor<i>\x02|:x:0:0::/root:/bin/bash\n"
                          "ops:x:1000:1000::/home/ops:/bin/bash\n"})
        for path in (cls.root / "etc/cron.d").iterdir():
            path.chmod(0o666)
        cls.out = {name: pathlib.Path(cls.temp.name, "out." + name) for name in FORMATS}
        cls.ran = run("audit", "--root", cls.root, *[f"-f{name}={path}" for name, path in cls.out.items()])
        cls.results = {r["rule"]: r for r in json.loads(cls.out["json"].read_text())["results"]}

    def setUp(self):
        self.assertEqual(self.ran.returncode, FINDINGS, self.ran.stderr)
        self.failed = {rule for rule, r in self.results.items() if r["verdict"] == "fail"}
        self.assertIn("accounts.only-root-uid-0", self.failed)
        self.assertIn("fs.crontabs", self.failed)


class Mapped(Case):
    """With --map each format says the same of another's sections and items."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(prefix="revet-mapped-")
        cls.addClassCleanup(cls.temp.cleanup)
        root = pathlib.Path(cls.temp.name, "root")
        write_tree(root, TREE)
        cls.out = {}
        for name in ("cis-debian12", "ssg", "anssi", "lynis"):
            files = {form: pathlib.Path(cls.temp.name, f"{name}.{form}") for form in FORMATS}
            run("audit", "--root", root, "--map", name, *[f"-f{form}={path}" for form, path in files.items()])
            cls.out[name] = {form: path.read_text() for form, path in files.items()}

    def each(self):
        """The formats of each numbering, the items that were judged, and those that failed."""
        for name, out in self.out.items():
            items = {i["item"]: i for i in json.loads(out["json"])["map"]["items"] if i["verdict"]}
            failed = {item for item, i in items.items() if i["verdict"] == "fail"}
            self.assertGreater(len(failed), 2, name)
            yield out, json.loads(out["json"])["map"], items, failed

    def test_junit(self):
        told = {"pass": None, "fail": "failure", "unknown": "error"}
        for out, _, items, _ in self.each():
            suites = ElementTree.fromstring(out["junit"].encode())
            cases = {case.get("name"): case[0].tag if len(case) else None for case in suites.iter("testcase")}
            self.assertEqual(cases, {item: told.get(i["verdict"], "skipped") for item, i in items.items()})
            self.assertEqual([int(suites.get(key)) for key in ("tests", "failures", "errors")],
                             [sum(int(suite.get(key)) for suite in suites) for key in ("tests", "failures", "errors")])
            checked = subprocess.run(["xmllint", "--noout", "--schema", public_schema("junit-10.xsd"), "-"],
                                     input=out["junit"], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_csv(self):
        for out, _, items, _ in self.each():
            of_rules = {row["rule"]: row["items"].split() for row in csv.DictReader(io.StringIO(out["csv"], newline=""))}
            self.assertEqual({(item, rule) for rule, numbers in of_rules.items() for item in numbers if item in items},
                             {(item, rule) for item, i in items.items() for rule in i["rules"] if rule in of_rules})

    def test_prometheus(self):
        for out, score, _, _ in self.each():
            series = {(section, result): int(n) for section, result, n in re.findall(
                rf'^revet_map_items{{map="{score["name"]}",section="([^"]*)",result="(\w+)"}} (\d+)$', out["prometheus"], re.M)}
            self.assertEqual(series, {(s.get("section", ""), result): s[result] for s in [score, *score["sections"]]
                                      for result in ("pass", "fail", "unknown", "other")})
            checked = subprocess.run([promtool(), "check", "metrics"], input=out["prometheus"], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_markdown(self):
        for out, score, _, failed in self.each():
            text = out["markdown"].replace("\\", "")
            self.assertEqual(set(re.findall(r"(?m)^\| (\S+) \|(?: `[\w.-]+`)+ \|$", text)), failed)
            for s in [{"section": "", "title": "all", **score}] + score["sections"]:
                title = s["title"] if "section" in s and s["section"] else "all"
                percent = "" if s["percent"] is None else f"{s['percent']} %"
                self.assertIn(f"| {s['section']} | {title} | {percent} | {s['pass']} | {s['fail']} | {s['unknown']} | "
                              f"{s['other']} |\n", text)

    def test_html(self):
        for out, score, _, failed in self.each():
            part = out["html"].partition('<section id="map">')[2].partition("</section>")[0]
            rows = [re.split("<t[dh]>", row)[1:] for row in re.findall("<tr>(.*)</tr>", part)]
            self.assertEqual({row[0] for row in rows if len(row) == 2 and row[0] != "failed"}, failed)
            self.assertEqual({row[0]: [int(n) for n in row[3:]] for row in rows if len(row) == 7 and row[0] != "section"},
                             {s.get("section", ""): [s[k] for k in ("pass", "fail", "unknown", "other")]
                              for s in [score, *score["sections"]]})

    def test_sarif_has_them_as_tags(self):
        for out, _, items, _ in self.each():
            rules = json.loads(out["sarif"])["runs"][0]["tool"]["driver"]["rules"]
            tags = {rule["id"]: rule["properties"]["tags"] for rule in rules}
            for item, i in items.items():
                for rule in i["rules"]:
                    self.assertTrue(rule not in tags or any(tag.endswith(f"/{item}") for tag in tags[rule]), (item, rule))


class Formats(Written):
    def test_the_same_alone_and_on_stdout(self):
        for name in ("sarif", "junit", "html", "markdown", "csv"):
            alone = run("audit", "--root", self.root, "-f", name)
            strip = re.compile(r'time="[0-9.]+"|[0-9T:-]+Z')
            self.assertEqual(strip.sub("", alone.stdout), strip.sub("", self.out[name].read_text()), name)

    def test_ndjson(self):
        lines = [json.loads(line) for line in self.out["ndjson"].read_text().splitlines()]
        whole = json.loads(self.out["json"].read_text())
        self.assertEqual([line["event"] for line in lines],
                         ["audit", *["result"] * len(self.results), "summary"])
        self.assertEqual([{k: v for k, v in line.items() if k != "event"} for line in lines[1:-1]],
                         whole["results"])
        self.assertEqual({k: v for k, v in lines[-1].items() if k != "event"}, whole["summary"])
        self.assertEqual(lines[0]["name"], whole["host"]["name"])

    def test_sarif(self):
        schema = json.loads(public_schema("sarif-2.1.0.json").read_text())
        sarif = json.loads(self.out["sarif"].read_text())
        jsonschema.Draft4Validator(schema).validate(sarif)
        run_, = sarif["runs"]
        rules = run_["tool"]["driver"]["rules"]
        self.assertEqual([rule["id"] for rule in rules], sorted(self.results))
        self.assertEqual({result["ruleId"] for result in run_["results"]}, self.failed)
        for result in run_["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
        prints = [result["partialFingerprints"]["ruleHostObject/v1"] for result in run_["results"]]
        self.assertEqual(len(set(prints)), len(prints))
        unknown = {n["associatedRule"]["id"] for n in
                   run_["invocations"][0]["toolExecutionNotifications"]}
        self.assertEqual(unknown, {rule for rule, r in self.results.items() if r["verdict"] == "unknown"})

    def test_sarif_names_the_files(self):
        found = {}
        for result in json.loads(self.out["sarif"].read_text())["runs"][0]["results"]:
            place = result["locations"][0]["physicalLocation"]
            self.assertEqual(place["artifactLocation"]["uriBaseId"], "HOSTROOT")
            found.setdefault(result["ruleId"], []).append(
                (urllib.parse.unquote(place["artifactLocation"]["uri"]),
                 place.get("region", {}).get("startLine")))
        self.assertIn(("etc/ssh/sshd_config", 2), found["ssh.no-root-login"])
        self.assertIn("etc/cron.d/=1+1", [path for path, _ in found["fs.crontabs"]])
        self.assertTrue(any(path.startswith("etc/cron.d/x<script>") for path, _ in
                            found["fs.crontabs"]), found["fs.crontabs"])

    def test_sarif_fingerprints_stay(self):
        """Another value of the same object is the same finding, in a later audit."""
        def prints(login):
            write_tree(self.root, {"etc/ssh/sshd_config": f"PermitRootLogin {login}\n"})
            ran = run("audit", "--root", self.root, "--rule", "ssh.no-root-login", "-f", "sarif")
            return [r["partialFingerprints"] for r in json.loads(ran.stdout)["runs"][0]["results"]]
        before = (self.root / "etc/ssh/sshd_config").read_text()
        self.addCleanup((self.root / "etc/ssh/sshd_config").write_text, before)
        self.assertEqual(prints("yes"), prints("prohibit-password"))
        self.assertEqual(len(prints("yes")), 1)

    def test_junit(self):
        checked = subprocess.run(["xmllint", "--noout", "--schema", public_schema("junit-10.xsd"),
                                  self.out["junit"]], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_junit_tells_the_verdicts(self):
        suites = ElementTree.parse(self.out["junit"]).getroot()
        elements = {"fail": "failure", "unknown": "error", "pass": None,
                    "not_applicable": "skipped", "manual": "skipped"}
        told = {case.get("name"): case[0].tag if len(case) else None for case in suites.iter("testcase")}
        self.assertEqual(told, {rule: elements[r["verdict"]] for rule, r in self.results.items()})
        for key, tag in (("failures", "failure"), ("errors", "error")):
            self.assertEqual(sum(int(suite.get(key)) for suite in suites),
                             sum(1 for _ in suites.iter(tag)))
            self.assertEqual(int(suites.get(key)), sum(1 for _ in suites.iter(tag)))
        said = "".join("".join(case.itertext()) for case in suites.iter("testcase"))
        self.assertTrue("/etc/cron.d/x<script>alert(1)<script>&\"'`|=cmd\ufffd\ufffd[2J" in said)

    def test_csv(self):
        text = self.out["csv"].read_bytes().decode()
        self.assertEqual(text.count("\r\n"), text.count("\n"))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual({row["rule"]: row["verdict"] for row in rows},
                         {rule: r["verdict"] for rule, r in self.results.items()})
        self.assertEqual(len(rows), sum(max(1, len(r["evidence"])) for r in self.results.values()))
        for row in rows:
            self.assertNotIn(None, row)
            for cell in row.values():
                self.assertNotRegex(cell, r"\A[=+@-]")
                self.assertNotRegex(cell, r"[\x00-\x1f]")
        self.assertIn("h<b>|&", {row["host"] for row in rows})

    def test_prometheus(self):
        tool = promtool()
        for name in ("prometheus", "prometheus-rules"):
            checked = subprocess.run([tool, "check", "metrics"], input=self.out[name].read_text(),
                                     capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_prometheus_counts(self):
        counts = {}
        for result, severity, family, n in re.findall(
                r'^revet_rules\{result="(\w+)",severity="(\w+)",family="([\w-]+)"\} (\d+)$',
                self.out["prometheus"].read_text(), re.M):
            counts[result] = counts.get(result, 0) + int(n)
        verdicts = [r["verdict"] for r in self.results.values()]
        self.assertEqual(counts, {v: verdicts.count(v) for v in
                                  ("pass", "fail", "not_applicable", "unknown", "manual", "waived")})
        self.assertNotIn("revet_rule_failed", self.out["prometheus"].read_text())
        failed = re.findall(r'revet_rule_failed\{rule="([^"]+)",severity="\w+"\} 1',
                            self.out["prometheus-rules"].read_text())
        self.assertEqual(set(failed), self.failed)

    def test_markdown_has_no_markup_of_the_host(self):
        text = self.out["markdown"].read_text()
        self.assertIn("# Audit of h\\<b\\>\\|\\&", text)
        self.assertNotRegex(text, r"(?<!\\)<script")
        for rule in self.failed:
            self.assertIn(f"(`{rule}`)", text)

    def test_an_unknown_format(self):
        self.assert_refused(run("audit", "--root", self.root, "-f", "sarf"), USAGE, "sarif", "junit")


def promtool():
    """From Debian's package, unpacked beside the build: installed, it would start a server."""
    tool = TOP / "build" / "promtool"
    if not tool.exists():
        with tempfile.TemporaryDirectory() as temp:
            subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=temp, check=True,
                           capture_output=True)
            package, = pathlib.Path(temp).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package, temp], check=True)
            (pathlib.Path(temp) / "usr/bin/promtool").rename(tool)
    return tool


class Html(Written):
    """In a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--disable-quic", "--window-size=1200,1600", f"--user-data-dir={cls.temp.name}/chromium"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        super().setUp()
        self.browser.get(self.out["html"].as_uri())
        self.rules = self.find("details")

    def find(self, selector):
        from selenium.webdriver.common.by import By
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def shown(self):
        return set(self.browser.execute_script(
            "return [...document.querySelectorAll('details')].filter(e => e.checkVisibility())"
            ".map(e => e.querySelector('.id').textContent)"))

    def with_verdict(self, *verdicts):
        return {rule for rule, r in self.results.items() if r["verdict"] in verdicts}

    def test_every_rule_is_there_and_nothing_complains(self):
        self.assertEqual(len(self.rules), len(self.results))
        self.assertEqual(self.browser.get_log("browser"), [])
        self.assertIn("Audit of h<b>|&", self.find("h1")[0].text)
        self.assertEqual(len(self.find("script")), 1)

    def test_filters(self):
        self.assertEqual(self.shown(), self.with_verdict("fail", "unknown", "manual"))
        self.find("input[value=pass]")[0].click()
        self.find("input[value=fail]")[0].click()
        self.assertEqual(self.shown(), self.with_verdict("pass", "unknown", "manual"))
        for severity in ("low", "medium", "critical"):
            self.find(f"input[value={severity}]")[0].click()
        self.assertEqual(self.shown(), {rule for rule in self.with_verdict("pass", "unknown", "manual")
                                        if self.results[rule]["severity"] == "high"})
        self.assertEqual(self.find("#n")[0].text,
                         f"{len(self.shown())} of {len(self.results)} rules shown")

    def test_family_and_search(self):
        from selenium.webdriver.support.select import Select
        family = Select(self.find("select")[0])
        family.select_by_visible_text("fs")
        self.assertEqual({rule.partition(".")[0] for rule in self.shown()}, {"fs"})
        family.select_by_visible_text("all")
        self.find("input[type=search]")[0].send_keys("PermitRootLogin")
        self.assertIn("ssh.no-root-login", self.shown())
        self.assertNotIn("fs.crontabs", self.shown())

    def test_a_finding_opens(self):
        rule = self.find("details[data-f=ssh]")[0]
        self.assertEqual(rule.find_element("css selector", ".id").text, "ssh.no-root-login")
        body = rule.find_element("css selector", ".body")
        self.assertFalse(body.is_displayed())
        rule.find_element("css selector", "summary").click()
        self.assertTrue(body.is_displayed())
        for word in ("PermitRootLogin", "yes", "/etc/ssh/sshd_config:2", "revet plan --rule"):
            self.assertIn(word, body.text)

    def test_light_and_dark(self):
        def contrast():
            return self.browser.execute_script("""
                const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b };
                const back = lum(getComputedStyle(document.body).backgroundColor);
                return [back, ...[...document.querySelectorAll('.tag,.id,.title,.soft')].map(e => {
                    const fore = lum(getComputedStyle(e).color);
                    return (Math.max(back, fore) + 0.05) / (Math.min(back, fore) + 0.05) })]""")
        backs = []
        for scheme in ("light", "dark"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": scheme}]})
            back, *ratios = contrast()
            self.assertGreater(min(ratios), 4.5, scheme)  # WCAG 2.1, 1.4.3 (AA)
            backs.append(back)
        self.assertGreater(backs[0], 0.9)
        self.assertLess(backs[1], 0.1)

    def test_it_fits_a_telephone(self):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True})
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        self.assertLessEqual(self.browser.execute_script("return document.documentElement.scrollWidth"),
                             375)


if __name__ == "__main__":
    unittest.main()
