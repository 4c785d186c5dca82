# SPDX-License-Identifier: Apache-2.0
"""How the rules of gdm come to fail: dconf's files. The database is an empty file, which is new enough."""

from staged import package

LOCAL, LOCKS = "/etc/dconf/db/local.d/00", "/etc/dconf/db/local.d/locks/00"
GREETER = "/etc/gdm3/greeter.dconf-defaults"
GOOD = package("gdm3") + f"""
put /usr/share/dconf/profile/gdm 'user-db:user
file-db:/var/lib/gdm3/greeter-dconf-defaults'
put {GREETER} "[org/gnome/login-screen]
banner-message-enable=true
banner-message-text='Keep out'
disable-user-list=true"
put /etc/dconf/profile/user 'user-db:user
system-db:local'
put {LOCAL} '[org/gnome/desktop/session]
idle-delay=uint32 300
[org/gnome/desktop/screensaver]
lock-delay=uint32 0
[org/gnome/desktop/media-handling]
automount=false
automount-open=false
autorun-never=true'
put {LOCKS} '/org/gnome/desktop/session/idle-delay
/org/gnome/desktop/screensaver/lock-delay
/org/gnome/desktop/media-handling/automount
/org/gnome/desktop/media-handling/automount-open
/org/gnome/desktop/media-handling/autorun-never'
put /etc/dconf/db/local x
touch -d '+1 day' /etc/dconf/db/local
"""


def local(old, new):
    return f"sed -i 's,{old},{new},' {LOCAL}"


def unlocked(key):
    return f"sed -i '/{key}$/d' {LOCKS}"


NO_PROFILE = "rm -f /etc/dconf/profile/user"

RULES = {
    "gdm.banner": {"bad": [f"sed -i '/banner-message-enable/d' {GREETER}",
                           f"sed -i 's/^banner-message-text.*/#&/' {GREETER}",
                           f"sed -i \"s/Keep out//\" {GREETER}"]},
    "gdm.user-list": {"bad": [f"sed -i 's/list=true/list=false/' {GREETER}", f"rm {GREETER}"]},
    "gdm.screen-lock": {"bad": [local("uint32 300", "uint32 0"), unlocked("idle-delay"), NO_PROFILE,
                                f"add {LOCAL} '[org/gnome/desktop/screensaver]\nlock-enabled=false'"]},
    "gdm.automount": {"bad": [local("automount=false", "automount=true"), unlocked("automount-open"), NO_PROFILE]},
    "gdm.autorun": {"bad": [local("never=true", "never=false"), unlocked("autorun-never"), NO_PROFILE]},
}
