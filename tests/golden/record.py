# SPDX-License-Identifier: Apache-2.0
"""Makes the recordings of tests/golden from the test hosts. Needs root and tests/host."""

import gzip
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import golden
from golden import ENVIRONMENT, HERE, REVET, entries, joined

sys.path.insert(0, str(HERE.parent / "host"))
from hostlib import Host  # noqa: E402

# How each recorded host comes about: its image, and which user of it reads; None: it is a tree. A
# script of its name is run in it first, and then the marks of a container are left out.
HOSTS = {
    "debian-12": ("debian-12", "root"),
    "debian-12-unprivileged": ("debian-12", "ops"),
    "debian-11": ("debian-11", "root"),
    "debian-13": ("debian-13", "root"),
    "iot-backend": ("iot-backend", "root"),
    "flawed": ("debian-12", "root"),
    "hardened": ("debian-12", "root"),
    "minimal": ("minimal", None),
    "minimal-11": ("minimal-11", None),
    "minimal-13": ("minimal-13", None),
    "rpm-tree": ("rpm-tree", None),
    "arch-tree": ("arch-tree", None),
}

# Where revet is in the host: a tmpfs, so that what it is there to see stays as it was.
BUNDLE = "/run/revet-golden"
# Libraries that are loaded with dlopen().
LOADED = ["libsystemd.so.0", "liblz4.so.1", "libzstd.so.1", "liblzma.so.5", "libbz2.so.1.0"]


def needed(file):
    """What a program or library is linked with, as {name: path on this machine}."""
    done = subprocess.run(["ldd", file], capture_output=True, text=True, check=True)
    paths = [line.partition("=>")[2].split("(")[0].strip() or line.split()[0]
             for line in done.stdout.splitlines()]
    return {os.path.basename(path): os.path.realpath(path) for path in paths if path[0] == "/"}


def libraries():
    """All that revet needs, and the loader."""
    result = needed(REVET)
    cache = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in cache.splitlines():
        name = line.strip().partition(" ")[0]
        if name in LOADED and "x86-64" in line:
            path = line.rpartition("=> ")[2]
            result |= {name: os.path.realpath(path)} | needed(path)
    return result


class Bundle:
    """revet on a booted host, as one of its users, with libraries of its own: it runs on any
    release, and nothing of the host's is added to or replaced."""

    def __init__(self, host, user="root"):
        self.host = host
        self.user = user
        found = libraries()
        self.loader = next(name for name in found if name.startswith("ld-linux"))
        for name, path in found.items():
            host.put(path, f"{BUNDLE}/{name}", "755")
        host.put(REVET, f"{BUNDLE}/revet", "755")

    def run(self, *arguments, **kwargs):
        """revet as the user; subprocess.run's result."""
        become = [] if self.user == "root" else [
            "setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups",
            "--inh-caps=-all"]
        return self.host.exec(
            ["env", "REVET_RULES=/nonexistent", "NO_COLOR=1", *become, f"{BUNDLE}/{self.loader}",
             "--library-path", BUNDLE, f"{BUNDLE}/revet", *arguments], check=False, **kwargs)

    def record(self):
        """A recording as this user makes it, and the report of the same run."""
        directory = f"/tmp/revet-golden-{self.user}"
        ran = self.run("audit", "--profile", "strict", "--record", directory, "-f", "json")
        if ran.returncode not in (0, 2, 3):
            raise RuntimeError(f"{self.host.id}: exit {ran.returncode}: {ran.stderr}")
        text = self.host.exec(["cat", f"{directory}/recording"], text=False).stdout
        self.host.exec(["rm", "-r", directory])
        return text, ran.stdout


class Tree:
    """revet on a tree."""

    def __init__(self, root):
        self.root = str(root)

    def record(self):
        """As Bundle.record(), by whoever runs this."""
        with tempfile.TemporaryDirectory() as directory:
            argv = [str(REVET), "audit", "--profile", "strict", "--root", self.root, "--record", directory]
            ran = subprocess.run([*argv, "-f", "json"], capture_output=True, text=True,
                                 env=ENVIRONMENT)
            if ran.returncode not in (0, 2, 3):
                raise RuntimeError(f"{self.root}: exit {ran.returncode}: {ran.stderr}")
            return (Path(directory) / "recording").read_bytes(), ran.stdout


def neutral(text):
    """The recording without what is this machine's rather than the host's: a container sees the
    kernel that it runs on, with its release, build options and command line."""
    release = os.uname().release.encode()
    version = re.match(rb"[\d.]*\d", release).group()
    result = []
    for op, error, subject, data in entries(text)[1]:
        if subject == "/proc/cmdline":
            data = b"quiet\n"
        elif subject == "/proc/config.gz" and data:
            lines = gzip.decompress(data).splitlines(True)
            kept = [line for line in lines
                    if not re.match(rb"CONFIG_(LOCALVERSION|BUILD_SALT|CMDLINE)=", line)]
            data = gzip.compress(b"".join(kept), mtime=0)
        else:
            data = data.replace(release, version)
        if subject == "sysctl":
            data = re.sub(rb"(?m)^kernel/init_private_.*\n", b"", data)
        subject = subject.encode().replace(release, version).decode()
        result.append((op, error, subject, data))
    return joined(entries(text)[0], result)


# What the build of an image took over from the machine that built it.
OWN = {"etc/resolv.conf": "nameserver 192.0.2.53\n", "etc/hostname": None}


def settle(host):
    for path, content in OWN.items():
        file = host.root / path
        if file.is_file() and not file.is_symlink():
            file.write_text(content or f"{host.image.name}\n")


def run_script(host, script):
    host.net()
    with open(script) as text:
        ran = host.exec(["sh"], stdin=text)
    if ran.stdout or ran.stderr:
        print(f"{host.id}: {ran.stdout}{ran.stderr}", file=sys.stderr)


def record_one(name):
    image, user = HOSTS[name]
    script = HERE / f"{name}.sh"
    with Host.start(image, f"golden-{name}") as host:
        settle(host)
        if script.exists():
            run_script(host, script)
        reader = Bundle(host, user) if user else Tree(host.root)
        text = reader.record()[0]
    print(f"{name}: {len(text)} bytes recorded", file=sys.stderr, flush=True)
    return golden.as_metal(neutral(text)) if script.exists() else neutral(text)


def record(names):
    """Records hosts anew, in place of what is there of them."""
    recordings = golden.archive() if golden.ARCHIVE.exists() else {}
    recordings |= {name: record_one(name) for name in names}
    golden.write_archive({name: text for name, text in recordings.items() if name in HOSTS})
