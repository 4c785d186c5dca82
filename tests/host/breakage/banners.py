# SPDX-License-Identifier: Apache-2.0
"""How the rules of banners come to fail. README.md says how to read this."""

ALONE = True

GOOD = """
for f in /etc/issue /etc/issue.net; do put $f 'Authorised use only. Use is monitored.'; done
put /etc/motd 'Welcome.'
"""

RULES = {
    "banners.no-disclosure": {"bad": [
        "put /etc/issue 'Authorised use of \\S only'",
        "put /etc/issue.net 'Private. Debian GNU/Linux 12'",
        r"put /etc/issue 'private \\s \r'",
        "put /etc/issue.net 'DEBIAN authorised'",
        "put /etc/motd 'Debian bookworm/12, welcome'",
        "put /etc/issue.d/10-x.issue 'Kernel \\r'",
    ]},
    "banners.permissions": {"bad": [
        "chmod 664 /etc/motd", "chmod 646 /etc/issue", "chown www-data /etc/issue.net",
        "put /etc/motd.d/x hello; chmod 666 /etc/motd.d/x",
        "mv /etc/motd /srv/motd; ln -s /srv/motd /etc/motd; chmod 666 /srv/motd",
    ]},
    "banners.warning": {"bad": [
        "put /etc/issue hello", "rm /etc/issue.net", ": >/etc/issue",
        "put /etc/issue.net 'Debian 12'",
    ]},
}
