# SPDX-License-Identifier: Apache-2.0
"""unit_exposure and unit_assessments: against systemd-analyze security --offline=yes of systemd 252.

Of every service of three hosts, and of 2,000 units that are made up of all that is assessed. Which they
are follows from a seed (REVET_EXPOSURE_SEED), which a failure prints.
"""

import json
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost

UNITS = 2000
AT_ONCE = 400  # more rows than these make a table may not have
SEED = int(os.environ.get("REVET_EXPOSURE_SEED", "1"))
NOT_APPLICABLE = 2**64 - 1
OVERALL = re.compile(r"Overall exposure level for (\S+): (\d+)\.(\d) ([A-Z]+)")
PLACE = "/opt/made/etc/systemd/system"

FLAGS = """NoNewPrivileges PrivateTmp PrivateDevices PrivateNetwork PrivateUsers PrivateMounts
    ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectControlGroups ProtectClock
    ProtectHostname RestrictRealtime RestrictSUIDSGID MemoryDenyWriteExecute LockPersonality DynamicUser
    RemoveIPC""".split()
WORDS = {
    "ProtectSystem": "yes no full strict".split(),
    "ProtectHome": "yes no read-only tmpfs".split(),
    "ProtectProc": "default noaccess invisible ptraceable".split(),
    "ProcSubset": "all pid".split(),
    "KeyringMode": "inherit private shared".split(),
    "NotifyAccess": "none main exec all".split(),
    "DevicePolicy": "auto closed strict".split(),
    "UMask": "0077 0022 0027 0007 0 0777 77 0002 0066".split(),
    "User": "root 0 nobody daemon www-data 1000 %j %p %u %U x%% %N".split(),
    "RootDirectory": "/ // /./ /srv/x /srv/%i".split(),
    "RootImage": ["/srv/image.raw", "/"],
    "Delegate": "yes no cpu".split() + ["cpu memory", "bogus"],
    "IPIngressFilterPath": ["/sys/fs/bpf/in"],
    "IPEgressFilterPath": ["/sys/fs/bpf/out"],
    "MountImages": ["/srv/i.raw:/mnt"],
    "SetCredentialEncrypted": ["a:aGVsbG8="],
}
LISTS = {
    "SupplementaryGroups": "adm daemon 1000".split(),
    "DeviceAllow": ["/dev/null rw", "char-*", "block-loop r", "/tmp/x", "/dev/zero q", "/dev/%i", "foo"],
    "IPAddressDeny": "any localhost multicast link-local 0.0.0.0/0 ::/0 10.0.0.0/8 bogus 0::0/0".split(),
    "IPAddressAllow": """any localhost 127.0.0.1 ::1 127.0.0.1/4 10.0.0.1 ::1/127 multicast bogus
        127.1.0.0/16 ::ffff:127.0.0.1""".split(),
    "SystemCallArchitectures": "native x86-64 x86 arm64 bogus".split(),
}
INVERTIBLE = {
    "RestrictAddressFamilies": """AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_X25 AF_VSOCK AF_LOCAL
        af_inet AF_BOGUS AF_ROUTE none""".split(),
    "RestrictNamespaces": "user pid net uts mnt cgroup ipc".split(),
}
TRUE, FALSE = "1 yes y true t on".split(), "0 no n false f off".split()


class Maker:
    """Makes unit files up. `groups` are systemd's groups of system calls, with their members."""

    def __init__(self, seed, groups, capabilities):
        self.random = random.Random(seed)
        self.groups = list(groups)
        self.calls = sorted({call for members in groups.values() for call in members})
        self.capabilities = capabilities

    def some(self, words, most=4):
        return " ".join(self.random.choices(words, k=self.random.randint(1, most)))

    def inverted(self, text):
        return ("~" if self.random.random() < 0.4 else "") + text

    def filter(self):
        words = self.random.choices(self.groups, k=self.random.randint(0, 3)) + \
            self.random.choices(self.calls + ["bogus", "@bogus"], k=self.random.randint(0, 3))
        answers = [":EPERM", ":kill", ":EBOGUS", ":0", ":4096"]
        return self.inverted(" ".join(word + (self.random.choice(answers) if self.random.random() < 0.15
                                              else "") for word in words))

    def value(self, key):
        if key in FLAGS:
            return self.random.choice(TRUE if self.random.random() < 0.7 else FALSE)
        if key in WORDS:
            return self.random.choice(WORDS[key])
        if key == "DeviceAllow":
            return self.random.choice(LISTS[key])
        if key in LISTS:
            return self.some(LISTS[key])
        if key == "RestrictNamespaces" and self.random.random() < 0.3:
            return self.random.choice(["yes", "no", "~"])
        if key in INVERTIBLE:
            return self.inverted(self.some(INVERTIBLE[key]))
        if key == "SystemCallFilter":
            return self.filter()
        if self.random.random() < 0.1:
            return self.inverted(str(self.random.randrange(41)))
        return self.inverted(self.some(self.capabilities, 25))

    def lines(self, chance):
        keys = [*FLAGS, *WORDS, *LISTS, *INVERTIBLE, "SystemCallFilter", "CapabilityBoundingSet",
                "AmbientCapabilities"]
        lines = []
        for key in keys:
            while self.random.random() < chance:
                # systemd does not load a unit with this one empty.
                empty = key != "DynamicUser" and self.random.random() < 0.15
                lines.append(f"{key}={'' if empty else self.value(key)}")
        self.random.shuffle(lines)
        return "[Service]\n" + "\n".join(lines) + "\n"

    def unit(self, number):
        """A name, and the files of the unit."""
        chance = self.random.choice([0.1, 0.25, 0.4, 0.6])
        name = f"made-{number}.service"
        files = {}
        if self.random.random() < 0.1:
            name = f"made{number}@{self.random.choice(['root', '0', 'www-data', 'nobody'])}.service"
        file = name if "@" not in name else name.split("@")[0] + "@.service"
        if "@" in name and self.random.random() < 0.5:
            files[f"{file}.d/60-user.conf"] = "[Service]\nUser=%i\n"
        early = "[Unit]\nDefaultDependencies=no\n" if self.random.random() < 0.1 else ""
        files[file] = early + self.lines(chance) + "ExecStart=/bin/true\n"
        for dropin in ("50-b", "10-a"):
            if self.random.random() < 0.2:
                files[f"{self.random.choice([name, file])}.d/{dropin}.conf"] = self.lines(chance / 2)
        return name, files


def read_groups(text):
    """What `systemd-analyze syscall-filter` prints."""
    groups = {}
    for line in text.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return groups


def documents(text):
    """The JSON documents that stand one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


class Exposure(OnHost):
    image = "debian-12"

    def analyze(self, paths):
        """Of each unit its overall exposure, and its assessments by field; those that it refuses left
        out. The arrays of JSON have no name, but the same order as the text."""
        argv = ["env", "SYSTEMD_ANALYZE_DEBUG=1", "systemd-analyze", "security", "--offline=yes",
                "--no-pager"]
        overall = OVERALL.findall(self.out(*argv, *paths, check=False))
        arrays = documents(self.out(*argv, "--json=short", *paths, check=False))
        self.assertEqual(len(overall), len(arrays))
        return {name: ((int(whole) * 10 + int(tenth), level), {
            row["json_field"]: (row["set"], row["weight"], row["range"], row["exposure"],
                                None if row["badness"] == NOT_APPLICABLE else row["badness"])
            for row in rows})
            for (name, whole, tenth, level), rows in zip(overall, arrays)}

    def tables(self, *options):
        """The same from revet's tables."""
        def rows(table):
            text = self.out("/usr/local/bin/revet", "table", table, "-f", "json", *options)
            return json.loads(text)

        found = {row["name"]: ((row["exposure"], row["level"]), {}) for row in rows("unit_exposure")}
        for row in rows("unit_assessments"):
            tenths = row.get("exposure")
            found[row["unit"]][1][row["field"]] = (
                row.get("set"), row["weight"], row["range"],
                None if tenths is None else f"{tenths // 10}.{tenths % 10}", row.get("badness"))
        return found

    def compare(self, want, got, at_least):
        got = {unit: got.get(unit) for unit in want}
        for part in (1, 0):
            self.same({unit: row and row[part] for unit, row in got.items()},
                      {unit: row[part] for unit, row in want.items()}, at_least)

    def test_services_of_the_host(self):
        got = self.tables()
        there = set(self.sh("ls -d /etc/systemd/system/*.service /run/systemd/*/*.service").split())
        paths = [next((f"{place}/{unit}" for place in ("/etc/systemd/system", "/run/systemd/generator",
                                                       "/run/systemd/generator.late")
                       if f"{place}/{unit}" in there), f"/lib/systemd/system/{unit}") for unit in got]
        want = self.analyze(paths)
        # Templates are shown as an instance of theirs.
        got |= {unit.replace("@.", "@i."): row for unit, row in got.items() if "@." in unit}
        self.compare(want, got, 60)


class ServicesOfABackend(Exposure):
    image = "iot-backend"


class StockServices(Exposure):
    image = "stock-services"


class MadeUp(Exposure):
    test_services_of_the_host = None

    def test_made_up_units(self):
        groups = read_groups(self.out("systemd-analyze", "syscall-filter", "--no-pager"))
        capabilities = self.out("systemd-analyze", "capability", "--no-pager").split()[2::2]
        maker = Maker(SEED, groups, capabilities + ["CAP_BOGUS", *map(str.upper, capabilities)])
        compared = 0
        for start in range(0, UNITS, AT_ONCE):
            units = dict(maker.unit(start + i) for i in range(AT_ONCE))
            self.sh(f"rm -rf {PLACE}; mkdir -p {PLACE}")
            self.write_all({f"{PLACE[1:]}/{path}": text for files in units.values()
                            for path, text in files.items()})
            # revet knows of the instances that something starts.
            self.sh(f"mkdir {PLACE}/multi-user.target.wants; cd {PLACE}/multi-user.target.wants\n"
                    'for unit; do ln -s "../${unit%@*}@.service" "$unit"; done',
                    *(name for name in units if "@" in name))
            want = self.analyze([f"{PLACE}/{name}" for name in units])
            got = self.tables("--root", "/opt/made")
            compared += len(want)
            with self.subTest(seed=SEED, start=start):
                self.compare(want, got, AT_ONCE * 9 // 10)
        print(f"\n{compared} made-up units, seed {SEED}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
