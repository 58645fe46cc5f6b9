internal import ByteCoding
public import Quantities

/// What a stream remembers of one idempotent producer.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | producer id |
/// | 8 | 2 | epoch |
/// | 10 | 2 | number of ranges, 1 to 5 |
/// | 12 | 4 | zero |
/// | 16 | 8 | append time of the newest range |
/// | 24 | 80 | five ranges, oldest first: base sequence u32, record count u32, base offset u64 |
public struct ProducerEntry: Hashable, Sendable {
  /// Records of one append.
  public struct Range: Hashable, Sendable {
    /// Sequence number of the first record.
    public var baseSequence: UInt32
    /// Number of records.
    public var count: UInt32
    /// Offset of the first record.
    public var baseOffset: Offset
    /// Makes a range.
    public init(baseSequence: UInt32, count: UInt32, baseOffset: Offset) {
      self.baseSequence = baseSequence
      self.count = count
      self.baseOffset = baseOffset
    }
  }

  /// Chosen by the producer; not 0.
  public var id: UInt64
  /// The highest epoch seen.
  public var epoch: UInt16
  /// Append time of the newest range.
  public var appendTime: Timestamp
  /// The last appends, oldest first, 1 to 5.
  public var ranges: [Range]

  /// How many appends are remembered.
  public static let rangeCountLimit = 5
  /// Size of an entry.
  public static let byteCount = 104

  /// Makes an entry.
  public init(id: UInt64, epoch: UInt16, appendTime: Timestamp, ranges: [Range]) {
    self.id = id
    self.epoch = epoch
    self.appendTime = appendTime
    self.ranges = ranges
  }

  /// Sequence number of the newest record.
  public var lastSequence: UInt32 {
    ranges.last.map { $0.baseSequence &+ $0.count &- 1 } ?? 0
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(id)
    bytes.appendLittleEndian(epoch)
    bytes.appendLittleEndian(UInt16(ranges.count))
    bytes.appendLittleEndian(UInt32(0))
    bytes.appendLittleEndian(appendTime.rawValue)
    for index in 0..<Self.rangeCountLimit {
      let range =
        index < ranges.count ? ranges[index] : Range(baseSequence: 0, count: 0, baseOffset: .zero)
      bytes.appendLittleEndian(range.baseSequence)
      bytes.appendLittleEndian(range.count)
      bytes.appendLittleEndian(range.baseOffset.rawValue)
    }
  }

  init(_ reader: inout FieldReader, _ structure: FormatError.Structure) throws(FormatError) {
    id = try reader.unsigned64()
    epoch = try reader.unsigned16()
    let count = try reader.unsigned16()
    try reader.reserved(4)
    appendTime = Timestamp(rawValue: try reader.signed64())
    ranges = []
    guard id != 0, count >= 1, count <= UInt16(Self.rangeCountLimit) else {
      throw .damaged(structure, .count)
    }
    for index in 0..<Self.rangeCountLimit {
      let range = Range(
        baseSequence: try reader.unsigned32(), count: try reader.unsigned32(),
        baseOffset: Offset(rawValue: try reader.unsigned64()))
      guard index < Int(count) else { continue }
      guard range.count >= 1, range.baseSequence <= UInt32.max - (range.count - 1),
        range.baseOffset.rawValue <= Offset.maximum.rawValue - UInt64(range.count)
      else { throw .damaged(structure, .count) }
      ranges.append(range)
    }
  }
}

/// The state of all producers at one offset, back-linked.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | position of the previous state frame; 0 for none |
/// | 24 | 8 | next offset: records before it are covered |
/// | 32 | 4 | entry count |
/// | 36 | 4 | zero |
/// | 40 | 104 n | entries |
public struct StateFrame: Hashable, Sendable {
  /// Position of the previous state frame in the segment; 0 for none.
  public var previousPosition: FilePosition
  /// Records before this offset are covered.
  public var nextOffset: Offset
  /// The producers, by ascending id.
  public var producers: [ProducerEntry]

  /// Bytes before the entries.
  public static let headByteCount = 40

  /// Makes a frame.
  public init(previousPosition: FilePosition, nextOffset: Offset, producers: [ProducerEntry]) {
    self.previousPosition = previousPosition
    self.nextOffset = nextOffset
    self.producers = producers
  }

  /// Size of a frame with `count` producers.
  public static func byteCount(producerCount: Int) -> Int {
    headByteCount + producerCount * ProducerEntry.byteCount
  }

  /// The bytes of the frame at `position`.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(previousPosition.rawValue)
    body.appendLittleEndian(nextOffset.rawValue)
    body.appendLittleEndian(UInt32(producers.count))
    body.appendLittleEndian(UInt32(0))
    for producer in producers { producer.append(to: &body) }
    return Frame.encoded(.state, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds and that stands at `position`.
  public init(_ frame: RawSpan, at position: UInt64, limits: FormatLimits) throws(FormatError) {
    var reader = FieldReader(frame, .stateFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    previousPosition = FilePosition(rawValue: try reader.unsigned64())
    nextOffset = Offset(rawValue: try reader.unsigned64())
    let count = Int(try reader.unsigned32())
    try reader.reserved(4)
    guard SegmentLayout.isBackLink(previousPosition.rawValue, before: position) else {
      throw .damaged(.stateFrame, .position)
    }
    guard nextOffset <= .maximum else { throw .damaged(.stateFrame, .offset) }
    guard count <= limits.producerCountLimit else {
      throw .overLimit(
        .stateFrame, value: UInt64(count), limit: UInt64(limits.producerCountLimit))
    }
    guard reader.remainingByteCount == count * ProducerEntry.byteCount else {
      throw .damaged(.stateFrame, .count)
    }
    producers = []
    producers.reserveCapacity(count)
    for _ in 0..<count {
      let entry = try ProducerEntry(&reader, .stateFrame)
      if let last = producers.last, last.id >= entry.id { throw .damaged(.stateFrame, .order) }
      producers.append(entry)
    }
  }
}
