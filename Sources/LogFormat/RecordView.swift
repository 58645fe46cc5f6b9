internal import ByteCoding
public import Quantities

/// One record as it stands in a frame: borrowed, not copied.
///
/// The view cannot outlive the bytes it was made from; the compiler checks that. Copy what is to be
/// kept with ``copyValue()`` or into a ``Record``.
public struct RecordView: ~Escapable {
  /// Number of the record in its log.
  public let offset: Offset
  /// The engine's own append clock; equal for all records of a batch.
  public let appendTime: Timestamp
  /// What the record is besides its bytes.
  public let flags: RecordFlags
  @usableFromInline let columns: ColumnSet
  @usableFromInline let eventNanoseconds: Int64
  @usableFromInline let body: RawSpan
  @usableFromInline let keyEnd: Int
  @usableFromInline let typeEnd: Int
  @usableFromInline let headersEnd: Int

  @inlinable
  @_lifetime(copy body)
  init(
    body: RawSpan, keyEnd: Int, typeEnd: Int, headersEnd: Int, offset: Offset,
    appendTime: Timestamp, eventNanoseconds: Int64, columns: ColumnSet, flags: RecordFlags
  ) {
    self.body = body
    self.keyEnd = keyEnd
    self.typeEnd = typeEnd
    self.headersEnd = headersEnd
    self.offset = offset
    self.appendTime = appendTime
    self.eventNanoseconds = eventNanoseconds
    self.columns = columns
    self.flags = flags
  }

  /// The payload.
  @inlinable
  public var value: RawSpan {
    @_lifetime(copy self) get { body.extracting(headersEnd..<body.byteCount) }
  }

  /// Key, type, headers and value as they stand, one behind the other.
  @inlinable
  public var content: RawSpan {
    @_lifetime(copy self) get { body }
  }

  /// Size of the payload in bytes.
  @inlinable
  public var valueByteCount: Int { body.byteCount &- headersEnd }

  /// Whether the record is its payload alone: no key, type, headers or event time, and no tombstone.
  @inlinable
  public var isValueAlone: Bool {
    headersEnd == 0 && !flags.contains(.tombstone)
      && columns.isDisjoint(with: [.key, .type, .headers, .eventTime, .eventTimeDelta])
  }

  /// The key, or `nil` when the record has none.
  public var key: RawSpan? {
    @_lifetime(copy self) get {
      guard columns.contains(.key), !flags.contains(.noKey) else { return nil }
      return body.extracting(0..<keyEnd)
    }
  }

  /// The record type, or `nil` when the record has none.
  public var type: RawSpan? {
    @_lifetime(copy self) get {
      guard columns.contains(.type), !flags.contains(.noType) else { return nil }
      return body.extracting(keyEnd..<typeEnd)
    }
  }

  /// The block of ``RecordHeaders``; empty when the record has none.
  public var headers: RawSpan {
    @_lifetime(copy self) get { body.extracting(typeEnd..<headersEnd) }
  }

  /// When the fact happened, as the producer said.
  public var eventTime: Timestamp? {
    guard !columns.isDisjoint(with: [.eventTime, .eventTimeDelta]), !flags.contains(.noEventTime)
    else { return nil }
    return Timestamp(rawValue: eventNanoseconds)
  }

  /// Whether the record marks its key as removed.
  public var isTombstone: Bool { flags.contains(.tombstone) }

  /// A copy of the payload.
  public func copyValue() -> [UInt8] { value.copyBytes() }
}

/// A record with bytes of its own, for those who keep it.
public struct Record: Hashable, Sendable {
  /// Number of the record in its log.
  public let offset: Offset
  /// The engine's own append clock.
  public let appendTime: Timestamp
  /// When the fact happened, as the producer said.
  public let eventTime: Timestamp?
  /// The key, or `nil`.
  public let key: [UInt8]?
  /// The record type, or `nil`.
  public let type: [UInt8]?
  /// The block of ``RecordHeaders``; empty for none.
  public let headers: [UInt8]
  /// The payload.
  public let value: [UInt8]
  /// Whether the record marks its key as removed.
  public let isTombstone: Bool

  /// A record of these parts.
  public init(
    offset: Offset, appendTime: Timestamp, eventTime: Timestamp? = nil, key: [UInt8]? = nil,
    type: [UInt8]? = nil, headers: [UInt8] = [], value: [UInt8], isTombstone: Bool = false
  ) {
    (self.offset, self.appendTime, self.eventTime) = (offset, appendTime, eventTime)
    (self.key, self.type, self.headers) = (key, type, headers)
    (self.value, self.isTombstone) = (value, isTombstone)
  }

  /// Copies a view.
  public init(copying view: borrowing RecordView) {
    offset = view.offset
    appendTime = view.appendTime
    eventTime = view.eventTime
    if let bytes = view.key { key = bytes.copyBytes() } else { key = nil }
    if let bytes = view.type { type = bytes.copyBytes() } else { type = nil }
    headers = view.headers.copyBytes()
    value = view.copyValue()
    isTombstone = view.isTombstone
  }
}

extension SoloRecord {
  /// Reads the record of a frame whose length lies inside `frame`; its checksum is the caller's.
  @_lifetime(copy frame)
  public static func view(_ frame: RawSpan, head: FrameHead) throws(FormatError) -> RecordView {
    let columns = head.columns
    guard head.flags == 0 else { throw .newer(.soloRecord, .codec) }
    guard columns.isSubset(of: .known) else { throw .newer(.soloRecord, .columns) }
    guard columns.isSubset(of: allowedColumns) else { throw .damaged(.soloRecord, .columns) }
    guard let rawOffset = frame.littleEndianUnsigned64(at: 16),
      let time = frame.littleEndianSigned64(at: 24)
    else { throw .damaged(.soloRecord, .length) }
    guard rawOffset <= Offset.maximum.rawValue else { throw .damaged(.soloRecord, .offset) }
    let bodyStart = headByteCount + wordsByteCount(columns)
    guard bodyStart <= frame.byteCount else { throw .damaged(.soloRecord, .length) }
    var cursor = headByteCount
    if columns.contains(.producer) { cursor += ProducerStamp.byteCount }
    var eventNanoseconds: Int64 = 0
    if columns.contains(.eventTime) {
      eventNanoseconds = frame.littleEndianSigned64(at: cursor) ?? 0
      cursor += 8
    }
    if columns.contains(.messageID) { cursor += 16 }
    if columns.contains(.stream) { cursor += 8 }
    func word() -> Int {
      let value = frame.littleEndianUnsigned32(at: cursor) ?? 0
      cursor += 4
      return Int(value)
    }
    let keyEnd = columns.contains(.key) ? word() : 0
    let typeEnd = keyEnd + (columns.contains(.type) ? word() : 0)
    let headersEnd = typeEnd + (columns.contains(.headers) ? word() : 0)
    if columns.contains(.timeToLive) { cursor += 4 }
    var flags: RecordFlags = []
    if columns.contains(.flags) {
      let raw = word()
      guard raw <= Int(RecordFlags.known.rawValue) else { throw .newer(.soloRecord, .reserved) }
      flags = RecordFlags(rawValue: UInt8(truncatingIfNeeded: raw))
    }
    guard headersEnd <= frame.byteCount - bodyStart else { throw .damaged(.soloRecord, .length) }
    return RecordView(
      body: frame.extracting(bodyStart..<frame.byteCount), keyEnd: keyEnd, typeEnd: typeEnd,
      headersEnd: headersEnd, offset: Offset(rawValue: rawOffset),
      appendTime: Timestamp(rawValue: time), eventNanoseconds: eventNanoseconds,
      columns: columns, flags: flags)
  }

  /// The producer's stamp of a solo record's frame, or `nil` when it has none.
  public static func producer(_ frame: RawSpan, head: FrameHead) throws(FormatError)
    -> ProducerStamp?
  {
    guard head.columns.contains(.producer) else { return nil }
    return try ProducerStamp(frame, at: headByteCount)
  }
}
