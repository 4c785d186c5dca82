# SPDX-License-Identifier: Apache-2.0
"""How the rules of listeners come to fail. A server is a process of its name that listens."""

from staged import HOLD, held

GOOD = HOLD + """
# Addresses of every scope to listen on.
ip address add 10.0.0.5/24 dev lo
ip address add 203.0.113.5/24 dev lo
ip address add 2001:db8::5/64 dev lo
ip address add fd00::5/64 dev lo
"""

ANY, ANY6, PUBLIC, PUBLIC6, PRIVATE, PRIVATE6 = \
    "0.0.0.0", "::", "203.0.113.5", "2001:db8::5", "10.0.0.5", "fd00::5"


def public(name, protocol, *ports, user="ops", more=(), fine=()):
    """An entry for what only a public address makes wrong."""
    port = ports[0]
    return {"bad": [held(name, protocol, address, port, user) for address in (ANY, ANY6, PUBLIC, PUBLIC6)] +
                   [held(name, protocol, ANY, p, user) for p in ports[1:]] + list(more),
            "fine": [held(name, protocol, address, port, user)
                     for address in ("127.0.0.1", "::1", PRIVATE, PRIVATE6)] + list(fine)}


def remote(name, protocol, *ports, more=(), fine=()):
    """An entry for what any address but loopback makes wrong."""
    port = ports[0]
    return {"bad": [held(name, protocol, address, port, "ops") for address in (ANY, ANY6, PRIVATE, PRIVATE6)] +
                   [held(name, protocol, ANY, p, "ops") for p in ports[1:]] + list(more),
            "fine": [held(name, protocol, address, port, "ops") for address in ("127.0.0.1", "::1", "127.8.8.8")] +
                    list(fine)}


RULES = {
    "listeners.database": public("postgres", "tcp", 5432, 3306, 9042,
                                 more=[held("mysqld", "tcp", ANY, 7000, "ops"),
                                       held("mysqld", "tcp", "::ffff:203.0.113.5", 7001, "ops")]),
    "listeners.docker-api": remote("dockerd", "tcp", 2375, 4243, more=[held("kubelet", "tcp", ANY, 10255, "ops")],
                                   fine=[held("dockerd", "tcp", ANY, 2376, "ops")]),
    "listeners.erlang": public("epmd", "tcp", 4369, 25672, more=[held("epmd", "tcp", ANY, 7370, "ops")],
                               fine=[held("beam.smp", "tcp", ANY, 5671, "ops")]),
    "listeners.file-sharing": public("rsync", "tcp", 873, 445, 2049),
    "listeners.ftp": remote("vsftpd", "tcp", 21),
    "listeners.ldap": public("slapd", "tcp", 389, fine=[held("slapd", "tcp", ANY, 636, "ops")]),
    "listeners.management": public("beam", "tcp", 15672, 9090,
                                   more=[held("node-red", "tcp", ANY, 7800, "ops"),
                                         held("grafana", "tcp", ANY6, 3000, "ops")]),
    "listeners.metrics": public("node_exporter", "tcp", 9100,
                                more=[held("mosquitto_exporter", "tcp", ANY, 9234, "ops"),
                                      held("prometheus-node-exporter", "tcp", ANY, 9101, "ops")]),
    "listeners.mqtt-plaintext": public("mosquitto", "tcp", 1883, 5672,
                                       more=[held("coap", "udp", ANY, 5683, "ops")],
                                       fine=[held("mosquitto", "tcp", ANY, 8883, "ops")]),
    "listeners.open-store": public("redis-server", "tcp", 6379, 27017,
                                   more=[held("memcached", "udp", ANY, 11211, "ops"),
                                         held("redis-server", "tcp", PUBLIC, 7777, "ops")]),
    "listeners.reflection": public("rpcbind", "udp", 111, 19, 427, 1900),
    "listeners.remote-desktop": remote("Xvnc", "tcp", 5901, 3389, 5805, more=[held("Xorg", "tcp", ANY, 6000, "ops"),
                                                                              held("gdm3", "udp", ANY, 177, "ops")],
                                       fine=[held("app", "tcp", ANY, 6001, "ops")]),
    "listeners.remote-login-plaintext": remote("inetd", "tcp", 23, 513, 514, fine=[held("rsyslogd", "tcp", ANY, 514, "ops")]),
    # Of those above none runs as root.
    "listeners.root": public("worker", "tcp", 8443, user="", more=[held("worker", "udp", ANY, 8444)],
                             fine=[held("worker", "tcp", ANY, 8445, "ops"), held("nginx", "tcp", ANY, 8446)]),
    "listeners.snmp": public("snmpd", "udp", 161),
    "listeners.tftp": public("in.tftpd", "udp", 69),
}
