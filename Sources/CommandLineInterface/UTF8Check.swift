/// Tells UTF-8 from other bytes (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF).
enum UTF8Check {
  /// Returns how many bytes at the start are well-formed UTF-8.
  static func validPrefixByteCount(of bytes: Span<UInt8>) -> Int {
    var position = 0
    while position < bytes.count {
      position = ASCIIRun.end(in: bytes, from: position)
      guard position < bytes.count else { break }
      guard let length = sequenceByteCount(in: bytes, at: position) else { return position }
      position += length
    }
    return position
  }

  /// Returns the length of the well-formed sequence at a position, or nil if there is none.
  private static func sequenceByteCount(in bytes: Span<UInt8>, at position: Int) -> Int? {
    let length: Int
    let second: ClosedRange<UInt8>
    switch bytes[position] {
    case 0x00...0x7f: return 1
    case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    default: return nil
    }
    guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return nil }
    for offset in 2..<max(2, length) where bytes[position + offset] & 0xc0 != 0x80 { return nil }
    return length
  }
}

/// Looks at eight bytes at a time.
enum ASCIIRun {
  /// Returns the position of the first byte at or after `start` that is not ASCII, or the count.
  static func end(in bytes: Span<UInt8>, from start: Int) -> Int {
    var position = start
    while let word = EightBytes.load(bytes, at: position), word & 0x8080_8080_8080_8080 == 0 {
      position += 8
    }
    while position < bytes.count, bytes[position] < 0x80 { position += 1 }
    return position
  }
}

extension Span<UInt8> {
  /// The same bytes without their type.
  var rawBytes: RawSpan {
    // Safety: what is unsafe about other elements, bytes of padding, a byte does not have.
    @_lifetime(copy self) get { unsafe bytes }
  }
}

/// Loads and tests eight neighbouring bytes in one register.
enum EightBytes {
  static let ones: UInt64 = 0x0101_0101_0101_0101
  static let highs: UInt64 = 0x8080_8080_8080_8080

  /// Returns the eight bytes at a position, the first in the low byte; nil when fewer are left.
  static func load(_ bytes: Span<UInt8>, at position: Int) -> UInt64? {
    guard position >= 0, position <= bytes.count - 8 else { return nil }
    // Safety: eight bytes from the position lie inside the span, checked above; every bit pattern
    // is an integer.
    return UInt64(
      littleEndian: unsafe bytes.rawBytes.unsafeLoadUnaligned(
        fromUncheckedByteOffset: position, as: UInt64.self))
  }

  /// Returns a word that is not zero when any byte equals `byte`; its lowest set bit lies in the
  /// first such byte.
  static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
    let difference = word ^ (ones &* UInt64(byte))
    return (difference &- ones) & ~difference & highs
  }

  /// Returns a word that is not zero when any byte is below 0x20.
  static func controls(_ word: UInt64) -> UInt64 {
    (word &- (ones &* 0x20)) & ~word & highs
  }
}
