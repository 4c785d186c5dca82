# SPDX-License-Identifier: Apache-2.0
"""users, groups, shadow, shells, sudoers, sudoers_defaults, pam, login_defs, limits, shell_profile,
root_path, and the settings of PAM modules: against getent, id, passwd -S, chage, getusershell(3),
cvtsudoers, sudo -l and logins.

pwquality, faillock and pwhistory are not installed on the hosts; their files are planted, with the
lines of PAM that use them, and read here a second time. pam_features is compared with
pam-auth-update's own files here, and with logins in test_pam.py.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by, source

SUDOERS = r"""
User_Alias	NIGHT = aged, !expired, NESTED
User_Alias	NESTED = %adm, #1000
Runas_Alias	DB = postgres, %postgres
Cmnd_Alias	SHELLS = /bin/sh, /bin/bash, !/bin/dash
Cmnd_Alias	SAFE = /usr/bin/id "", /usr/bin/tail -n 5 /var/log/*, \
	/usr/bin/sed s\:a\:b\:
NIGHT		ALL = (DB) NOPASSWD: NOEXEC: SHELLS, SAFE : iot-backend = PASSWD: /bin/ls
expired		ALL, !10.0.0.1 = (root : adm) SETENV: /usr/bin/env, ! /usr/bin/env FOO
%#27		ALL = NOPASSWD: sudoedit /etc/hosts
locked		iot-backend = /usr/bin/, sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/ls
Defaults	env_keep += "LANG LC_ALL", !lecture, passwd_tries=2
Defaults@iot-backend	insults
Defaults>postgres	!set_logname
"""


class Accounts(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh("""
            groupadd -o -g 1000 twin; gpasswd -a ops games; gpasswd -a deploy twin
            useradd -r -s /usr/sbin/nologin svc; useradd -u 70000 -s /bin/zsh -M gone
            useradd -m -s '' noshell; useradd -m -s /bin/sync sy
            usermod -e 2030-01-02 gone; chage -m 3 -M 90 -W 14 -I 30 -d 2026-01-02 noshell
            chage -d 0 sy; chage -E 0 svc; chage -M -1 -m 0 -I -1 sy; usermod -p '*' gone
            printf '%s\\n' 'noshell:$6$salt$gSK' 'sy:$2b$10$abc' | chpasswd -e
        """)

    def lines(self, database):
        return [line.split(":") for line in self.out("getent", database).splitlines()]

    def test_users(self):
        want, uids = {}, {}
        for name, _, uid, gid, gecos, home, shell in self.lines("passwd"):
            uids.setdefault(uid, []).append(name)
            want[name] = {"uid": int(uid), "gid": int(gid), "gecos": gecos, "home": home,
                          "shell": shell,
                          "system": int(uid) < 1000 or uid == "65534"}
        gids = {name: gid for name, _, gid, _ in self.lines("group")}
        said = self.sh('for name; do echo $(id -G $name); done', *want)
        for (name, row), ids in zip(want.items(), said.splitlines(), strict=True):
            row["groups"] = sorted(set(ids.split()))  # as numbers: names may share one
            row["uid_shared_with"] = sorted(set(uids[str(row["uid"])]) - {name})
        rows = by(self.table("users"), "name")
        columns = list(want["root"])
        got = {name: {c: row[c] for c in columns} for name, row in rows.items()}
        for row in got.values():
            row["groups"] = sorted({gids[group] for group in row["groups"]})
            row["uid_shared_with"] = sorted(row["uid_shared_with"] or [])
        self.same(got, want, 30)
        for name in ("root", "ops", "noshell", "gone"):
            self.assertTrue(rows[name]["login_shell"], name)
        for name in ("svc", "daemon", "sy"):
            self.assertFalse(rows[name]["login_shell"], name)

    def test_root_path(self):
        """Each directory of the PATH that a login of root has is in the table, as stat sees it."""
        self.sh("""
            install -d -m 775 -o ops /srv/tools; install -d -m 1777 /srv/open
            printf '%s\\n' 'PATH=/srv/tools:$PATH:/srv/open:/srv/none' >>/root/.profile
        """)
        path = self.out("su", "-", "root", "-c", "echo $PATH").strip().split(":")
        self.assertLessEqual({"/srv/tools", "/srv/open", "/srv/none"}, set(path))
        want = {}
        for directory in path:
            said = self.out("stat", "-Lc", "%U %04a", directory, check=False).split()
            want[directory] = [bool(said), *(said or [None, None])]
        rows = {row["directory"]: row for row in self.table("root_path")}
        got = {directory: [row["exists"], row["owner"], row["mode"]]
               for directory, row in rows.items() if directory in want}
        self.same(got, want, 5)
        for directory, writable in (("/srv/tools", True), ("/srv/open", True), ("/usr/bin", False)):
            self.assertEqual(rows[directory]["writable"], writable, directory)

    def test_shells(self):
        """Those that the C library lists, below the host's root."""
        self.sh("printf '%s\\n' '  /bin/ksh # none' '#/bin/no' relative '/usr/sbin/nologin x' >>/etc/shells")
        listing = ("import ctypes, os, sys; libc = ctypes.CDLL(None); os.chroot(sys.argv[1])\n"
                   "libc.getusershell.restype = ctypes.c_char_p\n"
                   "while shell := libc.getusershell(): print(shell.decode())")
        said = subprocess.run([sys.executable, "-c", listing, self.host.root], capture_output=True,
                              text=True, check=True).stdout.split()
        self.assertIn("/usr/sbin/nologin", said)
        self.same(dict.fromkeys((row["path"] for row in self.table("shells")), "a row"),
                  dict.fromkeys(said, "a row"), 5)

    def test_groups(self):
        gids = {}
        for name, _, gid, _ in self.lines("group"):
            gids.setdefault(gid, []).append(name)
        want = {name: {"gid": int(gid), "members": members.split(",") if members else [],
                       "gid_shared_with": [n for n in gids[gid] if n != name]}
                for name, _, gid, members in self.lines("group")}
        got = {row["name"]: {"gid": row["gid"], "members": row["members"],
                             "gid_shared_with": row["gid_shared_with"] or []}
               for row in self.table("groups")}
        self.same(got, want, 40)

    def test_shadow(self):
        rows = by(self.table("shadow"), "user")
        said = {line.split()[0]: line.split() for line in self.out("passwd", "-S",
                                                                   "-a").splitlines()}
        self.same(dict.fromkeys(rows, "a row"), dict.fromkeys(said, "a row"), 30)
        chage = self.sh('for name; do chage -i -l $name; echo; done', *rows).strip().split("\n\n")
        today = self.sh("date -u +%F").strip()
        for (name, row), dates in zip(rows.items(), chage, strict=True):
            with self.subTest(name):
                state, changed, least, most, warn, inactive = said[name][1:]
                self.assertEqual(row["empty"], state == "NP")
                self.assertEqual(row["locked"], state == "L")
                for column, text, nothing in (("min_days", least, ("-1", "0")),
                                              ("warn_days", warn, ("-1",)),
                                              ("max_days", most, ("-1", "99999")),
                                              ("inactive_days", inactive, ("-1",))):
                    if row[column] is None:
                        self.assertIn(text, nothing, column)
                    else:
                        self.assertEqual(str(row[column]), text, column)
                self.check_dates(row, changed, dates, today)

    def check_dates(self, row, changed, chage, today):
        chage = dict(re.split(r"\s*: ", line, maxsplit=1) for line in chage.strip().splitlines())
        if chage["Last password change"] in ("never", "password must be changed"):
            self.assertIn((row["last_change"] or "")[:10], ("", "1970-01-01"))
        else:
            self.assertEqual(row["last_change"][:10], chage["Last password change"])
            self.assertEqual(changed, chage["Last password change"])
            age = datetime.date.fromisoformat(today) - datetime.date.fromisoformat(changed)
            self.assertEqual(row["age_days"], age.days)
        expires = chage["Account expires"]
        self.assertEqual((row["expires"] or "never")[:10], expires)
        self.assertEqual(row["expired"], expires != "never" and expires <= today)

    def test_shadow_algorithms(self):
        kinds = {"1": "md5", "2b": "bcrypt", "5": "sha256", "6": "sha512", "y": "yescrypt"}
        rows = by(self.table("shadow"), "user")
        for line in self.read("/etc/shadow").splitlines():
            name, field = line.split(":")[:2]
            found = re.match(r"!*\$(\w+)\$", field)
            self.assertEqual(rows[name]["algorithm"], kinds[found[1]] if found else "none", name)
            self.assertEqual(rows[name]["has_password"], found is not None, name)

    def test_login_defs(self):
        want = dict(line.split(None, 1) for line in self.sh("grep -E '^[A-Z]' /etc/login.defs").splitlines())
        got = {row["key"]: row["value"] for row in self.table("login_defs")}
        self.same(got, {key: value.strip() for key, value in want.items()}, 20)


class Sudo(OnHost):
    @classmethod
    def prepare(cls):
        cls.write("/etc/sudoers.d/30-oracle", SUDOERS, "440")
        cls.sh("visudo -cq")

    def name(self, entry):
        """A member of cvtsudoers' JSON as sudoers(5) writes it."""
        negated = "!" if entry.get("negated") else ""
        marks = {"username": "", "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+",
                 "hostname": "", "networkaddr": "", "command": "", "sudoedit": ""}
        (key, value), = [(k, v) for k, v in entry.items() if k in marks]
        digest = "".join(f"{d} " for k,
                         v in entry.items() if k.startswith("sha") for d in [f"{k}:{v}"])
        return f"{negated}{digest}{marks[key]}{value}"

    def oracle(self):
        said = json.loads(self.out("cvtsudoers", "-e", "-f", "json", "/etc/sudoers"))
        rows = []
        for spec in said["User_Specs"]:
            for command in spec["Cmnd_Specs"]:
                options = {k: v for o in command.get("Options", []) for k, v in o.items()}
                runas = [self.name(e) for e in command.get("runasusers", [])]
                runas = runas or ["root"] * (not command.get("runasgroups"))
                runas += [":" + self.name(e).lstrip("%") for e in command.get("runasgroups", [])]
                rows.append({
                    "users": [self.name(e) for e in spec["User_List"]],
                    "hosts": [self.name(e) for e in spec["Host_List"]], "runas": runas,
                    "commands": [self.name(e) for e in command["Commands"]],
                    "nopasswd": options.get("authenticate") is False,
                    "noexec": options.get("noexec") is True})
        return rows

    def test_rows(self):
        def key(row):
            return json.dumps([[re.sub(r"\\(.)", r"\1", w) for w in row[c]]
                               for c in ("users", "hosts", "runas", "commands")])
        rows = self.table("sudoers")
        got = {key(r): {"nopasswd": r["nopasswd"], "noexec": "NOEXEC" in r["tags"]} for r in rows}
        want = {key(r): {"nopasswd": r["nopasswd"], "noexec": r["noexec"]} for r in self.oracle()}
        self.same(got, want, 7)
        for row in rows:
            self.assertEqual(row["all_commands"], "ALL" in row["commands"])
            self.assertEqual(row["negated"], any(c.startswith("!") for c in row["commands"]))
            self.assertEqual(row["wildcard"], any("*" in c for c in row["commands"]))
            path, line = source(row, "text")
            first = self.line(path, line).split()[0]
            self.assertEqual(first, row["text"].split()[0], f"{path}:{line}")

    def test_what_sudo_grants(self):
        """Who may run everything without a password, as sudo itself sees it."""
        rows = self.table("sudoers")
        there = self.sh("getent passwd | cut -d: -f1").split()
        people = {"root", "ops", "deploy", "backup", "aged", "expired", "nobody"} & set(there)
        for user in sorted(people):
            said = self.out("sudo", "-l", "-U", user, check=False)
            groups = self.out("id", "-Gn", user).split()
            mine = {user, "ALL", *(f"%{g}" for g in groups),
                    "#" + self.out("id", "-u", user).strip()}
            all_free = any(r["active"] and r["all_commands"] and r["nopasswd"]
                           and mine & set(r["users"])
                           for r in rows)
            self.assertEqual(all_free,
                             re.search(r"NOPASSWD:(?:\s*\w+:)* ALL$", said, re.M) is not None,
                             said)
            some = any(r["active"] and mine & set(r["users"]) for r in rows)
            self.assertEqual(some, "not allowed" not in said, said)

    def test_defaults(self):
        want = []
        for entry in json.loads(self.out("cvtsudoers", "-f", "json", "/etc/sudoers"))["Defaults"]:
            marks = {"useralias": ":", "username": ":", "hostname": "@", "hostalias": "@",
                     "command": "!", "cmndalias": "!", "runasuser": ">", "runasalias": ">"}
            scope = "".join(marks.get(k, "") + v for b in entry.get("Binding", []) for k,
                            v in b.items()
                            if k in marks)
            if scope.startswith(":") and "postgres" in scope:
                scope = ">" + scope[1:]
            for option in entry["Options"]:
                if "operation" in option:
                    name = next(k for k in option if k != "operation")
                    mark = {"list_add": "+=", "list_remove": "-="}.get(option["operation"], "")
                    want.append((name, mark + " ".join(option[name]), scope))
                    continue
                (name, value), = option.items()
                value = {True: "true", False: "false"}.get(value, value)
                want.append((name, value, scope))
        got = [(row["key"], re.sub(r"^([+-]=)\s*", r"\1", row["value"]).replace('"', ""),
                row["scope"])
               for row in self.table("sudoers_defaults")]
        self.same(dict.fromkeys(got, "a row"), dict.fromkeys(want, "a row"), 8)


class Sudo13(Sudo):
    image = "debian-13"


class Pam(OnHost):
    """The stacks resolved a second time, slowly."""

    @classmethod
    def prepare(cls):
        cls.write("/etc/pam.d/oracle", r"""# service of every kind of line
auth	required	pam_faillock.so preauth deny=4 unlock_time=300
auth	[success=2 default=ignore] pam_unix.so nullok try_first_pass
-auth	optional pam_missing.so
auth	include	oracle-inner
auth	substack oracle-inner
@include common-account
account	required pam_permit.so [a b] \
	x=1 # trailing comment
PASSWORD requisite pam_pwquality.so retry=2 minlen=11
password required pam_pwhistory.so remember=7 use_authtok
session	optional /opt/pam_own.so
""")
        cls.write("/etc/pam.d/oracle-inner",
                  "auth requisite pam_deny.so\naccount required pam_time.so\n"
                                             "auth include oracle-innermost\n")
        cls.write("/etc/pam.d/oracle-innermost", "auth optional pam_echo.so\n")
        cls.write("/etc/security/pwquality.conf", "# x\nminlen = 14\n dcredit=-1\n# ucredit = -1\n"
                                                  "enforce_for_root\nminlen = 12\n")
        cls.write("/etc/security/pwquality.conf.d/50-own.conf", "minclass = 3\nminlen = 9\n")
        cls.write("/etc/security/faillock.conf", "deny = 3\naudit\nsilent\n#even_deny_root\n")
        cls.write("/etc/security/pwhistory.conf", "remember = 5\nenforce_for_root\n")
        cls.write("/etc/security/limits.d/30-own.conf",
                  "ops hard nofile 4243\n@adm - nproc 777 # c\n"
                                                        "#* hard core 0\n%x soft core 0\n*  soft  core  0\n")
        cls.write("/etc/profile.d/own.sh", "umask 027\nTMOUT=600\nreadonly TMOUT\nexport TMOUT\n")

    def logical_lines(self, path):
        if path not in self.texts:
            self.texts[path] = self.read(path).splitlines()
        text = "\n".join(self.texts[path]).replace("\\\n", " ")
        for line in text.splitlines():
            line = line.split("#")[0].strip()
            if line:
                yield line

    def resolve(self, path, only=None):
        """(type, control, module, arguments) of each line, included files in place."""
        word = r"(\[(?:\\.|[^\]\\])*\]|\S+)"
        for line in self.logical_lines(path):
            found = re.match(r"@include\s+(\S+)", line)
            if found:
                yield from self.resolve(f"/etc/pam.d/{found[1]}", only)
                continue
            words = re.findall(word, line)
            kind, control, module, args = words[0].lstrip("-").lower(), words[1], words[2], words[3:]
            if only and kind != only:
                continue
            if control in ("include", "substack"):
                yield from self.resolve(f"/etc/pam.d/{module}", kind)
            else:
                yield kind, control, module, [re.sub(r"^\[(.*)\]$", r"\1", a) for a in args]

    def test_stacks(self):
        want, got = {}, {}
        for path in self.sh("ls -d /usr/lib/pam.d/* /etc/pam.d/*").split():
            name, position = os.path.basename(path), {}
            for kind, control, module, args in self.resolve(path):
                position[kind] = position.get(kind, 0) + 1
                want[name, kind, position[kind]] = {"control": control, "module": module,
                                                    "arguments": args}
        for row in self.table("pam"):
            got[row["service"], row["type"], row["position"]] = {
                "control": row["control"], "module": row["module"], "arguments": row["arguments"]}
        self.same(got, want, 100)

    def test_each_line_is_where_it_says(self):
        for row in self.snapshot("pam"):
            path, line = source(row, "module")
            self.assertEqual(path, row["file"])
            self.assertIn(row["module"], self.line(path, line))

    def settings(self, name):
        return {(row["key"], row["value"]) for row in self.table(name)}

    def test_settings_of_modules(self):
        """Arguments in PAM go before files, and both may be judged: multi-valued keys are rows."""
        quality = self.settings("pwquality")
        self.assertIn(("minlen", "11"), quality)
        self.assertIn(("retry", "2"), quality)
        self.assertIn(("dcredit", "-1"), quality)
        self.assertIn(("enforce_for_root", "true"), quality)
        self.assertIn(("ucredit", "0"), quality)  # what the module has when nothing is set
        self.assertNotIn(("minlen", "14"), quality)
        faillock = self.settings("faillock")
        self.assertIn(("deny", "4"), faillock)
        self.assertIn(("unlock_time", "300"), faillock)
        self.assertIn(("audit", "true"), faillock)
        self.assertNotIn("even_deny_root", dict(faillock))
        history = self.settings("pwhistory")
        self.assertIn(("remember", "7"), history)
        # The module of Linux-PAM 1.5.2, which this is, does not look into the file.
        self.assertNotIn("enforce_for_root", dict(history))
        self.assertEqual(self.sh("grep -c pwhistory.conf /usr/lib/*/security/pam_pwhistory.so || true"), "0\n")

    def test_pam_features(self):
        on = self.sh("sed -n 's/^Module: //p' /var/lib/pam/*").split()
        got = {row["feature"]: row["value"] for row in self.table("pam_features")}
        for feature, profile in (("faillock", "revet-faillock"), ("pwhistory", "revet-pwhistory"),
                                 ("pwquality", "pwquality")):
            self.assertEqual(got[feature] == "enabled", profile in on, feature)
        self.assertEqual(got["nullok"] == "enabled",
                         "nullok" in self.sh("grep pam_unix.so /etc/pam.d/common-auth").split())

    def test_limits(self):
        want = []
        paths = self.sh("ls /etc/security/limits.conf /etc/security/limits.d/*.conf").split()
        for path in paths:
            for line in self.read(path).splitlines():
                words = line.split("#")[0].split()
                if len(words) == 4:
                    want.append(tuple(words))
        got = [(r["domain"], r["type"], r["item"], r["value"]) for r in self.table("limits")]
        self.assertEqual(sorted(got), sorted(want))
        self.assertIn(("ops", "hard", "nofile", "4243"), got)
        # And it is what a login gets.
        self.host.net()
        said = self.host.ssh(["ulimit -Hn; ulimit -Su; ulimit -Sc"]).stdout.split()
        self.assertEqual(said, ["4243", "777", "0"])

    def test_shell_profile(self):
        rows = {(row["key"], row["file"]): row["value"] for row in self.table("shell_profile")}
        own = {key: value for (key, file), value in rows.items() if file == "/etc/profile.d/own.sh"}
        self.assertEqual(own, {"umask": "027", "TMOUT": "600", "TMOUT_readonly": "true"})
        said = self.host.exec(["bash", "-lc", "umask; echo $TMOUT; TMOUT=5 || true"], check=False)
        self.assertEqual(said.stdout.split(), ["0" + own["umask"], own["TMOUT"]])
        self.assertIn("readonly", said.stderr)


if __name__ == "__main__":
    unittest.main()
