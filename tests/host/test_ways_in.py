# SPDX-License-Identifier: Apache-2.0
"""Changes over the network and the ways in that no program on the machine can vouch for: routes, packet
filters of others, the session that confirms."""

import subprocess
import tempfile
import time
import unittest

from hostlib import wait_until
from oracle import OnHost
from test_lockout import PASSWORD

CUTS = {  # what a rule cuts that no login on the machine can show: the situation, and the rule
    "answers leave elsewhere": (
        "ip link add other type veth peer name far; ip link set far up; "
        "ip addr add 10.88.0.1/24 dev other; ip link set other up; "
        "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0; "
        "ip rule add fwmark 1 table 100; ip route add default via $PEER table 100; nft add table ip cut; "
        "nft add chain ip cut out '{ type route hook output priority mangle; }'; "
        "nft add rule ip cut out tcp sport 22 meta mark set 1", "10.88.0.5", None, "net.rp-filter"),
    "sshd on the loopback address behind NAT": (
        "sysctl -qw net.ipv4.conf.all.route_localnet=1; nft add table ip cut; "
        "nft add chain ip cut in '{ type nat hook prerouting priority dstnat; }'; "
        "nft add rule ip cut in tcp dport 2222 dnat to 127.0.0.1:22; "
        "printf 'ListenAddress 127.0.0.1\\n' >/etc/ssh/sshd_config.d/50-other.conf; systemctl reset-failed ssh; systemctl restart ssh",
        None, "2222", "net.loopback-routed"),
}


# What the timer starts, without its minutes.
REVERTS = "systemctl start $(systemctl list-units --plain --no-legend 'revet-revert-*.timer' | sed 's/timer .*/service/')"


class Cut(OnHost):
    """The network is cut by what the kernel does: then the change waits, and reverts by itself."""

    image = "debian-12"

    def log_in(self, source, port, script, seconds=10):
        options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes",
                   "-oConnectTimeout=2", "-oServerAliveInterval=2", "-oServerAliveCountMax=2",
                   *(["-b", source] if source else []), *(["-p", port] if port else [])]
        try:
            return self.host.outside(["ssh", "-F", "none", "-i", self.host.image.key, *options,
                                      f"ops@{self.host.net().host}", script], timeout=seconds)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, 255, "", "timed out")

    def test_what_cuts_the_network_reverts(self):
        net = self.host.net()
        self.host.outside(["ip", "addr", "add", "10.88.0.5/32", "dev", "eth0"])
        for name, (script, source, port, rule) in CUTS.items():
            with self.subTest(name):
                self.out("sh", "-ec", f"PEER={net.peer}; {script}")
                self.assertEqual(self.log_in(source, port, "id -un").stdout, "ops\n")
                self.log_in(source, port, f"echo {PASSWORD} | sudo -S revet apply --no-input --wait 10min "
                            f"--rule {rule}", 40)
                # It goes on when nobody reads what it says any more.
                self.out("sh", "-c", "for i in $(seq 100); do revet history | grep -q waiting && break; "
                         "sleep 0.2; done")
                self.assertNotEqual(self.log_in(source, port, "id -un").stdout, "ops\n", "nothing was cut")
                self.assertIn("waiting", self.out("revet", "history"))
                self.out("sh", "-ec", REVERTS)
                self.assertEqual(self.log_in(source, port, "id -un").stdout, "ops\n")
                self.out("sh", "-c", "nft delete table ip cut; ip rule del fwmark 1; ip link del other; "
                         "rm -f /etc/ssh/sshd_config.d/50-other.conf; systemctl reset-failed ssh; systemctl restart ssh; true")

    def test_no_room_for_one_more_session_reverts(self):
        limit = "--rule accounts.session-limit --set accounts.sessions=2"
        open_ones = [subprocess.Popen(
            ["ip", "netns", "exec", self.host.net().namespace, "ssh", "-tt", "-F", "none", "-i", self.host.image.key,
             "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", f"ops@{self.host.net().host}", "sleep 60"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
        try:
            self.assertTrue(wait_until(lambda: self.out("who").count("ops") == 3, 10))
            self.log_in(None, None, f"echo {PASSWORD} | sudo -S revet apply --no-input --wait 10min {limit}", 40)
            self.assertIn("waiting", self.out("revet", "history"))
            self.assertNotEqual(self.log_in(None, None, "id -un").stdout, "ops\n", "nothing was cut")
            self.out("sh", "-ec", REVERTS)
            self.assertEqual(self.log_in(None, None, "id -un").stdout, "ops\n")
        finally:
            for one in open_ones:
                one.terminate()
                one.wait()


UP = "until nft list tables | grep -q firewalld && firewall-cmd -q --state; do sleep 0.2; done"
FIREWALLS = {  # of somebody else's, which admit what is needed and no more: how they come up, and go
    "ufw": ("ufw allow 22/tcp; ufw --force enable", "ufw --force disable; ufw --force reset"),
    "ufw, from one network": ("ufw allow from 10.99.0.0/16 to any port 22; ufw --force enable",
                              "ufw --force disable; ufw --force reset"),
    "firewalld": (f"systemctl start firewalld; {UP}", "systemctl stop firewalld"),
    "firewalld, from one network": (
        f"systemctl start firewalld; {UP}; firewall-cmd -q --zone=trusted --add-source=10.99.0.0/16; "
        "firewall-cmd -q --set-default-zone=drop",
        "firewall-cmd -q --set-default-zone=public; systemctl stop firewalld"),
}


class Firewalled(OnHost):
    """A packet filter that somebody else manages stays as it is, and lets in whom it let in."""

    image = "firewalled"

    def rules(self):
        return self.out("nft", "-s", "list", "ruleset")

    def test_what_others_filter_stays(self):
        sudo = f"echo {PASSWORD} | sudo -S -p '' revet"
        families = " ".join(f"--family {name}" for name in ("ssh", "net", "firewall", "services"))
        for name, (up, down) in FIREWALLS.items():
            with self.subTest(name):
                self.out("sh", "-ec", up)
                rules = self.rules()
                self.assertRegex(rules, "policy drop|reject with|drop")
                ran = self.host.ssh([f"{sudo} apply --no-input --wait 10min {families}"], timeout=60)
                self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                done = self.host.ssh([f"{sudo} confirm"], timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.out("revet", "revert")
                self.assertEqual(self.rules(), rules)
                self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")
                self.out("sh", "-c", down)


class Proof(OnHost):
    """What confirms a change that was applied over the network: a session that came in since, the same way."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.host.put(cls.host.image.key, "/home/ops/key", mode="600")
        cls.host.exec(["chown", "ops", "/home/ops/key"])

    def tearDown(self):
        self.host.exec(["revet", "revert"], check=False)
        # For a moment after it was told to reload, sshd has no socket.
        self.assertTrue(wait_until(lambda: self.host.ssh(["true"]).returncode == 0, 10))

    def over_ssh(self, script):
        return self.host.ssh([f"sudo() {{ echo {PASSWORD} | command sudo -S -p '' \"$@\"; }}; {script}"], timeout=60)

    def over_a_hop(self, script, address="127.0.0.1"):
        inner = f"echo {PASSWORD} | sudo -S -p \"\" {script}"
        return self.host.ssh([f"ssh -F none -i key -oStrictHostKeyChecking=no {address} '{inner}'"], timeout=60)

    def left(self, name):
        """What a process wrote that nobody waits for."""
        self.out("sh", "-c", f"for i in $(seq 50); do grep -q ^code /tmp/{name} && break; sleep 0.1; done")
        return self.read(f"/tmp/{name}")

    def test_only_who_came_in_since_confirms(self):
        later = "sh -c 'while [ ! -e /run/{0} ]; do sleep 0.1; done; echo " + PASSWORD + " | " \
                "sudo -S revet confirm >/tmp/{0} 2>&1; echo code $? >>/tmp/{0}'"
        # One that was there before, and outlives its session as a terminal multiplexer does.
        self.over_ssh("setsid -f " + later.format("early") + " >/dev/null 2>&1 </dev/null")
        ran = self.over_ssh("sudo revet apply --no-input --wait 10min --rule ssh.keys-only; "
                            "setsid -f " + later.format("orphan") + " >/dev/null 2>&1 </dev/null; "
                            "sudo systemd-run -q --wait --pipe revet confirm; echo code $?")
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        self.assertIn("code 64", ran.stdout)
        self.assertIn("not a session that sshd opened", ran.stderr)
        for name in ("early", "orphan"):
            self.write(f"/run/{name}", "")
            self.assertRegex(self.left(name), "was open before.*\ncode 64", name)
        for address in (self.host.net().host, "127.0.0.1", "::1"):
            here = self.over_a_hop("revet confirm", address)
            self.assertEqual(here.returncode, 64, here.stdout + here.stderr)
            self.assertIn("comes from the server itself", here.stderr)
        self.assertEqual(self.host.exec(["revet", "confirm"], check=False).returncode, 64)
        self.assertIn("waiting", self.out("revet", "history"))
        confirmed = self.over_ssh("sudo revet confirm")
        self.assertEqual(confirmed.returncode, 0, confirmed.stderr)

    def test_another_sshd_is_the_way(self):
        """The configuration that is looked at is not that of the sshd through which the session came."""
        self.out("sh", "-ec", "sed 's/^Include.*//' /etc/ssh/sshd_config >/etc/ssh/other; "
                 "printf 'Port 2222\\nPidFile none\\n' >>/etc/ssh/other; /usr/sbin/sshd -f /etc/ssh/other")
        self.addCleanup(self.out, "pkill", "-f", "sshd -f /etc/ssh/other")
        other = ["-p", "2222", f"ops@{self.host.net().host}"]
        options = ["-F", "none", "-i", self.host.image.key, "-oStrictHostKeyChecking=no",
                   "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes"]
        ran = self.host.outside(["ssh", *options, *other, f"echo {PASSWORD} | sudo -S revet apply --no-input "
                                 "--rule ssh.keys-only"], timeout=60)
        self.assertIn("not known to fail or pass: ssh.keys-only", ran.stdout + ran.stderr)
        self.assertIn("There is nothing to change", ran.stdout + ran.stderr)

    def test_another_port_is_the_way(self):
        """The same configuration, but for the port that an option names."""
        self.out("/usr/sbin/sshd", "-p", "2222", "-o", "PidFile=none")
        self.addCleanup(self.out, "pkill", "-f", "sshd -p 2222")
        options = ["-F", "none", "-i", self.host.image.key, "-oStrictHostKeyChecking=no",
                   "-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes", "-p", "2222"]
        ran = self.host.outside(["ssh", *options, f"ops@{self.host.net().host}", f"echo {PASSWORD} | sudo -S revet "
                                 "apply --no-input --rule ssh.keys-only"], timeout=60)
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("port 2222", ran.stderr)
        self.assertIn("nothing was changed", ran.stderr)

    def test_one_more_session_in_an_open_connection_is_no_login(self):
        """OpenSSH's ControlMaster."""
        with tempfile.TemporaryDirectory() as top:
            argv = ["ssh", "-F", "none", "-i", self.host.image.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
                    "-oBatchMode=yes", "-oLogLevel=ERROR", f"-oControlPath={top}/s", f"ops@{self.host.net().host}"]
            run = lambda command: self.host.outside([*argv, f"echo {PASSWORD} | sudo -S -p '' revet {command}"], timeout=60)
            self.host.outside([*argv[:1], "-MNf", *argv[1:]])
            try:
                self.assertIn("REVERTS", run("apply --no-input --wait 10min --rule ssh.keys-only").stdout)
                refused = run("confirm")
            finally:
                self.host.outside([*argv[:1], "-Oexit", *argv[1:]])
            self.assertEqual(refused.returncode, 64, refused.stdout + refused.stderr)
            self.assertIn("was open before the change", refused.stderr)
            self.assertEqual(run("confirm").returncode, 0)

    def test_an_emptied_environment_makes_no_console(self):
        ran = self.host.ssh([f"exec env -i /bin/sh -c 'echo {PASSWORD} | sudo -S /usr/local/bin/revet apply "
                             "--no-input --wait 10min --rule ssh.keys-only'"], timeout=60)
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        self.assertEqual(self.host.exec(["revet", "confirm"], check=False).returncode, 64)
        self.assertEqual(self.over_ssh("sudo revet confirm").returncode, 0)

    def test_where_a_hop_on_the_server_is_the_way(self):
        ran = self.over_a_hop("revet apply --no-input --wait 10min --rule ssh.keys-only")
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        confirmed = self.over_a_hop("revet confirm")
        self.assertEqual(confirmed.returncode, 0, confirmed.stderr)


class Penalties(OnHost):
    """OpenSSH counts against an address what comes from it and does not log in, as revet's own looks at sshd."""

    image = "debian-13"

    def test_what_sshd_counts_keeps_nobody_out(self):
        self.host.put(self.host.image.key, "/home/ops/key", mode="600")
        self.out("chown", "ops", "/home/ops/key")
        # By the second, one connection is too many, and the next four seconds are lost.
        for penalties in ("", "PerSourcePenalties noauth:4s authfail:4s min:1s\nMaxStartups 2\n"):
            self.write("/etc/ssh/sshd_config.d/50-other.conf", penalties)
            self.out("systemctl", "restart", "ssh")
            began = time.monotonic()
            self.out("bash", "-c", f"exec 3<>/dev/tcp/{self.host.net().host}/22; head -n 1 <&3")
            ran = self.host.ssh([f"echo {PASSWORD} | sudo -S revet apply --no-input --wait 10min --family ssh"], timeout=120)
            self.assertIn("REVERTS", ran.stdout, ran.stderr)
            self.assertRegex(ran.stdout, "sshd answers on .* and offers to log in with publickey\n")
            if penalties:
                self.assertGreater(time.monotonic() - began, 4)
            # Its own address is another matter where they are that strict.
            hop = "ssh -F none -i key -oStrictHostKeyChecking=no -oBatchMode=yes 127.0.0.1 id -un"
            if not penalties:
                self.assertEqual(self.host.ssh([hop]).stdout, "ops\n")
            done = self.host.ssh([f"echo {PASSWORD} | sudo -S revet confirm"], timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.out("revet", "revert")


class Others(OnHost):
    """What stands in the place of sudo, and of a session that ends with its connection."""

    image = "other-ways"

    def tearDown(self):
        self.host.exec(["revet", "revert"], check=False)
        self.out("sh", "-c", "rm -f /etc/doas.conf; gpasswd -a ops sudo")

    def confirmed(self, command):
        self.assertTrue(wait_until(lambda: "waiting" in self.out("revet", "history"), 20))
        done = self.host.ssh([command], timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("committed", self.out("revet", "history"))

    def test_doas(self):
        apply = "apply --no-input --wait 10min --rule ssh.keys-only"
        self.out("gpasswd", "-d", "ops", "sudo")
        for conf, fits in (("deny ops", False), ("permit ops cmd /usr/bin/apt", False), ("permit :daemon", False),
                           ("permit nopass :ops", True), ("permit ops", True)):
            with self.subTest(conf):
                self.write("/etc/doas.conf", f"{conf}\n")
                ran = self.host.exec(["revet", *apply.split()], check=False)
                said = ran.stdout + ran.stderr
                self.assertEqual(ran.returncode, 0 if fits else 4, said)
                self.assertIn("ops may log in from anywhere with a key of /home/ops/.ssh/authorized_keys, and has doas"
                              if fits else "sudo does not let it become root", said)
                self.assertEqual(self.becomes_root(), fits)
                self.host.exec(["revet", "revert"], check=False)
        for spoilt in ("chmod 666 /etc/doas.conf",
                       "sed -i '1i auth required pam_exec.so quiet /bin/false' /etc/pam.d/doas"):
            with self.subTest(spoilt):
                self.out("sh", "-c", f"echo permit ops >/etc/doas.conf; {spoilt}")
                self.assertEqual(self.host.exec(["revet", *apply.split()], check=False).returncode, 4)
                self.assertFalse(self.becomes_root())
                self.out("sh", "-c", "rm /etc/doas.conf; sed -i /pam_exec/d /etc/pam.d/doas")
        self.write("/etc/doas.conf", "permit nopass ops\n")
        ran = self.host.ssh([f"doas revet {apply}"], timeout=60)
        self.assertIn("REVERTS", ran.stdout, ran.stderr)
        self.confirmed("doas revet confirm")

    def becomes_root(self):
        """With his password, on a terminal, which is where doas asks for it."""
        return self.out("sh", "-c", f"(sleep 0.3; echo {PASSWORD}; sleep 0.3) | setpriv --reuid=ops --regid=ops --init-groups "
                        "script -qec 'doas id -u' /dev/null; true").split()[-1:] == ["0"]

    def test_tmux(self):
        """What is applied in one goes on when the connection is cut, and is not confirmed from one."""
        sudo = f"echo {PASSWORD} | sudo -S revet"
        self.host.ssh([f"tmux new-session -d '{sudo} apply --wait 10min --rule ssh.keys-only; sleep 60'"])
        self.assertTrue(wait_until(lambda: "waiting" in self.out("revet", "history"), 20))
        self.host.ssh([f"tmux new-session -d '{sudo} confirm >/tmp/confirm 2>&1; echo code $? >>/tmp/confirm'"])
        self.out("sh", "-c", "for i in $(seq 100); do grep -q ^code /tmp/confirm && break; sleep 0.1; done")
        self.assertIn("code 64", self.read("/tmp/confirm"))
        self.confirmed(f"{sudo} confirm")


if __name__ == "__main__":
    unittest.main()
