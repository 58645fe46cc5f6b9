"""XXH3-64 without seed: the xxhash module where it is installed, else plain Python (slow)."""

from __future__ import annotations

import struct

MASK = (1 << 64) - 1
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F
PRIME64_3, PRIME64_4, PRIME64_5 = 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def _u32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _u64(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 8], "little")


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product & MASK) ^ (product >> 64)


def _swap64(value: int) -> int:
    return int.from_bytes(value.to_bytes(8, "little"), "big")


def _rotate(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & MASK


def _avalanche(value: int) -> int:
    value ^= value >> 37
    value = value * PRIME_MX1 & MASK
    return value ^ (value >> 32)


def _avalanche64(value: int) -> int:
    value ^= value >> 33
    value = value * PRIME64_2 & MASK
    value ^= value >> 29
    value = value * PRIME64_3 & MASK
    return value ^ (value >> 32)


def _mix16(data: bytes, position: int, secret: int) -> int:
    return _fold(
        _u64(data, position) ^ _u64(SECRET, secret),
        _u64(data, position + 8) ^ _u64(SECRET, secret + 8),
    )


def _up_to_16(data: bytes) -> int:
    count = len(data)
    if count > 8:
        low = _u64(data, 0) ^ (_u64(SECRET, 24) ^ _u64(SECRET, 32))
        high = _u64(data, count - 8) ^ (_u64(SECRET, 40) ^ _u64(SECRET, 48))
        return _avalanche((count + _swap64(low) + high + _fold(low, high)) & MASK)
    if count >= 4:
        value = _u32(data, count - 4) + (_u32(data, 0) << 32)
        value ^= _u64(SECRET, 8) ^ _u64(SECRET, 16)
        value ^= _rotate(value, 49) ^ _rotate(value, 24)
        value = value * PRIME_MX2 & MASK
        value ^= (value >> 35) + count
        value = value * PRIME_MX2 & MASK
        return value ^ (value >> 28)
    if count > 0:
        combined = data[0] << 16 | data[count >> 1] << 24 | data[count - 1] | count << 8
        return _avalanche64(combined ^ (_u32(SECRET, 0) ^ _u32(SECRET, 4)))
    return _avalanche64(_u64(SECRET, 56) ^ _u64(SECRET, 64))


def _up_to_128(data: bytes) -> int:
    count = len(data)
    value = count * PRIME64_1
    for step in range((count - 1) // 32, -1, -1):
        value += _mix16(data, 16 * step, 32 * step)
        value += _mix16(data, count - 16 * (step + 1), 32 * step + 16)
    return _avalanche(value & MASK)


def _up_to_240(data: bytes) -> int:
    count = len(data)
    value = count * PRIME64_1
    for step in range(8):
        value += _mix16(data, 16 * step, 16 * step)
    value = _avalanche(value & MASK)
    for step in range(8, count // 16):
        value += _mix16(data, 16 * step, 16 * (step - 8) + 3)
    return _avalanche((value + _mix16(data, count - 16, 136 - 17)) & MASK)


def _long(data: bytes) -> int:
    lanes = [
        PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1,
    ]
    keys = [struct.unpack_from("<8Q", SECRET, 8 * n) for n in range(16)]
    last_keys = struct.unpack_from("<8Q", SECRET, len(SECRET) - 64 - 7)
    scramble = struct.unpack_from("<8Q", SECRET, len(SECRET) - 64)

    def accumulate(position: int, secret: tuple[int, ...]) -> None:
        words = struct.unpack_from("<8Q", data, position)
        for index, word in enumerate(words):
            key = word ^ secret[index]
            lanes[index ^ 1] = (lanes[index ^ 1] + word) & MASK
            lanes[index] = (lanes[index] + (key & 0xFFFFFFFF) * (key >> 32)) & MASK

    count = len(data)
    blocks = (count - 1) // 1024
    for block in range(blocks):
        for stripe in range(16):
            accumulate(1024 * block + 64 * stripe, keys[stripe])
        for index in range(8):
            lane = lanes[index]
            lanes[index] = ((lane ^ (lane >> 47)) ^ scramble[index]) * PRIME32_1 & MASK
    for stripe in range((count - 1 - 1024 * blocks) // 64):
        accumulate(1024 * blocks + 64 * stripe, keys[stripe])
    accumulate(count - 64, last_keys)
    value = count * PRIME64_1
    for index in range(4):
        value += _fold(
            lanes[2 * index] ^ _u64(SECRET, 11 + 16 * index),
            lanes[2 * index + 1] ^ _u64(SECRET, 19 + 16 * index),
        )
    return _avalanche(value & MASK)


def xxh3_plain(data: bytes) -> int:
    """XXH3-64 in plain Python."""
    data = bytes(data)
    if len(data) <= 16:
        return _up_to_16(data)
    if len(data) <= 128:
        return _up_to_128(data)
    return _up_to_240(data) if len(data) <= 240 else _long(data)


try:
    from xxhash import xxh3_64_intdigest as xxh3
except ImportError:
    xxh3 = xxh3_plain
