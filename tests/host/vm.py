# SPDX-License-Identifier: Apache-2.0
"""Test machines: what a container cannot do, a kernel and a disk of its own, emulated by QEMU.

    from vm import Machine

    with Machine.start("debian-12-vm") as vm:
        vm.put_program("build/revet", "/usr/local/bin/revet")
        vm.exec(["sysctl", "-n", "kernel.kptr_restrict"]).stdout
        vm.ssh(["id", "-un"])
        vm.reboot()
        vm.power_cut()
        vm.boot()
        with vm.disk() as root:
            (root / "etc/fstab").read_text()
        vm.freeze(directory)
        Machine.thaw(directory)

A machine is used like a Host of hostlib.py. It begins as a copy of one that has booted already: the
disk is a layer over that one's, its memory is read from a file. Without hardware that helps (nothing
here asks for KVM) it is some ten times slower than this machine; never measure in it.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from hostimage import CACHE, HostError, Image, locked, remove, run
from hostlib import (ENVIRONMENT, Host, Net, claim_directory, claim_namespace, identity, is_alive,
                     needed_libraries, wait_until)

BOOT_SECONDS = 900
ANSWER_SECONDS = 300
SLOWER = 30  # than a container, for which callers give their times, on a machine that is busy
START = 1 << 20  # of the partition, as in hostimage.py

HARDWARE = ["-machine", "pc", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,la57=off",
            "-smp", "2", "-m", "640", "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-device", "virtio-rng-pci"]

# The first boot: GRUB has no menu yet, which only a running system can write.
FIRST = "root=/dev/vda1 ro quiet net.ifnames=0 mitigations=off console=ttyS0"
PREPARE = ["update-grub"]

TEMPLATE = "1\0" + "\0".join([*HARDWARE, FIRST, *PREPARE])


class Talk:
    """Questions and answers, a line of JSON each: QEMU's monitor, and the agent in the machine."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_SECONDS)
        # QEMU makes the socket before it listens.
        wait_until(lambda: self.socket.connect_ex(str(path)) == 0, 20)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        line = self.file.readline()
        if not line:
            raise HostError("the machine has gone")
        return json.loads(line.lstrip(b"\xff"))

    def call(self, command, **arguments):
        with self.lock:
            self.send({"execute": command, "arguments": arguments})
            while "return" not in (answer := self.read()):
                if "error" in answer:
                    raise HostError(f"{command}: {answer['error']['desc']}")
        return answer["return"]


class Monitor(Talk):
    def __init__(self, path):
        super().__init__(path)
        self.read()
        self.call("qmp_capabilities")

    def save(self, file):
        """The machine's memory and devices, as they are; it stands still from here on."""
        self.call("stop")
        self.call("migrate", uri=f"exec:cat >{file}")
        while (status := self.call("query-migrate")["status"]) != "completed":
            if status == "failed":
                raise HostError(f"{file}: the machine cannot be saved")
            time.sleep(0.02)


    def has_woken(self):
        """It was saved standing still, and does that again when all is read."""
        status = self.call("query-status")
        if status["status"] == "paused":
            self.call("cont")
        return status["running"]


class Agent(Talk):
    """qemu-guest-agent. It answers when the machine has come far enough."""

    def __init__(self, path, seconds):
        super().__init__(path)
        number = secrets.randbelow(1 << 30)
        self.socket.settimeout(seconds)
        self.socket.sendall(b"\xff")
        self.send({"execute": "guest-sync-delimited", "arguments": {"id": number}})
        while self.read() != {"return": number}:
            pass
        self.socket.settimeout(ANSWER_SECONDS)


class Machine(Host):
    """One machine. Machine(ID) is one that runs; Machine.start() makes one."""

    def __init__(self, ident):
        super().__init__(ident)
        self.root = None  # see disk()
        self._agent = None

    # --- making one ---

    @classmethod
    def start(cls, name, ident=None):
        """A new machine of an image, up and ready; makes the image and its first boot if it has to."""
        image = Image(name)
        image.build()
        return cls.thaw(cls._template(image), ident)

    @classmethod
    def thaw(cls, frozen, ident=None):
        """A new machine that goes on where the one that was frozen stood still."""
        image = json.loads((Path(frozen) / "state.json").read_text())["image"]
        vm = cls._make(image, ident, Path(frozen) / "disk", "qcow2")
        try:
            vm._launch(["-incoming", f"exec:cat {frozen}/memory"])
            monitor = Monitor(vm.dir / "monitor")
            if not wait_until(monitor.has_woken, ANSWER_SECONDS):
                raise HostError(f"{vm.id} does not wake up")
            monitor.close()
            vm.agent.call("guest-set-time", time=time.time_ns())
        except BaseException:
            vm.stop()
            raise
        return vm

    @classmethod
    def _make(cls, image, ident, disk, form):
        """The directory of a machine, its disk and its wire."""
        path = claim_directory(image, ident)
        (path / "state.json").write_text(json.dumps({"image": image}))
        vm = cls(path.name)
        try:
            run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", form, "-b", disk, path / "disk"])
            vm._wire()
        except BaseException:
            vm.stop()
            raise
        return vm

    @classmethod
    def _template(cls, image):
        """A machine of the image that has booted, frozen. Made once for each image."""
        directory = image.dir / "template"
        stamp = hashlib.sha256(TEMPLATE.encode()).hexdigest()
        with locked(CACHE / f"{image.name}.lock"):
            with contextlib.suppress(FileNotFoundError):
                if (directory / "stamp").read_text() == stamp:
                    return directory
            work = image.dir / "template.new"
            for path in (work, directory):
                remove(path)
            work.mkdir()
            cls._first_boot(image, work)
            (work / "stamp").write_text(stamp)
            work.rename(directory)
        return directory

    @classmethod
    def _first_boot(cls, image, work):
        kernel = next((image.tree / "boot").glob("vmlinuz-*"))
        initrd = next((image.tree / "boot").glob("initrd.img-*"))
        with cls._make(image.name, None, image.dir / "disk", "raw") as vm:
            vm._launch(["-kernel", kernel, "-initrd", initrd, "-append", FIRST])
            vm._wait()
            vm.exec(PREPARE)
            vm.reboot()
            # On a busy machine the boot may not have waited long enough for the device.
            vm.exec(["systemctl", "start", "wire.service"])
            vm.freeze(work)

    def freeze(self, directory):
        """Keeps the machine as it is now, for any number of others to go on from; this one stops."""
        self._disconnect()
        monitor = Monitor(self.dir / "monitor")
        monitor.save(Path(directory) / "memory")
        monitor.close()
        self.power_cut()
        shutil.move(self.dir / "disk", Path(directory) / "disk")
        shutil.copy2(self.dir / "state.json", directory)

    # --- use ---

    def exec(self, command, check=True, **kwargs):
        """Runs a command in the machine, as root and outside of any session: a subset of
        subprocess.run's arguments, its result."""
        text = kwargs.get("text", True)
        pid = self.begin(command, kwargs.get("input", kwargs.get("stdin")))
        done = self.result(pid, SLOWER * kwargs.get("timeout", 60))
        out, err = (base64.b64decode(done.get(name, "")) for name in ("out-data", "err-data"))
        if text:
            out, err = out.decode(errors="replace"), err.decode(errors="replace")
        code = done["exitcode"] if "exitcode" in done else -done["signal"]
        if check and code:
            raise HostError(f"{self.id}: {command}: exit {code}: {err}")
        return subprocess.CompletedProcess(command, code, out, err)

    def begin(self, command, given=None):
        """Starts a command; its pid in the machine."""
        given = given.read() if hasattr(given, "read") else given
        arguments = {"path": str(command[0]), "arg": [str(a) for a in command[1:]],
                     "env": [f"{k}={v}" for k, v in ENVIRONMENT.items()], "capture-output": True}
        if given and given is not subprocess.DEVNULL:
            given = given.encode() if isinstance(given, str) else given
            arguments["input-data"] = base64.b64encode(given).decode()
        return self.agent.call("guest-exec", **arguments)["pid"]

    def result(self, pid, seconds):
        """What came of a command that was begun, once it has ended."""
        end, pause = time.monotonic() + seconds, 0.02
        while not (done := self.agent.call("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(pid), seconds)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)
        return done

    def put_program(self, file, dest):
        """Copies a program of this machine, and those of its libraries that the machine lacks."""
        self.put(file, dest)
        libraries = needed_libraries(file)
        there = self.exec(["ls", "-d", *libraries], check=False).stdout.split()
        for library in libraries - set(there):
            self.put(os.path.realpath(library), library)
        self.exec([dest, "--version"])

    def net(self):
        return Net(self.state["namespace"], "10.99.0.2", "10.99.0.1", None, None)

    def _wire(self):
        """A namespace of its own, in which QEMU runs and has one end of the wire."""
        name = f"revet-{claim_namespace()}"
        self._save(namespace=name)
        ip = ["ip", "-n", name]
        run([*ip, "link", "set", "lo", "up"])
        run([*ip, "tuntap", "add", "wire", "mode", "tap"])
        run([*ip, "addr", "add", "10.99.0.1/24", "dev", "wire"])
        run([*ip, "link", "set", "wire", "up"])

    @contextlib.contextmanager
    def disk(self):
        """What the disk holds now, mounted to be read: the system stands still meanwhile, or is off."""
        runs = self.is_running
        if runs:
            self.exec(["sync"])
            self.agent.call("guest-fsfreeze-freeze")
        with tempfile.TemporaryDirectory(dir=self.dir) as top:
            raw, root = Path(top) / "raw", Path(top) / "root"
            root.mkdir()
            try:
                run(["qemu-img", "convert", "-U", "-O", "raw", self.dir / "disk", raw])
            finally:
                if runs:
                    self.agent.call("guest-fsfreeze-thaw")
            run(["mount", "-o", f"loop,offset={START}", raw, root])
            try:
                yield root
            finally:
                # Whoever walks all of the machine just now, as an audit of it does, holds it for a moment.
                wait_until(lambda: subprocess.run(["umount", root], capture_output=True).returncode == 0, 30)

    # --- up and down ---

    @property
    def is_running(self):
        return is_alive(self.state.get("qemu"))

    def reboot(self, crash=False):
        """Down, in order or as when the power fails, and up again with what is on its disk."""
        if crash:
            self.power_cut()
        else:
            self.agent.send({"execute": "guest-shutdown", "arguments": {"mode": "reboot"}})
            if not wait_until(lambda: not self.is_running, BOOT_SECONDS):
                raise HostError(f"{self.id} does not go down: {self._console()}")
            self._gone()
        self.boot()

    def power_cut(self):
        """What the system has not written to its disk by now is lost."""
        if self.is_running:
            os.kill(self.state["qemu"][0], signal.SIGKILL)
            wait_until(lambda: not self.is_running, 10)
        self._gone()

    def _gone(self):
        if self._nspawn:
            self._nspawn.wait()
        self._disconnect()

    def boot(self):
        self._launch([])
        self._wait()

    def stop(self, crash=True):
        self.power_cut()
        if "namespace" in self.state:
            run(["ip", "netns", "del", self.state["namespace"]])
        remove(self.dir)

    def _launch(self, more):
        for name in ("monitor", "agent"):
            (self.dir / name).unlink(missing_ok=True)
        argv = ["ip", "netns", "exec", self.state["namespace"], "qemu-system-x86_64", *HARDWARE,
                "-drive", f"file={self.dir}/disk,if=none,id=disk,cache=writeback,discard=unmap",
                "-device", "virtio-blk-pci,drive=disk",
                "-netdev", "tap,id=wire,ifname=wire,script=no,downscript=no",
                "-device", "virtio-net-pci,netdev=wire,mac=52:54:00:00:00:02,romfile=",
                "-chardev", f"socket,id=agent,path={self.dir}/agent,server=on,wait=off",
                "-device", "virtio-serial-pci",
                "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
                "-chardev", f"file,id=console,path={self.dir}/console.log,append=on",
                "-serial", "chardev:console",
                "-qmp", f"unix:{self.dir}/monitor,server=on,wait=off", *more]
        with open(self.dir / "qemu.log", "a") as log:
            self._nspawn = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        self._save(qemu=identity(self._nspawn.pid))
        if not wait_until(lambda: (self.dir / "agent").exists() or not self.is_running, 20) \
                or not self.is_running:
            raise HostError(f"{self.id}: QEMU: {(self.dir / 'qemu.log').read_text()}")

    @property
    def agent(self):
        if not self.is_running:
            raise HostError(f"{self.id} is not running; its console: {self.dir}/console.log")
        if not self._agent:
            self._connect(ANSWER_SECONDS)
        return self._agent

    def _connect(self, seconds):
        self._agent = Agent(self.dir / "agent", seconds)

    def _disconnect(self):
        if self._agent:
            self._agent.close()
            self._agent = None

    def _wait(self):
        """Until systemd has no job left and no unit has failed."""
        try:
            self._connect(BOOT_SECONDS)
        except TimeoutError:
            raise HostError(f"{self.id} did not boot: {self._console()}") from None
        self._wait_for_units(BOOT_SECONDS)
