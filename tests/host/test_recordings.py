# SPDX-License-Identifier: Apache-2.0
"""A recording is judged as the run that made it, and holds no secret of the host."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]
import golden
from hostlib import Host
from record import Bundle, Tree


def results(text):
    return {result["rule"]: result for result in json.loads(text)["results"]}


def replayed(recording):
    with golden.replaying(*golden.entries(recording)) as cwd:
        return golden.revet("audit", "--profile", "strict", "--root", ".", "-f", "json", cwd=cwd).stdout


class Replay(unittest.TestCase):
    """What is said of a recording is what was said when it was made, to the last piece of
    evidence."""

    def check(self, reader):
        recording, said = reader.record()
        then, now = results(said), results(replayed(recording))
        self.assertGreater(len(then), 100)
        self.assertEqual(now.keys(), then.keys())
        for rule, result in then.items():
            self.assertEqual(now[rule], result, rule)
        return then

    def check_host(self, image):
        with Host.start(image) as host:
            as_root = self.check(Bundle(host))
            again = results(Bundle(host).run("audit", "--profile", "strict", "-f", "json").stdout)
            as_user = self.check(Bundle(host, "ops"))
            tree = results(golden.revet("audit", "--profile", "strict", "--root", host.root, "-f", "json").stdout)
        for rule, result in as_root.items():
            with self.subTest(rule=rule):
                verdict = result["verdict"]
                self.assertEqual(again[rule]["verdict"], verdict)
                # Who sees less knows less, and does not come to another verdict.
                self.assertIn(as_user[rule]["verdict"], (verdict, "unknown"))
                if result["reason"] != "container true":
                    self.assertFalse({tree[rule]["verdict"], verdict} == {"pass", "fail"},
                                     f"{verdict}, but from outside {tree[rule]['verdict']}")

    def test_debian_11(self):
        self.check_host("debian-11")

    def test_debian_12(self):
        self.check_host("debian-12")

    def test_debian_13(self):
        self.check_host("debian-13")

    def test_iot_backend(self):
        self.check_host("iot-backend")

    def test_trees(self):
        for image in ("minimal", "minimal-11", "minimal-13", "rpm-tree", "arch-tree"):
            with self.subTest(image=image), Host.start(image) as host:
                self.check(Tree(host.root))


# In each file a word that nobody but its owner may see; %s stands for it.
PLANTED = {
    "/etc/shadow": ("root:$y$j9T$saltsalt$%s:20000:0:99999:7:::\n", 0o640),
    "/etc/shadow-": ("root:$6$saltsalt$%s:20000:0:99999:7:::\n", 0o640),
    "/etc/gshadow": ("sudo:$6$saltsalt$%s::\n", 0o640),
    "/etc/ssh/ssh_host_planted_key": ("-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n", 0o600),
    "/root/.ssh/id_ed25519": ("-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n", 0o600),
    "/root/.netrc": ("machine example.org login me password %s\n", 0o600),
    "/root/.pgpass": ("*:*:*:*:%s\n", 0o600),
    "/root/.bash_history": ("mysql -p%s\n", 0o600),
    "/root/.my.cnf": ("[client]\npassword=%s\n", 0o600),
    "/opt/app/app.env": ("API_TOKEN=%s\n", 0o600),
    "/etc/environment": ("API_TOKEN=%s\n", 0o644),
    "/etc/profile.d/app.sh": ("export API_TOKEN=%s\n", 0o644),
    "/etc/apt/auth.conf": ("machine example.org login me password %s\n", 0o600),
    "/etc/apt/sources.list.d/vendor.list": ("deb https://me:%s@example.org/debian bookworm main\n",
                                            0o644),
    "/etc/apt/sources.list.d/vendor.sources": (
        "Types: deb\nURIs: https://me:%s@example.org/debian\nSuites: bookworm\nComponents: main\n",
        0o644),
    "/etc/apt/apt.conf.d/80proxy": ('Acquire::http::Proxy "http://me:%s@proxy.example.org:3128";\n',
                                    0o644),
    "/etc/crontab": ("MAILTO=ops\n1 2 * * * root /usr/bin/mysqldump -p%s all\n", 0o644),
    "/etc/cron.d/app": ("API_TOKEN=%s\n1 2 * * * root /usr/bin/collect\n", 0o644),
    "/etc/rsyslog.d/db.conf": ('action(type="ommysql" server="db" db="log" uid="me" pwd="%s")\n',
                               0o600),
    "/etc/systemd/system/app.service": (
        "[Service]\nEnvironment=API_TOKEN=%s\nExecStart=/usr/bin/app\n", 0o644),
    "/etc/chrony/chrony.keys": ("1 SHA1 HEX:%s\n", 0o640),
    "/etc/wireguard/wg0.conf": ("[Interface]\nPrivateKey = %s\n", 0o600),
    "/etc/sudoers.d/app": ('Defaults env_file=/opt/app/app.env\n# password: %s\n', 0o440),
    "/boot/grub/grub.cfg": ("password_pbkdf2 root grub.pbkdf2.sha512.10000.%s\n", 0o600),
    "/etc/grub.d/40_custom": ("#!/bin/sh\ncat <<END\npassword_pbkdf2 root grub.pbkdf2.sha512.1.%s\nEND\n",
                              0o700),
    "/etc/default/grub": ('GRUB_CMDLINE_LINUX="quiet token=%s"\n', 0o644),
    "/etc/fstab": ("//nas/share /srv cifs username=me,password=%s 0 0\n", 0o644),
    "/etc/ssl/private/server.key": ("-----BEGIN PRIVATE KEY-----\n%s\n", 0o640),
}


def word(path):
    """The secret of a file: nothing that could stand in a recording by chance."""
    return "planted" + path.replace("/", "0").replace(".", "1").replace("_", "2").replace("-", "3")


class Secrets(unittest.TestCase):
    def test_tree(self):
        with tempfile.TemporaryDirectory(prefix="revet-secrets-") as root:
            for path, (text, mode) in PLANTED.items():
                file = Path(root + path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text % word(path))
                file.chmod(mode)
            (Path(root) / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
            recording = Tree(root).record()[0]
            found = [path for path in PLANTED if word(path).encode() in recording]
            self.assertEqual(found, [])

    def test_running(self):
        planted = {"an argument": word("/argument"), "a variable": word("/variable")}
        with Host.start("debian-12") as host:
            host.exec(["systemd-run", "-q", "--unit=planted", "-E",
                       f"API_TOKEN={planted['a variable']}", "--", "perl", "-e", "sleep 600", "--",
                       f"--password={planted['an argument']}"])
            recording = Bundle(host).record()[0]
            self.assertTrue(b"planted.service" in recording)
            found = [what for what, secret in planted.items() if secret.encode() in recording]
            self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
