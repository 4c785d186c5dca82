# SPDX-License-Identifier: Apache-2.0
"""What services are started with beside their files: words of units as systemd makes them, and options,
variables, units and processes that have the last word, of the real programs."""

from oracle import OnHost

# Writes down what it was given, as the programs that revet looks for would be given it.
WITNESS = """#!/bin/sh
printf '%s\\n' "$*" > /run/witness.$1
exec sleep 1000
"""

# Each is a unit; what systemd makes of its words is what revet says of it.
WORDS = {
    "plain": "ExecStart=/usr/bin/mosquitto plain -a 'b c' \"d 'e'\" f\\x67h",
    "variables": """Environment="ONE=a b" TWO='c d' THREE=
Environment=ONE=e\\tf
ExecStart=/usr/bin/mosquitto variables $ONE ${ONE} $TWO x${TWO}y $$ONE $THREE ${THREE}. $NONE ${NONE}.""",
    "file": """Environment=ONE=unit OTHER=kept
EnvironmentFile=-/etc/none
EnvironmentFile=/etc/witness.*.env
ExecStart=/usr/bin/mosquitto file $ONE $TWO $THREE $FOUR $FIVE $OTHER""",
    "reset": """ExecStart=/usr/bin/mosquitto reset old
ExecStart=
Environment=ONE=1
UnsetEnvironment=NOTHING
ExecStart=:/usr/bin/mosquitto reset $ONE ${ONE}""",
    "name": "ExecStart=@/usr/bin/mosquitto called name %n %p %% %i.",
    "lines": """ExecStart=/usr/bin/mosquitto lines \\
 # a comment
 ; another
  -a \\
\t -b""",
    "shell": """Environment=ONE=1 "TWO=2 3"
ExecStart=/bin/sh -c 'set -f; NONE=; exec /usr/bin/mosquitto shell $ONE $TWO "${ONE}"'""",
}

VARIABLES = r"""# ONE=comment
; ONE=comment
ONE = "file \
 continued"  
TWO='single \ "x"' tail
THREE=a\ b\
c
FOUR="d\"e\$f"
 FIVE=	 spaced out 	
"""


class Words(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.write("/usr/bin/mosquitto", WITNESS, "755")
        cls.write("/etc/witness.1.env", "ONE=first\nTWO=first\n")
        cls.write("/etc/witness.2.env", VARIABLES)
        for name, lines in WORDS.items():
            cls.write(f"/etc/systemd/system/w-{name}.service", f"[Service]\n{lines}\n")
        cls.sh("systemctl daemon-reload; systemctl start " + " ".join(f"w-{name}" for name in WORDS))

    def test_words_of_units(self):
        for name in WORDS:
            with self.subTest(name):
                want = " ".join(self.out("cat", f"/run/witness.{name}").split())
                self.sh("""rm -rf /run/one; mkdir -p /run/one/etc/systemd/system
                    cp /etc/witness.* /run/one/etc; cp "$1" /run/one/etc/systemd/system""",
                        f"/etc/systemd/system/w-{name}.service")
                result = self.host.exec(["revet", "table", "mosquitto", "--root", "/run/one"], check=False)
                got = result.stdout + result.stderr
                self.assertIn(f"w-{name}.service", got)
                self.assertEqual(got.partition("started with ")[2].partition(": what that")[0], want)


SERVICES = {
    # table: a drop-in of the unit, what of its process shows that it holds, and what revet says
    "redis": ("redis-server", "ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd "
              "--daemonize no --protected-mode no", None, "--protected-mode no"),
    "mysql": ("mariadb", "Environment=MYSQLD_OPTS=--bind-address=0.0.0.0", "mariadbd --bind-address=0.0.0.0",
              "--bind-address=0.0.0.0"),
    "mosquitto": ("mosquitto", "ExecStart=/usr/sbin/mosquitto -c /etc/mosquitto/mosquitto.conf -p 1884",
                  "mosquitto.conf -p 1884", "-p 1884"),
    "rsyslog": ("rsyslog", "ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /etc/other.conf", "-f /etc/other.conf",
                "-f /etc/other.conf"),
    "sshd": ("ssh", "Environment=SSHD_OPTS=\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/other_config",
             "-f /etc/ssh/other_config", "-f /etc/ssh/other_config"),
    "nginx": ("nginx", "ExecStartPre=\nExecStart=/usr/sbin/nginx -g 'daemon on; timer_resolution 100ms;'",
              "daemon on; timer_resolution 100ms;", "timer_resolution 100ms;"),
}
BY_HAND = {
    "postgres": ("su postgres -c '/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main "
                 "-c config_file=/etc/postgresql/15/main/postgresql.conf -c listen_addresses=*'",
                 "-c listen_addresses=*"),
    "memcached": ("memcached -u memcache -p 11299 -l 0.0.0.0", "0.0.0.0"),
}


class Services(OnHost):
    image = "databases"

    def table(self, name):
        result = self.host.exec(["revet", "table", name], check=False)
        return result.stdout + result.stderr

    def test_as_packages_leave_them(self):
        """Nothing is said of services that are as they are by default."""
        self.sh("systemctl restart ssh redis-server")
        for name in [*SERVICES, *BY_HAND, "mosquitto_bridges", "pg_hba"]:
            with self.subTest(name):
                self.assertNotIn("what that", self.table(name))
                self.assertNotIn("is not known", self.table(name))

    def test_options(self):
        self.sh("cp /etc/rsyslog.conf /etc/other.conf; cp /etc/ssh/sshd_config /etc/ssh/other_config")
        for unit, lines, _, _ in SERVICES.values():
            reset = "ExecStart=\n" if "ExecStart=/" in lines else ""
            self.write(f"/etc/systemd/system/{unit}.service.d/own.conf", f"[Service]\n{reset}{lines}\n")
        units = " ".join(unit for unit, _, _, _ in SERVICES.values())
        self.addCleanup(self.sh, f"""for unit in {units}; do rm -r /etc/systemd/system/$unit.service.d/own.conf; done
            systemctl daemon-reload; systemctl restart {units}""")
        self.sh(f"systemctl daemon-reload; systemctl restart {units}")
        for table, (unit, _, shown, told) in SERVICES.items():
            with self.subTest(table):
                if shown:
                    self.assertIn(shown, self.out("ps", "-eo", "args"))
                self.assertIn(told, self.table(table))

    def test_changed_unit(self):
        """The unit is as usual again, and what runs is still what it was."""
        drop_in = "/etc/systemd/system/mosquitto.service.d/own.conf"
        self.write(drop_in, "[Service]\nExecStart=\n" + SERVICES["mosquitto"][1] + "\n")
        self.addCleanup(self.sh, "systemctl daemon-reload; systemctl restart mosquitto")
        self.sh(f"systemctl daemon-reload; systemctl restart mosquitto; rm {drop_in}; systemctl daemon-reload")
        self.assertRegex(self.table("mosquitto"), "process [0-9]+ is started with -p 1884")

    def test_by_hand(self):
        self.sh("systemctl stop postgresql@15-main")
        self.addCleanup(self.sh, "pkill -f '[l]isten_addresses=[*]'; pkill -f '[p] 11299'; sleep 1; "
                        "systemctl start postgresql@15-main")
        for table, (command, told) in BY_HAND.items():
            with self.subTest(table):
                self.sh(f"setsid {command} >/dev/null 2>&1 & sleep 0.5")
                self.assertIn(told, self.table(table))
