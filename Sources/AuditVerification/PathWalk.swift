internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat

/// Goes through a stream's leaves for the proof of one of them.
struct PathWalk: ChunkStage {
  var collector: PathCollector
  /// Leaves of records whose content was taken out.
  private let redacted: [UInt64: RecordLeaf]
  /// Their offsets, ascending.
  private let redactedOffsets: [UInt64]
  /// Prepares a segment that a killed writer had gone on to; `nil` when there is none.
  private let successor: @Sendable (_ segmentID: UInt64) -> PlannedSegment?
  /// The leaf of the record, where the record was found.
  private var leaf: RecordLeaf?
  /// Whether the record may still come.
  var isSeeking = false
  /// Whether the offset was given up, and so has no record.
  private var isGap = false

  init(
    _ collector: PathCollector, redacted: [UInt64: RecordLeaf],
    successor: @escaping @Sendable (UInt64) -> PlannedSegment?
  ) {
    (self.collector, self.redacted, self.successor) = (collector, redacted, successor)
    redactedOffsets = redacted.keys.sorted()
  }

  /// The data of the leaf; `nil` when the record is gone.
  func data(at offset: UInt64) -> RecordLeaf? {
    redacted[offset] ?? leaf
      ?? (isGap ? RecordLeaf(kind: .gap, offset: offset, appendTime: 0) : nil)
  }

  mutating func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut? {
    if let found = account.leaf { leaf = found }
    for case .run(let run) in account.items {
      if run.next > collector.index { isSeeking = false }
      guard run.next > collector.next else { continue }
      takeRedacted(upTo: run.first)
      if run.isGap {
        takeGap(max(run.first, collector.next)..<run.next)
      } else if !run.leaves.isEmpty {
        collector.take(
          account.leaves[run.leaves], from: run.next - UInt64(run.leaves.count),
          blocks: account.blocks[run.blocks])
      }
    }
    guard !collector.isDone || isSeeking else { return nil }
    if case .more = account.stop, account.end > account.start {
      return ChunkSource.Cut(segment: request.cut.segment, position: account.end)
    }
    let next = request.cut.segment + 1
    if next == segments.count, let more = successor(segments[next - 1].segmentID) {
      segments.append(more)
    }
    if next < segments.count { return .beginning(of: next) }
    // A record that was redacted may have been the last.
    takeRedacted(upTo: .max)
    return nil
  }

  private mutating func takeGap(_ range: Range<UInt64>) {
    for offset in redactedOffsets where range.contains(offset) {
      collector.take(collector.next..<offset, of: .gap)
      takeKept(offset)
    }
    collector.take(
      max(range.lowerBound, collector.next)..<max(range.upperBound, collector.next), of: .gap)
    if range.contains(collector.index) { isGap = true }
  }

  /// Takes the leaves of redacted records that stand where no records are.
  private mutating func takeRedacted(upTo end: UInt64) {
    while collector.next < end, redacted[collector.next] != nil { takeKept(collector.next) }
  }

  private mutating func takeKept(_ offset: UInt64) {
    guard let kept = redacted[offset] else { return }
    collector.take([MerkleTree.leafHash(kept.encoded)], from: offset)
  }
}

/// Looks for what a store states of one stream.
struct StatementScan: ChunkStage {
  /// The first statement of heads that covers the offset, and where it stands.
  private(set) var heads: (statement: Statement, offset: UInt64)?
  /// What is gone, in the order of offsets.
  private(set) var removals: [RecordRemoval] = []
  private(set) var redacted: [UInt64: RecordLeaf] = [:]
  private let streamID: UInt64?
  private let offset: UInt64
  private let limit: UInt64

  /// Looks for statements.
  ///
  /// - Parameters:
  ///   - streamID: The stream; `nil` for none.
  ///   - offset: The offset that heads are to cover.
  ///   - limit: Heads that were stated from this offset of the evidence stream on do not count.
  init(of streamID: UInt64?, covering offset: UInt64, below limit: UInt64) {
    (self.streamID, self.offset, self.limit) = (streamID, offset, limit)
  }

  mutating func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut? {
    for value in account.values {
      // What is no statement is a finding of an audit.
      guard let statement = try? Statement(value.bytes.rawSpan), statement.streamID == streamID
      else { continue }
      switch statement.content {
      case .heads(let stated):
        if heads == nil, stated.nextOffset > offset, value.offset < limit {
          heads = (statement, value.offset)
        }
      case .removal(let removal):
        let place = removals.partitionPoint { $0.firstOffset <= removal.firstOffset }
        removals.insert(removal, at: place)
      case .redaction(let redaction): redacted[redaction.leaf.offset] = redaction.leaf
      case .erasure, .seal: break
      }
    }
    if case .more = account.stop, account.end > account.start {
      return ChunkSource.Cut(segment: request.cut.segment, position: account.end)
    }
    let next = request.cut.segment + 1
    return next < segments.count ? .beginning(of: next) : nil
  }
}
