# SPDX-License-Identifier: Apache-2.0
"""How the rules of sharing come to fail: files, of services that are not there."""

from staged import package

GOOD = package("samba") + package("vsftpd") + """
put /etc/exports '/srv 10.0.0.0/8(rw,sync)'
put /etc/samba/smb.conf '[global]
workgroup = X
[docs]
path = /srv
read only = yes'
put /etc/rsyncd.conf '[data]
path = /srv
auth users = ops'
put /etc/vsftpd.conf 'anonymous_enable=NO
local_enable=YES
ssl_enable=YES'
"""


def share(text):
    return f"add /etc/samba/smb.conf '{text}'"


def module(text):
    return f"add /etc/rsyncd.conf '{text}'"


def setting(text):
    return f"sed -i '/workgroup/a {text}' /etc/samba/smb.conf"


def ftp(text):
    return f"add /etc/vsftpd.conf '{text}'"


RULES = {
    "sharing.nfs-everyone": {"bad": ["add /etc/exports '/srv *(ro)'", "add /etc/exports '/srv 10.1.1.1 (rw)'",
                                     "put /etc/exports.d/x.exports /srv/a"],
                             "fine": ["add /etc/exports '/srv *(ro,sec=krb5p)'", "add /etc/exports '#/srv *(rw)'"]},
    "sharing.nfs-root": {"bad": ["add /etc/exports '/srv 10.1.1.1(rw,no_root_squash)'",
                                 "add /etc/exports '/srv -no_root_squash 10.1.1.1(rw)'"],
                         "fine": ["add /etc/exports '/srv 10.1.1.1(rw,no_root_squash,all_squash)'"]},
    "sharing.nfs-any-port": {"bad": ["add /etc/exports '/srv 10.1.1.1(ro,insecure)'"]},
    "sharing.samba-guest-writes": {"bad": [share("[x]\npath=/srv\nguest ok = yes\nwriteable = yes"),
                                           share("[x]\npublic = 1\nread only = false"),
                                           setting("guest ok = yes") + "; " + share("read only = no")],
                                   "before": ("not_applicable",), "alone": True},
    "sharing.samba-guest-reads": {"bad": [share("guest ok = yes"), share("PUBLIC=true"), setting("guestok = yes")],
                                  "alone": True},
    "sharing.samba-old-protocol": {"bad": [setting("server min protocol = NT1"), setting("min protocol = LANMAN2")],
                                   "fine": [setting("server min protocol = SMB3")]},
    "sharing.samba-weak-login": {"bad": [setting("ntlm auth = yes"), setting("NTLM Auth = ntlmv1-permitted"),
                                         setting("null passwords = yes"), setting("server signing = disabled")]},
    "sharing.rsync-anybody-writes": {"bad": [module("[x]\npath = /srv\nread only = no"),
                                             module("[x]\npath = /srv\nread only = 0\nhosts allow = *")],
                                     "before": ("not_applicable",), "alone": True},
    "sharing.rsync-anybody-reads": {"bad": [module("[x]\npath = /srv"), "sed -i '/auth users/d' /etc/rsyncd.conf"],
                                    "fine": [module("[x]\npath = /srv\nhosts allow = 10.0.0.0/8")], "alone": True},
    "sharing.ftp-anonymous": {"bad": [ftp("anonymous_enable=YES"), "sed -i '/anonymous/d' /etc/vsftpd.conf"]},
    "sharing.ftp-anonymous-writes": {"bad": [ftp("anonymous_enable=YES\nwrite_enable=YES\nanon_upload_enable=YES"),
                                             ftp("anonymous_enable=1\nwrite_enable=1\nanon_other_write_enable=TRUE")],
                                     "before": ("not_applicable",)},
    "sharing.ftp-plaintext": {"bad": [ftp("ssl_enable=NO"), "sed -i '/ssl_enable/d' /etc/vsftpd.conf",
                                      ftp("force_local_logins_ssl=NO")]},
}
