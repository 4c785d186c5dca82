# SPDX-License-Identifier: Apache-2.0
"""How the rules of mail come to fail. Postfix is a process that listens, and its main.cf."""

from staged import HOLD, held, package

MAIN = "/etc/postfix/main.cf"
GOOD = HOLD + package("postfix") + held("master", "tcp", "0.0.0.0", 25)[0] + f"""
put {MAIN} 'myhostname = mx.example.org
mynetworks = 127.0.0.0/8 [::1]/128
disable_vrfy_command = yes
smtpd_banner = $myhostname ESMTP
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = yes'
"""


def line(text):
    return f"add {MAIN} '{text}'"


def without(key):
    return f"sed -i '/^{key}/d' {MAIN}"


RULES = {
    "mail.addresses-told": {"bad": [line("disable_vrfy_command = no"), without("disable_vrfy")]},
    "mail.banner": {"bad": [line("smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)"),
                            line("smtpd_banner =\n  $myhostname ${mail_version}"), without("smtpd_banner")]},
    "mail.login-in-clear": {"bad": [line("smtpd_tls_auth_only = no"), without("smtpd_tls_auth_only")],
                            "fine": [line("smtpd_tls_security_level = encrypt\nsmtpd_tls_auth_only = no")], "alone": True},
    "mail.open-relay": {"bad": [
        line("mynetworks = 127.0.0.0/8,0.0.0.0/0"), line("any = [::]/0\nmynetworks = 127.0.0.1 $any"),
        line("mynetworks = 127.0.0.0/8\n# more\n 0.0.0.0/1"),
        line("smtpd_relay_restrictions = permit_mynetworks, permit, reject_unauth_destination"),
        "put /etc/postfix/master.cf 'smtp inet n - y - - smtpd\n  -o smtpd_relay_restrictions=permit'",
    ], "fine": [line("mynetworks = 10.0.0.0/8"),
                line("smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination permit")]},
    "mail.root-unread": {
        "good": "put /etc/aliases 'postmaster: root\nroot: ops,\n  admin@example.org'",
        "bad": ["sed -i /ops/d /etc/aliases", "put /etc/aliases 'postmaster: root'", "rm /etc/aliases",
                "put /etc/aliases 'root: root, nobody'"],
        "fine": ["rm /etc/aliases; put /root/.forward ops", "put /etc/aliases 'ROOT: |/usr/local/bin/page'"],
        "alone": True,
    },
    "mail.tls": {"bad": [line("smtpd_tls_security_level = none"), without("smtpd_tls_security_level"),
                         line("smtpd_tls_security_level =")],
                 "fine": [line("smtpd_tls_security_level = encrypt")]},
}
