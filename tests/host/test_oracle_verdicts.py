# SPDX-License-Identifier: Apache-2.0
"""The same host judged in other ways: as files, from a recording, by an ordinary user.

waivers has no program to be asked: the file is revet's own, and tests/cli/test_site.py is about it.
http and disk_space hold what a test asks for alone; test_user_tests.py does.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostlib import ENVIRONMENT
from oracle import REVET, TIMEOUT, OnHost, audited

KNOWN = ("pass", "fail", "not_applicable", "manual")


def results(audit):
    return {r["rule"]: r for r in audit["results"]}


def verdicts(audit):
    return {rule: r["verdict"] for rule, r in results(audit).items()}


def why(result):
    return json.dumps(result)[:600]


class Verdicts(OnHost):
    """One class for each image; the names of the images are below."""

    def outside(self, root):
        ran = subprocess.run([REVET, "audit", "--root", str(root), "-f", "json"], text=True,
                             capture_output=True, env=ENVIRONMENT, timeout=TIMEOUT)
        return audited(self, ran)

    def test_a_tree_and_the_live_host(self):
        """What the files alone can show is judged alike; the rest is unknown, with a reason."""
        live, offline = results(self.audit()), results(self.outside(self.host.root))
        self.assertEqual(live.keys(), offline.keys())
        wrong = []
        for rule, result in offline.items():
            verdict, known = result["verdict"], live[rule]["verdict"]
            if verdict == "unknown":
                self.assertTrue(result["evidence"] or result.get("reason"), why(result))
            elif known == "not_applicable" and "container" in (live[rule].get("reason") or ""):
                pass  # the tree does not show that it is one
            elif (known, verdict, result["evidence"]) == ("not_applicable", "pass", []):
                pass  # rows that may be meant, which all are well; live there are none
            elif (known, verdict) == ("pass", "not_applicable") and "nothing of" in result["reason"]:
                pass  # live there are rows of what only is mentioned, such as units not found
            elif verdict != known:
                wrong.append(f"{rule}: live {known}, of the tree {verdict}: {why(result)}")
        self.assertFalse(wrong, "\n" + "\n".join(wrong))
        decided = [r for r in offline.values() if r["verdict"] in KNOWN]
        self.assertGreater(len(decided), len(live) // 2)

    def test_a_recording(self):
        with tempfile.TemporaryDirectory() as where:
            self.out("rm", "-rf", "/root/recording")
            live = self.audit("--record", "/root/recording")
            with open(f"{where}/recording", "wb") as file:
                self.host.exec(["cat", "/root/recording/recording"], stdout=file, text=False)
            recorded = self.outside(where)
        for audit in (live, recorded):
            for result in audit["results"]:
                result.pop("took_ms", None)
        self.assertEqual(verdicts(recorded), verdicts(live))
        self.assertEqual(results(recorded), results(live))

    def test_an_ordinary_user(self):
        """Less can be seen, and nothing that root sees failing looks as if it were well."""
        root = results(self.audit())
        ops = results(self.audit(before=[
            "setpriv", "--reuid=ops", "--regid=ops", "--init-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all"]))
        self.assertEqual(root.keys(), ops.keys())
        wrong = []
        for rule, result in ops.items():
            verdict, known = result["verdict"], root[rule]["verdict"]
            if verdict == "unknown":
                self.assertTrue(result["evidence"] or result.get("reason"), why(result))
            elif verdict != known:
                wrong.append(f"{rule}: for root {known}, for ops {verdict}: {why(result)}")
        self.assertFalse(wrong, "\n" + "\n".join(wrong))
        unknown = [rule for rule, r in ops.items() if r["verdict"] == "unknown"]
        self.assertIn("accounts.no-empty-passwords", unknown)


class Debian12(Verdicts):
    image = "debian-12"


class Debian11(Verdicts):
    image = "debian-11"


class Debian13(Verdicts):
    image = "debian-13"


if __name__ == "__main__":
    unittest.main()
