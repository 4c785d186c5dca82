# SPDX-License-Identifier: Apache-2.0
"""Tables against the reference tools, row by row, on booted hosts."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostlib import Host

REVET = os.path.join(os.path.dirname(__file__), "..", "..", "build", "revet")


class IotBackend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host.start("iot-backend")
        cls.host.put(REVET, "/usr/local/bin/revet")
        # The libraries that a server does not have come along.
        for line in subprocess.run(["ldd", REVET], capture_output=True, text=True).stdout.splitlines():
            path = line.split("=>")[-1].split("(")[0].strip()
            if path.startswith("/") and not cls.exec_ok(["test", "-e", path]):
                cls.host.put(os.path.realpath(path), path)

    @classmethod
    def tearDownClass(cls):
        cls.host.stop()

    @classmethod
    def exec_ok(cls, argv):
        return cls.host.exec(argv, check=False, capture_output=True).returncode == 0

    def run_in(self, *argv, check=True):
        return self.host.exec(list(argv), check=check, capture_output=True, text=True).stdout

    def table(self, name):
        return json.loads(self.run_in("revet", "table", name, "-f", "json"))

    def test_users(self):
        want = {line.split(":")[0]: line.split(":")[2:7] for line in self.run_in("getent", "passwd").splitlines()}
        got = {r["name"]: [str(r["uid"]), str(r["gid"]), r["gecos"], r["home"], r["shell"]]
               for r in self.table("users")}
        self.assertEqual(got, want)

    def test_packages(self):
        listed = self.run_in("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n")
        want = sorted(listed.splitlines())
        got = sorted(f'{r["name"]} {r["version"]} {r["architecture"]}' for r in self.table("packages"))
        self.assertEqual(got, want)

    def test_listeners(self):
        want = set()
        for line in self.run_in("ss", "-H", "-tuln").splitlines():
            words = line.split()
            want.add((words[0], words[4].rsplit(":", 1)[1]))
        got = {(r["protocol"], str(r["port"])) for r in self.table("listeners")}
        self.assertEqual(got, want)

    def test_sshd(self):
        want = {}
        for line in self.run_in("sshd", "-T").splitlines():
            key, _, value = line.partition(" ")
            want.setdefault(key, value)
        got = {r["key"].lower(): r["value"] for r in self.table("sshd") if r["match"] is None}
        for key in ("permitrootlogin", "passwordauthentication", "x11forwarding", "maxauthtries", "ciphers"):
            self.assertEqual(got[key], want[key].replace("without-password", "prohibit-password"), key)

    def test_audit_sees_what_was_planted(self):
        ran = self.host.exec(["revet", "audit", "-f", "json"], check=False, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 2, ran.stderr)
        verdicts = {r["rule"]: r["verdict"] for r in json.loads(ran.stdout)["results"]}
        for rule in ("ssh.no-root-login", "ssh.keys-only", "listeners.database", "listeners.mqtt-plaintext",
                     "accounts.only-root-uid-0", "accounts.no-empty-passwords"):
            self.assertEqual(verdicts[rule], "fail", rule)

    def test_audit_twice_is_the_same(self):
        runs = []
        for _ in range(2):
            ran = self.host.exec(["revet", "audit", "-f", "json"], check=False, capture_output=True, text=True)
            runs.append([(r["rule"], r["verdict"]) for r in json.loads(ran.stdout)["results"]])
        self.assertEqual(runs[0], runs[1])


if __name__ == "__main__":
    unittest.main()
