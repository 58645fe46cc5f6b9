internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The evidence stream of a store that is open for writing, and what stands in it.
final class StoreStatements: Sendable {
  /// Opens the evidence stream; `nil` when there is none and none is to be made.
  typealias Opener = @Sendable (_ creating: Bool) throws(OpenError) -> StreamLog?

  private let storeID: [UInt8]
  /// A value of its own: a bare function would get one more thunk around it with each look.
  private struct Opening: Sendable {
    let open: Opener
  }

  private let opener = Guarded<Opening?>(nil)
  private let index = Guarded(StatementIndex())

  init(storeID: UniqueIdentifier) { self.storeID = storeID.bytes }

  /// Says how the evidence stream is opened.
  func start(_ open: @escaping Opener) { opener.withLock { $0 = Opening(open: open) } }

  /// The evidence stream; `nil` when there is none and none is to be made.
  func log(creating: Bool) throws(EvidenceError) -> StreamLog? {
    guard let opening = opener.withLock({ $0 }) else { return nil }
    do throws(OpenError) { return try opening.open(creating) } catch { throw .open(error) }
  }

  /// Makes statements, durably.
  ///
  /// - Parameter contents: What is said, and of which stream.
  /// - Returns: Where the first stands in the evidence stream.
  @discardableResult
  func append(_ contents: [(streamID: UInt64, content: Statement.Content)]) throws(EvidenceError)
    -> Offset?
  {
    guard !contents.isEmpty, let log = try log(creating: true) else { return nil }
    var first: Offset?
    do throws(AppendError) {
      var last = Offset.zero
      for (streamID, content) in contents {
        let statement = Statement(storeID: storeID, streamID: streamID, content: content)
        last = try log.append(
          copying: statement.encoded, type: Array(content.typeName.utf8)
        ).offset
        first = first ?? last
      }
      try log.waitUntilDurable(last)
    } catch {
      throw .append(error)
    }
    return first
  }

  /// What was stated of a stream so far.
  func stream(_ streamID: UInt64) throws(EvidenceError) -> StatementIndex.Stream {
    guard let log = try log(creating: false) else { return StatementIndex.Stream() }
    return try index.withLock { index throws(EvidenceError) in
      try index.read(log)
      return index.streams[streamID] ?? StatementIndex.Stream()
    }
  }

  /// The first statement of a stream's heads that covers an offset.
  func heads(of streamID: UInt64, covering offset: Offset, below size: UInt64)
    throws(EvidenceError) -> (statement: Statement, offset: Offset)?
  {
    guard let log = try log(creating: false) else { return nil }
    let place = try index.withLock { index throws(EvidenceError) -> Offset? in
      try index.read(log)
      return index.streams[streamID]?.heads(covering: offset.rawValue)
    }
    guard let place, place.rawValue < size else { return nil }
    return try StatementIndex.statement(in: log, at: place).map { ($0, place) }
  }

  /// Where the erasure of a subject is stated; `nil` when it is not.
  func erasure(of code: Digest) throws(EvidenceError) -> Offset? {
    guard let log = try log(creating: false) else { return nil }
    return try index.withLock { index throws(EvidenceError) in
      try index.read(log)
      return index.erasures[code]
    }
  }

  /// What is stated of records of a stream that were taken out.
  func redactions(of streamID: UInt64) throws(EvidenceError) -> [RecordRedaction] {
    guard let log = try log(creating: false), log.definition.streamID != streamID else { return [] }
    return try index.withLock { index throws(EvidenceError) in
      try index.read(log)
      return try index.redactions(of: streamID, evidence: log)
    }
  }

  /// Where it is stated that a record of a stream was taken out; `nil` when it is not.
  func redaction(of offset: Offset, streamID: UInt64) throws(EvidenceError) -> Offset? {
    guard let log = try log(creating: false) else { return nil }
    let places = try stream(streamID).redactions
    for place in places {
      let statement = try StatementIndex.statement(in: log, at: place)
      if case .redaction(let redaction)? = statement?.content,
        redaction.leaf.offset == offset.rawValue
      {
        return place
      }
    }
    return nil
  }

  /// The tree of a stream.
  func tree(of source: StreamLog) throws(EvidenceError) -> StreamTree {
    guard source.definition.evidence == .tree else {
      throw .withoutTree(stream: source.definition.name)
    }
    guard let log = try log(creating: false) else {
      return StreamTree(source, StreamTree.Memory())
    }
    return try index.withLock { index throws(EvidenceError) in
      try index.read(log)
      return try index.tree(of: source, evidence: log)
    }
  }
}

extension StreamLog {
  /// Makes everything appended so far durable, covers it, and waits until the group that does is durable.
  ///
  /// - Returns: Chain and tree as of the end of that group, or of a later one that is durable; `nil` when
  ///   nothing was appended yet.
  func durableEvidence() throws(AppendError) -> EvidenceHead? {
    let end = logEndOffset
    if end.rawValue > 0 {
      let last = Offset(rawValue: end.rawValue - 1)
      try waitUntilDurable(last)
      try waitUntilEvidenced(last)
    }
    guard let head = evidenceHead, head.groupCount > 0 else { return nil }
    while true {
      let proven = state.withLock { $0.provenGroup?.nextOffset ?? .zero }
      if proven >= head.nextOffset { return head }
      try refuseWhenStopped()
      if helpCommit() { continue }
      // The hasher has yet to put the group where the committer finds it.
      watermarks.cell.whileWaiting {
        let ticket = watermarks.cell.ticket
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 1_000_000)
      }
    }
  }
}
