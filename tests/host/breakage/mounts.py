# SPDX-License-Identifier: Apache-2.0
"""How the rules of mounts come to fail. README.md says how to read this."""

SAFE = "nosuid,nodev,noexec"

# A copy on a tmpfs stands for a partition.
PART = """
part() {
	mkdir -p $1 /run/part; mount -t tmpfs -o mode=755 part /run/part
	cp -a $1/. /run/part/; mount --move /run/part $1; mount -o remount,$2 $1
}
"""

GOOD = PART + f"""
mount --make-rprivate /
part /home nosuid,nodev
part /boot {SAFE}
part /opt nosuid,nodev
part /var nosuid,nodev
part /var/tmp {SAFE}
part /var/log {SAFE}
part /var/log/audit {SAFE}
mountpoint -q /tmp || mount -t tmpfs tmp /tmp
mount -o remount,mode=1777,{SAFE} /tmp
mount -o remount,{SAFE} /dev/shm
mkdir -p /mnt/share /data/x
"""


def options(target, good, *bad):
    """Loosened now, and loosened from the next boot on by a line in fstab."""
    whole = good if target in ("/home", "/var", "/opt") else SAFE
    ways = [(f"mount -o remount,{option} {target}",
             f"mount -o remount,{whole} {target}") for option in bad]
    ways += [f"echo 'part {target} tmpfs defaults,{good.replace('no' + option, option)} 0 0' >>/etc/fstab"
             for option in bad]
    ways += [(f"mount -t tmpfs over {target}", f"umount {target}"),
             f"printf '\\t%s\\t%s  tmpfs\\t defaults\\n' part {target}/ >>/etc/fstab"]
    if target == "/var":
        ways.pop(-2)  # it would hide the packages
    return {"bad": ways}


LEFT = dict.fromkeys("mounts.boot-options mounts.home-nosuid mounts.log-options "
                     "mounts.service-data-nosuid mounts.tmp-noexec "
                     "mounts.tmp-nosuid mounts.var-nosuid mounts.var-tmp-noexec mounts.var-tmp-nosuid".split(),
                     "the ways mount without /etc/fstab or a unit, which is where a fix goes")

RULES = {
    "mounts.boot-options": options("/boot", SAFE, "suid", "dev"),
    "mounts.data-separate": {"alone": True, "bad": [
        ("umount -l /home", PART + "part /home nosuid,nodev"),
        ("umount -l /var/log/audit /var/log /var/tmp /var",
         PART + f"part /var nosuid,nodev; part /var/tmp {SAFE}; part /var/log {SAFE}; part /var/log/audit {SAFE}"),
    ]},
    "mounts.fstab-password": {"bad": [
        "echo '//nas/x /mnt/share cifs username=a,password=secret 0 0' >>/etc/fstab",
        "echo '//nas/x /mnt/share cifs nofail,noauto,pass=secret,user=a 0 0' >>/etc/fstab",
        "echo '//nas/x /mnt/share cifs user=a%secret 0 0' >>/etc/fstab",
        "echo '//nas/x /mnt/share smb3 PASSWORD=secret 0 0' >>/etc/fstab",
        "echo 'https://dav/x /mnt/share fuse.davfs2 username=a,password2=x 0 0' >>/etc/fstab",
    ], "fine": ["echo '//nas/x /mnt/share cifs credentials=/root/.smb,nosuid,nodev 0 0' >>/etc/fstab"]},
    "mounts.home-nosuid": options("/home", "nosuid,nodev", "suid", "dev"),
    "mounts.local-nodev": {"bad": [
        "echo '/dev/sdx1 /data ext4 defaults 0 0' >>/etc/fstab",
        "echo '/dev/mapper/x /data/x xfs nosuid,noexec 0 0' >>/etc/fstab"],
        "fine": ["echo '/dev/sdx1 /data ext4 nodev 0 0' >>/etc/fstab",
                 "echo '/dev/sdx1 /boot/x vfat defaults 0 0' >>/etc/fstab"]},
    "mounts.removable": {"bad": [
        "echo '/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0' >>/etc/fstab",
        "echo '/dev/cdrom /mnt/share auto ro,nosuid,nodev 0 0' >>/etc/fstab"],
        "fine": ["echo '/dev/sr0 /media/cdrom0 udf,iso9660 noauto,nosuid,nodev,noexec 0 0' >>/etc/fstab"]},
    "mounts.service-data-nosuid": options("/opt", "nosuid,nodev", "suid", "dev"),
    "mounts.log-options": options("/var/log/audit", SAFE, "suid", "dev", "exec"),
    "mounts.network-shares": {"bad": [
        "echo 'nas:/x /mnt/share nfs4 defaults,nosuid 0 0' >>/etc/fstab",
        "echo '//nas/x /mnt/share cifs nodev,credentials=/root/.smb 0 0' >>/etc/fstab",
        "echo 'nas:/x /mnt/share nfs rw,nodev,nosuid,suid 0 0' >>/etc/fstab",
        "echo 'a@nas:/x /mnt/share fuse.sshfs allow_other 0 0' >>/etc/fstab",
        "echo 'a@nas:/x /mnt/share sshfs allow_other 0 0' >>/etc/fstab",
    ]},
    "mounts.shm-noexec": options("/dev/shm", "noexec", "exec"),
    "mounts.shm-nosuid": options("/dev/shm", "nosuid,nodev", "suid", "dev"),
    "mounts.tmp-noexec": options("/tmp", "noexec", "exec"),
    "mounts.tmp-nosuid": options("/tmp", "nosuid,nodev", "suid", "dev"),
    "mounts.tmp-separate": {"alone": True, "bad": [
        ("umount -l /tmp; echo 'tmp /tmp tmpfs noauto,nosuid,nodev,noexec 0 0' >>/etc/fstab",
         f"mount -t tmpfs -o mode=1777,{SAFE} tmp /tmp"),
        ("umount -l /tmp", f"mount -t tmpfs -o mode=1777,{SAFE} tmp /tmp"),
    ]},
    "mounts.var-nosuid": options("/var", "nosuid,nodev", "suid", "dev"),
    "mounts.var-tmp-noexec": options("/var/tmp", "noexec", "exec"),
    "mounts.var-tmp-nosuid": options("/var/tmp", "nosuid,nodev", "suid", "dev"),
}
