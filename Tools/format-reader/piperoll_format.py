#!/usr/bin/env python3
"""Reads a Piperoll segment file or a store directory and prints its records as lines of JSON.

Independent of the engine: written from FORMAT.md alone. Verifies every checksum, applies the recovery
rule and reports damage. Usage: piperoll_format.py PATH. Records go to standard output, the report, as
lines of JSON, to standard error. Exit status: 0 intact, 1 damage was found, 2 it cannot be read.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import frames as f
import structures as s
from structures import FormatError, Frame, Header, Record, Slot, damaged, u


@dataclass
class Damage:
    """A damaged range: positions, and the offsets that cannot be read."""

    start: int
    end: int
    first_offset: int
    next_offset: int | None = None


@dataclass
class Segment:
    """A segment file, read whole."""

    # The file, up to the end where that is known.
    file: bytes
    header: Header
    slot: Slot | None
    # Where nothing counts any more, when the manifest or a slot tells.
    end: int | None
    damages: list[Damage] = field(default_factory=list)
    frame_kinds: list[tuple[int, int]] = field(default_factory=list)
    # Where the walk stopped, the bytes of a torn tail behind it, and the next offset.
    stop: int = s.PREAMBLE
    torn_byte_count: int = 0
    next_offset: int = 0
    # Bytes of a last group that is torn or rotten, nobody can tell.
    undecidable: tuple[int, int] | None = None
    # All before this position is known to have been durable; the next offset where that is told.
    proven: int = 0
    proven_offset: int = 0

    @staticmethod
    def open(file: bytes, end: int | None = None) -> Segment:
        header = first_intact(lambda at: Header.read(file, at), (0, 12288))
        slots = []
        for position in (4096, 8192):
            try:
                slots.append(Slot.read(file, position, header.salt))
            except FormatError:
                pass
        slot = max(slots, key=lambda one: one.sequence, default=None)
        if slot is not None and slot.unsynced:
            slot = None  # this reader does not know which boot the machine runs
        if end is None and slot is not None and (slot.clean or slot.sealed):
            end = slot.durable
        if end is not None and end > len(file):
            raise FormatError("truncated", "segment ends behind its file", end)
        file = file if end is None else file[:end]
        found = Segment(file, header, slot, end, next_offset=header.base_offset)
        if slot is not None:
            found.prove(slot.durable, slot.next_offset)
        return found

    def prove(self, position: int, next_offset: int) -> None:
        if position > self.proven:
            self.proven, self.proven_offset = position, next_offset

    def frame(self, position: int) -> Frame | None:
        return s.intact_frame(self.file, position, self.header.salt)

    def frames(self) -> Iterator[Frame]:
        """Every intact frame up to the end; section 10."""
        position = s.PREAMBLE
        while self.end is None or position < self.end:
            frame = self.frame(position)
            if frame is None:
                after = self.next_place(position)
                if after is None:
                    break
                if self.damages and self.damages[-1].next_offset is None:
                    self.damages[-1].end = after
                else:
                    self.damages.append(Damage(position, after, self.next_offset))
                position = after
                continue
            s.check_frame(frame)
            self.frame_kinds.append((frame.position, frame.kind))
            yield frame
            position = frame.end
        self.stop = position
        if self.end is None:
            tail = self.file[position:].rstrip(b"\0")
            self.torn_byte_count = len(tail)

    def next_place(self, bad: int) -> int | None:
        """Where the walk goes on behind rot, or None for the end of the segment."""
        if self.end is not None:
            return next((frame.position for frame in self.intact_behind(bad)), self.end)
        durable = self.proven
        first = last_commit = None
        for frame in self.intact_behind(bad):
            first = first or frame.position
            if frame.kind == s.COMMIT:
                durable = max(durable, f.Commit.read(frame).durable)
                last_commit = frame.end
            if durable > bad:
                self.proven = durable
                return first
        if durable > bad:
            return durable
        if last_commit is not None:
            self.undecidable = (bad, last_commit)
        return None

    def intact_behind(self, bad: int) -> Iterator[Frame]:
        for position in range(bad + 8, len(self.file), 8):
            frame = self.frame(position)
            if frame is None:
                continue
            try:
                s.check_frame(frame)
            except FormatError:
                continue
            yield frame

    def take_offset(self, first: int, after: int, place: int) -> None:
        open_damage = self.damages[-1] if self.damages else None
        if open_damage and open_damage.next_offset is None:
            if first < open_damage.first_offset:
                raise damaged(f"offset {first} behind damage", place)
            open_damage.next_offset = first
        elif first != self.next_offset:
            raise damaged(f"offset {first} where {self.next_offset} is expected", place)
        self.next_offset = after

    def take_group(self, after: int, place: int) -> None:
        """A group ends at or before the next offset, which damage may have hidden."""
        if self.damages and self.damages[-1].next_offset is None:
            self.next_offset = max(self.next_offset, after)
        elif after > self.next_offset:
            raise damaged("offsets of an integrity frame", place)

    def records(self) -> Iterator[Record]:
        for frame in self.frames():
            if frame.kind == s.SOLO:
                record = f.solo_record(frame)
                self.take_offset(record.offset, record.offset + 1, frame.position)
                yield record
            elif frame.kind == s.BATCH:
                records, after = f.batch_records(frame)
                self.take_offset(u(frame.data, 16), after, frame.position)
                yield from records
            else:
                self.other(frame)
        for damage in self.damages:
            if damage.next_offset is None:
                damage.next_offset = max(damage.first_offset, self.proven_offset)
                self.next_offset = damage.next_offset

    def other(self, frame: Frame) -> None:
        kind = frame.kind
        if kind == s.INDEX:
            f.check_index(frame)
        elif kind == s.STATE:
            f.check_state(frame)
            self.take_offset(u(frame.data, 24), u(frame.data, 24), frame.position)
        elif kind == s.INTEGRITY:
            self.take_group(f.group_end(frame), frame.position)
        elif kind == s.CONTROL:
            f.check_control(frame)
        elif kind == s.GAP:
            self.take_offset(*f.gap_end(frame), frame.position)
        elif kind == s.SEAL:
            seal = f.Seal.read(frame)
            self.take_offset(seal.next_offset, seal.next_offset, frame.position)
        elif kind == s.COMMIT:
            after = f.Commit.read(frame).next_offset
            self.take_offset(after, after, frame.position)

    def report(self) -> dict:
        return {
            "stream": self.header.stream, "segment": f"{self.header.segment:016x}",
            "base_offset": self.header.base_offset, "next_offset": self.next_offset,
            "end": self.stop, "torn_bytes": self.torn_byte_count,
            "undecidable": self.undecidable,
            "damage": [vars(damage) for damage in self.damages],
        }


def first_intact(read, positions):
    error = None
    for position in positions:
        try:
            return read(position)
        except FormatError as found:
            if found.answer == "newer":
                raise
            error = error or found
    raise error


EDITS = {  # kind: name, fields; section 9
    1: ("snapshotBegin", ("next_segment", "next_stream")), 2: ("snapshotEnd", ()),
    4: ("segmentIntent", ("stream", "segment")),
    5: ("segmentPrepared", ("stream", "segment", "capacity", "salt")),
    6: ("segmentActivated", ("stream", "segment", "base_offset", "base_append_time", "previous")),
    7: ("segmentEnded", ("stream", "segment", "end", "next_offset", "last_append_time",
                         "record_count", "reason")),
    8: ("segmentDropped", ("stream", "segment")), 9: ("logStart", ("stream", "offset")),
    10: ("segmentDamaged", ("stream", "segment", "from", "to", "first_offset", "next_offset")),
    11: ("segmentDurable", ("stream", "segment", "position", "next_offset", "last_append_time")),
    12: ("segmentReplaced", ("stream", "old", "segment", "capacity", "salt", "end",
                             "record_count")),
    13: ("retention", ("stream", "maximum_age", "maximum_bytes", "maximum_records",
                       "acknowledgement", "cursor_count")),
    14: ("hold", ("stream", "first_offset", "next_offset", "time")), 15: ("holdReleased", ()),
    16: ("segmentDated", ("stream", "segment", "time")),
}
STREAM_FIELDS = ("stream", "class", "longest_delay", "most_bytes", "first_segment_bytes",
                 "segment_bytes", "roll_records", "roll_nanoseconds", "largest_lag", "evidence")


def text(value: bytes, at: int, least: int, most: int, name: str) -> tuple[str, int]:
    """A text behind the count of its bytes, and where it ends."""
    if len(value) < at + 8:
        raise FormatError("truncated", name)
    count = u(value, at)
    if not least <= count <= most:
        raise damaged(name)
    if len(value) < at + 8 + count:
        raise FormatError("truncated", name)
    try:
        return value[at + 8 : at + 8 + count].decode("utf-8"), at + 8 + count
    except UnicodeDecodeError:
        raise damaged(name) from None


def edit(value: bytes) -> dict | None:
    """A manifest edit, or None for one that may be skipped."""
    if len(value) < 8:
        raise FormatError("truncated", "manifest edit")
    kind, version = u(value, 0, 2), u(value, 2, 2)
    s.check_zero(value, 4, 4, "manifest edit")
    if kind & 0x8000:
        return None
    if version != 1 or (kind != 3 and kind not in EDITS):
        raise s.newer(f"manifest edit {kind} version {version}")
    name, fields = EDITS.get(kind, ("createStream", STREAM_FIELDS))
    size = 8 + 8 * len(fields)
    if len(value) < size:
        raise FormatError("truncated", name)
    result = {"edit": name}
    result |= {key: u(value, 8 + 8 * n) for n, key in enumerate(fields)}
    for key in ("base_append_time", "last_append_time", "time"):
        if key in result:
            result[key] = f.i64(value, 8 + 8 * fields.index(key))
    if kind == 3:
        result["erasable"] = bool(result["evidence"] & 0x100)
        result["evidence"] &= ~0x100
        if result["class"] > 2 or result["evidence"] > 2:
            raise s.newer("durability class or evidence")
        result["name"], size = text(value, size, 1, 255, name)
        if result["erasable"]:
            result["erasable_id"] = value[size : size + 16].hex()
            size += 16
    if kind == 13:
        if result["acknowledgement"] > 3:
            raise s.newer("acknowledgement")
        if result["cursor_count"] > 256 or (
            result["acknowledgement"] and not result["cursor_count"]
        ):
            raise damaged(name)
        result["cursors"] = []
        for _ in range(result["cursor_count"]):
            cursor, size = text(value, size, 1, 255, name)
            result["cursors"].append(cursor)
    if kind in (14, 15):
        result["name"], size = text(value, size, 1, 255, name)
    if kind == 14:
        result["reason"], size = text(value, size, 0, 1024, name)
        if not result["first_offset"] < result["next_offset"] < 1 << 63:
            raise damaged(name)
    if len(value) != size:
        raise damaged(f"length of {name}")
    if kind == 7 and result["reason"] > 2:
        raise s.newer("reason of an end")
    if kind == 12 and not (
        result["old"] < result["segment"] and s.is_frame_position(result["end"])
        and result["end"] <= result["capacity"]
    ):
        raise damaged(name)
    if kind == 11 and not s.is_frame_position(result["position"]):
        raise damaged(name)
    sizes = ("capacity", "first_segment_bytes", "segment_bytes")
    if any(result.get(size, 0) >> 48 for size in sizes):
        raise damaged(name)
    if kind == 10 and not (
        result["from"] < result["to"] and result["first_offset"] <= result["next_offset"]
    ):
        raise damaged(name)
    return result


@dataclass
class Manifest:
    streams: dict[int, dict] = field(default_factory=dict)
    segments: dict[int, dict] = field(default_factory=dict)
    log_starts: dict[int, int] = field(default_factory=dict)
    damage: list[dict] = field(default_factory=list)
    edits: list[dict] = field(default_factory=list)
    is_whole: bool = False

    def apply(self, change: dict) -> None:
        self.edits.append(change)
        name = change["edit"]
        if name == "snapshotEnd":
            self.is_whole = True
        elif name == "createStream":
            self.streams[change["stream"]] = change
        elif name in ("segmentPrepared", "segmentActivated", "segmentEnded"):
            self.segments.setdefault(change["segment"], {})[name] = change
        elif name == "segmentDurable":
            facts = self.segments.setdefault(change["segment"], {})
            if change["position"] > facts.get(name, {"position": 0})["position"]:
                facts[name] = change
        elif name == "segmentReplaced":
            self.replace(change)
        elif name == "segmentDropped":
            self.segments.pop(change["segment"], None)
        elif name == "logStart":
            self.log_starts[change["stream"]] = change["offset"]
        elif name == "segmentDamaged":
            self.damage.append(change)

    def replace(self, change: dict) -> None:
        """Another file has the records of a segment now."""
        old, new = self.segments.pop(change["old"], {}), change["segment"]
        if "segmentEnded" not in old:
            raise damaged("segmentReplaced without an end")
        self.segments[new] = {
            "segmentPrepared": change,
            "segmentActivated": old["segmentActivated"] | {"segment": new},
            "segmentEnded": old["segmentEnded"] | {
                "segment": new, "end": change["end"], "record_count": change["record_count"],
                "reason": 0,
            },
        }

    def chain(self, stream: int) -> list[dict]:
        """The activated segments of a stream in the order of their offsets."""
        mine = [
            one for one in self.segments.values()
            if "segmentActivated" in one and one["segmentActivated"]["stream"] == stream
        ]
        return sorted(mine, key=lambda one: one["segmentActivated"]["base_offset"])


class Store:
    """A store directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.superblock = s.newest_superblock((path / "SUPER").read_bytes())
        self.manifest = Manifest()
        self.reports: list[dict] = []
        block = self.superblock
        segment = self.open(path / "meta" / f"{block.manifest_segment:016x}.seg", None)
        if (segment.header.stream, segment.header.salt) != (0, block.manifest_salt):
            raise damaged("manifest segment belongs elsewhere")
        if segment.header.segment != block.manifest_segment:
            raise damaged("manifest segment has another id")
        for record in segment.records():
            change = edit(record.value)
            if change is not None:
                self.manifest.apply(change)
        if not self.manifest.is_whole:
            raise damaged("manifest without a whole snapshot")
        self.reports.append(segment.report())

    def open(self, path: Path, end: int | None) -> Segment:
        segment = Segment.open(path.read_bytes(), end)
        if segment.header.store_id != self.superblock.store_id:
            raise damaged(f"{path.name} belongs to another store")
        return segment

    def records(self) -> Iterator[tuple[int, Record]]:
        for stream in self.manifest.streams:
            start, expected = self.manifest.log_starts.get(stream, 0), None
            for facts in self.manifest.chain(stream):
                begin, ended = facts["segmentActivated"], facts.get("segmentEnded")
                name = f"s/{stream:016x}/{begin['segment']:016x}.seg"
                segment = self.open(self.path / name, ended["end"] if ended else None)
                self.check(segment.header, facts, expected)
                if durable := facts.get("segmentDurable"):
                    segment.prove(durable["position"], durable["next_offset"])
                for record in segment.records():
                    if record.offset >= start:
                        yield stream, record
                expected = ended["next_offset"] if ended else segment.next_offset
                self.reports.append(segment.report())

    @staticmethod
    def check(header: Header, facts: dict, expected: int | None) -> None:
        begin, prepared = facts["segmentActivated"], facts["segmentPrepared"]
        same = (
            header.stream == begin["stream"] and header.segment == begin["segment"]
            and header.base_offset == begin["base_offset"] and header.salt == prepared["salt"]
            and header.previous == begin["previous"]
        )
        if not same or (expected is not None and header.base_offset != expected):
            raise damaged(f"segment {begin['segment']:016x} does not fit its chain")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        if path.is_dir():
            store = Store(path)
            for stream, record in store.records():
                print(json.dumps(record.line(stream)))
            reports = store.reports
        else:
            segment = Segment.open(path.read_bytes())
            for record in segment.records():
                print(json.dumps(record.line(segment.header.stream)))
            reports = [segment.report()]
    except (FormatError, OSError) as error:
        print(json.dumps({"error": str(error)}), file=sys.stderr)
        return 2
    for report in reports:
        print(json.dumps(report), file=sys.stderr)
    return 1 if any(report["damage"] for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
