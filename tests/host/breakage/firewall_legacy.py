# SPDX-License-Identifier: Apache-2.0
"""How a host comes to have two kinds of packet filter, on one that has the programs for both."""

HOST = "firewalled"
GOOD = """nft 'add table inet mine'
nft 'add chain inet mine input { type filter hook input priority 0; policy accept; }'
nft 'add rule inet mine input ct state invalid drop'
"""

RULES = {
    "firewall.both-kinds": {
        "bad": [("iptables-legacy -A INPUT -s 192.0.2.1 -j DROP", "iptables-legacy -F"),
                ("iptables-legacy -P FORWARD DROP", "iptables-legacy -P FORWARD ACCEPT"),
                ("ip6tables-legacy -A INPUT -p tcp --dport 80 -j ACCEPT", "ip6tables-legacy -F")],
        "fine": ["ip6tables-legacy -t mangle -nL",
                 ("iptables-nft -A INPUT -s 192.0.2.1 -j DROP", "iptables-nft -F")],
        "alone": True,
    },
}
