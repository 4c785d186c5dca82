# SPDX-License-Identifier: Apache-2.0
"""luks: against cryptsetup luksDump, on a machine: a container has no device mapper. Headers that it wrote
are read by tests/unit/test_luks_header.c, too, which always runs."""

import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from oracle import by
from test_vm import LONG, OnMachine

# Few rounds, because the machine is emulated.
DISKS = r"""
modprobe dm_crypt
mkdir -p /run/luks; cd /run/luks
new() {
    name=$1; shift
    truncate -s 20M $name; device=$(losetup -f --show $name)
    printf pass | cryptsetup luksFormat -q --key-file - "$@" $device
    printf pass | cryptsetup open --key-file - $device $name
}
new old --type luks1 --cipher aes-cbc-plain --key-size 128 --hash sha1 --pbkdf-force-iterations 1000
new argon --type luks2 --pbkdf argon2id --pbkdf-memory 1024 --pbkdf-force-iterations 4 --pbkdf-parallel 1
printf other | cryptsetup luksAddKey --key-file <(printf pass) --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
    --key-slot 5 $device -
echo '{"type": "clevis", "keyslots": ["5"], "jwe": {}}' | cryptsetup token import --token-id 0 $device
new hashed --type luks2 --pbkdf pbkdf2 --hash sha512 --pbkdf-force-iterations 3000
"""


def dumped(text):
    """Slots by their number, of what luksDump prints of one device; what LUKS1 says once belongs to each."""
    version = int(re.search(r"^Version:\s+(\d)", text, re.M)[1])
    if version == 1:
        name, mode, digest, bits = (re.search(rf"^{key}:\s+(\S+)", text, re.M)[1]
                                    for key in ("Cipher name", "Cipher mode", "Hash spec", "MK bits"))
        return {int(number): {"version": 1, "cipher": [f"{name}-{mode}"], "key_bits": int(bits), "kdf": "pbkdf2",
                              "hash": digest, "iterations": int(rounds), "memory": None, "tokens": []}
                for number, rounds in re.findall(r"^Key Slot (\d): ENABLED\n\s+Iterations:\s+(\d+)", text, re.M)}
    slots = {}
    for number, said in re.findall(r"^  (\d+): luks2\n((?:\t.*\n)+)", text, re.M):
        field = dict(re.findall(r"^\t(\S[^:]*):\s*(\S+)", said, re.M))
        slots[int(number)] = {
            "version": 2, "cipher": [re.search(r"cipher: (\S+)", text)[1]], "key_bits": int(field["Key"]),
            "kdf": field["PBKDF"], "hash": field.get("Hash"), "iterations": int(field.get("Iterations") or field["Time cost"]),
            "memory": int(field["Memory"]) * 1024 if "Memory" in field else None, "tokens": []}
    for kind, number in re.findall(r"^  \d+: (\S+)\n\tKeyslot:\s+(\d+)", text, re.M):
        slots[int(number)]["tokens"].append(kind)
    return slots


@LONG
class Luks(OnMachine):
    @classmethod
    def prepare(cls):
        cls.host.put_program("/usr/sbin/cryptsetup", "/usr/local/sbin/cryptsetup")
        cls.out("bash", "-euc", DISKS)

    def verdicts(self):
        rules = ("disk.weak-cipher", "disk.fast-passphrase", "disk.old-encryption")
        said = json.loads(self.out("revet", "audit", "-f", "json", "--set", "disk.pbkdf2-iterations=2000", "--set",
                                   "disk.argon2-memory=1M", *(f"--rule={rule}" for rule in rules), check=False))
        found = {result["rule"]: result["verdict"] for result in said["results"]}
        return [found[rule] for rule in rules]

    def test_headers(self):
        want = {}
        for name in ("old", "argon", "hashed"):
            device = self.out("losetup", "-j", f"/run/luks/{name}", "-nO", "NAME").strip()
            for slot, said in dumped(self.out("cryptsetup", "luksDump", device)).items():
                want[device, slot] = {"name": name} | said
        rows = by(self.table("luks"), "device", "slot")
        self.same({key: {column: row[column] for column in ("name", "version", "cipher", "key_bits", "kdf", "hash",
                                                            "iterations", "memory", "tokens")}
                   for key, row in rows.items()}, want, at_least=4)
        self.out("sh", "-ec", "mkfs.ext2 -q /dev/mapper/old; mount /dev/mapper/old /mnt")
        self.assertEqual(self.verdicts(), ["fail", "fail", "fail"])
        self.out("sh", "-ec", "umount /mnt; cryptsetup close old")
        self.assertEqual(self.verdicts(), ["pass", "pass", "not_applicable"])


if __name__ == "__main__":
    unittest.main()
