# SPDX-License-Identifier: Apache-2.0
"""How the rules of pam come to fail. README.md says how to read this."""

GOOD = """
cd /etc/pam.d
put common-auth 'auth requisite pam_faillock.so preauth
auth [success=1 default=ignore] pam_unix.so
auth [default=die] pam_faillock.so authfail
auth required pam_permit.so'
put common-password 'password requisite pam_pwquality.so retry=3
password required pam_pwhistory.so use_authtok remember=24 enforce_for_root
password [success=1 default=ignore] pam_unix.so obscure use_authtok yescrypt
password requisite pam_deny.so
password required pam_permit.so'
sed -i '/pam_rootok/a auth required pam_wheel.so use_uid group=sugroup' su
put /etc/security/faillock.conf 'deny = 5\nunlock_time = 900'
put /etc/security/pwquality.conf 'minlen = 14
difok = 2
maxrepeat = 3
maxsequence = 3
enforce_for_root'
"""


def swap(name, old, new):
    return f"""cd /etc/pam.d; sed -E 's|{old}|{new}|' {name} >.new; ! cmp -s {name} .new; mv .new {name}"""


def top(name, line):
    return f"sed -i '1i {line}' /etc/pam.d/{name}"


def conf(name, line):
    return f"add /etc/security/{name} '{line}'"


def sssd(settings):
    """sssd's file, which counts without sssd."""
    return f"put /etc/sssd/sssd.conf '[sssd]\ndomains = x\n[domain/x]\nid_provider = ldap\n{settings}'"


LEFT = dict.fromkeys("pam.faillock pam.no-nullok pam.password-history pam.password-quality "
                     "pam.password-quality-enforced pam.su-group".split(),
                     "the ways edit the stacks by hand, which pam-auth-update keeps out of")

RULES = {
    "pam.account-checked": {"bad": [
        "sed -i '/pam_unix/d' /etc/pam.d/common-account",
        swap("sshd", "^@include common-account", "account required pam_permit.so"),
        swap("sudo", "^@include common-account", "account optional pam_unix.so"),
        top("common-account", "account sufficient pam_permit.so"),
    ]},
    "pam.directory-tls": {
        "bad": [sssd("ldap_uri = ldap://x.example"), sssd("ldap_uri = ldaps://x.example, ldap://y.example"),
                sssd("ldap_id_use_start_tls = true\nldap_tls_reqcert = never"),
                sssd("ldap_uri = ldaps://x.example") + "\nput /etc/sssd/conf.d/x.conf "
                "'[domain/x]\nldap_tls_reqcert = allow'"],
        "fine": [sssd("ldap_uri = ldaps://x.example")],
        "alone": True,
    },
    "pam.faillock": {"bad": [
        "sed -i /preauth/d /etc/pam.d/common-auth",
        swap("common-auth", "^auth requisite.*preauth", "auth sufficient pam_unix.so\\n&"),
        "sed -i /authfail/d /etc/pam.d/common-auth",
        swap("sshd", "^@include common-auth", "auth required pam_unix.so"),
        swap("common-auth", "^auth.*authfail", "auth optional pam_faillock.so authfail"),
        swap("common-auth", "^(auth.*authfail)", "#\\1"),
        swap("login", "^@include common-auth", "auth include plain")
        + "; put /etc/pam.d/plain 'auth required pam_unix.so'",
    ]},
    "pam.faillock-limits": {"alone": True, "bad": [
        conf("faillock.conf", "deny = 50"),
        conf("faillock.conf", "fail_interval = 60"),
        "put /etc/security/faillock.conf 'deny = 0'",
        "put /etc/security/faillock.conf 'unlock_time = 60'",
        "rm /etc/security/faillock.conf",
        swap("common-auth", "preauth$", "preauth deny=100"),
        swap("common-auth", "authfail$", "authfail unlock_time=1"),
        swap("common-auth", "preauth$",
             "preauth conf=/etc/f.conf") + "; put /etc/f.conf 'deny = 1000'",
    ]},
    "pam.module-elsewhere": {"bad": [
        top("sshd", "auth optional /tmp/pam_x.so"),
        top("common-auth", "auth sufficient ../../../opt/pam_x.so"),
        top("cron", "session optional [/var/lib/a b/pam_x.so]"),
    ], "fine": [top("sshd", "auth optional /lib/x86_64-linux-gnu/security/pam_env.so")]},
    "pam.no-exec": {"says": "manual", "bad": [
        top("sshd", "auth optional pam_exec.so quiet expose_authtok /usr/local/bin/x"),
        top("common-session", "-session [default=ignore] pam_exec.so \\\\\\n /usr/local/bin/x"),
        top("sudo", "auth optional /opt/pam_python.so x.py"),
    ]},
    "pam.no-free-pass": {"bad": [
        top("sshd", "auth sufficient pam_permit.so"),
        top("sudo", "AUTH [success=done default=ignore] pam_permit.so"),
        top("login", "auth  [success=4 default=ignore]\\tpam_permit.so"),
        top("common-auth", "auth sufficient pam_succeed_if.so user = dev"),
        top("su", "auth \\\\\\n sufficient pam_debug.so"),
        swap("sudo", "^@include common-auth", "auth required pam_permit.so"),
        swap("sshd", "^@include common-auth",
             "auth optional pam_unix.so\\nauth required pam_permit.so"),
        "put /etc/pam.d/mine 'auth sufficient pam_permit.so'; " + top("login",
                                                                      "auth substack mine"),
        top("sshd", "auth sufficient /lib/x86_64-linux-gnu/security/pam_permit.so"),
        "put /etc/pam.d/vsftpd 'auth sufficient pam_permit.so'",
        "rm /etc/pam.d/sudo; put /usr/lib/pam.d/sudo 'auth sufficient pam_permit.so'",
        top("su",
            "auth sufficient pam_listfile.so item=user sense=allow file=/etc/friends onerr=fail"),
    ]},
    "pam.no-nullok": {"bad": [
        swap("common-auth", "pam_unix.so$", "pam_unix.so nullok"),
        swap("common-auth", "pam_unix.so$", "pam_unix.so try_first_pass nullok_secure"),
        top("su", "auth sufficient pam_unix.so nullok"),
        "put /etc/pam.d/ftp 'auth required pam_unix.so [nullok]'",
    ], "fine": [top("passwd", "password optional pam_unix.so nullok use_authtok yescrypt")]},
    "pam.password-check-used": {"bad": [
        swap("common-password", "(pam_unix.*) use_authtok", "\\1"),
        swap("common-password", "(pam_pwhistory.so) use_authtok", "\\1"),
    ]},
    "pam.password-hash": {"bad": [
        swap("common-password", "yescrypt", "md5"),
        swap("common-password", "yescrypt",
             "") + "; sed -i s/^ENCRYPT_METHOD.*/ENCRYPT_METHOD\\ MD5/ /etc/login.defs",
        swap("common-password", "yescrypt", "") + "; sed -i /^ENCRYPT_METHOD/d /etc/login.defs",
        swap("common-password", "yescrypt", "yescrypt bigcrypt"),
    ], "fine": [swap("common-password", "yescrypt", "sha512 rounds=65536"),
                swap("common-password", "yescrypt", "")]},
    "pam.password-history": {"bad": [
        "sed -i /pam_pwhistory/d /etc/pam.d/common-password",
        # The module of Debian 12 does not read the file.
        swap("common-password", "remember=24", "") + "; put /etc/security/pwhistory.conf 'remember = 24'",
        swap("common-password", "remember=24", "remember=1"),
        swap("common-password", "remember=24", ""),
        swap("passwd", "^@include common-password", "password required pam_unix.so yescrypt"),
    ]},
    "pam.password-length": {"bad": [
        "put /etc/security/pwquality.conf 'minlen = 8'",
        "sed -i s/minlen/#minlen/ /etc/security/pwquality.conf",
        swap("common-password", "retry=3", "retry=3 minlen=6"),
        conf("pwquality.conf", "minlen=9"),
        conf("pwquality.conf", "dcredit = 6"),
        "rm /etc/security/pwquality.conf; put /etc/security/pwquality.conf.d/x.conf 'minlen = 7'",
    ]},
    "pam.password-patterns": {"bad": [
        conf("pwquality.conf", "maxrepeat = 0"),
        conf("pwquality.conf", "dictcheck=0"),
        swap("common-password", "retry=3", "retry=3 difok=0"),
        "sed -i /maxsequence/d /etc/security/pwquality.conf",
    ]},
    "pam.password-quality": {"alone": True, "bad": [
        "sed -i /pam_pwquality/d /etc/pam.d/common-password",
        swap("common-password", "requisite( *pam_pwquality)", "optional\\1"),
        swap("passwd", "^@include common-password", "password required pam_unix.so yescrypt"),
        top("common-password", "password sufficient pam_unix.so yescrypt"),
    ]},
    "pam.password-quality-enforced": {"bad": [
        swap("common-password", "retry=3", "retry=10"),
        conf("pwquality.conf", "enforcing = 0"),
        "sed -i /enforce_for_root/d /etc/security/pwquality.conf",
        swap("common-password", "retry=3", "retry=3 enforcing=0"),
    ]},
    "pam.su-group": {"bad": [
        "sed -i /pam_wheel/d /etc/pam.d/su",
        swap("su", "(pam_wheel.so.*)$", "\\1 deny"),
        swap("su", "required( *pam_wheel)", "sufficient\\1"),
        swap("su", "^auth( *required *pam_wheel)", "account\\1"),
        "put /etc/pam.d/su-l 'auth sufficient pam_rootok.so\n@include common-auth'",
        "sed -i '/^#*auth.*pam_wheel/s/^/# /' /etc/pam.d/su",
        swap("su", "^auth.*pam_wheel", "auth sufficient pam_unix.so\\n&"),
    ]},
    "pam.su-trust": {"bad": [
        top("su", "auth sufficient pam_wheel.so trust"),
        top("common-auth",
            "auth [success=done default=ignore] pam_wheel.so use_uid trust group=ops"),
    ]},
    "pam.failure-delay": {"bad": [
        swap("common-auth", "pam_unix.so", "pam_unix.so nodelay"),
    ]},
    "pam.faillock-root": {"alone": True, "good": conf("faillock.conf", "root_unlock_time = 60"), "bad": [
        "sed -i /root_unlock_time/d /etc/security/faillock.conf",
        conf("faillock.conf", "root_unlock_time = 5"),
    ], "fine": [
        "sed -i s/root_unlock_time.*/even_deny_root/ /etc/security/faillock.conf",
        "sed -i /root_unlock_time/d /etc/security/faillock.conf; passwd -qdl root",
    ]},
    "pam.history-by-unix": {"bad": [swap("common-password", "obscure", "obscure remember=5")]},
    "pam.history-for-root": {"alone": True, "bad": [swap("common-password", " enforce_for_root", "")]},
    "pam.local-accounts": {"alone": True, "bad": [
        "sed -i '/pam_unix/d' /etc/pam.d/common-auth", "sed -i '/pam_unix/d' /etc/pam.d/common-session",
        "sed -i '/pam_unix/d' /etc/pam.d/common-password",
    ]},
}
