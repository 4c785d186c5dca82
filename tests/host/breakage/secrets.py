# SPDX-License-Identifier: Apache-2.0
"""How the rules of secrets come to fail."""

RULES = {
    "secrets.in-crontabs": {
        "bad": ["put /etc/cron.d/x '1 1 * * * root mysqldump -psecret db'",
                "mkdir -p /var/spool/cron/crontabs\n"
                "echo '1 1 * * * curl -u me:secret https://x.example/' >/var/spool/cron/crontabs/ops"],
    },
    "secrets.in-environment": {
        "bad": ["echo SECRET_KEY=abcdefg >>/etc/environment",
                "put /etc/profile.d/x.sh 'export GITHUB=ghp_0123456789abcdefghijklmnopqrstuvwxyz'",
                "put /etc/default/app 'APP_PASSWORD=\"x y\"'"],
        "fine": ["install -m 640 /dev/null /etc/default/app; echo APP_PASSWORD=x >/etc/default/app"],
    },
    "secrets.in-history": {
        "bad": ["echo 'export AWS_SECRET_ACCESS_KEY=abc' >/home/ops/.bash_history",
                "echo 'export TOKEN=abc' >>/home/ops/.profile"],
    },
    "secrets.in-units": {
        "bad": ["put /etc/systemd/system/app.service "
                "'[Service]\nEnvironment=DB_PASSWORD=hunter2\nExecStart=/bin/true'",
                "put /etc/systemd/system/ssh.service.d/x.conf "
                "'[Service]\nEnvironment=\"A=b\" \"API_TOKEN=0xyz\"'"],
    },
    "secrets.unlocked-keys": {
        "bad": ["ssh-keygen -q -t ed25519 -N '' -f /home/ops/.ssh/deploy",
                "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f /home/ops/.ssh/pem",
                "mkdir -p /home/ops/.config/age\n"
                "echo AGE-SECRET-KEY-1QQ >/home/ops/.config/age/keys.txt"],
        "fine": ["ssh-keygen -q -t ed25519 -N secret -f /home/ops/.ssh/locked"],
    },
}
