# SPDX-License-Identifier: Apache-2.0
"""How the rules of updates come to fail. There is no network: lists, packages and keys are put where
apt keeps them."""

# Two keys of an archive, in OpenPGP's own form, without signatures: RSA of 4096 and of 1024 bits,
# and one made in 2010 for a day. What is judged is written in them.
KEYS = r"""
cat >/usr/local/bin/make-key <<'EOF'
#!/usr/bin/perl
# make-key BITS ALGORITHM DAYS: a public key, a name and the self-signature that says how long it holds.
my ($bits, $algorithm, $days) = @ARGV;
my $mpi = sub { pack('n', $_[0]) . "\xff" . ("\x5a" x ($_[0] / 8 - 1)) };
my $made = 1262304000;
my $key = pack('CNC', 4, $made, $algorithm) . ($algorithm == 1 ? $mpi->($bits) . pack('n', 17) . "\x01\0\x01"
    : $mpi->($bits) . $mpi->(160) . $mpi->($bits) . $mpi->($bits));
my $packet = sub { my ($tag, $body) = @_; pack('CN', 0x80 | $tag << 2 | 2, length $body) . $body };
my $hashed = pack('CCN', 5, 2, $made) . pack('CCN', 5, 9, $days * 86400);
my $sig = pack('CCCC', 4, 0x13, $algorithm, 8) . pack('n', length $hashed) . $hashed;
require Digest::SHA;
my $id = substr(Digest::SHA::sha1("\x99" . pack('n', length $key) . $key), -8);
my $free = pack('CC', 9, 16) . $id;
$sig .= pack('n', length $free) . $free . "\0\0" . $mpi->(1024);
$sig .= $mpi->(160) if $algorithm != 1;
binmode STDOUT;
print $packet->(6, $key), $packet->(13, 'Archive <a@example.org>'), $packet->(2, $sig);
EOF
chmod 755 /usr/local/bin/make-key
"""

# A service with a library of its own, which sleeps. What is put back would be replaced once more.
LOADED = """systemctl stop own-library || true
install -D /usr/lib/x86_64-linux-gnu/libm.so.6 /nix/lib/libown.so.1
systemd-run -q --unit=own-library -E LD_PRELOAD=/nix/lib/libown.so.1 sleep infinity"""


def replaced(path):
    """As a package manager does it."""
    return f"p={path}; cp -p $p $p.dpkg-new; mv $p.dpkg-new $p"


GOOD = KEYS + r"""
rm -f /etc/apt/sources.list.d/*
put /etc/apt/sources.list 'deb http://deb.debian.org/debian bookworm main
deb http://security.debian.org/debian-security bookworm-security main'
rm -rf /var/lib/apt/lists/*
for archive in deb.debian.org_debian_dists_bookworm security.debian.org_debian-security_dists_bookworm-security; do
    case $archive in *-security) of=-security label=-Security ;; *) of='' label='' ;; esac
    printf "Origin: Debian\nLabel: Debian$label\nSuite: stable$of\nCodename: bookworm$of\nDate: %s\n" "$(date -Ru)" \
        >/var/lib/apt/lists/${archive}_Release
    : >/var/lib/apt/lists/${archive}_main_binary-amd64_Packages
done
mkdir -p /var/lib/apt/periodic
cat >>/var/lib/dpkg/status <<'EOF'

Package: unattended-upgrades
Status: install ok installed
Architecture: all
Version: 2.9.1
Maintainer: x
Description: x

Package: linux-image-amd64
Status: install ok installed
Architecture: amd64
Version: 6.1.1
Maintainer: x
Description: x

Package: linux-image-6.1.0-18-amd64
Status: install ok installed
Architecture: amd64
Version: 6.1.1
Maintainer: x
Description: x
EOF
put /etc/apt/apt.conf.d/20auto-upgrades 'APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";'
put /etc/apt/apt.conf.d/50unattended-upgrades 'Unattended-Upgrade::Origins-Pattern {
        "origin=Debian,codename=${distro_codename},label=Debian";
        "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};'
systemctl unmask apt-daily.timer apt-daily-upgrade.timer
systemctl enable apt-daily.timer apt-daily-upgrade.timer
"""

STATUS = "/var/lib/dpkg/status"


def state(text, package="unattended-upgrades"):
    return f"sed -i '/^Package: {package}$/,/^$/ s/^Status: .*/Status: {text}/' {STATUS}"


def source(options, name="vendor"):
    return f"put /etc/apt/sources.list.d/{name}.list 'deb {options} https://repo.example.org/apt stable main'"


def conf(text, name="99x"):
    return f"put /etc/apt/apt.conf.d/{name} '{text}'"


def pin(what, priority, packages="*", name="own"):
    return (f"put /etc/apt/preferences.d/{name} 'Package: {packages}\nPin: {what}\n"
            f"Pin-Priority: {priority}'")


def lists(days):
    return (f"find /var/lib/apt/lists /var/lib/apt/periodic -type f -exec touch -d '{days} days ago' {{}} +")


def key(place, *what):
    return f"mkdir -p {place.rpartition('/')[0]}; make-key {' '.join(map(str, what))} >{place}"


def dnf(main, repo="enabled=1"):
    """dnf's files, which count without dnf."""
    return (f"put /etc/dnf/dnf.conf '[main]\n{main}'\n"
            f"put /etc/yum.repos.d/x.repo '[x]\nname=x\nbaseurl=https://x.example/\n{repo}'")


LEFT = {
    "updates.automatic": "there is no repository: see test_packages",
}

RULES = {
    "updates.automatic": {
        "bad": [state("deinstall ok config-files"), conf('APT::Periodic::Unattended-Upgrade "0";'),
                conf('apt::periodic::enable "false";'), conf('APT::Periodic::Update-Package-Lists "0";'),
                "systemctl mask apt-daily-upgrade.timer", "systemctl disable apt-daily.timer",
                "systemctl mask apt-daily-upgrade.service",
                "put /etc/systemd/system/apt-daily-upgrade.timer.d/x.conf '[Timer]\nOnCalendar='",
                "put /etc/systemd/system/apt-daily-upgrade.service.d/x.conf '[Service]\nExecStart=\nExecStart=/bin/true'",
                conf('#clear Unattended-Upgrade::Origins-Pattern;'),
                conf('Unattended-Upgrade::Package-Blacklist { "linux-"; "[a-z]"; };'),
                conf('Unattended-Upgrade::Package-Whitelist { "tzdata"; };'),
                conf('APT::Periodic::Unattended-Upgrade "365";'), conf('APT::Periodic::Update-Package-Lists "31d";'),
                "sed -i '/Debian-Security/d' /etc/apt/apt.conf.d/50unattended-upgrades",
                "rm /etc/apt/apt.conf.d/20auto-upgrades"],
        "undo": "rm -rf /etc/systemd/system/apt-daily-upgrade.*.d; systemctl unmask apt-daily-upgrade.service "
                "apt-daily-upgrade.timer; systemctl enable apt-daily.timer apt-daily-upgrade.timer",
        "fine": [conf('#clear Unattended-Upgrade::Origins-Pattern;\n'
                      'Unattended-Upgrade::Allowed-Origins { "Debian:bookworm-security"; };')],
        "alone": True,
    },
    "updates.download-user": {
        "bad": [conf('APT::Sandbox::User "root";', "99s"), conf('APT { Sandbox { User "0"; }; };', "99t")],
        "alone": True,
    },
    "updates.end-of-life": {
        "bad": ["sed -i 's/^VERSION_ID=.*/VERSION_ID=\"10\"/' /usr/lib/os-release"],
        "alone": True,
    },
    "updates.expired-keys": {
        "bad": [key("/etc/apt/trusted.gpg.d/old.gpg", 4096, 1, 1),
                key("/usr/share/keyrings/old.gpg", 4096, 1, 1) + "\n" +
                source("[signed-by=/usr/share/keyrings/old.gpg]", "old"),
                key("/etc/apt/keyrings/old.gpg", 4096, 1, 1) + "\nput /etc/apt/sources.list.d/o.sources "
                "'Types: deb\nURIs: https://x.example\nSuites: ./\nSigned-By: /etc/apt/keyrings/old.gpg'"],
        "fine": [key("/etc/apt/trusted.gpg.d/new.gpg", 4096, 1, 36500),
                 key("/usr/share/keyrings/unused.gpg", 4096, 1, 1)],
    },
    "updates.half-installed": {
        "bad": [state("install ok half-configured", "cron"), state("install ok unpacked", "cron"),
                state("install reinstreq half-installed", "cron")],
        "fine": [state("deinstall ok config-files", "cron")],
        "alone": True,
    },
    "updates.held": {
        "bad": ["apt-mark hold cron >/dev/null", state("hold ok installed", "less")],
        "alone": True,
    },
    "updates.kernel-follows": {
        "bad": [state("deinstall ok config-files", "linux-image-amd64"),
                f"sed -i '/^Package: linux-image-amd64$/,/^$/d' {STATUS}"],
        "fine": [f"sed -i 's/^Package: linux-image-amd64$/Package: linux-image-cloud-amd64/' {STATUS}"],
        "alone": True,
    },
    "updates.legacy-keyring": {
        "bad": [key("/etc/apt/trusted.gpg", 4096, 1, 36500)],
        "fine": [": >/etc/apt/trusted.gpg"],
    },
    "updates.lists-fresh": {"bad": [lists(5)], "fine": [lists(2)], "undo": lists(0), "alone": True},
    "updates.local-rpm": {"bad": [dnf("localpkg_gpgcheck=0"), dnf("")], "fine": [dnf("localpkg_gpgcheck=1")],
                          "alone": True},
    "updates.old-libraries": {
        "good": LOADED,
        "bad": [(replaced("/nix/lib/libown.so.1"), LOADED),
                ("rm /nix/lib/libown.so.1", LOADED)],
        "fine": [("touch /nix/lib/libown.so.1; chmod 600 /nix/lib/libown.so.1; cp /nix/lib/libown.so.1 /nix/lib/other.so", LOADED)],
        "alone": True,
    },
    "updates.reboot": {
        "bad": [("touch /run/reboot-required", "rm /run/reboot-required"),
                "touch /boot/vmlinuz-$(uname -r) /boot/vmlinuz-99.$(uname -r)"],
    },
    "updates.security-pending": {
        "bad": ["""cat >>/var/lib/apt/lists/security.debian.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages <<'EOF'
Package: cron
Architecture: amd64
Version: 99:1
Filename: pool/c.deb
Size: 1
EOF"""],
        "alone": True,
    },
    "updates.security-source": {
        "bad": ["sed -i '/security/d' /etc/apt/sources.list", "sed -i 's/.*security/#&/' /etc/apt/sources.list",
                "sed -i 's/bookworm-security/bullseye-security/' /etc/apt/sources.list",
                "sed -i '/security/s/ main.*/ contrib/' /etc/apt/sources.list",
                "sed -i '/security/s/^deb /&[arch=i386] /' /etc/apt/sources.list",
                "sed -i '/security/s/^deb /&[arch-=amd64] /' /etc/apt/sources.list",
                "sed -i '/security/s/^deb /&[target=Sources] /' /etc/apt/sources.list",
                "sed -i 's/^deb \\(.*security\\)/deb-src \\1/' /etc/apt/sources.list",
                "sed -i '/security/d' /etc/apt/sources.list\nput /etc/apt/sources.list.d/s.sources "
                "'Types: deb\nURIs: http://security.debian.org/debian-security\nSuites: bookworm-security\n"
                "Components: main\nEnabled: no'"],
        "fine": ["sed -i '/security/d' /etc/apt/sources.list\nput /etc/apt/sources.list.d/s.sources "
                 "'Types: deb\nURIs: http://security.debian.org/debian-security\nSuites: bookworm-security\n"
                 "Components: main'"],
        "alone": True,
    },
    "updates.third-party-signed-by": {
        "bad": [source("[arch=amd64]"),
                "put /etc/apt/sources.list.d/y.sources 'Types: deb\nURIs: https://repo.example.org/apt\nSuites: ./'"],
        "fine": [source("[signed-by=/etc/apt/keyrings/v.gpg]")],
    },
    "updates.undated-lists": {
        "bad": [conf('Acquire::Check-Valid-Until "false";'), conf('acquire::check-valid-until "0";'),
                source("[check-valid-until=no]", "old")],
        "fine": [conf('Acquire::Check-Valid-Until "true";')],
        "alone": True,
    },
    "updates.unsigned-rpm": {
        "bad": [dnf("gpgcheck=0"), dnf("gpgcheck=1", "gpgcheck=False"), dnf("")],
        "fine": [dnf("gpgcheck=1", "enabled=0\ngpgcheck=0")],
        "alone": True,
    },
    "updates.unsigned-source": {
        "bad": [source("[trusted=yes]", "a"), source("[signed-by=/x.gpg allow-insecure=yes]", "b"),
                source('["trusted=yes"]', "q"), source("[trusted=%79es]", "p"),
                source("[allow-weak=yes]", "c"), source("[allow-downgrade-to-insecure=yes]", "d"),
                "put /etc/apt/sources.list.d/e.sources 'Types: deb\nURIs: https://x.example\nSuites: ./\nTrusted: yes'",
                conf('APT::Get::AllowUnauthenticated "true";', "99a"),
                conf('acquire { allowinsecurerepositories 1; };', "99b"),
                conf('Acquire::AllowDowngradeToInsecureRepositories yes;', "99c"),
                conf('Acquire::AllowWeakRepositories "on";', "99d"), conf('APT::Get::force-yes "1";', "99e")],
        "fine": ["put /etc/apt/sources.list.d/l.list 'deb [trusted=yes] file:/srv/repo ./'",
                 conf('APT::Get::AllowUnauthenticated "false";', "99f"),
                 "put /etc/apt/apt.conf.d/ignored.dpkg-old 'APT::Get::AllowUnauthenticated \"true\";'"],
        "alone": True,
    },
    "updates.unverified-mirror": {
        "bad": [dnf("sslverify=0"), dnf("", "sslverify=no")],
        "fine": [dnf("sslverify=1")],
        "alone": True,
    },
    "updates.weak-keys": {
        "bad": [key("/etc/apt/trusted.gpg.d/weak.gpg", 1024, 1, 36500),
                key("/etc/apt/trusted.gpg.d/dsa.gpg", 1024, 17, 36500),
                key("/usr/share/keyrings/weak.gpg", 1024, 1, 36500) + "\n" +
                source("[signed-by=/usr/share/keyrings/weak.gpg]", "weak")],
        "fine": [key("/usr/share/keyrings/spare.gpg", 1024, 1, 36500)],
    },
    "updates.security-outranked": {
        "bad": [conf('APT::Default-Release "bookworm";'), conf('apt { default-release "stable"; };'),
                pin("release l=Debian-Security", -1), pin("release a=stable-security", 99),
                pin('origin "security.debian.org"', 400), pin("release a=stable", 990),
                pin("release c=main", 50), pin("release a=now", 600)],
        "fine": [conf('APT::Default-Release "/^bookworm(|-security|-updates)$/";'),
                 pin("release o=Debian", 100), pin("release *", 1) + "\n" + pin("release *", 500, name="zz"), pin("release l=Debian-Security", -1, "snapd"),
                 pin("release n=bookworm-security", 995) + "\n" + conf('APT::Default-Release "*";')],
        "alone": True,
    },
    "updates.pinned-version": {
        "bad": [pin("version 5:24.0.7-1", 1001, "docker-ce docker-ce-cli"), pin("Version 1.2", 501, "/^lib/")],
        "fine": [pin("version 5:24.*", 1001, "docker-ce"), pin("version 1.2", -1, "bad"),
                 pin("version 1.2", 1001, "off", "own.disabled")],
        "alone": True,
    },
    "updates.pin-downgrades": {
        "bad": [pin("origin repo.example.org", 1001), pin("release n=trixie", 2000)],
        "fine": [pin("origin repo.example.org", 1000), pin("origin repo.example.org", 1001, "own-tool")],
        "alone": True,
    },
    "updates.third-party-unpinned": {
        "bad": [source("", "tool"), source("", "tool") + "\n" + pin("origin repo.example.org", 990),
                source("", "tool") + "\n" + pin("origin repo.example.org", 100, "own-tool"),
                source("", "tool") + "\n" + pin("origin example.org", 100)],
        "fine": [source("", "tool") + "\n" + pin("origin repo.example.org", 100),
                 source("", "tool") + "\n" + pin('origin "*.example.org"', -1)],
        "alone": True,
    },
    "updates.no-reboot-window": {
        "good": "put /etc/apt/apt.conf.d/52reboot 'Unattended-Upgrade::Automatic-Reboot \"true\";\n'"
                "'Unattended-Upgrade::Automatic-Reboot-Time \"03:30\";'",
        "bad": ["rm /etc/apt/apt.conf.d/52reboot", conf('Unattended-Upgrade::Automatic-Reboot "false";'),
                conf('unattended-upgrade { automatic-reboot "no"; };')],
        "fine": [conf('Unattended-Upgrade::Automatic-Reboot "1";')],
        "alone": True,
    },
    "updates.reboot-at-once": {
        "bad": ["sed -i /Reboot-Time/d /etc/apt/apt.conf.d/52reboot",
                conf('Unattended-Upgrade::Automatic-Reboot-Time "now";'),
                conf('unattended-upgrade::automatic-reboot-time "";')],
        "fine": [conf('Unattended-Upgrade::Automatic-Reboot "false"; #clear Unattended-Upgrade::Automatic-Reboot-Time;')],
        "alone": True,
    },
    "updates.unverified-https": {
        "good": conf('Acquire::https::Verify-Peer "true";'),
        "bad": [conf('Acquire::https::Verify-Peer "false";'),
                conf('Acquire { https { Verify-Host "0"; }; };'),
                conf('acquire::https::deb.example.org::verify-peer "no";')],
        "fine": [conf('Acquire::https::Verify-Host "yes";'), conf('Acquire::https::Verify-Peer "maybe";')],
    },
    "updates.apt-sandbox": {
        "good": "put /etc/apt/apt.conf.d/30sandbox 'APT::Sandbox::Seccomp \"true\";'",
        "bad": ["rm /etc/apt/apt.conf.d/30sandbox",
                "put /etc/apt/apt.conf.d/99sandbox 'APT::Sandbox { Seccomp \"0\"; };'"],
    },
}
