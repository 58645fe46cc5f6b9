import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct RemovedLeavesTests {
  private static func leaf(_ offset: UInt64) -> Digest {
    SHA256.digest([UInt8(truncatingIfNeeded: offset), UInt8(truncatingIfNeeded: offset >> 8), 1])
  }

  private static func block(_ number: UInt64) -> Digest {
    SHA256.digest([UInt8(truncatingIfNeeded: number), 2])
  }

  /// A removal that keeps leaves of the blocks that are removed in part, and of those named.
  private static func removal(
    _ range: Range<UInt64>, _ coverage: EvidenceCoverage = .tree, leavesOf kept: Set<UInt64> = []
  ) -> RecordRemoval {
    var removal = RecordRemoval(
      firstOffset: range.lowerBound, nextOffset: range.upperBound, time: 0, groupCount: 0,
      groupedOffset: 0, head: Digest(), coverage: coverage, cause: .request, reason: "")
    for number in RecordRemoval.blocks(from: range.lowerBound, to: range.upperBound) {
      let offsets = removal.offsets(ofBlock: number)
      let hasLeaves = offsets.count < 256 || kept.contains(number)
      removal.hasLeaves.append(hasLeaves)
      removal.hashes += hasLeaves ? offsets.map(leaf) : [block(number)]
    }
    return removal
  }

  @Test func `what a statement keeps is found by its offset, and nothing else is`() {
    var leaves = RemovedLeaves()
    leaves.add(Self.removal(100..<1_100, leavesOf: [2]))
    for offset in 0..<1_300 as Range<UInt64> {
      let isKept =
        (100..<256).contains(offset) || (512..<768).contains(offset)
        || (1_024..<1_100).contains(offset)
      #expect(leaves.leaf(at: offset) == (isKept ? Self.leaf(offset) : nil), "\(offset)")
    }
    for number in 0..<6 as Range<UInt64> {
      let isWhole = number == 1 || number == 3
      #expect(leaves.node(ofBlock: number) == (isWhole ? Self.block(number) : nil), "\(number)")
    }
  }

  @Test func `statements are put together in whatever order they come`() {
    let parts: [Range<UInt64>] = [0..<300, 300..<600, 600..<1_024]
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
      var leaves = RemovedLeaves()
      for part in order { leaves.add(Self.removal(parts[part])) }
      #expect(leaves.nextOffset == 1_024)
      for offset in [256, 299, 300, 511, 512, 599, 600, 767] as [UInt64] {
        #expect(leaves.leaf(at: offset) == Self.leaf(offset))
      }
      #expect(leaves.node(ofBlock: 0) == Self.block(0) && leaves.node(ofBlock: 3) == Self.block(3))
      // Of the block that two statements went through there is no hash of its own.
      #expect(leaves.node(ofBlock: 1) == nil && leaves.leaf(at: 0) == nil)
    }
  }

  @Test func `a hole ends what is gone from the first offset on`() {
    var leaves = RemovedLeaves()
    #expect(leaves.nextOffset == 0 && leaves.leaf(at: 0) == nil && leaves.node(ofBlock: 0) == nil)
    leaves.add(Self.removal(512..<768))
    #expect(leaves.nextOffset == 0 && leaves.node(ofBlock: 2) == Self.block(2))
    leaves.add(Self.removal(0..<256))
    #expect(leaves.nextOffset == 256)
    leaves.add(Self.removal(256..<512))
    #expect(leaves.nextOffset == 768)
  }

  @Test func `statements without a tree, and hashes that nobody knew, give nothing`() {
    var leaves = RemovedLeaves()
    leaves.add(Self.removal(0..<256, .chain))
    #expect(leaves.nextOffset == 0 && leaves.node(ofBlock: 0) == nil)
    var lost = Self.removal(0..<520)
    lost.hashes[0] = Digest()
    lost.hashes[3] = Digest()
    leaves.add(lost)
    #expect(leaves.node(ofBlock: 0) == nil && leaves.node(ofBlock: 1) == Self.block(1))
    #expect(leaves.leaf(at: 512) == Self.leaf(512) && leaves.leaf(at: 513) == nil)
  }
}
