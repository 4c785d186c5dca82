# SPDX-License-Identifier: Apache-2.0
"""executables: against checksec, readelf and what the kernel has made of the programs, for those that the
test compiles with each protection on and off, and for those of packages. The parser alone also against
readelf on every program of an image."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from hostimage import Image
from oracle import OnHost, OracleCase, by

TOOL = os.path.join(os.path.dirname(__file__), "..", "..", "build", "test_elf")
PLACE = "/usr/local/libexec"

# Waits, with a socket on the port that is named; one that systemd has opened stays open.
SOURCE = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	char text[32] = "";
	int s = socket(AF_INET, SOCK_STREAM, 0);

	strcpy(text, argc > 1 ? argv[1] : "");
	if (!*text)
		for (;;)
			pause();
	inet_pton(AF_INET, argv[2], &a.sin_addr);
	a.sin_port = htons((unsigned short)strtoul(text, NULL, 10));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 5))
		return 1;
	for (;;)
		pause();
}
"""

GOOD = ("-O2", "-fPIE", "-pie", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-fcf-protection=full",
        "-Wl,-z,relro,-z,now")
BUILT = {  # flags after the good ones, which they take back
    "good": (), "no-pie": ("-fno-PIE", "-no-pie"), "lazy": ("-Wl,-z,lazy",), "no-relro": ("-Wl,-z,norelro",),
    "lazy-no-relro": ("-Wl,-z,norelro,-z,lazy",), "no-plt": ("-fno-plt", "-Wl,-z,lazy"),
    "stack": ("-Wl,-z,execstack",), "no-canary": ("-fno-stack-protector",), "unchecked": ("-U_FORTIFY_SOURCE",),
    "unmarked": ("-fcf-protection=none",), "static": ("-fno-PIE", "-no-pie", "-static"), "static-pie": ("-static-pie",),
    "stripped": ("-s",), "stripped-static": ("-fno-PIE", "-no-pie", "-static", "-s"),
    "runpath": ("-Wl,-rpath,/home/ops/lib:/usr/lib/nothing",), "rpath": ("-Wl,-rpath,/srv/lib,--disable-new-dtags",),
    "origin": ("-Wl,-rpath,$ORIGIN/../lib",), "origin-open": ("-Wl,-rpath,${ORIGIN}/../../../tmp/lib",),
    "relative": ("-Wl,-rpath,lib:",), "computed": ("-Wl,-rpath,/opt/$LIB",), "sysv": ("-Wl,--hash-style=sysv",),
}
OPEN = {"runpath": ["/home/ops/lib"], "origin-open": ["${ORIGIN}/../../../tmp/lib"], "relative": ["lib", ""],
        "computed": {"unknown": "/opt/$LIB: what the loader makes of it"}}
STATIC = {"unknown": "it is linked statically: what the C library in it calls does not show what it does"}
KEPT = ("pie", "relro", "executable_stack", "stack_protector", "fortified", "control_flow", "library_path")


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def build(directory):
    """Each program, where this machine can make it; one of clang, and one with an object in assembler."""
    source, assembler = os.path.join(directory, "x.c"), os.path.join(directory, "y.s")
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    with open(assembler, "w", encoding="utf-8") as file:
        file.write(".globl nothing\nnothing:\nret\n")
    every = {name: ("gcc", *GOOD, source, *more) for name, more in BUILT.items()}
    every["clang"] = ("clang", "-O2", "-fPIE", "-pie", source)
    every["assembler"] = ("gcc", *GOOD, source, assembler)
    for name, argv in every.items():
        path = os.path.join(directory, name)
        subprocess.run([*argv, "-o", path], check=True, capture_output=True)
        yield name, path


def checksec(path):
    """What checksec and readelf say, in the words of the table."""
    said = next(iter(json.loads(run("checksec", "--format=json", f"--file={path}")).values()))
    dynamic = run("readelf", "-dW", path)
    paths = re.findall(r"\((RPATH|RUNPATH)\)\s+Library r\w+: \[(.*)\]", dynamic)
    marks = re.findall(r"x86 feature: (.*)", run("readelf", "-nW", path))
    linked = "program interpreter" in run("readelf", "-lW", path)
    return {"pie": said["pie"] in ("yes", "dso") or "Type:                              DYN" in run("readelf", "-hW", path),
            "relro": None if "There is no dynamic section" in dynamic else {"no": "none"}.get(said["relro"], said["relro"]),
            "executable_stack": said["nx"] != "yes",
            "stack_protector": said["canary"] == "yes" if linked else STATIC,
            "fortified": said["fortify_source"] == "yes" if linked else STATIC,
            "control_flow": [m.lower() for m in marks[0].split(", ")] if marks else None,
            "library_path": paths[0][1].split(":") if paths else None}


class Programs(OnHost):
    image = "iot-backend"

    @classmethod
    def prepare(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.built = dict(build(cls.scratch.name))
        for name, path in cls.built.items():
            cls.host.put(path, f"{PLACE}/{name}")
            cls.out("systemd-run", "-q", f"--unit=own-{name}", f"{PLACE}/{name}")
        for name, port, address in (("reached", 7100, "0.0.0.0"), ("inner", 7101, "127.0.0.1")):
            cls.sh('cp "$1/good" "$1/$2"', PLACE, name)
            cls.out("systemd-run", "-q", "--uid=nobody", f"--unit=own-{name}", f"{PLACE}/{name}", str(port), address)
        cls.sh('cp "$1/good" "$1/handed"; cp "$1/good" "$1/gone"; cp "$1/no-pie" "$1/replaced"', PLACE)
        cls.out("systemd-run", "-q", "--uid=nobody", "--socket-property=ListenStream=0.0.0.0:7102", "--unit=own-handed",
                f"{PLACE}/handed")
        cls.sh("""perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:7102") or die'""")
        for name in ("gone", "replaced"):
            cls.out("systemd-run", "-q", f"--unit=own-{name}", f"{PLACE}/{name}")
        cls.sh('until systemctl is-active -q own-handed; do sleep 0.1; done; sleep 0.2\n'
               'rm "$1/gone"; cp "$1/good" "$1/new"; mv "$1/new" "$1/replaced"', PLACE)

    def rows(self):
        return by(self.table("executables"), "path")

    def kernel(self, pid):
        """What became of it: is the stack executable, and does the program begin where the file says?"""
        maps = self.out("cat", f"/proc/{pid}/maps")
        stack = re.search(r"(?m)^\S+ (\S+) .*\[stack\]$", maps).group(1)
        return "x" in stack, int(maps.split("-")[0], 16) >= 1 << 32

    def test_what_is_compiled(self):
        rows = self.rows()
        want = {}
        for name, path in self.built.items():
            want[name] = checksec(path)
            if name == "no-plt":  # nothing is looked up later, which checksec does not see
                want[name]["relro"] = "full"
        self.same({name: {c: rows[f"{PLACE}/{name}"].get(c) for c in KEPT} for name in want}, want, 23)
        for name in want:
            row = rows[f"{PLACE}/{name}"]
            self.assertEqual(row.get("library_path_open"), OPEN.get(name), name)
            self.assertEqual((row["unit"], row.get("package"), row["listens"], row["root"], row["go"]),
                             (f"own-{name}.service", None, False, True, False))
            # Without a header the C library has stacks of threads executable, the kernel not the first one.
            self.assertEqual(self.kernel(row["pid"]), (name in ("stack", "assembler"), row["pie"]), name)
        self.assertTrue(want["assembler"]["executable_stack"])

    def test_who_is_there(self):
        rows = self.rows()
        self.assertEqual([(rows[f"{PLACE}/{name}"]["listens"], rows[f"{PLACE}/{name}"]["root"])
                          for name in ("reached", "handed")], [(True, False)] * 2)
        self.assertNotIn(f"{PLACE}/inner", rows)
        self.assertEqual((rows[f"{PLACE}/gone"]["deleted"], rows[f"{PLACE}/gone"]["pie"]), (True, True))
        # What runs is judged, not what lies there now.
        self.assertEqual((rows[f"{PLACE}/replaced"]["deleted"], rows[f"{PLACE}/replaced"]["pie"]), (True, False))

    def test_packages(self):
        rows = {path: row for path, row in self.rows().items() if row.get("package")}
        self.same({path: {c: row.get(c) for c in KEPT} for path, row in rows.items()},
                  {path: checksec(f"{self.host.root}{path}") for path in rows}, 8)
        self.assertEqual({path: row["package"] for path, row in rows.items()}, self.owning(list(rows)))
        listening = {pid for line in self.out("ss", "-Hlntup").splitlines()
                     if not re.search(r"127\.0\.0\.\S+\s|\[::1\]", line) for pid in re.findall(r"pid=(\d+)", line)}
        exes = {self.out("readlink", f"/proc/{pid}/exe").strip() for pid in listening}
        self.assertEqual({path for path, row in self.rows().items() if row["listens"]}, exes)

    def test_unprivileged(self):
        """What may not be looked at is unknown, and no program passes for it."""
        ran = self.host.exec(["runuser", "-u", "ops", "--", "revet", "audit", "--family", "services", "-f", "json"],
                             check=False)
        verdicts = {r["rule"]: r["verdict"] for r in json.loads(ran.stdout)["results"]}
        self.assertEqual([verdicts[f"services.{name}"] for name in
                          ("no-pie", "executable-stack", "lazy-binding", "library-path")], ["unknown"] * 4)


class Parser(OracleCase):
    """Every program of an image, Go's among them."""

    def test_every_program(self):
        root = Image("engines").tree
        files = []
        for directory in ("usr/bin", "usr/sbin", "usr/libexec", "usr/lib/systemd"):
            for entry in os.scandir(os.path.join(root, directory)):
                if entry.is_file(follow_symlinks=False):
                    with open(entry.path, "rb") as file:
                        files += [entry.path] if file.read(4) == b"\x7fELF" else []
        ours = {}
        for line in run(TOOL, *files).splitlines():
            path, *cells = line.split("\t")
            ours[path] = cells[:3] + cells[5:6] + cells[7:]
        theirs = {}
        for text in re.split(r"(?m)^File: ", run("readelf", "-lndW", *files))[1:]:
            now = re.search(r"\(BIND_NOW\)|Flags: .*\bNOW\b|\(FLAGS\).*BIND_NOW", text) or "(JMPREL)" not in text
            relro = "static" if "no dynamic section" in text else \
                "none" if "GNU_RELRO" not in text else "full" if now else "partial"
            stack = re.findall(r"(?m)^\s+GNU_STACK .* (\S+)\s+0x\w+$", text)
            paths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", text)
            theirs[text.split("\n", 1)[0]] = ["1" if "file type is DYN" in text else "0", relro,
                                              "0" if stack and "E" not in stack[-1] else "1",
                                              "1" if re.search(r"(?m)^\s+Go\s+0x", text) else "0", (paths or [""])[0]]
        self.same(ours, theirs, 300)
        self.assertGreater(sum(cells[3] == "1" for cells in ours.values()), 3)


if __name__ == "__main__":
    unittest.main()
