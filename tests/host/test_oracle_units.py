# SPDX-License-Identifier: Apache-2.0
"""units and timers: against systemctl show, list-unit-files and list-timers; live, and as files."""

import copy
import ipaddress
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by, tree_table

# Unit files with settings of every kind that the table knows. Nobody starts them, so revet reads
# the files, while systemctl asks systemd, which loads them for the answer.
SANDBOXES = {
    "strict": """NoNewPrivileges=1
ProtectSystem=strict
ProtectHome=tmpfs
PrivateTmp=on
PrivateDevices=true
PrivateNetwork=y
PrivateUsers=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
MemoryDenyWriteExecute=yes
LockPersonality=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_NET_BIND_SERVICE cap_chown
AmbientCapabilities=CAP_NET_BIND_SERVICE
User=backup
RemoveIPC=yes
UMask=0077
IPAddressDeny=any
DevicePolicy=closed
KeyringMode=shared
SupplementaryGroups=adm www-data
ReadWritePaths=/var/lib/x -/srv/y
""",
    "inverted": """RestrictNamespaces=~user net
RestrictAddressFamilies=~AF_PACKET AF_NETLINK
SystemCallFilter=~@mount ptrace
CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYS_PTRACE
IPAddressDeny=10.0.0.0/8 2001:db8::/32
IPAddressDeny=192.0.2.1
ProtectSystem=full
ProtectHome=read-only
""",
    "reset": """CapabilityBoundingSet=CAP_CHOWN
CapabilityBoundingSet=
SystemCallFilter=@basic-io
SystemCallFilter=
RestrictAddressFamilies=AF_UNIX
RestrictAddressFamilies=
NoNewPrivileges=yes
NoNewPrivileges=no
ReadWritePaths=/a
ReadWritePaths=
ReadWritePaths=/b "/c"
SupplementaryGroups=adm
SupplementaryGroups=
User=nobody
User=
UMask=27
""",
    "none": """RestrictAddressFamilies=none
RestrictNamespaces=user
CapabilityBoundingSet=
AmbientCapabilities=
SystemCallFilter=read write
SystemCallFilter=~write
""",
    "dynamic": """DynamicUser=yes
PrivateTmp=no
ProtectSystem=yes
""",
    "bad": """ProtectSystem=perhaps
NoNewPrivileges=maybe
UMask=99
RestrictNamespaces=nonsense
ProtectHome=yes
""",
    "continued": """ReadWritePaths=/a \\
    /b \\
# a comment between
    /c
ExecStart=-/bin/echo one two
Environment=X=1
PrivateTmp=yes
""",
    "specifiers": """ReadWritePaths=/var/lib/%p /%n
User=%p
""",
}
DROPINS = {
    "system/service.d/10-all.conf": "[Service]\nLockPersonality=yes\n",
    "system/oracle-.service.d/10-prefix.conf": "[Service]\nProtectClock=yes\nUMask=0027\n",
    "system/oracle-dynamic.service.d/50-own.conf": "[Service]\nProtectSystem=no\nUMask=0007\n",
    "system/oracle-dynamic.service.d/50-own.txt": "[Service]\nProtectHome=yes\n",
    "system/oracle-t@.service.d/10-t.conf": "[Service]\nRestrictRealtime=yes\n",
    "system/oracle-t@one.service.d/10-one.conf": "[Service]\nRestrictSUIDSGID=yes\n",
}
OTHER = {
    "system/oracle-t@.service": """[Unit]
Description=Template %i
[Service]
ExecStart=/bin/sleep %i
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
DefaultInstance=one
""",
    "system/oracle.socket": """[Socket]
ListenStream=127.0.0.1:7701
ListenDatagram=7702
ListenStream=/run/oracle.sock
[Install]
WantedBy=sockets.target
""",
    "system/oracle.service": "[Service]\nExecStart=/bin/cat\n",
    "system/oracle-aliased.service": """[Service]
ExecStart=/bin/true
[Install]
Alias=oracle-alias.service
WantedBy=multi-user.target
""",
    "system/oracle-indirect.service": "[Service]\nExecStart=/bin/true\n[Install]\nAlso=oracle.socket\n",
    "system/oracle-static.service": "[Service]\nType=oneshot\nExecStart=/bin/echo a\nExecStart=@/bin/echo b c\n",
    "system/oracle-masked.service": "",
    "system/oracle-calendar.timer": """[Timer]
OnCalendar=*-*-* 04:05:06
Persistent=yes
[Install]
WantedBy=timers.target
""",
    "system/oracle-calendar.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "system/oracle-mono.timer": """[Timer]
OnActiveSec=1h
Unit=oracle-calendar.service
[Install]
WantedBy=timers.target
""",
    "system/oracle-idle.timer": "[Timer]\nOnUnitActiveSec=1h\nUnit=oracle-static.service\n",
}

BOOLS = """NoNewPrivileges PrivateTmp PrivateDevices PrivateNetwork PrivateUsers ProtectKernelTunables
    ProtectKernelModules ProtectKernelLogs ProtectControlGroups ProtectClock ProtectHostname
    RestrictRealtime RestrictSUIDSGID MemoryDenyWriteExecute LockPersonality DynamicUser
    RemoveIPC""".split()
TEXTS = """ProtectSystem ProtectHome ProtectProc ProcSubset RestrictNamespaces UMask DevicePolicy
    KeyringMode""".split()
LISTS = """RestrictAddressFamilies SystemCallFilter SystemCallArchitectures CapabilityBoundingSet
    AmbientCapabilities IPAddressDeny SupplementaryGroups ReadWritePaths""".split()
SHOWN = """Id LoadState ActiveState SubState UnitFileState FragmentPath DropInPaths Description User
    MainPID ExecStart Listen NeedDaemonReload""".split()


def read_shown(text):
    """What systemctl show says of one unit; keys that come several times as lists."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return found


def as_set(words):
    return sorted(w.lower() for w in words if w != "~")


def merged(path):
    """A path as it is since /usr was merged; systemd before version 255 prints what it was."""
    return path and re.sub(r"^/lib/", "/usr/lib/", path)


class Units(OnHost):
    @classmethod
    def prepare(cls):
        files = OTHER | DROPINS
        for name, settings in SANDBOXES.items():
            start = "" if "ExecStart" in settings else "ExecStart=/bin/true\n"
            files[f"system/oracle-{name}.service"] = f"[Service]\n{start}{settings}"
        # The same again under names that get started, so that revet asks systemd.
        for name in ("strict", "inverted", "reset", "none", "dynamic"):
            files[f"system/ran-{name}.service"] = (
                f"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
                + re.sub(r"(?m)^(User|ReadWritePaths|SystemCall\w+|PrivateN\w+|PrivateU\w+)=.*\n",
                         "",
                         SANDBOXES[name]))
        # What the groups of calls hold depends on systemd and libseccomp: systemd is asked.
        said = cls.out("systemd-analyze", "syscall-filter")
        cls._groups = cls._names = cls._rows = None
        cls.group_names = [line.strip() for line in said.splitlines() if line.startswith("@")]
        for name in cls.group_names:
            files[f"system/group{name}.service"] = (
                f"[Service]\nExecStart=/bin/true\nSystemCallFilter=~{name}\n")
        cls.write_all({f"etc/systemd/{path}": text for path, text in files.items()})
        cls.sh("""
            systemctl daemon-reload
            systemctl mask oracle-strict.timer >/dev/null 2>&1
            rm /etc/systemd/system/oracle-masked.service
            systemctl mask oracle-masked.service
            ln -s /dev/null /run/systemd/system/oracle-runtime-masked.service
            systemctl enable oracle-t@.service oracle-aliased.service
            systemctl enable --now oracle.socket oracle-calendar.timer oracle-mono.timer
            systemctl start oracle-t@100.service
            printf '[Service]\\nExecStart=/bin/true\\n' >/opt/oracle-linked.service
            systemctl link /opt/oracle-linked.service
            for n in strict inverted reset none dynamic; do systemctl start ran-$n || true; done
            systemctl start oracle-missing.service || true
        """)

    def shown(self, names, *properties):
        """By unit, what systemd has in force."""
        said = self.out("systemctl", "show", "--no-pager", "-p", ",".join(properties), "--", *names)
        blocks = [read_shown(block) for block in said.split("\n\n")]
        self.assertEqual(len(blocks), len(names))
        return dict(zip(names, blocks))

    def names(self):
        if self._names is None:
            type(self)._names = self.list_names()
        return self._names

    def units(self):
        """The table by name; nothing changes between the tests."""
        if self._rows is None:
            type(self)._rows = by(self.table("units"), "name")
        return copy.deepcopy(self._rows)

    def list_names(self):
        units = self.out("systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager")
        files = self.out("systemctl", "list-unit-files", "--no-legend", "--no-pager")
        enabled = dict(line.split()[:2] for line in files.splitlines())
        return {line.split()[0] for line in units.splitlines()} | enabled.keys(), enabled

    def test_names_and_states(self):
        rows = self.units()
        names, enabled = self.names()
        self.same(dict.fromkeys(rows, "there"), dict.fromkeys(names, "there"), at_least=200)
        self.same({name: rows[name].get("enabled") for name in enabled}, enabled)
        real = [n for n in sorted(names) if "@." not in n and enabled.get(n) != "alias"]
        want, got = {}, {}
        for name, shown in self.shown(real, *SHOWN).items():
            want[name] = {
                "load_state": shown["LoadState"][0], "active_state": shown["ActiveState"][0],
                "sub_state": shown["SubState"][0],
                "fragment": merged(shown["FragmentPath"][0]) or None,
                "dropins": shown["DropInPaths"][0].split() or None,
                "description": shown["Description"][0], "type": name.rpartition(".")[2]}
            got[name] = {c: rows[name].get(c) for c in want[name]}
            got[name]["fragment"] = merged(got[name]["fragment"])
            if shown["LoadState"][0] == "masked":
                # It is not read; systemd lists the drop-ins that it would have, and before version
                # 248 what the link points to.
                for column in ("dropins", "fragment"):
                    del want[name][column], got[name][column]
            if name == "oracle-linked.service":
                self.assertIn(want[name].pop("fragment"), ("/opt/oracle-linked.service",
                                                           got[name].pop("fragment")))
            if name.endswith(".service"):
                want[name] |= self.service(name, shown)
                got[name] |= {c: rows[name].get(c) for c in ("user", "main_pid", "exec_start")}
                if rows[name].get("NeedDaemonReload") is not None:  # systemd has it loaded
                    want[name]["NeedDaemonReload"] = shown["NeedDaemonReload"][0] == "yes"
                    got[name]["NeedDaemonReload"] = rows[name]["NeedDaemonReload"]
                if name == "oracle-specifiers.service":
                    self.assertIn("specifier", got[name].pop("user")["unknown"])
                    del want[name]["user"]
            if name.endswith(".socket"):
                want[name]["listens"] = sorted(shown.get("Listen", [])) or None
                got[name]["listens"] = sorted(rows[name].get("listens") or []) or None
            if want[name]["description"] == name:
                del want[name]["description"], got[name]["description"]
        self.same(got, want, at_least=150)

    def service(self, name, shown):
        lines = []
        for line in shown.get("ExecStart", []):
            program, told = re.search(r"path=(.*?) ; argv\[\]=(.*?) ; ignore_errors", line).groups()
            lines.append(" ".join([program, *told.split(" ")[1:]]))
        pid = int(shown["MainPID"][0])
        user = None
        if shown["LoadState"][0] == "loaded":
            user = shown["User"][0] or "root"
        return {"user": user, "main_pid": pid or None, "exec_start": " ; ".join(lines) or None}

    def test_sandboxes(self):
        rows = self.units()
        enabled = self.names()[1]
        services = [n for n in sorted(rows) if n.endswith(".service") and "@." not in n
                    and enabled.get(n) != "alias" and rows[n]["load_state"] == "loaded"]
        want, got = {}, {}
        for name, shown in self.shown(services, *BOOLS, *TEXTS, *LISTS).items():
            want[name] = {p: shown[p][0] == "yes" for p in BOOLS} | {p: shown[p][0] for p in TEXTS}
            got[name] = {p: rows[name].get(p) for p in BOOLS + TEXTS}
            got[name] |= {p: self.as_shown(p, rows[name].get(p)) for p in LISTS}
            want[name] |= {p: self.normal(p, shown[p][0].split()) for p in LISTS}
            for column, value in got[name].items():
                if isinstance(value, dict) and name in ("oracle-bad.service",
                                                        "oracle-specifiers.service"):
                    want[name][column] = value  # honestly unknown
        self.same(got, want, at_least=80)

    def as_shown(self, name, items):
        """A list of the table in the form of normal()."""
        if not isinstance(items, list):
            return items
        if name == "SystemCallFilter":
            return self.allowed(items)
        return self.normal(name, items)

    def normal(self, name, words):
        """A list as a set, with '~' at each word that it stands for, and addresses written out."""
        words = [w.lower() for w in words]
        if name == "SystemCallFilter" or name == "RestrictAddressFamilies":
            if words == []:
                return ["none"] if name == "RestrictAddressFamilies" else []
            if words[0].startswith("~"):
                words = [w if w.startswith("~") else f"~{w}" for w in words]
        elif name == "IPAddressDeny":
            words = [str(ipaddress.ip_network(w)) for w in words]
        elif name == "ReadWritePaths":
            words = {w.rstrip("/") for w in words}
        return sorted(w for w in words if w != "~") or None

    def allowed(self, items):
        """What a filter of a unit file comes to: the groups spelled out, line after line."""
        forbids = items[0].startswith("~")
        calls = set() if forbids else set(self.expand("@default"))
        for item in items:
            named = set(self.expand(item.removeprefix("~")))
            calls = calls | named if item.startswith("~") == forbids else calls - named
        return sorted(f"~{c}" if forbids else c for c in calls)

    def expand(self, item):
        return self.groups().get(item, [item])

    def groups(self):
        if self._groups is None:
            units = {f"group{name}.service": name for name in self.group_names}
            type(self)._groups = {
                units[unit]: [call.removeprefix("~") for call in shown["SystemCallFilter"][0].split()]
                for unit, shown in self.shown(units, "SystemCallFilter").items()}
        return self._groups

    def test_timers(self):
        rows = by(self.table("timers"), "name")
        names = [n for n in self.names()[0] if n.endswith(".timer") and "@." not in n]
        want, got = {}, {}
        shown = self.shown(names, "Unit", "ActiveState", "UnitFileState", "NextElapseUSecRealtime",
                           "LastTriggerUSec", "NextElapseUSecMonotonic", "LoadState")
        listed = self.out("systemctl", "list-timers", "--all", "--no-legend", "--no-pager")
        for name, unit in shown.items():
            want[name] = {"unit": unit["Unit"][0] or None,
                          "active_state": unit["ActiveState"][0],
                          "enabled": unit["UnitFileState"][0],
                          "next": self.stamp(listed, name), "last_trigger": None}
            if unit["LastTriggerUSec"][0]:
                want[name]["last_trigger"] = self.iso(unit["LastTriggerUSec"][0])
            got[name] = {c: rows[name].get(c) for c in want[name]} if name in rows else "no row"
            if got[name]["last_trigger"] == {"unknown": "it keeps no stamp on disk"}:
                self.assertEqual(unit["ActiveState"], ["inactive"])
                got[name]["last_trigger"] = want[name]["last_trigger"]
        self.same(got, want, at_least=5)
        self.assertEqual({n for n in rows if "@." not in n}, set(names))

    def iso(self, stamp):
        if not stamp or stamp in ("n/a", "-"):
            return None
        return self.out("date", "-u", "-d", stamp, "+%Y-%m-%dT%H:%M:%SZ").strip()

    def stamp(self, listed, name):
        """The first column of list-timers: "Fri 2026-11-27 04:05:06 UTC", or "-"."""
        line = next((line for line in listed.splitlines() if f" {name} " in line), "")
        found = re.match(r"\w{3} ([\d-]+ [\d:]+ \w+)", line)
        return self.iso(found[1]) if found else None

    CHANGES = ("_source", "active_state", "sub_state", "main_pid", "NeedDaemonReload")

    def test_files_alone(self):
        """What the tree says without systemd is what systemd says, or is unknown."""
        live = self.units()
        offline = by(tree_table(self.host.root, "units"), "name")
        want, got = {}, {}
        for name, row in offline.items():
            at_run_time = live[name]["enabled"] == "enabled-runtime" or (
                "@." in name and live[name]["enabled"] == "indirect")
            if (live[name]["fragment"] or "").startswith("/run/") or at_run_time:
                continue  # a generator made it, or its link, in this boot
            for column, value in row.items():
                said = live[name].get(column)
                if column in self.CHANGES or isinstance(value, dict) or (
                        row["load_state"] == "masked" and column in ("description", "dropins",
                                                                     "fragment")):
                    continue
                if column == "fragment":
                    value, said = merged(value), merged(said)
                elif column == "description":
                    value = value or name
                    said = value if "%" in value else said or name
                elif column == "exec_start" and value:
                    if "%" in value or value.startswith("systemctl"):
                        continue
                    value, said = (s.replace("'", "").replace("\\\\", "\\") for s in (value, said))
                elif column in LISTS and value and said:
                    value, said = self.as_shown(column, value), self.as_shown(column, said)
                got[name, column], want[name, column] = value, said
        self.same(got, want, at_least=3000)
        missing = [n for n, row in live.items() if n not in offline and row["fragment"]
                   and not row["fragment"].startswith(("/run/", "/proc/", "/sys/"))]
        self.assertEqual([m for m in missing if "@" not in m], [])


class Units13(Units):
    image = "debian-13"


class Units11(Units):
    image = "debian-11"


if __name__ == "__main__":
    unittest.main()
