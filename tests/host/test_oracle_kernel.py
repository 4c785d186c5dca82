# SPDX-License-Identifier: Apache-2.0
"""sysctl, modules, kconfig, cmdline, cpu_vulnerabilities, mounts and lsm.

Against sysctl(8) and what systemd-sysctl does to the kernel, modprobe, /proc, lscpu and findmnt.
A container has no securityfs, no /sys/module and no firmware, so lsm, apparmor_profiles, firmware and
what is built in have no oracle here beyond this: the tables say that they do not know.
"""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by, source

SYSCTL_FILES = {
    "/usr/lib/sysctl.d/10-all.conf": """
net.ipv4.conf.*.rp_filter = 2
-net.ipv4.conf.*.promote_secondaries
net.ipv4.conf.all.secure_redirects=0
net.ipv4.tcp_fin_timeout = 41
""",
    "/run/sysctl.d/20-run.conf": """
net.ipv4.tcp_fin_timeout = 42
net/ipv4/conf/eth0/log_martians = 1
net.ipv4.conf.eth0/7.log_martians = 0
# net.ipv4.tcp_syncookies = 0
; net.ipv4.tcp_syncookies = 0
net.ipv4.tcp_max_syn_backlog = 0x400
""",
    "/usr/lib/sysctl.d/20-run.conf": "net.ipv4.tcp_fin_timeout = 99\n",
    "/usr/local/lib/sysctl.d/30-local.conf": "net.ipv4.tcp_keepalive_time = 1234\nbad line\n",
    "/etc/sysctl.d/40-own.conf": """
-net.ipv4.conf.lo.rp_filter
net.ipv4.conf.eth0.rp_filter = 1
net.ipv4.conf.*.accept_source_route = 0
net.ipv4.conf.default.accept_source_route=1
   net.ipv4.ip_local_port_range   =   21000    61000
net.ipv4.tcp_rmem = 4096\t131072\t6291456
-net.ipv4.no_such_parameter = 1
""",
    "/etc/sysctl.d/41-not-read.txt": "net.ipv4.tcp_fin_timeout = 98\n",
    "/etc/sysctl.d/99-sysctl.conf": "net.ipv4.tcp_keepalive_intvl = 44\n",
}


def squeezed(text):
    return " ".join(text.split())


class Sysctl(OnHost):
    @classmethod
    def prepare(cls):
        cls.host.net()
        cls.sh("rm -f /etc/sysctl.d/99-sysctl.conf")
        for path, text in SYSCTL_FILES.items():
            cls.write(path, text)

    def runtime(self):
        said = self.out("sysctl", "-a", "--deprecated", check=False)
        values = {}
        for line in said.splitlines():
            key, _, value = line.partition(" =")
            values.setdefault(key, []).append(value)
        return {key: squeezed(" ".join(lines)) for key, lines in values.items()}

    def test_now(self):
        want = self.runtime()
        rows = by(self.table("sysctl"), "key")
        moving = re.compile(r"random\.|inode-|dentry-state|file-nr|ns_last_pid|_count$|nr_open|"
                            r"perf_event_max_sample_rate|cur_|hostname")
        unreadable = {key for key, row in rows.items() if isinstance(row["value"], dict)}
        self.same({key: row["value"] for key, row in rows.items()
                   if key not in unreadable and row["value"] is not None and not moving.search(key)
                   and key != "vm.stat_refresh"},  # reading it is what it is for; sysctl does not
                  {key: value for key, value in want.items() if not moving.search(key)}, 500)
        self.assertFalse(unreadable & want.keys(), "sysctl could read them")

    def test_after_a_boot(self):
        """Every parameter of the network that systemd-sysctl sets is what `persisted` says."""
        self.sh("/lib/systemd/systemd-sysctl || true")
        rows = by(self.snapshot("sysctl"), "key")
        said = self.sh("/lib/systemd/systemd-sysctl --cat-config")
        now = self.runtime()
        got, want = {}, {}
        for key, row in rows.items():
            if row.get("persisted") is not None and key.startswith("net.") and key in now:
                value = row["persisted"]
                got[key] = str(int(value, 0)) if re.fullmatch(r"0x[0-9a-f]+", value) else value
                want[key] = now[key]
        self.same(got, want, 10)
        self.assertEqual(rows["net.ipv4.conf.lo.rp_filter"].get("persisted"), None)
        self.assertEqual(rows["net.ipv4.tcp_fin_timeout"]["persisted"], "42")
        self.assertEqual(rows["net.ipv4.no_such_parameter"]["persisted"], "1")
        # The line that is named holds the key and the value, and is one that systemd reads.
        for key, row in rows.items():
            if row.get("persisted") is None:
                continue
            path, line = source(row, "persisted")
            text = self.line(path, line)
            self.assertEqual(squeezed(text.partition("=")[2]), row["persisted"], key)
            self.assertRegex(said, f"(?m)^# {re.escape(path)}$")

    def test_nothing_else_is_persisted(self):
        """What no file names stays what it was."""
        before = self.runtime()
        self.sh("/lib/systemd/systemd-sysctl || true")
        changed = {key for key, value in self.runtime().items() if before.get(key) != value}
        rows = by(self.table("sysctl"), "key")
        moving = re.compile(r"random\.|inode-|dentry-state|file-nr|ns_last_pid|_count$")
        unknown = {k for k in changed if rows[k]["persisted"] is None and not moving.search(k)}
        self.assertEqual(unknown, set())


class Kernel(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh("""
            cd /root; release=$(uname -r); dir=/lib/modules/$release/kernel; mkdir -p $dir
            for m in plain blocked hidden installed lied aliased optional dashed_name; do
                printf 'static const char n[] __attribute__((section(".modinfo"),used)) = "name=%s";' \\
                    $m >m.c
                gcc -c m.c -o $dir/$m.ko
            done
            mv $dir/dashed_name.ko $dir/dashed-name.ko
            echo kernel/built.ko >/lib/modules/$release/modules.builtin
            : >/lib/modules/$release/modules.order
            depmod
            cat >/etc/modprobe.d/oracle.conf <<'END'
blacklist blocked
 blacklist	hidden
install hidden /bin/false
install installed /bin/true
install lied /sbin/modprobe --ignore-install lied
alias other aliased
options optional x=1
install dashed-name /bin/false # and a comment
blacklist missing
install missing /bin/false
#blacklist plain
END
            mkdir -p /run/modprobe.d /usr/lib/modprobe.d
            echo 'blacklist plain' >/run/modprobe.d/oracle.conf
            echo 'blacklist optional' >/usr/lib/modprobe.d/zz.conf
            echo 'blacklist plain' >/etc/modprobe.d/not-read.txt
            """)

    NAMES = ("plain blocked hidden installed lied aliased optional dashed_name missing nowhere "
             "built").split()

    def test_modules(self):
        rows = by(self.table("modules", *self.NAMES), "name")
        config = self.out("modprobe", "-c").splitlines()
        blacklist = {line.split()[1].replace("-", "_") for line in config
                     if line.startswith("blacklist ")}
        got, want = {}, {}
        for name in self.NAMES:
            row = rows[name]
            said = self.host.exec(["modprobe", "-n", "-v", name], check=False)
            lines = said.stdout.splitlines()
            first = lines[0].split() if lines else []
            plain = self.host.exec(["modprobe", "-n", "-v", "-i", name], check=False).stdout
            want[name] = {"available": plain.startswith("insmod "),
                          "blacklisted": name in blacklist,
                          "install_disabled": first[:1] == ["install"] and
                          first[1] in ("/bin/true", "/bin/false"),
                          "loaded": self.loaded(name)}
            got[name] = {column: row[column] for column in want[name]}
            usable = said.returncode == 0 and not want[name]["install_disabled"]
            if isinstance(row["usable"], dict):
                self.assertIn("/sys/module", row["usable"]["unknown"])
            else:
                got[name]["usable"], want[name]["usable"] = row["usable"], usable
        self.same(got, want, len(self.NAMES))

    def loaded(self, name):
        return any(line.split()[0] == name for line in self.out("lsmod",
                                                                check=False).splitlines()[1:])

    def test_kconfig(self):
        want = {}
        for line in self.sh("zcat /proc/config.gz").splitlines():
            found = re.fullmatch(r"(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set", line)
            if found:
                want[found[1] or found[3]] = found[2].strip('"') if found[1] else "n"
        got = {row["key"]: row["value"] for row in self.table("kconfig")}
        self.same(got, want, 1000)

    def test_cmdline(self):
        want = []
        for word in self.out("cat", "/proc/cmdline").partition(" -- ")[0].split():
            key, _, value = word.partition("=")
            want.append((key, value))
        self.assertEqual([(row["key"], row["value"]) for row in self.table("cmdline")], want)

    def test_cpu_vulnerabilities(self):
        want = {}
        for field in json.loads(self.out("lscpu", "-J"))["lscpu"]:
            stack = [field]
            while stack:
                item = stack.pop()
                stack += item.get("children", [])
                name = item["field"].removesuffix(":")
                if name.startswith("Vulnerability "):
                    name = name.removeprefix("Vulnerability ").lower().replace(" ", "_")
                    want[name] = item["data"]
        got = by(self.table("cpu_vulnerabilities"), "name")
        # lscpu has other marks between the words.
        marks = str.maketrans("", "", ":;")
        self.same({name: row["status"].translate(marks) for name, row in got.items()},
                  {name: status.translate(marks) for name, status in want.items()}, 5)
        for name, row in got.items():
            kernel = self.out("cat", f"/sys/devices/system/cpu/vulnerabilities/{name}").strip()
            self.assertEqual(row["affected"], kernel != "Not affected", name)
            self.assertEqual(row["mitigated"] is True,
                             kernel.startswith(("Not affected", "Mitigation")),
                             name)

    def test_what_a_container_does_not_show(self):
        for column in ("modules", "lockdown", "apparmor_enabled"):
            self.assertIn("unknown", self.table("lsm")[0][column], column)
        self.assertNotEqual(self.host.exec(["revet", "table", "apparmor_profiles"],
                                           check=False).returncode, 0)


FSTAB = """# a comment
UUID=0a3407de-014b-458b-b5c1-848e92a327a3 /srv/data ext4 defaults,noexec 0 2
LABEL=x\t/mnt/with\\040space\txfs ro,nosuid,nodev
/dev/sdb1 none swap sw 0 0
tmpfs /mnt/tmp tmpfs size=10m,mode=1777
/dev/sdc1 /srv/data/ ext4 ro
server:/export /mnt/nfs nfs4 _netdev,noauto,x-systemd.automount 0 0
/srv /mnt/bind none bind,ro
  /dev/sdd1   /mnt/indented   vfat   noauto

proc /proc proc defaults 0 0
"""


class Mounts(OnHost):
    @classmethod
    def prepare(cls):
        cls.write("/etc/fstab", FSTAB)
        cls.sh("""
            mkdir -p '/mnt/with space' /mnt/tmp /mnt/bind /mnt/twice '/mnt/new
line'
            mount -t tmpfs -o size=1m,noexec,nosuid 'a source' '/mnt/with space'
            mount -t tmpfs -o ro,nodev one /mnt/twice
            mount -t tmpfs -o rw,noatime two /mnt/twice
            mount --bind /srv /mnt/bind; mount -o remount,bind,ro,noexec /mnt/bind
            mount -t tmpfs x '/mnt/new
line'""")

    def findmnt(self, *argv):
        said = self.out("findmnt", "-J", "-l", "-o", "TARGET,SOURCE,FSTYPE,OPTIONS", *argv)
        return json.loads(said)["filesystems"]

    def test_now(self):
        want = {}
        for mount in self.findmnt():
            # The last is the one on top. Of a bind mount findmnt adds the directory that it shows.
            want[mount["target"]] = {
                "source": re.sub(r"\[.*\]$", "", mount["source"]), "fstype": mount["fstype"],
                "options": sorted(mount["options"].split(",")), "mounted": True}
        got = {}
        for row in self.table("mounts"):
            if row["mounted"]:
                got[row["target"]] = {
                    "source": row["source"], "fstype": row["fstype"],
                    "options": sorted(row["options"]), "mounted": True}
        self.same(got, want, 10)

    def test_fstab(self):
        want = {}
        for entry in self.findmnt("--fstab", "-F", "/etc/fstab"):
            if entry["fstype"] != "swap":
                # Of two lines for one place the later is mounted on top.
                target = entry["target"].rstrip("/") or "/"
                want[target] = sorted(entry["options"].split(","))
        got = {}
        for row in self.snapshot("mounts"):
            if row["in_fstab"]:
                got[row["target"]] = sorted(row["fstab_options"])
                path, line = source(row, "fstab_options")
                self.assertEqual(path, "/etc/fstab")
                self.assertIn(row["target"], FSTAB.splitlines()[line - 1].replace("\\040", " "))
        self.same(got, want, 6)


if __name__ == "__main__":
    unittest.main()
