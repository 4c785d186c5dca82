# SPDX-License-Identifier: Apache-2.0
"""For test_lockout.py: situations in which an administrator can or cannot come in, each a script that makes
it on a stock server. $HOST is the server's address, $RSA a key of 1024 bits that the client has as well, $CA
an authority that has certified the client's key for ops and for the role of an operator."""

KEYS = "/home/ops/.ssh/authorized_keys"


def option(text):
    return f"sed -i 's|^|{text} |' {KEYS}"


def sshd(text, last=False):
    """A line of somebody else's: in a drop-in, or at the end, where a Match block may stand."""
    where = "/etc/ssh/sshd_config" if last else "/etc/ssh/sshd_config.d/50-other.conf"
    return f"printf '{text}\\n' >>{where}"


def sudoers(text):
    return f"gpasswd -d ops sudo >/dev/null; printf '{text}\\n' >/etc/sudoers.d/other"


def command(script):
    return (sshd("AuthorizedKeysCommand /etc/ssh/keys.sh\\nAuthorizedKeysCommandUser nobody") +
            f"; printf '#!/bin/sh\\n{script}\\n' >/etc/ssh/keys.sh; chmod 755 /etc/ssh/keys.sh")


def certified(more="", rest=f"rm {KEYS}"):
    """Who has a certificate comes in; the key itself is in no file, or `rest` says what there is."""
    return sshd("TrustedUserCAKeys /etc/ssh/ca.pub" + more) + f"; echo \"$CA\" >/etc/ssh/ca.pub; {rest}"


def asked_first(service, module):
    return f"sed -i '1i {module}' /etc/pam.d/{service}"


def mounted(options):
    """The home on a file system of its own."""
    return ("cp -a /home/ops /root/o; mount -t tmpfs -o uid=1000,gid=1000,mode=700 none /home/ops; "
            f"cp -a /root/o/. /home/ops/; rm -r /root/o; mount -o remount,{options} /home/ops")


BOB = "useradd -m -s /bin/bash bob; chmod 755 /home/bob; "
# Twenty wrong passwords of today, as pam_faillock keeps them.
FAILLOCK = ("sed -i -e '1i auth required pam_faillock.so preauth' -e '/pam_unix/a auth [default=die] pam_faillock.so "
            "authfail' -e 's/success=1/success=2/' /etc/pam.d/common-auth; mkdir -p /run/faillock; perl -e "
            "'print pack(\"a52SSQ\", \"x\", 0, 1, time) x 20' >/run/faillock/ops; chown ops /run/faillock/ops; ")

LOADED = {  # what sshd is told about
    "plain": ":",
    "no key": f"rm {KEYS}",
    "key for others to write": f"chmod 666 {KEYS}",
    "key of root's, private": f"chown root:root {KEYS}; chmod 600 {KEYS}",
    "key of root's, public": f"chown root:root {KEYS}; chmod 644 {KEYS}",
    "key of somebody else": f"chown daemon {KEYS}; chmod 644 {KEYS}",
    "key that nobody reads": f"chmod 0 {KEYS}",
    "directory for all": "chmod 777 /home/ops/.ssh",
    "directory of root's": "chown root:root /home/ops/.ssh",
    "home for the group": "chmod 775 /home/ops",
    "home for all, not strict": "chmod 777 /home/ops; " + sshd("StrictModes no"),
    "directory is a link": "mv /home/ops/.ssh /var/tmp/x; ln -s /var/tmp/x /home/ops/.ssh",
    "directory is a link into the home": "mv /home/ops/.ssh /home/ops/x; ln -s x /home/ops/.ssh",
    "key is a pipe": f"rm {KEYS}; mkfifo {KEYS}; chown ops {KEYS}",
    "key in lines of DOS": f"sed -i 's/$/\\r/' {KEYS}",
    "key behind a byte order mark": f"sed -i '1s/^/\\xef\\xbb\\xbf/' {KEYS}",
    "key behind a long line": f"(printf '# '; head -c 60000 /dev/zero | tr '\\0' x; echo; cat {KEYS}) >/root/k; "
                              f"cat /root/k >{KEYS}; rm /root/k",
    "key behind much": f"(yes '# nothing' | head -c 1200000; cat {KEYS}) >/root/k; cat /root/k >{KEYS}; rm /root/k",
    "key of RSA, short": f"echo \"$RSA\" >{KEYS}",
    "key in authorized_keys2": f"mv {KEYS} {KEYS}2",
    "directory of root's, public": "chown root:root /home/ops/.ssh; chmod 755 /home/ops/.ssh",
    "home of root's": "chown root:root /home/ops; chmod 755 /home/ops",
    "home of root's, closed": "chown root:root /home/ops; chmod 700 /home/ops",
    "home is gone": "mv /home/ops /home/away",
    "home is a link": "mv /home/ops /home/away; ln -s away /home/ops",
    "home through a closed directory": "mkdir -m 700 /home/deep; mv /home/ops /home/deep/; "
                                       "sed -i s,:/home/ops:,:/home/deep/ops:, /etc/passwd",
    "key is garbage": f"echo 'ssh-ed25519 AAAA ops' >{KEYS}",
    "key is cut short": f"sed -i 's/^\\(.\\{{60\\}}\\).*/\\1/' {KEYS}",
    "key in a comment": option("#"),
    "from here": option('from=\\"10.99.0.0/16,fd00:99::/32\\"'),
    "from a pattern": option('from=\\"10.99.*,fd00:99:*\\"'),
    "from elsewhere": option('from=\\"192.0.2.0/24\\"'),
    "from all but here": option('from=\\"!10.99.0.0/16,!fd00:99::/32,*\\"'),
    "from loopback": option('from=\\"127.0.0.1,::1\\"'),
    "key has expired": option('expiry-time=\\"20200101\\"'),
    "key will expire": option('expiry-time=\\"20990101\\"'),
    "key with a command": option('command=\\"/bin/true\\"'),
    "key restricted": option("restrict"),
    "key of an authority": option("cert-authority"),
    "key with an unknown option": option("wizard"),
    "key without forwarding": option("no-port-forwarding,no-X11-forwarding"),
    "no key for the user": sshd("Match User ops\\nPubkeyAuthentication no", True),
    "no key for the group": sshd("Match Group sudo\\nPubkeyAuthentication no", True),
    "no key from there": sshd("Match Address 10.99.0.0/16,fd00:99::/32\\nPubkeyAuthentication no", True),
    "no key but from loopback": sshd("Match Address *,!127.0.0.1\\nPubkeyAuthentication no", True),
    "no key by the port": sshd("Match LocalPort 22\\nPubkeyAuthentication no", True),
    "no key by the address": sshd("Match LocalAddress 10.99.0.0/16\\nPubkeyAuthentication no", True),
    "only the others": sshd("Match User root\\nPubkeyAuthentication no", True),
    "keys elsewhere": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u"),
    "keys elsewhere, with it": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u") +
                               f"; mkdir /etc/ssh/keys; cp {KEYS} /etc/ssh/keys/ops; chmod 644 /etc/ssh/keys/ops",
    "keys elsewhere, unreadable": sshd("AuthorizedKeysFile /etc/ssh/keys/%%u") +
                                  f"; mkdir -m 700 /etc/ssh/keys; cp {KEYS} /etc/ssh/keys/ops",
    "no keys": sshd("PubkeyAuthentication no"),
    "key and password": sshd("AuthenticationMethods publickey,password"),
    "password only": sshd("AuthenticationMethods password"),
    "key only": sshd("AuthenticationMethods publickey"),
    "other algorithms": sshd("PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256"),
    "short RSA keys no more": f"echo \"$RSA\" >{KEYS}; " + sshd("RequiredRSASize 2048"),
    "keys by a command": command("cat /etc/ssh/keys") + f"; mv {KEYS} /etc/ssh/keys; chmod 644 /etc/ssh/keys",
    "keys also by a command": command("cat /etc/ssh/keys") + f"; cp {KEYS} /etc/ssh/keys; chmod 644 /etc/ssh/keys",
    "keys by a command that fails": command("exit 1"),
    "keys by a slow command": command("sleep 2"),
    "keys by an authority": sshd("TrustedUserCAKeys /etc/ssh/ca.pub") + f"; mv {KEYS} /etc/ssh/ca.pub",
    "no key by name": sshd("UseDNS yes\\nMatch Host client.example\\nPubkeyAuthentication no", True),
    "no key by name, never looked up": sshd("UseDNS no\\nMatch Host client.example\\nPubkeyAuthentication no", True),
    "AllowUsers by name": sshd("UseDNS yes\\nAllowUsers ops@client.example"),
    "AllowUsers by name, never looked up": sshd("UseDNS no\\nAllowUsers ops@client.example daemon"),
    "DenyUsers by name": sshd("UseDNS yes\\nDenyUsers ops@client.example"),
    "DenyUsers by another name": sshd("UseDNS yes\\nDenyUsers ops@other.example"),
    "from by name": sshd("UseDNS yes") + "; " + option('from=\\"*.example\\"'),
    "DenyUsers but him": sshd("DenyUsers !ops *"),
    "AllowUsers but him": sshd("AllowUsers !ops *"),
    "a command for the user": sshd("Match User ops\\nForceCommand /bin/true", True),
    "a command for all": sshd("ForceCommand internal-sftp"),
    "shut into a directory": sshd("Match Group sudo\\nChrootDirectory /var/empty", True),
    "no sessions": sshd("MaxSessions 0"),
    "no terminals": sshd("PermitTTY no"),
    "an include that is not there": sshd("Include /etc/ssh/nothing.d/*.conf"),
    "an include with a Match": sshd("Include /etc/ssh/more.conf") +
                               "; printf 'Match User ops\\nPubkeyAuthentication no\\n' >/etc/ssh/more.conf",
    "a Match that ends with its file": sshd("Match User daemon\\nPubkeyAuthentication no"),
    "banned by name": "echo 'sshd: ALL' >/etc/hosts.deny",
    "banned from there": "echo 'sshd: 10.99. [fd00:99::]/32' >/etc/hosts.deny",
    "allowed from there alone": "echo 'sshd: ALL' >/etc/hosts.deny; "
                                "echo 'sshd: 10.99. [fd00:99::]/32' >/etc/hosts.allow",
    "by socket": "systemctl stop ssh; systemctl start ssh.socket",
    "revoked": f"cp {KEYS} /etc/ssh/revoked; " + sshd("RevokedKeys /etc/ssh/revoked"),
    "nothing is revoked": ">/etc/ssh/revoked; " + sshd("RevokedKeys /etc/ssh/revoked"),
    "AllowUsers of others": sshd("AllowUsers daemon"),
    "AllowUsers": sshd("AllowUsers daemon ops"),
    "AllowUsers from here": sshd("AllowUsers ops@10.99.0.0/16 ops@fd00:99:*"),
    "AllowUsers from elsewhere": sshd("AllowUsers ops@192.0.2.0/24"),
    "AllowGroups": sshd("AllowGroups s*"),
    "AllowGroups of others": sshd("AllowGroups daemon ghosts"),
    "DenyUsers": sshd("DenyUsers o*"),
    "DenyUsers from here": sshd("DenyUsers ops@10.99.0.0/16 ops@fd00:99:*"),
    "DenyUsers from elsewhere": sshd("DenyUsers ops@192.0.2.0/24"),
    "DenyGroups": sshd("DenyGroups sud?"),
    "expired": "chage -E 2020-01-01 ops",
    "expires today": "chage -E $(date +%Y-%m-%d) ops",
    "expires later": "chage -E 2099-01-01 ops",
    "password to be changed": "chage -d 0 ops",
    "password too old": "chage -d 2020-01-01 -M 30 ops",
    "inactive": "chage -d 2020-01-01 -M 30 -I 5 ops",
    "inactive one day": "chage -I 0 ops",
    "in no shadow": "sed -i '/^ops:/d' /etc/shadow",
    "locked": "usermod -L ops",
    "locked, free sudo": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other",
    "locked, free sudo, no PAM": "usermod -L ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/other; " +
                                 sshd("UsePAM no"),
    "no password": "usermod -p '*' ops",
    "nologin shell": "usermod -s /usr/sbin/nologin ops",
    "no such shell": "usermod -s /bin/zsh ops",
    "shell of root's alone": "install -m 700 /bin/bash /home/sh; usermod -s /home/sh ops",
    "shell that cannot be started": "mkdir /home/x; mount -t tmpfs -o noexec none /home/x; cp /bin/bash /home/x/; "
                                    "usermod -s /home/x/bash ops",
    "shell that is a script": "printf '#!/bin/sh\\nexit 1\\n' >/home/sh; chmod 755 /home/sh; usermod -s /home/sh ops",
    "shell that is not listed": "cp /bin/bash /home/sh; usermod -s /home/sh ops; "
                                "sed -i '1i account required pam_shells.so' /etc/pam.d/sshd",
    "shell in another's home": BOB + "install -m 755 /bin/bash /home/bob/sh; usermod -s /home/bob/sh ops",
    "keys in another's home": BOB + f"install -m 644 {KEYS} /home/bob/ops; rm {KEYS}; chown root /home/bob; " +
                              sshd("AuthorizedKeysFile /home/bob/%%u"),
    "home in another's home": BOB + "chown root /home/bob; mv /home/ops /home/bob/; "
                              "sed -i s,:/home/ops:,:/home/bob/ops:, /etc/passwd",
    "not in sudo": "gpasswd -d ops sudo >/dev/null",
    "sudo of a group that is not there": sudoers("%%ghosts ALL=(ALL) ALL"),
    "sudo is broken": "echo 'ops ALL=(' >/etc/sudoers.d/other",
    "sudo for one command": sudoers("ops ALL=(ALL) NOPASSWD: /usr/bin/id"),
    "sudo for all but a shell": sudoers("ops ALL=(ALL) ALL, !/bin/sh"),
    "sudo wants root's password": "echo 'Defaults rootpw' >/etc/sudoers.d/other",
    "sudo from a terminal alone": "echo 'Defaults requiretty' >/etc/sudoers.d/other",
    "sudo from nowhere": sudoers("ops nohost=(ALL) ALL"),
    "sudo by the number": sudoers("#1000 ALL=(ALL) ALL"),
    "sudo of an alias": sudoers("User_Alias A = ops\\nA ALL=(ALL:ALL) ALL"),
    "sudo, then not": "echo 'ops ALL=(ALL) !ALL' >/etc/sudoers.d/zz",
    "sudo for others to write": "echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/other; chmod 666 /etc/sudoers.d/other",
    "sudo of the wheel": "sed -i '1i auth required pam_wheel.so group=daemon' /etc/pam.d/sudo",
    "sudo as somebody else": sudoers("ops ALL=(daemon) NOPASSWD: ALL"),
    "sudo without its bit": "chmod 755 /usr/bin/sudo",
    "a module is missing": "sed -i '1i account required pam_missing.so' /etc/pam.d/sshd",
    "a module of sudo is missing": "sed -i '1i auth required pam_missing.so' /etc/pam.d/sudo",
    "a module is missing, silently": "sed -i '1i -account required pam_missing.so' /etc/pam.d/sshd",
    "access denied": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                     "echo '-:ops:ALL' >/etc/security/access.conf",
    "access denied from there": "sed -i '1i account required pam_access.so' /etc/pam.d/sshd; "
                                "echo '-:ops:10.99.0.0/16 fd00:99::/32' >/etc/security/access.conf",
    "access denied by a list": "echo ops >/etc/security/out; sed -i '1i account required pam_listfile.so item=user "
                               "sense=deny file=/etc/security/out onerr=succeed' /etc/pam.d/sshd",
    "access denied at all times": "sed -i '1i account required pam_time.so' /etc/pam.d/sshd; "
                                  "echo 'sshd;*;ops;!Al0000-2400' >>/etc/security/time.conf",
    "access denied to passwords": "sed -i '1i auth requisite pam_deny.so' /etc/pam.d/sshd",
    "no passwords for sudo": "sed -i '1i auth requisite pam_deny.so' /etc/pam.d/sudo",
    "no more logins": "echo 'ops hard maxlogins 0' >/etc/security/limits.d/x.conf",
    "no processes": "echo 'ops hard nproc 0' >/etc/security/limits.d/x.conf",
    "a session module is missing": "sed -i '1i session required pam_missing.so' /etc/pam.d/sshd",
    "a session module is broken": ">/usr/lib/x86_64-linux-gnu/security/pam_broken.so; "
                                  "sed -i '1i session required pam_broken.so' /etc/pam.d/sshd",
    "a module of sudo is broken": ">/usr/lib/x86_64-linux-gnu/security/pam_broken.so; "
                                  "sed -i '1i auth required pam_broken.so' /etc/pam.d/sudo",
    "an include of PAM's is missing": "sed -i '1i @include common-missing' /etc/pam.d/sshd",
    "no stack for sshd": "rm /etc/pam.d/sshd",
    "many wrong passwords": FAILLOCK + "printf 'deny = 100\\nunlock_time = 900\\n' >/etc/security/faillock.conf",
    "too many wrong passwords": FAILLOCK + "printf 'deny = 10\\nunlock_time = 900\\n' >/etc/security/faillock.conf",
    "wrong passwords, other arguments": FAILLOCK + "sed -i 's/preauth/& deny=100/' /etc/pam.d/common-auth",
    "no PAM": sshd("UsePAM no"),
    "nologin": "touch /etc/nologin",
    "nologin while booting": "touch /run/nologin",
    "passwords off already": sshd("PasswordAuthentication no"),
    "passwords on in a drop-in": sshd("PasswordAuthentication yes") + "; " + sshd("PermitRootLogin yes"),
    "no Include": "sed -i '/^Include/d' /etc/ssh/sshd_config",
    "on another port": sshd("Port 22\\nPort 2222"),
    "on one address": sshd("ListenAddress 127.0.0.1\\nListenAddress $HOST"),
    "IPv6 only": sshd("AddressFamily inet6"),
    "IPv4 only": sshd("AddressFamily inet"),
    "certificate": certified(),
    "certificate, and the key": certified(rest=":"),
    "certificate of a role": certified("\\nAuthorizedPrincipalsFile /etc/ssh/roles", f"rm {KEYS}; echo operator >/etc/ssh/roles"),
    "certificate of another role": certified("\\nAuthorizedPrincipalsFile /etc/ssh/roles",
                                             f"rm {KEYS}; echo reader >/etc/ssh/roles"),
    "certificate of a role, by a command": certified("\\nAuthorizedPrincipalsCommand /bin/echo operator\\n"
                                                     "AuthorizedPrincipalsCommandUser nobody"),
    "certificate by an authority of his own": f"printf 'cert-authority %s\\n' \"$CA\" >{KEYS}",
    "certificate by an authority that is revoked": certified("\\nRevokedKeys /etc/ssh/ca.pub"),
    "key and what PAM asks": sshd("AuthenticationMethods publickey,keyboard-interactive:pam"),
    "key and password, for the group": sshd("Match Group sudo\\nAuthenticationMethods publickey,password", True),
    "home is a mount": mounted("nosuid,nodev,noexec"),
    "home is a mount to be read": mounted("ro"),
    "home is a mount that is missing": "mv /home/ops /home/away; install -d -m 700 -o ops -g ops /home/ops",
    "AllowGroups, one with a blank": sshd('AllowGroups "x sudo"'),
    "AllowUsers, one with a blank": sshd('AllowUsers "x ops"'),
    "DenyGroups, one with a blank": sshd('DenyGroups "x sudo"'),
    "AllowGroups of a directory that is not there": sshd('AllowGroups "domain admins" ghosts@example.org sudo'),
    "AllowUsers from itself alone": "useradd -m -s /bin/bash hop; cp -r /home/ops/.ssh /home/hop/; chown -R hop /home/hop/.ssh; "
                                    + sshd("AllowUsers ops@127.0.0.1 hop"),
    "no forwarding": sshd("DisableForwarding yes"),
    "no forwarding but for the group": sshd("AllowTcpForwarding no\\nMatch Group sudo\\nAllowTcpForwarding yes", True),
    "one comes in at a time": sshd("MaxStartups 1"),
    "one of each network at a time": sshd("PerSourceMaxStartups 1\\nPerSourceNetBlockSize 16:32"),
    "banned but by name": "echo 'sshd: ALL' >/etc/hosts.deny; echo 'sshd: client.example' >/etc/hosts.allow",
    "banned when the name is another's": "echo 'ALL: PARANOID' >/etc/hosts.deny",
    "files alone, in a directory": sshd("Match Group sudo\\nChrootDirectory /home\\nForceCommand internal-sftp", True),
    "access for the group alone": asked_first("sshd", "account required pam_access.so") +
                                  "; printf '+:(sudo):ALL\\n-:ALL:ALL\\n' >/etc/security/access.conf",
    "access at all times": asked_first("sshd", "account required pam_time.so") +
                           "; echo 'sshd;*;ops;Al0000-2400' >>/etc/security/time.conf",
    "a program lets in": asked_first("sshd", "account required pam_exec.so quiet /bin/true"),
    "a program keeps out": asked_first("sshd", "account required pam_exec.so quiet /bin/false"),
    "a second factor for passwords": asked_first("sshd", "auth required pam_exec.so quiet /bin/false"),
    "a second factor for sudo": asked_first("sudo", "auth required pam_exec.so quiet /bin/false"),
    "a second factor that may fail": asked_first("sudo", "auth optional pam_exec.so quiet /bin/false"),
    "sudo asks each time": "echo 'Defaults timestamp_timeout=0' >/etc/sudoers.d/other",
    "sudo asks nobody": "echo 'Defaults !authenticate' >/etc/sudoers.d/other",
    "sudo takes no password": "echo 'Defaults passwd_tries=0' >/etc/sudoers.d/other",
    "sudo shows nothing": "echo 'Defaults listpw=never' >/etc/sudoers.d/other",
    "sudo cannot write its record": "echo 'Defaults log_output,iolog_dir=/etc/passwd' >/etc/sudoers.d/other",
    "sudo by the group's number": sudoers("%%#27 ALL=(ALL) ALL"),
    "sudo of a netgroup": sudoers("+admins ALL=(ALL) ALL"),
    "sudo until yesterday": sudoers("ops ALL=(ALL) NOTAFTER=20200101000000Z ALL"),
    "sudo of somebody else's file": sudoers("ops ALL=(ALL) ALL") + "; chown ops /etc/sudoers.d/other",
    "shell that keeps to its programs": "usermod -s /bin/rbash ops",
    "moved to another port": sshd("Port 2222"),
    "sshd without its unit": "systemctl stop ssh; mkdir -p /run/sshd; /usr/sbin/sshd",
    "another administrator": f"useradd -m -G sudo bob; cp -r /home/ops/.ssh /home/bob/; "
                             f"chown -R bob /home/bob/.ssh; rm {KEYS}",
}
PENDING = {  # on disk, and not in force yet: a reload would do it
    "pending AllowUsers": sshd("AllowUsers daemon"),
    "pending port": sshd("Port 2222"),
    "pending address": sshd("ListenAddress 127.0.0.1"),
    "pending nonsense": sshd("Bogus yes"),
    "pending end of passwords": sshd("PasswordAuthentication no") + f"; rm {KEYS}",
    "no directory to separate in": "rmdir /run/sshd",
    "sshd is stopped": "systemctl stop ssh",
    "includes in a circle": sshd("Include /etc/ssh/sshd_config.d/50-other.conf"),
    "host keys for all to read": "chmod 644 /etc/ssh/ssh_host_*_key",
    "no configuration": "rm /etc/ssh/sshd_config",
    "a directory for configuration": "rm /etc/ssh/sshd_config; mkdir /etc/ssh/sshd_config",
    "a pipe among the configuration": "mkfifo /etc/ssh/sshd_config.d/50-other.conf",
    "no host keys": "rm /etc/ssh/ssh_host_*",
    "sshd is gone": "mv /usr/sbin/sshd /root/sshd",
}
