# SPDX-License-Identifier: Apache-2.0
"""A change is killed at its N-th system call of each kind that changes something, for every N. What is
left, once the next start has cleared up, is the tree as it was before; and a run that gets through
is the tree as it should be after. Needs root and strace."""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
import unittest

REVET = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "revet"))
CALLS = ("write", "fsync", "fdatasync", "renameat", "unlinkat", "mkdirat", "symlinkat", "fchown", "fchmod",
         "fsetxattr", "utimensat")
MOST = 400  # system calls of a kind; past that something is wrong

FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n",
    "etc/shadow": f"root:*:1:0:99999:7:::\nops:$6$s$h:{int(time.time() / 86400) - 1}:0:99999:7:::\n",
    "etc/fstab": "none /srv tmpfs defaults 0 0\n",
    "etc/group": "root:x:0:\nsudo:x:27:ops\nops:x:1000:\n",
    "etc/crontab": "# none\n",
    "etc/login.defs": "# settings\nUMASK 022\nPASS_MAX_DAYS 99999\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMaxAuthTries 10\n",
    "usr/sbin/sshd": "",
    "etc/systemd/journald.conf": "[Journal]\n",
    "usr/lib/systemd/system/rpcbind.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "var/lib/dpkg/status": "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
        for name in ("cron", "openssh-server", "systemd", "rpcbind")),
}
RULES = ("accounts.password-ageing", "cron.files-private", "accounts.new-homes", "ssh.no-root-login", "ssh.max-auth-tries",
         "net.icmp-redirects", "logging.persistent", "services.rpcbind", "services.cups", "modules.usb-storage", "modules.cramfs")


def look(path):
    st = os.lstat(path)
    seen = [st.st_mode, st.st_uid, st.st_gid]
    if stat.S_ISLNK(st.st_mode):
        return seen + [os.readlink(path)]
    seen += [st.st_mtime_ns, {n: os.getxattr(path, n) for n in os.listxattr(path)}]
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            seen.append(hashlib.sha256(file.read()).hexdigest())
    return seen


def tree(root):
    seen = {}
    for top, dirs, files in os.walk(root):
        inside = os.path.relpath(top, root)
        if inside == "var/lib":
            dirs[:] = [d for d in dirs if d != "revet"]
        for entry in dirs + files:
            name = os.path.normpath(os.path.join(inside, entry))
            if name != "var/lib":
                seen[name] = look(os.path.join(top, entry))
    return seen


class Crash(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("strace"):
            self.skipTest("needs root and strace")
        self.top = tempfile.mkdtemp(prefix="revet-crash-")
        self.addCleanup(shutil.rmtree, self.top)
        self.root = os.path.join(self.top, "root")
        for name, text in FILES.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for name in ("etc/cron.d", "etc/cron.daily", "etc/ssh/sshd_config.d"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        os.chmod(os.path.join(self.root, "usr/sbin/sshd"), 0o755)
        os.makedirs(os.path.join(self.root, "etc/systemd/system/multi-user.target.wants"))
        os.symlink("/usr/lib/systemd/system/rpcbind.service",
                   os.path.join(self.root, "etc/systemd/system/multi-user.target.wants/rpcbind.service"))
        self.plan = os.path.join(self.top, "p.plan")
        made = self.revet("plan", "-o", self.plan, *(word for rule in RULES for word in ("--rule", rule)))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertGreater(made.stdout.count("\n~ ") + made.stdout.startswith("~ "), 5, made.stdout)
        self.before = tree(self.root)

    def revet(self, *argv):
        return subprocess.run([REVET, *argv, "--root", self.root], capture_output=True, text=True, timeout=60)

    def killed_at(self, call, number, *argv):
        """True when it was killed, False when it came to its end before."""
        inject = ["strace", "-o", "/dev/null", "-e", f"trace={call}",
                  "-e", f"inject={call}:signal=KILL:when={number}"]
        ran = subprocess.run([*inject, REVET, *argv, "--root", self.root], capture_output=True, timeout=60)
        self.assertIn(ran.returncode, (0, -9, 137), ran.stderr)
        return ran.returncode != 0

    def test_while_applying(self):
        kills = 0
        for call in CALLS:
            for number in range(1, MOST):
                killed = self.killed_at(call, number, "apply", self.plan, "--no-input")
                undone = self.revet("revert", *(["--unconfirmed"] if killed else []))
                self.assertEqual(undone.returncode, 0, f"{call} {number}: {undone.stderr}")
                if killed and self.revet("history").stdout.count("committed"):
                    self.revet("revert")  # it was killed when all had been done
                self.assertEqual(tree(self.root), self.before, f"killed at {call} number {number}")
                kills += killed
                if not killed:
                    break
        self.assertGreater(kills, 40)

    def test_while_reverting(self):
        for call in CALLS:
            for number in range(1, MOST):
                self.assertEqual(self.revet("apply", self.plan, "--no-input").returncode, 0)
                killed = self.killed_at(call, number, "revert")
                if killed:
                    undone = self.revet("revert", "--unconfirmed")
                    self.assertEqual(undone.returncode, 0, f"{call} {number}: {undone.stderr}")
                    if self.revet("history").stdout.count("committed"):
                        self.revet("revert")  # it was killed before it had begun
                self.assertEqual(tree(self.root), self.before, f"killed at {call} number {number}")
                if not killed:
                    break


if __name__ == "__main__":
    unittest.main()
