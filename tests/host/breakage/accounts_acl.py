# SPDX-License-Identifier: Apache-2.0
"""How rules of accounts come to fail by access control lists. README.md says how to read this."""

HOST = "iot-backend"
ALONE = True

GOOD = """
chmod 770 /home/deploy
chmod 664 /home/deploy/.bashrc
"""

RULES = {
    "accounts.dotfiles-closed-to-writers": {"bad": [
        "setfacl -m u:aged:rw /home/deploy/.bashrc",
        "mkdir /home/deploy/.config; setfacl -m u:aged:rwx /home/deploy/.config",
    ],
    "fine": ["setfacl -m u:aged:r /home/deploy/.bashrc",
             "setfacl -m u:aged:rw,m::r /home/deploy/.bashrc"]},
    "accounts.homes-closed-to-writers": {"bad": [
        "setfacl -m u:aged:rwx /home/deploy",
        "setfacl -m g:users:-wx /home/deploy",
    ], "fine": ["setfacl -m u:aged:rx /home/deploy"]},
    "accounts.homes-private": {"good": "chmod 750 /home/*",
                               "bad": ["setfacl -m u:aged:rwx /home/deploy"]},
    "accounts.secret-dotfiles": {
        "good": "install -o deploy -m 600 /dev/null /home/deploy/.netrc",
        "bad": ["setfacl -m u:aged:r /home/deploy/.netrc"],
    },
}
