# SPDX-License-Identifier: Apache-2.0
"""How the rules about the site file's administrators come to fail, on a host where ops can administer."""

ALONE = True  # there is one site file


def site(admins, *sshd):
    return f"put /etc/revet/site.yaml 'admins: {{{admins}}}'" + "".join(
        f"\nput /etc/ssh/sshd_config.d/6{n}-$own.conf '{text}'" for n, text in enumerate(sshd))


def newcomer(more=""):
    return f'put /etc/revet/site.yaml "admins: {{users: [ops, newcomer]{more}}}"'


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43

RULES = {
    "site.admins-have-accounts": {
        "bad": [newcomer(f", keys: {{newcomer: [{KEY}]}}"), newcomer()],
        "fine": [site("users: [ops, root]"), site("users: [ops]")],
    },
    "site.ssh-others": {
        "bad": [
            site("users: [ops]", "AllowUsers ops backup", "AllowUsers root"),
            site("users: [ops]"),
            site("users: [ops]", "AllowUsers o*"),
            site("users: [ops]", "AllowGroups sudo root"),
            site("users: [ops], from: 10.0.0.0/8", "AllowUsers ops"),
            site("users: [ops], from: 10.0.0.0/8", "AllowUsers ops@10.0.0.0/7"),
            site("users: [ops], from: 10.0.0.0/8", "AllowGroups sudo"),
            site("users: [ops]", "AllowUsers ops", "Match Address 10.0.0.0/8\n\tAllowUsers backup"),
            site("users: [ops]", "Match User root\n\tAllowUsers ops"),
        ],
        "fine": [
            site("users: [ops, deploy]", "AllowUsers ops"),
            site("users: [ops]", "AllowGroups sudo"),
            site("users: [ops], from: [10.0.0.0/8, '\''2001:db8::/32'\'']", "AllowUsers ops@10.99.0.0/16 ops@2001:db8::1"),
            site("users: [ops], from: world", "allowusers \"ops\""),
        ],
    },
}
