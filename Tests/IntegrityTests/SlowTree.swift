import Cryptography
import Integrity

/// A tree as RFC 6962 writes it: whole, recursive and slow.
struct SlowTree: TreeHashes {
  let leaves: [Digest]
  /// The roots of complete subtrees, by level.
  private let complete: [[Digest]]

  init(leaves: [Digest]) {
    self.leaves = leaves
    var complete = [leaves]
    while let below = complete.last, below.count > 1 {
      complete.append(
        stride(from: 0, to: below.count - 1, by: 2).map {
          SHA256.digest([1] + below[$0].bytes + below[$0 + 1].bytes)
        })
    }
    self.complete = complete
  }

  /// `MTH(D[range])`.
  func root(of range: Range<Int>) -> Digest {
    if range.isEmpty { return SHA256.digest([]) }
    if range.count == 1 { return leaves[range.lowerBound] }
    var k = 1
    while k * 2 < range.count { k *= 2 }
    let middle = range.lowerBound + k
    return SHA256.digest(
      [1] + root(of: range.lowerBound..<middle).bytes + root(of: middle..<range.upperBound).bytes)
  }

  /// `PATH(m, D[range])`.
  func path(_ m: Int, _ range: Range<Int>) -> [Digest] {
    if range.count == 1 { return [] }
    var k = 1
    while k * 2 < range.count { k *= 2 }
    let middle = range.lowerBound + k
    return m < k
      ? path(m, range.lowerBound..<middle) + [root(of: middle..<range.upperBound)]
      : path(m - k, middle..<range.upperBound) + [root(of: range.lowerBound..<middle)]
  }

  /// `SUBPROOF(m, D[range], b)`.
  func proof(_ m: Int, _ range: Range<Int>, _ isWhole: Bool = true) -> [Digest] {
    if m == range.count { return isWhole ? [] : [root(of: range)] }
    var k = 1
    while k * 2 < range.count { k *= 2 }
    let middle = range.lowerBound + k
    return m <= k
      ? proof(m, range.lowerBound..<middle, isWhole) + [root(of: middle..<range.upperBound)]
      : proof(m - k, middle..<range.upperBound, false) + [root(of: range.lowerBound..<middle)]
  }

  func hash(level: Int, index: UInt64) -> Digest { complete[level][Int(index)] }

  /// A tree whose leaves are the bytes 0, 1, 2 and so on.
  static func counting(_ count: Int) -> SlowTree {
    SlowTree(leaves: (0..<count).map { MerkleTree.leafHash([UInt8($0)]) })
  }
}
