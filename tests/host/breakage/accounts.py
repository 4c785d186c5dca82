# SPDX-License-Identifier: Apache-2.0
"""How the rules of accounts come to fail. README.md says how to read this."""

# They are all about the same few accounts.
ALONE = True

GOOD = """
useradd -m -s /bin/bash dev
useradd -r -s /usr/sbin/nologin -d /srv/svc svc
printf '%s\\n' dev:dev-revet | chpasswd
chmod 750 /home/ops /home/dev
chmod 700 /root
echo '* hard core 0' >/etc/security/limits.d/core.conf
sed -i -E 's/^(PASS_MAX_DAYS).*/\\1 365/; s/^UMASK.*/UMASK 027/; s/^#?(HOME_MODE).*/\\1 0750/' /etc/login.defs
sed -i -E 's/^(PASS_MIN_DAYS).*/\\1 1/' /etc/login.defs
chage -m 1 -M 365 -W 7 -I 30 root; chage -m 1 -M 365 -W 7 -I 30 ops; chage -m 1 -M 365 -W 7 -I 30 dev
echo 'session optional pam_umask.so' >>/etc/pam.d/common-session
echo 'readonly TMOUT=900; export TMOUT' >/etc/profile.d/tmout.sh
"""

CORE = "/etc/security/limits.d/core.conf"


def passwd(line):
    return f"echo '{line}' >>/etc/passwd"


def defs(key, value):
    return f"sed -i 's/^{key}.*/{key} {value}/' /etc/login.defs"


def each_mode(path, *modes):
    return [f"chmod {mode} {path}" for mode in modes]


def own(path, text="x", mode="600", user="dev"):
    return f"put {path} '{text}'; chown {user}: {path}; chmod {mode} {path}"


RULES = {
    "accounts.core-limit": {"bad": [
        f"rm {CORE}",
        f"echo '* soft core 0' >{CORE}",
        f"echo '* hard core 1' >{CORE}",
        f"mv {CORE} {CORE}.off",
        f"echo 'dev hard core unlimited' >>{CORE}",
        f"echo 'dev -' >>{CORE}",
        "sed -i /pam_limits/d /etc/pam.d/sshd",
        "echo '@users - core -1' >>/etc/security/limits.conf",
    ]},
    "accounts.dotfiles-closed-to-writers": {"bad": [
        "chmod o+w /home/dev/.bashrc",
        own("/home/dev/.profile", mode="666"),
        "chgrp ops /home/dev/.bashrc; chmod g+w /home/dev/.bashrc",
        own("/home/dev/.config/systemd/user/x.service") + "; chmod 777 /home/dev/.config",
        "touch /root/.bash_login; chmod 622 /root/.bash_login",
        own("/home/dev/.gitconfig", mode="664") + "; usermod -aG dev ops",
    ], "fine": [own("/home/dev/.gitconfig", mode="664")]},
    "accounts.duplicate-names": {"bad": [
        passwd("dev:x:0:0::/root:/bin/bash"),
        "echo 'sudo:x:4711:dev' >>/etc/group",
        "sed -i '1i dev:x:1234:1234::/:/bin/bash' /etc/passwd",
    ]},
    "accounts.groups-exist": {"bad": [
        "sed -i '/^dev:/d' /etc/group",
        "sed -i 's/^\\(dev:x:[0-9]*\\):[0-9]*/\\1:4711/' /etc/passwd",
    ]},
    "accounts.homes-closed-to-writers": {"bad": [
        "chmod 777 /home/dev",
        "chmod 751 /home/dev; chmod o+w /home/dev",
        "chgrp ops /home/dev; chmod 770 /home/dev",
        "chmod 1777 /root",
        "mv /home/dev /srv/dev; ln -s /srv/dev /home/dev; chmod 757 /srv/dev",
        "usermod -s /bin/bash -d /srv/svc svc; install -d -o svc -m 777 /srv/svc",
    ], "fine": ["chmod 770 /home/dev"]},
    "accounts.homes-exist": {"bad": [
        "mv /home/dev /home/gone", "usermod -d /nonexistent dev",
        "sed -i 's,:/home/dev:,::,' /etc/passwd",
    ]},
    "accounts.homes-owned": {"bad": [
        "chown ops /home/dev", "chown ops /home/dev/.bashrc", "chown 4711 /home/dev/.profile",
        "chown -h ops /home/dev/.bash_logout",
    ], "fine": ["chown root /home/dev"]},
    "accounts.homes-private": {"bad": each_mode("/home/dev", 755, 751, 754) + ["chmod 705 /root"]},
    "accounts.inactive-lock": {"bad": [
        "chage -I -1 dev", "chage -I 400 ops", "useradd -m new; echo new:x | chpasswd",
    ]},
    "accounts.last-change-past": {"bad": [
        "chage -d 2099-01-01 dev", "chage -d 2099-12-31 root",
    ]},
    "accounts.new-homes": {"bad": [
        defs("HOME_MODE", "0755"), "sed -i /^HOME_MODE/d /etc/login.defs; " + defs("UMASK", "022"),
        "echo 'HOME_MODE 0777' >>/etc/login.defs",
        "sed -i '/^HOME_MODE/d;/^UMASK/d' /etc/login.defs",
    ], "fine": ["sed -i /^HOME_MODE/d /etc/login.defs"]},
    "accounts.new-password-hash": {"bad": [
        defs("ENCRYPT_METHOD", "DES"), defs("ENCRYPT_METHOD", "MD5"),
        "sed -i /^ENCRYPT_METHOD/d /etc/login.defs",
        "echo 'ENCRYPT_METHOD DES' >>/etc/login.defs",
    ]},
    "accounts.no-empty-passwords": {"bad": [
        "passwd -qd dev",
        "sed -i 's/^dev:x:/dev::/' /etc/passwd",
        "usermod -p '' root",
        passwd("back::1777:100::/:/bin/bash"),
        "sed -i 's/^dev:[^:]*:/dev::/' /etc/shadow",
    ]},
    "accounts.no-forward": {"bad": [own("/home/dev/.forward", "x@example.org"),
                                    "ln -s /srv/fwd /root/.forward"]},
    "accounts.no-rhosts": {"bad": [
        own("/home/dev/.rhosts", "+ +"), "put /etc/hosts.equiv +",
        own("/root/.shosts", "x", user="root"),
        "put /etc/ssh/shosts.equiv 10.0.0.1", "put /srv/h '+ +'; ln -s /srv/h /home/dev/.rhosts",
    ]},
    "accounts.only-root-uid-0": {"bad": [
        passwd("toor:x:0:0::/root:/bin/bash"), "usermod -o -u 0 dev",
        passwd("games2:x:00:5::/:/usr/sbin/nologin"),
        passwd("x:x:4294967296:0::/:/bin/sh").replace("4294967296", "0000000000"),
    ]},
    "accounts.password-ageing": {"bad": [
        defs("PASS_MAX_DAYS", "99999"), "chage -M 99999 dev", "chage -M -1 ops", "chage -W 0 root",
        defs("PASS_WARN_AGE", "0"), "sed -i /^PASS_MAX_DAYS/d /etc/login.defs",
    ]},
    "accounts.password-hashes": {"bad": [
        "usermod -p '$1$abcdefgh$irWbblnpmw.5z7wgBnprh0' dev",
        "usermod -p 'ab1rU1rGGR1Bk' dev",
        "usermod -p '!$1$abcdefgh$irWbblnpmw.5z7wgBnprh0' svc",
        "sed -i 's/^dev:x:/dev:$1$abcdefgh$irWbblnpmw.5z7wgBnprh0:/' /etc/passwd",
        "usermod -p '$3$$8846f7eaee8fb117ad06bdd830b7586c' dev",
    ]},
    "accounts.password-min-age": {"bad": [
        "chage -m 0 dev", defs("PASS_MIN_DAYS", "0"), "sed -i /^PASS_MIN_DAYS/d /etc/login.defs",
    ]},
    "accounts.personal-admin": {"bad": [
        "gpasswd -d ops sudo",
        "usermod -s /usr/sbin/nologin ops",
        "sed -i '/^sudo:/s/ops//' /etc/group; echo '%ops ALL=/usr/bin/id' >/etc/sudoers.d/x",
    ]},
    "accounts.raw-access-groups": {"bad": [
        "usermod -aG disk dev", "usermod -g shadow svc", "gpasswd -a svc kmem",
        "sed -i 's/^\\(disk:x:6:\\).*/\\1svc,nobody/' /etc/group",
    ]},
    "accounts.root-equivalent-groups": {"bad": [
        "groupadd -r docker; usermod -aG docker dev", "groupadd -r lxd; usermod -g lxd svc",
        "groupadd -r incus-admin; gpasswd -a dev incus-admin",
        "groupadd libvirt; usermod -aG libvirt dev",
    ]},
    "accounts.root-group": {"bad": [
        "usermod -g 0 dev", "usermod -aG root dev", "echo 'wheel:x:0:dev' >>/etc/group",
        "sed -i 's/^dev:x:\\([0-9]*\\):[0-9]*/dev:x:\\1:00/' /etc/passwd",
    ]},
    "accounts.secret-dotfiles": {"good": own("/home/dev/.netrc"), "bad": [
        "chmod 640 /home/dev/.netrc",
        own("/home/ops/.aws/credentials", mode="604", user="ops"),
        own("/root/.bash_history", mode="644", user="root"),
        own("/home/dev/.docker/config.json", mode="664"),
        own("/home/dev/.pgpass", mode="666"),
        own("/home/dev/.npmrc", mode="644"),
    ], "fine": ["ln -s /dev/null /home/dev/.bash_history"]},
    "accounts.service-admins": {"bad": ["usermod -aG sudo svc", "usermod -g sudo svc",
                                        "groupadd wheel; gpasswd -a www-data wheel"]},
    "accounts.service-passwords": {"bad": [
        "echo svc:x | chpasswd", "usermod -s /usr/sbin/nologin dev", "echo backup:x | chpasswd",
        "echo nobody:x | chpasswd",
    ]},
    "accounts.service-shells": {"bad": [
        "usermod -s /bin/bash svc", "usermod -s '' games", "usermod -s /usr/bin/python3 backup",
        "usermod -s /bin/sh nobody",
    ]},
    "accounts.shadowed": {"bad": [
        "sed -i 's/^dev:x:/dev:$y$j9T$abc$def:/' /etc/passwd",
        "sed -i 's/^dev:x:/dev:ab1rU1rGGR1Bk:/' /etc/passwd",
    ]},
    "accounts.shell-timeout": {"bad": [
        "rm /etc/profile.d/tmout.sh",
        "echo 'TMOUT=900; export TMOUT' >/etc/profile.d/tmout.sh",
        "echo 'readonly TMOUT=0' >/etc/profile.d/tmout.sh",
        "echo 'readonly TMOUT=36000' >/etc/profile.d/tmout.sh",
        "mv /etc/profile.d/tmout.sh /etc/profile.d/tmout.csh",
        "echo '# readonly TMOUT=900' >/etc/profile.d/tmout.sh",
    ]},
    "accounts.umask": {"bad": [
        defs("UMASK", "022"),
        "sed -i /pam_umask/d /etc/pam.d/common-session",
        "echo 'umask 022' >/etc/profile.d/z.sh",
        "sed -i 's/pam_umask.so/pam_umask.so umask=022/' /etc/pam.d/common-session",
        "sed -i /pam_umask/d /etc/pam.d/common-session; echo 'session optional pam_umask.so' >>/etc/pam.d/cron",
        "echo 'umask u=rwx,g=rx,o=rx' >>/etc/profile",
        "echo 'umask 002' >>/etc/bash.bashrc",
    ], "fine": ["sed -i 's/pam_umask.so/pam_umask.so umask=0077/' /etc/pam.d/common-session; " + defs("UMASK", "022")]},
    "accounts.unique-ids": {"bad": [
        passwd("twin:x:$(id -u dev):100::/:/bin/bash").replace("'", '"'),
        "usermod -o -u 1 svc", "echo \"twins:x:$(id -g dev):\" >>/etc/group",
    ]},
    "accounts.history-diverted": {"bad": [
        "ln -sf /dev/null /home/dev/.bash_history", "mkdir /root/.bash_history",
    ], "fine": [own("/home/dev/.bash_history")]},
    "accounts.nologin-a-shell": {"bad": [
        "echo /usr/sbin/nologin >>/etc/shells", "echo '/bin/false # none' >>/etc/shells",
    ], "fine": ["echo '# /usr/sbin/nologin' >>/etc/shells"]},
    "accounts.password-hash-cost": {"bad": [
        "echo 'YESCRYPT_COST_FACTOR 1' >>/etc/login.defs", "echo 'SHA_CRYPT_MAX_ROUNDS 1000' >>/etc/login.defs",
        "sed -i 's/yescrypt/yescrypt rounds=1/' /etc/pam.d/common-password",
        "sed -i 's/yescrypt/sha512 rounds=1000/' /etc/pam.d/common-password",
    ], "fine": ["sed -i 's/yescrypt/yescrypt rounds=11/' /etc/pam.d/common-password"]},
    "accounts.root-home": {"bad": each_mode("/root", 755, 701, 770)},
    "accounts.root-path": {"bad": [
        "mkdir /opt/tools; chown dev /opt/tools; echo 'PATH=$PATH:/opt/tools' >>/root/.bashrc",
        "mkdir -m 777 /opt/x; sed -i 's|^ENV_SUPATH.*|&:/opt/x|' /etc/login.defs",
        "echo 'export PATH=.:$PATH' >/etc/profile.d/path.sh",
        "echo 'PATH=$PATH:' >>/root/.profile",
        "chmod g+w /usr/local/bin",
    ], "fine": ["mkdir /opt/tools; echo 'PATH=$PATH:/opt/tools' >>/root/.bashrc"]},
    "accounts.root-umask": {"bad": [
        "echo 'umask 022' >>/root/.bashrc", "echo 'umask u=rwx,g=rwx,o=' >>/root/.profile",
        "echo 'umask 002' >/root/.bash_profile",
    ], "fine": ["echo 'umask 077' >>/root/.bashrc", "echo '# umask 022' >>/root/.bashrc"]},
    "accounts.session-limit": {
        "good": "echo '* hard maxlogins 10' >/etc/security/limits.d/max.conf",
        "bad": ["rm /etc/security/limits.d/max.conf",
                "echo '* hard maxlogins 1000' >/etc/security/limits.d/max.conf",
                "echo '@users hard maxlogins 10' >/etc/security/limits.d/max.conf",
                "echo '* - maxlogins 1000' >/etc/security/limits.d/z.conf",
                "echo '@sudo hard maxlogins -1' >>/etc/security/limits.conf"],
        "fine": ["echo '* hard maxlogins 1000' >>/etc/security/limits.conf"],
    },
}
