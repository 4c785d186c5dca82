# SPDX-License-Identifier: Apache-2.0
"""Keys, certificates and what encrypts: certificates and ca_store against openssl x509, private_keys and
host_keys against ssh-keygen, ssh_client against ssh -G, openssl against openssl ciphers, hosts against
getent, moduli against awk.

No program tells what dnf, openvpn, wireguard, gnupg, crypto_policy, sssd and secrets read, or none is on
these hosts: their cases in tests/tables stand alone.
"""

import json
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from oracle import OnHost, by

MAKE = r"""
mkdir -p /etc/nginx/conf.d /etc/ssl/t; cd /etc/ssl/t
ca() { openssl req -x509 -nodes -days "$2" -keyout $1.key -out $1.crt -subj "$3" "${@:4}" 2>/dev/null; }
ca ec 400 /CN=ec.example.org/O=Tests -newkey ec -pkeyopt ec_paramgen_curve:P-384 \
    -addext subjectAltName=DNS:ec.example.org,DNS:*.example.org,IP:10.0.0.1,IP:fd00::1
ca rsa 40 /CN=rsa -newkey rsa:1024 -sha1
ca ed 4000 '/C=DE/CN=Größe "x", y' -utf8 -newkey ed25519
ca leaf 30 /CN=leaf -newkey rsa:2048 -addext basicConstraints=critical,CA:FALSE
openssl x509 -in leaf.crt -outform DER -out der.crt
for name in ec rsa ed leaf der; do
    echo "ssl_certificate /etc/ssl/t/$name.crt; # $name" >/etc/nginx/conf.d/$name.conf
done
cp ec.crt /usr/local/share/ca-certificates/; update-ca-certificates >/dev/null 2>&1
cat rsa.crt >>/etc/ssl/certs/ca-certificates.crt
"""

KEYS = r"""
cd /home/ops/.ssh
for type in ed25519 ecdsa 'rsa -b 2048' 'rsa -b 2048 -m PEM' 'ecdsa -m PEM' 'rsa -b 2048 -m PKCS8'; do
    for secret in '' secret; do
        n=$((${n:-0} + 1))
        ssh-keygen -q -t $type -N "$secret" -f key_$n
    done
done
echo nothing >notes
"""

# Each is tried alone and among the others, in files of any order.
LINES = ["ForwardAgent yes", "forwardagent no", "ForwardX11=yes", "ForwardX11 \"no\"", "Tunnel no",
         "StrictHostKeyChecking accept-new", "stricthostkeychecking = off", "HashKnownHosts yes",
         "HashKnownHosts no # why", "GatewayPorts yes", "Host *", "Host target", "Host other", "Host * !target",
         "Match all", "Match host target", "Match user nobody", "Match host other",
         "Include /etc/ssh/more.conf", "Include rel.conf", "GSSAPIAuthentication yes"]
KEYWORDS = ("ForwardAgent", "ForwardX11", "StrictHostKeyChecking", "HashKnownHosts", "GatewayPorts", "Tunnel")
SPELLED = {"true": "yes", "false": "no", "off": "no"}


class Crypto(OnHost):
    image = "debian-12"

    @classmethod
    def prepare(cls):
        cls.host.exec(["bash", "-euc", MAKE], timeout=60)
        cls.host.exec(["bash", "-euc", KEYS], timeout=60)

    def x509(self, path, *options):
        inform = "DER" if path.endswith("der.crt") else "PEM"
        return self.out("openssl", "x509", "-inform", inform, "-in", path, "-noout", *options).strip()

    def test_certificates(self):
        rows = by([r for r in self.table("certificates") if r["path"].startswith("/etc/ssl/t/")], "path")
        self.assertEqual(len(rows), 5)
        for path, row in rows.items():
            self.assertEqual(row["subject"],
                             self.x509(path, "-subject", "-nameopt", "RFC2253").removeprefix("subject="))
            text = self.x509(path, "-text")
            bits = re.search(r"Public-Key: \((\d+) bit", text)
            self.assertEqual(row["bits"], int(bits[1]) if bits else 256, path)
            for column, option in (("not_before", "-startdate"), ("not_after", "-enddate")):
                said = self.x509(path, option, "-dateopt", "iso_8601").partition("=")[2]
                self.assertEqual(row[column].replace("T", " "), said)
            names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", text)
            self.assertEqual(row["names"], [n.replace("FD00:0:0:0:0:0:0:1", "fd00::1") for n in names])
            self.assertEqual(row["ca"], "CA:TRUE" in text)
            self.assertTrue(row["self_signed"])
            self.assertEqual(row["key_matches"], None if path.endswith("der.crt") else True, path)
            self.assertEqual(row["weak_signature"], path.endswith("rsa.crt"), row["signature"])
            soon = self.host.exec(["openssl", "x509", "-inform", "DER" if "der" in path else "PEM", "-in", path,
                                   "-noout", "-checkend", str((row["days_left"] + 1) * 86400)], check=False)
            late = self.host.exec(["openssl", "x509", "-inform", "DER" if "der" in path else "PEM", "-in", path,
                                   "-noout", "-checkend", str(row["days_left"] * 86400 - 60)], check=False)
            self.assertEqual((late.returncode, soon.returncode), (0, 1), path)

    def test_authorities(self):
        want = {self.x509(f"/etc/ssl/t/{name}.crt", "-fingerprint", "-sha256").partition("=")[2].replace(":", "")
                .lower(): name == "ec" for name in ("ec", "rsa")}
        got = {row["fingerprint"]: row["local"] for row in self.table("ca_store")}
        self.assertEqual(got, want)

    def test_private_keys(self):
        want = {}
        for number in range(1, 13):
            path = f"/home/ops/.ssh/key_{number}"
            ran = self.host.exec(["ssh-keygen", "-y", "-P", "", "-f", path], check=False)
            want[path] = ran.returncode != 0
        self.same({r["path"]: r["encrypted"] for r in self.table("private_keys")}, want, 12)
        self.assertEqual(sorted(want.values()), [False] * 6 + [True] * 6)

    def test_host_keys(self):
        want = {}
        for path in self.sh("ls /etc/ssh/ssh_host_*_key.pub").split():
            bits, fingerprint = self.out("ssh-keygen", "-l", "-f", path).split()[:2]
            want[path] = (int(bits), fingerprint)
        self.same({r["file"]: (r["bits"], r["fingerprint"]) for r in self.table("host_keys")}, want, 3)

    def test_moduli(self):
        sizes = sorted(map(int, self.sh("awk '!/^#/ {print $5}' /etc/ssh/moduli").split()))
        row, = self.table("moduli")
        self.assertEqual((row["smallest"], row["largest"], row["groups"]), (sizes[0], sizes[-1], len(sizes)))

    def test_hosts(self):
        self.write("/etc/hosts", "127.0.0.1 localhost\n10.0.0.5\tdb.internal db # x\n#10.0.0.6 no\n")
        got = {name: r["address"] for r in self.table("hosts") for name in r["names"]}
        want = {name: self.out("getent", "hosts", name).split()[0] for name in ("localhost", "db", "db.internal")}
        self.assertEqual(got, want)

    def test_ssh_client(self):
        """What holds for every host is what ssh says of a host that nothing names."""
        rng = random.Random(20)
        files, count = {}, 60
        for n in range(count):
            for name in ("ssh_config", "more.conf", "rel.conf"):
                lines = [rng.choice(LINES) for _ in range(rng.randrange(1, 9))]
                if name != "ssh_config":
                    lines = [line for line in lines if not line.startswith("Include")]
                files[f"gen/{n}/{name}"] = "\n".join(lines) + "\n"
        self.write_all(files)
        said = self.sh("""for n in $(seq 0 %d); do cp /gen/$n/* /etc/ssh/; echo "== $n"
            sudo -u nobody ssh -G unnamed.example; echo "-- revet"
            revet table ssh_client -f json; done""" % (count - 1))
        compared = 0
        for part in said.split("== ")[1:]:
            number, _, rest = part.partition("\n")
            ssh, _, table = rest.partition("-- revet\n")
            compared += self.compare_client(int(number), dict(
                line.split(" ", 1) for line in ssh.splitlines() if " " in line), table, files)
        self.assertGreater(compared, 100)

    def compare_client(self, number, ssh, table, files):
        """A row for every host, with none for some in front of it, is what holds for any."""
        rows = [r for r in json.loads(table) if r["user"] is None]
        compared = 0
        for keyword in KEYWORDS:
            of_key = [r for r in rows if r["key"] == keyword]
            said = SPELLED.get(ssh[keyword.lower()], ssh[keyword.lower()])
            fits = [r for r in of_key if r["hosts"] is None or self.fits(r["hosts"])]
            if not fits:
                continue
            compared += 1
            self.assertEqual(fits[0]["value"], said,
                             (number, keyword, of_key, {k: v for k, v in files.items()
                                                        if k.startswith(f"gen/{number}/")}))
        return compared

    @staticmethod
    def fits(criteria):
        """Of the blocks in LINES: do all fit nobody's connection to unnamed.example?"""
        return all(block in ("Host * !target", "Match user nobody") for block in criteria.split(", "))

    def test_openssl(self):
        """Which line of a file holds, told by the one suite that OpenSSL then offers."""
        head = "openssl_conf = i\n[i]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\n"
        old, new = "CipherString = AES128-SHA", "CipherString = AES256-SHA"
        for lines in (f"{new} # x\n", f"{old}\n{new}\n", "CipherString = AES\\\n256-SHA\n",
                      "x.cipherstring = 'AES256'-SHA\n", f"[other]\n{old}\n[ d ]\n{new}\n[d2]\n{old}\n",
                      f".include /etc/ssl/part.cnf\n{new}\n", f"{old}\n.include = /etc/ssl/part\n",
                      f"d::{new}\n[x]\n{old}\n", f"{new}\n[x]\nd::{old}\nd::{new}\n"):
            with self.subTest(lines):
                self.write("/etc/ssl/part.cnf", old + "\n")
                self.write("/etc/ssl/part/a.cnf", new + "\n")
                self.write("/etc/ssl/part/a.txt", old + "\n")
                self.write("/etc/ssl/openssl.cnf", head + lines)
                offered = [line.split()[0] for line in self.out("openssl", "ciphers", "-s", "-v").splitlines()
                           if "TLSv1.3" not in line]
                self.assertEqual(offered, ["AES256-SHA"])
                rows = {r["key"]: r["value"] for r in self.table("openssl")}
                self.assertEqual(rows, {"CipherString": "AES256-SHA"})


if __name__ == "__main__":
    unittest.main()
