# SPDX-License-Identifier: Apache-2.0
"""nginx, apache, php: against what `nginx -T` and `apache2ctl -t -D DUMP_...` say of the configuration, what
nginx and Apache answer on servers that each are set up another way, and what ini_get() says in php-fpm's place."""

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


class Answers(OnHost):
    """What a server says to many requests, all asked at once."""

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


class Nginx(Answers):
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

    def test_another_configuration(self):
        """What systemd really starts is not the file that is read: nothing is known then."""
        drop_in = "/etc/systemd/system/nginx.service.d/own.conf"
        self.sh("cp /etc/nginx/nginx.conf /etc/nginx/other.conf")
        self.write(drop_in, "[Service]\nExecStartPre=\nExecStart=\nExecStart=/usr/sbin/nginx -c /etc/nginx/other.conf\n")
        self.addCleanup(self.sh, f"rm {drop_in}; systemctl daemon-reload; systemctl restart nginx")
        self.sh("systemctl daemon-reload; systemctl restart nginx")
        self.assertIn("-c /etc/nginx/other.conf", self.out("pgrep", "-a", "-o", "nginx"))
        audit = json.loads(self.out("revet", "audit", "--family", "web", "--fail-on", "none", "-f", "json", check=False))
        said = {result["verdict"] for result in audit["results"]
                if "-c /etc/nginx/other.conf" in (result.get("reason") or "")}
        self.assertEqual(said, {"unknown"})

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


# Of virtual hosts, one for each port.
HOSTS = [
    "",
    "ServerSignature Off",
    "Header set X-Own 1",
    "Header always set X-Own: \"a b\"\nHeader unset X-All",
    "<FilesMatch \"^\\.\">\nRequire all denied\n</FilesMatch>",
    "<DirectoryMatch \"/\\.git\">\nRequire all denied\n</DirectoryMatch>",
    "<Files *.sql>\nRequire ip 10.0.0.0/8\n</Files>",
    "<Directory /srv/own/.git>\nRequire all denied\n</Directory>",
    "<Directory /srv/own/.git>\nRequire all denied\n</Directory>\n<Location /.git/HEAD>\nRequire all granted\n</Location>",
    "<LocationMatch ^/\\.(git|env)>\nRequire all denied\n</LocationMatch>",
    "RedirectMatch 404 /\\.(git|env)",
    "Redirect / https://a.test/",
    "Redirect permanent /index.html https://a.test/",
    "RewriteEngine On\nRewriteRule ^ https://a.test%{REQUEST_URI} [R]",
    "RewriteRule ^ https://a.test%{REQUEST_URI} [R]",
    "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^/?(.*) https://a.test/$1 [R=301,L]",
    "RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/index\nRewriteRule ^/(.*)$ https://a.test/$1 [R=301,L]",
    "<Location />\nRequire all denied\n</Location>",
    "<Directory /srv/own>\nOptions +Indexes\n</Directory>",
    "<Directory /srv>\nOptions Indexes\n</Directory>\n<Directory /srv/own>\nOptions -FollowSymLinks\n</Directory>",
    "ProxyPass / http://127.0.0.1:9001/",
    "<IfModule mod_ssl.c>\nRedirect / https://a.test/\n</IfModule>",
    "<IfModule ssl_module>\nHeader set X-Ssl 1\n</IfModule>\n<IfModule !headers_module>\nNonsense\n</IfModule>",
    "Define PLACE /srv/own/deep\nDocumentRoot ${PLACE}",
    "<IfDefine NOTHING>\nRedirect / https://a.test/\n</IfDefine>\n<IfFile /etc/passwd>\nHeader set X-File 1\n</IfFile>",
    "Include own/*.x\nIncludeOptional own/*.none",
    "<Directory /srv/own>\nHeader set X-Dir 1\nHeader unset X-All\n</Directory>",
    "<Directory /srv/own>\nHeader set X-Dir 1\n</Directory>\n<Directory /srv>\nHeader set X-Dir 2\nHeader set X-Up 1\n"
    "</Directory>\nAlias /icons/ /usr/share/apache2/icons/",
    "Header always set X-All 2\n<LocationMatch ^/>\nHeader append X-Own 1\n</LocationMatch>\n"
    "<Location />\nHeader set X-Loc 1\n</Location>\n<Location /x>\nHeader set X-Part 1\n</Location>",
    "ProxyPass / http://127.0.0.1:9001/\n<Directory />\nHeader set X-Dir 1\nHeader unset X-All\n</Directory>\n"
    "<Location />\nHeader set X-Loc 1\n</Location>",
    "DocumentRoot /srv/ht\n<Directory /srv>\nAllowOverride FileInfo\n</Directory>",
    "DocumentRoot /srv/ht\n<Directory /srv/ht>\nAllowOverride None\n</Directory>",
    "TraceEnable On",
]


class Apache(Answers):
    image = "web-servers"

    @classmethod
    def prepare(cls):
        cls.sh("systemctl stop nginx; a2enmod -q headers rewrite proxy proxy_http\n"
               "install -d /srv/own/.git /srv/own/deep; cd /srv/own; rm /etc/apache2/sites-enabled/*\n"
               "echo x | tee index.html .env dump.sql .git/HEAD deep/x >/dev/null")
        cls.sh("install -d /srv/ht/deep; echo x | tee /srv/ht/index.html /srv/ht/deep/x >/dev/null")
        cls.write("/srv/ht/.htaccess", "Header set X-Ht 1")
        cls.write("/etc/apache2/own/a.x", "Header set X-Own 3\nInclude own/more")
        cls.write("/etc/apache2/own/more/deep/b", "Header set X-More 1")
        cls.write("/etc/apache2/conf-enabled/zz.conf", "DocumentRoot /srv/own\nHeader set X-All 1\nTraceEnable Off\n"
                  "<Directory /srv/>\nRequire all granted\n</Directory>\nListen 127.0.0.1:9001\n"
                  "<VirtualHost *:9001>\nRewriteEngine On\nRewriteRule ^ - [R=200]\n</VirtualHost>")
        for n, body in enumerate(HOSTS):
            cls.write(f"/etc/apache2/sites-enabled/p{n:02}.conf",
                      f"Listen {7000 + n}\n<VirtualHost *:{7000 + n}>\n{body}\n</VirtualHost>")
        cls.sh("apache2ctl configtest; systemctl restart apache2")
        cls.rows = json.loads(cls.out("revet", "table", "apache", "-f", "json"))
        cls.answers = {}
        cls.ask([f"http://127.0.0.1:{7000 + n}{path}" for n in range(len(HOSTS)) for path in PATHS + PRIVATE])
        cls.servers = {row["listen"][0].split(":")[-1]: row for row in cls.rows if row["context"] == "server"}

    def test_what_is_read(self):
        files = re.findall(r"^\s*\([^)]*\) (/\S+)$", self.out("apache2ctl", "-t", "-D", "DUMP_INCLUDES"), re.M)
        self.assertGreater(len(files), 40)
        self.addCleanup(self.sh, 'for f; do chown -h root "$f"; chown root "$f"; done', *files)
        self.sh('for f; do chown www-data "$f"; done', *files)
        main = next(row for row in json.loads(self.out("revet", "table", "apache", "-f", "json"))
                    if row["context"] == "main")
        self.assertEqual(sorted(set(files)), sorted(main["writable"]))
        loaded = set(re.findall(r"^ (\w+)_module ", self.out("apache2ctl", "-M"), re.M))
        self.assertEqual(set(main["modules"]) - loaded, set())
        self.assertIn("proxy", main["modules"])
        run = self.out("apache2ctl", "-S")
        self.assertIn(f'User: name="{main["user"]}"', run)

    def test_headers(self):
        got, want = {}, {}
        for n in range(len(HOSTS)):
            status, headers, _ = self.get(7000 + n, "/deep/x")
            said = {f"{name}: {value}" for name, value in headers if name.startswith("x-")}
            if "FileInfo" in HOSTS[n]:
                self.assertIn("x-ht: 1", said)
                self.assertIn("/srv/ht/.htaccess may set headers", str(self.servers[str(7000 + n)]["headers"]))
            elif status == 200:
                want[n] = said
                got[n] = set(self.servers[str(7000 + n)]["headers"])
        self.same(got, want, at_least=20)

    def test_plain(self):
        got, want = {}, {}
        for n in range(len(HOSTS)):
            answers = [self.get(7000 + n, path) for path in PATHS]
            away = any(dict(headers).get("location", "").startswith("https://a.test") for _, headers, _ in answers)
            want[n] = ("files" if any(body == "x\n" for status, _, body in answers if status == 200) else
                       "redirect" if away else "refused" if answers[0][0] == 403 else "application")
            got[n] = self.servers[str(7000 + n)]["plain"].replace("application", "files") \
                if want[n] == "files" else self.servers[str(7000 + n)]["plain"]
        self.same(got, want, at_least=20)

    def test_what_lies_about(self):
        got, want = {}, {}
        for n in range(len(HOSTS)):
            row = self.servers[str(7000 + n)]
            found = [path for path in PRIVATE if self.get(7000 + n, path)[2] == "x\n"]
            if not isinstance(row.get("exposed"), dict):
                want[n], got[n] = found, sorted(row.get("exposed") or [])
        self.same(got, want, at_least=15)
        self.assertGreater(len({tuple(found) for found in want.values()}), 4)

    def test_directories(self):
        got, want = {}, {}
        for row in self.rows:
            if row["context"] == "section" and row["name"].endswith(("Directory /srv/own", "Directory /srv")):
                port = row["name"].split()[1].split(":")[-1]
                want[row["name"]] = "<title>Index of" in self.get(port, "/deep/")[2]
                got[row["name"]] = "indexes" in row["options"]
        self.same(got, want, at_least=3)

    def test_trace(self):
        got, want = {}, {}
        for n in (0, len(HOSTS) - 1):
            want[n] = "on" if "200" in self.out("curl", "-siX", "TRACE", f"http://127.0.0.1:{7000 + n}/").split()[1] else "off"
            got[n] = self.servers[str(7000 + n)]["trace_enable"]
        self.same(got, want, at_least=2)
        self.assertEqual(want[len(HOSTS) - 1], "on")


class Php(OnHost):
    image = "web-servers"
    NAMES = ["expose_php", "display_errors", "allow_url_include", "session.cookie_httponly", "session.cookie_secure",
             "session.use_strict_mode"]

    def test_settings(self):
        """PHP started with the directory of the interface, since php-fpm can be asked by FastCGI alone."""
        self.write("/etc/php/8.2/fpm/conf.d/30-x.ini", "[PHP]\nexpose_php = yes ; x\n; y\nsession.cookie_secure=\"1\"\n"
                   "display_errors = 'true'\nsession.use_strict_mode = On\n")
        self.write("/etc/php/8.2/fpm/conf.d/40-x.ini", "session.use_strict_mode = none\nexpose_php=0")
        code = "foreach (array_slice($argv, 1) as $n) echo $n, '=', in_array(strtolower(ini_get($n)), " \
               "['1', 'on', 'yes', 'true']) ? 'on' : 'off', PHP_EOL;"
        got, want = {}, {}
        for kind in ("fpm", "apache2"):
            said = self.out("env", f"PHP_INI_SCAN_DIR=/etc/php/8.2/{kind}/conf.d", "php", "-c", f"/etc/php/8.2/{kind}/php.ini",
                            "-r", code, *self.NAMES)
            for line in said.splitlines():
                want[kind, line.partition("=")[0]] = line.partition("=")[2]
            # The command line sets this one itself.
            want.pop((kind, "display_errors"), None)
        for row in json.loads(self.out("revet", "table", "php", "-f", "json")):
            kind = row["where"].partition(" ")[2]
            if (kind, row["key"]) in want:
                got[kind, row["key"]] = row["value"]
        self.same(got, want, at_least=10)


if __name__ == "__main__":
    unittest.main()
