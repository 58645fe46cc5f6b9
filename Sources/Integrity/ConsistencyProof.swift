public import Cryptography

/// The proof that some leaves of a tree are those of an earlier tree, or of a subtree
/// (RFC 9162, section 2.1.4; draft-ietf-plants-merkle-tree-certs, section 4).
public struct ConsistencyProof: Hashable, Sendable {
  /// The leaves that both have; from 0 for an earlier tree.
  public let range: Range<UInt64>
  /// Leaves of the tree.
  public let size: UInt64
  /// Hashes, those next to the range first.
  public let path: [Digest]

  /// The proof that a tree goes on from an earlier one, as it was read; nothing is checked yet.
  public init(oldSize: UInt64, size: UInt64, path: [Digest]) {
    (range, self.size, self.path) = (0..<oldSize, size, path)
  }

  /// The proof that a subtree is part of a tree, as it was read; nothing is checked yet.
  public init(subtree range: Range<UInt64>, size: UInt64, path: [Digest]) {
    (self.range, self.size, self.path) = (range, size, path)
  }

  /// Whether a range of leaves is a subtree: it begins at a multiple of the least power of two that is
  /// not below its length.
  public static func isSubtree(_ range: Range<UInt64>) -> Bool {
    guard !range.isEmpty else { return false }
    let length = range.upperBound - range.lowerBound
    guard length > 1 else { return true }
    let bits = UInt64(64 - (length - 1).leadingZeroBitCount)
    return bits == 64 ? range.lowerBound == 0 : range.lowerBound & (1 << bits - 1) == 0
  }

  /// Checks that the leaves of the range, whose own root is `part`, are those of the tree with `root`.
  ///
  /// No leaves at all are part of every tree: the proof is then empty, and proves nothing.
  ///
  /// - Throws: ``ProofError``.
  public func verify(part: Digest, root: Digest) throws(ProofError) {
    guard range.upperBound <= size else { throw .range }
    if range.isEmpty {
      guard path.isEmpty else { throw .pathLength(expected: 0, found: path.count) }
      guard part == MerkleTree.emptyRoot else {
        throw .rootMismatch(expected: part, found: MerkleTree.emptyRoot)
      }
      return
    }
    guard Self.isSubtree(range) else { throw .range }
    let expected = Self.pathCount(range, size: size)
    guard path.count == expected else { throw .pathLength(expected: expected, found: path.count) }
    var rest = path[...]
    let found = Self.roots(of: range, in: 0..<size, knowing: part, &rest)
    guard found.part == part else { throw .rootMismatch(expected: part, found: found.part) }
    guard found.whole == root else { throw .rootMismatch(expected: root, found: found.whole) }
  }

  /// Hashes that the proof for a range has.
  static func pathCount(_ range: Range<UInt64>, size: UInt64) -> Int {
    var count = 0
    var (inner, outer) = (range, 0..<size)
    var isKnown = true
    while inner != outer {
      count += 1
      let middle = outer.lowerBound + MerkleTree.splitPoint(outer.upperBound - outer.lowerBound)
      if inner.upperBound <= middle {
        outer = outer.lowerBound..<middle
      } else {
        if inner.lowerBound < middle {
          inner = middle..<inner.upperBound
          isKnown = false
        }
        outer = middle..<outer.upperBound
      }
    }
    return count + (isKnown ? 0 : 1)
  }

  /// The roots of a range and of the tree around it, from the hashes of a path of the right length.
  ///
  /// - Parameter part: The root of the range, where the range is all that is left of it: the path does
  ///   not repeat what is known.
  private static func roots(
    of range: Range<UInt64>, in tree: Range<UInt64>, knowing part: Digest?,
    _ path: inout ArraySlice<Digest>
  ) -> (part: Digest, whole: Digest) {
    if range == tree {
      let hash = part ?? path.popFirst() ?? Digest()
      return (hash, hash)
    }
    let middle = tree.lowerBound + MerkleTree.splitPoint(tree.upperBound - tree.lowerBound)
    if range.upperBound <= middle {
      let left = roots(of: range, in: tree.lowerBound..<middle, knowing: part, &path)
      let right = path.popFirst() ?? Digest()
      return (left.part, MerkleTree.nodeHash(left.whole, right))
    }
    let isSplit = range.lowerBound < middle
    let right = roots(
      of: max(range.lowerBound, middle)..<range.upperBound, in: middle..<tree.upperBound,
      knowing: isSplit ? nil : part, &path)
    let left = path.popFirst() ?? Digest()
    let whole = MerkleTree.nodeHash(left, right.whole)
    return (isSplit ? MerkleTree.nodeHash(left, right.part) : right.part, whole)
  }
}
