import ByteCoding
import LogFormat
import Quantities

/// Writes a batch frame column by column as `FORMAT.md` says, reserved columns included.
///
/// Slow and independent of ``BatchBuilder``, which it is compared with.
public struct ColumnBatch: Sendable {
  /// How event times are stored.
  public enum EventTimes: Sendable { case none, deltas, nanoseconds }

  public var records: [RecordSpec]
  public var producer: ProducerStamp?
  public var eventTimes = EventTimes.none
  public var isNarrow = true
  public var hasFlags = false
  public var hasKeys = false
  public var hasTypes = false
  public var hasHeaders = false
  public var messageIDs: [UniqueIdentifier]?
  public var streams: [UInt64]?
  public var offsetDeltas: [UInt32]?
  public var lastOffsetDelta: UInt32?
  public var timesToLive: [UInt32]?
  public var commitSequence: UInt64 = 0
  public var epoch: UInt32 = 1

  /// A batch of these records without any column yet.
  public init(_ records: [RecordSpec]) { self.records = records }

  /// The column bits.
  public var columns: ColumnSet {
    var columns: ColumnSet = []
    if producer != nil { columns.insert(.producer) }
    if eventTimes == .deltas { columns.insert(.eventTimeDelta) }
    if eventTimes == .nanoseconds { columns.insert(.eventTime) }
    if messageIDs != nil { columns.insert(.messageID) }
    if streams != nil { columns.insert(.stream) }
    if isNarrow { columns.insert(.narrowEnds) }
    if hasKeys { columns.insert(.key) }
    if hasTypes { columns.insert(.type) }
    if hasHeaders { columns.insert(.headers) }
    if offsetDeltas != nil { columns.insert(.offsetDelta) }
    if timesToLive != nil { columns.insert(.timeToLive) }
    if hasFlags { columns.insert(.flags) }
    return columns
  }

  /// The bytes of the frame, padded to 8.
  public func encoded(baseOffset: UInt64, appendTime: Int64, salt: UInt64, position: UInt64)
    throws(FormatError) -> [UInt8]
  {
    let times = records.compactMap { $0.eventTime?.rawValue }
    let base = times.min() ?? 0
    var bodies: [UInt8] = []
    for record in records { bodies += try record.body() }
    var bytes = [UInt8](repeating: 0, count: 16)
    bytes.appendLittleEndian(baseOffset)
    bytes.appendLittleEndian(appendTime)
    bytes.appendLittleEndian(UInt32(records.count))
    bytes.appendLittleEndian(lastOffsetDelta ?? offsetDeltas?.last ?? UInt32(records.count - 1))
    bytes.appendLittleEndian(UInt32(bodies.count))
    let largest = eventTimes == .deltas ? times.map { ($0 - base) / 1_000 }.max() ?? 0 : 0
    bytes.appendLittleEndian(UInt32(largest))
    bytes.appendLittleEndian(commitSequence)
    bytes.appendLittleEndian(epoch)
    bytes.appendLittleEndian(UInt32(0))
    try appendColumns(&bytes, base: base)
    bytes += bodies
    let length = bytes.count
    while bytes.count % 8 != 0 { bytes.append(0) }
    let word = FrameHead.word(length: UInt32(length), kind: .batch, columns: columns)
    Forge.store(word, size: 8, at: 0, in: &bytes)
    Forge.mend(&bytes, .frame(salt: salt, position: position))
    return bytes
  }

  private func appendColumns(_ bytes: inout [UInt8], base: Int64) throws(FormatError) {
    func pad() { while bytes.count % 8 != 0 { bytes.append(0) } }
    if let producer {
      bytes.appendLittleEndian(producer.id)
      bytes.appendLittleEndian(producer.epoch)
      bytes.appendLittleEndian(UInt16(0))
      bytes.appendLittleEndian(producer.sequence)
    }
    if eventTimes == .deltas { bytes.appendLittleEndian(base) }
    if eventTimes == .nanoseconds {
      for record in records { bytes.appendLittleEndian(record.eventTime?.rawValue ?? 0) }
    }
    for id in messageIDs ?? [] { bytes.append(id) }
    for stream in streams ?? [] { bytes.appendLittleEndian(stream) }
    try appendEnds(&bytes)
    for delta in offsetDeltas ?? [] { bytes.appendLittleEndian(delta) }
    pad()
    if eventTimes == .deltas {
      for record in records {
        let delta = record.eventTime.map { ($0.rawValue - base) / 1_000 } ?? 0
        bytes.appendLittleEndian(UInt32(delta))
      }
      pad()
    }
    for seconds in timesToLive ?? [] { bytes.appendLittleEndian(seconds) }
    pad()
    guard hasFlags else { return }
    for record in records {
      var flags: RecordFlags = record.isTombstone ? .tombstone : []
      if hasKeys && record.key == nil { flags.insert(.noKey) }
      if hasTypes && record.type == nil { flags.insert(.noType) }
      if eventTimes != .none && record.eventTime == nil { flags.insert(.noEventTime) }
      bytes.append(flags.rawValue)
    }
    pad()
  }

  private func appendEnds(_ bytes: inout [UInt8]) throws(FormatError) {
    var columns = [[Int]](repeating: [], count: 4)
    var start = 0
    for record in records {
      let keyEnd = start + (record.key?.count ?? 0)
      let typeEnd = keyEnd + (record.type?.count ?? 0)
      let headersEnd = typeEnd + (try record.headerBlock().count)
      start = headersEnd + record.value.count
      for (index, end) in [start, keyEnd, typeEnd, headersEnd].enumerated() {
        columns[index].append(end)
      }
    }
    for (column, isThere) in zip(columns, [true, hasKeys, hasTypes, hasHeaders]) where isThere {
      for end in column {
        if isNarrow {
          bytes.appendLittleEndian(UInt16(end))
        } else {
          bytes.appendLittleEndian(UInt32(end))
        }
      }
      while bytes.count % 8 != 0 { bytes.append(0) }
    }
  }
}
