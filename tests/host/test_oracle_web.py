# SPDX-License-Identifier: Apache-2.0
"""nginx: against what `nginx -T` reads and what nginx answers on servers that each are set up another way."""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost

TLS = "ssl_certificate /etc/ssl/certs/web.pem; ssl_certificate_key /etc/ssl/private/web.key;"
PATHS = ["/", "/index.html", "/deep/", "/deep/x", "/x"]
PRIVATE = ["/.env", "/.git/HEAD", "/dump.sql"]

# The body of a server each; the port follows from the place. What is said by include stays in a file.
PLAIN = [
    "",
    "server_tokens off;",
    "server_tokens off; location / { server_tokens on; }",
    "add_header X-Own 1;",
    "location / { add_header X-Own 1; }",
    "location / { add_header X-Own ''; }",
    "include /etc/nginx/snippets/own.conf;",
    "include snippets/*.none; autoindex on;",
    "root '/srv/\"q\" x'; autoindex \"on\";",
    "location ~ /\\. { deny all; }",
    "location ~ /\\.(?!env) { return 404; }",
    "location ^~ /. { } location ~ /\\.git { deny all; }",
    "location = /.env { return 403; } location ~* \\.SQL$ { deny all; }",
    "location /.git { deny all; allow all; }",
    "location /.git { allow all; deny all; }",
    "location /.git/ { internal; } location ~ env$ { auth_basic x; auth_basic_user_file /nothing; }",
    "location / { location ~ git { deny all; } } location ~ HEAD { }",
    "location / { location /.git { deny all; } } location ~ HEAD { }",
    "location ^~ / { location /.git { deny all; } } location ~ env { deny all; }",
    "location / { root /srv/own/deep; } location /.git { }",
    "return 301 https://$host$request_uri;",
    "return 444;",
    "rewrite ^ https://a.test/ permanent;",
    "rewrite ^/(.*)$ https://a.test/$1 redirect;",
    "rewrite ^/index /index.html break; return 301 https://a.test/;",
    "location / { return 308 https://a.test/; } location /index { root /srv/own; }",
    "location / { return 403; }",
    "location /deep { return 403; }",
    "deny all;",
    "if ($host = 127.0.0.1) { return 301 https://a.test/; } return 404;",
    "location / { proxy_pass http://127.0.0.1:9001; }",
    "location / { proxy_pass http://up/; deny all; }",
    "location / { deny all; location /index { allow all; proxy_pass http://up; } }",
    "location / { if ($host = x) { return 403; } set $a \"b;{\"; add_header X-A \"${a}}\"; }",
    "charset 'utf-8'; # comment } { ;\n\tlocation / { } # }\n",
]
SECURE = [
    "",
    "ssl_protocols TLSv1.3;",
    "ssl_protocols TLSv1 TLSv1.1;",
    "include snippets/tls.conf;",
    "ssl_protocols SSLv3 TLSv1.1 TLSv1.2;",
]
VERSIONS = {"TLSv1": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}


class Nginx(OnHost):
    image = "web-servers"

    @classmethod
    def prepare(cls):
        cls.sh("rm /etc/nginx/sites-enabled/default; systemctl stop apache2\n"
               "install -d /srv/own/.git /srv/own/deep '/srv/\"q\" x'; cd /srv/own\n"
               "echo x | tee index.html .env dump.sql .git/HEAD deep/x '/srv/\"q\" x/x' >/dev/null")
        cls.write("/etc/nginx/snippets/own.conf", "add_header X-Own 2;\ninclude snippets/more.conf;")
        cls.write("/etc/nginx/snippets/more.conf", "add_header X-More 'a b';")
        cls.write("/etc/nginx/snippets/tls.conf", "ssl_protocols TLSv1.1 TLSv1.2;")
        cls.write("/etc/nginx/conf.d/up.conf", "upstream up { server 127.0.0.1:9001; }\n"
                  "add_header X-All 1; ssl_ciphers ALL:@SECLEVEL=0; root /srv/own;\n"
                  "server { listen 127.0.0.1:9001; location / { return 200 passed; } }\n"
                  "map $host $m { default 1; '~^(a;{)$' 2; hostnames; }\n")
        for n, body in enumerate(PLAIN):
            cls.write(f"/etc/nginx/sites-available/p{n:02}", f"server {{ listen {7000 + n}; {body} }}")
        for n, body in enumerate(SECURE):
            cls.write(f"/etc/nginx/sites-available/s{n:02}",
                      f"server {{ listen {7500 + n} ssl; {TLS} {body} }}")
        cls.sh("cd /etc/nginx/sites-enabled; ln -s ../sites-available/[ps]* .; nginx -t -q; systemctl restart nginx")
        cls.rows = json.loads(cls.out("revet", "table", "nginx", "-f", "json"))
        cls.answers = {}
        cls.ask([f"http://127.0.0.1:{7000 + n}{path}" for n in range(len(PLAIN)) for path in PATHS + PRIVATE])
        cls.servers = {row["listen"][0]: row for row in cls.rows if row["context"] == "server"}

    @classmethod
    def ask(cls, urls):
        """Status, headers and body of each answer; status 0 when there is none."""
        said = cls.out("curl", "-sik", "-m", "5", "-w", "~~%{http_code}~~", *urls, check=False)
        for url, (answer, code) in zip(urls, zip(*[iter(said.replace("\r", "").split("~~")[:-1])] * 2),
                                       strict=True):
            head, _, body = answer.partition("\n\n")
            headers = [(name.lower(), value.strip()) for name, _, value in
                       (line.partition(":") for line in head.splitlines()[1:])]
            cls.answers[url] = int(code), headers, body

    def get(self, port, path="/"):
        return self.answers[f"http://127.0.0.1:{port}{path}"]

    def test_every_file(self):
        """What the worker may write is named, so all of them are when it owns them."""
        files = re.findall(r"^# configuration file (\S+):$", self.out("nginx", "-T"), re.M)
        self.assertGreater(len(files), 40)
        self.addCleanup(self.sh, 'for f; do chown root "$f"; done', *files)
        self.sh('for f; do chown www-data "$f"; done', *files)
        main = next(row for row in self.table("nginx") if row["context"] == "main")
        self.assertEqual(sorted(set(files)), sorted(f for f in main["writable"]))
        self.assertEqual(main["user"], self.out("ps", "-C", "nginx", "-o", "user=").split()[-1])

    def test_headers_and_version(self):
        got, want = {}, {}
        for n in range(len(PLAIN)):
            status, headers, _ = self.get(7000 + n)
            row = next((r for r in self.rows if r["context"] == "location" and r["location"] == "/"
                        and r["name"].endswith(f":{7000 + n} /")), self.servers[str(7000 + n)])
            if status not in (200, 301, 302, 308):
                continue
            names = {f"{name}: {value}" for name, value in headers if name.startswith("x-")}
            want[n] = (names, "on" if dict(headers)["server"] != "nginx" else "off")
            got[n] = ({h.replace("${a}", "b;{") for h in row["headers"]}, row["server_tokens"])
        self.same(got, want, at_least=25)

    def test_plain(self):
        """What clients get without TLS, of the pages that there are."""
        got, want = {}, {}
        for n in range(len(PLAIN)):
            answers = [self.get(7000 + n, path) for path in PATHS if path != "/deep/"]
            bodies = [body for status, _, body in answers if status == 200]
            away = [dict(headers).get("location", "") for _, headers, _ in answers]
            want[n] = ("application" if "passed" in bodies else "files" if bodies else
                       "redirect" if any(a.startswith("https://a.test") or "https://127" in a for a in away)
                       else "refused")
            got[n] = self.servers[str(7000 + n)]["plain"]
        self.same(got, want, at_least=30)

    def test_what_lies_about(self):
        got, want = {}, {}
        for n in range(len(PLAIN)):
            found = [path for path in PRIVATE if self.get(7000 + n, path)[2] == "x\n"]
            row = self.servers[str(7000 + n)]
            if isinstance(row["exposed"], dict):
                continue
            want[n], got[n] = found, sorted(row["exposed"] or [])
        self.same(got, want, at_least=30)
        self.assertGreater(len({tuple(found) for found in want.values()}), 4)

    def test_directories(self):
        got, want = {}, {}
        for n in range(len(PLAIN)):
            row = self.servers[str(7000 + n)]
            path = "/" if '"q"' in PLAIN[n] else "/deep/"
            want[n] = "on" if "<title>Index of" in self.get(7000 + n, path)[2] else "off"
            got[n] = row["autoindex"]
        self.same(got, want, at_least=30)

    def test_tls(self):
        got, want = {}, {}
        for n in range(len(SECURE)):
            port = 7500 + n
            want[n] = [name for name, option in VERSIONS.items() if "Cipher is (NONE)" not in self.sh(
                f"echo | openssl s_client {option} -cipher ALL:@SECLEVEL=0 -connect 127.0.0.1:{port} 2>&1",
                check=False)]
            got[n] = [v for v in VERSIONS if v in self.servers[str(port)]["ssl_protocols"]]
        self.same(got, want, at_least=5)


if __name__ == "__main__":
    unittest.main()
