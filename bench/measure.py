# SPDX-License-Identifier: Apache-2.0
"""Times commands against each other, interleaved, so that what disturbs the machine disturbs all.

As a program, for inside a namespace or a test host: measure.py '{"rounds": 5, "commands": {"a":
["true"]}}' prints what interleaved() returns as JSON.
"""

import json
import math
import os
import statistics
import sys
import time

# revet: 0 nothing, 2 findings, 3 something is unknown. find and oscap end with 1 and 2 when a file
# went away or a rule failed.
FINE = (0, 1, 2, 3)


def once(argv):
    """Wall seconds, processor seconds and KiB of the largest process, children that it waited for
    included."""
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    begin = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(null)
    code = os.waitstatus_to_exitcode(status)
    if code not in FINE or (code == 1 and os.path.basename(argv[0]) in ("revet", "parts")):
        raise RuntimeError(f"{' '.join(argv)}: exit {code}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def interleaved(commands, rounds, warm=1):
    """{name: argv} -> {name: [median wall, median processor time, greatest KiB]}"""
    samples = {name: [] for name in commands}
    for turn in range(-warm, rounds):
        for name, argv in commands.items():
            sample = once(argv)
            if turn >= 0:
                samples[name].append(sample)
    return {name: [statistics.median(s[0] for s in of), statistics.median(s[1] for s in of),
                   max(s[2] for s in of)] for name, of in samples.items()}


def exponent(small, large, growth):
    """Of the power by which the cost grows; 1: in proportion."""
    return math.log(max(large, 1e-9) / max(small, 1e-9)) / math.log(growth)


if __name__ == "__main__":
    print(json.dumps(interleaved(**json.loads(sys.argv[1]))))
