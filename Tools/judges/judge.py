"""Judges the samples of proof-samples with programs of others: what is as it was made must be accepted,
and nothing may be when one bit of it is changed. Judges that are not installed are skipped, and said.

usage: judge.py DIRECTORY [--require NAME,NAME]
"""

from __future__ import annotations

import base64
import importlib
import json
import random
import sys
from pathlib import Path

RANDOM = random.Random(1)


def decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def flipped(data: bytes) -> bytes:
    bit = RANDOM.randrange(8 * len(data))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flipped_path(path: list[bytes]) -> list[bytes]:
    place = RANDOM.randrange(len(path))
    return path[:place] + [flipped(path[place])] + path[place + 1 :]


class Case:
    """One line of cases.jsonl."""

    def __init__(self, line: str) -> None:
        value = json.loads(line)
        self.origin, self.vkey, self.witness = value["origin"], value["vkey"], value["witness"]
        self.note = value["note"].encode()
        self.size, self.index, self.old_size = value["size"], value["index"], value["oldSize"]
        self.leaf, self.root, self.old_root = map(
            decode, (value["leaf"], value["root"], value["oldRoot"]))
        self.path = list(map(decode, value["path"]))
        self.consistency = list(map(decode, value["consistency"]))


class Tally:
    def __init__(self, name: str) -> None:
        self.name, self.accepted, self.refused, self.failed = name, 0, 0, 0

    def accept(self, holds: bool, what: str) -> None:
        if holds:
            self.accepted += 1
        else:
            self.fail(f"{what} was refused")

    def refuse(self, holds: bool, what: str) -> None:
        if holds:
            self.fail(f"a changed {what} was accepted")
        else:
            self.refused += 1

    def fail(self, what: str) -> None:
        self.failed += 1
        print(f"FAILED {self.name}: {what}")


def judge_cryptography(cases: list[Case], _: Path, tally: Tally) -> None:
    """Ed25519 of `cryptography` over the text of each note, cut out by hand."""
    ed25519 = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature

    def holds(key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            return True
        except invalid:
            return False

    for case in cases:
        text, _, lines = case.note.rpartition(b"\n\n")
        text += b"\n"
        log, witness = (decode(line.split(b" ")[2].decode()) for line in lines.splitlines())
        key = decode(case.vkey.split("+", 2)[2])[1:]
        tally.accept(holds(key, log[4:], text), "the log's signature")
        tally.refuse(holds(key, log[4:], flipped(text)), "text")
        tally.refuse(holds(key, flipped(log[4:]), text), "signature")
        seen = int.from_bytes(witness[4:12], "big")
        message = b"cosignature/v1\ntime %d\n" % seen + text
        key = decode(case.witness.split("+", 2)[2])[1:]
        tally.accept(holds(key, witness[12:], message), "the cosignature")
        tally.refuse(holds(key, witness[12:], flipped(message)), "message of a cosignature")


def judge_pymerkle(cases: list[Case], folder: Path, tally: Tally) -> None:
    """Roots that pymerkle builds itself from the leaves."""
    pymerkle = importlib.import_module("pymerkle")
    leaves = [decode(line) for line in (folder / "leaves.txt").read_text().splitlines()]
    wanted: dict[int, bytes] = {}
    for case in cases:
        wanted[case.size], wanted[case.old_size] = case.root, case.old_root
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    # It is slow: the sizes up to some thousands are many enough.
    for size, leaf in enumerate(leaves[:6000], 1):
        tree.append_entry(leaf)
        if size in wanted:
            tally.accept(tree.get_root() == wanted[size], f"the root of {size} leaves")


def judge_sigstore(cases: list[Case], _: Path, tally: Tally) -> None:
    """The note parser and the Merkle code of sigstore."""
    checkpoint = importlib.import_module("sigstore._internal.rekor.checkpoint")
    merkle = importlib.import_module("sigstore._internal.merkle")

    def root(case: Case, leaf: bytes, path: list[bytes]) -> bytes:
        inner, border = merkle._decomp_inclusion_proof(case.index, case.size)
        assert len(path) == inner + border
        seed = merkle._chain_inner(merkle._hash_leaf(leaf), path[:inner], case.index)
        return merkle._chain_border_right(seed, path[inner:])

    for case in cases:
        note = checkpoint.SignedNote.from_text(case.note.decode())
        read = checkpoint.LogCheckpoint.from_text(note.note)
        tally.accept(
            (read.origin, read.log_size, read.log_hash) == (case.origin, case.size, case.root.hex())
            and len(note.signatures) == 2, "the checkpoint")
        tally.accept(root(case, case.leaf, case.path) == case.root, "the inclusion proof")
        if case.leaf:
            tally.refuse(root(case, flipped(case.leaf), case.path) == case.root, "leaf")
        if case.path:
            tally.refuse(root(case, case.leaf, flipped_path(case.path)) == case.root, "path")


def judge_aics(cases: list[Case], folder: Path, tally: Tally) -> None:
    """Notes, cosignatures, proofs and whole tiled logs, by aics-tlog."""
    tlog = importlib.import_module("aics_tlog")

    def holds(note: bytes, case: Case) -> bool:
        try:
            found = tlog.verify_checkpoint(
                tlog.parse_note(note), tlog.parse_vkey(case.vkey),
                witness_keys=[tlog.parse_vkey(case.witness)], quorum=1,
                expected_origin=case.origin)
            return bool(found.ok)
        except ValueError:
            return False

    for case in cases:
        tally.accept(holds(case.note, case), "the checkpoint with its cosignature")
        tally.refuse(holds(flipped(case.note), case), "checkpoint")

        def included(leaf: bytes, path: list[bytes], case: Case = case) -> bool:
            return tlog.verify_leaf_inclusion(leaf, case.index, case.size, path, case.root)

        def consistent(path: list[bytes], case: Case = case) -> bool:
            return tlog.verify_consistency(
                case.old_size, case.size, case.old_root, case.root, path)

        tally.accept(included(case.leaf, case.path), "the inclusion proof")
        tally.accept(consistent(case.consistency), "the consistency proof")
        if case.leaf:
            tally.refuse(included(flipped(case.leaf), case.path), "leaf")
        if case.path:
            tally.refuse(included(case.leaf, flipped_path(case.path)), "path")
        if case.consistency:
            tally.refuse(consistent(flipped_path(case.consistency)), "consistency proof")
    for log in sorted((folder / "logs").iterdir()):
        judge_log(tlog, log, cases[0].vkey, cases[0].origin, tally)
    # The last of the real stores' checkpoints in a folder is the one that stands there.
    stores = folder / "stores" / "stores.jsonl"
    exported = [json.loads(line) for line in stores.read_text().splitlines()] if stores.exists() else []
    for one in {one["folder"]: one for one in exported}.values():
        judge_log(tlog, Path(one["folder"]), one["vkey"], one["origin"], tally)


def files_of(log: Path, size: int) -> list[Path]:
    """The files of a log of a size, without those parts of tiles that only smaller ones had."""
    level, files = 0, []
    while size:
        widths = [256] * (size // 256) + [size % 256] * (size % 256 > 0)
        for number, width in enumerate(widths):
            text = "/".join(f"x{part:03}" for part in (number // 1_000_000, number // 1000 % 1000)
                            if number >= 1000 and (part or number >= 1_000_000))
            name = f"{text}/{number % 1000:03}".lstrip("/") + (f".p/{width}" if width < 256 else "")
            files += [log / "tile" / kind / name for kind in [str(level)] + ["entries"] * (level == 0)]
        level, size = level + 1, size >> 8
    return files


def judge_log(tlog: object, log: Path, vkey: str, origin: str, tally: Tally) -> None:
    """Every tile and bundle of a log, and the same with one bit of one of them changed."""
    note = tlog.parse_note((log / "checkpoint").read_bytes())
    found = tlog.verify_checkpoint(note, tlog.parse_vkey(vkey), expected_origin=origin)
    point = tlog.parse_checkpoint(note.text)
    tally.accept(bool(found.log_ok), f"the checkpoint of {log}")

    def holds() -> bool:
        try:
            report = tlog.audit_tiles(tlog.FileSystemTileReader(log), point.size, point.root)
            return report.size == point.size
        except (tlog.TileVerificationError, tlog.TileMissingError, ValueError):
            return False

    tally.accept(holds(), f"the log in {log}")
    files = files_of(log, point.size)
    for path in RANDOM.sample(files, min(6, len(files))):
        whole = path.read_bytes()
        path.write_bytes(flipped(whole))
        tally.refuse(holds(), f"file {path}")
        path.write_bytes(whole)
    tally.accept(holds(), f"the log in {log} again")


JUDGES = {
    "cryptography": ("cryptography", judge_cryptography),
    "pymerkle": ("pymerkle", judge_pymerkle),
    "sigstore": ("sigstore", judge_sigstore),
    "aics-tlog": ("aics_tlog", judge_aics),
}


def main(words: list[str]) -> int:
    required: set[str] = set()
    if len(words) == 3 and words[1] == "--require":
        required = set(words[2].split(","))
    elif len(words) != 1 or words[0].startswith("-"):
        print(__doc__)
        return 2
    folder = Path(words[0])
    cases = [Case(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    failed = False
    for name, (module, judge) in JUDGES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"{name}: skipped, not installed for Python {sys.version.split()[0]}")
            failed |= name in required
            continue
        tally = Tally(name)
        judge(cases, folder, tally)
        print(f"{name}: {tally.accepted} accepted, {tally.refused} changed ones refused, "
              f"{tally.failed} failed")
        failed |= tally.failed > 0 or tally.accepted == 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
