# SPDX-License-Identifier: Apache-2.0
"""revet on the kernel of RHEL 8 or Debian 10: a filter answers ENOSYS to every system call that came
after Linux 5.0, and what is said and done is the same."""

import ctypes
import os
import struct
import subprocess
import unittest

from clilib import REVET, Case

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
FIRST_NEWER = 424  # pidfd_send_signal: since then calls have the same number everywhere
ENOSYS = 38
# Load the number; is it one of those? then the error, else let it through.
CODE = b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x35, 0, 1, FIRST_NEWER), (0x06, 0, 0, 0x00050000 | ENOSYS), (0x06, 0, 0, 0x7fff0000)))


def forget_calls():
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(CODE)
    program = struct.pack("HxxxxxxP", len(CODE) // 8, ctypes.addressof(code))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        os._exit(99)


class OldKernel(Case):
    def run_with(self, prepare, *args):
        ran = subprocess.run([REVET, *args], capture_output=True, text=True, timeout=60, preexec_fn=prepare,
                             env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "REVET_RULES": "/nonexistent"})
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return ran.stdout

    def both(self, *args):
        """What it prints, here and there."""
        return self.run_with(None, *args), self.run_with(forget_calls, *args)

    def test_the_filter_works(self):
        ran = subprocess.run(["python3", "-c", "import os; os.pidfd_open(os.getpid())"], capture_output=True,
                             text=True, preexec_fn=forget_calls)
        self.assertIn("Errno 38", ran.stderr)

    def test_a_tree_is_read_the_same(self):
        here, there = self.both("snapshot", "--root", str(self.root))
        self.assertEqual(here.split('"rows"', 1)[1], there.split('"rows"', 1)[1])
        here, there = self.both("plan", "--root", str(self.root))
        self.assertEqual(here, there)
        self.assertIn("ssh.no-root-login", here)

    def test_this_machine_is_read(self):
        for table in ("users", "os", "mounts", "units"):
            here, there = self.both("table", table)
            self.assertEqual(here.count("\n"), there.count("\n"), table)

    @unittest.skipIf(os.geteuid(), "takes root")
    def test_a_tree_is_changed_and_undone(self):
        settings = self.root / "etc/login.defs"
        settings.write_text("UMASK 022\n")
        self.run_with(forget_calls, "apply", "--root", str(self.root), "--rule", "accounts.new-homes")
        self.assertEqual(settings.read_text(), "UMASK 022\nHOME_MODE 0750\n")
        self.run_with(forget_calls, "revert", "--root", str(self.root))
        self.assertEqual(settings.read_text(), "UMASK 022\n")


if __name__ == "__main__":
    unittest.main()
