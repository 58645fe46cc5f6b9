public import ByteCoding
public import Quantities

/// A batch frame, borrowed: constant-time access to each record without decoding the others.
public struct BatchView: ~Escapable {
  /// The head.
  public let head: BatchHead
  /// Which columns the batch has.
  public let columns: ColumnSet
  @usableFromInline let frame: RawSpan
  @usableFromInline let layout: BatchLayout

  /// Reads the head and lays out the columns; the frame's checksum is the caller's concern.
  ///
  /// - Parameters:
  ///   - frame: Exactly the bytes of the frame.
  ///   - frameHead: Its first 16 bytes.
  ///   - place: When given, the head check is compared with it.
  ///   - limits: Bounds for count and size.
  /// - Throws: `.damaged` for contradictions, `.newer` for an unknown codec, `.overLimit`.
  @_lifetime(copy frame)
  public init(_ frame: RawSpan, frameHead: FrameHead, place: UInt64?, limits: FormatLimits)
    throws(FormatError)
  {
    head = try BatchHead(frame, place: place)
    columns = frameHead.columns
    self.frame = frame
    guard frameHead.flags == 0 else { throw .newer(.batch, .codec) }
    guard columns.isSubset(of: .known) else { throw .newer(.batch, .columns) }
    guard !columns.isSuperset(of: [.eventTime, .eventTimeDelta]) else {
      throw .damaged(.batch, .columns)
    }
    guard head.count <= limits.batchRecordCountLimit else {
      throw .overLimit(
        .batch, value: UInt64(head.count), limit: UInt64(limits.batchRecordCountLimit))
    }
    guard
      let layout = BatchLayout(
        count: head.count, columns: columns, bodyByteCount: head.bodyByteCount),
      layout.byteCount == frame.byteCount
    else { throw .damaged(.batch, .length) }
    self.layout = layout
    if !columns.contains(.offsetDelta), head.lastOffsetDelta != UInt32(head.count - 1) {
      throw .damaged(.batch, .offset)
    }
    if columns.contains(.narrowEnds), head.bodyByteCount > Int(UInt16.max) {
      throw .damaged(.batch, .columns)
    }
  }

  /// Number of records.
  @inlinable
  public var count: Int { head.count }

  /// Offset of the first record.
  @inlinable
  public var baseOffset: Offset { head.baseOffset }

  /// Offset after the last record.
  @inlinable
  public var nextOffset: Offset {
    head.baseOffset.advanced(by: UInt64(head.lastOffsetDelta) &+ 1)
  }

  /// The producer's stamp, or `nil` when the batch has none.
  public var producer: ProducerStamp? {
    get throws(FormatError) {
      guard columns.contains(.producer) else { return nil }
      return try ProducerStamp(frame, at: BatchLayout.headByteCount)
    }
  }

  /// All bodies, contiguous.
  public var bodies: RawSpan {
    @_lifetime(copy self) get { frame.extracting(layout.bodies..<frame.byteCount) }
  }

  @inlinable
  func end(_ column: Int, _ index: Int) -> Int {
    if columns.contains(.narrowEnds) {
      return Int(frame.littleEndianUnsigned16(at: column &+ 2 &* index) ?? .max)
    }
    return Int(frame.littleEndianUnsigned32(at: column &+ 4 &* index) ?? .max)
  }

  /// Returns the record at a place in the batch.
  ///
  /// - Parameter index: `0 ..< count`; any other value throws `.damaged(.batch, .count)`.
  /// - Throws: `.damaged` when ends do not ascend or point outside the bodies.
  @inlinable
  @_lifetime(copy self)
  public func record(at index: Int) throws(FormatError) -> RecordView {
    guard index >= 0, index < head.count else { throw .damaged(.batch, .count) }
    let start = index == 0 ? 0 : end(layout.ends, index &- 1)
    let finish = end(layout.ends, index)
    guard start <= finish, finish <= head.bodyByteCount else { throw .damaged(.batch, .order) }
    let body = frame.extracting((layout.bodies &+ start)..<(layout.bodies &+ finish))
    guard columns.isSubset(of: [.producer, .narrowEnds]) else {
      return try record(at: index, start: start, body: body)
    }
    return RecordView(
      body: body, keyEnd: 0, typeEnd: 0, headersEnd: 0,
      offset: head.baseOffset.advanced(by: UInt64(index)), appendTime: head.appendTime,
      eventNanoseconds: 0, columns: columns, flags: [])
  }

  @usableFromInline
  @_lifetime(copy body)
  func record(at index: Int, start: Int, body: RawSpan) throws(FormatError) -> RecordView {
    var boundary = 0
    func part(_ column: ColumnSet, _ place: Int) throws(FormatError) -> Int {
      guard columns.contains(column) else { return boundary }
      let value = end(place, index) - start
      guard value >= boundary, value <= body.byteCount else { throw .damaged(.batch, .order) }
      boundary = value
      return value
    }
    let keyEnd = try part(.key, layout.keyEnds)
    let typeEnd = try part(.type, layout.typeEnds)
    let headersEnd = try part(.headers, layout.headersEnds)
    var flags: RecordFlags = []
    if columns.contains(.flags) {
      flags = RecordFlags(rawValue: frame.unsigned8(at: layout.flags + index) ?? 0xff)
      guard flags.isSubset(of: .known) else { throw .newer(.batch, .reserved) }
    }
    return RecordView(
      body: body, keyEnd: keyEnd, typeEnd: typeEnd, headersEnd: headersEnd,
      offset: try offset(at: index), appendTime: head.appendTime,
      eventNanoseconds: try eventNanoseconds(at: index), columns: columns, flags: flags)
  }

  func offset(at index: Int) throws(FormatError) -> Offset {
    guard columns.contains(.offsetDelta) else {
      return head.baseOffset.advanced(by: UInt64(index))
    }
    let delta = frame.littleEndianUnsigned32(at: layout.offsetDeltas + 4 * index) ?? .max
    let before =
      index == 0 ? nil : frame.littleEndianUnsigned32(at: layout.offsetDeltas + 4 * (index - 1))
    guard delta <= head.lastOffsetDelta, before.map({ $0 < delta }) ?? true else {
      throw .damaged(.batch, .offset)
    }
    return head.baseOffset.advanced(by: UInt64(delta))
  }

  func eventNanoseconds(at index: Int) throws(FormatError) -> Int64 {
    if columns.contains(.eventTime) {
      return frame.littleEndianSigned64(at: layout.eventTimes + 8 * index) ?? 0
    }
    guard columns.contains(.eventTimeDelta) else { return 0 }
    let base = frame.littleEndianSigned64(at: layout.eventBase) ?? 0
    let delta = frame.littleEndianUnsigned32(at: layout.eventDeltas + 4 * index) ?? 0
    let (time, overflow) = base.addingReportingOverflow(Int64(delta) * 1_000)
    guard !overflow, delta <= head.largestEventDelta else { throw .damaged(.batch, .order) }
    return time
  }
}
