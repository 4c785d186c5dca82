# SPDX-License-Identifier: Apache-2.0
"""What src/host/pam_try.c says that a stack answers to a right and to a wrong password, on generated
stacks, against the host's own libpam with the same. It may be unsure, but not of most."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import generated
from hostlib import ENVIRONMENT

HERE = os.path.dirname(os.path.abspath(__file__))
TRY = os.path.join(HERE, "..", "..", "build", "test_pam_try")

MODULES = ("pam_unix.so",) * 6 + (
    "pam_permit.so", "pam_deny.so", "pam_unix.so nullok", "pam_unix.so try_first_pass", "pam_env.so",
    "pam_faildelay.so delay=1", "pam_nologin.so", "pam_warn.so", "pam_shells.so", "pam_group.so",
    "pam_permit.so [a b]", "pam_vendor.so", "pam_securetty.so", "pam_wheel.so",
    "pam_issue.so issue=/etc/passwd", "pam_motd.so", "pam_faillock.so preauth dir=/run/tally",
    "pam_nologin.so successok", "pam_keyinit.so", "pam_succeed_if.so uid >= 0 quiet",
    "pam_localuser.so", "pam_usertype.so isregular", "pam_usertype.so issystem")
RESULTS = ("success", "auth_err", "ignore", "perm_denied", "default", "default", "success", "user_unknown")
ACTIONS = ("ok", "done", "bad", "die", "ignore", "reset", "1", "2", "1", "3")
WORDS = ("required", "requisite", "sufficient", "optional", "Required", "SUFFICIENT")
SERVICES = ("generated", "inner", "innermost", "other")


class Pam(generated.Generated):
    image = "debian-12"
    ordinary = 120

    @classmethod
    def prepare(cls):
        made = subprocess.run(["openssl", "passwd", "-1", "right"], capture_output=True, text=True,
                              check=True).stdout
        cls.sh('usermod -p "$1" ops', made.strip())
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["cc", "-O1", "-o", f"{place}/ask_pam", f"{HERE}/ask_pam.c", "-ldl"], check=True)
            cls.sh("rm -r /etc/pam.d")
            cls.host.put(f"{place}/ask_pam", "/usr/local/bin/ask_pam")

    # --- making ---

    def control(self, rng):
        if rng.random() < 0.5:
            return rng.choice(WORDS)
        pairs = [f"{rng.choice(RESULTS)}={rng.choice(ACTIONS)}" for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.02:
            pairs.append(rng.choice(("odd=ok", "success", "success=odd", "success=0")))
        return f"[{' '.join(pairs)}]"

    def line(self, rng, inner):
        kind = rng.random()
        if kind < 0.2 and inner:
            how = rng.choice(("auth include {}", "auth substack {}", "auth substack {}", "@include {}",
                              "auth required {}", "AUTH Substack {}"))
            return how.format(rng.choice(inner))
        if kind < 0.25:
            return rng.choice(("# auth required pam_permit.so", "", "account required pam_permit.so",
                               "auth required", "odd required pam_permit.so", "session optional pam_deny.so",
                               "auth include nowhere", "auth substack nowhere", "auth"))
        line = f"{rng.choice(('auth',) * 7 + ('-auth', 'Auth'))} {self.control(rng)} {rng.choice(MODULES)}"
        return line if rng.random() < 0.95 else line.replace(" ", " \\\n\t", 1)

    def make(self, rng):
        tree = {}
        for n, service in enumerate(SERVICES):
            inner = SERVICES[n + 1:]
            lines = [self.line(rng, inner) for _ in range(rng.randrange(1, 7))]
            tree[f"etc/pam.d/{service}"] = "\n".join(lines) + "\n"
        return tree

    # --- judging ---

    def judge(self, places):
        for place in places:
            os.makedirs(f"{place}/etc/pam.d", exist_ok=True)
            if not os.listdir(f"{place}/etc/pam.d"):
                self.lay(f"{place}/etc/pam.d/generated", "")
        names = [os.path.basename(place) for place in places]
        real = self.out("ask_pam", *(f"/gen/{name}" for name in names), timeout=3600).splitlines()
        said = subprocess.run([TRY, *places], capture_output=True, text=True, env=ENVIRONMENT,
                              check=True).stdout.splitlines()
        self.assertEqual((len(real), len(said)), (len(places), len(places)))
        self.unsure = sum("unsure" in line for line in said)
        if len(places) > 50:
            self.assertLess(self.unsure, len(places) * 0.75, "too much is not known")
            self.assertGreater(sum(line == "0 7" for line in real), len(places) / 100,
                               "too few tell passwords apart")
        return [self.compare(*pair) for pair in zip(real, said)]

    def compare(self, real, said):
        lines = []
        for which, code, word in zip(("right", "wrong"), real.split(), said.split()):
            if word != "unsure" and (word == "admits") != (code == "0"):
                lines.append(f"{which} {word}: PAM returns {code}")
        return lines


class Debian13(Pam):
    image = "debian-13"


if __name__ == "__main__":
    unittest.main()
