public import Cryptography

/// The proof that a leaf is at a place of a tree (RFC 9162, section 2.1.3).
public struct InclusionProof: Hashable, Sendable {
  /// Index of the leaf, from 0.
  public let index: UInt64
  /// Leaves of the tree.
  public let size: UInt64
  /// Hashes of the neighbours on the way up, the leaf's own first.
  public let path: [Digest]

  /// A proof as it was read; nothing is checked yet.
  public init(index: UInt64, size: UInt64, path: [Digest]) {
    (self.index, self.size, self.path) = (index, size, path)
  }

  /// Hashes that the proof for a leaf of a tree has.
  static func pathCount(index: UInt64, size: UInt64) -> (inner: Int, border: Int) {
    let inner = 64 - (index ^ (size - 1)).leadingZeroBitCount
    return (inner, inner == 64 ? 0 : (index >> UInt64(inner)).nonzeroBitCount)
  }

  /// The root of the tree that has a leaf at this place.
  ///
  /// - Throws: ``ProofError``: `.range`, `.pathLength`.
  public func root(ofLeaf leaf: Digest) throws(ProofError) -> Digest {
    guard index < size else { throw .range }
    let (inner, border) = Self.pathCount(index: index, size: size)
    guard path.count == inner + border else {
      throw .pathLength(expected: inner + border, found: path.count)
    }
    var hash = leaf
    for (level, neighbour) in path.enumerated() {
      let isRight = level >= inner || index >> UInt64(level) & 1 == 1
      hash =
        isRight ? MerkleTree.nodeHash(neighbour, hash) : MerkleTree.nodeHash(hash, neighbour)
    }
    return hash
  }

  /// Checks that a leaf is at this place of the tree with some root.
  ///
  /// Size and root must come from a signed checkpoint: a root alone does not bind the size.
  ///
  /// - Throws: ``ProofError``: `.range`, `.pathLength`, `.rootMismatch`.
  public func verify(leaf: Digest, root: Digest) throws(ProofError) {
    let found = try self.root(ofLeaf: leaf)
    guard found == root else { throw .rootMismatch(expected: root, found: found) }
  }
}
