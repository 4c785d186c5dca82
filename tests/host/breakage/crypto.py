# SPDX-License-Identifier: Apache-2.0
"""How the rules of crypto come to fail. OpenVPN, WireGuard and crypto-policies are files alone."""

GOOD = r"""
put /etc/ssl/openssl.cnf 'openssl_conf = init
[init]
ssl_conf = ssl
providers = providers
[providers]
default = default_provider
[default_provider]
activate = 1
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1.2
CipherString = DEFAULT:@SECLEVEL=2'
cat >/usr/local/bin/make-ca <<'EOF'
#!/bin/sh
# make-ca FILE [openssl req options]
file=$1; shift
[ $# -gt 0 ] || set -- -newkey ec -pkeyopt ec_paramgen_curve:P-256
mkdir -p "$(dirname "$file")"
openssl req -x509 -config /dev/null -addext basicConstraints=critical,CA:TRUE -nodes -days 900 \
    -keyout /dev/null -out "$file" -subj "/CN=$(basename "$file")" "$@" 2>/dev/null
EOF
chmod 755 /usr/local/bin/make-ca
"""

OPENVPN = """mkdir -p /etc/openvpn/server /etc/openvpn/client
put /etc/openvpn/server/s.conf 'server 10.8.0.0 255.255.255.0
user nobody
tls-crypt k
crl-verify c'
"""


def default(name, *values):
    return {"bad": [f"sed -i '/^{name}/d' /etc/ssl/openssl.cnf\n"
                    f"echo '{name} = {value}' >>/etc/ssl/openssl.cnf" for value in values]}


def server(*changes, **more):
    return {"bad": [OPENVPN + change for change in changes], "fine": [OPENVPN], "alone": True} | more


STORE = "/etc/ssl/certs/ca-certificates.crt"
MOZILLA = "/usr/share/ca-certificates/mozilla/Mine.crt"

RULES = {
    "crypto.added-authority": {
        "says": "manual",
        "bad": ["make-ca /usr/local/share/ca-certificates/own.crt",
                "make-ca /usr/local/share/ca-certificates/more/own.crt"],
    },
    "crypto.added-authority-strength": {
        "bad": ["make-ca /usr/local/share/ca-certificates/weak.crt -newkey rsa:1024"],
    },
    "crypto.gnupg": {
        "bad": ["install -d -m 700 -o ops /home/ops/.gnupg\n"
                "echo digest-algo SHA1 >/home/ops/.gnupg/gpg.conf",
                "mkdir -p /etc/gnupg; echo allow-weak-digest-algos >/etc/gnupg/gpg.conf"],
    },
    "crypto.openssl-legacy": {
        "bad": ["sed -i 's/^\\[providers\\]/[providers]\\nlegacy = old/' /etc/ssl/openssl.cnf\n"
                "printf '[old]\\nactivate = yes\\n' >>/etc/ssl/openssl.cnf"],
        "alone": True,
    },
    "crypto.openssl-protocol": default("MinProtocol", "TLSv1.1", "SSLv3", "None"),
    "crypto.openssl-security-level": default("CipherString", "DEFAULT@SECLEVEL=1", "ALL:@SECLEVEL=0",
                                             "HIGH:RC4"),
    "crypto.openvpn-ciphers": server("echo cipher BF-CBC >>/etc/openvpn/server/s.conf",
                                     "echo 'tls-version-min 1.0' >>/etc/openvpn/server/s.conf",
                                     "echo 'secret static.key' >/etc/openvpn/client/c.conf"),
    "crypto.openvpn-management": server("echo management 0.0.0.0 7505 >>/etc/openvpn/server/s.conf"),
    "crypto.openvpn-peers": server("echo verify-client-cert none >>/etc/openvpn/server/s.conf",
                                   "printf 'client\\nremote x 1194\\n' >/etc/openvpn/client/c.conf"),
    "crypto.openvpn-server": server("sed -i /^user/d /etc/openvpn/server/s.conf",
                                    "sed -i /^tls-crypt/d /etc/openvpn/server/s.conf",
                                    "sed -i /^crl/d /etc/openvpn/server/s.conf"),
    "crypto.planted-authority": {
        "bad": [f"make-ca /etc/planted.crt; cat /etc/planted.crt >>{STORE}",
                "make-ca /etc/ssl/certs/0a1b2c3d.0", f"make-ca {MOZILLA}; cat {MOZILLA} >>{STORE}"],
    },
    "crypto.policy": {
        "bad": ["mkdir -p /etc/crypto-policies/state; echo LEGACY >/etc/crypto-policies/config\n"
                "echo LEGACY >/etc/crypto-policies/state/current",
                "mkdir -p /etc/crypto-policies/state; echo DEFAULT >/etc/crypto-policies/config\n"
                "echo DEFAULT:SHA1 >/etc/crypto-policies/state/current"],
    },
    "crypto.wireguard-key-mode": {
        "bad": ["put /etc/systemd/network/wg.netdev "
                "'[NetDev]\nKind=wireguard\n[WireGuard]\nPrivateKey=x'"],
        "fine": ["put /etc/systemd/network/wg.netdev "
                 "'[NetDev]\nKind=wireguard\n[WireGuard]\nPrivateKeyFile=/etc/x'"],
    },
    "crypto.wireguard-peers": {
        "bad": ["put /etc/wireguard/wg0.conf "
                "'[Interface]\nListenPort = 51820\n[Peer]\nAllowedIPs = 0.0.0.0/0'"],
        "fine": ["put /etc/wireguard/wg0.conf "
                 "'[Interface]\nListenPort = 51820\n[Peer]\nAllowedIPs = 10.0.0.2/32'"],
    },
}
