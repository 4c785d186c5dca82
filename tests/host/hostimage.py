# SPDX-License-Identifier: Apache-2.0
"""Images of the test hosts: read a definition, build its tree once, keep it in a cache.

A definition is a file in images/: a head of `key: value` lines (an indented line continues the
one before), a line `---`, then a shell snippet that finishes the tree.

  kind:      host (boots), tree (is only looked at) or machine (boots from a disk, see vm.py)
  suite:     the Debian release that the tree starts from, or
  base:      the image that the tree starts as a copy of; with neither, the snippet makes it all
  like:      the image whose packages and snippet are used as well, on another release
  packages:  what to install

The snippet runs in the tree, as root, with sh -eu. Without a suite or base there is no tree to
run it in: it runs on this machine in an empty working directory and fills $TREE. In both cases
$ADMIN_KEY is the public half of the key that tests log in with.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("REVET_HOSTS", "/var/tmp/revet-hosts"))
INSTANCES = CACHE / "run"
KEYS = {"kind", "suite", "base", "like", "packages"}

# Part of every stamp: change it when the code below makes a different tree of the same definition.
BUILDER = "1"

# The disk of a machine, of which only what is written takes room. The partition table of its first
# sector is behind the code that starts it.
DISK_BYTES = 3 << 30
BOOT_CODE = 440

# Nothing started by a package's installation, and no question asked.
BEGIN = r"""
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
if [ "$KIND" = host ]; then
	echo "$NAME" >/etc/hostname
	printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost\n' "$NAME" >/etc/hosts
fi
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
if [ -n "$PACKAGES" ]; then
	apt-get -qq -o Acquire::Check-Valid-Until=false update
	apt-get -qq -y -o Dpkg::Options::=--force-unsafe-io --no-install-recommends install $PACKAGES
fi
"""

# What the build itself left behind, and what each instance must have of its own.
END = r"""
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
apt-get clean
find /var/log -type f -exec truncate -s 0 {} +
[ "$KIND" != host ] || : >/etc/machine-id
"""


class HostError(Exception):
    """What went wrong with a test host, in words for the person who runs the tests."""


def run(argv, **kwargs):
    """A command of this machine; a failure is an error that shows what it said."""
    done = subprocess.run([str(a) for a in argv], text=True, capture_output=True, **kwargs)
    if done.returncode:
        raise HostError(f"{argv[0]}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def refuse_without_packages():
    """Says which Debian packages this machine lacks to build and start hosts."""
    wanted = (HERE / "packages").read_text().split()
    query = subprocess.run(["dpkg-query", "-Wf", "${db:Status-Abbrev} ${Package}\n", *wanted],
                           text=True, capture_output=True)
    have = {line.split()[1] for line in query.stdout.splitlines() if line.startswith("ii")}
    missing = [package for package in wanted if package not in have]
    if missing:
        raise HostError("missing Debian packages: apt-get install --no-install-recommends "
                        + " ".join(missing))


@contextlib.contextmanager
def locked(path):
    """One builder of an image at a time, whichever process it is in.

    The commands of a build inherit the lock: one that outlives a killed build still holds it.
    """
    # Set-uid programs and keys lie below, and are nobody else's to run or read.
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def names():
    return sorted(path.name for path in (HERE / "images").iterdir())


class Image:
    """One definition and, once built, its tree. Nobody writes there: instances are overlays."""

    def __init__(self, name):
        if name not in names():
            raise HostError(f"no test host {name}: there are {', '.join(names())}")
        self.name = name
        self.dir = CACHE / name
        self.tree = self.dir / "tree"
        self.key = self.dir / "admin.key"
        fields, self.setup = self._read((HERE / "images" / name).read_text())
        model = Image(fields["like"]) if "like" in fields else None
        self.kind = fields.get("kind", "host")
        self.suite = fields.get("suite")
        self.base = Image(fields["base"]) if "base" in fields else None
        self.packages = fields.get("packages", "").split()
        if model:
            self.packages = model.packages + self.packages
            self.setup = model.setup + self.setup

    def _read(self, text):
        head, _, setup = text.partition("\n---\n")
        fields, key = {}, None
        for line in head.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line[0].isspace() and key:
                fields[key] += " " + line.strip()
                continue
            key, colon, value = line.partition(":")
            if not colon or key not in KEYS or key in fields:
                raise HostError(f"images/{self.name}: not one of {sorted(KEYS)}: {line}")
            fields[key] = value.strip()
        return fields, setup

    @property
    def stamp(self):
        """Names the tree that the definition asks for; differs when anything in it does."""
        base = self.base.stamp if self.base else ""
        what = [BUILDER, BEGIN, END, self.kind, str(self.suite), base, *self.packages, self.setup]
        return hashlib.sha256("\0".join(what).encode()).hexdigest()

    @property
    def is_built(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.dir / "stamp").read_text() == self.stamp
        return False

    def build(self):
        """Makes the tree unless it is there. True when it was made."""
        if self.base:
            self.base.build()
        with locked(CACHE / f"{self.name}.lock") as self._lock:
            if self.is_built:
                return False
            refuse_without_packages()
            self._refuse_when_in_use()
            began = time.monotonic()
            work = CACHE / f"{self.name}.new"
            remove(work)
            work.mkdir()
            with open(CACHE / f"{self.name}.log", "w") as log:
                self._make_key(work)
                self._make_tree(work, log)
                if self.kind == "machine":
                    self._make_disk(work, log)
            (work / "stamp").write_text(self.stamp)
            self._replace(work)
            took = time.monotonic() - began
            print(f"{self.name}: built in {took:.0f} s", file=sys.stderr, flush=True)
            return True

    def _replace(self, work):
        old = CACHE / f"{self.name}.old"
        remove(old)
        if self.dir.exists():
            self.dir.rename(old)
        work.rename(self.dir)
        remove(old)

    def _refuse_when_in_use(self):
        users = [path.parent.name for path in INSTANCES.glob("*/state.json")
                 if f'"image": "{self.name}"' in path.read_text()]
        if users:
            raise HostError(f"{self.name} has changed and must be built again, but "
                            f"{' '.join(users)} runs on it: tests/host/hosts stop {users[0]}")

    def _make_key(self, work):
        """A derived image lets in the key of its base, whose accounts it has."""
        key = work / "admin.key"
        if self.base:
            shutil.copy2(self.base.key, key)
            shutil.copy2(f"{self.base.key}.pub", f"{key}.pub")
        else:
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"admin@{self.name}",
                 "-f", key])

    def _make_tree(self, work, log):
        tree = work / "tree"
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "NAME": self.name,
               "KIND": "tree" if self.kind == "tree" else "host", "PACKAGES": "", "TREE": str(tree),
               "ADMIN_KEY": (work / "admin.key.pub").read_text().strip()}
        if self.base:
            self._logged(log, ["cp", "-a", "--reflink=auto", self.base.tree, tree], env)
            env["PACKAGES"] = " ".join(self.packages)
        elif self.suite:
            include = ["--include=" + ",".join(self.packages)] if self.packages else []
            self._logged(log, ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
                               *include, "--aptopt=Acquire::Check-Valid-Until false",
                               "--dpkgopt=force-unsafe-io", self.suite, tree], env)
        else:
            tree.mkdir()
            with tempfile.TemporaryDirectory(prefix="revet-hosts-") as scratch:
                self._logged(log, ["sh", "-eu"], env | {"HOME": scratch}, self.setup, scratch)
            return
        setenv = [f"--setenv={key}={value}" for key, value in env.items() if key != "TREE"]
        self._logged(log, ["systemd-nspawn", "-q", "-D", tree, "--register=no", "--keep-unit",
                           "--as-pid2", f"--machine=build-{self.name}", "--resolv-conf=bind-host",
                           "--link-journal=no", "--pipe", *setenv, "--", "sh", "-eu"],
                     env, BEGIN + self.setup + END)

    def _make_disk(self, work, log):
        """A disk that boots: GRUB's two parts in front, and the tree in the one partition."""
        disk, grub = work / "disk", work / "tree/boot/grub"
        start = 1 << 20
        table = f"label: dos\nstart={start // 512}, type=83, bootable\n"
        disk.touch()
        os.truncate(disk, DISK_BYTES)
        self._logged(log, ["sfdisk", "-q", disk], None, table)
        self._logged(log, ["mke2fs", "-q", "-F", "-t", "ext4", "-d", work / "tree", "-E", f"offset={start}",
                           disk, f"{(DISK_BYTES - start) >> 10}K"], None)
        with open(disk, "r+b") as file:
            file.write((grub / "i386-pc/boot.img").read_bytes()[:BOOT_CODE])
            file.seek(512)
            file.write((grub / "core.img").read_bytes())

    def _logged(self, log, argv, env, script=None, cwd=None):
        done = subprocess.run([str(a) for a in argv], input=script, text=True, stdout=log,
                              stderr=subprocess.STDOUT, env=env, cwd=cwd,
                              pass_fds=[self._lock.fileno()])
        if done.returncode:
            log.flush()
            tail = "".join(Path(log.name).read_text(errors="replace").splitlines(True)[-15:])
            raise HostError(f"building {self.name}: {argv[0]}: exit {done.returncode}; "
                            f"the end of {log.name}:\n{tail}")


def remove(path):
    """Removes a directory, never crossing into something mounted below it."""
    if path.exists():
        run(["rm", "-rf", "--one-file-system", path])


def build_all(wanted):
    """Builds images two at a time. A base is built by the first image that stands on it."""
    images = [Image(name) for name in wanted]
    bases = set()
    for image in images:
        base = image.base
        while base:
            bases.add(base.name)
            base = base.base
    tops = sorted((i for i in images if i.name not in bases), key=lambda i: i.base is None)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for result in [pool.submit(image.build) for image in tops]:
            result.result()
