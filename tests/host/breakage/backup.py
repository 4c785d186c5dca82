# SPDX-License-Identifier: Apache-2.0
"""How the rules of backup come to fail. The database is a unit of its name that sleeps."""

GOOD = """
printf '%s\\n' '[Service]' 'ExecStart=/usr/bin/sleep infinity' >/etc/systemd/system/postgresql.service
put /etc/systemd/system/restic.service '[Service]\nExecStart=/bin/true'
put /etc/systemd/system/restic.timer '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target'
systemctl daemon-reload
systemctl start postgresql.service restic.timer restic.service
put /etc/restic/password secret
chmod 600 /etc/restic/password
"""

RUNS = "systemctl daemon-reload; systemctl restart restic.service; sleep 0.2"

RULES = {
    "backup.last-run": {
        "alone": True,
        "bad": ["put /etc/systemd/system/restic.service '[Service]\nExecStart=/bin/false'; " + RUNS,
                "put /etc/systemd/system/restic.service '[Service]\nType=oneshot\nExecStart=/bin/sleep 9\nTimeoutStartSec=1'; "
                f"({RUNS}) || true",
                "put /etc/systemd/system/restic.service '[Service]\nExecStart=/nowhere'; " + RUNS,
                "put /var/log/pgbackrest/main-backup.log '2026-01-01 02:00:00.1 P00 INFO: backup command end: aborted'"],
        "fine": ["put /var/log/pgbackrest/main-backup.log '2026-01-01 02:00:00.1 P00 INFO: backup command end: completed "
                 "successfully (1ms)'; touch -d '9 days ago' /var/log/pgbackrest/main-backup.log"],
        "undo": "put /etc/systemd/system/restic.service '[Service]\nExecStart=/bin/true'; " + RUNS,
    },
    "backup.none": {"alone": True, "bad": [("systemctl stop restic.timer", "systemctl start restic.timer")],
                    "fine": [("systemctl stop restic.timer; put /etc/cron.d/dump '0 3 * * * root pg_dumpall >/srv/d'",
                              "systemctl start restic.timer")]},
    "backup.secrets-readable": {"bad": ["chmod 644 /etc/restic/password",
                                        "put /root/.config/rclone/rclone.conf x; chmod 604 /root/.config/rclone/rclone.conf",
                                        "put /etc/borgmatic/config.yaml x"],
                                "fine": ["chmod 640 /etc/restic/password"]},
}
