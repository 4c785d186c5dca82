# SPDX-License-Identifier: Apache-2.0
"""How the rules of net come to fail. The parameters are the host's own."""

from staged import CMDLINE, HOLD, now, sysctl

GOOD = CMDLINE + HOLD + """
ip link add eth0 type veth peer name eth1
ip address add 192.0.2.10/24 dev eth0
ip link set eth0 up
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
hold unbound udp 127.0.0.1 53
# Debian's own, as systemd-sysctl applies it to interfaces when they come.
for dir in /proc/sys/net/ipv4/conf/*/; do echo 2 >$dir/rp_filter; done
for dir in /proc/sys/net/ipv6/conf/*/; do
    echo 0 >$dir/accept_redirects
    echo 0 >$dir/accept_ra
    echo 0 >$dir/accept_source_route
done
for dir in /proc/sys/net/ipv4/conf/*/; do
    for name in accept_redirects send_redirects proxy_arp route_localnet accept_local; do echo 0 >$dir/$name; done
done
"""

V4, V6 = "net.ipv4.conf", "net.ipv6.conf"


def joined(*entries, **more):
    bad = [way for e in entries for way in e["bad"]]
    return {"good": "\n".join(e.get("good", "") for e in entries),
            "bad": bad + more.pop("bad", []), "fine": more.pop("fine", []), **more}


def interface(parameter, good, bad, family=V4, name="eth0"):
    """Ways: one interface alone, now and after a boot."""
    key = f"{family}.{name}.{parameter}"
    return [now(key, bad, good), f"put /etc/sysctl.d/zz-{name}-{parameter}.conf '{key} = {bad}'"]


FORWARD = ("echo 1 >/proc/sys/net/ipv4/ip_forward", "echo 0 >/proc/sys/net/ipv4/ip_forward")

RULES = {
    # Kernels since 6.0 have no such parameter.
    "net.conntrack-helpers": joined(
        {"good": "mkdir -p /run/staged/netfilter; mount --bind /run/staged/netfilter /proc/sys/net/netfilter", "bad": []},
        sysctl("net.netfilter.nf_conntrack_helper", 0, 1)),
    "net.dns-in-clear": {
        "bad": ["echo 'nameserver 9.9.9.9' >/etc/resolv.conf",
                "printf 'nameserver 127.0.0.1\\nnameserver 2606:4700:4700::1111\\n' >/etc/resolv.conf"],
        "fine": ["printf 'nameserver 10.0.0.53\\nnameserver fd00::53\\n' >/etc/resolv.conf"],
        "alone": True,
    },
    "net.dns-unvalidated": {
        "bad": ["printf 'nameserver 127.0.0.1\\nnameserver 10.0.0.1\\n' >/etc/resolv.conf",
                "printf '[Resolve]\\nDNSSEC=yes\\n' >/etc/systemd/resolved.conf\n"
                "printf 'nameserver 127.0.0.53\\nnameserver 10.0.0.1\\n' >/etc/resolv.conf",
                ("end $(cat /run/held/unbound.53); rm /run/held/unbound.53; hold dnsmasq udp 127.0.0.1 53",
                 "end $(cat /run/held/dnsmasq.53); rm /run/held/dnsmasq.53; hold unbound udp 127.0.0.1 53")],
        "alone": True,
    },
    "net.hosts-file": {
        "bad": ["echo '10.0.0.9 localhost' >>/etc/hosts", "echo '203.0.113.9 Deb.Debian.org' >>/etc/hosts",
                "echo '203.0.113.9 x raw.githubusercontent.com # x' >>/etc/hosts"],
        "fine": ["echo '10.0.0.5 db.internal db' >>/etc/hosts"],
    },
    "net.icmp-bogus": sysctl("net.ipv4.icmp_ignore_bogus_error_responses", 1, 0),
    "net.icmp-broadcast": sysctl("net.ipv4.icmp_echo_ignore_broadcasts", 1, 0),
    "net.icmp-redirects": joined(
        sysctl(f"{V4}.all.accept_redirects", 0, 1, lost=True),
        sysctl(f"{V4}.default.accept_redirects", 0, 1, lost=True),
        sysctl(f"{V6}.all.accept_redirects", 0, 1, lost=True),
        sysctl(f"{V6}.default.accept_redirects", 0, 1, lost=True),
        bad=[*interface("accept_redirects", 0, 1), *interface("accept_redirects", 0, 1, V6),
             "put /etc/sysctl.d/zz-glob.conf '-net.ipv6.conf.*.accept_redirects = 1\\n-net.ipv6.conf.all.accept_redirects\\n'",
             ("ip link add eth0.7 type bridge; echo 1 >/proc/sys/net/ipv6/conf/eth0.7/accept_redirects",
              "ip link del eth0.7")],
        fine=[now(f"{V6}.lo.accept_redirects", 1, 0)]),
    "net.log-martians": sysctl(f"{V4}.all.log_martians", 1, 0, lost=True),
    "net.loopback-routed": joined(
        sysctl(f"{V4}.all.route_localnet", 0, 1), sysctl(f"{V4}.default.route_localnet", 0, 1),
        bad=interface("route_localnet", 0, 1)),
    "net.name-servers-missing": {
        "bad": ["rm -f /etc/resolv.conf", "echo 'search example.org' >/etc/resolv.conf",
                "echo ' nameserver 9.9.9.9' >/etc/resolv.conf"],
        "alone": True,
    },
    "net.no-forwarding": joined(
        sysctl("net.ipv4.ip_forward", 0, 1), sysctl(f"{V6}.all.forwarding", 0, 1),
        bad=[*interface("forwarding", 0, 1), now(f"{V6}.eth0.force_forwarding", 1, 0)],
        # Writing it changes redirects and advertisements of all interfaces along.
        alone=True),
    "net.own-address-spoofed": joined(
        sysctl(f"{V4}.all.accept_local", 0, 1), sysctl(f"{V4}.default.accept_local", 0, 1),
        bad=interface("accept_local", 0, 1)),
    "net.promiscuous": "a container has no interface of the kinds that it judges; see the cases of "
                       "tables/interfaces",
    "net.proxy-arp": joined(
        sysctl(f"{V4}.all.proxy_arp", 0, 1), sysctl(f"{V4}.default.proxy_arp", 0, 1),
        bad=[*interface("proxy_arp", 0, 1), now(f"{V4}.eth0.proxy_arp_pvlan", 1, 0)]),
    "net.benchmark-values": {
        "good": "put /etc/sysctl.d/zy.conf 'net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.default.rp_filter = 1\n"
                "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.default.send_redirects = 0\n"
                "net.ipv4.conf.all.secure_redirects = 0\nnet.ipv4.conf.default.secure_redirects = 0\n"
                "net.ipv4.conf.default.log_martians = 1\n"
                "net.ipv4.conf.default.accept_source_route = 0\nnet.ipv6.conf.default.accept_source_route = 0'\n"
                "sysctl -qp /etc/sysctl.d/zy.conf",
        "bad": [now(f"{V4}.all.rp_filter", 2, 1), now(f"{V4}.default.secure_redirects", 1, 0),
                now(f"{V4}.default.log_martians", 0, 1), "sed -i s/log_martians/arp_filter/ /etc/sysctl.d/zy.conf",
                "put /etc/sysctl.d/zz.conf 'net.ipv4.conf.all.send_redirects = 1'"],
        "alone": True,
    },
    "net.redirects-sent": {
        "bad": [(FORWARD[0] + f"\necho 1 >/proc/sys/net/ipv4/conf/{name}/send_redirects",
                 f"echo 0 >/proc/sys/net/ipv4/conf/{name}/send_redirects\n" + FORWARD[1])
                for name in ("all", "default", "eth0")] +
               [("echo 1 >/proc/sys/net/ipv4/conf/all/send_redirects; echo 1 >/proc/sys/net/ipv4/conf/eth1/forwarding",
                 "echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects; echo 0 >/proc/sys/net/ipv4/conf/eth1/forwarding"),
                "put /etc/sysctl.d/zz.conf 'net.ipv4.ip_forward=1\nnet.ipv4.conf.all.send_redirects=1'"],
        "alone": True,
    },
    "net.router-advertisements": joined(
        sysctl(f"{V6}.all.accept_ra", 0, 1, 2, lost=True), sysctl(f"{V6}.default.accept_ra", 0, 1, lost=True),
        bad=[*interface("accept_ra", 0, 1, V6),
             ("for x in all eth1; do echo 1 >/proc/sys/net/ipv6/conf/$x/disable_ipv6; done\n"
              "echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra",
              "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra; echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6")],
        alone=True),
    "net.router-advertisements-managed": {
        "says": "manual",
        "bad": [(f"put /usr/lib/systemd/system/{name} '[Service]\nExecStart=/bin/sleep infinity'\n"
                 f"systemctl daemon-reload; systemctl start {name}", f"systemctl stop {name}")
                for name in ("systemd-networkd.service", "NetworkManager.service")],
        "alone": True,
    },
    "net.rp-filter": {
        "bad": [("for x in all eth0; do echo 0 >/proc/sys/net/ipv4/conf/$x/rp_filter; done",
                 "for x in all eth0; do echo 2 >/proc/sys/net/ipv4/conf/$x/rp_filter; done"),
                ("for x in all default eth0; do echo 0 >/proc/sys/net/ipv4/conf/$x/rp_filter; done",
                 "for x in all default eth0; do echo 2 >/proc/sys/net/ipv4/conf/$x/rp_filter; done"),
                "put /etc/sysctl.d/zz-rp.conf 'net.ipv4.conf.all.rp_filter = 0\nnet/ipv4/conf/default/rp_filter=0'"],
        "good": "put /etc/sysctl.d/50-rp.conf 'net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.default.rp_filter = 2'",
        # A name beats a pattern, whatever comes later.
        "fine": [now(f"{V4}.eth0.rp_filter", 0, 2),
                 "put /etc/sysctl.d/zz-rp.conf 'net.ipv4.conf.*.rp_filter = 0'"],
        "alone": True,
    },
    "net.source-routing": joined(
        sysctl(f"{V4}.all.accept_source_route", 0, 1), sysctl(f"{V6}.all.accept_source_route", 0, 1),
        bad=[now(f"{V6}.all.seg6_enabled", 1, 0)],
        fine=[now(f"{V4}.eth0.accept_source_route", 1, 0), now(f"{V6}.all.accept_source_route", -1, 0)]),
    "net.syncookies": sysctl("net.ipv4.tcp_syncookies", 1, 0),
    "net.tcp-timestamps": sysctl("net.ipv4.tcp_timestamps", 1, 0, 2),
    "net.time-wait-resets": sysctl("net.ipv4.tcp_rfc1337", 1, 0, lost=True),
    "net.unprivileged-ports": sysctl("net.ipv4.ip_unprivileged_port_start", 1024, 0, 80),
    "net.wireless": {
        # There is no radio; what tells one is a directory of sysfs.
        "bad": [("mkdir -p /run/staged/eth0/phy80211; rm -rf /run/staged/class\n"
                 "mkdir -p /run/staged/class; ln -s /run/staged/eth0 /run/staged/class/eth0\n"
                 "mount --bind /run/staged/class /sys/class/net", "umount /sys/class/net")],
    },
    "net.arp-answers": sysctl(f"{V4}.all.arp_ignore", 1, 0),
}
