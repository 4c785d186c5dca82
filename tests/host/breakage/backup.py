# SPDX-License-Identifier: Apache-2.0
"""How the rules of backup come to fail. The database is a unit of its name that sleeps."""

GOOD = """
printf '%s\\n' '[Service]' 'ExecStart=/usr/bin/sleep infinity' >/etc/systemd/system/postgresql.service
put /etc/systemd/system/restic.service '[Service]\nExecStart=/bin/true'
put /etc/systemd/system/restic.timer '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target'
systemctl daemon-reload
systemctl start postgresql.service restic.timer
put /etc/restic/password secret
chmod 600 /etc/restic/password
"""

RULES = {
    "backup.none": {"alone": True, "bad": [("systemctl stop restic.timer", "systemctl start restic.timer")],
                    "fine": [("systemctl stop restic.timer; put /etc/cron.d/dump '0 3 * * * root pg_dumpall >/srv/d'",
                              "systemctl start restic.timer")]},
    "backup.secrets-readable": {"bad": ["chmod 644 /etc/restic/password",
                                        "put /root/.config/rclone/rclone.conf x; chmod 604 /root/.config/rclone/rclone.conf",
                                        "put /etc/borgmatic/config.yaml x"],
                                "fine": ["chmod 640 /etc/restic/password"]},
}
