# SPDX-License-Identifier: Apache-2.0
"""The site file and profiles: parameters, waivers, what they change of an audit, and bad ones."""
import json
import os
import re
import unittest

from clilib import CONFIG, DONE, FINDINGS, TOP, USAGE, Case, run, write_tree

WAIVER = "{rule: ssh.no-root-login, reason: it is a test, owner: ops, until: 2099-01-01}"

# Catalogues of which the rules also name items that came after the map's version.
LATER = {"ssg"}


class Site(Case):
    def site(self, text):
        path = self.tmp / "site.yaml"
        path.write_text(text)
        path.chmod(0o644)
        return path

    def waived(self, waiver, *args, rule="ssh.no-root-login"):
        return self.audit("--site", self.site(f"waivers: [{waiver}]\n"), *args, rule=rule)

    def result(self, ran, rule="ssh.no-root-login"):
        results = {r["rule"]: r for r in json.loads(ran.stdout)["results"]}
        return results[rule]

    def test_a_waived_finding_does_not_count(self):
        self.assert_exit(self.audit(), FINDINGS)
        self.assert_exit(self.waived(WAIVER), DONE)
        ran = self.waived(WAIVER, "-f", "json")
        self.assert_exit(ran, DONE)
        result, summary = self.result(ran), json.loads(ran.stdout)["summary"]
        self.assertEqual((result["verdict"], result["waived"]), ("fail", True))
        self.assertEqual(result["evidence"][0]["waiver"], {
            "reason": "it is a test", "owner": "ops", "until": "2099-01-02T00:00:00Z"})
        self.assertEqual((summary["fail"], summary["waived"], summary["failed_by_severity"]["high"]), (0, 1, 0))

    def test_it_stays_in_every_report(self):
        for name, words in {
                "text": ["waived 1", "waived by ops until 2099-01-01: it is a test"],
                "junit": ['<skipped message="waived by ops until 2099-01-01: it is a test">',
                          'failures="0"'],
                "csv": ['"waived"'],
                "markdown": ["## Waived", "it is a test"],
                "html": ["waived by ops until 2099-01-01: it is a test"],
                "prometheus": ['revet_rules{result="waived",severity="high",family="ssh"} 1',
                               'revet_rules{result="fail",severity="high",family="ssh"} 0',
                               "revet_waiver_next_expiry_timestamp_seconds 4070995200"],
        }.items():
            ran = self.waived(WAIVER, "-v", "-f", name)
            self.assert_exit(ran, DONE)
            for word in words:
                self.assertIn(word, ran.stdout, name)
        self.assertEqual(json.loads(self.waived(WAIVER, "-f", "sarif").stdout)["runs"][0]["results"], [])

    def test_one_that_has_run_out_waives_nothing(self):
        old = WAIVER.replace("2099-01-01", "2020-01-01")
        ran = self.waived(old, "-f", "json")
        self.assert_exit(ran, FINDINGS)
        self.assertFalse(self.result(ran)["waived"])
        self.assertNotIn("waiver", self.result(ran)["evidence"][0])

    def test_running_out_is_a_finding(self):
        write_tree(self.root, {"etc/revet/site.yaml":
                               f"waivers: [{WAIVER.replace('2099-01-01', '2020-01-01')}]\n"})
        self.assertEqual(self.result(self.audit("-f", "json", rule="site.waiver-expired"),
                                     "site.waiver-expired")["verdict"], "fail")
        write_tree(self.root, {"etc/revet/site.yaml": f"waivers: [{WAIVER}]\n"})
        self.assertEqual(self.result(self.audit("-f", "json", rule="site.waiver-expired"),
                                     "site.waiver-expired")["verdict"], "pass")

    def test_never_and_the_last_day(self):
        self.assert_exit(self.waived(WAIVER.replace("2099-01-01", "never")), DONE)
        snapshot = self.tmp / "snapshot.json"
        self.assert_exit(run("snapshot", "--root", self.root, "-o", snapshot), DONE)
        for time, code in (("2026-06-30T23:59:59Z", DONE), ("2026-07-01T00:00:00Z", FINDINGS)):
            text = re.sub(r'"time": "[^"]+"', f'"time": "{time}"', snapshot.read_text(), count=1)
            self.assertIn(time, text)
            (self.tmp / "dated.json").write_text(text)
            site = self.site(f"waivers: [{WAIVER.replace('2099-01-01', '2026-06-30')}]\n")
            ran = run("audit", "--snapshot", self.tmp / "dated.json", "--rule", "ssh.no-root-login",
                      "--site", site)
            self.assert_exit(ran, code)

    def test_one_object_of_several(self):
        files = {name: f"etc/cron.d/{name}" for name in ("one", "two")}
        write_tree(self.root, {path: "* * * * * root /bin/x\n" for path in files.values()})
        for path in files.values():
            (self.root / path).chmod(0o666)
        waiver = "{rule: fs.crontabs, object: /etc/cron.d/one, reason: r, owner: o, until: never}"
        ran = self.waived(waiver, "-f", "json", rule="fs.crontabs")
        result = self.result(ran, "fs.crontabs")
        self.assertEqual((result["verdict"], result["waived"]), ("fail", False))
        self.assertEqual({e["object"]: "waiver" in e for e in result["evidence"]},
                         {"/etc/cron.d/one": True, "/etc/cron.d/two": False})
        told = self.waived(waiver, rule="fs.crontabs").stdout
        self.assertIn("/etc/cron.d/two: found", told)
        self.assertNotIn("/etc/cron.d/one: found", told)
        self.assertIn("and 1 waived", told)
        both = waiver + ", " + waiver.replace("one", "two")
        self.assertTrue(self.result(self.waived(both, "-f", "json", rule="fs.crontabs"), "fs.crontabs")["waived"])

    def plan(self, waivers, rule):
        ran = run("plan", "--root", self.root, "--rule", rule, "--site", self.site(f"waivers: [{waivers}]\n"),
                  "-f", "json")
        self.assert_exit(ran, DONE)
        return json.loads(ran.stdout)

    def test_a_plan_leaves_it_alone(self):
        write_tree(self.root, {"etc/ssh/sshd_config":
                               "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"})
        self.assertEqual([r["rule"] for r in self.plan("", "ssh.no-root-login")["rules"]], ["ssh.no-root-login"])
        plan = self.plan(WAIVER, "ssh.no-root-login")
        self.assertEqual((plan["steps"], plan["rules"]), ([], []))
        self.assertEqual([(left["rule"], left["why"]) for left in plan["left_alone"]],
                         [("ssh.no-root-login", "waived by ops until 2099-01-01: it is a test")])

    def test_a_plan_leaves_one_object_alone(self):
        for name in ("one", "two"):
            write_tree(self.root, {f"etc/cron.d/{name}": "* * * * * root /bin/x\n"})
            (self.root / f"etc/cron.d/{name}").chmod(0o666)
        waiver = "{rule: fs.crontabs, object: /etc/cron.d/one, reason: r, owner: o, until: never}"
        self.assertEqual([s["target"] for s in self.plan(waiver, "fs.crontabs")["steps"]], ["/etc/cron.d/two"])
        self.assertEqual([s["target"] for s in self.plan("", "fs.crontabs")["steps"]],
                         ["/etc/cron.d/one", "/etc/cron.d/two"])

    def test_one_that_waives_nothing_is_said(self):
        site = self.site(f"waivers:\n  - {WAIVER}\n  - {WAIVER.replace('ssh.no-root-login', 'net.promiscuous')}\n")
        whole = run("audit", "--root", self.root, "--site", site)
        self.assertIn("site.yaml:3: the waiver of net.promiscuous waives nothing", whole.stdout)
        self.assertNotIn("site.yaml:2: the waiver", whole.stdout)
        unused = json.loads(run("audit", "--root", self.root, "--site", site, "-f", "json").stdout)
        self.assertEqual([(w["rule"], w["source"]) for w in unused["unused_waivers"]],
                         [("net.promiscuous", f"{site}:3")])
        self.assertNotIn("waives nothing", self.audit("--site", site).stdout)

    def test_parameters(self):
        rules = {r["id"]: r for r in json.loads(run("rules", "-f", "json").stdout)}
        name = next(iter(rules["ssh.max-auth-tries"]["parameters"]))
        self.assert_exit(self.audit("--fail-on", "low", rule="ssh.max-auth-tries"), FINDINGS)
        site = self.site(f"parameters: {{{name}: 5}}\n")
        self.assert_exit(self.audit("--fail-on", "low", "--site", site, rule="ssh.max-auth-tries"), DONE)
        over = self.audit("--fail-on", "low", "--site", site, "--set", f"{name}=4", rule="ssh.max-auth-tries")
        self.assert_exit(over, FINDINGS)

    def test_of_a_tree_it_holds_only_when_named(self):
        site = self.site(f"waivers: [{WAIVER}]\n")
        self.assert_exit(self.audit(env={"REVET_SITE": str(site)}), FINDINGS)

    def test_bad_ones(self):
        for text, *words in (
                ("waiver: []\n", "site.yaml:1:1", "waiver"),
                ("waivers: {}\n", "site.yaml:1:10", "list"),
                (f"waivers: [{WAIVER.replace('ssh.no-root-login', 'ssh.no-root-logn')}]\n", "site.yaml:1:",
                 "did you mean ssh.no-root-login"),
                (f"waivers:\n  - {WAIVER.replace('2099-01-01', '2099-02-30')}\n", "site.yaml:2:", "no date"),
                (f"waivers:\n  - {WAIVER.replace('2099-01-01', 'soon')}\n", "site.yaml:2:", "no date"),
                (f"waivers:\n  - {WAIVER.replace('reason: it is a test, ', '')}\n", "site.yaml:2:", "reason"),
                (f"waivers:\n  - {WAIVER.replace('owner: ops, ', '')}\n", "site.yaml:2:", "owner"),
                (f"waivers:\n  - {WAIVER.replace(', until: 2099-01-01', '')}\n", "site.yaml:2:", "until"),
                (f"waivers:\n  - {WAIVER.replace('it is a test', chr(34) * 2)}\n", "site.yaml:2:", "empty"),
                ("profile: sever\n", "site.yaml:1:10: ", "did you mean server"),
                ("parameters: {nothing.there: 1}\n", "site.yaml:1:14", "nothing.there"),
                ("profile: [server]\n", "site.yaml:1:10"),
                ("profile: &a server\n", "site.yaml:1"),
                ("- x\n", "site.yaml:1:1")):
            self.assert_refused(self.audit("--site", self.site(text)), CONFIG, *words)
        self.assert_refused(self.audit("--site", self.tmp / "none.yaml"), CONFIG, "No such file")

    def test_comments_alone(self):
        self.assert_exit(self.audit("--site", self.site("# nothing yet\n")), FINDINGS)

    def test_one_that_others_can_change_is_refused(self):
        site = self.site(f"waivers: [{WAIVER}]\n")
        site.chmod(0o664)
        self.assert_refused(self.audit("--site", site), CONFIG, "others can change it")
        if os.geteuid() == 0:
            site.chmod(0o644)
            os.chown(site, 65534, 65534)
            self.assert_refused(self.audit("--site", site), CONFIG, "others can change it")

    def test_the_examples_of_the_manual(self):
        page = (TOP / "man/revet.yaml.5.in").read_text()
        examples = dict(re.findall(r'^\.\\" example: (\S+)\n\.Bd -literal\n(.*?)^\.Ed', page, re.M | re.S))
        self.assertEqual(set(examples), {"site.yaml", "profiles/gateway.yaml"})
        self.assert_exit(self.audit("--site", self.site(examples["site.yaml"])), FINDINGS)


class Profiles(Case):
    def rules(self, profile):
        ran = run("rules", "--profile", profile, "-f", "json")
        self.assert_exit(ran, DONE)
        return {r["id"]: r["severity"] for r in json.loads(ran.stdout)}

    def test_all_load_and_are_listed(self):
        listed = {p["name"]: p for p in json.loads(run("profiles", "-f", "json").stdout)}
        self.assertEqual(set(listed), {p.stem for p in (TOP / "profiles").glob("*.yaml")})
        self.assertLessEqual({"server", "iot-backend", "web", "database", "bastion", "container-host", "strict"},
                             set(listed))
        for name, profile in listed.items():
            self.assertEqual(len(self.rules(name)), profile["rules"])
            self.assertRegex(run("profiles").stdout, rf"(?m)^{name} +{profile['rules']} rules  {profile['title']}$")

    def test_they_differ(self):
        every = {r["id"] for r in json.loads(run("rules", "-f", "json").stdout)}
        self.assertEqual(set(self.rules("strict")), every)
        self.assertLess(set(self.rules("server")), every)
        self.assertEqual(self.rules("iot-backend")["listeners.database"], "critical")
        self.assertEqual(self.rules("server")["listeners.database"], "high")
        self.assertNotIn("net.no-forwarding", self.rules("container-host"))

    def test_an_audit_judges_the_rules_of_its_profile(self):
        for profile in ("server", "strict"):
            ran = run("audit", "--root", self.root, "--profile", profile, "-f", "json", "--fail-on", "none")
            self.assert_exit(ran, DONE)
            report = json.loads(ran.stdout)
            self.assertEqual({r["rule"] for r in report["results"]}, set(self.rules(profile)))
            self.assertEqual(report["host"]["profile"], profile)

    def test_a_rule_that_is_named_is_judged_all_the_same(self):
        left = "modules.udf"
        self.assertNotIn(left, self.rules("server"))
        ran = self.audit("--fail-on", "none", "-f", "json", rule=left)
        self.assertEqual([r["rule"] for r in json.loads(ran.stdout)["results"]], [left])

    def test_an_unknown_one(self):
        self.assert_refused(self.audit("--profile", "serve"), USAGE, "did you mean server")


class Maps(Case):
    def test_items_have_rules_or_a_reason(self):
        known = {r["id"]: r for r in json.loads(run("rules", "-f", "json").stdout)}
        for path in sorted((TOP / "maps").glob("*.yaml")):
            ref = re.search(r"(?m)^ref: (\S+)$", path.read_text(encoding="utf-8")).group(1)
            numbering = json.loads(run("rules", "--map", path.stem, "-f", "json").stdout)
            ids = [item["item"] for item in numbering["items"]]
            self.assertEqual(len(set(ids)), len(ids), path)
            for item in numbering["items"]:
                for rule in item["rules"]:
                    self.assertIn(item["item"], known[rule]["refs"][ref])
                self.assertNotEqual(bool(item["rules"]), bool(item["why_not"]),
                                    f"{path}: {item}: either rules or a reason why there are none")
            if ref in LATER:
                continue
            of_rules = {number for rule in known.values() for number in rule["refs"].get(ref, [])}
            self.assertEqual(of_rules - set(ids), set(), f"{path}: items that the map does not have")

    def test_items_are_in_a_section_of_the_map(self):
        text = run("rules", "--map", "ssg-debian12").stdout
        self.assertRegex(text, r"(?m)^software\.sudo sudo\n(  .*\n)*  sudo_add_use_pty +sudo\.use-pty$")
        self.assertRegex(text, r"(?m)^  package_MFEhiplsm_installed +-  .*Debian")
        anssi = json.loads(run("rules", "--map", "anssi-bp028", "-f", "json").stdout)
        for short in ("anssi", "ssg"):  # as in the refs of rules
            long, = [path.stem for path in (TOP / "maps").glob(f"{short}-*.yaml")]
            self.assertEqual(run("rules", "--map", short).stdout, run("rules", "--map", long).stdout)
        levels = {item["item"]: item["level"] for item in anssi["items"]}
        self.assertEqual((levels["R1"], levels["R30"], levels["R80"], len(levels)), (3, 1, 1, 80))

    def test_scores(self):
        ran = self.audit("--map", "cis-debian12", "-f", "json")
        score = json.loads(ran.stdout)["map"]
        items = {item["item"]: item["verdict"] for item in score["items"]}
        self.assertEqual({k: v for k, v in items.items() if v}, {"5.1.20": "fail"})
        self.assertEqual((score["fail"], score["pass"], score["percent"]), (1, 0, 0))
        sections = {section["section"]: section for section in score["sections"]}
        for name, fails in (("5", 1), ("5.1", 1), ("5.2", 0), ("1", 0)):
            self.assertEqual(sections[name]["fail"], fails)
        self.assertIsNone(sections["1"]["percent"])
        text = self.audit("--map", "cis-debian12").stdout
        self.assertRegex(text, r"(?m)^5\.1 +SSH server +0 %   pass 0  fail 1  unknown 0  other 0$")
        self.assertRegex(text, r"(?m)^FAIL +5\.1\.20 +ssh\.no-root-login$")

    def test_an_item_of_which_a_rule_was_left_out_has_not_passed(self):
        ran = self.audit("--map", "cis-debian12", "-f", "json", rule="accounts.root-group")
        item, = [i for i in json.loads(ran.stdout)["map"]["items"] if "accounts.duplicate-names" in i["rules"]][:1]
        self.assertIsNone(item["verdict"])
        passing = self.audit("--map", "cis-debian12", "-f", "json", rule="accounts.homes-owned")
        shared = [i for i in json.loads(passing.stdout)["map"]["items"] if "accounts.homes-owned" in i["rules"]]
        self.assertTrue(shared and all(len(i["rules"]) > 1 and i["verdict"] in ("unknown", "fail") for i in shared))

    def test_an_unknown_one(self):
        self.assert_refused(self.audit("--map", "cis"), USAGE, "cis-debian12")
        self.assert_refused(run("rules", "--map", "cis"), USAGE, "cis-debian12")


class Check(Case):
    """The plug-in convention: one line with performance data, exit 0 to 3."""

    def check(self, *args):
        return run("check", "--root", self.root, *args)

    def test_levels(self):
        rule = ("--rule", "ssh.no-root-login")
        for args, code, word in (((), 2, "CRITICAL"), (("-c", "critical"), 1, "WARNING"),
                                 (("-c", "none", "-w", "none"), 0, "OK")):
            ran = self.check(*rule, *args)
            self.assertEqual(ran.returncode, code, ran)
            self.assertRegex(ran.stdout, rf"\AREVET {word} - [^|\n]* \|( [a-z]+=\d+;;;0(;\d+)?)+\n\Z")
        self.assertIn("ssh.no-root-login", self.check(*rule).stdout)
        self.assertIn(" high=1;;;0 ", self.check(*rule).stdout)

    def test_what_is_not_known_is_not_ok(self):
        ran = self.check("--rule", "ssh.max-sessions")
        self.assertEqual(ran.returncode, 3, ran)
        self.assertTrue(ran.stdout.startswith("REVET UNKNOWN - "))

    def test_what_goes_wrong_is_unknown(self):
        for args in (("--rule", "none.such"), ("-w", "x"), ("--profile", "none"), ("--site", "/nonexistent")):
            ran = self.check(*args)
            self.assertEqual(ran.returncode, 3, ran)
            # Monitoring shows stdout alone.
            why = ran.stderr.removeprefix("revet: ")
            self.assertTrue(why)
            self.assertEqual(ran.stdout, f"REVET UNKNOWN - the check could not be made: {why}")
        ran = self.check("--rule", "a|b")
        self.assertIn("'a/b'", ran.stdout)  # a bar would begin the performance data
        ran = run("check", "--root", self.tmp / "none")
        self.assertEqual(ran.returncode, 3)
        self.assertTrue(ran.stdout.startswith("REVET UNKNOWN - "))

    def test_a_waiver(self):
        site = self.tmp / "site.yaml"
        site.write_text(f"waivers: [{WAIVER}]\n")
        site.chmod(0o600)
        self.assertEqual(self.check("--rule", "ssh.no-root-login", "--site", site).returncode, 0)


class Diff(Case):
    def report(self, name, *args):
        path = self.tmp / name
        ran = run("audit", "--root", self.root, "-f", f"json={path}", "--fail-on", "none", *args)
        self.assert_exit(ran, DONE)
        return path

    def test_new_fixed_and_objects(self):
        before = self.report("a.json")
        write_tree(self.root, {"etc/ssh/sshd_config": "PermitRootLogin no\n", "etc/cron.d/one": "x\n",
                               "etc/passwd": "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"})
        (self.root / "etc/cron.d/one").chmod(0o666)
        after = self.report("b.json")
        ran = run("diff", before, after, "-f", "json")
        self.assert_exit(ran, FINDINGS)
        found = {d["rule"]: d for d in json.loads(ran.stdout)["differences"]}
        self.assertEqual((found["ssh.no-root-login"]["change"], found["ssh.no-root-login"]["is"]), ("fixed", "pass"))
        self.assertEqual(found["fs.crontabs"]["change"], "new")
        back = run("diff", after, before)
        self.assertRegex(back.stdout, r"(?m)^new +high +ssh\.no-root-login ")
        self.assertRegex(back.stdout, r"(?m)^fixed +high +fs\.crontabs ")
        write_tree(self.root, {"etc/cron.d/two": "x\n"})
        (self.root / "etc/cron.d/one").unlink()
        (self.root / "etc/cron.d/two").chmod(0o666)
        third = self.report("c.json")
        found, = [d for d in json.loads(run("diff", after, third, "-f", "json").stdout)["differences"]
                  if d["rule"] == "fs.crontabs"]
        self.assertEqual((found["change"], found["added"], found["gone"]),
                         ("objects", ["/etc/cron.d/two"], ["/etc/cron.d/one"]))

    def test_the_same(self):
        one = self.report("a.json")
        ran = run("diff", one, one)
        self.assert_exit(ran, DONE)
        self.assertIn("0 new, 0 fixed, 0 changed otherwise, 0 with other objects", ran.stdout)

    def test_a_rule_that_was_not_judged_again_is_not_fixed(self):
        before = self.report("a.json")
        after = self.report("b.json", "--rule", "ssh.max-auth-tries")
        ran = run("diff", before, after)
        self.assertRegex(ran.stdout, r"(?m)^changed +high +ssh\.no-root-login .* fail -> not judged$")
        self.assertIn("\n0 new, 0 fixed, ", ran.stdout)

    def test_fail_on(self):
        after = self.report("b.json")
        write_tree(self.root, {"etc/ssh/sshd_config": "PermitRootLogin no\n"})
        before = self.report("a.json")
        for word, code in (("high", FINDINGS), ("critical", DONE), ("none", DONE)):
            self.assert_exit(run("diff", before, after, "--fail-on", word), code)

    def test_a_waiver_mends_it(self):
        before = self.report("a.json")
        site = self.tmp / "site.yaml"
        site.write_text(f"waivers: [{WAIVER}]\n")
        site.chmod(0o600)
        after = self.report("b.json", "--site", site)
        found = {d["rule"]: d for d in json.loads(run("diff", before, after, "-f", "json").stdout)["differences"]}
        self.assertEqual((found["ssh.no-root-login"]["change"], found["ssh.no-root-login"]["is"]),
                         ("fixed", "waived"))

    def test_bad_files(self):
        one = self.report("a.json")
        bad = self.tmp / "bad.json"
        for text in ("", "{", "{}", "[]", one.read_text()[:-100], one.read_text().replace("revet-audit", "x")):
            bad.write_text(text)
            self.assert_refused(run("diff", one, bad), CONFIG, str(bad))
            self.assert_refused(run("diff", bad, one), CONFIG, str(bad))
        self.assertEqual(run("diff", one).returncode, USAGE)
        self.assertEqual(run("diff", one, self.tmp / "none.json").returncode, 1)


if __name__ == "__main__":
    unittest.main()
