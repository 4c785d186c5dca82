# SPDX-License-Identifier: Apache-2.0
"""Small servers on loopback, each with an answer for what the tests ask."""
import base64
import contextlib
import http.server
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time


class Web(http.server.BaseHTTPRequestHandler):
    def log_message(self, *ignored):
        pass

    def say(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body.encode())

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode()
        if self.path == "/health":
            self.say(200, '{"status": "up"}', ("content-type", "application/json"))
        elif self.path == "/lines":
            self.say(200, "one\ntwo\nthree\n")
        elif self.path == "/moved":
            self.say(302, "over there", ("Location", "/health"))
        elif self.path == "/echo":
            self.say(201, f"{self.command}\n{self.headers}{sent}\n")
        elif self.path == "/slow":
            time.sleep(1)
            self.say(200, "late")
        elif self.path == "/secret":
            login = "Basic " + base64.b64encode(b"ann:pass word").decode()
            right = self.headers.get("Authorization") == login
            self.say(200 if right else 401, "inside" if right else "outside")
        elif self.path == "http://nonesuch.invalid/health":
            self.say(200, "via proxy")
        else:
            self.say(404, "nothing")

    do_PUT = do_HEAD = do_POST = do_GET


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def web():
    return serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web))


def web_with_tls(directory):
    """With a certificate for localhost, which is in directory/ca.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory / "key.pem",
                    "-out", directory / "ca.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "ca.pem", directory / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return serve(server)


# --- names -----------------------------------------------------------------------------------------

def name(text):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in text.rstrip(".").split(".") if label) + b"\0"


def string(text):
    return bytes([len(text)]) + text.encode()


A, NS, CNAME, PTR, MX, TXT, AAAA, SRV, CAA = 1, 2, 5, 12, 15, 16, 28, 33, 257
V6 = ".".join(reversed("20010db8000000000000000000000001")) + ".ip6.arpa"
RECORDS = {
    ("web.test", A): [socket.inet_aton("192.0.2.1")],
    ("web.test", AAAA): [socket.inet_pton(socket.AF_INET6, "2001:db8::1")],
    ("alias.test", CNAME): [name("web.test")],
    ("test", MX): [struct.pack("!H", 10) + name("mail.test"), struct.pack("!H", 5) + name("mx.test")],
    ("test", NS): [name("ns1.test")],
    ("test", TXT): [string("v=spf1 -all") + string("second")],
    ("_mqtt._tcp.test", SRV): [struct.pack("!HHH", 0, 5, 8883) + name("web.test")],
    ("test", CAA): [b"\0" + string("issue") + b"letsencrypt.org"],
    ("1.2.0.192.in-addr.arpa", PTR): [name("web.test")],
    (V6, PTR): [name("web.test")],
    ("large.test", TXT): [string(f"{n:02}" + "x" * 60) for n in range(40)],
    ("loop.test", A): [b"loop"],
    ("short.test", A): [b"\x01"],
}


def answer(question, over_udp):
    """None: say nothing at all."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += question[at] + 1
    asked, kind = ".".join(labels), struct.unpack("!H", question[at + 1:at + 3])[0]
    if asked == "silent.test":
        return None
    records = RECORDS.get((asked, kind), [])
    code = 2 if asked == "fail.test" else 0 if any(n == asked for n, _ in RECORDS) else 3
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
                    for data in records)
    if asked == "loop.test":
        body = b"\xc0" + bytes([at + 5]) + body[2:]  # its owner's name is a pointer to itself
    cut = over_udp and len(body) > 512
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | (0x200 if cut else 0) | code, 1,
                                      0 if cut else len(records), 0, 0)
    return head + question[12:at + 5] + (b"" if cut else body)


class OverUdp(socketserver.BaseRequestHandler):
    def handle(self):
        text = answer(self.request[0], True)
        if text:
            # Somebody else's answer, which is to be passed over.
            self.request[1].sendto(b"\0\0" + text[2:] if text[:2] != b"\0\0" else b"\1\1" + text[2:],
                                   self.client_address)
            self.request[1].sendto(text, self.client_address)


class OverTcp(socketserver.StreamRequestHandler):
    def handle(self):
        text = answer(self.rfile.read(struct.unpack("!H", self.rfile.read(2))[0]), False)
        self.wfile.write(struct.pack("!H", len(text)) + text)


def names():
    """Over UDP and TCP on the same port."""
    udp = serve(socketserver.ThreadingUDPServer(("127.0.0.1", 0), OverUdp))
    tcp = serve(socketserver.ThreadingTCPServer(udp.server_address, OverTcp))
    return udp, tcp
