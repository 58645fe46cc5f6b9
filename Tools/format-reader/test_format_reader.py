"""Tests of the format reader against the golden files and the examples of FORMAT.md."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import frames as f
import piperoll_format as reader
import structures as s
import xxh3

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "Fixtures" / "format-v1"
STREAM = GOLDEN / "s" / f"{7:016x}"
SEALED, ROTTEN, TORN = (STREAM / f"{number:016x}.seg" for number in (0x2A, 0x2B, 0x2C))


def run(path: Path) -> tuple[int, list[dict], list[dict]]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = reader.main([str(path)])
    lines = [[json.loads(line) for line in text.getvalue().splitlines()] for text in (out, err)]
    return status, lines[0], lines[1]


def segment(file: bytes, end: int | None = None) -> tuple[reader.Segment, list[s.Record]]:
    found = reader.Segment.open(file, end)
    return found, list(found.records())


def examples() -> dict[str, bytes]:
    """The hex examples of FORMAT.md."""
    result, text = {}, (ROOT / "FORMAT.md").read_text()
    for name, body in re.findall(r"<!-- example: (\S+) -->\n```text\n(.*?)```", text, re.S):
        data = bytearray()
        for line in body.splitlines():
            cells = re.match(r" *(\d+)  ((?:[0-9a-f]{2} ?)*) *(.*)", line)
            assert int(cells[1]) == len(data), line
            zeros = re.match(r"(\d+) bytes of zero", cells[3])
            data += bytes(int(zeros[1])) if zeros and not cells[2] else bytes.fromhex(cells[2])
        result[name] = bytes(data)
    return result


class ChecksumTests(unittest.TestCase):
    def test_plain_python_gives_the_known_values(self) -> None:
        self.assertEqual(xxh3.xxh3_plain(b""), 0x2D06800538D394C2)

    def test_plain_python_agrees_with_the_module(self) -> None:
        for count in [*range(0, 300), 511, 512, 513, 1023, 1024, 1025, 1088, 1089, 4096, 5000]:
            data = random.Random(count).randbytes(count)
            self.assertEqual(xxh3.xxh3_plain(data), xxh3.xxh3(data), count)


class GoldenTests(unittest.TestCase):
    def test_files_have_their_digests(self) -> None:
        listed = dict(
            reversed(line.split("  ")) for line in
            (ROOT / "Fixtures" / "DIGESTS").read_text().splitlines())
        found = {
            str(path.relative_to(ROOT / "Fixtures")): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in GOLDEN.parent.rglob("*-v1/**/*") if path.is_file()}
        self.assertEqual(found, listed)

    def test_the_store_gives_the_records_it_was_made_of(self) -> None:
        status, records, reports = run(GOLDEN)
        expected = [
            json.loads(line) for line in (GOLDEN / "records.jsonl").read_text().splitlines()]
        self.assertEqual(records, expected)
        self.assertEqual(status, 1)
        self.assertEqual([len(report["damage"]) for report in reports], [0, 0, 1, 0])

    def test_the_sealed_segment_has_every_kind(self) -> None:
        found, records = segment(SEALED.read_bytes())
        kinds = {kind for _, kind in found.frame_kinds}
        self.assertTrue(kinds >= set(range(1, 11)), kinds)
        self.assertEqual(found.stop, SEALED.stat().st_size)
        trailer = f.Trailer.read(SEALED.read_bytes()[-64:])
        self.assertEqual((trailer.salt, trailer.segment), (found.header.salt, 0x2A))
        self.assertEqual(trailer.next_offset, found.next_offset)
        self.assertEqual(len(records), found.slot.record_count)

    def test_rot_is_told_by_commit_frames_and_by_the_manifest_alike(self) -> None:
        file = ROTTEN.read_bytes()
        alone, records = segment(file)
        store = reader.Store(GOLDEN)
        edit = store.manifest.damage[0]
        expected = reader.Damage(
            edit["from"], edit["to"], edit["first_offset"], edit["next_offset"])
        self.assertEqual(alone.damages, [expected])
        end = store.manifest.segments[0x2B]["segmentEnded"]
        told, same = segment(file, end["end"])
        self.assertEqual((told.damages, same), ([expected], records))
        self.assertEqual((alone.stop, len(records)), (end["end"], end["record_count"]))

    def test_the_manifest_convicts_rot_that_took_slots_and_frames(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "store"
            shutil.copytree(GOLDEN, copy)
            file = copy / TORN.relative_to(GOLDEN)
            # The slots and everything behind the preamble.
            file.write_bytes(TORN.read_bytes()[:4096] + bytes(8192)
                             + TORN.read_bytes()[12288:16384] + bytes(TORN.stat().st_size - 16384))
            status, _, reports = run(copy)
            facts = reader.Store(GOLDEN).manifest.segments[0x2C]
            durable, base = facts["segmentDurable"], facts["segmentActivated"]["base_offset"]
            self.assertEqual(status, 1)
            self.assertEqual(reports[-1]["damage"], [{
                "start": 16384, "end": durable["position"], "first_offset": base,
                "next_offset": durable["next_offset"]}])
            self.assertEqual(durable["next_offset"], base + 3)

    def test_a_torn_tail_is_no_damage(self) -> None:
        found, records = segment(TORN.read_bytes())
        self.assertEqual(found.damages, [])
        self.assertEqual(found.torn_byte_count, 48)
        self.assertEqual(records[-1].value, b"written, not acknowledged 2")
        self.assertEqual(run(TORN)[0], 0)

    def test_the_manifest_has_every_edit(self) -> None:
        manifest = reader.Store(GOLDEN).manifest
        names = {change["edit"] for change in manifest.edits}
        self.assertEqual(names, {name for name, _ in reader.EDITS.values()} | {"createStream"})
        self.assertEqual(manifest.streams[7]["name"], "orders/größe")
        self.assertEqual(manifest.log_starts, {7: 1001})
        self.assertNotIn(0x29, manifest.segments)


class DamageTests(unittest.TestCase):
    def test_every_flipped_byte_of_a_sealed_segment_is_seen_or_free_space(self) -> None:
        file = SEALED.read_bytes()
        whole, records = segment(file)
        bounds = [position for position, _ in whole.frame_kinds] + [whole.stop]
        for start, after in zip(bounds, bounds[1:]):
            at = start + random.Random(start).randrange(0, min(16, after - start))
            changed = bytearray(file)
            changed[at] ^= 1 << at % 8
            found, kept = segment(bytes(changed))
            self.assertEqual([(one.start, one.end) for one in found.damages], [(start, after)])
            lost = {r.offset for r in records} - {r.offset for r in kept}
            span = range(found.damages[0].first_offset, found.damages[0].next_offset)
            self.assertTrue(lost <= set(span), (start, lost, span))

    def test_either_header_and_either_slot_is_enough(self) -> None:
        file = SEALED.read_bytes()
        records = segment(file)[1]
        for start in (0, 4096, 8192, 12288):
            changed = bytearray(file)
            changed[start : start + 4096] = bytes(4096)
            self.assertEqual(segment(bytes(changed))[1], records)
        changed[:4096] = bytes(4096)
        with self.assertRaisesRegex(s.FormatError, "empty"):
            segment(bytes(changed))

    def test_without_slots_the_scan_finds_the_same_end(self) -> None:
        file = bytearray(SEALED.read_bytes() + bytes(4096))
        records = segment(bytes(file))[1]
        file[4096:12288] = bytes(8192)
        found, same = segment(bytes(file))
        self.assertEqual((same, found.damages, found.torn_byte_count), (records, [], 0))
        self.assertEqual(found.stop, SEALED.stat().st_size)

    def test_a_slot_convicts_rot_behind_which_no_frame_stands(self) -> None:
        file = bytearray(TORN.read_bytes())
        found = reader.Segment.open(bytes(file))
        durable = found.slot.durable
        file[s.PREAMBLE + 8 :] = bytes(len(file) - s.PREAMBLE - 8)
        found, records = segment(bytes(file))
        self.assertEqual(records, [])
        self.assertEqual([(d.start, d.end) for d in found.damages], [(s.PREAMBLE, durable)])

    def test_a_commit_frame_that_proves_nothing_leaves_the_group_undecidable(self) -> None:
        file = bytearray(ROTTEN.read_bytes())
        commits = [at for at, kind in segment(bytes(file))[0].frame_kinds if kind == s.COMMIT]
        # Rot in the last group, whose own commit frame says that all before the group was durable.
        at = commits[-2] + 64 + 100
        file[at] ^= 1
        file[4096:12288] = bytes(8192)
        found, _ = segment(bytes(file))
        self.assertEqual(found.undecidable, (commits[-2] + 64, commits[-1] + 64))
        self.assertEqual(found.stop, commits[-2] + 64)

    def test_damaged_places_without_an_offset_between_them_are_one_range(self) -> None:
        file = bytearray(SEALED.read_bytes())
        frames = segment(bytes(file))[0].frame_kinds
        places = [at for at, _ in frames]
        padding = next(index for index, (_, kind) in enumerate(frames) if kind == s.PADDING)
        for index in (padding - 1, padding + 1):
            file[places[index] + 9] ^= 1
        found, _ = segment(bytes(file))
        self.assertEqual(
            [(d.start, d.end) for d in found.damages], [(places[padding - 1], places[padding + 2])])

    def test_an_unsynced_slot_proves_nothing(self) -> None:
        file = bytearray(SEALED.read_bytes() + bytes(64))
        salt = reader.Segment.open(bytes(file)).header.salt
        for start in (4096, 8192):
            file[start + 96] |= 4
            check = xxh3.xxh3(bytes(file[start : start + 504])) ^ s.place(salt, start, 504)
            file[start + 504 : start + 512] = check.to_bytes(8, "little")
        found = reader.Segment.open(bytes(file))
        self.assertIsNone(found.slot)
        self.assertIsNone(found.end)

    def test_a_cut_file_is_truncated(self) -> None:
        file = SEALED.read_bytes()
        with self.assertRaisesRegex(s.FormatError, "truncated"):
            segment(file[:-8])
        with self.assertRaisesRegex(s.FormatError, "truncated"):
            segment(file[:4095])

    def test_a_newer_version_is_not_damage(self) -> None:
        page = bytearray(SEALED.read_bytes())
        for start in (0, 12288):
            page[start + 8] = 2
            body, salt = bytes(page[start : start + 4088]), s.u(page, start + 88)
            check = xxh3.xxh3(body) ^ s.place(salt, start, 4088)
            page[start + 4088 : start + 4096] = check.to_bytes(8, "little")
        with self.assertRaisesRegex(s.FormatError, "newer"):
            segment(bytes(page))

    def test_a_store_of_two_halves_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "SUPER").write_bytes(bytes(8192))
            self.assertEqual(run(path)[0], 2)


class ExampleTests(unittest.TestCase):
    """The hex examples of FORMAT.md, read by what FORMAT.md says."""

    def setUp(self) -> None:
        self.examples = examples()
        self.salt = s.u(self.examples["segment-header"], 88)

    def frame(self, name: str, position: int) -> s.Frame:
        file = bytes(position) + self.examples[name]
        file += bytes(64)  # free space of the gap and padding examples
        frame = s.intact_frame(file, position, self.salt)
        self.assertIsNotNone(frame, name)
        s.check_frame(frame)
        return frame

    def test_fixed_structures(self) -> None:
        block = s.SuperBlock.read(self.examples["superblock"], 0)
        self.assertEqual(block.store_id, "00112233-4455-4677-8899-aabbccddeeff")
        header = s.Header.read(self.examples["segment-header"], 0)
        self.assertEqual((header.segment, header.base_offset), (0x2A, 1000))
        slot = s.Slot.read(bytes(4096) + self.examples["recovery-slot"], 4096, self.salt)
        self.assertTrue(slot.clean and not slot.sealed)

    def test_records(self) -> None:
        self.assertEqual(f.solo_record(self.frame("solo-record", 16384)).value, b"hello")
        full = f.solo_record(self.frame("solo-record-full", 16384))
        self.assertEqual((full.key, full.type, full.value), (b"key", b"type", b"value"))
        self.assertEqual(full.headers, [("trace", bytes([1, 2, 3]))])
        records, after = f.batch_records(self.frame("batch", 16384))
        self.assertEqual([record.key for record in records], [b"a", None, b"b"])
        self.assertEqual([record.tombstone for record in records], [False, False, True])
        self.assertEqual(records[2].event_time - records[0].event_time, 2000)
        self.assertIsNone(records[1].event_time)
        self.assertEqual(after, 1003)
        self.assertEqual(
            f.record_headers(self.examples["record-headers"]),
            [("trace", bytes([1, 2, 3])), ("x", b"")])

    def test_other_frames(self) -> None:
        f.check_index(self.frame("index", 20480))
        f.check_state(self.frame("state", 20480))
        f.check_control(self.frame("control", 20480))
        self.frame("padding", 20480)
        self.assertEqual(f.gap_end(self.frame("gap", 20480)), (1003, 1005))
        self.assertEqual(f.Commit.read(self.frame("commit", 20480)).sequence, 2)
        self.assertEqual(f.Seal.read(self.frame("seal", 20480)).next_offset, 1022)

    def test_edits(self) -> None:
        self.assertEqual(reader.edit(self.examples["manifest-edit"])["edit"], "segmentPrepared")
        self.assertEqual(reader.edit(self.examples["manifest-edit-stream"])["class"], 1)


if __name__ == "__main__":
    unittest.main()
