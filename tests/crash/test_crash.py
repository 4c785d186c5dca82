# SPDX-License-Identifier: Apache-2.0
"""A change of a tree is stopped at its N-th system call of each kind that changes something, for every
N: killed there, or told that it fails, once or from then on. What is left, once the next start has
cleared up, is the tree as it was before; and a run that gets through is the tree as it should be
after. Needs root and strace. With REVET_CRASH=all nothing is left out."""

import collections
import hashlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
import unittest

REVET = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "revet"))
CALLS = ("write", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat",
         "symlink", "symlinkat", "link", "linkat", "fchown", "fchmod", "fsetxattr", "fremovexattr", "utimensat",
         "ftruncate", "flock", "clone", "wait4")
ERRORS = {"write": ("ENOSPC", "EIO"), "fsync": ("EIO",), "fdatasync": ("EIO", "ENOSPC"), "renameat": ("EROFS", "ENOSPC"),
          "unlinkat": ("EROFS",), "mkdirat": ("ENOSPC",), "symlinkat": ("ENOSPC",), "fchown": ("EPERM",),
          "fchmod": ("EROFS",), "fsetxattr": ("ENOSPC",), "ftruncate": ("EIO",), "utimensat": ("EROFS",)}
ALL = os.environ.get("REVET_CRASH") == "all"

FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n",
    "etc/shadow": f"root:*:1:0:99999:7:::\nops:$6$s$h:{int(time.time() / 86400) - 1}:0:99999:7:::\n",
    "etc/fstab": "none /srv tmpfs defaults 0 0\n",
    "etc/group": "root:x:0:\ndisk:x:6:root,ops\nsudo:x:27:ops\nops:x:1000:\n",
    "etc/gshadow": "root:*::\ndisk:*::ops,root\nsudo:*::ops\nops:!::\n",
    "etc/crontab": "# none\n",
    "etc/sudoers": "%sudo ALL=(ALL:ALL) ALL\n",
    "etc/skel/.config/shell": "alias ll='ls -l'\n",
    "etc/revet/site.yaml": "admins: {users: [ops, dev], keys: {dev: ['ssh-ed25519 "
                           "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + " dev']}}\n",
    "etc/login.defs": "# settings\nUMASK 022\nPASS_MAX_DAYS 99999\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMaxAuthTries 10\n",
    "usr/sbin/sshd": "",
    "usr/lib/systemd/system/rpcbind.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "var/lib/dpkg/status": "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
        for name in ("cron", "openssh-server", "systemd", "rpcbind")),
}
RULES = ("accounts.password-ageing", "cron.files-private", "accounts.new-homes", "ssh.no-root-login", "ssh.max-auth-tries",
         "services.rpcbind", "fs.acl", "accounts.raw-access-groups", "site.admins-have-accounts")
TYPES = {"account", "acl", "attributes", "directory", "file", "group", "unit", "user"}  # the others are of a running system


def some(count, most):
    """1 to count, or as many as `most` of them, the first and the last included."""
    if ALL or count <= most:
        return range(1, count + 1)
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


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
    maxDiff = None

    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("strace"):
            self.skipTest("needs root and strace")
        # In memory where that is possible: it is killed, the power does not fail.
        self.top = tempfile.mkdtemp(prefix="revet-crash-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(shutil.rmtree, self.top)
        self.root = os.path.join(self.top, "root")
        for name, text in FILES.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        os.setxattr(os.path.join(self.root, "etc/login.defs"), "user.mark", b"kept")
        for name in ("etc/cron.d", "etc/cron.daily", "home"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        os.chmod(os.path.join(self.root, "usr/sbin/sshd"), 0o755)
        # As: setfacl -m u:1000:rw etc/group
        os.setxattr(os.path.join(self.root, "etc/group"), "system.posix_acl_access", bytes.fromhex(
            "02000000" "01000600ffffffff" "02000600e8030000" "04000400ffffffff" "10000600ffffffff" "20000400ffffffff"))
        os.makedirs(os.path.join(self.root, "etc/systemd/system/multi-user.target.wants"))
        os.symlink("/usr/lib/systemd/system/rpcbind.service",
                   os.path.join(self.root, "etc/systemd/system/multi-user.target.wants/rpcbind.service"))
        self.plan = os.path.join(self.top, "p.plan")
        made = self.revet("plan", "-o", self.plan, *(word for rule in RULES for word in ("--rule", rule)))
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(self.plan, encoding="utf-8") as file:
            self.assertEqual({step["type"] for step in json.load(file)["steps"]}, TYPES)
        self.before = tree(self.root)

    def revet(self, *argv):
        return subprocess.run([REVET, *argv, "--root", self.root], capture_output=True, text=True, timeout=60)

    def traced(self, options, *argv):
        return subprocess.run(["strace", "-qq", *options, REVET, *argv, "--root", self.root], capture_output=True, text=True,
                              timeout=60)

    def counts(self, *argv):
        """How many of each call it makes."""
        log = os.path.join(self.top, "calls")
        ran = self.traced(["-o", log, "-e", "trace=" + ",".join(CALLS)], *argv)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        with open(log, encoding="utf-8", errors="replace") as file:
            return collections.Counter(line.split("(")[0] for line in file if "(" in line)

    def stopped(self, call, how, *argv):
        return self.traced(["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{how}"], *argv)

    def status(self):
        """Of the first change; None: there is none."""
        told = self.revet("history").stdout.split("\n")[0].split()
        return told[2] if told else None

    def same(self, why):
        now = tree(self.root)
        for seen in (now, self.before) if why.startswith("utimensat") else ():
            # Times of a directory that cannot be set are not a reason to say that nothing is undone.
            for name in [name for name in seen if stat.S_ISDIR(seen[name][0])]:
                seen[name] = seen[name][:3]
        self.assertEqual({name: (self.before.get(name), now.get(name)) for name in now.keys() | self.before.keys()
                          if now.get(name) != self.before.get(name)}, {}, why)

    def clear(self):
        shutil.rmtree(os.path.join(self.root, "var/lib/revet"), ignore_errors=True)

    def undone(self, why):
        """By the next start, when it was stopped; by a person, when it had been done."""
        if self.status() not in (None, "committed", "reverted"):
            ran = self.revet("revert", "--unconfirmed")
            self.assertEqual(ran.returncode, 0, why + ran.stderr)
        if self.status() == "committed":
            self.assertEqual(self.revet("revert").returncode, 0, why)
        self.assertIn(self.status(), (None, "reverted"), why)
        self.same(why)
        self.clear()

    def applied(self):
        self.assertEqual(self.revet("apply", self.plan).returncode, 0)

    # --- by the script ---

    def undone_by(self, *shell, env=None):
        """Times of directories apart."""
        script = os.path.join(self.root, "var/lib/revet/changes/0001/undo.sh")
        ran = subprocess.run([*shell, script, self.root], env=env, capture_output=True, text=True, timeout=60)
        times = lambda what: what[:3] if stat.S_ISDIR(what[0]) else what
        now, before = ({name: times(what) for name, what in seen.items()} for seen in (tree(self.root), self.before))
        self.assertEqual(now.keys() ^ before.keys(), set(), ran.stderr)
        return ran, {name for name in now if now[name] != before[name]}

    def test_the_script_of_any_shell(self):
        for shell in ("dash", "bash"):
            with self.subTest(shell):
                self.applied()
                ran, others = self.undone_by(shell)
                self.assertEqual((ran.returncode, ran.stderr, others), (0, "", set()))
                self.assertEqual(self.status(), "reverted")
                self.clear()

    def test_the_script_by_busybox(self):
        """All that many a rescue system has; it knows nothing of attributes and lists of access, and says so."""
        tools = os.path.join(self.top, "tools")
        os.mkdir(tools)
        busybox = shutil.which("busybox")
        subprocess.run([busybox, "--install", "-s", tools], check=True)
        self.applied()
        ran, others = self.undone_by(busybox, "sh", env={"PATH": tools})
        self.assertEqual((ran.returncode, ran.stderr),
                         (0, "undo.sh: this cp brings no attributes and lists of access back\n"))
        self.assertEqual(others, {"etc/group", "etc/login.defs"})
        for name in others:
            now, before = look(os.path.join(self.root, name)), self.before[name]
            self.assertEqual((now[:3], now[3] // 10**9, now[5]), (before[:3], before[3] // 10**9, before[5]))
        self.assertEqual(self.status(), "reverted")

    def test_what_the_script_cannot_undo_is_not_reverted(self):
        self.applied()
        os.rename(os.path.join(self.root, "etc/crontab"), os.path.join(self.root, "etc/away"))
        script = os.path.join(self.root, "var/lib/revet/changes/0001/undo.sh")
        ran = subprocess.run(["sh", script, self.root], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("etc/crontab could not be undone\n", ran.stderr)
        self.assertEqual(self.status(), "committed")
        os.rename(os.path.join(self.root, "etc/away"), os.path.join(self.root, "etc/crontab"))
        self.undone("the script had no crontab to undo")

    # --- killed ---

    def test_killed_while_applying(self):
        counts = self.counts("apply", self.plan)
        self.undone("not at all")
        self.assertGreater(sum(counts.values()), 120, counts)
        for call, count in counts.items():
            for number in range(1, count + 1):
                ran = self.stopped(call, f"signal=KILL:when={number}", "apply", self.plan)
                self.assertIn(ran.returncode, (-9, 137), f"{call} {number}: {ran.stderr}")
                self.undone(f"killed at {call} number {number}")

    def test_killed_while_reverting(self):
        self.applied()
        counts = self.counts("revert")
        self.clear()
        for call, count in counts.items():
            for number in range(1, count + 1):
                self.applied()
                ran = self.stopped(call, f"signal=KILL:when={number}", "revert")
                self.assertIn(ran.returncode, (-9, 137), f"{call} {number}: {ran.stderr}")
                self.undone(f"killed at {call} number {number}")

    def test_killed_again_and_again(self):
        """Undoing what was interrupted is interrupted, further on each time."""
        for call in ("write", "renameat", "fchmod", "fsync", "unlinkat"):
            self.applied()
            for number in some(60, 12):
                self.stopped(call, f"signal=KILL:when={number}", "revert")
                if self.status() == "reverted":
                    break
            self.undone(f"killed again and again at {call}")

    # --- told that it fails ---

    def in_order(self, ran, why):
        """It said so, and what it says of the change is true."""
        self.assertIn(ran.returncode, (0, 1, 4), why + ran.stderr)
        if ran.returncode and not why.startswith("write"):  # which may be that of the message
            self.assertRegex(ran.stderr, r"revet: .+", why)
        elif not ran.returncode:
            self.assertEqual(self.status(), "committed", why)
        if self.status() in (None, "reverted"):
            self.same(why)
        elif self.status() == "committed":
            self.assertEqual(tree(self.root).keys(), self.after.keys(), why)

    def test_calls_fail_while_applying(self):
        counts = self.counts("apply", self.plan)
        self.after = tree(self.root)
        self.undone("not at all")
        codes = collections.Counter()
        for call, errors in ERRORS.items():
            for error in errors:
                for number in some(counts[call], 8):
                    for which in (number, f"{number}+"):
                        why = f"{call} number {which} says {error}: "
                        ran = self.stopped(call, f"error={error}:when={which}", "apply", self.plan)
                        self.in_order(ran, why)
                        self.undone(why)
                        codes[ran.returncode] += 1
        self.assertGreater(codes[1], 10, codes)
        self.assertGreater(codes[4], 10, codes)

    def test_calls_fail_while_reverting(self):
        self.applied()
        self.after = tree(self.root)
        counts = self.counts("revert")
        self.clear()
        for call, errors in ERRORS.items():
            for number in some(counts[call], 5):
                for which in (number, f"{number}+"):
                    self.applied()
                    why = f"{call} number {which} says {errors[0]}: "
                    ran = self.stopped(call, f"error={errors[0]}:when={which}", "revert")
                    self.assertIn(ran.returncode, (0, 1), why + ran.stderr)
                    if self.status() == "reverted":
                        self.same(why)
                    self.undone(why)


if __name__ == "__main__":
    unittest.main()
