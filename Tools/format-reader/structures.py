"""The structures of FORMAT.md as Python values. Written from FORMAT.md alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from xxh3 import xxh3

PREAMBLE = 16384
MAX_OFFSET = (1 << 63) - 1
MAGIC_SUPER = bytes.fromhex("8950524c5355500a")
MAGIC_SEGMENT = bytes.fromhex("8950524c5345470a")
MAGIC_TRAILER = bytes.fromhex("8950524c454e440a")
(SOLO, BATCH, PADDING, INDEX, INTEGRITY, STATE, CONTROL, GAP, SEAL, COMMIT) = range(1, 11)
# Columns, section 7.1.
(PRODUCER, EVENT_DELTA, EVENT_TIME, MSG_ID, STREAM, NARROW, KEY, TYPE, HEADERS, OFFSET_DELTA,
 TTL, FLAGS) = (1 << bit for bit in range(12))
KNOWN_COLUMNS = 0x0FFF
TOMBSTONE, NO_KEY, NO_EVENT_TIME, NO_TYPE = 1, 2, 4, 8
RECORD_LIMIT, BATCH_LIMIT, COUNT_LIMIT, PRODUCER_LIMIT = 16 << 20, 64 << 20, 1 << 20, 65536
LENGTHS = {SOLO: 32, BATCH: 64, PADDING: 16, INDEX: 32, INTEGRITY: 192, STATE: 40, CONTROL: 40,
           GAP: 32, SEAL: 192, COMMIT: 64}


class FormatError(Exception):
    """Bytes are not what they should be; `answer` is one of the four of section 11."""

    def __init__(self, answer: str, what: str, place: int | None = None) -> None:
        super().__init__(f"{answer}: {what}" + ("" if place is None else f" at {place}"))
        self.answer = answer


def damaged(what: str, place: int | None = None) -> FormatError:
    return FormatError("damaged", what, place)


def newer(what: str, place: int | None = None) -> FormatError:
    return FormatError("newer", what, place)


def align8(count: int) -> int:
    return (count + 7) & ~7


def u(data: bytes, position: int, size: int = 8) -> int:
    return int.from_bytes(data[position : position + size], "little")


def place(salt: int, position: int, word: int) -> int:
    return xxh3(struct.pack("<QQ", salt ^ position, word))


def placed_checksum_holds(data: bytes, count: int, salt: int, position: int) -> bool:
    return u(data, count) == xxh3(data[:count]) ^ place(salt, position, count)


def id_text(data: bytes) -> str:
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def check_version(data: bytes, byte_count: int, features: int, what: str) -> None:
    if u(data, 8, 2) != 1 or u(data, 12, 4) != byte_count:
        raise newer(f"version of the {what}")
    if u(data, features + 8, 4) != 0:
        raise newer(f"incompat feature of the {what}")


def check_zero(data: bytes, position: int, size: int, what: str) -> None:
    if any(data[position : position + size]):
        raise newer(f"reserved bytes of the {what}", position)


@dataclass
class SuperBlock:
    store_id: str
    generation: int
    epoch: int
    manifest_segment: int
    manifest_salt: int
    bytes: bytes

    @staticmethod
    def read(data: bytes, position: int) -> SuperBlock:
        sector = data[position : position + 512]
        if len(sector) < 512:
            raise FormatError("truncated", "superblock", position)
        if sector[:8] != MAGIC_SUPER:
            raise damaged("superblock" if any(sector) else "superblock is empty", position)
        if not placed_checksum_holds(sector, 504, u(MAGIC_SUPER, 0), position):
            raise damaged("superblock checksum", position)
        check_version(sector, 512, 64, "superblock")
        check_zero(sector, 76, 4, "superblock")
        if u(sector, 32) == 0 or (u(sector, 32) | u(sector, 40)) >> 63:
            raise damaged("superblock generation", position)
        return SuperBlock(id_text(sector[16:32]), u(sector, 32), u(sector, 40), u(sector, 48),
                          u(sector, 56), sector[:504])


def newest_superblock(data: bytes) -> SuperBlock:
    """Section 5: of two intact copies the higher generation counts."""
    copies, errors = [], []
    for position in (0, 4096):
        try:
            copies.append(SuperBlock.read(data, position))
        except FormatError as error:
            if error.answer == "newer":
                raise
            errors.append(error)
    if not copies:
        raise errors[0]
    if len(copies) == 2:
        same = copies[0].generation == copies[1].generation
        if copies[0].store_id != copies[1].store_id or (
            same and copies[0].bytes != copies[1].bytes
        ):
            raise damaged("two superblocks contradict each other")
    return max(copies, key=lambda copy: copy.generation)


@dataclass
class Header:
    store_id: str
    stream: int
    segment: int
    base_offset: int
    base_append_time: int
    capacity: int
    salt: int
    previous: int

    @staticmethod
    def read(data: bytes, position: int) -> Header:
        page = data[position : position + 4096]
        if len(page) < 4096:
            raise FormatError("truncated", "segment header", position)
        if page[:8] != MAGIC_SEGMENT:
            raise damaged("segment header" if any(page) else "segment header is empty", position)
        if not placed_checksum_holds(page, 4088, u(page, 88), position):
            raise damaged("segment header checksum", position)
        check_version(page, 4096, 104, "segment header")
        if page[116] != 1 or page[117] != 1 or page[118] != 0 or page[119] > 2:
            raise newer("algorithm or class of the segment header", position)
        if u(page, 48) > MAX_OFFSET:
            raise damaged("base offset", position)
        return Header(id_text(page[16:32]), u(page, 32), u(page, 40), u(page, 48),
                      struct.unpack_from("<q", page, 56)[0], u(page, 80), u(page, 88), u(page, 96))


def is_frame_position(position: int) -> bool:
    return position >= PREAMBLE and position % 8 == 0


@dataclass
class Slot:
    sequence: int
    durable: int
    next_offset: int
    clean: bool
    sealed: bool
    unsynced: bool
    record_count: int

    @staticmethod
    def read(data: bytes, position: int, salt: int) -> Slot:
        sector = data[position : position + 512]
        if len(sector) < 512:
            raise FormatError("truncated", "recovery slot", position)
        if not placed_checksum_holds(sector, 504, salt, position):
            raise damaged("recovery slot checksum", position)
        slot = Slot(u(sector, 0), u(sector, 8), u(sector, 16), bool(sector[96] & 1),
                    bool(sector[96] & 2), bool(sector[96] & 4), u(sector, 128))
        links = (u(sector, 32), u(sector, 40), u(sector, 48))
        if not 0 < slot.sequence < 1 << 63 or u(sector, 104) >> 63 or slot.next_offset > MAX_OFFSET:
            raise damaged("recovery slot", position)
        if not is_frame_position(slot.durable) or any(
            link != 0 and not (is_frame_position(link) and link < slot.durable) for link in links
        ):
            raise damaged("position in the recovery slot", position)
        return slot


@dataclass
class Frame:
    """An intact frame."""

    kind: int
    flags: int
    columns: int
    position: int
    data: bytes

    @property
    def end(self) -> int:
        return self.position + align8(len(self.data))


def intact_frame(file: bytes, position: int, salt: int) -> Frame | None:
    """Section 7: the frame at a position, or None where no intact one stands."""
    if position + 16 > len(file):
        return None
    length = u(file, position, 4)
    if length < 16 or position + length > len(file):
        return None
    word, kind = u(file, position), file[position + 4]
    where = place(salt, position, word)
    data = file[position : position + length]
    if kind == BATCH:
        if length < 64 or u(data, 60, 4) != (xxh3(data[16:60]) ^ where) & 0xFFFFFFFF:
            return None
    covered = {PADDING: 16, GAP: 32}.get(kind, length)
    if covered > length or u(data, 8) != xxh3(data[16:covered]) ^ where:
        return None
    return Frame(kind, data[5], u(data, 6, 2), position, data)


def check_frame(frame: Frame) -> None:
    """The three rules for intact frames of section 7."""
    kind, length = frame.kind, len(frame.data)
    if kind not in LENGTHS:
        if kind & 0x80:
            return
        raise newer(f"frame kind {kind}", frame.position)
    exact = kind in (CONTROL, COMMIT) and length != LENGTHS[kind]
    rows = (kind == INDEX and (length - 32) % 16) or (kind == STATE and (length - 40) % 104)
    if length < LENGTHS[kind] or exact or rows:
        raise damaged("frame length", frame.position)
    if (kind == SOLO and length > RECORD_LIMIT + 256) or (kind == BATCH and length > BATCH_LIMIT):
        raise FormatError("over a limit", "frame length", frame.position)
    if kind not in (SOLO, BATCH):
        if frame.flags or frame.columns:
            raise damaged("flags of a frame", frame.position)
    elif frame.flags or frame.columns & ~KNOWN_COLUMNS:
        raise newer("codec, flag or column", frame.position)


@dataclass
class Record:
    offset: int
    append_time: int
    event_time: int | None
    key: bytes | None
    type: bytes | None
    headers: list[tuple[str, bytes]]
    tombstone: bool
    value: bytes

    def line(self, stream: int) -> dict:
        """A record for JSON: numbers, names as text, all other bytes in hexadecimal."""
        return {
            "stream": stream, "offset": self.offset, "append_time": self.append_time,
            "event_time": self.event_time, "key": None if self.key is None else self.key.hex(),
            "type": None if self.type is None else self.type.hex(),
            "headers": [[name, value.hex()] for name, value in self.headers],
            "tombstone": self.tombstone, "value": self.value.hex(),
        }
