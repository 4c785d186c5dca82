# SPDX-License-Identifier: Apache-2.0
"""Root directories of any size, made to see how cost grows. The same arguments make the same tree.

    trees.py packages|users|units|files DIRECTORY COUNT
"""

import os
import random
import sys
from pathlib import Path

UNIT = """[Unit]
Description=Service {n}
After=network.target

[Service]
Type=simple
User=user{n}
ExecStart=/usr/bin/service{n} --config /etc/service{n}.conf
Restart=on-failure
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""

PACKAGE = """Package: package{n}
Status: install ok installed
Priority: optional
Section: net
Installed-Size: {size}
Maintainer: Somebody <somebody@example.org>
Architecture: amd64
Version: 1.{n}-1+deb12u1
Depends: libc6 (>= 2.34), libssl3 (>= 3.0.0), package{other}
Conffiles:
 /etc/package{n}.conf 0123456789abcdef0123456789abcdef
Description: package number {n}
 It has a longer description, of several lines, which says what it is for
 and what it is not for.
 .
 As packages do.

"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def base(top):
    write(top / "etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n')
    write(top / "etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    write(top / "etc/group", "root:x:0:\n")
    write(top / "etc/shadow", "root:*:19000:0:99999:7:::\n")


def packages(top, count):
    base(top)
    write(top / "var/lib/dpkg/status", "".join(
        PACKAGE.format(n=n, size=n % 5000, other=n * 7 % count) for n in range(count)))
    for n in range(count):
        files = "".join(f"/usr/share/package{n}/file{i}\n" for i in range(50))
        write(top / f"var/lib/dpkg/info/package{n}.list", f"/usr/bin/package{n}\n{files}")


def users(top, count):
    """Each has a home with dot files, every tenth a key, every fifth a group with members."""
    base(top)
    with (open(top / "etc/passwd", "a") as passwd, open(top / "etc/shadow", "a") as shadow,
          open(top / "etc/group", "a") as group):
        for n in range(count):
            home = top / f"home/user{n}"
            passwd.write(f"user{n}:x:{n + 1000}:{n + 1000}:User {n}:/home/user{n}:/bin/bash\n")
            shadow.write(f"user{n}:$6$salt$hash{n}:19000:0:99999:7:::\n")
            members = f"user{n},user{n * 7 % count}" if n % 5 == 0 else ""
            group.write(f"user{n}:x:{n + 1000}:{members}\n")
            write(home / ".bashrc", "umask 027\n")
            write(home / ".profile", ". ~/.bashrc\n")
            os.chown(home, n + 1000, n + 1000)
            if n % 10 == 0:
                write(home / ".ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
                      f"{n:043d} user{n}\n")


def units(top, count):
    base(top)
    wants = top / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for n in range(count):
        write(top / f"usr/lib/systemd/system/service{n}.service", UNIT.format(n=n))
        if n % 10 == 0:
            write(top / f"etc/systemd/system/service{n}.service.d/limit.conf",
                  "[Service]\nPrivateDevices=yes\n")
        if n % 3 == 0:
            (wants / f"service{n}.service").symlink_to(
                f"/usr/lib/systemd/system/service{n}.service")


def files(top, count):
    """Shaped like a server's: a dozen files to a directory, one in twelve a link, one in thirty
    executable, a few with set-uid bit, writable by anyone or without an owner."""
    base(top)
    rng = random.Random(1)
    dirs, made = [(top, 0)], 0
    while made < count:
        above, depth = rng.choice(dirs[-2000:]) if rng.random() < 0.8 else rng.choice(dirs)
        if depth > 7:
            continue
        path = above / f"directory{len(dirs)}"
        path.mkdir()
        dirs.append((path, depth + 1))
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        for n in range(int(rng.expovariate(1 / 12))):
            file(fd, f"file{n}", rng.random())
            made += 1
        os.close(fd)
        made += 1


def file(fd, name, kind):
    if kind < 0.08:
        os.symlink("target", name, dir_fd=fd)
        return
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o755 if kind < 0.11 else 0o644, dir_fd=fd))
    if kind > 0.9999:
        os.chmod(name, 0o4755 if kind > 0.99995 else 0o666, dir_fd=fd)
    elif kind > 0.99985:
        os.chown(name, 54321, 54321, dir_fd=fd)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
