# SPDX-License-Identifier: Apache-2.0
"""How the rules of databases come to fail. README.md says how to read this."""

HOST = "databases"

ETC = "/etc/postgresql/15/main"
# Of MongoDB and InfluxDB Debian has no package: what tells that they are there is planted.
GOOD = f"""
printf 'log_connections = on\\nlog_disconnections = on\\nlog_statement = ddl\\n' >{ETC}/conf.d/10-good.conf
printf '[mysqld]\\nlocal-infile = 0\\nsecure-file-priv = /var/lib/mysql\\n' >/etc/mysql/mariadb.conf.d/60-good.cnf
echo 'requirepass correct-horse' >>/etc/redis/redis.conf
install /bin/true /usr/bin/mongod
install /bin/true /usr/bin/influxd
printf 'net:\\n  bindIp: 127.0.0.1\\nsecurity:\\n  authorization: enabled\\n' >/etc/mongod.conf
mkdir -p /etc/influxdb
printf '[http]\\n  bind-address = "127.0.0.1:8086"\\n' >/etc/influxdb/influxdb.conf
"""


def hba(line):
    return f"add {ETC}/pg_hba.conf '{line}'"


def postgres(*lines, name="50"):
    return f"add {ETC}/conf.d/{name}-$own.conf \"{chr(10).join(lines)}\""


def mysql(*lines, name="70"):
    return f"add /etc/mysql/mariadb.conf.d/{name}-$own.cnf '{chr(10).join(('[mysqld]',) + lines)}'"


def redis(*lines):
    return f"add /etc/redis/redis.conf '{chr(10).join(lines)}'"


LISTEN = "listen_addresses = '*'"
OPEN = ("bind 0.0.0.0", "port 6379")

RULES = {
    "db.data-private": {
        "bad": [("chmod 755 /var/lib/redis", "chmod 750 /var/lib/redis"),
                ("chmod 751 /var/lib/postgresql/15/main", "chmod 700 /var/lib/postgresql/15/main")],
        "fine": [("chmod 700 /var/lib/redis", "chmod 750 /var/lib/redis")],
    },
    "db.influxdb-no-login": {"bad": [
        "printf '[http]\\n  auth-enabled = false\\n' >/etc/influxdb/influxdb.conf",
        "put /etc/default/influxdb INFLUXDB_HTTP_BIND_ADDRESS=:8086"]},
    "db.influxdb-tls": {"bad": ["put /etc/influxdb/config.toml 'log-level = \"info\"'"]},
    "db.memcached-open": {"bad": ["sed -i '/^-l/d' /etc/memcached.conf",
                                  "sed -i 's/^-l .*/-l 0.0.0.0/' /etc/memcached.conf"]},
    "db.memcached-udp": {"bad": ["sed -i '/^-l/d' /etc/memcached.conf; add /etc/memcached.conf '-U 11211'"]},
    "db.mongodb-no-login": {"bad": ["put /etc/mongod.conf 'net: {bindIp: 127.0.0.1}'",
                                    "sed -i s/enabled/disabled/ /etc/mongod.conf"]},
    "db.mongodb-tls": {"bad": ["put /etc/mongod.conf 'net: {bindIp: \"127.0.0.1,10.0.0.5\"}'"]},
    "db.mysql-file-directory": {"bad": [mysql("secure_file_priv ="), mysql("secure-file-priv=\"\"")]},
    "db.mysql-grant-tables": {"bad": [mysql("skip-grant-tables"), mysql("skip_grant_tables = 1"),
                                      mysql("loose-skip-grant")]},
    "db.mysql-local-infile": {"bad": [mysql("local_infile"), mysql("local-infile = ON"),
                                      mysql("enable-local-infile")]},
    "db.mysql-tls-not-demanded": {"bad": [mysql("bind-address = *"), mysql("bind-address = 127.0.0.1,10.0.0.5")]},
    "db.postgres-clear-passwords": {"bad": [hba("host all app 10.0.0.0/8 password"),
                                            hba("host all app samenet ldap ldapserver=x ldapprefix=y")]},
    "db.postgres-fsync": {"bad": [postgres("fsync = off"), postgres("FSync 'no'")]},
    "db.postgres-log-ddl": {
        "bad": [postgres("log_statement = 'none'"), f"rm {ETC}/conf.d/10-good.conf"],
        "fine": [postgres("log_statement = 'none'", "shared_preload_libraries = 'pgaudit'")],
    },
    "db.postgres-log-sessions": {"bad": [postgres("log_connections = off"), postgres("log_disconnections=0"),
                                         "put /var/lib/postgresql/15/main/postgresql.auto.conf 'log_connections = f'"],
                                 "undo": ": >/var/lib/postgresql/15/main/postgresql.auto.conf"},
    "db.postgres-md5": {"bad": [hba("host all app 127.0.0.0/8 md5"),
                                f"sed -i 's/scram-sha-256/md5/' {ETC}/pg_hba.conf"]},
    "db.postgres-no-trust": {"bad": [hba("host all app 127.0.0.2/32 trust"),
                                     f"sed -i 's/peer$/trust/' {ETC}/pg_hba.conf"]},
    "db.postgres-password-hash": {"bad": [postgres("password_encryption = md5"),
                                          postgres("password_encryption = 'MD5'", name="zz")]},
    "db.postgres-replication-anywhere": {"bad": [hba("host replication replica 0.0.0.0/0 scram-sha-256"),
                                                 hba("hostssl all,replication replica all scram-sha-256")]},
    "db.postgres-superuser-anywhere": {
        "bad": [hba("host all all 0.0.0.0/0 scram-sha-256"), hba("hostssl app postgres ::/0 scram-sha-256"),
                hba("hostssl app +admins all scram-sha-256")],
        "fine": [hba("host all all 0.0.0.0/0 reject")],
    },
    "db.postgres-tls-not-demanded": {"bad": [hba("host app app 10.0.0.0 255.0.0.0 scram-sha-256"),
                                             hba("hostnossl app app 192.0.2.7/32 scram-sha-256")],
                                     "fine": [hba("hostssl app app 10.0.0.0/8 scram-sha-256")]},
    "db.postgres-tls-off": {"bad": [postgres(LISTEN, "ssl = off"),
                                    f"sed -i '/^ssl =/d' {ETC}/postgresql.conf; " + postgres(LISTEN)]},
    "db.postgres-tls-version": {"bad": [postgres(LISTEN, "ssl_min_protocol_version = 'TLSv1'"),
                                        postgres(LISTEN, "ssl_min_protocol_version = ''")]},
    "db.redis-debug": {"bad": [redis("enable-module-command yes"), redis("ENABLE-DEBUG-COMMAND \"yes\"")]},
    "db.redis-local-password": {"alone": True,
                                "bad": ["sed -i /^requirepass/d /etc/redis/redis.conf",
                                        redis("user default on nopass ~* +@all"), redis("requirepass \"\"")]},
    "db.redis-open": {"alone": True,
                      "bad": ["sed -i /^requirepass/d /etc/redis/redis.conf; "
                              + redis("bind 0.0.0.0", "protected-mode no")]},
    "db.redis-socket": {"alone": True,
                        "bad": ["sed -i /^requirepass/d /etc/redis/redis.conf; "
                                + redis("unixsocket /run/redis/s", "unixsocketperm 777")]},
    "db.redis-tls": {"bad": [redis(*OPEN), "sed -i 's/^bind .*/# &/' /etc/redis/redis.conf"]},
}
