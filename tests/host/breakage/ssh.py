# SPDX-License-Identifier: Apache-2.0
"""How the rules of ssh come to fail. README.md says how to read this."""

GOOD = """
rm -f /etc/ssh/sshd_config.d/*
sed -i -E '/^(PermitRootLogin|PasswordAuthentication) /d' /etc/ssh/sshd_config
"""

RULES = {
    "ssh.no-root-login": {
        "good": "put /etc/ssh/sshd_config.d/50-root.conf 'PermitRootLogin no'",
        "bad": [
            "put /etc/ssh/sshd_config.d/10-root.conf 'PermitRootLogin yes'",
            "put /etc/ssh/sshd_config.d/60-root.conf 'Match Address 10.0.0.0/8\n\tpermitrootlogin=YES'",
        ],
        "fine": ["put /etc/ssh/sshd_config.d/60-root.conf 'PermitRootLogin yes'"],
    },
    "ssh.user-directory": {
        "bad": ["chmod 755 /home/ops/.ssh"],
    },
}
