internal import CommitLog
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// The newest checkpoint of each log in a stream of checkpoints: nothing but a fold over its records.
struct CheckpointFold {
  /// By the digest of the origin, so that an entry has one size, however long its origin is.
  private(set) var newest: [Digest: CheckpointAggregator.Newest] = [:]
  /// The first offset that was not looked at.
  private(set) var nextOffset: Offset = .zero

  static func key(_ origin: [UInt8]) -> Digest { SHA256.digest(origin) }

  /// Takes what was appended since, by whomever, once it is durable.
  mutating func catchUp(with log: StreamLog) throws(AggregationError) {
    // Of records that were removed it is not known which logs they were of.
    guard log.logStartOffset == .zero else {
      throw .beginningRemoved(stream: log.name, first: log.logStartOffset)
    }
    let end = log.logEndOffset
    guard nextOffset < end else { return }
    do throws(AppendError) {
      try log.waitUntilDurable(Offset(rawValue: end.rawValue - 1))
    } catch {
      throw .append(error)
    }
    var records = try Self.reading { () throws(ReadError) in
      try log.makeReader(from: .offset(nextOffset))
    }
    while true {
      let record = try Self.reading { () throws(ReadError) in try records.next() }
      // What comes behind the end is looked at next time, with a new end.
      guard let record, record.offset < end else { break }
      try apply(record, in: log)
    }
    nextOffset = end
  }

  /// Takes what was just appended, at the next offset.
  mutating func take(_ checkpoint: Checkpoint, at offset: Offset) {
    newest[Self.key(checkpoint.origin)] = CheckpointAggregator.Newest(
      state: Witness.State(size: checkpoint.size, root: checkpoint.root), offset: offset)
    nextOffset = offset.advanced(by: 1)
  }

  private static func reading<Result: ~Copyable>(_ body: () throws(ReadError) -> Result)
    throws(AggregationError) -> Result
  {
    do throws(ReadError) { return try body() } catch { throw .read(error) }
  }

  private mutating func apply(_ record: Record, in log: StreamLog) throws(AggregationError) {
    let checkpoint: Checkpoint
    do throws(NoteError) {
      checkpoint = try Checkpoint(text: SignedNote(record.value).text)
    } catch {
      throw .foreignRecord(stream: log.name, record.offset, error)
    }
    let key = Self.key(checkpoint.origin)
    let state = Witness.State(size: checkpoint.size, root: checkpoint.root)
    // The proof was looked at when it was appended; what can be seen without one is seen here.
    if let before = newest[key]?.state, before.size >= state.size {
      throw .brokenOrder(stream: log.name, record.offset, origin: checkpoint.originText)
    }
    newest[key] = CheckpointAggregator.Newest(state: state, offset: record.offset)
  }
}

extension Checkpoint {
  /// The origin, for messages.
  var originText: String { String(decoding: origin, as: UTF8.self) }
}
