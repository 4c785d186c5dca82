# SPDX-License-Identifier: Apache-2.0
"""What answered before a change answers after it, or the change is undone at once: services that die,
hang, loop or are slow, listeners that are hostile, and those that nobody is to blame for."""

import time
import unittest

from oracle import OnHost
from test_change import tree

# A change to the running kernel; what runs beside it may watch for that.
CHANGE = ("--rule", "net.icmp-redirects")

# victim WHEN KIND ADDRESS PORT: listens, and once the kernel's parameter is set does what WHEN says.
VICTIM = r"""#!/usr/bin/perl
use Socket qw(:all);
my ($when, $kind, $address, $port, $count) = @ARGV;
my @all;
sub bound {
    my ($port) = @_;
    my $s;
    if ($kind eq 'unix') {
        unlink $address;
        socket($s, AF_UNIX, SOCK_STREAM, 0) or die;
        bind($s, pack_sockaddr_un($address)) or die "bind: $!";
    } else {
        my $six = $address =~ /:/;
        socket($s, $six ? AF_INET6 : AF_INET, $kind eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) or die;
        setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
        setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $six;
        bind($s, $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address))
                      : pack_sockaddr_in($port, inet_aton($address))) or die "bind: $!";
    }
    listen($s, $when eq 'dead' ? 0 : 50) if $kind ne 'udp';
    push @all, $s;
}
sub changed {
    open(my $f, '<', '/proc/sys/net/ipv4/conf/default/accept_redirects') or die;
    return <$f> == 0;
}
bound($port + $_) for 0 .. ($count || 1) - 1;
my @held;
if ($when eq 'dead') {
    for (1 .. 4) {
        socket(my $c, AF_INET, SOCK_STREAM | 2048, 0);
        connect($c, pack_sockaddr_in($port, inet_aton($address)));
        push @held, $c;
    }
}
open(my $ready, '>', "/run/victim.$port"); close($ready);
while (1) {
    my $now = changed();
    exit 1 if $now && ($when eq 'die' || $when eq 'loop');
    exit 0 if $now && $when eq 'leave';
    if ($now && $when =~ /^(close|slow|dead)$/) {
        @all = @held = ();
        sleep($when eq 'slow' ? 3 : 100000);
        bound($port);
        $when = 'stay';
    }
    my $rin = '';
    vec($rin, fileno($_), 1) = 1 for @all;
    next if $when eq 'dead' ? !select(undef, undef, undef, 0.05) : !select($rin, undef, undef, 0.05);
    next if $kind eq 'udp' || $when eq 'dead' || $when eq 'hang';
    for my $s (@all) {
        next unless vec($rin, fileno($s), 1);
        accept(my $c, $s) or next;
        if ($when eq 'flood') {
            $SIG{CHLD} = 'IGNORE';
            next if fork;
            local $SIG{ALRM} = sub { exit };
            alarm 20;
            1 while syswrite($c, 'x' x 65536);
            exit;
        }
        sleep 1 if $now && $when eq 'late';
        syswrite($c, $now && $when eq 'refuse' ? "421 go away\r\n" : "220 victim\r\n") if $when =~ /^(refuse|hush|late)$/ && !($now && $when eq 'hush');
        push @held, $c if $when eq 'hush';
    }
}
"""


class Services(OnHost):
    """On one host; each test leaves it as it was."""

    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.write("/usr/local/bin/victim", VICTIM)
        cls.out("chmod", "755", "/usr/local/bin/victim")

    def setUp(self):
        self.units = []
        self.addCleanup(self.clean)

    def clean(self):
        self.host.exec(["sh", "-c", f"revet revert; systemctl stop {' '.join(self.units)} 'revet-revert-*.timer'; "
                        "systemctl reset-failed; rm -rf /var/lib/revet /run/victim.*"], check=False)

    def victim(self, when, kind="tcp", address="127.0.0.1", port=7000, count=1, *, service="Restart=no",
               name="victim"):
        self.write(f"/run/systemd/system/{name}.service",
                   f"[Service]\nExecStart=/usr/local/bin/victim {when} {kind} {address} {port} {count}\n{service}\n")
        self.out("systemctl", "daemon-reload")
        self.out("systemctl", "start", name)
        self.units.append(name)
        self.out("sh", "-c", f"until [ -e /run/victim.{port} ]; do sleep 0.02; done")

    def apply(self, code, *argv):
        began = time.monotonic()
        said = self.revet("apply", "--no-input", *(argv or CHANGE), code=code)
        return said, time.monotonic() - began

    def is_undone(self, before, name="victim"):
        self.assertEqual(tree(self.host.root), before)
        self.assertEqual(self.out("sysctl", "-n", "net.ipv4.conf.default.accept_redirects"), "1\n")
        self.assertEqual(self.out("systemctl", "is-active", name), "active\n")

    def answers(self, address="127.0.0.1", port=7000):
        return self.host.exec(["perl", "-MSocket=:all", "-e", "my ($a, $p) = @ARGV; my $six = $a =~ /:/; "
                               "socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_STREAM, 0); exit !connect($s, $six ? "
                               "pack_sockaddr_in6($p, inet_pton(AF_INET6, $a)) : pack_sockaddr_in($p, inet_aton($a)))",
                               address, str(port)], check=False).returncode == 0

    # --- what is to blame on the change ---

    def test_a_service_dies(self):
        self.victim("die")
        before = tree(self.host.root)
        said, seconds = self.apply(4)
        self.assertIn("after the change victim.service has failed (exit-code)", said)
        self.assertLess(seconds, 6)
        self.is_undone(before)
        self.assertTrue(self.answers())

    def test_one_on_ipv6_alone_ends_without_an_error(self):
        self.victim("leave", address="::1")
        before = tree(self.host.root)
        said, _ = self.apply(4)
        self.assertRegex(said, r"victim\.service does not (run|answer on \[::1\]:7000)")
        self.is_undone(before)
        self.assertTrue(self.answers("::1"))

    def test_a_service_is_restarted_over_and_over(self):
        self.victim("loop", service="Restart=always\nRestartSec=50ms\n[Unit]\nStartLimitIntervalSec=0")
        before = tree(self.host.root)
        said, seconds = self.apply(4)
        # Slowly started, it may be found down before it was started often.
        self.assertRegex(said, "victim.service ((ends|is started) again and again|does not run any more)")
        self.assertLess(seconds, 10)
        self.is_undone(before)

    def test_a_service_runs_but_does_not_answer(self):
        self.victim("close")
        before = tree(self.host.root)
        said, _ = self.apply(4)
        self.assertIn("not before, victim.service does not answer on 127.0.0.1:7000", said)
        self.is_undone(before)
        self.assertTrue(self.answers())

    def test_a_service_turns_people_away(self):
        self.victim("refuse", port=7000)
        self.victim("hush", port=7001, name="victim2")
        before = tree(self.host.root)
        said, _ = self.apply(4)
        self.assertIn("victim.service turns away who connects to 127.0.0.1:7000", said)
        self.assertIn("victim2.service does not greet on 127.0.0.1:7001", said)
        self.is_undone(before)

    def test_what_is_bound_is_bound(self):
        self.victim("close", "udp", port=700)
        self.victim("close", "unix", "/run/victim.sock", name="victim2")
        before = tree(self.host.root)
        said, _ = self.apply(4)
        self.assertIn("victim.service does not have UDP 127.0.0.1:700", said)
        self.assertIn("victim2.service does not have /run/victim.sock", said)
        self.is_undone(before)

    def test_sshd_goes_on_with_its_old_configuration(self):
        self.write("/etc/systemd/system/ssh.service.d/x.conf", "[Service]\nExecReload=\nExecReload=/bin/true\n")
        self.out("systemctl", "daemon-reload")
        self.addCleanup(self.out, "sh", "-c", "rm -r /etc/systemd/system/ssh.service.d; systemctl daemon-reload")
        before = tree(self.host.root)
        said, _ = self.apply(4, "--rule", "ssh.keys-only")
        self.assertIn("publickey,password", said)
        self.assertEqual(tree(self.host.root), before)
        said, _ = self.apply(4, "--rule", "ssh.macs")
        self.assertIn("other algorithms than its configuration says", said)
        self.assertEqual(tree(self.host.root), before)
        self.assertEqual(self.host.ssh(["id", "-un"]).stdout, "ops\n")

    # --- what is not ---

    def test_a_service_is_slow(self):
        self.victim("slow")
        said, seconds = self.apply(0)
        self.assertIn("every service runs and answers as before", said)
        self.assertGreater(seconds, 2.5)
        self.assertTrue(self.answers())

    def test_a_service_greets_late(self):
        self.victim("late")
        said, seconds = self.apply(0)
        self.assertIn("every service runs and answers as before", said)
        self.assertGreater(seconds, 1)

    def test_what_was_dead_before(self):
        self.victim("dead")
        self.apply(0)

    def test_somebodys_own(self):
        self.out("systemd-run", "-q", "--slice=user.slice", "--unit=own", "/usr/local/bin/victim", "leave",
                 "tcp", "127.0.0.1", "7000")
        self.units.append("own")
        self.out("sh", "-c", "until [ -e /run/victim.7000 ]; do sleep 0.02; done")
        self.apply(0)

    def test_hostile_and_many(self):
        self.victim("hang", port=7000, count=200)
        self.victim("flood", port=8000, count=5, name="victim2")
        self.victim("stay", address="::1", name="victim3", port=8100)
        said, seconds = self.apply(0)
        self.assertLess(seconds, 6)
        plan = self.revet("plan", "--rule", "cron.files-private")
        self.assertIn("victim.service 127.0.0.1:7199", plan)
        self.assertIn("victim3.service [::1]:8100", plan)


class Removed(OnHost):
    image = "iot-backend"

    def test_what_the_plan_stops_is_not_missed(self):
        plan = self.revet("plan", "--rule", "services.rpcbind")
        self.assertNotIn(":111", plan.partition("then ")[2])
        self.assertIn("nginx.service 0.0.0.0:80", plan)
        self.revet("apply", "--no-input", "--rule", "services.rpcbind")
        self.assertNotIn(":111 ", self.out("ss", "-Hltn"))
        self.revet("revert")
        self.assertIn(":111 ", self.out("ss", "-Hltn"))

    def test_what_needs_it_now_and_then_is_left_alone(self):
        """It does not run now; systemd would not start it any more."""
        job = "[Unit]\n{}=rpcbind.service\n[Service]\nType=oneshot\nExecStart=/bin/true\n"
        timer = "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n"
        self.write("/etc/systemd/system/job.service", job.format("Requires"))
        self.write("/etc/systemd/system/job.timer", timer)
        self.out("systemctl", "enable", "job.timer")
        told = self.revet("plan", "--rule", "services.rpcbind")
        self.assertIn("job.service requires rpcbind.service, and would not start any more", told)
        # Without the first it would start, and the other is started by nobody.
        for requires, switch in (("Wants", "enable"), ("Requires", "disable")):
            self.write("/etc/systemd/system/job.service", job.format(requires))
            self.out("systemctl", switch, "job.timer")
            self.assertIn("rpcbind.service", self.revet("plan", "--rule", "services.rpcbind"))
            self.revet("apply", "--no-input", "--rule", "services.rpcbind")
            self.assertEqual(self.host.exec(["systemctl", "start", "job.service"], check=False).returncode == 0,
                             requires == "Wants")
            self.revet("revert")
        self.out("sh", "-c", "systemctl disable job.timer; rm /etc/systemd/system/job.*; systemctl daemon-reload; "
                 "systemctl reset-failed")

    def test_what_needs_it_is_missed(self):
        self.write("/etc/systemd/system/nginx.service.d/x.conf",
                   "[Unit]\nBindsTo=rpcbind.service\nAfter=rpcbind.service\n")
        # What the boot starts would not come into a plan.
        self.out("systemctl", "disable", "nginx")
        self.addCleanup(self.out, "sh", "-c", "rm -r /etc/systemd/system/nginx.service.d; systemctl enable nginx")
        said = self.revet("apply", "--no-input", "--rule", "services.rpcbind", code=4)
        self.assertIn("after the change nginx.service does not run any more", said)
        self.assertLessEqual({":111", ":80"}, {":" + line.split()[3].rpartition(":")[2]
                                               for line in self.out("ss", "-Hltn").splitlines()})


if __name__ == "__main__":
    unittest.main()
