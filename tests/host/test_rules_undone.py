# SPDX-License-Identifier: Apache-2.0
"""Each rule alone: what fails on a stock host and on one with every kind of flaw is applied, passes,
and is taken back to the byte."""

import json
import os
import re
import unittest

from oracle import OnHost
from test_change import look

# Where the steps of rules write; the whole tree is compared once, after the last rule.
PLACES = ("etc", "home", "root", "boot", "usr/lib/systemd", "usr/share/pam-configs", "var/lib/pam")
# Rules whose fix is there only after a reboot, or that a container has not the kernel for.
NEED_REBOOT = re.compile("^(kernel|modules|boot)[.]")


def places(root):
    seen = {}
    for place in PLACES:
        for top, dirs, files in os.walk(os.path.join(root, place)):
            for entry in dirs + files:
                name = os.path.relpath(os.path.join(top, entry), root)
                seen[name] = look(os.path.join(top, entry), name)
    return {name: what for name, what in seen.items() if "root/.ssh" not in name}


class Stock(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.host.ssh(["echo revet-ops | sudo -S true"])  # sudo leaves its mark in the home

    def one(self, rule, before, whole):
        """What is wrong with it, a line each."""
        for _ in range(2):
            applied = self.host.exec(["revet", "apply", "--no-input", "--wait", "10min", "--rule", rule],
                                     check=False, timeout=180)
            said = applied.stdout + applied.stderr
            # Where much else runs, a mail server may take longer to greet than revet waits.
            if "does not greet" not in said:
                break
        wrong = []
        if applied.returncode not in (0, 4):
            wrong.append(f"{rule}: exit {applied.returncode}: {said[-400:]}")
        elif applied.returncode == 4 or " 0 still fail" not in said:
            self.unfixed[rule] = said[-300:]
        if applied.returncode == 0:
            reverted = self.host.exec(["revet", "revert"], check=False, timeout=180)
            if reverted.returncode:
                wrong.append(f"{rule}: revert: exit {reverted.returncode}: {reverted.stderr[-400:]}")
        after = places(self.host.root)
        moved = {n: (before.get(n), after.get(n)) for n in before.keys() | after.keys()
                 if before.get(n) != after.get(n)}
        if moved:
            wrong.append(f"{rule}: the tree is another: {moved}"[:600])
            before.clear()
            before.update(after)
        now = self.runtime()
        if now != whole[0]:
            wrong.append(f"{rule}: {set(now.splitlines()) ^ set(whole[0].splitlines())}")
            whole[0] = now
        return wrong

    def runtime(self):
        """sysctls, units, packages and passwords' ages, which are no files."""
        return self.out("sh", "-c", "sysctl -a -r '^net[.]' 2>/dev/null | grep -v -e _count -e fib_info_cnt; "
                        "systemctl list-unit-files --no-legend --no-pager | grep -v revet-revert; "
                        "systemctl list-units --no-legend --no-pager --plain --type=service,socket "
                        "--state=active,failed | awk '{print $1, $3}' | grep -v -e revet-revert -e session -e user@"
                        " -e user-runtime -e systemd-hostnamed -e systemd-timedated; dpkg-query -W")

    def test_each_rule_alone(self):
        self.unfixed = {}
        plan = json.loads(self.revet("plan", "-f", "json").partition("\nrevet:")[0])
        rules = sorted({rule["rule"] for rule in plan["rules"]})
        self.assertGreater(len(rules), 20)
        before, whole, wrong = places(self.host.root), [self.runtime()], []
        for rule in rules:
            found = self.one(rule, before, whole)
            wrong.extend(found)
            if os.environ.get("REVET_RULES_SHOW"):
                print(rule, "unfixed" if rule in self.unfixed else "fixed", found, flush=True)
        self.assertEqual(wrong, [])
        left = {rule: said for rule, said in self.unfixed.items() if not NEED_REBOOT.match(rule)}
        self.assertEqual(left, {})
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")


class Flawed(Stock):
    image = "iot-backend"


if __name__ == "__main__":
    unittest.main()
