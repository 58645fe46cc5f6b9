"""Tests of Tools/verify-log: stores made from FORMAT.md by made_store.py, and stores of the engine when the
environment names its command (PIPEROLL=.build/debug/piperoll)."""

from __future__ import annotations

import base64
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import made_store as made
from made_store import Record, Stream, heads, removal, sha, statement

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "Tools" / "verify-log"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("verify_log", str(PROGRAM))
v = importlib.util.module_from_spec(importlib.util.spec_from_loader("verify_log", loader))
sys.modules["verify_log"] = v
loader.exec_module(v)


class StoreTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def made(self, *streams: Stream) -> Path:
        store = Path(tempfile.mkdtemp(dir=self.folder)) / "store"
        made.write(store, list(streams))
        return store

    def report(self, store: Path) -> dict:
        audit = v.Audit(store)
        audit.run([])
        streams = [{"name": one.name, "next": one.next, "covered": one.covered, "root": one.roots.get(one.covered),
                    "head": one.proven[max(one.proven)][1] if one.proven else None}
                   for one in audit.streams.values()]
        return {"verdict": "broken" if audit.findings else "incomplete" if audit.asked else "ok",
                "findings": audit.findings, "streams": streams, "notes": " ".join(audit.notes)}

    def rules(self, store: Path) -> set[str]:
        return set(map(self.rule, self.report(store)["findings"]))

    @staticmethod
    def rule(finding: str) -> str:
        return re.search(r": ([a-z]+(?:-[a-z]+)?): ", finding)[1]

    def run_program(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, str(PROGRAM), *map(str, words)], capture_output=True, text=True,
                              check=False)


def filled(number: int = 1, name: str = "orders", evidence: int = 2, count: int = 700, groups: int = 3) -> Stream:
    """A stream with records of every shape, in groups."""
    stream, made_up = Stream(number, name, evidence), random.Random(number)
    while len(stream.leaves) < count:
        records = [Record(made_up.randbytes(made_up.randrange(40)), made_up.choice([None, b"", b"key"]),
                          made_up.choice([None, b"type"]), made_up.choice([None, -5, made.TIME])) for _ in range(60)]
        records[3] = Record(b"", b"gone", tombstone=True)
        records[4].headers = bytes.fromhex("0500030000007472616365010203")
        stream.batch(records)
        stream.solo(Record(b"alone" * 50, b"k" * 200, event=7))
        stream.gap(3)
        if len(stream.leaves) >= (len(stream.groups) + 1) * count // groups:
            stream.group()
    return stream


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def meant(frame: object) -> list[object]:
    """What the records of a frame are, however their flags tell it; nothing of a frame that cannot be read."""
    try:
        return [one._replace(flags=one.flags & 1) for one in v.records(frame)[0]]
    except v.HOSTILE:
        return []


def telling(*records: Record) -> Stream:
    """The stream of statements, with a group for all."""
    stream = Stream(9, v.EVIDENCE, 2)
    for record in records:
        stream.solo(record)
    stream.group()
    return stream


class ProofTests(StoreTests):
    def test_a_store_with_every_shape_of_record_is_proven(self) -> None:
        tree, chain = filled(), filled(2, "chained", 1)
        report = self.report(self.made(tree, chain, telling(heads(tree, 0), heads(tree), heads(chain))))
        self.assertEqual((report["verdict"], report["findings"]), ("ok", []))
        for stream, told in zip((tree, chain), report["streams"]):
            self.assertEqual(told["head"], stream.groups[-1][1])
            self.assertEqual(told["next"], len(stream.leaves))
        self.assertEqual(report["streams"][0]["root"], made.tree(tree.hashes(0, len(tree.leaves))))

    def test_offsets_that_a_batch_leaves_out_are_leaves_of_gaps(self) -> None:
        stream = Stream(1, "orders", 2)
        stream.batch([Record(b"a"), Record(b"b"), Record(b"c")], [1, 2, 6])
        stream.group()
        self.assertEqual(self.report(self.made(stream))["verdict"], "ok")

    def test_a_record_that_was_changed_with_its_checksum_is_found(self) -> None:
        for change in ({"value": b"9 EUR"}, {"key": b"you"}, {"key": None}, {"type": b"tipe"}, {"event": 1},
                       {"event": None}, {"time": made.TIME + 1}, {"headers": bytes.fromhex("010000000000" "78")},
                       {"value": b"", "tombstone": True}):
            for evidence in (1, 2):
                stream = Stream(1, "orders", evidence)
                record = Record(b"1 EUR", b"me", b"type", 0)
                stream.leaves.append(record.leaf(0))
                stream.segment.solo(Record(**{**record.__dict__, **change}))
                stream.group()
                self.assertEqual(self.rules(self.made(stream)), {"changed-records"}, change)

    def test_groups_that_do_not_go_on_from_each_other_are_found(self) -> None:
        for evidence in (1, 2):
            for behind, head in ((0, sha(b"other")), (-1, None)):
                stream = filled(evidence=evidence)
                last = stream.groups[-1]
                stream.groups[-1] = (last[0] + behind, head or last[1], last[2])
                stream.solo(Record(b"later"))
                stream.group()
                self.assertEqual(self.rules(self.made(stream)), {"broken-chain"})

    def test_records_behind_the_last_group_are_named(self) -> None:
        stream = filled()
        stream.solo(Record(b"later"))
        report = self.report(self.made(stream))
        self.assertEqual(report["verdict"], "ok")
        self.assertEqual(report["streams"][0]["covered"] + 1, report["streams"][0]["next"])
        printed = self.run_program(self.made(stream)).stdout
        self.assertIn(f"to {len(stream.leaves)}, proven to {len(stream.leaves) - 1}: 3 groups", printed)

    def test_a_hundred_thousand_records_are_read(self) -> None:
        stream = Stream(1, "orders", 0)
        stream.segment = made.Segment(1, 16, capacity=1 << 24)
        for _ in range(100):
            stream.segment.batch([Record(b"x" * 90)] * 1000)
        self.assertEqual(self.report(self.made(stream))["streams"][0]["next"], 100_000)


class VectorTests(unittest.TestCase):
    @staticmethod
    def entries(name: str) -> list[dict]:
        return json.loads((ROOT / "Fixtures" / "evidence-v1" / f"{name}.json").read_text())

    def test_leaves_are_those_of_the_vectors(self) -> None:
        unsalted = [one for one in self.entries("leaves") if one["kind"] == "record" and not one["salt"]]
        self.assertGreater(len(unsalted), 8)
        for one in unsalted:
            parts = [one[name] and bytes.fromhex(one[name]) for name in ("key", "type", "headers", "value")]
            parts = [b"" if one[name] == "" else part for name, part in zip(("key", "type", "headers", "value"), parts)]
            event = one["eventTime"] and int(one["eventTime"])
            record = v.Record(int(one["offset"]), int(one["appendTime"]), int(one["isTombstone"]), event, *parts)
            self.assertEqual(v.leaf(record).hex(), one["hash"])
            self.assertEqual(sha(b"\0", bytes.fromhex(one["leaf"])).hex(), one["hash"])

    def groups(self, evidence: str, changed: Callable[[bytes], bytes] = bytes) -> object:
        """A stream of the groups of the vectors, whose header, heads and frontier went through `changed`."""
        stream, flat = v.Stream(7, "orders", ("none", "chain", "tree").index(evidence)), b""
        entries = [one for one in self.entries("groups") if one["evidence"] == evidence]
        parts = [bytes.fromhex(one[name]) for one in entries for name in ("header", "headBefore", "head")]
        parts += [bytes.fromhex(part) for one in entries for part in one["frontier"]]
        flat, at = changed(b"".join(parts)), 0
        for i, one in enumerate(entries):
            store, number, *numbers, root = struct.unpack_from("<16sQQQQqqQQ32s", flat, 176 * i)
            # In a store, the number comes from the manifest.
            v.need(number == stream.number, "foreign-file: it is of another stream")
            before, head = struct.unpack_from("<32s32s", flat, 176 * i + 112)
            size = 32 * len(one["frontier"])
            rest = flat[176 * len(entries) + at:][:size]
            at += size
            stream.groups.append((v.Group(*numbers, root, before, head, stream.evidence, store, rest), "vectors"))
        last = int(entries[-1]["nextOffset"])
        stream.leaves = {offset: sha(b"\0", made.gap_leaf(offset)) for offset in range(last)}
        stream.prove([])
        return stream

    def test_groups_are_those_of_the_vectors(self) -> None:
        for evidence in ("chain", "tree"):
            entries = [one for one in self.entries("groups") if one["evidence"] == evidence]
            proven = self.groups(evidence).proven
            self.assertEqual([proven[int(one["number"])][1].hex() for one in entries], [one["head"] for one in entries])

    def test_statements_are_those_of_the_vectors(self) -> None:
        names = {"next": "nextOffset", "first": "firstOffset", "grouped": "groupedOffset", "groups": "groups",
                 "time": "time", "coverage": "coverage", "cause": "cause", "head": "head", "root": "root",
                 "code": "subjectCode", "leaf": "leaf", "stream": "streamID", "kind": "kind"}
        for one in self.entries("statements"):
            value = bytes.fromhex(one["statement"])
            said = v.statement(v.Record(0, 0, 0, None, None, one["kind"].encode(), b"", value))
            for mine, name in names.items():
                if mine in said and name in one:
                    told = said[mine].hex() if isinstance(said[mine], bytes) else str(said[mine])
                    self.assertEqual(told, str(one[name]), mine)
            self.assertEqual(said["reason"], one.get("reason", one.get("name")))
            self.assertEqual([part.hex() for _, part in said["parts"].values()], one.get("hashes", []))


class StatementTests(StoreTests):
    def test_heads_convict_a_stream_that_was_cut_or_made_again(self) -> None:
        longer, other = filled(), filled(groups=2)
        self.assertEqual(self.rules(self.made(filled(count=300, groups=1), telling(heads(longer)))), {"truncated"})
        self.assertEqual(self.rules(self.made(other, telling(heads(longer, 0)))), {"rewritten"})
        self.assertEqual(self.rules(self.made(telling(heads(longer)))), {"missing-records"})
        renamed = filled(name="sales")
        self.assertEqual(self.rules(self.made(renamed, telling(heads(longer)))), {"false-statement"})

    def removed(self, evidence: int, *named: int) -> tuple[Stream, Stream]:
        """A stream whose first segment was removed, the last group reaching into what is left."""
        stream = filled(evidence=evidence)
        stream.batch([Record(b"in no group when the segment was left")] * 5)
        stream.follow()
        stream.batch([Record(b"later")] * 300)
        stream.group()
        return stream, telling(heads(stream, 0), removal(stream, 0, stream.start, named or (stream.groups[0][0],)))

    def test_removed_records_are_explained_and_the_tree_goes_on(self) -> None:
        for evidence in (1, 2):
            stream, told = self.removed(evidence)
            report = self.report(self.made(stream, told))
            self.assertEqual((report["verdict"], report["findings"]), ("ok", []))
            self.assertEqual(report["streams"][0]["head"], stream.groups[-1][1])
            self.assertIn("a removal of stream 1: 'asked for'", report["notes"])

    def test_removed_records_without_a_statement_are_missed(self) -> None:
        for evidence in (1, 2):
            stream, _ = self.removed(evidence)
            self.assertEqual(self.rules(self.made(stream)), {"missing-records"})
            self.assertEqual(self.rules(self.made(stream, telling(removal(stream, 0, 300)))), {"missing-records"})

    def test_what_is_stated_and_still_there_is_hashed_as_it_is(self) -> None:
        for evidence in (1, 2):
            stream = filled(evidence=evidence)
            told = telling(removal(stream, 0, 300))
            self.assertEqual(self.report(self.made(stream, told))["verdict"], "ok")
            edited = Stream(1, "orders", evidence)
            edited.leaves.append(Record(b"what was hashed").leaf(0))
            edited.segment.solo(Record(b"what stands there"))
            edited.group()
            self.assertEqual(self.rules(self.made(edited, telling(removal(edited, 0, 1)))), {"changed-records"})

    def test_a_removal_that_is_not_done_proves_nothing_of_groups_that_are_gone(self) -> None:
        stream = filled()
        told = telling(heads(stream), removal(stream, 0, 300))
        stream.segment = made.Segment(1, 16)
        self.assertEqual(self.rules(self.made(stream, told)), {"truncated"})

    def test_a_log_may_begin_inside_of_what_is_stated(self) -> None:
        for evidence in (1, 2):
            stream, _ = self.removed(evidence)
            stream.batch([Record(b"last")] * 400)
            stream.group()
            told = telling(removal(stream, 0, stream.start + 100, (stream.groups[0][0],)))
            report = self.report(self.made(stream, told))
            self.assertEqual((report["verdict"], report["findings"]), ("ok", []))
            self.assertEqual(report["streams"][0]["head"], stream.groups[-1][1])

    def test_a_removal_without_hashes_leaves_a_group_unchecked_and_says_so(self) -> None:
        for evidence in (1, 2):
            stream, _ = self.removed(evidence)
            stream.batch([Record(b"last")] * 400)
            stream.group()
            report = self.report(self.made(stream, telling(removal(stream, 0, stream.start, brief=True))))
            self.assertEqual((report["verdict"], report["findings"]), ("ok", []))
            self.assertIn("what was removed of group", report["notes"])
            self.assertEqual(report["streams"][0]["covered"], len(stream.leaves))
            stream.groups.pop()
            stream.leaves[-1] = gone = Record(b"what was hashed").leaf(len(stream.leaves) - 1)
            self.assertEqual(len(gone), 52)
            stream.segment.frames = stream.segment.frames[:stream.segment.integrity - 16384]
            stream.group()
            told = telling(removal(stream, 0, stream.start, brief=True))
            self.assertEqual(self.rules(self.made(stream, told)), {"changed-records"})

    def test_two_streams_of_one_name_are_refused(self) -> None:
        self.assertEqual(self.rules(self.made(filled(), filled(2))), {"contradiction"})

    def test_a_log_that_begins_behind_its_first_record_is_refused(self) -> None:
        stream, told = self.removed(2)
        stream.start -= 5
        self.assertEqual(self.rules(self.made(stream, told)), {"missing-records"})

    def test_two_removals_go_on_from_each_other(self) -> None:
        stream, _ = self.removed(2)
        two = [removal(stream, 0, 300), removal(stream, 300, stream.start)]
        self.assertEqual(self.report(self.made(stream, telling(*two)))["verdict"], "ok")
        self.assertEqual(self.rules(self.made(stream, telling(two[0], two[0], two[1]))), {"false-statement"})

    def test_each_hash_of_a_removal_counts(self) -> None:
        for evidence in (1, 2):
            stream, told = self.removed(evidence)
            record = removal(stream, 0, stream.start)
            end = len(record.value)
            for at in range(end - 32, end - 32 * (5 if evidence == 1 else 3), -32):
                value = bytearray(record.value)
                value[at + 5] ^= 4
                self.assertNotEqual(self.rules(self.made(stream, telling(Record(bytes(value), type=b"removal")))), set())

    def test_a_redacted_record_has_the_leaf_of_its_statement(self) -> None:
        stream, original = Stream(1, "orders", 2), Record(b"name of a person", b"k")
        stream.leaves.append(original.leaf(0))
        stream.segment.solo(Record(b"", b"k"))
        stream.group()
        redaction = statement(4, 1, struct.pack("<q", made.TIME) + original.leaf(0) + struct.pack("<H", 2) + b"ok")
        self.assertEqual(self.report(self.made(stream, telling(redaction)))["verdict"], "ok")
        false = statement(4, 1, struct.pack("<q", 0) + Record(b"other").leaf(0) + bytes(2))
        self.assertEqual(self.rules(self.made(stream, telling(false))), {"changed-records"})
        self.assertEqual(self.rules(self.made(stream)), {"changed-records"})

    def test_a_statement_is_read_exactly(self) -> None:
        stream = filled(count=100, groups=1)
        erasure = statement(3, 0, struct.pack("<q32sH", made.TIME, sha(b"subject"), 3) + b"ask")
        good = [heads(stream), removal(stream, 0, 10), erasure]
        for record in good:
            self.assertEqual(v.statement(self.decoded(record))["kind"], record.type.decode())
            for length in range(len(record.value)):
                with self.assertRaises(v.HOSTILE):
                    v.statement(self.decoded(Record(record.value[:length], type=record.type)))
            with self.assertRaises(v.HOSTILE):
                v.statement(self.decoded(Record(record.value + b"\0", type=record.type)))
            with self.assertRaises(v.HOSTILE):
                v.statement(self.decoded(Record(record.value, type=b"other")))

    @staticmethod
    def decoded(record: Record) -> object:
        return v.Record(0, record.time, 0, None, None, record.type, b"", record.value)


class DamageTests(StoreTests):
    def test_each_flipped_bit_of_records_and_evidence_is_found(self) -> None:
        stream = filled(count=150, groups=2)
        store = self.made(stream, telling(heads(stream, 0), heads(stream)))
        made_up = random.Random(3)
        for file in sorted(store.glob("s/*/*.seg")):
            image = bytearray(file.read_bytes())
            frames = list(v.walk([bytes(image)], self.salt(image), None, 0))
            for _ in range(150):
                frame = made_up.choice(frames)
                at, bit = frame.at + made_up.randrange(16 if frame.kind == 8 else len(frame.data)), made_up.randrange(8)
                image[at] ^= 1 << bit
                file.write_bytes(image)
                self.assertEqual(self.report(store)["verdict"], "broken", f"bit {bit} at {at} of {file.name}")
                image[at] ^= 1 << bit
            file.write_bytes(image)
        self.assertEqual(self.report(store)["verdict"], "ok")

    @staticmethod
    def salt(image: bytes) -> int:
        return struct.unpack_from("<Q", image, 88)[0]

    def test_a_flipped_bit_that_fits_its_checksum_is_found_wherever_evidence_covers(self) -> None:
        seed = int(os.environ.get("FLIP_SEED", random.randrange(1 << 32)))
        print(f"flips: FLIP_SEED={seed}")
        made_up, vectors = random.Random(seed), VectorTests("entries")
        for evidence in ("chain", "tree"):
            vectors.groups(evidence)
            for _ in range(100):
                with self.assertRaises(v.HOSTILE, msg=f"a group of the vectors, {evidence}, seed {seed}"):
                    vectors.groups(evidence, lambda data: flipped(data, made_up))
        stream = Stream(1, "orders", 2)
        for one in vectors.entries("leaves"):
            if one["kind"] == "record" and not one["salt"]:
                parts = [None if one[name] is None else bytes.fromhex(one[name]) for name in ("key", "type", "headers")]
                stream.solo(Record(bytes.fromhex(one["value"]), *parts[:2], one["eventTime"] and int(one["eventTime"]),
                                   parts[2], bool(one["isTombstone"]), int(one["appendTime"])))
        stream.group()
        told = telling(*(Record(bytes.fromhex(one["statement"]), type=one["kind"].encode())
                         for one in vectors.entries("statements")))
        for one in (stream, told):
            frames, leaves = list(v.walk([one.segment.image()], one.segment.salt, None, 0)), one.leaves
            for frame in (made_up.choice(frames[:-1]) for _ in range(150)):
                # Key, type, headers, value and what stands of them in words; and offset and time.
                data = frame.data[:16] + flipped(frame.data[16:], made_up)
                changed = v.Stream(one.number, "orders", 2)
                if meant(frame._replace(data=data)) == meant(frame):
                    # That a record lacks a part, where no record of the frame has one, says nothing.
                    continue
                with self.assertRaises(v.HOSTILE, msg=f"frame {frame.at} of {one.name}, seed {seed}"):
                    for part in frames:
                        changed.take(part._replace(data=data) if part.at == frame.at else part, "here")
                    changed.prove([])
                    v.need(changed.covered == len(leaves), "truncated: it is")

    def test_damage_that_fits_its_checksums_never_ends_in_a_traceback(self) -> None:
        stream = filled(count=150, groups=2)
        store = self.made(stream, filled(2, "c", 1, 100, 2), telling(heads(stream), removal(stream, 0, 20)))
        files = [one for one in store.rglob("*") if one.is_file()]
        images, made_up = {one: one.read_bytes() for one in files}, random.Random(4)
        before, verdicts = v.xxh3, set()
        v.xxh3 = None
        try:
            for _ in range(400):
                file = made_up.choice(files)
                image, used = bytearray(images[file]), len(images[file].rstrip(b"\0"))
                for _ in range(made_up.choice([1, 1, 3, 9])):
                    low = 16384 if used > 16384 and made_up.random() < 0.8 else 0
                    image[made_up.randrange(low, used)] = made_up.choice([0, 1, 127, 255, made_up.randrange(256)])
                file.write_bytes(image[:made_up.randrange(used)] if made_up.random() < 0.1 else image)
                verdicts.add(self.report(store)["verdict"])
                file.write_bytes(images[file])
        finally:
            v.xxh3 = before
        self.assertEqual(verdicts, {"ok", "broken"})

    def test_files_that_are_missing_or_of_another_place_are_named(self) -> None:
        one, two = filled(), filled(2, "other")
        store = self.made(one, two)
        first, second = sorted(store.glob("s/*/*.seg"))
        shutil.copy(second, first)
        self.assertIn("foreign-file", self.rules(store))
        first.unlink()
        self.assertIn("missing-file", self.rules(store))

    def test_the_mirror_of_the_manifest_stands_in_for_it(self) -> None:
        store = self.made(filled())
        file = next(store.glob("meta/*.seg"))
        image = bytearray(file.read_bytes())
        image[16500] ^= 1
        file.write_bytes(image)
        self.assertEqual(self.report(store)["verdict"], "ok")
        file.unlink()
        self.assertEqual(self.report(store)["verdict"], "ok")

    def test_a_torn_tail_is_no_damage_and_rot_before_it_is(self) -> None:
        stream = filled()
        stream.segment.commit()
        store = self.made(stream)
        file = next(store.glob("s/*/*.seg"))
        image = bytearray(file.read_bytes())
        image[4096:4608] = bytes(512)
        file.write_bytes(image)
        self.assertEqual(self.report(store)["verdict"], "ok")
        end = len(bytes(image).rstrip(b"\0"))
        image[end - 40:end] = bytes(40)
        file.write_bytes(image)
        self.assertEqual(self.report(store)["verdict"], "ok")


class CheckpointTests(StoreTests):
    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    def key(self, name: str = "example.com/log") -> str:
        public = b"\1" + self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"{name}+{sha(name.encode(), bytes([10]), public)[:4].hex()}+{base64.b64encode(public).decode()}"

    def signed(self, size: int, root: bytes, origin: str = "example.com/log", name: str = "example.com/log") -> str:
        body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        mark = bytes.fromhex(self.key(name).split("+")[1])
        return f"{body}\n\u2014 {name} {base64.b64encode(mark + self.secret.sign(body.encode())).decode()}\n"

    def judged(self, store: Path, text: str, *more: str) -> tuple[int, list[str]]:
        file = self.folder / "checkpoint"
        file.write_text(text)
        done = self.run_program(store, "--checkpoint", file, "--key", self.key(), *more)
        self.assertEqual(done.stderr, "")
        return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("broken: ")]

    def test_a_checkpoint_of_the_store_and_of_a_stream_is_confirmed(self) -> None:
        stream = filled()
        told = telling(heads(stream))
        store = self.made(stream, told)
        self.assertEqual(self.judged(store, self.signed(1, made.tree(told.hashes(0, 1)))), (0, []))
        origin = "example.com/log/streams/orders"
        for size in (len(stream.leaves), stream.groups[0][0]):
            self.assertEqual(self.judged(store, self.signed(size, made.tree(stream.hashes(0, size)), origin)), (0, []))

    def test_a_checkpoint_of_another_tree_log_size_or_key_is_refused(self) -> None:
        stream = filled()
        told = telling(heads(stream), heads(stream, 0))
        store, root = self.made(stream, told), told.groups[-1][2]
        for text, rule, more in (
                (self.signed(2, sha(b"other")), "rewritten", ()), (self.signed(3, root), "truncated", ()),
                (self.signed(2, root, "example.com/other"), "untrusted-checkpoint", ()),
                (self.signed(2, root), "untrusted-checkpoint", ("--origin", "example.com/other")),
                (self.signed(2, root, name="example.com/me"), "untrusted-checkpoint", ()),
                (self.signed(2, root).replace("log\n2\n", "log\n3\n"), "bad-signature", ()),
                ("nothing signed", "untrusted-checkpoint", ())):
            code, findings = self.judged(store, text, *more)
            self.assertEqual((code, set(map(self.rule, findings))), (1, {rule}))

    def test_a_log_whose_records_are_all_removed_still_has_its_tree(self) -> None:
        stream, origin = filled(), "example.com/log/streams/orders"
        stream.batch([Record(b"last")] * 9)
        stream.follow()
        stream.group()
        store, size = self.made(stream, telling(heads(stream), removal(stream, 0, stream.start))), len(stream.leaves)
        for signed, code in ((made.tree(stream.hashes(0, size)), 0), (sha(b"another"), 1)):
            self.assertEqual(self.judged(store, self.signed(size, signed, origin))[0], code)

    def test_changed_checkpoints_are_refused_or_say_the_same(self) -> None:
        text, made_up = self.signed(5, sha(b"root")), random.Random(6)
        key = v.vkey(self.key())
        good = v.note(text, key, None)
        for _ in range(1000):
            changed = list(text)
            for _ in range(made_up.choice([1, 1, 2, 5])):
                at = made_up.randrange(len(changed))
                changed[at:at + made_up.randrange(3)] = made_up.choice(["", "=", "A", "\n", " ", "\u2014", "%", "5"])
            try:
                self.assertEqual(v.note("".join(changed), key, None), good)
            except v.HOSTILE:
                pass

    def test_the_exit_code_tells_usage_from_verdicts(self) -> None:
        store = self.made(filled())
        self.assertEqual(self.run_program(store).returncode, 0)
        self.assertEqual(self.run_program(self.folder / "nowhere").returncode, 2)
        self.assertEqual(self.run_program(store, "--checkpoint", "file").returncode, 2)
        self.assertEqual(self.run_program(store, "--checkpoint", "file", "--key", "none").returncode, 2)
        next(store.glob("s/*/*.seg")).unlink()
        self.assertEqual(self.run_program(store).returncode, 1)

    def test_a_tree_that_can_no_longer_be_made_leaves_the_audit_incomplete(self) -> None:
        stream = filled()
        stream.follow()
        stream.solo(Record(b"later"))
        stream.group()
        store = self.made(stream, telling(removal(stream, 0, stream.start)))
        signed = self.signed(100, sha(b"who knows"), "example.com/log/streams/orders")
        self.assertEqual(self.judged(store, signed), (3, []))


@unittest.skipUnless("PIPEROLL" in os.environ, "PIPEROLL does not name the engine's command")
class EngineTests(StoreTests):
    def piperoll(self, *words: object, lines: bytes = b"") -> int:
        done = subprocess.run([os.environ["PIPEROLL"], *map(str, words)], input=lines, capture_output=True, check=False)
        return done.returncode

    def test_stores_of_the_engine_are_proven(self) -> None:
        store = self.folder / "store"
        self.assertEqual(self.piperoll("init", store), 0)
        for evidence in ("tree", "chain", "none"):
            self.assertEqual(self.piperoll("create", store, evidence, "--evidence", evidence), 0)
            for part in range(3):
                lines = b"".join(b"line %d of %d\n" % (i, part) for i in range(2000)) + b"last"
                self.assertEqual(self.piperoll("append", store, evidence, "--type", "t", lines=lines), 0)
        self.assertEqual(self.piperoll("verify", store), 0)
        report = self.report(store)
        self.assertEqual((report["verdict"], report["findings"]), ("ok", []))
        mine = [one for one in report["streams"] if one["name"] in ("tree", "chain")]
        self.assertEqual([one["covered"] for one in mine], [6003, 6003])

    def test_checkpoints_of_the_engine_are_confirmed_until_the_store_is_cut(self) -> None:
        store, secret, stream = self.folder / "store", self.folder / "secret", "größe ~1"
        self.piperoll("init", store)
        self.piperoll("create", store, stream, "--evidence", "tree")
        self.piperoll("append", store, stream, lines=b"one\n" * 300)
        key = json.loads(self.said("key", "generate", "example.com/log", "--kind", "log", "--out", secret, "--json"))
        checkpoint, early = self.folder / "checkpoint", self.folder / "early"
        shutil.copytree(store, early)
        for number, more in enumerate(((), ("--stream", stream))):
            checkpoint.write_bytes(self.said("evidence", "checkpoint", store, "--key", secret, "--last",
                                             self.folder / f"last{number}", *more))
            for folder, code in ((store, 0), (early, 0 if more else 1)):
                done = self.run_program(folder, "--checkpoint", checkpoint, "--key", key["vkey"])
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_proofs_of_the_engine_are_confirmed_and_with_a_bit_changed_refused(self) -> None:
        store, secret, made_up = self.folder / "store", self.folder / "secret", random.Random(8)
        self.piperoll("init", store)
        self.piperoll("create", store, "orders", "--evidence", "tree")
        self.piperoll("append", store, "orders", lines=b"one\n" * 300)
        key = json.loads(self.said("key", "generate", "example.com/log", "--kind", "log", "--out", secret, "--json"))
        for number, more in enumerate(((), ("--stream", "orders"))):
            checkpoint, file = self.folder / "checkpoint", self.folder / "7.tlog-proof"
            checkpoint.write_bytes(self.said("evidence", "checkpoint", store, "--key", secret, "--last",
                                             self.folder / f"last{number}", *more))
            self.said("evidence", "prove", store, "--stream", "orders", "--offset", 7, "--checkpoint", checkpoint,
                      "--out", file)
            done = self.run_program(store, "--proof", file, "--key", key["vkey"])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            proof, vkey = file.read_text(), v.vkey(key["vkey"])
            told = v.proof(proof, vkey, None)
            self.assertEqual(told[3:5], ("orders", 7))
            # In the extra line, and in the last letters of base64, bits may mean nothing; the rest is proven.
            start = proof.index("\nindex") + 1
            for _ in range(300):
                at = made_up.randrange(start, len(proof) - 4)
                changed = proof[:at] + chr(ord(proof[at]) ^ 1 << made_up.randrange(7)) + proof[at + 1:]
                try:
                    self.assertEqual(v.proof(changed, vkey, None), told, f"{at}: {changed!r}")
                except v.HOSTILE:
                    pass
            file.write_text(proof.replace("index 7", "index 8") if more else proof.replace("\nindex 0", "\nindex 1"))
            self.assertEqual(self.run_program(store, "--proof", file, "--key", key["vkey"]).returncode, 1)

    def said(self, *words: object) -> bytes:
        return subprocess.run([os.environ["PIPEROLL"], *map(str, words)], capture_output=True, check=True).stdout

    def test_the_engine_finds_the_stores_made_here_sound(self) -> None:
        stream = filled()
        self.assertEqual(self.piperoll("verify", self.made(stream, filled(2, "chained", 1), telling(heads(stream)))), 0)

    def test_both_agree_on_flipped_bits(self) -> None:
        stream = filled(count=150, groups=2)
        store, made_up = self.made(stream), random.Random(5)
        file = next(store.glob("s/*/*.seg"))
        image = bytearray(file.read_bytes())
        frames = list(v.walk([bytes(image)], DamageTests.salt(image), None, 0))
        for frame in made_up.sample(frames, 12):
            at, bit = frame.at + made_up.randrange(16), made_up.randrange(8)
            image[at] ^= 1 << bit
            file.write_bytes(image)
            self.assertEqual((self.report(store)["verdict"], self.piperoll("verify", store)), ("broken", 1), at)
            image[at] ^= 1 << bit


if __name__ == "__main__":
    unittest.main()
