# SPDX-License-Identifier: Apache-2.0
"""loaded_config: real services whose files change under them, and which then read them in each way there is.
What the rule says is compared with what the services do."""

import csv
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by


class Loaded(OnHost):
    image = "web-servers"

    def stale(self):
        return {row["unit"] for row in self.table("loaded_config") if row["stale"]}

    def verdict(self, rule):
        ran = self.host.exec(["revet", "audit", "--rule", rule, "-f", "csv"], check=False)
        return next(csv.DictReader(ran.stdout.splitlines()))["verdict"]

    def changed(self, unit, script, *args):
        """The change, in another second than what was before, is seen."""
        time.sleep(1.1)
        self.sh(script, *args)
        self.assertEqual(self.stale(), {unit})
        time.sleep(.1)

    def test_ways_to_read(self):
        rows = by(self.table("loaded_config"), "unit")
        self.assertGreaterEqual(set(rows), {"ssh.service", "nginx.service", "apache2.service", "rsyslog.service",
                                            "systemd-journald.service", "systemd-logind.service"})
        self.assertEqual({row["stale"] for row in rows.values()}, {False}, rows)
        self.assertGreater(rows["nginx.service"]["files"], 2)
        for unit, row in rows.items():
            self.assertEqual(str(row["pid"]), self.out("systemctl", "show", "-P", "MainPID", unit).strip())
        self.assertEqual(self.verdict("services.not-reloaded"), "pass")

        self.changed("ssh.service", "echo 'MaxAuthTries 3' >/etc/ssh/sshd_config.d/x.conf")
        self.assertEqual(self.verdict("services.not-reloaded"), "fail")
        self.sh("systemctl reload ssh")
        self.assertEqual(self.stale(), set())
        # Times of the content that are old say nothing; a configuration that is refused was not read.
        self.changed("ssh.service", "echo 'Nonsense 3' >/root/x; touch -d 2020-01-01 /root/x;"
                     "cp -p /root/x /etc/ssh/sshd_config.d/x.conf")
        self.sh("systemctl reload ssh && exit 1 || :")
        self.assertEqual(self.stale(), {"ssh.service"})
        self.sh("rm /etc/ssh/sshd_config.d/x.conf; touch /etc/ssh/sshd_config")
        time.sleep(1.1)
        self.sh('kill -HUP "$(systemctl show -P MainPID ssh)"; sleep .5')
        self.assertEqual(self.stale(), set())

        self.changed("nginx.service", "echo 'server_tokens off;' >/etc/nginx/conf.d/x.conf")
        self.sh("nginx -s reload; sleep .5")
        self.assertEqual(self.stale(), set())
        self.changed("nginx.service", "touch /etc/nginx/conf.d/x.conf")
        # A worker that died was started by what nginx had read before.
        self.sh("pkill -9 -o -P \"$(systemctl show -P MainPID nginx)\"; sleep .5")
        if self.workers() > 1:
            self.assertEqual(self.stale(), {"nginx.service"})
        self.sh("systemctl reload nginx; sleep .5")
        self.assertEqual(self.stale(), set())

        self.changed("apache2.service", "echo 'ServerTokens Prod' >/etc/apache2/conf-enabled/x.conf")
        self.sh("apache2ctl graceful; sleep .5")
        self.assertEqual(self.stale(), set())

        # rsyslog opens its files anew by a signal, and reads no configuration.
        self.changed("rsyslog.service", "echo '# x' >/etc/rsyslog.d/x.conf")
        self.sh("/usr/lib/rsyslog/rsyslog-rotate")
        self.assertEqual(self.stale(), {"rsyslog.service"})
        self.sh("systemctl restart rsyslog")
        self.assertEqual(self.stale(), set())

    def test_changes_of_revet(self):
        self.host.net()
        time.sleep(1.1)
        self.revet("apply", "--no-input", "--wait", "5min", "--rule", "ssh.max-auth-tries")
        self.assertEqual(self.stale(), set())
        time.sleep(1.1)
        self.revet("revert")
        self.assertEqual(self.stale(), set())

    def workers(self):
        return int(self.out("nproc"))

    def test_units(self):
        self.assertEqual(self.verdict("systemd.not-reread"), "pass")
        # systemd does not see the directory that is new, and sees the file that is changed.
        for text, seen in (("NoNewPrivileges=yes", "no"), ("NoNewPrivileges=no", "yes")):
            time.sleep(1.1)
            self.write("/etc/systemd/system/cron.service.d/x.conf", f"[Service]\n{text}\n")
            self.assertEqual(self.out("systemctl", "show", "-P", "NeedDaemonReload", "cron").strip(), seen)
            self.assertEqual([row["name"] for row in self.table("units") if row.get("NeedDaemonReload")],
                             ["cron.service"])
            self.assertEqual(self.verdict("systemd.not-reread"), "fail")
            self.out("systemctl", "daemon-reload")
        self.assertEqual(self.verdict("systemd.not-reread"), "pass")


if __name__ == "__main__":
    unittest.main()
