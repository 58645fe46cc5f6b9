public import Cryptography

/// How much evidence a stream has.
public enum EvidenceCoverage: UInt8, Hashable, Sendable, CaseIterable {
  /// A chain over groups of records; the root of a group is that of its own leaves alone.
  case chain = 1
  /// The chain, and one tree over all records, whose root stands in each group.
  case tree = 2
}

/// What a stream's evidence is at the end of a group: enough to go on from there.
public struct EvidenceState: Hashable, Sendable {
  /// The chain so far.
  public var chain: HashChain
  /// The right edge of the tree; of the empty tree for ``EvidenceCoverage/chain``.
  public var frontier: TreeFrontier
  /// Offset behind the last record that is covered.
  public var nextOffset: UInt64

  /// A state that was kept.
  public init(chain: HashChain, frontier: TreeFrontier, nextOffset: UInt64) {
    (self.chain, self.frontier, self.nextOffset) = (chain, frontier, nextOffset)
  }

  /// What a stream begins with.
  public static let initial = EvidenceState(
    chain: HashChain(), frontier: TreeFrontier(), nextOffset: 0)
}

/// A group of records and what binds it to all before it.
public struct EvidenceGroup: Hashable, Sendable {
  /// What the chain's link says of the group.
  public var header: GroupHeader
  /// The head of the chain before the group.
  public var previousHead: Digest
  /// The head of the chain with the group.
  public var head: Digest
  /// What follows.
  public var state: EvidenceState
  /// Nodes of the tree that the group completed, of ``EvidenceBuilder/keptLevel`` and above: from the lowest
  /// level up, each left to right. Those below follow from the records.
  public var nodes: [TreeFrontier.Run]
}

/// The evidence of a stream as it grows: takes the leaves of records, and makes groups of them.
public struct EvidenceBuilder: Sendable {
  /// The lowest level of the tree whose hashes are kept: above 256 leaves, as tiles have them.
  public static let keptLevel = 8

  private let storeID: [UInt8]
  private let streamID: UInt64
  private let coverage: EvidenceCoverage
  /// At the end of the last group.
  public private(set) var state: EvidenceState
  /// With the group that is being made.
  private var frontier: TreeFrontier
  private var nextOffset: UInt64
  private var recordCount: UInt64 = 0
  private var firstAppendTime: Int64 = 0
  private var lastAppendTime: Int64 = 0
  private var nodes: [TreeFrontier.Run] = []

  /// Goes on with a stream.
  ///
  /// - Parameters:
  ///   - storeID: The store's identity, 16 bytes.
  ///   - streamID: The stream's number in its store.
  ///   - coverage: What evidence it has.
  ///   - state: Where its last group ended.
  public init(
    storeID: [UInt8], streamID: UInt64, coverage: EvidenceCoverage,
    state: EvidenceState = .initial
  ) {
    (self.storeID, self.streamID, self.coverage) = (storeID, streamID, coverage)
    self.state = state
    frontier = coverage == .tree ? state.frontier : TreeFrontier()
    nextOffset = state.nextOffset
  }

  /// Offsets in the group that is being made.
  public var pendingCount: UInt64 { nextOffset - state.nextOffset }

  /// Adds leaves to the group that is being made: those of the next offsets, none left out.
  ///
  /// - Parameters:
  ///   - leaves: Hashes of the leaves, in the order of their offsets.
  ///   - recordCount: How many of them are of records.
  ///   - appendTimes: Append times of the first and last record among them, in nanoseconds since
  ///     1970-01-01 UTC; not looked at when there is none.
  ///   - kernel: How to hash; must be supported.
  public mutating func append(
    _ leaves: [Digest], recordCount: Int, appendTimes: (first: Int64, last: Int64),
    kernel: SHA256.Kernel = .best
  ) {
    guard !leaves.isEmpty else { return }
    if recordCount > 0 {
      if self.recordCount == 0 { firstAppendTime = appendTimes.first }
      lastAppendTime = appendTimes.last
    }
    self.recordCount += UInt64(recordCount)
    nextOffset += UInt64(leaves.count)
    var completed: [TreeFrontier.Run] = []
    frontier.append(leaves, kernel: kernel) { run in
      if run.level >= Self.keptLevel { completed.append(run) }
    }
    if coverage == .tree { nodes += completed }
  }

  /// Ends the group that is being made.
  ///
  /// - Returns: The group; `nil` when there is nothing in it.
  public mutating func endGroup() -> EvidenceGroup? {
    guard pendingCount > 0 else { return nil }
    let header = GroupHeader(
      storeID: storeID, streamID: streamID, sequence: state.chain.count + 1,
      firstOffset: state.nextOffset, nextOffset: nextOffset, firstAppendTime: firstAppendTime,
      lastAppendTime: lastAppendTime, recordCount: recordCount, treeSize: frontier.size,
      root: frontier.root)
    let previousHead = state.chain.head
    state.chain.append(header)
    state.nextOffset = nextOffset
    if coverage == .tree { state.frontier = frontier } else { frontier = TreeFrontier() }
    defer {
      nodes = []
      (recordCount, firstAppendTime, lastAppendTime) = (0, 0, 0)
    }
    return EvidenceGroup(
      header: header, previousHead: previousHead, head: state.chain.head, state: state,
      nodes: Self.merged(nodes))
  }

  /// Joins what was completed at several times, by level.
  private static func merged(_ runs: [TreeFrontier.Run]) -> [TreeFrontier.Run] {
    var levels: [Int: TreeFrontier.Run] = [:]
    for run in runs {
      let first = levels[run.level]
      levels[run.level] = TreeFrontier.Run(
        level: run.level, index: first?.index ?? run.index,
        hashes: (first?.hashes ?? []) + run.hashes)
    }
    return levels.values.sorted { $0.level < $1.level }
  }
}
