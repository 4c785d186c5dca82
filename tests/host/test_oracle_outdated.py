# SPDX-License-Identifier: Apache-2.0
"""outdated_processes: against needrestart, before and after libraries are replaced as dpkg does it."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
RULE = "updates.old-libraries"
# Another library in each place, loaded by programs that only sleep.
LOADED = {"app": "/opt/app/libapp.so.1", "venv": "/srv/venv/lib/fast.cpython-311-x86_64-linux-gnu.so",
          "unpacked": "/var/lib/java/libunpacked71.so", "temporary": "/tmp/libnetty.so"}


class Outdated(OnHost):
    image = "needrestart"

    @classmethod
    def prepare(cls):
        for unit, path in LOADED.items():
            cls.sh('mkdir -p "${1%/*}"; cp -L "$2/libm.so.6" "$1"', path, LIBRARIES)
            cls.out("systemd-run", "-q", f"--unit={unit}", "-E", f"LD_PRELOAD={path}", "sleep", "infinity")
        cls.sh("cp /usr/bin/sleep /opt/app/daemon; systemd-run -q --unit=own /opt/app/daemon infinity")

    @classmethod
    def replace(cls, *paths):
        """As dpkg does: the new file is renamed over the old one."""
        cls.sh('for p; do p=$(readlink -f "$p"); cp -p "$p" "$p.dpkg-new"; mv "$p.dpkg-new" "$p"; done', *paths)

    def said(self):
        """By needrestart; it calls systemd itself by a name of its own."""
        out = self.out("needrestart", "-b", "-r", "l")
        units = {line.split(": ")[1] for line in out.splitlines() if line.startswith("NEEDRESTART-SVC: ")}
        return {"init.scope" if unit == "systemd-manager" else unit for unit in units}

    def verdict(self):
        ran = self.host.exec(["revet", "audit", "--rule", RULE, "-f", "csv"], check=False)
        return ran.stdout.splitlines()[1]

    def test_what_needs_a_restart(self):
        self.assertEqual((self.table("outdated_processes"), self.said()), ([], set()))
        self.assertIn("pass", self.verdict())
        self.replace(f"{LIBRARIES}/libcrypto.so.3", f"{LIBRARIES}/libcap.so.2", LOADED["app"], LOADED["venv"],
                     "/opt/app/daemon")
        self.sh('rm "$@"', LOADED["unpacked"], LOADED["temporary"])
        rows = {row["unit"]: row for row in self.table("outdated_processes")}
        # What it unpacked for itself needrestart takes for a library that a package has removed.
        self.assertEqual(set(rows), self.said() - {"unpacked.service"})
        self.assertGreaterEqual(set(rows), {"init.scope", "ssh.service", "app.service", "venv.service", "own.service"})
        self.assertEqual(rows["ssh.service"]["libraries"],
                         [os.path.realpath(f"{self.host.root}{LIBRARIES}/libcap.so.2").removeprefix(str(self.host.root)),
                          f"{LIBRARIES}/libcrypto.so.3"])
        self.assertEqual(rows["own.service"]["program"], "/opt/app/daemon")
        self.assertNotIn("libraries", {k: v for k, v in rows["own.service"].items() if v is not None})
        self.assertIn("fail", self.verdict())
        for unit in rows:
            if unit == "init.scope":
                self.out("systemctl", "daemon-reexec")
            elif unit not in ("app.service", "venv.service", "own.service"):
                self.out("systemctl", "restart", unit)
        self.assertEqual({row["unit"] for row in self.table("outdated_processes")},
                         {"app.service", "venv.service", "own.service"})
        self.assertIn("fail", self.verdict())
        self.out("systemctl", "stop", "app", "venv", "own")
        self.assertEqual(self.said(), {"unpacked.service"})
        self.assertIn("pass", self.verdict())


if __name__ == "__main__":
    unittest.main()
