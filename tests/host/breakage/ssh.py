# SPDX-License-Identifier: Apache-2.0
"""How the rules of ssh come to fail. README.md says how to read this."""

GOOD = """
rm -f /etc/ssh/sshd_config.d/*
sed -i -E '/^(PermitRootLogin|PasswordAuthentication|X11Forwarding) /d' /etc/ssh/sshd_config
put /etc/ssh/sshd_config.d/50-good.conf 'PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowGroups sudo
AllowTcpForwarding no
AllowStreamLocalForwarding no
AllowAgentForwarding no
X11Forwarding no
AddressFamily inet
Banner /etc/issue.net
ClientAliveInterval 300
ClientAliveCountMax 3
LoginGraceTime 60
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256
MaxAuthTries 4
MaxStartups 10:30:60
Compression no
DebianBanner no
TCPKeepAlive no
PermitUserRC no
PerSourceMaxStartups 5
RekeyLimit 1G 1h
RequiredRSASize 2048'
ssh-keygen -q -t ed25519 -N '' -f /home/ops/.ssh/id_ed25519
chown ops:ops /home/ops/.ssh/id_ed25519*
"""


def change(keyword, value):
    """In the good file itself."""
    return f"sed -i 's/^{keyword} .*/{keyword} {value}/' /etc/ssh/sshd_config.d/50-good.conf"


def first(text):
    """In a file that is read before the good one, so that its values win."""
    return f"put /etc/ssh/sshd_config.d/10-$own.conf '{text}'"


def match(text, criteria="User deploy"):
    return f"put /etc/ssh/sshd_config.d/60-$own.conf 'Match {criteria}\n\t{text}'"


def option(keyword, *values):
    """The values in force for all, then the first one for some, in another spelling."""
    ways = [first(f"{keyword} {value}") for value in values]
    return {"bad": ways + [match(f"{keyword.upper()} = {values[0]}",
                                 "Address 10.0.0.0/8,*.example.org")]}


def server(keyword, *values):
    """Options that Match blocks may not hold."""
    return {"bad": [first(f"{keyword} {value}") for value in values]
            + [f"sed -i '1i {keyword.lower()}\\t{values[0]}' /etc/ssh/sshd_config"]}


def client(text):
    """In a file that is read before all others of the client."""
    return f"put /etc/ssh/ssh_config.d/10-$own.conf '{text}'"


KEYS = "/home/ops/.ssh/authorized_keys"


def root_key(options, suffix=""):
    """The administrator's key for root, behind the options."""
    text = options + " " if options else ""
    return f"""
    install -D -m 600 /dev/null /root/.ssh/authorized_keys{suffix}
    {{ printf '%s' '{text}'; cat {KEYS}; }} >/root/.ssh/authorized_keys{suffix}"""


RULES = {
    "ssh.accept-env": option("AcceptEnv", "LD_PRELOAD", "L*", "*", "GIT_SSH*", "LC_* PYTHONPATH",
                             "?ATH"),
    "ssh.address-family": {
        "alone": True,
        "bad": [first("AddressFamily any"), first("addressfamily inet6")],
    },
    "ssh.allowed-users": {
        "bad": [
            "sed -i /AllowGroups/d /etc/ssh/sshd_config.d/50-good.conf",
            "sed -i s/AllowGroups.*/AllowUsers\\ \\*/ /etc/ssh/sshd_config.d/50-good.conf",
            "sed -i 's/AllowGroups.*/AllowGroups sudo */' /etc/ssh/sshd_config.d/50-good.conf",
            "sed -i 's/AllowGroups.*/AllowUsers ops *@*/' /etc/ssh/sshd_config.d/50-good.conf",
            match("AllowGroups *", "Address 10.0.0.0/8"),
            "sed -i 's/AllowGroups.*/AllowUsers *@0.0.0.0\\/0/' /etc/ssh/sshd_config.d/50-good.conf",
        ],
        "fine": [
            "sed -i s/AllowGroups.*/AllowUsers\\ ops@10.*/ /etc/ssh/sshd_config.d/50-good.conf",
        ],
    },
    "ssh.authorized-keys-elsewhere": {
        "alone": True,
        "bad": [
            first("AuthorizedKeysFile /etc/ssh/keys/%u")
            + f"\ninstall -D -m 664 {KEYS} /etc/ssh/keys/ops",
            first("AuthorizedKeysFile /srv/keys/%u .ssh/authorized_keys")
            + f"\ninstall -D -m 646 {KEYS} /srv/keys/ops",
        ],
    },
    "ssh.authorized-keys-mode": {
        "bad": [f"chmod 644 {KEYS}", f"chmod 620 {KEYS}", f"mv {KEYS} {KEYS}2; chmod 666 {KEYS}2"],
    },
    "ssh.authorized-keys-strength": {
        "bad": [
            f"ssh-keygen -q -t rsa -b 1024 -N '' -f /tmp/weak; cat /tmp/weak.pub >>{KEYS}; rm /tmp/weak*",
            f"""ssh-keygen -q -t dsa -N '' -f /tmp/weak; {{ printf 'from="10.*" '; cat /tmp/weak.pub; }} >>{KEYS}
            rm /tmp/weak*""",
            """ssh-keygen -q -t rsa -b 1024 -N '' -f /tmp/weak
            install -D -m 600 /tmp/weak.pub /root/.ssh/authorized_keys2; rm /tmp/weak*""",
            """ssh-keygen -q -t rsa -b 1024 -N '' -f /tmp/weak
            install -D -m 600 -o games /tmp/weak.pub /usr/games/.ssh/authorized_keys; rm /tmp/weak*""",
        ],
    },
    "ssh.authorized-keys-file": {
        "alone": True,
        "bad": [
            first("AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys"),
            first("authorizedkeysfile /var/tmp/.x/%u"),
            first("AuthorizedKeysFile .ssh/authorized_keys .cache/.k"),
            match("AuthorizedKeysFile /etc/ssh/team", "User root"),
        ],
        "fine": [first("AuthorizedKeysFile /etc/ssh/keys/%u %h/.ssh/authorized_keys")],
    },
    "ssh.banner": option("Banner", "none"),
    "ssh.ciphers": server("Ciphers", "+aes256-cbc", "aes128-ctr,3des-cbc"),
    "ssh.client-algorithms": {
        "bad": [client("Ciphers +aes128-cbc"), client("kexalgorithms = curve25519-sha256,diffie-hellman-group14-sha1"),
                client("Host *\n HostKeyAlgorithms +ssh-rsa"),
                "install -D -m 600 /dev/null /root/.ssh/config; echo 'MACs hmac-md5' >/root/.ssh/config"],
        "fine": [client("Host switch\n Ciphers +aes128-cbc"), client("MACs -hmac-sha1*")],
    },
    "ssh.client-config-mode": {
        "bad": ["chmod 664 /etc/ssh/ssh_config", "chown ops /etc/ssh/ssh_config.d",
                client("Compression no") + "; chmod 666 /etc/ssh/ssh_config.d/*.conf"],
    },
    "ssh.client-forwarding": {
        "bad": [client("ForwardAgent yes"), client("Match all\n ForwardX11 yes"),
                client("Host *\nTunnel ethernet"),
                "install -m 600 -o ops /dev/null /home/ops/.ssh/config; echo 'ForwardAgent yes' >/home/ops/.ssh/config"],
        "fine": [client("ForwardAgent no\nForwardAgent yes")],
    },
    "ssh.client-host-keys": {
        "bad": [client("StrictHostKeyChecking no"), client("Host 10.*\n\tStrictHostKeyChecking off"),
                client("UserKnownHostsFile /dev/null"), client("NoHostAuthenticationForLocalhost yes")],
        "fine": [client("Host unix/* vsock/* machine/*\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null")],
    },
    "ssh.config-private": {
        "good": "chmod 600 /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*",
        # What other ways had sshd listen on, or not, must not stand when a plan asks where it listens.
        "bad": ["systemctl reset-failed ssh; systemctl restart ssh; chmod 644 /etc/ssh/sshd_config",
                "chmod 640 /etc/ssh/sshd_config.d/50-good.conf"],
        "fine": ["chmod 400 /etc/ssh/sshd_config"],
        "alone": True,
    },
    "ssh.client-known-hosts": {
        "bad": [client("HashKnownHosts no"), "sed -i /HashKnownHosts/d /etc/ssh/ssh_config"],
    },
    "ssh.command-line-options": {
        "good": "systemctl restart ssh",
        "bad": [
            "echo 'SSHD_OPTS=-oPermitRootLogin=yes' >>/etc/default/ssh; systemctl restart ssh",
            """put /etc/systemd/system/ssh.service.d/x.conf '[Service]
            ExecStart=
            ExecStart=/usr/sbin/sshd -D -o "PasswordAuthentication yes"'
            systemctl daemon-reload; systemctl restart ssh""",
            ("""put /root/.cache/sshd 'Port 2222
PermitRootLogin yes'
            /usr/sbin/sshd -f /root/.cache/sshd; pgrep -f '[c]ache/sshd'""", "end_all -f '[c]ache/sshd'"),
        ],
        "undo": "rm -rf /etc/systemd/system/ssh.service.d; sed -i /^SSHD_OPTS/d /etc/default/ssh\n"
                "systemctl daemon-reload; systemctl restart ssh",
        "alone": True,
    },
    "ssh.dead-sessions-end": option("ClientAliveInterval", "0", "2h"),
    "ssh.host-key-mode": {
        "bad": ["chmod 640 /etc/ssh/ssh_host_ed25519_key", "chown ops /etc/ssh/ssh_host_ed25519_key",
                "chmod 604 /etc/ssh/ssh_host_ecdsa_key"],
    },
    "ssh.host-key-strength": {
        "bad": ["rm /etc/ssh/ssh_host_rsa_key*; ssh-keygen -q -t rsa -b 1024 -N '' -f /etc/ssh/ssh_host_rsa_key",
                "ssh-keygen -q -t dsa -N '' -f /etc/ssh/ssh_host_dsa_key"],
    },
    "ssh.host-public-key-mode": {
        "bad": ["chmod 664 /etc/ssh/ssh_host_rsa_key.pub",
                "chown ops /etc/ssh/ssh_host_rsa_key.pub"],
    },
    "ssh.guessing-slowed": {"bad": [change("PasswordAuthentication", "yes"),
                                    change("KbdInteractiveAuthentication", "yes")]},
    "ssh.ignore-rhosts": option("IgnoreRhosts", "no", "shosts-only"),
    "ssh.ignore-user-known-hosts": {"bad": [
        first("HostbasedAuthentication yes"),
        match("hostbasedauthentication yes", "Address 10.*")]},
    "ssh.kex": server("KexAlgorithms", "+diffie-hellman-group1-sha1",
                      "curve25519-sha256,diffie-hellman-group14-sha1,"
                      "diffie-hellman-group-exchange-sha256"),
    "ssh.kex-post-quantum": server("KexAlgorithms", "curve25519-sha256",
                                   "-sntrup761*") | {"alone": True},
    "ssh.key-command-user": {"bad": [
        first("AuthorizedKeysCommand /usr/bin/true %u\nAuthorizedKeysCommandUser root"),
        match("AuthorizedKeysCommand /usr/bin/true\n\tAuthorizedKeysCommandUser root"),
        first("TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsCommand /usr/bin/true\n"
              "AuthorizedPrincipalsCommandUser root"),
    ]},
    "ssh.keys-only": {
        "bad": [
            first("PasswordAuthentication yes"),
            first("KbdInteractiveAuthentication yes"),
            first("ChallengeResponseAuthentication yes"),
            match("passwordauthentication yes", "User *"),
            match("ChallengeResponseAuthentication=yes", "Group adm"),
            "sed -i '/^PasswordAuthentication/d' /etc/ssh/sshd_config.d/50-good.conf",
            first("PasswordAuthentication yes\nAuthenticationMethods publickey password"),
            first("PasswordAuthentication yes\nMatch User ops\n\tAuthenticationMethods publickey"),
            "rm /etc/ssh/sshd_config.d/50-good.conf; ln -s /root/ssh.conf /etc/ssh/sshd_config.d/50-good.conf\n"
            "put /root/ssh.conf 'PasswordAuthentication yes'",
            "put /etc/ssh/more/all 'PasswordAuthentication yes'\n" + first("Include more/*"),
            first('"PasswordAuthentication" "yes"'),
        ],
        "alone": True,
        "fine": [first("PasswordAuthentication yes\nAuthenticationMethods publickey,password")],
    },
    "ssh.last-login-shown": server("PrintLastLog", "no"),
    "ssh.log-level": option("LogLevel", "QUIET", "error", "DEBUG3"),
    "ssh.login-grace-time": server("LoginGraceTime", "0", "2m", "1h"),
    "ssh.macs": server("MACs", "+hmac-sha1", "hmac-md5,hmac-sha2-256"),
    "ssh.max-auth-tries": option("MaxAuthTries", "6", "100"),
    "ssh.max-sessions": option("MaxSessions", "100"),
    # The last one wins before OpenSSH 9.4.
    "ssh.max-startups": {"bad": [change("MaxStartups", "10:30:100"), change("MaxStartups", "100"),
                                 "sed -i /MaxStartups/d /etc/ssh/sshd_config.d/50-good.conf",
                                 "echo 'maxstartups 50:30:60' >>/etc/ssh/sshd_config.d/60-more.conf"]},
    "ssh.moduli": {
        "good": "awk '$5 >= 3071' /etc/ssh/moduli >/etc/ssh/m; mv /etc/ssh/m /etc/ssh/moduli",
        "bad": ["echo '20230101000000 2 6 100 2047 5 CAFE' >>/etc/ssh/moduli",
                "echo '20230101000000 2 6 100 1535 5 CAFE' >/etc/ssh/moduli"],
    },
    "ssh.no-agent-forwarding": option("AllowAgentForwarding", "yes"),
    "ssh.no-compression": server("Compression", "yes", "delayed"),
    "ssh.no-debian-banner": {"bad": [
        first("DebianBanner yes"), "sed -i /DebianBanner/d /etc/ssh/sshd_config.d/50-good.conf"]},
    "ssh.no-dns": server("UseDNS", "yes"),
    "ssh.no-empty-passwords": option("PermitEmptyPasswords", "yes"),
    "ssh.no-gateway-ports": option("GatewayPorts", "yes", "clientspecified"),
    "ssh.no-gssapi": option("GSSAPIAuthentication", "yes"),
    "ssh.no-hostbased": option("HostbasedAuthentication", "yes"),
    "ssh.no-root-login": {
        "bad": [
            first("PermitRootLogin yes"),
            first("permitrootlogin\tprohibit-password"),
            first("PermitRootLogin = \"without-password\""),
            first("PermitRootLogin forced-commands-only"),
            match("PermitRootLogin yes", "Address 10.0.0.0/8"),
            match("permitrootlogin=yes", "all"),
            match("PermitRootLogin yes", "LocalPort 2222 Group root"),
            match("Include /etc/ssh/more",
                  "User root") + "\nput /etc/ssh/more 'PermitRootLogin yes'",
            first("Match Address 10.0.0.0/8\n\tInclude /etc/ssh/more") + "\n"
            "put /etc/ssh/more 'Match User x\n\tX11Forwarding no\nMatch all\n\tPermitRootLogin yes'",
            "sed -i '/^PermitRootLogin/d' /etc/ssh/sshd_config.d/50-good.conf",
            "sed -i '/^Include/d' /etc/ssh/sshd_config",
            "sed -i '1i PermitRootLogin yes # for now' /etc/ssh/sshd_config",
            "printf 'PermitRootLogin yes\\r\\n' >/etc/ssh/sshd_config.d/10-dos.conf",
        ],
        "alone": True,
        "fine": ["put /etc/ssh/sshd_config.d/60-root.conf 'PermitRootLogin yes'",
                 "put /etc/ssh/sshd_config.d/10-root.off 'PermitRootLogin yes'"],
    },
    "ssh.no-sha1-signatures": server("PubkeyAcceptedAlgorithms", "+ssh-rsa", "ssh-dss,ssh-ed25519"),
    "ssh.no-tcp-forwarding": {"bad": [
        first("AllowTcpForwarding yes"), first("AllowTcpForwarding local"),
        first("AllowStreamLocalForwarding yes"), match("AllowTcpForwarding remote"),
        match("AllowStreamLocalForwarding yes", "Group sudo"),
    ]},
    "ssh.no-tcp-keepalive": server("TCPKeepAlive", "yes"),
    "ssh.no-tunnels": option("PermitTunnel", "yes", "ethernet"),
    "ssh.no-user-environment": server("PermitUserEnvironment", "yes", "LD_*"),
    "ssh.no-user-rc": option("PermitUserRC", "yes"),
    "ssh.no-x11-forwarding": option("X11Forwarding", "yes"),
    "ssh.other-server": {"bad": [
        ("cp /usr/sbin/sshd /usr/local/sbin/dropbear; /usr/local/sbin/dropbear -o PidFile=none -p 2222; "
         "pgrep -x dropbear", "end_all -x dropbear"),
    ], "alone": True},
    "ssh.per-source-limit": {"bad": [change("PerSourceMaxStartups", "none"),
                                     change("PerSourceMaxStartups", "50")]},
    "ssh.private-key-mode": {"bad": [
        "chmod 644 /home/ops/.ssh/id_ed25519",
        "mv /home/ops/.ssh/id_ed25519 /home/ops/.ssh/id_ed25519.old; chmod 604 /home/ops/.ssh/id_ed25519.old",
        "install -o ops -m 640 /home/ops/.ssh/id_ed25519 /home/ops/.ssh/aws.pem",
        "install -o ops -m 644 /home/ops/.ssh/id_ed25519 /home/ops/.ssh/deploy_key",
    ]},
    "ssh.public-keys": option("PubkeyAuthentication", "no"),
    "ssh.rekey-limit": option("RekeyLimit", "1G 1d", "default 3601")
    | {"fine": [first("RekeyLimit default none")]},
    "ssh.required-rsa-size": option("RequiredRSASize", "1024"),
    "ssh.root-keys-limited": {
        "bad": [
            first("PermitRootLogin prohibit-password") + root_key(""),
            match("PermitRootLogin yes", "Address 10.0.0.0/8") + root_key("", "2"),
            first("PermitRootLogin yes") + root_key("restrict,pty"),
            first("PermitRootLogin yes") + root_key('from="*"'),
            first("PermitRootLogin yes") + root_key('no-pty,FROM="10.0.0.1,0.0.0.0/0"'),
            first("PermitRootLogin yes") + root_key("cert-authority"),
            first("PermitRootLogin yes\nAuthorizedKeysFile /etc/ssh/keys/%u")
            + f"\ninstall -D -m 600 {KEYS} /etc/ssh/keys/root",
        ],
        "fine": [
            first("PermitRootLogin yes") + root_key('from="10.0.0.0/8"'),
            first("PermitRootLogin yes") + root_key('restrict,command="/usr/bin/true"'),
        ],
        "alone": True,
    },
    "ssh.strict-modes": server("StrictModes", "no"),
    "ssh.use-pam": server("UsePAM", "no"),
    "ssh.user-directory": {"bad": ["chmod 755 /home/ops/.ssh", "chmod 770 /home/ops/.ssh"]},
}
