public import Cryptography

/// The hashes of a tree's complete subtrees: what proofs are made from.
public protocol TreeHashes {
  /// Why a hash cannot be had.
  associatedtype Failure: Error

  /// The root of the complete subtree over the leaves `index << level ..< (index + 1) << level`.
  func hash(level: Int, index: UInt64) throws(Failure) -> Digest
}

extension TreeHashes {
  /// The root over a range of leaves that is a subtree of a tree: its complete parts, folded together.
  ///
  /// - Parameter range: Not empty; begins at a multiple of the least power of two not below its length.
  public func root(over range: Range<UInt64>) throws(Failure) -> Digest {
    var parts: [Digest] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let left = range.upperBound - start
      let level = 63 - left.leadingZeroBitCount
      parts.append(try hash(level: level, index: start >> UInt64(level)))
      start += 1 << UInt64(level)
    }
    guard var root = parts.popLast() else { return MerkleTree.emptyRoot }
    while let part = parts.popLast() { root = MerkleTree.nodeHash(part, root) }
    return root
  }

  /// The proof that a leaf is part of the tree of some size.
  ///
  /// - Precondition: `index < size`, and all leaves below `size` are there.
  public func inclusionProof(index: UInt64, size: UInt64) throws(Failure) -> InclusionProof {
    precondition(index < size)
    var path: [Digest] = []
    var tree = 0..<size
    while tree.upperBound - tree.lowerBound > 1 {
      let middle = tree.lowerBound + MerkleTree.splitPoint(tree.upperBound - tree.lowerBound)
      if index < middle {
        path.append(try root(over: middle..<tree.upperBound))
        tree = tree.lowerBound..<middle
      } else {
        path.append(try root(over: tree.lowerBound..<middle))
        tree = middle..<tree.upperBound
      }
    }
    return InclusionProof(index: index, size: size, path: path.reversed())
  }

  /// The proof that the tree of some size goes on from an earlier one.
  ///
  /// - Precondition: `oldSize <= size`, and all leaves below `size` are there.
  public func consistencyProof(oldSize: UInt64, size: UInt64) throws(Failure) -> ConsistencyProof {
    precondition(oldSize <= size)
    let path = oldSize == 0 ? [] : try consistencyPath(of: 0..<oldSize, size: size)
    return ConsistencyProof(oldSize: oldSize, size: size, path: path)
  }

  /// The proof that a subtree is part of the tree of some size.
  ///
  /// - Precondition: The range is a subtree and ends at or before `size`.
  public func subtreeProof(_ range: Range<UInt64>, size: UInt64) throws(Failure)
    -> ConsistencyProof
  {
    precondition(ConsistencyProof.isSubtree(range) && range.upperBound <= size)
    return ConsistencyProof(
      subtree: range, size: size, path: try consistencyPath(of: range, size: size))
  }

  private func consistencyPath(of range: Range<UInt64>, size: UInt64) throws(Failure) -> [Digest] {
    var path: [Digest] = []
    var (inner, tree) = (range, 0..<size)
    var isKnown = true
    while inner != tree {
      let middle = tree.lowerBound + MerkleTree.splitPoint(tree.upperBound - tree.lowerBound)
      if inner.upperBound <= middle {
        path.append(try root(over: middle..<tree.upperBound))
        tree = tree.lowerBound..<middle
      } else {
        path.append(try root(over: tree.lowerBound..<middle))
        if inner.lowerBound < middle {
          inner = middle..<inner.upperBound
          isKnown = false
        }
        tree = middle..<tree.upperBound
      }
    }
    if !isKnown { path.append(try root(over: inner)) }
    return path.reversed()
  }
}
