# SPDX-License-Identifier: Apache-2.0
"""backup_logs, and how backups that timers start have ended: against borg and systemctl show."""

import os
import sys
import unittest
from datetime import datetime, timezone
import json

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by

REPOSITORY = "/srv/backup"
SERVICE = f"""[Service]
Type=oneshot
Environment=BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes HOME=/root
ExecStart=/usr/bin/borg create {REPOSITORY}::{{now:%%Y%%m%%d%%H%%M%%S.%%f}} /etc/apt
"""
TIMER = "[Timer]\nOnCalendar=yearly\nUnit=saves.service\n[Install]\nWantedBy=timers.target\n"


class Backups(OnHost):
    image = "backups"

    @classmethod
    def prepare(cls):
        cls.write("/etc/systemd/system/saves.service", SERVICE)
        cls.write("/etc/systemd/system/nightly.timer", TIMER)
        cls.sh("HOME=/root borg init -e none \"$1\"; systemctl daemon-reload; systemctl enable --now nightly.timer",
               REPOSITORY)

    def verdict(self):
        ran = self.host.exec(["revet", "audit", "--rule", "backup.last-run", "-f", "json"], check=False)
        return json.loads(ran.stdout)["results"][0]["verdict"]

    def timer(self):
        return by(self.table("timers"), "name")["nightly.timer"]

    def test_runs(self):
        self.out("rm", "-r", "/root/.config/borg")
        self.assertEqual(self.timer()["result"], {"unknown": "it has not run since the boot"})
        self.assertEqual(self.verdict(), "unknown", "it has not run since the boot")

        self.out("systemctl", "start", "saves.service")
        row, said = self.timer(), self.out("systemctl", "show", "saves.service", "-p", "Result", "--value").strip()
        self.assertEqual((row["result"], row["age_days"]), (said, 0))
        self.assertEqual((said, self.verdict()), ("success", "pass"))
        [row] = self.table("backup_logs")
        info = json.loads(self.out("env", "HOME=/root", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes",
                                   "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "borg", "info", "--json",
                                   REPOSITORY))["repository"]
        self.assertEqual(row["name"], info["id"])
        changed = datetime.fromisoformat(info["last_modified"])  # the host's own time, which is UTC
        told = datetime.fromisoformat(row["last_run"].replace("Z", "+00:00"))
        self.assertLess(abs((told - changed.replace(tzinfo=timezone.utc)).total_seconds()), 3)

        self.out("mv", REPOSITORY, f"{REPOSITORY}.away")
        self.out("systemctl", "start", "saves.service", check=False)
        self.assertEqual(self.timer()["result"], "exit-code")
        self.assertEqual(self.verdict(), "fail")
        self.out("mv", f"{REPOSITORY}.away", REPOSITORY)
        self.out("systemctl", "start", "saves.service")
        self.assertEqual(self.verdict(), "pass")

        # A run that never happened for three days: what borg remembers, and no timer.
        self.out("systemctl", "disable", "--now", "nightly.timer")
        self.assertEqual(self.verdict(), "pass")
        self.sh("date -u -d '3 days ago' +%Y-%m-%dT%H:%M:%S.000001 | tee /root/.config/borg/security/*/manifest-timestamp")
        self.assertEqual(self.verdict(), "fail")
        self.write("/etc/cron.d/save", "7 3 * * * root borg create /srv/backup::x /etc\n")
        self.assertEqual(self.verdict(), "unknown", "cron's jobs do not say how they end")


if __name__ == "__main__":
    unittest.main()
