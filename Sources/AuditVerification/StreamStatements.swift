internal import Cryptography
internal import Integrity

/// What the store's statements say of one stream.
struct StreamStatements: Sendable {
  /// How far chain and tree had come, in the order in which it was stated.
  var heads: [StatedHeads] = []
  /// What is gone, from offset 0 on; `nil` when nothing is.
  var removed: RemovedPart?
  /// Leaves of records whose content was taken out.
  var redacted: [UInt64: RecordLeaf] = [:]
}

/// Heads of a stream as they were stated.
struct StatedHeads: Hashable, Sendable {
  /// Offset of the statement in the evidence stream.
  var statementOffset: UInt64
  var groupCount: UInt64
  var nextOffset: UInt64
  var coverage: EvidenceCoverage
  var head: Digest
  var root: Digest

  init(_ heads: StreamHeads, statementOffset: UInt64) {
    self.statementOffset = statementOffset
    (groupCount, nextOffset) = (heads.groupCount, heads.nextOffset)
    (coverage, head, root) = (heads.coverage, heads.head, heads.root)
  }
}

/// The part of a stream that was removed, from its first record on: what chain and tree go on from.
struct RemovedPart: Sendable {
  /// The first offset that is not gone.
  private(set) var nextOffset: UInt64 = 0
  /// Groups of the chain that are gone as a whole, the offset behind the last, and the head with it.
  private(set) var groupCount: UInt64 = 0
  private(set) var groupedOffset: UInt64 = 0
  private(set) var head = Digest()
  /// Offsets before ``nextOffset`` that no statement explains.
  private(set) var holes: [Range<UInt64>] = []
  /// Roots of sizes that are wanted.
  private(set) var roots: [UInt64: Digest] = [:]
  private var coverage: EvidenceCoverage?
  /// The tree over all that is gone; `nil` where a hash of it is not known.
  private var tree: TreeFrontier? = TreeFrontier()
  /// Leaves from ``groupedOffset`` on, of a chain.
  private var chainLeaves: [Digest]? = []

  /// What the next group goes on from, where no group was removed in part and all hashes are known.
  var state: EvidenceState? {
    guard groupedOffset == nextOffset else { return nil }
    let chain = HashChain(count: groupCount, head: head)
    switch coverage {
    case .tree:
      return tree.map { EvidenceState(chain: chain, frontier: $0, nextOffset: nextOffset) }
    case .chain:
      return EvidenceState(chain: chain, frontier: TreeFrontier(), nextOffset: nextOffset)
    case nil: return nil
    }
  }

  /// The tree that the group which was removed in part goes on with.
  func edge(_ coverage: EvidenceCoverage) -> TreeFrontier? {
    guard coverage == .chain else { return tree }
    var edge = TreeFrontier()
    guard let chainLeaves else { return nil }
    edge.append(chainLeaves)
    return edge
  }

  /// Takes the next removal.
  ///
  /// - Parameters:
  ///   - removal: What is gone.
  ///   - wanted: Sizes whose roots are wanted.
  mutating func take(_ removal: RecordRemoval, wanted: Set<UInt64>) {
    if removal.firstOffset > nextOffset {
      holes.append(nextOffset..<removal.firstOffset)
      (tree, chainLeaves) = (nil, nil)
    }
    guard removal.firstOffset >= nextOffset else { return }
    coverage = removal.coverage
    switch removal.coverage {
    case .tree: fold(removal, wanted)
    case .chain:
      let first = max(removal.firstOffset, removal.groupedOffset)
      if removal.groupedOffset >= removal.firstOffset { chainLeaves = [] }
      // The leaves of a group that several removals go through.
      if removal.groupedOffset < removal.firstOffset, removal.groupedOffset != groupedOffset {
        chainLeaves = nil
      }
      if removal.hashes.contains(Digest()) || first > removal.nextOffset {
        chainLeaves = nil
      } else {
        chainLeaves? += removal.hashes
      }
    case nil: (tree, chainLeaves) = (nil, nil)
    }
    nextOffset = removal.nextOffset
    (groupCount, groupedOffset) = (removal.groupCount, removal.groupedOffset)
    head = removal.head
  }

  private mutating func fold(_ removal: RecordRemoval, _ wanted: Set<UInt64>) {
    var index = 0
    let blockLeafCount = RecordRemoval.blockLeafCount
    for (block, hasLeaves) in removal.hasLeaves.enumerated() {
      let start = (removal.firstOffset / blockLeafCount + UInt64(block)) * blockLeafCount
      let first = max(start, removal.firstOffset)
      let next = min(start + blockLeafCount, removal.nextOffset)
      let count = hasLeaves ? Int(next - first) : 1
      guard index + count <= removal.hashes.count else { return tree = nil }
      for hash in removal.hashes[index..<(index + count)] {
        if hash == Digest() {
          tree = nil
        } else if hasLeaves {
          tree?.append(hash)
        } else {
          tree = tree?.appending(block: hash)
        }
        if let tree, wanted.contains(tree.size) { roots[tree.size] = tree.root }
      }
      index += count
    }
  }
}

extension TreeFrontier {
  /// The tree with a whole block of 256 leaves more; `nil` unless it has whole blocks alone.
  ///
  /// - Parameter body: Gets the level and hash of each node that is complete now.
  func appending(block: Digest, _ body: (Int, Digest) -> Void = { _, _ in }) -> TreeFrontier? {
    guard size % RecordRemoval.blockLeafCount == 0 else { return nil }
    var hashes = hashes
    var hash = block
    var level = UInt64(EvidenceBuilder.keptLevel)
    body(Int(level), hash)
    while size >> level & 1 == 1, let left = hashes.popLast() {
      hash = MerkleTree.nodeHash(left, hash)
      level += 1
      body(Int(level), hash)
    }
    hashes.append(hash)
    return TreeFrontier(size: size + RecordRemoval.blockLeafCount, hashes: hashes)
  }
}
