# SPDX-License-Identifier: Apache-2.0
"""How the rules of fs come to fail. README.md says how to read this."""

HOST = "iot-backend"

GOOD = """
chmod 755 /home/deploy /etc/cron.daily/demo; chmod 1777 /srv/drop; chmod 750 /opt/demo/*.sh; chmod 600 /opt/demo/app.env
rm -rf /usr/local/bin/findroot /usr/local/bin/wcgroup /usr/local/bin/netprobe /srv/orphan /srv/drop/*
chmod 600 /home/deploy/.ssh/authorized_keys
touch /etc/security/opasswd /boot/vmlinuz-6.1; mkdir -p /boot/grub
install -m 600 /dev/null /etc/ssl/private/tls.key
for f in auth.log syslog; do touch /var/log/$f; chown root:adm /var/log/$f; chmod 640 /var/log/$f; done
"""


def modes(path, *changes):
    """chmod, chown (words with a letter or colon in front of a name) and setfacl."""
    ways = []
    for change in changes:
        tool = "setfacl -m" if change.count(":") == 2 else "chmod" if change[0].isdigit() else "chown"
        ways.append(f"{tool} {change} {path}")
    return ways


LEFT = {
    "fs.sudoers": "a library that is preloaded for another rule is in visudo's way",
    "fs.world-writable-files": "who has to write to the engine's socket is for a person",
}

RULES = {
    "fs.account-files": {"bad": modes("/etc/passwd", "664", "646", "deploy", ":users",
                                      "u:deploy:rw")
                         + modes("/etc/group", "u:deploy:rw", "g:users:rw")
                         + ["touch /etc/group-; chmod 666 /etc/group-", "chmod 602 /etc/subuid"]},
    "fs.acl": {"bad": [
        "setfacl -m u:deploy:rw /etc/passwd", "setfacl -m g:users:rw /etc/sudoers.d/10-deploy",
        "setfacl -m u:deploy:rwx /etc/cron.d", "setfacl -m u:deploy:r /etc/shadow",
        "setfacl -d -m u:deploy:rwx /etc/systemd/system",
        "setfacl -m g:users:r /etc/ssh/ssh_host_rsa_key",
        "setfacl -m u:deploy:rwx /root",
    ],
    "fine": ["setfacl -m u:deploy:r /etc/passwd", "setfacl -m u:deploy:rwx,m::rx /usr/local/bin"]},
    "fs.boot-files": {"bad": modes("/boot/vmlinuz-6.1", "664", "deploy",
                                   "646") + ["chmod 777 /boot", "chmod 757 /boot/grub"]},
    "fs.capabilities": {"bad": [
        "cp /usr/bin/python3.11 /usr/local/bin/py; setcap cap_setuid+ep /usr/local/bin/py",
        "setcap cap_dac_override+eip /usr/bin/tar",
        "setcap all=ep /usr/bin/vim.tiny 2>/dev/null || setcap all=ep /usr/bin/gdb 2>/dev/null || setcap all=ep /usr/bin/find",
        "cp /bin/sh /srv/x; setcap cap_net_raw,cap_sys_ptrace+p /srv/x",
    ], "fine": ["cp /usr/bin/python3.11 /usr/local/bin/n; setcap cap_net_bind_service+ep /usr/local/bin/n"]},
    "fs.control-sockets": {"bad": [
        ("touch /run/docker.sock; chmod 666 /run/docker.sock", "rm /run/docker.sock"),
        ("mkdir /run/podman; touch /run/podman/podman.sock; chmod 602 /run/podman/podman.sock",
         "rm -r /run/podman"),
        ("touch /run/docker.sock; chmod 660 /run/docker.sock; chown deploy /run/docker.sock",
         "rm /run/docker.sock"),
    ]},
    "fs.crontabs": {"bad": modes("/etc/crontab", "664", "deploy", ":users", "u:deploy:rw")
                    + modes("/etc/cron.d", "777", "deploy") + modes("/etc/cron.daily/demo", "777",
                                                                    "deploy", ":users")
                    + ["chmod 660 /var/spool/cron/crontabs/root",
                       "chmod 777 /var/spool/cron/crontabs",
                       "printf '#!/bin/sh\\n' >/srv/j; chmod 777 /srv/j; ln -s /srv/j /etc/cron.hourly/j"]},
    "fs.log-files": {"bad": modes("/var/log/auth.log", "644", "660", "deploy", ":users")
                     + ["touch /var/log/syslog.1.gz; chmod 644 /var/log/syslog.1.gz",
                        "chmod 664 /var/log/btmp",
                        "chmod 777 /var/log",
                        "touch /var/log/auth.log-20260101; chmod 644 /var/log/auth.log-20260101"]},
    "fs.old-passwords": {"bad": modes("/etc/security/opasswd", "644", "640", "deploy",
                                      "u:deploy:r")},
    "fs.preload": {"bad": ["put /etc/ld.so.preload /usr/local/lib/x.so",
                           "put /srv/p /lib/x.so; ln -s /srv/p /etc/ld.so.preload"]},
    # The host has no disk: a file stands for it.
    "fs.raw-devices": {"bad": [
        (f"touch /dev/vda1; chown root:disk /dev/vda1; chmod 660 /dev/vda1; {change} /dev/vda1",
         "rm /dev/vda1")
        for change in ("chmod 664", "chown deploy", "chgrp users", "setfacl -m u:deploy:rwx")
    ]},
    "fs.secret-files": {"bad": modes("/etc/ssl/private/tls.key", "644", "604")
                        + ["put /opt/demo/.env X; chmod 644 /opt/demo/.env",
                           "put /srv/app/db.env x; chmod 664 /srv/app/db.env",
                           "put /srv/k x; chmod 644 /srv/k; ln -s /srv/k /etc/ssl/private/link.key"]},
    "fs.setuid-known": {"bad": ["chmod u+s /usr/bin/find", "chmod 4755 /usr/bin/python3.11"]},
    "fs.setuid-unpackaged": {"bad": [
        "install -m 4755 /bin/bash /usr/local/bin/b", "install -m 2755 /bin/bash /srv/.b",
        "install -m 4711 /bin/sh /var/lib/x",
        "install -m 4755 -o deploy /bin/sh /home/deploy/s", "install -m 4755 /bin/sh '/opt/a b'",
        "mkdir -p /opt/a/b/c; install -m 6755 /bin/sh /opt/a/b/c/d",
        "install -m 4755 /bin/sh /boot/x",
        "install -m 4700 /bin/sh /root/x",
        ("install -m 4755 /bin/sh /tmp/x", "rm /tmp/x"),
        ("install -m 4755 /bin/sh /dev/shm/.x", "rm /dev/shm/.x"),
        ("mkdir /run/x; install -m 4755 /bin/sh /run/x/x", "rm -r /run/x"),
        "mkdir -p /home/deploy/.local/share/containers/x; install -m 4755 /bin/sh /home/deploy/.local/share/containers/x/b",
        ("mount -t tmpfs x /mnt; install -m 4755 /bin/sh /mnt/b", "umount /mnt"),
    ]},
    "fs.shadow-files": {"bad": modes("/etc/shadow", "644", "660", "deploy", ":users", "u:deploy:rw")
                        + modes("/etc/gshadow", "604", ":users") + ["cp /etc/shadow /etc/shadow-; chmod 644 /etc/shadow-"]},
    "fs.sshd-config": {"bad": modes("/etc/ssh/sshd_config", "664", "deploy", ":users",
                                    "u:deploy:rw")
                       + ["chmod 777 /etc/ssh/sshd_config.d", "touch /etc/ssh/sshd_config.d/x.conf; chmod 646 /etc/ssh/sshd_config.d/x.conf",
                          "chmod 775 /etc/ssh"]},
    "fs.sticky-directories": {"bad": ["chmod 777 /srv/drop", "install -d -m 777 /var/lib/x/y",
                                      "install -d -m 2777 /home/deploy/pub",
                                      ("chmod 777 /tmp", "chmod 1777 /tmp"),
                                      ("chmod o-t /dev/shm", "chmod 1777 /dev/shm")]},
    "fs.sudoers": {"bad": modes("/etc/sudoers", "644", "460", "deploy", ":users")
                   + ["chmod 444 /etc/sudoers.d/10-deploy", "chmod 777 /etc/sudoers.d",
                      "chown deploy /etc/sudoers.d/10-deploy"]},
    "fs.system-directories": {"bad": modes("/etc", "775", "deploy") + modes("/usr/bin", "777", "u:deploy:rwx")
                              + ["chmod 757 /usr/local/bin", "chown deploy /opt",
                                 "chgrp users /usr/local/sbin; chmod 775 /usr/local/sbin",
                                 "chmod 777 /etc/profile.d", "chmod 775 /lib/x86_64-linux-gnu",
                                 "chown www-data /usr/lib/x86_64-linux-gnu/security",
                                 "chmod 777 /usr/local/lib/python3.11/dist-packages",
                                 "chmod 777 /etc/update-motd.d"]},
    "fs.system-files": {"bad": [
        "chmod 666 /etc/pam.d/sshd", "chown deploy /etc/profile",
        "put /etc/profile.d/x.sh :; chmod 664 /etc/profile.d/x.sh",
        "chmod 662 /etc/systemd/system/demo.service",
        "put /etc/update-motd.d/99-x :; chmod 777 /etc/update-motd.d/99-x",
        "put /etc/ld.so.conf.d/x.conf /srv; chown deploy /etc/ld.so.conf.d/x.conf",
        "chmod 666 /etc/nsswitch.conf",
        "put /etc/systemd/system/demo.service.d/x.conf '[Service]'; chown deploy /etc/systemd/system/demo.service.d/x.conf",
        "chown deploy /etc/logrotate.d/*", "chmod 646 /etc/apt/sources.list",
        "chmod 666 /etc/fstab",
        "put /etc/modprobe.d/x.conf '#'; chown deploy /etc/modprobe.d/x.conf",
    ]},
    "fs.unowned": {"bad": ["touch /srv/o; chown 4242 /srv/o",
                           "touch /home/deploy/o; chgrp 4243 /home/deploy/o", "userdel deploy"]},
    "fs.world-writable-files": {"bad": [
        "touch /srv/w; chmod 666 /srv/w", "chmod o+w /usr/bin/find",
        "touch /etc/x; chmod 602 /etc/x",
        "touch '/home/deploy/a\nb'; chmod 777 /home/deploy/a*",
        ("touch /tmp/w; chmod 666 /tmp/w", "rm /tmp/w"),
    ]},
    "fs.shared-directory-owner": {"bad": [
        "mkdir -m 1777 /srv/pool; chown deploy /srv/pool", "mkdir -m 777 /opt/pool; chown 4242 /opt/pool",
    ], "fine": ["mkdir -m 1777 /srv/pool", "mkdir -m 1777 /srv/pool; chown www-data /srv/pool"]},
}
