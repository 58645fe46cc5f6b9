public import ByteCoding
public import Quantities

/// Where the columns of a batch frame lie; a pure function of its count, column bits and body size.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | base offset |
/// | 24 | 8 | append time of all records |
/// | 32 | 4 | record count |
/// | 36 | 4 | last offset minus base offset |
/// | 40 | 4 | body byte count |
/// | 44 | 4 | largest event-time delta in microseconds (0 without that column) |
/// | 48 | 8 | store commit sequence (0: not part of an append over several streams) |
/// | 56 | 4 | writer epoch |
/// | 60 | 4 | head check |
/// | 64 | | columns in the order of their bits below, each padded to 8 bytes, then bodies |
public struct BatchLayout: Sendable {
  /// Size of the head: one cache line.
  public static let headByteCount = 64

  @usableFromInline var eventBase = 0
  @usableFromInline var eventTimes = 0
  @usableFromInline var ends = 0
  @usableFromInline var keyEnds = 0
  @usableFromInline var typeEnds = 0
  @usableFromInline var headersEnds = 0
  @usableFromInline var offsetDeltas = 0
  @usableFromInline var eventDeltas = 0
  @usableFromInline var flags = 0
  /// Position of the first body.
  public private(set) var bodies = 0
  /// Bytes of the frame, alignment not included.
  public private(set) var byteCount = 0

  /// Lays out `count` records; `nil` when the sizes overflow.
  public init?(count: Int, columns: ColumnSet, bodyByteCount: Int) {
    guard count >= 0, count <= Int(UInt32.max), bodyByteCount >= 0,
      bodyByteCount <= Int(UInt32.max)
    else { return nil }
    var cursor = Self.headByteCount
    func place(_ column: ColumnSet, _ byteCount: Int) -> Int {
      guard columns.contains(column) else { return 0 }
      let start = cursor
      cursor = SegmentLayout.aligned(cursor &+ byteCount)
      return start
    }
    let width = columns.contains(.narrowEnds) ? 2 : 4
    _ = place(.producer, ProducerStamp.byteCount)
    eventBase = place(.eventTimeDelta, 8)
    eventTimes = place(.eventTime, 8 &* count)
    _ = place(.messageID, 16 &* count)
    _ = place(.stream, 8 &* count)
    ends = cursor
    cursor = SegmentLayout.aligned(cursor &+ width &* count)
    keyEnds = place(.key, width &* count)
    typeEnds = place(.type, width &* count)
    headersEnds = place(.headers, width &* count)
    offsetDeltas = place(.offsetDelta, 4 &* count)
    eventDeltas = place(.eventTimeDelta, 4 &* count)
    _ = place(.timeToLive, 4 &* count)
    flags = place(.flags, count)
    bodies = cursor
    byteCount = cursor &+ bodyByteCount
    guard byteCount <= Int(UInt32.max) - 8 else { return nil }
  }
}

/// The head of a batch frame.
public struct BatchHead: Hashable, Sendable {
  /// Offset of the first record.
  public var baseOffset: Offset
  /// Append time of all its records.
  public var appendTime: Timestamp
  /// Number of records, at least 1.
  public var count: Int
  /// Offset of the last record minus `baseOffset`; `count - 1` unless compacted.
  public var lastOffsetDelta: UInt32
  /// Bytes of all bodies.
  public var bodyByteCount: Int
  /// Largest event-time delta in microseconds.
  public var largestEventDelta: UInt32
  /// Store-wide commit sequence of an append over several streams; 0 for none.
  public var commitSequence: UInt64
  /// Epoch of the writer.
  public var epoch: UInt32

  /// Position of the head check; it covers everything before it.
  static let checkPosition = 60

  /// The head check: the low half of XXH3-64 of bytes 16 to 60, XOR the frame's place.
  static func check(_ frame: RawSpan, place: UInt64) -> UInt32 {
    UInt32(
      truncatingIfNeeded: FrameChecksum.content(frame.extracting(16..<checkPosition)) ^ place)
  }

  /// Reads a head. Its check is compared when `place` is given.
  ///
  /// - Throws: `.truncated`, `.damaged(.batch, .headCheck)` or what contradicts itself.
  @inlinable
  public init(_ frame: RawSpan, place: UInt64?) throws(FormatError) {
    guard frame.byteCount >= BatchLayout.headByteCount,
      let offset = frame.littleEndianUnsigned64(at: 16),
      let time = frame.littleEndianSigned64(at: 24),
      let count = frame.littleEndianUnsigned32(at: 32),
      let last = frame.littleEndianUnsigned32(at: 36),
      let bodies = frame.littleEndianUnsigned32(at: 40),
      let event = frame.littleEndianUnsigned32(at: 44),
      let commit = frame.littleEndianUnsigned64(at: 48),
      let epoch = frame.littleEndianUnsigned32(at: 56)
    else {
      throw .truncated(
        .batch, needed: UInt64(BatchLayout.headByteCount), available: UInt64(frame.byteCount))
    }
    if let place { try Self.compareCheck(frame, place: place) }
    baseOffset = Offset(rawValue: offset)
    appendTime = Timestamp(rawValue: time)
    self.count = Int(count)
    lastOffsetDelta = last
    bodyByteCount = Int(bodies)
    largestEventDelta = event
    commitSequence = commit
    self.epoch = epoch
    guard count >= 1 else { throw .damaged(.batch, .count) }
    guard last >= count - 1, offset <= Offset.maximum.rawValue - UInt64(last) else {
      throw .damaged(.batch, .offset)
    }
  }

  @usableFromInline
  static func compareCheck(_ frame: RawSpan, place: UInt64) throws(FormatError) {
    guard frame.littleEndianUnsigned32(at: checkPosition) == check(frame, place: place) else {
      throw .damaged(.batch, .headCheck)
    }
  }
}
