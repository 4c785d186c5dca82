# SPDX-License-Identifier: Apache-2.0
"""postgres, pg_hba, mysql, redis, memcached, mosquitto, mosquitto_bridges, mongod, influxdb: against
postgres -C, pg_hba_file_rules, psql, mariadbd --help, CONFIG GET, memcached's own settings, and who may connect
to mosquitto.

Of mongod and influxdb Debian has no package; bridges are nothing that the broker would list.
"""

import ipaddress
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by

ETC = "/etc/postgresql/15/main"
POSTGRES = "/usr/lib/postgresql/15/bin/postgres"
CONF = r"""
Listen_Addresses = 'localhost, 127.0.0.1'
log_connections yes
log_line_prefix = 'it''s \x %m \101'   # a comment
log_disconnections = t
unix_socket_permissions = 504
authentication_timeout = 2min
statement_timeout='1h'
idle_in_transaction_session_timeout = 90s
log_statement = 'DDL'
include_if_exists = 'missing.conf'
include 'more.txt'
"""
SETTINGS = ("listen_addresses log_connections log_line_prefix log_disconnections unix_socket_permissions"
            " authentication_timeout statement_timeout idle_in_transaction_session_timeout log_statement"
            " password_encryption ssl ssl_min_protocol_version fsync log_hostname port row_security"
            " log_min_duration_statement logging_collector shared_preload_libraries log_file_mode"
            " archive_mode log_destination log_min_messages data_directory hba_file unix_socket_group"
            " log_min_error_statement ssl_prefer_server_ciphers").split()
HBA = r"""
local   all             postgres                                peer
local "all" all peer
host    app,"my db"     web,+pg_monitor     10.0.0.0        255.255.255.0 scram-sha-256
hostssl all all 0.0.0.0/0 \
    cert clientcert=verify-full
host all all 127.0.0.1/32 reject
host postgres postgres 127.0.0.1/32 trust	# never reached
hostnossl all all ::/0 reject
hostssl sameuser @users .example.org ldap ldapserver=ldap ldapbasedn="dc=x"
host replication replica samenet md5
host "a""b" x,y, z samehost password
hostnogssenc all all 2001:db8::/32 pam pamservice=x
host all all all reject
"""
MY = """
[client]
local-infile = 1
[mysqld]
bind_address            = 0.0.0.0 # all
expire_logs_days        = 1
loose_require-secure-transport
disable-local-infile
skip_name_resolve=0
[mariadbd]
bind-address="127.0.0.1"
secure_file_priv = /var/lib/mysql
loose-no-such-thing = 3
[server]
skip-show-database
"""
REDIS = r"""
port 6390
BIND 127.0.0.1 "-::1"
protected-mode no
daemonize yes
unixsocket /run/redis/x.sock
unixsocketperm 770
enable-debug-command yes
include /etc/redis/more*.txt
pidfile /run/redis/x.pid
logfile ""
dir /tmp
save ""
"""
LISTENERS = """
listener 1890 127.0.0.1
allow_anonymous true
listener 1891
listener 0 /run/mosquitto/x.sock
allow_anonymous false
"""
PER_LISTENER = """
per_listener_settings true
listener 1892 127.0.0.1
allow_anonymous true
listener 1893 127.0.0.1
"""


class Databases(OnHost):
    image = "databases"

    def rows(self, table, instance, keys):
        return {r["key"]: r["value"] for r in self.table(table)
                if r["instance"] == instance and r["key"] in keys}

    def psql(self, query, check=True):
        return self.out("runuser", "-u", "postgres", "--", "psql", "-AtF|", "-c", query, check=check)

    def test_fix_is_in_force(self):
        """Before the others change the configuration."""
        self.out("revet", "apply", "--rule", "db.postgres-log-sessions", "--rule", "db.postgres-log-ddl")
        show = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings " \
               "WHERE name IN ('log_connections', 'log_disconnections', 'log_statement')"
        self.assertEqual(self.psql(show).strip(), "on on ddl")
        self.out("revet", "revert", "1")
        self.assertEqual(self.psql(show).strip(), "off off none")
        self.assertEqual(self.sh(f"ls {ETC}/conf.d"), "")

    def test_postgres(self):
        self.write(f"{ETC}/conf.d/50-own.conf", CONF)
        self.write(f"{ETC}/conf.d/more.txt", "log_hostname = 1\nlog_min_duration_statement = 2s\n")
        self.write(f"{ETC}/conf.d/60.conf.off", "log_hostname = 0\n")
        self.psql("ALTER SYSTEM SET log_min_error_statement = 'fatal'")
        self.psql("ALTER SYSTEM SET log_disconnections = 'off'")
        said = self.sh('for key; do printf "%s=" "$key"; '
                       f'{POSTGRES} -C "$key" -D {ETC}; done', *SETTINGS)
        said = dict(line.split("=", 1) for line in said.splitlines())
        for key in ("unix_socket_permissions", "log_file_mode"):
            said[key] = f"{int(said[key]):04o}"
        self.same(self.rows("postgres", "15/main", SETTINGS), said, len(SETTINGS))
        self.assertFalse(any(r["network"] for r in self.table("postgres")))

    def test_pg_hba(self):
        self.write(f"{ETC}/pg_hba.conf", HBA)
        self.write(f"{ETC}/users", "one, two\nthree\n")
        want = []
        for line in self.psql("SELECT type, array_to_string(database, ','), "
                              "array_to_string(user_name, ','), coalesce(address, ''), "
                              "coalesce(netmask, ''), auth_method, error FROM pg_hba_file_rules").splitlines():
            fields = line.split("|")
            self.assertEqual(fields.pop(), "")
            want.append(fields)
        got = []
        for row in self.table("pg_hba"):
            address, mask = row["address"] or "", row["mask"] or ""
            if "/" in address:
                address, mask = ipaddress.ip_network(address).with_netmask.split("/")
            got.append([row["type"], ",".join(row["databases"]), ",".join(row["users"]), address,
                        mask, row["method"]])
        self.assertGreater(len(want), 10)
        self.assertEqual(got, want)
        self.psql("SELECT pg_reload_conf()")
        shadowed = [r for r in self.table("pg_hba") if r["shadowed"]]
        self.assertEqual([r["method"] for r in shadowed], ["trust"])
        said = self.host.exec(["psql", "-h", "127.0.0.1", "-U", "postgres", "-c", "select 1"], check=False)
        self.assertIn("pg_hba.conf rejects", said.stderr)

    def test_who_needs_a_certificate(self):
        """What pg_hba.conf demands of those whom the site file serves is what happens to one without any."""
        address = self.host.net().host
        self.sh(f"cd {ETC}; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=postgres -keyout c.key -out c.pem 2>&1; "
                "chown postgres c.*; chmod 600 c.key")
        self.write(f"{ETC}/conf.d/99-tls.conf", f"listen_addresses = '*'\nport = 5432\nssl = on\nssl_ca_file = '{ETC}/c.pem'\n"
                   f"ssl_cert_file = '{ETC}/c.pem'\nssl_key_file = '{ETC}/c.key'\n")
        self.write("/etc/revet/site.yaml", "serves: [{port: 5432/tcp, to: [10.99.0.0/16], tls: mutual}]\n")
        local, cert = "local all all peer\n", "clientcert=verify-full\n"
        found = set()
        for lines in (f"hostssl all all 10.99.0.0/16 trust {cert}", "hostssl all all 10.99.0.0/16 trust\n",
                      f"hostssl all all 10.99.0.0/16 trust {cert}host all all 0.0.0.0/0 trust\n",
                      f"host all all 10.99.0.0/16 reject\nhost all all 10.0.0.0/8 trust\nhostssl all all ::/0 trust {cert}",
                      f"host all all 192.0.2.0/24 trust\nhostssl all all all trust {cert}",
                      "hostssl all all 10.0.0.0 255.0.0.0 cert\n"):
            self.write(f"{ETC}/pg_hba.conf", local + lines)
            self.sh("systemctl restart postgresql@15-main" if not found else "systemctl reload postgresql@15-main; sleep 0.5")
            without = [self.host.exec(["psql", f"host={address} user=postgres dbname=postgres sslmode={mode}", "-c", "select 1"],
                                      check=False).returncode == 0 for mode in ("require", "disable")]
            row, = self.table("site_services")
            found.add(row["found_tls"])
            with self.subTest(lines):
                self.assertEqual(row["found_tls"], "server" if any(without) else "mutual")
        with_one = f"host={address} user=postgres dbname=postgres sslmode=require sslcert={ETC}/c.pem sslkey={ETC}/c.key"
        self.assertIn("1", self.out("psql", with_one, "-Atc", "select 1"))
        self.assertEqual(found, {"server", "mutual"})

    def test_mysql(self):
        self.write("/etc/mysql/mariadb.conf.d/99-own.cnf", MY)
        said = self.out("mariadbd", "--verbose", "--help")
        said = dict(re.findall(r"(?m)^([a-z-]+) {2,}(\S.*)$", said.partition("\nVariables (")[2]))
        rows = self.rows("mysql", "mariadb", said.keys() | {"skip-networking"})
        keys = ("bind-address", "local-infile", "skip-name-resolve", "require-secure-transport",
                "secure-file-priv", "skip-grant-tables", "skip-networking", "skip-show-database", "socket")
        self.same({k: {"ON": "TRUE", "OFF": "FALSE"}.get(rows[k], rows[k]) for k in keys},
                  {k: said[k].rstrip("/") for k in keys}, len(keys))

    def test_redis(self):
        self.write("/etc/redis/redis-x.conf", REDIS)
        self.write("/etc/redis/more1.txt", "requirepass \"a \\\"b\\\" \\x41\"\n")
        self.out("redis-server", "/etc/redis/redis-x.conf")
        said = self.sh("""
            ask() { redis-cli -p 6390 "$@" 2>/dev/null; }
            until ask ping | grep -q NOAUTH; do sleep 0.05; done
            export REDISCLI_AUTH='a "b" A'
            for key in bind protected-mode port tls-port unixsocket unixsocketperm enable-debug-command requirepass
            do printf '%s=' $key; ask config get $key | tail -n +2; done
            ask shutdown nosave""")
        said = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        row = by(self.table("redis"), "instance")["/etc/redis/redis-x.conf"]
        self.assertEqual(row["bind"], said["bind"].replace("-::", "::").split())
        self.assertEqual(row["protected_mode"], said["protected-mode"] == "yes")
        self.assertEqual(str(row["port"]), said["port"])
        self.assertEqual(str(row["tls_port"]), said.get("tls-port") or "0")
        self.assertEqual(row["socket"], said["unixsocket"])
        self.assertEqual(row["socket_mode"].lstrip("0"), said["unixsocketperm"])
        self.assertEqual(row["allowed"], ["debug"] if said["enable-debug-command"] == "yes" else [])
        self.assertEqual(row["password"], said["requirepass"] != "")

    def test_memcached(self):
        self.write("/etc/memcached.conf", "-m 64\n-u memcache\n-p 11212 # x\n-l 127.0.0.1,::1\n-U 11213\n")
        self.out("systemctl", "restart", "memcached")
        said = self.out("bash", "-c", """until exec 3<>/dev/tcp/127.0.0.1/11212; do sleep 0.05; done 2>/dev/null
            printf 'stats settings\\r\\nquit\\r\\n' >&3; cat <&3""")
        said = dict(re.findall(r"STAT (\S+) (\S*)", said))
        row, = self.table("memcached")
        self.assertEqual(",".join(row["listen"]), said["inter"])
        self.assertEqual(str(row["port"]), said["tcpport"])
        self.assertEqual(str(row["udp_port"]), said["udpport"])
        self.assertEqual(row["sasl"], said["auth_enabled_sasl"] == "yes")
        self.assertEqual(row["tls"], said["ssl_enabled"] == "yes")

    def mosquitto(self, text):
        """What the broker listens on with the configuration, and whether it takes clients without a name."""
        self.write("/etc/mosquitto/conf.d/own.conf", text)
        self.sh("systemctl reset-failed mosquitto; systemctl restart mosquitto")
        said = self.sh("""
            for i in $(seq 100); do ss -Hltnp | grep -q mosquitto && break; sleep 0.05; done
            ss -Hltnp | grep mosquitto | while read -r _ _ _ address _; do
                port=${address##*:}
                if mosquitto_pub -h 127.0.0.1 -p "$port" -t x -m y >/dev/null 2>&1; then a=yes; else a=no; fi
                echo "$address $a"
            done""")
        return {address.replace("0.0.0.0:", "*:"): anonymous == "yes"
                for address, anonymous in map(str.split, said.splitlines())
                if not address.startswith("[::")}

    def test_mosquitto(self):
        for text in ("allow_anonymous false\n", LISTENERS, PER_LISTENER, "port 1894\n",
                     "max_connections 10\n", "max_connections 10\nlistener 1895 127.0.0.1\n"):
            with self.subTest(text):
                want = self.mosquitto(text)
                self.same({f"{r['address'] or '*'}:{r['port']}": r["anonymous"]
                           for r in self.table("mosquitto") if r["scope"] != "socket"}, want)


if __name__ == "__main__":
    unittest.main()
