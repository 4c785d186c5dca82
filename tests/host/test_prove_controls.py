# SPDX-License-Identifier: Apache-2.0
"""`revet prove` on hosts whose controls hold, and on the same ones with a control broken by hand: the first
is proven, the second refuted. What the kernel of a machine alone decides runs with REVET_VM=1."""

import json
import os
import shutil
import subprocess
import sys
import time
import unittest

from hostimage import CACHE
from hostlib import Host, needed_libraries, wait_until
from oracle import REVET, OnHost
from vm import Machine


# Of the experiments that are tested here.
FAMILIES = ("kernel", "privileges", "services", "cron", "logging", "mounts", "updates")


class Proving(OnHost):
    """What one experiment says, and why."""

    def files(self):
        """All of the disk, but what services write to at any time, and where a tmpfs is mounted: /run and
        /tmp are written to all the time, by trials of devices as well."""
        return self.sh(r"""find / -xdev \( -path /var/log -o -path /var/lib/postgresql -o -path /var/spool -o \
            -path /root -o -path /var/lib/systemd -o -fstype tmpfs \) -prune -o -printf '%p %y %m %u %s %T@\n' | sort""")

    def proof(self, name):
        out = self.out("revet", "prove", "-f", "json", name, check=False, timeout=120)
        proofs = {p["experiment"]: p for p in json.loads(out)["proofs"]}
        self.assertIn(name, proofs)
        return proofs[name]

    def says(self, name, verdict, *texts):
        """The verdict, and that each text stands in some line that has that verdict's kind."""
        proof = self.proof(name)
        self.assertEqual(proof["verdict"], verdict, proof)
        for text in texts:
            self.assertTrue([line for line in proof["evidence"] if text in line["text"]], (text, proof))
        return proof


CA = r"""
umask 077; mkdir -p /root/ca /etc/revet/prove; cd /root/ca
printf '%s\n' '[ca]' 'default_ca=it' '[it]' 'database=index' 'serial=serial' 'new_certs_dir=.' \
    'default_md=sha256' 'policy=any' 'default_crl_days=30' '[any]' 'commonName=supplied' >ca.cnf
: >index; echo 01 >serial
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=devices -days 30 \
    -keyout ca.key -out ca.pem 2>/dev/null
issue() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in "$1.csr" -out "$1.pem" $2
}
issue server "-days 30" 2>/dev/null; issue valid "-days 30" 2>/dev/null; issue revoked "-days 30" 2>/dev/null
issue expired "-startdate 20200101000000Z -enddate 20200201000000Z" 2>/dev/null
openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke revoked.pem 2>/dev/null
openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out crl.pem 2>/dev/null
for name in valid expired revoked; do cat $name.pem $name.key >/etc/revet/prove/mqtt-$name.pem; done
install -d -o mosquitto /etc/mosquitto/tls
install -o mosquitto -m 600 ca.pem server.pem server.key crl.pem /etc/mosquitto/tls
"""

PLAIN = "listener 1883 0.0.0.0\nallow_anonymous {anonymous}\n"
MUTUAL = """listener 8883
cafile /etc/mosquitto/tls/ca.pem
certfile /etc/mosquitto/tls/server.pem
keyfile /etc/mosquitto/tls/server.key
allow_anonymous {anonymous}
require_certificate {required}
{crl}
"""
CRL = "crlfile /etc/mosquitto/tls/crl.pem"


RECEIVER = """
import socket, sys
s = socket.create_server(("", 5514)); print("ready", flush=True)
while True:
    c, _ = s.accept()
    while text := c.recv(65536):
        sys.stdout.write(text.decode(errors="replace")); sys.stdout.flush()
"""


class Controls(Proving):
    image = "iot-backend"

    @classmethod
    def prepare(cls):
        cls.sh(CA)
        cls.sh("chmod 600 /opt/demo/app.env")

    def test_a_service_that_can_read_what_it_should_not(self):
        name = "privileges.secrets-unreadable"
        self.says(name, "proven", "nginx.service: www-data can read none")
        self.sh("chmod 644 /etc/shadow")
        self.addCleanup(self.sh, "chmod 640 /etc/shadow")
        self.says(name, "refuted", "nginx.service: www-data can read /etc/shadow",
                  "mosquitto.service: mosquitto can read /etc/shadow")
        # A service that does not see the file in its mounts still cannot.
        self.dropin("nginx.service", "InaccessiblePaths=/etc/shadow")
        self.says(name, "refuted", "nginx.service: www-data can read none",
                  "mosquitto.service: mosquitto can read /etc/shadow")

    def test_state_of_others_and_keys(self):
        name = "privileges.secrets-unreadable"
        self.sh("""echo state >/var/lib/mosquitto/state; chown mosquitto: /var/lib/mosquitto/state
                   chmod 750 /var/lib/mosquitto; chmod 644 /var/lib/mosquitto/state""")
        self.addCleanup(self.sh, "rm /var/lib/mosquitto/state")
        self.says(name, "proven")
        self.sh("chmod 755 /var/lib/mosquitto")
        self.says(name, "refuted", "www-data can read /var/lib/mosquitto/state",
                  "mosquitto.service: mosquitto can read none")
        self.sh("chmod 750 /var/lib/mosquitto; chmod 644 /opt/demo/app.env")
        self.says(name, "refuted", "www-data can read /opt/demo/app.env")
        self.sh("chmod 600 /opt/demo/app.env; chmod 604 /etc/ssh/ssh_host_rsa_key")
        self.addCleanup(self.sh, "chmod 600 /etc/ssh/ssh_host_rsa_key")
        self.says(name, "refuted", "www-data can read /etc/ssh/ssh_host_rsa_key")

    def test_a_capability_that_opens_every_file(self):
        self.dropin("mosquitto.service", "User=mosquitto",
                    "AmbientCapabilities=CAP_DAC_READ_SEARCH")
        self.says("privileges.secrets-unreadable", "refuted", "mosquitto.service: mosquitto can read /etc/shadow",
                  "nginx.service: www-data can read none")

    def test_what_keeps_a_service_from_becoming_root(self):
        name = "privileges.no-gain"
        users = [p["unit"] for p in self.table("processes")
                 if (p["unit"] or "").endswith(".service") and p["uid"]]
        self.assertIn("nginx.service", users)
        self.says(name, "refuted", "nginx.service: www-data becomes root by a SUID program")
        for unit in sorted(set(users)):
            self.dropin(unit, "NoNewPrivileges=yes")
        self.says(name, "proven", "nginx.service: www-data starts a SUID program and stays www-data")

    def test_a_service_with_a_grant_of_sudo(self):
        name = "privileges.no-sudo"
        self.says(name, "proven", "www-data: sudo lets it run nothing")
        self.write("/etc/sudoers.d/web", "www-data ALL=(root) NOPASSWD: /usr/bin/systemctl reload nginx\n", "440")
        self.addCleanup(self.sh, "rm /etc/sudoers.d/web")
        self.says(name, "proven", "www-data may run (root) NOPASSWD: /usr/bin/systemctl reload nginx")
        self.write("/etc/sudoers.d/web", "www-data ALL=(ALL) NOPASSWD: ALL\n", "440")
        self.says(name, "refuted", "www-data may run anything without a password: (ALL) NOPASSWD: ALL")

    def test_a_service_with_jobs(self):
        name = "cron.refused"
        self.says(name, "not_run", "there is no /etc/cron.allow")
        self.write("/etc/cron.allow", "root\nops\n")
        self.addCleanup(self.sh, "rm /etc/cron.allow")
        self.says(name, "proven", "www-data: crontab refuses it: You (www-data) are not allowed")
        # Who is named is not asked.
        self.write("/etc/cron.allow", "root\nwww-data\n", "644")
        proof = self.says(name, "proven")
        self.assertFalse([line for line in proof["evidence"] if "www-data" in line["text"]], proof)
        # What crontab cannot read it takes for absent.
        self.sh("chmod 600 /etc/cron.allow")
        self.says(name, "refuted", "mosquitto: crontab serves it, though /etc/cron.allow is there")

    def dropin(self, unit, *lines):
        path = f"/etc/systemd/system/{unit}.d/prove.conf"
        self.write(path, "[Service]\n" + "\n".join(lines) + "\n")
        self.sh('systemctl daemon-reload; systemctl restart "$1"', unit)
        self.addCleanup(self.sh, 'rm "$1"; systemctl daemon-reload; systemctl restart "$2"', path, unit)

    def test_a_message_that_is_thrown_away(self):
        name = "logging.marker"
        self.says(name, "proven", "user.notice: found in the journal", "to /var/log/syslog",
                  "to /var/log/auth.log")
        self.write("/etc/rsyslog.d/00-drop.conf", "auth,authpriv.* stop\n")
        self.sh("systemctl restart rsyslog")
        self.addCleanup(self.sh, "rm -f /etc/rsyslog.d/00-drop.conf; systemctl restart rsyslog")
        self.says(name, "refuted", "user.notice: rsyslog has written it to /var/log/syslog",
                  "authpriv.notice: in none of rsyslog's")

    def test_a_receiver(self):
        """Another program at the other end says what has really arrived."""
        name = "logging.receiver"
        self.says(name, "not_run", "rsyslog is told to send to no receiver")
        net = self.host.net()
        path = "/etc/rsyslog.d/50-remote.conf"
        self.write(path, f"*.* action(type=\"omfwd\" target=\"{net.peer}\" port=\"5514\" protocol=\"tcp\")\n")
        self.addCleanup(self.sh, f"rm -f {path} /etc/rsyslog.d/00-drop.conf; systemctl restart rsyslog")
        self.sh("systemctl restart rsyslog")
        self.says(name, "refuted", "has no connection to any")
        receiver = subprocess.Popen(["ip", "netns", "exec", net.namespace, sys.executable, "-c", RECEIVER],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(receiver.stdout.close)
        self.addCleanup(receiver.wait)
        self.addCleanup(receiver.kill)
        receiver.stdout.readline()
        self.sh("systemctl restart rsyslog; logger begin; "
                "until ss -Htnp state established | grep -q rsyslogd; do sleep 0.1; done; sleep 1")
        proof = self.says(name, "proven", "acknowledged by the receiver")
        marker = proof["evidence"][0]["text"].rpartition(" ")[2]
        self.write("/etc/rsyslog.d/00-drop.conf", ":programname, isequal, \"revet-prove\" stop\n")
        self.sh("systemctl restart rsyslog; logger again; "
                "until ss -Htnp state established | grep -q rsyslogd; do sleep 0.1; done; sleep 1")
        proof = self.says(name, "refuted", "3600 bytes were logged, and ")
        other = proof["evidence"][0]["text"].rpartition(" ")[2]
        receiver.kill()
        arrived = receiver.stdout.read()
        self.assertEqual((marker in arrived, other in arrived), (True, False))
        self.write(path, f"*.* @{net.peer}:5514\n")
        self.says(name, "not_run", "over UDP, which tells nobody whether they arrive")

    def test_a_journal_that_keeps_nothing(self):
        path = "/etc/systemd/journald.conf.d/prove.conf"
        self.write(path, "[Journal]\nStorage=none\n")
        self.addCleanup(self.sh, f"rm {path}; systemctl restart systemd-journald")
        self.sh("systemctl restart systemd-journald")
        self.says("logging.marker", "refuted", "user.notice: not found in the journal")

    def test_a_mount_that_lets_programs_run(self):
        name = "mounts.program-refused"
        self.sh("echo 'tmpfs /dev/shm tmpfs nosuid,nodev,noexec 0 0' >>/etc/fstab; mount -o remount /dev/shm")
        self.addCleanup(self.sh, "sed -i '/shm/d' /etc/fstab; mount -o remount,nosuid,nodev,exec /dev/shm")
        self.says(name, "proven", "/dev/shm: no program is started there")
        self.sh("mount -o remount,exec,nosuid /dev/shm")
        self.says(name, "refuted", "/dev/shm: a program is started there, though it is to be noexec")
        self.sh("sed -i 's/,noexec//' /etc/fstab")
        self.says(name, "proven", "/dev/shm: a program that is SUID root stays uid 65531 there")
        self.sh("mount -o remount,exec,suid /dev/shm")
        self.says(name, "refuted", "/dev/shm: a SUID program is root there, though it is to be nosuid")

    def test_a_mount_that_lets_devices_be(self):
        name = "mounts.device-refused"
        self.sh("echo 'tmpfs /dev/shm tmpfs nosuid,nodev 0 0' >>/etc/fstab; mount -o remount,nosuid,nodev /dev/shm")
        self.addCleanup(self.sh, "sed -i '/shm/d' /etc/fstab; mount -o remount,nosuid,nodev,exec /dev/shm")
        self.says(name, "proven", "/dev/shm: no device is opened there")
        self.sh("mount -o remount,nosuid,dev /dev/shm; mknod -m 600 /dev/shm/.revet-null c 1 3")
        self.says(name, "refuted", "/dev/shm: a device is opened there, though it is to be nodev")
        self.assertNotIn("revet", self.out("ls", "-A", "/dev/shm"), "what a run that was killed has left stays")

    def test_an_upgrade_that_cannot_work(self):
        name = "updates.dry-run"
        self.says(name, "proven", "apt-get --simulate upgrade: 0 upgraded")
        self.sh("cp -a /var/lib/dpkg/status /root/status; sed -i '/^Package: adduser$/,/^$/s/^Depends:.*/"
                "Depends: nothing-like-this/' /var/lib/dpkg/status")
        self.addCleanup(self.sh, "mv /root/status /var/lib/dpkg/status")
        self.says(name, "refuted", "apt-get --simulate upgrade fails: E: Unmet dependencies")

    def test_what_the_kernel_of_this_machine_decides(self):
        """Its settings are not the host's to change; what is proven has to be what they say."""
        def now(key):
            return int(self.read(f"/proc/sys/{key}"))
        for name, line, holds in (
                ("kernel.planted-links-refused", "symbolic link", now("fs/protected_symlinks") == 1),
                ("kernel.planted-links-refused", "hard link", now("fs/protected_hardlinks") == 1),
                ("kernel.planted-files-refused", "to a file", now("fs/protected_regular") >= 1),
                ("kernel.planted-files-refused", "to a FIFO", now("fs/protected_fifos") >= 1),
                ("kernel.bpf-refused", "BPF", now("kernel/unprivileged_bpf_disabled") >= 1),
                ("kernel.null-page-refused", "lowest", now("vm/mmap_min_addr") >= 65536),
                ("kernel.profiling-refused", "profile", now("kernel/perf_event_paranoid") >= 2),
                ("kernel.userfaultfd-refused", "userfaultfd", now("vm/unprivileged_userfaultfd") == 0),
                ("kernel.io-uring-refused", "io_uring", now("kernel/io_uring_disabled") >= 1),
                ("kernel.terminal-refused", "terminal", now("dev/tty/legacy_tiocsti") == 0),
                ("kernel.user-namespace-refused", "namespace", now("user/max_user_namespaces") == 0)):
            with self.subTest(name=name, line=line):
                lines = [said["text"] for said in self.proof(name)["evidence"] if line in said["text"]]
                self.assertEqual(len(lines), 1)
                self.assertEqual("may not" in lines[0], holds, lines)

    def configure(self, text):
        self.write("/etc/mosquitto/conf.d/public.conf", text)
        self.sh("systemctl reset-failed mosquitto; systemctl restart mosquitto; until ss -Hltn | grep -q ':[18]883'; do sleep 0.05; done")

    def test_nobody_without_a_name(self):
        name = "services.broker-refuses"
        self.configure(PLAIN.format(anonymous="true"))
        self.says(name, "refuted", "0.0.0.0 port 1883: lets a client without a name in (CONNACK 0)")
        self.configure(PLAIN.format(anonymous="false"))
        self.says(name, "proven", "0.0.0.0 port 1883: refuses a client without a name: CONNACK 5")
        self.says("services.broker-refuses-revoked", "not_run", "no broker here has clients show certificates")

    def test_certificates(self):
        name, other = "services.broker-refuses", "services.broker-refuses-revoked"
        self.configure(MUTUAL.format(anonymous="true", required="true", crl=CRL))
        self.says(name, "proven", "port 8883: refuses a client without name and certificate: ",
                  "certificate required", "port 8883: refuses a client with a certificate of another CA: ",
                  "unknown ca")
        self.says(other, "proven", "refuses the expired certificate: ", "certificate expired",
                  "refuses the revoked certificate: ", "certificate revoked")
        self.configure(MUTUAL.format(anonymous="true", required="true", crl=""))
        self.says(name, "proven")
        self.says(other, "refuted", "takes the revoked certificate (CONNACK 0)", "certificate expired")
        # What the site file wants, the broker does not do.
        self.configure(MUTUAL.format(anonymous="false", required="false", crl=CRL))
        self.write("/etc/revet/site.yaml", "serves: [{port: 8883/tcp, to: world, what: mqtt, tls: mutual}]\n")
        self.addCleanup(self.sh, "rm /etc/revet/site.yaml")
        self.says(name, "refuted", "talks to a client without name and certificate, though clients have to show")

    def test_certificates_that_nobody_has_given(self):
        name = "services.broker-refuses-revoked"
        self.configure(MUTUAL.format(anonymous="true", required="true", crl=CRL))
        self.sh("mkdir /root/kept; mv /etc/revet/prove/* /root/kept")
        self.addCleanup(self.sh, "mv /root/kept/* /etc/revet/prove; rmdir /root/kept")
        self.says(name, "not_run", "an expired certificate is not tried: only the CA of the devices can make one")
        # One that is refused for another reason shows nothing.
        self.sh("cp /root/kept/mqtt-revoked.pem /etc/revet/prove; "
                "cp /root/kept/mqtt-expired.pem /etc/revet/prove/mqtt-valid.pem")
        self.addCleanup(self.sh, "rm /etc/revet/prove/*")
        self.says(name, "not_run", "the certificate in /etc/revet/prove/mqtt-valid.pem is refused")

    def marks(self):
        return {
            "mounts": self.read("/proc/1/mountinfo"),
            "namespaces": self.out("lsns", "-n", "-o", "TYPE,NS,COMMAND"),
            "links": self.out("ip", "-o", "link"),
            "processes": sorted({p["name"] for p in self.table("processes")}),
            "files": self.files(),
        }

    def test_killed_at_any_instant(self):
        before = self.marks()
        for moment in range(6):
            ran = subprocess.Popen(self.host.argv(["revet", "prove", *FAMILIES]), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            time.sleep(0.1 * 1.5 ** moment)
            self.sh("pkill -KILL -o -x revet || true")
            ran.wait()
        deadline = time.monotonic() + 5
        while "revet" in self.marks()["processes"] and time.monotonic() < deadline:
            time.sleep(0.1)
        after = self.marks()
        for what in before:
            self.assertEqual(after[what], before[what], what)


class Upgrades(Proving):
    """With unattended-upgrades, and a security update that is pending."""

    image = "debian-12-repo"

    @classmethod
    def prepare(cls):
        cls.sh("""apt-get -qq -y install unattended-upgrades >/dev/null 2>&1
            mkdir -p /srv/security/DEBIAN; cd /srv/security
            printf 'Package: nano\\nVersion: 99\\nArchitecture: amd64\\nMaintainer: a\\nDescription: b\\n' \\
                >DEBIAN/control
            dpkg-deb -b . /srv/nano_99_amd64.deb >/dev/null; rm -r DEBIAN; mv /srv/nano_99_amd64.deb .
            apt-ftparchive packages . >Packages
            apt-ftparchive -o APT::FTPArchive::Release::Suite=stable-security \\
                -o APT::FTPArchive::Release::Codename=bookworm-security \\
                -o APT::FTPArchive::Release::Origin=Debian \\
                -o APT::FTPArchive::Release::Label=Debian-Security release . >/srv/Release
            mv /srv/Release .
            echo 'deb [trusted=yes] copy:/srv/security ./' >/etc/apt/sources.list.d/security.list
            apt-get -qq update""")

    def test_origins_that_leave_security_out(self):
        name = "updates.dry-run"
        before = self.files()
        self.says(name, "proven", "apt-get --simulate upgrade: 1 upgraded",
                  "unattended-upgrade --dry-run: it would install what is pending", "nano")
        self.assertEqual(self.files(), before, "it changed something")
        logs = self.out("find", "/var/log/unattended-upgrades", "-name", "unattended-upgrades.log")
        self.assertEqual(logs, "", "it wrote to the log")
        self.write("/etc/apt/apt.conf.d/99-origins",
                   '#clear Unattended-Upgrade::Origins-Pattern;\n'
                   'Unattended-Upgrade::Origins-Pattern {"origin=Nobody";};\n')
        self.addCleanup(self.sh, "rm /etc/apt/apt.conf.d/99-origins")
        self.says(name, "refuted", "1 security updates are pending, of which unattended-upgrade would install none")


class UpgradesOfDnf(unittest.TestCase):
    """In a tree, as its own root: there is no image that boots with it."""

    SCRIPT = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'
    name = "updates.dry-run"

    def setUp(self):
        self.host = Host.start("other-installers")
        self.addCleanup(self.host.stop, crash=True)
        self.root = str(self.host.root)
        for file in needed_libraries(REVET):
            if not os.path.exists(self.root + file):
                shutil.copy(file, self.root + file)
        shutil.copy(REVET, self.root + "/usr/local/bin/revet")
        self.inside("rm", "-r", "/etc/apt", "/var/lib/dpkg/status")

    def inside(self, *argv, check=True):
        return subprocess.run(["unshare", "-mn", "sh", "-euc", self.SCRIPT, self.root, *argv], check=check,
                              capture_output=True, text=True).stdout

    def says(self, verdict, text):
        [proof] = json.loads(self.inside("revet", "prove", "-f", "json", self.name, check=False))["proofs"]
        self.assertEqual(proof["verdict"], verdict, proof)
        self.assertIn(text, "\n".join(line["text"] for line in proof["evidence"]))

    def files(self):
        found = self.inside("find", "/", "-xdev", "-mindepth", "2", "-printf", "%p %T@ %s\n")
        return set(found.splitlines())

    def test_an_upgrade(self):
        before = self.files()
        self.says("proven", "Upgrade  1 Package\ndnf upgrade --assumeno: it would upgrade what is pending")
        self.assertEqual(self.files() ^ before, set())
        self.inside("sh", "-c", "echo 'exclude=*' >>/etc/dnf/dnf.conf")
        self.says("proven", "nothing is pending that it would upgrade")
        self.inside("sh", "-c", "sed -i '/^exclude/d' /etc/dnf/dnf.conf; mv /var/cache/dnf /root/cache")
        self.says("not_run", "dnf upgrade --assumeno writes where it may not write")
        self.inside("mkdir", "/var/cache/dnf")
        self.says("not_run", "dnf has no lists of all its repositories")
        self.inside("sh", "-c", "rm -r /var/cache/dnf; mv /root/cache /var/cache/dnf; echo '[main' >/etc/dnf/dnf.conf")
        self.says("refuted", "dnf upgrade --assumeno fails: ")


OPEN = """
echo "listen_addresses = '*'" >/etc/postgresql/15/main/conf.d/open.conf
sed -i 's|^bind-address.*|bind-address = *\\nskip-name-resolve|' /etc/mysql/mariadb.conf.d/50-server.cnf
sed -i 's/^-l .*/-l 0.0.0.0/; /^-l ::1/d' /etc/memcached.conf
sed -i 's/^bind .*/bind 0.0.0.0 ::/' /etc/redis/redis.conf
sed -i 's|^ExecStart=.*|ExecStart=/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main '\
'-c config_file=/etc/postgresql/15/main/postgresql.conf|; s/^Type=.*/Type=notify/; /^PIDFile/d; /^ExecStop/d' \
    /usr/lib/systemd/system/postgresql@.service
sed -i '/^\\[Service\\]/a User=postgres\\nRuntimeDirectory=postgresql' /usr/lib/systemd/system/postgresql@.service
systemctl daemon-reload
"""
NAMES = {"PostgreSQL": 5432, "MySQL": 3306, "Redis": 6379, "memcached": 11211}
SITE = "serves:\n" + "".join(f"  - {{port: {port}/tcp, to: world}}\n" for port in NAMES.values())


class Databases(Proving):
    image = "databases"
    name = "services.database-refuses"

    @classmethod
    def prepare(cls):
        cls.host.net()

    def restart(self):
        self.sh("""systemctl restart postgresql@15-main mariadb redis-server memcached
            for port in "$@"; do until ss -Hltn "sport = $port" | grep -q .; do sleep 0.05; done; done""",
                *map(str, NAMES.values()))

    def test_closed_open_and_without_a_password(self):
        self.says(self.name, "proven", *(f"{name} (port {port} of 10." for name, port in NAMES.items()),
                  *(f"{name} (port {port} of fd" for name, port in NAMES.items()), "Connection refused")
        self.sh(OPEN)
        self.restart()
        self.says(self.name, "refuted", "PostgreSQL (port 5432 of 10.", "answers an outsider",
                  "and lets nobody in without a password")
        # Served to all, they have to ask for a password; memcached knows none.
        self.write("/etc/revet/site.yaml", SITE)
        proof = self.says(self.name, "refuted", "memcached", "and lets anybody in without a password")
        refuted = [line["text"] for line in proof["evidence"] if line["kind"] == "refuted"]
        self.assertTrue(refuted and all(line.startswith("memcached") for line in refuted), proof)
        self.assertTrue([line for line in proof["evidence"] if line["kind"] == "proven" and
                         line["text"].startswith("Redis") and "of fd" in line["text"]], proof)
        self.sh("""
            sed -i '1i host all all all trust' /etc/postgresql/15/main/pg_hba.conf
            mysql -e "CREATE USER root@'%' IDENTIFIED BY ''"
            sed -i 's/^protected-mode yes/protected-mode no/' /etc/redis/redis.conf""")
        self.restart()
        proof = self.says(self.name, "refuted")
        for name in NAMES:
            for address in ("of 10.", "of fd"):
                if (name, address) != ("memcached", "of fd"):
                    self.assertTrue([line for line in proof["evidence"] if line["kind"] == "refuted" and
                                     line["text"].startswith(name) and address in line["text"]],
                                    (name, address, proof))
        # The packet filter keeps all of them from everybody.
        self.sh("rm /etc/revet/site.yaml; nft add table inet shut; nft add chain inet shut input "
                "'{ type filter hook input priority 0; policy accept; }'; "
                "nft add rule inet shut input tcp dport '{ 5432, 3306, 6379, 11211 }' drop")
        self.says(self.name, "proven", "Connection timed out")


ZONE = r"""
ip addr add 127.0.0.2/32 dev lo; cd /etc/bind; name=dnssec-failed.org
printf '$TTL 60\n@ SOA ns. root. 1 60 60 60 60\n@ NS ns\nns A 127.0.0.2\n@ A 192.0.2.7\n' >zone
dnssec-keygen -q -a ECDSAP256SHA256 -f KSK $name; dnssec-signzone -q -S -z -o $name zone >/dev/null
cp dsset-$name. good; rm K$name.*
dnssec-keygen -q -a ECDSAP256SHA256 -f KSK $name; dnssec-dsfromkey K$name.*.key >bad
cat >named.conf <<EOF
options { directory "/var/cache/bind"; listen-on { 127.0.0.2; }; listen-on-v6 { none; }; recursion no; };
zone "$name" { type primary; file "/etc/bind/zone.signed"; };
EOF
named-checkconf
systemd-run -q --unit authority named -f -c /etc/bind/named.conf
echo nameserver 127.0.0.1 >/etc/resolv.conf
"""
UNBOUND = """
cat >/etc/unbound/unbound.conf <<EOF
server:
  chroot: ""
  module-config: "$1"
  do-not-query-localhost: no
  trust-anchor-file: /etc/bind/$2
stub-zone:
  name: dnssec-failed.org
  stub-addr: 127.0.0.2
EOF
chmod 644 /etc/bind/good /etc/bind/bad
systemctl stop resolver 2>/dev/null || true; systemctl reset-failed resolver 2>/dev/null || true
systemd-run -q --unit resolver unbound -d
until ss -Hlun sport = 53 | grep -q 127.0.0.1:; do sleep 0.05; done
"""


class Resolver(Proving):
    image = "other-services"

    def test_a_bogus_name(self):
        name = "resolver.bogus-refused"
        self.says(name, "not_run", "nothing on this host is set to check")
        self.sh(ZONE)
        self.sh(UNBOUND, "validator iterator", "bad")
        self.says(name, "proven", "127.0.0.1: refuses dnssec-failed.org, whose signature is wrong")
        self.sh(UNBOUND, "iterator", "bad")
        self.says(name, "refuted", "127.0.0.1: believes dnssec-failed.org")
        # What has no address for anybody shows nothing.
        self.sh("systemctl stop authority")
        self.sh(UNBOUND, "validator iterator", "bad")
        self.says(name, "not_run", "127.0.0.1: no name whose signature is wrong can be looked up there")


# An NTP server (RFC 5905) whose clock is so many seconds ahead.
NTP = """
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 123))
stamp = lambda: int((time.time() + 2208988800 + float(sys.argv[1])) * 2 ** 32)
while True:
    q, peer = s.recvfrom(512)
    came = stamp()
    s.sendto(struct.pack("!BBbbII4sQ8sQQ", 0x24, 1, q[2] % 17, -20, 0, 10, b"TEST", came - 2 ** 32, q[40:48], came,
                         stamp()), peer)
"""


class Clock(Proving):
    """Of a container it is this machine's, and nothing keeps that."""

    image = "debian-12-repo"

    def serve(self, ahead):
        net = self.host.net()
        server = subprocess.Popen(["ip", "netns", "exec", net.namespace, sys.executable, "-c", NTP, str(ahead)])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_until(lambda: self.host.outside(["ss", "-Hlun", "sport = 123"]).stdout, 10)
        return server

    def test_a_clock_that_differs(self):
        name = "time.synchronised"
        self.says(name, "not_run", "nothing here sets the clock")
        self.sh("apt-get -qq -y install chrony >/dev/null 2>&1")
        self.write("/etc/chrony/chrony.conf", f"server {self.host.net().peer} iburst\n")
        self.says(name, "not_run", "none of the servers that the clock is set by can be asked")
        server = self.serve(0)
        self.kept(name)
        server.kill()
        server.wait()
        self.serve(100)
        self.says(name, "refuted", f"the clock differs from that of {self.host.net().peer} by 100.0")

    def kept(self, name):
        self.says(name, "refuted", f"the clock differs from that of {self.host.net().peer} by 0.0",
                  "nothing keeps it right")


SYSCTLS = """
kernel.dmesg_restrict 1 0 kernel.log-refused
kernel.kptr_restrict 1 0 kernel.pointers-hidden
kernel.yama.ptrace_scope 1 0 kernel.ptrace-refused
kernel.unprivileged_bpf_disabled 2 0 kernel.bpf-refused
kernel.perf_event_paranoid 2 1 kernel.profiling-refused
vm.mmap_min_addr 65536 4096 kernel.null-page-refused
vm.unprivileged_userfaultfd 0 1 kernel.userfaultfd-refused
fs.protected_symlinks 1 0 kernel.planted-links-refused
fs.protected_hardlinks 1 0 kernel.planted-links-refused
fs.protected_regular 1 0 kernel.planted-files-refused
fs.protected_fifos 1 0 kernel.planted-files-refused
fs.suid_dumpable 0 1 kernel.suid-core-refused
kernel.unprivileged_userns_clone 0 1 kernel.user-namespace-refused
kernel.randomize_va_space 2 0 kernel.addresses-random
kernel.randomize_va_space 2 1 kernel.addresses-random
"""


@unittest.skipUnless(os.environ.get("REVET_VM"), "set REVET_VM=1: it takes minutes")
class Kernel(Proving):
    image = "debian-12-vm"
    kind = Machine

    def test_each_parameter_of_the_kernel(self):
        for line in SYSCTLS.strip().splitlines():
            key, good, bad, name = line.split()
            with self.subTest(key=key):
                before = self.out("sysctl", "-n", key).strip()
                self.sh('sysctl -qw "$1=$2"', key, good)
                self.says(name, "proven")
                # Where addresses are hidden for another reason, that one goes as well.
                other = "kernel.perf_event_paranoid=0" if key.endswith("kptr_restrict") else f"{key}={bad}"
                self.sh('sysctl -qw "$1=$2" "$3"', key, bad, other)
                self.says(name, "refuted")
                self.sh('sysctl -qw "$1=$2"', key, before)

    def test_modules(self):
        name = "kernel.module-refused"
        self.says(name, "refuted", "sctp: a user without privilege gets it loaded")
        self.assertNotIn("sctp ", self.read("/proc/modules"))
        self.sh("for m in sctp dccp rds tipc kcm smc llc2 rxrpc udf; do echo install $m /bin/false; done "
                ">/etc/modprobe.d/prove.conf")
        self.says(name, "proven", "sctp: modprobe would not load it", "dccp: not loaded when a user",
                  "rds: not loaded by `modprobe rds`")
        # A line further in front has its way.
        self.sh("echo install sctp /sbin/modprobe --ignore-install sctp >/etc/modprobe.d/00-other.conf")
        self.says(name, "refuted", "sctp: a user without privilege gets it loaded")
        self.assertNotIn("sctp ", self.read("/proc/modules"))


@unittest.skipUnless(os.environ.get("REVET_VM"), "set REVET_VM=1: it takes minutes")
class ClockOfAMachine(Clock):
    image = "debian-12-vm"
    kind = Machine

    def test_a_clock_that_differs(self):
        name = "time.synchronised"
        for file in sorted((CACHE / "debian-12-repo/tree/srv/repo").glob("*.deb")):
            if file.name.startswith(("chrony_", "libedit2_", "libbsd0_")):
                self.host.put(file, f"/root/{file.name}")
        peer = self.host.net().peer
        server = self.serve(0)
        self.sh("dpkg -i /root/*.deb >/dev/null")
        self.write("/etc/chrony/chrony.conf", f"server {peer} iburst minpoll 0 maxpoll 1\nmakestep 0.1 -1\n")
        self.sh("systemctl restart chrony; chronyc waitsync 60 0 0 1")
        self.says(name, "proven", f"the clock differs from that of {peer} by 0.", "and is kept right")
        self.sh("systemctl stop chrony; date -s '+1 minute'")
        self.says(name, "refuted", f"the clock differs from that of {peer} by ")
        server.kill()


@unittest.skipUnless(os.environ.get("REVET_VM"), "set REVET_VM=1: it takes minutes")
class Audit(Proving):
    image = "debian-12-vm"
    kind = Machine

    def test_who_ran_what(self):
        name = "audit.marker"
        self.says(name, "refuted", "what uid 1000 runs as root is not in /var/log/audit/audit.log")
        self.sh("auditctl -a always,exit -F arch=b64 -S execve -F euid=0 -F 'auid>=1000' -F auid!=unset")
        self.says(name, "proven", "what uid 1000 runs as root is in /var/log/audit/audit.log",
                  "what uid 1000 runs as itself is not in")
        # The same by somebody who has logged in, and cannot become another person.
        said = self.host.ssh(["echo revet-ops | sudo -S revet prove -f json " + name]).stdout
        self.assertEqual(json.loads(said)["proofs"][0]["verdict"], "proven", said)
        self.sh("auditctl -D; auditctl -a always,exit -F arch=b64 -S execve")
        self.says(name, "proven", "what uid 1000 runs as itself is in")
        self.sh("systemctl kill auditd; sleep 1")
        self.says(name, "not_run", "auditd does not run")


if __name__ == "__main__":
    unittest.main()
