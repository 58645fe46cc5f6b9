internal import ByteCoding
public import Quantities

/// The frame that ends a group: what was durable before the group was written.
///
/// An intact commit frame convicts damage before its `durablePosition` as rot: those bytes had been
/// synced when it was written. Damage after it may be a torn group.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | durable position when the group was issued |
/// | 24 | 8 | commit sequence of the segment, from 1 |
/// | 32 | 8 | next offset after the group |
/// | 40 | 8 | highest append time up to here |
/// | 48 | 8 | position of the group's first frame |
/// | 56 | 4 | writer epoch |
/// | 60 | 4 | zero |
public struct CommitFrame: Hashable, Sendable {
  /// Everything before this position was durable when the group was issued.
  public var durablePosition: FilePosition
  /// Counts the groups of a segment, from 1.
  public var sequence: UInt64
  /// Offset of the next record after the group.
  public var nextOffset: Offset
  /// Highest append time in the segment so far.
  public var appendTime: Timestamp
  /// Where the group begins.
  public var groupPosition: FilePosition
  /// Writer epoch.
  public var epoch: UInt32

  /// Size of the frame.
  public static let byteCount = 64

  /// Makes a commit frame.
  public init(
    durablePosition: FilePosition, sequence: UInt64, nextOffset: Offset, appendTime: Timestamp,
    groupPosition: FilePosition, epoch: UInt32
  ) {
    self.durablePosition = durablePosition
    self.sequence = sequence
    self.nextOffset = nextOffset
    self.appendTime = appendTime
    self.groupPosition = groupPosition
    self.epoch = epoch
  }

  /// The 64 bytes of the frame at `position`.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(durablePosition.rawValue)
    body.appendLittleEndian(sequence)
    body.appendLittleEndian(nextOffset.rawValue)
    body.appendLittleEndian(appendTime.rawValue)
    body.appendLittleEndian(groupPosition.rawValue)
    body.appendLittleEndian(epoch)
    body.appendLittleEndian(UInt32(0))
    return Frame.encoded(.commit, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds and that stands at `position`.
  public init(_ frame: RawSpan, at position: UInt64) throws(FormatError) {
    var reader = FieldReader(frame, .commitFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    durablePosition = FilePosition(rawValue: try reader.unsigned64())
    sequence = try reader.unsigned64()
    nextOffset = Offset(rawValue: try reader.unsigned64())
    appendTime = Timestamp(rawValue: try reader.signed64())
    groupPosition = FilePosition(rawValue: try reader.unsigned64())
    epoch = try reader.unsigned32()
    try reader.reserved(4)
    guard durablePosition.rawValue <= groupPosition.rawValue, groupPosition.rawValue <= position,
      SegmentLayout.isFramePosition(durablePosition.rawValue),
      SegmentLayout.isFramePosition(groupPosition.rawValue)
    else { throw .damaged(.commitFrame, .position) }
    guard sequence < SegmentLayout.counterLimit else { throw .damaged(.commitFrame, .count) }
    guard nextOffset <= .maximum else { throw .damaged(.commitFrame, .offset) }
  }
}

/// One row of the sparse index that serves offsets and times.
public struct IndexRow: Hashable, Sendable {
  /// Offset of the first record at or after `position`, relative to the segment's base offset.
  public var relativeOffset: UInt32
  /// Position of a frame, divided by 8.
  public var positionInWords: UInt32
  /// Highest append time of the records before `position`.
  public var appendTime: Timestamp

  /// Size of a row.
  public static let byteCount = 16

  /// Makes a row.
  public init(relativeOffset: UInt32, positionInWords: UInt32, appendTime: Timestamp) {
    self.relativeOffset = relativeOffset
    self.positionInWords = positionInWords
    self.appendTime = appendTime
  }

  /// Position of a frame in the segment.
  @inlinable
  public var position: UInt64 { UInt64(positionInWords) * 8 }
}

/// Rows flushed into the log, back-linked.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | position of the previous index frame; 0 for none |
/// | 24 | 4 | row count |
/// | 28 | 4 | zero |
/// | 32 | 16 n | rows: relative offset u32, position / 8 u32, append time i64 |
public struct IndexFrame: Hashable, Sendable {
  /// Position of the previous index frame; 0 for none.
  public var previousPosition: FilePosition
  /// The rows, ascending.
  public var rows: [IndexRow]

  /// Bytes before the rows.
  public static let headByteCount = 32

  /// Makes a frame.
  public init(previousPosition: FilePosition, rows: [IndexRow]) {
    self.previousPosition = previousPosition
    self.rows = rows
  }

  /// Size of a frame with `count` rows.
  public static func byteCount(rowCount: Int) -> Int {
    headByteCount + rowCount * IndexRow.byteCount
  }

  /// The bytes of the frame at `position`.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(Self.byteCount(rowCount: rows.count))
    body.appendLittleEndian(previousPosition.rawValue)
    body.appendLittleEndian(UInt32(rows.count))
    body.appendLittleEndian(UInt32(0))
    for row in rows {
      body.appendLittleEndian(row.relativeOffset)
      body.appendLittleEndian(row.positionInWords)
      body.appendLittleEndian(row.appendTime.rawValue)
    }
    return Frame.encoded(.indexRows, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds and that stands at `position`.
  public init(_ frame: RawSpan, at position: UInt64) throws(FormatError) {
    var reader = FieldReader(frame, .indexFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    previousPosition = FilePosition(rawValue: try reader.unsigned64())
    let count = try reader.unsigned32()
    try reader.reserved(4)
    guard SegmentLayout.isBackLink(previousPosition.rawValue, before: position) else {
      throw .damaged(.indexFrame, .position)
    }
    guard reader.remainingByteCount == Int(count) * IndexRow.byteCount else {
      throw .damaged(.indexFrame, .count)
    }
    rows = []
    rows.reserveCapacity(Int(count))
    for _ in 0..<count {
      let row = IndexRow(
        relativeOffset: try reader.unsigned32(), positionInWords: try reader.unsigned32(),
        appendTime: Timestamp(rawValue: try reader.signed64()))
      guard row.position < position, row.position >= UInt64(SegmentLayout.preambleByteCount) else {
        throw .damaged(.indexFrame, .position)
      }
      if let last = rows.last {
        guard last.positionInWords < row.positionInWords, last.relativeOffset <= row.relativeOffset
        else { throw .damaged(.indexFrame, .order) }
      }
      rows.append(row)
    }
  }
}

/// A claim that was given up: its bytes mean nothing, its offsets hold no records.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head; the length covers the whole claim |
/// | 16 | 8 | first offset |
/// | 24 | 4 | number of offsets, may be 0 |
/// | 28 | 4 | zero |
///
/// The checksum covers these 32 bytes; what follows is free space.
public struct GapFrame: Hashable, Sendable {
  /// First offset without a record.
  public var firstOffset: Offset
  /// How many.
  public var count: UInt32

  /// Bytes that mean something.
  public static let byteCount = 32

  /// Makes a gap.
  public init(firstOffset: Offset, count: UInt32) {
    self.firstOffset = firstOffset
    self.count = count
  }

  /// The first 32 bytes of a gap of `length` bytes (at least 32) at `position`.
  public func encoded(length: UInt32, salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(firstOffset.rawValue)
    body.appendLittleEndian(count)
    body.appendLittleEndian(UInt32(0))
    return Frame.encoded(.gap, length: length, body: body, salt: salt, position: position)
  }

  /// Stores the gap over a claim of `length` bytes but for its first 8 bytes, which it returns.
  public func store(
    at destination: UnsafeMutableRawPointer, length: UInt32, salt: UInt64, position: UInt64
  ) -> UInt64 {
    let bytes = encoded(length: length, salt: salt, at: position)
    // Safety: a claim is at least as long as a gap frame.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe (destination + 8).copyMemory(from: from + 8, byteCount: Self.byteCount - 8)
    }
    return bytes.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
  }

  /// Reads a frame whose checksum holds.
  public init(_ frame: RawSpan) throws(FormatError) {
    var reader = FieldReader(frame, .gapFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    firstOffset = Offset(rawValue: try reader.unsigned64())
    count = try reader.unsigned32()
    try reader.reserved(4)
    guard firstOffset.rawValue <= Offset.maximum.rawValue - UInt64(count) else {
      throw .damaged(.gapFrame, .offset)
    }
  }
}

/// A statement of the engine about itself; the only one so far: the wall clock was set.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 2 | subject: 1 clock step |
/// | 18 | 6 | zero |
/// | 24 | 8 | append time |
/// | 32 | 8 | clock step in nanoseconds, signed: new wall clock minus the one expected |
public struct ControlFrame: Hashable, Sendable {
  /// Append clock when the step was noticed.
  public var appendTime: Timestamp
  /// New wall clock minus the expected one, in nanoseconds.
  public var clockStepNanoseconds: Int64

  /// Size of the frame.
  public static let byteCount = 40

  /// Makes a clock step.
  public init(appendTime: Timestamp, clockStepNanoseconds: Int64) {
    self.appendTime = appendTime
    self.clockStepNanoseconds = clockStepNanoseconds
  }

  /// The bytes of the frame at `position`.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(UInt64(1))
    body.appendLittleEndian(appendTime.rawValue)
    body.appendLittleEndian(clockStepNanoseconds)
    return Frame.encoded(.control, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds.
  public init(_ frame: RawSpan) throws(FormatError) {
    var reader = FieldReader(frame, .controlFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    guard try reader.unsigned16() == 1 else { throw .newer(.controlFrame, .kind) }
    try reader.reserved(6)
    appendTime = Timestamp(rawValue: try reader.signed64())
    clockStepNanoseconds = try reader.signed64()
  }
}
