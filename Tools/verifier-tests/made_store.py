"""Makes small stores from FORMAT.md, with evidence made the slow way: no line is shared with the verifier
or the engine. A test may give any record another content, and any structure another value."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from pathlib import Path

from xxhash import xxh3_64_intdigest as xxh3

STORE = bytes.fromhex("00112233445546778899aabbccddeeff")
TIME = 1_767_225_600_000_000_000
KINDS = {1: "heads", 2: "removal", 3: "erasure", 4: "redaction"}


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return sha(b"\1", tree(leaves[:left]), tree(leaves[left:]))


def leb128(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + leb128(number >> 7)


@dataclass
class Record:
    value: bytes
    key: bytes | None = None
    type: bytes | None = None
    event: int | None = None
    headers: bytes = b""
    tombstone: bool = False
    time: int = TIME

    def leaf(self, offset: int) -> bytes:
        """The 52 bytes of 13.1."""
        head = b"\0" if self.event is None else struct.pack("<Bq", 1, self.event)
        head += leb128(0 if self.key is None else len(self.key) + 1)
        head += leb128(0 if self.type is None else len(self.type) + 1) + leb128(len(self.headers))
        commitment = sha(b"PRC1", head, self.key or b"", self.type or b"", self.headers, self.value)
        return struct.pack("<BBHQq", 1, 1, int(self.tombstone), offset, self.time) + commitment


def gap_leaf(offset: int) -> bytes:
    return struct.pack("<BBHQq", 1, 2, 0, offset, 0) + bytes(32)


def placed(data: bytes, salt: int, position: int) -> bytes:
    mark = xxh3(struct.pack("<QQ", salt ^ position, len(data)))
    return data + struct.pack("<Q", xxh3(data) ^ mark)


class Segment:
    """Frames of one segment, written one behind the other."""

    def __init__(self, stream: int, number: int, base: int = 0, before: int = 0, capacity: int = 1 << 20) -> None:
        self.stream, self.number, self.base, self.before, self.capacity = stream, number, base, before, capacity
        self.salt, self.next, self.commits, self.records, self.payload = 0x5EED_0000 + number, base, 0, 0, 0
        self.frames, self.integrity = b"", 0

    @property
    def at(self) -> int:
        return 16384 + len(self.frames)

    def add(self, kind: int, body: bytes, columns: int = 0, covered: int | None = None) -> None:
        word = struct.pack("<IBBH", 16 + len(body), kind, 0, columns)
        mark = xxh3(struct.pack("<QQ", self.salt ^ self.at, int.from_bytes(word, "little")))
        if kind == 2:
            check = (xxh3(body[:44]) ^ mark) & 0xFFFFFFFF
            body = body[:44] + struct.pack("<I", check) + body[48:]
        frame = word + struct.pack("<Q", xxh3(body[:covered]) ^ mark) + body
        self.frames += frame + bytes(-len(frame) % 8)

    def solo(self, record: Record) -> None:
        parts = [(6, record.key), (7, record.type), (8, record.headers or None)]
        columns = sum(1 << bit for bit, part in parts if part is not None)
        columns |= 4 if record.event is not None else 0
        columns |= 1 << 11 if record.tombstone else 0
        body = struct.pack("<Qq", self.next, record.time)
        body += b"" if record.event is None else struct.pack("<q", record.event)
        body += b"".join(struct.pack("<I", len(part)) for _, part in parts if part is not None)
        body += struct.pack("<I", 1) if record.tombstone else b""
        self.add(1, body + b"".join(part or b"" for _, part in parts) + record.value, columns)
        self.count([record], 1)

    def batch(self, records: list[Record], deltas: list[int] | None = None) -> None:
        """All columns of writers but PRODUCER, EVENT_DELTA and NARROW; `deltas` leave out offsets."""
        columns, n = 0b1001_1100_0100 | 0b0001_0000_0000, len(records)
        flags, ends, bodies = b"", [[], [], [], []], b""
        for one in records:
            flags += bytes([one.tombstone | (one.key is None) << 1 | (one.event is None) << 2 | (one.type is None) << 3])
            for column, part in zip(ends[1:], (one.key, one.type, one.headers)):
                bodies += part or b""
                column.append(len(bodies))
            bodies += one.value
            ends[0].append(len(bodies))
        blocks = [struct.pack(f"<{n}q", *(one.event or 0 for one in records))]
        blocks += [struct.pack(f"<{n}I", *column) for column in ends]
        blocks += [struct.pack(f"<{n}I", *deltas)] if deltas else []
        last = deltas[-1] if deltas else n - 1
        columns |= 1 << 9 if deltas else 0
        table = b"".join(block + bytes(-len(block) % 8) for block in [*blocks, flags])
        self.add(2, struct.pack("<QqIIIIQII", self.next, records[0].time, n, last, len(bodies), 0, 0, 1, 0)
                 + table + bodies, columns)
        self.count(records, last + 1)

    def gap(self, count: int) -> None:
        self.add(8, struct.pack("<QII", self.next, count, 0) + bytes(16), covered=16)
        self.next += count

    def count(self, records: list[Record], offsets: int) -> None:
        self.next, self.records = self.next + offsets, self.records + len(records)
        self.payload += sum(len(p or b"") for r in records for p in (r.key, r.type, r.headers, r.value))

    def commit(self) -> None:
        self.commits += 1
        self.add(10, struct.pack("<QQQqQII", 16384, self.commits, self.next, TIME, self.at, 1, 0))

    def image(self) -> bytes:
        """The file of a segment that was closed in order."""
        header = struct.pack("<8sHHI16sQQQqqQQQQIIIBBBB", b"\x89PRLSEG\n", 1, 0, 4096, STORE, self.stream, self.number,
                             self.base, TIME, TIME, 0, self.capacity, self.salt, self.before, 0, 0, 0, 1, 1, 0, 2)
        header += bytes(4088 - len(header))
        slot = struct.pack("<QQQqQQQ", 1, self.at, self.next, TIME, 0, self.integrity, 0)
        slot += bytes(40) + struct.pack("<IIQQQ", 1, 1, self.commits, 0, 0)
        slot += struct.pack("<QQQqqq", self.records, self.payload, 0, 0, 0, TIME if self.records else 0)
        pages = [placed(header, self.salt, 0), placed(slot + bytes(504 - len(slot)), self.salt, 4096), b"",
                 placed(header, self.salt, 12288)]
        image = b"".join(page + bytes(4096 - len(page)) for page in pages) + self.frames
        return image + bytes(self.capacity - len(image))


@dataclass
class Stream:
    """A stream that is made a group at a time. Leaves stay known when their segment does not."""

    number: int
    name: str
    evidence: int
    segment: Segment = field(default=None)  # type: ignore[assignment]
    start: int = 0
    leaves: list[bytes] = field(default_factory=list)
    groups: list[tuple[int, bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.segment = Segment(self.number, 16 * self.number)

    def hashes(self, first: int, behind: int) -> list[bytes]:
        return [sha(b"\0", leaf) for leaf in self.leaves[first:behind]]

    def solo(self, record: Record) -> None:
        self.leaves.append(record.leaf(self.segment.next))
        self.segment.solo(record)

    def batch(self, records: list[Record], deltas: list[int] | None = None) -> None:
        base, at = self.segment.next, dict(zip(deltas or range(len(records)), records))
        self.leaves += [at[i].leaf(base + i) if i in at else gap_leaf(base + i) for i in range(max(at) + 1)]
        self.segment.batch(records, deltas)

    def gap(self, count: int) -> None:
        self.leaves += [gap_leaf(self.segment.next + i) for i in range(count)]
        self.segment.gap(count)

    def group(self) -> None:
        """An integrity frame over everything since the last one (7.11, 13.3)."""
        first, before, _ = self.groups[-1] if self.groups else (0, bytes(32), b"")
        behind, number = len(self.leaves), len(self.groups) + 1
        own = [leaf for leaf in self.leaves[first:behind] if leaf[1] == 1]
        times = [struct.unpack_from("<q", leaf, 12)[0] for leaf in own] or [0]
        low = 0 if self.evidence == 2 else first
        root = tree(self.hashes(low, behind))
        fields = struct.pack("<QQQqqQQ", number, first, behind, times[0], times[-1], len(own), behind - low)
        head = sha(b"piperoll group chain v1\n", before, STORE, struct.pack("<Q", self.number), fields, root)
        frontier, nodes, at = [], [], 0
        for level in range(63, -1, -1) if self.evidence == 2 else ():
            if behind >> level & 1:
                frontier.append(tree(self.hashes(at, at + (1 << level))))
                at += 1 << level
        for level in range(8, 64) if self.evidence == 2 else ():
            for i in range(first >> level, behind >> level):
                nodes.append(tree(self.hashes(i << level, i + 1 << level)))
        self.segment.integrity = self.segment.at
        self.segment.add(5, fields + root + before + head + struct.pack("<B3xI", self.evidence, len(nodes)) + STORE
                         + b"".join(frontier + nodes))
        self.groups.append((behind, head, root))

    def follow(self) -> None:
        """Drops the segment, and goes on in another."""
        old = self.segment
        self.segment = Segment(self.number, old.number + 1, old.next, old.number)
        self.start = old.next


def edit(kind: int, *numbers: int, name: bytes = b"") -> Record:
    return Record(struct.pack(f"<HHI{len(numbers)}Q", kind, 1, 0, *numbers) + name)


def write(folder: Path, streams: list[Stream]) -> None:
    """The whole store, closed in order."""
    manifest = Segment(0, 17)
    edits = [edit(1, 4096, 64)]
    for name in ("meta", "spare", "q"):
        (folder / name).mkdir(parents=True)
    for one in streams:
        name, part = one.name.encode(), one.segment
        edits += [edit(3, one.number, 2, 0, 0, 1 << 20, 1 << 27, 0, 0, 0, one.evidence, len(name), name=name),
                  edit(4, one.number, part.number), edit(5, one.number, part.number, part.capacity, part.salt),
                  edit(6, one.number, part.number, part.base, TIME, part.before), edit(9, one.number, one.start)]
        part.commit()
        (folder / "s" / f"{one.number:016x}").mkdir(parents=True)
        (folder / "s" / f"{one.number:016x}" / f"{part.number:016x}.seg").write_bytes(part.image())
    manifest.batch([*edits, edit(2)])
    manifest.commit()
    for ending in ("seg", "mir"):
        (folder / "meta" / f"{17:016x}.{ending}").write_bytes(manifest.image())
    block = struct.pack("<8sHHI16sQQQQIIIIqQQ", b"\x89PRLSUP\n", 1, 0, 512, STORE, 1, 1, 17, manifest.salt, 0, 0, 0, 0,
                        TIME, 0, 0)
    block += bytes(504 - len(block))
    copies = [placed(block, 0x0A5055534C525089, at) for at in (0, 4096)]
    (folder / "SUPER").write_bytes(b"".join(copy + bytes(3584) for copy in copies))


def statement(kind: int, stream: int, fields: bytes) -> Record:
    return Record(struct.pack("<BB6x16sQ", 1, kind, STORE, stream) + fields, type=KINDS[kind].encode())


def heads(of: Stream, group: int = -1) -> Record:
    behind, head, root = of.groups[group]
    name, number = of.name.encode(), range(len(of.groups))[group] + 1
    return statement(1, of.number, struct.pack("<QQB7x32s32sH", number, behind, of.evidence, head, root if
                                               of.evidence == 2 else bytes(32), len(name)) + name)


def removal(of: Stream, first: int, behind: int, named: tuple[int, ...] = (), reason: bytes = b"asked for",
            brief: bool = False) -> Record:
    """A removal of the offsets; `named` are sizes that heads statements had named; brief is without hashes."""
    done = [one for one in of.groups if one[0] <= behind]
    grouped, head = (done[-1][0], done[-1][1]) if done else (0, bytes(32))
    hashes, bits, blocks = b"", 0, range(first >> 8, (behind - 1 >> 8) + 1)
    for block in blocks if of.evidence == 2 else ():
        low, high = max(first, block << 8), min(behind, block + 1 << 8)
        if high - low < 256 or any(low < size < high for size in named):
            bits |= 1 << block - blocks.start
            hashes += b"".join(of.hashes(low, high))
        else:
            hashes += tree(of.hashes(low, high))
    if of.evidence == 1:
        hashes = b"".join(of.hashes(max(first, grouped), behind))
    packed = bits.to_bytes((len(blocks) + 7) // 8, "little") if of.evidence == 2 else b""
    packed, hashes = (b"", b"") if brief else (packed, hashes)
    return statement(2, of.number, struct.pack("<QQqQQ32sBBHI", first, behind, TIME, len(done), grouped, head,
                                               0 if brief else of.evidence, 1, len(reason), 0) + reason + packed
                     + hashes)
