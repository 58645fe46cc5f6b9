internal import CommitLog
public import LogFormat
public import Quantities
internal import SimulatedIO

/// Every part of a record that a scenario appends. No two records of a run are alike, so a record
/// that turns up where another one belongs is noticed.
public struct RecordContent: Hashable, Sendable {
  /// The payload; its first bytes are the serial number.
  public let value: [UInt8]
  /// The key, in some shapes.
  public let key: [UInt8]?
  /// The type, in some shapes.
  public let type: [UInt8]?
  /// The encoded headers; empty in most shapes.
  public let headers: [UInt8]
  /// The event time, in some shapes.
  public let eventTime: Timestamp?
  /// Whether the record removes its key.
  public let isTombstone: Bool

  /// Which parts a record has.
  public enum Shape: Sendable {
    /// A value alone: the fast path.
    case plain
    /// Key, type, headers and event time as well.
    case full
    /// A key without a value.
    case tombstone
  }

  /// Makes the record of a serial number; the same number and shape give the same bytes.
  public init(serial: UInt64, valueByteCount: Int, shape: Shape = .plain) {
    var value: [UInt8] = []
    value.reserveCapacity(valueByteCount + 8)
    var word = serial
    while value.count < valueByteCount {
      var bytes = word
      for _ in 0..<8 {
        value.append(UInt8(truncatingIfNeeded: bytes))
        bytes >>= 8
      }
      word = (word ^ (word >> 29)) &* 0xbf58_476d_1ce4_e5b9 &+ 1
    }
    value.removeLast(value.count - valueByteCount)
    switch shape {
    case .plain:
      (key, type, headers, eventTime) = (nil, nil, [], nil)
      isTombstone = false
      self.value = value
    case .full:
      key = Array("key \(serial % 17)".utf8)
      type = Array("crash.test".utf8)
      let fields = [RecordHeaders.Entry(name: "serial", value: Array("\(serial)".utf8))]
      headers = (try? RecordHeaders.encoded(fields)) ?? []
      eventTime = Timestamp(rawValue: Int64(truncatingIfNeeded: serial & 0xffff_ffff))
      isTombstone = false
      self.value = value
    case .tombstone:
      key = Array("key \(serial)".utf8)
      (type, headers, eventTime) = (nil, [], nil)
      isTombstone = true
      self.value = []
    }
  }

  /// Bytes of all parts.
  public var byteCount: Int {
    value.count + (key?.count ?? 0) + (type?.count ?? 0) + headers.count
  }

  /// Whether a record that was read is this one, byte for byte.
  public func matches(_ view: borrowing RecordView) -> Bool {
    view.value.equals(value) && view.headers.equals(headers) && view.eventTime == eventTime
      && view.isTombstone == isTombstone && Self.isSame(view.key, key)
      && Self.isSame(view.type, type)
  }

  private static func isSame(_ span: RawSpan?, _ bytes: [UInt8]?) -> Bool {
    guard let bytes else { return span == nil }
    guard let span else { return false }
    return span.equals(bytes)
  }
}

extension RawSpan {
  func equals(_ other: [UInt8]) -> Bool {
    guard byteCount == other.count else { return false }
    // Safety: both buffers are used inside their closures only, below their counts.
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
    }
  }
}
