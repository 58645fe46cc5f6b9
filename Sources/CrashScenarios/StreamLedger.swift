public import CommitLog
public import LogFormat
internal import Quantities

/// What a test knows of one stream: every record at its offset, and what was promised about it.
public struct StreamLedger: Sendable {
  /// Name of the stream.
  public let name: String
  /// Settings it was created with.
  public let options: StreamOptions
  /// The creation returned.
  public internal(set) var isCreated = false
  /// What was appended, by offset from 0; records that were removed stay here.
  public internal(set) var entries: [Entry] = []
  /// Everything before this offset must survive a power cut.
  public internal(set) var durable: UInt64 = 0
  /// Everything before this offset must survive the death of the process.
  public internal(set) var visible: UInt64 = 0
  /// Everything before this offset had been appended when the process died.
  var written: UInt64 = 0
  /// The log starts here or later, but not later than `logStartLimit`.
  public internal(set) var logStart: UInt64 = 0
  /// The highest log start offset that was ever asked for.
  public internal(set) var logStartLimit: UInt64 = 0
  /// Value sizes of the records the last crash took: records of the same sizes put new frames
  /// exactly where old ones may still lie.
  var lostSizes: [Int] = []

  /// One offset.
  public struct Entry: Sendable {
    /// The record; `nil` for a reservation that was given up.
    public let content: RecordContent?
    /// Last offset of its frame: a log can end behind it.
    public let endsFrame: Bool
    /// The stamp of the frame, at its first record, and how many records it stamped.
    public let stamp: ProducerStamp?
    /// Records of the frame, at its first record.
    public let frameRecordCount: Int
    /// Nothing was promised and the loss was reported: the record may be missing.
    public var mayBeMissing = false
  }

  /// What a producer's appends must have left.
  public struct ProducerLedger: Hashable, Sendable {
    /// Newest epoch.
    public var epoch: UInt16
    /// Its last sequence number.
    public var lastSequence: UInt32
    /// The append that carried it.
    public var lastStamp: ProducerStamp
    /// Its first offset.
    public var lastOffset: UInt64
    /// Its records.
    public var lastCount: Int
  }

  init(name: String, options: StreamOptions) {
    self.name = name
    self.options = options
  }

  /// The offset the next record gets.
  public var end: UInt64 { UInt64(entries.count) }

  /// Notes a frame that is about to be appended.
  mutating func add(_ contents: [RecordContent?], stamp: ProducerStamp?) {
    for (index, content) in contents.enumerated() {
      entries.append(
        Entry(
          content: content, endsFrame: index == contents.count - 1,
          stamp: index == 0 ? stamp : nil, frameRecordCount: index == 0 ? contents.count : 0))
    }
  }

  /// Forgets everything from an offset on: it was refused, or a crash took it.
  mutating func cut(to offset: UInt64) {
    lostSizes = entries[Int(offset)...].prefix(32).map { $0.content?.value.count ?? 0 }
    entries.removeLast(entries.count - Int(offset))
    durable = min(durable, offset)
    visible = min(visible, offset)
    written = min(written, offset)
  }

  /// What the table of producers must say when the log ends at an offset.
  public func producers(before end: UInt64) -> [UInt64: ProducerLedger] {
    var table: [UInt64: ProducerLedger] = [:]
    for index in 0..<Int(end) {
      guard let stamp = entries[index].stamp else { continue }
      let count = entries[index].frameRecordCount
      table[stamp.id] = ProducerLedger(
        epoch: stamp.epoch, lastSequence: stamp.sequence + UInt32(count) - 1, lastStamp: stamp,
        lastOffset: UInt64(index), lastCount: count)
    }
    return table
  }

  /// Payload bytes of the largest frame.
  var largestFrame: Int {
    var (largest, current) = (0, 0)
    for entry in entries {
      current += entry.content?.byteCount ?? 0
      largest = max(largest, current)
      if entry.endsFrame { current = 0 }
    }
    return largest
  }

  /// Bytes of the records from an offset on that the log had taken.
  func payloadByteCount(from offset: UInt64) -> Int {
    entries[Int(offset)..<Int(max(offset, written))].reduce(0) { $0 + ($1.content?.byteCount ?? 0) }
  }
}

/// What a test knows of a store.
public struct Ledger: Sendable {
  /// The creation of the store returned.
  public internal(set) var isStoreCreated = false
  /// Its streams, in the order they were first asked for.
  public internal(set) var streams: [StreamLedger] = []
  /// What might have been signed: size and root of the store's tree, the last one.
  var signed: (size: Offset, root: [UInt8])?

  subscript(name: String) -> StreamLedger? {
    get { streams.first { $0.name == name } }
    set {
      if let index = streams.firstIndex(where: { $0.name == name }) {
        if let newValue { streams[index] = newValue } else { streams.remove(at: index) }
      } else if let newValue {
        streams.append(newValue)
      }
    }
  }

  /// The promises that are left after a crash: a power cut keeps what was durable.
  func after(_ crash: Crash) -> Ledger {
    guard crash == .powerCut else { return self }
    var ledger = self
    for index in ledger.streams.indices {
      ledger.streams[index].visible = ledger.streams[index].durable
    }
    return ledger
  }
}

/// What ended a process.
public enum Crash: Sendable {
  /// It was killed, or closed the store; the page cache lives on.
  case processDeath
  /// The machine lost its power.
  case powerCut
}

/// A broken promise.
public struct Violation: Error, CustomStringConvertible {
  /// What was promised and what was found.
  public let description: String

  /// Makes a violation.
  public init(_ description: String) { self.description = description }
}
