# SPDX-License-Identifier: Apache-2.0
"""The table sudoers on generated trees, against cvtsudoers, which has sudo's own parser, grant by grant,
and visudo: what that refuses is never taken for complete."""

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

USERS = ("ops", "root", "%sudo", "%adm", "#1000", "%#27", "ALL", "deploy", '"two words"', r"dom\\ain", "+net",
         '"%a group"', "user-1", "a.b")
HOSTS = ("ALL", "debian-12", "web*", "10.0.0.0/8", "192.0.2.1", "fd00::1", "+hosts", "10.1.0.0/255.255.0.0",
         "host.example", "db[0-9]")
RUNAS = ("root", "ALL", "postgres", "%adm", "#0", "www-data")
COMMANDS = ("ALL", "/bin/ls", "/usr/bin/id \"\"", "/usr/bin/tail -n 5 /var/log/*", r"/usr/bin/sed s\:a\:b\:",
            "/usr/sbin/", "sudoedit /etc/hosts", "/bin/systemctl restart nginx", r"/bin/echo a\,b", "/bin/kill *",
            "sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/ls", "/usr/bin/*", r"/bin/sh -c ls\=a",
            "/bin/cat   /etc/a    b", "list", "sudoedit /etc/*.conf", r"/usr/bin/a\ b", "/usr/bin/env FOO")
TAGS = ("NOPASSWD:", "PASSWD:", "NOEXEC:", "EXEC:", "SETENV:", "NOSETENV:", "LOG_INPUT:", "NOLOG_OUTPUT:",
        "NOPASSWD :", "MAIL:", "NOFOLLOW:", "FOLLOW:")
OPTIONS = ("TIMEOUT=5m ", "CWD=/tmp ", "NOTAFTER=20300101000000Z ", "CHROOT=/srv ", "CWD=* ")
DEFAULTS = ("env_reset", "!env_reset", "timestamp_timeout=5", "timestamp_timeout = -1", "use_pty", "!lecture",
            'secure_path="/usr/sbin:/usr/bin"', 'env_keep += "LANG LC_ALL"', "env_keep -= HOME", "!authenticate",
            "passwd_tries=2", "logfile=/var/log/sudo.log", "!requiretty", "targetpw",
            "insults", r'badpass_message="a \"b\" c"', 'env_keep = "A B"', "umask=0022", "!!use_pty",
            'mailto=""', "editor=/usr/bin/vi:/bin/nano")
SCOPES = ("", "", "", ":ops", ":%sudo", "@debian-12", ">root", "!/bin/ls", ":ops,deploy", ":!ops", "!SHELLS")
BROKEN = ("ops ALL", "ops ALL=", "ops = /bin/ls", "Defaults", "User_Alias X", "nonsense", "ops ALL=(root /bin/ls",
          "Defaults nosuchsetting", "ops ALL=ls", "User_Alias lower = ops", 'Defaults badpass_message="open',
          "ops ALL=NOPASSWD /bin/ls", "Host_Alias ALL = a", "ops ALL=(ALL) ALL,", "Cmnd_Alias A = /bin/a : B",
          "ops ALL = /bin/ls, !", "@include", "ops,,root ALL=ALL")
KINDS = {"User_Alias": ("U", USERS), "Host_Alias": ("H", HOSTS), "Runas_Alias": ("R", RUNAS),
         "Cmnd_Alias": ("C", COMMANDS)}

RUN = r"""
rm -rf /etc/sudoers.d
cd /gen
for n in *; do
    ln -sfn /gen/$n/etc/sudoers.d /etc/sudoers.d
    cvtsudoers -e -f json $n/etc/sudoers >$n/expanded 2>$n/expanded.err || :
    visudo -cf $n/etc/sudoers >$n/visudo 2>&1 || echo $? >$n/refused
    visudo -csf $n/etc/sudoers >/dev/null 2>&1 || echo $? >$n/unstrict
done
"""


class Sudo(generated.Generated):
    image = "debian-12"
    ordinary = 25

    # --- making ---

    def members(self, rng, kind, n=3):
        letter, words = KINDS[kind]
        words = words + tuple(self.aliases[kind]) * 3
        picked = []
        for _ in range(rng.randrange(1, n + 1)):
            negation = rng.choice(("",) * 8 + ("!", "! ", "!!"))
            picked.append(negation + rng.choice(words))
        return rng.choice((", ", ",", " , ", ", \\\n\t")).join(picked)

    def alias(self, rng):
        kind = rng.choice(sorted(KINDS))
        name = f"{KINDS[kind][0]}{len(self.aliases[kind])}_A"
        line = f"{kind}{rng.choice((' ', chr(9)))}{name}{rng.choice((' = ', '=', ' ='))}{self.members(rng, kind)}"
        self.aliases[kind].append(name)
        return line

    def command(self, rng):
        words = []
        if rng.random() < 0.3:
            groups = f" : {self.members(rng, 'Runas_Alias', 2)}" if rng.random() < 0.3 else ""
            words.append(f"({self.members(rng, 'Runas_Alias', 2)}{groups})" if rng.random() < 0.9 else "()")
        if rng.random() < 0.1:
            words.append(rng.choice(OPTIONS).strip())
        words += rng.sample(TAGS, rng.choice((0, 0, 1, 1, 2)))
        negation = rng.choice(("",) * 8 + ("!", "! "))
        names = COMMANDS + tuple(self.aliases["Cmnd_Alias"]) * 3
        return " ".join([*words, negation + rng.choice(names)])

    def grant(self, rng):
        privileges = []
        for _ in range(rng.choice((1, 1, 1, 2))):
            commands = [self.command(rng) for _ in range(rng.randrange(1, 4))]
            privileges.append(f"{self.members(rng, 'Host_Alias', 2)} {rng.choice(('=', ' = '))} " +
                              rng.choice((", ", ",", ", \\\n  ")).join(commands))
        return f"{self.members(rng, 'User_Alias', 2)} {' : '.join(privileges)}"

    def line(self, rng):
        kind = rng.random()
        if kind < 0.08:
            return rng.choice(("", "# ops ALL=ALL", "   ", "#1000 ALL = /bin/ls # why", "\t# x \\"))
        if kind < 0.08 + self.trouble:
            return rng.choice(BROKEN)
        if kind < 0.3:
            settings = rng.choice((", ", ",")).join(rng.sample(DEFAULTS, rng.choice((1, 1, 2))))
            return f"Defaults{rng.choice(SCOPES)} {settings}"
        return self.alias(rng) if kind < 0.55 else self.grant(rng)

    def text(self, rng, n):
        return "\n".join(self.line(rng) for _ in range(n)) + "\n"

    def make(self, rng):
        self.aliases = {kind: [] for kind in KINDS}
        self.trouble = rng.choice((0, 0, 0.1))
        tree = {"etc/sudoers": "Cmnd_Alias SHELLS = /bin/sh\n" + self.text(rng, rng.randrange(1, 9))}
        for name in rng.sample(("10-a", "20-b", "z", "x.conf", "y~"), rng.randrange(3)):
            tree[f"etc/sudoers.d/{name}"] = self.text(rng, rng.randrange(1, 4))
        tree["etc/sudoers"] += rng.choice(("@includedir /etc/sudoers.d\n", "#includedir /etc/sudoers.d\n",
                                           "@include sudoers.d/10-a\n", ""))
        return tree

    # --- judging ---

    def judge(self, places):
        for place in places:
            os.makedirs(f"{place}/etc/sudoers.d", exist_ok=True)
            if not os.path.exists(f"{place}/etc/sudoers"):
                self.lay(f"{place}/etc/sudoers", "")
        self.host.exec(["sh", "-euc", RUN], timeout=3600)
        return [self.compare(place) for place in places]

    def table_of(self, place, name):
        ran = subprocess.run([REVET, "table", name, "--root", place, "-f", "json"], capture_output=True,
                             text=True, env=ENVIRONMENT, check=False)
        return json.loads(ran.stdout or "[]"), ran.stderr

    def compare(self, place):
        rows, gap = self.table_of(place, "sudoers")
        said = self.read_text(f"{place}/visudo")
        if os.path.exists(f"{place}/refused"):
            errors = [line for line in said.splitlines() if line and not line.startswith("Warning:")]
            if errors and all("unknown defaults entry" in line for line in errors):  # sudo passes over it
                return []
            return [] if gap else [f"takes {re.sub('.*:[0-9]+:[0-9]*:? *', '', said.splitlines()[0])}: {said}"]
        if gap:
            return [f"refuses what sudo takes: {gap}"]
        lines = []
        if os.path.exists(f"{place}/unstrict"):  # an alias that is not there; cvtsudoers leaves it out
            return []
        try:
            want = self.oracle(place)
        except json.JSONDecodeError:  # some releases of cvtsudoers leave out a comma
            return []
        got = self.grants(rows)
        for key in want:
            if key not in got:
                lines.append(f"a grant: sudo alone has {key}; the table {[k for k in got if k not in want]}")
        lines += [f"a grant: the table alone has {key}" for key in got if key not in want and not lines]
        if not lines and got != want:
            lines.append(f"the order: the table {got}, sudo {want}")
        return lines

    def read_text(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def name(self, entry):
        """A member of cvtsudoers' JSON as sudoers(5) writes it."""
        marks = {"username": "", "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+",
                 "hostname": "", "networkaddr": "", "command": "", "sudoedit": "", "useralias": "",
                 "runasalias": "", "hostalias": "", "cmndalias": "", "nonunixgroup": "%:"}
        (key, value), = [(k, v) for k, v in entry.items() if k in marks]
        digests = "".join(f"{k}:{v} " for k, v in entry.items() if k.startswith("sha"))
        return f"{'!' if entry.get('negated') else ''}{digests}{marks[key]}{value}"

    def key(self, *parts):
        return json.dumps([re.sub(r"\\(.)", r"\1", str(part)) if isinstance(part, str) else
                           [re.sub(r"\\(.)", r"\1", word) for word in part] for part in parts])

    def oracle(self, place):
        """A key for each command. (That ALL implies SETENV, only cvtsudoers says.)"""
        found = []
        for spec in json.loads(self.read_text(f"{place}/expanded")).get("User_Specs", []):
            for command in spec["Cmnd_Specs"]:
                options = {k: v for o in command.get("Options", []) for k, v in o.items()}
                runas = [self.name(e) for e in command.get("runasusers", [])]
                runas = [r for r in runas or ["root"] * ("runasgroups" not in command) if r]
                runas += [":" + self.name(e).replace("%", "", 1) for e in command.get("runasgroups", [])]
                users, hosts = ([self.name(e) for e in spec[k]] for k in ("User_List", "Host_List"))
                tags = [options.get("authenticate") is False, options.get("noexec") is True]
                found += [self.key(users, hosts, runas, self.name(e), str(tags))
                          for e in command["Commands"]]
        return found

    def grants(self, rows):
        found = []
        for row in rows:
            tags = [row["nopasswd"], "NOEXEC" in row["tags"]]
            runas = [re.sub("^(:!?)%", r"\1", name) for name in row["runas"]]
            found += [self.key(row["users"], row["hosts"], runas, command, str(tags))
                      for command in row["commands"]]
        return found


class Debian13(Sudo):
    image = "debian-13"
    only_many = True


if __name__ == "__main__":
    unittest.main()
