# SPDX-License-Identifier: Apache-2.0
"""How the rules of integrity come to fail. AIDE is what dpkg says, and its files."""

from staged import package

GOOD = package("aide") + package("auditd") + """
put /etc/aide/aide.conf 'Sums = sha256+sha512
/usr/sbin/ p+Sums'
put /var/lib/aide/aide.db x
put /etc/systemd/system/dailyaidecheck.service '[Service]\nExecStart=/bin/true'
put /etc/systemd/system/dailyaidecheck.timer '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target'
systemctl daemon-reload
systemctl start dailyaidecheck.timer
"""

RULES = {
    "integrity.audit-tools": {"bad": ["put /etc/aide/aide.conf '/usr/sbin/ p+m'",
                                      "put /etc/aide/aide.conf '/usr/sbin/auditctl sha512'",
                                      "put /etc/aide/aide.conf '/usr/sbin/ sha512-sha512'",
                                      "put /etc/aide/aide.conf '!/usr/sbin/ sha512'"]},
    "integrity.no-baseline": {"bad": ["rm /var/lib/aide/aide.db", "mv /var/lib/aide/aide.db /var/lib/aide/aide.db.new"],
                              "fine": ["mv /var/lib/aide/aide.db /var/lib/aide/aide.db.gz"]},
    "integrity.no-checker": {"bad": ["sed -i '/^Package: aide/,/^$/d' /var/lib/dpkg/status"],
                              "alone": True},
    "integrity.not-checked": {"alone": True, "bad": [
        ("systemctl stop dailyaidecheck.timer", "systemctl start dailyaidecheck.timer"),
        ("systemctl stop dailyaidecheck.timer; put /etc/cron.d/x '0 3 * * * root /usr/bin/aide --init'",
         "systemctl start dailyaidecheck.timer")],
        "fine": [("systemctl stop dailyaidecheck.timer\nput /etc/cron.d/x '0 3 * * * root /usr/bin/aide --check'",
                  "systemctl start dailyaidecheck.timer")]},
}
