public import Cryptography

/// A tree with all hashes of its complete subtrees in memory: 64 bytes a leaf. For logs that are small, and
/// for tests; the hashes of large ones stay in files.
public struct StoredTree: TreeHashes, Sendable {
  private var frontier = TreeFrontier()
  /// The roots of complete subtrees, left to right, by level.
  private var levels: [[Digest]] = []

  /// The tree without leaves.
  public init() {}

  /// Leaves so far.
  public var size: UInt64 { frontier.size }
  /// The root of the tree.
  public var root: Digest { frontier.root }

  /// Adds leaves.
  ///
  /// - Parameter leaves: Hashes of the leaves, in order.
  public mutating func append(_ leaves: [Digest]) {
    var grown = levels
    // Not two owners while the levels grow.
    levels = []
    frontier.append(leaves) { run in
      if run.level == grown.count { grown.append([]) }
      grown[run.level] += run.hashes
    }
    levels = grown
  }

  public func hash(level: Int, index: UInt64) -> Digest { levels[level][Int(index)] }

  /// The root that the tree had with fewer leaves.
  ///
  /// - Precondition: `size` is not above the tree's.
  public func root(atSize size: UInt64) -> Digest { root(over: 0..<size) }
}
