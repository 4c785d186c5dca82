# SPDX-License-Identifier: Apache-2.0
"""Recorded hosts: replaying one, and what revet is expected to say of it.

What `revet audit --record` kept of the hosts is in one archive beside this file, what revet is to
say of a host in HOST/expected.*, one file for each output below. Nothing here needs root or a
container.
"""

import contextlib
import errno
import functools
import io
import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REVET = Path(os.environ.get("REVET", HERE.parent.parent / "build" / "revet"))

# No rules of this machine, no terminal, no locale but the one that an output is about.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "REVET_RULES": "/nonexistent", "REVET_SITE": "/nonexistent", "NO_COLOR": "1",
               "TERM": "dumb", "LC_ALL": "C.UTF-8"}

EXPLAINED = ("ssh.no-root-login", "accounts.only-root-uid-0", "fs.setuid-known",
             "listeners.database", "updates.end-of-life")
SHOWN = ("os", "users", "shadow", "sudoers", "sshd_config", "listeners", "mounts", "cron")


# One archive, because most of what hosts have is the same on many.
ARCHIVE = HERE / "recordings.tar.xz"

# Recorded hosts that are tested as_metal(), too. NAME: the host.
METAL = {"iot-backend-metal": "iot-backend"}
ABSENT = [("read", "/run/host/container-manager"), ("read", "/run/systemd/container"),
          ("stat", "/run/.containerenv"), ("stat", "/.dockerenv"), ("list", "/lib/modules")]

# The formats that every host has an expected.* of; of any other, these hosts have one, of a few rules.
EVERYWHERE = ("text", "ndjson")
SAMPLE = ("iot-backend",)
FEW = ("--family", "ssh", "--family", "listeners")


@functools.cache
def archive():
    """What is recorded: {host: the bytes of its recording}."""
    with tarfile.open(ARCHIVE) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def write_archive(recordings):
    """Takes the place of the archive; the same recordings make the same bytes."""
    with tarfile.open(ARCHIVE, "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as tar:
        for name, text in sorted(recordings.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    archive.cache_clear()


def hosts():
    return sorted([*archive(), *METAL])


def recording(host):
    """The bytes of a host's recording."""
    if host not in METAL:
        return archive()[host]
    return as_metal(archive()[METAL[host]])


def as_metal(text):
    """The recording without what tells that the host is a container, so that the rules about the
    kernel, the boot and the clock have their say as well."""
    head, found = entries(text)
    return joined(head, [entry for entry in found if (entry[0], entry[2]) not in ABSENT]
                  + [(op, errno.ENOENT, path, b"") for op, path in ABSENT])


def entries(text):
    """The head of a recording and its entries: (operation, errno, subject, data)."""
    head, _, rest = text.partition(b"\n\n")
    result = []
    while rest:
        line, _, rest = rest.partition(b"\n")
        op, error, length, subject = line.decode().split(" ")
        result.append((op, int(error), subject, rest[:int(length)]))
        rest = rest[int(length) + 1:]
    return head, result


def joined(head, found):
    """The recording that entries() took apart."""
    return head + b"\n\n" + b"".join(
        f"{op} {error} {len(data)} {subject}\n".encode() + data + b"\n"
        for op, error, subject, data in found)


@contextlib.contextmanager
def unpacked(*names):
    """A directory with the recordings as revet reads them: HOST/recording."""
    with tempfile.TemporaryDirectory(prefix="revet-golden-") as path:
        for name in names:
            (Path(path) / name).mkdir()
            (Path(path) / name / "recording").write_bytes(recording(name))
        yield Path(path)


@contextlib.contextmanager
def replaying(head, found):
    """A directory that is a recording of these entries; without any, of the text as it is."""
    with tempfile.TemporaryDirectory(prefix="revet-golden-") as path:
        (Path(path) / "recording").write_bytes(head if found is None else joined(head, found))
        yield Path(path)


def revet(*arguments, cwd=None, prefix=(), **environment):
    """Runs revet; a crash or a usage error, which no test expects, is an error here too."""
    done = subprocess.run([*prefix, str(REVET), *map(str, arguments)], cwd=cwd,
                          env=ENVIRONMENT | environment, capture_output=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode not in (0, 1, 2, 3, 77):
        raise RuntimeError(f"revet {' '.join(map(str, arguments))}: exit {done.returncode}: "
                           f"{done.stderr.decode(errors='replace')}")
    return done


def formats():
    """The report formats of this build, from what it says of one that does not exist."""
    done = subprocess.run([str(REVET), "audit", "-f", "?"], env=ENVIRONMENT, capture_output=True)
    words = re.search(r"there are:? (.*)", done.stderr.decode()).group(1)
    return re.split(r", | and |, and ", words.strip())


def tables():
    """The tables of this build."""
    done = subprocess.run([str(REVET), "table"], env=ENVIRONMENT, capture_output=True, check=True)
    return [line.split()[0].decode() for line in done.stdout.splitlines()]


def normalised(text):
    """Without what differs from run to run and from release to release: durations, our version."""
    text = re.sub(rb"\bin \d+\.\d+ s\b", b"in N s", text)
    text = re.sub(rb'("seconds"\s*:\s*)[\d.e+-]+', rb"\1N", text)
    text = re.sub(rb'(<testsuites [^>]* time=)"[\d.]+"', rb'\1"N"', text)
    text = re.sub(rb"(?m)^(revet_audit_duration_seconds) [\d.]+$", rb"\1 N", text)
    text = re.sub(rb'("(?:revet|semanticVersion)"\s*:\s*|revet_build_info\{version=)"[^"]*"',
                  rb'\1"VERSION"', text)
    return re.sub(rb"\brevet \d+\.\d+\.\d+\b", b"revet VERSION", text)


def said(done):
    """stdout; behind it what stderr had to say, and the exit code where it is no plain success."""
    text = normalised(done.stdout)
    if done.stderr:
        text += b"--- stderr\n" + done.stderr
    return text


def audit(host, kind, cwd, **environment):
    few = () if kind in EVERYWHERE else FEW
    done = revet("audit", "--root", host, "-f", kind, *few, cwd=cwd, **environment)
    return said(done) + b"".join([b"--- exit %d\n" % done.returncode] * (kind == "text"))


def explained(host, cwd):
    return b"".join(b"$ revet explain %s\n%s\n" % (rule.encode(), said(
        revet("explain", rule, "--root", host, cwd=cwd))) for rule in EXPLAINED)


def shown(host, cwd):
    return b"".join(b"$ revet table %s\n%s\n" % (name.encode(), said(
        revet("table", name, "--root", host, cwd=cwd))) for name in SHOWN)


def outputs(host):
    """Each output of the host that has an expected.NAME: NAME and the function of (host, directory)
    that makes it."""
    kinds = [kind for kind in formats() if kind in EVERYWHERE or host in SAMPLE]
    result = {kind: lambda host, cwd, kind=kind: audit(host, kind, cwd) for kind in kinds}
    if host in SAMPLE:
        result["text-ascii"] = lambda host, cwd: audit(host, "text", cwd, LC_ALL="C")
    result["explain"] = explained
    result["table"] = shown
    return result
