# SPDX-License-Identifier: Apache-2.0
"""Nobody is locked out: plans that may cut access, applied in hundreds of situations in which an
administrator can or cannot come in, from a console and from sessions over the network.

Whatever the situation, revet refuses, or undoes at once, or waits with a configuration under which
whoever could come in still can. What was refused or reverted left the tree as it was, and the login
that worked before works again. REVET_LOCKOUT=all runs every combination, =N every N-th, =N/K those from
the K-th on."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from hostimage import Image
from hostlib import Host
from oracle import REVET
from situations import LOADED, PENDING
from test_change import look

PASSWORD = "revet-ops"
BASE = "etc/ssh etc/passwd etc/shadow etc/group etc/gshadow etc/sudoers etc/sudoers.d etc/pam.d " \
       "etc/security etc/login.defs etc/hosts etc/hosts.allow etc/hosts.deny home usr/bin/sudo"
HOSTS = int(os.environ.get("REVET_LOCKOUT_HOSTS", "2"))

# What nothing but a login shows, or the address of one, or sudo. It was in the way before, and nothing is cut.
UNSEEN = ("banned by name", "banned from there", "access denied from there", "shell that is a script",
          "no more logins", "no processes", "sudo cannot write its record")
PLANS = {
    "keys only": ["--rule", "ssh.keys-only"],
    "ssh": ["--family", "ssh"],
    "harmless": ["--rule", "ssh.log-level"],
    "modes": ["--rule", "ssh.authorized-keys-mode", "--rule", "ssh.user-directory", "--rule", "accounts.homes-private"],
    "pam": ["--family", "pam"],
    "files": ["--family", "fs"],
    "all": ["--family", "ssh", "--family", "accounts", "--family", "pam", "--family", "sudo"],
    "accounts": ["--family", "accounts"],
}
# From where a plan is applied; over a jump through the server itself; and from what a session left running,
# as a terminal multiplexer is.
HOW = {"key": "publickey", "password": "password,keyboard-interactive",
       "both": "publickey,password,keyboard-interactive"}
SESSIONS = ("console", "ssh", "ssh6", "jump", "left behind")
JUMP = "127.0.0.1"
# What no rule calls a risk, and cuts all the same: the whole of change/keep.c.
ALWAYS = {("shell in another's home", "modes", "console"), ("keys in another's home", "modes", "ssh"),
          ("keys in another's home", "accounts", "ssh"), ("many wrong passwords", "pam", "ssh"),
          ("pending nonsense", "ssh", "console"), ("sudo is broken", "files", "console")}


def tree(root):
    seen = {}
    for start in ("etc", "home", "root"):
        for top, dirs, files in os.walk(os.path.join(root, start)):
            for entry in dirs + files:
                name = os.path.relpath(os.path.join(top, entry), root)
                seen[name] = look(os.path.join(top, entry), name)
    # Programs of others touch these by themselves; revet's own lock of the timer does the second.
    for name in ("etc/systemd/system", "etc/systemd/system/sysinit.target.wants"):
        seen[name] = seen[name][:5]
    return {name: what for name, what in seen.items() if name not in ("etc/.pwd.lock", "etc/mtab")}


class Situation:
    """One situation on one host, which it finds and leaves as it was."""

    def __init__(self, host, top):
        self.host = host
        self.askpass = os.path.join(top, "askpass")
        self.short = os.path.join(top, "rsa")
        self.certificate = os.path.join(top, "admin-cert.pub")
        self.public = {}
        for name, file in (("RSA", self.short), ("CA", os.path.join(top, "ca"))):
            with open(file + ".pub", encoding="utf-8") as text:
                self.public[name] = text.read().strip()
        self.problems = []

    def sh(self, script, check=True):
        return self.host.exec(["sh", "-c", script], check=check, timeout=60)

    def log_in(self, user, how, script, address=None):
        options = ["-oStrictHostKeyChecking=no", "-oLogLevel=ERROR", "-oUserKnownHostsFile=/dev/null",
                   "-oIdentitiesOnly=yes", "-oConnectTimeout=5", "-oNumberOfPasswordPrompts=1",
                   "-p", self.port, "-oPreferredAuthentications=" + HOW[how]]
        if self.certified:
            options.append("-oCertificateFile=" + self.certificate)
        if address == JUMP:
            jump = ["ssh", "-F", "none", "-i", self.host.image.key, *options, "-W", f"%h:{self.port}",
                    f"{self.hop}@{self.host.net().host}"]
            options.append("-oProxyCommand=" + " ".join(shlex.quote(str(word)) for word in jump))
        env = {"SSH_ASKPASS": self.askpass, "SSH_ASKPASS_REQUIRE": "force", "PATH": os.environ["PATH"]}
        # For a moment after it was told to reload, sshd has no socket.
        for _ in range(3):
            try:
                ran = self.host.outside(
                    ["setsid", "ssh", "-F", "none", "-i", self.host.image.key, "-i", self.short, *options,
                     f"{user}@{address or self.host.net().host}", script], env=env, timeout=60)
            except subprocess.TimeoutExpired as late:
                return subprocess.CompletedProcess(late.cmd, 255, "", "timed out")
            if ran.returncode != 255 or "Connection refused" not in ran.stderr:
                break
            time.sleep(0.3)
        return ran

    def way_in(self, user="ops"):
        """How the user comes in, and whether he gets to be root: (None or key or password, bool)."""
        script = f"id -un; echo {PASSWORD} | sudo -S -p '' id -u"
        for address in self.ways:
            for how in self.hows:
                out = self.log_in(user, how, script, address).stdout.splitlines()
                if out[:1] == [user]:
                    return how, out[1:2] == ["0"], address
        return None, False, None

    def reset(self):
        self.sh("[ -e /root/sshd ] && mv /root/sshd /usr/sbin/sshd; umount -l /home/x /home/ops 2>/dev/null; "
                "systemctl -q is-active ssh || [ ! -s /run/sshd.pid ] || kill $(cat /run/sshd.pid); "
                "systemctl -q is-active ssh.socket && systemctl stop ssh.socket; cd / && rm -rf etc/ssh etc/sudoers.d "
                "etc/pam.d etc/security home var/tmp/x etc/nologin run/nologin run/faillock && "
                "tar -xpf /var/base.tar && rm -rf /var/lib/revet; mkdir -p -m 755 /run/sshd; "
                "systemctl reset-failed ssh; systemctl restart ssh")

    def address(self, session):
        return {"ssh6": self.host.net().host6, "jump": JUMP}.get(session, self.host.net().host)

    def apply(self, session, how, options):
        command = ["apply", "--no-input", "--wait", "10min", *options]
        if session == "console":
            return self.host.exec(["revet", *command], check=False, timeout=120)
        script = f"echo {PASSWORD} | sudo -S revet {' '.join(command)}"
        if session == "left behind":
            self.log_in("ops", how, f"rm -f /tmp/said; setsid -f sh -c \"({script}; echo code \\$?) >/tmp/said 2>&1; "
                        "mv /tmp/said /tmp/said.done\"", self.address(session))
            ran = self.sh("for i in $(seq 600); do [ ! -e /tmp/said.done ] || break; sleep 0.1; done; cat /tmp/said*; "
                          "rm -f /tmp/said*")
            said, _, code = ran.stdout.rpartition("code ")
            return subprocess.CompletedProcess(command, int(code or 255), said, "")
        return self.log_in("ops", how, script, self.address(session))

    def note(self, name, what):
        self.problems.append(f"{' / '.join(name)}: {what}")
        if os.environ.get("REVET_LOCKOUT_SHOW"):
            print("!!!", self.problems[-1], flush=True)

    def same(self, name, before, when):
        after = tree(self.host.root)
        moved = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
        if moved:
            self.note(name, f"{when}, and the tree is another: {sorted(moved)[:5]}")

    def run(self, name, script, loaded, session, options):
        """False when there is no such session."""
        self.reset()
        net = self.host.net()
        public = "; ".join(f"{name}='{key}'" for name, key in self.public.items())
        self.sh(f"set -e; HOST={net.host}; {public}; {script}")
        if loaded:
            self.sh("systemctl reload ssh; sleep 0.1")
        self.certified = "$CA" in script
        self.hop = "hop" if "useradd -m -s /bin/bash hop" in script else "ops"
        self.port = "2222" if loaded and "'Port 2222" in script else "22"
        self.ways = [net.host, net.host6, *([JUMP] if session == "jump" else [])]
        self.hows = ["key", "password", *(["both"] if "AuthenticationMethods" in script else [])]
        able = self.way_in()
        # One who cannot become root applies nothing; over IPv4 or IPv6 only where it goes that way.
        if session != "console":
            address = self.address(session)
            if not able[1] or (able[2] != address and
                               self.log_in("ops", able[0], "true", address).returncode != 0):
                return False
        before = tree(self.host.root)
        done = self.apply(session, able[0], options)
        said = done.stdout + done.stderr
        if done.returncode in (1, 4):
            self.same(name, before, f"exit {done.returncode}: {said[-300:]}")
        elif done.returncode == 0 and "REVERTS" in said:
            self.check_waiting(name, able, session, said)
            self.host.exec(["revet", "revert"], check=False)
            self.same(name, before, "reverted")
        elif done.returncode == 0:
            self.check_waiting(name, able, session, said)
            if "is done" in said:
                self.host.exec(["revet", "revert"], check=False)
                self.same(name, before, "reverted")
        else:
            self.note(name, f"exit {done.returncode}: {said[-500:]}")
        again = self.way_in()
        if again != able:
            self.note(name, f"login was {able}, is {again}; exit {done.returncode}: {said[-400:]}")
        self.outcome = {1: "refused", 4: "undone", 0: "waits" if "REVERTS" in said else "done"}.get(
            done.returncode, "?")
        return True

    def check_waiting(self, name, able, session, said):
        during = self.way_in()
        promised = re.search(r"ok +(\S+) may log in from (\S+) with", said)
        if able[0] and not during[0]:
            self.note(name, f"locked out while it waits: {said[-500:]}")
        # From a console it may be another administrator who comes in, and a change that cuts says so.
        if able[0] == "key" and during[0] != "key" and (session != "console" or "REVERTS" not in said):
            self.note(name, f"no key any more while it waits: {said[-500:]}")
        if able[1] and not during[1]:
            self.note(name, f"no sudo while it waits: {said[-500:]}")
        if promised and promised[1] not in ("root", "ops") and not self.way_in(promised[1])[0]:
            self.note(name, f"{promised[1]} was promised to come in, and does not")
        if promised and promised[1] == "ops" and not during[1] and (able[1] or name[0] not in UNSEEN):
            self.note(name, "ops was promised to come in, and does not")


def combinations():
    every = [((situation, plan, session), script, loaded, session, PLANS[plan])
             for (situation, script, loaded), plan, session in itertools.product(
                 [(k, v, True) for k, v in LOADED.items()] + [(k, v, False) for k, v in PENDING.items()],
                 PLANS, SESSIONS)]
    only = os.environ.get("REVET_LOCKOUT_ONLY")
    if only:
        return [one for one in every if re.search(only, " / ".join(one[0]))]
    # A prime has no factor in common with the number of plans and sessions: all of them come up.
    share, _, first = os.environ.get("REVET_LOCKOUT", "131").partition("/")
    chosen = every if share == "all" else every[int(first or 0)::int(share)]
    return chosen + [one for one in every if one[0] in ALWAYS and one not in chosen]


class Lockout(unittest.TestCase):
    maxDiff = None

    def work(self, todo):
        with Host.start("debian-12") as host:
            host.put_program(REVET, "/usr/local/bin/revet")
            # sudo leaves a mark in the home at its first use; what a wrong password costs is not the point.
            host.ssh([f"echo {PASSWORD} | sudo -S true"])
            host.exec(["sh", "-c", f"echo '{host.net().peer} client.example\n{host.net().peer6} client.example' "
                       ">>/etc/hosts; touch /etc/hosts.allow /etc/hosts.deny; "
                       "sed -i 's/pam_unix.so nullok/& nodelay/' /etc/pam.d/common-auth; "
                       f"cd / && tar -cpf /var/base.tar {BASE}"])
            situation = Situation(host, self.top)
            for one in iter(lambda: todo.pop() if todo else None, None):
                try:
                    if situation.run(*one):
                        self.outcomes.append(situation.outcome)
                        if os.environ.get("REVET_LOCKOUT_SHOW"):
                            print(situation.outcome, *one[0], sep=" / ", flush=True)
                except Exception as error:  # the others are still worth running
                    self.problems.append(f"{one[0]}: {type(error).__name__}: {error}")
            self.problems.extend(situation.problems)

    def make_keys(self):
        keygen = lambda *argv: subprocess.run(["ssh-keygen", "-q", *argv], check=True)
        keygen("-t", "rsa", "-b", "1024", "-N", "", "-f", os.path.join(self.top, "rsa"))
        keygen("-t", "ed25519", "-N", "", "-f", os.path.join(self.top, "ca"))
        shutil.copy(f"{Image('debian-12').key}.pub", os.path.join(self.top, "admin.pub"))
        keygen("-s", os.path.join(self.top, "ca"), "-I", "test", "-n", "ops,operator", os.path.join(self.top, "admin.pub"))

    def test_nobody_is_locked_out(self):
        self.outcomes, self.problems = [], []
        todo = combinations()[::-1]
        with tempfile.TemporaryDirectory(prefix="revet-lockout-") as self.top:
            askpass = os.path.join(self.top, "askpass")
            with open(askpass, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\necho {PASSWORD}\n")
            os.chmod(askpass, 0o755)
            self.make_keys()
            threads = [threading.Thread(target=self.work, args=(todo,)) for _ in range(HOSTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        counts = {outcome: self.outcomes.count(outcome) for outcome in set(self.outcomes)}
        print(counts, flush=True)
        self.assertEqual(self.problems, [], counts)
        if not os.environ.get("REVET_LOCKOUT_ONLY"):
            # All ways that it may go were gone.
            self.assertLessEqual({"refused", "undone", "waits", "done"}, set(counts))


if __name__ == "__main__":
    unittest.main()
