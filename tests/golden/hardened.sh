# SPDX-License-Identifier: Apache-2.0
# Makes a stock debian-12 test host meet every rule that a container without new packages can be made
# to meet, as the rules' texts say it. Runs in the host, as root, and is recorded as `hardened`.
set -u
cd /

# --- ssh ----------------------------------------------------------------------------------------
cat >/etc/ssh/sshd_config.d/00-hardened.conf <<'END'
AddressFamily inet
AllowAgentForwarding no
AllowGroups sudo
AllowStreamLocalForwarding no
AllowTcpForwarding no
Banner /etc/issue.net
ClientAliveCountMax 3
ClientAliveInterval 300
Compression no
DebianBanner no
DisableForwarding yes
KbdInteractiveAuthentication no
LoginGraceTime 60
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
MaxAuthTries 4
MaxStartups 10:30:60
PasswordAuthentication no
PerSourceMaxStartups 5
PermitRootLogin no
PermitUserRC no
RekeyLimit 1G 1h
RequiredRSASize 2048
TCPKeepAlive no
X11Forwarding no
END
systemctl reload ssh

# --- accounts -----------------------------------------------------------------------------------
sed -i -e 's/^UMASK.*/UMASK 027/' -e 's/^#\?HOME_MODE.*/HOME_MODE 0700/' \
	-e 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 365/' -e 's/^PASS_MIN_DAYS.*/PASS_MIN_DAYS 1/' /etc/login.defs
echo 'session optional pam_umask.so' >>/etc/pam.d/common-session
chmod 700 /home/ops
for user in root ops; do
	chage -M 365 -m 1 -I 30 $user
done
useradd -D -f 30 >/dev/null
printf 'readonly TMOUT=900\nexport TMOUT\n' >/etc/profile.d/timeout.sh
echo '* hard core 0' >/etc/security/limits.d/core.conf
for file in /etc/issue /etc/issue.net /etc/motd; do
	echo 'Access is for authorised people only and is monitored.' >$file
done

# --- PAM and sudo -------------------------------------------------------------------------------
sed -i -e 's/ nullok//' -e '/pam_unix.so/i auth required pam_faillock.so preauth' \
	/etc/pam.d/common-auth
sed -i -e '/pam_deny.so/i auth [default=die] pam_faillock.so authfail' \
	-e 's/success=1 default=ignore/success=2 default=ignore/' /etc/pam.d/common-auth
echo 'account required pam_faillock.so' >>/etc/pam.d/common-account
printf 'deny = 5\nunlock_time = 900\nfail_interval = 900\n' >/etc/security/faillock.conf
sed -i '/pam_unix.so/i password required pam_pwhistory.so remember=24 use_authtok' \
	/etc/pam.d/common-password
sed -i -e '0,/pam_rootok/s/.*pam_rootok.*/&\nauth required pam_wheel.so group=sudo/' /etc/pam.d/su
echo 'Defaults logfile=/var/log/sudo.log' >/etc/sudoers.d/log
chmod 440 /etc/sudoers.d/log
visudo -cq

# --- cron and files -----------------------------------------------------------------------------
echo root >/etc/cron.allow
chmod 640 /etc/cron.allow
chmod 600 /etc/crontab
chmod 700 /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly

# --- the network --------------------------------------------------------------------------------
cat >/etc/sysctl.d/90-hardened.conf <<'END'
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.conf.all.rp_filter = 1
net.ipv4.conf.all.secure_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.eth0.accept_redirects = 0
net.ipv4.conf.default.log_martians = 1
net.ipv4.conf.default.rp_filter = 1
net.ipv4.conf.default.secure_redirects = 0
net.ipv4.conf.default.send_redirects = 0
net.ipv4.tcp_rfc1337 = 1
net.ipv6.conf.all.accept_ra = 0
net.ipv6.conf.all.accept_redirects = 0
net.ipv6.conf.default.accept_ra = 0
net.ipv6.conf.default.accept_redirects = 0
net.ipv6.conf.eth0.accept_redirects = 0
END
sysctl -q -p /etc/sysctl.d/90-hardened.conf
cat >/etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		ip saddr 127.0.0.0/8 drop
		ip6 saddr ::1 drop
		tcp dport 22 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy drop;
		oifname "lo" accept
		ct state established,related accept
		udp dport { 53, 123 } accept
		tcp dport { 53, 80, 443 } accept
	}
}
END
systemctl -q enable nftables.service
systemctl restart nftables.service
echo 'nameserver 127.0.0.1' >/etc/resolv.conf

# --- boot, logs, updates ------------------------------------------------------------------------
systemctl -q mask ctrl-alt-del.target
install -d /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=persistent\nCompress=yes\nForwardToSyslog=yes\n' \
	>/etc/systemd/journald.conf.d/hardened.conf
cat >/etc/rsyslog.d/remote.conf <<'END'
*.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls"
	StreamDriverMode="1" StreamDriverAuthMode="x509/name")
END
systemctl restart systemd-journald rsyslog
for module in cramfs dccp firewire-core freevxfs hfs hfsplus jffs2 ksmbd overlay rds sctp squashfs \
	tipc udf usb-storage; do
	printf 'install %s /bin/false\nblacklist %s\n' $module $module
done >/etc/modprobe.d/hardened.conf
true
