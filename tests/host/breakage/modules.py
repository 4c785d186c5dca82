# SPDX-License-Identifier: Apache-2.0
"""How the rules of modules come to fail. The kernel of these hosts has no modules, so a directory of
them is made for it; that one is loaded cannot be staged, and is in the rules' own cases."""

from staged import BARE_METAL, SYS

RULES_OF = {
    "bluetooth": ["bluetooth", "btusb"], "cameras-floppies": ["floppy", "uvcvideo"],
    "cramfs": ["cramfs"], "dccp": ["dccp"], "firewire": ["firewire-core", "firewire-ohci", "firewire-sbp2"],
    "freevxfs": ["freevxfs"], "hfs": ["hfs"], "hfsplus": ["hfsplus"], "jffs2": ["jffs2"],
    "ksmbd": ["ksmbd"], "overlay": ["overlay"], "rds": ["rds", "rds_tcp"], "sctp": ["sctp"],
    "squashfs": ["squashfs"], "thunderbolt": ["thunderbolt"], "tipc": ["tipc"], "udf": ["udf"],
    "uncommon-filesystems": ["minix", "ufs", "adfs"],
    "uncommon-protocols": ["appletalk", "atm", "ax25", "n_gsm", "can", "rxrpc"],
    "usb-storage": ["usb-storage", "uas"],
}

GOOD = SYS + BARE_METAL + """
mkdir -p /sys/module
dir=/usr/lib/modules/$(uname -r)
mkdir -p $dir
: >$dir/modules.builtin
""" + "".join(f"""
echo 'kernel/x/{name}.ko.xz:' >>$dir/modules.dep
add /etc/modprobe.d/{rule}.conf 'install {name} /bin/false'
""" for rule, names in RULES_OF.items() for name in names)


def entry(rule, names):
    name = names[-1]
    file = f"/etc/modprobe.d/{rule}.conf"
    return {"bad": [
        # Kept from hardware, but not from whoever names it.
        f"sed -i '/^install {name} /d' {file}; add {file} 'blacklist {name}'",
        # A file of this name, read earlier, has the word.
        f"put /etc/modprobe.d/00-{rule}.conf 'install {name} /sbin/modprobe --ignore-install {name}'",
        # Commented out, or of another module.
        f"sed -i 's/^install {name} /#&/' {file}",
        f"sed -i 's/^install {name} /install {name}x /' {file}",
        f"echo 'kernel/x/{name}.ko' >>/usr/lib/modules/$(uname -r)/modules.builtin",
        # Of the same name, which then is the only one that is read.
        f"mv {file} /usr/lib/modprobe.d/; put {file} '# empty'",
    ], "fine": [
        f"sed -i 's,^install {name} .*,install {name.replace('_', '-')} /bin/true,' {file}",
        f"mv {file} /usr/lib/modprobe.d/",
    ]}


RULES = {f"modules.{rule}": entry(rule, names) for rule, names in RULES_OF.items()}
