internal import ByteCoding
public import Cryptography

/// Hashes of a Merkle tree as RFC 6962, section 2.1, and RFC 9162, section 2.1, define them: leaves and
/// nodes are told apart by their first byte, and nothing is padded or repeated.
public enum MerkleTree {
  /// The root of the tree without leaves: the digest of nothing.
  public static let emptyRoot = SHA256.digest([])

  /// What stands in front of a leaf's data.
  static let leafPrefix: UInt8 = 0
  /// What stands in front of two children.
  static let nodePrefix: UInt8 = 1

  /// The hash of a leaf with some data.
  public static func leafHash(_ data: RawSpan) -> Digest {
    SHA256.digest(prefix: [leafPrefix], data)
  }

  /// The hash of a leaf with some data.
  public static func leafHash(_ data: [UInt8]) -> Digest { leafHash(data.rawSpan) }

  /// The hash of a node with two children.
  public static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
    nodeHashes(of: [left, right].span, kernel: .portable)[0]
  }

  /// The hashes of leaves whose data are ranges of some bytes.
  ///
  /// - Parameters:
  ///   - ranges: Where the data of each leaf is, in `0..<bytes.byteCount`.
  ///   - bytes: Memory with the data of all.
  ///   - kernel: How to hash; must be supported.
  public static func leafHashes(
    of ranges: [Range<Int>], in bytes: RawSpan, kernel: SHA256.Kernel = .best
  ) -> [Digest] {
    SHA256.digests(of: ranges, in: bytes, prefix: [leafPrefix], kernel: kernel)
  }

  /// The hashes of leaves with data of equal length that stand one behind the other.
  ///
  /// - Parameters:
  ///   - bytes: The data of all leaves; a whole number of them.
  ///   - byteCount: Bytes of one leaf's data, in `1...118`.
  ///   - kernel: How to hash; must be supported.
  public static func leafHashes(
    of bytes: RawSpan, byteCount: Int, kernel: SHA256.Kernel = .best
  ) -> [Digest] {
    SHA256.digests(prefix: leafPrefix, of: bytes, byteCount: byteCount, kernel: kernel)
  }

  /// The hashes of the nodes above neighbours: of the first and second, the third and fourth, and so on.
  ///
  /// - Parameters:
  ///   - children: An even number of hashes.
  ///   - kernel: How to hash; must be supported.
  public static func nodeHashes(
    of children: Span<Digest>, kernel: SHA256.Kernel = .best
  ) -> [Digest] {
    precondition(children.count.isMultiple(of: 2))
    // Safety: a digest is 32 bytes without padding, one behind the other.
    return unsafe SHA256.digests(
      prefix: nodePrefix, of: children.bytes, byteCount: 2 * Digest.byteCount, kernel: kernel)
  }

  /// The largest power of two below a number of leaves, where a tree is split; `leafCount` at least 2.
  public static func splitPoint(_ leafCount: UInt64) -> UInt64 {
    1 << UInt64(63 - (leafCount - 1).leadingZeroBitCount)
  }
}
