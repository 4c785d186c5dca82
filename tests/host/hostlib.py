# SPDX-License-Identifier: Apache-2.0
"""Test hosts: real Debian systems, booted in under a second and thrown away.

    from hostlib import Host

    with Host.start("iot-backend") as host:
        host.put("build/revet", "/usr/local/bin/revet")
        listeners = host.exec(["ss", "-Hltn"]).stdout
        host.net()
        me = host.ssh(["id", "-un"]).stdout

An instance is an overlay over the tree of an image, in a tmpfs of its own, booted by
systemd-nspawn without a network; or a copy of the tree on the disk, where it is measured what a file
costs. What it writes is gone when it stops. Needs root.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections import namedtuple
from pathlib import Path

from hostimage import CACHE, INSTANCES, HostError, Image, run

BOOT_SECONDS = 60
POWEROFF_SECONDS = 10
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash",
               "LANG": "C.UTF-8", "TERM": "dumb"}

# systemd's pid 1 begins an orderly power-off when it gets this one.
SIGNAL_POWEROFF = signal.SIGRTMIN + 4

# The bit numbers are from linux/capability.h, in their order.
CAPABILITIES = """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
    linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module
    sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
    sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore""".split()

# What revet loads when a table needs it; another release's would not fit our C library. PAM's modules,
# which are the release's own, need what is part of ours since.
LOADED_LATER = [f"/usr/lib/x86_64-linux-gnu/lib{name}" for name in (
    "systemd.so.0", "sqlite3.so.0", "zstd.so.1", "archive.so.13", "pam.so.0",
    "dl.so.2", "pthread.so.0", "rt.so.1")]

# namespace: where the peer end is. host and peer are the two ends' addresses.
Net = namedtuple("Net", "namespace host peer host6 peer6")


def process(pid):
    """What /proc/PID/stat says of a process; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = stat.rpartition(") ")
    fields = tail.split()
    return {"comm": head.partition("(")[2], "state": fields[0], "start": fields[19]}


def identity(pid):
    """A process beyond its number, which the kernel may give to another later."""
    return [pid, process(pid)["start"]]


def is_alive(who):
    now = process(who[0]) if who else None
    return bool(now and now["start"] == who[1] and now["state"] != "Z")


def wait_until(condition, seconds):
    """The first true value of the condition, or what it last was when the time is over."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def moved(before, after):
    """What differs between two looks at a tree, or at anything else by name: as it was, and as it is."""
    return {name: (before.get(name), after.get(name))
            for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def needed_libraries(file):
    """Paths of the libraries that a program or library of this machine needs, the loader too."""
    listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
    return {word for word in listed.split() if word.startswith("/")}


def instances():
    return sorted(path.parent.name for path in INSTANCES.glob("*/state.json"))


def make_cgroups(ident):
    """A control group of its own in each hierarchy of this machine.

    Hosts that share one would make, empty and remove each other's groups of the same name. It is
    the same path in each, because nspawn carries the path of one over to the others.
    """
    name = f"revet-{ident}-{secrets.token_hex(4)}"
    roots = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")]
    groups = [root / name for root in roots if (root / "cgroup.procs").exists()]
    for group in groups:
        group.mkdir()
        # In the first version it holds no process before it has these.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (group.parent / file).exists():
                (group / file).write_text((group.parent / file).read_text())
    return [str(group) for group in groups]


def remove_cgroups(tops):
    """True when they are gone; a group stays while a process of it has not finished dying."""
    for top in tops:
        for path, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(path)
    return not any(os.path.exists(top) for top in tops)


def claim_directory(image, ident=None):
    """Makes the directory of a new instance, named after it."""
    ident = ident or f"{image}-{secrets.token_hex(4)}"
    path = INSTANCES / ident
    INSTANCES.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        raise HostError(f"{ident} runs already: tests/host/hosts stop {ident}") from None
    return path


def claim_namespace():
    """Makes the first network namespace revet-N that nobody has; N."""
    for number in range(1, 255):
        argv = ["ip", "netns", "add", f"revet-{number}"]
        if subprocess.run(argv, capture_output=True).returncode == 0:
            return number
    raise HostError("no free network namespace from revet-1 to revet-254")


def discard(path):
    """Removes an instance's directory. Lazily unmounted: a command that still runs in the
    instance keeps its tree, and only that, alive."""
    for mounted in (path / "root", path):
        if os.path.ismount(mounted):
            run(["umount", "-l", mounted])
    path.rmdir()
    if copy_of(path.name).exists():
        run(["rm", "-rf", "--one-file-system", copy_of(path.name)])


def copy_of(ident):
    """Where the tree of an instance on the disk is."""
    return CACHE / "copies" / ident


class Host:
    """One instance. Host(ID) is one that runs; Host.start() makes one."""

    def __init__(self, ident):
        self.id = ident
        self.dir = INSTANCES / ident
        self.root = self.dir / "root"
        self._nspawn = None
        try:
            self.state = json.loads((self.dir / "state.json").read_text())
        except FileNotFoundError:
            there = ", ".join(instances()) or "none"
            raise HostError(f"no instance {ident}: there are {there}") from None
        self.image = Image(self.state["image"])

    @classmethod
    def start(cls, name, ident=None, on_disk=False):
        """A new instance of an image, up and ready; builds the image first if it has to.

        A tree gets its overlay too (host.root) but is not booted. on_disk: a copy instead.
        """
        image = Image(name)
        image.build()
        path = claim_directory(name, ident)
        host = None
        try:
            run(["mount", "-t", "tmpfs", "-o", "mode=755", "revet-host", path])
            (path / "state.json").write_text(json.dumps({"image": name}))
            host = cls(path.name)
            host._mount(on_disk)
            host._save(cgroups=make_cgroups(host.id))
            if image.kind == "host":
                host._boot()
        except BaseException:
            if host:
                host.stop(crash=True)
            else:
                discard(path)
            raise
        return host

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(crash=True)

    # --- use ---

    @property
    def leader(self):
        """Its pid 1, as this machine numbers it."""
        if self.image.kind == "tree":
            raise HostError(f"{self.id} is a tree, which is not booted; it is in {self.root}")
        if not is_alive(self.state.get("leader")):
            raise HostError(f"{self.id} is not running; its console: {self.dir}/console.log")
        return self.state["leader"][0]

    def argv(self, command):
        """The command as this machine has to start it. Its environment is to be ENVIRONMENT.

        It gets the capabilities that processes of the host have, not all that root has here.
        """
        namespaces = ["-m", "-u", "-i", "-n", "-p", "-C"]
        return [*self._enter(namespaces, f"--bounding-set={self.state['drop']}"),
                *(str(a) for a in command)]

    def _enter(self, namespaces, *setpriv):
        return ["setpriv", *setpriv, "nsenter", "-t", str(self.leader), *namespaces, "--"]

    def exec(self, command, check=True, **kwargs):
        """Runs a command in the host; subprocess.run's arguments and result, as text by default."""
        kwargs = {"text": True, "env": ENVIRONMENT, "umask": 0o022} | kwargs
        if not {"stdout", "stderr", "capture_output"} & kwargs.keys():
            kwargs["capture_output"] = True
        if not {"stdin", "input"} & kwargs.keys():
            kwargs["stdin"] = subprocess.DEVNULL
        done = subprocess.run(self.argv(command), **kwargs)
        if check and done.returncode:
            raise HostError(f"{self.id}: {command}: exit {done.returncode}: {done.stderr}")
        return done

    def put(self, file, dest, mode=None):
        """Copies a file of this machine to the path dest in the host."""
        mode = mode or f"{os.stat(file).st_mode & 0o7777:o}"
        with open(file, "rb") as source:
            self.exec(["install", "-D", "-m", mode, "/dev/stdin", dest], stdin=source)

    def put_program(self, file, dest):
        """Copies a program of this machine, and those of its libraries that the host lacks.

        On a host whose C library is too old for it, all its libraries come along, in a directory of
        their own, and dest is a script that starts it with them.
        """
        libraries = needed_libraries(file)
        there = self.exec(["ls", "-d", *libraries], check=False).stdout.split()
        self.put(file, dest)
        for library in libraries - set(there):
            self.put(os.path.realpath(library), library)
        if self.exec([dest, "version"], check=False).returncode == 0:
            return
        for library in LOADED_LATER:
            libraries |= {library} | needed_libraries(library) if os.path.exists(library) else set()
        private = f"/opt/{os.path.basename(dest)}-libraries"
        for library in (file, *libraries):
            self.put(os.path.realpath(library), f"{private}/{os.path.basename(library)}")
        loader = next(lib for lib in libraries if "/ld-linux" in lib)
        start = f"{private}/{os.path.basename(loader)} --library-path {private}"
        script = f'#!/bin/sh\nexec {start} {private}/{os.path.basename(file)} "$@"\n'
        self.exec(["install", "-m", "755", "/dev/stdin", dest], input=script)
        self.exec([dest, "version"])

    def outside(self, command, **kwargs):
        """Runs a command of this machine in the network namespace at the other end of the wire."""
        kwargs = {"text": True, "capture_output": True, "stdin": subprocess.DEVNULL} | kwargs
        argv = ["ip", "netns", "exec", self.net().namespace, *(str(a) for a in command)]
        return subprocess.run(argv, **kwargs)

    def ssh(self, command, user="ops", **kwargs):
        """Logs in from outside with the administrator's key."""
        options = ["-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oLogLevel=ERROR",
                   "-oUserKnownHostsFile=/dev/null", "-oIdentitiesOnly=yes", "-oConnectTimeout=10"]
        return self.outside(["ssh", "-F", "none", "-i", self.image.key, *options,
                             f"{user}@{self.net().host}", "--", *command], **kwargs)

    def reboot(self, crash=False):
        """Down, in order or as when the power fails, and up again with what is on its disk."""
        self._down(crash)
        self._boot()

    def stop(self, crash=False):
        """Down and removed. crash: without the orderly part, for what nobody looks at again."""
        self._down(crash)
        net = self.state.get("net")
        if net:
            run(["ip", "netns", "del", net[0]])
        wait_until(lambda: remove_cgroups(self.state.get("cgroups", [])), 2)
        discard(self.dir)

    # --- network ---

    def net(self):
        """Wires the host to a new network namespace, once. Nothing of this machine's is touched:
        both ends are made inside the namespaces that they stay in."""
        if "net" not in self.state:
            number = claim_namespace()
            self._save(net=[f"revet-{number}", f"10.99.{number}.2", f"10.99.{number}.1",
                            f"fd00:99:{number}::2", f"fd00:99:{number}::1"])
            self._wire()
        return Net(*self.state["net"])

    def _wire(self):
        net = Net(*self.state["net"])
        outside = ["ip", "-n", net.namespace]
        inside = [*self._enter(["-n"]), "ip"]
        run([*outside, "link", "set", "lo", "up"])
        run([*outside, "link", "add", "eth0", "type", "veth",
             "peer", "name", "eth0", "netns", self.leader])
        for ip, v4, v6 in ((outside, net.peer, net.peer6), (inside, net.host, net.host6)):
            run([*ip, "addr", "add", f"{v4}/24", "dev", "eth0"])
            run([*ip, "addr", "add", f"{v6}/64", "dev", "eth0", "nodad"])
            run([*ip, "link", "set", "eth0", "up"])
        run([*inside, "route", "add", "default", "via", net.peer])
        run([*inside, "-6", "route", "add", "default", "via", net.peer6])

    # --- up and down ---

    def _save(self, **changes):
        self.state |= changes
        new = self.dir / "state.new"
        new.write_text(json.dumps(self.state))
        new.rename(self.dir / "state.json")

    def _mount(self, on_disk):
        if on_disk:
            copy = copy_of(self.id)
            copy.parent.mkdir(exist_ok=True)
            run(["cp", "-a", "--reflink=auto", self.image.tree, copy])
            self.root.mkdir()
            run(["mount", "--bind", copy, self.root])
            return
        for name in ("upper", "work", "root"):
            (self.dir / name).mkdir()
        layers = f"lowerdir={self.image.tree},upperdir={self.dir}/upper,workdir={self.dir}/work"
        run(["mount", "-t", "overlay", "-o", layers, f"revet-{self.id}", self.root])

    def _boot(self):
        join = 'for group in $1; do echo $$ >"$group/cgroup.procs"; done; shift; exec "$@"'
        with open(self.dir / "console.log", "a") as log:
            self._nspawn = subprocess.Popen(
                ["sh", "-ec", join, "sh", " ".join(self.state["cgroups"]),
                 "systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit",
                 "--private-network", "--link-journal=no", "--console=passive",
                 f"--machine={self.id}", f"--hostname={self.image.name}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT,
                start_new_session=True)
        self._save(nspawn=identity(self._nspawn.pid))
        end = time.monotonic() + BOOT_SECONDS
        leader = wait_until(self._find_leader, BOOT_SECONDS)
        if not leader:
            raise HostError(f"{self.id} did not boot: {self._console()}")
        self._save(leader=identity(leader), drop=self._dropped(leader))
        self._wait_for_units(end - time.monotonic())
        if "net" in self.state:
            self._wire()

    def _find_leader(self):
        """The child of nspawn that is pid 1 of a namespace and has become systemd."""
        if not is_alive(self.state["nspawn"]):
            raise HostError(f"{self.id} did not boot: {self._console()}")
        pid = self.state["nspawn"][0]
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                status = Path(f"/proc/{child}/status").read_text()
                numbers = status.partition("NSpid:")[2].partition("\n")[0].split()
                if status.startswith("Name:\tsystemd\n") and numbers[-1] == "1":
                    return int(child)
        return None

    def _console(self):
        return (self.dir / "console.log").read_text(errors="replace").strip()

    @staticmethod
    def _dropped(leader):
        """What setpriv takes away so that a command has the leader's bounding set."""
        status = Path(f"/proc/{leader}/status").read_text()
        kept = int(status.partition("CapBnd:")[2].split()[0], 16)
        return ",".join(f"-{name}" for bit, name in enumerate(CAPABILITIES) if not kept >> bit & 1)

    def _wait_for_units(self, seconds):
        state = wait_until(self._settled, seconds)
        if state != "running":
            failed = self.exec(["systemctl", "--no-pager", "list-units", "--failed"], check=False)
            jobs = self.exec(["systemctl", "--no-pager", "list-jobs"], check=False)
            raise HostError(f"{self.id} is {state or 'not ready'}, not running\n"
                            f"{failed.stdout}\n{jobs.stdout}")

    def _settled(self):
        """The system's state once no start job is left; None while it boots."""
        state = self.exec(["systemctl", "is-system-running"], check=False).stdout.strip()
        return state if state in ("running", "degraded", "maintenance") else None

    def _down(self, crash):
        leader, nspawn = self.state.get("leader"), self.state.get("nspawn")
        if is_alive(leader):
            if not crash:
                os.kill(leader[0], SIGNAL_POWEROFF)
                wait_until(lambda: not is_alive(leader), POWEROFF_SECONDS)
            if is_alive(leader):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(leader[0], signal.SIGKILL)
        if is_alive(nspawn):
            wait_until(lambda: not is_alive(nspawn), 2)
        if is_alive(nspawn):
            os.kill(nspawn[0], signal.SIGKILL)
            wait_until(lambda: not is_alive(nspawn), 2)
        if self._nspawn:
            self._nspawn.wait()
