# SPDX-License-Identifier: Apache-2.0
"""containers, docker: against docker inspect, docker info and podman inspect.

Docker and Podman run containers here that differ in all that the table has. The container that they run
in allows no cgroups and no new keyring, so runc is crun without them, nothing can be privileged and run,
and limits of memory are in tests/tables. What the tables make of the files of LXC
and systemd-nspawn, and podman, of those that say where images come from, is in tests/tables.

hardware, disks, crypttab, usb, usbguard: no test host has any of it, nor has a program to ask about it.
"""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by

START = r"""
cat >/usr/local/sbin/runc <<'END'
#!/bin/bash
args=(--cgroup-manager=disabled)
for a; do case $a in
--systemd-cgroup) ;;
create) args+=(create --no-new-keyring) ;;
*) args+=("$a") ;;
esac; done
exec /usr/bin/crun "${args[@]}"
END
chmod 755 /usr/local/sbin/runc
mkdir -p /etc/docker /etc/systemd/system/docker.service.d /etc/systemd/system/containerd.service.d
cat >/etc/docker/daemon.json <<'END'
{"data-root": "/srv/docker", "live-restore": true, "log-opts": {"max-size": "10m"}, "bridge": "none", "iptables": false}
END
cat >/etc/systemd/system/docker.service.d/x.conf <<'END'
[Service]
Environment="DOCKER_OPTS=--no-new-privileges --insecure-registry=lan.example:5000 --insecure-registry 10.1.0.0/16"
ExecStart=
ExecStart=/usr/local/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
PrivateMounts=yes
END
for program in dockerd containerd; do
    printf '#!/bin/sh\nmount -t cgroup2 cgroup2 /sys/fs/cgroup\nexec %s "$@"\n' "$(command -v $program)" \
        >/usr/local/sbin/$program
    chmod 755 /usr/local/sbin/$program
done
echo >/etc/default/docker
printf '[Service]\nExecStartPre=\nPrivateMounts=yes\nExecStart=\nExecStart=/usr/local/sbin/containerd\n' \
    >/etc/systemd/system/containerd.service.d/x.conf
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
    >/etc/containers/storage.conf
systemctl daemon-reload
systemctl start docker.service
mkdir -p /srv/image/bin && cd /srv/image && cp /bin/busybox bin/ && ln -s busybox bin/sleep
tar -c . | docker import - bb:1
"""

DOCKER = {
    "plain": "",
    "user": "--user 1000:7 --read-only --cap-drop ALL --cap-add NET_ADMIN --cap-add sys_ptrace",
    "host": "--pid host --ipc host --uts host",
    "sees": "-v /:/host:ro -v /etc:/x -v /var/run/docker.sock:/run/docker.sock -v named:/data --tmpfs /t",
    "open": "--security-opt seccomp=unconfined --security-opt apparmor=unconfined --device /dev/null:/dev/n",
    "again": "--restart always --security-opt no-new-privileges=false",
}
PODMAN = {
    "plain": "",
    "user": "--user 1000 --read-only --cap-add SYS_PTRACE --security-opt no-new-privileges",
    "host": "--network host --ipc host --uts host -v /etc:/x -v /srv:/y:ro",
    "open": "--security-opt seccomp=unconfined --device /dev/null:/dev/n",
}
MADE = {
    "made": "--privileged --network host --pids-limit 9 --restart unless-stopped",
    "ports": "-p 8080:80 -p 127.0.0.1:81:81/udp -p 10.9.9.9:82:82",
}


class Containers(OnHost):
    image = "engines"

    @classmethod
    def prepare(cls):
        cls.sh(START)
        ways = [f"docker run -d --name {name} {options} bb:1 sleep 1000" for name, options in DOCKER.items()]
        ways += [f"docker create --name {name} {options} bb:1 sleep 1" for name, options in MADE.items()]
        ways += ["podman import - bb:1 < <(tar -C /srv/image -c .)"]
        ways += [f"podman run -d --cgroups=disabled --name {name} {options} bb:1 sleep 1000"
                 for name, options in PODMAN.items()]
        ways += ["podman stop -t 0 plain", "docker kill plain"]
        cls.sh("\n".join(ways))

    @classmethod
    def sh(cls, script):
        return cls.host.exec(["bash", "-euc", script]).stdout

    def inspect(self, engine):
        names = self.sh(f"{engine} ps -aq --no-trunc").split()
        return json.loads(self.sh(f"{engine} inspect {' '.join(names)}"))

    def rows(self, engine, *columns):
        rows = by([row for row in self.table("containers") if row["engine"] == engine], "name")
        return {name: {column: row.get(column) for column in columns} for name, row in rows.items()}

    def shared(self, process):
        """The namespaces that a process is in with pid 1; podman inspect is wrong about that of ipc."""
        return [name for name in ("pid", "net", "ipc", "uts")
                if process and self.out("readlink", f"/proc/{process}/ns/{name}") ==
                self.out("readlink", f"/proc/1/ns/{name}")]

    def test_docker(self):
        want = {}
        for one in self.inspect("docker"):
            config, its = one["HostConfig"], one["Config"]
            security = config["SecurityOpt"] or []
            mounts = [f"{m['Source']}:{m['Destination']}:{'rw' if m['RW'] else 'ro'}"
                      for m in one["Mounts"] if m["Type"] == "bind"]
            restart = config["RestartPolicy"]["Name"]
            want[one["Name"][1:]] = {
                "image": its["Image"], "running": one["State"]["Running"],
                "active": one["State"]["Running"] or restart in ("always", "unless-stopped"),
                "user": its["User"] or "root", "root_user": its["User"] == "",
                "privileged": config["Privileged"],
                "capabilities": [name.upper() for name in config["CapAdd"] or []],
                "host_namespaces": [short for short, mode in (
                    ("pid", "PidMode"), ("net", "NetworkMode"), ("ipc", "IpcMode"), ("uts", "UTSMode"))
                    if config[mode] == "host"],
                "mounts": sorted(mounts),
                "seccomp": "unconfined" if config["Privileged"] or "seccomp=unconfined" in security
                           else "default",
                "read_only": config["ReadonlyRootfs"], "restart": restart,
                "devices": [device["PathOnHost"] for device in config["Devices"] or []],
                "pids_limit": config["PidsLimit"] or None,
                # Of the daemon, but for what the container says itself.
                "no_new_privileges": "no-new-privileges=false" not in security,
            }
            bound = [(inside, at["HostIp"], at["HostPort"])
                     for inside, all_at in (config["PortBindings"] or {}).items() for at in all_at]
            want[one["Name"][1:]] |= {
                "published": sorted(f"{address}:{port}->{inside}" for inside, address, port in bound),
                "public_ports": sorted(f"{port}/{inside.partition('/')[2]}" for inside, address, port in bound
                                       if address != "127.0.0.1")}
        self.assertEqual(want.keys(), {*DOCKER, *MADE})
        got = self.rows("docker", *want["plain"])
        for row in got.values():
            for column in ("mounts", "published", "public_ports"):
                row[column].sort()
        self.same(got, want)
        judged = self.rows("docker", "host_writable", "host_readable", "engine_socket")
        self.assertEqual(judged["sees"], {"host_writable": ["/etc"], "host_readable": ["/"],
                                          "engine_socket": True})
        self.assertEqual(judged["plain"], {"host_writable": [], "host_readable": [], "engine_socket": False})

    def test_podman(self):
        want = {}
        for one in self.inspect("podman"):
            config = one["HostConfig"]
            want[one["Name"]] = {
                "image": one["ImageName"], "running": one["State"]["Running"],
                "active": one["State"]["Running"],
                "root_user": one["Config"]["User"] in ("", "0"), "privileged": config["Privileged"],
                "capabilities": [name.removeprefix("CAP_") for name in config["CapAdd"]],
                "host_namespaces": self.shared(one["State"]["Pid"]),
                "mounts": sorted(f"{m['Source']}:{m['Destination']}:{'rw' if m['RW'] else 'ro'}"
                                 for m in one["Mounts"]),
                "seccomp": "unconfined" if "seccomp=unconfined" in config["SecurityOpt"] else "default",
                "no_new_privileges": "no-new-privileges" in config["SecurityOpt"],
                "read_only": config["ReadonlyRootfs"],
                "devices": [device["PathOnHost"] for device in config["Devices"]],
            }
        got = self.rows("podman", *want["plain"])
        for row in got.values():
            row["mounts"].sort()
            # Inside it has another name, which is the one that the specification has.
            row["devices"] = [name.replace("/dev/n", "/dev/null") for name in row["devices"]]
        self.same(got, want)

    def test_settings(self):
        rows = {row["key"]: row["value"] for row in self.table("docker")}
        info = json.loads(self.sh("docker info -f '{{json .}}'"))
        self.assertEqual(rows["live-restore"], str(info["LiveRestoreEnabled"]).lower())
        self.assertEqual(rows["data-root"], info["DockerRootDir"])
        self.assertEqual(rows["no-new-privileges"], "true")
        registries = info["RegistryConfig"]
        said = {*registries["InsecureRegistryCIDRs"],
                *(name for name, at in registries["IndexConfigs"].items() if not at["Secure"])}
        self.assertEqual({*rows["insecure-registries"].split()}, said - {"127.0.0.0/8"})
        listening = re.findall(r"API listen on ([^\s\"]+)", self.sh("journalctl -u docker.service --no-pager"))
        self.assertEqual(listening, ["/run/docker.sock"])
        self.assertEqual(rows["hosts"], "fd://")
        made = json.loads(self.sh("docker inspect plain"))[0]["HostConfig"]["LogConfig"]["Config"]
        self.assertEqual(rows["log-opts.max-size"], made["max-size"])


if __name__ == "__main__":
    unittest.main()
