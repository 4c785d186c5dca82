# SPDX-License-Identifier: Apache-2.0
"""For breakage/: parts of a machine that a container does not have, as plain files mounted over the
kernel's. What reads them cannot tell; `echo 0 >/proc/sys/kernel/...` works as on a machine."""

# A copy of the parameters that belong to the whole machine. binfmt_misc would be mounted by a look.
SYSCTL = r"""
for dir in kernel vm fs dev user net/core; do
    mkdir -p /run/staged/sys/$dir
    (cd /proc/sys/$dir && find . -path ./binfmt_misc -prune -o -type f -print) |
        while read -r name; do
            mkdir -p "$(dirname "/run/staged/sys/$dir/$name")"
            cat "/proc/sys/$dir/$name" >"/run/staged/sys/$dir/$name" 2>/dev/null || true
        done
    mount --bind /run/staged/sys/$dir /proc/sys/$dir
done
"""

CMDLINE = """
put /run/staged/cmdline 'root=/dev/vda1 ro quiet'
mount --bind /run/staged/cmdline /proc/cmdline
"""

# Directories of /sys that the host's own tmpfs there lacks.
SYS = """
mount -o remount,rw /sys
mkdir -p /run/staged/security
mount --bind /run/staged/security /sys/kernel/security
"""

BARE_METAL = r"""
: >/run/staged/clocks
mount --bind /run/staged/clocks /sys/devices/system/clocksource/clocksource0/available_clocksource
sed 's/ hypervisor\b//' /proc/cpuinfo >/run/staged/cpuinfo
mount --bind /run/staged/cpuinfo /proc/cpuinfo
for file in product_name sys_vendor board_vendor bios_vendor product_version; do
    [ ! -e /sys/class/dmi/id/$file ] || mount --bind /run/staged/clocks /sys/class/dmi/id/$file
done
"""

# hold NAME tcp|udp ADDRESS PORT [USER]: a process of that name, which listens there once it returns.
HOLD = r"""
cat >/usr/local/bin/hold <<'EOF'
#!/usr/bin/perl
use Socket qw(:all);
my ($name, $proto, $address, $port, $user) = @ARGV;
my $six = $address =~ /:/;
my $type = $proto eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
socket(my $s, $six ? AF_INET6 : AF_INET, $type, 0) or die "socket: $!";
setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 0) if $six;
bind($s, $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address))
              : pack_sockaddr_in($port, inet_aton($address))) or die "bind: $!";
listen($s, 5) or die "listen: $!" if $proto eq 'tcp';
if (my $pid = fork) {
    mkdir '/run/held';
    open(my $f, '>>', "/run/held/$name.$port") or die;
    print $f "$pid\n";
    exit;
}
$< = $> = getpwnam($user) if $user;
open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
$0 = $name;
sleep 100000;
EOF
chmod 755 /usr/local/bin/hold
"""


def held(name, proto, address, port, user=""):
    """A way: somebody listens there; undone."""
    return (f"hold '{name}' {proto} {address} {port} {user}",
            f"xargs kill </run/held/'{name}'.{port}; rm /run/held/'{name}'.{port}")


def path_of(key):
    return "/proc/sys/" + key.replace("/", "\0").replace(".", "/").replace("\0", ".")


def now(key, bad, good):
    """A way: set by hand; undone."""
    return f"echo '{bad}' >{path_of(key)}", f"echo '{good}' >{path_of(key)}"


def sysctl(key, good, *bad, lost=False, quiet=False, **more):
    """An entry for one parameter: set by hand, and by a file that comes later than the one that is
    right. lost: the kernel starts with another value, so a good one that no file sets is lost."""
    path, file = path_of(key), "zz-" + key.replace("/", "_")
    ways = [now(key, value, good) for value in bad]
    ways += [f"put /etc/sysctl.d/{file}.conf '{key} = {bad[0]}'",
             f"put /usr/lib/sysctl.d/{file}.conf '-{path[len('/proc/sys/'):]}={bad[-1]}'"]
    if lost:
        ways += [f"rm /etc/sysctl.d/50-{key.replace('/', '_')}.conf"]
    return {
        "good": f"put /etc/sysctl.d/50-{key.replace('/', '_')}.conf '{key} = {good}'\n"
                f"mkdir -p $(dirname {path})\necho '{good}' >{path}",
        "bad": ways + more.pop("bad", []),
        "fine": [f"put /etc/sysctl.d/10-{file}.conf '{key} = {bad[0]}'"] + more.pop("fine", []),
        **more,
    }


def word(text):
    """A way: a word more on the kernel's command line; undone."""
    return (f"printf '%s %s\\n' \"$(cat /proc/cmdline)\" '{text}' >/run/staged/cmdline",
            f"printf '%s\\n' \"$(cat /proc/cmdline | sed 's| {text}$||')\" >/run/staged/cmdline")


def grub(text, variable="GRUB_CMDLINE_LINUX"):
    """A way: what the next boot would have on its command line."""
    return f"""add /etc/default/grub.d/zz.cfg '{variable}="${variable} {text}"'"""


def package(name, status="install ok installed"):
    """A way: dpkg's database says that it has the package."""
    return (f"cat >>/var/lib/dpkg/status <<'EOF'\n\nPackage: {name}\nStatus: {status}\nArchitecture: amd64\n"
            "Version: 1\nMaintainer: x\nDescription: x\nEOF\n")
