# SPDX-License-Identifier: Apache-2.0
"""Nobody is locked out: plans that may cut access, applied in hundreds of situations in which an
administrator can or cannot come in, from a console and from sessions over the network.

Whatever the situation, revet refuses, or undoes at once, or waits with a configuration under which
whoever could come in still can. What was refused or reverted left the tree as it was, and the login
that worked before works again. REVET_LOCKOUT=all runs every combination, =N every N-th, =N/K the others of those."""

import itertools
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest

from hostlib import Host
from oracle import REVET, OnHost
from test_change import look

PASSWORD = "revet-ops"
BASE = "etc/ssh etc/passwd etc/shadow etc/group etc/gshadow etc/sudoers etc/sudoers.d etc/pam.d " \
       "etc/security etc/login.defs etc/hosts etc/hosts.allow etc/hosts.deny home usr/bin/sudo"
HOSTS = int(os.environ.get("REVET_LOCKOUT_HOSTS", "2"))

KEYS = "/home/ops/.ssh/authorized_keys"


def option(text):
    return f"sed -i 's|^|{text} |' {KEYS}"


def sshd(text, last=False):
    """A line of somebody else's: in a drop-in, or at the end, where a Match block may stand."""
    where = "/etc/ssh/sshd_config" if last else "/etc/ssh/sshd_config.d/50-other.conf"
    return f"printf '{text}\\n' >>{where}"


def sudoers(text):
    return f"gpasswd -d ops sudo >/dev/null; printf '{text}\\n' >/etc/sudoers.d/other"


def command(script):
    return (sshd("AuthorizedKeysCommand /etc/ssh/keys.sh\\nAuthorizedKeysCommandUser nobody") +
            f"; printf '#!/bin/sh\\n{script}\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh")


BOB = "useradd -m -s /bin/bash bob; chmod 755 /home/bob; "
# Twenty wrong passwords of today, as pam_faillock keeps them.
FAILLOCK = ("sed -i -e '1i auth required pam_faillock.so preauth' -e '/pam_unix/a auth [default=die] pam_faillock.so "
            "authfail' -e 's/success=1/success=2/' /etc/pam.d/common-auth; mkdir -p /run/faillock; perl -e "
            "'print pack(\"a52SSQ\", \"x\", 0, 1, time) x 20' >/run/faillock/ops; chown ops /run/faillock/ops; ")

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
    "key in lines of DOS": f"sed -i 's/$/\\r/' {KEYS}",
    "key behind a byte order mark": f"sed -i '1s/^/\\xef\\xbb\\xbf/' {KEYS}",
    "key behind a long line": f"(printf '# '; head -c 60000 /dev/zero | tr '\\0' x; echo; cat {KEYS}) >/root/k; "
                              f"cat /root/k >{KEYS}; rm /root/k",
    "key behind much": f"(yes '# nothing' | head -c 1200000; cat {KEYS}) >/root/k; cat /root/k >{KEYS}; rm /root/k",
    "key of RSA, short": f"echo \"$RSA\" >{KEYS}",
    "key in authorized_keys2": f"mv {KEYS} {KEYS}2",
    "directory of root's, public": "chown root:root /home/ops/.ssh; chmod 755 /home/ops/.ssh",
    "home of root's": "chown root:root /home/ops; chmod 755 /home/ops",
    "home of root's, closed": "chown root:root /home/ops; chmod 700 /home/ops",
    "home is gone": "mv /home/ops /home/away",
    "home is a link": "mv /home/ops /home/away; ln -s away /home/ops",
    "home through a closed directory": "mkdir -m 700 /home/deep; mv /home/ops /home/deep/; "
                                       "sed -i s,:/home/ops:,:/home/deep/ops:, /etc/passwd",
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
    "short RSA keys no more": f"echo \"$RSA\" >{KEYS}; " + sshd("RequiredRSASize 2048"),
    "keys by a command": command("cat /etc/ssh/keys") + f"; mv {KEYS} /etc/ssh/keys; chmod 644 /etc/ssh/keys",
    "keys also by a command": command("cat /etc/ssh/keys") + f"; cp {KEYS} /etc/ssh/keys; chmod 644 /etc/ssh/keys",
    "keys by a command that fails": command("exit 1"),
    "keys by a slow command": command("sleep 2"),
    "keys by an authority": sshd("TrustedUserCAKeys /etc/ssh/ca.pub") + f"; mv {KEYS} /etc/ssh/ca.pub",
    "no key by name": sshd("UseDNS yes\\nMatch Host client.example\\nPubkeyAuthentication no", True),
    "no key by name, never looked up": sshd("UseDNS no\\nMatch Host client.example\\nPubkeyAuthentication no", True),
    "AllowUsers by name": sshd("UseDNS yes\\nAllowUsers ops@client.example"),
    "AllowUsers by name, never looked up": sshd("UseDNS no\\nAllowUsers ops@client.example daemon"),
    "DenyUsers by name": sshd("UseDNS yes\\nDenyUsers ops@client.example"),
    "DenyUsers by another name": sshd("UseDNS yes\\nDenyUsers ops@other.example"),
    "from by name": sshd("UseDNS yes") + "; " + option('from=\\"*.example\\"'),
    "DenyUsers but him": sshd("DenyUsers !ops *"),
    "AllowUsers but him": sshd("AllowUsers !ops *"),
    "a command for the user": sshd("Match User ops\\nForceCommand /bin/true", True),
    "a command for all": sshd("ForceCommand internal-sftp"),
    "shut into a directory": sshd("Match Group sudo\\nChrootDirectory /var/empty", True),
    "no sessions": sshd("MaxSessions 0"),
    "no terminals": sshd("PermitTTY no"),
    "an include that is not there": sshd("Include /etc/ssh/nothing.d/*.conf"),
    "an include with a Match": sshd("Include /etc/ssh/more.conf") +
                               "; printf 'Match User ops\\nPubkeyAuthentication no\\n' >/etc/ssh/more.conf",
    "a Match that ends with its file": sshd("Match User daemon\\nPubkeyAuthentication no"),
    "banned by name": "echo 'sshd: ALL' >/etc/hosts.deny",
    "banned from there": "echo 'sshd: 10.99. [fd00:99::]/32' >/etc/hosts.deny",
    "allowed from there alone": "echo 'sshd: ALL' >/etc/hosts.deny; "
                                "echo 'sshd: 10.99. [fd00:99::]/32' >/etc/hosts.allow",
    "by socket": "systemctl stop ssh; systemctl start ssh.socket",
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
    "inactive": "chage -d 2020-01-01 -M 30 -I 5 ops",
    "inactive one day": "chage -I 0 ops",
    "in no shadow": "sed -i '/^ops:/d' /etc/shadow",
    "locked": "usermod -L ops",
    "locked, free sudo": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other",
    "locked, free sudo, no PAM": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other; " +
                                 sshd("UsePAM no"),
    "no password": "usermod -p '*' ops",
    "nologin shell": "usermod -s /usr/sbin/nologin ops",
    "no such shell": "usermod -s /bin/zsh ops",
    "shell of root's alone": "install -m 700 /bin/bash /home/sh; usermod -s /home/sh ops",
    "shell that cannot be started": "mkdir /home/x; mount -t tmpfs -o noexec none /home/x; cp /bin/bash /home/x/; "
                                    "usermod -s /home/x/bash ops",
    "shell that is a script": "printf '#!/bin/sh\\nexit 1\\n' >/home/sh; chmod 755 /home/sh; usermod -s /home/sh ops",
    "shell that is not listed": "cp /bin/bash /home/sh; usermod -s /home/sh ops; "
                                "sed -i '1i account required pam_shells.so' /etc/pam.d/sshd",
    "shell in another's home": BOB + "install -m 755 /bin/bash /home/bob/sh; usermod -s /home/bob/sh ops",
    "keys in another's home": BOB + f"install -m 644 {KEYS} /home/bob/ops; rm {KEYS}; chown root /home/bob; " +
                              sshd("AuthorizedKeysFile /home/bob/%%u"),
    "home in another's home": BOB + "chown root /home/bob; mv /home/ops /home/bob/; "
                              "sed -i s,:/home/ops:,:/home/bob/ops:, /etc/passwd",
    "not in sudo": "gpasswd -d ops sudo >/dev/null",
    "sudo of a group that is not there": sudoers("%%ghosts ALL=(ALL) ALL"),
    "sudo is broken": "echo 'ops ALL=(' >/etc/sudoers.d/other",
    "sudo for one command": sudoers("ops ALL=(ALL) NOPASSWD: /usr/bin/id"),
    "sudo for all but a shell": sudoers("ops ALL=(ALL) ALL, !/bin/sh"),
    "sudo wants root's password": "echo 'Defaults rootpw' >/etc/sudoers.d/other",
    "sudo from a terminal alone": "echo 'Defaults requiretty' >/etc/sudoers.d/other",
    "sudo from nowhere": sudoers("ops nohost=(ALL) ALL"),
    "sudo by the number": sudoers("#1000 ALL=(ALL) ALL"),
    "sudo of an alias": sudoers("User_Alias A = ops\\nA ALL=(ALL:ALL) ALL"),
    "sudo, then not": "echo 'ops ALL=(ALL) !ALL' >/etc/sudoers.d/zz",
    "sudo for others to write": "echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/other; chmod 666 /etc/sudoers.d/other",
    "sudo of the wheel": "sed -i '1i auth required pam_wheel.so group=daemon' /etc/pam.d/sudo",
    "sudo as somebody else": sudoers("ops ALL=(daemon) NOPASSWD: ALL"),
    "sudo without its bit": "chmod 755 /usr/bin/sudo",
    "a module is missing": "sed -i '1i account required pam_missing.so' /etc/pam.d/sshd",
    "a module of sudo is missing": "sed -i '1i auth required pam_missing.so' /etc/pam.d/sudo",
    "a module is missing, silently": "sed -i '1i -account required pam_missing.so' /etc/pam.d/sshd",
    "access denied": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                     "echo '-:ops:ALL' >/etc/security/access.conf",
    "access denied from there": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                                "echo '-:ops:10.99.0.0/16 fd00:99::/32' >/etc/security/access.conf",
    "access denied by a list": "echo ops >/etc/security/out; sed -i '1i account required pam_listfile.so item=user "
                               "sense=deny file=/etc/security/out onerr=succeed' /etc/pam.d/sshd",
    "access denied at all times": "sed -i '1i account required pam_time.so' /etc/pam.d/sshd; "
                                  "echo 'sshd;*;ops;!Al0000-2400' >>/etc/security/time.conf",
    "access denied to passwords": "sed -i '1i auth requisite pam_deny.so' /etc/pam.d/sshd",
    "no passwords for sudo": "sed -i '1i auth requisite pam_deny.so' /etc/pam.d/sudo",
    "no more logins": "echo 'ops hard maxlogins 0' >/etc/security/limits.d/x.conf",
    "no processes": "echo 'ops hard nproc 0' >/etc/security/limits.d/x.conf",
    "a session module is missing": "sed -i '1i session required pam_missing.so' /etc/pam.d/sshd",
    "a session module is broken": ">/usr/lib/x86_64-linux-gnu/security/pam_broken.so; "
                                  "sed -i '1i session required pam_broken.so' /etc/pam.d/sshd",
    "a module of sudo is broken": ">/usr/lib/x86_64-linux-gnu/security/pam_broken.so; "
                                  "sed -i '1i auth required pam_broken.so' /etc/pam.d/sudo",
    "an include of PAM's is missing": "sed -i '1i @include common-missing' /etc/pam.d/sshd",
    "no stack for sshd": "rm /etc/pam.d/sshd",
    "many wrong passwords": FAILLOCK + "printf 'deny = 100\\nunlock_time = 900\\n' >/etc/security/faillock.conf",
    "too many wrong passwords": FAILLOCK + "printf 'deny = 10\\nunlock_time = 900\\n' >/etc/security/faillock.conf",
    "wrong passwords, other arguments": FAILLOCK + "sed -i 's/preauth/& deny=100/' /etc/pam.d/common-auth",
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
    "includes in a circle": sshd("Include /etc/ssh/sshd_config.d/50-other.conf"),
    "host keys for all to read": "chmod 644 /etc/ssh/ssh_host_*_key",
    "no configuration": "rm /etc/ssh/sshd_config",
    "a directory for configuration": "rm /etc/ssh/sshd_config; mkdir /etc/ssh/sshd_config",
    "a pipe among the configuration": "mkfifo /etc/ssh/sshd_config.d/50-other.conf",
    "no host keys": "rm /etc/ssh/ssh_host_*",
    "sshd is gone": "mv /usr/sbin/sshd /root/sshd",
}
# What nothing but a login shows, or the address of one. It was in the way before, and nothing is cut.
UNSEEN = ("banned by name", "banned from there", "access denied from there", "shell that is a script",
          "no more logins", "no processes")
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

    def __init__(self, host, top):
        self.host = host
        self.askpass = os.path.join(top, "askpass")
        self.short = os.path.join(top, "rsa")
        with open(self.short + ".pub", encoding="utf-8") as file:
            self.rsa = file.read().strip()
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
                ["setsid", "ssh", "-F", "none", "-i", self.host.image.key, "-i", self.short, *options,
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
        self.sh("[ -e /root/sshd ] && mv /root/sshd /usr/sbin/sshd; umount /home/x 2>/dev/null; "
                "systemctl -q is-active ssh.socket && systemctl stop ssh.socket; cd / && rm -rf etc/ssh etc/sudoers.d "
                "etc/pam.d etc/security home var/tmp/x etc/nologin run/nologin run/faillock && "
                "tar -xpf /var/base.tar && rm -rf /var/lib/revet; mkdir -p -m 755 /run/sshd; "
                "systemctl reset-failed ssh; systemctl restart ssh")

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
        self.sh(f"set -e; HOST={net.host}; RSA='{self.rsa}'; {script}")
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
        if able[0] == "key" and during[0] != "key":
            self.note(name, f"no key any more while it waits: {said[-500:]}")
        if able[1] and not during[1]:
            self.note(name, f"no sudo while it waits: {said[-500:]}")
        if promised and promised[1] not in ("root", "ops") and not self.way_in(promised[1])[0]:
            self.note(name, f"{promised[1]} was promised to come in, and does not")
        if promised and promised[1] == "ops" and not during[1] and (able[0] or name[0] not in UNSEEN):
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
    share, _, first = os.environ.get("REVET_LOCKOUT", "41").partition("/")
    return every if share == "all" else every[int(first or 0)::int(share)]


class Lockout(unittest.TestCase):
    maxDiff = None

    def work(self, todo):
        with Host.start("debian-12") as host:
            host.put_program(REVET, "/usr/local/bin/revet")
            # sudo leaves a mark in the home at its first use; what a wrong password costs is not the point.
            host.ssh([f"echo {PASSWORD} | sudo -S true"])
            host.exec(["sh", "-c", f"echo '{host.net().peer} client.example\n{host.net().peer6} client.example' "
                       ">>/etc/hosts; touch /etc/hosts.allow /etc/hosts.deny; sed -i 's/pam_unix.so nullok/& nodelay/' /etc/pam.d/common-auth && "
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

    def test_nobody_is_locked_out(self):
        self.outcomes, self.problems = [], []
        todo = combinations()[::-1]
        with tempfile.TemporaryDirectory(prefix="revet-lockout-") as self.top:
            askpass = os.path.join(self.top, "askpass")
            with open(askpass, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\necho {PASSWORD}\n")
            os.chmod(askpass, 0o755)
            subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f",
                            os.path.join(self.top, "rsa")], check=True)
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


CUTS = {  # what a rule cuts that no login on the machine can show: the situation, and the rule
    "answers leave elsewhere": (
        "ip link add other type veth peer name far; ip link set far up; ip addr add 10.88.0.1/24 dev other; ip link set other up; "
        "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0; "
        "ip rule add fwmark 1 table 100; ip route add default via $PEER table 100; nft add table ip cut; "
        "nft add chain ip cut out '{ type route hook output priority mangle; }'; "
        "nft add rule ip cut out tcp sport 22 meta mark set 1", "10.88.0.5", None, "net.rp-filter"),
    "sshd on the loopback address behind NAT": (
        "sysctl -qw net.ipv4.conf.all.route_localnet=1; nft add table ip cut; "
        "nft add chain ip cut in '{ type nat hook prerouting priority dstnat; }'; "
        "nft add rule ip cut in tcp dport 2222 dnat to 127.0.0.1:22; "
        "printf 'ListenAddress 127.0.0.1\\n' >/etc/ssh/sshd_config.d/50-other.conf; systemctl restart ssh",
        None, "2222", "net.loopback-routed"),
}


class Cut(OnHost):
    """The network is cut by what the kernel does: then the change waits, and reverts by itself."""

    image = "debian-12"

    def log_in(self, source, port, script, seconds=10):
        options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes",
                   "-oConnectTimeout=2", "-oServerAliveInterval=2", "-oServerAliveCountMax=2",
                   *(["-b", source] if source else []), *(["-p", port] if port else [])]
        try:
            return self.host.outside(["ssh", "-F", "none", "-i", self.host.image.key, *options,
                                      f"ops@{self.host.net().host}", script], timeout=seconds)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, 255, "", "timed out")

    def test_what_cuts_the_network_reverts(self):
        net = self.host.net()
        self.host.outside(["ip", "addr", "add", "10.88.0.5/32", "dev", "eth0"])
        for name, (script, source, port, rule) in CUTS.items():
            with self.subTest(name):
                self.out("sh", "-ec", f"PEER={net.peer}; {script}")
                self.assertEqual(self.log_in(source, port, "id -un").stdout, "ops\n")
                self.log_in(source, port, f"echo {PASSWORD} | sudo -S revet apply --no-input --wait 10min --rule {rule}", 40)
                # It goes on when nobody reads what it says any more.
                self.out("sh", "-c", "for i in $(seq 100); do revet history | grep -q waiting && break; sleep 0.2; done")
                self.assertNotEqual(self.log_in(source, port, "id -un").stdout, "ops\n", "nothing was cut")
                self.assertIn("waiting", self.out("revet", "history"))
                # What the timer starts, without its minutes.
                self.out("sh", "-ec", "systemctl start $(systemctl list-units --plain --no-legend 'revet-revert-*.timer' | "
                         "sed 's/timer .*/service/')")
                self.assertEqual(self.log_in(source, port, "id -un").stdout, "ops\n")
                self.out("sh", "-c", "nft delete table ip cut; ip rule del fwmark 1; ip link del other; "
                         "rm -f /etc/ssh/sshd_config.d/50-other.conf; systemctl restart ssh; true")


UP = "until nft list tables | grep -q firewalld && firewall-cmd -q --state; do sleep 0.2; done"
FIREWALLS = {  # of somebody else's, which admit what is needed and no more: how they come up, and go
    "ufw": ("ufw allow 22/tcp; ufw --force enable", "ufw --force disable; ufw --force reset"),
    "ufw, from one network": ("ufw allow from 10.99.0.0/16 to any port 22; ufw --force enable",
                              "ufw --force disable; ufw --force reset"),
    "firewalld": (f"systemctl start firewalld; {UP}", "systemctl stop firewalld"),
    "firewalld, from one network": (
        f"systemctl start firewalld; {UP}; firewall-cmd -q --zone=trusted --add-source=10.99.0.0/16; "
        "firewall-cmd -q --set-default-zone=drop",
        "firewall-cmd -q --set-default-zone=public; systemctl stop firewalld"),
}


class Firewalled(OnHost):
    """A packet filter that somebody else manages stays as it is, and lets in whom it let in."""

    image = "firewalled"

    def rules(self):
        return self.out("nft", "-s", "list", "ruleset")

    def test_what_others_filter_stays(self):
        sudo = f"echo {PASSWORD} | sudo -S -p '' revet"
        families = " ".join(f"--family {name}" for name in ("ssh", "net", "firewall", "services"))
        for name, (up, down) in FIREWALLS.items():
            with self.subTest(name):
                self.out("sh", "-ec", up)
                rules = self.rules()
                self.assertRegex(rules, "policy drop|reject with|drop")
                ran = self.host.ssh([f"{sudo} apply --no-input --wait 10min {families}"], timeout=60)
                self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                done = self.host.ssh([f"{sudo} confirm"], timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.out("revet", "revert")
                self.assertEqual(self.rules(), rules)
                self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
                self.out("sh", "-c", down)


class Proof(OnHost):
    """What confirms a change that was applied over the network: a session that came in since, the same way."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.host.put(cls.host.image.key, "/home/ops/key", mode="600")
        cls.host.exec(["chown", "ops", "/home/ops/key"])

    def over_ssh(self, script):
        return self.host.ssh([f"sudo() {{ echo {PASSWORD} | command sudo -S -p '' \"$@\"; }}; {script}"], timeout=60)

    def over_a_hop(self, script, address="127.0.0.1"):
        inner = f"echo {PASSWORD} | sudo -S -p \"\" {script}"
        return self.host.ssh([f"ssh -F none -i key -oStrictHostKeyChecking=no {address} '{inner}'"], timeout=60)

    def left(self, name):
        """What a process wrote that nobody waits for."""
        self.out("sh", "-c", f"for i in $(seq 50); do grep -q ^code /tmp/{name} && break; sleep 0.1; done")
        return self.read(f"/tmp/{name}")

    def test_only_who_came_in_since_confirms(self):
        later = f"sh -c 'while [ ! -e /run/go ]; do sleep 0.1; done; echo {PASSWORD} | " \
                "sudo -S revet confirm >/tmp/{0} 2>&1; echo code $? >>/tmp/{0}'"
        # One that was there before, and outlives its session as a terminal multiplexer does.
        self.over_ssh("setsid -f " + later.format("early") + " >/dev/null 2>&1 </dev/null")
        ran = self.over_ssh("sudo revet apply --no-input --wait 10min --rule ssh.keys-only; "
                            "setsid -f " + later.format("orphan") + " >/dev/null 2>&1 </dev/null; "
                            "sudo systemd-run -q --wait --pipe revet confirm; echo code $?")
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        self.assertIn("code 64", ran.stdout)
        self.assertIn("not a session that sshd opened", ran.stderr)
        self.write("/run/go", "")
        for name in ("early", "orphan"):
            self.assertRegex(self.left(name), "was open before.*\ncode 64", name)
        for address in (self.host.net().host, "127.0.0.1", "::1"):
            here = self.over_a_hop("revet confirm", address)
            self.assertEqual(here.returncode, 64, here.stdout + here.stderr)
            self.assertIn("comes from the server itself", here.stderr)
        self.assertEqual(self.host.exec(["revet", "confirm"], check=False).returncode, 64)
        self.assertIn("waiting", self.out("revet", "history"))
        self.out("rm", "/run/go")
        confirmed = self.over_ssh("sudo revet confirm")
        self.assertEqual(confirmed.returncode, 0, confirmed.stderr)
        self.out("revet", "revert")

    def test_another_sshd_is_the_way(self):
        """The configuration that is looked at is not that of the sshd through which the session came."""
        self.out("sh", "-ec", "sed 's/^Include.*//' /etc/ssh/sshd_config >/etc/ssh/other; echo Port 2222 >>/etc/ssh/other; "
                 "echo 'PidFile none' >>/etc/ssh/other; /usr/sbin/sshd -f /etc/ssh/other")
        other = ["-p", "2222", f"ops@{self.host.net().host}"]
        options = ["-F", "none", "-i", self.host.image.key, "-oStrictHostKeyChecking=no",
                   "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes"]
        ran = self.host.outside(["ssh", *options, *other, f"echo {PASSWORD} | sudo -S revet apply --no-input "
                                 "--rule ssh.keys-only"], timeout=60)
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("port 2222", ran.stderr)
        self.assertIn("nothing was changed", ran.stderr)
        self.out("pkill", "-f", "sshd -f /etc/ssh/other")

    def test_where_a_hop_on_the_server_is_the_way(self):
        ran = self.over_a_hop("revet apply --no-input --wait 10min --rule ssh.keys-only")
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        confirmed = self.over_a_hop("revet confirm")
        self.assertEqual(confirmed.returncode, 0, confirmed.stderr)
        self.out("revet", "revert")


if __name__ == "__main__":
    unittest.main()
