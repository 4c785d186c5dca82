# SPDX-License-Identifier: Apache-2.0
"""Changes from where things are not as a shell usually has them: masks, limits, environments, descriptors, homes
that are not there, clocks."""

from oracle import OnHost

KEYS = ("--no-input", "--wait", "10min", "--rule", "ssh.keys-only")
# A home that has been mounted, as is done at login with one that is encrypted.
MOUNTED = ("cp -a /home/ops /root/ops; mount -t tmpfs -o mode=755 none /home/ops; chown ops: /home/ops; "
           "cp -a /root/ops/. /home/ops")
UNMOUNT = "umount /home/ops; : >/etc/fstab"


class Surroundings(OnHost):
    image = "debian-12"

    def tearDown(self):
        self.host.exec(["sh", "-c", "revet revert; rm -rf /var/lib/revet"], check=False)

    def made(self):
        """All that a change writes, with modes and owners."""
        return self.sh("find /etc /usr/share /run/systemd/transient /var/lib/revet -newer /root/mark ! -name '*.service' "
                       "! -name '*.timer' -printf '%M %u %g %p\\n' | sort; stat -c '%A %n' /etc/systemd/system/revet-*")

    def apply_in(self, surroundings, code=0):
        self.sh("touch /root/mark; sleep 0.05")
        ran = self.host.exec(["sh", "-c", f"{surroundings}\nexec /usr/local/bin/revet apply --no-input --wait 10min "
                              "--rule ssh.no-root-login --rule net.icmp-redirects --rule cron.files-private "
                              "--rule pam.faillock"], check=False)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        made = self.made()
        self.revet("revert")
        self.sh("rm -rf /var/lib/revet")
        return made

    def test_whoever_starts_it_has_odd_ways(self):
        usual = self.apply_in("umask 022")
        self.assertIn("-rw------- root root /etc/ssh/sshd_config.d/00-revet.conf\n", usual)
        self.assertIn("-rwx------ root root /var/lib/revet/changes/0001/undo.sh\n", usual)
        for odd, code in (
                # What it prints has failed then, which is said; what it does has not.
                ("umask 000; exec <&- >&- 2>&-", 1),
                ("umask 0777; mkdir -m 700 /tmp/gone; cd /tmp/gone; rmdir /tmp/gone; export PATH= HOME=/none TMPDIR=/none LD_LIBRARY_PATH=/none "
                 "LD_PRELOAD=/none.so TZ=No/Where LANG=xx_YY IFS=x SYSTEMD_OFFLINE=1 "
                 "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none", 0)):
            with self.subTest(odd):
                self.assertEqual(self.apply_in(odd, code), usual)

    def test_a_limit_on_files_is_an_error(self):
        """Not a signal, which would end it half way."""
        for kib in (4, 16):
            ran = self.host.exec(["bash", "-c", f"ulimit -f {kib}; revet apply --no-input --wait 10min --family ssh"], check=False)
            said = ran.stdout + ran.stderr
            self.assertIn(ran.returncode, (0, 1, 4), said)
            if ran.returncode:
                self.assertIn("File too large", said)
                self.assertNotIn("00-revet.conf", self.out("ls", "/etc/ssh/sshd_config.d"))
            self.host.exec(["revet", "revert"], check=False)

    def test_a_home_that_is_not_there_at_login(self):
        for lost, found, why in (
                ("mv /home/ops /home/away", "mv /home/away /home/ops",
                 "its home, /home/ops, cannot be looked at: No such file or directory"),
                (MOUNTED, UNMOUNT, "/home/ops/.ssh/authorized_keys may be there only while it is logged in"),
                ("echo '/dev/sdz1 /home/ ext4 nofail 0 2' >/etc/fstab", ": >/etc/fstab",
                 "/home, which /etc/fstab has, is not mounted"),
                (MOUNTED + "; echo 'none /home/ops tmpfs mode=755 0 0' >/etc/fstab", UNMOUNT, None)):
            with self.subTest(lost):
                self.sh(lost)
                said = self.revet("apply", *KEYS, code=4 if why else 0)
                self.assertIn(why or "ops may log in from anywhere with a key", said)
                self.assertEqual("passwordauthentication no" in self.out("sshd", "-T"), not why)
                self.host.exec(["revet", "revert"], check=False)
                self.sh(found)

    def test_a_clock_that_is_set_moves_nothing(self):
        """What reverts counts from now on, by a clock that nobody sets; none of it has a date."""
        self.revet("apply", *KEYS)
        timer = self.out("systemctl", "show", "-p", "TimersMonotonic,TimersCalendar", "revet-revert-0001.timer")
        self.assertRegex(timer, r"TimersMonotonic=\{ OnActiveUSec=10min ;")
        self.assertNotRegex(timer, "TimersCalendar=.")

    def test_sshd_that_nobody_has_started(self):
        """As where a socket does. And somebody stops what would revert a change."""
        self.revet("apply", *KEYS)
        self.sh("systemctl stop revet-revert-0001.timer; sed -i 's/^deadline .*/deadline 9/' /var/lib/revet/changes/0001/journal")
        said = self.revet("apply", "--no-input", "--rule", "cron.files-private", code=5)
        self.assertIn("waits to be confirmed, and what was to revert it by now has not; see", said)
        self.revet("revert")
        self.sh("mv /run/sshd /run/away")
        said = self.revet("apply", *KEYS, code=1)
        self.assertIn("nobody has come in since the boot: mkdir -m 755 /run/sshd", said)
        self.assertIn("nothing was changed", said)
        self.sh("mv /run/away /run/sshd")

    def test_an_account_of_a_directory(self):
        """One of LDAP is in no file here, as this one is not any more once it has come in."""
        ran = self.host.ssh(["echo revet-ops | sudo -S sh -c 'cp -p /etc/passwd /root/passwd; sed -i /^ops:/d /etc/passwd; "
                             "/usr/local/bin/revet apply --no-input --rule ssh.keys-only; echo code $?; "
                             "cp -p /root/passwd /etc/passwd'"], timeout=60)
        self.assertIn("code 4\n", ran.stdout)
        self.assertIn("the account of this session, uid 1000, is not in /etc/passwd", ran.stderr)
