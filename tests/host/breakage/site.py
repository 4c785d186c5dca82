# SPDX-License-Identifier: Apache-2.0
"""How the rules about the site file come to fail. The host serves nginx on 80, PostgreSQL on 5432 and mosquitto on
1883, on all addresses."""

HOST = "iot-backend"
ALONE = True  # there is one site file

GOOD = "ip address add 203.0.113.5/24 dev lo"


def waiver(until, more=""):
    return (f"put /etc/revet/site.yaml 'waivers:\n  - {{rule: fs.acl, {more}reason: a test, owner: ops, "
            f"until: {until}}}'")


def site(*lines):
    return "put /etc/revet/site.yaml '" + "\n".join(lines) + "'"


def serves(*lines):
    return site("serves:", *(f"  - {{{line}}}" for line in lines))


EVERYTHING = [f"port: {port}, to: world" for port in ("80/tcp", "111/tcp", "111/udp", "1883/tcp", "5432/tcp",
                                                      "8080/tcp")]

RULES = {
    "site.waiver-expired": {
        "bad": [waiver("2020-01-01"), waiver("2026-01-01", "object: /srv, ")],
        "fine": [waiver("2099-12-31"), waiver("never")],
    },
    "site.unserved": {
        "bad": [serves(*EVERYTHING[1:]), serves(*EVERYTHING[:2], *EVERYTHING[3:]), site("serves: []"),
                serves(*(line.replace("80/tcp", "80/udp") for line in EVERYTHING))],
        "fine": [serves(*EVERYTHING), serves("port: 1-65535/tcp, to: world", "port: 1-65535/udp, to: 10.0.0.0/8"),
                 site("admins: {users: [ops]}")],
    },
    "site.nothing-listens": {
        "bad": [serves("port: 81/tcp, to: world"), serves("port: 80/udp, to: world"),
                # exim, on loopback
                serves("port: 25/tcp, to: world")],
        "fine": [serves("port: 80/tcp, to: world"), serves("port: 60000-61000/udp, to: world")],
    },
    "site.tls": {
        "bad": [serves("port: 80/tcp, to: world, tls: server"), serves("port: 1883/tcp, to: world, tls: mutual"),
                serves("port: 1-2000/tcp, to: world, tls: server"),
                serves("port: 80/tcp, to: world, tls: server")
                + "\nput /etc/nginx/conf.d/own.conf 'server { listen 443; }'"],
        "fine": [serves("port: 80/tcp, to: world, tls: none"), serves("port: 80/tcp, to: world"),
                 serves("port: 8080/tcp, to: world, tls: server")],
    },
    "site.bound-wide": {
        "bad": [serves("port: 5432/tcp, to: 10.0.0.0/24"),
                serves("port: 1883/tcp, to: [10.0.0.0/8, 192.168.0.0/16]")],
        "fine": [serves("port: 5432/tcp, to: [10.0.0.0/8, 198.51.100.0/24]"), serves("port: 5432/tcp, to: world")],
    },
    "site.admin-powerless": {
        "bad": ["useradd -m -s /bin/bash weak\n" + site("admins: {users: [ops, weak]}"),
                site("admins: {users: [www-data]}"),
                "useradd -m -s /bin/bash weak\nput /etc/sudoers.d/weak 'weak ALL=(ALL) /usr/bin/systemctl'\n"
                "chmod 440 /etc/sudoers.d/weak\n" + site("admins: {users: [weak]}")],
        "fine": [site("admins: {users: [ops]}")],
    },
}
