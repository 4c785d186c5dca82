# SPDX-License-Identifier: Apache-2.0
"""How the rules of dns come to fail. BIND is a process that listens, and its named.conf."""

from staged import HOLD, held, package

GOOD = HOLD + package("bind9") + held("named", "udp", "0.0.0.0", 53)[0] + """
put /etc/bind/named.conf 'include "/etc/bind/named.conf.options";
zone "example.org" { type master; allow-transfer { key k; }; allow-update { key k; }; };'
put /etc/bind/named.conf.options 'options {
 recursion yes;
 allow-recursion { 10.0.0.0/8; };
 version none;
 dnssec-validation auto;
};'
"""


def options(old, new):
    return f"sed -i 's,{old},{new},' /etc/bind/named.conf.options"


def zone(old, new):
    return f"sed -i 's,{old},{new},' /etc/bind/named.conf"


RULES = {
    "dns.recursion-open": {"bad": [
        options("10.0.0.0/8;", "any;"), options("allow-recursion", "allow-query { any; }; allow-query-cache-on"),
        options("10.0.0.0/8;", "10.0.0.0/8; everyone;") + "; add /etc/bind/named.conf 'acl everyone { 0.0.0.0/0; };'",
        "add /etc/bind/named.conf 'view x { allow-query-cache { any; }; };'",
    ], "fine": [options("recursion yes", "recursion no") + "; " + options("10.0.0.0/8;", "any;")]},
    "dns.transfer-open": {"bad": [zone("allow-transfer { key k; };", ""), zone("allow-transfer { key k", "allow-transfer { any"),
                                  "add /etc/bind/named.conf 'zone \"x\" { type slave; };'"],
                          "fine": [zone("allow-transfer { key k; };", "") + "; "
                                   + options("version", "allow-transfer { none; }; version")]},
    "dns.update-by-address": {"bad": [zone("allow-update { key k", "allow-update { 10.0.0.1"),
                                      zone("allow-update { key k", "allow-update { key k; any")]},
    "dns.validation-off": {"bad": [options("validation auto", "validation no")],
                           "fine": [options("dnssec-validation auto;", "")]},
    "dns.version-told": {"bad": [options("version none;", ""), options("version none;", "// version none;")]},
}
