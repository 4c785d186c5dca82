# SPDX-License-Identifier: Apache-2.0
"""sshd and sshd_config against sshd -T, with and without a connection, and the lines of the files.

pwhistory and the like have their oracle in test_oracle_accounts.py.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by, source, tree_table

# Connections that the Match blocks tell apart: user, host name, address.
CONNECTIONS = [("ops", "laptop.example", "10.99.7.1"), ("deploy", "laptop.example", "10.99.7.1"),
               ("deploy", "laptop.example", "192.0.2.1"), ("root", "x.example", "fd00::7"),
               ("backup", "y.example", "2001:db8::1"), ("aged", "z.internal", "127.0.0.1")]

# Former names, which sshd of bullseye still prints; the table has today's.
FORMER = {"hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
          "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
          "challengeresponseauthentication": "kbdinteractiveauthentication"}

EXTRA = """
# the first value wins, in whichever file
loglevel verbose
LoginGraceTime 2m
ClientAliveCountMax=7
MaxStartups 20
AllowUsers ops deploy
AllowUsers root@10.0.0.0/8
DenyGroups "no such group"
AcceptEnv LANG LC_*
AcceptEnv EDITOR
Ciphers ^aes256-gcm@openssh.com
MACs -hmac-sha1*
HostKey /etc/ssh/ssh_host_ed25519_key
Port 22
Port 2222
ListenAddress 0.0.0.0
ListenAddress [::]:22
PermitTunnel ethernet
Banner /etc/issue.net
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u
IPQoS af21 cs1
RekeyLimit 1G 1h
PermitOpen host:1 host:2
StreamLocalBindMask 0177
AuthenticationMethods publickey,password publickey
Subsystem other /bin/false -x "y z"
ForceCommand /bin/echo "a  b"
X11DisplayOffset 12
UsePAM yes
GatewayPorts clientspecified
Compression delayed

Match User ops,!root Host *.example
	PasswordAuthentication no
	AllowTcpForwarding local
Match Address 192.0.2.0/24,2001:db8::/32
	PermitRootLogin forced-commands-only
	X11Forwarding no
	MaxSessions 2
Match User aged,back*
	PubkeyAuthentication no
Match all
"""


class Sshd(OnHost):
    image = "iot-backend"
    extra = ""
    taken = "PerSourceMaxStartups 5\n"

    @classmethod
    def prepare(cls):
        if cls.extra:
            cls.write("/etc/ssh/sshd_config.d/40-oracle.conf", cls.extra)
            cls.sh("sshd -t")

    def effective(self, *argv):
        """What sshd says, a list of values for each keyword."""
        found = {}
        for line in self.out("sshd", "-T", *argv).splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return found

    def global_rows(self, rows):
        """Words by keyword: how a list is parted, and over how many lines, is not compared."""
        found = {}
        for row in rows:
            if row["match"] is None and not isinstance(row["value"], dict):
                found.setdefault(row["key"].lower(), []).append(row["value"])
        return {key: self.words(key, values) for key, values in found.items()}

    def words(self, key, values):
        words = re.split(r"[ ,]+", ",".join(values).replace('"', ""))
        if key == "permitrootlogin":
            words = [w.replace("without-password", "prohibit-password") for w in words]
        return sorted(words) if key in ("port", "listenaddress") else words

    def as_table(self, effective):
        return {FORMER.get(key, key): self.words(key, values) for key, values in effective.items()
                if FORMER.get(key) not in effective}

    def test_every_key(self):
        self.same(self.global_rows(self.table("sshd")), self.as_table(self.effective()), 80)

    def test_each_line_is_where_it_says(self):
        rows = self.table("sshd")
        named = 0
        for row in rows:
            if row["_source"] == "sshd -T":
                continue
            path, line = source(row, "value")
            text = self.line(path, line).split("#")[0]
            keyword = re.split(r"[\s=]+", text.strip())[0]
            keyword = FORMER.get(keyword.lower(), keyword.lower())
            self.assertEqual(keyword, row["key"].lower(), f"{path}:{line}: {text}")
            named += 1
        self.assertGreater(named, 5)

    def test_what_no_file_sets_is_a_default(self):
        """A key with a source in the files is set there; one without is in none of them."""
        lines = [row for row in self.table("sshd_config") if row["match"] is None]
        written = {row["keyword"].lower() for row in lines}
        for row in self.table("sshd"):
            if row["match"] is None:
                self.assertEqual(row["_source"] != "sshd -T", row["key"].lower() in written, row)

    def test_match_blocks(self):
        """The first block that fits a connection sets an option, else what holds for all."""
        rows = self.table("sshd")
        base = self.global_rows(rows)
        blocks = [row for row in rows if row["match"] is not None]
        self.assertGreater(len(blocks), 2)
        for user, name, address in CONNECTIONS:
            said = self.as_table(self.effective("-C", f"user={user},host={name},addr={address},"
                                                      f"laddr=10.99.1.2,lport=22,rdomain="))
            want, fits = {}, {}
            for criteria in dict.fromkeys(row["match"] for row in blocks):
                fits[criteria] = self.fits(criteria, user, name, address)
            for row in blocks:
                if fits[row["match"]]:
                    want.setdefault(row["key"].lower(), row["value"])
            with self.subTest(user=user, address=address):
                for key, value in want.items():
                    self.assertEqual(said[key], self.words(key, [value]), key)
                for key, values in said.items():
                    if key not in want:
                        self.assertEqual(values, base[key], key)

    def fits(self, criteria, user, name, address):
        """Asks sshd: a configuration of this one block that sets an option nothing else sets."""
        self.write("/run/oracle_config", "HostKey /etc/ssh/ssh_host_ed25519_key\n"
                   f"Match {criteria}\n\tX11DisplayOffset 77\n")
        return self.effective("-f", "/run/oracle_config", "-C",
                              f"user={user},host={name},addr={address},laddr=10.99.1.2,lport=22,"
                              "rdomain=")["x11displayoffset"] == ["77"]

    def test_every_line(self):
        """sshd_config: each line that is no comment, of each file that is included."""
        want, including = [], self.read("/etc/ssh/sshd_config").splitlines()
        for number, line in enumerate(including, 1):
            if re.match(r"\s*include\b", line, re.I):
                want.append(("/etc/ssh/sshd_config", number))
                for path in sorted(self.sh("ls /etc/ssh/sshd_config.d/*.conf").split()):
                    want += self.lines_of(path)
            elif line.strip() and not line.strip().startswith("#"):
                want.append(("/etc/ssh/sshd_config", number))
        got = [(row["file"], row["line"]) for row in self.table("sshd_config")]
        self.assertEqual(got, want)

    def lines_of(self, path):
        return [(path, n) for n, line in enumerate(self.read(path).splitlines(), 1)
                if line.strip() and not line.strip().startswith("#")]

    def test_the_files_alone(self):
        """Without sshd, each value is the one that sshd has, or is unknown."""
        live = self.global_rows(self.table("sshd"))
        rows = tree_table(self.host.root, "sshd")
        offline = self.global_rows(rows)
        addresses = offline.pop("listenaddress", [])  # sshd -T adds the ports
        self.same(offline, {key: live.get(key) for key in offline}, 4)
        for address in addresses:
            self.assertTrue(any(a.startswith(address) for a in live["listenaddress"]), address)
        self.assertEqual(live.keys() - {row["key"].lower() for row in rows}, set())

    def test_what_sshd_says_of_itself_is_taken(self):
        """A configuration of all that sshd prints has no line that it would not start with."""
        self.write("/tree/etc/ssh/sshd_config", self.out("sshd", "-T") + self.taken)
        self.sh("install -D /usr/sbin/sshd /tree/usr/sbin/sshd; sshd -t -f /tree/etc/ssh/sshd_config")
        ran = self.host.exec(["revet", "table", "sshd", "--root", "/tree"])
        self.assertNotIn("would not start", ran.stderr)
        self.write("/tree/etc/ssh/sshd_config", self.out("sshd", "-T") + "PermitTunnel maybe\n")
        self.assertIn("would not start", self.host.exec(["revet", "table", "sshd", "--root", "/tree"]).stderr)


class SshdLocal(OnHost):
    """With a Match on the local port, sshd -T fails: what no block sets is known all the same."""
    image = "debian-12"
    GLOBAL = "X11Forwarding no\nClientAliveCountMax 7\n"
    BLOCKS = ("Match LocalPort 1\n\tX11Forwarding yes\n\tMaxAuthTries 2\n"
              "Match LocalAddress *\n\tAllowTcpForwarding no\n")

    def test_what_holds_for_all(self):
        self.write("/etc/ssh/sshd_config.d/40-oracle.conf", self.GLOBAL)
        want = {(row["key"], str(row["value"])) for row in self.table("sshd")}
        self.write("/etc/ssh/sshd_config.d/40-oracle.conf", self.GLOBAL + self.BLOCKS)
        self.assertNotEqual(self.host.exec(["sshd", "-T"], check=False).returncode, 0)
        got = {(row["key"], str(row["value"])) for row in self.table("sshd") if row["match"] is None}
        unknown = {"MaxAuthTries", "AllowTcpForwarding"}  # set by a block only
        self.assertEqual({key for key, value in want - got}, unknown)
        self.assertEqual({key for key, value in got - want}, unknown)
        for key, value in got - want:
            self.assertIn("unknown", value)


class RootLogin(OnHost):
    """A Match block counts for PermitRootLogin where it can hold for an account of uid 0: of criteria that
    name users alone sshd says which ones do."""

    image = "debian-12"
    USERS = ("root", "toor")
    CRITERIA = ("User bob", "User root", "User toor", "User toor,bob", "User *", "User ro?t", "User ro?",
                "User r*t,!root", "User !bob", "User !bob,*", "User *,!root,!toor", "User !ro*,!to*,*",
                "User bob,,root", "User Root", "user ROOT,ops", "User \"bob, root\"", "User \"bob,root\"",
                "User bob User root", "User root User r*", "User * User bob", "User r[o]ot", "User **t",
                "User ?", "User ????", "User root*,o*", "User bob Address *", "Address * User root",
                "Address * User !root,!toor,*", "all")

    def holds(self):
        return any("permitrootlogin yes" in self.out("sshd", "-T", "-C", f"user={user},host=x,addr=192.0.2.1")
                   for user in self.USERS)

    def check(self, criteria, text):
        self.write("/etc/ssh/sshd_config.d/40-oracle.conf", text)
        self.sh("sshd -t")
        rows = [row for row in self.table("sshd") if row["key"] == "PermitRootLogin"]
        with self.subTest(criteria):
            self.assertEqual({row["value"] for row in rows if row["match"] is None}, {"no"} if criteria != "all" else {"yes"})
            told, held = any(row["value"] == "yes" for row in rows), self.holds()
            # A bracket is a letter to sshd; what it would be to a shell is not gone into.
            self.assertTrue(told if "[" in criteria else told == held, (told, held))

    def test_which_blocks_can_hold(self):
        self.sh("useradd -o -u 0 -g 0 -M -s /bin/sh toor; useradd -m bob")
        for criteria in self.CRITERIA:
            self.check(criteria, f"{'' if criteria == 'all' else 'PermitRootLogin no'}\n"
                       f"Match {criteria}\n\tPermitRootLogin yes\n")
        # A block around an Include holds for what is in it as well.
        for outer, inner in (("bob", "root"), ("root", "bob"), ("root", "r*"), ("*", "toor")):
            self.write("/etc/ssh/inner", f"Match User {inner}\n\tPermitRootLogin yes\n")
            self.check(f"{inner} in {outer}", f"PermitRootLogin no\nMatch User {outer}\n\tInclude /etc/ssh/inner\n")


class SshdExtra(Sshd):
    extra = EXTRA

    def test_planted_keys_are_judged_by_their_value(self):
        rows = self.global_rows(self.table("sshd"))
        self.assertEqual(rows["loglevel"], ["VERBOSE"])
        self.assertEqual(sorted(rows["port"]), ["22", "2222"])
        self.assertEqual(rows["logingracetime"], ["120"])


class Sshd11(Sshd):
    image = "debian-11"
    extra = EXTRA.replace("-hmac-sha1*", "-hmac-sha1")
    taken = ""


    def test_two_names_of_one_thing(self):
        """Here keyboard-interactive is offered by the one and answered only with the other, which
        when it is on turns the first on as well: off it is when both say so."""
        for one in ("yes", "no"):
            for other in ("yes", "no"):
                self.write("/etc/ssh/sshd_config.d/10-kbd.conf",
                           f"ChallengeResponseAuthentication {one}\n"
                           f"KbdInteractiveAuthentication {other}\n")
                said = self.effective()
                self.assertEqual(said["challengeresponseauthentication"], [one])
                rows = self.global_rows(self.table("sshd"))
                self.assertEqual(rows["kbdinteractiveauthentication"], ["no" if one == other == "no" else "yes"],
                                 (one, other))
        self.out("rm", "/etc/ssh/sshd_config.d/10-kbd.conf")


class Sshd13(Sshd):
    image = "debian-13"
    extra = EXTRA


if __name__ == "__main__":
    unittest.main()
