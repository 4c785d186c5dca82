# SPDX-License-Identifier: Apache-2.0
"""Who is connected and who has logged in, and what revet init makes of it on a backend in use.

    peers        ss, and /proc/net/nf_conntrack of a port that leads elsewhere
    logins       last, lastlog, journalctl, wtmpdb, lastlog2
    log_peers    no program tells: those who have come, and the lines of the logs
"""

import json
import re
import subprocess
import sys
import unittest

from hostlib import Host
from oracle import REVET, OnHost, by

PASSWORD = "revet-ops"
ADMIN, STRANGER, CLIENT = "203.0.113.5", "203.0.113.6", "203.0.113.7"
# A port that leads into a namespace of its own, as those of containers do, and a server of UDP.
BEHIND = """
    ip netns add behind
    ip link add inner type veth peer name eth0 netns behind
    ip addr add 10.77.0.1/24 dev inner; ip link set inner up
    ip -n behind addr add 10.77.0.2/24 dev eth0; ip -n behind link set eth0 up
    ip -n behind route add default via 10.77.0.1
    nft add table ip leads
    nft add chain ip leads in '{ type nat hook prerouting priority dstnat; }'
    nft add rule ip leads in tcp dport 8081 dnat to 10.77.0.2:80
    systemd-run -q --unit=behind ip netns exec behind python3 -m http.server 80
    until ip netns exec behind ss -Hltn sport = 80 | grep -q .; do sleep 0.05; done
    systemd-run -q --unit=echo python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5683))
while True: s.sendto(*s.recvfrom(99))'
    until ss -Hlun sport = 5683 | grep -q .; do sleep 0.05; done
"""
# Connects from an address to some ports, says so, and stays until its input ends.
# What has just been started may not listen yet.
CONNECT = """
import socket, sys, time
held, end = [], time.monotonic() + 10
if len(sys.argv) == 3:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 0))
    s.sendto(b"x", (sys.argv[2], 5683))
    s.settimeout(10)
    s.recv(9)
for port in sys.argv[3:]:
    while True:
        try:
            held.append(socket.create_connection((sys.argv[2], int(port)), 10, (sys.argv[1], 0)))
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
print("there", flush=True)
sys.stdin.read()
"""


class InUse(OnHost):
    image = "iot-backend"

    @classmethod
    def prepare(cls):
        cls.clients = []
        cls.net = cls.host.net()
        for address in (ADMIN, STRANGER, CLIENT):
            cls.host.outside(["ip", "addr", "add", f"{address}/32", "dev", "eth0"])
        cls.connect(cls.net.peer, cls.net.host, 1883, 5432)
        cls.connect(CLIENT, cls.net.host, 80, 1883)
        cls.log_in("true", ADMIN)
        # With a terminal, which is what wtmp is for; ssh6 as well.
        cls.log_in("tty", ADMIN, "-tt")
        cls.log_in("true", None, to=cls.net.host6)

    @classmethod
    def tearDownClass(cls):
        for client in cls.clients:
            client.communicate("")
        super().tearDownClass()

    @classmethod
    def connect(cls, source, *to):
        argv = ["ip", "netns", "exec", cls.net.namespace, sys.executable, "-c", CONNECT, source, *map(str, to)]
        client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.clients.append(client)
        assert client.stdout.readline() == "there\n"
        return client

    @classmethod
    def log_in(cls, command, source, *options, to=None):
        return cls.host.outside(
            ["ssh", "-F", "none", "-i", cls.host.image.key, *(["-b", source] if source else []), *options,
             "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oLogLevel=ERROR",
             "-oUserKnownHostsFile=/dev/null", f"ops@{to or cls.net.host}", command], timeout=60)

    def as_admin(self, command, source=ADMIN):
        return self.log_in(f"echo {PASSWORD} | sudo -S -p '' {command}", source)

    def table(self, name):
        return json.loads(self.out("revet", "table", name, "-f", "json"))


class Tables(InUse):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.sh(BEHIND)
        cls.connect(STRANGER, cls.net.host, 8081)
        cls.connect(STRANGER, cls.net.host)

    def test_peers(self):
        listens = {line.split()[3].rpartition(":")[2] for line in self.out("ss", "-Hltn").splitlines()}
        want = {}
        for line in self.out("ss", "-Htunp", "state", "established").splitlines():
            protocol, _, _, local, far, *who = line.split()
            came = protocol == "tcp" and local.rpartition(":")[2] in listens
            address, _, port = far.rpartition(":")
            address = address.strip("[]").removeprefix("::ffff:")
            process = re.search(r'"([^"]+)"', who[0]).group(1) if who else None
            key = (protocol, "in" if came else "out", int((local if came else far).rpartition(":")[2]),
                   address)
            want.setdefault(key, {"connections": 0, "process": process})["connections"] += 1
        # The kernel's own tool is not on the host: its table, as text.
        for line in self.read("/proc/net/nf_conntrack").splitlines():
            words = line.split()
            far, port = words[words[2] == "tcp" and 6 or 5][4:], re.search(r"dport=(\d+)", line)[1]
            if f"src={self.net.host}" not in line.split("dport=")[0] and port in ("8081", "5683"):
                want[words[2], "in", int(port), far] = {"connections": 1, "process": None}
        got = {key: {"connections": row["connections"], "process": row["process"]} for key, row in by(
            self.table("peers"), "protocol", "direction", "port", "address").items()}
        for key in (("tcp", "in", 8081, STRANGER), ("udp", "in", 5683, STRANGER)):
            self.assertIn(key, got)
        # Whoever asks a database waits for an answer in a process of the database's own.
        self.assertIn(("tcp", "in", 5432, self.net.peer), got)
        self.same(got, want, at_least=4)

    def test_logins(self):
        want = {}
        for line in self.out("last", "-wF", "-i").splitlines():
            words = line.split()
            if len(words) < 4 or words[0] in ("reboot", "wtmp", "runlevel") or words[1] == "begins":
                continue
            key = ("/var/log/wtmp", words[0], None if words[2] == "0.0.0.0" else words[2], None)
            want[key] = want.get(key, 0) + 1
        for line in self.out("lastlog").splitlines()[1:]:
            if "**Never" not in line:
                words = line.split()
                key = ("/var/log/lastlog", words[0], words[2] if words[2][0].isdigit() else None, None)
                want[key] = 1
        for line in self.out("journalctl", "-q", "-o", "cat", "_COMM=sshd").splitlines():
            found = re.fullmatch(r"Accepted (\S+) for (\S+) from (\S+) port .*", line)
            if found:
                for source in ("journal", "/var/log/auth.log"):
                    key = (source, found[2], found[3], found[1])
                    want[key] = want.get(key, 0) + 1
        rows = self.table("logins")
        got = {(row["_source"], row["user"], row["address"], row["method"]): row["logins"] for row in rows}
        self.same(got, want, at_least=5)
        for row in rows:
            self.assertEqual(row["forgeable"], row["_source"] == "/var/log/auth.log", row)

    def test_nobody_forges_the_journal(self):
        """What another account says in sshd's name is in the log, and known for what it is."""
        said = "Accepted publickey for ops from 192.0.2.66 port 1 ssh2"
        self.log_in(f"logger -t sshd '{said}'; logger -p auth.info -t 'sshd[1]' '{said}'", ADMIN)
        found = [row for row in self.table("logins") if row["address"] == "192.0.2.66"]
        self.assertTrue(found)
        for row in found:
            self.assertEqual((row["_source"], row["forgeable"]), ("/var/log/auth.log", True))


class Releases(unittest.TestCase):
    """Where journalctl is, and what sshd calls itself, is not the same everywhere."""

    def test_the_journal_is_read(self):
        for image in ("debian-11", "debian-13"):
            with self.subTest(image), Host.start(image) as host:
                host.put_program(REVET, "/usr/local/bin/revet")
                self.assertEqual(host.ssh(["id", "-un"]).stdout, "ops\n")
                rows = json.loads(host.exec(["revet", "table", "logins", "-f", "json"]).stdout)
                self.assertIn(("journal", "ops", host.net().peer, "publickey"), [
                    (row["_source"], row["user"], row["address"], row["method"]) for row in rows])


class Logins(OnHost):
    """What has taken the place of wtmp and lastlog."""

    image = "trixie-logins"

    def test_databases(self):
        for _ in range(2):  # with a terminal: others are not in wtmp
            ran = self.host.outside(["ssh", "-tt", "-F", "none", "-i", self.host.image.key, "-oBatchMode=yes",
                                     "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
                                     f"ops@{self.host.net().host}", "id -un"])
            self.assertIn("ops", ran.stdout, ran.stderr)
        want = {}
        for entry in json.loads(self.out("wtmpdb", "last", "--json"))["entries"]:
            if entry["user"] != "reboot":
                key = ("/var/lib/wtmpdb/wtmp.db", entry["user"], entry.get("hostname"))
                want[key] = want.get(key, 0) + 1
        for line in self.out("lastlog2").splitlines()[1:]:
            words = line.split()
            if "**Never" not in line:
                want["/var/lib/lastlog/lastlog2.db", words[0], next(w for w in words[1:] if w.count(".") == 3)] = 1
        got = {(row["_source"], row["user"], row["address"]): row["logins"] for row in self.table("logins")
               if row["_source"].endswith(".db")}
        self.assertEqual({key[1:] for key in got}, {("ops", self.host.net().peer)})
        self.same(got, want, at_least=2)


# Comes by HTTP, MQTT and PostgreSQL, and says in each what their logs say of somebody else.
FORGES = r"""
import socket, struct, sys
host = sys.argv[1]
def say(port, text):
    with socket.create_connection((host, port), 10) as s:
        s.sendall(text); s.settimeout(10); s.recv(100)
say(80, b'GET /192.0.2.1%20-%20-%20[x HTTP/1.0\r\nUser-Agent: x" 192.0.2.2 - - [27/Nov/2026] "x"\r\n\r\n')
name = b"New connection from 192.0.2.3:1 on port 1883."
say(1883, b"\x10" + bytes([12 + len(name)]) + b"\0\4MQTT\4\2\0\x3c" + struct.pack("!H", len(name)) + name)
words = b"user\0a LOG:  connection received: host=192.0.2.4 port=1\0database\0b\0\0"
say(5432, struct.pack("!II", 8 + len(words), 196608) + words)
"""


class ServiceLogs(OnHost):
    image = "stock-services"

    def test_who_came(self):
        net = self.host.net()
        self.sh("""
            printf "listen_addresses = '*'\nlog_connections = on\n" >/etc/postgresql/15/main/conf.d/own.conf
            echo 'host all all 0.0.0.0/0 reject' >>/etc/postgresql/15/main/pg_hba.conf
            printf 'listener 1883\nallow_anonymous true\n' >/etc/mosquitto/conf.d/own.conf
            systemctl restart postgresql@15-main mosquitto nginx
        """)
        for _ in range(2):
            self.host.outside([sys.executable, "-c", FORGES, net.host], check=True)
        rows = self.table("log_peers")
        got = {(row["program"], row["port"], row["address"]): row["lines"] for row in rows if row["scope"] != "loopback"}
        self.assertEqual(got, {("nginx", None, net.peer): 2, ("mosquitto", 1883, net.peer): 2, ("postgres", None, net.peer): 2})
        said = self.sh("cat /var/log/nginx/access.log /var/log/mosquitto/mosquitto.log /var/log/postgresql/*.log")
        for forged in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
            self.assertIn(forged, said)
        text = self.out("revet", "init").replace("\n  # ", " ")
        self.assertEqual(text.count(f"in its log: {net.peer}"), 3)


class Guesses(OnHost):
    """What other servers are guessed to be for, as they are once somebody has put them to use."""

    def lines(self):
        ran = self.host.exec(["revet", "init"])
        return [line.strip() for line in ran.stdout.splitlines()]


class Databases(Guesses):
    image = "databases"

    @classmethod
    def prepare(cls):
        cls.host.net()
        cls.sh("""
            sed -i 's/^bind .*/bind 0.0.0.0 ::/; s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf
            sed -i 's/^-l .*/-l 0.0.0.0/' /etc/memcached.conf
            printf '[mysqld]\\nbind-address = *\\n' >/etc/mysql/mariadb.conf.d/99-all.cnf
            systemctl restart redis-server memcached mariadb
            until ss -Hltn sport = 11211 | grep -q .; do sleep 0.05; done
        """)

    def test_none_is_for_everyone(self):
        lines = self.lines()
        for line in ("{port: 3306/tcp, to: lan, what: mysql}", "{port: 6379/tcp, to: lan, what: redis}",
                     "{port: 11211/tcp, to: lan, what: memcached}"):
            self.assertIn(f"- {line}", lines)
        # Those that nobody has put on the network are no lines.
        self.assertFalse([line for line in lines if "port: 5432" in line])


class Web(Guesses):
    image = "web-servers"

    @classmethod
    def prepare(cls):
        cls.sh("""
            echo 'server { listen 443 ssl; ssl_certificate /etc/ssl/certs/web.pem;
                  ssl_certificate_key /etc/ssl/private/web.key; }' >/etc/nginx/sites-enabled/tls
            systemctl reload-or-restart nginx
            until ss -Hltn sport = 443 | grep -q .; do sleep 0.05; done
        """)

    def test_tls_is_known(self):
        lines = self.lines()
        for line in ("profile: web", "- {port: 80/tcp, to: world, what: http}",
                     "- {port: 443/tcp, to: world, what: https, tls: server}",
                     "- {port: 8080/tcp, to: world, what: http}"):
            self.assertIn(line, lines)

    def test_another_user_sees_less_and_writes_nothing(self):
        ran = self.host.exec(["runuser", "-u", "ops", "--", "revet", "init", "--yes"], check=False)
        self.assertEqual((ran.returncode, ran.stdout), (77, ""), ran.stderr)
        ran = self.host.exec(["runuser", "-u", "ops", "--", "revet", "init"])
        self.assertIn("# Not seen: who may use sudo: /etc/sudoers: Permission denied", ran.stdout)


class Containers(Guesses):
    image = "docker"

    def test_what_leads_into_one(self):
        net = self.host.net()
        held = subprocess.Popen(["ip", "netns", "exec", net.namespace, sys.executable, "-c", CONNECT, net.peer,
                                 net.host, "8080"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(held.stdout.readline(), "there\n")
        lines = self.lines()
        held.communicate("")
        self.assertIn("- {port: 8080/tcp, to: world, what: http}", lines)
        self.assertIn(f"connected now: {net.peer}", " ".join(lines).replace("# ", ""))
        self.assertIn("profile: container-host", lines)


class Init(InUse):
    """In the order of their names: the file is written first."""

    def lines(self):
        return [line.strip() for line in self.read("/etc/revet/site.yaml").splitlines()]

    def check(self, code, source=ADMIN):
        ran = self.as_admin("revet init --check -f json", source)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return {(d["kind"], d["object"]) for d in json.loads(ran.stdout)["differences"]}

    def test_1_what_it_writes(self):
        printed = self.as_admin("revet init")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.assertIn("nothing was written", printed.stderr)
        self.assertEqual(self.sh("ls /etc/revet/site.yaml 2>/dev/null || true"), "")
        ran = self.as_admin("revet init --yes")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout, self.read("/etc/revet/site.yaml"))
        self.assertEqual(self.stat(["/etc/revet/site.yaml"])["/etc/revet/site.yaml"][:4],
                         self.stat(["/etc/passwd"])["/etc/passwd"][:4])
        number = self.net.namespace.removeprefix("revet-")
        lines = self.lines()
        for line in ("profile: iot-backend", f"lan: [10.99.{number}.0/24, 'fd00:99:{number}::/64']",
                     "- ops", f"- {ADMIN}", "- lan",
                     "- {port: 80/tcp, to: world, what: http}", "- {port: 1883/tcp, to: world, what: mqtt}",
                     "- {port: 5432/tcp, to: lan, what: postgresql}",
                     "- {port: 111/tcp, to: lan, what: rpcbind}", "- {port: 8080/tcp, to: world}",
                     "- apt", "egress: observe"):
            self.assertIn(line, lines)
        # Its accounts with sudo that nobody can log in to, those without it, and sshd's port.
        for line in lines:
            self.assertNotRegex(line, r"^- (backup|deploy|root|toor|\{port: 22/)")
        text = "\n".join(lines)
        self.assertRegex(text, rf"# this session; ops \d+ times, last on \d{{4}}-\d\d-\d\d\n- {ADMIN}\n")
        self.assertRegex(text, rf"# nginx \(nginx\.service\) listens on 0\.0\.0\.0, ::; connected now: {CLIENT}\n")

    def test_2_it_is_loaded_and_nothing_has_changed(self):
        audit = self.host.exec(["revet", "audit", "--rule", "ssh.no-root-login"], check=False)
        self.assertIn("profile iot-backend", audit.stdout)
        self.assertEqual(self.check(0), set())

    def test_3_it_is_not_overwritten(self):
        before = self.read("/etc/revet/site.yaml")
        ran = self.as_admin("revet init --yes")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("revet init --check", ran.stderr)
        self.assertEqual(self.read("/etc/revet/site.yaml"), before)

    def test_4_what_changes_is_said(self):
        key = self.read("/home/ops/.ssh/authorized_keys")
        self.connect(STRANGER, self.net.host, 5432)
        self.sh("""
            systemctl -q stop mosquitto
            systemd-run -q --unit=extra python3 -m http.server 9999
            until ss -Hltn sport = 9999 | grep -q .; do sleep 0.05; done
            useradd -m -s /bin/bash -G sudo new
            install -d -m 700 -o new /home/new/.ssh
        """)
        self.write("/home/new/.ssh/authorized_keys", key)
        self.assertEqual(self.check(2), {
            ("listener", "9999/tcp"), ("idle", "1883/tcp"), ("admin", "new"), ("peer", STRANGER)})
        self.assertLessEqual({("session", STRANGER)}, self.check(2, STRANGER))
        self.assertLessEqual({("origin", STRANGER)}, self.check(2))

    def test_5_what_is_commented_out_is_no_news(self):
        text = self.read("/etc/revet/site.yaml")
        self.write("/etc/revet/site.yaml", text.replace("  - {port: 8080", "  # - {port: 8080").replace(
            "egress: observe", "egress: observe\n# Not for anyone:\n"))
        self.assertNotIn(("listener", "8080/tcp"), self.check(2))


if __name__ == "__main__":
    unittest.main()
