public import Quantities

/// One record on its way in: borrowed bytes, copied by the append that takes them.
public struct RecordInput: ~Escapable {
  /// The payload; empty for a tombstone.
  public let value: RawSpan
  /// The key; meaningful when `hasKey`.
  public let key: RawSpan
  /// The record type, UTF-8 by convention; meaningful when `hasType`.
  public let type: RawSpan
  /// An encoded block of ``RecordHeaders``; empty for none.
  public let headers: RawSpan
  /// Whether the record has a key (an empty key is a key).
  public let hasKey: Bool
  /// Whether the record has a type.
  public let hasType: Bool
  /// When the fact happened, as the producer says; `nil` when it does not say.
  public let eventTime: Timestamp?
  /// Marks its key as removed.
  public let isTombstone: Bool

  /// A record of nothing but a value.
  @inlinable
  @_lifetime(copy value)
  public init(_ value: RawSpan) {
    self.value = value
    key = value.extracting(first: 0)
    type = value.extracting(first: 0)
    headers = value.extracting(first: 0)
    hasKey = false
    hasType = false
    eventTime = nil
    isTombstone = false
  }

  /// A record with any of the optional parts; `nil` leaves a part out.
  @_lifetime(copy value, copy key, copy type, copy headers)
  public init(
    _ value: RawSpan, key: RawSpan?, type: RawSpan?, headers: RawSpan? = nil,
    eventTime: Timestamp? = nil, isTombstone: Bool = false
  ) {
    self.value = value
    hasKey = key != nil
    hasType = type != nil
    if let key { self.key = key } else { self.key = value.extracting(first: 0) }
    if let type { self.type = type } else { self.type = value.extracting(first: 0) }
    if let headers { self.headers = headers } else { self.headers = value.extracting(first: 0) }
    self.eventTime = eventTime
    self.isTombstone = isTombstone
  }

  /// Bytes of key, type, headers and value together.
  @inlinable
  public var bodyByteCount: Int {
    value.byteCount &+ key.byteCount &+ type.byteCount &+ headers.byteCount
  }

  /// Whether nothing but a value is there, the shape of the fast path.
  @inlinable
  public var isPlain: Bool {
    !hasKey && !hasType && headers.byteCount == 0 && eventTime == nil && !isTombstone
  }

  /// Checks every part against its limit.
  ///
  /// - Throws: `.overLimit` naming the part and the limit, or `.damaged` for a tombstone with a value
  ///   or without a key.
  public func check(_ limits: FormatLimits) throws(FormatError) {
    func atMost(_ count: Int, _ limit: Int, _ part: FormatError.Structure) throws(FormatError) {
      guard count <= limit else {
        throw .overLimit(part, value: UInt64(count), limit: UInt64(limit))
      }
    }
    try atMost(key.byteCount, FormatLimits.keyByteCountLimit, .soloRecord)
    try atMost(type.byteCount, FormatLimits.typeByteCountLimit, .soloRecord)
    try atMost(headers.byteCount, FormatLimits.headersByteCountLimit, .recordHeaders)
    try atMost(value.byteCount, limits.recordByteCountLimit, .soloRecord)
    try atMost(bodyByteCount, limits.recordByteCountLimit, .soloRecord)
    if isTombstone {
      guard value.byteCount == 0, hasKey else { throw .damaged(.soloRecord, .columns) }
    }
    if headers.byteCount > 0 { try RecordHeaders.validate(headers) }
  }
}
