# SPDX-License-Identifier: Apache-2.0
"""What fixes do with the programs they are for, and when they are left alone: because the host uses
what they would take away, or because somebody else has the last word."""

import json
import os
import subprocess
import unittest

from hostlib import wait_until
from oracle import OnHost
from test_vm import OnMachine


class Fixes(OnHost):
    image = "iot-backend"

    def left(self, rule, *argv):
        """Why the plan leaves the rule alone; None: it fixes it."""
        plan = json.loads(self.revet("plan", "-f", "json", "--rule", rule, *argv).partition("\nrevet:")[0])
        if plan["rules"]:
            return None
        return {left["rule"]: left["why"] for left in plan["left_alone"]}[rule]

    def sh(self, script):
        return self.out("sh", "-euc", script)

    def test_what_a_session_forwards(self):
        """Whoever forwards a port, a display or an agent keeps it, and so do the next sessions."""
        self.sh("printf 'X11Forwarding yes\\n' >/etc/ssh/sshd_config.d/00-x.conf; systemctl restart ssh")
        rules = ["ssh.no-tcp-forwarding", "ssh.no-x11-forwarding", "ssh.no-agent-forwarding"]
        self.assertEqual([self.left(rule) for rule in rules], [None] * 3)
        agent = subprocess.run(["ssh-agent", "-c"], capture_output=True, text=True, check=True).stdout
        socket, pid = (line.split()[2].rstrip(";") for line in agent.splitlines()[:2])
        net = self.host.net()
        argv = ["ip", "netns", "exec", net.namespace, "ssh", "-F", "none", "-A", "-oBatchMode=yes",
                "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oExitOnForwardFailure=yes",
                "-i", str(self.host.image.key), "-R", "9000:127.0.0.1:22", "-R", "6010:127.0.0.1:22", f"ops@{net.host}",
                "echo in; exec sleep 600"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              env=os.environ | {"SSH_AUTH_SOCK": socket}) as session:
            try:
                self.assertEqual(session.stdout.readline(), b"in\n")
                for rule, word in zip(rules, ("forwards a port", "graphical", "key agent")):
                    self.assertIn(word, self.left(rule) or "it is fixed", rule)
            finally:
                session.terminate()
                subprocess.run(["kill", pid], check=True)

    def test_what_goes_out_of_a_session(self):
        """-L, -D, -W and ProxyJump show in what the session's sshd connects to; a plain session has no such."""
        net = self.host.net()
        ssh = ["ip", "netns", "exec", net.namespace, "ssh", "-F", "none", "-oBatchMode=yes", "-oStrictHostKeyChecking=no",
               "-oUserKnownHostsFile=/dev/null", "-i", str(self.host.image.key), f"ops@{net.host}"]
        for more, line, left in ((["echo in; exec sleep 600"], b"in\n", None), (["-W", "127.0.0.1:22"], b"SSH-", "forwards a port")):
            with self.subTest(more), subprocess.Popen(ssh + more, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
                try:
                    self.assertIn(line, session.stdout.readline())
                    why = self.left("ssh.no-tcp-forwarding")
                    self.assertEqual(why, None) if left is None else self.assertIn(left, why or "it is fixed")
                finally:
                    session.terminate()

    def test_what_a_workload_excuses(self):
        self.sh("echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/50-x.conf; sysctl -qw net.ipv4.ip_forward=1")
        self.assertIsNone(self.left("net.no-forwarding"))
        with open(os.path.join(self.host.root, "var/lib/dpkg/status"), "a", encoding="utf-8") as status:
            status.write("\nPackage: docker.io\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
                         "Maintainer: x\nDescription: x\n")
        self.assertIn("Docker runs containers", self.left("net.no-forwarding"))

    def test_sudo_reads_it_last(self):
        self.sh("echo 'Defaults !use_pty' >/etc/sudoers.d/90-pty; chmod 440 /etc/sudoers.d/90-pty")
        self.revet("apply", "--no-input", "--rule", "sudo.use-pty", "--rule", "sudo.logfile")
        self.assertRegex(self.out("sudo", "-l"), r"!use_pty,\s[^!]*logfile=/var/log/sudo.log[^!]*\suse_pty\n")
        self.assertIn("/var/log/sudo.log", self.sh("sudo true; logrotate -d /etc/logrotate.conf 2>&1; "
                                                   "grep -H COMMAND /var/log/sudo.log"))
        self.revet("revert")
        self.sh("cp /etc/sudoers /run/sudoers; echo 'Defaults !use_pty' >>/etc/sudoers")
        self.assertIn("has the last word", self.left("sudo.use-pty"))
        self.sh("cp /run/sudoers /etc/sudoers; echo 'Defaults:ops !use_pty' >/etc/sudoers.d/90-pty")
        self.assertIn("with visudo", self.left("sudo.use-pty"))
        self.sh("rm /etc/sudoers.d/90-pty; sed -i /includedir/d /etc/sudoers")
        self.assertIn("does not include", self.left("sudo.logfile"))
        self.sh("cp /run/sudoers /etc/sudoers")

    def test_audit_rules_are_merged(self):
        rules = ["--rule", "audit.identity", "--rule", "audit.immutable", "--rule", "audit.time"]
        self.revet("apply", "--no-input", *rules)
        merged = self.sh("augenrules >/dev/null; cat /etc/audit/audit.rules").splitlines()
        self.assertEqual(merged[-1], "-e 2")
        self.assertIn("-w /etc/shadow -p wa -k identity", merged)
        self.revet("revert")
        self.assertNotIn("-w /etc/shadow -p wa -k identity",
                         self.sh("augenrules >/dev/null; cat /etc/audit/audit.rules"))
        # Where rules.d is empty, rules are those of audit.rules, and a first file would take their place.
        self.sh("mkdir /run/rules; mv /etc/audit/rules.d/* /run/rules/")
        self.assertIn("audit.rules itself", self.left("audit.identity"))
        self.sh("mv /run/rules/* /etc/audit/rules.d/")

    def test_texts_that_others_make(self):
        self.sh("cp /etc/issue.net /run/issue.net; ln -sf /run/issue.net /etc/issue.net")
        self.assertIn("see which package", self.left("banners.warning"))
        self.sh("rm /etc/issue.net; cp /run/issue.net /etc/issue.net")
        self.assertIsNone(self.left("banners.warning"))



class Audit(OnMachine):
    """Audit rules are the kernel's, which a container has no part in."""

    def test_rules_are_loaded_and_locked(self):
        rules = ["--rule", "audit.logins", "--rule", "audit.modules"]
        files = self.out("ls", "-l", "/etc/audit/rules.d")
        self.revet("apply", "--no-input", *rules)
        listed = self.out("auditctl", "-l").splitlines()
        self.assertIn("-w /var/log/wtmp -p wa -k logins", listed)
        self.assertEqual(len([line for line in listed if "-S init_module,delete_module" in line]), 2)
        self.out("chmod", "g+w", "/var/log/wtmp")
        self.assertIn("/var/log/wtmp", self.out("ausearch", "--input-logs", "-k", "logins", "--format", "text"))
        self.revet("revert")
        self.assertEqual(self.out("auditctl", "-l"), "No rules\n")
        # Where they are locked, what has been written is taken back all the same.
        self.revet("apply", "--no-input", *rules)
        self.out("auditctl", "-e", "2")
        self.revet("revert")
        self.assertEqual(self.out("ls", "-l", "/etc/audit/rules.d"), files)
        self.assertEqual(self.out("auditctl", "-l").splitlines(), listed)


class WebServers(OnHost):
    image = "web-servers"

    @classmethod
    def prepare(cls):
        cls.sh("systemctl stop apache2; systemctl restart nginx; rm -f /etc/nginx/conf.d/*")

    def server(self):
        return self.sh("curl -sik http://127.0.0.1/ | grep -i ^server:").strip()

    def test_nginx(self):
        """Where it stands, or in a file of revet's own; the server answers by it, and again as before."""
        chosen = ["--no-input", "--rule", "web.version-shown", "--rule", "web.old-tls"]
        self.write("/etc/nginx/conf.d/own.conf", "server { listen 443 ssl; listen 81;\n"
                   "    ssl_certificate /etc/ssl/certs/web.pem; ssl_certificate_key /etc/ssl/private/web.key;\n"
                   "    server_tokens on;\n}\n")
        self.sh("systemctl reload nginx")
        before = self.sh("cat /etc/nginx/nginx.conf /etc/nginx/conf.d/* | sha256sum; ls /etc/nginx/conf.d")
        self.assertTrue(wait_until(lambda: "nginx/" in self.server(), 10))
        told = self.revet("apply", *chosen)
        self.assertTrue(wait_until(lambda: self.server() == "Server: nginx", 10), told)
        self.assertEqual(self.sh("cat /etc/nginx/conf.d/00-revet.conf"), "server_tokens off;\n")
        self.assertIn("\n    server_tokens off;\n", self.read("/etc/nginx/conf.d/own.conf"))
        self.assertIn("\tssl_protocols TLSv1.2 TLSv1.3; # ", self.read("/etc/nginx/nginx.conf"), told)
        self.revet("revert")
        self.assertEqual(self.sh("cat /etc/nginx/nginx.conf /etc/nginx/conf.d/* | sha256sum; ls /etc/nginx/conf.d"), before)
        # Workers that were told to end still take a connection now and then.
        self.assertTrue(wait_until(lambda: "nginx/" in self.server(), 10))
        self.sh("rm /etc/nginx/conf.d/own.conf")

    def test_nginx_that_would_not_start(self):
        """A configuration that nginx refuses is no place to change anything."""
        self.write("/etc/nginx/conf.d/broken.conf", "no_such_directive on;\n")
        self.addCleanup(self.sh, "rm /etc/nginx/conf.d/broken.conf")
        said = self.host.exec(["revet", "apply", "--no-input", "--rule", "web.version-shown"], check=False)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertRegex(said.stderr, "nothing was changed.*no_such_directive")
        self.assertEqual(self.sh("ls /etc/nginx/conf.d"), "broken.conf\n")

    def test_apache(self):
        self.addCleanup(self.sh, "systemctl stop apache2; systemctl start nginx")
        self.sh("systemctl stop nginx; a2enmod -q ssl; a2ensite -q default-ssl\n"
                "sed -i 's,certs/ssl-cert-snakeoil.pem,certs/web.pem,; s,private/ssl-cert-snakeoil.key,private/web.key,' "
                "/etc/apache2/sites-available/default-ssl.conf\n"
                "rm /etc/apache2/conf-enabled/security.conf; systemctl restart apache2")
        ask = "curl -si http://127.0.0.1:8080/ | grep -i ^server:; curl -siX TRACE http://127.0.0.1:8080 | head -1"
        before = self.sh(ask)
        self.assertRegex(before, r"Server: Apache/2.* \(Debian\)(?s:.*) 200")
        self.revet("apply", "--no-input", "--rule", "web.version-shown", "--rule", "web.old-tls", "--rule", "web.trace")
        self.assertRegex(self.sh(ask), "^Server: Apache\r?\n(?s:.*) 405")
        self.assertEqual(sorted(self.read("/etc/apache2/conf-enabled/zz-revet.conf").splitlines()),
                         ["SSLProtocol -all +TLSv1.2 +TLSv1.3", "ServerTokens prod", "TraceEnable off"])
        self.revet("revert")
        self.assertEqual(self.sh(ask), before)

    def test_apache_that_would_not_start(self):
        self.write("/etc/apache2/conf-enabled/broken.conf", "NoSuchDirective on\n")
        self.addCleanup(self.sh, "rm /etc/apache2/conf-enabled/broken.conf")
        said = self.host.exec(["revet", "apply", "--no-input", "--rule", "web.version-shown"], check=False)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertRegex(said.stderr, "nothing was changed.*NoSuchDirective")


if __name__ == "__main__":
    unittest.main()
