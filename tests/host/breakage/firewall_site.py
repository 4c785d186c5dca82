# SPDX-License-Identifier: Apache-2.0
"""How a packet filter comes to be another than the site file asks for: on a host of its own, because that
filter would refuse what the other rules of firewall are broken by."""

AGAIN = "nft -f /etc/nftables.conf"

# What the site asks for, loaded as the fix has it loaded.
GOOD = """put /etc/revet/site.yaml 'admins: {users: [ops]}
serves: [{port: 443/tcp, to: world}]'
mkdir -p /etc/nftables.d
{ printf 'table inet revet\\ndelete table inet revet\\n'; revet firewall; } >/etc/nftables.d/revet.nft
echo 'include "/etc/nftables.d/revet.nft"' >>/etc/nftables.conf
systemctl enable -q nftables.service
""" + AGAIN


def nft(*commands):
    """A way: the rules in force are changed; undone."""
    return "\n".join(f"nft '{command}'" for command in commands), AGAIN


def translated(to, *more):
    return nft("add table ip n", "add chain ip n p { type nat hook prerouting priority -100; }",
               f"add rule ip n p tcp dport 8080 {to}", *more)


ALONE = True  # there is one site file

RULES = {
    "firewall.as-site": {
        "bad": [nft("add rule inet revet input tcp dport 23 accept"), nft("delete table inet revet"),
                nft("insert rule inet revet forward accept"), nft("add table inet revet { flags dormant; }"),
                nft("chain inet revet input { policy accept; }"),
                "put /etc/revet/site.yaml 'serves: [{port: 443/tcp, to: [10.0.0.0/8]}]'",
                "sed -i 's/443/444/' /etc/nftables.d/revet.nft", "rm /etc/nftables.d/revet.nft",
                "sed -i '/include/d' /etc/nftables.conf",
                ("systemctl disable -q nftables.service", "systemctl enable -q nftables.service")],
        "fine": ["sed -i '1i# who is served' /etc/revet/site.yaml",
                 nft("add table inet more", "add chain inet more input { type filter hook input priority 10; policy accept; }")],
    },
    "firewall.beyond-site": {
        "bad": [nft("add rule inet revet input tcp dport 23 accept"),
                nft("add rule inet revet input ip saddr 203.0.113.0/24 udp dport 8000-9000 accept"),
                nft("add chain inet revet more", "add rule inet revet more tcp dport 443-444 accept",
                    "add rule inet revet input meta l4proto tcp goto more"),
                translated("redirect to :443"),
                translated("dnat to 198.51.100.77:80", "add rule inet revet forward ip daddr 198.51.100.77 accept"),
                "put /etc/revet/site.yaml 'admins: {users: [ops]}\nserves: [{port: 443/tcp, to: [10.0.0.0/8]}]'",
                "put /etc/revet/site.yaml 'admins: {users: [ops], from: [10.0.0.0/8]}\nserves: [{port: 443/tcp, to: world}]'"],
        "fine": [nft("add rule inet revet input tcp dport 443 ip saddr 10.0.0.0/8 accept"),
                 nft("add rule inet revet input ip daddr 224.0.0.251 udp dport 5353 accept"),
                 translated("redirect to :23"), translated("dnat to 198.51.100.77:80"),
                 "put /etc/revet/site.yaml 'admins: {users: [ops]}\nserves: [{port: 443/tcp, to: world}, {port: 23/tcp, to: world}]'"],
    },
    "firewall.beyond-site-ipv6": {
        "bad": [nft("insert rule inet revet input ip6 saddr 2001:db8::/32 accept"), nft("add rule inet revet input tcp dport 23 accept")],
        "fine": [nft("insert rule inet revet input ip6 saddr 2001:db8::/32 tcp dport 443 accept"),
                 nft("add rule inet revet input ip saddr 203.0.113.0/24 tcp dport 23 accept")],
    },
}
