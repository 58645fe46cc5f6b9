public import ByteCoding
internal import CChecksum

/// What a frame holds. Bit 7 set in an unknown kind means: readers may skip it.
public enum FrameKind: UInt8, Sendable, CaseIterable {
  /// One record with a 32-byte head.
  case soloRecord = 1
  /// Many records in columns, with a 64-byte head.
  case batch = 2
  /// Nothing, to reach an alignment.
  case padding = 3
  /// Rows of the sparse offset and time index.
  case indexRows = 4
  /// What chain and tree say of a group of records.
  case integrity = 5
  /// State of the idempotent producers.
  case state = 6
  /// Statements of the engine, such as clock steps.
  case control = 7
  /// A claim that was given up; its offsets hold no records.
  case gap = 8
  /// The end of a segment: indexes, statistics, trailer.
  case seal = 9
  /// The end of a group: what was durable before it.
  case commit = 10
}

/// The first 16 bytes of every frame.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 4 | length: bytes of the frame without its alignment; 0 = nothing here yet |
/// | 4 | 1 | kind |
/// | 5 | 1 | codec (bits 0 to 2) and flags |
/// | 6 | 2 | column bits |
/// | 8 | 8 | checksum |
public struct FrameHead: Hashable, Sendable {
  /// Bytes of the frame from its first byte, without padding to the next boundary of 8.
  public var length: UInt32
  /// Raw kind; see ``FrameKind``.
  public var rawKind: UInt8
  /// Codec in bits 0 to 2 (0 = none, 1 = reserved for LZ4), the rest zero.
  public var flags: UInt8
  /// Which columns are present in record frames; zero in all others.
  public var columns: ColumnSet
  /// See ``FrameChecksum``.
  public var checksum: UInt64

  /// Size of the head in bytes.
  public static let byteCount = 16

  /// Reads a head, believing nothing; `nil` when fewer than 16 bytes are there.
  @inlinable
  public init?(_ bytes: RawSpan, at position: Int) {
    guard let word = bytes.littleEndianUnsigned64(at: position), position <= Int.max - 8,
      let checksum = bytes.littleEndianUnsigned64(at: position &+ 8)
    else { return nil }
    self.init(word: word, checksum: checksum)
  }

  /// Splits the first two words of a frame.
  @inlinable
  public init(word: UInt64, checksum: UInt64) {
    length = UInt32(truncatingIfNeeded: word)
    rawKind = UInt8(truncatingIfNeeded: word >> 32)
    flags = UInt8(truncatingIfNeeded: word >> 40)
    columns = ColumnSet(rawValue: UInt16(truncatingIfNeeded: word >> 48))
    self.checksum = checksum
  }

  /// The first 8 bytes as one number, as they enter the checksum.
  @inlinable
  public static func word(
    length: UInt32, kind: FrameKind, flags: UInt8 = 0, columns: ColumnSet = []
  ) -> UInt64 {
    UInt64(length) | UInt64(kind.rawValue) << 32 | UInt64(flags) << 40
      | UInt64(columns.rawValue) << 48
  }

  /// The kind, or `nil` for one this version does not know.
  @inlinable
  public var kind: FrameKind? { FrameKind(rawValue: rawKind) }

  /// Whether a reader that does not know the kind may step over the frame.
  @inlinable
  public var isSkippable: Bool { rawKind & 0x80 != 0 }

  /// Bytes up to the next frame.
  @inlinable
  public var alignedByteCount: Int { SegmentLayout.aligned(Int(length)) }
}

/// The checksum of a frame: XXH3-64 of what it says, combined with XXH3-64 of where it stands.
///
///     checksum = XXH3-64(frame[16 ..< covered]) XOR place
///     place    = XXH3-64(le64(salt XOR position) || frame[0 ..< 8])
///
/// The salt is random for each generation of a segment file, so neither a frame of the file's former
/// life nor one written to a wrong place can validate. Because the place enters last, frames staged
/// for one segment can be moved to another without hashing them again; batches alone are hashed anew,
/// because their head check has a place too.
public enum FrameChecksum {
  /// The part that depends on where a frame stands and on its first 8 bytes.
  @inlinable
  public static func place(salt: UInt64, position: UInt64, word: UInt64) -> UInt64 {
    xxh3(first: salt ^ position, second: word)
  }

  /// XXH3-64 of bytes, unseeded.
  public static func content(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    // Safety: XXH3 reads exactly `count` bytes; an empty buffer has no base address and needs none.
    guard let base = bytes.baseAddress else { return emptyContent }
    return unsafe piperoll_xxh3(base, bytes.count)
  }

  /// XXH3-64 of bytes, unseeded.
  public static func content(_ bytes: RawSpan) -> UInt64 {
    // Safety: the buffer is used inside the closure only.
    unsafe bytes.withUnsafeBytes { unsafe content($0) }
  }

  /// XXH3-64 of no bytes.
  public static let emptyContent: UInt64 = 0x2d06_8005_38d3_94c2

  /// Looks for the one bit that makes XXH3-64 of bytes, unseeded, what it should be: in time that grows with
  /// the bytes times those that may have changed, but about 300 times less than hashing for each bit takes at 64 KiB.
  ///
  /// - Parameters:
  ///   - bytes: More than 240 bytes; the bit is flipped in them when it is found.
  ///   - content: Where in them what is hashed stands.
  ///   - wanted: What the hash should be.
  ///   - range: The bytes that may have changed, in the same numbers.
  /// - Returns: The byte, in those numbers, and its bit.
  public static func mend(
    _ bytes: inout [UInt8], content: Range<Int>, wanted: UInt64, in range: Range<Int>
  ) -> (byte: Int, bit: Int)? {
    guard content.lowerBound >= 0, content.upperBound <= bytes.count else { return nil }
    var memory = [UInt64](repeating: 0, count: mendingWordCount(content.count))
    let found = unsafe bytes.withUnsafeMutableBytes { buffer -> Int64 in
      guard let base = buffer.baseAddress else { return -1 }
      let first = max(range.lowerBound, content.lowerBound) - content.lowerBound
      let end = min(range.upperBound, content.upperBound) - content.lowerBound
      // Safety: the content stands in the buffer, and the search keeps to its count; the memory is as large as it asks.
      return unsafe piperoll_xxh3_find_flip(
        (base + content.lowerBound).assumingMemoryBound(to: UInt8.self), content.count, wanted,
        max(0, first), max(0, end), &memory)
    }
    guard found >= 0 else { return nil }
    let (byte, bit) = (content.lowerBound + Int(found / 8), Int(found % 8))
    bytes[byte] ^= 1 << UInt8(bit)
    return (byte, bit)
  }

  /// Fewest bytes of which ``mend(_:content:wanted:in:)`` finds a bit.
  public static let mendingMinimum = 241

  /// Words of memory that the search in so many bytes works in.
  package static func mendingWordCount(_ byteCount: Int) -> Int { 16 * (byteCount / 1024 + 1) }

  @usableFromInline
  static func xxh3(first: UInt64, second: UInt64) -> UInt64 {
    // Safety: takes two numbers.
    piperoll_xxh3_words(first.littleEndian, second.littleEndian)
  }
}
