internal import ByteCoding
public import Cryptography
public import Integrity
internal import LogEvidence
internal import LogFormat
internal import PlatformIO
public import Quantities

/// Leaves under a node of the lowest level that is kept.
private let blockLeafCount = RecordRemoval.blockLeafCount

/// The tree of a stream as proofs are made from it: nodes of level 8 and above stand in seal blocks and
/// integrity frames, those below are made again from the 256 records under them, and what became of
/// records that are gone stands in the statements of their removal.
///
/// Methods may be called from any thread. Hashes that were used lately are kept.
public final class StreamTree: TreeHashes, Sendable {
  private let source: any ReadSource
  private let memory: Memory
  private var removed: RemovedLeaves { memory.removed }
  private var redacted: [UInt64: RecordLeaf] { memory.redacted }

  /// What a tree knows besides the records: what was stated of those that are gone, and hashes that were used.
  /// Knows no file, so that it may be kept.
  final class Memory: Sendable {
    fileprivate let removed: RemovedLeaves
    fileprivate let redacted: [UInt64: RecordLeaf]
    fileprivate let cache = Guarded(Cache())

    init(removals: [RecordRemoval] = [], redactions: [RecordRedaction] = []) {
      var removed = RemovedLeaves()
      for removal in removals { removed.add(removal) }
      self.removed = removed
      redacted = redactions.byOffset
    }
  }

  fileprivate struct Cache: Sendable {
    /// By number: the hashes of its levels, the leaves first.
    var blocks: [UInt64: Block] = [:]
    var nodes: [Node: Digest] = [:]

    static let blockCountLimit = 256
    static let nodeCountLimit = 1 << 16
  }

  fileprivate struct Node: Hashable, Sendable {
    let level: Int
    let index: UInt64
  }

  /// The hashes under a node of level 8, as many as there are.
  fileprivate struct Block: Sendable {
    var levels: [[Digest]]
    /// Data of the leaves that are not removed: those of the last ones.
    var data: [UInt8]

    /// What a leaf is the hash of; `nil` where nobody knows any more, or it is not there yet.
    func leaf(_ place: Int) -> RecordLeaf? {
      let start = (place - levels[0].count) * RecordLeaf.byteCount + data.count
      guard start >= 0, place < levels[0].count else { return nil }
      return RecordLeaf(data.rawSpan.extracting(start..<(start + RecordLeaf.byteCount)))
    }

    /// Whether all its leaves are there.
    var isWhole: Bool { levels[0].count == Int(blockLeafCount) }
  }

  init(_ source: any ReadSource, _ memory: Memory) {
    (self.source, self.memory) = (source, memory)
  }

  /// The root of the tree with so many leaves.
  ///
  /// - Parameter size: At most the offset behind the last group.
  /// - Throws: ``EvidenceError``.
  public func root(size: UInt64) throws(EvidenceError) -> Digest { try root(over: 0..<size) }

  /// The proof that an offset's leaf is part of the tree of some size, checked against a root.
  ///
  /// - Parameters:
  ///   - offset: The offset; below `size`.
  ///   - size: At most the offset behind the last group.
  ///   - root: The root of that tree, as a group or a checkpoint has it.
  /// - Throws: ``EvidenceError``: `.contradiction` when the records do not lead to the root.
  public func proof(of offset: Offset, size: UInt64, root: Digest) throws(EvidenceError) -> (
    leaf: Digest, proof: InclusionProof
  ) {
    guard offset.rawValue < size else { throw .notCovered(offset) }
    let leaf = try hash(level: 0, index: offset.rawValue)
    let proof = try inclusionProof(index: offset.rawValue, size: size)
    do throws(ProofError) { try proof.verify(leaf: leaf, root: root) } catch {
      throw .contradiction(offset..<Offset(rawValue: size))
    }
    return (leaf, proof)
  }

  /// The leaves of offsets whose records are there, or that have none: what the hashes are of.
  ///
  /// - Parameter offsets: Offsets that are covered; not below the log start.
  /// - Throws: ``EvidenceError``: `.removed`, `.contradiction` when a record is not the one that was
  ///   hashed.
  public func leaves(_ offsets: Range<Offset>) throws(EvidenceError) -> [RecordLeaf] {
    let (first, end) = (offsets.lowerBound.rawValue, offsets.upperBound.rawValue)
    guard first >= source.logStart else {
      throw .removed(offsets.lowerBound..<Offset(rawValue: source.logStart))
    }
    var leaves: [RecordLeaf] = []
    for offset in first..<end {
      let place = Int(offset % blockLeafCount)
      let block = try block(offset / blockLeafCount, leafCount: place + 1)
      guard let leaf = block.leaf(place) else { throw .notCovered(offsets.upperBound) }
      guard leaf.offset == offset else { throw .contradiction(offsets) }
      leaves.append(leaf)
    }
    return leaves
  }

  /// First offset whose record is still there.
  public var logStartOffset: Offset { Offset(rawValue: source.logStart) }

  public func hash(level: Int, index: UInt64) throws(EvidenceError) -> Digest {
    if level < IntegrityFrame.keptLevel {
      let shift = UInt64(IntegrityFrame.keptLevel - level)
      let place = Int(index & (1 << shift - 1))
      let block = try block(index >> shift, leafCount: (place + 1) << level)
      guard block.levels[level].indices.contains(place) else {
        throw .notCovered(Offset(rawValue: (index + 1) << UInt64(level) - 1))
      }
      return block.levels[level][place]
    }
    let node = Node(level: level, index: index)
    if let hash = memory.cache.withLock({ $0.nodes[node] }) { return hash }
    let hash = try find(node)
    memory.cache.withLock { cache in
      if cache.nodes.count >= Cache.nodeCountLimit { cache.nodes = [:] }
      cache.nodes[node] = hash
    }
    return hash
  }

  // MARK: Nodes that are kept

  private func find(_ node: Node) throws(EvidenceError) -> Digest {
    let last = (node.index + 1) << UInt64(node.level) - 1
    if last >= source.logStart, let hash = try kept(node, last: last) { return hash }
    if node.level == IntegrityFrame.keptLevel {
      if let hash = removed.node(ofBlock: node.index) { return hash }
      let block = try block(node.index, leafCount: Int(blockLeafCount))
      guard block.isWhole, let pair = block.levels.last, pair.count == 2 else {
        throw .notCovered(Offset(rawValue: last))
      }
      return MerkleTree.nodeHash(pair[0], pair[1])
    }
    return MerkleTree.nodeHash(
      try hash(level: node.level - 1, index: 2 * node.index),
      try hash(level: node.level - 1, index: 2 * node.index + 1))
  }

  /// A node as a seal block or an integrity frame has it.
  ///
  /// - Parameter last: The last leaf under it, whose group completed it.
  private func kept(_ node: Node, last: UInt64) throws(EvidenceError) -> Digest? {
    if let log = source as? StreamLog, let hash = log.keptNode(node.level, node.index) {
      return Digest(hash)
    }
    do throws(ReadError) {
      // What was just appended may stand in a segment that is not known yet.
      if last >= source.visible { try source.refresh() }
      for entry in source.entries(from: last) {
        if let tiles = try entry.tiles() {
          if let hash = tiles.hash(level: node.level, index: node.index) { return Digest(hash) }
          if last < tiles.offsets.upperBound { return nil }
          // The group that completed it stands in a later segment.
          continue
        }
        guard let group = try entry.group(covering: last, visible: source.visible) else { continue }
        return group.hash(level: node.level, index: node.index).flatMap { Digest($0) }
      }
      return nil
    } catch {
      throw .read(error)
    }
  }

  // MARK: Nodes that are made again

  /// A block with so many leaves at least, if there are.
  private func block(_ number: UInt64, leafCount: Int) throws(EvidenceError) -> Block {
    let known = memory.cache.withLock { $0.blocks[number] }
    // A block grows, and changes never.
    if let known, known.levels[0].count >= leafCount { return known }
    var leaves: [Digest] = []
    var data: [UInt8] = []
    let first = number * blockLeafCount
    var next = first
    // What is stated and still there is read: only so its data are known.
    let end = min(first + blockLeafCount, max(source.logStart, first))
    while next < end, let leaf = removed.leaf(at: next) {
      leaves.append(leaf)
      next += 1
    }
    if next < first + blockLeafCount {
      guard next >= source.logStart else {
        throw .removed(Offset(rawValue: next)..<Offset(rawValue: source.logStart))
      }
      let read = try readLeaves(from: next, to: first + blockLeafCount)
      (leaves, data) = (leaves + read.leaves, read.data)
    }
    var block = Block(levels: [leaves], data: data)
    for level in 1..<IntegrityFrame.keptLevel {
      let below = block.levels[level - 1]
      block.levels.append(
        below.count < 2
          ? [] : MerkleTree.nodeHashes(of: below.span.extracting(first: below.count & ~1)))
    }
    if block.isWhole { try check(block, number) }
    memory.cache.withLock { cache in
      if cache.blocks.count >= Cache.blockCountLimit { cache.blocks = [:] }
      cache.blocks[number] = block
    }
    return block
  }

  /// Compares a block with what its group said.
  private func check(_ block: Block, _ number: UInt64) throws(EvidenceError) {
    let last = (number + 1) * blockLeafCount - 1
    guard last >= source.logStart, let pair = block.levels.last, pair.count == 2,
      let kept = try kept(Node(level: IntegrityFrame.keptLevel, index: number), last: last)
    else { return }
    guard MerkleTree.nodeHash(pair[0], pair[1]) == kept else {
      throw .contradiction(
        Offset(rawValue: number * blockLeafCount)..<Offset(rawValue: last + 1))
    }
  }

  private func readLeaves(from first: UInt64, to end: UInt64) throws(EvidenceError) -> (
    leaves: [Digest], data: [UInt8]
  ) {
    do throws(ReadError) {
      return try LeafSource.leavesAndData(
        source, from: first, to: min(end, source.visible), redacted: redacted)
    } catch {
      throw .read(error)
    }
  }
}

extension StreamLog {
  /// A node that a group in the segment that takes the appends completed.
  func keptNode(_ level: Int, _ index: UInt64) -> [UInt8]? {
    state.withLock { $0.progress.tiles?.hash(level: level, index: index) }
  }
}
