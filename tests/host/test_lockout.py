# SPDX-License-Identifier: Apache-2.0
"""Nobody is locked out: plans that may cut access, applied in hundreds of situations in which an
administrator can or cannot come in, from a console and from sessions over the network.

Whatever the situation, revet refuses, or undoes at once, or waits with a configuration under which
whoever could come in still can. What was refused or reverted left the tree as it was, and the login
that worked before works again. REVET_LOCKOUT=all runs every combination, =N every N-th."""

import itertools
import os
import re
import subprocess
import tempfile
import threading
import unittest

from hostlib import Host
from oracle import REVET
from test_change import look

PASSWORD = "revet-ops"
BASE = "etc/ssh etc/passwd etc/shadow etc/group etc/gshadow etc/sudoers etc/sudoers.d etc/pam.d " \
       "etc/security etc/login.defs home usr/bin/sudo"
HOSTS = int(os.environ.get("REVET_LOCKOUT_HOSTS", "2"))

KEYS = "/home/ops/.ssh/authorized_keys"


def option(text):
    return f"sed -i 's|^|{text} |' {KEYS}"


def sshd(text, last=False):
    """A line of somebody else's: in a drop-in, or at the end, where a Match block may stand."""
    where = "/etc/ssh/sshd_config" if last else "/etc/ssh/sshd_config.d/50-other.conf"
    return f"printf '{text}\\n' >>{where}"


def sudoers(text):
    return f"gpasswd -q -d ops sudo >/dev/null; printf '{text}\\n' >/etc/sudoers.d/other"


LOADED = {  # what sshd is told about
    "plain": ":",
    "no key": f"rm {KEYS}",
    "key for others to write": f"chmod 666 {KEYS}",
    "key of root's, private": f"chown root:root {KEYS}; chmod 600 {KEYS}",
    "key of root's, public": f"chown root:root {KEYS}; chmod 644 {KEYS}",
    "key of somebody else": f"chown daemon {KEYS}; chmod 644 {KEYS}",
    "key that nobody reads": f"chmod 0 {KEYS}",
    "directory for all": "chmod 777 /home/ops/.ssh",
    "directory of root's": "chown root:root /home/ops/.ssh",
    "home for the group": "chmod 775 /home/ops",
    "home for all, not strict": "chmod 777 /home/ops; " + sshd("StrictModes no"),
    "directory is a link": "mv /home/ops/.ssh /var/tmp/x; ln -s /var/tmp/x /home/ops/.ssh",
    "directory is a link into the home": "mv /home/ops/.ssh /home/ops/x; ln -s x /home/ops/.ssh",
    "key is a pipe": f"rm {KEYS}; mkfifo {KEYS}; chown ops {KEYS}",
    "key is garbage": f"echo 'ssh-ed25519 AAAA ops' >{KEYS}",
    "key is cut short": f"sed -i 's/^\\(.\\{{60\\}}\\).*/\\1/' {KEYS}",
    "key in a comment": option("#"),
    "from here": option('from=\\"10.99.0.0/16,fd00:99::/32\\"'),
    "from a pattern": option('from=\\"10.99.*,fd00:99:*\\"'),
    "from elsewhere": option('from=\\"192.0.2.0/24\\"'),
    "from all but here": option('from=\\"!10.99.0.0/16,!fd00:99::/32,*\\"'),
    "from loopback": option('from=\\"127.0.0.1,::1\\"'),
    "key has expired": option('expiry-time=\\"20200101\\"'),
    "key will expire": option('expiry-time=\\"20990101\\"'),
    "key with a command": option('command=\\"/bin/true\\"'),
    "key restricted": option("restrict"),
    "key of an authority": option("cert-authority"),
    "key with an unknown option": option("wizard"),
    "key without forwarding": option("no-port-forwarding,no-X11-forwarding"),
    "no key for the user": sshd("Match User ops\\nPubkeyAuthentication no", True),
    "no key for the group": sshd("Match Group sudo\\nPubkeyAuthentication no", True),
    "no key from there": sshd("Match Address 10.99.0.0/16,fd00:99::/32\\nPubkeyAuthentication no", True),
    "no key but from loopback": sshd("Match Address *,!127.0.0.1\\nPubkeyAuthentication no", True),
    "no key by the port": sshd("Match LocalPort 22\\nPubkeyAuthentication no", True),
    "no key by the address": sshd("Match LocalAddress 10.99.0.0/16\\nPubkeyAuthentication no", True),
    "only the others": sshd("Match User root\\nPubkeyAuthentication no", True),
    "keys elsewhere": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u"),
    "keys elsewhere, with it": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u") +
                               f"; mkdir /etc/ssh/keys; cp {KEYS} /etc/ssh/keys/ops; chmod 644 /etc/ssh/keys/ops",
    "keys elsewhere, unreadable": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u") +
                                  f"; mkdir -m 700 /etc/ssh/keys; cp {KEYS} /etc/ssh/keys/ops",
    "no keys": sshd("PubkeyAuthentication no"),
    "key and password": sshd("AuthenticationMethods publickey,password"),
    "password only": sshd("AuthenticationMethods password"),
    "key only": sshd("AuthenticationMethods publickey"),
    "other algorithms": sshd("PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256"),
    "revoked": f"cp {KEYS} /etc/ssh/revoked; " + sshd("RevokedKeys /etc/ssh/revoked"),
    "nothing is revoked": ">/etc/ssh/revoked; " + sshd("RevokedKeys /etc/ssh/revoked"),
    "AllowUsers of others": sshd("AllowUsers daemon"),
    "AllowUsers": sshd("AllowUsers daemon ops"),
    "AllowUsers from here": sshd("AllowUsers ops@10.99.0.0/16 ops@fd00:99:*"),
    "AllowUsers from elsewhere": sshd("AllowUsers ops@192.0.2.0/24"),
    "AllowGroups": sshd("AllowGroups s*"),
    "AllowGroups of others": sshd("AllowGroups daemon ghosts"),
    "DenyUsers": sshd("DenyUsers o*"),
    "DenyUsers from here": sshd("DenyUsers ops@10.99.0.0/16 ops@fd00:99:*"),
    "DenyUsers from elsewhere": sshd("DenyUsers ops@192.0.2.0/24"),
    "DenyGroups": sshd("DenyGroups sud?"),
    "expired": "chage -E 2020-01-01 ops",
    "expires today": "chage -E $(date +%Y-%m-%d) ops",
    "expires later": "chage -E 2099-01-01 ops",
    "password to be changed": "chage -d 0 ops",
    "password too old": "chage -d 2020-01-01 -M 30 ops",
    "locked": "usermod -L ops",
    "locked, free sudo": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other",
    "locked, free sudo, no PAM": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other; " +
                                 sshd("UsePAM no"),
    "no password": "usermod -p '*' ops",
    "nologin shell": "usermod -s /usr/sbin/nologin ops",
    "no such shell": "usermod -s /bin/zsh ops",
    "not in sudo": "gpasswd -q -d ops sudo >/dev/null",
    "sudo of a group that is not there": sudoers("%%ghosts ALL=(ALL) ALL"),
    "sudo is broken": "echo 'ops ALL=(' >/etc/sudoers.d/other",
    "sudo for one command": sudoers("ops ALL=(ALL) NOPASSWD: /usr/bin/id"),
    "sudo for all but a shell": sudoers("ops ALL=(ALL) ALL, !/bin/sh"),
    "sudo wants root's password": "echo 'Defaults rootpw' >/etc/sudoers.d/other",
    "sudo as somebody else": sudoers("ops ALL=(daemon) NOPASSWD: ALL"),
    "sudo without its bit": "chmod 755 /usr/bin/sudo",
    "a module is missing": "sed -i '1i account required pam_missing.so' /etc/pam.d/sshd",
    "a module of sudo is missing": "sed -i '1i auth required pam_missing.so' /etc/pam.d/sudo",
    "a module is missing, silently": "sed -i '1i -account required pam_missing.so' /etc/pam.d/sshd",
    "access denied": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                     "echo '-:ops:ALL' >/etc/security/access.conf",
    "access denied from there": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                                "echo '-:ops:10.99.0.0/16 fd00:99::/32' >/etc/security/access.conf",
    "no PAM": sshd("UsePAM no"),
    "nologin": "touch /etc/nologin",
    "nologin while booting": "touch /run/nologin",
    "passwords off already": sshd("PasswordAuthentication no"),
    "passwords on in a drop-in": sshd("PasswordAuthentication yes") + "; " + sshd("PermitRootLogin yes"),
    "no Include": "sed -i '/^Include/d' /etc/ssh/sshd_config",
    "on another port": sshd("Port 22\\nPort 2222"),
    "on one address": sshd("ListenAddress 127.0.0.1\\nListenAddress $HOST"),
    "IPv6 only": sshd("AddressFamily inet6"),
    "IPv4 only": sshd("AddressFamily inet"),
    "another administrator": f"useradd -m -G sudo bob; cp -r /home/ops/.ssh /home/bob/; "
                             f"chown -R bob /home/bob/.ssh; rm {KEYS}",
}
PENDING = {  # on disk, and not in force yet: a reload would do it
    "pending AllowUsers": sshd("AllowUsers daemon"),
    "pending port": sshd("Port 2222"),
    "pending address": sshd("ListenAddress 127.0.0.1"),
    "pending nonsense": sshd("Bogus yes"),
    "pending end of passwords": sshd("PasswordAuthentication no") + f"; rm {KEYS}",
    "no directory to separate in": "rmdir /run/sshd",
    "sshd is stopped": "systemctl stop ssh",
    "no host keys": "rm /etc/ssh/ssh_host_*",
    "sshd is gone": "mv /usr/sbin/sshd /root/sshd",
}
PLANS = {
    "keys only": ["--rule", "ssh.keys-only"],
    "ssh": ["--family", "ssh"],
    "harmless": ["--rule", "ssh.max-auth-tries"],
    "all": ["--family", "ssh", "--family", "accounts", "--family", "pam", "--family", "sudo"],
    "accounts": ["--family", "accounts"],
}
SESSIONS = ("console", "ssh", "ssh6")


def tree(root):
    seen = {}
    for start in ("etc", "home", "root"):
        for top, dirs, files in os.walk(os.path.join(root, start)):
            for entry in dirs + files:
                name = os.path.relpath(os.path.join(top, entry), root)
                seen[name] = look(os.path.join(top, entry), name)
    # Programs of others touch these by themselves; revet's own lock of the timer does the second.
    for name in ("etc/systemd/system", "etc/systemd/system/multi-user.target.wants"):
        seen[name] = seen[name][:5]
    return {name: what for name, what in seen.items() if name not in ("etc/.pwd.lock", "etc/mtab")}


class Situation:
    """One situation on one host, which it finds and leaves as it was."""

    def __init__(self, host, askpass):
        self.host = host
        self.askpass = askpass
        self.problems = []

    def sh(self, script, check=True):
        return self.host.exec(["sh", "-c", script], check=check, timeout=60)

    def log_in(self, user, how, script, address=None):
        options = ["-oStrictHostKeyChecking=no", "-oLogLevel=ERROR", "-oUserKnownHostsFile=/dev/null",
                   "-oIdentitiesOnly=yes", "-oConnectTimeout=5", "-oNumberOfPasswordPrompts=1",
                   "-oPreferredAuthentications=" + ("publickey" if how == "key" else
                                                    "password,keyboard-interactive")]
        env = {"SSH_ASKPASS": self.askpass, "SSH_ASKPASS_REQUIRE": "force", "PATH": os.environ["PATH"]}
        try:
            return self.host.outside(
                ["setsid", "ssh", "-F", "none", "-i", self.host.image.key, *options,
                 f"{user}@{address or self.host.net().host}", script], env=env, timeout=60)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, 255, "", "timed out")

    def way_in(self, user="ops"):
        """How the user comes in, and whether he gets to be root: (None or key or password, bool)."""
        script = f"id -un; echo {PASSWORD} | sudo -S -p '' id -u"
        for address in (self.host.net().host, self.host.net().host6):
            for how in ("key", "password"):
                out = self.log_in(user, how, script, address).stdout.splitlines()
                if out[:1] == [user]:
                    return how, out[1:2] == ["0"], address
        return None, False, None

    def reset(self):
        self.sh("[ -e /root/sshd ] && mv /root/sshd /usr/sbin/sshd; cd / && rm -rf etc/ssh etc/sudoers.d "
                "etc/pam.d etc/security home var/tmp/x etc/nologin run/nologin && tar -xpf /var/base.tar && "
                "rm -rf /var/lib/revet; mkdir -p -m 755 /run/sshd; systemctl reset-failed ssh; "
                "systemctl restart ssh")

    def apply(self, session, how, options):
        command = ["apply", "--no-input", "--wait", "10min", *options]
        if session == "console":
            return self.host.exec(["revet", *command], check=False, timeout=120)
        address = self.host.net().host6 if session == "ssh6" else self.host.net().host
        return self.log_in("ops", how, f"echo {PASSWORD} | sudo -S revet {' '.join(command)}", address)

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
        self.sh(f"HOST={net.host}; {script}", check=False)
        if loaded:
            self.sh("systemctl reload ssh; sleep 0.1")
        able = self.way_in()
        # One who cannot become root applies nothing; over IPv4 or IPv6 only where it goes that way.
        if session != "console":
            address = net.host6 if session == "ssh6" else net.host
            if not able[1] or (able[2] != address and
                               self.log_in("ops", able[0], "true", address).returncode != 0):
                return False
        before = tree(self.host.root)
        done = self.apply(session, able[0], options)
        said = done.stdout + done.stderr
        if done.returncode in (1, 4):
            self.same(name, before, f"exit {done.returncode}: {said[-300:]}")
        elif done.returncode == 0 and "REVERTS" in said:
            self.check_waiting(name, able, said)
            self.host.exec(["revet", "revert"], check=False)
            self.same(name, before, "reverted")
        elif done.returncode == 0:
            self.check_waiting(name, able, said)
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

    def check_waiting(self, name, able, said):
        during = self.way_in()
        promised = re.search(r"ok +(\S+) may log in from (\S+) with", said)
        if able[0] and not during[0]:
            self.note(name, f"locked out while it waits: {said[-500:]}")
        if able[1] and not during[1]:
            self.note(name, f"no sudo while it waits: {said[-500:]}")
        if promised and promised[1] not in ("root", "ops") and not self.way_in(promised[1])[0]:
            self.note(name, f"{promised[1]} was promised to come in, and does not")
        if promised and promised[1] == "ops" and promised[2].startswith(("10.", "fd")) and not during[1]:
            self.note(name, "ops was promised to come in, and does not")


def combinations():
    every = [((situation, plan, session), script, loaded, session, PLANS[plan])
             for (situation, script, loaded), plan, session in itertools.product(
                 [(k, v, True) for k, v in LOADED.items()] + [(k, v, False) for k, v in PENDING.items()],
                 PLANS, SESSIONS)]
    share = os.environ.get("REVET_LOCKOUT", "13")
    only = os.environ.get("REVET_LOCKOUT_ONLY")
    if only:
        return [one for one in every if re.search(only, " / ".join(one[0]))]
    # Every situation comes up; 13 has no factor in common with the number of plans and sessions.
    return every if share == "all" else every[::int(share)]


class Lockout(unittest.TestCase):
    maxDiff = None

    def work(self, todo):
        with Host.start("debian-12") as host:
            host.put_program(REVET, "/usr/local/bin/revet")
            host.exec(["sh", "-c", f"cd / && tar -cpf /var/base.tar {BASE}"])
            situation = Situation(host, self.askpass)
            for one in iter(lambda: todo.pop() if todo else None, None):
                try:
                    if situation.run(*one):
                        self.outcomes.append(situation.outcome)
                        if os.environ.get("REVET_LOCKOUT_SHOW"):
                            print(situation.outcome, *one[0], sep=" / ", flush=True)
                except Exception as error:  # the others are still worth running
                    self.problems.append(f"{one[0]}: {type(error).__name__}: {error}")
            self.problems.extend(situation.problems)

    def test_nobody_is_locked_out(self):
        self.outcomes, self.problems = [], []
        todo = combinations()[::-1]
        with tempfile.TemporaryDirectory(prefix="revet-lockout-") as top:
            self.askpass = os.path.join(top, "askpass")
            with open(self.askpass, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\necho {PASSWORD}\n")
            os.chmod(self.askpass, 0o755)
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
