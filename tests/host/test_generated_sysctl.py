# SPDX-License-Identifier: Apache-2.0
"""What the table sysctl says of the next boot, on generated trees of sysctl.d, against what
systemd-sysctl makes of them: parameters of the host's own network are set and read back."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import generated
from hostlib import ENVIRONMENT
from oracle import REVET

DIRECTORIES = ("etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d")
FILES = ("10-a.conf", "20-b.conf", "50-default.conf", "99-z.conf", "zz.conf", "a.conf.bak", "20-b.CONF",
         ".5.conf")
INTERFACES = ("all", "default", "lo", "v.1")
NAMES = ("log_martians", "tag", "shared_media")
KEYS = [f"net/ipv4/conf/{i}/{name}" for i in INTERFACES for name in NAMES] + \
    ["net/ipv4/tcp_keepalive_time", "net/ipv4/ip_local_port_range", "net/core/somaxconn"]
BEFORE = "7"

RUN = r"""
for d in etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d etc/sysctl.conf; do
    rm -rf /$d; mkdir -p /${d%/*}
done
cd /gen
for n in *; do
    for d in etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d etc/sysctl.conf; do
        ln -sfn /gen/$n/$d /$d
    done
    for k in $1; do [ "${k#*port_range}" != "$k" ] || echo 7 >/proc/sys/$k; done
    echo 7000 7001 >/proc/sys/net/ipv4/ip_local_port_range
    /lib/systemd/systemd-sysctl 2>$n/said || :
    (cd /proc/sys && cat $1) >$n/values
done
"""


def name_of(path):
    """As the table has it: dots and slashes change places."""
    return path.translate(str.maketrans("./", "/."))


class Sysctl(generated.Generated):
    image = "debian-12"
    ordinary = 20

    @classmethod
    def prepare(cls):
        cls.sh("ip link add v.1 type veth peer name w1")

    # --- making ---

    def key(self, rng):
        path = rng.choice(KEYS)
        if "conf/" in path and rng.random() < 0.35:
            interface = rng.choice(("*", "*", "[al]*", "l?", "v*", "[!l]*", "de*t", "*l*"))
            path = f"net/ipv4/conf/{interface}/{path.rpartition('/')[2]}"
            if rng.random() < 0.1:
                path = "net/ipv4/*/lo/" + path.rpartition("/")[2]
        spelled = rng.choice((name_of(path), name_of(path), path, path.replace("net/ipv4/", "net//ipv4/"),
                              path + "/", "net/./" + path[4:]))
        return rng.choice(("", "", "", "", "-")) + spelled

    def line(self, rng):
        kind, key = rng.random(), self.key(rng)
        if kind < 0.1:
            return rng.choice(("", "# x", ";" + key + "=5", "  # y", key, "=5", "nonsense", "- = 5"))
        if kind < 0.2:
            return "-" + key.lstrip("-") + rng.choice(("", " ", "\t"))
        value = str(rng.randrange(10, 90))
        if "port_range" in key:
            value = f"{rng.randrange(2000, 3000)}{rng.choice((' ', chr(9), '   '))}9000"
        if not set("*[?") & set(key):  # of two patterns the kernel may refuse one's and keep the other's
            value = rng.choice((value,) * 12 + ("", "odd", f"={value}"))
        return rng.choice(("", "", " ", "\t")) + key + rng.choice(("=", " = ", "= ", " =\t")) + value + \
            rng.choice(("", "", "  ", "\r"))

    def text(self, rng):
        lines = [self.line(rng) for _ in range(rng.randrange(1, 9))]
        return "\n".join(lines) + rng.choice(("\n", "\n", ""))

    def make(self, rng):
        tree = {}
        for _ in range(rng.randrange(1, 7)):
            path = f"{rng.choice(DIRECTORIES)}/{rng.choice(FILES)}"
            tree[path] = self.text(rng)
            if rng.random() < 0.1:
                tree[path] = rng.choice(("-> /dev/null", "-> 10-a.conf", "-> /nowhere"))
        tree["etc/sysctl.conf"] = self.text(rng)
        if rng.random() < 0.3:
            tree["etc/sysctl.d/99-sysctl.conf"] = "-> ../sysctl.conf"
        return tree

    # --- judging ---

    def judge(self, places):
        for place in places:
            self.lay(f"{place}/usr/lib/systemd/systemd-sysctl", "")
            for directory in DIRECTORIES:
                os.makedirs(f"{place}/{directory}", exist_ok=True)
        self.host.exec(["sh", "-euc", RUN, "sh", " ".join(KEYS)], timeout=3600)
        return [self.compare(place) for place in places]

    def persisted(self, place, *keys):
        ran = subprocess.run([REVET, "table", "sysctl", *keys, "--root", place, "-f", "json"],
                             capture_output=True, text=True, env=ENVIRONMENT, check=False)
        return {row["key"]: row["persisted"] for row in json.loads(ran.stdout or "[]")}

    def compare(self, place):
        with open(f"{place}/values", encoding="utf-8") as file:
            values = dict(zip(KEYS, file.read().splitlines()))
        asked, everything = self.persisted(place, *map(name_of, KEYS)), self.persisted(place)
        lines = []
        for path, value in values.items():
            name, before = name_of(path), "7000 7001" if "port_range" in path else BEFORE
            at_boot = asked.get(name)
            if isinstance(at_boot, dict):
                continue
            want = at_boot if re.fullmatch(r"[0-9]+( [0-9]+)*", at_boot or "") else before
            if " ".join(value.split()) != want:
                lines.append(f"a value: {name}: the table {at_boot}, systemd-sysctl {value}")
            if name in everything and everything[name] != at_boot:
                lines.append(f"asked and all: {name}: {at_boot} and {everything[name]}")
        return lines


class Debian11(Sysctl):
    image = "debian-11"
    only_many = True


class Debian13(Sysctl):
    image = "debian-13"
    only_many = True


if __name__ == "__main__":
    unittest.main()
