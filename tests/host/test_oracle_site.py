# SPDX-License-Identifier: Apache-2.0
"""site_services, site_admins, site_ssh: against ss and real handshakes, sudo -l and getent, and who can log in
over SSH before and after AllowUsers was made of the site file."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by
from test_lockout import PASSWORD

SITE = "/etc/revet/site.yaml"
KEY = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN={0} " \
      "-keyout /etc/own/{0}.key -out /etc/own/{0}.pem 2>/dev/null"
NGINX = """server { listen 8443 ssl; listen [::]:8443 ssl; ssl_verify_client on; }
server { listen 8444 ssl; }
server { listen 8444 ssl; server_name other; ssl_verify_client on; }
server { listen 8445 ssl; ssl_verify_client optional; }
server { listen 8446; }
server { listen 127.0.0.1:8447; }
server { listen 8448 ssl; }
server { listen *:8448; server_name other; }
server { listen 0.0.0.0:8449; }
server { listen 127.0.0.9:8449 ssl; }
"""
MOSQUITTO = """listener 8883
cafile /etc/own/ca.pem
certfile /etc/own/broker.pem
keyfile /etc/own/broker.key
require_certificate true
listener 8884
certfile /etc/own/broker.pem
keyfile /etc/own/broker.key
listener 8885
allow_anonymous true
"""
PORTS = (80, 1883, 5432, 8080, 25, 9999, *range(8443, 8450), *range(8883, 8886))


class Services(OnHost):
    @classmethod
    def prepare(cls):
        cls.sh("mkdir -p /etc/own; " + "; ".join(KEY.format(name) for name in ("ca", "web", "broker"))
               + "; chmod 644 /etc/own/*")
        cls.write("/etc/nginx/conf.d/own.conf", "ssl_certificate /etc/own/web.pem;\nssl_certificate_key /etc/own/web.key;\n"
                  "ssl_client_certificate /etc/own/ca.pem;\n" + NGINX)
        cls.write("/etc/mosquitto/conf.d/own.conf", MOSQUITTO)
        cls.write(SITE, "serves:\n" + "".join(f"  - {{port: {port}/tcp, to: world, tls: server}}\n" for port in PORTS))
        cls.sh("systemctl restart nginx mosquitto")

    def handshake(self, port):
        """none, server or mutual, as a client sees it that has no certificate."""
        ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 openssl s_client -quiet -connect 127.0.0.1:{port} 2>&1"
        said = self.sh(ask + " || true") + self.sh(f"timeout 5 openssl s_client -connect 127.0.0.1:{port} "
                                                   "</dev/null 2>&1 || true")
        if "BEGIN CERTIFICATE" not in said:
            return "none"
        demanded = ("No required SSL certificate was sent", "certificate required", "handshake failure")
        return "mutual" if any(words in said for words in demanded) else "server"

    def test_who_listens_and_with_which_tls(self):
        rows = by(self.table("site_services"), "port")
        heard = self.out("ss", "-Hltn").splitlines()
        want, got = {}, {}
        for port in PORTS:
            row = rows[f"{port}/tcp"]
            addresses = [line.split()[3].rsplit(":", 1)[0] for line in heard if line.split()[3].endswith(f":{port}")]
            wide = [address for address in addresses if address not in ("127.0.0.1", "[::1]")]
            want[port] = {"listening": bool(wide)}
            got[port] = {"listening": row["listening"]}
            if row.get("found_tls") and row["processes"] != ["postgres"]:
                got[port]["tls"] = row["found_tls"]
                want[port]["tls"] = self.handshake(port)
        self.same(got, want, 10)
        self.assertGreaterEqual(sum("tls" in row for row in got.values()), 8)
        self.assertEqual({row["tls"] for row in got.values() if "tls" in row}, {"none", "server", "mutual"})


SUDOERS = """User_Alias CREW = carol, %crew
%sudo ALL=(ALL:ALL) ALL
CREW ALL = (ALL) NOPASSWD: ALL
dave ALL = (ALL) /usr/bin/systemctl, !ALL
erin ALL = (www-data) ALL
ALL, !frank, !gina, !dave, !erin, !carol ALL = (root) ALL
"""
USERS = ("ops", "carol", "dave", "erin", "frank", "gina", "hank", "root", "nobody-here")


class Admins(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.sh("groupadd crew; for user in carol dave erin frank gina hank; do useradd -m -s /bin/bash $user; done; "
               "usermod -aG crew gina; usermod -s /usr/sbin/nologin hank")
        cls.write("/etc/sudoers", SUDOERS, "440")
        cls.write(SITE, f"admins: {{users: [{', '.join(USERS)}]}}\n")

    def test_who_is_there_and_becomes_root(self):
        want = {}
        for user in USERS:
            there = self.host.exec(["getent", "passwd", user], check=False).stdout
            want[user] = {"account": bool(there)}
            if there:
                said = self.out("sudo", "-l", "-U", user)
                all_as_root = any(line.split(":", 1)[-1].strip() == "ALL" or line.strip().endswith(") ALL")
                                  for line in said.splitlines()
                                  if line.strip().startswith(("(ALL", "(root"))) or user == "root"
                want[user] |= {"login_shell": "nologin" not in there, "becomes_root": all_as_root}
        rows = by(self.table("site_admins"), "name")
        got = {name: {key: row[key] for key in ("account", "login_shell", "becomes_root") if row.get(key) is not None}
               for name, row in rows.items()}
        self.same(got, want, len(USERS))
        self.assertEqual({row.get("becomes_root") for row in want.values()}, {True, False, None})


class Ssh(OnHost):
    """Applied over SSH from an address that the site file admits, and confirmed from there."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.sh("useradd -m -s /bin/bash dev; cp -a /home/ops/.ssh /home/dev/; chown -R dev: /home/dev/.ssh")
        cls.host.outside(["ip", "addr", "add", "203.0.113.9/32", "dev", "eth0"])

    def log_in(self, user, source=None):
        net = self.host.net()
        options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes", "-oConnectTimeout=3",
                   "-oIdentitiesOnly=yes", *(["-b", source] if source else [])]
        address = net.host6 if source and ":" in source else net.host
        ran = self.host.outside(["ssh", "-F", "none", "-i", self.host.image.key, *options, f"{user}@{address}", "id -un"])
        return ran.stdout.strip() == user

    def who(self):
        net = self.host.net()
        return {one: self.log_in(*one)
                for one in (("ops", None), ("ops", net.peer6), ("ops", "203.0.113.9"), ("dev", None))}

    def revet(self, words):
        return self.host.ssh([f"echo {PASSWORD} | sudo -S -p '' revet {words}"], timeout=60)

    def judged(self):
        said = json.loads(self.out("revet", "audit", "--rule", "site.ssh-others", "-f", "json", "--fail-on", "none"))
        return said["results"][0]["verdict"]

    def test_only_administrators_get_in_from_where_they_come(self):
        net = self.host.net()
        before = self.who()
        self.assertEqual(set(before.values()), {True})
        self.write(SITE, f"networks: {{vpn: ['{net.peer6}/64']}}\nadmins: {{users: [ops], from: [{net.peer}, vpn]}}\n"
                   .replace("::1/64", "::/64"))
        self.assertEqual(self.judged(), "fail")
        ran = self.revet("apply --no-input --wait 10min --rule site.ssh-others")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("root could log in", ran.stdout + ran.stderr, "whom it keeps out is not said")
        done = self.revet("confirm")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.judged(), "pass")
        self.assertEqual({key for key, value in self.who().items() if value}, {("ops", None), ("ops", net.peer6)})
        # The rule says the same as sshd does when the list is loosened by hand.
        self.sh("sed -i 's/^AllowUsers .*/& dev@203.0.113.9/' /etc/ssh/sshd_config.d/00-revet.conf; systemctl reload ssh")
        self.assertEqual(self.judged(), "fail")
        self.assertTrue(self.log_in("dev", "203.0.113.9"))

    def test_what_would_keep_the_session_out_is_refused(self):
        self.sh("rm -f /etc/ssh/sshd_config.d/00-revet.conf; systemctl reload ssh")
        self.write(SITE, "admins: {users: [ops], from: [198.51.100.0/24]}\n")
        ran = self.revet("apply --no-input --wait 10min --rule site.ssh-others")
        self.assertNotEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertEqual(self.host.exec(["test", "-e", "/etc/ssh/sshd_config.d/00-revet.conf"],
                                        check=False).returncode, 1)
        self.assertTrue(self.log_in("ops"))


if __name__ == "__main__":
    unittest.main()
