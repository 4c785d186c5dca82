# SPDX-License-Identifier: Apache-2.0
"""How the rules of firmware come to fail: what the kernel shows of it is staged."""

from staged import BARE_METAL, SYS

# /sys/class cannot be written: it is made anew of its own directories.
GOOD = SYS + r"""
for class in /sys/class/*; do
    mkdir -p /run/staged/class/${class##*/}
    mount --bind $class /run/staged/class/${class##*/}
done
mkdir -p /run/staged/class/ipmi /run/staged/bus/mei/devices
mount --rbind /run/staged/class /sys/class
mount --bind /run/staged/bus /sys/bus
""" + BARE_METAL + r"""
mkdir -p /run/staged/firmware/efi /sys/firmware
mount --bind /run/staged/firmware /sys/firmware
sed 's/ nx\b//' /proc/cpuinfo >/run/staged/no-nx
cp /proc/cpuinfo /run/staged/nx
printf '\nPackage: fwupd\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n' >>/var/lib/dpkg/status
"""

RULES = {
    "firmware.executable-data": {"bad": [
        ("cat /run/staged/no-nx >/run/staged/cpuinfo", "cat /run/staged/nx >/run/staged/cpuinfo")]},
    "firmware.remote-management": {"says": "manual", "bad": [
        ("mkdir /sys/class/ipmi/ipmi0", "rmdir /sys/class/ipmi/ipmi0")]},
    "firmware.amt": {"bad": [(
        "mkdir /sys/bus/mei/devices/mei0-12f80028-b4b7-4b2d-aca8-46e0ff65814c",
        "rmdir /sys/bus/mei/devices/mei0-12f80028-b4b7-4b2d-aca8-46e0ff65814c")]},
    "firmware.updates": {"bad": ["sed -i 's/^Package: fwupd$/Package: fwupdx/' /var/lib/dpkg/status"]},
}
