# SPDX-License-Identifier: Apache-2.0
"""What holds for all tables: each has an oracle, and says the same alone and among the others."""

import ast
import glob
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from hostlib import ENVIRONMENT
from oracle import REVET, OnHost

# These change between two readings.
MOVING = {"processes", "cpu_vulnerabilities"}
MOVING_COLUMNS = {"pid", "last_trigger", "next", "main_pid"}


class EveryTable(unittest.TestCase):
    def test_each_has_an_oracle(self):
        """A table is named in what the file that compares it says at its top, or why none can."""
        said = ""
        for path in glob.glob(f"{HERE}/test_oracle_*.py"):
            with open(path, encoding="utf-8") as file:
                said += " " + ast.get_docstring(ast.parse(file.read())).replace(",", " ").replace(":",
                                                                                            " ")
        listed = subprocess.run([REVET, "table"], capture_output=True, text=True, check=True,
                                env=ENVIRONMENT).stdout
        names = {line.split()[0] for line in listed.splitlines()}
        self.assertGreater(len(names), 40)
        self.assertEqual(names - set(said.replace(".", " ").split()), set(),
                         "compare it in one of tests/host/test_oracle_*.py, and name it at its top")


class IotBackend(OnHost):
    def test_alone_and_in_the_snapshot(self):
        tables = json.loads(self.out("revet", "snapshot"))["tables"]
        for name, table in tables.items():
            if name in MOVING or name == "sysctl":
                continue
            ran = self.host.exec(["revet", "table", name, "-f", "json"], check=False)
            with self.subTest(name):
                if "error" in table:
                    self.assertIn(table["error"], ran.stderr)
                    continue
                rows, alone = ([self.comparable(row) for row in some] for some in (table["rows"], json.loads(ran.stdout)))
                if name == "units":  # systemd forgets what nobody asks for, at its leisure
                    shared = {row["name"] for row in rows} & {row["name"] for row in alone}
                    self.assertGreater(len(shared), 100)
                    rows, alone = ([row for row in some if row["name"] in shared] for some in (rows, alone))
                self.assertEqual(rows, alone)

    def comparable(self, row):
        # Logs are written to all the time.
        moving = MOVING_COLUMNS | ({"mtime", "size"} if str(row.get("path")).startswith("/var/log/") else set())
        return {key: value for key, value in row.items()
                if value is not None and key not in moving | {"_sources", "_note"}}

    def test_audit_sees_what_was_planted(self):
        ran = self.host.exec(["revet", "audit", "-f", "json"], check=False)
        self.assertEqual(ran.returncode, 2, ran.stderr)
        verdicts = {r["rule"]: r["verdict"] for r in json.loads(ran.stdout)["results"]}
        for rule in ("ssh.no-root-login", "ssh.keys-only", "listeners.database",
                     "listeners.mqtt-plaintext", "accounts.only-root-uid-0",
                     "accounts.no-empty-passwords"):
            self.assertEqual(verdicts[rule], "fail", rule)

    def test_audit_twice_is_the_same(self):
        runs = [[(r["rule"], r["verdict"]) for r in self.audit()["results"]] for _ in range(2)]
        self.assertEqual(runs[0], runs[1])


if __name__ == "__main__":
    unittest.main()
