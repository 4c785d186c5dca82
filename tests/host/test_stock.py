# SPDX-License-Identifier: Apache-2.0
"""From stock to hardened and back, with services that people use: they serve before, while the change
waits, after it is confirmed, after a reboot, and after it was taken back; only keys log in meanwhile."""

import json
import os
import tempfile
import unittest

import test_change
import test_rules_undone
from hostlib import moved
from oracle import EachAlone
from test_change import tree, without_revet

ONE_PASSWORD = ["-oBatchMode=no", "-oPreferredAuthentications=password,keyboard-interactive",
                "-oPubkeyAuthentication=no", "-oNumberOfPasswordPrompts=1"]
SMTP = r"""
exec 3<>/dev/tcp/$0/25
read -r hello <&3
printf 'EHLO test\r\n' >&3
while read -r line <&3; do case $line in 250\ *) break ;; esac; done
printf 'QUIT\r\n' >&3
read -r bye <&3
echo "${hello%%[- ]*} ${line%%[- ]*} ${bye%%[- ]*}"
"""
HTTP = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode(), end='')"


class Hardened(EachAlone):
    """What every release can."""

    image = "debian-12"
    same_tree = test_change.Changes.same_tree
    runtime = test_rules_undone.Stock.runtime

    @classmethod
    def setUpClass(cls):
        if cls is Hardened:
            raise unittest.SkipTest("for the classes below")

    def setUp(self):
        super().setUp()
        self.revet("history", via=self.host.ssh)  # sudo leaves a mark at its first use

    def log_in_by_password(self, user):
        """From another network, without a key: what ssh returns."""
        with tempfile.NamedTemporaryFile("w", suffix=".sh", dir="/tmp", delete=False) as answer:
            answer.write(f"#!/bin/sh\necho revet-{user}\n")
        os.chmod(answer.name, 0o700)
        self.addCleanup(os.remove, answer.name)
        return self.host.outside(
            ["ssh", "-F", "none", *ONE_PASSWORD, "-oStrictHostKeyChecking=no", "-oLogLevel=ERROR",
             "-oUserKnownHostsFile=/dev/null", f"{user}@{self.host.net().host}", "id", "-un"],
            env=os.environ | {"SSH_ASKPASS": answer.name, "SSH_ASKPASS_REQUIRE": "force"})

    def lets_in(self, by_password):
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
        for user in ("ops", "root"):
            ran = self.log_in_by_password(user)
            if by_password:
                self.assertEqual(ran.stdout, f"{user}\n", ran.stderr)
            else:
                self.assertEqual(ran.returncode, 255)
                self.assertIn("Permission denied (publickey).", ran.stderr)
        if not by_password:
            self.assertEqual(self.host.ssh(["true"], user="root").returncode, 255)

    def serves(self, hardened):
        """Nothing but sshd here."""

    def passes(self, rules):
        verdicts = {r["rule"]: r["verdict"] for r in self.audit()["results"]}
        self.assertEqual({rule: verdicts[rule] for rule in rules if verdicts[rule] != "pass"}, {})

    def harden(self):
        """Planned, applied, confirmed; the rules that it fixes."""
        self.lets_in(by_password=True)
        self.serves(hardened=False)
        rules = {rule["rule"] for rule in json.loads(self.revet("plan", "-f", "json"))["rules"]}
        self.assertLessEqual({"ssh.no-root-login", "ssh.keys-only", "net.icmp-redirects"}, rules)
        said = self.revet("apply", "--no-input")
        self.assertIn(" 0 still fail", said)
        self.assertIn("offers to log in with publickey\n", said)
        self.lets_in(by_password=False)
        self.serves(hardened=True)
        self.revet("confirm", via=self.host.ssh)
        self.passes(rules)
        self.assertEqual(json.loads(self.revet("plan", "-f", "json"))["steps"], [])
        return rules

    def same_runtime(self, before):
        differ = set(self.runtime().splitlines()) ^ set(before.splitlines())
        # The kernel makes one up for each network namespace.
        self.assertEqual([line for line in differ if "tcp_fastopen_key" not in line], [])

    def is_back(self, before, runtime):
        self.same_runtime(runtime)
        self.same_tree(before)
        self.lets_in(by_password=True)
        self.serves(hardened=False)

    def harden_and_revert(self):
        before, runtime = tree(self.host.root), self.runtime()
        self.harden()
        self.revet("revert")
        self.is_back(before, runtime)


class Bullseye(Hardened):
    image = "debian-11"
    test_there_and_back = Hardened.harden_and_revert


class Trixie(Hardened):
    image = "debian-13"
    test_there_and_back = Hardened.harden_and_revert


class Services(Hardened):
    image = "stock-services"

    def serves(self, hardened):
        """Each of them in its own protocol."""
        page = self.host.outside(["python3", "-c", HTTP, f"http://{self.host.net().host}/"])
        self.assertEqual(page.stdout, "the site\n", page.stderr)
        self.assertEqual(self.out("runuser", "-u", "postgres", "--", "psql", "-Atc", "select 6 * 7"), "42\n")
        self.out("mosquitto_pub", "-r", "-t", "revet", "-m", "hello")
        self.assertEqual(self.out("mosquitto_sub", "-t", "revet", "-C", "1", "-W", "10"), "hello\n")
        for address in ("127.0.0.1", "::1"):
            self.assertEqual(self.out("bash", "-c", SMTP, address), "220 250 221\n")
        self.assertEqual(self.host.exec(["rpcinfo", "-p"], check=False).returncode, 1 if hardened else 0)

    def test_there_and_back(self):
        before, runtime = tree(self.host.root), self.runtime()
        rules = self.harden()
        self.assertIn("services.rpcbind", rules)
        self.host.reboot()
        self.lets_in(by_password=False)
        self.serves(hardened=True)
        self.passes(rules)
        self.revet("revert")
        # An interface that was made while the default was another has taken it over for good.
        self.host.reboot()
        self.is_back(before, runtime)

    def test_undone_without_revet(self):
        before, runtime = tree(self.host.root), self.runtime()
        self.harden()
        self.out("rm", "/usr/local/bin/revet")
        self.out("sh", "/var/lib/revet/changes/0001/undo.sh")
        self.same_runtime(runtime)
        self.assertEqual(moved(without_revet(before), without_revet(tree(self.host.root))), {})
        self.lets_in(by_password=True)
        self.serves(hardened=False)


if __name__ == "__main__":
    unittest.main()
