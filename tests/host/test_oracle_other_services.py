# SPDX-License-Identifier: Apache-2.0
"""exports, samba, samba_shares, rsync_modules, postfix, mail_aliases, squid_access, named, named_zones,
snmp_communities, vsftpd, doas, dconf, unbound, unbound_access, rabbitmq: against exportfs, testparm, rsync,
postconf, postalias, squid -k parse, named-checkconf, snmpget, vsftpd itself, doas -C, dconf, unbound-checkconf
and Unbound itself, and cuttlefish with RabbitMQ's schema. aide_rules: against aide --path-check.
journal_upload: against systemd-analyze cat-config.

polkit_rules: polkit runs its rules and prints none, so the file is read a second time here.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by

EXPORTS = r"""# comment
/srv/a -sync,no_root_squash 10.0.0.0/8(rw) *.example.org
"/srv/b c" *(rw,no_root_squash,insecure) # behind
/srv/d 192.168.1.1 (rw) \
  gss/krb5p(ro)
/srv/a\040x 192.168.0.0/16(ro,all_squash)
/srv/e -ro 10.1.1.1(rw,sec=krb5i)
"""
SMB = """[global]
   workgroup = WORKGROUP
   min protocol = NT1
   ntlmAUTH = Yes
;  null passwords = yes
   map to guest = Bad \\
User
   include = /etc/samba/more.conf
[homes]
   read only = no
[pub]
   path = /srv/a
   public = yes
   writeable = yes
[Drop]
   path = /srv/d
   guest ok = no
   hosts allow = 10.0.0.0/8 127.0.0.1
"""
RSYNCD = """use chroot = yes
read only = yes
[open]
	path = /srv/a
[drop]
	path = /srv/d
	readonly = no
	use chroot = no
[locked]
	path = /srv/a
	auth users = ops, backup
	secrets file = /etc/rsyncd.secrets
[elsewhere]
	path = /srv/a
	hosts allow = 10.0.0.0/8
"""
MAIN_CF = """# comment
compatibility_level = 3.6
myhostname = mx.example.org
mynetworks = 127.0.0.0/8
# in between
   10.0.0.0/8,

	[::1]/128
inet_interfaces = all
mydestination = $myhostname, ${myhostname}.local
smtpd_banner = $myhostname ESMTP $mail_name
inet_interfaces = loopback-only
relayhost=
"""
SQUID = """acl localnet src 10.0.0.0/8	# comment
acl SSL_ports port 443
acl world src 0.0.0.0/0
http_access deny !SSL_ports
http_access allow \\
 localnet
include /etc/squid/conf.d/*.conf
http_access deny all
http_port 3128
"""
NAMED = """include "/etc/bind/more.conf";
acl inside { 10.0.0.0/8; ! 10.1.1.1; };
options {
	directory "/var/cache/bind";	// where
	/* over
	 * lines */ dnssec-validation no;
	allow-recursion { inside; };
	allow-query { any; };	# all
	version "none";
};
view outside {
	recursion no;
	zone "example.org" { type master; file "/etc/bind/db.local"; allow-transfer { 10.0.0.2; }; };
	zone "example.net" { type secondary; masters { 10.0.0.1; }; };
};
"""
SNMPD = """# comment
rocommunity public 127.0.0.1
rocommunity "s3 cret" 127.0.0.1 .1.3.6.1.2.1.1
rwcommunity change 127.0.0.1
includeDir /etc/snmp/snmpd.conf.d
"""
# Which accounts may come by loopback alone, of each file: as RabbitMQ makes its configuration of it.
LOOPBACK_USERS = """#!/usr/bin/escript
main(Files) ->
    Plugins = hd(filelib:wildcard("/usr/lib/rabbitmq/lib/*/plugins")),
    code:add_pathsa(filelib:wildcard(Plugins ++ "/*/ebin")),
    {error_logger:tty(false), put(schema, cuttlefish_schema:files(filelib:wildcard(Plugins ++ "/rabbit-*/priv/schema/rabbit.schema")))},
    [io:format("~s ~0p~n", [F, users(F)]) || F <- Files].
users(File) ->
    try cuttlefish_generator:map(get(schema), cuttlefish_conf:file(File)) of
        {error, _, _} -> error;
        Config -> [binary_to_atom(User) || User <-
                   proplists:get_value(loopback_users, proplists:get_value(rabbit, Config, []), [<<"guest">>])]
    catch _:_ -> error end.
"""
ASKED = r"""
import socket, sys
for source in sys.argv[1:]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.settimeout(5)
        s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\5known\0\0\20\0\1", ("127.0.0.9", 5353))
        print(source, {0: "allow", 5: "refuse"}[s.recv(512)[3] & 15])
"""
UNBOUND = """# comment
server:
	interface: 127.0.0.9@5353 interface: ::1@5353 # behind
	hide-version: no
	identity: a#b
	module-config:
	  # between
	  "respip validator iterator"
	access-control:10.0.0.0/8 allow
	access-control: 192.0.2.0/24 'allow_snoop'
	private-address: fd00::/8
	num-threads: 2
	directory: "/etc/unbound"
	chroot: ''
	include: more/*.inc
include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"
server: port: 5353
"""
DOAS = """permit nopass :sudo
deny backup
permit persist ops as root cmd /usr/bin/apt args update
permit keepenv backup cmd /usr/bin/id
"""


class OtherServices(OnHost):
    image = "other-services"

    @classmethod
    def prepare(cls):
        cls.sh("mkdir -p /srv/a '/srv/b c' /srv/d '/srv/a x' /srv/e; touch /srv/a/file; chmod 777 /srv/d")
        for path, text in (("/etc/exports", EXPORTS), ("/etc/exports.d/x.exports", "/srv/d 10.2.0.0/16(rw)\n"),
                           ("/etc/samba/smb.conf", SMB), ("/etc/samba/more.conf", "server signing = disabled\n"),
                           ("/etc/rsyncd.conf", RSYNCD), ("/etc/postfix/main.cf", MAIN_CF),
                           ("/etc/squid/squid.conf", SQUID),
                           ("/etc/squid/conf.d/own.conf", "http_access allow world\n"),
                           ("/etc/bind/named.conf", NAMED),
                           ("/etc/bind/more.conf", 'key "k" { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'),
                           ("/etc/snmp/snmpd.conf", SNMPD), ("/etc/doas.conf", DOAS),
                           ("/etc/snmp/snmpd.conf.d/own.conf", "rocommunity6 private ::1\n")):
            cls.write(path, text)
        cls.write("/etc/rsyncd.secrets", "ops:x\n", mode="600")

    def test_exports(self):
        self.sh("exportfs -ra 2>/dev/null || true")
        said = re.findall(r"^(\S+)\s+(\S*)\(([^)]*)\)", self.read("/var/lib/nfs/etab"), re.M)
        want = {}
        for path, client, options in said:
            options = options.split(",")
            path = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), path)
            want[path, client] = {
                "writable": "rw" in options, "root_squash": "no_root_squash" not in options,
                "secure": "insecure" not in options,
                "kerberos": client.startswith("gss/") or "sec=sys" not in options}
        got = {key: {name: row[name] for name in ("writable", "root_squash", "secure", "kerberos")}
               for key, row in by(self.table("exports"), "path", "client").items()}
        self.same(got, want, at_least=8)

    def test_samba(self):
        """testparm prints what differs from the default, by the names that smb.conf(5) has first."""
        text = re.sub(r"\\\n", "", self.out("testparm", "-s"))
        sections, section = {}, None
        for line in text.splitlines():
            if line.startswith("["):
                section = sections.setdefault(line.strip("[]"), {})
            elif "=" in line:
                name, _, value = line.partition("=")
                section[name.strip()] = value.strip()
        said = {name: value.lower() for name, value in sections.pop("global").items()}
        got = {row["key"]: row["value"] for row in self.table("samba")}
        synonyms = {"yes": "ntlmv1-permitted", "disabled": "no"}
        for name in ("server min protocol", "ntlm auth", "map to guest", "server signing"):
            self.assertEqual(synonyms.get(got[name], got[name]), said.get(name), name)
        self.assertNotIn("null passwords", got)
        want = {name: {"guest": share.get("guest ok") == "Yes", "writable": share.get("read only") == "No",
                       "hosts_allow": share["hosts allow"].split() if "hosts allow" in share else None}
                for name, share in sections.items()}
        shares = {row["name"]: {name: row[name] for name in ("guest", "writable", "hosts_allow")}
                  for row in self.table("samba_shares")}
        self.same(shares, want, at_least=3)

    def test_rsync(self):
        """Who is let in, and who may write, as a daemon does it."""
        self.sh("rsync --daemon --port=8730")
        for row in self.table("rsync_modules"):
            url = f"rsync://127.0.0.1:8730/{row['name']}/"
            listed = self.host.exec(["rsync", url], check=False, input="")
            wrote = self.host.exec(["rsync", "/etc/hostname", url], check=False, input="")
            with self.subTest(row["name"]):
                open_to_all = not row["auth_users"] and not row["hosts_allow"]
                self.assertEqual(listed.returncode == 0, open_to_all, listed.stderr)
                self.assertEqual(wrote.returncode == 0, open_to_all and not row["read_only"], wrote.stderr)
        self.assertEqual(len(self.table("rsync_modules")), 4)

    def test_postfix(self):
        def said(*options):
            lines = self.out("postconf", *options).splitlines()
            return {line.split(" =")[0]: line.partition("=")[2].strip() for line in lines if "=" in line}
        rows = by(self.table("postfix"), "key")
        self.same({key: " ".join(row["written"].split()) for key, row in rows.items()},
                  {key: " ".join(value.split()) for key, value in said("-n").items()}, at_least=6)
        expanded = said("-nx")
        for key, row in rows.items():
            if isinstance(row["value"], str):
                self.assertEqual(" ".join(row["value"].split()), " ".join(expanded[key].split()), key)
        self.assertEqual([key for key, row in rows.items() if not isinstance(row["value"], str)],
                         ["smtpd_banner"])

    def test_postfix_services(self):
        """Options of services in master.cf, which postconf -P prints as "smtp/inet/name = value"."""
        self.sh("""cp -p /etc/postfix/master.cf /root; cat >> /etc/postfix/master.cf <<'END'
2525 inet n - y - - smtpd
  -o smtpd_relay_restrictions=permit -o smtpd_tls_auth_only=no
  -o { mynetworks = 10.0.0.0/8, 0.0.0.0/0 }
127.0.0.1:10025 inet n - n - - smtpd -o mynetworks=0.0.0.0/0
END""")
        self.addCleanup(self.sh, "mv /root/master.cf /etc/postfix/master.cf")
        want = {}
        for line in self.out("postconf", "-P").splitlines():
            place, _, value = line.partition("=")
            service, kind, key = place.strip().rsplit("/", 2)
            if kind == "inet":
                want[service, key] = value.strip()
        del want["127.0.0.1:10025", "mynetworks"]
        got = {(row["service"], row["key"]): row["written"] for row in self.table("postfix") if row.get("service")}
        self.same(got, want, at_least=3)

    def test_mail_aliases(self):
        self.write("/etc/aliases", "postmaster: root\n# more\nRoot: ops,\n\tadmin@example.org\n"
                                   "\"first last\": dev, :include:/etc/lists\nx: \"|/bin/page a, b\", /var/x\n")
        self.out("postalias", "hash:/etc/aliases")
        said = dict(line.split(":\t", 1) for line in self.out("postalias", "-s", "hash:/etc/aliases").splitlines())
        said = {name: targets for name, targets in said.items() if name != "@" and not name.startswith("YP_")}
        got = {row["name"]: ", ".join(f'"{t}"' if " " in t else t for t in row["targets"])
               for row in self.table("mail_aliases")}
        self.same(got, said, at_least=4)

    def test_squid(self):
        ran = self.host.exec(["squid", "-k", "parse"], check=False)
        said = [line.split() for line in re.findall(r"Processing: http_access (.*)", ran.stderr)]
        got = [[row["action"], *row["acls"]] for row in self.table("squid_access")]
        self.assertEqual(got, said)
        self.assertEqual([row["everyone"] for row in self.table("squid_access")],
                         [True, False, True, True])

    def test_named(self):
        text = self.out("named-checkconf", "-p")
        inside = re.search(r'acl "inside" {(.*?)};', text, re.S)[1]
        inside = ["".join(item.replace('"', "").split()) for item in inside.split(";") if item.strip()]
        got = by(self.table("named"), "key", "view")
        self.assertEqual([item.replace(" ", "") for item in got["allow-recursion", None]["value"]],
                         [item.rstrip("/32") if "/32" in item else item for item in inside])
        options = re.search(r"^options {\n(.*?)^};", text, re.S | re.M)[1]
        names = {line.split()[0].strip(";") for line in re.findall(r"^\t(\S.*)", options, re.M)
                 if not line.startswith("}")}
        self.assertEqual({key for key, view in got if not view}, names)
        for name in ("dnssec-validation", "version", "directory"):
            self.assertEqual(got[name, None]["value"], [re.search(rf'{name} "?([^";]*)', options)[1]], name)
        self.assertEqual(got["recursion", "outside"]["value"], ["no"])
        zones = by(self.table("named_zones"), "name")
        said = dict(re.findall(r'zone "([^"]+)" {\n\s*type (\w+)', text))
        modern = {"master": "primary", "slave": "secondary"}
        self.assertEqual({name: row["type"] for name, row in zones.items()},
                         {name: modern.get(kind, kind) for name, kind in said.items()})
        self.assertEqual(zones["example.org"]["allow_transfer"], ["10.0.0.2"])
        self.assertNotIn("c2VjcmV0", self.out("revet", "snapshot"))

    def write_unbound(self, text):
        self.sh("rm -rf /etc/unbound/unbound.conf.d /etc/unbound/more")
        self.write("/etc/unbound/unbound.conf", text)
        for path, more in (("more/a.inc", "hide-version: yes\nnum-threads: 3\n"), ("more/b.inc", "server: do-ip6: no\n"),
                           ("more/c.conf", "nonsense"), ("unbound.conf.d/b.conf", "server: num-threads: 1"),
                           ("unbound.conf.d/a.conf", "remote-control: control-enable: yes\ncontrol-use-cert: no\n"
                            "control-interface: /run/u.ctl\nserver: num-threads: 4\ntrust-anchor-file: /etc/hosts\n")):
            self.write("/etc/unbound/" + path, more)

    def test_unbound(self):
        self.write_unbound(UNBOUND)
        rows = self.table("unbound")
        got = {}
        for row in rows:
            got.setdefault(row["key"], []).append(row["value"])
        # It answers with what it has where several options of a name add up in another order.
        said = {}
        for key in got.keys() - {"control-use-cert"}:  # which it cannot print
            said[key] = sorted(self.out("unbound-checkconf", "-o", key).splitlines()) or [""]
        self.assertEqual(got.pop("control-use-cert"), ["no"])
        self.same({key: sorted(values) for key, values in got.items()}, said, at_least=12)
        # What Unbound does not start with is not known.
        for text in ("interface: 1.2.3.4 x\n", 'identity: "a\n', "include: /none\n", "verbosity: 1#2\n", "verbosity:\n",
                     "identity: 'a\\'b'\n", "identity: a\\ b\n", "include: more/a.inc", "verbosity: 1 server:port: 53\n"):
            self.write_unbound("server: directory: /etc/unbound chroot: '' port: 5353\n" + text)
            starts = self.host.exec(["unbound-checkconf"], check=False).returncode == 0
            known = all(isinstance(row["value"], str) for row in self.table("unbound"))
            self.assertEqual(known, starts, text)

    def test_unbound_access(self):
        """Which clients are refused, of networks each, as Unbound itself does it."""
        lines = ("127.0.0.1/8 refuse", "127.0.0.8/29 allow", "127.0.1.7/24 allow", "127.0.1.0/24 refuse",
                 "127.0.2.0/24 refuse", "127.0.2.0/24 allow_snoop", "127.0.3.0/24 refuse")
        self.write_unbound(UNBOUND + "".join(f"access-control: {line}\n" for line in lines)
                           + "access-control-view: 127.0.3.0/24 v\naccess-control-view: 127.0.4.0/24 v\n"
                             "local-zone: known static\nlocal-data: 'known TXT x'\nview: name: v view-first: yes\n")
        self.sh("sed -i /anchor/d /etc/unbound/unbound.conf.d/*; unbound-checkconf; unbound -p >/dev/null 2>&1")
        clients = {"127.0.0.8/29": "127.0.0.9", "127.0.0.0/8": "127.9.9.9", "127.0.1.0/24": "127.0.1.1",
                   "127.0.2.0/24": "127.0.2.2", "127.0.3.0/24": "127.0.3.3", "127.0.4.0/24": "127.0.4.4"}
        said = dict(line.split() for line in self.out("python3", "-c", ASKED, *clients.values()).splitlines())
        self.sh("pkill -x unbound")
        rows = by(self.table("unbound_access"), "netblock")
        self.assertEqual({name: row["action"].replace("_snoop", "") for name, row in rows.items() if name.startswith("127.")},
                         {name: said[client] for name, client in clients.items()})
        self.assertEqual({row["everyone"] for row in rows.values()}, {False})

    def test_snmp(self):
        """A community of the table answers, and what is none does not."""
        self.sh("mkdir -p /var/lib/snmp; snmpd -Lf /dev/null -p /run/snmpd-test.pid udp:127.0.0.1:1161 udp6:[::1]:1161")
        def answers(community, address="127.0.0.1:1161"):
            return self.host.exec(["snmpget", "-v2c", "-r0", "-t2", "-c", community, address,
                                   "1.3.6.1.2.1.1.5.0"], check=False).returncode == 0
        rows = self.table("snmp_communities")
        self.assertEqual([(r["community"], r["source"], r["writable"]) for r in rows],
                         [("public", "127.0.0.1", False), ("***", "127.0.0.1", False),
                          ("***", "127.0.0.1", True), ("private", "::1", False)])
        self.assertEqual([answers("public"), answers("s3 cret"), answers("change"), answers("none"),
                          answers("private", "udp6:[::1]:1161")], [True, True, True, False, True])
        self.sh("kill $(cat /run/snmpd-test.pid)")

    def test_vsftpd(self):
        """Whether it lets anonymous in is what the table and vsftpd's default say."""
        for lines, lets in (("", True), ("anonymous_enable=NO\n", False), ("anonymous_enable=0\nanonymous_enable=true\n", True)):
            self.write("/etc/vsftpd.conf", "listen=YES\nlisten_port=2121\nbackground=NO\n"
                       "secure_chroot_dir=/var/run/vsftpd/empty\nseccomp_sandbox=NO\n" + lines)
            said = self.host.exec(["bash", "-c", """mkdir -p /var/run/vsftpd/empty
                vsftpd /etc/vsftpd.conf & sleep 0.3; exec 3<>/dev/tcp/127.0.0.1/2121
                printf 'USER anonymous\\r\\nPASS x\\r\\n' >&3; timeout 1 cat <&3; kill %1"""], check=False).stdout
            got = {row["key"]: row["value"] for row in self.table("vsftpd")}
            with self.subTest(lines):
                self.assertEqual("230 " in said, lets, said)
                self.assertEqual(got.get("anonymous_enable", "yes") == "yes", lets)

    def test_doas(self):
        rows = self.table("doas")
        self.assertEqual([(r["action"], r["identity"], r["nopass"], r["persist"], r["keepenv"]) for r in rows],
                         [("permit", ":sudo", True, False, False), ("deny", "backup", False, False, False),
                          ("permit", "ops", False, True, False), ("permit", "backup", False, False, True)])

        def said(user, *command):
            """The rule that doas would follow: permit, permit nopass or deny."""
            return self.sh('u=$1; shift; exec setpriv --reuid "$u" --regid "$u" --init-groups doas -C /etc/doas.conf "$@"',
                           user, *command, check=False).strip()
        self.assertEqual([said("ops", "/usr/bin/id"), said("backup", "/usr/bin/id"), said("backup", "ls"),
                          said("ops", "/usr/bin/apt", "update"), said("daemon", "ls")],
                         ["permit nopass", "permit", "deny", "permit", "deny"])

    def test_dconf(self):
        self.write("/etc/dconf/profile/user", "user-db:user\nsystem-db:local\nsystem-db:site\n")
        for name, text in (("local.d/10-a", "[org/a]\nx=uint32 300\ny='text'\n"),
                           ("local.d/20-b", "[org/a]\ny='later'\n"),
                           ("site.d/00", "[org/a]\nx=uint32 5\nz=true\n"), ("site.d/locks/l", "/org/a/z\n"),
                           ("other.d/00", "[org/a]\nw=1\n")):
            self.write("/etc/dconf/db/" + name, text)
        self.assertTrue(all(isinstance(row["value"], dict) for row in self.table("dconf")))
        self.sh("dconf update")
        rows = by(self.table("dconf"), "key")
        said = {name: self.out("dconf", "read", f"/org/a/{name}").strip() for name in "xyzw"}
        self.assertEqual({name: rows.get(f"org/a/{name}", {}).get("value") for name in "xyzw"},
                         {name: re.sub(r"^uint32 |'", "", value) or None for name, value in said.items()})
        self.assertEqual({name: rows[f"org/a/{name}"]["locked"] for name in "xyz"},
                         {"x": False, "y": False, "z": True})

    def test_aide(self):
        self.write("/etc/aide/aide.conf", "database_in=file:/tmp/none\nSums = sha256+sha512\n"
                   "/usr/sbin Sums+p-sha256\n!/usr/sbin/nologin\n=/etc$ p\n")
        rows = by(self.table("aide_rules"), "pattern")
        self.assertEqual({pattern: row["attributes"] for pattern, row in rows.items()},
                         {"/usr/sbin": ["sha512", "p"], "/usr/sbin/nologin": None, "/etc$": ["p"]})

        def said(path):
            ran = self.host.exec(["aide", "--config", "/etc/aide/aide.conf", f"--path-check={path}"], check=False)
            return ran.stdout + ran.stderr
        self.assertRegex(said("f:/usr/sbin/chroot"), r"^\[X\]")
        self.assertRegex(said("f:/usr/sbin/chroot"), r"'/usr/sbin \(none\) p\+sha512'")
        self.assertRegex(said("f:/usr/sbin/nologin"), r"^\[ \]")
        self.assertRegex(said("d:/etc"), r"^\[X\]")

    def test_journal_upload(self):
        self.write("/etc/systemd/journal-upload.conf", "[Upload]\nURL=http://a\nServerKeyFile=/x\n")
        self.write("/etc/systemd/journal-upload.conf.d/9.conf", "[Upload]\nURL=https://b\n")
        want = {}
        for line in self.out("systemd-analyze", "cat-config", "systemd/journal-upload.conf").splitlines():
            if re.match(r"\w+=", line):
                want.update([line.split("=", 1)])
        self.assertEqual({row["key"]: row["value"] for row in self.table("journal_upload")}, want)

    def test_polkit(self):
        self.write("/etc/polkit-1/rules.d/5.rules", "polkit.addRule(function(a, s) {\n"
                   "  if (s.isInGroup('ops')) return polkit.Result.YES; // x\n});\n")
        row, = self.table("polkit_rules")
        text = self.read(row["path"])
        self.assertEqual(row["allows"], "Result.YES" in text)
        self.assertEqual(row["groups"], re.findall(r"isInGroup\('(\w+)'\)", text))


class MoreServices(OnHost):
    image = "more-services"

    def test_rabbitmq(self):
        """Whether guest may come by loopback alone, where the table knows it."""
        files = ("", "loopback_users = none", "loopback_users.guest = false", "loopback_users.app = true",
                 "loopback_users.guest = true\nloopback_users.app=true", "loopback_users = none\nloopback_users.guest = true",
                 "loopback_users.guest = false\nloopback_users.guest = true # x", "loopback_users.guest = true#x",
                 "loopback_users.guest = 'true'", "loopback_users.guest=false#x", "garbage", "include /etc/more.conf",
                 "listeners.tcp.1 = 127.0.0.1:5672\nloopback_users.guest = $(X)", ' loopback_users.guest = "false"',
                 "loopback_users.guest = true\n\nloopback_users.guest = false")
        for i, text in enumerate(files):
            self.write(f"/run/c/{i:02}", text + "\n")
        self.write("/run/said.escript", LOOPBACK_USERS)
        said = self.sh("ulimit -n 1024; cd /; escript /run/said.escript /run/c/* </dev/null 2>/dev/null >/run/said; cat /run/said")
        said = [line.partition(" ")[2] for line in said.splitlines()]
        self.assertEqual(len(said), len(files))
        self.assertIn("[guest]", said)
        self.assertIn("[]", said)
        for text, users in zip(files, said):
            self.write("/etc/rabbitmq/rabbitmq.conf", text + "\n")
            rows = {row["key"]: row["value"] for row in self.table("rabbitmq")}
            limited = rows.get("loopback_users.guest") == "true" and "loopback_users" not in rows
            if rows and all(isinstance(value, str) for value in rows.values()):
                with self.subTest(text):
                    self.assertEqual(limited, "guest" in users)
        self.write("/etc/rabbitmq/rabbitmq.conf", "loopback_users.guest = true\n")
        self.write("/etc/rabbitmq/advanced.config", "[{rabbit, [{loopback_users, []}]}].\n")
        self.assertTrue(all(isinstance(row["value"], dict) for row in self.table("rabbitmq")))


if __name__ == "__main__":
    unittest.main()
