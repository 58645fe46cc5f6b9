internal import ByteCoding
public import Quantities

/// Counts over the records of a segment, kept in recovery slots and the seal block.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | record count |
/// | 8 | 8 | payload bytes |
/// | 16 | 8 | records with an event time |
/// | 24 | 8 | earliest event time (0 when there is none) |
/// | 32 | 8 | latest event time (0 when there is none) |
/// | 40 | 8 | append time of the first record (0 when there is none) |
public struct SegmentStatistics: Hashable, Sendable {
  /// Records; fewer than the offsets when there are gaps.
  public var recordCount: UInt64 = 0
  /// Bytes of keys, types, headers and values.
  public var payloadByteCount: UInt64 = 0
  /// Records that have an event time.
  public var eventTimeCount: UInt64 = 0
  /// Earliest event time; 0 when no record has one.
  public var earliestEventTime = Timestamp(rawValue: 0)
  /// Latest event time; 0 when no record has one.
  public var latestEventTime = Timestamp(rawValue: 0)
  /// Append time of the first record; 0 when there is none.
  public var firstAppendTime = Timestamp(rawValue: 0)

  /// Size on disk.
  public static let byteCount = 48

  /// Counts of no records.
  public init() {}

  /// Adds a record's event time.
  public mutating func note(eventTime: Timestamp) {
    if eventTimeCount == 0 || eventTime < earliestEventTime { earliestEventTime = eventTime }
    if eventTimeCount == 0 || eventTime > latestEventTime { latestEventTime = eventTime }
    eventTimeCount &+= 1
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(recordCount)
    bytes.appendLittleEndian(payloadByteCount)
    bytes.appendLittleEndian(eventTimeCount)
    bytes.appendLittleEndian(earliestEventTime.rawValue)
    bytes.appendLittleEndian(latestEventTime.rawValue)
    bytes.appendLittleEndian(firstAppendTime.rawValue)
  }

  init(_ reader: inout FieldReader) throws(FormatError) {
    recordCount = try reader.unsigned64()
    payloadByteCount = try reader.unsigned64()
    eventTimeCount = try reader.unsigned64()
    earliestEventTime = Timestamp(rawValue: try reader.signed64())
    latestEventTime = Timestamp(rawValue: try reader.signed64())
    firstAppendTime = Timestamp(rawValue: try reader.signed64())
  }
}
