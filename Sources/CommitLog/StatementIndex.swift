internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

extension [RecordRedaction] {
  /// The leaves of the records, by offset; what was stated first of an offset counts.
  var byOffset: [UInt64: RecordLeaf] {
    Dictionary(map { ($0.leaf.offset, $0.leaf) }, uniquingKeysWith: { first, _ in first })
  }
}

/// What the statements of a store say, stream by stream: read once, then as they are added.
struct StatementIndex: Sendable {
  /// What is known of a stream.
  struct Stream: Sendable {
    /// Offsets behind groups that were stated, ascending.
    var statedOffsets: [UInt64] = []
    /// Where the statements of them stand in the evidence stream.
    var heads: [Offset] = []
    /// Where redactions stand in the evidence stream.
    var redactions: [Offset] = []
    /// Where removals stand there.
    var removals: [Offset] = []
    /// Offset up to which removals were stated.
    var removedOffset: UInt64 = 0

    /// Where the first statement of heads that covers an offset stands.
    func heads(covering offset: UInt64) -> Offset? {
      let place = statedOffsets.partitionPoint { $0 <= offset }
      return place < heads.count ? heads[place] : nil
    }
  }

  private(set) var streams: [UInt64: Stream] = [:]
  /// Where erasures stand in the evidence stream, by the codes of their subjects.
  private(set) var erasures: [Digest: Offset] = [:]
  /// First record of the evidence stream that was not read yet.
  private(set) var nextOffset = Offset.zero

  /// Takes a record of the evidence stream.
  mutating func take(_ statement: Statement, at offset: Offset) {
    nextOffset = max(nextOffset, offset.advanced(by: 1))
    var stream = streams[statement.streamID] ?? Stream()
    switch statement.content {
    case .heads(let heads):
      if stream.statedOffsets.last ?? 0 < heads.nextOffset {
        stream.statedOffsets.append(heads.nextOffset)
        stream.heads.append(offset)
      }
    case .removal(let removal):
      stream.removals.append(offset)
      stream.removedOffset = max(stream.removedOffset, removal.nextOffset)
    case .redaction: stream.redactions.append(offset)
    case .erasure(let erasure):
      erasures[erasure.subjectCode] = offset
      return
    case .seal: return
    }
    streams[statement.streamID] = stream
  }

  /// Reads what was added since.
  mutating func read(_ source: any ReadSource) throws(EvidenceError) {
    try Self.read(source, from: nextOffset, to: nil) { take($0, at: $1) }
    nextOffset = max(nextOffset, Offset(rawValue: source.visible))
  }

  /// Reads statements.
  ///
  /// - Parameter end: Where to stop; `nil` for the end of what is visible.
  static func read(
    _ source: any ReadSource, from first: Offset, to end: Offset?,
    _ body: (Statement, Offset) -> Void
  ) throws(EvidenceError) {
    let end = min(end ?? .maximum, Offset(rawValue: source.visible))
    guard first < end else { return }
    var failure: EvidenceError?
    do throws(ReadError) {
      var options = ReaderOptions()
      options.takesLease = false
      var reader = try LogReader(source, from: .offset(first), options)
      while reader.nextOffset < end, failure == nil {
        let count = try reader.read(max: Int(clamping: end.rawValue - reader.nextOffset.rawValue)) {
          view in
          guard view.offset < end, failure == nil else { return }
          do throws(StatementError) { body(try Statement(view.value), view.offset) } catch {
            failure = .statement(view.offset, error)
          }
        }
        if count == 0 { break }
      }
    } catch {
      throw .read(error)
    }
    if let failure { throw failure }
  }

  /// The statement at an offset; `nil` when there is none.
  static func statement(in source: any ReadSource, at offset: Offset) throws(EvidenceError)
    -> Statement?
  {
    var found: Statement?
    try read(source, from: offset, to: offset.advanced(by: 1)) { statement, _ in
      found = statement
    }
    return found
  }

  /// By stream: what its tree knows besides its records, and what was stated of it then.
  private var trees: [UInt64: (statementCount: Int, memory: StreamTree.Memory)] = [:]
  /// Trees of which that is kept.
  private static let treeCountLimit = 16

  /// The tree of a stream, with what statements keep of what is gone.
  mutating func tree(of source: any ReadSource, evidence: any ReadSource) throws(EvidenceError)
    -> StreamTree
  {
    let id = source.streamID
    let count = (streams[id]?.removals.count ?? 0) + (streams[id]?.redactions.count ?? 0)
    if let known = trees[id], known.statementCount == count {
      return StreamTree(source, known.memory)
    }
    var removals: [RecordRemoval] = []
    for offset in streams[id]?.removals ?? [] {
      let statement = try Self.statement(in: evidence, at: offset)
      if case .removal(let removal)? = statement?.content { removals.append(removal) }
    }
    let memory = StreamTree.Memory(
      removals: removals, redactions: try redactions(of: id, evidence: evidence))
    if trees.count >= Self.treeCountLimit { trees = [:] }
    trees[id] = (count, memory)
    return StreamTree(source, memory)
  }

  /// What is stated of records of a stream that were taken out.
  func redactions(of streamID: UInt64, evidence: any ReadSource) throws(EvidenceError)
    -> [RecordRedaction]
  {
    var redactions: [RecordRedaction] = []
    for offset in streams[streamID]?.redactions ?? [] {
      let statement = try Self.statement(in: evidence, at: offset)
      if case .redaction(let redaction)? = statement?.content { redactions.append(redaction) }
    }
    return redactions
  }
}
