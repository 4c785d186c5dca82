# SPDX-License-Identifier: Apache-2.0
"""How the rules of dns come to fail. BIND and Unbound are processes that listen, and their configuration."""

from staged import HOLD, held, package

GOOD = HOLD + "".join(map(package, ("bind9", "unbound"))) + held("named", "udp", "0.0.0.0", 53)[0] + """
hold unbound udp 0.0.0.0 53
put /etc/unbound/unbound.conf 'include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"'
put /etc/unbound/unbound.conf.d/server.conf 'server:
 auto-trust-anchor-file: "/var/lib/unbound/root.key"
 access-control: 10.0.0.0/8 allow
 hide-version: yes
remote-control: control-enable: yes control-interface: /run/unbound.ctl
 control-use-cert: no'
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


def unbound(text):
    return f"put /etc/unbound/unbound.conf.d/zz$own.conf '{text}'"


RULES = {
    "dns.unbound-open": {
        "bad": [unbound("server: access-control: 0.0.0.0/0 allow"), unbound("server:\n access-control: ::/0 allow_snoop"),
                unbound("server: access-control-view: 0.0.0.0/1 x\nview: name: x"),
                "add /etc/unbound/unbound.conf.d/server.conf 'server: access-control: 1.2.3.4/0 \"allow_setrd\"'"],
        "fine": [unbound("server: access-control: 0.0.0.0/0 allow access-control: 0.0.0.0/0 refuse"),
                 unbound("server: access-control: 0.0.0.0/0 refuse_non_local")]},
    "dns.unbound-unvalidated": {
        "bad": [unbound("server: module-config: iterator"), unbound("server: val-permissive-mode: yes"),
                unbound("server:\n domain-insecure: \".\""), unbound("server: harden-dnssec-stripped: no"),
                "sed -i /anchor/d /etc/unbound/unbound.conf.d/server.conf"],
        "fine": [unbound("server: module-config: \"respip validator iterator\""),
                 unbound("# server: val-permissive-mode: yes")]},
    "dns.unbound-version-told": {
        "bad": [unbound("server: hide-version: no"), "sed -i /hide-version/d /etc/unbound/unbound.conf.d/server.conf"],
        "fine": ["sed -i s/hide-version:.yes/version:x/ /etc/unbound/unbound.conf.d/server.conf"]},
    "dns.unbound-control-open": {
        "bad": [unbound("remote-control: control-interface: 0.0.0.0"), unbound("remote-control:\n control-interface: ::"),
                unbound("remote-control: control-interface: eth0")],
        "fine": [unbound("remote-control: control-interface: 127.0.0.1"),
                 unbound("remote-control: control-interface: 10.0.0.1 control-use-cert: yes"),
                 unbound("remote-control: control-interface: 10.0.0.1 control-enable: no")]},
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
