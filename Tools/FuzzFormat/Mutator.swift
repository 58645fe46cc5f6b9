import LogFormat
import TestSupport

/// Changes bytes at random.
struct Mutator {
  var random: SeededGenerator

  static let interesting: [UInt64] = [
    0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
    0x1_0000, 16_376, 16_384, 16_385, 16_392, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff,
    0x1_0000_0000, 0x7fff_ffff_ffff_fff8, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fff8, 0xffff_ffff_ffff_ffff,
  ]

  mutating func value() -> UInt64 {
    switch random.below(3) {
    case 0: Self.interesting[random.below(Self.interesting.count)]
    case 1: random.next()
    default: UInt64(random.below(4_096))
    }
  }

  /// One to four changes of bytes in a range; checksums stay as they are.
  mutating func scramble(_ bytes: inout [UInt8], from start: Int) {
    guard start < bytes.count else { return }
    for _ in 0...random.below(4) {
      let at = start + random.below(bytes.count - start)
      switch random.below(6) {
      case 0, 1: bytes[at] ^= UInt8(1 << random.below(8))
      case 2: bytes[at] = UInt8(truncatingIfNeeded: random.next())
      case 3: Forge.store(value(), size: 1 << random.below(4), at: at, in: &bytes)
      case 4:
        let count = min(1 + random.below(64), bytes.count - at)
        for index in at..<at + count { bytes[index] = 0 }
      default: splice(&bytes, from: start, to: at)
      }
    }
  }

  /// Copies bytes from one place to another, often from boundary to boundary.
  private mutating func splice(_ bytes: inout [UInt8], from start: Int, to target: Int) {
    let isAligned = random.below(2) == 0
    let source = start + random.below(bytes.count - start)
    let (from, to) = isAligned ? (source & ~7, target & ~7) : (source, target)
    guard from >= start, to >= start else { return }
    let count = min(8 << random.below(6), bytes.count - max(from, to))
    guard count > 0 else { return }
    let copy = Array(bytes[from..<from + count])
    bytes.replaceSubrange(to..<to + count, with: copy)
  }

  /// Changes fields of one frame and mends its checksums.
  mutating func forgeFrame(_ bytes: inout [UInt8], at position: Int, salt: UInt64) {
    let length = Int(UInt32(truncatingIfNeeded: Forge.word(bytes, at: position)))
    let room = min(max(16, length), bytes.count - position)
    for _ in 0...random.below(3) {
      // The head's own fields half of the time, then those behind the checksum.
      let fields = [(0, 4), (4, 1), (5, 1), (6, 2)]
      if random.below(4) == 0 {
        let (field, size) = fields[random.below(4)]
        let value =
          field == 0 && random.below(2) == 0
          ? UInt64(max(16, length + random.below(33) - 16)) : value()
        Forge.store(value, size: size, at: position + field, in: &bytes)
      } else if room > 16 {
        let size = 1 << random.below(4)
        let isNear = random.below(2) == 0
        let field = 16 + random.below(isNear ? min(room - 16, 128) : room - 16)
        Forge.store(
          value(), size: size, at: position + (field & ~(size - 1)), in: &bytes)
      }
    }
    var frame = Array(bytes[position...])
    Forge.mend(&frame, .frame(salt: salt, position: UInt64(position)))
    let changed = min(frame.count, 64)
    bytes.replaceSubrange(position..<position + changed, with: frame[..<changed])
    // A seal block's trailer stands at its end.
    if frame.count > 192, frame[4] == FrameKind.seal.rawValue {
      bytes.replaceSubrange(position..., with: frame)
    }
  }

  /// Changes fields of a fixed structure and mends its checksum.
  mutating func forge(_ bytes: inout [UInt8], _ structure: Forge.Structure, used: Int) {
    for _ in 0...random.below(3) {
      let size = 1 << random.below(4)
      Forge.store(value(), size: size, at: random.below(used) & ~(size - 1), in: &bytes)
    }
    Forge.mend(&bytes, structure)
  }
}
