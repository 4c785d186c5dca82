# SPDX-License-Identifier: Apache-2.0
"""How the rules of devices come to fail: what the kernel shows of them is staged."""

from staged import BARE_METAL, SYS

GOOD = SYS + BARE_METAL + """
mkdir -p /run/staged/bus/usb/devices/usb1 /run/staged/bus/thunderbolt/devices/domain0
mount --bind /run/staged/bus /sys/bus
echo 2 >/sys/bus/usb/devices/usb1/authorized_default
echo user >/sys/bus/thunderbolt/devices/domain0/security
printf '\nPackage: usbguard\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n' >>/var/lib/dpkg/status
put /etc/usbguard/usbguard-daemon.conf 'RuleFile=/etc/usbguard/rules.conf
ImplicitPolicyTarget=block'
put /etc/usbguard/rules.conf 'allow id 1d6b:0002'
"""

RULES = {
    "devices.usb-unguarded": {"bad": [
        ("echo 1 >/sys/bus/usb/devices/usb1/authorized_default", "echo 2 >/sys/bus/usb/devices/usb1/authorized_default"),
        ("mkdir /sys/bus/usb/devices/usb2; echo 1 >/sys/bus/usb/devices/usb2/authorized_default", "rm -r /sys/bus/usb/devices/usb2")],
        "fine": [("echo 0 >/sys/bus/usb/devices/usb1/authorized_default",
                  "echo 2 >/sys/bus/usb/devices/usb1/authorized_default")]},
    "devices.usbguard-policy": {"bad": [
        "add /etc/usbguard/usbguard-daemon.conf 'ImplicitPolicyTarget=allow'",
        "put /etc/usbguard/rules.conf '# nothing'", "rm /etc/usbguard/rules.conf"],
        "fine": ["rm /etc/usbguard/rules.conf; add /etc/usbguard/usbguard-daemon.conf 'RuleFolder=/etc/usbguard/rules.d'\n"
                 "put /etc/usbguard/rules.d/a.conf 'allow id 1:2'"]},
    "devices.thunderbolt-open": {"bad": [
        ("echo none >/sys/bus/thunderbolt/devices/domain0/security", "echo user >/sys/bus/thunderbolt/devices/domain0/security")]},
}
