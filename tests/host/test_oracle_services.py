# SPDX-License-Identifier: Apache-2.0
"""os, time_sync, journald, coredump, systemd_manager, logind, rsyslog, auditd, audit_rules,
audit_status, grub: against hostnamectl, timedatectl, systemd-analyze cat-config, and the files read a
second time.

A container may not talk to the kernel's audit subsystem: auditctl fails there, audit_status must
say so and each rule's `loaded` must be unknown. No host has a boot loader: GRUB's files are planted.
Of time services none is installed, so that timedatectl can confirm no more than that; and rsyslog
prints its configuration in no form that could be compared, so that its lines are read here.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by, source

AUDIT = r"""## comment
-D
-b 8192
-f 1
--backlog_wait_time 60000
-w /etc/shadow -p wa -k shadow
-w /var/log/ -k logs
-w /etc/hosts -p x
-a always,exit -F arch=b64 -S open,openat -S creat -F exit=-EACCES -F auid>=1000 -F auid!=4294967295 -k access
-a exit,always -F path=/usr/bin/passwd -F perm=x -F key=passwd
-a never,task -F uid=0
-A always,exclude -F msgtype=CWD
-a always,exit -F dir=/etc/ssh -F perm=wa
-e 2
"""
GRUB_CFG = """set superusers="boss,second"
password_pbkdf2 boss grub.pbkdf2.sha512.10000.AA.BB
menuentry 'Debian' --class os {
	linux /vmlinuz root=/dev/sda1 ro quiet
}
"""
GRUB_DEFAULT = """# comment
GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"
GRUB_CMDLINE_LINUX='audit=1 apparmor=1'
#GRUB_CMDLINE_LINUX="no"
"""


class Services(OnHost):
    @classmethod
    def prepare(cls):
        for name, value in (("journald", "[Journal]\n#Storage=auto\nStorage=persistent\n"),
                            ("coredump", "[Coredump]\nStorage=none\n")):
            cls.write(f"/etc/systemd/{name}.conf", value)
        cls.write("/etc/systemd/journald.conf.d/20-own.conf",
                  "[Journal]\nSystemMaxUse=1G\nCompress = no\n[Other]\nCompress=yes\n")
        cls.write("/usr/lib/systemd/journald.conf.d/30-late.conf",
                  "[Journal]\nSystemMaxUse=2G\nForwardToSyslog=\n")
        cls.write("/usr/lib/systemd/journald.conf.d/20-own.conf", "[Journal]\nSeal=no\n")
        cls.write("/run/systemd/journald.conf.d/40-masked.conf", "[Journal]\nSeal=no\n")
        cls.sh("ln -s /dev/null /etc/systemd/journald.conf.d/40-masked.conf")
        cls.write("/etc/systemd/coredump.conf.d/50.conf", "[Coredump]\nProcessSizeMax=0\n")
        cls.write("/etc/systemd/system.conf.d/50.conf",
                  "[Manager]\nCtrlAltDelBurstAction=none\nDefaultLimitCORE=0\nCrashShell=yes\n")
        cls.write("/usr/lib/systemd/system.conf.d/60.conf", "[Manager]\nCrashShell=no\n")
        cls.write("/etc/systemd/logind.conf.d/50.conf",
                  "[Login]\nStopIdleSessionSec=15min\n[Sleep]\nKillUserProcesses=yes\n")
        cls.write("/etc/audit/rules.d/60-own.rules", AUDIT)

    def test_os(self):
        row, = self.table("os")
        release = dict(line.split("=", 1) for line in
                       self.sh(". /etc/os-release; echo id=$ID; echo version_id=$VERSION_ID; "
                               "echo pretty_name=$PRETTY_NAME").splitlines())
        for column, value in release.items():
            self.assertEqual(row[column], value, column)
        self.assertEqual(row["kernel"], self.out("uname", "-r").strip())
        self.assertEqual(row["arch"], self.out("uname", "-m").strip())
        self.assertEqual(row["hostname"], self.out("uname", "-n").strip())
        said = dict(re.findall(r"(?m)^\s*([^:]+): (.*)$", self.out("hostnamectl", "status")))
        self.assertEqual(row["hostname"], said["Static hostname"])
        self.assertEqual(row["pretty_name"], said["Operating System"])
        self.assertEqual(row["virtualization"], said["Virtualization"])
        self.assertEqual(row["virtualization"],
                         self.out("systemd-detect-virt", check=False).strip())
        inside = self.host.exec(["systemd-detect-virt", "-q", "--container"],
                                check=False).returncode == 0
        self.assertEqual(row["container"], inside)
        self.assertEqual(row["init"], "systemd")
        self.assertIs(row["reboot_required"], False)
        self.sh("touch /run/reboot-required")
        self.assertIs(self.table("os")[0]["reboot_required"], True)
        self.sh("rm /run/reboot-required")

    def test_time_sync(self):
        said = dict(line.split("=", 1) for line in self.out("timedatectl", "show").splitlines())
        row, = self.table("time_sync")
        self.assertEqual(row["synchronized"], said["NTPSynchronized"] == "yes")
        self.assertEqual(row["service"] != "none", said["CanNTP"] == "yes")
        self.assertEqual(row["active"], said["NTP"] == "yes")

    def cat_config(self, name, section):
        """What is left of the files once each is read: systemd prints them in their order."""
        found, part = {}, None
        for line in self.out("systemd-analyze", "cat-config", f"systemd/{name}.conf").splitlines():
            line = line.strip()
            if re.match(r"[#;]", line):
                continue
            if line.startswith("["):
                part = line.strip("[]")
            elif "=" in line and part == section:
                key, _, value = line.partition("=")
                found[key.strip()] = value.strip()
        return {key: value for key, value in found.items() if value}

    def test_journald_and_the_like(self):
        for name, file, section, least in (("journald", "journald", "Journal", 3),
                                           ("coredump", "coredump", "Coredump", 2),
                                           ("systemd_manager", "system", "Manager", 3),
                                           ("logind", "logind", "Login", 1)):
            with self.subTest(name):
                rows = self.table(name)
                self.same({r["key"]: r["value"] for r in rows if r["value"]},
                          self.cat_config(file, section), least)
                for row in rows:
                    path, line = source(row, "value")
                    self.assertIn(row["key"], self.line(path, line))

    def test_rsyslog(self):
        rows = self.table("rsyslog")
        files = ["/etc/rsyslog.conf",
                 *self.sh("ls /etc/rsyslog.d/*.conf 2>/dev/null || true").split()]
        want = {}
        for path in files:
            for number, line in enumerate(self.read(path).splitlines(), 1):
                line = " ".join(line.split("#")[0].split())
                if line and not line.startswith("$IncludeConfig"):
                    want[path, number] = line
        got = {source(row, "text"): row["text"] for row in rows}
        self.same(got, want, 12)
        # The classic lines: a selector, a blank, where to.
        for row in rows:
            if row["kind"] == "rule":
                selector, target = row["text"].split(None, 1)
                self.assertEqual(row["selector"], selector)
                self.assertEqual(row["target"],
                                 target.lstrip("-") if target[0] in "-/" else row["target"])
                self.assertEqual(row["action"], {"/": "file", "-": "file", ":": "user"}[target[0]])

    def test_auditd(self):
        want = {}
        for line in self.read("/etc/audit/auditd.conf").splitlines():
            key, mark, value = line.split("#")[0].partition("=")
            if mark:
                want[key.strip().lower()] = value.strip()
        got = {row["key"]: row["value"] for row in self.table("auditd")}
        self.same({key: value.lower() for key, value in got.items()},
                  {key: value.lower() for key, value in want.items() if value}, 25)

    def test_audit_without_the_kernel(self):
        said = self.host.exec(["auditctl", "-l"], check=False)
        self.assertNotEqual(said.returncode, 0, "auditctl works here: compare its rules as well")
        status = self.host.exec(["revet", "table", "audit_status"], check=False)
        self.assertNotEqual(status.returncode, 0)
        self.assertIn("auditctl", status.stderr)
        for row in self.table("audit_rules"):
            self.assertIn("unknown", row["loaded"] or {"unknown": row["kind"]}, row["text"])

    def test_audit_rules(self):
        want = []
        for path in sorted(self.sh("ls /etc/audit/rules.d/*.rules").split()):
            for number, line in enumerate(self.read(path).splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    want.append((path, number, line))
        # augenrules is what puts them together: -D in front, -e at the end, once each.
        merged = set(self.sh("augenrules --check >/dev/null 2>&1; "
                             "augenrules >/dev/null 2>&1 || true; cat /etc/audit/audit.rules").splitlines())
        rows = self.table("audit_rules")
        got = {(*source(row, "text"), row["text"]) for row in rows if row["on_disk"] is True}
        self.assertEqual(got - set(want), set())
        for _, _, text in set(want) - got:
            self.assertRegex(text, r"^-[DbfercV]|^--", "a rule is missing")
        for _, _, text in got:
            self.assertIn(text, merged)
        self.check_parts(by([row for row in rows if row["on_disk"] is True and
                             row["kind"] != "control"], "text"))

    def check_parts(self, rows):
        for text, row in rows.items():
            words, options = text.split(), {}
            for flag, value in zip(words[::2], words[1::2]):
                options.setdefault(flag, []).append(value)
            fields = options.get("-F", [])
            named = dict(re.split(r"[!<>]?=", f, maxsplit=1) for f in fields)
            key = options.get("-k", [named.get("key")])[0]
            path = options.get("-w", [named.get("path") or named.get("dir")])[0]
            with self.subTest(text):
                self.assertEqual(row["key"], key)
                self.assertEqual(row["path"], path and path.rstrip("/"))
                if "-w" in options or "perm" in named:
                    given = options.get("-p", [named.get("perm", "rwxa")])[0]
                    self.assertEqual(row["permissions"], "".join(c for c in "rwxa" if c in given))
                if "-S" in options:
                    self.assertEqual(row["syscalls"], ",".join(options["-S"]).split(","))
                for where in options.get("-a", []) + options.get("-A", []):
                    self.assertEqual({row["action"], row["list"]}, set(where.split(",")))

    def test_grub(self):
        self.assertIs(self.table("grub")[0]["installed"], False)
        self.write("/boot/grub/grub.cfg", GRUB_CFG, "640")
        self.write("/etc/default/grub", GRUB_DEFAULT)
        row, = self.table("grub")
        mode, owner = self.out("stat", "-c", "%a %U", "/boot/grub/grub.cfg").split()
        self.assertEqual((row["installed"], row["config"], int(row["mode"], 8), row["owner"]),
                         (True, "/boot/grub/grub.cfg", int(mode, 8), owner))
        self.assertEqual((row["password"], row["superusers"]), (True, ["boss", "second"]))
        for column, name in (("cmdline_default", "GRUB_CMDLINE_LINUX_DEFAULT"),
                             ("cmdline", "GRUB_CMDLINE_LINUX")):
            said = self.sh(f'. /etc/default/grub; printf %s "${name}"')
            self.assertEqual(row[column], said, column)
        self.sh("rm -r /boot/grub /etc/default/grub")


if __name__ == "__main__":
    unittest.main()
