# SPDX-License-Identifier: Apache-2.0
"""No false pass: each rule of the catalogue is broken on a real host, the ways administrators and
attackers do it, and has to fail; put right again, it has to pass. So it has when revet puts it right,
and when that is reverted it has to fail again.

breakage/FAMILY.py (or FAMILY_MORE.py) holds the ways; breakage/README.md says how. A rule without an entry is a failure.

    REVET_BREAKAGE=ssh,sudo.use-pty   only these families and rules
    REVET_BREAKAGE_ALONE=1            one way at a time: slow, but no way can hide behind another
"""

import json
import os
import runpy
import shutil
import stat
import subprocess
import sys
import time
import unittest
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from hostlib import Host

REVET = HERE.parents[1] / "build" / "revet"

# What the runner puts back by itself. The rest (mounts, tmpfs, processes, the kernel) is for undo.
PUT_BACK = ["etc", "home", "root", "opt", "srv", "usr", "boot", "var/spool", "var/log", "var/lib",
            "var/mail", "var/www"]
# Written by the running system all the time.
LEFT_ALONE = {"var/log/journal", "var/lib/systemd", "var/lib/postgresql", "var/lib/mosquitto"}

# What revet can put right at once, but for what LEFT of its family says.
FIXED = ("automatic", "guarded")

# The host is a container, of which many rules say nothing. This takes the marks away.
LOOK_LIKE_A_MACHINE = """
rm -f /run/systemd/container
: >/run/nothing
mount --bind /run/nothing /run/host/container-manager
mount --bind /run/nothing /proc/1/environ
"""

PROLOGUE = """set -eu
trap '[ $? = 0 ] || echo "in $what" >&2' EXIT
# put FILE TEXT, add FILE TEXT: makes the directories too.
put() { mkdir -p "$(dirname "$1")"; printf '%s\\n' "$2" >"$1"; }
add() { mkdir -p "$(dirname "$1")"; printf '%s\\n' "$2" >>"$1"; }
# end PID...: ends them and waits until they are gone. end_all ARGS: the same of those that pkill finds.
end() { kill "$@"; for pid; do while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; done; }
end_all() { pkill "$@"; while pgrep "$@" >/dev/null; do sleep 0.02; done; }
"""

Way = namedtuple("Way", "rule number script undo want")


def selected(rule):
    names = os.environ.get("REVET_BREAKAGE", "")
    return not names or rule in names.split(",") or rule.split(".")[0] in names.split(",")


def files():
    return {path.stem: path for path in sorted((HERE / "breakage").glob("*.py"))}


def catalogue():
    ran = subprocess.run([REVET, "rules", "-f", "json"], capture_output=True, text=True, check=True)
    return {rule["id"]: rule["fix"] for rule in json.loads(ran.stdout)}


def ways(rule, entry):
    """The ways of an entry, bad ones first."""
    found = []
    for want in ("bad", "fine"):
        for item in entry.get(want, []):
            script, undo = item if isinstance(item, tuple) else (item, "")
            found.append(Way(rule, len(found) + 1, script, undo + "\n" + entry.get("undo", ""),
                             want))
    return found


def rounds(rules, each):
    """Ways that are tried together: the first of every rule, then the second of every rule ...

    each: none together.
    """
    together, alone = [], []
    for rule, entry in rules.items():
        for n, way in enumerate(ways(rule, entry)):
            if each or entry.get("alone"):
                alone.append([way])
                continue
            if n == len(together):
                together.append([])
            together[n].append(way)
    return together + alone


class Tree:
    """Puts the files of a host back to how they were.

    What differs from the image is in the overlay's upper directory, so that is all there is to look
    at; changes go through the mounted overlay.
    """

    def __init__(self, host):
        self.upper, self.merged = host.dir / "upper", host.root
        self.image, self.saved = host.image.tree, host.dir / "saved"
        for top in PUT_BACK:
            if os.path.lexists(self.upper / top):
                (self.saved / top).parent.mkdir(parents=True, exist_ok=True)
                self._copy(self.upper / top, self.saved / top)

    @staticmethod
    def _copy(source, dest):
        subprocess.run(["cp", "-a", "--no-target-directory", source, dest], check=True)

    @staticmethod
    def _attributes(path):
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False)
                for name in names if not name.startswith("trusted.overlay.")}

    def _facts(self, path):
        """(content, metadata); content None: it is not there."""
        try:
            st = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None, None
        opaque = None
        if stat.S_ISDIR(st.st_mode) and path.is_relative_to(self.upper):
            opaque = "trusted.overlay.opaque" in os.listxattr(path)
        content = [stat.S_IFMT(st.st_mode), st.st_rdev, opaque]
        if stat.S_ISREG(st.st_mode):
            content += [st.st_size, st.st_mtime_ns]
        elif stat.S_ISLNK(st.st_mode):
            content += [os.readlink(path)]
        return content, [st.st_mode, st.st_uid, st.st_gid, self._attributes(path)]

    @staticmethod
    def _is_whiteout(path):
        st = path.lstat()
        return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0

    def _names(self, base, top):
        for folder, subfolders, names in os.walk(base / top):
            at = Path(folder).relative_to(base)
            subfolders[:] = [name for name in subfolders if str(at / name) not in LEFT_ALONE]
            yield from (str(at / name) for name in subfolders + names)
            if str(at) == top:
                yield top

    def _source(self, name):
        """Where the file as it was is; None when there was none."""
        saved, image = self.saved / name, self.image / name
        if os.path.lexists(saved):
            return None if self._is_whiteout(saved) else saved
        return image if os.path.lexists(image) else None

    def _replace(self, name):
        dest, source = self.merged / name, self._source(name)
        if dest.is_dir() and not dest.is_symlink():
            shutil.rmtree(dest)
        elif os.path.lexists(dest):
            dest.unlink()
        if not source:
            return
        if source.is_dir() and not source.is_symlink() and (self.image / name).is_dir():
            self._copy(self.image / name, dest)
        self._copy(source, dest)

    def _put_metadata_back(self, name):
        dest, source = self.merged / name, self._source(name)
        st, want = source.lstat(), self._attributes(source)
        os.chown(dest, st.st_uid, st.st_gid, follow_symlinks=False)
        if stat.S_ISLNK(st.st_mode):
            return
        for attribute in self._attributes(dest).keys() - want.keys():
            os.removexattr(dest, attribute)
        for attribute, value in want.items():
            os.setxattr(dest, attribute, value)
        dest.chmod(stat.S_IMODE(st.st_mode))

    def put_back(self):
        """The names that had changed."""
        changed = []
        for top in PUT_BACK:
            names = {*self._names(self.upper, top), *self._names(self.saved, top)}
            for name in sorted(names):
                now, was = self._facts(self.upper / name), self._facts(self.saved / name)
                if now == was:
                    continue
                source = self._source(name)
                whole = source and os.path.lexists(self.merged / name)
                here, there = self._facts(self.merged / name), self._facts(source or self.image)
                if whole and here[0] == there[0] and not (now[0] or [0, 0, 0])[2]:
                    if here[1] == there[1]:
                        continue
                    self._put_metadata_back(name)
                else:
                    self._replace(name)
                changed.append(name)
        return changed


class Broken:
    """A host on which the rules of one family are broken and mended."""

    def __init__(self, family, data):
        self.family, self.data = family, data
        self.host = Host.start(data.get("HOST", "debian-12"))
        try:
            self._install()
            self.shell(("the machine", LOOK_LIKE_A_MACHINE), ("GOOD", data.get("GOOD", "")))
            self.shell(*((rule, entry.get("good", "")) for rule, entry in data["RULES"].items()
                         if isinstance(entry, dict)))
            self.tree = Tree(self.host)
        except BaseException:
            self.host.stop(crash=True)
            raise

    def _install(self):
        self.host.put(REVET, "/usr/local/bin/revet")
        # The libraries that a server does not have come along.
        ran = subprocess.run(["ldd", REVET], capture_output=True, text=True, check=True)
        for line in ran.stdout.splitlines():
            path = line.split("=>")[-1].split("(")[0].strip()
            if path.startswith("/") and self.host.exec(["test", "-e", path],
                                                       check=False).returncode:
                self.host.put(os.path.realpath(path), path)

    def shell(self, *scripts):
        """Runs scripts, each in a subshell: of (what it is, text)."""
        text = "".join(f"what='{what}'; own=${{what//[. ]/-}}\n(\n{script}\n)\n" for what,
                       script in scripts if script.strip())
        if not text:
            return
        ran = self.host.exec(["bash", "-c", PROLOGUE + text], check=False)
        if ran.returncode:
            raise AssertionError(f"exit {ran.returncode}: {ran.stdout}{ran.stderr}")

    def audit(self, rules):
        """The results by rule."""
        chosen = [word for rule in rules for word in ("--rule", rule)]
        ran = self.host.exec(["revet", "audit", *chosen, "--fail-on", "none", "-f", "json"],
                             check=False)
        if ran.returncode not in (0, 3):
            raise AssertionError(f"revet audit: exit {ran.returncode}: {ran.stderr}")
        return {result["rule"]: result for result in json.loads(ran.stdout)["results"]}

    def revet(self, *words):
        """Its exit code, and what it said."""
        ran = self.host.exec(["revet", *words], check=False)
        return ran.returncode, ran.stdout + ran.stderr

    def mend(self, tried):
        self.shell(*((f"{way.rule} undo {way.number}", way.undo) for way in reversed(tried)))
        if any("/systemd/system" in name for name in self.tree.put_back()):
            self.shell(("the runner", "systemctl daemon-reload"))


def wrong(rule, result, wanted, when):
    """A line of complaint, or none."""
    if result["verdict"] in wanted:
        return []
    seen = json.dumps([result.get("reason"), *result["evidence"][:4]])
    return [f"{rule}: {result['verdict']}, not {' or '.join(wanted)}, {when}: {seen[:600]}"]


class Breakage(unittest.TestCase):
    fixed = 0

    def test_every_rule_has_an_entry(self):
        fixes, entries, mended = catalogue(), set(), 0
        rules = set(fixes)
        for family, path in files().items():
            data = runpy.run_path(path)
            left = data.get("LEFT", {})
            for rule, entry in data["RULES"].items():
                self.assertEqual(rule.split(".")[0], family.split("_")[0], path)
                self.assertTrue(entry if isinstance(entry, str) else entry["bad"], rule)
                mended += (not isinstance(left, str) and rule not in left and not isinstance(entry, str) and
                           entry.get("says", "fail") == "fail" and fixes.get(rule) in FIXED)
                entries.add(rule)
        self.assertEqual(sorted(rules - entries), [], "rules that breakage/ does not break")
        self.assertEqual(sorted(entries - rules), [], "entries in breakage/ for rules that are not")
        self.assertGreaterEqual(mended, 200, "rules that revet puts right and takes back here")

    def family(self, family, path):
        data = runpy.run_path(path)
        rules = {rule: entry for rule, entry in data["RULES"].items()
                 if isinstance(entry, dict) and selected(rule)}
        if not rules:
            self.skipTest("nothing selected")
        broken, fixes, left = Broken(family, data), catalogue(), data.get("LEFT", {})
        left = dict.fromkeys(rules, left) if isinstance(left, str) else left
        self.addCleanup(broken.host.stop, crash=True)
        good = {rule: entry.get("before", ("pass", "not_applicable")) for rule,
                entry in rules.items()}
        complaints = self.compare(broken.audit(good), good, "on the host that is in order")
        each = data.get("ALONE") or os.environ.get("REVET_BREAKAGE_ALONE")
        for tried in rounds(rules, each):
            broken.shell(*((f"{way.rule} {way.want} {way.number}", way.script) for way in tried))
            results = broken.audit({way.rule for way in tried})
            fixable = []
            for way in tried:
                failed = (rules[way.rule].get("says", "fail"),)
                wanted = failed if way.want == "bad" else good[way.rule]
                complaints += wrong(way.rule, results[way.rule], wanted,
                                    f"after\n{way.script.strip()}\n")
                if way.number == 1 and way.want == "bad" and results[way.rule]["verdict"] == "fail":
                    fixable.append(way.rule)
            complaints += self.fix(broken, [rule for rule in fixable if fixes[rule] in FIXED and rule not in left])
            broken.mend(tried)
            mended = {way.rule: good[way.rule] for way in tried}
            complaints += self.settled(broken, mended, f"mended after\n{tried[0].script}\n")
        if complaints:
            self.fail("\n" + "\n".join(complaints))

    def fix(self, broken, rules):
        """Put right by revet, they pass; reverted, they fail again."""
        if not rules:
            return []
        chosen = [word for rule in rules for word in ("--rule", rule)]
        code, said = broken.revet("apply", "--no-input", "--wait", "10min", *chosen)
        if code and len(rules) > 1:
            return [line for rule in rules for line in self.fix(broken, [rule])]
        if code:
            return [f"{rules[0]}: apply: exit {code}: {said[-800:]}"]
        complaints = self.compare(broken.audit(rules), dict.fromkeys(rules, ("pass", "not_applicable")),
                                  f"after revet put it right: {said[-1500:]}")
        code, said = broken.revet("revert")
        if code:
            return [*complaints, f"{rules}: revert: exit {code}: {said[-800:]}"]
        type(self).fixed += len(rules)
        return complaints + self.compare(broken.audit(rules), dict.fromkeys(rules, ("fail",)), "reverted")

    def settled(self, broken, wanted, when):
        """What was killed may take a moment to go."""
        for _ in range(5):
            complaints = self.compare(broken.audit(wanted), wanted, when)
            if not complaints:
                break
            time.sleep(0.5)
        return complaints

    @classmethod
    def tearDownClass(cls):
        print(f"{cls.fixed} rules were broken, put right and reverted", flush=True)

    @staticmethod
    def compare(results, wanted, when):
        return [line for rule in wanted for line in wrong(rule, results[rule], wanted[rule], when)]


def add_test(family, path):
    def test(self):
        self.family(family, path)
    setattr(Breakage, f"test_{family}", test)


for name, file in files().items():
    add_test(name, file)


if __name__ == "__main__":
    unittest.main()
