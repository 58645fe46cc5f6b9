internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// A group made again from leaves, and from whole blocks of them.
struct RebuiltGroup {
  private let coverage: EvidenceCoverage
  private let before: EvidenceState
  private var tree: TreeFrontier
  private var nextOffset: UInt64
  private var recordCount: UInt64 = 0
  private var times: (first: Int64, last: Int64) = (0, 0)
  /// Nodes that were completed, by level from the lowest kept one up.
  private(set) var nodes: [[Digest]] = []

  init(_ coverage: EvidenceCoverage, after state: EvidenceState) {
    (self.coverage, before) = (coverage, state)
    tree = coverage == .tree ? state.frontier : TreeFrontier()
    nextOffset = state.nextOffset
  }

  /// Adds leaves of the next offsets.
  mutating func append(
    _ leaves: [Digest], recordCount: Int, times: (first: Int64, last: Int64)
  ) {
    count(leaves.count, recordCount, times)
    let isTree = coverage == .tree
    var completed: [TreeFrontier.Run] = []
    tree.append(leaves) { run in
      if isTree, run.level >= EvidenceBuilder.keptLevel { completed.append(run) }
    }
    for run in completed { note(run.hashes, level: run.level) }
  }

  /// Adds a whole block of the next offsets, where the tree has whole blocks alone.
  mutating func append(_ block: ChunkAccount.Block) {
    count(256, 256, (block.firstTime, block.lastTime))
    let isTree = coverage == .tree
    var completed: [(Int, Digest)] = []
    tree = tree.appending(block: block.hash) { completed.append(($0, $1)) } ?? tree
    if isTree { for (level, hash) in completed { note([hash], level: level) } }
  }

  private mutating func count(
    _ leafCount: Int, _ recordCount: Int, _ times: (first: Int64, last: Int64)
  ) {
    nextOffset += UInt64(leafCount)
    guard recordCount > 0 else { return }
    if self.recordCount == 0 { self.times.first = times.first }
    self.times.last = times.last
    self.recordCount += UInt64(recordCount)
  }

  private mutating func note(_ hashes: [Digest], level: Int) {
    let index = level - EvidenceBuilder.keptLevel
    while nodes.count <= index { nodes.append([]) }
    nodes[index] += hashes
  }

  /// The tree at the end of the group.
  var frontier: TreeFrontier { tree }

  /// The group as it would stand in the log.
  func frame(_ definition: ManifestEdit.StreamDefinition, _ storeID: UniqueIdentifier)
    -> IntegrityFrame
  {
    let header = header(definition, storeID)
    let isTree = coverage == .tree
    return IntegrityFrame(
      sequence: header.sequence, firstOffset: Offset(rawValue: before.nextOffset),
      nextOffset: Offset(rawValue: nextOffset),
      firstAppendTime: Timestamp(rawValue: times.first),
      lastAppendTime: Timestamp(rawValue: times.last), recordCount: recordCount,
      treeSize: header.treeSize, root: header.root.bytes,
      previousHead: before.chain.head.bytes,
      head: HashChain.link(header, after: before.chain.head).bytes,
      evidence: isTree ? .tree : .chain, storeID: storeID,
      frontier: isTree ? tree.hashes.flatMap(\.bytes) : [],
      nodes: isTree ? nodes.flatMap { $0.flatMap(\.bytes) } : [])
  }

  private func header(_ definition: ManifestEdit.StreamDefinition, _ storeID: UniqueIdentifier)
    -> GroupHeader
  {
    GroupHeader(
      storeID: storeID.bytes, streamID: definition.streamID, sequence: before.chain.count + 1,
      firstOffset: before.nextOffset, nextOffset: nextOffset, firstAppendTime: times.first,
      lastAppendTime: times.last, recordCount: recordCount, treeSize: tree.size, root: tree.root)
  }

  /// What the next group goes on from.
  func state(_ definition: ManifestEdit.StreamDefinition, _ storeID: UniqueIdentifier)
    -> EvidenceState
  {
    var chain = before.chain
    chain.append(header(definition, storeID))
    return EvidenceState(
      chain: chain, frontier: coverage == .tree ? tree : TreeFrontier(), nextOffset: nextOffset)
  }
}
