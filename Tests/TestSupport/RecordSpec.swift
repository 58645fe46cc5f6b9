import ByteCoding
import LogFormat
import Quantities

/// A record with bytes of its own, to build input from.
public struct RecordSpec: Hashable, Sendable {
  public var value: [UInt8]
  public var key: [UInt8]?
  public var type: [UInt8]?
  public var headers: [RecordHeaders.Entry]
  public var eventTime: Timestamp?
  public var isTombstone: Bool

  /// A record of text with any of its parts.
  public init(
    _ value: String, key: String? = nil, type: String? = nil, headers: [RecordHeaders.Entry] = [],
    eventTime: Int64? = nil, isTombstone: Bool = false
  ) {
    self.value = Array(value.utf8)
    self.key = key.map { Array($0.utf8) }
    self.type = type.map { Array($0.utf8) }
    self.headers = headers
    self.eventTime = eventTime.map { Timestamp(rawValue: $0) }
    self.isTombstone = isTombstone
  }

  /// A record of bytes with nothing else.
  public init(bytes: [UInt8]) {
    self.init("")
    value = bytes
  }

  /// The block of headers; empty for none.
  public func headerBlock() throws(FormatError) -> [UInt8] { try RecordHeaders.encoded(headers) }

  /// Key, type, headers and value, as they stand in a frame.
  public func body() throws(FormatError) -> [UInt8] {
    try (key ?? []) + (type ?? []) + headerBlock() + value
  }

  /// Lends the record as input.
  public func withInput<Result>(
    _ use: (borrowing RecordInput) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let (key, type, headers) = (key ?? [], type ?? [], try headerBlock())
    let keySpan: RawSpan? = self.key == nil ? nil : key.rawSpan
    let typeSpan: RawSpan? = self.type == nil ? nil : type.rawSpan
    let input = RecordInput(
      value.rawSpan, key: keySpan, type: typeSpan, headers: headers.rawSpan, eventTime: eventTime,
      isTombstone: isTombstone)
    return try use(input)
  }

  /// What a reader must find.
  public func record(offset: UInt64, appendTime: Int64) throws(FormatError) -> Record {
    try withInput { input throws(FormatError) in
      let frame = Self.soloFrame(
        input, producer: nil, offset: offset, appendTime: appendTime, salt: 0, position: 16_384)
      guard let head = FrameHead(frame.rawSpan, at: 0) else { throw .damaged(.frame, .length) }
      let view = try SoloRecord.view(
        frame.rawSpan.extracting(0..<Int(head.length)), head: head)
      return Record(copying: view)
    }
  }

  /// The bytes of a solo record's frame, padded to 8.
  public static func soloFrame(
    _ input: borrowing RecordInput, producer: ProducerStamp?, offset: UInt64, appendTime: Int64,
    salt: UInt64, position: UInt64
  ) -> [UInt8] {
    let count = SegmentLayout.aligned(SoloRecord.byteCount(input, producer: producer))
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xa5)
    let word = SoloRecord.encode(
      input, producer: producer, into: memory.baseAddress.unsafelyUnwrapped,
      offset: Offset(rawValue: offset), appendTime: Timestamp(rawValue: appendTime), salt: salt,
      position: position)
    memory.storeLittleEndian(word, at: 0)
    return Array(memory)
  }

  /// The bytes of a batch frame made by ``BatchBuilder``, padded to 8.
  public static func batchFrame(
    _ records: [RecordSpec], producer: ProducerStamp? = nil, baseOffset: UInt64,
    appendTime: Int64, epoch: UInt32 = 1, salt: UInt64, position: UInt64,
    limits: FormatLimits = FormatLimits()
  ) throws(FormatError) -> [UInt8] {
    var builder = BatchBuilder(limits: limits, capacity: 64)
    for record in records {
      try record.withInput { input throws(FormatError) in try builder.append(input) }
    }
    return try batchFrame(
      builder, producer: producer, baseOffset: baseOffset, appendTime: appendTime, epoch: epoch,
      salt: salt, position: position)
  }

  /// The bytes of the batch a builder has collected.
  public static func batchFrame(
    _ builder: borrowing BatchBuilder, producer: ProducerStamp? = nil, baseOffset: UInt64,
    appendTime: Int64, epoch: UInt32 = 1, salt: UInt64, position: UInt64
  ) throws(FormatError) -> [UInt8] {
    let plan = try builder.plan(producer: producer)
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: SegmentLayout.aligned(plan.byteCount), alignment: 8)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xa5)
    let word = builder.encode(
      plan, into: memory.baseAddress.unsafelyUnwrapped, baseOffset: Offset(rawValue: baseOffset),
      appendTime: Timestamp(rawValue: appendTime), epoch: epoch, salt: salt, position: position)
    memory.storeLittleEndian(word, at: 0)
    return Array(memory)
  }
}
