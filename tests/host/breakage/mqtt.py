# SPDX-License-Identifier: Apache-2.0
"""How the rules of MQTT brokers come to fail. README.md says how to read this."""

HOST = "databases"


def conf(*lines, name="50"):
    return f"add /etc/mosquitto/conf.d/{name}-$own.conf '{chr(10).join(lines)}'"


TLS = ("certfile /etc/mosquitto/certs/server.crt", "keyfile /etc/mosquitto/certs/server.key",
       "cafile /etc/mosquitto/certs/ca.crt")
KEY = "install -m 600 /dev/null /etc/mosquitto/certs/server.key; "
PASSWORDS = "put /etc/mosquitto/own 'one:$7$101$salt$hash'; chmod 600 /etc/mosquitto/own; "

RULES = {
    "mqtt.anonymous": {"alone": True, "bad": [
        conf("listener 1883", "allow_anonymous true"), conf("max_connections 10"),
                               conf("per_listener_settings true", "port 1883", "allow_anonymous 1")],
                       "fine": [conf("listener 1883 127.0.0.1", "allow_anonymous true")]},
    "mqtt.bridge-tls": {"bad": [
        conf("connection cloud", "address broker.example.org:1883", "topic # out"),
        conf("connection cloud", "address 192.0.2.7:8883", "bridge_cafile /etc/ca.crt", "bridge_insecure true")]},
    "mqtt.client-certificates": {"bad": [KEY + conf("listener 8883", *TLS),
                                         KEY + conf("listener 8883", *TLS, "require_certificate false")]},
    "mqtt.key-file": {"alone": True, "bad": [
        KEY + "chmod 644 /etc/mosquitto/certs/server.key; " + conf("listener 8885", *TLS)]},
    "mqtt.packet-limit": {"bad": [conf("listener 1889")],
                          "fine": [conf("listener 1889", "max_packet_size 65536")]},
    "mqtt.password-file": {"alone": True, "bad": [PASSWORDS + "chmod 644 /etc/mosquitto/own; "
                                                  + conf("password_file /etc/mosquitto/own")]},
    "mqtt.password-plain": {"alone": True,
                            "bad": [PASSWORDS + "add /etc/mosquitto/own two:secret; "
                                    + conf("listener 1883", "password_file /etc/mosquitto/own")],
                            "fine": [PASSWORDS + conf("password_file /etc/mosquitto/own")]},
    "mqtt.revocation": {"bad": [KEY + conf("listener 8886", *TLS, "require_certificate true")]},
    "mqtt.root": {"bad": [conf("user root")]},
    "mqtt.tls": {"bad": [conf("listener 1887 10.0.0.5"), conf("listener 9001", "protocol websockets")]},
    "mqtt.tls-version": {"bad": [KEY + conf("listener 8884", *TLS, "tls_version tlsv1.1"),
                                 KEY + conf("listener 8884", *TLS, "tls_version tlsv1")]},
    "mqtt.topics-open": {"bad": [
        conf("listener 1888 192.0.2.1"),
        "put /etc/mosquitto/acl-open 'pattern readwrite #'; "
        + conf("listener 1888 192.0.2.1", "acl_file /etc/mosquitto/acl-open")],
        "fine": ["put /etc/mosquitto/acl 'pattern readwrite devices/%u/#'; "
                 + conf("listener 1888 192.0.2.1", "acl_file /etc/mosquitto/acl")]},
}
