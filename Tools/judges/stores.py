"""Makes stores with the real piperoll, signs them at many sizes, and exports their logs and proofs of their
records, for the other judges: stores.py BINARIES COUNT SEED FOLDER.

FOLDER/stores.jsonl has a line for each checkpoint: the log's origin, its key, the note, the folder of its
tiles, and files with proofs. A folder holds the log at all its sizes, as it is with a log that grows.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

ORIGIN = "piperoll.example/stores"
# Most records of a store. The sizes of the checkpoints are random, those at the edges of tiles beside them.
LARGEST = [70_000, 20_000, 3_000, 300]
EDGES = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]


class Store:
    """A store with one stream, and the folders into which its logs are exported."""

    def __init__(self, binaries: Path, folder: Path, dice: random.Random) -> None:
        self.program, self.folder, self.dice, self.size = binaries / "piperoll", folder, dice, 0
        self.stream = dice.choice(["orders", "gr\u00f6\u00dfe ~1", "a b&c"])
        folder.mkdir(parents=True)
        self.run("init", folder / "store")
        self.run("create", folder / "store", self.stream, "--evidence", "tree")
        made = self.run("key", "generate", ORIGIN, "--kind", "log", "--out", folder / "key")
        self.vkey = made.decode().strip()

    def run(self, *words: object, lines: bytes = b"") -> bytes:
        done = subprocess.run([self.program, *map(str, words)], input=lines, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"piperoll {words[0]}: {done.returncode}, {done.stderr.decode()}")
        return done.stdout

    def grow(self, size: int) -> None:
        lines = b"".join(b"%d %s\n" % (at, self.dice.randbytes(self.dice.randrange(9)).hex().encode())
                         for at in range(self.size, size))
        self.run("append", self.folder / "store", self.stream, lines=lines)
        self.size = size

    def export(self, name: str, proofs: int, *stream: str) -> dict:
        """Signs a tree of the store, that of the stream or its own, and exports it."""
        note, tiles = self.folder / "note", self.folder / name
        store, last = self.folder / "store", self.folder / f"{name}.last"
        key = self.folder / "key"
        note.write_bytes(self.run("evidence", "checkpoint", store, "--key", key, "--last", last, *stream))
        self.run("evidence", "export-tiles", store, "--checkpoint", note, "--out", tiles, *stream)
        text, files = note.read_text(), []
        for number in range(proofs):
            files.append(self.folder / f"{name}-{self.size}-{number}.tlog-proof")
            self.run("evidence", "prove", store, "--stream", self.stream, "--offset",
                     self.dice.randrange(self.size), "--checkpoint", note, "--out", files[-1])
        return {"origin": text.split("\n")[0], "vkey": self.vkey, "note": text, "folder": str(tiles),
                "proofs": [file.read_text() for file in files]}


def main(binaries: Path, count: int, seed: int, folder: Path) -> int:
    dice, lines, records = random.Random(seed), [], 0
    for number, largest in enumerate(LARGEST):
        store = Store(binaries, folder / f"store{number}", dice)
        sizes = {dice.randint(1, largest) for _ in range(max(3, count // 100))}
        sizes |= {size for size in EDGES if size <= largest}
        for size in sorted(sizes):
            store.grow(size)
            lines.append(store.export("stream", max(1, count // 400), "--stream", store.stream))
        lines.append(store.export("statements", 1 + count // 400))
        records += store.size
    (folder / "stores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    proofs = sum(len(line["proofs"]) for line in lines)
    print(f"{len(LARGEST)} stores with {records} records, {len(lines)} checkpoints, {proofs} proofs")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
