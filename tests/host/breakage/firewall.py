# SPDX-License-Identifier: Apache-2.0
"""How the rules of firewall come to fail. The rules are the host's own, in its network namespace."""

from staged import CMDLINE

GOOD = CMDLINE + """
ip link add eth0 type veth peer name eth1
ip address add 192.0.2.10/24 dev eth0
ip link set eth0 up
ip link set eth1 up
ip route add default via 192.0.2.1
cat >/etc/nftables.conf <<'EOF'
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain pre {
		type filter hook prerouting priority raw; policy accept;
		iif != "lo" ip saddr 127.0.0.0/8 drop
		iif != "lo" ip6 saddr ::1 drop
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		tcp dport 22 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy drop;
		oifname "lo" accept
		ct state established,related accept
		udp dport { 53, 123 } accept
	}
}
EOF
nft -f /etc/nftables.conf
cp /etc/nftables.conf /run/good.nft
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
put /etc/sysctl.d/50-forward.conf 'net.ipv4.ip_forward = 1'
"""

AGAIN = "nft -f /etc/nftables.conf"
GOOD_AGAIN = "nft -f /run/good.nft"  # where the file was changed, which is put back afterwards


def nft(*commands):
    """A way: the rules in force are changed; undone."""
    return "\n".join(f"nft '{command}'" for command in commands), AGAIN


def rule(chain, text):
    return nft(f"add rule inet filter {chain} {text}")


def unit(name, wanted="sysinit.target"):
    return (f"put /usr/lib/systemd/system/{name} '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy={wanted}'\n"
            f"systemctl enable -q {name}", f"systemctl disable -q {name}")


def named(kind, elements, text, flags="interval"):
    """A way: a rule that looks into a set."""
    flags = f"flags {flags};" if flags else ""
    return nft(f"add set inet filter s {{ type {kind}; {flags} elements = {{ {elements} }}; }}",
               f"add rule inet filter input {text} accept")


def no_chain(hook):
    return nft(f"flush chain inet filter {hook}", f"delete chain inet filter {hook}")


RULES = {
    "firewall.feed-stale": {
        "bad": ["put /etc/nft-blacklist/blacklist.nft 'add element inet filter drop { 192.0.2.7 }'\n"
                "touch -d '5 days ago' /etc/nft-blacklist/blacklist.nft",
                "put /etc/ipset-blacklist/ip-blacklist.restore ''; : >/etc/ipset-blacklist/ip-blacklist.restore",
                "install -d /etc/nft-blacklist/blacklist.nft"],
        "fine": ["put /etc/nft-blacklist/blacklist.nft 'add element inet filter drop { 192.0.2.7 }'\n"
                 "touch -d '2 days ago' /etc/nft-blacklist/blacklist.nft"],
    },
    "firewall.active": {
        "bad": [nft("flush ruleset"), no_chain("input"),
                nft("flush chain inet filter input", "chain inet filter input { policy accept; }"),
                nft("flush ruleset", "add table bridge b",
                    "add chain bridge b input { type filter hook input priority 0; policy drop; }")],
        "alone": True,
    },
    "firewall.default-deny": {
        "bad": [nft("chain inet filter input { policy accept; }"),
                rule("input", "accept"), rule("input", "iifname \"eth0\" accept"),
                rule("input", "iifname { \"eth0\", \"wg0\" } accept"), rule("input", "iif eth0 counter accept"),
                rule("input", "ct state new accept"), rule("input", "tcp dport 1-65535 accept"),
                rule("input", "tcp dport >= 1024 accept"), rule("input", "ip saddr 0.0.0.0/0 accept"),
                rule("input", "ip saddr != 192.0.2.99 accept"), rule("input", "meta l4proto { tcp, udp } accept"),
                rule("input", "tcp flags & (fin|syn|rst|ack) == syn accept"),
                rule("input", "udp dport 1-65535 accept"), rule("input", "meta l4proto udp accept"),
                rule("input", "limit rate 100/second accept"), rule("input", "fib daddr type local accept"),
                rule("input", "iifname vmap { \"eth0\" : accept }"),
                named("ipv4_addr", "0.0.0.0/1, 128.0.0.0/1", "ip saddr @s"),
                named("ipv4_addr", "0.0.0.0-9.255.255.255, 11.0.0.0-255.255.255.255", "ip saddr @s"),
                named("inet_service", "22, 1024-65535", "tcp dport @s"),
                named("ifname", "\"wg0\", \"eth0\"", "iifname @s", ""),
                named("inet_proto", "tcp, udp", "meta l4proto @s", ""),
                nft("add chain inet filter more", "add rule inet filter more accept",
                    "add rule inet filter input goto more")],
        "fine": [nft("chain inet filter input { policy accept; }", "add rule inet filter input counter drop"),
                 nft("chain inet filter input { policy accept; }", "add rule inet filter input reject"),
                 named("ipv4_addr", "10.0.0.0/8, 192.0.2.1", "ip saddr @s"),
                 named("ipv4_addr", "192.0.2.1, 192.0.2.3 timeout 1h", "ip saddr @s", "timeout"),
                 named("inet_service", "22, 8000-9000", "tcp dport @s"),
                 named("ifname", "\"wg0\"", "iifname @s", ""),
                 rule("input", "iifname \"wg0\" accept"), rule("input", "ip saddr 198.51.100.0/24 accept"),
                 rule("input", "udp dport 60000-61000 accept"), rule("input", "tcp dport { 80, 443, 8000-9000 } accept"),
                 nft("add table ip other", "add chain ip other input { type filter hook input priority 10; policy accept; }",
                     "add rule ip other input accept")],
        "alone": True,
    },
    "firewall.default-deny-ipv6": {
        "bad": [nft("flush ruleset", "add table ip f",
                    "add chain ip f input { type filter hook input priority 0; policy drop; }",
                    "add rule ip f input iifname lo accept"),
                rule("input", "meta nfproto ipv6 accept"), rule("input", "meta protocol ip6 accept"),
                rule("input", "ip6 saddr ::/0 accept"), named("ipv6_addr", "::/1, 8000::/1", "ip6 saddr @s"),
                ("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6\n"
                 "nft 'add rule inet filter input meta nfproto ipv6 accept'",
                 "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6\n" + AGAIN)],
        "fine": [rule("input", "meta nfproto ipv4 accept"),
                 ("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; nft 'add rule inet filter input ip6 saddr ::/0 accept'",
                  "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6\n" + AGAIN)],
        "alone": True,
    },
    "firewall.egress": {
        "bad": [nft("chain inet filter output { policy accept; }"), rule("output", "oifname \"eth0\" accept"),
                rule("output", "ct state new accept"), rule("output", "meta nfproto ipv6 accept"),
                no_chain("output")],
        "fine": [nft("chain inet filter output { policy accept; }", "add rule inet filter output reject"),
                 rule("output", "tcp dport { 80, 443 } accept"), rule("output", "meta skuid 0 accept")],
        "alone": True,
    },
    "firewall.forwarding": {
        "bad": [nft("chain inet filter forward { policy accept; }"), no_chain("forward"),
                rule("forward", "iifname \"eth0\" oifname \"eth1\" accept"),
                rule("forward", "oifname \"docker0\" accept"), rule("forward", "meta nfproto ipv6 accept"),
                ("echo 0 >/proc/sys/net/ipv4/ip_forward; rm /etc/sysctl.d/50-forward.conf\n"
                 "nft 'add rule inet filter forward meta nfproto ipv6 accept'",
                 "echo 1 >/proc/sys/net/ipv4/ip_forward\necho 1 >/proc/sys/net/ipv6/conf/all/forwarding\n" + AGAIN)],
        "fine": [nft("chain inet filter forward { policy accept; }", "add rule inet filter forward reject"),
                 rule("forward", "iifname \"eth1\" oifname \"eth0\" accept"),
                 rule("forward", "iifname \"eth0\" oifname \"eth1\" tcp dport 80 accept"),
                 rule("forward", "ct state established,related accept")],
        "alone": True,
    },
    "firewall.loopback": {
        "bad": [nft("flush chain inet filter input", "add rule inet filter input tcp dport 22 accept"),
                nft("insert rule inet filter input iifname lo meta nfproto ipv6 drop"),
                nft("insert rule inet filter input iif lo reject"),
                nft("flush chain inet filter input", "add rule inet filter input iif lo limit rate 10/second accept"),
                nft("flush chain inet filter input", "add rule inet filter input iif lo ct count 20 accept")],
        "fine": [rule("input", "iif lo drop")],
        "alone": True,
    },
    "firewall.loopback-spoofed": {
        "bad": [nft("flush chain inet filter pre"), nft("chain inet filter pre { policy accept; }", "flush chain inet filter pre",
                                                       "add rule inet filter pre iif != lo ip saddr 127.0.0.0/8 drop"),
                nft("flush chain inet filter pre", "add rule inet filter pre ip saddr 127.0.0.2 drop",
                    "add rule inet filter pre ip6 saddr ::1 drop"),
                nft("insert rule inet filter pre iifname eth0 accept", "flush chain inet filter pre"),
                nft("flush chain inet filter pre", "add rule inet filter pre iifname wg0 ip saddr 127.0.0.0/8 drop",
                    "add rule inet filter pre iif != lo ip6 saddr ::1 drop")],
        "fine": [nft("flush chain inet filter pre", "insert rule inet filter input iif != lo ip saddr 127.0.0.0/8 drop",
                     "insert rule inet filter input iif != lo ip6 saddr { ::1, fe80::/64 } drop"),
                 nft("flush chain inet filter pre", "add rule inet filter pre iif != lo ip saddr 126.0.0.0-128.0.0.0 counter drop",
                     "add rule inet filter pre iif != lo ip6 saddr ::/64 counter drop")],
        "alone": True,
    },
    "firewall.one-manager": {
        "bad": [(unit("netfilter-persistent.service")[0] + "\nsystemctl enable -q nftables.service",
                 unit("netfilter-persistent.service")[1]),
                "put /etc/ufw/ufw.conf 'ENABLED=yes'", "put /etc/ufw/ufw.conf 'ENABLED=YES'",
                ("install -m 755 /usr/bin/sleep /usr/sbin/firewalld; /usr/sbin/firewalld 1000 >/dev/null 2>&1 &\n"
                 "echo $! >/run/firewalld.pid; sleep 0.1", "end $(cat /run/firewalld.pid)")],
        "fine": ["put /etc/ufw/ufw.conf 'ENABLED=no'"],
        "alone": True,
    },
    "firewall.persisted": {
        "bad": [("systemctl disable -q nftables.service", "systemctl enable -q nftables.service"),
                ("systemctl mask -q nftables.service", "systemctl unmask -q nftables.service\n"
                 "systemctl enable -q nftables.service"),
                "sed -i 's/drop/accept/' /etc/nftables.conf", "put /etc/nftables.conf 'flush ruleset'",
                "sed -i '2,$ s/^/#/' /etc/nftables.conf", "add /etc/nftables.conf 'table inet {'",
                "add /etc/nftables.conf 'include \"/etc/nftables.d/not-there.nft\"'",
                ("systemctl disable -q nftables.service\n" + unit("netfilter-persistent.service")[0] +
                 "\nput /etc/iptables/rules.v4 '*filter\n:INPUT DROP [0:0]\nCOMMIT'",
                 unit("netfilter-persistent.service")[1] + "; systemctl enable -q nftables.service")],
        "fine": [("systemctl disable -q nftables.service\n" + unit("netfilter-persistent.service")[0] +
                  "\nfor v in 4 6; do put /etc/iptables/rules.v$v '*filter\n:INPUT DROP [0:0]\nCOMMIT'; done",
                  unit("netfilter-persistent.service")[1] + "; systemctl enable -q nftables.service"),
                 ("sed -i 's/drop/accept/' /etc/nftables.conf; nft -f /etc/nftables.conf",
                  "sed -i 's/policy accept/policy drop/' /etc/nftables.conf; nft -f /etc/nftables.conf"),
                 "put /etc/nftables.conf 'flush ruleset\ninclude \"/etc/nftables.d/*.nft\"'"],
        "alone": True,
    },
    "firewall.as-saved": {
        "bad": [rule("input", "tcp dport 8080 accept"), nft("insert rule inet filter input tcp dport 8080 accept"),
                nft("flush chain inet filter forward", "chain inet filter forward { policy accept; }"),
                nft("flush chain inet filter pre", "add rule inet filter pre iif != lo ip6 saddr ::1 drop",
                    "add rule inet filter pre iif != lo ip saddr 127.0.0.0/8 drop"),
                nft("add chain inet filter more"), nft("add set inet filter s { type ipv4_addr; }"),
                nft("delete chain inet filter forward"),
                nft("add table ip other", "add chain ip other input { type filter hook input priority 10; }",
                    "add rule ip other input tcp dport 25 drop"),
                "sed -i 's/tcp dport 22 accept/tcp dport 2222 accept/' /etc/nftables.conf",
                "sed -i 's/tcp dport 22 accept//' /etc/nftables.conf",
                "add /etc/nftables.conf 'table ip other { }'",
                "sed -i 's/{ 53, 123 }/{ 53, 124 }/' /etc/nftables.conf",
                ("sed -i 's/chain pre {/set s { type ipv4_addr; flags interval; elements = { 192.0.2.0\\/24 }; }\\n&/' "
                 "/etc/nftables.conf; nft -f /etc/nftables.conf\nnft 'add element inet filter s { 198.51.100.9 }'", GOOD_AGAIN),
                ("sed -i 's/chain pre {/map m { type inet_service : verdict; elements = { 80 : accept }; }\\n&/' "
                 "/etc/nftables.conf; nft -f /etc/nftables.conf\nnft 'add element inet filter m { 81 : drop }'", GOOD_AGAIN),
                ("sed -i 's/chain pre {/set c { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 80 }; }\\n&/' "
                 "/etc/nftables.conf; nft -f /etc/nftables.conf\nnft 'delete element inet filter c { 192.0.2.1 . 80 }'",
                 GOOD_AGAIN)],
        "fine": [("sed -i 's/tcp dport 22 accept/tcp dport 22 counter accept comment \"ssh\"/' /etc/nftables.conf\n"
                  "nft -f /etc/nftables.conf; sed -i 's/\"ssh\"/\"shell\"/' /etc/nftables.conf", GOOD_AGAIN),
                 ("sed -i 's/chain pre {/set d { type ipv4_addr; flags dynamic,timeout; timeout 1h; }\\n&/' "
                  "/etc/nftables.conf; nft -f /etc/nftables.conf\nnft 'add element inet filter d { 198.51.100.9 }'", GOOD_AGAIN),
                 ("sed -i 's/chain pre {/set d { type ipv4_addr; flags dynamic; size 9; }\\n&/' "
                  "/etc/nftables.conf; nft -f /etc/nftables.conf\nnft 'add element inet filter d { 198.51.100.9 }'", GOOD_AGAIN),
                 nft("add table ip other", "add chain ip other input { type filter hook input priority 10; policy accept; }"),
                 nft("add table inet f2b-table", "add chain inet f2b-table c { type filter hook input priority -1; }",
                     "add rule inet f2b-table c ip saddr 192.0.2.77 drop"),
                 ("mkdir -p /etc/nftables.d\necho 'table ip other { chain input { type filter hook input priority 10; policy "
                  "drop; iifname lo accept; }; }' >/etc/nftables.d/other.nft\n"
                  "add /etc/nftables.conf 'include \"/etc/nftables.d/*.nft\"'; nft -f /etc/nftables.conf", GOOD_AGAIN)],
        "alone": True,
    },
    "firewall.rule-hidden": {
        "bad": [rule("input", "tcp dport 22 ip saddr 192.0.2.99 drop"), rule("input", "iifname \"lo\" udp dport 53 reject"),
                nft("add rule inet filter input ip saddr 192.0.2.0/24 return", "add rule inet filter input ip saddr 192.0.2.9 drop"),
                nft("add rule inet filter input tcp dport 8000-8999 accept", "add rule inet filter input tcp dport { 8080, 8081 } drop"),
                (named("ipv4_addr", "198.51.100.0/24", "ip saddr @s")[0] +
                 "\nnft 'add rule inet filter input ip saddr 198.51.100.9 tcp dport 80 drop'", AGAIN)],
        "fine": [rule("input", "ip saddr 192.0.2.99 drop"),
                 nft("add rule inet filter input tcp dport 80 limit rate 5/second accept", "add rule inet filter input tcp dport 80 drop"),
                 nft("add rule inet filter input ip saddr 192.0.2.0/25 accept", "add rule inet filter input ip saddr 192.0.2.0/24 drop"),
                 (named("ipv4_addr", "198.51.100.9 timeout 1h", "ip saddr @s", "timeout")[0] +
                  "\nnft 'add rule inet filter input ip saddr 198.51.100.9 drop'", AGAIN)],
        "alone": True,
    },
    "firewall.rules-contradict": {
        "bad": [rule("input", "tcp dport 22 drop"),
                nft("insert rule inet filter input tcp dport 22 drop"),
                nft("insert rule inet filter output udp dport { 123, 53 } counter reject")],
        "fine": [rule("input", "tcp dport 22 accept"), rule("input", "udp dport 22 drop")],
        "alone": True,
    },
    "firewall.rule-in-vain": {
        "bad": [nft("insert rule inet filter input tcp dport 20-30 drop"), nft("insert rule inet filter input ct state new drop",
                "insert rule inet filter input iifname \"lo\" accept", "add rule inet filter input ct state new tcp dport 80 accept"),
                nft("add rule inet filter input meta nfproto ipv6 drop", "add rule inet filter input ip6 saddr 2001:db8::/32 accept")],
        "fine": [nft("insert rule inet filter input tcp dport 22 ip saddr 192.0.2.0/24 drop")],
        "alone": True,
    },
    "firewall.ipv6-wider": {
        "bad": [rule("input", "meta nfproto ipv6 tcp dport 80 accept"), rule("input", "ip6 saddr ::/0 udp dport 123 accept"),
                nft("insert rule inet filter input ip saddr != 203.0.113.0/24 tcp dport 22 drop"),
                nft("add table ip other", "add chain ip other input { type filter hook input priority 10; policy drop; }",
                    "add rule ip other input iifname lo accept")],
        "fine": [rule("input", "meta nfproto ipv4 tcp dport 80 accept"),
                 rule("input", "ip6 saddr 2001:db8::/32 tcp dport 80 accept"), rule("input", "ip6 daddr ff02::fb udp dport 5353 accept")],
        "alone": True,
    },
}
