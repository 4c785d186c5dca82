# SPDX-License-Identifier: Apache-2.0
"""What the tests with generated configurations share.

A configuration is a tree, {path: text}, made from a seed and a number alone. Many of them are laid
into a host side by side, below /gen, and judged in one go. What differs is made smaller, and told
with the tree that is left, and with how to make the one it came from again.

    REVET_GENERATED=5000    so many of each kind, instead of the few that always run
    REVET_SEED=7            others than usual
    REVET_CASE=12           this one alone
"""

import os
import random
import shutil
import unittest

from oracle import OnHost

SEED = os.environ.get("REVET_SEED", "1")
BATCH = 250
SHOWN = int(os.environ.get("REVET_SHOWN", 3))
ROUNDS = 12


def kind(said):
    """Differences of one kind have one cause, more often than not."""
    return said[0].split(":")[0]


class Generated(OnHost):
    """make() gives a tree for a random generator; judge() says of each of some trees, which are in
    their directories already, what differs: a list of lines, empty where all agree."""

    ordinary = 40      # how many are tried without REVET_GENERATED
    only_many = False  # a release that differs little: left to REVET_GENERATED

    @classmethod
    def setUpClass(cls):
        if cls.only_many and "REVET_GENERATED" not in os.environ:
            raise unittest.SkipTest("REVET_GENERATED=N has it run")
        super().setUpClass()

    def make(self, rng):
        raise NotImplementedError

    def judge(self, places):
        raise NotImplementedError

    def tree_of(self, number):
        return self.make(random.Random(f"{type(self).__name__} {SEED} {number}"))

    def numbers(self):
        if "REVET_CASE" in os.environ:
            return [int(os.environ["REVET_CASE"])]
        return range(int(os.environ.get("REVET_GENERATED", self.ordinary)))

    def try_trees(self, trees):
        """What differs in each."""
        gen = f"{self.host.root}/gen"
        shutil.rmtree(gen, ignore_errors=True)
        places = []
        for n, tree in enumerate(trees):
            place = f"{gen}/{n}"
            os.makedirs(place)
            for path, text in tree.items():
                self.lay(f"{place}/{path}", text)
            places.append(place)
        return self.judge(places)

    def lay(self, path, text):
        """A file, or a link where the text says where to."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text.startswith("-> "):
            os.symlink(text[3:], path)
            return
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def smaller(self, tree):
        """Trees with a part less: halves, quarters ... of all lines, down to each."""
        lines = [(path, n) for path, text in tree.items() for n in range(len(text.splitlines()))]
        size = len(lines) // 2
        while size:
            for start in range(0, len(lines), size):
                gone = set(lines[start:start + size])
                kept = {path: "".join(line for n, line in enumerate(text.splitlines(True))
                                      if (path, n) not in gone) for path, text in tree.items()}
                yield {path: text for path, text in kept.items() if text}
            size //= 2

    def shrunk(self, tree, said):
        """The smallest tree found in some rounds that still differs in the same way."""
        wanted = kind(said)
        for _ in range(ROUNDS):
            candidates = [c for c in self.smaller(tree) if c][:BATCH]
            judged = self.try_trees(candidates) if candidates else []
            for candidate, lines in zip(candidates, judged, strict=True):
                if lines and kind(lines) == wanted:
                    tree, said = candidate, lines
                    break
            else:
                break
        return tree, said

    def test_generated(self):
        numbers, found = list(self.numbers()), []
        for start in range(0, len(numbers), BATCH):
            some = numbers[start:start + BATCH]
            for number, said in zip(some, self.try_trees([self.tree_of(n) for n in some]), strict=True):
                if said:
                    found.append((number, said))
        told, kinds = [], {}
        for number, said in found:
            kinds.setdefault(kind(said), []).append((number, said))
        for number, said in [some[0] for some in kinds.values()][:SHOWN]:
            tree, said = self.shrunk(self.tree_of(number), said)
            told.append(f"REVET_SEED={SEED} REVET_CASE={number}: " + "\n  ".join(said) + "\n" +
                        "".join(f"--- {path}\n{text}\n" for path, text in tree.items()))
        if found:
            self.fail(f"{len(found)} of {len(numbers)} differ\n" + "".join(
                f"{kind}: {[number for number, _ in some]}\n" for kind, some in kinds.items()) +
                "\n".join(told))
