# SPDX-License-Identifier: Apache-2.0
"""How the rules of disk come to fail. These hosts have no disk."""

GOOD = """
put /etc/crypttab 'root UUID=1 /etc/root.key luks'
install -m 400 /dev/null /etc/root.key
"""

NO_DISK = ("what is mounted is each process's own and cannot be staged; tests/tables/disks has the kernel's "
           "names of devices")

RULES = {
    "disk.unencrypted": NO_DISK,
    "disk.swap-unencrypted": NO_DISK,
    "disk.old-encryption": NO_DISK,
    "disk.weak-cipher": NO_DISK,
    "disk.fast-passphrase": NO_DISK,
    "disk.key-file": {"bad": ["chmod 440 /etc/root.key", "chmod 404 /etc/root.key", "chown ops /etc/root.key"],
                      "fine": ["put /etc/crypttab 'swap /dev/sda1 /dev/urandom swap'",
                               "put /etc/crypttab 'root UUID=1 none luks'"]},
    "disk.crypttab": {"bad": ["chmod 664 /etc/crypttab", "chmod 646 /etc/crypttab", "chown ops /etc/crypttab"]},
}
