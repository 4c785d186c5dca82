# SPDX-License-Identifier: Apache-2.0
"""`revet test` on a host with real services: what it says of each against what the system's own programs
say, and a service that comes up only after a while."""
import json
import pathlib
import subprocess
import time
import unittest

from hostlib import Host, needed_libraries

REVET = pathlib.Path(__file__).resolve().parents[2] / "build/revet"

SERVICES = """
service:
  nginx: {enabled: true, running: true}
  ssh: {enabled: true, running: true}
  sshd: {enabled: true, running: true}
  mosquitto.service: {enabled: true, running: true}
  apt-daily.timer: {enabled: false, running: false}
  nonesuch: {enabled: false, running: false}
package:
  nginx: {installed: true}
  postgresql: {installed: true}
port:
  tcp:22: {listening: true, ip: [0.0.0.0]}
  tcp6:22: {listening: true, ip: ['::']}
  tcp:80: {listening: true}
  tcp:5432: {listening: true, ip: {consist-of: [127.0.0.1]}}
  tcp:1883: {listening: true}
  tcp:23: {listening: false}
process:
  nginx: {running: true}
  mosquitto: {running: true}
  kthreadd-not-here: {running: false}
user:
  postgres: {exists: true, groups: [ssl-cert], home: /var/lib/postgresql, shell: /bin/bash}
  ops: {exists: true, groups: {contain-element: sudo}}
file:
  /etc/nginx/nginx.conf: {exists: true, mode: '0644', owner: root, contents: ['/^user www-data;$/']}
  /var/run: {exists: true, filetype: symlink, linked-to: /run}
  /run/postgresql/.s.PGSQL.5432: {exists: true, filetype: socket, owner: postgres}
http:
  http://127.0.0.1/: {status: 200, headers: ['/^Server: nginx/'], body: [the site]}
  http://127.0.0.1/nonesuch: {status: 404}
addr:
  tcp://127.0.0.1:22: {reachable: true}
dns:
  localhost: {resolvable: true, addrs: [127.0.0.1]}
command:
  sshd -T: {exit-status: 0, stdout: [port 22]}
  su postgres -c 'psql -tAc "select 6 * 7"': {exit-status: 0, stdout: ['42']}
mount:
  /nonesuch: {exists: false}
  /: {exists: true, usage: {le: 100}}
tests:
  - {title: the broker listens, for: listeners, where: {port: 1883, address: 127.0.0.1}, want: {user: mosquitto}}
  - {title: the database is nobody else's, for: listeners, where: {port: 5432, scope: public}, want: none}
  - {title: nginx answers, for: http, where: {url: 'http://127.0.0.1/'}, want: {status: 200}}
  - {title: there is room, for: disk_space, where: {target: /var}, want: {free_percent: {min: 1}}}
"""


class OnServices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host.start("stock-services")
        cls.addClassCleanup(cls.host.stop)
        cls.host.put_program(REVET, "/usr/local/bin/revet")
        curl = pathlib.Path("/usr/lib/x86_64-linux-gnu/libcurl.so.4").resolve()
        for library in [curl, *needed_libraries(curl)]:
            name = "libcurl.so.4" if library == curl else pathlib.Path(library).name
            if not cls.run_there("test", "-e", f"/usr/lib/x86_64-linux-gnu/{name}").returncode == 0:
                cls.host.put(library, f"/usr/lib/x86_64-linux-gnu/{name}")

    @classmethod
    def run_there(cls, *argv, **kwargs):
        return cls.host.exec(list(argv), check=False, **kwargs)

    def results(self, text, *args):
        """{(kind, name, property): result}, and the exit status."""
        done = self.run_there("revet", "test", "-f", "json", *args, "-", input=text)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        report = json.loads(done.stdout)
        return ({(r["resource-type"], r["resource-id"], r["property"]): r for r in report["results"]},
                done.returncode)

    def test_services(self):
        found, code = self.results(SERVICES)
        bad = [r["summary-line-compact"] for r in found.values() if r["outcome"] != "pass"]
        self.assertEqual((bad, code), ([], 0))
        self.assertGreaterEqual(len(found), 60)

    def test_every_service_is_as_systemctl_says(self):
        listed = self.run_there("systemctl", "list-unit-files", "--type=service", "--plain",
                                "--no-legend").stdout
        names = [line.split()[0] for line in listed.splitlines()]
        names = [name for name in names if "@." not in name]
        self.assertGreater(len(names), 40)
        found, _ = self.results("service:\n" + "".join(
            f"  {name}: {{enabled: true, running: true}}\n" for name in names))
        for name in names:
            for word, question in ("enabled", "is-enabled"), ("running", "is-active"):
                said = self.run_there("systemctl", "-q", question, name).returncode == 0
                with self.subTest(name, word=word):
                    self.assertEqual(found["Service", name, word]["outcome"], "pass" if said else "fail")

    def test_every_package_is_as_dpkg_says(self):
        lines = self.run_there("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Status}\n").stdout
        rows = [line.split("\t") for line in lines.splitlines()]
        found, _ = self.results("package:\n" + "".join(
            f"  {name}: {{installed: {str(status.endswith(' installed')).lower()}, "
            f"versions: ['{version}']}}\n" for name, version, status in rows))
        self.assertEqual([key for key, r in found.items() if r["outcome"] == "fail"], [])

    def test_every_user_is_as_id_says(self):
        names = [line.split(":")[0] for line in self.run_there("getent", "passwd").stdout.splitlines()]
        text = "user:\n"
        for name in names:
            uid, gid, *groups = self.run_there(
                "sh", "-c", f"id -u {name}; id -g {name}; id -nG {name}").stdout.split()
            text += (f"  {name}: {{exists: true, uid: {uid}, gid: {gid}, "
                     f"groups: {{consist-of: {json.dumps(groups)}}}}}\n")
        found, code = self.results(text)
        self.assertEqual([r["summary-line-compact"] for r in found.values() if r["outcome"] != "pass"], [])
        self.assertEqual(code, 0)

    def test_every_mount_is_as_findmnt_says(self):
        mounts = json.loads(self.run_there("findmnt", "-J", "-l", "-o",
                                           "TARGET,SOURCE,FSTYPE,VFS-OPTIONS").stdout)["filesystems"]
        last = {mount["target"]: mount for mount in mounts}
        found, _ = self.results("mount:\n" + "".join(
            f"  {json.dumps(target)}: {{exists: true, filesystem: {m['fstype']}, "
            f"opts: {json.dumps(m['vfs-options'].split(','))}}}\n" for target, m in last.items()))
        self.assertEqual([r["summary-line-compact"] for r in found.values() if r["outcome"] != "pass"], [])

    def test_every_tcp_port_is_as_ss_says(self):
        listens = set()
        for line in self.run_there("ss", "-Hltn").stdout.splitlines():
            address, _, port = line.split()[3].rpartition(":")
            listens.add(f"tcp6:{port}" if "[" in address or address == "*" else f"tcp:{port}")
        asked = [f"{kind}:{port}" for kind in ("tcp", "tcp6")
                 for port in [*range(1, 200), 1883, 5432, 8080, 53124]]
        found, _ = self.results("port:\n" + "".join(f"  {port}: {{listening: true}}\n" for port in asked))
        for port in asked:
            with self.subTest(port):
                self.assertEqual(found["Port", port, "listening"]["outcome"],
                                 "pass" if port in listens else "fail")

    def test_tells_what_is_wrong(self):
        self.host.exec(["systemctl", "stop", "nginx"])
        self.addCleanup(self.host.exec, ["systemctl", "start", "nginx"])
        done = self.run_there("revet", "test", "-f", "tap", "-", input=SERVICES)
        self.assertEqual(done.returncode, 2)
        for words in ("Service: nginx: running: Expected false to equal true",
                      "Port: tcp:80: listening: Expected false to equal true",
                      "Process: nginx: running: Expected false to equal true",
                      "HTTP: http://127.0.0.1/: status: Error", "Connection refused",
                      "Test: nginx answers: want: Error"):
            self.assertRegex(done.stdout, words.replace("Connection refused", "(?i)connect"))

    def test_waits_for_what_comes_up(self):
        self.host.exec(["systemctl", "stop", "nginx"])
        self.addCleanup(self.host.exec, ["systemctl", "start", "nginx"])
        self.host.exec(["systemd-run", "--on-active=1", "--timer-property=AccuracySec=100ms",
                        "systemctl", "start", "nginx"])
        begin = time.monotonic()
        done = self.run_there("revet", "test", "-r", "30s", "-s", "200ms", "-f", "nagios", "-",
                              input="http: {'http://127.0.0.1/': {status: 200}}\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertLess(0.3, time.monotonic() - begin)

    def test_as_another_user(self):
        """What may not be read has not passed."""
        text = "file:\n  /etc/shadow: {exists: true, contents: ['!nonesuch']}\n"
        done = self.run_there("su", "ops", "-s", "/bin/sh", "-c", "revet test -f tap -", input=text)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not ok 2 - File: /etc/shadow: contents: Error /etc/shadow: Permission denied",
                      done.stdout)


if __name__ == "__main__":
    unittest.main()
