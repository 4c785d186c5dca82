# SPDX-License-Identifier: Apache-2.0
"""packages, apt_sources, apt_preferences, apt_config, apt_keys, apt_upgrades, updates: against dpkg-query, rpm,
pacman, apt and gpg. A repository of files inside the host has the newer versions; nothing is fetched.

updates.automatic has no tool that would say it; tests/tables/updates has its cases.
"""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostlib import ENVIRONMENT, Host
from oracle import TIMEOUT, OnHost, OracleCase, by, tree_table

DEBS = r"""
deb() { # NAME VERSION ARCHITECTURE DIRECTORY [line of control]...
    d=/tmp/deb; rm -rf $d; mkdir -p $d/DEBIAN /srv/$4
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Me <me@example.org>\n' "$1" "$2" "$3" \
        >$d/DEBIAN/control
    printf 'Description: %s\n of the test\nInstalled-Size: 7\n' "$1" >>$d/DEBIAN/control
    n=$1 v=$2 to=/srv/$4; a=$3; shift 4
    for line; do echo "$line" >>$d/DEBIAN/control; done
    [ "$n" != failing ] || { printf '#!/bin/sh\nexit 1\n' >$d/DEBIAN/postinst
                             chmod 755 $d/DEBIAN/postinst; }
    [ "$n" != configured ] || { mkdir -p $d/etc; echo x >$d/etc/configured.conf
                                echo /etc/configured.conf >$d/DEBIAN/conffiles; }
    dpkg-deb --root-owner-group -Znone -b $d "$to/${n}_$(echo $v | tr : %)_$a.deb" >/dev/null
}
"""

PLANTED = DEBS + r"""
deb plain 1:2.0~rc1-3+b1 all first 'Section: contrib/net' 'Priority: extra' 'Source: origin (1.9)'
deb failing 1.0 amd64 first; deb unpacked 1.0 amd64 first 'Essential: yes'
deb configured 3 all first; deb other 1 i386 first; deb folded 1 all first
deb held 1.0-1 all first; deb backported 1.0 all first; deb secured 1.0-1 amd64 first
deb rc 2.0~rc1 all first; deb newest 5.0 all first; deb kept 1.0 all first
dpkg --add-architecture i386
for p in plain configured held backported secured rc newest folded kept; do
    dpkg -i /srv/first/${p}_*.deb >/dev/null; done
dpkg -i /srv/first/other_*.deb >/dev/null
dpkg -i /srv/first/failing_*.deb >/dev/null 2>&1 || true
dpkg --unpack /srv/first/unpacked_*.deb >/dev/null; dpkg -r configured >/dev/null
apt-mark hold held >/dev/null

repo() { # DIRECTORY SUITE LABEL [line of Release]
    (cd /srv/$1; apt-ftparchive packages . >Packages
     apt-ftparchive -o APT::FTPArchive::Release::Suite=$2 -o APT::FTPArchive::Release::Codename=$2 \
        -o APT::FTPArchive::Release::Origin=Debian -o APT::FTPArchive::Release::Label=$3 \
        release . >/tmp/R
     shift 3; for line; do echo "$line"; done | cat - /tmp/R >Release)
}
deb secured 1.0-1+deb12u1 amd64 security; deb held 2.0 all security; deb plain 1:1.9 all security
deb secured 1.0-1+deb12u2 amd64 updates; deb rc 2.0 all updates; deb newest 4.9 all updates
deb folded 1.0 all updates; deb other 2 i386 updates; deb configured 9 all updates
deb backported 9.0 all backports; deb plain 1:3.0 all backports
repo security stable-security Debian-Security
repo updates stable-updates Debian
repo backports stable-backports Backports 'NotAutomatic: yes' 'ButAutomaticUpgrades: yes'
deb kept 7.0 all experimental; repo experimental experimental Debian 'NotAutomatic: yes'
rm /etc/apt/sources.list
cat >/etc/apt/sources.list.d/local.list <<'END'
deb [trusted=yes] file:/srv/security ./
deb [trusted=yes] file:/srv/updates ./
deb [trusted=yes] file:/srv/backports ./
deb [trusted=yes] file:/srv/experimental ./
END
apt-get -q update >/dev/null
"""


def stamp(text):
    """Seconds of a time as tables print it."""
    return text and int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class Dpkg(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh(PLANTED)

    FIELDS = {"name": "Package", "version": "Version", "architecture": "Architecture",
              "state": "db:Status-Status", "section": "Section", "priority": "Priority",
              "source": "source:Package", "maintainer": "Maintainer", "essential": "Essential",
              "hold": "db:Status-Want", "installed_size": "Installed-Size"}

    def test_packages(self):
        form = "\\t".join("${%s}" % f for f in self.FIELDS.values()) + "\\n"
        want = {}
        for line in self.out("dpkg-query", "-W", "-f", form).splitlines():
            row = dict(zip(self.FIELDS, line.split("\t")))
            row = {key: value or None for key, value in row.items()}
            row |= {"essential": row["essential"] == "yes", "hold": row["hold"] == "hold",
                    "manager": "dpkg"}
            if row["installed_size"]:
                row["installed_size"] = int(row["installed_size"]) * 1024
            want[row["name"], row["architecture"]] = row
        rows = self.table("packages")
        got = {(r["name"], r["architecture"]): {c: r[c] for c in r if c != "_source"} for r in rows}
        self.same(got, want, 150)
        states = {r["state"] for r in rows}
        self.assertEqual(states, {"installed", "config-files", "half-configured", "unpacked"})
        for row in rows:
            path, line = row["_source"].split(":")
            self.assertEqual(path, "/var/lib/dpkg/status")
        said = self.read(path).splitlines()
        for row in rows:
            self.assertEqual(said[int(row["_source"].split(":")[1]) - 1], f"Package: {row['name']}")

    def test_upgrades(self):
        want = {}
        for line in self.out("apt", "list", "--upgradable", stderr=subprocess.DEVNULL,
                             stdout=subprocess.PIPE).splitlines():
            found = re.fullmatch(r"(\S+)/(\S+) (\S+) (\S+) \[upgradable from: (\S+)\]", line)
            if found:
                name, suites, candidate, _, installed = found.groups()
                want[name] = {"candidate": candidate, "installed": installed,
                              "archive": sorted(set(suites.split(",")) - {"now"})}
        rows = by(self.table("apt_upgrades"), "package")
        got = {name: {"candidate": row["candidate"], "installed": row["installed"],
                      "archive": sorted(row["archive"].split(","))} for name, row in rows.items()}
        self.same(got, want, 3)
        self.assertTrue(rows["secured"]["security"])
        self.assertTrue(rows["held"]["security"])
        self.assertFalse(rows["rc"]["security"])
        updates, = self.table("updates")
        self.assertEqual(updates["manager"], "apt")
        self.assertEqual(updates["pending"], len(want))
        self.assertEqual(updates["security_pending"], sum(row["security"] for row in rows.values()))

    def test_age_of_the_lists(self):
        row, = self.table("updates")
        newest = max(int(s) for s in self.sh(
            "stat -c %Y /var/lib/apt/lists/* /var/lib/apt/periodic/* 2>/dev/null || true").split())
        updated = datetime.datetime.fromisoformat(row["lists_updated"].replace("Z", "+00:00"))
        self.assertLessEqual(updated.timestamp(), newest)
        self.assertGreater(updated.timestamp(), newest - 3600)
        self.assertEqual(row["lists_age_days"], 0)


SOURCES = {
    "/etc/apt/sources.list.d/a.list": """# deb http://commented.example x main
deb http://deb.example/debian bookworm main  contrib # and a remark
deb-src [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://src.example/d/ sid main
deb [trusted=yes] file:/srv/flat ./
deb [ lang=en target-=Contents ] http://flat.example/x stable/
deb [arch=i386] http://other.example/ bookworm main
deb [arch=i386 arch+=amd64 ARCH=i386] http://both.example/ bookworm main
deb [arch-="amd64" arch+=amd64,i386] http://minus.example/ bookworm main
deb [arch=%61md64,i386] "http://quoted.example/"%64 book"worm" main
deb [trusted="yes"] http://yes.example/1 ./
deb ["trusted=yes" arch=i386] http://yes.example/2 ./
deb [trusted=%79es] http://yes.example/3 ./
""",
    "/etc/apt/sources.list.d/b.sources": """# deb822
Types: deb deb-src
URIs: https://one.example/d http://two.example/d
Suites: trixie trixie-updates
Components: main
 non-free
Signed-By: /usr/share/keyrings/k.gpg
Trusted: no

Types: deb
URIs: http://fields.example/d
Suites: trixie
Components: main
Architectures: i386,armhf
 arm64

Types: deb
URIs: http://removed.example/d
Suites: trixie
Components: main
Architectures-Add: i386
Architectures-Remove: amd64

Types: deb
URIs: http://off.example/d
Suites: bookworm
Components: main
Enabled: no

Enabled: yes
Types: deb
URIs: http://yes.example/d
Suites: bookworm
Components: main
Trusted: yes
""",
    "/etc/apt/sources.list.d/c.txt": "deb http://not-read.example x main\n",
}
CONFIG = {
    "/etc/apt/apt.conf.d/10own": r"""// a comment
APT::Periodic { Update-Package-Lists "1"; Unattended-Upgrade "0"; };
Unattended-Upgrade::Origins-Pattern { "origin=Debian,label=Debian"; "o=x"; };
APT::Periodic::Unattended-Upgrade "1"; # twice, the last counts
Acquire::http::Proxy "http://p:3128/"; /* and
over lines */ Acquire::http { Timeout 30; };
Own::List:: "a"; Own::List:: "b"; own::list:: "c";
Cleared::List:: "x"; #clear Cleared::List;
Cleared::List:: "y";
""",
    "/etc/apt/apt.conf.d/20not.read.bak": 'Own::Wrong "1";\n',
    "/etc/apt/apt.conf.d/30file.conf": 'Own::Right "yes";\nAPT::Install-Recommends "false";\n',
    "/etc/apt/apt.conf": 'Own::Right "main";\n',
}


class Apt(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh("rm /etc/apt/sources.list")
        for path, text in (SOURCES | CONFIG).items():
            cls.write(path, text)

    def test_sources(self):
        want, native = set(), set()
        for block in self.out("apt-get", "indextargets", "--no-release-info").split("\n\n"):
            target = dict(re.findall(r"(?m)^(\S+): (.*)$", block))
            if target.get("Created-By") in ("Packages", "Sources"):
                path, _, line = target["Sourcesentry"].rpartition(":")
                want.add((target["Target-Of"], target["Repo-URI"].rstrip("/"),
                          target["Release"].rstrip("/"), target.get("Component") or None, path,
                          line if path.endswith(".list") else None))
            if target.get("Created-By") == "Packages" and target.get("Architecture", "amd64") == "amd64":
                native.add(target["Repo-URI"].rstrip("/"))
        got = set()
        for row in self.table("apt_sources"):
            path, line = row["_source"].split(":")
            self.assertEqual(row["scheme"], row["uri"].split(":")[0])
            self.assertEqual(path, row["file"])
            for component in row["components"] or [None]:
                if row["enabled"]:
                    got.add((row["type"], row["uri"].rstrip("/"), row["suite"].rstrip("/"),
                             component,
                             path, line if path.endswith(".list") else None))
        self.same(dict.fromkeys(got, "a row"), dict.fromkeys(want, "a row"), 10)
        off = [row["uri"] for row in self.table("apt_sources") if not row["enabled"]]
        self.assertEqual(off, ["http://off.example/d"])
        self.assertEqual({row["uri"].rstrip("/") for row in self.table("apt_sources")
                          if row["native"] and row["enabled"]}, native)
        # apt does not tell these; they are as they were written.
        rows = by(self.table("apt_sources"), "uri", "type", "suite")
        key = "/usr/share/keyrings/k.gpg"
        self.assertEqual({k[0] for k, row in rows.items() if row["signed_by"] == key},
                         {"https://src.example/d/", "https://one.example/d",
                          "http://two.example/d"})
        self.assertEqual({k[0] for k, row in rows.items() if row["trusted"]},
                         {"file:/srv/flat", "http://yes.example/d", "http://yes.example/1",
                          "http://yes.example/2", "http://yes.example/3"})

    def dumped(self, **env):
        said = self.out("apt-config", "dump", env=ENVIRONMENT | env)
        found = []
        for line in said.splitlines():
            name, _, value = line.partition(" ")
            value = value.removesuffix(";").strip('"')
            if value:
                found.append((name.removesuffix("::"), value))
        return found

    def test_config(self):
        self.write("/root/none.conf", 'Dir::Etc::main "none"; Dir::Etc::parts "none";\n')
        builtin = self.dumped(APT_CONFIG="/root/none.conf")
        want = {(name.lower(), value) for name, value in self.dumped()
                if (name, value) not in builtin and not name.startswith("Dir::Etc::")}
        rows = self.table("apt_config")
        got = {(row["key"].lower(), row["value"]) for row in rows}
        # A file may say what is built in as well.
        got -= {pair for pair in got - want if pair in {(n.lower(), v) for n, v in builtin}}
        self.same(dict.fromkeys(got, "a row"), dict.fromkeys(want, "a row"), 12)

    @unittest.skipUnless(shutil.which("gpg"), "needs gpg on this machine")
    def test_keys(self):
        home = self.host.dir / "gnupg"
        home.mkdir(mode=0o700)
        rows = by(self.table("apt_keys"), "file", "keyid")
        want = {}
        paths = {path for path, _ in rows}
        listed = self.sh("find /etc/apt/trusted.gpg.d /usr/share/keyrings -type f").split()
        for path in listed:
            self.assertTrue(path in paths or path.endswith("removed-keys.gpg"), path)
        names = {"1": "rsa", "17": "dsa", "22": "ed25519"}
        for path in paths:
            said = subprocess.run(["gpg", "--homedir", home, "--show-keys", "--with-colons",
                                   "--batch",
                                   self.host.root / path.lstrip("/")], capture_output=True,
                                  text=True)
            key = None
            for line in said.stdout.splitlines():
                f = line.split(":")
                if f[0] == "pub":
                    key = want[path, f[4]] = {"bits": int(f[2]), "algorithm": names[f[3]],
                                              "created": int(f[5]),
                                              "expires": int(f[6] or 0) or None,
                                              "uid_name": None}
                elif f[0] == "uid" and key and not key["uid_name"]:
                    key["uid_name"] = f[9].replace("\\x3a", ":")
                elif f[0] == "sub":
                    key = None
        got = {key: {"bits": row["bits"], "algorithm": row["algorithm"],
                     "created": stamp(row["created"]),
                     "expires": stamp(row["expires"]), "uid_name": row["uid_name"]}
               for key, row in rows.items()}
        self.same(got, want, 10)
        now = datetime.datetime.now().timestamp()
        for key, row in rows.items():
            self.assertEqual(row["expired"], (want[key]["expires"] or now + 1) < now, key)


class Apt13(Apt):
    image = "debian-13"


# Lists of four archives as apt keeps them. Of the package probe the release has the version that is installed, the
# security suite a newer one.
ARCHIVES = r"""
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/* /etc/apt/preferences.d/*
put() { # LIST ORIGIN LABEL SUITE CODENAME VERSION-OF-PROBE
    printf 'Origin: %s\nLabel: %s\nSuite: %s\nVersion: 12\nCodename: %s\n' "$2" "$3" "$4" "$5" >$at/$1_Release
    printf 'Package: probe\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.org>\n' "$6" >$at/$1_$main
    printf 'Filename: p.deb\nSize: 1\nSHA256: %064d\nDescription: x\n\n' 1 >>$at/$1_$main
}
at=/var/lib/apt/lists main=main_binary-amd64_Packages; mkdir -p $at/partial
put deb.debian.org_debian_dists_bookworm Debian Debian oldstable bookworm 1.0
put security.debian.org_debian-security_dists_bookworm-security Debian Debian-Security oldstable-security \
    bookworm-security 1.1
put 'repo.example.org:8443_d%5fb_dists_stable' 'Example Inc.' tools stable sid 0.5
main=Packages put _srv_repo_._ Own own now '' 0.1
mv $at/_srv_repo_.__Release $at/_srv_repo_._Release; mv $at/_srv_repo_.__Packages $at/_srv_repo_._Packages
cat >/etc/apt/sources.list <<'EOF'
deb http://deb.debian.org/debian bookworm main
deb http://security.debian.org/debian-security bookworm-security main
deb https://u:p@repo.example.org:8443/d_b stable main
deb file:/srv/repo ./
EOF
cat >>/var/lib/dpkg/status <<'EOF'

Package: probe
Status: install ok installed
Version: 1.0
Architecture: all
Maintainer: x <x@example.org>
Description: x
EOF
"""

PINS = {
    "none": "",
    "label": "Package: *\nPin: release l=debian-security\nPin-Priority: -1\n",
    "origin": 'Package: *\nPin: origin "security.debian.org"\nPin-Priority: 400\n',
    "any host": "Package: *\nPin: origin *.debian.org\nPin-Priority: 300\n",
    "port": "Package: *\nPin: origin repo.example.org\nPin-Priority: 200\n",
    "here": 'Package: *\nPin: origin ""\nPin-Priority: 300\n',
    "all the same": "Package: *\nPin: release *\nPin-Priority: 50\n",
    "never": "Package: *\nPin: release *\nPin-Priority: -1\n",
    "any suite": "Package: *\nPin: release a=*\nPin-Priority: 40\n",
    "any label": "Package: *\nPin: release l=*\nPin-Priority: 40\n",
    "what is here": "Package: *\nPin: release a=now\nPin-Priority: 600\n",
    "first": "Package: *\nPin: release n=bookworm*, o=Debian\nPin-Priority: 700\n\n"
             "# later\nPackage: *\nPin: release o=Debian\nPin-Priority: 90\n",
    "word": "Package: *\nPin: release oldstable\nPin-Priority: 650\n",
    "number": "Package: *\nPin: release 12*\nPin-Priority: 640\n",
    "expression": "Package: *\nPin: release n=/^(bookworm|sid)$/\nPin-Priority: 630\n",
    "component": "Package: *\nPin: release c=main,o=Example Inc.\nPin-Priority: 620\n",
    "one package": "Package: other\nPin: release o=Debian\nPin-Priority: 990\n",
    "passed over": "Package: *\nPin: version 1\nPin-Priority: 900\n\nPackage: *\nPin-Priority: 5\n\n"
                   "Package: *\nPin: colour red\nPin-Priority: 8\n\n"
                   "Explanation: x\nPackage: *\nPin: release o=Own\nPin-Priority: 77\n",
    "both": "Package: *\nPin: release o=Debian\nPin-Priority: 100\n",
}
RELEASES = ["", "bookworm", "oldstable", "/^bookworm(|-security|-updates)$/", "n=bookworm"]


class Pins(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh(ARCHIVES)

    def said(self):
        text = self.out("apt-cache", "policy")
        found = re.findall(r"(?m)^ *(-?\d+) (\S+) (\S+?)(?:/main amd64)? Packages$", text)
        candidate = re.search(r"Candidate: (\S+)", self.out("apt-cache", "policy", "probe")).group(1)
        return {(re.sub("//.*@", "//", uri).rstrip("/"), suite.rstrip("/")): int(priority)
                for priority, uri, suite in found}, candidate

    def compare(self, what):
        want, candidate = self.said()
        self.assertEqual(len(want), 4, want)
        rows = {(re.sub("//.*@", "//", row["uri"]), row["suite"].rstrip("/")): row
                for row in self.table("apt_sources")}
        got = {key: 500 if row["priority"] is None else row["priority"] for key, row in rows.items()}
        self.assertEqual(got, want, what)
        outranked = {row["outranked"] for row in rows.values() if row["security"]}
        self.assertEqual(outranked, {candidate != "1.1"}, (what, candidate))

    def test_priorities(self):
        for name, text in PINS.items():
            with self.subTest(pins=name):
                self.write("/etc/apt/preferences.d/own", text)
                self.compare(text)
        self.sh("rm /etc/apt/preferences.d/own")
        for name in RELEASES:
            with self.subTest(release=name):
                self.write("/etc/apt/apt.conf", f'APT::Default-Release "{name}";\n')
                self.compare(name)
        self.sh("rm /etc/apt/apt.conf")

    def test_of_one_package(self):
        self.write("/etc/apt/preferences", "Package: nothing probe\nPin: version 1.*\nPin-Priority: 1001\n")
        row, = self.table("apt_preferences")
        self.assertEqual((row["packages"], row["pin"], row["exact"], row["priority"]),
                         (["nothing", "probe"], "1.*", False, 1001))
        self.assertIn("probe -> 1.1 with priority 1001", self.out("apt-cache", "policy"))
        self.sh("rm /etc/apt/preferences")


class Trees(OracleCase):
    """Other package managers, on trees; their own programs read a copy, because they lock."""

    def tool(self, *argv):
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=True,
                              env=ENVIRONMENT, timeout=TIMEOUT).stdout

    def rows(self, root, *columns):
        return {(r["name"], r["version"]): {c: r[c] for c in columns} for r in
                tree_table(root, "packages")}

    def test_rpm(self):
        with Host.start("rpm-tree") as tree:
            form = r"%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SIZE}\t" \
                   r"%{VENDOR}\t%{GROUP}\n"
            want = {}
            for line in self.tool("rpm", "--root", tree.root, "--dbpath", "/var/lib/rpm", "-qa",
                                  "--qf", form).splitlines():
                name, version, arch, size, vendor, group = line.split("\t")
                want[name, re.sub("^0:", "", version)] = {
                    "architecture": arch, "installed_size": int(size), "state": "installed",
                    "manager": "rpm", "maintainer": vendor}
            got = self.rows(tree.root, "architecture", "installed_size", "state", "manager",
                            "maintainer")
            got = {(name, re.sub("^0:", "", version)): row for (name, version), row in got.items()}
            self.same(got, want, 6)

    def test_pacman(self):
        with Host.start("arch-tree") as tree:
            options = ["--root", tree.root, "--dbpath", tree.root / "var/lib/pacman"]
            want = {}
            for block in self.tool("pacman", *options, "-Qi").split("\n\n"):
                info = dict(re.findall(r"(?m)^(\S[^:]*?)\s*: (.*)$", block))
                if info:
                    want[info["Name"], info["Version"]] = {
                        "architecture": info["Architecture"], "state": "installed",
                        "manager": "pacman",
                        "maintainer": info["Packager"]}
            got = self.rows(tree.root, "architecture", "state", "manager", "maintainer")
            self.same(got, want, 4)

    def test_minimal(self):
        with Host.start("minimal") as tree:
            want = {}
            said = self.tool("dpkg-query", f"--admindir={tree.root}/var/lib/dpkg", "-W", "-f",
                             "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\n")
            for line in said.splitlines():
                name, version, arch, state = line.split("\t")
                want[name, version] = {"architecture": arch, "state": state, "manager": "dpkg"}
            self.same(self.rows(tree.root, "architecture", "state", "manager"), want, 70)


if __name__ == "__main__":
    unittest.main()
