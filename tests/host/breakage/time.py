# SPDX-License-Identifier: Apache-2.0
"""How the rules of time come to fail. A service is a program of its name here: what is judged is that
it runs and comes back, not what it does to the clock."""

GOOD = r"""
install -m 755 /usr/bin/sleep /usr/lib/systemd/systemd-timesyncd
install -m 755 /usr/bin/sleep /usr/sbin/chronyd
put /etc/chrony/chrony.conf 'pool 2.debian.pool.ntp.org iburst'
for unit in systemd-timesyncd:/usr/lib/systemd/systemd-timesyncd chrony:/usr/sbin/chronyd; do
    printf '%s\n' '[Service]' 'User=ops' "ExecStart=${unit#*:} infinity" '[Install]' 'WantedBy=multi-user.target' \
        >/usr/lib/systemd/system/${unit%:*}.service
done
systemctl daemon-reload
systemctl enable --now systemd-timesyncd.service
"""

CHRONYD = ("/usr/sbin/chronyd 1000 >/dev/null 2>&1 & echo $! >/run/chronyd; sleep 0.1",
           "end $(cat /run/chronyd)")

RULES = {
    "time.chrony-user": {
        "bad": [CHRONYD, ("put /etc/systemd/system/chrony.service.d/x.conf '[Service]\nUser='; "
                          "systemctl daemon-reload; systemctl start chrony.service",
                          "systemctl stop chrony.service")],
        "fine": [("systemctl start chrony.service", "systemctl stop chrony.service")],
        "alone": True,
    },
    "time.one-service": {
        "bad": [("systemctl start chrony.service", "systemctl stop chrony.service"),
                CHRONYD],
        "fine": ["systemctl disable chrony.service"],
    },
    "time.reached": "the clock is this machine's, and so is whether it is kept",
    "time.synchronised": {
        "bad": [("systemctl stop systemd-timesyncd.service", "systemctl start systemd-timesyncd.service"),
                ("systemctl disable systemd-timesyncd.service", "systemctl enable systemd-timesyncd.service"),
                ("systemctl mask systemd-timesyncd.service",
                 "systemctl unmask systemd-timesyncd.service; systemctl enable systemd-timesyncd.service"),
                ("systemctl disable --now systemd-timesyncd.service\nsystemctl enable chrony.service",
                 "systemctl disable chrony.service; systemctl enable --now systemd-timesyncd.service")],
        "fine": [("systemctl disable --now systemd-timesyncd.service\nsystemctl enable --now chrony.service",
                  "systemctl disable --now chrony.service; systemctl enable --now systemd-timesyncd.service")],
        "alone": True,
    },
}
