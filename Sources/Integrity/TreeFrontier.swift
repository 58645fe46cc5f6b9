public import Cryptography

/// The right edge of a growing Merkle tree: the roots of its largest complete subtrees, left to right,
/// from which the tree's root follows and to which leaves are added. At most 64 hashes.
public struct TreeFrontier: Hashable, Sendable {
  /// Leaves so far.
  public private(set) var size: UInt64
  /// One hash for each bit of `size` that is set, the largest subtree first.
  public private(set) var hashes: [Digest]

  /// The frontier of the empty tree.
  public init() { (size, hashes) = (0, []) }

  /// A frontier that was kept; `nil` when there is not one hash for each set bit of the size.
  public init?(size: UInt64, hashes: [Digest]) {
    guard hashes.count == size.nonzeroBitCount else { return nil }
    (self.size, self.hashes) = (size, hashes)
  }

  /// The root of the tree.
  public var root: Digest {
    guard var root = hashes.last else { return MerkleTree.emptyRoot }
    for hash in hashes.dropLast().reversed() { root = MerkleTree.nodeHash(hash, root) }
    return root
  }

  /// Adds a leaf.
  ///
  /// - Precondition: The tree has fewer than 2^64 - 1 leaves.
  public mutating func append(_ leaf: Digest) {
    var hash = leaf
    var index = size
    while index & 1 == 1 {
      hash = MerkleTree.nodeHash(hashes.removeLast(), hash)
      index >>= 1
    }
    hashes.append(hash)
    size += 1
  }

  /// Hashes of one level of a tree that were completed together.
  public struct Run: Hashable, Sendable {
    /// Height above the leaves.
    public let level: Int
    /// Index of the first of them in its level.
    public let index: UInt64
    /// The hashes, left to right.
    public let hashes: [Digest]
  }

  /// Adds leaves, hashing the nodes of each level side by side.
  ///
  /// - Parameters:
  ///   - leaves: Hashes of the leaves, in order.
  ///   - kernel: How to hash; must be supported.
  ///   - body: Gets the nodes that are complete now, level by level, from the leaves up.
  /// - Precondition: The tree has fewer than 2^64 - 1 leaves afterwards.
  public mutating func append(
    _ leaves: [Digest], kernel: SHA256.Kernel = .best, _ body: (Run) -> Void = { _ in }
  ) {
    guard !leaves.isEmpty else { return }
    let before = size
    size += UInt64(leaves.count)
    var fresh = leaves
    var level = 0
    // Subtrees of the new edge, the smallest first.
    var edge: [Digest] = []
    while !fresh.isEmpty || before >> UInt64(level) != 0 {
      let index = before >> UInt64(level)
      if !fresh.isEmpty { body(Run(level: level, index: index, hashes: fresh)) }
      // An odd node of before is the left neighbour of the first new one.
      var row = fresh
      if index & 1 == 1 { row.insert(hashes.removeLast(), at: 0) }
      if !row.count.isMultiple(of: 2) { edge.append(row.removeLast()) }
      fresh = row.isEmpty ? [] : MerkleTree.nodeHashes(of: row.span, kernel: kernel)
      level += 1
      if level == 64 { break }
    }
    hashes = edge.reversed()
  }
}
