# SPDX-License-Identifier: Apache-2.0
"""A tree whose files are hostile: what is no file, links that lead out or nowhere, files that are
too large, bytes that a terminal obeys, directories without end. An audit of it ends soon, stays
small, says nothing that is not text, and lets nothing pass that it could not read."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

REVET = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "revet"))
CPU_SECONDS = 30  # a busy machine may take longer for it
HANGS = "200"     # seconds
MAX_RSS = 256 << 10  # KiB

# Runs its arguments, and writes what they took to descriptor 3: CPU seconds, and KiB at most. A
# process of its own, since the memory of whoever starts a process counts as that process's, too.
MEASURE = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 3)])
_, status, usage = os.wait4(pid, 0)
os.write(3, f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}".encode())
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""

PACKAGES = ("openssh-server", "sudo", "rsyslog", "cron", "libpam-pwquality", "grub2-common")
# The tree as it is before something in it is replaced. Every rule of PLACES passes.
TREE = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n',
    "etc/hostname": "tree\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nu:x:1000:1000::/home/u:/bin/bash\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\nu:$y$j9T$salt$hash:19000:1:365:7:30::\n",
    "etc/group": "root:x:0:\nu:x:1000:\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n",
    "etc/ssh/sshd_config.d/x.conf": "X11Forwarding no\n",
    "usr/sbin/sshd": "",
    "etc/sudoers": "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    "etc/sudoers.d/x": "u ALL=(ALL) ALL\n",
    "etc/crontab": "1 1 * * * root /usr/bin/true\n",
    "etc/cron.d/x": "1 1 * * * root /usr/bin/true\n",
    "var/spool/cron/crontabs/root": "1 1 * * * /usr/bin/true\n",
    "usr/bin/true": "",
    "usr/lib/systemd/systemd": "",
    "usr/lib/systemd/systemd-journald": "",
    "etc/sysctl.conf": "",
    "etc/sysctl.d/x.conf": "kernel.dmesg_restrict=1\n",
    "etc/pam.d/sshd": "@include common-auth\n",
    "etc/pam.d/common-auth": "auth required pam_unix.so\n",
    "etc/pam.d/common-password": "password requisite pam_pwquality.so\npassword required pam_unix.so\n",
    "etc/security/pwquality.conf": "minlen = 14\n",
    "etc/security/limits.conf": "* hard core 0\n",
    "etc/login.defs": "ENCRYPT_METHOD YESCRYPT\nPASS_MAX_DAYS 365\nPASS_MIN_DAYS 1\nPASS_WARN_AGE 7\nUMASK 027\n",
    "etc/fstab": "/dev/sda1 / ext4 defaults 0 1\n",
    "var/lib/dpkg/status": "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n" for name in PACKAGES),
    "root/.ssh/authorized_keys": "",
    "home/u/.ssh/authorized_keys": "",
    "etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n",
    "etc/apt/sources.list.d/x.list": "deb http://security.debian.org/debian-security bookworm-security main\n",
    "etc/apt/apt.conf.d/20auto": 'APT::Periodic::Unattended-Upgrade "1";\n',
    "etc/systemd/journald.conf": "[Journal]\nStorage=persistent\n",
    "etc/systemd/system/x.service": "[Service]\nUser=u\nExecStart=/usr/bin/true\n",
    "etc/rsyslog.conf": 'module(load="imuxsock")\n$FileCreateMode 0640\n*.* /var/log/syslog\n',
    "etc/modprobe.d/x.conf": "install dccp /bin/false\n",
    "etc/audit/auditd.conf": "max_log_file_action = keep_logs\n",
    "etc/audit/rules.d/x.rules": "-w /etc/passwd -p wa -k identity\n",
    "etc/chrony/chrony.conf": "pool debian.pool.ntp.org iburst\n",
    "boot/grub/grub.cfg": 'set superusers="root"\npassword_pbkdf2 root grub.pbkdf2.sha512.1.AA.BB\n',
    "boot/config-6.1.0": "CONFIG_SECCOMP=y\n",
    "etc/default/grub": 'GRUB_CMDLINE_LINUX=""\n',
    "etc/issue": "Authorised use only.\n",
    "etc/profile": "umask 027\n",
    "etc/profile.d/x.sh": "",
    "etc/resolv.conf": "nameserver 10.0.0.1\n",
}
MODES = {"etc/shadow": 0o640, "etc/sudoers": 0o440, "etc/sudoers.d/x": 0o440, "usr/bin/true": 0o755,
         "boot/grub/grub.cfg": 0o600}

# Files, and a rule that says something about what is in them.
PLACES = {
    "etc/os-release": "updates.end-of-life",
    "etc/passwd": "accounts.only-root-uid-0",
    "etc/shadow": "accounts.no-empty-passwords",
    "etc/group": "accounts.groups-exist",
    "etc/ssh/sshd_config": "ssh.no-root-login",
    "etc/ssh/sshd_config.d/x.conf": "ssh.no-x11-forwarding",
    "etc/sudoers": "sudo.authenticates",
    "etc/sudoers.d/x": "sudo.authenticates",
    "etc/crontab": "cron.root-runs-writable",
    "etc/cron.d/x": "cron.root-runs-writable",
    "var/spool/cron/crontabs/root": "cron.root-runs-writable",
    "etc/sysctl.conf": "kernel.dmesg",
    "etc/sysctl.d/x.conf": "kernel.dmesg",
    "etc/pam.d/sshd": "pam.no-nullok",
    "etc/pam.d/common-auth": "pam.no-nullok",
    "etc/pam.d/common-password": "pam.no-nullok",
    "etc/security/pwquality.conf": "pam.password-length",
    "etc/security/limits.conf": "accounts.core-limit",
    "etc/login.defs": "accounts.password-ageing",
    "etc/fstab": "mounts.fstab-password",
    "var/lib/dpkg/status": "packages.telnet-server",
    "root/.ssh/authorized_keys": "ssh.authorized-keys-strength",
    "home/u/.ssh/authorized_keys": "ssh.authorized-keys-strength",
    "etc/apt/sources.list.d/x.list": "updates.security-source",
    "etc/systemd/journald.conf": "logging.persistent",
    "etc/systemd/system/x.service": "services.own-units-not-root",
    "etc/rsyslog.conf": "logging.rsyslog-file-mode",
    "boot/grub/grub.cfg": "boot.grub-password",
    "etc/issue": "banners.no-disclosure",
    "etc/profile": "accounts.umask",
    "etc/profile.d/x.sh": "accounts.umask",
    "etc/resolv.conf": "net.name-servers-missing",
}
# cron, sudo and sshd pass over what is no regular file, so it may be anything.
ONLY_REGULAR = {"etc/sudoers.d/x", "etc/crontab", "etc/cron.d/x", "var/spool/cron/crontabs/root",
                "root/.ssh/authorized_keys", "home/u/.ssh/authorized_keys"}


def make_socket(path):
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.basename(path))
    os.chdir(here)


def make_large(path):
    with open(path, "wb") as file:
        file.truncate((16 << 20) + 1)


SPECIAL = {
    "fifo": os.mkfifo,
    "device": lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)),  # /dev/zero
    "socket": make_socket,
}
UNREADABLE = {"loop": lambda path: os.symlink(os.path.basename(path), path), "large": make_large}

# Fifteen megabytes, or ten of one line.
CONTENTS = {
    "one line": b"A" * (10 << 20),
    "an open quote": b'"' + b"a " * (5 << 20),
    "an open block": b"{[" * (5 << 20),
    "a list": b"a," * (5 << 20),
    "words": b"a\n" * (15 << 19),
    "settings": b"a=1\n" * (15 << 18),
    "continued": b"a \\\n" * (15 << 18),
    "fields": b"a:b:1:1::/:\n" * (15 << 16),
}

HOSTILE_BYTES = (b"\x1b[2J\x1b]0;title\x07 = \x1b[31m\n", b"\xff\xfe\xc3( \xed\xa0\x80 = \xc0\x80\n", b"nul\0nul = \0\n",
                 b"csi \xc2\x9b31m = \xc2\x9d\n", b"\r\x08\x08\x7f\t\v\f\n", b"bidi \xe2\x80\xae = \xe2\x80\xae\n")
HOSTILE_NAMES = (b"x\n.conf", b"x\x1b[31m.conf", b"x\xff\xc2\x9b.conf", b"x\r.rules", b" .list", b"x;$(id).sh",
                 b"%s%n.service", b"n" * 250 + b".conf")


class Hostile(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in TREE.items():
            self.write(path, text.encode())
        os.chown(self.path("home/u"), 1000, 1000)

    def path(self, path):
        return os.path.join(self.root, path)

    def write(self, path, data):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "wb") as file:
            file.write(data)
        os.chmod(self.path(path), MODES.get(path, 0o644))

    def replace(self, path, make):
        """Puts something else there, until restore()."""
        os.unlink(self.path(path))
        make(self.path(path))

    def restore(self, path):
        os.unlink(self.path(path))
        self.write(path, TREE[path].encode())

    def revet(self, *argv, codes=(0, 2, 3)):
        """Runs it on the tree, within the limits; returns what it prints, which is clean text."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as figures:
            pid = os.posix_spawn("/usr/bin/timeout", ["timeout", HANGS, sys.executable, "-ISc", MEASURE, REVET, *argv,
                                                      "--root", self.root],
                                 {"LC_ALL": "C.UTF-8", "TERM": "dumb"},
                                 file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), fd)
                                               for fd, file in ((1, out), (2, err), (3, figures))])
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = []
            for file in (out, err, figures):
                file.seek(0)
                texts.append(file.read())
        self.assertIn(code, codes, texts[1][:500])
        took, rss = map(float, texts.pop().split())
        self.assertLess(took, CPU_SECONDS)
        self.assertLess(rss, MAX_RSS)
        for text in texts:
            self.check_clean(text)
        return texts[0]

    def check_clean(self, data):
        text = data.decode()  # or it is not UTF-8
        self.assertEqual([c for c in set(text) if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160], [])

    def verdicts(self):
        results = json.loads(self.revet("audit", "-f", "json"))["results"]
        return {result["rule"]: result["verdict"] for result in results}

    def check_outputs(self):
        """All that is printed about the tree; returns the names of the tables."""
        self.revet("audit", "-v")
        json.loads(self.revet("audit", "-f", "json"))
        return list(json.loads(self.revet("snapshot"))["tables"])

    def check_tables(self):
        for table in self.check_outputs():
            self.revet("table", table, codes=(0, 1, 77))
            text = self.revet("table", table, "-f", "json", codes=(0, 1, 77))
            if text:
                json.loads(text)

    def test_tree_passes_as_it_is(self):
        verdicts = self.verdicts()
        for path, rule in PLACES.items():
            self.assertEqual(verdicts[rule], "pass", (path, rule))

    def test_special_files(self):
        for kind, make in SPECIAL.items():
            for path, rule in PLACES.items():
                with self.subTest(kind=kind, path=path):
                    self.replace(path, make)
                    verdicts = self.verdicts()
                    if path not in ONLY_REGULAR:
                        self.assertNotEqual(verdicts[rule], "pass")
                    self.restore(path)

    def test_only_the_null_device_masks(self):
        os.makedirs(self.path("etc/systemd/journald.conf.d"))
        drop_in = self.path("etc/systemd/journald.conf.d/x.conf")
        for make, masks in ((lambda: os.symlink("/dev/null", drop_in), True),
                            (lambda: os.mknod(drop_in, 0o20644, os.makedev(1, 5)), False)):
            make()
            self.assertEqual(self.verdicts()["logging.persistent"] == "pass", masks)
            os.unlink(drop_in)

    def test_unreadable_files(self):
        for kind, make in UNREADABLE.items():
            for path, rule in PLACES.items():
                with self.subTest(kind=kind, path=path):
                    self.replace(path, make)
                    self.assertNotEqual(self.verdicts()[rule], "pass")
                    self.restore(path)

    def test_special_files_everywhere(self):
        for kind, make in {**SPECIAL, **UNREADABLE}.items():
            with self.subTest(kind=kind):
                for path in TREE:
                    self.replace(path, make)
                self.check_outputs()
                for path in TREE:
                    self.restore(path)

    def test_links_out_of_the_tree(self):
        with tempfile.NamedTemporaryFile(mode="w") as outside:
            outside.write("outside=outside:outside outside\n" * 9)
            outside.flush()
            for target in (outside.name, "../" * 30 + outside.name[1:], "/proc/self/root" + outside.name):
                for path in TREE:
                    self.replace(path, lambda link: os.symlink(target, link))
                self.assertNotIn(b"outside=", self.revet("snapshot").replace(outside.name.encode(), b""))
                self.check_outputs()
                for path in TREE:
                    self.restore(path)

    def test_directories_that_are_links(self):
        for path in ("etc/ssh/sshd_config.d", "etc/sudoers.d", "etc/sysctl.d", "etc/pam.d", "home/u/.ssh"):
            with self.subTest(path=path):
                os.rename(self.path(path), self.path(path) + "-")
                os.symlink(os.path.basename(path), self.path(path))
                self.verdicts()
                os.unlink(self.path(path))
                os.symlink("/", self.path(path))
                self.verdicts()
                os.unlink(self.path(path))
                os.rename(self.path(path) + "-", self.path(path))

    def test_large_files(self):
        crowds = ("etc/passwd", "etc/group", "etc/shadow", "etc/login.defs", "var/lib/dpkg/status")
        for name, content in CONTENTS.items():
            self.write("large", content)
            for paths in (crowds, set(TREE) - set(crowds)):
                with self.subTest(content=name, crowds=paths is crowds):
                    for path in paths:
                        self.replace(path, lambda link: os.link(self.path("large"), link))
                    self.verdicts()
                    for path in paths:
                        self.restore(path)

    def test_large_files_of_what_was_there(self):
        for path in ("etc/passwd", "etc/ssh/sshd_config", "etc/sudoers", "etc/pam.d/sshd", "var/lib/dpkg/status",
                     "etc/systemd/system/x.service"):
            with self.subTest(path=path):
                self.write(path, TREE[path].encode() * ((15 << 20) // len(TREE[path])))
                self.verdicts()
                self.restore(path)

    def test_hostile_bytes(self):
        for path, text in TREE.items():
            self.write(path, b"".join(text.encode() + line + line.strip() + b" " + text.encode() + line.strip()
                                      for line in HOSTILE_BYTES))
        self.check_tables()

    def test_hostile_names(self):
        folders = {os.path.dirname(path) for path in TREE}
        for folder in folders:
            for name in HOSTILE_NAMES:
                with open(os.path.join(self.path(folder).encode(), name), "wb") as file:
                    file.write(b"a = b\nLine 1\n")
        self.write("etc/passwd", TREE["etc/passwd"].encode() + b"v\x1b[1m:x:1001:1001::/home/v\xff:/bin/\x9b\n")
        self.check_tables()

    def test_directories_without_end(self):
        rules = {"etc/sysctl.d": "kernel.dmesg", "etc/sudoers.d": "sudo.authenticates", "etc/pam.d": "pam.no-nullok",
                 "etc/ssh/sshd_config.d": "ssh.no-x11-forwarding", "etc/cron.d": "cron.root-runs-writable",
                 "home/u/.ssh": None, "home/u": None, "etc/systemd/system": None, "etc/modprobe.d": None}
        self.crowd("crowd")
        for folder, rule in rules.items():
            with self.subTest(folder=folder):
                os.rename(self.path(folder), self.path("before"))
                os.rename(self.path("crowd"), self.path(folder))
                verdicts = self.verdicts()
                if rule:
                    self.assertNotEqual(verdicts[rule], "pass")
                os.rename(self.path(folder), self.path("crowd"))
                os.rename(self.path("before"), self.path(folder))

    def crowd(self, folder):
        os.mkdir(self.path(folder))
        fd = os.open(self.path(folder), os.O_RDONLY | os.O_DIRECTORY)
        for i in range(200000):
            os.mknod(f"{i:06}.conf", 0o100644, dir_fd=fd)
        os.close(fd)

    def test_deep_directories(self):
        here = os.getcwd()
        os.chdir(self.path("home/u"))
        for _ in range(3000):
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
        with open("file", "w"):
            pass
        os.chmod("file", 0o4777)
        os.chdir(here)
        # rmtree() goes down by recursion, of which Python allows a thousand levels.
        self.addCleanup(subprocess.run, ["rm", "-rf", self.path("home/u")], check=True)
        self.verdicts()


if __name__ == "__main__":
    unittest.main()
