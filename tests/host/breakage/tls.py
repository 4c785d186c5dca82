# SPDX-License-Identifier: Apache-2.0
"""How the rules of tls come to fail. No server runs: what counts is the configuration that names a
certificate."""

GOOD = r"""
cat >/usr/local/bin/make-cert <<'EOF'
#!/bin/bash
# make-cert NAME DAYS-AGO DAYS-AHEAD [openssl req options]: a certificate that nginx would show.
set -eu
name=$1 from=$(date -u -d "-$2 days" +%Y%m%d%H%M%SZ) to=$(date -u -d "$3 days" +%Y%m%d%H%M%SZ)
shift 3
[ $# -gt 0 ] || set -- -newkey ec -pkeyopt ec_paramgen_curve:P-256
d=$(mktemp -d) own=/etc/ssl/made
mkdir -p $own /etc/nginx/conf.d
: >$d/index; echo 01 >$d/serial
cat >$d/ca.cnf <<CNF
[ca]
default_ca = one
[one]
database = $d/index
serial = $d/serial
new_certs_dir = $d
policy = any
default_md = ${MD:-sha256}
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
CNF
openssl req -new "$@" -nodes -keyout $own/$name.key -subj /CN=$name -out $d/request 2>/dev/null
by="-selfsign -keyfile $own/$name.key"
[ -z "${BY:-}" ] || by="-cert $own/$BY.crt -keyfile $own/$BY.key"
openssl ca -batch -config $d/ca.cnf $by -in $d/request -startdate $from -enddate $to -notext \
    -out $own/$name.crt 2>/dev/null
chmod 600 $own/$name.key
printf 'server {\n\tssl_certificate %s;\n\tssl_certificate_key "%s";\n}\n' \
    $own/$name.crt $own/$name.key >/etc/nginx/conf.d/$name.conf
EOF
chmod 755 /usr/local/bin/make-cert
"""

ISSUER = ("mkdir -p /etc/ssl/made; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
          "-nodes -keyout /etc/ssl/made/ca.key -out /etc/ssl/made/ca.crt -subj /CN=ca -days 900 "
          "2>/dev/null\n")
CERTBOT = ("mkdir -p /etc/letsencrypt/live/x; make-cert acme 10 80; rm /etc/nginx/conf.d/acme.conf\n"
           "mv /etc/ssl/made/acme.crt /etc/letsencrypt/live/x/fullchain.pem")
MOSQUITTO = ("make-cert open 1 300; rm /etc/nginx/conf.d/open.conf\n"
             "put /etc/mosquitto/conf.d/x.conf 'certfile /etc/ssl/made/open.crt\nkeyfile /etc/ssl/made/open.key'\n")

RULES = {
    "tls.certificate-expiry": {
        "bad": [
            "make-cert soon 80 10", "make-cert past 400 -3", "make-cert short 7 -1",
            "make-cert apache 80 10; rm /etc/nginx/conf.d/apache.conf\n"
            "put /etc/apache2/sites-enabled/x.conf "
            "'  SSLCertificateFile \"/etc/ssl/made/apache.crt\"'",
        ],
    },
    "tls.certificate-strength": {
        "bad": ["make-cert rsa 1 300 -newkey rsa:1024", ISSUER + "BY=ca MD=sha1 make-cert sha1 1 300"],
    },
    "tls.key-belongs": {
        "bad": [
            "make-cert mine 1 300; openssl genrsa -out /etc/ssl/made/mine.key 2048",
            "make-cert bare 1 300; make-cert other 1 300\n"
            "cp /etc/ssl/made/other.key /etc/ssl/made/bare.key\n"
            "put /etc/nginx/conf.d/bare.conf 'ssl_certificate /etc/ssl/made/bare.crt;'",
        ],
    },
    "tls.private-key-mode": {
        "bad": [MOSQUITTO + "chmod 644 /etc/ssl/made/open.key", MOSQUITTO + "chmod 660 /etc/ssl/made/open.key"],
        "fine": [MOSQUITTO],
    },
    "tls.renewal": {"bad": [
        CERTBOT,
        CERTBOT + "\nput /etc/cron.d/$own '0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system "
        "&& certbot -q renew'"]},
    "tls.self-signed": {
        "bad": ["make-cert self 1 300"],
        "fine": [ISSUER + "BY=ca make-cert signed 1 300"],
        "alone": True,
    },
}
