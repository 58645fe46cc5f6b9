import Cryptography
import Integrity
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

@Suite struct PathCollectorTests {
  private static func leaf(_ index: Int) -> Digest {
    SHA256.digest([UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index >> 8)])
  }

  /// Whole blocks of some leaves that begin at an offset.
  private static func blocks(_ leaves: ArraySlice<Digest>, from first: Int) -> [ChunkAccount.Block]
  {
    var blocks: [ChunkAccount.Block] = []
    var start = (first + 255) / 256 * 256
    while start + 256 <= first + leaves.count {
      var tree = TreeFrontier()
      tree.append(Array(leaves[(leaves.startIndex + start - first)...].prefix(256)))
      blocks.append(
        ChunkAccount.Block(hash: tree.root, firstTime: 0, lastTime: 0, position: 0))
      start += 256
    }
    return blocks
  }

  @Test(arguments: [false, true])
  func `a path that is collected on the way is that of a tree in memory`(_ hasBlocks: Bool) throws {
    let random = SeededRandom(seed: 3)
    let leaves = (0..<3_000).map(Self.leaf)
    var tree = StoredTree()
    tree.append(leaves)
    var sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_024, 2_816, 3_000]
    for _ in 0..<60 { sizes.append(1 + Int(random.below(3_000))) }
    for size in sizes {
      for index in Set([0, size / 2, size - 1, Int(random.below(size))]) {
        var collector = PathCollector(index: UInt64(index), size: UInt64(size))
        var next = 0
        while next < leaves.count {
          let count = min(leaves.count - next, 1 + Int(random.below(900)))
          let piece = leaves[next..<(next + count)]
          let blocks = hasBlocks ? Self.blocks(piece, from: next) : []
          collector.take(piece, from: UInt64(next), blocks: blocks[...])
          next += count
        }
        let (leaf, proof) = try #require(collector.proof)
        #expect(leaf == leaves[index] && collector.unknown.isEmpty)
        #expect(proof == tree.inclusionProof(index: UInt64(index), size: UInt64(size)))
      }
    }
  }

  @Test func `what was taken before does nothing, and what is missing is noted`() throws {
    let leaves = (0..<700).map(Self.leaf)
    var collector = PathCollector(index: 3, size: 700)
    collector.take(leaves[0..<100], from: 0)
    collector.take(leaves[50..<100], from: 50)
    #expect(collector.next == 100 && collector.proof == nil)
    collector.take(leaves[90..<300], from: 90)
    #expect(collector.next == 300 && collector.unknown.isEmpty)
    collector.take(leaves[310..<700], from: 310)
    #expect(collector.isDone && collector.unknown == [300..<310])
  }

  @Test func `a removal gives blocks and leaves, and not what it does not know`() throws {
    let leaves = (0..<1_000).map(Self.leaf)
    var tree = StoredTree()
    tree.append(leaves)
    for (index, isKnown) in [(600, true), (300, false), (5, true)] {
      let removal = AuditRig.removal(
        0..<520, leaves: leaves, groups: [], coverage: .tree, statedSizes: [10])
      var collector = PathCollector(index: UInt64(index), size: 1_000)
      collector.take(removal)
      collector.take(leaves[520...], from: 520)
      #expect(collector.isDone && collector.unknown.isEmpty == isKnown, "\(index)")
      guard isKnown else { continue }
      #expect(collector.proof?.proof == tree.inclusionProof(index: UInt64(index), size: 1_000))
    }
    var removal = AuditRig.removal(0..<256, leaves: leaves, groups: [], coverage: .tree)
    removal.hashes = [Digest()]
    var collector = PathCollector(index: 600, size: 1_000)
    collector.take(removal)
    #expect(collector.unknown == [0..<256])
  }
}
