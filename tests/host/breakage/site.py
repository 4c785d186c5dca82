# SPDX-License-Identifier: Apache-2.0
"""How the rules about the site file come to fail."""


def waiver(until, more=""):
    return (f"put /etc/revet/site.yaml 'waivers:\n  - {{rule: fs.acl, {more}reason: a test, owner: ops, "
            f"until: {until}}}'")


def admins(name):
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    return f'put /etc/revet/site.yaml "admins: {{users: [ops, {name}], keys: {{{name}: [{key}]}}}}"'


RULES = {
    "site.admins-have-accounts": {
        "alone": True,
        "bad": [admins("newcomer"), 'put /etc/revet/site.yaml "admins: {users: [newcomer]}"'],
        "fine": [admins("root"), 'put /etc/revet/site.yaml "admins: {users: [ops]}"'],
    },
    "site.waiver-expired": {
        "bad": [waiver("2020-01-01"), waiver("2026-01-01", "object: /srv, ")],
        "fine": [waiver("2099-12-31"), waiver("never")],
    },
}
