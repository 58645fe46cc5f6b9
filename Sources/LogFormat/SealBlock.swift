internal import ByteCoding
public import Quantities

/// The last frame of a sealed segment: indexes, producer state, statistics and a trailer, so that one
/// file can be copied away and read alone.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | base offset |
/// | 24 | 8 | next offset |
/// | 32 | 48 | statistics, see ``SegmentStatistics`` |
/// | 80 | 8 | last append time |
/// | 88 | 8 | previous segment id |
/// | 96 | 4 | index row count |
/// | 100 | 4 | producer count |
/// | 104 | 4 | key filter bytes (0) |
/// | 108 | 4 | tile bytes |
/// | 112 | 8 | position of the last integrity frame; 0 for none |
/// | 120 | 8 | zero |
/// | 128 | | relative offsets u32 n, positions / 8 u32 n, append times i64 n, each padded to 8 |
/// | | | producers 104 n, tiles (``SealTiles``) |
/// | last 64 | 64 | trailer |
public struct SealBlock: Hashable, Sendable {
  /// Offset of the first record.
  public var baseOffset: Offset
  /// Offset after the last record.
  public var nextOffset: Offset
  /// Counts over all records of the segment.
  public var statistics: SegmentStatistics
  /// Append time of the last record.
  public var lastAppendTime: Timestamp
  /// The segment before this one; 0 for none.
  public var previousSegmentID: UInt64
  /// Position of the last integrity frame of the segment; 0 for none.
  public var integrityPosition = FilePosition(rawValue: 0)
  /// The whole sparse index.
  public var rows: [IndexRow]
  /// The producers at the end of the segment.
  public var producers: [ProducerEntry]
  /// Nodes of the stream's tree; `nil` where no group of one stands in the segment.
  public var tiles: SealTiles?

  /// Bytes before the columns.
  public static let fixedByteCount = 128

  /// Makes a block without rows and producers.
  public init(baseOffset: Offset, nextOffset: Offset, previousSegmentID: UInt64) {
    self.baseOffset = baseOffset
    self.nextOffset = nextOffset
    self.previousSegmentID = previousSegmentID
    statistics = SegmentStatistics()
    lastAppendTime = Timestamp(rawValue: 0)
    rows = []
    producers = []
  }

  /// Size of a block, trailer included; a multiple of 8.
  public static func byteCount(rowCount: Int, producerCount: Int, tileByteCount: Int = 0) -> Int {
    tilePosition(rowCount: rowCount, producerCount: producerCount) + tileByteCount
      + SealTrailer.byteCount
  }

  /// Where the tiles begin.
  private static func tilePosition(rowCount: Int, producerCount: Int) -> Int {
    fixedByteCount + 2 * SegmentLayout.aligned(4 * rowCount) + 8 * rowCount
      + ProducerEntry.byteCount * producerCount
  }

  /// Where the tiles begin, counted from the first byte of the block.
  public var tilePosition: Int {
    Self.tilePosition(rowCount: rows.count, producerCount: producers.count)
  }

  /// The bytes of the block at `position` of its segment.
  public func encoded(segmentID: UInt64, salt: UInt64, at position: UInt64) -> [UInt8] {
    let total = Self.byteCount(
      rowCount: rows.count, producerCount: producers.count, tileByteCount: tiles?.byteCount ?? 0)
    var body: [UInt8] = []
    body.reserveCapacity(total)
    body.appendLittleEndian(baseOffset.rawValue)
    body.appendLittleEndian(nextOffset.rawValue)
    statistics.append(to: &body)
    body.appendLittleEndian(lastAppendTime.rawValue)
    body.appendLittleEndian(previousSegmentID)
    body.appendLittleEndian(UInt32(rows.count))
    body.appendLittleEndian(UInt32(producers.count))
    body.appendLittleEndian(UInt32(0))  // key filter
    body.appendLittleEndian(UInt32(tiles?.byteCount ?? 0))
    body.appendLittleEndian(integrityPosition.rawValue)
    body += Array(repeating: 0, count: Self.fixedByteCount - FrameHead.byteCount - body.count)
    for row in rows { body.appendLittleEndian(row.relativeOffset) }
    if rows.count % 2 != 0 { body.appendLittleEndian(UInt32(0)) }
    for row in rows { body.appendLittleEndian(row.positionInWords) }
    if rows.count % 2 != 0 { body.appendLittleEndian(UInt32(0)) }
    for row in rows { body.appendLittleEndian(row.appendTime.rawValue) }
    for producer in producers { producer.append(to: &body) }
    tiles?.append(to: &body)
    let trailer = SealTrailer(
      salt: salt, segmentID: segmentID, blockPosition: FilePosition(rawValue: position),
      blockByteCount: UInt32(total), nextOffset: nextOffset)
    body += trailer.encoded()
    return Frame.encoded(.seal, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds and that stands at `position` of a segment.
  public init(_ frame: RawSpan, at position: UInt64, limits: FormatLimits) throws(FormatError) {
    var reader = FieldReader(frame, .sealBlock)
    _ = try reader.bytes(count: FrameHead.byteCount)
    self.init(
      baseOffset: Offset(rawValue: try reader.unsigned64()),
      nextOffset: Offset(rawValue: try reader.unsigned64()), previousSegmentID: 0)
    statistics = try SegmentStatistics(&reader)
    lastAppendTime = Timestamp(rawValue: try reader.signed64())
    previousSegmentID = try reader.unsigned64()
    let rowCount = Int(try reader.unsigned32())
    let producerCount = Int(try reader.unsigned32())
    guard try reader.unsigned32() == 0 else { throw .newer(.sealBlock, .reserved) }
    let tileByteCount = Int(try reader.unsigned32())
    integrityPosition = FilePosition(rawValue: try reader.unsigned64())
    try reader.reserved(8)
    guard SegmentLayout.isBackLink(integrityPosition.rawValue, before: position) else {
      throw .damaged(.sealBlock, .position)
    }
    guard baseOffset <= nextOffset, nextOffset <= .maximum,
      statistics.recordCount <= nextOffset.rawValue - baseOffset.rawValue
    else { throw .damaged(.sealBlock, .offset) }
    guard producerCount <= limits.producerCountLimit else {
      throw .overLimit(
        .sealBlock, value: UInt64(producerCount), limit: UInt64(limits.producerCountLimit))
    }
    guard
      frame.byteCount
        == Self.byteCount(
          rowCount: rowCount, producerCount: producerCount, tileByteCount: tileByteCount)
    else { throw .damaged(.sealBlock, .length) }
    try readRows(&reader, count: rowCount, blockPosition: position)
    producers.reserveCapacity(producerCount)
    for _ in 0..<producerCount {
      let entry = try ProducerEntry(&reader, .sealBlock)
      if let last = producers.last, last.id >= entry.id { throw .damaged(.sealBlock, .order) }
      producers.append(entry)
    }
    if tileByteCount > 0 { tiles = try SealTiles(&reader, byteCount: tileByteCount) }
  }

  private mutating func readRows(
    _ reader: inout FieldReader, count: Int, blockPosition: UInt64
  ) throws(FormatError) {
    let offsets = reader.position
    let positions = offsets + SegmentLayout.aligned(4 * count)
    let times = positions + SegmentLayout.aligned(4 * count)
    rows.reserveCapacity(count)
    for index in 0..<count {
      guard let offset = reader.bytes.littleEndianUnsigned32(at: offsets + 4 * index),
        let words = reader.bytes.littleEndianUnsigned32(at: positions + 4 * index),
        let time = reader.bytes.littleEndianSigned64(at: times + 8 * index)
      else { throw .damaged(.sealBlock, .length) }
      let row = IndexRow(
        relativeOffset: offset, positionInWords: words, appendTime: Timestamp(rawValue: time))
      guard row.position >= UInt64(SegmentLayout.preambleByteCount), row.position < blockPosition
      else { throw .damaged(.sealBlock, .position) }
      guard UInt64(offset) <= nextOffset.rawValue - baseOffset.rawValue else {
        throw .damaged(.sealBlock, .offset)
      }
      if let last = rows.last {
        guard last.positionInWords < words, last.relativeOffset <= offset else {
          throw .damaged(.sealBlock, .order)
        }
      }
      rows.append(row)
    }
    _ = try reader.bytes(count: times + 8 * count - offsets)
  }
}

/// The last 64 bytes of a seal block: finds the block when only the end of the segment is known.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | magic |
/// | 8 | 8 | salt |
/// | 16 | 8 | segment id |
/// | 24 | 8 | position of the seal block |
/// | 32 | 4 | its length |
/// | 36 | 4 | zero |
/// | 40 | 8 | next offset |
/// | 48 | 8 | zero |
/// | 56 | 8 | checksum over the first 56 bytes |
public struct SealTrailer: Hashable, Sendable {
  /// The segment's salt.
  public var salt: UInt64
  /// The segment's id.
  public var segmentID: UInt64
  /// Where the seal block starts.
  public var blockPosition: FilePosition
  /// Its length, trailer included.
  public var blockByteCount: UInt32
  /// Offset after the segment's last record.
  public var nextOffset: Offset

  /// Size of a trailer.
  public static let byteCount = 64
  /// The first eight bytes.
  public static let magic: UInt64 = 0x0a44_4e45_4c52_5089  // 89 "PRLEND" 0a

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    for value in [Self.magic, salt, segmentID, blockPosition.rawValue, UInt64(blockByteCount)] {
      bytes.appendLittleEndian(value)
    }
    bytes.appendLittleEndian(nextOffset.rawValue)
    bytes.appendLittleEndian(UInt64(0))
    bytes.appendLittleEndian(
      PlacedChecksum.value(bytes.rawSpan, salt: salt, position: blockPosition.rawValue))
    return bytes
  }

  /// Reads a trailer from its 64 bytes.
  public init(_ bytes: RawSpan) throws(FormatError) {
    var reader = FieldReader(bytes, .trailer)
    guard try reader.unsigned64() == Self.magic else { throw .damaged(.trailer, .magic) }
    salt = try reader.unsigned64()
    segmentID = try reader.unsigned64()
    blockPosition = FilePosition(rawValue: try reader.unsigned64())
    blockByteCount = try reader.unsigned32()
    let reserved = try reader.unsigned32()
    nextOffset = Offset(rawValue: try reader.unsigned64())
    let more = try reader.unsigned64()
    let checksum = try reader.unsigned64()
    guard
      checksum
        == PlacedChecksum.value(
          bytes.extracting(0..<56), salt: salt, position: blockPosition.rawValue)
    else { throw .damaged(.trailer, .checksum) }
    guard reserved == 0, more == 0 else { throw .newer(.trailer, .reserved) }
    guard SegmentLayout.isFramePosition(blockPosition.rawValue) else {
      throw .damaged(.trailer, .position)
    }
    guard nextOffset <= .maximum else { throw .damaged(.trailer, .offset) }
  }

  init(
    salt: UInt64, segmentID: UInt64, blockPosition: FilePosition, blockByteCount: UInt32,
    nextOffset: Offset
  ) {
    self.salt = salt
    self.segmentID = segmentID
    self.blockPosition = blockPosition
    self.blockByteCount = blockByteCount
    self.nextOffset = nextOffset
  }
}
