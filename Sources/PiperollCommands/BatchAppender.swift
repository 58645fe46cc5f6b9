internal import ByteCoding
internal import CommitLog
internal import LogFormat
internal import Quantities

/// Collects records and appends them a batch at a time.
struct BatchAppender: ~Copyable {
  /// A batch is sent when it holds this many bytes.
  static let batchByteCount = 1 << 20
  /// A batch is sent when it holds this many records.
  static let batchRecordCount = 1 << 16

  /// Called with the offsets of each batch when it is what the class of the stream promises.
  var acknowledge: ((Range<UInt64>) throws(CommandFailure) -> Void)?
  /// Records appended so far.
  private(set) var recordCount: UInt64 = 0
  /// Offset of the first of them.
  private(set) var firstOffset: Offset?

  private let log: StreamLog
  private let key: [UInt8]?
  private let type: [UInt8]?
  private let isPlain: Bool
  private var batch = BatchBuilder(capacity: batchByteCount)
  /// The producer and the sequence number of the next batch's first record.
  var producer: ProducerStamp?

  /// Makes an appender.
  ///
  /// - Parameters:
  ///   - key: The key of every record.
  ///   - type: The type of every record.
  init(_ log: StreamLog, key: [UInt8]? = nil, type: [UInt8]? = nil) {
    self.log = log
    self.key = key
    self.type = type
    isPlain = key == nil && type == nil
  }

  /// Adds a record.
  ///
  /// - Parameter hasNewline: Whether a line feed stood behind it in the input.
  mutating func add(_ value: RawSpan, hasNewline: Bool = true) throws(CommandFailure) {
    if isPlain && hasNewline {
      try makeRoom(value.byteCount)
      do throws(FormatError) { try batch.append(value) } catch { throw .append(.invalid(error)) }
      return
    }
    let none: [UInt8] = []
    let keyBytes = key ?? none
    let typeBytes = type ?? none
    let mark = NewlineMark.block
    try add(
      RecordInput(
        value, key: key == nil ? nil : keyBytes.rawSpan,
        type: type == nil ? nil : typeBytes.rawSpan, headers: hasNewline ? nil : mark.rawSpan))
  }

  /// Adds a record with all its parts.
  mutating func add(_ record: borrowing RecordInput) throws(CommandFailure) {
    try makeRoom(record.bodyByteCount)
    do throws(FormatError) { try batch.append(record) } catch { throw .append(.invalid(error)) }
  }

  private mutating func makeRoom(_ byteCount: Int) throws(CommandFailure) {
    let isFull =
      batch.bodyByteCount + byteCount > Self.batchByteCount
      || batch.count >= Self.batchRecordCount
    if isFull { try send() }
  }

  /// Appends what was collected; with `acknowledge` it waits until that is safe.
  mutating func send() throws(CommandFailure) {
    guard !batch.isEmpty else { return }
    let count = UInt64(batch.count)
    let receipt: AppendReceipt
    do throws(AppendError) { receipt = try log.append(batch, producer: producer) } catch {
      throw .append(error)
    }
    batch.removeAll()
    producer?.sequence &+= UInt32(truncatingIfNeeded: count)
    if firstOffset == nil { firstOffset = receipt.offset }
    recordCount += count
    guard let acknowledge else { return }
    let end = receipt.offset.rawValue + count
    let log = log
    try appending { () throws(AppendError) in
      try log.waitUntilAcknowledged(Offset(rawValue: end - 1))
    }
    try acknowledge(receipt.offset.rawValue..<end)
  }

  /// Appends what was collected as far as that is possible, because something else has failed.
  mutating func sendBeforeFailing() {
    acknowledge = nil
    do throws(CommandFailure) { try send() } catch {
      // The failure that led here is the one to report.
    }
  }

  /// Appends what was collected and waits until everything is durable.
  mutating func finish() throws(CommandFailure) {
    try send()
    let log = log
    try appending { () throws(AppendError) in try log.flush() }
  }
}
