"""What stands in intact frames: records, indexes, states, seals, edits. See FORMAT.md."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import structures as s
from structures import FormatError, Frame, Record, align8, damaged, newer, u


def i64(data: bytes, position: int) -> int:
    return struct.unpack_from("<q", data, position)[0]


def record_headers(block: bytes) -> list[tuple[str, bytes]]:
    entries, position = [], 0
    while position < len(block):
        if position + 6 > len(block):
            raise FormatError("truncated", "record headers")
        name, value = u(block, position, 2), u(block, position + 2, 4)
        start = position + 6
        position = start + name + value
        if name == 0 or position > len(block):
            raise damaged("record headers")
        try:
            text = block[start : start + name].decode("utf-8")
        except UnicodeDecodeError:
            raise damaged("name of a record header") from None
        entries.append((text, block[start + name : position]))
    return entries


def check_stamp(data: bytes, position: int) -> None:
    if u(data, position + 10, 2):
        raise newer("flags of a producer")
    if u(data, position) == 0:
        raise damaged("producer id")


def check_flags(flags: int) -> None:
    if flags & ~0x0F:
        raise newer("record flags")


def solo_record(frame: Frame) -> Record:
    data, columns = frame.data, frame.columns
    if columns & (s.EVENT_DELTA | s.NARROW | s.OFFSET_DELTA):
        raise damaged("columns of a solo record", frame.position)
    if u(data, 16) > s.MAX_OFFSET:
        raise damaged("offset", frame.position)
    cursor, words = 32, {}
    for bit, size in ((s.PRODUCER, 16), (s.EVENT_TIME, 8), (s.MSG_ID, 16), (s.STREAM, 8),
                      (s.KEY, 4), (s.TYPE, 4), (s.HEADERS, 4), (s.TTL, 4), (s.FLAGS, 4)):
        if columns & bit:
            words[bit] = cursor
            cursor += size
    if cursor > len(data):
        raise damaged("solo record", frame.position)
    if s.PRODUCER in words:
        check_stamp(data, words[s.PRODUCER])
    flags = u(data, words[s.FLAGS], 4) if s.FLAGS in words else 0
    check_flags(flags)
    parts = []
    for bit in (s.KEY, s.TYPE, s.HEADERS):
        size = u(data, words[bit], 4) if bit in words else 0
        parts.append(data[cursor : cursor + size])
        cursor += size
    if cursor > len(data):
        raise damaged("part lengths of a solo record", frame.position)
    time = i64(data, words[s.EVENT_TIME]) if s.EVENT_TIME in words else None
    return make_record(columns, flags, u(data, 16), i64(data, 24), time, parts, data[cursor:])


def make_record(columns: int, flags: int, offset: int, append_time: int, event_time: int | None,
                parts: list[bytes], value: bytes) -> Record:
    return Record(
        offset, append_time, None if flags & s.NO_EVENT_TIME else event_time,
        parts[0] if columns & s.KEY and not flags & s.NO_KEY else None,
        parts[1] if columns & s.TYPE and not flags & s.NO_TYPE else None,
        record_headers(parts[2]), bool(flags & s.TOMBSTONE), value)


def batch_columns(data: bytes, columns: int, count: int) -> tuple[dict[str, int], int, int]:
    """Where each column starts, where the bodies start, and the width of ends."""
    width = 2 if columns & s.NARROW else 4
    layout, cursor = {}, 64
    for name, bit, size in (
        ("producer", s.PRODUCER, 16), ("event_base", s.EVENT_DELTA, 8),
        ("event_time", s.EVENT_TIME, 8 * count), ("msg_id", s.MSG_ID, 16 * count),
        ("stream", s.STREAM, 8 * count), ("ends", None, width * count),
        ("key", s.KEY, width * count), ("type", s.TYPE, width * count),
        ("headers", s.HEADERS, width * count), ("offset_delta", s.OFFSET_DELTA, 4 * count),
        ("event_delta", s.EVENT_DELTA, 4 * count), ("ttl", s.TTL, 4 * count),
        ("flags", s.FLAGS, count),
    ):
        if bit is None or columns & bit:
            layout[name] = cursor
            cursor += align8(size)
    return layout, cursor, width


def batch_records(frame: Frame) -> tuple[list[Record], int]:
    """The records of a batch and the offset after it."""
    data, columns = frame.data, frame.columns
    base, count, last, size = u(data, 16), u(data, 32, 4), u(data, 36, 4), u(data, 40, 4)
    if count < 1 or last < count - 1 or base + last > s.MAX_OFFSET:
        raise damaged("count or offset of a batch", frame.position)
    if columns & s.EVENT_DELTA and columns & s.EVENT_TIME:
        raise damaged("columns of a batch", frame.position)
    if count > s.COUNT_LIMIT:
        raise FormatError("over a limit", "count of a batch", frame.position)
    layout, bodies, width = batch_columns(data, columns, count)
    if bodies + size != len(data) or (columns & s.NARROW and size > 65535):
        raise damaged("length of a batch", frame.position)
    if not columns & s.OFFSET_DELTA and last != count - 1:
        raise damaged("last offset of a batch", frame.position)
    if "producer" in layout:
        check_stamp(data, layout["producer"])
    records, start, before = [], 0, -1
    for index in range(count):
        def end(name: str) -> int:
            return u(data, layout[name] + width * index, width)

        cursor, parts, finish = start, [], end("ends")
        for name in ("key", "type", "headers"):
            stop = end(name) if name in layout else cursor
            if not cursor <= stop <= finish:
                raise damaged("ends of a batch", frame.position)
            parts.append(data[bodies + cursor : bodies + stop])
            cursor = stop
        if not cursor <= finish <= size:
            raise damaged("ends of a batch", frame.position)
        delta = index
        if "offset_delta" in layout:
            delta = u(data, layout["offset_delta"] + 4 * index, 4)
            if not before < delta <= last:
                raise damaged("offset deltas of a batch", frame.position)
            before = delta
        flags = data[layout["flags"] + index] if "flags" in layout else 0
        check_flags(flags)
        records.append(make_record(
            columns, flags, base + delta, i64(data, 24), event_time(frame, layout, index), parts,
            data[bodies + cursor : bodies + finish]))
        start = finish
    return records, base + last + 1


def event_time(frame: Frame, layout: dict[str, int], index: int) -> int | None:
    data = frame.data
    if "event_time" in layout:
        return i64(data, layout["event_time"] + 8 * index)
    if "event_base" not in layout:
        return None
    delta = u(data, layout["event_delta"] + 4 * index, 4)
    time = i64(data, layout["event_base"]) + 1000 * delta
    if delta > u(data, 44, 4) or time >= 1 << 63:
        raise damaged("event time", frame.position)
    return time


@dataclass
class Commit:
    position: int
    durable: int
    sequence: int
    next_offset: int

    @staticmethod
    def read(frame: Frame) -> Commit:
        data = frame.data
        durable, group = u(data, 16), u(data, 48)
        if not (s.PREAMBLE <= durable <= group <= frame.position) or (durable | group) % 8:
            raise damaged("positions of a commit frame", frame.position)
        if u(data, 24) >> 63:
            raise damaged("sequence of a commit frame", frame.position)
        if u(data, 32) > s.MAX_OFFSET:
            raise damaged("next offset of a commit frame", frame.position)
        s.check_zero(data, 60, 4, "commit frame")
        return Commit(frame.position, durable, u(data, 24), u(data, 32))


def check_rows(rows: list[tuple[int, int]], before: int) -> None:
    """Relative offset and position of each row."""
    last = (0, 0)
    for row in rows:
        if not s.PREAMBLE <= row[1] < before or row[1] <= last[1] or row[0] < last[0]:
            raise damaged("index row", before)
        last = row


def check_index(frame: Frame) -> None:
    data, count = frame.data, u(frame.data, 24, 4)
    s.check_zero(data, 28, 4, "index frame")
    check_link(u(data, 16), frame)
    if len(data) != 32 + 16 * count:
        raise damaged("row count", frame.position)
    check_rows([(u(data, 32 + 16 * n, 4), 8 * u(data, 36 + 16 * n, 4)) for n in range(count)],
               frame.position)


def group_end(frame: Frame) -> int:
    """Section 7.11: the offset behind a group of chain and tree."""
    data = frame.data
    sequence, first, after, records = (u(data, at) for at in (16, 24, 32, 56))
    leaves, evidence, nodes = u(data, 64), data[168], u(data, 172, 4)
    s.check_zero(data, 169, 3, "integrity frame")
    if evidence > 2:
        raise newer("evidence of an integrity frame", frame.position)
    expected = sum((after >> level) - (first >> level) for level in range(8, 64))
    is_tree = evidence == 2
    if (not 1 <= sequence < 1 << 63 or not first < after <= s.MAX_OFFSET or evidence == 0
            or records > after - first or leaves != (after if is_tree else after - first)
            or nodes != (expected if is_tree else 0)
            or len(data) != 192 + 32 * (nodes + (leaves.bit_count() if is_tree else 0))):
        raise damaged("integrity frame", frame.position)
    return after


def check_link(link: int, frame: Frame) -> None:
    if link != 0 and not (s.is_frame_position(link) and link < frame.position):
        raise damaged("link to a frame before", frame.position)


def check_producers(data: bytes, start: int, count: int) -> None:
    if count > s.PRODUCER_LIMIT:
        raise FormatError("over a limit", "producers")
    last = 0
    for entry in range(start, start + 104 * count, 104):
        ranges = u(data, entry + 10, 2)
        s.check_zero(data, entry + 12, 4, "producer entry")
        if u(data, entry) <= last or not 1 <= ranges <= 5:
            raise damaged("producer entry")
        last = u(data, entry)
        for at in range(entry + 24, entry + 24 + 16 * ranges, 16):
            first, count_, base = u(data, at, 4), u(data, at + 4, 4), u(data, at + 8)
            if count_ < 1 or first + count_ > 1 << 32 or base + count_ > s.MAX_OFFSET:
                raise damaged("range of a producer")


def check_state(frame: Frame) -> None:
    data = frame.data
    s.check_zero(data, 36, 4, "state frame")
    check_link(u(data, 16), frame)
    if u(data, 24) > s.MAX_OFFSET or len(data) != 40 + 104 * u(data, 32, 4):
        raise damaged("state frame", frame.position)
    check_producers(data, 40, u(data, 32, 4))


def check_control(frame: Frame) -> None:
    if u(frame.data, 16, 2) != 1:
        raise newer("subject of a control frame", frame.position)
    s.check_zero(frame.data, 18, 6, "control frame")


def gap_end(frame: Frame) -> tuple[int, int]:
    first, count = u(frame.data, 16), u(frame.data, 24, 4)
    s.check_zero(frame.data, 28, 4, "gap")
    if first + count > s.MAX_OFFSET:
        raise damaged("offsets of a gap", frame.position)
    return first, first + count


@dataclass
class Trailer:
    salt: int
    segment: int
    position: int
    length: int
    next_offset: int

    @staticmethod
    def read(data: bytes) -> Trailer:
        if data[:8] != s.MAGIC_TRAILER:
            raise damaged("magic of the trailer")
        if not s.placed_checksum_holds(data, 56, u(data, 8), u(data, 24)):
            raise damaged("checksum of the trailer")
        s.check_zero(data, 36, 4, "trailer")
        s.check_zero(data, 48, 8, "trailer")
        if not s.is_frame_position(u(data, 24)) or u(data, 40) > s.MAX_OFFSET:
            raise damaged("trailer")
        return Trailer(u(data, 8), u(data, 16), u(data, 24), u(data, 32, 4), u(data, 40))


def check_tiles(data: bytes, start: int, length: int, position: int) -> None:
    first, after = u(data, start), u(data, start + 8)
    nodes = sum((after >> level) - (first >> level) for level in range(8, 64))
    if not first < after <= s.MAX_OFFSET or length != 16 + 32 * nodes:
        raise damaged("tiles of the seal block", position)


@dataclass
class Seal:
    base_offset: int
    next_offset: int
    record_count: int
    previous: int
    trailer: Trailer

    @staticmethod
    def read(frame: Frame) -> Seal:
        data = frame.data
        rows, producers = u(data, 96, 4), u(data, 100, 4)
        base, after, records = u(data, 16), u(data, 24), u(data, 32)
        s.check_zero(data, 104, 4, "seal block")
        s.check_zero(data, 120, 8, "seal block")
        check_link(u(data, 112), frame)
        tiles = u(data, 108, 4)
        times = 128 + 2 * align8(4 * rows)
        start = times + 8 * rows
        if len(data) != start + 104 * producers + tiles + 64:
            raise damaged("length of the seal block", frame.position)
        if tiles:
            check_tiles(data, start + 104 * producers, tiles, frame.position)
        if not base <= after <= s.MAX_OFFSET or records > after - base:
            raise damaged("offsets of the seal block", frame.position)
        second = 128 + align8(4 * rows)
        table = [(u(data, 128 + 4 * n, 4), 8 * u(data, second + 4 * n, 4)) for n in range(rows)]
        check_rows(table, frame.position)
        if table and table[-1][0] > after - base:
            raise damaged("row offsets of the seal block", frame.position)
        check_producers(data, start, producers)
        trailer = Trailer.read(data[-64:])
        if (trailer.position, trailer.length) != (frame.position, len(data)):
            raise damaged("trailer of the seal block", frame.position)
        return Seal(base, after, records, u(data, 88), trailer)
