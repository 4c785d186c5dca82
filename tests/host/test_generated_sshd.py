# SPDX-License-Identifier: Apache-2.0
"""The table sshd on generated configurations, against what `sshd -T -C` says of connections.

Of each connection every keyword is compared: the first Match block that fits gives its value, else
what holds for all. Which blocks fit is asked of sshd, too. A configuration that sshd refuses must
never have rows that may be taken for complete.
"""

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
from test_oracle_sshd import FORMER

CONNECTIONS = [("ops", "laptop.example", "10.99.7.1", "10.99.1.2", 22),
               ("root", "x.internal", "fd00::7", "fd00::1", 22),
               ("backup", "host.example", "192.0.2.77", "10.99.1.2", 2222),
               ("nobody-here", "y.example", "2001:db8::1", "192.0.2.1", 22)]

YES = ("yes", "no", "yes", "no", "Yes", "NO")
# Keyword, values; in Match blocks those with `+` in front, too.
KEYWORDS = {
    "+PermitRootLogin": YES + ("prohibit-password", "without-password", "forced-commands-only"),
    "+PasswordAuthentication": YES, "+PubkeyAuthentication": YES, "+X11Forwarding": YES,
    "+KbdInteractiveAuthentication": YES, "+ChallengeResponseAuthentication": YES,
    "+PermitEmptyPasswords": YES, "+AllowAgentForwarding": YES, "+PermitTTY": YES,
    "+AllowTcpForwarding": YES + ("local", "remote", "all"), "+DisableForwarding": YES,
    "+AllowStreamLocalForwarding": YES + ("local", "none"),
    "+GatewayPorts": YES + ("clientspecified",), "+PermitTunnel": YES + ("ethernet", "point-to-point"),
    "+PermitUserRC": YES, "+HostbasedAuthentication": YES, "+ExposeAuthInfo": YES,
    "+IgnoreRhosts": YES + ("shosts-only",), "+GSSAPIAuthentication": YES,
    "UsePAM": YES, "StrictModes": YES, "TCPKeepAlive": YES, "UseDNS": YES, "PrintMotd": YES,
    "PrintLastLog": YES, "IgnoreUserKnownHosts": YES, "Compression": YES + ("delayed",),
    "DebianBanner": YES, "PermitUserEnvironment": ("yes", "no", "LANG", "LC_*"),
    "+MaxAuthTries": ("3", "6", "1"), "+MaxSessions": ("0", "2", "10"),
    "+ClientAliveInterval": ("0", "30", "5m", "1h30m", "1M", "2d"),
    "+ClientAliveCountMax": ("0", "3", "7"), "LoginGraceTime": ("0", "30", "2m", "1m30s", "90S"),
    "+LogLevel": ("INFO", "verbose", "Debug3", "QUIET", "error"),
    "SyslogFacility": ("AUTH", "authpriv", "local3"), "FingerprintHash": ("md5", "SHA256"),
    "+X11DisplayOffset": ("10", "12"), "+StreamLocalBindMask": ("0177", "077"),
    "MaxStartups": ("10", "5:30:60", "10:30:100"), "+RekeyLimit": ("1G 1h", "default none", "512M", "1g 30"),
    "+IPQoS": ("af21 cs1", "none", "ef"), "AddressFamily": ("any", "inet", "INET6"),
    "Port": ("22", "2222"), "+Banner": ("none", "/etc/issue.net", '"/etc/my banner"'),
    "+ForceCommand": ("/bin/false", '/bin/echo "a  b"', "internal-sftp -l INFO", "none"),
    "+ChrootDirectory": ("none", "/srv/%u", '"/srv/a b"'), "VersionAddendum": ("none", "Debian x y"),
    "+AllowUsers": ("ops", "ops root", "root@10.0.0.0/8", "*@10.99.*", "back* deploy", "OPS",
                    "ops@192.0.2.1 ops"),
    "+DenyUsers": ("deploy", "nobody nobody2", "x@*"), "+AllowGroups": ("sudo", "sudo ops", '"a b" sudo'),
    "+DenyGroups": ("games", "no*", "games lp"), "+AcceptEnv": ("LANG LC_*", "EDITOR", "LANG"),
    "+AuthorizedKeysFile": ("none", ".ssh/authorized_keys", ".ssh/authorized_keys /etc/keys/%u"),
    "+AuthenticationMethods": ("any", "publickey", "publickey,password publickey",
                               "publickey,keyboard-interactive", "password"),
    "+PermitOpen": ("any", "none", "host:1 host:2", "[::1]:80"), "+PermitListen": ("any", "none", "8080", "localhost:9 10"),
    "+SetEnv": ("A=1", 'B="x y" C=2', "LANG=C"), "+TrustedUserCAKeys": ("none", "/etc/ssh/ca.pub"),
    "+RevokedKeys": ("none",), "+AuthorizedPrincipalsFile": ("none", "/etc/p/%u"),
    "Ciphers": ("aes256-ctr", "aes256-gcm@openssh.com,aes256-ctr", "+3des-cbc", "-aes128*", "^aes256-ctr"),
    "MACs": ("hmac-sha2-256", "-hmac-sha1*", "hmac-sha2-512,hmac-sha1", "+hmac-md5"),
    "KexAlgorithms": ("curve25519-sha256", "-ecdh*", "^curve25519-sha256"),
    "+PubkeyAcceptedKeyTypes": ("ssh-ed25519", "-ssh-rsa*", "^ssh-ed25519"),
    "HostKeyAlgorithms": ("ssh-ed25519", "+ssh-ed25519"),
    "+CASignatureAlgorithms": ("ssh-ed25519", "-ecdsa*"),
    "PidFile": ("none", "/run/sshd.pid"), "+PubkeyAuthOptions": ("none", "touch-required"),
    "Protocol": ("2", "1,2"), "UsePrivilegeSeparation": ("sandbox",), "RhostsRSAAuthentication": ("no",),
    "KeepAlive": YES, "DSAAuthentication": YES, "ListenAddress": ("0.0.0.0", "[::]:22", "10.99.1.2:2222", "::"),
}
# What sshd refuses, at least in one place or in some release.
BROKEN = ("PermitRootLogin maybe", "PermitRootLogin", "NoSuchKeyword yes", 'Banner "open',
          "Match", "Match Nonsense x", "Match User", "LoginGraceTime 2x", "MaxAuthTries many",
          "Match Address 10.1.2.3/8", "Port 0", "Port 70000", "LogLevel LOUD", "UsePAM yes no",
          "AllowUsers a@300.0.0.0/40", "Match User ops all", "X11Forwarding no # why",
          "PasswordAuthentication no yes", "Ciphers none-such", "Subsystem sftp", "IPQoS odd",
          "AuthenticationMethods none", "AuthenticationMethods any publickey", "PermitOpen host",
          "MaxStartups 10:200:5", "AddressFamily inet7", "Match User=ops", "PasswordAuthentication=no",
          "Match Invalid-User", "Include", "ClientAliveInterval -1", "StreamLocalBindMask 9",
          "RekeyLimit 1", "AcceptEnv A=B", "HostKey", "Match LocalPort x", "StrictModes 1")

CRITERIA = {
    "User": ("ops", "root", "*", "!root,*", "ops,backup", "back*", "nobody-h?re", "!ops", "OPS"),
    "Group": ("sudo", "ops", "!sudo,*", "root", "backup,adm"),
    "Host": ("*.example", "laptop.*", "!laptop.example,*", "x.internal", "LAPTOP.example"),
    "Address": ("10.99.7.1", "10.99.0.0/16", "192.0.2.0/24,2001:db8::/32", "fd00::/8", "*",
                "!10.99.7.1,*", "10.99.*", "!192.0.2.0/24,0.0.0.0/0"),
    "LocalAddress": ("10.99.1.2", "fd00::1", "10.0.0.0/8", "*"),
    "LocalPort": ("22", "2222"),
}
INCLUDES = ("/etc/ssh/sshd_config.d/*.conf", "extra/*", "/etc/ssh/extra/one", "sshd_config.d/[12]*.conf",
            "/etc/ssh/none*.conf", "extra/one sshd_config.d/20-b.conf", "/etc/ssh/sshd_config.d/??-a.conf")
FILES = ("sshd_config.d/10-a.conf", "sshd_config.d/20-b.conf", "sshd_config.d/90-z.conf", "extra/one",
         "extra/two", "sshd_config.d/.hidden.conf", "sshd_config.d/20-b.conf.bak")

RUN = r"""
rm -rf /etc/ssh
cd /gen
for n in *; do
    ln -sfn /gen/$n/etc/ssh /etc/ssh
    cp -p /root/keys/ssh_host_* /gen/$n/etc/ssh/
    revet table sshd -f json >$n/rows 2>$n/rows.err || :
    sshd -T >$n/T 2>$n/T.err || :
    i=0
    for c in $1; do sshd -T -C $c >$n/C$i 2>$n/C$i.err || echo $? >$n/C$i.refused; i=$((i + 1)); done
done
"""
FITS = r"""
cd /gen
for n in $1; do
    i=0
    for c in $2; do sshd -T -f /gen/$n/fits -C $c >$n/F$i 2>$n/F$i.err || :; i=$((i + 1)); done
done
"""


def spelled(rng, keyword):
    return rng.choice((keyword, keyword, keyword, keyword.lower(), keyword.upper()))


def written(rng, keyword, value):
    """A line, in one of the ways of writing it."""
    if " " not in value and '"' not in value and rng.random() < 0.1:
        value = f'"{value}"'
    between = rng.choice((" ",) * 8 + ("\t", "  ", "=", " = ", " \t "))
    return f"{rng.choice(('', '', '', '  ', chr(9)))}{spelled(rng, keyword)}{between}{value}" + \
        rng.choice(("",) * 9 + ("  ", "\t", "\r"))


# What only the build of sshd or its resolver knows, or many lines together: a tree alone does not tell.
BY_BUILD = r"bad addr or host|Disabled method|cipher spec|Bad IPQoS|RekeyLimit too small|must appear alone|Invalid-User"

# Of several blocks that fit sshd takes these from the last.
LAST = {"streamlocalbindmask"}


class Sshd(generated.Generated):
    image = "debian-12"
    by_release = BY_BUILD
    stricter = "^$"
    unlike = ()  # keywords that the table has otherwise, knowing better
    ordinary = 15

    @classmethod
    def prepare(cls):
        cls.sh("mkdir -p /root/keys && cp -p /etc/ssh/ssh_host_ed25519_key* /root/keys/")

    # --- making ---

    def match(self, rng):
        if rng.random() < 0.15:
            return rng.choice(("Match all", "match ALL"))
        kinds = rng.sample(sorted(CRITERIA), rng.choice((1, 1, 1, 2, 2, 3)))
        if rng.random() < 0.7:
            kinds = [kind for kind in kinds if not kind.startswith("Local")] or ["User"]
        words = []
        for kind in kinds:
            words += [spelled(rng, kind), rng.choice(CRITERIA[kind])]
        return f"{spelled(rng, 'Match')} {' '.join(words)}"

    def line(self, rng, in_match):
        kind = rng.random()
        if kind < 0.06:
            return rng.choice(("", "# PermitRootLogin yes", "   ", "\t# x"))
        if kind < 0.10:
            return written(rng, "Include", rng.choice(INCLUDES))
        if kind < 0.10 + self.trouble:
            return rng.choice(BROKEN)
        names = [k for k in KEYWORDS if k.startswith("+") or not in_match]
        keyword = rng.choice(self.favourites) if rng.random() < 0.3 else rng.choice(names)
        return written(rng, keyword.lstrip("+"), rng.choice(KEYWORDS[keyword]))

    def text(self, rng, n, in_match):
        lines = []
        for _ in range(n):
            if rng.random() < 0.15:
                lines.append(self.match(rng))
                in_match = True
            else:
                lines.append(self.line(rng, in_match))
        return "\n".join(lines) + rng.choice(("\n", "\n", ""))

    def make(self, rng):
        self.trouble = rng.choice((0, 0, 0.05))
        self.favourites = rng.sample([k for k in KEYWORDS if k.startswith("+")], 4)
        tree = {"etc/ssh/sshd_config": self.text(rng, rng.randrange(2, 25), False)}
        for file in rng.sample(FILES, rng.randrange(5)):
            tree[f"etc/ssh/{file}"] = self.text(rng, rng.randrange(1, 8), rng.random() < 0.5)
        if rng.random() < 0.5:
            tree["etc/ssh/sshd_config"] = f"Include {INCLUDES[0]}\n" + tree["etc/ssh/sshd_config"]
        tree.setdefault("etc/ssh/sshd_config.d/x", "#\n")
        return tree

    # --- judging ---

    def specs(self):
        return [f"user={u},host={h},addr={a},laddr={l},lport={p},rdomain="
                for u, h, a, l, p in CONNECTIONS]

    def judge(self, places):
        self.host.exec(["sh", "-euc", RUN, "sh", " ".join(self.specs())], timeout=3600)
        found = [self.read_back(place) for place in places]
        asked = [p for p, one in zip(places, found) if self.ask_what_fits(p, one)]
        if asked:
            self.host.exec(["sh", "-euc", FITS, "sh", " ".join(os.path.basename(p) for p in asked),
                            " ".join(self.specs())], timeout=3600)
        return [self.compare(place, one) for place, one in zip(places, found)]

    def read_back(self, place):
        """The rows of the host itself and of the tree, and what is said to be missing."""
        self.lay(f"{place}/usr/sbin/sshd", "")
        offline = subprocess.run([REVET, "table", "sshd", "--root", place, "-f", "json"],
                                 capture_output=True, text=True, env=ENVIRONMENT, check=False)
        return {"live": self.rows(self.slurp(f"{place}/rows")), "gap": self.slurp(f"{place}/rows.err"),
                "offline": self.rows(offline.stdout), "offline gap": offline.stderr,
                "refused": [os.path.exists(f"{place}/C{n}.refused") for n in range(len(CONNECTIONS))]}

    def slurp(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def rows(self, text):
        return json.loads(text) if text else []

    def criteria(self, one):
        return list(dict.fromkeys(r["match"] for r in one["live"] + one["offline"] if r["match"]))

    def ask_what_fits(self, place, one):
        if all(one["refused"]) or not self.criteria(one):
            return False
        with open(f"{place}/fits", "w", encoding="utf-8") as file:
            file.write("HostKey /root/keys/ssh_host_ed25519_key\n")
            for n, criteria in enumerate(self.criteria(one)):
                file.write(f"Match {criteria}\n\tAcceptEnv FITS{n}_\n")
        return True

    def words(self, key, values):
        words = re.split(r"[ ,]+", ",".join(values).replace('"', ""))
        if key == "permitrootlogin":
            words = [w.replace("without-password", "prohibit-password") for w in words]
        return sorted(words) if key in ("port", "listenaddress") else words

    def said(self, text):
        found = {}
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return {FORMER.get(k, k): self.words(FORMER.get(k, k), v) for k, v in found.items()
                if FORMER.get(k) not in found}

    def compare(self, place, one):
        if all(one["refused"]):
            why = self.slurp(f"{place}/C0.err").strip()
            return [f"{name} takes what sshd refuses, {re.sub('^.*line [0-9]+: *', '', why)}: {why}"
                    for name, gap in (("live", one["gap"]), ("offline", one["offline gap"]))
                    if not gap and not (name == "offline" and re.search(self.by_release, why))]
        lines = []
        for name, gap in (("live", one["gap"]), ("offline", one["offline gap"])):
            if gap and not any(one["refused"]) and not re.search(self.stricter, gap):
                lines.append(f"{name} refuses what sshd takes: {gap.strip()}")
        for n, connection in enumerate(CONNECTIONS):
            if one["refused"][n]:  # a block that fits it has what sshd refuses
                continue
            said = self.said(self.slurp(f"{place}/C{n}"))
            fits = set()
            if self.criteria(one):
                marks = set(re.findall(r"^acceptenv FITS(\d+)_$", self.slurp(f"{place}/F{n}"), re.M))
                fits = {c for k, c in enumerate(self.criteria(one)) if str(k) in marks}
            for name in ("live", "offline"):
                for line in self.differing(one[name], said, fits, name == "live", connection[0]):
                    lines.append(f"{name} {line} for {connection}")
        return lines

    def differing(self, rows, said, fits, is_live, user):
        base, matched, unknown = {}, {}, set()
        adding = {"acceptenv", "allowusers", "denyusers", "allowgroups", "denygroups", "subsystem"}
        for row in rows:
            key = row["key"].lower()
            if row["match"] is not None and row["match"] not in fits:
                continue
            there = matched if row["match"] is not None else base
            if key in LAST and there is matched:
                matched.pop(key, None)
            if isinstance(row["value"], dict) and not (there is matched and key in matched):
                unknown.add(key)
            if there is base or key in adding or key not in matched:
                there.setdefault(key, []).append(row["value"])
        for key in sorted(said.keys() | base.keys() | matched.keys()):
            values = matched.get(key, base.get(key))
            if key in unknown or key in self.unlike or (not is_live and values is None):
                continue
            if key == "permitrootlogin" and user != "root":  # it is about nobody else
                continue
            if key == "listenaddress" and not is_live:  # sshd -T adds the ports
                continue
            got = self.words(key, values) if values else None
            if key == "debianbanner" and key not in said:  # sshd -T of bookworm does not print it
                continue
            if key in adding and key in matched and got != said.get(key):  # what `Match all` adds
                got = self.words(key, values + base.get(key, []))
                got = sorted(got) == sorted(said.get(key, [])) and said[key] or got
            if got != said.get(key):
                yield f"{key}: the table {got}, sshd {said.get(key)}"


class Debian11(Sshd):
    """Its sshd takes no comment behind arguments and no address in quotes, has two options for one, merges a
    RekeyLimit of a block with that outside, and forgets a SetEnv of a block."""

    image = "debian-11"
    by_release = BY_BUILD + r"|not allowed within a Match|garbage at end|extra argument|bad ListenAddress syntax"
    stricter = "does not stand in a Match block"  # an included file may have anything
    unlike = ("kbdinteractiveauthentication", "rekeylimit", "setenv")


class Debian13(Sshd):
    image = "debian-13"


if __name__ == "__main__":
    unittest.main()
