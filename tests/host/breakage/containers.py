# SPDX-License-Identifier: Apache-2.0
"""How the rules of containers come to fail. No engine runs: containers are what Docker, Podman and LXC
would have written, as test_oracle_containers.py has them write it."""

HOST = "engines"

GOOD = r"""
cat >/usr/local/bin/container <<'EOF'
#!/bin/sh
# container NAME [MEMBERS OF hostconfig.json] [MEMBERS OF config.v2.json] [USER]
dir=/var/lib/docker/containers/$1
mkdir -p $dir
printf '{"Name":"/%s","State":{"Running":true},"Config":{"Image":"x","User":"%s"}%s}' \
    "$1" "${4-app}" "${3:+,$3}" >$dir/config.v2.json
printf '{"LogConfig":{},"RestartPolicy":{"Name":"no"},"Memory":%s,"PidsLimit":%s%s}' \
    "${MEMORY-67108864}" "${PIDS-50}" "${2:+,$2}" >$dir/hostconfig.json
EOF
cat >/usr/local/bin/podded <<'EOF'
#!/bin/sh
# podded NAME MEMBERS-OF-process NAMESPACES ANNOTATION: pid 1 is that of the container.
top=$1-containers/$1/userdata
mkdir -p /var/lib/containers/storage/$top /run/containers/storage/$top
echo 1 >/run/containers/storage/$top/pidfile
printf '[{"id":"%s","names":["%s"]}]' $1 $1 >/var/lib/containers/storage/$1-containers/containers.json
printf '{"process":{"user":{"uid":9}%s},"linux":{"seccomp":{},"resources":{"memory":{"limit":9999999},
"pids":{"limit":9}},"namespaces":[%s{"type":"ipc"},{"type":"uts"}]},"annotations":{%s}}' "${2:+,$2}" \
    "$3" "$4" >/var/lib/containers/storage/$top/config.json
EOF
cat >/usr/local/bin/say <<'EOF'
#!/bin/sh
# say KEY VALUE: in daemon.json, which has a line for each.
sed -i "/^\"$1\"/d; 1a \"$1\": $2," /etc/docker/daemon.json
EOF
cat >/usr/local/bin/option <<'EOF'
#!/bin/sh
# option WORD...: of the daemon, behind those that are there.
sed -i "s|'\$| $*'|" /etc/default/docker
EOF
chmod 755 /usr/local/bin/container /usr/local/bin/podded /usr/local/bin/say /usr/local/bin/option
put /etc/default/docker "DOCKER_OPTS=''"
put /etc/docker/daemon.json '{
"icc": false,
"userns-remap": "default",
"no-new-privileges": true,
"live-restore": true,
"log-opts": {"max-size": "10m"},
"debug": false
}'
put /etc/containers/policy.json '{"default": [{"type": "reject"}]}'
container good
podded fine '' '{"type":"pid"},{"type":"network"},' ''
mkdir -p /var/lib/lxc/good
put /var/lib/lxc/good/config 'lxc.idmap = u 0 100000 65536
lxc.start.auto = 1'
nft add table inet closed
nft 'add chain inet closed in { type filter hook input priority 0; policy drop; }'
nft add rule inet closed in ct state established,related accept
nft add rule inet closed in iif lo accept
"""

BOTH = '{"type":"pid"},{"type":"network"},'


def made(name, *ways, fine=()):
    """Containers of Docker's: members of hostconfig.json, of config.v2.json, and the user."""
    return {"bad": [f"container {name}{n} {way}" for n, way in enumerate(ways)],
            "fine": [f"container {name}{n} {way}" for n, way in enumerate(fine)]}


def mount(source, writable="true"):
    return ('\'\' \'"MountPoints":{"/x":{"Type":"bind","Source":"%s","Destination":"/x","RW":%s}}\''
            % (source, writable))


def port(address, number):
    return ('\'\' \'"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"%s","HostPort":"%s"}]}}\''
            % (address, number))


def podded(name, process="", namespaces=BOTH, annotation=""):
    return (f"podded {name} '{process}' '{namespaces}' '{annotation}'",
            f"rm -rf /run/containers/storage/{name}-containers")


RULES = {
    "containers.docker-tcp": {
        "bad": ["say hosts '[\"fd://\", \"tcp://127.0.0.1:2375\"]'", "option -H tcp://0.0.0.0:2375",
                "option --host=tcp://[::]:2376 --tls", "option -H localhost:2375",
                "put /etc/systemd/system/docker.socket.d/x.conf '[Socket]\nListenStream=2375'"],
        "fine": ["option -H tcp://0.0.0.0:2376 --tlsverify"]},
    "containers.podman-tcp": {
        "bad": [("podman system service -t 0 tcp:127.0.0.1:8881 >/dev/null 2>&1 </dev/null &\n"
                 "until ss -Hltn | grep -q :8881; do sleep 0.05; done", "end_all -f '^podman system'"),
                "put /etc/systemd/system/api.service '[Service]\n"
                "ExecStart=podman --log-level=info system service --time=0 tcp://localhost:8882\n"
                "[Install]\nWantedBy=multi-user.target'\nsystemctl -q enable api.service",
                ("put /etc/systemd/system/podman.socket.d/x.conf '[Socket]\nListenStream=8883'\n"
                 "systemctl daemon-reload; systemctl restart podman.socket",
                 "systemctl stop podman.socket; rm -r /etc/systemd/system/podman.socket.d; systemctl daemon-reload")],
        "fine": ["put /etc/systemd/system/off.service '[Service]\n"
                 "ExecStart=/usr/bin/podman system service tcp://localhost:8884'"]},
    "containers.docker-inter-container": {"bad": ["say icc true", "sed -i /icc/d /etc/docker/daemon.json"]},
    "containers.docker-user-namespaces": {"bad": ["sed -i /userns/d /etc/docker/daemon.json",
                                                  "say userns-remap '\"\"'"]},
    "containers.docker-no-new-privileges": {"bad": ["say no-new-privileges false"]},
    "containers.docker-live-restore": {"bad": ["say live-restore false"]},
    "containers.docker-log-size": {"bad": [
        "say log-opts '{\"max-file\": \"3\"}'", "say log-driver '\"json-file\"'; say log-opts '{}'"]},
    "containers.docker-weakened": {"bad": [
        "say seccomp-profile '\"unconfined\"'", "option --experimental",
        "option --default-ipc-mode host", "option --iptables=false"]},
    "containers.insecure-registry": {
        "bad": ["say insecure-registries '[\"registry.lan:5000\"]'", "option --insecure-registry 10.0.0.0/8",
                "put /etc/containers/registries.conf.d/x.conf "
                "'[[registry]]\nlocation = \"lan:5000\"\ninsecure = true # for now'"],
        "fine": ["say insecure-registries '[\"127.0.0.1:5000\"]'"]},
    "containers.unsigned-images": {"bad": [
        "put /etc/containers/policy.json '{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}'",
        "rm /etc/containers/policy.json",
        "put /root/.config/containers/policy.json '{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}'",
        "put /etc/containers/policy.json '{\"default\": [{\"type\": \"reject\"}], "
        "\"transports\": {\"docker\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]}}}'"]},
    "containers.short-names": {"bad": [
        "put /etc/containers/registries.conf "
        "'unqualified-search-registries = [\"a\", \"b\"]\nshort-name-mode = \"permissive\"'",
        "put /etc/containers/registries.conf.d/y.conf "
        "'unqualified-search-registries=[\"a\",\"b\"]\nshort-name-mode=\"disabled\"'"]},
    "containers.files": {"bad": [
        "chmod 775 /etc/docker", "chown ops /etc/docker", "chmod 777 /var/lib/docker",
        "chown ops /var/lib/lxc/good/config"]},
    "containers.privileged": {"bad": [
        "container privileged '\"Privileged\":true'",
        podded("privileged", annotation='"io.podman.annotations.privileged":"TRUE"')]},
    "containers.host-root": {"bad": [
        "put /var/lib/lxc/good/config 'lxc.start.auto = 1\n# lxc.idmap = u 0 100000 65536'",
        ("put /etc/systemd/nspawn/bad.nspawn '[Exec]\nPrivateUsers=no'\n"
         "mkdir -p /run/systemd/machines; touch /run/systemd/machines/bad", "rm /run/systemd/machines/bad")]},
    "containers.host-namespaces": {"bad": [
        podded("nopid", namespaces='{"type":"network"},'),
        *(f"container namespace '\"{mode}\":\"host\"'" for mode in ("PidMode", "IpcMode", "UTSMode"))]},
    "containers.host-network": {"bad": ["container network '\"NetworkMode\":\"host\"'",
                                        podded("nonet", namespaces='{"type":"pid"},')]},
    "containers.host-files-writable": made(
        "writable", mount("/"), mount("/usr/local/bin/"), mount("/var/lib/docker"), mount("/proc"),
        fine=[mount("/srv/data"), mount("/etc/localtime", "false")]),
    "containers.host-files-readable": made(
        "readable", mount("/", "false"), mount("/root", "false"), fine=[mount("/etc/localtime", "false")]),
    "containers.engine-socket": made(
        "socket", mount("/var/run/docker.sock"), mount("/run", "false"),
        mount("/run/containerd/containerd.sock", "false")),
    "containers.capabilities": {
        "bad": ["container admin '\"CapAdd\":[\"SYS_ADMIN\"]'", "container all '\"CapAdd\":[\"all\"]'",
                podded("bpf", '"capabilities":{"bounding":["CAP_CHOWN","CAP_BPF"]}')],
        "fine": ["container net '\"CapAdd\":[\"NET_ADMIN\"]'"]},
    "containers.root-inside": made("root", "'' '' ''", "'' '' 0:0", "'' '' root", fine=["'' '' 7"]),
    "containers.unconfined": made("unconfined", "'\"SecurityOpt\":[\"seccomp=unconfined\"]'",
                                  "'\"SecurityOpt\":[\"apparmor:unconfined\"]'"),
    "containers.no-limits": {"bad": ["MEMORY=0 container memory", "PIDS=null container pids"]},
    "containers.published-past-firewall": made(
        "port", port("0.0.0.0", 8080), port("::", 8080), port("10.0.0.1", 8080),
        fine=[port("127.0.0.1", 8080), port("0.0.0.0", 443)]),
}
