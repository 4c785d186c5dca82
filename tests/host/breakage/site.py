# SPDX-License-Identifier: Apache-2.0
"""How the rules about the site file come to fail."""


def waiver(until, more=""):
    return (f"put /etc/revet/site.yaml 'waivers:\n  - {{rule: fs.acl, {more}reason: a test, owner: ops, "
            f"until: {until}}}'")


RULES = {
    "site.waiver-expired": {
        "bad": [waiver("2020-01-01"), waiver("2026-01-01", "object: /srv, ")],
        "fine": [waiver("2099-12-31"), waiver("never")],
    },
}
