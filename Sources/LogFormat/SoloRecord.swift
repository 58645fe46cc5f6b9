internal import ByteCoding
public import Quantities

/// The layout of a frame that holds one record.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | offset |
/// | 24 | 8 | append time |
/// | 32 | | optional words by column bit, then key, type, headers, value |
///
/// Optional words, in this order: producer 16, event time 8, message id 16, stream 8, key length 4,
/// type length 4, headers length 4, time to live 4, flags 4.
public enum SoloRecord {
  /// Bytes before the optional words.
  public static let headByteCount = 32
  /// Columns a solo record may have.
  public static let allowedColumns: ColumnSet = [
    .producer, .eventTime, .messageID, .stream, .key, .type, .headers, .timeToLive, .flags,
  ]

  /// Bytes of the optional words.
  @inlinable
  public static func wordsByteCount(_ columns: ColumnSet) -> Int {
    if columns.isEmpty { return 0 }
    var count = 0
    if columns.contains(.producer) { count += ProducerStamp.byteCount }
    if columns.contains(.eventTime) { count += 8 }
    if columns.contains(.messageID) { count += 16 }
    if columns.contains(.stream) { count += 8 }
    for column in [ColumnSet.key, .type, .headers, .timeToLive, .flags]
    where columns.contains(column) { count += 4 }
    return count
  }

  /// The columns a record needs.
  public static func columns(_ record: borrowing RecordInput, producer: ProducerStamp?)
    -> ColumnSet
  {
    var columns: ColumnSet = []
    if producer != nil { columns.insert(.producer) }
    if record.eventTime != nil { columns.insert(.eventTime) }
    if record.hasKey { columns.insert(.key) }
    if record.hasType { columns.insert(.type) }
    if record.headers.byteCount > 0 { columns.insert(.headers) }
    if record.isTombstone { columns.insert(.flags) }
    return columns
  }

  /// Bytes of the frame, alignment not included.
  public static func byteCount(_ record: borrowing RecordInput, producer: ProducerStamp?) -> Int {
    headByteCount + wordsByteCount(columns(record, producer: producer)) + record.bodyByteCount
  }

  /// Writes everything but the first 8 bytes of a plain record's frame and returns those.
  ///
  /// The caller stores the returned word last: it is what makes the frame exist. The destination
  /// has at least `headByteCount + value.count` bytes, rounded up to 8.
  @inlinable
  public static func encodePlain(
    _ value: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer, offset: Offset,
    appendTime: Timestamp, salt: UInt64, position: UInt64
  ) -> UInt64 {
    let length = headByteCount &+ value.count
    let word = FrameHead.word(length: UInt32(truncatingIfNeeded: length), kind: .soloRecord)
    // Safety: the caller owns the destination and sized it from `byteCount`.
    unsafe destination.storeBytes(
      of: offset.rawValue.littleEndian, toByteOffset: 16, as: UInt64.self)
    unsafe destination.storeBytes(
      of: appendTime.rawValue.littleEndian, toByteOffset: 24, as: Int64.self)
    unsafe zeroPadding(destination, from: length)
    if let source = value.baseAddress {
      unsafe (destination + headByteCount).copyMemory(from: source, byteCount: value.count)
    }
    let content = unsafe FrameChecksum.content(
      UnsafeRawBufferPointer(start: destination + 16, count: length &- 16))
    let checksum = content ^ FrameChecksum.place(salt: salt, position: position, word: word)
    unsafe destination.storeBytes(of: checksum.littleEndian, toByteOffset: 8, as: UInt64.self)
    return word
  }

  /// Completes the frame of a plain record whose value stands in its place already, but for the first
  /// 8 bytes, which it returns.
  ///
  /// The destination is the frame; its value begins at `headByteCount`.
  public static func encodeInPlace(
    valueByteCount: Int, at destination: UnsafeMutableRawPointer, offset: Offset,
    appendTime: Timestamp, salt: UInt64, position: UInt64
  ) -> UInt64 {
    let length = headByteCount + valueByteCount
    let word = FrameHead.word(length: UInt32(truncatingIfNeeded: length), kind: .soloRecord)
    // Safety: the caller claimed the frame's bytes, alignment included.
    let frame = unsafe UnsafeMutableRawBufferPointer(
      start: destination, count: SegmentLayout.aligned(length))
    unsafe frame.storeLittleEndian(offset.rawValue, at: 16)
    unsafe frame.storeLittleEndian(appendTime.rawValue, at: 24)
    for place in length..<SegmentLayout.aligned(length) {
      unsafe frame.storeBytes(of: 0, toByteOffset: place, as: UInt8.self)
    }
    let content = unsafe FrameChecksum.content(
      UnsafeRawBufferPointer(start: destination + 16, count: length - 16))
    let checksum = content ^ FrameChecksum.place(salt: salt, position: position, word: word)
    unsafe frame.storeLittleEndian(checksum, at: 8)
    return word
  }

  /// Writes everything but the first 8 bytes of any record's frame and returns those.
  ///
  /// The destination has at least ``byteCount(_:producer:)`` bytes, rounded up to 8.
  public static func encode(
    _ record: borrowing RecordInput, producer: ProducerStamp?,
    into destination: UnsafeMutableRawPointer, offset: Offset, appendTime: Timestamp,
    salt: UInt64, position: UInt64
  ) -> UInt64 {
    let columns = columns(record, producer: producer)
    let length = byteCount(record, producer: producer)
    let word = FrameHead.word(
      length: UInt32(truncatingIfNeeded: length), kind: .soloRecord, columns: columns)
    // Safety: the caller owns the destination and sized it from `byteCount`; the buffer spans it.
    let frame = unsafe UnsafeMutableRawBufferPointer(
      start: destination, count: SegmentLayout.aligned(length))
    unsafe zeroPadding(destination, from: length)
    unsafe frame.storeLittleEndian(offset.rawValue, at: 16)
    unsafe frame.storeLittleEndian(appendTime.rawValue, at: 24)
    var cursor = headByteCount
    if let producer {
      unsafe producer.store(in: frame, at: cursor)
      cursor += ProducerStamp.byteCount
    }
    if let time = record.eventTime {
      unsafe frame.storeLittleEndian(time.rawValue, at: cursor)
      cursor += 8
    }
    func word32(_ value: UInt32) {
      // Safety: the words were counted into the frame, as above.
      unsafe frame.storeLittleEndian(value, at: cursor)
      cursor += 4
    }
    if record.hasKey { word32(UInt32(truncatingIfNeeded: record.key.byteCount)) }
    if record.hasType { word32(UInt32(truncatingIfNeeded: record.type.byteCount)) }
    if record.headers.byteCount > 0 {
      word32(UInt32(truncatingIfNeeded: record.headers.byteCount))
    }
    if record.isTombstone { word32(UInt32(RecordFlags.tombstone.rawValue)) }
    for part in 0..<4 {
      let bytes =
        switch part {
        case 0: record.key
        case 1: record.type
        case 2: record.headers
        default: record.value
        }
      // Safety: the four parts add up to the body that `byteCount` counted.
      unsafe bytes.withUnsafeBytes { source in
        guard let base = source.baseAddress, source.count > 0 else { return }
        unsafe (destination + cursor).copyMemory(from: base, byteCount: source.count)
      }
      cursor += bytes.byteCount
    }
    let content = unsafe FrameChecksum.content(
      UnsafeRawBufferPointer(start: destination + 16, count: length - 16))
    let checksum = content ^ FrameChecksum.place(salt: salt, position: position, word: word)
    unsafe frame.storeLittleEndian(checksum, at: 8)
    return word
  }

  @inlinable
  static func zeroPadding(_ destination: UnsafeMutableRawPointer, from length: Int) {
    let end = SegmentLayout.aligned(length)
    if end != length {
      // Safety: the caller sized the destination to the aligned length, at least 8.
      unsafe destination.storeBytes(of: 0, toByteOffset: end &- 8, as: UInt64.self)
    }
  }
}

extension ProducerStamp {
  /// Stores the 16 bytes of the stamp.
  func store(in frame: UnsafeMutableRawBufferPointer, at position: Int) {
    // Safety: callers counted the stamp's 16 bytes into the frame.
    unsafe frame.storeLittleEndian(id, at: position)
    unsafe frame.storeLittleEndian(epoch, at: position + 8)
    unsafe frame.storeLittleEndian(UInt16(0), at: position + 10)
    unsafe frame.storeLittleEndian(sequence, at: position + 12)
  }

  /// Reads the 16 bytes of a stamp.
  init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
    guard let id = bytes.littleEndianUnsigned64(at: position),
      let epoch = bytes.littleEndianUnsigned16(at: position + 8),
      let flags = bytes.littleEndianUnsigned16(at: position + 10),
      let sequence = bytes.littleEndianUnsigned32(at: position + 12)
    else { throw .damaged(.frame, .columns) }
    guard flags == 0 else { throw .newer(.frame, .reserved) }
    guard id != 0 else { throw .damaged(.frame, .identity) }
    self.init(id: id, epoch: epoch, sequence: sequence)
  }
}
