# SPDX-License-Identifier: Apache-2.0
"""How the rules of web servers come to fail, on nginx and on Apache."""

HOST = "web-servers"
ALONE = True
SITE = "/etc/nginx/sites-enabled/own"
KEY = "ssl_certificate /etc/ssl/certs/web.pem; ssl_certificate_key /etc/ssl/private/web.key;"
HEADERS = ("add_header Strict-Transport-Security max-age=300; add_header X-Content-Type-Options nosniff; "
           "add_header X-Frame-Options DENY; add_header Referrer-Policy no-referrer;")

# One good site with TLS, and another that only redirects; what is tried is a third.
GOOD = f"""
rm /etc/nginx/sites-enabled/default
install -d /srv/own
put {SITE} 'server {{ listen 443 ssl; server_name own.test; {KEY} root /srv/own; {HEADERS} }}
server {{ listen 80 default_server; return 301 https://own.test$request_uri; }}'
put /etc/nginx/conf.d/good.conf 'server_tokens off;'
sed -i 's/ssl_protocols.*/ssl_protocols TLSv1.2 TLSv1.3;/' /etc/nginx/nginx.conf
nginx -t -q
printf '%s\\n' 'ServerTokens Prod' 'ServerSignature Off' 'LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so' \\
    >/etc/apache2/conf-enabled/zz.conf
put /etc/apache2/sites-enabled/000-default.conf '<VirtualHost *:8080>
ServerName own.test
DocumentRoot /srv/own
Redirect / https://own.test/
CustomLog /var/log/apache2/access.log combined
</VirtualHost>'
sed -i 's/Options Indexes/Options/' /etc/apache2/apache2.conf
apache2ctl configtest 2>/dev/null
for d in fpm apache2; do
    printf '%s\\n' 'expose_php = Off' 'session.cookie_httponly = 1' >/etc/php/8.2/$d/conf.d/50-good.ini
done
systemctl reload nginx apache2 php8.2-fpm
"""


def third(body, listen="443 ssl", headers=HEADERS, where="sites-enabled/third"):
    """A way: another server has this, and nginx takes it."""
    tls = KEY if "ssl" in listen else ""
    return (f"put /etc/nginx/{where} 'server {{ listen {listen}; server_name third.test; {tls} "
            f"{headers} {body} }}'\nnginx -t -q")


def nginx(*bad, fine=()):
    return {"bad": list(bad), "fine": list(fine)}


def host(body, port=8081, tls=False):
    """A way: another virtual host of Apache has this."""
    module = "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n" if tls else ""
    tls = ("SSLEngine on\nSSLCertificateFile /etc/ssl/certs/web.pem\n"
           "SSLCertificateKeyFile /etc/ssl/private/web.key" if tls else "")
    return (f"put /etc/apache2/sites-enabled/third.conf '{module}Listen {port}\n<VirtualHost *:{port}>\n"
            f"CustomLog /var/log/apache2/x combined\nDocumentRoot /srv/own\n{tls}\n{body}\n</VirtualHost>'\n"
            "apache2ctl configtest 2>/dev/null")


RULES = {
    "web.version-shown": nginx(
        "rm /etc/nginx/conf.d/good.conf",
        'sed -i s/Prod/Major/ /etc/apache2/conf-enabled/zz.conf',
        'rm /etc/apache2/conf-enabled/zz.conf',
        host("ServerSignature On"),
        third("server_tokens on;"), third("location /x { server_tokens on; }"),
        "add /etc/nginx/conf.d/good.conf ' server { server_tokens on; }'"),
    "web.old-tls": nginx(
        "sed -i s/ssl_protocols.*// /etc/nginx/nginx.conf",
        host("", tls=True),
        host("SSLProtocol -all +TLSv1.1 +TLSv1.2", tls=True),
        third("ssl_protocols TLSv1.1 TLSv1.2;"), third("ssl_protocols TLSv1.3 TLSv1;"),
        fine=[third("ssl_protocols TLSv1.3;")]),
    "web.weak-ciphers": nginx(
        host("SSLCipherSuite HIGH:RC4-SHA:!aNULL", tls=True),
        host("SSLCipherSuite HIGH:RC4-SHA\nSSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384", tls=True),
        third("ssl_ciphers ALL;"), third("ssl_ciphers HIGH:RC4:!aNULL;"), third('ssl_ciphers "DEFAULT:@SECLEVEL=0";'),
        "put /etc/nginx/conf.d/c.conf 'ssl_ciphers AES128-SHA:DES-CBC3-SHA:!MD5;'\nnginx -t -q",
        fine=[third("ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256:HIGH:!aNULL:!MD5:!3DES;")]),
    "web.no-hsts": nginx(
        host("Header set X-A b", tls=True),
        host("Header set Strict-Transport-Security max-age=0", tls=True),
        third("", headers=""), third("location /x { add_header X-A b; }"),
        third("add_header Strict-Transport-Security max-age=0;", headers=""),
        third("location /x { if ($args) { add_header X-A b; } }"), fine=[third("location /x { root /srv; }")]),
    "web.content-sniffing": nginx(
        host("Header set X-A b"),
        third("", headers=""), third("location /x { add_header X-A b; }"),
        third("add_header X-Content-Type-Options off;", headers="")),
    "web.framing": nginx(
        host("Header set X-Frame-Options SAMEORIGIN\nHeader unset X-Frame-Options"),
        third("", headers=""), third("location /x { add_header X-A b; }"),
        third("add_header Content-Security-Policy \"default-src none\";", headers="")),
    "web.referrer": nginx(
        host("Header set Referrer-Policy unsafe-url"),
        third("", headers=""), third("location /x { add_header X-A b; }"),
        third("add_header Referrer-Policy unsafe-url;", headers="")),
    "web.directory-listing": nginx(
        "sed -i 's/Options FollowSymLinks/Options Indexes/' /etc/apache2/apache2.conf",
        host("<Directory /srv/own>\nOptions +Indexes\nRequire all granted\n</Directory>"),
        third("autoindex on;"), third("location /x { location /x/y { autoindex on; } }"),
        "put /etc/nginx/conf.d/x.conf 'autoindex on;'", fine=[third("location /x { autoindex on; allow 10.0.0.0/8; deny all; }")]),
    "web.no-logs": nginx(
        host("ErrorLog /dev/null"),
        host("CustomLog /dev/null combined"),
        third("access_log off;"), third("access_log /dev/null;"), third("error_log /dev/null;"),
        "sed -i 's/access_log.*/access_log off;/' /etc/nginx/nginx.conf"),
    "web.plain-http": nginx(
        host(""),
        host("Redirect /x https://own.test/"),
        "sed -i 's/Redirect.*//' /etc/apache2/sites-enabled/000-default.conf",
        third("root /srv;", "80"), third("location / { proxy_pass http://127.0.0.1:8080; }", "0.0.0.0:80"),
        third(KEY + " root /srv;", "81; listen 443 ssl"), third("location = / { return 301 https://own.test; }", "[::]:82"),
        fine=[third("root /srv;", "127.0.0.1:80"), third("location / { return 308 https://own.test; } "
              "location /.well-known/acme-challenge/ { root /srv; }", "80"), third("root /srv;", "10.1.2.3:80")]),
    "web.slow-requests": nginx(
        "put /etc/nginx/conf.d/x.conf 'client_body_timeout 61;'",
        third("client_header_timeout 5m;"), third("location /x { client_body_timeout 1h; }"), fine=[third("client_body_timeout 500ms;")]),
    "web.request-size": nginx(
        host("LimitRequestBody 0"),
        third("client_max_body_size 0;"), third("location /x { client_max_body_size 0m; }"),
        "put /etc/nginx/conf.d/x.conf 'client_max_body_size 0;'", fine=[third("client_max_body_size 20g;")]),
    "web.no-waf": nginx(
        host(""),
        third("location / { proxy_pass http://127.0.0.1:8080; }"),
        third("location ~ \\.php$ { modsecurity off; fastcgi_pass unix:/run/x; }"),
        fine=[third("modsecurity on; location / { proxy_pass http://127.0.0.1:8080; }")]),
    "web.worker-root": nginx(
        "echo 'export APACHE_RUN_USER=root' >>/etc/apache2/envvars","sed -i 's/^user .*/user root;/' /etc/nginx/nginx.conf; nginx -t -q"),
    "web.config-writable": nginx(
        "chown www-data /etc/apache2/mods-available/status.conf",
        "chmod o+w /etc/apache2/conf-enabled",
        "chown www-data /etc/nginx/conf.d", "chmod 666 /etc/nginx/mime.types",
        "chgrp www-data /etc/nginx/nginx.conf; chmod 664 /etc/nginx/nginx.conf",
        f"put /srv/own.conf ''; chown www-data /srv/own.conf; ln -s /srv/own.conf /etc/nginx/conf.d/x.conf"),
    "web.keys-readable": nginx(
        "chmod 711 /etc/ssl/private; chmod 644 /etc/ssl/private/web.key\n" + host("", tls=True),
        "cp -p /etc/ssl/private/web.key /etc/nginx/k.key; chmod 644 /etc/nginx/k.key\n"
        "sed -i s,/etc/ssl/private/web.key,k.key, " + SITE + "; nginx -t -q",
        "chmod 755 /etc/ssl/private; chmod 640 /etc/ssl/private/web.key; chgrp www-data /etc/ssl/private/web.key",
        "groupadd -f shared; usermod -aG shared www-data; cd /etc/ssl; chgrp shared private private/web.key\n"
        "chmod 710 private; chmod 640 private/web.key",
        fine=["chmod 644 /etc/ssl/private/web.key"]),
    "web.private-files": {"bad": ["install -d /srv/own/.git; put /srv/own/.git/HEAD x", "put /srv/own/.env x", "put /srv/own/dump.sql x"],
                          "undo": "rm -rf /srv/own/.git /srv/own/.env /srv/own/dump.sql"},
    "web.status-open": nginx(
        host("<Location /s>\nSetHandler server-status\nRequire all granted\n</Location>"),
        host("<Location /s>\nSetHandler server-info\n</Location>"),
        "sed -i 's/Require local/Require all granted/' /etc/apache2/mods-available/status.conf",
        third("location /s { stub_status; }"), third("location /s { stub_status; allow all; deny all; }"),
        third("location /s { stub_status; allow 0.0.0.0/0; deny all; }"),
        third("location /s { stub_status; satisfy any; auth_basic x; auth_basic_user_file /x; allow all; }"),
        fine=[third("location /s { stub_status; deny all; }")]),
    "web.alias-traversal": nginx(
        third("location /f { alias /srv/f/; }"), third("location ^~ /f { alias /srv/f/; }"),
        third("location / { location /f { alias /srv/f/; } }")),
    "web.response-splitting": nginx(
        third("return 301 https://own.test$uri;"), third("location /x { rewrite ^ https://own.test$document_uri redirect; }"),
        third("if ($host = a) { return 302 https://$host${uri}; }")),
    "web.proxy-in-clear": nginx(
        host("ProxyPass /x http://10.0.0.1:1/", tls=True).replace("LoadModule ssl", "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\nLoadModule ssl"),
        third("location / { proxy_pass http://10.0.0.5:8080; }"),
        "put /etc/nginx/conf.d/u.conf 'upstream u { server 127.0.0.1:1; server 192.0.2.1:80; }'\n"
        + third("location / { proxy_pass http://u/x; }"),
        third("location / { if ($host = a) { fastcgi_pass 10.0.0.5:9000; } }"),
        fine=[third("location / { proxy_pass http://localhost:8080; } location /x { proxy_pass https://10.0.0.5; }")]),
    "web.trace": nginx(
        "rm /etc/apache2/conf-enabled/security.conf", host("TraceEnable On"), host("TraceEnable Extended")),
    "web.override-symlinks": nginx(
        "sed -i 's/AllowOverride None/AllowOverride All/' /etc/apache2/apache2.conf",
        host("<Directory /srv/own>\nAllowOverride AuthConfig Options\nRequire all granted\n</Directory>"),
        host("<Directory /srv/own>\nAllowOverride Options=Indexes\nRequire all granted\n</Directory>"),
        fine=[host("<Directory /srv/own>\nAllowOverride FileInfo\nRequire all granted\n</Directory>")]),
    "web.no-request-timeout": nginx(
        "rm /etc/apache2/mods-enabled/reqtimeout.*", host("RequestReadTimeout header=0 body=20")),
    "web.php-remote-include": nginx(
        "put /etc/php/8.2/fpm/conf.d/x.ini allow_url_include=1", "add /etc/php/8.2/apache2/php.ini allow_url_include=On",
        host("php_admin_flag allow_url_include on"), fine=[host("php_flag allow_url_include on")]),
    "web.php-errors-shown": nginx(
        "put /etc/php/8.2/fpm/conf.d/x.ini display_errors=stdout", "sed -i /^display_errors/d /etc/php/8.2/fpm/php.ini",
        "echo 'php_flag[display_errors] = on' >>/etc/php/8.2/fpm/pool.d/www.conf",
        host("<Directory /srv/own>\nphp_value display_errors 1\n</Directory>")),
    "web.php-session-cookie": nginx("put /etc/php/8.2/fpm/conf.d/x.ini 'session.cookie_httponly = 0'"),
    "web.php-pool-open": nginx(
        "sed -i 's/^listen = .*/listen = 9000/' /etc/php/8.2/fpm/pool.d/www.conf",
        "sed -i 's/^listen = .*/listen = [::]:9000/' /etc/php/8.2/fpm/pool.d/www.conf"),
    "web.php-pool-root": nginx(
        "sed -i 's/^user = .*/user = root/' /etc/php/8.2/fpm/pool.d/www.conf",
        "put /etc/php/8.2/fpm/more.conf '[more]\nuser = root'; "
        "add /etc/php/8.2/fpm/php-fpm.conf 'include=/etc/php/8.2/fpm/more.conf'"),
    "web.default-site": nginx("ln -s ../sites-available/default /etc/nginx/sites-enabled/default\n"
                              f"sed -i 's/ default_server//' {SITE}; nginx -t -q"),
}
